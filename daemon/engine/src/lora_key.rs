//! The names that tensors have in LoRA files.

/// What a tensor is to the layer that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LoraPart {
    /// A.
    Down,
    /// B.
    Up,
    /// Between A and B, of a convolution that is split in three (LyCORIS' CP
    /// decomposition).
    Middle,
    /// The scalar that the product is scaled by, over the rank.
    Alpha,
    /// Of another method, by its name.
    Other(&'static str),
}

/// How the keys of every format end; those that others end with come first.
const ENDINGS: [(&str, LoraPart); 43] = [
    (".lora_linear_layer.down.weight", LoraPart::Down),
    (".lora_linear_layer.up.weight", LoraPart::Up),
    (".lora_linear_layer.alpha", LoraPart::Alpha),
    (".lora_layer.down.weight", LoraPart::Down),
    (".lora_layer.up.weight", LoraPart::Up),
    (".lora_down.weight", LoraPart::Down),
    (".lora_up.weight", LoraPart::Up),
    (".lora_mid.weight", LoraPart::Middle),
    (".lora.down.weight", LoraPart::Down),
    (".lora.up.weight", LoraPart::Up),
    ("_lora.down.weight", LoraPart::Down),
    ("_lora.up.weight", LoraPart::Up),
    (".lora.alpha", LoraPart::Alpha),
    ("_lora.alpha", LoraPart::Alpha),
    (".lora_A.weight", LoraPart::Down),
    (".lora_B.weight", LoraPart::Up),
    (".lora_A", LoraPart::Down),
    (".lora_B", LoraPart::Up),
    (".alpha", LoraPart::Alpha),
    (".dora_scale", LoraPart::Other("DoRA")),
    (".lora_magnitude_vector", LoraPart::Other("DoRA")),
    (".lora_magnitude_vector.weight", LoraPart::Other("DoRA")),
    (".lora_B.bias", LoraPart::Other("LoRA with biases")),
    (".lora_up.bias", LoraPart::Other("LoRA with biases")),
    (".oft_blocks", LoraPart::Other("OFT")),
    (".oft_diag", LoraPart::Other("OFT")),
    (".oft_R.weight", LoraPart::Other("OFT")),
    (".on_input", LoraPart::Other("IA3")),
    (".ia3_l", LoraPart::Other("IA3")),
    (".a1.weight", LoraPart::Other("GLoRA")),
    (".a2.weight", LoraPart::Other("GLoRA")),
    (".b1.weight", LoraPart::Other("GLoRA")),
    (".b2.weight", LoraPart::Other("GLoRA")),
    (".diff", LoraPart::Other("full differences")),
    (".diff_b", LoraPart::Other("full differences")),
    (".w_norm", LoraPart::Other("trained norms")),
    (".b_norm", LoraPart::Other("trained norms")),
    (".lora_embedding_A", LoraPart::Other("embeddings")),
    (".lora_embedding_B", LoraPart::Other("embeddings")),
    (".t_conv_norm", LoraPart::Other("trained norms")),
    (".boft_R", LoraPart::Other("OFT")),
    (".vera_lambda_b", LoraPart::Other("VeRA")),
    (".vera_lambda_d", LoraPart::Other("VeRA")),
];

/// A key as layer and part; `None` for one that no LoRA has. PEFT puts the
/// adapter's name into its keys (`lora_A.default.weight`): any is taken.
pub(crate) fn parse(key: &str) -> Option<(&str, LoraPart)> {
    for (marker, method) in [(".hada_", "LoHa"), (".lokr_", "LoKr")] {
        if let Some((layer, _)) = key.rsplit_once(marker) {
            return Some((layer, LoraPart::Other(method)));
        }
    }
    for (marker, part) in [
        (".lora_A.", LoraPart::Down),
        (".lora_B.", LoraPart::Up),
        (".lora_magnitude_vector.", LoraPart::Other("DoRA")),
    ] {
        let adapter = |rest: &str| {
            rest.strip_suffix(".weight")
                .is_some_and(|name| !name.is_empty() && !name.contains('.'))
        };
        if let Some((layer, rest)) = key.split_once(marker)
            && adapter(rest)
        {
            return Some((layer, part));
        }
    }
    ENDINGS
        .iter()
        .find_map(|(ending, part)| Some((key.strip_suffix(ending)?, *part)))
        .filter(|(layer, _)| !layer.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_format_are_taken_apart() {
        use LoraPart::{Alpha, Down, Middle, Other, Up};
        for (key, layer, part) in [
            ("lora_unet_x.lora_down.weight", "lora_unet_x", Down),
            ("lora_unet_x.lora_mid.weight", "lora_unet_x", Middle),
            ("lora_te_x.alpha", "lora_te_x", Alpha),
            (
                "base_model.model.x.lora_A.weight",
                "base_model.model.x",
                Down,
            ),
            (
                "base_model.model.x.lora_B.default.weight",
                "base_model.model.x",
                Up,
            ),
            ("unet.x.lora_A.my_name.weight", "unet.x", Down),
            ("unet.x.lora_A", "unet.x", Down),
            (
                "unet.x.processor.to_q_lora.up.weight",
                "unet.x.processor.to_q",
                Up,
            ),
            (
                "text_encoder.x.lora_linear_layer.down.weight",
                "text_encoder.x",
                Down,
            ),
            ("unet.x.lora.down.weight", "unet.x", Down),
            ("x.hada_w1_a", "x", Other("LoHa")),
            ("x.lokr_w2_b", "x", Other("LoKr")),
            ("x.dora_scale", "x", Other("DoRA")),
            ("x.lora_magnitude_vector.default.weight", "x", Other("DoRA")),
            ("x.lora_magnitude_vector", "x", Other("DoRA")),
        ] {
            assert_eq!(parse(key), Some((layer, part)), "{key}");
        }
        for key in [
            "",
            ".alpha",
            "emb_params",
            "x.weight",
            "x.lora_A.a.b.weight",
        ] {
            assert_eq!(parse(key), None, "{key}");
        }
    }
}
