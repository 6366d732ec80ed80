//! A dusty library: walls of books, a ladder, shafts of light.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture::{self, Books};
use super::pieces::room::{Ceiling, Floor, Room, Sides};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

const BACK: f32 = 3.0;
const SPINES: [Rgb; 8] = [
    hex(0x8f4a3c),
    hex(0x5f6f52),
    hex(0x48607a),
    hex(0xb08a4a),
    hex(0x75543a),
    hex(0x9c6a56),
    hex(0xcbb68a),
    hex(0x6b4f63),
];

pub(super) struct Library {
    dice: Dice,
    wood: Rgb,
    aisle: f32,
    ladder_at: f32,
    side: f32,
}

impl Library {
    pub fn new(_rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
        Self {
            wood: *draw.pick(&[hex(0x7a5233), hex(0x6b4a35), hex(0x8a5f3c)]),
            aisle: draw.range(2.5..3.0),
            ladder_at: side * draw.range(1.35..1.6),
            side,
            dice,
        }
    }

    fn books(&self) -> Books<'static> {
        Books {
            wood: self.wood,
            spines: &SPINES,
            pitch: 0.44,
            spine: 0.13,
        }
    }

    fn ladder(&self, canvas: &mut Canvas) {
        let (x, foot, head) = (self.ladder_at, 2.1, 2.85);
        let wood = hex(0xc09058);
        canvas.contact_shadow((x, 0.003, foot), 0.35, 0.12);
        for side in [-0.25, 0.25] {
            let tone = if side < 0.0 {
                canvas.lit(wood)
            } else {
                canvas.dim(wood)
            };
            canvas.line3(
                &[(x + side * 1.12, 0.0, foot), (x + side * 0.9, 4.3, head)],
                0.075,
                tone,
            );
        }
        for rung in 1..11 {
            let y = rung as f32 * 0.38;
            let z = foot + (head - foot) * y / 4.3;
            canvas.rect(
                Plane::Front(z),
                (x - 0.26, x + 0.26),
                (y - 0.03, y + 0.03),
                canvas.lit(wood),
            );
        }
    }

    fn desk(&self, canvas: &mut Canvas) {
        let x = -self.side * 1.85;
        canvas.tagged(130, |canvas| {
            furniture::table(canvas, (x - 0.7, 0.85), (x + 0.7, 1.5), 0.78, hex(0x8d6239))
        });
        canvas.tagged(131, |canvas| {
            let at = x - self.side * 0.3;
            canvas.rect(
                Plane::Front(1.1),
                (at - 0.02, at + 0.02),
                (0.78, 1.18),
                canvas.dim(hex(0xb08d45)),
            );
            canvas.disc3((at, 0.79, 1.1), 0.13, 0.08, canvas.dim(hex(0xb08d45)));
            if canvas.lamps_on() {
                canvas.glow((at, 1.15, 1.1), 1.0, hex(0xffd27a), 0.42);
            }
            let green = hex(0x3f8a5c);
            let tone = if canvas.lamps_on() {
                hex(0x6fc48a)
            } else {
                canvas.lit(green)
            };
            canvas.smooth(
                1.09,
                &[
                    (at - 0.28, 1.15),
                    (at - 0.22, 1.34),
                    (at + 0.22, 1.34),
                    (at + 0.28, 1.15),
                    (at + 0.26, 1.12),
                    (at - 0.26, 1.12),
                ],
                tone,
            );
        });
        for (dx, y, base) in [
            (0.25, 0.78, hex(0x8f4a3c)),
            (0.28, 0.86, hex(0x48607a)),
            (0.22, 0.94, hex(0xb08a4a)),
        ] {
            let at = x + self.side * dx;
            canvas.cuboid((at - 0.2, y, 1.05), (at + 0.2, y + 0.08, 1.32), base);
        }
    }

    fn dust(&self, canvas: &mut Canvas) {
        let (colour, alpha) = match canvas.light {
            Light::SoftDaylight => (hex(0xfff4d2), 0.15),
            Light::GoldenSunset => (hex(0xffc66a), 0.2),
            Light::LowLight => (hex(0xf0d8a0), 0.08),
            Light::Night => (hex(0xa9bdff), 0.1),
        };
        let slant = -canvas.sun_side() * 1.9;
        for x in [-1.9, 0.1, 2.0] {
            let x = x - slant * 0.55;
            canvas.sheen(
                &[
                    (x - 0.4, 5.6, 2.4),
                    (x + 0.4, 5.6, 2.4),
                    (x + 0.85 + slant, 0.0, 1.4),
                    (x - 0.45 + slant, 0.0, 1.4),
                ],
                colour,
                alpha,
            );
        }
        // Motes, large enough to read as dust.
        let mut dice = self.dice.split("dust");
        let mut path = tiny_skia::PathBuilder::new();
        for _ in 0..34 {
            let at = (
                dice.range(-2.4..2.4),
                dice.range(0.5..3.6),
                dice.range(0.6..2.0),
            );
            if let Some((px, py)) = canvas.camera.project(at.0, at.1, at.2) {
                path.push_circle(
                    px,
                    py,
                    dice.range(0.016..0.03) * canvas.camera.scale_at(at.2),
                );
            }
        }
        if let Some(path) = path.finish() {
            canvas.fill_alpha(&path, hex(0xfff3d0), 0.6);
        }
    }
}

