//! A long corridor: doors on both sides, lamps overhead.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture;
use super::pieces::room::{Ceiling, Floor, Room, Sides};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const BACK: f32 = 15.0;
const HALF: f32 = 1.95;
const HEIGHT: f32 = 3.1;

pub(super) struct Corridor {
    dice: Dice,
    wall: Rgb,
    lower: Rgb,
    door: Rgb,
    shift: f32,
}

impl Corridor {
    pub fn new(dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let (wall, lower, door) = *draw.pick(&[
            (hex(0xe6e3d4), hex(0x8fb0a4), hex(0xb98a5c)),
            (hex(0xe2e4e6), hex(0x8ea6bf), hex(0x7a93ad)),
            (hex(0xece0cf), hex(0xc79a82), hex(0x8c5a48)),
            (hex(0xe4e6da), hex(0xc9b878), hex(0x6f8a6c)),
        ]);
        Self {
            wall,
            lower,
            door,
            shift: draw.range(-0.5..0.5),
            dice,
        }
    }

    fn doors(&self, canvas: &mut Canvas) {
        let near = canvas.camera.near();
        for index in (-4..6).rev() {
            for (x, phase) in [(-HALF, 0.0), (HALF, 1.1)] {
                let z = 1.0 + index as f32 * 2.5 + phase + self.shift;
                if z + 1.15 > BACK || z + 1.15 < near {
                    continue;
                }
                let lit = (x < 0.0) != canvas.from_left;
                let tone = |canvas: &Canvas, base: Rgb| {
                    if lit {
                        canvas.lit(base).mix(canvas.dim(base), 0.25)
                    } else {
                        canvas.dim(base)
                    }
                };
                let put = |canvas: &mut Canvas| {
                    let plane = Plane::Side(x * 0.995);
                    canvas.rect(
                        plane,
                        (z - 0.12, z + 1.12),
                        (0.0, 2.3),
                        tone(canvas, hex(0xf8f5ec)),
                    );
                    canvas.rect(plane, (z, z + 1.0), (0.0, 2.18), tone(canvas, self.door));
                    canvas.rect(
                        plane,
                        (z + 0.14, z + 0.86),
                        (0.25, 1.0),
                        tone(canvas, self.door.shade(0.86)),
                    );
                    let pane = if canvas.lamps_on() {
                        hex(0xffe3a4).mix(tone(canvas, hex(0xffe3a4)), 0.4)
                    } else {
                        tone(canvas, hex(0xd5e8ec))
                    };
                    canvas.rect(
                        plane,
                        (z + 0.2, z + 0.8),
                        (1.25, 1.95),
                        tone(canvas, self.door.shade(0.72)),
                    );
                    canvas.rect(plane, (z + 0.25, z + 0.75), (1.3, 1.9), pane);
                    canvas.rect(
                        plane,
                        (z + 0.84, z + 0.94),
                        (1.04, 1.14),
                        tone(canvas, hex(0xe2c06a)),
                    );
                    canvas.rect(
                        plane,
                        (z + 0.32, z + 0.68),
                        (2.36, 2.54),
                        tone(canvas, self.door.shade(0.7)),
                    );
                };
                if index == 0 {
                    canvas.tagged(128, put)
                } else {
                    put(canvas)
                }
            }
        }
    }

    fn end(&self, canvas: &mut Canvas) {
        let plane = Plane::Front(BACK - 0.02);
        let (top, horizon) = canvas.light.sky();
        canvas.tagged(129, |canvas| {
            canvas.rect(plane, (-1.15, 1.15), (0.0, 2.5), canvas.lit(hex(0xf8f5ec)));
            for (a, b) in [(-1.0, -0.04), (0.04, 1.0)] {
                canvas.rect(plane, (a, b), (0.0, 2.36), canvas.lit(self.door));
                canvas.fade(
                    BACK - 0.03,
                    (a + 0.16, b - 0.16),
                    (0.9, 2.2),
                    top.mix(horizon, 0.5),
                    horizon,
                );
            }
        });
        let green = if canvas.lamps_on() {
            hex(0x58d88a)
        } else {
            canvas.lit(hex(0x3fae6a))
        };
        if canvas.lamps_on() {
            canvas.glow((0.0, 2.75, BACK - 0.05), 0.9, green, 0.3);
        }
        canvas.rect(Plane::Front(BACK - 0.05), (-0.45, 0.45), (2.6, 2.92), green);
        canvas.rect(
            Plane::Front(BACK - 0.06),
            (-0.3, 0.3),
            (2.7, 2.82),
            hex(0xf8fff8),
        );
    }
}

