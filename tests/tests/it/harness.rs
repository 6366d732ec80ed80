//! A home, a command in it, and the end of its daemon.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use framewright_client::Client;
use framewright_protocol::{Nothing, Status};
use image::RgbImage;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The model of random weights that the homes know as `tiny`.
pub fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/data/pipeline")
}

/// Where the programs under test are. They are built first, so that nothing
/// old is tested.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // target/PROFILE/deps/it-HASH
        let test = std::env::current_exe().unwrap();
        let programs = test.parent().unwrap().parent().unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        // As the tests themselves are built: two packages alone would have other features of what
        // they share, and all of it would be built twice.
        build.args(["build", "--quiet", "--workspace", "--bins", "--tests"]);
        build.arg("--target-dir").arg(programs.parent().unwrap());
        if programs.ends_with("release") {
            build.arg("--release");
        }
        assert!(
            build.status().unwrap().success(),
            "the programs cannot be built"
        );
        programs
    })
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, when it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A home of its own for one test; its daemon ends with it.
pub struct Home {
    directory: TempDir,
}

impl Home {
    /// A home with the model `tiny`, whose frames take a moment.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("fw").tempdir().unwrap();
        let home = Self { directory };
        std::fs::create_dir_all(home.path("data/models")).unwrap();
        std::fs::create_dir_all(home.path("work")).unwrap();
        let manifest = format!(
            "family = 'tiny'\npath = '{}'\n[defaults]\nwidth = 64\nheight = 64\nsteps = 3\n",
            tiny_model().display()
        );
        home.write("data/models/tiny.toml", &manifest);
        home
    }

    /// A path in the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where commands run.
    pub fn work(&self, name: &str) -> PathBuf {
        self.path("work").join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes a program.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        self.write(name, text);
        let path = self.path(name);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    fn prepared(&self, program: &str) -> Command {
        let mut command = Command::new(programs().join(program));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("FRAMEWRIGHT_HOME", self.directory.path())
            .env("FRAMEWRIGHT_THREADS", "2")
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    /// `framewright` in this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.prepared("framewright");
        command.args(arguments);
        command
    }

    /// `framewrightd` in this home.
    pub fn daemon(&self) -> Command {
        self.prepared("framewrightd")
    }

    /// A connection to the daemon that runs; `None` when none answers.
    pub async fn connect(&self) -> Option<Client> {
        let socket = self.path("run/daemon.sock");
        let stream = tokio::net::UnixStream::connect(socket).await.ok()?;
        let (reader, writer) = tokio::io::split(stream);
        Client::greet(reader, writer, "test").await.ok()
    }

    /// Whether the engine has work.
    pub async fn is_at_work(&self, client: &Client) -> bool {
        let status = client.call::<Status>(&Nothing {}).await.unwrap();
        status.running.is_some()
    }

    /// Starts the daemon by itself and waits until it answers.
    pub async fn start_daemon(&self) -> (Child, Client) {
        let mut command = self.daemon();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        loop {
            if let Some(client) = self.connect().await {
                return (child, client);
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "it never answers"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Starts the daemon with a disk that is soon full, as far as it can tell:
    /// no file of it may have more than 160 kB.
    pub fn start_daemon_with_little_room(&self) -> Child {
        let program = self.daemon();
        let named = |(name, value)| Some((name, Option::<&std::ffi::OsStr>::Some(value?)?));
        let mut daemon = Command::new("bash");
        daemon
            .args(["-c", "trap '' XFSZ; ulimit -f 160; exec \"$0\""])
            .arg(program.get_program())
            .env_clear()
            .envs(program.get_envs().filter_map(named))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let daemon = daemon.spawn().unwrap();
        until("it listens", || self.path("run/daemon.sock").exists());
        daemon
    }

    /// Runs `framewright` to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().unwrap())
    }

    /// Starts `framewright` and leaves it running.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        self.started(self.command(arguments))
    }

    /// Starts a command and leaves it running.
    pub fn started(&self, mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running {
            child: command.spawn().unwrap(),
        }
    }

    /// The daemon's state.
    pub fn status(&self) -> Value {
        self.run(&["--json", "daemon", "status"]).ok().json()
    }

    /// The daemon's process.
    pub fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.path("run/daemon.lock"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Whether a daemon was ever asked for here.
    pub fn is_untouched(&self) -> bool {
        !self.path("run").exists() && !self.path("logs").exists()
    }

    /// Sends the daemon a signal.
    pub fn signal_daemon(&self, signal: Signal) {
        send(self.pid().expect("a daemon"), signal);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.is_untouched() {
            return;
        }
        let stopped = self.run(&["daemon", "stop"]);
        if let (Some(pid), false) = (self.pid(), stopped.code == Some(0)) {
            send(pid, Signal::KILL);
        }
    }
}

fn send(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// A command that runs.
pub struct Running {
    child: Child,
}

impl Running {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(i32::try_from(self.child.id()).unwrap(), signal);
    }

    /// Waits for its end.
    pub fn end(self) -> Ran {
        Ran::new(self.child.wait_with_output().unwrap())
    }
}

/// Waits until `what` holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The pixels of a PNG file.
#[track_caller]
pub fn pixels(path: &Path) -> RgbImage {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    image::load_from_memory(&bytes).unwrap().into_rgb8()
}

/// The names in a directory, in order.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
