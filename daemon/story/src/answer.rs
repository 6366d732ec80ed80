//! Prompts out of what a language model answered.

mod json;
mod lines;

use crate::edit::{Edit, apply};
use crate::finding::{Code, Finding, Severity};
use crate::lint::lint;
use crate::reading::parse;
use crate::scene::{MOST_FRAMES, Scene, SceneError};
use crate::vocabulary::Vocabulary;

/// A prompt that stands in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnsweredFrame {
    /// The shot that opens the prompt, by its id.
    pub shot: Option<String>,
    /// The prompt, with everything corrected that [`lint`](crate::lint()) can
    /// correct by itself.
    pub prompt: String,
    /// What is still to be said about it.
    pub findings: Vec<Finding>,
    /// Whether it was corrected.
    pub corrected: bool,
}

impl AnsweredFrame {
    /// Whether it would be drawn as it is meant: nothing but hints.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity() == Severity::Hint)
    }
}

/// A prompt as it stands in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RawFrame {
    shot: Option<String>,
    prompt: String,
}

/// How often what a correction leaves is corrected again.
const ROUNDS: usize = 3;

/// The longest prompt that is taken, characters.
const LONGEST_PROMPT: usize = 2_000;

/// Finds the prompts in an answer: in JSON of about the form that the
/// [`template`](crate::template) asks for, or else in lines that are numbered,
/// marked, or open with a shot. Words around them, code fences and a model's
/// thoughts are passed over; of an answer that was cut off, what is whole is taken.
///
/// At most [`MOST_FRAMES`] and one more are read; empty where there are none.
///
/// # Errors
/// [`SceneError`] where the scene asks for what does not exist.
pub fn read_answer(
    answer: &str,
    scene: &Scene,
    vocabulary: &Vocabulary,
) -> Result<Vec<AnsweredFrame>, SceneError> {
    let wanted = scene.wanted(vocabulary)?;
    let answer = without_thoughts(answer);
    let mut raw = json::frames(answer);
    if raw.is_empty() {
        raw = lines::frames(answer, vocabulary);
    }
    raw.truncate(MOST_FRAMES + 1);
    let frames = raw.into_iter().enumerate().map(|(at, raw)| {
        let meant = wanted.shots.get(at).cloned();
        let meant = meant.or_else(|| {
            let shot = raw.shot.as_deref()?;
            vocabulary.find_shot(shot).map(str::to_owned)
        });
        corrected(&raw.prompt, meant.as_deref(), vocabulary)
    });
    Ok(frames.collect())
}

/// What in an answer does not fit the scene or the rules, in sentences for the
/// model that gave it; empty where all is well.
///
/// # Errors
/// [`SceneError`] where the scene asks for what does not exist.
pub fn complaints(
    frames: &[AnsweredFrame],
    scene: &Scene,
    count: usize,
    vocabulary: &Vocabulary,
) -> Result<Vec<String>, SceneError> {
    let wanted = scene.wanted(vocabulary)?;
    let mut complaints = Vec::new();
    if frames.len() != count {
        complaints.push(format!(
            "{count} prompts are needed, one a frame, and there are {}.",
            frames.len()
        ));
    }
    for (at, frame) in frames.iter().enumerate() {
        let number = at + 1;
        if let Some(shot) = wanted
            .shots
            .get(at)
            .filter(|shot| frame.shot.as_ref() != Some(*shot))
        {
            let phrase = vocabulary.shot(shot).map_or("", |shot| &shot.phrase);
            complaints.push(format!("Prompt {number} must begin with \"{phrase}\"."));
        }
        for finding in &frame.findings {
            let words = finding.span.of(&frame.prompt);
            let about = if words.is_empty() {
                String::new()
            } else {
                format!(" (\"{words}\")")
            };
            complaints.push(format!("Prompt {number}{about}: {}.", finding.reason));
        }
    }
    for character in &wanted.characters {
        let name = character.name();
        if !frames.iter().any(|frame| frame.prompt.contains(&name)) {
            complaints.push(format!("\"{name}\" is in no prompt."));
        }
    }
    Ok(complaints)
}

/// A prompt with its shot phrase in front and everything corrected that can be.
fn corrected(raw: &str, meant: Option<&str>, vocabulary: &Vocabulary) -> AnsweredFrame {
    let raw: String = raw.chars().take(LONGEST_PROMPT).collect();
    let trimmed = raw.trim().trim_end_matches(['.', ';', ',']).trim_end();
    let mut prompt = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
    let opens = |prompt: &str| {
        parse(prompt, vocabulary)
            .shot
            .filter(|shot| shot.opens)
            .map(|shot| shot.id)
    };
    if let (None, Some(shot)) = (opens(&prompt), meant.and_then(|id| vocabulary.shot(id))) {
        let names_one = parse(&prompt, vocabulary).shot.is_some();
        if !names_one {
            prompt = format!("{} {prompt}", shot.phrase);
        }
    }
    let mut findings = lint(&prompt, vocabulary);
    for _ in 0..ROUNDS {
        let edits: Vec<Edit> = findings
            .iter()
            .filter_map(|finding| finding.rewrite.clone())
            .collect();
        if edits.is_empty() {
            break;
        }
        prompt = apply(&prompt, &edits);
        findings = lint(&prompt, vocabulary);
    }
    // A hint alone is not worth another round.
    findings.sort_by_key(|finding| (finding.code != Code::NoOpeningShot, finding.span));
    AnsweredFrame {
        shot: opens(&prompt),
        corrected: prompt != raw.trim(),
        prompt,
        findings,
    }
}

/// What follows a model's thoughts.
fn without_thoughts(answer: &str) -> &str {
    ["</think>", "</thinking>", "</reasoning>"]
        .iter()
        .filter_map(|end| answer.rfind(end).map(|at| at + end.len()))
        .max()
        .and_then(|start| answer.get(start..))
        .filter(|rest| !rest.trim().is_empty())
        .unwrap_or(answer)
}
