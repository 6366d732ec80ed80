//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use framewright_protocol::{GenerateParams, LoraParams, RegionParams};

use crate::board_arguments::BoardCommand;
use crate::failure::Failure;
use crate::segment::{BoxArgument, PointArgument};

/// What every `--help` ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the daemon or the engine failed, or a file could not be written
  2    the command was refused before any work was done: wrong arguments, an empty or
       over-long prompt, an output path that cannot be written
  3    the daemon could not be reached or started
  4    `again`: the frame was made, and differs from the one before
  130  cancelled with Ctrl-C (the daemon goes on)";

/// What the main `--help` says beside.
const ENVIRONMENT: &str = "\
Environment:
  FRAMEWRIGHT_HOME    as --home
  FRAMEWRIGHT_DAEMON  the daemon's program, when it is neither beside this one nor on the PATH";

/// Makes storyboard frames. A background daemon does the work and is started when needed.
#[derive(Debug, Parser)]
#[command(
    name = "framewright",
    version,
    after_help = format!("{EXIT_CODES}\n\n{ENVIRONMENT}"),
    max_term_width = 100
)]
pub struct Arguments {
    /// Print the result as JSON, and no progress
    #[arg(long, global = true)]
    pub json: bool,
    /// Keep models, jobs, socket and logs under this directory [default: FRAMEWRIGHT_HOME, else the
    /// system's usual places]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a frame from a prompt
    #[command(after_help = EXIT_CODES)]
    Generate(Generate),
    /// Draw a region of a picture anew and keep every other pixel, or extend the picture
    #[command(after_help = EXIT_CODES)]
    Inpaint(Inpaint),
    /// Make a frame again from what its PNG says, and compare the pixels
    #[command(after_help = EXIT_CODES)]
    Again(Again),
    /// Storyboards: a folder each, from prompts to a contact sheet and an edit
    #[command(after_help = EXIT_CODES)]
    Board {
        /// What to do
        #[command(subcommand)]
        command: BoardCommand,
    },
    /// Find masks of what a click or a box on a picture means, to choose from
    #[command(after_help = EXIT_CODES)]
    Segment(Segment),
    /// The models that can be used
    Model {
        /// What to do
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// The LoRAs that can be used
    Lora {
        /// What to do
        #[command(subcommand)]
        command: LoraCommand,
    },
    /// The characters
    Character {
        /// What to do
        #[command(subcommand)]
        command: DocumentCommand,
    },
    /// The shot types
    Shot {
        /// What to do
        #[command(subcommand)]
        command: DocumentCommand,
    },
    /// The folders in which models and LoRAs are looked for
    Library {
        /// What to do
        #[command(subcommand)]
        command: LibraryCommand,
    },
    /// How prompts are read
    Prompt {
        /// What to do
        #[command(subcommand)]
        command: PromptCommand,
    },
    /// From a scene to prompts
    Scene {
        /// What to do
        #[command(subcommand)]
        command: SceneCommand,
    },
    /// The language models that scenes can be planned with
    Planner {
        /// What to do
        #[command(subcommand)]
        command: PlannerCommand,
    },
    /// The jobs that wait, run or have ended
    Job {
        /// What to do
        #[command(subcommand)]
        command: JobCommand,
    },
    /// The background process
    Daemon {
        /// What to do
        #[command(subcommand)]
        command: DaemonCommand,
    },
    /// Install the plugin of another application
    Install(Install),
    /// Take the plugin of another application back
    Uninstall(Install),
    /// Make any call of the protocol and print its result as JSON
    Call {
        /// The method; `framewright call describe` tells all
        method: String,
        /// Parameters; a value is read as JSON where it is JSON, as text otherwise, and
        /// `key=@FILE` sends a file's bytes
        #[arg(value_name = "KEY=VALUE")]
        params: Vec<String>,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `framewright install` and `framewright uninstall`
#[derive(Debug, Args)]
pub struct Install {
    /// The application
    pub application: ApplicationName,
    /// The application's folder for this user's own files, where it is not found
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// An application for which there is a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ApplicationName {
    /// Blender, for editing
    Blender,
    /// Krita, for painting
    Krita,
}

/// `framewright generate`
#[derive(Debug, Args)]
pub struct Generate {
    /// What to draw
    pub prompt: String,
    /// The PNG file to write; with -n its name gets a number [default: frame.png, or the first of
    /// frame-2.png, frame-3.png … that does not exist]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Width in pixels [default: the model's]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub width: Option<u32>,
    /// Height in pixels [default: the model's]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub height: Option<u32>,
    /// A picture to start from (PNG, JPEG or WebP)
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// How far to go from the picture: above 0, to 1 [default: 0.75]
    #[arg(long, requires = "image")]
    pub strength: Option<f32>,
    /// Draw the frame small first, then enlarge it SCALE times and draw it over: larger and finer
    /// than the model draws by itself [without a SCALE: 2]
    #[arg(long, value_name = "SCALE", num_args = 0..=1, require_equals = true,
          default_missing_value = "2", conflicts_with = "image")]
    pub hires: Option<f32>,
    /// How far the second pass goes from the first: above 0, to 1 [default: the model's, or 0.5]
    #[arg(long, value_name = "STRENGTH", requires = "hires")]
    pub hires_strength: Option<f32>,
    /// How it is drawn
    #[command(flatten)]
    pub drawing: Drawing,
}

/// `framewright inpaint`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).multiple(true)
    .args(["mask", "points", "selected", "extend"]))]
