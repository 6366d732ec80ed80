//! `framewright generate`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use framewright_protocol::{FrameGenerate, GenerateParams, GenerateResult};
use image::RgbImage;
use serde_json::json;

use crate::arguments::{Generate, Show};
use crate::failure::Failure;
use crate::frame_file::{FrameFile, free_name, read_picture, with_suffix};
use crate::frame_files::FrameFiles;
use crate::terminal_picture;
use crate::{cast, connect, models, print_json, print_lines, progress, prompt};

/// Makes frames and writes them.
///
/// # Errors
/// See [`Failure`]. What makes no sense is refused before the daemon is asked.
pub async fn run(arguments: Generate, json: bool) -> Result<ExitCode, Failure> {
    prompt::check(&arguments.prompt)?;
    if let Some(negative) = &arguments.negative {
        prompt::check_length("--negative", negative)?;
    }
    let model = arguments
        .model
        .as_deref()
        .map(models::name_or_path)
        .transpose()?;
    let image = arguments.image.as_deref().map(read_picture).transpose()?;
    let candidates = arguments.candidates;
    let output = arguments.output.unwrap_or_else(|| {
        free_name(|path| {
            let first = with_suffix(path, 0);
            path.exists() || candidates > 1 && first.exists()
        })
    });
    let files = FrameFiles::promise(&output, candidates)?;
    let params = GenerateParams {
        prompt: arguments.prompt,
        negative_prompt: arguments.negative,
        model,
        width: arguments.width,
        height: arguments.height,
        steps: arguments.steps,
        guidance_scale: arguments.guidance,
        guidance_rescale: arguments.rescale,
        sampler: arguments.sampler,
        seed: arguments.seed,
        candidates: Some(candidates),
        image,
        strength: arguments.strength,
        clip_skip: arguments.clip_skip,
        loras: some(arguments.loras),
        partial_loras: arguments.partial.then_some(true),
        regions: some(arguments.region),
        auto_regions: arguments.regions.map(|_| true),
        activate: arguments.no_activate.then_some(false),
        priority: arguments.priority.map(Into::into),
        ..GenerateParams::default()
    };
    let client = progress::unless_interrupted(connect()).await?;
    let call = client.start::<FrameGenerate>(&params).await?;
    let made = progress::wait(&client, call, json).await?;
    write(made, files, arguments.show, json)
}

/// A list that is sent only where it holds something.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
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
