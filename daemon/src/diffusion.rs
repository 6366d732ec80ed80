//! The engine behind the daemon's traits: drawing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use framewright_engine::composition::{FrameBox, RegionArea, RegionRequest};
use framewright_engine::device::Device;
use framewright_engine::error::LoadError;
use framewright_engine::generation::Generation;
use framewright_engine::hires::Hires;
use framewright_engine::lora::LoraError;
use framewright_engine::pipeline::{LoadOptions, LoadReport, Pipeline};
use framewright_engine::provenance;
use framewright_engine::request::{
    GenerateError, GenerateRequest, InitImage, Inpaint, LoraUse, ModelDefaults,
};
use framewright_library::{Model, Source};
use framewright_protocol::{ErrorCode, FrameResult, Picture, PictureFormat, WireError};
use image::RgbImage;
use serde_bytes::ByteBuf;

use crate::cast::{Area, CastLora, CastRegion};
use crate::checkpoint::{self, Hashes};
use crate::order::Order;
use crate::renderer::{Drawing, Renderer};

/// What loading the model in memory had to say.
pub type LastLoad = Arc<Mutex<Option<(Model, LoadReport)>>>;

/// Draws with a pipeline that stays in memory.
pub struct Diffusion {
    device: Device,
    loaded: Option<Loaded>,
    last_load: LastLoad,
    hashes: Hashes,
}

struct Loaded {
    model: Model,
    stamps: Stamps,
    pipeline: Arc<Pipeline>,
    notes: Vec<String>,
}

impl Diffusion {
    /// An engine without a model.
    pub fn new(device: Device, last_load: LastLoad, hashes: Hashes) -> Self {
        Self {
            device,
            loaded: None,
            last_load,
            hashes,
        }
    }

    /// The pipeline for a model, from memory while its files are as they were.
    fn load(&mut self, model: &Model) -> Result<&Loaded, WireError> {
        let stamps = Stamps::of(model);
        let fits = |loaded: &Loaded| loaded.model == *model && loaded.stamps == stamps;
        if !self.loaded.as_ref().is_some_and(fits) {
            // The old one goes first: there may not be room for two.
            self.loaded = None;
            let began = Instant::now();
            let (pipeline, report) = self.read(model)?;
            tracing::info!(
                model = model.name,
                seconds = began.elapsed().as_secs_f64(),
                unused_keys = report.unused.len(),
                "loaded"
            );
            if !report.unused.is_empty() {
                tracing::info!("keys that nothing uses: {}", report.unused.join(", "));
            }
            let notes = report.notes.clone();
            *self
                .last_load
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some((model.clone(), report));
            self.loaded = Some(Loaded {
                model: model.clone(),
                stamps,
                pipeline: Arc::new(pipeline),
                notes,
            });
        }
        self.loaded.as_ref().ok_or_else(|| {
            WireError::new(
                ErrorCode::Internal,
                "the model was lost while it was loaded",
            )
        })
    }

    fn read(&self, model: &Model) -> Result<(Pipeline, LoadReport), WireError> {
        let defaults = &model.defaults;
        let sampler = defaults.sampler.as_deref().map(|name| {
            checkpoint::sampler(name).map_err(|error| {
                error
                    .about(format!("the manifest of {}", model.name))
                    .hint("correct `sampler` in the manifest")
            })
        });
        let options = LoadOptions {
            vae: model.vae.clone(),
            family: model.family.clone().unwrap_or_default(),
            defaults: ModelDefaults {
                width: defaults.width,
                height: defaults.height,
                steps: defaults.steps,
                guidance_scale: defaults.guidance_scale,
                guidance_rescale: None,
                sampler: sampler.transpose()?,
                clip_skip: defaults.clip_skip,
            },
            step_memory: available_memory().map(|bytes| bytes / 2),
            ..LoadOptions::new(&model.name, self.device.clone())
        };
        let files = checkpoint::files(model, &self.hashes)?;
        Pipeline::load(&files, &options).map_err(|error| unusable(&error))
    }
}

