//! What lies on disk: models and their manifests.
//!
//! A model is a diffusers folder `NAME/` or a single file `NAME.safetensors` in
//! the models folder. A manifest `NAME.toml` beside it (or pointing elsewhere
//! with `path`) gives its family and defaults. The embedded model needs no file.

mod header;
mod lora_key;
mod lora_report;
mod manifest;
mod model;
mod models;
mod name;
#[cfg(test)]
mod testing;
mod weights;

pub use header::{Header, HeaderError, LONGEST_HEADER, TensorInfo};
pub use lora_report::{LoraFileError, LoraReport, Tag, Targets};
pub use manifest::{Manifest, ManifestError};
pub use model::{Defaults, Model, Source};
pub use models::{FindError, Listing, Models, Problem};
pub use name::{NameError, check_name};
pub use weights::Contents;

/// The name of the embedded model, which is used when a request names none.
pub const EMBEDDED: &str = "sketch";
