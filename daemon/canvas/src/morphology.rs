//! Growing and shrinking: greyscale morphology with an ellipse.

use rayon::prelude::*;

use crate::error::CanvasError;
use crate::mask::{Mask, span};

/// Largest radius, pixels.
const LARGEST: f64 = 8_192.0;

/// Radii of an elliptical structuring element, in pixels: the pixels (dx, dy)
/// with (dx / x)² + (dy / y)² ≤ 1. A radius below 1 has no extent along its
/// axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radii {
    /// Horizontally.
    pub x: f64,
    /// Vertically.
    pub y: f64,
}

impl Radii {
    /// A disk's.
    pub const fn disk(radius: f64) -> Self {
        Self {
            x: radius,
            y: radius,
        }
    }

    fn check(self) -> Result<(), CanvasError> {
        for value in [self.x, self.y] {
            if !(0.0..=LARGEST).contains(&value) {
                return Err(CanvasError::Parameter {
                    name: "radius",
                    value,
                    allowed: "from 0 to 8192 pixels",
                });
            }
        }
        Ok(())
    }

    /// Whether the element has the pixel (dx, dy).
    pub fn contain(self, dx: i32, dy: i32) -> bool {
        let (x, y) = (self.x.max(0.5), self.y.max(0.5));
        let (dx, dy) = (f64::from(dx) * y, f64::from(dy) * x);
        dx * dx + dy * dy <= x * x * y * y
    }

    /// For each row from the centre out, how far the element reaches to either
    /// side: index 0 is the middle row.
    fn chords(self) -> Vec<usize> {
        // Radii are at most 8192.
        let mut reach = self.x.floor() as i32;
        (0..=self.y.floor() as i32)
            .map(|dy| {
                while reach > 0 && !self.contain(reach, dy) {
                    reach -= 1;
                }
                reach as usize
            })
            .collect()
    }
}

impl Mask {
    /// Dilation: each pixel takes the largest value under the element around
    /// it. Beyond the canvas nothing is selected.
    ///
    /// # Errors
    /// If a radius is negative, no number or above 8192.
    pub fn grow(self, radii: Radii) -> Result<Self, CanvasError> {
        radii.check()?;
        Ok(dilate(self, radii))
    }

    /// Erosion: each pixel takes the smallest value under the element around
    /// it. What lies beyond the canvas does not count, so the canvas's border
    /// eats nothing.
    ///
    /// # Errors
    /// If a radius is negative, no number or above 8192.
    pub fn shrink(self, radii: Radii) -> Result<Self, CanvasError> {
        radii.check()?;
        Ok(dilate(self.invert(), radii).invert())
    }

    /// Closing, [`Mask::grow`] then [`Mask::shrink`]: gaps that the element
    /// does not fit into are filled. To close twice changes nothing more.
    ///
    /// # Errors
    /// As [`Mask::grow`].
    pub fn close(self, radii: Radii) -> Result<Self, CanvasError> {
        self.grow(radii)?.shrink(radii)
    }

    /// Opening, [`Mask::shrink`] then [`Mask::grow`]: what the element does
    /// not fit into goes. To open twice changes nothing more.
    ///
    /// # Errors
    /// As [`Mask::shrink`].
    pub fn open(self, radii: Radii) -> Result<Self, CanvasError> {
        self.shrink(radii)?.grow(radii)
    }
}

