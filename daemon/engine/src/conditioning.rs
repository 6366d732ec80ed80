//! Prompts as the UNet sees them: a row of embeddings.

use candle_core::{DType, Result, Tensor};

use crate::prompt::PromptTokens;
use crate::text_encoder::ClipTextModel;

/// Embeddings of a prompt, (1, chunks · context, width), f32.
///
/// A token's weight multiplies its embedding; then the whole chunk is scaled
/// back to the mean it had, so that weights move attention without moving the
/// level (AUTOMATIC1111's convention). Chunks are laid end to end.
///
/// # Errors
/// Those of the text encoder.
pub fn encode(
    text_encoder: &ClipTextModel,
    tokens: &PromptTokens,
    clip_skip: usize,
    device: &candle_core::Device,
) -> Result<Tensor> {
    let mut rows = Vec::with_capacity(tokens.chunks.len());
    for chunk in &tokens.chunks {
        let ids = Tensor::new(tokens.ids(chunk), device)?.unsqueeze(0)?;
        let hidden = text_encoder
            .forward(&ids, clip_skip)?
            .to_dtype(DType::F32)?;
        rows.push(weighted(&hidden, &tokens.weights(chunk))?);
    }
    Tensor::cat(&rows, 1)
}

/// (1, tokens, width) with each token's embedding multiplied, the mean kept.
fn weighted(hidden: &Tensor, weights: &[f32]) -> Result<Tensor> {
    if weights.iter().all(|weight| *weight == 1.0) {
        return Ok(hidden.clone());
    }
    let mean = hidden.mean_all()?.to_scalar::<f32>()?;
    let weights = Tensor::new(weights, hidden.device())?.reshape((1, weights.len(), 1))?;
    let weighted = hidden.broadcast_mul(&weights)?;
    let new_mean = weighted.mean_all()?.to_scalar::<f32>()?;
    if new_mean == 0.0 {
        return Ok(weighted);
    }
    weighted * f64::from(mean / new_mean)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn weights_keep_the_mean() {
        let hidden = Tensor::new(&[[[1f32, 2.0], [3.0, 5.0], [-1.0, 4.0]]], &Device::Cpu).unwrap();
        let same = weighted(&hidden, &[1.0; 3]).unwrap();
        assert_eq!(
            same.to_vec3::<f32>().unwrap(),
            hidden.to_vec3::<f32>().unwrap()
        );
        let weighted = weighted(&hidden, &[1.0, 2.0, 1.0]).unwrap();
        let mean = |tensor: &Tensor| tensor.mean_all().unwrap().to_scalar::<f32>().unwrap();
        assert!((mean(&weighted) - mean(&hidden)).abs() < 1e-6);
        let rows = weighted.to_vec3::<f32>().unwrap().remove(0);
        // Between tokens the ratio is that of the weights.
        assert!((rows[1][0] / rows[0][0] - 6.0).abs() < 1e-5);
        assert!((rows[2][1] / rows[0][1] - 2.0).abs() < 1e-5);
    }
}
