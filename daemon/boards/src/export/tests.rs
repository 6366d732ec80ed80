use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::document::FrameChange;
use crate::testing::{Home, draw};

/// Three frames: one picked, one only drawn, one neither.
fn board(home: &Home) -> BoardFolder {
    let folder = home.board(
        "the letter & <more>",
        &["a \"fox\" <b>&amp;</b> Ω", "a wolf"],
    );
    draw(&folder);
    folder.pick(None, "0", Some("2")).expect("picked");
    let change = |place: usize, duration: f64| {
        let change = FrameChange {
            duration: Some(duration),
            note: Some("KAITO: “Here!”\nHe runs.".to_owned()),
            ..FrameChange::default()
        };
        folder
            .change(None, |document| document.change_frame(place, &change))
            .expect("changed");
    };
    change(0, 1.5);
    let last = crate::document::NewFrame {
        prompt: "not drawn".to_owned(),
        ..crate::document::NewFrame::default()
    };
    folder
        .change(None, |document| document.add_frame(&last))
        .expect("added");
    folder
}

fn exported(folder: &BoardFolder, format: Export, output: &Path) -> Exported {
    let board = folder.read().expect("a board").board;
    export(folder, &board, format, output).expect("exported")
}

#[test]
fn a_timeline_names_its_media_from_where_it_lies() {
    let home = Home::new();
    let folder = board(&home);
    fs::create_dir(home.path("cuts")).expect("made");
    for (output, media) in [
        (folder.path().join("cut.otio"), "shot_0.png"),
        (
            home.path("cuts/cut.otio"),
            "../the%20letter%20%26%20%3Cmore%3E/shot_0.png",
        ),
    ] {
        let made = exported(&folder, Export::Otio, &output);
        assert_eq!(made.files, std::slice::from_ref(&output));
        assert_eq!(made.notices.len(), 2, "{:?}", made.notices);
        let text = fs::read_to_string(&output).expect("text");
        let otio: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(otio["OTIO_SCHEMA"], "Timeline.1");
        let track = &otio["tracks"]["children"][0];
        assert_eq!(
            (&track["OTIO_SCHEMA"], &track["kind"]),
            (&"Track.1".into(), &"Video".into())
        );
        let clips = track["children"].as_array().expect("clips");
        let schemas: Vec<_> = clips.iter().map(|clip| &clip["OTIO_SCHEMA"]).collect();
        assert_eq!(schemas, ["Clip.1", "Clip.1", "Gap.1"]);
        assert_eq!(clips[0]["media_reference"]["target_url"], media);
        let duration = &clips[0]["source_range"]["duration"];
        assert_eq!(
            (&duration["value"], &duration["rate"]),
            (&36.0.into(), &24.0.into())
        );
        assert_eq!(
            clips[0]["metadata"]["framewright"]["prompt"],
            "a \"fox\" <b>&amp;</b> Ω"
        );
        let marker = &clips[0]["markers"][0];
        assert_eq!(marker["metadata"]["framewright"]["shot"], "close-up");
        assert_eq!(marker["comment"], "KAITO: “Here!” He runs.");
        assert_eq!(clips[0]["metadata"]["framewright"]["picked"], true);
        assert_eq!(clips[1]["metadata"]["framewright"]["picked"], false);
    }
}

#[test]
fn an_edit_list_is_what_cmx_3600_says() {
    let home = Home::new();
    let folder = board(&home);
    let output = home.path("cut.edl");
    exported(&folder, Export::Edl, &output);
    let text = fs::read_to_string(&output).expect("text");
    let board = folder.read().expect("a board").board;
    let take = board.takes(&board.frames[1])[0].image.to_string();
    let name = take.trim_start_matches("takes/");
    let expected = format!(
        "TITLE: KAITO FINDS A LETTER ? ? ????? ??????? ??? ??????\r\n\
         FCM: NON-DROP FRAME\r\n\r\n\
         001  SHOT000  V     C        00:00:00:00 00:00:01:12 01:00:00:00 01:00:01:12\r\n\
         * FROM CLIP NAME: shot_0.png\r\n\
         * SOURCE FILE: shot_0.png\r\n\
         * COMMENT: SHOT 0 close-up\r\n\
         * COMMENT: PROMPT a \"fox\" <b>&amp;</b> ?\r\n\
         * COMMENT: NOTE KAITO: ?Here!? He runs.\r\n\
         002  SHOT001  V     C        00:00:00:00 00:00:02:00 01:00:01:12 01:00:03:12\r\n\
         * FROM CLIP NAME: {name}\r\n\
         * SOURCE FILE: {take}\r\n\
         * COMMENT: SHOT 1 close-up\r\n\
         * COMMENT: PROMPT a wolf\r\n\
         003  BL       V     C        00:00:00:00 00:00:02:00 01:00:03:12 01:00:05:12\r\n\
         * COMMENT: SHOT 2 \r\n\
         * COMMENT: PROMPT not drawn\r\n"
    );
    assert_eq!(text, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn edits_follow_one_another_at_any_rate(
        rate in prop_oneof![Just(24.0), Just(25.0), Just(30.0), Just(29.97), Just(23.976)],
        durations in proptest::collection::vec(0.01_f64..90.0, 1..20),
    ) {
        let rate = crate::FrameRate::new(rate).expect("a rate");
        let mut start = 0;
        let clips = durations.iter().enumerate().map(|(place, seconds)| {
            let clip = Clip {
                place, id: String::new(), shot: String::new(), prompt: String::new(),
                note: String::new(), image: None, picked: false, start, frames: rate.frames(*seconds),
            };
            start += clip.frames;
            clip
        }).collect();
        let timeline = Timeline { name: String::new(), scene: String::new(), rate, clips };
        let text = edl::write(&timeline).expect("a list");
        let frames = |code: &str| {
            let parts: Vec<u64> = code.split(':').map(|part| part.parse().expect("digits")).collect();
            (parts[0] * 3_600 + parts[1] * 60 + parts[2]) * rate.nominal() + parts[3]
        };
        let mut at = 3_600 * rate.nominal();
        for line in text.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_digit())) {
            let codes: Vec<u64> = line.split_whitespace().skip(4).map(frames).collect();
            prop_assert_eq!(codes[2], at, "{}", line);
            prop_assert_eq!(codes[3] - codes[2], codes[1] - codes[0]);
            prop_assert!(codes[3] > codes[2]);
            at = codes[3];
        }
        prop_assert_eq!(at, 3_600 * rate.nominal() + timeline.frames());
    }

    #[test]
    fn a_page_escapes_everything(text in "[<>&\"'a-zЖ\\x00-\\x1f]{0,40}") {
        let clip = Clip {
            place: 0, id: String::new(), shot: text.clone(), prompt: text.clone(), note: text.clone(),
            image: None, picked: false, start: 0, frames: 24,
        };
        let plain = Clip { shot: String::new(), prompt: String::new(), note: "x".to_owned(), ..clip.clone() };
        let page = |clip: Clip, scene: &str| html::page(&Timeline {
            name: String::new(), scene: scene.to_owned(), rate: crate::FrameRate::default(), clips: vec![clip],
        }, &[Some("shot_0.png".to_owned())]);
        let (wild, tame) = (page(clip, &text), page(plain, "x"));
        // No tag and no quote more than a page of plain words has.
        let has_note = !text.is_empty();
        for mark in ['<', '>', '"'] {
            let count = |page: &str| page.matches(mark).count();
            let less = if has_note { 0 } else { count("<p class=\"note\"></p>") };
            prop_assert_eq!(count(&wild), count(&tame) - less, "{}", mark);
        }
        prop_assert!(!wild.chars().any(|letter| letter.is_control() && letter != '\n'));
    }
}

