//! The picture and, beneath it, what each pixel shows.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Mask, Paint, Path,
    PathBuilder, Pixmap, Point, Rect, SpreadMode, Stroke, Transform,
};

use super::camera::Camera;
use super::colour::{Light, Rgb};

/// What the following fills are: 0 is the setting, 1..=127 a part of a person
/// (`1 + person * 16 + part`), 128..=255 a prop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u8);

/// A frame being drawn: an anti-aliased picture and a hard-edged map of tags.
pub struct Canvas {
    /// Where the frame is seen from.
    pub camera: Camera,
    /// The scene's light.
    pub light: Light,
    /// Whether the key light comes from the left; starts as the light says.
    pub from_left: bool,
    /// Whether [`face`](Canvas::face)-based solids fade into the air with
    /// distance; off at first, turned on out of doors.
    pub hazy: bool,
    picture: Pixmap,
    tags: Pixmap,
    tag: Tag,
    clip: Option<Mask>,
}

/// A finished frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * 3` bytes, sRGB.
    pub rgb: Vec<u8>,
    /// `width * height` tags, see [`Tag`].
    pub ids: Vec<u8>,
}

fn colour(c: Rgb, alpha: f32) -> Color {
    Color::from_rgba8(c.0, c.1, c.2, (alpha.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn solid(c: Rgb, alpha: f32) -> Paint<'static> {
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    paint.set_color(colour(c, alpha));
    paint
}

/// The closed polygon through `points` (pixels); `None` for under three or
/// for points that are not numbers.
pub fn polygon(points: &[(f32, f32)]) -> Option<Path> {
    if points.len() < 3 {
        return None;
    }
    let mut builder = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            builder.move_to(x, y)
        } else {
            builder.line_to(x, y)
        }
    }
    builder.close();
    builder.finish()
}

/// An upright ellipse in pixels; `None` where it has no area.
pub fn ellipse(cx: f32, cy: f32, rx: f32, ry: f32) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_xywh(cx - rx, cy - ry, 2.0 * rx, 2.0 * ry)?)
}

impl Canvas {
    /// An empty frame of the camera's size, filled with mid grey, tagged 0.
    ///
    /// # Panics
    /// If the camera's width or height is 0 or beyond what memory addresses.
    pub fn new(camera: Camera, light: Light) -> Self {
        let blank = || {
            Pixmap::new(camera.width, camera.height)
                .unwrap_or_else(|| panic!("a frame of {}×{} pixels", camera.width, camera.height))
        };
        let mut picture = blank();
        picture.fill(Color::from_rgba8(128, 128, 128, 255));
        let mut tags = blank();
        tags.fill(Color::BLACK);
        Self {
            camera,
            light,
            from_left: light.from_left(),
            hazy: false,
            picture,
            tags,
            tag: Tag(0),
            clip: None,
        }
    }

    /// What the next fills are.
    pub fn set_tag(&mut self, tag: Tag) {
        self.tag = tag;
    }

    /// What fills are at present.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Keeps what follows inside `path`, for shading. Clipped fills leave the
    /// tags alone: they lie on a shape that is tagged already.
    pub fn clip_to(&mut self, path: &Path) {
        let fresh = || Mask::new(self.camera.width, self.camera.height);
        let Some(mut mask) = self.clip.take().or_else(fresh) else {
            return;
        };
        mask.clear();
        mask.fill_path(path, FillRule::Winding, true, Transform::identity());
        self.clip = Some(mask);
    }

    /// Ends [`clip_to`](Canvas::clip_to).
    pub fn unclip(&mut self) {
        self.clip = None;
    }

    fn paint(&mut self, path: &Path, paint: &Paint) {
        let clip = self.clip.as_ref();
        self.picture
            .fill_path(path, paint, FillRule::Winding, Transform::identity(), clip);
    }

