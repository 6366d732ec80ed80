//! A forest: trunks in layers that fade into the air.

use super::brush::{Brush, hex};
use super::pieces::{nature, weather};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

struct Trunk {
    x: f32,
    z: f32,
    half: f32,
    lean: f32,
}

pub(super) struct Forest {
    rain: bool,
    dice: Dice,
    bark: Rgb,
    leaf: Rgb,
    floor: Rgb,
    trunks: Vec<Trunk>,
}

impl Forest {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let (leaf, floor) = *draw.pick(&[
            (hex(0x5f8f4c), hex(0x8a9a58)),
            (hex(0x4f8558), hex(0x7f8f5a)),
            (hex(0x9a8f3f), hex(0xa88f58)),
        ]);
        let bark = *draw.pick(&[hex(0x6f5440), hex(0x7a6250), hex(0x5d4a3e)]);
        let mut trunks = Vec::new();
        // Each layer fills its width evenly, so no view is empty.
        for (z, gap, half) in [
            (30.0, 3.4, 0.5),
            (18.0, 2.7, 0.42),
            (10.5, 2.2, 0.34),
            (5.6, 1.9, 0.28),
            (2.7, 1.75, 0.22),
        ] {
            let count = (((z + 12.0) * 1.15 / gap) as i32).max(4);
            for index in -count / 2..=count / 2 {
                let x = (index as f32 + draw.range(0.12..0.88)) * gap;
                trunks.push(Trunk {
                    x,
                    z: z + draw.range(-0.09..0.09) * z,
                    half: half * draw.range(0.75..1.25),
                    lean: draw.range(-0.5..0.5),
                });
            }
        }
        trunks.sort_by(|a, b| b.z.total_cmp(&a.z));
        Self {
            rain,
            bark,
            leaf,
            floor,
            trunks,
            dice,
        }
    }

    /// The air of the wood: leaves paled by light.
    fn mist(&self, canvas: &Canvas) -> Rgb {
        canvas.lit(self.leaf.mix(hex(0xe6eec4), 0.55))
    }

    /// A final colour with `metres` of the wood's air before it.
    fn aired(&self, canvas: &Canvas, colour: Rgb, metres: f32) -> Rgb {
        colour.mix(self.mist(canvas), 1.0 - (-metres.max(0.0) / 26.0).exp())
    }

    /// Leaves overhead, as a ragged band of puffs at depth `z`.
    fn canopy(&self, canvas: &mut Canvas, z: f32, low: f32, size: f32) {
        let mut dice = self.dice.split(&format!("canopy {z:.0}"));
        let (left, right) = (-26.0 - z, 26.0 + z);
        let count = ((right - left) / (size * 1.15)) as usize;
        let mut puffs = Vec::new();
        for index in 0..count {
            let x = left + (index as f32 + dice.range(0.2..0.8)) * size * 1.15;
            puffs.push((
                x,
                low + size * 0.9 + dice.range(-0.5..0.5) * size,
                size * dice.range(0.8..1.15),
            ));
        }
        let top = canvas.camera.top_at(z) + 1.0;
        canvas.puffs(z, &puffs, self.aired(canvas, canvas.dim(self.leaf), z));
        if top > low + size {
            canvas.flat(
                z,
                &[
                    (left, low + size * 0.9),
                    (right, low + size * 0.9),
                    (right, top),
                    (left, top),
                ],
                self.aired(canvas, canvas.dim(self.leaf), z),
            );
        }
        let side = canvas.sun_side();
        let lit: Vec<_> = puffs
            .iter()
            .map(|&(x, y, r)| (x + side * r * 0.15, y + r * 0.3, r * 0.72))
            .collect();
        canvas.puffs(z, &lit, self.aired(canvas, canvas.lit(self.leaf), z));
    }
}

