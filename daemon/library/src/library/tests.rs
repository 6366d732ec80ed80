//! A library that is watched, on real files.

use std::fs;

use super::*;
use crate::change::Happening;
use crate::testing::{Home, checkpoint, lora, write};
use crate::{DocumentError, Revision};

/// Far more than a change takes, so that a busy machine fails no test.
const PATIENCE: Duration = Duration::from_secs(20);

struct Heard(Receiver<Change>);

impl Heard {
    fn of(library: &Library) -> Self {
        let (tell, told) = mpsc::channel();
        library.on_change(move |change| {
            let _ = tell.send(change.clone());
        });
        Self(told)
    }

    /// Waits for that change; what else is told meanwhile.
    fn wait_for(&self, kind: Kind, name: &str, change: Happening) -> Vec<Change> {
        let wanted = Change {
            kind,
            name: name.to_owned(),
            change,
        };
        let mut others = Vec::new();
        loop {
            match self.0.recv_timeout(PATIENCE) {
                Ok(change) if change == wanted => return others,
                Ok(other) => others.push(other),
                Err(error) => panic!("{wanted:?}: {error}; {others:?}"),
            }
        }
    }

    fn nothing(&self) {
        let told = self.0.recv_timeout(Duration::from_millis(600));
        assert!(told.is_err(), "{told:?}");
    }
}

fn opened(home: &Home) -> (Library, Heard) {
    let library = Library::open(&home.data());
    // The folders are watched once there is a snapshot of the second look.
    library.look();
    let heard = Heard::of(&library);
    (library, heard)
}

