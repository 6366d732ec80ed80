use super::*;
use crate::document::FrameChange;
use crate::testing::{Home, draw, png};

fn prompt(text: &str) -> FrameChange {
    FrameChange {
        prompt: Some(text.to_owned()),
        ..FrameChange::default()
    }
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_drawn_is_not_asked_for_again() {
    let home = Home::new();
    let folder = home.board("b", &["a fox", "a wolf"]);
    assert_eq!(draw(&folder), 4);
    assert_eq!(draw(&folder), 0);
    let board = folder.read().expect("a board").board;
    assert_eq!(board.all_takes().count(), 4);
    // What was deleted by hand is drawn again, and only that.
    let gone = &board.frames[1].batches[0].takes[0].image;
    fs::remove_file(folder.path().join(gone.as_str())).expect("deleted");
    let wanted = folder.wanted(&board, None).expect("wanted");
    assert_eq!(wanted.len(), 1);
    assert!(wanted[0].again && wanted[0].seed == Some(board.frames[1].batches[0].takes[0].seed));
    assert_eq!(draw(&folder), 1);
    assert_eq!(folder.read().expect("a board").board, board);
    // More candidates: only the others.
    let text = fs::read_to_string(folder.path().join(BOARD_FILE)).expect("text");
    let more = text.replace("candidates = 2", "candidates = 3");
    fs::write(folder.path().join(BOARD_FILE), more).expect("written");
    assert_eq!(draw(&folder), 2);
}

#[test]
fn random_variations_have_as_many_takes_as_asked_for() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let path = folder.path().join(BOARD_FILE);
    let text = fs::read_to_string(&path).expect("text");
    fs::write(&path, text.replace("\"seed+k\"", "\"random\"")).expect("written");
    assert_eq!(draw(&folder), 2);
    assert_eq!(draw(&folder), 0);
    let board = folder.read().expect("a board").board;
    let gone = &board.frames[0].batches[0].takes[1];
    fs::remove_file(folder.path().join(gone.image.as_str())).expect("deleted");
    let wanted = folder.wanted(&board, None).expect("wanted");
    assert_eq!(
        wanted.iter().map(|take| take.seed).collect::<Vec<_>>(),
        [Some(gone.seed)]
    );
}

#[test]
fn an_edit_while_a_take_is_drawn_is_kept() {
    let home = Home::new();
    let folder = home.board("b", &["a fox", "a wolf"]);
    let board = folder.read().expect("a board").board;
    let wanted = folder.wanted(&board, None).expect("wanted");
    let path = folder.path().join(BOARD_FILE);
    // Somebody puts the frames the other way round, changes a prompt, adds a comment.
    let text = fs::read_to_string(&path).expect("text");
    let (head, frames) = text.split_at(text.find("[[frames]]").expect("frames"));
    let frames: Vec<&str> = frames.split("[[frames]]").collect();
    let edited = format!(
        "# mine\n{head}[[frames]]{}\n[[frames]]{}",
        frames[2],
        frames[1].replace("a fox", "a red fox")
    );
    fs::write(&path, edited).expect("written");
    for take in &wanted {
        let seed = take.seed.expect("a seed");
        let (_, notice) = folder.store(take, seed, &png(seed.0)).expect("stored");
        assert_eq!(notice, None);
    }
    let after = folder.read().expect("a board").board;
    assert!(
        fs::read_to_string(&path)
            .expect("text")
            .starts_with("# mine\n")
    );
    assert_eq!(after.frames[0].prompt, "a wolf");
    assert_eq!(
        after.takes(&after.frames[0]).len(),
        2,
        "by its id, not its place"
    );
    assert_eq!(after.frames[1].prompt, "a red fox");
    assert!(
        after.takes(&after.frames[1]).is_empty(),
        "asks for something else now"
    );
    assert_eq!(
        after.frames[1].batches[0].takes.len(),
        2,
        "and keeps what was drawn"
    );
    // Somebody takes the frame out.
    let cut = edited_without_last_frame(&fs::read_to_string(&path).expect("text"));
    fs::write(&path, cut).expect("written");
    let seed = wanted[0].seed.expect("a seed");
    let (image, notice) = folder.store(&wanted[0], seed, &png(1)).expect("stored");
    assert!(notice.is_some_and(|notice| notice.contains("taken out")));
    assert!(folder.has(&image).expect("looked"));
}

fn edited_without_last_frame(text: &str) -> String {
    let last = text.rfind("[[frames]]").expect("a frame");
    text[..last].to_owned()
}

#[test]
fn an_older_text_over_a_newer_one_loses_no_picture() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let path = folder.path().join(BOARD_FILE);
    let old = fs::read_to_string(&path).expect("text");
    assert_eq!(draw(&folder), 2);
    let drawn = folder.read().expect("a board").board;
    fs::write(&path, old).expect("written");
    assert_eq!(folder.adopt().expect("adopted").len(), 2);
    assert_eq!(folder.read().expect("a board").board, drawn);
    assert_eq!(draw(&folder), 0);
    // What is no picture is not taken for one.
    fs::write(&path, "").expect("written");
    let asked = |folder: &BoardFolder| {
        let board = folder.read().expect("a board").board;
        format!("takes/f0-{}-1.png", board.asked(&board.frames[0]))
    };
    fs::write(&path, "[[frames]]\nprompt = 'x'\n").expect("written");
    fs::write(folder.path().join(asked(&folder)), "no picture").expect("written");
    assert!(folder.adopt().expect("adopted").is_empty());
}

