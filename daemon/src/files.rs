//! The engine behind the daemon's traits: reading models, prompts and PNGs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use framewright_engine::model_files::ModelFiles;
use framewright_engine::prompt::{self, PromptError, PromptTokens};
use framewright_engine::provenance::{self, LoraIdentity, Provenance, RegionIdentity};
use framewright_engine::request::LARGEST_SIDE;
use framewright_engine::tokenizer::Tokenizer;
use framewright_library::{Model, Source};
use framewright_protocol::{
    ErrorCode, GenerateParams, HiresParams, LoraParams, Picture, PictureFormat, RegionParams,
    TokenChunk, TokenPiece, TokensResult, WireError,
};
use image::DynamicImage;
use serde_bytes::ByteBuf;
use serde_json::{Value, json};

use crate::checkpoint::{self, Hashes};
use crate::diffusion::{LastLoad, unusable};
use crate::order::Order;
use crate::renderer::{Reader, Remembered};
use crate::segmentation::{Answer, Found, Question, Segmentation};

/// Reads models, prompts and PNGs.
pub struct Files {
    device: String,
    last_load: LastLoad,
    hashes: Hashes,
    segmentation: Arc<Segmentation>,
}

impl Files {
    /// `device` is the engine's; `last_load` is what it tells.
    pub fn new(
        device: String,
        last_load: LastLoad,
        hashes: Hashes,
        segmentation: Arc<Segmentation>,
    ) -> Self {
        Self {
            device,
            last_load,
            hashes,
            segmentation,
        }
    }
}

fn invalid(about: &str, error: &dyn std::fmt::Display) -> WireError {
    WireError::new(ErrorCode::InvalidParams, error.to_string()).about(about)
}

impl Reader for Files {
    fn device(&self) -> String {
        self.device.clone()
    }

    fn segmenters(&self) -> (Vec<Found>, PathBuf) {
        (
            self.segmentation.found(),
            self.segmentation.folder().to_owned(),
        )
    }

