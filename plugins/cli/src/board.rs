//! `framewright board …`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use framewright_client::Client;
use framewright_protocol::{
    BoardAdd, BoardAddParams, BoardEdit, BoardEditParams, BoardExport, BoardExportParams,
    BoardFrame, BoardImport, BoardImportParams, BoardNew, BoardNewParams, BoardOpen, BoardParams,
    BoardPick, BoardPickParams, BoardPlan, BoardPlanParams, BoardPlanResult, BoardPrompt,
    BoardRedo, BoardRedoParams, BoardRenderParams, BoardSheet, BoardSheetParams, BoardState,
    BoardStop, Method, SheetKind, to_value,
};
use serde::Serialize;
use serde_json::json;

use crate::arguments::{Division, Show};
use crate::board_arguments::{self, BoardCommand, Every};
use crate::failure::Failure;
use crate::progress::unless_interrupted;
use crate::{
    board_render, board_review, by_name, connect, generate, models, print_json, print_lines,
};

/// What `board show` writes when it is not told where.
const CONTACT_SHEET: &str = "contact-sheet.png";

/// Does what was asked for.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: BoardCommand, json: bool) -> Result<ExitCode, Failure> {
    match command {
        BoardCommand::New(new) => self::new(new, json).await,
        BoardCommand::Add(new) => add(new, json).await,
        BoardCommand::Plan(plan) => self::plan(plan, json).await,
        BoardCommand::Import {
            board,
            answer,
            replace,
        } => {
            let params = BoardImportParams {
                path: absolute(&board)?,
                answer: read_answer(&answer)?,
                replace: Some(replace),
            };
            planned(connect().await?.call::<BoardImport>(&params).await?, json)
        }
        BoardCommand::Export(export) => self::export(export, json).await,
        BoardCommand::Render { board, frame } => {
            let path = absolute(&board)?;
            let client = unless_interrupted(connect()).await?;
            let drawn =
                board_render::draw(&client, BoardRenderParams { path, frame }, json).await?;
            board_render::told(&drawn, json)
        }
        BoardCommand::Stop { board } => {
            let path = absolute(&board)?;
            let params = BoardParams { path };
            let stopped = connect().await?.call::<BoardStop>(&params).await?;
            if json {
                print_whole(&stopped);
            } else if stopped.was_drawing {
                print_lines("stopped; what was drawn is kept");
            } else {
                print_lines("it was not being drawn");
            }
            Ok(ExitCode::SUCCESS)
        }
        BoardCommand::Show {
            board,
            frame,
            output,
            show,
        } => self::show(&board, frame, output, show, json).await,
        BoardCommand::Review { board, show } => board_review::run(&board, show).await,
        BoardCommand::Pick { board, frame, take } => {
            let params = BoardPickParams {
                path: absolute(&board)?,
                frame,
                take: (take != "none").then_some(take),
                revision: None,
            };
            told(&connect().await?.call::<BoardPick>(&params).await?, json)
        }
        BoardCommand::Redo {
            board,
            frame,
            prompt,
            negative,
            seed,
        } => {
            let params = BoardRedoParams {
                path: absolute(&board)?,
                frame: frame.clone(),
                prompt,
                negative_prompt: negative,
                seed,
                revision: None,
            };
            let client = unless_interrupted(connect()).await?;
            let board = client.call::<BoardRedo>(&params).await?;
            notices(&board.notices);
            let params = BoardRenderParams {
                path: params.path,
                frame: Some(frame),
            };
            let drawn = board_render::draw(&client, params, json).await?;
            board_render::told(&drawn, json)
        }
        BoardCommand::Edit {
            board,
            frame,
            prompt,
            negative,
            shot,
            note,
            duration,
            seed,
        } => {
            let params = BoardEditParams {
                path: absolute(&board)?,
                frame,
                prompt,
                negative_prompt: negative,
                shot,
                note,
                duration,
                seed,
                revision: None,
            };
            told(&connect().await?.call::<BoardEdit>(&params).await?, json)
        }
        BoardCommand::Grid {
            board,
            output,
            show,
        } => grid(&board, &output, show, json).await,
    }
}

