//! What lies in the library and cannot be used.

use std::path::{Path, PathBuf};

use crate::kind::Kind;
use crate::manifest::ManifestError;

/// Something that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it would be.
    pub kind: Kind,
    /// The name that it would have; empty where the trouble has none.
    pub name: String,
    /// The file or folder.
    pub path: PathBuf,
    /// The line in it, from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(
        kind: Kind,
        name: &str,
        path: impl Into<PathBuf>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            path: path.into(),
            line: None,
            reason: reason.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn of_manifest(
        kind: Kind,
        name: &str,
        path: impl Into<PathBuf>,
        error: &ManifestError,
    ) -> Self {
        let mut problem =
            Self::new(kind, name, path, error.to_string()).hint("correct the manifest");
        problem.line = error.line();
        problem
    }
}

/// Something that is still being written, and is left alone until it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// What it will be.
    pub kind: Kind,
    /// The name that it will have.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What is missing.
    pub reason: String,
    /// Whether it only changed a moment ago, rather than lacking its end.
    pub(crate) is_settling: bool,
}

impl Arriving {
    pub(crate) fn settling(kind: Kind, name: &str, path: &Path) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            path: path.to_owned(),
            reason: "it is being written".to_owned(),
            is_settling: true,
        }
    }

    pub(crate) fn lacking(kind: Kind, name: &str, path: &Path, reason: String) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            path: path.to_owned(),
            reason,
            is_settling: false,
        }
    }
}
