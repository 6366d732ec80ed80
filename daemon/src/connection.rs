//! One connection: frames in, answers and events out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use framewright_jobs::Owner;
use framewright_protocol::{
    DaemonStop, ErrorCode, FrameError, Hello, Known, Limits, Message, MessageError, Method,
    Response, WireError, encode, read_frame, write_frame,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader, BufWriter};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::answers;
use crate::daemon::Daemon;

/// How long a frame may take from its first byte to its last, in and out.
const FRAME_TIME: Duration = Duration::from_secs(30);
/// How long a connection may say nothing before `hello`.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// How long the last answers may take after the other side closed.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Frames that wait for a client to read them.
const OUTGOING: usize = 256;
/// Room among them that progress never takes, so that other events and answers
/// find a place.
const KEPT_FREE: usize = 192;

/// Characters of a client's name that are kept.
const LONGEST_NAME: usize = 100;

/// A frame on its way to the client.
pub enum Outgoing {
    /// An answer's payload.
    Answer(Vec<u8>),
    /// Events, numbered when they are written.
    Events(Vec<Known>),
    /// Nothing more: others keep the channel open.
    End,
}

/// Where events for a connection go.
#[derive(Clone)]
pub struct Events {
    outgoing: mpsc::Sender<Outgoing>,
    /// Told when the client reads too slowly to be kept.
    overrun: Arc<Notify>,
}

impl Events {
    /// Sends an event without waiting. A client that reads too slowly misses
    /// progress; one that would miss anything else is cut off.
    pub fn send(&self, event: Known) {
        let crowded = self.outgoing.capacity() < KEPT_FREE;
        if crowded && matches!(event, Known::Progress(_)) {
            return;
        }
        self.send_all(vec![event]);
    }

    /// Sends events without waiting.
    pub fn send_all(&self, events: Vec<Known>) {
        if let Err(TrySendError::Full(_)) = self.outgoing.try_send(Outgoing::Events(events)) {
            self.overrun.notify_one();
        }
    }
}

/// A client as the methods see it.
#[derive(Clone)]
pub struct Client {
    /// Owns the jobs that this connection alone wants.
    pub owner: Owner,
    /// As it named itself.
    pub name: Arc<str>,
    /// Where events for it go.
    pub events: Events,
    gone: Arc<AtomicBool>,
}

impl Client {
    /// Whether the connection has ended: its jobs were cancelled already.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }
}

/// A request's place among those of its connection that must happen in the
/// order in which they were sent. The next one's turn comes when this is
/// dropped.
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Turn {
    /// A turn after that of `last`, which it takes the place of.
    fn after(last: &mut Option<oneshot::Receiver<()>>) -> Self {
        let (done, next) = oneshot::channel();
        Self {
            before: last.replace(next),
            _done: done,
        }
    }

    /// Waits until those before have had theirs.
    pub async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            // It ends by being dropped.
            let _ = before.await;
        }
    }
}

/// Serves one connection until it closes, misbehaves or the daemon stops.
pub async fn serve(
    daemon: Arc<Daemon>,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin + Send + 'static,
) {
    static OWNERS: AtomicU64 = AtomicU64::new(1);
    let (guest, open) = daemon.enter();
    let (outgoing, queued) = mpsc::channel(OUTGOING);
    let mut writing = tokio::spawn(write_all(queued, writer));
    let overrun = Arc::new(Notify::new());
    let client = Client {
        owner: OWNERS.fetch_add(1, Ordering::Relaxed),
        name: Arc::from(""),
        events: Events {
            outgoing: outgoing.clone(),
            overrun: overrun.clone(),
        },
        gone: Arc::default(),
    };
    let mut requests = JoinSet::new();
    let most = Limits::CURRENT.connections;
    let mut patience = LAST_WORDS;
    if open > most {
        let error = WireError::new(
            ErrorCode::Busy,
            format!("{most} connections are open already"),
        );
        let _ = outgoing.send(Outgoing::Answer(refusal(None, error))).await;
    } else {
        tokio::select! {
            () = converse(&daemon, client.clone(), reader, &outgoing, &mut requests) => {}
            // The other side does not read, or is gone.
            _ = &mut writing => {}
            () = overrun.notified() => {
                tracing::warn!("a client reads its events too slowly; its connection is closed");
                patience = Duration::ZERO;
            }
            () = daemon.stopped() => {
                // No job can end any more: let their requests be answered.
                while let Ok(Some(_)) = timeout(LAST_WORDS, requests.join_next()).await {}
            }
        }
    }
    client.gone.store(true, Ordering::SeqCst);
    requests.shutdown().await;
    let _ = answers::blocking(&daemon, move |daemon| {
        daemon.hub.leave(client.owner);
        daemon.jobs.cancel_owned_by(client.owner);
        Ok(())
    })
    .await;
    let farewell = async {
        // Fails when the writer has ended already.
        let _ = outgoing.send(Outgoing::End).await;
        if !writing.is_finished() {
            let _ = (&mut writing).await;
        }
    };
    if timeout(patience, farewell).await.is_err() {
        writing.abort();
    }
    drop(guest);
}

