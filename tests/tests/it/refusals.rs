//! What makes no sense is refused before any work is done: no daemon is
//! started, no file is left.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Home, names};

#[test]
fn bad_arguments_are_refused_before_a_daemon_is_asked() {
    let home = Home::new();
    std::fs::create_dir(home.work("folder.png")).unwrap();
    std::fs::write(home.work("text.png"), "no picture").unwrap();
    let long = "fox ".repeat(2_001);
    let before = names(&home.path("work"));
    let cases: &[(&[&str], &str)] = &[
        (&["generate", ""], "the prompt is empty"),
        (&["generate", " \n\t"], "the prompt is empty"),
        (&["generate", &long], "8004 characters"),
        (
            &["generate", "a fox", "--negative", &long],
            "8004 characters",
        ),
        (
            &["generate", "a fox", "-o", "missing/frame.png"],
            "no such directory",
        ),
        (
            &["generate", "a fox", "-o", "folder.png"],
            "a directory has that name",
        ),
        (
            &["generate", "a fox", "-o", "frame.jpg"],
            "does not end in .png",
        ),
        (
            &["generate", "a fox", "-o", "/proc/frame.png"],
            "cannot be written",
        ),
        (
            &["generate", "a fox", "--image", "missing.png"],
            "the picture cannot be read",
        ),
        (
            &["generate", "a fox", "--image", "text.png"],
            "the picture cannot be read",
        ),
        (&["generate", "a fox", "--strength", "0.5"], "--image"),
        (
            &["generate", "a fox", "--hires", "--image", "text.png"],
            "cannot be used with",
        ),
        (&["generate", "a fox", "--hires-strength", "0.5"], "--hires"),
        (&["generate", "a fox", "-n", "0"], "0 is not in"),
        (&["generate", "a fox", "-n", "1000"], "1000 is not in"),
        (&["generate", "a fox", "--steps", "many"], "many"),
        (
            &["generate", "a fox", "--model", "./missing.safetensors"],
            "the model cannot be read",
        ),
        (
            &["generate", "a fox", "--show", "--json"],
            "cannot be used with",
        ),
        (&["generate"], "PROMPT"),
        (&["again", "missing.png"], "the frame cannot be read"),
        (&["again", "text.png"], "it is no PNG file"),
        (&["call", "ping", "novalue"], "KEY=VALUE"),
        (&["no-such-command"], "no-such-command"),
    ];
    for (arguments, expected) in cases {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{arguments:?}: {}", ran.out);
    }
    assert!(home.is_untouched(), "a daemon was asked");
    assert_eq!(names(&home.path("work")), before);
}

#[test]
fn arguments_that_are_not_text_are_refused() {
    let home = Home::new();
    let mut command = home.command(&["generate"]);
    let output = command
        .arg(OsStr::from_bytes(b"a \xff fox"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("UTF-8"));
    assert!(home.is_untouched());
}

#[test]
fn what_only_the_daemon_knows_is_refused_without_work() {
    let home = Home::new();
    let cases: &[(&[&str], &str)] = &[
        (&["--model", "missing"], "there is no model"),
        (&["--model", "tiny", "--sampler", "magic"], "magic"),
        (&["--model", "tiny", "--width", "71"], "72x"),
        (&["--model", "tiny", "--width", "4000"], "2048"),
        (&["--model", "tiny", "--guidance", "1000"], "guidance"),
        (&["--model", "tiny", "--rescale", "2"], "guidance_rescale"),
        (&["--model", "tiny", "--clip-skip", "99"], "clip skip"),
        (&["--model", "tiny", "--hires=9"], "hires.scale"),
        (
            &["--model", "tiny", "--hires", "--hires-strength", "0"],
            "hires.strength",
        ),
        (&["--model", "tiny", "--hires=4", "--width", "2056"], "2048"),
    ];
    for (arguments, expected) in cases {
        let ran = home.run(&[&["generate", "a fox", "-o", "frame.png"], *arguments].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(names(&home.path("work")), [""; 0]);
}

#[test]
fn a_script_gets_the_refusal_as_json() {
    let home = Home::new();
    let ran = home.run(&["--json", "generate", "", "-o", "frame.png"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.json()["error"]["message"], "the prompt is empty");
    let ran = home.run(&["--json", "generate", "a fox", "--model", "missing"]);
    assert_eq!(ran.json()["error"]["code"], "not_found");
}
