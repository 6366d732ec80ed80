//! How an endpoint is reached.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::address::{Address, shown};
use crate::error::SettingError;
use crate::key::KeySource;

/// How long an answer may take where the setting does not say.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 120;

/// The longest time that a setting may give an answer.
pub const MOST_TIMEOUT_SECONDS: u32 = 600;

/// An endpoint as the user configured it; the text of `planners/NAME.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The base of its addresses: `http://127.0.0.1:8080/v1`.
    pub url: String,
    /// The model to ask for.
    pub model: String,
    /// The environment variable that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The file, readable by its owner alone, that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Seconds that an answer may take, 1 to [`MOST_TIMEOUT_SECONDS`].
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
}

fn default_timeout() -> u32 {
    DEFAULT_TIMEOUT_SECONDS
}

impl Setting {
    /// Checks what can be checked without asking anybody.
    ///
    /// # Errors
    /// [`SettingError::Url`], [`SettingError::Value`].
    pub fn check(&self) -> Result<(), SettingError> {
        let fault = |field, reason: &str| SettingError::Value {
            field,
            reason: reason.to_owned(),
        };
        let address = Address::parse(&self.url)?;
        if self.model.trim().is_empty()
            || self.model.len() > 500
            || self.model.chars().any(char::is_control)
        {
            return Err(fault(
                "model",
                "it is empty, over-long, or has control characters",
            ));
        }
        if !(1..=MOST_TIMEOUT_SECONDS).contains(&self.timeout_seconds) {
            return Err(SettingError::Value {
                field: "timeout_seconds",
                reason: format!(
                    "it is {}, outside 1 to {MOST_TIMEOUT_SECONDS}",
                    self.timeout_seconds
                ),
            });
        }
        if self.key_env.is_some() && self.key_file.is_some() {
            return Err(fault(
                "key_file",
                "the key is to come from a variable already",
            ));
        }
        let variable = |name: &String| {
            !name.is_empty()
                && name.len() <= 200
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if self.key_env.as_ref().is_some_and(|name| !variable(name)) {
            return Err(fault(
                "key_env",
                "it is no name of a variable (the key itself does not belong here)",
            ));
        }
        if self
            .key_file
            .as_ref()
            .is_some_and(|path| !path.is_absolute())
        {
            return Err(fault("key_file", "it is no absolute path"));
        }
        let keyed = self.key_source() != KeySource::None;
        if keyed && !address.secure && !address.is_loopback() {
            return Err(SettingError::Url {
                url: self.shown_url(),
                reason: "a key would travel readable for all: use https",
            });
        }
        Ok(())
    }

    /// The address without anything that may be secret.
    #[must_use]
    pub fn shown_url(&self) -> String {
        shown(&self.url)
    }

    /// Where the key comes from.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        match (&self.key_env, &self.key_file) {
            (Some(_), _) => KeySource::Environment,
            (None, Some(_)) => KeySource::File,
            (None, None) => KeySource::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(url: &str) -> Setting {
        Setting {
            url: url.to_owned(),
            model: "m".to_owned(),
            key_env: None,
            key_file: None,
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
        }
    }

    #[test]
    fn a_key_never_travels_readable() {
        let keyed = |url: &str| Setting {
            key_env: Some("KEY".to_owned()),
            ..setting(url)
        };
        assert!(keyed("http://127.0.0.1:1/v1").check().is_ok());
        assert!(keyed("https://example.org/v1").check().is_ok());
        assert!(keyed("http://example.org/v1").check().is_err());
        assert!(setting("http://example.org/v1").check().is_ok());
    }

    #[test]
    fn values_without_sense_are_refused() {
        let base = setting("http://localhost:1");
        for bad in [
            Setting {
                model: " ".to_owned(),
                ..base.clone()
            },
            Setting {
                timeout_seconds: 0,
                ..base.clone()
            },
            Setting {
                timeout_seconds: 601,
                ..base.clone()
            },
            Setting {
                key_env: Some("sk-secret".to_owned()),
                ..base.clone()
            },
            Setting {
                key_file: Some("key".into()),
                ..base.clone()
            },
            Setting {
                key_env: Some("K".to_owned()),
                key_file: Some("/k".into()),
                ..base.clone()
            },
        ] {
            let error = bad.check().expect_err("refused").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(base.check().is_ok());
    }
}
