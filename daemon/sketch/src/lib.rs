//! The embedded model: the world it learned from, how it was trained, its weights.
