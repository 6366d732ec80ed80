//! Text on sheets: measured, broken into lines, drawn.
//!
//! The typeface is IBM Plex Sans (`fonts/`), which has Latin, Greek and
//! Cyrillic. What it has not is drawn as an empty box.

use ab_glyph::{Font, FontRef, Glyph, GlyphId, InvalidFont, PxScale, point};
use image::{Rgb, RgbImage};

/// The regular font's file.
pub(crate) const REGULAR: &[u8] = include_bytes!("../fonts/IBMPlexSans-Regular.ttf");
/// The strong font's file.
pub(crate) const STRONG: &[u8] = include_bytes!("../fonts/IBMPlexSans-SemiBold.ttf");

/// How heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// For reading.
    Regular,
    /// For numbers and titles.
    Strong,
}

/// A size and a weight of the typeface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// How heavy.
    pub weight: Weight,
    /// The em, pixels or points.
    pub size: f32,
}

/// The typeface.
pub(crate) struct Lettering {
    regular: FontRef<'static>,
    strong: FontRef<'static>,
}

impl Lettering {
    /// Reads the embedded fonts.
    pub(crate) fn new() -> Result<Self, InvalidFont> {
        Ok(Self {
            regular: FontRef::try_from_slice(REGULAR)?,
            strong: FontRef::try_from_slice(STRONG)?,
        })
    }

    fn font(&self, weight: Weight) -> &FontRef<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Strong => &self.strong,
        }
    }

    /// How wide a line is, in the unit of the size.
    pub(crate) fn width(&self, style: Style, text: &str) -> f32 {
        let font = self.font(style.weight);
        let units = font.units_per_em().unwrap_or(1_000.0);
        let advance = |letter| font.h_advance_unscaled(font.glyph_id(letter));
        text.chars()
            .filter(|letter| !letter.is_control())
            .map(advance)
            .sum::<f32>()
            * style.size
            / units
    }

    /// Draws a line from `x` on, its letters standing on `baseline`.
    pub(crate) fn draw(
        &self,
        sheet: &mut RgbImage,
        style: Style,
        colour: Rgb<u8>,
        (x, baseline): (f32, f32),
        text: &str,
    ) {
        let font = self.font(style.weight);
        let units = font.units_per_em().unwrap_or(1_000.0);
        // This library measures a font by its height, not by its em.
        let scale = PxScale::from(style.size * font.height_unscaled() / units);
        let mut x = x;
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            let id: GlyphId = font.glyph_id(letter);
            let glyph: Glyph = id.with_scale_and_position(scale, point(x, baseline));
            x += font.h_advance_unscaled(id) * style.size / units;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
            outline.draw(|column, row, coverage| {
                let place = (left + i64::from(column), top + i64::from(row));
                blend(sheet, place, colour, coverage);
            });
        }
    }

    /// Breaks a text into lines that are no wider than `width`, at most `most`
    /// of them; the last ends in … where more would follow.
    pub(crate) fn lines(&self, style: Style, text: &str, width: f32, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let joined = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if self.width(style, &joined) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is wider than a line is broken where it ends.
            for letter in word.chars() {
                line.push(letter);
                if self.width(style, &line) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
            if lines.len() > most {
                break;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                *last = self.cut(style, &format!("{last} …"), width);
            }
        }
        lines
    }

    /// The text, or as much of it as fits, and … .
    pub(crate) fn cut(&self, style: Style, text: &str, width: f32) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.width(style, &line) <= width {
            return line;
        }
        let mut short: String = line.trim_end_matches([' ', '…']).to_owned();
        while !short.is_empty() && self.width(style, &format!("{short}…")) > width {
            short.pop();
        }
        format!("{}…", short.trim_end())
    }
}

/// Lays a colour over a pixel, as far as it is covered.
fn blend(sheet: &mut RgbImage, (x, y): (i64, i64), colour: Rgb<u8>, coverage: f32) {
    let place = u32::try_from(x).ok().zip(u32::try_from(y).ok());
    let Some(pixel) = place.and_then(|(x, y)| sheet.get_pixel_mut_checked(x, y)) else {
        return;
    };
    for (old, new) in pixel.0.iter_mut().zip(colour.0) {
        let mixed = f32::from(*old) + (f32::from(new) - f32::from(*old)) * coverage.clamp(0.0, 1.0);
        *old = mixed.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STYLE: Style = Style {
        weight: Weight::Regular,
        size: 10.0,
    };

    #[test]
    fn scripts_of_prompts_are_there_and_others_are_boxes() {
        let lettering = Lettering::new().expect("fonts");
        for font in [&lettering.regular, &lettering.strong] {
            for letter in "AzÄéñßŁőžΑΩαωάЖяёҐї0·—…“”×→".chars() {
                assert_ne!(font.glyph_id(letter), GlyphId(0), "{letter}");
            }
        }
        let mut sheet = RgbImage::new(40, 20);
        lettering.draw(&mut sheet, STYLE, Rgb([255; 3]), (2.0, 15.0), "漢");
        assert!(sheet.pixels().any(|pixel| pixel.0 != [0; 3]), "a box");
    }

    #[test]
    fn letters_off_the_sheet_are_left_out() {
        let lettering = Lettering::new().expect("fonts");
        let mut sheet = RgbImage::new(3, 3);
        lettering.draw(&mut sheet, STYLE, Rgb([255; 3]), (-50.0, -7.0), "off");
        lettering.draw(&mut sheet, STYLE, Rgb([255; 3]), (-3.0, 9.0), "partly off");
    }

    proptest! {
        #[test]
        fn lines_fit_and_lose_no_word(text in "[\\PC ]{0,120}", width in 20.0_f32..200.0) {
            let lettering = Lettering::new().expect("fonts");
            let lines = lettering.lines(STYLE, &text, width, 1_000);
            for line in &lines {
                let one = line.chars().count() <= 1;
                prop_assert!(one || lettering.width(STYLE, line) <= width, "{line:?}");
            }
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&lines.join(" ")), letters(&text));
            let short = lettering.lines(STYLE, &text, width, 2);
            prop_assert!(short.len() <= 2);
            if lines.len() > 2 {
                prop_assert!(short[1].ends_with('…'));
            }
        }
    }
}
