//! Strokes that every setting paints with: panels, floors, walls, smooth
//! silhouettes, glows. All take metres and base colours say where they are
//! meant to be final.

use tiny_skia::{PathBuilder, Rect};

use crate::world::canvas::{Canvas, Tag};
use crate::world::colour::{Light, Rgb};

/// A colour from its usual hexadecimal form.
pub(super) const fn hex(value: u32) -> Rgb {
    Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8)
}

/// An upright plane that things hang on or lean against.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plane {
    /// Faces the camera at depth z; u runs along x.
    Front(f32),
    /// Runs away from the camera at this x; u runs along z.
    Side(f32),
}

impl Plane {
    fn corner(self, u: f32, y: f32) -> (f32, f32, f32) {
        match self {
            Self::Front(z) => (u, y, z),
            Self::Side(x) => (x, y, u),
        }
    }
}

/// What the settings add to a [`Canvas`]. Colours given to `*_lit` methods
/// are base colours; all others are drawn as they are.
pub(super) trait Brush {
    /// The colour of a surface that the key light meets.
    fn lit(&self, base: Rgb) -> Rgb;
    /// The second tone.
    fn dim(&self, base: Rgb) -> Rgb;
    /// Lit, and paled by the air in front of it.
    fn far(&self, base: Rgb, z: f32) -> Rgb;
    /// The second tone, paled by the air in front of it.
    fn far_dim(&self, base: Rgb, z: f32) -> Rgb;
    /// -1 where the key light comes from the left, 1 from the right.
    fn sun_side(&self) -> f32;
    /// Whether lamps burn and windows glow.
    fn lamps_on(&self) -> bool;
    /// Draws one named prop.
    fn tagged(&mut self, id: u8, draw: impl FnOnce(&mut Self));
    /// Whether any of the box between the given x and y at depth z is in view.
    fn sees(&self, x: (f32, f32), y: (f32, f32), z: f32) -> bool;
    /// The nearest depth at which the ground is in the frame.
    fn ground_from(&self) -> f32;
    /// Fills the frame.
    fn wash(&mut self, colour: Rgb);
    /// A rectangle on an upright plane, `u` along it, `y` up.
    fn rect(&mut self, plane: Plane, u: (f32, f32), y: (f32, f32), colour: Rgb);
    /// A translucent rectangle on an upright plane; leaves no id.
    fn veil(&mut self, plane: Plane, u: (f32, f32), y: (f32, f32), colour: Rgb, alpha: f32);
    /// A rectangle facing the camera that changes from `top` to `bottom`.
    fn fade(&mut self, z: f32, x: (f32, f32), y: (f32, f32), top: Rgb, bottom: Rgb);
    /// A level rectangle.
    fn level(&mut self, y: f32, x: (f32, f32), z: (f32, f32), colour: Rgb);
    /// A polygon facing the camera.
    fn flat(&mut self, z: f32, points: &[(f32, f32)], colour: Rgb);
    /// A closed smooth silhouette facing the camera.
    fn smooth(&mut self, z: f32, points: &[(f32, f32)], colour: Rgb);
    /// Overlapping circles `(x, y, radius)` in one tone.
    fn puffs(&mut self, z: f32, circles: &[(f32, f32, f32)], colour: Rgb);
    /// A rectangle with round corners, facing the camera.
    fn rounded(&mut self, z: f32, x: (f32, f32), y: (f32, f32), radius: f32, colour: Rgb);
    /// Light around a lamp.
    fn glow(&mut self, at: (f32, f32, f32), radius: f32, colour: Rgb, strength: f32);
    /// A translucent polygon in space.
    fn sheen(&mut self, corners: &[(f32, f32, f32)], colour: Rgb, alpha: f32);
}

