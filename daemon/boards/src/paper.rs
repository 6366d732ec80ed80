//! A dark sheet that is drawn on from the top down.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::error::BoardError;
use crate::lettering::{Lettering, Style, Weight};

/// A dark grey that neither lifts nor sinks a frame.
pub(crate) const GROUND: Rgb<u8> = Rgb([27, 27, 29]);
/// Where a picture will be.
pub(crate) const EMPTY: Rgb<u8> = Rgb([38, 38, 41]);
/// Lines between things.
pub(crate) const RULE: Rgb<u8> = Rgb([62, 62, 66]);
/// Titles and numbers.
pub(crate) const INK: Rgb<u8> = Rgb([238, 236, 230]);
/// What is read second.
pub(crate) const SOFT_INK: Rgb<u8> = Rgb([158, 157, 153]);
/// The red of the pencil that marks prints on contact sheets.
pub(crate) const PENCIL: Rgb<u8> = Rgb([236, 78, 56]);
/// Around everything.
pub(crate) const MARGIN: u32 = 36;
/// Between pictures.
pub(crate) const GAP: u32 = 16;

/// The title.
pub(crate) const TITLE: Style = Style {
    weight: Weight::Strong,
    size: 26.0,
};
/// A frame's number and shot.
pub(crate) const HEADING: Style = Style {
    weight: Weight::Strong,
    size: 17.0,
};
/// Prompts.
pub(crate) const BODY: Style = Style {
    weight: Weight::Regular,
    size: 15.0,
};
/// Captions.
pub(crate) const CAPTION: Style = Style {
    weight: Weight::Regular,
    size: 14.0,
};
/// Numbers in captions.
pub(crate) const NUMBER: Style = Style {
    weight: Weight::Strong,
    size: 14.0,
};

/// Height of a line of text, as a multiple of its size.
const LINE: f32 = 1.4;

/// A sheet.
pub(crate) struct Paper {
    /// The pixels.
    pub pixels: RgbImage,
    lettering: Lettering,
}

/// The typeface.
pub(crate) fn lettering() -> Result<Lettering, BoardError> {
    Lettering::new()
        .map_err(|error| BoardError::Export(format!("the font cannot be read: {error}")))
}

/// Height of a line of that style, pixels.
pub(crate) fn line_height(style: Style) -> u32 {
    (style.size * LINE).ceil() as u32
}

impl Paper {
    /// An empty sheet.
    pub(crate) fn new(lettering: Lettering, width: u32, height: u32) -> Self {
        Self {
            pixels: RgbImage::from_pixel(width.max(1), height.max(1), GROUND),
            lettering,
        }
    }

    /// Writes a line into the row of pixels that begins at `top`; gives where
    /// it ends.
    pub(crate) fn write(
        &mut self,
        style: Style,
        colour: Rgb<u8>,
        (x, top): (u32, u32),
        text: &str,
    ) -> u32 {
        let baseline = top as f32 + style.size * (LINE + 0.72) / 2.0;
        let place = (x as f32, baseline.round());
        self.lettering
            .draw(&mut self.pixels, style, colour, place, text);
        x + self.lettering.width(style, text).ceil() as u32
    }

    /// Writes a line that ends at `right`.
    pub(crate) fn write_right(
        &mut self,
        style: Style,
        colour: Rgb<u8>,
        (right, top): (u32, u32),
        text: &str,
    ) {
        let width = self.lettering.width(style, text).ceil() as u32;
        self.write(style, colour, (right.saturating_sub(width), top), text);
    }

    /// As much of a text as fits, in one line.
    pub(crate) fn cut(&self, style: Style, text: &str, width: u32) -> String {
        self.lettering.cut(style, text, width as f32)
    }

    /// Fills a rectangle.
    pub(crate) fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Rgb<u8>) {
        for row in y..(y + height).min(self.pixels.height()) {
            for column in x..(x + width).min(self.pixels.width()) {
                self.pixels.put_pixel(column, row, colour);
            }
        }
    }

    /// Draws a frame of that thickness around a rectangle.
    pub(crate) fn outline(
        &mut self,
        (x, y): (u32, u32),
        (width, height): (u32, u32),
        thick: u32,
        colour: Rgb<u8>,
    ) {
        let (left, top) = (x.saturating_sub(thick), y.saturating_sub(thick));
        let (wide, high) = (width + 2 * thick, height + 2 * thick);
        self.fill(left, top, wide, thick, colour);
        self.fill(left, y + height, wide, thick, colour);
        self.fill(left, top, thick, high, colour);
        self.fill(x + width, top, thick, high, colour);
    }

    /// Places a picture in the middle of a box, as large as it fits.
    pub(crate) fn place(
        &mut self,
        picture: &RgbImage,
        (x, y): (u32, u32),
        (width, height): (u32, u32),
    ) {
        let (wide, high) = fitted(picture.dimensions(), (width, height));
        let scaled = imageops::resize(picture, wide, high, FilterType::CatmullRom);
        let left = x + (width - wide) / 2;
        let top = y + (height - high) / 2;
        imageops::replace(&mut self.pixels, &scaled, left.into(), top.into());
    }
}

/// The largest size of those proportions in a box.
pub(crate) fn fitted(
    (width, height): (u32, u32),
    (most_wide, most_high): (u32, u32),
) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(most_wide) / width).min(f64::from(most_high) / height);
    let side = |side: f64, most: u32| ((side * scale).round() as u32).clamp(1, most.max(1));
    (side(width, most_wide), side(height, most_high))
}