impl Place for Corridor {
    fn behind(&self, canvas: &mut Canvas) {
        let room = Room {
            x: (-HALF, HALF),
            height: HEIGHT,
            depth: BACK,
            wall: self.wall,
            wainscot: Some((self.lower, 1.05)),
            floor: hex(0xd6d2c6),
            laid: Floor::Chequer(self.lower.mix(hex(0xe0dccf), 0.45), 0.975),
            ceiling: hex(0xf0eee6),
            overhead: Ceiling::Plain,
            sides: Sides::Bare,
        };
        room.draw(canvas, &self.dice);
        let near = canvas.camera.near();
        let lamp = if canvas.lamps_on() {
            hex(0xfff3cc)
        } else {
            canvas.lit(hex(0xfdfcf4))
        };
        let mut z = BACK - 1.6;
        while z > near + 0.8 {
            canvas.level(
                HEIGHT - 0.03,
                (-0.62, 0.62),
                (z - 0.4, z + 0.4),
                canvas.dim(hex(0xb9b6aa)),
            );
            canvas.level(HEIGHT - 0.04, (-0.52, 0.52), (z - 0.33, z + 0.33), lamp);
            // The polished floor mirrors the lamps.
            canvas.sheen(
                &[
                    (-0.55, 0.004, z - 0.4),
                    (0.55, 0.004, z - 0.4),
                    (0.55, 0.004, z + 0.4),
                    (-0.55, 0.004, z + 0.4),
                ],
                lamp,
                0.34,
            );
            if canvas.lamps_on() && z < 9.0 {
                canvas.glow((0.0, HEIGHT - 0.05, z), 0.85, hex(0xffe2a0), 0.2);
            }
            z -= 2.5;
        }
        for x in [-HALF, HALF] {
            let rail = canvas.dim(self.lower.shade(0.78));
            canvas.rect(Plane::Side(x * 0.998), (near, BACK), (1.02, 1.12), rail);
        }
        self.end(canvas);
        self.doors(canvas);
        canvas.tagged(130, |canvas| {
            let x = if self.shift > 0.0 {
                -HALF + 0.28
            } else {
                HALF - 0.28
            };
            canvas.contact_shadow((x, 0.003, 3.0), 0.25, 0.2);
            furniture::plant(canvas, (x, 0.0, 3.0), 1.3, hex(0xc98f6a), &self.dice);
        });
        // A fire extinguisher in its niche.
        let x = if self.shift > 0.0 {
            HALF - 0.14
        } else {
            -HALF + 0.14
        };
        canvas.tagged(131, |canvas| {
            canvas.rounded(
                2.0,
                (x - 0.11, x + 0.11),
                (0.5, 1.1),
                0.08,
                canvas.lit(hex(0xc8402f)),
            );
            canvas.rect(
                Plane::Front(1.99),
                (x - 0.11, x + 0.11),
                (0.7, 0.86),
                canvas.lit(hex(0xf4ecd8)),
            );
            canvas.rect(
                Plane::Front(1.99),
                (x - 0.04, x + 0.04),
                (1.08, 1.2),
                canvas.dim(hex(0x2c3036)),
            );
        });
    }

    fn props(&self) -> Vec<Prop> {
        let (plant, bottle) = if self.shift > 0.0 {
            (-HALF + 0.28, HALF - 0.14)
        } else {
            (HALF - 0.28, -HALF + 0.14)
        };
        let z = 1.0 + self.shift;
        list_props(&[
            ("door", (-HALF, 0.0, z), (-HALF + 0.1, 2.3, z + 1.0)),
            ("exit", (-1.15, 0.0, BACK - 0.1), (1.15, 2.92, BACK)),
            ("plant", (plant - 0.4, 0.0, 2.9), (plant + 0.4, 1.3, 3.1)),
            (
                "fire extinguisher",
                (bottle - 0.11, 0.5, 1.95),
                (bottle + 0.11, 1.2, 2.05),
            ),
        ])
    }
}
