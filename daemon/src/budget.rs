//! How many threads the whole process computes with.

use std::num::NonZeroUsize;

/// Names the number of threads; all cores when it is not set.
const THREADS_VARIABLE: &str = "FRAMEWRIGHT_THREADS";

/// The number of threads to compute with.
pub fn threads() -> NonZeroUsize {
    let wanted = std::env::var(THREADS_VARIABLE).ok();
    let wanted = wanted.and_then(|text| text.trim().parse().ok());
    wanted
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

/// Starts this program anew, in the same process, with the variables that keep
/// every library's own threads within the budget; returns when they are set.
///
/// The tensor library reads them once, and a process that has threads must not
/// change its own environment, so they have to be there from the start.
#[cfg(unix)]
pub fn hold(threads: NonZeroUsize) {
    use std::os::unix::process::CommandExt;

    use framewright_engine::device::Device;

    let wanted = Device::environment(threads);
    if wanted
        .iter()
        .all(|(name, value)| std::env::var(name).is_ok_and(|set| set == *value))
    {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .envs(wanted)
        .exec();
    // Slower, but right all the same.
    eprintln!("framewrightd: the thread budget cannot be set: {error}");
}

/// Nothing replaces a process elsewhere: libraries use the threads they like.
#[cfg(not(unix))]
pub fn hold(_threads: NonZeroUsize) {}

/// Lets everything else on the machine go before the calling thread and those
/// that it makes: a client is answered, and a canvas scrolls, while a frame is
/// drawn.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Zero names the calling thread. A system that refuses computes all the same.
        if let Err(error) = rustix::process::setpriority_process(None, 10) {
            tracing::debug!("the engine's priority cannot be lowered: {error}");
        }
    }
}
