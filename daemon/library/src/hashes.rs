//! BLAKE3 of weight files, computed once for as long as a file stays as it is.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::disk::write_atomically;
use crate::file_cache::SETTLE;
use crate::revision::is_hash;
use crate::stamp::Stamp;

/// The longest cache file that is read, bytes.
const LONGEST: u64 = 32 << 20;

/// How many bytes are read at once.
const CHUNK: usize = 4 << 20;

/// Told how many bytes are done and how many there are; `Break` gives up.
pub type Progress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("it is no ordinary file")]
    NoFile,
    /// Someone wrote to it.
    #[error("it changed while it was read")]
    Changed,
    /// Whoever asked gave up.
    #[error("cancelled")]
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    blake3: String,
}

/// Hashes by path, kept in a file.
#[derive(Debug)]
pub(crate) struct HashCache {
    file: PathBuf,
    known: Mutex<Option<HashMap<PathBuf, Known>>>,
}

impl HashCache {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            file,
            known: Mutex::new(None),
        }
    }

    /// The file's hash, from the cache where it is still the same file.
    pub(crate) fn hash(
        &self,
        path: &Path,
        progress: &mut Progress<'_>,
    ) -> Result<String, HashError> {
        let path = path.canonicalize()?;
        let stamp = stamp_of(&path)?;
        let known = self.with(|known| known.get(&path).cloned());
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return Ok(known.blake3);
        }
        let blake3 = hash_file(&path, progress)?;
        if stamp_of(&path)? != stamp {
            return Err(HashError::Changed);
        }
        self.remember(&path, stamp, &blake3);
        Ok(blake3)
    }

    /// Keeps a hash that was computed elsewhere.
    pub(crate) fn remember(&self, path: &Path, stamp: Stamp, blake3: &str) {
        // A second change within one tick of the file system's clock would
        // look like none.
        if stamp.age(SystemTime::now()).is_none_or(|age| age < SETTLE) {
            return;
        }
        let text = self.with(|known| {
            known.retain(|path, known| stamp_of(path).is_ok_and(|stamp| stamp == known.stamp));
            let blake3 = blake3.to_owned();
            known.insert(path.to_owned(), Known { stamp, blake3 });
            serde_json::to_vec(&*known)
        });
        let written = text
            .map_err(io::Error::from)
            .and_then(|text| write_atomically(&self.file, &text, true));
        if let Err(error) = written {
            tracing::warn!("hashes are not kept in {}: {error}", self.file.display());
        }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut HashMap<PathBuf, Known>) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(known.get_or_insert_with(|| read(&self.file)))
    }
}

/// Reads a cache file; one that makes no sense is an empty one, since every
/// hash can be computed again.
fn read(file: &Path) -> HashMap<PathBuf, Known> {
    let read = || -> io::Result<HashMap<PathBuf, Known>> {
        let mut bytes = Vec::new();
        File::open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    };
    match read() {
        Ok(mut known) => {
            known.retain(|_, known| is_hash(&known.blake3));
            known
        }
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!("{} is computed again: {error}", file.display());
            }
            HashMap::new()
        }
    }
}

fn stamp_of(path: &Path) -> Result<Stamp, HashError> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(HashError::NoFile);
    }
    Ok(Stamp::of(&metadata))
}

/// Hashes a file from its beginning to its end.
pub(crate) fn hash_file(path: &Path, progress: &mut Progress<'_>) -> Result<String, HashError> {
    let mut file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
        done += read as u64;
        if progress(done, total).is_break() {
            return Err(HashError::Cancelled);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Home;

    fn age(path: &Path, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        let file = File::options().write(true).open(path).expect("a file");
        file.set_modified(time).expect("a date");
    }

    /// The hash, and whether the file was read for it.
    fn hash(cache: &HashCache, path: &Path) -> (String, bool) {
        let mut was_read = false;
        let hash = cache.hash(path, &mut |_, _| {
            was_read = true;
            ControlFlow::Continue(())
        });
        (hash.expect("a hash"), was_read)
    }

    #[test]
    fn a_file_is_read_once_and_again_when_it_changed() {
        let home = Home::new();
        let path = home.write("a.safetensors", "one");
        age(&path, 60);
        let file = home.data().join("cache/hashes.json");
        let cache = HashCache::new(file.clone());
        let one = blake3::hash(b"one").to_hex().to_string();
        assert_eq!(hash(&cache, &path), (one.clone(), true));
        assert_eq!(hash(&cache, &path), (one.clone(), false));
        // Another process knows it from the file.
        assert_eq!(hash(&HashCache::new(file), &path), (one, false));
        home.write("a.safetensors", "two");
        age(&path, 30);
        let two = blake3::hash(b"two").to_hex().to_string();
        assert_eq!(hash(&cache, &path), (two, true));
    }

    #[test]
    fn a_corrupt_cache_is_computed_again_and_stale_entries_go() {
        let home = Home::new();
        let (a, b) = (home.write("a", "one"), home.write("b", "two"));
        age(&a, 60);
        age(&b, 60);
        let file = home.write("cache/hashes.json", "{\"a\": garbage");
        assert!(hash(&HashCache::new(file.clone()), &a).1);
        assert!(hash(&HashCache::new(file.clone()), &b).1);
        assert_eq!(read(&file).len(), 2);
        fs::remove_file(&a).expect("removed");
        let c = home.write("c", "three");
        age(&c, 60);
        hash(&HashCache::new(file.clone()), &c);
        let left = read(&file);
        assert!(
            left.len() == 2 && !left.contains_key(&a.canonicalize().unwrap_or(a)),
            "{left:?}"
        );
    }

    #[test]
    fn a_file_that_was_just_written_is_not_remembered() {
        let home = Home::new();
        let path = home.write("a", "one");
        let cache = HashCache::new(home.data().join("cache/hashes.json"));
        assert!(hash(&cache, &path).1);
        assert!(hash(&cache, &path).1);
    }

    #[test]
    fn hashing_can_be_given_up() {
        let home = Home::new();
        let path = home.write("a", "one");
        let cache = HashCache::new(home.data().join("hashes.json"));
        let outcome = cache.hash(&path, &mut |_, _| ControlFlow::Break(()));
        assert!(matches!(outcome, Err(HashError::Cancelled)));
        let outcome = cache.hash(&home.data(), &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(outcome, Err(HashError::NoFile)));
    }
}
