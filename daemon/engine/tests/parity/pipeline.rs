//! Whole frames: text to image and image to image, by every sampler.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use candle_core::Device::Cpu;
use candle_core::{DType, Tensor};
use framewright_engine::device::Device;
use framewright_engine::generation::{Frame, Generation, Given};
use framewright_engine::guidance::GuidanceMode;
use framewright_engine::model_files::ModelFiles;
use framewright_engine::noise::{NoisePurpose, NoiseStream};
use framewright_engine::pipeline::{LoadOptions, Pipeline};
use framewright_engine::request::{GenerateError, GenerateRequest, InitImage};
use framewright_engine::sampler::Sampler;
use image::RgbImage;
use serde::Deserialize;

use crate::golden::{self, Tensors};

#[derive(Deserialize)]
struct Case {
    case: String,
    sampler: Sampler,
    prediction_type: String,
    steps: u32,
    guidance_scale: f32,
    guidance_rescale: f32,
    prompt: String,
    negative_prompt: String,
    strength: Option<f32>,
}

/// The files of the golden model, by path in its folder.
pub(crate) fn model_files() -> BTreeMap<String, Cow<'static, [u8]>> {
    fn add(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Cow<'static, [u8]>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                add(&path, &format!("{name}/"), files);
            } else {
                files.insert(name, Cow::Owned(std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = BTreeMap::new();
    add(&golden::path("pipeline"), "", &mut files);
    files
}

pub(crate) fn options(threads: usize) -> LoadOptions {
    let device = Device::cpu(NonZeroUsize::new(threads)).unwrap();
    LoadOptions::new("golden", device)
}

pub(crate) fn pipeline_of(prediction_type: &str, threads: usize) -> Pipeline {
    let mut files = model_files();
    let name = "scheduler/scheduler_config.json";
    let mut config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&files[name]).unwrap();
    config.insert("prediction_type".to_owned(), prediction_type.into());
    files.insert(
        name.to_owned(),
        Cow::Owned(serde_json::to_vec(&config).unwrap()),
    );
    let (pipeline, report) = Pipeline::load(&ModelFiles::memory(files), &options(threads)).unwrap();
    assert_eq!(report.notes, [""; 0]);
    pipeline
}

pub(crate) fn run(pipeline: &Pipeline, mut generation: Generation) -> Frame {
    while !generation.is_done() {
        generation.step(pipeline).unwrap();
    }
    generation.finish(pipeline).unwrap()
}

pub(crate) fn generate(pipeline: &Pipeline, request: &GenerateRequest) -> Frame {
    run(pipeline, pipeline.start(request).unwrap())
}

#[test]
fn frames_are_those_of_diffusers() {
    let cases: Vec<Case> = golden::json("pipeline/golden.json");
    let tensors = Tensors::open("pipeline/golden.safetensors");
    let pipelines = ["epsilon", "v_prediction"].map(|kind| (kind, pipeline_of(kind, 2)));
    let mut worst = 0f32;
    for case in &cases {
        let (_, pipeline) = pipelines
            .iter()
            .find(|(kind, _)| *kind == case.prediction_type)
            .unwrap();
        let request = GenerateRequest {
            prompt: case.prompt.clone(),
            negative_prompt: case.negative_prompt.clone(),
            width: Some(16),
            height: Some(16),
            steps: Some(case.steps),
            guidance_scale: Some(case.guidance_scale),
            guidance_rescale: Some(case.guidance_rescale),
            sampler: Some(case.sampler),
            init_image: case.strength.map(|strength| InitImage {
                image: RgbImage::new(16, 16),
                strength,
            }),
            ..GenerateRequest::default()
        };
        let given = Given {
            noise: Some(tensors.values("noise")),
            step_noise: tensors.find(&format!("{}.step_noise", case.case)),
            init_pixels: case.strength.map(|_| tensors.values("start")),
        };
        let frame = run(pipeline, pipeline.start_given(&request, given).unwrap());
        let expected = tensors.values(&format!("{}.image", case.case));
        let plane = 16 * 16;
        for (at, pixel) in frame.image.pixels().enumerate() {
            for (channel, &value) in pixel.0.iter().enumerate() {
                let difference = (f32::from(value) - 255.0 * expected[channel * plane + at]).abs();
                worst = worst.max(difference);
                assert!(
                    difference <= 1.0,
                    "{}: channel {channel} of pixel {at} is {value}, not {}",
                    case.case,
                    255.0 * expected[channel * plane + at]
                );
            }
        }
    }
    println!("{} frames, largest difference {worst}/255", cases.len());
}

fn requests() -> [GenerateRequest; 4] {
    let request = |seed, sampler, prompt: &str| GenerateRequest {
        prompt: prompt.to_owned(),
        negative_prompt: "man".to_owned(),
        steps: Some(4),
        sampler: Some(sampler),
        seed,
        ..GenerateRequest::default()
    };
    [
        request(1, Sampler::EulerAncestral, "a (red:1.3) woman"),
        request(2, Sampler::UniPc, "a library"),
        request(3, Sampler::DpmPlusPlus2mKarras, "a man BREAK in a library"),
        request(4, Sampler::Lcm, ""),
    ]
}

#[test]
fn suspended_generations_go_on_to_the_same_bits() {
    let pipeline = pipeline_of("epsilon", 2);
    let alone: Vec<RgbImage> = requests()
        .iter()
        .map(|request| generate(&pipeline, request).image)
        .collect();
    let mut generations = requests().map(|request| pipeline.start(&request).unwrap());
    for _ in 0..4 {
        for generation in generations.iter_mut().rev() {
            generation.step(&pipeline).unwrap();
            generation.preview(&pipeline).unwrap();
        }
    }
    for (generation, alone) in generations.into_iter().zip(alone) {
        assert_eq!(generation.finish(&pipeline).unwrap().image, alone);
    }
}

#[test]
fn the_number_of_threads_does_not_change_the_bits() {
    let [request, ..] = requests();
    let one = generate(&pipeline_of("epsilon", 1), &request);
    let three = generate(&pipeline_of("epsilon", 3), &request);
    assert_eq!(one.image, three.image);
    assert!(one.provenance.differences(&three.provenance).is_empty());
}

#[test]
fn a_frame_can_be_made_again_from_its_provenance() {
    let pipeline = pipeline_of("epsilon", 2);
    let noise = NoiseStream::new(9, 0, NoisePurpose::Probe).words(3 * 20 * 12);
    let start = RgbImage::from_raw(20, 12, noise.iter().map(|word| *word as u8).collect()).unwrap();
    let request = GenerateRequest {
        init_image: Some(InitImage {
            image: start.clone(),
            strength: 0.7,
        }),
        guidance_mode: Some(GuidanceMode::TwoPasses),
        guidance_rescale: Some(0.4),
        clip_skip: Some(1),
        ..requests()[0].clone()
    };
    let frame = generate(&pipeline, &request);
    assert_eq!(frame.image.dimensions(), (20, 12));
    let provenance = &frame.provenance;
    assert_eq!(provenance.model, pipeline.identity().unwrap());
    assert_eq!(provenance.model.hash.len(), 64);

    let again = GenerateRequest {
        prompt: provenance.prompt.clone(),
        negative_prompt: provenance.negative_prompt.clone(),
        width: Some(provenance.width),
        height: Some(provenance.height),
        steps: Some(provenance.steps),
        guidance_scale: Some(provenance.guidance_scale),
        guidance_rescale: Some(provenance.guidance_rescale),
        guidance_mode: Some(provenance.guidance_mode),
        sampler: Some(provenance.sampler),
        seed: provenance.seed,
        init_image: Some(InitImage {
            image: start,
            strength: provenance.init_image.as_ref().unwrap().strength,
        }),
        clip_skip: Some(provenance.clip_skip),
        ..GenerateRequest::default()
    };
    let second = generate(&pipeline, &again);
    assert_eq!(second.image, frame.image);
    assert!(provenance.differences(&second.provenance).is_empty());
}

#[test]
fn every_setting_changes_the_frame() {
    let pipeline = pipeline_of("epsilon", 2);
    let base = requests()[2].clone();
    let frame = generate(&pipeline, &base).image;
    let changed: [(&str, GenerateRequest); 7] = [
        (
            "seed",
            GenerateRequest {
                seed: 99,
                ..base.clone()
            },
        ),
        (
            "prompt",
            GenerateRequest {
                prompt: "a red top".to_owned(),
                ..base.clone()
            },
        ),
        (
            "weight",
            GenerateRequest {
                prompt: "a (man:1.4) BREAK in a library".to_owned(),
                ..base.clone()
            },
        ),
        (
            "negative",
            GenerateRequest {
                negative_prompt: "red".to_owned(),
                ..base.clone()
            },
        ),
        (
            "guidance",
            GenerateRequest {
                guidance_scale: Some(3.0),
                ..base.clone()
            },
        ),
        (
            "rescale",
            GenerateRequest {
                guidance_rescale: Some(0.7),
                ..base.clone()
            },
        ),
        (
            "clip skip",
            GenerateRequest {
                clip_skip: Some(1),
                ..base.clone()
            },
        ),
    ];
    for (what, request) in changed {
        assert_ne!(generate(&pipeline, &request).image, frame, "{what}");
    }
    // Without guidance the negative prompt has no say.
    let free = |negative: &str| GenerateRequest {
        guidance_scale: Some(1.0),
        negative_prompt: negative.to_owned(),
        ..base.clone()
    };
    assert_eq!(
        generate(&pipeline, &free("red")).image,
        generate(&pipeline, &free("")).image
    );
    // The two ways of guidance agree but for rounding.
    let two = generate(
        &pipeline,
        &GenerateRequest {
            guidance_mode: Some(GuidanceMode::TwoPasses),
            ..base
        },
    );
    for (a, b) in two.image.iter().zip(frame.iter()) {
        assert!(a.abs_diff(*b) <= 1);
    }
}

#[test]
fn any_multiple_of_the_vae_factor_is_a_size() {
    let pipeline = pipeline_of("epsilon", 2);
    assert_eq!(pipeline.size_multiple(), 2);
    for (width, height) in [(2, 2), (14, 30), (34, 6), (18, 22)] {
        let request = GenerateRequest {
            width: Some(width),
            height: Some(height),
            steps: Some(1),
            ..GenerateRequest::default()
        };
        let frame = generate(&pipeline, &request);
        assert_eq!(frame.image.dimensions(), (width, height));
    }
    let odd = GenerateRequest {
        width: Some(15),
        ..GenerateRequest::default()
    };
    assert!(matches!(
        pipeline.start(&odd),
        Err(GenerateError::Size {
            nearest: (16, 16),
            ..
        })
    ));
}

#[test]
fn bad_requests_are_refused_before_any_work() {
    let pipeline = pipeline_of("epsilon", 2);
    let refused = |change: &dyn Fn(&mut GenerateRequest)| {
        let mut request = GenerateRequest::default();
        change(&mut request);
        pipeline.start(&request).unwrap_err().to_string()
    };
    assert!(refused(&|r| r.guidance_scale = Some(f32::NAN)).contains("guidance scale"));
    assert!(refused(&|r| r.guidance_rescale = Some(1.5)).contains("guidance rescale"));
    assert!(refused(&|r| r.clip_skip = Some(3)).contains("clip skip"));
    assert!(refused(&|r| r.steps = Some(0)).contains("0 steps"));
    assert!(refused(&|r| r.steps = Some(5000)).contains("5000 steps"));
    assert!(refused(&|r| r.prompt = "x".repeat(20_000)).contains("20000 bytes"));
    assert!(refused(&|r| r.negative_prompt = "(a:99)".to_owned()).contains("negative prompt"));
    assert!(
        refused(&|r| r.init_image = Some(InitImage {
            image: RgbImage::new(16, 16),
            strength: 0.0
        }))
        .contains("strength")
    );
    let unfinished = pipeline.start(&GenerateRequest::default()).unwrap();
    assert!(matches!(
        unfinished.finish(&pipeline),
        Err(GenerateError::Unfinished { left: 20 })
    ));
}

/// An inpainting UNet whose extra channels weigh nothing is the plain one.
#[test]
fn an_inpainting_model_makes_whole_frames_too() {
    let mut files = model_files();
    let name = "unet/diffusion_pytorch_model.safetensors";
    let mut tensors = candle_core::safetensors::load_buffer(&files[name], &Cpu).unwrap();
    let conv = &tensors["conv_in.weight"];
    let (out, _, height, width) = conv.dims4().unwrap();
    let nothing = Tensor::zeros((out, 5, height, width), DType::F32, &Cpu).unwrap();
    let conv = Tensor::cat(&[conv, &nothing], 1).unwrap();
    tensors.insert("conv_in.weight".to_owned(), conv);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unet.safetensors");
    candle_core::safetensors::save(&tensors, &path).unwrap();
    files.insert(name.to_owned(), Cow::Owned(std::fs::read(path).unwrap()));
    let mut config: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&files["unet/config.json"]).unwrap();
    config.insert("in_channels".to_owned(), 9.into());
    let config = serde_json::to_vec(&config).unwrap();
    files.insert("unet/config.json".to_owned(), Cow::Owned(config));

    let (inpainting, _) = Pipeline::load(&ModelFiles::memory(files), &options(2)).unwrap();
    let [request, ..] = requests();
    assert_eq!(
        generate(&inpainting, &request).image,
        generate(&pipeline_of("epsilon", 2), &request).image
    );
}

