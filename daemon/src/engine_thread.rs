//! The one thread on which frames are drawn.
//!
//! Between two steps the thread looks whether somebody cancelled the job, and
//! whether a more urgent one came: then it leaves the drawing alone, makes the
//! urgent job, and goes on with the drawing where it was.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use framewright_jobs::{Happened, Hash, Next, Outcome, Preview, Progress, Queue, Running};
use framewright_library::Library;
use framewright_protocol::{
    AgainResult, ErrorCode, FrameResult, GenerateResult, InpaintResult, Limits, Picture,
    PictureFormat, WireError,
};
use image::RgbImage;
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::inpainting::{Canvas, Inpainting, Layout};
use crate::job_words;
use crate::order::Order;
use crate::picture;
use crate::renderer::{Reader, Renderer};
use crate::request::{Desk, Task, encoded};

/// How long an engine without a model waits at a time.
const FOREVER: Duration = Duration::from_secs(3600);

/// The model in memory, for `status`.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name.
    pub model: String,
    /// When something was last drawn with it.
    pub used: Instant,
}

/// Where the engine tells which model it holds.
pub type ModelInMemory = Arc<Mutex<Option<Loaded>>>;

/// The engine and what it works with.
pub struct EngineThread<F> {
    /// Where work comes from.
    pub jobs: Arc<Queue>,
    /// Reads files and prompts.
    pub reader: Arc<dyn Reader>,
    /// What lies on disk.
    pub library: Arc<Library>,
    /// Where it tells which model it holds.
    pub model: ModelInMemory,
    /// A model that was not used for so long is unloaded.
    pub unload_after: Duration,
    /// Makes the engine, again after a panic.
    pub renderer: F,
    /// Hears when a job has ended: there may be room to be made.
    pub ended: Box<dyn Fn() + Send>,
}

impl<F: FnMut() -> Box<dyn Renderer>> EngineThread<F> {
    /// Draws what comes until the queue stops.
    pub fn run(mut self) {
        let engine = (self.renderer)();
        let mut worker = Worker {
            thread: self,
            engine,
        };
        loop {
            let loaded = worker.engine.model().is_some();
            let unload_after = worker.thread.unload_after;
            match worker
                .thread
                .jobs
                .next(if loaded { unload_after } else { FOREVER })
            {
                Next::Job(running) => {
                    worker.work(&running);
                    (worker.thread.ended)();
                }
                Next::Idle => worker.unload(),
                Next::Stop => return,
            }
        }
    }
}

struct Worker<F> {
    thread: EngineThread<F>,
    engine: Box<dyn Renderer>,
}

/// What a job made: bytes for the queue, and the blobs that they name.
type Made = (Vec<u8>, Vec<Hash>);

impl<F: FnMut() -> Box<dyn Renderer>> Worker<F> {
    fn unload(&mut self) {
        if let Some(model) = self.engine.model() {
            self.engine.unload();
            tracing::info!(model, "unloaded: nothing was drawn with it for a while");
        }
        self.tell_model();
    }

