//! What the methods do that plan scenes.

use std::sync::OnceLock;

use framewright_protocol::{
    ErrorCode, PlannedPrompt, ScenePlanParams, ScenePlanResult, ShotChoice, WireError,
};
use framewright_story::{PlannedFrame, Planner, Scene, SceneError, VocabularyError};

use crate::daemon::Daemon;
use crate::order;
use crate::prompt_answers::vocabulary;

/// The name of the planner inside the daemon.
const EMBEDDED: &str = "embedded";

/// `scene.plan`
pub fn plan(daemon: &Daemon, params: ScenePlanParams) -> Result<ScenePlanResult, WireError> {
    order::check_prompt("scene", &params.scene)?;
    if let Some(planner) = params.planner.as_deref().filter(|name| *name != EMBEDDED) {
        return Err(
            WireError::new(ErrorCode::NotFound, "there is no such planner")
                .about(planner)
                .hint("leave `planner` out, or say `embedded`"),
        );
    }
    let scene = scene(params.scene, params.characters, params.frames, params.shots);
    let vocabulary = vocabulary(&daemon.library.snapshot())?;
    let plan = embedded()?.plan(&scene, &vocabulary).map_err(refused)?;
    Ok(ScenePlanResult {
        prompts: plan.frames.into_iter().map(prompt).collect(),
        planner: EMBEDDED.to_owned(),
        notes: plan.notes,
        template: None,
    })
}

/// The embedded planner, read once.
fn embedded() -> Result<&'static Planner, WireError> {
    static PLANNER: OnceLock<Result<Planner, VocabularyError>> = OnceLock::new();
    let planner = PLANNER.get_or_init(Planner::shipped);
    planner
        .as_ref()
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))
}

fn scene(
    description: String,
    characters: Option<Vec<String>>,
    frames: Option<u32>,
    shots: Option<Vec<ShotChoice>>,
) -> Scene {
    Scene {
        description,
        characters: characters.unwrap_or_default(),
        frames: frames.map(|frames| frames as usize),
        shots: shots
            .unwrap_or_default()
            .into_iter()
            .map(|shot| match shot {
                ShotChoice::Number(number) => number.to_string(),
                ShotChoice::Name(name) => name,
            })
            .collect(),
    }
}

fn prompt(frame: PlannedFrame) -> PlannedPrompt {
    PlannedPrompt {
        shot: frame.shot,
        prompt: frame.prompt,
    }
}

fn refused(error: SceneError) -> WireError {
    let refusal = WireError::new(ErrorCode::InvalidParams, error.to_string());
    match error {
        SceneError::Empty => refusal
            .about("scene")
            .hint("say what happens, where, and in which light"),
        SceneError::NoCharacter { .. } => WireError {
            code: ErrorCode::NotFound,
            ..refusal
        }
        .about("characters")
        .hint("`character list` tells who there is"),
        SceneError::NoShot { .. } => WireError {
            code: ErrorCode::NotFound,
            ..refusal
        }
        .about("shots")
        .hint("shots are numbers from 1 to 9 or ids, as `shot list` tells them"),
        SceneError::FrameCount { .. } => refusal.about("frames"),
        SceneError::FramesAndShots { .. } => refusal
            .about("frames")
            .hint("leave `frames` out where `shots` are given"),
        _ => refusal,
    }
}
