//! How much faster the fused operations are than candle's, in one run.
//!
//! `cargo run --release -p framewright-engine --example speed -- [operations|unet]`
//!
//! `operations` takes the shapes of a Stable Diffusion 1.5 step at 512 x 512 (two
//! latents: with and without the prompt), of its VAE decoder, and of a small
//! model; `unet` a whole step with random weights, and prints the process' peak
//! memory. Both forms take turns, and the best of each counts, so that other
//! work on the machine falls on both.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use framewright_engine::config::UNetConfig;
use framewright_engine::ops;
use framewright_engine::unet::UNet;
use framewright_engine::weights::Weights;

/// Turns each form gets.
const TURNS: usize = 5;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None | Some("operations") => operations(),
        Some("unet") => unet(),
        Some(other) => anyhow::bail!("expected \"operations\" or \"unet\", not {other:?}"),
    }
}

/// A tensor of reproducible numbers in −1..1, times `scale`.
fn numbers(dims: &[usize], scale: f32) -> Result<Tensor> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let values: Vec<f32> = (0..dims.iter().product())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale
        })
        .collect();
    Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
}

/// Best times of the composed and the fused form.
fn compare(turns: usize, run: impl Fn() -> candle_core::Result<Tensor>) -> Result<[Duration; 2]> {
    let mut best = [Duration::MAX; 2];
    for _ in 0..turns {
        for (best, fused) in best.iter_mut().zip([false, true]) {
            ops::set_fused(fused);
            let start = Instant::now();
            run()?;
            *best = start.elapsed().min(*best);
        }
    }
    Ok(best)
}

fn report(name: &str, gigaflop: f64, run: impl Fn() -> candle_core::Result<Tensor>) -> Result<()> {
    let [composed, fused] = compare(TURNS, run)?;
    let (composed, fused) = (composed.as_secs_f64(), fused.as_secs_f64());
    println!(
        "{name:<44} candle {:8.2} ms   fused {:8.2} ms   {:5.2} x   {:6.0} GFLOP/s",
        composed * 1e3,
        fused * 1e3,
        composed / fused,
        gigaflop / fused,
    );
    Ok(())
}

fn conv(
    batch: usize,
    from: usize,
    to: usize,
    size: usize,
    kernel: usize,
    stride: usize,
) -> Result<()> {
    let x = numbers(&[batch, from, size, size], 1.0)?;
    let w = numbers(&[to, from, kernel, kernel], 0.05)?;
    let b = numbers(&[to], 1.0)?;
    let out = size / stride;
    let gigaflop = (2 * batch * to * out * out * from * kernel * kernel) as f64 / 1e9;
    let name = format!("conv {kernel}x{kernel}/{stride} {batch}x{from}x{size}x{size} to {to}");
    report(&name, gigaflop, || {
        ops::conv2d(&x, &w, Some(&b), stride, kernel / 2)
    })
}

fn attention(batch: usize, queries: usize, keys: usize, heads: usize, dim: usize) -> Result<()> {
    let q = numbers(&[batch, queries, heads * dim], 1.0)?;
    let k = numbers(&[batch, keys, heads * dim], 1.0)?;
    let gigaflop = (4 * batch * queries * keys * heads * dim) as f64 / 1e9;
    let name = format!("attention {batch}x{queries}x{keys}, {heads} heads of {dim}");
    report(&name, gigaflop, || {
        ops::attention(&q, &k, &k, heads, 0.1, None)
    })
}

fn linear(rows: usize, inputs: usize, outputs: usize) -> Result<()> {
    let x = numbers(&[rows, inputs], 1.0)?;
    let w = numbers(&[outputs, inputs], 1.0)?;
    let b = numbers(&[outputs], 1.0)?;
    let gigaflop = (2 * rows * inputs * outputs) as f64 / 1e9;
    let name = format!("linear {rows}x{inputs} to {outputs}");
    report(&name, gigaflop, || ops::linear(&x, &w, Some(&b)))
}

