//! The local socket. Only this module knows what kind it is.

use std::io;
use std::path::Path;

use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::{GenericFilePath, ListenerOptions};

pub use interprocess::local_socket::tokio::Stream;

/// A socket that takes connections of this user.
pub struct Listener {
    socket: interprocess::local_socket::tokio::Listener,
}

impl Listener {
    /// Listens at `path`, where no socket may be.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let options = ListenerOptions::new()
            .name(path.to_fs_name::<GenericFilePath>()?)
            .reclaim_name(false);
        #[cfg(windows)]
        let options = for_its_owner_alone(options)?;
        let socket = options.create_tokio()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
        }
        Ok(Self { socket })
    }

    /// The next connection; other users' are closed at once.
    ///
    /// # Errors
    /// What the system says.
    pub async fn accept(&self) -> io::Result<Stream> {
        loop {
            let stream = self.socket.accept().await?;
            if same_user(&stream) {
                return Ok(stream);
            }
            tracing::warn!("refused a connection of another user");
        }
    }
}

#[cfg(unix)]
fn same_user(stream: &Stream) -> bool {
    use interprocess::local_socket::traits::StreamCommon;

    let own = rustix::process::geteuid().as_raw();
    match stream.peer_creds() {
        Ok(credentials) => credentials.euid() == Some(own),
        Err(_) => false,
    }
}

/// The pipe's access list has let nobody else in.
#[cfg(windows)]
fn same_user(_stream: &Stream) -> bool {
    true
}

/// Gives a pipe an access list with one entry: everything for its owner, the
/// user who makes it. Without one, every user may read from a pipe.
#[cfg(windows)]
fn for_its_owner_alone(options: ListenerOptions<'_>) -> io::Result<ListenerOptions<'_>> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    use widestring::u16cstr;

    // Protected from inheritance; generic all for the owner's rights.
    let descriptor = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;OW)"))?;
    Ok(options.security_descriptor(descriptor))
}

/// Whether somebody listens at `path`. Blocks, but not for long.
pub fn answers(path: &Path) -> bool {
    use interprocess::local_socket::traits::Stream as _;

    path.to_fs_name::<GenericFilePath>()
        .is_ok_and(|name| interprocess::local_socket::Stream::connect(name).is_ok())
}
