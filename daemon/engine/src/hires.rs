//! A frame in two passes: laid out small, then enlarged and drawn over.
//!
//! A model that is asked for far more pixels than it was trained on repeats
//! its subject all over the picture. At its own size it lays a picture out
//! well, and what it only refines keeps its layout. Other tools call it the
//! high-resolution fix.

use crate::request::{GenerateError, GenerateRequest, LoraUse, check_range};

/// How many times larger than its first pass a frame is at most.
pub const LARGEST_HIRES_SCALE: f32 = 4.0;

/// A first pass at a smaller size.
#[derive(Debug, Clone, PartialEq)]
pub struct Hires {
    /// How many times wider and higher than the first pass the frame is: above
    /// 1, up to [`LARGEST_HIRES_SCALE`].
    pub scale: f32,
    /// How far the second pass leaves the enlarged first one: above 0, up to 1.
    pub strength: f32,
    /// All LoRAs of the second pass; those of the request act in the first.
    pub loras: Vec<LoraUse>,
}

impl Hires {
    /// Checks it against the rest of a request.
    ///
    /// # Errors
    /// [`GenerateError::Hires`] or [`GenerateError::Setting`].
    pub(crate) fn check(&self, request: &GenerateRequest) -> Result<(), GenerateError> {
        if request.inpaint.is_some() || request.init_image.is_some() {
            return Err(GenerateError::Hires(
                "starts from noise: it does not go with a picture to start from",
            ));
        }
        if self.scale <= 1.0 {
            return Err(GenerateError::Hires("needs a scale above 1"));
        }
        check_range("hires scale", self.scale, 1.0, LARGEST_HIRES_SCALE)
    }

    /// The size of a frame whose first pass has the model's own size.
    pub(crate) fn full_side(&self, side: u32, multiple: u32) -> u32 {
        nearest(f64::from(side) * f64::from(self.scale), multiple)
    }

    /// The size of the first pass to a frame.
    pub(crate) fn first_side(&self, side: u32, multiple: u32) -> u32 {
        nearest(f64::from(side) / f64::from(self.scale), multiple)
    }
}

/// The nearest multiple, at least one.
fn nearest(side: f64, multiple: u32) -> u32 {
    let multiple = f64::from(multiple);
    // Sides are checked to be in bounds before they get here, or right after.
    ((side / multiple).round().max(1.0) * multiple) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_the_nearest_multiples() {
        let hires = |scale| Hires {
            scale,
            strength: 0.5,
            loras: Vec::new(),
        };
        assert_eq!(hires(2.0).full_side(128, 8), 256);
        assert_eq!(hires(2.0).first_side(256, 8), 128);
        assert_eq!(hires(1.5).first_side(512, 8), 344);
        assert_eq!(hires(1.5).full_side(336, 8), 504);
        assert_eq!(hires(4.0).first_side(8, 8), 8);
    }

    #[test]
    fn a_scale_is_above_one_and_in_bounds() {
        let refused = |scale| {
            let hires = Hires {
                scale,
                strength: 0.5,
                loras: Vec::new(),
            };
            hires.check(&GenerateRequest::default()).is_err()
        };
        assert!(refused(1.0) && refused(f32::NAN) && refused(4.5) && refused(-2.0));
        assert!(!refused(1.01) && !refused(4.0));
    }
}