/// Memory that the system could give, bytes, where `/proc` tells it.
fn available_memory() -> Option<u64> {
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Lengths and times of a model's files: a file that was replaced is read anew.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stamps(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Stamps {
    fn of(model: &Model) -> Self {
        let mut stamps = Self::default();
        match &model.source {
            Source::Embedded(_) => {}
            Source::Folder(path) | Source::File(path) => stamps.add(path, 2),
        }
        if let Some(vae) = &model.vae {
            stamps.add(vae, 2);
        }
        stamps
    }

    fn add(&mut self, path: &Path, depth: u32) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return;
        };
        if metadata.is_file() {
            let stamp = (metadata.len(), metadata.modified().ok());
            self.0.insert(path.to_owned(), stamp);
        } else if depth > 0 {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                self.add(&entry.path(), depth - 1);
            }
        }
    }
}

impl Renderer for Diffusion {
    fn start(&mut self, order: &Order) -> Result<Box<dyn Drawing>, WireError> {
        let loaded = self.load(&order.model)?;
        let pipeline = loaded.pipeline.clone();
        let mut notices = loaded.notes.clone();
        let request = request(order, pipeline.size_multiple(), &mut notices)?;
        let generation = pipeline.start(&request).map_err(|error| refused(&error))?;
        notices.extend_from_slice(generation.notes());
        Ok(Box::new(Frame {
            pipeline,
            generation,
            notices,
        }))
    }

    fn model(&self) -> Option<String> {
        self.loaded.as_ref().map(|loaded| loaded.model.name.clone())
    }

    fn unload(&mut self) {
        self.loaded = None;
    }
}

/// The order in the engine's words.
fn request(
    order: &Order,
    multiple: u32,
    notices: &mut Vec<String>,
) -> Result<GenerateRequest, WireError> {
    let (mut width, mut height) = (order.width, order.height);
    if let (Some(start), None, None) = (&order.start, width, height) {
        let (given, rounded) = (start.image.dimensions(), |side: u32| {
            ((side + multiple / 2) / multiple * multiple).max(multiple)
        });
        let size = (rounded(given.0), rounded(given.1));
        if size != given {
            notices.push(format!(
                "the picture's {}x{} pixels are made {}x{}: sides are multiples of {multiple}",
                given.0, given.1, size.0, size.1
            ));
        }
        (width, height) = (Some(size.0), Some(size.1));
    }
    Ok(GenerateRequest {
        prompt: order.prompt.clone(),
        prompt_sent: None,
        negative_prompt: order.cast.negative_prompt.clone(),
        width,
        height,
        steps: order.steps,
        guidance_scale: order.guidance_scale,
        guidance_rescale: order.guidance_rescale,
        guidance_mode: order
            .guidance_mode
            .as_deref()
            .map(checkpoint::guidance_mode)
            .transpose()?,
        sampler: order
            .sampler
            .as_deref()
            .map(checkpoint::sampler)
            .transpose()?,
        seed: order.seed,
        init_image: order.start.as_ref().map(|start| InitImage {
            image: start.image.clone(),
            strength: start.strength,
        }),
        clip_skip: order.clip_skip,
        inpaint: order.region.as_ref().map(|region| Inpaint {
            image: region.image.clone(),
            start: region.start.clone(),
            mask: region.mask.clone(),
            strength: region.strength,
        }),
        hires: order.hires.map(|hires| Hires {
            scale: hires.scale,
            strength: hires.strength,
            loras: lora_uses(order.cast.hires_loras.as_deref().unwrap_or_default()),
        }),
        loras: lora_uses(&order.cast.loras),
        partial_loras: order.cast.partial_loras,
        regions: order.cast.regions.iter().map(region_request).collect(),
    })
}

fn lora_uses(loras: &[CastLora]) -> Vec<LoraUse> {
    let uses = loras.iter().map(|lora| LoraUse {
        name: lora.name.clone(),
        path: lora.path.clone(),
        weight: lora.weight,
        text_weight: lora.text_weight,
    });
    uses.collect()
}

