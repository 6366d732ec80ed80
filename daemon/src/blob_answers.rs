//! What the methods about blobs do.

use framewright_jobs::{Owner, Part};
use framewright_protocol::{
    BlobGetParams, BlobGetResult, BlobPutParams, BlobPutResult, ErrorCode, Limits, WireError,
};
use serde_bytes::ByteBuf;

use crate::daemon::Daemon;
use crate::job_words::refused;
use crate::request::hash;

/// Room in a frame for what is around a part.
const AROUND: u64 = 1 << 10;

/// `blob.put`
pub fn put(
    daemon: &Daemon,
    owner: Owner,
    params: BlobPutParams,
) -> Result<BlobPutResult, WireError> {
    let whole = params.offset == 0 && params.data.len() as u64 == params.total;
    let name = match (&params.hash, &params.upload) {
        (Some(name), None) => hash(name)?.to_string(),
        // Other connections have uploads of their own.
        (None, Some(upload)) if upload.chars().count() as u64 <= Limits::CURRENT.key_chars => {
            format!("{owner}/{upload}")
        }
        (None, None) if whole => format!("{owner}/"),
        _ => {
            return Err(WireError::new(
                ErrorCode::InvalidParams,
                "a blob in parts has either `hash` or a short `upload` name, the same in every part",
            )
            .about("hash, upload"));
        }
    };
    let part = Part {
        upload: &name,
        total: params.total,
        offset: params.offset,
        data: &params.data,
    };
    let (received, hash) = daemon
        .jobs
        .blobs()
        .take(part)
        .map_err(|error| refused(&error))?;
    if hash.is_some() {
        daemon.make_room();
    }
    Ok(BlobPutResult {
        received,
        complete: hash.is_some(),
        hash: hash.map(|hash| hash.to_string()),
    })
}

/// `blob.get`
pub fn get(daemon: &Daemon, params: BlobGetParams) -> Result<BlobGetResult, WireError> {
    let most = Limits::CURRENT.frame_bytes - AROUND;
    let (data, total) = daemon
        .jobs
        .blobs()
        .part(
            hash(&params.hash)?,
            params.offset.unwrap_or(0),
            params.length.unwrap_or(most).min(most),
        )
        .map_err(|error| refused(&error))?;
    Ok(BlobGetResult {
        total,
        data: ByteBuf::from(data),
    })
}
