//! What each method does.

use std::sync::Arc;

use framewright_library::Kind;
use framewright_protocol::{
    BlobGet, BlobPut, DaemonStop, Describe, DescribeResult, DocumentDelete, DocumentGet,
    DocumentList, DocumentPut, ErrorCode, EventsSubscribe, FieldDescription, FrameAgain,
    FrameGenerate, FrameInpaint, HelloParams, HelloResult, InpaintContext, JobAgain, JobCancel,
    JobEvents, JobList, JobPrune, JobShow, JobSubmit, JobWait, JobWatch, LibraryAddFolder,
    LibraryFolders, LibraryRemoveFolder, Limits, LoraImport, LoraInspect, LoraList, MaskBox,
    MaskPolygon, MaskRefine, MaskSegment, MaskSegmenters, Method, ModelImport, ModelInspect,
    ModelList, Nothing, PROTOCOL_LEVEL, PROTOCOL_OLDEST, Ping, PlannerAdd, PlannerList,
    PlannerRemove, PlannerTest, PromptLint, PromptRecast, PromptTokens, ScenePlan, SceneRead,
    Status, SubscribeParams, TokensParams, TokensResult, WireError, all_events, all_methods,
};
use framewright_protocol::{
    BoardAdd, BoardEdit, BoardExport, BoardImport, BoardNew, BoardOpen, BoardPick, BoardPlan,
    BoardRedo, BoardRender, BoardSheet, BoardStop,
};

use crate::connection::{Client, Turn, answer, refusal};
use crate::daemon::{Daemon, VERSION};
use crate::order::{self, find_model};
use crate::request::decoded;
use crate::{
    blob_answers, board_answers, board_drawing, board_planning, job_answers, library_answers,
    mask_answers, planner_answers, prompt_answers, scene_answers,
};

/// Answers `hello`; gives the client's name too.
///
/// # Errors
/// `hello_first` when there is no level that both sides speak.
pub fn hello(bytes: &[u8]) -> Result<(HelloResult, String), WireError> {
    let HelloParams { client, protocol } = decoded::<framewright_protocol::Hello>(bytes)?;
    if protocol < PROTOCOL_OLDEST {
        return Err(WireError::new(
            ErrorCode::HelloFirst,
            format!(
                "protocol level {protocol} is no longer served; the oldest is {PROTOCOL_OLDEST}"
            ),
        )
        .hint("update the client"));
    }
    tracing::debug!(client, protocol, "hello");
    let result = HelloResult {
        protocol: PROTOCOL_LEVEL,
        oldest: PROTOCOL_OLDEST,
        version: VERSION.to_owned(),
        limits: Limits::CURRENT,
        capabilities: Vec::new(),
    };
    Ok((result, client))
}

/// Answers what waits for nobody, so that it is answered however much waits;
/// `None` for any other method.
pub async fn at_once(daemon: &Arc<Daemon>, id: u64, method: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    Some(match method {
        Ping::NAME => answer::<Ping>(id, Ok(Nothing {})),
        Status::NAME => read::<Status>(daemon, id, bytes, |daemon, _| Ok(daemon.status())).await,
        JobCancel::NAME => read::<JobCancel>(daemon, id, bytes, job_answers::cancel).await,
        DaemonStop::NAME => {
            tracing::info!("asked to stop");
            // The connection lets the daemon go once this is on its way.
            read::<DaemonStop>(daemon, id, bytes, |daemon, _| {
                daemon.jobs.stop();
                Ok(Nothing {})
            })
            .await
        }
        _ => return None,
    })
}

/// Whether requests of this method take effect in the order in which a
/// connection sends them, whether or not it waits for the answers.
pub fn in_order(method: &str) -> bool {
    [
        FrameGenerate::NAME,
        FrameInpaint::NAME,
        FrameAgain::NAME,
        JobSubmit::NAME,
        JobAgain::NAME,
        BlobPut::NAME,
        DocumentPut::NAME,
        DocumentDelete::NAME,
        BoardNew::NAME,
        BoardAdd::NAME,
        BoardEdit::NAME,
        BoardPick::NAME,
        BoardRedo::NAME,
    ]
    .contains(&method)
}

