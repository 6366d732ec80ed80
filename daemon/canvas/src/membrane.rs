//! Values known at some pixels, spread smoothly over all.
//!
//! A pyramid of weighted means, each level half as large as the one below;
//! what a level does not know it takes from the next, bilinearly (the
//! pull-push of Gortler, Grzeszczuk, Szeliski & Cohen 1996). Near the known
//! pixels the result is close to the membrane that solves Laplace's equation,
//! for a cost that does not depend on the size of the gaps.

use rayon::prelude::*;

/// Three values, and how well they are known, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Known {
    pub values: [f32; 3],
    pub weight: f32,
}

/// Such values on a grid, rows from the top.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub width: usize,
    pub height: usize,
    pub cells: Vec<Known>,
}

impl Grid {
    pub(crate) fn new(width: usize, height: usize, cells: Vec<Known>) -> Self {
        debug_assert_eq!(cells.len(), width * height);
        Self {
            width,
            height,
            cells,
        }
    }

    /// Weighted means of two by two.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut cells = vec![Known::default(); width * height];
        let rows = cells.par_chunks_mut(width).enumerate();
        rows.for_each(|(y, row)| {
            for (x, cell) in row.iter_mut().enumerate() {
                let mut sum = [0.0; 3];
                let mut weight = 0.0;
                for y in 2 * y..(2 * y + 2).min(self.height) {
                    for x in 2 * x..(2 * x + 2).min(self.width) {
                        let known = &self.cells[y * self.width + x];
                        weight += known.weight;
                        for (sum, value) in sum.iter_mut().zip(known.values) {
                            *sum += value * known.weight;
                        }
                    }
                }
                if weight > 0.0 {
                    cell.values = sum.map(|sum| sum / weight);
                    cell.weight = weight.min(1.0);
                }
            }
        });
        Self::new(width, height, cells)
    }

    /// Bilinearly between the centres of the cells, at a place in units of
    /// cells.
    pub(crate) fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let (left, right, across) = neighbours(x, self.width);
        let (above, below, down) = neighbours(y, self.height);
        let cell = |x: usize, y: usize| &self.cells[y * self.width + x].values;
        let (one, two) = (cell(left, above), cell(right, above));
        let (three, four) = (cell(left, below), cell(right, below));
        std::array::from_fn(|i| {
            let upper = one[i] + (two[i] - one[i]) * across;
            let lower = three[i] + (four[i] - three[i]) * across;
            upper + (lower - upper) * down
        })
    }

    /// All cells filled in, if any is known.
    pub(crate) fn spread(self) -> Self {
        let mut levels = vec![self];
        while let Some(last) = levels.last()
            && last.width.max(last.height) > 1
        {
            let next = last.halved();
            levels.push(next);
        }
        let Some(mut coarse) = levels.pop() else {
            return Self::new(0, 0, Vec::new());
        };
        while let Some(mut fine) = levels.pop() {
            let width = fine.width;
            let rows = fine.cells.par_chunks_mut(width).enumerate();
            rows.for_each(|(y, row)| {
                for (x, known) in row.iter_mut().enumerate() {
                    if known.weight < 1.0 {
                        let from = coarse.at((x as f32 + 0.5) / 2.0, (y as f32 + 0.5) / 2.0);
                        for (value, from) in known.values.iter_mut().zip(from) {
                            *value = *value * known.weight + from * (1.0 - known.weight);
                        }
                    }
                }
            });
            coarse = fine;
        }
        coarse
    }
}

/// The two cells around a place, and how far it is from the first to the
/// second.
fn neighbours(at: f32, length: usize) -> (usize, usize, f32) {
    let at = (at - 0.5).clamp(0.0, (length - 1) as f32);
    let first = at.floor();
    // Clamped: it is an index.
    let index = first as usize;
    (index, (index + 1).min(length - 1), at - first)
}
