//! AVX-512 (foundation and DQ): sixteen lanes, thirty-two registers.

use std::arch::x86_64::*;

use super::{Simd, Vectorised};
use crate::tile::{self, Tile};

/// Proof that the processor and the operating system support AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }

    #[inline]
    #[expect(unsafe_code, reason = "calls a function that needs AVX-512")]
    pub(crate) fn run(self, body: impl Vectorised) {
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        fn enabled(simd: Avx512, body: impl Vectorised) {
            body.run(simd);
        }
        // SAFETY: `self` exists only where `detect` found the features.
        unsafe { enabled(self, body) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
#[expect(unsafe_code, reason = "register tile over raw matrices")]
unsafe fn accumulate(simd: Avx512, tile: &Tile) {
    // SAFETY: the caller keeps `Tile`'s promise.
    unsafe { tile::dispatch_8x3(simd, tile) }
}

#[expect(unsafe_code, reason = "vector intrinsics")]
impl Simd for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const TILE_ROWS: usize = 8;
    const TILE_VECTORS: usize = 3;

    // SAFETY, for every intrinsic below: `self` exists only where `detect` found
    // AVX-512 F and DQ. Loads and stores hand their own demand to the caller.

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_abs_ps(a) }
    }
    #[inline(always)]
    fn copy_sign(self, magnitude: __m512, sign: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn add_to_exponent(self, a: __m512, power: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let shifted = _mm512_slli_epi32::<23>(_mm512_castps_si512(power));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), shifted))
        }
    }
    #[inline(always)]
    fn any_greater(self, a: __m512, b: __m512) -> bool {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) != 0 }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to, value) }
    }
    #[inline(always)]
    unsafe fn accumulate(self, tile: &Tile) {
        // SAFETY: see above.
        unsafe { accumulate(self, tile) }
    }
}
