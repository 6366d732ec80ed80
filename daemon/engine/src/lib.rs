//! Checkpoints in, pixels out: Stable Diffusion on candle.

pub mod noise;
pub mod ops;
pub mod sampler;
pub mod schedule;
