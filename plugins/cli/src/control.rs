//! `framewright daemon …`

use std::process::ExitCode;
use std::time::{Duration, Instant};

use framewright_client::{ClientError, log_tail};
use framewright_protocol::{DaemonStop, Nothing, Status, StatusResult};
use serde_json::json;

use crate::failure::Failure;
use crate::{connect, connect_running, home, print_json, print_lines};

/// How long a daemon may take to go.
const FAREWELL: Duration = Duration::from_secs(15);

/// Starts the daemon, unless it runs.
///
/// # Errors
/// See [`Failure`].
pub async fn start(json: bool) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let status = client.call::<Status>(&Nothing {}).await?;
    tell(&status, json);
    Ok(ExitCode::SUCCESS)
}

/// Tells what the daemon is doing.
///
/// # Errors
/// When it does not run.
pub async fn status(json: bool) -> Result<ExitCode, Failure> {
    let client = connect_running().await?;
    let status = client.call::<Status>(&Nothing {}).await?;
    tell(&status, json);
    Ok(ExitCode::SUCCESS)
}

fn tell(status: &StatusResult, json: bool) {
    if json {
        print_json(&json!({
            "version": status.version,
            "pid": status.pid,
            "uptime_seconds": status.uptime_seconds,
            "running": status.running,
            "suspended": status.suspended,
            "waiting": status.waiting,
            "waiting_by_priority": {
                "interactive": status.waiting_by_priority.interactive,
                "batch": status.waiting_by_priority.batch,
                "training": status.waiting_by_priority.training,
            },
            "model": status.model,
            "model_idle_seconds": status.model_idle_seconds,
            "device": status.device,
            "memory_bytes": status.memory_bytes,
            "blob_bytes": status.blob_bytes,
            "connections": status.connections,
            "data": status.data,
            "log": status.log,
        }));
        return;
    }
    let memory = match status.memory_bytes {
        Some(bytes) => format!(", {} MB", bytes / 1_000_000),
        None => String::new(),
    };
    print_lines(&format!(
        "running    version {}, process {}{memory}, up {:.0} s",
        status.version, status.pid, status.uptime_seconds
    ));
    let suspended = match status.suspended.as_slice() {
        [] => String::new(),
        jobs => format!(", {} suspended", jobs.join(", ")),
    };
    print_lines(&format!(
        "job        {}{suspended}, {} waiting",
        status.running.as_deref().unwrap_or("none"),
        status.waiting
    ));
    let idle = match status.model_idle_seconds {
        Some(seconds) => format!(", idle for {seconds:.0} s"),
        None => String::new(),
    };
    print_lines(&format!(
        "model      {} on {}{idle}",
        status.model.as_deref().unwrap_or("none in memory"),
        status.device
    ));
    print_lines(&format!("history    {} MB", status.blob_bytes / 1_000_000));
    print_lines(&format!("data       {}", status.data));
    print_lines(&format!("log        {}", status.log));
}

/// Ends the daemon and waits until it has gone.
///
/// # Errors
/// See [`Failure`].
pub async fn stop(json: bool) -> Result<ExitCode, Failure> {
    let was_running = match connect_running().await {
        Err(ClientError::NotRunning) => false,
        Err(error) => return Err(error.into()),
        Ok(client) => {
            match client.call::<DaemonStop>(&Nothing {}).await {
                // It went faster than its answer did.
                Ok(_) | Err(ClientError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
            true
        }
    };
    let socket = home()?.socket();
    let began = Instant::now();
    while was_running && socket.exists() {
        if began.elapsed() > FAREWELL {
            return Err(Failure::new("the daemon does not end").about_file(&socket));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if json {
        print_json(&json!({"was_running": was_running}));
    } else if was_running {
        print_lines("stopped");
    } else {
        print_lines("it was not running");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the end of the log.
///
/// # Errors
/// When there is no log.
pub fn logs(lines: usize, path: bool, json: bool) -> Result<ExitCode, Failure> {
    let log = home()?.log();
    if path {
        if json {
            print_json(&json!({"log": log}));
        } else {
            print_lines(&log.display().to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let tail = log_tail(&log, 0, lines).map_err(|error| {
        Failure::new(format!("the log cannot be read: {error}"))
            .about_file(&log)
            .hint("there is one once the daemon has run")
    })?;
    if json {
        print_json(&json!({"log": log, "lines": tail.lines().collect::<Vec<_>>()}));
    } else {
        print_lines(&tail);
    }
    Ok(ExitCode::SUCCESS)
}
