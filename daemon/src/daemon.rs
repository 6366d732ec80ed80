//! What every connection shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use framewright_library::Models;
use framewright_protocol::{Home, StatusResult};
use tokio::sync::watch;

use crate::engine_thread::{Jobs, ModelInMemory};
use crate::renderer::Reader;

/// The daemon's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The parts of a running daemon.
pub struct Daemon {
    /// Its directories.
    pub home: Home,
    /// Its models.
    pub models: Models,
    /// The jobs.
    pub jobs: Arc<Jobs>,
    /// Reads files and prompts.
    pub reader: Arc<dyn Reader>,
    /// The model that the engine holds.
    pub model: ModelInMemory,
    began: Instant,
    open: AtomicU64,
    stop: watch::Sender<bool>,
}

impl Daemon {
    /// A daemon without jobs.
    pub fn new(home: Home, jobs: Arc<Jobs>, reader: Arc<dyn Reader>) -> Self {
        Self {
            models: Models::new(home.models()),
            home,
            jobs,
            reader,
            model: ModelInMemory::default(),
            began: Instant::now(),
            open: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Ends every job and lets the daemon go.
    pub fn stop(&self) {
        self.jobs.stop();
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

    /// What `status` tells.
    pub fn status(&self) -> StatusResult {
        let (running, waiting) = self.jobs.standing();
        let model = self
            .model
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        StatusResult {
            version: VERSION.to_owned(),
            pid: std::process::id(),
            uptime_seconds: self.began.elapsed().as_secs_f64(),
            running,
            waiting,
            model,
            device: self.reader.device(),
            memory_bytes: resident_memory(),
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
