//! Plain Rust on arrays, which the compiler turns into whatever vectors the
//! target always has (NEON on aarch64, SSE2 on x86-64).

use std::array::from_fn;

use super::Simd;
use crate::tile::{self, Tile};

/// Needs nothing of the processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[expect(unsafe_code, reason = "implements unsafe methods of the trait")]
impl Simd for Portable {
    type Vector = [f32; 8];
    const LANES: usize = 8;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = if cfg!(target_arch = "aarch64") { 2 } else { 1 };

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 8] {
        [value; 8]
    }
    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        // Without the instruction, `f32::mul_add` is a slow function call.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            from_fn(|i| a[i].mul_add(b[i], c[i]))
        } else {
            from_fn(|i| a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    fn max(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn abs(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn copy_sign(self, magnitude: [f32; 8], sign: [f32; 8]) -> [f32; 8] {
        from_fn(|i| magnitude[i].copysign(sign[i]))
    }
    #[inline(always)]
    fn add_to_exponent(self, a: [f32; 8], power: [f32; 8]) -> [f32; 8] {
        from_fn(|i| f32::from_bits(a[i].to_bits().wrapping_add(power[i].to_bits() << 23)))
    }
    #[inline(always)]
    fn any_greater(self, a: [f32; 8], b: [f32; 8]) -> bool {
        let mut any = false;
        for i in 0..8 {
            any |= a[i] > b[i];
        }
        any
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 8] {
        // SAFETY: the caller's promise; the read needs no alignment.
        unsafe { from.cast::<[f32; 8]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: [f32; 8]) {
        // SAFETY: the caller's promise; the write needs no alignment.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(value) }
    }
    #[inline]
    unsafe fn accumulate(self, tile: &Tile) {
        // SAFETY: the caller keeps `Tile`'s promise.
        unsafe { tile::dispatch_4x3(self, tile) }
    }
}
