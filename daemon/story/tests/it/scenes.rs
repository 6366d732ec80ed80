//! Forty scenes, told in frames.

use std::fmt::Write as _;
use std::sync::LazyLock;

use framewright_story::{
    Character, Defaults, MOST_FRAMES, Planner, Scene, SceneError, ScenePlan, Vocabulary, lint,
    parse,
};
use proptest::prelude::*;
use serde::Deserialize;

use crate::cast::{NAMES, vocabulary};

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

#[test]
fn the_same_scene_gives_the_same_prompts() {
    for scene in described() {
        let again = Planner::shipped().unwrap();
        let plan = again.plan(&scene.scene(), vocabulary()).unwrap();
        assert_eq!(plan, planned(&scene.scene()), "{}", scene.name);
    }
}

#[test]
fn numbers_of_frames_and_shots_are_obeyed() {
    for scene in described() {
        for frames in [1, 2, 3, 7, 17, 40] {
            let asked = Scene {
                frames: Some(frames),
                shots: Vec::new(),
                ..scene.scene()
            };
            let plan = planned(&asked);
            assert_eq!(plan.frames.len(), frames, "{}", scene.name);
            assert_eq!(
                faults(&plan, vocabulary()),
                Vec::<String>::new(),
                "{}",
                scene.name
            );
        }
        let shots = [
            "8",
            "3",
            "closeup",
            "1",
            "1",
            "1",
            "medium-shot",
            "5",
            "9",
            "9",
            "full body picture of",
            "7",
            "ELS",
            "2",
        ];
        let ids = [
            "extreme-long-shot",
            "medium-close-up",
            "close-up",
            "extreme-close-up",
            "extreme-close-up",
            "extreme-close-up",
            "medium-shot",
            "american-shot",
            "detail-shot",
            "detail-shot",
            "full-shot",
            "long-shot",
            "extreme-long-shot",
            "close-up",
        ];
        let asked = Scene {
            frames: None,
            shots: shots.map(str::to_owned).to_vec(),
            ..scene.scene()
        };
        let plan = planned(&asked);
        let found: Vec<&str> = plan
            .frames
            .iter()
            .map(|frame| frame.shot.as_str())
            .collect();
        assert_eq!(found, ids, "{}", scene.name);
        assert_eq!(
            faults(&plan, vocabulary()),
            Vec::<String>::new(),
            "{}",
            scene.name
        );
    }
}

#[test]
fn everybody_keeps_their_side() {
    for scene in described() {
        for frames in [6, 12, 30] {
            let asked = Scene {
                frames: Some(frames),
                shots: Vec::new(),
                ..scene.scene()
            };
            let mut sides = std::collections::BTreeMap::new();
            for frame in planned(&asked).frames {
                for mention in parse(&frame.prompt, vocabulary()).characters {
                    let Some(place) = mention.position else {
                        continue;
                    };
                    let before = sides.insert(mention.token.clone(), place.position);
                    assert!(
                        before.is_none_or(|before| before == place.position),
                        "{}: {}",
                        scene.name,
                        frame.prompt
                    );
                }
            }
        }
    }
}

#[test]
fn a_scene_that_moves_takes_its_setting_along() {
    let prompts = |text: &str| {
        let scene = Scene {
            description: text.to_owned(),
            frames: Some(8),
            ..Scene::default()
        };
        let frames = planned(&scene).frames.into_iter();
        frames.map(|frame| frame.prompt).collect::<Vec<_>>()
    };
    let moved = prompts(
        "kaitoyosuke and jiyeonmun hide in an old barn, dusk. Then they run into the forest. jiyeonmun falls.",
    );
    let turn = moved
        .iter()
        .position(|prompt| prompt.contains("the forest"))
        .unwrap();
    assert!(turn > 0, "{moved:#?}");
    for (at, prompt) in moved.iter().enumerate() {
        assert_eq!(prompt.contains("the forest"), at >= turn, "{prompt}");
        assert_eq!(prompt.contains("an old barn"), at < turn, "{prompt}");
        assert!(prompt.ends_with(", dusk"), "{prompt}");
    }
    // Whoever leaves is in the house until then.
    let left =
        prompts("In the house kaitoyosuke packs a bag. He leaves the house. He counts his money.");
    let gone = left
        .iter()
        .position(|prompt| prompt.contains("outside the house"))
        .unwrap();
    let leaving = left
        .iter()
        .position(|prompt| prompt.contains("leaving"))
        .unwrap();
    assert!(leaving < gone, "{left:#?}");
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let scene = |description: &str| Scene {
        description: description.to_owned(),
        ..Scene::default()
    };
    let refused = |scene: &Scene| planner().plan(scene, vocabulary()).unwrap_err();
    for nothing in ["", " \n", "... !?"] {
        assert_eq!(refused(&scene(nothing)), SceneError::Empty);
    }
    let base = scene("kaitoyosuke waits");
    let with = |characters: &[&str], frames, shots: &[&str]| Scene {
        characters: characters.iter().map(ToString::to_string).collect(),
        frames,
        shots: shots.iter().map(ToString::to_string).collect(),
        ..base.clone()
    };
    for (scene, told) in [
        (with(&["nobody"], None, &[]), "no character `nobody`"),
        (with(&[], None, &["2", "10"]), "no shot `10`"),
        (with(&[], None, &["sideways"]), "no shot `sideways`"),
        (with(&[], Some(0), &[]), "0 frames"),
        (with(&[], Some(MOST_FRAMES + 1), &[]), "41 frames"),
        (with(&[], None, &["2"; 41]), "41 frames"),
        (
            with(&[], Some(3), &["2", "3"]),
            "3 frames are asked for, and 2 shots",
        ),
    ] {
        assert!(
            refused(&scene).to_string().contains(told),
            "{}",
            refused(&scene)
        );
    }
}

