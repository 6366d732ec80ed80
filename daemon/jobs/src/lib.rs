//! The durable queue: jobs in SQLite, and what they need and make as blobs by
//! content hash.
//!
//! What a job asks for and what it made are bytes that only the caller
//! understands. Here it is decided which job is next, that each ends exactly
//! once, and that nothing which was acknowledged is lost, however the process
//! ends.

mod blobs;
mod error;
mod hash;
mod job;
mod queue;
mod schedule;
mod store;

pub use blobs::{Blobs, Part};
pub use error::JobsError;
pub use hash::Hash;
pub use job::{
    Event, Failure, Filter, Happened, Job, JobId, Outcome, Preview, Priority, Progress, State,
    Summary,
};
pub use queue::{
    Listener, Next, Options, Owner, Pruned, Queue, Running, Standing, Submission, Submitted, Wait,
};
