//! What ships of weights, inside the binary, each file checked by its BLAKE3: the embedded model, its
//! variant for inpainting, its segmenter and its LoRAs.
//!
//! Each lies in a folder of `weights`, as the scripts in `train` wrote it, with `SUMS`: a line a file
//! of BLAKE3, size in bytes and path. A build puts them into the binary, so an installed daemon needs
//! nothing beside itself; [`read`] takes such a folder from disk, for those who train.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files by their path in a folder of weights, with `/` between parts.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// Why the embedded model cannot be used. Every message names the file and what was expected of it.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file that `SUMS` lists is not there.
    #[error(
        "the embedded model's file {path} is missing (expected {size} bytes with BLAKE3 {hash}); \
         install Framewright again, or fetch daemon/sketch/weights anew"
    )]
    Missing {
        /// The file, with the folder of weights that it belongs to.
        path: String,
        /// Its size in bytes by `SUMS`.
        size: u64,
        /// Its BLAKE3 by `SUMS`, in hexadecimal.
        hash: String,
    },
    /// A file is there and is not what `SUMS` says.
    #[error(
        "the embedded model's file {path} is {} (expected {size} bytes with BLAKE3 {hash}, found \
         {found_size} bytes with BLAKE3 {found_hash}); install Framewright again, or fetch \
         daemon/sketch/weights anew",
        if found_size < size { "truncated" } else { "changed" }
    )]
    Damaged {
        /// The file, with the folder of weights that it belongs to.
        path: String,
        /// Its size in bytes by `SUMS`.
        size: u64,
        /// Its BLAKE3 by `SUMS`, in hexadecimal.
        hash: String,
        /// The size found, in bytes.
        found_size: u64,
        /// The BLAKE3 found, in hexadecimal.
        found_hash: String,
    },
    /// A line of `SUMS` is not `BLAKE3 SIZE PATH`.
    #[error("line {line} of the embedded model's SUMS is not “BLAKE3 SIZE PATH”: {text}")]
    Sums {
        /// The line's number, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A file is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// One line of `SUMS`.
struct Sum<'a> {
    hash: &'a str,
    size: u64,
    path: &'a str,
}

fn sums(text: &str) -> impl Iterator<Item = Result<Sum<'_>, WeightsError>> {
    text.lines().enumerate().map(|(index, line)| {
        let mut fields = line.splitn(3, ' ');
        let sum = match (fields.next(), fields.next().map(str::parse), fields.next()) {
            (Some(hash), Some(Ok(size)), Some(path)) if hash.len() == 64 => {
                Some(Sum { hash, size, path })
            }
            _ => None,
        };
        // A path that leaves the folder is as wrong as no path.
        sum.filter(|sum| {
            sum.path
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".."))
        })
        .ok_or_else(|| WeightsError::Sums {
            line: index + 1,
            text: line.to_owned(),
        })
    })
}

/// Gives every file that `sums` of a folder lists, from where `find` finds it, once it is what `sums`
/// says.
fn checked(
    folder: &str,
    sums_text: &str,
    mut find: impl FnMut(&Sum) -> Result<Option<Cow<'static, [u8]>>, WeightsError>,
) -> Result<Files, WeightsError> {
    sums(sums_text)
        .map(|sum| {
            let sum = sum?;
            let bytes = find(&sum)?.ok_or_else(|| WeightsError::Missing {
                path: format!("{folder}/{}", sum.path),
                size: sum.size,
                hash: sum.hash.to_owned(),
            })?;
            let found_hash = blake3::hash(&bytes).to_hex();
            if found_hash.as_str() != sum.hash {
                return Err(WeightsError::Damaged {
                    path: format!("{folder}/{}", sum.path),
                    size: sum.size,
                    hash: sum.hash.to_owned(),
                    found_size: bytes.len() as u64,
                    found_hash: found_hash.to_string(),
                });
            }
            Ok((sum.path.to_owned(), bytes))
        })
        .collect()
}

