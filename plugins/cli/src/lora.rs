//! `framewright lora …`

use std::process::ExitCode;

use framewright_protocol::{
    LoraImport, LoraInspect, LoraInspectParams, LoraList, LoraSummary, Nothing,
};
use serde_json::{Value, json};

use crate::arguments::LoraCommand;
use crate::failure::Failure;
use crate::models::{name_or_path, outline, print_problems, problem_json};
use crate::{connect, library, print_json, print_lines};

/// Does what the command says.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: LoraCommand, json: bool) -> Result<ExitCode, Failure> {
    match command {
        LoraCommand::List => list(json).await,
        LoraCommand::Inspect { lora } => inspect(&lora, json).await,
        LoraCommand::Import(import) => library::import::<LoraImport>(import, json).await,
    }
}

fn summary(lora: &LoraSummary) -> Value {
    json!({
        "name": lora.name,
        "path": lora.path,
        "family": lora.family,
        "trigger_words": lora.trigger_words,
        "weight": lora.weight,
        "format": lora.format,
        "ranks": lora.ranks,
        "base_model": lora.base_model,
    })
}

async fn list(json: bool) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let result = client.call::<LoraList>(&Nothing {}).await?;
    if json {
        print_json(&json!({
            "folder": result.folder,
            "loras": result.loras.iter().map(summary).collect::<Vec<_>>(),
            "problems": result.problems.iter().map(problem_json).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let widths = result.loras.iter().map(|lora| lora.name.chars().count());
    let width = widths.max().unwrap_or(0);
    for lora in &result.loras {
        let family = lora.family.as_deref().unwrap_or("-");
        let ranks: Vec<_> = lora.ranks.iter().map(ToString::to_string).collect();
        print_lines(
            format!(
                "{:width$}  {family:8}  rank {:8}  {}",
                lora.name,
                ranks.join(", "),
                lora.trigger_words.join(", ")
            )
            .trim_end(),
        );
    }
    print_problems(&result.problems);
    if result.loras.is_empty() {
        eprintln!("put LoRAs in .safetensors into {}", result.folder);
    }
    Ok(ExitCode::SUCCESS)
}

async fn inspect(lora: &str, json: bool) -> Result<ExitCode, Failure> {
    let lora = name_or_path(lora)?;
    let client = connect().await?;
    let result = client
        .call::<LoraInspect>(&LoraInspectParams { lora })
        .await?;
    let summary = result.lora.as_ref().map(summary);
    if json {
        let value = json!({"lora": summary, "path": result.path, "report": result.report});
        print_json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    if let Some(lora) = &result.lora {
        outline(
            &mut text,
            0,
            &json!({"name": lora.name, "weight": lora.weight}),
        );
    }
    outline(&mut text, 0, &json!({"path": result.path}));
    outline(&mut text, 0, &result.report);
    print_lines(text.trim_end());
    Ok(ExitCode::SUCCESS)
}
