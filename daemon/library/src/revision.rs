//! Which version of a file someone has seen.

use std::fmt;
use std::str::FromStr;

/// BLAKE3 of a file's bytes: two versions with the same text are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

/// Whether `text` is a BLAKE3 hash as this program writes it.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A word that is no revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no revision: those are 64 hexadecimal digits, as they came with the text")]
pub struct NoRevision(pub String);

impl Revision {
    /// The revision of those bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Revision {
    type Err = NoRevision;

    fn from_str(word: &str) -> Result<Self, NoRevision> {
        if is_hash(word) {
            Ok(Self(word.to_owned()))
        } else {
            Err(NoRevision(word.chars().take(80).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_read_back() {
        let revision = Revision::of(b"text");
        assert_eq!(revision.as_str().parse(), Ok(revision.clone()));
        assert_ne!(revision, Revision::of(b"other"));
        assert!("abc".parse::<Revision>().is_err());
    }
}
