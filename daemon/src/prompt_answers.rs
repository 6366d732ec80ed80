//! What the methods do that read prompts as a storyboard artist means them.

use framewright_library::Snapshot;
use framewright_protocol::{
    ErrorCode, LintParams, LintResult, PromptEdit, PromptFinding, RecastParams, RecastResult,
    WireError,
};
use framewright_story::{Defaults, Edit, Vocabulary};

use crate::daemon::Daemon;
use crate::order;

/// `prompt.lint`
pub fn lint(daemon: &Daemon, params: LintParams) -> Result<LintResult, WireError> {
    order::check_prompt("prompt", &params.prompt)?;
    let vocabulary = vocabulary(&daemon.library.snapshot())?;
    let findings = framewright_story::lint(&params.prompt, &vocabulary);
    let edits: Vec<Edit> = findings
        .iter()
        .filter_map(|finding| finding.rewrite.clone())
        .collect();
    Ok(LintResult {
        rewritten: framewright_story::apply(&params.prompt, &edits),
        findings: findings
            .into_iter()
            .map(|finding| PromptFinding {
                code: finding.code.to_string(),
                severity: finding.severity().to_string(),
                start: finding.span.start as u64,
                end: finding.span.end as u64,
                reason: finding.reason,
                rewrite: finding.rewrite.map(|edit| PromptEdit {
                    start: edit.span.start as u64,
                    end: edit.span.end as u64,
                    replacement: edit.replacement,
                }),
            })
            .collect(),
    })
}

/// `prompt.recast`
pub fn recast(daemon: &Daemon, params: RecastParams) -> Result<RecastResult, WireError> {
    let prompt = match (params.prompt, params.png) {
        (Some(prompt), None) => prompt,
        (None, Some(png)) => {
            let made = daemon.reader.remember(&png);
            let hint = "give the prompt that it was made from";
            made.map_err(|error| error.hint(hint))?.request.prompt
        }
        _ => {
            let message = "one of `prompt` and `png` is needed";
            return Err(WireError::new(ErrorCode::InvalidParams, message).about("prompt"));
        }
    };
    order::check_prompt("prompt", &prompt)?;
    if params.at.is_some_and(|at| !(0.0..=1.0).contains(&at)) {
        let message = "the place is not between 0, the left edge, and 1, the right one";
        return Err(WireError::new(ErrorCode::InvalidParams, message).about("at"));
    }
    let vocabulary = vocabulary(&daemon.library.snapshot())?;
    let character = vocabulary.character(&params.character).ok_or_else(|| {
        WireError::new(ErrorCode::NotFound, "no such character")
            .about(&params.character)
            .hint("`character list` tells the tokens of the library's characters")
    })?;
    let recast = framewright_story::recast(&prompt, &vocabulary, character, params.at);
    Ok(RecastResult {
        prompt: recast.prompt,
        replaced: recast.replaced,
    })
}

/// The shots and characters of the library, and the shots that ship where the
/// library has none of that name.
pub fn vocabulary(snapshot: &Snapshot) -> Result<Vocabulary, WireError> {
    let unusable = |error: framewright_story::VocabularyError| {
        WireError::new(ErrorCode::InvalidParams, error.to_string())
            .about("the library's shots and characters")
            .hint("correct the manifest that is named: `character list` and `shot list` tell them")
    };
    let mut defaults = Defaults::shipped().map_err(unusable)?;
    for (name, entry) in &snapshot.shots {
        let shot = entry.manifest.clone();
        // Two shots of one phrase could not be told apart.
        let phrase = shot.phrase.to_lowercase();
        defaults
            .shots
            .retain(|_, other| other.phrase.to_lowercase() != phrase);
        defaults.shots.insert(name.clone(), shot);
    }
    let characters = snapshot.characters.values();
    let characters = characters.map(|entry| entry.manifest.clone()).collect();
    Vocabulary::new(defaults, characters).map_err(unusable)
}
