//! How to tell without reading that a file is the one that was read.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Size, time of the last change and inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub bytes: u64,
    /// Nanoseconds since 1970; 0 where the file system tells none.
    pub modified: u64,
    /// The inode; 0 where there is none.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            });
        Self {
            bytes: metadata.len(),
            modified,
            inode: inode(metadata),
        }
    }

    /// How long ago the file changed; `None` when that lies in the future.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        now.duration_since(UNIX_EPOCH + Duration::from_nanos(self.modified))
            .ok()
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let stamp = || Stamp::of(&std::fs::metadata(&path).expect("metadata"));
        std::fs::write(&path, "one").expect("written");
        let before = stamp();
        assert_eq!(before, stamp());
        std::fs::write(&path, "longer").expect("written");
        assert_ne!(before, stamp());
        let later = SystemTime::now() + Duration::from_secs(5);
        assert!(before.age(later).expect("an age") >= Duration::from_secs(5));
        assert_eq!(before.age(UNIX_EPOCH), None);
    }
}
