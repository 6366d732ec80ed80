//! The operations the networks are written in.
//!
//! Every network of this crate calls these functions and no other arithmetic
//! that costs time, so a faster kernel has one place to go. Each function has a
//! [`composed`] form, made of candle operations that all have a backward pass,
//! and most have a [`fused`] one, a kernel for f32 on the CPU without a backward
//! pass. The fused one is taken only where no gradient is asked for: otherwise
//! gradients would be dropped in silence.

mod composed;
mod fused;

use candle_core::{Result, Tensor};
use framewright_kernels::Activation;

/// Whether one of the tensors is a variable or depends on one, so that a
/// backward pass may come and only operations that have one may be used.
pub fn gradients_flow(tensors: &[&Tensor]) -> bool {
    tensors.iter().any(|tensor| tensor.track_op())
}

/// Whether the fused forms may be used at all, in the whole process; they may
/// unless told otherwise. For comparing the two.
pub fn set_fused(enabled: bool) {
    fused::set_enabled(enabled);
}

/// `x Wᵀ + b`: x (…, inputs), w (outputs, inputs), b (outputs) → (…, outputs).
pub fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Result<Tensor> {
    if fused::serve(&[Some(x), Some(w), b]) {
        fused::linear(x, w, b)
    } else {
        composed::linear(x, w, b)
    }
}

/// `y + x Wᵀ`: x (…, inputs), w (outputs, inputs), y (…, outputs). The fused
/// form writes into y's numbers, so no other tensor may share them.
pub(crate) fn linear_add(y: Tensor, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(&y), Some(x), Some(w)]) && y.is_contiguous() {
        fused::linear_add(y, x, w)
    } else {
        y + composed::linear(x, w, None)?
    }
}

/// y plus the 1×1 convolution of x: x (batch, in, h, w), w (out, in, 1, 1), y
/// (batch, out, h, w). The fused form writes into y's numbers, so no other
/// tensor may share them.
pub(crate) fn pointwise_add(y: Tensor, x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(&y), Some(x), Some(w)]) && y.is_contiguous() {
        fused::pointwise_add(y, x, w)
    } else {
        y + composed::conv2d(x, w, None, 1, 0)?
    }
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
    if fused::serve(&[Some(x), Some(w), b]) {
        fused::conv2d(x, w, b, stride, padding)
    } else {
        composed::conv2d(x, w, b, stride, padding)
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
    if fused::serve(&[Some(x), Some(w), Some(b)]) {
        fused::group_norm(x, groups, w, b, eps, silu)
    } else {
        composed::group_norm(x, groups, w, b, eps, silu)
    }
}

/// Layer normalisation over the last dimension, with affine map; w and b have
/// that dimension. Statistics are taken in f32. Ba et al. 2016.
pub fn layer_norm(x: &Tensor, w: &Tensor, b: &Tensor, eps: f64) -> Result<Tensor> {
    if fused::serve(&[Some(x), Some(w), Some(b)]) {
        fused::layer_norm(x, w, b, eps)
    } else {
        composed::layer_norm(x, w, b, eps)
    }
}

/// Attention by scaled dot products: q (batch, queries, heads·d), k and v
/// (batch, keys, heads·d) → (batch, queries, heads·d). `mask` is added to the
/// scores and must broadcast to (batch, heads, queries, keys).
///
/// Where no gradient is asked for, the scores are never all held at once: in
/// the composed form at most 64 MiB of them (or one row), in the fused one at
/// most a few hundred KiB a thread.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    scale: f64,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    // A mask that differs between sequences or heads has no kernel.
    let shared_mask = mask.is_none_or(|mask| {
        mask.elem_count() == mask.dims().iter().rev().take(2).product::<usize>()
    });
    if shared_mask && fused::serve(&[Some(q), Some(k), Some(v), mask]) {
        fused::attention(q, k, v, heads, scale, mask)
    } else {
        composed::attention(q, k, v, heads, scale, mask)
    }
}

/// GELU by the error function, `x Φ(x)`, as diffusers and transformers compute
/// `gelu` (not the tanh approximation). Hendrycks & Gimpel 2016.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(x)]) {
        fused::activate(x, Activation::Gelu)
    } else {
        composed::gelu_erf(x)
    }
}

/// The gated unit of Shazeer 2020 as diffusers lays it out: the last dimension
/// of x holds value and gate, → value · gelu(gate), of half that size.
pub fn geglu(x: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(x)]) {
        fused::geglu(x)
    } else {
        composed::geglu(x)
    }
}

