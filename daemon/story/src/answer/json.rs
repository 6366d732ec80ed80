//! Prompts in JSON, whole or cut off, with or without words around it.

use serde_json::Value;

use super::RawFrame;
use crate::scene::MOST_FRAMES;

/// How many brackets are tried: every one of them may open something that does
/// not close.
const MOST_TRIES: usize = 400;

/// How deep lists and maps are looked into.
const DEEPEST: usize = 4;

/// The first list of prompts, else all single ones.
pub(super) fn frames(answer: &str) -> Vec<RawFrame> {
    let mut single = Vec::new();
    let mut from = 0;
    let mut tries = 0;
    while let Some(next) = answer.get(from..).and_then(|rest| rest.find(['{', '['])) {
        let at = from + next;
        from = at + 1;
        tries += 1;
        if tries > MOST_TRIES || single.len() > MOST_FRAMES {
            break;
        }
        let Some((value, length)) = value(&answer[at..]) else {
            continue;
        };
        let found = frames_in(&value, 0);
        let is_single = found.len() == 1 && value.is_object();
        if found.len() > 1 || (found.len() == 1 && !is_single) {
            return found;
        }
        if is_single {
            single.extend(found);
            from = at + length;
        }
    }
    single
}

/// The value at the start of a text, and how long it is.
fn value(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

fn frames_in(value: &Value, depth: usize) -> Vec<RawFrame> {
    if depth > DEEPEST {
        return Vec::new();
    }
    match value {
        Value::Array(items) => {
            let items = items.iter();
            items
                .filter_map(|item| match item {
                    Value::String(prompt) => is_prompt(prompt).then(|| RawFrame {
                        shot: None,
                        prompt: prompt.clone(),
                    }),
                    Value::Object(_) => single(item),
                    _ => None,
                })
                .collect()
        }
        Value::Object(fields) => {
            if let Some(frame) = single(value) {
                return vec![frame];
            }
            let inner = fields.values().map(|value| frames_in(value, depth + 1));
            if let Some(found) = inner.into_iter().find(|found| !found.is_empty()) {
                return found;
            }
            // {"1": "close up of …", "2": …}
            let mut numbered: Vec<(u32, &str)> = fields
                .iter()
                .filter_map(|(key, value)| {
                    let digits: String = key.chars().filter(char::is_ascii_digit).collect();
                    Some((digits.parse().ok()?, value.as_str()?))
                })
                .collect();
            numbered.sort_by_key(|(number, _)| *number);
            let prompts = numbered.into_iter().filter(|(_, prompt)| is_prompt(prompt));
            prompts
                .map(|(_, prompt)| RawFrame {
                    shot: None,
                    prompt: prompt.to_owned(),
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn single(value: &Value) -> Option<RawFrame> {
    let fields = value.as_object()?;
    let named = |names: &[&str]| {
        let mut found = fields
            .iter()
            .filter(|(key, _)| names.contains(&key.to_lowercase().as_str()));
        found.next().map(|(_, value)| value)
    };
    let prompt = named(&["prompt", "image_prompt", "text", "description", "content"])?.as_str()?;
    let shot =
        named(&["shot", "shot_type", "shottype", "shot_number", "framing"]).and_then(|shot| {
            match shot {
                Value::String(shot) => Some(shot.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        });
    is_prompt(prompt).then(|| RawFrame {
        shot,
        prompt: prompt.to_owned(),
    })
}

/// More than a word.
fn is_prompt(text: &str) -> bool {
    text.split_whitespace().nth(2).is_some()
}
