//! All candidates on one picture, in rows, to be looked at side by side.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage, imageops};

/// Between candidates and around them, pixels.
const GAP: u32 = 8;
/// A dark grey that neither lifts nor sinks a frame.
const GROUND: Rgb<u8> = Rgb([40, 40, 40]);

/// The columns and rows for `count` frames: as square as can be, never a
/// row without a frame.
fn grid(count: u32) -> (u32, u32) {
    let columns = f64::from(count).sqrt().ceil() as u32;
    let columns = columns.max(1);
    (columns, count.div_ceil(columns))
}

/// Lays the frames out from the top left, row by row.
pub fn lay_out(frames: &[RgbImage]) -> RgbImage {
    in_columns(frames, grid(frames.len() as u32))
}

/// Lays the frames out from left to right.
pub fn in_a_row(frames: &[RgbImage]) -> RgbImage {
    in_columns(frames, (frames.len().max(1) as u32, 1))
}

fn in_columns(frames: &[RgbImage], (columns, rows): (u32, u32)) -> RgbImage {
    let width = frames.iter().map(RgbImage::width).max().unwrap_or(1);
    let height = frames.iter().map(RgbImage::height).max().unwrap_or(1);
    let mut sheet = RgbImage::from_pixel(
        columns * (width + GAP) + GAP,
        rows * (height + GAP) + GAP,
        GROUND,
    );
    for (index, frame) in (0_u32..).zip(frames) {
        let x = GAP + index % columns * (width + GAP);
        let y = GAP + index / columns * (height + GAP);
        imageops::replace(&mut sheet, frame, x.into(), y.into());
    }
    sheet
}

/// The sheet as a PNG file.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn png(sheet: &RgbImage) -> Result<Vec<u8>, image::ImageError> {
    let mut file = Cursor::new(Vec::new());
    sheet.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_have_no_empty_row() {
        let grids: Vec<_> = [1, 2, 3, 4, 5, 6, 7, 9, 12].map(grid).into();
        let expected = [
            (1, 1),
            (2, 1),
            (2, 2),
            (2, 2),
            (3, 2),
            (3, 2),
            (3, 3),
            (3, 3),
            (4, 3),
        ];
        assert_eq!(grids, expected);
    }

    #[test]
    fn every_frame_is_on_the_sheet() {
        let frames: Vec<_> = (1..=3)
            .map(|shade| RgbImage::from_pixel(4, 2, Rgb([shade; 3])))
            .collect();
        let sheet = lay_out(&frames);
        assert_eq!(sheet.dimensions(), (2 * 12 + 8, 2 * 10 + 8));
        for shade in 1..=3 {
            let pixels = sheet.pixels().filter(|pixel| pixel.0 == [shade; 3]).count();
            assert_eq!(pixels, 8, "frame {shade}");
        }
    }
}
