//! A result that several threads write at once, each its own part.

use std::marker::PhantomData;

/// A mutable slice of which tasks write parts that do not overlap, but that lie
/// interleaved, so that they cannot be split off as slices.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut<'a> {
    start: *mut f32,
    len: usize,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a pointer into a slice borrowed for 'a; every use of the pointer
// is in an unsafe block that says why no two tasks touch the same number.
#[expect(
    unsafe_code,
    reason = "shares a pointer between the tasks of one operation"
)]
unsafe impl Send for SharedMut<'_> {}
// SAFETY: as above.
#[expect(
    unsafe_code,
    reason = "shares a pointer between the tasks of one operation"
)]
unsafe impl Sync for SharedMut<'_> {}

impl<'a> SharedMut<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            borrow: PhantomData,
        }
    }

    /// The address of the number at `offset`, of which `count` from there on lie
    /// in the slice.
    #[inline(always)]
    pub(crate) fn at(self, offset: usize, count: usize) -> *mut f32 {
        assert!(offset + count <= self.len);
        self.start.wrapping_add(offset)
    }

    /// A part as a slice of its own.
    ///
    /// # Safety
    /// No other task reads or writes these numbers while the slice lives.
    #[inline(always)]
    #[expect(unsafe_code, reason = "makes a slice of a raw part")]
    pub(crate) unsafe fn part(self, offset: usize, count: usize) -> &'a mut [f32] {
        // SAFETY: `at` checks the bounds, the caller promises to be alone.
        unsafe { std::slice::from_raw_parts_mut(self.at(offset, count), count) }
    }
}
