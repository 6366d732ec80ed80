//! The residual block that UNet and VAE share, He et al. 2016.

use candle_core::{Result, Tensor};

use crate::layers::{Conv2d, GroupNorm, Linear};
use crate::ops;
use crate::weights::Weights;

/// Two normalised 3×3 convolutions and a shortcut, as diffusers'
/// `ResnetBlock2D`.
#[derive(Debug, Clone)]
pub struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
    output_scale_factor: f64,
}

/// What residual blocks of one network have in common.
#[derive(Debug, Clone, Copy)]
pub struct ResnetStyle {
    /// Groups of the normalisations.
    pub groups: usize,
    /// Of the normalisations.
    pub eps: f64,
    /// Width of the time embedding; None in the VAE.
    pub time_embedding: Option<usize>,
    /// Divisor of the sum.
    pub output_scale_factor: f64,
}

impl ResnetBlock {
    /// Builds the block from diffusers' names.
    pub fn new(weights: &Weights<'_>, inputs: usize, outputs: usize, style: ResnetStyle) -> Self {
        let ResnetStyle {
            groups,
            eps,
            time_embedding,
            output_scale_factor,
        } = style;
        Self {
            norm1: GroupNorm::new(&weights.at("norm1"), groups, inputs, eps),
            conv1: Conv2d::same(&weights.at("conv1"), inputs, outputs),
            time_emb_proj: time_embedding
                .map(|width| Linear::new(&weights.at("time_emb_proj"), width, outputs, true)),
            norm2: GroupNorm::new(&weights.at("norm2"), groups, outputs, eps),
            conv2: Conv2d::same(&weights.at("conv2"), outputs, outputs),
            conv_shortcut: (inputs != outputs)
                .then(|| Conv2d::pointwise(&weights.at("conv_shortcut"), inputs, outputs)),
            output_scale_factor,
        }
    }

    /// x (batch, inputs, h, w), and the time embedding after SiLU (batch,
    /// width) → (batch, outputs, h, w).
    pub fn forward(&self, x: &Tensor, activated_time: Option<&Tensor>) -> Result<Tensor> {
        let mut hidden = self.conv1.forward(&self.norm1.forward_silu(x)?)?;
        if let (Some(project), Some(time)) = (&self.time_emb_proj, activated_time) {
            let (_, _, height, width) = hidden.dims4()?;
            let regional = project.regional(time, height, width)?;
            let time = project.forward(time)?;
            let (batch, channels) = time.dims2()?;
            hidden = hidden.broadcast_add(&time.reshape((batch, channels, 1, 1))?)?;
            if let Some(regional) = regional {
                hidden = (hidden + regional)?;
            }
        }
        let hidden = self.conv2.forward(&self.norm2.forward_silu(&hidden)?)?;
        let sum = match &self.conv_shortcut {
            Some(shortcut) => shortcut.forward(x)? + hidden,
            None => x + hidden,
        }?;
        if self.output_scale_factor == 1.0 {
            Ok(sum)
        } else {
            sum / self.output_scale_factor
        }
    }
}

/// A 3×3 convolution of stride 2 that halves the size.
#[derive(Debug, Clone)]
pub struct Downsample {
    conv: Conv2d,
    /// The VAE pads below and on the right only.
    pad_below_right: bool,
}

impl Downsample {
    /// Builds it with the same `padding` on all sides; 0 means one row below
    /// and one column on the right, as diffusers has it.
    pub fn new(weights: &Weights<'_>, channels: usize, padding: usize) -> Self {
        Self {
            conv: Conv2d::new(
                &weights.at("downsamplers.0.conv"),
                channels,
                channels,
                3,
                2,
                padding,
            ),
            pad_below_right: padding == 0,
        }
    }

    /// (batch, channels, h, w) → (batch, channels, ⌈h/2⌉, ⌈w/2⌉); ⌊⌋ with
    /// padding 0.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.pad_below_right {
            let padded = x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?;
            self.conv.forward(&padded)
        } else {
            self.conv.forward(x)
        }
    }
}

/// Nearest-neighbour doubling, then a 3×3 convolution.
#[derive(Debug, Clone)]
pub struct Upsample {
    conv: Conv2d,
}

impl Upsample {
    /// Builds it from diffusers' names.
    pub fn new(weights: &Weights<'_>, channels: usize) -> Self {
        Self {
            conv: Conv2d::same(&weights.at("upsamplers.0.conv"), channels, channels),
        }
    }

    /// To twice the size, or to `size` (height, width) where that is given.
    pub fn forward(&self, x: &Tensor, size: Option<(usize, usize)>) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let larger = match size {
            Some((h, w)) if (h, w) != (2 * height, 2 * width) => ops::upsample_nearest(x, h, w),
            _ => ops::upsample_nearest2x(x),
        }?;
        self.conv.forward(&larger)
    }
}
