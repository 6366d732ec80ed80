//! Checkpoints in, pixels out: Stable Diffusion on candle.

pub mod ops;
