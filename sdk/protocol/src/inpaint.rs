//! What inpainting takes and answers.

use serde::{Deserialize, Serialize};

use crate::params::{AppliedLora, FrameResult, GenerateParams, Picture};
use crate::record::WireType;

/// What takes the place of the region before it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionFill {
    /// What is there.
    Original,
    /// Mid grey.
    Neutral,
    /// Independent noise in each channel.
    Noise,
    /// The surroundings' colours, spread smoothly over the region.
    #[default]
    Blur,
    /// The colour of the nearest pixel around the region.
    Border,
}

impl WireType for RegionFill {
    fn kind() -> String {
        "`original`, `neutral`, `noise`, `blur` or `border`".to_owned()
    }
}

records! {
    /// A canvas of which a picture is a part.
    CanvasPart "canvas part" {
        /// The canvas's width, pixels.
        width: u32,
        /// The canvas's height, pixels.
        height: u32,
        /// Where the picture's left edge lies on it, pixels from the left.
        x: u32,
        /// Where the picture's upper edge lies on it, pixels from the top.
        y: u32,
    }
    /// Pixels to add to a canvas on each side.
    #[derive(Copy, Default, Eq)]
    Extension "extension" {
        /// On the left.
        left: Option<u32>,
        /// On the right.
        right: Option<u32>,
        /// Above.
        top: Option<u32>,
        /// Below.
        bottom: Option<u32>,
    }
    /// A rectangle of pixels.
    #[derive(Copy, Eq)]
    PixelBox "pixel box" {
        /// Its left edge, pixels from the left.
        x: u32,
        /// Its upper edge, pixels from the top.
        y: u32,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    }

    /// Parameters of `frame.inpaint`.
    InpaintParams "inpaint params" {
        /// What to draw, and how: as for `frame.generate`, without `image`, `strength`, `width` and
        /// `height`. The areas of `regions` are shares of the whole canvas, the enlarged one with
        /// `extend`; their masks are stretched over it, or with `part` over `image`.
        frame: GenerateParams,
        /// The canvas, or, with `part`, a part of it.
        image: Picture,
        /// The selection, as large as `image`: white is drawn anew, black is kept, what is between
        /// changes less. Of a picture with colours their brightness counts.
        mask: Option<Picture>,
        /// A box to select, in place of `mask` or beside it. One of `mask`, `region` and `extend`
        /// is needed.
        region: Option<PixelBox>,
        /// Which part of the canvas `image` is; all of it when left out. The part must hold what
        /// `inpaint.context` names.
        part: Option<CanvasPart>,
        /// Makes the canvas larger and draws what is new (outpainting).
        extend: Option<Extension>,
        /// How far to go from the start: above 0 to 1 (all the way); 1 when left out.
        strength: Option<f32>,
        /// What the region starts from where `strength` is below 1; `blur` when left out.
        fill: Option<RegionFill>,
        /// By how much the selection is grown before it is drawn, pixels; chosen by its size and
        /// the strength when left out.
        grow: Option<f64>,
        /// Over which width the grown selection's edge is soft, pixels; chosen likewise.
        feather: Option<f64>,
        /// Whether the drawing's colours are matched to the surroundings; they are when left out.
        match_colours: Option<bool>,
        /// Whether to give back the drawing alone, transparent where the canvas stays, instead of the
        /// canvas with the drawing in it; not when left out.
        layer: Option<bool>,
    }
    /// Advice about a region that is too small.
    RegionAdvice "region advice" {
        /// What is likely to go wrong, and what would help.
        message: String,
        /// The `grow` that would do, pixels.
        grow: u32,
        /// Or a box to take in its place.
        offered: PixelBox,
    }
    /// Result of `frame.inpaint`.
    InpaintResult "inpaint result" {
        /// The job's name.
        job: String,
        /// One frame a candidate, in order: `image` with the drawing in it, enlarged where it was
        /// extended, or, with `layer`, the drawing alone. With the depth and the transparency of `image`.
        frames: Vec<FrameResult>,
        /// Where the frames lie on the canvas; on the enlarged one where it was extended.
        place: PixelBox,
        /// What of the canvas the model saw.
        context: PixelBox,
        /// The region is too small to draw well into it.
        region_small: Option<RegionAdvice>,
        /// What a person should know.
        notices: Vec<String>,
        /// The LoRAs that were applied.
        loras: Option<Vec<AppliedLora>>,
        /// Seconds from the engine's start on the job to its end.
        seconds: f64,
    }

    /// Parameters of `inpaint.context`.
    InpaintContextParams "inpaint context params" {
        /// The canvas's width, pixels.
        width: u32,
        /// The canvas's height, pixels.
        height: u32,
        /// The box around the selection.
        selection: PixelBox,
        /// As for `frame.inpaint`.
        strength: Option<f32>,
        /// As for `frame.generate`.
        model: Option<String>,
    }
    /// Result of `inpaint.context`.
    InpaintContextResult "inpaint context" {
        /// What of the canvas the model needs to see: the least that `image` must hold.
        context: PixelBox,
        /// At which width the model works on it, pixels.
        working_width: u32,
        /// At which height.
        working_height: u32,
    }
}
