//! Two-dimensional convolution, channels first.

use crate::product::{Bias, Columns, Panel, Product, panels};
use crate::shape::{ShapeError, check_length};
use crate::simd::Level;
use crate::winograd;

/// Zeros around the input, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same on all four sides.
    pub const fn same(pixels: usize) -> Self {
        Self {
            top: pixels,
            bottom: pixels,
            left: pixels,
            right: pixels,
        }
    }
}

/// What goes into a convolution and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Rows and columns of the kernel.
    pub kernel: (usize, usize),
    /// Pixels from one place of the kernel to the next, in both directions.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
}

impl ConvShape {
    /// Rows of the output; 0 where the kernel does not fit.
    pub fn out_height(&self) -> usize {
        places(
            self.height + self.padding.top + self.padding.bottom,
            self.kernel.0,
            self.stride,
        )
    }

    /// Columns of the output; 0 where the kernel does not fit.
    pub fn out_width(&self) -> usize {
        places(
            self.width + self.padding.left + self.padding.right,
            self.kernel.1,
            self.stride,
        )
    }

    /// Numbers in the output.
    pub fn out_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }
}

/// In how many places a kernel fits.
fn places(size: usize, kernel: usize, stride: usize) -> usize {
    if stride == 0 || kernel == 0 || size < kernel {
        0
    } else {
        (size - kernel) / stride + 1
    }
}

/// A convolution (cross-correlation, as in PyTorch), with bias.
///
/// `input` is `[batch, in_channels, height, width]`, `weight` `[out_channels,
/// in_channels, kernel.0, kernel.1]`, `output` `[batch, out_channels, out_height,
/// out_width]`.
///
/// 3 x 3 kernels at stride 1 on images that are large enough go through
/// Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray, *Fast Algorithms
/// for Convolutional Neural Networks*, 2015): a quarter of the multiplications
/// for a rounding error of up to about 1e-5 of the largest output. Everything
/// else is a matrix product.
///
/// # Errors
/// A slice's length is not what the shape says, or the kernel fits nowhere.
pub fn conv2d(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    conv2d_at(Level::best(), shape, input, weight, bias, output)
}

pub(crate) fn conv2d_at(
    level: Level,
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    let (kernel_height, kernel_width) = shape.kernel;
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    if out_height == 0 || out_width == 0 {
        let reason = "the kernel is larger than the padded input, or its stride is 0";
        return Err(ShapeError::Shape {
            operation: "conv2d",
            reason,
        });
    }
    let (c, o) = (shape.in_channels, shape.out_channels);
    check_length(
        "conv2d",
        "input",
        input,
        &[shape.batch, c, shape.height, shape.width],
    )?;
    check_length(
        "conv2d",
        "weight",
        weight,
        &[o, c, kernel_height, kernel_width],
    )?;
    check_length(
        "conv2d",
        "output",
        output,
        &[shape.batch, o, out_height, out_width],
    )?;
    if let Some(bias) = bias {
        check_length("conv2d", "bias", bias, &[o])?;
    }
    if winograd::suits(level, shape) {
        winograd::conv2d(level, shape, input, weight, bias, output);
    } else {
        let bias = bias.map_or(Bias::None, Bias::Rows);
        direct(level, shape, input, weight, bias, output);
    }
    Ok(())
}

/// What a 1×1 convolution without bias gives, added to what `output` holds:
/// `input` is `batch` x `inputs` x `pixels`, `weight` `outputs` x `inputs`,
/// `output` `batch` x `outputs` x `pixels`.
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn pointwise_add(
    batch: usize,
    inputs: usize,
    outputs: usize,
    pixels: usize,
    input: &[f32],
    weight: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length("pointwise_add", "input", input, &[batch, inputs, pixels])?;
    check_length("pointwise_add", "weight", weight, &[outputs, inputs])?;
    check_length("pointwise_add", "output", output, &[batch, outputs, pixels])?;
    let shape = ConvShape {
        batch,
        in_channels: inputs,
        out_channels: outputs,
        height: 1,
        width: pixels,
        kernel: (1, 1),
        stride: 1,
        padding: Padding::default(),
    };
    direct(Level::best(), &shape, input, weight, Bias::Held, output);
    Ok(())
}

