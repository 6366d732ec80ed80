//! Puts frames into words.

use std::collections::HashSet;

use super::beat::{Beat, INTO, PLACE, WAYS, definite, without_ways};
use super::book::{Book, Kind};
use super::cast::Cast;
use super::rhythm::Slot;
use super::stage::Stage;
use super::verbs::Class;
use crate::lint::is_clean;
use crate::parsed::Position;
use crate::vocabulary::Vocabulary;

/// How many people a frame holds: each has a side of their own.
const MOST_PEOPLE: usize = 3;

/// Writes the prompts of one scene, the one after the other.
pub(super) struct Writer<'a> {
    pub book: &'a Book,
    pub vocabulary: &'a Vocabulary,
    pub kind: &'a Kind,
    pub cast: &'a Cast,
    pub beats: &'a [Beat],
    /// On which side each member of the cast is.
    pub sides: Vec<Position>,
    /// What was shown already, and what last.
    said: HashSet<String>,
    last: String,
    /// The thing that was spoken of last, and the last one that was held.
    prop: Option<String>,
    held: Option<String>,
    present: Vec<usize>,
    frame: usize,
    /// Members who are still to be shown.
    unseen: Vec<usize>,
    wanted: Vec<usize>,
}

/// What can be said of someone in a frame, the best first.
type Choices = Vec<String>;

impl<'a> Writer<'a> {
    pub fn new(
        book: &'a Book,
        vocabulary: &'a Vocabulary,
        kind: &'a Kind,
        cast: &'a Cast,
        beats: &'a [Beat],
        sides: Vec<Position>,
    ) -> Self {
        Self {
            book,
            vocabulary,
            kind,
            cast,
            beats,
            sides,
            said: HashSet::new(),
            last: "-".to_owned(),
            prop: None,
            held: None,
            present: Vec::new(),
            frame: 0,
            unseen: cast.everybody(),
            wanted: Vec::new(),
        }
    }

    /// Members whom no frame shows so far.
    pub fn unseen(&self) -> &[usize] {
        &self.unseen
    }

    /// Who must be in the next frame, whatever happens in it.
    pub fn want(&mut self, who: Vec<usize>) {
        self.wanted = who;
    }

    /// Writes one frame.
    pub fn write(&mut self, slot: &Slot, id: &str, stage: &Stage) -> String {
        let beat = slot.beat.and_then(|at| self.beats.get(at));
        if let (Some(at), 0) = (slot.beat, slot.again) {
            self.come_and_go(at);
        }
        let phrase = self
            .vocabulary
            .shot(id)
            .map_or_else(String::new, |shot| shot.phrase.clone());
        let framing = self.vocabulary.framing(id);
        let wide = framing.is_some_and(|framing| framing.environment_first);
        let anchor = framing.and_then(|framing| framing.anchor.clone());
        let weather = beat.or(self.beats.first());
        let weather = weather.and_then(|beat| beat.weather.clone());
        let seen = self.seen(slot, beat, wide, stage);
        let (shown, prompt) = self.first_clean(
            &seen,
            &phrase,
            wide,
            anchor.as_deref(),
            weather.as_deref(),
            stage,
        );
        if let Some(beat) = beat.filter(|beat| beat.prop.is_some()) {
            self.prop.clone_from(&beat.prop);
            if !beat.actors.is_empty() && self.book.verbs.is_holding(&beat.verb) {
                self.held.clone_from(&beat.prop);
            }
        }
        self.unseen
            .retain(|who| !prompt.contains(&self.cast.members[*who].name));
        self.said.insert(shown.clone());
        self.last = shown;
        self.frame += 1;
        self.wanted.clear();
        prompt
    }

    fn come_and_go(&mut self, at: usize) {
        // Whoever left in the event before is not here any more.
        let before = at.checked_sub(1).and_then(|at| self.beats.get(at));
        let left = before.filter(|before| {
            let alone = before.prop.is_none() || before.tail.contains(PLACE);
            alone && self.book.verbs.is_exit(&before.verb)
        });
        if let Some(before) = left {
            self.present.retain(|who| !before.actors.contains(who));
        }
        let Some(beat) = self.beats.get(at) else {
            return;
        };
        for who in beat.actors.iter().chain(&beat.targets) {
            if !self.present.contains(who) {
                self.present.push(*who);
            }
        }
    }

