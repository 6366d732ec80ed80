//! Forms of verbs.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

/// Verbs in their base form, and what becomes of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct VerbList {
    /// The whole body moves.
    pub motion: Vec<String>,
    /// The hands do it.
    pub hands: Vec<String>,
    /// The face tells it.
    pub face: Vec<String>,
    /// It is said.
    pub talk: Vec<String>,
    /// Bodies at rest or at each other.
    pub body: Vec<String>,
    /// Things do it.
    pub thing: Vec<String>,
    /// It is not seen.
    pub silent: Vec<String>,
    /// Another verb follows, which is the one that counts.
    pub helpers: Vec<String>,
    /// Participles of what is done to someone who is not there.
    pub away: Vec<String>,
    /// Participles of what is done with something that is then held.
    pub holding: Vec<String>,
    /// Participles after which "into" a place is "in".
    pub into: Vec<String>,
    /// Participles after which whoever did it is gone.
    pub exits: Vec<String>,
    /// Participles that stand for others where these cannot be said.
    pub instead: BTreeMap<String, String>,
    /// What the one does to whom a deed, by its participle, is done.
    pub answer: BTreeMap<String, String>,
    /// Forms that no rule gives, with their base forms.
    pub irregular: BTreeMap<String, String>,
}

/// What shows a verb best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Motion,
    Hands,
    Face,
    Talk,
    Body,
    Thing,
    Silent,
}

/// The form in which a word is a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// "walk"
    Base,
    /// "walks"
    Third,
    /// "walked"
    Past,
    /// "walking"
    Participle,
}

/// A word that is a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verb {
    /// Its base form.
    pub base: String,
    pub form: Form,
}

/// Verbs by their base forms.
#[derive(Clone, Debug, Default)]
pub(super) struct Verbs {
    classes: HashMap<String, Class>,
    helpers: HashSet<String>,
    irregular: HashMap<String, String>,
    away: HashSet<String>,
    holding: HashSet<String>,
    into: HashSet<String>,
    exits: HashSet<String>,
    instead: BTreeMap<String, String>,
    answer: BTreeMap<String, String>,
}

impl Verbs {
    pub fn new(list: VerbList) -> Self {
        let mut classes = HashMap::new();
        for (verbs, class) in [
            (list.silent, Class::Silent),
            (list.motion, Class::Motion),
            (list.hands, Class::Hands),
            (list.face, Class::Face),
            (list.talk, Class::Talk),
            (list.body, Class::Body),
            (list.thing, Class::Thing),
        ] {
            for verb in verbs {
                classes.entry(verb).or_insert(class);
            }
        }
        Self {
            classes,
            helpers: list.helpers.into_iter().collect(),
            irregular: list.irregular.into_iter().collect(),
            holding: list.holding.into_iter().collect(),
            into: list.into.into_iter().collect(),
            away: list.away.into_iter().collect(),
            exits: list.exits.into_iter().collect(),
            instead: list.instead,
            answer: list.answer,
        }
    }

    /// What shows a verb best; nothing is known of most of the words there are.
    pub fn class(&self, base: &str) -> Option<Class> {
        self.classes.get(base).copied()
    }

    pub fn is_helper(&self, base: &str) -> bool {
        self.helpers.contains(base)
    }

    /// Whether it is done to someone who is not there.
    pub fn is_away(&self, participle: &str) -> bool {
        self.away.contains(participle)
    }

    /// Whether it is done with something that is then held.
    pub fn is_holding(&self, participle: &str) -> bool {
        self.holding.contains(participle)
    }

    /// Whether "in" says where it leads.
    pub fn leads_in(&self, participle: &str) -> bool {
        self.into.contains(participle)
    }

    /// Whether whoever does it is gone then.
    pub fn is_exit(&self, participle: &str) -> bool {
        self.exits.contains(participle)
    }

    /// What stands for a participle where it cannot be said.
    pub fn instead(&self, participle: &str) -> Option<&str> {
        self.instead.get(participle).map(String::as_str)
    }

    /// What the other one does.
    pub fn answer(&self, participle: &str) -> Option<&str> {
        self.answer.get(participle).map(String::as_str)
    }

    /// A word as a verb that is known, in lower case.
    pub fn known(&self, word: &str) -> Option<Verb> {
        if let Some(base) = self.irregular.get(word) {
            return Some(Verb {
                base: base.clone(),
                form: Form::Past,
            });
        }
        if self.classes.contains_key(word) || self.helpers.contains(word) {
            return Some(Verb {
                base: word.to_owned(),
                form: Form::Base,
            });
        }
        let (form, stems) = stems(word)?;
        let base = stems
            .into_iter()
            .find(|stem| self.classes.contains_key(stem) || self.helpers.contains(stem))?;
        Some(Verb { base, form })
    }

    /// A word as a verb by its ending alone, where a verb must stand.
    pub fn guessed(&self, word: &str) -> Option<Verb> {
        let (form, stems) = stems(word)?;
        Some(Verb {
            base: stems.into_iter().next()?,
            form,
        })
    }
}

