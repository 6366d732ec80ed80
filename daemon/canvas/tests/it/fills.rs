//! What a model begins with.

use framewright_canvas::{Channel, Fill, Mask, Pixels, Size, fill};
use proptest::prelude::*;

use crate::masks::{any_mask, numbers};
use crate::wilderness::{bytes, landscape};

const ALL: [Fill; 5] = [
    Fill::Original,
    Fill::Neutral,
    Fill::Noise,
    Fill::Blur,
    Fill::Border,
];

fn filled<C: Channel>(picture: &Pixels<C>, mask: &Mask, with: Fill) -> Pixels<C> {
    let mut picture = picture.clone();
    fill(&mut picture, mask, with, numbers(1)).unwrap();
    picture
}

proptest! {
    #[test]
    fn what_is_not_selected_stays(mask in any_mask(), seed: u64) {
        let size = mask.size();
        let mut next = numbers(seed);
        let pixels = (0..size.area()).map(|_| std::array::from_fn(|_| u16::from_unit(next())));
        let before = Pixels::new(size, pixels.collect()).unwrap();
        for with in ALL {
            let after = filled(&before, &mask, with);
            for ((was, is), &value) in before.pixels().iter().zip(after.pixels()).zip(mask.values()) {
                if value == 0 || with == Fill::Original {
                    prop_assert_eq!(was, is, "{:?}", with);
                } else if value == 255 {
                    prop_assert_eq!(is[3], u16::MAX);
                }
            }
        }
    }

    #[test]
    fn fills_stay_within_the_colours_around(mask in any_mask()) {
        let size = mask.size();
        let hard = mask.threshold(128);
        let before = bytes(size, &landscape(size, 4));
        let around = before.pixels().iter().zip(hard.values());
        let around: Vec<_> = around.filter(|(_, value)| **value == 0).collect();
        for with in [Fill::Blur, Fill::Border] {
            let after = filled(&before, &hard, with);
            for channel in 0..3 {
                let values = around.iter().map(|(pixel, _)| pixel[channel]);
                let (least, most) = (values.clone().min(), values.max());
                for (pixel, &value) in after.pixels().iter().zip(hard.values()) {
                    match least.zip(most) {
                        _ if value == 0 => {}
                        Some((least, most)) => {
                            prop_assert!((least..=most).contains(&pixel[channel]));
                        }
                        None => prop_assert_eq!(pixel[channel], 128),
                    }
                }
            }
        }
    }
}

#[test]
fn the_border_gives_the_nearest_colour() {
    let size = Size::new(7, 1);
    let row = [10, 20, 30, 40, 50, 60, 70].map(|v: u8| [v, v, v, 255]);
    let picture = Pixels::new(size, row.to_vec()).unwrap();
    let mask = Mask::new(size, vec![0, 0, 255, 255, 255, 255, 0]).unwrap();
    let red = |picture: &Pixels<u8>| -> Vec<u8> { picture.pixels().iter().map(|p| p[0]).collect() };
    assert_eq!(
        red(&filled(&picture, &mask, Fill::Border)),
        [10, 20, 20, 20, 70, 70, 70]
    );
    // Between two colours the blur runs from one to the other.
    let blurred = red(&filled(&picture, &mask, Fill::Blur));
    assert!(blurred.is_sorted(), "{blurred:?}");
    assert!(blurred[2] >= 20 && blurred[5] <= 70 && blurred[3] < blurred[4]);
}

#[test]
fn a_blur_goes_on_from_the_surroundings() {
    let size = Size::new(96, 96);
    // A slope, with a hole that a smooth surface would close unseen.
    let slope: Vec<[f32; 4]> = (0..96 * 96)
        .map(|at| [(at % 96) as f32 / 96.0, (at / 96) as f32 / 96.0, 0.5, 1.0])
        .collect();
    let picture = bytes(size, &slope);
    let mut values = vec![0; 96 * 96];
    for y in 30..66 {
        values[y * 96 + 30..y * 96 + 66].fill(255);
    }
    let mask = Mask::new(size, values).unwrap();
    let after = filled(&picture, &mask, Fill::Blur);
    let mean: f64 = (0..96 * 96)
        .filter(|&at| mask.values()[at] > 0)
        .map(|at| f64::from(after.pixels()[at][0].abs_diff(picture.pixels()[at][0])))
        .sum::<f64>()
        / (36.0 * 36.0);
    assert!(mean <= 12.0, "{mean} of 255 from the slope");
    let neutral = filled(&picture, &mask, Fill::Neutral);
    assert_eq!(neutral.pixels()[50 * 96 + 50], [128, 128, 128, 255]);
}

#[test]
fn noise_does_not_move_with_the_selection() {
    let size = Size::new(12, 9);
    let picture = bytes(size, &landscape(size, 2));
    let all = Mask::filled(size, 255).unwrap();
    let everywhere = filled(&picture, &all, Fill::Noise);
    let values = (0..108).map(|at| if at % 3 == 1 { 255 } else { 0 });
    let some = Mask::new(size, values.collect()).unwrap();
    let here = filled(&picture, &some, Fill::Noise);
    for at in (1..108).step_by(3) {
        assert_eq!(here.pixels()[at], everywhere.pixels()[at]);
    }
    let mean: f64 = everywhere
        .channels()
        .iter()
        .map(|&v| f64::from(v))
        .sum::<f64>()
        / 432.0;
    // Three channels of noise about 127.5, and alpha.
    assert!((mean - 159.4).abs() < 12.0, "{mean}");
}

#[test]
fn sizes_must_agree() {
    let mut picture = bytes(Size::new(4, 4), &landscape(Size::new(4, 4), 2));
    let mask = Mask::filled(Size::new(4, 5), 255).unwrap();
    assert!(fill(&mut picture, &mask, Fill::Blur, || 0.0).is_err());
}
