//! Connections, queue and engine thread together, with an engine that draws
//! plain colours at the test's pace.

use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framewright_client::{Client, ClientError};
use framewright_library::Model;
use framewright_protocol::{
    DaemonStop, ErrorCode, FrameAgain, FrameGenerate, FrameResult, GenerateParams, Home, Known,
    Limits, Message, Nothing, PictureFormat, Ping, Request, Status, TokensResult, WireError,
    encode, read_frame, write_frame,
};
use image::RgbImage;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::connection;
use crate::daemon::Daemon;
use crate::engine_thread::{self, Jobs};
use crate::order::Order;
use crate::picture;
use crate::renderer::{Drawing, Reader, Remembered, Renderer};

/// Lets the engine make steps.
#[derive(Clone)]
struct Pace(blocking::Sender<()>);

impl Pace {
    fn steps(&self, count: u32) {
        for _ in 0..count {
            self.0.send(()).expect("the engine lives");
        }
    }
}

struct Colours {
    pace: Arc<Mutex<blocking::Receiver<()>>>,
}

struct Colour {
    order: Order,
    steps: u32,
    pace: Arc<Mutex<blocking::Receiver<()>>>,
}

impl Renderer for Colours {
    fn start(&mut self, order: &Order) -> Result<Box<dyn Drawing>, WireError> {
        assert_ne!(order.prompt, "panic", "as the test wants");
        Ok(Box::new(Colour {
            order: order.clone(),
            steps: order.steps.unwrap_or(3),
            pace: self.pace.clone(),
        }))
    }

    fn model(&self) -> Option<String> {
        Some("colours".to_owned())
    }
}

impl Drawing for Colour {
    fn steps(&self) -> u32 {
        self.steps
    }

    fn size(&self) -> (u32, u32) {
        (
            self.order.width.unwrap_or(2),
            self.order.height.unwrap_or(2),
        )
    }

    fn notices(&self) -> Vec<String> {
        vec!["a plain colour".to_owned()]
    }

    fn step(&mut self) -> Result<(), WireError> {
        // Closed when the test lets everything run freely.
        let _ = self.pace.lock().expect("no panic").recv();
        Ok(())
    }

    fn preview(&self) -> Result<RgbImage, WireError> {
        Ok(RgbImage::from_pixel(2, 2, image::Rgb([9, 9, 9])))
    }

    fn finish(self: Box<Self>, format: PictureFormat) -> Result<FrameResult, WireError> {
        let colour = image::Rgb([self.order.seed as u8, 0, 0]);
        Ok(FrameResult {
            seed: self.order.seed,
            picture: picture::write(&RgbImage::from_pixel(2, 2, colour), format),
            provenance: json!({"seed": self.order.seed}),
        })
    }
}

struct Colourful;

impl Reader for Colourful {
    fn device(&self) -> String {
        "test".to_owned()
    }

    fn check(&self, _order: &Order) -> Result<(), WireError> {
        Ok(())
    }

    fn remember(&self, _png: &[u8]) -> Result<Remembered, WireError> {
        Ok(Remembered {
            request: params("again", 7),
            provenance: json!({"seed": 6}),
        })
    }

    fn differences(&self, before: &Value, after: &Value) -> Vec<String> {
        vec![format!("{before} {after}")]
    }

    fn tokens(&self, _model: &Model, _prompt: &str) -> Result<TokensResult, WireError> {
        panic!("as the test wants");
    }

    fn inspect(&self, _model: &Model) -> Result<Value, WireError> {
        Ok(Value::Null)
    }
}

struct World {
    daemon: Arc<Daemon>,
    pace: Option<Pace>,
}

impl World {
    fn new() -> Self {
        let (sender, receiver) = blocking::channel();
        let pace = Arc::new(Mutex::new(receiver));
        let home = Home::under("/nonexistent".as_ref()).expect("short");
        let jobs = Arc::new(Jobs::new(4));
        let reader = Arc::new(Colourful);
        let daemon = Arc::new(Daemon::new(home, jobs.clone(), reader.clone()));
        let model = daemon.model.clone();
        std::thread::spawn(move || {
            engine_thread::run(&jobs, reader.as_ref(), &model, || {
                Box::new(Colours { pace: pace.clone() })
            });
        });
        Self {
            daemon,
            pace: Some(Pace(sender)),
        }
    }

    fn freely() -> Self {
        let mut world = Self::new();
        world.pace = None;
        world
    }

    fn steps(&self, count: u32) {
        self.pace.as_ref().expect("paced").steps(count);
    }

