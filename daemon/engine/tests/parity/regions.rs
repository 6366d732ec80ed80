//! Pictures of regions, each with a prompt and LoRAs of its own.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::Device::Cpu;
use framewright_engine::composition::{FrameBox, RegionArea, RegionRequest};
use framewright_engine::model_files::ModelFiles;
use framewright_engine::pipeline::Pipeline;
use framewright_engine::request::{GenerateError, GenerateRequest};
use image::{GrayImage, Luma};

use crate::golden::{Tensors, relative_difference};
use crate::loras::{BOUND, latents, lora, request};
use crate::pipeline::{generate, model_files, options, pipeline_of};

fn region(left: f32, right: f32) -> RegionRequest {
    RegionRequest {
        area: RegionArea::Box(FrameBox {
            left,
            right,
            ..FrameBox::WHOLE
        }),
        ..RegionRequest::default()
    }
}

fn prompted(region: RegionRequest, prompt: &str) -> RegionRequest {
    RegionRequest {
        prompt: Some(prompt.to_owned()),
        ..region
    }
}

fn with(regions: Vec<RegionRequest>) -> GenerateRequest {
    GenerateRequest {
        regions,
        ..request(Vec::new())
    }
}

/// The golden masks as pictures: two pixels for each place of the latents.
fn golden_mask(tensors: &Tensors, name: &str) -> GrayImage {
    let mask = tensors.values(name);
    GrayImage::from_fn(16, 16, |x, y| {
        let at = (y / 2 * 8 + x / 2) as usize;
        Luma([(mask[at] * 255.0).round() as u8])
    })
}

#[test]
fn regions_are_those_of_attention_written_out() {
    let pipeline = pipeline_of("epsilon", 2);
    let tensors = Tensors::open("lora/golden.safetensors");
    let area = |name| RegionArea::Mask(golden_mask(&tensors, name));
    let composed = GenerateRequest {
        loras: vec![lora("few", 0.7, 0.7)],
        regions: vec![
            RegionRequest {
                area: area("regions.left"),
                prompt: Some("a man in a red top".to_owned()),
                loras: vec![lora("style", 1.0, 0.5)],
                ..RegionRequest::default()
            },
            RegionRequest {
                area: area("regions.right"),
                prompt: Some("a library".to_owned()),
                ..RegionRequest::default()
            },
        ],
        ..request(Vec::new())
    };
    let expected = tensors.values("regions.latents");
    let difference = relative_difference(&latents(&pipeline, &composed), &expected);
    println!("largest difference {difference}");
    assert!(difference <= BOUND, "{difference}");
    // Every part of it has a say.
    let changed = |change: &dyn Fn(&mut GenerateRequest)| {
        let mut other = composed.clone();
        change(&mut other);
        relative_difference(&latents(&pipeline, &other), &expected)
    };
    assert!(changed(&|r| r.regions[0].loras.clear()) > 0.01);
    assert!(changed(&|r| r.regions[0].prompt = None) > 0.01);
    assert!(changed(&|r| r.regions[1].strength = 0.3) > 0.01);
    assert!(changed(&|r| r.loras.clear()) > 0.01);
    assert!(changed(&|r| r.regions.truncate(1)) > 0.01);
}

