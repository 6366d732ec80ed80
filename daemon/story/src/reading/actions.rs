//! What is done.

use crate::parsed::Action;
use crate::phrase_index::Term;
use crate::reading::Reading;

impl Reading<'_> {
    /// Whether a word is a verb that is done.
    pub fn is_verb(&self, word: usize) -> bool {
        let text = &self.words[word].text;
        self.hits.is(word, Term::Verb)
            || (text.len() > 4 && text.ends_with("ing") && !self.hits.is(word, Term::NotVerb))
    }

    pub(super) fn read_actions(&mut self) {
        for clause in self.clauses.clone() {
            let mut word = clause.start;
            while word < clause.end {
                if self.claimed[word] || !self.is_verb(word) {
                    word += 1;
                    continue;
                }
                let start = word;
                word += 1;
                while self.goes_on(word, clause.end) || self.brings_something(word, clause.end) {
                    word += 1;
                }
                let span = self.span(&(start..word));
                let action = Action {
                    text: self.text(span),
                    character: self.last_named(span.start),
                    span,
                };
                self.parsed.actions.push(action);
            }
        }
    }

    /// Whether a word belongs to the action before it.
    fn goes_on(&self, word: usize, end: usize) -> bool {
        word < end && !self.claimed[word] && !self.hits.is(word, Term::Joint) && !self.is_verb(word)
    }

    /// Whether a thing follows that is held: "with an umbrella", but not "with
    /// a short beard".
    fn brings_something(&self, word: usize, end: usize) -> bool {
        let thing = word + 1;
        if thing >= end || !self.hits.is(word, Term::Holder) || !self.hits.is(thing, Term::Article)
        {
            return false;
        }
        let looks = (thing..end)
            .take_while(|&word| self.goes_on(word, end))
            .any(|word| self.hits.is(word, Term::Look));
        self.goes_on(thing + 1, end) && !looks
    }
}
