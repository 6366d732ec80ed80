//! The sky: gradient, sun or moon, stars, clouds.

use tiny_skia::PathBuilder;

use super::super::brush::{Brush, hex};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

/// How far away the sky hangs, in metres.
const FAR: f32 = 1000.0;

/// Top and horizon colour; rain greys both.
pub(in crate::world::settings) fn tones(light: Light, rain: bool) -> (Rgb, Rgb) {
    let (top, horizon) = light.sky();
    if !rain {
        return (top, horizon);
    }
    let grey = light.lit(hex(0xa9b4bf));
    (
        top.mix(grey, 0.62),
        horizon.mix(grey.mix(hex(0xffffff), 0.12), 0.55),
    )
}

/// Covers the frame with sky.
pub(in crate::world::settings) fn draw(canvas: &mut Canvas, rain: bool, dice: &Dice) {
    let (top, horizon) = tones(canvas.light, rain);
    let (width, height) = (canvas.camera.width as f32, canvas.camera.height as f32);
    canvas.wash(horizon);
    let Some((_, level)) = canvas.camera.project(0.0, canvas.camera.eye.1, FAR) else {
        return;
    };
    // A quarter of a radian of sky above the horizon holds the whole gradient.
    let zenith = canvas
        .camera
        .project(0.0, canvas.camera.eye.1 + 0.42 * FAR, FAR)
        .map_or(0.0, |p| p.1);
    if level > 0.0
        && let Some(rect) = tiny_skia::Rect::from_ltrb(0.0, 0.0, width, level.min(height))
    {
        let path = PathBuilder::from_rect(rect);
        canvas.fill_gradient(&path, (0.0, zenith, top), (0.0, level, horizon));
    }
    if !rain {
        heavenly_body(canvas, dice, horizon);
    }
    clouds(canvas, rain, dice, top, horizon);
}

fn heavenly_body(canvas: &mut Canvas, dice: &Dice, horizon: Rgb) {
    let mut dice = dice.split("sun");
    let side = if canvas.from_left { -1.0 } else { 1.0 };
    let x = side * dice.range(120.0..210.0);
    match canvas.light {
        Light::GoldenSunset => {
            let y = dice.range(60.0..100.0);
            canvas.glow((x, y, FAR), 240.0, hex(0xffe2a0), 0.55);
            canvas.puffs(FAR, &[(x, y, 44.0)], hex(0xfff0c4));
        }
        Light::SoftDaylight => {
            let y = dice.range(250.0..330.0);
            canvas.glow((x, y, FAR), 110.0, hex(0xffffff), 0.4);
            canvas.puffs(FAR, &[(x, y, 34.0)], hex(0xfffbe6));
        }
        Light::Night => {
            stars(canvas, &dice);
            let y = dice.range(220.0..310.0);
            canvas.glow((x, y, FAR), 120.0, hex(0xc9d6ff), 0.3);
            canvas.puffs(FAR, &[(x, y, 34.0)], hex(0xf3f1dd));
            if dice.chance(0.5) {
                canvas.puffs(
                    FAR,
                    &[(x + 15.0, y + 8.0, 29.0)],
                    canvas.light.sky().0.mix(horizon, 0.3),
                );
            }
        }
        Light::LowLight => {}
    }
}

fn stars(canvas: &mut Canvas, dice: &Dice) {
    let mut dice = dice.split("stars");
    let stars: Vec<_> = (0..38)
        .map(|_| {
            (
                dice.range(-480.0..480.0),
                dice.range(60.0..520.0),
                dice.range(2.6..5.2),
            )
        })
        .collect();
    canvas.puffs(FAR, &stars, hex(0xe9ecff));
}

fn clouds(canvas: &mut Canvas, rain: bool, dice: &Dice, top: Rgb, horizon: Rgb) {
    let mut dice = dice.split("clouds");
    let (bright, belly) = match canvas.light {
        Light::SoftDaylight => (hex(0xffffff), top.mix(hex(0xffffff), 0.62)),
        Light::GoldenSunset => (hex(0xffd9a6), hex(0xe58d78).mix(top, 0.2)),
        Light::LowLight => (horizon.mix(hex(0xffffff), 0.18), top.mix(horizon, 0.5)),
        Light::Night => (top.mix(hex(0x9fb0dd), 0.26), top.mix(hex(0x9fb0dd), 0.14)),
    };
    let (bright, belly) = if rain {
        (horizon.mix(hex(0xffffff), 0.15), top.shade(0.86))
    } else {
        (bright, belly)
    };
    let count = if rain { 9 } else { dice.int(4..7) };
    for index in 0..count {
        // One band a cloud, so that they never pile up.
        let x = -420.0 + 840.0 * (index as f32 + dice.range(0.1..0.9)) / count as f32;
        let y = dice.range(110.0..400.0);
        let size = dice.range(0.6..1.25) * if rain { 1.6 } else { 1.0 };
        let puffs = [
            (-58.0, 2.0, 22.0),
            (-28.0, 16.0, 30.0),
            (8.0, 26.0, 38.0),
            (42.0, 12.0, 28.0),
            (68.0, 0.0, 20.0),
        ];
        let shape = |dx: f32, dy: f32, grow: f32| {
            puffs.map(|(px, py, r): (f32, f32, f32)| {
                (
                    x + (px + dx) * size,
                    y + (py * 0.7 + dy) * size,
                    r * grow * size * 0.8,
                )
            })
        };
        canvas.puffs(FAR, &shape(0.0, -8.0, 1.0), belly);
        canvas.puffs(FAR, &shape(0.0, 3.0, 0.92), bright);
    }
}
