//! A review in a pseudo-terminal, as a person has it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Child;
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::harness::{Home, until};

/// A command in a terminal of 100 columns and 40 rows.
struct Terminal {
    near: File,
    child: Child,
    /// All that was written so far.
    seen: Arc<Mutex<String>>,
    /// How much of it was looked at.
    looked: usize,
}

impl Terminal {
    fn run(home: &Home, arguments: &[&str]) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = OpenOptions::new()
            .read(true)
            .write(true)
            .open(OsStr::from_bytes(name.to_bytes()))
            .unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&far, size).unwrap();
        let mut command = home.command(arguments);
        command
            .env("TERM", "xterm-256color")
            .stdin(far.try_clone().unwrap())
            .stdout(far.try_clone().unwrap())
            .stderr(far);
        let child = command.spawn().unwrap();
        drop(command);
        let near = File::from(near);
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut reader, writing) = (near.try_clone().unwrap(), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 65_536];
            // Ends with an error when the far end closes.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                writing.lock().unwrap().push_str(&text);
            }
        });
        Self {
            near,
            child,
            seen,
            looked: 0,
        }
    }

    /// Waits until these words come after those that were waited for before.
    #[track_caller]
    fn shows(&mut self, words: &str) {
        let mut found = 0;
        until(words, || {
            let seen = self.seen.lock().unwrap();
            let new = seen.get(self.looked..).and_then(|new| new.find(words));
            found = new.map_or(0, |at| self.looked + at + words.len());
            new.is_some()
        });
        self.looked = found;
    }

    fn press(&mut self, keys: &str) {
        self.near.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; gives all that was seen.
    fn end(mut self) -> String {
        let status = self.child.wait().unwrap();
        let seen = self.seen.lock().unwrap().clone();
        assert!(status.success(), "{seen}");
        seen
    }
}

fn open(home: &Home) -> Value {
    let path = format!("path={}", home.work("b").display());
    home.run(&["call", "board.open", &path]).ok().json()
}

#[test]
fn a_board_is_looked_through_with_keys() {
    let home = Home::new();
    let new = [
        "board", "new", "b", "x", "--model", "tiny", "-n", "2", "--steps", "2",
    ];
    home.run(&new).ok();
    home.run(&["board", "add", "b", "close up of a fox, in a park"])
        .ok();
    home.run(&["board", "add", "b", "long shot picture of a park"])
        .ok();
    home.run(&["board", "render", "b", "--frame", "0"]).ok();

    let mut terminal = Terminal::run(&home, &["board", "review", "b"]);
    terminal.shows("close up of a fox");
    terminal.shows("▀");
    terminal.shows("q quit");
    terminal.press("2");
    terminal.shows("2 picked");
    terminal.shows("saved as shot_0.png");
    assert!(home.work("b/shot_0.png").exists());
    terminal.press("7");
    terminal.shows("has no take");

    // The next frame has nothing yet: r draws what is missing.
    terminal.press("n");
    terminal.shows("not drawn yet");
    terminal.press("r");
    terminal.shows("drew 2");
    terminal.press("1");
    terminal.shows("saved as shot_1.png");
    terminal.press("r");
    terminal.shows("drew 2");

    // Back by an arrow, and another prompt: cleared to its start, typed anew.
    terminal.press("\x1b[D");
    terminal.shows("close up of a fox");
    terminal.press("e");
    terminal.shows("enter draws it");
    terminal.press(", at night\r");
    terminal.shows("drew 2");
    terminal.press("q");
    let seen = terminal.end();
    assert!(
        seen.contains("\x1b[?1049h") && seen.contains("\x1b[?1049l"),
        "its own screen"
    );

    let board = open(&home);
    let (first, second) = (&board["frames"][0], &board["frames"][1]);
    assert_eq!(first["prompt"], "close up of a fox, in a park, at night");
    assert_eq!(first["earlier"].as_array().unwrap().len(), 1);
    assert!(first["pick"].is_string() && second["pick"].is_string());
    assert_eq!(second["earlier"].as_array().unwrap().len(), 1, "a redo");
    assert_eq!(board["missing"], 0);
}

#[test]
fn a_review_without_a_terminal_is_refused() {
    let home = Home::new();
    home.run(&["board", "new", "b", "x", "--model", "tiny"])
        .ok();
    let ran = home.run(&["board", "review", "b"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.contains("needs a terminal") && ran.err.contains("hint"),
        "{ran:?}"
    );
}
