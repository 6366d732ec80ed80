//! The words for a frame, in the grammar of storyboard prompts.
//!
//! `[shot phrase] [who, with what, doing what, where in the frame], [setting],
//! [rain], [light]`; several people are counted first and then get a clause
//! each. [`full`] says everything that the frame shows and no shot phrase.
//! [`variants`] teach a text encoder what it must know and no more: half of
//! them open with a shot phrase that has nothing to do with the true framing,
//! invented names stand before the class, and attributes drop out down to
//! "picture of a man".

use super::annotations::{Extents, Part};
use super::dice::Dice;
use super::framing::Shot;
use super::people::{Facing, Mood, Pose};
use super::scene::{DetailSubject, Placed, Position, Scene};

/// How often a variant opens with a shot phrase.
pub const SHOT_PHRASE_SHARE: f32 = 0.5;
/// How often an invented name stands before the class.
pub const NAME_SHARE: f32 = 0.3;
/// How often the complete caption speaks of trousers that the frame cuts off.
pub const HIDDEN_TROUSERS_SHARE: f32 = 0.6;

/// The words that join the attributes of one person.
pub struct PersonWords {
    /// `man`, `woman`, or `person` where a variant is vague.
    pub class: &'static str,
    /// An invented, space-free name that stands before the class.
    pub name: Option<String>,
    /// What follows `with`, such as `short black hair`, `glasses`.
    pub with: Vec<String>,
    /// What follows `in a`, such as `red top`.
    pub wearing: Vec<String>,
    /// What the person does, such as `waving` or `holding a book`.
    pub action: Option<String>,
    /// Mood and facing, each a clause.
    pub manner: Vec<&'static str>,
    /// `on the left`, `on the right`, `in the middle`.
    pub place: Option<&'static str>,
}

impl PersonWords {
    /// Everything that is true of and visible in person `index` of the scene.
    pub fn visible(scene: &Scene, seen: &Extents, index: usize, dice: &mut Dice) -> Self {
        let Placed {
            person, position, ..
        } = &scene.people[index];
        let shot = scene.shot;
        let shows = |part| seen.is_noticeable(&seen.part(index, part));
        let face_seen = person.facing != Facing::Behind;

        let mut with = Vec::new();
        with.push(format!(
            "{} {} hair",
            person.hair_length.phrase(),
            person.hair.phrase()
        ));
        if person.beard && face_seen {
            with.push("a beard".to_owned());
        }
        if person.glasses && face_seen {
            with.push("glasses".to_owned());
        }
        if person.hat && (shows(Part::Hat) || !shot.cuts_the_figure()) {
            with.push("a hat".to_owned());
        }
        // The draw is made in any case, so that it does not depend on the frame.
        let mentions_hidden = dice.chance(HIDDEN_TROUSERS_SHARE);
        let mut wearing = vec![format!("{} top", person.top.phrase())];
        if shows(Part::Trousers) || mentions_hidden {
            wearing.push(format!("{} trousers", person.trousers.phrase()));
        }

        let held = person.held.filter(|_| shows(Part::Held));
        let action = if let Some(held) = held {
            let holding = format!("holding {}", with_article(held.phrase()));
            match person.pose {
                Pose::Sitting | Pose::Walking if shot >= Shot::MediumShot => {
                    Some(format!("{} and {holding}", person.pose.phrase()))
                }
                _ => Some(holding),
            }
        } else {
            match person.pose {
                Pose::Waving if shot >= Shot::MediumShot || shows(Part::Hands) => Some("waving"),
                // Without its object the pose is that of a standing person.
                Pose::Standing | Pose::Holding | Pose::Waving if shot >= Shot::MediumShot => {
                    Some("standing")
                }
                Pose::Walking if shot >= Shot::AmericanShot => Some("walking"),
                Pose::Sitting if shot >= Shot::MediumShot => Some("sitting"),
                _ => None,
            }
            .map(str::to_owned)
        };
        let mut manner = Vec::new();
        if face_seen && person.mood != Mood::Neutral && shot <= Shot::FullShot {
            manner.push(person.mood.phrase());
        }
        manner.extend(facing_phrase(person.facing));
        let place = match position {
            Position::Left => Some("on the left"),
            Position::Right => Some("on the right"),
            Position::Centre => None,
        };
        Self {
            class: person.class.phrase(),
            name: None,
            with,
            wearing,
            action,
            manner,
            place,
        }
    }

