//! Language models behind HTTP that the user configured.
//!
//! The one place of the daemon that opens network connections: to the server that
//! a setting of the user names, when a request names that setting, and for no
//! longer than its answer takes. Any server serves that speaks the chat
//! completions of the OpenAI API: llama.cpp, Ollama, LM Studio, vLLM, and others.
//!
//! A question is one `POST`; nothing is kept open, no redirect is followed, no
//! proxy used. Dropping the future of a question closes its connection.

mod address;
mod chat;
mod error;
mod http;
mod key;
mod setting;
mod settings;

pub use chat::{Endpoint, Message, Reply, Role};
pub use error::{EndpointError, SettingError};
pub use key::{Key, KeySource};
pub use setting::{DEFAULT_TIMEOUT_SECONDS, MOST_TIMEOUT_SECONDS, Setting};
pub use settings::{Listed, Settings};
