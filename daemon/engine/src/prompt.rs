//! Prompts: weights, escapes and chunks, as users of other tools know them.
//!
//! * `(word)` weighs 1.1 times as much, `[word]` 1/1.1 times, `(word:1.3)`
//!   1.3 times; brackets nest and their weights multiply. A bracket that is
//!   never closed ends with the prompt.
//! * `\(`, `\)`, `\[`, `\]` and `\\` are the characters themselves.
//! * A prompt longer than the text encoder's context is cut into chunks that
//!   are encoded one by one and laid end to end. A chunk that is full is cut
//!   after its last comma where that is no more than 20 tokens back, so that
//!   phrases stay whole. `BREAK` starts a new chunk.
//!
//! These are the conventions of AUTOMATIC1111's stable-diffusion-webui. How
//! weights act on the embeddings is in [`crate::conditioning`].

use std::ops::Range;

use crate::tokenizer::Tokenizer;

/// A prompt longer than this is refused before it is looked at.
pub const LONGEST_PROMPT: usize = 16 * 1024;
/// More chunks than this are refused.
pub const MOST_CHUNKS: usize = 16;
/// A weight beyond this, either way, is refused.
pub const LARGEST_WEIGHT: f32 = 16.0;
/// How far a full chunk is cut back to its last comma, in tokens.
const COMMA_BACKTRACK: usize = 20;

/// Why a prompt cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PromptError {
    /// Too many bytes.
    #[error("the prompt has {bytes} bytes; {LONGEST_PROMPT} are the most. Shorten it")]
    TooLong {
        /// Its length in UTF-8.
        bytes: usize,
    },
    /// Too many chunks.
    #[error(
        "the prompt fills {chunks} chunks of {tokens} tokens; {MOST_CHUNKS} are the most. \
         Shorten it"
    )]
    TooManyChunks {
        /// How many it fills.
        chunks: usize,
        /// How many tokens a chunk holds.
        tokens: usize,
    },
    /// A weight that would drown everything else.
    #[error(
        "{text:?} in the prompt weighs {weight}; weights go from -{LARGEST_WEIGHT} to \
         {LARGEST_WEIGHT}, brackets multiplied"
    )]
    Weight {
        /// The weighted text.
        text: String,
        /// Its weight.
        weight: f32,
    },
}

/// A stretch of a prompt with one weight, its brackets and escapes resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// The text that is encoded.
    pub text: String,
    /// How much it weighs.
    pub weight: f32,
    /// For each byte of `text`, its place in the prompt.
    places: Vec<usize>,
}

/// A part of a parsed prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Weighted text.
    Text(Fragment),
    /// `BREAK`: what follows starts a new chunk.
    Break,
}

/// Takes a prompt's weights and escapes apart.
///
/// # Errors
/// [`PromptError`] when the prompt is too long or a weight too large.
pub fn parse(prompt: &str) -> Result<Vec<Part>, PromptError> {
    if prompt.len() > LONGEST_PROMPT {
        return Err(PromptError::TooLong {
            bytes: prompt.len(),
        });
    }
    let mut parser = Parser::default();
    let mut at = 0;
    while let Some(next) = prompt[at..].chars().next() {
        let rest = &prompt[at..];
        at += match next {
            '\\' => {
                let escaped = rest[1..].chars().next();
                match escaped {
                    Some(bracket @ ('(' | ')' | '[' | ']' | '\\')) => {
                        parser.text(&rest[1..2], at + 1);
                        1 + bracket.len_utf8()
                    }
                    // A backslash before anything else is dropped.
                    _ => 1,
                }
            }
            '(' => {
                parser.round.push(parser.parts.len());
                1
            }
            '[' => {
                parser.square.push(parser.parts.len());
                1
            }
            ')' if !parser.round.is_empty() => {
                parser.close_round(1.1);
                1
            }
            ']' if !parser.square.is_empty() => {
                parser.close_square();
                1
            }
            ':' if !parser.round.is_empty() => match weight_and_bracket(rest) {
                Some((weight, length)) => {
                    parser.close_round(weight);
                    length
                }
                None => {
                    parser.text(":", at);
                    1
                }
            },
            ')' | ']' | ':' => {
                parser.text(&rest[..1], at);
                1
            }
            _ => {
                let length = rest
                    .find(['\\', '(', ')', '[', ']', ':'])
                    .unwrap_or(rest.len());
                parser.text_with_breaks(&rest[..length], at);
                length
            }
        };
    }
    parser.finish()
}

