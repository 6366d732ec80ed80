//! A board for other programs: editors, browsers, people without this one.

mod edl;
mod html;
mod otio;
mod place;
mod sequence;
mod timeline;

use std::path::{Path, PathBuf};

use crate::board::Board;
use crate::disk;
use crate::error::BoardError;
use crate::folder::BoardFolder;
pub use sequence::Every;
pub use timeline::{Clip, Timeline};

/// What a board is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// OpenTimelineIO's JSON, a `.otio` file.
    Otio,
    /// A CMX 3600 edit decision list, a `.edl` file.
    Edl,
    /// A page that opens from the disk.
    Html,
    /// Numbered pictures in a new folder.
    Sequence(Every),
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files; of a sequence the folder alone.
    pub files: Vec<PathBuf>,
    /// What a person should know.
    pub notices: Vec<String>,
}

/// Exports a board.
///
/// # Errors
/// [`BoardError::Export`] for what the format cannot hold, or of the disk.
pub fn export(
    folder: &BoardFolder,
    board: &Board,
    export: Export,
    output: &Path,
) -> Result<Exported, BoardError> {
    let timeline = Timeline::new(folder, board)?;
    if timeline.clips.is_empty() {
        let reason = "the board has no frames, so there is nothing to export";
        return Err(BoardError::Export(reason.to_owned()));
    }
    let mut exported = Exported {
        files: Vec::new(),
        notices: timeline.notices(),
    };
    match export {
        Export::Otio => {
            let text = otio::write(folder, &timeline, output)?;
            disk::write(output, text.as_bytes())?;
            exported.files.push(output.to_owned());
        }
        Export::Edl => {
            disk::write(output, edl::write(&timeline)?.as_bytes())?;
            exported.files.push(output.to_owned());
        }
        Export::Html => exported.files = html::export(folder, &timeline, output)?,
        Export::Sequence(every) => {
            exported
                .notices
                .extend(sequence::export(folder, &timeline, every, output)?);
            exported.files.push(output.to_owned());
        }
    }
    Ok(exported)
}

#[cfg(test)]
mod tests;
