//! The library: a data directory that is watched.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::change::{Change, changes};
use crate::disk::{WriteLock, write_atomically};
use crate::folders::{self, FolderError, Folders};
use crate::hashes::{HashCache, HashError, Progress};
use crate::kind::Kind;
use crate::lora::Lora;
use crate::model::Model;
use crate::scanner::{Scan, Scanner, model_at};
use crate::snapshot::{FindError, Snapshot};
use crate::watch::{FolderWatcher, SystemWatcher, Wake, Watches};

/// Events this soon after each other belong together.
const QUIET: Duration = Duration::from_millis(30);

/// The longest that events are gathered.
const GATHERED: Duration = Duration::from_millis(150);

/// How often to look when the system does not tell of changes.
const POLL: Duration = Duration::from_millis(700);

/// How often to look for a folder that should be there and is not.
const MISSING: Duration = Duration::from_secs(2);

/// A look at the disk never takes more than about this share of the time.
const REST_FACTOR: u32 = 4;

/// The longest rest between two looks.
const LONGEST_REST: Duration = Duration::from_millis(400);

/// How the library learns of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// The system tells; where it does not, the library looks.
    #[default]
    Events,
    /// The library looks, about once in 0.7 seconds.
    Polling,
}

/// Models, LoRAs, characters and shots in a data directory, and in the
/// folders that the user added. It is watched until it is dropped.
pub struct Library {
    pub(crate) shared: Arc<Shared>,
    wake: Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

type Listener = Box<dyn Fn(&Change) + Send>;

pub(crate) struct Shared {
    pub(crate) data: PathBuf,
    pub(crate) shipped: Option<PathBuf>,
    pub(crate) hashes: HashCache,
    looking: Mutex<Looking>,
    listeners: Mutex<Vec<Listener>>,
    snapshot: Mutex<Option<Arc<Snapshot>>>,
    first: Condvar,
}

struct Looking {
    scanner: Scanner,
    watches: Watches,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn system_watcher(
    data: &Path,
    watching: Watching,
) -> impl FnOnce(Sender<Wake>) -> Result<Box<dyn FolderWatcher>, String> {
    move |wake| match watching {
        Watching::Events => match SystemWatcher::new(data, wake) {
            Ok(watcher) => Ok(Box::new(watcher)),
            Err(error) => Err(error.to_string()),
        },
        Watching::Polling => Err("the library was told to look by itself".to_owned()),
    }
}

impl Library {
    /// Opens the library in `data` and makes its folders where they are
    /// missing. Returns at once: the first look at the disk is taken on a
    /// thread of the library's own, and whoever asks for a snapshot waits for
    /// it. What cannot be read is told in the snapshot's problems.
    pub fn open(data: &Path) -> Self {
        Self::open_watching(data, Watching::Events)
    }

    /// As [`open`](Self::open), with what ships with the product: a folder with
    /// `shots`, `characters` and `loras`, which is only read. What has the same
    /// name in the user's own folders, or in an added one, is used in its place.
    pub fn open_with_shipped(data: &Path, shipped: &Path) -> Self {
        let watching = Watching::Events;
        Self::open_as(
            data,
            Some(shipped.to_owned()),
            system_watcher(data, watching),
        )
    }

    /// As [`open`](Self::open), for file systems that tell no changes.
    pub fn open_watching(data: &Path, watching: Watching) -> Self {
        Self::open_as(data, None, system_watcher(data, watching))
    }

    #[cfg(test)]
    pub(crate) fn open_with(
        data: &Path,
        watcher: impl FnOnce(Sender<Wake>) -> Result<Box<dyn FolderWatcher>, String>,
    ) -> Self {
        Self::open_as(data, None, watcher)
    }

