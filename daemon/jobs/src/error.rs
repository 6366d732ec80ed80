//! Why the queue refuses.

use std::io;
use std::path::{Path, PathBuf};

use crate::hash::Hash;
use crate::job::State;

/// Why the queue refuses, or cannot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// Too much waits or runs already.
    #[error("{waiting} jobs wait already")]
    Busy {
        /// How many there are.
        waiting: u64,
    },
    /// No new work is taken, and what is there waits for the next daemon.
    #[error("the daemon is stopping")]
    Stopping,
    /// There is no job of that name.
    #[error("there is no job {0:?}")]
    Unknown(String),
    /// The job has ended, so it cannot be cancelled.
    #[error("the job has ended already: it is {0}")]
    Ended(State),
    /// The idempotency key belongs to a job that asks for something else.
    #[error("the key {key:?} was used for another request, job {job}")]
    KeyUsed {
        /// The key.
        key: String,
        /// Whose it is.
        job: String,
    },
    /// There is no such blob (any more).
    #[error("there is no blob {0}")]
    NoBlob(Hash),
    /// A blob's bytes are not what its name says.
    #[error("the blob {0} is damaged: its content has another hash")]
    Damaged(Hash),
    /// What was uploaded has another hash, or does not fit together.
    #[error("the upload cannot be used: {0}")]
    Upload(String),
    /// More than a blob may have.
    #[error("a blob has at most {most} bytes")]
    BlobTooLarge {
        /// The limit.
        most: u64,
    },
    /// The disk refuses; a full one, as a rule. Nothing was changed.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database refuses. Nothing was changed.
    #[error("the job database refuses: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database was made by a newer version.
    #[error("the job database {} was made by a newer version", .0.display())]
    Newer(PathBuf),
    /// A row of the database is not what this program writes.
    #[error("the job database holds something unknown: {0}")]
    Content(String),
}

impl JobsError {
    /// Whether the disk, not the request, is to blame.
    pub fn is_storage(&self) -> bool {
        matches!(
            self,
            Self::Write { .. } | Self::Read { .. } | Self::Database(_)
        )
    }
}

pub(crate) fn write_at(path: &Path) -> impl FnOnce(io::Error) -> JobsError + '_ {
    move |source| JobsError::Write {
        path: path.to_owned(),
        source,
    }
}

pub(crate) fn read_at(path: &Path) -> impl FnOnce(io::Error) -> JobsError + '_ {
    move |source| JobsError::Read {
        path: path.to_owned(),
        source,
    }
}
