//! The words that mean something: shots, characters, and those of the trade.

use std::collections::{BTreeMap, HashMap};

use crate::character::Character;
use crate::defaults::{Defaults, FamilyDefaults, Framing};
use crate::parsed::Position;
use crate::phrase_index::{PhraseIndex, Term};
use crate::shot::Shot;
use crate::word::words;
use crate::word_list::WordList;

/// Why a vocabulary cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VocabularyError {
    /// A text of defaults is not of the expected form.
    #[error("the defaults of {what} cannot be read")]
    Toml {
        /// Which text: `shots` or `words`.
        what: &'static str,
        /// What is wrong with it, and where.
        #[source]
        source: toml::de::Error,
    },
    /// A phrase, alias, token or class without a letter or digit.
    #[error("`{owner}` has an empty {what}")]
    Empty {
        /// The shot's id or the character's token.
        owner: String,
        /// `phrase`, `alias`, `token` or `class`.
        what: &'static str,
    },
    /// A shot's phrase that does not end in "of": prompts could not be read
    /// back as they are written.
    #[error("the phrase of shot `{shot}`, `{phrase}`, does not end in \"of\"")]
    PhraseEnd {
        /// The shot's id.
        shot: String,
        /// Its phrase.
        phrase: String,
    },
    /// A token that could not be found as one word.
    #[error("the token `{token}` must be one word that begins and ends with a letter or digit")]
    Token {
        /// The token.
        token: String,
    },
    /// Two shots, or two characters, that answer to the same words.
    #[error("`{phrase}` calls up both `{first}` and `{second}`")]
    Ambiguous {
        /// What both are called.
        phrase: String,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A number out of its range.
    #[error("{what} of `{owner}` is {value}, outside {least} to {most}")]
    OutOfRange {
        /// Whose it is.
        owner: String,
        /// What it is.
        what: String,
        /// What it says.
        value: f32,
        /// The least that makes sense.
        least: f32,
        /// The most that makes sense.
        most: f32,
    },
    /// Numbers or rules for a shot that does not exist.
    #[error("`{owner}` names the shot `{shot}`, which does not exist")]
    UnknownShot {
        /// Who names it.
        owner: String,
        /// The id that it names.
        shot: String,
    },
}

/// Shots, characters and words, indexed so that a prompt is read in one pass.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    shots: Vec<(String, Shot)>,
    framings: BTreeMap<String, Framing>,
    families: BTreeMap<String, FamilyDefaults>,
    characters: Vec<Character>,
    class_words: Vec<Vec<String>>,
    words: WordList,
    index: PhraseIndex,
}

impl Vocabulary {
    /// Indexes shots, words and characters.
    ///
    /// # Errors
    /// All of [`VocabularyError`] but `Toml`.
    pub fn new(defaults: Defaults, characters: Vec<Character>) -> Result<Self, VocabularyError> {
        let mut index = PhraseIndex::default();
        let shots: Vec<(String, Shot)> = defaults.shots.into_iter().collect();
        index_shots(&shots, &mut index)?;
        index_characters(&characters, &mut index)?;
        index_words(&defaults.words, &mut index);
        let vocabulary = Self {
            class_words: characters
                .iter()
                .map(|character| spelled(&character.class))
                .collect(),
            shots,
            framings: defaults.framings,
            families: defaults.families,
            characters,
            words: defaults.words,
            index,
        };
        vocabulary.check_numbers()?;
        Ok(vocabulary)
    }

    /// The shot of an id.
    #[must_use]
    pub fn shot(&self, id: &str) -> Option<&Shot> {
        let found = self.shots.iter().find(|(name, _)| name == id);
        found.map(|(_, shot)| shot)
    }

    /// All shots with their ids, in the order of the ids.
    pub fn shots(&self) -> impl Iterator<Item = (&str, &Shot)> {
        self.shots.iter().map(|(id, shot)| (id.as_str(), shot))
    }

    /// The id of the shot that is meant by a number, an id, a phrase or an alias.
    #[must_use]
    pub fn find_shot(&self, meant: &str) -> Option<&str> {
        let meant = meant.trim();
        if let Ok(number) = meant.parse() {
            return self.shot_numbered(number);
        }
        let wanted = spelled(meant);
        let is_meant = |phrase: &String| {
            let phrase = spelled(phrase);
            phrase == wanted
                || phrase
                    .split_last()
                    .is_some_and(|(of, rest)| of == "of" && rest == wanted)
        };
        let mut found = self.shots.iter().filter(|_| !wanted.is_empty());
        let found = found.find(|(id, shot)| {
            spelled(id) == wanted || is_meant(&shot.phrase) || shot.aliases.iter().any(is_meant)
        });
        found.map(|(id, _)| id.as_str())
    }

