//! A prompt in, frames out.

use image::{Rgb, RgbImage};

use crate::harness::{Home, names, pixels};

#[test]
fn a_prompt_becomes_a_frame() {
    let home = Home::new();
    let ran = home
        .run(&[
            "generate",
            "close up of a fox",
            "--model",
            "tiny",
            "-o",
            "frame.png",
            "--seed",
            "7",
        ])
        .ok();
    assert_eq!(ran.out, "frame.png  seed 7\n");
    assert_eq!(ran.err, "", "no progress where nobody watches");
    assert_eq!(pixels(&home.work("frame.png")).dimensions(), (64, 64));
    let bytes = std::fs::read(home.work("frame.png")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("close up of a fox"),
        "the PNG tells its prompt"
    );
    assert_eq!(
        names(&home.path("work")),
        ["frame.png"],
        "nothing is left over"
    );
}

#[test]
fn the_same_request_makes_the_same_frame() {
    let home = Home::new();
    for (name, seed) in [("one.png", "5"), ("two.png", "5"), ("other.png", "6")] {
        home.run(&[
            "generate", "a fox", "--model", "tiny", "-o", name, "--seed", seed,
        ])
        .ok();
    }
    let [one, two, other] =
        ["one.png", "two.png", "other.png"].map(|name| pixels(&home.work(name)));
    assert!(one == two, "the same seed");
    assert!(one != other, "another seed");
}

#[test]
fn candidates_are_numbered_and_laid_out_on_a_contact_sheet() {
    let home = Home::new();
    let ran = home
        .run(&[
            "--json", "generate", "a fox", "--model", "tiny", "-o", "out.png", "-n", "3", "--seed",
            "40",
        ])
        .ok();
    assert_eq!(
        names(&home.path("work")),
        [
            "out_0.png",
            "out_1.png",
            "out_2.png",
            "out_contact-sheet.png"
        ]
    );
    let told = ran.json();
    assert_eq!(told["frames"][2]["path"], "out_2.png");
    assert_eq!(told["frames"][2]["seed"], 42);
    assert_eq!(told["contact_sheet"], "out_contact-sheet.png");
    let sheet = pixels(&home.work("out_contact-sheet.png"));
    for (name, x, y) in [
        ("out_0.png", 8, 8),
        ("out_1.png", 80, 8),
        ("out_2.png", 8, 80),
    ] {
        let frame = pixels(&home.work(name));
        let place = image::imageops::crop_imm(&sheet, x, y, 64, 64).to_image();
        assert!(place == frame, "{name} is on the sheet");
    }
    home.run(&[
        "generate",
        "a fox",
        "--model",
        "tiny",
        "-o",
        "alone.png",
        "--seed",
        "42",
    ])
    .ok();
    assert!(
        pixels(&home.work("alone.png")) == pixels(&home.work("out_2.png")),
        "candidate 2 is the frame of seed + 2"
    );
}

#[test]
fn without_a_name_nothing_is_overwritten() {
    let home = Home::new();
    for _ in 0..2 {
        home.run(&["generate", "a fox", "--model", "tiny"]).ok();
    }
    assert_eq!(names(&home.path("work")), ["frame-2.png", "frame.png"]);
}

#[test]
fn a_frame_starts_from_a_picture() {
    let home = Home::new();
    let picture = RgbImage::from_fn(61, 68, |x, y| Rgb([x as u8 * 4, y as u8 * 3, 90]));
    picture.save(home.work("start.png")).unwrap();
    let ran = home
        .run(&[
            "generate",
            "a fox",
            "--model",
            "tiny",
            "--image",
            "start.png",
            "--strength",
            "0.5",
            "-o",
            "frame.png",
            "--seed",
            "1",
            "--steps",
            "4",
        ])
        .ok();
    let made = pixels(&home.work("frame.png")).dimensions();
    assert_ne!(made, (61, 68), "no size that the model makes");
    assert!(
        ran.err.contains(&format!("{}x{}", made.0, made.1)),
        "{}",
        ran.err
    );
}

