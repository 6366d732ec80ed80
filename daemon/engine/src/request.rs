//! What can be asked of a model, and what it does when something is left open.

use std::path::PathBuf;

use image::{GrayImage, RgbImage};
use serde::{Deserialize, Serialize};

use crate::composition::RegionRequest;
use crate::guidance::GuidanceMode;
use crate::hires::Hires;
use crate::lora::LoraError;
use crate::prompt::PromptError;
use crate::sampler::{Sampler, StepError};
use crate::schedule::ScheduleError;

/// The longest side of a frame, in pixels.
pub const LARGEST_SIDE: u32 = 2048;
/// The largest weight of a LoRA, either way.
pub const LARGEST_LORA_WEIGHT: f32 = 4.0;
/// The most LoRAs of one frame, those of regions included.
pub const MOST_LORAS: usize = 32;
/// The largest guidance scale.
pub const LARGEST_GUIDANCE_SCALE: f32 = 100.0;

/// A request for one frame. What is `None` is the model's default.
#[derive(Debug, Clone, Default)]
pub struct GenerateRequest {
    /// The prompt as it is used; see [`crate::prompt`] for its syntax.
    pub prompt: String,
    /// The prompt as the user sent it, where it is another one.
    pub prompt_sent: Option<String>,
    /// What the frame should not show.
    pub negative_prompt: String,
    /// Width in pixels; left open, the init image's or the model's, with `hires`
    /// as many times that.
    pub width: Option<u32>,
    /// Height in pixels, as `width`.
    pub height: Option<u32>,
    /// How many steps.
    pub steps: Option<u32>,
    /// How strongly the prompt is followed; up to 1 means without guidance.
    pub guidance_scale: Option<f32>,
    /// How much of the contrast that guidance adds is taken back, 0 to 1.
    pub guidance_rescale: Option<f32>,
    /// How guidance is computed; `None` chooses by memory.
    pub guidance_mode: Option<GuidanceMode>,
    /// The sampler.
    pub sampler: Option<Sampler>,
    /// The seed of this frame. Candidate k of a request is seed + k.
    pub seed: u64,
    /// A picture to start from.
    pub init_image: Option<InitImage>,
    /// A region of a picture to paint anew, in place of a picture to start from.
    pub inpaint: Option<Inpaint>,
    /// A first pass at a smaller size; width and height are the frame's.
    pub hires: Option<Hires>,
    /// Text encoder layers left out at the end (diffusers' count: 0 is none).
    pub clip_skip: Option<u32>,
    /// LoRAs that act in the whole picture.
    pub loras: Vec<LoraUse>,
    /// Use of LoRAs that fit the model in part what fits.
    pub partial_loras: bool,
    /// Parts of the picture with prompts and LoRAs of their own.
    pub regions: Vec<RegionRequest>,
}

/// A LoRA to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraUse {
    /// Its name, for provenance and messages.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// How much of it is added to the UNet.
    pub weight: f32,
    /// How much of it is added to the text encoder; `None` is as much.
    pub text_weight: Option<f32>,
}

/// A picture to start from.
#[derive(Debug, Clone)]
pub struct InitImage {
    /// The picture; it is resized where a request asks for another size.
    pub image: RgbImage,
    /// How far to leave it: above 0, up to 1.
    pub strength: f32,
}

/// A region of a picture to paint anew. Picture, start and mask are resized
/// where a request asks for another size.
#[derive(Debug, Clone)]
pub struct Inpaint {
    /// The picture.
    pub image: RgbImage,
    /// What the region starts from, in a picture of the same size; the picture
    /// itself where it is `None`. At strength 1 the region starts from noise
    /// alone.
    pub start: Option<RgbImage>,
    /// How much of each pixel may change: 0 keeps it, 255 paints it anew.
    pub mask: GrayImage,
    /// How far to leave the start: above 0, up to 1.
    pub strength: f32,
}

/// A model's defaults, as its manifest gives them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelDefaults {
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Steps.
    pub steps: Option<u32>,
    /// Guidance scale.
    pub guidance_scale: Option<f32>,
    /// Guidance rescale.
    pub guidance_rescale: Option<f32>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Clip skip.
    pub clip_skip: Option<u32>,
}

