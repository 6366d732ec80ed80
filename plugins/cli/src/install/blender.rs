//! Blender: its plugin, and where it looks for it.

use std::path::{Path, PathBuf};

use super::surroundings::{Surroundings, System};
use super::{Place, Plugin};

const FLATPAK: &str = "org.blender.Blender";

/// The oldest version that the plugin works in.
const OLDEST: (u32, u32) = (3, 4);

/// The plugin.
pub fn plugin() -> Plugin {
    Plugin {
        application: "Blender",
        receipt: "addons/framewright_blender.installed",
        files: include!(concat!(env!("OUT_DIR"), "/blender_files.rs")),
        turn_on: "Blender turns it on at its next start",
        next: "start Blender (again, if it runs), press N over the Sequencer, the Image Editor or \
               the 3D Viewport, and choose the tab Framewright",
        afterwards: Some(
            "Blender's console names it as missing until it is taken out of \
             Edit ▸ Preferences ▸ Add-ons",
        ),
        folder: "its folder `scripts` of this user, such as ~/.config/blender/4.2/scripts",
    }
}

/// The Blenders of this user: one folder a version, which is there once that
/// version has run.
pub fn places(around: &Surroundings) -> Vec<Place> {
    if let Some(scripts) = &around.blender_scripts {
        return vec![place("BLENDER_USER_SCRIPTS", scripts.clone(), None)];
    }
    match around.system {
        System::Windows => {
            let base = around.app_data.as_deref();
            versions("Windows", base, "Blender Foundation/Blender", None)
        }
        System::MacOs => {
            let base = around
                .home
                .as_ref()
                .map(|home| home.join("Library/Application Support"));
            versions("macOS", base.as_deref(), "Blender", None)
        }
        System::Unix => on_unix(around),
    }
}

fn on_unix(around: &Surroundings) -> Vec<Place> {
    let config = around.config_home.as_deref();
    let mut places = versions("native or AppImage", config, "blender", None);
    if places.is_empty()
        && let (Some(config), Some(version)) = (config, around.version_of("blender"))
        && version >= OLDEST
    {
        // It has never run: its version tells where it will look.
        let name = format!("{}.{}", version.0, version.1);
        let scripts = config.join("blender").join(name).join("scripts");
        places.push(place("native or AppImage", scripts, None));
    }
    if let Some(home) = &around.home {
        let own = home.join(".var/app").join(FLATPAK).join("config");
        let note = format!(
            "the sandbox hides the daemon; let Blender see it: \
             flatpak override --user --filesystem=xdg-run/framewright {FLATPAK}"
        );
        places.extend(versions("Flatpak", Some(&own), "blender", Some(&note)));
    }
    places
}

/// A place for each version's folder that is there and new enough, the oldest
/// first.
fn versions(
    kind: &'static str,
    base: Option<&Path>,
    folder: &str,
    note: Option<&str>,
) -> Vec<Place> {
    let Some(entries) = base.and_then(|base| std::fs::read_dir(base.join(folder)).ok()) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| {
            let version = version(entry.file_name().to_str()?)?;
            (version >= OLDEST).then(|| (version, entry.path().join("scripts")))
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|(_, scripts)| place(kind, scripts, note))
        .collect()
}

fn place(kind: &'static str, resources: PathBuf, note: Option<&str>) -> Place {
    Place {
        kind,
        resources,
        switch: None,
        note: note.map(str::to_owned),
    }
}

/// The version that a folder is called after.
fn version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(root: &Path, system: System) -> Surroundings {
        let home = root.join("home");
        Surroundings {
            system,
            root: root.to_owned(),
            data_home: Some(home.join(".local/share")),
            config_home: Some(home.join(".config")),
            app_data: Some(home.join("AppData/Roaming")),
            local_app_data: None,
            program_files: Vec::new(),
            path: vec![root.join("bin")],
            blender_scripts: None,
            home: Some(home),
        }
    }

    fn found(around: &Surroundings) -> Vec<(&'static str, PathBuf)> {
        let held = places(around);
        held.into_iter()
            .map(|place| (place.kind, place.resources))
            .collect()
    }

    #[test]
    fn every_version_of_the_user_is_found_and_old_ones_are_left() {
        let root = tempfile::tempdir().unwrap();
        let around = around(root.path(), System::Unix);
        let home = root.path().join("home");
        assert!(found(&around).is_empty());
        let flatpak = ".var/app/org.blender.Blender/config/blender/5.0";
        for folder in ["2.93", "4.10", "4.2", "3.4", "notes"] {
            std::fs::create_dir_all(home.join(".config/blender").join(folder)).unwrap();
        }
        std::fs::create_dir_all(home.join(flatpak)).unwrap();
        let native = |version: &str| {
            let scripts = home.join(".config/blender").join(version).join("scripts");
            ("native or AppImage", scripts)
        };
        let expected = [
            native("3.4"),
            native("4.2"),
            native("4.10"),
            ("Flatpak", home.join(flatpak).join("scripts")),
        ];
        assert_eq!(found(&around), expected);
        let noted = places(&around)
            .into_iter()
            .filter(|place| place.note.is_some());
        assert_eq!(noted.count(), 1, "the sandbox is told of");
    }

    #[test]
    fn windows_macos_and_the_variable_have_their_own_folders() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        for (system, kind, folder) in [
            (
                System::Windows,
                "Windows",
                "AppData/Roaming/Blender Foundation/Blender/4.2",
            ),
            (
                System::MacOs,
                "macOS",
                "Library/Application Support/Blender/4.2",
            ),
        ] {
            let around = around(root.path(), system);
            assert!(found(&around).is_empty());
            std::fs::create_dir_all(home.join(folder)).unwrap();
            assert_eq!(found(&around), [(kind, home.join(folder).join("scripts"))]);
        }
        let mut around = around(root.path(), System::MacOs);
        around.blender_scripts = Some(root.path().join("scripts"));
        let expected = [("BLENDER_USER_SCRIPTS", root.path().join("scripts"))];
        assert_eq!(found(&around), expected);
    }

    #[cfg(unix)]
    #[test]
    fn one_that_never_ran_is_asked_for_its_version() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let around = around(root.path(), System::Unix);
        let program = root.path().join("bin/blender");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        for (said, expected) in [("Blender 3.3.1", 0), ("Blender 4.2.0 LTS", 1), ("x", 0)] {
            std::fs::write(&program, format!("#!/bin/sh\necho '{said}'\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(found(&around).len(), expected, "{said}");
        }
    }

    #[test]
    fn the_plugin_is_whole_and_holds_no_bytecode() {
        let names: Vec<_> = plugin().files.iter().map(|(name, _)| *name).collect();
        for expected in [
            "addons/framewright_blender/__init__.py",
            "addons/framewright_blender/blender_manifest.toml",
            "addons/framewright_blender/widgets/boards.py",
            "addons/framewright_blender/framewright/client.py",
            "addons/framewright_blender/framewright/py.typed",
            "startup/framewright_turn_on.py",
        ] {
            assert!(names.contains(&expected), "{expected}");
        }
        let foreign = names.iter().filter(|name| name.contains("__pycache__"));
        assert_eq!(foreign.count(), 0);
    }
}
