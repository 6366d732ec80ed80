//! Files for this crate's tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A safetensors file of zeros with those F32 tensors and notes.
pub(crate) fn safetensors(tensors: &[(&str, &[u64])], notes: &[(&str, &str)]) -> Vec<u8> {
    safetensors_with(tensors, notes, &[])
}

/// As [`safetensors`], with values for scalars.
pub(crate) fn safetensors_with(
    tensors: &[(&str, &[u64])],
    notes: &[(&str, &str)],
    scalars: &[(&str, f32)],
) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !notes.is_empty() {
        header.insert("__metadata__".to_owned(), notes.iter().copied().collect());
    }
    let mut data = Vec::new();
    let mut add = |name: &str, shape: &[u64], bytes: &[u8]| {
        let start = data.len();
        data.extend_from_slice(bytes);
        let tensor = serde_json::json!({
            "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()],
        });
        header.insert(name.to_owned(), tensor);
    };
    for (name, shape) in tensors {
        let bytes = 4 * shape.iter().product::<u64>();
        add(name, shape, &vec![0; bytes as usize]);
    }
    for (name, value) in scalars {
        add(name, &[], &value.to_le_bytes());
    }
    let header = serde_json::to_vec(&header).expect("JSON");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&data);
    bytes
}

/// A LoRA in kohya's names with the given cross-attention width.
pub(crate) fn lora(width: u64) -> Vec<u8> {
    let module = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
    let down = format!("{module}.lora_down.weight");
    let up = format!("{module}.lora_up.weight");
    safetensors(&[(&down, &[4, width]), (&up, &[32, 4])], &[])
}

/// A single-file checkpoint with the original names and the given
/// cross-attention width.
pub(crate) fn checkpoint(width: u64) -> Vec<u8> {
    let tensors: &[(&str, &[u64])] = &[
        (
            "model.diffusion_model.input_blocks.0.0.weight",
            &[8, 4, 3, 3],
        ),
        (
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
            &[8, width],
        ),
        ("first_stage_model.decoder.conv_in.weight", &[8, 4, 3, 3]),
        (
            "cond_stage_model.transformer.text_model.embeddings.position_embedding.weight",
            &[77, 8],
        ),
    ];
    safetensors(tensors, &[])
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("a file");
}

/// A diffusers folder of the given cross-attention width.
pub(crate) fn diffusers(folder: &Path, width: u64) {
    write(folder.join("model_index.json"), "{}");
    write(
        folder.join("unet/config.json"),
        format!("{{\"cross_attention_dim\": {width}}}"),
    );
    for (part, file) in [
        ("unet", "diffusion_pytorch_model.safetensors"),
        ("vae", "diffusion_pytorch_model.safetensors"),
        ("text_encoder", "model.safetensors"),
    ] {
        let path = folder.join(part).join(file);
        write(path, safetensors(&[("weight", &[2, 2])], &[]));
    }
    for part in ["vae", "text_encoder"] {
        write(folder.join(part).join("config.json"), "{}");
    }
}

/// A temporary data directory.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// A path in it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// The data directory, which lies in the temporary one beside other things.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file under the data directory.
    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.data().join(relative);
        write(&path, bytes);
        path
    }
}
