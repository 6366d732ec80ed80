//! One connection, shared by any number of calls at once.

use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use framewright_protocol::{
    CancelResult, Hello, HelloParams, HelloResult, Home, JobCancel, JobParams, Known, Message,
    Method, PROTOCOL_LEVEL, Request, WireError, decode_fields, encode, read_frame, write_frame,
};
use interprocess::local_socket::GenericFilePath;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::tokio::prelude::*;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, BufWriter};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::ClientError;
use crate::start::{BREAKER, Starting, find_daemon};

/// How to reach the daemon.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The client's name and version, for the daemon's log.
    pub client: String,
    /// The directory under which the daemon keeps everything; what the
    /// environment says when `None` (see [`Home`]).
    pub home: Option<PathBuf>,
    /// The daemon's program; looked for by [`find_daemon`] when `None`.
    pub program: Option<PathBuf>,
    /// Whether to start a daemon when none runs.
    pub start: bool,
    /// How long a daemon that was started may take until it answers.
    pub patience: Duration,
}

impl ConnectOptions {
    /// Starts a daemon when none runs, and waits 15 seconds for it.
    pub fn new(client: impl Into<String>) -> Self {
        Self {
            client: client.into(),
            home: None,
            program: None,
            start: true,
            patience: Duration::from_secs(15),
        }
    }
}

/// What comes back for a request.
enum Incoming {
    Event(Known),
    Answer(Result<Vec<u8>, WireError>),
}

/// Where what comes back goes.
#[derive(Default)]
struct Routes {
    /// By the request's id.
    pending: HashMap<u64, mpsc::UnboundedSender<Incoming>>,
    /// Events that belong to no request of this connection.
    watching: Option<mpsc::UnboundedSender<Known>>,
}

type Pending = Arc<Mutex<Routes>>;

fn lock(pending: &Pending) -> MutexGuard<'_, Routes> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection to the daemon. When it is dropped, the daemon cancels the jobs
/// that it waited for and that have no key.
pub struct Client {
    outgoing: mpsc::Sender<Vec<u8>>,
    pending: Pending,
    next: AtomicU64,
    hello: HelloResult,
    reading: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Event(_) => "Event",
            Self::Answer(_) => "Answer",
        })
    }
}

impl Client {
    /// Connects to the daemon of the home that the options name.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ClientError> {
        let home = match &options.home {
            Some(directory) => Home::under(directory)?,
            None => Home::from_environment()?,
        };
        let mut attempts = 5;
        loop {
            let stream = match open(&home.socket()).await? {
                Some(stream) => stream,
                None if options.start => start(&home, options).await?,
                None => return Err(ClientError::NotRunning),
            };
            let (reader, writer) = tokio::io::split(stream);
            match Self::greet(reader, writer, &options.client).await {
                // It was on its way out: the next one is another.
                Err(ClientError::Lost) if attempts > 1 => {
                    attempts -= 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                greeted => return greeted,
            }
        }
    }

    /// Says hello over a connection that is open already.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn greet(
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
        name: &str,
    ) -> Result<Self, ClientError> {
        let pending = Pending::default();
        let (outgoing, queued) = mpsc::channel(16);
        tokio::spawn(write_all(queued, writer));
        let reading = tokio::spawn(read_all(reader, pending.clone()));
        let mut connection = Self {
            outgoing,
            pending,
            next: AtomicU64::new(1),
            hello: HelloResult {
                protocol: 0,
                oldest: 0,
                version: String::new(),
                limits: framewright_protocol::Limits::CURRENT,
                capabilities: Vec::new(),
            },
            reading,
        };
        let params = HelloParams {
            client: name.to_owned(),
            protocol: PROTOCOL_LEVEL,
        };
        connection.hello = connection.call::<Hello>(&params).await?;
        if connection.hello.protocol < PROTOCOL_LEVEL || connection.hello.oldest > PROTOCOL_LEVEL {
            return Err(ClientError::Level {
                version: connection.hello.version.clone(),
            });
        }
        Ok(connection)
    }

    /// What the daemon said about itself.
    pub fn hello(&self) -> &HelloResult {
        &self.hello
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        self.start::<M>(params).await?.answer().await
    }

    /// Makes a call whose events are of interest.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn start<M: Method>(&self, params: &M::Params) -> Result<Call<M>, ClientError> {
        let incoming = self.send(M::NAME, params).await?;
        Ok(Call {
            incoming,
            answer: None,
            method: PhantomData,
        })
    }

    /// Makes a call by its name; gives the result's MessagePack bytes.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call_by_name(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<Vec<u8>, ClientError> {
        let mut incoming = self.send(method, params).await?;
        loop {
            match incoming.recv().await {
                Some(Incoming::Event(_)) => {}
                Some(Incoming::Answer(answer)) => return answer.map_err(ClientError::Refused),
                None => return Err(ClientError::Lost),
            }
        }
    }

    /// The events that belong to no request of this connection: what `job.watch`
    /// and `events.subscribe` bring. Ask for them before those calls. They end
    /// with the connection; a later call of this takes them over.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Known> {
        let (sender, events) = mpsc::unbounded_channel();
        lock(&self.pending).watching = Some(sender);
        events
    }

    /// Whether the connection has ended.
    pub fn is_lost(&self) -> bool {
        self.reading.is_finished()
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// See [`ClientError`]; the daemon refuses with `not_found` when the job has
    /// ended.
    pub async fn cancel(&self, job: &str) -> Result<CancelResult, ClientError> {
        self.call::<JobCancel>(&JobParams {
            job: job.to_owned(),
        })
        .await
    }

    async fn send(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<mpsc::UnboundedReceiver<Incoming>, ClientError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let payload = encode(&Request { id, method, params })?;
        let (sender, incoming) = mpsc::unbounded_channel();
        lock(&self.pending).pending.insert(id, sender);
        if self.reading.is_finished() || self.outgoing.send(payload).await.is_err() {
            lock(&self.pending).pending.remove(&id);
            return Err(ClientError::Lost);
        }
        Ok(incoming)
    }
}

