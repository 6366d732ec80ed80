//! A model ready to make frames: tokenizer, text encoder, UNet, VAE and noise
//! schedule.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::{DType, Tensor};

use crate::device::Device;
use crate::error::LoadError;
use crate::generation::{Generation, Given};
use crate::guidance::GuidanceMode;
use crate::layer_names::LayerNames;
use crate::lora::{Lora, LoraError, LoraModel};
use crate::lora_cache::LoraCache;
use crate::model_files::ModelFiles;
use crate::preview::PreviewMap;
use crate::prompt::{PromptError, PromptTokens};
use crate::provenance::ModelIdentity;
use crate::request::{GenerateError, GenerateRequest, ModelDefaults};
use crate::sampler::Sampler;
use crate::schedule::{ScheduleError, SchedulerConfig};
use crate::text_encoder::ClipTextModel;
use crate::tokenizer::Tokenizer;
use crate::unet::UNet;
use crate::vae::Vae;

/// How a model is loaded.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// What computes.
    pub device: Device,
    /// The type the UNet and the text encoder compute in; `None` is f32 on a
    /// CPU and f16 on a GPU. The VAE computes in f32.
    pub dtype: Option<DType>,
    /// A VAE that takes the place of the model's own.
    pub vae: Option<PathBuf>,
    /// The model's name, for provenance.
    pub name: String,
    /// The model's family, for provenance.
    pub family: String,
    /// BLAKE3 of the weights where it is known; else it is computed when the
    /// first frame is made.
    pub hash: Option<String>,
    /// The defaults of the model's manifest.
    pub defaults: ModelDefaults,
    /// How many bytes a step may take beside the weights; above it guidance
    /// takes two passes. `None` is no limit.
    pub step_memory: Option<u64>,
}

impl LoadOptions {
    /// Options for a model of this name on this device, all else by default.
    #[must_use]
    pub fn new(name: impl Into<String>, device: Device) -> Self {
        Self {
            device,
            dtype: None,
            vae: None,
            name: name.into(),
            family: String::new(),
            hash: None,
            defaults: ModelDefaults::default(),
            step_memory: None,
        }
    }
}

/// What there is to say about a model that was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Keys in the checkpoint that nothing uses; a few are usual.
    pub unused: Vec<String>,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// A model's defaults with nothing left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Steps.
    pub steps: u32,
    /// Guidance scale.
    pub guidance_scale: f32,
    /// Guidance rescale.
    pub guidance_rescale: f32,
    /// Sampler.
    pub sampler: Sampler,
    /// Clip skip.
    pub clip_skip: u32,
}

/// A model ready to make frames.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) text_encoder: ClipTextModel,
    pub(crate) unet: UNet,
    pub(crate) vae: Vae,
    pub(crate) scheduler: SchedulerConfig,
    defaults: Defaults,
    files: ModelFiles,
    name: String,
    family: String,
    hash: OnceLock<String>,
    preview_map: OnceLock<PreviewMap>,
    step_memory: Option<u64>,
    layer_names: LayerNames,
    loras: LoraCache,
    turn: Mutex<()>,
}

/// Bytes of LoRAs that are kept when nothing uses them: some ten of rank 16 of
/// Stable Diffusion 1.5.
const LORA_CACHE_BYTES: usize = 512 << 20;

/// The type the VAE computes in: its decoder leaves the range of f16.
const VAE_DTYPE: DType = DType::F32;

impl Pipeline {
    /// Loads a model.
    ///
    /// # Errors
    /// [`LoadError`] when files are missing, unsound or do not fit together.
    pub fn load(
        files: &ModelFiles,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport), LoadError> {
        options.device.run(|| Self::load_here(files, options))
    }

