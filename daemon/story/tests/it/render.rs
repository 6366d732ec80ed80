//! A prompt with all that is found out about it, as text for snapshots.

use std::fmt::Write as _;

use framewright_story::{Edit, Naming, Parsed, Span, Vocabulary, apply, format, lint, parse};

pub fn render(prompt: &str, vocabulary: &Vocabulary) -> String {
    let parsed = parse(prompt, vocabulary);
    let mut text = format!("> {}\n", short(prompt));
    write_parsed(&mut text, prompt, &parsed);
    let canonical = format(&parsed);
    if canonical != prompt {
        writeln!(text, "  written {}", short(&canonical)).unwrap();
    }
    let findings = lint(prompt, vocabulary);
    for finding in &findings {
        let at = finding.span.of(prompt);
        let (code, severity) = (finding.code, finding.severity());
        writeln!(
            text,
            "  {code} {severity} [{}] {}",
            short(at),
            finding.reason
        )
        .unwrap();
        if let Some(edit) = &finding.rewrite {
            let taken = edit.span.of(prompt);
            writeln!(
                text,
                "    [{}] => [{}]",
                short(taken),
                short(&edit.replacement)
            )
            .unwrap();
        }
    }
    let edits: Vec<Edit> = findings.into_iter().filter_map(|f| f.rewrite).collect();
    if !edits.is_empty() {
        writeln!(text, "  rewritten {}", short(&apply(prompt, &edits))).unwrap();
    }
    text
}

fn write_parsed(text: &mut String, prompt: &str, parsed: &Parsed) {
    let at = |span: Span| short(span.of(prompt));
    for shot in parsed.shot.iter().chain(&parsed.other_shots) {
        let opens = if shot.opens { "opens" } else { "within" };
        writeln!(text, "  shot {} {opens} [{}]", shot.id, at(shot.span)).unwrap();
    }
    if let Some(people) = &parsed.people {
        writeln!(text, "  people {} [{}]", people.count, at(people.span)).unwrap();
    }
    for mention in &parsed.characters {
        let naming = match mention.naming {
            Naming::Full => "active",
            Naming::TokenOnly => "token only",
            Naming::OtherClass => "other class",
            Naming::Alias => "alias",
        };
        write!(
            text,
            "  character {} {naming} [{}]",
            mention.token,
            at(mention.span)
        )
        .unwrap();
        match &mention.position {
            Some(place) => writeln!(text, " {:?} [{}]", place.position, at(place.span)).unwrap(),
            None => writeln!(text).unwrap(),
        }
    }
    for stranger in &parsed.strangers {
        let name = stranger.name.as_deref().unwrap_or("nobody");
        writeln!(text, "  stranger {name} [{}]", at(stranger.span)).unwrap();
    }
    for place in &parsed.loose_positions {
        writeln!(text, "  loose {:?} [{}]", place.position, at(place.span)).unwrap();
    }
    for (what, phrase) in [("setting", &parsed.setting), ("light", &parsed.light)] {
        if let Some(phrase) = phrase {
            let whole = at(phrase.whole);
            writeln!(text, "  {what} {} [{whole}]", short(&phrase.text)).unwrap();
        }
    }
    for action in &parsed.actions {
        let who = action
            .character
            .map(|who| parsed.characters[who].token.as_str());
        writeln!(
            text,
            "  action {} by {}",
            short(&action.text),
            who.unwrap_or("nobody")
        )
        .unwrap();
    }
}

/// Very long texts by their ends.
fn short(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 300 {
        return text.to_owned();
    }
    let head: String = characters[..60].iter().collect();
    let tail: String = characters[characters.len() - 40..].iter().collect();
    format!("{head} … {} characters … {tail}", characters.len())
}
