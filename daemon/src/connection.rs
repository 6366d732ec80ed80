//! One connection: frames in, answers and events out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use framewright_protocol::{
    ErrorCode, Event, FrameError, Hello, Known, Limits, Message, MessageError, Method, Response,
    WireError, encode, read_frame, write_frame,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader, BufWriter};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::answers;
use crate::daemon::Daemon;
use crate::queue::Owner;

/// How long a frame may take from its first byte to its last, in and out.
const FRAME_TIME: Duration = Duration::from_secs(30);
/// How long a connection may say nothing before `hello`.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// How long the last answers may take after the other side closed.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Frames that wait for a client to read them.
const OUTGOING: usize = 256;
/// Room among them that progress never takes, so that a job's first events and
/// its answer find a place.
const KEPT_FREE: usize = 192;

/// A frame on its way to the client.
pub enum Outgoing {
    /// An answer's payload.
    Answer(Vec<u8>),
    /// An event, numbered when it is written.
    Event(Box<Known>),
    /// Nothing more: a job that the engine has not let go of keeps the channel open.
    End,
}

/// Where the events of a connection's jobs go.
#[derive(Clone)]
pub struct Events {
    outgoing: mpsc::Sender<Outgoing>,
}

impl Events {
    /// Sends an event without waiting. A client that reads too slowly misses
    /// progress.
    pub fn send(&self, event: Known) {
        let crowded = self.outgoing.capacity() < KEPT_FREE;
        if crowded && matches!(event, Known::Progress(_)) {
            return;
        }
        // Full or closed: the client has far more to read, or is gone.
        let _ = self.outgoing.try_send(Outgoing::Event(Box::new(event)));
    }
}

/// A client as the methods see it.
#[derive(Clone)]
pub struct Client {
    /// Owns the jobs that this connection asks for.
    pub owner: Owner,
    /// Where their events go.
    pub events: Events,
}

/// Serves one connection until it closes, misbehaves or the daemon stops.
pub async fn serve(
    daemon: Arc<Daemon>,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin + Send + 'static,
) {
    static OWNERS: AtomicU64 = AtomicU64::new(1);
    let owner = OWNERS.fetch_add(1, Ordering::Relaxed);
    let (guest, open) = daemon.enter();
    let (outgoing, queued) = mpsc::channel(OUTGOING);
    let mut writing = tokio::spawn(write_all(queued, writer));
    let client = Client {
        owner,
        events: Events {
            outgoing: outgoing.clone(),
        },
    };
    let mut requests = JoinSet::new();
    let most = Limits::CURRENT.connections;
    if open > most {
        let error = WireError::new(
            ErrorCode::Busy,
            format!("{most} connections are open already"),
        );
        let _ = outgoing.send(Outgoing::Answer(refusal(None, error))).await;
    } else {
        tokio::select! {
            () = converse(&daemon, &client, reader, &outgoing, &mut requests) => {}
            // The other side does not read, or is gone.
            _ = &mut writing => {}
            () = daemon.stopped() => {
                // Every job has ended: let their requests be answered.
                while let Ok(Some(_)) = timeout(LAST_WORDS, requests.join_next()).await {}
            }
        }
    }
    daemon.jobs.cancel_owner(owner);
    requests.shutdown().await;
    let farewell = async {
        // Fails when the writer has ended already.
        let _ = outgoing.send(Outgoing::End).await;
        if !writing.is_finished() {
            let _ = (&mut writing).await;
        }
    };
    if timeout(LAST_WORDS, farewell).await.is_err() {
        writing.abort();
    }
    drop(guest);
}

async fn write_all(mut queued: mpsc::Receiver<Outgoing>, writer: impl AsyncWrite + Unpin) {
    let mut writer = BufWriter::new(writer);
    let mut seq = 0;
    while let Some(outgoing) = queued.recv().await {
        let payload = match outgoing {
            Outgoing::End => return,
            Outgoing::Answer(payload) => payload,
            Outgoing::Event(event) => {
                seq += 1;
                let encoded = match &*event {
                    Known::Queued(event) => event.encode(seq),
                    Known::Started(event) => event.encode(seq),
                    Known::Progress(event) => event.encode(seq),
                    _ => continue,
                };
                match encoded {
                    Ok(payload) => payload,
                    Err(error) => {
                        tracing::error!("an event could not be encoded: {error}");
                        continue;
                    }
                }
            }
        };
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
    client: &Client,
    reader: impl AsyncRead + Unpin,
    outgoing: &mpsc::Sender<Outgoing>,
    requests: &mut JoinSet<()>,
) {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut greeted = false;
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
            let outcome = answers::hello(params);
            greeted |= outcome.is_ok();
            answer::<Hello>(id, outcome)
        } else if !greeted {
            refusal(
                Some(id),
                WireError::new(ErrorCode::HelloFirst, "the first request must be `hello`")
                    .about(method),
            )
        } else if let Some(payload) = answers::at_once(daemon, id, method, params) {
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
                requests.spawn(async move {
                    let payload = answers::in_time(&daemon, &client, id, &method, &params).await;
                    let _ = send(&outgoing, payload).await;
                });
                continue;
            }
        };
        if send(outgoing, payload).await.is_err() {
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
