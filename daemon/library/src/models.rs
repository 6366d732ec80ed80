//! The models folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::EMBEDDED;
use crate::manifest::{Manifest, ManifestError};
use crate::model::{Defaults, Model, Source};
use crate::name::{NameError, check_name};

/// What lies among the models and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name that it would have.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The line in it, from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What the models folder holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The usable models: the embedded one, then the others by name.
    pub models: Vec<Model>,
    /// Everything else that looks like a model.
    pub problems: Vec<Problem>,
}

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The name is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is nothing of that name.
    #[error("there is no model {name:?}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is there, and cannot be used.
    #[error("{}", .0.reason)]
    Unusable(Problem),
    /// A path that is neither folder nor file.
    #[error("there is no folder or file there")]
    NoFile(PathBuf),
}

/// The folder in which models lie.
#[derive(Clone, Debug)]
pub struct Models {
    folder: PathBuf,
}

impl Models {
    /// The models in `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything in the folder. A file that cannot be used is a [`Problem`],
    /// and hides nothing else.
    pub fn list(&self) -> Listing {
        let mut listing = Listing {
            models: vec![embedded()],
            problems: Vec::new(),
        };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return listing,
            Err(error) => {
                listing.problems.push(Problem {
                    name: String::new(),
                    path: self.folder.clone(),
                    line: None,
                    reason: format!("the folder cannot be read: {error}"),
                    hint: None,
                });
                return listing;
            }
        };
        let mut found = BTreeMap::<String, Found>::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            Found::add(&mut found, path);
        }
        for (name, found) in found {
            match found.listed(&name) {
                Ok(model) => listing.models.push(model),
                Err(problem) => listing.problems.push(*problem),
            }
        }
        listing
    }

    /// The model of that name; an absolute path is the folder or file itself.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find(&self, name: &str) -> Result<Model, FindError> {
        let path = Path::new(name);
        if path.is_absolute() {
            return at_path(path);
        }
        check_name(name)?;
        let listing = self.list();
        if let Some(model) = listing.models.iter().find(|model| model.name == name) {
            return Ok(model.clone());
        }
        if let Some(problem) = listing
            .problems
            .into_iter()
            .find(|problem| problem.name == name)
        {
            return Err(FindError::Unusable(problem));
        }
        Err(FindError::Unknown {
            name: name.to_owned(),
            known: listing.models.into_iter().map(|model| model.name).collect(),
        })
    }
}

fn embedded() -> Model {
    Model {
        name: EMBEDDED.to_owned(),
        source: Source::Embedded,
        family: Some(EMBEDDED.to_owned()),
        vae: None,
        // What its sheet of fixed prompts was drawn with.
        defaults: Defaults {
            steps: Some(20),
            guidance_scale: Some(4.0),
            sampler: Some("ddim".to_owned()),
            ..Defaults::default()
        },
    }
}

