//! The scene as a document to print: two rows of frames a page, with their
//! prompts.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

use crate::contact_sheet::or_untitled;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::lettering::{Lettering, REGULAR, STRONG, Style, Weight};
use crate::paper::lettering;
use crate::sheet::{Sheet, SheetFrame, pixels, seconds_words};

/// A4 on its side, points.
const PAGE: (f32, f32) = (841.89, 595.28);
const MARGIN: f32 = 42.0;
const GAP: f32 = 22.0;
const ROWS: usize = 2;
/// Where the frames begin, below the head.
const TOP: f32 = 84.0;
/// Where they end, above the foot.
const BOTTOM: f32 = PAGE.1 - 46.0;
/// The most of a cell that a picture takes.
const PICTURE_SHARE: f32 = 0.72;

const INK: (u8, u8, u8) = (28, 28, 30);
const SOFT_INK: (u8, u8, u8) = (104, 104, 108);
const RULE: (u8, u8, u8) = (205, 205, 208);
const EMPTY: (u8, u8, u8) = (238, 238, 240);

const TITLE: Style = Style {
    weight: Weight::Strong,
    size: 15.0,
};
const HEADING: Style = Style {
    weight: Weight::Strong,
    size: 10.0,
};
const BODY: Style = Style {
    weight: Weight::Regular,
    size: 8.2,
};
const LEADING: f32 = 10.8;

/// What a page is drawn with.
struct Pen<'a> {
    columns: usize,
    lettering: &'a Lettering,
    regular: &'a Font,
    strong: &'a Font,
}

/// Makes the document.
///
/// # Errors
/// [`BoardError::Picture`], or of the disk.
pub fn pdf(folder: &BoardFolder, sheet: &Sheet) -> Result<Vec<u8>, BoardError> {
    let failed = |reason: String| BoardError::Export(format!("the PDF cannot be made: {reason}"));
    let letters = lettering()?;
    let font = |bytes: &'static [u8]| {
        Font::new(bytes.to_vec().into(), 0).ok_or_else(|| failed("the font cannot be read".into()))
    };
    let (regular, strong) = (font(REGULAR)?, font(STRONG)?);
    let columns = columns(folder, sheet)?;
    let pen = Pen {
        columns,
        lettering: &letters,
        regular: &regular,
        strong: &strong,
    };
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(or_untitled(&sheet.scene).to_owned())
            .creator("Framewright".to_owned()),
    );
    let per_page = columns * ROWS;
    let pages = sheet.frames.len().div_ceil(per_page).max(1);
    for number in 0..pages {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1);
        let settings = settings.ok_or_else(|| failed("the page has no size".into()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        pen.head(&mut surface, sheet, number, pages);
        let frames = sheet.frames.iter().skip(number * per_page).take(per_page);
        for (index, frame) in frames.enumerate() {
            pen.cell(&mut surface, folder, frame, index)?;
        }
        surface.finish();
        page.finish();
    }
    document
        .finish()
        .map_err(|error| failed(format!("{error:?}")))
}

/// The columns that pictures of these proportions fill best.
fn columns(folder: &BoardFolder, sheet: &Sheet) -> Result<usize, BoardError> {
    let first = sheet.frames.iter().find_map(|frame| frame.shown.as_ref());
    let Some(first) = first else {
        return Ok(3);
    };
    let (width, height) = pixels(folder, first)?.dimensions();
    Ok(if width * 6 < height * 7 { 4 } else { 3 })
}

