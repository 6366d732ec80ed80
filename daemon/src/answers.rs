//! What each method does.

use std::sync::Arc;

use framewright_library::{Model, Source};
use framewright_protocol::{
    AgainParams, AgainResult, DaemonStop, Describe, DescribeResult, ErrorCode, FieldDescription,
    FrameAgain, FrameGenerate, GenerateParams, GenerateResult, HelloParams, HelloResult,
    InspectParams, InspectResult, JobCancel, JobQueued, Known, Limits, Method, ModelInspect,
    ModelList, ModelListResult, ModelProblem, ModelSummary, Nothing, PROTOCOL_LEVEL,
    PROTOCOL_OLDEST, Ping, PromptTokens, Status, TokensParams, TokensResult, WireError, all_events,
    all_methods, decode_fields,
};

use crate::connection::{Client, answer, refusal};
use crate::daemon::{Daemon, VERSION};
use crate::engine_thread::{Made, Task, Work};
use crate::order::{self, Order, find_model};
use crate::picture;

fn params<M: Method>(bytes: &[u8]) -> Result<M::Params, WireError> {
    decode_fields(bytes).map_err(|reason| {
        WireError::new(ErrorCode::InvalidParams, reason)
            .about(M::NAME)
            .hint("`describe` tells every method's parameters")
    })
}

/// Answers `hello`.
///
/// # Errors
/// `hello_first` when there is no level that both sides speak.
pub fn hello(bytes: &[u8]) -> Result<HelloResult, WireError> {
    let HelloParams { client, protocol } = params::<framewright_protocol::Hello>(bytes)?;
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
    Ok(HelloResult {
        protocol: PROTOCOL_LEVEL,
        oldest: PROTOCOL_OLDEST,
        version: VERSION.to_owned(),
        limits: Limits::CURRENT,
        capabilities: Vec::new(),
    })
}

/// Answers what takes no time; `None` for any other method.
pub fn at_once(daemon: &Daemon, id: u64, method: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    Some(match method {
        Ping::NAME => answer::<Ping>(id, Ok(Nothing {})),
        Status::NAME => answer::<Status>(id, Ok(daemon.status())),
        JobCancel::NAME => answer::<JobCancel>(
            id,
            params::<JobCancel>(bytes)
                .and_then(|params| daemon.jobs.cancel(&params.job))
                .map(|was_running| framewright_protocol::CancelResult { was_running }),
        ),
        DaemonStop::NAME => {
            tracing::info!("asked to stop");
            daemon.stop();
            answer::<DaemonStop>(id, Ok(Nothing {}))
        }
        _ => return None,
    })
}

/// Answers what reads files or waits for the engine.
pub async fn in_time(
    daemon: &Arc<Daemon>,
    client: &Client,
    id: u64,
    method: &str,
    bytes: &[u8],
) -> Vec<u8> {
    match method {
        FrameGenerate::NAME => {
            let outcome = match params::<FrameGenerate>(bytes) {
                Ok(params) => generate(daemon, client, id, params).await,
                Err(error) => Err(error),
            };
            answer::<FrameGenerate>(id, outcome)
        }
        FrameAgain::NAME => {
            let outcome = match params::<FrameAgain>(bytes) {
                Ok(params) => again(daemon, client, id, params).await,
                Err(error) => Err(error),
            };
            answer::<FrameAgain>(id, outcome)
        }
        Describe::NAME => answer::<Describe>(id, Ok(describe())),
        ModelList::NAME => read::<ModelList>(daemon, id, bytes, list).await,
        ModelInspect::NAME => read::<ModelInspect>(daemon, id, bytes, inspect).await,
        PromptTokens::NAME => read::<PromptTokens>(daemon, id, bytes, tokens).await,
        _ => refusal(
            Some(id),
            WireError::new(ErrorCode::UnknownMethod, "there is no such method")
                .about(method)
                .hint("`describe` tells every method; a newer daemon may have it"),
        ),
    }
}

/// Answers a method that reads files, where that may block.
async fn read<M: Method>(
    daemon: &Arc<Daemon>,
    id: u64,
    bytes: &[u8],
    make: fn(&Daemon, M::Params) -> Result<M::Result, WireError>,
) -> Vec<u8> {
    let outcome = match params::<M>(bytes) {
        Ok(params) => blocking(daemon, move |daemon| make(daemon, params)).await,
        Err(error) => Err(error),
    };
    answer::<M>(id, outcome)
}

async fn blocking<T: Send + 'static>(
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

