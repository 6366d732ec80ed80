//! Normalisations of pictures, and convolutions that have none of the usual
//! forms.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::ops;
use crate::weights::Weights;

/// Layer normalisation over the channels of each pixel.
#[derive(Debug, Clone)]
pub(super) struct ChannelNorm {
    weight: Tensor,
    bias: Tensor,
}

impl ChannelNorm {
    pub(super) fn new(weights: &Weights<'_>, channels: usize) -> Self {
        Self {
            weight: weights.get("weight", &[channels]),
            bias: weights.get("bias", &[channels]),
        }
    }

    /// x (batch, channels, h, w) → the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.permute((0, 2, 3, 1))?.contiguous()?;
        let x = ops::layer_norm(&x, &self.weight, &self.bias, 1e-6)?;
        x.permute((0, 3, 1, 2))?.contiguous()
    }
}

/// A convolution and the batch normalisation after it, made into one.
#[derive(Debug, Clone)]
pub(super) struct NormalisedConv {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    /// Each channel has a kernel of its own.
    depthwise: bool,
}

impl NormalisedConv {
    /// Asks for `c.weight` and `bn.*`. `kernel` is 1 or 3, padded to keep the
    /// size at stride 1.
    pub(super) fn new(
        weights: &Weights<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        Self::of(weights, inputs, outputs, kernel, stride, false)
    }

    /// The same with a 3×3 kernel for each channel alone.
    pub(super) fn depthwise(weights: &Weights<'_>, channels: usize, stride: usize) -> Result<Self> {
        Self::of(weights, 1, channels, 3, stride, true)
    }

    fn of(
        weights: &Weights<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        depthwise: bool,
    ) -> Result<Self> {
        let weight = weights.get("c.weight", &[outputs, inputs, kernel, kernel]);
        let norm = weights.at("bn");
        let of = |name: &str| norm.get(name, &[outputs]);
        let scale = (of("running_var") + 1e-5)?
            .sqrt()?
            .recip()?
            .mul(&of("weight"))?;
        let bias = of("bias").sub(&of("running_mean").mul(&scale)?)?;
        Ok(Self {
            weight: weight.broadcast_mul(&scale.reshape((outputs, 1, 1, 1))?)?,
            bias,
            stride,
            depthwise,
        })
    }

    /// x (batch, inputs, h, w) → (batch, outputs, h', w').
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if !self.depthwise {
            let padding = self.weight.dim(3)? / 2;
            return ops::conv2d(x, &self.weight, Some(&self.bias), self.stride, padding);
        }
        let served = x.device().is_cpu() && x.dtype() == DType::F32;
        let y = if served {
            let (x, w) = (x.contiguous()?, self.weight.contiguous()?);
            x.apply_op2_no_bwd(
                &w,
                &Depthwise {
                    stride: self.stride,
                },
            )?
        } else {
            x.conv2d(&self.weight, 1, self.stride, 1, x.dim(1)?)?
        };
        y.broadcast_add(&self.bias.reshape((1, self.bias.dim(0)?, 1, 1))?)
    }
}

/// A 3×3 convolution of each channel with its own kernel, padded by one.
struct Depthwise {
    stride: usize,
}

impl CustomOp2 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise-3x3"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = x_layout.shape().dims4()?;
        let slice = |storage: &CpuStorage, layout: &Layout| match layout.contiguous_offsets() {
            Some((start, end)) => Ok(storage.as_slice::<f32>()?[start..end].to_vec()),
            None => candle_core::bail!("depthwise: the operands must be contiguous"),
        };
        let Some((start, end)) = x_layout.contiguous_offsets() else {
            candle_core::bail!("depthwise: the picture must be contiguous")
        };
        let x = &x.as_slice::<f32>()?[start..end];
        let w = slice(w, w_layout)?;
        let (rows, columns) = (height.div_ceil(self.stride), width.div_ceil(self.stride));
        let mut y = vec![0f32; batch * channels * rows * columns];
        y.par_chunks_mut((rows * columns).max(1))
            .enumerate()
            .for_each(|(plane, y)| {
                let x = &x[plane * height * width..][..height * width];
                let kernel = &w[plane % channels * 9..][..9];
                // A row with a zero at each end.
                let mut sums = vec![0f32; width];
                for (row, y) in y.chunks_exact_mut(columns).enumerate() {
                    sums.fill(0.0);
                    for (ky, weights) in kernel.as_chunks::<3>().0.iter().enumerate() {
                        let Some(line) = (row * self.stride + ky).checked_sub(1) else {
                            continue;
                        };
                        if line < height {
                            add_row(&mut sums, &x[line * width..][..width], *weights);
                        }
                    }
                    for (y, sum) in y.iter_mut().zip(sums.iter().step_by(self.stride)) {
                        *y = *sum;
                    }
                }
            });
        let shape = Shape::from((batch, channels, rows, columns));
        Ok((CpuStorage::F32(y), shape))
    }
}

