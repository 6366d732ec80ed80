//! What methods about jobs and blobs take and answer.

use rmpv::Value;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::WireError;
use crate::record::WireType;

/// How urgent a job is. A more urgent one suspends a less urgent one that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody sits at a canvas and waits.
    #[default]
    Interactive,
    /// A board, a script.
    Batch,
    /// Hours of steps.
    Training,
}

impl WireType for Priority {
    fn kind() -> String {
        "`interactive`, `batch` or `training`".to_owned()
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits.
    Queued,
    /// The engine has begun with it; perhaps it is suspended.
    Running,
    /// It ended, and its result is stored.
    Done,
    /// It ended without a result.
    Failed,
    /// Somebody cancelled it before it ended.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will happen to the job.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl WireType for JobState {
    fn kind() -> String {
        "`queued`, `running`, `done`, `failed` or `cancelled`".to_owned()
    }
}

records! {
    /// Parameters of `job.submit`.
    SubmitParams "submit params" {
        /// The method that makes the job: `frame.generate` or `frame.again`.
        method: String,
        /// Its parameters. `key` and `priority` may stand here or there.
        params: Value,
        /// The idempotency key, 1 to 200 characters: asking again with it gives the same job.
        key: Option<String>,
        /// How urgent it is; `interactive` when left out.
        priority: Option<Priority>,
    }
    /// Result of `job.submit` and `job.again`.
    Submitted "submitted" {
        /// The job's name.
        job: String,
        /// Where it stands.
        state: JobState,
        /// Whether the key's job was there already.
        existing: bool,
    }

    /// Parameters of methods about one job.
    JobParams "job params" {
        /// The job's name.
        job: String,
    }
    /// Result of `job.cancel`.
    CancelResult "cancel result" {
        /// Whether the engine was at work on it.
        was_running: bool,
    }

    /// Parameters of `job.wait`.
    WaitParams "wait params" {
        /// The job's name.
        job: String,
        /// How frames come back; as the request said when left out.
        format: Option<crate::params::PictureFormat>,
    }
    /// Result of `job.wait`.
    WaitResult "wait result" {
        /// The job's name.
        job: String,
        /// `done`, `failed` or `cancelled`.
        state: JobState,
        /// The result of the method that made the job.
        result: Option<Value>,
        /// Why there is none.
        error: Option<WireError>,
    }

    /// A job in a list.
    JobSummary "job summary" {
        /// Its name.
        job: String,
        /// The method that made it.
        method: String,
        /// The client that asked for it, as it named itself.
        client: String,
        /// What it is about: the beginning of its prompt.
        title: String,
        /// How urgent it is.
        priority: Priority,
        /// Where it stands.
        state: JobState,
        /// Its idempotency key.
        key: Option<String>,
        /// When it was taken, seconds since 1970.
        created: f64,
        /// When the engine began with it, seconds since 1970.
        started: Option<f64>,
        /// When it ended, seconds since 1970.
        ended: Option<f64>,
    }
    /// Parameters of `job.list`.
    #[derive(Default)]
    JobListParams "job list params" {
        /// Only jobs of these states; of all when left out.
        states: Option<Vec<JobState>>,
        /// At most so many, 1 to 1000; 100 when left out.
        limit: Option<u64>,
        /// Only jobs older than this one: the last of the page before.
        before: Option<String>,
    }
    /// Result of `job.list`.
    JobListResult "job list" {
        /// The jobs, newest first.
        jobs: Vec<JobSummary>,
        /// Whether there are older ones.
        more: bool,
    }

    /// Result of `job.show`.
    JobShowResult "job show" {
        /// What a list tells.
        summary: JobSummary,
        /// What was asked for, with everything that was left open decided. Pictures are named by
        /// their blobs.
        request: Value,
        /// What it made; frames are named by their blobs.
        result: Option<Value>,
        /// Why it made nothing.
        error: Option<WireError>,
        /// The `job_seq` of its last event.
        last_seq: u64,
    }

    /// Parameters of `job.events` and `job.watch`.
    JobEventsParams "job events params" {
        /// The job's name.
        job: String,
        /// Only events with a larger `job_seq`; all when left out.
        after: Option<u64>,
    }
    /// Result of `job.events`.
    JobEventsResult "job events" {
        /// The events, oldest first, at most 10,000: maps like those on the wire, without `seq`.
        events: Vec<Value>,
    }
    /// Result of `job.watch`.
    WatchResult "watch result" {
        /// Where the job stands.
        state: JobState,
    }

    /// Parameters of `job.prune`.
    #[derive(Default)]
    PruneParams "prune params" {
        /// Forget jobs that ended longer ago.
        older_than_seconds: Option<f64>,
        /// Forget all ended jobs but so many, the newest.
        keep: Option<u64>,
    }
    /// Result of `job.prune`.
    PruneResult "prune result" {
        /// How many jobs were forgotten.
        jobs: u64,
        /// How many blobs were removed.
        blobs: u64,
        /// How many bytes they had.
        bytes: u64,
    }

    /// Parameters of `blob.put`.
    BlobPutParams "blob put params" {
        /// The BLAKE3 hash of the whole, 64 lower-case hexadecimal digits; what arrives is checked.
        hash: Option<String>,
        /// Instead of `hash`: a name of the client's choosing that its parts have in common.
        upload: Option<String>,
        /// Bytes of the whole.
        total: u64,
        /// Where this part belongs; parts come in order.
        offset: u64,
        /// The part.
        data: ByteBuf,
    }
    /// Result of `blob.put`.
    BlobPutResult "blob put result" {
        /// Bytes that are there.
        received: u64,
        /// Whether all are, and are on the disk.
        complete: bool,
        /// The hash of the whole, when it is complete.
        hash: Option<String>,
    }
    /// Parameters of `blob.get`.
    BlobGetParams "blob get params" {
        /// The BLAKE3 hash.
        hash: String,
        /// Where to begin; 0 when left out.
        offset: Option<u64>,
        /// Bytes at most; as many as fit a frame when left out.
        length: Option<u64>,
    }
    /// Result of `blob.get`.
    BlobGetResult "blob get result" {
        /// Bytes of the whole.
        total: u64,
        /// The part.
        data: ByteBuf,
    }

    /// Parameters of `events.subscribe`.
    SubscribeParams "subscribe params" {
        /// What about: `jobs` (events of every job, without previews), `library` (`library.changed`).
        topics: Vec<String>,
    }

    /// How many jobs wait.
    WaitingJobs "waiting jobs" {
        /// For a canvas.
        interactive: u64,
        /// For boards and scripts.
        batch: u64,
        /// For training.
        training: u64,
    }
}
