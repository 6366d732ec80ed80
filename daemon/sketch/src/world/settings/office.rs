//! An office: rows of desks with monitors, blinds, a whiteboard.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture;
use super::pieces::room::{Ceiling, Floor, Room, Sides};
use super::pieces::window::{self, Outside};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const BACK: f32 = 5.0;

pub(super) struct Office {
    rain: bool,
    dice: Dice,
    side: f32,
    accent: Rgb,
}

impl Office {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        Self {
            rain,
            side: if draw.chance(0.5) { 1.0 } else { -1.0 },
            accent: *draw.pick(&[hex(0x5f8fa8), hex(0x6f9a7c), hex(0xc08a5a), hex(0x8a7fa8)]),
            dice,
        }
    }

    fn panes(&self) -> Vec<window::Pane> {
        // The whiteboard's side of the wall has no window.
        let shift = -self.side * 1.35;
        [-2.3_f32, 0.0, 2.3]
            .map(|x| ((x + shift - 1.02, x + shift + 1.02), (0.95, 2.75)))
            .to_vec()
    }

    fn blinds(&self, canvas: &mut Canvas) {
        for (x, y) in self.panes() {
            let slat = hex(0xe9ebe6);
            let mut low = y.1 - 0.13;
            while low > y.1 - 1.0 {
                canvas.rect(
                    Plane::Front(BACK - 0.06),
                    x,
                    (low, low + 0.085),
                    canvas.lit(slat),
                );
                canvas.rect(
                    Plane::Front(BACK - 0.065),
                    x,
                    (low, low + 0.03),
                    canvas.dim(slat),
                );
                low -= 0.15;
            }
        }
    }

    fn whiteboard(&self, canvas: &mut Canvas) {
        let x = self.side * 2.75;
        let z = BACK - 0.04;
        canvas.rect(
            Plane::Front(z),
            (x - 0.98, x + 0.98),
            (0.98, 2.35),
            canvas.dim(hex(0xa8b0b4)),
        );
        canvas.rect(
            Plane::Front(z - 0.01),
            (x - 0.92, x + 0.92),
            (1.04, 2.29),
            canvas.lit(hex(0xfbfcfa)),
        );
        for (index, tall) in [0.3, 0.55, 0.42, 0.75].into_iter().enumerate() {
            let at = x - 0.75 + 0.22 * index as f32;
            let tone = if index % 2 == 0 {
                self.accent
            } else {
                hex(0xd9a24e)
            };
            canvas.rect(
                Plane::Front(z - 0.02),
                (at, at + 0.16),
                (1.2, 1.2 + tall),
                canvas.lit(tone),
            );
        }
        let ink = canvas.lit(hex(0xb8483f));
        canvas.line3(
            &[
                (x + 0.2, 1.3, z - 0.02),
                (x + 0.4, 1.65, z - 0.02),
                (x + 0.55, 1.5, z - 0.02),
                (x + 0.8, 2.05, z - 0.02),
            ],
            0.05,
            ink,
        );
        for y in [1.95, 2.1] {
            canvas.rect(
                Plane::Front(z - 0.02),
                (x - 0.75, x + 0.05),
                (y, y + 0.05),
                canvas.lit(hex(0x5b6a78)),
            );
        }
    }

    /// A desk with a monitor that faces the camera's way or away from it.
    fn desk(&self, canvas: &mut Canvas, x: f32, z: f32, dice: &mut Dice) {
        if !canvas.sees((x - 1.0, x + 1.0), (0.0, 1.5), z) {
            return;
        }
        canvas.contact_shadow((x, 0.003, z + 0.35), 0.9, 0.4);
        let top = hex(0xdcbf94);
        for leg in [x - 0.74, x + 0.66] {
            canvas.cuboid(
                (leg, 0.0, z + 0.05),
                (leg + 0.08, 0.7, z + 0.65),
                hex(0x858d94),
            );
        }
        canvas.cuboid(
            (x + 0.22, 0.1, z + 0.1),
            (x + 0.64, 0.66, z + 0.6),
            hex(0xc4cbce),
        );
        canvas.rect(
            Plane::Front(z + 0.09),
            (x + 0.26, x + 0.6),
            (0.38, 0.41),
            canvas.dim(hex(0x9aa2a6)),
        );
        // A low screen between desks.
        canvas.cuboid(
            (x - 0.84, 0.7, z + 0.68),
            (x + 0.84, 1.16, z + 0.74),
            self.accent,
        );
        canvas.cuboid((x - 0.84, 0.7, z), (x + 0.84, 0.75, z + 0.7), top);
        self.monitor(canvas, x - 0.2 + dice.range(-0.08..0.08), z + 0.42, dice);
        let paper = x + 0.5;
        canvas.cuboid(
            (paper - 0.16, 0.75, z + 0.15),
            (paper + 0.16, 0.79 + dice.range(0.0..0.08), z + 0.5),
            hex(0xf6f2e6),
        );
        canvas.rounded(
            z + 0.1,
            (paper - 0.38, paper - 0.26),
            (0.75, 0.89),
            0.03,
            canvas.lit(hex(0xc8614e)),
        );
    }

    fn monitor(&self, canvas: &mut Canvas, x: f32, z: f32, dice: &mut Dice) {
        let case = hex(0x343a42);
        canvas.cuboid((x - 0.14, 0.75, z), (x + 0.14, 0.77, z + 0.16), case);
        canvas.rect(
            Plane::Front(z + 0.05),
            (x - 0.04, x + 0.04),
            (0.76, 0.95),
            canvas.dim(case),
        );
        canvas.rounded(z, (x - 0.4, x + 0.4), (0.9, 1.4), 0.04, canvas.dim(case));
        // Screens shine by themselves after dark.
        let on = canvas.lamps_on();
        let glass = if on {
            hex(0xbfe4f2)
        } else {
            canvas.lit(hex(0x9fcbdc))
        };
        if on {
            canvas.glow((x, 1.15, z), 0.75, hex(0xa8dcf4), 0.25);
        }
        canvas.rect(
            Plane::Front(z - 0.005),
            (x - 0.36, x + 0.36),
            (0.95, 1.36),
            glass,
        );
        let ink = if on {
            hex(0x4f86a0)
        } else {
            canvas.lit(hex(0x4f86a0))
        };
        match dice.int(0..3) {
            0 => {
                for (index, wide) in [0.5, 0.34, 0.44].into_iter().enumerate() {
                    let y = 1.24 - 0.1 * index as f32;
                    canvas.rect(
                        Plane::Front(z - 0.01),
                        (x - 0.3, x - 0.3 + wide),
                        (y, y + 0.05),
                        ink,
                    );
                }
            }
            1 => {
                for (index, tall) in [0.1, 0.2, 0.15, 0.26].into_iter().enumerate() {
                    let at = x - 0.26 + 0.14 * index as f32;
                    canvas.rect(
                        Plane::Front(z - 0.01),
                        (at, at + 0.09),
                        (1.0, 1.0 + tall),
                        ink,
                    );
                }
            }
            _ => {
                canvas.rect(
                    Plane::Front(z - 0.01),
                    (x - 0.32, x - 0.02),
                    (1.0, 1.31),
                    ink,
                );
                canvas.rect(
                    Plane::Front(z - 0.01),
                    (x + 0.04, x + 0.3),
                    (1.2, 1.26),
                    ink,
                );
            }
        }
    }

    fn chair(&self, canvas: &mut Canvas, x: f32, z: f32) {
        let metal = canvas.dim(hex(0x3a4048));
        canvas.contact_shadow((x, 0.003, z + 0.24), 0.34, 0.22);
        for (dx, dz) in [(-0.28, 0.1), (0.28, 0.1), (-0.2, 0.42), (0.2, 0.42)] {
            canvas.line3(&[(x, 0.1, z + 0.25), (x + dx, 0.05, z + dz)], 0.06, metal);
        }
        canvas.rect(
            Plane::Front(z + 0.25),
            (x - 0.035, x + 0.035),
            (0.08, 0.4),
            metal,
        );
        canvas.rounded(
            z + 0.5,
            (x - 0.25, x + 0.25),
            (0.5, 1.05),
            0.12,
            canvas.dim(self.accent.shade(0.8)),
        );
        canvas.rounded(
            z + 0.49,
            (x - 0.22, x + 0.22),
            (0.54, 1.02),
            0.1,
            canvas.lit(self.accent.shade(0.8)),
        );
        canvas.cuboid(
            (x - 0.27, 0.37, z),
            (x + 0.27, 0.45, z + 0.48),
            self.accent.shade(0.8),
        );
    }
}

