//! Prompts: what is refused at once, and `framewright prompt …`.

use std::process::ExitCode;

use framewright_protocol::{Limits, LintParams, PromptLint, PromptTokens, TokensParams};

use crate::failure::Failure;
use crate::{connect, print_json, print_lines};

/// Refuses a prompt that the daemon would refuse.
///
/// # Errors
/// When it is over-long.
pub fn check_length(name: &str, prompt: &str) -> Result<(), Failure> {
    let most = Limits::CURRENT.prompt_chars;
    let length = prompt.chars().count() as u64;
    if length > most {
        return Err(Failure::refused(format!(
            "the prompt has {length} characters, and {most} are taken at most"
        ))
        .about(name)
        .hint("shorten it: the text encoder reads 75 tokens at a time"));
    }
    Ok(())
}

/// Refuses a prompt that is empty or over-long.
///
/// # Errors
/// When it is.
pub fn check(prompt: &str) -> Result<(), Failure> {
    if prompt.trim().is_empty() {
        return Err(Failure::refused("the prompt is empty")
            .about("PROMPT")
            .hint("say what is to be drawn: framewright generate \"close up of a fox\""));
    }
    check_length("PROMPT", prompt)
}

/// Shows a prompt's tokens.
///
/// # Errors
/// See [`Failure`].
pub async fn tokens(
    prompt: String,
    model: Option<String>,
    json: bool,
) -> Result<ExitCode, Failure> {
    check_length("PROMPT", &prompt)?;
    let model = model
        .map(|model| crate::models::name_or_path(&model))
        .transpose()?;
    let client = connect().await?;
    let params = TokensParams { prompt, model };
    let result = client.call::<PromptTokens>(&params).await?;
    if json {
        print_json(&serde_json::json!({
            "count": result.count,
            "chunks": result.chunks.iter().map(|chunk| {
                chunk.tokens.iter().map(|token| serde_json::json!({
                    "id": token.id,
                    "text": token.text,
                    "weight": token.weight,
                })).collect::<Vec<_>>()
            }).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let several = result.chunks.len() > 1;
    for (number, chunk) in (1..).zip(&result.chunks) {
        if several {
            print_lines(&format!("chunk {number}: {} tokens", chunk.tokens.len()));
        }
        for token in &chunk.tokens {
            let weight = if token.weight == 1.0 {
                String::new()
            } else {
                format!("  weight {}", token.weight)
            };
            print_lines(&format!("{:>6}  {}{weight}", token.id, token.text));
        }
    }
    print_lines(&format!("{} tokens; a chunk holds 75", result.count));
    Ok(ExitCode::SUCCESS)
}

/// Tells what in a prompt will not be drawn as meant.
///
/// # Errors
/// See [`Failure`].
pub async fn lint(prompt: String, json: bool) -> Result<ExitCode, Failure> {
    check(&prompt)?;
    let client = connect().await?;
    let params = LintParams {
        prompt: prompt.clone(),
    };
    let result = client.call::<PromptLint>(&params).await?;
    if json {
        print_json(&serde_json::json!({
            "rewritten": result.rewritten,
            "findings": result.findings.iter().map(|finding| serde_json::json!({
                "code": finding.code,
                "severity": finding.severity,
                "start": finding.start,
                "end": finding.end,
                "reason": finding.reason,
                "rewrite": finding.rewrite.as_ref().map(|edit| serde_json::json!({
                    "start": edit.start,
                    "end": edit.end,
                    "replacement": edit.replacement,
                })),
            })).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &result.findings {
        let span = finding.start as usize..finding.end as usize;
        let about = match prompt.get(span) {
            Some(words) if !words.is_empty() => format!("  \"{words}\""),
            _ => String::new(),
        };
        print_lines(&format!("{} {}{about}", finding.code, finding.severity));
        print_lines(&format!("  {}", finding.reason));
    }
    if result.findings.is_empty() {
        print_lines("nothing to say");
    } else if result.rewritten != prompt {
        print_lines(&format!("rewritten: {}", result.rewritten));
    }
    Ok(ExitCode::SUCCESS)
}
