//! Where the daemon's files are, so that clients find its socket.

use std::path::{Path, PathBuf};

/// The variable that moves everything: data, socket, logs.
const HOME_VARIABLE: &str = "FRAMEWRIGHT_HOME";

/// The longest path of a Unix socket, bytes (`sockaddr_un` on macOS, less one).
#[cfg(unix)]
const SOCKET_PATH_BYTES: usize = 103;

/// Why the directories could not be named.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The system tells no home directory.
    #[error("this user has no home directory; set {HOME_VARIABLE} to a directory of yours")]
    NoHome,
    /// The variable holds a relative path.
    #[error("{HOME_VARIABLE} is not an absolute path: {0}")]
    Relative(PathBuf),
    /// The socket's path does not fit the system's limit.
    #[error(
        "the socket's path is {length} bytes long, and the system takes {limit}: {path}; \
         set {HOME_VARIABLE} to a shorter path"
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length, bytes.
        length: usize,
        /// The system's limit, bytes.
        limit: usize,
    },
}

/// The daemon's directories. Nothing is created here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Models, manifests and all that is kept.
    pub data: PathBuf,
    /// The socket and the lock; for this user alone.
    pub runtime: PathBuf,
    /// Logs.
    pub logs: PathBuf,
}

impl Home {
    /// The directories for this process's environment: under
    /// `FRAMEWRIGHT_HOME` when it is set, else where the system keeps such files.
    ///
    /// # Errors
    /// See [`HomeError`].
    pub fn from_environment() -> Result<Self, HomeError> {
        if let Some(home) = std::env::var_os(HOME_VARIABLE).filter(|home| !home.is_empty()) {
            return Self::under(Path::new(&home));
        }
        let directories =
            directories::ProjectDirs::from("", "", "framewright").ok_or(HomeError::NoHome)?;
        let data = directories.data_dir().to_owned();
        let state = directories.state_dir().unwrap_or(&data).to_owned();
        let runtime = directories
            .runtime_dir()
            .map(Path::to_owned)
            .or_else(login_runtime)
            .unwrap_or_else(|| state.join("run"));
        Self {
            data,
            runtime,
            logs: state.join("logs"),
        }
        .checked()
    }

    /// The directories under one home.
    ///
    /// # Errors
    /// See [`HomeError`].
    pub fn under(home: &Path) -> Result<Self, HomeError> {
        if !home.is_absolute() {
            return Err(HomeError::Relative(home.to_owned()));
        }
        Self {
            data: home.join("data"),
            runtime: home.join("run"),
            logs: home.join("logs"),
        }
        .checked()
    }

    fn checked(self) -> Result<Self, HomeError> {
        #[cfg(unix)]
        {
            let path = self.socket();
            let length = path.as_os_str().len();
            if length > SOCKET_PATH_BYTES {
                return Err(HomeError::TooLong {
                    path,
                    length,
                    limit: SOCKET_PATH_BYTES,
                });
            }
        }
        Ok(self)
    }

    /// The daemon's socket.
    #[cfg(not(windows))]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("daemon.sock")
    }

    /// The daemon's named pipe. Pipes have one flat name space, so the name
    /// carries a hash (FNV-1a, 64 bits) of the runtime directory's path.
    #[cfg(windows)]
    pub fn socket(&self) -> PathBuf {
        let path = self.runtime.to_string_lossy().to_lowercase();
        let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        PathBuf::from(format!(r"\\.\pipe\framewright-{hash:016x}"))
    }

    /// The file that a running daemon holds locked; it holds its process id.
    pub fn lock(&self) -> PathBuf {
        self.runtime.join("daemon.lock")
    }

    /// The daemon's log.
    pub fn log(&self) -> PathBuf {
        self.logs.join("framewrightd.log")
    }

    /// Where the jobs are kept.
    pub fn jobs(&self) -> PathBuf {
        self.data.join("jobs")
    }

    /// Where models lie.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }
}

/// The login session's runtime directory, for a process such as a cron job
/// whose environment does not name it: the same daemon is meant.
#[cfg(unix)]
fn login_runtime() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let user = rustix::process::geteuid().as_raw();
    let directory = PathBuf::from(format!("/run/user/{user}"));
    let owner = std::fs::metadata(&directory).ok()?.uid();
    (owner == user).then(|| directory.join("framewright"))
}

#[cfg(not(unix))]
fn login_runtime() -> Option<PathBuf> {
    None
}
