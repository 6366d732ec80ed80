//! Boards: from prompts to takes, picks, sheets and an edit.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Home, Ran, names, pixels, until};
use crate::loras;
use crate::segment::{with_picture, with_segmenter};

const PROMPTS: [&str; 3] = [
    "close up of a man reading a letter, in a dusty library, soft daylight",
    "long shot picture of a dusty library, soft daylight",
    "detailed shot of a letter on a table, in a dusty library, soft daylight",
];

/// `framewright board …`
fn board(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["board"], arguments].concat())
}

/// A board of those prompts, two takes a frame.
fn new_board(home: &Home, name: &str, prompts: &[&str], more: &[&str]) {
    let new = [
        "new",
        name,
        "Kaito finds a letter",
        "--model",
        "tiny",
        "-n",
        "2",
        "--seed",
        "7",
    ];
    board(home, &[&new[..], more].concat()).ok();
    for prompt in prompts {
        board(home, &["add", name, prompt]).ok();
    }
}

fn open(home: &Home, name: &str) -> Value {
    let path = format!("path={}", home.work(name).display());
    home.run(&["call", "board.open", &path]).ok().json()
}

/// When each take was written.
fn takes(home: &Home, name: &str) -> BTreeMap<String, SystemTime> {
    let folder = home.work(name).join("takes");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return BTreeMap::new();
    };
    let take = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let written = entry.metadata().ok()?.modified().ok()?;
        name.ends_with(".png").then_some((name, written))
    };
    entries.filter_map(|entry| take(entry.unwrap())).collect()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The image of a take, as the daemon tells it.
fn image(state: &Value, frame: usize, take: usize) -> String {
    let image = &state["frames"][frame]["takes"][take - 1]["image"];
    image.as_str().unwrap().to_owned()
}

