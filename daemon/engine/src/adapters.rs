//! Low-rank adapters beside frozen layers: y = W x + Σ mᵢ · sᵢ · Bᵢ (Aᵢ x).
//!
//! Every linear and convolution layer owns an [`Adapters`] slot. Switching a
//! LoRA on or off changes the slots and leaves the weights alone, so nothing is
//! reloaded, several stack, and each may act in a region of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{DType, Result, Tensor};

use crate::ops;

/// One low-rank path, Hu et al. 2021: `scale · up(down(x))`.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// A: (rank, inputs), for a convolution (rank, inputs, kh, kw).
    pub down: Tensor,
    /// B: (outputs, rank), for a convolution (outputs, rank, 1, 1).
    pub up: Tensor,
    /// Weight of the path, alpha / rank included.
    pub scale: f64,
    /// Where in the picture the path acts; everywhere if None.
    pub region: Option<Region>,
}

/// A soft mask over the latents in which a low-rank path acts.
#[derive(Debug, Clone)]
pub struct Region {
    /// (height, width) of the latents, values 0..=1.
    mask: Tensor,
}

impl Region {
    /// A region from a mask of the latents' size: (height, width), 0..=1.
    pub fn new(mask: Tensor) -> Result<Self> {
        mask.dims2()?;
        Ok(Self { mask })
    }

    /// The mask at a layer's own size, (1, 1, height, width).
    fn at(&self, height: usize, width: usize, dtype: DType) -> Result<Tensor> {
        let (full_height, full_width) = self.mask.dims2()?;
        let mask = self.mask.reshape((1, 1, full_height, full_width))?;
        let mask = if (full_height, full_width) == (height, width) {
            mask
        } else if full_height % height == 0 && full_width % width == 0 {
            let window = (full_height / height, full_width / width);
            mask.avg_pool2d(window)?
        } else {
            mask.upsample_nearest2d(height, width)?
        };
        mask.to_dtype(dtype)
    }

    /// The mask for a layer that sees the picture as a row of tokens,
    /// (1, tokens, 1). The UNet halves its size by level, rounding up, so the
    /// number of tokens tells the level.
    fn at_tokens(&self, tokens: usize, dtype: DType) -> Result<Tensor> {
        let (mut height, mut width) = self.mask.dims2()?;
        while height * width > tokens {
            (height, width) = (height.div_ceil(2), width.div_ceil(2));
        }
        if height * width != tokens {
            candle_core::bail!(
                "a region of {:?} latents has no place on a layer of {tokens} tokens",
                self.mask.dims()
            );
        }
        self.at(height, width, dtype)?.reshape((1, tokens, 1))
    }
}

/// The low-rank paths beside one layer. Clones share the same slot.
#[derive(Debug, Clone, Default)]
pub struct Adapters(Arc<RwLock<Vec<LowRank>>>);

impl Adapters {
    /// Replaces all paths of the layer.
    pub fn set(&self, paths: Vec<LowRank>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = paths;
    }

    /// Adds a path to those there are.
    pub fn push(&self, path: LowRank) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(path);
    }

    /// How many paths act beside the layer.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the layer is as its checkpoint made it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the paths' outputs to a linear layer's: x (…, inputs), y (…, outputs).
    pub(crate) fn add_to_linear(&self, x: &Tensor, y: Tensor) -> Result<Tensor> {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner);
        paths.iter().try_fold(y, |y, path| {
            let low = ops::linear(x, &path.down, None)?;
            let delta = (ops::linear(&low, &path.up, None)? * path.scale)?;
            match &path.region {
                None => y + delta,
                Some(region) => {
                    let (_, tokens, _) = delta.dims3()?;
                    y + delta.broadcast_mul(&region.at_tokens(tokens, delta.dtype())?)?
                }
            }
        })
    }

    /// Adds the paths' outputs to a convolution's.
    pub(crate) fn add_to_conv2d(
        &self,
        x: &Tensor,
        y: Tensor,
        stride: usize,
        padding: usize,
    ) -> Result<Tensor> {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner);
        paths.iter().try_fold(y, |y, path| {
            let low = ops::conv2d(x, &path.down, None, stride, padding)?;
            let delta = (ops::conv2d(&low, &path.up, None, 1, 0)? * path.scale)?;
            match &path.region {
                None => y + delta,
                Some(region) => {
                    let (_, _, height, width) = delta.dims4()?;
                    y + delta.broadcast_mul(&region.at(height, width, delta.dtype())?)?
                }
            }
        })
    }
}

/// A layer that can take low-rank adapters.
#[derive(Debug, Clone)]
pub struct AdaptableLayer {
    /// Shape of the layer's weight: (out, in) or (out, in, kh, kw).
    pub weight_shape: Vec<usize>,
    /// The layer's slot.
    pub adapters: Adapters,
}

/// The adaptable layers of a network by name, as diffusers names them
/// ("down_blocks.0.attentions.0.proj_in").
pub type AdaptableLayers = BTreeMap<String, AdaptableLayer>;