impl Pen<'_> {
    fn write(
        &self,
        surface: &mut Surface<'_>,
        style: Style,
        colour: (u8, u8, u8),
        (x, y): (f32, f32),
        text: &str,
    ) {
        let font = match style.weight {
            Weight::Regular => self.regular,
            Weight::Strong => self.strong,
        };
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        surface.set_fill(Some(fill(colour)));
        let place = Point::from_xy(x, y);
        // Lines are measured from the left, letter by letter, whatever the script.
        let direction = TextDirection::LeftToRight;
        surface.draw_text(place, font.clone(), style.size, &text, false, direction);
    }

    fn write_right(
        &self,
        surface: &mut Surface<'_>,
        style: Style,
        colour: (u8, u8, u8),
        (right, y): (f32, f32),
        text: &str,
    ) {
        let x = right - self.lettering.width(style, text);
        self.write(surface, style, colour, (x, y), text);
    }

    fn head(&self, surface: &mut Surface<'_>, sheet: &Sheet, number: usize, pages: usize) {
        let room = PAGE.0 - 2.0 * MARGIN;
        let title = self.lettering.cut(TITLE, or_untitled(&sheet.scene), room);
        self.write(surface, TITLE, INK, (MARGIN, 50.0), &title);
        self.write(surface, BODY, SOFT_INK, (MARGIN, 65.0), &sheet.figures);
        rectangle(surface, (MARGIN, PAGE.1 - 36.0), (room, 0.5), RULE);
        let foot = PAGE.1 - 23.0;
        let name = self.lettering.cut(BODY, &sheet.name, room / 2.0);
        self.write(surface, BODY, SOFT_INK, (MARGIN, foot), &name);
        let page = format!("{} / {pages}", number + 1);
        self.write_right(surface, BODY, SOFT_INK, (PAGE.0 - MARGIN, foot), &page);
    }

    fn cell(
        &self,
        surface: &mut Surface<'_>,
        folder: &BoardFolder,
        frame: &SheetFrame,
        index: usize,
    ) -> Result<(), BoardError> {
        let (columns, rows) = (self.columns as f32, ROWS as f32);
        let width = (PAGE.0 - 2.0 * MARGIN - (columns - 1.0) * GAP) / columns;
        let height = (BOTTOM - TOP - (rows - 1.0) * GAP) / rows;
        let x = MARGIN + (index % self.columns) as f32 * (width + GAP);
        let y = TOP + (index / self.columns) as f32 * (height + GAP);
        let most_high = height * PICTURE_SHARE;
        let high = match &frame.shown {
            None => {
                rectangle(surface, (x, y), (width, most_high), EMPTY);
                self.write(
                    surface,
                    BODY,
                    SOFT_INK,
                    (x + 8.0, y + 14.0),
                    "not drawn yet",
                );
                most_high
            }
            Some(image) => {
                let pixels = pixels(folder, image)?;
                let (wide, tall) = (pixels.width() as f32, pixels.height() as f32);
                let scale = (width / wide).min(most_high / tall);
                let (wide, tall) = (wide * scale, tall * scale);
                let (columns, rows) = pixels.dimensions();
                let rgba = image::DynamicImage::from(pixels).into_rgba8().into_raw();
                let drawn = Image::from_rgba8(rgba, columns, rows);
                if let Some(size) = Size::from_wh(wide, tall) {
                    surface.push_transform(&Transform::from_translate(x, y));
                    surface.draw_image(drawn, size);
                    surface.pop();
                }
                tall
            }
        };
        let mut line = y + high + 14.0;
        let number = frame.place.to_string();
        self.write(surface, HEADING, INK, (x, line), &number);
        let after = x + self.lettering.width(HEADING, &number) + 7.0;
        let state = if frame.shown.is_some() && !frame.picked {
            format!("not picked  ·  {}", seconds_words(frame.duration))
        } else {
            seconds_words(frame.duration)
        };
        let shot = self.lettering.cut(HEADING, &frame.shot, width * 0.6);
        self.write(surface, HEADING, SOFT_INK, (after, line), &shot);
        self.write_right(surface, BODY, SOFT_INK, (x + width, line), &state);
        let room = ((y + height - line) / LEADING).floor().max(0.0) as usize;
        let note = self.lettering.lines(BODY, &frame.note, width, room.min(2));
        let prompt = self
            .lettering
            .lines(BODY, &frame.prompt, width, room - note.len());
        for (lines, colour) in [(prompt, SOFT_INK), (note, INK)] {
            for text in lines {
                line += LEADING;
                self.write(surface, BODY, colour, (x, line + 1.0), &text);
            }
        }
        Ok(())
    }
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

fn rectangle(
    surface: &mut Surface<'_>,
    (x, y): (f32, f32),
    (width, height): (f32, f32),
    colour: (u8, u8, u8),
) {
    let mut builder = PathBuilder::new();
    if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
        builder.push_rect(rectangle);
    }
    if let Some(path) = builder.finish() {
        surface.set_fill(Some(fill(colour)));
        surface.draw_path(&path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Home, draw};

    #[test]
    fn a_page_has_two_rows_and_the_document_has_every_frame() {
        let home = Home::new();
        let long = "in a dusty library, мягкий свет, 図書館 ".repeat(40);
        let prompts = ["a fox", &long, "", "\u{202e}\u{0}x", "e", "f", "g"];
        let folder = home.board("b", &prompts);
        let pages = |folder: &BoardFolder| {
            let board = folder.read().expect("a board").board;
            let sheet = Sheet::new(folder, &board, None).expect("a sheet");
            let bytes = pdf(folder, &sheet).expect("a PDF");
            assert!(bytes.starts_with(b"%PDF-"));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let count = text.split("/Count ").nth(1).expect("a count");
            count
                .split(|letter: char| !letter.is_ascii_digit())
                .next()
                .map(str::to_owned)
        };
        assert_eq!(pages(&folder).as_deref(), Some("2"), "nothing drawn yet");
        draw(&folder);
        assert_eq!(pages(&folder).as_deref(), Some("2"), "4:3, three columns");
        assert_eq!(pages(&home.board("empty", &[])).as_deref(), Some("1"));
    }
}
