//! Words of a prompt.

use crate::span::Span;

/// One word: letters, digits and underscores.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// In lower case.
    pub text: String,
    pub span: Span,
}

/// Marks that change the letter before them belong to its word: without them a
/// name would end in the middle of a letter.
fn is_joining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || is_joining(character)
}

/// All words, in order.
pub(crate) fn words(prompt: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in prompt.char_indices().chain([(prompt.len(), ' ')]) {
        match (start, is_of_word(character)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push(Word {
                    text: prompt[from..at].to_lowercase(),
                    span: Span::new(from, at),
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Whether a gap between two words leaves them one phrase: "close-up", "close up".
pub(crate) fn joins(gap: &str) -> bool {
    gap.chars()
        .all(|character| character.is_whitespace() || matches!(character, '-' | '‐' | '‑'))
}

/// Whitespace as single spaces, none at the ends.
pub(crate) fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for part in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(part);
    }
    collapsed
}
