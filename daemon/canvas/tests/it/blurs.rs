//! Blur and feather against the true Gaussian, and by their laws.

use framewright_canvas::{Mask, Size};
use proptest::prelude::*;

use crate::masks::{any_mask, nested_masks, within};

/// The Gaussian by its integral over each pixel, out to where nothing is left,
/// over a mask that goes on beyond its border as it is there.
fn true_gaussian(mask: &Mask, sigma: f64) -> Vec<f64> {
    let (width, height) = (mask.size().width as i64, mask.size().height as i64);
    let reach = (6.0 * sigma).ceil() as i64 + 1;
    let weights: Vec<f64> = (-reach..=reach)
        .map(|at| (-((at * at) as f64) / (2.0 * sigma * sigma)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    let along = |values: &dyn Fn(i64) -> f64, at: i64| -> f64 {
        let weighted = weights.iter().zip(at - reach..);
        weighted
            .map(|(weight, at)| weight * values(at))
            .sum::<f64>()
            / sum
    };
    let mut rows = vec![0.0; (width * height) as usize];
    for y in 0..height {
        for x in 0..width {
            let value = |x: i64| f64::from(mask.at(x.clamp(0, width - 1) as u32, y as u32));
            rows[(y * width + x) as usize] = along(&value, x);
        }
    }
    let mut both = rows.clone();
    for y in 0..height {
        for x in 0..width {
            let value = |y: i64| rows[(y.clamp(0, height - 1) * width + x) as usize];
            both[(y * width + x) as usize] = along(&value, y);
        }
    }
    both
}

fn largest_difference(mask: &Mask, sigma: f64) -> f64 {
    let blurred = mask.clone().blur(sigma).unwrap();
    let truth = true_gaussian(mask, sigma);
    let pairs = blurred.values().iter().zip(&truth);
    pairs
        .map(|(&value, truth)| (f64::from(value) - truth).abs())
        .fold(0.0, f64::max)
}

#[test]
fn blur_is_near_the_gaussian_at_any_radius() {
    let size = Size::new(150, 130);
    let from = |inside: &dyn Fn(i32, i32) -> bool| {
        let values = (0..size.area() as i32).map(|at| {
            let (x, y) = (at % size.width as i32, at / size.width as i32);
            if inside(x, y) { 255 } else { 0 }
        });
        Mask::new(size, values.collect()).unwrap()
    };
    let step = from(&|x, _| x >= 75);
    let corner = from(&|x, y| x >= 75 && y >= 60);
    let stripes = from(&|x, y| (x + y) % 13 < 4);
    let dot = from(&|x, y| (x, y) == (70, 60));
    for mask in [&step, &corner, &stripes, &dot] {
        // A sampled Gaussian much narrower than a pixel is none any more.
        for sigma in [0.5, 0.8, 1.0, 1.7, 3.0, 5.5, 10.0, 20.0, 32.0] {
            let difference = largest_difference(mask, sigma);
            assert!(difference <= 3.0, "{difference} of 255 at sigma {sigma}");
        }
    }
}

#[test]
fn a_wide_blur_levels_everything() {
    let values = (0..64 * 48).map(|at| if at % 64 < 32 { 255 } else { 0 });
    let mask = Mask::new(Size::new(64, 48), values.collect()).unwrap();
    let blurred = mask.blur(16_000.0).unwrap();
    // Half of what lies around it is selected on either side.
    assert!(blurred.values().iter().all(|v| (126..=129).contains(v)));
}

#[test]
fn a_feather_has_its_width() {
    for width in [6.0, 24.0, 64.0, 100.0] {
        let values = (0..400).map(|x| if x < 200 { 255 } else { 0 });
        let mask = Mask::new(Size::new(400, 1), values.collect()).unwrap();
        let soft = mask.feather(width).unwrap();
        let values = soft.values();
        // The border lies between the pixels 199 and 200.
        let inside = (200.0 - width / 2.0) as usize;
        let outside = (200.0 + width / 2.0) as usize;
        assert!(
            values[..inside].iter().all(|&value| value == 255),
            "{width}"
        );
        assert!(values[outside..].iter().all(|&value| value == 0), "{width}");
        assert!(values.is_sorted_by(|one, next| one >= next), "{width}");
        let (before, after) = (f64::from(values[199]), f64::from(values[200]));
        assert!((before + after - 255.0).abs() <= 2.0, "half at the border");
        // The very ends of the curve are below half a step.
        let quarter = (200.0 + width / 4.0) as usize;
        assert!(
            (5..60).contains(&values[quarter]),
            "{width}: {}",
            values[quarter]
        );
    }
}

/// The most by which the five boxes can differ from the Gaussian over any mask:
/// 255 times what their weights have more than the Gaussian's, summed, at the
/// worst of the radii that are tried (3.16).
const WORST_MASK: f64 = 5.95;
/// The same along one axis.
const WORST_LINE: f64 = 4.14;

/// A narrow Gaussian is what it is; the result is a whole number.
fn largest_possible(sigma: f64, of_boxes: f64) -> f64 {
    if sigma <= 2.5 { 1.1 } else { of_boxes + 0.6 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_mask_is_blurred_like_the_gaussian(mask in any_mask(), sigma in 0.5..9.0f64) {
        let difference = largest_difference(&mask, sigma);
        prop_assert!(difference <= largest_possible(sigma, WORST_MASK), "{}", difference);
    }

    #[test]
    fn every_line_is_blurred_like_the_gaussian(mask in any_mask(), sigma in 0.5..9.0f64) {
        let size = mask.size();
        let column = |y: u32| vec![mask.at(0, y); size.width as usize];
        let lines = Mask::new(size, (0..size.height).flat_map(column).collect()).unwrap();
        let difference = largest_difference(&lines, sigma);
        prop_assert!(difference <= largest_possible(sigma, WORST_LINE), "{}", difference);
    }

    #[test]
    fn blur_keeps_what_is_level_and_what_is_ordered(
        (less, more) in nested_masks(),
        level: u8,
        sigma in 0.0..50.0f64,
    ) {
        let flat = Mask::filled(less.size(), level).unwrap();
        prop_assert_eq!(&flat.clone().blur(sigma).unwrap(), &flat);
        prop_assert_eq!(&flat.clone().feather(sigma).unwrap(), &flat);
        prop_assert!(within(
            &less.clone().blur(sigma).unwrap(),
            &more.clone().blur(sigma).unwrap()
        ));
        prop_assert!(within(&less.feather(sigma).unwrap(), &more.feather(sigma).unwrap()));
    }

    #[test]
    fn a_feather_reaches_half_its_width(mask in any_mask(), width in 0.0..20.0f64) {
        let soft = mask.clone().feather(width).unwrap();
        let reach = (width / 2.0).floor() as u32;
        let size = mask.size();
        for y in 0..size.height {
            for x in 0..size.width {
                let near = |at: u32, side: u32| {
                    at.saturating_sub(reach)..(at + reach + 1).min(side)
                };
                let rows = near(y, size.height);
                let around = || rows.clone()
                    .flat_map(|y| near(x, size.width).map(move |x| (x, y)))
                    .map(|(x, y)| mask.at(x, y));
                let (least, most) = (around().min().unwrap(), around().max().unwrap());
                prop_assert!((least..=most).contains(&soft.at(x, y)));
            }
        }
    }

    #[test]
    fn blur_does_not_care_where_things_are(x in 0u32..40, y in 0u32..40, sigma in 0.3..6.0f64) {
        let size = Size::new(140, 140);
        let spot = |x: u32, y: u32| {
            let mut values = vec![0; size.area() as usize];
            for at in [0, 1, 2, size.width, 2 * size.width + 1] {
                values[(y * size.width + x + at) as usize] = 255;
            }
            Mask::new(size, values).unwrap().blur(sigma).unwrap()
        };
        let (here, there) = (spot(45, 45), spot(45 + x, 45 + y));
        for row in 5..95 {
            for column in 5..95 {
                prop_assert_eq!(here.at(column, row), there.at(column + x, row + y));
            }
        }
    }
}
