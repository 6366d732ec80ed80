//! Which layer of a model the name in a LoRA file means.
//!
//! Some formats write underscores for the dots of a name, which cannot be
//! undone by rule: `down_blocks_0` has one dot, not two. So the layers that a
//! model has are written in every way, and a name is looked up among them.

use std::collections::BTreeMap;

use crate::adapters::AdaptableLayers;
use crate::config::UNetConfig;
use crate::ldm_names;

/// A network that LoRAs act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdaptedNetwork {
    /// The text encoder.
    TextEncoder,
    /// The UNet.
    UNet,
}

/// A layer that a LoRA acts on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdaptedLayer {
    /// Its network.
    pub network: AdaptedNetwork,
    /// Its name there, as diffusers and transformers have it.
    pub name: String,
}

impl std::fmt::Display for AdaptedLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let network = match self.network {
            AdaptedNetwork::TextEncoder => "text_encoder",
            AdaptedNetwork::UNet => "unet",
        };
        write!(f, "{network}.{}", self.name)
    }
}

/// What stands before a layer's name; the network where that tells it.
const PREFIXES: [(&str, Option<AdaptedNetwork>); 11] = [
    ("base_model.model.", None),
    ("lora_unet_", Some(AdaptedNetwork::UNet)),
    ("lora_te_", Some(AdaptedNetwork::TextEncoder)),
    ("lora_te1_", Some(AdaptedNetwork::TextEncoder)),
    ("unet.", Some(AdaptedNetwork::UNet)),
    ("text_encoder.", Some(AdaptedNetwork::TextEncoder)),
    ("model.diffusion_model.", Some(AdaptedNetwork::UNet)),
    ("model_diffusion_model_", Some(AdaptedNetwork::UNet)),
    ("diffusion_model.", Some(AdaptedNetwork::UNet)),
    (
        "cond_stage_model.transformer.",
        Some(AdaptedNetwork::TextEncoder),
    ),
    (
        "cond_stage_model_transformer_",
        Some(AdaptedNetwork::TextEncoder),
    ),
];

/// The layers of a model under all the names that they go by.
#[derive(Debug, Default)]
pub struct LayerNames {
    layers: BTreeMap<AdaptedLayer, Vec<usize>>,
    by_name: BTreeMap<(AdaptedNetwork, String), AdaptedLayer>,
}

impl LayerNames {
    /// Collects the names of both networks' layers.
    #[must_use]
    pub fn new(
        text_encoder: &AdaptableLayers,
        unet: &AdaptableLayers,
        config: &UNetConfig,
    ) -> Self {
        let mut names = Self::default();
        for (name, layer) in unet {
            let original = ldm_names::unet(config, name);
            let original = original
                .strip_prefix(ldm_names::UNET_PREFIX)
                .unwrap_or(name);
            let shape = &layer.weight_shape;
            let short = name
                .strip_suffix(".to_out.0")
                .map(|rest| format!("{rest}.to_out"));
            let aliases = [Some(name.clone()), Some(original.to_owned()), short];
            names.add(
                AdaptedNetwork::UNet,
                name,
                shape,
                aliases.into_iter().flatten(),
            );
        }
        for (name, layer) in text_encoder {
            let bare = name.strip_prefix("text_model.").unwrap_or(name);
            // What diffusers once called them.
            let attention = [
                (".q_proj", ".to_q"),
                (".k_proj", ".to_k"),
                (".v_proj", ".to_v"),
                (".out_proj", ".to_out"),
            ];
            let old = attention
                .iter()
                .find_map(|(new, old)| Some(format!("{}{old}", bare.strip_suffix(new)?)));
            let aliases = std::iter::once(bare.to_owned())
                .chain(old)
                .flat_map(|alias| [format!("text_model.{alias}"), alias]);
            names.add(
                AdaptedNetwork::TextEncoder,
                name,
                &layer.weight_shape,
                aliases,
            );
        }
        names
    }

    fn add(
        &mut self,
        network: AdaptedNetwork,
        name: &str,
        shape: &[usize],
        aliases: impl Iterator<Item = String>,
    ) {
        let layer = AdaptedLayer {
            network,
            name: name.to_owned(),
        };
        for alias in aliases {
            let entry = self.by_name.entry((network, flat(&alias)));
            entry.or_insert_with(|| layer.clone());
        }
        self.layers.insert(layer, shape.to_vec());
    }

