//! Masks that may be what was meant.

use image::GrayImage;

use super::image_frame::{Frame, MaskLogits};

/// By how much the decoder's threshold is moved to see whether a mask stays.
const STABILITY_OFFSET: f32 = 1.0;

/// A mask that may be what was meant.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// 255 inside and 0 outside, of the picture's size.
    pub mask: GrayImage,
    /// The IoU with what was meant that the decoder expects.
    pub predicted_iou: f32,
    /// The IoU of the masks at a higher and a lower threshold: near 1 for a
    /// mask with a sharp border. 0 for an empty one.
    pub stability: f32,
    /// The smallest rectangle that holds the mask: x, y, width, height. All
    /// zero for an empty one.
    pub bounds: [u32; 4],
    /// Pixels inside.
    pub area: u64,
    /// The mask as a prompt for a further click.
    pub logits: MaskLogits,
}

/// What a row of a mask adds up to.
struct Row {
    values: Vec<u8>,
    inside: u64,
    surely: u64,
    perhaps: u64,
    span: Option<(u32, u32)>,
}

impl Candidate {
    pub(super) fn new(logits: MaskLogits, predicted_iou: f32, frame: Frame) -> Self {
        let rows = logits.over_picture(frame, |_, row| {
            let above = |level: f32| row.iter().filter(|&&value| value > level).count() as u64;
            let first = row.iter().position(|&value| value > 0.0);
            let last = row.iter().rposition(|&value| value > 0.0);
            Row {
                values: row
                    .iter()
                    .map(|&value| if value > 0.0 { 255 } else { 0 })
                    .collect(),
                inside: above(0.0),
                surely: above(STABILITY_OFFSET),
                perhaps: above(-STABILITY_OFFSET),
                // Columns are u32.
                span: first
                    .zip(last)
                    .map(|(first, last)| (first as u32, last as u32)),
            }
        });
        let mut values = Vec::with_capacity(frame.width as usize * rows.len());
        let (mut area, mut surely, mut perhaps) = (0, 0, 0);
        let mut found: Option<[u32; 4]> = None;
        for (y, row) in rows.into_iter().enumerate() {
            values.extend(row.values);
            area += row.inside;
            surely += row.surely;
            perhaps += row.perhaps;
            if let Some((first, last)) = row.span {
                let y = y as u32;
                found = Some(match found {
                    None => [first, y, last, y],
                    Some([left, top, right, _]) => [left.min(first), top, right.max(last), y],
                });
            }
        }
        let bounds = found.map_or([0; 4], |[left, top, right, bottom]| {
            [left, top, right - left + 1, bottom - top + 1]
        });
        let stability = if perhaps == 0 {
            0.0
        } else {
            surely as f32 / perhaps as f32
        };
        Self {
            // As many as the size says, by its making.
            mask: GrayImage::from_raw(frame.width, frame.height, values).unwrap_or_default(),
            predicted_iou,
            stability,
            bounds,
            area,
            logits,
        }
    }
}