/// Each row of the mask, widened to each of the element's chords in turn, goes
/// into the output's rows above and below at that chord's distance. A wider
/// chord is made of the one before by three values a pixel, so a pixel costs a
/// few byte-wise maxima for each of the element's rows, and no more for its
/// columns.
fn dilate(mask: Mask, radii: Radii) -> Mask {
    let chords = radii.chords();
    let reach = chords.len() - 1;
    if reach == 0 && chords[0] == 0 {
        return mask;
    }
    let (width, height) = (mask.stride(), mask.size().height as usize);
    let rows: Vec<&[u8]> = mask.rows().collect();
    // Bands overlap in what they read: fewer, taller ones read less twice.
    let band = height.div_ceil(rayon::current_num_threads()).max(64);
    let mut grown = vec![0; mask.values().len()];
    grown
        .par_chunks_mut(band * width)
        .enumerate()
        .for_each(|(index, out)| {
            let top = index * band;
            let bottom = top + out.len() / width;
            let mut chord = Chord::new(width, chords[0]);
            let near = top.saturating_sub(reach)..(bottom + reach).min(height);
            for (y, row) in near.clone().zip(&rows[near]) {
                if !chord.begin(row) {
                    continue;
                }
                for dy in (0..=reach).rev() {
                    // No row at this distance is in the band.
                    let above = y.checked_sub(dy).filter(|y| (top..bottom).contains(y));
                    let below = Some(y + dy).filter(|y| (top..bottom).contains(y) && dy > 0);
                    if above.is_none() && below.is_none() {
                        continue;
                    }
                    chord.widen(chords[dy]);
                    for y in [above, below].into_iter().flatten() {
                        chord.add_to(&mut out[(y - top) * width..][..width]);
                    }
                }
            }
        });
    mask.with(grown)
}

/// One row, dilated along itself by a reach that grows.
struct Chord {
    /// The row with `margin` zeros on each side.
    now: Vec<u8>,
    next: Vec<u8>,
    margin: usize,
    width: usize,
    reach: usize,
    /// Where `now` may differ from 0.
    span: (usize, usize),
}

impl Chord {
    fn new(width: usize, margin: usize) -> Self {
        let room = width + 2 * margin;
        Self {
            now: vec![0; room],
            next: vec![0; room],
            margin,
            width,
            reach: 0,
            span: (0, 0),
        }
    }

    /// Starts on a row; false if it has nothing to give.
    fn begin(&mut self, row: &[u8]) -> bool {
        let Some((first, last)) = span(row) else {
            return false;
        };
        let (start, end) = self.span;
        self.now[start..end].fill(0);
        let middle = &mut self.now[self.margin..self.margin + self.width];
        middle.copy_from_slice(row);
        self.span = (self.margin + first, self.margin + last + 1);
        self.reach = 0;
        true
    }

    /// Dilates to `reach`, which is at most the margin.
    fn widen(&mut self, reach: usize) {
        while self.reach < reach {
            // Three windows side by side leave no gap up to this shift.
            let shift = (reach - self.reach).min(2 * self.reach + 1);
            let (start, end) = self.span;
            // The span is never nearer to the ends than the margin allows.
            let (start, end) = (start - shift, end + shift);
            let (first, last) = (start.max(shift).min(end), end.min(self.now.len() - shift));
            // Near the ends there is nothing on one side.
            for at in (start..first).chain(last.max(first)..end) {
                let left = at.checked_sub(shift).map_or(0, |at| self.now[at]);
                let right = self.now.get(at + shift).copied().unwrap_or(0);
                self.next[at] = self.now[at].max(left).max(right);
            }
            if first < last {
                let left = &self.now[first - shift..last - shift];
                let middle = &self.now[first..last];
                let right = &self.now[first + shift..last + shift];
                let sides = left.iter().zip(right);
                let out = self.next[first..last].iter_mut();
                for ((out, middle), (left, right)) in out.zip(middle).zip(sides) {
                    *out = (*middle).max(*left).max(*right);
                }
            }
            // What the other buffer held from an earlier row must not show.
            self.next[..start].fill(0);
            self.next[end..].fill(0);
            std::mem::swap(&mut self.now, &mut self.next);
            self.span = (start, end);
            self.reach += shift;
        }
    }

    /// The larger of each pixel's values.
    fn add_to(&self, row: &mut [u8]) {
        let start = self.span.0.max(self.margin);
        let end = self.span.1.min(self.margin + self.width);
        let from = &self.now[start..end];
        let to = &mut row[start - self.margin..end - self.margin];
        for (to, from) in to.iter_mut().zip(from) {
            *to = (*to).max(*from);
        }
    }
}
