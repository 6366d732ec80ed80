//! Houses, blocks, street furniture, cars.

use super::super::brush::{Brush, Plane, hex, shows};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

type Point = (f32, f32, f32);

/// The colour of a window seen from outside: sky by day, lamplight or dark
/// after.
pub(in crate::world::settings) fn glass(canvas: &Canvas, z: f32, dice: &mut Dice) -> Rgb {
    if canvas.lamps_on() {
        if dice.chance(0.6) {
            hex(0xffd587).mix(canvas.far(hex(0xffd587), z), 0.25)
        } else {
            canvas.far(hex(0x4f5d78), z)
        }
    } else if canvas.light == crate::world::colour::Light::GoldenSunset && dice.chance(0.4) {
        hex(0xffcf80)
    } else {
        canvas.far(hex(0x9cc3d8), z)
    }
}

/// A framed window with a cross, on any plane.
pub(in crate::world::settings) fn window(
    canvas: &mut Canvas,
    plane: Plane,
    u: (f32, f32),
    y: (f32, f32),
    frame: Rgb,
    glass: Rgb,
) {
    let edge = (u.1 - u.0) * 0.1;
    canvas.rect(
        plane,
        (u.0 - edge, u.1 + edge),
        (y.0 - edge, y.1 + edge),
        frame,
    );
    canvas.rect(plane, u, y, glass);
    let middle = (u.0 + u.1) / 2.0;
    canvas.rect(
        plane,
        (middle - edge * 0.35, middle + edge * 0.35),
        y,
        frame,
    );
    let bar = y.0 + (y.1 - y.0) * 0.58;
    canvas.rect(plane, u, (bar - edge * 0.35, bar + edge * 0.35), frame);
}

