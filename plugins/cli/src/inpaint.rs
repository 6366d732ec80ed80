//! `framewright inpaint`

use std::process::ExitCode;

use framewright_client::Client;
use framewright_protocol::{
    Extension, FrameInpaint, InpaintParams, InpaintResult, MaskCandidate, MaskSegment,
    MaskSegmentParams, Picture, PixelBox, PromptRecast, RecastParams,
};
use serde_json::json;

use crate::arguments::{Inpaint, Show};
use crate::failure::Failure;
use crate::frame_file::{read_canvas, read_picture, with_suffix};
use crate::frame_files::FrameFiles;
use crate::segment::{PointArgument, point};
use crate::{cast, connect, print_json, print_lines, progress, prompt};

/// Draws a region of a picture anew and writes what came of it.
///
/// # Errors
/// See [`Failure`]. What makes no sense is refused before the daemon is asked.
pub async fn run(arguments: Inpaint, json: bool) -> Result<ExitCode, Failure> {
    if let Some(prompt) = &arguments.prompt {
        prompt::check(prompt)?;
    }
    let candidates = arguments.drawing.candidates;
    let show = arguments.drawing.show;
    let mut frame = arguments.drawing.params(String::new())?;
    let output = arguments
        .output
        .unwrap_or_else(|| with_suffix(&arguments.image.with_extension("png"), "inpainted"));
    let files = FrameFiles::promise(&output, candidates)?;
    let image = read_canvas(&arguments.image)?;
    let mask = arguments.mask.as_deref().map(read_picture).transpose()?;
    let client = progress::unless_interrupted(connect()).await?;
    let (mask, clicked) = match arguments.points.as_slice() {
        [] => (mask, None),
        points => {
            let picture = read_picture(&arguments.image)?;
            let meant = clicked(&client, picture, points, arguments.segmenter);
            let mut masks = progress::unless_interrupted(meant).await?;
            let choice = usize::from(arguments.choice.unwrap_or(1)) - 1;
            if choice >= masks.len() {
                let count = masks.len();
                return Err(Failure::refused(format!(
                    "the segmenter gave {count} masks, and there is no mask {}",
                    choice + 1
                ))
                .hint("choose another with --choice"));
            }
            let mask = masks.swap_remove(choice);
            (Some(mask.mask), mask.bounds)
        }
    };
    frame.prompt = match &arguments.character {
        None => arguments.prompt.unwrap_or_default(),
        Some(character) => {
            let at = match arguments.selected.or(clicked) {
                Some(bounds) => Some(middle(bounds, image.width)),
                None => mask.as_ref().and_then(middle_of_mask),
            };
            let place = at.filter(|_| arguments.extend.is_none());
            let recast = recast(&client, arguments.prompt, &image, character, place);
            progress::unless_interrupted(recast).await?
        }
    };
    let params = InpaintParams {
        frame,
        image,
        mask,
        region: arguments.selected,
        part: None,
        extend: arguments.extend,
        strength: arguments.strength,
        fill: arguments.fill.map(Into::into),
        grow: arguments.grow,
        feather: arguments.feather,
        match_colours: arguments.keep_colours.then_some(false),
        layer: arguments.layer.then_some(true),
    };
    let call = client.start::<FrameInpaint>(&params).await?;
    let made = progress::wait(&client, call, json).await?;
    write(made, files, show, json)
}

/// What the segmenter takes places on the picture to mean, the best mask first.
async fn clicked(
    client: &Client,
    picture: Picture,
    points: &[PointArgument],
    model: Option<String>,
) -> Result<Vec<MaskCandidate>, Failure> {
    let params = MaskSegmentParams {
        image: picture,
        points: Some(points.iter().map(point).collect()),
        boxes: None,
        mask: None,
        model,
        closer: None,
    };
    let answer = client.call::<MaskSegment>(&params).await?;
    for (number, mask) in (1..).zip(&answer.candidates) {
        eprintln!(
            "mask {number}: score {:.2}, {} pixels",
            mask.score, mask.area
        );
    }
    Ok(answer.candidates)
}

/// The prompt for a character in someone's place, which is so far across.
async fn recast(
    client: &Client,
    prompt: Option<String>,
    image: &Picture,
    character: &str,
    at: Option<f64>,
) -> Result<String, Failure> {
    let params = RecastParams {
        png: prompt.is_none().then(|| image.data.clone()),
        prompt,
        character: character.to_owned(),
        at,
    };
    let recast = client.call::<PromptRecast>(&params).await?;
    match &recast.replaced {
        Some(replaced) => eprintln!("in the place of {replaced}: {}", recast.prompt),
        None => eprintln!("prompt: {}", recast.prompt),
    }
    Ok(recast.prompt)
}

