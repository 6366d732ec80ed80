//! The texts of one frame, encoded with the LoRAs of their regions, and the
//! low-rank paths that act in the UNet while it is drawn.

use std::sync::Arc;

use candle_core::Tensor;

use crate::adaptation::{self, ActiveLora, Installed, Paths, Place};
use crate::attention::RegionText;
use crate::composition::{self, RegionArea, RegionRequest, Sizes};
use crate::conditioning;
use crate::lora::Lora;
use crate::pipeline::Pipeline;
use crate::prompt::PromptTokens;
use crate::provenance::{LoraIdentity, RegionIdentity};
use crate::region::Region;
use crate::request::{
    GenerateError, GenerateRequest, LARGEST_LORA_WEIGHT, LoraUse, MOST_LORAS, check_range,
};

/// What a frame attends to, and what acts beside the UNet's layers.
#[derive(Debug)]
pub(crate) struct FrameTexts {
    texts: Vec<FrameText>,
    /// The paths beside the UNet's layers.
    pub paths: Paths,
    /// The LoRAs of the whole picture.
    pub loras: Vec<LoraIdentity>,
    /// The regions, with theirs.
    pub regions: Vec<RegionIdentity>,
    /// What a person should know.
    pub notes: Vec<String>,
}

#[derive(Debug)]
struct FrameText {
    positive: Tensor,
    /// With guidance only.
    negative: Option<Tensor>,
    region: Option<Region>,
}

/// Which prediction a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Positive,
    Negative,
    /// Both in one batch, the negative one first.
    Both,
}

/// One prompt, the LoRAs that act on it alone, and where it is.
struct Part {
    tokens: PromptTokens,
    prompt: Option<String>,
    loras: Vec<(LoraUse, Arc<Lora>)>,
    /// How much of the attention it has in each place.
    attention: Vec<f32>,
    /// Where its LoRAs act.
    extent: Vec<f32>,
}

