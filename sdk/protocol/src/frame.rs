//! Frames: a length, then one MessagePack map.
//!
//! Bytes are believed step by step: the length is checked before memory is
//! asked for, and [`check`] walks the payload, without allocating for it,
//! before anything is decoded. After that walk a payload is known to be one
//! complete map whose nesting and number of values are bounded.

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::Limits;

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length prefix asks for more than the limit.
    #[error("a frame of {length} bytes is over the limit of {limit} bytes")]
    TooLong {
        /// What the prefix says.
        length: u64,
        /// What is taken at most.
        limit: u64,
    },
    /// More values, or deeper nesting, than the limits allow.
    #[error("the message holds more than {limit} {what}")]
    TooMuch {
        /// `values` or `levels of nesting`.
        what: &'static str,
        /// What is taken at most.
        limit: u64,
    },
    /// The payload is not exactly one MessagePack map of the types in use.
    #[error("the message is not one MessagePack map: {0}")]
    NotAMap(&'static str),
    /// The other side closed the connection inside a frame.
    #[error("the connection ended inside a frame")]
    Half,
    /// A value could not be written as MessagePack.
    #[error("a message could not be encoded: {0}")]
    Encode(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
}

/// The payload for `message`: a map with named fields.
///
/// # Errors
/// [`FrameError::Encode`] when serde refuses, [`FrameError::TooLong`] when the
/// other side would refuse.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let payload =
        rmp_serde::to_vec_named(message).map_err(|error| FrameError::Encode(error.to_string()))?;
    within_limit(payload.len() as u64)?;
    Ok(payload)
}

fn within_limit(length: u64) -> Result<(), FrameError> {
    let limit = Limits::CURRENT.frame_bytes;
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    Ok(())
}

/// Writes the length and `payload`, and flushes.
///
/// # Errors
/// [`FrameError::TooLong`] before anything is written, [`FrameError::Io`].
pub async fn write_frame(
    writer: &mut (impl AsyncWrite + Unpin),
    payload: &[u8],
) -> Result<(), FrameError> {
    within_limit(payload.len() as u64)?;
    let length = u32::try_from(payload.len()).map_err(|_| FrameError::TooLong {
        length: payload.len() as u64,
        limit: Limits::CURRENT.frame_bytes,
    })?;
    writer.write_all(&length.to_le_bytes()).await?;
    writer.write_all(payload).await?;
    writer.flush().await?;
    Ok(())
}

/// Reads one payload; `None` when the other side closed between frames.
///
/// Memory grows with the bytes that arrive, not with the length that was
/// announced. The payload is not checked yet: [`crate::Message::parse`] does that.
///
/// # Errors
/// [`FrameError::TooLong`] after the prefix alone, [`FrameError::Half`],
/// [`FrameError::Io`].
pub async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
) -> Result<Option<Vec<u8>>, FrameError> {
    let mut prefix = [0_u8; 4];
    let mut have = 0;
    while have < prefix.len() {
        match reader.read(&mut prefix[have..]).await? {
            0 if have == 0 => return Ok(None),
            0 => return Err(FrameError::Half),
            read => have += read,
        }
    }
    let length = u64::from(u32::from_le_bytes(prefix));
    within_limit(length)?;
    let mut payload = Vec::with_capacity(length.min(64 << 10) as usize);
    reader.take(length).read_to_end(&mut payload).await?;
    if (payload.len() as u64) < length {
        return Err(FrameError::Half);
    }
    Ok(Some(payload))
}

/// What one MessagePack value is, as far as walking over it needs.
enum Head {
    /// A value of that many bytes after its head.
    Scalar(usize),
    /// A string of that many bytes after its head.
    Text(usize),
    /// A list: that many values follow.
    List(u64),
    /// A map: that many values follow, keys counted too.
    Map(u64),
}

