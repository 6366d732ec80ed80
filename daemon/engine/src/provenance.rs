//! Where a frame comes from: everything that is needed to make it again,
//! carried in the picture itself.
//!
//! A PNG holds it twice: as JSON under the keyword `framewright`, which is
//! what is read back, and as the `parameters` text that other tools write and
//! show.

use std::fmt::Write as _;
use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, RgbImage};
use serde::{Deserialize, Serialize};

use crate::guidance::GuidanceMode;
use crate::sampler::Sampler;

/// The version of this engine, as it is recorded. Two versions may compute
/// different bits from the same request.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The keyword of our text chunk.
const KEYWORD: &str = "framewright";
/// What is written here; what is newer is refused rather than half understood.
const FORMAT: u32 = 1;
/// The largest provenance that is believed.
const LARGEST_TEXT: usize = 1 << 20;

/// Everything a frame was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The form of this record.
    pub format: u32,
    /// The engine's version.
    pub engine_version: String,
    /// The prompt as it was used.
    pub prompt: String,
    /// The prompt as it was sent, where something was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_sent: Option<String>,
    /// The negative prompt.
    #[serde(default)]
    pub negative_prompt: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The seed of this very frame.
    pub seed: u64,
    /// The sampler.
    pub sampler: Sampler,
    /// The steps asked for (with an init image fewer are taken).
    pub steps: u32,
    /// The guidance scale.
    pub guidance_scale: f32,
    /// The guidance rescale.
    #[serde(default)]
    pub guidance_rescale: f32,
    /// How the two predictions of a step were computed.
    pub guidance_mode: GuidanceMode,
    /// Text encoder layers left out at the end.
    #[serde(default)]
    pub clip_skip: u32,
    /// The checkpoint.
    pub model: ModelIdentity,
    /// The LoRAs in force, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraIdentity>,
    /// Parts of the picture with prompts and LoRAs of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<RegionIdentity>,
    /// Whether LoRAs that fit in part were used in part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial_loras: bool,
    /// The picture the frame started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_image: Option<InitImageIdentity>,
    /// The region that was painted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpaint: Option<InpaintIdentity>,
    /// The first pass, where there were two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hires: Option<HiresIdentity>,
    /// What the caller needs, beyond this record, to make the picture again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<serde_json::Value>,
    /// What computed it: `cpu`, or a GPU by name.
    pub device: String,
    /// The type the networks computed in: `f32`, `f16`, `bf16`.
    pub dtype: String,
}

/// A checkpoint by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Its name in the library.
    pub name: String,
    /// Its family, such as `sd15`.
    #[serde(default)]
    pub family: String,
    /// BLAKE3 of its weights, in hex.
    pub hash: String,
    /// BLAKE3 of a VAE that takes the place of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vae_hash: Option<String>,
}

/// A LoRA by name, content and weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraIdentity {
    /// Its name in the library.
    pub name: String,
    /// BLAKE3 of its file, in hex.
    pub hash: String,
    /// How much of it is added.
    pub weight: f32,
    /// How much of it is added to the text encoder, where that is not as much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_weight: Option<f32>,
}

impl std::fmt::Display for LoraIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.weight)?;
        if let Some(text_weight) = self.text_weight {
            write!(f, " (text {text_weight})")?;
        }
        write!(f, " ({})", short(&self.hash))
    }
}

/// A part of a picture with a prompt and LoRAs of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionIdentity {
    /// A box as shares of the frame: left, top, right, bottom.
    #[serde(default, rename = "box", skip_serializing_if = "Option::is_none")]
    pub frame_box: Option<[f32; 4]>,
    /// A mask, where it is no box: a grey PNG of the latents' size, in hex, with
    /// its border faded already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// How wide the border of a box fades, as a share of the shorter side.
    #[serde(default)]
    pub feather: f32,
    /// What is there; the whole picture's prompt when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// How much of the attention that has there.
    pub strength: f32,
    /// The LoRAs that act there alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraIdentity>,
}

