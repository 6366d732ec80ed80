//! Composites: what they leave alone, and that they leave no seam.

use framewright_canvas::{
    CanvasError, Channel, ColourMatch, Mask, Pixels, Point, Radii, Rect, Size, composite, seam,
};
use proptest::prelude::*;

use crate::masks::{any_mask, numbers};
use crate::wilderness::{bytes, landscape, words};

fn any_pixels<C: Channel>(size: Size, seed: u64) -> Pixels<C> {
    let mut next = numbers(seed);
    let pixels = (0..size.area()).map(|_| std::array::from_fn(|_| C::from_unit(next() * 1.2)));
    Pixels::new(size, pixels.collect()).unwrap()
}

/// Everything outside the mask is as it was; where the mask is whole and
/// nothing is matched, the drawing is there bit for bit.
fn keeps<C: Channel + std::fmt::Debug>(
    mask: &Mask,
    offset: (u32, u32),
    seed: u64,
) -> Result<(), TestCaseError> {
    let at = Rect::new(offset.0, offset.1, mask.size().width, mask.size().height);
    let canvas = Size::new(at.right() + offset.1, at.bottom() + offset.0);
    let before = any_pixels::<C>(canvas, seed);
    let drawing = any_pixels::<C>(mask.size(), seed ^ 1);
    for matching in [
        ColourMatch::None,
        ColourMatch::Membrane { reach: 20.0 },
        ColourMatch::Membrane {
            reach: f32::INFINITY,
        },
    ] {
        let mut after = before.clone();
        composite(&mut after, &drawing, mask, at, matching).unwrap();
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let index = (y * canvas.width + x) as usize;
                let (was, is) = (before.pixels()[index], after.pixels()[index]);
                let inside = x.checked_sub(at.x).zip(y.checked_sub(at.y));
                let value = inside.map_or(0, |(x, y)| mask.at(x, y));
                if value == 0 {
                    prop_assert_eq!(was, is);
                }
                if value == 255 && matching == ColourMatch::None {
                    let (x, y) = inside.unwrap();
                    let drawn = drawing.pixels()[(y * at.width + x) as usize];
                    if drawn[3].to_unit() > 0.0 {
                        prop_assert_eq!(drawn, is);
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn outside_the_mask_every_bit_stays(
        mask in any_mask(),
        offset in (0u32..9, 0u32..9),
        seed: u64,
    ) {
        keeps::<u8>(&mask, offset, seed)?;
        keeps::<u16>(&mask, offset, seed)?;
    }
}

/// The mean seams over 50 boxes on 50 backgrounds, when a drawing that shows
/// the same thing in other colours is put there: the worst with the membrane,
/// and the least with a hard paste.
fn seams<C: Channel>(picture: impl Fn(Size, &[[f32; 4]]) -> Pixels<C>) -> (f64, f64) {
    let size = Size::new(200, 160);
    let (mut worst, mut least) = (f64::MIN, f64::MAX);
    for seed in 0..50 {
        let mut next = numbers(seed * 77 + 5);
        let mut between = |low: f32, high: f32| f64::from(low + next() * (high - low)).round();
        let (x, y) = (between(14.0, 90.0), between(14.0, 70.0));
        let one = Point { x, y };
        let other = Point {
            x: x + between(30.0, 90.0),
            y: y + between(30.0, 70.0),
        };
        let scene = landscape(size, seed);
        // A shift of up to a sixth of the range, and a change of contrast.
        let shift: [f32; 3] = std::array::from_fn(|_| {
            let sign = if next() < 0.5 { -1.0 } else { 1.0 };
            sign * (0.06 + next() * 0.1)
        });
        let contrast = 0.9 + next() * 0.2;
        let other_grain = landscape(size, seed ^ 0xffff_0000);
        let shifted: Vec<[f32; 4]> = scene
            .iter()
            .zip(&other_grain)
            .map(|(pixel, other)| {
                let colour = |c: usize| {
                    let grain = (other[c] * 631.0).fract() * 0.02 - 0.01;
                    (pixel[c] - 0.5) * contrast + 0.5 + shift[c] + grain
                };
                [colour(0), colour(1), colour(2), 1.0]
            })
            .collect();
        let before = picture(size, &scene);
        let drawing = picture(size, &shifted);
        let mask = Mask::from_box(size, one, other).unwrap();
        let with = |matching| {
            let mut after = before.clone();
            composite(&mut after, &drawing, &mask, size.rect(), matching).unwrap();
            seam(&before, &after, &mask).unwrap()
        };
        worst = worst.max(with(ColourMatch::Membrane { reach: 64.0 }));
        least = least.min(with(ColourMatch::None));
    }
    (worst, least)
}

#[test]
fn no_seam_is_left() {
    const ALLOWED: f64 = 2.0 / 255.0;
    for (worst, least) in [seams(bytes), seams(words)] {
        assert!(worst <= ALLOWED, "{} of 255", worst * 255.0);
        // The same fill, pasted, fails by far: the test can fail.
        assert!(least > 4.0 * ALLOWED, "{} of 255", least * 255.0);
    }
}

#[test]
fn the_correction_vanishes_into_the_interior() {
    let size = Size::new(300, 300);
    let level = |value: f32| bytes(size, &vec![[value, value, value, 1.0]; 90_000]);
    let (before, drawing) = (level(0.4), level(0.5));
    let corner = |at: f64| Point { x: at, y: at };
    let mask = Mask::from_box(size, corner(40.0), corner(260.0)).unwrap();
    let with = |reach: f32| {
        let mut after = before.clone();
        let matching = ColourMatch::Membrane { reach };
        composite(&mut after, &drawing, &mask, size.rect(), matching).unwrap();
        after
    };
    let middle = 150 * 300 + 150;
    let rim = 150 * 300 + 41;
    let faded = with(16.0);
    assert_eq!(faded.pixels()[middle][0], drawing.pixels()[middle][0]);
    let off = faded.pixels()[rim][0].abs_diff(before.pixels()[rim][0]);
    assert!(off <= 4, "{off} of 255 at the rim");
    // On the way from rim to middle it never turns back.
    let row: Vec<u8> = (40..=150)
        .map(|x| faded.pixels()[150 * 300 + x][0])
        .collect();
    let falls = row.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!(falls <= 3, "{row:?}");
    // Without an end it corrects everything.
    let whole = with(f32::INFINITY);
    assert!(whole.pixels().iter().all(|pixel| pixel[0] == 102));
}

#[test]
fn large_regions_are_matched_on_a_coarser_grid() {
    let size = Size::new(2600, 2200);
    let count = size.area() as usize;
    let level = |value: f32| bytes(size, &vec![[value, 0.5, 1.0 - value, 1.0]; count]);
    let (before, drawing) = (level(0.4), level(0.5));
    let mask = Mask::from_box(
        size,
        Point { x: 101.0, y: 99.0 },
        Point {
            x: 2403.0,
            y: 2001.0,
        },
    )
    .unwrap();
    let mut after = before.clone();
    let matching = ColourMatch::Membrane { reach: 400.0 };
    composite(&mut after, &drawing, &mask, size.rect(), matching).unwrap();
    let left = seam(&before, &after, &mask).unwrap();
    assert!(left <= 2.0 / 255.0, "{left}");
}

#[test]
fn soft_masks_mix_by_opacity() {
    let size = Size::new(3, 1);
    let canvas = [[200u8, 0, 0, 0], [0, 0, 0, 255], [10, 20, 30, 40]];
    let mut canvas = Pixels::new(size, canvas.to_vec()).unwrap();
    let drawing = Pixels::new(size, vec![[100u8, 100, 100, 255]; 3]).unwrap();
    let mask = Mask::new(size, vec![51, 51, 0]).unwrap();
    composite(&mut canvas, &drawing, &mask, size.rect(), ColourMatch::None).unwrap();
    // The red of what is wholly transparent does not show.
    let expected = [[100u8, 100, 100, 51], [20, 20, 20, 255], [10, 20, 30, 40]];
    assert_eq!(canvas.pixels(), expected);
}

#[test]
fn a_mask_over_everything_has_nothing_to_match() {
    let size = Size::new(5, 4);
    let mut canvas = any_pixels::<u8>(size, 3);
    let opaque: Vec<_> = any_pixels::<u8>(size, 4)
        .pixels()
        .iter()
        .map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
        .collect();
    let drawing = Pixels::new(size, opaque).unwrap();
    let mask = Mask::filled(size, 255).unwrap();
    let matching = ColourMatch::Membrane { reach: 8.0 };
    composite(&mut canvas, &drawing, &mask, size.rect(), matching).unwrap();
    assert_eq!(canvas, drawing);
    assert_eq!(seam(&canvas, &drawing, &mask).unwrap(), 0.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let size = Size::new(4, 4);
    let mut canvas = any_pixels::<u8>(size, 1);
    let drawing = any_pixels::<u8>(size, 2);
    let mask = Mask::filled(size, 255).unwrap();
    let mut put = |drawing: &Pixels<u8>, mask: &Mask, at, matching| {
        composite(&mut canvas, drawing, mask, at, matching).unwrap_err()
    };
    let here = size.rect();
    let beside = Rect::new(1, 0, 4, 4);
    let outside = put(&drawing, &mask, beside, ColourMatch::None);
    assert!(matches!(outside, CanvasError::OutsideCanvas { .. }));
    let small = mask.crop(Rect::new(0, 0, 3, 3)).unwrap();
    let differ = put(&drawing, &small, here, ColourMatch::None);
    assert_eq!(differ.to_string(), "one is 4x4 pixels, the other 3x3");
    for reach in [0.0, -3.0, f32::NAN] {
        let refused = put(&drawing, &mask, here, ColourMatch::Membrane { reach });
        assert!(matches!(
            refused,
            CanvasError::Parameter { name: "reach", .. }
        ));
    }
    let channels = [0u8; 30];
    assert!(Pixels::from_channels(Size::new(2, 3), &channels).is_err());
    assert!(Pixels::from_channels(Size::new(2, 3), &channels[..24]).is_ok());
}

#[test]
fn a_soft_mask_and_its_shape_do_not_matter() {
    let size = Size::new(160, 160);
    let scene = landscape(size, 9);
    let shifted: Vec<[f32; 4]> = scene
        .iter()
        .map(|p| [p[0] + 0.1, p[1] - 0.08, p[2] + 0.05, 1.0])
        .collect();
    let (before, drawing) = (bytes(size, &scene), bytes(size, &shifted));
    let corners: Vec<Point> = [(80.0, 20.0), (140.0, 120.0), (70.0, 90.0), (20.0, 130.0)]
        .map(|(x, y)| Point { x, y })
        .to_vec();
    let polygon = Mask::from_polygon(size, &corners).unwrap();
    for mask in [
        polygon.clone(),
        polygon
            .grow(Radii::disk(4.0))
            .unwrap()
            .feather(12.0)
            .unwrap(),
    ] {
        let mut after = before.clone();
        let matching = ColourMatch::Membrane { reach: 64.0 };
        composite(&mut after, &drawing, &mask, size.rect(), matching).unwrap();
        let left = seam(&before, &after, &mask).unwrap();
        assert!(left <= 2.0 / 255.0, "{left}");
    }
}
