use std::sync::Mutex;

use super::*;

type Heard = Arc<Mutex<Vec<Event>>>;

struct World {
    folder: tempfile::TempDir,
    queue: Queue,
    heard: Heard,
}

const OPTIONS: Options = Options {
    most_jobs: 4,
    most_blob_bytes: 1000,
    keep_bytes: 100,
    keep_jobs: 100,
};

fn open(folder: &Path, options: Options) -> (Queue, Heard) {
    let heard = Heard::default();
    let ears = heard.clone();
    let listener = move |event: &Event| ears.lock().expect("no panic").push(event.clone());
    let queue = Queue::open(folder, options, Box::new(listener)).expect("a queue");
    (queue, heard)
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (queue, heard) = open(folder.path(), OPTIONS);
        Self {
            folder,
            queue,
            heard,
        }
    }

    /// What a crash leaves, opened again.
    fn again(self) -> Self {
        let Self { folder, queue, .. } = self;
        drop(queue);
        let (queue, heard) = open(folder.path(), OPTIONS);
        Self {
            folder,
            queue,
            heard,
        }
    }

    fn submit(&self, priority: Priority) -> JobId {
        let job = Submission {
            priority,
            ..submission()
        };
        self.queue.submit(job, |_| {}).expect("room").id
    }

    fn next(&self) -> Running {
        match self.queue.next(Duration::ZERO) {
            Next::Job(running) => running,
            other => panic!("no job: {other:?}"),
        }
    }

    fn state(&self, id: JobId) -> JobState {
        self.queue.job(id).expect("there").summary.state
    }

    fn heard_of(&self, id: JobId) -> Vec<(u64, Happened)> {
        let heard = self.heard.lock().expect("no panic");
        let of = heard.iter().filter(|event| event.job == id);
        of.map(|event| (event.seq, event.happened.clone()))
            .collect()
    }
}

fn submission() -> Submission<'static> {
    Submission {
        method: "frame.generate",
        client: "test",
        title: "a fox",
        priority: Priority::Interactive,
        key: None,
        owner: None,
        asked: Hash::of(b"asked"),
        request: b"request",
        blobs: &[],
    }
}

fn done(result: &[u8], blobs: &[Hash]) -> Outcome {
    Outcome::Done {
        result: result.to_vec(),
        blobs: blobs.to_vec(),
    }
}

fn started() -> Happened {
    Happened::Started {
        model: "sketch".to_owned(),
    }
}

fn step(step: u32) -> Happened {
    Happened::Progress(crate::Progress {
        candidate: 0,
        candidates: 1,
        step,
        steps: 3,
        seconds_left: Some(0.5),
        preview: None,
    })
}

fn ended(state: JobState) -> Happened {
    Happened::Ended {
        state,
        failure: None,
    }
}

#[test]
fn a_job_goes_from_the_request_to_its_result() {
    let world = World::new();
    let id = world.submit(Priority::Batch);
    let running = world.next();
    assert_eq!(
        (running.id, running.request.as_slice()),
        (id, &b"request"[..])
    );
    world.queue.note(id, started());
    assert_eq!(world.state(id), JobState::Running);
    world.queue.note(id, step(1));
    assert!(world.queue.finish(id, done(b"result", &[])));
    let job = world.queue.job(id).expect("there");
    assert_eq!(job.result.as_deref(), Some(&b"result"[..]));
    assert_eq!(job.summary.state, JobState::Done);
    assert!(job.summary.ended >= job.summary.started);
    let stored = world
        .queue
        .events(id, 0, 99, |_, state| assert_eq!(state, JobState::Done))
        .expect("there");
    let stored: Vec<_> = stored
        .into_iter()
        .map(|event| (event.seq, event.happened))
        .collect();
    let expected = vec![
        (1, Happened::Queued { ahead: 0 }),
        (2, started()),
        (3, step(1)),
        (4, ended(JobState::Done)),
    ];
    assert_eq!(stored, expected, "stored");
    assert_eq!(world.heard_of(id), expected, "heard");
    assert!(matches!(world.queue.next(Duration::ZERO), Next::Idle));
}

#[test]
fn what_was_taken_survives_a_crash_and_begins_anew() {
    let world = World::new();
    let first = world.submit(Priority::Batch);
    let second = world.submit(Priority::Batch);
    let third = world.submit(Priority::Interactive);
    world.queue.cancel(second).expect("waits");
    let running = world.next();
    world.queue.note(running.id, started());
    world.queue.note(running.id, step(1));
    assert_eq!(running.id, third);
    let world = world.again();
    assert_eq!(world.state(second), JobState::Cancelled);
    assert_eq!(world.state(third), JobState::Queued);
    assert_eq!(world.next().id, third);
    assert_eq!(world.next().id, first);
    world.queue.note(third, started());
    let seqs: Vec<u64> = world.heard_of(third).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [5], "numbered on from where the crash was");
    let after = world.queue.events(third, 3, 99, |_, _| {}).expect("there");
    assert_eq!(after[0].happened, Happened::Queued { ahead: 1 });
}

