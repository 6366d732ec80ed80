//! Windows seen from inside, with what lies outside them.

use tiny_skia::{Path, PathBuilder};

use super::super::brush::{Brush, Plane, hex};
use super::{nature, sky, weather};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

/// What lies outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::world::settings) enum Outside {
    /// Hills, trees and a few roofs.
    Hills,
    /// Blocks of flats.
    City,
    /// Bushes and trees close by.
    Garden,
}

/// An upright rectangle on a back wall: x and y extents in metres.
pub(in crate::world::settings) type Pane = ((f32, f32), (f32, f32));

/// Draws the outside through panes in the wall at depth `z`.
pub(in crate::world::settings) fn view(
    canvas: &mut Canvas,
    z: f32,
    panes: &[Pane],
    outside: Outside,
    rain: bool,
    dice: &Dice,
) {
    let Some(path) = panes_path(canvas, z, panes) else {
        return;
    };
    let horizon = sky::tones(canvas.light, rain).1;
    canvas.fill(&path, horizon);
    canvas.clip_to(&path);
    sky::draw(canvas, rain, dice);
    match outside {
        Outside::Hills => {
            nature::hills(canvas, 160.0, 9.0, hex(0x7f9a86), dice);
            nature::hills(canvas, 70.0, 3.4, hex(0x6d9160), &dice.split("near hills"));
            roofs(canvas, dice);
        }
        Outside::City => skyline(canvas, dice),
        Outside::Garden => {
            nature::hills(canvas, 90.0, 4.0, hex(0x7a9c74), dice);
            let mut dice = dice.split("garden");
            for index in 0..7 {
                let x = -10.5 + 3.5 * index as f32 + dice.range(-0.8..0.8);
                nature::bush(
                    canvas,
                    (x, 0.0, 12.0),
                    dice.range(1.6..2.6),
                    hex(0x5f8f4e),
                    &dice.split("bush"),
                );
            }
        }
    }
    if rain {
        for pane in panes {
            let corners = (
                canvas.camera.project(pane.0.0, pane.1.1, z),
                canvas.camera.project(pane.0.1, pane.1.0, z),
            );
            if let (Some(min), Some(max)) = corners {
                weather::rain_on_pane(canvas, min, max, &dice.split(&format!("{:.1}", pane.0.0)));
            }
        }
    }
    canvas.unclip();
}

fn panes_path(canvas: &Canvas, z: f32, panes: &[Pane]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for &(x, y) in panes {
        if !canvas.sees(x, y, z) {
            continue;
        }
        let (left, top) = canvas.camera.project(x.0, y.1, z)?;
        let (right, bottom) = canvas.camera.project(x.1, y.0, z)?;
        path.push_rect(tiny_skia::Rect::from_ltrb(left, top, right, bottom)?);
    }
    path.finish()
}

fn roofs(canvas: &mut Canvas, dice: &Dice) {
    let mut dice = dice.split("roofs");
    for index in 0..5 {
        let x = -22.0 + 11.0 * index as f32 + dice.range(-3.0..3.0);
        let wall = canvas.far(
            *dice.pick(&[hex(0xe6d8c2), hex(0xd9c5b0), hex(0xe9e2d6)]),
            40.0,
        );
        let roof = canvas.far(hex(0xb5654a), 40.0);
        let top = dice.range(1.4..2.2);
        canvas.flat(
            42.0,
            &[
                (x - 2.4, -1.0),
                (x + 2.4, -1.0),
                (x + 2.4, top),
                (x - 2.4, top),
            ],
            wall,
        );
        canvas.flat(
            42.0,
            &[(x - 2.9, top), (x + 2.9, top), (x, top + 2.0)],
            roof,
        );
        if canvas.lamps_on() {
            canvas.flat(
                42.0,
                &[
                    (x - 0.8, 0.4),
                    (x + 0.8, 0.4),
                    (x + 0.8, 1.2),
                    (x - 0.8, 1.2),
                ],
                hex(0xffd27a),
            );
        }
    }
}

/// Blocks of flats against the sky, two rows deep.
pub(in crate::world::settings) fn skyline(canvas: &mut Canvas, dice: &Dice) {
    for (label, z, base, tall) in [
        ("far blocks", 120.0, hex(0x9fb0c0), 26.0..58.0),
        ("near blocks", 55.0, hex(0x8a93a6), 6.0..22.0),
    ] {
        let mut dice = dice.split(label);
        let wide = z * 0.13;
        for index in 0..16 {
            let x = (index as f32 - 8.0) * wide;
            let height = dice.range(tall.clone());
            let tint = *dice.pick(&[1.0, 0.92, 1.08]);
            let half = wide * dice.range(0.36..0.5);
            if !canvas.sees((x - half, x + half), (-20.0, height), z) {
                continue;
            }
            let tone = canvas.far(base.shade(tint), z);
            canvas.rect(Plane::Front(z), (x - half, x + half), (-20.0, height), tone);
            let edge = canvas.far_dim(base.shade(tint), z);
            let side = if canvas.from_left {
                (x + half * 0.5, x + half)
            } else {
                (x - half, x - half * 0.5)
            };
            canvas.rect(Plane::Front(z), side, (-20.0, height), edge);
            let pane = if canvas.lamps_on() {
                hex(0xffd98a)
            } else {
                canvas.far(hex(0xdfeaf2), z)
            };
            let step = wide * 0.2;
            for row in 1..4 {
                // Far windows are too small to be seen.
                if z > 100.0 && !canvas.lamps_on() {
                    break;
                }
                let y = height - row as f32 * step * 1.5;
                for column in 0..2 {
                    if canvas.lamps_on() && dice.chance(0.45) {
                        continue;
                    }
                    let u = x - half * 0.75 + column as f32 * step * 1.35;
                    canvas.rect(
                        Plane::Front(z),
                        (u, u + step * 0.8),
                        (y, y + step * 0.8),
                        pane,
                    );
                }
            }
        }
    }
}