    /// The first choice that has no fault and was not made before; what the frame
    /// before shows is no choice. Gives what is seen, and the whole prompt.
    fn first_clean(
        &self,
        seen: &[String],
        phrase: &str,
        wide: bool,
        anchor: Option<&str>,
        weather: Option<&str>,
        stage: &Stage,
    ) -> (String, String) {
        let mut again: Option<(String, String)> = None;
        for seen in seen {
            let known = self.said.contains(seen);
            if *seen == self.last || (known && again.is_some()) {
                continue;
            }
            let anchored = anchor.map(|anchor| format!("{seen}, {anchor}"));
            for whole in std::iter::once(seen.clone()).chain(anchored) {
                let prompt = stage.around(phrase, wide, &whole, weather);
                if !is_clean(&prompt, self.vocabulary) {
                    continue;
                }
                if !known {
                    return (seen.clone(), prompt);
                }
                again = Some((seen.clone(), prompt));
                break;
            }
        }
        again.unwrap_or_else(|| {
            // Nothing serves, not even in words of the planner's own: a vocabulary
            // in which those are faults.
            let things = self.rotated(&self.kind.things);
            let thing = things
                .into_iter()
                .find(|thing| *thing != self.last)
                .unwrap_or_default();
            let prompt = stage.around(phrase, wide, &thing, None);
            (thing, prompt)
        })
    }

    /// What may be seen in a frame, the best first.
    fn seen(&self, slot: &Slot, beat: Option<&Beat>, wide: bool, stage: &Stage) -> Vec<String> {
        let mut seen = Vec::new();
        let place = if wide { "it" } else { stage.noun.as_str() };
        let wanted = !self.wanted.is_empty();
        match beat {
            None => {
                if wide && !wanted && slot.shot == 8 {
                    seen.push(String::new());
                }
                let people = self.people(slot, None);
                seen.extend(self.group(&people, slot));
                if wide {
                    seen.push(String::new());
                }
            }
            Some(beat) => {
                if slot.again == 0 {
                    seen.extend(self.happening(slot, beat, place));
                } else if wide && slot.shot == 8 && slot.again == 1 && self.frame == 0 {
                    seen.push(String::new());
                }
                if slot.shot == 9 && !wanted {
                    seen.extend(self.details(slot, beat));
                }
                let people = self.people(slot, Some(beat));
                seen.extend(self.group(&people, slot));
                if let (Some(thing), true) = (&beat.thing, slot.again > 0) {
                    let thing = definite(thing);
                    if beat.person {
                        let doing = self.business(slot, usize::MAX, 0);
                        seen.extend(doing.iter().map(|doing| join(&thing, doing)));
                    } else if slot.shot == 9 || people.is_empty() {
                        seen.insert(0, thing);
                    } else {
                        seen.push(thing);
                    }
                }
            }
        }
        seen.extend(self.rotated(&self.kind.things));
        seen
    }

    /// The event itself.
    fn happening(&self, slot: &Slot, beat: &Beat, place: &str) -> Vec<String> {
        let deeds = self.deeds(beat, place);
        if let Some(thing) = &beat.thing {
            let mut seen: Vec<String> = Vec::new();
            let people = self.people(slot, Some(beat));
            for deed in &deeds {
                let what = join(thing, deed);
                if !people.is_empty() && (4..=8).contains(&slot.shot) {
                    seen.extend(
                        self.group(&people, slot)
                            .into_iter()
                            .take(3)
                            .map(|group| format!("{what}, {group}")),
                    );
                }
                seen.push(what);
            }
            return seen;
        }
        let mut seen = Vec::new();
        let detailed = slot.shot == 9 && self.wanted.is_empty();
        if let Some(actor) = beat.actors.first().filter(|_| detailed) {
            let part = match beat.class {
                Class::Face => "eyes",
                Class::Talk => "lips",
                Class::Motion => "shoes",
                _ => "hands",
            };
            let name = &self.cast.members[*actor].name;
            seen.extend(deeds.iter().map(|deed| {
                if deed
                    .split(' ')
                    .any(|word| word == part || part.strip_suffix('s') == Some(word))
                {
                    format!("{name} {deed}")
                } else {
                    format!("the {part} of {name} {deed}")
                }
            }));
        }
        let people = self.people(slot, Some(beat));
        let mut actors = beat.actors.iter();
        let main = actors.find(|actor| people.contains(actor));
        let main = main.or(beat.actors.first()).copied();
        let others = |who: usize, rank: usize| {
            let mut choices: Choices = Vec::new();
            let answer = self.book.verbs.answer(&beat.verb).map(str::to_owned);
            if beat.actors.contains(&who) {
                // Of two who do it together the second answers the first.
                if rank % 2 == 1 && beat.targets.is_empty() {
                    choices.extend(answer);
                }
                let one_has_it = beat.class == Class::Hands && beat.prop.is_some();
                if !one_has_it {
                    let short = deeds
                        .first()
                        .is_some_and(|deed| deed.split(' ').count() <= 3);
                    let mut same: Choices = deeds.clone();
                    if !short {
                        same.reverse();
                    }
                    choices.extend(same);
                }
            } else if beat.targets.contains(&who) {
                choices.extend(answer);
            }
            choices
        };
        // All that may be said of the event, before anything is said beside it.
        let main_alone = main.filter(|_| people.len() > 1 && self.wanted.is_empty());
        for deed in &deeds {
            for round in 0..3 {
                seen.extend(self.people_doing(&people, |who, rank| {
                    if Some(who) == main {
                        return deed.clone();
                    }
                    let mut choices = others(who, rank);
                    choices.extend(self.business(slot, who, rank));
                    choices.get(round).cloned().unwrap_or_default()
                }));
                if people.len() < 2 {
                    break;
                }
            }
            if let Some(main) = main_alone {
                seen.extend(self.people_doing(&[main], |_, _| deed.clone()));
            }
        }
        seen
    }

