//! Curved shapes in body units, shaded in two tones.

use tiny_skia::{Path, PathBuilder, Transform};

use crate::world::canvas::{Canvas, Tag};
use crate::world::colour::Rgb;

/// A point in the units of the [`Place`] it is drawn at.
pub(super) type Pt = (f32, f32);

/// Maps body units (y up) to pixels (y down). Shapes are drawn as if facing
/// right; a mirrored place faces them left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    x: [f32; 2],
    y: [f32; 2],
    origin: Pt,
}

impl Place {
    /// The place whose origin is pixel `origin` and whose unit is `scale`
    /// pixels, mirrored left to right if `flip`.
    pub(super) fn new(origin: Pt, scale: f32, flip: bool) -> Self {
        let x = if flip { -scale } else { scale };
        Self {
            x: [x, 0.0],
            y: [0.0, -scale],
            origin,
        }
    }

    /// Pixel position of a point.
    pub(super) fn px(&self, p: Pt) -> Pt {
        (
            self.origin.0 + self.x[0] * p.0 + self.y[0] * p.1,
            self.origin.1 + self.x[1] * p.0 + self.y[1] * p.1,
        )
    }

    /// Pixels a unit takes.
    pub(super) fn scale(&self) -> f32 {
        self.x[0].hypot(self.x[1])
    }

    /// A place at `at`, `scale` units large, turned by `turn` radians
    /// anticlockwise as seen before mirroring.
    pub(super) fn sub(&self, at: Pt, scale: f32, turn: f32) -> Self {
        let (sin, cos) = turn.sin_cos();
        let along = |a: f32, b: f32| {
            [
                (self.x[0] * a + self.y[0] * b) * scale,
                (self.x[1] * a + self.y[1] * b) * scale,
            ]
        };
        Self {
            x: along(cos, sin),
            y: along(-sin, cos),
            origin: self.px(at),
        }
    }

    /// This place with x mirrored.
    pub(super) fn mirrored(&self) -> Self {
        Self {
            x: [-self.x[0], -self.x[1]],
            ..*self
        }
    }

    /// A smooth closed curve through `points`, with sharp corners at the
    /// points whose numbers are in `corners`.
    pub(super) fn closed(&self, points: &[Pt], corners: &[usize]) -> Path {
        self.curve(points, corners, true)
    }

    /// A smooth open curve through `points`.
    pub(super) fn open(&self, points: &[Pt]) -> Path {
        self.curve(points, &[], false)
    }

    /// The smooth closed curve through `right` and, mirrored, back up.
    pub(super) fn symmetric(&self, right: &[Pt], corners: &[usize]) -> Path {
        let n = right.len();
        let mut points = right.to_vec();
        let mut sharp = corners.to_vec();
        for i in (0..n).rev() {
            if right[i].0.abs() > 1e-5 {
                if corners.contains(&i) {
                    sharp.push(points.len());
                }
                points.push((-right[i].0, right[i].1));
            }
        }
        self.curve(&points, &sharp, true)
    }

    fn curve(&self, points: &[Pt], corners: &[usize], closed: bool) -> Path {
        let at: Vec<Pt> = points.iter().map(|&p| self.px(p)).collect();
        let n = at.len();
        let step = |a: Pt, b: Pt| (b.0 - a.0, b.1 - a.1);
        // Unit tangents along the neighbours; handles in proportion to the
        // segment keep unevenly spaced points from overshooting.
        let tangent = |i: usize| -> Pt {
            if corners.contains(&i) || (!closed && (i == 0 || i == n - 1)) {
                return (0.0, 0.0);
            }
            let d = step(at[(i + n - 1) % n], at[(i + 1) % n]);
            let length = d.0.hypot(d.1).max(1e-6);
            (d.0 / length, d.1 / length)
        };
        let mut builder = PathBuilder::new();
        builder.move_to(at[0].0, at[0].1);
        for i in 0..if closed { n } else { n - 1 } {
            let j = (i + 1) % n;
            let (a, b) = (at[i], at[j]);
            let d = step(a, b);
            let reach = d.0.hypot(d.1) * 0.38;
            let (ta, tb) = (tangent(i), tangent(j));
            builder.cubic_to(
                a.0 + ta.0 * reach,
                a.1 + ta.1 * reach,
                b.0 - tb.0 * reach,
                b.1 - tb.1 * reach,
                b.0,
                b.1,
            );
        }
        if closed {
            builder.close();
        }
        finish(builder)
    }

