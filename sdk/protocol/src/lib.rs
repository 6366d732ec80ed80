//! Wire types and framing shared by the daemon and its Rust clients.
