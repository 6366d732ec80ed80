//! What happens in a scene, one event after the other.

use super::cast::{Cast, Gender, Person};
use super::script::{From, Place, Script, Tag};
use super::token::Mark;
use super::verbs::{Class, Form, participle};

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    /// Members of the cast who do it.
    pub actors: Vec<usize>,
    /// What does it, where no member does: "a white horse".
    pub thing: Option<String>,
    /// Whether that is a person.
    pub person: bool,
    /// The participle; empty where something is only there.
    pub verb: String,
    /// What follows the verb.
    pub tail: String,
    /// A shorter tail: the first phrase alone.
    pub object: String,
    pub class: Class,
    /// Members to whom it is done.
    pub targets: Vec<usize>,
    /// A thing that can be shown by itself: "the torn photograph".
    pub prop: Option<String>,
    /// Index into the script's places.
    pub place: Option<usize>,
    /// Index into the script's lights.
    pub light: Option<usize>,
    pub weather: Option<String>,
    /// Whether the description's words say that the scene turns here.
    pub turns: bool,
}

/// Stands in a tail for the place that the verb leads to.
pub(super) const PLACE: &str = "{place}";

/// Stands in a tail for "into it", where the place is the setting.
pub(super) const INTO: &str = "{into}";

/// Ways through a setting, which are said where the setting comes first.
pub(super) const WAYS: [(&str, &str); 8] = [
    ("across", "{across}"),
    ("through", "{through}"),
    ("along", "{along}"),
    ("over", "{over}"),
    ("around", "{around}"),
    ("down", "{down}"),
    ("up", "{up}"),
    ("into", INTO),
];

/// What is done, without the ways through a setting.
pub(super) fn without_ways(deed: &str) -> String {
    let kept: Vec<&str> = deed
        .split_whitespace()
        .filter(|word| !WAYS.iter().any(|(_, marker)| marker == word))
        .collect();
    kept.join(" ")
}

/// All events, in order.
pub(super) fn beats(script: &Script<'_>, cast: &mut Cast) -> Vec<Beat> {
    let mut reader = Reader {
        script,
        subject: Subject::default(),
        last_thing: None,
        verb_before: None,
    };
    let mut found = Vec::new();
    for at in 0..script.tokens.len() {
        if script.verbs[at].is_some() {
            found.extend(reader.beat(at, cast));
        }
    }
    for beat in reader.present(cast) {
        let at = found.partition_point(|(word, _)| *word < beat.0);
        found.insert(at, beat);
    }
    found.into_iter().map(|(_, beat)| beat).collect()
}

/// Who or what does something.
#[derive(Clone, Debug, Default)]
struct Subject {
    actors: Vec<usize>,
    thing: Option<String>,
    /// Whether the thing is a person.
    person: bool,
}

struct Reader<'a> {
    script: &'a Script<'a>,
    subject: Subject,
    /// What "it" means.
    last_thing: Option<String>,
    verb_before: Option<usize>,
}

