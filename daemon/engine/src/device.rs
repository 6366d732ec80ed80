//! What computes, and with how many threads.

use std::num::NonZeroUsize;
use std::sync::Arc;

/// Why a device cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The threads could not be started.
    #[error("cannot start {threads} compute threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the operating system said.
        source: rayon::ThreadPoolBuildError,
    },
    /// The GPU cannot be used.
    #[error("cannot use GPU {ordinal}: {source}")]
    Gpu {
        /// Its number.
        ordinal: usize,
        /// What the driver said.
        source: candle_core::Error,
    },
}

/// A device that runs networks. Everything runs in its own thread pool, so
/// that the budget holds for every parallel operation.
#[derive(Debug, Clone)]
pub struct Device {
    candle: candle_core::Device,
    pool: Arc<rayon::ThreadPool>,
    name: String,
}

impl Device {
    /// The CPU with so many threads; `None` takes all cores.
    ///
    /// # Errors
    /// [`DeviceError::Threads`] when the threads cannot be started.
    pub fn cpu(threads: Option<NonZeroUsize>) -> Result<Self, DeviceError> {
        Ok(Self {
            candle: candle_core::Device::Cpu,
            pool: Arc::new(pool(threads)?),
            name: "cpu".to_owned(),
        })
    }

    /// An NVIDIA GPU by its number. `threads` are the CPU's beside it.
    ///
    /// # Errors
    /// [`DeviceError`] when there is none, or this build cannot use any.
    pub fn cuda(ordinal: usize, threads: Option<NonZeroUsize>) -> Result<Self, DeviceError> {
        let candle = candle_core::Device::new_cuda(ordinal)
            .map_err(|source| DeviceError::Gpu { ordinal, source })?;
        Ok(Self {
            candle,
            pool: Arc::new(pool(threads)?),
            name: format!("cuda:{ordinal}"),
        })
    }

    /// Where tensors lie.
    #[must_use]
    pub fn candle(&self) -> &candle_core::Device {
        &self.candle
    }

    /// Its name as provenance records it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many threads compute.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs something on the device's threads and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Environment variables that keep the tensor library's own threads inside
    /// the same budget. They are read once, before the first computation, so
    /// they belong to whoever starts the process: element-wise operations
    /// would else spin a second pool beside this one.
    #[must_use]
    pub fn environment(threads: NonZeroUsize) -> [(&'static str, String); 2] {
        [
            ("RAYON_NUM_THREADS", threads.to_string()),
            ("CANDLE_NUM_THREADS", "1".to_owned()),
        ]
    }
}

fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, DeviceError> {
    // 0 is rayon's word for all cores.
    let threads = threads.map_or(0, NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("engine-{index}"))
        .build()
        .map_err(|source| DeviceError::Threads { threads, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_the_budget_of_threads() {
        let device = Device::cpu(NonZeroUsize::new(3)).unwrap();
        assert_eq!(device.threads(), 3);
        assert_eq!(device.run(rayon::current_num_threads), 3);
        assert_eq!(device.name(), "cpu");
    }

    #[test]
    fn a_gpu_that_is_not_there_is_an_error() {
        let error = Device::cuda(4095, None).unwrap_err();
        assert!(error.to_string().contains("GPU 4095"), "{error}");
    }
}
