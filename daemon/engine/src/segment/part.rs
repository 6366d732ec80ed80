//! A second look at something small: the part of a picture to look at, what is
//! asked there, and the answer's place in the picture.
//!
//! An encoder sees all of a picture in a square of its own side, so what is
//! small in the picture is a few cells to it. Cut out with some room around
//! it, it fills the square.

use image::{GrayImage, RgbImage, imageops};

use super::candidate::Candidate;
use super::prompt::{BoxPrompt, PointPrompt, Prompt};

/// Side of a part, in sides of what it is for. A box is drawn around what is
/// meant; what a click means is a guess of the first look.
const ROOM_OF_BOX: f64 = 1.35;
const ROOM_OF_CLICK: f64 = 1.6;
/// A part nearly as large as the picture would show no more of it.
const LARGEST: f64 = 0.86;
/// A part is magnified by no more than this: there is nothing left to see.
const MOST_MAGNIFIED: f64 = 5.0;
/// Sides grow by this factor and places by this share of a side, so that
/// further clicks on the same thing look at the same part.
const SIDE_STEP: f64 = 1.125;
const PLACE_STEP: f64 = 0.125;

/// A part of a picture, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Part {
    /// The part to look at for a prompt, after a first look at all of a picture
    /// gave these candidates: around its boxes, else around the largest
    /// candidate. `side` is that of the encoder's square. `None` where a second
    /// look would show no more.
    #[must_use]
    pub fn closer(
        picture: (u32, u32),
        prompt: &Prompt,
        candidates: &[Candidate],
        side: usize,
    ) -> Option<Self> {
        let mut area = prompt.boxes.iter().copied().reduce(together);
        let room = if area.is_some() {
            ROOM_OF_BOX
        } else {
            let largest = candidates.iter().max_by_key(|candidate| candidate.area);
            area = largest.filter(|it| it.area > 0).map(bounds);
            ROOM_OF_CLICK
        };
        let positive = prompt.points.iter().filter(|point| point.positive);
        let area = positive.fold(area?, |area, point| together(area, pixel(point)));
        Self::around(area, room, picture, side)
    }

    fn around(area: BoxPrompt, room: f64, picture: (u32, u32), side: usize) -> Option<Self> {
        let (width, height) = (f64::from(picture.0), f64::from(picture.1));
        let clip = |at: f32, most: f64| f64::from(at).clamp(0.0, most);
        let (left, right) = (clip(area.left, width), clip(area.right, width));
        let (top, bottom) = (clip(area.top, height), clip(area.bottom, height));
        let least = (side as f64 / MOST_MAGNIFIED).max(1.0);
        let wanted = ((right - left).max(bottom - top) * room).max(least);
        let steps = ((wanted / least).ln() / SIDE_STEP.ln()).ceil();
        let length = (least * SIDE_STEP.powf(steps)).ceil();
        if length > LARGEST * width.max(height) {
            return None;
        }
        let along = |from: f64, to: f64, whole: f64| {
            let length = length.min(whole);
            let step = (length * PLACE_STEP).max(1.0);
            let start = ((from + to - length) / 2.0 / step).round() * step;
            // Within the picture, so both are whole numbers of u32.
            (
                start.clamp(0.0, whole - length).floor() as u32,
                length as u32,
            )
        };
        let (x, width) = along(left, right, width);
        let (y, height) = along(top, bottom, height);
        Some(Self {
            x,
            y,
            width,
            height,
        })
    }

    /// The part of a picture that holds it.
    #[must_use]
    pub fn of(&self, picture: &RgbImage) -> RgbImage {
        imageops::crop_imm(picture, self.x, self.y, self.width, self.height).to_image()
    }

    /// The part of a mask over the picture.
    #[must_use]
    pub fn of_mask(&self, mask: &GrayImage) -> GrayImage {
        imageops::crop_imm(mask, self.x, self.y, self.width, self.height).to_image()
    }

    /// Points and boxes of the picture as they lie in the part. Points outside
    /// go: all of them are negative. The mask, which belongs to another look,
    /// goes as well.
    #[must_use]
    pub fn prompt(&self, prompt: &Prompt) -> Prompt {
        let (x, y) = (self.x as f32, self.y as f32);
        let inside = |point: &&PointPrompt| {
            (x..=x + self.width as f32).contains(&point.x)
                && (y..=y + self.height as f32).contains(&point.y)
        };
        let points = prompt.points.iter().filter(inside);
        Prompt {
            points: points
                .map(|point| PointPrompt {
                    x: point.x - x,
                    y: point.y - y,
                    ..*point
                })
                .collect(),
            boxes: prompt
                .boxes
                .iter()
                .map(|rect| BoxPrompt {
                    left: rect.left - x,
                    top: rect.top - y,
                    right: rect.right - x,
                    bottom: rect.bottom - y,
                })
                .collect(),
            mask: None,
        }
    }

    /// Whether a candidate of the part ends at a border of it that is none of
    /// the picture: there it was cut.
    #[must_use]
    pub fn cuts(&self, candidate: &Candidate, picture: (u32, u32)) -> bool {
        let [x, y, width, height] = candidate.bounds;
        candidate.area > 0
            && ((x == 0 && self.x > 0)
                || (y == 0 && self.y > 0)
                || (x + width == self.width && self.x + self.width < picture.0)
                || (y + height == self.height && self.y + self.height < picture.1))
    }

    /// A candidate of the part as one of the picture. Its logits stay those of
    /// the part.
    #[must_use]
    pub fn place(&self, candidate: Candidate, picture: (u32, u32)) -> Candidate {
        let mut mask = GrayImage::new(picture.0, picture.1);
        imageops::replace(
            &mut mask,
            &candidate.mask,
            i64::from(self.x),
            i64::from(self.y),
        );
        let [x, y, width, height] = candidate.bounds;
        let bounds = if candidate.area > 0 {
            [x + self.x, y + self.y, width, height]
        } else {
            [0; 4]
        };
        Candidate {
            mask,
            bounds,
            ..candidate
        }
    }
}

