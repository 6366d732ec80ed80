//! Embeds the plugins of applications, so that the command can install them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What of a plugin's folder is part of the plugin; the rest is bytecode.
const EXTENSIONS: [&str; 4] = ["py", "html", "toml", "typed"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let client = here.join("../../sdk/python/framewright");
    let krita = here.join("../krita");
    let mut files = Files::new();
    for (name, folder) in [
        ("framewright_krita.desktop", "pykrita"),
        ("framewright_krita.action", "actions"),
    ] {
        files.push((format!("{folder}/{name}"), krita.join(name)));
    }
    let plugin = "pykrita/framewright_krita";
    gather(&krita.join("framewright_krita"), plugin, &mut files)?;
    gather(&client, "pykrita/framewright", &mut files)?;
    write("krita_files.rs", files)?;

    let blender = here.join("../blender");
    let turn_on = "framewright_turn_on.py";
    let mut files = vec![(format!("startup/{turn_on}"), blender.join(turn_on))];
    let plugin = "addons/framewright_blender";
    gather(&blender.join("framewright_blender"), plugin, &mut files)?;
    gather(&client, &format!("{plugin}/framewright"), &mut files)?;
    write("blender_files.rs", files)
}

/// Files by their names in the application's folder.
type Files = Vec<(String, PathBuf)>;

/// Writes a list of names and bytes, as Rust reads it.
fn write(name: &str, mut files: Files) -> io::Result<()> {
    files.sort();
    let mut source = String::from("&[\n");
    for (name, path) in &files {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.canonicalize()?;
        let line = writeln!(source, "    ({name:?}, include_bytes!({path:?})),");
        line.map_err(io::Error::other)?;
    }
    source.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join(name), source)
}

/// Adds the files of a folder by their names under `prefix`.
fn gather(folder: &Path, prefix: &str, files: &mut Files) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| *name != "__pycache__") else {
            continue;
        };
        let inner = format!("{prefix}/{name}");
        if path.is_dir() {
            gather(&path, &inner, files)?;
        } else if EXTENSIONS
            .iter()
            .any(|known| path.extension().is_some_and(|it| it == *known))
        {
            files.push((inner, path));
        }
    }
    Ok(())
}