/// `: 1.2 )` at the start of a text: the number, and how long that is.
fn weight_and_bracket(text: &str) -> Option<(f32, usize)> {
    let (inside, _) = text.strip_prefix(':')?.split_once(')')?;
    let number = inside.trim();
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    Some((number.parse().ok()?, 1 + inside.len() + 1))
}

#[derive(Default)]
struct Parser {
    parts: Vec<Part>,
    round: Vec<usize>,
    square: Vec<usize>,
}

impl Parser {
    fn text(&mut self, text: &str, place: usize) {
        if !text.is_empty() {
            self.parts.push(Part::Text(Fragment {
                text: text.to_owned(),
                weight: 1.0,
                places: (place..place + text.len()).collect(),
            }));
        }
    }

    fn text_with_breaks(&mut self, text: &str, place: usize) {
        const BREAK: &str = "BREAK";
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut start = 0;
        for (at, _) in text.match_indices(BREAK) {
            let after = at + BREAK.len();
            if text[..at].ends_with(is_word) || text[after..].starts_with(is_word) {
                continue;
            }
            self.text(text[start..at].trim_end(), place + start);
            self.parts.push(Part::Break);
            start = after + (text[after..].len() - text[after..].trim_start().len());
        }
        self.text(&text[start..], place + start);
    }

    fn close_round(&mut self, factor: f32) {
        if let Some(start) = self.round.pop() {
            self.multiply(start, factor);
        }
    }

    fn close_square(&mut self) {
        if let Some(start) = self.square.pop() {
            self.multiply(start, 1.0 / 1.1);
        }
    }

    fn multiply(&mut self, start: usize, factor: f32) {
        for part in &mut self.parts[start..] {
            if let Part::Text(fragment) = part {
                fragment.weight *= factor;
            }
        }
    }

    /// Closes what is open and joins neighbours of the same weight.
    fn finish(mut self) -> Result<Vec<Part>, PromptError> {
        while !self.round.is_empty() {
            self.close_round(1.1);
        }
        while !self.square.is_empty() {
            self.close_square();
        }
        let mut joined: Vec<Part> = Vec::new();
        for part in self.parts {
            match (joined.last_mut(), part) {
                (Some(Part::Text(last)), Part::Text(next)) if last.weight == next.weight => {
                    last.text.push_str(&next.text);
                    last.places.extend(next.places);
                }
                (_, Part::Text(next)) => {
                    // A weight that overflowed to infinity is caught here too.
                    if next.weight.is_nan() || next.weight.abs() > LARGEST_WEIGHT {
                        return Err(PromptError::Weight {
                            text: next.text.chars().take(60).collect(),
                            weight: next.weight,
                        });
                    }
                    joined.push(Part::Text(next));
                }
                (_, Part::Break) => joined.push(Part::Break),
            }
        }
        Ok(joined)
    }
}

/// A token of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptToken {
    /// Its id in the vocabulary.
    pub id: u32,
    /// Its text in the vocabulary; `</w>` marks the end of a word.
    pub piece: String,
    /// How much it weighs.
    pub weight: f32,
    /// The bytes of the prompt that it stands for.
    pub span: Range<usize>,
}

/// A chunk of a prompt: what the text encoder sees at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chunk {
    /// The prompt's own tokens in it.
    pub tokens: Vec<PromptToken>,
}

/// A prompt's tokens, in chunks. There is always at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptTokens {
    /// The chunks, first to last.
    pub chunks: Vec<Chunk>,
    context: usize,
    bos: u32,
    eos: u32,
    pad: u32,
}

