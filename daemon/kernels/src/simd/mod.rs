//! Vector instructions behind one trait, chosen when the program runs.
//!
//! A [`Simd`] value is a token: it exists only where the processor has the
//! instructions it stands for, so its methods need no further check. Loops are
//! written once, generic over the token, and [`vectorised!`](vectorised) compiles
//! each of them for every instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

use crate::tile::Tile;

/// No instruction set's register tile has more rows.
pub(crate) const MOST_TILE_ROWS: usize = 8;

/// One instruction set's vector of `f32` and what can be done with it.
#[expect(
    unsafe_code,
    reason = "declares the methods that work on raw addresses"
)]
pub(crate) trait Simd: Copy + Send + Sync {
    /// A vector of [`LANES`](Self::LANES) numbers.
    type Vector: Copy;

    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of the register tile of a matrix product: see [`crate::tile`].
    const TILE_ROWS: usize;
    /// Vectors side by side in the register tile.
    const TILE_VECTORS: usize;
    /// Columns of the register tile.
    const TILE_COLUMNS: usize = Self::TILE_VECTORS * Self::LANES;

    fn splat(self, value: f32) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger; `b` where either is not a number.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller; `b` where either is not a number.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn abs(self, a: Self::Vector) -> Self::Vector;
    /// The magnitude of `magnitude` with the sign of `sign`.
    fn copy_sign(self, magnitude: Self::Vector, sign: Self::Vector) -> Self::Vector;
    /// Adds the low bits of `power`, read as an integer, to the binary exponent
    /// of `a`: the last step of [`exp`](Self::exp).
    fn add_to_exponent(self, a: Self::Vector, power: Self::Vector) -> Self::Vector;
    /// Whether any lane of `a` is larger than the same lane of `b`.
    fn any_greater(self, a: Self::Vector, b: Self::Vector) -> bool;

    /// Reads a vector.
    ///
    /// # Safety
    /// `from` is readable for `LANES` numbers.
    unsafe fn load(self, from: *const f32) -> Self::Vector;

    /// Writes a vector.
    ///
    /// # Safety
    /// `to` is writable for `LANES` numbers.
    unsafe fn store(self, to: *mut f32, value: Self::Vector);

    /// Runs the register tile's loop: see [`Tile`].
    ///
    /// # Safety
    /// As [`Tile`] demands, with at most `TILE_ROWS` rows and `TILE_VECTORS`
    /// vectors.
    unsafe fn accumulate(self, tile: &Tile);

    /// The first vector of `from`, which must be long enough.
    #[inline(always)]
    fn read(self, from: &[f32]) -> Self::Vector {
        assert!(from.len() >= Self::LANES);
        // SAFETY: the assertion.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes `value` to the front of `to`, which must be long enough.
    #[inline(always)]
    fn write(self, to: &mut [f32], value: Self::Vector) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: the assertion.
        unsafe { self.store(to.as_mut_ptr(), value) }
    }

    /// The sum of the lanes, pairwise.
    #[inline(always)]
    fn sum(self, a: Self::Vector) -> f32 {
        let mut lanes = [0f32; 16];
        self.write(&mut lanes[..Self::LANES], a);
        let mut width = Self::LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
        }
        lanes[0]
    }

    /// e to the power of each lane, to about one unit in the last place.
    ///
    /// Below −87.3 the result stays at about 1e-38 and above 88.3 at about 2e38;
    /// a lane that is not a number stays so. Range reduction by ln 2 in two parts
    /// and the minimax polynomial of the Cephes library's `expf`.
    #[inline(always)]
    fn exp(self, x: Self::Vector) -> Self::Vector {
        // Adding and subtracting 1.5 * 2^23 rounds to an integer, and leaves that
        // integer in the low bits of the sum.
        let round = self.splat(12_582_912.0);
        let x = self.min(self.splat(88.3), x);
        let x = self.max(self.splat(-87.3), x);
        let power = self.mul_add(x, self.splat(std::f32::consts::LOG2_E), round);
        let whole = self.sub(power, round);
        let rest = self.mul_add(whole, self.splat(-0.693_359_4), x);
        let rest = self.mul_add(whole, self.splat(2.121_944_4e-4), rest);
        let mut p = self.splat(1.987_569_1e-4);
        for c in [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ] {
            p = self.mul_add(p, rest, self.splat(c));
        }
        let p = self.mul_add(self.mul(rest, rest), p, rest);
        self.add_to_exponent(self.add(p, self.splat(1.0)), power)
    }

    /// The error function, absolute error below 8e-7.
    ///
    /// Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26.
    #[inline(always)]
    fn erf(self, x: Self::Vector) -> Self::Vector {
        let one = self.splat(1.0);
        let magnitude = self.abs(x);
        let t = self.div(one, self.mul_add(magnitude, self.splat(0.327_591_1), one));
        let mut p = self.splat(1.061_405_4);
        for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
            p = self.mul_add(p, t, self.splat(c));
        }
        let p = self.mul(p, t);
        let tail = self.exp(self.mul(magnitude, self.sub(self.splat(0.0), magnitude)));
        self.copy_sign(self.sub(one, self.mul(p, tail)), x)
    }
}

