//! What LoRAs cost: switching between two of rank 16, and a step with none, one
//! and two of them, on a Stable Diffusion 1.5 of random weights.
//!
//! `cargo run --release -p framewright-engine --example lora -- FOLDER [SIDE]`
//!
//! FOLDER gets the checkpoint (2.1 GB) and the LoRAs, once; SIDE is the frame's,
//! 512 pixels when left out. Needs 6 GB of memory. Requests take turns and the
//! best of each counts, so that other work on the machine falls on all.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use framewright_engine::composition::{FrameBox, RegionArea, RegionRequest};
use framewright_engine::config::{ClipTextConfig, UNetConfig, VaeConfig};
use framewright_engine::device::Device;
use framewright_engine::ldm_names;
use framewright_engine::model_files::ModelFiles;
use framewright_engine::pipeline::{LoadOptions, Pipeline};
use framewright_engine::request::{GenerateRequest, LoraUse};
use framewright_engine::text_encoder::ClipTextModel;
use framewright_engine::unet::UNet;
use framewright_engine::vae::Vae;
use framewright_engine::weights::Weights;
use safetensors::tensor::TensorView;

const RANK: usize = 16;
const TURNS: usize = 3;

type Shapes = Vec<(String, Vec<usize>)>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("name a folder")?);
    let side = arguments.next().map_or(Ok(512), |side| side.parse())?;
    std::fs::create_dir_all(&folder)?;
    let checkpoint = folder.join("checkpoint.safetensors");
    let loras = ["one", "two"].map(|name| folder.join(format!("{name}.safetensors")));
    if !checkpoint.exists() {
        write(&checkpoint, &checkpoint_shapes()?)?;
    }
    for path in &loras {
        write(path, &lora_shapes()?)?;
    }
    let options = LoadOptions {
        hash: Some("random".to_owned()),
        ..LoadOptions::new("random", Device::cpu(None)?)
    };
    let (pipeline, _) = Pipeline::load(&ModelFiles::single_file(&checkpoint), &options)?;
    println!(
        "{side}x{side}, {} threads, {}; a LoRA of rank {RANK} has {} MB",
        pipeline.device().threads(),
        framewright_kernels::instruction_set(),
        std::fs::metadata(&loras[0])?.len() >> 20
    );
    switching(&pipeline, &loras, side)?;
    steps(&pipeline, &loras, side)
}

fn request(loras: &[&PathBuf], side: u32) -> GenerateRequest {
    let uses = loras.iter().map(|path| LoraUse {
        name: path.display().to_string(),
        path: path.to_path_buf(),
        weight: 0.7,
        text_weight: None,
    });
    GenerateRequest {
        prompt: "medium shot picture of a woman in a library".to_owned(),
        width: Some(side),
        height: Some(side),
        loras: uses.collect(),
        ..GenerateRequest::default()
    }
}

