//! What can be wrong with masks, pixels and what is asked of them.

use crate::geometry::{Rect, Size};

/// Why something cannot be done to a mask or a picture.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CanvasError {
    /// A side of zero, or values that are not as many as the size says.
    #[error("{width}x{height} pixels cannot be {values} values", width = .size.width, height = .size.height)]
    SizeMismatch {
        /// The size.
        size: Size,
        /// How many values there are.
        values: usize,
    },
    /// Two buffers that must have one size have two.
    #[error("one is {}x{} pixels, the other {}x{}", .expected.width, .expected.height, .found.width, .found.height)]
    SizesDiffer {
        /// The size that is needed.
        expected: Size,
        /// The size that is there.
        found: Size,
    },
    /// A rectangle that is empty or reaches out of the canvas.
    #[error("{rect} does not lie inside {}x{} pixels", .canvas.width, .canvas.height)]
    OutsideCanvas {
        /// The rectangle.
        rect: Rect,
        /// The canvas.
        canvas: Size,
    },
    /// A mask in which nothing is selected.
    #[error("the mask is empty: nothing is selected")]
    EmptyMask,
    /// No island lies at a point.
    #[error("nothing is selected at {x},{y}")]
    NoIsland {
        /// Pixels from the left.
        x: u32,
        /// Pixels from the top.
        y: u32,
    },
    /// A number that an operation cannot work with.
    #[error("{name} is {value}; it must be {allowed}")]
    Parameter {
        /// What it is.
        name: &'static str,
        /// The number.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// A polygon of fewer than three corners, or one with a corner that is no
    /// number.
    #[error("a polygon needs three corners or more, each of finite numbers")]
    NoPolygon,
    /// A polygon whose edges cross more rows than can be drawn in good time.
    #[error("the polygon's {corners} corners cross too many rows of the canvas; draw fewer")]
    PolygonTooComplex {
        /// How many corners it has.
        corners: usize,
    },
}
