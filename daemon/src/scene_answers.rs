//! What the methods do that plan scenes.

use std::sync::{Arc, OnceLock};

use framewright_endpoints::{Endpoint, EndpointError, Message, Reply};
use framewright_protocol::{
    ErrorCode, PlannedPrompt, ScenePlanParams, ScenePlanResult, SceneReadParams, SceneReadResult,
    ShotChoice, WireError,
};
use framewright_story::{
    AnsweredFrame, PlannedFrame, Planner, Scene, SceneError, ScenePlan, Severity, Vocabulary,
    VocabularyError,
};
use serde_json::{Value, json};

use crate::answers::blocking;
use crate::daemon::Daemon;
use crate::prompt_answers::vocabulary;
use crate::request::decoded;
use crate::{order, planner_answers};

/// The name of the planner inside the daemon.
const EMBEDDED: &str = "embedded";

/// The longest pasted answer, bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// `scene.plan`
pub async fn plan(daemon: &Arc<Daemon>, bytes: &[u8]) -> Result<ScenePlanResult, WireError> {
    let params = decoded::<framewright_protocol::ScenePlan>(bytes)?;
    let name = params.planner.clone().filter(|name| name != EMBEDDED);
    let template_only = params.template_only.unwrap_or(false);
    let prepared = blocking(daemon, move |daemon| prepare(daemon, params)).await?;
    if template_only {
        return Ok(ScenePlanResult {
            prompts: Vec::new(),
            planner: name.unwrap_or_else(|| EMBEDDED.to_owned()),
            notes: Vec::new(),
            template: Some(prepared.template),
        });
    }
    let Some(name) = name else {
        return Ok(by_embedded(prepared.plan, Vec::new()));
    };
    let wanted = name.clone();
    let endpoint = blocking(daemon, move |daemon| {
        planner_answers::endpoint(daemon, &wanted)
    })
    .await?;
    converse(daemon, Arc::new(prepared), &name, endpoint).await
}

/// `scene.read`
pub fn read(daemon: &Daemon, params: SceneReadParams) -> Result<SceneReadResult, WireError> {
    order::check_prompt("scene", &params.scene)?;
    if params.answer.len() > LONGEST_ANSWER {
        return Err(WireError::new(
            ErrorCode::InvalidParams,
            format!("the answer is longer than {LONGEST_ANSWER} bytes"),
        )
        .about("answer"));
    }
    let mut scene = scene(params.scene, params.characters, params.frames, params.shots);
    let vocabulary = vocabulary(&daemon.library.snapshot())?;
    let mut frames =
        framewright_story::read_answer(&params.answer, &scene, &vocabulary).map_err(refused)?;
    if frames.is_empty() {
        return Err(
            WireError::new(ErrorCode::InvalidParams, "no prompt was found in the answer")
                .about("answer")
                .hint("each prompt begins with its shot, such as \"close up of\"; `scene plan --template` asks for the form that is read"),
        );
    }
    let asked = scene
        .frames
        .or((!scene.shots.is_empty()).then_some(scene.shots.len()));
    let count = asked
        .unwrap_or(frames.len())
        .min(framewright_story::MOST_FRAMES);
    let mut notes = Vec::new();
    if frames.len() > count {
        notes.push(format!(
            "the answer has {} prompts or more; the first {count} are taken",
            frames.len()
        ));
        frames.truncate(count);
    }
    if scene.shots.is_empty() {
        scene.frames = Some(count);
    }
    let plan = embedded()?.plan(&scene, &vocabulary).map_err(refused)?;
    let mut prompts = Vec::with_capacity(count);
    for (at, frame) in frames.into_iter().enumerate() {
        let number = at + 1;
        if frame.corrected {
            notes.push(format!("frame {number} was corrected"));
        }
        for finding in frame
            .findings
            .iter()
            .filter(|finding| finding.severity() != Severity::Hint)
        {
            notes.push(format!(
                "frame {number}: {} {}",
                finding.code, finding.reason
            ));
        }
        let fallback = plan.frames.get(at).map(|frame| frame.shot.clone());
        prompts.push(PlannedPrompt {
            shot: frame.shot.or(fallback).unwrap_or_default(),
            prompt: frame.prompt,
        });
    }
    for (at, frame) in plan.frames.into_iter().enumerate().skip(prompts.len()) {
        notes.push(format!(
            "frame {} is missing in the answer; the embedded planner wrote it",
            at + 1
        ));
        prompts.push(prompt(frame));
    }
    Ok(SceneReadResult { prompts, notes })
}

