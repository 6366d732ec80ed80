//! A living room: sofa, pictures, fireplace, floor lamp.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture::{self, Books};
use super::pieces::room::{self, Ceiling, Floor, Room, Sides};
use super::pieces::window::{self, Outside};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const BACK: f32 = 2.4;
const SPINES: [Rgb; 5] = [
    hex(0xb5654a),
    hex(0x5f8a86),
    hex(0xd0a85c),
    hex(0x7a6a8c),
    hex(0xe6d9be),
];

pub(super) struct LivingRoom {
    rain: bool,
    dice: Dice,
    side: f32,
    wall: Rgb,
    cloth: Rgb,
    cushion: Rgb,
    curtain: Rgb,
}

impl LivingRoom {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let (wall, cloth, cushion, curtain) = *draw.pick(&[
            (hex(0xdfe0c8), hex(0x7c9a86), hex(0xe0b060), hex(0xc9a27c)),
            (hex(0xf0dcc0), hex(0x6f8ea8), hex(0xd98a60), hex(0x94ab9c)),
            (hex(0xd4dfdc), hex(0xc08a68), hex(0x7fa3a0), hex(0xb98d94)),
            (hex(0xefd6c6), hex(0x9a8198), hex(0xe3c68a), hex(0x8fa6a0)),
        ]);
        Self {
            rain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            wall,
            cloth,
            cushion,
            curtain,
            dice,
        }
    }

    fn pane(&self) -> window::Pane {
        let x = self.side * 2.35;
        ((x - 0.62, x + 0.62), (0.85, 2.4))
    }

    fn fireplace(&self, canvas: &mut Canvas) {
        let x = -self.side * 2.35;
        let z = BACK - 0.35;
        let stone = hex(0xd9cdbb);
        canvas.cuboid((x - 0.85, 0.0, z), (x + 0.85, 1.2, BACK), stone);
        canvas.cuboid(
            (x - 0.98, 1.2, z - 0.1),
            (x + 0.98, 1.32, BACK),
            hex(0x9c7048),
        );
        canvas.rounded(
            z - 0.01,
            (x - 0.5, x + 0.5),
            (0.0, 0.86),
            0.2,
            canvas.dim(hex(0x4a3c38)),
        );
        canvas.rect(
            Plane::Front(z - 0.012),
            (x - 0.5, x + 0.5),
            (0.0, 0.2),
            canvas.dim(hex(0x3a302e)),
        );
        let tall = if canvas.lamps_on() { 1.0 } else { 0.85 };
        if canvas.lamps_on() {
            canvas.glow((x, 0.35, z - 0.02), 1.3, hex(0xff9a48), 0.4);
        }
        for (scale, tone) in [(1.0, hex(0xf2803a)), (0.62, hex(0xffcf5a))] {
            let h = 0.62 * scale * tall;
            let w = 0.3 * scale;
            canvas.smooth(
                z - 0.02,
                &[
                    (x - w, 0.06),
                    (x - w * 0.9, h * 0.5),
                    (x - w * 0.3, h * 0.55),
                    (x, h * 1.25),
                    (x + w * 0.35, h * 0.6),
                    (x + w * 0.95, h * 0.6),
                    (x + w, 0.06),
                ],
                tone,
            );
        }
        // What stands on the mantel: vases and a clock; a mirror above.
        furniture::picture(
            canvas,
            BACK - 0.03,
            (x - 0.5, x + 0.5),
            (1.72, 2.5),
            hex(0xb98a48),
            &self.dice.split("mantel"),
        );
        for (dx, base, tall) in [(-0.68, self.cushion, 0.34), (0.7, hex(0x5f8a86), 0.28)] {
            canvas.rounded(
                z,
                (x + dx - 0.1, x + dx + 0.1),
                (1.32, 1.32 + tall),
                0.09,
                canvas.lit(base),
            );
            canvas.rect(
                Plane::Front(z - 0.005),
                (x + dx + 0.03, x + dx + 0.09),
                (1.36, 1.28 + tall),
                canvas.dim(base),
            );
        }
        furniture::clock(canvas, (x, 1.49, z - 0.02), 0.16, hex(0x8c5f3a));
    }

    fn gallery(&self, canvas: &mut Canvas) {
        let frames = [hex(0x8a5f3a), hex(0x3f4248), hex(0xc9a050)];
        let spots: [((f32, f32), (f32, f32)); 4] = [
            ((-1.15, -0.5), (1.32, 2.1)),
            ((-0.4, 0.34), (1.42, 2.3)),
            ((0.44, 1.12), (1.72, 2.26)),
            ((0.44, 1.12), (1.24, 1.63)),
        ];
        for (index, (x, y)) in spots.into_iter().enumerate() {
            let x = if self.side > 0.0 { x } else { (-x.1, -x.0) };
            furniture::picture(
                canvas,
                BACK - 0.02,
                x,
                y,
                frames[index % 3],
                &self.dice.split(&format!("picture {index}")),
            );
        }
    }
}

