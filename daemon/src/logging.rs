//! The log file.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Mutex;

use framewright_protocol::Home;
use tracing_subscriber::EnvFilter;

/// At the start, a log longer than this is set aside.
const LONGEST: u64 = 4 << 20;

/// Sends everything that is traced, panics too, to the home's log.
///
/// # Errors
/// When the log cannot be written.
pub fn begin(home: &Home) -> io::Result<()> {
    let file = open(home).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}", home.log().display()))
    })?;
    let filter =
        EnvFilter::try_from_env("FRAMEWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .init();
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}

fn open(home: &Home) -> io::Result<File> {
    std::fs::create_dir_all(&home.logs)?;
    let log = home.log();
    if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LONGEST) {
        std::fs::rename(&log, log.with_extension("old.log"))?;
    }
    OpenOptions::new().create(true).append(true).open(log)
}
