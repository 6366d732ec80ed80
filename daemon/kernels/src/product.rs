//! Matrix products C = A·B + bias, B given column panel by column panel.
//!
//! A task takes a strip of panels and a range of rows. It packs a block of B
//! that fits in the second-level cache once, then runs every few rows of A over
//! it (Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication*, 2008).

use rayon::prelude::*;

use crate::scratch;
use crate::shape::{ShapeError, check_length};
use crate::shared::SharedMut;
use crate::simd::{self, Level, MOST_TILE_ROWS, Simd, Vectorised};
use crate::tile::{Start, Tile};

/// Greatest depth of a packed block.
const DEPTH: usize = 320;
/// Columns of a packed block: with [`DEPTH`], 600 KiB.
const STRIP: usize = 480;
/// Fewest rows that are worth packing a block of B for.
const FEWEST_ROWS: usize = 64;
/// Fewest panels of a strip that are worth packing rows of A for.
const FEWEST_PANELS: usize = 5;

/// Columns of B that lie side by side in C.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    /// Which batch entry it belongs to.
    pub batch: usize,
    /// Its first column there.
    pub column: usize,
    /// Number of columns, at most the register tile's.
    pub width: usize,
    /// Where in C its first column of row 0 lies.
    pub c: usize,
}

/// The panels of `batch` matrices of `columns` columns, `c_batch` numbers apart
/// in C.
pub(crate) fn panels(level: Level, batch: usize, columns: usize, c_batch: usize) -> Vec<Panel> {
    let step = level.tile_columns();
    (0..batch)
        .flat_map(|batch| {
            (0..columns).step_by(step).map(move |column| Panel {
                batch,
                column,
                width: step.min(columns - column),
                c: batch * c_batch + column,
            })
        })
        .collect()
}

/// Where B comes from.
pub(crate) trait Columns: Sync {
    /// Writes B[k, n] for `k` in `depth..depth + count` and the panel's columns
    /// to `to[(k - depth) * step + n]`.
    fn pack(&self, panel: Panel, depth: usize, count: usize, step: usize, to: &mut [f32]);
}

/// What is added to the product.
#[derive(Clone, Copy)]
pub(crate) enum Bias<'a> {
    None,
    /// What C holds before.
    Held,
    /// One number for each row of C.
    Rows(&'a [f32]),
    /// One number for each column of C.
    Columns(&'a [f32]),
}

/// A product to compute.
pub(crate) struct Product<'a, B> {
    /// Rows of A and of each matrix in C.
    pub rows: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
    /// A, row by row.
    pub a: &'a [f32],
    pub b: &'a B,
    pub bias: Bias<'a>,
    /// From one row of C to the next.
    pub c_row: usize,
}

impl<B: Columns> Product<'_, B> {
    /// Computes all of C, which the panels cover exactly.
    pub(crate) fn run(&self, level: Level, panels: &[Panel], c: &mut [f32]) {
        if panels.is_empty() || self.rows == 0 {
            return;
        }
        let strips = panels.len().div_ceil((STRIP / level.tile_columns()).max(1));
        let in_strip = panels.len().div_ceil(strips);
        let threads = rayon::current_num_threads();
        let tasks = if threads == 1 { 1 } else { 4 * threads };
        let splits = tasks
            .div_ceil(strips)
            .min(self.rows.div_ceil(FEWEST_ROWS))
            .max(1);
        // Whole register tiles of any instruction set.
        let in_split = self.rows.div_ceil(splits).next_multiple_of(8);

        let c = SharedMut::new(c);
        let tasks: Vec<_> = panels
            .chunks(in_strip)
            .flat_map(|panels| {
                (0..self.rows)
                    .step_by(in_split)
                    .map(move |row| (panels, row))
            })
            .collect();
        tasks.into_par_iter().for_each(|(panels, first_row)| {
            let rows = in_split.min(self.rows - first_row);
            let block = self.block();
            let scratch = block * (panels.len() * level.tile_columns() + MOST_TILE_ROWS);
            scratch::for_task(scratch, |scratch| {
                simd::run(
                    level,
                    Task {
                        product: self,
                        panels,
                        first_row,
                        rows,
                        c,
                        scratch,
                    },
                );
            });
        });
    }
}

