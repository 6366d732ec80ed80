//! Painting a region of a picture anew.
//!
//! An inpainting checkpoint sees mask and masked picture in extra input
//! channels. With any other one, the picture's own latents, noised to the level
//! of each step, are put back wherever the mask keeps them: wholly outside the
//! mask (Lugmayr et al. 2022), and under a soft mask for a share of the steps
//! that falls as the mask's value rises (Levin & Fried 2023).

use image::imageops::FilterType;
use image::{GrayImage, Rgb, RgbImage};

use crate::generation::pixels_of;
use crate::pipeline::Pipeline;
use crate::request::{GenerateError, Inpaint};
use crate::sampler::Trajectory;

/// What a generation keeps of the picture around the region.
#[derive(Debug)]
pub struct Kept {
    /// The picture's latents, (channels, height, width).
    clean: Vec<f32>,
    /// The noise that the latents began with.
    noise: Vec<f32>,
    /// How much of each latent cell may change, 0 to 1, (height, width).
    change: Vec<f32>,
}

impl Kept {
    /// What is kept of the picture of `request`, whose pixels are
    /// (3, height, width) in −1..=1.
    pub fn new(
        pipeline: &Pipeline,
        request: &Inpaint,
        pixels: Vec<f32>,
        (width, height): (u32, u32),
        noise: Vec<f32>,
    ) -> Result<Self, GenerateError> {
        let factor = pipeline.vae.factor() as u32;
        Ok(Self {
            clean: pipeline.encode_image(pixels, width as usize, height as usize)?,
            noise,
            change: cells(&mask_at(&request.mask, width, height), factor, mean),
        })
    }

    /// Puts back what is still kept after the steps that are done.
    pub fn put_back(&self, latents: &mut [f32], trajectory: &Trajectory) {
        let is_last = trajectory.is_done();
        let noised;
        let original = if is_last {
            &self.clean
        } else {
            noised = trajectory.add_noise(&self.clean, &self.noise);
            &noised
        };
        let done = trajectory.done() as f32 / trajectory.steps() as f32;
        let planes = latents.chunks_exact_mut(self.change.len());
        for (latents, original) in planes.zip(original.chunks_exact(self.change.len())) {
            for ((latent, original), change) in latents.iter_mut().zip(original).zip(&self.change) {
                if *change == 0.0 || 1.0 - change > done {
                    *latent = *original;
                }
            }
        }
    }
}

/// What an inpainting UNet sees beside the latents: which cells it is to paint
/// (1) or to keep (0), and the latents of the picture with the region greyed.
pub fn extra_channels(
    pipeline: &Pipeline,
    request: &Inpaint,
    pixels: &[f32],
    (width, height): (u32, u32),
) -> Result<Vec<f32>, GenerateError> {
    let mask = mask_at(&request.mask, width, height);
    let is_region: Vec<bool> = mask.iter().map(|value| *value >= 128).collect();
    let greyed = pixels
        .chunks_exact(is_region.len())
        .flat_map(|plane| plane.iter().zip(&is_region))
        .map(|(pixel, is_region)| if *is_region { 0.0 } else { *pixel })
        .collect();
    // A cell that is grey in part must be painted, or the grey would stay.
    let mut extra = cells(&mask, pipeline.vae.factor() as u32, |values| {
        f32::from(u8::from(values.iter().any(|value| *value >= 128)))
    });
    extra.extend(pipeline.encode_image(greyed, width as usize, height as usize)?);
    Ok(extra)
}

/// What an inpainting UNet sees that is given nothing to keep: the mask is
/// everywhere, and the masked image is the grey it was trained on.
pub fn blank_channels(
    pipeline: &Pipeline,
    (width, height): (u32, u32),
) -> Result<Vec<f32>, GenerateError> {
    let factor = pipeline.vae.factor() as u32;
    let mut extra = vec![1.0; ((width / factor) * (height / factor)) as usize];
    let grey = vec![0.0; 3 * (width * height) as usize];
    extra.extend(pipeline.encode_image(grey, width as usize, height as usize)?);
    Ok(extra)
}

