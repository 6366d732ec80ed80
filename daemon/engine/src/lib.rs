//! Checkpoints in, pixels out: Stable Diffusion on candle.

pub mod adapters;
pub mod attention;
pub mod config;
pub mod error;
pub mod layers;
pub mod noise;
pub mod ops;
pub mod resnet;
pub mod sampler;
pub mod schedule;
pub mod text_encoder;
pub mod unet;
pub mod vae;
pub mod weights;