#[test]
fn a_dropped_file_is_there_and_told_of() {
    let home = Home::new();
    let (library, heard) = opened(&home);
    let begun = Instant::now();
    home.write("models/m.safetensors", checkpoint(768));
    heard.wait_for(Kind::Model, "m", Happening::Added);
    let took = begun.elapsed();
    eprintln!("from the drop to the event: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(library.find_model("m").is_ok());
    home.write("characters/kaito.toml", "token = 'x'\nclass = 'man'\n");
    home.write("loras/l.safetensors", lora(192));
    for (kind, name) in [(Kind::Character, "kaito"), (Kind::Lora, "l")] {
        // They come in any order.
        while !holds(&library, kind, name) {
            assert!(begun.elapsed() < PATIENCE, "{name}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    fs::remove_file(home.data().join("models/m.safetensors")).expect("removed");
    heard.wait_for(Kind::Model, "m", Happening::Removed);
    assert!(library.find_model("m").is_err());
}

fn holds(library: &Library, kind: Kind, name: &str) -> bool {
    let snapshot = library.snapshot();
    match kind {
        Kind::Model => snapshot.models.contains_key(name),
        Kind::Lora => snapshot.loras.contains_key(name),
        Kind::Character => snapshot.characters.contains_key(name),
        Kind::Shot => snapshot.shots.contains_key(name),
    }
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let home = Home::new();
    let (library, heard) = opened(&home);
    let before = library.snapshot();
    home.write("models/m.safetensors", checkpoint(768));
    heard.wait_for(Kind::Model, "m", Happening::Added);
    assert!(before.models.is_empty());
    assert_eq!(library.snapshot().models.len(), 1);
}

#[test]
fn a_manifest_that_breaks_and_is_repaired_is_told_of() {
    let home = Home::new();
    let good = "token = 'x'\nclass = 'man'\n";
    home.write("characters/kaito.toml", good);
    let (library, heard) = opened(&home);
    home.write("characters/kaito.toml", "token = 'x'\nclass = \n");
    heard.wait_for(Kind::Character, "kaito", Happening::Broken);
    let snapshot = library.snapshot();
    assert_eq!(
        snapshot
            .problems_of(Kind::Character)
            .next()
            .expect("a problem")
            .line,
        Some(2)
    );
    assert_eq!(
        snapshot
            .find_character("kaito")
            .expect("kept")
            .manifest
            .class,
        "man"
    );
    home.write("characters/kaito.toml", good);
    heard.wait_for(Kind::Character, "kaito", Happening::Changed);
    assert_eq!(library.snapshot().problems, []);
    home.write("characters/kaito.toml", "token = 'x'\nclass = 'woman'\n");
    heard.wait_for(Kind::Character, "kaito", Happening::Changed);
    assert_eq!(
        library.snapshot().characters["kaito"].manifest.class,
        "woman"
    );
}

#[test]
fn a_file_that_is_copied_slowly_is_there_when_it_is_whole() {
    use std::io::Write;

    let home = Home::new();
    let (library, heard) = opened(&home);
    let bytes = checkpoint(768);
    let path = home.write("models/slow.safetensors", "");
    let mut file = fs::File::options().append(true).open(path).expect("a file");
    for part in bytes.chunks(bytes.len() / 6) {
        assert!(
            library.find_model("slow").is_err(),
            "half a file is no model"
        );
        std::thread::sleep(Duration::from_millis(150));
        file.write_all(part).expect("written");
    }
    let others = heard.wait_for(Kind::Model, "slow", Happening::Added);
    assert_eq!(others, [], "nothing is told before");
}

#[test]
fn a_folder_that_was_made_again_is_watched_again() {
    let home = Home::new();
    home.write("models/old.safetensors", checkpoint(768));
    let (_library, heard) = opened(&home);
    let models = home.data().join("models");
    fs::remove_dir_all(&models).expect("removed");
    heard.wait_for(Kind::Model, "old", Happening::Removed);
    fs::create_dir(&models).expect("made again");
    home.write("models/new.safetensors", checkpoint(768));
    heard.wait_for(Kind::Model, "new", Happening::Added);
    home.write("models/newer.safetensors", checkpoint(768));
    heard.wait_for(Kind::Model, "newer", Happening::Added);
}

#[test]
fn what_editors_and_the_daemon_write_beside_wakes_nobody() {
    let home = Home::new();
    let (_library, heard) = opened(&home);
    home.write("jobs.db", "rows");
    home.write("characters/.kaito.toml.swp", "half of it");
    home.write("characters/kaito.toml~", "what it was");
    heard.nothing();
}

#[test]
fn where_the_system_does_not_tell_the_library_looks() {
    struct Full;
    impl FolderWatcher for Full {
        fn watch(&mut self, _: &Path) -> Result<(), notify::Error> {
            Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch))
        }

        fn unwatch(&mut self, _: &Path) {}
    }
    let home = Home::new();
    let library = Library::open_with(&home.data(), |_| Ok(Box::new(Full)));
    let heard = Heard::of(&library);
    let notices = library.snapshot().notices.clone();
    assert!(notices[0].contains("does not tell"), "{notices:?}");
    home.write("models/m.safetensors", checkpoint(768));
    heard.wait_for(Kind::Model, "m", Happening::Added);
    let polling = Library::open_watching(&home.data(), Watching::Polling);
    assert_eq!(polling.snapshot().notices.len(), 1);
}

#[test]
fn folders_are_added_and_removed() {
    let home = Home::new();
    let tool = home.path("tool");
    write(tool.join("deep/er/m.safetensors"), checkpoint(768));
    let (library, heard) = opened(&home);
    library.add_folder(&tool).expect("added");
    heard.wait_for(Kind::Model, "m", Happening::Added);
    assert_eq!(library.snapshot().folders[0].models, 1);
    // It is watched like the library's own, as deep as it is looked into.
    write(tool.join("deep/er/still/l.safetensors"), lora(192));
    heard.wait_for(Kind::Lora, "l", Happening::Added);
    // A disk that is taken out and put in again.
    fs::rename(&tool, home.path("away")).expect("taken out");
    heard.wait_for(Kind::Model, "m", Happening::Removed);
    fs::rename(home.path("away"), &tool).expect("put in");
    heard.wait_for(Kind::Model, "m", Happening::Added);
    // The list may be edited by hand as well.
    home.write("library.toml", "");
    heard.wait_for(Kind::Model, "m", Happening::Removed);
    let unknown = library.remove_folder(&tool);
    assert!(
        matches!(unknown, Err(FolderError::Unknown { .. })),
        "{unknown:?}"
    );
    library.add_folder(&tool).expect("added");
    library.remove_folder(&tool).expect("removed");
    assert!(library.snapshot().folders.is_empty() && tool.join("deep/er/m.safetensors").exists());
}

#[test]
fn hashes_are_computed_once() {
    let home = Home::new();
    let path = home.write("models/m.safetensors", checkpoint(768));
    let library = Library::open(&home.data());
    let hash = library.hash(&path, &mut |_, _| std::ops::ControlFlow::Continue(()));
    let expected = blake3::hash(&checkpoint(768)).to_hex().to_string();
    assert_eq!(hash.expect("a hash"), expected);
}

#[test]
fn nobody_waits_for_a_look_to_listen() {
    let home = Home::new();
    let library = Library::open(&home.data());
    let (tell, told) = mpsc::channel();
    let looking = locked(&library.shared.looking);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            library.on_change(|_| {});
            let _ = tell.send(());
        });
        let listens = told.recv_timeout(PATIENCE);
        drop(looking);
        assert!(listens.is_ok());
    });
}

