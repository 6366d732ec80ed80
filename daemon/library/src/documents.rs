//! Manifests as text, with a revision each: two who edit the same one do not
//! overwrite each other.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{WriteLock, sync_folder, write_atomically};
use crate::kind::Kind;
use crate::library::Library;
use crate::lora::LoraManifest;
use crate::manifest::{Manifest, ManifestError, parse, read_text};
use crate::model::ModelManifest;
use crate::name::{NameError, check_name};
use crate::paths::{self, PathError};
use crate::revision::Revision;
use framewright_story::Character;
use framewright_story::Shot;

/// A manifest's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it describes.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// TOML, which may be broken.
    pub text: String,
    /// The version of the text.
    pub revision: Revision,
    /// Whether it ships with the product: writing it makes a copy of the
    /// user's own.
    pub shipped: bool,
}

/// A manifest in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSummary {
    /// Its name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Whether it ships with the product.
    pub shipped: bool,
    /// The version on disk; `None` when it cannot be read.
    pub revision: Option<Revision>,
    /// What is wrong with it, where something is.
    pub problem: Option<DocumentProblem>,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentProblem {
    /// The line, from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub reason: String,
}

/// Why a manifest cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The name is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is none of that name.
    #[error("there is no {kind} manifest {name:?}")]
    Unknown {
        /// What it should describe.
        kind: Kind,
        /// What was asked for.
        name: String,
    },
    /// Someone else changed it, made it or deleted it meanwhile. Nothing was
    /// written.
    #[error("the {kind} manifest {name:?} is not the version that was seen")]
    Conflict {
        /// What it describes.
        kind: Kind,
        /// Its name.
        name: String,
        /// The version that is there; `None` when there is none.
        current: Option<Revision>,
    },
    /// It ships with the product. Nothing was deleted.
    #[error("the {kind} {name:?} ships with Framewright and cannot be deleted")]
    Shipped {
        /// What it describes.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// The new text cannot be used, or the old one cannot be read. Nothing was
    /// written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A path in the text, or the place of the file itself, is refused.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It cannot be written.
    #[error("it cannot be written: {0}")]
    Write(io::Error),
}

/// Checks a text as a manifest of that kind; `root` is the kind's folder.
fn check(kind: Kind, text: &str, root: &Path) -> Result<(), DocumentError> {
    let mut named = Vec::new();
    match kind {
        Kind::Model => {
            let manifest: ModelManifest = parse(text)?;
            named.extend([manifest.path, manifest.vae].into_iter().flatten());
        }
        Kind::Lora => named.extend(parse::<LoraManifest>(text)?.path),
        Kind::Character => drop(parse::<Character>(text)?),
        Kind::Shot => drop(parse::<Shot>(text)?),
    }
    for path in named {
        paths::named_in(root, &path)?;
    }
    Ok(())
}

fn longest(kind: Kind) -> u64 {
    match kind {
        Kind::Model => ModelManifest::LONGEST,
        Kind::Lora => LoraManifest::LONGEST,
        Kind::Character => Character::LONGEST,
        Kind::Shot => Shot::LONGEST,
    }
}

/// The names of the manifests in a folder; one that is not there has none.
fn document_names(root: &Path) -> Result<BTreeSet<String>, DocumentError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(ManifestError::Read(error).into()),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let stem = path.file_stem()?.to_string_lossy().into_owned();
            (paths::extension(&path) == "toml").then_some(stem)
        })
        .filter(|name| check_name(name).is_ok())
        .collect())
}

