//! What a board's file says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::error::BoardError;
use crate::frame_rate::FrameRate;
use crate::relative_path::RelativePath;
use crate::seed::Seed;

/// The form of the file that this version writes and reads.
pub const FORMAT: u32 = 1;
/// The most frames of a board.
pub const MOST_FRAMES: usize = 1_000;
/// The most candidates of a frame.
pub const MOST_CANDIDATES: u32 = 64;
/// The longest that a frame lasts, seconds.
pub const LONGEST_FRAME: f64 = 3_600.0;
/// What `frame.generate` takes that the board itself decides.
const RESERVED: [&str; 9] = [
    "prompt",
    "negative_prompt",
    "seed",
    "candidates",
    "image",
    "key",
    "priority",
    "format",
    "preview_every",
];

/// Parameters of a generation by name, as in `frame.generate`.
pub type Generate = BTreeMap<String, serde_json::Value>;

/// A scene's frames, what was drawn for them and what was picked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The form of the file.
    #[serde(default = "first_format")]
    pub format: u32,
    /// What happens.
    #[serde(default)]
    pub scene: String,
    /// Who is in it, by token or name.
    #[serde(default)]
    pub characters: Vec<String>,
    /// How many takes a frame is to have.
    #[serde(default = "four")]
    pub candidates: u32,
    /// Frames without a seed get theirs from it.
    #[serde(default)]
    pub seed: Seed,
    /// How the seeds of a frame's takes differ.
    #[serde(default)]
    pub variations: Variations,
    /// Whether frames with the same setting start from the same noise.
    #[serde(default)]
    pub shared_noise: bool,
    /// Frames a second of exports.
    #[serde(default)]
    pub fps: FrameRate,
    /// How long a frame lasts that does not say, seconds.
    #[serde(default = "two_seconds")]
    pub duration: f64,
    /// What to keep out of frames that do not say.
    pub negative_prompt: Option<String>,
    /// Model, size, steps … for `frame.generate`.
    #[serde(default)]
    pub generate: Generate,
    /// What a planner is asked for.
    #[serde(default)]
    pub plan: PlanWishes,
    /// The frames in order.
    #[serde(default)]
    pub frames: Vec<Frame>,
}

fn first_format() -> u32 {
    FORMAT
}

fn four() -> u32 {
    4
}

fn two_seconds() -> f64 {
    2.0
}

/// What a planner is asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanWishes {
    /// How many frames.
    pub frames: Option<u32>,
    /// Which shots, in order.
    pub shots: Option<Vec<String>>,
}

/// How the seeds of a frame's takes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Variations {
    /// Take k, from 0, has the frame's seed + k.
    #[default]
    #[serde(rename = "seed+k")]
    SeedPlusK,
    /// Each take has a seed that nobody chose.
    #[serde(rename = "random")]
    Random,
}

impl Variations {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SeedPlusK => "seed+k",
            Self::Random => "random",
        }
    }
}

/// A frame of a board.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// Its name for as long as the board lives, wherever it is moved.
    #[serde(default)]
    pub id: String,
    /// The shot's name.
    pub shot: Option<String>,
    /// What is drawn.
    #[serde(default)]
    pub prompt: String,
    /// What is kept out, instead of the board's.
    pub negative_prompt: Option<String>,
    /// What is said or done, for people.
    pub note: Option<String>,
    /// Where it is; frames with the same setting may share their noise.
    pub setting: Option<String>,
    /// Seed of its first take; given when the board is next written.
    pub seed: Option<Seed>,
    /// How long it lasts, seconds.
    pub duration: Option<f64>,
    /// Parameters of `frame.generate` beside the board's, and instead of them.
    #[serde(default)]
    pub generate: Generate,
    /// The picture that was picked.
    pub pick: Option<RelativePath>,
    /// What was drawn, a batch for each thing that was asked for.
    #[serde(default)]
    pub batches: Vec<Batch>,
}

/// Takes of one prompt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Names everything that was asked for: [`Board::asked`].
    pub asked: String,
    /// The prompt.
    #[serde(default)]
    pub prompt: String,
    /// What was kept out.
    pub negative_prompt: Option<String>,
    /// The frame's seed.
    #[serde(default)]
    pub seed: Seed,
    /// The pictures.
    #[serde(default)]
    pub takes: Vec<Take>,
}

/// A picture that was drawn for a frame.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Seed of its noise.
    pub seed: Seed,
    /// Where it is.
    pub image: RelativePath,
    /// BLAKE3 of the file as it was made, 64 hexadecimal digits. A picture that
    /// was painted over has another.
    pub hash: String,
}

impl Board {
    /// Reads a board's file.
    ///
    /// # Errors
    /// [`BoardError::Broken`] with the line.
    pub fn parse(text: &str) -> Result<Self, BoardError> {
        let board: Self = toml_edit::de::from_str(text).map_err(|error| BoardError::Broken {
            line: error.span().map(|span| line_at(text, span.start)),
            reason: error.message().to_owned(),
        })?;
        board.check(text)?;
        Ok(board)
    }