/// The smallest rectangle that holds two.
fn together(one: BoxPrompt, other: BoxPrompt) -> BoxPrompt {
    BoxPrompt {
        left: one.left.min(other.left),
        top: one.top.min(other.top),
        right: one.right.max(other.right),
        bottom: one.bottom.max(other.bottom),
    }
}

fn bounds(candidate: &Candidate) -> BoxPrompt {
    let [x, y, width, height] = candidate.bounds.map(|length| length as f32);
    BoxPrompt {
        left: x,
        top: y,
        right: x + width,
        bottom: y + height,
    }
}

fn pixel(point: &PointPrompt) -> BoxPrompt {
    BoxPrompt {
        left: point.x,
        top: point.y,
        right: point.x,
        bottom: point.y,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segment::MaskLogits;

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> BoxPrompt {
        BoxPrompt {
            left,
            top,
            right,
            bottom,
        }
    }

    /// All of a picture of that size.
    fn candidate(width: u32, height: u32) -> Candidate {
        Candidate {
            mask: GrayImage::from_pixel(width, height, image::Luma([255])),
            predicted_iou: 0.9,
            stability: 0.8,
            bounds: [0, 0, width, height],
            area: u64::from(width) * u64::from(height),
            logits: MaskLogits::new(1, vec![1.0]),
        }
    }

    #[test]
    fn what_fills_the_picture_is_not_looked_at_again() {
        let whole = Prompt::around(rect(0.0, 0.0, 90.0, 128.0));
        assert_eq!(Part::closer((128, 128), &whole, &[], 128), None);
        // A click on a thing as large, and one on nothing.
        let click = Prompt::click(4.0, 4.0);
        let large = [candidate(100, 100)];
        assert_eq!(Part::closer((128, 128), &click, &large, 128), None);
        let mut nothing = candidate(1, 1);
        (nothing.area, nothing.bounds) = (0, [0; 4]);
        assert_eq!(Part::closer((128, 128), &click, &[nothing], 128), None);
    }

    #[test]
    fn a_small_thing_is_in_the_middle_of_its_part() {
        let prompt = Prompt::around(rect(1000.0, 600.0, 1040.0, 700.0));
        let part = Part::closer((2048, 1024), &prompt, &[], 128).unwrap();
        assert_eq!(part.width, part.height);
        assert!((135..=155).contains(&part.width), "{part:?}");
        let middle = (part.x + part.width / 2, part.y + part.height / 2);
        assert!(middle.0.abs_diff(1020) <= part.width / 12, "{part:?}");
        assert!(middle.1.abs_diff(650) <= part.height / 12, "{part:?}");
    }

    #[test]
    fn clicks_on_the_same_thing_look_at_the_same_part() {
        let mut found = candidate(40, 90);
        found.bounds = [300, 200, 40, 90];
        let part = |x: f32, y: f32, found: &Candidate| {
            let found = std::slice::from_ref(found);
            Part::closer((1024, 768), &Prompt::click(x, y), found, 128)
        };
        let first = part(310.0, 220.0, &found);
        assert!(first.is_some());
        assert_eq!(part(330.0, 280.0, &found), first);
        // The first look need not see its border in the same place each time.
        found.bounds = [301, 201, 39, 88];
        assert_eq!(part(320.0, 250.0, &found), first);
    }

    #[test]
    fn a_candidate_comes_back_to_where_it_was_seen() {
        let part = Part {
            x: 30,
            y: 10,
            width: 8,
            height: 6,
        };
        let mut seen = candidate(8, 6);
        seen.mask = GrayImage::from_fn(8, 6, |x, y| {
            image::Luma([if (x, y) == (2, 3) { 255 } else { 0 }])
        });
        (seen.bounds, seen.area) = ([2, 3, 1, 1], 1);
        let placed = part.place(seen, (64, 48));
        assert_eq!(placed.bounds, [32, 13, 1, 1]);
        for (x, y, pixel) in placed.mask.enumerate_pixels() {
            assert_eq!(pixel.0 == [255], (x, y) == (32, 13));
        }
    }

    #[test]
    fn what_reaches_over_a_part_is_cut_but_at_the_border_of_the_picture() {
        let all = candidate(8, 6);
        let part = |x: u32, y: u32| Part {
            x,
            y,
            width: 8,
            height: 6,
        };
        assert!(part(3, 0).cuts(&all, (11, 6)), "on the left");
        assert!(part(0, 3).cuts(&all, (8, 9)), "above");
        assert!(part(0, 0).cuts(&all, (9, 6)), "on the right");
        assert!(part(0, 0).cuts(&all, (8, 7)), "below");
        assert!(!part(0, 0).cuts(&all, (8, 6)), "it is the picture");
        let mut inner = all;
        inner.bounds = [1, 1, 6, 4];
        assert!(!part(3, 3).cuts(&inner, (64, 64)));
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_picture_and_holds_what_it_is_for(
            (width, height) in (1u32..9000, 1u32..9000),
            edges in proptest::array::uniform4(0f32..1.0),
            clicks in proptest::collection::vec((0f32..=1.0, 0f32..=1.0, any::<bool>()), 0..4),
            side in prop::sample::select(vec![128usize, 1024]),
        ) {
            let (w, h) = (width as f32, height as f32);
            let [a, b, c, d] = edges;
            let around = rect(a.min(b) * w, c.min(d) * h, a.max(b) * w, c.max(d) * h);
            let points = clicks.iter();
            let prompt = Prompt {
                points: points
                    .map(|&(x, y, positive)| PointPrompt { x: x * w, y: y * h, positive })
                    .collect(),
                boxes: vec![around],
                mask: None,
            };
            if let Some(part) = Part::closer((width, height), &prompt, &[], side) {
                prop_assert!(part.width > 0 && part.height > 0);
                prop_assert!(part.x + part.width <= width && part.y + part.height <= height);
                prop_assert!(part.width < width || part.height < height);
                let there = part.prompt(&prompt);
                prop_assert_eq!(
                    there.points.iter().filter(|point| point.positive).count(),
                    prompt.points.iter().filter(|point| point.positive).count()
                );
                for point in &there.points {
                    prop_assert!((0.0..=part.width as f32).contains(&point.x));
                    prop_assert!((0.0..=part.height as f32).contains(&point.y));
                }
                let inner = there.boxes[0];
                prop_assert!(inner.left >= -0.01 && inner.right <= part.width as f32 + 0.01);
                prop_assert!(inner.top >= -0.01 && inner.bottom <= part.height as f32 + 0.01);
            }
        }
    }
}
