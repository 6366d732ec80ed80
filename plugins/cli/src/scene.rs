//! `framewright scene …`: from a description to prompts.

use std::io::Read;
use std::process::ExitCode;

use framewright_protocol::{PlannedPrompt, ScenePlan, ScenePlanParams, ShotChoice};

use crate::arguments::{SceneArguments, SceneCommand};
use crate::failure::Failure;
use crate::{connect, print_json, print_lines, prompt};

/// Runs a command about scenes.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: SceneCommand, json: bool) -> Result<ExitCode, Failure> {
    match command {
        SceneCommand::Plan(plan) => {
            let params = plan_params(description(&plan.scene)?, plan.with);
            let client = connect().await?;
            let result = client.call::<ScenePlan>(&params).await?;
            if json {
                print_json(&serde_json::json!({
                    "planner": result.planner,
                    "prompts": prompts_json(&result.prompts),
                    "notes": result.notes,
                }));
            } else {
                print_prompts(&result.prompts, &result.notes);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn plan_params(scene: String, with: SceneArguments) -> ScenePlanParams {
    ScenePlanParams {
        scene,
        characters: Some(with.characters),
        frames: with.frames,
        shots: Some(shots(with.shots)),
        ..ScenePlanParams::default()
    }
}

fn shots(shots: Vec<String>) -> Vec<ShotChoice> {
    let shots = shots.into_iter().map(|shot| shot.trim().to_owned());
    shots
        .filter(|shot| !shot.is_empty())
        .map(|shot| match shot.parse() {
            Ok(number) => ShotChoice::Number(number),
            Err(_) => ShotChoice::Name(shot),
        })
        .collect()
}

/// The scene as it is given, or from standard input.
fn description(given: &str) -> Result<String, Failure> {
    let scene = if given == "-" {
        // One character more than is taken tells that there are too many.
        let most = 4 * framewright_protocol::Limits::CURRENT.prompt_chars + 1;
        let mut text = String::new();
        std::io::stdin()
            .take(most)
            .read_to_string(&mut text)
            .map_err(|error| Failure::refused(format!("the scene cannot be read: {error}")))?;
        text
    } else {
        given.to_owned()
    };
    prompt::check_length("SCENE", &scene)?;
    Ok(scene)
}

fn prompts_json(prompts: &[PlannedPrompt]) -> Vec<serde_json::Value> {
    let prompts = prompts
        .iter()
        .map(|planned| serde_json::json!({"shot": planned.shot, "prompt": planned.prompt}));
    prompts.collect()
}

/// Number, shot, prompt: one line a frame, then what else there is to know.
fn print_prompts(prompts: &[PlannedPrompt], notes: &[String]) {
    let width = prompts.iter().map(|planned| planned.shot.chars().count());
    let width = width.max().unwrap_or_default();
    for (number, planned) in (1..).zip(prompts) {
        print_lines(&format!(
            "{number:>2}  {:width$}  {}",
            planned.shot, planned.prompt
        ));
    }
    for note in notes {
        eprintln!("note: {note}");
    }
}