impl Place for Library {
    fn behind(&self, canvas: &mut Canvas) {
        let room = Room {
            x: (-self.aisle - 0.7, self.aisle + 0.7),
            height: 6.4,
            depth: BACK,
            wall: hex(0xb79c78),
            wainscot: None,
            floor: hex(0xa67c52),
            laid: Floor::Boards(0.5),
            ceiling: hex(0x9a8062),
            overhead: Ceiling::Beams(hex(0x6b4a35), 1.6),
            sides: Sides::Bare,
        };
        room.draw(canvas, &self.dice);
        // Round-topped windows above the shelves.
        for x in [-2.1, 0.0, 2.1] {
            let (top, horizon) = canvas.light.sky();
            canvas.rounded(
                BACK - 0.01,
                (x - 0.62, x + 0.62),
                (4.6, 6.1),
                0.6,
                canvas.lit(self.wood),
            );
            canvas.rounded(
                BACK - 0.02,
                (x - 0.52, x + 0.52),
                (4.68, 6.02),
                0.5,
                top.mix(horizon, 0.6),
            );
            canvas.rect(
                Plane::Front(BACK - 0.03),
                (x - 0.035, x + 0.035),
                (4.68, 6.05),
                canvas.lit(self.wood),
            );
            canvas.rect(
                Plane::Front(BACK - 0.03),
                (x - 0.52, x + 0.52),
                (5.2, 5.27),
                canvas.lit(self.wood),
            );
        }
        canvas.tagged(128, |canvas| {
            let dice = self.dice.split("back books");
            furniture::bookshelf(
                canvas,
                Plane::Front(BACK - 0.35),
                (-self.aisle - 0.7, self.aisle + 0.7),
                (0.12, 4.4),
                1.1,
                self.books(),
                &dice,
            );
        });
        canvas.cuboid(
            (-self.aisle - 0.7, 4.4, BACK - 0.45),
            (self.aisle + 0.7, 4.58, BACK),
            self.wood,
        );
        // Cases along both walls lead the eye in.
        let near = canvas.camera.near().max(-14.0);
        for x in [-self.aisle, self.aisle] {
            let dice = self
                .dice
                .split(if x < 0.0 { "left books" } else { "right books" });
            furniture::bookshelf(
                canvas,
                Plane::Side(x),
                (near, BACK - 0.35),
                (0.12, 4.4),
                1.1,
                self.books(),
                &dice,
            );
            let tone = canvas.dim(self.wood);
            canvas.rect(Plane::Side(x), (near, BACK), (4.4, 4.6), tone);
            canvas.rect(Plane::Side(x), (near, BACK), (0.0, 0.14), tone);
        }
        canvas.veil(
            Plane::Front(BACK - 0.36),
            (-self.aisle, self.aisle),
            (0.0, 0.6),
            hex(0x140f20),
            0.16,
        );
        // A carpet down the aisle.
        let from = canvas.ground_from();
        if from < 2.4 {
            canvas.level(0.004, (-1.0, 1.0), (from, 2.4), canvas.lit(hex(0x8c4a44)));
            for (a, b) in [(-0.9, -0.8), (0.8, 0.9)] {
                canvas.level(0.006, (a, b), (from, 2.3), canvas.lit(hex(0xd0a65c)));
            }
        }
        canvas.tagged(129, |canvas| self.ladder(canvas));
        self.desk(canvas);
        // A heap of books on the floor.
        let x = self.side * 2.05;
        canvas.contact_shadow((x, 0.003, 1.1), 0.4, 0.25);
        for (index, base) in [hex(0x6b4f63), hex(0xb08a4a), hex(0x8f4a3c), hex(0x5f6f52)]
            .into_iter()
            .enumerate()
        {
            let (y, shift) = (0.11 * index as f32, 0.04 * ((index % 2) as f32 - 0.5));
            canvas.cuboid(
                (x - 0.26 + shift, y, 0.95),
                (x + 0.26 + shift, y + 0.1, 1.3),
                base,
            );
        }
        self.dust(canvas);
    }

    fn props(&self) -> Vec<Prop> {
        let desk = -self.side * 1.85;
        let lamp = desk - self.side * 0.3;
        let x = self.ladder_at;
        list_props(&[
            ("bookshelf", (-1.2, 0.4, BACK - 0.4), (1.2, 3.0, BACK)),
            ("ladder", (x - 0.35, 0.0, 2.1), (x + 0.35, 4.3, 2.85)),
            ("desk", (desk - 0.7, 0.0, 0.85), (desk + 0.7, 0.78, 1.5)),
            (
                "reading lamp",
                (lamp - 0.28, 0.78, 1.0),
                (lamp + 0.28, 1.36, 1.2),
            ),
        ])
    }
}
