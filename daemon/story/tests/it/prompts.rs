//! Prompts of our own in the grammar of storyboards, with all that is found in
//! them, as snapshots.

use framewright_story::{Code, Edit, apply, lint};

use crate::cast::vocabulary;
use crate::render::render;

/// One frame as it should be, in each framing.
const CLEAN: [&str; 9] = [
    "extreme close up of kaitoyosuke man looking down, in a dusty library, soft daylight",
    "close up of jiyeonmun woman reading a letter, in a quiet kitchen, low light",
    "medium close up of petkotomov man, shoulders turned to the window, in an old office, soft daylight",
    "medium shot picture of margojobeth woman holding a cup in both hands, in a small kitchen, golden sunset light",
    "american shot picture of pogosmandla man holding a flashlight, in an abandoned house, low light",
    "full body picture of cathrinannett woman walking with an umbrella, on a city street, night light",
    "long shot picture of a foggy park, oldrichvane man walking away, soft daylight",
    "extreme long shot view of a wide snowy valley, kaitoyosuke man on a narrow road, pale morning light",
    "detailed shot of a plate of cookies, on a wooden table in a kitchen, soft daylight",
];

/// Names of shots that overlap or are written in other ways.
const SHOTS: [&str; 18] = [
    "extreme long shot of a desert, golden sunset light",
    "Long shot of a desert, kaitoyosuke man walking, golden sunset light",
    "medium long shot of kaitoyosuke man leaning on a car, at a harbour, dusk",
    "medium close-up shot of jiyeonmun woman, shoulders bare, in a theatre, low light",
    "closeup kaitoyosuke man, in a train, low light",
    "A Close-Up picture of kaitoyosuke man, in a train, low light",
    "ECU of jiyeonmun woman, in a church, candlelight",
    "ecu of jiyeonmun woman, in a church, candlelight",
    "MCU, petkotomov man with his hands folded, in a church, candlelight",
    "ELS: a frozen lake, pale sunlight",
    "full-body shot of margojobeth woman waiting, at a bus stop, night light",
    "kaitoyosuke man reading, in a dusty library, soft daylight, close-up",
    "kaitoyosuke man seen in a close-up in a dusty library, soft daylight",
    "close up of kaitoyosuke man, long shot, in a forest, soft daylight",
    "jiyeonmun woman meets Els and ms Green in a park, soft daylight",
    "full body armour on a stand, in a museum, low light",
    "extreme close up close up of kaitoyosuke man, in a bar, neon",
    "cowboy shot of oldrichvane man opening a gate, on a farm, sunset",
];

/// Tokens, classes, aliases, and names that are none.
const NAMES: [&str; 15] = [
    "close up of Kaito man, in a dusty library, soft daylight",
    "close up of KAITOYOSUKE Man, in a dusty library, soft daylight",
    "close up of kaitoyosuke, in a dusty library, soft daylight",
    "close up of kaitoyosuke woman, in a dusty library, soft daylight",
    "close up of Kaito, in a dusty library, soft daylight",
    "close up of the detective reading a note, in a dusty library, soft daylight",
    "close up of a young man, in a dusty library, soft daylight",
    "close up of man, in a dusty library, soft daylight",
    "close up of kaitoyosuk man, in a dusty library, soft daylight",
    "close up of annelisebrandt woman, in a dusty library, soft daylight",
    "close up of kaitoyosukeman, in a dusty library, soft daylight",
    "close up of xkaitoyosuke manor, in a dusty library, soft daylight",
    "close up of kaitoyosuke's hat, in a dusty library, soft daylight",
    "close up of kaitoyosuke, man, in a dusty library, soft daylight",
    "close up of kaitoyosuke-man and his jiyeonmunwoman doll, in a dusty library, soft daylight",
];

