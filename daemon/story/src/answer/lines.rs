//! Prompts in lines of text.

use super::RawFrame;
use crate::reading::parse;
use crate::vocabulary::Vocabulary;

/// Lines that are numbered or marked, with what goes on in the lines after them;
/// where there are none, lines that open with a shot.
pub(super) fn frames(answer: &str, vocabulary: &Vocabulary) -> Vec<RawFrame> {
    let mut marked: Vec<String> = Vec::new();
    let mut open = false;
    for line in answer.lines() {
        let line = line.trim();
        if let Some(text) = item(line) {
            marked.push(text.to_owned());
            open = true;
        } else if line.is_empty() || line.starts_with("```") {
            // "Frame 1:" with the prompt below it stays open.
            open = open && marked.last().is_some_and(String::is_empty);
        } else if let (true, Some(last)) = (open, marked.last_mut()) {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(line);
        }
    }
    let frames: Vec<RawFrame> = marked
        .iter()
        .filter_map(|text| frame(text, vocabulary))
        .collect();
    if !frames.is_empty() {
        return frames;
    }
    answer
        .lines()
        .filter_map(|line| frame(line, vocabulary))
        .collect()
}

/// The prompt of a line: only what opens with a shot, or names it before a colon
/// or a bracket, is one.
fn frame(text: &str, vocabulary: &Vocabulary) -> Option<RawFrame> {
    let text = plain(text);
    let opening = |text: &str| {
        parse(text, vocabulary)
            .shot
            .filter(|shot| shot.opens)
            .map(|shot| shot.id)
    };
    // "Close-up: close up of …", "(2) close up of …"
    let rest = text
        .split_once([':', '–', '—', ')', ']'])
        .map(|(_, rest)| plain(rest));
    let rest = rest.filter(|rest| opening(rest).is_some());
    let prompt = rest.unwrap_or(text);
    opening(&prompt)?;
    prompt.split_whitespace().nth(3)?;
    Some(RawFrame { shot: None, prompt })
}

/// What follows the mark of a list's item; none in other lines.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['*', '#', '_', '>', ' ']);
    if let Some(cells) = line.strip_prefix('|') {
        // A row of a table: the longest cell.
        let cells = cells.split('|').map(str::trim);
        return cells
            .max_by_key(|cell| cell.len())
            .filter(|cell| cell.len() > 20);
    }
    let lower = line.to_lowercase();
    let label = ["frame", "shot", "prompt", "panel", "scene"]
        .iter()
        .find(|label| {
            lower.starts_with(**label)
                && lower[label.len()..]
                    .trim_start()
                    .starts_with(|c: char| c.is_ascii_digit() || c == '#')
        });
    let rest = label.map_or(line, |label| {
        line[label.len()..].trim_start().trim_start_matches('#')
    });
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if (1..=3).contains(&digits) {
        let after = rest[digits..].trim_start_matches(['*', '_', ' ']);
        let mark = after.chars().next();
        return match mark {
            Some('.' | ')' | ':' | '-' | '–' | '—' | '(' | '[' | ']') => {
                let bracketed = matches!(mark, Some('(' | '['));
                Some(if bracketed {
                    after
                } else {
                    after[mark.map_or(0, char::len_utf8)..].trim_start()
                })
            }
            None if label.is_some() => Some(""),
            _ => None,
        };
    }
    let bullet = ["- ", "• ", "– ", "+ "]
        .iter()
        .find_map(|mark| line.strip_prefix(mark));
    bullet.map(str::trim_start)
}

/// Without marks of emphasis, quotation and code.
fn plain(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, '*' | '`' | '_' | '#'))
        .collect();
    let edges = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '“' | '”' | '«' | '»' | '\'' | '[' | ']' | '-' | '|' | ',' | '(' | ':'
            )
    };
    kept.trim_matches(edges).to_owned()
}