#[test]
fn the_same_key_is_the_same_job() {
    let world = World::new();
    let keyed = Submission {
        key: Some("k"),
        owner: Some(7),
        ..submission()
    };
    let first = world.queue.submit(keyed, |_| {}).expect("room");
    assert!(!first.existing);
    let mut told = None;
    let again = world
        .queue
        .submit(keyed, |id| told = Some(id))
        .expect("room");
    assert_eq!((again.id, again.existing), (first.id, true));
    assert_eq!(told, Some(first.id));
    world.queue.cancel_owned_by(7);
    assert_eq!(
        world.state(first.id),
        JobState::Queued,
        "it outlives its owner"
    );
    let world = world.again();
    world.next();
    world.queue.finish(first.id, done(b"r", &[]));
    let late = world.queue.submit(keyed, |_| {}).expect("room");
    assert_eq!((late.id, late.state), (first.id, JobState::Done));
    let other = Submission {
        asked: Hash::of(b"something else"),
        ..keyed
    };
    assert!(matches!(
        world.queue.submit(other, |_| {}),
        Err(JobsError::KeyUsed { .. })
    ));
}

#[test]
fn a_cancelled_job_ends_once_and_at_once() {
    let world = World::new();
    let id = world.submit(Priority::Interactive);
    let running = world.next();
    let Wait::Later(mut end) = world.queue.wait(id).expect("there") else {
        panic!("ended already");
    };
    assert!(world.queue.cancel(id).expect("runs"));
    assert!(running.is_abandoned());
    assert_eq!(end.try_recv(), Ok(None));
    assert!(matches!(
        world.queue.cancel(id),
        Err(JobsError::Ended(JobState::Cancelled))
    ));
    world.queue.note(id, step(1));
    assert!(!world.queue.finish(id, done(b"r", &[])), "decided before");
    assert_eq!(world.state(id), JobState::Cancelled);
    let last = world.heard_of(id).pop().expect("events");
    assert_eq!(last, (2, ended(JobState::Cancelled)));
    assert!(matches!(world.queue.wait(id), Ok(Wait::Ended)));
}

#[test]
fn cancel_after_the_end_changes_nothing() {
    let world = World::new();
    let id = world.submit(Priority::Interactive);
    world.next();
    assert!(world.queue.finish(id, done(b"r", &[])));
    assert!(matches!(
        world.queue.cancel(id),
        Err(JobsError::Ended(JobState::Done))
    ));
    assert!(matches!(
        world.queue.cancel(JobId(99)),
        Err(JobsError::Unknown(_))
    ));
    assert_eq!(world.state(id), JobState::Done);
}

#[test]
fn cancel_and_end_at_the_same_moment_give_one_end() {
    let world = World::new();
    for _ in 0..50 {
        let id = world.submit(Priority::Interactive);
        world.next();
        let (cancelled, finished) = std::thread::scope(|scope| {
            let cancel = scope.spawn(|| world.queue.cancel(id).is_ok());
            let finish = scope.spawn(|| world.queue.finish(id, done(b"r", &[])));
            (
                cancel.join().expect("no panic"),
                finish.join().expect("no panic"),
            )
        });
        assert!(cancelled != finished, "{cancelled} {finished}");
        let ends = world
            .heard_of(id)
            .into_iter()
            .filter(|(_, happened)| matches!(happened, Happened::Ended { .. }));
        assert_eq!(ends.count(), 1);
        let expected = if cancelled {
            JobState::Cancelled
        } else {
            JobState::Done
        };
        assert_eq!(world.state(id), expected);
        // Where the cancel came first the engine lets go of it now.
        world.queue.finish(id, done(b"r", &[]));
    }
}

#[test]
fn a_more_urgent_job_is_taken_in_between() {
    let world = World::new();
    let training = world.submit(Priority::Training);
    let running = world.next();
    assert!(world.queue.more_urgent(running.priority).is_none());
    world.submit(Priority::Training);
    assert!(world.queue.more_urgent(running.priority).is_none());
    let batch = world.submit(Priority::Batch);
    let urgent = world.queue.more_urgent(running.priority).expect("a batch");
    assert_eq!(urgent.id, batch);
    let canvas = world.submit(Priority::Interactive);
    let most = world.queue.more_urgent(urgent.priority).expect("a canvas");
    assert_eq!(most.id, canvas);
    assert_eq!(world.queue.standing().begun, [canvas, batch, training]);
    for id in [canvas, batch, training] {
        assert!(world.queue.finish(id, done(b"r", &[])));
    }
    assert_eq!(world.queue.standing().waiting, [0, 0, 1]);
}

