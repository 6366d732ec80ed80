//! What the methods about boards do, drawing apart.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use framewright_boards::{
    BoardDocument, BoardError, BoardFolder, Every, Export, FrameChange, Generate, NewBoard,
    NewFrame, Seed, Sheet, Variations, Version, check_duration, contact_sheet, grid, pdf,
};
use framewright_protocol::{
    BoardAddParams, BoardEditParams, BoardExportParams, BoardExportResult, BoardNewParams,
    BoardParams, BoardPickParams, BoardPrompt, BoardRedoParams, BoardSheetParams, BoardSheetResult,
    BoardState, ErrorCode, ExportFormat, GenerateParams, Picture, PictureFormat, Record, SheetKind,
    Value, WireError,
};
use image::{ImageFormat, RgbImage};
use serde_bytes::ByteBuf;

use crate::board_words::{refused, state};
use crate::daemon::Daemon;
use crate::order::{self, drawn_seed};
use crate::prompt_answers;

/// `board.new`
pub fn new(daemon: &Daemon, params: BoardNewParams) -> Result<BoardState, WireError> {
    let path = absolute("path", &params.path)?;
    let generate = generate(params.generate)?;
    check_generate(daemon, &generate)?;
    let variations = match params.variations.as_deref() {
        None | Some("seed+k") => Variations::SeedPlusK,
        Some("random") => Variations::Random,
        Some(other) => {
            return Err(invalid("variations", format!("there is no rule {other:?}"))
                .hint("there are: seed+k, random"));
        }
    };
    let new = NewBoard {
        scene: params.scene,
        characters: params.characters.unwrap_or_default(),
        candidates: params.candidates,
        seed: Seed(params.seed.unwrap_or_else(drawn_seed)),
        variations,
        shared_noise: params.shared_noise.unwrap_or_default(),
        fps: params.fps,
        duration: params.duration,
        negative_prompt: params.negative_prompt,
        generate,
        frames: params.frames,
        shots: params.shots,
    };
    let folder = BoardFolder::create(&path, &new).map_err(|error| match error {
        // There is no file yet whose line could be to blame.
        BoardError::Broken { reason, .. } => invalid("board", reason),
        error => refused(&path, &error),
    })?;
    tell(daemon, &folder, None, Vec::new())
}

/// `board.open`
pub fn open(daemon: &Daemon, params: BoardParams) -> Result<BoardState, WireError> {
    tell(daemon, &folder(&params.path)?, None, Vec::new())
}

/// `board.add`
pub fn add(daemon: &Daemon, params: BoardAddParams) -> Result<BoardState, WireError> {
    let folder = folder(&params.path)?;
    let mut frames = Vec::with_capacity(params.frames.len());
    for frame in params.frames {
        frames.push(new_frame(daemon, frame)?);
    }
    let replace = params.replace.unwrap_or_default();
    let seen = params.revision.as_deref();
    write(daemon, &folder, seen, |document| {
        if replace {
            document.remove_frames()?;
        }
        frames
            .iter()
            .try_for_each(|frame| document.add_frame(frame))
    })
}

/// `board.edit`
pub fn edit(daemon: &Daemon, params: BoardEditParams) -> Result<BoardState, WireError> {
    let folder = folder(&params.path)?;
    let mut change = FrameChange {
        shot: params.shot,
        prompt: params.prompt,
        negative_prompt: params.negative_prompt,
        setting: None,
        note: params.note,
        duration: params.duration,
        seed: params.seed.map(Seed),
    };
    read_prompt(daemon, &mut change)?;
    if let Some(duration) = change.duration {
        check_duration(duration).map_err(|error| refused(folder.path(), &error))?;
    }
    write(daemon, &folder, params.revision.as_deref(), |document| {
        let place = document.board().find_frame(&params.frame)?;
        document.change_frame(place, &change)
    })
}

/// `board.redo`
pub fn redo(daemon: &Daemon, params: BoardRedoParams) -> Result<BoardState, WireError> {
    let folder = folder(&params.path)?;
    let mut change = FrameChange {
        prompt: params.prompt,
        negative_prompt: params.negative_prompt,
        ..FrameChange::default()
    };
    read_prompt(daemon, &mut change)?;
    write(daemon, &folder, params.revision.as_deref(), |document| {
        let board = document.board();
        let place = board.find_frame(&params.frame)?;
        let next = board.frames.get(place).map(|frame| board.next_seed(frame));
        let change = FrameChange {
            seed: params.seed.map(Seed).or(next),
            ..change.clone()
        };
        document.change_frame(place, &change)
    })
}

