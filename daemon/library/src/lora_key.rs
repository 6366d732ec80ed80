//! The names that keys have in LoRA files.

/// Who names keys that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// `lora_unet_down_blocks_0_….lora_down.weight`
    Kohya,
    /// `base_model.model.….lora_A.weight`
    Peft,
    /// `unet.….lora_A.weight`, `unet.….processor.to_q_lora.down.weight`
    Diffusers,
}

/// Which network a layer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    TextEncoder,
    UNet,
}

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A: (rank, inputs), for a convolution (rank, inputs, kh, kw).
    Down,
    /// B: (outputs, rank).
    Up,
    /// The middle one of a convolution that is split in three.
    Middle,
    /// The scalar that the product is scaled by, over the rank.
    Alpha,
    /// Of a weight that is split in direction and magnitude.
    Dora,
    /// Of a Hadamard product of two products.
    Loha,
    /// Of a Kronecker product.
    Lokr,
}

/// A key, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoraKey<'a> {
    /// The layer, as the key spells it.
    pub(crate) layer: &'a str,
    pub(crate) part: Part,
    pub(crate) naming: Naming,
    pub(crate) network: Network,
}

/// Endings, those that others end with first.
const ENDINGS: [(&str, Part); 40] = [
    (".lora_linear_layer.down.weight", Part::Down),
    (".lora_linear_layer.up.weight", Part::Up),
    (".lora_magnitude_vector.default.weight", Part::Dora),
    (".lora_magnitude_vector.weight", Part::Dora),
    (".lora_magnitude_vector", Part::Dora),
    (".lora_A.default.weight", Part::Down),
    (".lora_B.default.weight", Part::Up),
    (".lora_A.weight", Part::Down),
    (".lora_B.weight", Part::Up),
    (".lora_down.weight", Part::Down),
    (".lora_up.weight", Part::Up),
    (".lora_mid.weight", Part::Middle),
    (".lora.down.weight", Part::Down),
    (".lora.up.weight", Part::Up),
    ("_lora.down.weight", Part::Down),
    ("_lora.up.weight", Part::Up),
    (".lora_linear_layer.alpha", Part::Alpha),
    (".lora.alpha", Part::Alpha),
    ("_lora.alpha", Part::Alpha),
    (".alpha", Part::Alpha),
    (".dora_scale", Part::Dora),
    (".hada_w1_a", Part::Loha),
    (".hada_w1_b", Part::Loha),
    (".hada_w2_a", Part::Loha),
    (".hada_w2_b", Part::Loha),
    (".hada_w1_a.weight", Part::Loha),
    (".hada_w1_b.weight", Part::Loha),
    (".hada_w2_a.weight", Part::Loha),
    (".hada_w2_b.weight", Part::Loha),
    (".hada_t1", Part::Loha),
    (".hada_t2", Part::Loha),
    (".lokr_w1", Part::Lokr),
    (".lokr_w2", Part::Lokr),
    (".lokr_w1_a", Part::Lokr),
    (".lokr_w1_b", Part::Lokr),
    (".lokr_w2_a", Part::Lokr),
    (".lokr_w2_b", Part::Lokr),
    (".lokr_t1", Part::Lokr),
    (".lokr_t2", Part::Lokr),
    (".lora_magnitude", Part::Dora),
];

impl<'a> LoraKey<'a> {
    /// Takes a key apart; `None` for one that no LoRA of these kinds has.
    pub(crate) fn parse(key: &'a str) -> Option<Self> {
        let (layer, part) = ENDINGS
            .iter()
            .find_map(|(ending, part)| Some((key.strip_suffix(ending)?, *part)))?;
        let begins = |prefix: &str| layer.starts_with(prefix);
        let (naming, network) = if begins("lora_unet_") {
            (Naming::Kohya, Network::UNet)
        } else if begins("lora_te") {
            (Naming::Kohya, Network::TextEncoder)
        } else if begins("base_model.model.") {
            let text = layer.contains("text_model") || layer.contains("text_encoder");
            let network = if text {
                Network::TextEncoder
            } else {
                Network::UNet
            };
            (Naming::Peft, network)
        } else if begins("unet.") {
            (Naming::Diffusers, Network::UNet)
        } else if begins("text_encoder") || begins("text_model.") {
            (Naming::Diffusers, Network::TextEncoder)
        } else if ["down_blocks.", "mid_block.", "up_blocks."]
            .into_iter()
            .any(begins)
        {
            (Naming::Diffusers, Network::UNet)
        } else {
            return None;
        };
        Some(Self {
            layer,
            part,
            naming,
            network,
        })
    }

    /// Whether the layer makes keys or values of cross-attention, so that its
    /// inputs are as wide as the text encoder's output.
    pub(crate) fn reads_text(&self) -> bool {
        let names = ["attn2_to_k", "attn2_to_v", "attn2.to_k", "attn2.to_v"];
        let of_processor = ["attn2.processor.to_k", "attn2.processor.to_v"];
        self.network == Network::UNet
            && (names.into_iter().chain(of_processor)).any(|name| self.layer.ends_with(name))
    }

    /// Whether the layer's inputs are the text encoder's own.
    pub(crate) fn reads_hidden_text(&self) -> bool {
        self.network == Network::TextEncoder && self.layer.ends_with("q_proj")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        use Naming::{Diffusers, Kohya, Peft};
        use Network::{TextEncoder, UNet};
        for (key, layer, part, naming, network) in [
            (
                "lora_unet_mid_block_x.lora_down.weight",
                "lora_unet_mid_block_x",
                Part::Down,
                Kohya,
                UNet,
            ),
            (
                "lora_te_text_model_x.alpha",
                "lora_te_text_model_x",
                Part::Alpha,
                Kohya,
                TextEncoder,
            ),
            (
                "base_model.model.mid_block.x.lora_B.weight",
                "base_model.model.mid_block.x",
                Part::Up,
                Peft,
                UNet,
            ),
            (
                "base_model.model.text_model.x.lora_A.default.weight",
                "base_model.model.text_model.x",
                Part::Down,
                Peft,
                TextEncoder,
            ),
            (
                "unet.x.attn1.processor.to_q_lora.up.weight",
                "unet.x.attn1.processor.to_q",
                Part::Up,
                Diffusers,
                UNet,
            ),
            (
                "text_encoder.x.lora_linear_layer.down.weight",
                "text_encoder.x",
                Part::Down,
                Diffusers,
                TextEncoder,
            ),
            (
                "unet.x.lora.down.weight",
                "unet.x",
                Part::Down,
                Diffusers,
                UNet,
            ),
            (
                "lora_unet_x.dora_scale",
                "lora_unet_x",
                Part::Dora,
                Kohya,
                UNet,
            ),
            (
                "lora_unet_x.hada_w1_a",
                "lora_unet_x",
                Part::Loha,
                Kohya,
                UNet,
            ),
            (
                "lora_unet_x.lokr_w2_b",
                "lora_unet_x",
                Part::Lokr,
                Kohya,
                UNet,
            ),
        ] {
            let parsed = LoraKey::parse(key).expect(key);
            let expected = LoraKey {
                layer,
                part,
                naming,
                network,
            };
            assert_eq!(parsed, expected, "{key}");
        }
        for key in [
            "lora_unet_x.weight",
            "emb_params",
            "model.x.lora_down.weight",
            "",
        ] {
            assert_eq!(LoraKey::parse(key), None, "{key}");
        }
    }
}
