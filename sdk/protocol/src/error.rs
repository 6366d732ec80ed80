//! How a refusal looks on the wire.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! error_codes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $wire:literal ),* $(,)?) => {
        /// Why a request was refused, as a machine reads it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $( $(#[doc = $doc])+ $variant, )*
            /// A code that a newer daemon has and this crate does not know.
            Other(String),
        }

        impl ErrorCode {
            /// Every code of this version with its meaning.
            pub const ALL: &'static [(&'static str, &'static str)] =
                &[ $( ($wire, concat!($($doc),+)) ),* ];

            /// The code on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $wire, )*
                    Self::Other(code) => code,
                }
            }
        }

        impl From<String> for ErrorCode {
            fn from(code: String) -> Self {
                match code.as_str() {
                    $( $wire => Self::$variant, )*
                    _ => Self::Other(code),
                }
            }
        }
    };
}

error_codes! {
    /// The bytes are no message of this protocol; the connection closes.
    Malformed = "malformed",
    /// A frame or a list in it is over a limit; the connection closes.
    TooLarge = "too_large",
    /// Another method came before `hello`, or no common protocol level exists.
    HelloFirst = "hello_first",
    /// No such method in this daemon.
    UnknownMethod = "unknown_method",
    /// A parameter is missing, has the wrong type or a value that cannot be used.
    InvalidParams = "invalid_params",
    /// No such job, model or file.
    NotFound = "not_found",
    /// Too much is waiting already; ask again later.
    Busy = "busy",
    /// Somebody else changed it meanwhile, or the key was used for another request.
    Conflict = "conflict",
    /// The disk is full or refuses; nothing was stored.
    Storage = "storage",
    /// The job was cancelled.
    Cancelled = "cancelled",
    /// The model's files cannot be used.
    ModelUnusable = "model_unusable",
    /// This version or this model cannot do it.
    Unsupported = "unsupported",
    /// The daemon is stopping and takes no new work.
    Stopping = "stopping",
    /// A fault of the daemon; its log says more.
    Internal = "internal",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl crate::record::WireType for ErrorCode {
    fn kind() -> String {
        "string".to_owned()
    }
}

records! {
    /// A refusal: what happened, what it was about, what to do next.
    WireError "error" {
        /// Why, as a machine reads it; one of the listed codes.
        code: ErrorCode,
        /// What happened, in one sentence.
        message: String,
        /// What it was about: a parameter, a file, a model.
        about: Option<String>,
        /// What to do next.
        hint: Option<String>,
    }
}

impl WireError {
    /// An error without subject and hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            about: None,
            hint: None,
        }
    }

    /// The same error, saying what it is about.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// The same error, saying what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if let Some(about) = &self.about {
            write!(formatter, " ({about})")?;
        }
        Ok(())
    }
}

impl std::error::Error for WireError {}
