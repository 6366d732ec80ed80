//! A description with what its words mean: light, weather, places and verbs.

use super::book::Book;
use super::cast::Cast;
use super::token::{Mark, Token};
use super::verbs::{Form, Verb};
use crate::vocabulary::Vocabulary;

/// What a word is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Free,
    /// A place, with the preposition in front of it.
    Place,
    /// A place that a verb leads to, without a preposition.
    Entered,
    Light,
    Weather,
    /// A clause about something that was named, "who has been here".
    Aside,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub preposition: String,
    /// "the Blue Lantern bar", as the description has it.
    pub noun: String,
    /// Whether it is reached only after what is done: by boarding, by leaving.
    pub after: bool,
    /// The word that says what it is, by which it is known again.
    head: String,
}

impl Place {
    pub fn phrase(&self) -> String {
        format!("{} {}", self.preposition, self.noun)
    }
}

/// From which word on something holds.
#[derive(Clone, Debug)]
pub(super) struct From<T> {
    pub word: usize,
    pub what: T,
}

/// A description, read.
pub(super) struct Script<'a> {
    pub tokens: Vec<Token>,
    pub tags: Vec<Tag>,
    pub verbs: Vec<Option<Verb>>,
    pub places: Vec<From<Place>>,
    pub lights: Vec<From<String>>,
    pub weather: Vec<From<String>>,
    pub book: &'a Book,
    vocabulary: &'a Vocabulary,
}

/// How many words a phrase of a light or a place has at most.
const LONGEST_PHRASE: usize = 10;

impl<'a> Script<'a> {
    pub fn new(
        tokens: Vec<Token>,
        cast: &Cast,
        book: &'a Book,
        vocabulary: &'a Vocabulary,
    ) -> Self {
        let count = tokens.len();
        let mut script = Self {
            tokens,
            tags: vec![Tag::Free; count],
            verbs: vec![None; count],
            places: Vec::new(),
            lights: Vec::new(),
            weather: Vec::new(),
            book,
            vocabulary,
        };
        script.find_lights();
        script.find_weather();
        script.find_asides();
        script.find_verbs(cast);
        script.find_places(cast);
        script
    }