impl<B> Product<'_, B> {
    /// Depth of a packed block, so that all blocks are about the same.
    fn block(&self) -> usize {
        let blocks = self.depth.div_ceil(DEPTH).max(1);
        self.depth.div_ceil(blocks)
    }
}

/// The part of C in a strip of panels and a range of rows; tasks do not overlap.
struct Task<'a, B> {
    product: &'a Product<'a, B>,
    panels: &'a [Panel],
    first_row: usize,
    rows: usize,
    c: SharedMut<'a>,
    /// For a block of B and a few rows of A.
    scratch: &'a mut [f32],
}

impl<B: Columns> Vectorised for Task<'_, B> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self {
            product,
            panels,
            first_row,
            rows,
            c,
            scratch,
        } = self;
        let step = S::TILE_COLUMNS;
        let block = product.block();
        let (b, a) = scratch.split_at_mut(block * panels.len() * step);
        let mut depth = 0;
        while depth < product.depth {
            let count = block.min(product.depth - depth);
            for (panel, b) in panels.iter().zip(b.chunks_exact_mut(block * step)) {
                if panel.width % S::LANES != 0 {
                    b.fill(0.0);
                }
                product.b.pack(*panel, depth, count, step, b);
            }
            let mut row = first_row;
            while row < first_row + rows {
                let height = S::TILE_ROWS.min(first_row + rows - row);
                let from = &product.a[row * product.depth + depth..]
                    [..(height - 1) * product.depth + count];
                let (rows, a_row, a_step) = if panels.len() < FEWEST_PANELS {
                    (from, product.depth, 1)
                } else {
                    transpose(from, product.depth, height, count, S::TILE_ROWS, a);
                    (&*a, 1, S::TILE_ROWS)
                };
                for (panel, b) in panels.iter().zip(b.chunks_exact(block * step)) {
                    let to = panel.c + row * product.c_row;
                    let start = if depth > 0 {
                        Start::Sum
                    } else {
                        match product.bias {
                            Bias::None => Start::Zero,
                            Bias::Held => Start::Sum,
                            Bias::Rows(bias) => Start::Rows(bias[row..row + height].as_ptr()),
                            Bias::Columns(bias) => {
                                let bias = &bias[panel.column..panel.column + panel.width];
                                Start::Columns(bias.as_ptr())
                            }
                        }
                    };
                    let tile = Tile {
                        rows: height,
                        columns: panel.width,
                        depth: count,
                        a: rows.as_ptr(),
                        a_row,
                        a_step,
                        b: b.as_ptr(),
                        b_step: step,
                        c: c.at(to, (height - 1) * product.c_row + panel.width),
                        c_row: product.c_row,
                        start,
                    };
                    // SAFETY: `rows` holds what `a_row` and `a_step` reach, `b`
                    // count * TILE_COLUMNS numbers; `at` checked C, slicing the
                    // bias, and no other task has these rows of this panel.
                    #[expect(unsafe_code, reason = "register tile over raw matrices")]
                    unsafe {
                        s.accumulate(&tile);
                    }
                }
                row += height;
            }
            depth += count;
        }
    }
}

/// Writes `from[r * from_row + k]` to `to[k * step + r]` for `rows` x `count`.
#[inline(always)]
fn transpose(
    from: &[f32],
    from_row: usize,
    rows: usize,
    count: usize,
    step: usize,
    to: &mut [f32],
) {
    // Sixteen columns at a time keep the destination in the first-level cache.
    let mut k = 0;
    while k < count {
        let width = 16.min(count - k);
        let to = &mut to[k * step..(k + width - 1) * step + rows];
        for r in 0..rows {
            let from = &from[r * from_row + k..][..width];
            if let Ok(from) = <&[f32; 16]>::try_from(from) {
                for (i, value) in from.iter().enumerate() {
                    to[i * step + r] = *value;
                }
            } else {
                for (i, value) in from.iter().enumerate() {
                    to[i * step + r] = *value;
                }
            }
        }
        k += width;
    }
}

