//! LoRAs that were read, kept so that a switch between them costs little.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::lora::{Lora, LoraError};

/// Which LoRA of which file, as long as the file is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    partial: bool,
}

/// The LoRAs of one model that were used last, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct LoraCache {
    most_bytes: usize,
    /// The last used last.
    kept: Mutex<Vec<(Key, Arc<Lora>)>>,
}

impl LoraCache {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            kept: Mutex::default(),
        }
    }

    /// The LoRA of a file, by `read` if it is not kept.
    pub(crate) fn get(
        &self,
        path: &Path,
        partial: bool,
        read: impl FnOnce() -> Result<Lora, LoraError>,
    ) -> Result<Arc<Lora>, LoraError> {
        let metadata = std::fs::metadata(path).ok();
        let key = Key {
            path: path.to_owned(),
            length: metadata.as_ref().map_or(0, std::fs::Metadata::len),
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            partial,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lora = match kept.iter().position(|(own, _)| *own == key) {
            Some(at) => kept.remove(at).1,
            None => {
                // Another state of the same file is of no more use.
                kept.retain(|(own, _)| (&own.path, own.partial) != (&key.path, key.partial));
                Arc::new(read()?)
            }
        };
        kept.push((key, lora.clone()));
        let mut bytes: usize = kept.iter().map(|(_, lora)| lora.bytes()).sum();
        while bytes > self.most_bytes && kept.len() > 1 {
            bytes -= kept.remove(0).1.bytes();
        }
        Ok(lora)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::layer_names::{AdaptedLayer, AdaptedNetwork};
    use crate::lora::LoraPair;

    /// A LoRA of 4096 bytes.
    fn lora() -> Lora {
        let zeros = Tensor::zeros((16, 32), DType::F32, &Device::Cpu).unwrap();
        let layer = AdaptedLayer {
            network: AdaptedNetwork::UNet,
            name: "x".to_owned(),
        };
        let pair = LoraPair {
            down: zeros.clone(),
            up: zeros.t().unwrap(),
            scale: 1.0,
        };
        Lora {
            hash: String::new(),
            layers: BTreeMap::from([(layer, pair)]),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_last_used_are_kept_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b", "c"] {
            std::fs::write(path(name), name).unwrap();
        }
        let cache = LoraCache::new(9000);
        let reads = |name: &str, partial: bool| {
            let mut read = false;
            let found = cache.get(&path(name), partial, || {
                read = true;
                Ok(lora())
            });
            assert_eq!(found.unwrap().bytes(), 4096);
            read
        };
        assert!(reads("a", false));
        assert!(!reads("a", false));
        assert!(reads("a", true), "another reading of the same file");
        assert!(!reads("a", false));
        assert!(reads("b", false), "the partial one goes");
        assert!(!reads("a", false));
        assert!(reads("c", false), "b goes");
        assert!(!reads("a", false));
        assert!(reads("b", false));
        std::fs::write(path("b"), "changed").unwrap();
        assert!(reads("b", false), "the file is another one");
        let failure = cache.get(&path("d"), false, || {
            Err(LoraError::NoLora {
                path: path("d"),
                keys: 0,
                example: String::new(),
            })
        });
        assert!(failure.is_err());
        assert!(reads("d", false), "a failure is not kept");
    }

    #[test]
    fn one_that_is_larger_than_the_bound_is_kept_alone() {
        let cache = LoraCache::new(1);
        let path = Path::new("/nowhere");
        assert!(cache.get(path, false, || Ok(lora())).is_ok());
        let second = cache.get(path, false, || panic!("it is kept"));
        assert!(second.is_ok());
    }
}
