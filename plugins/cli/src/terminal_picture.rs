//! A picture in the terminal: kitty's graphics protocol, sixel, or half blocks.

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use terminal_size::{Height, Width};

use crate::arguments::Show;

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
}

/// The size of the terminal that this process writes to.
pub fn size() -> Size {
    let (Width(columns), Height(rows)) =
        terminal_size::terminal_size().unwrap_or((Width(80), Height(24)));
    Size {
        columns: columns.into(),
        rows: rows.into(),
    }
}

/// The bytes that draw `picture`, as large as fits above a prompt's line.
pub fn draw(picture: &RgbImage, how: Show, size: Size) -> Vec<u8> {
    let how = match how {
        Show::Auto => best(|name| std::env::var(name).unwrap_or_default()),
        chosen => chosen,
    };
    match how {
        Show::Kitty => kitty(picture, columns(picture, size)),
        Show::Sixel => sixel(&fitted(picture, columns(picture, size) * CELL_WIDTH)),
        Show::Auto | Show::Blocks => {
            half_blocks(&fitted(picture, columns(picture, size))).into_bytes()
        }
    }
}

/// A character's width in pixels, where the terminal does not say. Half as wide
/// as high, as in nearly all fonts.
const CELL_WIDTH: u32 = 9;

/// What the terminal is known to take, by the variables that terminals set.
fn best(variable: impl Fn(&str) -> String) -> Show {
    let terminal = variable("TERM");
    let program = variable("TERM_PROGRAM");
    // Multiplexers swallow graphics unless they are set up for them.
    if !variable("TMUX").is_empty() || terminal.starts_with("screen") {
        return Show::Blocks;
    }
    let kitty = !variable("KITTY_WINDOW_ID").is_empty()
        || !variable("KONSOLE_VERSION").is_empty()
        || terminal.contains("kitty")
        || terminal.contains("ghostty")
        || ["ghostty", "WezTerm"].contains(&program.as_str());
    if kitty {
        return Show::Kitty;
    }
    let sixel = ["foot", "mlterm", "sixel", "contour", "yaft"]
        .iter()
        .any(|name| terminal.contains(name))
        || ["iTerm.app", "mintty", "rio"].contains(&program.as_str());
    if sixel { Show::Sixel } else { Show::Blocks }
}

/// How many columns the picture takes so that it fits both ways. A character is
/// twice as high as it is wide.
pub fn columns(picture: &RgbImage, size: Size) -> u32 {
    let rows = u64::from(size.rows.saturating_sub(2).max(1));
    let (width, height) = (u64::from(picture.width()), u64::from(picture.height()));
    let by_height = rows * 2 * width / height.max(1);
    let columns = by_height.min(size.columns.into()).max(1);
    u32::try_from(columns).unwrap_or(u32::MAX)
}

fn fitted(picture: &RgbImage, width: u32) -> RgbImage {
    let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width().max(1));
    let height = u32::try_from(height.max(1)).unwrap_or(u32::MAX);
    imageops::resize(picture, width, height, FilterType::Triangle)
}