/// Whether a rectangle on `plane` covers enough of the frame to be drawn.
pub(super) fn shows(canvas: &Canvas, plane: Plane, u: (f32, f32), y: (f32, f32)) -> bool {
    // A fifth of a pixel changes nothing that anyone could see.
    const LEAST_AREA: f32 = 0.2;
    let camera = &canvas.camera;
    let near = camera.near() + 1e-3;
    let (first, second) = match plane {
        Plane::Front(z) => ((u.0, z), (u.1, z)),
        Plane::Side(x) => ((x, u.0.max(near)), (x, u.1)),
    };
    let ends = [(first, y.0), (first, y.1), (second, y.0), (second, y.1)]
        .map(|((x, z), y)| camera.project(x, y, z));
    let [Some(a), Some(b), Some(c), Some(d)] = ends else {
        return false;
    };
    let (left, right) = (a.0.min(c.0), a.0.max(c.0));
    let top = b.1.min(d.1);
    let bottom = a.1.max(c.1);
    right > 0.0
        && left < camera.width as f32
        && bottom > 0.0
        && top < camera.height as f32
        && (right - left) * (bottom - top) > LEAST_AREA
}

fn pixels(canvas: &Canvas, z: f32, points: &[(f32, f32)]) -> Option<Vec<(f32, f32)>> {
    points
        .iter()
        .map(|&(x, y)| canvas.camera.project(x, y, z))
        .collect()
}

impl Brush for Canvas {
    fn lit(&self, base: Rgb) -> Rgb {
        self.light.lit(base)
    }

    fn dim(&self, base: Rgb) -> Rgb {
        self.light.shadow(base)
    }

    fn far(&self, base: Rgb, z: f32) -> Rgb {
        self.light.haze(self.light.lit(base), z)
    }

    fn far_dim(&self, base: Rgb, z: f32) -> Rgb {
        self.light.haze(self.light.shadow(base), z)
    }

    fn sun_side(&self) -> f32 {
        if self.from_left { -1.0 } else { 1.0 }
    }

    fn lamps_on(&self) -> bool {
        matches!(self.light, Light::LowLight | Light::Night)
    }

    fn tagged(&mut self, id: u8, draw: impl FnOnce(&mut Self)) {
        self.set_tag(Tag(id));
        draw(self);
        self.set_tag(Tag(0));
    }

    fn sees(&self, x: (f32, f32), y: (f32, f32), z: f32) -> bool {
        let camera = &self.camera;
        z >= camera.near()
            && x.1 >= camera.left_at(z)
            && x.0 <= camera.right_at(z)
            && y.1 >= camera.bottom_at(z)
            && y.0 <= camera.top_at(z)
    }

    fn ground_from(&self) -> f32 {
        let camera = &self.camera;
        let bottom = camera.bottom_at(0.0);
        if bottom >= camera.eye.1 - 1e-3 {
            return f32::INFINITY;
        }
        let nearest = camera.distance * (camera.eye.1 / (camera.eye.1 - bottom) - 1.0);
        nearest.max(camera.near())
    }

    fn wash(&mut self, colour: Rgb) {
        let (width, height) = (self.camera.width as f32, self.camera.height as f32);
        if let Some(rect) = Rect::from_xywh(0.0, 0.0, width, height) {
            self.fill(&PathBuilder::from_rect(rect), colour);
        }
    }

    fn rect(&mut self, plane: Plane, u: (f32, f32), y: (f32, f32), colour: Rgb) {
        if !shows(self, plane, u, y) {
            return;
        }
        let corners = [
            plane.corner(u.0, y.0),
            plane.corner(u.1, y.0),
            plane.corner(u.1, y.1),
            plane.corner(u.0, y.1),
        ];
        self.face(&corners, colour);
    }

    fn veil(&mut self, plane: Plane, u: (f32, f32), y: (f32, f32), colour: Rgb, alpha: f32) {
        let corners = [
            plane.corner(u.0, y.0),
            plane.corner(u.1, y.0),
            plane.corner(u.1, y.1),
            plane.corner(u.0, y.1),
        ];
        self.sheen(&corners, colour, alpha);
    }

    fn fade(&mut self, z: f32, x: (f32, f32), y: (f32, f32), top: Rgb, bottom: Rgb) {
        if !self.sees(x, y, z) {
            return;
        }
        let corners = [(x.0, y.0, z), (x.1, y.0, z), (x.1, y.1, z), (x.0, y.1, z)];
        let ends = (
            self.camera.project(x.0, y.1, z),
            self.camera.project(x.0, y.0, z),
        );
        if let (Some(path), (Some(from), Some(to))) = (self.outline(&corners), ends) {
            self.fill_gradient(&path, (from.0, from.1, top), (from.0, to.1, bottom));
        }
    }

