//! The library, as the command shows it.

use crate::harness::{Home, tiny_model};

#[test]
fn models_and_problems_are_listed() {
    let home = Home::new();
    home.write("data/models/broken.toml", "family = 'x'\nsteps = 3\n");
    home.write("data/models/old.ckpt", "");
    let told = home.run(&["--json", "model", "list"]).ok().json();
    let names: Vec<_> = told["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sketch", "sketch-inpaint", "tiny"]);
    assert_eq!(told["models"][2]["steps"], 3);
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[0]["line"], 2);
    let ran = home.run(&["model", "list"]).ok();
    assert!(ran.out.contains("tiny"), "{}", ran.out);
    assert!(ran.err.contains("broken.toml, line 2"), "{}", ran.err);
    assert!(ran.err.contains("pickle"), "{}", ran.err);
}

#[test]
fn a_broken_manifest_is_named_when_its_model_is_asked_for() {
    let home = Home::new();
    home.write("data/models/broken.toml", "family = 'x'\nsteps = 3\n");
    let ran = home.run(&["generate", "a fox", "--model", "broken"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("broken.toml, line 2"), "{}", ran.err);
}

#[test]
fn a_models_files_are_inspected() {
    let home = Home::new();
    let told = home
        .run(&["--json", "model", "inspect", "tiny"])
        .ok()
        .json();
    assert_eq!(told["model"]["family"], "tiny");
    assert_eq!(told["report"]["unet"]["in_channels"], 4);
    assert_eq!(told["report"]["hash"].as_str().unwrap().len(), 64);
    assert!(told["report"]["bytes"].as_u64().unwrap() > 1000);
    let by_path = home.run(&["--json", "model", "inspect", tiny_model().to_str().unwrap()]);
    assert_eq!(
        by_path.ok().json()["report"]["hash"],
        told["report"]["hash"]
    );
}

#[test]
fn a_truncated_file_says_so() {
    let home = Home::new();
    home.write(
        "data/models/short.safetensors",
        "\u{10}\0\0\0\0\0\0\0{\"a\":",
    );
    let ran = home.run(&["generate", "a fox", "--model", "short"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("short.safetensors"), "{}", ran.err);
}

#[test]
fn tokens_are_shown_with_their_weights() {
    let home = Home::new();
    let told = home
        .run(&[
            "--json",
            "prompt",
            "tokens",
            "a (red:1.3) fox",
            "--model",
            "tiny",
        ])
        .ok()
        .json();
    let tokens = told["chunks"][0].as_array().unwrap();
    assert_eq!(told["count"], tokens.len());
    let heavy: Vec<_> = tokens
        .iter()
        .filter(|token| token["weight"].as_f64().unwrap() > 1.2)
        .collect();
    assert!(!heavy.is_empty() && heavy.len() < tokens.len(), "{told}");
    let ran = home
        .run(&["prompt", "tokens", "a (red:1.3) fox", "--model", "tiny"])
        .ok();
    assert!(ran.out.contains("weight 1.3"), "{}", ran.out);
}

#[test]
fn a_prompt_is_checked_against_the_shots_and_the_characters() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("data/characters")).unwrap();
    home.write(
        "data/characters/oldrichvane.toml",
        "token = 'oldrichvane'\nclass = 'man'\n",
    );
    let lint = |prompt: &str| home.run(&["--json", "prompt", "lint", prompt]).ok().json();
    let good = "close up of oldrichvane man, in a dusty library, soft daylight";
    assert_eq!(
        lint(good)["findings"].as_array().unwrap().len(),
        0,
        "{}",
        lint(good)
    );
    let bad = lint("closeup of Oldrichvane, in a dusty library, soft daylight");
    let codes: Vec<_> = bad["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"S202"), "{bad}");
    let rewritten = bad["rewritten"].as_str().unwrap();
    assert_eq!(
        lint(rewritten)["findings"].as_array().unwrap().len(),
        0,
        "{rewritten}"
    );
}