    fn tell_model(&self) {
        let loaded = self.engine.model().map(|model| Loaded {
            model,
            used: Instant::now(),
        });
        *self
            .thread
            .model
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// Makes one job, from its beginning to its end.
    fn work(&mut self, running: &Running) {
        let began = Instant::now();
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| self.make(running)));
        let made = made.unwrap_or_else(|_| {
            self.engine = (self.thread.renderer)();
            Err(WireError::new(
                ErrorCode::Internal,
                "the engine failed in a way that it should not",
            )
            .hint("the daemon's log says where; the engine was started again"))
        });
        self.tell_model();
        let (job, seconds) = (running.id, began.elapsed().as_secs_f64());
        match &made {
            Ok(_) => tracing::info!(%job, seconds, "made"),
            Err(error) => tracing::info!(%job, seconds, code = %error.code, "{error}"),
        }
        let outcome = match made {
            Ok((result, blobs)) => Outcome::Done { result, blobs },
            Err(error) => Outcome::Failed(job_words::failure(error)),
        };
        self.thread.jobs.finish(job, outcome);
    }

    fn make(&mut self, running: &Running) -> Result<Made, WireError> {
        let desk = Desk {
            library: &self.thread.library,
            reader: self.thread.reader.as_ref(),
            blobs: self.thread.jobs.blobs(),
        };
        let assignment = desk.assignment(&running.method, &running.request)?;
        let task = assignment.task;
        let (order, candidates) = match &task {
            Task::Generate { order, candidates }
            | Task::Inpaint {
                order, candidates, ..
            } => (order, *candidates),
            Task::Again { order, .. } => (order, 1),
        };
        let model = order.model.name.clone();
        self.thread
            .jobs
            .note(running.id, Happened::Started { model });
        let mut course = Course {
            running,
            candidates,
            preview_every: assignment.preview_every,
            format: assignment.format,
            began: Instant::now(),
            done: 0,
            stepping: 0.0,
            blobs: Vec::new(),
        };
        let job = running.id.to_string();
        let result = match &task {
            Task::Generate { .. } => {
                let mut frames = Vec::new();
                let mut notices = order.cast.notices.clone();
                let mut told = Vec::new();
                for candidate in 0..candidates {
                    let mut order = order.clone();
                    order.seed += u64::from(candidate);
                    let (frame, noticed) = course.frame(candidate, &order, self)?;
                    frames.push(course.store(frame, self)?);
                    told = noticed;
                }
                notices.extend(told);
                encoded(&GenerateResult {
                    job,
                    frames,
                    notices,
                    loras: Some(order.cast.applied()),
                    seconds: course.seconds(),
                })?
            }
            Task::Inpaint {
                inpainting,
                request,
                ..
            } => {
                let layout = course.lay_out(inpainting, order, self)?;
                let mut order = order.clone();
                let asked = order.cast.regions.len();
                order.cast.regions = layout.regions(&order.cast.regions);
                let mut frames = Vec::new();
                let mut notices = order.cast.notices.clone();
                let left_out = asked - order.cast.regions.len();
                if left_out > 0 {
                    notices.push(format!(
                        "{left_out} of {asked} regions lie outside of what is drawn, and are left \
                         out"
                    ));
                }
                let mut told = Vec::new();
                for candidate in 0..candidates {
                    let (frame, noticed) =
                        course.inpainted(candidate, &order, &layout, request, self)?;
                    frames.push(course.store(frame, self)?);
                    told = noticed;
                }
                notices.extend(told);
                encoded(&InpaintResult {
                    job,
                    frames,
                    place: layout.place(),
                    context: layout.context(),
                    region_small: layout.advice(),
                    notices,
                    loras: Some(order.cast.applied()),
                    seconds: course.seconds(),
                })?
            }
            Task::Again {
                before,
                provenance,
                inpainting,
                ..
            } => {
                let (frame, _) = match inpainting {
                    Some((inpainting, request)) => {
                        let layout = course.lay_out(inpainting, order, self)?;
                        course.inpainted(0, order, &layout, request, self)?
                    }
                    None => course.frame(0, order, self)?,
                };
                let after = Canvas::read_png(&frame.picture.data)?;
                let differing_pixels = before.differing_pixels(&after);
                let differences = self
                    .thread
                    .reader
                    .differences(provenance, &frame.provenance);
                encoded(&AgainResult {
                    job,
                    identical: differing_pixels == 0,
                    differing_pixels,
                    differences,
                    frame: course.store(frame, self)?,
                    seconds: course.seconds(),
                })?
            }
        };
        Ok((result, course.blobs))
    }

    /// Makes everything that is more urgent than this job.
    fn give_way(&mut self, running: &Running) {
        let mut suspended = false;
        while let Some(urgent) = self.thread.jobs.more_urgent(running.priority) {
            if !suspended {
                suspended = true;
                let by = urgent.id.to_string();
                self.thread
                    .jobs
                    .note(running.id, Happened::Suspended { by });
            }
            self.work(&urgent);
        }
        if suspended {
            self.thread.jobs.note(running.id, Happened::Resumed {});
        }
    }
}

/// What a job is doing, for its events.
struct Course<'a> {
    running: &'a Running,
    candidates: u32,
    preview_every: Option<u32>,
    format: PictureFormat,
    began: Instant,
    /// Steps that are done, and the seconds they took.
    done: u32,
    stepping: f64,
    /// The frames that are stored.
    blobs: Vec<Hash>,
}

