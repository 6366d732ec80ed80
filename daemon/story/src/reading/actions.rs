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
                while word < clause.end
                    && !self.claimed[word]
                    && !self.hits.is(word, Term::Joint)
                    && !self.is_verb(word)
                {
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
}
