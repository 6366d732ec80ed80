//! Exactly one job is cancelled, and the daemon goes on.

use rustix::process::Signal;

use crate::harness::{Home, Running, names, until};

/// A frame that takes far longer than any test waits.
fn long(home: &Home, name: &str) -> Running {
    home.spawn(&[
        "generate", "a fox", "--model", "tiny", "--width", "1024", "--height", "1024", "--steps",
        "900", "-o", name,
    ])
}

fn until_running(home: &Home) -> String {
    let mut job = String::new();
    until("a job runs", || {
        let ran = home.run(&["--json", "daemon", "status"]);
        if ran.code == Some(0)
            && let Some(running) = ran.json()["running"].as_str()
        {
            job = running.to_owned();
        }
        !job.is_empty()
    });
    job
}

fn until_idle(home: &Home) {
    until("the engine is free", || home.status()["running"].is_null());
}

#[test]
fn ctrl_c_cancels_the_job_and_not_the_daemon() {
    let home = Home::new();
    let running = long(&home, "frame.png");
    until_running(&home);
    let pid = home.pid();
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(130), "error: cancelled\n")
    );
    assert_eq!(names(&home.path("work")), [""; 0], "no half a frame");
    until_idle(&home);
    assert_eq!(home.pid(), pid, "the same daemon");
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "frame.png"])
        .ok();
}

#[test]
fn what_a_supervisor_sends_cancels_too() {
    let home = Home::new();
    let running = long(&home, "frame.png");
    until_running(&home);
    running.signal(Signal::TERM);
    assert_eq!(running.end().code, Some(130));
    assert_eq!(names(&home.path("work")), [""; 0], "nothing is left over");
    until_idle(&home);
}

#[test]
fn ctrl_c_while_the_daemon_starts_leaves_nothing_behind() {
    let home = Home::new();
    let program = home.program("slow", "#!/bin/sh\nexec sleep 20\n");
    let mut command = home.command(&["generate", "a fox", "-o", "frame.png"]);
    command.env("FRAMEWRIGHT_DAEMON", program);
    let running = home.started(command);
    until("it waits for the daemon", || {
        home.path("logs/framewrightd.log").exists()
    });
    // The handler is in place once the first wait began.
    std::thread::sleep(std::time::Duration::from_millis(200));
    running.signal(Signal::INT);
    assert_eq!(running.end().code, Some(130));
    assert_eq!(names(&home.path("work")), [""; 0], "nothing is left over");
}

#[test]
fn a_job_is_cancelled_by_its_name_from_another_client() {
    let home = Home::new();
    let running = long(&home, "first.png");
    let job = until_running(&home);
    let waiting = home.spawn(&["generate", "a fox", "--model", "tiny", "-o", "second.png"]);
    until("the second waits", || home.status()["waiting"] == 1);
    let told = home
        .run(&["call", "job.cancel", &format!("job=\"{job}\"")])
        .ok()
        .json();
    assert_eq!(told["was_running"], true);
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.err.contains("the job was cancelled"), "{}", ran.err);
    waiting.end().ok();
    assert_eq!(names(&home.path("work")), ["second.png"]);
    let ran = home.run(&["call", "job.cancel", &format!("job=\"{job}\"")]);
    assert_eq!(ran.code, Some(2), "it has ended: {ran:?}");
}

#[test]
fn a_client_that_is_killed_takes_its_job_along() {
    let home = Home::new();
    let running = long(&home, "frame.png");
    until_running(&home);
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);
    until_idle(&home);
}

#[test]
fn a_daemon_that_stops_answers_whoever_waits() {
    let home = Home::new();
    let running = long(&home, "frame.png");
    until_running(&home);
    home.run(&["daemon", "stop"]).ok();
    let ran = running.end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("the daemon is stopping"), "{}", ran.err);
}
