//! The shell of a room: floor, walls, ceiling.

use super::super::brush::{Brush, Plane, hex};
use crate::world::canvas::Canvas;
use crate::world::colour::{Light, Rgb};
use crate::world::dice::Dice;

/// What a floor is laid with.
#[derive(Clone, Copy, Debug)]
pub(in crate::world::settings) enum Floor {
    /// Boards that run away from the camera, each this wide.
    Boards(f32),
    /// A chequer of this second colour, tiles this wide.
    Chequer(Rgb, f32),
}

/// What a ceiling shows.
#[derive(Clone, Copy, Debug)]
pub(in crate::world::settings) enum Ceiling {
    /// Beams across the room, this far apart.
    Beams(Rgb, f32),
    /// Lit panels in two rows, this far apart.
    Panels(f32),
    /// Square coffers in a grid, this far apart.
    Coffers(f32),
    /// One even surface.
    Plain,
}

/// What the side walls show towards the camera, where wide frames look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::world::settings) enum Sides {
    /// Tall windows with light falling in.
    Windows,
    /// Windows nailed up with boards.
    Boarded,
    /// Nothing.
    Bare,
}

/// A room seen from its open front; it runs on past the camera.
#[derive(Clone, Copy, Debug)]
pub(in crate::world::settings) struct Room {
    /// x of the left and the right wall.
    pub x: (f32, f32),
    /// Height of the ceiling.
    pub height: f32,
    /// z of the back wall.
    pub depth: f32,
    /// Base colour of the walls.
    pub wall: Rgb,
    /// Base colour of the lower wall, and up to which height.
    pub wainscot: Option<(Rgb, f32)>,
    /// Base colour of the floor.
    pub floor: Rgb,
    /// How the floor is laid.
    pub laid: Floor,
    /// Base colour of the ceiling.
    pub ceiling: Rgb,
    /// What is on it.
    pub overhead: Ceiling,
    /// What the side walls show.
    pub sides: Sides,
}

impl Room {
    /// Fills the frame with the bare room.
    pub fn draw(&self, canvas: &mut Canvas, dice: &Dice) {
        canvas.wash(canvas.dim(self.wall));
        self.draw_ceiling(canvas);
        self.draw_floor(canvas, dice);
        self.draw_walls(canvas);
        if self.sides != Sides::Bare {
            self.draw_side_windows(canvas);
        }
    }

    fn draw_side_windows(&self, canvas: &mut Canvas) {
        let near = canvas.camera.near();
        let (top, horizon) = canvas.light.sky();
        let sky = top.mix(horizon, 0.7);
        let (beam, alpha) = match canvas.light {
            Light::SoftDaylight => (hex(0xffffff), 0.2),
            Light::GoldenSunset => (hex(0xffc46a), 0.32),
            Light::LowLight => (hex(0xe8d8b0), 0.08),
            Light::Night => (hex(0xa8bcff), 0.13),
        };
        let mut z = -2.9;
        while z + 1.5 > near {
            for (x, inward) in [(self.x.0, 1.0), (self.x.1, -1.0)] {
                let lit = (inward > 0.0) != canvas.from_left;
                let tone = |canvas: &Canvas, base: Rgb| {
                    if lit {
                        canvas.lit(base)
                    } else {
                        canvas.dim(base)
                    }
                };
                let plane = Plane::Side(x + inward * 0.004);
                let (low, high) = (0.9, (self.height - 0.5).min(2.8));
                let (frame, boarded) = if self.sides == Sides::Boarded {
                    (self.wall.shade(0.7), true)
                } else {
                    (hex(0xf8f4ea), false)
                };
                canvas.rect(
                    plane,
                    (z - 0.12, z + 1.62),
                    (low - 0.12, high + 0.12),
                    tone(canvas, frame),
                );
                canvas.rect(plane, (z, z + 1.5), (low, high), sky);
                canvas.rect(plane, (z + 0.7, z + 0.8), (low, high), tone(canvas, frame));
                if boarded {
                    for y in [0.22, 0.55, 0.84] {
                        let at = low + (high - low) * y;
                        canvas.rect(
                            plane,
                            (z - 0.2, z + 1.7),
                            (at - 0.13, at + 0.13),
                            tone(canvas, hex(0x7d6148)),
                        );
                    }
                } else if !lit {
                    // The wall turned from the light is the one that it comes through.
                    let reach = |far: f32| x + inward * far;
                    canvas.sheen(
                        &[
                            (reach(0.3), 0.003, z),
                            (reach(0.3), 0.003, z + 1.5),
                            (reach(2.3), 0.003, z + 0.9),
                            (reach(2.3), 0.003, z - 0.6),
                        ],
                        beam,
                        alpha,
                    );
                }
            }
            z -= 3.1;
        }
    }