/// A small house with a gable towards the camera or along the street.
pub(in crate::world::settings) fn house(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: f32,
    wall: Rgb,
    roof: Rgb,
    dice: &Dice,
) {
    let mut dice = dice.split("house");
    let (wide, deep) = (x.1 - x.0, 6.0);
    if !canvas.sees((x.0 - 1.0, x.1 + 1.0), (0.0, 9.0), z) {
        return;
    }
    let storeys = if dice.chance(0.7) { 2 } else { 1 };
    let eaves = 0.35 + 2.75 * storeys as f32;
    let ridge = eaves + wide * dice.range(0.3..0.42);
    let middle = (x.0 + x.1) / 2.0;
    let gable = dice.chance(0.55);
    let white = canvas.far(hex(0xfbfaf4), z);
    let roof_lit = canvas.far(roof, z);
    let roof_dim = canvas.far_dim(roof, z);
    canvas.hazy = true;
    canvas.cuboid((x.0, 0.0, z), (x.1, eaves, z + deep), wall);
    canvas.hazy = false;
    // A chimney behind the ridge.
    let stack = x.0 + wide * dice.range(0.2..0.75);
    canvas.rect(
        Plane::Front(z + 1.0),
        (stack, stack + 0.6),
        (eaves, ridge + 0.7),
        canvas.far_dim(hex(0xa8614f), z),
    );
    let over = 0.4;
    if gable {
        canvas.flat(
            z,
            &[(x.0, eaves), (x.1, eaves), (middle, ridge)],
            canvas.far(wall, z),
        );
        let (left, right) = if canvas.from_left {
            (roof_lit, roof_dim)
        } else {
            (roof_dim, roof_lit)
        };
        let eye = canvas.camera.eye.0;
        for (edge, out, tone) in [(x.0, -over, left), (x.1, over, right)] {
            if (eye < edge) == (out < 0.0) {
                canvas.face(
                    &[
                        (edge + out, eaves - 0.3, z - over),
                        (middle, ridge + 0.1, z - over),
                        (middle, ridge + 0.1, z + deep),
                        (edge + out, eaves - 0.3, z + deep),
                    ],
                    tone,
                );
            }
            let barge = z - over;
            canvas.flat(
                barge,
                &[
                    (edge + out, eaves - 0.34),
                    (middle, ridge - 0.1),
                    (middle, ridge + 0.32),
                    (edge + out, eaves + 0.02),
                ],
                tone,
            );
        }
        let pane = glass(canvas, z, &mut dice);
        canvas.ellipse3(
            (middle, eaves + (ridge - eaves) * 0.36, z),
            0.46,
            0.46,
            white,
        );
        canvas.ellipse3(
            (middle, eaves + (ridge - eaves) * 0.36, z),
            0.36,
            0.36,
            pane,
        );
    } else {
        canvas.face(
            &[
                (x.0 - over, eaves - 0.2, z - over),
                (x.1 + over, eaves - 0.2, z - over),
                (x.1 - 0.5, ridge, z + deep * 0.5),
                (x.0 + 0.5, ridge, z + deep * 0.5),
            ],
            roof_lit,
        );
        canvas.rect(
            Plane::Front(z - over),
            (x.0 - over, x.1 + over),
            (eaves - 0.34, eaves - 0.12),
            roof_dim,
        );
    }
    // Siding: two broad courses in the second tone.
    let course = canvas.far(wall.shade(0.93), z);
    for y in [0.35, 1.25, 2.15] {
        canvas.rect(Plane::Front(z), x, (y, y + 0.42), course);
    }
    canvas.veil(
        Plane::Front(z),
        x,
        (eaves - 0.75, eaves - 0.2),
        hex(0x140f28),
        0.18,
    );
    let door_at = x.0 + wide * *dice.pick(&[0.2, 0.5, 0.8]);
    let door = *dice.pick(&[hex(0x8c4a46), hex(0x3f6378), hex(0x4f7358), hex(0xb98a4a)]);
    let shutter = canvas.far(door.mix(wall, 0.25), z);
    let columns = if wide > 6.5 { 3 } else { 2 };
    for storey in 0..storeys {
        for column in 0..columns {
            let u = x.0 + wide * (column as f32 + 0.5) / columns as f32;
            let low = 1.0 + 2.75 * storey as f32;
            if storey == 0 && (u - door_at).abs() < 1.25 {
                continue;
            }
            let pane = glass(canvas, z, &mut dice);
            let half = 0.52;
            for (a, b) in [
                (u - half - 0.42, u - half - 0.1),
                (u + half + 0.1, u + half + 0.42),
            ] {
                canvas.rect(Plane::Front(z), (a, b), (low - 0.06, low + 1.36), shutter);
            }
            window(
                canvas,
                Plane::Front(z),
                (u - half, u + half),
                (low, low + 1.3),
                white,
                pane,
            );
        }
    }
    canvas.rect(
        Plane::Front(z),
        (door_at - 0.62, door_at + 0.62),
        (0.0, 2.3),
        white,
    );
    canvas.rect(
        Plane::Front(z),
        (door_at - 0.48, door_at + 0.48),
        (0.0, 2.15),
        canvas.far(door, z),
    );
    canvas.rect(
        Plane::Front(z),
        (door_at - 0.28, door_at + 0.28),
        (1.25, 1.85),
        glass(canvas, z, &mut dice),
    );
    canvas.cuboid(
        (door_at - 0.9, 0.0, z - 0.7),
        (door_at + 0.9, 0.2, z),
        hex(0xbab4aa),
    );
    canvas.flat(
        z - 0.2,
        &[(door_at - 1.05, 2.4), (door_at + 1.05, 2.4), (door_at, 3.0)],
        roof_dim,
    );
}

