//! `framewright scene …`: from a description to prompts.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use framewright_protocol::{
    Limits, PlannedPrompt, ScenePlan, ScenePlanParams, SceneRead, SceneReadParams, ShotChoice,
};

use crate::arguments::{SceneArguments, SceneCommand};
use crate::failure::Failure;
use crate::{connect, print_json, print_lines, prompt};

/// The longest answer that is read, bytes; the daemon takes no longer one.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Runs a command about scenes.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: SceneCommand, json: bool) -> Result<ExitCode, Failure> {
    match command {
        SceneCommand::Plan(plan) => {
            let mut params = plan_params(description(&plan.scene)?, plan.with);
            params.planner = plan.planner;
            params.template_only = Some(plan.template);
            let result = connect().await?.call::<ScenePlan>(&params).await?;
            if json {
                print_json(&serde_json::json!({
                    "planner": result.planner,
                    "prompts": prompts_json(&result.prompts),
                    "notes": result.notes,
                    "template": result.template,
                }));
            } else if let Some(template) = &result.template {
                print_lines(template.trim_end());
            } else {
                print_prompts(&result.prompts, &result.notes);
            }
        }
        SceneCommand::Read(read) => {
            let answer = text(&read.answer, LONGEST_ANSWER)?;
            let planned = plan_params(description(&read.scene)?, read.with);
            let params = SceneReadParams {
                scene: planned.scene,
                characters: planned.characters,
                frames: planned.frames,
                shots: planned.shots,
                answer,
            };
            let result = connect().await?.call::<SceneRead>(&params).await?;
            if json {
                print_json(&serde_json::json!({
                    "prompts": prompts_json(&result.prompts),
                    "notes": result.notes,
                }));
            } else {
                print_prompts(&result.prompts, &result.notes);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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
        // No character has more than four bytes.
        text(Path::new("-"), 4 * Limits::CURRENT.prompt_chars)?
    } else {
        given.to_owned()
    };
    prompt::check_length("SCENE", &scene)?;
    Ok(scene)
}

/// The text of a file; of standard input for `-`.
fn text(path: &Path, most: u64) -> Result<String, Failure> {
    let unread = |error: std::io::Error| {
        Failure::refused(format!("the text cannot be read: {error}")).about_file(path)
    };
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(unread)?)
    };
    let mut text = String::new();
    input
        .take(most + 1)
        .read_to_string(&mut text)
        .map_err(unread)?;
    if text.len() as u64 > most {
        return Err(
            Failure::refused(format!("the text is longer than {most} bytes")).about_file(path),
        );
    }
    Ok(text)
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