#[test]
fn a_frame_is_laid_out_small_and_drawn_over() {
    let home = Home::new();
    let draw = |name, more: &[&str]| {
        let arguments = [
            "generate", "a fox", "--model", "tiny", "--seed", "1", "-o", name,
        ];
        home.run(&[&arguments, more].concat()).ok()
    };
    draw("small.png", &[]);
    let size = ["--width", "128", "--height", "128"];
    let from = ["--image", "small.png", "--strength", "0.5"];
    draw("by-hand.png", &[&size[..], &from].concat());
    draw("in-two.png", &["--hires"]);
    let in_two = pixels(&home.work("in-two.png"));
    assert_eq!(in_two.dimensions(), (128, 128));
    assert!(in_two == pixels(&home.work("by-hand.png")));
    draw("stronger.png", &["--hires=2", "--hires-strength", "0.9"]);
    assert!(in_two != pixels(&home.work("stronger.png")));
    draw("smaller.png", &["--hires=1.5", "--width", "96"]);
    assert_eq!(pixels(&home.work("smaller.png")).dimensions(), (96, 96));
    for name in ["in-two.png", "stronger.png", "smaller.png"] {
        assert_eq!(home.run(&["again", name]).ok().out, "identical\n");
    }
}

#[test]
fn two_clients_at_once_both_get_their_frames() {
    let home = Home::new();
    let running: Vec<_> = ["1", "2", "3", "4"]
        .map(|seed| {
            let name = format!("{seed}.png");
            home.spawn(&[
                "generate", "a fox", "--model", "tiny", "-o", &name, "--seed", seed,
            ])
        })
        .into();
    for running in running {
        running.end().ok();
    }
    assert_eq!(
        names(&home.path("work")),
        ["1.png", "2.png", "3.png", "4.png"]
    );
    home.run(&[
        "generate",
        "a fox",
        "--model",
        "tiny",
        "-o",
        "alone.png",
        "--seed",
        "3",
    ])
    .ok();
    assert!(pixels(&home.work("alone.png")) == pixels(&home.work("3.png")));
}

#[test]
fn every_setting_has_an_effect() {
    let home = Home::new();
    let base = [
        "generate",
        "a red (fox:1.1), snow",
        "--model",
        "tiny",
        "--seed",
        "1",
        "--steps",
        "4",
    ];
    home.run(&[&base[..], &["-o", "base.png"]].concat()).ok();
    let plain = pixels(&home.work("base.png"));
    for setting in [
        ["--negative", "blue"],
        ["--guidance", "2"],
        ["--rescale", "0.7"],
        ["--sampler", "euler"],
        ["--clip-skip", "1"],
        ["--steps", "5"],
    ] {
        let mut arguments = base.to_vec();
        if setting[0] == "--steps" {
            arguments.truncate(6);
        }
        arguments.extend(setting);
        arguments.extend(["-o", "changed.png"]);
        home.run(&arguments).ok();
        assert!(pixels(&home.work("changed.png")) != plain, "{setting:?}");
    }
    home.run(
        &[
            &base[..],
            &["--width", "80", "--height", "72", "-o", "wide.png"],
        ]
        .concat(),
    )
    .ok();
    assert_eq!(pixels(&home.work("wide.png")).dimensions(), (80, 72));
}

#[test]
fn the_embedded_model_draws_with_no_file_at_hand() {
    let home = Home::new();
    std::fs::remove_dir_all(home.path("data")).unwrap();
    let prompt = "medium shot picture of a woman in a red top, in a dusty library, soft daylight";
    home.run(&[
        "generate",
        prompt,
        "-o",
        "frame.png",
        "--steps",
        "2",
        "--seed",
        "1",
    ])
    .ok();
    let frame = pixels(&home.work("frame.png"));
    let shades: std::collections::BTreeSet<_> = frame.pixels().map(|pixel| pixel.0).collect();
    assert!(shades.len() > 100, "a picture, not a plain colour");
    let told = home.run(&["--json", "daemon", "status"]).ok().json();
    assert_eq!(told["model"], "sketch");
    assert_eq!(home.run(&["again", "frame.png"]).ok().out, "identical\n");
    let tokens = home
        .run(&["--json", "prompt", "tokens", prompt])
        .ok()
        .json();
    assert!(tokens["count"].as_u64().unwrap() >= 14, "{tokens}");
    let report = home
        .run(&["--json", "model", "inspect", "sketch"])
        .ok()
        .json();
    assert_eq!(report["report"]["unused_keys"], serde_json::json!([]));
}