#[test]
fn a_board_goes_from_prompts_to_picks_and_sheets() {
    let home = Home::new();
    new_board(
        &home,
        "letter",
        &PROMPTS,
        &["--size", "64x48", "--steps", "2"],
    );
    let state = open(&home, "letter");
    assert_eq!(state["missing"], 6);
    assert_eq!(state["frames"][0]["shot"], "close-up");
    assert_eq!(state["frames"][0]["setting"], "dusty library");
    let ran = board(&home, &["render", "letter"]).ok();
    assert_eq!(ran.out, "drew 6 takes\n");
    let ran = board(&home, &["render", "letter"]).ok();
    assert!(ran.out.starts_with("nothing to draw"), "{ran:?}");

    // Take k has the frame's seed + k, and is what `generate` draws with it.
    let state = open(&home, "letter");
    let seeds = |frame: usize| {
        let takes = state["frames"][frame]["takes"].as_array().unwrap();
        takes
            .iter()
            .map(|take| take["seed"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!((seeds(0), seeds(2)), (vec![7, 8], vec![2_007, 2_008]));
    let single = [
        "generate",
        PROMPTS[0],
        "--model",
        "tiny",
        "--seed",
        "8",
        "--width",
        "64",
        "--height",
        "48",
        "--steps",
        "2",
        "-o",
        "alone.png",
    ];
    home.run(&single).ok();
    let second = home.work("letter").join(image(&state, 0, 2));
    assert!(pixels(&second) == pixels(&home.work("alone.png")));

    board(&home, &["pick", "letter", "0", "2"]).ok();
    board(&home, &["pick", "letter", "f2", "1"]).ok();
    let shot = |number: u32| home.work("letter").join(format!("shot_{number}.png"));
    assert!(read(&shot(0)) == read(&second));
    assert!(!shot(1).exists() && shot(2).exists());
    board(&home, &["pick", "letter", "0", "1"]).ok();
    assert!(read(&shot(0)) == read(&home.work("letter").join(image(&state, 0, 1))));
    // A saved shot carries all that made it.
    home.run(&["again", "letter/shot_0.png"]).ok();

    // A redo is a new batch; the pick and the old takes stay.
    let ran = board(&home, &["redo", "letter", "0"]).ok();
    assert_eq!(ran.out, "drew 2 takes\n");
    let redone = open(&home, "letter");
    let frame = &redone["frames"][0];
    assert_eq!(frame["seed"], 9);
    assert_eq!(frame["earlier"][0]["takes"].as_array().unwrap().len(), 2);
    assert_eq!(frame["pick"].as_str().unwrap(), image(&state, 0, 1));
    assert_ne!(image(&redone, 0, 1), image(&state, 0, 1));
    // A take of before can be picked by its path.
    board(&home, &["pick", "letter", "0", &image(&state, 0, 2)]).ok();
    assert!(read(&shot(0)) == read(&second));

    // An edit asks for new takes, and is drawn by the next render.
    let edit = [
        "edit",
        "letter",
        "1",
        "--prompt",
        "full body picture of a woman, at a bus stop, night",
        "--duration",
        "3.5",
        "--note",
        "She waits.",
    ];
    board(&home, &edit).ok();
    let edited = open(&home, "letter");
    assert_eq!(edited["missing"], 2);
    assert_eq!(edited["frames"][1]["shot"], "full-shot");
    assert_eq!(edited["frames"][1]["earlier"][0]["prompt"], PROMPTS[1]);
    board(&home, &["render", "letter", "--frame", "1"]).ok();
    assert_eq!(open(&home, "letter")["missing"], 0);

    let ran = board(&home, &["show", "letter", "--show=blocks"]).ok();
    assert!(ran.out.contains("contact-sheet.png"), "{ran:?}");
    assert!(pixels(&home.work("letter/contact-sheet.png")).width() > 500);
    let ran = board(&home, &["grid", "letter", "-o", "grid.png"]).ok();
    assert!(
        ran.err
            .contains("not picked yet, shown by their first takes: 1"),
        "{ran:?}"
    );
    assert!(pixels(&home.work("grid.png")).width() > 700);
    board(&home, &["grid", "letter", "-o", "grid.pdf"]).ok();
    assert!(read(&home.work("grid.pdf")).starts_with(b"%PDF-"));
}

#[test]
fn a_board_is_drawn_once_at_a_time_and_can_be_stopped() {
    let home = Home::new();
    new_board(
        &home,
        "b",
        &PROMPTS[..1],
        &["--size", "128x128", "--steps", "900"],
    );
    let render = home.spawn(&["board", "render", "b"]);
    until("it is drawn", || open(&home, "b")["drawing"] == true);
    // Whoever comes meanwhile does not draw the same once more.
    let ran = board(&home, &["render", "b"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("is being drawn already"), "{ran:?}");
    let ran = board(&home, &["stop", "b"]).ok();
    assert_eq!(ran.out, "stopped; what was drawn is kept\n");
    let ended = render.end();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(open(&home, "b")["drawing"], false);
    let ran = board(&home, &["stop", "b"]).ok();
    assert_eq!(ran.out, "it was not being drawn\n");
}

#[test]
fn a_killed_daemon_and_a_killed_command_cost_no_take() {
    let home = Home::new();
    // Slow enough that a board is never done before the blow falls.
    new_board(&home, "b", &PROMPTS, &["--steps", "200"]);
    let file = home.work("b/board.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("candidates = 2", "candidates = 8")).unwrap();
    let mut before = BTreeMap::new();
    for round in 1..=3_usize {
        let render = home.spawn(&["board", "render", "b"]);
        until("another take is drawn", || {
            takes(&home, "b").len() > before.len()
        });
        match round {
            1 => home.signal_daemon(Signal::KILL),
            2 => render.signal(Signal::KILL),
            _ => render.signal(Signal::INT),
        }
        let ended = render.end();
        let expected = [Some(3), None, Some(130)][round - 1];
        assert_eq!(ended.code, expected, "{ended:?}");
        let now = takes(&home, "b");
        for (name, written) in &before {
            assert_eq!(now.get(name), Some(written), "{name} was drawn twice");
        }
        before = now;
    }
    assert!(before.len() < 24, "there is something left to draw");
    let ran = board(&home, &["render", "b"]).ok();
    let now = takes(&home, "b");
    assert_eq!(now.len(), 24);
    for (name, written) in &before {
        assert_eq!(now.get(name), Some(written), "{name} was drawn twice");
    }
    assert_eq!(ran.out, format!("drew {} takes\n", 24 - before.len()));
    let files = names(&home.work("b"));
    assert_eq!(files, ["board.toml", "takes"], "nothing is left behind");
    // Nothing goes on in the queue for nobody.
    let jobs = home.run(&[
        "--json", "job", "list", "--state", "queued", "--state", "running",
    ]);
    assert_eq!(jobs.ok().json()["jobs"].as_array().unwrap().len(), 0);
}

#[test]
fn a_copied_and_a_renamed_board_go_on_and_two_are_drawn_at_once() {
    let home = Home::new();
    new_board(&home, "one", &PROMPTS[..2], &["--steps", "2"]);
    board(&home, &["render", "one", "--frame", "0"]).ok();
    std::fs::create_dir_all(home.work("elsewhere/takes")).unwrap();
    for file in ["board.toml"].map(str::to_owned).into_iter().chain(
        takes(&home, "one")
            .into_keys()
            .map(|name| format!("takes/{name}")),
    ) {
        std::fs::copy(
            home.work("one").join(&file),
            home.work("elsewhere").join(&file),
        )
        .unwrap();
    }
    std::fs::rename(home.work("one"), home.work("renamed")).unwrap();
    let both = ["renamed", "elsewhere"].map(|name| home.spawn(&["board", "render", name]));
    for render in both {
        assert_eq!(render.end().ok().out, "drew 2 takes\n");
    }
    let pictures = |name: &str| {
        let names = takes(&home, name).into_keys();
        names
            .map(|file| {
                (
                    file.clone(),
                    pixels(&home.work(name).join("takes").join(file)),
                )
            })
            .collect::<Vec<_>>()
    };
    assert!(
        pictures("renamed") == pictures("elsewhere"),
        "the same board, the same pictures"
    );
}

#[test]
fn a_deleted_picture_is_drawn_again_to_the_last_bit() {
    let home = Home::new();
    new_board(&home, "b", &PROMPTS[..1], &["--steps", "2", "--hires"]);
    board(&home, &["render", "b"]).ok();
    let path = home.work("b").join(image(&open(&home, "b"), 0, 2));
    let drawn = pixels(&path);
    assert_eq!(drawn.dimensions(), (128, 128), "in two passes");
    std::fs::remove_file(&path).unwrap();
    let ran = board(&home, &["render", "b"]).ok();
    assert!(
        ran.err
            .contains("take 2 of frame 0 was deleted: drawn again"),
        "{ran:?}"
    );
    assert_eq!(ran.out, "drew 1 take\n");
    assert!(pixels(&path) == drawn);
}

#[test]
fn what_cannot_be_done_is_told_and_nothing_is_written() {
    let home = Home::new();
    new_board(&home, "b", &PROMPTS[..1], &["--steps", "2"]);
    let refused = |arguments: &[&str], words: &str| {
        let ran = board(&home, arguments);
        assert!(ran.code == Some(1) || ran.code == Some(2), "{ran:?}");
        assert!(
            ran.err.contains(words) && ran.err.contains("hint: "),
            "{words}: {ran:?}"
        );
    };
    refused(&["new", "b", "again"], "there is a board already");
    refused(&["render", "nowhere"], "there is no folder");
    refused(&["render", "."], "there is no board.toml");
    refused(&["pick", "b", "0", "1"], "has no take \"1\"");
    refused(&["pick", "b", "4", "1"], "there is no frame \"4\"");
    refused(
        &["pick", "b", "0", "../../secret.png"],
        "no path in the board's folder",
    );
    refused(&["render", "b", "--frame", "9"], "there is no frame \"9\"");
    refused(
        &["new", "c", "x", "--model", "nothing"],
        "no model \"nothing\"",
    );
    refused(
        &["new", "c", "x", "--variations", "dice"],
        "no rule \"dice\"",
    );
    refused(&["edit", "b", "0", "--duration", "0"], "duration");
    refused(
        &["grid", "b", "-o", "grid.jpg"],
        "ends neither in .png nor in .pdf",
    );
    refused(
        &["grid", "b", "-o", "missing/grid.png"],
        "cannot be written",
    );
    assert!(!home.work("c").exists());

    // Settings that generate does not take are told when they are drawn with.
    let file = home.work("b/board.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replace("steps = 2", "stepps = 2")).unwrap();
    refused(&["render", "b"], "frame.generate has no such parameter");
    for (broken, line) in [
        ("scene = \n", "line 1"),
        ("scene = 'x'\nframes = 3\n", "line 2"),
    ] {
        std::fs::write(&file, broken).unwrap();
        for arguments in [&["show", "b"][..], &["add", "b", "x"], &["render", "b"]] {
            refused(arguments, line);
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), broken);
    }
    // Frames written by hand need no more than a prompt.
    std::fs::write(
        &file,
        "# mine\n[generate]\nmodel = 'tiny'\n[[frames]]\nprompt = 'a fox'\n",
    )
    .unwrap();
    let ran = board(&home, &["render", "b"]).ok();
    assert_eq!(ran.out, "drew 4 takes\n");
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("# mine\n[generate]\n")
    );
}

#[test]
fn a_client_that_saw_another_version_gets_a_conflict() {
    let home = Home::new();
    new_board(&home, "b", &PROMPTS[..1], &[]);
    let path = format!("path={}", home.work("b").display());
    let revision = open(&home, "b")["revision"].as_str().unwrap().to_owned();
    let edit = |prompt: &str| {
        let (prompt, revision) = (
            format!("prompt={prompt}"),
            format!("revision=\"{revision}\""),
        );
        home.run(&[
            "call",
            "board.edit",
            &path,
            "frame=\"0\"",
            &prompt,
            &revision,
        ])
    };
    edit("a fox").ok();
    let second = edit("a wolf");
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.err.contains("not the version that was seen"),
        "{second:?}"
    );
    assert_eq!(open(&home, "b")["frames"][0]["prompt"], "a fox");
}

#[test]
fn a_scene_is_planned_drawn_and_exported() {
    let home = Home::new();
    let new = [
        "new",
        "scene",
        "Kaito finds a letter in a dusty library, soft daylight. He reads it.",
        "--frames",
        "3",
        "--model",
        "tiny",
        "-n",
        "1",
        "--steps",
        "2",
        "--seed",
        "7",
        "--duration",
        "1.5",
        "--fps",
        "25",
    ];
    board(&home, &new).ok();
    let ran = board(&home, &["plan", "scene"]).ok();
    assert!(ran.out.contains("3 takes to draw"), "{ran:?}");
    let again = board(&home, &["plan", "scene"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("has 3 frames already"), "{again:?}");
    board(&home, &["render", "scene"]).ok();
    for frame in ["0", "1", "2"] {
        board(&home, &["pick", "scene", frame, "1"]).ok();
    }

    let export = |format: &str, output: &str, more: &[&str]| {
        let arguments = ["export", "scene", "--format", format, "-o", output];
        let ran = board(&home, &[&arguments[..], more].concat()).ok();
        assert_eq!(ran.err, "", "{ran:?}");
        home.work(output)
    };
    let otio = export("otio", "scene/cut.otio", &[]);
    let otio: Value = serde_json::from_slice(&read(&otio)).unwrap();
    let clips = otio["tracks"]["children"][0]["children"]
        .as_array()
        .unwrap();
    assert_eq!(clips.len(), 3);
    for (place, clip) in clips.iter().enumerate() {
        let url = &clip["media_reference"]["target_url"];
        assert_eq!(url, &format!("shot_{place}.png"));
        // 1.5 s of 25 frames a second: 37.5, which is rounded up.
        assert_eq!(clip["source_range"]["duration"]["value"], 38.0);
    }
    let edl = String::from_utf8(read(&export("edl", "cut.edl", &[]))).unwrap();
    assert!(
        edl.contains("00:00:00:00 00:00:01:13 01:00:00:00 01:00:01:13"),
        "{edl}"
    );
    assert!(edl.contains("* FROM CLIP NAME: shot_2.png"), "{edl}");
    let html = String::from_utf8(read(&export("html", "page.html", &[]))).unwrap();
    assert!(html.contains("page_pictures/shot_2.png"), "{html}");
    assert!(read(&home.work("page_pictures/shot_2.png")) == read(&home.work("scene/shot_2.png")));
    let frames = export("sequence", "frames", &[]);
    assert_eq!(names(&frames).len(), 3 * 38);
    let stills = export("sequence", "stills", &["--every", "shot"]);
    assert_eq!(
        names(&stills),
        ["shot_000.png", "shot_001.png", "shot_002.png"]
    );
    // Every picture of an export can be made again.
    home.run(&["again", "stills/shot_001.png"]).ok();
}

#[test]
fn the_answer_of_a_language_model_becomes_a_board() {
    let home = Home::new();
    let scene = "kaitoyosuke searches a dusty library, soft daylight";
    let new = ["new", "letter", scene, "--model", "tiny", "-n", "1"];
    board(
        &home,
        &[&new[..], &["--size", "64x48", "--steps", "2"]].concat(),
    )
    .ok();
    let frames = |from: &str| -> Vec<String> {
        let state = open(&home, from);
        let frames = state["frames"].as_array().unwrap().iter();
        frames
            .map(|frame| frame["prompt"].as_str().unwrap().to_owned())
            .collect()
    };
    // As chats answer: with words around it, and none of them asked for.
    let first = "long shot picture of a dusty library, kaitoyosuke man searching, soft daylight";
    let second = "close up of kaitoyosuke man, in a dusty library, soft daylight";
    home.write(
        "work/answer.txt",
        &format!("Sure! Here are your prompts:\n\n1. {first}\n2. \"{second}\"\n\nEnjoy!\n"),
    );
    board(&home, &["import", "letter", "answer.txt"]).ok();
    assert_eq!(frames("letter"), [first, second]);
    board(&home, &["render", "letter"]).ok();
    let drawn = takes(&home, "letter");
    assert_eq!(drawn.len(), 2);

    // Frames that are there give way only when that is asked for, and what was
    // drawn stays in the folder.
    let third = "detailed shot of a letter on a table, in a dusty library, soft daylight";
    home.write("work/more.txt", &format!("1. {third}\n"));
    let ran = board(&home, &["import", "letter", "more.txt"]);
    assert!(ran.err.contains("--replace"), "{}", ran.err);
    assert_eq!(frames("letter"), [first, second]);
    board(&home, &["import", "letter", "more.txt", "--replace"]).ok();
    assert_eq!(frames("letter"), [third]);
    assert_eq!(takes(&home, "letter"), drawn);

    // What holds no prompt changes nothing.
    for nothing in ["", "I cannot help with that.\n"] {
        home.write("work/nothing.txt", nothing);
        let ran = board(&home, &["import", "letter", "nothing.txt", "--replace"]);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert_eq!(frames("letter"), [third]);
    }
    let ran = board(&home, &["import", "letter", "missing.txt"]);
    assert!(ran.err.contains("missing.txt"), "{}", ran.err);
}

#[test]
fn the_characters_of_a_frame_bring_their_loras() {
    let home = loras::home();
    let new = ["new", "meeting", "They meet", "--model", "tiny", "-n", "1"];
    board(&home, &new).ok();
    for prompt in [
        "medium shot picture of kaitoyosuke man, in a library",
        "close up of jiyeonmun woman, in a library",
        "long shot picture of a library",
    ] {
        board(&home, &["add", "meeting", prompt]).ok();
    }
    board(&home, &["render", "meeting"]).ok();
    let state = open(&home, "meeting");
    let applied = |frame: usize| -> Vec<String> {
        let image = format!("meeting/{}", image(&state, frame, 1));
        let recorded = loras::provenance(&home, &image);
        // Left out where there are none.
        let loras = recorded["loras"].as_array().cloned().unwrap_or_default();
        let name = |lora: &Value| lora["name"].as_str().unwrap().to_owned();
        loras.iter().map(name).collect()
    };
    assert_eq!(applied(0), ["medium", "kaito"]);
    assert_eq!(applied(1), ["jiyeon"]);
    assert_eq!(applied(2), <[String; 0]>::default());
}

#[test]
fn a_click_is_answered_while_a_board_is_drawn() {
    let home = Home::new();
    with_segmenter(&home, "small", "segment-vit");
    with_picture(&home);
    new_board(
        &home,
        "b",
        &PROMPTS[..1],
        &["--size", "128x128", "--steps", "900"],
    );
    let render = home.spawn(&["board", "render", "b"]);
    until("it is drawn", || open(&home, "b")["drawing"] == true);
    home.run(&["segment", "frame.png", "--point", "35,30"]).ok();
    assert_eq!(open(&home, "b")["drawing"], true, "the board goes on");
    board(&home, &["stop", "b"]).ok();
    assert_eq!(render.end().code, Some(130));
}

#[test]
fn a_full_disk_costs_no_take_and_no_board() {
    let home = Home::new();
    let mut daemon = home.start_daemon_with_little_room();
    let size = ["--size", "64x48", "--steps", "2"];
    new_board(&home, "letter", &PROMPTS[..1], &size);
    board(&home, &["render", "letter"]).ok();
    let drawn = takes(&home, "letter");
    assert_eq!(drawn.len(), 2);
    let before = read(&home.work("letter/board.toml"));
    // A picture of noise that is larger than any file may be.
    let large = ["--size", "320x320", "--steps", "2"];
    new_board(&home, "large", &PROMPTS[..1], &large);
    let ran = board(&home, &["render", "large"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("make room on the disk"), "{}", ran.err);
    assert!(takes(&home, "large").is_empty());
    assert!(daemon.try_wait().unwrap().is_none(), "it lives");
    assert_eq!(takes(&home, "letter"), drawn);
    assert_eq!(read(&home.work("letter/board.toml")), before);
    home.run(&["daemon", "stop"]).ok();
    daemon.wait().unwrap();
    // With room again it goes on.
    board(&home, &["render", "large"]).ok();
    assert_eq!(takes(&home, "large").len(), 2);
}

#[test]
fn frames_of_two_characters_are_divided_where_the_board_asks_for_it() {
    let home = loras::home();
    let prompts = [loras::MEETING, "close up of kaitoyosuke man, in a library"];
    let more = ["-n", "1", "--regions", "auto"];
    let new = ["new", "two", "They meet", "--model", "tiny", "--seed", "7"];
    board(&home, &[&new[..], &more].concat()).ok();
    for prompt in prompts {
        board(&home, &["add", "two", prompt]).ok();
    }
    board(&home, &["render", "two"]).ok();
    let state = open(&home, "two");
    let regions = |frame: usize| {
        let image = format!("two/{}", image(&state, frame, 1));
        let recorded = loras::provenance(&home, &image);
        recorded["regions"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((regions(0), regions(1)), (2, 0));
}
