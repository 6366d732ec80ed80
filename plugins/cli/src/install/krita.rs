//! Krita: its plugin, and where it looks for it.

use std::path::Path;

use super::surroundings::{Surroundings, System};
use super::{Place, Plugin, Switch};

const FLATPAK: &str = "org.kde.krita";

/// The plugin.
pub fn plugin() -> Plugin {
    Plugin {
        application: "Krita",
        receipt: "pykrita/framewright_krita.installed",
        files: include!(concat!(env!("OUT_DIR"), "/krita_files.rs")),
        turn_on: "turn it on: in Krita, Settings ▸ Configure Krita ▸ Python Plugin Manager ▸ \
                  Framewright",
        next: "start Krita (again, if it runs) and choose Settings ▸ Dockers ▸ Framewright",
        afterwards: None,
        folder: "the folder of its resources",
    }
}

/// The Kritas of this user. An AppImage uses the folders of a native one, which
/// are there once it has run.
pub fn places(around: &Surroundings) -> Vec<Place> {
    match around.system {
        System::Windows => {
            let (Some(roaming), Some(local)) = (&around.app_data, &around.local_app_data) else {
                return Vec::new();
            };
            let resources = roaming.join("krita");
            let programs = around.program_files.iter();
            let there = programs
                .map(|folder| folder.join("Krita (x64)"))
                .any(|folder| folder.is_dir());
            found(there || resources.is_dir(), "Windows", &resources, local)
        }
        System::MacOs => {
            let Some(home) = &around.home else {
                return Vec::new();
            };
            let library = home.join("Library");
            let resources = library.join("Application Support/krita");
            let there = Path::new("/Applications/krita.app").is_dir();
            found(
                there || resources.is_dir(),
                "macOS",
                &resources,
                &library.join("Preferences"),
            )
        }
        System::Unix => on_unix(around),
    }
}

fn on_unix(around: &Surroundings) -> Vec<Place> {
    let mut places = Vec::new();
    if let (Some(data), Some(config)) = (&around.data_home, &around.config_home) {
        let resources = data.join("krita");
        let there = around.on_path("krita") || resources.is_dir();
        places.extend(found(there, "native or AppImage", &resources, config));
    }
    let Some(home) = &around.home else {
        return places;
    };
    let own = home.join(".var/app").join(FLATPAK);
    let installed = [
        home.join(".local/share/flatpak/app").join(FLATPAK),
        around.root.join("var/lib/flatpak/app").join(FLATPAK),
    ];
    let there = own.is_dir() || installed.iter().any(|folder| folder.is_dir());
    let mut flatpak = found(
        there,
        "Flatpak",
        &own.join("data/krita"),
        &own.join("config"),
    );
    for place in &mut flatpak {
        place.note = Some(format!(
            "the sandbox hides the daemon; let Krita see it: \
             flatpak override --user --filesystem=xdg-run/framewright {FLATPAK}"
        ));
    }
    places.extend(flatpak);
    let own = home.join("snap/krita");
    let there = own.is_dir() || around.root.join("snap/krita").is_dir();
    let current = own.join("current");
    places.extend(found(
        there,
        "Snap",
        &current.join(".local/share/krita"),
        &current.join(".config"),
    ));
    places
}

/// One place, if that Krita is there. `config` holds its `kritarc`.
fn found(there: bool, kind: &'static str, resources: &Path, config: &Path) -> Vec<Place> {
    let place = Place {
        kind,
        resources: resources.to_owned(),
        switch: Some(Switch {
            file: config.join("kritarc"),
            section: "python",
            key: "enable_framewright_krita",
            value: "true",
        }),
        note: None,
    };
    there.then_some(place).into_iter().collect()
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
            local_app_data: Some(home.join("AppData/Local")),
            program_files: vec![root.join("Program Files")],
            path: vec![root.join("bin")],
            blender_scripts: None,
            home: Some(home),
        }
    }

    fn kinds(around: &Surroundings) -> Vec<&'static str> {
        places(around).iter().map(|place| place.kind).collect()
    }

    #[test]
    fn every_krita_of_the_user_is_found() {
        let root = tempfile::tempdir().unwrap();
        let around = around(root.path(), System::Unix);
        assert!(kinds(&around).is_empty());
        for (folder, kinds_now) in [
            ("home/snap/krita", vec!["Snap"]),
            ("var/lib/flatpak/app/org.kde.krita", vec!["Flatpak", "Snap"]),
            (
                "home/.local/share/krita",
                vec!["native or AppImage", "Flatpak", "Snap"],
            ),
        ] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
            assert_eq!(kinds(&around), kinds_now);
        }
        let files: Vec<_> = places(&around)
            .into_iter()
            .map(|place| (place.resources, place.switch.unwrap().file))
            .collect();
        let home = root.path().join("home");
        assert_eq!(
            files[1],
            (
                home.join(".var/app/org.kde.krita/data/krita"),
                home.join(".var/app/org.kde.krita/config/kritarc")
            )
        );
        assert_eq!(
            files[2],
            (
                home.join("snap/krita/current/.local/share/krita"),
                home.join("snap/krita/current/.config/kritarc")
            )
        );
    }

    #[test]
    fn windows_and_macos_have_their_own_folders() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        let windows = around(root.path(), System::Windows);
        assert!(kinds(&windows).is_empty());
        std::fs::create_dir_all(root.path().join("Program Files/Krita (x64)")).unwrap();
        let place = places(&windows).remove(0);
        assert_eq!(place.resources, home.join("AppData/Roaming/krita"));
        assert_eq!(
            place.switch.unwrap().file,
            home.join("AppData/Local/kritarc")
        );
        let mac = around(root.path(), System::MacOs);
        std::fs::create_dir_all(home.join("Library/Application Support/krita")).unwrap();
        let place = places(&mac).remove(0);
        assert_eq!(
            place.resources,
            home.join("Library/Application Support/krita")
        );
        assert_eq!(
            place.switch.unwrap().file,
            home.join("Library/Preferences/kritarc")
        );
    }

    #[test]
    fn the_plugin_is_whole_and_holds_no_bytecode() {
        let names: Vec<_> = plugin().files.iter().map(|(name, _)| *name).collect();
        for expected in [
            "actions/framewright_krita.action",
            "pykrita/framewright_krita.desktop",
            "pykrita/framewright_krita/__init__.py",
            "pykrita/framewright_krita/Manual.html",
            "pykrita/framewright_krita/widgets/panel.py",
            "pykrita/framewright/__init__.py",
            "pykrita/framewright/py.typed",
        ] {
            assert!(names.contains(&expected), "{expected}");
        }
        let foreign = names.iter().filter(|name| name.contains("__pycache__"));
        assert_eq!(foreign.count(), 0);
    }
}
