//! Token ids, in the standard vocabulary and in a folder's own.

use std::borrow::Cow;

use framewright_engine::tokenizer::Tokenizer;
use serde::Deserialize;

use crate::golden;

#[derive(Deserialize)]
struct Tokens {
    standard: Vec<Case>,
    small: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
}

fn folder(name: &str, hide: &'static [&'static str]) -> Tokenizer {
    let folder = golden::path(name);
    Tokenizer::from_files(|file| {
        let name = file.trim_start_matches("tokenizer/");
        if hide.contains(&name) {
            return None;
        }
        std::fs::read(folder.join(name)).ok().map(Cow::Owned)
    })
    .unwrap()
}

#[test]
fn the_standard_vocabulary_gives_the_ids_of_transformers() {
    let tokens: Tokens = golden::json("tokens.json");
    let tokenizer = Tokenizer::standard();
    for case in tokens.standard {
        assert_eq!(tokenizer.encode(&case.text), case.ids, "{:?}", case.text);
    }
}

#[test]
fn a_folders_vocabulary_gives_the_ids_of_transformers() {
    let tokens: Tokens = golden::json("tokens.json");
    for tokenizer in [
        folder("tokenizer-small", &[]),
        folder("pipeline/tokenizer", &[]),
        folder("pipeline/tokenizer", &["vocab.json"]),
    ] {
        for case in &tokens.small {
            assert_eq!(tokenizer.encode(&case.text), case.ids, "{:?}", case.text);
        }
    }
}
