//! Every method with its parameters and its result.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::board::{
    BoardAddParams, BoardEditParams, BoardExportParams, BoardExportResult, BoardImportParams,
    BoardNewParams, BoardParams, BoardPickParams, BoardPlanParams, BoardPlanResult,
    BoardRedoParams, BoardRenderParams, BoardRenderResult, BoardSheetParams, BoardSheetResult,
    BoardState, BoardStopResult,
};
use crate::inpaint::{InpaintContextParams, InpaintContextResult, InpaintParams, InpaintResult};
use crate::jobs::{
    BlobGetParams, BlobGetResult, BlobPutParams, BlobPutResult, CancelResult, JobEventsParams,
    JobEventsResult, JobListParams, JobListResult, JobParams, JobShowResult, PruneParams,
    PruneResult, SubmitParams, Submitted, SubscribeParams, WaitParams, WaitResult, WatchResult,
};
use crate::library::{
    DocumentDeleteParams, DocumentListParams, DocumentListResult, DocumentParams,
    DocumentPutParams, DocumentPutResult, DocumentResult, FolderParams, FoldersResult,
    ImportParams, ImportResult, LoraInspectParams, LoraInspectResult, LoraListResult,
};
use crate::mask::{
    MaskBoxParams, MaskPolygonParams, MaskRefineParams, MaskResult, MaskSegmentParams,
    MaskSegmentResult, SegmenterListResult,
};
use crate::params::{
    AgainParams, AgainResult, DescribeResult, GenerateParams, GenerateResult, HelloParams,
    HelloResult, InspectParams, InspectResult, LintParams, LintResult, MethodDescription,
    ModelListResult, Nothing, RecastParams, RecastResult, StatusResult, TokensParams, TokensResult,
    describe_fields,
};
use crate::record::Record;
use crate::scene::{
    PlannerAddParams, PlannerListResult, PlannerParams, PlannerSummary, PlannerTestResult,
    ScenePlanParams, ScenePlanResult, SceneReadParams, SceneReadResult,
};

/// A method of the daemon.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What it does.
    const DOC: &'static str;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Record + Send + 'static;
    /// What it answers.
    type Result: Serialize + DeserializeOwned + Record + Send + 'static;
}

