//! The framewrightd process: sockets, connections, the engine thread; the one place where all parts meet.

mod answers;
mod blob_answers;
mod board_answers;
mod board_drawing;
mod board_planning;
mod board_words;
mod budget;
mod cast;
mod checkpoint;
mod connection;
#[cfg(test)]
mod conversation;
mod daemon;
mod diffusion;
mod engine_thread;
mod files;
mod hub;
mod inpainting;
mod job_answers;
mod job_words;
mod library_answers;
mod library_words;
mod logging;
mod mask_answers;
mod order;
mod picture;
mod planner_answers;
mod prompt_answers;
mod renderer;
mod request;
mod runtime_dir;
mod scene_answers;
mod segmentation;
mod server;
mod shipped;
mod transport;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use framewright_engine::device::Device;
use framewright_library::Library;
use framewright_protocol::Home;

use crate::diffusion::{Diffusion, LastLoad};
use crate::files::Files;
use crate::renderer::Renderer;
use crate::runtime_dir::Claim;
use crate::segmentation::Segmentation;
use crate::server::Settings;

/// How often it is looked whether a segmenter was left alone, at most and at
/// least.
const LEAST_IDLE: Duration = Duration::from_secs(1);
const MOST_IDLE: Duration = Duration::from_secs(60);

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
    /// Unload a model that was not used for so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        env = "FRAMEWRIGHT_UNLOAD_AFTER",
        default_value_t = 600
    )]
    unload_after: u64,
    /// Keep at most so many MB of pictures for the job history
    #[arg(
        long,
        value_name = "MB",
        env = "FRAMEWRIGHT_KEEP_MB",
        default_value_t = 8_192
    )]
    keep_mb: u64,
    /// Remember at most so many ended jobs
    #[arg(
        long,
        value_name = "N",
        env = "FRAMEWRIGHT_KEEP_JOBS",
        default_value_t = 10_000
    )]
    keep_jobs: u64,
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
    // Its threads inherit the lower priority of the one that makes them.
    let device = std::thread::spawn(move || {
        budget::give_way();
        Device::cpu(Some(threads))
    });
    let device = device
        .join()
        .map_err(|_| "the engine's threads could not be started")??;
    let last_load = LastLoad::default();
    let library = Arc::new(match shipped::unpack(&home.data.join("cache")) {
        Ok(shipped) => Library::open_with_shipped(&home.data, &shipped),
        Err(error) => {
            tracing::warn!("the library does without what ships: {error}");
            Library::open(&home.data)
        }
    });
    let hashes = checkpoint::hashes(&library);
    let segmenters = home.data.join("segmenters");
    let segmentation = Arc::new(Segmentation::new(device.clone(), segmenters));
    let reader = Arc::new(Files::new(
        device.name().to_owned(),
        last_load.clone(),
        hashes.clone(),
        segmentation.clone(),
    ));
    let settings = Settings {
        unload_after: Duration::from_secs(arguments.unload_after),
        keep_bytes: arguments.keep_mb.saturating_mul(1_000_000),
        keep_jobs: arguments.keep_jobs,
    };
    let renderer = move || -> Box<dyn Renderer> {
        Box::new(Diffusion::new(
            device.clone(),
            last_load.clone(),
            hashes.clone(),
        ))
    };
    let idle = settings.unload_after;
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(idle.clamp(LEAST_IDLE, MOST_IDLE)).await;
            segmentation.unload_after(idle);
        }
    });
    let serving = server::run(home, library, settings, claim, reader, renderer);
    runtime.block_on(serving)?;
    // A step that is still being computed is not waited for.
    runtime.shutdown_background();
    tracing::info!("stopped");
    Ok(())
}
