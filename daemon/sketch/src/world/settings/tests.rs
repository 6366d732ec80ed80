use std::collections::BTreeSet;

use super::*;
use crate::world::camera::Camera;
use crate::world::canvas::Frame;
use crate::world::colour::Light;

fn camera(width: u32, height: u32, view_height: f32) -> Camera {
    Camera {
        width,
        height,
        eye: (0.1, 1.5),
        distance: view_height * 1.8,
        // Close frames look at faces, wide ones at whole figures.
        centre: (0.0, if view_height < 1.5 { 1.6 } else { 1.2 }),
        view_height,
    }
}

fn draw(setting: Setting, camera: Camera, light: Light, rain: bool, seed: u64) -> Frame {
    let backdrop = Backdrop::new(setting, rain, Dice::new(seed));
    let mut canvas = Canvas::new(camera, light);
    backdrop.behind(&mut canvas);
    backdrop.in_front(&mut canvas);
    canvas.finish()
}

fn colours(frame: &Frame) -> usize {
    frame.rgb.chunks_exact(3).collect::<BTreeSet<_>>().len()
}

#[test]
fn every_setting_fills_frames_of_any_size_framing_and_light() {
    for setting in Setting::ALL {
        for (light, (width, height)) in
            Light::ALL
                .into_iter()
                .zip([(48, 48), (61, 37), (33, 64), (40, 30)])
        {
            for view_height in [0.2, 0.5, 1.0, 2.2, 4.0, 10.0] {
                let rain = view_height > 1.0;
                let frame = draw(setting, camera(width, height, view_height), light, rain, 5);
                let count = colours(&frame);
                assert!(
                    count >= 4,
                    "{setting:?} {light:?} {view_height}: {count} colours"
                );
            }
        }
        draw(setting, camera(1, 1, 2.0), Light::Night, true, 1);
    }
}

#[test]
fn a_seed_is_a_layout() {
    let camera = camera(64, 64, 4.0);
    for setting in Setting::ALL {
        let one = draw(setting, camera, Light::SoftDaylight, false, 1);
        assert_eq!(
            one,
            draw(setting, camera, Light::SoftDaylight, false, 1),
            "{setting:?}"
        );
        let differs = (2..8).all(|seed| {
            let other = draw(setting, camera, Light::SoftDaylight, false, seed);
            let changed = one
                .rgb
                .iter()
                .zip(&other.rgb)
                .filter(|(a, b)| a.abs_diff(**b) > 8)
                .count();
            changed * 20 > one.rgb.len()
        });
        assert!(differs, "{setting:?} looks alike for different seeds");
    }
}

#[test]
fn lights_and_rain_change_the_frame() {
    let camera = camera(64, 64, 4.0);
    for setting in Setting::ALL {
        let frames = Light::ALL.map(|light| draw(setting, camera, light, false, 3).rgb);
        for (index, frame) in frames.iter().enumerate() {
            assert!(!frames[..index].contains(frame), "{setting:?}");
        }
        let wet = draw(setting, camera, Light::SoftDaylight, true, 3).rgb;
        assert_eq!(
            wet != frames[0],
            !setting.indoors() || has_windows(setting),
            "{setting:?}"
        );
    }
}

fn has_windows(setting: Setting) -> bool {
    !matches!(setting, Setting::Corridor | Setting::DustyLibrary)
}

#[test]
fn each_prop_shows_where_its_box_says() {
    let mut missing = Vec::new();
    for setting in Setting::ALL {
        for seed in 1..4 {
            let backdrop = Backdrop::new(setting, false, Dice::new(seed));
            let props = backdrop.prop_boxes();
            assert!(
                (3..=8).contains(&props.len()),
                "{setting:?} has {} props",
                props.len()
            );
            for (prop, id) in props.iter().zip(FIRST_PROP..) {
                assert_eq!(prop.id, id);
                let (low, high) = (prop.min, prop.max);
                assert!(
                    low.0 < high.0 && low.1 < high.1 && low.2 <= high.2,
                    "{setting:?} {}",
                    prop.name
                );
                let z = low.2;
                let size = (high.0 - low.0).max(high.1 - low.1).max(0.4);
                // The frame is aimed at the box as seen from in front of it.
                let distance = z + size * 2.0 + 1.0;
                let shrink = distance / (distance + z);
                let eye = ((low.0 + high.0) / 2.0 * 0.5, 1.5);
                let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
                let camera = Camera {
                    width: 64,
                    height: 64,
                    eye,
                    distance,
                    centre: (
                        eye.0 + (middle.0 - eye.0) * shrink,
                        eye.1 + (middle.1 - eye.1) * shrink,
                    ),
                    view_height: size * 1.4 * shrink,
                };
                let mut canvas = Canvas::new(camera, Light::SoftDaylight);
                backdrop.behind(&mut canvas);
                let pixels = canvas.finish().ids.iter().filter(|&&tag| tag == id).count();
                if pixels <= 80 {
                    missing.push(format!(
                        "{setting:?} {} seed {seed}: {pixels} pixels",
                        prop.name
                    ));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn nothing_in_front_hides_the_people() {
    for setting in Setting::ALL {
        for view_height in [1.0, 2.2, 5.0] {
            let camera = camera(64, 64, view_height);
            let backdrop = Backdrop::new(setting, false, Dice::new(9));
            let mut before = Canvas::new(camera, Light::SoftDaylight);
            backdrop.behind(&mut before);
            let mut after = Canvas::new(camera, Light::SoftDaylight);
            backdrop.behind(&mut after);
            backdrop.in_front(&mut after);
            let (before, after) = (before.finish(), after.finish());
            for y in 0..64 {
                for x in 0..64 {
                    let (px, py) = camera.unproject(x as f32 + 0.5, y as f32 + 0.5, 0.0);
                    let at = (y * 64 + x) * 3;
                    if px.abs() < 1.2 && (0.0..2.0).contains(&py) {
                        assert_eq!(
                            before.rgb[at..at + 3],
                            after.rgb[at..at + 3],
                            "{setting:?} {px} {py}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn seats_are_drawn_where_one_sits() {
    for setting in Setting::ALL {
        let Some(seat) = setting.seat() else { continue };
        // Just below the seat's front edge is not what the bare wall or
        // ground would show: the colour changes across the edge.
        let camera = camera(96, 96, 3.0);
        let frame = draw(setting, camera, Light::SoftDaylight, false, 4);
        let pixel = |y: f32| {
            let (px, py) = camera.project(seat.at.0, y, seat.at.1).unwrap_or_default();
            let at = (py as usize * 96 + px as usize) * 3;
            [frame.rgb[at], frame.rgb[at + 1], frame.rgb[at + 2]]
        };
        assert_ne!(pixel(seat.height - 0.02), pixel(0.02), "{setting:?}");
    }
}