pub struct Inpaint {
    /// The picture (PNG, JPEG or WebP)
    pub image: PathBuf,
    /// What to draw; with --character what the whole picture shows [default: with --character, the
    /// prompt that the picture was made from]
    #[arg(required_unless_present = "character")]
    pub prompt: Option<String>,
    /// Put a character of the library in the place of who is there, to do the same
    #[arg(long, value_name = "TOKEN")]
    pub character: Option<String>,
    /// The PNG file to write; with -n its name gets a number [default: IMAGE_inpainted.png]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What to draw anew: a picture of the same size, white where it is drawn
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// What to draw anew: the thing at this place, as a segmenter sees it; with `:-` what does not
    /// belong to it. May be given several times
    #[arg(long = "point", value_name = "X,Y[:-]",
          conflicts_with_all = ["mask", "selected", "extend"])]
    pub points: Vec<PointArgument>,
    /// Which of the segmenter's masks to take, from the best on [default: 1]
    #[arg(long, value_name = "N", requires = "points",
          value_parser = clap::value_parser!(u8).range(1..=3))]
    pub choice: Option<u8>,
    /// The segmenter's name, as for segment
    #[arg(long, value_name = "NAME", requires = "points")]
    pub segmenter: Option<String>,
    /// What to draw anew: a box between two corners
    #[arg(long = "box", value_name = "X0,Y0,X1,Y1", value_parser = crate::inpaint::corners)]
    pub selected: Option<framewright_protocol::PixelBox>,
    /// Make the picture larger by so many pixels on each side, and draw what is new
    #[arg(long, value_name = "LEFT,RIGHT,TOP,BOTTOM", value_parser = crate::inpaint::sides)]
    pub extend: Option<framewright_protocol::Extension>,
    /// How far to go from the start: above 0, to 1 [default: 1]
    #[arg(long)]
    pub strength: Option<f32>,
    /// What the region starts from where the strength is below 1 [default: blur]
    #[arg(long, value_name = "WITH")]
    pub fill: Option<FillWith>,
    /// Grow the selection by so many pixels before it is drawn [default: by its size]
    #[arg(long, value_name = "PIXELS")]
    pub grow: Option<f64>,
    /// Soften the grown selection's edge over so many pixels [default: by its size]
    #[arg(long, value_name = "PIXELS")]
    pub feather: Option<f64>,
    /// Leave the drawing's colours as they are, rather than match them to the surroundings
    #[arg(long)]
    pub keep_colours: bool,
    /// Write the drawing alone, transparent where the picture stays
    #[arg(long)]
    pub layer: bool,
    /// How it is drawn
    #[command(flatten)]
    pub drawing: Drawing,
}

