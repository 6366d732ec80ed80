//! Reading a prompt.

use std::ops::Range;

use crate::clause::{clauses, trim};
use crate::parsed::{
    Action, CharacterMention, Clause, Naming, Parsed, PeopleCount, Phrase, PositionMention,
    ShotMention, Stranger,
};
use crate::phrase_index::{Hits, Term};
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

/// How many words a light's phrase has before the word for light.
const LIGHT_WORDS_BEFORE: usize = 4;

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

    /// The shot at the very start of a clause, and the word after it.
    fn opening(&self, words: &Range<usize>, clause: Span) -> Option<(ShotMention, usize)> {
        let start = words.start;
        if self.words.get(start)?.span.start != clause.start {
            return None;
        }
        let article = self.hits.is(start, Term::Article) && self.joined(start + 1);
        let first = if article { start + 1 } else { start };
        let hit = self.hits.at(first, |term| {
            matches!(term, Term::Shot(_) | Term::ShotInitials(_))
        })?;
        let mut end = hit.words.end;
        if self.words[end - 1].text != "of" {
            while self.joined(end) && self.hits.is(end, Term::ShotTail) {
                end += 1;
            }
            if self.joined(end) && self.words[end].text == "of" {
                end += 1;
            }
        }
        let shot = match hit.term {
            Term::Shot(shot) => shot,
            Term::ShotInitials(shot) if self.words[end - 1].text == "of" => shot,
            _ => return None,
        };
        let span = self.span(&(start..end));
        Some((self.shot_mention(shot, true, span), end))
    }

    fn shot_mention(&self, shot: usize, opens: bool, span: Span) -> ShotMention {
        let (id, shot) = self.vocabulary.shot_at(shot);
        ShotMention {
            id: id.clone(),
            phrase: collapse(&shot.phrase),
            opens,
            span,
        }
    }

    fn read_shots(&mut self) {
        for hit in self.hits.all(|term| matches!(term, Term::Shot(_))) {
            let Term::Shot(shot) = hit.term else {
                continue;
            };
            if self.is_claimed(&hit.words) {
                continue;
            }
            let mention = self.shot_mention(shot, false, self.span(&hit.words));
            self.claim(&hit.words);
            if self.parsed.shot.is_none() {
                self.parsed.shot = Some(mention);
            } else {
                self.parsed.other_shots.push(mention);
            }
        }
    }

    fn read_characters(&mut self) {
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

    /// Whether nothing but whitespace is between a word and the one before.
    fn spaced(&self, word: usize) -> bool {
        self.joined(word)
            && self
                .prompt
                .get(self.words[word - 1].span.end..self.words[word].span.start)
                .is_some_and(|gap| gap.chars().all(char::is_whitespace))
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

    fn read_people(&mut self) {
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

    fn read_positions(&mut self) {
        for hit in self.hits.all(|term| matches!(term, Term::Position(_))) {
            let Term::Position(position) = hit.term else {
                continue;
            };
            let Range { start, end } = hit.words;
            let Some(clause) = self.clause_of(start) else {
                continue;
            };
            let before_noun = self.joined(end) && self.hits.is(end, Term::NotBeforePosition);
            let after_verb = self.joined(start) && self.hits.is(start - 1, Term::NotAfterPosition);
            if before_noun || after_verb || self.is_claimed(&hit.words) {
                continue;
            }
            self.claim(&hit.words);
            let mention = PositionMention {
                position,
                span: self.span(&hit.words),
            };
            match self.owner(mention.span, clause) {
                Some(owner) => self.parsed.characters[owner].position = Some(mention),
                None => self.parsed.loose_positions.push(mention),
            }
        }
    }

    /// The character whom a position belongs to: the one before it without a
    /// position, in the same clause or the ones before; else the next one.
    fn owner(&self, position: Span, clause: usize) -> Option<usize> {
        let characters = &self.parsed.characters;
        let next = characters.partition_point(|mention| mention.span.start < position.start);
        let free = |at: &usize| {
            characters
                .get(*at)
                .is_some_and(|mention| mention.position.is_none())
        };
        let previous = self.last_named(position.start).filter(free);
        let clause_start = self.parsed.clauses[clause].span.start;
        // "kaitoyosuke man, on the left jiyeonmun woman": the position opens the
        // clause of the one who follows.
        let opens = position.start == clause_start
            && characters
                .get(next)
                .is_some_and(|mention| self.parsed.clauses[clause].span.contains(mention.span));
        if opens {
            return Some(next).filter(free);
        }
        // "a woman on the left": the position is the stranger's.
        let strangers = &self.parsed.strangers;
        let stranger = strangers
            .partition_point(|stranger| stranger.span.start < position.start)
            .checked_sub(1)
            .map(|last| strangers[last].span.start);
        let of_stranger = stranger.is_some_and(|start| start >= clause_start)
            && self.last_named(position.start).is_none();
        if of_stranger {
            return None;
        }
        previous.or(Some(next).filter(free))
    }

    /// The character who is named last before a place in the prompt, unless a
    /// stranger is named in between.
    fn last_named(&self, at: usize) -> Option<usize> {
        let characters = &self.parsed.characters;
        let strangers = &self.parsed.strangers;
        let character = characters
            .partition_point(|mention| mention.span.start < at)
            .checked_sub(1)?;
        let stranger = strangers
            .partition_point(|stranger| stranger.span.start < at)
            .checked_sub(1);
        let nearer = stranger.is_none_or(|last| strangers[last].span < characters[character].span);
        nearer.then_some(character)
    }

    /// Whether a word is a verb that is done.
    pub fn is_verb(&self, word: usize) -> bool {
        let text = &self.words[word].text;
        self.hits.is(word, Term::Verb)
            || (text.len() > 4 && text.ends_with("ing") && !self.hits.is(word, Term::NotVerb))
    }

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

    fn read_light(&mut self) {
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

    fn read_setting(&mut self) {
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

    fn read_actions(&mut self) {
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
