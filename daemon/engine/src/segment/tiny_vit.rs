//! MobileSAM's image encoder: TinyViT, Wu et al. 2022, whose last stage keeps
//! the size of the one before it.

use candle_core::{Device, Result, Tensor};

use super::config::{ConvStage, SegmenterConfig, Stage, TinyVitConfig};
use super::norms::{Neck, NormalisedConv, from_windows, windows};
use crate::layers::{LayerNorm, Linear};
use crate::ops;
use crate::weights::Weights;

const EPS: f64 = 1e-5;

/// The encoder.
#[derive(Debug, Clone)]
pub(super) struct TinyVit {
    patches: (NormalisedConv, NormalisedConv),
    bottlenecks: Vec<Bottleneck>,
    stages: Vec<(Merging, Vec<Block>)>,
    neck: Neck,
}

impl TinyVit {
    pub(super) fn new(
        weights: &Weights<'_>,
        tiny: &TinyVitConfig,
        config: &SegmenterConfig,
    ) -> Result<Self> {
        let patches = weights.at("patch_embed.seq");
        let width = tiny.first.width;
        let mut stages = Vec::new();
        let mut before = width;
        for (i, stage) in tiny.stages.iter().enumerate() {
            let merging = weights.at(format!("layers.{i}.downsample"));
            let stride = if i + 1 == tiny.stages.len() { 1 } else { 2 };
            let merging = Merging::new(&merging, before, stage.width, stride)?;
            let blocks = weights.at(format!("layers.{}.blocks", i + 1));
            let blocks = (0..stage.depth).map(|i| Block::new(&blocks.at(i), stage));
            stages.push((merging, blocks.collect::<Result<_>>()?));
            before = stage.width;
        }
        let first = weights.at("layers.0.blocks");
        Ok(Self {
            patches: (
                NormalisedConv::new(&patches.at("0"), 3, width / 2, 3, 2)?,
                NormalisedConv::new(&patches.at("2"), width / 2, width, 3, 2)?,
            ),
            bottlenecks: (0..tiny.first.depth)
                .map(|i| Bottleneck::new(&first.at(i), tiny.first))
                .collect::<Result<_>>()?,
            stages,
            neck: Neck::new(&weights.at("neck"), before, config.width),
        })
    }

    /// x (1, 3, side, side) → (1, width, grid, grid). `between` is asked
    /// before each block; its error ends the work.
    pub(super) fn forward<E: From<candle_core::Error>>(
        &self,
        x: &Tensor,
        mut between: impl FnMut() -> std::result::Result<(), E>,
    ) -> std::result::Result<Tensor, E> {
        let x = ops::gelu_erf(&self.patches.0.forward(x)?)?;
        let mut x = self.patches.1.forward(&x)?;
        for bottleneck in &self.bottlenecks {
            between()?;
            x = bottleneck.forward(&x)?;
        }
        for (merging, blocks) in &self.stages {
            x = merging.forward(&x)?;
            for block in blocks {
                between()?;
                x = block.forward(&x)?;
            }
        }
        Ok(self.neck.forward(&x)?)
    }
}

/// MobileNet's inverted bottleneck with a shortcut.
#[derive(Debug, Clone)]
struct Bottleneck {
    conv1: NormalisedConv,
    conv2: NormalisedConv,
    conv3: NormalisedConv,
}

