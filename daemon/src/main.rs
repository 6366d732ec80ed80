//! The framewrightd process: sockets, connections, the engine thread; the one place where all parts meet.

mod answers;
mod budget;
mod checkpoint;
mod connection;
#[cfg(test)]
mod conversation;
mod daemon;
mod diffusion;
mod engine_thread;
mod files;
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
use framewright_engine::device::Device;
use framewright_protocol::Home;

use crate::diffusion::{Diffusion, LastLoad};
use crate::files::Files;
use crate::runtime_dir::Claim;

/// What `--help` ends with.
const ENVIRONMENT: &str = "\
Environment:
  FRAMEWRIGHT_HOME     as --home
  FRAMEWRIGHT_THREADS  how many threads compute; all cores when it is not set
  FRAMEWRIGHT_LOG      what goes to the log, such as `debug` or `framewrightd=trace`";

/// The background process that makes frames. Clients start it by themselves.
#[derive(Parser)]
#[command(name = "framewrightd", version, after_help = ENVIRONMENT)]
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
    let threads = budget::threads();
    budget::hold(threads);
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
    let device = Device::cpu(Some(threads))?;
    let last_load = LastLoad::default();
    let reader = Arc::new(Files::new(device.name().to_owned(), last_load.clone()));
    runtime.block_on(server::run(home, claim, reader, move || {
        Box::new(Diffusion::new(device.clone(), last_load.clone()))
    }))?;
    // A step that is still being computed is not waited for.
    runtime.shutdown_background();
    tracing::info!("stopped");
    Ok(())
}
