//! Compares the engine with diffusers on a Stable Diffusion 1.5 folder of full size, which
//! `tests/golden/full_size.py` makes: `cargo run --release -p framewright-engine --example full_size
//! -- FOLDER`. Prints the largest difference beside the largest value, seconds and peak memory.

use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use framewright_engine::device;
use framewright_engine::model_files::ModelFiles;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The kernel's figure of the most memory that this process ever held, in GB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1e6)
}

fn largest(x: &Tensor) -> Result<f32, Error> {
    Ok(x.abs()?.flatten_all()?.max(0)?.to_scalar()?)
}

/// Runs one network, prints how it compares, and says whether it stays within 1e-4.
fn compare(
    name: &str,
    expected: &Tensor,
    run: impl FnOnce() -> Result<Tensor, Error>,
) -> Result<bool, Error> {
    let start = Instant::now();
    let found = run()?;
    let seconds = start.elapsed().as_secs_f64();
    let (difference, scale) = (largest(&(found - expected)?)?, largest(expected)?);
    let ratio = difference / scale;
    let memory = peak_memory().map_or(String::new(), |gb| format!(", peak memory {gb:.2} GB"));
    println!("{name}: {ratio:.1e} of the largest value {scale:.3}, {seconds:.1} s{memory}");
    Ok(ratio <= 1e-4)
}

fn run(folder: &Path) -> Result<bool, Error> {
    let cpu = Device::Cpu;
    let golden = candle_core::safetensors::load(folder.join("golden.safetensors"), &cpu)?;
    let golden = |name: &str| {
        golden
            .get(name)
            .cloned()
            .ok_or_else(|| format!("golden.safetensors has no “{name}”"))
    };
    let files = ModelFiles::folder(folder);
    let mut good = true;

    let text = files.load_text_encoder(&cpu, DType::F32)?.network;
    let ids = golden("ids")?.to_dtype(DType::U32)?;
    good &= compare("text encoder", &golden("context")?, || {
        Ok(text.forward(&ids, 0)?)
    })?;

    let unet = files.load_unet(&cpu, DType::F32)?.network;
    let (sample, context) = (golden("sample")?, golden("context")?);
    let times = golden("timestep")?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    for pass in [
        "UNet, batch of two, first pass",
        "UNet, batch of two, second pass",
    ] {
        let forward = || Ok(unet.forward(&sample, &times, &context, None)?);
        good &= compare(pass, &golden("noise")?, forward)?;
    }

    let vae = files.load_vae(&cpu, DType::F32)?.network;
    let (latents, image) = (golden("latents")?, golden("image")?);
    good &= compare("VAE decode", &golden("decoded")?, || {
        Ok(vae.decode(&latents)?)
    })?;
    good &= compare("VAE encode", &golden("mean")?, || {
        Ok(vae.encode(&image)?.mean)
    })?;
    Ok(good)
}

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).ok_or("usage: full_size FOLDER")?;
    if device::Device::cpu(None)?.run(|| run(Path::new(&folder)))? {
        return Ok(());
    }
    Err("a network differs by more than 1e-4 of its largest value".into())
}
