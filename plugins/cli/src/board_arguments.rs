//! The command line of `framewright board`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::{Division, Show};

/// `framewright board …`
#[derive(Debug, Subcommand)]
pub enum BoardCommand {
    /// Make a board: a folder with a board.toml
    New(BoardNew),
    /// Add a frame
    Add(BoardAdd),
    /// Plan the scene: a frame for each of its prompts
    Plan(BoardPlan),
    /// Take the frames from what a chat answered to `plan --template`
    Import {
        /// The board's folder
        board: PathBuf,
        /// The answer's file; - for standard input
        answer: PathBuf,
        /// In place of the frames that are there; their pictures stay in the folder
        #[arg(long)]
        replace: bool,
    },
    /// Draw what the board asks for and does not have; what is drawn is kept whatever happens
    Render {
        /// The board's folder
        board: PathBuf,
        /// Only this frame: its place, from 0, or its id
        #[arg(long)]
        frame: Option<String>,
    },
    /// End the drawing of a board that somebody else began
    Stop {
        /// The board's folder
        board: PathBuf,
    },
    /// Tell what the board holds, and lay all takes out on a contact sheet
    Show {
        /// The board's folder
        board: PathBuf,
        /// Only this frame: its place, from 0, or its id
        #[arg(long)]
        frame: Option<String>,
        /// The PNG file to write [default: contact-sheet.png in the board's folder]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Draw the sheet in the terminal
        #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
              default_missing_value = "auto", conflicts_with = "json")]
        show: Option<Show>,
    },
    /// Look the board through in the terminal: pick, redo, edit, with a key each
    Review {
        /// The board's folder
        board: PathBuf,
        /// How to draw the pictures
        #[arg(long, value_name = "HOW")]
        show: Option<Show>,
    },
    /// Pick a take of a frame: it becomes shot_N.png
    Pick {
        /// The board's folder
        board: PathBuf,
        /// The frame: its place, from 0, or its id
        frame: String,
        /// The take: its number on the contact sheet, from 1, or any picture's path in the board's
        /// folder; `none` takes the pick back
        take: String,
    },
    /// Draw a frame anew; the takes before stay
    Redo {
        /// The board's folder
        board: PathBuf,
        /// The frame: its place, from 0, or its id
        frame: String,
        /// What to draw now
        #[arg(long)]
        prompt: Option<String>,
        /// What to keep out now
        #[arg(long, value_name = "PROMPT")]
        negative: Option<String>,
        /// Seed of the new first take [default: the next that no take of the frame had]
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Change a frame; `render` then draws what is asked for now
    Edit {
        /// The board's folder
        board: PathBuf,
        /// The frame: its place, from 0, or its id
        frame: String,
        /// What to draw
        #[arg(long)]
        prompt: Option<String>,
        /// What to keep out; empty for nothing
        #[arg(long, value_name = "PROMPT")]
        negative: Option<String>,
        /// The shot's name [default: as a new prompt says]
        #[arg(long)]
        shot: Option<String>,
        /// What is said or done, for people
        #[arg(long)]
        note: Option<String>,
        /// How long it lasts
        #[arg(long, value_name = "SECONDS")]
        duration: Option<f64>,
        /// Seed of its first take
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Lay the scene out: a picture a frame, with shots and prompts
    Grid {
        /// The board's folder
        board: PathBuf,
        /// The file to write, .png or .pdf
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Draw the grid in the terminal
        #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
              default_missing_value = "auto", conflicts_with = "json")]
        show: Option<Show>,
    },
    /// Export the scene for editors and browsers
    Export(BoardExport),
}

/// `framewright board plan`
#[derive(Debug, Args)]
pub struct BoardPlan {
    /// The board's folder
    pub board: PathBuf,
    /// Who is in it, by token, with commas between [default: as the board says]
    #[arg(long, value_delimiter = ',', value_name = "TOKENS")]
    pub characters: Vec<String>,
    /// How many frames [default: as the board says, or the scene asks for]
    #[arg(long, value_name = "N")]
    pub frames: Option<u32>,
    /// The frames' shots, by number or name, with commas between [default: as the board says]
    #[arg(long, value_delimiter = ',', value_name = "SHOTS")]
    pub shots: Vec<String>,
    /// Who writes the prompts [default: embedded, the planner inside the daemon]
    #[arg(long, value_name = "NAME")]
    pub planner: Option<String>,
    /// Print the filled-in template for any chat, and change nothing
    #[arg(long)]
    pub template: bool,
    /// In place of the frames that are there; their pictures stay in the folder
    #[arg(long)]
    pub replace: bool,
}