    /// A straight-edged closed shape.
    pub(super) fn polygon(&self, points: &[Pt]) -> Path {
        let all: Vec<usize> = (0..points.len()).collect();
        self.closed(points, &all)
    }

    /// An ellipse along this place's axes.
    pub(super) fn ellipse(&self, centre: Pt, rx: f32, ry: f32) -> Path {
        let points: [Pt; 12] = std::array::from_fn(|i| {
            let angle = i as f32 / 12.0 * std::f32::consts::TAU;
            (centre.0 + rx * angle.cos(), centre.1 + ry * angle.sin())
        });
        self.closed(&points, &[])
    }

    /// A limb: a tube along `joints` with a radius at each, bending softly.
    pub(super) fn tube(&self, joints: &[Pt], radii: &[f32]) -> Path {
        self.capped(joints, radii, 0.9)
    }

    /// A [`tube`](Self::tube) with a flat end, as sleeves and trouser legs
    /// have.
    pub(super) fn sleeve(&self, joints: &[Pt], radii: &[f32]) -> Path {
        self.capped(joints, radii, 0.0)
    }

    fn capped(&self, joints: &[Pt], radii: &[f32], cap: f32) -> Path {
        let line = soften(joints, radii);
        let n = line.len();
        let mut left = Vec::with_capacity(n + 3);
        let mut right = Vec::with_capacity(n);
        let mut last = (0.0, 1.0);
        let mut sharp = [usize::MAX; 2];
        for i in 0..n {
            let (a, b) = (line[i.saturating_sub(1)].0, line[(i + 1).min(n - 1)].0);
            let d = (b.0 - a.0, b.1 - a.1);
            let length = d.0.hypot(d.1);
            if length > 1e-6 {
                last = (d.0 / length, d.1 / length);
            }
            let (p, r) = line[i];
            left.push((p.0 - last.1 * r, p.1 + last.0 * r));
            right.push((p.0 + last.1 * r, p.1 - last.0 * r));
            if i == n - 1 {
                if cap == 0.0 {
                    sharp = [left.len() - 1, left.len()];
                } else {
                    left.push((p.0 + last.0 * r * cap, p.1 + last.1 * r * cap));
                }
            }
        }
        left.extend(right.into_iter().rev());
        let (p, r) = line[0];
        let (q, _) = line[1];
        let d = (q.0 - p.0, q.1 - p.1);
        let length = d.0.hypot(d.1).max(1e-6);
        left.push((p.0 - d.0 / length * r * 0.9, p.1 - d.1 / length * r * 0.9));
        self.closed(&left, &sharp)
    }
}

/// Rounds the bends of a limb's middle line.
fn soften(joints: &[Pt], radii: &[f32]) -> Vec<(Pt, f32)> {
    let lerp = |a: Pt, b: Pt, t: f32| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
    let mut line = vec![(joints[0], radii[0])];
    for i in 1..joints.len() - 1 {
        let (a, b, c) = (joints[i - 1], joints[i], joints[i + 1]);
        let (start, end) = (lerp(b, a, 0.22), lerp(b, c, 0.22));
        let (r_start, r_end) = (
            radii[i] + (radii[i - 1] - radii[i]) * 0.22,
            radii[i] + (radii[i + 1] - radii[i]) * 0.22,
        );
        for k in 0..=4 {
            let t = k as f32 / 4.0;
            let p = lerp(lerp(start, b, t), lerp(b, end, t), t);
            line.push((p, r_start + (r_end - r_start) * t));
        }
    }
    line.push((joints[joints.len() - 1], radii[joints.len() - 1]));
    line
}

