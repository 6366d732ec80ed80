//! LoRAs: the same latents as diffusers, from every format, in any company.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::Device::Cpu;
use candle_core::{DType, Tensor};
use framewright_engine::config::UNetConfig;
use framewright_engine::generation::{Generation, Given};
use framewright_engine::guidance::GuidanceMode;
use framewright_engine::ldm_names;
use framewright_engine::lora::LoraError;
use framewright_engine::pipeline::Pipeline;
use framewright_engine::request::{GenerateError, GenerateRequest, LoraUse};
use framewright_engine::sampler::Sampler;

use crate::golden::{self, Tensors, relative_difference};
use crate::pipeline::{generate, pipeline_of, run};

/// Largest difference, as a share of the largest value.
pub const BOUND: f32 = 1e-4;

/// A LoRA of the golden data.
pub fn lora(name: &str, weight: f32, text_weight: f32) -> LoraUse {
    LoraUse {
        name: name.to_owned(),
        path: golden::path(&format!("lora/{name}.safetensors")),
        weight,
        text_weight: Some(text_weight),
    }
}

/// The request that all LoRAs of the golden data are drawn with.
pub fn request(loras: Vec<LoraUse>) -> GenerateRequest {
    GenerateRequest {
        prompt: "a red woman in a top shot of a library".to_owned(),
        negative_prompt: "man".to_owned(),
        width: Some(16),
        height: Some(16),
        steps: Some(2),
        guidance_scale: Some(3.0),
        sampler: Some(Sampler::Ddim),
        loras,
        ..GenerateRequest::default()
    }
}

/// The latents after all steps, from the golden noise.
pub fn latents(pipeline: &Pipeline, request: &GenerateRequest) -> Vec<f32> {
    let given = Given {
        noise: Some(Tensors::open("lora/golden.safetensors").values("noise")),
        ..Given::default()
    };
    let mut generation = pipeline.start_given(request, given).unwrap();
    while !generation.is_done() {
        generation.step(pipeline).unwrap();
    }
    generation.latents().to_vec()
}

#[test]
fn latents_are_those_of_diffusers() {
    let cases: BTreeMap<String, Vec<(String, f32, f32)>> = golden::json("lora/golden.json");
    let tensors = Tensors::open("lora/golden.safetensors");
    let pipeline = pipeline_of("epsilon", 2);
    let mut worst = 0f32;
    for (case, loras) in &cases {
        let loras = loras
            .iter()
            .map(|(name, unet, text)| lora(name, *unet, *text));
        let batch = request(loras.collect());
        let two_passes = GenerateRequest {
            guidance_mode: Some(GuidanceMode::TwoPasses),
            ..batch.clone()
        };
        for request in [batch, two_passes] {
            let found = latents(&pipeline, &request);
            let expected = tensors.values(&format!("{case}.latents"));
            let difference = relative_difference(&found, &expected);
            worst = worst.max(difference);
            assert!(difference <= BOUND, "{case}: {difference}");
        }
    }
    println!("{} cases, largest difference {worst}", cases.len());
    // Without a weight they cost nothing, not even rounding.
    let none = latents(&pipeline, &request(Vec::new()));
    let zero = latents(&pipeline, &request(vec![lora("whole", 0.0, 0.0)]));
    assert_eq!(none, zero);
}

/// The tensors of a golden file, under other names.
fn renamed(name: &str, rename: impl Fn(&str) -> String) -> HashMap<String, Tensor> {
    let path = golden::path(&format!("lora/{name}.safetensors"));
    let tensors = candle_core::safetensors::load(path, &Cpu).unwrap();
    tensors
        .into_iter()
        .map(|(key, tensor)| (rename(&key), tensor))
        .collect()
}

fn written(tensors: &HashMap<String, Tensor>, folder: &Path) -> PathBuf {
    let path = folder.join("lora.safetensors");
    candle_core::safetensors::save(tensors, &path).unwrap();
    path
}