#[test]
fn picks_are_saved_in_order_and_follow_the_board() {
    let home = Home::new();
    let folder = home.board("b", &["a fox", "a wolf"]);
    draw(&folder);
    let board = folder.read().expect("a board").board;
    let take = |frame: usize, take: usize| {
        let image = &board.frames[frame].batches[0].takes[take].image;
        folder.picture(image).expect("a picture")
    };
    let shot = |number: usize| fs::read(folder.path().join(shot_file(number))).ok();
    folder.pick(None, "0", Some("2")).expect("picked");
    folder.pick(None, "f1", Some("1")).expect("picked");
    assert!(shot(0) == Some(take(0, 1)));
    assert!(shot(1) == Some(take(1, 0)));
    folder.pick(None, "0", Some("1")).expect("picked");
    assert!(shot(0) == Some(take(0, 0)));
    // A frame goes: what was shot 1 is shot 0.
    let path = folder.path().join(BOARD_FILE);
    let text = fs::read_to_string(&path).expect("text");
    let (start, end) = (
        text.find("[[frames]]").expect("one"),
        text.rfind("[[frames]]").expect("two"),
    );
    fs::write(&path, format!("{}{}", &text[..start], &text[end..])).expect("written");
    let shorter = folder.read().expect("a board").board;
    folder.sync_shots(&shorter).expect("synced");
    assert!(shot(0) == Some(take(1, 0)) && shot(1).is_none());
    fs::write(&path, text).expect("written");
    folder.sync_shots(&board).expect("synced");
    folder.pick(None, "0", None).expect("unpicked");
    assert!(shot(0).is_none());
    for (frame, take) in [
        ("0", "0"),
        ("0", "3"),
        ("0", "x.png"),
        ("7", "1"),
        ("0", "../x.png"),
    ] {
        assert!(
            folder.pick(None, frame, Some(take)).is_err(),
            "{frame} {take}"
        );
    }
    fs::write(folder.path().join("mine.png"), "no picture").expect("written");
    let refused = folder.pick(None, "0", Some("mine.png"));
    assert!(
        matches!(refused, Err(BoardError::Picture { .. })),
        "{refused:?}"
    );
    fs::write(folder.path().join("mine.png"), png(99)).expect("written");
    folder
        .pick(None, "0", Some("mine.png"))
        .expect("a drawing of one's own");
    assert!(shot(0) == Some(png(99)));
}

#[test]
fn a_shot_that_was_painted_over_stays() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    draw(&folder);
    folder.pick(None, "0", Some("1")).expect("picked");
    let shot = folder.path().join("shot_0.png");
    fs::write(&shot, png(1_234)).expect("painted");
    let board = folder.read().expect("a board").board;
    let notices = folder.sync_shots(&board).expect("synced");
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(fs::read(&shot).expect("there") == png(1_234));
    let shown = folder.shown(&board, 0).expect("looked");
    assert_eq!(
        shown.map(|(image, picked)| (image.to_string(), picked)),
        Some(("shot_0.png".to_owned(), true))
    );
    let (notices, _) = folder.pick(None, "0", Some("2")).expect("picked");
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(fs::read(folder.path().join("shot_0_kept_1.png")).expect("kept") == png(1_234));
    assert!(fs::read(&shot).expect("there") != png(1_234));
}

#[test]
fn of_two_who_saw_the_same_version_the_second_gets_a_conflict() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let seen = folder.read().expect("a board").revision;
    let edit = |text: &str| {
        let change = prompt(text);
        folder.change(Some(&seen), |document| document.change_frame(0, &change))
    };
    let (_, second) = edit("a wolf").expect("changed");
    match edit("a bear") {
        Err(BoardError::Conflict { current }) => assert_eq!(current, second.revision),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        folder.read().expect("a board").board.frames[0].prompt,
        "a wolf"
    );
}

