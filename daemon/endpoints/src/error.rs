//! What goes wrong with endpoints.

use std::io;
use std::path::PathBuf;

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// The name is none that a file can have, or it is taken by the daemon itself.
    #[error("`{name}` is no name for an endpoint")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no endpoint of that name.
    #[error("there is no endpoint `{name}`")]
    NotFound {
        /// The name.
        name: String,
    },
    /// There is one already.
    #[error("there is an endpoint `{name}` already")]
    Exists {
        /// The name.
        name: String,
    },
    /// The address is none that can be asked.
    #[error("the address `{url}` cannot be used: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A value that makes no sense.
    #[error("`{field}` cannot be used: {reason}")]
    Value {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is no setting.
    #[error("the file is no endpoint's setting: {reason}")]
    Toml {
        /// What is wrong with it.
        reason: String,
        /// The line, from 1.
        line: Option<u32>,
    },
    /// The file system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The key cannot be read. The message never holds the key.
    #[error("the key cannot be used: {reason}")]
    Key {
        /// Why.
        reason: String,
    },
    /// The setting's address cannot be asked.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Nobody listens there.
    #[error("{host} cannot be reached: {source}")]
    Connect {
        /// Host and port.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// No encrypted connection came about.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection broke: {reason}")]
    Broken {
        /// How.
        reason: String,
    },
    /// It takes too long.
    #[error("no answer came within {seconds} seconds")]
    Timeout {
        /// For how long was waited.
        seconds: u32,
    },
    /// The server refuses.
    #[error("the server answered {status}: {excerpt}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of what it says.
        excerpt: String,
    },
    /// The answer does not end.
    #[error("the answer is longer than {most} bytes")]
    TooLong {
        /// How long one may be.
        most: usize,
    },
    /// The answer is no chat completion.
    #[error("the answer is no chat completion: {reason}")]
    NoCompletion {
        /// What is missing.
        reason: String,
    },
}
