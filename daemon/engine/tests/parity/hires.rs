//! Two passes: the second one starts from the first one's picture.

use framewright_engine::composition::{FrameBox, RegionArea, RegionRequest};
use framewright_engine::generation::Progress;
use framewright_engine::hires::Hires;
use framewright_engine::request::{GenerateError, GenerateRequest, InitImage};
use framewright_engine::sampler::Sampler;

use crate::loras::{self, lora};
use crate::pipeline::{generate, pipeline_of, run};

/// A frame of 32 by 24 pixels, with LoRAs and a region.
fn request(sampler: Sampler) -> GenerateRequest {
    GenerateRequest {
        width: Some(32),
        height: Some(24),
        steps: Some(5),
        seed: 11,
        sampler: Some(sampler),
        regions: vec![RegionRequest {
            area: RegionArea::Box(FrameBox {
                left: 0.0,
                top: 0.0,
                right: 0.5,
                bottom: 1.0,
            }),
            feather: 0.1,
            prompt: Some("a man".to_owned()),
            loras: vec![lora("whole", 0.5, 0.5)],
            strength: 0.7,
        }],
        ..loras::request(vec![lora("style", 0.8, 0.8)])
    }
}

#[test]
fn the_second_pass_is_a_frame_that_starts_from_the_first() {
    let pipeline = pipeline_of("v_prediction", 2);
    for sampler in [Sampler::Ddim, Sampler::EulerAncestral] {
        let other = lora("whole", -0.6, 0.0);
        let in_two = GenerateRequest {
            hires: Some(Hires {
                scale: 2.0,
                strength: 0.6,
                loras: vec![other.clone()],
            }),
            ..request(sampler)
        };
        let first = generate(
            &pipeline,
            &GenerateRequest {
                width: Some(16),
                height: Some(12),
                ..request(sampler)
            },
        );
        let mut from_first = GenerateRequest {
            init_image: Some(InitImage {
                image: first.image.clone(),
                strength: 0.6,
            }),
            ..request(sampler)
        };
        let without = generate(&pipeline, &from_first).image;
        from_first.loras = vec![other];
        let expected = generate(&pipeline, &from_first).image;
        let frame = generate(&pipeline, &in_two);
        assert_eq!(frame.image.dimensions(), (32, 24));
        assert_eq!(frame.image, expected, "{sampler}");
        assert_ne!(frame.image, without, "{sampler}");

        let hires = frame.provenance.hires.as_ref().unwrap();
        assert_eq!((hires.width, hires.height), (16, 12));
        assert_eq!((frame.provenance.width, frame.provenance.height), (32, 24));
        let names = |loras: &[framewright_engine::provenance::LoraIdentity]| {
            let names = loras.iter().map(|lora| lora.name.clone());
            names.collect::<Vec<String>>()
        };
        assert_eq!(names(&frame.provenance.loras), ["style"]);
        assert_eq!(names(&hires.loras), ["whole"]);
        let text = frame.provenance.parameters();
        assert!(text.contains("Size: 16x12"), "{text}");
        assert!(
            text.contains("Denoising strength: 0.6, Hires upscale: 2,"),
            "{text}"
        );
        let other = generate(&pipeline, &request(sampler));
        let told = frame.provenance.differences(&other.provenance).join("\n");
        assert!(
            told.contains("hires: 2 times 16x12 at strength 0.6, whole -0.6"),
            "{told}"
        );
    }
}

#[test]
fn both_passes_count_as_one_frame_that_may_be_interrupted() {
    let pipeline = pipeline_of("epsilon", 2);
    let request = GenerateRequest {
        hires: Some(Hires {
            scale: 2.0,
            strength: 0.6,
            loras: Vec::new(),
        }),
        ..request(Sampler::DpmPlusPlus2m)
    };
    let expected = generate(&pipeline, &request).image;
    let mut generation = pipeline.start(&request).unwrap();
    // Five steps, then 0.6 of five.
    for step in 1..=8 {
        assert!(!generation.is_done());
        let progress = generation.step(&pipeline).unwrap();
        assert_eq!(progress, Progress { step, steps: 8 });
        generation.preview(&pipeline).unwrap();
        // Another frame in between, as when a more urgent job comes.
        if step == 5 {
            generate(&pipeline, &loras::request(Vec::new()));
        }
    }
    assert!(generation.is_done());
    assert_eq!(run(&pipeline, generation).image, expected);
}

#[test]
fn sizes_left_open_are_so_many_times_the_models() {
    let pipeline = pipeline_of("epsilon", 2);
    let hires = |scale| {
        Some(Hires {
            scale,
            strength: 0.5,
            loras: Vec::new(),
        })
    };
    let request = GenerateRequest {
        steps: Some(2),
        hires: hires(1.5),
        ..GenerateRequest::default()
    };
    let (width, height) = generate(
        &pipeline,
        &GenerateRequest {
            hires: None,
            ..request.clone()
        },
    )
    .image
    .dimensions();
    let frame = generate(&pipeline, &request);
    assert_eq!(
        frame.image.dimensions(),
        (width * 3 / 2, height * 3 / 2),
        "1.5 times {width}x{height}"
    );
    let hires = frame.provenance.hires.unwrap();
    assert_eq!((hires.width, hires.height), (width, height));
}

#[test]
fn two_passes_that_cannot_be_made_are_refused_before_any_work() {
    let pipeline = pipeline_of("epsilon", 2);
    let refused = |scale, strength, change: &dyn Fn(&mut GenerateRequest)| {
        let mut request = request(Sampler::Ddim);
        request.hires = Some(Hires {
            scale,
            strength,
            loras: Vec::new(),
        });
        change(&mut request);
        pipeline.start(&request).unwrap_err()
    };
    for scale in [1.0, 0.0, -2.0, f32::NAN, 4.5, f32::INFINITY] {
        let error = refused(scale, 0.5, &|_| ()).to_string();
        assert!(error.contains("scale"), "{scale}: {error}");
    }
    for strength in [0.0, 1.5, f32::NAN] {
        let error = refused(2.0, strength, &|_| ());
        assert!(matches!(error, GenerateError::Schedule(_)), "{error}");
    }
    let error = refused(2.0, 0.5, &|request| {
        request.init_image = Some(InitImage {
            image: image::RgbImage::new(16, 16),
            strength: 0.5,
        });
    });
    assert!(error.to_string().contains("picture to start from"));
    let error = refused(4.0, 0.5, &|request| {
        request.width = None;
        request.height = Some(4096);
    });
    assert!(matches!(error, GenerateError::SizeBounds { .. }), "{error}");
}
