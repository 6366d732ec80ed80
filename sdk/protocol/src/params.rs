//! What methods take and what they answer.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::jobs::{Priority, WaitingJobs};
use crate::limits::Limits;
use crate::record::{Record, WireType};

/// How a picture's bytes are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFormat {
    /// A PNG file, with the provenance in its text chunks.
    #[default]
    Png,
    /// Rows from the top, each pixel red, green, blue, alpha; one byte each.
    Rgba8,
    /// Rows from the top, each pixel blue, green, red, alpha; one byte each.
    Bgra8,
    /// Rows from the top, each pixel red, green, blue, alpha; two bytes each, the
    /// lower first. Frames are drawn with 8 bits: v becomes 257 · v.
    Rgba16,
}

impl PictureFormat {
    /// Bytes of a pixel; `None` for a file.
    pub fn pixel_bytes(self) -> Option<u32> {
        match self {
            Self::Png => None,
            Self::Rgba8 | Self::Bgra8 => Some(4),
            Self::Rgba16 => Some(8),
        }
    }
}

impl WireType for PictureFormat {
    fn kind() -> String {
        "`png`, `rgba8`, `bgra8` or `rgba16`".to_owned()
    }
}

records! {
    /// No parameters, or nothing to tell.
    Nothing "nothing" {}

    /// A picture inside a message.
    Picture "picture" {
        /// How `data` is laid out.
        format: PictureFormat,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The file, or `width` × `height` pixels of 4 bytes, of 8 in `rgba16`. Empty when the request
        /// names `blob`.
        data: ByteBuf,
        /// The BLAKE3 hash of a stored blob that holds the bytes. A frame that the daemon made has
        /// that of its PNG.
        blob: Option<String>,
    }

    /// Parameters of `hello`.
    HelloParams "hello params" {
        /// The client's name and version, for the log.
        client: String,
        /// The protocol level that the client wants to speak.
        protocol: u32,
    }
    /// Result of `hello`.
    HelloResult "hello result" {
        /// The newest level that the daemon speaks.
        protocol: u32,
        /// The oldest level that it still serves.
        oldest: u32,
        /// The daemon's version.
        version: String,
        /// What the daemon takes at most.
        limits: Limits,
        /// Names of things that this daemon can do beyond the level's methods.
        capabilities: Vec<String>,
    }

    /// Result of `status`.
    StatusResult "status" {
        /// The daemon's version.
        version: String,
        /// Its process.
        pid: u32,
        /// Seconds since it began to listen.
        uptime_seconds: f64,
        /// The job that the engine works on.
        running: Option<String>,
        /// The jobs that it suspended for more urgent ones, the last first.
        suspended: Vec<String>,
        /// How many jobs wait.
        waiting: u64,
        /// How many of them are how urgent.
        waiting_by_priority: WaitingJobs,
        /// The model in memory.
        model: Option<String>,
        /// For how long nothing was drawn with it, seconds. An idle model is unloaded after a time.
        model_idle_seconds: Option<f64>,
        /// What the engine computes on.
        device: String,
        /// Resident memory of the daemon, where the system tells.
        memory_bytes: Option<u64>,
        /// Bytes of all stored blobs.
        blob_bytes: u64,
        /// How many connections are open.
        connections: u64,
        /// Where models and manifests lie.
        data: String,
        /// The log file.
        log: String,
    }

    /// A parameter, a result's key or an event's key.
    FieldDescription "field description" {
        /// The key.
        name: String,
        /// The type's name.
        kind: String,
        /// Whether it may be left out.
        optional: bool,
        /// What it means.
        doc: String,
    }
    /// A method.
    MethodDescription "method description" {
        /// Its name.
        method: String,
        /// What it does.
        doc: String,
        /// What it takes.
        params: Vec<FieldDescription>,
        /// What it answers.
        result: Vec<FieldDescription>,
    }
    /// An event.
    EventDescription "event description" {
        /// Its name.
        event: String,
        /// When it comes.
        doc: String,
        /// Its keys beside `event` and `seq`.
        fields: Vec<FieldDescription>,
    }
    /// Result of `describe`.
    DescribeResult "describe result" {
        /// The protocol level that is described.
        protocol: u32,
        /// Every method.
        methods: Vec<MethodDescription>,
        /// Every event.
        events: Vec<EventDescription>,
        /// Every error code.
        errors: Vec<FieldDescription>,
    }

    /// A LoRA that is asked for.
    #[derive(Default)]
    LoraParams "lora request" {
        /// Its name in the library.
        name: String,
        /// How much of it is added, from -4 to 4; what its manifest says, or else 1, when left out.
        weight: Option<f32>,
        /// How much of it is added to the text encoder; as `weight` when left out.
        text_weight: Option<f32>,
    }
    /// A part of a frame with a prompt and LoRAs of its own. It has `area` or `mask`. Where
    /// regions overlap they share the place; what none covers follows the prompt of the whole frame.
    #[derive(Default)]
    RegionParams "region" {
        /// A box as shares of the frame's width and height: left, top, right, bottom.
        area: Option<Vec<f32>>,
        /// A picture of any size, laid over the frame: white is inside.
        mask: Option<Picture>,
        /// How wide the border fades, as a share of the frame's shorter side; 0.05 when left out.
        feather: Option<f32>,
        /// What is there; the prompt of the whole frame when left out.
        prompt: Option<String>,
        /// How much of the attention its prompt has there, above 0 to 1; 1 when left out. The rest
        /// is the prompt's of the whole frame, read with the LoRAs of the region.
        strength: Option<f32>,
        /// LoRAs that act there alone.
        loras: Option<Vec<LoraParams>>,
        /// Tokens of characters whose LoRAs act there alone.
        characters: Option<Vec<String>>,
    }
    /// A first pass at a smaller size: the frame is laid out there, then enlarged and drawn over.
    /// Its width and height, where they are left out, are `scale` times the model's.
    #[derive(Default)]
    HiresParams "hires" {
        /// How many times wider and higher than the first pass the frame is: above 1, up to 4.
        scale: f32,
        /// How far the second pass goes from the first: above 0, to 1; what the model's manifest
        /// says, which may be less for a frame that a shot's LoRA lays out, or else 0.5, when left
        /// out.
        strength: Option<f32>,
        /// All LoRAs of the second pass; when left out, the frame's own but the shot's, and the one
        /// of the model's manifest.
        loras: Option<Vec<LoraParams>>,
    }
    /// A LoRA that was applied.
    AppliedLora "applied lora" {
        /// Its name in the library.
        name: String,
        /// How much of it was added.
        weight: f32,
        /// How much of it was added to the text encoder, where that is not as much.
        text_weight: Option<f32>,
        /// The region in which it acted, from 0; the whole frame when missing.
        region: Option<u32>,
        /// Whether it acted in the second of two passes alone, or in the first alone; when missing,
        /// in every pass there was.
        hires: Option<bool>,
        /// What in the prompt or the manifest called for it; missing when the request named it.
        reason: Option<String>,
    }

    /// Parameters of `frame.generate`. What is left out comes from the model's
    /// manifest.
    #[derive(Default)]
    GenerateParams "generate params" {
        /// What to draw.
        prompt: String,
        /// What to keep out.
        negative_prompt: Option<String>,
        /// A model's name, or the absolute path of a checkpoint; `sketch` when left out.
        model: Option<String>,
        /// Pixels.
        width: Option<u32>,
        /// Pixels.
        height: Option<u32>,
        /// Denoising steps.
        steps: Option<u32>,
        /// Guidance scale; 1 means none.
        guidance_scale: Option<f32>,
        /// Guidance rescale, from 0 (none) to 1.
        guidance_rescale: Option<f32>,
        /// How guidance is computed: `batch` (faster) or `two-passes` (less memory); chosen by
        /// the memory at hand when left out.
        guidance_mode: Option<String>,
        /// The sampler's name.
        sampler: Option<String>,
        /// Seed of candidate 0; candidate k has seed + k. Left out: drawn by the daemon.
        seed: Option<u64>,
        /// How many candidates; 1 when left out.
        candidates: Option<u32>,
        /// The picture to start from (img2img).
        image: Option<Picture>,
        /// How far to go from `image`: above 0 (not at all) to 1 (all the way).
        strength: Option<f32>,
        /// A first pass at a smaller size; not with `image`.
        hires: Option<HiresParams>,
        /// How many of the text encoder's last layers are left out.
        clip_skip: Option<u32>,
        /// LoRAs that act in the whole frame. They win over those of the same name that the prompt
        /// calls for.
        loras: Option<Vec<LoraParams>>,
        /// Whether LoRAs that fit the model in part are used in part; refused when left out.
        partial_loras: Option<bool>,
        /// Parts of the frame with prompts and LoRAs of their own.
        regions: Option<Vec<RegionParams>>,
        /// Whether two or three characters whose places (left, centre, right) the prompt names get
        /// a region each; no when left out.
        auto_regions: Option<bool>,
        /// Whether the shot and the characters that the prompt names are looked up in the library,
        /// their LoRAs applied and their negative prompts, with that of the model's family, added
        /// to `negative_prompt`; yes when left out.
        activate: Option<bool>,
        /// A preview after every that many steps; none when left out.
        preview_every: Option<u32>,
        /// How frames come back; `png` when left out.
        format: Option<PictureFormat>,
        /// The idempotency key, 1 to 200 characters. Asking again with it gives the same job, waiting,
        /// running or ended; and the job outlives its connection.
        key: Option<String>,
        /// How urgent it is; `interactive` when left out.
        priority: Option<Priority>,
    }
    /// A frame that was made.
    FrameResult "frame" {
        /// Its seed.
        seed: u64,
        /// The pixels.
        picture: Picture,
        /// Everything that is needed to make it again, as in the PNG's text chunk.
        provenance: Value,
    }
    /// Result of `frame.generate`.
    GenerateResult "generate result" {
        /// The job's name.
        job: String,
        /// One frame a candidate, in order.
        frames: Vec<FrameResult>,
        /// What a person should know: a rounded size, an ignored option, a LoRA that the prompt
        /// calls for and the library does not have.
        notices: Vec<String>,
        /// The LoRAs that were applied.
        loras: Option<Vec<AppliedLora>>,
        /// Seconds from the engine's start on the job to its end.
        seconds: f64,
    }

    /// Parameters of `frame.again`.
    #[derive(Default)]
    AgainParams "again params" {
        /// A PNG that this program made. Empty when the request names `blob`.
        png: ByteBuf,
        /// The BLAKE3 hash of a stored blob that holds the PNG.
        blob: Option<String>,
        /// The picture that it started from, when it was made from one.
        image: Option<Picture>,
        /// The model to use instead of the one that the PNG names.
        model: Option<String>,
        /// A preview after every that many steps; none when left out.
        preview_every: Option<u32>,
        /// The idempotency key, as in `frame.generate`.
        key: Option<String>,
        /// How urgent it is; `interactive` when left out.
        priority: Option<Priority>,
    }
    /// Result of `frame.again`.
    AgainResult "again result" {
        /// The job's name.
        job: String,
        /// The frame, made again; its picture is a PNG.
        frame: FrameResult,
        /// Whether every pixel is the same.
        identical: bool,
        /// How many pixels differ.
        differing_pixels: u64,
        /// What is not as it was: version, device, files.
        differences: Vec<String>,
        /// Seconds from the engine's start on the job to its end.
        seconds: f64,
    }

    /// A model in a list.
    ModelSummary "model" {
        /// Its name.
        name: String,
        /// Whether it is used when a request names none.
        default: bool,
        /// `embedded`, `folder` or `file`.
        source: String,
        /// Where it lies, unless it is embedded.
        path: Option<String>,
        /// The family that LoRAs must fit to, such as `sd15`.
        family: Option<String>,
        /// Default width, pixels.
        width: Option<u32>,
        /// Default height, pixels.
        height: Option<u32>,
        /// Default denoising steps.
        steps: Option<u32>,
        /// Default guidance scale.
        guidance_scale: Option<f32>,
        /// Default sampler.
        sampler: Option<String>,
        /// Default clip skip.
        clip_skip: Option<u32>,
        /// A VAE file that takes the place of the model's own.
        vae: Option<String>,
    }
    /// A file among the models that cannot be used.
    ModelProblem "model problem" {
        /// The file.
        path: String,
        /// The line in it, where one is to blame.
        line: Option<u32>,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: Option<String>,
    }
    /// Result of `model.list`.
    ModelListResult "model list" {
        /// The models, by name, the embedded one first.
        models: Vec<ModelSummary>,
        /// What lies among them and cannot be used.
        problems: Vec<ModelProblem>,
        /// Where models are looked for.
        folder: String,
    }
    /// Parameters of `model.inspect`.
    InspectParams "inspect params" {
        /// A model's name, or the absolute path of a checkpoint.
        model: String,
    }
    /// Result of `model.inspect`.
    InspectResult "inspect result" {
        /// The model and its defaults.
        model: ModelSummary,
        /// What its files hold: parts, sizes, keys that are not used.
        report: Value,
    }

    /// Parameters of `prompt.lint`.
    LintParams "lint params" {
        /// The prompt.
        prompt: String,
    }
    /// Something in a prompt that will not be drawn as meant.
    PromptFinding "prompt finding" {
        /// Which rule, such as `S101`; a code never changes its meaning.
        code: String,
        /// `hint`, `warning` or `error`.
        severity: String,
        /// Where it begins in the prompt, bytes of UTF-8.
        start: u64,
        /// Where it ends, bytes of UTF-8; as `start` for what is missing there.
        end: u64,
        /// Why it matters.
        reason: String,
        /// What would help.
        rewrite: Option<PromptEdit>,
    }
    /// A change to a prompt.
    PromptEdit "prompt edit" {
        /// Where it begins, bytes of UTF-8.
        start: u64,
        /// Where it ends, bytes of UTF-8.
        end: u64,
        /// What stands there instead.
        replacement: String,
    }
    /// Result of `prompt.lint`.
    LintResult "lint result" {
        /// What was found, in the order of the text.
        findings: Vec<PromptFinding>,
        /// The prompt with everything rewritten that can be.
        rewritten: String,
    }

    /// Parameters of `prompt.recast`.
    RecastParams "recast params" {
        /// The frame's prompt. One of `prompt` and `png` is needed.
        prompt: Option<String>,
        /// The frame as this program wrote it, which says from which prompt it was made.
        png: Option<ByteBuf>,
        /// The token of the character who takes someone's place.
        character: String,
        /// How far across the frame the place is, from 0 at its left edge to 1 at its right; the
        /// place of who is named first when left out.
        at: Option<f64>,
    }
    /// Result of `prompt.recast`.
    RecastResult "recast result" {
        /// What to draw there: the frame's shot, the character, what was done there, the setting
        /// and the light.
        prompt: String,
        /// Whose place is taken, in the words of the frame's prompt; none where nobody is in it.
        replaced: Option<String>,
    }

    /// Parameters of `prompt.tokens`.
    TokensParams "tokens params" {
        /// The prompt.
        prompt: String,
        /// The model whose tokenizer reads it; `sketch` when left out.
        model: Option<String>,
    }
    /// A piece of a prompt.
    TokenPiece "token" {
        /// The token's number.
        id: u32,
        /// The token as the vocabulary spells it.
        text: String,
        /// Its weight, 1 unless the prompt says otherwise.
        weight: f32,
    }
    /// The tokens that go through the text encoder together.
    TokenChunk "token chunk" {
        /// The tokens, without start, end and padding.
        tokens: Vec<TokenPiece>,
    }
    /// Result of `prompt.tokens`.
    TokensResult "tokens result" {
        /// The chunks, each of at most 75 tokens.
        chunks: Vec<TokenChunk>,
        /// How many tokens there are in all.
        count: u64,
    }
}

/// The fields of `R` as `describe` tells them.
pub(crate) fn describe_fields<R: Record>() -> Vec<FieldDescription> {
    R::fields()
        .into_iter()
        .map(|field| FieldDescription {
            name: field.name.to_owned(),
            kind: field.kind,
            optional: field.optional,
            doc: field.doc.to_owned(),
        })
        .collect()
}
