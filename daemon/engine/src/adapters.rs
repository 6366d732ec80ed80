//! Low-rank adapters beside frozen layers: y = W x + Σ mᵢ · sᵢ · Bᵢ (Aᵢ x).
//!
//! Every linear and convolution layer owns an [`Adapters`] slot. Switching a
//! LoRA on or off changes the slots and leaves the weights alone, so nothing is
//! reloaded, several stack, and each may act in a region of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{D, Result, Tensor};

use crate::ops;
use crate::region::Region;

/// Low-rank paths side by side, Hu et al. 2021: Σ mᵢ · sᵢ · upᵢ(downᵢ(x)). All
/// their matrices are joined along the rank, so that one product goes down and
/// one up, however many there are.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// A: (rank, inputs), for a convolution (rank, inputs, kh, kw).
    pub down: Tensor,
    /// B: (outputs, rank), for a convolution (outputs, rank, 1, 1).
    pub up: Tensor,
    /// Which part of the rank is whose, in order.
    pub parts: Vec<RankPart>,
    /// Of the layers that make keys and values of a text, the number of the
    /// text that the paths act on; `None` for all.
    pub text: Option<usize>,
}

/// The part of a joined rank that one path has.
#[derive(Debug, Clone)]
pub struct RankPart {
    /// The path's own rank.
    pub rank: usize,
    /// Its weight, alpha / rank included.
    pub scale: f64,
    /// Where in the picture it acts; everywhere if `None`.
    pub region: Option<Region>,
}

impl LowRank {
    /// One path that acts everywhere.
    ///
    /// # Errors
    /// When `down` has no dimensions.
    pub fn new(down: Tensor, up: Tensor, scale: f64) -> Result<Self> {
        let part = RankPart {
            rank: down.dim(0)?,
            scale,
            region: None,
        };
        Ok(Self {
            down,
            up,
            parts: vec![part],
            text: None,
        })
    }

    /// The same paths, confined to a region.
    #[must_use]
    pub fn within(mut self, region: &Region) -> Self {
        for part in &mut self.parts {
            part.region = Some(region.clone());
        }
        self
    }

    /// Paths beside the same layer, for the same text, joined to one.
    ///
    /// # Errors
    /// When there are none, or their shapes are not those of one layer.
    pub fn join(paths: &[Self]) -> Result<Self> {
        let Some(first) = paths.first() else {
            candle_core::bail!("no paths to join");
        };
        if paths.len() == 1 {
            return Ok(first.clone());
        }
        let downs: Vec<_> = paths.iter().map(|path| &path.down).collect();
        let ups: Vec<_> = paths.iter().map(|path| &path.up).collect();
        Ok(Self {
            down: Tensor::cat(&downs, 0)?,
            up: Tensor::cat(&ups, 1)?,
            parts: paths.iter().flat_map(|path| path.parts.clone()).collect(),
            text: first.text,
        })
    }

    fn acts_on(&self, text: usize) -> bool {
        self.text.is_none_or(|own| own == text)
    }

    fn is_regional(&self) -> bool {
        self.parts.iter().any(|part| part.region.is_some())
    }

    /// Multiplies the joined rank, the last dimension of `low` (batch, tokens,
    /// rank) or (batch, rank), by scales and masks. A part with a region is
    /// nothing where `low` has no tokens.
    fn weigh_tokens(&self, low: Tensor) -> Result<Tensor> {
        match low.dims() {
            [_, tokens, _] if self.is_regional() => {
                let tokens = *tokens;
                self.weigh_places(low, |region, like| region.at_tokens(tokens, like))
            }
            _ => self.weigh(low, D::Minus1),
        }
    }

    /// The same for places in a row that `mask` knows how to lay out,
    /// (1, tokens, 1).
    fn weigh_places(
        &self,
        low: Tensor,
        mask: impl Fn(&Region, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut columns = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let gain = match &part.region {
                Some(region) => (mask(region, &low)? * part.scale)?,
                None => scalars(&[part.scale], &low)?.reshape((1, 1, 1))?,
            };
            columns.push((gain, part.rank));
        }
        let tokens = columns.iter().map(|(gain, _)| gain.dims()[1]).max();
        let tokens = tokens.unwrap_or(1);
        let columns: Vec<_> = columns
            .iter()
            .map(|(gain, rank)| gain.broadcast_as((1, tokens, *rank)))
            .collect::<Result<_>>()?;
        low.broadcast_mul(&Tensor::cat(&columns, 2)?)
    }

