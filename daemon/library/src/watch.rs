//! Watching folders: what wakes the library, and what to do when the system
//! does not let us watch.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::folders;
use crate::kind::Kind;
use crate::stamp::Stamp;

/// What the library's thread is told.
pub(crate) enum Wake {
    /// Something happened on disk.
    Disk,
    /// The library is closed.
    Close,
}

/// Watches single folders.
pub(crate) trait FolderWatcher: Send {
    /// Begins to watch a folder, not those in it.
    fn watch(&mut self, folder: &Path) -> Result<(), notify::Error>;
    /// Stops; a folder that is gone is no error.
    fn unwatch(&mut self, folder: &Path);
}

/// The system's own watcher.
pub(crate) struct SystemWatcher(RecommendedWatcher);

impl SystemWatcher {
    /// A watcher that wakes the library of `data`.
    pub(crate) fn new(data: &Path, wake: Sender<Wake>) -> Result<Self, notify::Error> {
        let data = data.to_owned();
        let watcher = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
            let matters = match event {
                Ok(event) => matters(&data, &event),
                // Whatever was missed, a look at everything finds it.
                Err(_) => true,
            };
            if matters {
                // It fails only when the library is closed.
                let _ = wake.send(Wake::Disk);
            }
        })?;
        Ok(Self(watcher))
    }
}

impl FolderWatcher for SystemWatcher {
    fn watch(&mut self, folder: &Path) -> Result<(), notify::Error> {
        self.0.watch(folder, RecursiveMode::NonRecursive)
    }

    fn unwatch(&mut self, folder: &Path) {
        // It fails when the system stopped by itself, since the folder is gone.
        let _ = self.0.unwatch(folder);
    }
}

/// Whether the event can change what the library of `data` holds. Reading
/// makes events too: those must not wake the reader.
fn matters(data: &Path, event: &Event) -> bool {
    if event.need_rescan() || event.paths.is_empty() {
        return true;
    }
    if let EventKind::Access(kind) = event.kind
        && kind != AccessKind::Close(AccessMode::Write)
    {
        return false;
    }
    event.paths.iter().any(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let Some(name) = name else { return true };
        if path.parent() == Some(data) {
            // The daemon keeps its jobs and pictures here too.
            name == folders::FILE || Kind::ALL.iter().any(|kind| kind.folder() == name)
        } else {
            path == data || !name.starts_with('.')
        }
    })
}

/// What tells a folder from one that was made in its place: its inode, which the new one may have
/// again, and when it was made, where the file system knows.
type Identity = (u64, Option<SystemTime>);

/// The folders that are watched.
pub(crate) struct Watches {
    watcher: Option<Box<dyn FolderWatcher>>,
    /// A folder that was made again is another one, and its watch is gone.
    watched: HashMap<PathBuf, Identity>,
    failure: Option<String>,
}

