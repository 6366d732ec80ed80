//! A model's manifest: `NAME.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::Defaults;

/// The longest manifest that is read, bytes.
const LONGEST: u64 = 64 << 10;

/// What a manifest says.
///
/// ```toml
/// family = "sd15"
/// path = "/home/me/checkpoints/realistic-vision.safetensors"  # or relative; left out: beside the manifest
/// vae = "vae-ft-mse.safetensors"
///
/// [defaults]
/// width = 512
/// height = 512
/// steps = 50
/// guidance_scale = 7.5
/// sampler = "dpmpp-2m"
/// clip_skip = 1
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The family that LoRAs must fit to.
    pub family: Option<String>,
    /// The folder or file; relative to the manifest.
    pub path: Option<PathBuf>,
    /// A VAE file or folder that takes the place of the model's own; relative to the manifest.
    pub vae: Option<PathBuf>,
    /// What a request gets that does not say otherwise.
    #[serde(default)]
    pub defaults: Defaults,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is far longer than a manifest is.
    #[error("it has {0} bytes; a manifest has at most {LONGEST}")]
    TooLong(u64),
    /// It is not TOML, has a key that is not known or a value of the wrong type.
    #[error("{reason}")]
    Content {
        /// The line, from 1.
        line: Option<u32>,
        /// What is wrong there.
        reason: String,
    },
}

impl ManifestError {
    /// The line that is to blame, from 1.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Content { line, .. } => *line,
            Self::Read(_) | Self::TooLong(_) => None,
        }
    }
}

impl Manifest {
    /// Reads `path`; relative paths in it are made absolute.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let length = std::fs::metadata(path)?.len();
        if length > LONGEST {
            return Err(ManifestError::TooLong(length));
        }
        let mut manifest = Self::parse(&std::fs::read_to_string(path)?)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for named in [&mut manifest.path, &mut manifest.vae]
            .into_iter()
            .flatten()
        {
            *named = folder.join(&*named);
        }
        Ok(manifest)
    }

    /// Reads a manifest's text.
    ///
    /// # Errors
    /// [`ManifestError::Content`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| ManifestError::Content {
            line: error.span().map(|span| line_of(text, span.start)),
            reason: error.message().to_owned(),
        })?;
        manifest
            .defaults
            .check()
            .map_err(|(key, reason)| ManifestError::Content {
                line: line_with(text, key),
                reason: format!("`{key}` {reason}"),
            })?;
        Ok(manifest)
    }
}

fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u32
}

fn line_with(text: &str, key: &str) -> Option<u32> {
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with(key))?;
    u32::try_from(line + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (Option<u32>, String) {
        let error = Manifest::parse(text).expect_err("refused");
        (error.line(), error.to_string())
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest = Manifest::parse(
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
    }
}