#[test]
fn every_format_gives_the_same() {
    let pipeline = pipeline_of("epsilon", 2);
    let expected = Tensors::open("lora/golden.safetensors").values("few.latents");
    let folder = tempfile::tempdir().unwrap();
    let config = std::fs::read_to_string(golden::path("pipeline/unet/config.json")).unwrap();
    let config: UNetConfig = serde_json::from_str(&config).unwrap();
    // kohya's underscores over the names of the original code.
    let original = renamed("few-kohya", |key| {
        let (layer, rest) = key.split_once('.').unwrap();
        let Some(flat) = layer.strip_prefix("lora_unet_") else {
            return key.to_owned();
        };
        let mut layers = pipeline.unet().adaptable_layers().keys();
        let name = layers.find(|name| name.replace('.', "_") == flat).unwrap();
        let original = ldm_names::unet(&config, name);
        let original = original.strip_prefix(ldm_names::UNET_PREFIX).unwrap();
        format!("lora_unet_{}.{rest}", original.replace('.', "_"))
    });
    assert!(
        original
            .keys()
            .any(|key| key.starts_with("lora_unet_input_blocks_"))
    );
    let original = written(&original, folder.path());
    let peft = ["unet", "text_encoder"]
        .map(|name| golden::path(&format!("lora/few-peft/{name}/adapter_model.safetensors")));
    let few = |paths: &[PathBuf]| -> Vec<LoraUse> {
        let uses = paths.iter().map(|path| LoraUse {
            path: path.clone(),
            ..lora("few", 1.0, 1.0)
        });
        uses.collect()
    };
    for (format, loras) in [
        ("diffusers", vec![lora("few", 1.0, 1.0)]),
        ("old diffusers", vec![lora("few-old", 1.0, 1.0)]),
        ("kohya", vec![lora("few-kohya", 1.0, 1.0)]),
        ("kohya, original names", few(&[original])),
        ("PEFT", few(&peft)),
    ] {
        let found = latents(&pipeline, &request(loras));
        let difference = relative_difference(&found, &expected);
        assert!(difference <= BOUND, "{format}: {difference}");
    }
}

#[test]
fn a_kernel_split_in_three_is_the_kernel() {
    let numbers = |dims: &[usize], seed: f64| {
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|i: usize| ((i as f64 * 0.73 + seed).sin() * 0.4) as f32)
            .collect();
        Tensor::from_vec(values, dims, &Cpu).unwrap()
    };
    // conv1 of the first block: 8 channels to 8.
    let layer = "lora_unet_down_blocks_0_resnets_0_conv1";
    let (down, middle, up) = (
        numbers(&[3, 8, 1, 1], 0.1),
        numbers(&[2, 3, 3, 3], 0.2),
        numbers(&[8, 2, 1, 1], 0.3),
    );
    let mut whole = Tensor::zeros((2, 8, 3, 3), DType::F32, &Cpu).unwrap();
    for from in 0..3 {
        let middle = middle.narrow(1, from, 1).unwrap();
        let down = down.narrow(0, from, 1).unwrap();
        whole = (whole + middle.broadcast_mul(&down).unwrap()).unwrap();
    }
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let key = |part: &str| format!("{layer}.lora_{part}.weight");
    let split = written(
        &HashMap::from([
            (key("down"), down),
            (key("mid"), middle),
            (key("up"), up.clone()),
        ]),
        folders[0].path(),
    );
    let whole = written(
        &HashMap::from([(key("down"), whole), (key("up"), up)]),
        folders[1].path(),
    );
    let pipeline = pipeline_of("epsilon", 1);
    let [none, split, whole] = [None, Some(split), Some(whole)].map(|path| {
        let uses = path.into_iter().map(|path| LoraUse {
            path,
            ..lora("few", 1.0, 1.0)
        });
        latents(&pipeline, &request(uses.collect()))
    });
    assert!(relative_difference(&split, &whole) < 1e-5);
    assert!(relative_difference(&split, &none) > 1e-2);
}

fn refusal(pipeline: &Pipeline, path: &Path, partial: bool) -> LoraError {
    pipeline.lora(path, partial).unwrap_err()
}