/// How frames are drawn, wherever they go.
#[derive(Debug, Args)]
pub struct Drawing {
    /// How many candidates: FILE_0.png, FILE_1.png …, and all in FILE_contact-sheet.png
    #[arg(short = 'n', long = "candidates", value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub candidates: u32,
    /// A model's name, or a checkpoint's path [default: sketch, the embedded model]
    #[arg(short, long)]
    pub model: Option<String>,
    /// What to keep out
    #[arg(long, value_name = "PROMPT")]
    pub negative: Option<String>,
    /// Denoising steps [default: the model's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub steps: Option<u32>,
    /// Guidance scale; 1 means none [default: the model's]
    #[arg(long, value_name = "SCALE")]
    pub guidance: Option<f32>,
    /// Guidance rescale, from 0 (none) to 1
    #[arg(long, value_name = "AMOUNT")]
    pub rescale: Option<f32>,
    /// Sampler: ddim, euler, euler-ancestral, dpmpp-2m, dpmpp-2m-karras, unipc or lcm [default: the
    /// model's]
    #[arg(long)]
    pub sampler: Option<String>,
    /// Seed; candidate k has the seed + k [default: a new one each time]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many of the text encoder's last layers to leave out [default: the model's]
    #[arg(long, value_name = "LAYERS")]
    pub clip_skip: Option<u32>,
    /// A LoRA of the library, and how much of it [default: what its manifest says, or 1]; may be
    /// given again
    #[arg(long = "lora", value_name = "NAME[:WEIGHT]", value_parser = crate::cast::lora)]
    pub loras: Vec<LoraParams>,
    /// Use of LoRAs that fit the model in part what fits
    #[arg(long)]
    pub partial: bool,
    /// Leave the LoRAs and negative prompts alone that the library has for the shot and the
    /// characters of the prompt
    #[arg(long)]
    pub no_activate: bool,
    /// A part of the picture with a prompt of its own, from left, top, right, bottom (0 to 1); may
    /// be given again
    #[arg(long = "region", value_name = "X0,Y0,X1,Y1:PROMPT", value_parser = crate::cast::region,
          allow_hyphen_values = true)]
    pub region: Vec<RegionParams>,
    /// `auto`: two or three characters whose places the prompt names get a part of the picture each
    #[arg(long, value_name = "HOW", conflicts_with = "region")]
    pub regions: Option<Division>,
    /// How urgent it is: a more urgent job suspends a less urgent one [default: interactive]
    #[arg(long, value_name = "CLASS")]
    pub priority: Option<Urgency>,
    /// Draw the frame in the terminal
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "auto", conflicts_with = "json")]
    pub show: Option<Show>,
}

impl Drawing {
    /// The request that these ask for, for a prompt.
    ///
    /// # Errors
    /// When the negative prompt is too long, or the model is a path that does not exist.
    pub fn params(self, prompt: String) -> Result<GenerateParams, Failure> {
        fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
            (!list.is_empty()).then_some(list)
        }
        if let Some(negative) = &self.negative {
            crate::prompt::check_length("--negative", negative)?;
        }
        let model = self.model.as_deref().map(crate::models::name_or_path);
        Ok(GenerateParams {
            prompt,
            negative_prompt: self.negative,
            model: model.transpose()?,
            steps: self.steps,
            guidance_scale: self.guidance,
            guidance_rescale: self.rescale,
            sampler: self.sampler,
            seed: self.seed,
            candidates: Some(self.candidates),
            clip_skip: self.clip_skip,
            loras: some(self.loras),
            partial_loras: self.partial.then_some(true),
            regions: some(self.region),
            auto_regions: self.regions.map(|_| true),
            activate: self.no_activate.then_some(false),
            priority: self.priority.map(Into::into),
            ..GenerateParams::default()
        })
    }
}

/// What a region starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FillWith {
    /// What is there
    Original,
    /// Mid grey
    Neutral,
    /// Noise in each channel
    Noise,
    /// The surroundings' colours, spread smoothly
    Blur,
    /// The nearest colour around the region
    Border,
}

impl From<FillWith> for framewright_protocol::RegionFill {
    fn from(fill: FillWith) -> Self {
        match fill {
            FillWith::Original => Self::Original,
            FillWith::Neutral => Self::Neutral,
            FillWith::Noise => Self::Noise,
            FillWith::Blur => Self::Blur,
            FillWith::Border => Self::Border,
        }
    }
}

/// How a frame is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Division {
    /// By the places of the characters
    Auto,
}

/// How urgent a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Urgency {
    /// Somebody waits at a canvas
    Interactive,
    /// A board or a script
    Batch,
    /// Hours of steps
    Training,
}

impl From<Urgency> for framewright_protocol::Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Interactive => Self::Interactive,
            Urgency::Batch => Self::Batch,
            Urgency::Training => Self::Training,
        }
    }
}

/// How to draw in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Show {
    /// The best that the terminal is known to take
    Auto,
    /// The graphics protocol of kitty, Ghostty, Konsole, WezTerm
    Kitty,
    /// Sixel graphics
    Sixel,
    /// Coloured half blocks, two pixels a character
    Blocks,
}