    fn open_as(
        data: &Path,
        shipped: Option<PathBuf>,
        watcher: impl FnOnce(Sender<Wake>) -> Result<Box<dyn FolderWatcher>, String>,
    ) -> Self {
        for kind in Kind::ALL {
            let folder = data.join(kind.folder());
            if let Err(error) = std::fs::create_dir_all(&folder) {
                tracing::warn!("{} cannot be made: {error}", folder.display());
            }
        }
        let (wake, woken) = mpsc::channel();
        let shared = Arc::new(Shared {
            data: data.to_owned(),
            shipped: shipped.clone(),
            hashes: HashCache::new(data.join("cache").join("hashes.json")),
            looking: Mutex::new(Looking {
                scanner: Scanner::new(data.to_owned(), shipped),
                watches: Watches::new(watcher(wake.clone())),
            }),
            listeners: Mutex::default(),
            snapshot: Mutex::new(None),
            first: Condvar::new(),
        });
        let looker = shared.clone();
        let thread = std::thread::Builder::new()
            .name("library".to_owned())
            .spawn(move || look_on(&looker, &woken));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!("the library is not watched: {error}");
                shared.look(&[]);
                None
            }
        };
        Self {
            shared,
            wake,
            thread,
        }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.shared.data
    }

    /// The library's own folder for that kind.
    pub fn folder(&self, kind: Kind) -> PathBuf {
        self.shared.data.join(kind.folder())
    }

    /// What the library holds now. Cheap, except that the first call waits for
    /// the first look at the disk.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// Looks at the disk now, and returns what it holds.
    pub fn look(&self) -> Arc<Snapshot> {
        self.shared.look(&[]);
        self.snapshot()
    }

    /// Has `listener` told of every change from now on, in their order. It is
    /// called while the library looks: it must return at once, and may ask for
    /// a snapshot but for nothing else of the library.
    pub fn on_change(&self, listener: impl Fn(&Change) + Send + 'static) {
        // Not kept by a look, which may take a while: this returns at once.
        locked(&self.shared.listeners).push(Box::new(listener));
    }

    /// The model of that name; an absolute path is the folder or file itself.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_model(&self, name: &str) -> Result<Arc<Model>, FindError> {
        let path = Path::new(name);
        if path.is_absolute() {
            return model_at(path).map(Arc::new);
        }
        self.snapshot().find_model(name)
    }

    /// The LoRA of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_lora(&self, name: &str) -> Result<Arc<Lora>, FindError> {
        self.snapshot().find_lora(name)
    }

    /// Adds a folder of another tool; the library only reads it. The folder
    /// may be a symbolic link; links in it must not lead out of it.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn add_folder(&self, path: &Path) -> Result<(), FolderError> {
        self.change_folders(|folders| folders.add(&self.shared.data, path))?;
        // What lies there has been there: it need not settle.
        self.shared.look(&[path.to_owned()]);
        Ok(())
    }

    /// Takes a folder out of the library; the folder itself stays as it is.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn remove_folder(&self, path: &Path) -> Result<(), FolderError> {
        self.change_folders(|folders| folders.remove(path))?;
        self.shared.look(&[]);
        Ok(())
    }

    fn change_folders(
        &self,
        change: impl FnOnce(&mut Folders) -> Result<(), FolderError>,
    ) -> Result<(), FolderError> {
        let data = &self.shared.data;
        let _lock = WriteLock::take(data)?;
        let mut folders = Folders::read(data)?;
        change(&mut folders)?;
        let path = data.join(folders::FILE);
        write_atomically(&path, folders.text()?.as_bytes(), true)?;
        Ok(())
    }

    /// BLAKE3 of a file, 64 hexadecimal digits. It is computed once for as
    /// long as the file's size, date and inode stay the same; that may take
    /// seconds, during which `progress` is told.
    ///
    /// # Errors
    /// See [`HashError`].
    pub fn hash(&self, path: &Path, progress: &mut Progress<'_>) -> Result<String, HashError> {
        self.shared.hashes.hash(path, progress)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // The thread is gone when nobody listens.
        let _ = self.wake.send(Wake::Close);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the library's thread failed");
        }
    }
}

/// What a look leaves to be waited for.
#[derive(Default)]
struct Ahead {
    again: Option<Duration>,
    missing: Vec<PathBuf>,
}

