//! The words by which prompts are read.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All of them. Each entry is a phrase of whole words, matched in any case with
/// spaces or hyphens between the words.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WordList {
    /// "a", "the".
    pub articles: Vec<String>,
    /// What may stand between a shot's alias and "of".
    pub shot_tail: Vec<String>,
    /// Number words and their values.
    pub numbers: BTreeMap<String, u32>,
    /// How people are counted and called.
    pub people: PeopleWords,
    /// Places in the frame.
    pub positions: PositionWords,
    /// Light.
    pub light: LightWords,
    /// Settings.
    pub setting: SettingWords,
    /// What is done.
    pub actions: ActionWords,
    /// Words that change what a framing holds.
    pub cues: CueWords,
}

/// How people are counted and called.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleWords {
    /// What follows a number: "people".
    pub count_nouns: Vec<String>,
    /// Phrases that say there is no one.
    pub nobody: Vec<String>,
    /// Someone without a name: "man", "woman"; the classes are added to them.
    pub nouns: Vec<String>,
    /// "a", "another".
    pub determiners: Vec<String>,
    /// Words before such a noun that are no names.
    pub adjectives: Vec<String>,
}

/// Places in the frame.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PositionWords {
    /// On the left.
    pub left: Vec<String>,
    /// On the right.
    pub right: Vec<String>,
    /// In the centre.
    pub centre: Vec<String>,
    /// Followed by one of these it is not a place in the frame.
    pub not_before: Vec<String>,
    /// Nor after one of these.
    pub not_after: Vec<String>,
}

/// Light.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LightWords {
    /// What a light's phrase ends in.
    pub words: Vec<String>,
    /// Phrases with such a word that are no light.
    pub not: Vec<String>,
    /// Words that may go on the phrase.
    pub followers: Vec<String>,
    /// What gives light, where it is said to be "under" or "by" it.
    pub sources: Vec<String>,
    /// Endings of other words for what gives light.
    pub source_suffixes: Vec<String>,
    /// The prepositions that say so, at the start of a clause.
    pub source_prepositions: Vec<String>,
    /// What opens a clause that is all about light: "lit by".
    pub openers: Vec<String>,
    /// Adjectives for light that stand within a setting.
    pub attributes: Vec<String>,
}

/// Settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingWords {
    /// What opens a setting.
    pub prepositions: Vec<String>,
    /// Places that are known; one that is not is found at the start of a clause.
    pub places: Vec<String>,
    /// What stands after a preposition and is no place.
    pub not: Vec<String>,
    /// Words for what falls or hangs in the air of a place, for a clause of their own.
    pub weather: Vec<String>,
}

/// What is done.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActionWords {
    /// Finite verbs.
    pub verbs: Vec<String>,
    /// Words in -ing that are no participles.
    pub not: Vec<String>,
    /// Words at which an action's phrase ends.
    pub joints: Vec<String>,
    /// Such words that go on with it where a thing follows that is held.
    pub holders: Vec<String>,
    /// What someone looks like, which nobody holds.
    pub looks: Vec<String>,
    /// Such words between two actions.
    pub conjunctions: Vec<String>,
}

/// Words that change what a framing holds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CueWords {
    /// Legs, shoes.
    pub lower_body: Vec<String>,
    /// Shoulders, hands: what keeps the model from closing in.
    pub anchors: Vec<String>,
    /// Facial expressions.
    pub expression: Vec<String>,
    /// Emotions.
    pub emotion: Vec<String>,
    /// Detailed poses.
    pub pose: Vec<String>,
    /// Verbs of the whole body.
    pub wide_verbs: Vec<String>,
}
