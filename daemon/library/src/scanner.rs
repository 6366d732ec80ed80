//! Looking at the disk: files in, a snapshot out.
//!
//! Every look goes over everything, which takes one look at each file's date:
//! what did not change since the last look is not read again. So there is no
//! state that could drift away from the disk, and whatever wakes the library
//! (an event, a lost event, a timer) does the same.

mod added;
mod documents;
mod models;
mod shipped;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::file_cache::{FileCache, SETTLE, STALLED, Weights};
use crate::folders::{self, Folder, Folders};
use crate::header::HeaderError;
use crate::kind::Kind;
use crate::model::{Defaults, Hires, Model};
use crate::paths;
use crate::problem::{Arriving, Problem};
use crate::snapshot::{FindError, Snapshot};
use crate::stamp::Stamp;

/// The most files and folders that are looked at in one folder.
const MOST_IN_A_FOLDER: usize = 20_000;

/// How soon to look again at something that is being written.
const SOON: Duration = Duration::from_millis(100);

/// How soon to look again at something that lacks its end: its writer's next
/// change wakes the library anyway.
const LATER: Duration = Duration::from_millis(500);

/// The outcome of a look at the disk.
pub(crate) struct Scan {
    pub(crate) snapshot: Snapshot,
    /// Every folder whose changes matter.
    pub(crate) watched: Vec<PathBuf>,
    /// Folders that should be there and are not.
    pub(crate) missing: Vec<PathBuf>,
    /// When to look again even if nothing happens.
    pub(crate) again: Option<Duration>,
}

/// Looks at the disk, and remembers what it read.
pub(crate) struct Scanner {
    data: PathBuf,
    shipped: Option<PathBuf>,
    files: FileCache,
    folders: Vec<Folder>,
}

impl Scanner {
    pub(crate) fn new(data: PathBuf, shipped: Option<PathBuf>) -> Self {
        Self {
            data,
            shipped,
            files: FileCache::default(),
            folders: Vec::new(),
        }
    }

    /// Looks at everything. `previous` is the outcome of the last look: its
    /// manifests stay in use where the new ones cannot be used. Files and
    /// folders in `whole` are known to be complete and need not settle.
    pub(crate) fn scan(&mut self, previous: Option<&Snapshot>, whole: &[PathBuf]) -> Scan {
        let nothing = Snapshot::default();
        let mut look = Look {
            data: &self.data,
            files: &mut self.files,
            now: SystemTime::now(),
            is_first: previous.is_none(),
            previous: previous.unwrap_or(&nothing),
            whole,
            snapshot: Snapshot::default(),
            watched: Vec::new(),
            missing: Vec::new(),
            again: None,
        };
        look.watch_or_miss(&self.data);
        look.models();
        look.loras();
        let previous = look.previous;
        look.snapshot.characters = look.manifests(&previous.characters);
        look.snapshot.shots = look.manifests(&previous.shots);
        look.folder_list(&mut self.folders);
        for folder in &self.folders {
            look.added_folder(&folder.path);
        }
        if let Some(shipped) = &self.shipped {
            look.shipped(shipped);
        }
        let Look {
            snapshot,
            watched,
            missing,
            again,
            ..
        } = look;
        self.files.turn();
        Scan {
            snapshot,
            watched,
            missing,
            again,
        }
    }
}

/// The model at a path that a user names, whatever folder it lies in.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn model_at(path: &Path) -> Result<Model, FindError> {
    if !path.exists() {
        return Err(FindError::NoFile(path.to_owned()));
    }
    let name = path.file_stem().map_or_else(
        || path.display().to_string(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let mut look = Look {
        data: path,
        files: &mut FileCache::default(),
        now: SystemTime::now(),
        is_first: true,
        previous: &Snapshot::default(),
        whole: &[],
        snapshot: Snapshot::default(),
        watched: Vec::new(),
        missing: Vec::new(),
        again: None,
    };
    match look.model_files(&name, path.to_owned(), None) {
        Ok((source, family)) => Ok(Model {
            name,
            source,
            family,
            vae: None,
            defaults: Defaults::default(),
            hires: Hires::default(),
        }),
        Err(Trouble::Arriving(arriving)) => Err(FindError::Arriving(arriving)),
        Err(Trouble::Broken(problem)) => Err(FindError::Unusable(Box::new(problem))),
        Err(Trouble::Nothing) => Err(FindError::Unusable(Box::new(Problem::new(
            Kind::Model,
            &name,
            path,
            "it holds a VAE alone, and no whole model",
        )))),
    }
}

/// Why something is not in the snapshot.
pub(super) enum Trouble {
    /// It is being written.
    Arriving(Arriving),
    /// It cannot be used.
    Broken(Problem),
    /// It is no business of this folder, or went away meanwhile.
    Nothing,
}

/// A file or folder in a folder.
pub(super) struct Item {
    path: PathBuf,
    /// Its name without the extension, or a folder's whole name.
    stem: String,
    is_folder: bool,
}

/// One look at the disk.
struct Look<'a> {
    data: &'a Path,
    files: &'a mut FileCache,
    now: SystemTime,
    is_first: bool,
    previous: &'a Snapshot,
    whole: &'a [PathBuf],
    snapshot: Snapshot,
    watched: Vec<PathBuf>,
    missing: Vec<PathBuf>,
    again: Option<Duration>,
}

impl<'a> Look<'a> {
    fn watch_or_miss(&mut self, folder: &Path) -> bool {
        let is_there = folder.is_dir();
        let list = if is_there {
            &mut self.watched
        } else {
            &mut self.missing
        };
        list.push(folder.to_owned());
        is_there
    }

