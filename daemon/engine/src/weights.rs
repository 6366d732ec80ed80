//! Where a network's tensors come from while it is built.
//!
//! A network asks for each tensor by name and shape and is built even if some
//! are missing; [`Weights::build`] then reports everything that did not fit at
//! once. The same walk, with no tensors behind it, enumerates a network's
//! parameters ([`Weights::parameters`]).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use candle_core::{DType, Device, Tensor};

use crate::adapters::{AdaptableLayer, AdaptableLayers, Adapters};
use crate::error::LoadError;

/// Tensors by the names that this crate's networks use (those of diffusers and
/// transformers).
pub trait TensorSource {
    /// The name under which the source itself knows `name`, and the stored
    /// shape; None if it has no such tensor.
    fn find(&self, name: &str) -> Option<(String, Vec<usize>)>;

    /// Reads the tensor that the source itself calls `own_name`.
    fn read(&self, own_name: &str, device: &Device) -> Result<Tensor, LoadError>;

    /// All of the source's own names.
    fn own_names(&self) -> Vec<String>;

    /// The file or folder, for messages.
    fn origin(&self) -> &Path;
}

/// Tensors in memory, already under the networks' names.
impl TensorSource for BTreeMap<String, Tensor> {
    fn find(&self, name: &str) -> Option<(String, Vec<usize>)> {
        self.get(name)
            .map(|tensor| (name.to_owned(), tensor.dims().to_vec()))
    }

    fn read(&self, own_name: &str, device: &Device) -> Result<Tensor, LoadError> {
        match self.get(own_name) {
            Some(tensor) => Ok(tensor.to_device(device)?),
            None => Err(candle_core::Error::CannotFindTensor {
                path: own_name.to_owned(),
            }
            .into()),
        }
    }

    fn own_names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }

    fn origin(&self) -> &Path {
        Path::new("memory")
    }
}

/// A network with what its checkpoint held beyond it.
#[derive(Debug)]
pub struct Loaded<N> {
    /// The network.
    pub network: N,
    /// Names in the checkpoint that the network did not ask for, sorted.
    pub unused: Vec<String>,
}

/// What a network is built from. Clones and [`Weights::at`] share one record of
/// what was asked for.
#[derive(Clone)]
pub struct Weights<'a> {
    shared: Rc<Shared<'a>>,
    prefix: String,
}

struct Shared<'a> {
    source: Option<&'a dyn TensorSource>,
    device: Device,
    dtype: DType,
    /// One zero, seen under any shape in place of tensors that are not read.
    zero: Tensor,
    record: RefCell<Record>,
}

#[derive(Default)]
struct Record {
    asked: Vec<(String, Vec<usize>)>,
    used: BTreeSet<String>,
    missing: Vec<(String, Vec<usize>)>,
    wrong_shape: Vec<(String, Vec<usize>, Vec<usize>)>,
    failure: Option<LoadError>,
    layers: AdaptableLayers,
}

impl<'a> Weights<'a> {
    fn new(
        source: Option<&'a dyn TensorSource>,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, LoadError> {
        let shared = Shared {
            source,
            device: device.clone(),
            dtype,
            zero: Tensor::new(0f32, &Device::Cpu)?,
            record: RefCell::new(Record::default()),
        };
        Ok(Self {
            shared: Rc::new(shared),
            prefix: String::new(),
        })
    }

