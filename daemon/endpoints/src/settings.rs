//! The folder of all settings.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::SettingError;
use crate::setting::Setting;

/// The longest file that is read, bytes.
const LONGEST_FILE: u64 = 64 << 10;

/// The longest name, characters.
const LONGEST_NAME: usize = 64;

/// Names that mean something else.
const TAKEN: [&str; 2] = ["embedded", "default"];

/// A file among the settings.
#[derive(Debug)]
pub struct Listed {
    /// The endpoint's name.
    pub name: String,
    /// Its setting, or why it cannot be used.
    pub setting: Result<Setting, SettingError>,
}

/// One TOML file an endpoint, in one folder. Files may be written by hand.
#[derive(Clone, Debug)]
pub struct Settings {
    folder: PathBuf,
}

impl Settings {
    /// The settings in a folder, which need not exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of an endpoint.
    ///
    /// # Errors
    /// [`SettingError::Name`].
    pub fn path(&self, name: &str) -> Result<PathBuf, SettingError> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        let good = (1..=LONGEST_NAME).contains(&name.len())
            && name.chars().all(fits)
            && !TAKEN.contains(&name.to_ascii_lowercase().as_str());
        if !good {
            return Err(SettingError::Name {
                name: name.chars().take(LONGEST_NAME).collect(),
            });
        }
        Ok(self.folder.join(format!("{name}.toml")))
    }

    /// The setting of an endpoint, checked.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn get(&self, name: &str) -> Result<Setting, SettingError> {
        let path = self.path(name)?;
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SettingError::NotFound {
                    name: name.to_owned(),
                });
            }
            Err(source) => return Err(SettingError::Io { path, source }),
        };
        let mut text = String::new();
        let read = file.take(LONGEST_FILE + 1).read_to_string(&mut text);
        read.map_err(|source| SettingError::Io { path, source })?;
        if text.len() as u64 > LONGEST_FILE {
            return Err(SettingError::Toml {
                reason: "it is far too long".to_owned(),
                line: None,
            });
        }
        let setting: Setting = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            SettingError::Toml {
                reason: error.message().to_owned(),
                line: before
                    .and_then(|before| u32::try_from(before.matches('\n').count() + 1).ok()),
            }
        })?;
        setting.check()?;
        Ok(setting)
    }

    /// All of them by name, those that cannot be used with why.
    ///
    /// # Errors
    /// [`SettingError::Io`] where the folder is there and cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, SettingError> {
        let io = |source| SettingError::Io {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut names: Vec<String> = Vec::new();
        for entry in entries {
            let path = entry.map_err(io)?.path();
            let is_setting = path
                .extension()
                .is_some_and(|extension| extension == "toml");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            names.extend(
                stem.filter(|stem| is_setting && !stem.starts_with('.'))
                    .map(str::to_owned),
            );
        }
        names.sort();
        let read = names.into_iter().map(|name| {
            let setting = self.get(&name);
            Listed { name, setting }
        });
        Ok(read.collect())
    }

    /// Writes a setting, for its user alone to read; a crash leaves the old file
    /// or the new one.
    ///
    /// # Errors
    /// [`SettingError`]; `Exists` where there is one and not `replace`.
    pub fn add(
        &self,
        name: &str,
        setting: &Setting,
        replace: bool,
    ) -> Result<PathBuf, SettingError> {
        let path = self.path(name)?;
        setting.check()?;
        let text = toml::to_string(setting).map_err(|error| SettingError::Toml {
            reason: error.to_string(),
            line: None,
        })?;
        let io = |source| SettingError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(io)?;
        let mut file = NamedTempFile::with_prefix_in(".", &self.folder).map_err(io)?;
        file.write_all(text.as_bytes()).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        if replace {
            file.persist(&path).map_err(|error| io(error.error))?;
        } else if let Err(error) = file.persist_noclobber(&path) {
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => SettingError::Exists {
                    name: name.to_owned(),
                },
                _ => io(error.error),
            });
        }
        if cfg!(unix) {
            let synced = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
            synced.map_err(io)?;
        }
        Ok(path)
    }

    /// Forgets an endpoint. A key's file stays where it is.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn remove(&self, name: &str) -> Result<(), SettingError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SettingError::NotFound {
                name: name.to_owned(),
            }),
            Err(source) => Err(SettingError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_listed_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings::new(folder.path().join("planners"));
        assert!(settings.list().expect("none").is_empty());
        let setting = Setting {
            url: "http://127.0.0.1:1/v1".to_owned(),
            model: "small".to_owned(),
            key_env: None,
            key_file: None,
            timeout_seconds: 5,
        };
        settings.add("local", &setting, false).expect("added");
        assert!(matches!(
            settings.add("local", &setting, false),
            Err(SettingError::Exists { .. })
        ));
        let other = Setting {
            model: "large".to_owned(),
            ..setting
        };
        settings.add("local", &other, true).expect("replaced");
        assert_eq!(settings.get("local").expect("there"), other);
        fs::write(settings.folder().join("broken.toml"), "url = 1\n").expect("written");
        let listed = settings.list().expect("listed");
        assert_eq!(
            listed
                .iter()
                .map(|listed| listed.name.as_str())
                .collect::<Vec<_>>(),
            ["broken", "local"]
        );
        assert!(
            matches!(
                listed[0].setting,
                Err(SettingError::Toml { line: Some(1), .. })
            ),
            "{listed:?}"
        );
        settings.remove("local").expect("removed");
        assert!(matches!(
            settings.get("local"),
            Err(SettingError::NotFound { .. })
        ));
        for name in ["", "..", "a/b", "embedded", "a.b", &"x".repeat(65)] {
            assert!(
                matches!(
                    settings.add(name, &other, true),
                    Err(SettingError::Name { .. })
                ),
                "{name}"
            );
        }
    }
}