    fn segment(
        &self,
        question: &Question,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Answer, WireError> {
        self.segmentation.answer(question, wanted)
    }

    fn check(&self, order: &Order) -> Result<(), WireError> {
        let checked = |about: &str, text: &str| {
            prompt::parse(text)
                .map(|_| ())
                .map_err(|error: PromptError| invalid(about, &error))
        };
        checked("prompt", &order.prompt)?;
        checked("negative_prompt", &order.cast.negative_prompt)?;
        for prompt in order
            .cast
            .regions
            .iter()
            .filter_map(|it| it.prompt.as_deref())
        {
            checked("regions.prompt", prompt)?;
        }
        if let Some(name) = &order.sampler {
            checkpoint::sampler(name)?;
        }
        if let Some(name) = &order.guidance_mode {
            checkpoint::guidance_mode(name)?;
        }
        for (about, side) in [("width", order.width), ("height", order.height)] {
            if side.is_some_and(|side| side > LARGEST_SIDE) {
                let error = format!("sides have at most {LARGEST_SIDE} pixels");
                return Err(invalid(about, &error));
            }
        }
        Ok(())
    }

    fn remember(&self, png: &[u8]) -> Result<Remembered, WireError> {
        let made = provenance::read_png(png).map_err(|error| invalid("png", &error))?;
        let provenance = serde_json::to_value(&made)
            .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))?;
        Ok(Remembered {
            request: GenerateParams {
                prompt: made.prompt,
                negative_prompt: Some(made.negative_prompt),
                model: Some(made.model.name),
                width: Some(made.width),
                height: Some(made.height),
                steps: Some(made.steps),
                guidance_scale: Some(made.guidance_scale),
                guidance_rescale: Some(made.guidance_rescale),
                guidance_mode: Some(made.guidance_mode.name().to_owned()),
                sampler: Some(made.sampler.name().to_owned()),
                seed: Some(made.seed),
                strength: made.init_image.map(|init| init.strength),
                hires: made.hires.as_ref().map(|hires| HiresParams {
                    scale: hires.scale,
                    strength: Some(hires.strength),
                    loras: Some(lora_params(&hires.loras)),
                }),
                clip_skip: Some(made.clip_skip),
                // Exactly these, whatever the library says of the prompt now.
                activate: Some(false),
                loras: Some(lora_params(&made.loras)),
                partial_loras: Some(made.partial_loras),
                regions: Some(made.regions.iter().map(region_params).collect()),
                ..GenerateParams::default()
            },
            inpainting: made.request,
            provenance,
        })
    }

    fn native_side(&self, model: &Model) -> Result<u32, WireError> {
        let files = checkpoint::files(model, &self.hashes)?;
        let unet = files.unet_config().map_err(|error| unusable(&error))?;
        let vae = files.vae_config().map_err(|error| unusable(&error))?;
        let (width, height) = unet.native_size(&vae);
        let defaults = &model.defaults;
        let side = defaults
            .width
            .unwrap_or(width)
            .min(defaults.height.unwrap_or(height));
        // A canvas is laid out in multiples of 8 from 64.
        Ok(side.clamp(64, LARGEST_SIDE) / 8 * 8)
    }

    fn png(
        &self,
        picture: &DynamicImage,
        provenance: &mut Value,
        request: Value,
    ) -> Result<Vec<u8>, WireError> {
        let internal =
            |error: &dyn std::fmt::Display| WireError::new(ErrorCode::Internal, error.to_string());
        let mut made: Provenance =
            serde_json::from_value(provenance.take()).map_err(|error| internal(&error))?;
        made.request = Some(request);
        *provenance = serde_json::to_value(&made).map_err(|error| internal(&error))?;
        provenance::write_image(picture, &made).map_err(|error| internal(&error))
    }

    fn differences(&self, before: &Value, after: &Value) -> Vec<String> {
        let read = |value: &Value| serde_json::from_value::<Provenance>(value.clone());
        match (read(before), read(after)) {
            (Ok(before), Ok(after)) => before.differences(&after),
            _ => Vec::new(),
        }
    }

    fn tokens(&self, model: &Model, prompt: &str) -> Result<TokensResult, WireError> {
        let files = checkpoint::files(model, &self.hashes)?;
        let tokenizer = tokenizer(model, &files)?;
        let positions = files
            .text_encoder_config()
            .map_err(|error| unusable(&error))?
            .max_position_embeddings;
        let context = tokenizer.max_length().min(positions);
        let tokens = PromptTokens::new(&tokenizer, context, prompt)
            .map_err(|error| invalid("prompt", &error))?;
        let chunks: Vec<TokenChunk> = tokens
            .chunks
            .into_iter()
            .map(|chunk| TokenChunk {
                tokens: chunk
                    .tokens
                    .into_iter()
                    .map(|token| TokenPiece {
                        id: token.id,
                        text: token.piece,
                        weight: token.weight,
                    })
                    .collect(),
            })
            .collect();
        Ok(TokensResult {
            count: chunks.iter().map(|chunk| chunk.tokens.len() as u64).sum(),
            chunks,
        })
    }

    fn inspect(&self, model: &Model) -> Result<Value, WireError> {
        let mut files = checkpoint::files(model, &self.hashes)?;
        if let Some(vae) = &model.vae {
            files = files.with_vae(vae);
        }
        let wrong = unusable;
        let unet = files.unet_config().map_err(|error| wrong(&error))?;
        let vae = files.vae_config().map_err(|error| wrong(&error))?;
        let text_encoder = files.text_encoder_config().map_err(|error| wrong(&error))?;
        let scheduler = files
            .read("scheduler/scheduler_config.json")
            .map_err(|error| wrong(&error))?
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let scheduler = |key: &str| {
            scheduler
                .as_ref()
                .and_then(|config| config.get(key).cloned())
        };
        let last = self
            .last_load
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let loaded = last
            .as_ref()
            .filter(|(loaded, _)| loaded == model)
            .map(|(_, report)| report);
        // What a client needs to choose a size: every block but the last halves the sides.
        let factor = 1_usize << vae.block_out_channels.len().saturating_sub(1).min(16);
        let halvings = unet.block_out_channels.len().saturating_sub(1).min(16);
        let sample_size = |axis: usize| {
            let size = unet.sample_size.as_ref().map(|size| size.get(axis));
            size.unwrap_or(64).saturating_mul(factor)
        };
        let given = &model.defaults;
        Ok(json!({
            "size": {
                "width": given.width.map_or_else(|| sample_size(1), |side| side as usize),
                "height": given.height.map_or_else(|| sample_size(0), |side| side as usize),
                "multiple": factor << halvings,
            },
            "unet": {
                "in_channels": unet.in_channels,
                "block_out_channels": unet.block_out_channels,
                "purpose": if unet.in_channels == vae.latent_channels { "text to image" } else { "inpainting" },
            },
            "vae": {
                "latent_channels": vae.latent_channels,
                "block_out_channels": vae.block_out_channels,
            },
            "text_encoder": {
                "hidden_size": text_encoder.hidden_size,
                "layers": text_encoder.num_hidden_layers,
            },
            "prediction_type": scheduler("prediction_type"),
            "bytes": weight_bytes(model),
            "hash": files.hash().map_err(|error| wrong(&error))?,
            "vae_hash": files.vae_hash().map_err(|error| wrong(&error))?,
            "notes": loaded.map(|report| &report.notes),
            "unused_keys": loaded.map(|report| &report.unused),
        }))
    }
}