async fn generate(
    daemon: &Arc<Daemon>,
    client: &Client,
    request: u64,
    params: GenerateParams,
) -> Result<GenerateResult, WireError> {
    let candidates = order::candidates(&params)?;
    let preview_every = params.preview_every;
    let format = params.format.unwrap_or_default();
    let order = blocking(daemon, move |daemon| {
        let order = Order::check(params, &daemon.models)?;
        daemon.reader.check(&order)?;
        Ok(order)
    })
    .await?;
    let task = Task::Generate {
        order: Box::new(order),
        candidates,
        format,
    };
    match submit(daemon, client, request, task, preview_every).await? {
        Made::Frames(result) => Ok(result),
        Made::Again(_) => Err(mixed_up()),
    }
}

async fn again(
    daemon: &Arc<Daemon>,
    client: &Client,
    request: u64,
    params: AgainParams,
) -> Result<AgainResult, WireError> {
    let preview_every = params.preview_every;
    let task = blocking(daemon, move |daemon| remember(daemon, params)).await?;
    match submit(daemon, client, request, task, preview_every).await? {
        Made::Again(result) => Ok(result),
        Made::Frames(_) => Err(mixed_up()),
    }
}

fn mixed_up() -> WireError {
    WireError::new(ErrorCode::Internal, "the engine made something else")
}

fn remember(daemon: &Daemon, params: AgainParams) -> Result<Task, WireError> {
    let remembered = daemon.reader.remember(&params.png)?;
    let before = picture::read_png(&params.png)?;
    let mut request = remembered.request;
    match (request.strength, params.image) {
        (Some(_), None) => {
            return Err(WireError::new(
                ErrorCode::InvalidParams,
                "the frame was made from a picture, which its PNG does not hold",
            )
            .about("image")
            .hint("give the picture that it started from"));
        }
        (None, Some(_)) => {
            return Err(WireError::new(
                ErrorCode::InvalidParams,
                "the frame was not made from a picture",
            )
            .about("image"));
        }
        (_, image) => request.image = image,
    }
    if params.model.is_some() {
        request.model = params.model;
    }
    let order = Order::check(request, &daemon.models)?;
    daemon.reader.check(&order)?;
    Ok(Task::Again {
        order: Box::new(order),
        before,
        provenance: remembered.provenance,
    })
}

async fn submit(
    daemon: &Daemon,
    client: &Client,
    request: u64,
    task: Task,
    preview_every: Option<u32>,
) -> Result<Made, WireError> {
    let made = daemon.jobs.submit(client.owner, |job, ahead| {
        client.events.send(Known::Queued(JobQueued {
            job: job.to_owned(),
            request,
            ahead,
        }));
        Work {
            request,
            task,
            preview_every,
            events: client.events.clone(),
        }
    })?;
    made.await
        .unwrap_or_else(|_| Err(WireError::new(ErrorCode::Internal, "the job was lost")))
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

fn list(daemon: &Daemon, _: Nothing) -> Result<ModelListResult, WireError> {
    let listing = daemon.models.list();
    Ok(ModelListResult {
        models: listing.models.iter().map(summary).collect(),
        problems: listing
            .problems
            .into_iter()
            .map(|problem| ModelProblem {
                path: problem.path.display().to_string(),
                line: problem.line,
                reason: problem.reason,
                hint: problem.hint,
            })
            .collect(),
        folder: daemon.models.folder().display().to_string(),
    })
}

fn inspect(daemon: &Daemon, params: InspectParams) -> Result<InspectResult, WireError> {
    let model = find_model(&daemon.models, Some(&params.model))?;
    Ok(InspectResult {
        report: daemon.reader.inspect(&model)?,
        model: summary(&model),
    })
}

fn tokens(daemon: &Daemon, params: TokensParams) -> Result<TokensResult, WireError> {
    order::check_prompt("prompt", &params.prompt)?;
    let model = find_model(&daemon.models, params.model.as_deref())?;
    daemon.reader.tokens(&model, &params.prompt)
}

fn summary(model: &Model) -> ModelSummary {
    let (source, path) = match &model.source {
        Source::Embedded => ("embedded", None),
        Source::Folder(path) => ("folder", Some(path)),
        Source::File(path) => ("file", Some(path)),
    };
    let defaults = model.defaults.clone();
    ModelSummary {
        name: model.name.clone(),
        default: model.source == Source::Embedded,
        source: source.to_owned(),
        path: path.map(|path| path.display().to_string()),
        family: model.family.clone(),
        width: defaults.width,
        height: defaults.height,
        steps: defaults.steps,
        guidance_scale: defaults.guidance_scale,
        sampler: defaults.sampler,
        clip_skip: defaults.clip_skip,
        vae: model.vae.as_ref().map(|vae| vae.display().to_string()),
    }
}