/// What it takes to have a LoRA ready beside the weights.
fn switching(pipeline: &Pipeline, loras: &[PathBuf; 2], side: u32) -> Result<()> {
    let lora = |path: &PathBuf| -> Result<f64> {
        let began = Instant::now();
        pipeline.lora(path, false)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    let start = |request: &GenerateRequest| -> Result<f64> {
        let began = Instant::now();
        pipeline.start(request)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    let [mut cold, mut warm, mut kept, mut none, mut one, mut both] = [f64::MAX; 6];
    for _ in 0..2 * TURNS {
        // Another time of change makes it a file that was not read yet.
        forget(&loras[0])?;
        cold = cold.min(lora(&loras[0])?);
        touch(&loras[0])?;
        warm = warm.min(lora(&loras[0])?);
        lora(&loras[1])?;
        kept = kept.min(lora(&loras[0])?);
        none = none.min(start(&request(&[], side))?);
        one = one.min(start(&request(&[&loras[0]], side))?);
        both = both.min(start(&request(&[&loras[0], &loras[1]], side))?);
    }
    println!(
        "to switch to a LoRA: not in the page cache {cold:.1} ms, in it {warm:.1} ms, used before {kept:.3} ms"
    );
    println!(
        "to begin a frame, its text encoded: without a LoRA {none:.0} ms, with one {one:.0} ms, two {both:.0} ms"
    );
    Ok(())
}

/// Seconds of a step with none, one and two LoRAs, and with one in each half.
fn steps(pipeline: &Pipeline, loras: &[PathBuf; 2], side: u32) -> Result<()> {
    let [one, two] = loras;
    let half = |left: f32, right: f32, lora: &PathBuf| RegionRequest {
        area: RegionArea::Box(FrameBox {
            left,
            right,
            ..FrameBox::WHOLE
        }),
        loras: request(&[lora], side).loras,
        ..RegionRequest::default()
    };
    let regional = GenerateRequest {
        regions: vec![half(0.0, 0.5, one), half(0.5, 1.0, two)],
        ..request(&[], side)
    };
    let requests = [
        ("no LoRA", request(&[], side)),
        ("one", request(&[one], side)),
        ("two", request(&[one, two], side)),
        ("one in each half", regional),
    ];
    let mut best = [f64::MAX; 4];
    for _ in 0..TURNS {
        for ((_, request), best) in requests.iter().zip(&mut best) {
            let mut generation = pipeline.start(request)?;
            let began = Instant::now();
            generation.step(pipeline)?;
            *best = best.min(began.elapsed().as_secs_f64());
        }
    }
    for ((what, _), seconds) in requests.iter().zip(best) {
        println!(
            "a step with {what:<17} {seconds:6.2} s   {:.3} x",
            seconds / best[0]
        );
    }
    Ok(())
}

/// Drops a file from the page cache, as far as the system's `dd` can.
fn forget(path: &Path) -> Result<()> {
    touch(path)?;
    let file = format!("of={}", path.display());
    let options = ["oflag=nocache", "conv=notrunc,fdatasync", "count=0"];
    let done = std::process::Command::new("dd")
        .args([&file, "if=/dev/null", "status=none"])
        .args(options)
        .status()?;
    anyhow::ensure!(done.success(), "dd could not drop {}", path.display());
    Ok(())
}

fn touch(path: &Path) -> Result<()> {
    let file = File::options().append(true).open(path)?;
    Ok(file.set_modified(std::time::SystemTime::now())?)
}

fn checkpoint_shapes() -> Result<Shapes> {
    let unet = UNetConfig::stable_diffusion_1_5(4);
    let vae = VaeConfig::stable_diffusion_1_5();
    let text = ClipTextConfig::stable_diffusion_1_5();
    let mut shapes = Shapes::new();
    for (name, shape) in Weights::parameters(|w| UNet::new(&unet, w))? {
        shapes.push((ldm_names::unet(&unet, &name), shape));
    }
    for (name, shape) in Weights::parameters(|w| Vae::new(&vae, w))? {
        let name = format!("{}{}", ldm_names::VAE_PREFIX, ldm_names::vae(&vae, &name));
        shapes.push((name, shape));
    }
    for (name, shape) in Weights::parameters(|w| ClipTextModel::new(&text, w))? {
        shapes.push((ldm_names::text_encoder(&name), shape));
    }
    Ok(shapes)
}

/// What trainers adapt as a rule: the linear layers of the transformers and of
/// the text encoder.
fn lora_shapes() -> Result<Shapes> {
    let unet = UNetConfig::stable_diffusion_1_5(4);
    let text = ClipTextConfig::stable_diffusion_1_5();
    let of_unet = Weights::parameters(|w| UNet::new(&unet, w))?;
    let of_text = Weights::parameters(|w| ClipTextModel::new(&text, w))?;
    let mut shapes = Shapes::new();
    for (prefix, parameters, part) in [
        ("lora_unet", of_unet, "attentions"),
        ("lora_te", of_text, "encoder.layers"),
    ] {
        for (name, shape) in parameters {
            let Some(layer) = name.strip_suffix(".weight") else {
                continue;
            };
            let &[outputs, inputs, ..] = shape.as_slice() else {
                continue;
            };
            if name.contains(part) {
                let layer = format!("{prefix}_{}", layer.replace('.', "_"));
                shapes.push((format!("{layer}.lora_down.weight"), vec![RANK, inputs]));
                shapes.push((format!("{layer}.lora_up.weight"), vec![outputs, RANK]));
            }
        }
    }
    Ok(shapes)
}

/// Writes tensors of random f16 of about unit gain.
fn write(path: &Path, shapes: &Shapes) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut data = BTreeMap::new();
    for (name, shape) in shapes {
        let inputs: usize = shape.iter().skip(1).product();
        let scale = match shape.as_slice() {
            [_] => 0.0,
            _ => (3.0 / inputs as f32).sqrt(),
        };
        let norm = shape.len() == 1 && name.ends_with("weight");
        let bytes: Vec<u8> = (0..shape.iter().product())
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let value = ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale;
                let value = if norm { 1.0 } else { value };
                half::f16::from_f32(value).to_le_bytes()
            })
            .collect();
        data.insert(name.clone(), (shape.clone(), bytes));
    }
    let views: BTreeMap<String, TensorView<'_>> = data
        .iter()
        .map(|(name, (shape, bytes))| {
            let view = TensorView::new(safetensors::Dtype::F16, shape.clone(), bytes)?;
            Ok((name.clone(), view))
        })
        .collect::<Result<_>>()?;
    safetensors::serialize_to_file(&views, None, path)?;
    Ok(())
}
