//! The people of the world: parametric skeletons dressed in curved shapes.
//!
//! A [`Person`] says what a caption can say; the seed in it fixes the rest, so
//! a person looks the same in every scene. [`draw`] poses a skeleton and draws
//! it back to front in units of the body's height, so any framing works, from
//! a face to a figure of a few pixels.

mod body;
mod figure;
mod hair;
mod head;
mod held;
mod landmarks;
mod pen;
mod person;

pub use landmarks::{Landmarks, landmarks};
pub use person::{Class, Facing, HairLength, Held, Mood, Person, Pose};

use body::{Body, View};
use figure::Figure;
use hair::Hair;
use head::Head;
use landmarks::HEAD;
use pen::{Pen, Place};

use super::canvas::Canvas;
use super::dice::Dice;

/// Draws a person standing at `x`, `z` (metres). Writes the tags
/// `1 + index * 16 + part`; parts: 0 skin of head and neck, 1 hair, 2 top,
/// 3 trousers, 4 skin of arms and hands, 5 shoes, 6 hat, 7 held object,
/// 8 other. `dice` varies the pose a little.
pub fn draw(canvas: &mut Canvas, person: &Person, index: usize, x: f32, z: f32, dice: &Dice) {
    let Some(origin) = canvas.camera.project(x, 0.0, z) else {
        return;
    };
    let scale = canvas.camera.scale_at(z) * person.height;
    let (view, flip) = View::of(person.facing);
    let body = Body::new(person, dice);
    let place = Place::new(origin, scale, flip);
    canvas.contact_shadow((x, 0.002, z), 0.13 * person.height, 0.06 * person.height);
    let mut pen = Pen::new(canvas, index);
    let figure = Figure::new(person, &body, place);
    let tilt = Dice::new(person.look).split("tilt").range(-0.05..0.05);
    let head_place = place.sub(
        body.chin(),
        HEAD,
        if view == View::Back { 0.0 } else { tilt },
    );
    let head = Head::new(person, view, head_place);
    let hair = Hair::new(person, view, head_place);
    let held = |pen: &mut Pen| {
        if let Some(held) = person.held {
            held::draw(pen, held, &body, &place, person.look);
        }
    };

    hair.back(&mut pen);
    for i in 0..2 {
        if body.arms[i].behind_torso {
            if i == body.active {
                held(&mut pen);
            }
            figure.arm(&mut pen, i);
        }
    }
    let legs_last = body.sitting && view != View::Back;
    if !legs_last {
        figure.legs(&mut pen);
    }
    figure.neck(&mut pen);
    figure.torso(&mut pen);
    if legs_last {
        figure.legs(&mut pen);
    }
    // An idle arm lies under long hair, a busy one before everything.
    let busy = person.held.is_some() || person.pose == Pose::Waving;
    let busy_arm = |i: usize| busy && i == body.active;
    let before_head = |i: usize| !body.arms[i].behind_torso && !busy_arm(i);
    let book = person.held == Some(Held::Book);
    for i in 0..2 {
        if before_head(i) && !book {
            figure.arm(&mut pen, i);
        }
    }
    head.draw(&mut pen, &hair);
    for i in 0..2 {
        if !body.arms[i].behind_torso && (book || !before_head(i)) {
            if i == body.active {
                held(&mut pen);
            }
            figure.arm(&mut pen, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::camera::Camera;
    use crate::world::canvas::Frame;
    use crate::world::colour::{Light, NamedColour, Rgb};

    fn frame(person: &Person, light: Light) -> Frame {
        let camera = Camera {
            width: 200,
            height: 220,
            eye: (0.0, 1.2),
            distance: 5.0,
            centre: (0.0, 1.05),
            view_height: 2.4,
        };
        let mut canvas = Canvas::new(camera, light);
        canvas.from_left = true;
        draw(&mut canvas, person, 1, 0.0, 0.0, &Dice::new(5));
        canvas.finish()
    }

    fn count(frame: &Frame, part: u8) -> usize {
        frame.ids.iter().filter(|&&id| id == 17 + part).count()
    }

    fn dressed(seed: u64) -> Person {
        Person {
            glasses: true,
            hat: true,
            top: NamedColour::Green,
            trousers: NamedColour::Orange,
            ..Person::sample(&Dice::new(seed))
        }
    }

    #[test]
    fn every_pose_and_facing_shows_every_part() {
        for seed in 0..6 {
            for &pose in Pose::ALL {
                for &facing in Facing::ALL {
                    let held = (pose == Pose::Holding).then_some(Held::ALL[seed as usize % 4]);
                    let person = Person {
                        pose,
                        facing,
                        held,
                        ..dressed(seed)
                    };
                    let frame = frame(&person, Light::SoftDaylight);
                    for (part, least) in [
                        (0, 20),
                        (1, 15),
                        (2, 250),
                        (3, 250),
                        (4, 20),
                        (5, 15),
                        (6, 60),
                    ] {
                        let seen = count(&frame, part);
                        // Hair may hide the neck from behind.
                        let hidden = part == 0 && facing == Facing::Behind;
                        assert!(
                            seen >= least || hidden,
                            "{pose:?} {facing:?} part {part}: {seen} pixels"
                        );
                    }
                    assert_eq!(
                        count(&frame, 7) >= 40,
                        held.is_some(),
                        "{pose:?} {facing:?} {held:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_figure_stands_between_the_ground_and_its_landmarks() {
        for seed in 0..8 {
            for &pose in &[Pose::Standing, Pose::Walking, Pose::Sitting] {
                let person = Person {
                    pose,
                    ..Person::sample(&Dice::new(seed))
                };
                let frame = frame(&person, Light::Night);
                let rows: Vec<usize> = (0..220)
                    .filter(|y| frame.ids[y * 200..(y + 1) * 200].iter().any(|&id| id != 0))
                    .collect();
                let metres = |row: usize| 2.25 - (row as f32 + 0.5) * 2.4 / 220.0;
                let (top, bottom) = (metres(rows[0]), metres(rows[rows.len() - 1]));
                let marks = landmarks(&person);
                assert!(
                    (top - marks.top_of_head).abs() < 0.05,
                    "{pose:?} {top} {marks:?}"
                );
                assert!((-0.04..0.05).contains(&bottom), "{pose:?} {bottom}");
            }
        }
    }

    #[test]
    fn the_two_profiles_are_mirror_images() {
        let right = Person {
            facing: Facing::ProfileRight,
            ..dressed(2)
        };
        let left = Person {
            facing: Facing::ProfileLeft,
            ..right.clone()
        };
        let (right, left) = (
            frame(&right, Light::LowLight),
            frame(&left, Light::LowLight),
        );
        let apart = (0..200 * 220)
            .filter(|&i| right.ids[i] != left.ids[i / 200 * 200 + 199 - i % 200])
            .count();
        let figure = right.ids.iter().filter(|&&id| id != 0).count();
        assert!(apart * 12 < figure, "{apart} of {figure} pixels differ");
        assert_ne!(right.rgb, left.rgb);
    }

    #[test]
    fn clothes_are_painted_in_the_two_tones_of_their_colour() {
        for light in Light::ALL {
            for colour in NamedColour::ALL {
                let person = Person {
                    top: colour,
                    ..dressed(4)
                };
                let frame = frame(&person, light);
                let tones = [light.lit(colour.rgb()), light.shadow(colour.rgb())];
                let mut hits = [0; 2];
                for (i, _) in frame.ids.iter().enumerate().filter(|&(_, &id)| id == 19) {
                    let pixel = Rgb(frame.rgb[i * 3], frame.rgb[i * 3 + 1], frame.rgb[i * 3 + 2]);
                    for (tone, hits) in tones.iter().zip(&mut hits) {
                        *hits += usize::from(*tone == pixel);
                    }
                }
                let all = count(&frame, 2);
                assert!(
                    hits[0] * 2 > all,
                    "{light:?} {colour:?}: {hits:?} of {all} in the light"
                );
                assert!(
                    hits[1] * 20 > all,
                    "{light:?} {colour:?}: {hits:?} of {all} in shadow"
                );
            }
        }
    }

    #[test]
    fn a_person_looks_the_same_in_every_scene_and_others_do_not() {
        let person = dressed(9);
        let other = Person {
            look: person.look ^ 0xdead_beef,
            ..person.clone()
        };
        assert_eq!(
            frame(&person, Light::Night).rgb,
            frame(&person, Light::Night).rgb
        );
        assert_ne!(
            frame(&person, Light::Night).rgb,
            frame(&other, Light::Night).rgb
        );
    }

    #[test]
    fn a_figure_of_a_few_pixels_is_still_a_figure() {
        let camera = Camera {
            width: 64,
            height: 64,
            eye: (0.0, 1.6),
            distance: 20.0,
            centre: (0.0, 4.0),
            view_height: 14.0,
        };
        let mut canvas = Canvas::new(camera, Light::SoftDaylight);
        draw(&mut canvas, &dressed(1), 0, 0.0, 0.0, &Dice::new(1));
        let ids = canvas.finish().ids;
        assert!(ids.iter().filter(|&&id| id == 3).count() >= 2);
        assert!(ids.iter().filter(|&&id| id == 4).count() >= 2);
    }
}
