//! Writing so that a crash leaves the old file or the new one, never half of
//! one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::error::BoardError;

/// How the name of what is not complete ends.
pub(crate) const SUFFIX: &str = ".part";
/// How it begins.
const PREFIX: &str = ".framewright-";

/// How it begins where this process writes it.
pub(crate) fn own_prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Removes what other processes left half written in a folder when they were
/// killed. Those that live must not write there meanwhile.
pub(crate) fn sweep(folder: &Path) {
    let own = own_prefix();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left = name.starts_with(PREFIX) && name.ends_with(SUFFIX) && !name.starts_with(&own);
        if left && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file that is written, and not yet in its place.
pub(crate) struct Staged {
    temporary: NamedTempFile,
    path: PathBuf,
}

/// Writes the bytes beside `path`.
pub(crate) fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, BoardError> {
    let failed = |source| unwritable(path, source);
    let folder = path
        .parent()
        .ok_or_else(|| failed(io::Error::other("the path has no folder")))?;
    let mut builder = tempfile::Builder::new();
    let prefix = own_prefix();
    builder.prefix(&prefix).suffix(SUFFIX);
    #[cfg(unix)]
    {
        // Less what the user's umask takes away, as for any file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(PermissionsExt::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    Ok(Staged {
        temporary,
        path: path.to_owned(),
    })
}

impl Staged {
    /// Puts the file in its place.
    pub(crate) fn publish(self) -> Result<(), BoardError> {
        let persisted = self.temporary.persist(&self.path);
        persisted.map_err(|error| unwritable(&self.path, error.error))?;
        // Other systems keep names without being asked, and cannot open folders.
        if cfg!(unix)
            && let Some(folder) = self.path.parent()
        {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| unwritable(folder, error))?;
        }
        Ok(())
    }
}

/// Puts the bytes at `path`, in place of what is there: all of them or none.
///
/// # Errors
/// [`BoardError::Write`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BoardError> {
    stage(path, bytes)?.publish()
}

/// Makes a folder, with those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), BoardError> {
    std::fs::create_dir_all(path).map_err(|error| unwritable(path, error))
}

/// Reads a file of at most `longest` bytes.
pub(crate) fn read(path: &Path, longest: u64) -> Result<Vec<u8>, BoardError> {
    let failed = |source| BoardError::Read {
        path: path.to_owned(),
        source,
    };
    // A pipe would keep the reader waiting for ever.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no ordinary file")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(longest + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > longest {
        let message = format!("it has more than {longest} bytes, which is the most that is read");
        return Err(failed(io::Error::other(message)));
    }
    Ok(bytes)
}

pub(crate) fn unwritable(path: &Path, source: io::Error) -> BoardError {
    BoardError::Write {
        path: path.to_owned(),
        source,
    }
}

/// Keeps every other writer of a board out while it lives: those of this
/// process, and on Unix those of others, by a lock on the folder itself, so
/// that no file is left in it.
pub(crate) struct WriteLock {
    _folder: Option<File>,
    _here: MutexGuard<'static, ()>,
}

impl WriteLock {
    /// Waits for the lock.
    pub(crate) fn take(folder: &Path) -> Self {
        static HERE: Mutex<()> = Mutex::new(());
        let here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
        // Some network file systems have no locks; then the look at the file
        // just before it is replaced has to do.
        let locked = File::open(folder).and_then(|file| file.lock().map(|()| file));
        Self {
            _folder: locked.ok(),
            _here: here,
        }
    }
}

/// Says to other processes that a board is being drawn.
pub struct DrawingLock {
    _takes: Option<File>,
}

impl DrawingLock {
    /// Takes the lock on the folder of takes; `None` while another process
    /// has it.
    pub(crate) fn take(takes: &Path) -> Option<Self> {
        let Ok(file) = File::open(takes) else {
            return Some(Self { _takes: None });
        };
        match file.try_lock() {
            Ok(()) => Some(Self { _takes: Some(file) }),
            Err(std::fs::TryLockError::WouldBlock) => None,
            Err(std::fs::TryLockError::Error(_)) => Some(Self { _takes: None }),
        }
    }
}
