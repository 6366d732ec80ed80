//! A connection that comes back.

use std::sync::Arc;
use std::time::Duration;

use framewright_protocol::{ErrorCode, Method};
use tokio::sync::Mutex;

use crate::client::{Client, ConnectOptions};
use crate::error::ClientError;

/// Times that a call is made again before its failure is told.
const TRIES: u32 = 5;

/// Calls that survive the end of the daemon: when the connection is lost, a new
/// one is made (and a new daemon started, where the options say so) and the call
/// is made again.
///
/// So a call must mean the same the second time. Those that only read do; those
/// that make a job do when they carry a `key`.
#[derive(Debug)]
pub struct Session {
    options: ConnectOptions,
    client: Mutex<Option<Arc<Client>>>,
}

impl Session {
    /// A session that connects when the first call is made.
    pub fn new(options: ConnectOptions) -> Self {
        Self {
            options,
            client: Mutex::new(None),
        }
    }

    /// The connection of the moment.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn client(&self) -> Result<Arc<Client>, ClientError> {
        let mut current = self.client.lock().await;
        if let Some(client) = current.as_ref().filter(|client| !client.is_lost()) {
            return Ok(client.clone());
        }
        let client = Arc::new(Client::connect(&self.options).await?);
        *current = Some(client.clone());
        Ok(client)
    }

    /// Makes a call, again when the connection is lost before its answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        let mut tries = 1;
        loop {
            let outcome = match self.client().await {
                Ok(client) => client.call::<M>(params).await,
                Err(error) => Err(error),
            };
            let again = match &outcome {
                Err(ClientError::Lost) => true,
                Err(ClientError::Refused(error)) => error.code == ErrorCode::Stopping,
                _ => false,
            };
            if !again || tries >= TRIES {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(20 << tries)).await;
            tries += 1;
        }
    }
}
