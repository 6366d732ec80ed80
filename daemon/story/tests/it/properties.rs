//! What holds for every prompt.

use framewright_story::{Code, Edit, Finding, Parsed, Position, Span, Vocabulary};
use framewright_story::{apply, format, lint, parse, plan};
use proptest::prelude::*;

use crate::cast::{NAMES, vocabulary};

/// Words that mean something, and what may stand between them.
fn pieces() -> impl Strategy<Value = String> {
    let vocabulary = vocabulary();
    let mut words: Vec<String> = vocabulary
        .shots()
        .flat_map(|(_, shot)| std::iter::once(&shot.phrase).chain(&shot.aliases))
        .cloned()
        .collect();
    words.extend(
        NAMES
            .iter()
            .map(|(token, class)| format!("{token} {class}")),
    );
    words.extend(NAMES.iter().map(|(token, _)| (*token).to_owned()));
    for word in [
        "man",
        "woman",
        "a man",
        "Kaito",
        "the detective",
        "KAITOYOSUKE",
        "two people",
        "3 people",
        "nobody",
        "on the left",
        "on the right",
        "in the centre",
        "to the left of",
        "in a dusty library",
        "at",
        "in",
        "under",
        "a park",
        "soft daylight",
        "light",
        "sunset from",
        "walking",
        "smiling",
        "sadly",
        "standing",
        "holding a cup",
        "legs",
        "feet",
        "hands",
        "arms crossed",
        "tears",
        "angry",
        "and",
        "while",
        "of",
        "a",
        "the",
        "picture",
        "shot",
        "long",
        "close",
        "up",
        "extreme",
        "medium",
        "old",
        "x",
        "é",
        "图",
        "1",
        "1.2",
        "morning",
    ] {
        words.push(word.to_owned());
    }
    const SEPARATORS: &[&str] = &[
        " ", " ", " ", " ", ", ", ", ", ",", "; ", ": ", ". ", ".", ":", "-", " - ", "  ", "\n",
        "(", ")", "'", "，", "\u{301}", "..", " .,",
    ];
    let piece = (
        prop::sample::select(words),
        prop::sample::select(SEPARATORS),
    );
    prop::collection::vec(piece, 0..14).prop_map(|pieces| {
        let texts = pieces.into_iter();
        texts.map(|(word, separator)| word + separator).collect()
    })
}

fn counts(findings: &[Finding]) -> Vec<usize> {
    let of = |code: &Code| findings.iter().filter(|found| found.code == *code).count();
    Code::ALL.iter().map(of).collect()
}

fn spans(parsed: &Parsed) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    spans.extend(parsed.shot.iter().map(|shot| shot.span));
    spans.extend(parsed.other_shots.iter().map(|shot| shot.span));
    spans.extend(parsed.people.iter().map(|people| people.span));
    spans.extend(parsed.characters.iter().map(|mention| mention.span));
    let positions = parsed
        .characters
        .iter()
        .filter_map(|mention| mention.position);
    spans.extend(
        positions
            .chain(parsed.loose_positions.iter().copied())
            .map(|place| place.span),
    );
    spans.extend(parsed.strangers.iter().map(|stranger| stranger.span));
    spans.extend(parsed.setting.iter().map(|phrase| phrase.whole));
    spans.extend(parsed.light.iter().map(|phrase| phrase.whole));
    spans.extend(parsed.actions.iter().map(|action| action.span));
    spans
}

