//! What a planner knows: how scenes are read and told.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::verbs::{Class, VerbList, Verbs};
use crate::vocabulary::VocabularyError;

/// How scenes are read and told, as TOML.
const SCENES_TOML: &str = include_str!("../../data/scenes.toml");

/// The verbs of scene descriptions, as TOML.
const VERBS_TOML: &str = include_str!("../../data/verbs.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenesFile {
    frames: FrameCount,
    fit: BTreeMap<String, Fit>,
    kind: BTreeMap<String, Kind>,
    words: Words,
}

/// How many frames a scene gets when nobody says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FrameCount {
    /// More than it has events.
    pub beyond: usize,
    pub least: usize,
    pub most: usize,
}

/// In which shots, by number, a class of verbs is seen well.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fit {
    pub best: Vec<u32>,
    pub good: Vec<u32>,
}

/// How a kind of scene is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    pub cues: Vec<String>,
    /// How sure each of them is.
    #[serde(default = "sure")]
    pub weight: usize,
    pub opening: u32,
    pub rhythm: Vec<u32>,
    pub turn: u32,
    pub ending: u32,
    pub setting: String,
    pub light: String,
    pub face: Vec<String>,
    pub hands: Vec<String>,
    pub body: Vec<String>,
    pub far: Vec<String>,
    pub things: Vec<String>,
}

fn sure() -> usize {
    2
}

impl Kind {
    /// The kind for a scene without people.
    pub fn unpeopled(&self) -> Self {
        Self {
            opening: 8,
            rhythm: vec![9, 7],
            turn: 9,
            ending: 8,
            ..self.clone()
        }
    }
}

/// Words by which descriptions are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    determiners: HashSet<String>,
    possessives: HashSet<String>,
    plain_articles: HashSet<String>,
    prepositions: HashSet<String>,
    adverbs: HashSet<String>,
    conjunctions: HashSet<String>,
    relatives: HashSet<String>,
    auxiliaries: HashSet<String>,
    negations: HashSet<String>,
    ways: HashMap<String, String>,
    people: People,
    stand_ins: HashMap<String, String>,
    times: HashMap<String, String>,
    local: Nouns,
    no_props: Nouns,
    minor: Nouns,
    entering: HashMap<String, String>,
    standing: Standing,
    sources: Sources,
    weather: Weather,
    turns: Nouns,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nouns {
    nouns: HashSet<String>,
}

/// Nouns for people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    pub he: HashSet<String>,
    pub she: HashSet<String>,
    pub any: HashSet<String>,
    pub plural: HashSet<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    on: HashSet<String>,
    at: HashSet<String>,
}

/// What gives light, and the prepositions in front of it that say so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    nouns: HashSet<String>,
    prepositions: HashSet<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weather {
    falling: HashSet<String>,
    verbs: HashMap<String, String>,
}

/// What a planner knows, indexed.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub verbs: Verbs,
    pub frames: FrameCount,
    /// All kinds but the everyday one.
    pub kinds: BTreeMap<String, Kind>,
    pub everyday: Kind,
    fit: HashMap<Class, Fit>,
    words: Words,
}

/// The kind of a scene in which no other kind's cues are found.
pub(super) const EVERYDAY: &str = "everyday";

impl Book {
    pub fn shipped() -> Result<Self, VocabularyError> {
        let toml = |what| move |source| VocabularyError::Toml { what, source };
        let file: ScenesFile = toml::from_str(SCENES_TOML).map_err(toml("scenes"))?;
        let list: VerbList = toml::from_str(VERBS_TOML).map_err(toml("verbs"))?;
        let classes = [
            ("motion", Class::Motion),
            ("hands", Class::Hands),
            ("face", Class::Face),
            ("talk", Class::Talk),
            ("body", Class::Body),
            ("thing", Class::Thing),
        ];
        let mut fit = file.fit;
        let mut kinds = file.kind;
        let everyday = kinds.remove(EVERYDAY).unwrap_or_default();
        let fit = classes
            .into_iter()
            .filter_map(|(name, class)| Some((class, fit.remove(name)?)))
            .collect();
        Ok(Self {
            verbs: Verbs::new(list),
            frames: file.frames,
            kinds,
            everyday,
            fit,
            words: file.words,
        })
    }