impl Reader<'_> {
    fn lower(&self, at: usize) -> &str {
        self.script.lower(at)
    }

    fn beat(&mut self, at: usize, cast: &mut Cast) -> Option<(usize, Beat)> {
        let script = self.script;
        let book = script.book;
        let verb = script.verbs[at].clone()?;
        let (start, negated, had) = self.subject_start(at);
        if start < at {
            self.read_subject(start, at, cast);
        }
        self.verb_before = Some(at);
        let end = self.tail_end(at);
        // '"Stay," says jiyeonmun.'
        let speaker = cast
            .named_at(at + 1)
            .filter(|naming| !naming.possessive && !script.is_word_at(naming.end))
            .map(|naming| naming.who);
        let says = book.verbs.class(&verb.base) == Some(Class::Talk) || verb.base == "say";
        if let (Some(who), true, true) = (speaker, says, start == at) {
            self.subject = Subject {
                actors: vec![who],
                thing: None,
                person: false,
            };
            cast.speak_of(who);
        }
        let helper = book.verbs.is_helper(&verb.base) && self.is_followed_by_verb(at);
        let class = book.verbs.class(&verb.base);
        if negated || helper || class == Some(Class::Silent) {
            // What is not done is not seen; but it may name things.
            let mut unseen = Tail::default();
            self.read_tail(at + 1, end, cast, &mut unseen);
            return None;
        }
        if verb.form == Form::Past && had == Before::Being {
            return None;
        }
        let mut tail = Tail::default();
        if !(says && speaker.is_some() && start == at) {
            self.read_tail(at + 1, end, cast, &mut tail);
        }
        let mut doing = participle(&verb.base);
        if verb.base == "say" && tail.words.is_empty() {
            doing = "speaking".to_owned();
        }
        let subject = if self.subject.actors.is_empty() && self.subject.thing.is_none() {
            Subject {
                actors: cast.everybody(),
                thing: None,
                person: false,
            }
        } else {
            self.subject.clone()
        };
        let has_actor = !subject.actors.is_empty();
        let class = match class {
            Some(Class::Thing) if has_actor => Class::Body,
            Some(class) if has_actor => class,
            Some(_) | None if !has_actor => Class::Thing,
            _ if tail.prop.is_some() => Class::Hands,
            _ => Class::Body,
        };
        if tail.referent.is_some() {
            self.last_thing.clone_from(&tail.referent);
        } else if let Some(thing) = &subject.thing {
            self.last_thing = Some(definite(thing));
        }
        let targets = tail
            .targets
            .iter()
            .copied()
            .filter(|who| !subject.actors.contains(who))
            .collect();
        let turns = (start.saturating_sub(2)..=at).any(|at| book.is_turn(self.lower(at)));
        Some((
            at,
            Beat {
                actors: subject.actors,
                thing: subject.thing,
                person: subject.person,
                verb: doing,
                object: tail.object(),
                tail: tail.words.join(" "),
                class,
                targets,
                prop: tail.prop,
                place: setting(&script.places, at, end),
                light: holds(&script.lights, end),
                weather: said(&script.weather, end),
                turns,
            },
        ))
    }

    fn is_followed_by_verb(&self, at: usize) -> bool {
        let mut next = at + 1;
        while self.script.book.is_adverb(self.lower(next)) || self.lower(next) == "to" {
            next += 1;
        }
        self.script.verbs.get(next).is_some_and(Option::is_some)
    }

    /// Where the subject of a verb begins; whether the verb is negated, and what
    /// auxiliary is in front of it.
    fn subject_start(&self, at: usize) -> (usize, bool, Before) {
        let script = self.script;
        let mut end = at;
        let mut negated = false;
        let mut before = Before::Nothing;
        while end > 0 && script.is_word_at(end - 1) {
            let word = self.lower(end - 1);
            if script.book.is_negation(word) {
                negated = true;
            } else if matches!(
                word,
                "is" | "are" | "was" | "were" | "be" | "been" | "being" | "'s"
            ) {
                before = Before::Being;
            } else if !(script.book.is_auxiliary(word)
                || script.book.is_adverb(word)
                || word == "to"
                || matches!(script.tags[end - 1], Tag::Light | Tag::Weather))
            {
                break;
            }
            if script.book.is_adverb(word)
                && end >= 2
                && matches!(self.lower(end - 2), "and" | "then")
            {
                // "and then runs"
            }
            end -= 1;
        }
        if end == 0
            || !script.is_word_at(end - 1)
            || script.verbs[end - 1].is_some()
            || script.book.is_conjunction(self.lower(end - 1))
        {
            return (at, negated, before);
        }
        let sentence = (0..end)
            .rev()
            .find(|at| matches!(script.mark(*at), Some(Mark::Sentence | Mark::Clause)))
            .map_or(0, |at| at + 1);
        let mut start = sentence;
        if let Some(verb) = (sentence..end).rev().find(|at| script.verbs[*at].is_some()) {
            // After another verb the subject begins after the last comma, or
            // after the first conjunction.
            start = (verb..end)
                .rev()
                .find(|at| script.mark(*at) == Some(Mark::Comma))
                .or_else(|| (verb..end).find(|at| script.book.is_conjunction(self.lower(*at))))
                .map_or(end, |at| at + 1);
            if start == end {
                return (at, negated, before);
            }
        }
        while start < end
            && (script.book.is_conjunction(self.lower(start))
                || script.mark(start).is_some()
                || script.tags[start] == Tag::Place
                || matches!(script.tags[start], Tag::Light | Tag::Weather | Tag::Aside))
        {
            start += 1;
        }
        (start, negated, before)
    }

    fn read_subject(&mut self, start: usize, verb: usize, cast: &mut Cast) {
        let script = self.script;
        let book = script.book;
        let mut actors: Vec<usize> = Vec::new();
        let mut thing: Option<String> = None;
        let mut person = false;
        let mut at = start;
        let mut preposition = false;
        while at < verb {
            let word = self.lower(at).to_owned();
            if script.tags[at] != Tag::Free || !script.is_word_at(at) || book.is_conjunction(&word)
            {
                preposition = false;
                at += 1;
                continue;
            }
            if let Some(naming) = cast.named_at(at) {
                let (who, end, possessive) = (naming.who, naming.end, naming.possessive);
                if !possessive && !preposition {
                    actors.push(who);
                    cast.speak_of(who);
                }
                at = end.max(at + 1);
                if possessive {
                    // "kaitoyosuke's phone rings"
                    let text = script.text(at..self.np_end(at, verb));
                    thing = Some(format!("the {text}"));
                    at = self.np_end(at, verb);
                }
                continue;
            }
            if let Some(meant) = cast.pronoun(&word) {
                if !preposition {
                    actors.extend(meant);
                }
                at += 1;
                continue;
            }
            if matches!(word.as_str(), "it" | "this" | "which") {
                thing = self.last_thing.clone();
                at += 1;
                continue;
            }
            if book.is_auxiliary(&word) || book.is_adverb(&word) || word == "to" {
                at += 1;
                continue;
            }
            if book.is_preposition(&word) {
                preposition = true;
                at += 1;
                continue;
            }
            let end = self.np_end(at, verb).max(at + 1);
            let head = self.lower(end - 1).to_owned();
            if preposition {
                // "a woman by the window": about the subject, not a subject.
                if let Some(thing) = &mut thing {
                    let phrase = script.text(at - 1..end);
                    thing.push(' ');
                    thing.push_str(&phrase);
                }
            } else if book.people().plural.contains(&head) && !cast.members.is_empty() {
                actors.extend(cast.group(&head));
            } else if let Some(meant) = cast.role(&head, &script.text(at..end), book) {
                match meant {
                    Person::Cast(who) => actors.push(who),
                    Person::Stranger(phrase) => {
                        thing = Some(unnamed(&phrase, &head, book.stand_in(&head)));
                        person = true;
                    }
                }
            } else if matches!(
                word.as_str(),
                "he" | "she" | "they" | "we" | "i" | "you" | "who"
            ) {
                // Somebody of whom nothing is known goes on with it.
                if self.subject.thing.is_none() {
                    thing = Some("a figure".to_owned());
                    person = true;
                }
            } else {
                thing = Some(script.uncapitalised(at..end));
                person = book.people().plural.contains(&head);
            }
            preposition = false;
            at = end;
        }
        actors.dedup();
        if !actors.is_empty() {
            self.subject = Subject {
                actors,
                thing: None,
                person: false,
            };
        } else if thing.is_some() {
            self.subject = Subject {
                actors,
                thing,
                person,
            };
        }
    }

    /// The end of a noun phrase within a subject.
    fn np_end(&self, start: usize, most: usize) -> usize {
        let mut end = start;
        while end < most
            && script_word(self.script, end)
            && !(end > start && self.script.parts(end))
            && !(end > start && self.script.book.is_adverb(self.lower(end)))
        {
            end += 1;
        }
        end
    }

    /// Where what belongs to a verb ends.
    fn tail_end(&self, at: usize) -> usize {
        let script = self.script;
        let mut end = at + 1;
        while end < script.tokens.len() {
            if script.mark(end).is_some()
                || script.verbs[end].is_some()
                || script.tags[end] == Tag::Aside
            {
                break;
            }
            if script.book.is_conjunction(self.lower(end)) && self.clause_follows(end + 1) {
                break;
            }
            end += 1;
        }
        // "until the train is gone"
        end
    }

    /// Whether what follows a conjunction is a clause, rather than another object.
    fn clause_follows(&self, from: usize) -> bool {
        if !matches!(self.lower(from - 1), "and" | "or") {
            return true;
        }
        let script = self.script;
        let mut at = from;
        while at < script.tokens.len() && script.is_word_at(at) {
            if script.verbs[at].is_some() || script.book.is_auxiliary(self.lower(at)) {
                return true;
            }
            at += 1;
        }
        false
    }

    fn read_tail(&mut self, start: usize, end: usize, cast: &mut Cast, tail: &mut Tail) {
        let script = self.script;
        let book = script.book;
        let mut at = start;
        while at < end {
            let word = self.lower(at).to_owned();
            match script.tags[at] {
                Tag::Entered => {
                    let start = at;
                    while at < end && script.tags[at] == Tag::Entered {
                        at += 1;
                    }
                    let place = script.places.iter().find(|place| place.word == start);
                    let led = place.is_some_and(|place| !place.what.after);
                    let text = script.text(start..at);
                    tail.push(if led { PLACE } else { text.as_str() });
                    continue;
                }
                Tag::Free => {}
                tag => {
                    let opens = tag == Tag::Place && at > 0 && script.tags[at - 1] != Tag::Place;
                    let way = WAYS.iter().find(|(way, _)| opens && *way == word);
                    // A place that the way leads past is no setting.
                    let last =
                        holds(&script.places, end).and_then(|place| script.places.get(place));
                    let past = last.is_some_and(|last| last.word > at + 1) && opens;
                    let mut stop = at + 1;
                    if past {
                        while stop < end
                            && script.tags[stop] == Tag::Place
                            && !(script.book.is_preposition(self.lower(stop))
                                && self.lower(stop) != "of")
                        {
                            stop += 1;
                        }
                        tail.push(&script.text(at..stop));
                    } else if let Some((_, marker)) = way {
                        tail.push(marker);
                    }
                    at = stop;
                    continue;
                }
            }
            if let Some(naming) = cast.named_at(at) {
                let (who, next, possessive) = (naming.who, naming.end, naming.possessive);
                tail.targets.push(who);
                cast.speak_of(who);
                if possessive {
                    tail.push(cast.members[who].gender.possessive());
                } else {
                    tail.drop_preposition(book);
                }
                at = next.max(at + 1);
                continue;
            }
            let next_word = self.lower(at + 1).to_owned();
            let noun_follows = at + 1 < end
                && script.is_word_at(at + 1)
                && script.tags[at + 1] == Tag::Free
                && !book.is_preposition(&next_word)
                && !book.is_determiner(&next_word)
                && !book.is_adverb(&next_word)
                && !book.is_conjunction(&next_word);
            match word.as_str() {
                "him" | "them" | "us" | "me" => {
                    match cast
                        .pronoun(&word)
                        .filter(|_| word != "them" || cast.members.len() > 1)
                    {
                        Some(meant) => {
                            tail.targets.extend(meant);
                            tail.drop_preposition(book);
                        }
                        None => tail.push(&self.last_thing.clone().unwrap_or(word)),
                    }
                    at += 1;
                    continue;
                }
                "her" if !noun_follows => {
                    let meant = cast.members.iter().position(|member| {
                        member.gender == Gender::She
                            && !self.subject.actors.contains(&index_of(cast, member))
                    });
                    tail.targets.extend(meant);
                    tail.drop_preposition(book);
                    at += 1;
                    continue;
                }
                "his" | "her" if noun_follows => {
                    let gender = if word == "his" {
                        Gender::He
                    } else {
                        Gender::She
                    };
                    let own = self
                        .subject
                        .actors
                        .iter()
                        .any(|who| cast.members[*who].gender == gender);
                    if !own && !self.subject.actors.is_empty() {
                        let other =
                            (0..cast.members.len()).find(|who| cast.members[*who].gender == gender);
                        tail.targets.extend(other);
                    }
                }
                "their" if self.subject.actors.len() >= 2 => {
                    // Each has one: "drawing a sword".
                    let head = self.np_end(at + 1, end).max(at + 1);
                    let single = self.lower(head - 1).strip_suffix('s').map(str::to_owned);
                    if let (Some(single), true) = (single, head == at + 2) {
                        tail.push(article(&single));
                        tail.push(&single);
                        tail.prop.get_or_insert_with(|| format!("the {single}"));
                        at = head;
                        continue;
                    }
                }
                "each" | "one" if matches!(next_word.as_str(), "other" | "another") => {
                    tail.targets.extend(cast.everybody());
                    tail.drop_preposition(book);
                    at += 2;
                    continue;
                }
                "it" => {
                    let thing = self.last_thing.clone();
                    if let Some(thing) = &thing {
                        if !book.is_no_prop(thing.split(' ').next_back().unwrap_or_default()) {
                            tail.prop.get_or_insert_with(|| thing.clone());
                        }
                        tail.referent = Some(thing.clone());
                    }
                    tail.push(&thing.unwrap_or(word));
                    at += 1;
                    continue;
                }
                _ => {}
            }
            if book.is_determiner(&word)
                || (!book.is_preposition(&word)
                    && !book.is_adverb(&word)
                    && !book.is_conjunction(&word))
            {
                let stop = self.np_end(at, end).max(at + 1);
                let stop = (at + 1..stop)
                    .find(|next| {
                        cast.named_at(*next).is_some()
                            || book.is_determiner(self.lower(*next))
                                && self.lower(*next - 1) != "of"
                    })
                    .unwrap_or(stop);
                let head = self.head(at, stop).to_owned();
                let text = script.text(at..stop);
                if let Some(person) = cast.role(&head, &text, book) {
                    match person {
                        Person::Cast(who) => {
                            tail.targets.push(who);
                            tail.drop_preposition(book);
                        }
                        Person::Stranger(_) => {
                            tail.push(&unnamed(&text, &head, book.stand_in(&head)))
                        }
                    }
                } else if book.people().plural.contains(&head) && !cast.members.is_empty() {
                    tail.push(&text);
                } else {
                    let determined = book.is_determiner(&word) && stop > at + 1;
                    let direct = !tail.has_preposition(book);
                    let beheld = tail
                        .words
                        .last()
                        .is_some_and(|word| matches!(word.as_str(), "at" | "with"));
                    if determined && (direct || beheld) {
                        if !book.is_no_prop(&head) {
                            tail.prop.get_or_insert_with(|| definite(&text));
                        }
                        if !book.is_possessive(&word) && (direct || !self.subject.actors.is_empty())
                        {
                            tail.referent = Some(definite(&text));
                        }
                    }
                    tail.push(&text);
                }
                at = stop;
                continue;
            }
            tail.push(&self.script.text(at..at + 1));
            at += 1;
        }
        tail.tidy(book);
    }

    fn head(&self, start: usize, end: usize) -> &str {
        let of = (start..end)
            .find(|at| self.lower(*at) == "of")
            .unwrap_or(end);
        self.lower(of.saturating_sub(1).max(start))
    }

    /// What is there without doing anything: "there is a staircase", "a key".
    fn present(&self, cast: &Cast) -> Vec<(usize, Beat)> {
        let script = self.script;
        let book = script.book;
        let mut found = Vec::new();
        let mut sentence = 0;
        for at in 0..script.tokens.len() {
            let there = self.lower(at) == "there"
                && matches!(self.lower(at + 1), "is" | "are" | "was" | "were");
            // A sentence, or a clause after a colon, that is a thing.
            let opens = at > 0 && script.mark(at - 1) == Some(Mark::Clause);
            if script.mark(at) == Some(Mark::Sentence) {
                sentence = at + 1;
            }
            let start = if there { at + 2 } else { at };
            if !(there || opens)
                || !matches!(self.lower(start), "a" | "an" | "one" | "two" | "three")
            {
                continue;
            }
            let end = self.np_end(start, script.tokens.len());
            let alone = there || !script.is_word_at(end) || script.tags[end] != Tag::Free;
            let head = self.head(start, end);
            let people = book.people();
            let person = people.he.contains(head)
                || people.she.contains(head)
                || people.any.contains(head)
                || people.plural.contains(head);
            if !alone
                || person
                || book.is_no_prop(head)
                || (start..end).any(|at| cast.named_at(at).is_some())
                || sentence > at
            {
                continue;
            }
            if !there && (start..end).any(|at| script.tags[at] != Tag::Free) {
                continue;
            }
            let text = script.text(start..end);
            found.push((
                at,
                Beat {
                    actors: Vec::new(),
                    prop: Some(definite(&text)),
                    thing: Some(text),
                    person: false,
                    verb: String::new(),
                    tail: String::new(),
                    object: String::new(),
                    class: Class::Thing,
                    targets: Vec::new(),
                    place: holds(&script.places, end),
                    light: holds(&script.lights, end),
                    weather: said(&script.weather, end),
                    turns: false,
                },
            ));
        }
        found
    }
}

