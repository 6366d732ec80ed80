//! Embeds the plugins of applications, so that the command can install them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What of a plugin's folder is part of the plugin; the rest is bytecode.
const EXTENSIONS: [&str; 3] = ["py", "html", "typed"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let krita = here.join("../krita");
    let client = here.join("../../sdk/python/framewright");
    let mut files = vec![
        (
            "pykrita/framewright_krita.desktop".to_owned(),
            krita.join("framewright_krita.desktop"),
        ),
        (
            "actions/framewright_krita.action".to_owned(),
            krita.join("framewright_krita.action"),
        ),
    ];
    gather(
        &krita.join("framewright_krita"),
        "pykrita/framewright_krita",
        &mut files,
    )?;
    gather(&client, "pykrita/framewright", &mut files)?;
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
    fs::write(out.join("krita_files.rs"), source)
}

/// Adds the files of a folder by their names under `prefix`.
fn gather(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
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