/// `framewright again`
#[derive(Debug, Args)]
pub struct Again {
    /// A PNG that framewright made
    pub frame: PathBuf,
    /// Write the frame that was made again
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The picture that the frame started from, if there was one
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Use this model instead of the one that the PNG names
    #[arg(short, long)]
    pub model: Option<String>,
    /// Draw the frame in the terminal
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "auto", conflicts_with = "json")]
    pub show: Option<Show>,
}

/// `framewright job …`
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List the jobs that are remembered, newest first
    List {
        /// Only jobs of this state; may be given several times
        #[arg(long, value_name = "STATE")]
        state: Vec<Stand>,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20,
              value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
    },
    /// Tell everything about a job
    Show {
        /// The job's name
        job: String,
        /// Write its frames: FILE, or FILE_0.png, FILE_1.png … where there are several
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Wait for a job's end, showing how far it is; Ctrl-C leaves the job alone
    Wait {
        /// The job's name
        job: String,
    },
    /// Make a new job of the same request: the same frames
    Again {
        /// The job's name
        job: String,
    },
    /// Cancel exactly this job
    Cancel {
        /// The job's name
        job: String,
    },
    /// Forget ended jobs, and remove their pictures unless something else uses them
    #[command(group(ArgGroup::new("which").required(true).multiple(true).args(["older_than", "keep"])))]
    Prune {
        /// Those that ended longer ago
        #[arg(long, value_name = "DAYS")]
        older_than: Option<f64>,
        /// All but so many, the newest
        #[arg(long, value_name = "N")]
        keep: Option<u64>,
    },
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stand {
    /// It waits
    Queued,
    /// The engine has begun with it
    Running,
    /// Its result is stored
    Done,
    /// It ended without a result
    Failed,
    /// Somebody cancelled it
    Cancelled,
}

impl From<Stand> for framewright_protocol::JobState {
    fn from(stand: Stand) -> Self {
        match stand {
            Stand::Queued => Self::Queued,
            Stand::Running => Self::Running,
            Stand::Done => Self::Done,
            Stand::Failed => Self::Failed,
            Stand::Cancelled => Self::Cancelled,
        }
    }
}

/// `framewright model …`
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List the models, and the files that cannot be used and why
    List,
    /// Tell what a model's files hold
    Inspect {
        /// A model's name, or a checkpoint's path
        model: String,
    },
    /// Take a checkpoint into the library: a .safetensors file or a diffusers folder
    Import(Import),
}

/// `framewright lora …`
#[derive(Debug, Subcommand)]
pub enum LoraCommand {
    /// List the LoRAs, and the files that cannot be used and why
    List,
    /// Tell what a LoRA's file holds: format, ranks, alphas, targets, trigger words
    Inspect {
        /// A LoRA's name, or a file's path
        lora: String,
    },
    /// Take a LoRA into the library: a .safetensors file
    Import(Import),
}

/// `framewright model import` and `framewright lora import`
#[derive(Debug, Args)]
pub struct Import {
    /// The file or folder
    pub path: PathBuf,
    /// Copy it into the library, rather than refer to where it lies
    #[arg(long)]
    pub copy: bool,
    /// Its name in the library [default: the file's or folder's own]
    #[arg(long)]
    pub name: Option<String>,
}

/// `framewright library …`
#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// List the folders
    Folders,
    /// Add a models folder of another tool; it is only read
    Add {
        /// The folder
        folder: PathBuf,
    },
    /// Take a folder out of the library; the folder itself stays as it is
    Remove {
        /// The folder
        folder: PathBuf,
    },
}

/// `framewright character …` and `framewright shot …`
#[derive(Debug, Subcommand)]
pub enum DocumentCommand {
    /// List them, and what cannot be used and why
    List,
    /// Print one
    Show {
        /// Its name
        name: String,
    },
}

/// `framewright prompt …`
#[derive(Debug, Subcommand)]
pub enum PromptCommand {
    /// Tell what in a prompt will not be drawn as meant, and how to put it better
    Lint {
        /// The prompt
        prompt: String,
    },
    /// Show the tokens that a model reads, with their weights
    Tokens {
        /// The prompt
        prompt: String,
        /// The model whose tokenizer reads it [default: sketch]
        #[arg(short, long)]
        model: Option<String>,
    },
}