    fn level(&mut self, y: f32, x: (f32, f32), z: (f32, f32), colour: Rgb) {
        let camera = &self.camera;
        let near = z.0.max(camera.near() + 1e-3);
        let outside = |at: f32| {
            (
                x.1 < camera.left_at(at),
                x.0 > camera.right_at(at),
                y < camera.bottom_at(at),
                y > camera.top_at(at),
            )
        };
        let (a, b) = (outside(near), outside(z.1));
        if near >= z.1 || (a.0 && b.0) || (a.1 && b.1) || (a.2 && b.2) || (a.3 && b.3) {
            return;
        }
        self.face(
            &[(x.0, y, z.0), (x.1, y, z.0), (x.1, y, z.1), (x.0, y, z.1)],
            colour,
        );
    }

    fn flat(&mut self, z: f32, points: &[(f32, f32)], colour: Rgb) {
        let corners: Vec<_> = points.iter().map(|&(x, y)| (x, y, z)).collect();
        self.face(&corners, colour);
    }

    fn smooth(&mut self, z: f32, points: &[(f32, f32)], colour: Rgb) {
        let Some(points) = pixels(self, z, points) else {
            return;
        };
        let count = points.len();
        if count < 3 {
            return;
        }
        let middle = |a: (f32, f32), b: (f32, f32)| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
        let mut path = PathBuilder::new();
        let start = middle(points[count - 1], points[0]);
        path.move_to(start.0, start.1);
        for index in 0..count {
            let corner = points[index];
            let end = middle(corner, points[(index + 1) % count]);
            path.quad_to(corner.0, corner.1, end.0, end.1);
        }
        path.close();
        if let Some(path) = path.finish() {
            self.fill(&path, colour);
        }
    }

    fn puffs(&mut self, z: f32, circles: &[(f32, f32, f32)], colour: Rgb) {
        let mut path = PathBuilder::new();
        let scale = self.camera.scale_at(z);
        for &(x, y, radius) in circles {
            if !self.sees((x - radius, x + radius), (y - radius, y + radius), z) {
                continue;
            }
            if let Some((px, py)) = self.camera.project(x, y, z) {
                path.push_circle(px, py, radius * scale);
            }
        }
        if let Some(path) = path.finish() {
            self.fill(&path, colour);
        }
    }

    fn rounded(&mut self, z: f32, x: (f32, f32), y: (f32, f32), radius: f32, colour: Rgb) {
        if !self.sees(x, y, z) {
            return;
        }
        let r = radius.min((x.1 - x.0) / 2.0).min((y.1 - y.0) / 2.0);
        let scale = self.camera.scale_at(z);
        let (Some((left, bottom)), Some((right, top))) = (
            self.camera.project(x.0, y.0, z),
            self.camera.project(x.1, y.1, z),
        ) else {
            return;
        };
        let r = r * scale;
        let mut path = PathBuilder::new();
        path.move_to(left + r, top);
        path.line_to(right - r, top);
        path.quad_to(right, top, right, top + r);
        path.line_to(right, bottom - r);
        path.quad_to(right, bottom, right - r, bottom);
        path.line_to(left + r, bottom);
        path.quad_to(left, bottom, left, bottom - r);
        path.line_to(left, top + r);
        path.quad_to(left, top, left + r, top);
        path.close();
        if let Some(path) = path.finish() {
            self.fill(&path, colour);
        }
    }

    fn glow(&mut self, at: (f32, f32, f32), radius: f32, colour: Rgb, strength: f32) {
        let Some((px, py)) = self.camera.project(at.0, at.1, at.2) else {
            return;
        };
        let radius = radius * self.camera.scale_at(at.2);
        let (width, height) = (self.camera.width as f32, self.camera.height as f32);
        if px + radius < 0.0 || px - radius > width || py + radius < 0.0 || py - radius > height {
            return;
        }
        // Rings of falling strength read as a soft light and stay flat.
        for ring in 1..=9 {
            let reach = radius * (ring as f32 / 9.0).powf(0.8);
            if let Some(path) = PathBuilder::from_circle(px, py, reach) {
                self.fill_alpha(&path, colour, strength * 0.14);
            }
        }
    }

    fn sheen(&mut self, corners: &[(f32, f32, f32)], colour: Rgb, alpha: f32) {
        self.face_alpha(corners, colour, alpha);
    }
}
