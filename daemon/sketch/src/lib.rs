//! The embedded model: the world it learned from and its weights.
//!
//! [`world`] draws seeded storyboard frames with captions, masks and boxes.
//! The same code feeds training and serves tests as ground truth.

pub mod world;
