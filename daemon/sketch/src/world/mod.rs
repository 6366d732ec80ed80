//! A procedural storyboard world in flat vector style.
//!
//! Everything is placed in metres (x right, y up, z away from the camera,
//! ground at y = 0) and drawn through a [`camera::Camera`] onto a
//! [`canvas::Canvas`], which keeps the picture and, pixel by pixel, what is
//! front-most there. All randomness comes from a [`dice::Dice`], so a seed is
//! a frame.

pub mod annotations;
pub mod camera;
pub mod canvas;
pub mod caption;
pub mod colour;
pub mod dice;
pub mod framing;
pub mod people;
pub mod scene;
pub mod settings;
