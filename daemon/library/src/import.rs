//! Taking a model or a LoRA into the library, where it lies or as a copy.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::disk::{WriteLock, sync_folder, write_atomically};
use crate::hashes::{HashError, Progress, hash_file};
use crate::kind::Kind;
use crate::library::Library;
use crate::lora_report::{LoraFileError, LoraReport};
use crate::model::{Embedded, Model, Source};
use crate::name::{NameError, check_name};
use crate::paths;
use crate::scanner::model_at;
use crate::snapshot::FindError;
use crate::stamp::Stamp;

/// The most bytes that are copied at once.
const MOST_BYTES: u64 = 256 << 30;

/// The most files of a diffusers folder that are copied.
const MOST_FILES: usize = 2_000;

/// Left free on the disk beside what is copied, bytes.
const SPARE: u64 = 256 << 20;

/// How many bytes are copied at once.
const CHUNK: usize = 4 << 20;

/// What a diffusers folder needs beside its weights.
const COPIED: [&str; 4] = ["safetensors", "json", "txt", "model"];

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Import {
    /// [`Kind::Model`] or [`Kind::Lora`].
    pub kind: Kind,
    /// The file, or a model's diffusers folder; absolute.
    pub from: PathBuf,
    /// The name that it gets; its own when left out.
    pub name: Option<String>,
    /// Copy it into the library, rather than refer to where it lies.
    pub copy: bool,
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What it is.
    pub kind: Kind,
    /// Its name in the library.
    pub name: String,
    /// The manifest that refers to it, or the copy.
    pub path: PathBuf,
    /// Bytes that were copied.
    pub copied: u64,
    /// The family of models that it is, or fits to, where that can be told.
    pub family: Option<String>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The path is not absolute.
    #[error("the path is not absolute")]
    Relative,
    /// Only models and LoRAs are imported.
    #[error("a {0} is not imported: it is a small file that can be written")]
    Kind(Kind),
    /// The name is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something has the name already.
    #[error("there is a {kind} {name:?} already")]
    Taken {
        /// What it is.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// It lies in the library already.
    #[error("it lies in the library already")]
    Own,
    /// It is a pickle.
    #[error("pickle files can run code when they are opened, so they never are")]
    Pickle,
    /// It is a LoRA, and a model was expected.
    #[error("it holds a LoRA, and no model")]
    IsLora,
    /// It is no whole model.
    #[error(transparent)]
    Model(FindError),
    /// It is no whole LoRA.
    #[error(transparent)]
    Lora(#[from] LoraFileError),
    /// It is larger than anything that is copied.
    #[error("it has more than {MOST_FILES} files or {MOST_BYTES} bytes")]
    TooLarge,
    /// There is no room for a copy.
    #[error("the copy needs {needed} bytes, and {free} are free")]
    NoRoom {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The copy is not what the original is.
    #[error("the copy of {0} differs from it")]
    Differs(PathBuf),
    /// Someone wrote to it.
    #[error("{0} changed while it was copied")]
    Changed(PathBuf),
    /// A link in it leads out of it.
    #[error("{path}: {error}")]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        error: paths::PathError,
    },
    /// Whoever asked gave up. Nothing is left of the copy.
    #[error("cancelled")]
    Cancelled,
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.to_owned();
    move |error| ImportError::Io { path, error }
}

/// What a file or folder turned out to be.
struct Checked {
    family: Option<String>,
    is_folder: bool,
}

fn check(kind: Kind, from: &Path) -> Result<Checked, ImportError> {
    if !from.is_absolute() {
        return Err(ImportError::Relative);
    }
    if paths::is_pickle(from) {
        return Err(ImportError::Pickle);
    }
    match kind {
        Kind::Model => match model_at(from) {
            Ok(Model { source, family, .. }) => Ok(Checked {
                family,
                is_folder: matches!(source, Source::Folder(_)),
            }),
            Err(_) if from.is_file() && LoraReport::read(from).is_ok() => Err(ImportError::IsLora),
            Err(error) => Err(ImportError::Model(error)),
        },
        Kind::Lora => Ok(Checked {
            family: LoraReport::read(from)?.family,
            is_folder: false,
        }),
        other => Err(ImportError::Kind(other)),
    }
}

impl Library {
    /// Takes a model or a LoRA into the library. What it is, is told from the
    /// headers of its files. A copy is complete and compared with the original
    /// before it gets its name; `progress` is told about both.
    ///
    /// # Errors
    /// See [`ImportError`]; then the library is as it was.
    pub fn import(
        &self,
        import: &Import,
        progress: &mut Progress<'_>,
    ) -> Result<Imported, ImportError> {
        let kind = import.kind;
        let checked = check(kind, &import.from)?;
        let root = self.folder(kind);
        fs::create_dir_all(&root).map_err(at(&root))?;
        if paths::within(&root, &import.from).is_ok() {
            return Err(ImportError::Own);
        }
        let own_name = if checked.is_folder {
            import.from.file_name()
        } else {
            import.from.file_stem()
        };
        let own_name = own_name.map(|name| name.to_string_lossy().into_owned());
        let name = import.name.clone().or(own_name).unwrap_or_default();
        check_name(&name)?;
        self.check_free(kind, &name)?;
        let (path, copied) = if import.copy {
            self.copy(import, &name, checked.is_folder, progress)?
        } else {
            (self.refer(import, &name)?, 0)
        };
        self.shared.look(&[path.clone(), import.from.clone()]);
        Ok(Imported {
            kind,
            name,
            path,
            copied,
            family: checked.family,
        })
    }

    fn check_free(&self, kind: Kind, name: &str) -> Result<(), ImportError> {
        let taken = || ImportError::Taken {
            kind,
            name: name.to_owned(),
        };
        if kind == Kind::Model && Embedded::named(name).is_some() {
            return Err(taken());
        }
        let root = self.folder(kind);
        let names = [
            name.to_owned(),
            format!("{name}.toml"),
            format!("{name}.safetensors"),
        ];
        if names
            .iter()
            .any(|name| root.join(name).symlink_metadata().is_ok())
        {
            return Err(taken());
        }
        Ok(())
    }

    /// Writes a manifest that names the place.
    fn refer(&self, import: &Import, name: &str) -> Result<PathBuf, ImportError> {
        let path = self.folder(import.kind).join(format!("{name}.toml"));
        // TOML is text: a path that is none cannot be named in it.
        let Some(place) = import.from.to_str() else {
            let error = io::Error::other("the path is not UTF-8; import a copy, or rename it");
            return Err(at(&import.from)(error));
        };
        let mut table = toml::Table::new();
        table.insert("path".to_owned(), place.into());
        let _lock = WriteLock::take(self.data()).map_err(at(self.data()))?;
        self.check_free(import.kind, name)?;
        write_atomically(&path, table.to_string().as_bytes(), false).map_err(at(&path))?;
        Ok(path)
    }

    fn copy(
        &self,
        import: &Import,
        name: &str,
        is_folder: bool,
        progress: &mut Progress<'_>,
    ) -> Result<(PathBuf, u64), ImportError> {
        let root = self.folder(import.kind);
        let mut files = Vec::new();
        if is_folder {
            list(&import.from, &import.from, Path::new(""), 2, &mut files)?;
        } else {
            files.push((
                import.from.clone(),
                PathBuf::from(format!("{name}.safetensors")),
            ));
        }
        let mut needed = 0_u64;
        for (from, _) in &files {
            needed = needed.saturating_add(fs::metadata(from).map_err(at(from))?.len());
        }
        if needed > MOST_BYTES || files.len() > MOST_FILES {
            return Err(ImportError::TooLarge);
        }
        if let Some(free) = free_bytes(&root).filter(|free| *free < needed.saturating_add(SPARE)) {
            return Err(ImportError::NoRoom { needed, free });
        }
        // Hidden, so that nobody takes it for a model; gone when this fails.
        let unfinished = TempDir::with_prefix_in(".importing-", &root).map_err(at(&root))?;
        let mut copying = Copying {
            done: 0,
            // Every byte is read twice: to copy it, and to compare the copy.
            total: needed.saturating_mul(2),
            progress,
        };
        let mut hashes = Vec::new();
        for (from, to) in &files {
            hashes.push(copying.file(from, &unfinished.path().join(to))?);
        }
        let path = if is_folder {
            root.join(name)
        } else {
            root.join(format!("{name}.safetensors"))
        };
        {
            let _lock = WriteLock::take(self.data()).map_err(at(self.data()))?;
            self.check_free(import.kind, name)?;
            let copy = if is_folder {
                unfinished.path().to_owned()
            } else {
                unfinished.path().join(format!("{name}.safetensors"))
            };
            fs::rename(&copy, &path).map_err(at(&path))?;
        }
        if is_folder {
            // It has its name now, and is temporary no more.
            let _ = unfinished.keep();
        }
        sync_folder(&root).map_err(at(&root))?;
        for ((_, to), blake3) in files.iter().zip(hashes) {
            let copy = if is_folder {
                path.join(to)
            } else {
                path.clone()
            };
            let known = copy.canonicalize().and_then(|copy| {
                let stamp = Stamp::of(&fs::metadata(&copy)?);
                Ok((copy, stamp))
            });
            if let Ok((copy, stamp)) = known {
                self.shared.hashes.remember(&copy, stamp, &blake3);
            }
        }
        Ok((path, needed))
    }
}

/// Lists what a diffusers folder needs, with the places in the copy.
fn list(
    root: &Path,
    folder: &Path,
    to: &Path,
    depth: u32,
    files: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), ImportError> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let to = to.join(name);
        if path.is_dir() {
            if path.is_symlink() {
                paths::within(root, &path).map_err(|error| ImportError::Link {
                    path: path.clone(),
                    error,
                })?;
            }
            if depth > 0 {
                list(root, &path, &to, depth - 1, files)?;
            }
        } else if path.is_file() && COPIED.contains(&paths::extension(&path).as_str()) {
            // Tools that share files between models link to them: the copy
            // gets the file itself.
            files.push((path, to));
        }
        if files.len() > MOST_FILES {
            return Err(ImportError::TooLarge);
        }
    }
    Ok(())
}

