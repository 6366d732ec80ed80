//! The refinements of a mask as values, to be applied in a row.

use crate::error::CanvasError;
use crate::mask::Mask;
use crate::morphology::Radii;

/// One thing to do to a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refinement {
    /// [`Mask::blur`] by a standard deviation in pixels.
    Blur(f64),
    /// [`Mask::grow`].
    Grow(Radii),
    /// [`Mask::shrink`].
    Shrink(Radii),
    /// [`Mask::close`].
    Close(Radii),
    /// [`Mask::open`].
    Open(Radii),
    /// [`Mask::feather`] within a width in pixels.
    Feather(f64),
    /// [`Mask::fill_holes`].
    FillHoles,
    /// [`Mask::keep_island`] at (x, y).
    KeepIsland(u32, u32),
    /// [`Mask::drop_islands`] below an area in pixels.
    DropIslands(u64),
    /// [`Mask::invert`].
    Invert,
    /// [`Mask::threshold`] at a value.
    Threshold(u8),
}

impl Mask {
    /// Applies refinements, one after another.
    ///
    /// # Errors
    /// Whatever the first that fails says.
    pub fn refine(self, refinements: &[Refinement]) -> Result<Self, CanvasError> {
        refinements
            .iter()
            .try_fold(self, |mask, &refinement| match refinement {
                Refinement::Blur(sigma) => mask.blur(sigma),
                Refinement::Grow(radii) => mask.grow(radii),
                Refinement::Shrink(radii) => mask.shrink(radii),
                Refinement::Close(radii) => mask.close(radii),
                Refinement::Open(radii) => mask.open(radii),
                Refinement::Feather(width) => mask.feather(width),
                Refinement::FillHoles => Ok(mask.fill_holes()),
                Refinement::KeepIsland(x, y) => mask.keep_island(x, y),
                Refinement::DropIslands(area) => Ok(mask.drop_islands(area)),
                Refinement::Invert => Ok(mask.invert()),
                Refinement::Threshold(level) => Ok(mask.threshold(level)),
            })
    }
}
