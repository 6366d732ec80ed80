//! The daemon's coming and going.

use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use framewright_protocol::{FrameGenerate, GenerateParams, Nothing, Ping, Status};
use rustix::process::Signal;

use crate::harness::{Home, until};

#[test]
fn it_starts_once_and_stops() {
    let home = Home::new();
    let ran = home.run(&["daemon", "status"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let started = home.run(&["--json", "daemon", "start"]).ok().json();
    let again = home.run(&["--json", "daemon", "start"]).ok().json();
    assert_eq!(started["pid"], again["pid"]);
    assert_eq!(home.pid().map(i64::from), started["pid"].as_i64());
    assert_eq!(home.run(&["daemon", "stop"]).ok().out, "stopped\n");
    assert_eq!(
        home.run(&["daemon", "stop"]).ok().out,
        "it was not running\n"
    );
    assert_eq!(home.run(&["daemon", "status"]).code, Some(3));
}

#[test]
fn its_files_are_for_this_user_alone() {
    let home = Home::new();
    home.run(&["daemon", "start"]).ok();
    let mode = |name: &str| std::fs::metadata(home.path(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("run"), 0o700);
    assert_eq!(mode("run/daemon.sock"), 0o600);
    assert_eq!(mode("logs"), 0o700);
    assert_eq!(mode("logs/framewrightd.log"), 0o600);
    let kind = std::fs::metadata(home.path("run/daemon.sock"))
        .unwrap()
        .file_type();
    assert!(kind.is_socket());
}

#[test]
fn daemons_that_start_at_once_end_as_one() {
    let home = Home::new();
    let mut daemons: Vec<_> = (0..5)
        .map(|_| {
            let mut command = home.daemon();
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    let mut living = 0;
    until("one is left", || {
        let waited = daemons.iter_mut().map(|daemon| daemon.try_wait().unwrap());
        living = waited.filter(Option::is_none).count();
        living == 1
    });
    let pid = home.pid().unwrap();
    let survivor = daemons
        .iter_mut()
        .find_map(|daemon| daemon.try_wait().unwrap().is_none().then(|| daemon.id()));
    assert_eq!(survivor.map(u64::from), u64::try_from(pid).ok());
    assert_eq!(home.status()["pid"], pid);
    home.run(&["daemon", "stop"]).ok();
    for mut daemon in daemons {
        assert!(
            daemon.wait().unwrap().success(),
            "finding another one is no failure"
        );
    }
}

#[test]
fn a_daemon_that_was_killed_is_replaced() {
    let home = Home::new();
    home.run(&["daemon", "start"]).ok();
    let first = home.pid().unwrap();
    home.signal_daemon(Signal::KILL);
    assert!(
        home.path("run/daemon.sock").exists(),
        "it left its socket behind"
    );
    let second = home.run(&["--json", "daemon", "start"]).ok().json();
    assert_ne!(second["pid"], first);
}

#[test]
fn a_signal_ends_it_in_order() {
    let home = Home::new();
    let mut daemon = home.daemon().stderr(Stdio::null()).spawn().unwrap();
    until("it listens", || home.path("run/daemon.sock").exists());
    home.run(&["daemon", "status"]).ok();
    home.signal_daemon(Signal::TERM);
    assert!(daemon.wait().unwrap().success());
    assert!(
        !home.path("run/daemon.sock").exists(),
        "it took its socket away"
    );
    let log = home.run(&["daemon", "logs"]).ok().out;
    assert!(log.contains("SIGTERM") && log.contains("stopped"), "{log}");
}

#[test]
fn a_start_that_fails_shows_the_log() {
    let home = Home::new();
    let program = home.program(
        "broken",
        "#!/bin/sh\necho the disk is on fire >&2\nexit 7\n",
    );
    let mut command = home.command(&["daemon", "start"]);
    let output = command
        .env("FRAMEWRIGHT_DAEMON", &program)
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("the disk is on fire"), "{err}");
    assert!(err.contains("framewrightd.log"), "{err}");
}

#[test]
fn garbage_hurts_nobody() {
    let home = Home::new();
    home.run(&["daemon", "start"]).ok();
    let mut streams: Vec<UnixStream> = (0..50)
        .map(|_| UnixStream::connect(home.path("run/daemon.sock")).unwrap())
        .collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        let garbage: Vec<u8> = (0..200_u32)
            .map(|byte| (byte * 31 + number as u32 * 17) as u8)
            .collect();
        // The daemon may have closed it in the middle.
        let _ = stream.write_all(&garbage);
    }
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "frame.png"])
        .ok();
    for mut stream in streams {
        let mut answer = Vec::new();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut answer);
    }
    until("they are gone", || home.status()["connections"] == 1);
}