/// `board.pick`
pub fn pick(daemon: &Daemon, params: BoardPickParams) -> Result<BoardState, WireError> {
    let folder = folder(&params.path)?;
    let seen = params.revision.as_deref();
    let (notices, version) = folder
        .pick(seen, &params.frame, params.take.as_deref())
        .map_err(|error| refused(folder.path(), &error))?;
    tell(daemon, &folder, Some(version), notices)
}

/// `board.sheet`
pub fn sheet(_daemon: &Daemon, params: BoardSheetParams) -> Result<BoardSheetResult, WireError> {
    let folder = folder(&params.path)?;
    let failed = |error: BoardError| refused(folder.path(), &error);
    let version = folder.read().map_err(failed)?;
    let output = params.output.as_deref();
    let output = output.map(|path| absolute("output", path)).transpose()?;
    let extension = output.as_deref().and_then(Path::extension);
    let is = |wanted: &str| extension.is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    let is_pdf = is("pdf");
    if is_pdf && params.kind == SheetKind::Takes {
        return Err(invalid("output", "a contact sheet of takes is a PNG").hint("end it in .png"));
    }
    if output.is_some() && !is_pdf && !is("png") {
        let error = invalid("output", "its name ends neither in .png nor in .pdf");
        return Err(error.hint("say which of the two it is to be"));
    }
    let mut notices = match params.kind {
        SheetKind::Takes => Vec::new(),
        SheetKind::Grid => folder.sync_shots(&version.board).map_err(failed)?,
    };
    let sheet = Sheet::new(&folder, &version.board, params.frame.as_deref()).map_err(failed)?;
    if params.kind == SheetKind::Grid {
        notices.extend(unpicked(&sheet));
    }
    if let (Some(output), true) = (&output, is_pdf) {
        let bytes = pdf(&folder, &sheet).map_err(failed)?;
        framewright_boards::write_file(output, &bytes).map_err(failed)?;
        return Ok(written(output, notices));
    }
    let drawn = match params.kind {
        SheetKind::Takes => contact_sheet(&folder, &sheet),
        SheetKind::Grid => grid(&folder, &sheet),
    };
    let drawn = drawn.map_err(failed)?;
    let bytes = png(&drawn)?;
    if let Some(output) = &output {
        framewright_boards::write_file(output, &bytes).map_err(failed)?;
        return Ok(written(output, notices));
    }
    Ok(BoardSheetResult {
        picture: Some(Picture {
            format: PictureFormat::Png,
            width: drawn.width(),
            height: drawn.height(),
            data: ByteBuf::from(bytes),
            blob: None,
        }),
        output: None,
        notices,
    })
}

/// `board.export`
pub fn export(_daemon: &Daemon, params: BoardExportParams) -> Result<BoardExportResult, WireError> {
    let folder = folder(&params.path)?;
    let failed = |error: BoardError| refused(folder.path(), &error);
    let output = absolute("output", &params.output)?;
    let every = match params.every.as_deref() {
        None | Some("frame") => Every::Frame,
        Some("shot") => Every::Shot,
        Some(other) => {
            return Err(invalid("every", format!("there is no {other:?}"))
                .hint("there are: frame (of the moving picture), shot"));
        }
    };
    let format = match params.format {
        ExportFormat::Otio => Export::Otio,
        ExportFormat::Edl => Export::Edl,
        ExportFormat::Html => Export::Html,
        ExportFormat::Sequence => Export::Sequence(every),
    };
    let board = folder.read().map_err(failed)?.board;
    let mut notices = folder.sync_shots(&board).map_err(failed)?;
    let made = framewright_boards::export(&folder, &board, format, &output).map_err(failed)?;
    notices.extend(made.notices);
    Ok(BoardExportResult {
        files: made
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        notices,
    })
}

fn written(output: &Path, notices: Vec<String>) -> BoardSheetResult {
    BoardSheetResult {
        picture: None,
        output: Some(output.display().to_string()),
        notices,
    }
}

/// Says which frames have no pick, where others or their takes stand in.
fn unpicked(sheet: &Sheet) -> Option<String> {
    let open: Vec<String> = sheet
        .frames
        .iter()
        .filter(|frame| !frame.picked && frame.shown.is_some())
        .map(|frame| frame.place.to_string())
        .collect();
    match open.as_slice() {
        [] => None,
        _ if open.len() == sheet.frames.len() => {
            Some("nothing is picked yet: the first takes are shown".to_owned())
        }
        _ => Some(format!(
            "not picked yet, shown by their first takes: {}",
            open.join(", ")
        )),
    }
}

fn png(picture: &RgbImage) -> Result<Vec<u8>, WireError> {
    let mut file = Cursor::new(Vec::new());
    picture
        .write_to(&mut file, ImageFormat::Png)
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))?;
    Ok(file.into_inner())
}

