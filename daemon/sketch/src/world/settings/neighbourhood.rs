//! A bench on a street of small houses.

use super::brush::{Brush, hex};
use super::pieces::{building, furniture, nature, sky, weather};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

pub(super) struct Neighbourhood {
    rain: bool,
    dice: Dice,
    shift: f32,
    lamp_at: f32,
    hedge: bool,
}

const HOUSES: f32 = 8.5;

impl Neighbourhood {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
        Self {
            rain,
            shift: draw.range(-3.0..3.0),
            lamp_at: side * draw.range(1.5..1.9),
            hedge: draw.chance(0.4),
            dice,
        }
    }

    fn houses(&self, canvas: &mut Canvas) {
        let mut dice = self.dice.split("houses");
        let walls = [
            hex(0xf2dfa8),
            hex(0xc9dbe6),
            hex(0xf0c9b4),
            hex(0xd5e3c2),
            hex(0xf3ece0),
            hex(0xd8cbe2),
        ];
        let roofs = [hex(0xa8523f), hex(0x6f6a78), hex(0x8a5a48), hex(0x54707a)];
        let first = dice.int(0..6);
        for index in 0..7 {
            let middle = (index as f32 - 3.0) * 8.6 + self.shift;
            let half = dice.range(2.7..3.3);
            let wall: Rgb = walls[(first + index) % walls.len()];
            let roof = *dice.pick(&roofs);
            let layout = self.dice.split(&format!("house {index}"));
            let put = |canvas: &mut Canvas| {
                building::house(
                    canvas,
                    (middle - half, middle + half),
                    HOUSES,
                    wall,
                    roof,
                    &layout,
                )
            };
            if index == 3 {
                canvas.tagged(129, put);
            } else {
                put(canvas);
            }
            let tree = (middle + 4.3 + dice.range(-0.3..0.3), 0.0, HOUSES - 0.8);
            nature::tree(canvas, tree, dice.range(4.2..5.8), hex(0x6f9f52), &layout);
        }
    }
}

impl Place for Neighbourhood {
    fn behind(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        nature::hills(canvas, 120.0, 9.0, hex(0x86a386), &self.dice);
        nature::ground(canvas, hex(0x8db765));
        self.houses(canvas);
        // Garden paths, the fence, the pavement, the kerb, the road.
        let fence = 4.6;
        if self.hedge {
            for index in 0..26 {
                let at = (-16.0 + 1.25 * index as f32, 0.0, fence);
                nature::bush(
                    canvas,
                    at,
                    1.0,
                    hex(0x4f8347),
                    &self.dice.split(&format!("hedge {index}")),
                );
            }
        } else {
            canvas.tagged(131, |canvas| {
                building::picket_fence(canvas, (-30.0, 30.0), fence, 1.05, hex(0xf8f6ee))
            });
        }
        let pavement = hex(0xd3c8b8);
        nature::ground_between(canvas, (-1.35, 2.6), pavement);
        let joint = canvas.lit(pavement.shade(0.88));
        for index in -14..=14 {
            let x = index as f32 * 1.1;
            canvas.level(
                0.002,
                (x, x + 0.05),
                (canvas.ground_from().max(-1.35), 2.6),
                joint,
            );
        }
        nature::ground_between(canvas, (0.62, 0.67), pavement.shade(0.88));
        nature::ground_between(canvas, (-1.6, -1.35), hex(0xe4ded2));
        nature::ground_between(canvas, (-60.0, -1.6), hex(0x7b7d86));
        for index in -6..=6 {
            let x = index as f32 * 2.6 + 0.4;
            canvas.level(0.003, (x, x + 1.3), (-4.6, -4.4), canvas.lit(hex(0xf2ecd8)));
        }
        if self.rain {
            weather::puddles(canvas, (-5.0, 5.0), (-3.4, 2.2), pavement, &self.dice);
        }
        canvas.tagged(130, |canvas| {
            building::street_lamp(
                canvas,
                (self.lamp_at, 0.0, 1.9),
                4.4,
                -self.lamp_at.signum(),
            )
        });
        nature::bush(
            canvas,
            (-self.lamp_at * 1.45, 0.0, 2.9),
            0.9,
            hex(0x5f9450),
            &self.dice,
        );
        canvas.tagged(128, |canvas| {
            furniture::bench(canvas, (-1.0, 1.0), 0.06, hex(0xb87843), hex(0x3c4348))
        });
    }

    fn in_front(&self, canvas: &mut Canvas) {
        if self.rain {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        let x = self.lamp_at;
        let mut props = vec![
            ("bench", (-1.0, 0.0, 0.06), (1.0, 0.94, 0.52)),
            (
                "house",
                (self.shift - 3.0, 0.0, HOUSES),
                (self.shift + 3.0, 6.4, HOUSES + 6.0),
            ),
            ("street lamp", (x - 1.0, 4.0, 1.9), (x + 1.0, 4.9, 1.9)),
        ];
        if !self.hedge {
            props.push(("fence", (-3.0, 0.0, 4.6), (3.0, 1.05, 4.7)));
        }
        list_props(&props)
    }
}
