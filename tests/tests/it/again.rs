//! A frame is made again, bit for bit, or what differs is named.

use std::path::Path;

use crate::harness::{Home, pixels, tiny_model};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_frame_is_made_again_with_the_same_pixels() {
    let home = Home::new();
    home.run(&[
        "generate",
        "a (red:1.2) fox",
        "--model",
        "tiny",
        "-o",
        "frame.png",
        "--sampler",
        "euler-ancestral",
        "--guidance",
        "6.3",
        "--rescale",
        "0.3",
        "--negative",
        "blurry",
    ])
    .ok();
    // Another daemon: nothing may depend on what it did before.
    home.run(&["daemon", "stop"]).ok();
    let ran = home.run(&["again", "frame.png", "-o", "second.png"]).ok();
    assert_eq!(ran.out, "identical\nsecond.png\n");
    assert!(pixels(&home.work("frame.png")) == pixels(&home.work("second.png")));
    let told = home.run(&["--json", "again", "second.png"]).ok().json();
    assert_eq!(told["identical"], true);
    assert_eq!(told["differences"], serde_json::json!([]));
}

#[test]
fn a_changed_model_is_named() {
    let home = Home::new();
    copy(&tiny_model(), &home.path("data/models/mine"));
    let arguments = [
        "generate",
        "a fox",
        "--model",
        "mine",
        "-o",
        "frame.png",
        "--width",
        "64",
        "--height",
        "64",
    ];
    home.run(&arguments).ok();
    let weights = home.path("data/models/mine/vae/diffusion_pytorch_model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    // The sign of the last numbers; the daemon that has the file open must not
    // see it change under its hands.
    let length = bytes.len();
    for byte in bytes[length - 400..].iter_mut().skip(3).step_by(4) {
        *byte ^= 0x80;
    }
    // Whole at once: a file that is still being written is not used.
    let whole = home.path("whole.safetensors");
    std::fs::write(&whole, bytes).unwrap();
    std::fs::rename(&whole, &weights).unwrap();
    let ran = home.run(&["again", "frame.png"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.out.contains("the model's weights"), "{}", ran.out);
    assert!(
        !ran.out.contains("seed"),
        "only what differs is named: {}",
        ran.out
    );
}

#[test]
fn a_frame_from_a_picture_needs_that_picture() {
    let home = Home::new();
    let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 90]));
    picture.save(home.work("start.png")).unwrap();
    home.run(&[
        "generate",
        "a fox",
        "--model",
        "tiny",
        "--image",
        "start.png",
        "-o",
        "frame.png",
        "--strength",
        "0.7",
        "--steps",
        "4",
    ])
    .ok();
    let ran = home.run(&["again", "frame.png"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.contains("picture that it started from"),
        "{}",
        ran.err
    );
    let ran = home
        .run(&["again", "frame.png", "--image", "start.png"])
        .ok();
    assert_eq!(ran.out, "identical\n");
}

#[test]
fn a_picture_of_another_program_is_refused() {
    let home = Home::new();
    image::RgbImage::new(8, 8)
        .save(home.work("photo.png"))
        .unwrap();
    let ran = home.run(&["again", "photo.png"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.err.contains("does not say how it was made"),
        "{}",
        ran.err
    );
}
