//! What a file of weights is, told from its header alone.

use std::fmt;

use crate::header::Header;

/// What a safetensors file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A Stable Diffusion checkpoint in one file, with the original names.
    Checkpoint {
        /// Its family, where the widths tell.
        family: Option<String>,
        /// Whether its UNet takes a mask (9 input channels).
        inpainting: bool,
    },
    /// A LoRA.
    Lora,
    /// A VAE alone.
    Vae,
    /// A UNet alone.
    UNet,
    /// A text encoder alone.
    TextEncoder,
    /// Something else.
    Other,
}

impl fmt::Display for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Checkpoint { .. } => "a checkpoint",
            Self::Lora => "a LoRA",
            Self::Vae => "a VAE alone",
            Self::UNet => "a UNet alone",
            Self::TextEncoder => "a text encoder alone",
            Self::Other => "no checkpoint, LoRA or VAE",
        })
    }
}

/// The family whose text encoder has that width, which is the width of the
/// keys and values of cross-attention.
pub(crate) fn family_of_width(width: u64) -> Option<&'static str> {
    match width {
        192 => Some("sketch"),
        768 => Some("sd15"),
        1024 => Some("sd2"),
        2048 => Some("sdxl"),
        _ => None,
    }
}

/// Parts of a key that only low-rank files have.
const LORA_MARKS: [&str; 8] = [
    "lora_down.",
    "lora_up.",
    "lora_A.",
    "lora_B.",
    "lora.down.",
    "lora_linear_layer.",
    ".hada_w",
    ".lokr_w",
];

impl Contents {
    /// What the header's names and shapes tell.
    pub fn of(header: &Header) -> Self {
        let names = || header.tensors.keys();
        let starts = |prefix: &str| names().any(|name| name.starts_with(prefix));
        if names().any(|name| LORA_MARKS.iter().any(|mark| name.contains(mark))) {
            return Self::Lora;
        }
        if starts("model.diffusion_model.") {
            return Self::checkpoint(header);
        }
        if starts("first_stage_model.") || (starts("encoder.") && starts("decoder.")) {
            return Self::Vae;
        }
        if starts("down_blocks.") && starts("up_blocks.") {
            return Self::UNet;
        }
        if starts("text_model.") || starts("cond_stage_model.") {
            return Self::TextEncoder;
        }
        Self::Other
    }

    fn checkpoint(header: &Header) -> Self {
        let shape = |name: &str| {
            header
                .tensors
                .get(name)
                .map(|tensor| tensor.shape.as_slice())
        };
        let keys = "attn2.to_k.weight";
        let cross_attention = header
            .tensors
            .iter()
            .find(|(name, _)| name.starts_with("model.diffusion_model.") && name.ends_with(keys));
        let width = cross_attention.and_then(|(_, tensor)| tensor.shape.get(1).copied());
        let first = shape("model.diffusion_model.input_blocks.0.0.weight");
        Self::Checkpoint {
            family: width.and_then(family_of_width).map(str::to_owned),
            inpainting: first.and_then(|shape| shape.get(1)) == Some(&9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{checkpoint, lora, safetensors};

    fn contents(bytes: &[u8]) -> Contents {
        let length = bytes.len() as u64;
        Contents::of(&Header::from_reader(&mut &*bytes, length).expect("a header"))
    }

    #[test]
    fn files_are_told_apart_by_their_headers() {
        let of = |names: &[&str]| {
            let tensors: Vec<(&str, &[u64])> = names
                .iter()
                .map(|name| (*name, &[1_u64] as &[u64]))
                .collect();
            contents(&safetensors(&tensors, &[]))
        };
        assert_eq!(contents(&lora(768)), Contents::Lora);
        let sd15 = Contents::Checkpoint {
            family: Some("sd15".to_owned()),
            inpainting: false,
        };
        assert_eq!(contents(&checkpoint(768)), sd15);
        let unknown = Contents::Checkpoint {
            family: None,
            inpainting: false,
        };
        assert_eq!(contents(&checkpoint(100)), unknown);
        assert_eq!(
            of(&["encoder.conv_in.weight", "decoder.conv_in.weight"]),
            Contents::Vae
        );
        assert_eq!(of(&["down_blocks.0.a", "up_blocks.0.a"]), Contents::UNet);
        assert_eq!(of(&["text_model.a"]), Contents::TextEncoder);
        assert_eq!(of(&["unet.x.lora_A.weight"]), Contents::Lora);
        assert_eq!(of(&["x.lokr_w1"]), Contents::Lora);
        assert_eq!(of(&["emb_params"]), Contents::Other);
    }
}