impl PromptTokens {
    /// The tokens of a prompt for a text encoder whose context holds `context`
    /// tokens, the two around a text included.
    ///
    /// # Errors
    /// [`PromptError`] when the prompt is too long or a weight too large.
    pub fn new(tokenizer: &Tokenizer, context: usize, prompt: &str) -> Result<Self, PromptError> {
        let room = context.saturating_sub(2).max(1);
        let comma = match tokenizer.encode(",")[..] {
            [comma] => Some(comma),
            _ => None,
        };
        let mut chunks = Vec::new();
        let mut chunk = Chunk::default();
        let mut last_comma = None;
        for part in parse(prompt)? {
            let fragment = match part {
                Part::Break => {
                    chunks.push(std::mem::take(&mut chunk));
                    last_comma = None;
                    continue;
                }
                Part::Text(fragment) => fragment,
            };
            for token in tokenizer.tokenize(&fragment.text) {
                if chunk.tokens.len() == room {
                    let cut = last_comma
                        .filter(|&at| Some(token.id) != comma && room - at <= COMMA_BACKTRACK)
                        .map_or(room, |at| at + 1);
                    let moved = chunk.tokens.split_off(cut);
                    chunks.push(std::mem::replace(&mut chunk, Chunk { tokens: moved }));
                    last_comma = None;
                }
                if Some(token.id) == comma {
                    last_comma = Some(chunk.tokens.len());
                }
                let places = &fragment.places[token.span];
                let span = match (places.first(), places.last()) {
                    (Some(first), Some(last)) => *first..last + 1,
                    _ => 0..0,
                };
                chunk.tokens.push(PromptToken {
                    id: token.id,
                    piece: token.piece,
                    weight: fragment.weight,
                    span,
                });
            }
        }
        if !chunk.tokens.is_empty() || chunks.is_empty() {
            chunks.push(chunk);
        }
        if chunks.len() > MOST_CHUNKS {
            return Err(PromptError::TooManyChunks {
                chunks: chunks.len(),
                tokens: room,
            });
        }
        Ok(Self {
            chunks,
            context,
            bos: tokenizer.bos(),
            eos: tokenizer.eos(),
            pad: tokenizer.pad(),
        })
    }

    /// Adds empty chunks until there are `count`: a prompt and its negative
    /// prompt are encoded to the same length.
    pub fn pad_to(&mut self, count: usize) {
        while self.chunks.len() < count {
            self.chunks.push(Chunk::default());
        }
    }

    /// What the text encoder is given for a chunk: as many ids as its context
    /// holds.
    #[must_use]
    pub fn ids(&self, chunk: &Chunk) -> Vec<u32> {
        let mut ids = Vec::with_capacity(self.context);
        ids.push(self.bos);
        ids.extend(chunk.tokens.iter().map(|token| token.id));
        ids.push(self.eos);
        ids.resize(self.context, self.pad);
        ids
    }

