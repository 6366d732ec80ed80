//! `framewright segment`: masks of what a click or a box means, to choose from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use framewright_protocol::{MaskPoint, MaskRect, MaskSegment, MaskSegmentParams};
use image::{Rgb, RgbImage};
use serde_json::json;

use crate::arguments::Segment;
use crate::failure::Failure;
use crate::frame_file::{FrameFile, read_picture};
use crate::{connect, contact_sheet, print_json, print_lines, progress};

/// What a mask looks like over the picture, and how much of it is seen.
const TINT: Rgb<u8> = Rgb([255, 64, 32]);
const TINT_PART: u32 = 55;
/// How much of the rest is seen.
const REST_PART: u32 = 45;

/// `X,Y`, `X,Y:+` or `X,Y:-`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointArgument {
    x: f32,
    y: f32,
    positive: bool,
}

impl FromStr for PointArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, positive) = match text.rsplit_once(':') {
            None => (text, true),
            Some((place, "+")) => (place, true),
            Some((place, "-")) => (place, false),
            Some((_, sign)) => {
                return Err(format!("{sign:?} after the place is neither + nor -"));
            }
        };
        let [x, y] = numbers(place)?;
        Ok(Self { x, y, positive })
    }
}

/// `LEFT,TOP,RIGHT,BOTTOM`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxArgument([f32; 4]);

impl FromStr for BoxArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edges @ [left, top, right, bottom] = numbers(text)?;
        if right <= left || bottom <= top {
            return Err("the right and bottom edges come after the left and top ones".to_owned());
        }
        Ok(Self(edges))
    }
}

/// So many numbers with commas between them.
fn numbers<const COUNT: usize>(text: &str) -> Result<[f32; COUNT], String> {
    let parts = text.split(',').map(|part| {
        let number = part.trim().parse::<f32>().ok();
        let finite = number.filter(|number| number.is_finite());
        finite.ok_or_else(|| format!("{part:?} is no number"))
    });
    let parts = parts.collect::<Result<Vec<f32>, String>>()?;
    let found = parts.len();
    parts
        .try_into()
        .map_err(|_| format!("{found} numbers, expected {COUNT} with commas between them"))
}

