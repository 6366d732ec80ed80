//! A beach: sand, sea, parasols, palms, sails.

use super::brush::{Brush, Plane, hex};
use super::pieces::{nature, sky, weather};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

pub(super) struct Beach {
    rain: bool,
    dice: Dice,
    side: f32,
    stripe: Rgb,
    sails: Vec<(f32, f32)>,
}

impl Beach {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
        let sails = (0..5)
            .map(|index| {
                (
                    (index as f32 - 2.0) * 13.0 + draw.range(-4.0..4.0),
                    draw.range(55.0..85.0),
                )
            })
            .collect();
        Self {
            rain,
            side,
            stripe: *draw.pick(&[hex(0xe0604a), hex(0x3f8fae), hex(0xe8a83c), hex(0x4fa07c)]),
            sails,
            dice,
        }
    }

    fn sea(&self, canvas: &mut Canvas) {
        let (top, horizon) = sky::tones(canvas.light, self.rain);
        let deep = canvas.lit(hex(0x2f8aa8)).mix(top, 0.28);
        let shallow = canvas.lit(hex(0x7fcfca)).mix(horizon, 0.2);
        let near = 6.5_f32.max(canvas.ground_from());
        let camera = canvas.camera;
        let corners = [
            (camera.left_at(near) - 0.5, 0.0, near),
            (camera.right_at(near) + 0.5, 0.0, near),
            (camera.right_at(900.0) + 9.0, 0.0, 900.0),
            (camera.left_at(900.0) - 9.0, 0.0, 900.0),
        ];
        if near < 800.0
            && let (Some(path), Some(low), Some(high)) = (
                canvas.outline(&corners),
                camera.project(0.0, 0.0, near),
                camera.project(0.0, 0.0, 900.0),
            )
        {
            canvas.fill_gradient(
                &path,
                (0.0, high.1, deep),
                (0.0, high.1 + (low.1 - high.1) * 0.9, shallow),
            );
        }
        // A headland, the sails, then bars of foam.
        let (left, right) = (camera.left_at(300.0), camera.right_at(300.0));
        let land = if self.side > 0.0 {
            (left - 5.0, -22.0)
        } else {
            (22.0, right + 5.0)
        };
        let shore = |t: f32| land.0 + (land.1 - land.0) * t;
        let up = |t: f32| if self.side > 0.0 { 1.0 - t } else { t };
        let points: Vec<_> = (0..=8)
            .map(|i| i as f32 / 8.0)
            .map(|t| (shore(t), 16.0 * up(t) + 3.0 * (t * 14.0).sin() * up(t)))
            .chain([(shore(1.0), 0.0), (shore(0.0), 0.0)])
            .collect();
        canvas.flat(300.0, &points, canvas.far(hex(0x6d9377), 70.0));
        self.glitter(canvas);
        for &(x, z) in &self.sails {
            canvas.tagged(131, |canvas| {
                let hull = canvas.far(hex(0x8c5a48), z * 0.4);
                let sail = canvas.far(hex(0xfffaf0), z * 0.2);
                canvas.flat(
                    z,
                    &[
                        (x - 1.9, 0.9),
                        (x + 1.9, 0.9),
                        (x + 1.3, 0.1),
                        (x - 1.3, 0.1),
                    ],
                    hull,
                );
                canvas.flat(z, &[(x - 0.1, 1.1), (x + 1.8, 1.1), (x - 0.1, 6.6)], sail);
                canvas.flat(
                    z,
                    &[(x - 0.3, 1.1), (x - 1.5, 1.1), (x - 0.3, 5.4)],
                    canvas.far_dim(hex(0xf3e6d6), z * 0.2),
                );
            });
        }
        let foam = canvas.lit(hex(0xf6fcfa));
        for (z, thick) in [(34.0, 0.7), (22.0, 0.55), (15.0, 0.45), (10.5, 0.4)] {
            let mut dice = self.dice.split(&format!("wave {z}"));
            let mut x = camera.left_at(z) - dice.range(0.0..z * 0.2);
            let x_end = camera.right_at(z);
            x = (x / (z * 0.3)).floor() * z * 0.3;
            while x < x_end {
                let long = z * 0.18 + dice.range(0.0..0.1) * z;
                canvas.level(0.01, (x, x + long), (z, z + thick), foam.mix(shallow, 0.35));
                x += z * 0.3;
            }
        }
    }

    fn glitter(&self, canvas: &mut Canvas) {
        let (colour, x) = match canvas.light {
            Light::GoldenSunset => (hex(0xffdf9a), canvas.sun_side() * 0.16),
            Light::Night => (hex(0xd8def4), canvas.sun_side() * 0.16),
            _ => return,
        };
        if self.rain {
            return;
        }
        for (index, z) in [260.0_f32, 130.0, 80.0, 52.0, 36.0, 26.0, 19.0, 14.0]
            .into_iter()
            .enumerate()
        {
            let half = z * (0.02 + 0.006 * (index % 3) as f32);
            canvas.sheen(
                &[
                    (x * z - half, 0.01, z),
                    (x * z + half, 0.01, z),
                    (x * z + half, 0.01, z * 1.2),
                    (x * z - half, 0.01, z * 1.2),
                ],
                colour,
                0.7,
            );
        }
    }

    fn parasol(&self, canvas: &mut Canvas, x: f32, z: f32, colour: Rgb) {
        if !canvas.sees((x - 1.6, x + 1.6), (0.0, 2.7), z) {
            return;
        }
        canvas.contact_shadow((x + 0.3 * -canvas.sun_side(), 0.003, z), 1.0, 0.45);
        canvas.rect(
            Plane::Front(z),
            (x - 0.035, x + 0.035),
            (0.0, 2.2),
            canvas.far(hex(0xe9e0cc), z),
        );
        let (half, rim, top) = (1.35, 1.72, 2.55);
        let gores = 6;
        for gore in 0..gores {
            let edge = |t: f32| {
                let angle = t / gores as f32 * std::f32::consts::PI;
                x - half * angle.cos()
            };
            let (a, b) = (edge(gore as f32), edge(gore as f32 + 1.0));
            let base = if gore % 2 == 0 { colour } else { hex(0xfaf3e4) };
            let away = (gore * 2 >= gores) == canvas.from_left;
            let tone = if away {
                canvas.far_dim(base, z)
            } else {
                canvas.far(base, z)
            };
            let bulge = |u: f32| x + (u - x) * 0.8;
            canvas.flat(
                z,
                &[
                    (a, rim),
                    ((a + b) / 2.0, rim + 0.1),
                    (b, rim),
                    (bulge(b), rim + 0.52),
                    (x + (b - x) * 0.2, top - 0.05),
                    (x, top),
                    (x + (a - x) * 0.2, top - 0.05),
                    (bulge(a), rim + 0.52),
                ],
                tone,
            );
        }
        canvas.ellipse3((x, top + 0.04, z), 0.05, 0.06, canvas.far(colour, z));
    }

    fn lounger(&self, canvas: &mut Canvas, x: f32, z: f32, towards: f32) {
        canvas.contact_shadow((x, 0.003, z), 0.85, 0.3);
        let wood = hex(0xc79a63);
        canvas.cuboid((x - 0.75, 0.0, z - 0.2), (x - 0.66, 0.3, z + 0.2), wood);
        canvas.cuboid((x + 0.66, 0.0, z - 0.2), (x + 0.75, 0.3, z + 0.2), wood);
        canvas.cuboid(
            (x - 0.85, 0.28, z - 0.28),
            (x + 0.85, 0.36, z + 0.28),
            self.stripe.mix(hex(0xffffff), 0.35),
        );
        let (foot, head) = (x + towards * 0.2, x + towards * 0.95);
        canvas.face(
            &[
                (foot, 0.36, z - 0.28),
                (head, 0.85, z - 0.28),
                (head, 0.85, z + 0.28),
                (foot, 0.36, z + 0.28),
            ],
            canvas.lit(self.stripe),
        );
        canvas.line3(
            &[(foot, 0.36, z - 0.28), (head, 0.85, z - 0.28)],
            0.07,
            canvas.lit(wood),
        );
    }
}

