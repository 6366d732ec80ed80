//! Connections, queue and engine thread together, with an engine that draws
//! plain colours at the test's pace.

use std::path::PathBuf;
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framewright_client::{Call, Client, ClientError};
use framewright_jobs::Queue;
use framewright_library::Model;
use framewright_protocol::{
    BlobPut, BlobPutParams, DaemonStop, ErrorCode, EventsSubscribe, FrameAgain, FrameGenerate,
    FrameResult, GenerateParams, GenerateResult, Home, JobAgain, JobEvents, JobEventsParams,
    JobList, JobListParams, JobParams, JobPrune, JobShow, JobState, JobSubmit, JobWait, JobWatch,
    Known, Limits, Message, Method, Nothing, Picture, PictureFormat, Ping, Priority, PruneParams,
    Request, Status, SubmitParams, SubscribeParams, TokensResult, WaitParams, WireError, encode,
    from_value, read_frame, to_value, write_frame,
};
use image::{DynamicImage, RgbImage};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::connection;
use crate::daemon::Daemon;
use crate::engine_thread::EngineThread;
use crate::hub::Hub;
use crate::order::Order;
use crate::picture;
use crate::renderer::{Drawing, Reader, Remembered, Renderer};
use crate::segmentation::{Answer, Found, Question};

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
    loaded: bool,
}

struct Colour {
    order: Order,
    steps: u32,
    pace: Arc<Mutex<blocking::Receiver<()>>>,
}

impl Renderer for Colours {
    fn start(&mut self, order: &Order) -> Result<Box<dyn Drawing>, WireError> {
        assert_ne!(order.prompt, "panic", "as the test wants");
        self.loaded = true;
        Ok(Box::new(Colour {
            order: order.clone(),
            steps: order.steps.unwrap_or(3),
            pace: self.pace.clone(),
        }))
    }

    fn model(&self) -> Option<String> {
        self.loaded.then(|| "colours".to_owned())
    }

    fn unload(&mut self) {
        self.loaded = false;
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

    fn finish(self: Box<Self>) -> Result<FrameResult, WireError> {
        let colour = image::Rgb([self.order.seed as u8, 0, 0]);
        Ok(FrameResult {
            seed: self.order.seed,
            picture: picture::write(&RgbImage::from_pixel(2, 2, colour), PictureFormat::Png),
            provenance: json!({"seed": self.order.seed}),
        })
    }
}

struct Colourful;

impl Reader for Colourful {
    fn device(&self) -> String {
        "test".to_owned()
    }

    fn segmenters(&self) -> (Vec<Found>, PathBuf) {
        (Vec::new(), PathBuf::new())
    }

