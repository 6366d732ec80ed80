//! The library's models and the protocol's names in the engine's types.

use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use framewright_engine::guidance::GuidanceMode;
use framewright_engine::model_files::{KnownHashes, ModelFiles};
use framewright_engine::sampler::Sampler;
use framewright_library::{Embedded, Library, Model, Source};
use framewright_protocol::{ErrorCode, WireError};
use framewright_sketch::weights::{self, Files, WeightsError};

/// The hashes of weight files, from the library, which keeps them.
pub type Hashes = Arc<KnownHashes>;

/// The hashes of weight files that `library` keeps.
pub fn hashes(library: &Arc<Library>) -> Hashes {
    let library = library.clone();
    // What cannot be hashed cannot be loaded either: that error tells more.
    Arc::new(move |path| {
        library
            .hash(path, &mut |_, _| ControlFlow::Continue(()))
            .ok()
    })
}

/// The files of a model.
///
/// # Errors
/// `model_unusable` when the embedded model is damaged.
pub fn files(model: &Model, hashes: &Hashes) -> Result<ModelFiles, WireError> {
    let files = match &model.source {
        Source::Embedded(model) => return embedded(*model),
        Source::Folder(path) => ModelFiles::folder(path),
        Source::File(path) => ModelFiles::single_file(path),
    };
    Ok(files.with_known_hashes(hashes.clone()))
}

/// An embedded model's files; checked once, and their hash is computed once.
fn embedded(model: Embedded) -> Result<ModelFiles, WireError> {
    static SKETCH: OnceLock<ModelFiles> = OnceLock::new();
    static INPAINTING: OnceLock<ModelFiles> = OnceLock::new();
    let (kept, read): (_, fn() -> Result<Files, WeightsError>) = match model {
        Embedded::Sketch => (&SKETCH, weights::model),
        Embedded::Inpainting => (&INPAINTING, weights::inpainting_model),
    };
    if let Some(files) = kept.get() {
        return Ok(files.clone());
    }
    let files = read().map_err(|error| {
        WireError::new(ErrorCode::ModelUnusable, error.to_string()).about(model.name())
    })?;
    Ok(kept.get_or_init(|| ModelFiles::memory(files)).clone())
}

/// The sampler of that name.
///
/// # Errors
/// `invalid_params`.
pub fn sampler(name: &str) -> Result<Sampler, WireError> {
    Sampler::from_str(name).map_err(|error| {
        WireError::new(ErrorCode::InvalidParams, error.to_string()).about("sampler")
    })
}

/// The guidance mode of that name.
///
/// # Errors
/// `invalid_params`.
pub fn guidance_mode(name: &str) -> Result<GuidanceMode, WireError> {
    let modes = [
        GuidanceMode::None,
        GuidanceMode::Batch,
        GuidanceMode::TwoPasses,
    ];
    modes
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or_else(|| {
            WireError::new(
                ErrorCode::InvalidParams,
                format!("there is no guidance mode {name:?}"),
            )
            .about("guidance_mode")
            .hint("there are: batch, two-passes")
        })
}