    /// The event in words, from all that is said to the verb alone.
    fn deeds(&self, beat: &Beat, place: &str) -> Choices {
        let mut deeds: Choices = Vec::new();
        let wide = place == "it";
        let mut add = |verb: &str, tail: &str| {
            let mut tail = tail.replace(PLACE, place);
            if wide {
                for (way, marker) in WAYS {
                    tail = tail.replace(marker, &format!("{way} it"));
                }
            } else if self.book.verbs.leads_in(verb) {
                tail = tail.replace(INTO, "in");
            }
            let deed = join(verb, &without_ways(&tail));
            if !deed.is_empty() && !deeds.contains(&deed) {
                deeds.push(deed);
            }
        };
        let instead = self.book.verbs.instead(&beat.verb);
        add(&beat.verb, &beat.tail);
        add(&beat.verb, &beat.object);
        if let Some(instead) = instead {
            add(instead, &beat.tail);
            add(instead, &beat.object);
        }
        add(&beat.verb, "");
        if let Some(instead) = instead {
            add(instead, "");
        }
        if beat.verb.is_empty() {
            deeds.push(String::new());
        }
        deeds
    }

    /// Who is in a frame.
    fn people(&self, slot: &Slot, beat: Option<&Beat>) -> Vec<usize> {
        let room = match slot.shot {
            1 | 2 | 9 => 1,
            3 => 2,
            _ => MOST_PEOPLE,
        };
        let mut people: Vec<usize> = self.wanted.clone();
        let mut add = |who: usize| {
            if !people.contains(&who) {
                people.push(who);
            }
        };
        match beat {
            // Whoever comes later is not there yet.
            None => {
                let first = self.beats.iter().find(|beat| !beat.actors.is_empty());
                let actors = first.map_or(&[][..], |beat| beat.actors.as_slice());
                actors.iter().copied().for_each(&mut add);
            }
            Some(beat) => {
                let mut involved: Vec<usize> =
                    beat.actors.iter().chain(&beat.targets).copied().collect();
                if slot.again > 0 && !involved.is_empty() {
                    // Another of those involved from frame to frame.
                    let turn = slot.again % involved.len();
                    involved.rotate_left(turn);
                    if slot.shot == 3 {
                        involved.truncate(1);
                    }
                }
                if slot.again == 0 && slot.shot == 3 && involved.len() > 2 {
                    involved.truncate(2);
                }
                involved.into_iter().for_each(&mut add);
                if matches!(slot.shot, 6..=8) || (slot.again > 0 && beat.actors.is_empty()) {
                    self.present.iter().copied().for_each(&mut add);
                }
            }
        }
        // One side holds one person.
        let mut sides: Vec<Position> = Vec::new();
        let room = room.max(self.wanted.len()).min(MOST_PEOPLE);
        people.retain(|who| {
            let side = self.sides[*who];
            let free = !sides.contains(&side) && sides.len() < room;
            if free {
                sides.push(side);
            }
            free
        });
        people.sort_by_key(|who| match self.sides[*who] {
            Position::Left => 0,
            Position::Centre => 1,
            Position::Right => 2,
        });
        people
    }

