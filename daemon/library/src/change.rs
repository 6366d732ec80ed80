//! What became different between two moments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::kind::Kind;
use crate::problem::Problem;
use crate::snapshot::{Entry, Snapshot};

/// How something became different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happening {
    /// It is new.
    Added,
    /// It is another version.
    Changed,
    /// It is gone.
    Removed,
    /// What lies on disk cannot be used; the last good version, if there was
    /// one, stays in use.
    Broken,
}

impl Happening {
    /// Its word: `added`, `changed`, `removed`, `broken`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Broken => "broken",
        }
    }
}

/// Something in the library that became different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// What it is.
    pub kind: Kind,
    /// Its name; empty where a problem has none.
    pub name: String,
    /// How it became different.
    pub change: Happening,
}

type Key = (Kind, String);

/// Everything that became different, each thing once for every way, ordered by
/// kind and name.
pub(crate) fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut changes = BTreeSet::new();
    let mut note = |(kind, name): Key, change| {
        changes.insert(Change { kind, name, change });
    };
    compare(
        Kind::Model,
        &before.models,
        &after.models,
        &mut note,
        |a, b| a == b,
    );
    compare(
        Kind::Lora,
        &before.loras,
        &after.loras,
        &mut note,
        |a, b| a == b,
    );
    compare(
        Kind::Character,
        &before.characters,
        &after.characters,
        &mut note,
        same,
    );
    compare(Kind::Shot, &before.shots, &after.shots, &mut note, same);
    let (was, is) = (problems(before), problems(after));
    for (key, problems) in &is {
        if was.get(key) != Some(problems) {
            note(key.clone(), Happening::Broken);
        }
    }
    for key in was.keys().filter(|key| !is.contains_key(*key)) {
        let (had, has) = (before.holds(key), after.holds(key));
        if had && has {
            // Repaired, perhaps to the very version that was still in use.
            note(key.clone(), Happening::Changed);
        } else if !had && !has {
            note(key.clone(), Happening::Removed);
        }
    }
    changes.into_iter().collect()
}

fn compare<T>(
    kind: Kind,
    before: &BTreeMap<String, Arc<T>>,
    after: &BTreeMap<String, Arc<T>>,
    note: &mut impl FnMut(Key, Happening),
    same: impl Fn(&T, &T) -> bool,
) {
    for (name, thing) in after {
        match before.get(name) {
            None => note((kind, name.clone()), Happening::Added),
            Some(was) if !Arc::ptr_eq(was, thing) && !same(was, thing) => {
                note((kind, name.clone()), Happening::Changed);
            }
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        note((kind, name.clone()), Happening::Removed);
    }
}

fn same<M>(before: &Entry<M>, after: &Entry<M>) -> bool {
    before.revision == after.revision && before.path == after.path
}

fn problems(snapshot: &Snapshot) -> BTreeMap<Key, Vec<&Problem>> {
    let mut problems = BTreeMap::<Key, Vec<&Problem>>::new();
    for problem in &snapshot.problems {
        let key = (problem.kind, problem.name.clone());
        problems.entry(key).or_default().push(problem);
    }
    problems
}

impl Snapshot {
    fn holds(&self, (kind, name): &Key) -> bool {
        match kind {
            Kind::Model => self.models.contains_key(name),
            Kind::Lora => self.loras.contains_key(name),
            Kind::Character => self.characters.contains_key(name),
            Kind::Shot => self.shots.contains_key(name),
        }
    }
}
