//! The library's models and the protocol's names in the engine's types.

use std::str::FromStr;

use framewright_engine::guidance::GuidanceMode;
use framewright_engine::model_files::ModelFiles;
use framewright_engine::sampler::Sampler;
use framewright_library::{Model, Source};
use framewright_protocol::{ErrorCode, WireError};

/// The files of a model.
///
/// # Errors
/// `model_unusable` when the embedded model is damaged.
pub fn files(model: &Model) -> Result<ModelFiles, WireError> {
    match &model.source {
        Source::Embedded => embedded(),
        Source::Folder(path) => Ok(ModelFiles::folder(path)),
        Source::File(path) => Ok(ModelFiles::single_file(path)),
    }
}

/// The embedded model's files.
fn embedded() -> Result<ModelFiles, WireError> {
    Err(
        WireError::new(ErrorCode::ModelUnusable, "this build carries no model")
            .about("sketch")
            .hint("name another model; `framewright model list` tells what there is"),
    )
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
