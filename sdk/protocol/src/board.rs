//! What methods about boards take and answer, and their event.
//!
//! A board is a folder that the user owns. Frames are counted from 0, as in
//! `shot_0.png`; takes from 1, as on a contact sheet.

use rmpv::Value;
use serde::{Deserialize, Serialize};

use crate::params::Picture;
use crate::record::WireType;

/// What a sheet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SheetKind {
    /// Every take of every frame, to choose from.
    Takes,
    /// The scene, a picture a frame.
    Grid,
}

impl WireType for SheetKind {
    fn kind() -> String {
        "`takes` or `grid`".to_owned()
    }
}

/// What a board is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// OpenTimelineIO.
    Otio,
    /// A CMX 3600 edit decision list.
    Edl,
    /// A page that opens from the disk.
    Html,
    /// Numbered pictures.
    Sequence,
}

impl WireType for ExportFormat {
    fn kind() -> String {
        "`otio`, `edl`, `html` or `sequence`".to_owned()
    }
}

records! {
    /// Parameters of `board.new`.
    #[derive(Default)]
    BoardNewParams "board new params" {
        /// The folder, absolute; made where it is not there.
        path: String,
        /// What happens.
        scene: String,
        /// Who is in it, by token.
        characters: Option<Vec<String>>,
        /// How many takes a frame is to have; 4 when left out.
        candidates: Option<u32>,
        /// Seed of the first frame; drawn by the daemon when left out.
        seed: Option<u64>,
        /// How the seeds of a frame's takes differ: `seed+k` or `random`; `seed+k` when left out.
        variations: Option<String>,
        /// Whether frames with the same setting start from the same noise; they do not when left out.
        shared_noise: Option<bool>,
        /// Frames a second of exports: 1 to 120, or a rate of NTSC video; 24 when left out.
        fps: Option<f64>,
        /// How long a frame lasts, seconds; 2 when left out.
        duration: Option<f64>,
        /// What to keep out.
        negative_prompt: Option<String>,
        /// Other parameters of `frame.generate` by name: model, width, height, steps …
        generate: Option<Value>,
        /// How many frames a planner is asked for.
        frames: Option<u32>,
        /// The frames' shots, by number or id, that a planner is asked for.
        shots: Option<Vec<String>>,
    }
    /// Parameters of methods about a board as it is.
    BoardParams "board params" {
        /// The board's folder, absolute.
        path: String,
    }
    /// A board.
    BoardState "board" {
        /// The folder.
        path: String,
        /// What happens.
        scene: String,
        /// Who is in it.
        characters: Vec<String>,
        /// How many takes a frame is to have.
        candidates: u32,
        /// Seed of the first frame.
        seed: u64,
        /// How the seeds of a frame's takes differ: `seed+k` or `random`.
        variations: String,
        /// Whether frames with the same setting start from the same noise.
        shared_noise: bool,
        /// Frames a second of exports.
        fps: f64,
        /// How long a frame lasts that does not say, seconds.
        duration: f64,
        /// What to keep out of frames that do not say.
        negative_prompt: Option<String>,
        /// Other parameters of `frame.generate` by name.
        generate: Value,
        /// The frames in order.
        frames: Vec<BoardFrame>,
        /// How many takes are asked for and not there.
        missing: u64,
        /// Whether it is being drawn.
        drawing: bool,
        /// The version of `board.toml`: BLAKE3, 64 hexadecimal digits.
        revision: String,
        /// What a person should know.
        notices: Vec<String>,
    }
    /// A frame of a board.
    BoardFrame "board frame" {
        /// Its name for as long as the board lives.
        id: String,
        /// The shot's name.
        shot: Option<String>,
        /// What is drawn.
        prompt: String,
        /// What is kept out, instead of the board's.
        negative_prompt: Option<String>,
        /// What is said or done, for people.
        note: Option<String>,
        /// Where it is.
        setting: Option<String>,
        /// Seed of its first take.
        seed: u64,
        /// How long it lasts, seconds.
        duration: f64,
        /// The picture that was picked, relative to the board's folder.
        pick: Option<String>,
        /// The picture that stands for it, absolute: the pick, or else its first take.
        shown: Option<String>,
        /// The takes of what it asks for now.
        takes: Vec<BoardTake>,
        /// What was drawn for what it asked for before, the oldest first.
        earlier: Vec<BoardBatch>,
    }
    /// A picture that was drawn for a frame.
    BoardTake "board take" {
        /// Which, from 1.
        take: u32,
        /// Seed of its noise.
        seed: u64,
        /// Where it is, relative to the board's folder.
        image: String,
        /// BLAKE3 of the file as it was made.
        hash: String,
        /// Whether the file is there.
        present: bool,
        /// Whether it was picked.
        picked: bool,
    }
    /// Takes of something that a frame asked for before.
    BoardBatch "board batch" {
        /// The prompt.
        prompt: String,
        /// What was kept out.
        negative_prompt: Option<String>,
        /// The frame's seed.
        seed: u64,
        /// The pictures.
        takes: Vec<BoardTake>,
    }

    /// A frame to add.
    #[derive(Default)]
    BoardPrompt "board prompt" {
        /// The shot's name; read off the prompt when left out.
        shot: Option<String>,
        /// What is drawn.
        prompt: String,
        /// What is kept out, instead of the board's.
        negative_prompt: Option<String>,
        /// What is said or done, for people.
        note: Option<String>,
        /// How long it lasts, seconds.
        duration: Option<f64>,
    }
    /// Parameters of `board.add`.
    #[derive(Default)]
    BoardAddParams "board add params" {
        /// The board's folder, absolute.
        path: String,
        /// The frames, in order.
        frames: Vec<BoardPrompt>,
        /// Whether they take the place of those that are there, whose pictures stay in the folder;
        /// they come after them when left out.
        replace: Option<bool>,
        /// The revision that was seen; another one is a `conflict`.
        revision: Option<String>,
    }
    /// Parameters of `board.edit`: what is left out stays.
    #[derive(Default)]
    BoardEditParams "board edit params" {
        /// The board's folder, absolute.
        path: String,
        /// The frame's id, or its place from 0.
        frame: String,
        /// What is drawn.
        prompt: Option<String>,
        /// What is kept out; empty for nothing.
        negative_prompt: Option<String>,
        /// The shot's name; read off the prompt when that is changed and this left out.
        shot: Option<String>,
        /// What is said or done, for people.
        note: Option<String>,
        /// How long it lasts, seconds.
        duration: Option<f64>,
        /// Seed of its first take.
        seed: Option<u64>,
        /// The revision that was seen; another one is a `conflict`.
        revision: Option<String>,
    }
    /// Parameters of `board.pick`.
    #[derive(Default)]
    BoardPickParams "board pick params" {
        /// The board's folder, absolute.
        path: String,
        /// The frame's id, or its place from 0.
        frame: String,
        /// The take's number, from 1, or any picture's path in the folder; none is picked when left out.
        take: Option<String>,
        /// The revision that was seen; another one is a `conflict`.
        revision: Option<String>,
    }
    /// Parameters of `board.redo`.
    #[derive(Default)]
    BoardRedoParams "board redo params" {
        /// The board's folder, absolute.
        path: String,
        /// The frame's id, or its place from 0.
        frame: String,
        /// What is drawn; as before when left out.
        prompt: Option<String>,
        /// What is kept out; as before when left out.
        negative_prompt: Option<String>,
        /// Seed of the new first take; the next that no take of the frame had when left out.
        seed: Option<u64>,
        /// The revision that was seen; another one is a `conflict`.
        revision: Option<String>,
    }
    /// Parameters of `board.render`.
    #[derive(Default)]
    BoardRenderParams "board render params" {
        /// The board's folder, absolute.
        path: String,
        /// Only this frame: its id, or its place from 0.
        frame: Option<String>,
    }
    /// Result of `board.render`.
    BoardRenderResult "board render result" {
        /// How many takes were drawn.
        drawn: u64,
        /// The board as it is now.
        board: BoardState,
        /// What a person should know.
        notices: Vec<String>,
        /// Seconds that it took.
        seconds: f64,
    }
    /// Result of `board.stop`.
    BoardStopResult "board stop result" {
        /// Whether it was being drawn.
        was_drawing: bool,
    }
    /// Parameters of `board.sheet`.
    BoardSheetParams "board sheet params" {
        /// The board's folder, absolute.
        path: String,
        /// What it shows.
        kind: SheetKind,
        /// Only this frame: its id, or its place from 0.
        frame: Option<String>,
        /// The file to write, absolute, ending in `.png`, or in `.pdf` for a grid. The picture is in
        /// the answer when left out.
        output: Option<String>,
    }
    /// Result of `board.sheet`.
    BoardSheetResult "board sheet" {
        /// The picture, a PNG, when no file was asked for.
        picture: Option<Picture>,
        /// The file that was written.
        output: Option<String>,
        /// What a person should know.
        notices: Vec<String>,
    }

    /// Parameters of `board.export`.
    BoardExportParams "board export params" {
        /// The board's folder, absolute.
        path: String,
        /// As what.
        format: ExportFormat,
        /// The file to write, absolute; of a sequence a new folder.
        output: String,
        /// A sequence's files: one each `frame` of the moving picture, or one each `shot`; `frame`
        /// when left out.
        every: Option<String>,
    }
    /// Result of `board.export`.
    BoardExportResult "board export result" {
        /// The files that were written; of a sequence the folder alone.
        files: Vec<String>,
        /// What a person should know.
        notices: Vec<String>,
    }

    /// Parameters of `board.plan`. What is left out is as the board says.
    #[derive(Default)]
    BoardPlanParams "board plan params" {
        /// The board's folder, absolute.
        path: String,
        /// Who is in the scene, by token.
        characters: Option<Vec<String>>,
        /// How many frames.
        frames: Option<u32>,
        /// The frames' shots, by number or id.
        shots: Option<Vec<String>>,
        /// Who writes the prompts, as in `scene.plan`.
        planner: Option<String>,
        /// Only fill in the template for a chat, and change nothing.
        template_only: Option<bool>,
        /// Whether the frames that are there give way; their pictures stay in the folder. A board with
        /// frames is a `conflict` when left out.
        replace: Option<bool>,
    }
    /// Parameters of `board.import`.
    #[derive(Default)]
    BoardImportParams "board import params" {
        /// The board's folder, absolute.
        path: String,
        /// What a chat answered to the template.
        answer: String,
        /// As in `board.plan`.
        replace: Option<bool>,
    }
    /// Result of `board.plan` and `board.import`.
    BoardPlanResult "board plan result" {
        /// The board with its frames; none when only the template was asked for.
        board: Option<BoardState>,
        /// Who wrote the prompts; `answer` for a pasted one.
        planner: String,
        /// What a person should know.
        notes: Vec<String>,
        /// The template, when only that was asked for.
        template: Option<String>,
    }

    /// A take of a board was drawn, or is about to be.
    BoardProgress "board.progress" {
        /// The board's folder.
        path: String,
        /// The id of the request that draws it, on the connection that made it.
        request: Option<u64>,
        /// Takes that were drawn.
        done: u64,
        /// Takes in all, those that were drawn included.
        total: u64,
        /// The frame's place, from 0; none when all is done.
        frame: Option<u64>,
        /// Frames of the board.
        frames: u64,
        /// The take's number, from 1; none when all is done.
        take: Option<u32>,
        /// Estimate for the rest, seconds.
        seconds_left: Option<f64>,
    }
}
