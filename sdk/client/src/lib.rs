//! Async client of the daemon; starts it when none runs.
