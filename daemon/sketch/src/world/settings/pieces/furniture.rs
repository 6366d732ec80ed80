//! Furniture and small things that stand about.

use super::super::brush::{Brush, Plane, hex, shows};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

type Point = (f32, f32, f32);

/// A slatted bench with a back; its seat is 0.45 m high and begins at `z`.
pub(in crate::world::settings) fn bench(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: f32,
    wood: Rgb,
    iron: Rgb,
) {
    let middle = (x.0 + x.1) / 2.0;
    canvas.contact_shadow((middle, 0.003, z + 0.25), (x.1 - x.0) * 0.52, 0.36);
    for at in [x.0 + 0.14, x.1 - 0.2] {
        canvas.cuboid((at, 0.0, z + 0.38), (at + 0.07, 0.9, z + 0.46), iron);
    }
    for low in [0.56, 0.7, 0.84] {
        canvas.cuboid((x.0, low, z + 0.36), (x.1, low + 0.1, z + 0.4), wood);
    }
    for at in [x.0 + 0.14, x.1 - 0.2] {
        canvas.cuboid((at, 0.0, z + 0.04), (at + 0.06, 0.42, z + 0.4), iron);
    }
    canvas.cuboid((x.0, 0.4, z), (x.1, 0.45, z + 0.4), wood);
    let gap = canvas.dim(wood.shade(0.7));
    for back in [0.13, 0.26] {
        canvas.level(0.452, x, (z + back, z + back + 0.025), gap);
    }
}

/// A plain bench without a back.
pub(in crate::world::settings) fn stool_bench(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: f32,
    wood: Rgb,
) {
    canvas.contact_shadow(
        ((x.0 + x.1) / 2.0, 0.003, z + 0.18),
        (x.1 - x.0) * 0.5,
        0.26,
    );
    for at in [x.0 + 0.1, x.1 - 0.18] {
        canvas.cuboid(
            (at, 0.0, z + 0.04),
            (at + 0.08, 0.4, z + 0.3),
            wood.shade(0.82),
        );
    }
    canvas.cuboid((x.0, 0.39, z), (x.1, 0.45, z + 0.34), wood);
}

/// A table: top, apron, four legs.
pub(in crate::world::settings) fn table(
    canvas: &mut Canvas,
    min: (f32, f32),
    max: (f32, f32),
    height: f32,
    wood: Rgb,
) {
    let (x0, z0) = min;
    let (x1, z1) = max;
    canvas.contact_shadow(
        ((x0 + x1) / 2.0, 0.003, (z0 + z1) / 2.0),
        (x1 - x0) * 0.52,
        (z1 - z0) * 0.55,
    );
    for z in [z1 - 0.12, z0 + 0.04] {
        for x in [x0 + 0.06, x1 - 0.14] {
            canvas.cuboid((x, 0.0, z), (x + 0.08, height, z + 0.08), wood.shade(0.85));
        }
    }
    canvas.cuboid(
        (x0 + 0.06, height - 0.14, z0 + 0.05),
        (x1 - 0.06, height - 0.05, z1 - 0.05),
        wood.shade(0.85),
    );
    canvas.cuboid((x0, height - 0.05, z0), (x1, height, z1), wood);
}

