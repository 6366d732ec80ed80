//! Why a segmenter cannot be loaded or used.

use std::path::PathBuf;

use crate::error::LoadError;

/// Why a segmenter cannot be loaded, or cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The files cannot be turned into a network.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A sound file that holds no segmenter that this engine knows.
    #[error(
        "{} is no segmenter that is supported: {reason}. \
         SAM's ViT-B, ViT-L and ViT-H and MobileSAM are, as safetensors files with the names of \
         the original checkpoints",
        path.display()
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// A picture without pixels, or one that is too long for its width to be
    /// worked on.
    #[error("a picture of {width}x{height} pixels cannot be segmented")]
    Picture {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Nothing was pointed at.
    #[error("the prompt is empty: it has no point, no box and no mask")]
    EmptyPrompt,
    /// A number in a prompt that is none.
    #[error("{what} of the prompt is not a place on the picture: {x}, {y}")]
    Place {
        /// Which: a point or a box's corner.
        what: String,
        /// Pixels.
        x: f32,
        /// Pixels.
        y: f32,
    },
    /// More points or boxes than one prompt may have.
    #[error("a prompt may have {most} points and boxes, this one has {found}")]
    TooMany {
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// A previous mask or an embedding that belongs to another segmenter or
    /// picture.
    #[error("the {what} belongs to another picture or another segmenter")]
    Foreign {
        /// What was given.
        what: &'static str,
    },
    /// Whoever asked does not want it any more.
    #[error("the picture is no longer wanted")]
    Abandoned,
    /// The tensor library failed, for want of memory as a rule.
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
}