/// Adds a row under three weights, with nothing beyond its ends.
fn add_row(sums: &mut [f32], row: &[f32], [left, middle, right]: [f32; 3]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value * middle;
    }
    for (sum, value) in sums.iter_mut().skip(1).zip(row) {
        *sum += value * left;
    }
    for (sum, value) in sums.iter_mut().zip(row.iter().skip(1)) {
        *sum += value * right;
    }
}

/// A transposed convolution with a kernel of 2×2 at stride 2: each pixel
/// becomes four, so that it is one matrix product.
#[derive(Debug, Clone)]
pub(super) struct Doubling {
    /// (outputs · 4, inputs)
    weight: Tensor,
    bias: Tensor,
    outputs: usize,
}

impl Doubling {
    pub(super) fn new(weights: &Weights<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        let weight = weights.get("weight", &[inputs, outputs, 2, 2]);
        Ok(Self {
            weight: weight.flatten_from(1)?.t()?.contiguous()?,
            bias: weights.get("bias", &[outputs]),
            outputs,
        })
    }

    /// x (batch, inputs, h, w) → (batch, outputs, 2h, 2w).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, _, height, width) = x.dims4()?;
        let x = x.permute((0, 2, 3, 1))?.contiguous()?;
        let y = ops::linear(&x, &self.weight, None)?;
        let y = y.reshape(vec![batch, height, width, self.outputs, 2, 2])?;
        let y = y.permute([0, 3, 1, 4, 2, 5])?.contiguous()?;
        let y = y.reshape((batch, self.outputs, 2 * height, 2 * width))?;
        y.broadcast_add(&self.bias.reshape((1, self.outputs, 1, 1))?)
    }
}

/// The end of every encoder: to the width of prompts, (batch, in, h, w) →
/// (batch, width, h, w).
#[derive(Debug, Clone)]
pub(super) struct Neck {
    narrow: Tensor,
    narrow_norm: ChannelNorm,
    smooth: Tensor,
    smooth_norm: ChannelNorm,
}

impl Neck {
    pub(super) fn new(weights: &Weights<'_>, inputs: usize, width: usize) -> Self {
        Self {
            narrow: weights.get("0.weight", &[width, inputs, 1, 1]),
            narrow_norm: ChannelNorm::new(&weights.at("1"), width),
            smooth: weights.get("2.weight", &[width, width, 3, 3]),
            smooth_norm: ChannelNorm::new(&weights.at("3"), width),
        }
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = ops::conv2d(x, &self.narrow, None, 1, 0)?;
        let x = self.narrow_norm.forward(&x)?;
        let x = ops::conv2d(&x, &self.smooth, None, 1, 1)?;
        self.smooth_norm.forward(&x)
    }
}

/// Cuts (batch, h, w, c) into windows, with zeros where they reach over the
/// border: (batch · windows, side², c).
pub(super) fn windows(x: &Tensor, side: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (rows, columns) = (height.div_ceil(side), width.div_ceil(side));
    let x = x.pad_with_zeros(1, 0, rows * side - height)?;
    let x = x.pad_with_zeros(2, 0, columns * side - width)?;
    x.reshape(vec![batch, rows, side, columns, side, channels])?
        .transpose(2, 3)?
        .contiguous()?
        .reshape((batch * rows * columns, side * side, channels))
}

/// Puts windows back together: the inverse of [`windows`].
pub(super) fn from_windows(
    x: &Tensor,
    side: usize,
    (batch, height, width): (usize, usize, usize),
) -> Result<Tensor> {
    let channels = x.dim(2)?;
    let (rows, columns) = (height.div_ceil(side), width.div_ceil(side));
    x.reshape(vec![batch, rows, columns, side, side, channels])?
        .transpose(2, 3)?
        .contiguous()?
        .reshape((batch, rows * side, columns * side, channels))?
        .narrow(1, 0, height)?
        .narrow(2, 0, width)?
        .contiguous()
}