    /// The id of the shot of a number.
    #[must_use]
    pub fn shot_numbered(&self, number: u32) -> Option<&str> {
        let found = self
            .shots
            .iter()
            .find(|(_, shot)| shot.number == Some(number));
        found.map(|(id, _)| id.as_str())
    }

    /// What the words of a prompt may do to a shot's framing.
    #[must_use]
    pub fn framing(&self, shot: &str) -> Option<&Framing> {
        self.framings.get(shot)
    }

    /// The numbers and negatives of a model family.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&FamilyDefaults> {
        self.families.get(name)
    }

    /// The character of a token.
    #[must_use]
    pub fn character(&self, token: &str) -> Option<&Character> {
        let found = self.characters.iter();
        found.into_iter().find(|found| found.token == token)
    }

    /// All characters, in the order in which they were given.
    #[must_use]
    pub fn characters(&self) -> &[Character] {
        &self.characters
    }

    /// The words by which prompts are read.
    #[must_use]
    pub fn words(&self) -> &WordList {
        &self.words
    }

    pub(crate) fn index(&self) -> &PhraseIndex {
        &self.index
    }

    pub(crate) fn shot_at(&self, index: usize) -> &(String, Shot) {
        &self.shots[index]
    }

    /// The words of a character's class, in lower case.
    pub(crate) fn class_words(&self, character: usize) -> &[String] {
        &self.class_words[character]
    }

    /// A number as a word, or in digits where there is none.
    pub(crate) fn number_word(&self, number: u32) -> String {
        let found = self.words.numbers.iter();
        let mut named = found.filter(|(_, value)| **value == number);
        named
            .next()
            .map_or_else(|| number.to_string(), |(word, _)| word.clone())
    }

    /// What a position is written as.
    pub(crate) fn position_phrase(&self, position: Position) -> Option<&str> {
        let phrases = match position {
            Position::Left => &self.words.positions.left,
            Position::Centre => &self.words.positions.centre,
            Position::Right => &self.words.positions.right,
        };
        phrases.first().map(String::as_str)
    }

    fn check_numbers(&self) -> Result<(), VocabularyError> {
        for id in self.framings.keys() {
            self.check_shot("framing", id)?;
        }
        for (id, shot) in &self.shots {
            for family in shot.family.values() {
                check(id, "the weight", family.weight, -4.0)?;
            }
        }
        for (name, family) in &self.families {
            check(name, "the weight", family.weight, -4.0)?;
            check(name, "the factor for several", family.several, 0.0)?;
            check_up_to(
                1.0,
                name,
                "the strength of regions",
                family.region_strength,
                0.0,
            )?;
            self.check_weights(name, &family.weights)?;
        }
        for character in &self.characters {
            let token = &character.token;
            for family in character.family.values() {
                check(token, "the weight", family.weight, -4.0)?;
                check(token, "the factor for several", family.several, 0.0)?;
                self.check_weights(token, &family.weights)?;
            }
        }
        Ok(())
    }

    fn check_weights(
        &self,
        owner: &str,
        weights: &BTreeMap<String, f32>,
    ) -> Result<(), VocabularyError> {
        for (shot, weight) in weights {
            self.check_shot(owner, shot)?;
            check(owner, &format!("the weight in {shot}"), Some(*weight), -4.0)?;
        }
        Ok(())
    }

    fn check_shot(&self, owner: &str, shot: &str) -> Result<(), VocabularyError> {
        if self.shot(shot).is_some() {
            return Ok(());
        }
        Err(VocabularyError::UnknownShot {
            owner: owner.to_owned(),
            shot: shot.to_owned(),
        })
    }
}

/// Beyond this a LoRA's weight takes pictures apart.
const MOST: f32 = 4.0;

fn check(owner: &str, what: &str, value: Option<f32>, least: f32) -> Result<(), VocabularyError> {
    check_up_to(MOST, owner, what, value, least)
}

fn check_up_to(
    most: f32,
    owner: &str,
    what: &str,
    value: Option<f32>,
    least: f32,
) -> Result<(), VocabularyError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(VocabularyError::OutOfRange {
            owner: owner.to_owned(),
            what: what.to_owned(),
            value,
            least,
            most,
        }),
        _ => Ok(()),
    }
}

fn spelled(phrase: &str) -> Vec<String> {
    words(phrase).into_iter().map(|word| word.text).collect()
}

/// Phrases that are taken, each with its owner.
#[derive(Default)]
struct Taken(HashMap<Vec<String>, String>);

