//! A request that was checked and can be drawn.

use framewright_library::{Embedded, Kind, Library, Model};
use framewright_protocol::{ErrorCode, GenerateParams, Limits, WireError};
use image::{GrayImage, RgbImage};

use crate::cast::Cast;
use crate::{library_words, picture};

/// The picture that a frame starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Its pixels.
    pub image: RgbImage,
    /// How far to go from it: above 0, to 1.
    pub strength: f32,
}

/// A region of a picture to draw anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The picture, at the size of the frame.
    pub image: RgbImage,
    /// What the region starts from, in a picture of that size; the picture
    /// itself where there is none.
    pub start: Option<RgbImage>,
    /// How much of each pixel may change: 0 keeps it, 255 draws it anew.
    pub mask: GrayImage,
    /// How far to go from the start: above 0, to 1.
    pub strength: f32,
}

/// A first pass at a smaller size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hires {
    /// How many times larger than the first pass the frame is: above 1, to 4.
    pub scale: f32,
    /// How far to go from it: above 0, to 1.
    pub strength: f32,
}

/// Everything that one frame is made from. `None` leaves it to the model's
/// manifest and files.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What to draw.
    pub prompt: String,
    /// With which model.
    pub model: Model,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Denoising steps.
    pub steps: Option<u32>,
    /// Guidance scale.
    pub guidance_scale: Option<f32>,
    /// Guidance rescale.
    pub guidance_rescale: Option<f32>,
    /// How guidance is computed, by its name.
    pub guidance_mode: Option<String>,
    /// The sampler's name.
    pub sampler: Option<String>,
    /// The noise's seed.
    pub seed: u64,
    /// Where to start from (img2img).
    pub start: Option<Start>,
    /// What to draw anew (inpainting); then without `start`.
    pub region: Option<Region>,
    /// A first pass at a smaller size; then without the two before.
    pub hires: Option<Hires>,
    /// How many of the text encoder's last layers are left out.
    pub clip_skip: Option<u32>,
    /// LoRAs, regions, and what to keep out.
    pub cast: Cast,
}

/// How far to go from a picture when the request does not say.
const DEFAULT_STRENGTH: f32 = 0.75;
/// How far a second pass goes from the first when neither the request nor the
/// model's manifest says.
const HIRES_STRENGTH: f32 = 0.5;

fn invalid(parameter: &str, message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message).about(parameter)
}

/// The model of that name; the embedded one when none is named.
///
/// # Errors
/// `not_found`, `invalid_params`, `model_unusable`.
pub fn find_model(library: &Library, name: Option<&str>) -> Result<Model, WireError> {
    let name = name.unwrap_or(Embedded::Sketch.name());
    let model = library
        .find_model(name)
        .map_err(|error| library_words::of_find(name, error, &library.folder(Kind::Model)))?;
    Ok(Model::clone(&model))
}

/// Checks a prompt's length.
///
/// # Errors
/// `invalid_params`.
pub fn check_prompt(parameter: &str, prompt: &str) -> Result<(), WireError> {
    let most = Limits::CURRENT.prompt_chars;
    let length = prompt.chars().count() as u64;
    if length > most {
        return Err(invalid(
            parameter,
            format!("the prompt has {length} characters, and {most} are taken at most"),
        )
        .hint("shorten it: the text encoder reads 75 tokens at a time"));
    }
    Ok(())
}

