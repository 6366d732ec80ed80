//! Reading a prompt.

mod actions;
mod people;
mod places;
mod positions;
mod shots;

use std::ops::Range;

use crate::clause::{clauses, trim};
use crate::parsed::{Clause, Parsed};
use crate::phrase_index::Hits;
use crate::span::Span;
use crate::vocabulary::Vocabulary;
use crate::word::{Word, collapse, joins, words};

/// Reads a prompt. Every text is a prompt: what means nothing is kept, and
/// found by nothing but [`format`](crate::format()).
///
/// Takes time in proportion to the length of the prompt.
#[must_use]
pub fn parse(prompt: &str, vocabulary: &Vocabulary) -> Parsed {
    Reading::new(prompt, vocabulary).parsed
}

/// A prompt with all that was found out about it on the way.
pub(crate) struct Reading<'a> {
    pub prompt: &'a str,
    pub vocabulary: &'a Vocabulary,
    pub words: Vec<Word>,
    pub hits: Hits,
    /// The words of each clause; those of the opening shot belong to none.
    pub clauses: Vec<Range<usize>>,
    /// By word: whether it is part of something that was found.
    pub claimed: Vec<bool>,
    pub parsed: Parsed,
    /// Words that stand in canonical spelling instead of others.
    spellings: Vec<(Span, String)>,
}

impl<'a> Reading<'a> {
    pub fn new(prompt: &'a str, vocabulary: &'a Vocabulary) -> Self {
        let words = words(prompt);
        let hits = vocabulary.index().hits(prompt, &words);
        let mut reading = Self {
            prompt,
            vocabulary,
            claimed: vec![false; words.len()],
            clauses: Vec::new(),
            parsed: Parsed::default(),
            spellings: Vec::new(),
            words,
            hits,
        };
        reading.read_clauses();
        reading.read_characters();
        reading.read_shots();
        reading.read_people();
        reading.read_positions();
        reading.read_light();
        reading.read_setting();
        reading.read_actions();
        reading.write_clauses();
        reading
    }

    /// Whether a word belongs to one phrase with the word before it.
    pub fn joined(&self, word: usize) -> bool {
        word > 0
            && word < self.words.len()
            && self
                .prompt
                .get(self.words[word - 1].span.end..self.words[word].span.start)
                .is_some_and(joins)
    }

    pub fn span(&self, words: &Range<usize>) -> Span {
        match (self.words.get(words.start), words.end.checked_sub(1)) {
            (Some(first), Some(last)) if words.start < words.end => {
                Span::new(first.span.start, self.words[last].span.end)
            }
            _ => Span::default(),
        }
    }

    /// The clause that a word is in.
    pub fn clause_of(&self, word: usize) -> Option<usize> {
        let clause = self.clauses.partition_point(|clause| clause.end <= word);
        let inside = self
            .clauses
            .get(clause)
            .is_some_and(|words| words.contains(&word));
        inside.then_some(clause)
    }

    fn claim(&mut self, words: &Range<usize>) {
        self.claimed[words.clone()].fill(true);
    }

    fn is_claimed(&self, words: &Range<usize>) -> bool {
        self.claimed[words.clone()].iter().any(|claimed| *claimed)
    }

    fn text(&self, span: Span) -> String {
        let mut text = String::new();
        let mut done = span.start;
        // Spellings are in the order of the text, so those of a span are found
        // without looking at all of them.
        let first = self
            .spellings
            .partition_point(|(at, _)| at.start < span.start);
        for (at, spelling) in &self.spellings[first..] {
            if at.end > span.end {
                break;
            }
            text.push_str(&self.prompt[done..at.start]);
            text.push_str(spelling);
            done = at.end;
        }
        text.push_str(&self.prompt[done..span.end]);
        collapse(&text)
    }

    /// Splits into clauses and takes the shot that opens the prompt off the
    /// first of them.
    fn read_clauses(&mut self) {
        let mut word = 0;
        for raw in clauses(self.prompt) {
            let start = word;
            while self
                .words
                .get(word)
                .is_some_and(|word| word.span.end <= raw.span.end)
            {
                word += 1;
            }
            let mut words = start..word;
            let mut span = raw.span;
            if self.parsed.clauses.is_empty()
                && self.parsed.shot.is_none()
                && let Some((shot, end)) = self.opening(&words, span)
            {
                span = trim(self.prompt, Span::new(shot.span.end, span.end));
                self.claim(&(start..end));
                self.parsed.shot = Some(shot);
                words.start = end;
                if span.start == span.end {
                    continue;
                }
            }
            self.clauses.push(words);
            self.parsed.clauses.push(Clause {
                text: String::new(),
                separator: raw.separator,
                span,
            });
        }
    }

    /// Whether nothing but whitespace is between a word and the one before.
    fn spaced(&self, word: usize) -> bool {
        self.joined(word)
            && self
                .prompt
                .get(self.words[word - 1].span.end..self.words[word].span.start)
                .is_some_and(|gap| gap.chars().all(char::is_whitespace))
    }

    fn write_clauses(&mut self) {
        let texts: Vec<String> = self
            .parsed
            .clauses
            .iter()
            .map(|clause| self.text(clause.span))
            .collect();
        for (clause, text) in self.parsed.clauses.iter_mut().zip(texts) {
            clause.text = text;
        }
    }
}
