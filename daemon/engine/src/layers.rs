//! The layers that all networks are made of: one type each.

use candle_core::{Result, Tensor};

use crate::adapters::Adapters;
use crate::ops;
use crate::weights::Weights;

/// y = W x + b, with a slot for low-rank adapters.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    adapters: Adapters,
}

impl Linear {
    /// Asks `weights` for `weight` (outputs, inputs) and `bias` (outputs).
    pub fn new(weights: &Weights<'_>, inputs: usize, outputs: usize, bias: bool) -> Self {
        Self {
            weight: weights.get("weight", &[outputs, inputs]),
            bias: bias.then(|| weights.get("bias", &[outputs])),
            adapters: weights.adapters(&[outputs, inputs]),
        }
    }

    /// x (…, inputs) → (…, outputs).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_text(x, 0)
    }

    /// The same for x made of the text of that number: paths that are another
    /// text's do not act.
    pub fn forward_text(&self, x: &Tensor, text: usize) -> Result<Tensor> {
        let y = ops::linear(x, &self.weight, self.bias.as_ref())?;
        self.adapters.add_to_linear(x, y, text)
    }

    /// What paths that act in a region of the picture add to the outputs, where
    /// x (batch, inputs) has no place in it: (batch, outputs, height, width);
    /// `None` where there are no such paths.
    pub fn regional(&self, x: &Tensor, height: usize, width: usize) -> Result<Option<Tensor>> {
        self.adapters.regional(x, height, width)
    }
}

/// A two-dimensional convolution, with a slot for low-rank adapters.
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: usize,
    padding: usize,
    adapters: Adapters,
}

impl Conv2d {
    /// Asks `weights` for `weight` (outputs, inputs, kernel, kernel) and `bias`
    /// (outputs).
    pub fn new(
        weights: &Weights<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        let shape = [outputs, inputs, kernel, kernel];
        Self {
            weight: weights.get("weight", &shape),
            bias: Some(weights.get("bias", &[outputs])),
            stride,
            padding,
            adapters: weights.adapters(&shape),
        }
    }

    /// A 3×3 convolution that keeps the size.
    pub fn same(weights: &Weights<'_>, inputs: usize, outputs: usize) -> Self {
        Self::new(weights, inputs, outputs, 3, 1, 1)
    }

    /// A 1×1 convolution.
    pub fn pointwise(weights: &Weights<'_>, inputs: usize, outputs: usize) -> Self {
        Self::new(weights, inputs, outputs, 1, 1, 0)
    }

    /// The type of number it computes in.
    pub fn dtype(&self) -> candle_core::DType {
        self.weight.dtype()
    }

    /// x (batch, inputs, h, w) → (batch, outputs, h', w').
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = ops::conv2d(
            x,
            &self.weight,
            self.bias.as_ref(),
            self.stride,
            self.padding,
        )?;
        self.adapters.add_to_conv2d(x, y, self.stride, self.padding)
    }
}

/// Group normalisation with affine map.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    eps: f64,
}

impl GroupNorm {
    /// Asks `weights` for `weight` and `bias`, (channels) each.
    pub fn new(weights: &Weights<'_>, groups: usize, channels: usize, eps: f64) -> Self {
        Self {
            weight: weights.get("weight", &[channels]),
            bias: weights.get("bias", &[channels]),
            groups,
            eps,
        }
    }

    /// x (batch, channels, …) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::group_norm(x, self.groups, &self.weight, &self.bias, self.eps, false)
    }

    /// The same, followed by SiLU.
    pub fn forward_silu(&self, x: &Tensor) -> Result<Tensor> {
        ops::group_norm(x, self.groups, &self.weight, &self.bias, self.eps, true)
    }
}

/// Layer normalisation with affine map.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    /// Asks `weights` for `weight` and `bias`, (size) each.
    pub fn new(weights: &Weights<'_>, size: usize, eps: f64) -> Self {
        Self {
            weight: weights.get("weight", &[size]),
            bias: weights.get("bias", &[size]),
            eps,
        }
    }

    /// x (…, size) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

/// A table of rows looked up by index.
#[derive(Debug, Clone)]
pub struct Embedding {
    weight: Tensor,
}

impl Embedding {
    /// Asks `weights` for `weight` (rows, size).
    pub fn new(weights: &Weights<'_>, rows: usize, size: usize) -> Self {
        Self {
            weight: weights.get("weight", &[rows, size]),
        }
    }

    /// The whole table, (rows, size).
    pub fn table(&self) -> &Tensor {
        &self.weight
    }

    /// ids (…) u32 → (…, size).
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let mut shape = ids.dims().to_vec();
        shape.push(self.weight.dim(1)?);
        self.weight
            .index_select(&ids.flatten_all()?, 0)?
            .reshape(shape)
    }
}
