//! What a segmenter is asked.

use super::error::SegmentError;
use super::image_frame::MaskLogits;

/// Most points and boxes of one prompt.
const MOST: usize = 256;

/// A place that does or does not belong to what is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointPrompt {
    /// Pixels of the picture, from the left.
    pub x: f32,
    /// Pixels of the picture, from the top.
    pub y: f32,
    /// Whether it belongs.
    pub positive: bool,
}

/// A rectangle around what is meant, by its corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxPrompt {
    /// Pixels of the picture: left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl BoxPrompt {
    /// Whether a point lies inside.
    fn contains(&self, point: &PointPrompt) -> bool {
        (self.left..=self.right).contains(&point.x) && (self.top..=self.bottom).contains(&point.y)
    }
}

/// Points, boxes and a mask from before, together one question. Several boxes
/// ask for several things at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompt {
    /// Places.
    pub points: Vec<PointPrompt>,
    /// Rectangles.
    pub boxes: Vec<BoxPrompt>,
    /// A candidate that is nearly right, or a mask from elsewhere.
    pub mask: Option<MaskLogits>,
}

impl Prompt {
    /// A single click on what is meant.
    pub fn click(x: f32, y: f32) -> Self {
        Self {
            points: vec![PointPrompt {
                x,
                y,
                positive: true,
            }],
            ..Self::default()
        }
    }

    /// A single box around what is meant.
    pub fn around(around: BoxPrompt) -> Self {
        Self {
            boxes: vec![around],
            ..Self::default()
        }
    }

    /// Refuses a prompt that asks nothing, or whose places are not on a
    /// picture of this size. A box may reach over the border.
    pub(super) fn check(&self, width: u32, height: u32) -> Result<(), SegmentError> {
        let found = self.points.len() + self.boxes.len();
        if found == 0 && self.mask.is_none() {
            return Err(SegmentError::EmptyPrompt);
        }
        if found > MOST {
            return Err(SegmentError::TooMany { found, most: MOST });
        }
        let (width, height) = (width as f32, height as f32);
        for (i, &PointPrompt { x, y, .. }) in self.points.iter().enumerate() {
            if !((0.0..=width).contains(&x) && (0.0..=height).contains(&y)) {
                let what = format!("point {}", i + 1);
                return Err(SegmentError::Place { what, x, y });
            }
        }
        for (i, rect) in self.boxes.iter().enumerate() {
            let &BoxPrompt {
                left,
                top,
                right,
                bottom,
            } = rect;
            let finite = [left, top, right, bottom]
                .iter()
                .all(|edge| edge.is_finite());
            let what = |corner: &str| format!("the {corner} corner of box {}", i + 1);
            if !finite || left >= width || top >= height {
                let (what, x, y) = (what("top left"), left, top);
                return Err(SegmentError::Place { what, x, y });
            }
            if right <= left.max(0.0) || bottom <= top.max(0.0) {
                let (what, x, y) = (what("bottom right"), right, bottom);
                return Err(SegmentError::Place { what, x, y });
            }
        }
        Ok(())
    }

    /// One prompt for each box; a positive point goes with the boxes that it
    /// lies in, a negative one with all.
    pub(super) fn by_box(&self) -> Vec<Self> {
        if self.boxes.len() < 2 {
            return vec![self.clone()];
        }
        let one = |around: &BoxPrompt| {
            let points = self.points.iter();
            let belongs = |point: &&PointPrompt| !point.positive || around.contains(point);
            Self {
                points: points.filter(belongs).copied().collect(),
                boxes: vec![*around],
                mask: self.mask.clone(),
            }
        };
        self.boxes.iter().map(one).collect()
    }
}