fn at_path(path: &Path) -> Result<Model, FindError> {
    let name = path.file_stem().map_or_else(
        || path.display().to_string(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let found = Found {
        manifest: None,
        files: vec![path.to_owned()],
    };
    if !path.exists() {
        return Err(FindError::NoFile(path.to_owned()));
    }
    found
        .model(&name)
        .map_err(|problem| FindError::Unusable(*problem))
}

/// What lies in the folder under one name.
#[derive(Default)]
struct Found {
    manifest: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl Found {
    fn add(all: &mut BTreeMap<String, Self>, path: PathBuf) {
        let text =
            |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let Some(file_name) = text(path.file_name()) else {
            return;
        };
        if file_name.starts_with('.') {
            return;
        }
        if path.is_dir() {
            all.entry(file_name).or_default().files.push(path);
            return;
        }
        let stem = text(path.file_stem()).unwrap_or_default();
        match extension(&path).as_str() {
            "toml" => all.entry(stem).or_default().manifest = Some(path),
            "safetensors" | "ckpt" | "pt" | "pth" | "bin" => {
                all.entry(stem).or_default().files.push(path);
            }
            _ => {}
        }
    }

    /// The model, once its name can be asked for.
    fn listed(self, name: &str) -> Result<Model, Box<Problem>> {
        let reason = if name == EMBEDDED {
            Some(format!("`{EMBEDDED}` is the embedded model's name"))
        } else {
            check_name(name).err().map(|error| error.to_string())
        };
        match reason {
            None => self.model(name),
            Some(reason) => Err(Box::new(Problem {
                name: name.to_owned(),
                path: self.first(),
                line: None,
                reason,
                hint: Some("give the file another name".to_owned()),
            })),
        }
    }

    fn first(&self) -> PathBuf {
        let mut paths = self.manifest.iter().chain(&self.files);
        paths.next().cloned().unwrap_or_default()
    }

    fn model(self, name: &str) -> Result<Model, Box<Problem>> {
        let problem = |path: &Path, reason: String, hint: Option<&str>| {
            Box::new(Problem {
                name: name.to_owned(),
                path: path.to_owned(),
                line: None,
                reason,
                hint: hint.map(str::to_owned),
            })
        };
        let first = self.first();
        let manifest = match &self.manifest {
            None => Manifest::default(),
            Some(path) => Manifest::read(path).map_err(|error: ManifestError| {
                let mut problem = problem(path, error.to_string(), Some("correct the manifest"));
                problem.line = error.line();
                problem
            })?,
        };
        let path = match (&manifest.path, self.files.as_slice()) {
            (Some(path), _) => path.clone(),
            (None, [path]) => path.clone(),
            (None, []) => {
                return Err(problem(
                    &first,
                    "the manifest has no `path`, and nothing of its name lies beside it".to_owned(),
                    Some("add `path = …`, or put the folder or the .safetensors file there"),
                ));
            }
            (None, [first, second, ..]) => {
                return Err(problem(
                    first,
                    format!("{} has the same name", second.display()),
                    Some("rename one of the two"),
                ));
            }
        };
        if let Some(vae) = manifest.vae.as_ref().filter(|vae| !vae.exists()) {
            return Err(problem(
                vae,
                "there is no file there, and the manifest names it as the VAE".to_owned(),
                Some("correct `vae` in the manifest"),
            ));
        }
        let source = if path.is_dir() {
            if !path.join("model_index.json").is_file() {
                return Err(problem(
                    &path,
                    "the folder is no diffusers model: it has no model_index.json".to_owned(),
                    Some("name the folder that holds model_index.json, unet and vae"),
                ));
            }
            Source::Folder(path)
        } else if !path.exists() {
            return Err(problem(
                &path,
                "there is no folder or file there, and the manifest names it".to_owned(),
                Some("correct `path` in the manifest"),
            ));
        } else if matches!(extension(&path).as_str(), "ckpt" | "pt" | "pth" | "bin") {
            return Err(problem(
                &path,
                "pickle checkpoints can run code when they are opened, so they never are"
                    .to_owned(),
                Some(
                    "convert the file to .safetensors, or take the .safetensors that most models offer",
                ),
            ));
        } else {
            Source::File(path)
        };
        Ok(Model {
            name: name.to_owned(),
            source,
            family: manifest.family,
            vae: manifest.vae,
            defaults: manifest.defaults,
        })
    }
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder {
        directory: tempfile::TempDir,
    }

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            for (path, text) in files {
                let path = directory.path().join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                std::fs::write(path, text).expect("a file");
            }
            Self { directory }
        }

        fn models(&self) -> Models {
            Models::new(self.directory.path().to_owned())
        }
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect()
    }

    #[test]
    fn a_folder_that_is_not_there_holds_the_embedded_model() {
        let listing = Models::new(PathBuf::from("/nonexistent/models")).list();
        assert_eq!(names(&listing), [EMBEDDED]);
        assert_eq!(listing.problems, []);
    }

    #[test]
    fn folders_files_and_manifests_are_models() {
        let folder = Folder::new(&[
            ("one/model_index.json", "{}"),
            ("two.safetensors", ""),
            ("two.toml", "family = 'sd15'\n[defaults]\nsteps = 30"),
            ("three.toml", "path = 'elsewhere/x.safetensors'"),
            ("elsewhere/x.safetensors", ""),
            ("elsewhere/model_index.json", ""),
            ("notes.txt", ""),
            (".hidden.toml", ""),
        ]);
        let listing = folder.models().list();
        assert_eq!(listing.problems, []);
        assert_eq!(
            names(&listing),
            [EMBEDDED, "elsewhere", "one", "three", "two"]
        );
        let two = folder.models().find("two").expect("a model");
        assert_eq!(two.family.as_deref(), Some("sd15"));
        assert_eq!(two.defaults.steps, Some(30));
        let three = folder.models().find("three").expect("a model");
        assert_eq!(
            three.source,
            Source::File(folder.directory.path().join("elsewhere/x.safetensors"))
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_and_hides_nothing() {
        let folder = Folder::new(&[
            ("good.safetensors", ""),
            ("old.ckpt", ""),
            ("broken.toml", "path = 'good.safetensors'\nstep = 3\n"),
            ("lonely.toml", "family = 'sd15'"),
            ("empty/readme", ""),
            ("sketch.safetensors", ""),
            ("gone.toml", "path = 'gone.safetensors'"),
            (
                "novae.toml",
                "path = 'good.safetensors'\nvae = 'gone.safetensors'",
            ),
        ]);
        let listing = folder.models().list();
        assert_eq!(names(&listing), [EMBEDDED, "good"]);
        let problems: BTreeMap<_, _> = listing
            .problems
            .iter()
            .map(|problem| (problem.name.as_str(), problem))
            .collect();
        assert_eq!(
            problems.keys().copied().collect::<Vec<_>>(),
            [
                "broken", "empty", "gone", "lonely", "novae", "old", "sketch"
            ]
        );
        assert_eq!(problems["broken"].line, Some(2));
        assert!(problems["old"].reason.contains("pickle"));
        assert!(problems.values().all(|problem| problem.hint.is_some()));
    }

    #[test]
    fn names_do_not_leave_the_folder() {
        let folder = Folder::new(&[("inside/model_index.json", "{}")]);
        for name in ["../inside", "inside/", "..", ""] {
            assert!(
                matches!(folder.models().find(name), Err(FindError::Name(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn an_unknown_name_tells_what_there_is() {
        let folder = Folder::new(&[("one/model_index.json", "{}")]);
        let error = folder.models().find("two").expect_err("unknown");
        assert!(matches!(error, FindError::Unknown { known, .. } if known == [EMBEDDED, "one"]));
    }

    #[test]
    fn an_absolute_path_is_a_model() {
        let folder = Folder::new(&[("one/model_index.json", "{}"), ("two.pt", "")]);
        let path = folder.directory.path().join("one");
        let model = folder
            .models()
            .find(path.to_str().expect("UTF-8"))
            .expect("a model");
        assert_eq!(model.name, "one");
        assert_eq!(model.source, Source::Folder(path));
        let pickle = folder.directory.path().join("two.pt");
        assert!(matches!(
            folder.models().find(pickle.to_str().expect("UTF-8")),
            Err(FindError::Unusable(_))
        ));
        assert!(matches!(
            folder.models().find("/nonexistent/model"),
            Err(FindError::NoFile(_))
        ));
    }
}
