//! Points, boxes and masks as tokens and pictures for the decoder.

use std::f64::consts::PI;

use candle_core::{Device, Result, Tensor};

use super::config::SegmenterConfig;
use super::image_frame::Frame;
use super::norms::ChannelNorm;
use super::prompt::Prompt;
use crate::layers::{Conv2d, Embedding};
use crate::ops;
use crate::weights::Weights;

/// The encoder.
#[derive(Debug, Clone)]
pub(super) struct PromptEncoder {
    frequencies: Tensor,
    /// Of a point that does not belong, of one that does, of a box's top left
    /// corner and of its bottom right one.
    kinds: Vec<Embedding>,
    not_a_point: Embedding,
    no_mask: Embedding,
    down1: Conv2d,
    norm1: ChannelNorm,
    down2: Conv2d,
    norm2: ChannelNorm,
    widen: Conv2d,
    grid: usize,
    side: usize,
    width: usize,
}

impl PromptEncoder {
    pub(super) fn new(weights: &Weights<'_>, config: &SegmenterConfig) -> Self {
        let width = config.width;
        let channels = config.mask_channels;
        let down = |i: usize| weights.at(format!("mask_downscaling.{i}"));
        let kind =
            |i: usize| Embedding::new(&weights.at(format!("point_embeddings.{i}")), 1, width);
        Self {
            frequencies: weights.get(
                "pe_layer.positional_encoding_gaussian_matrix",
                &[2, width / 2],
            ),
            kinds: (0..4).map(kind).collect(),
            not_a_point: Embedding::new(&weights.at("not_a_point_embed"), 1, width),
            no_mask: Embedding::new(&weights.at("no_mask_embed"), 1, width),
            down1: Conv2d::new(&down(0), 1, channels / 4, 2, 2, 0),
            norm1: ChannelNorm::new(&down(1), channels / 4),
            down2: Conv2d::new(&down(3), channels / 4, channels, 2, 2, 0),
            norm2: ChannelNorm::new(&down(4), channels),
            widen: Conv2d::pointwise(&down(6), channels, width),
            grid: config.grid(),
            side: config.image_size,
            width,
        }
    }

    /// Where things are, by random spatial frequencies (Tancik et al. 2020):
    /// places (n, 2) from 0 to 1 → (n, width).
    fn positions(&self, places: &[(f64, f64)], device: &Device) -> Result<Tensor> {
        let centred: Vec<f32> = places
            .iter()
            .flat_map(|&(x, y)| [(2.0 * x - 1.0) as f32, (2.0 * y - 1.0) as f32])
            .collect();
        let centred = Tensor::from_vec(centred, (places.len(), 2), device)?;
        let phases = (centred.matmul(&self.frequencies)? * (2.0 * PI))?;
        Tensor::cat(&[phases.sin()?, phases.cos()?], 1)
    }

    /// Where each pixel of an embedding is: (1, width, grid, grid).
    pub(super) fn grid_positions(&self, device: &Device) -> Result<Tensor> {
        let centre = |at: usize| (at as f64 + 0.5) / self.grid as f64;
        let places: Vec<(f64, f64)> = (0..self.grid * self.grid)
            .map(|at| (centre(at % self.grid), centre(at / self.grid)))
            .collect();
        self.positions(&places, device)?
            .t()?
            .contiguous()?
            .reshape((1, self.width, self.grid, self.grid))
    }

    /// Points and at most one box as tokens: (1, n, width), n may be 0.
    pub(super) fn tokens(
        &self,
        prompt: &Prompt,
        frame: &Frame,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        // The network counts a pixel's corner as the pixel, as SAM does.
        let place = |x: f32, y: f32| {
            let (x, y) = frame.to_working(x, y);
            ((x + 0.5) / self.side as f64, (y + 0.5) / self.side as f64)
        };
        let mut places = Vec::new();
        let mut kinds = Vec::new();
        for point in &prompt.points {
            places.push(place(point.x, point.y));
            kinds.push(self.kinds[usize::from(point.positive)].table());
        }
        for rect in prompt.boxes.iter().take(1) {
            places.push(place(rect.left, rect.top));
            places.push(place(rect.right, rect.bottom));
            kinds.extend([self.kinds[2].table(), self.kinds[3].table()]);
        }
        let mut tokens = Vec::new();
        if !places.is_empty() {
            tokens.push((self.positions(&places, device)? + Tensor::cat(&kinds, 0)?)?);
        }
        // Points alone are followed by one that is none.
        if prompt.boxes.is_empty() && !prompt.points.is_empty() {
            tokens.push(self.not_a_point.table().clone());
        }
        if tokens.is_empty() {
            return Ok(None);
        }
        Ok(Some(Tensor::cat(&tokens, 0)?.unsqueeze(0)?))
    }

    /// A mask, (1, 1, 4·grid, 4·grid), or none, as a picture of the
    /// embedding's size.
    pub(super) fn picture(&self, mask: Option<&Tensor>) -> Result<Tensor> {
        let Some(mask) = mask else {
            let none = self.no_mask.table().reshape((1, self.width, 1, 1))?;
            return none.broadcast_as((1, self.width, self.grid, self.grid));
        };
        let x = ops::gelu_erf(&self.norm1.forward(&self.down1.forward(mask)?)?)?;
        let x = ops::gelu_erf(&self.norm2.forward(&self.down2.forward(&x)?)?)?;
        self.widen.forward(&x)
    }
}
