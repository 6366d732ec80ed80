//! What methods about masks take and what they answer.

use crate::inpaint::PixelBox;
use crate::params::Picture;

records! {
    /// A place on a picture.
    MaskPoint "mask point" {
        /// Pixels from the left.
        x: f32,
        /// Pixels from the top.
        y: f32,
        /// Whether it belongs to what is meant; yes when left out.
        positive: Option<bool>,
    }
    /// A rectangle on a picture, by its edges.
    MaskRect "mask rectangle" {
        /// Pixels from the left to its left edge.
        left: f32,
        /// Pixels from the top to its top edge.
        top: f32,
        /// Pixels from the left to its right edge.
        right: f32,
        /// Pixels from the top to its bottom edge.
        bottom: f32,
    }

    /// A segmenter in a list.
    SegmenterSummary "segmenter" {
        /// Its name.
        name: String,
        /// `embedded`, `folder` or `file`.
        source: String,
        /// Where it lies, unless it is embedded.
        path: Option<String>,
    }
    /// Result of `mask.segmenters`.
    SegmenterListResult "segmenter list" {
        /// The segmenters, by name, the embedded one last.
        segmenters: Vec<SegmenterSummary>,
        /// Where they are looked for.
        folder: String,
    }

    /// Parameters of `mask.segment`.
    MaskSegmentParams "mask segment params" {
        /// The picture.
        image: Picture,
        /// Places that belong, or do not.
        points: Option<Vec<MaskPoint>>,
        /// A rectangle around what is meant; several ask for several things at once.
        boxes: Option<Vec<MaskRect>>,
        /// A mask that is nearly right, of the picture's size.
        mask: Option<Picture>,
        /// A segmenter's name; the only one, else the embedded one, when left out.
        model: Option<String>,
        /// Whether something small is looked at again in a part of the picture, which shows it
        /// sharper and takes as long as a first look, once a part; when left out, the embedded
        /// segmenter does, and others, which are slow on a processor, do not.
        closer: Option<bool>,
    }
    /// A mask that may be what was meant.
    MaskCandidate "mask candidate" {
        /// A grey PNG of the picture's size: 255 inside, 0 outside.
        mask: Picture,
        /// The IoU with what was meant that the segmenter expects; near 0 to 1.
        score: f32,
        /// How little the mask depends on its threshold, 0 to 1: 1 has a sharp border.
        stability: f32,
        /// Where it is; left out for an empty mask.
        bounds: Option<PixelBox>,
        /// Pixels inside.
        area: u64,
    }
    /// Result of `mask.segment`.
    MaskSegmentResult "mask segment result" {
        /// The candidates, the best score first.
        candidates: Vec<MaskCandidate>,
        /// The segmenter.
        model: String,
        /// Whether the picture had been looked at before, by whatever client.
        cached: bool,
        /// Seconds that it took.
        seconds: f64,
    }

    /// A thing to do to a mask. Each operation uses the parameters that it names.
    #[derive(Default)]
    MaskOperation "mask operation" {
        /// `blur`, `grow`, `shrink`, `close`, `open`, `feather` (each by `radius`), `fill-holes`,
        /// `keep-island` (at `x`, `y`), `drop-islands` (below `area`), `invert`, `threshold` (at
        /// `level`).
        operation: String,
        /// Pixels: a Gaussian's standard deviation for `blur`, the width of the soft edge for
        /// `feather`, else the radius of an ellipse.
        radius: Option<f64>,
        /// The ellipse's vertical radius, pixels; as `radius` when left out.
        radius_y: Option<f64>,
        /// Pixels from the left.
        x: Option<u32>,
        /// Pixels from the top.
        y: Option<u32>,
        /// Pixels; smaller islands go.
        area: Option<u64>,
        /// From this value on, 0 to 255, a pixel is selected; 128 when left out.
        level: Option<u32>,
    }
    /// Parameters of `mask.refine`.
    MaskRefineParams "mask refine params" {
        /// The mask: a grey PNG, or a picture with colours, whose brightness counts.
        mask: Picture,
        /// What to do, in order.
        operations: Vec<MaskOperation>,
    }
    /// Parameters of `mask.box`.
    MaskBoxParams "mask box params" {
        /// Pixels in a row of the mask.
        width: u32,
        /// Rows of the mask.
        height: u32,
        /// The rectangles; what any of them covers is selected.
        boxes: Vec<MaskRect>,
    }
    /// Parameters of `mask.polygon`.
    MaskPolygonParams "mask polygon params" {
        /// Pixels in a row of the mask.
        width: u32,
        /// Rows of the mask.
        height: u32,
        /// The corners, in order; the last is joined with the first.
        points: Vec<MaskPoint>,
    }
    /// Result of `mask.refine`, `mask.box` and `mask.polygon`.
    MaskResult "mask result" {
        /// The mask, a grey PNG.
        mask: Picture,
        /// What is not 0 is within; left out for an empty mask.
        bounds: Option<PixelBox>,
        /// Pixels of 128 or more.
        area: u64,
    }
}
