//! A room of an abandoned house: boarded windows, bare bricks, debris.

use super::brush::{Brush, Plane, hex};
use super::pieces::nature;
use super::pieces::room::{Ceiling, Floor, Room, Sides};
use super::pieces::window::{self, Outside};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

const BACK: f32 = 2.6;

pub(super) struct AbandonedHouse {
    rain: bool,
    dice: Dice,
    plaster: Rgb,
    windows: [f32; 3],
    door_at: f32,
}

impl AbandonedHouse {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        let shift = draw.range(-0.35..0.35);
        Self {
            rain,
            plaster: *draw.pick(&[hex(0x9aa093), hex(0xa39a8c), hex(0x8f9a9c)]),
            windows: [-1.75 + shift, 0.1 + shift, 1.95 + shift],
            door_at: if draw.chance(0.5) { 3.3 } else { -3.3 },
            dice,
        }
    }

    fn pane(x: f32) -> window::Pane {
        ((x - 0.52, x + 0.52), (0.95, 2.35))
    }

    fn bricks(canvas: &mut Canvas, x: f32, y: f32, wide: f32, tall: f32, dice: &mut Dice) {
        let z = BACK - 0.005;
        let at = |dx: f32, dy: f32| (x + dx * wide, y + dy * tall);
        // A ragged hole in the plaster: pale rim, mortar, rows of bricks.
        let ragged: Vec<_> = (0..11)
            .map(|index| {
                let angle = index as f32 / 11.0 * std::f32::consts::TAU;
                let reach = dice.range(0.4..0.58);
                at(angle.cos() * reach, angle.sin() * reach)
            })
            .collect();
        let rim: Vec<_> = ragged
            .iter()
            .map(|&(px, py)| (x + (px - x) * 1.14, y + (py - y) * 1.14 + 0.02))
            .collect();
        canvas.flat(z, &rim, canvas.lit(hex(0xc3bdae)));
        canvas.flat(z, &ragged, canvas.dim(hex(0x7a4f40)));
        let (brick, pitch) = (0.3, 0.15);
        let rows = (tall * 0.62 / pitch) as i32;
        for row in 0..rows {
            let v = y - tall * 0.31 + row as f32 * pitch;
            let reach = (1.0 - ((v + 0.06 - y) / (tall * 0.48)).powi(2))
                .max(0.0)
                .sqrt()
                * wide
                * 0.4;
            let mut u = x - reach + if row % 2 == 0 { 0.0 } else { brick * 0.4 };
            while u + brick * 0.8 < x + reach {
                let tone = *dice.pick(&[hex(0xa3634c), hex(0x94583f), hex(0xb0705a)]);
                canvas.rect(
                    Plane::Front(z),
                    (u, u + brick * 0.88),
                    (v, v + pitch * 0.78),
                    canvas.lit(tone),
                );
                u += brick;
            }
        }
    }

    fn boards(canvas: &mut Canvas, pane: window::Pane, dice: &mut Dice) {
        let ((x0, x1), (y0, y1)) = pane;
        let wood = [hex(0x8a6a4c), hex(0x765a42), hex(0x97785a)];
        let count = 3 + dice.int(0..2);
        for index in 0..count {
            let y = y0 + (y1 - y0) * (index as f32 + 0.5) / count as f32;
            let (left, right) = (y + dice.range(-0.22..0.22), y + dice.range(-0.22..0.22));
            let half = 0.095;
            let base = *dice.pick(&wood);
            let z = BACK - 0.08;
            let reach = 0.16;
            canvas.flat(
                z,
                &[
                    (x0 - reach, left - half),
                    (x1 + reach, right - half),
                    (x1 + reach, right + half),
                    (x0 - reach, left + half),
                ],
                canvas.lit(base),
            );
            canvas.flat(
                z,
                &[
                    (x0 - reach, left - half),
                    (x1 + reach, right - half),
                    (x1 + reach, right - half * 0.35),
                    (x0 - reach, left - half * 0.35),
                ],
                canvas.dim(base),
            );
            for (x, y) in [(x0 - 0.06, left), (x1 + 0.06, right)] {
                canvas.ellipse3((x, y, z), 0.024, 0.024, canvas.dim(hex(0x3c3430)));
            }
        }
    }

    fn shafts(&self, canvas: &mut Canvas) {
        let (colour, alpha) = match canvas.light {
            Light::SoftDaylight => (hex(0xfff6dc), 0.13),
            Light::GoldenSunset => (hex(0xffc873), 0.2),
            Light::LowLight => (hex(0xe6dcc0), 0.07),
            Light::Night => (hex(0xa9bdff), 0.1),
        };
        let slant = -canvas.sun_side() * 1.5;
        for x in self.windows {
            for (low, high) in [(1.15, 1.5), (1.75, 2.1)] {
                canvas.sheen(
                    &[
                        (x - 0.45, low, BACK),
                        (x + 0.45, high, BACK),
                        (x + 0.45 + slant, high - 1.75, 0.8),
                        (x - 0.45 + slant, low - 1.4, 0.8),
                    ],
                    colour,
                    alpha,
                );
            }
        }
    }

    fn cobweb(canvas: &mut Canvas, corner: (f32, f32), inward: f32, size: f32) {
        let (x, y) = corner;
        let z = BACK - 0.12;
        let tone = canvas.lit(hex(0xd9dcd6));
        let at = |angle: f32, reach: f32| {
            (
                x + inward * size * reach * angle.cos(),
                y - size * reach * angle.sin(),
                z,
            )
        };
        for spoke in 0..4 {
            let angle = spoke as f32 / 3.0 * 1.57;
            canvas.line3(&[(x, y, z), at(angle, 1.0)], 0.018, tone);
        }
        for reach in [0.45, 0.75] {
            let points: Vec<_> = (0..4)
                .map(|spoke| at(spoke as f32 / 3.0 * 1.57, reach))
                .collect();
            canvas.line3(&points, 0.016, tone);
        }
    }

    /// A hole in the ceiling: sky, torn edges, a rafter across it.
    fn hole(&self, canvas: &mut Canvas) {
        let (top, horizon) = canvas.light.sky();
        let ragged = [
            (-1.7, -0.6),
            (-0.9, 0.2),
            (-0.2, -0.1),
            (0.7, 0.35),
            (1.5, -0.3),
            (1.2, -1.3),
            (1.7, -2.1),
            (0.4, -2.5),
            (-0.6, -2.1),
            (-1.5, -2.4),
            (-1.3, -1.4),
        ];
        let at = |grow: f32, y: f32| -> Vec<(f32, f32, f32)> {
            ragged
                .iter()
                .map(|&(x, z)| (self.door_at * 0.25 + x * grow, y, -1.1 + (z + 1.1) * grow))
                .collect()
        };
        let (edge, sky) = (canvas.lit(hex(0xb8b0a0)), top.mix(horizon, 0.5));
        canvas.face(&at(1.18, 3.62), edge);
        canvas.face(&at(1.0, 3.61), sky);
        let middle = self.door_at * 0.25;
        for x in [-0.8, 0.5] {
            canvas.cuboid(
                (middle + x, 3.6, -3.3),
                (middle + x + 0.2, 3.75, 0.4),
                hex(0x4d3f34),
            );
        }
    }

    fn debris(&self, canvas: &mut Canvas) {
        let mut dice = self.dice.split("debris");
        for _ in 0..9 {
            let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
            let (x, z) = (side * dice.range(1.3..3.4), dice.range(0.3..2.2));
            let size = dice.range(0.08..0.2);
            let base = *dice.pick(&[hex(0xa3634c), hex(0xb5ae9e), hex(0x8d877b)]);
            canvas.contact_shadow((x, 0.003, z), size * 1.3, size * 0.6);
            canvas.flat(
                z,
                &[
                    (x - size, 0.0),
                    (x + size, 0.0),
                    (x + size * 0.6, size * 0.9),
                    (x - size * 0.5, size * 1.1),
                ],
                canvas.lit(base),
            );
            canvas.flat(
                z,
                &[
                    (x + size * 0.1, 0.0),
                    (x + size, 0.0),
                    (x + size * 0.6, size * 0.9),
                ],
                canvas.dim(base),
            );
        }
        // Planks that fell from the ceiling.
        for (x0, z0, x1, z1) in [(-2.6, 0.7, -0.7, 1.6), (0.9, 1.5, 2.7, 0.9)] {
            let tone = canvas.lit(hex(0x7d6148));
            canvas.face(
                &[
                    (x0, 0.04, z0),
                    (x1, 0.04, z1),
                    (x1, 0.04, z1 + 0.2),
                    (x0, 0.04, z0 + 0.2),
                ],
                tone,
            );
            canvas.face(
                &[(x0, 0.0, z0), (x1, 0.0, z1), (x1, 0.04, z1), (x0, 0.04, z0)],
                canvas.dim(hex(0x7d6148)),
            );
        }
    }

    fn chair(&self, canvas: &mut Canvas) {
        let x = -self.door_at.signum() * 2.35;
        let z = 1.2;
        let wood = hex(0x6f5139);
        canvas.contact_shadow((x, 0.003, z), 0.4, 0.25);
        let tone = canvas.lit(wood);
        // It stands on three legs, leaning.
        canvas.line3(&[(x - 0.22, 0.0, z), (x - 0.16, 0.5, z)], 0.06, tone);
        canvas.line3(&[(x + 0.2, 0.0, z), (x + 0.26, 0.42, z)], 0.06, tone);
        canvas.line3(
            &[(x + 0.1, 0.03, z + 0.3), (x + 0.2, 0.45, z + 0.3)],
            0.06,
            canvas.dim(wood),
        );
        canvas.flat(
            z,
            &[
                (x - 0.28, 0.5),
                (x + 0.3, 0.4),
                (x + 0.36, 0.48),
                (x - 0.22, 0.58),
            ],
            tone,
        );
        canvas.line3(&[(x - 0.2, 0.55, z), (x - 0.06, 1.15, z)], 0.06, tone);
        canvas.line3(
            &[(x + 0.28, 0.46, z), (x + 0.34, 0.8, z)],
            0.06,
            canvas.dim(wood),
        );
        canvas.line3(&[(x - 0.1, 1.0, z), (x + 0.3, 0.74, z)], 0.08, tone);
    }
}

