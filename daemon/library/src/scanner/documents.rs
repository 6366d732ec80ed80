//! Characters and shots.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Look, Trouble};
use crate::file_cache::SETTLE;
use crate::kind::Kind;
use crate::manifest::{Manifest, ManifestError, parse, read_text};
use crate::name::check_name;
use crate::paths;
use crate::problem::{Arriving, Problem};
use crate::revision::Revision;
use crate::snapshot::{Entries, Entry};
use crate::stamp::Stamp;

impl Look<'_> {
    /// Every manifest of the kind `M`.
    pub(super) fn manifests<M: Manifest>(&mut self, previous: &Entries<M>) -> Entries<M> {
        let root = self.data.join(M::KIND.folder());
        self.manifests_in(&root, previous)
    }

    /// Every manifest of the kind `M` in a folder.
    pub(super) fn manifests_in<M: Manifest>(
        &mut self,
        root: &Path,
        previous: &Entries<M>,
    ) -> Entries<M> {
        let mut entries = Entries::new();
        for (name, path) in self.manifest_files(M::KIND, root) {
            if let Err(error) = check_name(&name) {
                let problem = Problem::new(M::KIND, &name, path, error.to_string());
                self.problem(problem.hint("give it another name"));
                continue;
            }
            match self.manifest(&name, &path, previous.get(&name)) {
                Ok(entry) => {
                    entries.insert(name, entry);
                }
                Err(trouble) => {
                    let is_there = !matches!(trouble, Trouble::Nothing);
                    if let Some(last) = previous.get(&name).filter(|_| is_there) {
                        entries.insert(name, last.clone());
                    }
                    self.note(trouble);
                }
            }
        }
        entries
    }

    fn manifest_files(&mut self, kind: Kind, root: &Path) -> Vec<(String, PathBuf)> {
        let items = self.items(kind, root, Some(root));
        items
            .into_iter()
            .filter(|item| !item.is_folder && paths::extension(&item.path) == "toml")
            .map(|item| (item.stem, item.path))
            .collect()
    }

    fn manifest<M: Manifest>(
        &mut self,
        name: &str,
        path: &Path,
        last: Option<&Arc<Entry<M>>>,
    ) -> Result<Arc<Entry<M>>, Trouble> {
        let broken = |error: &ManifestError| {
            Trouble::Broken(Problem::of_manifest(M::KIND, name, path, error))
        };
        let stamp = match fs::metadata(path) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Trouble::Nothing),
            Err(error) => return Err(broken(&error.into())),
        };
        if let Some(last) = last.filter(|last| last.stamp == Some(stamp) && last.path == path) {
            return Ok(last.clone());
        }
        if !self.may_read(path, stamp) {
            return Err(Trouble::Arriving(Arriving::settling(M::KIND, name, path)));
        }
        let text = read_text(path, M::LONGEST).map_err(|error| match error {
            ManifestError::Read(error) if error.kind() == io::ErrorKind::NotFound => {
                Trouble::Nothing
            }
            error => broken(&error),
        })?;
        let manifest = parse(&text).map_err(|error| broken(&error))?;
        // Until the file has settled, its date says nothing about its content.
        let is_settled = self.files.is_settled(path, stamp, SETTLE, self.now);
        Ok(Arc::new(Entry {
            name: name.to_owned(),
            path: path.to_owned(),
            revision: Revision::of(text.as_bytes()),
            manifest,
            stamp: is_settled.then_some(stamp),
        }))
    }
}
