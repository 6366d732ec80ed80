//! A kitchen: cupboards, stove, window over the sink, a table with cookies.

use super::brush::{Brush, Plane, hex};
use super::pieces::furniture;
use super::pieces::room::{self, Ceiling, Floor, Room, Sides};
use super::pieces::window::{self, Outside};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const BACK: f32 = 2.3;

pub(super) struct Kitchen {
    rain: bool,
    dice: Dice,
    door: Rgb,
    wall: Rgb,
    tile: Rgb,
    window_at: f32,
    stove_at: f32,
    plate_at: f32,
}

impl Kitchen {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
        Self {
            rain,
            door: *draw.pick(&[hex(0x8fb5a5), hex(0xe9dfc8), hex(0x9db6c9), hex(0xd9b58a)]),
            wall: *draw.pick(&[hex(0xf6ecd6), hex(0xf3e3cf), hex(0xecefe4)]),
            tile: *draw.pick(&[hex(0xd8b7a0), hex(0xbcc9c4), hex(0xd6c59a)]),
            window_at: side * draw.range(0.15..0.5),
            stove_at: -side * draw.range(1.75..2.1),
            plate_at: side * draw.range(0.72..0.95),
            dice,
        }
    }

    fn pane(&self) -> window::Pane {
        ((self.window_at - 0.62, self.window_at + 0.62), (1.22, 2.3))
    }

    fn cupboards(&self, canvas: &mut Canvas) {
        let white = hex(0xf7f3ea);
        // Splashback tiles between the worktop and the wall cupboards.
        canvas.rect(
            Plane::Front(BACK),
            (-3.6, 3.6),
            (0.92, 1.5),
            canvas.lit(hex(0xf9f5ec)),
        );
        for column in 0..18 {
            let x = -3.6 + 0.4 * column as f32;
            for (row, y) in [0.92_f32, 1.12, 1.32].into_iter().enumerate() {
                if (row + column) % 2 == 0 {
                    canvas.rect(
                        Plane::Front(BACK),
                        (x, x + 0.38),
                        (y, y + 0.18),
                        canvas.lit(self.tile.mix(white, 0.45)),
                    );
                }
            }
        }
        let pane = self.pane();
        window::view(
            canvas,
            BACK,
            &[pane],
            Outside::Garden,
            self.rain,
            &self.dice,
        );
        window::frame(canvas, BACK, pane, 2, 1, white);
        self.valance(canvas, pane);
        // Wall cupboards at head height, all along but for window and stove.
        for index in 0..9 {
            let (a, b) = (-3.6 + 0.8 * index as f32, -2.82 + 0.8 * index as f32);
            if b > pane.0.0 - 0.2 && a < pane.0.1 + 0.2 {
                continue;
            }
            if (a + 0.39 - self.stove_at).abs() <= 0.4 {
                self.hood(canvas, (a, b));
                continue;
            }
            if index % 3 == 1 {
                self.open_shelf(canvas, (a, b), index);
                continue;
            }
            canvas.cuboid((a, 1.5, BACK - 0.36), (b, 2.42, BACK), self.door);
            self.door_face(canvas, (a, b), (1.5, 2.42), BACK - 0.365, true);
        }
        canvas.veil(
            Plane::Front(BACK),
            (-3.6, 3.6),
            (1.36, 1.5),
            hex(0x140f20),
            0.12,
        );
        // The worktop and what is under it.
        canvas.cuboid((-3.6, 0.1, BACK - 0.62), (3.6, 0.86, BACK), self.door);
        canvas.rect(
            Plane::Front(BACK - 0.6),
            (-3.6, 3.6),
            (0.0, 0.1),
            canvas.dim(hex(0x5a4c42)),
        );
        for index in 0..9 {
            let (a, b) = (-3.6 + 0.8 * index as f32, -2.82 + 0.8 * index as f32);
            self.door_face(canvas, (a, b), (0.1, 0.84), BACK - 0.63, false);
        }
        canvas.cuboid(
            (-3.62, 0.86, BACK - 0.66),
            (3.62, 0.93, BACK),
            hex(0xb98c5f),
        );
        self.worktop_things(canvas);
    }

    fn door_face(&self, canvas: &mut Canvas, x: (f32, f32), y: (f32, f32), z: f32, upper: bool) {
        let plane = Plane::Front(z);
        canvas.rect(
            plane,
            (x.1 - 0.03, x.1),
            y,
            canvas.dim(self.door.shade(0.82)),
        );
        canvas.rect(
            plane,
            (x.0 + 0.1, x.1 - 0.13),
            (y.0 + 0.1, y.1 - 0.1),
            canvas.lit(self.door.shade(0.9)),
        );
        canvas.rect(
            plane,
            (x.0 + 0.13, x.1 - 0.13),
            (y.0 + 0.1, y.1 - 0.13),
            canvas.lit(self.door.mix(hex(0xffffff), 0.12)),
        );
        let knob = if upper { y.0 + 0.14 } else { y.1 - 0.12 };
        canvas.ellipse3(
            (x.1 - 0.09, knob, z),
            0.035,
            0.035,
            canvas.dim(hex(0x8a6a3c)),
        );
    }

    fn open_shelf(&self, canvas: &mut Canvas, x: (f32, f32), index: usize) {
        let mut dice = self.dice.split(&format!("shelf {index}"));
        let wood = hex(0xb98c5f);
        for y in [1.55, 2.02] {
            canvas.cuboid((x.0, y, BACK - 0.3), (x.1, y + 0.05, BACK), wood);
            let mut at = x.0 + 0.14;
            while at < x.1 - 0.08 {
                let z = BACK - 0.2;
                let base =
                    *dice.pick(&[hex(0xc8735a), hex(0xe3c27a), hex(0x7fa3a0), hex(0xf2ead8)]);
                let tall = dice.range(0.18..0.32);
                canvas.rounded(
                    z,
                    (at - 0.085, at + 0.085),
                    (y + 0.05, y + 0.05 + tall),
                    0.04,
                    canvas.lit(base),
                );
                canvas.rect(
                    Plane::Front(z),
                    (at + 0.03, at + 0.085),
                    (y + 0.07, y + tall),
                    canvas.dim(base),
                );
                canvas.rect(
                    Plane::Front(z),
                    (at - 0.07, at + 0.07),
                    (y + 0.03 + tall, y + 0.09 + tall),
                    canvas.dim(wood),
                );
                at += 0.22;
            }
        }
    }

    fn hood(&self, canvas: &mut Canvas, x: (f32, f32)) {
        let z = BACK - 0.5;
        let steel = hex(0xc9cfd2);
        canvas.flat(
            z,
            &[
                (x.0, 1.62),
                (x.1, 1.62),
                (x.1 - 0.22, 2.0),
                (x.0 + 0.22, 2.0),
            ],
            canvas.lit(steel),
        );
        canvas.rect(
            Plane::Front(z),
            (x.0 + 0.22, x.1 - 0.22),
            (2.0, 4.0),
            canvas.dim(steel),
        );
        canvas.rect(Plane::Front(z - 0.01), x, (1.55, 1.64), canvas.dim(steel));
        for (dx, tone) in [
            (0.2, hex(0x8c3f38)),
            (0.42, hex(0x4a5560)),
            (0.62, hex(0x8c6b3f)),
        ] {
            let at = x.0 + dx;
            canvas.rect(
                Plane::Front(BACK - 0.1),
                (at - 0.015, at + 0.015),
                (1.36, 1.56),
                canvas.dim(hex(0x4a4038)),
            );
            canvas.ellipse3((at, 1.28, BACK - 0.1), 0.1, 0.1, canvas.lit(tone));
        }
    }

    fn valance(&self, canvas: &mut Canvas, pane: window::Pane) {
        let ((x0, x1), (_, top)) = pane;
        let cloth = hex(0xd9695a);
        let steps = 7;
        for step in 0..steps {
            let a = x0 - 0.12 + (x1 - x0 + 0.24) * step as f32 / steps as f32;
            let b = x0 - 0.12 + (x1 - x0 + 0.24) * (step + 1) as f32 / steps as f32;
            let base = if step % 2 == 0 { cloth } else { hex(0xf6ece0) };
            let z = BACK - 0.1;
            canvas.smooth(
                z,
                &[
                    (a, top + 0.14),
                    (b, top + 0.14),
                    (b, top - 0.22),
                    (b, top - 0.32),
                    (a, top - 0.32),
                    (a, top - 0.22),
                ],
                canvas.lit(base),
            );
        }
        canvas.rect(
            Plane::Front(BACK - 0.11),
            (x0 - 0.2, x1 + 0.2),
            (top + 0.1, top + 0.16),
            canvas.dim(hex(0x8a6a4a)),
        );
    }

    fn worktop_things(&self, canvas: &mut Canvas) {
        let z = BACK - 0.64;
        // The stove.
        let (a, b) = (self.stove_at - 0.38, self.stove_at + 0.38);
        canvas.tagged(130, |canvas| {
            canvas.cuboid((a, 0.02, z - 0.02), (b, 0.95, BACK), hex(0xe4e6e4));
            canvas.rounded(
                z - 0.03,
                (a + 0.08, b - 0.08),
                (0.16, 0.62),
                0.05,
                canvas.dim(hex(0x3a3f46)),
            );
            canvas.rect(
                Plane::Front(z - 0.04),
                (a + 0.1, b - 0.1),
                (0.66, 0.71),
                canvas.dim(hex(0xb8bcbc)),
            );
            for knob in 0..4 {
                canvas.ellipse3(
                    (a + 0.14 + 0.16 * knob as f32, 0.82, z - 0.03),
                    0.045,
                    0.045,
                    canvas.dim(hex(0x54585c)),
                );
            }
            canvas.cuboid(
                (self.stove_at - 0.26, 0.97, z + 0.2),
                (self.stove_at + 0.06, 1.2, z + 0.42),
                hex(0xb2473c),
            );
            canvas.rect(
                Plane::Front(z + 0.19),
                (self.stove_at - 0.29, self.stove_at + 0.09),
                (1.18, 1.23),
                canvas.dim(hex(0x8c332c)),
            );
        });
        // The tap and the basin under the window.
        let x = self.window_at;
        canvas.line3(
            &[
                (x, 0.93, z + 0.5),
                (x, 1.28, z + 0.5),
                (x + 0.12, 1.34, z + 0.5),
                (x + 0.2, 1.24, z + 0.5),
            ],
            0.045,
            canvas.dim(hex(0xc4cbd0)),
        );
        // A jar of cookies on the worktop.
        let x = self.window_at + if self.window_at > 0.0 { -1.15 } else { 1.15 };
        canvas.rounded(
            z + 0.3,
            (x - 0.17, x + 0.17),
            (0.93, 1.3),
            0.08,
            canvas.lit(hex(0xdcebee)),
        );
        for (dx, dy) in [
            (-0.07, 0.07),
            (0.07, 0.07),
            (0.0, 0.12),
            (-0.07, 0.18),
            (0.07, 0.18),
            (0.0, 0.24),
        ] {
            cookie(canvas, (x + dx, 0.93 + dy, z + 0.3), 0.075, 0.6);
        }
        canvas.rounded(
            z + 0.3,
            (x - 0.14, x + 0.14),
            (1.28, 1.37),
            0.03,
            canvas.lit(hex(0xc8735a)),
        );
    }

    fn plate(&self, canvas: &mut Canvas, x: f32, z: f32) {
        let y = 0.76;
        canvas.disc3((x, y, z), 0.31, 0.22, canvas.dim(hex(0xd6dbe2)));
        canvas.disc3((x, y + 0.015, z), 0.3, 0.21, canvas.lit(hex(0xfafaf6)));
        for (dx, dy, dz) in [
            (-0.11, 0.05, 0.12),
            (0.11, 0.05, 0.12),
            (-0.2, 0.05, 0.0),
            (0.2, 0.05, 0.0),
            (0.0, 0.06, -0.06),
            (-0.11, 0.1, -0.02),
            (0.11, 0.1, -0.02),
            (0.0, 0.15, -0.02),
        ] {
            cookie(canvas, (x + dx, y + dy, z + dz), 0.125, 0.5);
        }
    }
}

