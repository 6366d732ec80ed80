//! A bedroom: the bed's foot towards the camera, a wide window behind it.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture;
use super::pieces::room::{self, Ceiling, Floor, Room, Sides};
use super::pieces::window::{self, Outside};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const BACK: f32 = 2.5;
const PANE: window::Pane = ((-1.25, 1.25), (1.32, 2.62));

pub(super) struct Bedroom {
    rain: bool,
    dice: Dice,
    wall: Rgb,
    blanket: Rgb,
    curtain: Rgb,
    side: f32,
    hills: bool,
}

impl Bedroom {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let (wall, blanket, curtain) = *draw.pick(&[
            (hex(0xc9c3dd), hex(0x8e9cc9), hex(0xb58aa6)),
            (hex(0xe6cfc4), hex(0xc98f8a), hex(0x9a8fb8)),
            (hex(0xbfd2d4), hex(0x7fa6b0), hex(0xd7b48c)),
            (hex(0xe3d8bd), hex(0xa9b48c), hex(0xc28d74)),
        ]);
        Self {
            rain,
            wall,
            blanket,
            curtain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            hills: draw.chance(0.6),
            dice,
        }
    }

    fn bed(&self, canvas: &mut Canvas) {
        let wood = hex(0xa9794f);
        canvas.contact_shadow((0.0, 0.003, 1.2), 1.15, 1.3);
        // Headboard with a round top and padded fields.
        let z = BACK - 0.12;
        canvas.rounded(z, (-1.05, 1.05), (0.0, 1.28), 0.3, canvas.dim(wood));
        canvas.rounded(z - 0.02, (-1.0, 1.0), (0.0, 1.23), 0.26, canvas.lit(wood));
        for index in 0..4 {
            let a = -0.9 + 0.46 * index as f32;
            canvas.rounded(
                z - 0.03,
                (a, a + 0.42),
                (0.5, 1.13),
                0.1,
                canvas.lit(wood.mix(hex(0xffffff), 0.2)),
            );
        }
        canvas.cuboid((-0.95, 0.1, 0.14), (0.95, 0.34, z), wood);
        canvas.cuboid((-0.93, 0.34, 0.12), (0.93, 0.5, z), hex(0xf3efe6));
        for (a, b) in [(-0.8, -0.06), (0.06, 0.8)] {
            canvas.rounded(
                z - 0.28,
                (a, b),
                (0.5, 0.9),
                0.14,
                canvas.dim(hex(0xf4f0ea)),
            );
            canvas.rounded(
                z - 0.29,
                (a + 0.02, b - 0.05),
                (0.55, 0.89),
                0.13,
                canvas.lit(hex(0xfbf8f2)),
            );
        }
        // The blanket covers the lower two thirds and hangs over the foot.
        canvas.cuboid((-0.98, 0.2, 0.06), (0.98, 0.53, 1.5), self.blanket);
        canvas.level(0.535, (-0.98, 0.98), (1.28, 1.5), canvas.lit(hex(0xf6f1e8)));
        for x in [-0.66, 0.0, 0.66] {
            canvas.level(
                0.536,
                (x - 0.09, x + 0.09),
                (0.06, 1.28),
                canvas.lit(self.blanket.mix(hex(0xffffff), 0.28)),
            );
            canvas.rect(
                Plane::Front(0.055),
                (x - 0.09, x + 0.09),
                (0.2, 0.53),
                canvas.lit(self.blanket.mix(hex(0xffffff), 0.18)),
            );
        }
        for x in [-0.92, 0.84] {
            canvas.cuboid((x, 0.0, 0.16), (x + 0.08, 0.2, 0.24), wood.shade(0.8));
        }
    }

    fn bedside(&self, canvas: &mut Canvas, x: f32) {
        let z = BACK - 0.55;
        canvas.contact_shadow((x, 0.003, z + 0.2), 0.36, 0.24);
        canvas.cuboid(
            (x - 0.26, 0.06, z),
            (x + 0.26, 0.58, BACK - 0.05),
            hex(0xb98a5c),
        );
        canvas.rect(
            Plane::Front(z - 0.01),
            (x - 0.22, x + 0.22),
            (0.32, 0.53),
            canvas.lit(hex(0xc99a6a)),
        );
        canvas.ellipse3((x, 0.43, z - 0.02), 0.035, 0.035, canvas.dim(hex(0x6f5030)));
        canvas.tagged(130, |canvas| {
            canvas.ellipse3((x, 0.72, z + 0.2), 0.1, 0.13, canvas.lit(hex(0x7f9aa6)));
            canvas.rect(
                Plane::Front(z + 0.2),
                (x - 0.02, x + 0.02),
                (0.8, 0.95),
                canvas.dim(hex(0x6f5030)),
            );
            furniture::lamp_shade(canvas, (x, 0.9, z + 0.2), 0.2, 0.3, hex(0xf3e2bd));
        });
    }

    /// A chest of drawers with a mirror, along the side wall.
    fn dresser(&self, canvas: &mut Canvas) {
        let side = -self.side;
        let (a, b) = if side > 0.0 {
            (3.05, 3.58)
        } else {
            (-3.58, -3.05)
        };
        let wood = hex(0xc29a70);
        canvas.contact_shadow(((a + b) / 2.0, 0.003, 0.75), 0.4, 0.65);
        canvas.cuboid((a, 0.08, 0.2), (b, 0.86, 1.3), wood);
        let inner = if side > 0.0 { a } else { b };
        for (low, high) in [(0.14, 0.34), (0.38, 0.58), (0.62, 0.8)] {
            canvas.rect(
                Plane::Side(inner),
                (0.26, 1.24),
                (low, high),
                canvas.lit(wood.shade(0.88)),
            );
        }
    }

    fn wardrobe(&self, canvas: &mut Canvas) {
        let (a, b) = if self.side > 0.0 {
            (2.15, 3.5)
        } else {
            (-3.5, -2.15)
        };
        let z = BACK - 0.65;
        let wood = hex(0xc29a70);
        canvas.contact_shadow(((a + b) / 2.0, 0.003, z + 0.3), 0.75, 0.4);
        canvas.cuboid((a, 0.05, z), (b, 2.3, BACK), wood);
        let middle = (a + b) / 2.0;
        for (c, d) in [(a + 0.06, middle - 0.03), (middle + 0.03, b - 0.06)] {
            canvas.rect(
                Plane::Front(z - 0.01),
                (c, d),
                (0.16, 2.2),
                canvas.lit(wood.shade(0.92)),
            );
            canvas.rect(
                Plane::Front(z - 0.015),
                (c + 0.08, d - 0.08),
                (0.26, 1.05),
                canvas.lit(wood.mix(hex(0xffffff), 0.14)),
            );
            canvas.rect(
                Plane::Front(z - 0.015),
                (c + 0.08, d - 0.08),
                (1.2, 2.1),
                canvas.lit(wood.mix(hex(0xffffff), 0.14)),
            );
        }
        for x in [middle - 0.09, middle + 0.09] {
            canvas.ellipse3((x, 1.1, z - 0.02), 0.035, 0.06, canvas.dim(hex(0x6f5030)));
        }
    }
}

