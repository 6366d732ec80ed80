//! The jobs that wait and the one that runs. They live in memory.
//!
//! Every decision about a job's end is made under one lock: whoever takes the
//! job's [`Reply`] out of the queue first decides, so there is exactly one end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use framewright_protocol::{ErrorCode, WireError};
use tokio::sync::oneshot;

/// Where a job's end goes.
pub type Reply<T> = oneshot::Sender<Result<T, WireError>>;

/// Which connection asked for a job.
pub type Owner = u64;

/// A job that the engine has begun.
pub struct Running<W> {
    /// Its name.
    pub job: String,
    /// What is to be done.
    pub work: W,
    cancelled: Arc<AtomicBool>,
}

impl<W> Running<W> {
    /// Whether somebody cancelled it; the engine looks between steps.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

struct Waiting<W, T> {
    job: String,
    owner: Owner,
    work: W,
    reply: Reply<T>,
}

struct Current<T> {
    job: String,
    owner: Owner,
    /// Gone once the job's end is decided.
    reply: Option<Reply<T>>,
    cancelled: Arc<AtomicBool>,
}

struct State<W, T> {
    waiting: VecDeque<Waiting<W, T>>,
    current: Option<Current<T>>,
    stopping: bool,
    taken: u64,
}

/// A bounded queue, first come, first served. `W` is the work, `T` its result.
pub struct Queue<W, T> {
    state: Mutex<State<W, T>>,
    work_came: Condvar,
    /// Sets apart the names of different daemons.
    prefix: String,
    most: usize,
}

impl<W, T> Queue<W, T> {
    /// A queue of at most `most` jobs.
    pub fn new(most: usize) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let milliseconds = since.map_or(0, |since| since.as_millis());
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                current: None,
                stopping: false,
                taken: 0,
            }),
            work_came: Condvar::new(),
            prefix: format!("{milliseconds:x}"),
            most,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<W, T>> {
        // A panic while the lock is held leaves nothing half done here.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a job. `work` gets the job's name and how many are before it, and
    /// runs before the engine can see the job.
    ///
    /// # Errors
    /// `busy` and `stopping`.
    pub fn submit(
        &self,
        owner: Owner,
        work: impl FnOnce(&str, u64) -> W,
    ) -> Result<oneshot::Receiver<Result<T, WireError>>, WireError> {
        let mut state = self.lock();
        if state.stopping {
            return Err(stopping());
        }
        let ahead = state.waiting.len() + usize::from(state.current.is_some());
        if ahead >= self.most {
            return Err(
                WireError::new(ErrorCode::Busy, format!("{ahead} jobs wait already"))
                    .hint("ask again when some are done, or cancel some"),
            );
        }
        state.taken += 1;
        let job = format!("{}-{}", self.prefix, state.taken);
        let (reply, answer) = oneshot::channel();
        let work = work(&job, ahead as u64);
        state.waiting.push_back(Waiting {
            job,
            owner,
            work,
            reply,
        });
        drop(state);
        self.work_came.notify_one();
        Ok(answer)
    }

    /// The next job, waiting for one; `None` when the queue stops.
    pub fn next(&self) -> Option<Running<W>> {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(waiting) = state.waiting.pop_front() {
                let cancelled = Arc::new(AtomicBool::new(false));
                state.current = Some(Current {
                    job: waiting.job.clone(),
                    owner: waiting.owner,
                    reply: Some(waiting.reply),
                    cancelled: cancelled.clone(),
                });
                return Some(Running {
                    job: waiting.job,
                    work: waiting.work,
                    cancelled,
                });
            }
            state = self
                .work_came
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// The engine is done with `job`. Says whether `outcome` was the job's end;
    /// it was not when somebody cancelled the job before.
    pub fn finish(&self, job: &str, outcome: Result<T, WireError>) -> bool {
        let mut state = self.lock();
        let Some(current) = state.current.take_if(|current| current.job == job) else {
            return false;
        };
        match current.reply {
            Some(reply) => {
                // The connection may be gone; then nobody wants the outcome.
                let _ = reply.send(outcome);
                true
            }
            None => false,
        }
    }

    /// Cancels exactly that job; says whether it was running.
    ///
    /// # Errors
    /// `not_found` when the job has ended, or never was.
    pub fn cancel(&self, job: &str) -> Result<bool, WireError> {
        let mut state = self.lock();
        if let Some(at) = state.waiting.iter().position(|waiting| waiting.job == job) {
            if let Some(waiting) = state.waiting.remove(at) {
                let _ = waiting.reply.send(Err(cancelled()));
            }
            return Ok(false);
        }
        match &mut state.current {
            Some(current) if current.job == job && current.reply.is_some() => {
                current.end(cancelled());
                Ok(true)
            }
            _ => Err(
                WireError::new(ErrorCode::NotFound, "no such job waits or runs")
                    .about(job)
                    .hint("it may have ended already"),
            ),
        }
    }

    /// Cancels whatever that connection asked for.
    pub fn cancel_owner(&self, owner: Owner) {
        self.end_all(cancelled(), |other| other == owner);
    }

    /// Takes no more work, ends every job, and lets [`Queue::next`] return.
    pub fn stop(&self) {
        self.lock().stopping = true;
        self.end_all(stopping(), |_| true);
        self.work_came.notify_all();
    }

    fn end_all(&self, error: WireError, mut of: impl FnMut(Owner) -> bool) {
        let mut state = self.lock();
        for waiting in std::mem::take(&mut state.waiting) {
            if of(waiting.owner) {
                let _ = waiting.reply.send(Err(error.clone()));
            } else {
                state.waiting.push_back(waiting);
            }
        }
        if let Some(current) = state.current.as_mut().filter(|current| of(current.owner)) {
            current.end(error);
        }
    }

    /// The running job's name and the number of waiting ones.
    pub fn standing(&self) -> (Option<String>, u64) {
        let state = self.lock();
        (
            state.current.as_ref().map(|current| current.job.clone()),
            state.waiting.len() as u64,
        )
    }
}

impl<T> Current<T> {
    fn end(&mut self, error: WireError) {
        self.cancelled.store(true, Ordering::Relaxed);
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Err(error));
        }
    }
}

