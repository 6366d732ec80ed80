//! What the daemon needs of an engine.
//!
//! Everything that knows engine types stands behind these traits, so the
//! queue, the connections and the protocol are tested without a network.

use std::path::PathBuf;

use framewright_library::Model;
use framewright_protocol::{FrameResult, GenerateParams, TokensResult, WireError};
use image::{DynamicImage, RgbImage};
use serde_json::Value;

use crate::order::Order;
use crate::segmentation::{Answer, Found, Question};

/// Draws; lives on the engine thread and keeps a model in memory.
pub trait Renderer {
    /// Checks the order against the model, loading it first if it must, and
    /// draws the initial noise.
    ///
    /// # Errors
    /// What is wrong with the order or the model.
    fn start(&mut self, order: &Order) -> Result<Box<dyn Drawing>, WireError>;

    /// The name of the model in memory.
    fn model(&self) -> Option<String>;

    /// Lets the model go.
    fn unload(&mut self);
}

/// A frame in the making. It is suspended by leaving it alone.
pub trait Drawing {
    /// Denoising steps in all.
    fn steps(&self) -> u32;

    /// Width and height of the frame, pixels.
    fn size(&self) -> (u32, u32);

    /// What a person should know: a rounded size, keys of the model that are not used.
    fn notices(&self) -> Vec<String>;

    /// Makes one denoising step.
    ///
    /// # Errors
    /// What went wrong; the drawing is of no use then.
    fn step(&mut self) -> Result<(), WireError>;

    /// How the frame looks so far.
    ///
    /// # Errors
    /// What went wrong; the drawing can go on.
    fn preview(&self) -> Result<RgbImage, WireError>;

    /// The frame, after the last step: a PNG with its provenance.
    ///
    /// # Errors
    /// What went wrong.
    fn finish(self: Box<Self>) -> Result<FrameResult, WireError>;
}

/// A frame as its PNG remembers it.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The request that makes it again, with everything spelt out. `image` is
    /// missing: a PNG does not hold the picture that its frame started from;
    /// `strength` tells that there was one.
    pub request: GenerateParams,
    /// What [`Reader::png`] was given.
    pub inpainting: Option<Value>,
    /// Everything that the PNG says.
    pub provenance: Value,
}

/// Reads files, prompts and pictures; is used from any thread.
pub trait Reader: Send + Sync {
    /// What the engine computes on.
    fn device(&self) -> String;

    /// Checks what needs no model: names that only the engine knows.
    ///
    /// # Errors
    /// `invalid_params`.
    fn check(&self, order: &Order) -> Result<(), WireError>;

    /// What a PNG says about how it was made.
    ///
    /// # Errors
    /// When it says nothing, or nothing that can be understood.
    fn remember(&self, png: &[u8]) -> Result<Remembered, WireError>;

    /// The side of the square at which the model draws well, pixels.
    ///
    /// # Errors
    /// When its files cannot be read.
    fn native_side(&self, model: &Model) -> Result<u32, WireError>;

    /// A PNG of a picture with a provenance, which it is as to everything but
    /// `request`: what the daemon needs to make it again.
    ///
    /// # Errors
    /// `internal`.
    fn png(
        &self,
        picture: &DynamicImage,
        provenance: &mut Value,
        request: Value,
    ) -> Result<Vec<u8>, WireError>;

    /// What is not the same in two provenances, one sentence each.
    fn differences(&self, before: &Value, after: &Value) -> Vec<String>;

    /// The segmenters, and where they are looked for.
    fn segmenters(&self) -> (Vec<Found>, PathBuf);

    /// Masks of what is meant on a picture. May take seconds; `wanted` is asked
    /// now and then, and ends the work when it says no.
    ///
    /// # Errors
    /// `not_found` without a segmenter of that name, `model_unusable`,
    /// `invalid_params`, `cancelled`.
    fn segment(
        &self,
        question: &Question,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Answer, WireError>;

    /// How the model's tokenizer reads a prompt.
    ///
    /// # Errors
    /// When the model has no usable tokenizer.
    fn tokens(&self, model: &Model, prompt: &str) -> Result<TokensResult, WireError>;

    /// What the model's files hold.
    ///
    /// # Errors
    /// When they cannot be read.
    fn inspect(&self, model: &Model) -> Result<Value, WireError>;
}
