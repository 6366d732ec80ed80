//! Pieces that several settings share.

pub(super) mod building;
pub(super) mod furniture;
pub(super) mod nature;
pub(super) mod room;
pub(super) mod sky;
pub(super) mod weather;
pub(super) mod window;