/// The board at a path that a client named.
///
/// # Errors
/// `invalid_params`, `not_found`.
pub fn folder(path: &str) -> Result<BoardFolder, WireError> {
    let path = absolute("path", path)?;
    BoardFolder::open(&path).map_err(|error| refused(&path, &error))
}

/// A path that a client named: the daemon's own folder is not the client's.
///
/// # Errors
/// `invalid_params`.
pub fn absolute(parameter: &str, path: &str) -> Result<PathBuf, WireError> {
    let found = PathBuf::from(path);
    if found.is_absolute() && !path.contains('\0') {
        return Ok(found);
    }
    Err(invalid(parameter, "the path is not absolute").hint("give the whole path"))
}

fn invalid(parameter: &str, message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message).about(parameter)
}

/// Changes a board's file and lets its shots follow.
fn write(
    daemon: &Daemon,
    folder: &BoardFolder,
    seen: Option<&str>,
    edit: impl FnMut(&mut BoardDocument) -> Result<(), BoardError>,
) -> Result<BoardState, WireError> {
    let failed = |error: BoardError| refused(folder.path(), &error);
    let ((), version) = folder.change(seen, edit).map_err(failed)?;
    let notices = folder.sync_shots(&version.board).map_err(failed)?;
    tell(daemon, folder, Some(version), notices)
}

fn tell(
    daemon: &Daemon,
    folder: &BoardFolder,
    version: Option<Version>,
    notices: Vec<String>,
) -> Result<BoardState, WireError> {
    let version = match version {
        Some(version) => version,
        None => folder
            .read()
            .map_err(|error| refused(folder.path(), &error))?,
    };
    state(
        folder,
        &version,
        daemon.drawings.is_drawing(folder.path()),
        notices,
    )
}

/// What a client's map of parameters says, by name.
fn generate(value: Option<Value>) -> Result<Generate, WireError> {
    let Some(value) = value.filter(|value| !value.is_nil()) else {
        return Ok(Generate::new());
    };
    framewright_protocol::from_value(&value)
        .map_err(|reason| invalid("generate", format!("is no map of parameters: {reason}")))
}

/// The request of a frame from the parameters that a board has by name.
///
/// # Errors
/// `invalid_params` for names and values that `frame.generate` does not take.
pub fn request(generate: &Generate) -> Result<GenerateParams, WireError> {
    let known: Vec<&str> = GenerateParams::fields().iter().map(|it| it.name).collect();
    if let Some(name) = generate.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid(name, "frame.generate has no such parameter").hint(
            "`framewright call describe` tells which it has; board.toml has them in [generate]",
        ));
    }
    let mut map: serde_json::Map<String, serde_json::Value> =
        generate.clone().into_iter().collect();
    map.insert("prompt".to_owned(), String::new().into());
    serde_json::from_value(map.into()).map_err(|error| {
        invalid("generate", error.to_string()).hint("see [generate] in board.toml")
    })
}

/// Checks parameters before a board is made of them.
fn check_generate(daemon: &Daemon, generate: &Generate) -> Result<(), WireError> {
    let mut params = request(generate)?;
    params.prompt = "a frame".to_owned();
    let order = order::Order::check(params, &daemon.library)?;
    daemon.reader.check(&order)
}

fn new_frame(daemon: &Daemon, frame: BoardPrompt) -> Result<NewFrame, WireError> {
    if frame.prompt.trim().is_empty() {
        return Err(invalid("prompt", "the prompt is empty").hint("say what is to be drawn"));
    }
    let mut change = FrameChange {
        shot: frame.shot,
        prompt: Some(frame.prompt),
        ..FrameChange::default()
    };
    read_prompt(daemon, &mut change)?;
    if let Some(duration) = frame.duration {
        check_duration(duration).map_err(|error| invalid("duration", error.to_string()))?;
    }
    Ok(NewFrame {
        shot: change.shot,
        prompt: change.prompt.unwrap_or_default(),
        negative_prompt: frame.negative_prompt,
        setting: change.setting,
        note: frame.note,
        duration: frame.duration,
    })
}

/// Reads shot and setting off a new prompt.
fn read_prompt(daemon: &Daemon, change: &mut FrameChange) -> Result<(), WireError> {
    if let Some(negative) = &change.negative_prompt {
        order::check_prompt("negative_prompt", negative)?;
    }
    let Some(prompt) = &change.prompt else {
        return Ok(());
    };
    order::check_prompt("prompt", prompt)?;
    let vocabulary = prompt_answers::vocabulary(&daemon.library.snapshot())?;
    let parsed = framewright_story::parse(prompt, &vocabulary);
    change.setting = Some(parsed.setting.map(|it| it.text).unwrap_or_default());
    if change.shot.is_none() {
        change.shot = parsed.shot.map(|shot| shot.id);
    }
    Ok(())
}
