//! Functions of single numbers, and the nearest-neighbour upsampling.

use rayon::prelude::*;

use crate::shape::{ShapeError, check_length};
use crate::simd::{self, Level, Simd, Vectorised};

/// Numbers of a task.
const TASK: usize = 16_384;

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The number itself.
    None,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// x · Φ(x) with the exact normal distribution Φ, by the error function
    /// (absolute error of erf below 8e-7), not the tanh approximation.
    Gelu,
    /// x · sigmoid(1.702 x), as OpenAI's CLIP has it.
    QuickGelu,
}

impl Activation {
    /// Applies it to each lane.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, s: S, x: S::Vector) -> S::Vector {
        match self {
            Self::None => x,
            Self::Silu => s.mul(x, sigmoid(s, x)),
            Self::Gelu => gelu(s, x),
            Self::QuickGelu => s.mul(x, sigmoid(s, s.mul(x, s.splat(1.702)))),
        }
    }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
fn sigmoid<S: Simd>(s: S, x: S::Vector) -> S::Vector {
    let one = s.splat(1.0);
    s.div(one, s.add(one, s.exp(s.sub(s.splat(0.0), x))))
}

/// x · Φ(x).
#[inline(always)]
fn gelu<S: Simd>(s: S, x: S::Vector) -> S::Vector {
    let half = s.mul(x, s.splat(0.5));
    s.mul_add(
        half,
        s.erf(s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2))),
        half,
    )
}

/// Applies an activation to every number.
///
/// # Errors
/// Input and output are not of the same length.
pub fn activate(
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    activate_at(Level::best(), activation, input, output)
}

fn activate_at(
    level: Level,
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length("activate", "output", output, &[input.len()])?;
    output
        .par_chunks_mut(TASK)
        .zip(input.par_chunks(TASK))
        .for_each(|(output, input)| {
            simd::run(
                level,
                Map {
                    activation,
                    gate: None,
                    input,
                    output,
                },
            );
        });
    Ok(())
}

/// Gated linear unit with GELU (Shazeer, 2020): for each row of `2 · width`
/// numbers, the first half times GELU of the second.
///
/// `input` is `[rows, 2 * width]`, `output` `[rows, width]`.
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn geglu(
    rows: usize,
    width: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    geglu_at(Level::best(), rows, width, input, output)
}

fn geglu_at(
    level: Level,
    rows: usize,
    width: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length("geglu", "input", input, &[rows, 2, width])?;
    check_length("geglu", "output", output, &[rows, width])?;
    if width == 0 {
        return Ok(());
    }
    let task = (TASK / width).max(1);
    output
        .par_chunks_mut(task * width)
        .zip(input.par_chunks(task * 2 * width))
        .for_each(|(output, input)| {
            let rows = output
                .chunks_exact_mut(width)
                .zip(input.chunks_exact(2 * width));
            for (output, input) in rows {
                let (value, gate) = input.split_at(width);
                let activation = Activation::Gelu;
                simd::run(
                    level,
                    Map {
                        activation,
                        gate: Some(value),
                        input: gate,
                        output,
                    },
                );
            }
        });
    Ok(())
}

/// `output = activation(input)`, times `gate` if there is one.
struct Map<'a> {
    activation: Activation,
    gate: Option<&'a [f32]>,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Vectorised for Map<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self {
            activation,
            gate,
            input,
            output,
        } = self;
        let whole = input.len() / S::LANES * S::LANES;
        for i in (0..whole).step_by(S::LANES) {
            let mut value = activation.apply(s, s.read(&input[i..]));
            if let Some(gate) = gate {
                value = s.mul(value, s.read(&gate[i..]));
            }
            s.write(&mut output[i..], value);
        }
        if whole < input.len() {
            let mut edge = [0f32; 16];
            edge[..input.len() - whole].copy_from_slice(&input[whole..]);
            let value = activation.apply(s, s.read(&edge));
            s.write(&mut edge, value);
            for (i, value) in (whole..input.len()).zip(edge) {
                output[i] = gate.map_or(value, |gate| value * gate[i]);
            }
        }
    }
}

