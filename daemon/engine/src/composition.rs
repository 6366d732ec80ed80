//! A picture of regions, each with a prompt and LoRAs of its own.
//!
//! After Mix-of-Show (Gu et al. 2023) and LoRA-Composer (Yang et al. 2024): in
//! region i the picture attends to text i, which is encoded and made keys and
//! values with the LoRAs of region i; all other layers apply them by the
//! region's mask. What no region covers attends to the prompt of the whole
//! picture.

use image::GrayImage;

use crate::region::resample;
use crate::request::{GenerateError, LoraUse};

/// The most regions of a picture.
pub const MOST_REGIONS: usize = 8;
/// Masks that differ by less are the same.
const NOTHING: f32 = 1e-6;

/// A part of the picture with a prompt and LoRAs of its own. Where regions
/// overlap beyond 1, they share the place by their masks.
#[derive(Debug, Clone)]
pub struct RegionRequest {
    /// Where it is.
    pub area: RegionArea,
    /// How wide its border fades, as a share of the frame's shorter side, 0 to
    /// 1. The frame's own edges do not fade.
    pub feather: f32,
    /// What is there; `None` for the prompt of the whole picture.
    pub prompt: Option<String>,
    /// LoRAs that act there alone.
    pub loras: Vec<LoraUse>,
    /// How much of the attention its prompt has there, above 0, up to 1; the
    /// rest is the whole picture's prompt's, which is read with its LoRAs there.
    pub strength: f32,
}

impl Default for RegionRequest {
    fn default() -> Self {
        Self {
            area: RegionArea::Box(FrameBox::WHOLE),
            feather: 0.0,
            prompt: None,
            loras: Vec::new(),
            strength: 1.0,
        }
    }
}

/// The shape of a region.
#[derive(Debug, Clone)]
pub enum RegionArea {
    /// A box.
    Box(FrameBox),
    /// A picture of any size, laid over the frame: white is inside.
    Mask(GrayImage),
}

/// A box as shares of the frame's width and height, from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameBox {
    /// Its left edge.
    pub left: f32,
    /// Its upper edge.
    pub top: f32,
    /// Its right edge.
    pub right: f32,
    /// Its lower edge.
    pub bottom: f32,
}

impl FrameBox {
    /// All of the frame.
    pub const WHOLE: Self = Self {
        left: 0.0,
        top: 0.0,
        right: 1.0,
        bottom: 1.0,
    };
}

/// Sizes that masks are laid out for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Width and height of the frame, pixels.
    pub frame: (usize, usize),
    /// Width and height of its latents.
    pub latents: (usize, usize),
}

/// The masks of regions over the latents, row by row, before they share what
/// they both cover.
///
/// # Errors
/// [`GenerateError::Region`] when one makes no sense.
pub(crate) fn masks(
    regions: &[RegionRequest],
    sizes: Sizes,
) -> Result<Vec<Vec<f32>>, GenerateError> {
    if regions.len() > MOST_REGIONS {
        return Err(GenerateError::Region {
            number: regions.len(),
            reason: format!("a picture has at most {MOST_REGIONS}"),
        });
    }
    let masks = regions.iter().enumerate().map(|(at, region)| {
        let fail = |reason: &str| GenerateError::Region {
            number: at + 1,
            reason: reason.to_owned(),
        };
        if !(0.0..=1.0).contains(&region.feather) {
            return Err(fail("the feather is a share of the frame, 0 to 1"));
        }
        if !(region.strength > 0.0 && region.strength <= 1.0) {
            return Err(fail("the strength is above 0, and 1 at most"));
        }
        let (width, height) = sizes.frame;
        let radius = (region.feather * width.min(height) as f32 / 2.0).round() as usize;
        let mask = match &region.area {
            RegionArea::Box(area) => box_mask(*area, radius, sizes).ok_or_else(|| {
                fail("a box has its edges between 0 and 1, left before right and top above bottom")
            })?,
            RegionArea::Mask(mask) => {
                picture_mask(mask, radius, sizes).ok_or_else(|| fail("the mask has no pixels"))?
            }
        };
        if mask.iter().all(|value| *value < NOTHING) {
            return Err(fail("it covers nothing of the frame"));
        }
        Ok(mask)
    });
    masks.collect()
}

/// Masks whose sum is 1 at most: where it is more, each is divided by it.
pub(crate) fn shared(mut masks: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let places = masks.first().map_or(0, Vec::len);
    for place in 0..places {
        let sum: f32 = masks.iter().filter_map(|mask| mask.get(place)).sum();
        if sum > 1.0 {
            for value in masks.iter_mut().filter_map(|mask| mask.get_mut(place)) {
                *value /= sum;
            }
        }
    }
    masks
}