impl Shared {
    fn snapshot(&self) -> Arc<Snapshot> {
        let mut snapshot = locked(&self.snapshot);
        loop {
            if let Some(snapshot) = &*snapshot {
                return snapshot.clone();
            }
            snapshot = self
                .first
                .wait(snapshot)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Looks at the disk, publishes what is there and tells the listeners.
    /// Files and folders in `whole` are known to be complete.
    pub(crate) fn look(&self, whole: &[PathBuf]) {
        let _ = self.look_ahead(whole);
    }

    fn look_ahead(&self, whole: &[PathBuf]) -> Ahead {
        let mut looking = locked(&self.looking);
        let Looking { scanner, watches } = &mut *looking;
        // What is in a new folder before it is watched is found by one more
        // look; a tree that grows faster than that is found by its events.
        for _ in 0..8 {
            let previous = locked(&self.snapshot).clone();
            let Scan {
                mut snapshot,
                watched,
                missing,
                again,
            } = scanner.scan(previous.as_deref(), whole);
            let is_new = watches.set(&watched);
            let mut ahead = Ahead { again, missing };
            if let Some(failure) = watches.failure() {
                snapshot.notices.push(format!(
                    "the system does not tell of every change ({failure}); the library looks about once a second"
                ));
                ahead.again = Some(again.map_or(POLL, |again| again.min(POLL)));
            }
            let snapshot = Arc::new(snapshot);
            *locked(&self.snapshot) = Some(snapshot.clone());
            self.first.notify_all();
            // The first look finds everything; that is no news.
            if let Some(previous) = previous {
                let listeners = locked(&self.listeners);
                for change in changes(&previous, &snapshot) {
                    for listener in listeners.iter() {
                        listener(&change);
                    }
                }
            }
            if !is_new {
                return ahead;
            }
        }
        Ahead {
            again: Some(GATHERED),
            missing: Vec::new(),
        }
    }
}

/// The library's thread: looks whenever something happened.
fn look_on(shared: &Shared, woken: &Receiver<Wake>) {
    loop {
        let begun = Instant::now();
        let ahead = shared.look_ahead(&[]);
        // While a large file is copied there is an event for every write.
        let rest = (begun.elapsed() * REST_FACTOR).min(LONGEST_REST);
        match rest_for(rest, woken) {
            Rest::Closed => return,
            Rest::Disturbed => {}
            Rest::Quiet if wait(&ahead, woken) => {}
            Rest::Quiet => return,
        }
    }
}

/// What happened during a rest.
enum Rest {
    Quiet,
    Disturbed,
    Closed,
}

/// Rests for that long, whatever happens on disk.
fn rest_for(rest: Duration, woken: &Receiver<Wake>) -> Rest {
    let until = Instant::now() + rest;
    let mut outcome = Rest::Quiet;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match woken.recv_timeout(left) {
            Ok(Wake::Disk) => outcome = Rest::Disturbed,
            Ok(Wake::Close) | Err(RecvTimeoutError::Disconnected) => return Rest::Closed,
            Err(RecvTimeoutError::Timeout) => return outcome,
        }
        // A flurry without end must not keep the library from looking.
        if left.is_zero() {
            return outcome;
        }
    }
}

/// Waits until it is time for a look; false when the library is closed.
fn wait(ahead: &Ahead, woken: &Receiver<Wake>) -> bool {
    loop {
        let missing = (!ahead.missing.is_empty()).then_some(MISSING);
        let longest = ahead.again.into_iter().chain(missing).min();
        let outcome = match longest {
            Some(longest) => woken.recv_timeout(longest),
            None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match outcome {
            Ok(Wake::Disk) => return gather(woken),
            Ok(Wake::Close) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                if ahead.again.is_some() || ahead.missing.iter().any(|folder| folder.exists()) {
                    return true;
                }
            }
        }
    }
}

/// Waits for the end of a flurry of events; false when the library is closed.
fn gather(woken: &Receiver<Wake>) -> bool {
    let until = Instant::now() + GATHERED;
    while Instant::now() < until {
        match woken.recv_timeout(QUIET) {
            Ok(Wake::Disk) => {}
            Ok(Wake::Close) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests;