/// A position in a payload.
#[derive(Clone, Copy)]
struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len())
            .ok_or(FrameError::NotAMap("it ends in the middle of a value"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Result<u64, FrameError> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Result<usize, FrameError> {
        usize::try_from(self.number(width)?)
            .map_err(|_| FrameError::NotAMap("a length does not fit this machine"))
    }

    fn head(&mut self) -> Result<Head, FrameError> {
        let marker = self.take(1)?[0];
        Ok(match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Head::Scalar(0),
            0x80..=0x8f => Head::Map(2 * u64::from(marker & 0x0f)),
            0x90..=0x9f => Head::List(u64::from(marker & 0x0f)),
            0xa0..=0xbf => Head::Text(usize::from(marker & 0x1f)),
            0xc4 => Head::Scalar(self.length(1)?),
            0xc5 => Head::Scalar(self.length(2)?),
            0xc6 => Head::Scalar(self.length(4)?),
            0xca | 0xce | 0xd2 => Head::Scalar(4),
            0xcb | 0xcf | 0xd3 => Head::Scalar(8),
            0xcc | 0xd0 => Head::Scalar(1),
            0xcd | 0xd1 => Head::Scalar(2),
            0xd9 => Head::Text(self.length(1)?),
            0xda => Head::Text(self.length(2)?),
            0xdb => Head::Text(self.length(4)?),
            0xdc => Head::List(self.number(2)?),
            0xdd => Head::List(self.number(4)?),
            0xde => Head::Map(2 * self.number(2)?),
            0xdf => Head::Map(2 * self.number(4)?),
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => {
                return Err(FrameError::NotAMap("it holds an extension type"));
            }
        })
    }

    /// Steps over one value, counting values into `values`.
    fn skip(&mut self, values: &mut u64) -> Result<(), FrameError> {
        let limits = Limits::CURRENT;
        let depth = limits.frame_depth as usize;
        // How many values each open container still holds, and whether it is a
        // map: then every other one, beginning with the first, is a key.
        let mut open = vec![(1_u64, false)];
        while let Some((left, map)) = open.last_mut() {
            if *left == 0 {
                open.pop();
                continue;
            }
            let key = *map && left.is_multiple_of(2);
            *left -= 1;
            *values += 1;
            if *values > limits.frame_values {
                return Err(FrameError::TooMuch {
                    what: "values",
                    limit: limits.frame_values,
                });
            }
            match self.head()? {
                Head::Text(bytes) => {
                    std::str::from_utf8(self.take(bytes)?)
                        .map_err(|_| FrameError::NotAMap("a string is not UTF-8"))?;
                }
                _ if key => return Err(FrameError::NotAMap("a key is not a string")),
                Head::Scalar(bytes) => {
                    self.take(bytes)?;
                }
                head @ (Head::List(held) | Head::Map(held)) => {
                    if open.len() >= depth {
                        return Err(FrameError::TooMuch {
                            what: "levels of nesting",
                            limit: limits.frame_depth,
                        });
                    }
                    open.push((held, matches!(head, Head::Map(_))));
                }
            }
        }
        Ok(())
    }
}

/// The entries of the outermost map: each key with the bytes of its value.
pub(crate) type Entries<'a> = Vec<(&'a str, &'a [u8])>;

/// Walks over `payload` and gives the entries of its map.
///
/// # Errors
/// [`FrameError::NotAMap`], [`FrameError::TooMuch`].
pub(crate) fn check(payload: &[u8]) -> Result<Entries<'_>, FrameError> {
    let mut walker = Walker {
        bytes: payload,
        at: 0,
    };
    let Some(0x80..=0x8f | 0xde | 0xdf) = payload.first() else {
        return Err(FrameError::NotAMap("it starts with something else"));
    };
    let Head::Map(held) = walker.head()? else {
        return Err(FrameError::NotAMap("it starts with something else"));
    };
    let mut values = 1;
    let mut entries = Entries::new();
    for _ in 0..held / 2 {
        values += 1;
        let Head::Text(length) = walker.head()? else {
            return Err(FrameError::NotAMap("a key is not a string"));
        };
        let key = std::str::from_utf8(walker.take(length)?)
            .map_err(|_| FrameError::NotAMap("a key is not UTF-8"))?;
        let start = walker.at;
        walker.skip(&mut values)?;
        entries.push((key, &payload[start..walker.at]));
    }
    if walker.at != payload.len() {
        return Err(FrameError::NotAMap("bytes follow after its end"));
    }
    Ok(entries)
}