impl Taken {
    fn take(&mut self, phrase: &str, owner: &str) -> Result<(), VocabularyError> {
        match self.0.insert(spelled(phrase), owner.to_owned()) {
            Some(first) if first != owner => Err(VocabularyError::Ambiguous {
                phrase: phrase.to_owned(),
                first,
                second: owner.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

fn index_shots(shots: &[(String, Shot)], index: &mut PhraseIndex) -> Result<(), VocabularyError> {
    let mut taken = Taken::default();
    for (at, (id, shot)) in shots.iter().enumerate() {
        let empty = |what| VocabularyError::Empty {
            owner: id.clone(),
            what,
        };
        for (what, phrase) in std::iter::once(("phrase", &shot.phrase))
            .chain(shot.aliases.iter().map(|alias| ("alias", alias)))
        {
            if !index.add(phrase, Term::Shot(at)) {
                return Err(empty(what));
            }
            taken.take(phrase, id)?;
        }
        if spelled(&shot.phrase).last().is_none_or(|last| last != "of") {
            return Err(VocabularyError::PhraseEnd {
                shot: id.clone(),
                phrase: shot.phrase.clone(),
            });
        }
    }
    Ok(())
}

fn index_characters(
    characters: &[Character],
    index: &mut PhraseIndex,
) -> Result<(), VocabularyError> {
    let mut taken = Taken::default();
    for (at, character) in characters.iter().enumerate() {
        let token = &character.token;
        let empty = |what| VocabularyError::Empty {
            owner: token.clone(),
            what,
        };
        let found = words(token);
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Err(empty("token"));
        };
        let whole = first.span.start == 0 && last.span.end == token.len();
        if !whole || token.chars().any(char::is_whitespace) {
            return Err(VocabularyError::Token {
                token: token.clone(),
            });
        }
        // Two characters of one token would be two entries of one owner.
        if taken.0.contains_key(&spelled(token)) {
            return Err(VocabularyError::Ambiguous {
                phrase: token.clone(),
                first: taken.0[&spelled(token)].clone(),
                second: token.clone(),
            });
        }
        taken.take(token, token)?;
        index.add(token, Term::Token(at));
        if !index.add(&character.class, Term::Person) {
            return Err(empty("class"));
        }
        // Token and class run together call nobody up, and are easily written.
        index.add(&format!("{token}{}", character.class), Term::Alias(at));
        for alias in &character.aliases {
            if !index.add(alias, Term::Alias(at)) {
                return Err(empty("alias"));
            }
            taken.take(alias, token)?;
        }
    }
    Ok(())
}

fn index_words(words: &WordList, index: &mut PhraseIndex) {
    let lists: [(&[String], Term); 35] = [
        (&words.articles, Term::Article),
        (&words.shot_tail, Term::ShotTail),
        (&words.people.count_nouns, Term::CountNoun),
        (&words.people.nobody, Term::Nobody),
        (&words.people.nouns, Term::Person),
        (&words.people.determiners, Term::Determiner),
        (&words.people.adjectives, Term::Adjective),
        (&words.positions.left, Term::Position(Position::Left)),
        (&words.positions.right, Term::Position(Position::Right)),
        (&words.positions.centre, Term::Position(Position::Centre)),
        (&words.positions.not_before, Term::NotBeforePosition),
        (&words.positions.not_after, Term::NotAfterPosition),
        (&words.light.words, Term::Light),
        (&words.light.not, Term::NotLight),
        (&words.light.followers, Term::LightFollower),
        (&words.light.attributes, Term::LightAttribute),
        (&words.light.sources, Term::LightSource),
        (
            &words.light.source_prepositions,
            Term::LightSourcePreposition,
        ),
        (&words.light.openers, Term::LightOpener),
        (&words.setting.prepositions, Term::Preposition),
        (&words.setting.places, Term::Place),
        (&words.setting.not, Term::NotPlace),
        (&words.actions.verbs, Term::Verb),
        (&words.actions.not, Term::NotVerb),
        (&words.actions.joints, Term::Joint),
        (&words.actions.holders, Term::Holder),
        (&words.actions.looks, Term::Look),
        (&words.actions.conjunctions, Term::Joint),
        (&words.actions.conjunctions, Term::Conjunction),
        (&words.cues.lower_body, Term::LowerBody),
        (&words.cues.anchors, Term::Anchor),
        (&words.cues.expression, Term::Expression),
        (&words.cues.emotion, Term::Emotion),
        (&words.cues.pose, Term::Pose),
        (&words.cues.wide_verbs, Term::WideVerb),
    ];
    for (phrases, term) in lists {
        for phrase in phrases {
            index.add(phrase, term);
        }
    }
    for (word, number) in &words.numbers {
        index.add(word, Term::Number(*number));
    }
}
