//! Listening, and stopping.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use framewright_protocol::Home;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection;
use crate::daemon::{Daemon, VERSION};
use crate::engine_thread::{self, Jobs};
use crate::renderer::{Reader, Renderer};
use crate::runtime_dir::Claim;
use crate::transport::Listener;

/// How long connections get to read their last answers.
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves `home` until a signal or a client ends it.
///
/// # Errors
/// When the socket or the engine's thread cannot be had.
pub async fn run(
    home: Home,
    claim: Claim,
    reader: Arc<dyn Reader>,
    renderer: impl FnMut() -> Box<dyn Renderer> + Send + 'static,
) -> io::Result<()> {
    let listener = Listener::bind(claim.socket()).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{}: {error}", claim.socket().display()),
        )
    })?;
    let jobs = Arc::new(Jobs::new(
        framewright_protocol::Limits::CURRENT.jobs as usize,
    ));
    let daemon = Arc::new(Daemon::new(home, jobs.clone(), reader.clone()));
    let model = daemon.model.clone();
    std::thread::Builder::new()
        .name("framewrightd-engine".to_owned())
        .spawn(move || engine_thread::run(&jobs, reader.as_ref(), &model, renderer))?;
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
                daemon.stop();
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
