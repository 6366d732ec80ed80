//! What the daemon tells without being asked again.

use serde::Serialize;

use crate::board::BoardProgress;
use crate::error::WireError;
use crate::frame::FrameError;
use crate::jobs::JobState;
use crate::library::LibraryChanged;
use crate::message::decode_fields;
use crate::params::{EventDescription, Picture};
use crate::record::Record;

records! {
    /// A job was taken and waits. The first event of every job: it gives the
    /// job's name, by which it can be cancelled. It comes again when a new
    /// daemon begins the job anew.
    JobQueued "job.queued" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
        /// How many jobs are before it.
        ahead: u64,
    }
    /// The engine began with a job.
    JobStarted "job.started" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
        /// The model that is used.
        model: String,
    }
    /// A denoising step is done. A client that reads slowly misses some of these.
    JobProgress "job.progress" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
        /// Which candidate, from 0.
        candidate: u32,
        /// How many candidates the job makes.
        candidates: u32,
        /// Steps of this candidate that are done.
        step: u32,
        /// Steps of this candidate in all.
        steps: u32,
        /// Estimate for the whole job, seconds.
        seconds_left: Option<f64>,
        /// How the picture looks so far, when the request asked for previews. Not stored.
        preview: Option<Picture>,
    }
    /// A more urgent job goes first.
    JobSuspended "job.suspended" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
        /// The more urgent job.
        by: String,
    }
    /// The engine goes on with a suspended job, where it was.
    JobResumed "job.resumed" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
    }
    /// A job has ended: its last event.
    JobEnded "job.ended" {
        /// The job's name.
        job: String,
        /// Counts up by one within the job, from 1; kept over restarts.
        job_seq: u64,
        /// The id of the request that made the job, on the connection that made it.
        request: Option<u64>,
        /// `done`, `failed` or `cancelled`.
        state: JobState,
        /// Why there is no result.
        error: Option<WireError>,
    }
}

/// An event that this version knows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Known {
    /// `job.queued`
    Queued(JobQueued),
    /// `job.started`
    Started(JobStarted),
    /// `job.progress`
    Progress(JobProgress),
    /// `job.suspended`
    Suspended(JobSuspended),
    /// `job.resumed`
    Resumed(JobResumed),
    /// `job.ended`
    Ended(JobEnded),
    /// `library.changed`
    Library(LibraryChanged),
    /// `board.progress`
    Board(BoardProgress),
}

impl Known {
    /// The id of the request that made the job, on the connection that made it.
    pub fn request(&self) -> Option<u64> {
        match self {
            Self::Queued(event) => event.request,
            Self::Started(event) => event.request,
            Self::Progress(event) => event.request,
            Self::Suspended(event) => event.request,
            Self::Resumed(event) => event.request,
            Self::Ended(event) => event.request,
            Self::Board(event) => event.request,
            Self::Library(_) => None,
        }
    }
}

/// Writes an event as it goes over the wire: `{event, seq, …fields}`.
pub trait Event: Serialize + Record + Sized {
    /// The event's name.
    const NAME: &'static str;

    /// The payload.
    ///
    /// # Errors
    /// As [`crate::encode`].
    fn encode(&self, seq: u64) -> Result<Vec<u8>, FrameError> {
        #[derive(Serialize)]
        struct Enveloped<'a, E> {
            event: &'static str,
            seq: u64,
            #[serde(flatten)]
            fields: &'a E,
        }
        crate::frame::encode(&Enveloped {
            event: Self::NAME,
            seq,
            fields: self,
        })
    }
}

macro_rules! events {
    ($($type:ident = $name:literal => $variant:ident : $doc:literal),* $(,)?) => {
        $(impl Event for $type { const NAME: &'static str = $name; })*

        impl Known {
            /// The payload: `{event, seq, …fields}`.
            ///
            /// # Errors
            /// As [`crate::encode`].
            pub fn encode(&self, seq: u64) -> Result<Vec<u8>, FrameError> {
                match self {
                    $( Self::$variant(event) => event.encode(seq), )*
                }
            }

            /// The event with that name; `None` for one that a newer daemon sends.
            ///
            /// # Errors
            /// When the fields are not those of the named event.
            pub fn decode(name: &str, fields: &[u8]) -> Result<Option<Self>, String> {
                match name {
                    $( $name => decode_fields(fields).map(|event| Some(Self::$variant(event))), )*
                    _ => Ok(None),
                }
            }
        }

        /// Every event of this version.
        pub fn all_events() -> Vec<EventDescription> {
            vec![ $( EventDescription {
                event: $name.to_owned(),
                doc: $doc.to_owned(),
                fields: crate::params::describe_fields::<$type>(),
            } ),* ]
        }
    };
}

events! {
    JobQueued = "job.queued" => Queued: "A job was taken and waits; gives the name by which it can be cancelled.",
    JobStarted = "job.started" => Started: "The engine began with a job.",
    JobProgress = "job.progress" => Progress: "A denoising step is done.",
    JobSuspended = "job.suspended" => Suspended: "A more urgent job goes first.",
    JobResumed = "job.resumed" => Resumed: "The engine goes on with a suspended job, where it was.",
    JobEnded = "job.ended" => Ended: "A job has ended: its last event.",
    LibraryChanged = "library.changed" => Library: "Something in the library became different; for connections that subscribed to `library`.",
    BoardProgress = "board.progress" => Board: "A take of a board was drawn, or is about to be; for the connection that draws it.",
}
