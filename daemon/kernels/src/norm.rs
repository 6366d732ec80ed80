//! Group and layer normalisation.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::shape::{ShapeError, check_length};
use crate::simd::{self, Level, Simd, Vectorised};

/// Numbers whose mean and variance are taken at a time, in cache.
const CHUNK: usize = 4096;

/// Sizes of a group normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupNormShape {
    /// Images.
    pub batch: usize,
    /// Channels, a multiple of `groups`.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
    /// Groups of channels that are normalised together.
    pub groups: usize,
}

/// Group normalisation (Wu and He, 2018) and, in the same pass, an activation.
///
/// `input` and `output` are `[batch, channels, pixels]`, `scale` and `shift`
/// `[channels]`. The variance is the biased one.
///
/// # Errors
/// A slice's length is not what the shape says, or the channels do not divide
/// into the groups.
pub fn group_norm(
    shape: &GroupNormShape,
    epsilon: f32,
    scale: &[f32],
    shift: &[f32],
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    group_norm_at(
        Level::best(),
        shape,
        epsilon,
        scale,
        shift,
        activation,
        input,
        output,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "group_norm's own, and the instructions"
)]
fn group_norm_at(
    level: Level,
    shape: &GroupNormShape,
    epsilon: f32,
    scale: &[f32],
    shift: &[f32],
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    let &GroupNormShape {
        batch,
        channels,
        pixels,
        groups,
    } = shape;
    if groups == 0 || channels % groups != 0 {
        let reason = "the channels do not divide into the groups";
        return Err(ShapeError::Shape {
            operation: "group_norm",
            reason,
        });
    }
    check_length("group_norm", "input", input, &[batch, channels, pixels])?;
    check_length("group_norm", "output", output, &[batch, channels, pixels])?;
    check_length("group_norm", "scale", scale, &[channels])?;
    check_length("group_norm", "shift", shift, &[channels])?;
    let in_group = channels / groups;
    if in_group * pixels == 0 {
        return Ok(());
    }
    output
        .par_chunks_mut(in_group * pixels)
        .zip(input.par_chunks(in_group * pixels))
        .enumerate()
        .for_each(|(index, (output, input))| {
            let first = index % groups * in_group;
            let scale = &scale[first..first + in_group];
            let shift = &shift[first..first + in_group];
            simd::run(
                level,
                Group {
                    epsilon,
                    pixels,
                    scale,
                    shift,
                    activation,
                    input,
                    output,
                },
            );
        });
    Ok(())
}

/// One group of channels of one image.
struct Group<'a> {
    epsilon: f32,
    pixels: usize,
    scale: &'a [f32],
    shift: &'a [f32],
    activation: Activation,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Vectorised for Group<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (mean, variance) = moments(s, self.input);
        let deviation = (variance + f64::from(self.epsilon)).sqrt();
        let channels = self.input.chunks_exact(self.pixels);
        for (channel, (input, output)) in channels
            .zip(self.output.chunks_exact_mut(self.pixels))
            .enumerate()
        {
            let factor = f64::from(self.scale[channel]) / deviation;
            let offset = f64::from(self.shift[channel]) - mean * factor;
            let (factor, offset) = (s.splat(factor as f32), s.splat(offset as f32));
            let mut from = input.chunks_exact(S::LANES);
            let mut to = output.chunks_exact_mut(S::LANES);
            for (from, to) in (&mut from).zip(&mut to) {
                let value = s.mul_add(s.read(from), factor, offset);
                s.write(to, self.activation.apply(s, value));
            }
            let (from, to) = (from.remainder(), to.into_remainder());
            if !from.is_empty() {
                let mut edge = [0f32; 16];
                edge[..from.len()].copy_from_slice(from);
                let value = s.mul_add(s.read(&edge), factor, offset);
                s.write(&mut edge, self.activation.apply(s, value));
                to.copy_from_slice(&edge[..to.len()]);
            }
        }
    }
}

/// Mean and biased variance: of chunks first, then combined (Chan, Golub and
/// LeVeque, 1983), so that large groups lose no precision.
#[inline(always)]
fn moments<S: Simd>(s: S, x: &[f32]) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0f64, 0f64, 0f64);
    for chunk in x.chunks(CHUNK) {
        let n = chunk.len() as f64;
        let chunk_mean = sum::<S, 1>(s, chunk, 0.0) / n;
        // Around a rounded mean: what rounding leaves out is taken off again.
        let centre = chunk_mean as f32;
        let off = chunk_mean - f64::from(centre);
        let chunk_squares = sum::<S, 2>(s, chunk, centre) - n * off * off;
        let distance = chunk_mean - mean;
        let total = count + n;
        mean += distance * n / total;
        squares += chunk_squares + distance * distance * count * n / total;
        count = total;
    }
    (mean, squares / count)
}

/// The sum of all numbers' distances from `centre`, to the `POWER` of 1 or 2, in
/// four vectors of partial sums.
#[inline(always)]
fn sum<S: Simd, const POWER: u8>(s: S, x: &[f32], centre: f32) -> f64 {
    let c = s.splat(centre);
    let mut sums = [s.splat(0.0); 4];
    let mut chunks = x.chunks_exact(4 * S::LANES);
    for chunk in &mut chunks {
        for (i, sum) in sums.iter_mut().enumerate() {
            let distance = s.sub(s.read(&chunk[i * S::LANES..]), c);
            *sum = if POWER == 2 {
                s.mul_add(distance, distance, *sum)
            } else {
                s.add(*sum, distance)
            };
        }
    }
    let mut rest = 0f32;
    for x in chunks.remainder() {
        let distance = x - centre;
        rest += if POWER == 2 {
            distance * distance
        } else {
            distance
        };
    }
    let sum = s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3]));
    f64::from(s.sum(sum)) + f64::from(rest)
}