impl FrameTexts {
    /// Checks and encodes the texts of a request.
    ///
    /// # Errors
    /// [`GenerateError`] when a prompt, a LoRA or a region cannot be used.
    pub(crate) fn prepare(
        pipeline: &Pipeline,
        request: &GenerateRequest,
        sizes: Sizes,
        clip_skip: usize,
        guided: bool,
    ) -> Result<Self, GenerateError> {
        let tokens = pipeline.tokenize(&request.prompt)?;
        let negative = pipeline
            .tokenize(&request.negative_prompt)
            .map_err(GenerateError::NegativePrompt)?;
        check_loras(request)?;
        let masks = composition::masks(&request.regions, sizes)?;
        let mut own_tokens = Vec::with_capacity(request.regions.len());
        for (at, region) in request.regions.iter().enumerate() {
            own_tokens.push(match &region.prompt {
                None => tokens.clone(),
                Some(prompt) => {
                    pipeline
                        .tokenize(prompt)
                        .map_err(|source| GenerateError::RegionPrompt {
                            number: at + 1,
                            source,
                        })?
                }
            });
        }

        let mut notes = Vec::new();
        let mut read = |uses: &[LoraUse]| read_loras(pipeline, uses, request, &mut notes);
        let shared = read(&request.loras)?;
        let mut of_regions = Vec::with_capacity(request.regions.len());
        for region in &request.regions {
            of_regions.push(read(&region.loras)?);
        }
        let loras = identities(&shared);
        let regions = request
            .regions
            .iter()
            .zip(&masks)
            .zip(&of_regions)
            .map(|((region, mask), loras)| identity(region, mask, loras, sizes))
            .collect();

        let places = sizes.latents.0 * sizes.latents.1;
        let mut parts: Vec<Part> = Vec::new();
        for (((region, own_tokens), loras), extent) in request
            .regions
            .iter()
            .zip(own_tokens)
            .zip(of_regions)
            .zip(composition::shared(masks))
        {
            let attention = |share: f32| extent.iter().map(|m| m * share).collect();
            // What a region leaves to the picture's prompt is read with its LoRAs, too.
            let rest = (region.strength < 1.0 && !loras.is_empty()).then(|| Part {
                tokens: tokens.clone(),
                prompt: None,
                loras: loras.clone(),
                attention: attention(1.0 - region.strength),
                extent: vec![0.0; places],
            });
            let own = Part {
                tokens: own_tokens,
                prompt: region.prompt.clone().filter(|own| *own != request.prompt),
                loras,
                attention: attention(region.strength),
                extent,
            };
            for part in std::iter::once(own).chain(rest) {
                match parts.iter_mut().find(|other| other.is_alike(&part)) {
                    Some(other) => other.extend(&part),
                    None => parts.push(part),
                }
            }
        }
        let attentions: Vec<&[f32]> = parts.iter().map(|part| &*part.attention).collect();
        let whole = Part {
            tokens,
            prompt: None,
            loras: Vec::new(),
            attention: composition::remainder(&attentions, places),
            extent: vec![0.0; places],
        };
        match parts.iter_mut().find(|other| other.is_alike(&whole)) {
            Some(other) => other.extend(&whole),
            None => parts.insert(0, whole),
        }
        parts.retain(|part| !composition::is_empty(&part.attention));

        let region = |mask: &[f32]| -> Result<Option<Region>, GenerateError> {
            if composition::is_full(mask) {
                return Ok(None);
            }
            let (width, height) = sizes.latents;
            Ok(Some(Region::new(mask.to_vec(), height, width)?))
        };
        let mut active: Vec<ActiveLora> = active(&shared, None);
        for (first, part) in parts.iter().enumerate() {
            let alike = |other: &&Part| other.uses() == part.uses();
            if part.loras.is_empty() || parts[..first].iter().any(|other| alike(&other)) {
                continue;
            }
            // LoRAs of several texts act once in each place.
            let texts = parts.iter().enumerate().filter(|(_, other)| alike(other));
            let mut extent = vec![0.0; places];
            for (_, other) in texts.clone() {
                add(&mut extent, &other.extent);
            }
            let place = Place {
                region: region(&extent)?,
                texts: texts.map(|(text, _)| text).collect(),
            };
            active.extend(self::active(&part.loras, Some(&place)));
        }
        let mut texts = Vec::with_capacity(parts.len());
        let count = parts.len();
        for (text, part) in parts.into_iter().enumerate() {
            let acting = active.iter().filter(|lora| lora.acts_on(text));
            let paths = adaptation::text_encoder_paths(acting)?;
            let layers = pipeline.text_encoder.adaptable_layers();
            let _installed = Installed::new(layers, &paths);
            let encode = |tokens: &PromptTokens| -> Result<Tensor, GenerateError> {
                let device = pipeline.device.candle();
                let row = conditioning::encode(&pipeline.text_encoder, tokens, clip_skip, device)?;
                Ok(row.to_dtype(pipeline.dtype)?)
            };
            let (mut tokens, mut negative) = (part.tokens, negative.clone());
            let negative = if guided {
                let chunks = tokens.chunks.len().max(negative.chunks.len());
                tokens.pad_to(chunks);
                negative.pad_to(chunks);
                Some(encode(&negative)?)
            } else {
                None
            };
            texts.push(FrameText {
                positive: encode(&tokens)?,
                negative,
                region: region(&part.attention)?,
            });
        }
        let (paths, left_out) = adaptation::unet_paths(&active, count)?;
        if left_out > 0 {
            notes.push(format!(
                "{left_out} layers of regional LoRAs act on the time alone, which has no place \
                 in the picture: they are left out"
            ));
        }
        Ok(Self {
            texts,
            paths,
            loras,
            regions,
            notes,
        })
    }

    /// The texts for one or both predictions.
    ///
    /// # Errors
    /// When there is no negative text.
    pub(crate) fn side(&self, side: Side) -> candle_core::Result<Vec<RegionText>> {
        let texts = self.texts.iter().map(|text| {
            let embeddings = match (side, &text.negative) {
                (Side::Positive, _) => text.positive.clone(),
                (Side::Negative, Some(negative)) => negative.clone(),
                (Side::Both, Some(negative)) => Tensor::cat(&[negative, &text.positive], 0)?,
                (_, None) => candle_core::bail!("without guidance there is no negative text"),
            };
            Ok(RegionText {
                embeddings,
                region: text.region.clone(),
            })
        });
        texts.collect()
    }
}