    /// A bare connection.
    fn open(&self) -> DuplexStream {
        let (here, there) = tokio::io::duplex(1 << 20);
        let (reader, writer) = tokio::io::split(there);
        tokio::spawn(connection::serve(self.daemon.clone(), reader, writer));
        here
    }

    async fn client(&self) -> Client {
        let (reader, writer) = tokio::io::split(self.open());
        Client::greet(reader, writer, "test")
            .await
            .expect("a greeting")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.daemon.stop();
    }
}

fn params(prompt: &str, seed: u64) -> GenerateParams {
    GenerateParams {
        prompt: prompt.to_owned(),
        seed: Some(seed),
        ..GenerateParams::default()
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> ErrorCode {
    match outcome {
        Err(ClientError::Refused(error)) => error.code,
        other => panic!("not a refusal: {other:?}"),
    }
}

async fn job_of(call: &mut framewright_client::Call<FrameGenerate>) -> String {
    match call.event().await {
        Some(Known::Queued(queued)) => queued.job,
        other => panic!("the first event is {other:?}"),
    }
}

async fn until_started(call: &mut framewright_client::Call<FrameGenerate>) {
    while !matches!(call.event().await.expect("it runs"), Known::Started(_)) {}
}

#[tokio::test]
async fn a_job_tells_its_steps_and_answers_once() {
    let world = World::freely();
    let client = world.client().await;
    let mut request = params("a fox", 5);
    request.candidates = Some(2);
    request.preview_every = Some(2);
    let mut call = client.start::<FrameGenerate>(&request).await.expect("sent");
    let mut told = Vec::new();
    while let Some(event) = call.event().await {
        told.push(match event {
            Known::Queued(_) => "queued".to_owned(),
            Known::Started(_) => "started".to_owned(),
            Known::Progress(progress) => format!(
                "{}:{}/{}{}",
                progress.candidate,
                progress.step,
                progress.steps,
                if progress.preview.is_some() {
                    " preview"
                } else {
                    ""
                }
            ),
            _ => "unknown".to_owned(),
        });
    }
    assert_eq!(
        told,
        [
            "queued",
            "started",
            "0:1/3",
            "0:2/3 preview",
            "0:3/3",
            "1:1/3",
            "1:2/3 preview",
            "1:3/3"
        ]
    );
    let made = call.answer().await.expect("made");
    let seeds: Vec<u64> = made.frames.iter().map(|frame| frame.seed).collect();
    assert_eq!(seeds, [5, 6]);
    assert_eq!(made.notices, ["a plain colour"]);
}

#[tokio::test]
async fn a_job_is_cancelled_between_steps_and_the_next_one_runs() {
    let world = World::new();
    let client = world.client().await;
    let mut first = client
        .start::<FrameGenerate>(&params("one", 1))
        .await
        .expect("sent");
    let second = client
        .start::<FrameGenerate>(&params("two", 2))
        .await
        .expect("sent");
    let job = job_of(&mut first).await;
    until_started(&mut first).await;
    world.steps(1);
    assert!(client.cancel(&job).await.expect("cancelled").was_running);
    assert_eq!(code(first.answer().await), ErrorCode::Cancelled);
    assert_eq!(code(client.cancel(&job).await), ErrorCode::NotFound);
    world.steps(6);
    assert_eq!(second.answer().await.expect("made").frames[0].seed, 2);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_without_the_running_one() {
    let world = World::new();
    let (client, other) = (world.client().await, world.client().await);
    let mut first = client
        .start::<FrameGenerate>(&params("one", 1))
        .await
        .expect("sent");
    until_started(&mut first).await;
    let mut second = other
        .start::<FrameGenerate>(&params("two", 2))
        .await
        .expect("sent");
    let job = job_of(&mut second).await;
    assert!(!client.cancel(&job).await.expect("cancelled").was_running);
    assert_eq!(code(second.answer().await), ErrorCode::Cancelled);
    world.steps(3);
    assert_eq!(first.answer().await.expect("made").frames[0].seed, 1);
}

#[tokio::test]
async fn ping_and_status_are_answered_while_a_job_runs() {
    let world = World::new();
    let client = world.client().await;
    let mut call = client
        .start::<FrameGenerate>(&params("one", 1))
        .await
        .expect("sent");
    let job = job_of(&mut call).await;
    until_started(&mut call).await;
    client.call::<Ping>(&Nothing {}).await.expect("pong");
    let status = client.call::<Status>(&Nothing {}).await.expect("status");
    assert_eq!(status.running, Some(job));
    assert_eq!(status.connections, 1);
}

#[tokio::test]
async fn a_client_that_goes_takes_its_job_along() {
    let world = World::new();
    let leaving = world.client().await;
    let mut call = leaving
        .start::<FrameGenerate>(&params("one", 1))
        .await
        .expect("sent");
    until_started(&mut call).await;
    let client = world.client().await;
    let waiting = client
        .start::<FrameGenerate>(&params("two", 2))
        .await
        .expect("sent");
    drop((leaving, call));
    while client
        .call::<Status>(&Nothing {})
        .await
        .expect("status")
        .connections
        > 1
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // One step ends the cancelled job, three make the other.
    world.steps(4);
    assert_eq!(waiting.answer().await.expect("made").frames[0].seed, 2);
}

#[tokio::test]
async fn a_full_queue_is_told() {
    let world = World::new();
    let client = world.client().await;
    let mut calls = Vec::new();
    for seed in 0..5 {
        let mut call = client
            .start::<FrameGenerate>(&params("one", seed))
            .await
            .expect("sent");
        if seed < 4 {
            job_of(&mut call).await;
        }
        calls.push(call);
    }
    let last = calls.pop().expect("five calls");
    assert_eq!(code(last.answer().await), ErrorCode::Busy);
}

#[tokio::test]
async fn the_engine_survives_a_panic() {
    let world = World::freely();
    let client = world.client().await;
    let failed = client.call::<FrameGenerate>(&params("panic", 1)).await;
    assert_eq!(code(failed), ErrorCode::Internal);
    let made = client.call::<FrameGenerate>(&params("one", 1)).await;
    assert_eq!(made.expect("made").frames.len(), 1);
    let failed = client
        .call::<framewright_protocol::PromptTokens>(&framewright_protocol::TokensParams {
            prompt: "a".to_owned(),
            model: None,
        })
        .await;
    assert_eq!(code(failed), ErrorCode::Internal);
}

#[tokio::test]
async fn again_compares_pixels_and_tells_what_differs() {
    let world = World::freely();
    let client = world.client().await;
    for (colour, differing) in [(7, 0), (8, 4)] {
        let before = RgbImage::from_pixel(2, 2, image::Rgb([colour, 0, 0]));
        let png = picture::write(&before, PictureFormat::Png).data;
        let params = framewright_protocol::AgainParams {
            png,
            image: None,
            model: None,
            preview_every: None,
        };
        let result = client
            .call::<FrameAgain>(&params)
            .await
            .expect("made again");
        assert_eq!(result.differing_pixels, differing);
        assert_eq!(result.identical, differing == 0);
        assert_eq!(result.differences, ["{\"seed\":6} {\"seed\":7}"]);
    }
}

#[tokio::test]
async fn stopping_answers_whoever_waits() {
    let world = World::new();
    let (client, other) = (world.client().await, world.client().await);
    let mut running = client
        .start::<FrameGenerate>(&params("one", 1))
        .await
        .expect("sent");
    until_started(&mut running).await;
    let waiting = client
        .start::<FrameGenerate>(&params("two", 2))
        .await
        .expect("sent");
    other
        .call::<DaemonStop>(&Nothing {})
        .await
        .expect("stopping");
    assert_eq!(code(running.answer().await), ErrorCode::Stopping);
    assert_eq!(code(waiting.answer().await), ErrorCode::Stopping);
}

/// What the daemon says to raw bytes, until it closes.
async fn says(mut stream: DuplexStream, bytes: &[u8]) -> Vec<WireError> {
    stream.write_all(bytes).await.expect("written");
    let mut errors = Vec::new();
    while let Ok(Some(payload)) = read_frame(&mut stream).await {
        match Message::parse(&payload).expect("a message") {
            Message::Error { error, .. } => errors.push(error),
            other => panic!("not an error: {other:?}"),
        }
    }
    errors
}

#[tokio::test]
async fn bytes_that_are_no_frame_end_only_their_own_connection() {
    let world = World::freely();
    let client = world.client().await;
    let too_long = u32::try_from(Limits::CURRENT.frame_bytes).expect("fits") + 1;
    for (bytes, expected) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), ErrorCode::TooLarge),
        (too_long.to_le_bytes().to_vec(), ErrorCode::TooLarge),
        (
            [&3_u32.to_le_bytes()[..], &[0xc1, 0, 0]].concat(),
            ErrorCode::Malformed,
        ),
        (
            [&1_u32.to_le_bytes()[..], &[0x90]].concat(),
            ErrorCode::Malformed,
        ),
    ] {
        let errors = says(world.open(), &bytes).await;
        let codes: Vec<_> = errors.into_iter().map(|error| error.code).collect();
        assert_eq!(codes, [expected]);
        client.call::<Ping>(&Nothing {}).await.expect("unhurt");
    }
}