    pub fn lower(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.lower.as_str())
    }

    pub fn mark(&self, at: usize) -> Option<Mark> {
        self.tokens
            .get(at)
            .map_or(Some(Mark::Sentence), |token| token.mark)
    }

    pub fn is_word_at(&self, at: usize) -> bool {
        self.mark(at).is_none()
    }

    /// The words of a range as they are written.
    pub fn text(&self, range: std::ops::Range<usize>) -> String {
        let mut text = String::new();
        for at in range {
            if !self.is_word_at(at) {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            // The first word of a sentence is written large, whatever it is.
            let first = at == 0 || self.mark(at - 1) == Some(Mark::Sentence);
            let lower = first
                && (self.book.is_determiner(self.lower(at))
                    || self.book.is_preposition(self.lower(at)));
            let token = &self.tokens[at];
            text.push_str(if lower { &token.lower } else { &token.text });
        }
        text
    }

    /// The words of a range; the first is written small where it is large for
    /// standing first in its sentence.
    pub fn uncapitalised(&self, range: std::ops::Range<usize>) -> String {
        let start = range.start;
        let text = self.text(range);
        let first = start == 0 || self.mark(start - 1) == Some(Mark::Sentence);
        if first {
            lower_first(&text, self.lower(start))
        } else {
            text
        }
    }

    /// Whether a place, a light or a subject cannot go on with a word.
    pub fn parts(&self, at: usize) -> bool {
        let word = self.lower(at);
        !self.is_word_at(at)
            || self.tags[at] != Tag::Free
            || self.verbs[at].is_some()
            || (self.book.is_preposition(word) && word != "of")
            || self.book.is_conjunction(word)
            || self.book.is_relative(word)
            || self.book.is_auxiliary(word)
    }

    fn tag(&mut self, range: std::ops::Range<usize>, tag: Tag) {
        self.tags[range].fill(tag);
    }

    // ---- light ---------------------------------------------------------------

    fn find_lights(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if self.tags[at] != Tag::Free || !self.is_word_at(at) {
                at += 1;
                continue;
            }
            at = self.light_from(at).unwrap_or(at).max(at + 1);
        }
        if self.lights.is_empty() {
            self.find_times();
        }
    }

    /// Takes a light whose word stands here; gives the word after it.
    fn light_from(&mut self, at: usize) -> Option<usize> {
        if self.lower(at) == "lit" && matches!(self.lower(at + 1), "by" | "with" | "only") {
            let end = self.phrase_end(at + 1, true);
            self.lights.push(From {
                word: at,
                what: self.text(at..end),
            });
            self.tag(at..end, Tag::Light);
            return Some(end);
        }
        let words = &self.vocabulary.words().light;
        let spelled = |phrase: &String| {
            let parts: Vec<&str> = phrase.split_whitespace().collect();
            let same = parts
                .iter()
                .enumerate()
                .all(|(next, part)| self.lower(at + next) == *part);
            (same && !parts.is_empty()).then_some(parts.len())
        };
        if let Some(length) = words.not.iter().filter_map(spelled).max() {
            return Some(at + length);
        }
        let word = words.words.iter().filter_map(spelled).max();
        let source = self.book.is_source(self.lower(at));
        let length = word.or(source.then_some(1))?;
        let end = at + length;
        let goes_on = words.words.iter().any(|word| word == self.lower(end))
            || (source && word.is_none() && self.book.is_source(self.lower(end)));
        if goes_on || self.book.is_determiner(self.lower(end)) {
            // "neon light", "light a match"
            return None;
        }
        let mut start = self.phrase_start(at);
        let mut preposition = start
            .checked_sub(1)
            .filter(|before| self.is_free_preposition(*before));
        // "in the shimmer of the aurora"
        while let Some(of) = preposition.filter(|before| self.lower(*before) == "of") {
            let further = self.phrase_start(of);
            if further == of {
                break;
            }
            start = further;
            preposition = start
                .checked_sub(1)
                .filter(|before| self.is_free_preposition(*before));
        }
        let mut last = end;
        if matches!(self.lower(last), "of" | "from" | "through") && word.is_some() {
            last = self.phrase_end(last + 1, false);
        }
        let named = preposition.map(|at| self.lower(at).to_owned());
        let first = preposition.unwrap_or(start);
        let opens = first == 0
            || !self.is_word_at(first - 1)
            || self.book.is_conjunction(self.lower(first - 1));
        let closes = !self.is_word_at(last)
            || self.book.is_conjunction(self.lower(last))
            || self.book.is_preposition(self.lower(last));
        let articled = start + 1 == at && self.book.is_determiner(self.lower(start));
        let fits = match named.as_deref() {
            // A lamp is a light where something is under it.
            Some(named) if word.is_none() => self.book.shows_light(named),
            // "holding a cup to the light" is about the cup.
            Some("with" | "into" | "through" | "against") => !articled,
            Some("in" | "under" | "by" | "at" | "beneath" | "before" | "amid" | "during") => true,
            Some(_) => false,
            None => word.is_some() && opens && !articled,
        };
        if !fits {
            return None;
        }
        let kept = match named.as_deref() {
            // "into the light of dawn" is a way; the light is "the light of dawn".
            Some("into" | "through" | "with" | "against" | "during" | "before") => {
                format!("in {}", self.text(start..last))
            }
            _ => self.text(first..last),
        };
        // "Soft daylight falls through the windows" is something that happens.
        if named.is_none() && !closes {
            self.lights.push(From {
                word: first,
                what: self.text(start..end),
            });
            return Some(end);
        }
        let kept = if named.is_none() {
            lower_first(&kept, &self.tokens[first].lower)
        } else {
            kept
        };
        self.lights.push(From {
            word: first,
            what: kept,
        });
        self.tag(first..last, Tag::Light);
        Some(last)
    }

    fn is_free_preposition(&self, at: usize) -> bool {
        self.is_word_at(at)
            && self.tags[at] == Tag::Free
            && self.book.is_preposition(self.lower(at))
    }

    /// Back to the article, or to where the phrase cannot begin earlier.
    fn phrase_start(&self, at: usize) -> usize {
        let mut start = at;
        while start > 0 && at - start < 5 {
            let before = start - 1;
            if self.parts(before) || self.lower(before) == "of" {
                break;
            }
            let verb = self
                .book
                .verbs
                .known(self.lower(before))
                .is_some_and(|verb| verb.form != Form::Past);
            let determined = before > 0 && self.book.is_determiner(self.lower(before - 1));
            if verb && !determined && !self.lower(before).ends_with("ing") {
                break;
            }
            if self.book.is_adverb(self.lower(before))
                && matches!(self.lower(before), "out" | "off" | "up" | "down" | "away")
            {
                break;
            }
            start = before;
            if self.book.is_determiner(self.lower(before))
                && !matches!(self.lower(before), "one" | "two" | "three" | "half")
            {
                break;
            }
        }
        start
    }

    /// On to where a phrase ends: at a mark, a verb, or a preposition but "of".
    fn phrase_end(&self, start: usize, through_first: bool) -> usize {
        let mut end = start;
        while end < self.tokens.len() && end - start < LONGEST_PHRASE {
            let first = end == start && through_first;
            if !self.is_word_at(end) || (!first && self.parts(end)) {
                break;
            }
            end += 1;
        }
        end
    }

    /// "at night", "in the morning", "as night falls".
    fn find_times(&mut self) {
        for at in 0..self.tokens.len() {
            let word = self.lower(at);
            let single = word
                .strip_suffix('s')
                .filter(|single| self.book.time(single).is_some());
            let Some(light) = self.book.time(word).map(str::to_owned) else {
                continue;
            };
            let time = single.unwrap_or(word).to_owned();
            let start = self.phrase_start(at);
            let plain: Vec<&str> = (start..at)
                .map(|at| self.lower(at))
                .filter(|word| !self.book.is_determiner(word) && !self.book.is_adverb(word))
                .collect();
            let broken = start > 0 && self.mark(start - 1) == Some(Mark::Comma);
            let light = if plain.is_empty() || broken || plain.len() > 3 {
                light
            } else {
                format!("{} {time} light", plain.join(" "))
            };
            let preposition = start.checked_sub(1).filter(|before| {
                matches!(
                    self.lower(*before),
                    "at" | "in" | "on" | "during" | "by" | "late" | "before"
                )
            });
            let falls = matches!(
                self.lower(at + 1),
                "falls" | "fell" | "comes" | "came" | "breaks" | "broke"
            );
            let first = preposition.unwrap_or(start);
            self.lights.push(From {
                word: first,
                what: light,
            });
            let first = if falls && first > 0 && self.book.is_conjunction(self.lower(first - 1)) {
                first - 1
            } else {
                first
            };
            let alone = !self.is_word_at(at + 1) || self.parts(at + 1) || falls;
            if preposition.is_some()
                || falls
                || (alone && start < at)
                || (alone && (first == 0 || !self.is_word_at(first - 1)))
            {
                let end = if falls { at + 2 } else { at + 1 };
                self.tag(first..end.min(self.tokens.len()), Tag::Light);
            }
            return;
        }
    }

    // ---- weather and asides --------------------------------------------------

    fn find_weather(&mut self) {
        for at in 0..self.tokens.len() {
            if let Some(phrase) = self.book.weather_verb(self.lower(at)) {
                let what = phrase.to_owned();
                self.weather.push(From { word: at, what });
                continue;
            }
            if self.tags[at] != Tag::Free || !self.book.is_weather(self.lower(at)) {
                continue;
            }
            let start = self.phrase_start(at);
            let Some(before) = start
                .checked_sub(1)
                .filter(|before| self.lower(*before) == "in")
            else {
                continue;
            };
            self.weather.push(From {
                word: before,
                what: self.text(before..at + 1),
            });
            self.tag(before..at + 1, Tag::Weather);
        }
    }

    /// "who has been here since breakfast": about what already is.
    fn find_asides(&mut self) {
        let mut at = 1;
        while at < self.tokens.len() {
            let word = self.lower(at);
            let opens = self.book.is_relative(word)
                && self.tags[at] == Tag::Free
                && (self.is_word_at(at - 1) || self.mark(at - 1) == Some(Mark::Comma));
            if !opens {
                at += 1;
                continue;
            }
            let mut end = at;
            while self.is_word_at(end) {
                end += 1;
            }
            self.tag(at..end, Tag::Aside);
            at = end;
        }
    }

    // ---- verbs ---------------------------------------------------------------

    /// The word before, adverbs left out; none at the start of a clause.
    fn before(&self, at: usize) -> Option<usize> {
        let mut before = at.checked_sub(1)?;
        while self.is_word_at(before)
            && (self.book.is_adverb(self.lower(before))
                || matches!(self.tags[before], Tag::Light | Tag::Weather))
        {
            before = before.checked_sub(1)?;
        }
        Some(before)
    }

    fn find_verbs(&mut self, cast: &Cast) {
        // Whether the clause, since its last boundary, has a verb already.
        let mut has_verb = false;
        for at in 0..self.tokens.len() {
            if !self.is_word_at(at) {
                has_verb = false;
                continue;
            }
            if self.book.is_conjunction(self.lower(at)) {
                has_verb = false;
                continue;
            }
            if self.tags[at] != Tag::Free || cast.named_at(at).is_some() {
                continue;
            }
            let Some(verb) = self.verb_at(at, has_verb, cast) else {
                continue;
            };
            has_verb = true;
            self.verbs[at] = Some(verb);
        }
    }

    fn verb_at(&self, at: usize, has_verb: bool, cast: &Cast) -> Option<Verb> {
        let book = self.book;
        let word = self.lower(at);
        if book.is_auxiliary(word) || book.is_determiner(word) {
            return None;
        }
        let known = book.verbs.known(word);
        let before = self.before(at);
        let opens = before.is_none_or(|before| {
            !self.is_word_at(before)
                || book.is_conjunction(self.lower(before))
                || self.tags[before] == Tag::Aside
        });
        if opens {
            let verb = known?;
            // "Waves crash": a noun in front of its verb; "Dream of stairs".
            let next = self.lower(at + 1);
            let next_verb = book
                .verbs
                .known(next)
                .is_some_and(|next| matches!(next.form, Form::Base | Form::Past | Form::Third));
            return match verb.form {
                Form::Third => (!next_verb || book.is_determiner(next)).then_some(verb),
                Form::Past => Some(verb).filter(|_| !next_verb),
                Form::Participle => Some(verb),
                // "… and hide": after another verb in the base form.
                Form::Base => {
                    let joined = before.is_some_and(|before| {
                        self.is_word_at(before) || self.mark(before) == Some(Mark::Comma)
                    });
                    let earlier = (0..at)
                        .rev()
                        .take_while(|at| self.mark(*at) != Some(Mark::Sentence))
                        .find_map(|at| self.verbs[at].as_ref());
                    earlier
                        .filter(|earlier| joined && earlier.form == Form::Base)
                        .map(|_| verb)
                }
            };
        }
        let before = before?;
        let previous = self.lower(before);
        if let Some(naming) = cast.named_at(before) {
            if naming.possessive {
                return None;
            }
            // "gives kaitoyosuke a compass": whoever is given something does not act.
            if has_verb && known.as_ref().is_none_or(|verb| verb.form != Form::Third) {
                return None;
            }
            return known.or_else(|| {
                book.verbs
                    .guessed(word)
                    .filter(|verb| verb.form != Form::Participle || !has_verb)
            });
        }
        if matches!(
            previous,
            "he" | "she"
                | "they"
                | "it"
                | "we"
                | "i"
                | "you"
                | "who"
                | "someone"
                | "somebody"
                | "something"
                | "everyone"
                | "everybody"
                | "nobody"
                | "nothing"
        ) {
            if previous == "it" && has_verb {
                return None;
            }
            return known.or_else(|| book.verbs.guessed(word));
        }
        if matches!(previous, "is" | "are" | "was" | "were" | "be" | "been") {
            return known.filter(|verb| matches!(verb.form, Form::Participle | Form::Past));
        }
        if book.is_auxiliary(previous) {
            return known
                .or_else(|| book.verbs.guessed(word))
                .filter(|verb| verb.form != Form::Third);
        }
        if previous == "to" {
            let helper = before
                .checked_sub(1)
                .and_then(|at| self.verbs[at].as_ref())
                .is_some_and(|verb| book.verbs.is_helper(&verb.base));
            return known.filter(|verb| helper && verb.form == Form::Base);
        }
        if book.is_determiner(previous) || book.is_preposition(previous) {
            return None;
        }
        if let Some(helper) = &self.verbs[before] {
            // "starts running"
            let verb = known?;
            return (verb.form == Form::Participle && book.verbs.is_helper(&helper.base))
                .then_some(verb);
        }
        if has_verb {
            return None;
        }
        let verb = known?;
        let next = self.lower(at + 1);
        let ends = !self.is_word_at(at + 1)
            || book.is_preposition(next)
            || book.is_adverb(next)
            || book.is_determiner(next)
            || book.is_conjunction(next)
            || cast.named_at(at + 1).is_some()
            || matches!(next, "him" | "them" | "it" | "me" | "us");
        match verb.form {
            // "the old clock strikes"; not "paper lanterns".
            Form::Third => Some(verb),
            // "The ice cracked behind him"
            Form::Past => ends.then_some(verb),
            // "Waves crash", "the eyes in the dark retreat"
            Form::Base => {
                (self.is_compound(at) || (ends && self.is_plural_subject(at))).then_some(verb)
            }
            Form::Participle => ends.then_some(verb),
        }
    }

    /// "A man and a woman say goodbye"
    fn is_compound(&self, at: usize) -> bool {
        let start = (0..at)
            .rev()
            .find(|at| !self.is_word_at(*at))
            .map_or(0, |at| at + 1);
        let people = self.book.people();
        let person = |at: usize| {
            let noun = self.lower(at);
            people.he.contains(noun) || people.she.contains(noun) || people.any.contains(noun)
        };
        let joint = (start..at).find(|at| self.lower(*at) == "and");
        joint.is_some_and(|and| and > start && person(and - 1) && person(at - 1))
            && (start..at).all(|at| self.verbs[at].is_none())
    }

    /// Whether the phrase in front of a verb is of several.
    fn is_plural_subject(&self, at: usize) -> bool {
        let start = (0..at)
            .rev()
            .find(|at| !self.is_word_at(*at) || self.book.is_conjunction(self.lower(*at)))
            .map_or(0, |at| at + 1);
        let end = (start..at)
            .find(|at| self.book.is_preposition(self.lower(*at)))
            .unwrap_or(at);
        let Some(head) = end.checked_sub(1).filter(|head| *head >= start) else {
            return false;
        };
        let noun = self.lower(head);
        (noun.ends_with('s') && !noun.ends_with("ss")) || self.book.people().plural.contains(noun)
    }

    // ---- places --------------------------------------------------------------

    fn find_places(&mut self, cast: &Cast) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.place_from(at, cast, false).unwrap_or(at).max(at) + 1;
        }
        let mut at = 0;
        while self.places.is_empty() && at < self.tokens.len() {
            at = self.place_from(at, cast, true).unwrap_or(at).max(at) + 1;
        }
    }

    /// Takes the place that begins here; gives its last word.
    fn place_from(&mut self, at: usize, cast: &Cast, any: bool) -> Option<usize> {
        if !self.is_word_at(at) || self.tags[at] != Tag::Free {
            return None;
        }
        if let Some(verb) = &self.verbs[at] {
            let preposition = self.book.entering(&verb.base)?.to_owned();
            let end = self.noun_end(at + 1, cast)?;
            let known = self.is_known_place(at + 1, end) || self.is_named(at + 1, end);
            if !known {
                return None;
            }
            let inner = matches!(
                verb.base.as_str(),
                "search" | "explore" | "patrol" | "wander" | "guard"
            );
            let after = matches!(verb.base.as_str(), "board" | "leave");
            let preposition = (!preposition.is_empty()).then_some(preposition);
            self.settle(at + 1, end, preposition.as_deref());
            if let Some(place) = self.places.last_mut() {
                place.what.after = after;
            }
            self.tag(at + 1..end, if inner { Tag::Place } else { Tag::Entered });
            return Some(end - 1);
        }
        // "Dawn. A clearing in the woods.": a sentence that is a place.
        let opens = at == 0 || self.mark(at - 1) == Some(Mark::Sentence);
        if opens && !any && !self.book.is_preposition(self.lower(at)) {
            let first = self.noun_end(at, cast)?;
            let end = self.place_chain(first, cast);
            let alone = !self.is_word_at(end);
            if alone && self.is_known_place(at, first) {
                self.settle(at, end, None);
                self.tag(at..end, Tag::Place);
                return Some(end - 1);
            }
            return None;
        }
        let (way, start) = if self.lower(at) == "in"
            && self.lower(at + 1) == "front"
            && self.lower(at + 2) == "of"
        {
            ("in front of".to_owned(), at + 3)
        } else if self.lower(at) == "out" && self.lower(at + 1) == "of" {
            ("outside".to_owned(), at + 2)
        } else {
            (self.book.way(self.lower(at))?.to_owned(), at + 1)
        };
        let end = self.noun_end(start, cast)?;
        let head = self.lower(self.first_head(start, end)).to_owned();
        let owned = self.book.is_possessive(self.lower(start));
        let given = self.lower(at).to_owned();
        let known = self.is_known_place(start, end);
        let mut before = at;
        while before > 0
            && self.is_word_at(before - 1)
            && (self.book.is_adverb(self.lower(before - 1)) || self.tags[before - 1] == Tag::Light)
        {
            before -= 1;
        }
        let first = before == 0 || self.mark(before - 1) == Some(Mark::Sentence);
        let within = matches!(
            given.as_str(),
            "in" | "inside" | "at" | "aboard" | "outside"
        );
        let plain = !self.book.is_local(&head)
            && !self.is_no_place(start, end)
            && !owned
            && self.book.time(&head).is_none()
            && !self.book.is_weather(&head);
        let people = self.book.people();
        let persons = people.he.contains(&head)
            || people.she.contains(&head)
            || people.any.contains(&head)
            || people.plural.contains(&head);
        let named = self.is_named(start, end)
            && !self.is_no_place(start, end)
            && !owned
            && self.book.time(&head).is_none();
        let another = !self.places.is_empty()
            && self.book.is_minor(&head)
            && matches!(given.as_str(), "on" | "in");
        if another {
            return None;
        }
        let accepted = (known && !self.book.is_local(&head))
            || (known && self.last_is_known(end) && !persons)
            || (named && !persons)
            || (plain && !persons && first && (within || given == "on"))
            || (plain && !persons && given == "aboard")
            || (any && plain && !persons && (within || given == "on"));
        if !accepted {
            return None;
        }
        let end = self.place_chain(end, cast);
        let moving = matches!(way.as_str(), "across" | "along" | "through");
        let way = (!way.is_empty() && !moving).then_some(way);
        self.settle(start, end, way.as_deref());
        self.tag(at..end, Tag::Place);
        Some(end - 1)
    }

    /// "a bench in the park", "a narrow alley behind the theatre".
    fn place_chain(&self, mut end: usize, cast: &Cast) -> usize {
        while self.tags.get(end) == Some(&Tag::Free)
            && matches!(
                self.lower(end),
                "in" | "behind"
                    | "on"
                    | "near"
                    | "at"
                    | "under"
                    | "beside"
                    | "inside"
                    | "outside"
                    | "by"
                    | "above"
            )
        {
            let start = end + 1;
            let Some(next) = self.noun_end(start, cast) else {
                break;
            };
            let head = self.lower(self.first_head(start, next));
            if !(self.is_known_place(start, next) || head == "woods" || self.is_named(start, next))
                || self.book.is_local(head)
            {
                break;
            }
            end = next;
        }
        end
    }

    /// The end of a noun phrase, "the vault of the Meridian Bank".
    fn noun_end(&self, start: usize, cast: &Cast) -> Option<usize> {
        let mut end = start;
        while end < self.tokens.len() && end - start < LONGEST_PHRASE {
            let word = self.lower(end);
            let stops = self.parts(end)
                || cast.named_at(end).is_some()
                || (end > start && self.book.is_determiner(word) && self.lower(end - 1) != "of")
                || matches!(
                    word,
                    "him"
                        | "her"
                        | "them"
                        | "it"
                        | "me"
                        | "us"
                        | "himself"
                        | "herself"
                        | "themselves"
                        | "he"
                        | "she"
                        | "they"
                ) && !(word == "her" && end == start)
                || (self.book.is_adverb(word)
                    && !word.ends_with("ly")
                    && end > start
                    && !self.is_word_at(end + 1));
            if stops {
                break;
            }
            end += 1;
        }
        while end > start
            && (self.lower(end - 1) == "of" || self.book.is_determiner(self.lower(end - 1)))
        {
            end -= 1;
        }
        (end > start).then_some(end)
    }

    /// The word before the first "of".
    fn first_head(&self, start: usize, end: usize) -> usize {
        (start..end)
            .find(|at| self.lower(*at) == "of")
            .unwrap_or(end)
            .saturating_sub(1)
            .max(start)
    }

    fn ends_in(&self, start: usize, end: usize, phrases: &[String]) -> bool {
        phrases.iter().any(|phrase| {
            let length = phrase.split_whitespace().count();
            end >= start + length
                && phrase
                    .split_whitespace()
                    .enumerate()
                    .all(|(next, part)| self.lower(end - length + next) == part)
        })
    }

    fn is_known_place(&self, start: usize, end: usize) -> bool {
        let places = &self.vocabulary.words().setting.places;
        let of = (start..end).filter(|at| self.lower(*at) == "of");
        of.chain([end]).any(|end| {
            self.ends_in(start, end, places) || (end > start && self.ends_in_plural(end, places))
        })
    }

    fn last_is_known(&self, end: usize) -> bool {
        let places = &self.vocabulary.words().setting.places;
        self.ends_in(end.saturating_sub(3), end, places)
    }

    fn ends_in_plural(&self, end: usize, places: &[String]) -> bool {
        let last = self.lower(end - 1);
        last == "woods"
            || last
                .strip_suffix('s')
                .is_some_and(|single| places.iter().any(|place| place == single))
    }

    fn is_no_place(&self, start: usize, end: usize) -> bool {
        let not = &self.vocabulary.words().setting.not;
        let first = self.first_head(start, end) + 1;
        self.ends_in(start, end, not) || self.ends_in(start, first, not)
    }

    /// Whether a phrase has a name of its own: "Kestrel Square".
    fn is_named(&self, start: usize, end: usize) -> bool {
        (start..end).any(|at| {
            let first = at == 0 || self.mark(at - 1) == Some(Mark::Sentence);
            self.tokens[at].is_capital() && !first && self.lower(at) != "i"
        })
    }

    /// Makes a phrase the setting, in the words in which the place was first named.
    fn settle(&mut self, start: usize, end: usize, preposition: Option<&str>) {
        let head = self.first_head(start, end);
        let noun = self.text(start..end);
        let last_two = format!(
            "{} {}",
            self.lower(head.saturating_sub(1)),
            self.lower(head)
        );
        let preposition = match preposition {
            Some(given) => given.to_owned(),
            None => self.book.standing(self.lower(head), &last_two).to_owned(),
        };
        let head = self.lower(head).to_owned();
        let before = self
            .places
            .iter()
            .find(|place| place.what.head == head && place.what.noun != noun);
        let shorter = before.filter(|before| {
            noun.split_whitespace().count() <= 2.min(before.what.noun.split_whitespace().count())
        });
        let what = match shorter {
            Some(before) => before.what.clone(),
            None => Place {
                preposition,
                noun,
                after: false,
                head,
            },
        };
        self.places.push(From { word: start, what });
    }
}

/// The first word in lower case where it is written large for standing first.
fn lower_first(text: &str, lower: &str) -> String {
    let rest = text.split_once(' ').map(|(_, rest)| rest);
    match rest {
        Some(rest) => format!("{lower} {rest}"),
        None => lower.to_owned(),
    }
}