impl Bottleneck {
    fn new(weights: &Weights<'_>, stage: ConvStage) -> Result<Self> {
        let ConvStage { width, hidden, .. } = stage;
        Ok(Self {
            conv1: NormalisedConv::new(&weights.at("conv1"), width, hidden, 1, 1)?,
            conv2: NormalisedConv::depthwise(&weights.at("conv2"), hidden, 1)?,
            conv3: NormalisedConv::new(&weights.at("conv3"), hidden, width, 1, 1)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = ops::gelu_erf(&self.conv1.forward(x)?)?;
        let y = ops::gelu_erf(&self.conv2.forward(&y)?)?;
        ops::gelu_erf(&(self.conv3.forward(&y)? + x)?)
    }
}

/// To the next stage's width, and to half the size but before the last.
#[derive(Debug, Clone)]
struct Merging {
    conv1: NormalisedConv,
    conv2: NormalisedConv,
    conv3: NormalisedConv,
}

impl Merging {
    fn new(weights: &Weights<'_>, inputs: usize, outputs: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            conv1: NormalisedConv::new(&weights.at("conv1"), inputs, outputs, 1, 1)?,
            conv2: NormalisedConv::depthwise(&weights.at("conv2"), outputs, stride)?,
            conv3: NormalisedConv::new(&weights.at("conv3"), outputs, outputs, 1, 1)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = ops::gelu_erf(&self.conv1.forward(x)?)?;
        let x = ops::gelu_erf(&self.conv2.forward(&x)?)?;
        self.conv3.forward(&x)
    }
}

/// Attention in windows, a local convolution, a feed-forward.
#[derive(Debug, Clone)]
struct Block {
    norm: LayerNorm,
    qkv: Linear,
    proj: Linear,
    /// For each head, what is added to the score of two places by their
    /// distance: (heads, side²), the rows' distance first.
    biases: Tensor,
    local: NormalisedConv,
    mlp_norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    window: usize,
    heads: usize,
}

impl Block {
    fn new(weights: &Weights<'_>, stage: &Stage) -> Result<Self> {
        let &Stage {
            width,
            heads,
            window,
            mlp,
            ..
        } = stage;
        let attention = weights.at("attn");
        Ok(Self {
            norm: LayerNorm::new(&attention.at("norm"), width, EPS),
            qkv: Linear::new(&attention.at("qkv"), width, 3 * width, true),
            proj: Linear::new(&attention.at("proj"), width, width, true),
            biases: attention.get("attention_biases", &[heads, window * window]),
            local: NormalisedConv::depthwise(&weights.at("local_conv"), width, 1)?,
            mlp_norm: LayerNorm::new(&weights.at("mlp.norm"), width, EPS),
            fc1: Linear::new(&weights.at("mlp.fc1"), width, mlp, true),
            fc2: Linear::new(&weights.at("mlp.fc2"), mlp, width, true),
            window,
            heads,
        })
    }

    /// x (batch, width, h, w) → the same shape.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let tokens = x.permute((0, 2, 3, 1))?.contiguous()?;
        let attended = self.attend(&windows(&tokens, self.window)?)?;
        let attended = from_windows(&attended, self.window, (batch, height, width))?;
        let x = (tokens + attended)?.permute((0, 3, 1, 2))?.contiguous()?;
        let x = self.local.forward(&x)?;
        let tokens = x.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let inner = ops::gelu_erf(&self.fc1.forward(&self.mlp_norm.forward(&tokens)?)?)?;
        let x = (tokens + self.fc2.forward(&inner)?)?;
        x.transpose(1, 2)?
            .contiguous()?
            .reshape((batch, channels, height, width))
    }

    /// x (windows, tokens, width) → the same shape. What a window has beyond
    /// the picture's border is attended to like anything else.
    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let head = x.dim(2)? / self.heads;
        let qkv = self.qkv.forward(&self.norm.forward(x)?)?;
        // A head's q, k and v lie side by side.
        let index = pairs(self.window, x.device())?;
        let heads = (0..self.heads).map(|i| {
            let bias = self.biases.get(i)?.index_select(&index, 0)?;
            let bias = bias.reshape((x.dim(1)?, x.dim(1)?))?;
            let part = |part: usize| qkv.narrow(2, (3 * i + part) * head, head)?.contiguous();
            let scale = (head as f64).powf(-0.5);
            ops::attention(&part(0)?, &part(1)?, &part(2)?, 1, scale, Some(&bias))
        });
        let heads: Vec<Tensor> = heads.collect::<Result<_>>()?;
        self.proj.forward(&Tensor::cat(&heads, 2)?)
    }
}

/// For each pair of places in a window, the index of their distance.
fn pairs(side: usize, device: &Device) -> Result<Tensor> {
    let places = side * side;
    let index: Vec<u32> = (0..places * places)
        .map(|pair| {
            let (one, other) = (pair / places, pair % places);
            let rows = (one / side).abs_diff(other / side);
            let columns = (one % side).abs_diff(other % side);
            (rows * side + columns) as u32
        })
        .collect();
    Tensor::from_vec(index, places * places, device)
}
