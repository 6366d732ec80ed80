//! Pictures of any size in the square that the encoder works on, and masks
//! back out of it.

use candle_core::{Device, Tensor};
use image::imageops::{self, FilterType};
use image::{GrayImage, RgbImage};
use rayon::prelude::*;

use super::config::SegmenterConfig;
use super::error::SegmentError;

/// Logits that a mask from elsewhere becomes: as sure as the decoder is of a
/// mask's inside.
const SURE: f32 = 8.0;

/// How a picture lies in the square: its longest side fills it, what is left
/// over is to the right or below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The picture's size, pixels.
    pub width: u32,
    pub height: u32,
    /// Its size in the square.
    pub working: (u32, u32),
    /// The square's side.
    pub side: u32,
}

impl Frame {
    /// # Errors
    /// If the picture has no pixels, or would have none in the square.
    pub(super) fn new(width: u32, height: u32, side: usize) -> Result<Self, SegmentError> {
        let longest = f64::from(width.max(height));
        let scale = side as f64 / longest.max(1.0);
        let scaled = |length: u32| (f64::from(length) * scale + 0.5).floor() as u32;
        let working = (scaled(width), scaled(height));
        if width == 0 || height == 0 || working.0 == 0 || working.1 == 0 {
            return Err(SegmentError::Picture { width, height });
        }
        Ok(Self {
            width,
            height,
            working,
            // At most 4096.
            side: side as u32,
        })
    }

    /// From pixels of the picture to pixels of the square.
    pub(super) fn to_working(self, x: f32, y: f32) -> (f64, f64) {
        let along = |at: f32, working: u32, length: u32| {
            f64::from(at) * f64::from(working) / f64::from(length)
        };
        (
            along(x, self.working.0, self.width),
            along(y, self.working.1, self.height),
        )
    }

    /// The picture as the encoder wants it: (1, 3, side, side), normalised,
    /// zero where there is no picture.
    pub(super) fn pixels(
        self,
        picture: &RgbImage,
        config: &SegmenterConfig,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let (width, height) = self.working;
        let resized;
        let picture = if picture.dimensions() == self.working {
            picture
        } else {
            resized = imageops::resize(picture, width, height, FilterType::Triangle);
            &resized
        };
        let side = self.side as usize;
        let mut values = vec![0f32; 3 * side * side];
        for (channel, plane) in values.chunks_exact_mut(side * side).enumerate() {
            let (mean, std) = (config.pixel_mean[channel], config.pixel_std[channel]);
            for (line, row) in plane.chunks_exact_mut(side).zip(picture.rows()) {
                for (value, pixel) in line.iter_mut().zip(row) {
                    *value = (f32::from(pixel.0[channel]) - mean) / std;
                }
            }
        }
        Tensor::from_vec(values, (1, 3, side, side), device)
    }
}

/// A mask as the decoder gives and takes it: above 0 is inside. A square of a
/// quarter of the encoder's side or so, over the padded picture.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskLogits {
    side: usize,
    values: Vec<f32>,
}

impl MaskLogits {
    /// `side` rows of as many values.
    pub(super) fn new(side: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), side * side);
        Self { side, values }
    }

    /// Side, in its own pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Values, rows from the top.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// A mask over a picture, in bytes, as a prompt for a picture of that
    /// frame. 255 is surely inside, 0 surely not.
    pub(super) fn of_picture(mask: &GrayImage, frame: Frame, side: usize) -> Self {
        let scale = |working: u32| {
            let pixels = f64::from(working) * side as f64 / f64::from(frame.side);
            pixels.round().max(1.0) as u32
        };
        let (width, height) = (scale(frame.working.0), scale(frame.working.1));
        let small = imageops::resize(mask, width, height, FilterType::Triangle);
        let mut values = vec![-SURE; side * side];
        for (line, row) in values.chunks_exact_mut(side).zip(small.rows()) {
            for (value, pixel) in line.iter_mut().zip(row) {
                *value = (f32::from(pixel.0[0]) / 127.5 - 1.0) * SURE;
            }
        }
        Self::new(side, values)
    }

    pub(super) fn tensor(&self, device: &Device) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&self.values, (1, 1, self.side, self.side), device)
    }

    /// The logits over the picture, row by row: bilinearly to the encoder's
    /// square, cut to the picture, bilinearly to its size. `take` gets the
    /// number of a row and its values.
    pub(super) fn over_picture<R: Send>(
        &self,
        frame: Frame,
        take: impl Fn(usize, &[f32]) -> R + Sync,
    ) -> Vec<R> {
        let side = frame.side as usize;
        let square = Bilinear::new(self.side, self.side, side, side);
        let (width, height) = (frame.working.0 as usize, frame.working.1 as usize);
        let mut working = vec![0f32; width * height];
        working
            .par_chunks_mut(width)
            .enumerate()
            .for_each(|(y, row)| square.row(&self.values, self.side, y, row));
        let columns = frame.width as usize;
        let picture = Bilinear::new(width, height, columns, frame.height as usize);
        (0..frame.height as usize)
            .into_par_iter()
            .map_init(
                || vec![0f32; columns],
                |row, y| {
                    picture.row(&working, width, y, row);
                    take(y, row)
                },
            )
            .collect()
    }
}

/// Bilinear resampling between the centres of pixels, without smoothing, as
/// PyTorch does it (`align_corners=False`).
struct Bilinear {
    columns: Vec<(usize, usize, f32)>,
    rows: Vec<(usize, usize, f32)>,
}

impl Bilinear {
    fn new(from_width: usize, from_height: usize, width: usize, height: usize) -> Self {
        let along = |from: usize, to: usize| {
            (0..to)
                .map(|at| {
                    let scale = from as f32 / to as f32;
                    let place = ((at as f32 + 0.5) * scale - 0.5).max(0.0);
                    let first = (place as usize).min(from - 1);
                    (first, (first + 1).min(from - 1), place - first as f32)
                })
                .collect()
        };
        Self {
            columns: along(from_width, width),
            rows: along(from_height, height),
        }
    }

    /// The first of a row's values, as many as there is room for.
    fn row(&self, from: &[f32], stride: usize, y: usize, row: &mut [f32]) {
        let (above, below, down) = self.rows[y];
        let (above, below) = (&from[above * stride..], &from[below * stride..]);
        for (value, &(left, right, across)) in row.iter_mut().zip(&self.columns) {
            let upper = above[left] + (above[right] - above[left]) * across;
            let lower = below[left] + (below[right] - below[left]) * across;
            *value = upper + (lower - upper) * down;
        }
    }
}
