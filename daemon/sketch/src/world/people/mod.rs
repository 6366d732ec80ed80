//! The people of the world.

mod landmarks;
mod person;

pub use landmarks::{Landmarks, landmarks};
pub use person::{Class, Facing, HairLength, Held, Mood, Person, Pose};

use super::canvas::Canvas;
use super::dice::Dice;

/// Draws a person standing at `x`, `z` (metres). Writes the tags
/// `1 + index * 16 + part`; parts: 0 skin of head and neck, 1 hair, 2 top,
/// 3 trousers, 4 skin of arms and hands, 5 shoes, 6 hat, 7 held object,
/// 8 other.
pub fn draw(_canvas: &mut Canvas, _person: &Person, _index: usize, _x: f32, _z: f32, _dice: &Dice) {
}
