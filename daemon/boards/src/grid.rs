//! The scene on one picture: a frame a shot.

use image::RgbImage;

use crate::contact_sheet::or_untitled;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::paper::{
    BODY, CAPTION, EMPTY, GAP, HEADING, INK, MARGIN, Paper, SOFT_INK, TITLE, fitted, lettering,
    line_height,
};
use crate::sheet::{Sheet, SheetFrame, pixels, seconds_words};

/// The most frames of one grid: a sheet of more would not be looked at.
const MOST_FRAMES: usize = 200;
/// The box of a frame, pixels.
const BOX: u32 = 360;
/// Lines of a prompt under its frame.
const PROMPT_LINES: usize = 3;

/// The columns for so many frames: a shape that reads as a page.
fn columns(frames: usize) -> u32 {
    match frames {
        0..=1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        _ => 4,
    }
}

/// Draws the grid.
///
/// # Errors
/// [`BoardError::Picture`], or of the disk.
pub fn grid(folder: &BoardFolder, sheet: &Sheet) -> Result<RgbImage, BoardError> {
    let frames = sheet.frames.get(..MOST_FRAMES).unwrap_or(&sheet.frames);
    let letters = lettering()?;
    let columns = columns(frames.len());
    let first = frames.iter().find_map(|frame| frame.shown.as_ref());
    let box_size = match first {
        Some(image) => fitted(pixels(folder, image)?.dimensions(), (BOX, BOX)),
        None => (BOX, BOX * 3 / 4),
    };
    let gap = GAP * 3 / 2;
    let inner = columns * (box_size.0 + gap) - gap;
    let prompts: Vec<Vec<String>> = frames
        .iter()
        .map(|frame| letters.lines(BODY, &frame.prompt, box_size.0 as f32, PROMPT_LINES))
        .collect();
    let title = letters.lines(TITLE, or_untitled(&sheet.scene), inner as f32, 3);
    let head = title.len() as u32 * line_height(TITLE) + line_height(BODY) + gap;
    let caption =
        |prompt: &[String]| 8 + line_height(HEADING) + prompt.len() as u32 * line_height(BODY);
    let rows: Vec<u32> = prompts
        .chunks(columns as usize)
        .map(|row| row.iter().map(|prompt| caption(prompt)).max().unwrap_or(0))
        .map(|text| box_size.1 + text + gap)
        .collect();
    let left_out = sheet.frames.len() - frames.len();
    let foot = if left_out > 0 {
        line_height(BODY) + gap
    } else {
        0
    };
    let height = head + rows.iter().sum::<u32>() + foot + 2 * MARGIN - gap;
    let mut paper = Paper::new(letters, inner + 2 * MARGIN, height);

    let mut y = MARGIN;
    for line in &title {
        paper.write(TITLE, INK, (MARGIN, y), line);
        y += line_height(TITLE);
    }
    paper.write(BODY, SOFT_INK, (MARGIN, y), &sheet.figures);
    y += line_height(BODY) + gap;
    let cells: Vec<(&SheetFrame, &Vec<String>)> = frames.iter().zip(&prompts).collect();
    for (row, height) in cells.chunks(columns as usize).zip(&rows) {
        for (column, (frame, prompt)) in (0_u32..).zip(row) {
            let x = MARGIN + column * (box_size.0 + gap);
            draw_cell(&mut paper, folder, frame, prompt, (x, y), box_size)?;
        }
        y += height;
    }
    if left_out > 0 {
        let text = format!("… and {left_out} more frames");
        paper.write(BODY, SOFT_INK, (MARGIN, y), &text);
    }
    Ok(paper.pixels)
}

fn draw_cell(
    paper: &mut Paper,
    folder: &BoardFolder,
    frame: &SheetFrame,
    prompt: &[String],
    (x, y): (u32, u32),
    box_size: (u32, u32),
) -> Result<(), BoardError> {
    match &frame.shown {
        Some(image) => paper.place(&pixels(folder, image)?, (x, y), box_size),
        None => {
            paper.fill(x, y, box_size.0, box_size.1, EMPTY);
            paper.write(CAPTION, SOFT_INK, (x + 12, y + 8), "not drawn yet");
        }
    }
    let mut below = y + box_size.1 + 8;
    let after = paper.write(HEADING, INK, (x, below), &frame.place.to_string());
    let state = if frame.shown.is_some() && !frame.picked {
        format!("not picked  ·  {}", seconds_words(frame.duration))
    } else {
        seconds_words(frame.duration)
    };
    let room = (x + box_size.0).saturating_sub(after + 10);
    let shot = paper.cut(HEADING, &frame.shot, room * 3 / 5);
    paper.write(HEADING, SOFT_INK, (after + 10, below), &shot);
    paper.write_right(CAPTION, SOFT_INK, (x + box_size.0, below + 3), &state);
    below += line_height(HEADING);
    for line in prompt {
        paper.write(BODY, SOFT_INK, (x, below), line);
        below += line_height(BODY);
    }
    Ok(())
}