/// A call that was made and is not answered yet.
#[derive(Debug)]
pub struct Call<M> {
    incoming: mpsc::UnboundedReceiver<Incoming>,
    answer: Option<Result<Vec<u8>, WireError>>,
    method: PhantomData<fn() -> M>,
}

impl<M: Method> Call<M> {
    /// The next event; `None` when the answer has come, or the connection is lost.
    /// Nothing is lost when the future is dropped.
    pub async fn event(&mut self) -> Option<Known> {
        if self.answer.is_some() {
            return None;
        }
        match self.incoming.recv().await? {
            Incoming::Event(event) => Some(event),
            Incoming::Answer(answer) => {
                self.answer = Some(answer);
                None
            }
        }
    }

    /// The answer; events that were not taken are dropped.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn answer(mut self) -> Result<M::Result, ClientError> {
        while self.event().await.is_some() {}
        match self.answer {
            Some(Ok(bytes)) => decode_fields(&bytes).map_err(ClientError::Answer),
            Some(Err(error)) => Err(ClientError::Refused(error)),
            None => Err(ClientError::Lost),
        }
    }
}

/// Opens the socket; `None` when nobody listens there.
async fn open(socket: &Path) -> Result<Option<Stream>, ClientError> {
    let connect = |source: io::Error| ClientError::Connect {
        path: socket.to_owned(),
        source,
    };
    let name = socket.to_fs_name::<GenericFilePath>().map_err(connect)?;
    match Stream::connect(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(connect(error)),
    }
}

async fn start(home: &Home, options: &ConnectOptions) -> Result<Stream, ClientError> {
    let patience = options.patience;
    BREAKER.check()?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => find_daemon()?,
    };
    let mut starting = Starting::begin(&program, home, options.home.as_deref())?;
    let began = Instant::now();
    loop {
        if let Some(stream) = open(&home.socket()).await? {
            starting.release();
            return Ok(stream);
        }
        let failed = if began.elapsed() > patience {
            let reason = format!("it does not answer after {} seconds", patience.as_secs());
            Err(starting.failure(reason))
        } else {
            starting.check()
        };
        if failed.is_err() {
            BREAKER.failed();
            failed?;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn write_all(mut queued: mpsc::Receiver<Vec<u8>>, writer: impl AsyncWrite + Unpin) {
    let mut writer = BufWriter::new(writer);
    while let Some(payload) = queued.recv().await {
        if write_frame(&mut writer, &payload).await.is_err() {
            return;
        }
    }
}

async fn read_all(reader: impl AsyncRead + Unpin, pending: Pending) {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    while let Ok(Some(payload)) = read_frame(&mut reader).await {
        let Ok(message) = Message::parse(&payload) else {
            break;
        };
        match message {
            Message::Event { event, fields, .. } => {
                if let Ok(Some(event)) = Known::decode(event, fields) {
                    let routes = lock(&pending);
                    match event.request() {
                        Some(request) => {
                            if let Some(sender) = routes.pending.get(&request) {
                                let _ = sender.send(Incoming::Event(event));
                            }
                        }
                        None => {
                            if let Some(sender) = &routes.watching {
                                let _ = sender.send(event);
                            }
                        }
                    }
                }
            }
            Message::Result { id, result } => settle(&pending, id, Ok(result.to_owned())),
            Message::Error {
                id: Some(id),
                error,
            } => settle(&pending, id, Err(error)),
            Message::Error { id: None, error } => {
                // It is not said which request: the daemon gives up on all.
                for (_, sender) in lock(&pending).pending.drain() {
                    let _ = sender.send(Incoming::Answer(Err(error.clone())));
                }
            }
            Message::Request { .. } => {}
        }
    }
    // Nothing more will come: whoever waits learns it by its closed channel.
    *lock(&pending) = Routes::default();
}

fn settle(pending: &Pending, id: u64, answer: Result<Vec<u8>, WireError>) {
    if let Some(sender) = lock(pending).pending.remove(&id) {
        let _ = sender.send(Incoming::Answer(answer));
    }
}
