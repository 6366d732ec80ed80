//! Boards: a scene's frames, their candidates and what was picked.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de};

use crate::kind::Kind;
use crate::manifest::{Manifest, Misfit};

/// The most frames of a board.
const MOST_FRAMES: usize = 2_000;

/// A board's manifest, `boards/NAME/board.toml`.
///
/// ```toml
/// scene = "Kaito finds a letter in a dusty library"
///
/// [[frames]]
/// shot = "close-up"
/// prompt = "close up of kaitoyosuke man, in a dusty library, soft daylight"
/// pick = 0                    # which candidate, from 0; left out: none yet
///
/// [[frames.candidates]]
/// seed = 7                    # above 2^63 - 1: as text
/// image = "…"                 # BLAKE3 of the picture, 64 hexadecimal digits
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// What happens.
    #[serde(default)]
    pub scene: String,
    /// The frames in order.
    #[serde(default)]
    pub frames: Vec<BoardFrame>,
}

/// A frame of a board.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardFrame {
    /// The shot's name.
    pub shot: Option<String>,
    /// What is drawn.
    #[serde(default)]
    pub prompt: String,
    /// What is kept out.
    pub negative_prompt: Option<String>,
    /// Which candidate was picked, from 0.
    pub pick: Option<u32>,
    /// What was drawn so far.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
}

/// A picture that may become the frame.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Seed of the noise. TOML has no integers above 2^63 - 1: those are
    /// written as text.
    #[serde(default, deserialize_with = "seed")]
    pub seed: Option<u64>,
    /// BLAKE3 of the picture's file, 64 hexadecimal digits in lower case.
    pub image: String,
}

fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Seed;
    impl de::Visitor<'_> for Seed {
        type Value = u64;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a seed from 0 to 2^64 - 1")
        }

        fn visit_i64<E: de::Error>(self, seed: i64) -> Result<u64, E> {
            u64::try_from(seed).map_err(|_| E::custom("a seed is 0 or above"))
        }

        fn visit_u64<E: de::Error>(self, seed: u64) -> Result<u64, E> {
            Ok(seed)
        }

        fn visit_str<E: de::Error>(self, seed: &str) -> Result<u64, E> {
            let wrong = |_| E::custom("a seed is a number from 0 to 2^64 - 1");
            seed.parse().map_err(wrong)
        }
    }
    deserializer.deserialize_any(Seed).map(Some)
}

/// Whether `text` is a BLAKE3 hash as this program writes it.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Every BLAKE3 hash in a text, whether or not the rest of it makes sense: a
/// board that someone broke in an editor must not lose its pictures.
pub(crate) fn hashes_in(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_hexdigit())
        .map(str::to_ascii_lowercase)
        .filter(|word| is_hash(word))
        .collect()
}

impl Manifest for Board {
    const KIND: Kind = Kind::Board;
    const LONGEST: u64 = 8 << 20;

    fn check(&self) -> Result<(), Misfit> {
        if self.frames.len() > MOST_FRAMES {
            let reason = format!("are {}, and {MOST_FRAMES} are the most", self.frames.len());
            return Err(Misfit::new("frames", reason));
        }
        for (number, frame) in self.frames.iter().enumerate() {
            for candidate in &frame.candidates {
                if !is_hash(&candidate.image) {
                    let reason = format!(
                        "of frame {number} is {:?}, and no BLAKE3 hash of 64 hexadecimal digits in lower case",
                        candidate.image
                    );
                    return Err(Misfit::new("image", reason));
                }
            }
            let candidates = frame.candidates.len();
            if frame.pick.is_some_and(|pick| pick as usize >= candidates) {
                let reason = format!("of frame {number} names none of its {candidates} candidates");
                return Err(Misfit::new("pick", reason));
            }
        }
        Ok(())
    }
}

impl Board {
    /// The hashes of all pictures that it names.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let candidates = self.frames.iter().flat_map(|frame| &frame.candidates);
        candidates.map(|candidate| candidate.image.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    #[test]
    fn frames_keep_candidates_and_the_pick() {
        let hash = "0f".repeat(32);
        let text = format!(
            "scene = 'a letter'\n[[frames]]\nshot = 'close-up'\nprompt = 'x'\npick = 1\n\
             [[frames.candidates]]\nseed = 7\nimage = '{hash}'\n\
             [[frames.candidates]]\nseed = '18446744073709551615'\nimage = '{hash}'\n"
        );
        let board: Board = parse(&text).expect("a board");
        assert_eq!(board.frames[0].candidates[1].seed, Some(u64::MAX));
        assert_eq!(board.images().collect::<Vec<_>>(), [&hash, &hash]);
        assert_eq!(hashes_in(&text), BTreeSet::from([hash.clone()]));
        let past = parse::<Board>(&text.replace("pick = 1", "pick = 2")).expect_err("no such");
        assert_eq!(past.line(), Some(5), "{past}");
        let short = parse::<Board>(&text.replace("0f0f", "0f")).expect_err("no hash");
        assert!(short.to_string().contains("BLAKE3"), "{short}");
        assert!(parse::<Board>(&text.replace("= 7", "= -7")).is_err());
        assert!(parse::<Board>("").is_ok());
    }

    #[test]
    fn hashes_are_found_in_a_broken_board() {
        let text = format!(
            "[[frames\nimage = \"{}\" {}",
            "ab".repeat(32),
            "cd".repeat(31)
        );
        assert_eq!(hashes_in(&text), BTreeSet::from(["ab".repeat(32)]));
    }
}
