//! Gaussian blur at any radius for the price of one.
//!
//! A wide Gaussian is approached by a cascade of extended box filters
//! (Gwosdek, Grewenig, Bruhn & Weickert 2011): boxes whose two outermost
//! weights are fractions, so that the variance is exact at every radius. Each
//! costs one running sum. A narrow Gaussian is what it is.

use rayon::prelude::*;

use crate::error::CanvasError;
use crate::mask::Mask;

/// Boxes for a wide Gaussian. Their edge response differs from the true one's
/// by 1.5 of 255 at most, no mask's by more than 4.2 along an axis, nor by more
/// than 6 along both.
const BOXES: usize = 5;
/// Up to this standard deviation the Gaussian itself is used.
const NARROW: f64 = 2.5;
/// Where a Gaussian is cut off, standard deviations: the tails are less than a
/// tenth of a mask's step.
const TAILS: f64 = 4.0;
/// The widest blur, standard deviations in pixels: twice the longest canvas.
const WIDEST: f64 = 16_384.0;

/// Lines that are smoothed side by side, so that one instruction serves many.
const LANES: usize = 16;
/// Lines side by side: one value of each.
type Values = [u32; LANES];
/// Fractions of a mask's step in a value, so that passes do not add up their
/// rounding: 255 · 128 and the sums of 32,000 such values stay in 31 bits.
const UNIT: u32 = 128;

impl Mask {
    /// A Gaussian blur; `sigma` is its standard deviation in pixels. Beyond
    /// the canvas the mask goes on as it is at the border, so that a selection
    /// that touches the border stays whole there.
    ///
    /// The result differs from the true Gaussian's by 3 of 255 at most over
    /// edges, corners and lines.
    ///
    /// # Errors
    /// If `sigma` is negative, no number or above 16,384.
    pub fn blur(self, sigma: f64) -> Result<Self, CanvasError> {
        check("blur", sigma)?;
        // Less than this moves no value by half a step.
        if sigma < 0.1 {
            return Ok(self);
        }
        let filters = if sigma <= NARROW {
            vec![Filter::gaussian(sigma)]
        } else {
            vec![Filter::extended_box(sigma * sigma / BOXES as f64); BOXES]
        };
        Ok(smooth(self, &filters))
    }

    /// Softens the border: across a straight one the mask passes from 0 to 255
    /// within `width` pixels, half of them on each side (in whole pixels,
    /// rounded down), along the smooth curve of three boxes. What has no
    /// border that near along both axes keeps its value. Beyond the canvas the
    /// mask goes on as it is at the border.
    ///
    /// # Errors
    /// If `width` is negative, no number or above 16,384.
    pub fn feather(self, width: f64) -> Result<Self, CanvasError> {
        check("feather", width)?;
        // Checked: it fits.
        let reach = (width / 2.0).floor() as usize;
        let filters: Vec<Filter> = (0..3)
            .map(|part| (reach + part) / 3)
            .filter(|&reach| reach > 0)
            .map(Filter::even_box)
            .collect();
        Ok(smooth(self, &filters))
    }
}

fn check(name: &'static str, value: f64) -> Result<(), CanvasError> {
    if (0.0..=WIDEST).contains(&value) {
        return Ok(());
    }
    Err(CanvasError::Parameter {
        name,
        value,
        allowed: "from 0 to 16384 pixels",
    })
}

/// A symmetric filter along a line.
#[derive(Debug, Clone)]
enum Filter {
    /// 2·reach + 1 weights of `inner` between two of `outer`.
    Box {
        reach: usize,
        inner: f32,
        outer: f32,
    },
    /// The weight of the middle, and of each pair around it.
    Weights { middle: f32, pairs: Vec<f32> },
}

impl Filter {
    /// The mean of 2·reach + 1 values.
    fn even_box(reach: usize) -> Self {
        Self::Box {
            reach,
            inner: 1.0 / (2 * reach + 1) as f32,
            outer: 0.0,
        }
    }

    /// The extended box of a variance above 0. Gwosdek et al., equations 9 and
    /// 10.
    fn extended_box(variance: f64) -> Self {
        let reach = ((0.5 * (12.0 * variance + 1.0).sqrt()) - 0.5).floor();
        let next = reach + 1.0;
        let part = (2.0 * reach + 1.0) * (reach * next - 3.0 * variance)
            / (6.0 * (variance - next * next));
        let inner = 1.0 / (2.0 * part + 2.0 * reach + 1.0);
        Self::Box {
            reach: reach as usize,
            inner: inner as f32,
            outer: (part * inner) as f32,
        }
    }

    /// The sampled Gaussian.
    fn gaussian(sigma: f64) -> Self {
        let weight = |at: f64| (-at * at / (2.0 * sigma * sigma)).exp();
        let reach = (TAILS * sigma).ceil() as usize;
        let pairs: Vec<f64> = (1..=reach).map(|at| weight(at as f64)).collect();
        let sum = 1.0 + 2.0 * pairs.iter().sum::<f64>();
        Self::Weights {
            middle: (1.0 / sum) as f32,
            pairs: pairs.iter().map(|weight| (weight / sum) as f32).collect(),
        }
    }

    /// Values by which a line is shorter at each end afterwards.
    fn margin(&self) -> usize {
        match self {
            Self::Box { reach, .. } => reach + 1,
            Self::Weights { pairs, .. } => pairs.len(),
        }
    }