/// The convolution as a product of the weight and the patches under the kernel.
fn direct(
    level: Level,
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Bias<'_>,
    output: &mut [f32],
) {
    let pixels = shape.out_height() * shape.out_width();
    let product = Product {
        rows: shape.out_channels,
        depth: shape.in_channels * shape.kernel.0 * shape.kernel.1,
        a: weight,
        b: &Patches { shape, input },
        bias,
        c_row: pixels,
    };
    let panels = panels(level, shape.batch, pixels, shape.out_channels * pixels);
    product.run(level, &panels, output);
}

/// The patches under the kernel, one a column, laid out only as they are packed.
struct Patches<'a> {
    shape: &'a ConvShape,
    input: &'a [f32],
}

impl Columns for Patches<'_> {
    #[inline(always)]
    fn pack(&self, panel: Panel, depth: usize, count: usize, step: usize, to: &mut [f32]) {
        let Self { shape, input } = self;
        let (kernel_height, kernel_width) = shape.kernel;
        let plane = shape.height * shape.width;
        let out_width = shape.out_width();
        for (i, to) in to.chunks_mut(step).take(count).enumerate() {
            let k = depth + i;
            let channel = panel.batch * shape.in_channels + k / (kernel_height * kernel_width);
            let (ky, kx) = (k / kernel_width % kernel_height, k % kernel_width);
            let input = &input[channel * plane..][..plane];
            if shape.kernel == (1, 1) && shape.stride == 1 && shape.padding == Padding::default() {
                to[..panel.width].copy_from_slice(&input[panel.column..][..panel.width]);
                continue;
            }
            // The panel's pixels row by row of the output.
            let mut n = 0;
            while n < panel.width {
                let (y, x) = (
                    (panel.column + n) / out_width,
                    (panel.column + n) % out_width,
                );
                let len = (out_width - x).min(panel.width - n);
                let to = &mut to[n..n + len];
                n += len;
                let y = (y * shape.stride + ky).wrapping_sub(shape.padding.top);
                if y >= shape.height {
                    to.fill(0.0);
                    continue;
                }
                let row = &input[y * shape.width..][..shape.width];
                let left = shape.padding.left;
                if shape.stride == 1 {
                    // Zeros where the row has not begun yet or is over.
                    let before = left.saturating_sub(x + kx).min(len);
                    let after = (shape.width + left)
                        .saturating_sub(x + kx)
                        .clamp(before, len);
                    let from = (x + kx + before).saturating_sub(left).min(shape.width);
                    to[..before].fill(0.0);
                    to[before..after].copy_from_slice(&row[from..from + (after - before)]);
                    to[after..].fill(0.0);
                } else {
                    for (j, to) in to.iter_mut().enumerate() {
                        let x = ((x + j) * shape.stride + kx).wrapping_sub(left);
                        *to = row.get(x).copied().unwrap_or(0.0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reproducible numbers in −1..1.
    pub(crate) fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// Every number within `bound` of the largest expected one.
    #[track_caller]
    pub(crate) fn assert_close(found: &[f32], expected: &[f64], bound: f64) {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (f64::from(*found) - expected).abs();
            assert!(
                error <= bound * largest,
                "number {i} of {}: {found}, expected {expected} (largest {largest})",
                expected,
            );
        }
    }

    /// The definition, in double precision.
    pub(crate) fn naive(
        shape: &ConvShape,
        input: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Vec<f64> {
        let (height, width) = (shape.out_height(), shape.out_width());
        let mut output = Vec::with_capacity(shape.out_len());
        for b in 0..shape.batch {
            for o in 0..shape.out_channels {
                for y in 0..height {
                    for x in 0..width {
                        let mut sum = bias.map_or(0.0, |bias| f64::from(bias[o]));
                        for c in 0..shape.in_channels {
                            for ky in 0..shape.kernel.0 {
                                for kx in 0..shape.kernel.1 {
                                    let y = y * shape.stride + ky;
                                    let x = x * shape.stride + kx;
                                    if y < shape.padding.top || x < shape.padding.left {
                                        continue;
                                    }
                                    let (y, x) = (y - shape.padding.top, x - shape.padding.left);
                                    if y >= shape.height || x >= shape.width {
                                        continue;
                                    }
                                    let i = ((b * shape.in_channels + c) * shape.height + y)
                                        * shape.width
                                        + x;
                                    let w = ((o * shape.in_channels + c) * shape.kernel.0 + ky)
                                        * shape.kernel.1
                                        + kx;
                                    sum += f64::from(input[i]) * f64::from(weight[w]);
                                }
                            }
                        }
                        output.push(sum);
                    }
                }
            }
        }
        output
    }

    /// Compares every instruction set with the definition.
    fn check(shape: &ConvShape, with_bias: bool, seed: u64) -> Result<(), ShapeError> {
        let (c, o) = (shape.in_channels, shape.out_channels);
        let input = numbers(seed, shape.batch * c * shape.height * shape.width);
        let weight = numbers(seed ^ 1, o * c * shape.kernel.0 * shape.kernel.1);
        let bias = with_bias.then(|| numbers(seed ^ 2, o));
        let expected = naive(shape, &input, &weight, bias.as_deref());
        for level in Level::all() {
            let mut output = vec![f32::NAN; shape.out_len()];
            conv2d_at(level, shape, &input, &weight, bias.as_deref(), &mut output)?;
            assert_close(&output, &expected, 2e-5);
        }
        Ok(())
    }

    fn padding() -> impl Strategy<Value = Padding> {
        (0usize..3, 0usize..3, 0usize..3, 0usize..3).prop_map(|(top, bottom, left, right)| {
            Padding {
                top,
                bottom,
                left,
                right,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_convolution_follows_the_definition(
            batch in 1usize..3, in_channels in 1usize..9, out_channels in 1usize..12,
            height in 1usize..15, width in 1usize..15,
            kernel in (1usize..5, 1usize..5), stride in 1usize..4,
            padding in padding(), with_bias: bool, seed: u64,
        ) {
            let shape = ConvShape {
                batch, in_channels, out_channels, height, width, kernel, stride, padding,
            };
            prop_assume!(shape.out_len() > 0);
            check(&shape, with_bias, seed)?;
        }

        #[test]
        fn a_three_by_three_convolution_follows_the_definition(
            batch in 1usize..3, in_channels in 8usize..80, out_channels in 8usize..40,
            height in 9usize..40, width in 9usize..40,
            padding in padding(), with_bias: bool, seed: u64,
        ) {
            let shape = ConvShape {
                batch, in_channels, out_channels, height, width, kernel: (3, 3), stride: 1, padding,
            };
            check(&shape, with_bias, seed)?;
        }
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_threads() {
        let shape = |kernel, stride| ConvShape {
            batch: 2,
            in_channels: 70,
            out_channels: 130,
            height: 33,
            width: 37,
            kernel,
            stride,
            padding: Padding::same(1),
        };
        for shape in [shape((3, 3), 1), shape((3, 3), 2), shape((1, 1), 1)] {
            let input = numbers(3, 2 * 70 * 33 * 37);
            let weight = numbers(4, 130 * 70 * shape.kernel.0 * shape.kernel.1);
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                let mut output = vec![0.0; shape.out_len()];
                pool.install(|| conv2d(&shape, &input, &weight, None, &mut output))
                    .unwrap();
                output
            };
            let alone = on(1);
            for threads in [2, 3, 5] {
                assert!(on(threads) == alone, "{threads} threads, {shape:?}");
            }
        }
    }

    #[test]
    fn a_slice_of_the_wrong_length_is_refused() {
        let shape = ConvShape {
            batch: 1,
            in_channels: 2,
            out_channels: 3,
            height: 4,
            width: 4,
            kernel: (3, 3),
            stride: 1,
            padding: Padding::default(),
        };
        let mut output = [0.0; 12];
        assert_eq!(
            conv2d(&shape, &[0.0; 31], &[0.0; 54], None, &mut output),
            Err(ShapeError::Length {
                operation: "conv2d",
                operand: "input",
                expected: 32,
                found: 31
            })
        );
        let too_large = ConvShape {
            kernel: (5, 5),
            ..shape
        };
        assert!(conv2d(&too_large, &[0.0; 32], &[0.0; 150], None, &mut output).is_err());
        assert!(conv2d(&shape, &[0.0; 32], &[0.0; 54], Some(&[0.0; 2]), &mut output).is_err());
    }
}
