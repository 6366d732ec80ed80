//! What a language model is asked for the prompts of a scene.

use std::fmt::Write as _;

use crate::scene::{Scene, SceneError};
use crate::vocabulary::Vocabulary;

/// The instructions around a scene, for any language model: the rules that
/// [`lint`](crate::lint()) checks, the library's shots and characters, the scene,
/// and the form of the answer that [`read_answer`](crate::read_answer) takes.
///
/// `frames` is how many prompts are asked for where the scene itself says nothing.
///
/// # Errors
/// [`SceneError`] where the scene asks for what does not exist.
pub fn template(
    scene: &Scene,
    frames: usize,
    vocabulary: &Vocabulary,
) -> Result<String, SceneError> {
    let wanted = scene.wanted(vocabulary)?;
    let count = wanted.frames.unwrap_or(frames);
    let mut shots: Vec<_> = vocabulary.shots().collect();
    shots.sort_by_key(|(id, shot)| (shot.number.unwrap_or(u32::MAX), *id));
    let mut text = String::from(include_str!("../data/template.txt"));
    let table = shots.iter().fold(String::new(), |mut table, (_, shot)| {
        let number = shot
            .number
            .map_or_else(String::new, |number| format!("{number}. "));
        let holds = shot
            .holds
            .as_deref()
            .map_or_else(String::new, |holds| format!(": {holds}"));
        // Writing into a string does not fail.
        let _ = writeln!(table, "{number}\"{} …\"{holds}", shot.phrase);
        table
    });
    let cast: Vec<_> = if wanted.characters.is_empty() {
        let named = |character: &&crate::Character| {
            let text = scene.description.to_lowercase();
            std::iter::once(&character.token)
                .chain(&character.aliases)
                .any(|name| text.contains(&name.to_lowercase()))
        };
        vocabulary.characters().iter().filter(named).collect()
    } else {
        wanted.characters.clone()
    };
    let characters = if cast.is_empty() {
        "None. Show the place and its things; nobody who has no name.\n".to_owned()
    } else {
        cast.iter().fold(String::new(), |mut list, character| {
            let called = if character.aliases.is_empty() {
                String::new()
            } else {
                format!(" (in the scene also: {})", character.aliases.join(", "))
            };
            let _ = writeln!(list, "- \"{}\"{called}", character.name());
            list
        })
    };
    let sequence = if wanted.shots.is_empty() {
        format!(
            "Write exactly {count} prompts. Choose the shots: a natural mix for this kind of scene."
        )
    } else {
        let phrases: Vec<String> = wanted
            .shots
            .iter()
            .enumerate()
            .filter_map(|(at, id)| {
                Some(format!("{}. \"{} …\"", at + 1, vocabulary.shot(id)?.phrase))
            })
            .collect();
        format!(
            "Write exactly {count} prompts, which begin in this order:\n{}",
            phrases.join("\n")
        )
    };
    // The scene comes last: nothing in it is taken for a mark of the template.
    for (mark, value) in [
        ("{shots}", table.trim_end()),
        ("{characters}", characters.trim_end()),
        ("{sequence}", sequence.as_str()),
        ("{scene}", scene.description.trim()),
    ] {
        text = text.replacen(mark, value, 1);
    }
    Ok(text)
}

/// What a model is told about an answer that does not serve.
#[must_use]
pub fn correction(complaints: &[String]) -> String {
    let mut text = String::from("Some of this does not keep to the rules:\n");
    for complaint in complaints.iter().take(60) {
        let _ = writeln!(text, "- {complaint}");
    }
    text.push_str("Write all prompts again, corrected, in the same JSON form and nothing else.");
    text
}