#[test]
fn a_region_that_is_all_of_the_picture_is_the_picture() {
    let pipeline = pipeline_of("epsilon", 2);
    let plain = latents(&pipeline, &request(Vec::new()));
    let prompt = request(Vec::new()).prompt;
    let mut same = vec![
        with(vec![region(0.0, 1.0)]),
        with(vec![prompted(region(0.0, 1.0), &prompt)]),
        with(vec![region(0.0, 0.5), region(0.5, 1.0)]),
        with(vec![region(0.0, 0.8), region(0.3, 1.0)]),
        with(vec![prompted(region(0.0, 0.4), &prompt)]),
    ];
    // Another prompt of the whole picture, of which nothing is left.
    same.push(GenerateRequest {
        prompt: "a man".to_owned(),
        ..with(vec![
            prompted(region(0.0, 0.5), &prompt),
            prompted(region(0.5, 1.0), &prompt),
        ])
    });
    for (at, request) in same.iter().enumerate() {
        let difference = relative_difference(&latents(&pipeline, request), &plain);
        assert!(difference <= 1e-5, "{at}: {difference}");
    }

    // With a LoRA in it, it is the LoRA of the whole picture, whatever layers
    // that acts on.
    for name in ["style", "whole"] {
        let everywhere = latents(&pipeline, &request(vec![lora(name, 0.8, 0.6)]));
        assert!(relative_difference(&everywhere, &plain) > 0.01);
        let regional = with(vec![RegionRequest {
            loras: vec![lora(name, 0.8, 0.6)],
            ..region(0.0, 1.0)
        }]);
        let difference = relative_difference(&latents(&pipeline, &regional), &everywhere);
        assert!(difference <= 1e-5, "{name}: {difference}");
    }
}

/// Two halves with the same prompt attend separately where their LoRAs differ:
/// the sum over masks is taken for real, and is that of the whole.
#[test]
fn halves_of_the_same_make_the_whole() {
    let pipeline = pipeline_of("epsilon", 2);
    for (name, bound) in [("style", 1e-5), ("few", 1e-5)] {
        let everywhere = latents(&pipeline, &request(vec![lora(name, 0.8, 0.6)]));
        // A weight that differs by less than a rounding makes them two.
        let half = |from: f32, to: f32, weight: f32| RegionRequest {
            loras: vec![lora(name, weight, 0.6)],
            ..region(from, to)
        };
        let halves = with(vec![half(0.0, 0.5, 0.8), half(0.5, 1.0, 0.800_000_1)]);
        let difference = relative_difference(&latents(&pipeline, &halves), &everywhere);
        assert!(difference <= bound, "{name}: {difference}");
    }
}

#[test]
fn what_a_region_leaves_to_the_pictures_prompt_is_read_with_its_loras() {
    let pipeline = pipeline_of("epsilon", 2);
    let prompt = request(Vec::new()).prompt;
    // The same words, so that nothing but the LoRAs could differ.
    let own = format!("{prompt} ");
    for name in ["style", "few"] {
        let everywhere = latents(&pipeline, &request(vec![lora(name, 0.8, 0.6)]));
        for edges in [&[(0.0, 1.0)][..], &[(0.0, 0.5), (0.5, 1.0)]] {
            let parts = edges.iter().map(|&(left, right)| RegionRequest {
                strength: 0.3,
                loras: vec![lora(name, 0.8, 0.6)],
                ..prompted(region(left, right), &own)
            });
            let composed = with(parts.collect());
            let difference = relative_difference(&latents(&pipeline, &composed), &everywhere);
            assert!(difference <= 1e-5, "{name}: {difference}");
        }
    }
}

