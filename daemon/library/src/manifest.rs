//! Manifests: small TOML files with a type each.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::kind::Kind;

/// What a TOML file of the library says.
pub trait Manifest: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// What it describes.
    const KIND: Kind;
    /// The longest file that is read, bytes.
    const LONGEST: u64 = 64 << 10;

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// The first key that makes no sense, and why.
    fn check(&self) -> Result<(), Misfit>;
}

/// A value that has the right type and makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The key as it is written in the file.
    pub key: String,
    /// What is wrong with its value, to be read after the key.
    pub reason: String,
}

impl Misfit {
    pub(crate) fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is a folder, a pipe or a device.
    #[error("it is no ordinary file")]
    NoFile,
    /// It is far longer than a manifest is.
    #[error("it has more than {0} bytes, which is the most that is read")]
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
            Self::Read(_) | Self::NoFile | Self::TooLong(_) => None,
        }
    }
}

/// Reads a manifest's text, at most `longest` bytes.
pub(crate) fn read_text(path: &Path, longest: u64) -> Result<String, ManifestError> {
    // A pipe would keep the reader waiting for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(ManifestError::NoFile);
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(longest + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(ManifestError::TooLong(longest));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
        ManifestError::Content {
            line: before.map(line_after),
            reason: "the text is not UTF-8".to_owned(),
        }
    })
}

/// Reads a manifest's text.
///
/// # Errors
/// [`ManifestError::TooLong`] and [`ManifestError::Content`].
pub fn parse<M: Manifest>(text: &str) -> Result<M, ManifestError> {
    if text.len() as u64 > M::LONGEST {
        return Err(ManifestError::TooLong(M::LONGEST));
    }
    let manifest: M = from_toml(text)?;
    manifest.check().map_err(|misfit| ManifestError::Content {
        line: line_with(text, &misfit.key),
        reason: format!("`{}` {}", misfit.key, misfit.reason),
    })?;
    Ok(manifest)
}

/// Reads TOML, and tells the line of a mistake.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, ManifestError> {
    toml::from_str(text).map_err(|error| ManifestError::Content {
        line: error
            .span()
            .and_then(|span| text.as_bytes().get(..span.start))
            .map(line_after),
        reason: error.message().to_owned(),
    })
}

fn line_after(before: &[u8]) -> u32 {
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

fn line_with(text: &str, key: &str) -> Option<u32> {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches(['[', '"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| {
            rest.trim_start_matches(['"', '\''])
                .trim_start()
                .starts_with(['=', ']', '.'])
        })
    };
    let line = text.lines().position(is_key)?;
    u32::try_from(line + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelManifest;

    #[test]
    fn text_is_bounded_and_utf_8() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "12345").expect("written");
        assert_eq!(read_text(&path, 5).expect("text"), "12345");
        assert!(matches!(
            read_text(&path, 4),
            Err(ManifestError::TooLong(4))
        ));
        std::fs::write(&path, b"a = 1\n\xff").expect("written");
        assert_eq!(read_text(&path, 100).expect_err("no text").line(), Some(2));
        assert!(matches!(
            read_text(folder.path(), 100),
            Err(ManifestError::NoFile)
        ));
    }

    #[test]
    fn the_line_of_a_key_is_found_in_its_table() {
        assert_eq!(
            line_with("a = 1\n[defaults]\nstep = 2\nsteps = 0", "steps"),
            Some(4)
        );
        assert_eq!(line_with("\"full-shot\" = 1", "full-shot"), Some(1));
        assert_eq!(line_with("steps_more = 1", "steps"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,400}") {
            let _ = parse::<ModelManifest>(&text);
        }
    }
}