/// What a board is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// OpenTimelineIO: a clip a frame, with its duration, shot and prompt
    Otio,
    /// CMX 3600 edit decision list, non-drop time code
    Edl,
    /// A page that opens from the disk
    Html,
    /// Numbered pictures in a new folder
    Sequence,
}

impl From<Format> for framewright_protocol::ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Otio => Self::Otio,
            Format::Edl => Self::Edl,
            Format::Html => Self::Html,
            Format::Sequence => Self::Sequence,
        }
    }
}

/// How many files a sequence has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Every {
    /// One each frame of the moving picture, a still for as long as it lasts
    Frame,
    /// One each shot
    Shot,
}

/// `framewright board new`
#[derive(Debug, Args)]
pub struct BoardNew {
    /// The folder to make
    pub board: PathBuf,
    /// What happens
    pub scene: String,
    /// Who is in it, by token, with commas between
    #[arg(long, value_delimiter = ',', value_name = "TOKENS")]
    pub characters: Vec<String>,
    /// How many frames `plan` is to make [default: as the scene asks for]
    #[arg(long, value_name = "N")]
    pub frames: Option<u32>,
    /// The frames' shots, by number or name, with commas between [default: as the scene asks for]
    #[arg(long, value_delimiter = ',', value_name = "SHOTS")]
    pub shots: Vec<String>,
    /// A model's name, or a checkpoint's path [default: sketch, the embedded model]
    #[arg(short, long)]
    pub model: Option<String>,
    /// Width and height in pixels, as 512x384 [default: the model's]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<(u32, u32)>,
    /// Draw each frame small first, then enlarge it SCALE times and draw it over [without a
    /// SCALE: 2]
    #[arg(long, value_name = "SCALE", num_args = 0..=1, require_equals = true,
          default_missing_value = "2")]
    pub hires: Option<f64>,
    /// Denoising steps [default: the model's]
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,
    /// Guidance scale [default: the model's]
    #[arg(long, value_name = "SCALE")]
    pub guidance: Option<f32>,
    /// Sampler [default: the model's]
    #[arg(long)]
    pub sampler: Option<String>,
    /// What to keep out
    #[arg(long, value_name = "PROMPT")]
    pub negative: Option<String>,
    /// `auto`: in frames whose prompt names the places of two or three characters, each gets a
    /// part of the picture
    #[arg(long, value_name = "HOW")]
    pub regions: Option<Division>,
    /// How many takes a frame is to have
    #[arg(short = 'n', long, default_value_t = 4, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub candidates: u32,
    /// Seed of the first frame [default: a new one each time]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How the seeds of a frame's takes differ: seed+k or random
    #[arg(long, default_value = "seed+k", value_name = "RULE")]
    pub variations: String,
    /// Let frames with the same setting start from the same noise
    #[arg(long)]
    pub shared_noise: bool,
    /// Frames a second of exports
    #[arg(long, default_value_t = 24.0)]
    pub fps: f64,
    /// How long a frame lasts that does not say
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub duration: f64,
}

/// `framewright board export`
#[derive(Debug, Args)]
pub struct BoardExport {
    /// The board's folder
    pub board: PathBuf,
    /// As what
    #[arg(long)]
    pub format: Format,
    /// The file to write; of a sequence a new folder
    #[arg(short, long, value_name = "PATH")]
    pub output: PathBuf,
    /// How many files a sequence has
    #[arg(long, default_value = "frame")]
    pub every: Every,
}

/// `framewright board add`
#[derive(Debug, Args)]
pub struct BoardAdd {
    /// The board's folder
    pub board: PathBuf,
    /// What is drawn
    pub prompt: String,
    /// The shot's name [default: as the prompt says]
    #[arg(long)]
    pub shot: Option<String>,
    /// What to keep out, instead of the board's
    #[arg(long, value_name = "PROMPT")]
    pub negative: Option<String>,
    /// What is said or done, for people
    #[arg(long)]
    pub note: Option<String>,
    /// How long it lasts [default: the board's]
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
}

/// Reads "512x384".
fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "a size is written as 512x384".to_owned();
    let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(wrong)?;
    let side = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
    Ok((side(width)?, side(height)?))
}
