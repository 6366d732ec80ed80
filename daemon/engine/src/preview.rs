//! A rough look at latents without decoding them.
//!
//! Latents of a Stable Diffusion VAE are close to a small picture in another
//! colour space: a linear map from their channels to RGB, fitted once for a
//! VAE, shows what is coming up at almost no cost.

use candle_core::{DType, Device, Result, Tensor};
use image::RgbImage;
use image::imageops::FilterType;

use crate::noise::{NoisePurpose, NoiseStream};
use crate::vae::Vae;

/// Latents are enlarged to at most this many pixels a side.
const LARGEST_SIDE: u32 = 256;
/// The picture the map is fitted to has so many latents a side …
const FIT_SIDE: usize = 16;
/// … in patches of so many of one colour.
const FIT_PATCH: usize = 2;

/// A linear map from latent channels to RGB.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewMap {
    /// For red, green and blue: a factor for each channel and an offset.
    factors: [Vec<f64>; 3],
}

impl PreviewMap {
    /// Fits the map of a VAE by least squares to patches of random colours.
    ///
    /// # Errors
    /// Those of the VAE's encoder.
    pub fn fit(vae: &Vae, device: &Device, dtype: DType) -> Result<Self> {
        let factor = vae.factor();
        let side = FIT_SIDE * factor;
        let patches = FIT_SIDE / FIT_PATCH;
        let colours = NoiseStream::new(0, 0, NoisePurpose::Probe).uniforms(3 * patches * patches);
        let colour = |channel: usize, row: usize, column: usize| {
            colours[(channel * patches + row / FIT_PATCH) * patches + column / FIT_PATCH]
        };
        let mut pixels = Vec::with_capacity(3 * side * side);
        for channel in 0..3 {
            for y in 0..side {
                for x in 0..side {
                    pixels.push(2.0 * colour(channel, y / factor, x / factor) - 1.0);
                }
            }
        }
        let image = Tensor::from_vec(pixels, (1, 3, side, side), device)?.to_dtype(dtype)?;
        let latents = vae.scale_latents(&vae.encode(&image)?.mean)?;
        let channels = latents.dim(1)?;
        let latents: Vec<f32> = latents.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;

        let plane = FIT_SIDE * FIT_SIDE;
        let sample = |at: usize| -> Vec<f64> {
            (0..channels)
                .map(|channel| f64::from(latents[channel * plane + at]))
                .chain([1.0])
                .collect()
        };
        let factors = std::array::from_fn(|channel| {
            let samples = (0..plane).map(|at| {
                let target = f64::from(colour(channel, at / FIT_SIDE, at % FIT_SIDE));
                (sample(at), target)
            });
            least_squares(channels + 1, samples)
        });
        Ok(Self { factors })
    }

    /// Latents (channels, height, width) as a small picture.
    #[must_use]
    pub fn picture(&self, latents: &[f32], width: usize, height: usize) -> RgbImage {
        let plane = width * height;
        let picture = RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let at = y as usize * width + x as usize;
            image::Rgb(std::array::from_fn(|channel| {
                let factors = &self.factors[channel];
                let offset = factors.last().copied().unwrap_or_default();
                let value = factors
                    .iter()
                    .take(factors.len() - 1)
                    .enumerate()
                    .map(|(c, f)| {
                        f * f64::from(latents.get(c * plane + at).copied().unwrap_or(0.0))
                    })
                    .sum::<f64>()
                    + offset;
                (value.clamp(0.0, 1.0) * 255.0).round() as u8
            }))
        });
        let longest = picture.width().max(picture.height()).max(1);
        let scale = (LARGEST_SIDE / longest).clamp(1, 8);
        image::imageops::resize(
            &picture,
            picture.width() * scale,
            picture.height() * scale,
            FilterType::Triangle,
        )
    }
}

/// The factors that bring Σ factor·input closest to the targets, by the
/// normal equations with a trace of damping.
fn least_squares(count: usize, samples: impl Iterator<Item = (Vec<f64>, f64)>) -> Vec<f64> {
    let mut matrix = vec![vec![0.0; count + 1]; count];
    for (input, target) in samples {
        for (row, a) in matrix.iter_mut().zip(&input) {
            for (cell, b) in row.iter_mut().zip(input.iter().chain([&target])) {
                *cell += a * b;
            }
        }
    }
    for (index, row) in matrix.iter_mut().enumerate() {
        row[index] += 1e-6 * (1.0 + row[index]);
    }
    for pivot in 0..count {
        let best = (pivot..count)
            .max_by(|&a, &b| matrix[a][pivot].abs().total_cmp(&matrix[b][pivot].abs()))
            .unwrap_or(pivot);
        matrix.swap(pivot, best);
        let pivot_row = matrix[pivot].clone();
        for (index, row) in matrix.iter_mut().enumerate() {
            if index != pivot && pivot_row[pivot] != 0.0 {
                let factor = row[pivot] / pivot_row[pivot];
                for (cell, p) in row.iter_mut().zip(&pivot_row) {
                    *cell -= factor * p;
                }
            }
        }
    }
    (0..count)
        .map(|i| {
            let factor = matrix[i][count] / matrix[i][i];
            if factor.is_finite() { factor } else { 0.0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_finds_a_linear_law() {
        let inputs = NoiseStream::new(5, 0, NoisePurpose::Probe).normals(300);
        let samples = inputs.chunks(3).map(|x| {
            let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).chain([1.0]).collect();
            let target = 0.5 * x[0] - 2.0 * x[1] + 0.25 * x[2] + 3.0;
            (x, target)
        });
        let factors = least_squares(4, samples);
        for (found, expected) in factors.iter().zip([0.5, -2.0, 0.25, 3.0]) {
            assert!((found - expected).abs() < 1e-3, "{factors:?}");
        }
    }

    #[test]
    fn latents_without_information_do_not_break_the_fit() {
        let samples = (0..10).map(|i| (vec![0.0, 1.0], f64::from(i)));
        let factors = least_squares(2, samples);
        assert!((factors[1] - 4.5).abs() < 1e-3, "{factors:?}");
        assert!(factors[0].is_finite());
    }

    #[test]
    fn a_picture_is_enlarged_to_a_bounded_size() {
        let map = PreviewMap {
            factors: [vec![1.0, 0.0], vec![0.0, 0.5], vec![-1.0, 1.0]],
        };
        let picture = map.picture(&[0.0, 1.0], 2, 1);
        assert_eq!(picture.dimensions(), (16, 8));
        assert_eq!(picture.get_pixel(0, 0).0, [0, 128, 255]);
        assert_eq!(picture.get_pixel(15, 0).0, [255, 128, 0]);
        assert_eq!(
            map.picture(&[0.0; 128 * 96], 128, 96).dimensions(),
            (256, 192)
        );
        assert_eq!(map.picture(&[0.0; 300], 300, 1).dimensions(), (300, 1));
    }
}