impl Library {
    /// The manifests of one kind by name, as they lie on disk; also those
    /// that cannot be used.
    ///
    /// # Errors
    /// [`DocumentError::Manifest`] when the folder cannot be read.
    pub fn documents(&self, kind: Kind) -> Result<Vec<DocumentSummary>, DocumentError> {
        let root = self.folder(kind);
        let mut names = document_names(&root)?;
        if let Some(shipped) = &self.shared.shipped {
            names.extend(document_names(&shipped.join(kind.folder()))?);
        }
        let mut summaries = Vec::new();
        for name in names {
            let mut shipped = false;
            let (revision, problem) = match self.read_document(kind, &name) {
                Ok(document) => {
                    shipped = document.shipped;
                    let problem = check(kind, &document.text, &root).err();
                    (Some(document.revision), problem)
                }
                Err(DocumentError::Unknown { .. }) => continue,
                Err(error) => (None, Some(error)),
            };
            let problem = problem.map(|error| DocumentProblem {
                line: match &error {
                    DocumentError::Manifest(error) => error.line(),
                    _ => None,
                },
                reason: error.to_string(),
            });
            let path = match self.shipped_path(kind, &name) {
                Some(path) if shipped => path,
                _ => self.document_path(kind, &name),
            };
            summaries.push(DocumentSummary {
                name,
                path,
                shipped,
                revision,
                problem,
            });
        }
        Ok(summaries)
    }