/// Why a frame cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The prompt cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The negative prompt cannot be used.
    #[error("in the negative prompt: {0}")]
    NegativePrompt(PromptError),
    /// The steps, the sampler or the strength cannot be had.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A size that the model cannot make.
    #[error(
        "{width}x{height} is not a size that this model makes: sides are multiples of {multiple}. \
         The nearest is {}x{}",
        nearest.0,
        nearest.1
    )]
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// What sides are multiples of.
        multiple: u32,
        /// The nearest size that can be made.
        nearest: (u32, u32),
    },
    /// A size out of bounds.
    #[error("{width}x{height} is out of bounds: sides go from {least} to {LARGEST_SIDE} pixels")]
    SizeBounds {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// The shortest side.
        least: u32,
    },
    /// A setting out of range.
    #[error("{setting} {value} is out of range: {range}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What can be had.
        range: String,
    },
    /// Two passes that cannot be made.
    #[error("drawing in two passes (hires) {0}")]
    Hires(&'static str),
    /// A mask that fits no picture, or marks nothing.
    #[error("the mask {0}")]
    Mask(&'static str),
    /// A LoRA cannot be used.
    #[error("the LoRA {name:?}: {source}")]
    Lora {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: LoraError,
    },
    /// More LoRAs than one frame takes.
    #[error("{0} LoRAs are asked for; one frame takes {MOST_LORAS}")]
    LoraCount(usize),
    /// A region makes no sense.
    #[error("region {number}: {reason}")]
    Region {
        /// Which, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// The prompt of a region cannot be used.
    #[error("in the prompt of region {number}: {source}")]
    RegionPrompt {
        /// Which, from 1.
        number: usize,
        /// What is wrong.
        source: PromptError,
    },
    /// Something given for a comparison does not fit.
    #[error("given {what} has {found} numbers where {expected} are needed")]
    Given {
        /// What was given.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
    /// The network's output cannot be used.
    #[error(
        "step {step} gave numbers that are not finite, so the frame would be noise. Reduced \
         precision does that: try f32; or a LoRA's weight is too high"
    )]
    NotFinite {
        /// The step, from 1.
        step: usize,
    },
    /// A frame was finished before its last step.
    #[error("{left} steps are left")]
    Unfinished {
        /// How many.
        left: usize,
    },
    /// A step that does not fit; a mistake of this engine.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The model's files could no longer be read.
    #[error(transparent)]
    Load(#[from] crate::error::LoadError),
    /// The tensor library failed, for want of memory as a rule.
    #[error("the computation failed: {0}. If memory ran out, try a smaller size")]
    Compute(#[from] candle_core::Error),
}

/// Checks a size against what sides must be multiples of.
///
/// # Errors
/// [`GenerateError::Size`] or [`GenerateError::SizeBounds`].
pub fn check_size(width: u32, height: u32, multiple: u32) -> Result<(), GenerateError> {
    let fits = |side: u32| (multiple..=LARGEST_SIDE).contains(&side);
    if !fits(width) || !fits(height) {
        return Err(GenerateError::SizeBounds {
            width,
            height,
            least: multiple,
        });
    }
    if !width.is_multiple_of(multiple) || !height.is_multiple_of(multiple) {
        let nearest = |side: u32| {
            let largest = LARGEST_SIDE / multiple * multiple;
            (((side + multiple / 2) / multiple) * multiple).clamp(multiple, largest)
        };
        return Err(GenerateError::Size {
            width,
            height,
            multiple,
            nearest: (nearest(width), nearest(height)),
        });
    }
    Ok(())
}

/// Checks that a setting lies between two values.
pub(crate) fn check_range(
    setting: &'static str,
    value: f32,
    least: f32,
    most: f32,
) -> Result<(), GenerateError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(GenerateError::Setting {
        setting,
        value: f64::from(value),
        range: format!("{least} to {most}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_multiples_within_bounds() {
        assert!(check_size(512, 768, 8).is_ok());
        assert!(check_size(8, 2048, 8).is_ok());
        for (width, height) in [(0, 512), (512, 4), (2056, 512), (u32::MAX, u32::MAX)] {
            assert!(matches!(
                check_size(width, height, 8),
                Err(GenerateError::SizeBounds { .. })
            ));
        }
        let nearest = |width, height| match check_size(width, height, 8) {
            Err(GenerateError::Size { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest(513, 767), (512, 768));
        assert_eq!(nearest(516, 9), (520, 8));
        assert_eq!(nearest(2047, 11), (2048, 8));
    }

    #[test]
    fn the_error_names_the_nearest_size() {
        let error = check_size(500, 509, 8).unwrap_err().to_string();
        assert!(
            error.contains("500x509") && error.contains("504x512"),
            "{error}"
        );
    }

    #[test]
    fn a_setting_that_is_no_number_is_out_of_range() {
        assert!(check_range("guidance scale", f32::NAN, 0.0, 1.0).is_err());
        assert!(check_range("guidance scale", f32::INFINITY, 0.0, 1.0).is_err());
        assert!(check_range("guidance scale", 1.0, 0.0, 1.0).is_ok());
    }
}
