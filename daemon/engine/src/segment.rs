//! Segmentation: clicks and boxes in, masks out.
//!
//! *Segment Anything*, Kirillov et al. 2023: an image encoder that runs once a
//! picture ([`ImageEmbedding`]), and a prompt encoder and mask decoder that run
//! once a click. Encoders are the paper's ViT in any size, and MobileSAM's
//! TinyViT (Zhang et al. 2023). Tensors have the names of Meta's checkpoints;
//! which variant a file holds is told from its shapes, or from a `config.json`
//! beside it.

mod candidate;
mod config;
mod error;
mod image_frame;
mod mask_decoder;
mod norms;
mod part;
mod prompt;
mod prompt_encoder;
mod segmenter;
mod tiny_vit;
mod two_way;
mod vit;

pub use candidate::Candidate;
pub use config::{DecoderConfig, EncoderConfig, SegmenterConfig, Stage, TinyVitConfig, VitConfig};
pub use error::SegmentError;
pub use image_frame::MaskLogits;
pub use part::Part;
pub use prompt::{BoxPrompt, PointPrompt, Prompt};
pub use segmenter::{ImageEmbedding, Segmenter};
