//! A park: lawns, a winding path, a pond with a fountain, flower beds.

use super::brush::{Brush, Plane, hex};
use super::pieces::{building, furniture, nature, sky, weather};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

pub(super) struct Park {
    rain: bool,
    dice: Dice,
    side: f32,
    leaf: Rgb,
    shift: f32,
}

impl Park {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        Self {
            rain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            leaf: *draw.pick(&[hex(0x6ba04c), hex(0x5f9a5a), hex(0x85a848)]),
            shift: draw.range(-1.2..1.2),
            dice,
        }
    }

    fn pond(&self, canvas: &mut Canvas) {
        let (x, z) = (self.shift - self.side * 1.2, 13.0);
        let water = canvas.light.sky().0.mix(canvas.far(hex(0x6fb0c4), z), 0.6);
        canvas.disc3((x, 0.01, z), 6.6, 4.0, canvas.far(hex(0xc9c2b0), z));
        canvas.disc3((x, 0.02, z), 6.1, 3.6, water);
        canvas.disc3(
            (x + 1.2, 0.03, z + 0.8),
            2.8,
            0.8,
            water.mix(hex(0xffffff), 0.3),
        );
        let stone = hex(0xd6d0c2);
        canvas.rounded(
            z,
            (x - 0.35, x + 0.35),
            (0.0, 1.0),
            0.1,
            canvas.far(stone, z),
        );
        canvas.rect(
            Plane::Front(z),
            (x, x + 0.35),
            (0.0, 0.95),
            canvas.far_dim(stone, z),
        );
        canvas.smooth(
            z - 0.01,
            &[
                (x - 1.3, 1.2),
                (x - 0.9, 0.8),
                (x + 0.9, 0.8),
                (x + 1.3, 1.2),
                (x + 1.2, 1.25),
                (x - 1.2, 1.25),
            ],
            canvas.far(stone, z),
        );
        let spray = canvas.far(hex(0xf2fafc), z);
        for (dx, top) in [(-0.75_f32, 2.2), (0.0, 2.9), (0.75, 2.2)] {
            canvas.smooth(
                z - 0.02,
                &[
                    (x, 1.2),
                    (x + dx * 0.4 - 0.1, top),
                    (x + dx * 0.7, top),
                    (x + dx * 1.25 + 0.1, 1.15),
                    (x + dx * 0.9, 1.3),
                ],
                spray,
            );
        }
        canvas.rect(
            Plane::Front(z - 0.02),
            (x - 0.09, x + 0.09),
            (1.2, 2.7),
            spray,
        );
    }

    fn flowers(&self, canvas: &mut Canvas, x: f32, z: f32, wide: f32) {
        canvas.disc3(
            (x, 0.004, z),
            wide * 1.05,
            wide * 0.32,
            canvas.far(hex(0x6f5844), z),
        );
        let mut dice = self.dice.split(&format!("flowers {x:.1}"));
        let bloom = [hex(0xe0728c), hex(0xf0c04c), hex(0xf4efe4), hex(0xb07ac0)];
        for row in 0..2 {
            let depth = z + wide * (0.12 - 0.24 * row as f32);
            let count = 7;
            for index in 0..count {
                let at = x + wide * (index as f32 / (count - 1) as f32 * 1.7 - 0.85);
                let y = dice.range(0.28..0.42);
                canvas.flat(
                    depth,
                    &[(at - 0.12, 0.0), (at + 0.12, 0.0), (at, y)],
                    canvas.far_dim(self.leaf, depth),
                );
                canvas.ellipse3(
                    (at, y, depth),
                    0.115,
                    0.1,
                    canvas.far(*dice.pick(&bloom), depth),
                );
            }
        }
    }
}

