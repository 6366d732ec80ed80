//! Lengths are checked before anything is computed.

/// A slice does not fit the shape it was given with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A slice's length is not what the shape says.
    #[error("{operation}: {operand} holds {found} numbers, its shape says {expected}")]
    Length {
        /// The operation that was asked for.
        operation: &'static str,
        /// The slice that does not fit.
        operand: &'static str,
        /// What the shape says.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// The shape itself makes no sense.
    #[error("{operation}: {reason}")]
    Shape {
        /// The operation that was asked for.
        operation: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Compares a slice's length with the product of its dimensions.
pub(crate) fn check_length(
    operation: &'static str,
    operand: &'static str,
    slice: &[f32],
    dimensions: &[usize],
) -> Result<(), ShapeError> {
    let expected = dimensions
        .iter()
        .try_fold(1usize, |product, &d| product.checked_mul(d))
        .ok_or(ShapeError::Shape {
            operation,
            reason: "the shape's size overflows",
        })?;
    if slice.len() == expected {
        Ok(())
    } else {
        Err(ShapeError::Length {
            operation,
            operand,
            expected,
            found: slice.len(),
        })
    }
}
