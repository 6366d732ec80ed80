//! Characters, strangers, and how many there are.

use crate::parsed::{CharacterMention, Naming, PeopleCount, Stranger};
use crate::phrase_index::Term;
use crate::reading::Reading;

impl Reading<'_> {
    pub(super) fn read_characters(&mut self) {
        let named = |term| matches!(term, Term::Token(_) | Term::Alias(_));
        for hit in self.hits.all(named) {
            if self.is_claimed(&hit.words) {
                continue;
            }
            let (Term::Token(character) | Term::Alias(character)) = hit.term else {
                continue;
            };
            let entry = &self.vocabulary.characters()[character];
            let mut words = hit.words.clone();
            let naming = if matches!(hit.term, Term::Alias(_)) {
                // "Kaito man": the class goes with the name.
                if let Some(end) = self.class_end(character, words.end) {
                    words.end = end;
                }
                Naming::Alias
            } else if let Some(end) = self.class_end(character, words.end) {
                words.end = end;
                Naming::Full
            } else if let Some(other) = self
                .spaced(words.end)
                .then(|| self.hits.at(words.end, |term| term == Term::Person))
                .flatten()
            {
                words.end = other.words.end;
                Naming::OtherClass
            } else {
                // "kaitoyosuke-man" is one word to a text encoder, and no
                // activation; but its end belongs to the mention.
                if let Some(end) = self.hyphenated_class_end(character, words.end) {
                    words.end = end;
                }
                Naming::TokenOnly
            };
            let span = self.span(&words);
            match naming {
                Naming::Full => self.spellings.push((span, entry.name())),
                Naming::TokenOnly | Naming::OtherClass => self
                    .spellings
                    .push((self.span(&hit.words), entry.token.clone())),
                Naming::Alias => {}
            }
            let mention = CharacterMention {
                token: entry.token.clone(),
                naming,
                position: None,
                span,
            };
            self.claim(&words);
            self.parsed.characters.push(mention);
        }
    }

    fn class_end(&self, character: usize, start: usize) -> Option<usize> {
        let end = self.hyphenated_class_end(character, start)?;
        self.spaced(start).then_some(end)
    }

    /// The end of a character's class, with whitespace or hyphens before it.
    fn hyphenated_class_end(&self, character: usize, start: usize) -> Option<usize> {
        let class = self.vocabulary.class_words(character);
        let end = start + class.len();
        let found = self.words.get(start..end)?;
        let same = found
            .iter()
            .zip(class)
            .all(|(word, part)| word.text == *part);
        let joined = (start..end).all(|word| self.joined(word));
        (same && joined).then_some(end)
    }

    pub(super) fn read_people(&mut self) {
        for clause in self.clauses.clone() {
            for word in clause.clone() {
                if self.claimed[word] {
                    continue;
                }
                self.read_count(word);
                self.read_stranger(word, clause.start);
            }
        }
    }

    fn read_count(&mut self, word: usize) {
        let number = self
            .hits
            .at(word, |term| matches!(term, Term::Number(_)))
            .and_then(|hit| match hit.term {
                Term::Number(number) => Some(number),
                _ => None,
            })
            .or_else(|| self.words[word].text.parse().ok());
        let counted = number.and_then(|count| {
            let adjective = self.joined(word + 1) && self.hits.is(word + 1, Term::Adjective);
            let noun = if adjective { word + 2 } else { word + 1 };
            let hit = self.hits.at(noun, |term| term == Term::CountNoun)?;
            self.joined(noun).then_some((count, word..hit.words.end))
        });
        let nobody = self.hits.at(word, |term| term == Term::Nobody);
        let found = counted.or_else(|| nobody.map(|hit| (0, hit.words.clone())));
        let Some((count, words)) = found else {
            return;
        };
        if self.is_claimed(&words) {
            return;
        }
        self.claim(&words);
        if self.parsed.people.is_none() {
            let span = self.span(&words);
            self.parsed.people = Some(PeopleCount { count, span });
        }
    }

    /// Finds whom a word for a person means: nobody in particular, or someone
    /// with a name that the vocabulary does not have.
    fn read_stranger(&mut self, word: usize, clause_start: usize) {
        let Some(noun) = self.hits.at(word, |term| term == Term::Person) else {
            return;
        };
        let noun_end = noun.words.end;
        if self.claimed[word] || self.is_claimed(&noun.words) {
            return;
        }
        let before = |at: usize| {
            let previous = at.checked_sub(1)?;
            (previous >= clause_start && self.joined(at) && !self.claimed[previous])
                .then_some(previous)
        };
        let skip_adjectives = |mut at: usize| {
            while let Some(previous) = before(at)
                && self.hits.is(previous, Term::Adjective)
            {
                at = previous;
            }
            at
        };
        let first = skip_adjectives(word);
        let mut start = first;
        let mut name = None;
        match before(first) {
            Some(previous) if self.hits.is(previous, Term::Determiner) => start = previous,
            Some(previous) if first == word && !self.is_function_word(previous) => {
                let further = skip_adjectives(previous);
                match before(further) {
                    Some(determiner) if self.hits.is(determiner, Term::Determiner) => {
                        start = determiner;
                    }
                    _ => {
                        start = previous;
                        name = Some(previous..previous + 1);
                    }
                }
            }
            _ => {}
        }
        let words = start..noun_end;
        let stranger = Stranger {
            name: name.map(|words| self.text(self.span(&words))),
            span: self.span(&words),
        };
        self.claim(&words);
        self.parsed.strangers.push(stranger);
    }

    fn is_function_word(&self, word: usize) -> bool {
        self.hits.from(word).iter().any(|hit| {
            matches!(
                hit.term,
                Term::Preposition | Term::Joint | Term::Verb | Term::Place | Term::NotPlace
            )
        }) || self.is_verb(word)
            || self.words[word].text.chars().count() < 3
    }
}
