//! What the methods do that make jobs or are about them.

use std::sync::Arc;
use std::time::Duration;

use framewright_jobs::{Event, Filter, Hash, JobId, Submission, Wait};
use framewright_protocol::{
    AgainResult, CancelResult, ErrorCode, FrameAgain, FrameGenerate, FrameInpaint, GenerateParams,
    GenerateResult, InpaintContextParams, InpaintContextResult, InpaintParams, InpaintResult,
    JobEventsParams, JobEventsResult, JobListParams, JobListResult, JobParams, JobShowResult,
    JobState, JobSubmit, JobWait, Method, PictureFormat, PruneParams, PruneResult, SubmitParams,
    Submitted, Value, WaitResult, WatchResult, WireError, encode, to_value,
};
use serde::Serialize;

use crate::answers::blocking;
use crate::connection::{Client, Turn};
use crate::daemon::Daemon;
use crate::hub::Hub;
use crate::inpainting;
use crate::job_words::{self, refused, stopping};
use crate::order::find_model;
use crate::request::{self, Accepted, checked_key, decoded};

/// Events that one answer or one replay has at most.
const MOST_EVENTS: u64 = 10_000;
/// Jobs that one page has at most.
const MOST_LISTED: u64 = 1_000;

/// `frame.generate`
pub async fn generate(
    daemon: &Arc<Daemon>,
    client: &Client,
    turn: Option<Turn>,
    id: u64,
    bytes: &[u8],
) -> Result<GenerateResult, WireError> {
    let (job, format) = begin(daemon, client, id, FrameGenerate::NAME, bytes).await?;
    drop(turn);
    let result = result(daemon, job).await?;
    blocking(daemon, move |daemon| {
        request::generate_result(daemon.jobs.blobs(), &result, format)
    })
    .await
}

/// `frame.inpaint`
pub async fn inpaint(
    daemon: &Arc<Daemon>,
    client: &Client,
    turn: Option<Turn>,
    id: u64,
    bytes: &[u8],
) -> Result<InpaintResult, WireError> {
    let (job, format) = begin(daemon, client, id, FrameInpaint::NAME, bytes).await?;
    drop(turn);
    let result = result(daemon, job).await?;
    blocking(daemon, move |daemon| {
        request::inpaint_result(daemon.jobs.blobs(), &result, format)
    })
    .await
}

/// `inpaint.context`
pub fn context(
    daemon: &Daemon,
    params: InpaintContextParams,
) -> Result<InpaintContextResult, WireError> {
    let model = find_model(&daemon.library, params.model.as_deref())?;
    inpainting::context(&params, daemon.reader.native_side(&model)?)
}

/// `frame.again`
pub async fn again(
    daemon: &Arc<Daemon>,
    client: &Client,
    turn: Option<Turn>,
    id: u64,
    bytes: &[u8],
) -> Result<AgainResult, WireError> {
    let (job, format) = begin(daemon, client, id, FrameAgain::NAME, bytes).await?;
    drop(turn);
    let result = result(daemon, job).await?;
    blocking(daemon, move |daemon| {
        request::again_result(daemon.jobs.blobs(), &result, format)
    })
    .await
}

/// Makes a job of a request that waits for its end.
async fn begin(
    daemon: &Arc<Daemon>,
    client: &Client,
    id: u64,
    method: &'static str,
    bytes: &[u8],
) -> Result<(JobId, PictureFormat), WireError> {
    let (bytes, client) = (bytes.to_vec(), client.clone());
    blocking(daemon, move |daemon| {
        let accepted = daemon.desk().accept(method, &bytes)?;
        let asked = Hash::of(&bytes);
        let submitted = enqueue(daemon, &client, &accepted, asked, Some(id))?;
        Ok((submitted.id, accepted.format))
    })
    .await
}

/// Puts a job into the queue. With `request` the connection hears of it, and
/// unless the job has a key, ends it when it ends itself.
///
/// # Errors
/// What the queue refuses.
pub fn enqueue(
    daemon: &Daemon,
    client: &Client,
    accepted: &Accepted,
    asked: Hash,
    request: Option<u64>,
) -> Result<framewright_jobs::Submitted, WireError> {
    let submission = Submission {
        method: accepted.method,
        client: &client.name,
        title: &accepted.title,
        priority: job_words::priority(accepted.priority),
        key: accepted.key.as_deref(),
        owner: request.map(|_| client.owner),
        asked,
        request: &accepted.request,
        blobs: &accepted.blobs,
    };
    let submitted = daemon
        .jobs
        .submit(submission, |job| {
            if request.is_some() {
                daemon.hub.watch(job, client, request);
            }
        })
        .map_err(|error| refused(&error))?;
    if request.is_some() && client.is_gone() {
        // It went while the job was on its way into the queue.
        daemon.jobs.cancel_owned_by(client.owner);
        daemon.hub.leave(client.owner);
    }
    Ok(submitted)
}

