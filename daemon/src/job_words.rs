//! The queue's words in the protocol's.

use framewright_jobs::{Event, Failure, Happened, JobId, JobsError, State, Summary};
use framewright_protocol::{
    ErrorCode, JobEnded, JobProgress, JobQueued, JobResumed, JobStarted, JobState, JobSummary,
    JobSuspended, Known, Picture, PictureFormat, Priority, WireError,
};
use serde_bytes::ByteBuf;

/// The refusal for what the queue refuses.
pub fn refused(error: &JobsError) -> WireError {
    let (code, hint) = match error {
        JobsError::Busy { .. } => (
            ErrorCode::Busy,
            "ask again when some are done, or cancel some",
        ),
        JobsError::Stopping => return stopping(),
        JobsError::Unknown(_) => (
            ErrorCode::NotFound,
            "`job list` tells the jobs that are remembered",
        ),
        JobsError::Ended(_) => (ErrorCode::NotFound, "there is nothing left to cancel"),
        JobsError::KeyUsed { .. } => (ErrorCode::Conflict, "take a new key for a new request"),
        JobsError::NoBlob(_) => (
            ErrorCode::NotFound,
            "it was never stored, or went to make room: send it again, or make it again",
        ),
        JobsError::Damaged(_) => (
            ErrorCode::Storage,
            "the file was changed or the disk fails: make it again",
        ),
        JobsError::Upload(_) => (ErrorCode::InvalidParams, "begin the upload anew"),
        JobsError::BlobTooLarge { .. } => (ErrorCode::TooLarge, "send something smaller"),
        error if error.is_storage() => (
            ErrorCode::Storage,
            "make room on the disk, or let this user write there, and ask again",
        ),
        _ => (ErrorCode::Internal, "the daemon's log may say more"),
    };
    WireError::new(code, error.to_string()).hint(hint)
}

/// The refusal of a daemon that ends.
pub fn stopping() -> WireError {
    WireError::new(ErrorCode::Stopping, "the daemon is stopping")
        .hint("ask again: a new one starts by itself")
}

/// The refusal of a job that was cancelled.
pub fn cancelled() -> WireError {
    WireError::new(ErrorCode::Cancelled, "the job was cancelled")
}

/// A refusal as the queue stores it.
pub fn failure(error: WireError) -> Failure {
    Failure {
        code: error.code.to_string(),
        message: error.message,
        about: error.about,
        hint: error.hint,
    }
}

/// A stored failure as a refusal.
pub fn error(failure: Failure) -> WireError {
    WireError {
        code: ErrorCode::from(failure.code),
        message: failure.message,
        about: failure.about,
        hint: failure.hint,
    }
}

/// The queue's priority.
pub fn priority(priority: Priority) -> framewright_jobs::Priority {
    match priority {
        Priority::Interactive => framewright_jobs::Priority::Interactive,
        Priority::Batch => framewright_jobs::Priority::Batch,
        Priority::Training => framewright_jobs::Priority::Training,
    }
}

/// The wire's state.
pub fn state(state: State) -> JobState {
    match state {
        State::Queued => JobState::Queued,
        State::Running => JobState::Running,
        State::Done => JobState::Done,
        State::Failed => JobState::Failed,
        State::Cancelled => JobState::Cancelled,
    }
}

/// The queue's state.
pub fn queue_state(state: JobState) -> State {
    match state {
        JobState::Queued => State::Queued,
        JobState::Running => State::Running,
        JobState::Done => State::Done,
        JobState::Failed => State::Failed,
        JobState::Cancelled => State::Cancelled,
    }
}

/// A job in a list.
pub fn summary(summary: Summary) -> JobSummary {
    JobSummary {
        job: summary.id.to_string(),
        method: summary.method,
        client: summary.client,
        title: summary.title,
        priority: match summary.priority {
            framewright_jobs::Priority::Interactive => Priority::Interactive,
            framewright_jobs::Priority::Batch => Priority::Batch,
            framewright_jobs::Priority::Training => Priority::Training,
        },
        state: state(summary.state),
        key: summary.key,
        created: summary.created,
        started: summary.started,
        ended: summary.ended,
    }
}

/// The number of the job of that name.
///
/// # Errors
/// `not_found`.
pub fn number(name: &str) -> Result<JobId, WireError> {
    name.parse()
        .map_err(|error| refused(&error).about(name.chars().take(100).collect::<String>()))
}

/// An event for a connection; `request` is its request that made the job.
pub fn event(event: &Event, request: Option<u64>, previews: bool) -> Known {
    let (job, job_seq) = (event.job.to_string(), event.seq);
    match &event.happened {
        Happened::Queued { ahead } => Known::Queued(JobQueued {
            job,
            job_seq,
            request,
            ahead: *ahead,
        }),
        Happened::Started { model } => Known::Started(JobStarted {
            job,
            job_seq,
            request,
            model: model.clone(),
        }),
        Happened::Progress(progress) => Known::Progress(JobProgress {
            job,
            job_seq,
            request,
            candidate: progress.candidate,
            candidates: progress.candidates,
            step: progress.step,
            steps: progress.steps,
            seconds_left: progress.seconds_left,
            preview: progress
                .preview
                .as_ref()
                .filter(|_| previews)
                .map(|preview| Picture {
                    format: PictureFormat::Rgba8,
                    width: preview.width,
                    height: preview.height,
                    data: ByteBuf::from(preview.rgba.clone()),
                    blob: None,
                }),
        }),
        Happened::Suspended { by } => Known::Suspended(JobSuspended {
            job,
            job_seq,
            request,
            by: by.clone(),
        }),
        Happened::Resumed {} => Known::Resumed(JobResumed {
            job,
            job_seq,
            request,
        }),
        Happened::Ended { state, failure } => Known::Ended(JobEnded {
            job,
            job_seq,
            request,
            state: self::state(*state),
            error: failure.clone().map(error),
        }),
    }
}
