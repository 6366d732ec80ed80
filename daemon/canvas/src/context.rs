//! What of a canvas an inpainting works on, and how large and soft its masks
//! are.
//!
//! All lengths are pixels of the canvas; [`Context::scale`] takes them to
//! those that the model works on.

use crate::error::CanvasError;
use crate::geometry::{Rect, Size};
use crate::mask::Mask;
use crate::morphology::Radii;

/// Models work on sides that are multiples of this many pixels: one latent.
pub const MULTIPLE: u32 = 8;

/// By how much the masks always reach beyond the selection, and how wide their
/// soft edge is at least, pixels for a model of 512: half a latent, and four.
const LEAST_GROW: f64 = 4.0;
const LEAST_FEATHER: f64 = 32.0;

/// At which sizes a model draws well, as the side of a square, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSize {
    /// What it was trained on: it is given no less.
    pub native: u32,
    /// Beyond this it repeats itself.
    pub largest: u32,
}

impl ModelSize {
    /// Stable Diffusion 1.5's.
    pub const SD15: Self = Self {
        native: 512,
        largest: 768,
    };

    fn check(self) -> Result<(), CanvasError> {
        for (name, value) in [("native size", self.native), ("largest size", self.largest)] {
            let allowed = "a multiple of 8 from 64 to 8192, and the largest not below the native";
            let fits = value % MULTIPLE == 0 && (64..=8192).contains(&value);
            if !fits || self.native > self.largest {
                let value = f64::from(value);
                return Err(CanvasError::Parameter {
                    name,
                    value,
                    allowed,
                });
            }
        }
        Ok(())
    }
}

/// How one inpainting is laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    /// The part of the canvas that the model sees.
    pub crop: Rect,
    /// The size at which it works on the crop; multiples of [`MULTIPLE`].
    pub working: Size,
    /// Pixels of `working` for each pixel of the canvas.
    pub scale: f64,
    /// The denoise mask is the selection grown by this radius …
    pub grow: f64,
    /// … and feathered by this width.
    pub feather: f64,
    /// The composite mask is the selection grown by this radius …
    pub composite_grow: f64,
    /// … and feathered by this width.
    pub composite_feather: f64,
}

/// Lays out the inpainting of a selection, known by its bounds
/// ([`Mask::bounds`]), at a denoising strength.
///
/// - Feather: a tenth of the selection's diagonal, or 32 pixels if that is
///   more, times the strength. Grow: 4 pixels and half the feather, so that
///   the selection lies 4 pixels inside of where the mask begins to fade. These
///   32 and 4 pixels are for a model whose native size is 512; they go with it.
/// - The composite mask grows by half of that feather less and fades within
///   half the width, so that it has ended where the denoise mask still has half
///   of its strength, or a fifth at the tip of something thin.
/// - The crop holds the grown and feathered mask and a context of a 16th of
///   the selection's longer side, or half of its mean side if that is more. It
///   is a square of at least the model's native size, in multiples of
///   [`MULTIPLE`], moved into the canvas, and cut where the canvas is smaller.
/// - The model works on as many pixels as the crop has, but on no fewer than
///   its native size and no more than its largest, and at most at twice its
///   largest side.
///
/// # Errors
/// If the selection is empty or reaches out of the canvas, the strength is not
/// above 0 and at most 1, or the model's sizes are none.
pub fn plan(
    canvas: Size,
    selection: Rect,
    strength: f64,
    model: ModelSize,
) -> Result<Context, CanvasError> {
    if selection.width == 0 || selection.height == 0 {
        return Err(CanvasError::EmptyMask);
    }
    selection.check_inside(canvas)?;
    model.check()?;
    if !(strength > 0.0 && strength <= 1.0) {
        return Err(CanvasError::Parameter {
            name: "strength",
            value: strength,
            allowed: "above 0 and at most 1",
        });
    }

    let of_model = f64::from(model.native) / f64::from(ModelSize::SD15.native);
    let feather = strength * (0.10 * selection.diagonal()).max(LEAST_FEATHER * of_model);
    let least_grow = LEAST_GROW * of_model;
    let grow = least_grow + feather / 2.0;
    // Below 2^32: a tenth of a diagonal of two u32.
    let grown = selection.padded((grow + feather / 2.0).ceil() as u32, canvas);
    let longer = selection.width.max(selection.height) / 16;
    let mean = (selection.width / 2).saturating_add(selection.height / 2) / 2;
    let needed = grown.union(selection.padded(longer.max(mean), canvas));

    let side = needed.width.max(needed.height).max(model.native);
    let side = side.checked_next_multiple_of(MULTIPLE).unwrap_or(side);
    let (x, width) = along(needed.x, needed.width, side, canvas.width);
    let (y, height) = along(needed.y, needed.height, side, canvas.height);
    let crop = Rect::new(x, y, width, height);

    let (working, scale) = working_size(crop.size(), model);
    Ok(Context {
        crop,
        working,
        scale,
        grow,
        feather,
        composite_grow: least_grow + feather / 4.0,
        composite_feather: feather / 2.0,
    })
}

/// Start and length along one axis: `side` around what is needed, moved into
/// the canvas. Where the canvas is shorter all of it, or the multiple below
/// where that suffices: then nothing has to be scaled.
fn along(start: u32, needed: u32, side: u32, canvas: u32) -> (u32, u32) {
    let below = canvas - canvas % MULTIPLE;
    let length = match side {
        side if side <= canvas => side,
        _ if needed <= below => below,
        _ => canvas,
    };
    let room = length - needed;
    let start = start.saturating_sub(room / 2).min(canvas - length);
    (start, length)
}

/// At which size the model works on a crop, and the factor to it.
fn working_size(crop: Size, model: ModelSize) -> (Size, f64) {
    let square = |side: u32| f64::from(side) * f64::from(side);
    let area = f64::from(crop.width) * f64::from(crop.height);
    let longer = f64::from(crop.width.max(crop.height));
    let scale = (area.clamp(square(model.native), square(model.largest)) / area).sqrt();
    let scale = scale.min(2.0 * f64::from(model.largest) / longer);
    let side = |pixels: u32| {
        let multiples = f64::from(pixels) * scale / f64::from(MULTIPLE);
        // At most twice the largest size: it fits.
        multiples.round().max(1.0) as u32 * MULTIPLE
    };
    (Size::new(side(crop.width), side(crop.height)), scale)
}

impl Context {
    /// What the model is to draw anew, over the crop. `selection` is of the
    /// canvas's size.
    ///
    /// # Errors
    /// If the selection does not hold the crop.
    pub fn denoise_mask(&self, selection: &Mask) -> Result<Mask, CanvasError> {
        soft(selection, self.crop, self.grow, self.feather)
    }

    /// What of the drawing goes onto the canvas, over the crop. `selection` is
    /// of the canvas's size.
    ///
    /// # Errors
    /// If the selection does not hold the crop.
    pub fn composite_mask(&self, selection: &Mask) -> Result<Mask, CanvasError> {
        let (grow, feather) = (self.composite_grow, self.composite_feather);
        soft(selection, self.crop, grow, feather)
    }
}

/// The selection grown and feathered, never less than itself.
fn soft(selection: &Mask, crop: Rect, grow: f64, feather: f64) -> Result<Mask, CanvasError> {
    let selection = selection.crop(crop)?;
    let grown = selection.clone().grow(Radii::disk(grow))?;
    // At the tip of a thin selection the feather may reach it.
    grown.feather(feather)?.or(&selection)
}
