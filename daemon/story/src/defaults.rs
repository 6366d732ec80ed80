//! What a vocabulary knows beside its characters.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::shot::Shot;
use crate::vocabulary::VocabularyError;
use crate::word_list::WordList;

/// The nine shot types that a library starts out with, as TOML.
pub const SHOTS_TOML: &str = include_str!("../data/shots.toml");

/// The characters that a library starts out with, as TOML: a table each, in
/// the form of a character's manifest.
pub const CHARACTERS_TOML: &str = include_str!("../data/characters.toml");

/// The words by which prompts are read, as TOML.
pub const WORDS_TOML: &str = include_str!("../data/words.toml");

/// Shots, framing rules, numbers of families and words; every field may be
/// changed before a [`Vocabulary`](crate::Vocabulary) is built of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Shot types by id, such as `close-up`.
    pub shots: BTreeMap<String, Shot>,
    /// What words do to a framing, by the shot's id; a shot without is free.
    pub framings: BTreeMap<String, Framing>,
    /// What holds for every shot and character of a model family, by its name.
    pub families: BTreeMap<String, FamilyDefaults>,
    /// The words by which prompts are read.
    pub words: WordList,
}

/// What the words of a prompt may do to a framing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Framing {
    /// Legs and shoes are outside the frame, and named they widen it.
    pub avoid_lower_body: bool,
    /// What keeps the model from closing in, in words that can be put in.
    pub anchor: Option<String>,
    /// The surroundings are described before the figures.
    pub environment_first: bool,
    /// Faces are too small for an expression.
    pub avoid_expression: bool,
    /// Figures are too small for a detailed pose.
    pub avoid_pose: bool,
    /// Emotional cues pull the framing closer.
    pub avoid_emotion: bool,
    /// Verbs of the whole body pull the framing wider.
    pub avoid_wide_verbs: bool,
}

/// Numbers and negatives of one model family.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FamilyDefaults {
    /// What is kept out of every frame.
    pub negative_prompt: Option<String>,
    /// What is kept out, too, when two or more characters share the frame.
    pub negative_prompt_several: Option<String>,
    /// Factor on character weights when two or more share the frame, 0 to 4.
    pub several: Option<f32>,
    /// How much of a region that a character gets by its place is drawn by the
    /// character's own prompt, 0 to 1; the rest by the frame's, which tells how
    /// many there are. All of it when left out.
    pub region_strength: Option<f32>,
    /// Character LoRA weight where the prompt names no shot, or one that
    /// `weights` lacks, -4 to 4.
    pub weight: Option<f32>,
    /// Character LoRA weight by the shot's id, -4 to 4.
    pub weights: BTreeMap<String, f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShotsFile {
    #[serde(default)]
    shot: BTreeMap<String, Shot>,
    #[serde(default)]
    framing: BTreeMap<String, Framing>,
    #[serde(default)]
    family: BTreeMap<String, FamilyDefaults>,
}

impl Defaults {
    /// What the crate ships.
    ///
    /// # Errors
    /// None in a crate that passed its tests.
    pub fn shipped() -> Result<Self, VocabularyError> {
        Self::read(SHOTS_TOML, WORDS_TOML)
    }

    /// Reads files in the form of [`SHOTS_TOML`] and [`WORDS_TOML`].
    ///
    /// # Errors
    /// [`VocabularyError::Toml`] where a text is not TOML of that form.
    pub fn read(shots: &str, words: &str) -> Result<Self, VocabularyError> {
        let toml = |what| move |source| VocabularyError::Toml { what, source };
        let file: ShotsFile = toml::from_str(shots).map_err(toml("shots"))?;
        let words = toml::from_str(words).map_err(toml("words"))?;
        Ok(Self {
            shots: file.shot,
            framings: file.framing,
            families: file.family,
            words,
        })
    }
}
