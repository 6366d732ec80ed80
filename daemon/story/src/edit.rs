//! Rewrites of a prompt.

use crate::span::Span;

/// One change to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty where something is only put in.
    pub span: Span,
    /// What stands there instead; empty where something is only taken out.
    pub replacement: String,
}

impl Edit {
    pub(crate) fn new(start: usize, end: usize, replacement: impl Into<String>) -> Self {
        Self {
            span: Span::new(start, end),
            replacement: replacement.into(),
        }
    }
}

/// The prompt with the edits made.
///
/// All spans mean the prompt as it was. Where two edits overlap, or do not fit
/// the prompt, the one that stands first in the text is made and the other is
/// left out.
#[must_use]
pub fn apply(prompt: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut rewritten = String::with_capacity(prompt.len());
    let mut done = 0;
    for edit in edits {
        let Span { start, end } = edit.span;
        if start < done || end < start {
            continue;
        }
        let (Some(kept), Some(_)) = (prompt.get(done..start), prompt.get(start..end)) else {
            continue;
        };
        rewritten.push_str(kept);
        rewritten.push_str(&edit.replacement);
        done = end;
    }
    rewritten.push_str(&prompt[done..]);
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_the_order_of_the_text_and_never_twice_in_one_place() {
        let edits = [
            Edit::new(4, 7, "fox"),
            Edit::new(0, 3, "one"),
            Edit::new(2, 5, "lost"),
            Edit::new(7, 7, "!"),
            Edit::new(90, 99, "outside"),
        ];
        assert_eq!(apply("the dog", &edits), "one fox!");
    }

    #[test]
    fn an_edit_within_a_character_is_left_out() {
        assert_eq!(apply("é", &[Edit::new(1, 2, "x")]), "é");
    }
}
