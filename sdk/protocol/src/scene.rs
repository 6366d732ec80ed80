//! What methods about scenes take and what they answer.

use serde::{Deserialize, Serialize};

use crate::record::WireType;

/// A shot, as people name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShotChoice {
    /// By its number, such as 2.
    Number(u32),
    /// By its id or an alias, such as `close-up`.
    Name(String),
}

impl WireType for ShotChoice {
    fn kind() -> String {
        "`u32` or `string`".to_owned()
    }
}

records! {
    /// Parameters of `scene.plan`.
    #[derive(Default)]
    ScenePlanParams "scene plan params" {
        /// What happens, where and in which light, in plain words.
        scene: String,
        /// The tokens of the characters in it; left out or empty, those whom the scene names by token
        /// or alias.
        characters: Option<Vec<String>>,
        /// How many frames, 1 to 40; chosen by what happens where neither this nor `shots` is given.
        frames: Option<u32>,
        /// The frames' shots, by number or id; chosen by the kind of scene when left out or empty.
        shots: Option<Vec<ShotChoice>>,
        /// Who writes the prompts: `embedded`, the planner inside the daemon, or the name of a
        /// configured endpoint; `embedded` when left out.
        planner: Option<String>,
        /// Only fill in the template that a language model would be sent, and plan nothing.
        template_only: Option<bool>,
    }
    /// A frame of a planned scene.
    PlannedPrompt "planned prompt" {
        /// The shot's id.
        shot: String,
        /// The prompt; it opens with the shot's phrase.
        prompt: String,
    }
    /// Result of `scene.plan`.
    ScenePlanResult "scene plan result" {
        /// One entry a frame, in order; empty when only the template was asked for.
        prompts: Vec<PlannedPrompt>,
        /// Who wrote them: `embedded`, or an endpoint's name.
        planner: String,
        /// What a person should know: what was made up, who could not be shown, why another planner
        /// took over.
        notes: Vec<String>,
        /// The filled-in template, when only that was asked for.
        template: Option<String>,
    }
}