    /// People with what they do beside the story, the first choices first.
    fn group(&self, people: &[usize], slot: &Slot) -> Vec<String> {
        let lists: Vec<Choices> = people
            .iter()
            .enumerate()
            .map(|(rank, who)| self.business(slot, *who, rank))
            .collect();
        let rounds = lists.iter().map(Vec::len).max().unwrap_or_default();
        let doing = |round: usize| {
            self.people_doing(people, |_, rank| {
                // Where a list is at its end it begins again.
                let list = &lists[rank];
                list.get(round % list.len().max(1))
                    .cloned()
                    .unwrap_or_default()
            })
        };
        (0..rounds).filter_map(doing).collect()
    }

    /// People, each with a clause of their own. "X is on the left waving; Y is …" is how the
    /// embedded model's captions speak of two people: with commas and without "is" it leaves one
    /// of them out in four frames of ten, this way in one.
    fn people_doing(
        &self,
        people: &[usize],
        deed: impl Fn(usize, usize) -> String,
    ) -> Option<String> {
        match people {
            [] => None,
            [one] => Some(join(&self.cast.members[*one].name, &deed(*one, 0))),
            several => {
                let count = self
                    .vocabulary
                    .number_word(u32::try_from(several.len()).unwrap_or(u32::MAX));
                let clauses: Vec<String> = several
                    .iter()
                    .enumerate()
                    .map(|(rank, who)| {
                        let side = self
                            .vocabulary
                            .position_phrase(self.sides[*who])
                            .unwrap_or_default();
                        let name = &self.cast.members[*who].name;
                        join(&format!("{name} is {side}"), &deed(*who, rank))
                    })
                    .collect();
                Some(format!("{count} people: {}", clauses.join("; ")))
            }
        }
    }

    /// What people do beside the story.
    fn business(&self, slot: &Slot, who: usize, rank: usize) -> Choices {
        let gender = self
            .cast
            .members
            .get(who)
            .map_or("their", |member| member.gender.possessive());
        let list: Vec<&String> = match slot.shot {
            1 | 2 => self.kind.face.iter().collect(),
            3 => self.kind.face.iter().chain(&self.kind.hands).collect(),
            4 | 5 | 9 => self.kind.hands.iter().collect(),
            6 => self.kind.body.iter().chain(&self.kind.hands).collect(),
            _ => self.kind.far.iter().collect(),
        };
        let mut items: Vec<String> = Vec::new();
        let start = self.frame + 2 * rank + who.min(MOST_PEOPLE);
        for at in 0..list.len() {
            let item = list[(start + at) % list.len()].replace("{its}", gender);
            if item.contains("{prop}") {
                let prop = if slot.shot <= 3 {
                    &self.prop
                } else {
                    &self.held
                };
                if let Some(prop) = prop {
                    items.push(item.replace("{prop}", prop));
                }
            } else {
                items.push(item);
            }
        }
        items
    }

    /// What a detail shot may be of.
    fn details(&self, slot: &Slot, beat: &Beat) -> Vec<String> {
        let mut seen = Vec::new();
        let prop = beat.prop.as_ref().or(self.prop.as_ref());
        let actor = beat.actors.first().map(|who| &self.cast.members[*who].name);
        if let Some(prop) = prop {
            seen.push(prop.clone());
            if let (Some(actor), true) = (actor, self.held.as_ref() == Some(prop)) {
                seen.insert(
                    usize::from(slot.again.is_multiple_of(2)),
                    format!("{prop} in the hands of {actor}"),
                );
            }
        }
        if let (Some(actor), 2..) = (actor, slot.again) {
            seen.push(format!("the hands of {actor}"));
        }
        seen.extend(self.rotated(&self.kind.things));
        seen
    }

    fn rotated(&self, list: &[String]) -> Vec<String> {
        let start = self.frame % list.len().max(1);
        list.iter()
            .cycle()
            .skip(start)
            .take(list.len())
            .cloned()
            .collect()
    }
}

pub(super) fn join(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (_, true) => first.to_owned(),
        (true, _) => second.to_owned(),
        _ => format!("{first} {second}"),
    }
}