macro_rules! methods {
    ($( $(#[doc = $doc:literal])+ $type:ident = $name:literal ($params:ty) -> $result:ty; )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $type;

            impl Method for $type {
                const NAME: &'static str = $name;
                const DOC: &'static str = concat!($($doc),+);
                type Params = $params;
                type Result = $result;
            }
        )*

        /// Every method of this version.
        pub fn all_methods() -> Vec<MethodDescription> {
            vec![ $( MethodDescription {
                method: $name.to_owned(),
                doc: <$type as Method>::DOC.trim().to_owned(),
                params: describe_fields::<$params>(),
                result: describe_fields::<$result>(),
            } ),* ]
        }
    };
}

methods! {
    /// Opens the conversation; the first request of every connection.
    Hello = "hello" (HelloParams) -> HelloResult;
    /// Answers at once; also while a job runs.
    Ping = "ping" (Nothing) -> Nothing;
    /// What the daemon is doing, and where its files are.
    Status = "status" (Nothing) -> StatusResult;
    /// Every method, event and error code of this daemon.
    Describe = "describe" (Nothing) -> DescribeResult;
    /// Makes frames from a prompt. Answers when the job has ended; until then
    /// events tell how far it is. Without a key the job ends with its connection.
    FrameGenerate = "frame.generate" (GenerateParams) -> GenerateResult;
    /// Draws a region of a picture anew and keeps every other pixel, or extends
    /// the picture. Answers like `frame.generate`.
    FrameInpaint = "frame.inpaint" (InpaintParams) -> InpaintResult;
    /// What of a canvas `frame.inpaint` needs to see for a selection.
    InpaintContext = "inpaint.context" (InpaintContextParams) -> InpaintContextResult;
    /// Makes a frame again from the request that its PNG carries, and compares.
    FrameAgain = "frame.again" (AgainParams) -> AgainResult;
    /// Cancels exactly one job, waiting or running. Its request is then
    /// answered with `cancelled`, whatever the engine was doing.
    JobCancel = "job.cancel" (JobParams) -> CancelResult;
    /// Makes a job and answers at once. The job outlives its connection.
    JobSubmit = "job.submit" (SubmitParams) -> Submitted;
    /// Answers when the job has ended, with what it made.
    JobWait = "job.wait" (WaitParams) -> WaitResult;
    /// The jobs that are remembered, newest first.
    JobList = "job.list" (JobListParams) -> JobListResult;
    /// Everything that is stored of a job, without the pixels.
    JobShow = "job.show" (JobParams) -> JobShowResult;
    /// The stored events of a job.
    JobEvents = "job.events" (JobEventsParams) -> JobEventsResult;
    /// Sends the stored events of a job to this connection, then everything
    /// that happens to it.
    JobWatch = "job.watch" (JobEventsParams) -> WatchResult;
    /// Makes a new job of the same request: the same frames.
    JobAgain = "job.again" (JobParams) -> Submitted;
    /// Forgets ended jobs, and removes the blobs that nothing else names.
    JobPrune = "job.prune" (PruneParams) -> PruneResult;
    /// Stores a blob, in parts; answers when the part is taken. Give `hash`,
    /// `upload`, or, for a blob in one part, neither.
    BlobPut = "blob.put" (BlobPutParams) -> BlobPutResult;
    /// A part of a blob.
    BlobGet = "blob.get" (BlobGetParams) -> BlobGetResult;
    /// Sends events about these topics to this connection from now on.
    EventsSubscribe = "events.subscribe" (SubscribeParams) -> Nothing;
    /// The models that can be used, and the files that cannot and why.
    ModelList = "model.list" (Nothing) -> ModelListResult;
    /// What a model's files hold.
    ModelInspect = "model.inspect" (InspectParams) -> InspectResult;
    /// Takes a checkpoint into the library, where it lies or as a copy. What it
    /// is, is told from the headers of its files; pickles are refused.
    ModelImport = "model.import" (ImportParams) -> ImportResult;
    /// The LoRAs that can be used, and the files that cannot and why.
    LoraList = "lora.list" (Nothing) -> LoraListResult;
    /// What a LoRA's file holds.
    LoraInspect = "lora.inspect" (LoraInspectParams) -> LoraInspectResult;
    /// Takes a LoRA into the library, where it lies or as a copy.
    LoraImport = "lora.import" (ImportParams) -> ImportResult;
    /// The folders of other tools that the library reads.
    LibraryFolders = "library.folders" (Nothing) -> FoldersResult;
    /// Adds a folder of another tool; it is only read.
    LibraryAddFolder = "library.add_folder" (FolderParams) -> FoldersResult;
    /// Takes a folder out of the library; the folder itself stays as it is.
    LibraryRemoveFolder = "library.remove_folder" (FolderParams) -> FoldersResult;
    /// The manifests of one kind.
    DocumentList = "document.list" (DocumentListParams) -> DocumentListResult;
    /// A manifest's text and its revision.
    DocumentGet = "document.get" (DocumentParams) -> DocumentResult;
    /// Writes a manifest in place of the revision that was seen, or a new one.
    /// Another revision on disk is a `conflict`, and nothing is written.
    DocumentPut = "document.put" (DocumentPutParams) -> DocumentPutResult;
    /// Deletes a manifest of the revision that was seen; weights and pictures stay.
    DocumentDelete = "document.delete" (DocumentDeleteParams) -> Nothing;
    /// What in a prompt will not be drawn as meant, by the rules of
    /// storyboard prompts and the library's shots and characters.
    PromptLint = "prompt.lint" (LintParams) -> LintResult;
    /// What to draw where a character takes someone's place in a frame: a prompt
    /// for `frame.inpaint`, from the frame's prompt.
    PromptRecast = "prompt.recast" (RecastParams) -> RecastResult;
    /// Turns a scene's description into one prompt a frame. Nothing is drawn,
    /// and nothing leaves the machine unless `planner` names an endpoint elsewhere.
    ScenePlan = "scene.plan" (ScenePlanParams) -> ScenePlanResult;
    /// Turns what a language model answered to the template of `scene.plan` into
    /// prompts: they are found, corrected where that is possible, and checked.
    SceneRead = "scene.read" (SceneReadParams) -> SceneReadResult;
    /// The language models that scenes can be planned with.
    PlannerList = "planner.list" (Nothing) -> PlannerListResult;
    /// Keeps the address of a language model for `scene.plan`. Nobody is asked.
    PlannerAdd = "planner.add" (PlannerAddParams) -> PlannerSummary;
    /// Forgets a language model; a file with its key stays where it is.
    PlannerRemove = "planner.remove" (PlannerParams) -> Nothing;
    /// Asks a language model for two prompts, and tells what came.
    PlannerTest = "planner.test" (PlannerParams) -> PlannerTestResult;
    /// Masks of what clicks and boxes on a picture mean. A picture is looked at
    /// once, whoever asks how often; it is not drawn into, and waits for no job.
    MaskSegment = "mask.segment" (MaskSegmentParams) -> MaskSegmentResult;
    /// The segmenters that can be used.
    MaskSegmenters = "mask.segmenters" (Nothing) -> SegmenterListResult;
    /// Blurs, grows, shrinks, feathers or cleans a mask.
    MaskRefine = "mask.refine" (MaskRefineParams) -> MaskResult;
    /// A mask of rectangles, anti-aliased.
    MaskBox = "mask.box" (MaskBoxParams) -> MaskResult;
    /// A mask of a polygon, anti-aliased.
    MaskPolygon = "mask.polygon" (MaskPolygonParams) -> MaskResult;
    /// How a model's tokenizer reads a prompt.
    PromptTokens = "prompt.tokens" (TokensParams) -> TokensResult;
    /// Makes a board: a folder with a `board.toml` and no frames yet.
    BoardNew = "board.new" (BoardNewParams) -> BoardState;
    /// What a board holds, and what it asks for and does not have.
    BoardOpen = "board.open" (BoardParams) -> BoardState;
    /// Plans the board's scene, as `scene.plan` does, and adds a frame a prompt.
    BoardPlan = "board.plan" (BoardPlanParams) -> BoardPlanResult;
    /// Reads the prompts off a chat's answer, as `scene.read` does, and adds a
    /// frame each.
    BoardImport = "board.import" (BoardImportParams) -> BoardPlanResult;
    /// Adds frames.
    BoardAdd = "board.add" (BoardAddParams) -> BoardState;
    /// Changes a frame. A changed prompt asks for new takes, which
    /// `board.render` draws; those of the old one stay.
    BoardEdit = "board.edit" (BoardEditParams) -> BoardState;
    /// Picks a take, or a picture of one's own; `shot_N.png` follows.
    BoardPick = "board.pick" (BoardPickParams) -> BoardState;
    /// Asks for a new batch of takes, which `board.render` draws; the old ones
    /// stay.
    BoardRedo = "board.redo" (BoardRedoParams) -> BoardState;
    /// Draws what a board asks for and does not have, take by take, as jobs of
    /// the priority `batch`. Answers when all is drawn; until then events tell
    /// how far it is. Each take is stored when it is drawn; what ends the
    /// drawing (the connection's end, `board.stop`, a crash) costs no more than
    /// the take at hand. While a board is drawn, a second request is `busy`.
    BoardRender = "board.render" (BoardRenderParams) -> BoardRenderResult;
    /// Ends the drawing of a board; its `board.render` is answered with
    /// `cancelled`.
    BoardStop = "board.stop" (BoardParams) -> BoardStopResult;
    /// Lays a board out for people: a contact sheet of the takes, or the grid
    /// of the scene.
    BoardSheet = "board.sheet" (BoardSheetParams) -> BoardSheetResult;
    /// Exports a board for editors and browsers. Frames without a pick are
    /// shown by their first takes; frames without any are black.
    BoardExport = "board.export" (BoardExportParams) -> BoardExportResult;
    /// Ends the daemon. Jobs that outlive their connections wait for the next
    /// daemon; the others are cancelled.
    DaemonStop = "daemon.stop" (Nothing) -> Nothing;
}
