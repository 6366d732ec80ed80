//! What methods about scenes take and what they answer.

use serde::{Deserialize, Serialize};

use crate::params::ModelProblem;
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
    /// Parameters of `scene.read`.
    #[derive(Default)]
    SceneReadParams "scene read params" {
        /// The scene, as in `scene.plan`.
        scene: String,
        /// As in `scene.plan`.
        characters: Option<Vec<String>>,
        /// As in `scene.plan`; left out, as many as the answer has.
        frames: Option<u32>,
        /// As in `scene.plan`; left out, as the answer has them.
        shots: Option<Vec<ShotChoice>>,
        /// What a language model answered to the template: JSON or lines, with or without words around
        /// them.
        answer: String,
    }
    /// Result of `scene.read`.
    SceneReadResult "scene read result" {
        /// One entry a frame, in order.
        prompts: Vec<PlannedPrompt>,
        /// What a person should know: what was corrected, and what was filled in.
        notes: Vec<String>,
    }

    /// A configured endpoint that plans scenes.
    PlannerSummary "planner" {
        /// Its name.
        name: String,
        /// The base of its addresses, without user or key.
        url: String,
        /// The model that it is asked for.
        model: String,
        /// Where its key comes from: `none`, `environment` or `file`. The key itself is never told.
        key: String,
        /// Seconds that an answer may take.
        timeout_seconds: u32,
        /// The file that says all this.
        path: String,
    }
    /// Result of `planner.list`.
    PlannerListResult "planner list" {
        /// The endpoints, by name.
        planners: Vec<PlannerSummary>,
        /// The files that cannot be used, and why.
        problems: Vec<ModelProblem>,
        /// Where they lie.
        folder: String,
    }
    /// Parameters of `planner.add`.
    #[derive(Default)]
    PlannerAddParams "planner add params" {
        /// Its name: letters, digits, `-` and `_`; not `embedded`.
        name: String,
        /// The base of its addresses, such as `http://127.0.0.1:8080/v1`.
        url: String,
        /// The model to ask for.
        model: String,
        /// The environment variable that holds the key, in the daemon's environment.
        key_env: Option<String>,
        /// The absolute path of a file, readable by its owner alone, that holds the key.
        key_file: Option<String>,
        /// Seconds that an answer may take, 1 to 600; 120 when left out.
        timeout_seconds: Option<u32>,
        /// Take the place of an endpoint of this name.
        replace: Option<bool>,
    }
    /// Parameters of `planner.remove` and `planner.test`.
    PlannerParams "planner params" {
        /// The endpoint's name.
        name: String,
    }
    /// Result of `planner.test`.
    PlannerTestResult "planner test result" {
        /// Seconds until the whole answer was there.
        seconds: f64,
        /// Whether the server took the schema for structured output.
        structured: bool,
        /// How many prompts of a scene of two frames could be read.
        prompts: u64,
        /// The beginning of the answer.
        answer: String,
    }
}