impl Place for Office {
    fn behind(&self, canvas: &mut Canvas) {
        let room = Room {
            x: (-4.6, 4.6),
            height: 3.5,
            depth: BACK,
            wall: hex(0xe2e6e4),
            wainscot: None,
            floor: hex(0x9aa5ac),
            laid: Floor::Chequer(hex(0x909ba3), 1.0),
            ceiling: hex(0xf2f3ee),
            overhead: Ceiling::Panels(1.8),
            sides: Sides::Windows,
        };
        room.draw(canvas, &self.dice);
        let panes = self.panes();
        window::view(canvas, BACK, &panes, Outside::City, self.rain, &self.dice);
        for &pane in &panes {
            window::frame(canvas, BACK, pane, 2, 1, hex(0xf4f5f2));
        }
        self.blinds(canvas);
        canvas.tagged(130, |canvas| self.whiteboard(canvas));
        furniture::clock(
            canvas,
            (self.side * 1.42, 2.95, BACK - 0.03),
            0.24,
            hex(0x39424c),
        );
        // Binders on a cabinet along the far side.
        let x = -self.side * 4.0;
        canvas.cuboid((x - 0.55, 0.0, 2.6), (x + 0.55, 1.25, 3.2), hex(0xc9ced0));
        for (index, base) in [
            hex(0xc8614e),
            hex(0x5f8fa8),
            hex(0xe0b04e),
            hex(0x6f9a7c),
            hex(0x8a7fa8),
        ]
        .into_iter()
        .enumerate()
        {
            let at = x - 0.45 + 0.18 * index as f32;
            canvas.cuboid((at, 1.25, 2.7), (at + 0.15, 1.65, 3.0), base);
        }
        let mut dice = self.dice.split("desks");
        for z in [3.9, 2.45] {
            for column in -2..=2 {
                let x = column as f32 * 1.95 + if z > 3.0 { 0.5 } else { 0.0 } * self.side;
                self.desk(canvas, x, z, &mut dice);
                self.chair(canvas, x + 0.1, z - 0.75);
            }
        }
        canvas.tagged(128, |canvas| {
            self.desk(canvas, -1.0, 0.85, &mut dice);
            self.desk(canvas, 1.0, 0.85, &mut dice);
        });
        self.desk(canvas, -3.0, 0.85, &mut dice);
        self.desk(canvas, 3.0, 0.85, &mut dice);
        canvas.tagged(131, |canvas| {
            furniture::plant(
                canvas,
                (self.side * 2.1, 0.0, 0.7),
                1.75,
                hex(0xd8d2c4),
                &self.dice,
            )
        });
        canvas.tagged(129, |canvas| self.chair(canvas, 0.0, 0.05));
    }

    fn props(&self) -> Vec<Prop> {
        let (board, plant) = (self.side * 2.75, self.side * 2.1);
        list_props(&[
            ("desk", (-1.85, 0.0, 0.85), (1.85, 1.4, 1.6)),
            ("office chair", (-0.3, 0.0, 0.05), (0.3, 1.05, 0.55)),
            (
                "whiteboard",
                (board - 0.98, 0.98, BACK - 0.04),
                (board + 0.98, 2.35, BACK),
            ),
            ("plant", (plant - 0.7, 0.0, 0.6), (plant + 0.7, 1.75, 0.8)),
        ])
    }
}
