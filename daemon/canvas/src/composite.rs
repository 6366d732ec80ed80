//! Putting what was drawn onto the canvas, without a seam.

use rayon::prelude::*;

use crate::error::CanvasError;
use crate::fill::mixed;
use crate::geometry::{Rect, Size};
use crate::mask::{Mask, SELECTED};
use crate::membrane::{Grid, Known};
use crate::morphology::Radii;
use crate::nearest::nearest;
use crate::pixels::{Channel, Pixels, same_size};

/// How wide a ring around the mask is compared, pixels.
const RING: f64 = 8.0;
/// Cells of a correction: more than a few million tell nothing more.
const MOST_CELLS: u64 = 4 << 20;

/// Whether a drawing's colours are matched to the canvas around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColourMatch {
    /// They are left as they are.
    None,
    /// Around the mask, drawing and canvas show the same thing, and so their
    /// difference there is an error of the drawing: in a ring of 8 pixels
    /// around the mask it is measured, spread smoothly over the mask, weaker
    /// by a factor e for every `reach` pixels from the ring, and taken off.
    Membrane {
        /// Pixels; infinite corrects the whole drawing.
        reach: f32,
    },
}

/// Puts a drawing onto a canvas. `drawing` and `mask` are of the size of `at`;
/// where the mask is 0 the canvas keeps every bit, alpha included. Where it is
/// soft, colours mix by their opacity.
///
/// # Errors
/// If `at` is not inside the canvas, or drawing or mask are not of its size.
pub fn composite<C: Channel>(
    canvas: &mut Pixels<C>,
    drawing: &Pixels<C>,
    mask: &Mask,
    at: Rect,
    matching: ColourMatch,
) -> Result<(), CanvasError> {
    at.check_inside(canvas.size())?;
    same_size(at.size(), drawing.size())?;
    same_size(at.size(), mask.size())?;
    let correction = match matching {
        ColourMatch::None => None,
        ColourMatch::Membrane { reach } => correction(canvas, drawing, mask, at, reach)?,
    };
    let columns = at.x as usize..at.right() as usize;
    let stride = canvas.size().width as usize;
    let width = at.width as usize;
    let first = at.y as usize * stride;
    let rows = canvas.pixels_mut()[first..]
        .par_chunks_mut(stride)
        .zip(drawing.pixels().par_chunks(width))
        .zip(mask.values().par_chunks(width))
        .enumerate();
    rows.for_each(|(y, ((canvas, drawing), mask))| {
        let pixels = canvas[columns.clone()].iter_mut().zip(drawing).zip(mask);
        for (x, ((pixel, drawn), &value)) in pixels.enumerate() {
            if value == 0 {
                continue;
            }
            let mut over = drawn.map(C::to_unit);
            if let Some(correction) = &correction {
                for (channel, by) in over.iter_mut().zip(correction.at(x, y)) {
                    *channel = (*channel + by).clamp(0.0, 1.0);
                }
            }
            *pixel = mixed(*pixel, over, value);
        }
    });
    Ok(())
}

/// What to add to a drawing's colours, on a grid over it.
struct Correction {
    grid: Grid,
    /// Pixels a cell, along each axis.
    cell: usize,
}

impl Correction {
    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let place = |at: usize| (at as f32 + 0.5) / self.cell as f32;
        self.grid.at(place(x), place(y))
    }
}

/// The correction, if there is a ring to measure it in.
fn correction<C: Channel>(
    canvas: &Pixels<C>,
    drawing: &Pixels<C>,
    mask: &Mask,
    at: Rect,
    reach: f32,
) -> Result<Option<Correction>, CanvasError> {
    if reach.is_nan() || reach <= 0.0 {
        return Err(CanvasError::Parameter {
            name: "reach",
            value: f64::from(reach),
            allowed: "above 0 pixels",
        });
    }
    let touched = mask.clone().threshold(1);
    let near = touched.grow(Radii::disk(RING))?;
    let cell = cell_pixels(at.size());
    let (width, height) = (at.width as usize, at.height as usize);
    let (columns, rows) = (width.div_ceil(cell), height.div_ceil(cell));
    let stride = canvas.size().width as usize;
    let cells: Vec<Known> = (0..columns * rows)
        .into_par_iter()
        .map(|index| {
            let (left, top) = (index % columns * cell, index / columns * cell);
            let mut sum = [0.0; 3];
            let mut weight = 0.0;
            for y in top..(top + cell).min(height) {
                for x in left..(left + cell).min(width) {
                    let own = y * width + x;
                    if near.values()[own] == 0 || mask.values()[own] > 0 {
                        continue;
                    }
                    let there = (at.y as usize + y) * stride + at.x as usize + x;
                    let (canvas, drawn) = (canvas.pixels()[there], drawing.pixels()[own]);
                    // The colours of what is transparent mean nothing.
                    let seen = canvas[3].to_unit() * drawn[3].to_unit();
                    weight += seen;
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        *sum += seen * (canvas[channel].to_unit() - drawn[channel].to_unit());
                    }
                }
            }
            if weight > 0.0 {
                Known {
                    values: sum.map(|sum| sum / weight),
                    weight: weight.min(1.0),
                }
            } else {
                Known::default()
            }
        })
        .collect();
    let Some(nearest) = nearest(columns, rows, |at| cells[at].weight > 0.0) else {
        return Ok(None);
    };
    let mut grid = Grid::new(columns, rows, cells).spread();
    let faded = grid.cells.par_iter_mut().zip(&nearest).enumerate();
    faded.for_each(|(at, (known, &nearest))| {
        let across = (at % columns).abs_diff(nearest % columns) as f32;
        let down = (at / columns).abs_diff(nearest / columns) as f32;
        let fade = (-across.hypot(down) * cell as f32 / reach).exp();
        for value in &mut known.values {
            *value *= fade;
        }
    });
    Ok(Some(Correction { grid, cell }))
}

/// Pixels a cell: 1 unless that would be too many cells.
fn cell_pixels(size: Size) -> usize {
    let mut cell = 1;
    while size.area() / (cell * cell) > MOST_CELLS {
        cell *= 2;
    }
    cell as usize
}

/// How visible the border of a mask is: over all pairs of neighbours of which
/// one is selected (128 or more) and one is not, and over red, green and blue,
/// the mean absolute step, less the mean step at the same places before. 0 to
/// 1; at most 0 if there is no seam. Zero if the mask has no border.
///
/// # Errors
/// If the sizes differ.
pub fn seam<C: Channel>(
    before: &Pixels<C>,
    after: &Pixels<C>,
    mask: &Mask,
) -> Result<f64, CanvasError> {
    same_size(before.size(), after.size())?;
    same_size(before.size(), mask.size())?;
    let width = before.size().width as usize;
    let selected: Vec<bool> = mask.values().iter().map(|&v| v >= SELECTED).collect();
    let mut sum = 0.0;
    let mut pairs = 0u64;
    for at in 0..selected.len() {
        let right = (at % width + 1 < width).then_some(at + 1);
        let below = (at + width < selected.len()).then_some(at + width);
        for next in [right, below].into_iter().flatten() {
            if selected[at] == selected[next] {
                continue;
            }
            let step = |picture: &Pixels<C>| -> f32 {
                let (one, other) = (picture.pixels()[at], picture.pixels()[next]);
                let steps = [0, 1, 2].map(|c| (one[c].to_unit() - other[c].to_unit()).abs());
                steps.iter().sum()
            };
            sum += f64::from(step(after) - step(before)) / 3.0;
            pairs += 1;
        }
    }
    Ok(if pairs == 0 { 0.0 } else { sum / pairs as f64 })
}
