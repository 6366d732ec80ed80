//! `framewright generate`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use framewright_protocol::{FrameGenerate, GenerateParams, GenerateResult, HiresParams};
use image::RgbImage;
use serde_json::json;

use crate::arguments::{Generate, Show};
use crate::failure::Failure;
use crate::frame_file::{FrameFile, free_name, read_picture, with_suffix};
use crate::frame_files::FrameFiles;
use crate::terminal_picture;
use crate::{cast, connect, print_json, print_lines, progress, prompt};

/// Makes frames and writes them.
///
/// # Errors
/// See [`Failure`]. What makes no sense is refused before the daemon is asked.
pub async fn run(arguments: Generate, json: bool) -> Result<ExitCode, Failure> {
    prompt::check(&arguments.prompt)?;
    let image = arguments.image.as_deref().map(read_picture).transpose()?;
    let candidates = arguments.drawing.candidates;
    let show = arguments.drawing.show;
    let output = arguments.output.unwrap_or_else(|| {
        free_name(|path| {
            let first = with_suffix(path, 0);
            path.exists() || candidates > 1 && first.exists()
        })
    });
    let files = FrameFiles::promise(&output, candidates)?;
    let params = GenerateParams {
        width: arguments.width,
        height: arguments.height,
        image,
        strength: arguments.strength,
        hires: arguments.hires.map(|scale| HiresParams {
            scale,
            strength: arguments.hires_strength,
            loras: None,
        }),
        ..arguments.drawing.params(arguments.prompt)?
    };
    let client = progress::unless_interrupted(connect()).await?;
    let call = client.start::<FrameGenerate>(&params).await?;
    let made = progress::wait(&client, call, json).await?;
    write(made, files, show, json)
}

fn write(
    made: GenerateResult,
    files: FrameFiles,
    show: Option<Show>,
    json: bool,
) -> Result<ExitCode, Failure> {
    for notice in &made.notices {
        eprintln!("note: {notice}");
    }
    let loras = made.loras.unwrap_or_default();
    let written = files.write(made.frames, show)?;
    if json {
        print_json(&json!({
            "job": made.job,
            "frames": written.json(),
            "contact_sheet": written.contact_sheet,
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

/// The pixels of a frame that the daemon sent.
///
/// # Errors
/// When it is no picture.
pub fn decode(png: &[u8], path: &Path) -> Result<RgbImage, Failure> {
    let decoded = image::load_from_memory_with_format(png, image::ImageFormat::Png);
    decoded
        .map(image::DynamicImage::into_rgb8)
        .map_err(|error| {
            Failure::new(format!("the frame that was made cannot be read: {error}"))
                .about_file(path)
        })
}

/// Draws in the terminal; says so when there is none.
pub fn draw(picture: &RgbImage, how: Show) {
    if !std::io::stdout().is_terminal() {
        eprintln!("note: --show draws in a terminal only");
        return;
    }
    let drawn = terminal_picture::draw(picture, how, terminal_picture::size());
    // A terminal that went away is no failure: the frame is written.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), &drawn);
}

/// The promise of a file, where one is wanted.
///
/// # Errors
/// When nothing could be written there.
pub fn promise(path: Option<PathBuf>) -> Result<Option<FrameFile>, Failure> {
    path.map(|path| FrameFile::promise(&path)).transpose()
}