impl Place for LivingRoom {
    fn behind(&self, canvas: &mut Canvas) {
        let shell = Room {
            x: (-3.9, 3.9),
            height: 3.4,
            depth: BACK,
            wall: self.wall,
            wainscot: Some((self.wall.mix(hex(0xffffff), 0.45), 0.95)),
            floor: hex(0xb98558),
            laid: Floor::Boards(0.45),
            ceiling: hex(0xf7f2e8),
            overhead: Ceiling::Beams(hex(0xd6c4a6), 2.0),
            sides: Sides::Windows,
        };
        shell.draw(canvas, &self.dice);
        room::side_door(canvas, -self.side * 3.9, -0.9, hex(0xc9a27c));
        room::side_picture(
            canvas,
            self.side * 3.9,
            (-0.6, 0.6),
            (1.35, 2.25),
            self.cushion,
        );
        let pane = self.pane();
        window::view(
            canvas,
            BACK,
            &[pane],
            Outside::Garden,
            self.rain,
            &self.dice,
        );
        window::frame(canvas, BACK, pane, 2, 2, hex(0xfaf6ee));
        window::curtains(canvas, BACK, pane, 0.1, 0.46, self.curtain);
        canvas.tagged(131, |canvas| self.fireplace(canvas));
        canvas.tagged(130, |canvas| self.gallery(canvas));
        // A low bookcase in the corner behind the lamp.
        let (a, b) = if self.side > 0.0 {
            (3.2, 3.88)
        } else {
            (-3.88, -3.2)
        };
        let books = Books {
            wood: hex(0xa87848),
            spines: &SPINES,
            pitch: 0.44,
            spine: 0.12,
        };
        furniture::bookshelf(
            canvas,
            Plane::Front(BACK - 0.3),
            (a, b),
            (0.05, 2.2),
            0.7,
            books,
            &self.dice,
        );
        window::pool(canvas, BACK, pane);
        // Rug, then the furniture on it.
        let rug = self.cushion.mix(hex(0xf2e6d0), 0.35);
        let from = canvas.ground_from().max(-1.5);
        if from < 1.4 {
            canvas.level(0.004, (-2.0, 2.0), (from, 1.4), canvas.lit(rug.shade(0.84)));
            canvas.level(
                0.006,
                (-1.85, 1.85),
                (from.max(-1.38), 1.28),
                canvas.lit(rug),
            );
            canvas.level(
                0.008,
                (-1.6, 1.6),
                (from.max(-1.15), 1.05),
                canvas.lit(self.cloth.mix(hex(0xffffff), 0.35)),
            );
            canvas.level(
                0.01,
                (-1.48, 1.48),
                (from.max(-1.04), 0.94),
                canvas.lit(rug),
            );
        }
        let s = self.side;
        canvas.tagged(132, |canvas| {
            furniture::plant(
                canvas,
                (s * 1.72, 0.0, 1.5),
                1.75,
                hex(0xc9764e),
                &self.dice,
            )
        });
        canvas.tagged(129, |canvas| {
            furniture::floor_lamp(canvas, (-s * 1.5, 0.0, 0.85), 1.85, hex(0xf3dfb4))
        });
        canvas.tagged(128, |canvas| {
            furniture::sofa(canvas, (-1.1, 1.1), 0.06, self.cloth, self.cushion)
        });
        // An armchair turned to the fire.
        let x = -s * 2.6;
        canvas.contact_shadow((x, 0.003, 0.7), 0.55, 0.4);
        canvas.cuboid((x - 0.42, 0.1, 0.7), (x + 0.42, 0.95, 0.95), self.curtain);
        canvas.cuboid(
            (x - 0.36, 0.1, 0.3),
            (x + 0.36, 0.44, 0.75),
            self.curtain.mix(hex(0xffffff), 0.12),
        );
        for at in [x - 0.48, x + 0.34] {
            canvas.cuboid((at, 0.1, 0.28), (at + 0.14, 0.62, 0.9), self.curtain);
        }
    }

    fn in_front(&self, canvas: &mut Canvas) {
        // A coffee table at the side, low enough to hide no one.
        let x = self.side * 2.2;
        furniture::table(
            canvas,
            (x - 0.5, -1.0),
            (x + 0.5, -0.45),
            0.4,
            hex(0xa87848),
        );
        canvas.cuboid((x - 0.25, 0.4, -0.85), (x + 0.1, 0.46, -0.6), hex(0xb5654a));
        canvas.rounded(
            -0.8,
            (x + 0.2, x + 0.32),
            (0.4, 0.52),
            0.03,
            canvas.lit(hex(0xf4efe4)),
        );
    }

    fn props(&self) -> Vec<Prop> {
        let s = self.side;
        let (lamp, plant, fire) = (-s * 1.5, s * 1.72, -s * 2.35);
        list_props(&[
            ("sofa", (-1.24, 0.0, 0.04), (1.24, 0.96, 0.9)),
            (
                "floor lamp",
                (lamp - 0.24, 0.0, 0.75),
                (lamp + 0.24, 1.85, 0.95),
            ),
            ("picture", (-0.42, 1.42, BACK - 0.03), (0.42, 2.3, BACK)),
            (
                "fireplace",
                (fire - 0.98, 0.0, BACK - 0.45),
                (fire + 0.98, 1.6, BACK),
            ),
            ("plant", (plant - 0.6, 0.0, 1.4), (plant + 0.6, 1.75, 1.6)),
        ])
    }
}