/// White pickets from `x.0` to `x.1`.
pub(in crate::world::settings) fn picket_fence(
    canvas: &mut Canvas,
    x: (f32, f32),
    z: f32,
    height: f32,
    base: Rgb,
) {
    let (lit, dim) = (canvas.far(base, z), canvas.far_dim(base, z));
    for low in [0.28, 0.72] {
        canvas.rect(
            Plane::Front(z + 0.04),
            x,
            (height * low, height * low + 0.1),
            dim,
        );
    }
    let pitch = 0.3;
    let first = ((canvas.camera.left_at(z).max(x.0) - x.0) / pitch).floor();
    let mut at = x.0 + first.max(0.0) * pitch;
    let end = x.1.min(canvas.camera.right_at(z) + pitch);
    while at < end {
        canvas.flat(
            z,
            &[
                (at, 0.05),
                (at + 0.17, 0.05),
                (at + 0.17, height - 0.1),
                (at + 0.085, height),
                (at, height - 0.1),
            ],
            lit,
        );
        at += pitch;
    }
}

/// The front of a block on any plane: storeys of windows over a ground floor
/// of shops with awnings.
pub(in crate::world::settings) fn block(
    canvas: &mut Canvas,
    plane: Plane,
    u: (f32, f32),
    height: f32,
    wall: Rgb,
    lit: bool,
    dice: &Dice,
) {
    if !shows(canvas, plane, (u.0 - 1.0, u.1), (0.0, height)) {
        return;
    }
    let mut dice = dice.split("block");
    let z = match plane {
        Plane::Front(z) => z,
        Plane::Side(_) => (u.0 + u.1).max(0.0) / 2.0,
    };
    let tone = |canvas: &Canvas, base: Rgb| {
        if lit {
            canvas.far(base, z)
        } else {
            canvas.far_dim(base, z)
        }
    };
    canvas.rect(plane, u, (0.0, height), tone(canvas, wall));
    let trim = tone(canvas, wall.mix(hex(0xffffff), 0.4));
    let wide = u.1 - u.0;
    let columns = (wide / 2.3).round().max(2.0) as usize;
    let pitch = wide / columns as f32;
    let mut y = 4.1;
    while y + 2.2 < height {
        for column in 0..columns {
            let at = u.0 + (column as f32 + 0.5) * pitch;
            let pane = if lit {
                glass(canvas, z, &mut dice)
            } else {
                glass(canvas, z, &mut dice).shade(0.86)
            };
            let half = pitch * 0.26;
            canvas.rect(
                plane,
                (at - half - 0.12, at + half + 0.12),
                (y - 0.12, y + 1.72),
                trim,
            );
            canvas.rect(plane, (at - half, at + half), (y, y + 1.6), pane);
        }
        y += 2.9;
    }
    canvas.rect(plane, u, (height - 0.45, height), trim);
    canvas.rect(plane, u, (3.2, 3.5), trim);
    // Shops.
    let shops = (wide / 4.4).round().max(1.0) as usize;
    let shop = wide / shops as f32;
    for index in 0..shops {
        let (a, b) = (u.0 + index as f32 * shop, u.0 + (index + 1) as f32 * shop);
        let colour = *dice.pick(&[
            hex(0x9c5448),
            hex(0x4c7a78),
            hex(0xc29a4e),
            hex(0x5d6a8f),
            hex(0x6c7f55),
        ]);
        canvas.rect(
            plane,
            (a + 0.15, b - 0.15),
            (0.0, 3.15),
            tone(canvas, colour.shade(0.8)),
        );
        let pane = if canvas.lamps_on() {
            hex(0xffdf9c)
        } else {
            tone(canvas, hex(0xb4d2dc))
        };
        canvas.rect(plane, (a + 0.4, b - shop * 0.36), (0.55, 2.3), pane);
        canvas.rect(
            plane,
            (b - shop * 0.28, b - 0.4),
            (0.0, 2.3),
            pane.shade(0.82),
        );
        let sign = tone(canvas, colour.mix(hex(0xffffff), 0.12));
        canvas.rect(plane, (a + 0.2, b - 0.2), (2.65, 3.1), sign);
        canvas.rect(
            plane,
            (a + shop * 0.25, b - shop * 0.25),
            (2.78, 2.97),
            tone(canvas, hex(0xf7efdc)),
        );
        awning(canvas, plane, (a + 0.2, b - 0.2), colour, lit, z);
    }
}