    /// The same for `low` (batch, rank, height, width).
    fn weigh_picture(&self, low: Tensor) -> Result<Tensor> {
        if !self.is_regional() {
            return self.weigh(low, 1);
        }
        let (_, _, height, width) = low.dims4()?;
        let mut planes = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let gain = match &part.region {
                Some(region) => (region.at(height, width, &low)? * part.scale)?,
                None => scalars(&[part.scale], &low)?.reshape((1, 1))?,
            };
            planes.push(gain.broadcast_as((1, part.rank, height, width))?);
        }
        low.broadcast_mul(&Tensor::cat(&planes, 1)?)
    }

    /// Multiplies by the scales alone, along `rank_dimension`.
    fn weigh(&self, low: Tensor, rank_dimension: impl candle_core::shape::Dim) -> Result<Tensor> {
        let dimension = rank_dimension.to_index(low.shape(), "low rank")?;
        let scale = |part: &RankPart| match &part.region {
            Some(_) => 0.0,
            None => part.scale,
        };
        match self.parts.as_slice() {
            [part] if scale(part) == 1.0 => Ok(low),
            [part] => low * scale(part),
            parts => {
                let scales: Vec<f64> = parts
                    .iter()
                    .flat_map(|part| std::iter::repeat_n(scale(part), part.rank))
                    .collect();
                let mut dims = vec![1; low.dims().len()];
                dims[dimension] = scales.len();
                low.broadcast_mul(&scalars(&scales, &low)?.reshape(dims)?)
            }
        }
    }
}

fn scalars(values: &[f64], like: &Tensor) -> Result<Tensor> {
    Tensor::new(values, like.device())?.to_dtype(like.dtype())
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

    /// Adds the paths' outputs to a linear layer's: x (…, inputs), y (…,
    /// outputs), which nothing else shares. Only paths for the text of that
    /// number act, and where x is no row of tokens, those without a region.
    pub(crate) fn add_to_linear(&self, x: &Tensor, y: Tensor, text: usize) -> Result<Tensor> {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut acting = paths.iter().filter(|path| path.acts_on(text));
        acting.try_fold(y, |y, path| {
            let low = path.weigh_tokens(ops::linear(x, &path.down, None)?)?;
            ops::linear_add(y, &low, &path.up)
        })
    }

    /// Adds the paths' outputs to a convolution's, which nothing else shares.
    pub(crate) fn add_to_conv2d(
        &self,
        x: &Tensor,
        y: Tensor,
        stride: usize,
        padding: usize,
    ) -> Result<Tensor> {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner);
        paths.iter().try_fold(y, |y, path| {
            let low = path.weigh_picture(ops::conv2d(x, &path.down, None, stride, padding)?)?;
            ops::pointwise_add(y, &low, &path.up)
        })
    }

    /// What paths with a region add for x (batch, inputs), which is the same in
    /// all places, in the places of that region: (batch, outputs, height,
    /// width). `None` without such paths.
    pub(crate) fn regional(
        &self,
        x: &Tensor,
        height: usize,
        width: usize,
    ) -> Result<Option<Tensor>> {
        let paths = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut sum = None::<Tensor>;
        for path in paths.iter().filter(|path| path.is_regional()) {
            let low = ops::linear(x, &path.down, None)?.unsqueeze(1)?;
            let mut regional = path.clone();
            for part in &mut regional.parts {
                if part.region.is_none() {
                    part.scale = 0.0;
                }
            }
            let low = regional.weigh_places(low, |region, like| {
                region
                    .at(height, width, like)?
                    .reshape((1, height * width, 1))
            })?;
            let delta = ops::linear(&low, &path.up, None)?.transpose(1, 2)?;
            let (batch, outputs, _) = delta.dims3()?;
            let delta = delta.reshape((batch, outputs, height, width))?;
            sum = Some(match sum {
                Some(sum) => (sum + delta)?,
                None => delta,
            });
        }
        Ok(sum)
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
    use candle_core::DType;
    use candle_core::{Device, Var};

    const SCALE: f64 = 0.6;

    /// A path of rank 2 for a layer.
    fn path(name: &str, weight_shape: &[usize]) -> LowRank {
        let mut down = weight_shape.to_vec();
        down[0] = 2;
        let mut up = vec![1; weight_shape.len()];
        (up[0], up[1]) = (weight_shape[0], 2);
        let numbers = |end: &str, shape: &[usize]| {
            (tiny::numbers(&format!("{name}.{end}"), shape) * 0.2).unwrap()
        };
        LowRank::new(numbers("down", &down), numbers("up", &up), SCALE).unwrap()
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
        let region = Region::new(mask, 8, 6).unwrap();

        let adapters = Adapters::default();
        adapters.push(path("conv", &[5, 4, 3, 3]).within(&region));
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
        adapters.push(path("linear", &[5, 4]).within(&region));
        let x = tiny::numbers("x", &[1, 12, 4]);
        let zeros = Tensor::zeros((1, 12, 5), DType::F32, &Device::Cpu).unwrap();
        let y = adapters
            .add_to_linear(&x, zeros, 0)
            .unwrap()
            .reshape((4, 3, 5))
            .unwrap();
        assert!(size(&y.narrow(1, 0, 1).unwrap()) > 0.01);
        assert_eq!(size(&y.narrow(1, 2, 1).unwrap()), 0.0);
        let text = tiny::numbers("text", &[1, 7, 4]);
        let zeros = Tensor::zeros((1, 7, 5), DType::F32, &Device::Cpu).unwrap();
        assert!(
            adapters.add_to_linear(&text, zeros, 0).is_err(),
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
