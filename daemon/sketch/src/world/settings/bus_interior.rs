//! The inside of a bus, seen across the aisle; wide frames show it cut open.

use tiny_skia::PathBuilder;

use super::brush::{Brush, Plane, hex};
use super::pieces::{nature, sky, weather, window};
use super::{Place, Prop, list_props};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

const WALL: f32 = 1.15;
const FRONT: f32 = -1.1;
const HALF: f32 = 5.2;
const ROOF: f32 = 2.5;

pub(super) struct BusInterior {
    rain: bool,
    dice: Dice,
    cloth: Rgb,
    body: Rgb,
    pole: Rgb,
    shift: f32,
    city: bool,
}

impl BusInterior {
    pub fn new(rain: bool, dice: Dice) -> Self {
        let mut draw = dice.split("layout");
        Self {
            rain,
            cloth: *draw.pick(&[hex(0x4a6f9c), hex(0x8a5560), hex(0x4f7f78), hex(0x6a5f94)]),
            body: *draw.pick(&[hex(0xc9503f), hex(0x3f7f8a), hex(0xd99a3c), hex(0x5a8f55)]),
            pole: *draw.pick(&[hex(0xf0c23c), hex(0xe8a23a), hex(0xe0654a)]),
            shift: draw.range(-0.45..0.45),
            city: draw.chance(0.65),
            dice,
        }
    }

    fn panes(&self) -> Vec<window::Pane> {
        (-4..4)
            .map(|index| {
                let x = index as f32 * 1.36 + self.shift + 0.1;
                (
                    (x.max(-HALF + 0.2), (x + 1.16).min(HALF - 0.2)),
                    (0.98, 2.0),
                )
            })
            .collect()
    }

    fn outside(&self, canvas: &mut Canvas) {
        sky::draw(canvas, self.rain, &self.dice);
        nature::ground(canvas, hex(0x8a8d92));
        if self.city {
            window::skyline(canvas, &self.dice);
        } else {
            nature::hills(canvas, 120.0, 12.0, hex(0x7f9f84), &self.dice);
        }
        let mut dice = self.dice.split("roadside");
        for index in 0..9 {
            let x = (index as f32 - 4.0) * 4.6 + dice.range(-1.0..1.0);
            nature::tree(
                canvas,
                (x, -0.8, 10.0),
                dice.range(3.6..5.0),
                hex(0x74a05c),
                &dice.split("tree"),
            );
        }
    }

    /// The wall around the windows: what lies outside shows between its strips.
    fn wall(&self, canvas: &mut Canvas) {
        let panel = hex(0xdcd8cc);
        let (lit, lower) = (canvas.lit(panel), canvas.lit(panel.shade(0.86)));
        let rubber = canvas.dim(hex(0x2f343b));
        let (sill, head) = (0.98, 2.0);
        let plane = Plane::Front(WALL);
        for (x, y) in self.panes() {
            let ends = (
                canvas.camera.project(x.0, y.1, WALL),
                canvas.camera.project(x.1, y.0, WALL),
            );
            if let (true, (Some(min), Some(max))) = (self.rain, ends) {
                weather::rain_on_pane(
                    canvas,
                    min,
                    max,
                    &self.dice.split(&format!("pane {:.1}", x.0)),
                );
            }
            canvas.sheen(
                &[
                    (x.0 + 0.15, y.0, WALL),
                    (x.0 + 0.4, y.0, WALL),
                    (x.0 + 0.75, y.1, WALL),
                    (x.0 + 0.5, y.1, WALL),
                ],
                hex(0xffffff),
                0.12,
            );
            canvas.rect(plane, x, (y.1 - 0.3, y.1 - 0.25), rubber);
        }
        canvas.rect(plane, (-HALF, HALF), (sill - 0.05, sill), rubber);
        canvas.rect(plane, (-HALF, HALF), (head, head + 0.05), rubber);
        let mut from = -HALF;
        for (x, _) in self.panes() {
            canvas.rect(plane, (from, x.0), (sill, head), rubber);
            if x.0 - from > 0.14 {
                canvas.rect(plane, (from + 0.05, x.0 - 0.05), (sill, head), lit);
            }
            from = x.1;
        }
        canvas.rect(plane, (from, HALF), (sill, head), rubber);
        canvas.rect(plane, (from + 0.05, HALF), (sill, head), lit);
        canvas.rect(plane, (-HALF, HALF), (head + 0.05, ROOF), lit);
        canvas.rect(plane, (-HALF, HALF), (0.0, sill - 0.05), lower);
        canvas.rect(plane, (-HALF, HALF), (0.8, 0.86), canvas.lit(self.body));
    }

