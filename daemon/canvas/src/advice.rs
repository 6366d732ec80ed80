//! What to tell somebody before an inpainting that is likely to fail.

use crate::context::{Context, ModelSize};
use crate::geometry::{Rect, Size};
use crate::mask::Mask;

/// Below this share of the model's native side, a region is too narrow to draw
/// something into: 64 of 512 pixels, eight latents.
const LEAST_SIDE: f64 = 1.0 / 8.0;
/// Below this share of the native area it has too few pixels: 64² of 512².
const LEAST_AREA: f64 = 1.0 / 64.0;
/// What is offered instead reaches this share of the native side.
const OFFERED_SIDE: f64 = 3.0 / 16.0;

/// Why a mask is too tight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tightness {
    /// Its shorter side, in pixels that the model works on.
    ShortSide(f64),
    /// Its area, in pixels that the model works on.
    Area(f64),
}

/// What would help. In a tight mask a model tends to leave out what was asked
/// for and to go on with the background.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionSmall {
    /// Why.
    pub because: Tightness,
    /// Grow the mask by that many pixels of the canvas, …
    pub grow: u32,
    /// … or take this box instead.
    pub offered: Rect,
}

/// Says whether a mask is too tight for the model to draw something into it as
/// it would be worked on, and what would do. `None` if it is wide enough, if
/// it is empty, or if the canvas has no more room.
pub fn region_small(mask: &Mask, context: &Context, model: ModelSize) -> Option<RegionSmall> {
    let bounds = mask.bounds().ok()?;
    let native = f64::from(model.native);
    let short = f64::from(bounds.width.min(bounds.height)) * context.scale;
    let area = mask.area() as f64 * context.scale * context.scale;
    let because = if short < LEAST_SIDE * native {
        Tightness::ShortSide(short)
    } else if area < LEAST_AREA * native * native {
        Tightness::Area(area)
    } else {
        return None;
    };
    let missing = (OFFERED_SIDE * native - short).max(LEAST_SIDE * native / 2.0);
    // At most the native side over the scale of a canvas: it fits.
    let grow = (missing / (2.0 * context.scale)).ceil() as u32;
    let offered = offered(bounds, grow, mask.size());
    (offered != bounds).then_some(RegionSmall {
        because,
        grow,
        offered,
    })
}

/// The bounds grown on all sides; what the canvas cuts off on one is added on
/// the other.
fn offered(bounds: Rect, grow: u32, canvas: Size) -> Rect {
    let along = |start: u32, length: u32, side: u32| {
        let length = length.saturating_add(grow.saturating_mul(2)).min(side);
        (start.saturating_sub(grow).min(side - length), length)
    };
    let (x, width) = along(bounds.x, bounds.width, canvas.width);
    let (y, height) = along(bounds.y, bounds.height, canvas.height);
    Rect::new(x, y, width, height)
}
