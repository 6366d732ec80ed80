//! Parity with diffusers and transformers: golden data from `tests/golden`.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the report; the lint only knows functions marked as tests"
)]

mod golden;
mod hires;
mod inpaint;
mod loras;
mod networks;
mod pipeline;
mod regions;
mod samplers;
mod segmenters;
mod tokens;
