//! Every take of every frame, side by side, to choose from.

use image::RgbImage;

use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::paper::{
    BODY, CAPTION, EMPTY, GAP, HEADING, INK, MARGIN, NUMBER, PENCIL, Paper, RULE, SOFT_INK, TITLE,
    fitted, lettering, line_height,
};
use crate::sheet::{Sheet, SheetFrame, SheetTake, pixels, seconds_words};

/// The most frames of one sheet; a sheet of more would not be looked at.
const MOST_FRAMES: usize = 120;
/// The most takes in a row.
const MOST_COLUMNS: usize = 4;
/// The box of a take, pixels.
const BOX: u32 = 256;
/// Lines of a prompt.
const PROMPT_LINES: usize = 2;

/// Draws the contact sheet. Takes whose pictures have gone are empty boxes.
///
/// # Errors
/// [`BoardError::Picture`], or of the disk.
pub fn contact_sheet(folder: &BoardFolder, sheet: &Sheet) -> Result<RgbImage, BoardError> {
    let frames = sheet.frames.get(..MOST_FRAMES).unwrap_or(&sheet.frames);
    let letters = lettering()?;
    let slots = frames.iter().map(|frame| frame.takes.len()).max();
    let columns = slots.unwrap_or(1).clamp(2, MOST_COLUMNS) as u32;
    let box_size = box_size(folder, frames)?;
    let inner = columns * (box_size.0 + GAP) - GAP;
    let width = inner + 2 * MARGIN;

    let title = letters.lines(TITLE, or_untitled(&sheet.scene), inner as f32, 2);
    let prompts: Vec<Vec<String>> = frames
        .iter()
        .map(|frame| letters.lines(BODY, &frame.prompt, inner as f32, PROMPT_LINES))
        .collect();
    let head = title.len() as u32 * line_height(TITLE) + line_height(BODY) + GAP;
    let row = box_size.1 + line_height(CAPTION) + GAP;
    let rows = |frame: &SheetFrame| (frame.takes.len() as u32).div_ceil(columns).max(1);
    let band = |frame: &SheetFrame, prompt: &[String]| {
        2 * GAP
            + line_height(HEADING)
            + prompt.len() as u32 * line_height(BODY)
            + 6
            + rows(frame) * row
    };
    let bands: u32 = frames
        .iter()
        .zip(&prompts)
        .map(|(frame, prompt)| band(frame, prompt))
        .sum();
    let left_out = sheet.frames.len() - frames.len();
    let foot = if left_out > 0 { line_height(BODY) } else { 0 };
    let mut paper = Paper::new(letters, width, head + bands + foot + 2 * MARGIN - GAP);

    let mut y = MARGIN;
    for line in &title {
        paper.write(TITLE, INK, (MARGIN, y), line);
        y += line_height(TITLE);
    }
    paper.write(BODY, SOFT_INK, (MARGIN, y), &sheet.figures);
    y += line_height(BODY) + GAP;
    for (frame, prompt) in frames.iter().zip(&prompts) {
        paper.fill(MARGIN, y, inner, 1, RULE);
        y += GAP;
        let after = paper.write(HEADING, INK, (MARGIN, y), &frame.place.to_string());
        paper.write(HEADING, SOFT_INK, (after + 10, y), &frame.shot);
        let right = (width - MARGIN, y);
        paper.write_right(CAPTION, SOFT_INK, right, &seconds_words(frame.duration));
        y += line_height(HEADING);
        for line in prompt {
            paper.write(BODY, SOFT_INK, (MARGIN, y), line);
            y += line_height(BODY);
        }
        y += 6;
        if frame.takes.is_empty() {
            let place = (MARGIN, y);
            paper.fill(place.0, place.1, box_size.0, box_size.1, EMPTY);
            paper.write(CAPTION, SOFT_INK, (MARGIN + 12, y + 8), "not drawn yet");
        }
        for (index, take) in (0_u32..).zip(&frame.takes) {
            let x = MARGIN + index % columns * (box_size.0 + GAP);
            let top = y + index / columns * row;
            draw_take(&mut paper, folder, take, (x, top), box_size)?;
        }
        y += rows(frame) * row + GAP;
    }
    if left_out > 0 {
        let text = format!("… and {left_out} more frames");
        paper.write(BODY, SOFT_INK, (MARGIN, y - GAP), &text);
    }
    Ok(paper.pixels)
}

