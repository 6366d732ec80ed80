//! What a person at a terminal sees.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::harness::Home;

/// Runs a command whose output is a terminal; gives all that it wrote there.
fn seen(home: &Home, arguments: &[&str], terminal: &str) -> String {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let name = ptsname(&near, Vec::new()).unwrap();
    let far = OpenOptions::new()
        .read(true)
        .write(true)
        .open(OsStr::from_bytes(name.to_bytes()))
        .unwrap();
    let mut command = home.command(arguments);
    command
        .env("TERM", terminal)
        .stdout(far.try_clone().unwrap())
        .stderr(far);
    let mut child = command.spawn().unwrap();
    // The command holds the far end too; the reader ends when nobody does.
    drop(command);
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Ends with an error when the far end closes.
        let _ = File::from(near).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let status = child.wait().unwrap();
    let text = reading.join().unwrap();
    assert!(status.success(), "{text}");
    text
}

#[test]
fn a_person_sees_how_far_the_frame_is() {
    let home = Home::new();
    let arguments = [
        "generate",
        "a fox",
        "--model",
        "tiny",
        "-o",
        "frame.png",
        "--steps",
        "40",
        "--width",
        "128",
        "--height",
        "128",
    ];
    let text = seen(&home, &arguments, "xterm-256color");
    assert!(text.contains("/40") && text.contains("s left"), "{text:?}");
    assert!(text.contains("frame.png  seed"), "{text:?}");
    let text = seen(
        &home,
        &[&arguments[..], &["--json"]].concat(),
        "xterm-256color",
    );
    assert!(
        !text.contains("s left"),
        "a script sees JSON alone: {text:?}"
    );
}

#[test]
fn the_frame_is_drawn_in_the_terminal() {
    let home = Home::new();
    let arguments = ["generate", "a fox", "--model", "tiny", "-o", "frame.png"];
    for (show, terminal, expected) in [
        ("--show", "xterm-256color", "▀"),
        ("--show", "xterm-kitty", "\x1b_Ga=T"),
        ("--show", "foot", "\x1bPq"),
        ("--show=blocks", "foot", "▀"),
    ] {
        let text = seen(&home, &[&arguments[..], &[show]].concat(), terminal);
        assert!(text.contains(expected), "{show} on {terminal}: {text:?}");
    }
    let ran = home.run(&[&arguments[..], &["--show"]].concat()).ok();
    assert!(
        !ran.out.contains('▀') && ran.err.contains("terminal"),
        "{ran:?}"
    );
}