/// A sofa whose seat is 0.45 m high and begins at `z`.
pub(in crate::world::settings) fn sofa(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: f32,
    cloth: Rgb,
    cushion: Rgb,
) {
    canvas.contact_shadow(
        ((x.0 + x.1) / 2.0, 0.003, z + 0.4),
        (x.1 - x.0) * 0.55,
        0.55,
    );
    let (lit, dim) = (canvas.lit(cloth), canvas.dim(cloth));
    canvas.cuboid(
        (x.0 + 0.06, 0.1, z + 0.6),
        (x.1 - 0.06, 0.8, z + 0.85),
        cloth.shade(0.94),
    );
    let middle = (x.0 + x.1) / 2.0;
    for (a, b) in [(x.0 + 0.1, middle - 0.01), (middle + 0.01, x.1 - 0.1)] {
        canvas.rounded(z + 0.58, (a, b), (0.4, 0.96), 0.12, dim);
        canvas.rounded(z + 0.57, (a + 0.03, b - 0.03), (0.4, 0.93), 0.1, lit);
    }
    canvas.cuboid(
        (x.0 + 0.1, 0.1, z + 0.02),
        (x.1 - 0.1, 0.32, z + 0.6),
        cloth.shade(0.86),
    );
    for (a, b) in [(x.0 + 0.12, middle - 0.01), (middle + 0.01, x.1 - 0.12)] {
        canvas.cuboid((a, 0.3, z), (b, 0.45, z + 0.58), cloth);
    }
    for (a, b) in [(x.0 + 0.14, x.0 + 0.56), (x.1 - 0.56, x.1 - 0.14)] {
        canvas.rounded(z + 0.45, (a, b), (0.44, 0.82), 0.09, canvas.dim(cushion));
        canvas.rounded(
            z + 0.45,
            (a + 0.03, b - 0.04),
            (0.47, 0.81),
            0.08,
            canvas.lit(cushion),
        );
    }
    for (a, b) in [(x.0 - 0.12, x.0 + 0.12), (x.1 - 0.12, x.1 + 0.12)] {
        canvas.cuboid((a, 0.08, z - 0.02), (b, 0.6, z + 0.8), cloth.shade(0.97));
        canvas.rounded(
            z - 0.02,
            (a - 0.02, b + 0.02),
            (0.5, 0.66),
            0.08,
            lit.mix(dim, 0.2),
        );
    }
}

/// A floor lamp with a cloth shade at head height.
pub(in crate::world::settings) fn floor_lamp(
    canvas: &mut Canvas,
    at: Point,
    height: f32,
    shade: Rgb,
) {
    let (x, y, z) = at;
    canvas.contact_shadow((x, y + 0.003, z), 0.22, 0.14);
    let metal = canvas.dim(hex(0x4d4438));
    canvas.disc3((x, y + 0.02, z), 0.17, 0.11, metal);
    canvas.rect(
        Plane::Front(z),
        (x - 0.02, x + 0.02),
        (y, y + height - 0.2),
        metal,
    );
    lamp_shade(canvas, (x, y + height - 0.36, z), 0.24, 0.34, shade);
}

/// A tapered lamp shade standing on `foot`.
pub(in crate::world::settings) fn lamp_shade(
    canvas: &mut Canvas,
    foot: Point,
    half: f32,
    height: f32,
    shade: Rgb,
) {
    let (x, y, z) = foot;
    let on = canvas.lamps_on();
    if on {
        canvas.glow((x, y + height * 0.5, z), half * 4.6, hex(0xffc873), 0.42);
    }
    let (lit, dim) = if on {
        (hex(0xffe3a0), hex(0xf2b765))
    } else {
        (canvas.lit(shade), canvas.dim(shade))
    };
    let top = half * 0.66;
    canvas.flat(
        z,
        &[
            (x - half, y),
            (x + half, y),
            (x + top, y + height),
            (x - top, y + height),
        ],
        lit,
    );
    let s = -canvas.sun_side();
    canvas.flat(
        z,
        &[
            (x + s * half * 0.2, y),
            (x + s * half, y),
            (x + s * top, y + height),
            (x + s * top * 0.2, y + height),
        ],
        dim,
    );
}

