//! Which connections hear of what.
//!
//! Telling never waits: a connection that cannot take an event is closed (see
//! [`Events::send`]), and its client can ask for what it missed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use framewright_jobs::{Event, Happened, JobId, Owner};
use framewright_library::Change;
use framewright_protocol::Known;

use crate::connection::{Client, Events};
use crate::{job_words, library_words};

/// A connection that hears of one job.
struct Watcher {
    owner: Owner,
    /// Its request that made the job.
    request: Option<u64>,
    events: Events,
}

#[derive(Default)]
struct State {
    of_job: HashMap<JobId, Vec<Watcher>>,
    of_all_jobs: HashMap<Owner, Events>,
    of_library: HashMap<Owner, Events>,
}

/// Everybody who listens.
#[derive(Default)]
pub struct Hub {
    state: Mutex<State>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection hear of one job, until the job or the connection ends.
    pub fn watch(&self, job: JobId, client: &Client, request: Option<u64>) {
        let mut state = self.lock();
        let watchers = state.of_job.entry(job).or_default();
        let known = watchers
            .iter()
            .any(|watcher| watcher.owner == client.owner && watcher.request == request);
        if !known {
            watchers.push(Watcher {
                owner: client.owner,
                request,
                events: client.events.clone(),
            });
        }
    }

    /// Lets a connection hear of every job, until it ends.
    pub fn watch_all_jobs(&self, client: &Client) {
        let events = client.events.clone();
        self.lock().of_all_jobs.insert(client.owner, events);
    }

    /// Lets a connection hear of every change in the library, until it ends.
    pub fn watch_library(&self, client: &Client) {
        let events = client.events.clone();
        self.lock().of_library.insert(client.owner, events);
    }

    /// Tells whoever listens of a change in the library.
    pub fn tell_library(&self, change: &Change) {
        for events in self.lock().of_library.values() {
            events.send(Known::Library(library_words::event(change)));
        }
    }

    /// Forgets a connection.
    pub fn leave(&self, owner: Owner) {
        let mut state = self.lock();
        state.of_library.remove(&owner);
        state.of_all_jobs.remove(&owner);
        state.of_job.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.owner != owner);
            !watchers.is_empty()
        });
    }

    /// Tells whoever listens.
    pub fn tell(&self, event: &Event) {
        let mut state = self.lock();
        let State {
            of_job,
            of_all_jobs,
            ..
        } = &mut *state;
        let watchers = of_job.get(&event.job).map_or(&[][..], Vec::as_slice);
        for watcher in watchers {
            let event = job_words::event(event, watcher.request, true);
            watcher.events.send(event);
        }
        let told = |owner: Owner| watchers.iter().any(|watcher| watcher.owner == owner);
        for (_, events) in of_all_jobs.iter().filter(|(owner, _)| !told(**owner)) {
            events.send(job_words::event(event, None, false));
        }
        if matches!(event.happened, Happened::Ended { .. }) {
            of_job.remove(&event.job);
        }
    }

    /// Sends past events of a job to a connection.
    pub fn replay(client: &Client, events: &[Event]) {
        let past = events.iter();
        client.events.send_all(
            past.map(|event| job_words::event(event, None, false))
                .collect(),
        );
    }
}