#[test]
fn a_vae_from_elsewhere_is_recorded() {
    let options = LoadOptions {
        vae: Some(golden::path("pipeline/vae")),
        ..options(2)
    };
    let (pipeline, _) = Pipeline::load(&ModelFiles::memory(model_files()), &options).unwrap();
    let [request, ..] = requests();
    let with = generate(&pipeline, &request);
    let without = generate(&pipeline_of("epsilon", 2), &request);
    assert_eq!(with.image, without.image);
    let differences = without.provenance.differences(&with.provenance);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(differences[0].contains("VAE"), "{differences:?}");
}

#[test]
fn guidance_takes_two_passes_where_memory_is_short() {
    let options = LoadOptions {
        step_memory: Some(1),
        ..options(2)
    };
    let (pipeline, _) = Pipeline::load(&ModelFiles::memory(model_files()), &options).unwrap();
    let mode = |request: &GenerateRequest| {
        let generation = pipeline.start(request).unwrap();
        generation.provenance().guidance_mode
    };
    let [request, ..] = requests();
    assert_eq!(mode(&request), GuidanceMode::TwoPasses);
    assert_eq!(
        mode(&GenerateRequest {
            guidance_mode: Some(GuidanceMode::Batch),
            ..request
        }),
        GuidanceMode::Batch
    );
}

/// The engine's thread takes them over from whoever loaded or asked for them.
#[test]
fn models_and_generations_move_between_threads() {
    fn moves<T: Send>() {}
    fn is_shared<T: Sync>() {}
    moves::<Pipeline>();
    is_shared::<Pipeline>();
    moves::<Generation>();
    moves::<Frame>();
}
