//! A model as the library knows it: where it lies and what it is used with.

use std::path::PathBuf;

use serde::Deserialize;

/// Where a model's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The model inside the daemon's binary.
    Embedded,
    /// A diffusers folder.
    Folder(PathBuf),
    /// A single safetensors file with the original names.
    File(PathBuf),
}

/// What a request gets that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Denoising steps.
    pub steps: Option<u32>,
    /// Guidance scale.
    pub guidance_scale: Option<f32>,
    /// The sampler's name, as the engine spells it.
    pub sampler: Option<String>,
    /// How many of the text encoder's last layers are left out.
    pub clip_skip: Option<u32>,
}

impl Defaults {
    /// The first key whose value makes no sense, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        for (key, value) in [
            ("width", self.width),
            ("height", self.height),
            ("steps", self.steps),
        ] {
            if value == Some(0) {
                return Err((key, "must be above 0"));
            }
        }
        match self.guidance_scale {
            Some(scale) if !scale.is_finite() || scale < 0.0 => {
                Err(("guidance_scale", "must be 0 or above"))
            }
            _ => Ok(()),
        }
    }
}

/// A model that can be asked for by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its files.
    pub source: Source,
    /// The family that LoRAs must fit to, where the manifest says.
    pub family: Option<String>,
    /// A VAE that takes the place of the model's own.
    pub vae: Option<PathBuf>,
    /// What a request gets that does not say otherwise.
    pub defaults: Defaults,
}
