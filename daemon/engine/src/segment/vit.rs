//! The paper's image encoder: a plain ViT with windows and decomposed relative
//! positions. Li et al., *Exploring Plain Vision Transformer Backbones*, 2022.

use candle_core::{Device, Result, Tensor};

use super::config::{SegmenterConfig, VitConfig};
use super::norms::{Neck, from_windows, windows};
use crate::layers::{Conv2d, LayerNorm, Linear};
use crate::ops;
use crate::weights::Weights;

const EPS: f64 = 1e-6;

/// The encoder.
#[derive(Debug, Clone)]
pub(super) struct Vit {
    patches: Conv2d,
    positions: Tensor,
    blocks: Vec<Block>,
    neck: Neck,
}

#[derive(Debug, Clone)]
struct Block {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    lin1: Linear,
    lin2: Linear,
    /// Side of its windows; none attends to everything.
    window: Option<usize>,
}

/// Attention in which a query also weighs how far away a key is, along each
/// axis.
#[derive(Debug, Clone)]
struct Attention {
    qkv: Linear,
    proj: Linear,
    /// For each pair of rows, and of columns: (side, side, head).
    rows: Tensor,
    columns: Tensor,
    /// For each key, which row and which column it is in: (side², 2 · side).
    place: Tensor,
    heads: usize,
    head: usize,
    side: usize,
}

impl Vit {
    pub(super) fn new(
        weights: &Weights<'_>,
        vit: &VitConfig,
        config: &SegmenterConfig,
    ) -> Result<Self> {
        let grid = config.grid();
        let block = |i: usize| {
            let weights = weights.at(format!("blocks.{i}"));
            let window = (!vit.global.contains(&i)).then_some(vit.window);
            let side = window.unwrap_or(grid);
            Ok(Block {
                norm1: LayerNorm::new(&weights.at("norm1"), vit.width, EPS),
                attention: Attention::new(&weights.at("attn"), vit.width, vit.heads, side)?,
                norm2: LayerNorm::new(&weights.at("norm2"), vit.width, EPS),
                lin1: Linear::new(&weights.at("mlp.lin1"), vit.width, vit.mlp, true),
                lin2: Linear::new(&weights.at("mlp.lin2"), vit.mlp, vit.width, true),
                window,
            })
        };
        let patches = weights.at("patch_embed.proj");
        Ok(Self {
            patches: Conv2d::new(&patches, 3, vit.width, vit.patch, vit.patch, 0),
            positions: weights.get("pos_embed", &[1, grid, grid, vit.width]),
            blocks: (0..vit.depth).map(block).collect::<Result<_>>()?,
            neck: Neck::new(&weights.at("neck"), vit.width, config.width),
        })
    }

    /// x (1, 3, side, side) → (1, width, grid, grid). `between` is asked
    /// before each block; its error ends the work.
    pub(super) fn forward<E: From<candle_core::Error>>(
        &self,
        x: &Tensor,
        mut between: impl FnMut() -> std::result::Result<(), E>,
    ) -> std::result::Result<Tensor, E> {
        let x = self.patches.forward(x)?.permute((0, 2, 3, 1))?;
        let mut x = (x + &self.positions)?;
        for block in &self.blocks {
            between()?;
            x = block.forward(&x)?;
        }
        Ok(self.neck.forward(&x.permute((0, 3, 1, 2))?.contiguous()?)?)
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        let normed = self.norm1.forward(x)?;
        let attended = match self.window {
            Some(side) => {
                let attended = self.attention.forward(&windows(&normed, side)?)?;
                from_windows(&attended, side, (batch, height, width))?
            }
            None => {
                let tokens = normed.reshape((batch, height * width, channels))?;
                let attended = self.attention.forward(&tokens)?;
                attended.reshape((batch, height, width, channels))?
            }
        };
        let x = (x + attended)?;
        let inner = ops::gelu_erf(&self.lin1.forward(&self.norm2.forward(&x)?)?)?;
        x + self.lin2.forward(&inner)?
    }
}