    /// Keeps each attribute with probability `keep`.
    fn thin(&mut self, keep: f32, dice: &mut Dice) {
        self.with.retain(|_| dice.chance(keep));
        self.wearing.retain(|_| dice.chance(keep));
        self.manner.retain(|_| dice.chance(keep));
        if !dice.chance(keep) {
            self.action = None;
        }
    }

    fn noun(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} {}", self.class),
            None => with_article(self.class),
        }
    }

    fn appearance(&self, clothes_first: bool) -> String {
        let with = (!self.with.is_empty()).then(|| format!(" with {}", listed(&self.with)));
        let wearing = (!self.wearing.is_empty()).then(|| format!(" in {}", clothes(&self.wearing)));
        let parts = if clothes_first {
            [wearing, with]
        } else {
            [with, wearing]
        };
        parts.into_iter().flatten().collect()
    }

    /// One person alone: `a man with … in a …, waving, smiling, on the left`.
    pub fn alone(&self, clothes_first: bool) -> String {
        let mut words = self.noun() + &self.appearance(clothes_first);
        for clause in self
            .action
            .as_deref()
            .into_iter()
            .chain(self.manner.iter().copied())
        {
            words += ", ";
            words += clause;
        }
        if let Some(place) = self.place {
            words += ", ";
            words += place;
        }
        words
    }

    /// One of several: `a man with … in a … is on the left waving, smiling`.
    pub fn among_others(&self, clothes_first: bool) -> String {
        let mut words = self.noun() + &self.appearance(clothes_first);
        if let Some(place) = self.place {
            words += " is ";
            words += place;
        }
        if let Some(action) = &self.action {
            words += " ";
            words += action;
        }
        for clause in &self.manner {
            words += ", ";
            words += clause;
        }
        words
    }
}

/// `facing left`, `in profile`, `from behind`; nothing for the front.
pub const fn facing_phrase(facing: Facing) -> Option<&'static str> {
    match facing {
        Facing::Front => None,
        Facing::Left => Some("facing left"),
        Facing::Right => Some("facing right"),
        Facing::ProfileLeft => Some("in profile facing left"),
        Facing::ProfileRight => Some("in profile facing right"),
        Facing::Behind => Some("from behind"),
    }
}

/// `a cup`, `an umbrella`.
pub fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn clothes(items: &[String]) -> String {
    let worded = items.iter().map(|item| {
        if item.ends_with("trousers") {
            item.clone()
        } else {
            with_article(item)
        }
    });
    worded.collect::<Vec<_>>().join(" and ")
}

/// The setting with its preposition, as in `in a dusty library`.
pub fn setting_phrase(scene: &Scene) -> String {
    format!("{} {}", scene.setting.preposition(), scene.setting.phrase())
}

/// The setting as the subject itself, as in `a dusty library`.
fn setting_noun(scene: &Scene) -> String {
    let article = scene
        .setting
        .preposition()
        .rsplit(' ')
        .next()
        .unwrap_or("a");
    format!("{article} {}", scene.setting.phrase())
}

/// The parts of a caption, before they are put in order.
struct Words {
    subject: String,
    place: Option<String>,
    rain: Option<&'static str>,
    light: Option<&'static str>,
}

impl Words {
    fn join(self) -> String {
        let mut words = self.subject;
        let clauses = [self.place.as_deref(), self.rain, self.light]
            .into_iter()
            .flatten();
        for clause in clauses {
            if !words.is_empty() {
                words += ", ";
            }
            words += clause;
        }
        words
    }
}

fn detail_subject(scene: &Scene, detail: &DetailSubject) -> String {
    match detail {
        DetailSubject::Prop(name) => with_article(name),
        DetailSubject::Held(held) => {
            let owner = scene
                .people
                .first()
                .map_or("person", |p| p.person.class.phrase());
            format!(
                "a hand of {} holding {}",
                with_article(owner),
                with_article(held.phrase())
            )
        }
    }
}

