//! Who waits, who runs, who has ended.
//!
//! Every decision about a job is made under one lock and is in the database
//! before anybody is told: whoever ends a job first decides how, so there is
//! exactly one end.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use crate::blobs::Blobs;
use crate::error::{JobsError, write_at};
use crate::hash::Hash;
use crate::job::{
    Event, Failure, Filter, Happened, Job, JobId, Outcome, Priority, State as JobState, Summary,
};
use crate::schedule::Schedule;
use crate::store::{NewJob, Queued, Store, now};

/// Which connection asked for a job.
pub type Owner = u64;

/// Hears of everything that happens to jobs, in order. It is called under the
/// queue's lock: it must neither wait nor call the queue.
pub type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// A blob that nothing names yet stays that long: its upload came before the
/// request that needs it.
const GRACE: Duration = Duration::from_secs(600);

/// [`AtomicU8`] value for "nothing waits".
const NOTHING_WAITS: u8 = u8::MAX;

/// What a queue holds to.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Jobs that wait or run at once.
    pub most_jobs: u64,
    /// Bytes of one blob.
    pub most_blob_bytes: u64,
    /// Bytes of all blobs; the longest unused go first.
    pub keep_bytes: u64,
    /// Ended jobs that are remembered.
    pub keep_jobs: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The method's name.
    pub method: &'a str,
    /// Who asks; clients take turns.
    pub client: &'a str,
    /// What it is about, in a few words.
    pub title: &'a str,
    /// How urgent it is.
    pub priority: Priority,
    /// Asking again with the same key gives the same job.
    pub key: Option<&'a str>,
    /// The connection without which nobody wants the job; without one, and
    /// always with a key, the job outlives whoever asked.
    pub owner: Option<Owner>,
    /// The hash of the request as it was sent: a key belongs to one request.
    pub asked: Hash,
    /// What the engine gets to read.
    pub request: &'a [u8],
    /// The blobs that the request names; they must be stored already.
    pub blobs: &'a [Hash],
}

/// The job that was made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its number.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// Whether the key's job was there already.
    pub existing: bool,
}

/// A job that the engine has begun.
#[derive(Debug)]
pub struct Running {
    /// Its number.
    pub id: JobId,
    /// How urgent it is.
    pub priority: Priority,
    /// The method that made it.
    pub method: String,
    /// What to do.
    pub request: Vec<u8>,
    abandoned: Arc<AtomicBool>,
}

impl Running {
    /// Whether nobody wants the result any more; the engine looks between
    /// steps.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// What the engine does next.
#[derive(Debug)]
pub enum Next {
    /// This job.
    Job(Running),
    /// Nothing came in the time that it would wait.
    Idle,
    /// End.
    Stop,
}

/// How to learn of a job's end.
#[derive(Debug)]
pub enum Wait {
    /// It has ended.
    Ended,
    /// It will be told. A failure that comes along could not be stored; a
    /// closed channel means that the daemon stops.
    Later(oneshot::Receiver<Option<Failure>>),
}

/// How many jobs there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The job on the engine, then those that it suspended.
    pub begun: Vec<JobId>,
    /// How many wait, by [`Priority`].
    pub waiting: [u64; 3],
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Jobs.
    pub jobs: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

struct Current {
    id: JobId,
    priority: Priority,
    ended: bool,
    abandoned: Arc<AtomicBool>,
    last_seq: u64,
}

struct State {
    store: Store,
    schedule: Schedule,
    /// The jobs that the engine has begun; it works on the last.
    current: Vec<Current>,
    /// Whose end takes them along.
    owned: HashMap<JobId, Owner>,
    waiters: HashMap<JobId, Vec<oneshot::Sender<Option<Failure>>>>,
    stopping: bool,
}

/// The durable queue.
pub struct Queue {
    state: Mutex<State>,
    work_came: Condvar,
    /// The class of the most urgent job that waits.
    most_urgent: AtomicU8,
    listener: Listener,
    options: Options,
    blobs: Blobs,
    /// Jobs that ended since old ones were last forgotten.
    ended: AtomicU64,
}

impl Queue {
    /// Opens the queue in `folder`, which is made when it is not there. What a
    /// former process had not ended waits again.
    ///
    /// # Errors
    /// When the folder or the database cannot be used.
    pub fn open(folder: &Path, options: Options, listener: Listener) -> Result<Self, JobsError> {
        std::fs::create_dir_all(folder).map_err(write_at(folder))?;
        let blobs = Blobs::open(folder.join("blobs"), options.most_blob_bytes)?;
        let mut store = Store::open(&folder.join("jobs.sqlite"))?;
        let mut schedule = Schedule::default();
        for (ahead, (job, state)) in store.unfinished()?.into_iter().enumerate() {
            if state == JobState::Running {
                let ahead = ahead as u64;
                store.note(job.id, Happened::Queued { ahead })?;
            }
            schedule.add(job);
        }
        if schedule.len() > 0 {
            tracing::info!(jobs = schedule.len(), "jobs of a former process wait again");
        }
        let queue = Self {
            state: Mutex::new(State {
                store,
                schedule,
                current: Vec::new(),
                owned: HashMap::new(),
                waiters: HashMap::new(),
                stopping: false,
            }),
            work_came: Condvar::new(),
            most_urgent: AtomicU8::new(NOTHING_WAITS),
            listener,
            options,
            blobs,
            ended: AtomicU64::new(u64::MAX / 2),
        };
        queue.publish(&queue.lock());
        Ok(queue)
    }