    fn load_here(
        files: &ModelFiles,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport), LoadError> {
        let files = match &options.vae {
            Some(vae) => files.clone().with_vae(vae),
            None => files.clone(),
        };
        let device = options.device.candle();
        let dtype = options.dtype.unwrap_or(if device.is_cpu() {
            DType::F32
        } else {
            DType::F16
        });
        let mut report = LoadReport::default();
        let scheduler = load_scheduler(&files, &mut report)?;
        let tokenizer = load_tokenizer(&files, &mut report)?;
        let text_encoder = files.load_text_encoder(device, dtype)?;
        let unet = files.load_unet(device, dtype)?;
        let vae = files.load_vae(device, VAE_DTYPE)?;
        for unused in [text_encoder.unused, unet.unused, vae.unused] {
            report.unused.extend(unused);
        }
        report.unused.sort();
        report.unused.dedup();
        let (text_encoder, unet, vae) = (text_encoder.network, unet.network, vae.network);

        let latent = vae.config().latent_channels;
        let channels = unet.config().in_channels;
        let width = text_encoder.config().hidden_size;
        let expected = unet.config().cross_attention_dim.get(0);
        let mut reasons = Vec::new();
        if channels != latent && channels != 2 * latent + 1 {
            reasons.push(format!(
                "its UNet takes {channels} channels; {latent} or, for inpainting, {} fit its VAE",
                2 * latent + 1
            ));
        }
        if width != expected {
            reasons.push(format!(
                "its text encoder gives {width} numbers a token and its UNet takes {expected}"
            ));
        }
        if !reasons.is_empty() {
            return Err(LoadError::Unsupported {
                path: files.path().to_owned(),
                reasons,
            });
        }

        let given = &options.defaults;
        let (width, height) = unet.config().native_size(vae.config());
        let defaults = Defaults {
            width: given.width.unwrap_or(width),
            height: given.height.unwrap_or(height),
            steps: given.steps.unwrap_or(20),
            guidance_scale: given.guidance_scale.unwrap_or(7.5),
            guidance_rescale: given.guidance_rescale.unwrap_or(0.0),
            sampler: given.sampler.unwrap_or_default(),
            clip_skip: given.clip_skip.unwrap_or(0),
        };
        let layer_names = LayerNames::new(
            text_encoder.adaptable_layers(),
            unet.adaptable_layers(),
            unet.config(),
        );
        let pipeline = Self {
            device: options.device.clone(),
            dtype,
            tokenizer,
            text_encoder,
            unet,
            vae,
            scheduler,
            defaults,
            files,
            name: options.name.clone(),
            family: options.family.clone(),
            hash: options
                .hash
                .clone()
                .map_or_else(OnceLock::new, OnceLock::from),
            preview_map: OnceLock::new(),
            step_memory: options.step_memory,
            layer_names,
            loras: LoraCache::new(LORA_CACHE_BYTES),
            turn: Mutex::default(),
        };
        Ok((pipeline, report))
    }

    /// Starts a frame: checks the request, encodes its text and draws its
    /// noise. Nothing costly is done before everything is checked.
    ///
    /// # Errors
    /// [`GenerateError`] when the request cannot be met.
    pub fn start(&self, request: &GenerateRequest) -> Result<Generation, GenerateError> {
        self.start_given(request, Given::default())
    }

    /// [`start`](Self::start) with tensors in place of drawn ones, to compare
    /// with other implementations.
    ///
    /// # Errors
    /// [`GenerateError`] when the request cannot be met.
    #[doc(hidden)]
    pub fn start_given(
        &self,
        request: &GenerateRequest,
        given: Given,
    ) -> Result<Generation, GenerateError> {
        let _turn = self.turn();
        self.device.run(|| Generation::start(self, request, given))
    }

    /// A LoRA for this model, from memory while its file is as it was. With
    /// `partial`, what of it does not fit is left out and noted.
    ///
    /// # Errors
    /// [`LoraError`], which lists all that does not fit.
    pub fn lora(&self, path: &Path, partial: bool) -> Result<Arc<Lora>, LoraError> {
        let model = LoraModel {
            names: &self.layer_names,
            name: &self.name,
            text_width: self.unet.config().cross_attention_dim.get(0),
            device: self.device.candle(),
            dtype: self.dtype,
        };
        self.loras
            .get(path, partial, || Lora::read(path, model, partial))
    }

    /// The networks for one frame alone, whose LoRAs stand in their layers as
    /// long as it computes. To be taken before going onto the device's threads:
    /// one of them that waited for its turn there would wait for itself.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tokens of a prompt, as this model sees them.
    ///
    /// # Errors
    /// [`PromptError`] when the prompt cannot be used.
    pub fn tokenize(&self, prompt: &str) -> Result<PromptTokens, PromptError> {
        let context = self
            .tokenizer
            .max_length()
            .min(self.text_encoder.config().max_position_embeddings);
        PromptTokens::new(&self.tokenizer, context, prompt)
    }

    /// What is used where a request leaves something open.
    #[must_use]
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// What a frame's sides are multiples of, in pixels.
    #[must_use]
    pub fn size_multiple(&self) -> u32 {
        self.vae.factor() as u32
    }

    /// The tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The text encoder.
    #[must_use]
    pub fn text_encoder(&self) -> &ClipTextModel {
        &self.text_encoder
    }

    /// The UNet.
    #[must_use]
    pub fn unet(&self) -> &UNet {
        &self.unet
    }

    /// The VAE.
    #[must_use]
    pub fn vae(&self) -> &Vae {
        &self.vae
    }