/// A folder of `weights` inside this binary.
struct Folder {
    name: &'static str,
    sums: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

impl Folder {
    fn checked(&self) -> Result<Files, WeightsError> {
        checked(self.name, self.sums, |sum| {
            let found = self.files.iter().find(|(path, _)| *path == sum.path);
            Ok(found.map(|(_, bytes)| Cow::Borrowed(*bytes)))
        })
    }
}

macro_rules! folder {
    ($folder:literal: $($path:literal)*) => {
        Folder {
            name: $folder,
            sums: include_str!(concat!("../weights/", $folder, "/SUMS")),
            files: &[$(($path, include_bytes!(concat!("../weights/", $folder, "/", $path)))),*],
        }
    };
}

const SKETCH: Folder = folder! { "sketch":
    "model_index.json"
    "scheduler/scheduler_config.json"
    "text_encoder/config.json"
    "text_encoder/model.safetensors"
    "tokenizer/merges.txt"
    "tokenizer/tokenizer_config.json"
    "tokenizer/vocab.json"
    "unet/config.json"
    "unet/diffusion_pytorch_model.safetensors"
    "vae/config.json"
    "vae/diffusion_pytorch_model.safetensors"
};

const INPAINT: Folder = folder! { "inpaint":
    "config.json"
    "diffusion_pytorch_model.safetensors"
};

const SEGMENTER: Folder = folder! { "segmenter":
    "config.json"
    "model.safetensors"
};

const LORAS: Folder = folder! { "loras":
    "sketch-american-shot.safetensors"
    "sketch-close-up.safetensors"
    "sketch-extreme-close-up.safetensors"
    "sketch-extreme-long-shot.safetensors"
    "sketch-full-shot.safetensors"
    "sketch-hires.safetensors"
    "sketch-jiyeonmun.safetensors"
    "sketch-kaitoyosuke.safetensors"
    "sketch-long-shot.safetensors"
    "sketch-medium-close-up.safetensors"
    "sketch-medium-shot.safetensors"
};

/// The embedded model: a diffusers folder.
///
/// # Errors
/// [`WeightsError`] where a file is not what `SUMS` says.
pub fn model() -> Result<Files, WeightsError> {
    SKETCH.checked()
}

/// The embedded model for inpainting: the same with a UNet of 9 input channels, which is given the
/// mask and what is not masked of the picture.
///
/// # Errors
/// [`WeightsError`] where a file is not what `SUMS` says.
pub fn inpainting_model() -> Result<Files, WeightsError> {
    let mut files = SKETCH.checked()?;
    for (path, bytes) in INPAINT.checked()? {
        files.insert(format!("unet/{path}"), bytes);
    }
    Ok(files)
}

/// The embedded segmenter: `config.json` and `model.safetensors`, with the names of Meta's SAM.
///
/// # Errors
/// [`WeightsError`] where a file is not what `SUMS` says.
pub fn segmenter() -> Result<Files, WeightsError> {
    SEGMENTER.checked()
}

/// The embedded model's LoRAs, each `NAME.safetensors`.
///
/// # Errors
/// [`WeightsError`] where a file is not what `SUMS` says.
pub fn loras() -> Result<Files, WeightsError> {
    LORAS.checked()
}

/// The files of a folder that `train/export.py` wrote, once each was checked.
///
/// # Errors
/// [`WeightsError`] where a file is missing, cannot be read or is not what the folder's `SUMS` says.
pub fn read(folder: &Path) -> Result<Files, WeightsError> {
    let read =
        |path: PathBuf| std::fs::read(&path).map_err(|source| WeightsError::Read { path, source });
    let text = read(folder.join("SUMS"))?;
    let name = folder.display().to_string();
    checked(&name, &String::from_utf8_lossy(&text), |sum| {
        match read(folder.join(sum.path)) {
            Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
            Err(WeightsError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> Files {
        let files = model().expect("the embedded files are whole");
        for (path, bytes) in &files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::write(folder.join("SUMS"), SKETCH.sums).unwrap();
        files
    }

    #[test]
    fn every_embedded_file_is_listed_and_every_listed_file_is_embedded() {
        for folder in [SKETCH, INPAINT, SEGMENTER, LORAS] {
            let listed: Vec<_> = folder.checked().expect("whole").into_keys().collect();
            let embedded: Vec<_> = folder.files.iter().map(|(path, _)| *path).collect();
            assert_eq!(listed, embedded);
        }
    }

    #[test]
    fn the_model_for_inpainting_has_the_other_unet_and_all_else_of_the_model() {
        let (plain, inpainting) = (model().unwrap(), inpainting_model().unwrap());
        let other: Vec<_> = plain
            .iter()
            .filter(|(path, bytes)| inpainting[*path] != **bytes)
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(plain.len(), inpainting.len());
        assert_eq!(
            other,
            [
                "unet/config.json",
                "unet/diffusion_pytorch_model.safetensors"
            ]
        );
    }

    #[test]
    fn a_folder_gives_what_is_embedded() {
        let folder = tempfile::tempdir().unwrap();
        let files = written(folder.path());
        assert_eq!(read(folder.path()).expect("whole"), files);
    }

    #[test]
    fn a_missing_a_truncated_and_a_changed_file_are_named_with_the_expected_hash() {
        let name = "unet/config.json";
        let sum = SKETCH
            .sums
            .lines()
            .find(|line| line.ends_with(name))
            .expect("listed");
        let hash = &sum[..64];
        let folder = tempfile::tempdir().unwrap();
        let whole = written(folder.path())[name].to_vec();
        let path = folder.path().join(name);
        let mut changed = whole.clone();
        changed[3] ^= 1;
        for (bytes, word) in [
            (None, "missing"),
            (Some(&whole[..9]), "truncated"),
            (Some(&changed[..]), "changed"),
        ] {
            match bytes {
                None => std::fs::remove_file(&path).unwrap(),
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            }
            let message = read(folder.path()).expect_err(word).to_string();
            for part in [name, word, hash] {
                assert!(message.contains(part), "{message} lacks {part}");
            }
        }
    }

    #[test]
    fn sums_that_leave_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("{} 1 ../secret", "0".repeat(64));
        std::fs::write(folder.path().join("SUMS"), line).unwrap();
        assert!(matches!(
            read(folder.path()),
            Err(WeightsError::Sums { line: 1, .. })
        ));
    }
}