fn awning(canvas: &mut Canvas, plane: Plane, u: (f32, f32), colour: Rgb, lit: bool, z: f32) {
    let corner = |t: f32, out: f32, y: f32| match plane {
        Plane::Front(z) => (t, y, z - out),
        Plane::Side(x) => (if x < 0.0 { x + out } else { x - out }, y, t),
    };
    if !shows(canvas, plane, u, (2.0, 2.65)) {
        return;
    }
    // Stripes that would be under a pixel wide merge into one.
    let wide = canvas.camera.scale_at(z.max(0.5)) * (u.1 - u.0);
    let foreshortened = match plane {
        Plane::Front(_) => wide,
        Plane::Side(_) => wide * 0.3,
    };
    let stripes = if foreshortened > 12.0 { 6 } else { 1 };
    for stripe in 0..stripes {
        let (a, b) = (
            u.0 + (u.1 - u.0) * stripe as f32 / stripes as f32,
            u.0 + (u.1 - u.0) * (stripe + 1) as f32 / stripes as f32,
        );
        let base = if stripe % 2 == 0 {
            colour.mix(hex(0xffffff), 0.08)
        } else {
            hex(0xf4ecdd)
        };
        let tone = if lit {
            canvas.far(base, z)
        } else {
            canvas.far_dim(base, z)
        };
        canvas.face(
            &[
                corner(a, 0.0, 2.65),
                corner(b, 0.0, 2.65),
                corner(b, 0.95, 2.2),
                corner(a, 0.95, 2.2),
            ],
            tone,
        );
        canvas.face(
            &[
                corner(a, 0.95, 2.2),
                corner(b, 0.95, 2.2),
                corner(b, 0.95, 2.02),
                corner(a, 0.95, 2.02),
            ],
            tone.shade(0.86),
        );
    }
}

/// A street lamp whose arm leans to one side (-1 or 1).
pub(in crate::world::settings) fn street_lamp(
    canvas: &mut Canvas,
    foot: Point,
    height: f32,
    arm: f32,
) {
    let (x, y, z) = foot;
    if !canvas.sees((x - 2.5, x + 2.5), (y, y + height + 1.0), z) {
        return;
    }
    canvas.contact_shadow((x, y + 0.003, z), 0.22, 0.12);
    let iron = hex(0x3d4550);
    let (lit, dim) = (canvas.far(iron, z), canvas.far_dim(iron, z));
    canvas.rect(Plane::Front(z), (x - 0.13, x + 0.13), (y, y + 0.7), dim);
    canvas.rect(Plane::Front(z), (x - 0.06, x + 0.06), (y, y + height), lit);
    let head = x + arm * 0.85;
    canvas.line3(
        &[
            (x, y + height - 0.1, z),
            (x + arm * 0.3, y + height + 0.25, z),
            (head, y + height + 0.22, z),
        ],
        0.09,
        lit,
    );
    canvas.flat(
        z,
        &[
            (head - 0.3, y + height + 0.12),
            (head + 0.3, y + height + 0.12),
            (head + 0.16, y + height + 0.34),
            (head - 0.16, y + height + 0.34),
        ],
        dim,
    );
    if canvas.lamps_on() {
        let glow = hex(0xffd98a);
        canvas.glow((head, y + height, z), 1.9, glow, 0.4);
        canvas.sheen(
            &[
                (head - 0.22, y + height + 0.1, z),
                (head + 0.22, y + height + 0.1, z),
                (head + 1.5, y, z),
                (head - 1.5, y, z),
            ],
            glow,
            0.1,
        );
        canvas.ellipse3((head, y + height + 0.08, z), 0.26, 0.09, hex(0xfff0c0));
    } else {
        canvas.ellipse3(
            (head, y + height + 0.1, z),
            0.22,
            0.06,
            canvas.far(hex(0xf2ead2), z),
        );
    }
}

