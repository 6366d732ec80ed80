//! What ships with the product beside the model, put where the library finds
//! it: the shots and the characters, a manifest each, and their LoRAs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use framewright_sketch::weights::{self, WeightsError};
use framewright_story::{CHARACTERS_TOML, SHOTS_TOML};

/// Why the shipped library cannot be put on disk.
#[derive(Debug, thiserror::Error)]
pub enum ShippedError {
    /// A text of this binary is not what it should be.
    #[error("the {what} that ship cannot be read: {source}")]
    Toml {
        /// Which.
        what: &'static str,
        /// What is wrong.
        source: toml::de::Error,
    },
    /// A LoRA of this binary is not what it should be.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// It cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Files by their path in the shipped folder.
type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// Puts the shipped library under `cache`, unless this version's lies there
/// already, and takes those of other versions away. Gives its folder.
///
/// # Errors
/// [`ShippedError`]; the library does without, then.
pub fn unpack(cache: &Path) -> Result<PathBuf, ShippedError> {
    let files = files()?;
    let shelf = cache.join("shipped");
    let folder = shelf.join(&digest(&files)[..16]);
    if !folder.is_dir() {
        // A crash in the middle leaves no folder that looks whole.
        let partial = shelf.join("partial");
        remove(&partial)?;
        for (path, bytes) in &files {
            let path = partial.join(path);
            write(&path, bytes).map_err(|source| ShippedError::Write { path, source })?;
        }
        std::fs::rename(&partial, &folder).map_err(|source| ShippedError::Write {
            path: folder.clone(),
            source,
        })?;
    }
    for entry in std::fs::read_dir(&shelf).into_iter().flatten().flatten() {
        if entry.path() != folder {
            remove(&entry.path())?;
        }
    }
    Ok(folder)
}

/// Everything that ships.
fn files() -> Result<Files, ShippedError> {
    let table = |what, text| -> Result<toml::Table, ShippedError> {
        toml::from_str(text).map_err(|source| ShippedError::Toml { what, source })
    };
    let shots = table("shots", SHOTS_TOML)?;
    let shots = shots.get("shot").and_then(toml::Value::as_table).cloned();
    let characters = table("characters", CHARACTERS_TOML)?;
    let mut files = Files::new();
    for (folder, table) in [
        ("shots", shots.unwrap_or_default()),
        ("characters", characters),
    ] {
        for (name, manifest) in table {
            let manifest = manifest.as_table().map(ToString::to_string);
            let bytes = manifest.unwrap_or_default().into_bytes();
            files.insert(format!("{folder}/{name}.toml"), bytes.into());
        }
    }
    for (name, bytes) in weights::loras()? {
        files.insert(format!("loras/{name}"), bytes);
    }
    Ok(files)
}

fn digest(files: &Files) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, bytes) in files {
        // Lengths keep one file's end and the next one's name apart.
        for part in [path.as_bytes(), bytes] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}

fn remove(folder: &Path) -> Result<(), ShippedError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ShippedError::Write {
            path: folder.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use framewright_library::{Embedded, Kind, Library, Model};

    use super::*;

    #[test]
    fn the_library_reads_all_that_ships() {
        let home = tempfile::tempdir().expect("a directory");
        let cache = home.path().join("cache");
        let old = cache.join("shipped").join("0123456789abcdef");
        std::fs::create_dir_all(&old).expect("a folder");
        let folder = unpack(&cache).expect("unpacked");
        assert_eq!(unpack(&cache).expect("again"), folder);
        assert!(!old.exists());

        let library = Library::open_with_shipped(&home.path().join("data"), &folder);
        let snapshot = library.snapshot();
        assert!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
        assert_eq!(snapshot.shots.len(), 9);
        assert_eq!(snapshot.shots["close-up"].manifest.phrase, "close up of");
        assert_eq!(snapshot.characters.len(), 7);
        // What a manifest names is there, and fits the model that ships.
        let named = |lora: &Option<String>| {
            let lora = lora.as_ref().map(|name| &snapshot.loras[name]);
            assert_eq!(lora.and_then(|lora| lora.family.as_deref()), Some("sketch"));
        };
        for shot in snapshot.shots.values() {
            // A detail's phrase means what it says, without a LoRA.
            if shot.manifest.number != Some(9) {
                named(&shot.manifest.family["sketch"].lora);
            }
        }
        named(&Model::from(Embedded::Sketch).hires.lora);
        for token in ["kaitoyosuke", "jiyeonmun"] {
            named(&snapshot.characters[token].manifest.family["sketch"].lora);
        }
        let jiyeon = &snapshot.characters["jiyeonmun"].manifest;
        assert_eq!(
            (jiyeon.token.as_str(), jiyeon.class.as_str()),
            ("jiyeonmun", "woman")
        );
        assert!(
            library
                .documents(Kind::Shot)
                .expect("a list")
                .iter()
                .all(|it| it.shipped)
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let home = tempfile::tempdir().expect("a directory");
        let cache = home.path().join("cache");
        std::fs::write(&cache, b"a file").expect("written");
        let error = unpack(&cache).expect_err("no folder");
        assert!(error.to_string().contains("cache"), "{error}");
    }
}