    /// The layer that a name in a LoRA file means, and the shape of its weight.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&AdaptedLayer, &[usize])> {
        let (mut rest, mut network) = (name, None);
        while let Some((prefix, tells)) = PREFIXES.iter().find(|(p, _)| rest.starts_with(p)) {
            rest = &rest[prefix.len()..];
            network = network.or(*tells);
        }
        let flat = flat(&rest.replace(".processor.", "."));
        let networks = match network {
            Some(network) => vec![network],
            None => vec![AdaptedNetwork::UNet, AdaptedNetwork::TextEncoder],
        };
        networks.into_iter().find_map(|network| {
            let layer = self.by_name.get(&(network, flat.clone()))?;
            Some((layer, self.layers.get(layer)?.as_slice()))
        })
    }

    /// How many layers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

/// A name with underscores for dots.
fn flat(name: &str) -> String {
    name.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::{AdaptableLayer, Adapters};
    use crate::config::ClipTextConfig;
    use crate::text_encoder::ClipTextModel;
    use crate::unet::UNet;
    use crate::weights::Weights;

    /// The adaptable layers of Stable Diffusion 1.5, told by its parameters.
    fn layers(parameters: Vec<(String, Vec<usize>)>) -> AdaptableLayers {
        let weights = parameters.into_iter().filter_map(|(name, shape)| {
            let layer = name.strip_suffix(".weight")?.to_owned();
            (shape.len() >= 2 && !layer.contains("embeddings")).then_some((layer, shape))
        });
        weights
            .map(|(name, weight_shape)| {
                let adapters = Adapters::default();
                let layer = AdaptableLayer {
                    weight_shape,
                    adapters,
                };
                (name, layer)
            })
            .collect()
    }

    fn stable_diffusion_1_5() -> (LayerNames, AdaptableLayers, AdaptableLayers, UNetConfig) {
        let config = UNetConfig::stable_diffusion_1_5(4);
        let text = ClipTextConfig::stable_diffusion_1_5();
        let unet = layers(Weights::parameters(|w| UNet::new(&config, w)).unwrap());
        let text = layers(Weights::parameters(|w| ClipTextModel::new(&text, w)).unwrap());
        (LayerNames::new(&text, &unet, &config), text, unet, config)
    }

    #[test]
    fn every_layer_is_found_in_every_writing() {
        let (names, text, unet, config) = stable_diffusion_1_5();
        assert_eq!(names.len(), text.len() + unet.len());
        for name in unet.keys() {
            let found = |written: &str| {
                let found = names.find(written).map(|(layer, _)| layer.to_string());
                assert_eq!(found, Some(format!("unet.{name}")), "{written}");
            };
            let original = ldm_names::unet(&config, name);
            found(name);
            found(&format!("unet.{name}"));
            found(&format!("base_model.model.{name}"));
            found(&format!("base_model.model.unet.{name}"));
            found(&format!("lora_unet_{}", flat(name)));
            found(&original);
            let original = original.strip_prefix(ldm_names::UNET_PREFIX).unwrap();
            found(&format!("lora_unet_{}", flat(original)));
        }
        for name in text.keys() {
            let found = |written: &str| {
                let found = names.find(written).map(|(layer, _)| layer.to_string());
                assert_eq!(found, Some(format!("text_encoder.{name}")), "{written}");
            };
            found(name);
            found(&format!("text_encoder.{name}"));
            found(&format!("lora_te_{}", flat(name)));
            let bare = name.strip_prefix("text_model.").unwrap();
            found(&format!("text_encoder.{bare}"));
            found(&format!("base_model.model.{bare}"));
        }
    }

    #[test]
    fn published_names_are_met() {
        let (names, ..) = stable_diffusion_1_5();
        for (written, layer) in [
            (
                "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q",
                "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
            ),
            (
                "lora_unet_output_blocks_11_1_proj_out",
                "unet.up_blocks.3.attentions.2.proj_out",
            ),
            (
                "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out",
                "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
            ),
            (
                "text_encoder.text_model.encoder.layers.3.self_attn.to_out",
                "text_encoder.text_model.encoder.layers.3.self_attn.out_proj",
            ),
            (
                "lora_te_text_model_encoder_layers_11_mlp_fc1",
                "text_encoder.text_model.encoder.layers.11.mlp.fc1",
            ),
        ] {
            let found = names.find(written).map(|(layer, _)| layer.to_string());
            assert_eq!(found.as_deref(), Some(layer), "{written}");
        }
        for foreign in [
            "lora_te2_text_model_encoder_layers_0_mlp_fc1",
            "lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_q",
            "transformer.single_transformer_blocks.0.attn.to_q",
            "",
        ] {
            assert_eq!(names.find(foreign), None, "{foreign}");
        }
    }
}
