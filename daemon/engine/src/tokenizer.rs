//! CLIP's tokenizer: text in, token ids out, token for token those of
//! transformers' `CLIPTokenizer`.
//!
//! A model folder brings its own vocabulary. A single-file checkpoint has
//! none in it: it takes the vocabulary that OpenAI published with CLIP, which
//! every Stable Diffusion 1.x was trained with.

mod bpe;
mod files;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use bpe::{Bpe, END_OF_WORD};
use files::{Special, TokenizerFiles};
use words::Word;

/// Why a tokenizer cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The folder has no vocabulary.
    #[error(
        "the model has no tokenizer: its folder needs tokenizer/vocab.json and \
         tokenizer/merges.txt, or tokenizer/tokenizer.json"
    )]
    Missing,
    /// A file cannot be understood.
    #[error("tokenizer/{file} cannot be used: {reason}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A special token is not in the vocabulary.
    #[error("the tokenizer's vocabulary has no {role} token {content:?}")]
    Special {
        /// What the token is for.
        role: &'static str,
        /// Its text.
        content: String,
    },
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id in the vocabulary.
    pub id: u32,
    /// Its text in the vocabulary; `</w>` marks the end of a word.
    pub piece: String,
    /// The bytes of the text that it stands for.
    pub span: Range<usize>,
}

/// CLIP's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    specials: Vec<(Special, u32)>,
    bos: u32,
    eos: u32,
    pad: u32,
    max_length: usize,
}

enum Vocabulary {
    Files(Box<Bpe>),
    Standard(Box<instant_clip_tokenizer::Tokenizer>),
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Files(_) => "Files",
            Self::Standard(_) => "Standard",
        })
    }
}

impl Tokenizer {
    /// The length of CLIP's context, where nothing else is said.
    pub const CLIP_MAX_LENGTH: usize = 77;

    /// The files of a model folder that say something about its tokenizer.
    pub const FILES: [&str; 5] = [
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "tokenizer/special_tokens_map.json",
    ];