    fn draw_walls(&self, canvas: &mut Canvas) {
        let near = canvas.camera.near();
        let (lit, dim) = (canvas.lit(self.wall), canvas.dim(self.wall));
        let left_is_lit = !canvas.from_left;
        for (x, is_lit) in [(self.x.0, left_is_lit), (self.x.1, !left_is_lit)] {
            let tone = if is_lit { lit.mix(dim, 0.25) } else { dim };
            canvas.rect(Plane::Side(x), (near, self.depth), (0.0, self.height), tone);
            if let Some((lower, up_to)) = self.wainscot {
                let tone = if is_lit {
                    canvas.lit(lower).mix(canvas.dim(lower), 0.25)
                } else {
                    canvas.dim(lower)
                };
                canvas.rect(Plane::Side(x), (near, self.depth), (0.0, up_to), tone);
            }
            let skirting = canvas.dim(self.wall.shade(0.72));
            canvas.rect(Plane::Side(x), (near, self.depth), (0.0, 0.13), skirting);
        }
        canvas.fade(
            self.depth,
            self.x,
            (0.0, self.height),
            lit.mix(dim, 0.55),
            lit,
        );
        if let Some((lower, up_to)) = self.wainscot {
            canvas.rect(
                Plane::Front(self.depth),
                self.x,
                (0.0, up_to),
                canvas.lit(lower),
            );
            let rail = canvas.lit(lower.shade(0.8));
            canvas.rect(
                Plane::Front(self.depth),
                self.x,
                (up_to - 0.03, up_to + 0.05),
                rail,
            );
        }
        canvas.rect(
            Plane::Front(self.depth),
            self.x,
            (0.0, 0.13),
            canvas.dim(self.wall.shade(0.78)),
        );
        // Corners gather shade.
        for (x, inward) in [(self.x.0, 1.0), (self.x.1, -1.0)] {
            for reach in [0.16_f32, 0.42] {
                let u = (x.min(x + inward * reach), x.max(x + inward * reach));
                canvas.veil(
                    Plane::Front(self.depth),
                    u,
                    (0.0, self.height),
                    hex(0x140f20),
                    0.06,
                );
            }
        }
    }

    fn draw_floor(&self, canvas: &mut Canvas, dice: &Dice) {
        let near = canvas.ground_from();
        if near >= self.depth {
            return;
        }
        canvas.level(0.0, self.x, (near, self.depth), canvas.lit(self.floor));
        match self.laid {
            Floor::Boards(width) => {
                let mut dice = dice.split("boards");
                let count = ((self.x.1 - self.x.0) / width).ceil() as usize;
                for index in 0..count {
                    let x = self.x.0 + index as f32 * width;
                    let tone = canvas.lit(self.floor.shade(*dice.pick(&[0.9, 0.95, 1.0, 1.05])));
                    let end = (x + width).min(self.x.1);
                    canvas.level(0.0, (x, end), (near, self.depth), tone);
                    // A joint somewhere in each board.
                    let joint = dice.range(-1.5..self.depth);
                    let tone = canvas.lit(self.floor.shade(*dice.pick(&[0.88, 0.97, 1.04])));
                    if joint > near {
                        canvas.level(0.0, (x, end), (joint, self.depth), tone);
                    }
                    let gap = canvas.lit(self.floor.shade(0.74));
                    canvas.level(0.0, (end - 0.018, end), (near, self.depth), gap);
                }
            }
            Floor::Chequer(second, size) => {
                let tone = canvas.lit(second);
                let first_row = (near / size).floor() as i32;
                let rows = (self.depth / size).ceil() as i32;
                let columns = ((self.x.1 - self.x.0) / size).ceil() as i32;
                for row in first_row..rows {
                    let z = (row as f32 * size, ((row + 1) as f32 * size).min(self.depth));
                    for column in 0..columns {
                        if (row + column).rem_euclid(2) == 0 {
                            continue;
                        }
                        let x = self.x.0 + column as f32 * size;
                        let end = (x + size).min(self.x.1);
                        if end < canvas.camera.left_at(z.1) || x > canvas.camera.right_at(z.1) {
                            continue;
                        }
                        canvas.level(0.0, (x, end), z, tone);
                    }
                }
            }
        }
        // The floor darkens where it meets the walls.
        for reach in [0.25, 0.6] {
            canvas.sheen(
                &[
                    (self.x.0, 0.0, self.depth - reach),
                    (self.x.1, 0.0, self.depth - reach),
                    (self.x.1, 0.0, self.depth),
                    (self.x.0, 0.0, self.depth),
                ],
                hex(0x140f20),
                0.09,
            );
        }
    }

