//! What the library keeps.

use std::fmt;
use std::str::FromStr;

/// A kind of thing that lies in the library, each in a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A checkpoint: a diffusers folder or a single file.
    Model,
    /// A low-rank adaptation of a model.
    Lora,
    /// Someone who appears in frames under one token.
    Character,
    /// A framing: close-up, full shot …
    Shot,
}

/// A word that names no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind; there are: model, lora, character, shot")]
pub struct UnknownKind(pub String);

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Model, Self::Lora, Self::Character, Self::Shot];

    /// Its word: `model`, `lora`, `character`, `shot`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Lora => "lora",
            Self::Character => "character",
            Self::Shot => "shot",
        }
    }

    /// Its folder in the data directory.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Lora => "loras",
            Self::Character => "characters",
            Self::Shot => "shots",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lora => "LoRA",
            other => other.as_str(),
        })
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        let mut kinds = Self::ALL.into_iter();
        kinds
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| UnknownKind(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_kinds_are_one_to_one() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("lorax".parse::<Kind>().is_err());
    }
}
