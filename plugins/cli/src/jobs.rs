//! `framewright job …`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use framewright_client::Client;
use framewright_protocol::{
    AgainResult, FrameAgain, FrameResult, GenerateResult, JobAgain, JobEventsParams, JobList,
    JobListParams, JobParams, JobPrune, JobShow, JobShowResult, JobState, JobSummary, JobWatch,
    Known, Method, PruneParams, Submitted, Value, WireError, from_value,
};
use serde_json::json;

use crate::arguments::JobCommand;
use crate::failure::Failure;
use crate::frame_file::{FrameFile, with_suffix};
use crate::progress::{Bar, interrupted};
use crate::{by_name, connect, print_json, print_lines};

/// Does what is asked about jobs.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: JobCommand, json: bool) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    match command {
        JobCommand::List { state, limit } => {
            let states = (!state.is_empty()).then(|| state.into_iter().map(Into::into).collect());
            list(&client, states, limit, json).await
        }
        JobCommand::Show { job, output } => show(&client, job, output, json).await,
        JobCommand::Wait { job } => wait(&client, job, json).await,
        JobCommand::Again { job } => {
            let submitted = client.call::<JobAgain>(&JobParams { job }).await?;
            told(&submitted, json);
            Ok(ExitCode::SUCCESS)
        }
        JobCommand::Cancel { job } => {
            let cancelled = client.cancel(&job).await?;
            if json {
                print_json(&json!({"job": job, "was_running": cancelled.was_running}));
            } else {
                print_lines("cancelled");
            }
            Ok(ExitCode::SUCCESS)
        }
        JobCommand::Prune { older_than, keep } => prune(&client, older_than, keep, json).await,
    }
}