/// What masks leave over.
pub(crate) fn remainder(masks: &[impl AsRef<[f32]>], places: usize) -> Vec<f32> {
    (0..places)
        .map(|place| {
            let sum: f32 = masks
                .iter()
                .filter_map(|mask| mask.as_ref().get(place))
                .sum();
            if 1.0 - sum < NOTHING { 0.0 } else { 1.0 - sum }
        })
        .collect()
}

/// Whether a mask is 1 everywhere.
pub(crate) fn is_full(mask: &[f32]) -> bool {
    mask.iter().all(|value| (value - 1.0).abs() < NOTHING)
}

/// Whether a mask is 0 everywhere.
pub(crate) fn is_empty(mask: &[f32]) -> bool {
    mask.iter().all(|value| *value < NOTHING)
}

/// A mask over the latents as a picture.
pub(crate) fn picture_of(mask: &[f32], (width, height): (usize, usize)) -> Option<GrayImage> {
    let pixels = mask.iter().map(|value| (value * 255.0).round() as u8);
    GrayImage::from_raw(width as u32, height as u32, pixels.collect())
}

fn box_mask(area: FrameBox, radius: usize, sizes: Sizes) -> Option<Vec<f32>> {
    let FrameBox {
        left,
        top,
        right,
        bottom,
    } = area;
    let inside = |from: f32, to: f32| 0.0 <= from && from < to && to <= 1.0;
    if !inside(left, right) || !inside(top, bottom) {
        return None;
    }
    // Along each axis: how much of a pixel is inside, faded, by latents.
    let profile = |from: f32, to: f32, pixels: usize, places: usize| {
        let (from, to) = (from * pixels as f32, to * pixels as f32);
        let inside: Vec<f32> = (0..pixels)
            .map(|at| ((at + 1) as f32).min(to) - (at as f32).max(from))
            .map(|covered| covered.clamp(0.0, 1.0))
            .collect();
        resample(&faded(&inside, radius), pixels, places)
    };
    let across = profile(left, right, sizes.frame.0, sizes.latents.0);
    let down = profile(top, bottom, sizes.frame.1, sizes.latents.1);
    let rows = down.iter().flat_map(|y| across.iter().map(move |x| x * y));
    Some(rows.collect())
}

/// In steps of 1/255, as a picture can record it.
fn picture_mask(mask: &GrayImage, radius: usize, sizes: Sizes) -> Option<Vec<f32>> {
    let (mut width, mut height) = (mask.width() as usize, mask.height() as usize);
    if width == 0 || height == 0 {
        return None;
    }
    let mut rows: Vec<f32> = mask
        .as_raw()
        .iter()
        .map(|v| f32::from(*v) / 255.0)
        .collect();
    if radius > 0 {
        rows = resized(&rows, (width, height), sizes.frame);
        (width, height) = sizes.frame;
        for _ in 0..2 {
            let lines = rows.chunks_exact(width);
            rows = lines.flat_map(|line| faded(line, radius)).collect();
            rows = turned(&rows, width, height);
            (width, height) = (height, width);
        }
    }
    let laid = resized(&rows, (width, height), sizes.latents);
    Some(
        laid.into_iter()
            .map(|v| (v * 255.0).round() / 255.0)
            .collect(),
    )
}

/// A picture of rows at another size, by the mean over areas.
fn resized(rows: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let across = resample(rows, from.0, to.0);
    let down = resample(&turned(&across, to.0, from.1), from.1, to.1);
    turned(&down, to.1, to.0)
}

/// Rows of `width` made columns.
fn turned(rows: &[f32], width: usize, height: usize) -> Vec<f32> {
    let columns = (0..width).flat_map(|x| (0..height).map(move |y| y * width + x));
    columns.filter_map(|at| rows.get(at).copied()).collect()
}