/// Answers what reads files or waits for the engine.
pub async fn in_time(
    daemon: &Arc<Daemon>,
    client: &Client,
    mut turn: Option<Turn>,
    id: u64,
    method: &str,
    bytes: &[u8],
) -> Vec<u8> {
    if let Some(turn) = &mut turn {
        turn.come().await;
    }
    match method {
        FrameGenerate::NAME => {
            let outcome = job_answers::generate(daemon, client, turn, id, bytes).await;
            answer::<FrameGenerate>(id, outcome)
        }
        FrameInpaint::NAME => {
            let outcome = job_answers::inpaint(daemon, client, turn, id, bytes).await;
            answer::<FrameInpaint>(id, outcome)
        }
        InpaintContext::NAME => {
            read::<InpaintContext>(daemon, id, bytes, job_answers::context).await
        }
        FrameAgain::NAME => {
            let outcome = job_answers::again(daemon, client, turn, id, bytes).await;
            answer::<FrameAgain>(id, outcome)
        }
        JobSubmit::NAME => {
            let outcome = job_answers::submit(daemon, client, bytes).await;
            answer::<JobSubmit>(id, outcome)
        }
        JobWait::NAME => answer::<JobWait>(id, job_answers::wait(daemon, bytes).await),
        JobWatch::NAME => {
            let client = client.clone();
            read::<JobWatch>(daemon, id, bytes, move |daemon, params| {
                job_answers::watch(daemon, &client, params)
            })
            .await
        }
        JobAgain::NAME => {
            let client = client.clone();
            read::<JobAgain>(daemon, id, bytes, move |daemon, params| {
                job_answers::once_more(daemon, &client, params)
            })
            .await
        }
        BlobPut::NAME => {
            let owner = client.owner;
            read::<BlobPut>(daemon, id, bytes, move |daemon, params| {
                blob_answers::put(daemon, owner, params)
            })
            .await
        }
        EventsSubscribe::NAME => {
            let client = client.clone();
            read::<EventsSubscribe>(daemon, id, bytes, move |daemon, params| {
                subscribe(daemon, &client, &params)
            })
            .await
        }
        JobList::NAME => read::<JobList>(daemon, id, bytes, job_answers::list).await,
        JobShow::NAME => read::<JobShow>(daemon, id, bytes, job_answers::show).await,
        JobEvents::NAME => read::<JobEvents>(daemon, id, bytes, job_answers::events).await,
        JobPrune::NAME => read::<JobPrune>(daemon, id, bytes, job_answers::prune).await,
        BlobGet::NAME => read::<BlobGet>(daemon, id, bytes, blob_answers::get).await,
        Describe::NAME => answer::<Describe>(id, Ok(describe())),
        ModelList::NAME => read::<ModelList>(daemon, id, bytes, library_answers::models).await,
        ModelInspect::NAME => {
            read::<ModelInspect>(daemon, id, bytes, library_answers::inspect_model).await
        }
        ModelImport::NAME => {
            let client = client.clone();
            read::<ModelImport>(daemon, id, bytes, move |daemon, params| {
                library_answers::import(daemon, &client, Kind::Model, params)
            })
            .await
        }
        LoraImport::NAME => {
            let client = client.clone();
            read::<LoraImport>(daemon, id, bytes, move |daemon, params| {
                library_answers::import(daemon, &client, Kind::Lora, params)
            })
            .await
        }
        LoraList::NAME => read::<LoraList>(daemon, id, bytes, library_answers::loras).await,
        LoraInspect::NAME => {
            let client = client.clone();
            read::<LoraInspect>(daemon, id, bytes, move |daemon, params| {
                library_answers::inspect_lora(daemon, &client, &params)
            })
            .await
        }
        LibraryFolders::NAME => {
            read::<LibraryFolders>(daemon, id, bytes, library_answers::folders).await
        }
        LibraryAddFolder::NAME => {
            read::<LibraryAddFolder>(daemon, id, bytes, library_answers::add_folder).await
        }
        LibraryRemoveFolder::NAME => {
            read::<LibraryRemoveFolder>(daemon, id, bytes, library_answers::remove_folder).await
        }
        DocumentList::NAME => {
            read::<DocumentList>(daemon, id, bytes, library_answers::documents).await
        }
        DocumentGet::NAME => {
            read::<DocumentGet>(daemon, id, bytes, library_answers::document).await
        }
        DocumentPut::NAME => {
            read::<DocumentPut>(daemon, id, bytes, library_answers::put_document).await
        }
        DocumentDelete::NAME => {
            read::<DocumentDelete>(daemon, id, bytes, library_answers::delete_document).await
        }
        BoardNew::NAME => read::<BoardNew>(daemon, id, bytes, board_answers::new).await,
        BoardOpen::NAME => read::<BoardOpen>(daemon, id, bytes, board_answers::open).await,
        BoardAdd::NAME => read::<BoardAdd>(daemon, id, bytes, board_answers::add).await,
        BoardEdit::NAME => read::<BoardEdit>(daemon, id, bytes, board_answers::edit).await,
        BoardPick::NAME => read::<BoardPick>(daemon, id, bytes, board_answers::pick).await,
        BoardRedo::NAME => read::<BoardRedo>(daemon, id, bytes, board_answers::redo).await,
        BoardSheet::NAME => read::<BoardSheet>(daemon, id, bytes, board_answers::sheet).await,
        BoardExport::NAME => read::<BoardExport>(daemon, id, bytes, board_answers::export).await,
        BoardPlan::NAME => {
            let outcome = board_planning::plan(daemon, client, bytes).await;
            answer::<BoardPlan>(id, outcome)
        }
        BoardImport::NAME => {
            let outcome = board_planning::import(daemon, client, bytes).await;
            answer::<BoardImport>(id, outcome)
        }
        BoardRender::NAME => {
            let outcome = board_drawing::render(daemon, client, id, bytes).await;
            answer::<BoardRender>(id, outcome)
        }
        BoardStop::NAME => answer::<BoardStop>(id, board_drawing::stop(daemon, bytes).await),
        MaskSegment::NAME => {
            let client = client.clone();
            read::<MaskSegment>(daemon, id, bytes, move |daemon, params| {
                mask_answers::segment(daemon, &client, params)
            })
            .await
        }
        MaskSegmenters::NAME => {
            read::<MaskSegmenters>(daemon, id, bytes, mask_answers::segmenters).await
        }
        MaskRefine::NAME => read::<MaskRefine>(daemon, id, bytes, mask_answers::refine).await,
        MaskBox::NAME => read::<MaskBox>(daemon, id, bytes, mask_answers::boxes).await,
        MaskPolygon::NAME => read::<MaskPolygon>(daemon, id, bytes, mask_answers::polygon).await,
        PromptLint::NAME => read::<PromptLint>(daemon, id, bytes, prompt_answers::lint).await,
        PromptRecast::NAME => read::<PromptRecast>(daemon, id, bytes, prompt_answers::recast).await,
        // These wait for servers elsewhere, and end with their connection.
        ScenePlan::NAME => answer::<ScenePlan>(id, scene_answers::plan(daemon, bytes).await),
        PlannerTest::NAME => answer::<PlannerTest>(id, planner_answers::test(daemon, bytes).await),
        SceneRead::NAME => read::<SceneRead>(daemon, id, bytes, scene_answers::read).await,
        PlannerList::NAME => read::<PlannerList>(daemon, id, bytes, planner_answers::list).await,
        PlannerAdd::NAME => read::<PlannerAdd>(daemon, id, bytes, planner_answers::add).await,
        PlannerRemove::NAME => {
            read::<PlannerRemove>(daemon, id, bytes, planner_answers::remove).await
        }
        PromptTokens::NAME => read::<PromptTokens>(daemon, id, bytes, tokens).await,
        _ => refusal(
            Some(id),
            WireError::new(ErrorCode::UnknownMethod, "there is no such method")
                .about(method)
                .hint("`describe` tells every method; a newer daemon may have it"),
        ),
    }
}

