//! A bus stop: a glass shelter with a bench, the sign, the street.

use super::brush::{Brush, Plane, hex};
use super::pieces::{building, nature, sky, weather, window};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const GLASS: f32 = 0.95;
const HALF: f32 = 2.1;

pub(super) struct BusStop {
    rain: bool,
    dice: Dice,
    side: f32,
    frame: Rgb,
    poster: Rgb,
}

impl BusStop {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        Self {
            rain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            frame: *draw.pick(&[hex(0x2f6f74), hex(0x3a4a63), hex(0x8f3f3c)]),
            poster: *draw.pick(&[hex(0xe2b14c), hex(0xd97a5e), hex(0x6fa6b8)]),
            dice,
        }
    }

    fn street(&self, canvas: &mut Canvas) {
        let mut dice = self.dice.split("blocks");
        let mut x = -30.0;
        let mut index = 0;
        while x < 30.0 {
            let wide = dice.range(6.5..9.5);
            let wall = *dice.pick(&[hex(0xc4a18b), hex(0xa8a6ae), hex(0xc9b58e), hex(0x9fa9a4)]);
            building::block(
                canvas,
                Plane::Front(13.0),
                (x, x + wide),
                dice.range(9.0..17.0),
                wall,
                true,
                &self.dice.split(&format!("block {index}")),
            );
            x += wide + 0.25;
            index += 1;
        }
        for (index, x) in [-9.0, -3.4, 3.2, 8.6].into_iter().enumerate() {
            nature::tree(
                canvas,
                (x + self.side, 0.0, 9.5),
                5.0,
                hex(0x6f9560),
                &self.dice.split(&format!("tree {index}")),
            );
        }
    }

    fn sign(&self, canvas: &mut Canvas) {
        let (x, z) = (self.side * (HALF + 0.38), 0.3);
        canvas.contact_shadow((x, 0.003, z), 0.2, 0.1);
        canvas.rect(
            Plane::Front(z),
            (x - 0.04, x + 0.04),
            (0.0, 2.9),
            canvas.dim(hex(0x8d949a)),
        );
        let blue = hex(0x2f64a8);
        canvas.rounded(
            z - 0.02,
            (x - 0.3, x + 0.3),
            (2.15, 2.95),
            0.07,
            canvas.lit(hex(0xf4f5f2)),
        );
        canvas.rounded(
            z - 0.03,
            (x - 0.26, x + 0.26),
            (2.19, 2.91),
            0.05,
            canvas.lit(blue),
        );
        bus_symbol(
            canvas,
            (x, 2.57),
            z - 0.04,
            0.36,
            canvas.lit(hex(0xf8f8f4)),
            canvas.lit(blue),
        );
        canvas.rect(
            Plane::Front(z - 0.03),
            (x - 0.24, x + 0.24),
            (1.15, 1.8),
            canvas.lit(hex(0xf4f2e6)),
        );
        for row in 0..4 {
            let y = 1.24 + 0.13 * row as f32;
            canvas.rect(
                Plane::Front(z - 0.035),
                (x - 0.19, x + 0.15),
                (y, y + 0.06),
                canvas.dim(hex(0x7d8890)),
            );
        }
    }

    fn shelter(&self, canvas: &mut Canvas) {
        let (lit, dim) = (canvas.lit(self.frame), canvas.dim(self.frame));
        // Glass: what lies behind turns paler and bluer.
        let tint = if canvas.lamps_on() {
            hex(0x6d86a4)
        } else {
            hex(0xdff0f4)
        };
        canvas.veil(Plane::Front(GLASS), (-HALF, HALF), (0.25, 2.35), tint, 0.34);
        for side in [-HALF, HALF] {
            canvas.veil(Plane::Side(side), (0.2, GLASS), (0.25, 2.35), tint, 0.28);
        }
        for (a, b) in [(-1.75, -1.35), (-0.5, -0.1), (0.95, 1.35)] {
            canvas.sheen(
                &[
                    (a, 0.3, GLASS),
                    (a + 0.22, 0.3, GLASS),
                    (b + 0.42, 2.3, GLASS),
                    (b + 0.2, 2.3, GLASS),
                ],
                hex(0xffffff),
                0.13,
            );
        }
        // A band with symbols at head height, as on real glass.
        for index in 0..6 {
            let x = -1.75 + 0.7 * index as f32;
            let white = canvas.lit(hex(0xfbfbf8));
            bus_symbol(canvas, (x, 1.62), GLASS - 0.01, 0.36, white, lit);
        }
        canvas.rect(Plane::Front(GLASS - 0.01), (-HALF, HALF), (1.3, 1.36), lit);
        canvas.rect(Plane::Front(GLASS - 0.01), (-HALF, HALF), (1.92, 1.98), lit);
        for index in 0..=3 {
            let x = -HALF + 2.0 * HALF * index as f32 / 3.0;
            canvas.cuboid(
                (x - 0.05, 0.0, GLASS - 0.05),
                (x + 0.05, 2.4, GLASS + 0.05),
                self.frame,
            );
        }
        canvas.rect(Plane::Front(GLASS - 0.04), (-HALF, HALF), (0.2, 0.27), dim);
        // The timetable and the lit poster.
        let x = -self.side * 1.4;
        let z = GLASS - 0.07;
        canvas.tagged(130, |canvas| {
            let glow = canvas.lamps_on();
            let paper = if glow {
                hex(0xfff6dc)
            } else {
                canvas.lit(hex(0xf7f3e4))
            };
            canvas.cuboid(
                (x - 0.52, 0.45, z - 0.03),
                (x + 0.52, 2.12, z + 0.04),
                hex(0x3c454e),
            );
            canvas.rect(
                Plane::Front(z - 0.04),
                (x - 0.46, x + 0.46),
                (0.51, 2.06),
                paper,
            );
            let tone = |canvas: &Canvas, c: Rgb| if glow { c } else { canvas.lit(c) };
            let poster = self.poster;
            canvas.rect(
                Plane::Front(z - 0.045),
                (x - 0.38, x + 0.38),
                (0.6, 1.5),
                tone(canvas, poster),
            );
            canvas.ellipse3((x, 1.1, z - 0.05), 0.24, 0.24, tone(canvas, hex(0xf8ecd0)));
            canvas.flat(
                z - 0.055,
                &[
                    (x - 0.38, 0.6),
                    (x + 0.38, 0.6),
                    (x + 0.38, 0.85),
                    (x + 0.05, 1.02),
                    (x - 0.38, 0.75),
                ],
                tone(canvas, poster.shade(0.66)),
            );
            for (row, wide) in [(0, 0.7), (1, 0.5), (2, 0.62)] {
                let y = 1.6 + 0.14 * row as f32;
                canvas.rect(
                    Plane::Front(z - 0.045),
                    (x - 0.35, x - 0.35 + wide),
                    (y, y + 0.075),
                    tone(canvas, hex(0x45586e)),
                );
            }
        });
        // The bench inside.
        canvas.tagged(129, |canvas| {
            canvas.contact_shadow((0.0, 0.003, 0.3), 1.2, 0.25);
            for leg in [-0.8, 0.72] {
                canvas.cuboid((leg, 0.0, 0.2), (leg + 0.08, 0.42, 0.38), hex(0x59626a));
            }
            canvas.cuboid((-1.05, 0.4, 0.06), (1.05, 0.45, 0.5), hex(0xcfa15f));
        });
        for x in [-HALF, HALF] {
            canvas.cuboid((x - 0.06, 0.0, 0.08), (x + 0.06, 2.4, 0.2), self.frame);
        }
        canvas.cuboid(
            (-HALF - 0.25, 2.38, -0.35),
            (HALF + 0.25, 2.56, GLASS + 0.15),
            self.frame,
        );
        canvas.rounded(-0.37, (-0.95, 0.95), (2.38, 2.7), 0.05, lit);
        bus_symbol(
            canvas,
            (-0.68, 2.54),
            -0.38,
            0.22,
            canvas.lit(hex(0xfbfbf8)),
            lit,
        );
        for (a, b) in [(-0.44, -0.1), (0.0, 0.2), (0.3, 0.74)] {
            canvas.rect(
                Plane::Front(-0.38),
                (a, b),
                (2.48, 2.6),
                canvas.lit(hex(0xfbfbf8)),
            );
        }
        if canvas.lamps_on() {
            canvas.glow((0.0, 2.3, 0.4), 2.4, hex(0xffe2a0), 0.3);
            canvas.level(2.36, (-1.5, 1.5), (0.2, 0.45), hex(0xfff4d0));
        }
    }
}