#[test]
fn a_large_library_and_other_words_for_shots_serve() {
    // Characters of odd classes, and aliases that are words of the scene.
    let mut characters: Vec<Character> = (0..300)
        .map(|number| Character {
            token: format!("extra{number}"),
            class: "robot".to_owned(),
            ..Character::default()
        })
        .collect();
    characters.push(Character {
        token: "zed-9".to_owned(),
        class: "talking dog".to_owned(),
        aliases: vec!["the mutt".to_owned()],
        ..Character::default()
    });
    let vocabulary = Vocabulary::new(Defaults::shipped().unwrap(), characters).unwrap();
    let scene = Scene {
        description:
            "The mutt follows extra7 through a market, neon light. extra7's antenna breaks."
                .to_owned(),
        ..Scene::default()
    };
    let plan = planner().plan(&scene, &vocabulary).unwrap();
    assert_eq!(faults(&plan, &vocabulary), Vec::<String>::new());
    let all: String = plan
        .frames
        .iter()
        .map(|frame| frame.prompt.as_str())
        .collect();
    assert!(
        all.contains("zed-9 talking dog") && all.contains("extra7 robot"),
        "{plan:#?}"
    );
    assert!(all.contains("a market"), "{plan:#?}");
}

/// Words of every sort, and what may stand between them.
fn soup() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = NAMES.iter().map(|(token, _)| (*token).to_owned()).collect();
    words.extend(
        [
            "Kaito",
            "the detective",
            "a man",
            "two women",
            "he",
            "she",
            "they",
            "it",
            "him",
            "her",
            "his",
            "their",
            "the",
            "a",
            "an",
            "walks",
            "running",
            "ran",
            "opens",
            "smiling",
            "cries",
            "stands",
            "kisses",
            "gives",
            "says",
            "begins",
            "to",
            "is",
            "was",
            "not",
            "never",
            "zorps",
            "blorped",
            "light",
            "lights",
            "a light",
            "moonlight",
            "under a red moon",
            "lit by",
            "at night",
            "dawn",
            "in",
            "into",
            "through",
            "at",
            "on",
            "of",
            "with",
            "from",
            "out of",
            "a dusty library",
            "the Blue Lantern",
            "the forest",
            "Port Sorrow",
            "a table",
            "the rain",
            "close-up",
            "long shot",
            "legs",
            "feet",
            "hands",
            "angry",
            "tears",
            "and",
            "then",
            "while",
            "as",
            "until",
            "who",
            "that",
            "suddenly",
            "INT. HALL - NIGHT\n",
            "there is a key",
            "a key",
            "left",
            "on the left",
            "in the centre",
            "one",
            "2 people",
            "nobody",
            "x",
            "é",
            "图",
            "1.2",
            "each other",
            "'s",
            "enters",
            "leaves",
        ]
        .map(str::to_owned),
    );
    const MARKS: &[&str] = &[
        " ", " ", " ", " ", " ", ", ", ". ", "; ", ": ", " - ", "... ", "!", "\n\n", "\"", "(",
        ")", " “", "” ",
    ];
    let piece = (prop::sample::select(words), prop::sample::select(MARKS));
    prop::collection::vec(piece, 1..24)
        .prop_map(|pieces| pieces.into_iter().map(|(word, mark)| word + mark).collect())
}

fn asked(
    description: String,
    cast: Vec<(&'static str, &'static str)>,
    frames: Option<usize>,
    shots: Vec<u32>,
) -> Scene {
    Scene {
        description,
        characters: cast
            .into_iter()
            .map(|(token, _)| token.to_owned())
            .collect(),
        frames: if shots.is_empty() { frames } else { None },
        shots: shots.iter().map(ToString::to_string).collect(),
    }
}

fn check(scene: &Scene) -> Result<(), TestCaseError> {
    let plan = match planner().plan(scene, vocabulary()) {
        Ok(plan) => plan,
        Err(error) => {
            prop_assert_eq!(error, SceneError::Empty);
            return Ok(());
        }
    };
    let faults = faults(&plan, vocabulary());
    prop_assert!(faults.is_empty(), "{:#?}", faults);
    let count = if scene.shots.is_empty() {
        scene.frames
    } else {
        Some(scene.shots.len())
    };
    prop_assert!(count.is_none_or(|count| plan.frames.len() == count));
    for token in &scene.characters {
        let shown = plan.frames.iter().any(|frame| {
            parse(&frame.prompt, vocabulary())
                .active()
                .contains(&token.as_str())
        });
        let told = plan
            .notes
            .iter()
            .any(|note| note.starts_with(&format!("`{token}` is in no frame")));
        prop_assert!(shown || told, "{} is lost", token);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5_000 }))]

    #[test]
    fn any_text_is_planned_without_a_fault(text in any::<String>()) {
        check(&asked(text, Vec::new(), None, Vec::new()))?;
    }

    #[test]
    fn any_mixture_of_words_is_planned_without_a_fault(
        text in soup(),
        cast in prop::sample::subsequence(NAMES.to_vec(), 0..=5),
        frames in prop::option::of(1_usize..=MOST_FRAMES),
        shots in prop::collection::vec(1_u32..=9, 0..8),
    ) {
        check(&asked(text, cast, frames, shots))?;
    }
}
