//! The framewrightd process: sockets, connections, the engine thread; the one place where all parts meet.

mod answers;
mod connection;
#[cfg(test)]
mod conversation;
mod daemon;
mod diffusion;
mod engine_thread;
mod logging;
mod order;
mod picture;
mod queue;
mod renderer;
mod runtime_dir;
mod server;
mod transport;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use framewright_protocol::Home;

use crate::runtime_dir::Claim;

/// The background process that makes frames. Clients start it by themselves.
#[derive(Parser)]
#[command(name = "framewrightd", version, about)]
struct Arguments {
    /// Keep models, socket and logs under this directory [default: FRAMEWRIGHT_HOME, else the
    /// system's usual places]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Leave the session of the process that started it
    #[arg(long)]
    detached: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            eprintln!("framewrightd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(unix)]
    {
        // Everything that this process makes is for its user alone.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        if arguments.detached {
            // Fails only where this process already leads a session of its own.
            let _ = rustix::process::setsid();
        }
    }
    let home = match &arguments.home {
        Some(home) => Home::under(&std::path::absolute(home)?)?,
        None => Home::from_environment()?,
    };
    let claim = match Claim::take(&home)? {
        Some(claim) => claim,
        None => {
            eprintln!(
                "framewrightd: already running; see {}",
                home.lock().display()
            );
            return Ok(());
        }
    };
    logging::begin(&home)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("framewrightd-io")
        .enable_all()
        .build()?;
    runtime.block_on(server::run(home, claim, Arc::new(diffusion::Files), || {
        Box::new(diffusion::Diffusion)
    }))?;
    // A step that is still being computed is not waited for.
    runtime.shutdown_background();
    tracing::info!("stopped");
    Ok(())
}