impl Place for Bedroom {
    fn behind(&self, canvas: &mut Canvas) {
        let shell = Room {
            x: (-3.6, 3.6),
            height: 3.4,
            depth: BACK,
            wall: self.wall,
            wainscot: None,
            floor: hex(0xc49a6c),
            laid: Floor::Boards(0.4),
            ceiling: hex(0xf3efe8),
            overhead: Ceiling::Coffers(1.44),
            sides: Sides::Windows,
        };
        shell.draw(canvas, &self.dice);
        // Wallpaper in broad stripes.
        for index in 0..9 {
            let x = -3.5 + 0.8 * index as f32;
            canvas.rect(
                Plane::Front(BACK),
                (x, x + 0.38),
                (0.13, 3.4),
                canvas.lit(self.wall.mix(hex(0xffffff), 0.24)),
            );
        }
        canvas.rect(
            Plane::Front(BACK),
            (-3.6, 3.6),
            (3.24, 3.4),
            canvas.lit(hex(0xf8f4ec)),
        );
        let outside = if self.hills {
            Outside::Hills
        } else {
            Outside::City
        };
        canvas.tagged(129, |canvas| {
            window::view(canvas, BACK, &[PANE], outside, self.rain, &self.dice);
            window::frame(canvas, BACK, PANE, 3, 1, hex(0xfaf6ee));
        });
        canvas.tagged(132, |canvas| {
            window::curtains(canvas, BACK, PANE, 0.25, 0.62, self.curtain)
        });
        let x = -self.side * 2.55;
        furniture::picture(
            canvas,
            BACK - 0.02,
            (x - 0.34, x + 0.34),
            (1.45, 2.2),
            hex(0x9a7148),
            &self.dice,
        );
        canvas.tagged(131, |canvas| self.wardrobe(canvas));
        room::side_door(canvas, self.side * 3.6, -0.5, hex(0xf0e4d0));
        room::side_picture(
            canvas,
            -self.side * 3.6,
            (0.2, 1.3),
            (1.4, 2.2),
            self.blanket,
        );
        self.dresser(canvas);
        // A rug shows at both sides of the bed.
        canvas.disc3(
            (0.0, 0.004, 0.7),
            2.1,
            1.25,
            canvas.lit(self.curtain.mix(hex(0xffffff), 0.2)),
        );
        canvas.disc3((0.0, 0.006, 0.7), 1.85, 1.05, canvas.lit(hex(0xf2e7da)));
        window::pool(canvas, BACK, PANE);
        for x in [-1.42, 1.42] {
            self.bedside(canvas, x);
        }
        canvas.tagged(128, |canvas| self.bed(canvas));
        // A lamp overhead for wide frames.
        canvas.rect(
            Plane::Front(1.0),
            (-0.015, 0.015),
            (2.95, 3.4),
            canvas.dim(hex(0x6a5a48)),
        );
        furniture::lamp_shade(canvas, (0.0, 2.72, 1.0), 0.34, 0.28, hex(0xf0dfc0));
    }

    fn props(&self) -> Vec<Prop> {
        let wardrobe = if self.side > 0.0 {
            (2.15, 3.5)
        } else {
            (-3.5, -2.15)
        };
        list_props(&[
            ("bed", (-1.05, 0.0, 0.06), (1.05, 1.28, BACK)),
            ("window", (-1.3, 1.3, BACK - 0.05), (1.3, 2.65, BACK)),
            (
                "bedside lamp",
                (1.2, 0.58, BACK - 0.4),
                (1.64, 1.2, BACK - 0.3),
            ),
            (
                "wardrobe",
                (wardrobe.0, 0.05, BACK - 0.65),
                (wardrobe.1, 2.3, BACK),
            ),
            ("curtain", (-1.8, 0.25, BACK - 0.1), (-0.9, 2.8, BACK)),
        ])
    }
}