impl RegionIdentity {
    /// A mask as it is recorded.
    pub(crate) fn written(mask: &GrayImage) -> String {
        let mut png = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        let (width, height) = mask.dimensions();
        // Writing to memory does not fail; a mask that could not be written
        // would be read as none.
        let written = encoder.write_image(mask.as_raw(), width, height, ExtendedColorType::L8);
        if written.is_err() {
            return String::new();
        }
        png.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The PNG of a recorded mask; `None` where it has none that can be read.
    #[must_use]
    pub fn mask_png(&self) -> Option<Vec<u8>> {
        let digits = self.mask.as_ref()?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let bytes = pairs.iter().map(|[high, low]| {
            let byte = 16 * digit(*high)? + digit(*low)?;
            u8::try_from(byte).ok()
        });
        rest.is_empty().then(|| bytes.collect()).flatten()
    }
}

impl std::fmt::Display for RegionIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.frame_box, &self.mask) {
            (Some(edges), _) => write!(f, "box {edges:?}")?,
            (None, Some(mask)) => {
                let hash = blake3::hash(mask.as_bytes()).to_hex();
                write!(f, "mask {}", short(&hash))?;
            }
            (None, None) => write!(f, "nowhere")?,
        }
        if self.feather > 0.0 {
            write!(f, ", feather {}", self.feather)?;
        }
        if let Some(prompt) = &self.prompt {
            write!(f, ", {prompt:?}")?;
        }
        if self.strength != 1.0 {
            write!(f, ", strength {}", self.strength)?;
        }
        self.loras.iter().try_for_each(|lora| write!(f, ", {lora}"))
    }
}

/// A picture that a frame started from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InitImageIdentity {
    /// BLAKE3 of its size and RGB pixels, in hex; see [`pixels_hash`].
    pub hash: String,
    /// How far the frame may leave it.
    pub strength: f32,
}

/// A region that was painted anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InpaintIdentity {
    /// The picture, as [`InitImageIdentity::hash`].
    pub hash: String,
    /// What the region started from, where it is another picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_hash: Option<String>,
    /// BLAKE3 of the mask's size and values, in hex; see [`mask_hash`].
    pub mask_hash: String,
    /// How far the region may leave its start.
    pub strength: f32,
}

/// The first of two passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HiresIdentity {
    /// How many times larger than it the frame is.
    pub scale: f32,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// How far the second pass may leave it.
    pub strength: f32,
    /// All LoRAs of the second pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraIdentity>,
}

impl std::fmt::Display for HiresIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            scale,
            width,
            height,
            strength,
            loras,
        } = self;
        write!(f, "{scale} times {width}x{height} at strength {strength}")?;
        loras.iter().try_for_each(|lora| write!(f, ", {lora}"))
    }
}

/// Why a picture's provenance cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// The bytes are not a PNG.
    #[error("this is not a PNG picture: {0}")]
    NotPng(String),
    /// The PNG has no provenance.
    #[error(
        "this picture does not say how it was made: Framewright did not make it, or a program \
         that saved it again dropped its text"
    )]
    Absent,
    /// The provenance is not as it was written.
    #[error("the picture's account of how it was made cannot be read: {0}")]
    Malformed(String),
    /// A later version wrote it.
    #[error(
        "a newer version of Framewright made this picture (format {0}, this one knows {FORMAT}); \
         update to make it again"
    )]
    Newer(u32),
    /// The PNG cannot be written.
    #[error("the picture cannot be written as PNG: {0}")]
    Encode(String),
}

impl Provenance {
    /// The form in which provenance is written now.
    pub const FORMAT: u32 = FORMAT;

