//! Where a file lies, seen from another.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::error::BoardError;

/// The folder that a file will be written into, every link followed.
pub(crate) fn folder_of(output: &Path) -> Result<PathBuf, BoardError> {
    let folder = match output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    folder.canonicalize().map_err(|source| BoardError::Write {
        path: output.to_owned(),
        source,
    })
}

/// A URL that leads from a folder to a file: relative where both lie on the
/// same disk. Both are absolute and without links.
pub(crate) fn url_from(folder: &Path, file: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other);
    let common = common.count();
    if common == 0 {
        return format!("file:///{}", encoded(&to));
    }
    let up = "../".repeat(from.len() - common);
    up + &encoded(&to[common..])
}

fn encoded(parts: &[Component<'_>]) -> String {
    let parts = parts.iter().map(|part| part.as_os_str().to_string_lossy());
    parts
        .map(|part| percent(&part))
        .collect::<Vec<_>>()
        .join("/")
}

/// Percent-encoding of all that RFC 3986 does not leave unreserved.
pub(crate) fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