impl Watches {
    /// Watches with `watcher`, or not at all, for that reason.
    pub(crate) fn new(watcher: Result<Box<dyn FolderWatcher>, String>) -> Self {
        let (watcher, failure) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(failure) => (None, Some(failure)),
        };
        Self {
            watcher,
            watched: HashMap::new(),
            failure,
        }
    }

    /// Why changes must be looked for, when the system does not tell all of them.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Watches exactly these folders. Tells whether one of them is new: what
    /// changed in it before it was watched has gone unnoticed.
    pub(crate) fn set(&mut self, folders: &[PathBuf]) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        self.failure = None;
        let mut before = std::mem::take(&mut self.watched);
        let mut is_new = false;
        for folder in folders {
            let Ok(metadata) = fs::metadata(folder) else {
                continue;
            };
            let identity = (Stamp::of(&metadata).inode, metadata.created().ok());
            if self.watched.contains_key(folder) {
                continue;
            }
            match before.remove(folder) {
                Some(known) if known == identity => {
                    self.watched.insert(folder.clone(), identity);
                    continue;
                }
                Some(_) => watcher.unwatch(folder),
                None => {}
            }
            match watcher.watch(folder) {
                Ok(()) => {
                    self.watched.insert(folder.clone(), identity);
                    is_new = true;
                }
                Err(_) if !folder.exists() => {}
                Err(error) => self.failure = Some(error.to_string()),
            }
        }
        for folder in before.keys() {
            watcher.unwatch(folder);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use notify::event::{CreateKind, Flag, ModifyKind, RenameMode};

    use super::*;
    use crate::testing::Home;

    #[test]
    fn only_what_can_change_the_library_wakes_it() {
        let data = Path::new("/data");
        let event = |kind, path: &str| matters(data, &Event::new(kind).add_path(path.into()));
        let created = EventKind::Create(CreateKind::File);
        assert!(event(created, "/data/models/a.safetensors"));
        assert!(event(created, "/data/library.toml"));
        assert!(event(created, "/data/models"));
        assert!(event(
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            "/data/shots/a.toml"
        ));
        assert!(!event(
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            "/data/shots/a.toml"
        ));
        assert!(!event(
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            "/data/shots/a.toml"
        ));
        assert!(!event(created, "/data/jobs.db-wal"));
        assert!(!event(created, "/data/shots/.a.toml.swp"));
        let renamed = Event::new(EventKind::Modify(ModifyKind::Name(RenameMode::Both)))
            .add_path("/data/shots/.new".into())
            .add_path("/data/shots/a.toml".into());
        assert!(matters(data, &renamed));
    }

    #[test]
    fn a_queue_that_ran_over_wakes_the_library() {
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(matters(Path::new("/data"), &lost));
    }

    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Vec<String>>>, bool);

    impl FolderWatcher for Fake {
        fn watch(&mut self, folder: &Path) -> Result<(), notify::Error> {
            if self.1 {
                return Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch));
            }
            self.0
                .lock()
                .unwrap()
                .push(format!("+{}", folder.file_name().unwrap().display()));
            Ok(())
        }

        fn unwatch(&mut self, folder: &Path) {
            self.0
                .lock()
                .unwrap()
                .push(format!("-{}", folder.file_name().unwrap().display()));
        }
    }

    #[test]
    fn folders_are_watched_as_they_come_and_go() {
        let home = Home::new();
        let (one, two) = (home.path("one"), home.path("two"));
        fs::create_dir(&one).expect("a folder");
        fs::create_dir(&two).expect("a folder");
        let fake = Fake::default();
        let mut watches = Watches::new(Ok(Box::new(fake.clone())));
        let told = || std::mem::take(&mut *fake.0.lock().unwrap());
        assert!(watches.set(&[one.clone(), two.clone(), one.clone()]));
        assert_eq!(told(), ["+one", "+two"]);
        assert!(!watches.set(&[one.clone(), two.clone()]));
        assert_eq!(told(), [""; 0]);
        // Made again before the old one is let go, so that the inode differs.
        fs::rename(&two, home.path("old")).expect("renamed");
        fs::create_dir(&two).expect("a folder");
        assert!(watches.set(std::slice::from_ref(&two)));
        assert_eq!(told(), ["-two", "+two", "-one"]);
        // And after: many file systems give the new one the same inode.
        for _ in 0..8 {
            fs::remove_dir(&two).expect("removed");
            std::thread::sleep(Duration::from_millis(20));
            fs::create_dir(&two).expect("a folder");
            assert!(watches.set(std::slice::from_ref(&two)));
            assert_eq!(told(), ["-two", "+two"]);
        }
        assert_eq!(watches.failure(), None);
    }

    #[test]
    fn a_system_that_watches_no_more_is_a_failure() {
        let home = Home::new();
        fs::create_dir(home.path("one")).expect("a folder");
        let mut watches = Watches::new(Ok(Box::new(Fake(Arc::default(), true))));
        assert!(!watches.set(&[home.path("one")]));
        assert!(
            watches.failure().expect("a failure").contains("limit"),
            "{:?}",
            watches.failure()
        );
        assert!(!watches.set(&[home.path("nothing")]));
        assert_eq!(watches.failure(), None);
    }
}