/// What a form may come from, the likeliest first.
fn stems(word: &str) -> Option<(Form, Vec<String>)> {
    let vowel = |word: &str| word.chars().any(|c| "aeiouy".contains(c));
    let mut found = Vec::new();
    let form = if let Some(stem) = word
        .strip_suffix("ing")
        .filter(|stem| stem.len() > 1 && vowel(stem))
    {
        found.extend(undoubled(stem));
        found.push(stem.to_owned());
        found.push(format!("{stem}e"));
        if let Some(stem) = stem.strip_suffix('y') {
            found.push(format!("{stem}ie"));
        }
        Form::Participle
    } else if let Some(stem) = word.strip_suffix("ied").filter(|stem| !stem.is_empty()) {
        found.push(format!("{stem}y"));
        found.push(format!("{stem}ie"));
        Form::Past
    } else if let Some(stem) = word
        .strip_suffix("ed")
        .filter(|stem| stem.len() > 1 && vowel(stem))
    {
        found.extend(undoubled(stem));
        found.push(stem.to_owned());
        found.push(format!("{stem}e"));
        Form::Past
    } else if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        found.push(format!("{stem}y"));
        found.push(format!("{stem}ie"));
        Form::Third
    } else if let Some(stem) = word
        .strip_suffix('s')
        .filter(|stem| stem.len() > 1 && !stem.ends_with(['s', 'u', 'i', '\'']))
    {
        found.push(stem.to_owned());
        if let Some(stem) = stem.strip_suffix('e').filter(|stem| {
            stem.ends_with(['s', 'x', 'z', 'o']) || stem.ends_with("ch") || stem.ends_with("sh")
        }) {
            found.insert(0, stem.to_owned());
        }
        Form::Third
    } else {
        return None;
    };
    Some((form, found))
}

/// "stopp" is "stop" before an ending.
fn undoubled(stem: &str) -> Option<String> {
    let mut back = stem.chars().rev();
    let (last, before) = (back.next()?, back.next()?);
    let doubled = last == before && !"aeiouslfzw".contains(last);
    doubled.then(|| stem[..stem.len() - last.len_utf8()].to_owned())
}

/// The participle of a base form.
pub(super) fn participle(base: &str) -> String {
    if let Some(stem) = base.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    let keeps = ["ee", "oe", "ye"].iter().any(|end| base.ends_with(end));
    if let Some(stem) = base
        .strip_suffix('e')
        .filter(|stem| !keeps && stem.chars().count() > 1)
    {
        return format!("{stem}ing");
    }
    if doubles(base) {
        let last = base.chars().next_back().unwrap_or_default();
        return format!("{base}{last}ing");
    }
    format!("{base}ing")
}

/// Whether the last consonant is doubled before "-ing".
fn doubles(base: &str) -> bool {
    const LONGER: [&str; 9] = [
        "begin", "forget", "regret", "admit", "unzip", "commit", "refer", "unplug", "quarrel",
    ];
    if LONGER.contains(&base) {
        return true;
    }
    let characters: Vec<char> = base.chars().collect();
    let vowel = |c: char| "aeiou".contains(c);
    let [.., a, b] = characters[..] else {
        return false;
    };
    let groups = characters
        .iter()
        .enumerate()
        .filter(|(at, c)| vowel(**c) && (*at == 0 || !vowel(characters[at - 1])))
        .count();
    let before = characters.len().checked_sub(3).map(|at| characters[at]);
    // "qui" has one sound: "quit", "quiz".
    let single = before.is_none_or(|c| {
        !vowel(c) || (c == 'u' && characters.len() >= 4 && characters[characters.len() - 4] == 'q')
    });
    groups == 1 && vowel(a) && single && !vowel(b) && !"wxyh".contains(b)
        || base.starts_with("qu")
            && groups == 1
            && vowel(a)
            && !vowel(b)
            && !"wxyh".contains(b)
            && characters.len() == 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participles_are_spelled() {
        for (base, expected) in [
            ("walk", "walking"),
            ("hide", "hiding"),
            ("run", "running"),
            ("lie", "lying"),
            ("see", "seeing"),
            ("carry", "carrying"),
            ("open", "opening"),
            ("draw", "drawing"),
            ("sit", "sitting"),
            ("begin", "beginning"),
            ("flee", "fleeing"),
            ("wait", "waiting"),
            ("fix", "fixing"),
            ("quit", "quitting"),
            ("be", "being"),
            ("tiptoe", "tiptoeing"),
            ("drum", "drumming"),
            ("echo", "echoing"),
            ("read", "reading"),
            ("go", "going"),
            ("wag", "wagging"),
        ] {
            assert_eq!(participle(base), expected);
        }
    }

    #[test]
    fn forms_lead_to_their_bases() {
        let verbs = Verbs::new(VerbList {
            motion: ["walk", "run", "carry", "pass", "go", "hide", "stop"]
                .map(String::from)
                .to_vec(),
            irregular: [("ran", "run"), ("hid", "hide")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
            ..VerbList::default()
        });
        for (word, base, form) in [
            ("walks", "walk", Form::Third),
            ("ran", "run", Form::Past),
            ("running", "run", Form::Participle),
            ("carries", "carry", Form::Third),
            ("carried", "carry", Form::Past),
            ("passes", "pass", Form::Third),
            ("goes", "go", Form::Third),
            ("hiding", "hide", Form::Participle),
            ("hid", "hide", Form::Past),
            ("stopped", "stop", Form::Past),
            ("stop", "stop", Form::Base),
        ] {
            assert_eq!(
                verbs.known(word),
                Some(Verb {
                    base: base.to_owned(),
                    form
                }),
                "{word}"
            );
        }
        assert_eq!(verbs.known("bus"), None);
        assert_eq!(
            verbs.guessed("zorps").map(|verb| verb.base).as_deref(),
            Some("zorp")
        );
    }
}
