//! Models: where they lie and what they are used with.

use std::path::PathBuf;

use serde::Deserialize;

use crate::kind::Kind;
use crate::manifest::{Manifest, Misfit};

/// A model inside the daemon's binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// The one that is used when a request names none.
    Sketch,
    /// Its variant for inpainting, whose UNet is given the mask and what is around it.
    Inpainting,
}

impl Embedded {
    /// All of them, the one that is used when none is named first.
    pub const ALL: [Self; 2] = [Self::Sketch, Self::Inpainting];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sketch => "sketch",
            Self::Inpainting => "sketch-inpaint",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }
}

/// Where a model's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Inside the daemon's binary.
    Embedded(Embedded),
    /// A diffusers folder.
    Folder(PathBuf),
    /// A single safetensors file with the original names.
    File(PathBuf),
}

impl Source {
    /// The folder or file; none for an embedded model.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Embedded(_) => None,
            Self::Folder(path) | Self::File(path) => Some(path),
        }
    }
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
    /// Guidance scale, 0 or above.
    pub guidance_scale: Option<f32>,
    /// The sampler's name, as the engine spells it.
    pub sampler: Option<String>,
    /// How many of the text encoder's last layers are left out.
    pub clip_skip: Option<u32>,
}

/// How a model draws in two passes, small first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hires {
    /// How far the second pass goes from the first: above 0, to 1.
    pub strength: Option<f32>,
    /// The same for a frame that a shot's LoRA lays out; `strength` when left out. A second pass
    /// does not know the framing, and goes back to its own from a strength on.
    pub shot_strength: Option<f32>,
    /// The LoRA that the second pass has beside those of the frame.
    pub lora: Option<String>,
    /// How much of it is added; what its own manifest says, or 1, when left out.
    pub weight: Option<f32>,
}

/// A model's manifest, `models/NAME.toml`.
///
/// ```toml
/// family = "sd15"
/// path = "/models/some-model.safetensors"   # left out: beside the manifest
/// vae = "vae-ft-mse.safetensors"
///
/// [defaults]
/// width = 512
/// steps = 50
/// guidance_scale = 7.5
/// sampler = "dpmpp-2m-karras"
///
/// [hires]
/// strength = 0.5
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// The family that LoRAs must fit to.
    pub family: Option<String>,
    /// The folder or file: absolute, or inside the models folder.
    pub path: Option<PathBuf>,
    /// A VAE file or folder that takes the place of the model's own: absolute,
    /// or inside the models folder.
    pub vae: Option<PathBuf>,
    /// What a request gets that does not say otherwise.
    #[serde(default)]
    pub defaults: Defaults,
    /// How it draws in two passes.
    #[serde(default)]
    pub hires: Hires,
}

impl Manifest for ModelManifest {
    const KIND: Kind = Kind::Model;

    fn check(&self) -> Result<(), Misfit> {
        let defaults = &self.defaults;
        for (key, value) in [
            ("width", defaults.width),
            ("height", defaults.height),
            ("steps", defaults.steps),
        ] {
            if value == Some(0) {
                return Err(Misfit::new(key, "must be above 0"));
            }
        }
        if let Some(scale) = defaults.guidance_scale
            && (!scale.is_finite() || scale < 0.0)
        {
            return Err(Misfit::new("guidance_scale", "must be 0 or above"));
        }
        for (key, strength) in [
            ("strength", self.hires.strength),
            ("shot_strength", self.hires.shot_strength),
        ] {
            if strength.is_some_and(|strength| !(strength > 0.0 && strength <= 1.0)) {
                return Err(Misfit::new(key, "must be above 0, and 1 at most"));
            }
        }
        match self.hires.weight {
            Some(weight) if !(-4.0..=4.0).contains(&weight) => {
                Err(Misfit::new("weight", "must be from -4 to 4"))
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
    /// The family that LoRAs must fit to, from the manifest or, failing that,
    /// from the widths of the file's tensors.
    pub family: Option<String>,
    /// A VAE that takes the place of the model's own.
    pub vae: Option<PathBuf>,
    /// What a request gets that does not say otherwise.
    pub defaults: Defaults,
    /// How it draws in two passes.
    pub hires: Hires,
}

impl From<Embedded> for Model {
    fn from(embedded: Embedded) -> Self {
        Self {
            name: embedded.name().to_owned(),
            source: Source::Embedded(embedded),
            // What fits the one fits the other.
            family: Some(Embedded::Sketch.name().to_owned()),
            vae: None,
            defaults: Defaults {
                steps: Some(20),
                guidance_scale: Some(match embedded {
                    // What its sheet of fixed prompts was drawn with.
                    Embedded::Sketch => 3.5,
                    // Above it paints garish colours: it sees the picture around, and needs less.
                    Embedded::Inpainting => 2.0,
                }),
                sampler: Some("ddim".to_owned()),
                ..Defaults::default()
            },
            hires: Hires {
                // As far as its LoRA was trained.
                strength: Some(0.8),
                // At 0.8 a third of all framings is lost, at 0.7 hardly any.
                shot_strength: Some(0.7),
                lora: Some("sketch-hires".to_owned()),
                ..Hires::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    fn refusal(text: &str) -> (Option<u32>, String) {
        let error = parse::<ModelManifest>(text).expect_err("refused");
        (error.line(), error.to_string())
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest: ModelManifest = parse(
            "family = 'sd15'\nvae = 'vae.safetensors'\n[defaults]\nsteps = 50\nguidance_scale = 7.5\n",
        )
        .expect("a manifest");
        assert_eq!(manifest.family.as_deref(), Some("sd15"));
        assert_eq!(manifest.defaults.steps, Some(50));
        assert_eq!(manifest.defaults.guidance_scale, Some(7.5));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let (line, reason) = refusal("family = 'sd15'\n\n[defaults]\nsteps = 'many'\n");
        assert_eq!(line, Some(4), "{reason}");
        let (line, reason) = refusal("family = 'sd15'\nfamly = 'sd15'\n");
        assert_eq!(line, Some(2), "{reason}");
        assert!(reason.contains("famly"), "{reason}");
        let (line, _) = refusal("family = \n");
        assert_eq!(line, Some(1));
        let (line, reason) = refusal("[defaults]\nwidth = 512\nsteps = 0\n");
        assert_eq!(line, Some(3), "{reason}");
        let (line, reason) = refusal("[hires]\nlora = 'more'\nstrength = 1.5\n");
        assert_eq!(line, Some(3));
        assert!(reason.contains("`strength`"), "{reason}");
        let (line, reason) = refusal("[hires]\nshot_strength = 0\n");
        assert_eq!(line, Some(2));
        assert!(reason.contains("`shot_strength`"), "{reason}");
        let (line, _) = refusal("[hires]\nweight = 5\n");
        assert_eq!(line, Some(2));
        let (line, _) = refusal("[defaults]\nguidance_scale = nan\n");
        assert_eq!(line, Some(2));
    }
}