    /// The weight of each of the chunk's [`ids`](Self::ids).
    #[must_use]
    pub fn weights(&self, chunk: &Chunk) -> Vec<f32> {
        let mut weights = vec![1.0];
        weights.extend(chunk.tokens.iter().map(|token| token.weight));
        weights.resize(self.context, 1.0);
        weights
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weighted(prompt: &str) -> Vec<(String, f32)> {
        parse(prompt)
            .unwrap()
            .into_iter()
            .map(|part| match part {
                Part::Text(fragment) => {
                    assert_eq!(fragment.text.len(), fragment.places.len());
                    for (byte, &place) in fragment.text.bytes().zip(&fragment.places) {
                        assert_eq!(byte, prompt.as_bytes()[place], "{prompt}");
                    }
                    (fragment.text, (fragment.weight * 1e4).round() / 1e4)
                }
                Part::Break => ("BREAK".to_owned(), -1.0),
            })
            .collect()
    }

    fn expect(prompt: &str, expected: &[(&str, f32)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(text, weight)| ((*text).to_owned(), *weight))
            .collect();
        assert_eq!(weighted(prompt), expected, "{prompt}");
    }

    #[test]
    fn brackets_weigh() {
        expect("", &[]);
        expect("a word", &[("a word", 1.0)]);
        expect(
            "an (important) word",
            &[("an ", 1.0), ("important", 1.1), (" word", 1.0)],
        );
        expect("(word:1.3)", &[("word", 1.3)]);
        expect("(word: +.5 )", &[("word", 0.5)]);
        expect("(word:-1)", &[("word", -1.0)]);
        expect("[word]", &[("word", 0.9091)]);
        expect("((word))", &[("word", 1.21)]);
        expect("(a [b] c:2)", &[("a ", 2.0), ("b", 1.8182), (" c", 2.0)]);
        expect("(unclosed", &[("unclosed", 1.1)]);
        expect("[[unclosed", &[("unclosed", 0.8264)]);
        expect(
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky)))",
            &[
                ("a ", 1.0),
                ("house", 1.573),
                (" ", 1.1),
                ("on", 1.0),
                (" a ", 1.1),
                ("hill", 0.55),
                (", sun, ", 1.1),
                ("sky", 1.4641),
            ],
        );
    }

    #[test]
    fn what_is_not_syntax_is_text() {
        expect("a) b] c:1.2) d: e", &[("a) b] c:1.2) d: e", 1.0)]);
        expect(r"\(a\) \[b\] \\ \c", &[(r"(a) [b] \ c", 1.0)]);
        expect(r"(\(a\):1.5)", &[("(a)", 1.5)]);
        expect("(a:b)", &[("a:b", 1.1)]);
        expect("(a:1.2.3)", &[("a:1.2.3", 1.1)]);
        expect("ends with \\", &[("ends with ", 1.0)]);
    }

    #[test]
    fn break_starts_a_chunk() {
        expect("a BREAK b", &[("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]);
        expect("BREAKFAST aBREAK", &[("BREAKFAST aBREAK", 1.0)]);
        expect(
            "(a BREAK b:1.5)",
            &[("a", 1.5), ("BREAK", -1.0), ("b", 1.5)],
        );
    }

    #[test]
    fn limits_are_errors() {
        assert!(matches!(
            parse(&"x".repeat(LONGEST_PROMPT + 1)),
            Err(PromptError::TooLong { bytes }) if bytes == LONGEST_PROMPT + 1
        ));
        assert!(matches!(
            parse("(word:17)"),
            Err(PromptError::Weight { .. })
        ));
        let nested = "(".repeat(2000) + "word";
        assert!(matches!(parse(&nested), Err(PromptError::Weight { .. })));
        let tokenizer = Tokenizer::standard();
        let long = "word ".repeat(75 * MOST_CHUNKS);
        assert_eq!(
            PromptTokens::new(&tokenizer, 77, &long)
                .unwrap()
                .chunks
                .len(),
            MOST_CHUNKS
        );
        assert!(matches!(
            PromptTokens::new(&tokenizer, 77, &(long + "more")),
            Err(PromptError::TooManyChunks { .. })
        ));
    }

    #[test]
    fn an_empty_prompt_is_one_chunk() {
        let tokens = PromptTokens::new(&Tokenizer::standard(), 77, "").unwrap();
        assert_eq!(tokens.chunks.len(), 1);
        let ids = tokens.ids(&tokens.chunks[0]);
        assert_eq!(ids[0], 49406);
        assert_eq!(ids[1..], [49407; 76]);
    }

    #[test]
    fn long_prompts_are_cut_after_a_comma() {
        let tokenizer = Tokenizer::standard();
        let lengths = |prompt: &str| -> Vec<usize> {
            PromptTokens::new(&tokenizer, 77, prompt)
                .unwrap()
                .chunks
                .iter()
                .map(|chunk| chunk.tokens.len())
                .collect()
        };
        let words = |count| "word ".repeat(count);
        assert_eq!(lengths(&words(75)), [75]);
        assert_eq!(lengths(&words(76)), [75, 1]);
        // A comma 15 tokens before the end, and one too far back.
        assert_eq!(lengths(&format!("{}, {}", words(60), words(30))), [61, 30]);
        assert_eq!(lengths(&format!("{}, {}", words(30), words(60))), [75, 16]);
        assert_eq!(lengths("a BREAK b"), [1, 1]);
        assert_eq!(lengths("BREAK"), [0]);
    }

    #[test]
    fn tokens_carry_weight_and_place() {
        let tokenizer = Tokenizer::standard();
        let prompt = r"a (red\) hat:1.5), Élan";
        let tokens = PromptTokens::new(&tokenizer, 77, prompt).unwrap();
        let chunk = &tokens.chunks[0];
        let found: Vec<(&str, f32)> = chunk
            .tokens
            .iter()
            .map(|token| (&prompt[token.span.clone()], token.weight))
            .collect();
        assert_eq!(
            found[..4],
            [("a", 1.0), ("red", 1.5), (")", 1.5), ("hat", 1.5)]
        );
        let weights = tokens.weights(chunk);
        assert_eq!(weights.len(), 77);
        assert_eq!(weights[..5], [1.0, 1.0, 1.5, 1.5, 1.5]);
        assert!(weights[5..].iter().all(|w| *w == 1.0));
    }

    #[test]
    fn both_prompts_are_padded_to_the_same_length() {
        let tokenizer = Tokenizer::standard();
        let mut tokens = PromptTokens::new(&tokenizer, 77, "a").unwrap();
        tokens.pad_to(3);
        assert_eq!(tokens.chunks.len(), 3);
        assert_eq!(tokens.ids(&tokens.chunks[2])[1], tokenizer.eos());
    }

    proptest! {
        #[test]
        fn no_prompt_panics(prompt in r"[a-z ()\[\]\\:.0-9BREAKé日\n]{0,80}") {
            if let Ok(parts) = parse(&prompt) {
                for part in parts {
                    if let Part::Text(fragment) = part {
                        prop_assert_eq!(fragment.text.len(), fragment.places.len());
                    }
                }
            }
        }
    }
}