    /// The blobs.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves the database whole, and what is
        // in memory follows it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        let most_urgent = state.schedule.most_urgent();
        let class = most_urgent.map_or(NOTHING_WAITS, |priority| priority as u8);
        self.most_urgent.store(class, Ordering::Release);
    }

    /// Takes a job; it is on the disk when this returns. `taken` hears its
    /// number before anything happens to it.
    ///
    /// # Errors
    /// [`JobsError::Busy`], [`JobsError::Stopping`], [`JobsError::KeyUsed`],
    /// [`JobsError::NoBlob`], or when the disk refuses.
    pub fn submit(
        &self,
        submission: Submission<'_>,
        taken: impl FnOnce(JobId),
    ) -> Result<Submitted, JobsError> {
        let mut state = self.lock();
        if let Some(key) = submission.key
            && let Some((id, found, asked)) = state.store.with_key(key)?
        {
            if asked != submission.asked.to_string() {
                return Err(JobsError::KeyUsed {
                    key: key.to_owned(),
                    job: id.to_string(),
                });
            }
            taken(id);
            return Ok(Submitted {
                id,
                state: found,
                existing: true,
            });
        }
        if state.stopping {
            return Err(JobsError::Stopping);
        }
        let waiting = (state.schedule.len() + state.current.len()) as u64;
        if waiting >= self.options.most_jobs {
            return Err(JobsError::Busy { waiting });
        }
        if let Some(missing) = submission
            .blobs
            .iter()
            .find(|hash| !self.blobs.holds(**hash))
        {
            return Err(JobsError::NoBlob(*missing));
        }
        let running = state
            .current
            .iter()
            .filter(|current| current.priority <= submission.priority && !current.ended);
        let ahead = state.schedule.ahead_of(submission.priority) + running.count() as u64;
        let job = NewJob {
            method: submission.method,
            client: submission.client,
            title: submission.title,
            priority: submission.priority,
            key: submission.key,
            asked: submission.asked,
            request: submission.request,
            blobs: submission.blobs,
        };
        let (id, event) = state.store.add(&job, ahead)?;
        if let (Some(owner), None) = (submission.owner, submission.key) {
            state.owned.insert(id, owner);
        }
        state.schedule.add(Queued {
            id,
            client: submission.client.to_owned(),
            priority: submission.priority,
        });
        taken(id);
        (self.listener)(&event);
        self.publish(&state);
        drop(state);
        self.work_came.notify_one();
        Ok(Submitted {
            id,
            state: JobState::Queued,
            existing: false,
        })
    }