    /// How badly a class of verbs is seen in a shot: 0 at best.
    pub fn misfit(&self, class: Class, shot: u32) -> u32 {
        match self.fit.get(&class) {
            Some(fit) if fit.best.contains(&shot) => 0,
            Some(fit) if fit.good.contains(&shot) => 1,
            _ => 4,
        }
    }

    pub fn is_determiner(&self, word: &str) -> bool {
        self.words.determiners.contains(word)
    }

    pub fn is_possessive(&self, word: &str) -> bool {
        self.words.possessives.contains(word)
    }

    pub fn is_article(&self, word: &str) -> bool {
        self.words.plain_articles.contains(word)
    }

    pub fn is_preposition(&self, word: &str) -> bool {
        self.words.prepositions.contains(word)
    }

    pub fn is_adverb(&self, word: &str) -> bool {
        self.words.adverbs.contains(word) || (word.len() > 4 && word.ends_with("ly"))
    }

    pub fn is_conjunction(&self, word: &str) -> bool {
        self.words.conjunctions.contains(word)
    }

    pub fn is_relative(&self, word: &str) -> bool {
        self.words.relatives.contains(word)
    }

    pub fn is_auxiliary(&self, word: &str) -> bool {
        self.words.auxiliaries.contains(word)
    }

    pub fn is_negation(&self, word: &str) -> bool {
        self.words.negations.contains(word) || word.ends_with("n't")
    }

    /// The preposition of the setting that a way leads to.
    pub fn way(&self, preposition: &str) -> Option<&str> {
        self.words.ways.get(preposition).map(String::as_str)
    }

    pub fn people(&self) -> &People {
        &self.words.people
    }

    /// What someone who is no character may be called in a prompt.
    pub fn stand_in(&self, noun: &str) -> Option<&str> {
        self.words.stand_ins.get(noun).map(String::as_str)
    }

    /// The light of a time of day.
    pub fn time(&self, word: &str) -> Option<&str> {
        self.words.times.get(word).map(String::as_str)
    }

    pub fn is_local(&self, noun: &str) -> bool {
        self.words.local.nouns.contains(noun)
    }

    /// Whether a place is one within another place.
    pub fn is_minor(&self, noun: &str) -> bool {
        self.words.minor.nouns.contains(noun)
    }

    pub fn is_no_prop(&self, noun: &str) -> bool {
        self.words.no_props.nouns.contains(noun)
    }

    pub fn entering(&self, base: &str) -> Option<&str> {
        self.words.entering.get(base).map(String::as_str)
    }

    /// The preposition for someone who is in a place.
    pub fn standing(&self, head: &str, last_two: &str) -> &'static str {
        let is = |set: &HashSet<String>| set.contains(head) || set.contains(last_two);
        if is(&self.words.standing.at) {
            "at"
        } else if is(&self.words.standing.on) {
            "on"
        } else {
            "in"
        }
    }

    pub fn is_source(&self, noun: &str) -> bool {
        let known = |noun: &str| self.words.sources.nouns.contains(noun);
        known(noun)
            || noun.strip_suffix('s').is_some_and(known)
            || ["lamp", "lamps", "lights", "lanterns", "light"]
                .iter()
                .any(|end| noun.len() > end.len() + 2 && noun.ends_with(end))
    }

    pub fn shows_light(&self, preposition: &str) -> bool {
        self.words.sources.prepositions.contains(preposition)
    }

    pub fn is_weather(&self, noun: &str) -> bool {
        self.words.weather.falling.contains(noun)
    }

    pub fn weather_verb(&self, participle: &str) -> Option<&str> {
        self.words.weather.verbs.get(participle).map(String::as_str)
    }

    pub fn is_turn(&self, word: &str) -> bool {
        self.words.turns.nouns.contains(word)
    }
}
