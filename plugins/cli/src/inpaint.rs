//! `framewright inpaint`

use std::process::ExitCode;

use framewright_protocol::{
    Extension, FrameInpaint, GenerateParams, InpaintParams, InpaintResult, PixelBox,
};
use serde_json::json;

use crate::arguments::{Inpaint, Show};
use crate::failure::Failure;
use crate::frame_file::{read_canvas, read_picture, with_suffix};
use crate::frame_files::FrameFiles;
use crate::{connect, models, print_json, progress, prompt};

/// Draws a region of a picture anew and writes what came of it.
///
/// # Errors
/// See [`Failure`]. What makes no sense is refused before the daemon is asked.
pub async fn run(arguments: Inpaint, json: bool) -> Result<ExitCode, Failure> {
    prompt::check(&arguments.prompt)?;
    if let Some(negative) = &arguments.negative {
        prompt::check_length("--negative", negative)?;
    }
    let model = arguments
        .model
        .as_deref()
        .map(models::name_or_path)
        .transpose()?;
    let candidates = arguments.candidates;
    let output = arguments
        .output
        .unwrap_or_else(|| with_suffix(&arguments.image.with_extension("png"), "inpainted"));
    let files = FrameFiles::promise(&output, candidates)?;
    let params = InpaintParams {
        frame: GenerateParams {
            prompt: arguments.prompt,
            negative_prompt: arguments.negative,
            model,
            steps: arguments.steps,
            guidance_scale: arguments.guidance,
            sampler: arguments.sampler,
            seed: arguments.seed,
            candidates: Some(candidates),
            loras: (!arguments.loras.is_empty()).then_some(arguments.loras),
            partial_loras: arguments.partial.then_some(true),
            activate: arguments.no_activate.then_some(false),
            priority: arguments.priority.map(Into::into),
            ..GenerateParams::default()
        },
        image: read_canvas(&arguments.image)?,
        mask: arguments.mask.as_deref().map(read_picture).transpose()?,
        region: arguments.region,
        part: None,
        extend: arguments.extend,
        strength: arguments.strength,
        fill: arguments.fill.map(Into::into),
        grow: arguments.grow,
        feather: arguments.feather,
        match_colours: arguments.keep_colours.then_some(false),
        layer: arguments.layer.then_some(true),
    };
    let client = progress::unless_interrupted(connect()).await?;
    let call = client.start::<FrameInpaint>(&params).await?;
    let made = progress::wait(&client, call, json).await?;
    write(made, files, arguments.show, json)
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
            "seconds": made.seconds,
        }));
    } else {
        written.print();
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
