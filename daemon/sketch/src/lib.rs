//! The embedded model: the world it learned from and its weights.
//!
//! [`world`] draws seeded storyboard frames with captions, masks and boxes: it feeds training and
//! serves tests as ground truth. [`weights`] are what came of the training.

#[cfg(feature = "weights")]
pub mod weights;
#[cfg(feature = "world")]
pub mod world;
