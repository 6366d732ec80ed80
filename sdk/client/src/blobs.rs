//! Blobs up and down, in parts that fit a frame.

use framewright_protocol::{BlobGet, BlobGetParams, BlobPut, BlobPutParams, Limits};
use serde_bytes::ByteBuf;

use crate::client::Client;
use crate::error::ClientError;

/// Bytes of one part: other calls go in between.
const PART: usize = 4 << 20;

impl Client {
    /// Stores `bytes` with the daemon; gives their BLAKE3 hash, by which a
    /// picture can name them. What the daemon holds already is not sent.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn put_blob(&self, bytes: &[u8]) -> Result<String, ClientError> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let mut offset = 0;
        loop {
            let end = bytes.len().min(offset + PART);
            let result = self
                .call::<BlobPut>(&BlobPutParams {
                    hash: Some(hash.clone()),
                    upload: None,
                    total: bytes.len() as u64,
                    offset: offset as u64,
                    data: ByteBuf::from(&bytes[offset..end]),
                })
                .await?;
            if result.complete {
                return Ok(hash);
            }
            if end == bytes.len() {
                return Err(ClientError::Answer("the upload does not end".to_owned()));
            }
            offset = end;
        }
    }

    /// The bytes of a stored blob, checked against its hash.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_blob(&self, hash: &str) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        loop {
            let part = self
                .call::<BlobGet>(&BlobGetParams {
                    hash: hash.to_owned(),
                    offset: Some(bytes.len() as u64),
                    length: Some(PART as u64),
                })
                .await?;
            if part.total > Limits::CURRENT.blob_bytes {
                return Err(ClientError::Answer("the blob is over the limit".to_owned()));
            }
            let last = part.data.is_empty();
            bytes.extend_from_slice(&part.data);
            if last || bytes.len() as u64 >= part.total {
                break;
            }
        }
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            return Err(ClientError::Damaged {
                hash: hash.to_owned(),
            });
        }
        Ok(bytes)
    }
}