/// The picture with the start put into the region; where the mask is soft, in
/// part.
pub fn start_pixels(request: &Inpaint, (width, height): (u32, u32)) -> Option<Vec<f32>> {
    let start = request.start.as_ref()?;
    let mask = mask_at(&request.mask, width, height);
    let at_size = |image: &RgbImage| {
        if image.dimensions() == (width, height) {
            image.clone()
        } else {
            image::imageops::resize(image, width, height, FilterType::Lanczos3)
        }
    };
    let (image, start) = (at_size(&request.image), at_size(start));
    let mixed = RgbImage::from_fn(width, height, |x, y| {
        let share = f32::from(mask.get_pixel(x, y).0[0]) / 255.0;
        let (old, new) = (image.get_pixel(x, y).0, start.get_pixel(x, y).0);
        Rgb(std::array::from_fn(|channel| {
            let (old, new) = (f32::from(old[channel]), f32::from(new[channel]));
            (old + share * (new - old)).round() as u8
        }))
    });
    Some(pixels_of(&mixed, width, height))
}

fn mask_at(mask: &GrayImage, width: u32, height: u32) -> GrayImage {
    if mask.dimensions() == (width, height) {
        mask.clone()
    } else {
        image::imageops::resize(mask, width, height, FilterType::Triangle)
    }
}

/// One value for each latent cell of `factor` × `factor` pixels.
fn cells(mask: &GrayImage, factor: u32, of: impl Fn(&[u8]) -> f32) -> Vec<f32> {
    let (width, height) = mask.dimensions();
    let mut values = Vec::with_capacity((factor * factor) as usize);
    let mut all = Vec::with_capacity((width / factor * (height / factor)) as usize);
    for y in 0..height / factor {
        for x in 0..width / factor {
            values.clear();
            for row in 0..factor {
                for column in 0..factor {
                    values.push(mask.get_pixel(x * factor + column, y * factor + row).0[0]);
                }
            }
            all.push(of(&values));
        }
    }
    all
}

fn mean(values: &[u8]) -> f32 {
    let sum: u32 = values.iter().map(|value| u32::from(*value)).sum();
    sum as f32 / (255 * values.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Sampler;
    use crate::schedule::SchedulerConfig;

    #[test]
    fn a_mask_is_shrunk_to_cells() {
        let mask = GrayImage::from_fn(4, 2, |x, y| {
            image::Luma([match (x, y) {
                (0 | 1, _) => 255,
                (2, 0) => 128,
                _ => 0,
            }])
        });
        assert_eq!(cells(&mask, 2, mean), [1.0, 128.0 / 1020.0]);
        let any = cells(&mask, 2, |values| {
            f32::from(u8::from(values.iter().any(|value| *value >= 128)))
        });
        assert_eq!(any, [1.0, 1.0]);
    }

    #[test]
    fn the_softer_the_mask_the_longer_a_cell_is_kept() {
        let config = SchedulerConfig::from_json(b"{}").expect("defaults");
        let mut trajectory = Trajectory::new(Sampler::Ddim, &config, 4).expect("a trajectory");
        let kept = Kept {
            clean: vec![7.0; 4],
            noise: vec![0.0; 4],
            change: vec![0.0, 0.25, 0.75, 1.0],
        };
        let mut are_kept = Vec::new();
        for _ in 0..4 {
            trajectory
                .advance(&[0.0; 4], &[0.0; 4], &[])
                .expect("a step");
            let mut latents = [0.0; 4];
            kept.put_back(&mut latents, &trajectory);
            are_kept.push(latents.map(|latent| latent != 0.0));
        }
        assert_eq!(
            are_kept,
            [
                [true, true, false, false],
                [true, true, false, false],
                [true, false, false, false],
                [true, false, false, false],
            ]
        );
    }

    #[test]
    fn the_start_stands_in_the_region_alone() {
        let request = Inpaint {
            image: RgbImage::from_pixel(2, 1, Rgb([0, 0, 0])),
            start: Some(RgbImage::from_pixel(2, 1, Rgb([255, 255, 255]))),
            mask: GrayImage::from_raw(2, 1, vec![0, 255]).expect("a mask"),
            strength: 0.5,
        };
        let pixels = start_pixels(&request, (2, 1)).expect("a start");
        assert_eq!(pixels, [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
    }
}
