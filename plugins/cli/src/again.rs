//! `framewright again`

use std::process::ExitCode;

use framewright_protocol::{AgainParams, FrameAgain};
use serde_bytes::ByteBuf;
use serde_json::json;

use crate::arguments::Again;
use crate::failure::{Exit, Failure};
use crate::frame_file::read_picture;
use crate::generate::{decode, draw, promise};
use crate::{connect, models, print_json, print_lines, progress};

/// A PNG longer than this is no frame of ours, bytes.
const LONGEST: u64 = 48 << 20;

/// Makes a frame again and compares.
///
/// # Errors
/// See [`Failure`].
pub async fn run(arguments: Again, json: bool) -> Result<ExitCode, Failure> {
    let refused = |reason: String| {
        Failure::refused(format!("the frame cannot be read: {reason}")).about_file(&arguments.frame)
    };
    let length = std::fs::metadata(&arguments.frame)
        .map_err(|error| refused(error.to_string()))?
        .len();
    if length > LONGEST {
        return Err(refused(format!("it has {length} bytes")));
    }
    let png = std::fs::read(&arguments.frame).map_err(|error| refused(error.to_string()))?;
    if !png.starts_with(b"\x89PNG") {
        return Err(
            refused("it is no PNG file".to_owned()).hint("give the file as framewright wrote it")
        );
    }
    let image = arguments.image.as_deref().map(read_picture).transpose()?;
    let model = arguments
        .model
        .as_deref()
        .map(models::name_or_path)
        .transpose()?;
    let file = promise(arguments.output)?;
    let client = progress::unless_interrupted(connect()).await?;
    let params = AgainParams {
        png: ByteBuf::from(png),
        image,
        model,
        ..AgainParams::default()
    };
    let call = client.start::<FrameAgain>(&params).await?;
    let result = progress::wait(&client, call, json).await?;
    let png = &result.frame.picture.data;
    if let Some(how) = arguments.show {
        draw(&decode(png, &arguments.frame)?, how);
    }
    let written = file.map(|file| file.write(png)).transpose()?;
    if json {
        print_json(&json!({
            "job": result.job,
            "identical": result.identical,
            "differing_pixels": result.differing_pixels,
            "differences": result.differences,
            "path": written,
            "seconds": result.seconds,
        }));
    } else {
        if result.identical {
            print_lines("identical");
        } else {
            print_lines(&format!("differs in {} pixels", result.differing_pixels));
        }
        for difference in &result.differences {
            print_lines(&format!("  {difference}"));
        }
        if !result.identical && result.differences.is_empty() {
            print_lines("  everything that the frame records is as it was");
        }
        if let Some(path) = &written {
            print_lines(&path.display().to_string());
        }
    }
    Ok(if result.identical {
        ExitCode::SUCCESS
    } else {
        Exit::Differs.into()
    })
}
