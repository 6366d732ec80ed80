//! Why something cannot be done with a board.

use std::io;
use std::path::PathBuf;

use crate::relative_path::NoRelativePath;

/// Why something cannot be done with a board. Where a board could not be
/// changed, it is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoardError {
    /// There is no such folder.
    #[error("there is no folder {0:?}")]
    NoFolder(PathBuf),
    /// The folder holds no board.
    #[error("there is no board.toml in {0:?}")]
    NoBoard(PathBuf),
    /// There is a board already.
    #[error("there is a board already: {0:?}")]
    Exists(PathBuf),
    /// Its file makes no sense. Nothing was written.
    #[error("{}{reason}", line_words(.line))]
    Broken {
        /// The line in `board.toml`, from 1, where one is to blame.
        line: Option<u32>,
        /// What is wrong there.
        reason: String,
    },
    /// The file is not the version that was seen. Nothing was written.
    #[error("board.toml is not the version that was seen")]
    Conflict {
        /// The version that is there.
        current: String,
    },
    /// A program of the user writes the file again and again.
    #[error("board.toml changed each time that it was about to be written")]
    Restless,
    /// A path is none of the board's.
    #[error(transparent)]
    Path(#[from] NoRelativePath),
    /// A symbolic link leads out of the board's folder.
    #[error("{path:?} is a link that leads to {target:?}, out of the board's folder")]
    LinkLeaves {
        /// The path in the board.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// There is no such frame.
    #[error("there is no frame {asked:?}; there are {frames}")]
    NoFrame {
        /// What was asked for.
        asked: String,
        /// How many there are.
        frames: usize,
    },
    /// There is no such take.
    #[error("frame {frame} has no take {asked:?}; there are {takes}")]
    NoTake {
        /// The frame's place, from 0.
        frame: usize,
        /// What was asked for.
        asked: String,
        /// How many there are.
        takes: usize,
    },
    /// A picture of the board is not there any more.
    #[error("the picture {0} is not there any more")]
    NoPicture(String),
    /// A file that should be a picture is none.
    #[error("{path} is no picture that can be read: {reason}")]
    Picture {
        /// The path in the board.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is not one that can be used.
    #[error("{what} {reason}")]
    Value {
        /// Which.
        what: &'static str,
        /// Why not, to be read after its name.
        reason: String,
    },
    /// Something cannot be exported.
    #[error("{0}")]
    Export(String),
    /// The system does not let a file be read.
    #[error("{path:?} cannot be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let a file be written.
    #[error("{path:?} cannot be written: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn line_words(line: &Option<u32>) -> String {
    line.map_or_else(
        || "board.toml: ".to_owned(),
        |line| format!("board.toml, line {line}: "),
    )
}