#[tokio::test]
async fn a_map_that_is_no_request_is_answered_and_the_connection_goes_on() {
    let world = World::freely();
    let mut stream = world.open();
    let mut answers = Vec::new();
    for message in [
        json!({"id": 1, "method": "ping", "params": {}}),
        json!({"id": 2, "method": "hello", "params": {"client": "test", "protocol": 1}}),
        json!({"id": 3, "params": {}}),
        json!({"id": 4, "method": "no.such", "params": {}}),
        json!({"id": 5, "method": "frame.generate", "params": {"prompt": 5}}),
        json!({"id": 6, "method": "ping"}),
    ] {
        let payload = encode(&message).expect("encoded");
        write_frame(&mut stream, &payload).await.expect("written");
        let payload = read_frame(&mut stream)
            .await
            .expect("read")
            .expect("an answer");
        answers.push(match Message::parse(&payload).expect("a message") {
            Message::Result { id, .. } => (id, "result".to_owned()),
            Message::Error { id, error } => (id.expect("an id"), error.code.to_string()),
            other => panic!("{other:?}"),
        });
    }
    let expected = [
        "hello_first",
        "result",
        "malformed",
        "unknown_method",
        "invalid_params",
        "result",
    ];
    let expected: Vec<_> = (1..).zip(expected.map(str::to_owned)).collect();
    assert_eq!(answers, expected);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let world = World::freely();
    let codes: Vec<_> = says(world.open(), b"")
        .await
        .into_iter()
        .map(|error| error.code)
        .collect();
    assert_eq!(codes, [ErrorCode::HelloFirst]);
}