#[test]
fn what_does_not_fit_is_listed() {
    let pipeline = pipeline_of("epsilon", 1);
    let folder = tempfile::tempdir().unwrap();
    let tensor = |dims: &[usize]| Tensor::ones(dims, DType::F32, &Cpu).unwrap();
    let mut tensors = renamed("few", str::to_owned);
    let few = tensors.clone();
    let put = |tensors: &mut HashMap<String, Tensor>, key: &str, dims: &[usize]| {
        tensors.insert(key.to_owned(), tensor(dims));
    };
    put(&mut tensors, "unet.elsewhere.to_q.lora_A.weight", &[2, 8]);
    put(&mut tensors, "unet.elsewhere.to_q.lora_B.weight", &[8, 2]);
    let wrong = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k";
    put(&mut tensors, &format!("{wrong}.lora_A.weight"), &[2, 2048]);
    put(&mut tensors, &format!("{wrong}.lora_B.weight"), &[16, 2]);
    put(
        &mut tensors,
        "unet.mid_block.resnets.0.conv1.lora_A.weight",
        &[2, 16, 3, 3],
    );
    put(&mut tensors, "emb_params", &[1, 32]);
    let path = written(&tensors, folder.path());
    let message = refusal(&pipeline, &path, false).to_string();
    for expected in [
        "Stable Diffusion XL",
        "no such layer    unet.elsewhere.to_q",
        &format!("another shape    {wrong}: the layer's weight is [16, 32], A is [2, 2048]"),
        "without partner  unet.mid_block.resnets.0.conv1.lora_A.weight",
        "of unknown kind  emb_params",
        "13 of its layers fit",
        "partial",
    ] {
        assert!(
            message.contains(expected),
            "{expected:?} is not in {message}"
        );
    }

    // What fits is used if that is wanted, and the rest is told.
    let partial = pipeline.lora(&path, true).unwrap();
    assert!(
        partial.notes[0].contains("4 keys or layers left out"),
        "{:?}",
        partial.notes
    );
    let found = latents(
        &pipeline,
        &GenerateRequest {
            partial_loras: true,
            ..request(vec![LoraUse {
                path: path.clone(),
                ..lora("few", 1.0, 1.0)
            }])
        },
    );
    // The file has no alphas: candle does not write diffusers' note.
    let plain = written(&few, tempfile::tempdir().unwrap().keep().as_path());
    let expected = latents(
        &pipeline,
        &request(vec![LoraUse {
            path: plain,
            ..lora("few", 1.0, 1.0)
        }]),
    );
    assert_eq!(found, expected);

    // Of another architecture nothing fits.
    let mut foreign = HashMap::new();
    put(
        &mut foreign,
        "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        &[2, 8],
    );
    put(
        &mut foreign,
        "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight",
        &[8, 2],
    );
    let path = written(&foreign, folder.path());
    for partial in [false, true] {
        let message = refusal(&pipeline, &path, partial).to_string();
        assert!(message.contains("Stable Diffusion XL"), "{message}");
        assert!(!message.contains("partial"), "{message}");
    }
}

