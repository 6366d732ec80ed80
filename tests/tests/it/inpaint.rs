//! A region is drawn anew, and nothing else.

use std::path::Path;

use image::{ImageBuffer, Luma, Rgba};

use crate::harness::{Home, Ran, names, pixels};
use crate::segment::{with_picture, with_segmenter};

/// How far beyond a box of the tests the drawing may reach, pixels.
const REACH: u32 = 24;

fn deep(path: &Path) -> ImageBuffer<Rgba<u16>, Vec<u16>> {
    image::open(path).unwrap().into_rgba16()
}

/// A canvas of 16 bits with a transparent strip on the left.
fn canvas(path: &Path) {
    let pixels = ImageBuffer::from_fn(200, 130, |x, y| {
        let alpha = if x < 10 { 20_000 } else { u16::MAX };
        Rgba([(x * 301) as u16, (y * 407) as u16, 31_000, alpha])
    });
    pixels.save(path).unwrap();
}

#[test]
fn every_pixel_away_from_the_region_is_kept_to_the_last_bit() {
    let home = Home::new();
    canvas(&home.work("canvas.png"));
    let ran = home
        .run(&[
            "--json",
            "inpaint",
            "canvas.png",
            "a fox",
            "--model",
            "tiny",
            "--box",
            "80,40,120,80",
            "-o",
            "out.png",
            "--seed",
            "3",
            "-n",
            "2",
        ])
        .ok();
    assert_eq!(
        names(&home.path("work")),
        [
            "canvas.png",
            "out_0.png",
            "out_1.png",
            "out_contact-sheet.png"
        ]
    );
    let told = ran.json();
    assert_eq!(told["place"]["width"], 200);
    assert_eq!(told["frames"][1]["seed"], 4);
    let before = deep(&home.work("canvas.png"));
    let (one, other) = (deep(&home.work("out_0.png")), deep(&home.work("out_1.png")));
    let mut changed = 0;
    for (x, y, pixel) in before.enumerate_pixels() {
        let near = (80 - REACH..120 + REACH).contains(&x) && (40 - REACH..80 + REACH).contains(&y);
        if near {
            changed += u32::from(pixel != one.get_pixel(x, y));
        } else {
            assert_eq!(pixel, one.get_pixel(x, y), "{x},{y}");
            assert_eq!(pixel, other.get_pixel(x, y), "{x},{y}");
        }
    }
    assert!(changed >= 40 * 40, "{changed} pixels changed");
    assert!(one != other, "candidates differ");
}

#[test]
fn it_is_made_again_bit_for_bit() {
    let home = Home::new();
    canvas(&home.work("canvas.png"));
    let mask = ImageBuffer::from_fn(200, 130, |x, y| {
        Luma([if x > 100 && y > 60 { 255_u8 } else { 0 }])
    });
    mask.save(home.work("mask.png")).unwrap();
    home.run(&[
        "inpaint",
        "canvas.png",
        "a fox",
        "--model",
        "tiny",
        "--mask",
        "mask.png",
        "-o",
        "out.png",
        "--strength",
        "0.7",
        "--fill",
        "noise",
        "--grow",
        "6",
        "--feather",
        "4",
    ])
    .ok();
    // Another daemon, and the files gone: what is needed is stored.
    home.run(&["daemon", "stop"]).ok();
    std::fs::remove_file(home.work("canvas.png")).unwrap();
    std::fs::remove_file(home.work("mask.png")).unwrap();
    let ran = home.run(&["again", "out.png", "-o", "second.png"]).ok();
    assert_eq!(ran.out, "identical\nsecond.png\n");
    assert!(deep(&home.work("out.png")) == deep(&home.work("second.png")));
}

#[test]
fn a_picture_is_extended() {
    let home = Home::new();
    canvas(&home.work("canvas.png"));
    home.run(&[
        "inpaint",
        "canvas.png",
        "a wood",
        "--model",
        "tiny",
        "--extend",
        "0,60,0,20",
        "-o",
        "wide.png",
    ])
    .ok();
    let (before, wide) = (deep(&home.work("canvas.png")), deep(&home.work("wide.png")));
    assert_eq!(wide.dimensions(), (260, 150));
    for (x, y) in [(0, 0), (50, 60), (200 - REACH - 40, 20)] {
        assert_eq!(wide.get_pixel(x, y), before.get_pixel(x, y), "{x},{y}");
    }
    assert_eq!(
        wide.get_pixel(259, 149).0[3],
        u16::MAX,
        "what is new is opaque"
    );
}

#[test]
fn a_layer_is_transparent_where_the_picture_stays() {
    let home = Home::new();
    canvas(&home.work("canvas.png"));
    let told = home
        .run(&[
            "--json",
            "inpaint",
            "canvas.png",
            "a fox",
            "--model",
            "tiny",
            "--box",
            "80,40,120,80",
            "--layer",
            "-o",
            "layer.png",
        ])
        .ok()
        .json();
    let layer = deep(&home.work("layer.png"));
    let place = &told["place"];
    assert_eq!(place, &told["context"]);
    assert_eq!(place["width"], layer.width());
    let alpha = |x: u64, y: u64| {
        let x = (x - place["x"].as_u64().unwrap()) as u32;
        layer
            .get_pixel(x, (y - place["y"].as_u64().unwrap()) as u32)
            .0[3]
    };
    assert_eq!(alpha(100, 60), u16::MAX);
    assert_eq!(layer.get_pixel(0, 0).0[3], 0);
}

