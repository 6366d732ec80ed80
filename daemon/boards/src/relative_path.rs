//! Paths in a board's folder.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Deserializer, de};

use crate::error::BoardError;

/// The most characters of a path in a board.
const LONGEST: usize = 500;

/// A path that is written relative to the board's folder, with `/` between its
/// parts on every system, and stays in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

/// A path that leads out of the board's folder, or is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no path in the board's folder: such paths are relative, with / between their parts, and have no .."
)]
pub struct NoRelativePath(pub String);

impl RelativePath {
    /// Checks a path's parts. Links are followed when it is opened:
    /// [`RelativePath::under`].
    ///
    /// # Errors
    /// When it leads out by its parts alone.
    pub fn new(path: &str) -> Result<Self, NoRelativePath> {
        let refused = || NoRelativePath(path.chars().take(100).collect());
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let fits = !path.is_empty() && path.chars().count() <= LONGEST;
        // A backslash and a drive lead somewhere on one system and nowhere on
        // another.
        let portable = !path.contains(['\\', ':', '\0'])
            && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if fits && portable && Path::new(path).components().all(plain) {
            Ok(Self(path.to_owned()))
        } else {
            Err(refused())
        }
    }

    /// As it stands in the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it lies under `folder`, every symbolic link followed; `None` when
    /// there is nothing.
    ///
    /// # Errors
    /// When a link leads out of the folder, or it cannot be looked at.
    pub fn under(&self, folder: &Path) -> Result<Option<PathBuf>, BoardError> {
        let path = folder.join(&self.0);
        let read = |source| BoardError::Read {
            path: path.clone(),
            source,
        };
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(read(error)),
        };
        let root = folder.canonicalize().map_err(read)?;
        if target.starts_with(&root) {
            Ok(Some(target))
        } else {
            Err(BoardError::LinkLeaves { path, target })
        }
    }
}

/// Whether the system says that there is nothing at a path.
fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RelativePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        Self::new(&path).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_in_the_folder_are_taken() {
        for path in ["shot_0.png", "takes/f0-1a2b3c4d-7.png", "a b/ü.png"] {
            assert_eq!(RelativePath::new(path).expect("a path").as_str(), path);
        }
        for path in [
            "",
            ".",
            "..",
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "./a",
            "a/",
            "C:\\x",
            "a\\b",
        ] {
            assert!(RelativePath::new(path).is_err(), "{path:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        use std::os::unix::fs::symlink;

        let home = tempfile::tempdir().expect("a folder");
        let board = home.path().join("board");
        std::fs::create_dir(&board).expect("a folder");
        std::fs::write(home.path().join("secret.png"), "").expect("written");
        std::fs::write(board.join("a.png"), "").expect("written");
        symlink(home.path(), board.join("out")).expect("a link");
        symlink("a.png", board.join("in.png")).expect("a link");
        let under = |path: &str| RelativePath::new(path).expect("a path").under(&board);
        assert!(matches!(
            under("out/secret.png"),
            Err(BoardError::LinkLeaves { .. })
        ));
        assert!(under("in.png").expect("inside").is_some());
        assert!(under("none.png").expect("inside").is_none());
        assert!(under("a.png/b").expect("inside").is_none());
        // The board's folder itself may be a link.
        symlink(&board, home.path().join("link")).expect("a link");
        let linked = RelativePath::new("a.png").expect("a path");
        assert!(
            linked
                .under(&home.path().join("link"))
                .expect("inside")
                .is_some()
        );
    }

    proptest! {
        #[test]
        fn no_path_leaves(parts in proptest::collection::vec("[a.~]{1,3}|\\.\\.", 1..6)) {
            if let Ok(path) = RelativePath::new(&parts.join("/")) {
                let joined = Path::new("/nonexistent/board").join(path.as_str());
                prop_assert!(joined.starts_with("/nonexistent/board"));
                prop_assert!(!joined.components().any(|part| part == Component::ParentDir));
            }
        }
    }
}