/// A scene with all that is needed to ask for its prompts, and to do without.
struct Prepared {
    scene: Scene,
    vocabulary: Vocabulary,
    /// What the embedded planner makes of it.
    plan: ScenePlan,
    template: String,
}

fn prepare(daemon: &Daemon, params: ScenePlanParams) -> Result<Prepared, WireError> {
    order::check_prompt("scene", &params.scene)?;
    let scene = scene(params.scene, params.characters, params.frames, params.shots);
    let vocabulary = vocabulary(&daemon.library.snapshot())?;
    let plan = embedded()?.plan(&scene, &vocabulary).map_err(refused)?;
    let template = framewright_story::template(&scene, plan.frames.len(), &vocabulary);
    Ok(Prepared {
        template: template.map_err(refused)?,
        scene,
        vocabulary,
        plan,
    })
}

/// Asks an endpoint, once more where its answer breaks rules, and does without it
/// where that does not help.
async fn converse(
    daemon: &Arc<Daemon>,
    prepared: Arc<Prepared>,
    name: &str,
    endpoint: Endpoint,
) -> Result<ScenePlanResult, WireError> {
    let schema = schema();
    let mut messages = vec![Message::user(prepared.template.clone())];
    let mut notes = Vec::new();
    let first = match endpoint.ask(&messages, &schema).await {
        Ok(reply) => reply,
        Err(error) => return Ok(without(&prepared, name, &error.to_string())),
    };
    let mut heard = hear(daemon, &prepared, &first).await?;
    if !heard.complaints.is_empty() {
        messages.push(Message::assistant(first.text.clone()));
        messages.push(Message::user(framewright_story::correction(
            &heard.complaints,
        )));
        match endpoint.ask(&messages, &schema).await {
            Ok(second) => {
                let again = hear(daemon, &prepared, &second).await?;
                if again.complaints.len() <= heard.complaints.len() || !heard.fits {
                    heard = again;
                }
            }
            Err(error) => notes.push(format!(
                "`{name}` was asked to correct its prompts, and: {error}"
            )),
        }
    }
    if !heard.fits {
        let reason = heard
            .complaints
            .first()
            .map_or("no prompts were found in it", String::as_str);
        return Ok(without(
            &prepared,
            name,
            &format!("its answer cannot be used: {reason}"),
        ));
    }
    let broken = heard.frames.iter().filter(|frame| !frame.serves()).count();
    if 2 * broken > heard.frames.len() {
        let reason = heard.complaints.first().map_or("", String::as_str);
        return Ok(without(
            &prepared,
            name,
            &format!("most of its prompts break rules: {reason}"),
        ));
    }
    Ok(joined(&prepared, name, heard.frames, notes))
}

/// An answer that was read.
struct Heard {
    frames: Vec<AnsweredFrame>,
    complaints: Vec<String>,
    /// Whether there is one prompt a frame, in the shots that were asked for.
    fits: bool,
}

async fn hear(
    daemon: &Arc<Daemon>,
    prepared: &Arc<Prepared>,
    reply: &Reply,
) -> Result<Heard, WireError> {
    let (prepared, reply) = (prepared.clone(), reply.clone());
    blocking(daemon, move |_| {
        let Prepared {
            scene,
            vocabulary,
            plan,
            ..
        } = prepared.as_ref();
        let count = plan.frames.len();
        let frames =
            framewright_story::read_answer(&reply.text, scene, vocabulary).map_err(refused)?;
        let mut complaints =
            framewright_story::complaints(&frames, scene, count, vocabulary).map_err(refused)?;
        if reply.cut_off && frames.len() != count {
            complaints.insert(
                0,
                "The answer was cut off: keep the prompts shorter.".to_owned(),
            );
        }
        let in_shots = scene.shots.is_empty()
            || frames
                .iter()
                .zip(&plan.frames)
                .all(|(frame, planned)| frame.shot.as_ref() == Some(&planned.shot));
        Ok(Heard {
            fits: frames.len() == count
                && in_shots
                && frames.iter().all(|frame| frame.shot.is_some()),
            complaints,
            frames,
        })
    })
    .await
}

