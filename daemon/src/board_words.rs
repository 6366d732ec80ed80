//! Boards in the protocol's words.

use std::path::Path;

use framewright_boards::{Batch, Board, BoardError, BoardFolder, Frame, Take, Version};
use framewright_protocol::{
    BoardBatch, BoardFrame, BoardState, BoardTake, ErrorCode, Value, WireError, to_value,
};

/// The refusal for what cannot be done with a board.
pub fn refused(path: &Path, error: &BoardError) -> WireError {
    let (code, hint) = match error {
        BoardError::NoFolder(_) => (
            ErrorCode::NotFound,
            "say where the board's folder is now, or make one: `board new`",
        ),
        BoardError::NoBoard(_) => (
            ErrorCode::NotFound,
            "make a board there with `board new`, or name the folder that holds board.toml",
        ),
        BoardError::Exists(_) => (
            ErrorCode::Conflict,
            "choose another folder, or go on with the board that is there",
        ),
        BoardError::Broken { .. } => (
            ErrorCode::InvalidParams,
            "correct board.toml in an editor; nothing was written",
        ),
        BoardError::Conflict { .. } => (
            ErrorCode::Conflict,
            "read the board again and decide anew; nothing was written",
        ),
        BoardError::Restless => (
            ErrorCode::Conflict,
            "let the other program finish, and ask again; nothing was written",
        ),
        BoardError::Path(_) | BoardError::LinkLeaves { .. } => (
            ErrorCode::InvalidParams,
            "a board names nothing outside its folder: copy the file into it",
        ),
        BoardError::NoFrame { .. } => (
            ErrorCode::NotFound,
            "frames are named by their place, from 0, or by their id: `board show` tells them",
        ),
        BoardError::NoTake { .. } => (
            ErrorCode::NotFound,
            "takes are counted from 1 on the contact sheet; `board render` draws missing ones",
        ),
        BoardError::NoPicture(_) => (
            ErrorCode::NotFound,
            "`board render` draws a take again whose file has gone",
        ),
        BoardError::Picture { .. } => (
            ErrorCode::InvalidParams,
            "put a PNG in its place, or delete it: `board render` draws a take again",
        ),
        BoardError::Value { .. } => (ErrorCode::InvalidParams, "choose another value"),
        BoardError::Read { .. } => (
            ErrorCode::Storage,
            "let this user read it, or put the file back",
        ),
        BoardError::Write { source, .. } => (ErrorCode::Storage, write_hint(source)),
        _ => (
            ErrorCode::InvalidParams,
            "change what is named, and ask again",
        ),
    };
    WireError::new(code, error.to_string())
        .about(path.display().to_string())
        .hint(hint)
}

fn write_hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;

    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, and ask again: what was drawn is kept"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "let this user write there, or copy the board somewhere else"
        }
        _ => "see what keeps this user from writing there, and ask again",
    }
}

/// A board as it is now.
///
/// # Errors
/// When a picture cannot be looked at.
pub fn state(
    folder: &BoardFolder,
    version: &Version,
    drawing: bool,
    notices: Vec<String>,
) -> Result<BoardState, WireError> {
    let failed = |error: BoardError| refused(folder.path(), &error);
    let board = &version.board;
    let mut frames = Vec::with_capacity(board.frames.len());
    for (place, of_board) in board.frames.iter().enumerate() {
        frames.push(frame(folder, board, place, of_board).map_err(failed)?);
    }
    // A seed without room for its takes is told when they are drawn.
    let missing = folder.wanted(board, None).map_or(0, |wanted| wanted.len());
    Ok(BoardState {
        path: folder.path().display().to_string(),
        scene: board.scene.clone(),
        characters: board.characters.clone(),
        candidates: board.candidates,
        seed: board.seed.0,
        variations: board.variations.as_str().to_owned(),
        shared_noise: board.shared_noise,
        fps: board.fps.rate(),
        duration: board.duration,
        negative_prompt: board.negative_prompt.clone(),
        generate: to_value(&board.generate).unwrap_or(Value::Nil),
        frames,
        missing: missing as u64,
        drawing,
        revision: version.revision.clone(),
        notices,
    })
}

fn frame(
    folder: &BoardFolder,
    board: &Board,
    place: usize,
    frame: &Frame,
) -> Result<BoardFrame, BoardError> {
    let asked = board.asked(frame);
    let mut earlier = Vec::new();
    for batch in frame.batches.iter().filter(|batch| batch.asked != asked) {
        earlier.push(self::batch(folder, frame, batch)?);
    }
    let shown = folder.shown(board, place)?;
    let absolute = |image: &str| folder.path().join(image).display().to_string();
    Ok(BoardFrame {
        id: frame.id.clone(),
        shot: frame.shot.clone(),
        prompt: frame.prompt.clone(),
        negative_prompt: frame.negative_prompt.clone(),
        note: frame.note.clone(),
        setting: frame.setting.clone(),
        seed: frame.seed.unwrap_or(board.seed).0,
        duration: board.duration(frame),
        pick: frame.pick.as_ref().map(ToString::to_string),
        shown: shown.map(|(image, _)| absolute(image.as_str())),
        takes: takes(folder, frame, board.takes(frame))?,
        earlier,
    })
}

fn batch(folder: &BoardFolder, frame: &Frame, batch: &Batch) -> Result<BoardBatch, BoardError> {
    Ok(BoardBatch {
        prompt: batch.prompt.clone(),
        negative_prompt: batch.negative_prompt.clone(),
        seed: batch.seed.0,
        takes: takes(folder, frame, &batch.takes)?,
    })
}

fn takes(
    folder: &BoardFolder,
    frame: &Frame,
    takes: &[Take],
) -> Result<Vec<BoardTake>, BoardError> {
    let mut told = Vec::with_capacity(takes.len());
    for (number, take) in (1..).zip(takes) {
        told.push(BoardTake {
            take: number,
            seed: take.seed.0,
            image: take.image.to_string(),
            hash: take.hash.clone(),
            present: folder.has(&take.image)?,
            picked: frame.pick.as_ref() == Some(&take.image),
        });
    }
    Ok(told)
}
