//! How a failed command ends: what happened, what it was about, what to do.

use std::path::Path;
use std::process::ExitCode;

use framewright_client::ClientError;
use framewright_protocol::{ErrorCode, WireError};
use serde_json::json;

/// The exit codes, as `--help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The daemon, the engine or a file failed.
    Failed = 1,
    /// Refused before any work was done.
    Refused = 2,
    /// No daemon.
    NoDaemon = 3,
    /// Made again, and not the same.
    Differs = 4,
    /// By Ctrl-C.
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    words: Box<Words>,
}

#[derive(Debug, Default)]
struct Words {
    code: String,
    message: String,
    about: Option<String>,
    hint: Option<String>,
    /// Lines of the daemon's log.
    log: Option<String>,
}

impl Failure {
    /// A failure of the work itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            words: Box::new(Words {
                code: "failed".to_owned(),
                message: message.into(),
                ..Words::default()
            }),
        }
    }

    /// A refusal before any work was done.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(message).ending(Exit::Refused, "refused")
    }

    /// The end that Ctrl-C asks for.
    pub fn cancelled() -> Self {
        Self::new("cancelled").ending(Exit::Cancelled, "cancelled")
    }

    fn ending(mut self, exit: Exit, code: &str) -> Self {
        self.exit = exit;
        code.clone_into(&mut self.words.code);
        self
    }

    /// The same, saying what it is about.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.words.about = Some(about.into());
        self
    }

    /// The same, about a file.
    #[must_use]
    pub fn about_file(self, path: &Path) -> Self {
        self.about(path.display().to_string())
    }

    /// The same, saying what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.words.hint = Some(hint.into());
        self
    }

    /// What happened and what to do, in one line.
    pub fn words(&self) -> String {
        match &self.words.hint {
            Some(hint) => format!("{}: {hint}", self.words.message),
            None => self.words.message.clone(),
        }
    }

    /// Tells a person on the error stream, and a script as JSON.
    pub fn print(&self, json: bool) {
        eprintln!("error: {}", self.words.message);
        if let Some(about) = &self.words.about {
            eprintln!("  about: {about}");
        }
        for line in self.words.log.iter().flat_map(|log| log.lines()) {
            eprintln!("  log: {line}");
        }
        if let Some(hint) = &self.words.hint {
            eprintln!("  hint: {hint}");
        }
        if json {
            crate::print_json(&json!({"error": {
                "code": self.words.code,
                "message": self.words.message,
                "about": self.words.about,
                "hint": self.words.hint,
            }}));
        }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        let exit = match error.code {
            ErrorCode::InvalidParams | ErrorCode::NotFound | ErrorCode::UnknownMethod => {
                Exit::Refused
            }
            ErrorCode::Cancelled => Exit::Cancelled,
            _ => Exit::Failed,
        };
        Self {
            exit,
            words: Box::new(Words {
                code: error.code.to_string(),
                message: error.message,
                about: error.about,
                hint: error.hint,
                log: None,
            }),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let hint = error.hint();
        let mut failure = Self::new(error.to_string()).ending(Exit::NoDaemon, "no_daemon");
        failure.words.hint = hint;
        match error {
            ClientError::Refused(error) => return error.into(),
            ClientError::NoProgram { looked } => {
                let looked: Vec<_> = looked
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                failure.words.about = Some(format!("looked for {}", looked.join(", ")));
            }
            ClientError::StartFailed { tail, .. } => failure.words.log = Some(tail),
            ClientError::Connect { path, source } => {
                failure.words.message = format!("the daemon cannot be reached: {source}");
                failure.words.about = Some(path.display().to_string());
            }
            ClientError::Frame(_) | ClientError::Answer(_) | ClientError::Damaged { .. } => {
                failure = failure.ending(Exit::Failed, "failed");
            }
            ClientError::Home(_)
            | ClientError::NotRunning
            | ClientError::GaveUp { .. }
            | ClientError::Lost
            | ClientError::Level { .. } => {}
        }
        failure
    }
}
