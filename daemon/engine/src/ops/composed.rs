//! Each operation as candle operations that all have a backward pass, on any
//! device and in any type.

use candle_core::{D, DType, Result, Tensor};

use super::gradients_flow;

/// Most score elements (queries × keys, all heads of a slice) that
/// [`attention`] holds at once: 64 MiB in f32.
const ATTENTION_SLICE_ELEMENTS: usize = 16 << 20;

/// `x Wᵀ + b`: x (…, inputs), w (outputs, inputs), b (outputs) → (…, outputs).
pub fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    let (outputs, inputs) = w.dims2()?;
    let rows = x.elem_count() / inputs.max(1);
    let y = x.reshape((rows, inputs))?.matmul(&w.t()?)?;
    let y = match b {
        Some(b) => y.broadcast_add(b)?,
        None => y,
    };
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    y.reshape(shape)
}

/// Two-dimensional convolution with the same zero `padding` on all four sides:
/// x (batch, in, h, w), w (out, in, kh, kw), b (out) → (batch, out, h', w').
pub fn conv2d(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (outputs, inputs, kh, kw) = w.dims4()?;
    let y = if (kh, kw, stride, padding) == (1, 1, 1, 0) {
        // One matrix product, without laying the picture out anew.
        let (batch, channels, height, width) = x.dims4()?;
        if channels != inputs {
            candle_core::bail!("conv2d: {channels} channels in, the kernel expects {inputs}");
        }
        let w = w.reshape((1, outputs, inputs))?;
        let w = w.broadcast_as((batch, outputs, inputs))?;
        // A copy of a kernel this small is cheaper than a strided product.
        let w = if batch == 1 { w } else { w.contiguous()? };
        w.matmul(&x.reshape((batch, channels, height * width))?)?
            .reshape((batch, outputs, height, width))?
    } else {
        x.conv2d(w, padding, stride, 1, 1)?
    };
    match b {
        Some(b) => y.broadcast_add(&b.reshape((1, outputs, 1, 1))?),
        None => Ok(y),
    }
}

/// Group normalisation over (channels / groups, …spatial), then the affine map
/// by channel, then SiLU where `silu` is set. x (batch, channels, …), w and b
/// (channels). Statistics are taken in f32. Wu & He 2018.
pub fn group_norm(
    x: &Tensor,
    groups: usize,
    w: &Tensor,
    b: &Tensor,
    eps: f64,
    silu: bool,
) -> Result<Tensor> {
    let shape = x.dims().to_vec();
    let (batch, channels) = match shape.as_slice() {
        [batch, channels, ..] => (*batch, *channels),
        _ => candle_core::bail!("group_norm: expected (batch, channels, …), got {shape:?}"),
    };
    if groups == 0 || channels % groups != 0 {
        candle_core::bail!("group_norm: {channels} channels do not divide into {groups} groups");
    }
    let dtype = x.dtype();
    let grouped = x
        .reshape((batch, groups, x.elem_count() / (batch * groups)))?
        .to_dtype(statistics_dtype(dtype))?;
    let normed = normalise_last(&grouped, eps)?
        .to_dtype(dtype)?
        .reshape(shape.as_slice())?;
    let mut by_channel = vec![1; shape.len()];
    by_channel[1] = channels;
    let y = normed
        .broadcast_mul(&w.reshape(by_channel.as_slice())?)?
        .broadcast_add(&b.reshape(by_channel.as_slice())?)?;
    if silu { y.silu() } else { Ok(y) }
}

/// Layer normalisation over the last dimension, with affine map; w and b have
/// that dimension. Statistics are taken in f32. Ba et al. 2016.
pub fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    let dtype = x.dtype();
    normalise_last(&x.to_dtype(statistics_dtype(dtype))?, eps)?
        .to_dtype(dtype)?
        .broadcast_mul(w)?
        .broadcast_add(b)
}