/// How far across a picture the middle of a box is, 0 to 1.
fn middle(bounds: PixelBox, width: u32) -> f64 {
    let middle = f64::from(bounds.x) + f64::from(bounds.width) / 2.0;
    (middle / f64::from(width.max(1))).clamp(0.0, 1.0)
}

/// The same of what is selected, each pixel as much as it is; none where
/// nothing is.
fn middle_of_mask(mask: &Picture) -> Option<f64> {
    // Pixels of four bytes, as files are read.
    let (mut sum, mut total) = (0.0, 0.0);
    for row in mask.data.chunks_exact(mask.width as usize * 4) {
        for (x, pixel) in (0_u32..).zip(row.chunks_exact(4)) {
            let selected = f64::from(pixel[0]);
            sum += selected * (f64::from(x) + 0.5);
            total += selected;
        }
    }
    (total > 0.0).then(|| sum / total / f64::from(mask.width))
}

fn write(
    made: InpaintResult,
    files: FrameFiles,
    show: Option<Show>,
    json: bool,
) -> Result<ExitCode, Failure> {
    for notice in &made.notices {
        eprintln!("note: {notice}");
    }
    if let Some(advice) = &made.region_small {
        let PixelBox {
            x,
            y,
            width,
            height,
        } = advice.offered;
        eprintln!(
            "note: {} (--grow {}, or --box {x},{y},{},{})",
            advice.message,
            advice.grow,
            x.saturating_add(width),
            y.saturating_add(height)
        );
    }
    let loras = made.loras.unwrap_or_default();
    let written = files.write(made.frames, show)?;
    if json {
        print_json(&json!({
            "job": made.job,
            "frames": written.json(),
            "contact_sheet": written.contact_sheet,
            "place": made.place,
            "context": made.context,
            "region_small": made.region_small,
            "notices": made.notices,
            "loras": loras,
            "seconds": made.seconds,
        }));
    } else {
        written.print();
        for lora in &loras {
            print_lines(&cast::applied(lora));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `x0,y0,x1,y1`: two opposite corners, pixels.
///
/// # Errors
/// What is wrong with it.
pub fn corners(text: &str) -> Result<PixelBox, String> {
    let [left, top, right, bottom] = four(text)?;
    let (x, y) = (left.min(right), top.min(bottom));
    let (width, height) = (left.abs_diff(right), top.abs_diff(bottom));
    if width == 0 || height == 0 {
        return Err("the box is empty: give two corners, as in 10,20,110,140".to_owned());
    }
    Ok(PixelBox {
        x,
        y,
        width,
        height,
    })
}

/// Reads `left,right,top,bottom`, pixels.
///
/// # Errors
/// What is wrong with it.
pub fn sides(text: &str) -> Result<Extension, String> {
    let [left, right, top, bottom] = four(text)?.map(Some);
    Ok(Extension {
        left,
        right,
        top,
        bottom,
    })
}

fn four(text: &str) -> Result<[u32; 4], String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    numbers
        .ok()
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "four whole numbers are needed, as in 10,20,110,140".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framewright_protocol::PictureFormat;

    #[test]
    fn a_place_is_told_by_what_is_selected() {
        let (width, height) = (8, 2);
        let mask = |selected: &dyn Fn(u32) -> bool| Picture {
            format: PictureFormat::Rgba8,
            width,
            height,
            data: (0..width * height)
                .flat_map(|at| [if selected(at % width) { 255 } else { 0 }; 4])
                .collect::<Vec<u8>>()
                .into(),
            blob: None,
        };
        assert_eq!(middle_of_mask(&mask(&|x| x >= 6)), Some(7.0 / 8.0));
        assert_eq!(middle_of_mask(&mask(&|x| x < 4)), Some(0.25));
        assert_eq!(middle_of_mask(&mask(&|_| false)), None);
        let bounds = corners("6,0,8,2").expect("a box");
        assert!((middle(bounds, width) - 7.0 / 8.0).abs() < 1e-9);
    }

    #[test]
    fn corners_come_in_any_order() {
        let wanted = PixelBox {
            x: 10,
            y: 20,
            width: 30,
            height: 5,
        };
        assert_eq!(corners("10,20,40,25"), Ok(wanted));
        assert_eq!(corners("40, 25, 10, 20"), Ok(wanted));
        for broken in ["", "1,2,3", "1,2,3,4,5", "1,2,x,4", "-1,2,3,4", "5,5,5,9"] {
            assert!(corners(broken).is_err(), "{broken}");
        }
        assert_eq!(sides("1,2,0,4").map(|it| it.bottom), Ok(Some(4)));
    }
}