struct Copying<'a, 'b> {
    done: u64,
    total: u64,
    progress: &'a mut Progress<'b>,
}

impl Copying<'_, '_> {
    fn tell(&mut self, bytes: u64) -> ControlFlow<()> {
        self.done = self.done.saturating_add(bytes);
        (self.progress)(self.done, self.total)
    }

    /// Copies a file, makes sure that it is on the disk, and compares; its hash.
    fn file(&mut self, from: &Path, to: &Path) -> Result<String, ImportError> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let mut source = File::open(from).map_err(at(from))?;
        let stamp = Stamp::of(&source.metadata().map_err(at(from))?);
        let mut copy = File::create_new(to).map_err(at(to))?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; CHUNK];
        // A file that grows for ever must not fill the disk.
        let mut left = stamp.bytes;
        loop {
            let read = source.read(&mut chunk).map_err(at(from))?;
            if read == 0 {
                break;
            }
            left = left
                .checked_sub(read as u64)
                .ok_or_else(|| ImportError::Changed(from.to_owned()))?;
            let bytes = chunk.get(..read).unwrap_or_default();
            hasher.update(bytes);
            copy.write_all(bytes).map_err(at(to))?;
            if self.tell(read as u64).is_break() {
                return Err(ImportError::Cancelled);
            }
        }
        let now = fs::metadata(from).map_err(at(from))?;
        if left > 0 || Stamp::of(&now) != stamp {
            return Err(ImportError::Changed(from.to_owned()));
        }
        copy.sync_all().map_err(at(to))?;
        // Read as it was: a model's date is the date of its file.
        if let Ok(modified) = now.modified() {
            let _ = copy.set_modified(modified);
        }
        drop(copy);
        let hash = hasher.finalize().to_hex().to_string();
        let mut before = 0;
        let compared = hash_file(to, &mut |done, _| {
            let bytes = done - before;
            before = done;
            self.tell(bytes)
        });
        match compared {
            Ok(compared) if compared == hash => Ok(hash),
            Ok(_) => Err(ImportError::Differs(from.to_owned())),
            Err(HashError::Cancelled) => Err(ImportError::Cancelled),
            Err(HashError::Read(error)) => Err(at(to)(error)),
            Err(error) => Err(at(to)(io::Error::other(error))),
        }
    }
}

