//! Wire types and framing shared by the daemon and its Rust clients.
//!
//! The specification for people is `README.md` beside this crate; a test fails
//! when the two differ. Every method, parameter, result and event is a
//! [`record`](crate::record::Record), so the daemon's `describe` answer is made
//! from the very types that it decodes.

#[macro_use]
mod record;

mod error;
mod event;
mod frame;
mod home;
mod limits;
mod message;
mod method;
mod params;

pub use error::{ErrorCode, WireError};
pub use event::{Event, JobProgress, JobQueued, JobStarted, Known, all_events};
pub use frame::{FrameError, encode, read_frame, write_frame};
pub use home::{Home, HomeError};
pub use limits::{Limits, PROTOCOL_LEVEL, PROTOCOL_OLDEST};
pub use message::{Message, MessageError, Request, Response, decode_fields};
pub use method::{
    DaemonStop, Describe, FrameAgain, FrameGenerate, Hello, JobCancel, Method, ModelInspect,
    ModelList, Ping, PromptTokens, Status, all_methods,
};
pub use params::{
    AgainParams, AgainResult, CancelParams, CancelResult, DescribeResult, EventDescription,
    FieldDescription, FrameResult, GenerateParams, GenerateResult, HelloParams, HelloResult,
    InspectParams, InspectResult, MethodDescription, ModelListResult, ModelProblem, ModelSummary,
    Nothing, Picture, PictureFormat, StatusResult, TokenChunk, TokenPiece, TokensParams,
    TokensResult,
};
pub use record::{Field, Record, WireType};
