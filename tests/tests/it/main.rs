//! End to end: the command and the daemon as a user has them, each test with a
//! home of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod again;
mod architecture;
mod board_review;
mod boards;
mod cancel;
mod daemon;
mod durability;
mod generate;
mod harness;
mod inpaint;
mod install;
mod jobs;
mod language_model;
mod library;
mod loras;
mod messages;
mod models;
mod planners;
mod refusals;
mod scenes;
mod segment;
mod sketch;
mod terminal;