    /// The text that other tools show: prompt, negative prompt, settings.
    #[must_use]
    pub fn parameters(&self) -> String {
        let mut text = self.prompt.clone();
        if !self.negative_prompt.is_empty() {
            let _ = write!(text, "\nNegative prompt: {}", self.negative_prompt);
        }
        let _ = write!(
            text,
            "\nSteps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}, Model: {}",
            self.steps,
            self.sampler.display_name(),
            self.guidance_scale,
            self.seed,
            // Other tools name the first pass's size and what it is enlarged by.
            self.hires.as_ref().map_or(self.width, |hires| hires.width),
            self.hires
                .as_ref()
                .map_or(self.height, |hires| hires.height),
            self.model.name,
        );
        let init = self.init_image.as_ref().map(|init| init.strength);
        let inpaint = self.inpaint.as_ref().map(|inpaint| inpaint.strength);
        let hires = self.hires.as_ref().map(|hires| hires.strength);
        if let Some(strength) = init.or(inpaint).or(hires) {
            let _ = write!(text, ", Denoising strength: {strength}");
        }
        if let Some(hires) = &self.hires {
            let _ = write!(
                text,
                ", Hires upscale: {}, Hires upscaler: Lanczos",
                hires.scale
            );
        }
        if self.clip_skip > 0 {
            // Other tools count the last layer as 1.
            let _ = write!(text, ", Clip skip: {}", self.clip_skip + 1);
        }
        if self.guidance_rescale > 0.0 {
            let _ = write!(text, ", CFG Rescale: {}", self.guidance_rescale);
        }
        let _ = write!(text, ", Version: Framewright {}", self.engine_version);
        text
    }

    /// What differs between the record of a frame and that of a frame made
    /// from it: a line for each difference. Empty when the pixels must be the
    /// same.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut compare = |what: &str, then: String, now: String| {
            if then != now {
                lines.push(format!("{what}: {then} then, {now} now"));
            }
        };
        let quoted = |text: &str| format!("{text:?}");
        let optional = |text: Option<&str>| text.unwrap_or("none").to_owned();
        let mut pair = |what: &str, of: &dyn Fn(&Self) -> String| compare(what, of(self), of(now));
        pair("engine version", &|p| p.engine_version.clone());
        pair("device", &|p| p.device.clone());
        pair("number type", &|p| p.dtype.clone());
        pair("model", &|p| p.model.name.clone());
        pair("the model's weights", &|p| short(&p.model.hash));
        pair("the VAE's weights", &|p| {
            optional(p.model.vae_hash.as_deref().map(short).as_deref())
        });
        pair("LoRAs", &|p| listed(&p.loras, ", "));
        pair("regions", &|p| listed(&p.regions, "; "));
        pair("hires", &|p| {
            optional(p.hires.as_ref().map(ToString::to_string).as_deref())
        });
        pair("init image", &|p| {
            optional(
                p.init_image
                    .as_ref()
                    .map(|init| format!("{} at strength {}", short(&init.hash), init.strength))
                    .as_deref(),
            )
        });
        pair("inpainting", &|p| {
            p.inpaint.as_ref().map_or_else(
                || "none".to_owned(),
                |inpaint| {
                    let start = inpaint.start_hash.as_deref().map(short);
                    format!(
                        "{} by mask {} from {} at strength {}",
                        short(&inpaint.hash),
                        short(&inpaint.mask_hash),
                        start.as_deref().unwrap_or("itself"),
                        inpaint.strength
                    )
                },
            )
        });
        pair("prompt", &|p| quoted(&p.prompt));
        pair("negative prompt", &|p| quoted(&p.negative_prompt));
        pair("size", &|p| format!("{}x{}", p.width, p.height));
        pair("seed", &|p| p.seed.to_string());
        pair("sampler", &|p| p.sampler.to_string());
        pair("steps", &|p| p.steps.to_string());
        pair("guidance scale", &|p| p.guidance_scale.to_string());
        pair("guidance rescale", &|p| p.guidance_rescale.to_string());
        pair("guidance mode", &|p| p.guidance_mode.name().to_owned());
        pair("clip skip", &|p| p.clip_skip.to_string());
        lines
    }
}

fn listed<T: ToString>(items: &[T], separator: &str) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(separator)
}

