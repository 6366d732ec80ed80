//! Paths that stay where they belong.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a path is refused.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Its parts lead out of the folder.
    #[error("{0:?} leads out of the library's folder")]
    Leaves(PathBuf),
    /// A symbolic link in it leads out of the folder.
    #[error("a symbolic link leads to {target:?}, out of the folder {folder:?}")]
    LinkLeaves {
        /// Where the link leads.
        target: PathBuf,
        /// The folder that it should stay in.
        folder: PathBuf,
    },
    /// There is nothing there, or it cannot be looked at.
    #[error("it cannot be looked at: {0}")]
    Read(#[from] io::Error),
}

impl PathError {
    /// Whether there is nothing there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Read(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Follows every symbolic link in `path`, which must end in `folder`.
/// `folder` itself may be a link: it is the user's.
pub(crate) fn within(folder: &Path, path: &Path) -> Result<PathBuf, PathError> {
    let target = path.canonicalize()?;
    let folder = folder.canonicalize()?;
    if target.starts_with(&folder) {
        Ok(target)
    } else {
        Err(PathError::LinkLeaves { target, folder })
    }
}

/// A path from a manifest in `folder`. An absolute one is the user's own word
/// and is taken as it is; a relative one stays in the folder, links included.
/// Nothing need be there.
pub(crate) fn named_in(folder: &Path, named: &Path) -> Result<PathBuf, PathError> {
    if named.is_absolute() {
        return Ok(named.to_owned());
    }
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if named.as_os_str().is_empty() || !named.components().all(plain) {
        return Err(PathError::Leaves(named.to_owned()));
    }
    let path = folder.join(named);
    match within(folder, &path) {
        Ok(_) => Ok(path),
        // What is not there leads nowhere; who opens it looks again.
        Err(error) if error.is_missing() => Ok(path),
        Err(error) => Err(error),
    }
}

/// The extension in lower case; empty for none.
pub(crate) fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Whether the file's name says that it is a pickle, which can run code.
pub(crate) fn is_pickle(path: &Path) -> bool {
    matches!(
        extension(path).as_str(),
        "ckpt" | "pt" | "pth" | "bin" | "pkl"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Home;

    #[test]
    fn relative_paths_stay_in_the_folder() {
        let home = Home::new();
        let folder = home.write("models/a/b.safetensors", "");
        let folder = folder.parent().and_then(Path::parent).expect("a folder");
        let named = |path: &str| named_in(folder, Path::new(path));
        assert_eq!(
            named("a/b.safetensors").expect("inside"),
            folder.join("a/b.safetensors")
        );
        assert_eq!(
            named("not/there").expect("inside"),
            folder.join("not/there")
        );
        assert_eq!(
            named("/somewhere/else").expect("the user's"),
            Path::new("/somewhere/else")
        );
        for path in ["../x", "a/../../x", "..", "a/..", ""] {
            assert!(matches!(named(path), Err(PathError::Leaves(_))), "{path:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_in_the_folder() {
        use std::os::unix::fs::symlink;

        let home = Home::new();
        let inside = home.write("models/a/b", "");
        crate::testing::write(home.path("elsewhere/c"), "");
        let folder = home.data().join("models");
        symlink(home.path("elsewhere"), folder.join("out")).expect("a link");
        symlink(&inside, folder.join("in")).expect("a link");
        symlink(home.path("nowhere"), folder.join("dangling")).expect("a link");
        let named = |path: &str| named_in(&folder, Path::new(path));
        assert!(matches!(named("out/c"), Err(PathError::LinkLeaves { .. })));
        assert!(named("in").is_ok());
        assert!(
            within(&folder, &folder.join("dangling"))
                .expect_err("nothing")
                .is_missing()
        );
        // The folder itself may be a link.
        symlink(&folder, home.path("link")).expect("a link");
        assert!(within(&home.path("link"), &home.path("link/in")).is_ok());
    }

    proptest! {
        #[test]
        fn no_relative_path_leaves(parts in proptest::collection::vec("[a.]{1,3}|\\.\\.", 1..6)) {
            let folder = Path::new("/nonexistent/library");
            if let Ok(path) = named_in(folder, Path::new(&parts.join("/"))) {
                let mut depth = 0_i32;
                for part in path.strip_prefix(folder).expect("below").components() {
                    depth += if part == Component::ParentDir { -1 } else { 1 };
                    prop_assert!(depth >= 0);
                }
                prop_assert!(!path.components().any(|part| part == Component::ParentDir));
            }
        }
    }
}