fn subscribe(
    daemon: &Daemon,
    client: &Client,
    params: &SubscribeParams,
) -> Result<Nothing, WireError> {
    let known = |topic: &String| topic == "jobs" || topic == "library";
    if let Some(topic) = params.topics.iter().find(|topic| !known(topic)) {
        return Err(
            WireError::new(ErrorCode::InvalidParams, "there is no such topic")
                .about(topic.chars().take(100).collect::<String>())
                .hint("there are: jobs, library"),
        );
    }
    for topic in &params.topics {
        if topic == "jobs" {
            daemon.hub.watch_all_jobs(client);
        } else {
            daemon.hub.watch_library(client);
            // What the first look finds is no news: whoever is told of changes
            // from now on must not write before it.
            daemon.library.snapshot();
        }
    }
    Ok(Nothing {})
}

/// Answers a method that reads files, where that may block.
async fn read<M: Method>(
    daemon: &Arc<Daemon>,
    id: u64,
    bytes: &[u8],
    make: impl FnOnce(&Daemon, M::Params) -> Result<M::Result, WireError> + Send + 'static,
) -> Vec<u8> {
    let outcome = match decoded::<M>(bytes) {
        Ok(params) => blocking(daemon, move |daemon| make(daemon, params)).await,
        Err(error) => Err(error),
    };
    answer::<M>(id, outcome)
}

/// Does what may block where that is allowed.
///
/// # Errors
/// What `work` says; `internal` when it panics.
pub async fn blocking<T: Send + 'static>(
    daemon: &Arc<Daemon>,
    work: impl FnOnce(&Daemon) -> Result<T, WireError> + Send + 'static,
) -> Result<T, WireError> {
    let daemon = daemon.clone();
    let done = tokio::task::spawn_blocking(move || work(&daemon)).await;
    done.unwrap_or_else(|error| {
        tracing::error!("a request failed: {error}");
        Err(WireError::new(
            ErrorCode::Internal,
            "the daemon failed in a way that it should not",
        )
        .hint("the daemon's log says where"))
    })
}

fn describe() -> DescribeResult {
    DescribeResult {
        protocol: PROTOCOL_LEVEL,
        methods: all_methods(),
        events: all_events(),
        errors: ErrorCode::ALL
            .iter()
            .map(|(code, doc)| FieldDescription {
                name: (*code).to_owned(),
                kind: "string".to_owned(),
                optional: false,
                doc: doc.trim().to_owned(),
            })
            .collect(),
    }
}

fn tokens(daemon: &Daemon, params: TokensParams) -> Result<TokensResult, WireError> {
    order::check_prompt("prompt", &params.prompt)?;
    let model = find_model(&daemon.library, params.model.as_deref())?;
    daemon.reader.tokens(&model, &params.prompt)
}
