//! Why a model could not be loaded.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::schedule::ScheduleError;
use crate::tokenizer::TokenizerError;

/// Why a model's files could not be turned into networks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A file that every model of this kind has is not there.
    #[error("{} has no {file}. {hint}", path.display())]
    FileMissing {
        /// The model's folder.
        path: PathBuf,
        /// What was looked for.
        file: String,
        /// What to do about it.
        hint: String,
    },

    /// A pickle checkpoint. Opening one can run any program that it carries.
    #[error(
        "{} is a pickle file, which can run code when it is opened, so it is never opened. \
         Convert it to safetensors on a machine that may run it, or download the model's \
         safetensors version",
        path.display()
    )]
    Pickle {
        /// The refused file.
        path: PathBuf,
    },

    /// A file that should be safetensors and is not sound.
    #[error("{} is not a sound safetensors file: {reason}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// A configuration file that is not JSON or lacks sense.
    #[error("{} cannot be used: {reason}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A sound configuration that asks for what this engine does not have.
    #[error(
        "{} describes a network that is not supported: {}. \
         Models of the Stable Diffusion 1.5 family are",
        path.display(),
        reasons.join("; ")
    )]
    Unsupported {
        /// The configuration file or checkpoint.
        path: PathBuf,
        /// Everything in it that is not supported.
        reasons: Vec<String>,
    },

    /// Tensors that the network needs are missing or have another shape.
    #[error("{}", describe_mismatch(network, origin, missing, wrong_shape))]
    Mismatch {
        /// Which network: "UNet", "VAE", "text encoder".
        network: &'static str,
        /// The file or folder.
        origin: PathBuf,
        /// Name and expected shape of every missing tensor.
        missing: Vec<(String, Vec<usize>)>,
        /// Name, expected and found shape of every tensor of another shape.
        wrong_shape: Vec<(String, Vec<usize>, Vec<usize>)>,
    },

    /// A tensor is stored in a number format that is not supported.
    #[error(
        "{} stores {tensor} as {dtype}, which is not supported. \
         Use a version of the model in f16, bf16 or f32",
        path.display()
    )]
    DType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its format, as the file names it.
        dtype: String,
    },

    /// The tokenizer's files are missing or do not fit together.
    #[error("{}: {source}", path.display())]
    Tokenizer {
        /// The model's folder.
        path: PathBuf,
        /// What is wrong.
        source: TokenizerError,
    },

    /// The noise schedule cannot be honoured.
    #[error("{}: {source}", path.display())]
    Schedule {
        /// The model's folder.
        path: PathBuf,
        /// What is wrong.
        source: ScheduleError,
    },

    /// The tensor library failed, for want of memory as a rule.
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// One message for all tensors that do not fit, so that nobody has to repair a
/// checkpoint one name at a time.
fn describe_mismatch(
    network: &str,
    origin: &std::path::Path,
    missing: &[(String, Vec<usize>)],
    wrong_shape: &[(String, Vec<usize>, Vec<usize>)],
) -> String {
    let mut text = format!("{} does not fit its {network}:", origin.display());
    for (name, expected) in missing {
        let _ = write!(text, "\n  missing      {name} {expected:?}");
    }
    for (name, expected, found) in wrong_shape {
        let _ = write!(
            text,
            "\n  wrong shape  {name}: expected {expected:?}, found {found:?}"
        );
    }
    let _ = write!(
        text,
        "\nCheck that the file is complete, is a whole checkpoint and belongs to its config.json"
    );
    text
}