    /// Builds a network of `source`'s tensors, converted to `dtype` on
    /// `device`. All tensors that are missing or have another shape are named
    /// in one error; `network` says in it which network was built.
    pub fn build<N>(
        network: &'static str,
        source: &'a dyn TensorSource,
        device: &Device,
        dtype: DType,
        build: impl FnOnce(&Weights<'a>) -> N,
    ) -> Result<Loaded<N>, LoadError> {
        let weights = Self::new(Some(source), device, dtype)?;
        let built = build(&weights);
        let record = weights.shared.record.take();
        if let Some(failure) = record.failure {
            return Err(failure);
        }
        if !record.missing.is_empty() || !record.wrong_shape.is_empty() {
            return Err(LoadError::Mismatch {
                network,
                origin: PathBuf::from(source.origin()),
                missing: record.missing,
                wrong_shape: record.wrong_shape,
            });
        }
        let mut unused: Vec<String> = source
            .own_names()
            .into_iter()
            .filter(|name| !record.used.contains(name))
            .collect();
        unused.sort();
        Ok(Loaded {
            network: built,
            unused,
        })
    }

    /// Name and shape of every tensor that `build` asks for, in its order. No
    /// memory is taken for tensors.
    pub fn parameters<N>(
        build: impl FnOnce(&Weights<'a>) -> N,
    ) -> Result<Vec<(String, Vec<usize>)>, LoadError> {
        let weights = Self::new(None, &Device::Cpu, DType::F32)?;
        build(&weights);
        let record = weights.shared.record.take();
        record.failure.map_or(Ok(record.asked), Err)
    }

    /// The same source, one name further in.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
            prefix: self.full_name(&name),
        }
    }

    /// The tensor of that name. Whether it is there and of that shape is
    /// reported when the whole network is built; until then zeros that take no
    /// memory stand in for it.
    pub fn get(&self, name: &str, shape: &[usize]) -> Tensor {
        let name = self.full_name(&name);
        let mut record = self.shared.record.borrow_mut();
        let tensor = self.shared.source.and_then(|source| {
            let Some((own_name, found)) = source.find(&name) else {
                record.missing.push((name.clone(), shape.to_vec()));
                return None;
            };
            record.used.insert(own_name.clone());
            if !same_matrix(shape, &found) {
                record
                    .wrong_shape
                    .push((name.clone(), shape.to_vec(), found));
                return None;
            }
            // After one tensor that does not fit, reading others is idle work.
            if record.failure.is_some()
                || !record.missing.is_empty()
                || !record.wrong_shape.is_empty()
            {
                return None;
            }
            let read = source
                .read(&own_name, &self.shared.device)
                .and_then(|tensor| {
                    let tensor = if tensor.dims() == shape {
                        tensor
                    } else {
                        tensor.reshape(shape)?
                    };
                    Ok(tensor.to_dtype(self.shared.dtype)?)
                });
            match read {
                Ok(tensor) => Some(tensor),
                Err(error) => {
                    record.failure = Some(error);
                    None
                }
            }
        });
        record.asked.push((name, shape.to_vec()));
        drop(record);
        tensor.unwrap_or_else(|| self.stand_in(shape))
    }

    /// A new adapter slot for the layer at this prefix.
    pub fn adapters(&self, weight_shape: &[usize]) -> Adapters {
        let adapters = Adapters::default();
        let layer = AdaptableLayer {
            weight_shape: weight_shape.to_vec(),
            adapters: adapters.clone(),
        };
        self.shared
            .record
            .borrow_mut()
            .layers
            .insert(self.prefix.clone(), layer);
        adapters
    }

    /// The adaptable layers built so far.
    pub fn adaptable_layers(&self) -> AdaptableLayers {
        self.shared.record.borrow().layers.clone()
    }

    fn full_name(&self, name: &impl std::fmt::Display) -> String {
        if self.prefix.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }

    fn stand_in(&self, shape: &[usize]) -> Tensor {
        match self.shared.zero.broadcast_as(shape) {
            Ok(zeros) => zeros,
            Err(error) => {
                self.shared
                    .record
                    .borrow_mut()
                    .failure
                    .get_or_insert(LoadError::Tensor(error));
                self.shared.zero.clone()
            }
        }
    }
}

/// Whether two shapes hold the same numbers in the same order with the same
/// meaning: equal but for trailing ones. A 1×1 convolution and a linear layer
/// are the same matrix, and checkpoints of different age store either.
fn same_matrix(expected: &[usize], found: &[usize]) -> bool {
    let core = |shape: &[usize]| -> usize {
        let trailing = shape
            .iter()
            .skip(2)
            .rev()
            .take_while(|&&size| size == 1)
            .count();
        shape.len() - trailing
    };
    expected == found
        || (expected.len() >= 2
            && found.len() >= 2
            && expected[..core(expected)] == found[..core(found)])
}