/// Two and more in one frame.
const SEVERAL: [&str; 17] = [
    "full body picture of two people: kaitoyosuke man on the left waiting, jiyeonmun woman on the right reading, a man sleeping, at a bus stop, night light",
    "two people: a man with short hair in a green coat is on the left waving; a tall woman with red hair is on the right, in a park, in the rain, golden sunset light",
    "medium shot picture of two people: kaitoyosuke man and jiyeonmun woman sitting on a bench, kaitoyosuke man on the left looks at his hands, jiyeonmun woman on the right holds a cup, quiet street, evening light",
    "american shot picture of kaitoyosuke man on the left holding a bag, an old woman in the centre singing, jiyeonmun woman listening, in a park, dusk",
    "medium shot picture of two people: kaitoyosuke man on the left holding a map in his hands, jiyeonmun woman on the right pointing at it, in a dusty library, soft daylight",
    "long shot picture of a beach, two people: petkotomov man on the left walking, margojobeth woman on the right carrying a bag, golden sunset light",
    "close up of kaitoyosuke man and jiyeonmun woman, in a car, low light",
    "medium shot picture of kaitoyosuke man on the left and jiyeonmun woman on the right talking, hands on the table, in a cafe, soft daylight",
    "medium shot picture of two people: on the left, kaitoyosuke man raising his hand, on the right, jiyeonmun woman listening, in an office, soft daylight",
    "medium shot picture of two people: kaitoyosuke man, on the left, waving his hand, jiyeonmun woman, on the right, waving back, in a park, soft daylight",
    "full body picture of three people: kaitoyosuke man on the left waiting, jiyeonmun woman on the right waiting, at a bus stop, night light",
    "full body picture of two people: kaitoyosuke man on the left waiting, jiyeonmun woman in the centre reading, petkotomov man on the right sleeping, at a bus stop, night light",
    "full body picture of two people: kaitoyosuke man on the left waiting, jiyeonmun woman on the left waiting, at a bus stop, night light",
    "full body picture of two people: kaitoyosuke man on the left waiting, a woman on the right waiting, at a bus stop, night light",
    "american shot picture of kaitoyosuke man looking to the left, a bag on the left shoulder, jiyeonmun woman at the right side opening a door, in a corridor, low light",
    "full body picture of kaitoyosuke man, jiyeonmun woman, petkotomov man, margojobeth woman, on a stage, neon light",
    "american shot picture of kaitoyosuke man hugging jiyeonmun woman, kaitoyosuke man on the left, in a station, dusk",
];

/// Words that change the framing.
const FRAMING: [&str; 18] = [
    "american shot picture of petkotomov man standing with his arms folded by the window, in an old house, moonlight",
    "american shot picture of petkotomov man holding a lamp and walking, in an old house, moonlight",
    "close up of kaitoyosuke man, legs crossed, in a dusty library, soft daylight",
    "close up of kaitoyosuke man with muddy boots, in a dusty library, soft daylight",
    "medium shot picture of kaitoyosuke man smiling, hands on the table, in a dusty library, soft daylight",
    "medium shot picture of kaitoyosuke man sadly holding a letter in his hands, in a dusty library, soft daylight",
    "medium shot picture of kaitoyosuke man standing in a dusty library, soft daylight",
    "medium shot picture of kaitoyosuke man, tears on his face, hands raised, in a dusty library, soft daylight",
    "american shot picture of kaitoyosuke man walking and holding a lamp, in a corridor, low light",
    "american shot picture of kaitoyosuke man, angry, in a corridor, low light",
    "full body picture of kaitoyosuke man, lonely and afraid, in a corridor, low light",
    "full body picture of kaitoyosuke man, wearing new shoes, in a corridor, low light",
    "long shot picture of kaitoyosuke man walking, in a park, soft daylight",
    "long shot picture of kaitoyosuke man walking, in Blackmoor Abbey, soft daylight",
    "long shot picture of a park, kaitoyosuke man smiling, soft daylight",
    "long shot picture of a park, kaitoyosuke man with arms crossed, soft daylight",
    "extreme long shot view of a park, kaitoyosuke man, hands in pockets, a wide grin, sad, soft daylight",
    "medium close up of kaitoyosuke man, in a dusty library, soft daylight",
];

/// Settings and lights, and what only looks like them.
const PLACES: [&str; 14] = [
    "close up of kaitoyosuke man, soft light from a window in a dark bedroom",
    "full body picture of kaitoyosuke man waiting in a dimly lit corridor",
    "close up of kaitoyosuke man",
    "close up of kaitoyosuke man in a red coat, in the rain, in Blackmoor Abbey, soft daylight",
    "close up of kaitoyosuke man with a flashlight, at the Zanzibar, under a street light",
    "close up of kaitoyosuke man in a light blue shirt, on a bench in a park",
    "close up of kaitoyosuke man sitting in a dusty library under soft daylight",
    "close up of kaitoyosuke man at dawn, inside an old ferry terminal",
    "close up of kaitoyosuke man, golden light from the window, in a living room",
    "close up of kaitoyosuke man, in a light wooden cabin, candlelight",
    "detailed shot of a kitchen knife, low light",
    "detailed shot of the hands of jiyeonmun woman opening an old box, in an attic, moonlight",
    "extreme long shot view of the harbour of Veldhaven at dusk",
    "long shot picture of an empty neighbourhood street, nobody, in the morning, soft daylight",
];

