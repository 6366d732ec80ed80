//! Pictures of four channels.

use crate::error::CanvasError;
use crate::geometry::{Rect, Size};

/// A channel's number: `u8` or `u16`.
pub trait Channel: Copy + PartialEq + Send + Sync + sealed::Sealed {
    /// Full brightness, or no transparency.
    const FULL: f32;

    /// 0 to 1.
    fn to_unit(self) -> f32;

    /// The nearest to a number, which is clamped to 0 to 1.
    fn from_unit(value: f32) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
}

impl Channel for u8 {
    const FULL: f32 = 255.0;

    fn to_unit(self) -> f32 {
        f32::from(self) / Self::FULL
    }

    fn from_unit(value: f32) -> Self {
        // `as` clamps.
        (value * Self::FULL).round() as Self
    }
}

impl Channel for u16 {
    const FULL: f32 = 65_535.0;

    fn to_unit(self) -> f32 {
        f32::from(self) / Self::FULL
    }

    fn from_unit(value: f32) -> Self {
        // `as` clamps.
        (value * Self::FULL).round() as Self
    }
}

/// Red, green, blue and alpha, not multiplied into the colours.
pub type Pixel<C> = [C; 4];

/// A picture of four channels a pixel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels<C> {
    size: Size,
    pixels: Vec<Pixel<C>>,
}

impl<C: Channel> Pixels<C> {
    /// A picture of these pixels, rows from the top.
    ///
    /// # Errors
    /// If they are not `size.area()`, or none.
    pub fn new(size: Size, pixels: Vec<Pixel<C>>) -> Result<Self, CanvasError> {
        size.check(pixels.len())?;
        Ok(Self { size, pixels })
    }

    /// A picture of these channels, four a pixel, rows from the top.
    ///
    /// # Errors
    /// If they are not four times `size.area()`, or none.
    pub fn from_channels(size: Size, channels: &[C]) -> Result<Self, CanvasError> {
        let (pixels, rest) = channels.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(CanvasError::SizeMismatch {
                size,
                values: channels.len(),
            });
        }
        Self::new(size, pixels.to_vec())
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// All pixels, rows from the top.
    pub fn pixels(&self) -> &[Pixel<C>] {
        &self.pixels
    }

    /// All pixels, rows from the top.
    pub fn pixels_mut(&mut self) -> &mut [Pixel<C>] {
        &mut self.pixels
    }

    /// All channels, four a pixel, rows from the top.
    pub fn channels(&self) -> &[C] {
        self.pixels.as_flattened()
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Pixel<C>]> {
        self.pixels.chunks_exact(self.size.width as usize)
    }

    /// A part of it.
    ///
    /// # Errors
    /// If `rect` is empty or reaches out of the picture.
    pub fn crop(&self, rect: Rect) -> Result<Self, CanvasError> {
        rect.check_inside(self.size)?;
        let columns = rect.x as usize..rect.right() as usize;
        let rows = self.rows().skip(rect.y as usize);
        let pixels = rows
            .take(rect.height as usize)
            .flat_map(|row| &row[columns.clone()])
            .copied()
            .collect();
        Self::new(rect.size(), pixels)
    }
}

/// Refuses two sizes that are not the same.
pub(crate) fn same_size(expected: Size, found: Size) -> Result<(), CanvasError> {
    if expected == found {
        Ok(())
    } else {
        Err(CanvasError::SizesDiffer { expected, found })
    }
}
