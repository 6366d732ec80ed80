//! How long segmenters take to look at a picture of 1024 × 768 and to answer a
//! click on it. `tests/golden/segment_speed.py` writes such files with random
//! weights and says how long PyTorch takes with them.
//!
//! ```text
//! cargo run --release -p framewright-engine --example segment_speed -- FILE…
//! ```

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use framewright_engine::device::Device;
use framewright_engine::segment::{Prompt, Segmenter};
use image::RgbImage;

/// Passes of which the quickest counts.
const LOOKS: usize = 3;
const CLICKS: usize = 5;

/// The least seconds that passed, and the least that all processors together
/// computed; the latter is what to go by on a busy machine. It comes in steps
/// of 10 ms, and is not known on every system.
fn best<T>(passes: usize, mut work: impl FnMut() -> Result<T>) -> Result<(f64, f64, T)> {
    let (mut passed, mut computed) = (f64::INFINITY, f64::INFINITY);
    let mut made = None;
    for _ in 0..passes {
        let (began, used) = (Instant::now(), computed_seconds());
        made = Some(work()?);
        passed = passed.min(began.elapsed().as_secs_f64());
        let used = computed_seconds().zip(used).map(|(now, then)| now - then);
        computed = computed.min(used.unwrap_or(f64::NAN));
    }
    Ok((passed, computed, made.context("at least one pass")?))
}

/// Processor time of this process so far.
fn computed_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Option<f64> { fields.get(at)?.parse().ok() };
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    anyhow::ensure!(!files.is_empty(), "give the segmenters' files");
    let threads = std::env::var("RAYON_NUM_THREADS").ok();
    let threads = threads.and_then(|threads| threads.parse::<NonZeroUsize>().ok());
    let device = Device::cpu(threads)?;
    let picture = RgbImage::from_fn(1024, 768, |x, y| {
        image::Rgb([(x * y) as u8, (x ^ y) as u8, (x + 3 * y) as u8])
    });
    for file in files {
        let segmenter = device
            .run(|| Segmenter::open(&file, device.candle()))?
            .network;
        let (look, look_computed, embedding) = best(LOOKS, || {
            Ok(device.run(|| segmenter.embed(&picture, || true))?)
        })?;
        let (click, click_computed, _) = best(CLICKS, || {
            let prompt = Prompt::click(400.0, 300.0);
            Ok(device.run(|| segmenter.segment(&embedding, &prompt))?)
        })?;
        println!(
            "{}: embedding {look:.2} s ({look_computed:.2} s computed), \
             click {:.0} ms ({:.0} ms computed), {} threads",
            file.display(),
            click * 1e3,
            click_computed * 1e3,
            device.threads()
        );
    }
    Ok(())
}
