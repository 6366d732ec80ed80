//! A board on a line of time.

use crate::board::Board;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::frame_rate::FrameRate;
use crate::relative_path::RelativePath;

/// A board on a line of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The board's folder's name.
    pub name: String,
    /// What happens.
    pub scene: String,
    /// Frames a second.
    pub rate: FrameRate,
    /// A clip a frame, one after the other.
    pub clips: Vec<Clip>,
}

/// A frame on the line of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Its place on the board, from 0.
    pub place: usize,
    /// Its id.
    pub id: String,
    /// The shot's name; empty when it has none.
    pub shot: String,
    /// What was asked for.
    pub prompt: String,
    /// What is said or done.
    pub note: String,
    /// The picture; `None` where nothing was drawn.
    pub image: Option<RelativePath>,
    /// Whether it was picked.
    pub picked: bool,
    /// Where it begins, frames of the rate.
    pub start: u64,
    /// How long it lasts, frames of the rate.
    pub frames: u64,
}

impl Timeline {
    /// The line of time of a board.
    ///
    /// # Errors
    /// When a picture cannot be looked at.
    pub fn new(folder: &BoardFolder, board: &Board) -> Result<Self, BoardError> {
        let mut clips = Vec::with_capacity(board.frames.len());
        let mut start = 0;
        for (place, frame) in board.frames.iter().enumerate() {
            let shown = folder.shown(board, place)?;
            let frames = board.duration_frames(frame);
            clips.push(Clip {
                place,
                id: frame.id.clone(),
                shot: frame.shot.clone().unwrap_or_default(),
                prompt: words(&frame.prompt),
                note: words(frame.note.as_deref().unwrap_or_default()),
                picked: shown.as_ref().is_some_and(|(_, picked)| *picked),
                image: shown.map(|(image, _)| image),
                start,
                frames,
            });
            start += frames;
        }
        let name = folder.path().file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            scene: words(&board.scene),
            rate: board.fps,
            clips,
        })
    }

    /// How long it is, frames of the rate.
    pub fn frames(&self) -> u64 {
        self.clips.iter().map(|clip| clip.frames).sum()
    }

    /// What a person should know of it.
    pub(crate) fn notices(&self) -> Vec<String> {
        let places = |of: &dyn Fn(&&Clip) -> bool| {
            let places = self.clips.iter().filter(of);
            let places: Vec<String> = places.map(|clip| clip.place.to_string()).collect();
            (!places.is_empty()).then(|| places.join(", "))
        };
        let unpicked = places(&|clip| clip.image.is_some() && !clip.picked);
        let empty = places(&|clip| clip.image.is_none());
        let unpicked =
            unpicked.map(|it| format!("not picked yet, shown by their first takes: {it}"));
        let empty = empty.map(|it| format!("not drawn yet, left black: {it}"));
        unpicked.into_iter().chain(empty).collect()
    }
}

/// A text in one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
