//! Boxes and polygons against counted points.

use framewright_canvas::{CanvasError, Mask, Point, Size};
use proptest::prelude::*;

fn point(x: f64, y: f64) -> Point {
    Point { x, y }
}

fn any_point() -> impl Strategy<Value = Point> {
    (-6.0..22.0f64, -6.0..18.0f64).prop_map(|(x, y)| point(x, y))
}

/// How often an outline winds around a point.
fn winding(corners: &[Point], at: Point) -> i32 {
    let mut winding = 0;
    for (i, from) in corners.iter().enumerate() {
        let to = corners[(i + 1) % corners.len()];
        let side = (to.x - from.x) * (at.y - from.y) - (at.x - from.x) * (to.y - from.y);
        if from.y <= at.y && to.y > at.y && side > 0.0 {
            winding += 1;
        }
        if from.y > at.y && to.y <= at.y && side < 0.0 {
            winding -= 1;
        }
    }
    winding
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_polygon_covers_what_is_inside(corners in prop::collection::vec(any_point(), 3..7)) {
        let size = Size::new(16, 12);
        let mask = Mask::from_polygon(size, &corners).unwrap();
        const FINE: u32 = 48;
        for y in 0..size.height {
            for x in 0..size.width {
                let mut inside = 0;
                for i in 0..FINE * FINE {
                    let (dx, dy) = (f64::from(i % FINE) + 0.5, f64::from(i / FINE) + 0.5);
                    let at = point(
                        f64::from(x) + dx / f64::from(FINE),
                        f64::from(y) + dy / f64::from(FINE),
                    );
                    inside += u32::from(winding(&corners, at) != 0);
                }
                let covered = f64::from(inside) / f64::from(FINE * FINE);
                let drawn = f64::from(mask.at(x, y)) / 255.0;
                prop_assert!((covered - drawn).abs() <= 1.0 / 16.0, "{covered} {drawn}");
            }
        }
    }

    #[test]
    fn a_box_covers_what_is_inside(one in any_point(), other in any_point()) {
        let size = Size::new(16, 12);
        let mask = Mask::from_box(size, one, other).unwrap();
        let along = |one: f64, other: f64, at: u32| {
            let at = f64::from(at);
            (one.max(other).min(at + 1.0) - one.min(other).max(at)).max(0.0)
        };
        for y in 0..size.height {
            for x in 0..size.width {
                let covered = along(one.x, other.x, x) * along(one.y, other.y, y);
                prop_assert!((f64::from(mask.at(x, y)) - covered * 255.0).abs() <= 0.51);
            }
        }
        // The polygon of the same corners is the same, within its lines.
        let corners = [one, point(other.x, one.y), other, point(one.x, other.y)];
        let polygon = Mask::from_polygon(size, &corners).unwrap();
        for (&one, &other) in mask.values().iter().zip(polygon.values()) {
            prop_assert!(one.abs_diff(other) <= 17, "{one} {other}");
        }
    }
}

#[test]
fn whole_pixels_are_exact() {
    let corners = [
        point(1.0, 1.0),
        point(4.0, 1.0),
        point(4.0, 3.0),
        point(1.0, 3.0),
    ];
    let size = Size::new(6, 4);
    let expected = crate::masks::drawn(&["......", ".###..", ".###..", "......"]);
    assert_eq!(Mask::from_polygon(size, &corners).unwrap(), expected);
    assert_eq!(
        Mask::from_box(size, corners[0], corners[2]).unwrap(),
        expected
    );
    assert_eq!(
        Mask::from_box(size, corners[3], corners[1]).unwrap(),
        expected
    );
}

#[test]
fn outlines_that_cross_themselves_stay_filled() {
    // A pentagram: wound around twice in its middle.
    let star: Vec<Point> = (0..5)
        .map(|i| {
            let angle = f64::from(i) * 0.8 * std::f64::consts::PI;
            point(16.0 + 15.0 * angle.sin(), 16.0 - 15.0 * angle.cos())
        })
        .collect();
    let mask = Mask::from_polygon(Size::new(32, 32), &star).unwrap();
    assert_eq!(mask.at(16, 16), 255);
    assert_eq!(mask.at(16, 30), 0);
}

#[test]
fn far_corners_and_strange_numbers_do_no_harm() {
    let size = Size::new(8, 8);
    let far = 1e300;
    let all = [
        point(-far, -far),
        point(far, -far),
        point(far, far),
        point(-far, far),
    ];
    assert_eq!(
        Mask::from_polygon(size, &all).unwrap(),
        Mask::filled(size, 255).unwrap()
    );
    assert_eq!(
        Mask::from_box(size, all[0], all[2]).unwrap(),
        Mask::filled(size, 255).unwrap()
    );
    let broken = [point(0.0, 0.0), point(f64::NAN, 1.0), point(3.0, 3.0)];
    assert_eq!(
        Mask::from_polygon(size, &broken).unwrap_err(),
        CanvasError::NoPolygon
    );
    assert_eq!(
        Mask::from_polygon(size, &all[..2]).unwrap_err(),
        CanvasError::NoPolygon
    );
    assert!(Mask::from_box(size, broken[0], broken[1]).is_err());

    // A saw of edges that all cross the whole canvas.
    let saw: Vec<Point> = (0..40_000)
        .map(|i| point(f64::from(i), f64::from(i % 2) * 8192.0))
        .collect();
    assert_eq!(
        Mask::from_polygon(Size::new(8192, 8192), &saw).unwrap_err(),
        CanvasError::PolygonTooComplex { corners: 40_000 }
    );
}