/// The beginning of a hash: enough to tell two files apart by eye.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// The identity of a picture's pixels: BLAKE3 of width, height (little-endian
/// u32) and RGB bytes, in hex.
#[must_use]
pub fn pixels_hash(image: &RgbImage) -> String {
    blake3::Hasher::new()
        .update(&image.width().to_le_bytes())
        .update(&image.height().to_le_bytes())
        .update(image.as_raw())
        .finalize()
        .to_hex()
        .to_string()
}

/// The identity of a mask: BLAKE3 of width, height (little-endian u32) and its
/// bytes, in hex.
#[must_use]
pub fn mask_hash(mask: &GrayImage) -> String {
    blake3::Hasher::new()
        .update(&mask.width().to_le_bytes())
        .update(&mask.height().to_le_bytes())
        .update(mask.as_raw())
        .finalize()
        .to_hex()
        .to_string()
}

/// A PNG of a frame that says where it comes from.
///
/// # Errors
/// [`ProvenanceError::Encode`], for an image without pixels for example.
pub fn write_png(image: &RgbImage, provenance: &Provenance) -> Result<Vec<u8>, ProvenanceError> {
    write_rows(
        (image.width(), image.height()),
        (png::ColorType::Rgb, png::BitDepth::Eight),
        image.as_raw(),
        provenance,
    )
}