impl Part {
    fn uses(&self) -> Vec<&LoraUse> {
        self.loras.iter().map(|(lora, _)| lora).collect()
    }

    /// Whether two parts are one: the same prompt, the same LoRAs.
    fn is_alike(&self, other: &Self) -> bool {
        self.prompt == other.prompt && self.uses() == other.uses()
    }

    fn extend(&mut self, other: &Self) {
        add(&mut self.attention, &other.attention);
        add(&mut self.extent, &other.extent);
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

impl ActiveLora {
    fn acts_on(&self, text: usize) -> bool {
        self.place
            .as_ref()
            .is_none_or(|place| place.texts.contains(&text))
    }
}

fn check_loras(request: &GenerateRequest) -> Result<(), GenerateError> {
    let of_regions = request.regions.iter().map(|region| &region.loras);
    let all: Vec<&LoraUse> = std::iter::once(&request.loras)
        .chain(of_regions)
        .flatten()
        .collect();
    if all.len() > MOST_LORAS {
        return Err(GenerateError::LoraCount(all.len()));
    }
    for lora in all {
        let weights = [Some(lora.weight), lora.text_weight];
        for weight in weights.into_iter().flatten() {
            check_range(
                "LoRA weight",
                weight,
                -LARGEST_LORA_WEIGHT,
                LARGEST_LORA_WEIGHT,
            )?;
        }
    }
    Ok(())
}

fn read_loras(
    pipeline: &Pipeline,
    uses: &[LoraUse],
    request: &GenerateRequest,
    notes: &mut Vec<String>,
) -> Result<Vec<(LoraUse, Arc<Lora>)>, GenerateError> {
    let mut read = Vec::with_capacity(uses.len());
    for lora_use in uses {
        let lora = pipeline
            .lora(&lora_use.path, request.partial_loras)
            .map_err(|source| GenerateError::Lora {
                name: lora_use.name.clone(),
                source,
            })?;
        for note in &lora.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        read.push((lora_use.clone(), lora));
    }
    Ok(read)
}

/// LoRAs at work in a place.
fn active(loras: &[(LoraUse, Arc<Lora>)], place: Option<&Place>) -> Vec<ActiveLora> {
    let active = loras.iter().map(|(lora_use, lora)| ActiveLora {
        lora: lora.clone(),
        weight: f64::from(lora_use.weight),
        text_weight: f64::from(lora_use.text_weight.unwrap_or(lora_use.weight)),
        place: place.cloned(),
    });
    active.collect()
}

fn identities(loras: &[(LoraUse, Arc<Lora>)]) -> Vec<LoraIdentity> {
    let identities = loras.iter().map(|(lora_use, lora)| LoraIdentity {
        name: lora_use.name.clone(),
        hash: lora.hash.clone(),
        weight: lora_use.weight,
        text_weight: lora_use
            .text_weight
            .filter(|weight| *weight != lora_use.weight),
    });
    identities.collect()
}

fn identity(
    region: &RegionRequest,
    mask: &[f32],
    loras: &[(LoraUse, Arc<Lora>)],
    sizes: Sizes,
) -> RegionIdentity {
    let (frame_box, mask, feather) = match &region.area {
        RegionArea::Box(area) => {
            let edges = [area.left, area.top, area.right, area.bottom];
            (Some(edges), None, region.feather)
        }
        RegionArea::Mask(_) => {
            let picture = composition::picture_of(mask, sizes.latents);
            (None, picture.as_ref().map(RegionIdentity::written), 0.0)
        }
    };
    RegionIdentity {
        frame_box,
        mask,
        feather,
        prompt: region.prompt.clone(),
        strength: region.strength,
        loras: identities(loras),
    }
}
