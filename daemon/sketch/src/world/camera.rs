//! Where the frame is seen from.

/// A pinhole camera with a shifted film plane, so verticals stay vertical
/// wherever the frame is aimed. It looks along +z; the picture plane is z = 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Frame width in pixels.
    pub width: u32,
    /// Frame height in pixels.
    pub height: u32,
    /// x and y of the eye in metres; y is the height of the horizon.
    pub eye: (f32, f32),
    /// Metres from the eye to the plane z = 0.
    pub distance: f32,
    /// The point of the plane z = 0 in the middle of the frame.
    pub centre: (f32, f32),
    /// Metres of the plane z = 0 that the frame's height shows.
    pub view_height: f32,
}

impl Camera {
    /// Pixel position of a point in metres, or `None` behind the near plane.
    pub fn project(&self, x: f32, y: f32, z: f32) -> Option<(f32, f32)> {
        if z < self.near() {
            return None;
        }
        let shrink = self.distance / (self.distance + z);
        let scale = self.scale_at(0.0);
        let on_plane = (
            self.eye.0 + (x - self.eye.0) * shrink,
            self.eye.1 + (y - self.eye.1) * shrink,
        );
        Some((
            self.width as f32 / 2.0 + (on_plane.0 - self.centre.0) * scale,
            self.height as f32 / 2.0 - (on_plane.1 - self.centre.1) * scale,
        ))
    }

    /// Pixels a metre takes at depth `z`.
    pub fn scale_at(&self, z: f32) -> f32 {
        let depth = (self.distance + z).max(self.distance * 0.01);
        self.height as f32 / self.view_height * self.distance / depth
    }

    /// The smallest z that can be drawn.
    pub fn near(&self) -> f32 {
        -0.9 * self.distance
    }

    /// x in metres at the frame's left edge at depth `z`.
    pub fn left_at(&self, z: f32) -> f32 {
        self.unproject(0.0, 0.0, z).0
    }

    /// x in metres at the frame's right edge at depth `z`.
    pub fn right_at(&self, z: f32) -> f32 {
        self.unproject(self.width as f32, 0.0, z).0
    }

    /// y in metres at the frame's top edge at depth `z`.
    pub fn top_at(&self, z: f32) -> f32 {
        self.unproject(0.0, 0.0, z).1
    }

    /// y in metres at the frame's bottom edge at depth `z`.
    pub fn bottom_at(&self, z: f32) -> f32 {
        self.unproject(0.0, self.height as f32, z).1
    }

    /// The point in metres at depth `z` that pixel position `(px, py)` shows.
    pub fn unproject(&self, px: f32, py: f32, z: f32) -> (f32, f32) {
        let scale = self.scale_at(0.0);
        let grow = (self.distance + z) / self.distance;
        let x = self.centre.0 + (px - self.width as f32 / 2.0) / scale;
        let y = self.centre.1 - (py - self.height as f32 / 2.0) / scale;
        (
            self.eye.0 + (x - self.eye.0) * grow,
            self.eye.1 + (y - self.eye.1) * grow,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Camera {
        Camera {
            width: 200,
            height: 100,
            eye: (0.3, 1.5),
            distance: 4.0,
            centre: (0.5, 1.0),
            view_height: 2.0,
        }
    }

    #[test]
    fn the_picture_plane_is_shown_at_its_own_size() {
        assert_eq!(camera().project(0.5, 1.0, 0.0), Some((100.0, 50.0)));
        assert_eq!(camera().project(0.5, 2.0, 0.0), Some((100.0, 0.0)));
        assert_eq!(camera().scale_at(4.0), 25.0);
    }

    #[test]
    fn verticals_stay_vertical_and_far_points_go_to_the_horizon() {
        let camera = camera();
        let low = camera.project(2.0, 0.0, 3.0).map(|p| p.0);
        let high = camera.project(2.0, 3.0, 3.0).map(|p| p.0);
        assert!((low.unwrap_or(0.0) - high.unwrap_or(1.0)).abs() < 1e-3);
        let far = camera.project(0.0, 0.0, 4000.0).map_or(0.0, |p| p.1);
        let horizon = camera.project(0.0, 1.5, 0.0).map_or(9.0, |p| p.1);
        assert!((far - horizon).abs() < 0.2, "{far} {horizon}");
        assert_eq!(camera.project(0.0, 0.0, -3.9), None);
    }

    #[test]
    fn the_edges_project_to_the_edges() {
        let camera = camera();
        for z in [-1.0, 0.0, 5.0] {
            let corner = camera.project(camera.left_at(z), camera.bottom_at(z), z);
            let (x, y) = corner.unwrap_or((9.0, 9.0));
            assert!(x.abs() < 1e-3 && (y - 100.0).abs() < 1e-3, "{x} {y}");
            let corner = camera.project(camera.right_at(z), camera.top_at(z), z);
            let (x, y) = corner.unwrap_or((9.0, 9.0));
            assert!((x - 200.0).abs() < 1e-3 && y.abs() < 1e-3, "{x} {y}");
        }
    }
}