    /// The next job for an engine that has nothing to do. Waits `patience` for
    /// one.
    pub fn next(&self, patience: Duration) -> Next {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            if state.stopping {
                return Next::Stop;
            }
            if let Some(running) = self.begin(&mut state) {
                return Next::Job(running);
            }
            let Some(left) = patience.checked_sub(began.elapsed()) else {
                return Next::Idle;
            };
            state = self
                .work_came
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// A job that is more urgent than `than`, for an engine that is at work.
    /// Costs next to nothing when there is none.
    pub fn more_urgent(&self, than: Priority) -> Option<Running> {
        if self.most_urgent.load(Ordering::Acquire) >= than as u8 {
            return None;
        }
        let mut state = self.lock();
        if state.stopping || state.schedule.most_urgent()? >= than {
            return None;
        }
        self.begin(&mut state)
    }

    /// Takes the next job off the schedule. One that cannot be read has failed.
    fn begin(&self, state: &mut State) -> Option<Running> {
        let mut begun = None;
        while let Some(job) = state.schedule.next() {
            match state.store.work(job.id) {
                Ok((method, request)) => {
                    let abandoned = Arc::new(AtomicBool::new(false));
                    state.current.push(Current {
                        id: job.id,
                        priority: job.priority,
                        ended: false,
                        abandoned: abandoned.clone(),
                        last_seq: 1,
                    });
                    begun = Some(Running {
                        id: job.id,
                        priority: job.priority,
                        method,
                        request,
                        abandoned,
                    });
                    break;
                }
                Err(error) => {
                    tracing::error!(job = %job.id, "a job cannot be read: {error}");
                    let failure = unstored(&error);
                    self.end(state, job.id, 1, JobState::Failed, None, &[], Some(failure));
                }
            }
        }
        self.publish(state);
        begun
    }

    /// Something happened to a job that the engine has begun. Nothing is noted
    /// once the job has ended.
    pub fn note(&self, id: JobId, happened: Happened) {
        let mut state = self.lock();
        let State { store, current, .. } = &mut *state;
        let Some(current) = current
            .iter_mut()
            .find(|current| current.id == id && !current.ended)
        else {
            return;
        };
        match store.note(id, happened.clone()) {
            Ok(event) => {
                current.last_seq = event.seq;
                (self.listener)(&event);
            }
            Err(error) => {
                // Progress that cannot be stored is told all the same.
                tracing::warn!(job = %id, "an event cannot be stored: {error}");
                current.last_seq += 1;
                let seq = current.last_seq;
                (self.listener)(&Event {
                    job: id,
                    seq,
                    happened,
                });
            }
        }
    }

    /// The engine is done with a job. Says whether `outcome` was its end; it
    /// was not when somebody cancelled the job before, or when the daemon
    /// stops: then the next one begins it anew.
    pub fn finish(&self, id: JobId, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let Some(at) = state.current.iter().position(|current| current.id == id) else {
            return false;
        };
        let current = state.current.remove(at);
        if current.ended || (state.stopping && current.abandoned.load(Ordering::Relaxed)) {
            return false;
        }
        let seq = current.last_seq;
        match outcome {
            Outcome::Done { result, blobs } => {
                let result = Some(result.as_slice());
                self.end(&mut state, id, seq, JobState::Done, result, &blobs, None);
            }
            Outcome::Failed(failure) => {
                let failure = Some(failure);
                self.end(&mut state, id, seq, JobState::Failed, None, &[], failure);
            }
        }
        true
    }

    /// Ends a job in the database, then tells everybody.
    #[expect(clippy::too_many_arguments, reason = "the parts of one end")]
    fn end(
        &self,
        state: &mut State,
        id: JobId,
        last_seq: u64,
        how: JobState,
        result: Option<&[u8]>,
        blobs: &[Hash],
        failure: Option<Failure>,
    ) {
        let (event, lost) = match state.store.end(id, how, result, blobs, failure) {
            Ok(event) => (event, None),
            Err(error) => {
                // The job is still unfinished in the database, so the next
                // daemon begins it anew; this one cannot do more for it.
                tracing::error!(job = %id, "a job's end cannot be stored: {error}");
                let failure = unstored(&error);
                let event = Event {
                    job: id,
                    seq: last_seq + 1,
                    happened: Happened::Ended {
                        state: JobState::Failed,
                        failure: Some(failure.clone()),
                    },
                };
                (event, Some(failure))
            }
        };
        state.owned.remove(&id);
        self.ended.fetch_add(1, Ordering::Relaxed);
        (self.listener)(&event);
        for waiter in state.waiters.remove(&id).unwrap_or_default() {
            // Whoever waited may be gone.
            let _ = waiter.send(lost.clone());
        }
    }

    /// Cancels exactly that job; says whether the engine had begun it.
    ///
    /// # Errors
    /// [`JobsError::Unknown`] when it never was, [`JobsError::Ended`] when it
    /// has ended, and when the disk refuses: then it goes on.
    pub fn cancel(&self, id: JobId) -> Result<bool, JobsError> {
        self.cancel_locked(&mut self.lock(), id)
    }

    fn cancel_locked(&self, state: &mut State, id: JobId) -> Result<bool, JobsError> {
        let running = state
            .current
            .iter()
            .position(|current| current.id == id && !current.ended);
        let found = state.store.state(id)?;
        if found.is_end() {
            return Err(JobsError::Ended(found));
        }
        let event = state.store.end(id, JobState::Cancelled, None, &[], None)?;
        if let Some(at) = running {
            let current = &mut state.current[at];
            current.ended = true;
            current.abandoned.store(true, Ordering::Relaxed);
        }
        state.schedule.remove(id);
        state.owned.remove(&id);
        self.publish(state);
        (self.listener)(&event);
        for waiter in state.waiters.remove(&id).unwrap_or_default() {
            let _ = waiter.send(None);
        }
        Ok(running.is_some())
    }

    /// Cancels what that connection alone wanted.
    pub fn cancel_owned_by(&self, owner: Owner) {
        let mut state = self.lock();
        let owned = state.owned.iter().filter(|(_, other)| **other == owner);
        for id in owned.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Err(error) = self.cancel_locked(&mut state, id) {
                tracing::warn!(job = %id, "nobody wants the job, and it goes on: {error}");
            }
        }
    }

