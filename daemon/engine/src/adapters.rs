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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;
    use crate::unet::UNet;
    use candle_core::{Device, Var};

    const SCALE: f64 = 0.6;

    /// A path of rank 2 for a layer.
    fn path(name: &str, weight_shape: &[usize]) -> LowRank {
        let mut down = weight_shape.to_vec();
        down[0] = 2;
        let mut up = vec![1; weight_shape.len()];
        (up[0], up[1]) = (weight_shape[0], 2);
        LowRank {
            down: (tiny::numbers(&format!("{name}.down"), &down) * 0.2).unwrap(),
            up: (tiny::numbers(&format!("{name}.up"), &up) * 0.2).unwrap(),
            scale: SCALE,
            region: None,
        }
    }

    fn outputs(unet: &UNet, size: (usize, usize)) -> Tensor {
        let x = tiny::numbers("x", &[1, 4, size.0, size.1]);
        let context = tiny::numbers("context", &[1, 5, 16]);
        unet.forward(&x, &[500.0], &context, None).unwrap()
    }

    #[test]
    fn paths_beside_every_layer_equal_merged_weights() {
        let config = tiny::unet_config(4);
        let mut weights = tiny::unet_tensors(&config);
        let unet = tiny::build(&weights, |w| UNet::new(&config, w));
        let before = outputs(&unet, (8, 8));
        let layers = unet.adaptable_layers();
        for (name, layer) in layers {
            let LowRank { down, up, .. } = path(name, &layer.weight_shape);
            layer.adapters.push(path(name, &layer.weight_shape));
            let rank = down.dim(0).unwrap();
            let delta = up
                .reshape((layer.weight_shape[0], rank))
                .and_then(|up| up.matmul(&down.flatten_from(1).unwrap()))
                .and_then(|delta| delta.reshape(layer.weight_shape.as_slice()))
                .unwrap();
            let weight = weights.get_mut(&format!("{name}.weight")).unwrap();
            *weight = (&*weight + (delta * SCALE).unwrap()).unwrap();
        }
        // All weights but those of norms belong to such a layer.
        let norms = weights
            .keys()
            .filter(|n| n.contains("norm") && n.ends_with("weight"))
            .count();
        let all = weights.keys().filter(|n| n.ends_with("weight")).count();
        assert_eq!(layers.len(), all - norms);

        let merged = tiny::build(&weights, |w| UNet::new(&config, w));
        let (beside, merged) = (outputs(&unet, (8, 8)), outputs(&merged, (8, 8)));
        assert!(tiny::max_difference(&before, &beside) > 1e-2);
        assert!(tiny::max_difference(&beside, &merged) < 1e-4);
        for layer in layers.values() {
            layer.adapters.set(Vec::new());
        }
        assert_eq!(tiny::max_difference(&before, &outputs(&unet, (8, 8))), 0.0);
    }

    #[test]
    fn a_region_confines_a_path() {
        let mut mask = vec![0f32; 8 * 6];
        mask.iter_mut()
            .enumerate()
            .for_each(|(i, m)| *m = if i % 6 < 3 { 1.0 } else { 0.0 });
        let mask = Tensor::from_vec(mask, (8, 6), &Device::Cpu).unwrap();
        let region = Some(Region::new(mask).unwrap());

        let adapters = Adapters::default();
        adapters.push(LowRank {
            region: region.clone(),
            ..path("conv", &[5, 4, 3, 3])
        });
        let x = tiny::numbers("x", &[1, 4, 8, 6]);
        let zeros = Tensor::zeros((1, 5, 8, 6), DType::F32, &Device::Cpu).unwrap();
        let y = adapters.add_to_conv2d(&x, zeros, 1, 1).unwrap();
        let size = |y: &Tensor| {
            y.abs()
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f32>()
                .unwrap()
        };
        assert!(size(&y.narrow(3, 0, 3).unwrap()) > 0.1);
        assert_eq!(size(&y.narrow(3, 3, 3).unwrap()), 0.0);

        // The same places as tokens, at half the size: 4 × 3.
        let adapters = Adapters::default();
        adapters.push(LowRank {
            region,
            ..path("linear", &[5, 4])
        });
        let x = tiny::numbers("x", &[1, 12, 4]);
        let zeros = Tensor::zeros((1, 12, 5), DType::F32, &Device::Cpu).unwrap();
        let y = adapters
            .add_to_linear(&x, zeros)
            .unwrap()
            .reshape((4, 3, 5))
            .unwrap();
        assert!(size(&y.narrow(1, 0, 1).unwrap()) > 0.01);
        assert_eq!(size(&y.narrow(1, 2, 1).unwrap()), 0.0);
        let text = tiny::numbers("text", &[1, 7, 4]);
        let zeros = Tensor::zeros((1, 7, 5), DType::F32, &Device::Cpu).unwrap();
        assert!(
            adapters.add_to_linear(&text, zeros).is_err(),
            "text has no place in a picture"
        );
    }

    #[test]
    fn paths_beside_frozen_layers_can_be_trained() {
        let config = tiny::unet_config(4);
        let unet = tiny::build(&tiny::unet_tensors(&config), |w| UNet::new(&config, w));
        let mut variables = Vec::new();
        for (name, layer) in unet.adaptable_layers() {
            let path = path(name, &layer.weight_shape);
            let down = Var::from_tensor(&path.down).unwrap();
            let up = Var::from_tensor(&path.up).unwrap();
            layer.adapters.push(LowRank {
                down: down.as_tensor().clone(),
                up: up.as_tensor().clone(),
                ..path
            });
            variables.push((name.clone(), down, up));
        }
        let output = outputs(&unet, (8, 8));
        let drive = tiny::numbers("drive", output.dims());
        let gradients = (output * drive)
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        for (name, down, up) in &variables {
            for variable in [down, up] {
                let gradient = gradients.get(variable.as_tensor());
                let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
                let sum = gradient
                    .abs()
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .to_scalar::<f32>()
                    .unwrap();
                assert!(sum.is_finite() && sum > 1e-6, "gradient of {name}: {sum}");
            }
        }
    }
}