fn norm(batch: usize, channels: usize, size: usize) -> Result<()> {
    let x = numbers(&[batch, channels, size, size], 1.0)?;
    let w = numbers(&[channels], 1.0)?;
    let name = format!("group norm + silu {batch}x{channels}x{size}x{size}");
    report(&name, 0.0, || ops::group_norm(&x, 32, &w, &w, 1e-5, true))
}

fn operations() -> Result<()> {
    println!("{}", framewright_kernels::instruction_set());
    for (channels, size) in [(320, 64), (640, 32), (1280, 16), (1280, 8)] {
        conv(2, channels, channels, size, 3, 1)?;
    }
    conv(2, 640, 320, 64, 3, 1)?;
    conv(2, 320, 320, 64, 3, 2)?;
    conv(2, 320, 320, 64, 1, 1)?;
    conv(2, 4, 320, 64, 3, 1)?;
    conv(2, 320, 4, 64, 3, 1)?;
    for (tokens, dim) in [(4096, 40), (1024, 80), (256, 160)] {
        attention(2, tokens, tokens, 8, dim)?;
        attention(2, tokens, 77, 8, dim)?;
        linear(2 * tokens, 8 * dim, 8 * dim)?;
        linear(2 * tokens, 8 * dim, 64 * dim)?;
        let x = numbers(&[2 * tokens, 64 * dim], 1.0)?;
        report(&format!("geglu {}x{}", 2 * tokens, 64 * dim), 0.0, || {
            ops::geglu(&x)
        })?;
        let w = numbers(&[8 * dim], 1.0)?;
        let x = numbers(&[2 * tokens, 8 * dim], 1.0)?;
        report(
            &format!("layer norm {}x{}", 2 * tokens, 8 * dim),
            0.0,
            || ops::layer_norm(&x, &w, &w, 1e-5),
        )?;
    }
    norm(2, 320, 64)?;
    norm(2, 1280, 16)?;
    println!("VAE decoder");
    conv(1, 128, 128, 512, 3, 1)?;
    conv(1, 512, 512, 64, 3, 1)?;
    attention(1, 4096, 4096, 1, 512)?;
    norm(1, 128, 512)?;
    println!("small model");
    for (channels, size) in [(96, 16), (160, 8), (224, 4), (224, 16)] {
        conv(2, channels, channels, size, 3, 1)?;
    }
    attention(2, 256, 256, 6, 16)?;
    attention(2, 256, 77, 6, 16)?;
    linear(512, 96, 96)?;
    linear(512, 96, 768)?;
    norm(2, 96, 16)?;
    Ok(())
}

/// The most memory this process ever held, in MiB, where Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

fn unet() -> Result<()> {
    let config = UNetConfig::stable_diffusion_1_5(4);
    let parameters = Weights::parameters(|weights| UNet::new(&config, weights))?;
    let tensors = parameters
        .into_iter()
        .map(|(name, dims)| {
            // About unit variance through every layer.
            let inputs: usize = dims[1..].iter().product();
            let scale = (3.0 / inputs as f32).sqrt();
            Ok((name, numbers(&dims, scale)?))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    let device = Device::Cpu;
    let built = Weights::build("UNet", &tensors, &device, DType::F32, |weights| {
        UNet::new(&config, weights)
    })?;
    let context = numbers(&[2, 77, 768], 1.0)?;
    let x = numbers(&[2, 4, 64, 64], 1.0)?;
    let step = || built.network.forward(&x, &[500.0, 500.0], &context, None);
    println!("weights: peak {:?} MiB", peak_memory());
    for turn in 0..3 {
        for (name, fused) in [("fused", true), ("candle", false)] {
            ops::set_fused(fused);
            let start = Instant::now();
            let y = step()?;
            let seconds = start.elapsed().as_secs_f64();
            let size = y.sqr()?.mean_all()?.to_scalar::<f32>()?;
            println!(
                "{name:<7} {seconds:6.2} s a step, output {size:.6}, peak {:?} MiB",
                peak_memory(),
            );
            if turn == 2 {
                break;
            }
        }
    }
    Ok(())
}
