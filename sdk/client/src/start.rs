//! Starting the daemon.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use framewright_protocol::Home;

use crate::error::ClientError;

/// The variable that names the daemon's program.
const PROGRAM_VARIABLE: &str = "FRAMEWRIGHT_DAEMON";

/// What the daemon inherits of the client's environment. Applications that are
/// shipped as bundles point library and Python paths into themselves, and the
/// daemon outlives them.
const INHERITED: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    // Whom to trust over TLS: a language model may be behind an authority of the user's own.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_BACKTRACE",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
];

/// Variables with these beginnings are inherited too.
const INHERITED_BEGINNINGS: &[&str] = &["FRAMEWRIGHT_", "LC_", "CUDA_", "NVIDIA_"];

/// Starts that may fail within [`MEMORY`] before no more are tried.
const MOST_FAILURES: usize = 3;
/// How long a failed start is remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// Keeps a client that reconnects by itself from starting a daemon that cannot
/// run again and again.
pub(crate) static BREAKER: Breaker = Breaker::new();

/// Remembers this process's failed starts.
pub(crate) struct Breaker {
    failures: Mutex<Vec<Instant>>,
}

impl Breaker {
    const fn new() -> Self {
        Self {
            failures: Mutex::new(Vec::new()),
        }
    }

    fn recent(&self) -> MutexGuard<'_, Vec<Instant>> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|at| at.elapsed() < MEMORY);
        failures
    }

    /// Whether another start may be tried.
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let failures = self.recent();
        match failures.first() {
            Some(first) if failures.len() >= MOST_FAILURES => Err(ClientError::GaveUp {
                failures: failures.len(),
                wait: MEMORY.saturating_sub(first.elapsed()),
            }),
            _ => Ok(()),
        }
    }

    /// A start failed.
    pub(crate) fn failed(&self) {
        self.recent().push(Instant::now());
    }
}

fn program_name() -> String {
    format!("framewrightd{}", std::env::consts::EXE_SUFFIX)
}

/// The daemon's program: `FRAMEWRIGHT_DAEMON`, else beside this program, else on
/// the `PATH`.
///
/// # Errors
/// [`ClientError::NoProgram`].
pub fn find_daemon() -> Result<PathBuf, ClientError> {
    if let Some(program) = std::env::var_os(PROGRAM_VARIABLE).filter(|path| !path.is_empty()) {
        let program = PathBuf::from(program);
        if program.is_file() {
            return Ok(program);
        }
        return Err(ClientError::NoProgram {
            looked: vec![program],
        });
    }
    let name = program_name();
    let beside = std::env::current_exe()
        .and_then(|program| program.canonicalize())
        .ok()
        .and_then(|program| program.parent().map(|directory| directory.join(&name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&name));
    let mut looked = Vec::new();
    for candidate in beside.into_iter().chain(on_path) {
        if candidate.is_file() {
            return Ok(candidate);
        }
        looked.push(candidate);
    }
    Err(ClientError::NoProgram { looked })
}

fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| {
            INHERITED.contains(&name)
                || INHERITED_BEGINNINGS
                    .iter()
                    .any(|beginning| name.starts_with(beginning))
        })
    })
}

/// A daemon that was started and does not answer yet.
pub(crate) struct Starting {
    child: Child,
    log: PathBuf,
    /// The log's length before.
    log_began: u64,
}

impl Starting {
    /// Starts `program` for `home`, detached from this process.
    /// `directory` is the home's where the environment does not name it.
    pub(crate) fn begin(
        program: &Path,
        home: &Home,
        directory: Option<&Path>,
    ) -> Result<Self, ClientError> {
        let log = home.log();
        let failed = |error: io::Error| ClientError::StartFailed {
            reason: format!("{}: {error}", program.display()),
            tail: String::new(),
            log: log.clone(),
        };
        let output = private_log(home).map_err(|error| ClientError::StartFailed {
            reason: format!("{}: {error}", log.display()),
            tail: String::new(),
            log: log.clone(),
        })?;
        let log_began = output
            .metadata()
            .map(|metadata| metadata.len())
            .unwrap_or(0);
        let mut command = Command::new(program);
        if let Some(directory) = directory {
            command.arg("--home").arg(directory);
        }
        let child = command
            .arg("--detached")
            .env_clear()
            .envs(inherited())
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            child,
            log,
            log_began,
        })
    }

    /// An error when the daemon has ended already.
    pub(crate) fn check(&mut self) -> Result<(), ClientError> {
        match self.child.try_wait() {
            // It found another one: that one is waited for.
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(None) | Err(_) => Ok(()),
            Ok(Some(status)) => Err(self.failure(format!("it ended with {status}"))),
        }
    }

    /// The error for a start that failed.
    pub(crate) fn failure(&self, reason: String) -> ClientError {
        ClientError::StartFailed {
            reason,
            tail: log_tail(&self.log, self.log_began, 20).unwrap_or_default(),
            log: self.log.clone(),
        }
    }

    /// Leaves the daemon to itself.
    pub(crate) fn release(mut self) {
        // Somebody has to take its exit status when it ends before this process.
        let _ = std::thread::Builder::new()
            .name("framewrightd-wait".to_owned())
            .spawn(move || self.child.wait());
    }
}

fn root() -> &'static str {
    if cfg!(windows) { "\\" } else { "/" }
}

fn private_log(home: &Home) -> io::Result<std::fs::File> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        builder.mode(0o700);
        options.mode(0o600);
    }
    builder.create(&home.logs)?;
    options.open(home.log())
}

/// The last `lines` lines of a log, of those after byte `from`.
///
/// # Errors
/// What the system says.
pub fn log_tail(log: &Path, from: u64, lines: usize) -> io::Result<String> {
    /// More than this is never read.
    const LONGEST: u64 = 256 << 10;
    let mut file = std::fs::File::open(log)?;
    let length = file.metadata()?.len();
    let from = if from > length { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(LONGEST))))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_failures_no_more_starts_are_tried() {
        let breaker = Breaker::new();
        for _ in 0..MOST_FAILURES {
            assert!(breaker.check().is_ok());
            breaker.failed();
        }
        assert!(matches!(
            breaker.check(),
            Err(ClientError::GaveUp { failures: 3, wait }) if wait > Duration::from_secs(50)
        ));
        let long_ago = Instant::now().checked_sub(MEMORY).expect("not so early");
        breaker.failures.lock().expect("no panic")[0] = long_ago;
        assert!(breaker.check().is_ok(), "a failure is forgotten in time");
    }
}
