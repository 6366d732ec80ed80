//! CLIP's text encoder, Radford et al. 2021, as transformers' `CLIPTextModel`.

use candle_core::{D, DType, Result, Tensor};

use crate::adapters::AdaptableLayers;
use crate::config::ClipTextConfig;
use crate::layers::{Embedding, LayerNorm, Linear};
use crate::ops;
use crate::weights::Weights;

/// What old configurations call the end of a text, whatever its true id.
const LEGACY_EOS: u32 = 2;

#[derive(Debug, Clone)]
struct EncoderLayer {
    layer_norm1: LayerNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    layer_norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    quick_gelu: bool,
}

impl EncoderLayer {
    fn new(config: &ClipTextConfig, weights: &Weights<'_>) -> Self {
        let width = config.hidden_size;
        let attention = weights.at("self_attn");
        let square = |name: &str| Linear::new(&attention.at(name), width, width, true);
        let mlp = weights.at("mlp");
        Self {
            layer_norm1: LayerNorm::new(&weights.at("layer_norm1"), width, config.layer_norm_eps),
            q_proj: square("q_proj"),
            k_proj: square("k_proj"),
            v_proj: square("v_proj"),
            out_proj: square("out_proj"),
            layer_norm2: LayerNorm::new(&weights.at("layer_norm2"), width, config.layer_norm_eps),
            fc1: Linear::new(&mlp.at("fc1"), width, config.intermediate_size, true),
            fc2: Linear::new(&mlp.at("fc2"), config.intermediate_size, width, true),
            heads: config.num_attention_heads,
            quick_gelu: config.hidden_act == "quick_gelu",
        }
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let normed = self.layer_norm1.forward(x)?;
        let head_dim = x.dim(D::Minus1)? / self.heads;
        let attended = ops::attention(
            &self.q_proj.forward(&normed)?,
            &self.k_proj.forward(&normed)?,
            &self.v_proj.forward(&normed)?,
            self.heads,
            (head_dim as f64).powf(-0.5),
            Some(mask),
        )?;
        let x = (x + self.out_proj.forward(&attended)?)?;
        let inner = self.fc1.forward(&self.layer_norm2.forward(&x)?)?;
        let inner = if self.quick_gelu {
            ops::quick_gelu(&inner)
        } else {
            ops::gelu_erf(&inner)
        }?;
        x + self.fc2.forward(&inner)?
    }
}

/// The text encoder: token ids in, one hidden state for each token out.
#[derive(Debug, Clone)]
pub struct ClipTextModel {
    token_embedding: Embedding,
    position_embedding: Embedding,
    layers: Vec<EncoderLayer>,
    final_layer_norm: LayerNorm,
    config: ClipTextConfig,
    adaptable: AdaptableLayers,
}

impl ClipTextModel {
    /// Builds the encoder from tensors named as transformers names them
    /// (`text_model.…`).
    pub fn new(config: &ClipTextConfig, weights: &Weights<'_>) -> Self {
        let root = weights.at("text_model");
        let width = config.hidden_size;
        let embeddings = root.at("embeddings");
        Self {
            token_embedding: Embedding::new(
                &embeddings.at("token_embedding"),
                config.vocab_size,
                width,
            ),
            position_embedding: Embedding::new(
                &embeddings.at("position_embedding"),
                config.max_position_embeddings,
                width,
            ),
            layers: (0..config.num_hidden_layers)
                .map(|i| EncoderLayer::new(config, &root.at(format!("encoder.layers.{i}"))))
                .collect(),
            final_layer_norm: LayerNorm::new(
                &root.at("final_layer_norm"),
                width,
                config.layer_norm_eps,
            ),
            config: config.clone(),
            adaptable: weights.adaptable_layers(),
        }
    }

    /// Hidden states of `ids` (batch, tokens) u32 → (batch, tokens, hidden),
    /// after the final layer normalisation. `clip_skip` last layers are left
    /// out, counted as diffusers counts: 0 runs all layers (other tools call
    /// that "clip skip 1").
    ///
    /// # Errors
    /// If a text is longer than the model's positions, an id is not in its
    /// vocabulary, or no layer would be left.
    pub fn forward(&self, ids: &Tensor, clip_skip: usize) -> Result<Tensor> {
        let (_, tokens) = ids.dims2()?;
        if tokens > self.config.max_position_embeddings {
            candle_core::bail!(
                "{tokens} tokens, but this text encoder has {} positions",
                self.config.max_position_embeddings
            );
        }
        if clip_skip >= self.layers.len() {
            candle_core::bail!(
                "clip skip {clip_skip} leaves none of this text encoder's {} layers",
                self.layers.len()
            );
        }
        let positions = self.position_embedding.table().narrow(0, 0, tokens)?;
        let mut hidden = self
            .token_embedding
            .forward(ids)?
            .broadcast_add(&positions)?;
        let mask = causal_mask(tokens, hidden.device())?;
        for layer in &self.layers[..self.layers.len() - clip_skip] {
            hidden = layer.forward(&hidden, &mask)?;
        }
        self.final_layer_norm.forward(&hidden)
    }

