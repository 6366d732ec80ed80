//! What the crate promises, at its public face.

mod cast;
mod plans;
mod prompts;
mod properties;
mod render;
mod vocabularies;