/// A framed picture with a small landscape or shape on it.
pub(in crate::world::settings) fn picture(
    canvas: &mut Canvas,
    z: f32,
    x: (f32, f32),
    y: (f32, f32),
    frame: Rgb,
    dice: &Dice,
) {
    let mut dice = dice.split("picture");
    let plane = Plane::Front(z);
    canvas.veil(
        plane,
        (x.0 + 0.03, x.1 + 0.04),
        (y.0 - 0.05, y.1 - 0.03),
        hex(0x140f20),
        0.25,
    );
    canvas.rect(plane, x, y, canvas.lit(frame));
    let inner = ((x.0 + 0.05, x.1 - 0.05), (y.0 + 0.05, y.1 - 0.05));
    let (wide, tall) = (inner.0.1 - inner.0.0, inner.1.1 - inner.1.0);
    canvas.rect(plane, inner.0, inner.1, canvas.lit(hex(0xf3eee2)));
    let (u0, v0) = (inner.0.0 + wide * 0.1, inner.1.0 + tall * 0.1);
    let (w, h) = (wide * 0.8, tall * 0.8);
    let at = |u: f32, v: f32| (u0 + u * w, v0 + v * h);
    match dice.int(0..3) {
        0 => {
            canvas.rect(plane, (u0, u0 + w), (v0, v0 + h), canvas.lit(hex(0x9fc4d8)));
            canvas.flat(
                z,
                &[
                    at(0.0, 0.0),
                    at(1.0, 0.0),
                    at(1.0, 0.4),
                    at(0.7, 0.65),
                    at(0.35, 0.35),
                    at(0.0, 0.55),
                ],
                canvas.lit(hex(0x6f9a7c)),
            );
            canvas.ellipse3(
                (at(0.72, 0.0).0, at(0.0, 0.8).1, z),
                w * 0.11,
                w * 0.11,
                canvas.lit(hex(0xf2d27a)),
            );
        }
        1 => {
            canvas.rect(plane, (u0, u0 + w), (v0, v0 + h), canvas.lit(hex(0xd9b79a)));
            canvas.ellipse3(
                (at(0.5, 0.0).0, at(0.0, 0.55).1, z),
                w * 0.3,
                h * 0.26,
                canvas.lit(hex(0x8c5a5a)),
            );
            canvas.rect(
                plane,
                (u0, u0 + w),
                (v0, v0 + h * 0.24),
                canvas.lit(hex(0x5b6d86)),
            );
        }
        _ => {
            canvas.rect(plane, (u0, u0 + w), (v0, v0 + h), canvas.lit(hex(0xe7d9b8)));
            canvas.flat(
                z,
                &[at(0.05, 0.0), at(0.6, 0.0), at(0.32, 0.75)],
                canvas.lit(hex(0x4f7d8c)),
            );
            canvas.flat(
                z,
                &[at(0.4, 0.0), at(0.98, 0.0), at(0.7, 0.55)],
                canvas.lit(hex(0xb46a4b)),
            );
        }
    }
}

/// A round wall clock.
pub(in crate::world::settings) fn clock(canvas: &mut Canvas, at: Point, radius: f32, rim: Rgb) {
    let (x, y, z) = at;
    canvas.ellipse3(at, radius, radius, canvas.lit(rim));
    canvas.ellipse3(at, radius * 0.84, radius * 0.84, canvas.lit(hex(0xfaf7ee)));
    let hand = canvas.dim(hex(0x2c2a30));
    canvas.line3(&[(x, y, z), (x, y + radius * 0.6, z)], radius * 0.12, hand);
    canvas.line3(
        &[(x, y, z), (x + radius * 0.42, y - radius * 0.12, z)],
        radius * 0.13,
        hand,
    );
}

/// A potted plant with broad leaves.
pub(in crate::world::settings) fn plant(
    canvas: &mut Canvas,
    foot: Point,
    height: f32,
    pot: Rgb,
    dice: &Dice,
) {
    let (x, y, z) = foot;
    let mut dice = dice.split("plant");
    canvas.contact_shadow((x, y + 0.003, z), height * 0.2, height * 0.1);
    let leaf = hex(0x5a8f5a);
    let from = y + height * 0.3;
    for index in 0..7 {
        let lean = (index as f32 - 3.0) * 0.16 + dice.range(-0.03..0.03);
        let tip = (
            x + lean * height,
            y + height * (1.0 - 0.09 * (index as f32 - 3.0).abs()),
        );
        let middle = ((x + tip.0) / 2.0, (from + tip.1) / 2.0 + height * 0.06);
        let wide = height * 0.085;
        let tone = if (index % 2 == 0) == canvas.from_left {
            canvas.lit(leaf)
        } else {
            canvas.dim(leaf)
        };
        canvas.smooth(
            z,
            &[
                (x, from),
                (middle.0 - wide, middle.1),
                tip,
                tip,
                (middle.0 + wide, middle.1),
            ],
            tone,
        );
    }
    let (a, b) = (height * 0.16, height * 0.12);
    canvas.flat(
        z - 0.02,
        &[
            (x - b, y),
            (x + b, y),
            (x + a, y + height * 0.34),
            (x - a, y + height * 0.34),
        ],
        canvas.lit(pot),
    );
    let s = -canvas.sun_side();
    canvas.flat(
        z - 0.02,
        &[
            (x + s * b * 0.2, y),
            (x + s * b, y),
            (x + s * a, y + height * 0.34),
            (x + s * a * 0.2, y + height * 0.34),
        ],
        canvas.dim(pot),
    );
}

