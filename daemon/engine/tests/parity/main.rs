//! Parity with diffusers and transformers: golden data from `tests/golden`.

mod golden;
mod pipeline;
mod samplers;
mod tokens;