/// The complete caption: all that the frame shows, without a shot phrase.
///
/// `seen` are the extents of the scene's own rendering; they decide which
/// parts are visible.
pub fn full(scene: &Scene, seen: &Extents) -> String {
    let mut dice = Dice::new(scene.seed).split("full caption");
    let people: Vec<_> = (0..scene.people.len())
        .map(|i| PersonWords::visible(scene, seen, i, &mut dice))
        .collect();
    let (subject, place) = match (&scene.detail, people.as_slice()) {
        (Some(detail), _) => (detail_subject(scene, detail), Some(setting_phrase(scene))),
        (None, []) => (setting_noun(scene), None),
        (None, [one]) => (one.alone(false), Some(setting_phrase(scene))),
        (None, several) => (together(several, false), Some(setting_phrase(scene))),
    };
    Words {
        subject,
        place,
        rain: scene.rain.then_some("in the rain"),
        light: Some(scene.light.phrase()),
    }
    .join()
}

fn together(people: &[PersonWords], clothes_first: bool) -> String {
    let clauses: Vec<_> = people
        .iter()
        .map(|p| p.among_others(clothes_first))
        .collect();
    format!("two people: {}", clauses.join("; "))
}

/// `count` captions for training, each another selection of the truth.
pub fn variants(scene: &Scene, seen: &Extents, count: usize) -> Vec<String> {
    let dice = Dice::new(scene.seed);
    (0..count)
        .map(|i| variant(scene, seen, &mut dice.split(&format!("caption {i}"))))
        .collect()
}

/// How much of the truth a variant tells.
#[derive(Clone, Copy, PartialEq)]
enum Fullness {
    Bare,
    Sparse,
    Most,
    All,
}

fn variant(scene: &Scene, seen: &Extents, dice: &mut Dice) -> String {
    let fullness = match dice.unit() {
        u if u < 0.08 => Fullness::Bare,
        u if u < 0.22 => Fullness::Sparse,
        u if u < 0.55 => Fullness::Most,
        _ => Fullness::All,
    };
    let keep = match fullness {
        Fullness::Bare => 0.0,
        Fullness::Sparse => 0.4,
        Fullness::Most => 0.8,
        Fullness::All => 1.0,
    };
    let mut dropout = dice.split("dropout");
    let mut order = dice.split("order");
    let opening = opening(scene, fullness, &mut dice.split("opening"));

    let mut people: Vec<_> = (0..scene.people.len())
        .map(|i| {
            let mut words = PersonWords::visible(scene, seen, i, &mut dropout);
            words.thin(keep, &mut dropout);
            let mut naming = dice.split(&format!("name {i}"));
            if naming.chance(NAME_SHARE) {
                words.name = Some(invented_name(&mut naming));
            } else if naming.chance(0.06) {
                words.class = "person";
            }
            words
        })
        .collect();
    // The position is dropped for both of two people or for none: "on the
    // left" for one alone would no longer say that there are two sides.
    if !dropout.chance(0.25 + 0.75 * keep) {
        people.iter_mut().for_each(|p| p.place = None);
    } else if let [one] = people.as_mut_slice()
        && one.place.is_none()
        && order.chance(0.3)
    {
        one.place = Some("in the middle");
    }
    let clothes_first = order.chance(0.12);
    let light_first = order.chance(0.15);
    let world_first = order.chance(0.10);

    let says_place = dropout.chance(match fullness {
        Fullness::Bare => 0.3,
        Fullness::Sparse => 0.75,
        _ => 0.93,
    });
    let light = dropout
        .chance(match fullness {
            Fullness::Bare => 0.25,
            Fullness::Sparse => 0.7,
            _ => 0.9,
        })
        .then(|| scene.light.phrase());
    let rain = (scene.rain && dropout.chance(0.5 + 0.45 * keep)).then_some("in the rain");

    let (subject, place) = match (&scene.detail, people.as_slice()) {
        (Some(detail), _) => (detail_subject(scene, detail), Some(setting_phrase(scene))),
        (None, []) => {
            let noun = setting_noun(scene);
            return lead(
                &opening,
                Words {
                    subject: noun,
                    place: None,
                    rain,
                    light,
                }
                .join(),
            );
        }
        (None, [one]) => (one.alone(clothes_first), Some(setting_phrase(scene))),
        (None, several)
            if fullness == Fullness::Bare && several.iter().all(|p| p.name.is_none()) =>
        {
            ("two people".to_owned(), Some(setting_phrase(scene)))
        }
        (None, several) => (
            together(several, clothes_first),
            Some(setting_phrase(scene)),
        ),
    };
    let place = place.filter(|_| says_place);
    let sentence = if world_first && place.is_some() && scene.detail.is_none() {
        let world = Words {
            subject: setting_noun(scene),
            place: None,
            rain,
            light,
        }
        .join();
        format!("{world}, {subject}")
    } else if light_first && let (Some(place), Some(light)) = (&place, light) {
        let place = Some(format!("{light}, {place}"));
        Words {
            subject,
            place,
            rain,
            light: None,
        }
        .join()
    } else {
        Words {
            subject,
            place,
            rain,
            light,
        }
        .join()
    };
    lead(&opening, sentence)
}