fn draw_take(
    paper: &mut Paper,
    folder: &BoardFolder,
    take: &SheetTake,
    (x, y): (u32, u32),
    box_size: (u32, u32),
) -> Result<(), BoardError> {
    match &take.image {
        Some(image) => paper.place(&pixels(folder, image)?, (x, y), box_size),
        None => {
            paper.fill(x, y, box_size.0, box_size.1, EMPTY);
            paper.write(CAPTION, SOFT_INK, (x + 12, y + 8), "its file has gone");
        }
    }
    if take.picked {
        paper.outline((x, y), box_size, 4, PENCIL);
    }
    let below = y + box_size.1 + 5;
    let colour = if take.picked { PENCIL } else { INK };
    let after = paper.write(NUMBER, colour, (x, below), &take.number.to_string());
    let seed = paper.cut(
        CAPTION,
        &format!("seed {}", take.seed),
        box_size.0.saturating_sub(80),
    );
    paper.write(CAPTION, SOFT_INK, (after + 8, below), &seed);
    if take.picked {
        paper.write_right(NUMBER, PENCIL, (x + box_size.0, below), "picked");
    }
    Ok(())
}

/// The box that every take fits, of the proportions of the first.
fn box_size(folder: &BoardFolder, frames: &[SheetFrame]) -> Result<(u32, u32), BoardError> {
    let mut images = frames
        .iter()
        .flat_map(|frame| frame.takes.iter().filter_map(|take| take.image.as_ref()));
    let Some(first) = images.next() else {
        return Ok((BOX, BOX * 3 / 4));
    };
    Ok(fitted(pixels(folder, first)?.dimensions(), (BOX, BOX)))
}

pub(crate) fn or_untitled(scene: &str) -> &str {
    if scene.is_empty() {
        "Untitled scene"
    } else {
        scene
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::grid;
    use crate::testing::{Home, draw};

    fn sheet(folder: &BoardFolder) -> Sheet {
        let board = folder.read().expect("a board").board;
        Sheet::new(folder, &board, None).expect("a sheet")
    }

    fn pencil(picture: &RgbImage) -> usize {
        picture.pixels().filter(|pixel| **pixel == PENCIL).count()
    }

    #[test]
    fn the_pick_is_marked_and_what_has_gone_is_an_empty_box() {
        let home = Home::new();
        let folder = home.board("b", &["a fox", "a wolf"]);
        let empty = contact_sheet(&folder, &sheet(&folder)).expect("drawn");
        draw(&folder);
        let drawn = contact_sheet(&folder, &sheet(&folder)).expect("drawn");
        assert_eq!((pencil(&empty), pencil(&drawn)), (0, 0));
        assert_ne!(empty, drawn);
        folder.pick(None, "1", Some("2")).expect("picked");
        let picked = contact_sheet(&folder, &sheet(&folder)).expect("drawn");
        assert_eq!(picked.dimensions(), drawn.dimensions());
        let around = 2 * 4 * (256 + 192 + 2 * 4);
        assert!(pencil(&picked) >= around, "{}", pencil(&picked));
        let board = folder.read().expect("a board").board;
        let gone = &board.frames[0].batches[0].takes[0].image;
        std::fs::remove_file(folder.path().join(gone.as_str())).expect("deleted");
        let holed = contact_sheet(&folder, &sheet(&folder)).expect("drawn");
        let boxes = holed.pixels().filter(|pixel| **pixel == EMPTY).count();
        assert!(boxes > 256 * 192 / 2, "{boxes}");
        // A file that is no picture is told by its name.
        std::fs::write(folder.path().join(gone.as_str()), "no picture").expect("written");
        match contact_sheet(&folder, &sheet(&folder)) {
            Err(BoardError::Picture { path, .. }) => assert_eq!(path, gone.as_str()),
            other => panic!("{:?}", other.map(|it| it.dimensions())),
        }
    }

    #[test]
    fn grids_hold_every_frame_and_empty_boards_too() {
        let home = Home::new();
        let empty = home.board("empty", &[]);
        assert!(contact_sheet(&empty, &sheet(&empty)).is_ok());
        assert!(grid(&empty, &sheet(&empty)).is_ok());
        let folder = home.board("b", &["a", "b", "c", "d", "e"]);
        draw(&folder);
        folder.pick(None, "4", Some("1")).expect("picked");
        let drawn = grid(&folder, &sheet(&folder)).expect("drawn");
        // Three columns of 360 pixels, two rows of 270.
        assert_eq!(drawn.width(), 3 * 360 + 2 * 24 + 2 * MARGIN);
        assert!(drawn.height() > 2 * 270 && drawn.height() < 2 * 370 + 200);
    }
}
