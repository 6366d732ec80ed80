//! Growing and shrinking against brute force, and by their laws.

use framewright_canvas::{CanvasError, Mask, Radii, Size};
use proptest::prelude::*;

use crate::masks::{any_mask, drawn, nested_masks, within};

fn any_radii() -> impl Strategy<Value = Radii> {
    prop_oneof![
        (0.0..9.0f64, 0.0..9.0f64).prop_map(|(x, y)| Radii { x, y }),
        (0u32..9).prop_map(|radius| Radii::disk(f64::from(radius))),
        (0u32..60, 0u32..60).prop_map(|(x, y)| Radii {
            x: f64::from(x),
            y: f64::from(y)
        }),
    ]
}

type Operation = fn(Mask, Radii) -> Result<Mask, CanvasError>;

/// Every pixel of the element, asked for each pixel of the mask.
fn by_definition(mask: &Mask, radii: Radii, pick: impl Fn(u8, u8) -> u8) -> Mask {
    let (width, height) = (mask.size().width as i32, mask.size().height as i32);
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let mut value = mask.at(x as u32, y as u32);
            for other_y in 0..height {
                for other_x in 0..width {
                    let (dx, dy) = (other_x - x, other_y - y);
                    let in_ellipse = |r: f64, d: i32| {
                        // No extent along an axis without a radius.
                        if r < 1.0 {
                            f64::from(d).abs() * 4.0
                        } else {
                            f64::from(d) / r
                        }
                    };
                    let (u, v) = (in_ellipse(radii.x, dx), in_ellipse(radii.y, dy));
                    if u * u + v * v <= 1.0 + 1e-12 {
                        value = pick(value, mask.at(other_x as u32, other_y as u32));
                    }
                }
            }
            values.push(value);
        }
    }
    Mask::new(mask.size(), values).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn growing_and_shrinking_are_what_they_say(mask in any_mask(), radii in any_radii()) {
        prop_assert_eq!(
            mask.clone().grow(radii).unwrap(),
            by_definition(&mask, radii, u8::max)
        );
        prop_assert_eq!(
            mask.clone().shrink(radii).unwrap(),
            by_definition(&mask, radii, u8::min)
        );
    }

    #[test]
    fn each_lies_on_its_side_of_the_mask(mask in any_mask(), radii in any_radii()) {
        let grown = mask.clone().grow(radii).unwrap();
        let shrunk = mask.clone().shrink(radii).unwrap();
        let opened = mask.clone().open(radii).unwrap();
        let closed = mask.clone().close(radii).unwrap();
        for (less, more) in [
            (&shrunk, &opened),
            (&opened, &mask),
            (&mask, &closed),
            (&closed, &grown),
        ] {
            prop_assert!(within(less, more));
        }
        prop_assert_eq!(&opened.clone().open(radii).unwrap(), &opened);
        prop_assert_eq!(&closed.clone().close(radii).unwrap(), &closed);
        let complement = mask.invert().grow(radii).unwrap().invert();
        prop_assert_eq!(complement, shrunk);
    }

    #[test]
    fn more_selected_gives_no_less((less, more) in nested_masks(), radii in any_radii()) {
        let all: [Operation; 4] =
            [Mask::grow, Mask::shrink, Mask::open, Mask::close];
        for operation in all {
            let (less, more) = (operation(less.clone(), radii), operation(more.clone(), radii));
            prop_assert!(within(&less.unwrap(), &more.unwrap()));
        }
    }

    #[test]
    fn a_larger_radius_gives_no_less(mask in any_mask(), radii in any_radii(), by in 0.0..5.0f64) {
        let larger = Radii { x: radii.x + by, y: radii.y + by };
        let (less, more) = (mask.clone().grow(radii), mask.grow(larger));
        prop_assert!(within(&less.unwrap(), &more.unwrap()));
    }

    #[test]
    fn what_is_moved_grows_alike(radii in any_radii(), x in 0u32..60, y in 0u32..60) {
        let size = Size::new(181, 181);
        let spot = |x: u32, y: u32| {
            let mut values = vec![0; size.area() as usize];
            values[(y * size.width + x) as usize] = 200;
            values[(y * size.width + x + 1) as usize] = 90;
            Mask::new(size, values).unwrap().grow(radii).unwrap()
        };
        let (here, there) = (spot(60, 60), spot(60 + x, 60 + y));
        for row in 0..120 {
            for column in 0..120 {
                prop_assert_eq!(here.at(column, row), there.at(column + x, row + y));
            }
        }
    }
}

#[test]
fn a_disk_is_round() {
    let mut values = vec![0; 49];
    values[24] = 255;
    let dot = Mask::new(Size::new(7, 7), values).unwrap();
    assert_eq!(
        dot.grow(Radii::disk(3.0)).unwrap(),
        drawn(&[
            "...#...", ".#####.", ".#####.", "#######", ".#####.", ".#####.", "...#..."
        ])
    );
}

#[test]
fn the_canvas_border_eats_nothing() {
    let all = Mask::filled(Size::new(9, 5), 255).unwrap();
    assert_eq!(all.clone().shrink(Radii::disk(3.0)).unwrap(), all);
    assert_eq!(all.clone().open(Radii::disk(30.0)).unwrap(), all);
}

#[test]
fn bands_of_several_threads_fit_together() {
    // Tall enough for several bands, with something at every height.
    let size = Size::new(40, 700);
    let values = (0..size.area())
        .map(|at| if at % 1_237 == 0 { 255 } else { 0 })
        .collect();
    let mask = Mask::new(size, values).unwrap();
    let radii = Radii { x: 7.0, y: 90.0 };
    assert_eq!(
        mask.clone().grow(radii).unwrap(),
        by_definition(&mask, radii, u8::max)
    );
}