/// Reading, writing, planning and checking one prompt.
fn check(prompt: &str, vocabulary: &Vocabulary) -> Result<(), TestCaseError> {
    let parsed = parse(prompt, vocabulary);
    let mut spans = spans(&parsed);
    spans.sort_unstable();
    for span in &spans {
        prop_assert!(
            span.start < span.end && prompt.get(span.start..span.end).is_some(),
            "{span:?}"
        );
    }
    for pair in spans.windows(2) {
        prop_assert!(
            !pair[0].overlaps(pair[1]),
            "{:?} and {:?}",
            pair[0],
            pair[1]
        );
    }

    let written = format(&parsed);
    let again = parse(&written, vocabulary);
    prop_assert_eq!(again.without_spans(), parsed.without_spans(), "{}", written);
    prop_assert_eq!(format(&again), written);

    let plan = plan(&parsed, vocabulary, "sd15");
    prop_assert!(plan.loras.len() <= 1 + parsed.active().len());

    let findings = lint(prompt, vocabulary);
    let before = counts(&findings);
    let mut edits: Vec<Edit> = Vec::new();
    for finding in &findings {
        prop_assert!(prompt.get(finding.span.start..finding.span.end).is_some());
        let Some(edit) = &finding.rewrite else {
            continue;
        };
        prop_assert!(prompt.get(edit.span.start..edit.span.end).is_some());
        let alone = counts(&lint(
            &apply(prompt, std::slice::from_ref(edit)),
            vocabulary,
        ));
        prop_assert!(
            alone
                .iter()
                .zip(&before)
                .all(|(after, before)| after <= before)
        );
        prop_assert!(alone[finding.code as usize] < before[finding.code as usize]);
        edits.push(edit.clone());
    }
    let rewritten = apply(prompt, &edits);
    let after = counts(&lint(&rewritten, vocabulary));
    prop_assert!(
        after
            .iter()
            .zip(&before)
            .all(|(after, before)| after <= before),
        "{}",
        rewritten
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1500 } else { 20_000 }))]

    #[test]
    fn any_text_is_read_and_written_back(prompt in any::<String>()) {
        check(&prompt, vocabulary())?;
    }

    #[test]
    fn any_mixture_of_words_is_read_and_written_back(prompt in pieces()) {
        check(&prompt, vocabulary())?;
    }

    #[test]
    fn a_frame_that_was_put_together_is_taken_apart(
        shot in 0_usize..7,
        cast in prop::sample::subsequence(NAMES.to_vec(), 1..=3),
        actions in prop::collection::vec(prop::sample::select(vec!["holding a cup", "opening a box", "reading", "waving back"]), 3),
        setting in prop::sample::select(vec!["dusty library", "Blackmoor Abbey", "old ferry terminal", "bus stop"]),
        light in prop::sample::select(vec!["soft daylight", "golden sunset light", "low light", "dusk"]),
    ) {
        let vocabulary = vocabulary();
        let (id, opening) = vocabulary.shots().nth(shot).unwrap();
        let places = [("on the left", Position::Left), ("in the centre", Position::Centre), ("on the right", Position::Right)];
        let clauses: Vec<String> = cast
            .iter()
            .zip(places)
            .zip(&actions)
            .map(|(((token, class), (place, _)), action)| format!("{token} {class} {place} {action}"))
            .collect();
        let people = ["one person", "two people", "three people"][cast.len() - 1];
        let prompt = format!("{} {people}: {}, in the {setting}, {light}", opening.phrase, clauses.join(", "));
        let parsed = parse(&prompt, vocabulary);

        prop_assert_eq!(parsed.shot.as_ref().unwrap().id.as_str(), id);
        prop_assert_eq!(parsed.people.unwrap().count as usize, cast.len());
        let tokens: Vec<&str> = cast.iter().map(|(token, _)| *token).collect();
        prop_assert_eq!(parsed.active(), tokens);
        for (at, mention) in parsed.characters.iter().enumerate() {
            prop_assert_eq!(mention.position.unwrap().position, places[at].1);
            let did = parsed.actions.iter().find(|action| action.character == Some(at)).unwrap();
            prop_assert_eq!(did.text.as_str(), actions[at]);
        }
        prop_assert_eq!(parsed.setting.as_ref().unwrap().text.as_str(), setting);
        prop_assert_eq!(parsed.light.as_ref().unwrap().text.as_str(), light);
        prop_assert_eq!(format(&parsed), prompt);
    }
}
