//! The keys of endpoints.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::EndpointError;
use crate::setting::Setting;

/// The longest key, bytes.
const LONGEST: u64 = 4096;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// There is none.
    None,
    /// An environment variable.
    Environment,
    /// A file.
    File,
}

impl KeySource {
    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Environment => "environment",
            Self::File => "file",
        }
    }
}

/// A key. It can be sent, and shown to nobody.
#[derive(Clone)]
pub struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

impl Key {
    /// Reads the key that a setting names, if it names one.
    ///
    /// # Errors
    /// [`EndpointError::Key`] where it is not there, may be read by others, or is
    /// no key.
    pub fn read(setting: &Setting) -> Result<Option<Self>, EndpointError> {
        let refuse = |reason: String| EndpointError::Key { reason };
        let text = match (&setting.key_env, &setting.key_file) {
            (Some(variable), _) => std::env::var(variable).map_err(|_| {
                refuse(format!(
                    "the variable {variable} is not set in the daemon's environment"
                ))
            })?,
            (None, Some(path)) => in_file(path)?,
            (None, None) => return Ok(None),
        };
        let key = text.trim();
        if key.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if key.len() as u64 > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse(
                "it is not one line of letters, digits and marks".to_owned(),
            ));
        }
        Ok(Some(Self(key.to_owned())))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

fn in_file(path: &Path) -> Result<String, EndpointError> {
    let refuse = |reason: &dyn fmt::Display| EndpointError::Key {
        reason: format!("{}: {reason}", path.display()),
    };
    let file = File::open(path).map_err(|error| refuse(&error))?;
    let metadata = file.metadata().map_err(|error| refuse(&error))?;
    if !metadata.is_file() {
        return Err(refuse(&"it is no file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        if metadata.mode() & 0o077 != 0 {
            return Err(refuse(
                &"others may read it; make it yours alone: chmod 600",
            ));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(refuse(&"it belongs to another user"));
        }
    }
    let mut text = String::new();
    file.take(LONGEST + 2)
        .read_to_string(&mut text)
        .map_err(|error| refuse(&error))?;
    Ok(text)
}