/// Asks for masks and writes them.
///
/// # Errors
/// See [`Failure`].
pub async fn run(arguments: Segment, json: bool) -> Result<ExitCode, Failure> {
    if arguments.points.is_empty() && arguments.boxes.is_empty() && arguments.mask.is_none() {
        return Err(
            Failure::refused("it is not said what is meant").hint("give --point, --box or --mask")
        );
    }
    let picture = read_picture(&arguments.image)?;
    let pixels = RgbImage::from_fn(picture.width, picture.height, |x, y| {
        let at = (y as usize * picture.width as usize + x as usize) * 4;
        Rgb([0, 1, 2].map(|channel| picture.data[at + channel]))
    });
    let mask = arguments.mask.as_deref().map(read_picture).transpose()?;
    let params = MaskSegmentParams {
        image: picture,
        points: Some(arguments.points.iter().map(point).collect()),
        boxes: Some(arguments.boxes.iter().map(rect).collect()),
        mask,
        model: arguments.model,
        closer: arguments.closer,
    };
    let folder = &arguments.output;
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::refused(format!("the directory cannot be made: {error}")).about_file(folder)
    })?;
    let stem = arguments.image.file_stem().unwrap_or_default();
    let file = |suffix: &str| -> Result<FrameFile, Failure> {
        let name = format!("{}_{suffix}.png", stem.to_string_lossy());
        FrameFile::promise(&folder.join(name))
    };
    let choices = file("choices")?;

    let client = progress::unless_interrupted(connect()).await?;
    let answer = progress::unless_interrupted(async {
        Ok::<_, Failure>(client.call::<MaskSegment>(&params).await?)
    });
    let answer = answer.await?;
    let mut written: Vec<PathBuf> = Vec::new();
    let mut overlays = Vec::new();
    for (number, candidate) in (1..).zip(&answer.candidates) {
        let file = file(&format!("mask-{number}"))?;
        overlays.push(overlay(&pixels, &candidate.mask.data, file.path())?);
        written.push(file.write(&candidate.mask.data)?);
    }
    let sheet = contact_sheet::png(&contact_sheet::lay_out(&overlays));
    let sheet = sheet
        .map_err(|error| Failure::new(format!("the choices could not be laid out: {error}")))?;
    let choices = choices.write(&sheet)?;

    if json {
        let candidates = written.iter().zip(&answer.candidates);
        let candidates: Vec<_> = candidates
            .map(|(path, candidate)| {
                let bounds = candidate.bounds.as_ref();
                json!({
                    "path": path,
                    "score": candidate.score,
                    "stability": candidate.stability,
                    "bounds": bounds.map(|it| [it.x, it.y, it.width, it.height]),
                    "area": candidate.area,
                })
            })
            .collect();
        print_json(&json!({
            "candidates": candidates,
            "choices": choices,
            "model": answer.model,
            "cached": answer.cached,
            "seconds": answer.seconds,
        }));
    } else {
        for (path, candidate) in written.iter().zip(&answer.candidates) {
            print_lines(&format!(
                "{}  score {:.2}  stability {:.2}  {} pixels",
                path.display(),
                candidate.score,
                candidate.stability,
                candidate.area
            ));
        }
        print_lines(&choices.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// A point as the daemon takes it.
pub fn point(point: &PointArgument) -> MaskPoint {
    MaskPoint {
        x: point.x,
        y: point.y,
        positive: Some(point.positive),
    }
}

fn rect(rect: &BoxArgument) -> MaskRect {
    let [left, top, right, bottom] = rect.0;
    MaskRect {
        left,
        top,
        right,
        bottom,
    }
}

/// The picture with a mask seen on it.
fn overlay(picture: &RgbImage, png: &[u8], path: &Path) -> Result<RgbImage, Failure> {
    let mask = image::load_from_memory_with_format(png, image::ImageFormat::Png);
    let mask = mask
        .map_err(|error| {
            Failure::new(format!("the mask that came cannot be read: {error}")).about_file(path)
        })?
        .into_luma8();
    if mask.dimensions() != picture.dimensions() {
        return Err(Failure::new("a mask came that is not of the picture's size").about_file(path));
    }
    let mut seen = picture.clone();
    for (pixel, mask) in seen.pixels_mut().zip(mask.pixels()) {
        let (other, part) = if mask.0[0] >= 128 {
            (TINT, TINT_PART)
        } else {
            (Rgb([0; 3]), 100 - REST_PART)
        };
        for (channel, other) in pixel.0.iter_mut().zip(other.0) {
            let mixed = (u32::from(*channel) * (100 - part) + u32::from(other) * part) / 100;
            // A mean of bytes.
            *channel = mixed as u8;
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_boxes_are_read() {
        let point = |text: &str| text.parse::<PointArgument>();
        let read = |x, y, positive| Ok(PointArgument { x, y, positive });
        assert_eq!(point("12,30.5"), read(12.0, 30.5, true));
        assert_eq!(point("12,30:-"), read(12.0, 30.0, false));
        assert_eq!(point("0,0:+"), read(0.0, 0.0, true));
        for wrong in ["", "1", "1,2,3", "1,x", "1,2:", "1,2:~", "nan,1", "inf,1"] {
            assert!(point(wrong).is_err(), "{wrong}");
        }
        let rect = |text: &str| text.parse::<BoxArgument>();
        assert_eq!(rect("1,2,30,40"), Ok(BoxArgument([1.0, 2.0, 30.0, 40.0])));
        for wrong in ["1,2,3", "5,2,3,4", "1,2,1,9", "1,2,3,4,5"] {
            assert!(rect(wrong).is_err(), "{wrong}");
        }
    }
}