fn region_request(region: &CastRegion) -> RegionRequest {
    RegionRequest {
        area: match &region.area {
            Area::Box([left, top, right, bottom]) => RegionArea::Box(FrameBox {
                left: *left,
                top: *top,
                right: *right,
                bottom: *bottom,
            }),
            Area::Mask(mask) => RegionArea::Mask(mask.clone()),
        },
        feather: region.feather,
        prompt: region.prompt.clone(),
        loras: lora_uses(&region.loras),
        strength: region.strength,
    }
}

/// A frame in the making, with the model that makes it.
struct Frame {
    pipeline: Arc<Pipeline>,
    generation: Generation,
    notices: Vec<String>,
}

impl Drawing for Frame {
    fn steps(&self) -> u32 {
        u32::try_from(self.generation.progress().steps).unwrap_or(u32::MAX)
    }

    fn size(&self) -> (u32, u32) {
        let provenance = self.generation.provenance();
        (provenance.width, provenance.height)
    }

    fn notices(&self) -> Vec<String> {
        self.notices.clone()
    }

    fn step(&mut self) -> Result<(), WireError> {
        let stepped = self.generation.step(&self.pipeline);
        stepped.map(|_| ()).map_err(|error| refused(&error))
    }

    fn preview(&self) -> Result<RgbImage, WireError> {
        self.generation
            .preview(&self.pipeline)
            .map_err(|error| refused(&error))
    }

    fn finish(self: Box<Self>) -> Result<FrameResult, WireError> {
        let frame = self
            .generation
            .finish(&self.pipeline)
            .map_err(|error| refused(&error))?;
        let internal =
            |error: &dyn std::fmt::Display| WireError::new(ErrorCode::Internal, error.to_string());
        let png = provenance::write_png(&frame.image, &frame.provenance)
            .map_err(|error| internal(&error))?;
        Ok(FrameResult {
            seed: frame.provenance.seed,
            picture: Picture {
                format: PictureFormat::Png,
                width: frame.image.width(),
                height: frame.image.height(),
                data: ByteBuf::from(png),
                blob: None,
            },
            provenance: serde_json::to_value(&frame.provenance)
                .map_err(|error| internal(&error))?,
        })
    }
}

/// The refusal for a model that cannot be loaded.
pub fn unusable(error: &LoadError) -> WireError {
    WireError::new(ErrorCode::ModelUnusable, error.to_string())
        .hint("`framewright model inspect` tells what the files hold")
}

/// The refusal for a frame that cannot be made.
pub fn refused(error: &GenerateError) -> WireError {
    let about =
        |about: &str| WireError::new(ErrorCode::InvalidParams, error.to_string()).about(about);
    match error {
        GenerateError::Prompt(_) => about("prompt"),
        GenerateError::NegativePrompt(_) => about("negative_prompt"),
        GenerateError::Size { nearest, .. } => {
            about("width, height").hint(format!("take {}x{}", nearest.0, nearest.1))
        }
        GenerateError::SizeBounds { .. } => about("width, height"),
        GenerateError::Setting { setting, .. } => about(setting),
        GenerateError::Schedule(_) => about("steps, strength"),
        GenerateError::Hires(_) => about("hires"),
        GenerateError::Mask(_) => about("mask"),
        GenerateError::Lora { name, source } => {
            let refused = about("loras");
            match source {
                LoraError::Misfit(misfit) if misfit.fitting > 0 => refused.hint(format!(
                    "to use what of {name} fits, set `partial_loras` (`--partial`)"
                )),
                _ => refused.hint("`framewright lora inspect` tells what the file holds"),
            }
        }
        GenerateError::LoraCount(_) => about("loras"),
        GenerateError::Region { .. } | GenerateError::RegionPrompt { .. } => about("regions"),
        GenerateError::Load(error) => unusable(error),
        _ => WireError::new(ErrorCode::Internal, error.to_string()),
    }
}
