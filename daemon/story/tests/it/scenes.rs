//! Forty scenes, told in frames.

use std::fmt::Write as _;
use std::sync::LazyLock;

use framewright_story::{Planner, Scene, ScenePlan, Vocabulary, lint, parse};
use serde::Deserialize;

use crate::cast::vocabulary;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenes {
    scene: Vec<Described>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    text: String,
    #[serde(default)]
    characters: Vec<String>,
    frames: Option<usize>,
    #[serde(default)]
    shots: Vec<u32>,
    kind: Option<String>,
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    lights: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

impl Described {
    fn scene(&self) -> Scene {
        Scene {
            description: self.text.clone(),
            characters: self.characters.clone(),
            frames: self.frames,
            shots: self.shots.iter().map(ToString::to_string).collect(),
        }
    }
}

fn described() -> Vec<Described> {
    let scenes: Scenes = toml::from_str(include_str!("../data/scenes.toml")).unwrap();
    scenes.scene
}

fn planner() -> &'static Planner {
    static PLANNER: LazyLock<Planner> = LazyLock::new(|| Planner::shipped().unwrap());
    &PLANNER
}

fn planned(scene: &Scene) -> ScenePlan {
    planner().plan(scene, vocabulary()).unwrap()
}

/// What a prompt says beside its shot phrase.
fn body<'a>(vocabulary: &Vocabulary, shot: &str, prompt: &'a str) -> &'a str {
    let phrase = &vocabulary.shot(shot).unwrap().phrase;
    prompt
        .strip_prefix(phrase.as_str())
        .unwrap_or_else(|| panic!("{prompt} does not open with {phrase}"))
}

/// Clean, each frame its own shot phrase, no two neighbours alike.
fn faults(plan: &ScenePlan, vocabulary: &Vocabulary) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last = "";
    for frame in &plan.frames {
        for finding in lint(&frame.prompt, vocabulary) {
            faults.push(format!(
                "{}: {} {}",
                frame.prompt, finding.code, finding.reason
            ));
        }
        let body = body(vocabulary, &frame.shot, &frame.prompt);
        if body == last {
            faults.push(format!("twice: {}", frame.prompt));
        }
        last = body;
    }
    faults
}

#[test]
fn the_forty_scenes_read_well() {
    let scenes = described();
    assert_eq!(scenes.len(), 40);
    let mut sheet = String::new();
    for scene in &scenes {
        let plan = planned(&scene.scene());
        writeln!(
            sheet,
            "## {} ({})\n{}\n",
            scene.name,
            plan.kind,
            scene.text.trim()
        )
        .unwrap();
        for (number, frame) in plan.frames.iter().enumerate() {
            writeln!(sheet, "{:>2}  {}", number + 1, frame.prompt).unwrap();
        }
        for note in &plan.notes {
            writeln!(sheet, "    ({note})").unwrap();
        }
        sheet.push('\n');
    }
    insta::assert_snapshot!(sheet);
}

#[test]
fn no_frame_has_a_fault() {
    let faults: Vec<String> = described()
        .iter()
        .flat_map(|scene| faults(&planned(&scene.scene()), vocabulary()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_the_description_names_is_kept() {
    let mut lost = Vec::new();
    for scene in described() {
        let plan = planned(&scene.scene());
        let mut lose = |what: String| lost.push(format!("{}: {what}", scene.name));
        let says = |words: &str| plan.frames.iter().any(|frame| frame.prompt.contains(words));
        for words in scene.places.iter().chain(&scene.lights) {
            if !says(words) {
                lose(format!("`{words}` is never said"));
            }
        }
        for token in &scene.characters {
            let shown = plan.frames.iter().any(|frame| {
                parse(&frame.prompt, vocabulary())
                    .active()
                    .contains(&token.as_str())
            });
            if !shown {
                lose(format!("{token} is in no frame"));
            }
        }
        if let Some(kind) = scene.kind.as_ref().filter(|kind| **kind != plan.kind) {
            lose(format!("a scene of {kind}, not of {}", plan.kind));
        }
        let mut frames = plan.frames.iter();
        let mut rest = frames.next().map_or("", |frame| frame.prompt.as_str());
        for verb in &scene.verbs {
            loop {
                if let Some(at) = rest.find(verb.as_str()) {
                    rest = &rest[at + verb.len()..];
                    break;
                }
                match frames.next() {
                    Some(frame) => rest = &frame.prompt,
                    None => {
                        lose(format!("`{verb}` is not done where it should be"));
                        rest = "";
                        break;
                    }
                }
            }
            if rest.is_empty() && frames.len() == 0 {
                break;
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}
