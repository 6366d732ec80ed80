//! How long parsing and checking a prompt, and planning a scene takes.

use std::hint::black_box;
use std::time::Instant;

use framewright_story::{
    Character, Defaults, Planner, Scene, Vocabulary, VocabularyError, lint, parse, plan,
};

const PROMPTS: [&str; 4] = [
    "close up of kaitoyosuke man reading a letter, in a dusty library, soft daylight",
    "medium shot picture of two people: kaitoyosuke man on the left holding a map in his hands, jiyeonmun woman on the right pointing at it, in a dusty library, soft daylight",
    "long shot picture of kaitoyosuke man smiling and jiyeonmun woman walking sadly, in a park, soft daylight",
    "kaitoyosuke and a man, legs crossed, angry, in Blackmoor Abbey, ECU",
];

const SCENES: [&str; 2] = [
    "kaitoyosuke waits.",
    "kaitoyosuke and jiyeonmun argue in the Blue Lantern bar, under a blood-red moon. She throws a glass against the wall; he picks up the pieces, puts on his coat and leaves the bar. Outside the rain falls. jiyeonmun runs after him, and they embrace on an empty bridge.",
];

const ROUNDS: u32 = 2000;

const SCENE_ROUNDS: u32 = 300;

fn main() -> Result<(), VocabularyError> {
    // As many characters as a large library has.
    let mut characters: Vec<Character> = (0..500)
        .map(|number| Character {
            token: format!("extra{number}"),
            class: "woman".to_owned(),
            ..Character::default()
        })
        .collect();
    for (token, class) in [("kaitoyosuke", "man"), ("jiyeonmun", "woman")] {
        characters.push(Character {
            token: token.to_owned(),
            class: class.to_owned(),
            ..Character::default()
        });
    }
    let begun = Instant::now();
    let vocabulary = Vocabulary::new(Defaults::shipped()?, characters)?;
    println!("vocabulary of 502 characters: {:.2?}", begun.elapsed());
    for prompt in PROMPTS {
        let parsing = each(ROUNDS, || {
            let parsed = parse(black_box(prompt), &vocabulary);
            black_box(plan(&parsed, &vocabulary, "sd15"));
        });
        let checking = each(ROUNDS, || {
            black_box(lint(black_box(prompt), &vocabulary));
        });
        println!("parse and plan {parsing}, lint {checking}: {prompt}");
    }
    let planner = Planner::shipped()?;
    for frames in [6, 17, 40] {
        for description in SCENES {
            let scene = Scene {
                description: description.to_owned(),
                frames: Some(frames),
                ..Scene::default()
            };
            let planning = each(SCENE_ROUNDS, || {
                // Only a scene that asks for what does not exist is refused.
                let _ = black_box(planner.plan(black_box(&scene), &vocabulary));
            });
            println!("planning {frames} frames: {planning}: {description}");
        }
    }
    // What a client may send by mistake: one clause without an end.
    for piece in [
        "smiling kaitoyosuke ",
        "smiling ",
        "in ",
        "old ",
        "on the left ",
    ] {
        let prompt = format!(
            "medium shot picture of {}",
            piece.repeat(100_000 / piece.len())
        );
        let begun = Instant::now();
        let findings = lint(black_box(&prompt), &vocabulary).len();
        let took = begun.elapsed();
        println!("lint of 100 kB of \"{piece}\": {took:.2?}, {findings} findings");
    }
    Ok(())
}

/// Microseconds a call: the median, and what 99 in 100 stay under.
fn each(rounds: u32, call: impl Fn()) -> String {
    let mut took: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            call();
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (median, most) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    format!("{median:.0} µs (99 %: {most:.0} µs)")
}