#[test]
fn a_page_opens_beside_its_pictures() {
    let home = Home::new();
    let folder = board(&home);
    let at_home = folder.path().join("index.html");
    assert_eq!(
        exported(&folder, Export::Html, &at_home).files,
        std::slice::from_ref(&at_home)
    );
    let page = fs::read_to_string(&at_home).expect("a page");
    assert!(page.contains("<img src=\"shot_0.png\" alt=\"a &quot;fox&quot; &lt;b&gt;&amp;amp;"));
    assert!(page.contains("not drawn yet") && page.contains("00:00:01:12"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
    let away = home.path("share it.html");
    let made = exported(&folder, Export::Html, &away);
    assert_eq!(made.files.len(), 3);
    let page = fs::read_to_string(&away).expect("a page");
    assert!(page.contains("<img src=\"share%20it_pictures/shot_0.png\""));
    let copy = fs::read(home.path("share it_pictures/shot_0.png")).expect("a copy");
    assert!(copy == fs::read(folder.path().join("shot_0.png")).expect("a shot"));
}

#[test]
fn a_sequence_has_every_frame_of_the_moving_picture() {
    let home = Home::new();
    let folder = board(&home);
    let output = home.path("sequence");
    exported(&folder, Export::Sequence(Every::Frame), &output);
    let count = fs::read_dir(&output).expect("a folder").count();
    assert_eq!(count, 36 + 48 + 48);
    let file =
        |number: u32| fs::read(output.join(format!("frame_{number:05}.png"))).expect("a file");
    let shot = fs::read(folder.path().join("shot_0.png")).expect("a shot");
    assert!(file(0) == shot && file(35) == shot && file(36) != shot);
    let black = image::load_from_memory(&file(131))
        .expect("a picture")
        .into_rgb8();
    assert_eq!(black.dimensions(), (64, 48));
    assert!(black.pixels().all(|pixel| pixel.0 == [0; 3]));
    // What is there is never mixed with what was.
    let again = folder.read().expect("a board").board;
    let refused = export(&folder, &again, Export::Sequence(Every::Shot), &output);
    assert!(matches!(refused, Err(BoardError::Export(_))), "{refused:?}");
    let stills = home.path("stills");
    exported(&folder, Export::Sequence(Every::Shot), &stills);
    assert!(fs::read(stills.join("shot_000.png")).expect("a file") == shot);
    assert_eq!(fs::read_dir(&stills).expect("a folder").count(), 3);
    let left = fs::read_dir(home.path("")).expect("a folder").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_no_file_can_hold_is_refused() {
    let home = Home::new();
    let empty = home.board("empty", &[]);
    let board = empty.read().expect("a board").board;
    for format in [
        Export::Otio,
        Export::Edl,
        Export::Html,
        Export::Sequence(Every::Frame),
    ] {
        let refused = export(&empty, &board, format, &home.path("out"));
        assert!(matches!(refused, Err(BoardError::Export(_))), "{refused:?}");
    }
    let folder = self::board(&home);
    let mut long = folder.read().expect("a board").board;
    long.duration = 3_600.0;
    long.frames = vec![long.frames[1].clone(); 30];
    for format in [Export::Edl, Export::Sequence(Every::Frame)] {
        let refused = export(&folder, &long, format, &home.path("out"));
        assert!(matches!(refused, Err(BoardError::Export(_))), "{refused:?}");
    }
    assert!(!home.path("out").exists());
    let nowhere = home.path("missing/cut.otio");
    let refused = export(&folder, &long, Export::Otio, &nowhere);
    assert!(
        matches!(refused, Err(BoardError::Write { .. })),
        "{refused:?}"
    );
}