fn lora_params(loras: &[LoraIdentity]) -> Vec<LoraParams> {
    let params = loras.iter().map(|lora| LoraParams {
        name: lora.name.clone(),
        weight: Some(lora.weight),
        text_weight: lora.text_weight,
    });
    params.collect()
}

fn region_params(region: &RegionIdentity) -> RegionParams {
    RegionParams {
        area: region.frame_box.map(Vec::from),
        mask: region.mask_png().map(|png| Picture {
            format: PictureFormat::Png,
            width: 0,
            height: 0,
            data: ByteBuf::from(png),
            blob: None,
        }),
        feather: Some(region.feather),
        prompt: region.prompt.clone(),
        strength: Some(region.strength),
        loras: Some(lora_params(&region.loras)),
        characters: None,
    }
}

/// The tokenizer of a model: the folder's own, or CLIP's for a single file.
fn tokenizer(model: &Model, files: &ModelFiles) -> Result<Tokenizer, WireError> {
    if matches!(model.source, Source::File(_)) {
        return Ok(Tokenizer::standard());
    }
    let mut found: BTreeMap<&str, Cow<'_, [u8]>> = BTreeMap::new();
    for name in Tokenizer::FILES {
        if let Some(bytes) = files.read(name).map_err(|error| unusable(&error))? {
            found.insert(name, bytes);
        }
    }
    Tokenizer::from_files(|name| found.get(name).map(|bytes| Cow::Borrowed(bytes.as_ref())))
        .map_err(|error| {
            WireError::new(ErrorCode::ModelUnusable, error.to_string()).about(&model.name)
        })
}

/// How many bytes the model's weights take on disk.
fn weight_bytes(model: &Model) -> Option<u64> {
    fn weights(path: &Path, depth: u32, seen: &mut BTreeSet<PathBuf>) -> u64 {
        let Ok(metadata) = std::fs::metadata(path) else {
            return 0;
        };
        let is_weights = path
            .extension()
            .is_some_and(|extension| extension == "safetensors");
        if metadata.is_file() {
            return if is_weights && seen.insert(path.to_owned()) {
                metadata.len()
            } else {
                0
            };
        }
        if depth == 0 {
            return 0;
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .map(|entry| weights(&entry.path(), depth - 1, seen))
            .sum()
    }
    match &model.source {
        Source::Embedded(_) => None,
        Source::Folder(path) | Source::File(path) => Some(weights(path, 2, &mut BTreeSet::new())),
    }
}
