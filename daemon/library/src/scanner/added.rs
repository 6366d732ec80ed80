//! Folders of other tools, which are only read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Look, Trouble};
use crate::kind::Kind;
use crate::lora::{Lora, LoraManifest};
use crate::model::Embedded;
use crate::model::{Defaults, Hires, Model};
use crate::name::check_name;
use crate::paths;
use crate::problem::Problem;
use crate::snapshot::AddedFolder;
use crate::weights::Contents;

/// How deep an added folder is looked into.
const DEEPEST: u32 = 6;

/// The most files and folders that are looked at in an added folder.
const MOST_ITEMS: usize = 50_000;

/// The most folders that are looked into in an added folder.
const MOST_FOLDERS: usize = 4_000;

impl Look<'_> {
    /// Lists the models and LoRAs in a folder of another tool, told apart by
    /// what the files hold. Other files there are none of our business.
    pub(super) fn added_folder(&mut self, root: &Path) {
        let mut counts = AddedFolder {
            path: root.to_owned(),
            present: root.is_dir(),
            models: 0,
            loras: 0,
        };
        if !counts.present {
            self.missing.push(root.to_owned());
            let problem = Problem::new(Kind::Model, "", root, "the added folder is not there");
            self.problem(problem.hint("bring it back, or take it out: `library remove`"));
            self.snapshot.folders.push(counts);
            return;
        }
        let mut pickles = Vec::new();
        let mut folders = vec![(root.to_owned(), 0)];
        let (mut items_seen, mut folders_seen) = (0, 0);
        while let Some((folder, depth)) = folders.pop() {
            folders_seen += 1;
            let items = self.items(Kind::Model, &folder, Some(root));
            items_seen += items.len();
            if folders_seen > MOST_FOLDERS || items_seen > MOST_ITEMS {
                let reason = format!(
                    "it holds more than {MOST_FOLDERS} folders or {MOST_ITEMS} files; the rest is left out"
                );
                self.problem(
                    Problem::new(Kind::Model, "", root, reason)
                        .hint("add the folders that hold models, rather than one above them"),
                );
                break;
            }
            for item in items {
                if item.is_folder {
                    if item.path.join("model_index.json").is_file() {
                        counts.models += usize::from(self.added_model(root, &item.stem, item.path));
                    } else if depth < DEEPEST {
                        folders.push((item.path, depth + 1));
                    }
                } else if paths::is_pickle(&item.path) {
                    pickles.push(item.path);
                } else if paths::extension(&item.path) == "safetensors" {
                    let (models, loras) = self.added_file(root, &item.stem, item.path);
                    counts.models += models;
                    counts.loras += loras;
                }
            }
        }
        if let Some(first) = pickles.first() {
            let reason = format!(
                "{} pickle files in the added folder are never opened, since they can run code; the first is {}",
                pickles.len(),
                first.display()
            );
            self.problem(
                Problem::new(Kind::Model, "", root, reason)
                    .hint("convert to .safetensors what you need of them"),
            );
        }
        self.snapshot.folders.push(counts);
    }

    fn added_file(&mut self, root: &Path, name: &str, path: PathBuf) -> (usize, usize) {
        let weights = match self.weights(Kind::Model, name, &path) {
            Ok(weights) => weights,
            Err(trouble) => {
                self.note(trouble);
                return (0, 0);
            }
        };
        match (&weights.contents, &weights.lora) {
            (Contents::Checkpoint { .. }, _) => {
                (usize::from(self.added_model(root, name, path)), 0)
            }
            (_, Some(report)) => {
                let there = self.snapshot.loras.get(name).map(|lora| lora.path.clone());
                let is_new = self.is_free(Kind::Lora, name, &path, there.as_deref());
                if is_new {
                    let lora = Lora::new(name, path, LoraManifest::default(), report);
                    self.snapshot.loras.insert(name.to_owned(), Arc::new(lora));
                }
                (0, usize::from(is_new))
            }
            _ => (0, 0),
        }
    }

    fn added_model(&mut self, root: &Path, name: &str, path: PathBuf) -> bool {
        let there = self.snapshot.models.get(name);
        let there = there.and_then(|model| model.source.path().cloned());
        if !self.is_free(Kind::Model, name, &path, there.as_deref()) {
            return false;
        }
        match self.model_files(name, path, Some(root)) {
            Ok((source, family)) => {
                let model = Model {
                    name: name.to_owned(),
                    source,
                    family,
                    vae: None,
                    defaults: Defaults::default(),
                    hires: Hires::default(),
                };
                self.snapshot
                    .models
                    .insert(name.to_owned(), Arc::new(model));
                true
            }
            Err(trouble) => {
                self.note(trouble);
                false
            }
        }
    }

    /// Whether the name can be asked for and is not taken. What has it already
    /// keeps it: own folders first, then added ones in their order.
    fn is_free(&mut self, kind: Kind, name: &str, path: &Path, there: Option<&Path>) -> bool {
        let reason = match (check_name(name), there) {
            (Err(error), _) => error.to_string(),
            (Ok(()), None) if kind == Kind::Model && Embedded::named(name).is_some() => {
                format!("`{name}` is an embedded model's name")
            }
            (Ok(()), None) => return true,
            // A manifest of ours may name the very file.
            (Ok(()), Some(there)) if is_same(there, path) => return false,
            (Ok(()), Some(there)) => {
                format!(
                    "{} has the same name, and is the one that is used",
                    there.display()
                )
            }
        };
        let problem = Problem::new(kind, name, path, reason);
        self.note(Trouble::Broken(problem.hint(format!(
            "rename it, or import it by reference under another name: `{} import PATH --name NAME`",
            kind.as_str()
        ))));
        false
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