#[test]
fn what_a_manifest_names_elsewhere_is_watched_too() {
    let home = Home::new();
    let elsewhere = home.path("elsewhere/m.safetensors");
    write(&elsewhere, checkpoint(768));
    home.write("models/m.toml", format!("path = '{}'", elsewhere.display()));
    let (library, heard) = opened(&home);
    assert!(library.find_model("m").is_ok());
    fs::remove_file(&elsewhere).expect("removed");
    heard.wait_for(Kind::Model, "m", Happening::Removed);
    assert!(matches!(
        library.find_model("m"),
        Err(FindError::Unusable(_))
    ));
    write(&elsewhere, checkpoint(768));
    heard.wait_for(Kind::Model, "m", Happening::Added);
}

#[test]
fn what_ships_is_there_until_the_user_has_it_too() {
    let home = Home::new();
    let shipped = home.path("shipped");
    let ships = |path: &str, bytes: &[u8]| write(shipped.join(path), bytes);
    ships("shots/close-up.toml", b"phrase = 'close up of'");
    ships("characters/kaito.toml", b"token = 'kaito'\nclass = 'man'");
    ships("loras/kaito.safetensors", &lora(192));
    // A file of the same name is the user's choice, and no problem.
    ships("loras/jiyeon.safetensors", &lora(192));
    let own_lora = home.write("loras/jiyeon.safetensors", lora(768));
    // So is a character of the same token.
    ships(
        "characters/oldrich.toml",
        b"token = 'oldrichvane'\nclass = 'man'",
    );
    home.write(
        "characters/vane.toml",
        "token = 'Oldrichvane'\nclass = 'man'",
    );
    let library = Library::open_with_shipped(&home.data(), &shipped);

    let snapshot = library.snapshot();
    assert!(!snapshot.characters.contains_key("oldrich"));
    assert!(snapshot.problems.is_empty(), "{:?}", snapshot.problems);
    assert_eq!(snapshot.shots["close-up"].manifest.phrase, "close up of");
    assert_eq!(
        snapshot.loras["kaito"].path,
        shipped.join("loras/kaito.safetensors")
    );
    assert_eq!(snapshot.loras["jiyeon"].path, own_lora);
    let kind = Kind::Character;
    let seen = library.read_document(kind, "kaito").expect("a document");
    assert!(seen.shipped);
    let listed = library.documents(kind).expect("a list");
    assert!(listed.len() == 3 && listed[0].shipped, "{listed:?}");
    assert_eq!(listed[0].path, shipped.join("characters/kaito.toml"));
    assert!(matches!(
        library.delete_document(kind, "kaito", &seen.revision),
        Err(DocumentError::Shipped { .. })
    ));

    // Writing it makes a copy of the user's own, and what ships stays.
    let text = "token = 'kaito'\nclass = 'boy'";
    let own = library
        .write_document(kind, "kaito", text, Some(&seen.revision))
        .expect("written");
    let class = |library: &Library| {
        let snapshot = library.snapshot();
        snapshot.characters["kaito"].manifest.class.clone()
    };
    assert_eq!(class(&library), "boy");
    assert!(home.data().join("characters/kaito.toml").is_file());
    assert!(!library.documents(kind).expect("a list")[0].shipped);
    // Who has not seen the copy does not overwrite it.
    assert!(matches!(
        library.write_document(kind, "kaito", text, None),
        Err(DocumentError::Conflict { .. })
    ));
    // A broken copy leaves the last good version, a deleted one what ships.
    home.write("characters/kaito.toml", "token = ");
    library.look();
    library
        .delete_document(kind, "kaito", &Revision::of(b"token = "))
        .expect("deleted");
    assert_eq!(class(&library), "man");
    assert_ne!(own, seen.revision);
}