async fn new(new: board_arguments::BoardNew, json: bool) -> Result<ExitCode, Failure> {
    let mut generate = serde_json::Map::new();
    if let Some(model) = &new.model {
        generate.insert("model".to_owned(), models::name_or_path(model)?.into());
    }
    if let Some((width, height)) = new.size {
        generate.insert("width".to_owned(), width.into());
        generate.insert("height".to_owned(), height.into());
    }
    if let Some(scale) = new.hires {
        generate.insert("hires".to_owned(), serde_json::json!({ "scale": scale }));
    }
    if let Some(steps) = new.steps {
        generate.insert("steps".to_owned(), steps.into());
    }
    if let Some(guidance) = new.guidance {
        // As it was typed, not as the nearest f32 has it.
        let typed = guidance
            .to_string()
            .parse::<f64>()
            .unwrap_or(guidance.into());
        generate.insert("guidance_scale".to_owned(), typed.into());
    }
    if let Some(Division::Auto) = new.regions {
        generate.insert("auto_regions".to_owned(), true.into());
    }
    if let Some(sampler) = new.sampler {
        generate.insert("sampler".to_owned(), sampler.into());
    }
    let generate = to_value(&generate)
        .map_err(|error| Failure::new(format!("the settings cannot be sent: {error}")))?;
    let params = BoardNewParams {
        path: absolute(&new.board)?,
        scene: new.scene,
        characters: Some(new.characters),
        candidates: Some(new.candidates),
        seed: new.seed,
        variations: Some(new.variations),
        shared_noise: Some(new.shared_noise),
        fps: Some(new.fps),
        duration: Some(new.duration),
        negative_prompt: new.negative,
        generate: Some(generate),
        frames: new.frames,
        shots: (!new.shots.is_empty()).then_some(new.shots),
    };
    told(&connect().await?.call::<BoardNew>(&params).await?, json)
}

async fn plan(plan: board_arguments::BoardPlan, json: bool) -> Result<ExitCode, Failure> {
    let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let params = BoardPlanParams {
        path: absolute(&plan.board)?,
        characters: list(plan.characters),
        frames: plan.frames,
        shots: list(plan.shots),
        planner: plan.planner,
        template_only: Some(plan.template),
        replace: Some(plan.replace),
    };
    let client = unless_interrupted(connect()).await?;
    planned(
        unless_interrupted(call::<BoardPlan>(&client, &params)).await?,
        json,
    )
}

async fn call<M: Method>(client: &Client, params: &M::Params) -> Result<M::Result, Failure> {
    Ok(client.call::<M>(params).await?)
}

fn planned(planned: BoardPlanResult, json: bool) -> Result<ExitCode, Failure> {
    notices(&planned.notes);
    if json {
        print_whole(&planned);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(template) = &planned.template {
        print_lines(template.trim_end());
    }
    planned
        .board
        .map_or(Ok(ExitCode::SUCCESS), |board| told(&board, json))
}

/// A pasted answer from a file or from standard input.
fn read_answer(path: &Path) -> Result<String, Failure> {
    const LONGEST: u64 = 1 << 20;
    let refused = |error: std::io::Error| {
        Failure::refused(format!("the answer cannot be read: {error}")).about_file(path)
    };
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LONGEST + 1).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).map_err(refused)?;
        file.take(LONGEST + 1).read_to_string(&mut text)
    };
    read.map_err(refused)?;
    if text.len() as u64 > LONGEST {
        let words = format!("the answer has more than {LONGEST} bytes");
        return Err(Failure::refused(words).about_file(path));
    }
    Ok(text)
}