/// Attention by scaled dot products: q (batch, queries, heads·d), k and v
/// (batch, keys, heads·d) → (batch, queries, heads·d). `mask` is added to the
/// scores and must broadcast to (batch, heads, queries, keys).
///
/// Where no gradient is asked for, heads and queries are taken in slices so
/// that the scores never need more than 64 MiB (or one row of them).
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    scale: f64,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, queries, width) = q.dims3()?;
    let keys = k.dim(1)?;
    let split = |x: &Tensor| -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        x.reshape((batch, tokens, heads, width / heads))?
            .transpose(1, 2)?
            .contiguous()
    };
    let q = (split(q)? * scale)?;
    let k = split(k)?;
    let v = split(v)?;

    let attend = |q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>| -> Result<Tensor> {
        let scores = q.matmul(&k.t()?)?;
        let dtype = scores.dtype();
        let scores = scores.to_dtype(statistics_dtype(dtype))?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?,
            None => scores,
        };
        softmax_last(&scores)?.to_dtype(dtype)?.matmul(v)
    };

    let joined = if gradients_flow(&[&q, &k, &v])
        || batch * heads * queries * keys <= ATTENTION_SLICE_ELEMENTS
    {
        attend(&q, &k, &v, mask)?
    } else {
        let rows = (ATTENTION_SLICE_ELEMENTS / keys.max(1)).clamp(1, queries);
        let mask = mask
            .map(|mask| mask.broadcast_as((batch, heads, queries, keys)))
            .transpose()?;
        let mut by_batch = Vec::with_capacity(batch);
        for n in 0..batch {
            let mut by_head = Vec::with_capacity(heads);
            for head in 0..heads {
                let part = |x: &Tensor| x.narrow(0, n, 1)?.narrow(1, head, 1);
                let (q, k, v) = (part(&q)?, part(&k)?, part(&v)?);
                let mask = mask.as_ref().map(part).transpose()?;
                let mut by_rows = Vec::with_capacity(queries.div_ceil(rows));
                for start in (0..queries).step_by(rows) {
                    let length = rows.min(queries - start);
                    let mask = mask
                        .as_ref()
                        .map(|mask| mask.narrow(2, start, length))
                        .transpose()?;
                    by_rows.push(attend(&q.narrow(2, start, length)?, &k, &v, mask.as_ref())?);
                }
                by_head.push(Tensor::cat(&by_rows, 2)?);
            }
            by_batch.push(Tensor::cat(&by_head, 1)?);
        }
        Tensor::cat(&by_batch, 0)?
    };
    joined.transpose(1, 2)?.reshape((batch, queries, width))
}

/// GELU by the error function, `x Φ(x)`, as diffusers and transformers compute
/// `gelu` (not the tanh approximation). Hendrycks & Gimpel 2016.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    x.gelu_erf()
}

/// The gated unit of Shazeer 2020 as diffusers lays it out: the last dimension
/// of x holds value and gate, → value · gelu(gate), of half that size.
pub fn geglu(x: &Tensor) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let value = x.narrow(D::Minus1, 0, half)?;
    let gate = x.narrow(D::Minus1, half, half)?.contiguous()?;
    value * gelu_erf(&gate)?
}

/// `x σ(x)`.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    x.silu()
}

/// `x σ(1.702 x)`, OpenAI CLIP's activation.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    let gate = ((x * -1.702)?.exp()? + 1.0)?.recip()?;
    x * gate
}

/// Each pixel becomes 2×2: (batch, c, h, w) → (batch, c, 2h, 2w).
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    upsample_nearest(x, 2 * height, 2 * width)
}

/// Nearest neighbour, to any size: (batch, c, h, w) → (batch, c, height, width).
/// A gradient passes only where both factors are whole and equal.
pub fn upsample_nearest(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    x.upsample_nearest2d(height, width)
}

/// Softmax over the last dimension, of operations that have a backward pass.
fn softmax_last(x: &Tensor) -> Result<Tensor> {
    // The maximum is only there to keep exp finite: its gradient is zero.
    let max = x.detach().max_keepdim(D::Minus1)?;
    let exp = x.broadcast_sub(&max)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

/// (x − mean) / √(variance + eps) over the last dimension.
fn normalise_last(x: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    centred.broadcast_div(&(variance + eps)?.sqrt()?)
}

/// Sums over many half-precision numbers are taken in f32.
fn statistics_dtype(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    }
}
