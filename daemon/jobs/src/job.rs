//! A job, and what happens to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::JobsError;
use crate::hash::Hash;

/// A job's number; it is never given twice. Its name is `j` and the number, such
/// as `j7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) i64);

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "j{}", self.0)
    }
}

impl FromStr for JobId {
    type Err = JobsError;

    fn from_str(text: &str) -> Result<Self, JobsError> {
        let digits = text.strip_prefix('j').unwrap_or_default();
        match digits.parse() {
            Ok(number)
                if number > 0 && digits.starts_with(|digit: char| digit.is_ascii_digit()) =>
            {
                Ok(Self(number))
            }
            _ => Err(JobsError::Unknown(text.chars().take(100).collect())),
        }
    }
}

macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[doc = $doc:literal])+ $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $type { $($(#[doc = $doc])+ $variant),* }

        impl $type {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The one of that name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }
    };
}

named! {
    /// How urgent a job is. The more urgent comes first in this order; it
    /// suspends a less urgent one that runs.
    Priority {
        /// Somebody sits at a canvas and waits.
        Interactive = "interactive",
        /// A board, a script.
        Batch = "batch",
        /// Hours of steps.
        Training = "training",
    }
}

named! {
    /// Where a job stands.
    State {
        /// It waits.
        Queued = "queued",
        /// The engine has begun with it; perhaps it is suspended.
        Running = "running",
        /// It ended, and its result is stored.
        Done = "done",
        /// It ended without a result.
        Failed = "failed",
        /// Somebody cancelled it before it ended.
        Cancelled = "cancelled",
    }
}

impl State {
    /// Whether nothing more will happen to the job.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// As a machine reads it.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What it was about.
    pub about: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result.
    Done {
        /// As the caller wrote it.
        result: Vec<u8>,
        /// The blobs that the result names; they are stored already.
        blobs: Vec<Hash>,
    },
    /// Without one.
    Failed(Failure),
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Which candidate, from 0.
    pub candidate: u32,
    /// How many candidates the job makes.
    pub candidates: u32,
    /// Steps of this candidate that are done.
    pub step: u32,
    /// Steps of this candidate in all.
    pub steps: u32,
    /// Estimate for the whole job, seconds.
    pub seconds_left: Option<f64>,
    /// How the picture looks so far. It is told, not stored.
    #[serde(skip)]
    pub preview: Option<Preview>,
}

/// A small picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width` × `height` × 4 bytes: red, green, blue, alpha.
    pub rgba: Vec<u8>,
}

/// What happens to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// It was taken; also after a restart of the daemon, which begins it anew.
    Queued {
        /// How many jobs are before it.
        ahead: u64,
    },
    /// The engine began with it.
    Started {
        /// The model that is used.
        model: String,
    },
    /// A step is done.
    Progress(Progress),
    /// A more urgent job goes first.
    Suspended {
        /// The more urgent one.
        by: String,
    },
    /// The engine goes on with it, where it was.
    Resumed {},
    /// It has ended. The last event of every job, and there is one.
    Ended {
        /// `done`, `failed` or `cancelled`.
        state: State,
        /// Why there is no result.
        failure: Option<Failure>,
    },
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// To which.
    pub job: JobId,
    /// Counts up by one within the job, from 1; kept over restarts.
    pub seq: u64,
    /// What.
    pub happened: Happened,
}

/// A job in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its number.
    pub id: JobId,
    /// The method that made it.
    pub method: String,
    /// The client that asked for it.
    pub client: String,
    /// What it is about, in a few words.
    pub title: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it stands.
    pub state: State,
    /// Its idempotency key.
    pub key: Option<String>,
    /// When it was taken: seconds since 1970.
    pub created: f64,
    /// When the engine began with it.
    pub started: Option<f64>,
    /// When it ended.
    pub ended: Option<f64>,
}

/// Everything that is stored of a job, but its events.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What a list tells.
    pub summary: Summary,
    /// What is asked for, as the caller wrote it.
    pub request: Vec<u8>,
    /// What it made, as the caller wrote it.
    pub result: Option<Vec<u8>>,
    /// Why it made nothing.
    pub failure: Option<Failure>,
    /// The number of its last event.
    pub last_seq: u64,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these states; of all when empty.
    pub states: Vec<State>,
    /// Older than this one.
    pub before: Option<JobId>,
    /// At most so many, newest first.
    pub limit: u64,
}
