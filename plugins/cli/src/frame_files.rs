//! The frames of one answer as files: a PNG each, and a contact sheet of several.

use std::path::{Path, PathBuf};

use framewright_protocol::FrameResult;
use serde_json::{Value, json};

use crate::arguments::Show;
use crate::failure::Failure;
use crate::frame_file::{FrameFile, with_suffix};
use crate::generate::{decode, draw};
use crate::{contact_sheet, print_lines};

/// The files that a command promises.
pub struct FrameFiles {
    frames: Vec<FrameFile>,
    contact_sheet: Option<FrameFile>,
}

impl FrameFiles {
    /// Tries the places: `output` for one frame; for several, its name with a
    /// number each, and the contact sheet's.
    ///
    /// # Errors
    /// When nothing could be written there.
    pub fn promise(output: &Path, candidates: u32) -> Result<Self, Failure> {
        if candidates == 1 {
            return Ok(Self {
                frames: vec![FrameFile::promise(output)?],
                contact_sheet: None,
            });
        }
        Ok(Self {
            frames: (0..candidates)
                .map(|number| FrameFile::promise(&with_suffix(output, number)))
                .collect::<Result<_, _>>()?,
            contact_sheet: Some(FrameFile::promise(&with_suffix(output, "contact-sheet"))?),
        })
    }

    /// Writes what was made, and shows it in the terminal where that is wanted.
    ///
    /// # Errors
    /// When it is not what was asked for, or cannot be written.
    pub fn write(self, made: Vec<FrameResult>, show: Option<Show>) -> Result<Written, Failure> {
        if made.len() != self.frames.len() {
            return Err(Failure::new(
                "the daemon made another number of frames than was asked for",
            ));
        }
        let mut written = Written {
            frames: Vec::new(),
            contact_sheet: None,
        };
        let mut pixels = Vec::new();
        for (frame, file) in made.into_iter().zip(self.frames) {
            if self.contact_sheet.is_some() || show.is_some() {
                pixels.push(decode(&frame.picture.data, file.path())?);
            }
            let path = file.write(&frame.picture.data)?;
            written.frames.push((path, frame.seed));
        }
        let mut shown = pixels.first().cloned();
        if let Some(file) = self.contact_sheet {
            let sheet = contact_sheet::lay_out(&pixels);
            let png = contact_sheet::png(&sheet).map_err(|error| {
                Failure::new(format!("the contact sheet could not be made: {error}"))
            })?;
            written.contact_sheet = Some(file.write(&png)?);
            shown = Some(sheet);
        }
        if let (Some(how), Some(picture)) = (show, &shown) {
            draw(picture, how);
        }
        Ok(written)
    }
}

/// The files that were written.
pub struct Written {
    /// Each frame's, with its seed.
    frames: Vec<(PathBuf, u64)>,
    /// The contact sheet's.
    pub contact_sheet: Option<PathBuf>,
}

impl Written {
    /// The frames' paths and seeds.
    pub fn json(&self) -> Vec<Value> {
        let frames = self.frames.iter();
        frames
            .map(|(path, seed)| json!({"path": path, "seed": seed}))
            .collect()
    }

    /// Prints the paths, and the frames' seeds.
    pub fn print(&self) {
        for (path, seed) in &self.frames {
            print_lines(&format!("{}  seed {seed}", path.display()));
        }
        if let Some(path) = &self.contact_sheet {
            print_lines(&path.display().to_string());
        }
    }
}