/// Doubles the rows and columns of `planes` images by repeating pixels.
///
/// `input` is `[planes, height, width]`, `output` `[planes, 2 * height, 2 *
/// width]`.
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn upsample_nearest_2x(
    planes: usize,
    height: usize,
    width: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length(
        "upsample_nearest_2x",
        "input",
        input,
        &[planes, height, width],
    )?;
    check_length(
        "upsample_nearest_2x",
        "output",
        output,
        &[planes, 2, height, 2, width],
    )?;
    if width == 0 {
        return Ok(());
    }
    let rows = (TASK / (4 * width)).max(1);
    output
        .par_chunks_mut(rows * 4 * width)
        .zip(input.par_chunks(rows * width))
        .for_each(|(output, input)| {
            let rows = output
                .chunks_exact_mut(4 * width)
                .zip(input.chunks_exact(width));
            for (output, input) in rows {
                let (first, second) = output.split_at_mut(2 * width);
                for (pair, value) in first.chunks_exact_mut(2).zip(input) {
                    pair.fill(*value);
                }
                second.copy_from_slice(first);
            }
        });
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conv::tests::{assert_close, numbers};

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// x · Φ(x) by Simpson's rule over the normal density.
    fn exact_gelu(x: f64) -> f64 {
        let steps = 2000;
        let h = x / f64::from(steps);
        let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mut sum = density(0.0) + density(x);
        for i in 1..steps {
            sum += density(h * f64::from(i)) * if i % 2 == 1 { 4.0 } else { 2.0 };
        }
        x * (0.5 + sum * h / 3.0)
    }

    #[test]
    fn activations_follow_their_definitions() {
        let x: Vec<f32> = (-1003..1000).map(|i| i as f32 * 0.01).collect();
        type Definition = fn(f64) -> f64;
        let cases: [(Activation, Definition); 4] = [
            (Activation::None, |x| x),
            (Activation::Silu, |x| x * sigmoid(x)),
            (Activation::Gelu, exact_gelu),
            (Activation::QuickGelu, |x| x * sigmoid(1.702 * x)),
        ];
        for (activation, exact) in cases {
            let expected: Vec<f64> = x.iter().map(|x| exact(f64::from(*x))).collect();
            for level in Level::all() {
                let mut y = vec![f32::NAN; x.len()];
                activate_at(level, activation, &x, &mut y).unwrap();
                assert_close(&y, &expected, 2e-7);
            }
        }
    }

    #[test]
    fn activations_keep_what_is_not_a_number() {
        let x = [f32::NAN; 19];
        for activation in [Activation::Silu, Activation::Gelu, Activation::QuickGelu] {
            for level in Level::all() {
                let mut y = [0.0; 19];
                activate_at(level, activation, &x, &mut y).unwrap();
                assert!(
                    y.iter().all(|y| y.is_nan()),
                    "{activation:?} on {}",
                    level.name()
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn geglu_gates_the_first_half_by_the_second(rows in 1usize..40, width in 1usize..90, seed: u64) {
            let input = numbers(seed, rows * 2 * width);
            let expected: Vec<f64> = input
                .chunks(2 * width)
                .flat_map(|row| (0..width).map(|i| f64::from(row[i]) * exact_gelu(f64::from(row[width + i]))))
                .collect();
            for level in Level::all() {
                let mut output = vec![f32::NAN; rows * width];
                geglu_at(level, rows, width, &input, &mut output)?;
                assert_close(&output, &expected, 2e-6);
            }
        }

        #[test]
        fn upsampling_repeats_pixels(planes in 1usize..4, height in 1usize..20, width in 1usize..20, seed: u64) {
            let input = numbers(seed, planes * height * width);
            let mut output = vec![f32::NAN; 4 * input.len()];
            upsample_nearest_2x(planes, height, width, &input, &mut output)?;
            for (i, value) in output.iter().enumerate() {
                let (plane, y, x) = (i / (4 * height * width), i / (2 * width) % (2 * height), i % (2 * width));
                prop_assert_eq!(*value, input[(plane * height + y / 2) * width + x / 2]);
            }
        }
    }
}
