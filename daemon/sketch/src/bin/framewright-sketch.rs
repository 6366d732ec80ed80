//! Draws frames of the sketch world: single frames with masks, training sets,
//! contact sheets.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use framewright_sketch::world::annotations::{Part, mask, part_mask, person_mask};
use framewright_sketch::world::canvas::Frame;
use framewright_sketch::world::colour::Light;
use framewright_sketch::world::framing::Shot;
use framewright_sketch::world::people::Person;
use framewright_sketch::world::scene::{Options, Record, Scene, scene_seed};
use framewright_sketch::world::settings::Setting;
use rayon::prelude::*;

/// Draw seeded storyboard frames with captions, masks and boxes.
#[derive(Parser)]
#[command(name = "framewright-sketch", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write frames as PNG, with a caption, annotations and masks each
    Render(Render),
    /// Write a training set: images, id maps, captions and annotations
    Dataset(Dataset),
    /// Write one PNG with many small frames
    Sheet(Sheet),
}

#[derive(Args)]
struct Which {
    /// Seed of the series
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only this shot type, such as close-up
    #[arg(long, value_parser = shot)]
    shot: Option<Shot>,
    /// Only this setting, such as "dusty library"
    #[arg(long, value_parser = setting)]
    setting: Option<Setting>,
    /// Only this light, such as "soft daylight"
    #[arg(long, value_parser = light)]
    light: Option<Light>,
    /// Exactly so many people: 0, 1 or 2
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=2))]
    people: Option<u8>,
    /// With or without rain, where rain is possible
    #[arg(long)]
    rain: Option<bool>,
    /// One of the people looks as this JSON file says, such as characters/kaitoyosuke.json
    #[arg(long, value_parser = character)]
    character: Option<Person>,
}

impl Which {
    fn options(&self) -> Options {
        Options {
            shot: self.shot,
            setting: self.setting,
            light: self.light,
            rain: self.rain,
            people: self.people.map(usize::from),
            character: self.character.clone(),
            ..Options::default()
        }
    }
}

#[derive(Args)]
struct Render {
    #[command(flatten)]
    which: Which,
    /// How many frames
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Side of a frame in pixels, 16 to 4096
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=4096))]
    size: u32,
    /// Folder to write to; it is made if need be
    #[arg(long)]
    out: PathBuf,
    /// Leave the masks out
    #[arg(long)]
    no_masks: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Every kind of frame
    Mixed,
    /// One person in each frame, and no detail shots
    Single,
}

#[derive(Args)]
struct Dataset {
    #[command(flatten)]
    which: Which,
    /// How many frames
    #[arg(long)]
    count: u64,
    /// Side of a frame in pixels, 16 to 1024
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    /// Training captions for each frame
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(0..=64))]
    captions: u16,
    /// Which frames
    #[arg(long, value_enum, default_value = "mixed")]
    kind: Kind,
    /// Threads to draw with; 0 means one for each core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Folder to write to; it is made if need be
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args)]
struct Sheet {
    #[command(flatten)]
    which: Which,
    /// How many frames
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=1000))]
    count: u64,
    /// Frames in a row
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    columns: u32,
    /// Side of a frame in pixels, 16 to 1024
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    /// One column for each of the eight framings
    #[arg(long)]
    by_shot: bool,
    /// PNG file to write
    #[arg(long)]
    out: PathBuf,
}

fn one_of<T: Copy>(
    what: &str,
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let plain = |s: &str| s.to_lowercase().replace(['-', '_'], " ");
    all.iter()
        .copied()
        .find(|one| plain(name(*one)) == plain(text))
        .ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
            format!(
                "there is no {what} \"{text}\"; choose one of: {}",
                names.join(", ")
            )
        })
}

fn shot(text: &str) -> Result<Shot, String> {
    one_of("shot type", text, &Shot::ALL, Shot::id)
}

fn setting(text: &str) -> Result<Setting, String> {
    one_of("setting", text, &Setting::ALL, Setting::phrase)
}

fn light(text: &str) -> Result<Light, String> {
    one_of("light", text, &Light::ALL, Light::phrase)
}

fn character(path: &str) -> Result<Person, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text)
        .map_err(|error| format!("it does not describe a person: {error}; see characters/"))
}