    /// The noise schedule.
    #[must_use]
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// What computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The model by name and content.
    ///
    /// # Errors
    /// [`LoadError`] when the weights cannot be read again to hash them.
    pub fn identity(&self) -> Result<ModelIdentity, LoadError> {
        let hash = match self.hash.get() {
            Some(hash) => hash.clone(),
            None => {
                let hash = self.files.hash()?;
                self.hash.get_or_init(|| hash).clone()
            }
        };
        Ok(ModelIdentity {
            name: self.name.clone(),
            family: self.family.clone(),
            hash,
            vae_hash: self.files.vae_hash()?,
        })
    }

    /// The map for previews, fitted when it is first asked for.
    pub(crate) fn preview_map(&self) -> Result<&PreviewMap, GenerateError> {
        if let Some(map) = self.preview_map.get() {
            return Ok(map);
        }
        let map = PreviewMap::fit(&self.vae, self.device.candle(), VAE_DTYPE)?;
        Ok(self.preview_map.get_or_init(|| map))
    }

    /// How guidance is computed when a request leaves it open.
    pub(crate) fn guidance_mode(&self, width: u32, height: u32) -> GuidanceMode {
        let needed = self.step_memory_of_two(width, height);
        match self.step_memory {
            Some(limit) if needed > limit => GuidanceMode::TwoPasses,
            _ => GuidanceMode::Batch,
        }
    }

    /// About how many bytes one step with a batch of two takes beside the
    /// weights: the widest feature maps, of which a dozen are alive at once.
    fn step_memory_of_two(&self, width: u32, height: u32) -> u64 {
        let factor = u64::from(self.size_multiple());
        let area = u64::from(width) * u64::from(height) / (factor * factor);
        let widest = self
            .unet
            .config()
            .block_out_channels
            .iter()
            .enumerate()
            .map(|(level, &channels)| channels as u64 >> (2 * level))
            .max()
            .unwrap_or(0);
        2 * 12 * area * widest * self.dtype.size_in_bytes() as u64
    }

    /// Pixels (3, height, width) in −1..=1 as the mean of their latents.
    pub(crate) fn encode_image(
        &self,
        pixels: Vec<f32>,
        width: usize,
        height: usize,
    ) -> Result<Vec<f32>, GenerateError> {
        let image = Tensor::from_vec(pixels, (1, 3, height, width), self.device.candle())?
            .to_dtype(VAE_DTYPE)?;
        let latents = self.vae.scale_latents(&self.vae.encode(&image)?.mean)?;
        Ok(latents.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }

    /// Latents (channels, height, width) as pixels (3, …, …) of about −1..=1.
    pub(crate) fn decode_latents(
        &self,
        latents: &[f32],
        width: usize,
        height: usize,
    ) -> Result<Vec<f32>, GenerateError> {
        let channels = self.vae.config().latent_channels;
        let latents =
            Tensor::from_slice(latents, (1, channels, height, width), self.device.candle())?
                .to_dtype(VAE_DTYPE)?;
        let image = self.vae.decode(&self.vae.unscale_latents(&latents)?)?;
        Ok(image.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

fn load_scheduler(
    files: &ModelFiles,
    report: &mut LoadReport,
) -> Result<SchedulerConfig, LoadError> {
    let fail = |source: ScheduleError| LoadError::Schedule {
        path: files.path().to_owned(),
        source,
    };
    match files.read("scheduler/scheduler_config.json")? {
        Some(json) => SchedulerConfig::from_json(&json).map_err(fail),
        None => {
            report.notes.push(
                "no scheduler/scheduler_config.json: the schedule of Stable Diffusion 1.5 is \
                 assumed (noise prediction)"
                    .to_owned(),
            );
            Ok(SchedulerConfig::stable_diffusion_1())
        }
    }
}

fn load_tokenizer(files: &ModelFiles, report: &mut LoadReport) -> Result<Tokenizer, LoadError> {
    let mut found: BTreeMap<&str, Cow<'_, [u8]>> = BTreeMap::new();
    for name in Tokenizer::FILES {
        if let Some(bytes) = files.read(name)? {
            found.insert(name, bytes);
        }
    }
    // A folder says that it is one by its configurations; a single file has
    // none, and no vocabulary.
    if found.is_empty() && files.read("unet/config.json")?.is_none() {
        report
            .notes
            .push("a single file has no vocabulary: CLIP's own is used".to_owned());
        return Ok(Tokenizer::standard());
    }
    Tokenizer::from_files(|name| found.get(name).map(|bytes| Cow::Borrowed(bytes.as_ref())))
        .map_err(|source| LoadError::Tokenizer {
            path: files.path().to_owned(),
            source,
        })
}