#[test]
fn other_methods_are_refused_by_name() {
    let pipeline = pipeline_of("epsilon", 1);
    let folder = tempfile::tempdir().unwrap();
    let layer = "lora_unet_mid_block_attentions_0_proj_in";
    for (keys, name) in [
        (
            &["dora_scale", "lora_down.weight", "lora_up.weight"][..],
            "DoRA",
        ),
        (
            &["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"],
            "LoHa",
        ),
        (&["lokr_w1", "lokr_w2"], "LoKr"),
        (&["oft_blocks"], "OFT"),
        (&["diff"], "full differences"),
    ] {
        let tensors: HashMap<String, Tensor> = keys
            .iter()
            .map(|key| {
                let ones = Tensor::ones((16, 16), DType::F32, &Cpu).unwrap();
                (format!("{layer}.{key}"), ones)
            })
            .collect();
        let path = written(&tensors, folder.path());
        let error = refusal(&pipeline, &path, false);
        assert!(matches!(error, LoraError::Unsupported { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains(layer),
            "{message}"
        );
        assert!(pipeline.lora(&path, true).is_err(), "{name}");
    }
}

#[test]
fn unsound_files_are_refused() {
    let pipeline = pipeline_of("epsilon", 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lora.safetensors");
    assert!(
        refusal(&pipeline, &path, false)
            .to_string()
            .contains("cannot read")
    );
    let whole = std::fs::read(golden::path("lora/few.safetensors")).unwrap();
    for length in [0, 7, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let message = refusal(&pipeline, &path, false).to_string();
        assert!(message.contains("truncated"), "{message}");
    }
    // A checkpoint is no LoRA.
    let unet = golden::path("pipeline/unet/diffusion_pytorch_model.safetensors");
    let error = refusal(&pipeline, &unet, true);
    assert!(matches!(error, LoraError::NoLora { .. }), "{error}");
    let mut tensors = renamed("few-kohya", str::to_owned);
    let alpha = tensors
        .keys()
        .find(|key| key.ends_with(".alpha"))
        .unwrap()
        .clone();
    let nan = Tensor::new(f32::NAN, &Cpu).unwrap();
    tensors.insert(alpha.clone(), nan);
    let path = written(&tensors, folder.path());
    assert!(
        refusal(&pipeline, &path, false)
            .to_string()
            .contains(&alpha)
    );
    let ranks = HashMap::from([
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight".to_owned(),
            Tensor::zeros((0, 32), DType::F32, &Cpu).unwrap(),
        ),
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight".to_owned(),
            Tensor::zeros((64, 0), DType::F32, &Cpu).unwrap(),
        ),
    ]);
    let path = written(&ranks, folder.path());
    assert!(
        refusal(&pipeline, &path, true)
            .to_string()
            .contains("another shape")
    );
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let pipeline = pipeline_of("epsilon", 1);
    let refused = |loras| pipeline.start(&request(loras)).unwrap_err();
    for weight in [4.5, f32::NAN, f32::NEG_INFINITY] {
        let message = refused(vec![lora("few", weight, 1.0)]).to_string();
        assert!(message.contains("LoRA weight"), "{message}");
        let message = refused(vec![lora("few", 1.0, weight)]).to_string();
        assert!(message.contains("LoRA weight"), "{message}");
    }
    let many = vec![lora("few", 0.1, 0.1); 33];
    assert!(matches!(refused(many), GenerateError::LoraCount(33)));
    let missing = refused(vec![lora("missing", 1.0, 1.0)]).to_string();
    assert!(missing.contains("\"missing\""), "{missing}");
}

/// The checkpoint that a LoRA was trained on is told where it is another one.
#[test]
fn another_checkpoint_is_noted() {
    let pipeline = pipeline_of("epsilon", 1);
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(golden::path("lora/few-kohya.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let path = folder.path().join("lora.safetensors");
    for (base, noted) in [
        ("realistic.safetensors", true),
        ("golden.safetensors", false),
    ] {
        let metadata = HashMap::from([("ss_sd_model_name".to_owned(), base.to_owned())]);
        let written = safetensors::serialize(file.tensors(), Some(metadata)).unwrap();
        std::fs::write(&path, written).unwrap();
        let lora = pipeline.lora(&path, false).unwrap();
        let told = lora.notes.iter().any(|note| note.contains("realistic"));
        assert_eq!(told, noted, "{:?}", lora.notes);
    }
}

#[test]
fn frames_with_other_loras_do_not_disturb_each_other() {
    let pipeline = pipeline_of("epsilon", 2);
    let requests = [
        request(vec![lora("whole", 0.7, 0.7)]),
        request(Vec::new()),
        request(vec![lora("style", 1.0, 0.0), lora("whole", 0.5, 1.0)]),
        request(vec![lora("whole", -0.5, 0.3)]),
    ];
    let alone: Vec<_> = requests
        .iter()
        .map(|request| generate(&pipeline, request).image)
        .collect();
    for (at, image) in alone.iter().enumerate() {
        assert!(!alone[..at].contains(image), "{at} is no frame of its own");
    }
    let mut generations: Vec<Generation> = requests
        .iter()
        .map(|request| pipeline.start(request).unwrap())
        .collect();
    for _ in 0..2 {
        for generation in generations.iter_mut().rev() {
            generation.step(&pipeline).unwrap();
        }
    }
    for (generation, alone) in generations.into_iter().zip(&alone) {
        assert_eq!(generation.finish(&pipeline).unwrap().image, *alone);
    }
    // From several threads at once, too.
    std::thread::scope(|scope| {
        for (request, alone) in requests.iter().zip(&alone) {
            let pipeline = &pipeline;
            scope.spawn(move || assert_eq!(generate(pipeline, request).image, *alone));
        }
    });
    // And afterwards every layer is as its checkpoint made it.
    for layers in [
        pipeline.unet().adaptable_layers(),
        pipeline.text_encoder().adaptable_layers(),
    ] {
        assert!(layers.values().all(|layer| layer.adapters.is_empty()));
    }
}

#[test]
fn loras_are_recorded_by_content() {
    let pipeline = pipeline_of("epsilon", 2);
    let loras = vec![lora("style", 0.5, 0.5), lora("few", 1.0, 0.25)];
    let frame = generate(&pipeline, &request(loras.clone()));
    let recorded = &frame.provenance.loras;
    assert_eq!(recorded.len(), 2);
    let bytes = std::fs::read(&loras[1].path).unwrap();
    assert_eq!(recorded[1].hash, blake3::hash(&bytes).to_hex().to_string());
    assert_eq!((recorded[0].weight, recorded[0].text_weight), (0.5, None));
    assert_eq!(
        (recorded[1].weight, recorded[1].text_weight),
        (1.0, Some(0.25))
    );
    assert_eq!(recorded[1].name, "few");

    let again = recorded.iter().map(|lora| LoraUse {
        name: lora.name.clone(),
        path: golden::path(&format!("lora/{}.safetensors", lora.name)),
        weight: lora.weight,
        text_weight: lora.text_weight,
    });
    let again = run(
        &pipeline,
        pipeline.start(&request(again.collect())).unwrap(),
    );
    assert_eq!(again.image, frame.image);
    assert!(frame.provenance.differences(&again.provenance).is_empty());

    let other = generate(&pipeline, &request(vec![lora("few-kohya", 1.0, 0.25)]));
    let differences = frame.provenance.differences(&other.provenance);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(
        differences[0].starts_with("LoRAs: style 0.5 ("),
        "{differences:?}"
    );
}
