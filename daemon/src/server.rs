//! Listening, and stopping.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use framewright_jobs::{JobsError, Queue};
use framewright_library::Library;
use framewright_protocol::{Home, Limits};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::daemon::{Daemon, VERSION};
use crate::engine_thread::EngineThread;
use crate::hub::Hub;
use crate::renderer::{Reader, Renderer};
use crate::runtime_dir::Claim;
use crate::transport::Listener;
use crate::{answers, budget, connection};

/// How long connections get to read their last answers.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a user may set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A model that was not used for so long is unloaded.
    pub unload_after: Duration,
    /// Bytes of stored blobs.
    pub keep_bytes: u64,
    /// Ended jobs that are remembered.
    pub keep_jobs: u64,
}

/// Why the daemon cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket or the engine's thread cannot be had.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The stored jobs cannot be used.
    #[error(
        "the stored jobs cannot be used: {0}; update the daemon, or move the folder away to begin \
         without a history"
    )]
    Jobs(#[from] JobsError),
}

/// Serves `home` until a signal or a client ends it.
///
/// # Errors
/// See [`ServeError`].
pub async fn run(
    home: Home,
    library: Arc<Library>,
    settings: Settings,
    claim: Claim,
    reader: Arc<dyn Reader>,
    renderer: impl FnMut() -> Box<dyn Renderer> + Send + 'static,
) -> Result<(), ServeError> {
    let listener = Listener::bind(claim.socket()).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{}: {error}", claim.socket().display()),
        )
    })?;
    let hub = Arc::new(Hub::default());
    let ears = hub.clone();
    let jobs = Queue::open(
        &home.jobs(),
        framewright_jobs::Options {
            most_jobs: Limits::CURRENT.jobs,
            most_blob_bytes: Limits::CURRENT.blob_bytes,
            keep_bytes: settings.keep_bytes,
            keep_jobs: settings.keep_jobs,
        },
        Box::new(move |event| ears.tell(event)),
    )?;
    let daemon = Arc::new(Daemon::new(
        home,
        library,
        Arc::new(jobs),
        hub,
        reader.clone(),
    ));
    // It waits for the first look at the library; nobody else need.
    let tidying = daemon.clone();
    tokio::task::spawn_blocking(move || tidying.make_room());
    let engine = EngineThread {
        jobs: daemon.jobs.clone(),
        reader,
        library: daemon.library.clone(),
        model: daemon.model.clone(),
        unload_after: settings.unload_after,
        renderer,
        ended: {
            let daemon = daemon.clone();
            Box::new(move || daemon.make_room())
        },
    };
    std::thread::Builder::new()
        .name("framewrightd-engine".to_owned())
        .spawn(move || {
            budget::give_way();
            engine.run();
        })?;
    tracing::info!(
        version = VERSION,
        pid = std::process::id(),
        socket = %claim.socket().display(),
        "listening"
    );
    let mut connections = JoinSet::new();
    let stopping = {
        let daemon = daemon.clone();
        async move { daemon.stopped().await }
    };
    tokio::pin!(stopping);
    let mut signals = Signals::new()?;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    let (reader, writer) = tokio::io::split(stream);
                    connections.spawn(connection::serve(daemon.clone(), reader, writer));
                }
                Err(error) => {
                    // Out of file descriptors, as a rule: others may close some.
                    tracing::warn!("a connection could not be taken: {error}");
                    sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            signal = signals.next() => {
                tracing::info!(signal, "told to stop");
                let _ = answers::blocking(&daemon, |daemon| {
                    daemon.stop();
                    Ok(())
                })
                .await;
            }
            () = &mut stopping => break,
        }
    }
    // From here on nobody finds the socket; a new daemon may start when the
    // claim is given back.
    drop(listener);
    let farewell = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, farewell).await;
    drop(claim);
    Ok(())
}

/// The signals that end a daemon.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
