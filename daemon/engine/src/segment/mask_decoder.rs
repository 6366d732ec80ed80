//! From an embedding and a prompt to masks and how good they are.

use candle_core::{IndexOp, Result, Tensor};

use super::config::SegmenterConfig;
use super::norms::{ChannelNorm, Doubling};
use super::two_way::TwoWayTransformer;
use crate::layers::{Embedding, Linear};
use crate::ops;
use crate::weights::Weights;

/// The decoder.
#[derive(Debug, Clone)]
pub(super) struct MaskDecoder {
    iou_token: Embedding,
    mask_tokens: Embedding,
    transformer: TwoWayTransformer,
    up1: Doubling,
    norm: ChannelNorm,
    up2: Doubling,
    /// For each mask token, what makes of it a mask of the picture.
    hypernetworks: Vec<Mlp>,
    iou_head: Mlp,
}

impl MaskDecoder {
    pub(super) fn new(weights: &Weights<'_>, config: &SegmenterConfig) -> Result<Self> {
        let (width, decoder) = (config.width, &config.decoder);
        let masks = decoder.candidates + 1;
        let up = |i: usize| weights.at(format!("output_upscaling.{i}"));
        let hypernetworks = weights.at("output_hypernetworks_mlps");
        let hypernetwork = |i: usize| Mlp::new(&hypernetworks.at(i), width, width, width / 8);
        let iou_head = weights.at("iou_prediction_head");
        Ok(Self {
            iou_token: Embedding::new(&weights.at("iou_token"), 1, width),
            mask_tokens: Embedding::new(&weights.at("mask_tokens"), masks, width),
            transformer: TwoWayTransformer::new(&weights.at("transformer"), width, decoder),
            up1: Doubling::new(&up(0), width, width / 4)?,
            norm: ChannelNorm::new(&up(1), width / 4),
            up2: Doubling::new(&up(3), width / 4, width / 8)?,
            hypernetworks: (0..masks).map(hypernetwork).collect(),
            iou_head: Mlp::new(&iou_head, width, decoder.iou_hidden, masks),
        })
    }

    /// Embedding, its positions and the mask prompt (1, width, grid, grid),
    /// tokens (1, n, width) → the candidates' logits (candidates, 4·grid,
    /// 4·grid) and their expected IoU (candidates).
    pub(super) fn forward(
        &self,
        embedding: &Tensor,
        positions: &Tensor,
        tokens: Option<&Tensor>,
        mask: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let (_, width, height, columns) = embedding.dims4()?;
        let own = [self.iou_token.table(), self.mask_tokens.table()];
        let own = Tensor::cat(&own, 0)?.unsqueeze(0)?;
        let tokens = match tokens {
            Some(tokens) => Tensor::cat(&[&own, tokens], 1)?,
            None => own,
        };
        let flat = |x: &Tensor| x.flatten_from(2)?.transpose(1, 2)?.contiguous();
        let picture = flat(&(embedding + mask)?)?;
        let (tokens, picture) = self
            .transformer
            .forward(&tokens, &picture, &flat(positions)?)?;

        let picture = picture.transpose(1, 2)?.contiguous()?;
        let picture = picture.reshape((1, width, height, columns))?;
        let picture = ops::gelu_erf(&self.norm.forward(&self.up1.forward(&picture)?)?)?;
        let picture = ops::gelu_erf(&self.up2.forward(&picture)?)?;
        let (_, channels, rows, columns) = picture.dims4()?;
        let picture = picture.reshape((channels, rows * columns))?;

        // The first token is for prompts that can mean only one thing.
        let networks = self.hypernetworks.iter().enumerate().skip(1);
        let masks = networks.map(|(i, network)| network.forward(&tokens.i((.., 1 + i, ..))?));
        let masks = Tensor::cat(&masks.collect::<Result<Vec<_>>>()?, 0)?;
        let candidates = masks.dim(0)?;
        let logits = masks.matmul(&picture)?;
        let logits = logits.reshape((candidates, rows, columns))?;
        let scores = self.iou_head.forward(&tokens.i((.., 0, ..))?)?;
        Ok((logits, scores.i((0, 1..))?))
    }
}

/// Three linear layers with ReLU between them.
#[derive(Debug, Clone)]
struct Mlp {
    layers: [Linear; 3],
}

impl Mlp {
    fn new(weights: &Weights<'_>, inputs: usize, hidden: usize, outputs: usize) -> Self {
        let layer = |i: usize, inputs: usize, outputs: usize| {
            Linear::new(&weights.at(format!("layers.{i}")), inputs, outputs, true)
        };
        Self {
            layers: [
                layer(0, inputs, hidden),
                layer(1, hidden, hidden),
                layer(2, hidden, outputs),
            ],
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second, last] = &self.layers;
        let x = first.forward(&x.contiguous()?)?.relu()?;
        last.forward(&second.forward(&x)?.relu()?)
    }
}
