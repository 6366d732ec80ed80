//! How long parsing and checking a prompt takes.

use std::hint::black_box;
use std::time::Instant;

use framewright_story::{Character, Defaults, Vocabulary, VocabularyError, lint, parse, plan};

const PROMPTS: [&str; 4] = [
    "close up of kaitoyosuke man reading a letter, in a dusty library, soft daylight",
    "medium shot picture of two people: kaitoyosuke man on the left holding a map in his hands, jiyeonmun woman on the right pointing at it, in a dusty library, soft daylight",
    "long shot picture of kaitoyosuke man smiling and jiyeonmun woman walking sadly, in a park, soft daylight",
    "kaitoyosuke and a man, legs crossed, angry, in Blackmoor Abbey, ECU",
];

const ROUNDS: u32 = 2000;

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
        let parsing = each(|| {
            let parsed = parse(black_box(prompt), &vocabulary);
            black_box(plan(&parsed, &vocabulary, "sd15"));
        });
        let checking = each(|| {
            black_box(lint(black_box(prompt), &vocabulary));
        });
        println!("parse and plan {parsing}, lint {checking}: {prompt}");
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
fn each(call: impl Fn()) -> String {
    let mut took: Vec<f64> = (0..ROUNDS)
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