#[test]
fn a_region_that_makes_no_sense_is_told() {
    let home = Home::new();
    canvas(&home.work("canvas.png"));
    let small = ImageBuffer::from_pixel(20, 20, Luma([255_u8]));
    small.save(home.work("small.png")).unwrap();
    let black = ImageBuffer::from_pixel(200, 130, Luma([0_u8]));
    black.save(home.work("black.png")).unwrap();
    let run = |arguments: &[&str]| {
        let mut all = vec![
            "inpaint",
            "canvas.png",
            "a fox",
            "--model",
            "tiny",
            "-o",
            "x.png",
        ];
        all.extend(arguments);
        let ran = home.run(&all);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        ran.err
    };
    assert!(run(&["--mask", "small.png"]).contains("200x130"));
    assert!(run(&["--mask", "black.png"]).contains("nothing is selected"));
    assert!(run(&["--box", "300,300,400,400"]).contains("nothing is selected"));
    assert!(run(&["--box", "1,2,3"]).contains("four whole numbers"));
    assert!(run(&["--box", "1,2,30,40", "--strength", "0"]).contains("strength"));
    assert!(run(&[]).contains("--mask"));
    assert!(!home.work("x.png").exists());
    // One pixel is drawn, and advised against.
    let ran = home
        .run(&[
            "inpaint",
            "canvas.png",
            "a fox",
            "--model",
            "tiny",
            "-o",
            "x.png",
            "--box",
            "50,50,51,51",
        ])
        .ok();
    assert!(ran.err.contains("--grow"), "{}", ran.err);
}

#[test]
fn a_click_selects_what_is_drawn() {
    let home = Home::new();
    with_picture(&home);
    let inpaint = |how: &[&str], out: &str| {
        let start = ["inpaint", "frame.png", "a fox", "--model", "tiny"];
        home.run(&[&start[..], &["--seed", "3", "-o", out], how].concat())
    };
    // The embedded segmenter serves where none is named.
    inpaint(&["--point", "35,30"], "embedded.png").ok();

    with_segmenter(&home, "small", "segment-vit");
    let points = ["--point", "35,30", "--point", "5,5:-"];
    home.run(&[&["segment", "frame.png"][..], &points].concat())
        .ok();
    for choice in ["1", "3"] {
        let clicked = [&points[..], &["--choice", choice, "--segmenter", "small"]].concat();
        let ran = inpaint(&clicked, "clicked.png").ok();
        assert!(ran.err.contains("mask 3: score"), "{}", ran.err);
        let mask = format!("masks/frame_mask-{choice}.png");
        inpaint(&["--mask", &mask], "masked.png").ok();
        let (one, other) = (
            deep(&home.work("clicked.png")),
            deep(&home.work("masked.png")),
        );
        assert!(one == other, "mask {choice} is what is drawn");
    }

    let ran = inpaint(&["--point", "35,30", "--box", "1,1,9,9"], "none.png");
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    let ran = inpaint(&["--point", "900,30"], "none.png");
    assert_ne!(ran.code, Some(0));
    assert!(!home.work("none.png").exists());
}

#[test]
fn a_character_takes_the_place_of_who_is_there() {
    let home = Home::new();
    let frame = "medium shot picture of two people, kaitoyosuke man is on the left waving, \
                 petkotomov man is on the right holding a cup, in a park, low light";
    let small = ["--model", "tiny", "--no-activate"];
    home.run(&[&["generate", frame, "-o", "frame.png"][..], &small].concat())
        .ok();
    let replace = |more: &[&str]| {
        let start = ["--json", "inpaint", "frame.png", "-o", "out.png"];
        let who = ["--character", "jiyeonmun"];
        home.run(&[&start[..], &who, &small, more].concat())
    };
    let prompt_of = |ran: &Ran| {
        let job = ran.json()["job"].as_str().unwrap().to_owned();
        let shown = home.run(&["--json", "job", "show", &job]).ok().json();
        shown["request"]["frame"]["prompt"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // By the picture's own account, and by what is selected of it.
    let width = pixels(&home.work("frame.png")).width();
    let right = format!("{},8,{},40", width / 2 + 4, width - 4);
    let ran = replace(&["--box", &right]).ok();
    let end = "in a park, low light";
    assert_eq!(
        prompt_of(&ran),
        format!("medium shot picture of jiyeonmun woman holding a cup, {end}")
    );
    assert!(ran.err.contains("in the place of petkotomov man"));
    let left = format!("4,8,{},40", width / 2 - 4);
    let ran = replace(&["--box", &left]).ok();
    assert_eq!(
        prompt_of(&ran),
        format!("medium shot picture of jiyeonmun woman waving, {end}")
    );
    let mask = ImageBuffer::from_fn(width, pixels(&home.work("frame.png")).height(), |x, _| {
        Luma([if x > width * 2 / 3 { 255_u8 } else { 0 }])
    });
    mask.save(home.work("mask.png")).unwrap();
    let ran = replace(&["--mask", "mask.png"]).ok();
    assert!(prompt_of(&ran).contains("jiyeonmun woman holding a cup"));
    // By what is said of it.
    let ran = replace(&["close up of a man reading, night light", "--box", &left]).ok();
    assert_eq!(
        prompt_of(&ran),
        "close up of jiyeonmun woman reading, night light"
    );

    with_picture(&home);
    let ran = replace(&["--box", "4,8,30,40"]);
    assert_ne!(ran.code, Some(0));
    assert!(ran.err.contains("give the prompt"), "{}", ran.err);
    let ran = home.run(&[
        "inpaint",
        "frame.png",
        "a man",
        "--character",
        "nobody",
        "--box",
        "4,8,30,40",
        "-o",
        "none.png",
    ]);
    assert!(ran.err.contains("nobody"), "{}", ran.err);
    assert!(ran.err.contains("character list"), "{}", ran.err);
    assert!(!home.work("none.png").exists());
}
