//! Wire types and framing shared by the daemon and its Rust clients.
//!
//! The specification for people is `README.md` beside this crate; a test fails
//! when the two differ. Every method, parameter, result and event is a
//! [`record`](crate::record::Record), so the daemon's `describe` answer is made
//! from the very types that it decodes.

#[macro_use]
mod record;

mod board;
mod error;
mod event;
mod frame;
mod home;
mod inpaint;
mod jobs;
mod library;
mod limits;
mod mask;
mod message;
mod method;
mod params;
mod scene;

pub use board::{
    BoardAddParams, BoardBatch, BoardEditParams, BoardExportParams, BoardExportResult, BoardFrame,
    BoardImportParams, BoardNewParams, BoardParams, BoardPickParams, BoardPlanParams,
    BoardPlanResult, BoardProgress, BoardPrompt, BoardRedoParams, BoardRenderParams,
    BoardRenderResult, BoardSheetParams, BoardSheetResult, BoardState, BoardStopResult, BoardTake,
    ExportFormat, SheetKind,
};
pub use error::{ErrorCode, WireError};
pub use event::{
    Event, JobEnded, JobProgress, JobQueued, JobResumed, JobStarted, JobSuspended, Known,
    all_events,
};
pub use frame::{FrameError, encode, read_frame, write_frame};
pub use home::{Home, HomeError};
pub use inpaint::{
    CanvasPart, Extension, InpaintContextParams, InpaintContextResult, InpaintParams,
    InpaintResult, PixelBox, RegionAdvice, RegionFill,
};
pub use jobs::{
    BlobGetParams, BlobGetResult, BlobPutParams, BlobPutResult, CancelResult, JobEventsParams,
    JobEventsResult, JobListParams, JobListResult, JobParams, JobShowResult, JobState, JobSummary,
    Priority, PruneParams, PruneResult, SubmitParams, Submitted, SubscribeParams, WaitParams,
    WaitResult, WaitingJobs, WatchResult,
};
pub use library::{
    AddedFolder, DocumentDeleteParams, DocumentListParams, DocumentListResult, DocumentParams,
    DocumentPutParams, DocumentPutResult, DocumentResult, DocumentSummary, FolderParams,
    FoldersResult, ImportParams, ImportResult, LibraryChange, LibraryChanged, LibraryKind,
    LoraInspectParams, LoraInspectResult, LoraListResult, LoraSummary,
};
pub use limits::{Limits, PROTOCOL_LEVEL, PROTOCOL_OLDEST};
pub use mask::{
    MaskBoxParams, MaskCandidate, MaskOperation, MaskPoint, MaskPolygonParams, MaskRect,
    MaskRefineParams, MaskResult, MaskSegmentParams, MaskSegmentResult, SegmenterListResult,
    SegmenterSummary,
};
pub use message::{Message, MessageError, Request, Response, decode_fields, from_value, to_value};
pub use method::{
    BlobGet, BlobPut, DaemonStop, Describe, DocumentDelete, DocumentGet, DocumentList, DocumentPut,
    EventsSubscribe, FrameAgain, FrameGenerate, FrameInpaint, Hello, InpaintContext, JobAgain,
    JobCancel, JobEvents, JobList, JobPrune, JobShow, JobSubmit, JobWait, JobWatch,
    LibraryAddFolder, LibraryFolders, LibraryRemoveFolder, LoraImport, LoraInspect, LoraList,
    MaskBox, MaskPolygon, MaskRefine, MaskSegment, MaskSegmenters, Method, ModelImport,
    ModelInspect, ModelList, Ping, PlannerAdd, PlannerList, PlannerRemove, PlannerTest, PromptLint,
    PromptRecast, PromptTokens, ScenePlan, SceneRead, Status, all_methods,
};
pub use method::{
    BoardAdd, BoardEdit, BoardExport, BoardImport, BoardNew, BoardOpen, BoardPick, BoardPlan,
    BoardRedo, BoardRender, BoardSheet, BoardStop,
};
pub use params::{
    AgainParams, AgainResult, AppliedLora, DescribeResult, EventDescription, FieldDescription,
    FrameResult, GenerateParams, GenerateResult, HelloParams, HelloResult, HiresParams,
    InspectParams, InspectResult, LintParams, LintResult, LoraParams, MethodDescription,
    ModelListResult, ModelProblem, ModelSummary, Nothing, Picture, PictureFormat, PromptEdit,
    PromptFinding, RecastParams, RecastResult, RegionParams, StatusResult, TokenChunk, TokenPiece,
    TokensParams, TokensResult,
};
pub use record::{Field, Record, WireType};
/// A value whose shape depends on something else.
pub use rmpv::Value;
pub use scene::{
    PlannedPrompt, PlannerAddParams, PlannerListResult, PlannerParams, PlannerSummary,
    PlannerTestResult, ScenePlanParams, ScenePlanResult, SceneReadParams, SceneReadResult,
    ShotChoice,
};
