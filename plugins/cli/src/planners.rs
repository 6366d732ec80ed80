//! `framewright planner …`: language models that scenes can be planned with.

use std::process::ExitCode;

use framewright_protocol::{
    Nothing, PlannerAdd, PlannerAddParams, PlannerList, PlannerParams, PlannerRemove,
    PlannerSummary, PlannerTest,
};
use serde_json::{Value, json};

use crate::arguments::PlannerCommand;
use crate::failure::Failure;
use crate::{connect, print_json, print_lines};

/// Runs a command about planners.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: PlannerCommand, json: bool) -> Result<ExitCode, Failure> {
    match command {
        PlannerCommand::List => list(json).await,
        PlannerCommand::Add {
            name,
            url,
            model,
            key_env,
            key_file,
            timeout,
            replace,
        } => {
            let key_file = key_file.map(std::path::absolute).transpose();
            let key_file = key_file.map_err(|error| {
                Failure::refused(format!("the key's file has no path: {error}")).about("--key-file")
            })?;
            let params = PlannerAddParams {
                name,
                url,
                model,
                key_env,
                key_file: key_file.map(|path| path.display().to_string()),
                timeout_seconds: timeout,
                replace: Some(replace),
            };
            let added = connect().await?.call::<PlannerAdd>(&params).await?;
            if json {
                print_json(&summary(&added));
            } else {
                print_lines(&format!("added: {}", added.path));
            }
            Ok(ExitCode::SUCCESS)
        }
        PlannerCommand::Remove { name } => {
            let params = PlannerParams { name };
            connect().await?.call::<PlannerRemove>(&params).await?;
            if json {
                print_json(&json!({ "removed": params.name }));
            } else {
                print_lines("removed");
            }
            Ok(ExitCode::SUCCESS)
        }
        PlannerCommand::Test { name } => {
            let client = connect().await?;
            let tried = client.call::<PlannerTest>(&PlannerParams { name }).await?;
            if json {
                print_json(&json!({
                    "seconds": tried.seconds,
                    "structured": tried.structured,
                    "prompts": tried.prompts,
                    "answer": tried.answer,
                }));
            } else {
                let form = if tried.structured {
                    "takes a schema"
                } else {
                    "takes no schema; answers are read as they come"
                };
                print_lines(&format!("answered after {:.1} s; {form}", tried.seconds));
                print_lines(&format!(
                    "prompts of two that could be read: {}",
                    tried.prompts
                ));
                print_lines(&tried.answer);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(json: bool) -> Result<ExitCode, Failure> {
    let listed = connect().await?.call::<PlannerList>(&Nothing {}).await?;
    if json {
        print_json(&json!({
            "planners": listed.planners.iter().map(summary).collect::<Vec<_>>(),
            "problems": listed.problems.iter().map(|problem| json!({
                "path": problem.path,
                "line": problem.line,
                "reason": problem.reason,
                "hint": problem.hint,
            })).collect::<Vec<_>>(),
            "folder": listed.folder,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    print_lines("embedded  inside the daemon; asks nobody");
    for planner in &listed.planners {
        let key = match planner.key.as_str() {
            "none" => String::new(),
            source => format!(", key from {source}"),
        };
        print_lines(&format!(
            "{}  {} at {}{key}, {} s",
            planner.name, planner.model, planner.url, planner.timeout_seconds
        ));
    }
    for problem in &listed.problems {
        let line = problem
            .line
            .map_or(String::new(), |line| format!(", line {line}"));
        print_lines(&format!(
            "unusable  {}{line}: {}",
            problem.path, problem.reason
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(planner: &PlannerSummary) -> Value {
    json!({
        "name": planner.name,
        "url": planner.url,
        "model": planner.model,
        "key": planner.key,
        "timeout_seconds": planner.timeout_seconds,
        "path": planner.path,
    })
}
