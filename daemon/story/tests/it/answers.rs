//! Prompts in what language models answer.

use framewright_story::{Scene, complaints, correction, read_answer, template};

use crate::cast::vocabulary;

const FIRST: &str =
    "long shot picture of a dusty library, kaitoyosuke man searching, soft daylight";
const SECOND: &str =
    "close up of jiyeonmun woman reading a letter, in a dusty library, soft daylight";

fn scene() -> Scene {
    Scene {
        description: "kaitoyosuke searches a dusty library. jiyeonmun reads a letter.".to_owned(),
        characters: vec!["kaitoyosuke".to_owned(), "jiyeonmun".to_owned()],
        frames: Some(2),
        shots: Vec::new(),
    }
}

fn read(answer: &str) -> Vec<String> {
    let frames = read_answer(answer, &scene(), vocabulary()).unwrap();
    frames.into_iter().map(|frame| frame.prompt).collect()
}

#[test]
fn prompts_are_found_in_every_form() {
    for answer in [
        format!(
            "{{\"prompts\": [{{\"shot\": 7, \"prompt\": \"{FIRST}\"}}, {{\"shot\": \"close-up\", \"prompt\": \"{SECOND}\"}}]}}"
        ),
        format!("```json\n[\"{FIRST}\", \"{SECOND}\"]\n```"),
        format!("{{\"1\": \"{FIRST}\", \"2\": \"{SECOND}\"}}"),
        format!(
            "{{\"prompts\": [{{\"prompt\": \"{FIRST}\"}}, {{\"prompt\": \"{SECOND}\"}}, {{\"prompt\": \"med"
        ),
        format!("Here they are:\n1. {FIRST}.\n\n2) **{SECOND}**\n\nAnything else?"),
        format!("**Frame 1 (long shot):**\n{FIRST}\n\n**Frame 2:**\n{SECOND}"),
        format!("- {FIRST}\n- {SECOND}"),
        format!("{FIRST}\n{SECOND}\n"),
        format!("<think>[\"a b c\", \"d e f\"]</think>{FIRST}\n{SECOND}"),
    ] {
        assert_eq!(read(&answer), [FIRST, SECOND], "{answer}");
    }
    for nothing in [
        "",
        "No.",
        "{}",
        "[[[[",
        "{\"prompts\": []}",
        "1. one\n2. two",
    ] {
        assert_eq!(read(nothing), Vec::<String>::new(), "{nothing}");
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let (scene, vocabulary) = (scene(), vocabulary());
    let answer =
        format!("1. {FIRST}\n2. close up of a man, in a dusty library, soft daylight\n3. {FIRST}");
    let frames = read_answer(&answer, &scene, vocabulary).unwrap();
    assert!(frames[0].serves() && !frames[1].serves());
    let told = complaints(&frames, &scene, 2, vocabulary)
        .unwrap()
        .join("\n");
    for part in [
        "2 prompts are needed",
        "Prompt 2 (\"a man\")",
        "\"jiyeonmun woman\" is in no prompt",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(correction(std::slice::from_ref(&told)).contains(&told));
    let good = read_answer(&format!("{FIRST}\n{SECOND}"), &scene, vocabulary).unwrap();
    assert_eq!(
        complaints(&good, &scene, 2, vocabulary).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn the_template_keeps_to_its_own_rules() {
    let text = template(&scene(), 5, vocabulary()).unwrap();
    for part in [
        "Write exactly 2 prompts",
        "\"kaitoyosuke man\"",
        "2. \"close up of …\"",
        &scene().description,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for mark in ["{shots}", "{characters}", "{sequence}", "{scene}"] {
        assert!(!text.contains(mark), "{mark}");
    }
}