/// What a keyboard can do.
const ODD: [&str; 12] = [
    "",
    "   ,,, ... ;",
    "close up of",
    "medium shot picture of ((kaitoyosuke man:1.2)), hands (raised:0.8), in a library, soft daylight",
    "close\u{a0}up   of\tkaitoyosuke\u{3000}man , in  a dusty\nlibrary ; soft   daylight .",
    "close up of kaitoyosuke man, in Café Übergang, soft daylight",
    "close up of Kaitoyosu\u{212a}e man, in a library, soft daylight",
    "close up of kaitoyosuke\u{301} man, in a library, soft daylight",
    "close up of 图书馆里的 kaitoyosuke man，柔和的光、soft daylight。",
    "🎬 close up of 👩‍🚀 jiyeonmun woman 🚀, in a space station, neon light",
    "close up of kaitoyosuke man; close up of kaitoyosuke man; close up of kaitoyosuke man",
    "no people, 1,000 birds over 3.5 miles of coast, in low light",
];

fn sheet(prompts: &[&str]) -> String {
    let vocabulary = vocabulary();
    let rendered: Vec<String> = prompts
        .iter()
        .map(|prompt| render(prompt, vocabulary))
        .collect();
    rendered.join("\n")
}

#[test]
fn prompts_as_they_should_be_have_no_findings() {
    let vocabulary = vocabulary();
    for prompt in CLEAN {
        assert_eq!(lint(prompt, vocabulary), [], "{prompt}");
    }
    insta::assert_snapshot!("clean", sheet(&CLEAN));
}

#[test]
fn the_longest_name_of_a_shot_wins() {
    insta::assert_snapshot!("shots", sheet(&SHOTS));
}

#[test]
fn characters_are_named_by_token_and_class() {
    insta::assert_snapshot!("names", sheet(&NAMES));
}

#[test]
fn several_characters_have_number_places_and_clauses() {
    insta::assert_snapshot!("several", sheet(&SEVERAL));
}

#[test]
fn framings_hold_what_they_hold() {
    insta::assert_snapshot!("framing", sheet(&FRAMING));
}

#[test]
fn settings_and_lights_are_found_verbatim() {
    insta::assert_snapshot!("places", sheet(&PLACES));
}

#[test]
fn odd_texts_are_prompts_too() {
    insta::assert_snapshot!("odd", sheet(&ODD));
}

#[test]
fn a_very_long_prompt_is_read_to_its_end() {
    let middle = "a man smiling sadly with kaitoyosuke and jiyeonmun man, ".repeat(400);
    let prompt =
        format!("medium shot picture of kaitoyosuke man, {middle}in a park, soft daylight");
    let vocabulary = vocabulary();
    let parsed = framewright_story::parse(&prompt, vocabulary);
    assert_eq!(parsed.characters.len(), 801);
    assert_eq!(parsed.strangers.len(), 400);
    assert_eq!(parsed.setting.unwrap().text, "park");
    let rewrites = lint(&prompt, vocabulary)
        .into_iter()
        .filter(|finding| finding.rewrite.is_some())
        .count();
    assert!((1..=24).contains(&rewrites), "{rewrites}");
}

/// Each of the two clauses has a word that keeps the model from closing in: one
/// may go, and not both.
#[test]
fn rewrites_that_do_not_go_together_are_not_proposed_together() {
    let vocabulary = vocabulary();
    let codes = |prompt: &str| -> Vec<Code> {
        let findings = lint(prompt, vocabulary).into_iter();
        findings.map(|finding| finding.code).collect()
    };
    let prompt = "medium close up of kaitoyosuke man, legs below his hands, \
                  feet below his shoulders, in a park, soft daylight";
    assert_eq!(codes(prompt), [Code::LowerBody, Code::LowerBody]);
    let findings = lint(prompt, vocabulary).into_iter();
    let edits: Vec<Edit> = findings.filter_map(|finding| finding.rewrite).collect();
    assert_eq!(edits.len(), 1);
    assert_eq!(codes(&apply(prompt, &edits)), [Code::LowerBody]);
}
