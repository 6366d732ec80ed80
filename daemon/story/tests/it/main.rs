//! What the crate promises, at its public face.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod cast;
mod plans;
mod prompts;
mod properties;
mod render;
mod scenes;
mod vocabularies;
