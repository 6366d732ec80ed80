//! The job history from the shell.

use framewright_protocol::{FrameGenerate, GenerateParams};

use crate::harness::{Home, pixels, until};

/// Submits a job of `candidates` frames and gives its name.
fn submit(home: &Home, candidates: u32, extra: &[&str]) -> String {
    let params = format!(
        "params={{\"prompt\": \"a fox\", \"model\": \"tiny\", \"seed\": 7, \"candidates\": {candidates}}}"
    );
    let mut arguments = vec!["call", "job.submit", "method=frame.generate", &params];
    arguments.extend(extra);
    let submitted = home.run(&arguments).ok().json();
    submitted["job"].as_str().unwrap().to_owned()
}

#[test]
fn a_job_is_submitted_waited_for_and_its_frames_are_written() {
    let home = Home::new();
    let job = submit(&home, 2, &[]);
    let waited = home.run(&["--json", "job", "wait", &job]).ok().json();
    assert_eq!(waited["state"], "done");
    let shown = home.run(&["job", "show", &job, "-o", "shown.png"]).ok().out;
    assert!(
        shown.contains("a fox") && shown.contains("seed 8"),
        "{shown}"
    );
    home.run(&[
        "generate",
        "a fox",
        "--model",
        "tiny",
        "--seed",
        "8",
        "-o",
        "alone.png",
    ])
    .ok();
    assert_eq!(
        pixels(&home.work("shown_1.png")),
        pixels(&home.work("alone.png")),
        "candidate 1 equals the frame made alone"
    );
    let again = home.run(&["--json", "job", "again", &job]).ok().json();
    let again = again["job"].as_str().unwrap();
    home.run(&["job", "wait", again]).ok();
    home.run(&["job", "show", again, "-o", "again.png"]).ok();
    assert_eq!(
        std::fs::read(home.work("shown_0.png")).unwrap(),
        std::fs::read(home.work("again_0.png")).unwrap(),
        "bit for bit"
    );
    home.run(&["again", "again_1.png"]).ok();
    let list = home.run(&["--json", "job", "list"]).ok().json();
    assert_eq!(list["jobs"].as_array().unwrap().len(), 4);
    let pruned = home
        .run(&["--json", "job", "prune", "--keep", "0"])
        .ok()
        .json();
    assert_eq!(pruned["jobs"], 4, "{pruned}");
    assert_eq!(home.status()["blob_bytes"], 0);
    assert_eq!(home.run(&["job", "list"]).ok().out, "no jobs\n");
}

#[test]
fn the_key_makes_one_job_of_two_requests() {
    let home = Home::new();
    let first = submit(&home, 1, &["key=k"]);
    assert_eq!(submit(&home, 1, &["key=k"]), first);
    let other = home.run(&[
        "call",
        "job.submit",
        "method=frame.generate",
        "key=k",
        "params={\"prompt\": \"a dog\"}",
    ]);
    assert!(other.err.contains("another request"), "{other:?}");
}

#[test]
fn exactly_the_named_job_is_cancelled() {
    let home = Home::new();
    let long = submit(&home, 60, &["priority=training"]);
    let waiting = submit(&home, 1, &["priority=training"]);
    let other = submit(&home, 1, &["priority=training"]);
    until("the first runs", || {
        home.status()["running"] == long.as_str()
    });
    home.run(&["job", "cancel", &waiting]).ok();
    let again = home.run(&["job", "cancel", &waiting]);
    assert_eq!(again.code, Some(2), "{again:?}");
    home.run(&["job", "cancel", &long]).ok();
    home.run(&["job", "wait", &other]).ok();
    let waited = home.run(&["job", "wait", &waiting]);
    assert_eq!(waited.code, Some(130), "{waited:?}");
}

#[test]
fn a_canvas_goes_before_a_training_job() {
    let home = Home::new();
    let training = submit(&home, 60, &["priority=training"]);
    until("it runs", || home.status()["running"] == training.as_str());
    home.run(&[
        "generate", "a fox", "--model", "tiny", "--seed", "1", "-o", "now.png",
    ])
    .ok();
    let listed = home.run(&["--json", "job", "show", &training]).ok().json();
    assert_eq!(listed["summary"]["state"], "running", "it was overtaken");
    home.run(&["job", "wait", &training]).ok();
    home.run(&["job", "show", &training, "-o", "t.png"]).ok();
    home.run(&[
        "generate",
        "a fox",
        "--model",
        "tiny",
        "--seed",
        "7",
        "-o",
        "alone.png",
    ])
    .ok();
    assert_eq!(
        pixels(&home.work("t_0.png")),
        pixels(&home.work("alone.png")),
        "suspended and resumed to the same result"
    );
    let events = home
        .run(&["call", "job.events", &format!("job={training}")])
        .ok()
        .json();
    let names: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"job.suspended"), "{names:?}");
    assert!(names.contains(&"job.resumed"), "{names:?}");
}

#[test]
fn a_full_disk_is_told_and_the_daemon_lives() {
    let home = Home::new();
    // Room for the database to begin, and for a small frame, not for what follows.
    let mut daemon = home.start_daemon_with_little_room();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let refused = runtime.block_on(async {
        let client = home.connect().await.unwrap();
        let blob = client.put_blob(&vec![7; 1 << 20]).await;
        let params = GenerateParams {
            prompt: "a fox".repeat(1_500),
            model: Some("tiny".to_owned()),
            ..GenerateParams::default()
        };
        let mut refused = vec![blob.err().map(|error| error.to_string())];
        for _ in 0..40 {
            let made = client.call::<FrameGenerate>(&params).await;
            refused.push(made.err().map(|error| error.to_string()));
        }
        refused
    });
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    assert!(refused[0].contains("cannot be written"), "{refused:?}");
    assert!(refused.len() > 1, "the database was never full");
    let log = std::fs::read_to_string(home.path("logs/framewrightd.log")).unwrap_or_default();
    assert!(daemon.try_wait().unwrap().is_none(), "it lives: {log}");
    home.status();
    home.run(&["daemon", "stop"]).ok();
    daemon.wait().unwrap();
    // With room again everything that was stored is there, and work goes on.
    home.run(&["generate", "a fox", "--model", "tiny", "-o", "after.png"])
        .ok();
}
