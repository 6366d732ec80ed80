//! What a sheet shows, whatever it is drawn on.

use std::path::Path;

use image::{DynamicImage, ImageReader, Limits, RgbImage};

use crate::board::Board;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::relative_path::RelativePath;

/// The longest side of a picture that is read, pixels.
const LONGEST_SIDE: u32 = 16_384;
/// What a picture may take while it is read, bytes.
const MOST_MEMORY: u64 = 1 << 30;

/// A frame on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetFrame {
    /// Its place on the board, from 0.
    pub place: usize,
    /// The shot's name, as people say it; empty when it has none.
    pub shot: String,
    /// What was asked for.
    pub prompt: String,
    /// What is said or done.
    pub note: String,
    /// How long it lasts, seconds.
    pub duration: f64,
    /// The picture that stands for it.
    pub shown: Option<RelativePath>,
    /// Whether that was picked.
    pub picked: bool,
    /// The takes of what it asks for now.
    pub takes: Vec<SheetTake>,
}

/// A take on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetTake {
    /// Which, from 1.
    pub number: usize,
    /// Its seed.
    pub seed: u64,
    /// Where it is; `None` when its file has gone.
    pub image: Option<RelativePath>,
    /// Whether it was picked.
    pub picked: bool,
}

/// What stands on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// What happens.
    pub scene: String,
    /// The folder's name.
    pub name: String,
    /// "6 frames · 24 takes · 2 picked · 12.0 s"
    pub figures: String,
    /// The frames.
    pub frames: Vec<SheetFrame>,
}

impl Sheet {
    /// What a board's sheets show; of one frame where one is named.
    ///
    /// # Errors
    /// [`BoardError::NoFrame`], [`BoardError::LinkLeaves`], or of the disk.
    pub fn new(
        folder: &BoardFolder,
        board: &Board,
        only: Option<&str>,
    ) -> Result<Self, BoardError> {
        let only = only.map(|frame| board.find_frame(frame)).transpose()?;
        let mut frames = Vec::new();
        for (place, frame) in board.frames.iter().enumerate() {
            if only.is_some_and(|only| only != place) {
                continue;
            }
            let shown = folder.shown(board, place)?;
            let mut takes = Vec::new();
            for (number, take) in (1..).zip(board.takes(frame)) {
                takes.push(SheetTake {
                    number,
                    seed: take.seed.0,
                    image: folder.has(&take.image)?.then(|| take.image.clone()),
                    picked: frame.pick.as_ref() == Some(&take.image),
                });
            }
            frames.push(SheetFrame {
                place,
                shot: frame.shot.as_deref().unwrap_or_default().replace('-', " "),
                prompt: frame.prompt.clone(),
                note: frame.note.clone().unwrap_or_default(),
                duration: board.duration(frame),
                picked: shown.as_ref().is_some_and(|(_, picked)| *picked),
                shown: shown.map(|(image, _)| image),
                takes,
            });
        }
        Ok(Self {
            scene: board.scene.split_whitespace().collect::<Vec<_>>().join(" "),
            name: folder_name(folder.path()),
            figures: figures(&frames),
            frames,
        })
    }
}

/// The folder's own name.
fn folder_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn figures(frames: &[SheetFrame]) -> String {
    let count = |number: usize, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let takes: usize = frames.iter().map(|frame| frame.takes.len()).sum();
    let picked = frames.iter().filter(|frame| frame.picked).count();
    let seconds: f64 = frames.iter().map(|frame| frame.duration).sum();
    [
        count(frames.len(), "frame", "frames"),
        count(takes, "take", "takes"),
        format!("{picked} picked"),
        seconds_words(seconds),
    ]
    .join("  ·  ")
}

/// "2.5 s", "1 min 12 s"
pub(crate) fn seconds_words(seconds: f64) -> String {
    if seconds < 60.0 {
        let tenths = (seconds * 10.0).round() / 10.0;
        return format!("{tenths} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// The pixels of one of a board's pictures.
///
/// # Errors
/// [`BoardError::NoPicture`], [`BoardError::Picture`].
pub(crate) fn pixels(folder: &BoardFolder, image: &RelativePath) -> Result<RgbImage, BoardError> {
    let bytes = folder.picture(image)?;
    let wrong = |reason: String| BoardError::Picture {
        path: image.to_string(),
        reason,
    };
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| wrong(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| wrong(error.to_string()))?;
    Ok(DynamicImage::into_rgb8(decoded))
}