/// The opening of a variant: in half of them a shot phrase that is drawn
/// without a look at the framing.
fn opening(scene: &Scene, fullness: Fullness, dice: &mut Dice) -> String {
    let any = *dice.pick(&Shot::FIGURE);
    let spoken = dice.chance(SHOT_PHRASE_SHARE);
    // A detail shot is told by its subject, and no shot LoRA is applied to it:
    // its phrase may mean what it says.
    if scene.shot == Shot::DetailShot {
        return match dice.unit() {
            u if u < 0.6 => Shot::DetailShot.phrase().to_owned(),
            _ => String::new(),
        };
    }
    if spoken {
        any.phrase().to_owned()
    } else if dice.chance(if fullness == Fullness::Bare { 0.7 } else { 0.3 }) {
        "picture of".to_owned()
    } else {
        String::new()
    }
}

fn lead(opening: &str, words: String) -> String {
    if opening.is_empty() {
        words
    } else {
        format!("{opening} {words}")
    }
}

/// A name without spaces that nobody bears, from two to six syllables, in the
/// manner of given name and surname written together.
pub fn invented_name(dice: &mut Dice) -> String {
    const ONSETS: [&str; 34] = [
        "b", "br", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "pr",
        "r", "s", "sh", "st", "t", "tr", "v", "w", "y", "z", "th", "c", "cl", "ts", "sv", "mb", "",
    ];
    const VOWELS: [&str; 14] = [
        "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "eo", "ia", "ou", "ye",
    ];
    const CODAS: [&str; 14] = [
        "", "", "", "", "", "n", "r", "l", "s", "m", "k", "t", "nd", "v",
    ];
    let mut name = String::new();
    for _ in 0..2 {
        for _ in 0..dice.int(1..4) {
            name += dice.pick::<&str>(&ONSETS);
            name += dice.pick::<&str>(&VOWELS);
            name += dice.pick::<&str>(&CODAS);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn invented_names_are_new_every_time_and_hold_no_spaces() {
        let mut dice = Dice::new(3);
        let names: BTreeSet<_> = (0..2_000).map(|_| invented_name(&mut dice)).collect();
        assert!(names.len() > 1_980, "{} different names", names.len());
        for name in &names {
            assert!(
                name.len() >= 2 && name.chars().all(|c| c.is_ascii_lowercase()),
                "{name}"
            );
        }
    }

    #[test]
    fn people_are_worded_as_prompts_word_them() {
        let mut words = PersonWords {
            class: "man",
            name: None,
            with: vec![
                "short black hair".into(),
                "a beard".into(),
                "glasses".into(),
            ],
            wearing: vec!["orange top".into(), "blue trousers".into()],
            action: Some("holding an umbrella".into()),
            manner: vec!["smiling", "facing left"],
            place: Some("on the left"),
        };
        assert_eq!(
            words.alone(false),
            "a man with short black hair, a beard and glasses in an orange top and blue trousers, \
             holding an umbrella, smiling, facing left, on the left"
        );
        words.name = Some("kaitoyosuke".into());
        words.with.truncate(1);
        words.manner.clear();
        assert_eq!(
            words.among_others(false),
            "kaitoyosuke man with short black hair in an orange top and blue trousers is on the \
             left holding an umbrella"
        );
    }
}