impl Place for Beach {
    fn behind(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        self.sea(canvas);
        let sand = if self.rain {
            hex(0xd6c29a)
        } else {
            hex(0xf2dcae)
        };
        nature::ground_between(canvas, (6.1, 6.9), hex(0xf8fcf8));
        nature::ground_between(canvas, (4.9, 6.2), sand.shade(0.82));
        nature::ground_between(canvas, (-60.0, 5.0), sand);
        let mut dice = self.dice.split("sand");
        for _ in 0..14 {
            let at = (dice.range(-6.0..6.0), 0.003, dice.range(-4.0..4.4));
            let wide = dice.range(0.3..0.8);
            canvas.disc3(at, wide, wide * 0.16, canvas.lit(sand.shade(0.94)));
            canvas.disc3(
                (at.0, at.1, at.2 - wide * 0.06),
                wide * 0.9,
                wide * 0.1,
                canvas.lit(sand.mix(hex(0xffffff), 0.2)),
            );
        }
        let s = self.side;
        nature::palm(canvas, (s * 3.6, 0.0, 4.4), 5.0, -s * 0.9);
        canvas.tagged(130, |canvas| {
            nature::palm(canvas, (s * 2.35, 0.0, 2.4), 3.6, -s * 0.5)
        });
        self.parasol(canvas, -s * 4.6, 4.2, hex(0x5f9fb4));
        self.parasol(canvas, s * 0.9, 4.6, hex(0xe3b04e));
        self.lounger(canvas, -s * 2.5, 1.9, s);
        canvas.tagged(129, |canvas| {
            self.parasol(canvas, -s * 1.75, 2.1, self.stripe)
        });
        // A ball and a bucket.
        let x = s * 1.65;
        canvas.contact_shadow((x, 0.003, 0.7), 0.22, 0.1);
        canvas.ellipse3((x, 0.19, 0.7), 0.19, 0.19, canvas.lit(hex(0xfaf5e8)));
        canvas.smooth(
            0.69,
            &[
                (x - 0.02, 0.38),
                (x - 0.12, 0.19),
                (x - 0.02, 0.0),
                (x + 0.1, 0.02),
                (x + 0.04, 0.19),
                (x + 0.08, 0.36),
            ],
            canvas.lit(self.stripe),
        );
        canvas.tagged(128, |canvas| {
            canvas.contact_shadow((0.0, 0.003, 0.3), 1.15, 0.28);
            let wood = hex(0xb59a78);
            canvas.cuboid((-0.98, 0.06, 0.1), (0.98, 0.42, 0.46), wood);
            canvas.rounded(0.07, (-1.04, 1.04), (0.0, 0.45), 0.19, canvas.dim(wood));
            canvas.rounded(0.065, (-1.03, 0.97), (0.14, 0.45), 0.15, canvas.lit(wood));
            canvas.ellipse3((-0.99, 0.23, 0.06), 0.12, 0.21, canvas.lit(hex(0xd8c3a0)));
            canvas.line3(&[(0.6, 0.4, 0.1), (0.82, 0.62, 0.1)], 0.1, canvas.lit(wood));
        });
    }

    fn in_front(&self, canvas: &mut Canvas) {
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let s = self.side;
        let (sail_x, sail_z) = self.sails.get(2).copied().unwrap_or((0.0, 70.0));
        let (a, b) = (-s * 1.75, s * 2.35);
        list_props(&[
            ("driftwood", (-1.1, 0.0, 0.06), (1.04, 0.62, 0.46)),
            ("parasol", (a - 1.35, 0.0, 2.1), (a + 1.35, 2.6, 2.1)),
            ("palm tree", (b - 1.9, 0.0, 2.4), (b + 1.9, 4.6, 2.4)),
            (
                "sailing boat",
                (sail_x - 1.9, 0.0, sail_z),
                (sail_x + 1.9, 6.6, sail_z),
            ),
        ])
    }
}