/// One round cookie with chocolate chips.
fn cookie(canvas: &mut Canvas, at: (f32, f32, f32), radius: f32, squash: f32) {
    let (x, y, z) = at;
    canvas.ellipse3(
        (x, y - radius * 0.16, z),
        radius,
        radius * squash,
        canvas.dim(hex(0xb47a3c)),
    );
    canvas.ellipse3(
        (x, y, z),
        radius,
        radius * squash,
        canvas.lit(hex(0xdfa75e)),
    );
    for (dx, dy) in [(-0.4, 0.1), (0.35, 0.2), (0.05, -0.25)] {
        canvas.ellipse3(
            (x + dx * radius, y + dy * radius, z),
            radius * 0.2,
            radius * 0.17,
            canvas.dim(hex(0x5c3620)),
        );
    }
}

impl Place for Kitchen {
    fn behind(&self, canvas: &mut Canvas) {
        let shell = Room {
            x: (-3.6, 3.6),
            height: 3.5,
            depth: BACK,
            wall: self.wall,
            wainscot: None,
            floor: hex(0xefe6d6),
            laid: Floor::Chequer(self.tile.shade(0.92), 0.6),
            ceiling: hex(0xfbf6ea),
            overhead: Ceiling::Beams(hex(0xb08b64), 1.5),
            sides: Sides::Windows,
        };
        shell.draw(canvas, &self.dice);
        let side = self.stove_at.signum();
        room::side_door(canvas, side * 3.6, -0.6, self.door);
        room::side_picture(canvas, -side * 3.6, (-0.5, 0.5), (1.4, 2.1), hex(0xd9695a));
        canvas.tagged(131, |canvas| self.cupboards(canvas));
        window::pool(canvas, BACK - 0.6, self.pane());
        // The fridge stands at the wall away from the stove.
        let side = -self.stove_at.signum();
        let (a, b) = if side > 0.0 {
            (2.72, 3.55)
        } else {
            (-3.55, -2.72)
        };
        canvas.tagged(132, |canvas| {
            canvas.cuboid((a, 0.04, BACK - 0.75), (b, 1.95, BACK), hex(0xdfe7e6));
            let z = BACK - 0.76;
            canvas.rect(
                Plane::Front(z),
                (a, b),
                (1.28, 1.31),
                canvas.dim(hex(0xaab4b4)),
            );
            let handle = if side > 0.0 { a + 0.1 } else { b - 0.1 };
            canvas.rect(
                Plane::Front(z),
                (handle - 0.025, handle + 0.025),
                (0.8, 1.22),
                canvas.dim(hex(0x8a9494)),
            );
            canvas.rect(
                Plane::Front(z),
                (handle - 0.025, handle + 0.025),
                (1.38, 1.7),
                canvas.dim(hex(0x8a9494)),
            );
            canvas.rect(
                Plane::Front(z),
                ((a + b) / 2.0 - 0.05, (a + b) / 2.0 + 0.2),
                (1.45, 1.75),
                canvas.lit(hex(0xf0d478)),
            );
        });
        // The table, its cookies and the bench before it.
        let x = if self.plate_at > 0.0 {
            (-0.95, 1.5)
        } else {
            (-1.5, 0.95)
        };
        canvas.tagged(128, |canvas| {
            furniture::table(canvas, (x.0, 0.5), (x.1, 1.25), 0.75, hex(0xc9975f))
        });
        canvas.tagged(129, |canvas| {
            self.plate(canvas, self.plate_at, 0.78);
            self.plate(canvas, -self.plate_at * 0.75, 0.95);
        });
        furniture::stool_bench(canvas, (-0.75, 0.75), 0.04, hex(0xb98a58));
        // Pendant lamps hang where wide frames look.
        for lamp in [-1.05, 1.05] {
            canvas.rect(
                Plane::Front(0.9),
                (lamp - 0.015, lamp + 0.015),
                (2.6, 3.5),
                canvas.dim(hex(0x4a4038)),
            );
            furniture::lamp_shade(canvas, (lamp, 2.35, 0.9), 0.3, 0.26, hex(0xc8735a));
        }
    }

    fn props(&self) -> Vec<Prop> {
        let x = if self.plate_at > 0.0 {
            (-0.95, 1.5)
        } else {
            (-1.5, 0.95)
        };
        let side = -self.stove_at.signum();
        let fridge = if side > 0.0 {
            (2.72, 3.55)
        } else {
            (-3.55, -2.72)
        };
        list_props(&[
            ("table", (x.0, 0.0, 0.5), (x.1, 0.75, 1.25)),
            (
                "plate of cookies",
                (self.plate_at - 0.31, 0.76, 0.57),
                (self.plate_at + 0.31, 1.07, 0.99),
            ),
            (
                "stove",
                (self.stove_at - 0.38, 0.02, BACK - 0.66),
                (self.stove_at + 0.38, 1.2, BACK),
            ),
            ("cupboards", (-3.6, 0.1, BACK - 0.62), (3.6, 2.42, BACK)),
            (
                "fridge",
                (fridge.0, 0.04, BACK - 0.75),
                (fridge.1, 1.95, BACK),
            ),
        ])
    }
}
