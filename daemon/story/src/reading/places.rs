//! Setting and light.

use std::ops::Range;

use crate::parsed::Phrase;
use crate::phrase_index::Term;
use crate::reading::Reading;

/// How many words a light's phrase has before the word for light.
const LIGHT_WORDS_BEFORE: usize = 4;

impl Reading<'_> {
    fn without_article(&self, words: Range<usize>) -> Range<usize> {
        let article = words.len() > 1 && self.hits.is(words.start, Term::Article);
        if article {
            words.start + 1..words.end
        } else {
            words
        }
    }

    fn phrase(&self, whole: Range<usize>, words: Range<usize>) -> Phrase {
        let span = self.span(&self.without_article(words));
        Phrase {
            text: self.text(span),
            span,
            whole: self.span(&whole),
        }
    }

    pub(super) fn read_light(&mut self) {
        let lights = self
            .hits
            .all(|term| matches!(term, Term::Light | Term::NotLight));
        for hit in lights {
            let (start, end) = (hit.words.start, hit.words.end);
            let Some(clause) = self.clause_of(start) else {
                continue;
            };
            if hit.term == Term::NotLight || self.is_claimed(&hit.words) {
                continue;
            }
            let clause = self.clauses[clause].clone();
            let goes_on = end < clause.end && self.joined(end) && !self.claimed[end];
            let follower = goes_on && self.hits.is(end, Term::LightFollower);
            let ends = !goes_on
                || follower
                || self.is_verb(end)
                || self.hits.is(end, Term::Preposition)
                || self.hits.is(end, Term::Joint);
            if !ends {
                continue;
            }
            let mut first = start;
            while first > clause.start
                && start - first < LIGHT_WORDS_BEFORE
                && self.joined(first)
                && !self.stops_before(first - 1)
            {
                first -= 1;
            }
            let mut last = end;
            if follower {
                // "light from a window in a bedroom": the bedroom is the setting.
                while last < clause.end
                    && self.joined(last)
                    && !self.stops_at(last, !self.hits.is(last, Term::LightFollower))
                {
                    last += 1;
                }
            }
            let preposition = first > clause.start
                && self.joined(first)
                && !self.claimed[first - 1]
                && self.hits.is(first - 1, Term::Preposition);
            let whole = if preposition { first - 1 } else { first }..last;
            self.parsed.light = Some(self.phrase(whole.clone(), first..last));
            self.claim(&whole);
            return;
        }
        if let Some(whole) = self.clauses.iter().find_map(|clause| self.source(clause)) {
            self.parsed.light = Some(self.phrase(whole.clone(), whole.clone()));
            self.claim(&whole);
        }
    }

    /// "under a blood-red moon", "lit by paper lanterns": a clause that says by
    /// what there is light.
    fn source(&self, clause: &Range<usize>) -> Option<Range<usize>> {
        if clause.is_empty() || self.claimed[clause.start] {
            return None;
        }
        if let Some(opener) = self.hits.at(clause.start, |term| term == Term::LightOpener) {
            let words = self.run(opener.words.end, clause.end, false);
            return (!words.is_empty()).then_some(clause.start..words.end);
        }
        let preposition = self
            .hits
            .at(clause.start, |term| term == Term::LightSourcePreposition)?;
        let words = self.run(preposition.words.end, clause.end, true);
        let suffixes = &self.vocabulary.words().light.source_suffixes;
        let last = &self.words.get(words.end.checked_sub(1)?)?.text;
        let gives = self.ends_in(&words, Term::LightSource)
            || (suffixes.iter())
                .any(|suffix| last.len() > suffix.len() && last.ends_with(suffix.as_str()));
        (gives && !words.is_empty()).then_some(clause.start..words.end)
    }

    /// Whether a word before a light's word is not part of its phrase.
    fn stops_before(&self, word: usize) -> bool {
        self.claimed[word]
            || self.hits.is(word, Term::Preposition)
            || self.hits.is(word, Term::Joint)
            || self.is_verb(word)
    }

    /// Whether a phrase ends before a word.
    fn stops_at(&self, word: usize, at_prepositions: bool) -> bool {
        self.claimed[word]
            || self.hits.is(word, Term::Joint)
            || self.is_verb(word)
            || (at_prepositions && self.hits.is(word, Term::Preposition))
    }

    fn run(&self, start: usize, end: usize, at_prepositions: bool) -> Range<usize> {
        let mut last = start;
        while last < end
            && (last == start || self.joined(last))
            && !self.stops_at(last, at_prepositions)
        {
            last += 1;
        }
        start..last
    }

    /// Whether the last word of a phrase is the last of a term.
    fn ends_in(&self, words: &Range<usize>, term: Term) -> bool {
        words.clone().any(|word| {
            let hit = self.hits.from(word).iter();
            hit.into_iter()
                .any(|hit| hit.term == term && hit.words.end == words.end)
        })
    }

    pub(super) fn read_setting(&mut self) {
        let found = self
            .opening_setting()
            .or_else(|| self.clause_setting())
            .or_else(|| self.inner_setting());
        if let Some((whole, words)) = found {
            self.parsed.setting = Some(self.phrase(whole.clone(), words));
            self.claim(&whole);
        }
    }

    /// "long shot picture of a foggy park": a place right after the shot.
    fn opening_setting(&self) -> Option<(Range<usize>, Range<usize>)> {
        let shot = self.parsed.shot.as_ref().filter(|shot| shot.opens)?;
        let clause = self.clauses.first()?;
        let framing = self.vocabulary.framing(&shot.id);
        let environment = framing.is_some_and(|framing| framing.environment_first);
        let whole = self.run(clause.start, clause.end, true);
        // Where the surroundings come first, what has the first clause for
        // itself is the surroundings, known or not.
        let light = self.parsed.light.as_ref().map(|light| light.whole.start);
        let ends = whole.end == clause.end || light == Some(self.words[whole.end].span.start);
        let place = if environment && !whole.is_empty() && ends {
            whole
        } else {
            self.place_run(clause.start, clause.end)?
        };
        Some((place.clone(), place))
    }

    /// Words up to a place, with the places that follow: "a bench in a park".
    fn place_run(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let mut words = self.run(start, end, true);
        if !self.ends_in(&words, Term::Place) {
            return None;
        }
        while words.end < end
            && let Some(preposition) = self.hits.at(words.end, |term| term == Term::Preposition)
        {
            let more = self.run(preposition.words.end, end, true);
            if self.is_claimed(&preposition.words) || !self.ends_in(&more, Term::Place) {
                break;
            }
            words.end = more.end;
        }
        Some(words)
    }

    /// ", in Blackmoor Abbey": a preposition opens a clause, whatever follows.
    fn clause_setting(&self) -> Option<(Range<usize>, Range<usize>)> {
        self.clauses.iter().find_map(|clause| {
            let preposition = self
                .hits
                .at(clause.start, |term| term == Term::Preposition)?;
            if clause.is_empty() || self.is_claimed(&preposition.words) {
                return None;
            }
            let words = self.run(preposition.words.end, clause.end, false);
            let named = !words.is_empty() && !self.ends_in(&words, Term::NotPlace);
            named.then_some((clause.start..words.end, words))
        })
    }

    /// "sitting in a dusty library": a known place after a preposition.
    fn inner_setting(&self) -> Option<(Range<usize>, Range<usize>)> {
        self.clauses.iter().find_map(|clause| {
            clause.clone().find_map(|word| {
                let preposition = self.hits.at(word, |term| term == Term::Preposition)?;
                if self.is_claimed(&preposition.words) {
                    return None;
                }
                let place = self.place_run(preposition.words.end, clause.end)?;
                Some((word..place.end, place))
            })
        })
    }
}