    /// One seat facing along the bus, seen from its side.
    fn side_seat(&self, canvas: &mut Canvas, x: f32, z: f32) {
        let (cloth, trim) = (self.cloth, hex(0x4b5058));
        canvas.contact_shadow((x + 0.25, 0.003, z + 0.3), 0.35, 0.3);
        canvas.cuboid((x + 0.12, 0.0, z + 0.1), (x + 0.4, 0.4, z + 0.5), trim);
        canvas.cuboid((x, 0.38, z), (x + 0.52, 0.5, z + 0.6), cloth);
        canvas.cuboid((x - 0.12, 0.42, z), (x + 0.02, 1.26, z + 0.6), cloth);
        canvas.rounded(
            z - 0.01,
            (x - 0.14, x + 0.04),
            (1.1, 1.32),
            0.06,
            canvas.lit(hex(0xe4dccb)),
        );
        canvas.line3(
            &[(x - 0.1, 1.3, z), (x + 0.02, 1.36, z), (x + 0.1, 1.3, z)],
            0.05,
            canvas.lit(self.pole),
        );
    }

    /// The long seat under the windows, in the plane of the people.
    fn long_seat(&self, canvas: &mut Canvas) {
        canvas.contact_shadow((0.0, 0.003, 0.3), 1.6, 0.3);
        canvas.cuboid((-1.5, 0.0, 0.12), (1.5, 0.36, 0.6), hex(0x5a6068));
        for index in 0..4 {
            let (a, b) = (-1.5 + 0.75 * index as f32, -0.77 + 0.75 * index as f32);
            canvas.rounded(0.56, (a, b), (0.44, 1.06), 0.13, canvas.dim(self.cloth));
            canvas.rounded(
                0.55,
                (a + 0.03, b - 0.05),
                (0.46, 1.04),
                0.12,
                canvas.lit(self.cloth),
            );
            canvas.rounded(
                0.545,
                (a + 0.12, b - 0.13),
                (0.56, 0.82),
                0.08,
                canvas.lit(self.cloth.mix(hex(0xffffff), 0.16)),
            );
            canvas.cuboid((a, 0.36, 0.05), (b, 0.45, 0.56), self.cloth.shade(0.94));
        }
    }

    fn rails(&self, canvas: &mut Canvas) {
        let (lit, dim) = (canvas.lit(self.pole), canvas.dim(self.pole));
        let z = 0.45;
        canvas.rect(Plane::Front(z), (-HALF, HALF), (2.12, 2.17), lit);
        canvas.rect(Plane::Front(z), (-HALF, HALF), (2.1, 2.125), dim);
        let mut x = -HALF + 0.35;
        while x < HALF {
            // A strap: band and ring, at head height.
            let band = canvas.dim(hex(0x454b54));
            canvas.rect(Plane::Front(z), (x - 0.025, x + 0.025), (1.93, 2.14), band);
            if let (Some((px, py)), scale) =
                (canvas.camera.project(x, 1.84, z), canvas.camera.scale_at(z))
                && let Some(ring) = PathBuilder::from_circle(px, py, 0.085 * scale)
                && canvas.sees((x - 0.1, x + 0.1), (1.7, 2.0), z)
            {
                canvas.stroke(&ring, 0.04 * scale, canvas.lit(hex(0xeee9dc)), true);
            }
            x += 0.55;
        }
        canvas.tagged(130, |canvas| {
            for x in [-4.3, -1.62, 1.62, 4.3] {
                canvas.contact_shadow((x, 0.003, 0.0), 0.12, 0.06);
                canvas.rect(Plane::Front(0.05), (x - 0.035, x + 0.035), (0.0, ROOF), lit);
                canvas.rect(Plane::Front(0.05), (x + 0.008, x + 0.035), (0.0, ROOF), dim);
                canvas.rounded(
                    0.04,
                    (x - 0.07, x + 0.07),
                    (1.18, 1.34),
                    0.03,
                    canvas.lit(hex(0xd8463c)),
                );
            }
        });
    }

    /// The body around the cut, and the street it stands on.
    fn shell(&self, canvas: &mut Canvas) {
        let z = FRONT;
        if canvas.camera.top_at(z) < ROOF
            && canvas.camera.bottom_at(z) > 0.0
            && canvas.camera.right_at(z) < HALF
            && canvas.camera.left_at(z) > -HALF
        {
            return;
        }
        let (lit, dim) = (canvas.lit(self.body), canvas.dim(self.body));
        let dark = canvas.dim(hex(0x2b2e34));
        canvas.contact_shadow((0.0, -0.82, 0.0), HALF * 1.05, 1.3);
        for x in [-3.3, 3.1] {
            canvas.ellipse3((x, -0.36, z), 0.5, 0.5, dark);
        }
        canvas.rounded(z, (-HALF - 0.3, HALF + 0.3), (-0.5, 0.02), 0.15, lit);
        canvas.rect(
            Plane::Front(z),
            (-HALF - 0.25, HALF + 0.25),
            (-0.5, -0.36),
            dim,
        );
        canvas.rect(
            Plane::Front(z),
            (-HALF - 0.2, HALF + 0.2),
            (-0.17, -0.08),
            canvas.lit(hex(0xf5efe0)),
        );
        for x in [-3.3, 3.1] {
            canvas.ellipse3((x, -0.36, z - 0.01), 0.46, 0.46, dark);
            canvas.ellipse3((x, -0.36, z - 0.01), 0.22, 0.22, canvas.lit(hex(0xaeb4b8)));
        }
        canvas.rounded(z, (-HALF - 0.3, HALF + 0.3), (ROOF, ROOF + 0.34), 0.2, lit);
        canvas.rect(
            Plane::Front(z),
            (-HALF - 0.2, HALF + 0.2),
            (ROOF, ROOF + 0.1),
            dim,
        );
        for (a, b) in [(-HALF - 0.3, -HALF), (HALF, HALF + 0.3)] {
            canvas.rect(Plane::Front(z), (a, b), (-0.1, ROOF + 0.1), lit);
        }
        let lamp = if canvas.lamps_on() {
            hex(0xfff0c0)
        } else {
            canvas.lit(hex(0xf7f0dc))
        };
        canvas.rounded(
            z - 0.01,
            (HALF + 0.05, HALF + 0.32),
            (0.0, 0.22),
            0.06,
            lamp,
        );
    }
}