/// Bytes that are free for this user where `folder` lies; `None` where the
/// system does not tell.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Home, checkpoint, diffusers, lora, safetensors, write};

    fn import(kind: Kind, from: PathBuf, copy: bool) -> Import {
        Import {
            kind,
            from,
            name: None,
            copy,
        }
    }

    fn go_on(_: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn a_checkpoint_is_referred_to() {
        let home = Home::new();
        let from = home.path("else where/real's.safetensors");
        write(&from, checkpoint(768));
        let library = Library::open(&home.data());
        let mut request = import(Kind::Model, from.clone(), false);
        request.name = Some("real".to_owned());
        let imported = library.import(&request, &mut go_on).expect("imported");
        assert_eq!(imported.family.as_deref(), Some("sd15"));
        assert_eq!(imported.copied, 0);
        let model = library.find_model("real").expect("a model");
        assert_eq!(model.source, Source::File(from));
        assert_eq!(model.family.as_deref(), Some("sd15"));
        let again = library.import(&request, &mut go_on);
        assert!(matches!(again, Err(ImportError::Taken { .. })), "{again:?}");
    }

    #[test]
    fn a_lora_is_copied_and_compared() {
        let home = Home::new();
        let from = home.path("kaito.safetensors");
        write(&from, lora(768));
        let library = Library::open(&home.data());
        let mut told = Vec::new();
        let imported = library
            .import(
                &import(Kind::Lora, from.clone(), true),
                &mut |done, total| {
                    told.push((done, total));
                    ControlFlow::Continue(())
                },
            )
            .expect("imported");
        let bytes = fs::read(&from).expect("read");
        assert_eq!(fs::read(&imported.path).expect("read"), bytes);
        let length = bytes.len() as u64;
        assert_eq!(told, [(length, 2 * length), (2 * length, 2 * length)]);
        assert_eq!(imported.copied, length);
        assert_eq!(library.find_lora("kaito").expect("a LoRA").ranks, [4]);
        let own = library.import(&import(Kind::Lora, imported.path, true), &mut go_on);
        assert!(matches!(own, Err(ImportError::Own)), "{own:?}");
    }

    #[test]
    fn a_diffusers_folder_is_copied_without_pickles() {
        let home = Home::new();
        let from = home.path("tool/model");
        diffusers(&from, 192);
        write(from.join("unet/diffusion_pytorch_model.bin"), "pickle");
        write(from.join(".cache/x.json"), "{}");
        let library = Library::open(&home.data());
        let imported = library
            .import(&import(Kind::Model, from, true), &mut go_on)
            .expect("imported");
        assert_eq!(imported.family.as_deref(), Some("sketch"));
        assert!(imported.path.join("unet/config.json").is_file());
        assert!(
            !imported
                .path
                .join("unet/diffusion_pytorch_model.bin")
                .exists()
        );
        assert!(!imported.path.join(".cache").exists());
        let model = library.find_model("model").expect("a model");
        assert_eq!(model.source, Source::Folder(imported.path));
    }

    #[test]
    fn what_is_no_model_is_refused_and_nothing_is_left() {
        let home = Home::new();
        let library = Library::open(&home.data());
        let refused = |kind, name: &str, bytes: &[u8]| {
            let from = home.path(name);
            write(&from, bytes);
            library
                .import(&import(kind, from, true), &mut go_on)
                .expect_err("refused")
        };
        let model = |name: &str, bytes: &[u8]| refused(Kind::Model, name, bytes);
        assert!(matches!(model("a.ckpt", b""), ImportError::Pickle));
        assert!(matches!(
            model("a.safetensors", &lora(768)),
            ImportError::IsLora
        ));
        let vae = safetensors(&[("encoder.a", &[1]), ("decoder.a", &[1])], &[]);
        assert!(model("b.safetensors", &vae).to_string().contains("VAE"));
        let half = checkpoint(768);
        assert!(matches!(
            model("c.safetensors", &half[..half.len() - 1]),
            ImportError::Model(_)
        ));
        let error = refused(Kind::Lora, "d.safetensors", &half);
        assert!(error.to_string().contains("a checkpoint"), "{error}");
        assert!(matches!(
            refused(Kind::Shot, "e.toml", b""),
            ImportError::Kind(Kind::Shot)
        ));
        assert!(matches!(
            model("sketch.safetensors", &half),
            ImportError::Taken { .. }
        ));
        assert!(matches!(
            model("f[1].safetensors", &half),
            ImportError::Name(_)
        ));
        let relative = library.import(&import(Kind::Model, "a".into(), true), &mut go_on);
        assert!(matches!(relative, Err(ImportError::Relative)));
        let from = home.path("given up.safetensors");
        write(&from, &half);
        let given_up = library.import(&import(Kind::Model, from, true), &mut |_, _| {
            ControlFlow::Break(())
        });
        assert!(matches!(given_up, Err(ImportError::Cancelled)));
        for kind in [Kind::Model, Kind::Lora] {
            let left = fs::read_dir(library.folder(kind))
                .expect("a folder")
                .count();
            assert_eq!(left, 0, "{kind}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_outside_are_not_copied() {
        let home = Home::new();
        let from = home.path("model");
        diffusers(&from, 192);
        write(home.path("secret/x.json"), "{}");
        std::os::unix::fs::symlink(home.path("secret"), from.join("extra")).expect("a link");
        let library = Library::open(&home.data());
        let outcome = library.import(&import(Kind::Model, from, true), &mut go_on);
        assert!(
            matches!(outcome, Err(ImportError::Link { .. })),
            "{outcome:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn free_space_is_told() {
        let free = free_bytes(&std::env::temp_dir()).expect("free bytes");
        assert!(free > 0);
    }
}