    /// Filters `from` into `to`, which becomes 2·margin shorter.
    fn apply(&self, from: &[Values], to: &mut Vec<Values>) {
        to.clear();
        match self {
            &Self::Box {
                reach,
                inner,
                outer,
            } => {
                let width = 2 * reach + 1;
                let mut sum = [0; LANES];
                for values in &from[1..width] {
                    for (sum, value) in sum.iter_mut().zip(values) {
                        *sum += value;
                    }
                }
                let outermost = from.iter().zip(&from[width + 1..]);
                let moving = from[1..].iter().zip(&from[width..]);
                to.extend(
                    outermost
                        .zip(moving)
                        .map(|((left, right), (leaves, enters))| {
                            let mut filtered = [0; LANES];
                            for lane in 0..LANES {
                                sum[lane] += enters[lane];
                                let within = sum[lane] as i32 as f32 * inner;
                                let beside = (left[lane] + right[lane]) as i32 as f32 * outer;
                                filtered[lane] = rounded(within + beside);
                                sum[lane] -= leaves[lane];
                            }
                            filtered
                        }),
                );
            }
            Self::Weights { middle, pairs } => {
                to.extend(from.windows(2 * pairs.len() + 1).map(|around| {
                    let (before, rest) = around.split_at(pairs.len());
                    let mut sum = rest[0].map(|value| value as i32 as f32 * middle);
                    let ends = before.iter().rev().zip(&rest[1..]);
                    for ((left, right), weight) in ends.zip(pairs) {
                        for lane in 0..LANES {
                            let pair = (left[lane] + right[lane]) as i32 as f32;
                            sum[lane] += pair * weight;
                        }
                    }
                    sum.map(rounded)
                }));
            }
        }
    }
}

/// The nearest whole number of one from 0 to 2^22: adding 2^23 leaves no room
/// for a fraction. A cast would do the same, but one number at a time.
fn rounded(value: f32) -> u32 {
    const WHOLE: f32 = 8_388_608.0;
    (value + WHOLE).to_bits() & 0x007f_ffff
}

/// What smooths one bundle of lines, with room that is used again.
struct Smoother<'a> {
    filters: &'a [Filter],
    from: Vec<Values>,
    to: Vec<Values>,
}

impl Smoother<'_> {
    /// Takes lines of `length` values, `at(i)` giving the i-th of each; false
    /// if all are the same, so that there is nothing to smooth.
    fn take(&mut self, length: usize, at: impl Fn(usize) -> [u8; LANES]) -> bool {
        let margin = self.filters.iter().map(Filter::margin).sum();
        let first = at(0);
        let level = first[0];
        let mut changes = false;
        let scaled = |values: [u8; LANES]| values.map(|value| u32::from(value) * UNIT);
        self.from.clear();
        self.from.resize(margin, scaled(first));
        self.from.extend((0..length).map(|i| {
            let values = at(i);
            changes |= values.iter().any(|&value| value != level);
            scaled(values)
        }));
        let last = scaled(at(length - 1));
        self.from.resize(length + 2 * margin, last);
        changes
    }

    /// The smoothed lines.
    fn smoothed(&mut self) -> impl Iterator<Item = [u8; LANES]> {
        for filter in self.filters {
            filter.apply(&self.from, &mut self.to);
            std::mem::swap(&mut self.from, &mut self.to);
        }
        self.from
            .iter()
            .map(|values| values.map(|value| ((value + UNIT / 2) / UNIT) as u8))
    }
}

fn smooth(mut mask: Mask, filters: &[Filter]) -> Mask {
    if filters.is_empty() {
        return mask;
    }
    let width = mask.stride();
    let height = mask.size().height as usize;
    let smoother = || Smoother {
        filters,
        from: Vec::new(),
        to: Vec::new(),
    };

    mask.values_mut()
        .par_chunks_mut(LANES * width)
        .for_each_init(smoother, |smoother, rows| {
            let count = rows.len() / width;
            // The last bundle may have fewer lines: the rest repeat its last.
            let starts: [usize; LANES] = std::array::from_fn(|lane| lane.min(count - 1) * width);
            if !smoother.take(width, |x| starts.map(|start| rows[start + x])) {
                return;
            }
            for (x, values) in smoother.smoothed().enumerate() {
                for (lane, value) in values.into_iter().take(count).enumerate() {
                    rows[lane * width + x] = value;
                }
            }
        });

    let values = mask.values();
    let bundles: Vec<Option<Vec<[u8; LANES]>>> = (0..width.div_ceil(LANES))
        .into_par_iter()
        .map_init(smoother, |smoother, bundle| {
            let first = bundle * LANES;
            let changes = smoother.take(height, |y| {
                let row = &values[y * width..][..width];
                match row[first..].first_chunk() {
                    Some(values) => *values,
                    None => std::array::from_fn(|lane| row[(first + lane).min(width - 1)]),
                }
            });
            changes.then(|| smoother.smoothed().collect())
        })
        .collect();
    mask.values_mut()
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(y, row)| {
            for (part, bundle) in row.chunks_mut(LANES).zip(&bundles) {
                if let Some(column) = bundle {
                    part.copy_from_slice(&column[y][..part.len()]);
                }
            }
        });
    mask
}
