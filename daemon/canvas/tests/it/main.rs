//! What the crate promises, at its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blurs;
mod composites;
mod contexts;
mod fills;
mod masks;
mod morphology;
mod parts;
mod shapes;
mod wilderness;