impl Course<'_> {
    fn check_wanted(&self) -> Result<(), WireError> {
        if self.running.is_abandoned() {
            return Err(job_words::cancelled());
        }
        Ok(())
    }

    fn frame<F: FnMut() -> Box<dyn Renderer>>(
        &mut self,
        candidate: u32,
        order: &Order,
        worker: &mut Worker<F>,
    ) -> Result<(FrameResult, Vec<String>), WireError> {
        self.check_wanted()?;
        let mut drawing = worker.engine.start(order)?;
        check_answer(self.candidates, drawing.size(), self.format)?;
        let steps = drawing.steps();
        for step in 1..=steps {
            worker.give_way(self.running);
            self.check_wanted()?;
            let step_began = Instant::now();
            drawing.step()?;
            self.done += 1;
            self.stepping += step_began.elapsed().as_secs_f64();
            let left = (self.candidates - candidate - 1) * steps + steps - step;
            let due = |every: u32| every > 0 && step % every == 0 && step < steps;
            let preview = match self.preview_every {
                Some(every) if due(every) => Some(preview(&drawing.preview()?)),
                _ => None,
            };
            worker.thread.jobs.note(
                self.running.id,
                Happened::Progress(Progress {
                    candidate,
                    candidates: self.candidates,
                    step,
                    steps,
                    seconds_left: Some(self.stepping / f64::from(self.done) * f64::from(left)),
                    preview,
                }),
            );
        }
        self.check_wanted()?;
        let notices = drawing.notices();
        Ok((drawing.finish()?, notices))
    }

    fn lay_out<'a, F: FnMut() -> Box<dyn Renderer>>(
        &self,
        inpainting: &'a Inpainting,
        order: &Order,
        worker: &Worker<F>,
    ) -> Result<Layout<'a>, WireError> {
        let layout = inpainting.lay_out(worker.thread.reader.native_side(&order.model)?)?;
        let place = layout.place();
        check_answer(self.candidates, (place.width, place.height), self.format)?;
        Ok(layout)
    }

    /// One candidate of an inpainting: drawn, put onto the canvas, and written
    /// with the request that makes it again.
    fn inpainted<F: FnMut() -> Box<dyn Renderer>>(
        &mut self,
        candidate: u32,
        order: &Order,
        layout: &Layout<'_>,
        request: &Value,
        worker: &mut Worker<F>,
    ) -> Result<(FrameResult, Vec<String>), WireError> {
        let (width, height) = layout.working();
        let mut order = order.clone();
        order.seed += u64::from(candidate);
        (order.width, order.height) = (Some(width), Some(height));
        // A candidate made alone starts from the same noise.
        order.region = Some(layout.region(uniform(order.seed))?);
        let (mut frame, notices) = self.frame(candidate, &order, worker)?;
        let finished = layout.finish(&picture::read_png(&frame.picture.data)?)?;
        let png =
            worker
                .thread
                .reader
                .png(&finished.image(), &mut frame.provenance, request.clone())?;
        frame.picture = Picture {
            format: PictureFormat::Png,
            width: finished.size().width,
            height: finished.size().height,
            data: ByteBuf::from(png),
            blob: None,
        };
        Ok((frame, notices))
    }

    /// Stores a frame's PNG and names the blob in its place.
    fn store<F>(
        &mut self,
        mut frame: FrameResult,
        worker: &Worker<F>,
    ) -> Result<FrameResult, WireError> {
        let png = std::mem::take(&mut frame.picture.data);
        let hash = worker
            .thread
            .jobs
            .blobs()
            .put(&png)
            .map_err(|error| job_words::refused(&error))?;
        self.blobs.push(hash);
        frame.picture.data = ByteBuf::new();
        frame.picture.blob = Some(hash.to_string());
        Ok(frame)
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// Numbers from 0 to 1 that a seed decides (SplitMix64, Steele et al. 2014).
fn uniform(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 40) as f32 / 16_777_215.0
    }
}

fn preview(image: &RgbImage) -> Preview {
    let picture = picture::write(image, PictureFormat::Rgba8);
    Preview {
        width: picture.width,
        height: picture.height,
        rgba: picture.data.into_vec(),
    }
}

/// Refuses, before the first step, a job whose answer would not fit a frame of
/// the protocol.
fn check_answer(
    candidates: u32,
    (width, height): (u32, u32),
    format: PictureFormat,
) -> Result<(), WireError> {
    // A PNG has three bytes a pixel at most, and its provenance.
    let pixel_bytes = u64::from(format.pixel_bytes().unwrap_or(4));
    let each = u64::from(width) * u64::from(height) * pixel_bytes + (64 << 10);
    let most = Limits::CURRENT.frame_bytes / each;
    if u64::from(candidates) > most {
        return Err(WireError::new(
            ErrorCode::InvalidParams,
            format!("{candidates} frames of {width}x{height} do not fit one answer"),
        )
        .about("candidates")
        .hint(format!("ask for {most} at a time")));
    }
    Ok(())
}