/// An instruction set this processor has, with the proof that it has it.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

impl Level {
    /// The best this processor has; looked up once.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::all()[0])
    }

    /// Everything this processor has, best first.
    pub(crate) fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(Avx512::detect().map(Self::Avx512));
            levels.extend(Avx2::detect().map(Self::Avx2));
        }
        levels.push(Self::Portable(Portable));
        levels
    }

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2 and FMA",
            Self::Portable(_) => "portable",
        }
    }

    /// Columns of the register tile.
    pub(crate) fn tile_columns(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::TILE_COLUMNS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::TILE_COLUMNS,
            Self::Portable(_) => Portable::TILE_COLUMNS,
        }
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::LANES,
            Self::Portable(_) => Portable::LANES,
        }
    }
}

/// A loop written once for every instruction set; run it with [`run`].
///
/// Implementations mark `run` as `#[inline(always)]`, so that it is compiled
/// into the function that enables the instructions. Threads are started and
/// working memory is taken outside, and closures do without vectors: a closure is
/// compiled without the instructions.
pub(crate) trait Vectorised {
    fn run<S: Simd>(self, simd: S);
}

/// Runs `body` with the instructions of `level`.
#[inline]
pub(crate) fn run(level: Level, body: impl Vectorised) {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(simd) => simd.run(body),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(simd) => simd.run(body),
        Level::Portable(simd) => body.run(simd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies one of the trait's functions to whole slices.
    struct Apply<'a> {
        erf: bool,
        x: &'a [f32],
        y: &'a mut [f32],
    }

    impl Vectorised for Apply<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for (x, y) in self
                .x
                .chunks_exact(S::LANES)
                .zip(self.y.chunks_exact_mut(S::LANES))
            {
                let v = s.read(x);
                s.write(y, if self.erf { s.erf(v) } else { s.exp(v) });
            }
        }
    }

    fn apply(level: Level, erf: bool, x: &[f32]) -> Vec<f32> {
        let mut y = vec![f32::NAN; x.len()];
        run(level, Apply { erf, x, y: &mut y });
        y
    }

    #[test]
    fn exp_is_accurate_over_its_range() {
        let x: Vec<f32> = (0..160_000)
            .map(|i| -87.0 + i as f32 * (175.0 / 160_000.0))
            .collect();
        for level in Level::all() {
            for (x, y) in x.iter().zip(apply(level, false, &x)) {
                let exact = f64::from(*x).exp();
                let error = ((f64::from(y) - exact) / exact).abs();
                assert!(
                    error < 3e-7,
                    "{}: exp({x}) = {y}, off by {error:e}",
                    level.name()
                );
            }
        }
    }

    #[test]
    fn exp_stays_finite_and_keeps_nan() {
        let x = [
            f32::NEG_INFINITY,
            -1e30,
            -200.0,
            200.0,
            f32::INFINITY,
            f32::NAN,
            0.0,
            -0.0,
        ];
        let x = [x, x].concat();
        for level in Level::all() {
            let y = apply(level, false, &x);
            for y in &y[..3] {
                assert!(*y >= 0.0 && *y < 1e-37, "{}: {y}", level.name());
            }
            for y in &y[3..5] {
                assert!(*y > 1e38 && y.is_finite(), "{}: {y}", level.name());
            }
            assert!(y[5].is_nan());
            assert_eq!(y[6], 1.0);
            assert_eq!(y[7], 1.0);
        }
    }

    /// erf by its Taylor series, in double precision; converges for |x| <= 5.
    fn erf_series(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn erf_is_accurate_to_a_millionth() {
        let x: Vec<f32> = (0..80_000).map(|i| -4.0 + i as f32 * 1e-4).collect();
        for level in Level::all() {
            for (x, y) in x.iter().zip(apply(level, true, &x)) {
                let error = (f64::from(y) - erf_series(f64::from(*x))).abs();
                assert!(
                    error < 8e-7,
                    "{}: erf({x}) = {y}, off by {error:e}",
                    level.name()
                );
            }
            let far = apply(level, true, &[[9.0, -9.0, 0.0, 100.0]; 4].concat());
            assert_eq!(&far[..4], &[1.0, -1.0, 0.0, 1.0]);
        }
    }
}
