//! A tokenizer's files in a model folder.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::TokenizerError;

/// No real vocabulary, merges or tokenizer file comes near this size.
const LARGEST_FILE: usize = 64 << 20;

/// What the files say, checked for form.
pub(super) struct TokenizerFiles {
    pub(super) vocabulary: HashMap<String, u32>,
    pub(super) merges: Merges,
    pub(super) bos: Special,
    pub(super) eos: Special,
    pub(super) pad: Special,
    pub(super) unknown: Special,
    pub(super) max_length: Option<usize>,
}

/// A special token as a configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Special {
    pub(super) content: String,
    /// Whether it is looked for in the normalised text.
    pub(super) normalized: bool,
}

impl TokenizerFiles {
    /// Reads `tokenizer/vocab.json` and `merges.txt`, or `tokenizer.json`, and
    /// what else says something about them.
    pub(super) fn read<'a>(
        read: impl Fn(&str) -> Option<Cow<'a, [u8]>>,
    ) -> Result<Self, TokenizerError> {
        let read = |name: &str| -> Result<Option<Cow<'a, [u8]>>, TokenizerError> {
            match read(&format!("tokenizer/{name}")) {
                Some(bytes) if bytes.len() > LARGEST_FILE => Err(TokenizerError::File {
                    file: name.to_owned(),
                    reason: format!("it is larger than {} MiB", LARGEST_FILE >> 20),
                }),
                bytes => Ok(bytes),
            }
        };
        let (vocabulary, merges) = match (read("vocab.json")?, read("merges.txt")?) {
            (Some(vocabulary), Some(merges)) => (
                json::<HashMap<String, u32>>("vocab.json", &vocabulary)?,
                merges_text(&merges)?,
            ),
            _ => match read("tokenizer.json")? {
                Some(bytes) => tokenizer_json(&bytes)?,
                None => return Err(TokenizerError::Missing),
            },
        };

        let config: Value = match read("tokenizer_config.json")? {
            Some(bytes) => json("tokenizer_config.json", &bytes)?,
            None => Value::Null,
        };
        let map: Value = match read("special_tokens_map.json")? {
            Some(bytes) => json("special_tokens_map.json", &bytes)?,
            None => Value::Null,
        };
        let special = |key: &str, default: &str| {
            [&config, &map]
                .into_iter()
                .find_map(|file| Special::from_json(file.get(key)?))
                .unwrap_or_else(|| Special {
                    content: default.to_owned(),
                    normalized: false,
                })
        };
        let max_length = config
            .get("model_max_length")
            .and_then(Value::as_f64)
            // Files without a limit say 1e30.
            .filter(|&length| (1.0..1e6).contains(&length))
            .map(|length| length as usize);
        Ok(Self {
            vocabulary,
            merges,
            bos: special("bos_token", "<|startoftext|>"),
            eos: special("eos_token", "<|endoftext|>"),
            pad: special("pad_token", "<|endoftext|>"),
            unknown: special("unk_token", "<|endoftext|>"),
            max_length,
        })
    }
}

impl Special {
    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(content) => Some(Self {
                content: content.clone(),
                normalized: false,
            }),
            Value::Object(token) => Some(Self {
                content: token.get("content")?.as_str()?.to_owned(),
                normalized: token
                    .get("normalized")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
            }),
            _ => None,
        }
    }
}

fn json<T: for<'a> Deserialize<'a>>(file: &str, bytes: &[u8]) -> Result<T, TokenizerError> {
    serde_json::from_slice(bytes).map_err(|error| TokenizerError::File {
        file: file.to_owned(),
        reason: error.to_string(),
    })
}

/// `merges.txt`: a pair a line, the most frequent first.
fn merges_text(bytes: &[u8]) -> Result<Merges, TokenizerError> {
    let fail = |reason: String| TokenizerError::File {
        file: "merges.txt".to_owned(),
        reason,
    };
    let text = std::str::from_utf8(bytes).map_err(|error| fail(error.to_string()))?;
    text.lines()
        .enumerate()
        .filter(|(number, line)| {
            let is_header = *number == 0 && line.starts_with("#version");
            !is_header && !line.trim().is_empty()
        })
        .map(|(number, line)| {
            line.trim_end()
                .split_once(' ')
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or_else(|| fail(format!("line {} is not a pair", number + 1)))
        })
        .collect()
}

/// Merges, the most frequent first.
type Merges = Vec<(String, String)>;

/// The byte pair model in a `tokenizer.json`.
fn tokenizer_json(bytes: &[u8]) -> Result<(HashMap<String, u32>, Merges), TokenizerError> {
    #[derive(Deserialize)]
    struct File {
        model: Model,
    }
    #[derive(Deserialize)]
    struct Model {
        #[serde(rename = "type")]
        kind: Option<String>,
        end_of_word_suffix: Option<String>,
        vocab: HashMap<String, u32>,
        merges: Vec<Merge>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Merge {
        Pair(String, String),
        Line(String),
    }
    let fail = |reason: &str| TokenizerError::File {
        file: "tokenizer.json".to_owned(),
        reason: reason.to_owned(),
    };
    let File { model } = json("tokenizer.json", bytes)?;
    if model.kind.is_some_and(|kind| kind != "BPE")
        || model.end_of_word_suffix.as_deref() != Some("</w>")
    {
        return Err(fail(
            "it is not CLIP's byte pair encoding (a BPE model with the end-of-word suffix </w>)",
        ));
    }
    let merges = model
        .merges
        .into_iter()
        .map(|merge| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Line(line) => line
                .split_once(' ')
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or_else(|| fail("a merge is not a pair")),
        })
        .collect::<Result<_, _>>()?;
    Ok((model.vocab, merges))
}