    /// Waits for a job's end.
    ///
    /// # Errors
    /// [`JobsError::Unknown`].
    pub fn wait(&self, id: JobId) -> Result<Wait, JobsError> {
        let mut state = self.lock();
        if state.store.state(id)?.is_end() {
            return Ok(Wait::Ended);
        }
        let (sender, receiver) = oneshot::channel();
        if !state.stopping {
            let waiters = state.waiters.entry(id).or_default();
            waiters.retain(|waiter| !waiter.is_closed());
            waiters.push(sender);
        }
        Ok(Wait::Later(receiver))
    }

    /// Takes no more work and lets the engine go. What has not ended waits for
    /// the next process.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopping = true;
        state.waiters.clear();
        for current in &state.current {
            current.abandoned.store(true, Ordering::Relaxed);
        }
        drop(state);
        self.work_came.notify_all();
    }

    /// How many jobs there are.
    pub fn standing(&self) -> Standing {
        let state = self.lock();
        Standing {
            begun: state
                .current
                .iter()
                .rev()
                .map(|current| current.id)
                .collect(),
            waiting: state.schedule.counts(),
        }
    }

    /// Jobs, newest first; and whether there are more.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn list(&self, filter: &Filter) -> Result<(Vec<Summary>, bool), JobsError> {
        self.lock().store.list(filter)
    }

    /// Everything about a job.
    ///
    /// # Errors
    /// [`JobsError::Unknown`].
    pub fn job(&self, id: JobId) -> Result<Job, JobsError> {
        self.lock().store.job(id)
    }

    /// The blobs that a job names.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn blobs_of(&self, id: JobId) -> Result<Vec<Hash>, JobsError> {
        self.lock().store.blobs_of(id)
    }

    /// A job's events after `after`, at most `limit`; what happens later goes to
    /// the listener. `before_more` runs before anything more can happen.
    ///
    /// # Errors
    /// [`JobsError::Unknown`].
    pub fn events(
        &self,
        id: JobId,
        after: u64,
        limit: u64,
        before_more: impl FnOnce(&[Event], JobState),
    ) -> Result<Vec<Event>, JobsError> {
        let state = self.lock();
        let found = state.store.state(id)?;
        let events = state.store.events(id, after, limit)?;
        before_more(&events, found);
        Ok(events)
    }

    /// Forgets ended jobs: those that ended longer than `older_than` ago, and
    /// all but the `keep` newest. Blobs go along that no other job names.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn prune(
        &self,
        older_than: Option<Duration>,
        keep: Option<u64>,
    ) -> Result<Pruned, JobsError> {
        let mut state = self.lock();
        let before: HashSet<Hash> = state.store.named_blobs(false)?.into_iter().collect();
        let ended_before = older_than.map(|age| now() - age.as_secs_f64());
        let mut pruned = Pruned {
            jobs: state.store.prune(ended_before, keep)?,
            ..Pruned::default()
        };
        let after: HashSet<Hash> = state.store.named_blobs(false)?.into_iter().collect();
        for hash in before.difference(&after) {
            self.remove(*hash, &mut pruned)?;
        }
        Ok(pruned)
    }

    /// Whether [`Queue::make_room`] has anything to do; costs next to nothing.
    pub fn wants_room(&self) -> bool {
        self.has_old_jobs() || self.blobs.bytes() > self.options.keep_bytes
    }

    /// Looking through all jobs after each one would be slow.
    fn has_old_jobs(&self) -> bool {
        self.ended.load(Ordering::Relaxed) > self.options.keep_jobs / 10
    }

    /// Makes room. Jobs that are older than the limit are forgotten, as by
    /// [`Queue::prune`], now and then. While all blobs together are over theirs,
    /// the longest unused goes, unless an unfinished job names it, or it came
    /// just now.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn make_room(&self) -> Result<Pruned, JobsError> {
        let mut pruned = Pruned::default();
        if self.has_old_jobs() {
            self.ended.store(0, Ordering::Relaxed);
            pruned = self.prune(None, Some(self.options.keep_jobs))?;
        }
        if self.blobs.bytes() <= self.options.keep_bytes {
            return Ok(pruned);
        }
        let state = self.lock();
        let stored = self.blobs.all()?;
        let mut bytes: u64 = stored.iter().map(|stored| stored.bytes).sum();
        let needed: HashSet<Hash> = state.store.named_blobs(true)?.into_iter().collect();
        let named: HashSet<Hash> = state.store.named_blobs(false)?.into_iter().collect();
        for blob in stored {
            if bytes <= self.options.keep_bytes {
                break;
            }
            let age = SystemTime::now()
                .duration_since(blob.used)
                .unwrap_or_default();
            let announced = !named.contains(&blob.hash) && age < GRACE;
            if announced || needed.contains(&blob.hash) {
                continue;
            }
            self.remove(blob.hash, &mut pruned)?;
            bytes -= blob.bytes;
        }
        Ok(pruned)
    }

    fn remove(&self, hash: Hash, pruned: &mut Pruned) -> Result<(), JobsError> {
        if let Ok(bytes) = self.blobs.length(hash) {
            self.blobs.remove(hash)?;
            pruned.blobs += 1;
            pruned.bytes += bytes;
        }
        Ok(())
    }
}

fn unstored(error: &JobsError) -> Failure {
    Failure {
        code: "storage".to_owned(),
        message: format!("the job's end cannot be stored: {error}"),
        about: None,
        hint: Some("make room on the disk; the daemon tries again when it starts anew".to_owned()),
    }
}

#[cfg(test)]
mod tests;
