//! The three kinds of message: request, response, event.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::WireError;
use crate::frame::{self, Entries, FrameError};

/// An empty MessagePack map: the parameters of a request that names none.
const EMPTY_MAP: &[u8] = &[0x80];

/// A message to be sent as a request.
#[derive(Debug, Serialize)]
pub struct Request<'a, P> {
    /// Chosen by the client; the response carries it back.
    pub id: u64,
    /// The method's name.
    pub method: &'a str,
    /// Its parameters: a map.
    pub params: &'a P,
}

/// A message to be sent as a response.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response<R> {
    /// The method's result.
    Result {
        /// The request's id.
        id: u64,
        /// A map.
        result: R,
    },
    /// A refusal. `id` is nil when the request's id could not be read.
    Error {
        /// The request's id.
        id: Option<u64>,
        /// Why.
        error: WireError,
    },
}

/// A message as it was received. The bytes of parameters, results and event
/// fields have been walked over (they are complete and within the limits) but
/// are decoded only when their type is known: [`decode_fields`].
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// `{id, method, params}`
    Request {
        /// Chosen by the client.
        id: u64,
        /// The method's name.
        method: &'a str,
        /// The parameters' bytes: a map.
        params: &'a [u8],
    },
    /// `{id, result}`
    Result {
        /// The request's id.
        id: u64,
        /// The result's bytes.
        result: &'a [u8],
    },
    /// `{id, error}`
    Error {
        /// The request's id, or `None` when it could not be read.
        id: Option<u64>,
        /// Why the request was refused.
        error: WireError,
    },
    /// `{event, seq, …}`
    Event {
        /// The event's name.
        event: &'a str,
        /// Counts up by one within a connection.
        seq: u64,
        /// The whole map's bytes, `event` and `seq` among them.
        fields: &'a [u8],
    },
}

/// Why a payload is not a message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The payload is not a bounded MessagePack map.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The map has none of the three shapes. The connection can go on.
    #[error("{reason}")]
    Shape {
        /// The request's id, where it could be read.
        id: Option<u64>,
        /// What is wrong with it.
        reason: String,
    },
}

impl<'a> Message<'a> {
    /// Reads one payload.
    ///
    /// # Errors
    /// [`MessageError::Frame`] when the bytes cannot be trusted at all,
    /// [`MessageError::Shape`] when they are a map, but no message.
    pub fn parse(payload: &'a [u8]) -> Result<Self, MessageError> {
        let entries = frame::check(payload)?;
        let id = optional::<u64>(&entries, "id", None)?;
        if let Some(event) = text(&entries, "event", id)? {
            let seq = optional(&entries, "seq", None)?
                .ok_or_else(|| shape(None, "the event has no `seq`"))?;
            return Ok(Self::Event {
                event,
                seq,
                fields: payload,
            });
        }
        if let Some(error) = optional::<WireError>(&entries, "error", id)? {
            return Ok(Self::Error { id, error });
        }
        let id = id.ok_or_else(|| shape(None, "the message has no `id`"))?;
        if let Some(result) = value(&entries, "result") {
            return Ok(Self::Result { id, result });
        }
        let method = text(&entries, "method", Some(id))?
            .ok_or_else(|| shape(Some(id), "the message has no `method`"))?;
        let params = match value(&entries, "params") {
            None | Some([0xc0]) => EMPTY_MAP,
            Some(params @ [0x80..=0x8f | 0xde | 0xdf, ..]) => params,
            Some(_) => return Err(shape(Some(id), "`params` is not a map")),
        };
        Ok(Self::Request { id, method, params })
    }
}

fn shape(id: Option<u64>, reason: &str) -> MessageError {
    MessageError::Shape {
        id,
        reason: reason.to_owned(),
    }
}

fn value<'a>(entries: &Entries<'a>, key: &str) -> Option<&'a [u8]> {
    entries
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, bytes)| *bytes)
}

fn optional<T: DeserializeOwned>(
    entries: &Entries<'_>,
    key: &str,
    id: Option<u64>,
) -> Result<Option<T>, MessageError> {
    value(entries, key).map_or(Ok(None), |bytes| {
        rmp_serde::from_slice::<Option<T>>(bytes).map_err(|error| MessageError::Shape {
            id,
            reason: format!("`{key}`: {error}"),
        })
    })
}

fn text<'a>(
    entries: &Entries<'a>,
    key: &str,
    id: Option<u64>,
) -> Result<Option<&'a str>, MessageError> {
    value(entries, key).map_or(Ok(None), |bytes| {
        <&str>::deserialize(&mut rmp_serde::Deserializer::from_read_ref(bytes))
            .map(Some)
            .map_err(|_| MessageError::Shape {
                id,
                reason: format!("`{key}` is not a string"),
            })
    })
}

/// Decodes the bytes of parameters, a result or an event's fields, as
/// [`Message::parse`] gave them. Keys that `T` does not have are ignored: a
/// newer peer may send them.
///
/// # Errors
/// What is wrong, beginning with the field's name.
pub fn decode_fields<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let reason = match error.into_inner() {
            rmp_serde::decode::Error::TypeMismatch(marker) => {
                format!("{} stands where another type belongs", kind(marker.to_u8()))
            }
            other => other.to_string(),
        };
        if path == "." {
            reason
        } else {
            format!("`{path}`: {reason}")
        }
    })
}

/// Anything as a value whose shape the receiver does not know.
///
/// # Errors
/// As [`crate::encode`].
pub fn to_value(anything: &impl Serialize) -> Result<rmpv::Value, FrameError> {
    let bytes = frame::encode(anything)?;
    rmpv::decode::read_value(&mut bytes.as_slice())
        .map_err(|error| FrameError::Encode(error.to_string()))
}

/// Reads a value whose shape is known after all, as [`decode_fields`] does.
///
/// # Errors
/// What is wrong, beginning with the field's name.
pub fn from_value<T: DeserializeOwned>(value: &rmpv::Value) -> Result<T, String> {
    decode_fields(&frame::encode(value).map_err(|error| error.to_string())?)
}

/// What begins with that byte, in words.
fn kind(marker: u8) -> &'static str {
    match marker {
        0xa0..=0xbf | 0xd9..=0xdb => "a string",
        0x90..=0x9f | 0xdc | 0xdd => "a list",
        0x80..=0x8f | 0xde | 0xdf => "a map",
        0xc4..=0xc6 => "a value of bytes",
        0xc0 => "nil",
        0xc2 | 0xc3 => "a truth value",
        _ => "a number",
    }
}
