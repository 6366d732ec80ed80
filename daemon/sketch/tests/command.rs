//! The command line, as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_framewright-sketch"))
        .args(arguments)
        .output()
        .expect("the command starts")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_training_set_has_the_sizes_that_its_description_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("set");
    let path = out.to_str().expect("a plain path");
    let done = run(&[
        "dataset",
        "--seed",
        "3",
        "--count",
        "9",
        "--size",
        "32",
        "--captions",
        "4",
        "--out",
        path,
    ]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let meta: Value = serde_json::from_str(&text(&out.join("meta.json"))).expect("JSON");
    assert_eq!(meta["version"], 1);
    assert_eq!((&meta["seed"], &meta["count"]), (&3.into(), &9.into()));
    assert_eq!((&meta["size"], &meta["captions"]), (&32.into(), &4.into()));
    let images = fs::read(out.join("images.u8")).expect("images");
    let ids = fs::read(out.join("ids.u8")).expect("ids");
    assert_eq!((images.len(), ids.len()), (9 * 32 * 32 * 3, 9 * 32 * 32));
    let scenes = text(&out.join("scenes.jsonl"));
    assert_eq!(scenes.lines().count(), 9);
    for (i, line) in scenes.lines().enumerate() {
        let scene: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(scene["captions"].as_array().map(Vec::len), Some(4));
        assert!(
            scene["caption"]
                .as_str()
                .is_some_and(|words| !words.is_empty())
        );
        for key in [
            "seed", "shot", "setting", "light", "rain", "people", "props",
        ] {
            assert!(!scene[key].is_null(), "{key} is missing in {line}");
        }
        // The counts are those of this very frame's ids.
        let ids = &ids[i * 1024..(i + 1) * 1024];
        for (p, person) in scene["people"].as_array().into_iter().flatten().enumerate() {
            let tops = ids
                .iter()
                .filter(|id| usize::from(**id) == 1 + p * 16 + 2)
                .count();
            assert_eq!(person["visible"]["top"], tops, "{line}");
            for key in [
                "class",
                "skin",
                "hair",
                "hair_length",
                "top",
                "trousers",
                "glasses",
                "hat",
            ] {
                assert!(!person[key].is_null(), "{key} is missing in {line}");
            }
        }
    }

    // The same seed again, in one thread, makes the same bytes.
    let again = folder.path().join("again");
    let path = again.to_str().expect("a plain path");
    let done = run(&[
        "dataset",
        "--seed",
        "3",
        "--count",
        "9",
        "--size",
        "32",
        "--captions",
        "4",
        "--threads",
        "1",
        "--out",
        path,
    ]);
    assert!(done.status.success());
    assert!(images == fs::read(again.join("images.u8")).expect("images"));
    assert!(scenes == text(&again.join("scenes.jsonl")));
}

#[test]
fn single_means_one_person_in_every_frame() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("a plain path");
    let done = run(&[
        "dataset", "--count", "24", "--size", "16", "--kind", "single", "--out", path,
    ]);
    assert!(done.status.success());
    for line in text(&folder.path().join("scenes.jsonl")).lines() {
        let scene: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(scene["people"].as_array().map(Vec::len), Some(1));
        assert_ne!(scene["shot"], "detail-shot");
    }
}

#[test]
fn a_rendered_frame_comes_with_caption_annotations_and_masks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("a plain path");
    let done = run(&[
        "render",
        "--seed",
        "5",
        "--count",
        "2",
        "--size",
        "48",
        "--shot",
        "full-shot",
        "--setting",
        "park",
        "--light",
        "night light",
        "--people",
        "1",
        "--out",
        path,
    ]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    for i in 0..2 {
        let name = format!("{i:04}");
        let picture = fs::File::open(folder.path().join(format!("{name}.png"))).expect("a picture");
        let reader = png::Decoder::new(std::io::BufReader::new(picture))
            .read_info()
            .expect("PNG");
        assert_eq!((reader.info().width, reader.info().height), (48, 48));
        let caption = text(&folder.path().join(format!("{name}.txt")));
        assert!(
            caption.contains("in a park") && caption.contains("night light"),
            "{caption}"
        );
        let record: Value =
            serde_json::from_str(&text(&folder.path().join(format!("{name}.json")))).expect("JSON");
        assert_eq!(record["shot"], "full-shot");
        for part in ["", "-hair", "-top", "-trousers"] {
            let mask = folder
                .path()
                .join(format!("masks/{name}-person-0{part}.png"));
            assert!(mask.exists(), "{} is missing", mask.display());
        }
    }
}

#[test]
fn errors_say_what_was_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    let below = file.join("set");
    let done = run(&["render", "--out", below.to_str().expect("a plain path")]);
    let message = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success());
    assert!(
        message.contains("cannot make the folder") && message.contains("--out"),
        "{message}"
    );

    let done = run(&["render", "--size", "9", "--out", "x"]);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("16..=4096"));

    let done = run(&["sheet", "--setting", "moon", "--out", "x.png"]);
    let message = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success());
    assert!(
        message.contains("\"moon\"") && message.contains("dusty library"),
        "{message}"
    );
}
