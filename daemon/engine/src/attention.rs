//! Attention over a picture's places and over a text.

use candle_core::{DType, Result, Tensor};

use crate::layers::{Conv2d, GroupNorm, LayerNorm, Linear};
use crate::ops;
use crate::region::Region;
use crate::weights::Weights;

/// A text that a picture attends to, and where.
#[derive(Debug, Clone)]
pub struct RegionText {
    /// (batch, tokens, width).
    pub embeddings: Tensor,
    /// How much of the attention it has in each place; all of it if `None`.
    /// Those of all texts make 1 in every place.
    pub region: Option<Region>,
}

/// Multi-head attention, Vaswani et al. 2017, as diffusers' `Attention`.
#[derive(Debug, Clone)]
pub struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
    head_dim: usize,
    upcast: bool,
}

impl Attention {
    /// Queries of `width`, keys and values made from `context_width`.
    pub fn new(
        weights: &Weights<'_>,
        width: usize,
        context_width: usize,
        heads: usize,
        bias: bool,
        upcast: bool,
    ) -> Self {
        Self {
            to_q: Linear::new(&weights.at("to_q"), width, width, bias),
            to_k: Linear::new(&weights.at("to_k"), context_width, width, bias),
            to_v: Linear::new(&weights.at("to_v"), context_width, width, bias),
            to_out: Linear::new(&weights.at("to_out.0"), width, width, true),
            heads,
            head_dim: width / heads.max(1),
            upcast,
        }
    }

    /// x (batch, tokens, width), context (batch, keys, context width) → the
    /// shape of x.
    pub fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let attended = self.attend(&self.to_q.forward(x)?, context, 0)?;
        self.to_out.forward(&attended)
    }

    /// The same for texts that share the picture: Σ mᵢ · attention to text i,
    /// before the output projection.
    pub fn forward_texts(&self, x: &Tensor, texts: &[RegionText]) -> Result<Tensor> {
        let q = self.to_q.forward(x)?;
        let mut sum = None::<Tensor>;
        for (number, text) in texts.iter().enumerate() {
            let mut attended = self.attend(&q, &text.embeddings, number)?;
            if let Some(region) = &text.region {
                let mask = region.at_tokens(x.dim(1)?, &attended)?;
                attended = attended.broadcast_mul(&mask)?;
            }
            sum = Some(match sum {
                Some(sum) => (sum + attended)?,
                None => attended,
            });
        }
        match sum {
            Some(sum) => self.to_out.forward(&sum),
            None => candle_core::bail!("there is no text to attend to"),
        }
    }

    /// What queries find in the text of that number.
    fn attend(&self, q: &Tensor, context: &Tensor, text: usize) -> Result<Tensor> {
        let mut k = self.to_k.forward_text(context, text)?;
        let mut v = self.to_v.forward_text(context, text)?;
        let mut q = q.clone();
        let dtype = v.dtype();
        if self.upcast {
            q = q.to_dtype(DType::F32)?;
            k = k.to_dtype(DType::F32)?;
            v = v.to_dtype(DType::F32)?;
        }
        let scale = (self.head_dim as f64).powf(-0.5);
        ops::attention(&q, &k, &v, self.heads, scale, None)?.to_dtype(dtype)
    }
}

/// Self-attention over the places of a picture with its own normalisation and
/// shortcut: the VAE's middle, and the UNet's AttnDownBlock2D.
#[derive(Debug, Clone)]
pub struct SpatialSelfAttention {
    group_norm: GroupNorm,
    attention: Attention,
}

impl SpatialSelfAttention {
    /// Builds it from diffusers' names.
    pub fn new(
        weights: &Weights<'_>,
        channels: usize,
        heads: usize,
        groups: usize,
        eps: f64,
    ) -> Self {
        Self {
            group_norm: GroupNorm::new(&weights.at("group_norm"), groups, channels, eps),
            attention: Attention::new(weights, channels, channels, heads, true, false),
        }
    }

    /// (batch, channels, h, w) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let tokens = to_tokens(&self.group_norm.forward(x)?)?;
        let attended = self.attention.forward(&tokens, &tokens)?;
        from_tokens(&attended, height, width)? + x
    }
}

/// Self-attention, attention to the context, gated feed-forward.
#[derive(Debug, Clone)]
struct TransformerBlock {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff_in: Linear,
    ff_out: Linear,
}

impl TransformerBlock {
    fn new(
        weights: &Weights<'_>,
        width: usize,
        heads: usize,
        context: usize,
        upcast: bool,
    ) -> Self {
        const EPS: f64 = 1e-5;
        let inner = 4 * width;
        let attention = |name: &str, context: usize| {
            Attention::new(&weights.at(name), width, context, heads, false, upcast)
        };
        Self {
            norm1: LayerNorm::new(&weights.at("norm1"), width, EPS),
            attn1: attention("attn1", width),
            norm2: LayerNorm::new(&weights.at("norm2"), width, EPS),
            attn2: attention("attn2", context),
            norm3: LayerNorm::new(&weights.at("norm3"), width, EPS),
            ff_in: Linear::new(&weights.at("ff.net.0.proj"), width, 2 * inner, true),
            ff_out: Linear::new(&weights.at("ff.net.2"), inner, width, true),
        }
    }

    fn forward(&self, x: &Tensor, texts: &[RegionText]) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        let x = (self.attn1.forward(&normed, &normed)? + x)?;
        let normed = self.norm2.forward(&x)?;
        let x = (self.attn2.forward_texts(&normed, texts)? + x)?;
        let inner = ops::geglu(&self.ff_in.forward(&self.norm3.forward(&x)?)?)?;
        self.ff_out.forward(&inner)? + x
    }
}

