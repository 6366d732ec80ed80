//! The plugins of other applications: put where they are looked for, and taken
//! back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::harness::{Home, Ran};

/// The command for a user whose home is in the test's.
fn run(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    command.env("HOME", home.path("user"));
    home.started(command).end()
}

/// Every file under a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn user_with_krita(home: &Home) {
    for folder in [".local/share/krita/pykrita/other", ".config"] {
        std::fs::create_dir_all(home.path("user").join(folder)).unwrap();
    }
    home.write(
        "user/.local/share/krita/pykrita/other.desktop",
        "not ours\n",
    );
    home.write(
        "user/.local/share/krita/pykrita/other/__init__.py",
        "# not ours\n",
    );
    home.write(
        "user/.config/kritarc",
        "[General]\na=b\n\n[python]\nenable_other=true\n",
    );
}

#[test]
fn kritas_plugin_comes_whole_and_goes_whole() {
    let home = Home::new();
    user_with_krita(&home);
    let user = home.path("user");
    let before = files(&user);
    for _ in 0..2 {
        // Twice is once.
        let told = run(&home, &["install", "krita"]).ok();
        assert!(told.out.contains("turned on in"), "{}", told.out);
    }
    let after = files(&user);
    let plugin = ".local/share/krita/pykrita/framewright_krita";
    for name in ["__init__.py", "widgets/panel.py", "Manual.html"] {
        assert!(after.contains_key(&format!("{plugin}/{name}")), "{name}");
    }
    assert!(after.contains_key(&format!("{plugin}.desktop")));
    assert!(after.contains_key(".local/share/krita/pykrita/framewright/client.py"));
    assert!(after.contains_key(".local/share/krita/actions/framewright_krita.action"));
    let settings = String::from_utf8(after[".config/kritarc"].clone()).unwrap();
    assert_eq!(
        settings,
        "[General]\na=b\n\n[python]\nenable_framewright_krita=true\nenable_other=true\n"
    );
    // Python's bytecode is of our files; a note is not.
    let cache = user.join(plugin).join("__pycache__");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("canvas.cpython-311.pyc"), "").unwrap();
    let told = run(&home, &["--json", "uninstall", "krita"]).ok().json();
    assert_eq!(told["uninstalled"][0]["left"], serde_json::json!([]));
    assert_eq!(files(&user), before);
    let again = run(&home, &["uninstall", "krita"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.err.contains("looked in"), "{}", again.err);
}

#[test]
fn what_a_user_put_beside_the_plugin_is_left_and_named() {
    let home = Home::new();
    user_with_krita(&home);
    run(&home, &["install", "krita"]).ok();
    let note = "user/.local/share/krita/pykrita/framewright_krita/notes.txt";
    home.write(note, "mine");
    let told = run(&home, &["uninstall", "krita"]).ok();
    assert!(
        told.out.contains("left, since it is not ours"),
        "{}",
        told.out
    );
    assert_eq!(std::fs::read_to_string(home.path(note)).unwrap(), "mine");
}

#[test]
fn an_older_plugins_files_go() {
    let home = Home::new();
    let folder = home.work("krita");
    let to = folder.to_str().unwrap();
    run(&home, &["install", "krita", "--to", to]).ok();
    let receipt = folder.join("pykrita/framewright_krita.installed");
    let mut names = std::fs::read_to_string(&receipt).unwrap();
    names.push_str("pykrita/framewright_krita/removed.py\n../outside.py\n");
    std::fs::write(&receipt, names).unwrap();
    std::fs::write(folder.join("pykrita/framewright_krita/removed.py"), "").unwrap();
    std::fs::write(home.work("outside.py"), "").unwrap();
    run(&home, &["install", "krita", "--to", to]).ok();
    let left = files(&folder);
    assert!(!left.contains_key("pykrita/framewright_krita/removed.py"));
    assert!(home.work("outside.py").is_file());
    run(&home, &["uninstall", "krita", "--to", to]).ok();
    assert!(files(&folder).is_empty());
}

#[test]
fn without_krita_it_says_what_to_do() {
    let home = Home::new();
    let mut command = home.command(&["install", "krita"]);
    command
        .env("HOME", home.path("user"))
        .env("PATH", home.path("user"));
    let ran = home.started(command).end();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("no Krita was found"), "{}", ran.err);
    assert!(ran.err.contains("--to DIR"), "{}", ran.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let home = Home::new();
    home.write("work/file", "");
    let ran = run(&home, &["install", "krita", "--to", "file"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("work/file"), "{}", ran.err);
    assert!(ran.err.contains("hint:"), "{}", ran.err);
}

#[test]
fn blenders_plugin_goes_to_every_version_and_comes_back() {
    let home = Home::new();
    let user = home.path("user");
    for folder in ["3.4/config", "4.2/scripts/addons", "2.93/scripts/addons"] {
        std::fs::create_dir_all(user.join(".config/blender").join(folder)).unwrap();
    }
    home.write(
        "user/.config/blender/3.4/config/userpref.blend",
        "not ours\n",
    );
    home.write(
        "user/.config/blender/4.2/scripts/addons/other.py",
        "# not ours\n",
    );
    home.write(
        "user/.config/blender/2.93/scripts/addons/other.py",
        "# not ours\n",
    );
    let before = files(&user);
    for _ in 0..2 {
        // Twice is once.
        let told = run(&home, &["install", "blender"]).ok();
        assert!(told.out.contains("3.4/scripts"), "{}", told.out);
        assert!(told.out.contains("at its next start"), "{}", told.out);
    }
    let after = files(&user);
    for version in ["3.4", "4.2"] {
        let scripts = format!(".config/blender/{version}/scripts");
        for name in [
            "addons/framewright_blender/__init__.py",
            "addons/framewright_blender/blender_manifest.toml",
            "addons/framewright_blender/framewright/client.py",
            "startup/framewright_turn_on.py",
        ] {
            assert!(after.contains_key(&format!("{scripts}/{name}")), "{name}");
        }
    }
    let old = after.keys().filter(|name| name.contains("2.93")).count();
    assert_eq!(old, 1, "Blender 2.93 is too old and left alone");
    // It has turned itself on, once.
    let turned_on = ".config/blender/3.4/scripts/startup/framewright_turn_on.py";
    std::fs::remove_file(user.join(turned_on)).unwrap();
    let told = run(&home, &["--json", "uninstall", "blender"]).ok().json();
    assert_eq!(told["uninstalled"].as_array().unwrap().len(), 2);
    assert_eq!(files(&user), before);
}

#[test]
fn blenders_plugin_goes_where_it_is_told() {
    let home = Home::new();
    let folder = home.work("scripts");
    let to = folder.to_str().unwrap();
    run(&home, &["install", "blender", "--to", to]).ok();
    let held = files(&folder);
    assert!(held.contains_key("addons/framewright_blender/__init__.py"));
    run(&home, &["uninstall", "blender", "--to", to]).ok();
    assert!(files(&folder).is_empty());
}

#[test]
fn without_blender_it_says_what_to_do() {
    let home = Home::new();
    let mut command = home.command(&["install", "blender"]);
    command
        .env("HOME", home.path("user"))
        .env("PATH", home.path("user"));
    let ran = home.started(command).end();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("no Blender was found"), "{}", ran.err);
    assert!(ran.err.contains("start it once"), "{}", ran.err);
    assert!(ran.err.contains("--to DIR"), "{}", ran.err);
}
