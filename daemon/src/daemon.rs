//! What every connection shares.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use framewright_jobs::Queue;
use framewright_library::Library;
use framewright_protocol::{Home, StatusResult, WaitingJobs};
use tokio::sync::watch;

use crate::board_drawing::Drawings;
use crate::engine_thread::ModelInMemory;
use crate::hub::Hub;
use crate::renderer::Reader;
use crate::request::Desk;

/// The daemon's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The parts of a running daemon.
pub struct Daemon {
    /// Its directories.
    pub home: Home,
    /// What lies on disk; watched.
    pub library: Arc<Library>,
    /// The jobs.
    pub jobs: Arc<Queue>,
    /// Who hears of what.
    pub hub: Arc<Hub>,
    /// Reads files and prompts.
    pub reader: Arc<dyn Reader>,
    /// The boards that are being drawn.
    pub drawings: Arc<Drawings>,
    /// The model that the engine holds.
    pub model: ModelInMemory,
    began: Instant,
    open: AtomicU64,
    stop: watch::Sender<bool>,
}

impl Daemon {
    /// A daemon of these parts.
    pub fn new(
        home: Home,
        library: Arc<Library>,
        jobs: Arc<Queue>,
        hub: Arc<Hub>,
        reader: Arc<dyn Reader>,
    ) -> Self {
        let ears = hub.clone();
        library.on_change(move |change| ears.tell_library(change));
        Self {
            library,
            home,
            jobs,
            hub,
            reader,
            drawings: Arc::default(),
            model: ModelInMemory::default(),
            began: Instant::now(),
            open: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// What checking a request needs.
    pub fn desk(&self) -> Desk<'_> {
        Desk {
            library: &self.library,
            reader: self.reader.as_ref(),
            blobs: self.jobs.blobs(),
        }
    }

    /// Removes blobs where all of them together take too much room.
    pub fn make_room(&self) {
        if !self.jobs.wants_room() {
            return;
        }
        match self.jobs.make_room() {
            Ok(pruned) if pruned.blobs > 0 => tracing::info!(
                blobs = pruned.blobs,
                bytes = pruned.bytes,
                "removed the longest unused blobs"
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!("no room could be made: {error}"),
        }
    }

    /// Takes no more work and lets the daemon go.
    pub fn stop(&self) {
        self.jobs.stop();
        self.let_go();
    }

    /// Ends every connection and the daemon.
    pub fn let_go(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for [`Daemon::stop`].
    pub async fn stopped(&self) {
        // Fails only when the sender is gone, and this owns it.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Counts a connection until the guard is dropped; gives their number too.
    pub fn enter(self: &Arc<Self>) -> (Guest, u64) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        (Guest(self.clone()), open)
    }

    /// What `status` tells. It waits for the database, but not for long.
    pub fn status(&self) -> StatusResult {
        let standing = self.jobs.standing();
        let mut begun = standing.begun.iter().map(ToString::to_string);
        let loaded = self
            .model
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let [interactive, batch, training] = standing.waiting;
        let running = begun.next();
        StatusResult {
            version: VERSION.to_owned(),
            pid: std::process::id(),
            uptime_seconds: self.began.elapsed().as_secs_f64(),
            model_idle_seconds: loaded
                .as_ref()
                .filter(|_| running.is_none())
                .map(|loaded| loaded.used.elapsed().as_secs_f64()),
            running,
            suspended: begun.collect(),
            waiting: standing.waiting.iter().sum(),
            waiting_by_priority: WaitingJobs {
                interactive,
                batch,
                training,
            },
            model: loaded.map(|loaded| loaded.model),
            device: self.reader.device(),
            memory_bytes: resident_memory(),
            blob_bytes: self.jobs.blobs().bytes(),
            connections: self.open.load(Ordering::Relaxed),
            data: self.home.data.display().to_string(),
            log: self.home.log().display().to_string(),
        }
    }
}

/// An open connection.
pub struct Guest(Arc<Daemon>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Resident memory of this process, bytes, where the system tells it in `/proc`.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
