//! How an inpainting is laid out, over canvases, selections and strengths.

use framewright_canvas::{
    CanvasError, Context, MULTIPLE, Mask, ModelSize, Rect, Size, Tightness, plan, region_small,
};
use proptest::prelude::*;

use crate::masks::numbers;

/// Any canvas of 64 to 8192 pixels a side, and any selection on it.
fn canvases() -> impl Strategy<Value = (Size, Rect)> {
    let side = || prop_oneof![64u32..=8192, Just(64), Just(8192), 64u32..700];
    (side(), side(), 0..5, any::<u64>()).prop_map(|(width, height, kind, seed)| {
        let mut next = numbers(seed);
        let mut within = |side: u32| (next() * side as f32) as u32;
        let along = |within: &mut dyn FnMut(u32) -> u32, side: u32| {
            let length = 1 + within(side);
            (within(side - length + 1), length)
        };
        let rect = match kind {
            // All of it.
            0 => Rect::new(0, 0, width, height),
            // One pixel.
            1 => Rect::new(within(width), within(height), 1, 1),
            // At the far corner.
            2 => {
                let (columns, rows) = (1 + within(width), 1 + within(height));
                Rect::new(width - columns, height - rows, columns, rows)
            }
            _ => {
                let (x, columns) = along(&mut within, width);
                let (y, rows) = along(&mut within, height);
                Rect::new(x, y, columns, rows)
            }
        };
        (Size::new(width, height), rect)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn every_selection_is_laid_out(
        (canvas, selection) in canvases(),
        strength in prop_oneof![Just(1.0), 0.01..1.0f64],
        model in prop_oneof![
            Just(ModelSize::SD15),
            Just(ModelSize { native: 128, largest: 192 }),
            Just(ModelSize { native: 256, largest: 384 }),
            Just(ModelSize { native: 1024, largest: 1024 }),
        ],
    ) {
        let context = plan(canvas, selection, strength, model).unwrap();
        let Context { crop, working, scale, grow, feather, composite_grow, composite_feather } =
            context;
        prop_assert!(canvas.rect().contains(crop));
        prop_assert!(crop.width > 0 && crop.height > 0);

        // The masks, with all of their soft edge, lie inside, and a context too.
        let reach = grow + feather / 2.0;
        prop_assert!(crop.contains(selection.padded(reach.ceil() as u32, canvas)));
        let context_pad = (selection.width + selection.height) / 4;
        let context_pad = context_pad.saturating_sub(1).max(selection.width.max(selection.height) / 16);
        prop_assert!(crop.contains(selection.padded(context_pad, canvas)));

        // Square, of native size or more, where the canvas allows.
        prop_assert!(crop.width >= model.native.min(canvas.width / 8 * 8));
        prop_assert!(crop.height >= model.native.min(canvas.height / 8 * 8));
        let square = crop.width == crop.height;
        let cut = crop.width >= canvas.width / 8 * 8 || crop.height >= canvas.height / 8 * 8;
        prop_assert!(square || cut, "{context:?}");

        // What the model works on.
        prop_assert!(working.width % MULTIPLE == 0 && working.height % MULTIPLE == 0);
        prop_assert!(working.width >= MULTIPLE && working.height >= MULTIPLE);
        for (worked, cropped) in [(working.width, crop.width), (working.height, crop.height)] {
            let exact = f64::from(cropped) * scale;
            let off = (f64::from(worked) - exact).abs();
            prop_assert!(off <= f64::from(MULTIPLE) / 2.0 + 1e-6 || worked == MULTIPLE);
        }
        let area = crop.area_f64() * scale * scale;
        let (native, largest) = (f64::from(model.native), f64::from(model.largest));
        prop_assert!(area <= largest * largest * 1.000_001);
        let longer = f64::from(crop.width.max(crop.height)) * scale;
        prop_assert!(longer <= 2.0 * largest * 1.000_001);
        prop_assert!(area >= native * native * 0.999_999 || longer >= 2.0 * largest * 0.999_999);
        // Nothing is scaled without need.
        let cropped = crop.area_f64();
        if (native * native..=largest * largest).contains(&cropped)
            && f64::from(crop.width.max(crop.height)) <= 2.0 * largest
        {
            prop_assert_eq!(scale, 1.0);
        }

        // The masks.
        let diagonal = f64::from(selection.width).hypot(f64::from(selection.height));
        let of_512 = native / 512.0;
        let least_feather = 32.0 * of_512 * strength;
        prop_assert!((feather - (0.10 * strength * diagonal).max(least_feather)).abs() < 1e-9);
        prop_assert_eq!(grow, 4.0 * of_512 + feather / 2.0);
        prop_assert!(composite_grow + composite_feather / 2.0 <= grow + 1e-9);
        prop_assert!(composite_grow - composite_feather / 2.0 >= 3.999_999 * of_512);
    }
}

trait AreaF64 {
    fn area_f64(self) -> f64;
}

impl AreaF64 for Rect {
    fn area_f64(self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_masks_are_whole_inside_the_selection(
        width in 64u32..400,
        height in 64u32..400,
        islands in 1usize..4,
        strength in 0.1..=1.0f64,
        seed: u64,
    ) {
        let canvas = Size::new(width, height);
        let mut next = numbers(seed);
        let mut values = vec![0u8; canvas.area() as usize];
        for _ in 0..islands {
            let mut within = |side: u32| (next() * side as f32) as u32;
            let (x, y) = (within(width), within(height));
            let (columns, rows) = (1 + within((width - x) / 2), 1 + within((height - y) / 2));
            for y in y..(y + rows).min(height) {
                for x in x..(x + columns).min(width) {
                    values[(y * width + x) as usize] = 255;
                }
            }
        }
        let selection = Mask::new(canvas, values).unwrap();
        let bounds = selection.bounds().unwrap();
        let context = plan(canvas, bounds, strength, ModelSize::SD15).unwrap();
        let denoise = context.denoise_mask(&selection).unwrap();
        let composite = context.composite_mask(&selection).unwrap();
        let selected = selection.crop(context.crop).unwrap();
        let border_row = |y: u32| y == 0 || y + 1 == context.crop.height;
        for y in 0..context.crop.height {
            for x in 0..context.crop.width {
                let (drawn, kept) = (denoise.at(x, y), composite.at(x, y));
                if selected.at(x, y) == 255 {
                    prop_assert_eq!((drawn, kept), (255, 255));
                }
                // Nothing is kept that was not well drawn anew.
                prop_assert!(kept == 0 || drawn >= 51, "{kept} where {drawn}");
                // The masks have ended where the crop ends inside the canvas.
                let inner = context.crop.y > 0 && y == 0
                    || context.crop.bottom() < height && border_row(y) && y > 0;
                prop_assert!(!inner || drawn <= 1, "{drawn} at the crop's border");
            }
        }
    }
}

#[test]
fn small_things_on_large_canvases_are_worked_on_as_they_are() {
    let context = plan(
        Size::new(4096, 2160),
        Rect::new(2000, 1000, 120, 90),
        1.0,
        ModelSize::SD15,
    )
    .unwrap();
    assert_eq!(context.crop, Rect::new(1804, 789, 512, 512));
    assert_eq!(context.working, Size::new(512, 512));
    assert_eq!((context.feather, context.grow), (32.0, 20.0));
}

#[test]
fn masks_of_a_smaller_model_are_softened_less() {
    let sketch = ModelSize {
        native: 128,
        largest: 192,
    };
    let context = plan(Size::new(128, 128), Rect::new(40, 40, 40, 60), 1.0, sketch).unwrap();
    assert_eq!((context.feather, context.grow), (8.0, 5.0));
}

#[test]
fn small_canvases_are_worked_on_enlarged_and_large_regions_reduced() {
    let all = |width, height| {
        let canvas = Size::new(width, height);
        plan(canvas, canvas.rect(), 1.0, ModelSize::SD15).unwrap()
    };
    let small = all(64, 64);
    assert_eq!((small.working, small.scale), (Size::new(512, 512), 8.0));
    let large = all(8192, 8192);
    assert_eq!(large.working, Size::new(768, 768));
    assert_eq!(large.crop, Rect::new(0, 0, 8192, 8192));
    let wide = all(1920, 1080);
    assert_eq!(wide.working, Size::new(1024, 576));
    let strip = all(8192, 64);
    assert_eq!(strip.working, Size::new(1536, 16));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let canvas = Size::new(100, 100);
    let refusal = |rect, strength, model| plan(canvas, rect, strength, model).unwrap_err();
    let rect = Rect::new(10, 10, 10, 10);
    let sd15 = ModelSize::SD15;
    assert_eq!(
        refusal(Rect::new(5, 5, 0, 3), 1.0, sd15),
        CanvasError::EmptyMask
    );
    let outside = refusal(Rect::new(95, 5, 10, 10), 1.0, sd15);
    assert!(matches!(outside, CanvasError::OutsideCanvas { .. }));
    for strength in [0.0, -1.0, 1.01, f64::NAN] {
        let refused = refusal(rect, strength, sd15);
        assert!(matches!(
            refused,
            CanvasError::Parameter {
                name: "strength",
                ..
            }
        ));
    }
    for (native, largest) in [(0, 512), (500, 512), (512, 256), (512, 1 << 20)] {
        let refused = refusal(rect, 1.0, ModelSize { native, largest });
        assert!(
            matches!(refused, CanvasError::Parameter { .. }),
            "{refused}"
        );
    }
    let context = plan(canvas, rect, 1.0, sd15).unwrap();
    let other = Mask::filled(Size::new(50, 50), 255).unwrap();
    assert!(context.denoise_mask(&other).is_err());
}

#[test]
fn tight_masks_are_told_and_more_room_is_offered() {
    let canvas = Size::new(1000, 800);
    let advice = |rect: Rect| {
        let corner = |x: u32, y: u32| framewright_canvas::Point {
            x: f64::from(x),
            y: f64::from(y),
        };
        let (one, other) = (corner(rect.x, rect.y), corner(rect.right(), rect.bottom()));
        let mask = Mask::from_box(canvas, one, other).unwrap();
        let context = plan(canvas, rect, 1.0, ModelSize::SD15).unwrap();
        region_small(&mask, &context, ModelSize::SD15)
    };
    assert_eq!(advice(Rect::new(300, 300, 200, 180)), None);

    let narrow = advice(Rect::new(300, 300, 20, 300)).unwrap();
    assert_eq!(narrow.because, Tightness::ShortSide(20.0));
    assert_eq!(narrow.grow, 38);
    assert_eq!(narrow.offered, Rect::new(262, 262, 96, 376));
    // What is offered is wide enough.
    assert_eq!(advice(narrow.offered), None);

    // At the canvas's corner the offer is moved inside.
    let corner = advice(Rect::new(998, 0, 2, 2)).unwrap();
    assert!(canvas.rect().contains(corner.offered));
    assert_eq!(corner.offered.size(), Size::new(96, 96));
    assert_eq!(advice(corner.offered), None);

    // A thin ring is wide, but has little area.
    let ring = Mask::from_box(
        canvas,
        framewright_canvas::Point { x: 100.0, y: 100.0 },
        framewright_canvas::Point { x: 300.0, y: 300.0 },
    )
    .unwrap();
    let inner = ring
        .clone()
        .shrink(framewright_canvas::Radii::disk(2.0))
        .unwrap();
    let values = ring.values().iter().zip(inner.values());
    let ring = Mask::new(canvas, values.map(|(out, inner)| out - inner).collect()).unwrap();
    let context = plan(canvas, ring.bounds().unwrap(), 1.0, ModelSize::SD15).unwrap();
    let told = region_small(&ring, &context, ModelSize::SD15).unwrap();
    assert!(matches!(told.because, Tightness::Area(_)), "{told:?}");

    let whole = Mask::filled(Size::new(64, 64), 0).unwrap();
    let context = plan(whole.size(), whole.size().rect(), 1.0, ModelSize::SD15).unwrap();
    assert_eq!(region_small(&whole, &context, ModelSize::SD15), None);
}
