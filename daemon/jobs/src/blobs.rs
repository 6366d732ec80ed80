//! Files named by the hash of their content.
//!
//! A blob is complete from the moment it has its name: it is written under
//! another name, synced, and renamed. What lies under another name when the
//! process starts is left over from a crash and is removed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::{JobsError, read_at, write_at};
use crate::hash::Hash;

/// Uploads that may be open at once.
const UPLOADS: usize = 64;
/// After that time without a part an upload is given up.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(600);

/// A folder of blobs.
#[derive(Debug)]
pub struct Blobs {
    folder: PathBuf,
    most_bytes: u64,
    /// Of all blobs together.
    bytes: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    uploads: HashMap<String, Upload>,
    taken: u64,
}

#[derive(Debug)]
struct Upload {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    total: u64,
    received: u64,
    last: Instant,
}

/// A part of a blob that is uploaded in parts.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Names the upload: the expected hash, or a name that the uploader chose.
    pub upload: &'a str,
    /// Bytes of the whole blob.
    pub total: u64,
    /// Where the part belongs.
    pub offset: u64,
    /// The part.
    pub data: &'a [u8],
}

/// A blob on disk, for whoever makes room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stored {
    pub hash: Hash,
    pub bytes: u64,
    pub used: SystemTime,
}

impl Blobs {
    /// The blobs in `folder`, which is made when it is not there. A blob has at
    /// most `most_bytes`.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: PathBuf, most_bytes: u64) -> Result<Self, JobsError> {
        let partial = folder.join("partial");
        fs::create_dir_all(&partial).map_err(write_at(&partial))?;
        for entry in fs::read_dir(&partial).map_err(read_at(&partial))? {
            let path = entry.map_err(read_at(&partial))?.path();
            fs::remove_file(&path).map_err(write_at(&path))?;
        }
        let mut blobs = Self {
            folder,
            most_bytes,
            bytes: AtomicU64::new(0),
            state: Mutex::default(),
        };
        let stored = blobs.all()?;
        *blobs.bytes.get_mut() = stored.iter().map(|stored| stored.bytes).sum();
        Ok(blobs)
    }

    /// Bytes of all blobs together.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, hash: Hash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    fn partial(&self) -> PathBuf {
        let mut state = self.lock();
        state.taken += 1;
        self.folder.join("partial").join(state.taken.to_string())
    }

    /// Whether the blob is there.
    pub fn holds(&self, hash: Hash) -> bool {
        self.path(hash).is_file()
    }

    /// How many bytes the blob has.
    ///
    /// # Errors
    /// [`JobsError::NoBlob`].
    pub fn length(&self, hash: Hash) -> Result<u64, JobsError> {
        match fs::metadata(self.path(hash)) {
            Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
            _ => Err(JobsError::NoBlob(hash)),
        }
    }

    /// Stores `bytes`; they are on the disk when this returns.
    ///
    /// # Errors
    /// When there are too many, or the disk refuses.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, JobsError> {
        if bytes.len() as u64 > self.most_bytes {
            return Err(self.too_large());
        }
        let hash = Hash::of(bytes);
        // A damaged file is written anew.
        if self.get(hash).is_ok() {
            return Ok(hash);
        }
        let partial = self.partial();
        let written = File::create_new(&partial).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&partial);
            return Err(write_at(&partial)(error));
        }
        self.name(&partial, hash)?;
        Ok(hash)
    }

    /// Marks a blob as used now; says whether it is there, whole.
    fn touch(&self, hash: Hash, bytes: u64) -> bool {
        let path = self.path(hash);
        let Ok(file) = File::open(&path) else {
            return false;
        };
        if file.metadata().map_or(0, |metadata| metadata.len()) != bytes {
            return false;
        }
        // A file system that keeps no times evicts in another order.
        let _ = file.set_modified(SystemTime::now());
        true
    }

    /// Gives a complete file its name, for good.
    fn name(&self, partial: &Path, hash: Hash) -> Result<(), JobsError> {
        let path = self.path(hash);
        let folder = path.parent().unwrap_or(&self.folder).to_owned();
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let (old, new) = (length(&path), length(partial));
        let known = folder.is_dir();
        let named = fs::create_dir_all(&folder)
            .and_then(|()| fs::rename(partial, &path))
            .and_then(|()| sync_folder(&folder))
            .and_then(|()| {
                if known {
                    Ok(())
                } else {
                    sync_folder(&self.folder)
                }
            });
        named.map_err(|error| {
            let _ = fs::remove_file(partial);
            write_at(&path)(error)
        })?;
        self.bytes.fetch_add(new, Ordering::Relaxed);
        self.bytes.fetch_sub(old, Ordering::Relaxed);
        Ok(())
    }

    /// The whole blob, checked against its hash.
    ///
    /// # Errors
    /// [`JobsError::NoBlob`], [`JobsError::Damaged`], [`JobsError::Read`].
    pub fn get(&self, hash: Hash) -> Result<Vec<u8>, JobsError> {
        let path = self.path(hash);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(JobsError::NoBlob(hash));
            }
            Err(error) => return Err(read_at(&path)(error)),
        };
        if Hash::of(&bytes) != hash {
            return Err(JobsError::Damaged(hash));
        }
        self.touch(hash, bytes.len() as u64);
        Ok(bytes)
    }

    /// A part of a blob: at most `length` bytes from `offset`, and how many
    /// bytes there are in all. The reader of all parts checks the hash.
    ///
    /// # Errors
    /// As [`Blobs::get`]; an offset past the end gives an empty part.
    pub fn part(&self, hash: Hash, offset: u64, length: u64) -> Result<(Vec<u8>, u64), JobsError> {
        let total = self.length(hash)?;
        let path = self.path(hash);
        let length = length.min(total.saturating_sub(offset));
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut part = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.take(length).read_to_end(&mut part)?;
            Ok(part)
        };
        Ok((read().map_err(read_at(&path))?, total))
    }

    /// Takes a part of an upload. Parts come in order; one that came already is
    /// acknowledged again, so that a client which lost an answer can go on.
    /// Gives how many bytes are there, and the hash once all are.
    ///
    /// # Errors
    /// [`JobsError::Upload`] when the parts do not fit together or have another
    /// hash than the upload's name says; [`JobsError::BlobTooLarge`];
    /// [`JobsError::Write`]. The upload is given up then.
    pub fn take(&self, part: Part<'_>) -> Result<(u64, Option<Hash>), JobsError> {
        if part.total > self.most_bytes {
            return Err(self.too_large());
        }
        let end = part.offset.checked_add(part.data.len() as u64);
        if end.is_none_or(|end| end > part.total) {
            return Err(JobsError::Upload("the part goes past the end".to_owned()));
        }
        let expected = part.upload.parse::<Hash>().ok();
        if let Some(hash) = expected
            && self.touch(hash, part.total)
        {
            return Ok((part.total, Some(hash)));
        }
        let key = part.upload.to_owned();
        let mut state = self.lock();
        state.give_up_stale();
        let mut upload = match state.uploads.remove(&key) {
            Some(upload) if part.offset > 0 || part.data.is_empty() => upload,
            // A first part begins anew.
            other => {
                if let Some(old) = other {
                    let _ = fs::remove_file(old.path);
                }
                if part.offset != 0 {
                    return Err(JobsError::Upload(format!(
                        "the part begins at {}, and nothing was received before it",
                        part.offset
                    )));
                }
                if state.uploads.len() >= UPLOADS {
                    return Err(JobsError::Upload(format!(
                        "{UPLOADS} uploads are open already"
                    )));
                }
                state.taken += 1;
                let path = self.folder.join("partial").join(state.taken.to_string());
                Upload {
                    file: File::create_new(&path).map_err(write_at(&path))?,
                    path,
                    hasher: blake3::Hasher::new(),
                    total: part.total,
                    received: 0,
                    last: Instant::now(),
                }
            }
        };
        drop(state);
        // The upload is out of the table while it is written to: of two parts
        // at once under one name, the second is refused.
        match upload.add(part) {
            Ok(false) => {
                let received = upload.received;
                self.lock().uploads.insert(key, upload);
                Ok((received, None))
            }
            Ok(true) => {
                let hash = Hash::finish(&upload.hasher);
                if expected.is_some_and(|expected| expected != hash) {
                    let _ = fs::remove_file(&upload.path);
                    return Err(JobsError::Upload(format!(
                        "the bytes have the hash {hash}, not the one that was announced"
                    )));
                }
                upload.file.sync_all().map_err(|error| {
                    let _ = fs::remove_file(&upload.path);
                    write_at(&upload.path)(error)
                })?;
                self.name(&upload.path, hash)?;
                Ok((part.total, Some(hash)))
            }
            Err(error) => {
                let _ = fs::remove_file(&upload.path);
                Err(error)
            }
        }
    }

    fn too_large(&self) -> JobsError {
        JobsError::BlobTooLarge {
            most: self.most_bytes,
        }
    }

    /// Every blob, the longest unused first.
    pub(crate) fn all(&self) -> Result<Vec<Stored>, JobsError> {
        let mut found = Vec::new();
        for folder in entries(&self.folder)? {
            if folder.file_name().is_some_and(|name| name == "partial") || !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                let name = path.file_name().and_then(|name| name.to_str());
                let hash = name.and_then(|name| name.parse().ok());
                if let (Some(hash), Ok(metadata)) = (hash, fs::metadata(&path)) {
                    found.push(Stored {
                        hash,
                        bytes: metadata.len(),
                        used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    });
                }
            }
        }
        found.sort_by_key(|stored| (stored.used, stored.hash));
        Ok(found)
    }

    pub(crate) fn remove(&self, hash: Hash) -> Result<(), JobsError> {
        let path = self.path(hash);
        let bytes = self.length(hash)?;
        fs::remove_file(&path).map_err(write_at(&path))?;
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl State {
    fn give_up_stale(&mut self) {
        self.uploads.retain(|_, upload| {
            let fresh = upload.last.elapsed() < UPLOAD_PATIENCE;
            if !fresh {
                let _ = fs::remove_file(&upload.path);
            }
            fresh
        });
    }
}

impl Upload {
    /// Adds a part; says whether it was the last.
    fn add(&mut self, part: Part<'_>) -> Result<bool, JobsError> {
        if part.total != self.total {
            return Err(JobsError::Upload(format!(
                "its first part announced {} bytes, this one {}",
                self.total, part.total
            )));
        }
        self.last = Instant::now();
        let end = part.offset + part.data.len() as u64;
        if end <= self.received && part.offset < self.received {
            return Ok(false);
        }
        if part.offset != self.received {
            return Err(JobsError::Upload(format!(
                "the part begins at {}, and {} bytes were received before it",
                part.offset, self.received
            )));
        }
        self.file
            .write_all(part.data)
            .map_err(write_at(&self.path))?;
        self.hasher.update(part.data);
        self.received = end;
        Ok(end == self.total)
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, JobsError> {
    let entries = fs::read_dir(folder).map_err(read_at(folder))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(read_at(folder)))
        .collect()
}

/// Makes a rename last through a power failure.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(()) // Windows syncs the folder with the file.
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(folder.path().join("blobs"), 1000).expect("blobs");
        (folder, blobs)
    }

    fn part<'a>(upload: &'a str, total: u64, offset: u64, data: &'a [u8]) -> Part<'a> {
        Part {
            upload,
            total,
            offset,
            data,
        }
    }

    fn left_over(blobs: &Blobs) -> usize {
        entries(&blobs.folder.join("partial")).expect("there").len()
    }

    #[test]
    fn what_is_put_can_be_had() {
        let (folder, blobs) = blobs();
        let hash = blobs.put(b"a frame").expect("stored");
        assert_eq!(blobs.put(b"a frame").expect("stored"), hash);
        assert_eq!(blobs.get(hash).expect("there"), b"a frame");
        assert_eq!(blobs.part(hash, 2, 3).expect("there"), (b"fra".to_vec(), 7));
        assert_eq!(blobs.part(hash, 99, 3).expect("there"), (Vec::new(), 7));
        let again = Blobs::open(folder.path().join("blobs"), 1000).expect("blobs");
        assert_eq!(again.get(hash).expect("there"), b"a frame");
        assert!(matches!(
            again.get(Hash::of(b"another")),
            Err(JobsError::NoBlob(_))
        ));
    }

    #[test]
    fn a_damaged_blob_is_told_and_replaced() {
        let (_folder, blobs) = blobs();
        let hash = blobs.put(b"a frame").expect("stored");
        fs::write(blobs.path(hash), b"a flame").expect("written");
        assert!(matches!(blobs.get(hash), Err(JobsError::Damaged(_))));
        blobs.put(b"a frame").expect("stored");
        assert_eq!(blobs.get(hash).expect("whole again"), b"a frame");
        fs::write(blobs.path(hash), b"a fr").expect("written");
        assert!(matches!(blobs.get(hash), Err(JobsError::Damaged(_))));
        blobs.put(b"a frame").expect("stored");
        assert_eq!(blobs.get(hash).expect("whole again"), b"a frame");
    }

    #[test]
    fn what_a_crash_left_over_is_removed() {
        let (folder, blobs) = blobs();
        let whole = blobs.put(b"a frame").expect("stored");
        blobs.take(part("half", 10, 0, b"12345")).expect("a part");
        fs::write(blobs.folder.join("partial/99"), "rubbish").expect("written");
        drop(blobs);
        let blobs = Blobs::open(folder.path().join("blobs"), 1000).expect("blobs");
        assert_eq!(left_over(&blobs), 0);
        assert!(blobs.holds(whole));
    }

    #[test]
    fn an_upload_is_refused_when_it_does_not_fit() {
        let (_folder, blobs) = blobs();
        let wrong = Hash::of(b"something else").to_string();
        let refused = |part| match blobs.take(part) {
            Err(JobsError::Upload(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        };
        assert!(refused(part(&wrong, 3, 0, b"abc")).contains("hash"));
        assert!(refused(part("a", 3, 0, b"abcd")).contains("past"));
        assert!(refused(part("a", 9, u64::MAX, b"abcd")).contains("past"));
        assert!(refused(part("a", 9, 4, b"abcd")).contains("nothing"));
        blobs.take(part("a", 9, 0, b"abc")).expect("a part");
        assert!(refused(part("a", 9, 5, b"x")).contains("3 bytes"));
        blobs.take(part("a", 9, 0, b"abc")).expect("a part");
        assert!(refused(part("a", 8, 3, b"x")).contains("announced"));
        assert!(matches!(
            blobs.take(part("a", 1001, 0, b"x")),
            Err(JobsError::BlobTooLarge { most: 1000 })
        ));
        assert!(matches!(
            blobs.put(&[0; 1001]),
            Err(JobsError::BlobTooLarge { most: 1000 })
        ));
        assert_eq!(left_over(&blobs), 0, "nothing is left behind");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parts_of_any_length_make_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..1000),
            cut in 1_usize..400,
            announced: bool,
        ) {
            let (_folder, blobs) = blobs();
            let hash = Hash::of(&bytes);
            let name = if announced { hash.to_string() } else { "mine".to_owned() };
            let total = bytes.len() as u64;
            let mut last = None;
            let mut offset = 0;
            loop {
                let end = (offset + cut).min(bytes.len());
                let piece = part(&name, total, offset as u64, &bytes[offset..end]);
                let (received, complete) = blobs.take(piece).expect("a part");
                prop_assert_eq!(received, end as u64);
                if complete.is_none() && offset > 0 {
                    // The answer was lost: the same part again.
                    prop_assert_eq!(blobs.take(piece).expect("again").0, end as u64);
                }
                last = complete.or(last);
                offset = end;
                if offset == bytes.len() { break; }
            }
            prop_assert_eq!(last, Some(hash));
            prop_assert_eq!(blobs.get(hash).expect("there"), bytes);
            prop_assert_eq!(left_over(&blobs), 0);
        }
    }
}
