//! The people of the world.
