//! The one thread on which frames are drawn.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use framewright_protocol::{
    AgainResult, ErrorCode, FrameResult, GenerateResult, JobProgress, JobStarted, Known, Limits,
    PictureFormat, WireError,
};
use image::RgbImage;
use serde_json::Value;

use crate::connection::Events;
use crate::order::Order;
use crate::picture;
use crate::queue::{Queue, Running};
use crate::renderer::{Reader, Renderer};

/// A job for the engine.
pub struct Work {
    /// The id of the request that asked for it.
    pub request: u64,
    /// What is asked for.
    pub task: Task,
    /// A preview after every that many steps.
    pub preview_every: Option<u32>,
    /// Where events go.
    pub events: Events,
}

/// What a job makes.
pub enum Task {
    /// Frames from a prompt.
    Generate {
        /// Candidate 0; candidate k has the seed + k.
        order: Box<Order>,
        /// How many.
        candidates: u32,
        /// How they come back.
        format: PictureFormat,
    },
    /// A frame that was made before.
    Again {
        /// As its PNG remembers.
        order: Box<Order>,
        /// Its pixels.
        before: RgbImage,
        /// What its PNG says.
        provenance: Value,
    },
}

/// What a job made.
#[derive(Debug, PartialEq)]
pub enum Made {
    /// By [`Task::Generate`].
    Frames(GenerateResult),
    /// By [`Task::Again`].
    Again(AgainResult),
}

/// The queue between connections and the engine.
pub type Jobs = Queue<Work, Made>;

/// The name of the model in memory, for `status`.
pub type ModelInMemory = Arc<Mutex<Option<String>>>;

/// Draws what `jobs` brings until it stops. `renderer` makes the engine, again
/// after a panic.
pub fn run(
    jobs: &Jobs,
    reader: &dyn Reader,
    model: &ModelInMemory,
    mut renderer: impl FnMut() -> Box<dyn Renderer>,
) {
    let mut engine = renderer();
    while let Some(running) = jobs.next() {
        let name = running.job.clone();
        let began = Instant::now();
        let outcome =
            std::panic::catch_unwind(AssertUnwindSafe(|| make(&running, reader, engine.as_mut())));
        let outcome = outcome.unwrap_or_else(|_| {
            engine = renderer();
            Err(WireError::new(
                ErrorCode::Internal,
                "the engine failed in a way that it should not",
            )
            .hint("the daemon's log says where; the engine was started again"))
        });
        *model.lock().unwrap_or_else(PoisonError::into_inner) = engine.model();
        let seconds = began.elapsed().as_secs_f64();
        match &outcome {
            Ok(_) => tracing::info!(job = name, seconds, "made"),
            Err(error) => tracing::info!(job = name, seconds, code = %error.code, "{error}"),
        }
        jobs.finish(&name, outcome);
    }
}

/// What a job is doing, for its events.
struct Course<'a> {
    running: &'a Running<Work>,
    candidates: u32,
    began: Instant,
    /// Steps that are done, and the seconds they took.
    done: u32,
    stepping: f64,
}

impl Course<'_> {
    fn check_cancelled(&self) -> Result<(), WireError> {
        if self.running.is_cancelled() {
            return Err(WireError::new(
                ErrorCode::Cancelled,
                "the job was cancelled",
            ));
        }
        Ok(())
    }

    fn frame(
        &mut self,
        candidate: u32,
        order: &Order,
        format: PictureFormat,
        engine: &mut dyn Renderer,
    ) -> Result<(FrameResult, Vec<String>), WireError> {
        let work = &self.running.work;
        self.check_cancelled()?;
        let mut drawing = engine.start(order)?;
        check_answer(self.candidates, drawing.size())?;
        let steps = drawing.steps();
        for step in 1..=steps {
            self.check_cancelled()?;
            let step_began = Instant::now();
            drawing.step()?;
            self.done += 1;
            self.stepping += step_began.elapsed().as_secs_f64();
            let left = (self.candidates - candidate - 1) * steps + steps - step;
            let due = |every: u32| every > 0 && step % every == 0 && step < steps;
            let preview = match work.preview_every {
                Some(every) if due(every) => Some(drawing.preview()?),
                _ => None,
            };
            work.events.send(Known::Progress(JobProgress {
                job: self.running.job.clone(),
                request: work.request,
                candidate,
                candidates: self.candidates,
                step,
                steps,
                seconds_left: Some(self.stepping / f64::from(self.done) * f64::from(left)),
                preview: preview.map(|image| picture::write(&image, PictureFormat::Rgba8)),
            }));
        }
        self.check_cancelled()?;
        let notices = drawing.notices();
        Ok((drawing.finish(format)?, notices))
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// Refuses, before the first step, a job whose answer would not fit a frame of
/// the protocol.
fn check_answer(candidates: u32, (width, height): (u32, u32)) -> Result<(), WireError> {
    // Four bytes a pixel, raw; a PNG has three at most, and its provenance.
    let each = u64::from(width) * u64::from(height) * 4 + (64 << 10);
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

fn make(
    running: &Running<Work>,
    reader: &dyn Reader,
    engine: &mut dyn Renderer,
) -> Result<Made, WireError> {
    let work = &running.work;
    let (order, candidates) = match &work.task {
        Task::Generate {
            order, candidates, ..
        } => (order, *candidates),
        Task::Again { order, .. } => (order, 1),
    };
    work.events.send(Known::Started(JobStarted {
        job: running.job.clone(),
        request: work.request,
        model: order.model.name.clone(),
    }));
    let mut course = Course {
        running,
        candidates,
        began: Instant::now(),
        done: 0,
        stepping: 0.0,
    };
    match &work.task {
        Task::Generate { format, .. } => {
            let mut frames = Vec::new();
            let mut notices = Vec::new();
            for candidate in 0..candidates {
                let mut order = order.clone();
                order.seed += u64::from(candidate);
                let (frame, noticed) = course.frame(candidate, &order, *format, engine)?;
                frames.push(frame);
                notices = noticed;
            }
            Ok(Made::Frames(GenerateResult {
                job: running.job.clone(),
                frames,
                notices,
                seconds: course.seconds(),
            }))
        }
        Task::Again {
            before, provenance, ..
        } => {
            let (frame, _) = course.frame(0, order, PictureFormat::Png, engine)?;
            let after = picture::read_png(&frame.picture.data)?;
            let differing_pixels = picture::differing_pixels(before, &after);
            Ok(Made::Again(AgainResult {
                job: running.job.clone(),
                identical: differing_pixels == 0 && before.dimensions() == after.dimensions(),
                differing_pixels,
                differences: reader.differences(provenance, &frame.provenance),
                frame,
                seconds: course.seconds(),
            }))
        }
    }
}
