//! Characters: someone who appears in frames under one token.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A character, in the form of the library's character manifest.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Character {
    /// The one word that calls the character up; unique and without spaces.
    pub token: String,
    /// What it is: `man`, `woman` …; a prompt names token and class.
    pub class: String,
    /// What else a scene may call the character. None of them activates it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// What it takes to draw the character, by model family.
    #[serde(default)]
    pub family: BTreeMap<String, CharacterFamily>,
}

/// What it takes to draw a character with one family of models. What is not
/// said here is taken from the family's [`FamilyDefaults`](crate::FamilyDefaults).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharacterFamily {
    /// The LoRA's name; none when the model knows the character.
    pub lora: Option<String>,
    /// What to keep out of frames with the character.
    pub negative_prompt: Option<String>,
    /// LoRA weight for framings that `weights` does not name, -4 to 4.
    pub weight: Option<f32>,
    /// Factor on the weight when two or more characters share the frame, 0 to 4.
    pub several: Option<f32>,
    /// LoRA weight by the shot's id, -4 to 4.
    #[serde(default)]
    pub weights: BTreeMap<String, f32>,
}

impl Character {
    /// What a prompt says to activate the character: token and class.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.token, self.class)
    }
}
