//! How long the refinements of a mask take on this machine, against one bound
//! for all of them: 200 ms for a mask of 4096 × 4096 pixels. Beside the time
//! that passed, the time that was computed on all threads together, where the
//! system tells it: on a busy machine that is what to go by.
//!
//! ```text
//! cargo run --release -p framewright-canvas --example speed
//! ```

use std::time::{Duration, Instant};

use framewright_canvas::{CanvasError, Mask, Point, Radii, Refinement, Size};

const SIDE: u32 = 4096;
const BOUND: Duration = Duration::from_millis(200);

fn main() -> Result<(), CanvasError> {
    let size = Size::new(SIDE, SIDE);
    println!("a mask of {SIDE}x{SIDE}, best of five, bound {BOUND:?}");
    for (mask_name, mask) in [("a blob", blob(size)?), ("leaves", leaves(size)?)] {
        for (name, refinement) in [
            ("grow 32", Refinement::Grow(Radii::disk(32.0))),
            ("shrink 32", Refinement::Shrink(Radii::disk(32.0))),
            ("blur 32", Refinement::Blur(32.0)),
            ("feather 64", Refinement::Feather(64.0)),
            ("fill holes", Refinement::FillHoles),
            ("drop islands", Refinement::DropIslands(100)),
        ] {
            let mut best = Duration::MAX;
            let computed = computed_seconds();
            for _ in 0..5 {
                let mask = mask.clone();
                let began = Instant::now();
                let refined = mask.refine(&[refinement])?;
                best = best.min(began.elapsed());
                std::hint::black_box(refined);
            }
            let share = best.as_secs_f64() / BOUND.as_secs_f64();
            let computed = computed_seconds()
                .zip(computed)
                .map(|(now, then)| now - then);
            let computed = computed.map_or(f64::NAN, |seconds| seconds / 5.0 * 1e3);
            println!(
                "{mask_name}: {name:12} {:6.0} ms, {share:.2} of the bound; {computed:4.0} ms computed",
                best.as_secs_f64() * 1e3,
            );
        }
    }
    Ok(())
}

/// Processor time of this process so far, in steps of 10 ms.
fn computed_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Option<f64> { fields.get(at)?.parse().ok() };
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// What a segmenter gives: one large shape with a soft edge and a few holes.
fn blob(size: Size) -> Result<Mask, CanvasError> {
    let centre = f64::from(size.width) / 2.0;
    let corners: Vec<Point> = (0..200)
        .map(|corner| {
            let angle = f64::from(corner) * 0.01 * std::f64::consts::PI;
            let reach = centre * (0.6 + 0.2 * (angle * 5.0).sin() + 0.05 * (angle * 31.0).sin());
            Point {
                x: centre + reach * angle.cos(),
                y: centre + reach * angle.sin(),
            }
        })
        .collect();
    let mask = Mask::from_polygon(size, &corners)?;
    let mut values = mask.into_values();
    for (at, value) in values.iter_mut().enumerate() {
        if (at % 409) * (at / 4096 % 409) < 900 {
            *value = 0;
        }
    }
    Mask::new(size, values)
}

/// The worst for it: something everywhere, with rims of every value.
fn leaves(size: Size) -> Result<Mask, CanvasError> {
    let values = (0..size.area()).map(|at| {
        let (x, y) = ((at % 4096) as f64 / 19.0, (at / 4096) as f64 / 23.0);
        let wave = (x + (y * 0.7).sin()).sin() + (y + (x * 0.3).cos()).cos();
        (wave * 400.0).clamp(0.0, 255.0) as u8
    });
    Mask::new(size, values.collect())
}