/// The golden model, whose random weights carry a change from everywhere to
/// everywhere, made to look at one place at a time: without attention among the
/// places and without kernels beyond their middle. Only its norms are left to
/// see the whole picture.
fn place_by_place() -> Pipeline {
    let mut files = model_files();
    let name = "unet/diffusion_pytorch_model.safetensors";
    let mut tensors = candle_core::safetensors::load_buffer(&files[name], &Cpu).unwrap();
    for (name, tensor) in &mut tensors {
        if name.contains("attn1.to_out.0") {
            *tensor = tensor.zeros_like().unwrap();
        } else if matches!(tensor.dims(), [_, _, 3, 3]) {
            let middle = tensor.narrow(2, 1, 1).unwrap().narrow(3, 1, 1).unwrap();
            let middle = middle.pad_with_zeros(2, 1, 1).unwrap();
            *tensor = (middle.pad_with_zeros(3, 1, 1).unwrap() * 3.0).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unet.safetensors");
    candle_core::safetensors::save(&tensors, &path).unwrap();
    files.insert(name.to_owned(), Cow::Owned(std::fs::read(path).unwrap()));
    let (pipeline, _) = Pipeline::load(&ModelFiles::memory(files), &options(2)).unwrap();
    pipeline
}

#[test]
fn what_changes_in_a_region_changes_there() {
    const WIDTH: usize = 64;
    let pipeline = place_by_place();
    let pictures = |right: RegionRequest| {
        let left = prompted(region(0.0, 0.5), "a man");
        let request = GenerateRequest {
            width: Some(2 * WIDTH as u32),
            height: Some(32),
            ..with(vec![left, right])
        };
        let mut generation = pipeline.start(&request).unwrap();
        generation.step(&pipeline).unwrap();
        generation.latents().to_vec()
    };
    let difference = |a: &[f32], b: &[f32], columns: Range<usize>| {
        let differences = a.iter().zip(b).enumerate();
        let inside = differences.filter(|(at, _)| columns.contains(&(at % WIDTH)));
        inside
            .map(|(_, (a, b))| (a - b).powi(2))
            .sum::<f32>()
            .sqrt()
    };
    let before = pictures(prompted(region(0.5, 1.0), "a red top"));
    let prompt = pictures(prompted(region(0.5, 1.0), "a library shot of a woman"));
    let style = pictures(RegionRequest {
        loras: vec![lora("style", 1.0, 1.0)],
        ..prompted(region(0.5, 1.0), "a red top")
    });
    for (what, after) in [("prompt", prompt), ("LoRA", style)] {
        let left = difference(&before, &after, 0..WIDTH / 2);
        let right = difference(&before, &after, WIDTH / 2..WIDTH);
        println!("{what}: {left} on the left, {right} on the right");
        assert!(
            right > 2.0 * left,
            "{what}: {left} on the left, {right} on the right"
        );
    }
}

#[test]
fn regions_are_recorded_and_made_again() {
    let pipeline = pipeline_of("epsilon", 2);
    let mask = GrayImage::from_fn(40, 30, |x, _| Luma([(6 * x) as u8]));
    let first = with(vec![
        RegionRequest {
            area: RegionArea::Mask(mask),
            feather: 0.2,
            loras: vec![lora("few", 0.5, 0.5)],
            ..prompted(RegionRequest::default(), "a man")
        },
        RegionRequest {
            feather: 0.25,
            strength: 0.75,
            ..prompted(region(0.0, 0.6), "a woman")
        },
    ]);
    let frame = generate(&pipeline, &first);
    let recorded = &frame.provenance.regions;
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[1].frame_box, Some([0.0, 0.0, 0.6, 1.0]));
    assert_eq!(recorded[0].loras[0].name, "few");
    let png = recorded[0].mask_png().unwrap();
    let mask = image::load_from_memory(&png).unwrap().to_luma8();
    assert_eq!(mask.dimensions(), (8, 8));

    let mut again = first.clone();
    again.regions[0].area = RegionArea::Mask(mask);
    again.regions[0].feather = recorded[0].feather;
    let second = generate(&pipeline, &again);
    assert_eq!(second.image, frame.image);
    assert!(frame.provenance.differences(&second.provenance).is_empty());
    again.regions[1].prompt = None;
    let third = generate(&pipeline, &again);
    assert_eq!(frame.provenance.differences(&third.provenance).len(), 1);
}

#[test]
fn the_prompt_of_a_region_is_checked() {
    let pipeline = pipeline_of("epsilon", 1);
    let bad = with(vec![prompted(region(0.0, 1.0), "(a:99)")]);
    let error = pipeline.start(&bad).unwrap_err();
    assert!(
        matches!(error, GenerateError::RegionPrompt { number: 1, .. }),
        "{error}"
    );
    let none = with(vec![region(0.5, 0.5)]);
    assert!(matches!(
        pipeline.start(&none),
        Err(GenerateError::Region { number: 1, .. })
    ));
}
