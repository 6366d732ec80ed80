//! Finding many phrases at once, the longest first.

use std::collections::HashMap;
use std::ops::Range;

use crate::parsed::Position;
use crate::word::{Word, joins, words};

/// What a phrase means. Numbers are indices into the vocabulary's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Shot(usize),
    /// A shot's initials in the wrong case: "ecu".
    ShotInitials(usize),
    Token(usize),
    Alias(usize),
    Person,
    Determiner,
    Adjective,
    Number(u32),
    CountNoun,
    Nobody,
    Position(Position),
    NotBeforePosition,
    NotAfterPosition,
    Light,
    NotLight,
    LightFollower,
    LightAttribute,
    LightSource,
    LightSourcePreposition,
    LightOpener,
    Preposition,
    Place,
    NotPlace,
    Verb,
    NotVerb,
    Joint,
    Holder,
    Look,
    Conjunction,
    Article,
    ShotTail,
    LowerBody,
    Anchor,
    Expression,
    Emotion,
    Pose,
    WideVerb,
}

#[derive(Clone, Debug)]
struct Entry {
    words: Vec<String>,
    term: Term,
    /// The only spelling that counts, gaps and case included, or case excluded.
    spelling: Spelling,
}

#[derive(Clone, Debug, PartialEq)]
enum Spelling {
    Free,
    /// With these gaps between the words.
    Gaps(Vec<String>),
    /// In this case.
    Case(String),
}

/// A phrase in a prompt.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub term: Term,
    /// Indices of its words.
    pub words: Range<usize>,
}

/// Phrases by their first word.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhraseIndex {
    by_first: HashMap<String, Vec<Entry>>,
}

impl PhraseIndex {
    /// Adds a phrase; false where it has no word.
    pub fn add(&mut self, phrase: &str, term: Term) -> bool {
        let initials = matches!(term, Term::Shot(_))
            && phrase.chars().any(char::is_uppercase)
            && !phrase.chars().any(char::is_lowercase)
            && words(phrase).len() == 1;
        let spelling = match term {
            Term::Token(_) => Spelling::Gaps(gaps(phrase, &words(phrase))),
            _ if initials => Spelling::Case(phrase.trim().to_owned()),
            _ => Spelling::Free,
        };
        let words: Vec<String> = words(phrase).into_iter().map(|word| word.text).collect();
        let Some(first) = words.first() else {
            return false;
        };
        let entries = self.by_first.entry(first.clone()).or_default();
        // A class is that of many characters.
        let known = |entry: &Entry| entry.term == term && entry.words == words;
        if entries
            .iter()
            .any(|entry| known(entry) && entry.spelling == spelling)
        {
            return true;
        }
        let longer = entries.partition_point(|entry| entry.words.len() >= words.len());
        entries.insert(
            longer,
            Entry {
                words,
                term,
                spelling,
            },
        );
        true
    }

    /// All phrases in a prompt by their first word, of those the longest first.
    pub fn hits(&self, prompt: &str, words: &[Word]) -> Hits {
        let mut hits = Vec::new();
        let mut starts = Vec::with_capacity(words.len() + 1);
        for at in 0..words.len() {
            starts.push(hits.len());
            let Some(entries) = self.by_first.get(&words[at].text) else {
                continue;
            };
            for entry in entries {
                let end = at + entry.words.len();
                let Some(candidate) = words.get(at..end) else {
                    continue;
                };
                if !candidate
                    .iter()
                    .zip(&entry.words)
                    .all(|(a, b)| a.text == *b)
                {
                    continue;
                }
                let term = match (&entry.spelling, entry.term) {
                    (Spelling::Gaps(wanted), term) if *wanted == gaps(prompt, candidate) => term,
                    (Spelling::Gaps(_), _) => continue,
                    (Spelling::Case(wanted), Term::Shot(shot))
                        if words[at].span.of(prompt) != wanted =>
                    {
                        Term::ShotInitials(shot)
                    }
                    (_, term) if gaps(prompt, candidate).iter().all(|gap| joins(gap)) => term,
                    _ => continue,
                };
                hits.push(Hit {
                    term,
                    words: at..end,
                });
            }
        }
        starts.push(hits.len());
        Hits { hits, starts }
    }
}

fn gaps(text: &str, words: &[Word]) -> Vec<String> {
    words
        .windows(2)
        .map(|pair| text[pair[0].span.end..pair[1].span.start].to_owned())
        .collect()
}

/// The phrases of one prompt.
#[derive(Clone, Debug)]
pub(crate) struct Hits {
    hits: Vec<Hit>,
    /// By word: where the hits that start there begin in `hits`.
    starts: Vec<usize>,
}

impl Hits {
    /// The hits that start at a word.
    pub fn from(&self, word: usize) -> &[Hit] {
        match (self.starts.get(word), self.starts.get(word + 1)) {
            (Some(&start), Some(&end)) => &self.hits[start..end],
            _ => &[],
        }
    }

    /// The longest hit of a kind that starts at a word.
    pub fn at(&self, word: usize, kind: impl Fn(Term) -> bool) -> Option<&Hit> {
        self.from(word).iter().find(|hit| kind(hit.term))
    }

    /// Whether a hit of the term starts at a word.
    pub fn is(&self, word: usize, term: Term) -> bool {
        self.at(word, |found| found == term).is_some()
    }

    /// All hits of a kind, none within another of them: the leftmost wins, of
    /// those the longest.
    pub fn all(&self, kind: impl Fn(Term) -> bool) -> Vec<Hit> {
        let mut end = 0;
        let mut found = Vec::new();
        for hit in &self.hits {
            if hit.words.start >= end && kind(hit.term) {
                end = hit.words.end;
                found.push(hit.clone());
            }
        }
        found
    }
}
