//! The framewrightd process: sockets, connections, the engine thread; the one place where all parts meet.

fn main() {}