/// The look of a wall of books.
#[derive(Clone, Copy, Debug)]
pub(in crate::world::settings) struct Books<'a> {
    /// Base colour of the wood.
    pub wood: Rgb,
    /// Base colours of the spines.
    pub spines: &'a [Rgb],
    /// Height from one shelf to the next, in metres.
    pub pitch: f32,
    /// Width of the widest spine, in metres.
    pub spine: f32,
}

/// A bookcase face on any upright plane: carcass, shelves, spines. Uprights
/// stand every `bay` metres. Spines that would be narrower than a pixel or so
/// are drawn several at a time.
pub(in crate::world::settings) fn bookshelf(
    canvas: &mut Canvas,
    plane: Plane,
    u: (f32, f32),
    y: (f32, f32),
    bay: f32,
    books: Books<'_>,
    dice: &Dice,
) {
    let side_lit = match plane {
        Plane::Front(_) => true,
        Plane::Side(x) => (x < canvas.camera.eye.0) != canvas.from_left,
    };
    let tone = |canvas: &Canvas, base: Rgb| {
        if side_lit {
            canvas.lit(base)
        } else {
            canvas.dim(base)
        }
    };
    canvas.rect(plane, u, y, canvas.dim(books.wood.shade(0.5)));
    let rows = (((y.1 - y.0) / books.pitch).floor() as usize).max(1);
    let pitch = (y.1 - y.0) / rows as f32;
    let board = pitch * 0.12;
    let wood = tone(canvas, books.wood);
    let width = match plane {
        Plane::Front(z) => {
            let least = 3.0 / canvas.camera.scale_at(z);
            books.spine.max(least)
        }
        Plane::Side(_) => (8.0 / canvas.camera.scale_at(1.0)).max(books.spine * 2.0),
    };
    let wide_enough = match plane {
        Plane::Front(z) => width * canvas.camera.scale_at(z) > 4.5,
        Plane::Side(_) => width * canvas.camera.scale_at(1.0) > 16.0,
    };
    for row in 0..rows {
        let low = y.0 + row as f32 * pitch + board;
        let mut dice = dice.split(&format!("row {row} {:.1}", u.0));
        if let Plane::Front(z) = plane
            && !canvas.sees(u, (low, low + pitch), z)
        {
            continue;
        }
        let mut at = u.0 + 0.04;
        while at < u.1 - 0.04 {
            let (step, tall, spine) = (
                width * dice.range(0.62..1.0),
                (pitch - board) * dice.range(0.68..0.96),
                *dice.pick(books.spines),
            );
            let gap = dice.chance(0.07);
            let end = (at + step).min(u.1 - 0.04);
            let seen = match plane {
                Plane::Front(z) => canvas.sees((at, end), (low, low + tall), z),
                Plane::Side(_) => shows(canvas, plane, (at, end), (low, low + tall)),
            };
            if seen && !gap {
                let colour = tone(canvas, spine);
                canvas.rect(plane, (at, end - step * 0.06), (low, low + tall), colour);
                if dice.chance(0.4) && wide_enough {
                    let band = tone(canvas, spine.mix(hex(0xf2dca0), 0.55));
                    canvas.rect(
                        plane,
                        (at, end - step * 0.06),
                        (low + tall * 0.7, low + tall * 0.82),
                        band,
                    );
                }
            }
            at = end + 1e-3;
        }
        canvas.rect(plane, u, (low - board, low), wood);
    }
    canvas.rect(plane, u, (y.1 - board, y.1 + board * 0.4), wood);
    let bays = ((u.1 - u.0) / bay).round().max(1.0) as usize;
    for index in 0..=bays {
        let at = u.0 + (u.1 - u.0) * index as f32 / bays as f32;
        canvas.rect(
            plane,
            (at - 0.045, at + 0.045),
            (y.0, y.1 + board * 0.4),
            wood,
        );
        canvas.rect(
            plane,
            (at + 0.01, at + 0.045),
            (y.0, y.1),
            tone(canvas, books.wood.shade(0.8)),
        );
    }
}