    fn problem(&mut self, problem: Problem) {
        self.snapshot.problems.push(problem);
    }

    fn note(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Arriving(arriving) => {
                let wait = if arriving.is_settling { SOON } else { LATER };
                self.again = Some(self.again.map_or(wait, |again| again.min(wait)));
                self.snapshot.arriving.push(arriving);
            }
            Trouble::Broken(problem) => self.problem(problem),
            Trouble::Nothing => {}
        }
    }

    /// The files and folders in `folder` by name, without hidden ones. Links
    /// that lead out of `root` are problems.
    fn items(&mut self, kind: Kind, folder: &Path, root: Option<&Path>) -> Vec<Item> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                let reason = format!("the folder cannot be read: {error}");
                self.problem(Problem::new(kind, "", folder, reason));
                return Vec::new();
            }
        };
        self.watched.push(folder.to_owned());
        let mut items = Vec::new();
        for (number, entry) in entries.flatten().enumerate() {
            if number >= MOST_IN_A_FOLDER {
                let reason =
                    format!("it holds more than {MOST_IN_A_FOLDER} files; the rest is left out");
                self.problem(Problem::new(kind, "", folder, reason).hint("move some elsewhere"));
                break;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            // Hidden files are editors' and copiers' own.
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            let Ok(mut file_type) = entry.file_type() else {
                continue;
            };
            if file_type.is_symlink() {
                let refusal = root.and_then(|root| paths::within(root, &path).err());
                if let Some(error) = refusal.filter(|error| !error.is_missing()) {
                    let name = stem(&path, false);
                    let problem = Problem::new(kind, &name, &path, error.to_string());
                    self.problem(problem.hint(
                        "import it by reference, or name its place with `path` in a manifest",
                    ));
                    continue;
                }
                let Ok(metadata) = fs::metadata(&path) else {
                    continue;
                };
                file_type = metadata.file_type();
            }
            let is_folder = file_type.is_dir();
            if is_folder || file_type.is_file() {
                let stem = stem(&path, is_folder);
                items.push(Item {
                    path,
                    stem,
                    is_folder,
                });
            }
        }
        items.sort_by(|one, other| one.path.cmp(&other.path));
        items
    }

    /// Whether the file may be read: nobody is in the middle of writing it.
    fn may_read(&mut self, path: &Path, stamp: Stamp) -> bool {
        if self.is_first || self.whole.iter().any(|whole| path.starts_with(whole)) {
            self.files.accept(path, stamp);
            return true;
        }
        self.files.is_accepted(path, stamp) || self.files.is_settled(path, stamp, SETTLE, self.now)
    }

    /// What a file of weights holds.
    fn weights(&mut self, kind: Kind, name: &str, path: &Path) -> Result<Arc<Weights>, Trouble> {
        let broken = |reason: String| Problem::new(kind, name, path, reason);
        let stamp = match fs::metadata(path) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Trouble::Nothing);
            }
            Err(error) => {
                return Err(Trouble::Broken(broken(format!(
                    "it cannot be looked at: {error}"
                ))));
            }
        };
        if !self.may_read(path, stamp) {
            return Err(Trouble::Arriving(Arriving::settling(kind, name, path)));
        }
        let is_settled = self.files.is_settled(path, stamp, SETTLE, self.now);
        let error = match self.files.weights(path, stamp, is_settled) {
            Ok(weights) => return Ok(weights),
            Err(error) => error,
        };
        if matches!(&*error, HeaderError::Read(error) if error.kind() == std::io::ErrorKind::NotFound)
        {
            return Err(Trouble::Nothing);
        }
        if !error.is_unfinished() {
            return Err(Trouble::Broken(
                broken(error.to_string())
                    .hint("get the file again; only safetensors files are read"),
            ));
        }
        if self.files.is_settled(path, stamp, STALLED, self.now) {
            return Err(Trouble::Broken(
                broken(error.to_string()).hint("copy the file again: it is not whole"),
            ));
        }
        Err(Trouble::Arriving(Arriving::lacking(
            kind,
            name,
            path,
            error.to_string(),
        )))
    }

    /// Reads the list of added folders; the last good one stays in use.
    fn folder_list(&mut self, last: &mut Vec<Folder>) {
        let path = self.data.join(folders::FILE);
        match Folders::read(self.data) {
            Ok(list) => *last = list.folders,
            Err(error) => {
                let problem = Problem::of_manifest(Kind::Model, "", path, &error);
                self.problem(problem.hint("correct the list of added folders"));
            }
        }
    }
}

fn stem(path: &Path, is_folder: bool) -> String {
    let part = if is_folder {
        path.file_name()
    } else {
        path.file_stem()
    };
    part.map(|part| part.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What lies in a folder under one name.
#[derive(Default)]
pub(super) struct Found {
    manifest: Option<PathBuf>,
    files: Vec<Item>,
}

impl Found {
    /// Groups what can be weights or a manifest by name.
    fn group(items: Vec<Item>) -> BTreeMap<String, Self> {
        let mut all = BTreeMap::<String, Self>::new();
        for item in items {
            let extension = paths::extension(&item.path);
            if !item.is_folder && extension == "toml" {
                all.entry(item.stem).or_default().manifest = Some(item.path);
            } else if item.is_folder || extension == "safetensors" || paths::is_pickle(&item.path) {
                all.entry(item.stem.clone()).or_default().files.push(item);
            }
        }
        all
    }

    fn first(&self) -> PathBuf {
        let mut paths = self
            .manifest
            .iter()
            .chain(self.files.iter().map(|item| &item.path));
        paths.next().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