/// What stands in front of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Being,
}

fn index_of(cast: &Cast, member: &super::cast::Member) -> usize {
    cast.members
        .iter()
        .position(|other| other.token == member.token)
        .unwrap_or_default()
}

fn script_word(script: &Script<'_>, at: usize) -> bool {
    script.is_word_at(at)
}

/// What holds at a word: the last one named before, else the first.
fn holds<T>(named: &[From<T>], word: usize) -> Option<usize> {
    let before = named.partition_point(|named| named.word < word);
    match before.checked_sub(1) {
        Some(last) => Some(last),
        None => (!named.is_empty()).then_some(0),
    }
}

/// The setting in which something is done; where doing it leads elsewhere, the
/// one before.
fn setting(places: &[From<Place>], verb: usize, end: usize) -> Option<usize> {
    let mut at = holds(places, end)?;
    while at > 0 && places[at].what.after && places[at].word > verb {
        at -= 1;
    }
    Some(at)
}

fn said(weather: &[From<String>], word: usize) -> Option<String> {
    let before = weather.partition_point(|weather| weather.word < word);
    let last = before.checked_sub(1)?;
    Some(weather[last].what.clone())
}

/// "a torn photograph" is "the torn photograph" from then on.
pub(super) fn definite(phrase: &str) -> String {
    match phrase.split_once(' ') {
        Some((
            "a" | "an" | "some" | "his" | "her" | "its" | "their" | "another" | "one" | "this"
            | "that" | "my" | "your" | "our" | "any" | "every" | "each",
            rest,
        )) => format!("the {rest}"),
        Some(("A" | "An" | "The" | "One" | "Some", rest)) => format!("the {rest}"),
        Some(("the", _)) => phrase.to_owned(),
        _ => format!("the {phrase}"),
    }
}