/// Frame, mullions and sill of a window.
pub(in crate::world::settings) fn frame(
    canvas: &mut Canvas,
    z: f32,
    pane: Pane,
    columns: usize,
    rows: usize,
    base: Rgb,
) {
    let ((x0, x1), (y0, y1)) = pane;
    let wide = 0.085;
    let (lit, dim) = (canvas.lit(base), canvas.dim(base));
    let plane = Plane::Front(z - 0.03);
    // The reveal's shade on the glass.
    canvas.veil(
        Plane::Front(z),
        (x0, x1),
        (y1 - 0.09, y1),
        hex(0x141028),
        0.22,
    );
    for column in 1..columns {
        let x = x0 + (x1 - x0) * column as f32 / columns as f32;
        canvas.rect(plane, (x - 0.032, x + 0.032), (y0, y1), lit);
        canvas.rect(plane, (x + 0.012, x + 0.032), (y0, y1), dim);
    }
    for row in 1..rows {
        let y = y0 + (y1 - y0) * row as f32 / rows as f32;
        canvas.rect(plane, (x0, x1), (y - 0.03, y + 0.03), lit);
    }
    canvas.rect(plane, (x0 - wide, x0), (y0 - wide, y1 + wide), lit);
    canvas.rect(
        plane,
        (x1, x1 + wide),
        (y0 - wide, y1 + wide),
        dim.mix(lit, 0.4),
    );
    canvas.rect(plane, (x0, x1), (y1, y1 + wide), dim.mix(lit, 0.5));
    canvas.cuboid(
        (x0 - 0.16, y0 - 0.09, z - 0.2),
        (x1 + 0.16, y0 - 0.01, z),
        base,
    );
}

/// Two curtains drawn aside, hanging in front of the wall at depth `z`.
pub(in crate::world::settings) fn curtains(
    canvas: &mut Canvas,
    z: f32,
    pane: Pane,
    foot: f32,
    wide: f32,
    base: Rgb,
) {
    let ((x0, x1), (_, y1)) = pane;
    let top = y1 + 0.2;
    let rod = canvas.dim(hex(0x6a5440));
    canvas.rect(
        Plane::Front(z - 0.08),
        (x0 - wide - 0.15, x1 + wide + 0.15),
        (top - 0.01, top + 0.05),
        rod,
    );
    for (outer, inner) in [
        (x0 - wide * 0.62, x0 + wide * 0.38),
        (x1 + wide * 0.62, x1 - wide * 0.38),
    ] {
        let at = |t: f32| outer + (inner - outer) * t;
        let body = [
            (at(0.0), top),
            (at(1.0), top),
            (at(0.84), (top + foot) / 2.0),
            (at(0.92), foot),
            (at(-0.04), foot),
        ];
        canvas.flat(z - 0.1, &body, canvas.lit(base));
        // Folds: broad bands in the second tone.
        for (a, b) in [(0.14, 0.3), (0.48, 0.62), (0.8, 0.98)] {
            let b_low = b - 0.06;
            canvas.flat(
                z - 0.1,
                &[
                    (at(a), top),
                    (at(b), top),
                    (at(b_low - 0.08), (top + foot) / 2.0),
                    (at(b_low), foot),
                    (at(a - 0.02), foot),
                ],
                canvas.dim(base).mix(canvas.lit(base), 0.25),
            );
        }
    }
}

/// Light that falls through a window onto the floor.
pub(in crate::world::settings) fn pool(canvas: &mut Canvas, z: f32, pane: Pane) {
    let (colour, alpha) = match canvas.light {
        Light::SoftDaylight => (hex(0xffffff), 0.16),
        Light::GoldenSunset => (hex(0xffc46a), 0.34),
        Light::LowLight => return,
        Light::Night => (hex(0xa8bcff), 0.13),
    };
    let ((x0, x1), _) = pane;
    let slant = -canvas.sun_side() * 1.1;
    let (far, near) = (z - 0.45, z - 2.5);
    let middle = (x0 + x1) / 2.0;
    for (a, b) in [(x0, middle - 0.06), (middle + 0.06, x1)] {
        canvas.sheen(
            &[
                (a + slant * 0.25, 0.004, far),
                (b + slant * 0.25, 0.004, far),
                (b + slant, 0.004, near),
                (a + slant, 0.004, near),
            ],
            colour,
            alpha,
        );
    }
}
