//! Rain and what it leaves on the ground.

use tiny_skia::PathBuilder;

use super::super::brush::{Brush, hex};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

/// Streaks of rain over the whole frame, in front of everything.
pub(in crate::world::settings) fn rain(canvas: &mut Canvas, dice: &Dice) {
    let (width, height) = (canvas.camera.width as f32, canvas.camera.height as f32);
    let colour = canvas.lit(hex(0xe6eef6));
    for (label, count, length, alpha) in
        [("far rain", 46, 0.07, 0.30), ("near rain", 20, 0.13, 0.42)]
    {
        let mut dice = dice.split(label);
        let mut path = PathBuilder::new();
        for _ in 0..count {
            let (x, y) = (
                dice.range(-0.05..1.1) * width,
                dice.range(-0.1..1.0) * height,
            );
            let run = length * dice.range(0.7..1.3) * height;
            streak(
                &mut path,
                (x, y),
                run,
                height * if length > 0.1 { 0.0075 } else { 0.005 },
            );
        }
        if let Some(path) = path.finish() {
            canvas.fill_alpha(&path, colour, alpha);
        }
    }
}

/// Rain seen through a pane between pixel corners `min` and `max`.
pub(in crate::world::settings) fn rain_on_pane(
    canvas: &mut Canvas,
    min: (f32, f32),
    max: (f32, f32),
    dice: &Dice,
) {
    let mut dice = dice.split("rain on the pane");
    let colour = canvas.lit(hex(0xdfe9f2));
    let (width, height) = (max.0 - min.0, max.1 - min.1);
    if width < 3.0 || height < 3.0 {
        return;
    }
    let mut path = PathBuilder::new();
    for _ in 0..14 {
        let run = height * dice.range(0.12..0.26);
        let x = min.0 + run * 0.3 + dice.unit() * (width - run * 0.3).max(0.0);
        let y = min.1 + dice.unit() * (height - run);
        streak(&mut path, (x, y), run, (height * 0.012).max(0.4));
    }
    if let Some(path) = path.finish() {
        canvas.fill_alpha(&path, colour, 0.5);
    }
}

fn streak(path: &mut PathBuilder, top: (f32, f32), run: f32, thick: f32) {
    let foot = (top.0 - run * 0.22, top.1 + run);
    path.move_to(top.0, top.1);
    path.line_to(top.0 + thick, top.1);
    path.line_to(foot.0 + thick, foot.1);
    path.line_to(foot.0, foot.1);
    path.close();
}

/// Puddles that mirror the sky, between the given depths and across `x`.
pub(in crate::world::settings) fn puddles(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: (f32, f32),
    ground: Rgb,
    dice: &Dice,
) {
    let mut dice = dice.split("puddles");
    let mirror = canvas
        .light
        .sky()
        .1
        .mix(canvas.lit(ground), 0.3)
        .mix(hex(0xffffff), 0.06);
    for _ in 0..7 {
        let at = (dice.range(x.0..x.1), 0.004, dice.range(z.0..z.1));
        let wide = dice.range(0.35..0.95);
        if !canvas.sees((at.0 - wide, at.0 + wide), (-0.3, 0.3), at.2) {
            continue;
        }
        canvas.disc3(at, wide, wide * 0.34, mirror);
        let shine = mirror.mix(hex(0xffffff), 0.35);
        canvas.disc3(
            (at.0 - wide * 0.25, at.1, at.2 + 0.05),
            wide * 0.4,
            wide * 0.1,
            shine,
        );
    }
}

/// The long reflection of a light on wet ground, towards the camera.
pub(in crate::world::settings) fn reflection(
    canvas: &mut Canvas,
    x: f32,
    z: (f32, f32),
    half_width: f32,
    colour: Rgb,
) {
    let (a, b) = (half_width * 0.6, half_width);
    canvas.sheen(
        &[
            (x - b, 0.003, z.0),
            (x + b, 0.003, z.0),
            (x + a, 0.003, z.1),
            (x - a, 0.003, z.1),
        ],
        colour,
        0.28,
    );
    canvas.sheen(
        &[
            (x - a * 0.5, 0.003, z.0),
            (x + a * 0.5, 0.003, z.0),
            (x + a * 0.4, 0.003, z.1),
            (x - a * 0.4, 0.003, z.1),
        ],
        colour,
        0.3,
    );
}
