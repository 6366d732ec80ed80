//! What the methods do that are about endpoints for scenes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use framewright_endpoints::{
    DEFAULT_TIMEOUT_SECONDS, Endpoint, EndpointError, Listed, Setting, SettingError, Settings,
};
use framewright_protocol::{
    ErrorCode, ModelProblem, Nothing, PlannerAddParams, PlannerListResult, PlannerParams,
    PlannerSummary, PlannerTest, PlannerTestResult, WireError,
};

use crate::answers::blocking;
use crate::daemon::Daemon;
use crate::request::decoded;
use crate::scene_answers;

/// Characters of an answer that `planner.test` shows.
const SHOWN: usize = 2_000;

fn settings(daemon: &Daemon) -> Settings {
    Settings::new(daemon.home.data.join("planners"))
}

/// The endpoint of a name, with its key.
///
/// # Errors
/// `not_found`, `invalid_params`.
pub fn endpoint(daemon: &Daemon, name: &str) -> Result<Endpoint, WireError> {
    let setting = settings(daemon)
        .get(name)
        .map_err(|error| refused(name, &error))?;
    Endpoint::new(&setting).map_err(|error| match error {
        EndpointError::Setting(error) => refused(name, &error),
        error => WireError::new(ErrorCode::InvalidParams, error.to_string())
            .about(name)
            .hint("the key comes from the daemon's environment, or from a file of mode 600"),
    })
}

/// `planner.list`
pub fn list(daemon: &Daemon, _: Nothing) -> Result<PlannerListResult, WireError> {
    let settings = settings(daemon);
    let listed = settings
        .list()
        .map_err(|error| refused("planners", &error))?;
    let mut planners = Vec::new();
    let mut problems = Vec::new();
    for Listed { name, setting } in listed {
        let path = settings.folder().join(format!("{name}.toml"));
        match setting {
            Ok(setting) => planners.push(summary(name, &setting, path)),
            Err(error) => problems.push(ModelProblem {
                path: path.display().to_string(),
                line: match &error {
                    SettingError::Toml { line, .. } => *line,
                    _ => None,
                },
                reason: error.to_string(),
                hint: Some("correct the file, or remove it".to_owned()),
            }),
        }
    }
    Ok(PlannerListResult {
        planners,
        problems,
        folder: settings.folder().display().to_string(),
    })
}

/// `planner.add`
pub fn add(daemon: &Daemon, params: PlannerAddParams) -> Result<PlannerSummary, WireError> {
    let setting = Setting {
        url: params.url,
        model: params.model,
        key_env: params.key_env,
        key_file: params.key_file.map(PathBuf::from),
        timeout_seconds: params.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS),
    };
    let replace = params.replace.unwrap_or(false);
    let added = settings(daemon).add(&params.name, &setting, replace);
    let path = added.map_err(|error| refused(&params.name, &error))?;
    Ok(summary(params.name, &setting, path))
}

/// `planner.remove`
pub fn remove(daemon: &Daemon, params: PlannerParams) -> Result<Nothing, WireError> {
    let removed = settings(daemon).remove(&params.name);
    removed.map_err(|error| refused(&params.name, &error))?;
    Ok(Nothing {})
}

/// `planner.test`
pub async fn test(daemon: &Arc<Daemon>, bytes: &[u8]) -> Result<PlannerTestResult, WireError> {
    let PlannerParams { name } = decoded::<PlannerTest>(bytes)?;
    let wanted = name.clone();
    let endpoint = blocking(daemon, move |daemon| endpoint(daemon, &wanted)).await?;
    let began = Instant::now();
    let tried = scene_answers::try_out(daemon, &endpoint).await;
    let (reply, prompts) = tried.map_err(|error| error.about(name))?;
    Ok(PlannerTestResult {
        seconds: began.elapsed().as_secs_f64(),
        structured: reply.structured,
        prompts: prompts as u64,
        answer: reply.text.chars().take(SHOWN).collect(),
    })
}

fn summary(name: String, setting: &Setting, path: PathBuf) -> PlannerSummary {
    PlannerSummary {
        name,
        url: setting.shown_url(),
        model: setting.model.clone(),
        key: setting.key_source().as_str().to_owned(),
        timeout_seconds: setting.timeout_seconds,
        path: path.display().to_string(),
    }
}

fn refused(name: &str, error: &SettingError) -> WireError {
    let (code, hint) = match error {
        SettingError::NotFound { .. } => (
            ErrorCode::NotFound,
            "`planner list` tells which there are; `planner add` adds one",
        ),
        SettingError::Exists { .. } => (
            ErrorCode::Conflict,
            "choose another name, or `--replace` it",
        ),
        SettingError::Io { .. } => (ErrorCode::Storage, "see that the folder can be written"),
        SettingError::Name { .. } => (
            ErrorCode::InvalidParams,
            "up to 64 letters, digits, - and _; not `embedded`",
        ),
        SettingError::Toml { .. } => (ErrorCode::InvalidParams, "correct the file, or add it anew"),
        _ => (
            ErrorCode::InvalidParams,
            "an address is like http://127.0.0.1:8080/v1 or https://example.org/v1",
        ),
    };
    WireError::new(code, error.to_string())
        .about(name)
        .hint(hint)
}
