//! What lies on disk: models, LoRAs, characters and shots.
//!
//! A [`Library`] is a data directory with a folder for each [`Kind`], and the
//! folders of other tools that the user added. It is watched: a
//! [`Snapshot`] is what it holds at one moment, and every [`Change`] between
//! two of them is told to whoever asked. What cannot be used is a [`Problem`]
//! and hides nothing else. Manifests are TOML files; as a [`Document`] each
//! has a [`Revision`], so that two who edit it do not overwrite each other.
//!
//! Files of weights are known by their headers alone. Pickle files are never
//! opened.

mod change;
mod character;
mod disk;
mod documents;
mod file_cache;
mod folders;
mod hashes;
mod header;
mod import;
mod kind;
mod library;
mod lora;
mod lora_key;
mod lora_report;
mod manifest;
mod model;
mod name;
mod paths;
mod problem;
mod revision;
mod scanner;
mod shot;
mod snapshot;
mod stamp;
#[cfg(test)]
mod testing;
mod watch;
mod weights;

pub use change::{Change, Happening};
pub use documents::{Document, DocumentError, DocumentProblem, DocumentSummary};
pub use folders::FolderError;
pub use hashes::{HashError, Progress};
pub use header::{Header, HeaderError, LONGEST_HEADER, TensorInfo};
pub use import::{Import, ImportError, Imported};
pub use kind::{Kind, UnknownKind};
pub use library::{Library, Watching};
pub use lora::{Lora, LoraManifest};
pub use lora_report::{LoraFileError, LoraReport, Tag, Targets};
pub use manifest::{Manifest, ManifestError, Misfit, parse};
pub use model::{Defaults, Embedded, Hires, Model, ModelManifest, Source};
pub use name::{NameError, check_name};
pub use paths::PathError;
pub use problem::{Arriving, Problem};
pub use revision::{NoRevision, Revision};
pub use snapshot::{AddedFolder, Entries, Entry, FindError, Snapshot};
pub use weights::Contents;
