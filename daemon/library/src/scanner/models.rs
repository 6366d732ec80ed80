//! Models and LoRAs in the library's own folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::{Found, Item, Look, MOST_IN_A_FOLDER, Trouble};
use crate::file_cache::STALLED;
use crate::kind::Kind;
use crate::lora::{Lora, LoraManifest};
use crate::manifest::{Manifest, parse, read_text};
use crate::model::{Embedded, Model, ModelManifest, Source};
use crate::name::check_name;
use crate::paths::{self, PathError};
use crate::problem::{Arriving, Problem};
use crate::stamp::Stamp;
use crate::weights::{Contents, family_of_width};

/// The parts of a diffusers folder that a model cannot do without.
const PARTS: [&str; 3] = ["unet", "vae", "text_encoder"];

/// The longest configuration that is read, bytes.
const LONGEST_CONFIG: u64 = 1 << 20;

const PICKLE: &str = "pickle checkpoints can run code when they are opened, so they never are";
const CONVERT: &str =
    "convert the file to .safetensors, or take the .safetensors that most models offer";

/// Trouble, and whether the version that was used before still can be.
struct Setback {
    trouble: Trouble,
    is_manifest: bool,
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            is_manifest: false,
        }
    }
}

impl Look<'_> {
    pub(super) fn models(&mut self) {
        let root = self.data.join(Kind::Model.folder());
        for (name, found) in Found::group(self.items(Kind::Model, &root, Some(&root))) {
            let outcome = self.usable_name(Kind::Model, &name, &found).and_then(|()| {
                let (manifest, path) = self.located::<ModelManifest>(&root, &name, &found)?;
                self.model(&root, &name, path, manifest)
            });
            match outcome {
                Ok(model) => {
                    self.snapshot.models.insert(name, Arc::new(model));
                }
                Err(setback) => {
                    let last = self.previous.models.get(&name);
                    let is_there =
                        |model: &Model| model.source.path().is_some_and(|path| path.exists());
                    if let Some(last) = last.filter(|model| setback.is_manifest && is_there(model))
                    {
                        self.snapshot.models.insert(name, last.clone());
                    }
                    self.note(setback.trouble);
                }
            }
        }
    }

    pub(super) fn loras(&mut self) {
        let root = self.data.join(Kind::Lora.folder());
        for (name, found) in Found::group(self.items(Kind::Lora, &root, Some(&root))) {
            let outcome = self.usable_name(Kind::Lora, &name, &found).and_then(|()| {
                let (manifest, path) = self.located::<LoraManifest>(&root, &name, &found)?;
                self.lora(&name, path, manifest)
            });
            match outcome {
                Ok(lora) => {
                    self.snapshot.loras.insert(name, Arc::new(lora));
                }
                Err(setback) => {
                    let last = self.previous.loras.get(&name);
                    if let Some(last) =
                        last.filter(|lora| setback.is_manifest && lora.path.exists())
                    {
                        self.snapshot.loras.insert(name, last.clone());
                    }
                    self.note(setback.trouble);
                }
            }
        }
    }

    fn usable_name(&self, kind: Kind, name: &str, found: &Found) -> Result<(), Setback> {
        let reason = if kind == Kind::Model && Embedded::named(name).is_some() {
            format!("`{name}` is an embedded model's name")
        } else {
            match check_name(name) {
                Ok(()) => return Ok(()),
                Err(error) => error.to_string(),
            }
        };
        let problem = Problem::new(kind, name, found.first(), reason);
        Err(Trouble::Broken(problem.hint("give the file another name")).into())
    }

    /// The manifest, and the folder or file that it belongs to.
    fn located<M: Located>(
        &mut self,
        root: &Path,
        name: &str,
        found: &Found,
    ) -> Result<(M, PathBuf), Setback> {
        let manifest = match &found.manifest {
            None => M::default(),
            Some(path) => self.own_manifest(name, path).map_err(|trouble| Setback {
                trouble,
                is_manifest: true,
            })?,
        };
        let wrong = |path: &Path, reason: String, hint: &str| Setback {
            trouble: Trouble::Broken(Problem::new(M::KIND, name, path, reason).hint(hint)),
            is_manifest: found.manifest.is_some(),
        };
        let path = match (manifest.path(), found.files.as_slice()) {
            (Some(named), _) => {
                let first = found.first();
                let path = paths::named_in(root, named).map_err(|error| {
                    wrong(
                        &first,
                        format!("`path` cannot be used: {error}"),
                        "name a place in the folder, or an absolute path",
                    )
                })?;
                self.watch_place_of(&path);
                if !path.exists() {
                    return Err(wrong(
                        &path,
                        "there is no folder or file there, and the manifest names it".to_owned(),
                        "correct `path` in the manifest",
                    ));
                }
                path
            }
            (None, [item]) => item.path.clone(),
            (None, []) => {
                return Err(wrong(
                    &found.first(),
                    "the manifest has no `path`, and nothing of its name lies beside it".to_owned(),
                    "add `path = …`, or put the folder or the .safetensors file there",
                ));
            }
            (None, [first, second, ..]) => {
                return Err(wrong(
                    &first.path,
                    format!("{} has the same name", second.path.display()),
                    "rename one of the two",
                ));
            }
        };
        Ok((manifest, path))
    }

    /// Watches the folder of something that a manifest names elsewhere.
    fn watch_place_of(&mut self, path: &Path) {
        let folder = path.parent().filter(|folder| folder.is_dir());
        self.watched.extend(folder.map(Path::to_owned));
    }

    fn own_manifest<M: Manifest>(&mut self, name: &str, path: &Path) -> Result<M, Trouble> {
        let broken = |error| Trouble::Broken(Problem::of_manifest(M::KIND, name, path, &error));
        let metadata = fs::metadata(path).map_err(|error| broken(error.into()))?;
        if !self.may_read(path, Stamp::of(&metadata)) {
            return Err(Trouble::Arriving(Arriving::settling(M::KIND, name, path)));
        }
        let text = read_text(path, M::LONGEST).map_err(broken)?;
        parse(&text).map_err(broken)
    }

    fn model(
        &mut self,
        root: &Path,
        name: &str,
        path: PathBuf,
        manifest: ModelManifest,
    ) -> Result<Model, Setback> {
        let vae = match &manifest.vae {
            None => None,
            Some(named) => Some(self.separate_vae(root, name, named)?),
        };
        let root = path.starts_with(root).then_some(root);
        let (source, family) = self.model_files(name, path, root)?;
        Ok(Model {
            name: name.to_owned(),
            source,
            family: manifest.family.or(family),
            vae,
            defaults: manifest.defaults,
            hires: manifest.hires,
        })
    }

    fn separate_vae(&mut self, root: &Path, name: &str, named: &Path) -> Result<PathBuf, Setback> {
        let wrong = |path: &Path, reason: String| Setback {
            trouble: Trouble::Broken(
                Problem::new(Kind::Model, name, path, reason).hint("correct `vae` in the manifest"),
            ),
            is_manifest: true,
        };
        let path = paths::named_in(root, named)
            .map_err(|error| wrong(named, format!("`vae` cannot be used: {error}")))?;
        self.watch_place_of(&path);
        if !path.exists() {
            let reason = "there is no file there, and the manifest names it as the VAE";
            return Err(wrong(&path, reason.to_owned()));
        }
        if paths::is_pickle(&path) {
            return Err(wrong(&path, PICKLE.to_owned()));
        }
        Ok(path)
    }

    /// What a folder or file is as a model, and its family. Links in a folder
    /// must not leave `root`.
    pub(super) fn model_files(
        &mut self,
        name: &str,
        path: PathBuf,
        root: Option<&Path>,
    ) -> Result<(Source, Option<String>), Trouble> {
        let broken = |reason: String, hint: &str| {
            Trouble::Broken(Problem::new(Kind::Model, name, &path, reason).hint(hint))
        };
        if path.is_dir() {
            let family = self.diffusers_folder(name, &path, root)?;
            return Ok((Source::Folder(path), family));
        }
        if paths::is_pickle(&path) {
            return Err(broken(PICKLE.to_owned(), CONVERT));
        }
        let weights = self.weights(Kind::Model, name, &path)?;
        match &weights.contents {
            Contents::Checkpoint { family, .. } => {
                let family = family.clone();
                Ok((Source::File(path), family))
            }
            // A VAE lies among the models so that their manifests can name it.
            Contents::Vae => Err(Trouble::Nothing),
            Contents::Lora => Err(broken(
                "it holds a LoRA, and no model".to_owned(),
                "move it into the folder `loras`",
            )),
            other => Err(broken(
                format!("it holds {other}, and no whole model"),
                "take a checkpoint in one file, or a diffusers folder with model_index.json",
            )),
        }
    }

    /// Checks that a diffusers folder is whole; tells its family.
    fn diffusers_folder(
        &mut self,
        name: &str,
        folder: &Path,
        root: Option<&Path>,
    ) -> Result<Option<String>, Trouble> {
        let mut lacking = None;
        let mut arriving = None;
        self.watched.push(folder.to_owned());
        if let Some((link, error)) = root.and_then(|root| leaving_link(root, folder, 1)) {
            let problem = Problem::new(Kind::Model, name, link, error.to_string());
            return Err(Trouble::Broken(
                problem.hint("put the file itself there, or import the model again"),
            ));
        }
        if !folder.join("model_index.json").is_file() {
            lacking = Some("it has no model_index.json".to_owned());
        }
        let mut newest = stamp_of(folder);
        for part in PARTS {
            let part_folder = folder.join(part);
            let items = self.items(Kind::Model, &part_folder, None);
            newest = newest
                .into_iter()
                .chain(stamp_of(&part_folder))
                .max_by_key(|stamp| stamp.modified);
            let weights = |item: &&Item| paths::extension(&item.path) == "safetensors";
            for item in items.iter().filter(weights) {
                match self.weights(Kind::Model, name, &item.path) {
                    Ok(_) => {}
                    Err(trouble @ Trouble::Arriving(_)) => arriving = Some(trouble),
                    Err(trouble) => return Err(trouble),
                }
            }
            if lacking.is_some() {
                continue;
            }
            if !items.iter().any(|item| item.path.ends_with("config.json")) {
                lacking = Some(format!("it has no {part}/config.json"));
            } else if !items.iter().any(|item| weights(&item)) {
                lacking = Some(
                    match items.iter().find(|item| paths::is_pickle(&item.path)) {
                        Some(pickle) => format!("{}: {PICKLE}", pickle.path.display()),
                        None => format!("it has no {part}/….safetensors"),
                    },
                );
            }
        }
        if let Some(arriving) = arriving {
            return Err(arriving);
        }
        let Some(lacking) = lacking else {
            return Ok(family_of_folder(folder));
        };
        // Whoever copies a folder has not come to its end for a while.
        let is_settled = match newest {
            Some(stamp) => self.files.is_settled(folder, stamp, STALLED, self.now),
            None => true,
        };
        if is_settled || self.is_first {
            let reason = format!("the folder is no whole diffusers model: {lacking}");
            let problem = Problem::new(Kind::Model, name, folder, reason);
            return Err(Trouble::Broken(problem.hint(
                "name the folder that holds model_index.json, unet, vae and text_encoder, with weights in .safetensors",
            )));
        }
        Err(Trouble::Arriving(Arriving::lacking(
            Kind::Model,
            name,
            folder,
            lacking,
        )))
    }

    fn lora(&mut self, name: &str, path: PathBuf, manifest: LoraManifest) -> Result<Lora, Setback> {
        let broken = |reason: String, hint: &str| -> Setback {
            Trouble::Broken(Problem::new(Kind::Lora, name, &path, reason).hint(hint)).into()
        };
        if paths::is_pickle(&path) {
            return Err(broken(PICKLE.to_owned(), CONVERT));
        }
        if path.is_dir() {
            return Err(broken(
                "it is a folder, and a LoRA is a file".to_owned(),
                "put the .safetensors file itself there",
            ));
        }
        let weights = self.weights(Kind::Lora, name, &path)?;
        let Some(report) = &weights.lora else {
            let hint = match weights.contents {
                Contents::Checkpoint { .. } => "move it into the folder `models`",
                _ => "take a LoRA in .safetensors",
            };
            return Err(broken(
                format!("it holds {}, and no LoRA", weights.contents),
                hint,
            ));
        };
        Ok(Lora::new(name, path, manifest, report))
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}

/// The first link in a model's folder, or in one in it, that leads out of `root`.
fn leaving_link(root: &Path, folder: &Path, depth: u32) -> Option<(PathBuf, PathError)> {
    for entry in fs::read_dir(folder).ok()?.flatten().take(MOST_IN_A_FOLDER) {
        let path = entry.path();
        let Ok(file_type) = entry.file_type() else {
            continue;
        };
        let found = if file_type.is_symlink() {
            let error = paths::within(root, &path).err();
            error
                .filter(|error| !error.is_missing())
                .map(|error| (path, error))
        } else if file_type.is_dir() && depth > 0 {
            leaving_link(root, &path, depth - 1)
        } else {
            None
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The family of a diffusers folder, by its UNet's configuration.
fn family_of_folder(folder: &Path) -> Option<String> {
    let text = read_text(&folder.join("unet/config.json"), LONGEST_CONFIG).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    let width = config.get("cross_attention_dim")?.as_u64()?;
    family_of_width(width).map(str::to_owned)
}

/// A manifest that may say where its weights lie.
trait Located: Manifest + Default {
    fn path(&self) -> Option<&Path>;
}

impl Located for ModelManifest {
    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Located for LoraManifest {
    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}
