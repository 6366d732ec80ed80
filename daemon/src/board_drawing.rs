//! Drawing a board: take by take, each a job of its own, each stored when it
//! is drawn. Whatever ends the drawing, the next one goes on where it was.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use framewright_boards::{BoardFolder, DrawingLock, Seed, WantedTake};
use framewright_jobs::{Filter, Hash, JobId, State};
use framewright_protocol::{
    BoardParams, BoardProgress, BoardRender, BoardRenderParams, BoardRenderResult, BoardStopResult,
    ErrorCode, FrameGenerate, Known, Method, Priority, WireError,
};
use tokio::sync::watch;

use crate::answers::blocking;
use crate::board_answers::{self, request};
use crate::board_words::{refused, state};
use crate::connection::Client;
use crate::daemon::Daemon;
use crate::job_answers;
use crate::job_words;
use crate::request::{self as requests, decoded, encoded};

/// How long a new drawing waits for one that is ending: that of a client which
/// went a moment ago.
const PATIENCE: Duration = Duration::from_secs(2);

/// A board that is being drawn.
struct Drawing {
    stop: AtomicBool,
    job: Mutex<Option<JobId>>,
    ended: watch::Sender<bool>,
}

/// The boards that are being drawn, by folder.
#[derive(Default)]
pub struct Drawings {
    of_folder: Mutex<HashMap<PathBuf, Arc<Drawing>>>,
}

/// Ends the drawing when it is dropped.
struct Begun {
    drawings: Arc<Drawings>,
    folder: PathBuf,
    drawing: Arc<Drawing>,
    _lock: Option<DrawingLock>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.drawings.lock().remove(&self.folder);
        self.drawing.ended.send_replace(true);
    }
}

impl Drawings {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Drawing>>> {
        // A panic while the lock is held leaves nothing half done.
        self.of_folder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether that board is being drawn.
    pub fn is_drawing(&self, path: &Path) -> bool {
        path.canonicalize()
            .is_ok_and(|folder| self.lock().contains_key(&folder))
    }

    /// Begins, unless it has begun already.
    fn begin(self: &Arc<Self>, folder: &Path) -> Result<Begun, Arc<Drawing>> {
        let mut all = self.lock();
        if let Some(drawing) = all.get(folder) {
            return Err(drawing.clone());
        }
        let drawing = Arc::new(Drawing {
            stop: AtomicBool::new(false),
            job: Mutex::new(None),
            ended: watch::Sender::new(false),
        });
        all.insert(folder.to_owned(), drawing.clone());
        Ok(Begun {
            drawings: self.clone(),
            folder: folder.to_owned(),
            drawing,
            _lock: None,
        })
    }
}

impl Drawing {
    fn job(&self) -> std::sync::MutexGuard<'_, Option<JobId>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy(path: &Path) -> WireError {
    WireError::new(ErrorCode::Busy, "the board is being drawn already")
        .about(path.display().to_string())
        .hint("wait until that has ended, or end it there with Ctrl-C, or here with `board stop`")
}

/// `board.stop`
pub async fn stop(daemon: &Arc<Daemon>, bytes: &[u8]) -> Result<BoardStopResult, WireError> {
    let params: BoardParams = decoded::<framewright_protocol::BoardStop>(bytes)?;
    let drawing = blocking(daemon, move |daemon| {
        let folder = board_answers::folder(&params.path)?;
        let canonical = canonical(&folder)?;
        let drawing = daemon.drawings.lock().get(&canonical).cloned();
        if let Some(drawing) = &drawing {
            drawing.stop.store(true, Ordering::SeqCst);
            if let Some(job) = *drawing.job() {
                // It may have ended this very moment.
                let _ = daemon.jobs.cancel(job);
            }
        }
        Ok(drawing)
    })
    .await?;
    let was_drawing = drawing.is_some();
    if let Some(drawing) = drawing {
        // Fails only when the drawing is gone.
        let _ = drawing.ended.subscribe().wait_for(|ended| *ended).await;
    }
    Ok(BoardStopResult { was_drawing })
}

fn canonical(folder: &BoardFolder) -> Result<PathBuf, WireError> {
    folder.path().canonicalize().map_err(|source| {
        let path = folder.path().to_owned();
        let error = framewright_boards::BoardError::Read { path, source };
        refused(folder.path(), &error)
    })
}

/// `board.render`
pub async fn render(
    daemon: &Arc<Daemon>,
    client: &Client,
    id: u64,
    bytes: &[u8],
) -> Result<BoardRenderResult, WireError> {
    let began = Instant::now();
    let params = decoded::<BoardRender>(bytes)?;
    let path = params.path.clone();
    let (folder, canonical) = blocking(daemon, move |_| {
        let folder = board_answers::folder(&path)?;
        let canonical = canonical(&folder)?;
        Ok((folder, canonical))
    })
    .await?;
    let mut begun = begin(daemon, &folder, &canonical).await?;
    let brush = Brush {
        daemon,
        client,
        request: id,
        folder,
        params,
    };
    let mut notices = brush.prepare(&mut begun).await?;
    let drawn = brush.draw_all(&begun.drawing, began, &mut notices).await?;
    drop(begun);
    let folder = brush.folder;
    blocking(daemon, move |daemon| {
        let failed = |error| refused(folder.path(), &error);
        let version = folder.read().map_err(failed)?;
        notices.extend(folder.sync_shots(&version.board).map_err(failed)?);
        let drawing = daemon.drawings.is_drawing(folder.path());
        Ok(BoardRenderResult {
            drawn,
            board: state(&folder, &version, drawing, Vec::new())?,
            notices,
            seconds: began.elapsed().as_secs_f64(),
        })
    })
    .await
}

async fn begin(
    daemon: &Arc<Daemon>,
    folder: &BoardFolder,
    canonical: &Path,
) -> Result<Begun, WireError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match daemon.drawings.begin(canonical) {
            Ok(begun) => return Ok(begun),
            Err(other) => {
                let mut ended = other.ended.subscribe();
                let ended = ended.wait_for(|ended| *ended);
                if tokio::time::timeout_at(deadline, ended).await.is_err() {
                    return Err(busy(folder.path()));
                }
            }
        }
    }
}

