//! The operations as kernels for f32 on the CPU, without a backward pass.

use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{CpuStorage, D, DType, Error, InplaceOp3, Layout, Result, Storage, Tensor};
use framewright_kernels as kernels;
use kernels::{Activation, AttentionShape, ConvShape, GroupNormShape, Padding};

/// Cleared by [`super::set_fused`].
static ENABLED: AtomicBool = AtomicBool::new(true);

/// As [`super::set_fused`].
pub fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Whether the kernels serve these operands: f32 on the CPU, no gradient asked
/// for.
pub fn serve(operands: &[Option<&Tensor>]) -> bool {
    ENABLED.load(Ordering::Relaxed)
        && operands
            .iter()
            .flatten()
            .all(|x| x.device().is_cpu() && x.dtype() == DType::F32 && !x.track_op())
}

/// A tensor's numbers, in order.
struct Numbers<S> {
    storage: S,
    range: Range<usize>,
}

impl<S: Deref<Target = Storage>> Numbers<S> {
    fn slice(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(numbers)) => Ok(&numbers[self.range.clone()]),
            _ => candle_core::bail!("the kernels work on f32 on the CPU only"),
        }
    }
}

/// Locks a contiguous tensor's numbers for reading.
fn numbers(x: &Tensor) -> Result<Numbers<impl Deref<Target = Storage> + '_>> {
    let (storage, layout) = x.storage_and_layout();
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(Numbers {
            storage,
            range: start..end,
        }),
        None => candle_core::bail!("the kernels work on contiguous tensors only"),
    }
}

/// Makes a tensor of `dims` that `fill` writes.
fn make(
    dims: Vec<usize>,
    like: &Tensor,
    fill: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let mut output = vec![0f32; dims.iter().product()];
    fill(&mut output)?;
    Tensor::from_vec(output, dims, like.device())
}

/// As [`super::linear`].
pub fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    let (outputs, inputs) = w.dims2()?;
    let mut dims = x.dims().to_vec();
    let rows = x.elem_count() / inputs.max(1);
    match dims.last_mut() {
        Some(last) if *last == inputs => *last = outputs,
        _ => candle_core::bail!(
            "linear: the weight takes {inputs} inputs, got {:?}",
            x.dims()
        ),
    }
    let (x, w, b) = (
        x.contiguous()?,
        w.contiguous()?,
        b.map(Tensor::contiguous).transpose()?,
    );
    make(dims, &x, |output| {
        let b = b.as_ref().map(numbers).transpose()?;
        let b = b.as_ref().map(Numbers::slice).transpose()?;
        let (x, w) = (numbers(&x)?, numbers(&w)?);
        kernels::linear(rows, inputs, outputs, x.slice()?, w.slice()?, b, output)
            .map_err(Error::wrap)
    })
}

/// Adds a product to numbers that are there.
enum Add {
    /// x (rows, inputs) to y (rows, outputs).
    Linear {
        rows: usize,
        inputs: usize,
        outputs: usize,
    },
    /// x (batch, inputs, pixels) to y (batch, outputs, pixels).
    Pointwise {
        batch: usize,
        inputs: usize,
        outputs: usize,
        pixels: usize,
    },
}

impl InplaceOp3 for Add {
    fn name(&self) -> &'static str {
        "product-add"
    }

    fn cpu_fwd(
        &self,
        y: &mut CpuStorage,
        y_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<()> {
        let offsets = |layout: &Layout| match layout.contiguous_offsets() {
            Some((start, end)) => Ok(start..end),
            None => candle_core::bail!("the kernels work on contiguous tensors only"),
        };
        let (y_range, x_range, w_range) =
            (offsets(y_layout)?, offsets(x_layout)?, offsets(w_layout)?);
        let (CpuStorage::F32(y), CpuStorage::F32(x), CpuStorage::F32(w)) = (y, x, w) else {
            candle_core::bail!("the kernels work on f32 on the CPU only");
        };
        let (y, x, w) = (&mut y[y_range], &x[x_range], &w[w_range]);
        match *self {
            Self::Linear {
                rows,
                inputs,
                outputs,
            } => kernels::linear_add(rows, inputs, outputs, x, w, y),
            Self::Pointwise {
                batch,
                inputs,
                outputs,
                pixels,
            } => kernels::pointwise_add(batch, inputs, outputs, pixels, x, w, y),
        }
        .map_err(Error::wrap)
    }
}

/// As [`super::linear_add`].
pub fn linear_add(y: Tensor, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = w.dims2()?;
    let rows = x.elem_count() / inputs.max(1);
    let add = Add::Linear {
        rows,
        inputs,
        outputs,
    };
    y.inplace_op3(&x.contiguous()?, &w.contiguous()?, &add)?;
    Ok(y)
}

/// As [`super::pointwise_add`].
pub fn pointwise_add(y: Tensor, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let (batch, inputs, height, width) = x.dims4()?;
    let add = Add::Pointwise {
        batch,
        inputs,
        outputs: w.dim(0)?,
        pixels: height * width,
    };
    y.inplace_op3(&x.contiguous()?, &w.contiguous()?, &add)?;
    Ok(y)
}

