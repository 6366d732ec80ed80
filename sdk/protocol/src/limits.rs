//! What the daemon takes at most. `hello` tells clients these figures.

records! {
    /// Upper bounds that the daemon holds to.
    Limits "limits" {
        /// Bytes in one frame, without its length prefix.
        frame_bytes: u64,
        /// MessagePack values in one frame, containers counted too.
        frame_values: u64,
        /// Containers within containers in one frame.
        frame_depth: u64,
        /// Characters in a prompt or negative prompt.
        prompt_chars: u64,
        /// Candidates of one request.
        candidates: u32,
        /// Pixels on one side of a picture.
        side_pixels: u32,
        /// Jobs that wait or run at once, over all clients.
        jobs: u64,
        /// Characters of an idempotency key.
        key_chars: u64,
        /// Bytes of one blob.
        blob_bytes: u64,
        /// Requests of one connection that wait for an answer at once.
        requests: u64,
        /// Connections at once.
        connections: u64,
    }
}

impl Limits {
    /// The limits of this version. They may be raised, never lowered, within a
    /// protocol level.
    pub const CURRENT: Self = Self {
        frame_bytes: 64 << 20,
        frame_values: 1 << 18,
        frame_depth: 32,
        prompt_chars: 8_000,
        candidates: 64,
        side_pixels: 8_192,
        jobs: 4_096,
        key_chars: 200,
        blob_bytes: 1 << 30,
        requests: 64,
        connections: 256,
    };
}

/// The protocol level that this crate speaks.
pub const PROTOCOL_LEVEL: u32 = 1;
/// The oldest level that a daemon of this version still serves.
pub const PROTOCOL_OLDEST: u32 = 1;
