//! The framewright command.

mod again;
mod arguments;
mod board;
mod board_arguments;
mod board_render;
mod board_review;
mod by_name;
mod cast;
mod contact_sheet;
mod control;
mod failure;
mod frame_file;
mod frame_files;
mod generate;
mod inpaint;
mod install;
mod jobs;
mod library;
mod lora;
mod models;
mod planners;
mod progress;
mod prompt;
mod review_keys;
mod scene;
mod segment;
mod terminal_picture;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{CommandFactory, Parser};
use framewright_client::{Client, ClientError, ConnectOptions};
use framewright_protocol::{Home, LibraryKind, ModelImport};

use crate::arguments::{Arguments, Command, DaemonCommand, ModelCommand, PromptCommand};
use crate::failure::Failure;

/// What `--home` says.
static HOME: OnceLock<PathBuf> = OnceLock::new();

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    if let Some(home) = &arguments.home {
        // Fails only where the system tells no current directory.
        let home = std::path::absolute(home).unwrap_or_else(|_| home.clone());
        HOME.get_or_init(|| home);
    }
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            failure.print(json);
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the command cannot run: {error}")))?;
    let json = arguments.json;
    runtime.block_on(async {
        match arguments.command {
            Command::Generate(generate) => generate::run(generate, json).await,
            Command::Inpaint(inpaint) => inpaint::run(inpaint, json).await,
            Command::Again(again) => again::run(again, json).await,
            Command::Board { command } => board::run(command, json).await,
            Command::Model { command } => match command {
                ModelCommand::List => models::list(json).await,
                ModelCommand::Inspect { model } => models::inspect(&model, json).await,
                ModelCommand::Import(import) => library::import::<ModelImport>(import, json).await,
            },
            Command::Lora { command } => lora::run(command, json).await,
            Command::Character { command } => {
                library::documents(LibraryKind::Character, command, json).await
            }
            Command::Shot { command } => library::documents(LibraryKind::Shot, command, json).await,
            Command::Library { command } => library::run(command, json).await,
            Command::Prompt { command } => match command {
                PromptCommand::Lint { prompt } => prompt::lint(prompt, json).await,
                PromptCommand::Tokens { prompt, model } => {
                    prompt::tokens(prompt, model, json).await
                }
            },
            Command::Segment(arguments) => segment::run(arguments, json).await,
            Command::Scene { command } => scene::run(command, json).await,
            Command::Planner { command } => planners::run(command, json).await,
            Command::Job { command } => jobs::run(command, json).await,
            Command::Daemon { command } => match command {
                DaemonCommand::Start => control::start(json).await,
                DaemonCommand::Stop => control::stop(json).await,
                DaemonCommand::Status => control::status(json).await,
                DaemonCommand::Logs { lines, path } => control::logs(lines, path, json),
            },
            Command::Install(command) => install::install(&command, json),
            Command::Uninstall(command) => install::uninstall(&command, json),
            Command::Call { method, params } => by_name::run(&method, &params).await,
            Command::Completions { shell } => {
                let mut command = Arguments::command();
                clap_complete::generate(shell, &mut command, "framewright", &mut std::io::stdout());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

/// Connects to the daemon, starting it when none runs.
async fn connect() -> Result<Client, Failure> {
    Ok(Client::connect(&options()).await?)
}

/// Connects to a daemon that runs already.
async fn connect_running() -> Result<Client, ClientError> {
    let mut options = options();
    options.start = false;
    Client::connect(&options).await
}

fn options() -> ConnectOptions {
    let mut options = ConnectOptions::new(concat!("framewright ", env!("CARGO_PKG_VERSION")));
    options.home = HOME.get().cloned();
    options
}

/// The daemon's directories.
fn home() -> Result<Home, ClientError> {
    Ok(match HOME.get() {
        Some(directory) => Home::under(directory)?,
        None => Home::from_environment()?,
    })
}

/// Prints a value as the command's one JSON answer.
fn print_json(value: &serde_json::Value) {
    print_lines(&format!("{value:#}"));
}

/// Prints text; a reader that went away, as `head` does, is no failure.
fn print_lines(text: &str) {
    use std::io::Write;

    let _ = writeln!(std::io::stdout(), "{text}");
}