#[test]
fn a_connection_that_goes_takes_its_own_jobs_along() {
    let world = World::new();
    let owned = |owner| Submission {
        owner: Some(owner),
        ..submission()
    };
    let running = world.queue.submit(owned(1), |_| {}).expect("room").id;
    let waiting = world.queue.submit(owned(1), |_| {}).expect("room").id;
    let other = world.queue.submit(owned(2), |_| {}).expect("room").id;
    let begun = world.next();
    world.queue.cancel_owned_by(1);
    assert!(begun.is_abandoned());
    assert_eq!(world.state(running), JobState::Cancelled);
    assert_eq!(world.state(waiting), JobState::Cancelled);
    assert_eq!(world.state(other), JobState::Queued);
}

#[test]
fn a_full_queue_says_so() {
    let world = World::new();
    for _ in 0..4 {
        world.submit(Priority::Batch);
    }
    let refused = world.queue.submit(submission(), |_| {});
    assert!(matches!(refused, Err(JobsError::Busy { waiting: 4 })));
}

#[test]
fn stopping_leaves_the_work_to_the_next_process() {
    let world = World::new();
    let first = world.submit(Priority::Batch);
    let second = world.submit(Priority::Batch);
    let running = world.next();
    let Wait::Later(mut end) = world.queue.wait(second).expect("there") else {
        panic!("ended already");
    };
    world.queue.note(first, started());
    world.queue.stop();
    assert!(running.is_abandoned());
    assert!(
        end.try_recv()
            .is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
    );
    assert!(matches!(world.queue.next(Duration::MAX), Next::Stop));
    assert!(!world.queue.finish(first, done(b"half", &[])));
    assert!(matches!(
        world.queue.submit(submission(), |_| {}),
        Err(JobsError::Stopping)
    ));
    let world = world.again();
    assert_eq!(world.next().id, first);
    assert_eq!(world.next().id, second);
}

#[test]
fn jobs_are_listed_newest_first_and_in_pages() {
    let world = World::new();
    let ids: Vec<JobId> = (0..4).map(|_| world.submit(Priority::Batch)).collect();
    world.queue.cancel(ids[1]).expect("waits");
    let list = |states: &[JobState], before, limit| {
        let filter = Filter {
            states: states.to_vec(),
            before,
            limit,
        };
        let (jobs, more) = world.queue.list(&filter).expect("a list");
        (jobs.iter().map(|job| job.id).collect::<Vec<_>>(), more)
    };
    assert_eq!(
        list(&[], None, 9),
        (vec![ids[3], ids[2], ids[1], ids[0]], false)
    );
    assert_eq!(list(&[], None, 2), (vec![ids[3], ids[2]], true));
    assert_eq!(list(&[], Some(ids[2]), 2), (vec![ids[1], ids[0]], false));
    assert_eq!(list(&[JobState::Cancelled], None, 9), (vec![ids[1]], false));
}

#[test]
fn pruning_takes_the_blobs_that_nobody_names() {
    let world = World::new();
    let blobs = world.queue.blobs();
    let put = |bytes: &[u8]| blobs.put(bytes).expect("stored");
    let (alone, shared) = (put(b"alone"), put(b"shared"));
    let ids: Vec<JobId> = (0..3).map(|_| world.submit(Priority::Batch)).collect();
    world.next();
    world.next();
    world.queue.finish(ids[0], done(b"r", &[alone, shared]));
    world.queue.finish(ids[1], done(b"r", &[shared]));
    let pruned = world.queue.prune(None, Some(1)).expect("room");
    let expected = Pruned {
        jobs: 1,
        blobs: 1,
        bytes: 5,
    };
    assert_eq!(pruned, expected);
    assert!(matches!(
        world.queue.job(ids[0]),
        Err(JobsError::Unknown(_))
    ));
    assert!(!blobs.holds(alone) && blobs.holds(shared));
    assert_eq!(world.state(ids[2]), JobState::Queued, "it has not ended");
    let all = world.queue.prune(Some(Duration::ZERO), None).expect("room");
    assert_eq!((all.jobs, all.blobs), (1, 1));
    let number = world.submit(Priority::Batch).to_string();
    assert_eq!(number, "j4", "no number is given twice");
}

