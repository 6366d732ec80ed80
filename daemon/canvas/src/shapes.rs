//! Masks drawn from corners: boxes and polygons.

use crate::error::CanvasError;
use crate::geometry::Size;
use crate::mask::Mask;

/// A point in pixels: the pixel (0, 0) covers 0 to 1 along both axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Lines on which a pixel's coverage is measured; along them it is exact.
const LINES: usize = 16;
/// Most crossings of edges and lines that a polygon may have: a few seconds.
const MOST_CROSSINGS: f64 = 1e8;

impl Mask {
    /// The rectangle between two opposite corners. A pixel's value is the part
    /// of it that the rectangle covers; what lies beyond the canvas is cut
    /// off.
    ///
    /// # Errors
    /// If a side of `size` is zero, or a corner is no finite number.
    pub fn from_box(size: Size, one: Point, other: Point) -> Result<Self, CanvasError> {
        for value in [one.x, one.y, other.x, other.y] {
            if !value.is_finite() {
                return Err(CanvasError::Parameter {
                    name: "corner",
                    value,
                    allowed: "a finite number",
                });
            }
        }
        let mut mask = Self::filled(size, 0)?;
        let columns = covered(one.x, other.x, size.width);
        let rows = covered(one.y, other.y, size.height);
        let width = mask.stride();
        for (row, across) in mask.values_mut().chunks_exact_mut(width).zip(rows) {
            if across > 0.0 {
                for (value, along) in row.iter_mut().zip(&columns) {
                    *value = (across * along * 255.0).round() as u8;
                }
            }
        }
        Ok(mask)
    }

    /// The area inside a closed polygon. Where it crosses itself, a pixel is
    /// inside if the outline winds around it (the non-zero rule). A pixel's
    /// value is the part of it that is covered, within 1/16; what lies beyond
    /// the canvas is cut off.
    ///
    /// # Errors
    /// If a side of `size` is zero, if there are fewer than three corners or
    /// one is no finite number, or if the edges cross so many rows that it
    /// would take long.
    pub fn from_polygon(size: Size, corners: &[Point]) -> Result<Self, CanvasError> {
        let finite = |corner: &Point| corner.x.is_finite() && corner.y.is_finite();
        if corners.len() < 3 || !corners.iter().all(finite) {
            return Err(CanvasError::NoPolygon);
        }
        let mut mask = Self::filled(size, 0)?;
        let bottom = f64::from(size.height);
        let ends = corners.iter().zip(corners.iter().cycle().skip(1));
        let mut edges: Vec<Edge> = ends
            .filter_map(|(from, to)| Edge::between(*from, *to))
            .filter(|edge| edge.bottom.y > 0.0 && edge.top.y < bottom)
            .collect();
        let crossings: f64 = edges
            .iter()
            .map(|edge| (edge.bottom.y.min(bottom) - edge.top.y.max(0.0)) * LINES as f64)
            .sum();
        if crossings > MOST_CROSSINGS {
            return Err(CanvasError::PolygonTooComplex {
                corners: corners.len(),
            });
        }
        edges.sort_by(|one, other| one.top.y.total_cmp(&other.top.y));

        let width = mask.stride();
        let mut next = edges.into_iter().peekable();
        let mut active: Vec<Edge> = Vec::new();
        // Coverage as differences between neighbours, one more than pixels.
        let mut steps = vec![0f32; width + 1];
        let mut crossed: Vec<(f64, i32)> = Vec::new();
        for (y, row) in mask.values_mut().chunks_exact_mut(width).enumerate() {
            let top = y as f64;
            active.retain(|edge| edge.bottom.y > top);
            while let Some(edge) = next.next_if(|edge| edge.top.y < top + 1.0) {
                active.push(edge);
            }
            if active.is_empty() {
                continue;
            }
            steps.fill(0.0);
            for line in 0..LINES {
                let at = top + (line as f64 + 0.5) / LINES as f64;
                crossed.clear();
                crossed.extend(active.iter().filter_map(|edge| edge.crossing(at)));
                crossed.sort_by(|one, other| one.0.total_cmp(&other.0));
                let mut winding = 0;
                for &(x, direction) in &crossed {
                    let was_inside = winding != 0;
                    winding += direction;
                    match (was_inside, winding != 0) {
                        (false, true) => begin(&mut steps, x, 1.0),
                        (true, false) => begin(&mut steps, x, -1.0),
                        _ => {}
                    }
                }
            }
            let mut covered = 0.0;
            for (value, step) in row.iter_mut().zip(&steps) {
                covered += step;
                *value = (covered / LINES as f32 * 255.0).round() as u8;
            }
        }
        Ok(mask)
    }
}

/// For each pixel along a side, the part of it that lies between two places.
fn covered(one: f64, other: f64, side: u32) -> Vec<f64> {
    let (start, end) = (one.min(other), one.max(other));
    (0..side)
        .map(|at| {
            let at = f64::from(at);
            (end.min(at + 1.0) - start.max(at)).max(0.0)
        })
        .collect()
}

/// From x on to the right, coverage is larger by `amount`.
fn begin(steps: &mut [f32], x: f64, amount: f32) {
    let x = x.clamp(0.0, (steps.len() - 1) as f64);
    let pixel = x.floor();
    let inside = (x - pixel) as f32;
    // Clamped: it is an index.
    let pixel = pixel as usize;
    steps[pixel] += amount * (1.0 - inside);
    if let Some(next) = steps.get_mut(pixel + 1) {
        *next += amount * inside;
    }
}

/// An edge that is not level.
struct Edge {
    top: Point,
    bottom: Point,
    /// 1 if the outline goes down along it, −1 if up.
    direction: i32,
}

impl Edge {
    fn between(from: Point, to: Point) -> Option<Self> {
        let (top, bottom, direction) = if from.y < to.y {
            (from, to, 1)
        } else {
            (to, from, -1)
        };
        (top.y < bottom.y).then_some(Self {
            top,
            bottom,
            direction,
        })
    }

    /// Where it crosses a level line, and in which direction.
    fn crossing(&self, y: f64) -> Option<(f64, i32)> {
        let Self { top, bottom, .. } = self;
        if y < top.y || y >= bottom.y {
            return None;
        }
        // Halved, so that no finite coordinates overflow.
        let part = (y / 2.0 - top.y / 2.0) / (bottom.y / 2.0 - top.y / 2.0);
        Some((top.x * (1.0 - part) + bottom.x * part, self.direction))
    }
}
