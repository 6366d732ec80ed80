//! Reading of the golden data that diffusers and transformers made.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

/// A file or folder of the golden data.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden/data")
        .join(name)
}

/// A JSON file of the golden data.
pub fn json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let bytes = std::fs::read(path(name)).expect("the golden data is in the repository");
    serde_json::from_slice(&bytes).expect("the golden data is as its script writes it")
}

/// Named tensors, kept as bytes.
pub struct Tensors(Vec<u8>);

impl Tensors {
    /// A safetensors file of the golden data.
    pub fn open(name: &str) -> Self {
        Self(std::fs::read(path(name)).expect("the golden data is in the repository"))
    }

    /// The f32 values of a tensor, row by row; `None` where there is none of
    /// this name.
    pub fn find(&self, name: &str) -> Option<Vec<f32>> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a whole safetensors file");
        let tensor = tensors.tensor(name).ok()?;
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32, "{name}");
        Some(
            tensor
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
        )
    }

    /// The bytes of a tensor of bytes that must be there.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a whole safetensors file");
        let tensor = tensors.tensor(name).expect("the golden data has it");
        assert_eq!(tensor.dtype(), safetensors::Dtype::U8, "{name}");
        tensor.data().to_vec()
    }

    /// The f32 values of a tensor that must be there.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.find(name)
            .unwrap_or_else(|| panic!("the golden data has {name}"))
    }
}

/// max|a−b| / max|b|.
pub fn relative_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let most = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0f32, |most, value| {
            if value.is_finite() {
                most.max(value.abs())
            } else {
                f32::INFINITY
            }
        })
    };
    most(&mut ours.iter().zip(theirs).map(|(a, b)| a - b)) / most(&mut theirs.iter().copied())
}
