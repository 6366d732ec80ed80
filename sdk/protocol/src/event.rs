//! What the daemon tells without being asked again.

use serde::Serialize;

use crate::frame::FrameError;
use crate::message::decode_fields;
use crate::params::{EventDescription, Picture};
use crate::record::Record;

records! {
    /// A job was taken and waits. The first event of every job: it gives the
    /// job's name, by which it can be cancelled.
    JobQueued "job.queued" {
        /// The job's name.
        job: String,
        /// The id of the request that made the job.
        request: u64,
        /// How many jobs are before it.
        ahead: u64,
    }
    /// The engine began with a job.
    JobStarted "job.started" {
        /// The job's name.
        job: String,
        /// The id of the request that made the job.
        request: u64,
        /// The model that is used.
        model: String,
    }
    /// A denoising step is done. A client that reads slowly misses some of these.
    JobProgress "job.progress" {
        /// The job's name.
        job: String,
        /// The id of the request that made the job.
        request: u64,
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
        /// How the picture looks so far, when the request asked for previews.
        preview: Option<Picture>,
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
}