async fn list(
    client: &Client,
    states: Option<Vec<JobState>>,
    limit: u64,
    json: bool,
) -> Result<ExitCode, Failure> {
    let params = JobListParams {
        states,
        limit: Some(limit),
        before: None,
    };
    let list = client.call::<JobList>(&params).await?;
    if json {
        let jobs: Vec<_> = list.jobs.iter().map(summary_json).collect();
        print_json(&json!({"jobs": jobs, "more": list.more}));
        return Ok(ExitCode::SUCCESS);
    }
    if list.jobs.is_empty() {
        print_lines("no jobs");
    }
    for job in &list.jobs {
        print_lines(&format!(
            "{:>6}  {:<9}  {:<11}  {:>10}  {}",
            job.job,
            state(job.state),
            priority(job),
            age(job.ended.or(job.started).unwrap_or(job.created)),
            job.title
        ));
    }
    if list.more {
        print_lines(&format!("        … older ones: -n {}", limit * 10));
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(
    client: &Client,
    job: String,
    output: Option<PathBuf>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let shown = client.call::<JobShow>(&JobParams { job }).await?;
    let frames = frames(&shown)?;
    let mut written = Vec::new();
    if let Some(output) = output {
        if frames.is_empty() {
            return Err(
                Failure::refused("the job has no frames to write").about(format!(
                    "job {}, {}",
                    shown.summary.job,
                    state(shown.summary.state)
                )),
            );
        }
        for (number, frame) in (0_u32..).zip(&frames) {
            let path = if frames.len() == 1 {
                output.clone()
            } else {
                with_suffix(&output, number)
            };
            let file = FrameFile::promise(&path)?;
            let hash = frame.picture.blob.as_deref().unwrap_or_default();
            written.push(file.write(&client.get_blob(hash).await?)?);
        }
    }
    if json {
        print_json(&json!({
            "summary": summary_json(&shown.summary),
            "request": by_name::to_json(shown.request),
            "result": shown.result.map(by_name::to_json),
            "error": shown.error.as_ref().map(error_json),
            "last_seq": shown.last_seq,
            "written": written,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let summary = &shown.summary;
    print_lines(&format!(
        "job        {}, {}",
        summary.job,
        state(summary.state)
    ));
    print_lines(&format!(
        "method     {}, {}",
        summary.method,
        priority(summary)
    ));
    print_lines(&format!("client     {}", summary.client));
    print_lines(&format!("taken      {}", age(summary.created)));
    if let (Some(started), Some(ended)) = (summary.started, summary.ended) {
        print_lines(&format!(
            "ended      {}, after {:.1} s",
            age(ended),
            ended - started
        ));
    }
    if let Value::Map(entries) = &shown.request {
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_nil()) {
            let value = by_name::to_json(value.clone());
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            print_lines(&format!("  {} {value}", key.as_str().unwrap_or_default()));
        }
    }
    for frame in &frames {
        let blob = frame.picture.blob.as_deref().unwrap_or_default();
        print_lines(&format!(
            "frame      seed {}, {}x{}, {blob}",
            frame.seed, frame.picture.width, frame.picture.height
        ));
    }
    if let Some(error) = &shown.error {
        print_lines(&format!("error      {error}"));
        if let Some(hint) = &error.hint {
            print_lines(&format!("hint       {hint}"));
        }
    }
    for path in written {
        print_lines(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// The frames that a job made.
fn frames(shown: &JobShowResult) -> Result<Vec<FrameResult>, Failure> {
    let Some(result) = &shown.result else {
        return Ok(Vec::new());
    };
    let made = if shown.summary.method == FrameAgain::NAME {
        from_value(result).map(|made: AgainResult| vec![made.frame])
    } else {
        from_value(result).map(|made: GenerateResult| made.frames)
    };
    made.map_err(|error| {
        Failure::new(format!("the job's result cannot be read: {error}"))
            .hint("update this program, so that it is as new as the daemon")
    })
}

async fn wait(client: &Client, job: String, json: bool) -> Result<ExitCode, Failure> {
    let mut events = client.events();
    let params = JobEventsParams {
        job: job.clone(),
        after: None,
    };
    let watched = client.call::<JobWatch>(&params).await?;
    let bar = Bar::for_people(json);
    let mut state = watched.state;
    while !state.is_end() {
        tokio::select! {
            event = events.recv() => match event {
                Some(Known::Queued(queued)) => bar.waiting(queued.ahead),
                Some(Known::Started(started)) => bar.started(&started.model),
                Some(Known::Progress(progress)) => bar.progress(&progress),
                Some(Known::Suspended(_)) => bar.suspended(),
                Some(Known::Ended(ended)) => state = ended.state,
                Some(_) => {}
                None => return Err(framewright_client::ClientError::Lost.into()),
            },
            () = interrupted() => {
                bar.clear();
                return Err(Failure::cancelled().about(format!("job {job} goes on")));
            }
        }
    }
    bar.clear();
    let shown = client.call::<JobShow>(&JobParams { job }).await?;
    if json {
        print_json(&summary_json(&shown.summary));
    } else {
        print_lines(self::state(state));
    }
    match shown.error {
        Some(error) => Err(error.into()),
        None if state == JobState::Cancelled => Err(Failure::cancelled()),
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn prune(
    client: &Client,
    older_than: Option<f64>,
    keep: Option<u64>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let params = PruneParams {
        older_than_seconds: older_than.map(|days| days * 86_400.0),
        keep,
    };
    let pruned = client.call::<JobPrune>(&params).await?;
    if json {
        print_json(&json!({
            "jobs": pruned.jobs, "blobs": pruned.blobs, "bytes": pruned.bytes,
        }));
    } else {
        print_lines(&format!(
            "forgot {} jobs, removed {} pictures ({:.1} MB)",
            pruned.jobs,
            pruned.blobs,
            pruned.bytes as f64 / 1e6
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(submitted: &Submitted, json: bool) {
    if json {
        print_json(&json!({
            "job": submitted.job,
            "state": state(submitted.state),
            "existing": submitted.existing,
        }));
    } else {
        print_lines(&format!(
            "job {}; framewright job wait {0}, then: framewright job show {0} -o FILE",
            submitted.job
        ));
    }
}

fn summary_json(job: &JobSummary) -> serde_json::Value {
    json!({
        "job": job.job,
        "method": job.method,
        "client": job.client,
        "title": job.title,
        "priority": priority(job),
        "state": state(job.state),
        "key": job.key,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
    })
}

fn error_json(error: &WireError) -> serde_json::Value {
    json!({
        "code": error.code.as_str(),
        "message": error.message,
        "about": error.about,
        "hint": error.hint,
    })
}

fn state(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn priority(job: &JobSummary) -> &'static str {
    match job.priority {
        framewright_protocol::Priority::Interactive => "interactive",
        framewright_protocol::Priority::Batch => "batch",
        framewright_protocol::Priority::Training => "training",
    }
}

/// "3 min ago"
fn age(at: f64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(at, |now| now.as_secs_f64());
    let seconds = (now - at).max(0.0);
    match seconds {
        ..90.0 => format!("{seconds:.0} s ago"),
        ..5_400.0 => format!("{:.0} min ago", seconds / 60.0),
        ..129_600.0 => format!("{:.0} h ago", seconds / 3_600.0),
        _ => format!("{:.0} d ago", seconds / 86_400.0),
    }
}
