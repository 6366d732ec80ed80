//! Everything that the library holds at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::kind::Kind;
use crate::lora::Lora;
use crate::model::{Embedded, Model};
use crate::problem::{Arriving, Problem};
use crate::revision::Revision;
use crate::stamp::Stamp;
use framewright_story::Character;
use framewright_story::Shot;

/// A manifest and where it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<M> {
    /// Its name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The version that was read.
    pub revision: Revision,
    /// What it says.
    pub manifest: M,
    pub(crate) stamp: Option<Stamp>,
}

/// What lies in the library by name.
pub type Entries<M> = BTreeMap<String, Arc<Entry<M>>>;

/// A folder that the user added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it can be read now.
    pub present: bool,
    /// How many models it gives.
    pub models: usize,
    /// How many LoRAs it gives.
    pub loras: usize,
}

/// Everything that the library holds at one moment. It never changes; ask the
/// library for a newer one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The models, without the embedded ones.
    pub models: BTreeMap<String, Arc<Model>>,
    /// The LoRAs.
    pub loras: BTreeMap<String, Arc<Lora>>,
    /// The characters.
    pub characters: Entries<Character>,
    /// The shots.
    pub shots: Entries<Shot>,
    /// What cannot be used. A manifest that was usable before stays in use in
    /// its last good version, and has its problem here as well.
    pub problems: Vec<Problem>,
    /// What is still being written.
    pub arriving: Vec<Arriving>,
    /// The folders that the user added.
    pub folders: Vec<AddedFolder>,
    /// What a person should know about how the library is watched.
    pub notices: Vec<String>,
}

/// Why something cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The name is no name.
    #[error(transparent)]
    Name(#[from] crate::name::NameError),
    /// There is nothing of that name.
    #[error("there is no {kind} {name:?}")]
    Unknown {
        /// What it should be.
        kind: Kind,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is there, and cannot be used.
    #[error("{}", .0.reason)]
    Unusable(Box<Problem>),
    /// It is still being written.
    #[error("it is not complete yet: {}", .0.reason)]
    Arriving(Arriving),
    /// A path that is neither folder nor file.
    #[error("there is no folder or file there")]
    NoFile(PathBuf),
}

impl Snapshot {
    /// The model of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_model(&self, name: &str) -> Result<Arc<Model>, FindError> {
        if let Some(embedded) = Embedded::named(name) {
            return Ok(Arc::new(embedded.into()));
        }
        self.find(Kind::Model, name, &self.models)
    }

    /// The LoRA of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_lora(&self, name: &str) -> Result<Arc<Lora>, FindError> {
        self.find(Kind::Lora, name, &self.loras)
    }

    /// The character of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_character(&self, name: &str) -> Result<Arc<Entry<Character>>, FindError> {
        self.find(Kind::Character, name, &self.characters)
    }

    /// The shot of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_shot(&self, name: &str) -> Result<Arc<Entry<Shot>>, FindError> {
        self.find(Kind::Shot, name, &self.shots)
    }

    fn find<T>(
        &self,
        kind: Kind,
        name: &str,
        among: &BTreeMap<String, Arc<T>>,
    ) -> Result<Arc<T>, FindError> {
        crate::name::check_name(name)?;
        if let Some(found) = among.get(name) {
            return Ok(found.clone());
        }
        let arriving = self.arriving.iter();
        if let Some(arriving) = arriving
            .filter(|it| it.kind == kind)
            .find(|it| it.name == name)
        {
            return Err(FindError::Arriving(arriving.clone()));
        }
        let mut problems = self.problems.iter().filter(|it| it.kind == kind);
        if let Some(problem) = problems.find(|it| it.name == name) {
            return Err(FindError::Unusable(Box::new(problem.clone())));
        }
        let embedded = Embedded::ALL.map(|model| model.name().to_owned());
        let embedded = embedded.into_iter().filter(|_| kind == Kind::Model);
        Err(FindError::Unknown {
            kind,
            name: name.to_owned(),
            known: embedded.chain(among.keys().cloned()).collect(),
        })
    }

    /// The problems of one kind.
    pub fn problems_of(&self, kind: Kind) -> impl Iterator<Item = &Problem> {
        self.problems
            .iter()
            .filter(move |problem| problem.kind == kind)
    }
}
