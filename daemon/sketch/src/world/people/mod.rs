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
    head.draw(&mut pen, &hair);
    for i in 0..2 {
        if !body.arms[i].behind_torso {
            if i == body.active {
                held(&mut pen);
            }
            figure.arm(&mut pen, i);
        }
    }
}
