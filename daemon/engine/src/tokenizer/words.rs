//! What CLIP does to a text before it is encoded: NFC, lower case, and words
//! cut by its pattern. Every word remembers where in the text it stood.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// CLIP's words: English contractions, runs of letters, single digits, runs
/// of anything else that is not white space. The special tokens stand in the
/// pattern too; lower-casing can bring them about after they were looked for,
/// and then they are cut once more, as text.
static PATTERN: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"<\|startoftext\|>|<\|endoftext\|>|{WORDS}")));
static TEXT_PATTERN: LazyLock<Regex> = LazyLock::new(|| pattern(WORDS));

const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+";

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, checked by every test here")
}

/// A word as it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Its normalised text.
    pub(super) text: String,
    /// For each byte of `text`, the bytes of the source it came from.
    sources: Vec<Range<usize>>,
}

impl Word {
    /// Where in the source a part of the word came from.
    pub(super) fn source(&self, part: Range<usize>) -> Range<usize> {
        let bytes = &self.sources[part];
        match (bytes.first(), bytes.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }
}

/// A stretch of text without white space, normalised.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    pub(super) text: String,
    sources: Vec<Range<usize>>,
}

impl Stretch {
    /// The words of a part of the stretch.
    pub(super) fn words(&self, part: Range<usize>) -> impl Iterator<Item = Word> {
        let start = part.start;
        PATTERN
            .find_iter(&self.text[part])
            .flat_map(move |outer| {
                TEXT_PATTERN
                    .find_iter(outer.as_str())
                    .map(move |inner| (start + outer.start(), inner))
            })
            .map(|(start, found)| {
                let range = start + found.start()..start + found.end();
                Word {
                    text: found.as_str().to_owned(),
                    sources: self.sources[range].to_vec(),
                }
            })
    }

    /// Where in the source a part of the stretch came from.
    pub(super) fn source(&self, part: Range<usize>) -> Range<usize> {
        self.sources[part.start].start..self.sources[part.end - 1].end
    }
}

/// The normalised stretches of a section of a text that starts at `offset`.
///
/// Neither composition nor CLIP's words reach across white space, so the text
/// is taken apart there first; that keeps track of where everything came from.
pub(super) fn stretches(section: &str, offset: usize) -> impl Iterator<Item = Stretch> {
    section
        .split(char::is_whitespace)
        .filter(|stretch| !stretch.is_empty())
        .map(move |stretch| {
            let start = offset + (stretch.as_ptr() as usize - section.as_ptr() as usize);
            normalised(stretch, start)
        })
}

fn normalised(stretch: &str, start: usize) -> Stretch {
    let mut text = String::with_capacity(stretch.len());
    let mut sources = Vec::with_capacity(stretch.len());
    let mut push = |source: Range<usize>, character: char| {
        // Character by character, so without the rule for a final sigma that
        // lower-casing whole words would apply.
        for lower in character.to_lowercase() {
            text.push(lower);
            sources.extend(std::iter::repeat_n(source.clone(), lower.len_utf8()));
        }
    };
    if is_nfc(stretch) {
        for (at, character) in stretch.char_indices() {
            let source = start + at..start + at + character.len_utf8();
            push(source, character);
        }
    } else {
        for character in stretch.nfc() {
            push(start..start + stretch.len(), character);
        }
    }
    Stretch { text, sources }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, &str)> {
        stretches(text, 0)
            .flat_map(|stretch| {
                stretch
                    .words(0..stretch.text.len())
                    .map(|word| {
                        let source = word.source(0..word.text.len());
                        (word.text, &text[source])
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|(word, _)| word).collect()
    }

    #[test]
    fn words_are_cut_by_clips_pattern() {
        assert_eq!(
            texts("It's 42, don't!!"),
            ["it", "'s", "4", "2", ",", "don", "'t", "!!"]
        );
        assert_eq!(texts(" \t\n"), Vec::<String>::new());
        assert_eq!(texts("a\u{a0}b\u{2003}c"), ["a", "b", "c"]);
        assert_eq!(texts("''s"), ["''", "s"]);
        assert_eq!(
            texts("x<|EndOfText|>..."),
            ["x", "<|", "endoftext", "|>", "..."]
        );
    }

    #[test]
    fn text_is_composed_and_lower_cased() {
        assert_eq!(texts("E\u{301}cole"), ["école"]);
        assert_eq!(texts("ΑΣ"), ["ασ"]);
        assert_eq!(texts("İ"), ["i", "\u{307}"]);
    }

    #[test]
    fn words_know_where_they_came_from() {
        assert_eq!(
            words("  Él İs E\u{301}h!"),
            [
                ("él".to_owned(), "Él"),
                ("i".to_owned(), "İ"),
                ("\u{307}".to_owned(), "İ"),
                ("s".to_owned(), "s"),
                ("éh".to_owned(), "E\u{301}h!"),
                ("!".to_owned(), "E\u{301}h!"),
            ]
        );
    }
}
