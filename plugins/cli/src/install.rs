//! `framewright install` and `framewright uninstall`: the plugins of other
//! applications, which this program carries.
//!
//! What an application needs is a [`Plugin`] and the [`Place`]s where it looks
//! for it; the rest is the same for all of them.

mod blender;
mod krita;
mod receipt;
mod settings_file;
mod surroundings;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::arguments::{ApplicationName, Install};
use crate::failure::Failure;
use crate::{print_json, print_lines};
use receipt::Receipt;
use settings_file::SettingsFile;
use surroundings::Surroundings;

/// A plugin that this program carries.
struct Plugin {
    /// What the application is called.
    application: &'static str,
    /// Where its receipt lies in the application's folder.
    receipt: &'static str,
    /// Its files, by their path with `/` in the application's folder.
    files: &'static [(&'static str, &'static [u8])],
    /// How it is turned on where no switch of ours does it.
    turn_on: &'static str,
    /// What to do to see it.
    next: &'static str,
    /// What an application still says of it once it is gone; none where it forgets it.
    afterwards: Option<&'static str>,
    /// What the application's folder is, for who has to name it.
    folder: &'static str,
}

/// Where one copy of an application looks for plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Which copy it is, where there may be several.
    kind: &'static str,
    /// The application's folder for this user's own files.
    resources: PathBuf,
    /// The switch that turns the plugin on; none where nobody knows it.
    switch: Option<Switch>,
    /// What else this copy needs, as a sentence.
    note: Option<String>,
}

/// A line in an application's settings that turns the plugin on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Switch {
    /// The settings.
    file: PathBuf,
    /// The section of the line.
    section: &'static str,
    /// Its key.
    key: &'static str,
    /// Its value.
    value: &'static str,
}

