//! Content hashes.

use std::fmt;
use std::str::FromStr;

/// The BLAKE3 hash of a blob; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    pub(crate) fn finish(hasher: &blake3::Hasher) -> Self {
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// The text is no hash.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct NoHash;

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        // One way to write a hash: it is also a file's name.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NoHash);
        }
        let hash = blake3::Hash::from_hex(text).map_err(|_| NoHash)?;
        Ok(Self(*hash.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = Hash::of(b"a frame");
        let text = hash.to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse(), Ok(hash));
    }

    #[test]
    fn anything_else_is_no_hash() {
        let upper = Hash::of(b"a frame").to_string().to_uppercase();
        for text in ["", "ab", "../../etc/passwd", &"g".repeat(64), &upper] {
            assert_eq!(text.parse::<Hash>(), Err(NoHash), "{text}");
        }
    }
}
