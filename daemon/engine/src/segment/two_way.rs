//! Attention both ways: tokens to the picture, the picture to tokens.

use candle_core::{Result, Tensor};

use super::config::DecoderConfig;
use crate::layers::{LayerNorm, Linear};
use crate::ops;
use crate::weights::Weights;

/// By which attention between tokens and picture is narrower than they are.
const NARROWING: usize = 2;

/// The decoder's transformer.
#[derive(Debug, Clone)]
pub(super) struct TwoWayTransformer {
    layers: Vec<Layer>,
    final_attention: Attention,
    final_norm: LayerNorm,
}

impl TwoWayTransformer {
    pub(super) fn new(weights: &Weights<'_>, width: usize, decoder: &DecoderConfig) -> Self {
        let narrowed = width / NARROWING;
        let last = weights.at("final_attn_token_to_image");
        Self {
            layers: (0..decoder.depth)
                .map(|i| Layer::new(&weights.at(format!("layers.{i}")), width, decoder, i == 0))
                .collect(),
            final_attention: Attention::new(&last, width, narrowed, decoder.heads),
            final_norm: LayerNorm::new(&weights.at("norm_final_attn"), width, 1e-5),
        }
    }

    /// Tokens (1, n, width), picture and its positions (1, pixels, width) →
    /// both, changed.
    pub(super) fn forward(
        &self,
        tokens: &Tensor,
        picture: &Tensor,
        positions: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let (mut queries, mut keys) = (tokens.clone(), picture.clone());
        for layer in &self.layers {
            (queries, keys) = layer.forward(&queries, &keys, tokens, positions)?;
        }
        let q = (&queries + tokens)?;
        let k = (&keys + positions)?;
        let queries = (queries + self.final_attention.forward(&q, &k, &keys)?)?;
        Ok((self.final_norm.forward(&queries)?, keys))
    }
}

#[derive(Debug, Clone)]
struct Layer {
    self_attention: Attention,
    norm1: LayerNorm,
    to_picture: Attention,
    norm2: LayerNorm,
    lin1: Linear,
    lin2: Linear,
    norm3: LayerNorm,
    to_tokens: Attention,
    norm4: LayerNorm,
    /// The first layer's tokens are their own positions.
    first: bool,
}

impl Layer {
    fn new(weights: &Weights<'_>, width: usize, decoder: &DecoderConfig, first: bool) -> Self {
        let attention = |name: &str, inner: usize| {
            Attention::new(&weights.at(name), width, inner, decoder.heads)
        };
        let norm =
            |i: usize| LayerNorm::new(&weights.at(format!("norm{i}")), width, decoder.norm_eps);
        let narrowed = width / NARROWING;
        Self {
            self_attention: attention("self_attn", width),
            norm1: norm(1),
            to_picture: attention("cross_attn_token_to_image", narrowed),
            norm2: norm(2),
            lin1: Linear::new(&weights.at("mlp.lin1"), width, decoder.mlp, true),
            lin2: Linear::new(&weights.at("mlp.lin2"), decoder.mlp, width, true),
            norm3: norm(3),
            to_tokens: attention("cross_attn_image_to_token", narrowed),
            norm4: norm(4),
            first,
        }
    }

    fn forward(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        query_positions: &Tensor,
        key_positions: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let queries = if self.first {
            self.self_attention.forward(queries, queries, queries)?
        } else {
            let q = (queries + query_positions)?;
            (queries + self.self_attention.forward(&q, &q, queries)?)?
        };
        let queries = self.norm1.forward(&queries)?;

        let q = (&queries + query_positions)?;
        let k = (keys + key_positions)?;
        let queries = (&queries + self.to_picture.forward(&q, &k, keys)?)?;
        let queries = self.norm2.forward(&queries)?;

        let inner = self.lin1.forward(&queries)?.relu()?;
        let queries = (&queries + self.lin2.forward(&inner)?)?;
        let queries = self.norm3.forward(&queries)?;

        let q = (&queries + query_positions)?;
        let keys = (keys + self.to_tokens.forward(&k, &q, &queries)?)?;
        Ok((queries, self.norm4.forward(&keys)?))
    }
}

/// Attention that may be narrower inside than what it works on.
#[derive(Debug, Clone)]
struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
    scale: f64,
}

impl Attention {
    fn new(weights: &Weights<'_>, width: usize, inner: usize, heads: usize) -> Self {
        let into = |name: &str| Linear::new(&weights.at(name), width, inner, true);
        Self {
            q: into("q_proj"),
            k: into("k_proj"),
            v: into("v_proj"),
            out: Linear::new(&weights.at("out_proj"), inner, width, true),
            heads,
            scale: ((inner / heads) as f64).powf(-0.5),
        }
    }

    fn forward(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let (q, k, v) = (self.q.forward(q)?, self.k.forward(k)?, self.v.forward(v)?);
        let attended = ops::attention(&q, &k, &v, self.heads, self.scale, None)?;
        self.out.forward(&attended)
    }
}