/// Installs a plugin.
///
/// # Errors
/// When no such application is there, or a file cannot be written.
pub fn install(command: &Install, json: bool) -> Result<ExitCode, Failure> {
    let (plugin, places) = find(command)?;
    let mut done = Vec::new();
    for place in &places {
        put(&plugin, place)?;
        if let Some(switch) = &place.switch {
            switch.set(Some(switch.value))?;
        }
        done.push(place);
    }
    if json {
        print_json(&json!({
            "application": plugin.application,
            "installed": done.iter().map(|place| place.json()).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for place in done {
        print_lines(&format!(
            "{} ({}): the plugin is in {}",
            plugin.application,
            place.kind,
            place.resources.display()
        ));
        match &place.switch {
            Some(switch) => print_lines(&format!("  turned on in {}", switch.file.display())),
            None => print_lines(&format!("  {}", plugin.turn_on)),
        }
        if let Some(note) = &place.note {
            print_lines(&format!("  {note}"));
        }
    }
    print_lines(plugin.next);
    Ok(ExitCode::SUCCESS)
}

/// Takes a plugin back.
///
/// # Errors
/// When it is nowhere, or a file cannot be removed.
pub fn uninstall(command: &Install, json: bool) -> Result<ExitCode, Failure> {
    let (plugin, places) = find(command)?;
    let mut taken = Vec::new();
    for place in &places {
        let Some(receipt) = Receipt::read(&place.resources, plugin.receipt)? else {
            continue;
        };
        let left = take(&plugin, place, &receipt)?;
        if let Some(switch) = &place.switch {
            switch.set(None)?;
        }
        taken.push((place, left));
    }
    if taken.is_empty() {
        let looked: Vec<_> = places
            .iter()
            .map(|place| place.resources.display().to_string())
            .collect();
        return Err(Failure::refused(format!(
            "the plugin is in no {} of this user",
            plugin.application
        ))
        .about(format!("looked in {}", looked.join(", ")))
        .hint("name the folder that it was installed to: --to DIR"));
    }
    if json {
        let places = taken.iter().map(|(place, left)| {
            let mut told = place.json();
            told["left"] = json!(left);
            told
        });
        print_json(&json!({
            "application": plugin.application,
            "uninstalled": places.collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for (place, left) in taken {
        print_lines(&format!(
            "{} ({}): the plugin is gone from {}",
            plugin.application,
            place.kind,
            place.resources.display()
        ));
        for path in left {
            print_lines(&format!("  left, since it is not ours: {}", path.display()));
        }
        if let Some(afterwards) = plugin.afterwards {
            print_lines(&format!("  {afterwards}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The plugin that a command is about, and where it goes.
fn find(command: &Install) -> Result<(Plugin, Vec<Place>), Failure> {
    let surroundings = Surroundings::of_this_process();
    let (plugin, found) = match command.application {
        ApplicationName::Blender => (blender::plugin(), blender::places(&surroundings)),
        ApplicationName::Krita => (krita::plugin(), krita::places(&surroundings)),
    };
    if let Some(folder) = &command.to {
        let resources = std::path::absolute(folder).map_err(|error| unusable(folder, &error))?;
        let place = Place {
            kind: "folder",
            resources,
            switch: None,
            note: None,
        };
        return Ok((plugin, vec![place]));
    }
    if found.is_empty() {
        return Err(
            Failure::refused(format!("no {} was found for this user", plugin.application)).hint(
                format!(
                    "install {} and start it once, or name {}: --to DIR",
                    plugin.application, plugin.folder
                ),
            ),
        );
    }
    Ok((plugin, found))
}

/// Writes the plugin's files, and takes away those of an older one.
fn put(plugin: &Plugin, place: &Place) -> Result<(), Failure> {
    let old = Receipt::read(&place.resources, plugin.receipt)?;
    let names: Vec<_> = plugin.files.iter().map(|(name, _)| *name).collect();
    // Written first: what a crash leaves behind is known as ours.
    let mut known = old
        .as_ref()
        .map_or_else(Vec::new, |old| old.files().to_vec());
    known.extend(names.iter().map(|name| (*name).to_owned()));
    Receipt::new(known).write(&place.resources, plugin.receipt)?;
    for (name, bytes) in plugin.files {
        let path = place.resources.join(name);
        write(&path, bytes).map_err(|error| unusable(&path, &error))?;
    }
    let gone = old.iter().flat_map(Receipt::files);
    for name in gone.filter(|name| !names.contains(&name.as_str())) {
        let path = place.resources.join(name);
        remove_file(&path).map_err(|error| unusable(&path, &error))?;
    }
    let receipt = Receipt::new(names.iter().map(|name| (*name).to_owned()).collect());
    receipt.write(&place.resources, plugin.receipt)
}

/// Removes the files of a receipt, the folders that are empty then, and the
/// receipt. Gives the folders in which something else is left.
fn take(plugin: &Plugin, place: &Place, receipt: &Receipt) -> Result<Vec<PathBuf>, Failure> {
    for name in receipt.files() {
        let path = place.resources.join(name);
        remove_file(&path).map_err(|error| unusable(&path, &error))?;
    }
    let mut left = Vec::new();
    for folder in receipt.folders() {
        let path = place.resources.join(&folder);
        // Python's own, from our files.
        let bytecode = path.join("__pycache__");
        if bytecode.is_dir() {
            std::fs::remove_dir_all(&bytecode).map_err(|error| unusable(&bytecode, &error))?;
        }
        match std::fs::remove_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The application's own folders hold the plugins of others.
            Err(_) if !folder.contains('/') => {}
            Err(_) => left.push(path),
        }
    }
    Receipt::remove(&place.resources, plugin.receipt)?;
    Ok(left)
}

impl Place {
    fn json(&self) -> serde_json::Value {
        json!({
            "kind": self.kind,
            "folder": self.resources,
            "enabled_in": self.switch.as_ref().map(|switch| &switch.file),
            "note": self.note,
        })
    }
}

impl Switch {
    /// Sets the line, or takes it out.
    fn set(&self, value: Option<&str>) -> Result<(), Failure> {
        let wrong = |error: &io::Error| unusable(&self.file, error);
        let before = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && value.is_none() => {
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(wrong(&error)),
        };
        let mut settings = SettingsFile::new(before.clone());
        settings.set(self.section, self.key, value);
        if settings.bytes() == before {
            return Ok(());
        }
        if settings.bytes().is_empty() {
            // There was nothing but our line.
            return remove_file(&self.file).map_err(|error| wrong(&error));
        }
        write(&self.file, settings.bytes()).map_err(|error| wrong(&error))
    }
}

/// Writes a file in one piece, with the folders that it needs.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A settings file may be a link into somebody's collection of such files.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let permissions = std::fs::metadata(&path).map(|held| held.permissions()).ok();
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    let kept = file.persist(&path).map_err(|error| error.error)?;
    match permissions {
        Some(permissions) => kept.set_permissions(permissions),
        None => readable(&kept),
    }
}

/// Temporary files are their user's alone; plugins are not secret.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("the plugin cannot be put there: {error}"))
        .about_file(path)
        .hint("see whether this user may write there and the disk has room, then run it again")
}