#[test]
fn the_environment_of_the_client_does_not_reach_it() {
    let home = Home::new();
    let mut command = home.command(&["daemon", "start"]);
    command
        .env("LD_LIBRARY_PATH", "/nonexistent")
        .env("PYTHONPATH", "/nonexistent");
    assert!(command.output().unwrap().status.success());
    let environment = std::fs::read(format!("/proc/{}/environ", home.pid().unwrap())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(!environment.contains("/nonexistent"), "{environment}");
    assert!(environment.contains("FRAMEWRIGHT_HOME"), "{environment}");
}

#[test]
fn describe_tells_every_method() {
    let home = Home::new();
    let told = home.run(&["call", "describe"]).ok().json();
    let methods: Vec<_> = told["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["method"].as_str().unwrap())
        .collect();
    for method in ["hello", "frame.generate", "job.cancel", "daemon.stop"] {
        assert!(methods.contains(&method), "{method} in {methods:?}");
    }
    let ran = home.run(&["call", "no.such.method"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn an_option_moves_everything_as_the_variable_does() {
    let (home, other) = (Home::new(), Home::new());
    let elsewhere = other.path("");
    let elsewhere = elsewhere.to_str().unwrap().trim_end_matches('/');
    let started = home.run(&["--json", "--home", elsewhere, "daemon", "start"]);
    let started = started.ok().json();
    assert!(home.is_untouched());
    assert_eq!(other.status()["pid"], started["pid"]);
    assert_eq!(started["data"], format!("{elsewhere}/data"));
}

#[tokio::test]
async fn a_thousand_connections_hurt_nobody_who_is_there() {
    let home = Home::new();
    let (mut daemon, client) = home.start_daemon().await;
    let socket = home.path("run/daemon.sock");
    let mut crowd = Vec::new();
    for number in 0..1_000_u32 {
        // One that finds no room is told so and closed; it may be closed
        // before it has said anything.
        let mut stream = UnixStream::connect(&socket).unwrap();
        let _ = stream.write_all(&number.to_le_bytes());
        crowd.push(stream);
        if number % 100 == 0 {
            client.call::<Ping>(&Nothing {}).await.unwrap();
        }
    }
    let began = Instant::now();
    client.call::<Ping>(&Nothing {}).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    let params = GenerateParams {
        prompt: "a fox".to_owned(),
        model: Some("tiny".to_owned()),
        ..GenerateParams::default()
    };
    client.call::<FrameGenerate>(&params).await.unwrap();
    drop(crowd);
    loop {
        let status = client.call::<Status>(&Nothing {}).await.unwrap();
        if status.connections == 1 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{status:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    home.run(&["daemon", "stop"]).ok();
    daemon.wait().unwrap();
}

/// Only root can be somebody else; elsewhere there is nothing to test it with.
#[test]
fn another_user_is_not_let_in_even_past_the_permissions() {
    if !rustix::process::geteuid().is_root() {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs root, and must not be left out in CI"
        );
        eprintln!("SKIPPED: only root can connect as another user");
        return;
    }
    let home = Home::new();
    home.run(&["daemon", "start"]).ok();
    for (name, mode) in [("", 0o755), ("run", 0o755), ("run/daemon.sock", 0o666)] {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(home.path(name), permissions).unwrap();
    }
    let script = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.connect(sys.argv[1])\n\
        s.settimeout(20)\n\
        sys.exit(0 if s.recv(1) == b'' else 7)\n";
    let connect = |user: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(user).args(["python3", "-c", script]);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.arg(home.path("run/daemon.sock"));
        command.status().unwrap().code()
    };
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    assert_eq!(
        connect(&nobody),
        Some(0),
        "the connection is closed at once"
    );
    let log = home.run(&["daemon", "logs"]).ok().out;
    assert!(log.contains("another user"), "{log}");
    let ours = ["--reuid=0"];
    assert_ne!(
        connect(&ours),
        Some(0),
        "this user's stays open until hello is due"
    );
}