/// What draws one board for one request.
struct Brush<'a> {
    daemon: &'a Arc<Daemon>,
    client: &'a Client,
    request: u64,
    folder: BoardFolder,
    params: BoardRenderParams,
}

/// What is to be drawn next.
struct Next {
    take: Option<WantedTake>,
    left: usize,
    frames: usize,
}

impl Brush<'_> {
    /// Whom the jobs are for, as lists of jobs tell it.
    fn client_name(folder: &BoardFolder) -> String {
        format!("board {}", folder.path().display())
    }

    /// Keeps other processes out, ends what a daemon that crashed left of this
    /// board in the queue, and takes in pictures that the file does not name.
    async fn prepare(&self, begun: &mut Begun) -> Result<Vec<String>, WireError> {
        let folder = self.folder.clone();
        let only = self.params.frame.clone();
        let (lock, notices) = blocking(self.daemon, move |daemon| {
            let failed = |error| refused(folder.path(), &error);
            let lock = folder.lock_for_drawing().map_err(failed)?;
            let lock = lock.ok_or_else(|| busy(folder.path()))?;
            end_leftovers(daemon, &Self::client_name(&folder))?;
            // Ids and seeds are written before anything is named after them.
            let ((), version) = folder.change(None, |_| Ok(())).map_err(failed)?;
            if let Some(frame) = &only {
                version.board.find_frame(frame).map_err(failed)?;
            }
            let adopted = folder.adopt().map_err(failed)?;
            let mut notices = Vec::new();
            if !adopted.is_empty() {
                notices.push(format!(
                    "taken in, since they were drawn already: {}",
                    adopted.join(", ")
                ));
            }
            Ok((lock, notices))
        })
        .await?;
        begun._lock = Some(lock);
        Ok(notices)
    }

    async fn draw_all(
        &self,
        drawing: &Drawing,
        began: Instant,
        notices: &mut Vec<String>,
    ) -> Result<u64, WireError> {
        let mut tried = HashSet::new();
        let mut drawn = 0_u64;
        loop {
            let next = self.next(&tried).await?;
            let left = next.left as u64;
            let each = began.elapsed().as_secs_f64() / drawn.max(1) as f64;
            self.tell(&next, drawn, (drawn > 0).then_some(each * left as f64));
            let Some(take) = next.take else {
                return Ok(drawn);
            };
            if drawing.stop.load(Ordering::SeqCst) {
                return Err(job_words::cancelled());
            }
            tried.insert((take.frame.clone(), take.batch.asked.clone(), take.number));
            if take.again {
                notices.push(format!(
                    "take {} of frame {} was deleted: drawn again",
                    take.number, take.place
                ));
            }
            // What holds for every take is told once.
            for notice in self.draw(drawing, take).await? {
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
            }
            drawn += 1;
        }
    }

    async fn next(&self, tried: &HashSet<(String, String, u32)>) -> Result<Next, WireError> {
        let (folder, only) = (self.folder.clone(), self.params.frame.clone());
        let tried = tried.clone();
        blocking(self.daemon, move |_| {
            let failed = |error| refused(folder.path(), &error);
            let board = folder.read().map_err(failed)?.board;
            let mut wanted = folder.wanted(&board, only.as_deref()).map_err(failed)?;
            wanted.retain(|take| {
                !tried.contains(&(take.frame.clone(), take.batch.asked.clone(), take.number))
            });
            let left = wanted.len();
            Ok(Next {
                take: wanted.into_iter().next(),
                left,
                frames: board.frames.len(),
            })
        })
        .await
    }

    fn tell(&self, next: &Next, done: u64, seconds_left: Option<f64>) {
        self.client.events.send(Known::Board(BoardProgress {
            path: self.folder.path().display().to_string(),
            request: Some(self.request),
            done,
            total: done + next.left as u64,
            frame: next.take.as_ref().map(|take| take.place as u64),
            frames: next.frames as u64,
            take: next.take.as_ref().map(|take| take.number),
            seconds_left,
        }));
    }

    /// Draws one take and stores it.
    async fn draw(&self, drawing: &Drawing, take: WantedTake) -> Result<Vec<String>, WireError> {
        let place = take.place;
        let about = |error: WireError| {
            let what = error.about.clone().map(|about| format!("{about} of "));
            error.about(format!(
                "{}frame {place} of {}",
                what.unwrap_or_default(),
                self.folder.path().display()
            ))
        };
        let mut params = request(&take.generate).map_err(about)?;
        params.prompt = take.batch.prompt.clone();
        params.negative_prompt = take.batch.negative_prompt.clone();
        params.seed = take.seed.map(|seed| seed.0);
        params.priority = Some(Priority::Batch);
        let (mut client, id) = (self.client.clone(), self.request);
        let name = Self::client_name(&self.folder);
        let title = format!("{place}.{} ", take.number);
        let job = blocking(self.daemon, move |daemon| {
            let bytes = encoded(&params)?;
            let mut accepted = daemon.desk().accept(FrameGenerate::NAME, &bytes)?;
            accepted.title.insert_str(0, &title);
            let asked = Hash::of(&bytes);
            client.name = name.into();
            let submitted = job_answers::enqueue(daemon, &client, &accepted, asked, Some(id))?;
            Ok(submitted.id)
        })
        .await
        .map_err(about)?;
        *drawing.job() = Some(job);
        if drawing.stop.load(Ordering::SeqCst) {
            let daemon = self.daemon.clone();
            // It may have ended this very moment.
            let _ = blocking(&daemon, move |daemon| Ok(daemon.jobs.cancel(job).is_ok())).await;
        }
        let result = job_answers::result(self.daemon, job).await;
        *drawing.job() = None;
        let result = result.map_err(|error| match error.code {
            ErrorCode::Cancelled | ErrorCode::Stopping => error,
            _ => about(error),
        })?;
        let folder = self.folder.clone();
        blocking(self.daemon, move |daemon| {
            let format = framewright_protocol::PictureFormat::Png;
            let made = requests::generate_result(daemon.jobs.blobs(), &result, format)?;
            let mut notices = made.notices;
            for frame in made.frames {
                let png = &frame.picture.data;
                let stored = folder.store(&take, Seed(frame.seed), png);
                let (_, notice) = stored.map_err(|error| refused(folder.path(), &error))?;
                notices.extend(notice);
            }
            Ok(notices)
        })
        .await
    }
}

/// Cancels the jobs that were made for this board and that nobody waits for.
fn end_leftovers(daemon: &Daemon, name: &str) -> Result<(), WireError> {
    let filter = Filter {
        states: vec![State::Queued, State::Running],
        before: None,
        limit: 10_000,
    };
    let (jobs, _) = daemon
        .jobs
        .list(&filter)
        .map_err(|error| job_words::refused(&error))?;
    for job in jobs.iter().filter(|job| job.client == name) {
        // It may have ended this very moment.
        let _ = daemon.jobs.cancel(job.id);
    }
    Ok(())
}
