//! Questions to a language model.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::address::Address;
use crate::error::EndpointError;
use crate::http::{Answer, post};
use crate::key::Key;
use crate::setting::Setting;

/// Answers that keep to instructions rather than surprise.
const TEMPERATURE: f64 = 0.4;

/// Characters of a refusal that are shown.
const EXCERPT: usize = 300;

/// What a server says that does not know structured output, or not this schema.
const NOT_STRUCTURED: [u16; 4] = [400, 415, 422, 501];

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// What.
    pub content: String,
}

impl Message {
    /// What the model is asked.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            content: content.into(),
        }
    }

    /// What the model said.
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            content: content.into(),
        }
    }
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its words.
    pub text: String,
    /// Whether the server took the schema.
    pub structured: bool,
    /// Whether it was cut off at the server's limit.
    pub cut_off: bool,
}

/// A language model that can be asked.
#[derive(Clone, Debug)]
pub struct Endpoint {
    address: Address,
    model: String,
    key: Option<Key>,
    timeout_seconds: u32,
}

impl Endpoint {
    /// The endpoint of a setting. Reads the key; asks nobody.
    ///
    /// # Errors
    /// [`EndpointError::Key`], [`EndpointError::Setting`].
    pub fn new(setting: &Setting) -> Result<Self, EndpointError> {
        setting.check()?;
        Ok(Self {
            address: Address::parse(&setting.url)?,
            model: setting.model.clone(),
            key: Key::read(setting)?,
            timeout_seconds: setting.timeout_seconds,
        })
    }

    /// Asks. The answer is to be JSON of `schema`; a server that does not know
    /// how to hold a model to one is asked again without.
    ///
    /// # Errors
    /// [`EndpointError`]; after the setting's time `Timeout`.
    pub async fn ask(&self, messages: &[Message], schema: &Value) -> Result<Reply, EndpointError> {
        let time = Duration::from_secs(self.timeout_seconds.into());
        let asked = timeout(time, self.ask_without_limit(messages, schema)).await;
        asked.unwrap_or(Err(EndpointError::Timeout {
            seconds: self.timeout_seconds,
        }))
    }

    async fn ask_without_limit(
        &self,
        messages: &[Message],
        schema: &Value,
    ) -> Result<Reply, EndpointError> {
        let mut body = json!({
            "model": self.model,
            "messages": messages,
            "temperature": TEMPERATURE,
            "stream": false,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": schema },
            },
        });
        let answer = self.post(&body).await?;
        if !NOT_STRUCTURED.contains(&answer.status) {
            return self.reply(&answer, true);
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("response_format");
        }
        self.reply(&self.post(&body).await?, false)
    }

    fn reply(&self, answer: &Answer, structured: bool) -> Result<Reply, EndpointError> {
        if (200..300).contains(&answer.status) {
            return read(answer, structured);
        }
        let mut said = said(&answer.body);
        if let Some(key) = &self.key {
            // Some servers repeat the key that they refuse.
            said = said.replace(key.reveal(), "[key]");
        }
        Err(EndpointError::Status {
            status: answer.status,
            excerpt: excerpt(&said),
        })
    }

    async fn post(&self, body: &Value) -> Result<Answer, EndpointError> {
        let body = body.to_string().into_bytes();
        post(&self.address, "chat/completions", self.key.as_ref(), body).await
    }
}

fn read(answer: &Answer, structured: bool) -> Result<Reply, EndpointError> {
    let no_completion = |reason: String| EndpointError::NoCompletion { reason };
    let value: Value =
        serde_json::from_slice(&answer.body).map_err(|error| no_completion(error.to_string()))?;
    let choice = value.get("choices").and_then(|choices| choices.get(0));
    let choice = choice.ok_or_else(|| no_completion("it has no `choices`".to_owned()))?;
    let content = choice
        .get("message")
        .and_then(|message| message.get("content"));
    let text = match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    };
    if text.trim().is_empty() {
        return Err(no_completion("the model said nothing".to_owned()));
    }
    Ok(Reply {
        text,
        structured,
        cut_off: choice.get("finish_reason").and_then(Value::as_str) == Some("length"),
    })
}

/// What a refusal says: its message where it has one.
fn said(body: &[u8]) -> String {
    let message = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| {
            let error = value.get("error")?;
            let message = error.get("message").unwrap_or(error);
            message.as_str().map(str::to_owned)
        });
    message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
}

/// The beginning of a text, in one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(EXCERPT)
        .collect();
    if short.is_empty() {
        "nothing".to_owned()
    } else {
        short
    }
}
