//! The register tile: the innermost loop of every matrix product here.
//!
//! C = start + A·B for a tile of C small enough to stay in registers: a few rows of A,
//! one number of which is broadcast at a time, against a few vectors of a row of
//! B. Every sum runs over the depth in ascending order, whatever the tile's size
//! and whichever thread runs it.

use crate::simd::Simd;

/// What the products are added to.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// What C holds already.
    Sum,
    /// Nothing; what C holds is overwritten.
    Zero,
    /// One number for each row of the tile.
    Rows(*const f32),
    /// One number for each column of the tile.
    Columns(*const f32),
}

/// A tile of C and the parts of A and B that it is made of.
///
/// A[m, k] lies at `a + m * a_row + k * a_step`, B[k, n] at `b + k * b_step + n`,
/// C[m, n] at `c + m * c_row + n`; strides are in numbers.
///
/// Whoever runs a tile promises: A is readable for all `m < rows`, `k < depth`;
/// B for all `k < depth` and `n` below `columns` rounded up to whole vectors; C
/// is readable and writable for `m < rows`, `n < columns`, and nobody else
/// touches it meanwhile; `start` is readable for as many numbers as it says. `rows` and `columns` are at least 1 and at most the
/// instruction set's tile.
pub(crate) struct Tile {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub a: *const f32,
    pub a_row: usize,
    pub a_step: usize,
    pub b: *const f32,
    pub b_step: usize,
    pub c: *mut f32,
    pub c_row: usize,
    pub start: Start,
}

/// The loop for `M` rows and `V` vectors. `UNIT` says that `a_row` is 1.
///
/// # Safety
/// [`Tile`]'s promise, `tile.rows == M` and `tile.columns` fits in `V` vectors.
#[inline(always)]
#[expect(unsafe_code, reason = "raw matrices keep the loop free of checks")]
unsafe fn accumulate<S: Simd, const M: usize, const V: usize, const UNIT: bool>(s: S, tile: &Tile) {
    debug_assert!(tile.rows == M && tile.columns <= V * S::LANES);
    // SAFETY: every address below is one that `Tile`'s promise covers; a C tile
    // with a ragged right edge is staged in `edge`, which holds M * V vectors.
    unsafe {
        let mut edge = [0f32; 8 * 48];
        let ragged = tile.columns != V * S::LANES;
        let (c, c_row, start) = if ragged {
            for m in 0..M {
                let row = edge.as_mut_ptr().add(m * V * S::LANES);
                match tile.start {
                    Start::Sum => {
                        let from = tile.c.add(m * tile.c_row);
                        from.copy_to_nonoverlapping(row, tile.columns);
                    }
                    Start::Zero => {}
                    Start::Rows(rows) => {
                        for n in 0..tile.columns {
                            *row.add(n) = *rows.add(m);
                        }
                    }
                    Start::Columns(columns) => {
                        columns.copy_to_nonoverlapping(row, tile.columns);
                    }
                }
            }
            (edge.as_mut_ptr(), V * S::LANES, Start::Sum)
        } else {
            (tile.c, tile.c_row, tile.start)
        };

        let a_row = if UNIT { 1 } else { tile.a_row };
        let mut sums = [[s.splat(0.0); V]; M];
        let mut a = tile.a;
        let mut b = tile.b;
        for _ in 0..tile.depth {
            let mut row = [s.splat(0.0); V];
            for (v, value) in row.iter_mut().enumerate() {
                *value = s.load(b.add(v * S::LANES));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let factor = s.splat(*a.add(m * a_row));
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum = s.mul_add(factor, value, *sum);
                }
            }
            a = a.wrapping_add(tile.a_step);
            b = b.wrapping_add(tile.b_step);
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let to = c.add(m * c_row + v * S::LANES);
                let sum = match start {
                    Start::Sum => s.add(s.load(to), *sum),
                    Start::Zero => *sum,
                    Start::Rows(rows) => s.add(s.splat(*rows.add(m)), *sum),
                    Start::Columns(columns) => s.add(s.load(columns.add(v * S::LANES)), *sum),
                };
                s.store(to, sum);
            }
        }

        if ragged {
            for m in 0..M {
                edge.as_ptr()
                    .add(m * V * S::LANES)
                    .copy_to_nonoverlapping(tile.c.add(m * tile.c_row), tile.columns);
            }
        }
    }
}

/// Chooses the loop by the tile's size.
macro_rules! dispatch {
    ($(#[$doc:meta])* $name:ident, $($m:literal)+) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// [`Tile`]'s promise.
        #[inline(always)]
        #[expect(unsafe_code, reason = "forwards to the loop")]
        pub(crate) unsafe fn $name<S: Simd>(s: S, tile: &Tile) {
            let vectors = tile.columns.div_ceil(S::LANES);
            // SAFETY: the caller's promise; each arm's constants are the tile's
            // own size.
            unsafe {
                match (tile.rows, vectors, tile.a_row == 1) {
                    $(
                        ($m, 1, true) => accumulate::<S, $m, 1, true>(s, tile),
                        ($m, 2, true) => accumulate::<S, $m, 2, true>(s, tile),
                        ($m, 3, true) => accumulate::<S, $m, 3, true>(s, tile),
                        ($m, 1, false) => accumulate::<S, $m, 1, false>(s, tile),
                        ($m, 2, false) => accumulate::<S, $m, 2, false>(s, tile),
                        ($m, 3, false) => accumulate::<S, $m, 3, false>(s, tile),
                    )+
                    _ => unreachable!("a tile of {} x {} vectors", tile.rows, vectors),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
dispatch!(
    /// Runs a tile of up to 8 rows and 3 vectors.
    dispatch_8x3, 1 2 3 4 5 6 7 8
);
dispatch!(
    /// Runs a tile of up to 4 rows and 3 vectors.
    dispatch_4x3, 1 2 3 4
);