/// A PNG of a picture of 3 or 4 channels of 8 or 16 bits that says where it
/// comes from.
///
/// # Errors
/// [`ProvenanceError::Encode`], for a picture of another kind for example.
pub fn write_image(
    image: &DynamicImage,
    provenance: &Provenance,
) -> Result<Vec<u8>, ProvenanceError> {
    let big_endian =
        |channels: &[u16]| -> Vec<u8> { channels.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let (color, depth, rows) = match image {
        DynamicImage::ImageRgb8(image) => (
            png::ColorType::Rgb,
            png::BitDepth::Eight,
            image.as_raw().clone(),
        ),
        DynamicImage::ImageRgba8(image) => (
            png::ColorType::Rgba,
            png::BitDepth::Eight,
            image.as_raw().clone(),
        ),
        DynamicImage::ImageRgb16(image) => (
            png::ColorType::Rgb,
            png::BitDepth::Sixteen,
            big_endian(image.as_raw()),
        ),
        DynamicImage::ImageRgba16(image) => (
            png::ColorType::Rgba,
            png::BitDepth::Sixteen,
            big_endian(image.as_raw()),
        ),
        _ => {
            let kind = format!("a picture of {:?} is not written", image.color());
            return Err(ProvenanceError::Encode(kind));
        }
    };
    write_rows(
        (image.width(), image.height()),
        (color, depth),
        &rows,
        provenance,
    )
}

fn write_rows(
    (width, height): (u32, u32),
    (color, depth): (png::ColorType, png::BitDepth),
    rows: &[u8],
    provenance: &Provenance,
) -> Result<Vec<u8>, ProvenanceError> {
    let fail = |error: &dyn std::fmt::Display| ProvenanceError::Encode(error.to_string());
    let json = serde_json::to_string(provenance).map_err(|error| fail(&error))?;
    // A text chunk ends at the first NUL.
    let parameters = provenance.parameters().replace('\0', "\u{fffd}");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if parameters.is_ascii() {
        // What the widest range of tools looks at.
        encoder.add_text_chunk("parameters".to_owned(), parameters)
    } else {
        encoder.add_itxt_chunk("parameters".to_owned(), parameters)
    }
    .map_err(|error| fail(&error))?;
    encoder
        .add_itxt_chunk(KEYWORD.to_owned(), json)
        .map_err(|error| fail(&error))?;
    let mut writer = encoder.write_header().map_err(|error| fail(&error))?;
    writer
        .write_image_data(rows)
        .map_err(|error| fail(&error))?;
    writer.finish().map_err(|error| fail(&error))?;
    Ok(bytes)
}

/// Reads where a PNG says it comes from. The pixels are not decoded.
///
/// # Errors
/// [`ProvenanceError`] when it is not a PNG, says nothing, or says what cannot
/// be understood.
pub fn read_png(bytes: &[u8]) -> Result<Provenance, ProvenanceError> {
    let limits = png::Limits {
        bytes: 16 * LARGEST_TEXT,
    };
    let reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits)
        .read_info()
        .map_err(|error| ProvenanceError::NotPng(error.to_string()))?;
    let text = reader
        .info()
        .utf8_text
        .iter()
        .find(|chunk| chunk.keyword == KEYWORD)
        .map(|chunk| {
            let mut chunk = chunk.clone();
            chunk.decompress_text_with_limit(LARGEST_TEXT)?;
            chunk.get_text()
        })
        .or_else(|| {
            // Some programs write the text of a picture anew as Latin-1.
            reader
                .info()
                .uncompressed_latin1_text
                .iter()
                .find(|chunk| chunk.keyword == KEYWORD)
                .map(|chunk| Ok(chunk.text.clone()))
        })
        .ok_or(ProvenanceError::Absent)?
        .map_err(|error| ProvenanceError::Malformed(error.to_string()))?;
    if text.len() > LARGEST_TEXT {
        return Err(ProvenanceError::Malformed(format!(
            "it is larger than {LARGEST_TEXT} bytes"
        )));
    }
    /// What every format has.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let malformed = |error: serde_json::Error| ProvenanceError::Malformed(error.to_string());
    let Format { format } = serde_json::from_str(&text).map_err(malformed)?;
    if format > FORMAT {
        return Err(ProvenanceError::Newer(format));
    }
    serde_json::from_str(&text).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance() -> Provenance {
        Provenance {
            format: FORMAT,
            engine_version: ENGINE_VERSION.to_owned(),
            prompt: "a (red:1.2) hat, \"quoted\"\nand a new line".to_owned(),
            prompt_sent: None,
            negative_prompt: "blurry".to_owned(),
            width: 3,
            height: 2,
            seed: u64::MAX,
            sampler: Sampler::DpmPlusPlus2mKarras,
            steps: 20,
            guidance_scale: 7.1,
            guidance_rescale: 0.3,
            guidance_mode: GuidanceMode::Batch,
            clip_skip: 1,
            model: ModelIdentity {
                name: "sketch".to_owned(),
                family: "sketch".to_owned(),
                hash: "ab".repeat(32),
                vae_hash: None,
            },
            loras: vec![LoraIdentity {
                name: "close-up".to_owned(),
                hash: "cd".repeat(32),
                weight: 0.7,
                text_weight: Some(0.5),
            }],
            regions: vec![RegionIdentity {
                frame_box: Some([0.0, 0.0, 0.5, 1.0]),
                mask: None,
                feather: 0.1,
                prompt: Some("a man".to_owned()),
                strength: 1.0,
                loras: vec![LoraIdentity {
                    name: "kaito".to_owned(),
                    hash: "12".repeat(32),
                    weight: 1.0,
                    text_weight: None,
                }],
            }],
            partial_loras: false,
            init_image: Some(InitImageIdentity {
                hash: "ef".repeat(32),
                strength: 0.6,
            }),
            inpaint: None,
            hires: None,
            request: None,
            device: "cpu".to_owned(),
            dtype: "f32".to_owned(),
        }
    }

    fn picture() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8 * 80, y as u8 * 200, 7]))
    }

    #[test]
    fn a_picture_says_where_it_comes_from() {
        for prompt in ["plain", "日本語 👩‍🚀 é", "", "nul \0 byte"] {
            let provenance = Provenance {
                prompt: prompt.to_owned(),
                ..provenance()
            };
            let png = write_png(&picture(), &provenance).unwrap();
            assert_eq!(read_png(&png).unwrap(), provenance);
            let decoded = image::load_from_memory(&png).unwrap().to_rgb8();
            assert_eq!(decoded, picture());
        }
    }

    #[test]
    fn other_tools_find_the_parameters() {
        let png = write_png(&picture(), &provenance()).unwrap();
        let reader = png::Decoder::new(Cursor::new(&png[..]))
            .read_info()
            .unwrap();
        let text = &reader.info().uncompressed_latin1_text[0];
        assert_eq!(text.keyword, "parameters");
        assert_eq!(
            text.text,
            "a (red:1.2) hat, \"quoted\"\nand a new line\nNegative prompt: blurry\n\
             Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.1, Seed: 18446744073709551615, \
             Size: 3x2, Model: sketch, Denoising strength: 0.6, Clip skip: 2, CFG Rescale: 0.3, \
             Version: Framewright "
                .to_owned()
                + ENGINE_VERSION
        );
    }

    fn with_text(keyword: &str, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder
            .add_itxt_chunk(keyword.to_owned(), text.to_owned())
            .unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0]).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let png = write_png(&picture(), &provenance()).unwrap();
        assert!(matches!(
            read_png(b"GIF89a"),
            Err(ProvenanceError::NotPng(_))
        ));
        assert!(matches!(
            read_png(&png[..60]),
            Err(ProvenanceError::NotPng(_))
        ));
        assert!(matches!(
            read_png(&with_text("Comment", "{}")),
            Err(ProvenanceError::Absent)
        ));
        for text in ["", "[]", "{\"format\": 1}", "{\"format\": \"x\"}"] {
            assert!(
                matches!(
                    read_png(&with_text(KEYWORD, text)),
                    Err(ProvenanceError::Malformed(_))
                ),
                "{text}"
            );
        }
        assert!(matches!(
            read_png(&with_text(KEYWORD, "{\"format\": 2}")),
            Err(ProvenanceError::Newer(2))
        ));
        let large = format!("{{\"format\": 1, \"x\": \"{}\"}}", "y".repeat(LARGEST_TEXT));
        assert!(read_png(&with_text(KEYWORD, &large)).is_err());
    }

    #[test]
    fn a_mask_is_read_as_it_was_written() {
        let mask = GrayImage::from_fn(5, 3, |x, y| image::Luma([(50 * x + y) as u8]));
        let mut region = provenance().regions.remove(0);
        region.mask = Some(RegionIdentity::written(&mask));
        let png = region.mask_png().unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().to_luma8(), mask);
        for broken in ["abc", "zz", "é"] {
            region.mask = Some(broken.to_owned());
            assert_eq!(region.mask_png(), None, "{broken}");
        }
    }

    #[test]
    fn a_bomb_of_text_is_not_unpacked() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        let mut chunk = png::text_metadata::ITXtChunk::new(KEYWORD, "z".repeat(64 << 20));
        chunk.compressed = true;
        writer.write_text_chunk(&chunk).unwrap();
        writer.write_image_data(&[0]).unwrap();
        writer.finish().unwrap();
        assert!(matches!(
            read_png(&bytes),
            Err(ProvenanceError::Malformed(_))
        ));
    }

    #[test]
    fn differences_are_named() {
        let then = provenance();
        assert!(then.differences(&then.clone()).is_empty());
        let mut now = provenance();
        now.engine_version = "9.9.9".to_owned();
        now.model.hash = "00".repeat(32);
        now.loras.clear();
        now.seed = 3;
        now.regions[0].prompt = None;
        let differences = then.differences(&now);
        assert_eq!(differences.len(), 5);
        assert!(
            differences[0].starts_with("engine version: "),
            "{differences:?}"
        );
        assert!(differences[1].contains("abababababab then, 000000000000 now"));
        assert!(differences[2].contains("none now"));
        assert!(differences[3].starts_with("regions: box [0.0, 0.0, 0.5, 1.0]"));
        assert!(differences[4].contains("3 now"));
    }

    #[test]
    fn pixels_and_size_make_the_hash() {
        let one = RgbImage::new(2, 3);
        assert_ne!(pixels_hash(&one), pixels_hash(&RgbImage::new(3, 2)));
        let mut other = one.clone();
        other.put_pixel(1, 1, image::Rgb([0, 0, 1]));
        assert_ne!(pixels_hash(&one), pixels_hash(&other));
        assert_eq!(pixels_hash(&one), pixels_hash(&one.clone()));
    }
}