impl Place for AbandonedHouse {
    fn behind(&self, canvas: &mut Canvas) {
        let room = Room {
            x: (-4.4, 4.4),
            height: 3.9,
            depth: BACK,
            wall: self.plaster,
            wainscot: None,
            floor: hex(0x84715c),
            laid: Floor::Boards(0.42),
            ceiling: hex(0x6e6a62),
            overhead: Ceiling::Beams(hex(0x5b4a3c), 1.1),
            sides: Sides::Boarded,
        };
        room.draw(canvas, &self.dice);
        let mut dice = self.dice.split("damage");
        // Stripes of old wallpaper that peel away.
        for index in 0..8 {
            let x = -4.2 + 1.1 * index as f32 + dice.range(-0.2..0.2);
            let foot = dice.range(0.3..2.2);
            let paper = self.plaster.mix(hex(0x6f8a72), 0.45);
            canvas.flat(
                BACK - 0.002,
                &[
                    (x, 3.9),
                    (x + 0.5, 3.9),
                    (x + 0.5, foot + 0.3),
                    (x + 0.28, foot),
                    (x + 0.2, foot + 0.35),
                    (x, foot + 0.1),
                ],
                canvas.lit(paper),
            );
            canvas.flat(
                BACK - 0.004,
                &[
                    (x + 0.2, foot + 0.35),
                    (x + 0.5, foot + 0.3),
                    (x + 0.34, foot - 0.1),
                ],
                canvas.lit(hex(0xc9c4b4)),
            );
        }
        let gaps = [
            (self.windows[0] + self.windows[1]) / 2.0,
            (self.windows[1] + self.windows[2]) / 2.0,
            self.windows[0] - 1.35,
        ];
        for x in gaps {
            let y = dice.range(1.15..1.9);
            Self::bricks(
                canvas,
                x,
                y,
                dice.range(0.8..1.05),
                dice.range(0.9..1.25),
                &mut dice,
            );
        }
        Self::bricks(canvas, self.windows[1] + 0.6, 3.0, 2.2, 0.8, &mut dice);
        let panes: Vec<_> = self.windows.iter().map(|&x| Self::pane(x)).collect();
        window::view(canvas, BACK, &panes, Outside::Hills, self.rain, &self.dice);
        canvas.tagged(128, |canvas| {
            for &pane in &panes {
                let ((x0, x1), (y0, y1)) = pane;
                // Broken glass: dark shards in the corners.
                canvas.flat(
                    BACK - 0.01,
                    &[
                        (x0, y0),
                        (x0 + 0.5, y0),
                        (x0 + 0.12, y0 + 0.3),
                        (x0, y0 + 0.65),
                    ],
                    canvas.dim(hex(0x56646a)),
                );
                canvas.flat(
                    BACK - 0.01,
                    &[
                        (x1, y1),
                        (x1 - 0.55, y1),
                        (x1 - 0.2, y1 - 0.35),
                        (x1, y1 - 0.5),
                    ],
                    canvas.dim(hex(0x56646a)),
                );
                window::frame(canvas, BACK, pane, 2, 2, hex(0x8b8475));
                Self::boards(canvas, pane, &mut dice);
            }
        });
        // A dark doorway whose door hangs from one hinge.
        let x = self.door_at;
        canvas.tagged(129, |canvas| {
            canvas.rect(
                Plane::Front(BACK - 0.01),
                (x - 0.58, x + 0.58),
                (0.0, 2.4),
                canvas.dim(hex(0x6d5c48)),
            );
            canvas.rect(
                Plane::Front(BACK - 0.02),
                (x - 0.46, x + 0.46),
                (0.0, 2.28),
                canvas.dim(hex(0x201d24)),
            );
            let door = hex(0x77604a);
            canvas.flat(
                BACK - 0.05,
                &[
                    (x - 0.5, 0.04),
                    (x + 0.15, -0.02),
                    (x + 0.26, 2.0),
                    (x - 0.4, 2.14),
                ],
                canvas.lit(door),
            );
            canvas.flat(
                BACK - 0.06,
                &[
                    (x - 0.36, 0.3),
                    (x + 0.06, 0.26),
                    (x + 0.1, 0.9),
                    (x - 0.32, 0.96),
                ],
                canvas.dim(door),
            );
            canvas.flat(
                BACK - 0.06,
                &[
                    (x - 0.31, 1.15),
                    (x + 0.12, 1.1),
                    (x + 0.16, 1.8),
                    (x - 0.28, 1.86),
                ],
                canvas.dim(door),
            );
        });
        self.hole(canvas);
        Self::cobweb(canvas, (-4.35, 3.85), 1.0, 1.3);
        Self::cobweb(canvas, (4.35, 3.85), -1.0, 1.1);
        Self::cobweb(canvas, (self.windows[0] - 0.6, 2.42), -1.0, 0.5);
        Self::cobweb(canvas, (self.windows[1] + 0.6, 2.42), 1.0, 0.55);
        // Holes in the floor.
        for (x, z) in [(-1.9, 1.9), (1.6, 2.0)] {
            let tone = canvas.dim(hex(0x241f22));
            canvas.face(
                &[
                    (x, 0.005, z - 0.3),
                    (x + 0.5, 0.005, z - 0.22),
                    (x + 0.95, 0.005, z - 0.3),
                    (x + 0.8, 0.005, z + 0.2),
                    (x + 0.3, 0.005, z + 0.12),
                    (x - 0.1, 0.005, z + 0.22),
                ],
                tone,
            );
        }
        self.debris(canvas);
        canvas.tagged(130, |canvas| self.chair(canvas));
        // Weeds come through the boards.
        for (x, z) in [(-3.6, 1.8), (3.7, 1.4), (-2.0, 2.2)] {
            nature::tuft(canvas, (x, 0.0, z), 0.4, hex(0x6f8a58), &mut dice);
        }
        self.shafts(canvas);
    }

    fn props(&self) -> Vec<Prop> {
        let pane = Self::pane(self.windows[1]);
        let chair = -self.door_at.signum() * 2.35;
        list_props(&[
            (
                "boarded window",
                (pane.0.0 - 0.16, pane.1.0, BACK - 0.2),
                (pane.0.1 + 0.16, pane.1.1, BACK),
            ),
            (
                "broken door",
                (self.door_at - 0.58, 0.0, BACK - 0.06),
                (self.door_at + 0.58, 2.4, BACK),
            ),
            (
                "broken chair",
                (chair - 0.35, 0.0, 1.15),
                (chair + 0.4, 1.2, 1.5),
            ),
        ])
    }
}