impl Place for BusInterior {
    fn behind(&self, canvas: &mut Canvas) {
        self.outside(canvas);
        // The far street seen past the ends of the bus, then the road.
        let road = hex(0x73767e);
        canvas.level(
            -0.86,
            (-60.0, 60.0),
            (canvas.camera.near(), 14.0),
            canvas.lit(road),
        );
        for index in -5..=5 {
            let x = index as f32 * 3.0;
            canvas.level(
                -0.855,
                (x, x + 1.5),
                (-4.2, -3.95),
                canvas.lit(hex(0xf1ead6)),
            );
        }
        let panel = hex(0xdcd8cc);
        let (lit, dim) = (canvas.lit(panel), canvas.dim(panel));
        self.wall(canvas);
        // Adverts above the windows.
        let mut dice = self.dice.split("adverts");
        for index in -4..4 {
            let x = index as f32 * 1.36 + self.shift + 0.16;
            let tone = *dice.pick(&[hex(0xe3b85a), hex(0x8fb6b0), hex(0xd98a70), hex(0xf2ead8)]);
            canvas.rect(
                Plane::Front(WALL - 0.01),
                (x, x + 1.0),
                (2.14, 2.4),
                canvas.lit(tone),
            );
            canvas.rect(
                Plane::Front(WALL - 0.015),
                (x + 0.1, x + 0.55),
                (2.23, 2.31),
                canvas.dim(hex(0x4b5560)),
            );
        }
        let near = FRONT.max(canvas.camera.near());
        canvas.level(ROOF, (-HALF, HALF), (near, WALL), canvas.dim(hex(0xefece2)));
        let strip = if canvas.lamps_on() {
            hex(0xfff3d0)
        } else {
            canvas.lit(hex(0xfdfbf2))
        };
        canvas.level(ROOF - 0.01, (-HALF + 0.3, HALF - 0.3), (0.1, 0.4), strip);
        if canvas.lamps_on() {
            canvas.glow((0.0, ROOF - 0.1, 0.3), 1.6, hex(0xffe6a8), 0.22);
        }
        canvas.level(0.0, (-HALF, HALF), (near, WALL), canvas.lit(hex(0x8a8f96)));
        for z in [-0.55, -0.2] {
            canvas.level(
                0.002,
                (-HALF, HALF),
                (z, z + 0.05),
                canvas.lit(hex(0x777c84)),
            );
        }
        canvas.level(
            0.003,
            (-HALF, HALF),
            (FRONT, FRONT + 0.08),
            canvas.lit(self.pole),
        );
        for (x, is_lit) in [(-HALF, !canvas.from_left), (HALF, canvas.from_left)] {
            canvas.rect(
                Plane::Side(x),
                (near, WALL),
                (0.0, ROOF),
                if is_lit { lit } else { dim },
            );
        }
        canvas.tagged(129, |canvas| {
            for x in [-4.9, -3.85, -2.8, 2.25, 3.3, 4.35] {
                self.side_seat(canvas, x, 0.5);
            }
        });
        canvas.tagged(128, |canvas| self.long_seat(canvas));
        self.rails(canvas);
        self.shell(canvas);
    }

    fn in_front(&self, canvas: &mut Canvas) {
        let wide = canvas.camera.top_at(FRONT) > ROOF + 0.5;
        if self.rain && wide {
            weather::rain(canvas, &self.dice);
        }
    }

    fn props(&self) -> Vec<Prop> {
        list_props(&[
            ("bus seat", (-1.5, 0.0, 0.05), (1.5, 1.06, 0.6)),
            ("row of seats", (2.1, 0.0, 0.5), (4.9, 1.36, 1.1)),
            ("pole", (1.5, 0.0, 0.0), (1.74, ROOF, 0.1)),
        ])
    }
}