/// Waits for a job's end.
async fn end(daemon: &Arc<Daemon>, job: JobId) -> Result<(), WireError> {
    let wait = blocking(daemon, move |daemon| {
        daemon.jobs.wait(job).map_err(|error| refused(&error))
    })
    .await?;
    match wait {
        Wait::Ended => Ok(()),
        Wait::Later(end) => match end.await {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(job_words::error(failure)),
            Err(_) => Err(stopping()),
        },
    }
}

/// Waits for a job's end; gives the stored result.
///
/// # Errors
/// Why there is none.
pub async fn result(daemon: &Arc<Daemon>, job: JobId) -> Result<Vec<u8>, WireError> {
    end(daemon, job).await?;
    blocking(daemon, move |daemon| {
        let job = daemon.jobs.job(job).map_err(|error| refused(&error))?;
        match (job.result, job.failure) {
            (Some(result), _) => Ok(result),
            (None, Some(failure)) => Err(job_words::error(failure)),
            (None, None) => Err(job_words::cancelled()),
        }
    })
    .await
}

/// `job.submit`
pub async fn submit(
    daemon: &Arc<Daemon>,
    client: &Client,
    bytes: &[u8],
) -> Result<Submitted, WireError> {
    let (bytes, client) = (bytes.to_vec(), client.clone());
    blocking(daemon, move |daemon| {
        let params: SubmitParams = decoded::<JobSubmit>(&bytes)?;
        let inner = encode(&params.params)
            .map_err(|error| WireError::new(ErrorCode::InvalidParams, error.to_string()))?;
        let mut accepted = daemon.desk().accept(&params.method, &inner)?;
        if params.key.is_some() {
            accepted.key = checked_key(params.key)?;
        }
        if let Some(priority) = params.priority {
            accepted.priority = priority;
        }
        let submitted = enqueue(daemon, &client, &accepted, Hash::of(&bytes), None)?;
        Ok(answered(submitted))
    })
    .await
}

fn answered(submitted: framewright_jobs::Submitted) -> Submitted {
    Submitted {
        job: submitted.id.to_string(),
        state: job_words::state(submitted.state),
        existing: submitted.existing,
    }
}

/// `job.again`
pub fn once_more(
    daemon: &Daemon,
    client: &Client,
    params: JobParams,
) -> Result<Submitted, WireError> {
    let id = job_words::number(&params.job)?;
    let queue = |error| refused(&error);
    let job = daemon.jobs.job(id).map_err(queue)?;
    let submission = Submission {
        method: &job.summary.method,
        client: &client.name,
        title: &job.summary.title,
        priority: job.summary.priority,
        key: None,
        owner: None,
        asked: Hash::of(&job.request),
        request: &job.request,
        blobs: &daemon.desk().inputs(&job.summary.method, &job.request)?,
    };
    daemon
        .jobs
        .submit(submission, |_| {})
        .map(answered)
        .map_err(queue)
}

/// `job.wait`
pub async fn wait(daemon: &Arc<Daemon>, bytes: &[u8]) -> Result<WaitResult, WireError> {
    let params = decoded::<JobWait>(bytes)?;
    let id = job_words::number(&params.job)?;
    end(daemon, id).await?;
    blocking(daemon, move |daemon| {
        let job = daemon.jobs.job(id).map_err(|error| refused(&error))?;
        let blobs = daemon.jobs.blobs();
        let result = match &job.result {
            None => None,
            Some(result) if job.summary.method == FrameAgain::NAME => {
                let format = params.format.unwrap_or_default();
                Some(value(&request::again_result(blobs, result, format)?)?)
            }
            Some(result) if job.summary.method == FrameInpaint::NAME => {
                let asked: InpaintParams = decoded::<FrameInpaint>(&job.request)?;
                let format = params.format.or(asked.frame.format).unwrap_or_default();
                Some(value(&request::inpaint_result(blobs, result, format)?)?)
            }
            Some(result) => {
                let asked: GenerateParams = decoded::<FrameGenerate>(&job.request)?;
                let format = params.format.or(asked.format).unwrap_or_default();
                Some(value(&request::generate_result(blobs, result, format)?)?)
            }
        };
        let error = match (&result, job.failure) {
            (None, Some(failure)) => Some(job_words::error(failure)),
            (None, None) => Some(job_words::cancelled()),
            (Some(_), _) => None,
        };
        Ok(WaitResult {
            job: params.job,
            state: job_words::state(job.summary.state),
            result,
            error,
        })
    })
    .await
}