    /// The tokenizer of a model folder. `read` gives each of
    /// [`FILES`](Self::FILES), or nothing where there is none.
    ///
    /// # Errors
    /// [`TokenizerError`] when files are missing or do not fit together.
    pub fn from_files<'a>(
        read: impl Fn(&str) -> Option<Cow<'a, [u8]>>,
    ) -> Result<Self, TokenizerError> {
        let files = TokenizerFiles::read(read)?;
        let id = |role: &'static str, special: &Special| {
            files
                .vocabulary
                .get(&special.content)
                .copied()
                .ok_or_else(|| TokenizerError::Special {
                    role,
                    content: special.content.clone(),
                })
        };
        let bos = id("beginning-of-text", &files.bos)?;
        let eos = id("end-of-text", &files.eos)?;
        let pad = id("padding", &files.pad)?;
        let unknown = id("unknown", &files.unknown)?;
        // Where two of them are the same text, the last one says how it is
        // looked for.
        let mut specials: Vec<(Special, u32)> = Vec::new();
        for (special, id) in [
            (files.bos, bos),
            (files.eos, eos),
            (files.unknown, unknown),
            (files.pad, pad),
        ] {
            specials.retain(|(earlier, _)| earlier.content != special.content);
            specials.push((special, id));
        }
        let bpe = Bpe::new(files.vocabulary, &files.merges, unknown).map_err(|error| {
            TokenizerError::File {
                file: "merges.txt".to_owned(),
                reason: format!(
                    "merge {} needs {:?}, which the vocabulary does not have",
                    error.line, error.missing
                ),
            }
        })?;
        Ok(Self {
            vocabulary: Vocabulary::Files(Box::new(bpe)),
            specials,
            bos,
            eos,
            pad,
            max_length: files.max_length.unwrap_or(Self::CLIP_MAX_LENGTH),
        })
    }

    /// The tokenizer of CLIP ViT-L/14 and so of every Stable Diffusion 1.x.
    #[must_use]
    pub fn standard() -> Self {
        let tokenizer = instant_clip_tokenizer::Tokenizer::new();
        let bos = u32::from(tokenizer.start_of_text().to_u16());
        let eos = u32::from(tokenizer.end_of_text().to_u16());
        let special = |content: &str| Special {
            content: content.to_owned(),
            normalized: false,
        };
        Self {
            specials: vec![
                (special("<|startoftext|>"), bos),
                (special("<|endoftext|>"), eos),
            ],
            vocabulary: Vocabulary::Standard(Box::new(tokenizer)),
            bos,
            eos,
            pad: eos,
            max_length: Self::CLIP_MAX_LENGTH,
        }
    }

    /// The token before a text.
    #[must_use]
    pub fn bos(&self) -> u32 {
        self.bos
    }

    /// The token after a text.
    #[must_use]
    pub fn eos(&self) -> u32 {
        self.eos
    }

    /// The token that fills a context up.
    #[must_use]
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// How many tokens a context holds, the two around the text included.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The token ids of a text, without those around it.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.tokenize(text)
            .into_iter()
            .map(|token| token.id)
            .collect()
    }

    /// The tokens of a text, without those around it.
    #[must_use]
    pub fn tokenize(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (part, special) in self.split_at_specials(text, 0..text.len(), false) {
            if let Some(index) = special {
                self.push_special(index, part, &mut tokens);
                continue;
            }
            for stretch in words::stretches(&text[part.clone()], part.start) {
                let whole = 0..stretch.text.len();
                for (part, special) in self.split_at_specials(&stretch.text, whole, true) {
                    match special {
                        Some(index) => {
                            self.push_special(index, stretch.source(part), &mut tokens);
                        }
                        None => {
                            for word in stretch.words(part) {
                                self.push_word(&word, &mut tokens);
                            }
                        }
                    }
                }
            }
        }
        tokens
    }

    /// Cuts special tokens out of a text: those that are looked for in the
    /// normalised text, or the others.
    fn split_at_specials(
        &self,
        text: &str,
        within: Range<usize>,
        normalized: bool,
    ) -> Vec<(Range<usize>, Option<usize>)> {
        let mut parts = Vec::new();
        let mut rest = within;
        loop {
            let next = self
                .specials
                .iter()
                .enumerate()
                .filter(|(_, (special, _))| {
                    special.normalized == normalized && !special.content.is_empty()
                })
                .filter_map(|(index, (special, _))| {
                    let content = if normalized {
                        Cow::Owned(special.content.to_lowercase())
                    } else {
                        Cow::Borrowed(&special.content)
                    };
                    let at = rest.start + text[rest.clone()].find(content.as_str())?;
                    Some((at, at + content.len(), index))
                })
                // The leftmost, and of two there the longer one.
                .min_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
            let Some((start, end, index)) = next else {
                break;
            };
            if start > rest.start {
                parts.push((rest.start..start, None));
            }
            parts.push((start..end, Some(index)));
            rest.start = end;
        }
        if !rest.is_empty() {
            parts.push((rest, None));
        }
        parts
    }

    fn push_special(&self, index: usize, span: Range<usize>, tokens: &mut Vec<Token>) {
        let (special, id) = &self.specials[index];
        tokens.push(Token {
            id: *id,
            piece: special.content.clone(),
            span,
        });
    }

    fn push_word(&self, word: &Word, tokens: &mut Vec<Token>) {
        match &self.vocabulary {
            Vocabulary::Files(bpe) => {
                for (id, part) in bpe.encode(&word.text) {
                    tokens.push(Token {
                        id,
                        piece: bpe.piece(id).unwrap_or_default().to_owned(),
                        span: word.source(part),
                    });
                }
            }
            Vocabulary::Standard(standard) => {
                let mut ids = Vec::new();
                standard.encode(&word.text, &mut ids);
                let whole = 0..word.text.len();
                let mut start = 0;
                let count = ids.len();
                for (index, id) in ids.into_iter().enumerate() {
                    let mut piece = standard.decode([id]);
                    let is_last = index + 1 == count;
                    if is_last && piece.ends_with(' ') {
                        piece.pop();
                    }
                    // A token may hold half a character; then only the word's
                    // place is known.
                    let end = start + piece.len();
                    let known = word.text.get(start..end) == Some(piece.as_str());
                    let part = if known { start..end } else { whole.clone() };
                    start = if known { end } else { whole.end };
                    if is_last {
                        piece.push_str(END_OF_WORD);
                    }
                    tokens.push(Token {
                        id: u32::from(id.to_u16()),
                        piece,
                        span: word.source(part),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A vocabulary of the letters of a few words.
    fn small(config: &str) -> Result<Tokenizer, TokenizerError> {
        let mut vocabulary = BTreeMap::new();
        for letter in ('a'..='z').chain(['!', '<', '|', '>']) {
            for piece in [letter.to_string(), format!("{letter}</w>")] {
                vocabulary.insert(piece, vocabulary.len() as u32);
            }
        }
        for piece in ["re", "red</w>", "<bos>", "<eos>", "<unk>"] {
            vocabulary.insert(piece.to_owned(), vocabulary.len() as u32);
        }
        let files = BTreeMap::from([
            (
                "tokenizer/vocab.json",
                serde_json::to_vec(&vocabulary).unwrap(),
            ),
            (
                "tokenizer/merges.txt",
                b"#version: 0.2\nr e\nre d</w>\n".to_vec(),
            ),
            (
                "tokenizer/tokenizer_config.json",
                config.as_bytes().to_vec(),
            ),
        ]);
        Tokenizer::from_files(|name| files.get(name).map(|bytes| Cow::Borrowed(&bytes[..])))
    }

    const CONFIG: &str = r#"{"bos_token": {"content": "<bos>", "normalized": true},
        "eos_token": "<eos>", "pad_token": "<eos>", "unk_token": "<unk>",
        "model_max_length": 20}"#;

    fn pieces(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
        tokenizer
            .tokenize(text)
            .into_iter()
            .map(|token| token.piece)
            .collect()
    }

    #[test]
    fn a_folder_brings_its_own_vocabulary_and_specials() {
        let tokenizer = small(CONFIG).unwrap();
        assert_eq!(tokenizer.max_length(), 20);
        assert_eq!(tokenizer.pad(), tokenizer.eos());
        assert_ne!(tokenizer.bos(), tokenizer.eos());
        assert_eq!(pieces(&tokenizer, "Red re"), ["red</w>", "r", "e</w>"]);
        assert_eq!(pieces(&tokenizer, "aé"), ["a", "<unk>", "<unk>"]);
    }

    #[test]
    fn specials_in_a_text_are_single_tokens() {
        let tokenizer = small(CONFIG).unwrap();
        assert_eq!(
            pieces(&tokenizer, "a<eos>b<bos>"),
            ["a</w>", "<eos>", "b</w>", "<bos>"]
        );
        // Only what is looked for in the normalised text is found in capitals.
        assert_eq!(pieces(&tokenizer, "<BOS>"), ["<bos>"]);
        assert_eq!(pieces(&tokenizer, "<EOS>").len(), 5);
    }

    #[test]
    fn spans_lead_back_to_the_text() {
        for tokenizer in [small(CONFIG).unwrap(), Tokenizer::standard()] {
            let text = "  A Red\u{a0}red<eos> zzz é!";
            for token in tokenizer.tokenize(text) {
                let source = text[token.span.clone()].to_lowercase();
                let piece = token.piece.trim_end_matches("</w>");
                if piece.is_ascii() && !piece.starts_with('<') {
                    assert_eq!(source, piece);
                }
            }
        }
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused() {
        let error = small(r#"{"eos_token": "<end>", "bos_token": "<bos>"}"#).unwrap_err();
        assert!(
            matches!(&error, TokenizerError::Special { content, .. } if content == "<end>"),
            "{error}"
        );
        assert!(matches!(
            small("{").unwrap_err(),
            TokenizerError::File { .. }
        ));
        let none = Tokenizer::from_files(|_| None);
        assert!(matches!(none.unwrap_err(), TokenizerError::Missing));
    }

    #[test]
    fn the_standard_vocabulary_is_clips() {
        let tokenizer = Tokenizer::standard();
        assert_eq!((tokenizer.bos(), tokenizer.eos()), (49406, 49407));
        assert_eq!(
            tokenizer.encode("a photo of a cat"),
            [320, 1125, 539, 320, 2368]
        );
        assert_eq!(pieces(&tokenizer, "It's"), ["it</w>", "'s</w>"]);
    }
}