/// `framewright segment`
#[derive(Debug, Args)]
pub struct Segment {
    /// The picture: PNG, JPEG or WebP
    pub image: PathBuf,
    /// A place that belongs to what is meant; with `:-` one that does not. May be given several times
    #[arg(short, long = "point", value_name = "X,Y[:-]")]
    pub points: Vec<PointArgument>,
    /// A rectangle around what is meant. May be given several times, for several things
    #[arg(short, long = "box", value_name = "LEFT,TOP,RIGHT,BOTTOM")]
    pub boxes: Vec<BoxArgument>,
    /// A mask of the picture's size that is nearly right
    #[arg(long, value_name = "PNG")]
    pub mask: Option<PathBuf>,
    /// The segmenter's name [default: the only one, else the embedded one]
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,
    /// Whether to look at something small again, from near by: sharper, and as slow as a first look
    /// [default: yes with the embedded segmenter, no with others]
    #[arg(long, value_name = "yes|no", value_parser = clap::builder::BoolishValueParser::new())]
    pub closer: Option<bool>,
    /// The directory for the masks, and for a picture of the choices
    #[arg(short, long, value_name = "DIR", default_value = "masks")]
    pub output: PathBuf,
}

/// `framewright scene …`
#[derive(Debug, Subcommand)]
pub enum SceneCommand {
    /// Turn a scene's description into one prompt a frame
    Plan(ScenePlan),
    /// Turn what a language model answered to the template into prompts
    Read(SceneRead),
}

/// What a scene is planned from.
#[derive(Debug, Args)]
pub struct SceneArguments {
    /// A character's token; may be given several times [default: those whom the scene names]
    #[arg(short, long = "character", value_name = "TOKEN")]
    pub characters: Vec<String>,
    /// How many frames, 1 to 40 [default: by what happens]
    #[arg(short = 'n', long, value_name = "N")]
    pub frames: Option<u32>,
    /// The frames' shots by number or name, such as 8,3,close-up [default: by the kind of scene]
    #[arg(short, long, value_name = "SHOTS", value_delimiter = ',')]
    pub shots: Vec<String>,
}

/// `framewright scene plan`
#[derive(Debug, Args)]
pub struct ScenePlan {
    /// What happens, where and in which light, in plain words; `-` reads it from standard input
    pub scene: String,
    /// Who plays, and in which frames
    #[command(flatten)]
    pub with: SceneArguments,
    /// A language model to ask, by its name in `planner list` [default: embedded, which asks nobody]
    #[arg(short, long, value_name = "NAME")]
    pub planner: Option<String>,
    /// Print what a language model would be asked, to be pasted into any chat; `scene read` takes
    /// the answer
    #[arg(long)]
    pub template: bool,
}

/// `framewright scene read`
#[derive(Debug, Args)]
pub struct SceneRead {
    /// The file that holds the answer; `-` reads standard input
    pub answer: PathBuf,
    /// The scene that was asked about, as it was given to `scene plan`
    #[arg(long, value_name = "SCENE")]
    pub scene: String,
    /// Who plays, and in which frames, as they were given to `scene plan`
    #[command(flatten)]
    pub with: SceneArguments,
}

/// `framewright planner …`
#[derive(Debug, Subcommand)]
pub enum PlannerCommand {
    /// List them, and what cannot be used and why
    List,
    /// Add one: any server with the chat completions of the OpenAI API
    Add {
        /// Its name
        name: String,
        /// The base of its addresses, such as http://127.0.0.1:8080/v1
        url: String,
        /// The model to ask for
        #[arg(short, long)]
        model: String,
        /// The environment variable that holds the key; the daemon must be started with it
        #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
        key_env: Option<String>,
        /// The file that holds the key, readable by you alone (mode 600)
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// How long an answer may take [default: 120]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
        timeout: Option<u32>,
        /// Take the place of one of this name
        #[arg(long)]
        replace: bool,
    },
    /// Forget one; a file with its key stays where it is
    Remove {
        /// Its name
        name: String,
    },
    /// Ask one for two prompts, and show what came
    Test {
        /// Its name
        name: String,
    },
}

/// `framewright daemon …`
#[derive(Debug, Subcommand)]
pub enum DaemonCommand {
    /// Start the daemon, unless it runs
    Start,
    /// End the daemon; jobs that were submitted to be picked up later wait for the next one
    Stop,
    /// Tell what the daemon is doing
    Status,
    /// Print the end of the daemon's log
    Logs {
        /// How many lines
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
        /// Print the log's path instead
        #[arg(long)]
        path: bool,
    },
}