impl Place for Forest {
    fn behind(&self, canvas: &mut Canvas) {
        let mist = self.mist(canvas);
        let top = canvas.camera.top_at(48.0).max(14.0);
        let (left, right) = (
            canvas.camera.left_at(48.0) - 1.0,
            canvas.camera.right_at(48.0) + 1.0,
        );
        canvas.fade(
            48.0,
            (left, right),
            (-8.0, top),
            mist.mix(canvas.lit(self.leaf), 0.45),
            mist.mix(canvas.light.sky().1, 0.35),
        );
        nature::ground_between(canvas, (-60.0, 47.0), self.floor);
        // A path winds to the back.
        let earth = hex(0xb89a70);
        let bends = [
            (-8.0, 0.2, 1.5),
            (0.0, 0.0, 1.25),
            (4.0, -0.5, 1.15),
            (9.0, 0.5, 1.1),
            (18.0, 1.6, 1.1),
            (34.0, -0.5, 1.0),
        ];
        let from = canvas.ground_from();
        for pair in bends.windows(2) {
            let ((z0, x0, h0), (z1, x1, h1)) = (pair[0], pair[1]);
            if z1 > from {
                canvas.face(
                    &[
                        (x0 - h0, 0.002, z0),
                        (x0 + h0, 0.002, z0),
                        (x1 + h1, 0.002, z1),
                        (x1 - h1, 0.002, z1),
                    ],
                    canvas.far(earth, (z0 + z1).max(0.0) * 0.5),
                );
            }
        }
        let mut dice = self.dice.split("undergrowth");
        let mut layers = [(24.0, 7.5, 3.2), (13.0, 6.6, 2.4), (7.0, 6.0, 1.8)]
            .into_iter()
            .peekable();
        for (index, trunk) in self.trunks.iter().enumerate() {
            while let Some(&(z, low, size)) = layers.peek()
                && trunk.z < z
            {
                self.canopy(canvas, z, low, size);
                layers.next();
            }
            let nearest = index + 5 > self.trunks.len();
            let tones = (
                self.aired(canvas, canvas.lit(self.bark), trunk.z),
                self.aired(canvas, canvas.dim(self.bark), trunk.z),
            );
            let put = |canvas: &mut Canvas| {
                nature::trunk(
                    canvas,
                    (trunk.x, 0.0, trunk.z),
                    trunk.half,
                    16.0,
                    tones,
                    trunk.lean,
                )
            };
            if nearest {
                canvas.tagged(128, put)
            } else {
                put(canvas)
            }
            let beside = trunk.x + dice.range(-0.9..0.9);
            if index % 2 == 0 && beside.abs() > 1.3 {
                nature::tuft(
                    canvas,
                    (beside, 0.0, trunk.z - 0.3),
                    dice.range(0.35..0.6),
                    self.leaf,
                    &mut dice,
                );
            } else if index % 5 == 1 {
                let layout = self.dice.split(&format!("bush {index}"));
                nature::bush(
                    canvas,
                    (beside, 0.0, trunk.z - 0.2),
                    0.75,
                    self.leaf.shade(0.92),
                    &layout,
                );
            }
        }
        self.canopy(canvas, 2.6, 4.4, 1.0);
        // Shafts of light between the trunks.
        let (colour, alpha) = match canvas.light {
            Light::SoftDaylight => (hex(0xfdfbe0), 0.14),
            Light::GoldenSunset => (hex(0xffd27a), 0.2),
            _ => (hex(0xb8c8ff), 0.05),
        };
        if !self.rain {
            let slant = -canvas.sun_side() * 2.6;
            for x in [-3.4, -0.6, 2.4] {
                let x = x - slant * 0.4;
                canvas.sheen(
                    &[
                        (x - 0.35, 7.0, 4.0),
                        (x + 0.35, 7.0, 4.0),
                        (x + 0.9 + slant, 0.0, 3.2),
                        (x - 0.4 + slant, 0.0, 3.2),
                    ],
                    colour,
                    alpha,
                );
            }
        }
        canvas.tagged(129, |canvas| {
            canvas.contact_shadow((0.0, 0.003, 0.3), 1.15, 0.3);
            let (lit, dim) = (
                canvas.lit(self.bark.mix(hex(0xffffff), 0.1)),
                canvas.dim(self.bark),
            );
            canvas.cuboid(
                (-1.0, 0.02, 0.08),
                (1.0, 0.44, 0.5),
                self.bark.mix(hex(0xffffff), 0.06),
            );
            canvas.rounded(0.07, (-1.05, 1.05), (0.0, 0.45), 0.2, dim);
            canvas.rounded(0.065, (-1.03, 0.98), (0.12, 0.45), 0.16, lit);
            canvas.ellipse3((1.0, 0.22, 0.06), 0.13, 0.22, canvas.lit(hex(0xd9b98a)));
            canvas.ellipse3((1.0, 0.22, 0.06), 0.06, 0.11, canvas.lit(hex(0xb98f60)));
            canvas.rounded(
                0.06,
                (-0.8, -0.25),
                (0.38, 0.48),
                0.05,
                canvas.lit(self.leaf),
            );
        });
        for (x, base) in [
            (-1.75, hex(0xc8483c)),
            (-1.5, hex(0xd8683c)),
            (1.85, hex(0xc8483c)),
        ] {
            canvas.tagged(130, |canvas| {
                canvas.rounded(
                    0.6,
                    (x - 0.045, x + 0.045),
                    (0.0, 0.2),
                    0.02,
                    canvas.lit(hex(0xf2e8d4)),
                );
                canvas.smooth(
                    0.59,
                    &[
                        (x - 0.16, 0.17),
                        (x - 0.12, 0.32),
                        (x + 0.12, 0.32),
                        (x + 0.16, 0.17),
                    ],
                    canvas.lit(base),
                );
            });
        }
    }

    fn in_front(&self, canvas: &mut Canvas) {
        let mut dice = self.dice.split("front");
        for x in [-2.2, 2.15, -3.1, 3.2] {
            nature::tuft(canvas, (x, 0.0, -0.7), 0.55, self.leaf, &mut dice);
        }
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let boxes = self
            .trunks
            .last()
            .map_or((0.0, 2.7, 0.22), |t| (t.x, t.z, t.half));
        list_props(&[
            (
                "tree trunk",
                (boxes.0 - boxes.2 * 2.0, 0.0, boxes.1),
                (boxes.0 + boxes.2 * 2.0, 4.0, boxes.1),
            ),
            ("log", (-1.05, 0.0, 0.06), (1.13, 0.48, 0.5)),
            ("mushroom", (-1.95, 0.0, 0.58), (-1.3, 0.34, 0.6)),
        ])
    }
}