/// An endpoint's prompts, with the embedded planner's where they break rules.
fn joined(
    prepared: &Prepared,
    name: &str,
    frames: Vec<AnsweredFrame>,
    mut notes: Vec<String>,
) -> ScenePlanResult {
    let mut prompts = Vec::with_capacity(frames.len());
    for (at, (frame, planned)) in frames.into_iter().zip(&prepared.plan.frames).enumerate() {
        let number = at + 1;
        let reason = frame
            .findings
            .iter()
            .find(|finding| finding.severity() != Severity::Hint);
        if let Some(finding) = reason {
            notes.push(format!(
                "frame {number} is the embedded planner's: in that of `{name}`, {}",
                finding.reason
            ));
            prompts.push(prompt(planned.clone()));
        } else {
            prompts.push(PlannedPrompt {
                shot: frame.shot.unwrap_or_else(|| planned.shot.clone()),
                prompt: frame.prompt,
            });
        }
    }
    ScenePlanResult {
        prompts,
        planner: name.to_owned(),
        notes,
        template: None,
    }
}

/// The embedded planner's prompts in the place of an endpoint's.
fn without(prepared: &Prepared, name: &str, reason: &str) -> ScenePlanResult {
    tracing::info!(
        planner = name,
        "a scene is planned without the endpoint: {reason}"
    );
    let notice =
        format!("the embedded planner wrote these prompts, since `{name}` did not serve: {reason}");
    by_embedded(prepared.plan.clone(), vec![notice])
}

fn by_embedded(plan: ScenePlan, mut notes: Vec<String>) -> ScenePlanResult {
    notes.extend(plan.notes);
    ScenePlanResult {
        prompts: plan.frames.into_iter().map(prompt).collect(),
        planner: EMBEDDED.to_owned(),
        notes,
        template: None,
    }
}

/// What an answer is to look like.
fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "prompts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "shot": { "type": "integer" },
                        "prompt": { "type": "string" },
                    },
                    "required": ["shot", "prompt"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["prompts"],
        "additionalProperties": false,
    })
}

/// Asks an endpoint for a scene of two frames, with what came and how many
/// prompts could be read in it.
///
/// # Errors
/// What the endpoint says.
pub async fn try_out(
    daemon: &Arc<Daemon>,
    endpoint: &Endpoint,
) -> Result<(Reply, usize), WireError> {
    let (template, scene, vocabulary) = blocking(daemon, |daemon| {
        let scene = Scene {
            description: "Rain falls on an empty street, night light. A cat crosses the street."
                .to_owned(),
            frames: Some(2),
            ..Scene::default()
        };
        let vocabulary = vocabulary(&daemon.library.snapshot())?;
        let template = framewright_story::template(&scene, 2, &vocabulary).map_err(refused)?;
        Ok((template, scene, vocabulary))
    })
    .await?;
    let asked = endpoint.ask(&[Message::user(template)], &schema()).await;
    let reply = asked.map_err(|error| unanswered(&error))?;
    let text = reply.text.clone();
    let found = blocking(daemon, move |_| {
        framewright_story::read_answer(&text, &scene, &vocabulary).map_err(refused)
    })
    .await?;
    Ok((reply, found.len()))
}

/// How an endpoint that does not answer looks on the wire.
fn unanswered(error: &EndpointError) -> WireError {
    let hint = match error {
        EndpointError::Connect { .. } => {
            "start the server, or correct its address: `planner add --replace`"
        }
        EndpointError::Timeout { .. } => {
            "give it more time: `planner add --replace --timeout SECONDS`"
        }
        EndpointError::Key { .. } => "correct where the key comes from: `planner add --replace`",
        EndpointError::Status {
            status: 401 | 403, ..
        } => "the server wants another key",
        EndpointError::Status { status: 404, .. } => {
            "the address mostly ends in /v1, and the model must be one that the server has"
        }
        _ => "see the server's own log",
    };
    WireError::new(ErrorCode::Unsupported, error.to_string()).hint(hint)
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