/// A lantern on a post, as parks have.
pub(in crate::world::settings) fn lantern(canvas: &mut Canvas, foot: Point, height: f32) {
    let (x, y, z) = foot;
    if !canvas.sees((x - 2.0, x + 2.0), (y, y + height + 1.0), z) {
        return;
    }
    canvas.contact_shadow((x, y + 0.003, z), 0.2, 0.1);
    let iron = canvas.far(hex(0x33443f), z);
    canvas.rect(Plane::Front(z), (x - 0.12, x + 0.12), (y, y + 0.5), iron);
    canvas.rect(Plane::Front(z), (x - 0.05, x + 0.05), (y, y + height), iron);
    let on = canvas.lamps_on();
    if on {
        canvas.glow((x, y + height + 0.25, z), 1.6, hex(0xffd98a), 0.42);
    }
    let pane = if on {
        hex(0xfff0c0)
    } else {
        canvas.far(hex(0xf5f0dc), z)
    };
    canvas.flat(
        z,
        &[
            (x - 0.13, y + height),
            (x + 0.13, y + height),
            (x + 0.21, y + height + 0.46),
            (x - 0.21, y + height + 0.46),
        ],
        pane,
    );
    canvas.flat(
        z,
        &[
            (x - 0.27, y + height + 0.46),
            (x + 0.27, y + height + 0.46),
            (x, y + height + 0.74),
        ],
        iron,
    );
}

/// A car seen from behind or in front, standing at `foot`, 1.75 m wide.
pub(in crate::world::settings) fn car(canvas: &mut Canvas, foot: Point, paint: Rgb, rear: bool) {
    let (x, _, z) = foot;
    if !canvas.sees((x - 1.5, x + 1.5), (0.0, 1.6), z) {
        return;
    }
    let length = 3.9;
    canvas.contact_shadow((x, 0.004, z + length * 0.45), 1.1, length * 0.5);
    let dark = canvas.far_dim(hex(0x26282e), z);
    for side in [-0.72_f32, 0.72] {
        canvas.rounded(
            z + 0.1,
            (x + side - 0.14, x + side + 0.14),
            (0.0, 0.55),
            0.08,
            dark,
        );
    }
    canvas.hazy = true;
    canvas.cuboid(
        (x - 0.68, 0.9, z + 0.75),
        (x + 0.68, 1.42, z + 2.9),
        paint.shade(0.95),
    );
    canvas.cuboid((x - 0.88, 0.3, z), (x + 0.88, 0.92, z + length), paint);
    canvas.hazy = false;
    let pane = if canvas.lamps_on() {
        canvas.far(hex(0x54657c), z)
    } else {
        canvas.far(hex(0x8fb4c6), z)
    };
    canvas.flat(
        z + 0.74,
        &[
            (x - 0.62, 0.92),
            (x + 0.62, 0.92),
            (x + 0.52, 1.34),
            (x - 0.52, 1.34),
        ],
        pane,
    );
    canvas.rect(
        Plane::Front(z - 0.01),
        (x - 0.88, x + 0.88),
        (0.3, 0.44),
        dark,
    );
    let lamp = match (rear, canvas.lamps_on()) {
        (true, true) => hex(0xff5a48),
        (true, false) => canvas.far(hex(0xb83a34), z),
        (false, true) => hex(0xfff4cc),
        (false, false) => canvas.far(hex(0xf4efdc), z),
    };
    for side in [-0.66, 0.66] {
        canvas.rounded(
            z - 0.02,
            (x + side - 0.16, x + side + 0.16),
            (0.6, 0.78),
            0.06,
            lamp,
        );
        if canvas.lamps_on() {
            canvas.glow((x + side, 0.69, z - 0.02), 0.5, lamp, 0.3);
        }
    }
    canvas.rect(
        Plane::Front(z - 0.02),
        (x - 0.24, x + 0.24),
        (0.5, 0.62),
        canvas.far(hex(0xf2f0e6), z),
    );
}