fn finish(builder: PathBuilder) -> Path {
    builder.finish().unwrap_or_else(|| {
        // Only numbers that are not finite have no path; they draw nothing.
        let mut empty = PathBuilder::new();
        empty.move_to(-9.0, -9.0);
        empty.line_to(-8.0, -9.0);
        empty
            .finish()
            .unwrap_or_else(|| unreachable!("two points make a path"))
    })
}

/// The parts of a person that have tags of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head = 0,
    Hair = 1,
    Top = 2,
    Trousers = 3,
    Hands = 4,
    Shoes = 5,
    Hat = 6,
    Held = 7,
    Other = 8,
}

/// Draws one person's shapes onto the canvas.
pub(super) struct Pen<'a> {
    pub(super) canvas: &'a mut Canvas,
    index: usize,
}

impl<'a> Pen<'a> {
    pub(super) fn new(canvas: &'a mut Canvas, index: usize) -> Self {
        Self { canvas, index }
    }

    /// What the next shapes are part of.
    pub(super) fn part(&mut self, part: Part) {
        self.canvas
            .set_tag(Tag((1 + self.index * 16 + part as usize) as u8));
    }

    /// A base colour in the key light.
    pub(super) fn lit(&self, base: Rgb) -> Rgb {
        self.canvas.light.lit(base)
    }

    /// A base colour turned away from the light.
    pub(super) fn dark(&self, base: Rgb) -> Rgb {
        self.canvas.light.shadow(base)
    }

    /// Skin turned away from the light: warmer than cloth, as blood shows.
    pub(super) fn skin_dark(&self, skin: Rgb) -> Rgb {
        self.dark(skin.mix(Rgb(206, 92, 62), 0.20).shade(0.97))
    }

    /// [`shaded`](Self::shaded) for skin.
    pub(super) fn shaded_skin(&mut self, path: &Path, skin: Rgb, depth: f32) {
        self.two_tone(path, self.lit(skin), self.skin_dark(skin), depth);
    }

    /// Fills with a base colour in the key light.
    pub(super) fn fill(&mut self, path: &Path, base: Rgb) {
        let colour = self.lit(base);
        self.canvas.fill(path, colour);
    }

    /// Fills with a base colour's second tone.
    pub(super) fn fill_dark(&mut self, path: &Path, base: Rgb) {
        let colour = self.dark(base);
        self.canvas.fill(path, colour);
    }

    /// Draws a line of a base colour in the key light, `width` pixels wide.
    pub(super) fn line(&mut self, path: &Path, width: f32, base: Rgb) {
        let colour = self.lit(base);
        self.canvas.stroke(path, width, colour, true);
    }

    /// Fills a shape with both tones: the second tone is a crescent, `depth`
    /// pixels wide, on the side away from the light.
    pub(super) fn shaded(&mut self, path: &Path, base: Rgb, depth: f32) {
        self.two_tone(path, self.lit(base), self.dark(base), depth);
    }

    /// [`shaded`](Self::shaded) with two final colours.
    pub(super) fn two_tone(&mut self, path: &Path, lit: Rgb, dark: Rgb, depth: f32) {
        self.modelled(path, path, lit, dark, depth);
    }

    /// Fills `path` with two final colours, lit as the plainer shape `form`
    /// would be.
    pub(super) fn modelled(&mut self, path: &Path, form: &Path, lit: Rgb, dark: Rgb, depth: f32) {
        if depth < 0.35 {
            self.canvas.fill(path, lit);
            return;
        }
        self.canvas.fill(path, dark);
        let toward_light = if self.canvas.from_left { -depth } else { depth };
        let shift = Transform::from_translate(toward_light, -depth * 0.35);
        if let Some(moved) = form.clone().transform(shift) {
            self.inside(path, |pen| pen.canvas.fill(&moved, lit));
        }
    }

    /// Runs `draw` with everything kept inside `path`.
    pub(super) fn inside(&mut self, path: &Path, draw: impl FnOnce(&mut Self)) {
        self.canvas.clip_to(path);
        draw(self);
        self.canvas.unclip();
    }

    /// A translucent tone.
    pub(super) fn glaze(&mut self, path: &Path, colour: Rgb, alpha: f32) {
        self.canvas.fill_alpha(path, colour, alpha);
    }
}