/// How an attention block enters and leaves the transformer's width.
#[derive(Debug, Clone)]
enum Projection {
    Linear(Linear),
    Conv(Conv2d),
}

impl Projection {
    fn new(weights: &Weights<'_>, channels: usize, linear: bool) -> Self {
        if linear {
            Self::Linear(Linear::new(weights, channels, channels, true))
        } else {
            Self::Conv(Conv2d::pointwise(weights, channels, channels))
        }
    }
}

/// Transformer blocks over a picture's places that attend to the text, as
/// diffusers' `Transformer2DModel`.
#[derive(Debug, Clone)]
pub struct SpatialTransformer {
    norm: GroupNorm,
    proj_in: Projection,
    blocks: Vec<TransformerBlock>,
    proj_out: Projection,
}

/// What the attention blocks of one UNet block have in common.
#[derive(Debug, Clone, Copy)]
pub struct TransformerStyle {
    /// Attention heads.
    pub heads: usize,
    /// Transformer blocks in a row.
    pub layers: usize,
    /// Width of the context.
    pub context: usize,
    /// Groups of the normalisation.
    pub groups: usize,
    /// Linear projections instead of 1×1 convolutions.
    pub linear_projection: bool,
    /// Scores in f32.
    pub upcast: bool,
}

impl SpatialTransformer {
    /// Builds it from diffusers' names.
    pub fn new(weights: &Weights<'_>, channels: usize, style: TransformerStyle) -> Self {
        let project =
            |name: &str| Projection::new(&weights.at(name), channels, style.linear_projection);
        Self {
            norm: GroupNorm::new(&weights.at("norm"), style.groups, channels, 1e-6),
            proj_in: project("proj_in"),
            blocks: (0..style.layers)
                .map(|i| {
                    let weights = weights.at(format!("transformer_blocks.{i}"));
                    let TransformerStyle {
                        heads,
                        context,
                        upcast,
                        ..
                    } = style;
                    TransformerBlock::new(&weights, channels, heads, context, upcast)
                })
                .collect(),
            proj_out: project("proj_out"),
        }
    }

    /// x (batch, channels, h, w) and the texts that it attends to → the shape
    /// of x.
    pub fn forward(&self, x: &Tensor, texts: &[RegionText]) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let normed = self.norm.forward(x)?;
        let mut tokens = match &self.proj_in {
            Projection::Linear(linear) => linear.forward(&to_tokens(&normed)?)?,
            Projection::Conv(conv) => to_tokens(&conv.forward(&normed)?)?,
        };
        for block in &self.blocks {
            tokens = block.forward(&tokens, texts)?;
        }
        let hidden = match &self.proj_out {
            Projection::Linear(linear) => from_tokens(&linear.forward(&tokens)?, height, width)?,
            Projection::Conv(conv) => conv.forward(&from_tokens(&tokens, height, width)?)?,
        };
        hidden + x
    }
}

/// (batch, channels, h, w) → (batch, h·w, channels).
fn to_tokens(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.transpose(1, 2)?.contiguous()
}

/// (batch, h·w, channels) → (batch, channels, h, w).
fn from_tokens(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (batch, _, channels) = x.dims3()?;
    x.transpose(1, 2)?
        .contiguous()?
        .reshape((batch, channels, height, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    const PLACES: usize = 6 * 4;

    fn attention() -> Attention {
        let new = |weights: &Weights<'_>| Attention::new(weights, 8, 5, 2, true, false);
        let parameters = Weights::parameters(new).unwrap();
        tiny::build(&tiny::tensors(parameters), new)
    }

    /// A mask that grows from left to right in a picture of 4 by 6 places.
    fn slope(up: bool) -> Option<Region> {
        let values = (0..PLACES).map(|at| {
            let share = ((at % 6) as f32 / 4.0).clamp(0.0, 1.0);
            if up { share } else { 1.0 - share }
        });
        Some(Region::new(values.collect(), 4, 6).unwrap())
    }

    fn text(name: &str, region: Option<Region>) -> RegionText {
        RegionText {
            embeddings: tiny::numbers(name, &[1, 7, 5]),
            region,
        }
    }

    #[test]
    fn texts_share_the_picture_by_their_masks() {
        let attention = attention();
        let x = tiny::numbers("x", &[1, PLACES, 8]);
        let of = |texts: &[RegionText]| attention.forward_texts(&x, texts).unwrap();
        let alone = of(&[text("a", None)]);
        let plain = attention.forward(&x, &text("a", None).embeddings).unwrap();
        assert_eq!(tiny::max_difference(&alone, &plain), 0.0);
        let same = of(&[text("a", slope(false)), text("a", slope(true))]);
        assert!(tiny::max_difference(&same, &alone) < 1e-6);

        let mixed = of(&[text("a", slope(false)), text("b", slope(true))]);
        let other = of(&[text("b", None)]);
        for place in 0..PLACES {
            let at = |y: &Tensor| y.narrow(1, place, 1).unwrap();
            let share = ((place % 6) as f64 / 4.0).clamp(0.0, 1.0);
            let expected = (at(&alone) * (1.0 - share)).unwrap() + (at(&other) * share).unwrap();
            let difference = tiny::max_difference(&at(&mixed), &expected.unwrap());
            assert!(difference < 1e-5, "place {place}: {difference}");
        }
        assert!(attention.forward_texts(&x, &[]).is_err());
    }
}
