//! `framewright model …`

use std::path::Path;
use std::process::ExitCode;

use framewright_protocol::{
    InspectParams, ModelInspect, ModelList, ModelProblem, ModelSummary, Nothing,
};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::{connect, print_json, print_lines};

/// A model as the daemon understands it: a name, or an absolute path. What
/// holds a separator or names a checkpoint file is a path.
///
/// # Errors
/// When there is nothing at a path.
pub fn name_or_path(model: &str) -> Result<String, Failure> {
    let path = Path::new(model);
    let is_path = model.contains(std::path::is_separator)
        || path.extension().is_some_and(|extension| {
            ["safetensors", "ckpt", "pt", "pth"]
                .iter()
                .any(|known| extension == *known)
        });
    if !is_path {
        return Ok(model.to_owned());
    }
    let absolute = path.canonicalize().map_err(|error| {
        Failure::refused(format!("the model cannot be read: {error}"))
            .about(model)
            .hint("`framewright model list` tells the names of models")
    })?;
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::refused("the model's path is not UTF-8")
            .about(path.to_string_lossy())
            .hint("rename the folder or file")
    })
}

fn summary(model: &ModelSummary) -> Value {
    json!({
        "name": model.name,
        "default": model.default,
        "source": model.source,
        "path": model.path,
        "family": model.family,
        "width": model.width,
        "height": model.height,
        "steps": model.steps,
        "guidance_scale": model.guidance_scale,
        "sampler": model.sampler,
        "clip_skip": model.clip_skip,
        "vae": model.vae,
    })
}

/// A file that cannot be used, for scripts.
pub fn problem_json(problem: &ModelProblem) -> Value {
    json!({
        "path": problem.path,
        "line": problem.line,
        "reason": problem.reason,
        "hint": problem.hint,
    })
}

/// Tells a person which files cannot be used, on the error stream.
pub fn print_problems(problems: &[ModelProblem]) {
    for problem in problems {
        let line = problem
            .line
            .map(|line| format!(", line {line}"))
            .unwrap_or_default();
        eprintln!("problem: {}{line}: {}", problem.path, problem.reason);
        if let Some(hint) = &problem.hint {
            eprintln!("  hint: {hint}");
        }
    }
}

/// Lists the models.
///
/// # Errors
/// See [`Failure`].
pub async fn list(json: bool) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let result = client.call::<ModelList>(&Nothing {}).await?;
    if json {
        print_json(&json!({
            "folder": result.folder,
            "models": result.models.iter().map(summary).collect::<Vec<_>>(),
            "problems": result.problems.iter().map(problem_json).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let width = result
        .models
        .iter()
        .map(|model| model.name.chars().count())
        .max();
    let width = width.unwrap_or(0);
    for model in &result.models {
        let default = if model.default { "*" } else { " " };
        let family = model.family.as_deref().unwrap_or("-");
        let place = model.path.as_deref().unwrap_or(&model.source);
        print_lines(&format!(
            "{default} {:width$}  {family:8}  {place}",
            model.name
        ));
    }
    print_problems(&result.problems);
    if result.models.len() == 1 {
        eprintln!(
            "put diffusers folders and .safetensors checkpoints into {}",
            result.folder
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells what a model's files hold.
///
/// # Errors
/// See [`Failure`].
pub async fn inspect(model: &str, json: bool) -> Result<ExitCode, Failure> {
    let model = name_or_path(model)?;
    let client = connect().await?;
    let result = client
        .call::<ModelInspect>(&InspectParams { model })
        .await?;
    let summary = summary(&result.model);
    if json {
        print_json(&json!({"model": summary, "report": result.report}));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    outline(&mut text, 0, &summary);
    outline(&mut text, 0, &result.report);
    print_lines(text.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Writes a JSON value as indented lines, leaving out what is null.
pub fn outline(text: &mut String, depth: usize, value: &Value) {
    let indent = "  ".repeat(depth);
    let plain = |value: &Value| match value {
        Value::String(string) => string.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                if value.is_object() || value.is_array() {
                    text.push_str(&format!("{indent}{key}:\n"));
                    outline(text, depth + 1, value);
                } else {
                    text.push_str(&format!("{indent}{key}: {}\n", plain(value)));
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                if value.is_object() || value.is_array() {
                    outline(text, depth, value);
                } else {
                    text.push_str(&format!("{indent}{}\n", plain(value)));
                }
            }
        }
        other => text.push_str(&format!("{indent}{}\n", plain(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names_and_paths_become_absolute() {
        assert_eq!(name_or_path("sketch").expect("a name"), "sketch");
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.safetensors");
        assert!(name_or_path(path.to_str().expect("UTF-8")).is_err());
        std::fs::write(&path, "").expect("written");
        let absolute = name_or_path(path.to_str().expect("UTF-8")).expect("a path");
        assert!(Path::new(&absolute).is_absolute());
    }

    #[test]
    fn an_outline_leaves_out_what_is_not_known() {
        let mut text = String::new();
        outline(
            &mut text,
            0,
            &json!({"a": 1, "b": null, "c": {"d": ["x", "y"]}}),
        );
        assert_eq!(text, "a: 1\nc:\n  d:\n    x\n    y\n");
    }
}
