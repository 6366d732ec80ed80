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
        println!("parse and plan {parsing:8.1} µs, lint {checking:8.1} µs: {prompt}");
    }
    Ok(())
}

/// Microseconds a call, the mean of many.
fn each(call: impl Fn()) -> f64 {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        call();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}
