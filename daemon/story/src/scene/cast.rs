//! Who plays in a scene, and how the description calls them.

use std::collections::{HashMap, HashSet};

use super::book::Book;
use super::token::{Token, tokens};
use crate::character::Character;
use crate::vocabulary::Vocabulary;

/// Which pronoun a character goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gender {
    He,
    She,
    Any,
}

impl Gender {
    fn fits(self, other: Self) -> bool {
        self == Self::Any || other == Self::Any || self == other
    }

    pub fn possessive(self) -> &'static str {
        match self {
            Self::He => "his",
            Self::She => "her",
            Self::Any => "their",
        }
    }
}

/// Someone in the cast.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The token.
    pub token: String,
    /// Token and class.
    pub name: String,
    pub gender: Gender,
}

/// Who is called by a word of the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Person {
    /// A member of the cast, by its place in it.
    Cast(usize),
    /// Someone else, in the description's words.
    Stranger(String),
}

/// Where a member is named.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    pub who: usize,
    pub start: usize,
    pub end: usize,
    /// "kaitoyosuke's"
    pub possessive: bool,
}

/// Everybody in a scene.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    pub members: Vec<Member>,
    pub namings: Vec<Naming>,
    /// Nouns that stand for someone: "the detective".
    roles: HashMap<String, Person>,
    /// Members whom no name and no noun means so far.
    unmet: Vec<usize>,
    /// Those who were spoken of, the last one last.
    spoken: Vec<usize>,
    /// People in the description who are no characters, each once.
    pub strangers: Vec<String>,
}

impl Cast {
    /// The characters that are asked for, else those that the description names.
    pub fn new(
        wanted: &[&Character],
        words: &[Token],
        vocabulary: &Vocabulary,
        book: &Book,
    ) -> Self {
        let all: Vec<&Character> = if wanted.is_empty() {
            vocabulary.characters().iter().collect()
        } else {
            wanted.to_vec()
        };
        let mut namings = namings(&all, words);
        let mut members: Vec<&Character> = wanted.to_vec();
        if wanted.is_empty() {
            let mut numbers: HashMap<usize, usize> = HashMap::new();
            for naming in &mut namings {
                let next = numbers.len();
                let number = *numbers.entry(naming.who).or_insert(next);
                if number == next {
                    members.push(all[naming.who]);
                }
                naming.who = number;
            }
        }
        let members: Vec<Member> = members
            .into_iter()
            .map(|character| Member {
                token: character.token.clone(),
                name: character.name(),
                gender: gender(&character.class.to_lowercase(), book),
            })
            .collect();
        let unmet = (0..members.len())
            .filter(|who| namings.iter().all(|naming| naming.who != *who))
            .collect();
        Self {
            members,
            namings,
            roles: HashMap::new(),
            unmet,
            spoken: Vec::new(),
            strangers: Vec::new(),
        }
    }

    /// The member who is named at a word.
    pub fn named_at(&self, word: usize) -> Option<&Naming> {
        let at = self.namings.partition_point(|naming| naming.end <= word);
        self.namings.get(at).filter(|naming| naming.start <= word)
    }

    pub fn speak_of(&mut self, who: usize) {
        self.spoken.retain(|known| *known != who);
        self.spoken.push(who);
    }

    /// Everybody, by their places.
    pub fn everybody(&self) -> Vec<usize> {
        (0..self.members.len()).collect()
    }

    /// Whom "he", "she" or "they" means.
    pub fn pronoun(&mut self, word: &str) -> Option<Vec<usize>> {
        let gender = match word {
            "he" | "him" => Gender::He,
            "she" => Gender::She,
            "they" | "them" | "we" | "us" | "everyone" | "everybody" => {
                if self.members.is_empty() {
                    return None;
                }
                return Some(if self.spoken.len() >= 2 {
                    self.in_order(self.spoken.clone())
                } else {
                    self.everybody()
                });
            }
            "i" | "you" | "somebody" | "someone" => Gender::Any,
            _ => return None,
        };
        let fits = |who: &usize| {
            self.members[*who].gender.fits(gender)
                && (gender == Gender::Any || self.members[*who].gender != Gender::Any)
        };
        let known = self.spoken.iter().rev().copied().find(fits);
        let new = || self.unmet.iter().copied().find(fits);
        let other = || (0..self.members.len()).find(|who| self.members[*who].gender.fits(gender));
        let who = known.or_else(new).or_else(other)?;
        self.unmet.retain(|unmet| *unmet != who);
        self.speak_of(who);
        Some(vec![who])
    }