#[test]
fn a_broken_file_is_never_written() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let path = folder.path().join(BOARD_FILE);
    draw(&folder);
    for (broken, line) in [
        ("scene = \n", 1),
        ("scene = 'x'\n[[frames]]\nprompt = 1\n", 3),
    ] {
        fs::write(&path, broken).expect("written");
        let outcomes = [
            folder
                .change(None, |document| document.change_frame(0, &prompt("x")))
                .map(drop),
            folder.adopt().map(drop),
            folder.read().map(drop),
        ];
        for outcome in outcomes {
            match outcome {
                Err(BoardError::Broken { line: found, .. }) => assert_eq!(found, Some(line)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fs::read_to_string(&path).expect("text"), broken);
    }
    fs::write(&path, [b'a', b'\n', 0xff]).expect("written");
    assert!(matches!(
        folder.read(),
        Err(BoardError::Broken { line: Some(2), .. })
    ));
    let create = BoardFolder::create(folder.path(), &NewBoard::default());
    assert!(matches!(create, Err(BoardError::Exists(_))), "{create:?}");
}

#[test]
fn a_folder_that_went_is_not_made_anew() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let board = folder.read().expect("a board").board;
    let wanted = folder.wanted(&board, None).expect("wanted");
    fs::rename(folder.path(), home.path("elsewhere")).expect("moved");
    let stored = folder.store(&wanted[0], Seed(7), &png(7));
    assert!(matches!(stored, Err(BoardError::NoFolder(_))), "{stored:?}");
    assert!(!folder.path().exists());
    assert!(matches!(
        BoardFolder::open(folder.path()),
        Err(BoardError::NoFolder(_))
    ));
    assert!(matches!(
        BoardFolder::open(&home.path("")),
        Err(BoardError::NoBoard(_))
    ));
    // Where it is now, everything goes on.
    let moved = BoardFolder::open(&home.path("elsewhere")).expect("a board");
    assert_eq!(draw(&moved), 2);
}

#[test]
fn a_picture_that_cannot_be_written_changes_nothing() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let board = folder.read().expect("a board").board;
    let wanted = folder.wanted(&board, None).expect("wanted");
    let before = fs::read_to_string(folder.path().join(BOARD_FILE)).expect("text");
    let takes = folder.path().join(TAKES_FOLDER);
    let refused = |folder: &BoardFolder| {
        let stored = folder.store(&wanted[0], Seed(7), &png(7));
        assert!(
            matches!(stored, Err(BoardError::Write { .. })),
            "{stored:?}"
        );
        let after = fs::read_to_string(folder.path().join(BOARD_FILE)).expect("text");
        assert_eq!(after, before);
    };
    fs::write(&takes, "a file where a folder belongs").expect("written");
    refused(&folder);
    fs::remove_file(&takes).expect("removed");
    let name = format!("f0-{}-7.png", wanted[0].batch.asked);
    fs::create_dir_all(takes.join(&name)).expect("a folder where a file belongs");
    refused(&folder);
    assert_eq!(names(&takes), [name], "no half file is left");
    fs::remove_dir_all(&takes).expect("removed");
    assert_eq!(draw(&folder), 2);
}

#[cfg(unix)]
#[test]
fn links_lead_no_picture_out_of_the_folder() {
    use std::os::unix::fs::symlink;

    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    fs::create_dir(home.path("outside")).expect("made");
    symlink(home.path("outside"), folder.path().join(TAKES_FOLDER)).expect("a link");
    let board = folder.read().expect("a board").board;
    let wanted = folder.wanted(&board, None).expect("wanted");
    let stored = folder.store(&wanted[0], Seed(7), &png(7));
    assert!(
        matches!(stored, Err(BoardError::LinkLeaves { .. })),
        "{stored:?}"
    );
    assert!(names(&home.path("outside")).is_empty());
    // Nor does a link in place of the file itself.
    fs::rename(
        folder.path().join(BOARD_FILE),
        home.path("outside/board.toml"),
    )
    .expect("moved");
    symlink(
        home.path("outside/board.toml"),
        folder.path().join(BOARD_FILE),
    )
    .expect("a link");
    assert!(matches!(folder.read(), Err(BoardError::LinkLeaves { .. })));
}

#[test]
fn one_process_draws_a_board_at_a_time() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    let lock = folder.lock_for_drawing().expect("a lock").expect("free");
    if cfg!(unix) {
        assert!(folder.lock_for_drawing().expect("looked").is_none());
    }
    drop(lock);
    assert!(folder.lock_for_drawing().expect("a lock").is_some());
}

#[test]
fn what_a_killed_process_left_half_written_is_removed() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    draw(&folder);
    for left in [
        ".framewright-1-x.part",
        "takes/.framewright-1-y.part",
        ".mine.part",
    ] {
        fs::write(folder.path().join(left), "half").expect("written");
    }
    drop(folder.lock_for_drawing().expect("a lock"));
    assert_eq!(
        names(folder.path()),
        [".mine.part", BOARD_FILE, TAKES_FOLDER]
    );
    assert_eq!(names(&folder.path().join(TAKES_FOLDER)).len(), 2);
}

#[test]
fn many_writers_lose_no_change() {
    let home = Home::new();
    let folder = home.board("b", &["a fox"]);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                for round in 0..5 {
                    let frame = crate::document::NewFrame {
                        prompt: format!("{writer}.{round}"),
                        ..crate::document::NewFrame::default()
                    };
                    folder
                        .change(None, |document| document.add_frame(&frame))
                        .expect("added");
                }
            });
        }
    });
    let board = folder.read().expect("a board").board;
    assert_eq!(board.frames.len(), 21);
    let mut ids: Vec<_> = board.frames.iter().map(|frame| &frame.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 21);
    assert_eq!(names(folder.path()), [BOARD_FILE], "nothing is left behind");
}
