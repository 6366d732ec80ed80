//! Async client of the daemon; starts it when none runs.
//!
//! ```no_run
//! # async fn example() -> Result<(), framewright_client::ClientError> {
//! use framewright_client::{Client, ConnectOptions};
//! use framewright_protocol::{FrameGenerate, GenerateParams};
//!
//! let client = Client::connect(&ConnectOptions::new("my-app 1.0")).await?;
//! let params = GenerateParams { prompt: "a fox in the snow".into(), ..Default::default() };
//! let mut call = client.start::<FrameGenerate>(&params).await?;
//! while let Some(event) = call.event().await {
//!     println!("{event:?}");
//! }
//! let made = call.answer().await?;
//! # Ok(()) }
//! ```

mod blobs;
mod client;
mod error;
mod session;
mod start;

pub use client::{Call, Client, ConnectOptions};
pub use error::ClientError;
pub use session::Session;
pub use start::{find_daemon, log_tail};
