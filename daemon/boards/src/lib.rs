//! What a board's folder holds.
//!
//! A [`Board`] is a scene's frames: prompts, the takes that were drawn for
//! them, and what was picked. It lives in a [`BoardFolder`] that the user owns
//! and may copy, rename, edit by hand and put under version control:
//!
//! ```text
//! board.toml                     everything but the pixels; comments stay
//! takes/f0-5f1c2ab0-7.png        frame f0, what was asked for, seed 7
//! shot_0.png                     the pick of the first frame, as a copy
//! ```
//!
//! [`BoardFolder::wanted`] says what a board asks for and does not have,
//! [`BoardFolder::store`] takes it in. [`contact_sheet`], [`grid`] and [`pdf`]
//! lay it out for people, [`export()`] for other programs.

mod board;
mod contact_sheet;
mod disk;
mod document;
mod error;
mod export;
mod folder;
mod frame_rate;
mod grid;
mod lettering;
mod paper;
mod pdf;
mod relative_path;
mod seed;
mod sheet;
#[cfg(test)]
mod testing;

pub use board::{Batch, Board, Frame, Generate, PlanWishes, Take, Variations, check_duration};
pub use contact_sheet::contact_sheet;
pub use disk::{DrawingLock, write as write_file};
pub use document::{BoardDocument, FrameChange, NewBoard, NewFrame};
pub use error::BoardError;
pub use export::{Clip, Every, Export, Exported, Timeline, export};
pub use folder::{BOARD_FILE, BoardFolder, TAKES_FOLDER, Version, WantedTake};
pub use frame_rate::FrameRate;
pub use grid::grid;
pub use pdf::pdf;
pub use relative_path::{NoRelativePath, RelativePath};
pub use seed::Seed;
pub use sheet::{Sheet, SheetFrame, SheetTake};
