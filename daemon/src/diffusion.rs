//! The engine behind the daemon's traits.

use framewright_library::Model;
use framewright_protocol::{ErrorCode, TokensResult, WireError};
use serde_json::Value;

use crate::order::Order;
use crate::renderer::{Drawing, Reader, Remembered, Renderer};

/// Draws with a pipeline that stays in memory.
#[derive(Default)]
pub struct Diffusion;

/// Reads models and PNGs.
pub struct Files;

fn missing() -> WireError {
    WireError::new(ErrorCode::Unsupported, "this build has no engine")
}

impl Renderer for Diffusion {
    fn start(&mut self, _order: &Order) -> Result<Box<dyn Drawing>, WireError> {
        Err(missing())
    }

    fn model(&self) -> Option<String> {
        None
    }
}

impl Reader for Files {
    fn device(&self) -> String {
        "cpu".to_owned()
    }

    fn check(&self, _order: &Order) -> Result<(), WireError> {
        Ok(())
    }

    fn remember(&self, _png: &[u8]) -> Result<Remembered, WireError> {
        Err(missing())
    }

    fn differences(&self, _before: &Value, _after: &Value) -> Vec<String> {
        Vec::new()
    }

    fn tokens(&self, _model: &Model, _prompt: &str) -> Result<TokensResult, WireError> {
        Err(missing())
    }

    fn inspect(&self, _model: &Model) -> Result<Value, WireError> {
        Err(missing())
    }
}