/// As [`super::conv2d`].
pub fn conv2d(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (batch, in_channels, height, width) = x.dims4()?;
    let (out_channels, _, kernel_height, kernel_width) = w.dims4()?;
    let shape = ConvShape {
        batch,
        in_channels,
        out_channels,
        height,
        width,
        kernel: (kernel_height, kernel_width),
        stride,
        padding: Padding::same(padding),
    };
    let (x, w, b) = (
        x.contiguous()?,
        w.contiguous()?,
        b.map(Tensor::contiguous).transpose()?,
    );
    let dims = vec![batch, out_channels, shape.out_height(), shape.out_width()];
    make(dims, &x, |output| {
        let b = b.as_ref().map(numbers).transpose()?;
        let b = b.as_ref().map(Numbers::slice).transpose()?;
        let (x, w) = (numbers(&x)?, numbers(&w)?);
        kernels::conv2d(&shape, x.slice()?, w.slice()?, b, output).map_err(Error::wrap)
    })
}

/// As [`super::group_norm`].
pub fn group_norm(
    x: &Tensor,
    groups: usize,
    w: &Tensor,
    b: &Tensor,
    eps: f64,
    silu: bool,
) -> Result<Tensor> {
    let (batch, channels) = match x.dims() {
        [batch, channels, ..] => (*batch, *channels),
        dims => candle_core::bail!("group_norm: expected (batch, channels, …), got {dims:?}"),
    };
    let pixels = x.dims()[2..].iter().product();
    let shape = GroupNormShape {
        batch,
        channels,
        pixels,
        groups,
    };
    let activation = if silu {
        Activation::Silu
    } else {
        Activation::None
    };
    let (x, w, b) = (x.contiguous()?, w.contiguous()?, b.contiguous()?);
    make(x.dims().to_vec(), &x, |output| {
        let (x, w, b) = (numbers(&x)?, numbers(&w)?, numbers(&b)?);
        let (w, b) = (w.slice()?, b.slice()?);
        kernels::group_norm(&shape, eps as f32, w, b, activation, x.slice()?, output)
            .map_err(Error::wrap)
    })
}

/// As [`super::layer_norm`].
pub fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    let rows = x.elem_count() / width.max(1);
    let (x, w, b) = (x.contiguous()?, w.contiguous()?, b.contiguous()?);
    make(x.dims().to_vec(), &x, |output| {
        let (x, w, b) = (numbers(&x)?, numbers(&w)?, numbers(&b)?);
        let (w, b) = (w.slice()?, b.slice()?);
        kernels::layer_norm(rows, width, eps as f32, w, b, x.slice()?, output).map_err(Error::wrap)
    })
}

/// As [`super::attention`]; the mask is the same for all sequences and heads.
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
    if heads == 0 || width % heads != 0 {
        candle_core::bail!("attention: a width of {width} does not divide into {heads} heads");
    }
    let shape = AttentionShape {
        batch,
        heads,
        queries,
        keys,
        head_dim: width / heads,
    };
    let (q, k, v) = (q.contiguous()?, k.contiguous()?, v.contiguous()?);
    let mask = match mask {
        Some(mask) => {
            let rank = mask.dims().len().max(2);
            let mut dims = vec![1; rank - 2];
            dims.extend([queries, keys]);
            Some(mask.broadcast_as(dims)?.contiguous()?)
        }
        None => None,
    };
    make(q.dims().to_vec(), &q, |output| {
        let mask = mask.as_ref().map(numbers).transpose()?;
        let mask = mask.as_ref().map(Numbers::slice).transpose()?;
        let (q, k, v) = (numbers(&q)?, numbers(&k)?, numbers(&v)?);
        let (q, k, v) = (q.slice()?, k.slice()?, v.slice()?);
        kernels::attention(&shape, scale as f32, q, k, v, mask, output).map_err(Error::wrap)
    })
}

/// An activation of every number.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let x = x.contiguous()?;
    make(x.dims().to_vec(), &x, |output| {
        kernels::activate(activation, numbers(&x)?.slice()?, output).map_err(Error::wrap)
    })
}

/// As [`super::geglu`].
pub fn geglu(x: &Tensor) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let width = match dims.last_mut() {
        Some(last) if *last % 2 == 0 => {
            *last /= 2;
            *last
        }
        _ => candle_core::bail!(
            "geglu: expected pairs of value and gate, got {:?}",
            x.dims()
        ),
    };
    let rows = x.elem_count() / (2 * width).max(1);
    let x = x.contiguous()?;
    make(dims, &x, |output| {
        kernels::geglu(rows, width, numbers(&x)?.slice()?, output).map_err(Error::wrap)
    })
}

/// As [`super::upsample_nearest2x`].
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let x = x.contiguous()?;
    make(vec![batch, channels, 2 * height, 2 * width], &x, |output| {
        let planes = batch * channels;
        kernels::upsample_nearest_2x(planes, height, width, numbers(&x)?.slice()?, output)
            .map_err(Error::wrap)
    })
}