    fn draw_ceiling(&self, canvas: &mut Canvas) {
        let near = canvas.camera.near();
        let tone = canvas.dim(self.ceiling);
        canvas.level(self.height, self.x, (near, self.depth), tone);
        let middle = (self.x.0 + self.x.1) / 2.0;
        match self.overhead {
            Ceiling::Beams(colour, apart) => {
                let mut z = self.depth - 0.4;
                while z > near + 0.3 {
                    canvas.cuboid(
                        (self.x.0, self.height - 0.26, z - 0.26),
                        (self.x.1, self.height, z),
                        colour,
                    );
                    z -= apart;
                }
            }
            Ceiling::Panels(apart) => {
                let bright = if canvas.lamps_on() {
                    hex(0xfff3d6)
                } else {
                    canvas.lit(hex(0xfdfdf6))
                };
                let reach = (self.x.1 - self.x.0) * 0.25;
                let mut z = self.depth - 1.1;
                while z > near + 1.0 {
                    for x in [middle - reach, middle + reach] {
                        let half = (reach * 0.36).min(0.75);
                        canvas.level(
                            self.height - 0.02,
                            (x - half, x + half),
                            (z - 0.42, z + 0.42),
                            bright,
                        );
                    }
                    z -= apart;
                }
            }
            Ceiling::Coffers(apart) => {
                let (rib, deep) = (apart * 0.11, canvas.dim(self.ceiling.shade(0.9)));
                let columns = ((self.x.1 - self.x.0) / apart).round().max(1.0);
                let wide = (self.x.1 - self.x.0) / columns;
                let mut z = self.depth;
                while z > near {
                    for column in 0..columns as usize {
                        let x = self.x.0 + column as f32 * wide;
                        canvas.level(
                            self.height - 0.01,
                            (x + rib, x + wide - rib),
                            (z - apart + rib, z - rib),
                            deep,
                        );
                    }
                    z -= apart;
                }
            }
            Ceiling::Plain => {}
        }
    }
}

/// A door in a side wall, its near edge at `z`.
pub(in crate::world::settings) fn side_door(canvas: &mut Canvas, x: f32, z: f32, base: Rgb) {
    let tone = |canvas: &Canvas, c: Rgb| canvas.dim(c).mix(canvas.lit(c), 0.3);
    let plane = Plane::Side(x * 0.998);
    canvas.rect(
        plane,
        (z - 0.12, z + 1.07),
        (0.0, 2.27),
        tone(canvas, hex(0xf7f2e8)),
    );
    canvas.rect(plane, (z, z + 0.95), (0.0, 2.15), tone(canvas, base));
    for y in [(0.2, 0.95), (1.15, 1.98)] {
        canvas.rect(
            plane,
            (z + 0.14, z + 0.81),
            y,
            tone(canvas, base.shade(0.86)),
        );
    }
    canvas.rect(
        plane,
        (z + 0.08, z + 0.16),
        (1.0, 1.1),
        tone(canvas, hex(0xe2c06a)),
    );
}

/// A framed picture on a side wall.
pub(in crate::world::settings) fn side_picture(
    canvas: &mut Canvas,
    x: f32,
    z: (f32, f32),
    y: (f32, f32),
    base: Rgb,
) {
    let tone = |canvas: &Canvas, c: Rgb| canvas.dim(c).mix(canvas.lit(c), 0.3);
    let plane = Plane::Side(x * 0.998);
    canvas.rect(plane, z, y, tone(canvas, hex(0x8a5f3a)));
    canvas.rect(
        plane,
        (z.0 + 0.06, z.1 - 0.06),
        (y.0 + 0.06, y.1 - 0.06),
        tone(canvas, hex(0xf3eee2)),
    );
    canvas.rect(
        plane,
        (z.0 + 0.14, z.1 - 0.14),
        (y.0 + 0.14, y.1 - 0.14),
        tone(canvas, base),
    );
}