/// What can go wrong while frames are written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("cannot {doing} {}: {source}\n{}", .path.display(), hint(.source))]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("cannot write the picture {}: {source}\n{}", .path.display(), PNG_HINT)]
    Png {
        path: PathBuf,
        source: png::EncodingError,
    },
    #[error("cannot start {threads} threads: {source}\nask for fewer with --threads")]
    Threads {
        threads: usize,
        source: rayon::ThreadPoolBuildError,
    },
}

const PNG_HINT: &str = "check that the folder can be written to and that the disk has room";

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "choose a folder that you may write to with --out",
        io::ErrorKind::StorageFull => "free some room on the disk, or write elsewhere with --out",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file is in the way: choose another folder with --out"
        }
        io::ErrorKind::NotFound => "make the folder that it lies in first",
        _ => "check the folder given with --out and the room on its disk",
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io {
        doing,
        path,
        source,
    }
}

fn make_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(io_error("make the folder", path))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    fs::write(path, bytes).map_err(io_error("write", path))
}

fn write_png(
    path: &Path,
    (width, height): (u32, u32),
    colour: png::ColorType,
    pixels: &[u8],
) -> Result<(), WriteError> {
    let file = File::create(path).map_err(io_error("write", path))?;
    let encode = || -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    };
    encode().map_err(|source| WriteError::Png {
        path: path.to_owned(),
        source,
    })
}

fn write_mask(folder: &Path, name: &str, frame: &Frame, mask: &[u8]) -> Result<(), WriteError> {
    if mask.iter().all(|v| *v == 0) {
        return Ok(());
    }
    let path = folder.join(format!("{name}.png"));
    write_png(
        &path,
        (frame.width, frame.height),
        png::ColorType::Grayscale,
        mask,
    )
}

fn json(record: &Record) -> String {
    // A record holds strings, numbers and lists only: it always has a JSON form.
    serde_json::to_string(record).unwrap_or_default()
}

fn render(arguments: &Render) -> Result<(), WriteError> {
    make_folder(&arguments.out)?;
    let masks = arguments.out.join("masks");
    if !arguments.no_masks {
        make_folder(&masks)?;
    }
    let digits = arguments.count.saturating_sub(1).to_string().len().max(4);
    let options = arguments.which.options();
    (0..arguments.count).into_par_iter().try_for_each(|i| {
        let scene = Scene::sample(scene_seed(arguments.which.seed, i), &options);
        let frame = scene.draw(arguments.size, arguments.size);
        let record = scene.record(&frame, 6);
        let name = format!("{i:0digits$}");
        let file = |ending: &str| arguments.out.join(format!("{name}.{ending}"));
        let size = (frame.width, frame.height);
        write_png(&file("png"), size, png::ColorType::Rgb, &frame.rgb)?;
        write_file(&file("txt"), format!("{}\n", record.caption).as_bytes())?;
        write_file(&file("json"), format!("{}\n", json(&record)).as_bytes())?;
        if arguments.no_masks {
            return Ok(());
        }
        for person in 0..record.people.len() {
            let whole = format!("{name}-person-{person}");
            write_mask(&masks, &whole, &frame, &person_mask(&frame, person))?;
            for part in Part::ALL {
                let name = format!("{whole}-{}", part.name());
                write_mask(&masks, &name, &frame, &part_mask(&frame, person, part))?;
            }
        }
        for prop in &record.props {
            let name = format!("{name}-prop-{}-{}", prop.id, prop.name.replace(' ', "-"));
            write_mask(&masks, &name, &frame, &mask(&frame, |id| id == prop.id))?;
        }
        Ok(())
    })
}