fn cancelled() -> WireError {
    WireError::new(ErrorCode::Cancelled, "the job was cancelled")
}

fn stopping() -> WireError {
    WireError::new(ErrorCode::Stopping, "the daemon is stopping")
        .hint("ask again: a new one starts by itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestQueue = Queue<u32, u32>;

    fn submit(
        queue: &TestQueue,
        owner: Owner,
        work: u32,
    ) -> (String, oneshot::Receiver<Result<u32, WireError>>) {
        let mut name = String::new();
        let answer = queue
            .submit(owner, |job, _| {
                name = job.to_owned();
                work
            })
            .expect("room");
        (name, answer)
    }

    fn code(mut answer: oneshot::Receiver<Result<u32, WireError>>) -> ErrorCode {
        answer
            .try_recv()
            .expect("an answer")
            .expect_err("an error")
            .code
    }

    #[test]
    fn jobs_run_in_the_order_in_which_they_came() {
        let queue = TestQueue::new(9);
        let (_, mut first) = submit(&queue, 1, 10);
        let (_, _second) = submit(&queue, 2, 20);
        let running = queue.next().expect("a job");
        assert_eq!(running.work, 10);
        assert_eq!(queue.standing(), (Some(running.job.clone()), 1));
        assert!(queue.finish(&running.job, Ok(11)));
        assert_eq!(first.try_recv().expect("an answer"), Ok(11));
        assert_eq!(queue.next().expect("a job").work, 20);
    }

    #[test]
    fn a_cancelled_job_ends_once_and_at_once() {
        let queue = TestQueue::new(9);
        let (name, answer) = submit(&queue, 1, 10);
        let running = queue.next().expect("a job");
        assert!(!running.is_cancelled());
        assert_eq!(queue.cancel(&name), Ok(true));
        assert!(running.is_cancelled());
        assert_eq!(code(answer), ErrorCode::Cancelled);
        assert_eq!(
            queue.cancel(&name).expect_err("ended").code,
            ErrorCode::NotFound
        );
        assert!(!queue.finish(&name, Ok(11)), "the end was decided before");
        assert_eq!(queue.standing(), (None, 0));
    }

    #[test]
    fn cancel_after_the_end_finds_nothing() {
        let queue = TestQueue::new(9);
        let (name, mut answer) = submit(&queue, 1, 10);
        queue.next().expect("a job");
        assert!(queue.finish(&name, Ok(11)));
        assert_eq!(
            queue.cancel(&name).expect_err("ended").code,
            ErrorCode::NotFound
        );
        assert_eq!(answer.try_recv().expect("an answer"), Ok(11));
    }

    #[test]
    fn cancelling_one_leaves_the_others() {
        let queue = TestQueue::new(9);
        let (_, _first) = submit(&queue, 1, 10);
        let (second, second_answer) = submit(&queue, 1, 20);
        let (_, _third) = submit(&queue, 1, 30);
        assert_eq!(queue.cancel(&second), Ok(false));
        assert_eq!(code(second_answer), ErrorCode::Cancelled);
        let first = queue.next().expect("a job");
        assert_eq!(first.work, 10);
        queue.finish(&first.job, Ok(0));
        assert_eq!(queue.next().expect("a job").work, 30);
    }

    #[test]
    fn a_connection_that_goes_takes_its_jobs_along() {
        let queue = TestQueue::new(9);
        let (_, first) = submit(&queue, 1, 10);
        let (_, second) = submit(&queue, 1, 20);
        let (_, mut other) = submit(&queue, 2, 30);
        let running = queue.next().expect("a job");
        queue.cancel_owner(1);
        assert!(running.is_cancelled());
        assert_eq!(code(first), ErrorCode::Cancelled);
        assert_eq!(code(second), ErrorCode::Cancelled);
        assert!(other.try_recv().is_err(), "still waiting");
        queue.finish(&running.job, Ok(0));
        assert_eq!(queue.next().expect("a job").work, 30);
    }

    #[test]
    fn a_full_queue_says_so() {
        let queue = TestQueue::new(2);
        let (_, _first) = submit(&queue, 1, 10);
        let (_, _second) = submit(&queue, 1, 20);
        let refusal = queue.submit(1, |_, _| 30).expect_err("full");
        assert_eq!(refusal.code, ErrorCode::Busy);
    }

    #[test]
    fn stopping_answers_everybody_and_wakes_the_engine() {
        let queue = Arc::new(TestQueue::new(9));
        let (_, first) = submit(&queue, 1, 10);
        let running = queue.next().expect("a job");
        let (_, second) = submit(&queue, 1, 20);
        let engine = std::thread::spawn({
            let queue = queue.clone();
            move || {
                queue.finish(&running.job, Ok(0));
                queue.next().is_none()
            }
        });
        queue.stop();
        assert!(engine.join().expect("no panic") || queue.next().is_none());
        assert!(matches!(code(second), ErrorCode::Stopping));
        drop(first);
        assert_eq!(
            queue.submit(1, |_, _| 30).expect_err("stopping").code,
            ErrorCode::Stopping
        );
    }
}