/// Each number the mean of those within a radius; beyond the ends, the ends.
fn faded(line: &[f32], radius: usize) -> Vec<f32> {
    if radius == 0 {
        return line.to_vec();
    }
    let value = |at: isize| {
        let at = at.clamp(0, line.len().saturating_sub(1) as isize);
        f64::from(line.get(at as usize).copied().unwrap_or_default())
    };
    let reach = radius as isize;
    let mut sum: f64 = (-reach..=reach).map(value).sum();
    let count = (2 * radius + 1) as f64;
    (0..line.len() as isize)
        .map(|at| {
            let mean = (sum / count) as f32;
            sum += value(at + reach + 1) - value(at - reach);
            mean
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        frame: (64, 32),
        latents: (8, 4),
    };

    fn box_region(left: f32, top: f32, right: f32, bottom: f32, feather: f32) -> RegionRequest {
        RegionRequest {
            area: RegionArea::Box(FrameBox {
                left,
                top,
                right,
                bottom,
            }),
            feather,
            ..RegionRequest::default()
        }
    }

    fn mask(region: RegionRequest) -> Vec<f32> {
        masks(&[region], SIZES).unwrap().remove(0)
    }

    #[test]
    fn a_box_covers_places_by_their_area() {
        let half = mask(box_region(0.0, 0.0, 0.5, 1.0, 0.0));
        assert_eq!(half[..8], [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let part = mask(box_region(0.25, 0.0, 0.6875, 0.125, 0.0));
        assert_eq!(part[..8], [0.0, 0.0, 0.5, 0.5, 0.5, 0.25, 0.0, 0.0]);
        assert_eq!(part[8..], [0.0; 24]);
        assert!(is_full(&mask(box_region(0.0, 0.0, 1.0, 1.0, 1.0))));
    }

    #[test]
    fn borders_fade_and_edges_of_the_frame_do_not() {
        let faded = mask(box_region(0.0, 0.0, 0.5, 1.0, 0.5));
        let row = &faded[..8];
        assert_eq!(row[0], 1.0);
        assert!(row.windows(2).all(|pair| pair[1] <= pair[0]), "{row:?}");
        assert!(row[3] < 0.9 && row[3] > 0.5 && row[4] > 0.1, "{row:?}");
        assert!((row[3] + row[4] - 1.0).abs() < 1e-5, "{row:?}");
        assert_eq!(faded[24..], faded[..8]);
    }

    #[test]
    fn a_mask_of_any_size_is_laid_over_the_frame() {
        let left = |width, height| {
            GrayImage::from_fn(width, height, |x, _| {
                image::Luma([if x < width / 2 { 255 } else { 0 }])
            })
        };
        for (width, height) in [(2, 1), (8, 4), (64, 32), (200, 500)] {
            for feather in [0.0, 0.5] {
                let region = RegionRequest {
                    area: RegionArea::Mask(left(width, height)),
                    feather,
                    ..RegionRequest::default()
                };
                let expected = mask(box_region(0.0, 0.0, 0.5, 1.0, feather));
                for (found, expected) in mask(region).iter().zip(&expected) {
                    assert!(
                        (found - expected).abs() < 0.005,
                        "{width}x{height}: {found}"
                    );
                }
            }
        }
        // What is recorded of a mask makes the same mask.
        let region = RegionRequest {
            area: RegionArea::Mask(left(7, 3)),
            feather: 0.3,
            ..RegionRequest::default()
        };
        let once = mask(region);
        let recorded = RegionRequest {
            area: RegionArea::Mask(picture_of(&once, SIZES.latents).unwrap()),
            ..RegionRequest::default()
        };
        assert_eq!(mask(recorded), once);
    }

    #[test]
    fn overlapping_masks_share_and_leave_the_rest() {
        let masks = shared(vec![vec![1.0, 0.5, 0.0, 0.2], vec![1.0, 1.0, 0.0, 0.3]]);
        assert_eq!(masks[0][0], 0.5);
        assert!((masks[0][1] - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(masks[0][3], 0.2);
        let rest = remainder(&masks, 4);
        assert_eq!(rest[..3], [0.0, 0.0, 1.0]);
        assert!((rest[3] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn regions_that_make_no_sense_are_refused() {
        let refused = |region: RegionRequest| masks(&[region], SIZES).unwrap_err().to_string();
        for (left, top, right, bottom) in [
            (0.5, 0.0, 0.5, 1.0),
            (0.6, 0.0, 0.5, 1.0),
            (-0.1, 0.0, 0.5, 1.0),
            (0.0, 0.0, 1.1, 1.0),
            (0.0, f32::NAN, 1.0, 1.0),
        ] {
            let message = refused(box_region(left, top, right, bottom, 0.0));
            assert!(
                message.contains("region 1") && message.contains("box"),
                "{message}"
            );
        }
        assert!(refused(box_region(0.0, 0.0, 1.0, 1.0, f32::NAN)).contains("feather"));
        let strength = RegionRequest {
            strength: 0.0,
            ..RegionRequest::default()
        };
        assert!(refused(strength).contains("strength"));
        let black = RegionRequest {
            area: RegionArea::Mask(GrayImage::new(4, 4)),
            ..RegionRequest::default()
        };
        assert!(refused(black).contains("nothing"));
        let none = RegionRequest {
            area: RegionArea::Mask(GrayImage::new(0, 0)),
            ..RegionRequest::default()
        };
        assert!(refused(none).contains("no pixels"));
        let many = vec![RegionRequest::default(); MOST_REGIONS + 1];
        assert!(masks(&many, SIZES).is_err());
    }
}