    /// A manifest's text as it lies on disk, broken or not; the one that ships
    /// where the user has none of that name.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub fn read_document(&self, kind: Kind, name: &str) -> Result<Document, DocumentError> {
        match self.read_own_document(kind, name) {
            Err(DocumentError::Unknown { kind, name }) => {
                let unknown = || DocumentError::Unknown {
                    kind,
                    name: name.clone(),
                };
                let path = self.shipped_path(kind, &name).ok_or_else(unknown)?;
                let text = read_text(&path, longest(kind)).map_err(|_| unknown())?;
                Ok(Document {
                    kind,
                    name,
                    path,
                    revision: Revision::of(text.as_bytes()),
                    text,
                    shipped: true,
                })
            }
            outcome => outcome,
        }
    }

    fn read_own_document(&self, kind: Kind, name: &str) -> Result<Document, DocumentError> {
        check_name(name)?;
        let path = self.document_path(kind, name);
        let unknown = || DocumentError::Unknown {
            kind,
            name: name.to_owned(),
        };
        match paths::within(&self.folder(kind), &path) {
            Err(error) if error.is_missing() => return Err(unknown()),
            outcome => drop(outcome?),
        }
        match read_text(&path, longest(kind)) {
            Ok(text) => Ok(Document {
                kind,
                name: name.to_owned(),
                path,
                revision: Revision::of(text.as_bytes()),
                text,
                shipped: false,
            }),
            Err(ManifestError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(unknown())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a manifest: in place of the version `seen`, or, with `None`, as
    /// a new one. One that ships is never changed: a copy of the user's own
    /// takes its place. The text is checked first, and is there whole or not at all,
    /// whatever happens meanwhile.
    ///
    /// # Errors
    /// See [`DocumentError`]; [`DocumentError::Conflict`] when the version on
    /// disk is not `seen`.
    pub fn write_document(
        &self,
        kind: Kind,
        name: &str,
        text: &str,
        seen: Option<&Revision>,
    ) -> Result<Revision, DocumentError> {
        check_name(name)?;
        let root = self.folder(kind);
        check(kind, text, &root)?;
        let path = self.document_path(kind, name);
        {
            let _lock = WriteLock::take(self.data()).map_err(DocumentError::Write)?;
            let replaces = self.check_seen(kind, name, seen)?;
            write_atomically(&path, text.as_bytes(), replaces).map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    self.conflict(kind, name)
                } else {
                    DocumentError::Write(error)
                }
            })?;
        }
        self.shared.look(&[path]);
        Ok(Revision::of(text.as_bytes()))
    }

    /// Deletes a manifest of the version `seen`. Weights beside it stay.
    ///
    /// # Errors
    /// See [`DocumentError`]; [`DocumentError::Conflict`] when the version on
    /// disk is not `seen`.
    pub fn delete_document(
        &self,
        kind: Kind,
        name: &str,
        seen: &Revision,
    ) -> Result<(), DocumentError> {
        check_name(name)?;
        let path = self.document_path(kind, name);
        {
            let _lock = WriteLock::take(self.data()).map_err(DocumentError::Write)?;
            if !self.check_seen(kind, name, Some(seen))? {
                return Err(DocumentError::Shipped {
                    kind,
                    name: name.to_owned(),
                });
            }
            fs::remove_file(&path).map_err(DocumentError::Write)?;
            if let Some(folder) = path.parent() {
                sync_folder(folder).map_err(DocumentError::Write)?;
            }
        }
        self.shared.look(&[]);
        Ok(())
    }

    fn document_path(&self, kind: Kind, name: &str) -> PathBuf {
        self.folder(kind).join(format!("{name}.toml"))
    }

    fn shipped_path(&self, kind: Kind, name: &str) -> Option<PathBuf> {
        let shipped = self.shared.shipped.as_ref()?;
        let path = shipped.join(kind.folder()).join(format!("{name}.toml"));
        path.is_file().then_some(path)
    }

    /// Checks that the version on disk is the one that was seen, and tells
    /// whether the user has one. The lock must be held until the new one is
    /// written.
    fn check_seen(
        &self,
        kind: Kind,
        name: &str,
        seen: Option<&Revision>,
    ) -> Result<bool, DocumentError> {
        let current = match self.read_document(kind, name) {
            Ok(document) => Some((document.revision, document.shipped)),
            Err(DocumentError::Unknown { .. }) => None,
            Err(error) => return Err(error),
        };
        let (current, shipped) = current.unzip();
        let shipped = shipped.unwrap_or_default();
        // One that ships can be seen, and stands in nobody's way.
        if current.as_ref() == seen || (shipped && seen.is_none()) {
            return Ok(current.is_some() && !shipped);
        }
        Err(DocumentError::Conflict {
            kind,
            name: name.to_owned(),
            current,
        })
    }

    fn conflict(&self, kind: Kind, name: &str) -> DocumentError {
        let current = self.read_document(kind, name).ok();
        DocumentError::Conflict {
            kind,
            name: name.to_owned(),
            current: current.map(|document| document.revision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Home;

    const TEXT: &str = "token = 'kaitoyosuke'\nclass = 'man'\n";

    fn conflict(outcome: Result<impl std::fmt::Debug, DocumentError>) -> Option<Revision> {
        match outcome {
            Err(DocumentError::Conflict { current, .. }) => current,
            other => panic!("no conflict: {other:?}"),
        }
    }

    #[test]
    fn of_two_editors_the_second_gets_a_conflict() {
        let home = Home::new();
        let library = Library::open(&home.data());
        let kind = Kind::Character;
        let write = |text: &str, seen| library.write_document(kind, "kaito", text, seen);
        let first = write(TEXT, None).expect("made");
        assert_eq!(conflict(write(TEXT, None)), Some(first.clone()));
        let second = write(&format!("{TEXT}# one\n"), Some(&first)).expect("changed");
        let lost = write(&format!("{TEXT}# two\n"), Some(&first));
        assert_eq!(conflict(lost), Some(second.clone()));
        let document = library.read_document(kind, "kaito").expect("a document");
        assert_eq!(document.text, format!("{TEXT}# one\n"));
        assert_eq!(document.revision, second);
        // What was written is in use at once.
        let snapshot = library.snapshot();
        assert_eq!(
            snapshot
                .find_character("kaito")
                .expect("a character")
                .revision,
            second
        );
        assert_eq!(
            conflict(library.delete_document(kind, "kaito", &first)),
            Some(second.clone())
        );
        library
            .delete_document(kind, "kaito", &second)
            .expect("deleted");
        assert!(library.snapshot().find_character("kaito").is_err());
        assert_eq!(conflict(write(TEXT, Some(&second))), None);
    }

    #[test]
    fn what_cannot_be_used_is_never_written() {
        let home = Home::new();
        let library = Library::open(&home.data());
        let revision = library
            .write_document(Kind::Character, "kaito", TEXT, None)
            .expect("made");
        let write = |kind, name: &str, text: &str| {
            library
                .write_document(kind, name, text, Some(&revision))
                .expect_err("refused")
        };
        match write(Kind::Character, "kaito", "token = 'x'\nclas = 'man'\n") {
            DocumentError::Manifest(error) => assert_eq!(error.line(), Some(2)),
            other => panic!("{other:?}"),
        }
        let document = library
            .read_document(Kind::Character, "kaito")
            .expect("kept");
        assert_eq!(document.revision, revision);
        for name in ["../kaito", "a/b", ""] {
            let error = write(Kind::Shot, name, "phrase = 'x of'");
            assert!(matches!(error, DocumentError::Name(_)), "{name:?}");
        }
        for text in ["path = '../../secret.safetensors'", "vae = 'a/../../b'"] {
            let error = write(Kind::Model, "m", text);
            assert!(matches!(error, DocumentError::Path(_)), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_take_no_document_out_of_the_library() {
        use std::os::unix::fs::symlink;

        let home = Home::new();
        let library = Library::open(&home.data());
        crate::testing::write(home.path("secret.toml"), TEXT);
        let kind = Kind::Character;
        let link = |to: &str, name: &str| {
            symlink(home.path(to), home.data().join("characters").join(name)).expect("a link");
        };
        link("secret.toml", "out.toml");
        let read = library.read_document(kind, "out");
        assert!(matches!(read, Err(DocumentError::Path(_))), "{read:?}");
        let seen = Revision::of(TEXT.as_bytes());
        let written = library.write_document(kind, "out", "token = 'x'\nclass = 'y'", Some(&seen));
        assert!(
            matches!(written, Err(DocumentError::Path(_))),
            "{written:?}"
        );
        assert_eq!(
            fs::read(home.path("secret.toml")).expect("kept"),
            TEXT.as_bytes()
        );
        link("nowhere.toml", "gone.toml");
        assert!(library.write_document(kind, "gone", TEXT, None).is_err());
        assert!(!home.path("nowhere.toml").exists());
    }

    #[test]
    fn many_writers_lose_no_edit() {
        let home = Home::new();
        let library = Library::open(&home.data());
        // A second library on the same folder stands for a second process:
        // the lock is on the file, not on this library.
        let other = Library::open(&home.data());
        library
            .write_document(Kind::Shot, "s", "phrase = 'x of'\n", None)
            .expect("made");
        std::thread::scope(|scope| {
            for (writer, library) in [&library, &other, &library, &other].into_iter().enumerate() {
                scope.spawn(move || {
                    for round in 0..5 {
                        loop {
                            let seen = library.read_document(Kind::Shot, "s").expect("read");
                            let text = format!("{}# {writer}.{round}\n", seen.text);
                            match library.write_document(
                                Kind::Shot,
                                "s",
                                &text,
                                Some(&seen.revision),
                            ) {
                                Ok(_) => break,
                                Err(DocumentError::Conflict { .. }) => {}
                                Err(error) => panic!("{error}"),
                            }
                        }
                    }
                });
            }
        });
        let text = library.read_document(Kind::Shot, "s").expect("read").text;
        for writer in 0..4 {
            for round in 0..5 {
                assert!(text.contains(&format!("# {writer}.{round}\n")), "{text}");
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(32))]
        #[test]
        fn what_is_written_is_read_back(description in "[^\\\\'\\p{C}]{0,60}", name in "[a-z][a-z0-9 ._-]{0,8}[a-z]") {
            let home = Home::new();
            let library = Library::open(&home.data());
            let text = format!("{TEXT}description = '{description}'\n");
            let kind = Kind::Character;
            let revision = library.write_document(kind, &name, &text, None).expect("written");
            let document = library.read_document(kind, &name).expect("read");
            proptest::prop_assert_eq!(&document.text, &text);
            proptest::prop_assert_eq!(&document.revision, &revision);
            let snapshot = library.snapshot();
            let entry = snapshot.find_character(&name).expect("a character");
            proptest::prop_assert_eq!(entry.manifest.description.as_deref(), Some(description.as_str()));
        }
    }
}
