//! Masks that the tests work on.

use framewright_canvas::{CanvasError, Mask, Rect, Refinement, Size};
use proptest::prelude::*;

/// A repeatable row of numbers from 0 to 1.
pub fn numbers(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    }
}

/// Any small mask: noise, nothing, everything, boxes, single pixels.
pub fn any_mask() -> impl Strategy<Value = Mask> {
    let sides = (1u32..40, 1u32..40);
    (sides, 0..6, any::<u64>()).prop_map(|((width, height), kind, seed)| {
        let mut next = numbers(seed);
        let size = Size::new(width, height);
        let boxed: [f32; 4] = std::array::from_fn(|_| next());
        let inside = |x: u32, y: u32| {
            let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
            (x - boxed[0]).abs() < boxed[2] / 2.0 && (y - boxed[1]).abs() < boxed[3] / 2.0
        };
        let values = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let values = values
            .map(|(x, y)| match kind {
                0 => (next() * 255.9) as u8,
                1 => u8::from(next() < 0.03) * 255,
                2 => u8::from(inside(x, y)) * 255,
                3 => u8::from(!inside(x, y)) * 255,
                4 => u8::from(inside(x, y)) * (next() * 255.9) as u8,
                _ => u8::from(next() < 0.6) * 255,
            })
            .collect();
        Mask::new(size, values).unwrap()
    })
}

/// Two masks of one size, the second nowhere less than the first.
pub fn nested_masks() -> impl Strategy<Value = (Mask, Mask)> {
    (any_mask(), any::<u64>()).prop_map(|(mask, seed)| {
        let mut next = numbers(seed);
        let more = mask.values().iter().map(|&value| {
            let more = (next() * 60.0) as u8;
            value.saturating_add(if next() < 0.5 { more } else { 0 })
        });
        let more = Mask::new(mask.size(), more.collect()).unwrap();
        (mask, more)
    })
}

/// Whether no value of `less` is above that of `more`.
pub fn within(less: &Mask, more: &Mask) -> bool {
    let mut pairs = less.values().iter().zip(more.values());
    less.size() == more.size() && pairs.all(|(less, more)| less <= more)
}

/// A mask from drawn rows: `#` is 255, `.` is 0, a digit is itself times 25.
pub fn drawn(rows: &[&str]) -> Mask {
    let size = Size::new(rows[0].len() as u32, rows.len() as u32);
    let value = |letter: char| match letter {
        '#' => 255,
        '.' => 0,
        digit => digit.to_digit(10).unwrap() as u8 * 25,
    };
    let values = rows.iter().flat_map(|row| row.chars()).map(value);
    Mask::new(size, values.collect()).unwrap()
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let size = Size::new(3, 2);
    let refused = Mask::new(size, vec![0; 5]).unwrap_err();
    assert_eq!(refused, CanvasError::SizeMismatch { size, values: 5 });
    assert_eq!(refused.to_string(), "3x2 pixels cannot be 5 values");
    assert!(Mask::filled(Size::new(0, 7), 0).is_err());
    let outside = Rect::new(1, 0, 3, 1);
    let refused = Mask::filled(size, 0).unwrap().crop(outside).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the 3x1 pixels at 1,0 does not lie inside 3x2 pixels"
    );
    let huge = Rect::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
    assert!(Mask::filled(size, 0).unwrap().crop(huge).is_err());
}

#[test]
fn bounds_hold_all_that_is_selected() {
    let mask = drawn(&["......", "..1...", "....#.", "......"]);
    assert_eq!(mask.bounds().unwrap(), Rect::new(2, 1, 3, 2));
    assert_eq!(mask.area(), 1);
    assert_eq!(mask.at(4, 2), 255);
    assert_eq!(mask.at(6, 2), 0);
    assert_eq!(mask.at(0, 4), 0);
    let empty = drawn(&["..", ".."]);
    assert_eq!(empty.bounds().unwrap_err(), CanvasError::EmptyMask);
}

#[test]
fn refinements_are_applied_in_a_row() {
    let mask = drawn(&["##..", "##..", "....", "...5"]);
    let refined = mask.clone().refine(&[
        Refinement::DropIslands(2),
        Refinement::Invert,
        Refinement::Threshold(10),
    ]);
    assert_eq!(refined.unwrap(), drawn(&["..##", "..##", "####", "####"]));
    let refused = mask.refine(&[Refinement::Invert, Refinement::KeepIsland(0, 0)]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "nothing is selected at 0,0"
    );
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let mask = drawn(&["#."]);
    for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
        let blurred = mask.clone().blur(wrong).unwrap_err();
        assert!(matches!(
            blurred,
            CanvasError::Parameter { name: "blur", .. }
        ));
        assert!(mask.clone().feather(wrong).is_err());
        let radii = framewright_canvas::Radii { x: 2.0, y: wrong };
        assert!(mask.clone().grow(radii).is_err());
        assert!(mask.clone().shrink(radii).is_err());
        assert!(mask.clone().open(radii).is_err());
        assert!(mask.clone().close(radii).is_err());
    }
}