/// Two pixels a character: the upper half block in the upper pixel's colour on
/// the lower pixel's.
fn half_blocks(picture: &RgbImage) -> String {
    let mut text = String::new();
    for row in (0..picture.height()).step_by(2) {
        for column in 0..picture.width() {
            let [red, green, blue] = picture.get_pixel(column, row).0;
            let _ = write!(text, "\x1b[38;2;{red};{green};{blue}m");
            match picture.get_pixel_checked(column, row + 1) {
                Some(below) => {
                    let [red, green, blue] = below.0;
                    let _ = write!(text, "\x1b[48;2;{red};{green};{blue}m▀");
                }
                None => text.push_str("\x1b[49m▀"),
            }
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

/// The picture as PNG, in the pieces that the protocol asks for.
/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
fn kitty(picture: &RgbImage, columns: u32) -> Vec<u8> {
    const PIECE: usize = 4096;
    let mut png = Cursor::new(Vec::new());
    if picture.write_to(&mut png, ImageFormat::Png).is_err() {
        return Vec::new();
    }
    let encoded = STANDARD.encode(png.into_inner());
    let pieces: Vec<&[u8]> = encoded.as_bytes().chunks(PIECE).collect();
    let mut drawn = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let more = u8::from(number + 1 < pieces.len());
        let control = if number == 0 {
            format!("a=T,f=100,q=2,c={columns},m={more}")
        } else {
            format!("m={more}")
        };
        drawn.extend_from_slice(format!("\x1b_G{control};").as_bytes());
        drawn.extend_from_slice(piece);
        drawn.extend_from_slice(b"\x1b\\");
    }
    drawn.push(b'\n');
    drawn
}

/// Levels of each colour in the sixel palette: 6³ = 216 of the 256 registers
/// that terminals have.
const LEVELS: u32 = 6;

/// Ordered dithering's thresholds (Bayer 1973), in sixteenths.
const BAYER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// The palette entry for a channel at a place.
fn level(channel: u8, x: u32, y: u32) -> u32 {
    let threshold = BAYER[(y % 4) as usize][(x % 4) as usize];
    // channel · 5 / 255 with the threshold, instead of a half, added before the
    // fraction is cut off.
    (u32::from(channel) * (LEVELS - 1) * 16 + threshold * 255 + 127) / (255 * 16)
}

/// DEC's sixel graphics: bands of six rows, one pass a colour.
fn sixel(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut text = format!("\x1bPq\"1;1;{width};{height}");
    for colour in 0..LEVELS.pow(3) {
        let percent = |level: u32| level * 100 / (LEVELS - 1);
        let (red, green, blue) = (colour / 36, colour / 6 % 6, colour % 6);
        let _ = write!(
            text,
            "#{colour};2;{};{};{}",
            percent(red),
            percent(green),
            percent(blue)
        );
    }
    for band in (0..height).step_by(6) {
        // For each colour, which of a column's six pixels have it.
        let mut columns = vec![Vec::new(); LEVELS.pow(3) as usize];
        for y in band..height.min(band + 6) {
            for x in 0..width {
                let [red, green, blue] = picture
                    .get_pixel(x, y)
                    .0
                    .map(|channel| level(channel, x, y));
                let column: &mut Vec<u8> = &mut columns[(red * 36 + green * 6 + blue) as usize];
                column.resize(width as usize, 0);
                column[x as usize] |= 1 << (y - band);
            }
        }
        for (colour, column) in columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !column.is_empty())
        {
            let _ = write!(text, "#{colour}");
            for run in column.chunk_by(|one, next| one == next) {
                let letter = char::from(63 + run[0]);
                match run.len() {
                    1..=3 => text.extend(std::iter::repeat_n(letter, run.len())),
                    count => {
                        let _ = write!(text, "!{count}{letter}");
                    }
                }
            }
            text.push('$');
        }
        text.push('-');
    }
    text.push_str("\x1b\\\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn chosen(set: &[(&str, &str)]) -> Show {
        best(|name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .unwrap_or_default()
        })
    }

    #[test]
    fn terminals_are_known_by_their_variables() {
        assert_eq!(chosen(&[("TERM", "xterm-kitty")]), Show::Kitty);
        assert_eq!(chosen(&[("TERM", "foot")]), Show::Sixel);
        assert_eq!(chosen(&[("TERM", "xterm-256color")]), Show::Blocks);
        assert_eq!(
            chosen(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")]),
            Show::Blocks
        );
    }

    #[test]
    fn pictures_fit_both_ways() {
        let picture = RgbImage::new(512, 512);
        assert_eq!(
            columns(
                &picture,
                Size {
                    columns: 80,
                    rows: 24
                }
            ),
            44
        );
        assert_eq!(
            columns(
                &picture,
                Size {
                    columns: 20,
                    rows: 24
                }
            ),
            20
        );
        assert_eq!(
            columns(
                &picture,
                Size {
                    columns: 0,
                    rows: 0
                }
            ),
            1
        );
    }

    #[test]
    fn half_blocks_carry_every_pixel() {
        let picture = RgbImage::from_fn(1, 3, |_, y| Rgb([y as u8, 10, 20]));
        assert_eq!(
            half_blocks(&picture),
            "\x1b[38;2;0;10;20m\x1b[48;2;1;10;20m▀\x1b[0m\n\x1b[38;2;2;10;20m\x1b[49m▀\x1b[0m\n"
        );
    }

    #[test]
    fn kitty_pieces_are_the_png() {
        let picture = RgbImage::from_fn(64, 64, |x, y| {
            Rgb([(x * y) as u8, (x ^ y) as u8, (x * 7 + y * 13) as u8])
        });
        let text = String::from_utf8(kitty(&picture, 10)).expect("text");
        let pieces: Vec<&str> = text.split("\x1b_G").skip(1).collect();
        assert!(pieces.len() > 1, "a picture of several pieces");
        let mut encoded = String::new();
        for (number, piece) in pieces.iter().enumerate() {
            let (control, rest) = piece.split_once(';').expect("control data");
            let last = number + 1 == pieces.len();
            assert!(
                control.ends_with(if last { "m=0" } else { "m=1" }),
                "{control}"
            );
            encoded.push_str(rest.trim_end().strip_suffix("\x1b\\").expect("an end"));
        }
        let png = STANDARD.decode(encoded).expect("base64");
        let decoded = image::load_from_memory(&png).expect("a PNG").into_rgb8();
        assert_eq!(decoded, picture);
    }

    /// Reads what [`sixel`] writes, as a terminal would.
    fn read_sixel(bytes: &[u8], width: usize, height: usize) -> Vec<Option<u32>> {
        let text = std::str::from_utf8(bytes).expect("text");
        let body = text.split_once('"').expect("attributes").1;
        let body = body.trim_end().strip_suffix("\x1b\\").expect("an end");
        let mut pixels = vec![None; width * height];
        let (mut band, mut x, mut colour, mut repeat) = (0, 0, 0, 1);
        let mut letters = body.chars().peekable();
        let number = |letters: &mut std::iter::Peekable<std::str::Chars>| {
            let mut digits = String::new();
            while let Some(digit) =
                letters.next_if(|letter| letter.is_ascii_digit() || *letter == ';')
            {
                digits.push(digit);
            }
            digits
        };
        number(&mut letters);
        while let Some(letter) = letters.next() {
            match letter {
                '#' => {
                    let digits = number(&mut letters);
                    if !digits.contains(';') {
                        colour = digits.parse().expect("a colour");
                    }
                }
                '!' => repeat = number(&mut letters).parse().expect("a count"),
                '$' => x = 0,
                '-' => (band, x) = (band + 6, 0),
                letter => {
                    let bits = letter as u32 - 63;
                    for _ in 0..std::mem::replace(&mut repeat, 1) {
                        for row in (0..6).filter(|row| bits >> row & 1 == 1) {
                            pixels[(band + row) * width + x] = Some(colour);
                        }
                        x += 1;
                    }
                }
            }
        }
        pixels
    }

    #[test]
    fn a_sixel_picture_has_every_pixel_in_its_colour() {
        // Colours of the palette itself are not dithered.
        let picture = RgbImage::from_fn(9, 8, |x, y| {
            Rgb([(x % 6 * 51) as u8, (y % 6 * 51) as u8, 255])
        });
        let read = read_sixel(&sixel(&picture), 9, 8);
        let expected: Vec<_> = picture
            .enumerate_pixels()
            .map(|(x, y, _)| Some(x % 6 * 36 + y % 6 * 6 + 5))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn dithering_keeps_the_average() {
        let levels: u32 = (0..16).map(|place| level(128, place % 4, place / 4)).sum();
        let average = f64::from(levels) / 16.0 / f64::from(LEVELS - 1) * 255.0;
        assert!((average - 128.0).abs() < 4.0, "{average}");
    }
}