/// The front of a bus as a sign shows it.
fn bus_symbol(canvas: &mut Canvas, at: (f32, f32), z: f32, size: f32, ink: Rgb, paper: Rgb) {
    let (x, y) = at;
    let half = size * 0.5;
    canvas.rounded(
        z,
        (x - half, x + half),
        (y - half * 0.8, y + half),
        half * 0.25,
        ink,
    );
    for side in [-0.6_f32, 0.6] {
        canvas.rect(
            Plane::Front(z),
            (x + half * (side - 0.2), x + half * (side + 0.2)),
            (y - half, y - half * 0.7),
            ink,
        );
        canvas.ellipse3(
            (x + half * side, y - half * 0.45, z),
            half * 0.16,
            half * 0.16,
            paper,
        );
    }
    canvas.rounded(
        z,
        (x - half * 0.78, x + half * 0.78),
        (y - half * 0.1, y + half * 0.7),
        half * 0.12,
        paper,
    );
}

impl Place for BusStop {
    fn behind(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        window::skyline(canvas, &self.dice.split("skyline"));
        let pavement = if self.rain {
            hex(0xa9abb0)
        } else {
            hex(0xc4bdb2)
        };
        nature::ground(canvas, pavement);
        self.street(canvas);
        nature::ground_between(canvas, (6.0, 8.5), hex(0x7f9a68));
        nature::ground_between(canvas, (-1.1, 6.0), pavement);
        let joint = canvas.lit(pavement.shade(0.9));
        for index in -12..=12 {
            let x = index as f32 * 1.2;
            canvas.level(
                0.002,
                (x, x + 0.05),
                (canvas.ground_from().max(-1.1), 6.0),
                joint,
            );
        }
        for z in [1.4, 3.4] {
            nature::ground_between(canvas, (z, z + 0.06), pavement.shade(0.9));
        }
        let road = if self.rain {
            hex(0x5d646f)
        } else {
            hex(0x74767e)
        };
        nature::ground_between(canvas, (-1.4, -1.1), hex(0xe6e1d6));
        nature::ground_between(canvas, (-60.0, -1.4), road);
        nature::ground_between(canvas, (-1.9, -1.78), hex(0xe9c24e));
        for index in -4..=4 {
            let x = index as f32 * 3.0;
            canvas.face(
                &[
                    (x, 0.003, -3.6),
                    (x + 1.3, 0.003, -3.6),
                    (x + 0.7, 0.003, -2.4),
                    (x - 0.6, 0.003, -2.4),
                ],
                canvas.lit(hex(0xe9c24e)),
            );
        }
        if self.rain {
            weather::puddles(canvas, (-5.0, 5.0), (-3.6, 2.4), road, &self.dice);
            weather::reflection(
                canvas,
                self.side * 3.3,
                (-3.0, 2.0),
                0.35,
                canvas.light.sky().1,
            );
        }
        building::street_lamp(canvas, (-self.side * 3.4, 0.0, 1.6), 5.0, self.side);
        canvas.contact_shadow((0.0, 0.003, 0.6), HALF * 1.05, 0.6);
        canvas.tagged(128, |canvas| self.shelter(canvas));
        canvas.tagged(131, |canvas| self.sign(canvas));
        let x = -self.side * (HALF + 0.55);
        canvas.contact_shadow((x, 0.003, 0.5), 0.3, 0.18);
        canvas.cuboid((x - 0.2, 0.05, 0.35), (x + 0.2, 0.85, 0.7), hex(0x56705e));
        canvas.cuboid(
            (x - 0.24, 0.85, 0.31),
            (x + 0.24, 0.95, 0.74),
            hex(0x3d4f45),
        );
    }

    fn in_front(&self, canvas: &mut Canvas) {
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let (sign, poster) = (self.side * (HALF + 0.38), -self.side * 1.4);
        list_props(&[
            (
                "bus shelter",
                (-HALF - 0.25, 0.0, -0.35),
                (HALF + 0.25, 2.7, GLASS),
            ),
            ("bench", (-1.05, 0.0, 0.06), (1.05, 0.45, 0.5)),
            (
                "poster",
                (poster - 0.52, 0.45, GLASS - 0.1),
                (poster + 0.52, 2.12, GLASS),
            ),
            (
                "bus stop sign",
                (sign - 0.3, 0.0, 0.25),
                (sign + 0.3, 2.95, 0.3),
            ),
        ])
    }
}