impl Attention {
    fn new(weights: &Weights<'_>, width: usize, heads: usize, side: usize) -> Result<Self> {
        let head = width / heads;
        let distances = |name: &str| by_pair(&weights.get(name, &[2 * side - 1, head]), side);
        let rows = distances("rel_pos_h")?;
        Ok(Self {
            qkv: Linear::new(&weights.at("qkv"), width, 3 * width, true),
            proj: Linear::new(&weights.at("proj"), width, width, true),
            place: places(side, rows.device())?.to_dtype(rows.dtype())?,
            rows,
            columns: distances("rel_pos_w")?,
            heads,
            head,
            side,
        })
    }

    /// x (batch, side², width) → the same shape.
    ///
    /// A score is scale·q·k, plus what q says of the key's row and of its
    /// column. The two become further numbers of q, and of k the 1 in the
    /// place of its row and column: so the scores are one product again, and
    /// never have to be held all at once.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        let (heads, head, side) = (self.heads, self.head, self.side);
        let qkv = self.qkv.forward(x)?;
        let part = |i: usize| {
            let part = qkv.narrow(2, i * width, width)?.contiguous()?;
            part.reshape((batch, tokens, heads, head))
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);

        // (batch, row, column, heads, head) with the row, or the column, first.
        let q_places = q.reshape(vec![batch, side, side, heads, head])?;
        let by_row = q_places.permute([1, 0, 2, 3, 4])?.contiguous()?;
        let by_row = by_row.reshape((side, batch * side * heads, head))?;
        let rows = by_row.matmul(&self.rows.transpose(1, 2)?.contiguous()?)?;
        let rows = rows.reshape(vec![side, batch, side, heads, side])?;
        let rows = rows.permute([1, 0, 2, 3, 4])?.contiguous()?;
        let by_column = q_places.permute([2, 0, 1, 3, 4])?.contiguous()?;
        let by_column = by_column.reshape((side, batch * side * heads, head))?;
        let columns = by_column.matmul(&self.columns.transpose(1, 2)?.contiguous()?)?;
        let columns = columns.reshape(vec![side, batch, side, heads, side])?;
        let columns = columns.permute([1, 2, 0, 3, 4])?.contiguous()?;

        let longer = (batch, tokens, heads, side);
        let q = (q * (head as f64).powf(-0.5))?;
        let q = Tensor::cat(&[&q, &rows.reshape(longer)?, &columns.reshape(longer)?], 3)?;
        let place = self.place.reshape((1, tokens, 1, 2 * side))?;
        let place = place.broadcast_as((batch, tokens, heads, 2 * side))?;
        let k = Tensor::cat(&[&k, &place.contiguous()?], 3)?;
        let v = v.pad_with_zeros(3, 0, 2 * side)?;

        let all = (batch, tokens, heads * (head + 2 * side));
        let (q, k, v) = (q.reshape(all)?, k.reshape(all)?, v.reshape(all)?);
        let attended = ops::attention(&q, &k, &v, heads, 1.0, None)?;
        let attended = attended.reshape((batch, tokens, heads, head + 2 * side))?;
        let attended = attended.narrow(3, 0, head)?.contiguous()?;
        self.proj
            .forward(&attended.reshape((batch, tokens, width))?)
    }
}

/// From one embedding for each distance, (2 · side − 1, head), one for each
/// pair of places: (side, side, head).
fn by_pair(distances: &Tensor, side: usize) -> Result<Tensor> {
    let head = distances.dim(1)?;
    let index: Vec<u32> = (0..side)
        .flat_map(|query| (0..side).map(move |key| (query + side - 1 - key) as u32))
        .collect();
    let index = Tensor::from_vec(index, side * side, distances.device())?;
    distances
        .contiguous()?
        .index_select(&index, 0)?
        .reshape((side, side, head))
}

/// For each place, a 1 at its row and one at its column.
fn places(side: usize, device: &Device) -> Result<Tensor> {
    let mut places = vec![0f32; side * side * 2 * side];
    for (token, place) in places.chunks_exact_mut(2 * side).enumerate() {
        place[token / side] = 1.0;
        place[side + token % side] = 1.0;
    }
    Tensor::from_vec(places, (side * side, 2 * side), device)
}
