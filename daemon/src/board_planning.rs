//! Boards from a planner: the scene goes to `scene.plan`, a pasted answer to
//! `scene.read`, and the prompts that come back become frames.

use std::pin::Pin;
use std::sync::Arc;

use framewright_boards::{Board, BoardFolder};
use framewright_protocol::{
    BoardAddParams, BoardImport, BoardImportParams, BoardPlan, BoardPlanResult, BoardPrompt,
    BoardState, ErrorCode, Message, Method, PlannedPrompt, ScenePlan, ScenePlanParams,
    ScenePlanResult, ShotChoice, WireError, decode_fields,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answers::{self, blocking};
use crate::board_answers;
use crate::board_words::refused;
use crate::connection::Client;
use crate::daemon::Daemon;
use crate::request::{decoded, encoded};

/// `board.plan`
pub async fn plan(
    daemon: &Arc<Daemon>,
    client: &Client,
    bytes: &[u8],
) -> Result<BoardPlanResult, WireError> {
    let params = decoded::<BoardPlan>(bytes)?;
    let template_only = params.template_only.unwrap_or_default();
    let replace = params.replace.unwrap_or_default();
    let board = read(daemon, params.path.clone(), replace || template_only).await?;
    let scene = ScenePlanParams {
        frames: params.frames.or(board.plan.frames),
        shots: Some(shots(params.shots.or(board.plan.shots).unwrap_or_default())),
        scene: board.scene,
        characters: Some(params.characters.unwrap_or(board.characters)),
        planner: params.planner,
        template_only: params.template_only,
    };
    let planned: ScenePlanResult = ask(daemon, client, ScenePlan::NAME, &scene).await?;
    if template_only {
        return Ok(BoardPlanResult {
            board: None,
            planner: planned.planner,
            notes: planned.notes,
            template: planned.template,
        });
    }
    let board = add(daemon, params.path, planned.prompts, replace).await?;
    Ok(BoardPlanResult {
        board: Some(board),
        planner: planned.planner,
        notes: planned.notes,
        template: None,
    })
}

/// What `scene.read` takes.
#[derive(Serialize)]
struct Answer {
    scene: String,
    characters: Vec<String>,
    frames: Option<u32>,
    shots: Vec<ShotChoice>,
    answer: String,
}

/// What `scene.read` answers.
#[derive(Deserialize)]
struct ReadAnswer {
    prompts: Vec<PlannedPrompt>,
    #[serde(default)]
    notes: Vec<String>,
}

/// `board.import`
pub async fn import(
    daemon: &Arc<Daemon>,
    client: &Client,
    bytes: &[u8],
) -> Result<BoardPlanResult, WireError> {
    let params: BoardImportParams = decoded::<BoardImport>(bytes)?;
    let replace = params.replace.unwrap_or_default();
    let board = read(daemon, params.path.clone(), replace).await?;
    let answer = Answer {
        scene: board.scene,
        characters: board.characters,
        frames: board.plan.frames,
        shots: shots(board.plan.shots.unwrap_or_default()),
        answer: params.answer,
    };
    let found: ReadAnswer = ask(daemon, client, "scene.read", &answer).await?;
    let board = add(daemon, params.path, found.prompts, replace).await?;
    Ok(BoardPlanResult {
        board: Some(board),
        planner: "answer".to_owned(),
        notes: found.notes,
        template: None,
    })
}

/// Reads the board; one with frames only where they may go.
async fn read(daemon: &Arc<Daemon>, path: String, may_go: bool) -> Result<Board, WireError> {
    blocking(daemon, move |_| {
        let folder: BoardFolder = board_answers::folder(&path)?;
        let version = folder.read();
        let board = version
            .map_err(|error| refused(folder.path(), &error))?
            .board;
        if board.frames.is_empty() || may_go {
            return Ok(board);
        }
        let message = format!("the board has {} frames already", board.frames.len());
        Err(WireError::new(ErrorCode::Conflict, message)
            .about(path)
            .hint("ask for their replacement (`--replace`): their pictures stay in the folder"))
    })
    .await
}

async fn add(
    daemon: &Arc<Daemon>,
    path: String,
    prompts: Vec<PlannedPrompt>,
    replace: bool,
) -> Result<BoardState, WireError> {
    let frames = prompts.into_iter().map(|planned| BoardPrompt {
        shot: Some(planned.shot),
        prompt: planned.prompt,
        ..BoardPrompt::default()
    });
    let params = BoardAddParams {
        path,
        frames: frames.collect(),
        replace: Some(replace),
        revision: None,
    };
    blocking(daemon, move |daemon| board_answers::add(daemon, params)).await
}

/// Shots as people write them: numbers and names.
fn shots(shots: Vec<String>) -> Vec<ShotChoice> {
    let choice = |shot: String| match shot.trim().parse() {
        Ok(number) => ShotChoice::Number(number),
        Err(_) => ShotChoice::Name(shot.trim().to_owned()),
    };
    shots.into_iter().map(choice).collect()
}

/// Asks this daemon as a client would, so that whatever a method learns,
/// boards get.
async fn ask<R: DeserializeOwned>(
    daemon: &Arc<Daemon>,
    client: &Client,
    method: &str,
    params: &impl Serialize,
) -> Result<R, WireError> {
    let bytes = encoded(params)?;
    let payload = answered(daemon, client, method, &bytes).await;
    let odd = |reason: String| WireError::new(ErrorCode::Internal, reason).about(method);
    match Message::parse(&payload) {
        Ok(Message::Result { result, .. }) => decode_fields(result).map_err(odd),
        Ok(Message::Error { error, .. }) => Err(error),
        _ => Err(odd("the answer cannot be read".to_owned())),
    }
}

/// A boxed future, since the methods ask one another.
fn answered<'a>(
    daemon: &'a Arc<Daemon>,
    client: &'a Client,
    method: &'a str,
    bytes: &'a [u8],
) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send + 'a>> {
    Box::pin(answers::in_time(daemon, client, None, 0, method, bytes))
}