/// One of the files that a training set streams to.
struct Stream {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Stream {
    fn create(folder: &Path, name: &str) -> Result<Self, WriteError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(io_error("write", &path))?;
        Ok(Self {
            path,
            file: BufWriter::with_capacity(1 << 20, file),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.file
            .write_all(bytes)
            .map_err(io_error("write", &self.path))
    }

    fn finish(mut self) -> Result<(), WriteError> {
        self.file.flush().map_err(io_error("write", &self.path))
    }
}

fn dataset(arguments: &Dataset) -> Result<(), WriteError> {
    make_folder(&arguments.out)?;
    // An unfinished set must not look like a finished one: meta.json comes last.
    let meta = arguments.out.join("meta.json");
    if meta.exists() {
        fs::remove_file(&meta).map_err(io_error("replace", &meta))?;
    }
    let mut images = Stream::create(&arguments.out, "images.u8")?;
    let mut ids = Stream::create(&arguments.out, "ids.u8")?;
    let mut scenes = Stream::create(&arguments.out, "scenes.jsonl")?;
    let options = arguments.which.options();
    let single = matches!(arguments.kind, Kind::Single);
    // Some frames at a time keep every core busy and the memory small.
    let batch = 512u64;
    let mut start = 0;
    while start < arguments.count {
        let end = (start + batch).min(arguments.count);
        let frames: Vec<(Frame, String)> = (start..end)
            .into_par_iter()
            .map(|i| {
                let seed = scene_seed(arguments.which.seed, i);
                let options = if single {
                    single_person(seed, &options)
                } else {
                    options.clone()
                };
                let scene = Scene::sample(seed, &options);
                let frame = scene.draw(arguments.size, arguments.size);
                let record = scene.record(&frame, usize::from(arguments.captions));
                (frame, json(&record) + "\n")
            })
            .collect();
        for (frame, line) in &frames {
            images.write(&frame.rgb)?;
            ids.write(&frame.ids)?;
            scenes.write(line.as_bytes())?;
        }
        start = end;
        if start % (batch * 8) == 0 || start == arguments.count {
            eprintln!("{start} of {} frames", arguments.count);
        }
    }
    images.finish()?;
    ids.finish()?;
    scenes.finish()?;
    let about = serde_json::json!({
        "version": 1,
        "seed": arguments.which.seed,
        "count": arguments.count,
        "size": arguments.size,
        "captions": arguments.captions,
        "kind": if single { "single" } else { "mixed" },
    });
    write_file(&meta, format!("{about}\n").as_bytes())
}

/// The options of a frame with one person in a figure shot.
fn single_person(seed: u64, options: &Options) -> Options {
    Options {
        people: Some(1),
        shot: options.shot.or_else(|| {
            let mut dice = framewright_sketch::world::dice::Dice::new(seed).split("figure shot");
            Some(*dice.pick(&Shot::FIGURE))
        }),
        ..options.clone()
    }
}

fn sheet(arguments: &Sheet) -> Result<(), WriteError> {
    let columns = if arguments.by_shot {
        Shot::FIGURE.len() as u32
    } else {
        arguments.columns
    };
    let rows = (arguments.count as u32).div_ceil(columns);
    let (size, gap) = (arguments.size, (arguments.size / 40).max(1));
    let (width, height) = (columns * (size + gap) + gap, rows * (size + gap) + gap);
    let frames: Vec<(Frame, String)> = (0..arguments.count)
        .into_par_iter()
        .map(|i| {
            let mut options = arguments.which.options();
            if arguments.by_shot {
                options.shot = Some(Shot::FIGURE[i as usize % Shot::FIGURE.len()]);
            }
            let scene = Scene::sample(scene_seed(arguments.which.seed, i), &options);
            let frame = scene.draw(size, size);
            let caption = scene.record(&frame, 0).caption;
            (frame, caption)
        })
        .collect();
    let mut pixels = vec![250u8; width as usize * height as usize * 3];
    let mut out = io::stdout().lock();
    for (i, (frame, caption)) in frames.iter().enumerate() {
        let (column, row) = (i as u32 % columns, i as u32 / columns);
        let left = (gap + column * (size + gap)) as usize;
        let top = (gap + row * (size + gap)) as usize;
        for (y, line) in frame.rgb.chunks_exact(size as usize * 3).enumerate() {
            let at = ((top + y) * width as usize + left) * 3;
            pixels[at..at + line.len()].copy_from_slice(line);
        }
        // A closed pipe ends the list, not the sheet.
        let _ = writeln!(out, "{:>3}  {caption}", i + 1);
    }
    write_png(
        &arguments.out,
        (width, height),
        png::ColorType::Rgb,
        &pixels,
    )
}

fn with_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, WriteError> + Send,
) -> Result<T, WriteError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| WriteError::Threads { threads, source })?;
    pool.install(work)
}

fn fail(error: &impl Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Render(arguments) => render(&arguments),
        Command::Dataset(arguments) => with_threads(arguments.threads, || dataset(&arguments)),
        Command::Sheet(arguments) => sheet(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}
