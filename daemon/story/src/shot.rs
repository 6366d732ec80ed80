//! Shot types: how a frame is framed.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A shot type, in the form of the library's shot manifest.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// Its number in shot sequences such as "2, 3, 8".
    pub number: Option<u32>,
    /// What opens a prompt: "close up of". Ends in "of".
    pub phrase: String,
    /// What else the shot is called, without "picture of". One in capitals
    /// ("ECU") is matched in capitals only, since "els" and "ms" are words.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What the frame holds, for people.
    pub holds: Option<String>,
    /// How high the figure stands in the frame.
    #[serde(default)]
    pub figure: Figure,
    /// What it takes to draw the shot, by model family.
    #[serde(default)]
    pub family: BTreeMap<String, ShotFamily>,
}

/// The height of the figure as a share of the frame's height; 1 and above is
/// larger than the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// At least, 0 or above.
    pub least: Option<f32>,
    /// At most, not below `least`.
    pub most: Option<f32>,
}

/// What it takes to draw a shot with one family of models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShotFamily {
    /// The LoRA's name; none where no LoRA is applied.
    pub lora: Option<String>,
    /// The LoRA's weight, -4 to 4.
    pub weight: Option<f32>,
    /// What to keep out of such frames, beside what is always kept out.
    pub negative_prompt: Option<String>,
}
