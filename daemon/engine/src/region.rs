//! Where in a picture something acts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, DeviceLocation, Result, Tensor};

/// A soft mask over the latents, 0 to 1 in every place, that is resampled to
/// the sizes at which the layers of a network see the picture. Clones share
/// what was resampled.
#[derive(Debug, Clone)]
pub struct Region(Arc<Resampled>);

#[derive(Debug)]
struct Resampled {
    mask: Vec<f32>,
    height: usize,
    width: usize,
    made: Mutex<Made>,
}

/// Masks by size, device and type.
type Made = BTreeMap<(usize, usize), Vec<(DeviceLocation, DType, Tensor)>>;

impl Region {
    /// A region from a mask of the latents' size, row by row.
    ///
    /// # Errors
    /// When there are not height · width numbers.
    pub fn new(mask: Vec<f32>, height: usize, width: usize) -> Result<Self> {
        if height == 0 || width == 0 || mask.len() != height * width {
            candle_core::bail!("{} numbers are no mask of {height}x{width}", mask.len());
        }
        Ok(Self(Arc::new(Resampled {
            mask,
            height,
            width,
            made: Mutex::default(),
        })))
    }

    /// The mask in the latents' size, row by row.
    #[must_use]
    pub fn mask(&self) -> &[f32] {
        &self.0.mask
    }

    /// The mask at a layer's own size, (height, width), by the mean over the
    /// area of each place; on the device and in the type of `like`. Sums of
    /// masks stay what they are.
    pub(crate) fn at(&self, height: usize, width: usize, like: &Tensor) -> Result<Tensor> {
        let Resampled {
            mask,
            height: full_height,
            width: full_width,
            made,
        } = &*self.0;
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        let masks = made.entry((height, width)).or_default();
        let (location, dtype) = (like.device().location(), like.dtype());
        if let Some((.., mask)) = masks.iter().find(|(l, d, _)| (*l, *d) == (location, dtype)) {
            return Ok(mask.clone());
        }
        let rows = resample(mask, *full_width, width);
        let columns = transposed(&rows, *full_height, width);
        let mask = transposed(&resample(&columns, *full_height, height), width, height);
        let mask = Tensor::from_vec(mask, (height, width), like.device())?.to_dtype(dtype)?;
        masks.push((location, dtype, mask.clone()));
        Ok(mask)
    }

    /// The mask for a layer that sees the picture as a row of tokens,
    /// (1, tokens, 1). A UNet halves its size by level, rounding up (down,
    /// where its convolutions pad on one side only), so the number of tokens
    /// tells the level.
    pub(crate) fn at_tokens(&self, tokens: usize, like: &Tensor) -> Result<Tensor> {
        let full = (self.0.height, self.0.width);
        let halvings: [fn(usize) -> usize; 2] = [|side| side.div_ceil(2), |side| side / 2];
        for halve in halvings {
            let (mut height, mut width) = full;
            while height * width > tokens && height.max(width) > 1 {
                (height, width) = (halve(height).max(1), halve(width).max(1));
            }
            if height * width == tokens {
                return self.at(height, width, like)?.reshape((1, tokens, 1));
            }
        }
        candle_core::bail!(
            "a region of {}x{} latents has no place on a layer of {tokens} tokens",
            full.0,
            full.1
        )
    }
}

/// Rows of `from` numbers made rows of `to`: each the mean of what it covers.
pub(crate) fn resample(rows: &[f32], from: usize, to: usize) -> Vec<f32> {
    if from == to {
        return rows.to_vec();
    }
    let step = from as f64 / to as f64;
    let mut resampled = Vec::with_capacity(rows.len() / from * to);
    for row in rows.chunks_exact(from) {
        for place in 0..to {
            let (begin, end) = (place as f64 * step, (place + 1) as f64 * step);
            let sum: f64 = row
                .iter()
                .enumerate()
                .skip(begin as usize)
                .take_while(|(at, _)| (*at as f64) < end)
                .map(|(at, value)| {
                    let covered = end.min(at as f64 + 1.0) - begin.max(at as f64);
                    f64::from(*value) * covered.max(0.0)
                })
                .sum();
            resampled.push((sum / step) as f32);
        }
    }
    resampled
}

/// A matrix of so many rows and columns, turned.
fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| matrix[row * columns + column]));
    }
    turned
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn like() -> Tensor {
        Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_place_has_the_mean_of_what_it_covers() {
        let mask = vec![0.0, 1.0, 1.0, 0.0, 0.0, 0.5];
        let region = Region::new(mask, 2, 3).unwrap();
        let at = |height, width| region.at(height, width, &like()).unwrap().to_vec2::<f32>();
        assert_eq!(at(2, 3).unwrap(), [[0.0, 1.0, 1.0], [0.0, 0.0, 0.5]]);
        // 1.5 columns make one: (0 + 1/2 · 1) / 1.5 and (1/2 · 1 + 1) / 1.5.
        let third = 1.0 / 3.0;
        let halved = at(1, 2).unwrap();
        assert!((halved[0][0] - third / 2.0).abs() < 1e-6, "{halved:?}");
        assert!(
            (halved[0][1] - (1.0 + third) / 2.0).abs() < 1e-6,
            "{halved:?}"
        );
        assert_eq!(at(4, 3).unwrap()[1], [0.0, 1.0, 1.0]);
    }

    #[test]
    fn masks_that_fill_the_picture_do_so_at_every_size() {
        let left: Vec<f32> = (0..35).map(|i| (i % 7) as f32 / 6.0).collect();
        let right = left.iter().map(|m| 1.0 - m).collect();
        let [left, right] = [left, right].map(|mask| Region::new(mask, 5, 7).unwrap());
        for (height, width) in [(5, 7), (3, 4), (2, 2), (2, 3), (1, 1)] {
            let sum = left.at(height, width, &like()).unwrap()
                + right.at(height, width, &like()).unwrap();
            for value in sum
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
            {
                assert!((value - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn the_number_of_tokens_tells_the_level() {
        let region = Region::new(vec![1.0; 35], 5, 7).unwrap();
        for tokens in [35, 3 * 4, 2 * 2, 1, 2 * 3] {
            let mask = region.at_tokens(tokens, &like()).unwrap();
            assert_eq!(mask.dims(), [1, tokens, 1]);
        }
        for tokens in [77, 13, 34] {
            assert!(region.at_tokens(tokens, &like()).is_err(), "{tokens}");
        }
        assert!(Region::new(vec![1.0; 34], 5, 7).is_err());
    }
}
