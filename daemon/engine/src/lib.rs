//! Checkpoints in, pixels out: Stable Diffusion on candle.

pub mod adapters;
pub mod attention;
pub mod conditioning;
pub mod config;
pub mod device;
pub mod error;
pub mod generation;
pub mod guidance;
mod inpaint;
pub mod layers;
pub mod ldm_names;
pub mod model_files;
pub mod noise;
pub mod ops;
pub mod pipeline;
pub mod preview;
pub mod prompt;
pub mod provenance;
pub mod request;
pub mod resnet;
pub mod safetensors_file;
pub mod sampler;
pub mod schedule;
pub mod text_encoder;
#[cfg(test)]
mod tiny;
pub mod tokenizer;
pub mod unet;
pub mod vae;
pub mod weights;
