//! A selection: how much of each pixel is meant.

use crate::error::CanvasError;
use crate::geometry::{Rect, Size};

/// From this value on a pixel counts as selected where only yes or no is asked.
pub const SELECTED: u8 = 128;

/// A selection of eight bits a pixel: 0 is not selected, 255 is wholly
/// selected. Rows from the top, each from the left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    values: Vec<u8>,
}

impl Mask {
    /// A mask of these values, rows from the top.
    ///
    /// # Errors
    /// If they are not `size.area()`, or none.
    pub fn new(size: Size, values: Vec<u8>) -> Result<Self, CanvasError> {
        size.check(values.len())?;
        Ok(Self { size, values })
    }

    /// A mask with the same value everywhere.
    ///
    /// # Errors
    /// If a side is zero.
    pub fn filled(size: Size, value: u8) -> Result<Self, CanvasError> {
        let area = usize::try_from(size.area()).unwrap_or(0);
        Self::new(size, vec![value; area])
    }

    /// The same size with other values, which are as many.
    pub(crate) fn with(&self, values: Vec<u8>) -> Self {
        debug_assert_eq!(values.len(), self.values.len());
        Self {
            size: self.size,
            values,
        }
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Pixels in a row.
    pub(crate) fn stride(&self) -> usize {
        self.size.width as usize
    }

    /// All values, rows from the top.
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// All values, rows from the top.
    pub(crate) fn values_mut(&mut self) -> &mut [u8] {
        &mut self.values
    }

    /// All values, rows from the top.
    pub fn into_values(self) -> Vec<u8> {
        self.values
    }

    /// The value of a pixel; 0 outside.
    pub fn at(&self, x: u32, y: u32) -> u8 {
        if x >= self.size.width {
            return 0;
        }
        let index = y as usize * self.stride() + x as usize;
        self.values.get(index).copied().unwrap_or(0)
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.values.chunks_exact(self.stride())
    }

    /// The smallest rectangle that holds every pixel that is not 0.
    ///
    /// # Errors
    /// [`CanvasError::EmptyMask`] if there is none.
    pub fn bounds(&self) -> Result<Rect, CanvasError> {
        let mut found: Option<(usize, usize, usize, usize)> = None;
        for (y, row) in self.rows().enumerate() {
            let Some((first, last)) = span(row) else {
                continue;
            };
            found = Some(found.map_or((first, y, last, y), |(left, top, right, _)| {
                (left.min(first), top, right.max(last), y)
            }));
        }
        let (left, top, right, bottom) = found.ok_or(CanvasError::EmptyMask)?;
        // All four are below a side, which is a u32.
        Ok(Rect::new(
            left as u32,
            top as u32,
            (right - left + 1) as u32,
            (bottom - top + 1) as u32,
        ))
    }

    /// How many pixels count as [`SELECTED`].
    pub fn area(&self) -> u64 {
        let selected = |&&value: &&u8| value >= SELECTED;
        self.values.iter().filter(selected).count() as u64
    }

    /// Every value's complement, 255 − v.
    #[must_use]
    pub fn invert(mut self) -> Self {
        for value in &mut self.values {
            *value = !*value;
        }
        self
    }

    /// 255 where the value is `level` or more, 0 elsewhere.
    #[must_use]
    pub fn threshold(mut self, level: u8) -> Self {
        for value in &mut self.values {
            *value = if *value >= level { 255 } else { 0 };
        }
        self
    }

    /// The larger value of each pixel: what either selects.
    ///
    /// # Errors
    /// If the sizes differ.
    pub fn or(mut self, other: &Self) -> Result<Self, CanvasError> {
        if other.size != self.size {
            return Err(CanvasError::SizesDiffer {
                expected: self.size,
                found: other.size,
            });
        }
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value = (*value).max(*other);
        }
        Ok(self)
    }

    /// A part of it.
    ///
    /// # Errors
    /// If `rect` is empty or reaches out of the mask.
    pub fn crop(&self, rect: Rect) -> Result<Self, CanvasError> {
        rect.check_inside(self.size)?;
        let columns = rect.x as usize..rect.right() as usize;
        let rows = self.rows().skip(rect.y as usize);
        let values = rows
            .take(rect.height as usize)
            .flat_map(|row| &row[columns.clone()])
            .copied()
            .collect();
        Self::new(rect.size(), values)
    }
}

/// The first and the last index whose value is not 0.
pub(crate) fn span(row: &[u8]) -> Option<(usize, usize)> {
    let first = row.iter().position(|&value| value != 0)?;
    let last = row.iter().rposition(|&value| value != 0)?;
    Some((first, last))
}