    /// The hidden state at each text's end: hidden (batch, tokens, hidden), ids
    /// (batch, tokens) → (batch, hidden).
    pub fn pool(&self, hidden: &Tensor, ids: &Tensor) -> Result<Tensor> {
        let rows = ids.to_dtype(DType::U32)?.to_vec2::<u32>()?;
        let mut pooled = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let end = if self.config.eos_token_id == LEGACY_EOS {
                let highest = row.iter().max();
                row.iter().position(|id| Some(id) == highest)
            } else {
                row.iter().position(|&id| id == self.config.eos_token_id)
            };
            let end = end.unwrap_or_default();
            pooled.push(hidden.narrow(0, index, 1)?.narrow(1, end, 1)?.squeeze(1)?);
        }
        Tensor::cat(&pooled, 0)
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// The layers that can take low-rank adapters, by name.
    pub fn adaptable_layers(&self) -> &AdaptableLayers {
        &self.adaptable
    }
}

/// (tokens, tokens), −∞ where a token would see a later one.
fn causal_mask(tokens: usize, device: &candle_core::Device) -> Result<Tensor> {
    let values: Vec<f32> = (0..tokens)
        .flat_map(|row| (0..tokens).map(move |column| (row, column)))
        .map(|(row, column)| if column > row { f32::NEG_INFINITY } else { 0.0 })
        .collect();
    Tensor::from_vec(values, (tokens, tokens), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;
    use candle_core::Device;

    fn ids() -> Tensor {
        Tensor::new(&[[58u32, 3, 17, 59, 59], [58, 3, 18, 20, 59]], &Device::Cpu).unwrap()
    }

    #[test]
    fn a_token_sees_only_what_stands_before_it() {
        let config = tiny::text_encoder_config();
        let weights = tiny::text_encoder_tensors(&config);
        let model = tiny::build(&weights, |w| ClipTextModel::new(&config, w));
        let hidden = model.forward(&ids(), 0).unwrap();
        assert_eq!(hidden.dims(), [2, 5, 16]);
        let (a, b) = (hidden.get(0).unwrap(), hidden.get(1).unwrap());
        let same = tiny::max_difference(&a.narrow(0, 0, 2).unwrap(), &b.narrow(0, 0, 2).unwrap());
        let other = tiny::max_difference(&a.narrow(0, 2, 1).unwrap(), &b.narrow(0, 2, 1).unwrap());
        assert!(same < 1e-6 && other > 1e-3, "{same} {other}");
    }

    #[test]
    fn clip_skip_leaves_out_the_last_layers() {
        let config = tiny::text_encoder_config();
        let mut weights = tiny::text_encoder_tensors(&config);
        let model = tiny::build(&weights, |w| ClipTextModel::new(&config, w));
        let skipped = model.forward(&ids(), 1).unwrap();

        let shorter = ClipTextConfig {
            num_hidden_layers: 2,
            ..config.clone()
        };
        weights.retain(|name, _| !name.contains("layers.2."));
        let short = tiny::build(&weights, |w| ClipTextModel::new(&shorter, w));
        assert_eq!(
            tiny::max_difference(&skipped, &short.forward(&ids(), 0).unwrap()),
            0.0
        );
        assert!(model.forward(&ids(), 3).is_err());
    }

    #[test]
    fn texts_are_pooled_at_their_end() {
        for eos_token_id in [59, LEGACY_EOS] {
            let config = ClipTextConfig {
                eos_token_id,
                ..tiny::text_encoder_config()
            };
            let weights = tiny::text_encoder_tensors(&config);
            let model = tiny::build(&weights, |w| ClipTextModel::new(&config, w));
            let hidden = model.forward(&ids(), 0).unwrap();
            let pooled = model.pool(&hidden, &ids()).unwrap();
            for (row, end) in [(0, 3), (1, 4)] {
                let expected = hidden.get(row).unwrap().get(end).unwrap();
                assert_eq!(
                    tiny::max_difference(&pooled.get(row).unwrap(), &expected),
                    0.0
                );
            }
        }
    }

    #[test]
    fn over_long_texts_are_refused() {
        let config = tiny::text_encoder_config();
        let weights = tiny::text_encoder_tensors(&config);
        let model = tiny::build(&weights, |w| ClipTextModel::new(&config, w));
        let ids = Tensor::zeros((1, 10), DType::U32, &Device::Cpu).unwrap();
        let message = model.forward(&ids, 0).unwrap_err().to_string();
        assert!(message.contains("9 positions"), "{message}");
    }

    #[test]
    fn every_weight_can_be_trained() {
        let config = tiny::text_encoder_config();
        for hidden_act in ["quick_gelu", "gelu"] {
            let config = ClipTextConfig {
                hidden_act: hidden_act.to_owned(),
                ..config.clone()
            };
            tiny::assert_all_trainable(&tiny::text_encoder_tensors(&config), |weights| {
                tiny::build(weights, |w| ClipTextModel::new(&config, w))
                    .forward(&ids(), 0)
                    .unwrap()
            });
        }
    }
}