    fn in_order(&self, mut who: Vec<usize>) -> Vec<usize> {
        who.sort_unstable();
        who
    }

    /// Whom a noun means; none where it is no noun for people.
    pub fn role(&mut self, noun: &str, phrase: &str, book: &Book) -> Option<Person> {
        let people = book.people();
        let gender = if people.he.contains(noun) {
            Gender::He
        } else if people.she.contains(noun) {
            Gender::She
        } else if people.any.contains(noun) {
            Gender::Any
        } else {
            return None;
        };
        if let Some(person) = self.roles.get(noun) {
            let person = person.clone();
            if let Person::Cast(who) = person {
                self.speak_of(who);
            }
            return Some(person);
        }
        let member = self
            .unmet
            .iter()
            .copied()
            .find(|who| self.members[*who].gender.fits(gender));
        let person = match member {
            Some(who) => {
                self.unmet.retain(|unmet| *unmet != who);
                self.speak_of(who);
                Person::Cast(who)
            }
            None => {
                self.strangers.push(phrase.to_owned());
                Person::Stranger(phrase.to_owned())
            }
        };
        self.roles.insert(noun.to_owned(), person.clone());
        Some(person)
    }

    /// Whom "two men", "the friends" mean; empty where the cast has none of them.
    pub fn group(&mut self, noun: &str) -> Vec<usize> {
        let gender = match noun {
            "men" | "boys" | "brothers" => Gender::He,
            "women" | "girls" | "sisters" => Gender::She,
            _ => Gender::Any,
        };
        let meant: Vec<usize> = self
            .everybody()
            .into_iter()
            .filter(|who| self.members[*who].gender.fits(gender))
            .collect();
        for who in &meant {
            self.speak_of(*who);
            self.unmet.retain(|unmet| unmet != who);
        }
        meant
    }
}

fn gender(class: &str, book: &Book) -> Gender {
    let last = class.split_whitespace().last().unwrap_or_default();
    if book.people().he.contains(last) {
        Gender::He
    } else if book.people().she.contains(last) {
        Gender::She
    } else {
        Gender::Any
    }
}

/// All places where characters are named, by token, with or without the class,
/// or by an alias; the longest name wins.
fn namings(characters: &[&Character], words: &[Token]) -> Vec<Naming> {
    // Of a large library few are named: the others cost one look each.
    let spoken: HashSet<&str> = words
        .iter()
        .flat_map(|word| [word.lower.as_str(), word.lower.trim_end_matches("'s")])
        .collect();
    let mut names: HashMap<String, Vec<(Vec<String>, usize)>> = HashMap::new();
    for (who, character) in characters.iter().enumerate() {
        let mut add = |name: &str| {
            let first = name.split_whitespace().next().unwrap_or_default();
            let plain = first.chars().all(char::is_alphanumeric);
            if plain && !spoken.contains(first.to_lowercase().as_str()) {
                return;
            }
            let name: Vec<String> = tokens(name)
                .into_iter()
                .filter(Token::is_word)
                .map(|token| token.lower)
                .collect();
            if let Some(first) = name.first() {
                names.entry(first.clone()).or_default().push((name, who));
            }
        };
        add(&character.name());
        add(&character.token);
        character.aliases.iter().for_each(|alias| add(alias));
    }
    for entries in names.values_mut() {
        entries.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }
    let mut found: Vec<Naming> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let plain = words[at]
            .lower
            .strip_suffix("'s")
            .unwrap_or(&words[at].lower);
        let entries = names.get(&words[at].lower).or_else(|| names.get(plain));
        let hit = entries.and_then(|entries| {
            entries.iter().find_map(|(name, who)| {
                let end = at + name.len();
                let spoken = words.get(at..end)?;
                let possessive = spoken.last()?.lower.ends_with("'s");
                let same = spoken.iter().zip(name).all(|(word, part)| {
                    word.is_word()
                        && (word.lower == *part || word.lower.strip_suffix("'s") == Some(part))
                });
                same.then_some(Naming {
                    who: *who,
                    start: at,
                    end,
                    possessive,
                })
            })
        });
        match hit {
            Some(naming) => {
                at = naming.end;
                found.push(naming);
            }
            None => at += 1,
        }
    }
    found
}
