//! What a model begins with where it is to draw anew.

use rayon::prelude::*;

use crate::error::CanvasError;
use crate::mask::{Mask, SELECTED};
use crate::membrane::{Grid, Known};
use crate::nearest::nearest;
use crate::pixels::{Channel, Pixels, same_size};

/// What takes the place of the selected pixels before denoising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// What is there.
    Original,
    /// Mid grey.
    Neutral,
    /// Independent uniform noise in each channel.
    Noise,
    /// The surroundings' colours, spread smoothly over the selection.
    Blur,
    /// The colour of the nearest pixel that is not selected.
    Border,
}

/// Fills the selected pixels of a picture. Where a mask is soft, the fill is
/// mixed in by its value; where it is 0 nothing changes, bit for bit. What is
/// filled becomes opaque by the same measure. `uniform` gives numbers from 0
/// to 1 for [`Fill::Noise`] and is asked three times a pixel, whether or not
/// the pixel is selected, so that a selection does not shift the noise.
///
/// Where everything is selected [`Fill::Blur`] and [`Fill::Border`] have no
/// surroundings and fill as [`Fill::Neutral`].
///
/// # Errors
/// If mask and picture differ in size.
pub fn fill<C: Channel>(
    picture: &mut Pixels<C>,
    mask: &Mask,
    with: Fill,
    mut uniform: impl FnMut() -> f32,
) -> Result<(), CanvasError> {
    same_size(picture.size(), mask.size())?;
    let width = picture.size().width as usize;
    let height = picture.size().height as usize;
    let neutral = |_: usize| [0.5; 3];
    match with {
        Fill::Original => {}
        Fill::Neutral => mix(picture, mask, neutral),
        Fill::Noise => {
            let noise: Vec<[f32; 3]> = (0..width * height)
                .map(|_| std::array::from_fn(|_| uniform()))
                .collect();
            mix(picture, mask, |at| noise[at]);
        }
        Fill::Blur => {
            let pixels = picture.pixels().par_iter().zip(mask.values());
            let cells: Vec<Known> = pixels
                .map(|(pixel, &value)| Known {
                    values: [0, 1, 2].map(|channel| pixel[channel].to_unit()),
                    weight: (1.0 - f32::from(value) / 255.0) * pixel[3].to_unit(),
                })
                .collect();
            if cells.iter().all(|cell| cell.weight == 0.0) {
                mix(picture, mask, neutral);
            } else {
                let spread = Grid::new(width, height, cells).spread();
                mix(picture, mask, |at| spread.cells[at].values);
            }
        }
        Fill::Border => {
            // A soft rim is half what is to go: the nearest sound pixel is one
            // beyond it, where there is any.
            let sound = |most: u8| {
                let (pixels, values) = (picture.pixels(), mask.values());
                nearest(width, height, |at| {
                    values[at] <= most && pixels[at][3].to_unit() > 0.0
                })
            };
            match sound(0).or_else(|| sound(SELECTED - 1)) {
                Some(nearest) => {
                    let before = picture.pixels().to_vec();
                    mix(picture, mask, |at| {
                        let pixel = before[nearest[at]];
                        [0, 1, 2].map(|channel| pixel[channel].to_unit())
                    });
                }
                None => mix(picture, mask, neutral),
            }
        }
    }
    Ok(())
}

/// Mixes opaque colours in, by the mask.
fn mix<C: Channel>(
    picture: &mut Pixels<C>,
    mask: &Mask,
    colour: impl Fn(usize) -> [f32; 3] + Sync,
) {
    let pixels = picture.pixels_mut().par_iter_mut();
    let pixels = pixels.zip(mask.values()).enumerate();
    pixels.for_each(|(at, (pixel, &value))| {
        if value > 0 {
            let [red, green, blue] = colour(at);
            *pixel = mixed(*pixel, [red, green, blue, 1.0], value);
        }
    });
}

/// `over` in front of a pixel by a mask's value: colours are weighed by their
/// opacity, so that what is transparent does not shine through.
pub(crate) fn mixed<C: Channel>(pixel: [C; 4], over: [f32; 4], value: u8) -> [C; 4] {
    let part = f32::from(value) / 255.0;
    let under = pixel[3].to_unit() * (1.0 - part);
    let above = over[3] * part;
    let alpha = under + above;
    if alpha <= 0.0 {
        return [pixel[0], pixel[1], pixel[2], C::from_unit(0.0)];
    }
    let share = above / alpha;
    let colour = |channel: usize| {
        let below = pixel[channel].to_unit();
        C::from_unit(below + (over[channel] - below) * share)
    };
    [colour(0), colour(1), colour(2), C::from_unit(alpha)]
}