pub(super) fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// Someone who is no character, in words that call nobody up.
fn unnamed(phrase: &str, noun: &str, stand_in: Option<&str>) -> String {
    match stand_in {
        Some(stand_in) => {
            let words: Vec<&str> = phrase
                .split_whitespace()
                .map(|word| {
                    if word.eq_ignore_ascii_case(noun) {
                        stand_in
                    } else {
                        word
                    }
                })
                .collect();
            words.join(" ")
        }
        None => phrase.to_owned(),
    }
}

#[derive(Clone, Debug, Default)]
struct Tail {
    words: Vec<String>,
    targets: Vec<usize>,
    prop: Option<String>,
    /// What "it" means after this.
    referent: Option<String>,
}

impl Tail {
    fn push(&mut self, text: &str) {
        self.words
            .extend(text.split_whitespace().map(str::to_owned));
    }

    /// Takes out the preposition of whoever is not named here.
    fn drop_preposition(&mut self, book: &super::book::Book) {
        while self.words.last().is_some_and(|word| {
            book.is_preposition(&word.to_lowercase()) || matches!(word.as_str(), "and" | "next")
        }) {
            self.words.pop();
        }
    }

    fn has_preposition(&self, book: &super::book::Book) -> bool {
        self.words
            .iter()
            .any(|word| book.is_preposition(word) && !book.is_adverb(word))
    }

    /// No loose ends.
    fn tidy(&mut self, book: &super::book::Book) {
        while self.words.last().is_some_and(|word| {
            let loose = book.is_preposition(word) && !book.is_adverb(word);
            loose
                || book.is_article(word)
                || (book.is_possessive(word) && word != "her")
                || book.is_conjunction(word)
        }) {
            self.words.pop();
        }
    }

    /// The words up to the first preposition that is no part of the verb.
    fn object(&self) -> String {
        let end = self.words.iter().enumerate().position(|(at, word)| {
            at > 0
                && matches!(
                    word.as_str(),
                    "in" | "on"
                        | "at"
                        | "with"
                        | "for"
                        | "to"
                        | "from"
                        | "into"
                        | "onto"
                        | "by"
                        | "behind"
                        | "under"
                        | "over"
                        | "along"
                        | "against"
                        | "around"
                        | "through"
                        | "as"
                        | "and"
                )
        });
        self.words[..end.unwrap_or(self.words.len())].join(" ")
    }
}