    fn tag_paint(&self) -> Option<Paint<'static>> {
        if self.clip.is_some() {
            return None;
        }
        let mut paint = solid(Rgb(self.tag.0, 0, 0), 1.0);
        paint.anti_alias = false;
        Some(paint)
    }

    fn mark(&mut self, path: &Path) {
        if let Some(paint) = self.tag_paint() {
            self.tags
                .fill_path(path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    /// Fills a path given in pixels with a final colour.
    pub fn fill(&mut self, path: &Path, colour: Rgb) {
        self.paint(path, &solid(colour, 1.0));
        self.mark(path);
    }

    /// Fills with a linear gradient between two points in pixels.
    pub fn fill_gradient(&mut self, path: &Path, from: (f32, f32, Rgb), to: (f32, f32, Rgb)) {
        let shader = LinearGradient::new(
            Point::from_xy(from.0, from.1),
            Point::from_xy(to.0, to.1),
            vec![
                GradientStop::new(0.0, colour(from.2, 1.0)),
                GradientStop::new(1.0, colour(to.2, 1.0)),
            ],
            SpreadMode::Pad,
            Transform::identity(),
        );
        let mut paint = solid(from.2, 1.0);
        if let Some(shader) = shader {
            paint.shader = shader;
        }
        self.paint(path, &paint);
        self.mark(path);
    }

    /// A translucent fill: shadows, rain, glows, glass. Never writes tags.
    pub fn fill_alpha(&mut self, path: &Path, colour: Rgb, alpha: f32) {
        self.paint(path, &solid(colour, alpha));
    }

    /// Draws along a path, `width_px` pixels wide.
    pub fn stroke(&mut self, path: &Path, width_px: f32, colour: Rgb, round: bool) {
        let stroke = Stroke {
            width: width_px.max(0.05),
            line_cap: if round { LineCap::Round } else { LineCap::Butt },
            line_join: if round {
                LineJoin::Round
            } else {
                LineJoin::Miter
            },
            ..Stroke::default()
        };
        let paint = solid(colour, 1.0);
        let identity = Transform::identity();
        self.picture
            .stroke_path(path, &paint, &stroke, identity, self.clip.as_ref());
        // A line thinner than a pixel does not own one.
        if width_px >= 0.75
            && let Some(paint) = self.tag_paint()
        {
            self.tags.stroke_path(path, &paint, &stroke, identity, None);
        }
    }

    /// A translucent line, `width_px` pixels wide. Never writes tags.
    pub fn stroke_alpha(&mut self, path: &Path, width_px: f32, colour: Rgb, alpha: f32) {
        let stroke = Stroke {
            width: width_px.max(0.05),
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let identity = Transform::identity();
        let clip = self.clip.as_ref();
        self.picture
            .stroke_path(path, &solid(colour, alpha), &stroke, identity, clip);
    }

    /// The path in pixels of a polygon in space, cut at the near plane.
    pub fn outline(&self, corners: &[(f32, f32, f32)]) -> Option<Path> {
        // Sutherland–Hodgman against the one plane.
        let near = self.camera.near() * 0.999;
        let mut kept = Vec::with_capacity(corners.len() + 2);
        for (i, &a) in corners.iter().enumerate() {
            let b = corners[(i + 1) % corners.len()];
            if a.2 >= near {
                kept.push(a);
            }
            if (a.2 >= near) != (b.2 >= near) {
                let t = (near - a.2) / (b.2 - a.2);
                kept.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t, near));
            }
        }
        let points: Vec<_> = kept
            .iter()
            .filter_map(|&(x, y, z)| self.camera.project(x, y, z))
            .collect();
        polygon(&points)
    }

    /// A flat polygon in space, in a final colour.
    pub fn face(&mut self, corners: &[(f32, f32, f32)], colour: Rgb) {
        if let Some(path) = self.outline(corners) {
            self.fill(&path, colour);
        }
    }

    /// A translucent flat polygon in space. Never writes tags.
    pub fn face_alpha(&mut self, corners: &[(f32, f32, f32)], colour: Rgb, alpha: f32) {
        if let Some(path) = self.outline(corners) {
            self.fill_alpha(&path, colour, alpha);
        }
    }

    fn aired(&self, c: Rgb, z: f32) -> Rgb {
        if self.hazy { self.light.haze(c, z) } else { c }
    }

    /// A box of base colour `base`: its front is lit, its visible side and its
    /// top take the light's tones.
    pub fn cuboid(&mut self, min: (f32, f32, f32), max: (f32, f32, f32), base: Rgb) {
        let (x0, y0, z0) = min;
        let (x1, y1, z1) = max;
        let (eye_x, eye_y) = self.camera.eye;
        let lit = self.aired(self.light.lit(base), z0);
        let dark = self.aired(self.light.shadow(base), z0);
        let bright = lit.mix(Rgb(255, 255, 255), 0.12);
        if eye_y > y1 {
            self.face(
                &[(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)],
                bright,
            );
        } else if eye_y < y0 {
            self.face(
                &[(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
                dark,
            );
        }
        let side = if eye_x < x0 {
            Some((x0, self.from_left))
        } else if eye_x > x1 {
            Some((x1, !self.from_left))
        } else {
            None
        };
        if let Some((x, meets_light)) = side {
            let tone = if meets_light {
                lit.mix(bright, 0.5)
            } else {
                dark
            };
            self.face(&[(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)], tone);
        }
        self.face(
            &[(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)],
            lit,
        );
    }

    /// A line through space, `width_m` metres wide at the depth of its start.
    pub fn line3(&mut self, points: &[(f32, f32, f32)], width_m: f32, colour: Rgb) {
        let mut builder = PathBuilder::new();
        let mut started = false;
        for &(x, y, z) in points {
            if let Some((px, py)) = self.camera.project(x, y, z) {
                if started {
                    builder.line_to(px, py)
                } else {
                    builder.move_to(px, py)
                }
                started = true;
            }
        }
        let width = points
            .first()
            .map_or(1.0, |p| width_m * self.camera.scale_at(p.2));
        if let Some(path) = builder.finish() {
            self.stroke(&path, width, colour, true);
        }
    }

    /// An ellipse that faces the camera; radii in metres.
    pub fn ellipse3(&mut self, centre: (f32, f32, f32), rx: f32, ry: f32, colour: Rgb) {
        let Some((x, y)) = self.camera.project(centre.0, centre.1, centre.2) else {
            return;
        };
        let scale = self.camera.scale_at(centre.2);
        if let Some(path) = ellipse(x, y, rx * scale, ry * scale) {
            self.fill(&path, colour);
        }
    }

    fn disc_corners(centre: (f32, f32, f32), rx: f32, rz: f32) -> [(f32, f32, f32); 28] {
        std::array::from_fn(|i| {
            let angle = i as f32 / 28.0 * std::f32::consts::TAU;
            (
                centre.0 + rx * angle.cos(),
                centre.1,
                centre.2 + rz * angle.sin(),
            )
        })
    }

    /// An ellipse lying flat; radii in metres along x and z.
    pub fn disc3(&mut self, centre: (f32, f32, f32), rx: f32, rz: f32, colour: Rgb) {
        self.face(&Self::disc_corners(centre, rx, rz), colour);
    }

    /// A soft shadow lying flat under a thing. Never writes tags.
    pub fn contact_shadow(&mut self, centre: (f32, f32, f32), rx: f32, rz: f32) {
        let tone = Rgb(18, 16, 34);
        for grow in [1.30, 1.18, 1.06, 0.94, 0.80, 0.64] {
            let corners = Self::disc_corners(centre, rx * grow, rz * grow);
            self.face_alpha(&corners, tone, 0.085);
        }
    }

    /// Depth of field: blurs what is drawn so far; tags stay.
    pub fn blur_background(&mut self, radius_px: f32) {
        // Three box blurs come close to a Gaussian (Wells 1986).
        let radius = (radius_px * 0.6).round() as usize;
        if radius == 0 {
            return;
        }
        let (width, height) = (self.camera.width as usize, self.camera.height as usize);
        let data = self.picture.data_mut();
        let mut line = Vec::new();
        for _ in 0..3 {
            for y in 0..height {
                box_blur(data, y * width, 1, width, radius, &mut line);
            }
            for x in 0..width {
                box_blur(data, x, width, height, radius, &mut line);
            }
        }
    }

    /// The finished frame.
    pub fn finish(self) -> Frame {
        let rgb = self
            .picture
            .data()
            .chunks_exact(4)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect();
        let ids = self.tags.data().chunks_exact(4).map(|p| p[0]).collect();
        Frame {
            width: self.camera.width,
            height: self.camera.height,
            rgb,
            ids,
        }
    }
}

/// Blurs `count` RGBA pixels that start at pixel `start` and lie `step` apart.
fn box_blur(
    data: &mut [u8],
    start: usize,
    step: usize,
    count: usize,
    radius: usize,
    line: &mut Vec<[u32; 3]>,
) {
    line.clear();
    line.extend((0..count).map(|i| {
        let at = (start + i * step) * 4;
        [0, 1, 2].map(|c| u32::from(data[at + c]))
    }));
    let clamped = |i: isize| line[i.clamp(0, count as isize - 1) as usize];
    let reach = radius as isize;
    let span = 2 * radius as u32 + 1;
    let mut sum = [0u32; 3];
    for i in -reach..=reach {
        (0..3).for_each(|c| sum[c] += clamped(i)[c]);
    }
    for i in 0..count {
        let at = (start + i * step) * 4;
        let (enters, leaves) = (clamped(i as isize + reach + 1), clamped(i as isize - reach));
        for c in 0..3 {
            data[at + c] = ((sum[c] + span / 2) / span) as u8;
            sum[c] = sum[c] + enters[c] - leaves[c];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas() -> Canvas {
        let camera = Camera {
            width: 60,
            height: 40,
            eye: (0.0, 1.0),
            distance: 4.0,
            centre: (0.0, 1.0),
            view_height: 2.0,
        };
        Canvas::new(camera, Light::SoftDaylight)
    }

    #[test]
    fn a_fill_writes_its_colour_and_its_tag_and_alpha_writes_no_tag() {
        let mut canvas = canvas();
        canvas.set_tag(Tag(131));
        canvas.face(
            &[
                (-0.5, 0.5, 0.0),
                (0.5, 0.5, 0.0),
                (0.5, 1.5, 0.0),
                (-0.5, 1.5, 0.0),
            ],
            Rgb(9, 80, 7),
        );
        canvas.set_tag(Tag(3));
        canvas.face_alpha(
            &[(-2.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 2.0, 0.0)],
            Rgb(0, 0, 0),
            0.5,
        );
        let frame = canvas.finish();
        let inside = 20 * 60 + 22;
        assert_eq!(frame.ids[inside], 131);
        assert_eq!(&frame.rgb[inside * 3..inside * 3 + 3], &[9, 80, 7]);
        assert_eq!(frame.ids.iter().filter(|&&id| id == 131).count(), 20 * 20);
        assert!(!frame.ids.contains(&3));
    }

    #[test]
    fn clipped_fills_stay_inside_and_leave_tags() {
        let mut canvas = canvas();
        let disc = ellipse(30.0, 20.0, 8.0, 8.0).expect("a disc");
        canvas.clip_to(&disc);
        canvas.set_tag(Tag(5));
        canvas.face(
            &[(-9.0, -9.0, 0.0), (9.0, -9.0, 0.0), (0.0, 9.0, 0.0)],
            Rgb(255, 0, 0),
        );
        canvas.unclip();
        let frame = canvas.finish();
        assert_eq!(&frame.rgb[(20 * 60 + 30) * 3..][..3], &[255, 0, 0]);
        assert_eq!(&frame.rgb[(20 * 60 + 10) * 3..][..3], &[128, 128, 128]);
        assert!(frame.ids.iter().all(|&id| id == 0));
    }

    #[test]
    fn the_floor_is_cut_at_the_near_plane() {
        let mut canvas = canvas();
        canvas.set_tag(Tag(130));
        canvas.face(
            &[
                (-9.0, 0.0, -50.0),
                (9.0, 0.0, -50.0),
                (90.0, 0.0, 900.0),
                (-90.0, 0.0, 900.0),
            ],
            Rgb(1, 2, 3),
        );
        let frame = canvas.finish();
        assert_eq!(frame.ids[39 * 60 + 30], 130);
        assert_eq!(frame.ids[18 * 60 + 30], 0);
    }

    #[test]
    fn blur_spreads_an_edge_and_keeps_the_mean() {
        let mut canvas = canvas();
        canvas.face(
            &[
                (0.0, 0.0, 0.0),
                (9.0, 0.0, 0.0),
                (9.0, 9.0, 0.0),
                (0.0, 9.0, 0.0),
            ],
            Rgb(0, 0, 0),
        );
        canvas.blur_background(4.0);
        let frame = canvas.finish();
        let row: Vec<_> = (0..60).map(|x| frame.rgb[(10 * 60 + x) * 3]).collect();
        assert!(row[28] > row[30] && row[30] > row[32], "{row:?}");
        assert_eq!((row[5], row[55]), (128, 0));
    }
}
