//! What was acknowledged outlives `kill -9`.

use std::time::Duration;

use framewright_client::{Client, ConnectOptions, Session};
use framewright_protocol::{
    FrameGenerate, GenerateParams, GenerateResult, JobList, JobListParams, JobParams, JobShow,
    JobState, JobSubmit, JobWait, Method, SubmitParams, WaitParams, from_value, to_value,
};
use rustix::process::Signal;

use crate::harness::Home;

/// How often the daemon is killed.
const KILLS: u64 = 100;

/// Numbers that are the same in every run (an LCG; Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn submission(seed: u64) -> SubmitParams {
    let params = GenerateParams {
        prompt: "a fox".to_owned(),
        model: Some("tiny".to_owned()),
        seed: Some(seed),
        steps: Some(2),
        ..GenerateParams::default()
    };
    SubmitParams {
        method: FrameGenerate::NAME.to_owned(),
        params: to_value(&params).unwrap(),
        key: Some(format!("key {seed}")),
        priority: None,
    }
}

/// Asserts that the job is as it was acknowledged, and its blobs whole; says
/// whether it is done.
async fn check(client: &Client, job: &str, seed: u64) -> bool {
    let params = JobParams {
        job: job.to_owned(),
    };
    let shown = client.call::<JobShow>(&params).await.unwrap();
    assert_eq!(shown.request["seed"].as_u64(), Some(seed), "job {job}");
    match shown.summary.state {
        JobState::Queued | JobState::Running => false,
        JobState::Done => {
            let result: GenerateResult = from_value(&shown.result.unwrap()).unwrap();
            let hash = result.frames[0].picture.blob.clone().unwrap();
            let png = client.get_blob(&hash).await.unwrap();
            assert!(image::load_from_memory(&png).is_ok(), "job {job}");
            true
        }
        other => panic!("job {job} is {other:?}: {:?}", shown.error),
    }
}

#[tokio::test]
async fn killed_a_hundred_times_at_random_it_loses_nothing() {
    let home = Home::new();
    let mut numbers = Numbers(2026);
    // Every acknowledged job with its seed, and whether it was seen done.
    let mut acknowledged: Vec<(String, u64, bool)> = Vec::new();
    let mut seed = 0;
    let mut killed_at_work = 0;
    for round in 0..KILLS {
        let (mut daemon, client) = home.start_daemon().await;
        for (job, seed, done) in &mut acknowledged {
            // What was done once stays done.
            let now = check(&client, job, *seed).await;
            assert!(now || !*done, "round {round}: job {job} is no longer done");
            *done = now;
        }
        acknowledged.retain(|(_, seed, done)| !done || seed % 10 == 0);
        let submitting = async {
            loop {
                seed += 1;
                let Ok(submitted) = client.call::<JobSubmit>(&submission(seed)).await else {
                    break;
                };
                acknowledged.push((submitted.job, seed, false));
                if acknowledged.iter().filter(|(_, _, done)| !done).count() > 8 {
                    std::future::pending::<()>().await;
                }
            }
        };
        let moment = Duration::from_micros(numbers.below(120_000));
        let _ = tokio::time::timeout(moment, submitting).await;
        if home.is_at_work(&client).await {
            killed_at_work += 1;
        }
        home.signal_daemon(Signal::KILL);
        daemon.wait().unwrap();
    }
    assert!(
        killed_at_work > KILLS / 4,
        "it was mostly idle: {killed_at_work}"
    );
    let (mut daemon, client) = home.start_daemon().await;
    for (job, seed, _) in &acknowledged {
        let params = WaitParams {
            job: job.clone(),
            format: None,
        };
        let waited = client.call::<JobWait>(&params).await.unwrap();
        assert_eq!(waited.state, JobState::Done, "job {job}");
        assert!(check(&client, job, *seed).await);
    }
    // A request whose answer the crash took: its key tells whether it was taken.
    let again = client.call::<JobSubmit>(&submission(seed)).await.unwrap();
    let once_more = client.call::<JobSubmit>(&submission(seed)).await.unwrap();
    assert_eq!(again.job, once_more.job);
    drop(client);
    home.run(&["daemon", "stop"]).ok();
    daemon.wait().unwrap();
}

/// A client whose daemon is killed in the middle of its job gets its frame all
/// the same: the session connects again, starts a new daemon, and asks again
/// with the same key.
#[tokio::test]
async fn a_session_outlives_the_daemon() {
    let home = Home::new();
    let mut options = ConnectOptions::new("test");
    options.home = Some(home.path(""));
    options.program = Some(home.daemon().get_program().into());
    let session = Session::new(options);
    let mut params = GenerateParams {
        prompt: "a fox".to_owned(),
        model: Some("tiny".to_owned()),
        seed: Some(7),
        steps: Some(60),
        key: Some("once".to_owned()),
        ..GenerateParams::default()
    };
    let client = session.client().await.unwrap();
    let killing = async {
        while !home.is_at_work(&client).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        home.signal_daemon(Signal::KILL);
    };
    let (made, ()) = tokio::join!(session.call::<FrameGenerate>(&params), killing);
    let made = made.unwrap();
    assert_eq!(made.frames.len(), 1);
    let jobs = session
        .call::<JobList>(&JobListParams::default())
        .await
        .unwrap()
        .jobs;
    assert_eq!(jobs.len(), 1, "one job of two requests");
    params.key = None;
    let alone = session.call::<FrameGenerate>(&params).await.unwrap();
    assert_eq!(alone.frames[0].picture, made.frames[0].picture);
}