impl Place for Park {
    fn behind(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        nature::hills(canvas, 130.0, 13.0, hex(0x7fa58a), &self.dice);
        let grass = hex(0x8fc05c);
        nature::ground(canvas, grass);
        // A belt of trees closes the lawn.
        let mut dice = self.dice.split("belt");
        for index in 0..13 {
            let x = (index as f32 - 6.0) * 4.4 + dice.range(-0.9..0.9);
            nature::tree(
                canvas,
                (x, 0.0, 28.0),
                dice.range(5.5..8.0),
                self.leaf.shade(0.92),
                &self.dice.split(&format!("belt {index}")),
            );
        }
        // Mown stripes lead inwards.
        let from = canvas.ground_from();
        for index in -4..5 {
            let x = index as f32 * 5.0;
            if from < 25.0 {
                canvas.level(
                    0.002,
                    (x, x + 2.5),
                    (from, 25.0),
                    canvas.far(grass.shade(0.95), 4.0),
                );
            }
        }
        canvas.tagged(130, |canvas| self.pond(canvas));
        let gravel = hex(0xe4cfa6);
        let s = self.side;
        let bends = [
            (-9.0, s * 1.0, 1.7),
            (-0.4, s * 0.6, 1.5),
            (3.0, s * 1.6, 1.35),
            (7.0, s * 4.4, 1.3),
            (12.0, s * 5.6, 1.2),
            (22.0, s * 2.6, 1.0),
        ];
        for pair in bends.windows(2) {
            let ((z0, x0, h0), (z1, x1, h1)) = (pair[0], pair[1]);
            if z1 > from {
                canvas.face(
                    &[
                        (x0 - h0, 0.004, z0),
                        (x0 + h0, 0.004, z0),
                        (x1 + h1, 0.004, z1),
                        (x1 - h1, 0.004, z1),
                    ],
                    canvas.far(gravel, (z0 + z1).max(0.0) * 0.5),
                );
            }
        }
        let mut dice = self.dice.split("trees");
        let trees = [
            (-8.8, 17.0),
            (8.4, 18.0),
            (-6.4, 9.5),
            (7.2, 10.5),
            (-2.9, 7.6),
            (3.4, 7.0),
            (-4.6, 4.8),
            (5.0, 4.4),
        ];
        for (index, (x, z)) in trees.into_iter().enumerate() {
            let foot = (x + dice.range(-0.5..0.5), 0.0, z);
            let layout = self.dice.split(&format!("tree {index}"));
            let height = dice.range(4.3..5.6);
            let put = |canvas: &mut Canvas| nature::tree(canvas, foot, height, self.leaf, &layout);
            if index >= 6 {
                canvas.tagged(129, put)
            } else {
                put(canvas)
            }
        }
        for (x, z) in [
            (-1.9, 4.0),
            (-3.1, 4.2),
            (1.6, 4.6),
            (2.6, 4.4),
            (-0.6, 4.4),
            (0.5, 4.8),
        ] {
            nature::bush(
                canvas,
                (x, 0.0, z),
                0.8,
                self.leaf.shade(0.85),
                &self.dice.split(&format!("bush {x}")),
            );
        }
        self.flowers(canvas, -s * 2.1, 2.2, 1.0);
        self.flowers(canvas, s * 3.6, 2.6, 0.9);
        if self.rain {
            weather::puddles(canvas, (-3.0, 3.0), (-3.0, 2.5), gravel, &self.dice);
        }
        canvas.tagged(131, |canvas| {
            building::lantern(canvas, (s * 1.75, 0.0, 1.4), 2.9)
        });
        building::lantern(canvas, (-s * 2.6, 0.0, 6.2), 2.9);
        canvas.tagged(128, |canvas| {
            furniture::bench(canvas, (-1.0, 1.0), 0.06, hex(0x9c6b3f), hex(0x2f5a48))
        });
    }

    fn in_front(&self, canvas: &mut Canvas) {
        let mut dice = self.dice.split("front");
        for x in [-2.4, 2.5, -3.4] {
            nature::tuft(canvas, (x, 0.0, -0.9), 0.32, hex(0x77ab4c), &mut dice);
        }
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let (lamp, pond) = (self.side * 1.75, self.shift - self.side * 1.2);
        list_props(&[
            ("park bench", (-1.0, 0.0, 0.06), (1.0, 0.94, 0.52)),
            ("tree", (-6.2, 0.0, 4.8), (-3.0, 5.2, 4.8)),
            ("fountain", (pond - 1.4, 0.0, 13.0), (pond + 1.4, 3.0, 13.0)),
            ("lantern", (lamp - 0.3, 0.0, 1.4), (lamp + 0.3, 3.7, 1.4)),
        ])
    }
}