#[test]
fn old_jobs_are_forgotten_with_their_blobs() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = Options {
        keep_jobs: 2,
        ..OPTIONS
    };
    let (queue, _) = open(folder.path(), few);
    let mut made = Vec::new();
    for number in 0..5_u8 {
        let hash = queue.blobs().put(&[number]).expect("stored");
        let id = queue.submit(submission(), |_| {}).expect("room").id;
        assert!(matches!(queue.next(Duration::ZERO), Next::Job(_)));
        queue.finish(id, done(b"r", &[hash]));
        made.push((id, hash));
        queue.make_room().expect("room");
    }
    let left: Vec<bool> = made
        .iter()
        .map(|(id, hash)| queue.job(*id).is_ok() && queue.blobs().holds(*hash))
        .collect();
    assert_eq!(left, [false, false, false, true, true]);
}

#[test]
fn room_is_made_of_what_nobody_needs() {
    let world = World::new();
    let blobs = world.queue.blobs();
    let mut made = Vec::new();
    for number in 0..4_u8 {
        made.push(blobs.put(&[number; 40]).expect("stored"));
        // Times of files may be as coarse as a clock tick.
        std::thread::sleep(Duration::from_millis(20));
    }
    // 0: of an ended job; 1: of one that waits; 2: of an ended
    // job; 3: uploaded just now.
    let of_ended = Submission {
        blobs: &[made[0], made[2]],
        ..submission()
    };
    let ended = world.queue.submit(of_ended, |_| {}).expect("room").id;
    world.next();
    world.queue.finish(ended, done(b"r", &[]));
    let waits = Submission {
        blobs: &[made[1]],
        ..submission()
    };
    world.queue.submit(waits, |_| {}).expect("room");
    let pruned = world.queue.make_room().expect("room");
    assert_eq!((pruned.blobs, pruned.bytes), (2, 80));
    let held: Vec<bool> = made.iter().map(|hash| blobs.holds(*hash)).collect();
    assert_eq!(held, [false, true, false, true]);
}

#[test]
fn a_request_whose_blob_is_not_there_is_refused() {
    let world = World::new();
    let missing = Submission {
        blobs: &[Hash::of(b"never stored")],
        ..submission()
    };
    assert!(matches!(
        world.queue.submit(missing, |_| {}),
        Err(JobsError::NoBlob(_))
    ));
}

#[test]
fn a_disk_that_refuses_takes_nothing_and_the_queue_lives() {
    let world = World::new();
    let before = world.submit(Priority::Batch);
    let limit = |pages: Option<u32>| {
        let state = world.queue.lock();
        let pages = pages.unwrap_or(1 << 30);
        state.store.limit_pages(pages);
    };
    limit(Some(1));
    let request = vec![7; 100_000];
    let large = Submission {
        request: &request,
        priority: Priority::Batch,
        ..submission()
    };
    let refused = world.queue.submit(large, |_| {}).expect_err("no room");
    assert!(refused.is_storage(), "{refused}");
    let filter = Filter {
        limit: 9,
        ..Filter::default()
    };
    assert_eq!(world.queue.list(&filter).expect("a list").0.len(), 1);
    // An end that cannot be stored is told as a failure, once …
    let running = world.next();
    let Wait::Later(mut end) = world.queue.wait(before).expect("there") else {
        panic!("ended already");
    };
    assert!(world.queue.finish(running.id, done(&request, &[])));
    let failure = end.try_recv().expect("told").expect("a failure");
    assert_eq!(failure.code, "storage");
    limit(None);
    let later = world.queue.submit(large, |_| {}).expect("room again").id;
    assert_eq!(world.next().id, later);
    // … and begins anew after a restart.
    let world = world.again();
    assert_eq!(world.next().id, before);
}

#[test]
fn a_newer_database_is_left_alone() {
    let world = World::new();
    let World { folder, queue, .. } = world;
    drop(queue);
    let path = folder.path().join("jobs.sqlite");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("changed");
    drop(connection);
    let opened = Queue::open(folder.path(), OPTIONS, Box::new(|_| {}));
    assert!(matches!(opened.err(), Some(JobsError::Newer(_))));
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("jobs.sqlite"), "rubbish ".repeat(1000)).expect("written");
    let opened = Queue::open(folder.path(), OPTIONS, Box::new(|_| {}));
    assert!(matches!(opened.err(), Some(JobsError::Database(_))));
}

#[test]
fn names_are_read_as_they_are_written() {
    assert_eq!("j17".parse::<JobId>().expect("a name"), JobId(17));
    for name in [
        "",
        "j",
        "17",
        "j0",
        "j-1",
        "j+1",
        "J1",
        "j1 ",
        "j99999999999999999999",
    ] {
        assert!(
            matches!(name.parse::<JobId>(), Err(JobsError::Unknown(_))),
            "{name:?}"
        );
    }
}