#[tokio::test(start_paused = true)]
async fn half_a_frame_is_not_waited_for_without_end() {
    let world = World::freely();
    let codes: Vec<_> = says(world.open(), &[200, 0, 0, 0, 0x81])
        .await
        .into_iter()
        .map(|error| error.code)
        .collect();
    assert_eq!(codes, [ErrorCode::Malformed]);
}

#[tokio::test]
async fn events_are_numbered_without_gaps() {
    let world = World::freely();
    let mut stream = world.open();
    let hello = json!({"id": 1, "method": "hello", "params": {"client": "test", "protocol": 1}});
    write_frame(&mut stream, &encode(&hello).expect("encoded"))
        .await
        .expect("written");
    for id in [2, 3] {
        let request = Request {
            id,
            method: "frame.generate",
            params: &params("a fox", id),
        };
        let payload = encode(&request).expect("encoded");
        write_frame(&mut stream, &payload).await.expect("written");
    }
    let mut numbers = Vec::new();
    let mut answers = 0;
    while answers < 3 {
        let payload = read_frame(&mut stream).await.expect("read").expect("more");
        match Message::parse(&payload).expect("a message") {
            Message::Event { seq, .. } => numbers.push(seq),
            _ => answers += 1,
        }
    }
    assert_eq!(numbers, (1..=10).collect::<Vec<u64>>());
}

#[tokio::test]
async fn an_answer_that_would_not_fit_is_refused_before_the_work() {
    let world = World::new();
    let client = world.client().await;
    let mut request = params("a fox", 1);
    (request.width, request.height) = (Some(2048), Some(2048));
    request.candidates = Some(4);
    // No step is made here: nobody sets the pace.
    let refused = client.call::<FrameGenerate>(&request).await;
    assert_eq!(code(refused), ErrorCode::InvalidParams);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let world = World::freely();
    let mut stream = world.open();
    let hello = json!({"id": 1, "method": "hello", "params": {"client": "test", "protocol": 1}});
    write_frame(&mut stream, &encode(&hello).expect("encoded"))
        .await
        .expect("written");
    // More answers than the channel, the pipe and the queue between them hold.
    for id in 2..2_000 {
        let payload = encode(&json!({"id": id, "method": "describe"})).expect("encoded");
        write_frame(&mut stream, &payload).await.expect("written");
        tokio::task::yield_now().await;
    }
    while world.daemon.status().connections > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn more_connections_than_the_limit_are_told_so() {
    let world = World::freely();
    let mut held = Vec::new();
    for _ in 0..Limits::CURRENT.connections {
        held.push(world.client().await);
    }
    let codes: Vec<_> = says(world.open(), b"")
        .await
        .into_iter()
        .map(|error| error.code)
        .collect();
    assert_eq!(codes, [ErrorCode::Busy]);
    held.pop();
    while world.daemon.status().connections >= Limits::CURRENT.connections {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world
        .client()
        .await
        .call::<Ping>(&Nothing {})
        .await
        .expect("room again");
}
