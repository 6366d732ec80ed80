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
use crate::terminal_picture;
use crate::{cast, connect, contact_sheet, models, print_json, print_lines, progress, prompt};

/// The files that a command promises.
struct Files {
    frames: Vec<FrameFile>,
    contact_sheet: Option<FrameFile>,
}

impl Files {
    fn promise(output: &Path, candidates: u32) -> Result<Self, Failure> {
        if candidates == 1 {
            return Ok(Self {
                frames: vec![FrameFile::promise(output)?],
                contact_sheet: None,
            });
        }
        Ok(Self {
            frames: (0..candidates)
                .map(|number| FrameFile::promise(&with_suffix(output, number)))
                .collect::<Result<_, _>>()?,
            contact_sheet: Some(FrameFile::promise(&with_suffix(output, "contact-sheet"))?),
        })
    }
}

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
    let files = Files::promise(&output, candidates)?;
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
    files: Files,
    show: Option<Show>,
    json: bool,
) -> Result<ExitCode, Failure> {
    if made.frames.len() != files.frames.len() {
        return Err(Failure::new(
            "the daemon made another number of frames than was asked for",
        ));
    }
    for notice in &made.notices {
        eprintln!("note: {notice}");
    }
    let loras = made.loras.unwrap_or_default();
    let mut written = Vec::new();
    let mut pixels = Vec::new();
    let seeds: Vec<u64> = made.frames.iter().map(|frame| frame.seed).collect();
    for (frame, file) in made.frames.into_iter().zip(files.frames) {
        if files.contact_sheet.is_some() || show.is_some() {
            pixels.push(decode(&frame.picture.data, file.path())?);
        }
        written.push(file.write(&frame.picture.data)?);
    }
    let mut sheet_path = None;
    let mut shown = pixels.first().cloned();
    if let Some(file) = files.contact_sheet {
        let sheet = contact_sheet::lay_out(&pixels);
        let png = contact_sheet::png(&sheet).map_err(|error| {
            Failure::new(format!("the contact sheet could not be made: {error}"))
        })?;
        sheet_path = Some(file.write(&png)?);
        shown = Some(sheet);
    }
    if let (Some(how), Some(picture)) = (show, &shown) {
        draw(picture, how);
    }
    if json {
        let frames: Vec<_> = written
            .iter()
            .zip(&seeds)
            .map(|(path, seed)| json!({"path": path, "seed": seed}))
            .collect();
        print_json(&json!({
            "job": made.job,
            "frames": frames,
            "contact_sheet": sheet_path,
            "notices": made.notices,
            "loras": loras,
            "seconds": made.seconds,
        }));
    } else {
        for (path, seed) in written.iter().zip(&seeds) {
            print_lines(&format!("{}  seed {seed}", path.display()));
        }
        if let Some(path) = &sheet_path {
            print_lines(&path.display().to_string());
        }
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
