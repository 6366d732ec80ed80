//! A city street that runs to the vanishing point.

use super::brush::{Brush, Plane, hex};
use super::pieces::{building, nature, sky, weather, window};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::dice::Dice;

const KERB: f32 = 3.1;
const FRONT: f32 = 4.9;

pub(super) struct CityStreet {
    rain: bool,
    dice: Dice,
    side: f32,
    car_at: f32,
}

impl CityStreet {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        Self {
            rain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            car_at: draw.range(3.5..5.0),
            dice,
        }
    }

    fn blocks(&self, canvas: &mut Canvas) {
        let walls = [
            hex(0xb9826a),
            hex(0xa9a3a8),
            hex(0xc7ab85),
            hex(0x95a0a8),
            hex(0xa8705f),
        ];
        for side in [-1.0_f32, 1.0] {
            let mut dice = self.dice.split(if side < 0.0 { "left" } else { "right" });
            let lit = (side < 0.0) != canvas.from_left;
            let mut spans = Vec::new();
            let mut z = -9.0;
            while z < 62.0 {
                let deep = dice.range(8.0..12.0);
                spans.push((z, z + deep, dice.range(11.0..19.0), *dice.pick(&walls)));
                z += deep;
            }
            for (index, &(near, far, height, wall)) in spans.iter().enumerate().rev() {
                if far < canvas.camera.near() {
                    continue;
                }
                let layout = self.dice.split(&format!("block {side} {index}"));
                let x = side * FRONT;
                let put = |canvas: &mut Canvas| {
                    building::block(
                        canvas,
                        Plane::Side(x),
                        (near, far),
                        height,
                        wall,
                        lit,
                        &layout,
                    );
                    // The end wall that rises above a lower neighbour.
                    let edge = canvas.far_dim(wall.shade(0.9), near.max(0.0));
                    let (a, b) = (x.min(x + side * 9.0), x.max(x + side * 9.0));
                    canvas.rect(Plane::Front(near), (a, b), (0.0, height), edge);
                };
                if index == 2 {
                    canvas.tagged(128, put)
                } else {
                    put(canvas)
                }
            }
        }
    }

    fn traffic_light(&self, canvas: &mut Canvas) {
        let (x, z) = (self.side * (KERB + 0.4), 1.7);
        canvas.contact_shadow((x, 0.003, z), 0.18, 0.1);
        canvas.rect(
            Plane::Front(z),
            (x - 0.05, x + 0.05),
            (0.0, 3.4),
            canvas.dim(hex(0x3d4248)),
        );
        let at = x - self.side * 0.1;
        canvas.rounded(
            z - 0.02,
            (at - 0.17, at + 0.17),
            (2.45, 3.4),
            0.08,
            canvas.dim(hex(0x2c3036)),
        );
        for (y, tone) in [
            (3.2, hex(0xe4483a)),
            (2.92, hex(0x6b5a2c)),
            (2.64, hex(0x2f5a44)),
        ] {
            canvas.ellipse3((at, y, z - 0.03), 0.105, 0.105, tone);
        }
        if canvas.lamps_on() {
            canvas.glow((at, 3.2, z - 0.03), 0.6, hex(0xff5a48), 0.4);
        }
    }
}

impl Place for CityStreet {
    fn behind(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        window::skyline(canvas, &self.dice);
        let asphalt = if self.rain {
            hex(0x5f6670)
        } else {
            hex(0x7a7c84)
        };
        let pavement = if self.rain {
            hex(0xa2a3a6)
        } else {
            hex(0xc6beb2)
        };
        nature::ground(canvas, pavement);
        let near = canvas.ground_from();
        if near < 80.0 {
            let (a, b) = (canvas.lit(asphalt), canvas.far(asphalt, 40.0));
            canvas.level(0.001, (-KERB, KERB), (near, 80.0), b);
            canvas.level(0.001, (-KERB, KERB), (near, 30.0), a.mix(b, 0.4));
            canvas.level(0.001, (-KERB, KERB), (near, 12.0), a);
            for (x0, x1) in [(-KERB - 0.16, -KERB), (KERB, KERB + 0.16)] {
                canvas.level(0.002, (x0, x1), (near, 70.0), canvas.lit(hex(0xe3ddd0)));
            }
            let joint = canvas.lit(pavement.shade(0.9));
            for index in -4..16 {
                let z = index as f32 * 1.6;
                if z > near {
                    canvas.level(0.002, (-FRONT, -KERB - 0.16), (z, z + 0.07), joint);
                    canvas.level(0.002, (KERB + 0.16, FRONT), (z, z + 0.07), joint);
                }
            }
            let paint = canvas.lit(hex(0xf4f0e4));
            // The crossing under the people's feet, then the centre line.
            for index in -3..=3 {
                let x = index as f32;
                canvas.level(0.003, (x - 0.27, x + 0.27), (near.max(-1.1), 1.5), paint);
            }
            for index in 0..9 {
                let z = 3.0 + index as f32 * 4.0;
                canvas.level(
                    0.003,
                    (-0.09, 0.09),
                    (z, z + 2.0),
                    canvas.far(hex(0xf4f0e4), z),
                );
            }
        }
        self.blocks(canvas);
        if self.rain {
            weather::puddles(canvas, (-4.6, 4.6), (-3.0, 4.0), asphalt, &self.dice);
            for x in [-2.3, 2.2] {
                weather::reflection(canvas, x, (-2.0, 9.0), 0.4, canvas.light.sky().1);
            }
        }
        let mut dice = self.dice.split("cars");
        let paints = [
            hex(0x8f4a48),
            hex(0x4f6f8c),
            hex(0xd8d4c8),
            hex(0x6c7f70),
            hex(0xb89a58),
        ];
        for index in (0..4).rev() {
            let z = self.car_at + 7.5 * index as f32;
            let (left, right) = (*dice.pick(&paints), *dice.pick(&paints));
            canvas.tagged(129, |canvas| {
                building::car(canvas, (-2.2, 0.0, z + 1.0), left, false);
                building::car(canvas, (2.2, 0.0, z), right, true);
            });
        }
        for index in (0..4).rev() {
            let z = 2.6 + 9.0 * index as f32;
            let put = |canvas: &mut Canvas| {
                building::street_lamp(canvas, (-KERB - 0.5, 0.0, z), 5.2, 1.0);
                building::street_lamp(canvas, (KERB + 0.5, 0.0, z), 5.2, -1.0);
            };
            if index == 0 {
                canvas.tagged(130, put)
            } else {
                put(canvas)
            }
            // One tree between two lamps, on alternating sides.
            let side = if index % 2 == 0 {
                self.side
            } else {
                -self.side
            };
            let foot = (side * (KERB + 0.8), 0.0, z + 6.0);
            nature::tree(
                canvas,
                foot,
                3.8,
                hex(0x7c9f5e),
                &self.dice.split(&format!("tree {index}")),
            );
        }
        canvas.tagged(131, |canvas| self.traffic_light(canvas));
    }

    fn in_front(&self, canvas: &mut Canvas) {
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let x = self.side * (KERB + 0.3);
        list_props(&[
            ("building", (FRONT, 0.0, 9.0), (FRONT + 1.0, 11.0, 19.0)),
            (
                "car",
                (1.25, 0.0, self.car_at),
                (3.15, 1.45, self.car_at + 3.9),
            ),
            (
                "street lamp",
                (KERB - 0.75, 4.7, 2.6),
                (KERB + 0.65, 5.7, 2.6),
            ),
            ("traffic light", (x - 0.5, 2.3, 1.68), (x + 0.5, 3.5, 1.8)),
        ])
    }
}
