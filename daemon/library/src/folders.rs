//! The folders that the user added: `library.toml`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::manifest::{ManifestError, from_toml, read_text};

/// The most folders that can be added.
const MOST_FOLDERS: usize = 32;

/// The longest `library.toml` that is read, bytes.
const LONGEST: u64 = 256 << 10;

/// The file in the data directory.
pub(crate) const FILE: &str = "library.toml";

/// What `library.toml` says.
///
/// ```toml
/// [[folders]]
/// path = "/models/of/another/tool"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folders {
    /// The folders in the order in which names are looked up.
    #[serde(default)]
    pub(crate) folders: Vec<Folder>,
}

/// A folder of another tool. It is only read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    /// Where it is; absolute.
    pub(crate) path: PathBuf,
}

/// Why a folder cannot be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not absolute.
    #[error("the path is not absolute")]
    Relative,
    /// It is no folder that can be read.
    #[error("there is no folder that can be read: {0}")]
    NoFolder(std::io::Error),
    /// It is the library's own, or holds it, or lies in it.
    #[error("the library's own folder and it lie in each other")]
    Own,
    /// It is there already.
    #[error("the folder is in the library already")]
    Known,
    /// There are too many.
    #[error("{MOST_FOLDERS} folders are the most")]
    TooMany,
    /// It is not among them.
    #[error("the folder is not in the library")]
    Unknown {
        /// Those that are.
        known: Vec<PathBuf>,
    },
    /// The list cannot be read.
    #[error("{FILE} cannot be used: {0}")]
    List(#[from] ManifestError),
    /// The list cannot be written.
    #[error("{FILE} cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl Folders {
    /// Reads the list in `data`; none there is an empty one.
    pub(crate) fn read(data: &Path) -> Result<Self, ManifestError> {
        let text = match read_text(&data.join(FILE), LONGEST) {
            Err(ManifestError::Read(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            text => text?,
        };
        let folders: Self = from_toml(&text)?;
        let wrong = |reason: String| ManifestError::Content { line: None, reason };
        if folders.folders.len() > MOST_FOLDERS {
            return Err(wrong(FolderError::TooMany.to_string()));
        }
        let relative = folders
            .folders
            .iter()
            .find(|folder| !folder.path.is_absolute());
        if let Some(folder) = relative {
            return Err(wrong(format!("{:?} is not absolute", folder.path)));
        }
        Ok(folders)
    }

    /// Adds a folder, as the user spells it: it may be a link.
    pub(crate) fn add(&mut self, data: &Path, path: &Path) -> Result<(), FolderError> {
        if !path.is_absolute() {
            return Err(FolderError::Relative);
        }
        std::fs::read_dir(path).map_err(FolderError::NoFolder)?;
        let canonical = |path: &Path| path.canonicalize().map_err(FolderError::NoFolder);
        let (own, new) = (canonical(data)?, canonical(path)?);
        if new.starts_with(&own) || own.starts_with(&new) {
            return Err(FolderError::Own);
        }
        let known = |folder: &Folder| {
            folder.path == path || folder.path.canonicalize().ok() == Some(new.clone())
        };
        if self.folders.iter().any(known) {
            return Err(FolderError::Known);
        }
        if self.folders.len() >= MOST_FOLDERS {
            return Err(FolderError::TooMany);
        }
        self.folders.push(Folder {
            path: path.to_owned(),
        });
        Ok(())
    }

    /// Takes a folder out of the list; it need not be there any more.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<(), FolderError> {
        let before = self.folders.len();
        self.folders.retain(|folder| folder.path != path);
        if self.folders.len() == before {
            return Err(FolderError::Unknown {
                known: self
                    .folders
                    .iter()
                    .map(|folder| folder.path.clone())
                    .collect(),
            });
        }
        Ok(())
    }

    /// The list as TOML.
    pub(crate) fn text(&self) -> Result<String, FolderError> {
        toml::to_string(self).map_err(|error| FolderError::Write(std::io::Error::other(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Home;

    #[test]
    fn a_list_is_written_and_read_back() {
        let home = Home::new();
        std::fs::create_dir_all(home.path("models of another")).expect("a folder");
        std::fs::create_dir_all(home.data().join("models")).expect("a folder");
        let mut folders = Folders::read(&home.data()).expect("an empty list");
        let other = home.path("models of another");
        folders.add(&home.data(), &other).expect("added");
        home.write(FILE, folders.text().expect("TOML"));
        assert_eq!(Folders::read(&home.data()).expect("a list"), folders);
        let mut add = |path: &Path| folders.add(&home.data(), path).expect_err("refused");
        assert!(matches!(add(&other), FolderError::Known));
        assert!(matches!(add(Path::new("x")), FolderError::Relative));
        assert!(matches!(add(&home.path("none")), FolderError::NoFolder(_)));
        assert!(matches!(add(&home.data().join("models")), FolderError::Own));
        assert!(matches!(add(&home.path("")), FolderError::Own));
        folders.remove(&other).expect("removed");
        assert!(matches!(
            folders.remove(&other),
            Err(FolderError::Unknown { .. })
        ));
    }

    #[test]
    fn a_broken_list_is_refused_with_its_line() {
        let home = Home::new();
        home.write(FILE, "[[folders]]\npth = '/x'\n");
        assert_eq!(
            Folders::read(&home.data()).expect_err("broken").line(),
            Some(2)
        );
        home.write(FILE, "[[folders]]\npath = 'relative'\n");
        assert!(Folders::read(&home.data()).is_err());
    }
}
