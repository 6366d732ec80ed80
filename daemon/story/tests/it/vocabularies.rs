//! What a vocabulary is built of, and what is refused.

use framewright_story::{Character, Code, Defaults, Vocabulary, VocabularyError, parse};

use crate::cast::{NAMES, vocabulary};

fn person(token: &str, class: &str) -> Character {
    Character {
        token: token.to_owned(),
        class: class.to_owned(),
        ..Character::default()
    }
}

fn refused(change: impl FnOnce(&mut Defaults, &mut Vec<Character>)) -> VocabularyError {
    let mut defaults = Defaults::shipped().unwrap();
    let mut cast = vec![person("kaitoyosuke", "man")];
    change(&mut defaults, &mut cast);
    Vocabulary::new(defaults, cast).unwrap_err()
}

#[test]
fn every_phrase_and_alias_of_the_nine_shots_means_its_shot() {
    let vocabulary = vocabulary();
    let mut numbers = Vec::new();
    for (id, shot) in vocabulary.shots() {
        numbers.extend(shot.number);
        assert!(shot.figure.least.is_some() || id == "detail-shot", "{id}");
        for name in std::iter::once(&shot.phrase).chain(&shot.aliases) {
            for prompt in [
                format!("{name} a park"),
                format!("a {name} of a park"),
                format!("in a park, {name}"),
            ] {
                let found = parse(&prompt, vocabulary).shot.unwrap();
                assert_eq!(found.id, id, "{prompt}");
            }
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_token_activates_with_its_class_alone() {
    let vocabulary = vocabulary();
    for (token, class) in NAMES {
        let other = if class == "man" { "woman" } else { "man" };
        let active = |prompt: String| parse(&prompt, vocabulary).active() == [token];
        assert!(active(format!("close up of {token} {class}")));
        assert!(active(format!(
            "CLOSE UP OF {} {class}",
            token.to_uppercase()
        )));
        assert!(!active(format!("close up of {token}")));
        assert!(!active(format!("close up of {token} {other}")));
        assert!(!active(format!("close up of {token}{class}")));
        assert!(!active(format!("close up of x{token} {class}")));
        assert!(!active(format!("close up of {token} {class}hood")));
        assert!(!active(format!("close up of {token}. {class}")));
    }
}

#[test]
fn tokens_may_have_hyphens_and_classes_several_words() {
    let cast = vec![person("mara-7", "old sea captain"), person("mara", "girl")];
    let vocabulary = Vocabulary::new(Defaults::shipped().unwrap(), cast).unwrap();
    let active = |prompt| {
        let parsed = parse(prompt, &vocabulary);
        parsed.active().join(" ")
    };
    assert_eq!(active("Mara-7 old sea captain"), "mara-7");
    assert_eq!(active("mara 7 old sea captain"), "");
    assert_eq!(active("mara girl"), "mara");
    assert_eq!(active("mara-7 girl"), "");
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    let messages = [
        refused(|_, cast| cast.push(person("Kaitoyosuke", "woman"))),
        refused(|_, cast| cast.push(person("two words", "man"))),
        refused(|_, cast| cast.push(person("", "man"))),
        refused(|_, cast| cast.push(person("one", "-"))),
        refused(|_, cast| {
            cast.push(person("one", "man"));
            cast[0].aliases = vec!["boss".to_owned()];
            cast[1].aliases = vec!["Boss".to_owned()];
        }),
        refused(|_, cast| {
            let family = cast[0].family.entry("sd15".to_owned()).or_default();
            family.weight = Some(f32::NAN);
        }),
        refused(|defaults, _| {
            let family = defaults.families.get_mut("sd15").unwrap();
            family.weights.insert("portrait".to_owned(), 1.0);
        }),
        refused(|defaults, _| {
            let shot = defaults.shots.get_mut("close-up").unwrap();
            shot.aliases.push("long-shot".to_owned());
        }),
        refused(|defaults, _| {
            let shot = defaults.shots.get_mut("close-up").unwrap();
            shot.phrase = "portrait".to_owned();
        }),
        Defaults::read("[shot.x]\nphrase = 1", "").unwrap_err(),
    ];
    let messages: Vec<String> = messages.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("refusals", messages.join("\n"));
}

#[test]
fn the_readme_lists_every_code_with_its_severity() {
    let readme = include_str!("../../README.md");
    let listed: Vec<(&str, &str)> = readme
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| S")?.split(" | ");
            Some((cells.next()?, cells.next()?))
        })
        .collect();
    let codes: Vec<(String, String)> = Code::ALL
        .iter()
        .map(|code| (code.to_string(), code.severity().to_string()))
        .collect();
    let codes: Vec<(&str, &str)> = codes
        .iter()
        .map(|(code, severity)| (code.trim_start_matches('S'), severity.as_str()))
        .collect();
    assert_eq!(listed, codes);
}
