//! The runtime directory, and the claim by which one daemon owns it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use framewright_protocol::Home;

use crate::transport;

/// How long to wait for a daemon that holds the lock and does not listen: it is
/// starting, or stopping.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the runtime directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Somebody else could read or replace the socket.
    #[cfg(unix)]
    #[error("{} belongs to another user; set FRAMEWRIGHT_HOME to a directory of yours", .0.display())]
    Foreign(PathBuf),
    /// It is a file or a link.
    #[error("{} is not a directory; move it away", .0.display())]
    NoDirectory(PathBuf),
    /// A daemon holds the lock and does not answer.
    #[error(
        "another daemon (process {pid}) holds {} and does not answer; end it and try again",
        path.display()
    )]
    Stuck {
        /// The lock file.
        path: PathBuf,
        /// What the lock file says.
        pid: String,
    },
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ClaimError + '_ {
    move |source| ClaimError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The right to listen on the home's socket, until it is dropped.
///
/// The system gives the lock back when the process ends in whatever way, so a
/// lock that can be had proves that a socket file beside it is stale.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
    socket: PathBuf,
}

impl Claim {
    /// Claims the home's socket; `None` when another daemon answers there.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub fn take(home: &Home) -> Result<Option<Self>, ClaimError> {
        private_directory(&home.runtime)?;
        let path = home.lock();
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(at(&path))?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if transport::answers(&home.socket()) => {
                    return Ok(None);
                }
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    let pid = std::fs::read_to_string(&path).unwrap_or_default();
                    return Err(ClaimError::Stuck {
                        path,
                        pid: pid.trim().to_owned(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(at(&path))?;
        let socket = home.socket();
        // A named pipe is no file, and goes with its process.
        #[cfg(unix)]
        match std::fs::remove_file(&socket) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&socket)(error)),
        }
        Ok(Some(Self {
            _lock: lock,
            socket,
        }))
    }

    /// Where to listen.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The socket goes before the lock does: nobody else's is removed.
        #[cfg(unix)]
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Makes `path` a directory that only this user can enter.
fn private_directory(path: &Path) -> Result<(), ClaimError> {
    std::fs::create_dir_all(path).map_err(at(path))?;
    let metadata = std::fs::symlink_metadata(path).map_err(at(path))?;
    if !metadata.is_dir() {
        return Err(ClaimError::NoDirectory(path.to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};

        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(ClaimError::Foreign(path.to_owned()));
        }
        if metadata.mode() & 0o077 != 0 {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).map_err(at(path))?;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().expect("a directory");
        let home = Home::under(directory.path()).expect("a short path");
        (directory, home)
    }

    #[test]
    fn the_directory_is_for_this_user_alone() {
        let (_directory, home) = home();
        std::fs::create_dir_all(&home.runtime).expect("a directory");
        std::fs::set_permissions(&home.runtime, PermissionsExt::from_mode(0o755)).expect("ours");
        let _claim = Claim::take(&home).expect("no error").expect("a claim");
        let mode = std::fs::metadata(&home.runtime).expect("there").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_stale_lock_and_socket_are_taken_over() {
        let (_directory, home) = home();
        std::fs::create_dir_all(&home.runtime).expect("a directory");
        std::fs::write(home.lock(), "4242424242 and some rubbish\n").expect("written");
        std::fs::write(home.socket(), "").expect("written");
        let claim = Claim::take(&home).expect("no error").expect("a claim");
        assert!(!home.socket().exists());
        let pid = std::fs::read_to_string(home.lock()).expect("there");
        assert_eq!(pid, format!("{}\n", std::process::id()));
        drop(claim);
        assert!(Claim::take(&home).expect("no error").is_some());
    }

    #[test]
    fn a_link_in_place_of_the_directory_is_refused() {
        let (directory, home) = home();
        std::os::unix::fs::symlink(directory.path(), &home.runtime).expect("a link");
        assert!(matches!(
            Claim::take(&home),
            Err(ClaimError::NoDirectory(_))
        ));
    }
}