/// Layer normalisation (Ba et al., 2016) of each row of `width` numbers.
///
/// `input` and `output` are `[rows, width]`, `scale` and `shift` `[width]`.
///
/// # Errors
/// A slice's length is not what the shape says.
pub fn layer_norm(
    rows: usize,
    width: usize,
    epsilon: f32,
    scale: &[f32],
    shift: &[f32],
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    layer_norm_at(
        Level::best(),
        rows,
        width,
        epsilon,
        scale,
        shift,
        input,
        output,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "layer_norm's own, and the instructions"
)]
fn layer_norm_at(
    level: Level,
    rows: usize,
    width: usize,
    epsilon: f32,
    scale: &[f32],
    shift: &[f32],
    input: &[f32],
    output: &mut [f32],
) -> Result<(), ShapeError> {
    check_length("layer_norm", "input", input, &[rows, width])?;
    check_length("layer_norm", "output", output, &[rows, width])?;
    check_length("layer_norm", "scale", scale, &[width])?;
    check_length("layer_norm", "shift", shift, &[width])?;
    if width == 0 {
        return Ok(());
    }
    let task = width * (16_384 / width).max(1);
    output
        .par_chunks_mut(task)
        .zip(input.par_chunks(task))
        .for_each(|(output, input)| {
            simd::run(
                level,
                Rows {
                    width,
                    epsilon,
                    scale,
                    shift,
                    input,
                    output,
                },
            );
        });
    Ok(())
}

/// Some rows of a layer normalisation.
struct Rows<'a> {
    width: usize,
    epsilon: f32,
    scale: &'a [f32],
    shift: &'a [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Vectorised for Rows<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.input.chunks_exact(self.width);
        for (input, output) in rows.zip(self.output.chunks_exact_mut(self.width)) {
            let (mean, variance) = moments(s, input);
            let factor = (1.0 / (variance + f64::from(self.epsilon)).sqrt()) as f32;
            let mean = mean as f32;
            let (m, f) = (s.splat(mean), s.splat(factor));
            let whole = self.width / S::LANES * S::LANES;
            for i in (0..whole).step_by(S::LANES) {
                let value = s.mul(s.sub(s.read(&input[i..]), m), f);
                let value = s.mul_add(value, s.read(&self.scale[i..]), s.read(&self.shift[i..]));
                s.write(&mut output[i..], value);
            }
            for i in whole..self.width {
                output[i] = (input[i] - mean) * factor * self.scale[i] + self.shift[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conv::tests::{assert_close, numbers};

    /// Normalises a slice by the definition.
    fn normalised(x: &[f32], epsilon: f32) -> Vec<f64> {
        let n = x.len() as f64;
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        let variance = x
            .iter()
            .map(|x| (f64::from(*x) - mean).powi(2))
            .sum::<f64>()
            / n;
        x.iter()
            .map(|x| (f64::from(*x) - mean) / (variance + f64::from(epsilon)).sqrt())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn group_norm_follows_the_definition(
            batch in 1usize..3, groups in 1usize..5, in_group in 1usize..5,
            pixels in 1usize..2500, offset in -30f32..30.0, silu: bool, seed: u64,
        ) {
            let channels = groups * in_group;
            let shape = GroupNormShape { batch, channels, pixels, groups };
            let input: Vec<f32> =
                numbers(seed, batch * channels * pixels).iter().map(|x| x + offset).collect();
            let (scale, shift) = (numbers(seed ^ 1, channels), numbers(seed ^ 2, channels));
            let expected: Vec<f64> = input
                .chunks(in_group * pixels)
                .flat_map(|group| normalised(group, 1e-5))
                .enumerate()
                .map(|(i, x)| {
                    let channel = i / pixels % channels;
                    let y = x * f64::from(scale[channel]) + f64::from(shift[channel]);
                    if silu { y / (1.0 + (-y).exp()) } else { y }
                })
                .collect();
            let activation = if silu { Activation::Silu } else { Activation::None };
            for level in Level::all() {
                let mut output = vec![f32::NAN; input.len()];
                group_norm_at(level, &shape, 1e-5, &scale, &shift, activation, &input, &mut output)?;
                // An offset of 30 deviations costs that many units of rounding.
                assert_close(&output, &expected, 3e-5);
            }
        }

        #[test]
        fn layer_norm_follows_the_definition(rows in 1usize..90, width in 1usize..700, seed: u64) {
            let input = numbers(seed, rows * width);
            let (scale, shift) = (numbers(seed ^ 1, width), numbers(seed ^ 2, width));
            let expected: Vec<f64> = input
                .chunks(width)
                .flat_map(|row| normalised(row, 1e-5))
                .enumerate()
                .map(|(i, x)| x * f64::from(scale[i % width]) + f64::from(shift[i % width]))
                .collect();
            for level in Level::all() {
                let mut output = vec![f32::NAN; input.len()];
                layer_norm_at(level, rows, width, 1e-5, &scale, &shift, &input, &mut output)?;
                assert_close(&output, &expected, 1e-5);
            }
        }
    }

    #[test]
    fn groups_that_do_not_divide_the_channels_are_refused() {
        let shape = GroupNormShape {
            batch: 1,
            channels: 5,
            pixels: 1,
            groups: 2,
        };
        let x = [0.0; 5];
        let refused = group_norm(&shape, 1e-5, &x, &x, Activation::None, &x, &mut [0.0; 5]);
        assert!(matches!(refused, Err(ShapeError::Shape { .. })));
    }
}