async fn write_all(mut queued: mpsc::Receiver<Outgoing>, writer: impl AsyncWrite + Unpin) {
    let mut writer = BufWriter::new(writer);
    let mut seq = 0;
    while let Some(outgoing) = queued.recv().await {
        let payloads = match outgoing {
            Outgoing::End => return,
            Outgoing::Answer(payload) => vec![payload],
            Outgoing::Events(events) => {
                let mut payloads = Vec::with_capacity(events.len());
                for event in events {
                    match event.encode(seq + 1) {
                        Ok(payload) => {
                            seq += 1;
                            payloads.push(payload);
                        }
                        Err(error) => tracing::error!("an event could not be encoded: {error}"),
                    }
                }
                payloads
            }
        };
        for payload in payloads {
            match timeout(FRAME_TIME, write_frame(&mut writer, &payload)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!("a client went while it was written to: {error}");
                    return;
                }
                Err(_) => {
                    tracing::warn!("a client does not read; its connection is closed");
                    return;
                }
            }
        }
    }
}

/// The payload of a refusal.
pub fn refusal(id: Option<u64>, error: WireError) -> Vec<u8> {
    encode(&Response::<()>::Error { id, error }).unwrap_or_default()
}

/// The payload of an answer.
pub fn answer<M: Method>(id: u64, outcome: Result<M::Result, WireError>) -> Vec<u8> {
    let encoded = match outcome {
        Ok(result) => encode(&Response::Result { id, result }),
        Err(error) => return refusal(Some(id), error),
    };
    encoded.unwrap_or_else(|error| {
        let code = match error {
            FrameError::TooLong { .. } => ErrorCode::TooLarge,
            _ => ErrorCode::Internal,
        };
        let error = WireError::new(code, format!("the answer cannot be sent: {error}"))
            .hint("ask for fewer candidates, or smaller ones");
        refusal(Some(id), error)
    })
}

/// Reads requests until the connection ends or cannot go on.
async fn converse(
    daemon: &Arc<Daemon>,
    mut client: Client,
    reader: impl AsyncRead + Unpin,
    outgoing: &mpsc::Sender<Outgoing>,
    requests: &mut JoinSet<()>,
) {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut greeted = false;
    let mut last_turn = None;
    let last = loop {
        // An idle connection may wait as long as it likes; a frame may not.
        let beginning = async { reader.fill_buf().await.map(<[u8]>::len) };
        let begun = if greeted {
            beginning.await
        } else {
            match timeout(HELLO_TIME, beginning).await {
                Ok(begun) => begun,
                Err(_) => {
                    break Some(WireError::new(
                        ErrorCode::HelloFirst,
                        "no `hello` came in time",
                    ));
                }
            }
        };
        match begun {
            Ok(0) | Err(_) => break None,
            Ok(_) => {}
        }
        let payload = match timeout(FRAME_TIME, read_frame(&mut reader)).await {
            Ok(Ok(Some(payload))) => payload,
            Ok(Ok(None) | Err(FrameError::Io(_) | FrameError::Half)) => break None,
            Ok(Err(error)) => break Some(malformed(&error)),
            Err(_) => {
                break Some(WireError::new(
                    ErrorCode::Malformed,
                    "the frame was not complete in time",
                ));
            }
        };
        let (id, method, params) = match Message::parse(&payload) {
            Ok(Message::Request { id, method, params }) => (id, method, params),
            Ok(_) => {
                let error = WireError::new(ErrorCode::Malformed, "that is no request");
                if send(outgoing, refusal(None, error)).await.is_err() {
                    break None;
                }
                continue;
            }
            Err(MessageError::Shape { id, reason }) => {
                let error = WireError::new(ErrorCode::Malformed, reason);
                if send(outgoing, refusal(id, error)).await.is_err() {
                    break None;
                }
                continue;
            }
            Err(MessageError::Frame(error)) => break Some(malformed(&error)),
        };
        let payload = if method == Hello::NAME {
            let outcome = answers::hello(params).map(|(result, name)| {
                greeted = true;
                client.name = name.chars().take(LONGEST_NAME).collect::<String>().into();
                result
            });
            answer::<Hello>(id, outcome)
        } else if !greeted {
            refusal(
                Some(id),
                WireError::new(ErrorCode::HelloFirst, "the first request must be `hello`")
                    .about(method),
            )
        } else if let Some(payload) = answers::at_once(daemon, id, method, params).await {
            payload
        } else {
            while requests.try_join_next().is_some() {}
            let most = Limits::CURRENT.requests;
            if requests.len() as u64 >= most {
                let message = format!("{most} requests of this connection wait already");
                refusal(Some(id), WireError::new(ErrorCode::Busy, message))
            } else {
                let (daemon, client) = (daemon.clone(), client.clone());
                let (method, params) = (method.to_owned(), params.to_owned());
                let outgoing = outgoing.clone();
                let turn = answers::in_order(&method).then(|| Turn::after(&mut last_turn));
                requests.spawn(async move {
                    let payload =
                        answers::in_time(&daemon, &client, turn, id, &method, &params).await;
                    let _ = send(&outgoing, payload).await;
                });
                continue;
            }
        };
        let sent = send(outgoing, payload).await;
        if method == DaemonStop::NAME && greeted {
            daemon.let_go();
        }
        if sent.is_err() {
            break None;
        }
    };
    if let Some(error) = last {
        tracing::info!("a connection is closed: {error}");
        let _ = send(outgoing, refusal(None, error)).await;
    }
}

async fn send(outgoing: &mpsc::Sender<Outgoing>, payload: Vec<u8>) -> Result<(), ()> {
    let sent = outgoing.send(Outgoing::Answer(payload)).await;
    sent.map_err(|_| ())
}

fn malformed(error: &FrameError) -> WireError {
    let code = match error {
        FrameError::TooLong { .. } | FrameError::TooMuch { .. } => ErrorCode::TooLarge,
        _ => ErrorCode::Malformed,
    };
    WireError::new(code, error.to_string())
}