/// `job.cancel`
pub fn cancel(daemon: &Daemon, params: JobParams) -> Result<CancelResult, WireError> {
    let id = job_words::number(&params.job)?;
    let was_running = daemon
        .jobs
        .cancel(id)
        .map_err(|error| refused(&error).about(params.job))?;
    Ok(CancelResult { was_running })
}

/// `job.list`
pub fn list(daemon: &Daemon, params: JobListParams) -> Result<JobListResult, WireError> {
    let limit = params.limit.unwrap_or(100);
    if limit == 0 || limit > MOST_LISTED {
        let message = format!("must be from 1 to {MOST_LISTED}");
        return Err(WireError::new(ErrorCode::InvalidParams, message).about("limit"));
    }
    let states: Vec<JobState> = params.states.unwrap_or_default();
    let filter = Filter {
        states: states.into_iter().map(job_words::queue_state).collect(),
        before: params
            .before
            .map(|name| job_words::number(&name))
            .transpose()?,
        limit,
    };
    let (jobs, more) = daemon.jobs.list(&filter).map_err(|error| refused(&error))?;
    Ok(JobListResult {
        jobs: jobs.into_iter().map(job_words::summary).collect(),
        more,
    })
}

/// `job.show`
pub fn show(daemon: &Daemon, params: JobParams) -> Result<JobShowResult, WireError> {
    let id = job_words::number(&params.job)?;
    let job = daemon.jobs.job(id).map_err(|error| refused(&error))?;
    Ok(JobShowResult {
        summary: job_words::summary(job.summary),
        request: read_value(&job.request)?,
        result: job.result.as_deref().map(read_value).transpose()?,
        error: job.failure.map(job_words::error),
        last_seq: job.last_seq,
    })
}

/// `job.events`
pub fn events(daemon: &Daemon, params: JobEventsParams) -> Result<JobEventsResult, WireError> {
    let id = job_words::number(&params.job)?;
    let events = daemon
        .jobs
        .events(id, params.after.unwrap_or(0), MOST_EVENTS, |_, _| {})
        .map_err(|error| refused(&error))?;
    Ok(JobEventsResult {
        events: events.iter().map(told).collect::<Result<_, _>>()?,
    })
}

/// An event as a value, as it looks on the wire.
fn told(event: &Event) -> Result<Value, WireError> {
    let payload = job_words::event(event, None, false)
        .encode(0)
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))?;
    let mut value = read_value(&payload)?;
    if let Value::Map(entries) = &mut value {
        // Not one of this connection's events.
        entries.retain(|(key, _)| key.as_str() != Some("seq"));
    }
    Ok(value)
}

/// `job.watch`
pub fn watch(
    daemon: &Daemon,
    client: &Client,
    params: JobEventsParams,
) -> Result<WatchResult, WireError> {
    let id = job_words::number(&params.job)?;
    let mut state = JobState::Queued;
    daemon
        .jobs
        .events(
            id,
            params.after.unwrap_or(0),
            MOST_EVENTS,
            |events, found| {
                state = job_words::state(found);
                Hub::replay(client, events);
                if !state.is_end() {
                    daemon.hub.watch(id, client, None);
                }
            },
        )
        .map_err(|error| refused(&error))?;
    if client.is_gone() {
        daemon.hub.leave(client.owner);
    }
    Ok(WatchResult { state })
}

/// `job.prune`
pub fn prune(daemon: &Daemon, params: PruneParams) -> Result<PruneResult, WireError> {
    let older_than = match params.older_than_seconds {
        None => None,
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
            WireError::new(ErrorCode::InvalidParams, "must be 0 or more seconds")
                .about("older_than_seconds")
        })?),
    };
    if older_than.is_none() && params.keep.is_none() {
        return Err(WireError::new(
            ErrorCode::InvalidParams,
            "it is not said which jobs to forget",
        )
        .hint("give `older_than_seconds`, `keep` or both"));
    }
    let pruned = daemon
        .jobs
        .prune(older_than, params.keep)
        .map_err(|error| refused(&error))?;
    Ok(PruneResult {
        jobs: pruned.jobs,
        blobs: pruned.blobs,
        bytes: pruned.bytes,
    })
}

fn value(anything: &impl Serialize) -> Result<Value, WireError> {
    to_value(anything).map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))
}

fn read_value(mut bytes: &[u8]) -> Result<Value, WireError> {
    rmpv::decode::read_value(&mut bytes)
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))
}
