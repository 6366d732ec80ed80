//! Sizes and rectangles in whole pixels.

use std::fmt;

use crate::error::CanvasError;

/// Width and height, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Size {
    /// A size of these sides.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// How many pixels there are.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The rectangle that covers it.
    pub const fn rect(self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }

    /// The area as an index, if `values` are as many and none is missing.
    pub(crate) fn check(self, values: usize) -> Result<(), CanvasError> {
        if self.area() == values as u64 && values > 0 {
            Ok(())
        } else {
            Err(CanvasError::SizeMismatch { size: self, values })
        }
    }
}

/// A rectangle of whole pixels; x to the right, y down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// The leftmost column.
    pub x: u32,
    /// The topmost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            x,
            y,
            width,
            height,
        } = self;
        write!(f, "the {width}x{height} pixels at {x},{y}")
    }
}

impl Rect {
    /// A rectangle of `width` × `height` pixels whose top left one is (x, y).
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// The first column to its right.
    pub const fn right(self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// The first row below it.
    pub const fn bottom(self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// Its size.
    pub const fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    /// The length of its diagonal, pixels.
    pub fn diagonal(self) -> f64 {
        f64::from(self.width).hypot(f64::from(self.height))
    }

    /// Whether `other` lies wholly inside.
    pub const fn contains(self, other: Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
    }

    /// The rectangle with `by` more pixels on each side, cut off at the
    /// canvas's border.
    pub fn padded(self, by: u32, canvas: Size) -> Self {
        let (x, y) = (self.x.saturating_sub(by), self.y.saturating_sub(by));
        let right = self.right().saturating_add(by).min(canvas.width);
        let bottom = self.bottom().saturating_add(by).min(canvas.height);
        Self::new(x, y, right.saturating_sub(x), bottom.saturating_sub(y))
    }

    /// The smallest rectangle that holds both.
    pub fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self::new(
            x,
            y,
            self.right().max(other.right()) - x,
            self.bottom().max(other.bottom()) - y,
        )
    }

    /// Refuses a rectangle that is empty or reaches out of the canvas.
    pub(crate) fn check_inside(self, canvas: Size) -> Result<(), CanvasError> {
        let inside = |start: u32, length: u32, side: u32| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
        };
        if inside(self.x, self.width, canvas.width) && inside(self.y, self.height, canvas.height) {
            Ok(())
        } else {
            Err(CanvasError::OutsideCanvas { rect: self, canvas })
        }
    }
}