    fn segment(
        &self,
        _question: &Question,
        _wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Answer, WireError> {
        Err(WireError::new(ErrorCode::NotFound, "there is no segmenter"))
    }

    fn check(&self, _order: &Order) -> Result<(), WireError> {
        Ok(())
    }

    fn remember(&self, _png: &[u8]) -> Result<Remembered, WireError> {
        Ok(Remembered {
            request: params("again", 7),
            inpainting: None,
            provenance: json!({"seed": 6}),
        })
    }

    fn native_side(&self, _model: &Model) -> Result<u32, WireError> {
        Ok(64)
    }

    fn png(
        &self,
        _picture: &DynamicImage,
        _provenance: &mut Value,
        _request: Value,
    ) -> Result<Vec<u8>, WireError> {
        Ok(Vec::new())
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
    folder: Arc<tempfile::TempDir>,
    engine: Option<std::thread::JoinHandle<()>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::in_folder(Arc::new(folder), Duration::from_secs(3600))
    }

    fn in_folder(folder: Arc<tempfile::TempDir>, unload_after: Duration) -> Self {
        let (sender, receiver) = blocking::channel();
        let pace = Arc::new(Mutex::new(receiver));
        let home = Home::under(folder.path()).expect("short");
        let hub = Arc::new(Hub::default());
        let ears = hub.clone();
        let options = framewright_jobs::Options {
            most_jobs: 4,
            most_blob_bytes: Limits::CURRENT.blob_bytes,
            keep_bytes: 1 << 30,
            keep_jobs: 1000,
        };
        let listener = move |event: &framewright_jobs::Event| ears.tell(event);
        let jobs = Queue::open(&home.jobs(), options, Box::new(listener)).expect("a queue");
        let reader = Arc::new(Colourful);
        let library = Arc::new(framewright_library::Library::open(&home.data));
        let jobs = Arc::new(jobs);
        let daemon = Arc::new(Daemon::new(home, library, jobs, hub, reader.clone()));
        let engine = EngineThread {
            jobs: daemon.jobs.clone(),
            reader,
            library: daemon.library.clone(),
            model: daemon.model.clone(),
            unload_after,
            renderer: move || {
                let pace = pace.clone();
                let colours = Colours {
                    pace,
                    loaded: false,
                };
                Box::new(colours) as Box<dyn Renderer>
            },
            ended: Box::new(|| {}),
        };
        let engine = std::thread::spawn(move || engine.run());
        Self {
            daemon,
            pace: Some(Pace(sender)),
            folder,
            engine: Some(engine),
        }
    }

    /// Another daemon in the same home, after the end of this one.
    fn successor(mut self) -> Self {
        let folder = self.folder.clone();
        self.end();
        drop(self);
        Self::in_folder(folder, Duration::from_secs(3600))
    }

    fn end(&mut self) {
        self.daemon.stop();
        self.pace = None;
        if let Some(engine) = self.engine.take() {
            engine.join().expect("no panic");
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
        self.open_narrow(1 << 20)
    }

    /// A bare connection that holds so many bytes on the way.
    fn open_narrow(&self, bytes: usize) -> DuplexStream {
        let (here, there) = tokio::io::duplex(bytes);
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

async fn job_of(call: &mut Call<FrameGenerate>) -> String {
    match call.event().await {
        Some(Known::Queued(queued)) => queued.job,
        other => panic!("the first event is {other:?}"),
    }
}

async fn until_started(call: &mut Call<FrameGenerate>) {
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
            Known::Ended(ended) => format!("{:?}", ended.state),
            other => panic!("{other:?}"),
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
            "1:3/3",
            "Done"
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
            ..framewright_protocol::AgainParams::default()
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
    assert_eq!(numbers, (1..=12).collect::<Vec<u64>>());
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

async fn submit(client: &Client, params: &GenerateParams, key: Option<&str>) -> String {
    let submitted = client
        .call::<JobSubmit>(&submission(params, key))
        .await
        .expect("taken");
    submitted.job
}

fn submission(params: &GenerateParams, key: Option<&str>) -> SubmitParams {
    SubmitParams {
        method: FrameGenerate::NAME.to_owned(),
        params: to_value(params).expect("a map"),
        key: key.map(str::to_owned),
        priority: None,
    }
}

fn named(job: &str) -> JobParams {
    JobParams {
        job: job.to_owned(),
    }
}

fn wait_for(job: &str) -> WaitParams {
    WaitParams {
        job: job.to_owned(),
        format: None,
    }
}

fn events_of(job: &str, after: u64) -> JobEventsParams {
    JobEventsParams {
        job: job.to_owned(),
        after: Some(after),
    }
}

#[tokio::test]
async fn a_submitted_job_outlives_its_connection_and_its_daemon() {
    let world = World::new();
    let client = world.client().await;
    let job = submit(&client, &params("one", 7), None).await;
    drop(client);
    let world = world.successor();
    let client = world.client().await;
    world.steps(3);
    let waited = client.call::<JobWait>(&wait_for(&job)).await.expect("done");
    assert_eq!((waited.state, waited.error), (JobState::Done, None));
    let result: GenerateResult = from_value(&waited.result.expect("a result")).expect("frames");
    let pixels = picture::read_png(&result.frames[0].picture.data).expect("a picture");
    assert_eq!(pixels.get_pixel(0, 0).0, [7, 0, 0]);
}

#[tokio::test]
async fn asking_again_with_the_key_gives_the_same_job() {
    let world = World::new();
    let mut request = params("one", 7);
    request.key = Some("canvas-1".to_owned());
    let lost = world.client().await;
    let mut call = lost.start::<FrameGenerate>(&request).await.expect("sent");
    until_started(&mut call).await;
    drop((lost, call));
    let client = world.client().await;
    let again = client.start::<FrameGenerate>(&request).await.expect("sent");
    world.steps(3);
    let made = again.answer().await.expect("made");
    let late = client
        .call::<FrameGenerate>(&request)
        .await
        .expect("stored");
    assert_eq!(late.job, made.job);
    assert_eq!(late.frames, made.frames);
    let list = client
        .call::<JobList>(&JobListParams::default())
        .await
        .expect("a list");
    assert_eq!(list.jobs.len(), 1);
    request.prompt = "another".to_owned();
    let other = client.call::<FrameGenerate>(&request).await;
    assert_eq!(code(other), ErrorCode::Conflict);
}

#[tokio::test]
async fn a_canvas_does_not_wait_for_a_board() {
    let world = World::new();
    let client = world.client().await;
    let mut board = params("board", 1);
    board.priority = Some(Priority::Batch);
    board.candidates = Some(2);
    let mut slow = client.start::<FrameGenerate>(&board).await.expect("sent");
    until_started(&mut slow).await;
    world.steps(1);
    assert!(matches!(slow.event().await, Some(Known::Progress(_))));
    // The engine waits in the board's second step; then it gives way.
    let quick = client
        .start::<FrameGenerate>(&params("canvas", 9))
        .await
        .expect("sent");
    let mut quick = quick;
    let urgent = job_of(&mut quick).await;
    world.steps(4);
    assert_eq!(quick.answer().await.expect("made").frames[0].seed, 9);
    let mut told = Vec::new();
    world.steps(4);
    while let Some(event) = slow.event().await {
        told.push(match event {
            Known::Progress(progress) => format!("{}:{}", progress.candidate, progress.step),
            Known::Suspended(suspended) => {
                assert_eq!(suspended.by, urgent);
                "suspended".to_owned()
            }
            Known::Resumed(_) => "resumed".to_owned(),
            Known::Ended(_) => "ended".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        told,
        [
            "0:2",
            "suspended",
            "resumed",
            "0:3",
            "1:1",
            "1:2",
            "1:3",
            "ended"
        ]
    );
    assert_eq!(slow.answer().await.expect("made").frames.len(), 2);
}

#[tokio::test]
async fn events_are_stored_and_can_be_replayed_from_any_point() {
    let world = World::new();
    let client = world.client().await;
    let job = submit(&client, &params("one", 7), None).await;
    let watcher = world.client().await;
    let mut live = watcher.events();
    let watched = watcher
        .call::<JobWatch>(&events_of(&job, 0))
        .await
        .expect("there");
    assert!(!watched.state.is_end());
    world.steps(3);
    client.call::<JobWait>(&wait_for(&job)).await.expect("done");
    let mut seqs = Vec::new();
    while let Some(event) = live.recv().await {
        let (seq, last) = match event {
            Known::Queued(event) => (event.job_seq, false),
            Known::Started(event) => (event.job_seq, false),
            Known::Progress(event) => (event.job_seq, false),
            Known::Ended(event) => (event.job_seq, true),
            other => panic!("{other:?}"),
        };
        seqs.push(seq);
        if last {
            break;
        }
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    let stored = client
        .call::<JobEvents>(&events_of(&job, 4))
        .await
        .expect("there");
    let names: Vec<_> = stored
        .events
        .iter()
        .map(|event| event["event"].as_str())
        .collect();
    assert_eq!(names, [Some("job.progress"), Some("job.ended")]);
    assert_eq!(stored.events[1]["job_seq"].as_u64(), Some(6));
    let mut late = client.events();
    let watched = client
        .call::<JobWatch>(&events_of(&job, 5))
        .await
        .expect("there");
    assert_eq!(watched.state, JobState::Done);
    assert!(matches!(late.recv().await, Some(Known::Ended(_))));
}

#[tokio::test]
async fn a_subscriber_hears_of_every_job_once() {
    let world = World::freely();
    let (client, listener) = (world.client().await, world.client().await);
    let mut events = listener.events();
    let topics = |topic: &str| SubscribeParams {
        topics: vec![topic.to_owned()],
    };
    let refused = listener.call::<EventsSubscribe>(&topics("weather")).await;
    assert_eq!(code(refused), ErrorCode::InvalidParams);
    for subscriber in [&listener, &client] {
        subscriber
            .call::<EventsSubscribe>(&topics("jobs"))
            .await
            .expect("subscribed");
    }
    let mut own = client.events();
    client
        .call::<FrameGenerate>(&params("one", 1))
        .await
        .expect("made");
    for expected in 1..=6 {
        let event = events.recv().await.expect("an event");
        let seq = match event {
            Known::Queued(event) => event.job_seq,
            Known::Started(event) => event.job_seq,
            Known::Progress(event) => event.job_seq,
            Known::Ended(event) => event.job_seq,
            other => panic!("{other:?}"),
        };
        assert_eq!(seq, expected);
    }
    assert!(
        own.try_recv().is_err(),
        "its own job's events are its call's"
    );
}

#[tokio::test]
async fn the_history_shows_repeats_and_forgets() {
    let world = World::freely();
    let client = world.client().await;
    let job = submit(&client, &params("a fox", 7), None).await;
    client.call::<JobWait>(&wait_for(&job)).await.expect("done");
    let shown = client.call::<JobShow>(&named(&job)).await.expect("there");
    assert_eq!(shown.summary.title, "a fox");
    assert_eq!(shown.request["seed"].as_u64(), Some(7));
    let made: GenerateResult = from_value(&shown.result.expect("a result")).expect("frames");
    let hash = made.frames[0].picture.blob.clone().expect("a blob");
    let png = client.get_blob(&hash).await.expect("there");
    assert!(png.starts_with(b"\x89PNG"));
    let again = client.call::<JobAgain>(&named(&job)).await.expect("taken");
    assert!(!again.existing && again.job != job);
    let waited = client
        .call::<JobWait>(&wait_for(&again.job))
        .await
        .expect("done");
    let repeated: GenerateResult = from_value(&waited.result.expect("a result")).expect("frames");
    assert_eq!(
        repeated.frames[0].picture.blob.as_ref(),
        Some(&hash),
        "the same pixels"
    );
    let nothing = client.call::<JobPrune>(&PruneParams::default()).await;
    assert_eq!(code(nothing), ErrorCode::InvalidParams);
    let keep = |keep| PruneParams {
        keep: Some(keep),
        ..PruneParams::default()
    };
    let pruned = client.call::<JobPrune>(&keep(1)).await.expect("pruned");
    assert_eq!(
        (pruned.jobs, pruned.blobs),
        (1, 0),
        "the other one names the blob"
    );
    assert_eq!(
        code(client.call::<JobShow>(&named(&job)).await),
        ErrorCode::NotFound
    );
    let pruned = client.call::<JobPrune>(&keep(0)).await.expect("pruned");
    assert_eq!((pruned.jobs, pruned.blobs), (1, 1));
    assert!(matches!(
        client.get_blob(&hash).await,
        Err(ClientError::Refused(error)) if error.code == ErrorCode::NotFound
    ));
}

#[tokio::test]
async fn pictures_may_be_blobs_in_parts() {
    let world = World::freely();
    let client = world.client().await;
    // More than one part of the client's, and no multiple of it.
    let bytes: Vec<u8> = (0..9_000_001_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let hash = client.put_blob(&bytes).await.expect("stored");
    assert_eq!(client.get_blob(&hash).await.expect("there"), bytes);
    let pixels = RgbImage::from_pixel(2, 2, image::Rgb([1, 2, 3]));
    let raw = picture::write(&pixels, PictureFormat::Rgba8);
    let blob = client.put_blob(&raw.data).await.expect("stored");
    let mut request = params("a fox", 3);
    request.image = Some(Picture {
        data: serde_bytes::ByteBuf::new(),
        blob: Some(blob.clone()),
        ..raw
    });
    request.format = Some(PictureFormat::Bgra8);
    let made = client.call::<FrameGenerate>(&request).await.expect("made");
    assert_eq!(made.frames[0].picture.data[..4], [0, 0, 3, 255]);
    let shown = client
        .call::<JobShow>(&named(&made.job))
        .await
        .expect("there");
    assert_eq!(shown.request["image"]["blob"].as_str(), Some(blob.as_str()));
    let missing = "0".repeat(64);
    request.image.as_mut().expect("one").blob = Some(missing);
    assert_eq!(
        code(client.call::<FrameGenerate>(&request).await),
        ErrorCode::NotFound
    );
    let both = BlobPutParams {
        hash: Some(hash),
        upload: Some("mine".to_owned()),
        total: 1,
        offset: 0,
        data: serde_bytes::ByteBuf::from([1]),
    };
    assert_eq!(
        code(client.call::<BlobPut>(&both).await),
        ErrorCode::InvalidParams
    );
}

#[tokio::test]
async fn an_idle_model_is_unloaded() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let mut world = World::in_folder(folder, Duration::from_millis(50));
    world.pace = None;
    let client = world.client().await;
    client
        .call::<FrameGenerate>(&params("one", 1))
        .await
        .expect("made");
    loop {
        let status = client.call::<Status>(&Nothing {}).await.expect("status");
        match status.model {
            Some(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            None => break,
        }
    }
    client
        .call::<FrameGenerate>(&params("two", 2))
        .await
        .expect("loaded again");
}

/// A client that asks for more than it reads is cut off at once, and whoever
/// makes the events does not wait for it.
#[tokio::test]
async fn a_subscriber_that_does_not_read_is_dropped() {
    let world = World::freely();
    let mut deaf = world.open_narrow(4 << 10);
    for message in [
        json!({"id": 1, "method": "hello", "params": {"client": "deaf", "protocol": 1}}),
        json!({"id": 2, "method": "events.subscribe", "params": {"topics": ["jobs"]}}),
    ] {
        let payload = encode(&message).expect("encoded");
        write_frame(&mut deaf, &payload).await.expect("written");
    }
    let client = world.client().await;
    while client
        .call::<Status>(&Nothing {})
        .await
        .expect("status")
        .connections
        > 1
    {
        // Its events fill the pipe, then the channel.
        let request = params("one", 1);
        client.call::<FrameGenerate>(&request).await.expect("made");
    }
}

#[tokio::test]
async fn requests_of_one_connection_keep_their_order() {
    let world = World::new();
    let client = world.client().await;
    let mut calls = Vec::new();
    for seed in 0..4 {
        let call = client
            .start::<FrameGenerate>(&params("one", seed))
            .await
            .expect("sent");
        calls.push(call);
    }
    let mut numbers = Vec::new();
    for call in &mut calls {
        numbers.push(job_of(call).await[1..].parse::<u64>().expect("a number"));
    }
    assert!(numbers.is_sorted(), "{numbers:?}");
}
