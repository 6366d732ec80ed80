//! Why a call did not succeed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use framewright_protocol::{FrameError, HomeError, WireError};

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The daemon's directories cannot be named.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No daemon runs, and none was to be started.
    #[error("the daemon is not running")]
    NotRunning,
    /// The daemon's program was not found.
    #[error("the program framewrightd was not found")]
    NoProgram {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The daemon was started and did not come up.
    #[error("the daemon did not start: {reason}")]
    StartFailed {
        /// What happened.
        reason: String,
        /// What it wrote to its log meanwhile.
        tail: String,
        /// The log.
        log: PathBuf,
    },
    /// The daemon was started several times and did not come up: no more tries
    /// for a while.
    #[error("the daemon did not start {failures} times within a minute; no more tries for now")]
    GaveUp {
        /// How often.
        failures: usize,
        /// When it may be tried again.
        wait: Duration,
    },
    /// The socket is there and the system refuses it.
    #[error("the daemon cannot be reached: {source}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection ended before the answer came.
    #[error("the connection to the daemon was lost")]
    Lost,
    /// The daemon does not speak this client's protocol level.
    #[error("the daemon (version {version}) speaks another protocol level")]
    Level {
        /// The daemon's version.
        version: String,
    },
    /// The request cannot be sent.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The daemon refused.
    #[error("{0}")]
    Refused(WireError),
    /// A blob's bytes are not what its name says.
    #[error("the blob that the daemon sent is damaged")]
    Damaged {
        /// Its hash.
        hash: String,
    },
    /// The answer is not of the expected form.
    #[error("the daemon's answer cannot be understood: {0}")]
    Answer(String),
}

impl ClientError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        if let Self::NoProgram { .. } | Self::NotRunning | Self::Connect { .. } = self
            && let Some(hint) = flatpak_hint()
        {
            return Some(hint);
        }
        match self {
            Self::NotRunning => Some("start it: framewright daemon start".to_owned()),
            Self::NoProgram { .. } => Some(
                "install it beside this program, or set FRAMEWRIGHT_DAEMON to its path".to_owned(),
            ),
            Self::StartFailed { log, .. } => Some(format!("its log: {}", log.display())),
            Self::GaveUp { wait, .. } => Some(format!(
                "its log says why: framewright daemon logs; it is tried again in {} seconds",
                wait.as_secs() + 1
            )),
            Self::Damaged { .. } => Some("ask again; if it stays so, the disk fails".to_owned()),
            Self::Level { .. } => Some(
                "stop the old daemon (framewright daemon stop), so that the new one starts"
                    .to_owned(),
            ),
            Self::Lost => Some("the daemon's log may say why: framewright daemon logs".to_owned()),
            Self::Refused(error) => error.hint.clone(),
            Self::Home(_) | Self::Connect { .. } | Self::Frame(_) | Self::Answer(_) => None,
        }
    }
}

/// What to do inside a Flatpak sandbox, which hides the daemon's socket and
/// program; `None` elsewhere.
fn flatpak_hint() -> Option<String> {
    let info = std::fs::read_to_string("/.flatpak-info").ok()?;
    Some(permission(&info))
}

fn permission(info: &str) -> String {
    let application = info
        .lines()
        .find_map(|line| line.strip_prefix("name="))
        .unwrap_or("APPLICATION");
    format!(
        "the application runs in a Flatpak sandbox. Let it see the socket: flatpak override --user \
         --filesystem=xdg-run/framewright {application}; then start the daemon outside \
         (framewright daemon start) and the application anew"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_names_the_application() {
        let info = "[Application]\nname=org.kde.krita\nruntime=runtime/org.kde.Platform\n";
        assert!(permission(info).contains("xdg-run/framewright org.kde.krita;"));
        assert!(permission("").contains("APPLICATION"));
    }
}
