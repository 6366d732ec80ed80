//! Waiting for a job: a bar for people, Ctrl-C, the answer.

use std::io::IsTerminal;

use framewright_client::{Call, Client};
use framewright_protocol::{JobProgress, Known, Method};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// Waits for the answer, showing how far the job is when a person watches.
/// Ctrl-C cancels the job; the daemon goes on.
///
/// # Errors
/// The daemon's refusal, or the cancellation.
pub async fn wait<M: Method>(
    client: &Client,
    mut call: Call<M>,
    quiet: bool,
) -> Result<M::Result, Failure> {
    let bar = Bar::for_people(quiet);
    let mut job = None;
    loop {
        tokio::select! {
            event = call.event() => match event {
                Some(Known::Queued(queued)) => {
                    bar.waiting(queued.ahead);
                    job = Some(queued.job);
                }
                Some(Known::Started(started)) => bar.started(&started.model),
                Some(Known::Progress(progress)) => bar.progress(&progress),
                Some(Known::Suspended(_)) => bar.suspended(),
                Some(_) => {}
                None => break,
            },
            () = interrupted() => {
                bar.clear();
                // The job ends with this connection at the latest; asking makes
                // sure that it has ended when this command has.
                if let Some(job) = job {
                    let asked = async {
                        let _ = client.cancel(&job).await;
                        let _ = call.answer().await;
                    };
                    tokio::select! {
                        () = asked => {}
                        () = interrupted() => {}
                    }
                }
                return Err(Failure::cancelled());
            }
        }
    }
    bar.clear();
    Ok(call.answer().await?)
}

/// Waits for Ctrl-C, or for what a supervisor sends instead.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Does `work` unless Ctrl-C comes first: what was promised meanwhile is
/// taken back in order.
///
/// # Errors
/// Those of `work`, or the cancellation.
pub async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err(Failure::cancelled()),
    }
}

/// A progress bar for people.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that shows unless it is to be quiet, or nobody watches.
    pub fn for_people(quiet: bool) -> Self {
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar }
    }

    /// Other jobs are before this one.
    pub fn waiting(&self, ahead: u64) {
        if ahead > 0 {
            self.bar
                .set_message(format!("waiting for {ahead} other jobs"));
        }
    }

    /// The engine has begun.
    pub fn started(&self, model: &str) {
        self.bar.set_message(format!("reading model {model}"));
    }

    /// A more urgent job goes first.
    pub fn suspended(&self) {
        self.bar
            .set_message("waiting: something more urgent goes first");
    }

    /// A step is done.
    pub fn progress(&self, progress: &JobProgress) {
        if self.bar.length().is_none() {
            let template = "{bar:30} step {pos}/{len}, {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.disable_steady_tick();
        }
        self.bar.set_length(progress.steps.into());
        self.bar.set_message(remaining(progress));
        self.bar.set_position(progress.step.into());
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// "frame 2/4, 3 s left"
fn remaining(progress: &JobProgress) -> String {
    let mut text = String::new();
    if progress.candidates > 1 {
        text = format!("frame {}/{}, ", progress.candidate + 1, progress.candidates);
    }
    match progress.seconds_left {
        Some(seconds) if seconds >= 90.0 => {
            format!("{text}{:.0} min left", (seconds / 60.0).ceil())
        }
        Some(seconds) => format!("{text}{:.0} s left", seconds.ceil()),
        None => format!("{text}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_words() {
        let mut progress = JobProgress {
            job: String::new(),
            job_seq: 3,
            request: Some(1),
            candidate: 1,
            candidates: 4,
            step: 1,
            steps: 2,
            seconds_left: Some(2.3),
            preview: None,
        };
        assert_eq!(remaining(&progress), "frame 2/4, 3 s left");
        progress.candidates = 1;
        progress.seconds_left = Some(400.0);
        assert_eq!(remaining(&progress), "7 min left");
    }
}
