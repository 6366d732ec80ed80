//! Masks, crops and composites on pixel buffers: what happens to a canvas
//! before and after a model draws into it.
//!
//! Pure functions without I/O. A [`Mask`] is a selection of eight bits a
//! pixel; it is drawn ([`Mask::from_box`], [`Mask::from_polygon`]) or comes
//! from a segmenter, and is refined ([`Refinement`]). [`plan`] says which part
//! of the canvas a model should see for it, [`fill`] what it begins with, and
//! [`composite`] puts its drawing back.
//!
//! ```
//! use framewright_canvas::{Mask, ModelSize, Point, Size, plan};
//!
//! let canvas = Size::new(1600, 900);
//! let corners = (Point { x: 200.0, y: 300.0 }, Point { x: 420.0, y: 610.0 });
//! let selection = Mask::from_box(canvas, corners.0, corners.1)?;
//! let context = plan(canvas, selection.bounds()?, 1.0, ModelSize::SD15)?;
//! assert_eq!(context.crop.size(), Size::new(576, 576));
//! assert_eq!(context.working, Size::new(576, 576));
//! let denoise = context.denoise_mask(&selection)?;
//! assert_eq!(denoise.size(), context.crop.size());
//! # Ok::<(), framewright_canvas::CanvasError>(())
//! ```

mod advice;
mod blur;
mod composite;
mod context;
mod error;
mod fill;
mod geometry;
mod holes;
mod islands;
mod mask;
mod membrane;
mod morphology;
mod nearest;
mod pixels;
mod refine;
mod shapes;

pub use advice::{RegionSmall, Tightness, region_small};
pub use composite::{ColourMatch, composite, seam};
pub use context::{Context, MULTIPLE, ModelSize, plan};
pub use error::CanvasError;
pub use fill::{Fill, fill};
pub use geometry::{Rect, Size};
pub use islands::Island;
pub use mask::{Mask, SELECTED};
pub use morphology::Radii;
pub use pixels::{Channel, Pixel, Pixels};
pub use refine::Refinement;
pub use shapes::Point;