/// `x σ(x)`.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(x)]) {
        fused::activate(x, Activation::Silu)
    } else {
        composed::silu(x)
    }
}

/// `x σ(1.702 x)`, OpenAI CLIP's activation.
pub fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(x)]) {
        fused::activate(x, Activation::QuickGelu)
    } else {
        composed::quick_gelu(x)
    }
}

/// Each pixel becomes 2×2: (batch, c, h, w) → (batch, c, 2h, 2w).
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    if fused::serve(&[Some(x)]) {
        fused::upsample_nearest2x(x)
    } else {
        composed::upsample_nearest2x(x)
    }
}

/// Nearest neighbour, to any size: (batch, c, h, w) → (batch, c, height, width).
/// A gradient passes only where both factors are whole and equal.
pub fn upsample_nearest(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    composed::upsample_nearest(x, height, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    fn ramp(shape: &[usize], seed: f64) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|i| ((i as f64 * 0.618 + seed).sin() * 2.0) as f32)
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn max_difference(a: &Tensor, b: &Tensor) -> f32 {
        let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        difference.max(0).unwrap().to_scalar::<f32>().unwrap()
    }

    #[test]
    fn one_by_one_convolution_equals_the_general_one() {
        let x = ramp(&[2, 5, 4, 3], 0.1);
        let w = ramp(&[7, 5, 1, 1], 0.2);
        let b = ramp(&[7], 0.3);
        let fast = conv2d(&x, &w, Some(&b), 1, 0).unwrap();
        let padded = w
            .pad_with_zeros(2, 1, 1)
            .unwrap()
            .pad_with_zeros(3, 1, 1)
            .unwrap();
        let general = conv2d(&x, &padded, Some(&b), 1, 1).unwrap();
        assert_eq!(fast.dims(), [2, 7, 4, 3]);
        assert!(max_difference(&fast, &general) < 1e-5);
    }

    /// Both forms give the same, to rounding.
    #[track_caller]
    fn assert_agree(fused: Result<Tensor>, composed: Result<Tensor>) {
        let (fused, composed) = (fused.unwrap(), composed.unwrap());
        assert_eq!(fused.dims(), composed.dims());
        let largest = max_difference(&composed, &composed.zeros_like().unwrap());
        let difference = max_difference(&fused, &composed);
        assert!(difference <= 2e-5 * largest, "{difference} of {largest}");
    }

    #[test]
    fn fused_and_composed_forms_agree() {
        let x = ramp(&[2, 24, 19, 17], 0.1);
        for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 1), (3, 2, 0), (1, 1, 0)] {
            let w = ramp(&[20, 24, kernel, kernel], 0.2);
            for b in [None, Some(ramp(&[20], 0.3))] {
                let b = b.as_ref();
                assert_agree(
                    fused::conv2d(&x, &w, b, stride, padding),
                    composed::conv2d(&x, &w, b, stride, padding),
                );
            }
        }
        let (scale, shift) = (ramp(&[24], 0.4), ramp(&[24], 0.5));
        for silu in [false, true] {
            assert_agree(
                fused::group_norm(&x, 8, &scale, &shift, 1e-5, silu),
                composed::group_norm(&x, 8, &scale, &shift, 1e-5, silu),
            );
        }
        assert_agree(
            fused::upsample_nearest2x(&x),
            composed::upsample_nearest2x(&x),
        );

        // Not contiguous: as a picture's places come to the transformer.
        let tokens = x.flatten_from(2).unwrap().transpose(1, 2).unwrap();
        assert_agree(
            fused::layer_norm(&tokens, &scale, &shift, 1e-5),
            composed::layer_norm(&tokens, &scale, &shift, 1e-5),
        );
        let w = ramp(&[10, 24], 0.6);
        for b in [None, Some(ramp(&[10], 0.7))] {
            let b = b.as_ref();
            assert_agree(
                fused::linear(&tokens, &w, b),
                composed::linear(&tokens, &w, b),
            );
        }
        let y = || ramp(&[2, 323, 10], 0.65);
        assert_agree(
            fused::linear_add(y(), &tokens, &w),
            y() + composed::linear(&tokens, &w, None).unwrap(),
        );
        let y = || ramp(&[2, 10, 19, 17], 0.66);
        let pointwise = w.reshape((10, 24, 1, 1)).unwrap();
        assert_agree(
            fused::pointwise_add(y(), &x, &pointwise),
            y() + composed::conv2d(&x, &pointwise, None, 1, 0).unwrap(),
        );
        assert_agree(fused::geglu(&tokens), composed::geglu(&tokens));
        assert_agree(
            fused::activate(&tokens, Activation::Silu),
            composed::silu(&tokens),
        );
        assert_agree(
            fused::activate(&tokens, Activation::Gelu),
            composed::gelu_erf(&tokens),
        );
        assert_agree(
            fused::activate(&tokens, Activation::QuickGelu),
            composed::quick_gelu(&tokens),
        );

        let context = ramp(&[2, 31, 24], 0.8);
        let mask = ramp(&[1, 1, 323, 31], 0.9);
        for mask in [None, Some(mask)] {
            assert_agree(
                fused::attention(&tokens, &context, &context, 3, 0.3, mask.as_ref()),
                composed::attention(&tokens, &context, &context, 3, 0.3, mask.as_ref()),
            );
        }
    }

    #[test]
    fn variables_get_their_gradients() {
        let x = ramp(&[1, 8, 9, 9], 0.1);
        let w = Var::from_tensor(&ramp(&[8, 8, 3, 3], 0.2)).unwrap();
        let scale = Var::from_tensor(&ramp(&[8], 0.3)).unwrap();
        let shift = ramp(&[8], 0.4);
        let y = conv2d(&x, &w, None, 1, 1).unwrap();
        let y = group_norm(&y, 2, &scale, &shift, 1e-5, true).unwrap();
        let tokens = y.flatten_from(2).unwrap().transpose(1, 2).unwrap();
        let y = attention(&tokens, &tokens, &tokens, 2, 0.5, None).unwrap();
        let y = layer_norm(&y, &shift, &scale, 1e-5).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for variable in [&w, &scale] {
            let gradient = gradients
                .get(variable)
                .unwrap()
                .abs()
                .unwrap()
                .sum_all()
                .unwrap();
            let size = gradient.to_scalar::<f32>().unwrap();
            assert!(size.is_finite() && size > 0.0, "{size}");
        }
    }

    #[test]
    fn sliced_attention_equals_attention_at_once() {
        // 2 × 2 × 2100 × 2100 scores exceed one slice.
        let q = ramp(&[2, 2100, 4], 0.1);
        let k = ramp(&[2, 2100, 4], 0.5);
        let v = ramp(&[2, 2100, 4], 0.9);
        let mask = ramp(&[2100, 2100], 1.3);
        let sliced = composed::attention(&q, &k, &v, 2, 0.7, Some(&mask)).unwrap();
        let first = composed::attention(
            &q.narrow(0, 1, 1).unwrap().narrow(1, 2000, 100).unwrap(),
            &k.narrow(0, 1, 1).unwrap(),
            &v.narrow(0, 1, 1).unwrap(),
            2,
            0.7,
            Some(&mask.narrow(0, 2000, 100).unwrap()),
        )
        .unwrap();
        let same = sliced
            .narrow(0, 1, 1)
            .unwrap()
            .narrow(1, 2000, 100)
            .unwrap();
        assert!(max_difference(&same, &first) < 1e-5);
    }

    #[test]
    fn group_norm_leaves_zero_mean_and_unit_variance() {
        let x = ramp(&[1, 4, 3, 3], 0.4);
        let ones = Tensor::ones(4, DType::F32, &Device::Cpu).unwrap();
        let zeros = ones.zeros_like().unwrap();
        let y = group_norm(&x, 2, &ones, &zeros, 0.0, false).unwrap();
        let groups = y.reshape((2, 18)).unwrap();
        let mean = groups.mean(1).unwrap().to_vec1::<f32>().unwrap();
        let square = groups
            .sqr()
            .unwrap()
            .mean(1)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert!(mean.iter().all(|m| m.abs() < 1e-5), "{mean:?}");
        assert!(square.iter().all(|s| (s - 1.0).abs() < 1e-4), "{square:?}");
    }

    #[test]
    fn geglu_gates_by_the_error_function() {
        let x = Tensor::new(&[[2.0f32, -3.0, 1.0, 0.5]], &Device::Cpu).unwrap();
        let y = geglu(&x).unwrap().to_vec2::<f32>().unwrap();
        // gelu(1) = 0.841345, gelu(0.5) = 0.345731 by the error function.
        assert!((y[0][0] - 2.0 * 0.841_345).abs() < 1e-4, "{y:?}");
        assert!((y[0][1] + 3.0 * 0.345_731).abs() < 1e-4, "{y:?}");
    }
}
