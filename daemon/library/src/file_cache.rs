//! What was read from files, for as long as they stay as they were.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::header::{Header, HeaderError};
use crate::lora_report::LoraReport;
use crate::stamp::Stamp;
use crate::weights::Contents;

/// A file that changed less than this ago may be in the middle of a change.
pub(crate) const SETTLE: Duration = Duration::from_millis(200);

/// A file that is incomplete and has not changed for this long stays so.
pub(crate) const STALLED: Duration = Duration::from_secs(2);

/// What a file of weights holds.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) contents: Contents,
    /// Without the long lists.
    pub(crate) lora: Option<LoraReport>,
}

impl Weights {
    /// Reads a file's header.
    pub(crate) fn read(path: &Path) -> Result<Self, HeaderError> {
        let header = Header::read(path)?;
        let contents = Contents::of(&header);
        let lora = (contents == Contents::Lora).then(|| LoraReport {
            tags: Vec::new(),
            incomplete: Vec::new(),
            unknown_keys: Vec::new(),
            ..LoraReport::of(&header)
        });
        Ok(Self { contents, lora })
    }
}

type Read = Result<Arc<Weights>, Arc<HeaderError>>;

/// Headers that were read, and files that are watched until they settle.
#[derive(Default)]
pub(crate) struct FileCache {
    headers: HashMap<PathBuf, (Stamp, Read)>,
    headers_used: HashMap<PathBuf, (Stamp, Read)>,
    unsettled: HashMap<PathBuf, (Stamp, Instant)>,
    unsettled_used: HashMap<PathBuf, (Stamp, Instant)>,
    accepted: HashMap<PathBuf, Stamp>,
    accepted_used: HashMap<PathBuf, Stamp>,
}

impl FileCache {
    /// Forgets every file that was not asked for since the last call.
    pub(crate) fn turn(&mut self) {
        self.headers = std::mem::take(&mut self.headers_used);
        self.unsettled = std::mem::take(&mut self.unsettled_used);
        self.accepted = std::mem::take(&mut self.accepted_used);
    }

    /// Takes the file as it is, although it may have changed just now.
    pub(crate) fn accept(&mut self, path: &Path, stamp: Stamp) {
        self.accepted_used.insert(path.to_owned(), stamp);
    }

    /// Whether the file was accepted as it is.
    pub(crate) fn is_accepted(&mut self, path: &Path, stamp: Stamp) -> bool {
        let known = self.accepted_used.get(path).or(self.accepted.get(path));
        let is_accepted = known == Some(&stamp);
        if is_accepted {
            self.accept(path, stamp);
        }
        is_accepted
    }

    /// Whether the file has been as it is for `time`: by its own date, or,
    /// where that lies in the future, by how long it was seen so.
    pub(crate) fn is_settled(
        &mut self,
        path: &Path,
        stamp: Stamp,
        time: Duration,
        now: SystemTime,
    ) -> bool {
        if stamp.age(now).is_some_and(|age| age >= time) {
            return true;
        }
        let known = self.unsettled_used.get(path).or(self.unsettled.get(path));
        let since = match known {
            Some((known, since)) if *known == stamp => *since,
            _ => Instant::now(),
        };
        self.unsettled_used.insert(path.to_owned(), (stamp, since));
        since.elapsed() >= time
    }

    /// The file's header; kept only when the file `is_settled`, since a second
    /// change within one tick of the file system's clock looks like none.
    pub(crate) fn weights(&mut self, path: &Path, stamp: Stamp, is_settled: bool) -> Read {
        let known = self.headers_used.get(path).or(self.headers.get(path));
        let read = match known {
            Some((known, read)) if *known == stamp => read.clone(),
            _ => Weights::read(path).map(Arc::new).map_err(Arc::new),
        };
        if is_settled {
            self.headers_used
                .insert(path.to_owned(), (stamp, read.clone()));
        }
        read
    }
}
