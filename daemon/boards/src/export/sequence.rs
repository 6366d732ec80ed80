//! Numbered pictures: what an editor imports as a moving picture.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::place::folder_of;
use super::timeline::Timeline;
use crate::disk;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::sheet::pixels;

/// The most files of a sequence.
const MOST_FILES: u64 = 100_000;

/// How many files there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Every {
    /// One for each frame of the moving picture: `frame_00000.png` …, a still
    /// again and again for as long as it lasts.
    #[default]
    Frame,
    /// One for each shot: `shot_000.png` …
    Shot,
}

/// Writes the pictures into a new folder; gives sentences for people.
pub(super) fn export(
    folder: &BoardFolder,
    timeline: &Timeline,
    every: Every,
    output: &Path,
) -> Result<Vec<String>, BoardError> {
    let count = match every {
        Every::Frame => timeline.frames(),
        Every::Shot => timeline.clips.len() as u64,
    };
    if count > MOST_FILES {
        return Err(BoardError::Export(format!(
            "the sequence would have {count} files, and {MOST_FILES} are the most: \
             export one picture a shot, or shorten the frames"
        )));
    }
    // Only an empty folder can be removed.
    if output.exists() && fs::remove_dir(output).is_err() {
        return Err(BoardError::Export(format!(
            "{output:?} is there and is not an empty folder: choose a new one"
        )));
    }
    let parent = folder_of(output)?;
    let prefix = disk::own_prefix();
    let staging = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(disk::SUFFIX)
        .tempdir_in(&parent)
        .map_err(|error| disk::unwritable(output, error))?;
    let mut sizes = BTreeSet::new();
    let mut black = None;
    let mut number = 0_u64;
    for clip in &timeline.clips {
        let bytes = match &clip.image {
            Some(image) => {
                sizes.insert(pixels(folder, image)?.dimensions());
                folder.picture(image)?
            }
            None => match &black {
                Some(bytes) => Vec::clone(bytes),
                None => black.insert(black_picture(folder, timeline)?).clone(),
            },
        };
        let copies = match every {
            Every::Frame => clip.frames,
            Every::Shot => 1,
        };
        let mut first: Option<PathBuf> = None;
        for _ in 0..copies {
            let name = match every {
                Every::Frame => format!("frame_{number:05}.png"),
                Every::Shot => format!("shot_{:03}.png", clip.place),
            };
            let path = staging.path().join(name);
            number += 1;
            // A still takes the disk's room once, where the file system can.
            let linked = first.as_ref().map(|first| fs::hard_link(first, &path));
            if !matches!(linked, Some(Ok(()))) {
                fs::write(&path, &bytes).map_err(|error| disk::unwritable(&path, error))?;
                first.get_or_insert(path);
            }
        }
    }
    let finished = staging.keep();
    fs::rename(&finished, output).map_err(|error| {
        // What could not be put in its place is not left behind.
        let _ = fs::remove_dir_all(&finished);
        disk::unwritable(output, error)
    })?;
    readable(output);
    let mut notices = Vec::new();
    if sizes.len() > 1 {
        notices.push(
            "the pictures are of several sizes, which editors do not take as one sequence"
                .to_owned(),
        );
    }
    Ok(notices)
}

/// Temporary folders are closed to others; this one is the user's.
fn readable(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The user can do it where this cannot.
        let _ = fs::set_permissions(folder, PermissionsExt::from_mode(0o755));
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// A black picture as large as the others.
fn black_picture(folder: &BoardFolder, timeline: &Timeline) -> Result<Vec<u8>, BoardError> {
    let first = timeline.clips.iter().find_map(|clip| clip.image.as_ref());
    let size = match first {
        Some(image) => pixels(folder, image)?.dimensions(),
        None => (512, 512),
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(size.0, size.1)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| BoardError::Export(error.to_string()))?;
    Ok(bytes.into_inner())
}
