//! From a scene to prompts, by the command.

use serde_json::Value;

use crate::harness::Home;

const SCENE: &str = "kaitoyosuke and jiyeonmun argue in the Blue Lantern bar, under a \
                     blood-red moon. She throws a glass; he leaves.";

fn prompts(answer: &Value) -> Vec<(&str, &str)> {
    let prompts = answer["prompts"].as_array().unwrap().iter();
    prompts
        .map(|planned| {
            let text = |key: &str| planned[key].as_str().unwrap();
            (text("shot"), text("prompt"))
        })
        .collect()
}

#[test]
fn a_scene_becomes_prompts_that_lint_has_nothing_to_say_about() {
    let home = Home::new();
    let answer = home.run(&["--json", "scene", "plan", SCENE]).ok().json();
    assert_eq!(answer["planner"], "embedded");
    let planned = prompts(&answer);
    assert!(planned.len() >= 5, "{planned:?}");
    for (_, prompt) in &planned {
        assert!(prompt.contains("the Blue Lantern bar"), "{prompt}");
        assert!(prompt.contains("under a blood-red moon"), "{prompt}");
        let found = home.run(&["--json", "prompt", "lint", prompt]).ok().json();
        assert_eq!(found["findings"], serde_json::json!([]), "{prompt}");
    }
    let all: String = planned.iter().map(|(_, prompt)| *prompt).collect();
    for word in ["arguing", "throwing a glass", "leaving"] {
        assert!(all.contains(word), "{word}: {all}");
    }
    let again = home.run(&["--json", "scene", "plan", SCENE]).ok().json();
    assert_eq!(again, answer);
}

#[test]
fn shots_and_numbers_of_frames_are_obeyed() {
    let home = Home::new();
    let arguments = ["--json", "scene", "plan", SCENE, "--shots", "8,closeup,9"];
    let answer = home.run(&arguments).ok().json();
    let shots: Vec<&str> = prompts(&answer).iter().map(|(shot, _)| *shot).collect();
    assert_eq!(shots, ["extreme-long-shot", "close-up", "detail-shot"]);
    let answer = home.run(&["--json", "scene", "plan", SCENE, "-n", "12"]);
    assert_eq!(prompts(&answer.ok().json()).len(), 12);
    for (arguments, told) in [
        (&["-n", "41"][..], "41 frames"),
        (&["-n", "2", "--shots", "1"], "2 frames are asked for"),
        (&["--shots", "10"], "no shot `10`"),
        (&["--character", "nobody"], "no character `nobody`"),
    ] {
        let ran = home.run(&[&["scene", "plan", SCENE], arguments].concat());
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(told), "{ran:?}");
    }
}