    fn check(&self, text: &str) -> Result<(), BoardError> {
        let broken = |word: &str, reason: String| BoardError::Broken {
            line: line_with(text, word),
            reason,
        };
        if self.format != FORMAT {
            let reason = format!(
                "format {} is not one that this version reads: that is {FORMAT}",
                self.format
            );
            return Err(broken("format", reason));
        }
        if !(1..=MOST_CANDIDATES).contains(&self.candidates) {
            let reason = format!("candidates must be from 1 to {MOST_CANDIDATES}");
            return Err(broken("candidates", reason));
        }
        if self.frames.len() > MOST_FRAMES {
            let reason = format!(
                "there are {} frames, and {MOST_FRAMES} are the most",
                self.frames.len()
            );
            return Err(broken("[[frames]]", reason));
        }
        let durations = self.frames.iter().filter_map(|frame| frame.duration);
        for duration in durations.chain([self.duration]) {
            check_duration(duration).map_err(|error| broken("duration", error.to_string()))?;
        }
        let tables = self.frames.iter().map(|frame| &frame.generate);
        for key in tables.chain([&self.generate]).flat_map(BTreeMap::keys) {
            if RESERVED.contains(&key.as_str()) {
                let reason = format!("{key} is none of [generate]: the board decides it");
                return Err(broken(key, reason));
            }
        }
        for frame in &self.frames {
            if !frame.id.is_empty() && !is_id(&frame.id) {
                let reason = format!(
                    "id {:?} is none: ids have from 1 to 40 letters, digits, - and _",
                    frame.id
                );
                return Err(broken("id", reason));
            }
        }
        Ok(())
    }

    /// The place of a frame that is named by its id or by its place, from 0.
    ///
    /// # Errors
    /// [`BoardError::NoFrame`].
    pub fn find_frame(&self, asked: &str) -> Result<usize, BoardError> {
        let by_id = self.frames.iter().position(|frame| frame.id == asked);
        let by_place = || {
            let place = asked.parse::<usize>().ok()?;
            (place < self.frames.len()).then_some(place)
        };
        by_id.or_else(by_place).ok_or_else(|| BoardError::NoFrame {
            asked: asked.chars().take(40).collect(),
            frames: self.frames.len(),
        })
    }

    /// What is kept out of a frame.
    pub fn negative_prompt<'a>(&'a self, frame: &'a Frame) -> Option<&'a str> {
        let own = frame.negative_prompt.as_deref();
        own.or(self.negative_prompt.as_deref())
    }

    /// How long a frame lasts, seconds.
    pub fn duration(&self, frame: &Frame) -> f64 {
        frame.duration.unwrap_or(self.duration)
    }

    /// How long a frame lasts, frames of the exports; 1 at least.
    pub fn duration_frames(&self, frame: &Frame) -> u64 {
        self.fps.frames(self.duration(frame))
    }

    /// The parameters of a frame's generation: the board's and its own.
    pub fn generate(&self, frame: &Frame) -> Generate {
        let mut generate = self.generate.clone();
        generate.extend(frame.generate.clone());
        generate
    }

    /// Names everything that a frame asks for: prompts, seed, parameters. What
    /// asks for the same has the same name; 8 hexadecimal digits.
    pub fn asked(&self, frame: &Frame) -> String {
        let seed = frame.seed.unwrap_or(self.seed);
        let everything = serde_json::json!([
            frame.prompt,
            self.negative_prompt(frame).unwrap_or_default(),
            seed.0,
            self.variations.as_str(),
            self.generate(frame)
        ]);
        let hash = blake3::hash(everything.to_string().as_bytes());
        let mut name = String::new();
        for byte in &hash.as_bytes()[..4] {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// A seed that leaves behind all that a frame's takes had and will have.
    pub fn next_seed(&self, frame: &Frame) -> Seed {
        let first = frame.seed.unwrap_or(self.seed);
        let asked_for = first.0.wrapping_add(self.candidates.into());
        let takes = frame.batches.iter().flat_map(|batch| &batch.takes);
        let drawn = takes.map(|take| take.seed.0.wrapping_add(1));
        // One that was chosen far away does not carry all later ones off.
        let near = drawn.filter(|seed| seed.wrapping_sub(first.0) < 1_000_000);
        near.chain([asked_for]).max().map(Seed).unwrap_or_default()
    }

    /// The takes of what a frame asks for now.
    pub fn takes<'a>(&self, frame: &'a Frame) -> &'a [Take] {
        let asked = self.asked(frame);
        let batch = frame.batches.iter().rfind(|batch| batch.asked == asked);
        batch.map_or(&[], |batch| &batch.takes)
    }

    /// The picture that stands for a frame, and whether it was picked: the
    /// pick, or else the first take of what it asks for now, or of what it
    /// asked for last.
    pub fn shown<'a>(&self, frame: &'a Frame) -> Option<(&'a RelativePath, bool)> {
        if let Some(pick) = &frame.pick {
            return Some((pick, true));
        }
        let earlier = frame.batches.iter().rev().flat_map(|batch| &batch.takes);
        let first = self.takes(frame).iter().chain(earlier).next();
        first.map(|take| (&take.image, false))
    }

    /// Every take, the earlier batches' too.
    pub fn all_takes(&self) -> impl Iterator<Item = &Take> {
        let batches = self.frames.iter().flat_map(|frame| &frame.batches);
        batches.flat_map(|batch| &batch.takes)
    }
}

/// Checks how long a frame lasts.
///
/// # Errors
/// [`BoardError::Value`].
pub fn check_duration(seconds: f64) -> Result<(), BoardError> {
    if seconds > 0.0 && seconds <= LONGEST_FRAME {
        return Ok(());
    }
    Err(BoardError::Value {
        what: "duration",
        reason: format!("must be above 0, and at most {LONGEST_FRAME} seconds"),
    })
}

/// Whether a frame can have that id.
pub(crate) fn is_id(text: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    (1..=40).contains(&text.len()) && text.chars().all(letter)
}

/// The line of a byte, from 1.
fn line_at(text: &str, byte: usize) -> u32 {
    let before = text.as_bytes().get(..byte).unwrap_or_default();
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}

/// The first line that begins with a word.
fn line_with(text: &str, word: &str) -> Option<u32> {
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with(word))?;
    u32::try_from(line + 1).ok()
}