async fn export(export: board_arguments::BoardExport, json: bool) -> Result<ExitCode, Failure> {
    let params = BoardExportParams {
        path: absolute(&export.board)?,
        format: export.format.into(),
        output: absolute(&export.output)?,
        every: Some(match export.every {
            Every::Frame => "frame".to_owned(),
            Every::Shot => "shot".to_owned(),
        }),
    };
    let exported = connect().await?.call::<BoardExport>(&params).await?;
    notices(&exported.notices);
    if json {
        print_whole(&exported);
    } else {
        exported.files.iter().for_each(|file| print_lines(file));
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(new: board_arguments::BoardAdd, json: bool) -> Result<ExitCode, Failure> {
    let params = BoardAddParams {
        path: absolute(&new.board)?,
        frames: vec![BoardPrompt {
            shot: new.shot,
            prompt: new.prompt,
            negative_prompt: new.negative,
            note: new.note,
            duration: new.duration,
        }],
        replace: None,
        revision: None,
    };
    told(&connect().await?.call::<BoardAdd>(&params).await?, json)
}

async fn show(
    board: &Path,
    frame: Option<String>,
    output: Option<PathBuf>,
    show: Option<Show>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let path = absolute(board)?;
    let client = connect().await?;
    let params = BoardParams { path: path.clone() };
    let state = client.call::<BoardOpen>(&params).await?;
    let output = match output {
        Some(output) => absolute(&output)?,
        None => absolute(&board.join(CONTACT_SHEET))?,
    };
    let params = BoardSheetParams {
        path,
        kind: SheetKind::Takes,
        frame: frame.clone(),
        output: Some(output.clone()),
    };
    let sheet = client.call::<BoardSheet>(&params).await?;
    notices(&sheet.notices);
    if let Some(how) = show {
        draw(&client, params, how).await?;
    }
    if json {
        let board = to_value(&state).map(by_name::to_json).unwrap_or_default();
        print_json(&json!({"board": board, "contact_sheet": output}));
    } else {
        overview(&state, frame.as_deref());
        print_lines(&output);
    }
    Ok(ExitCode::SUCCESS)
}

async fn grid(
    board: &Path,
    output: &Path,
    show: Option<Show>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let params = BoardSheetParams {
        path: absolute(board)?,
        kind: SheetKind::Grid,
        frame: None,
        output: Some(absolute(output)?),
    };
    let sheet = client.call::<BoardSheet>(&params).await?;
    notices(&sheet.notices);
    if let Some(how) = show {
        draw(&client, params, how).await?;
    }
    if json {
        print_json(&json!({"output": sheet.output, "notices": sheet.notices}));
    } else {
        print_lines(&output.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Draws a sheet in the terminal.
async fn draw(client: &Client, mut params: BoardSheetParams, how: Show) -> Result<(), Failure> {
    params.output = None;
    let sheet = client.call::<BoardSheet>(&params).await?;
    if let Some(picture) = sheet.picture {
        let pixels = generate::decode(&picture.data, Path::new("the sheet"))?;
        generate::draw(&pixels, how);
    }
    Ok(())
}

/// Tells a board's new state.
fn told(board: &BoardState, json: bool) -> Result<ExitCode, Failure> {
    notices(&board.notices);
    if json {
        print_whole(board);
    } else {
        overview(board, None);
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells what a person should know.
pub fn notices(notices: &[String]) {
    for notice in notices {
        eprintln!("note: {notice}");
    }
}

/// Prints a record as JSON.
pub fn print_whole(record: &impl Serialize) {
    print_json(&to_value(record).map(by_name::to_json).unwrap_or_default());
}

/// A board in a few lines.
fn overview(board: &BoardState, only: Option<&str>) {
    print_lines(&format!("{}\n{}", board.scene.trim(), board.path));
    for (place, frame) in board.frames.iter().enumerate() {
        if only.is_some_and(|only| only != frame.id && only != place.to_string()) {
            continue;
        }
        let shot = frame.shot.as_deref().unwrap_or("no shot");
        print_lines(&format!("{place:>4}  {shot}, {}", standing(frame)));
        print_lines(&format!("      {}", frame.prompt.replace('\n', " ")));
    }
    if board.frames.is_empty() {
        print_lines("no frames yet: framewright board plan, or board add");
    }
    if board.missing > 0 {
        let takes = if board.missing == 1 { "take" } else { "takes" };
        print_lines(&format!(
            "{} {takes} to draw: framewright board render",
            board.missing
        ));
    }
}

/// "4 takes, 2 picked, 4 earlier, 2 s"
fn standing(frame: &BoardFrame) -> String {
    let there = frame.takes.iter().filter(|take| take.present).count();
    let mut words = vec![format!(
        "{there} {}",
        if there == 1 { "take" } else { "takes" }
    )];
    let picked = frame.takes.iter().find(|take| take.picked);
    match (&frame.pick, picked) {
        (None, _) => {}
        (Some(_), Some(take)) => words.push(format!("{} picked", take.take)),
        (Some(image), None) => words.push(format!("{image} picked")),
    }
    let earlier: usize = frame.earlier.iter().map(|batch| batch.takes.len()).sum();
    if earlier > 0 {
        words.push(format!("{earlier} earlier"));
    }
    words.push(format!("{} s", frame.duration));
    words.join(", ")
}

/// A path as the daemon takes it.
///
/// # Errors
/// When it is not UTF-8.
pub fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::refused(format!("the path cannot be used: {error}")).about_file(path)
    })?;
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::refused("the path is not UTF-8")
            .about(path.to_string_lossy())
            .hint("rename the folder or file")
    })
}