/// The rows of a weight matrix as columns of B.
struct Transposed<'a> {
    weight: &'a [f32],
    depth: usize,
}

impl Columns for Transposed<'_> {
    #[inline(always)]
    fn pack(&self, panel: Panel, depth: usize, count: usize, step: usize, to: &mut [f32]) {
        let from = &self.weight[panel.column * self.depth + depth..];
        transpose(from, self.depth, panel.width, count, step, to);
    }
}

/// A linear layer: `output[r, o] = Σ input[r, i] · weight[o, i] + bias[o]`.
///
/// `input` is `rows` x `inputs`, `weight` `outputs` x `inputs` as PyTorch stores
/// it, `output` `rows` x `outputs`.
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn linear(
    rows: usize,
    inputs: usize,
    outputs: usize,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    if let Some(bias) = bias {
        check_length("linear", "bias", bias, &[outputs])?;
    }
    let bias = bias.map_or(Bias::None, Bias::Columns);
    let level = Level::best();
    linear_at(level, rows, inputs, outputs, input, weight, bias, output)
}

/// What a linear layer without bias gives, added to what `output` holds:
/// `output[r, o] += Σ input[r, i] · weight[o, i]`, in the layout of [`linear`].
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn linear_add(
    rows: usize,
    inputs: usize,
    outputs: usize,
    input: &[f32],
    weight: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    let (level, bias) = (Level::best(), Bias::Held);
    linear_at(level, rows, inputs, outputs, input, weight, bias, output)
}

#[expect(
    clippy::too_many_arguments,
    reason = "linear's own, and the instructions"
)]
fn linear_at(
    level: Level,
    rows: usize,
    inputs: usize,
    outputs: usize,
    input: &[f32],
    weight: &[f32],
    bias: Bias<'_>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length("linear", "input", input, &[rows, inputs])?;
    check_length("linear", "weight", weight, &[outputs, inputs])?;
    check_length("linear", "output", output, &[rows, outputs])?;
    let product = Product {
        rows,
        depth: inputs,
        a: input,
        b: &Transposed {
            weight,
            depth: inputs,
        },
        bias,
        c_row: outputs,
    };
    product.run(level, &panels(level, 1, outputs, 0), output);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conv::tests::{assert_close, numbers};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn linear_is_the_product_with_the_transposed_weight(
            rows in 1usize..150, inputs in 1usize..600, outputs in 1usize..200,
            with_bias: bool, seed: u64,
        ) {
            let input = numbers(seed, rows * inputs);
            let weight = numbers(seed ^ 1, outputs * inputs);
            let bias = with_bias.then(|| numbers(seed ^ 2, outputs));
            let mut expected = vec![0f64; rows * outputs];
            for r in 0..rows {
                for o in 0..outputs {
                    expected[r * outputs + o] = bias.as_ref().map_or(0.0, |b| f64::from(b[o]))
                        + (0..inputs)
                            .map(|i| f64::from(input[r * inputs + i]) * f64::from(weight[o * inputs + i]))
                            .sum::<f64>();
                }
            }
            for level in Level::all() {
                let mut output = vec![f32::NAN; rows * outputs];
                let added = bias.as_deref().map_or(Bias::None, Bias::Columns);
                linear_at(level, rows, inputs, outputs, &input, &weight, added, &mut output)?;
                assert_close(&output, &expected, 1e-5);
                // The bias laid out before, and the product added to it.
                for (o, output) in output.iter_mut().enumerate() {
                    *output = bias.as_ref().map_or(0.0, |bias| bias[o % outputs]);
                }
                linear_at(level, rows, inputs, outputs, &input, &weight, Bias::Held, &mut output)?;
                assert_close(&output, &expected, 1e-5);
            }
        }
    }
}