impl Order {
    /// Checks what can be checked without the model's files.
    ///
    /// # Errors
    /// `invalid_params`, and those of [`find_model`].
    pub fn check(params: GenerateParams, library: &Library) -> Result<Self, WireError> {
        if params.prompt.trim().is_empty() {
            return Err(invalid("prompt", "the prompt is empty").hint("say what is to be drawn"));
        }
        check_prompt("prompt", &params.prompt)?;
        let negative_prompt = params.negative_prompt.as_deref().unwrap_or_default();
        check_prompt("negative_prompt", negative_prompt)?;
        for region in params.regions.iter().flatten() {
            check_prompt(
                "regions.prompt",
                region.prompt.as_deref().unwrap_or_default(),
            )?;
        }
        let most = Limits::CURRENT.side_pixels;
        for (parameter, side) in [("width", params.width), ("height", params.height)] {
            if side.is_some_and(|side| side == 0 || side > most) {
                return Err(invalid(
                    parameter,
                    format!("must be from 1 to {most} pixels"),
                ));
            }
        }
        if params.steps.is_some_and(|steps| steps == 0 || steps > 1000) {
            return Err(invalid("steps", "must be from 1 to 1000"));
        }
        if let Some(scale) = params.guidance_scale
            && !(0.0..=100.0).contains(&scale)
        {
            return Err(invalid("guidance_scale", "must be from 0 to 100"));
        }
        if let Some(rescale) = params.guidance_rescale
            && !(0.0..=1.0).contains(&rescale)
        {
            return Err(invalid("guidance_rescale", "must be from 0 to 1"));
        }
        let model = find_model(library, params.model.as_deref())?;
        let cast = Cast::of(&params, &model, library)?;
        let hires = match &params.hires {
            None => None,
            Some(_) if params.image.is_some() => {
                return Err(
                    invalid("hires", "two passes start from noise, not from a picture").hint(
                        "to enlarge the picture itself, leave `hires` out and give `width` and \
                         `height`",
                    ),
                );
            }
            Some(hires) => {
                // NaN is out of bounds, too.
                if !(hires.scale > 1.0 && hires.scale <= 4.0) {
                    return Err(invalid("hires.scale", "must be above 1, and 4 at most"));
                }
                let is_laid_out = cast.loras.iter().any(|lora| lora.lays_out);
                let of_shot = model.hires.shot_strength.filter(|_| is_laid_out);
                let strength = hires.strength.or(of_shot).or(model.hires.strength);
                let strength = strength.unwrap_or(HIRES_STRENGTH);
                if !(strength > 0.0 && strength <= 1.0) {
                    return Err(invalid("hires.strength", "must be above 0, and 1 at most"));
                }
                Some(Hires {
                    scale: hires.scale,
                    strength,
                })
            }
        };
        let start = match (params.image, params.strength) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(invalid("strength", "there is no picture to start from")
                    .hint("give `image` too, or leave `strength` out"));
            }
            (Some(picture), strength) => {
                let strength = strength.unwrap_or(DEFAULT_STRENGTH);
                if !(strength > 0.0 && strength <= 1.0) {
                    return Err(invalid("strength", "must be above 0, and 1 at most"));
                }
                let image = picture::read(&picture).map_err(|error| error.about("image"))?;
                Some(Start { image, strength })
            }
        };
        Ok(Self {
            prompt: params.prompt,
            width: params.width,
            height: params.height,
            steps: params.steps,
            guidance_scale: params.guidance_scale,
            guidance_rescale: params.guidance_rescale,
            guidance_mode: params.guidance_mode,
            sampler: params.sampler,
            seed: params.seed.unwrap_or_else(drawn_seed),
            start,
            region: None,
            hires,
            clip_skip: params.clip_skip,
            cast,
            model,
        })
    }
}

/// A seed that nobody chose: short enough to be typed again.
pub fn drawn_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};

    RandomState::new().build_hasher().finish() >> 32
}

/// How many candidates a request asks for.
///
/// # Errors
/// `invalid_params`.
pub fn candidates(params: &GenerateParams) -> Result<u32, WireError> {
    let most = Limits::CURRENT.candidates;
    let candidates = params.candidates.unwrap_or(1);
    if candidates == 0 || candidates > most {
        return Err(invalid("candidates", format!("must be from 1 to {most}")));
    }
    if params
        .seed
        .is_some_and(|seed| seed.checked_add(u64::from(candidates)).is_none())
    {
        return Err(invalid(
            "seed",
            "candidate k has seed + k, which must fit 64 bits",
        ));
    }
    Ok(candidates)
}

#[cfg(test)]
mod tests {
    use framewright_protocol::HiresParams;

    use super::*;

    fn hires(scale: f32, strength: Option<f32>) -> Option<HiresParams> {
        Some(HiresParams {
            scale,
            strength,
            loras: None,
        })
    }

    fn check(change: impl FnOnce(&mut GenerateParams)) -> Result<Order, WireError> {
        let mut params = GenerateParams {
            prompt: "a fox".to_owned(),
            ..GenerateParams::default()
        };
        change(&mut params);
        candidates(&params)?;
        let home = tempfile::tempdir().expect("a folder");
        Order::check(params, &Library::open(home.path()))
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        type Change = fn(&mut GenerateParams);
        let cases: [(&str, Change); 13] = [
            ("prompt", |params| params.prompt = " \n".to_owned()),
            ("prompt", |params| params.prompt = "a".repeat(8_001)),
            ("negative_prompt", |params| {
                params.negative_prompt = Some("a".repeat(8_001))
            }),
            ("width", |params| params.width = Some(0)),
            ("height", |params| params.height = Some(100_000)),
            ("steps", |params| params.steps = Some(0)),
            ("guidance_scale", |params| {
                params.guidance_scale = Some(f32::NAN)
            }),
            ("strength", |params| params.strength = Some(0.5)),
            ("hires.scale", |params| params.hires = hires(1.0, None)),
            ("hires.scale", |params| params.hires = hires(f32::NAN, None)),
            ("hires.strength", |params| {
                params.hires = hires(2.0, Some(1.5))
            }),
            ("candidates", |params| params.candidates = Some(1_000)),
            ("model", |params| {
                params.model = Some("../secret".to_owned())
            }),
        ];
        for (parameter, change) in cases {
            let error = check(change).expect_err(parameter);
            assert_eq!(error.code, ErrorCode::InvalidParams, "{parameter}");
            assert_eq!(error.about.as_deref(), Some(parameter));
        }
    }
}
