//! Regions painted anew, with an ordinary UNet and with an inpainting one.

use std::borrow::Cow;

use candle_core::Device::Cpu;
use candle_core::Tensor;
use framewright_engine::generation::{Frame, Given};
use framewright_engine::model_files::ModelFiles;
use framewright_engine::pipeline::Pipeline;
use framewright_engine::request::{GenerateError, GenerateRequest, InitImage, Inpaint};
use framewright_engine::sampler::Sampler;
use image::{GrayImage, Luma, Rgb, RgbImage};
use serde::Deserialize;

use crate::golden::{self, Tensors};
use crate::pipeline::{model_files, options, pipeline_of, run};

#[derive(Deserialize)]
struct Case {
    case: String,
    unet: String,
    sampler: Sampler,
    strength: f32,
}

/// The golden model with an inpainting UNet.
fn inpainting_pipeline(tensors: &Tensors) -> Pipeline {
    let mut files = model_files();
    let name = "unet/diffusion_pytorch_model.safetensors";
    let mut unet = candle_core::safetensors::load_buffer(&files[name], &Cpu).unwrap();
    let values = tensors.values("conv_in");
    let shape = (values.len() / (9 * 3 * 3), 9, 3, 3);
    let conv = Tensor::from_vec(values, shape, &Cpu).unwrap();
    unet.insert("conv_in.weight".to_owned(), conv);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unet.safetensors");
    candle_core::safetensors::save(&unet, &path).unwrap();
    files.insert(name.to_owned(), Cow::Owned(std::fs::read(path).unwrap()));
    let mut config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&files["unet/config.json"]).unwrap();
    config.insert("in_channels".to_owned(), 9.into());
    let config = serde_json::to_vec(&config).unwrap();
    files.insert("unet/config.json".to_owned(), Cow::Owned(config));
    Pipeline::load(&ModelFiles::memory(files), &options(2))
        .unwrap()
        .0
}

fn golden_mask(tensors: &Tensors) -> GrayImage {
    let values = tensors.values("mask");
    GrayImage::from_fn(16, 16, |x, y| {
        Luma([(255.0 * values[(y * 16 + x) as usize]) as u8])
    })
}

#[test]
fn inpainted_frames_are_those_of_diffusers() {
    let tensors = Tensors::open("inpaint/golden.safetensors");
    let cases: Vec<Case> = golden::json("inpaint/golden.json");
    let ordinary = pipeline_of("epsilon", 2);
    let inpainting = inpainting_pipeline(&tensors);
    let mut worst = 0f32;
    for case in &cases {
        let pipeline = match case.unet.as_str() {
            "ordinary" => &ordinary,
            _ => &inpainting,
        };
        let request = GenerateRequest {
            prompt: "a red woman in a top shot of a library".to_owned(),
            negative_prompt: "man".to_owned(),
            steps: Some(8),
            guidance_scale: Some(3.0),
            sampler: Some(case.sampler),
            inpaint: Some(Inpaint {
                image: RgbImage::new(16, 16),
                start: None,
                mask: golden_mask(&tensors),
                strength: case.strength,
            }),
            ..GenerateRequest::default()
        };
        let given = Given {
            noise: Some(tensors.values("noise")),
            step_noise: None,
            init_pixels: Some(tensors.values("image")),
        };
        let frame = run(pipeline, pipeline.start_given(&request, given).unwrap());
        let expected = tensors.values(&format!("{}.image", case.case));
        let plane = 16 * 16;
        for (at, pixel) in frame.image.pixels().enumerate() {
            for (channel, &value) in pixel.0.iter().enumerate() {
                let wanted = 255.0 * expected[channel * plane + at];
                let difference = (f32::from(value) - wanted).abs();
                worst = worst.max(difference);
                assert!(
                    difference <= 1.0,
                    "{}: channel {channel} of pixel {at} is {value}, not {wanted}",
                    case.case
                );
            }
        }
    }
    assert_eq!(cases.len(), 16);
    println!("{} frames, largest difference {worst}/255", cases.len());
}

fn picture() -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| Rgb([(x * 15) as u8, (y * 15) as u8, 90]))
}

fn request(mask: GrayImage) -> GenerateRequest {
    GenerateRequest {
        prompt: "a woman".to_owned(),
        steps: Some(6),
        sampler: Some(Sampler::Ddim),
        inpaint: Some(Inpaint {
            image: picture(),
            start: None,
            mask,
            strength: 0.8,
        }),
        seed: 4,
        ..GenerateRequest::default()
    }
}

fn made(pipeline: &Pipeline, request: &GenerateRequest) -> Frame {
    run(pipeline, pipeline.start(request).unwrap())
}

/// The mean difference of two pictures in the columns from `first` to `last`.
fn difference(one: &RgbImage, other: &RgbImage, first: u32, last: u32) -> f32 {
    let mut sum = 0.0;
    for y in 0..16 {
        for x in first..last {
            for (a, b) in one.get_pixel(x, y).0.iter().zip(other.get_pixel(x, y).0) {
                sum += f32::from(a.abs_diff(b));
            }
        }
    }
    sum / (16 * (last - first) * 3) as f32
}

#[test]
fn outside_the_mask_the_latents_are_those_of_the_picture() {
    let pipeline = pipeline_of("epsilon", 2);
    let latents = |from: u32, to: u32| {
        let mask = GrayImage::from_fn(16, 16, |x, _| {
            Luma([if (from..to).contains(&x) { 255 } else { 0 }])
        });
        let mut generation = pipeline.start(&request(mask)).unwrap();
        while !generation.is_done() {
            generation.step(&pipeline).unwrap();
        }
        generation.latents().to_vec()
    };
    // Cells are two pixels wide: columns 0 to 2 of the one, column 7 of the other.
    let (left, right) = (latents(0, 6), latents(14, 16));
    for (at, (left, right)) in left.iter().zip(&right).enumerate() {
        let is_outside = (3..7).contains(&(at % 8));
        assert_eq!(left == right, is_outside, "cell {at}: {left} and {right}");
    }
}

#[test]
fn a_start_changes_the_region_it_is_in() {
    let pipeline = pipeline_of("epsilon", 2);
    let mask = GrayImage::from_fn(16, 16, |x, _| Luma([if x < 8 { 255 } else { 0 }]));
    let plain = request(mask);
    let mut white = plain.clone();
    if let Some(inpaint) = &mut white.inpaint {
        inpaint.start = Some(RgbImage::from_pixel(16, 16, Rgb([255, 255, 255])));
    }
    let (one, other) = (made(&pipeline, &plain), made(&pipeline, &white));
    assert!(difference(&one.image, &other.image, 0, 8) > 1.0);
    let differences = one.provenance.differences(&other.provenance);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(differences[0].contains("inpainting"), "{differences:?}");
    // And again the same bits.
    assert_eq!(made(&pipeline, &white).image, other.image);
}

#[test]
fn a_mask_that_fits_nothing_is_refused() {
    let pipeline = pipeline_of("epsilon", 2);
    let refused = |request: &GenerateRequest| match pipeline.start(request) {
        Err(GenerateError::Mask(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refused(&request(GrayImage::new(16, 16))).contains("nothing"));
    assert!(refused(&request(GrayImage::from_pixel(8, 8, Luma([255])))).contains("size"));
    let mut two = request(GrayImage::from_pixel(16, 16, Luma([255])));
    two.init_image = Some(InitImage {
        image: picture(),
        strength: 0.5,
    });
    assert!(refused(&two).contains("another one"));
}
