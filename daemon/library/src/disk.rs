//! Writing so that a crash leaves the old file or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Puts `bytes` at `path`, in place of what is there if `replace`.
///
/// # Errors
/// Of the file system; `AlreadyExists` when there is something and not `replace`.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .ok_or_else(|| io::Error::other("the path has no folder"))?;
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::with_prefix_in(".", folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    sync_folder(folder)
}

/// Makes sure that the names in a folder outlive a crash.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems keep names without being asked, and cannot open folders.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Keeps every other writer out, in this process and others, while it lives.
pub(crate) struct WriteLock {
    _file: File,
}

impl WriteLock {
    /// Waits for the lock of the library in `data`.
    ///
    /// # Errors
    /// Of the file system.
    pub(crate) fn take(data: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data.join(".library.lock"))?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Home;

    #[test]
    fn a_file_is_replaced_or_kept() {
        let home = Home::new();
        let path = home.data().join("a/b.toml");
        write_atomically(&path, b"one", false).expect("written");
        let error = write_atomically(&path, b"two", false).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("read"), b"one");
        write_atomically(&path, b"two", true).expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        let left = fs::read_dir(home.data().join("a"))
            .expect("a folder")
            .count();
        assert_eq!(left, 1, "no temporary file is left");
    }
}
