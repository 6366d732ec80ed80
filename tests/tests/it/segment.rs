//! Masks, by the command and by the protocol.

use std::path::Path;

use framewright_protocol::{
    ErrorCode, MaskBox, MaskBoxParams, MaskOperation, MaskPoint, MaskPolygon, MaskPolygonParams,
    MaskRect, MaskRefine, MaskRefineParams, MaskResult, MaskSegment, MaskSegmentParams, Picture,
    PictureFormat,
};
use image::{GrayImage, Rgb, RgbImage};

use crate::harness::{Home, names, pixels};

/// Puts a segmenter of random weights into the home.
pub fn with_segmenter(home: &Home, name: &str, golden: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden/data")
        .join(golden);
    let to = home.path(&format!("data/segmenters/{name}"));
    std::fs::create_dir_all(&to).unwrap();
    for file in ["model.safetensors", "config.json"] {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}

/// A picture with a bright square, in the working directory.
pub fn with_picture(home: &Home) -> RgbImage {
    let picture = RgbImage::from_fn(90, 60, |x, y| {
        if (20..50).contains(&x) && (15..45).contains(&y) {
            Rgb([230, 200, 40])
        } else {
            Rgb([20, (x * 2) as u8, 60])
        }
    });
    picture.save(home.work("frame.png")).unwrap();
    picture
}

fn png(picture: &RgbImage) -> Picture {
    let mut file = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    Picture {
        format: PictureFormat::Png,
        width: picture.width(),
        height: picture.height(),
        data: file.into_inner().into(),
        blob: None,
    }
}

pub fn grey(picture: &Picture) -> GrayImage {
    assert_eq!(picture.format, PictureFormat::Png);
    let decoded = image::load_from_memory(&picture.data).unwrap();
    assert_eq!(decoded.color(), image::ColorType::L8);
    decoded.into_luma8()
}

#[test]
fn a_click_gives_masks_to_choose_from() {
    let home = Home::new();
    with_picture(&home);
    with_segmenter(&home, "small", "segment-vit");
    let arguments = [
        "segment",
        "frame.png",
        "--point",
        "35,30",
        "--point",
        "5,5:-",
    ];
    let ran = home
        .run(&[&["--json"][..], &arguments, &["-o", "masks"]].concat())
        .ok()
        .json();
    assert_eq!(ran["model"], "small");
    assert_eq!(ran["cached"], false);
    let candidates = ran["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 3);
    let scores: Vec<f64> = candidates
        .iter()
        .map(|candidate| candidate["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
    assert_eq!(
        names(&home.work("masks")),
        [
            "frame_choices.png",
            "frame_mask-1.png",
            "frame_mask-2.png",
            "frame_mask-3.png"
        ]
    );
    for (number, candidate) in (1..).zip(candidates) {
        let mask = pixels(&home.work(&format!("masks/frame_mask-{number}.png")));
        assert_eq!(mask.dimensions(), (90, 60));
        let inside = mask.pixels().filter(|pixel| pixel.0 == [255; 3]).count();
        assert_eq!(candidate["area"], inside);
        let outside = mask.pixels().filter(|pixel| pixel.0 == [0; 3]).count();
        assert_eq!(inside + outside, 90 * 60);
    }
    // Two by two, with gaps.
    let choices = pixels(&home.work("masks/frame_choices.png"));
    assert_eq!(choices.dimensions(), (2 * 90 + 24, 2 * 60 + 24));

    // The daemon has seen the picture: another click looks only once more.
    let again = home.run(&["--json", "segment", "frame.png", "--box", "18,12,52,48"]);
    assert_eq!(again.ok().json()["cached"], true);
    let shown = home.run(&arguments).ok();
    assert!(shown.out.contains("frame_mask-1.png  score"), "{shown:?}");
}

#[test]
fn a_mask_that_is_nearly_right_is_a_prompt_too() {
    let home = Home::new();
    with_picture(&home);
    with_segmenter(&home, "small", "segment-vit");
    let square = GrayImage::from_fn(90, 60, |x, y| {
        image::Luma([if (20..50).contains(&x) && (15..45).contains(&y) {
            255
        } else {
            0
        }])
    });
    square.save(home.work("square.png")).unwrap();
    let point = ["--json", "segment", "frame.png", "--point", "35,30"];
    let plain = home.run(&[&point[..], &["-o", "plain"]].concat());
    let with_mask = ["--mask", "square.png", "-o", "with"];
    let with_mask = home.run(&[&point[..], &with_mask].concat());
    let (plain, with_mask) = (plain.ok().json(), with_mask.ok().json());
    assert_ne!(
        plain["candidates"][0]["score"],
        with_mask["candidates"][0]["score"]
    );
    // It suffices alone.
    let alone = [
        "segment",
        "frame.png",
        "--mask",
        "square.png",
        "-o",
        "alone",
    ];
    home.run(&alone).ok();

    let small = GrayImage::new(9, 6);
    small.save(home.work("small.png")).unwrap();
    let ran = home.run(&[&point[..], &["--mask", "small.png"]].concat());
    assert_ne!(ran.code, Some(0));
    assert!(
        ran.err.contains("a mask of the picture's size"),
        "{}",
        ran.err
    );
}

#[test]
fn what_cannot_be_segmented_is_told() {
    let home = Home::new();
    with_picture(&home);
    let point = ["segment", "frame.png", "--point", "35,30"];
    with_segmenter(&home, "small", "segment-vit");
    with_segmenter(&home, "own", "segment-sketch");
    let named = |name: &str| home.run(&[&point[..], &["--model", name]].concat());
    named("own").ok();
    let listed = home.run(&["call", "mask.segmenters"]).ok().json();
    assert_eq!(listed["segmenters"][0]["name"], "own");
    assert_eq!(listed["segmenters"][1]["source"], "folder");
    assert_eq!(listed["segmenters"][2]["source"], "embedded");
    let wrong = named("other");
    assert!(wrong.err.contains("own, small, sketch"), "{wrong:?}");

    for (arguments, told) in [
        (&["--point", "135,30"][..], "point 1"),
        (&["--box", "100,5,120,20"], "box 1"),
        (&[], "what is meant"),
        (&["--point", "1"], "expected 2"),
    ] {
        let all = [&["segment", "frame.png", "--model", "own"], arguments].concat();
        let ran = home.run(&all);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains(told), "{told}: {ran:?}");
    }

    // A pickle by another name, and half a file.
    home.write("data/segmenters/pickled.safetensors", "PK\x03\x04 a zip");
    let refused = named("pickled");
    assert!(refused.err.contains("pickle"), "{refused:?}");
    let whole = std::fs::read(home.path("data/segmenters/own/model.safetensors")).unwrap();
    let half = home.path("data/segmenters/half.safetensors");
    std::fs::write(half, &whole[..whole.len() / 2]).unwrap();
    let refused = named("half");
    assert!(refused.err.contains("truncated"), "{refused:?}");
    // The daemon lives on.
    named("own").ok();
}

#[test]
fn masks_are_drawn_and_refined() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let home = Home::new();
        let (_daemon, client) = home.start_daemon().await;
        let rect = MaskRect {
            left: 10.0,
            top: 5.0,
            right: 30.0,
            bottom: 25.0,
        };
        let boxes = MaskBoxParams {
            width: 64,
            height: 48,
            boxes: vec![rect],
        };
        let drawn: MaskResult = client.call::<MaskBox>(&boxes).await.unwrap();
        assert_eq!(drawn.area, 400);
        assert_eq!(grey(&drawn.mask).get_pixel(10, 5).0, [255]);
        assert_eq!(grey(&drawn.mask).get_pixel(9, 5).0, [0]);

        let operation = |operation: &str, radius: Option<f64>| MaskOperation {
            operation: operation.to_owned(),
            radius,
            ..MaskOperation::default()
        };
        let refine = MaskRefineParams {
            mask: drawn.mask.clone(),
            operations: vec![
                operation("grow", Some(3.0)),
                operation("feather", Some(4.0)),
            ],
        };
        let refined = client.call::<MaskRefine>(&refine).await.unwrap();
        let bounds = refined.bounds.unwrap();
        assert_eq!((bounds.x, bounds.y), (5, 0));
        assert!(refined.area > 600, "{}", refined.area);
        assert_eq!(grey(&refined.mask).get_pixel(20, 15).0, [255]);

        for (operations, told) in [
            (operation("swell", None), "feather"),
            (operation("grow", None), "radius"),
            (operation("blur", Some(-1.0)), "from 0"),
        ] {
            let refine = MaskRefineParams {
                mask: drawn.mask.clone(),
                operations: vec![operations],
            };
            let refused = client.call::<MaskRefine>(&refine).await.unwrap_err();
            assert!(format!("{refused:?}").contains(told), "{refused:?}");
        }

        let corner = |x: f32, y: f32| MaskPoint {
            x,
            y,
            positive: None,
        };
        let triangle = MaskPolygonParams {
            width: 64,
            height: 48,
            points: vec![corner(0.0, 0.0), corner(40.0, 0.0), corner(0.0, 40.0)],
        };
        let drawn = client.call::<MaskPolygon>(&triangle).await.unwrap();
        assert!(drawn.area.abs_diff(800) <= 40, "{}", drawn.area);

        // The answer when there is no segmenter of that name, as a program sees it.
        let params = MaskSegmentParams {
            image: png(&with_picture(&home)),
            points: Some(vec![corner(1.0, 1.0)]),
            boxes: None,
            mask: None,
            model: Some("other".to_owned()),
            closer: None,
        };
        let refused = client.call::<MaskSegment>(&params).await.unwrap_err();
        let framewright_client::ClientError::Refused(refused) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refused.code, ErrorCode::NotFound);
    });
}
