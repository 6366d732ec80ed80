//! Softmax attention in blocks, without the matrix of all scores.
//!
//! A task takes one head and as many queries as the register tile has columns,
//! one query a lane, and runs over the keys in blocks: scores transposed (keys x
//! queries), so that the softmax is a running maximum and sum in each lane, with
//! what was summed so far scaled down whenever the maximum grows. Dao et al.,
//! *FlashAttention*, 2022; the running softmax after Milakov and Gimelshein,
//! *Online normalizer calculation for softmax*, 2018.

use rayon::prelude::*;

use crate::scratch;
use crate::shape::{ShapeError, check_length};
use crate::shared::SharedMut;
use crate::simd::{self, Level, Simd, Vectorised};
use crate::tile::{Start, Tile};

/// Keys of a block, unless all of them are few.
const BLOCK: usize = 64;
/// As many keys go in a single block.
const SINGLE_BLOCK: usize = 128;

/// Sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Independent sequences.
    pub batch: usize,
    /// Attention heads.
    pub heads: usize,
    /// Tokens that ask.
    pub queries: usize,
    /// Tokens that are asked, at least 1.
    pub keys: usize,
    /// Numbers a token and head.
    pub head_dim: usize,
}

impl AttentionShape {
    /// Keys that are taken at a time.
    fn block(&self) -> usize {
        if self.keys <= SINGLE_BLOCK {
            self.keys
        } else {
            BLOCK
        }
    }
}

/// Softmax attention: `softmax(scale · q·kᵀ + mask)·v`, head by head.
///
/// `q` and `output` are `[batch, queries, heads * head_dim]`, `k` and `v`
/// `[batch, keys, heads * head_dim]`, as linear layers give and take them. `mask`
/// is added to the scores, `[queries, keys]` for every sequence and head alike;
/// −∞ hides a key (a query from which all keys are hidden gets their mean).
///
/// # Errors
/// A slice's length is not what the shape says, or there are no keys.
pub fn attention(
    shape: &AttentionShape,
    scale: f32,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    mask: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    attention_at(Level::best(), shape, scale, q, k, v, mask, output)
}

#[expect(
    clippy::too_many_arguments,
    reason = "attention's own, and the instructions"
)]
fn attention_at(
    level: Level,
    shape: &AttentionShape,
    scale: f32,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    mask: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), ShapeError> {
    let &AttentionShape {
        batch,
        heads,
        queries,
        keys,
        head_dim,
    } = shape;
    check_length("attention", "q", q, &[batch, queries, heads, head_dim])?;
    check_length("attention", "k", k, &[batch, keys, heads, head_dim])?;
    check_length("attention", "v", v, &[batch, keys, heads, head_dim])?;
    check_length(
        "attention",
        "output",
        output,
        &[batch, queries, heads, head_dim],
    )?;
    if let Some(mask) = mask {
        check_length("attention", "mask", mask, &[queries, keys])?;
    }
    if keys == 0 || head_dim == 0 {
        let reason = "there is nothing to attend to";
        return Err(ShapeError::Shape {
            operation: "attention",
            reason,
        });
    }
    let output = SharedMut::new(output);
    let blocks = queries.div_ceil(level.tile_columns());
    (0..batch * heads * blocks)
        .into_par_iter()
        .for_each(|task| {
            let (sequence, first) = (task / blocks, task % blocks * level.tile_columns());
            let (batch, head) = (sequence / heads, sequence % heads);
            let count = level.tile_columns().min(queries - first);
            let rows = 2 * head_dim + shape.block() + 2;
            scratch::for_task(rows * level.tile_columns(), |scratch| {
                simd::run(
                    level,
                    Task {
                        shape,
                        scale,
                        q,
                        k,
                        v,
                        mask,
                        output,
                        batch,
                        head,
                        first,
                        count,
                        scratch,
                    },
                );
            });
        });
    Ok(())
}

/// One head and block of queries.
struct Task<'a> {
    shape: &'a AttentionShape,
    scale: f32,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    mask: Option<&'a [f32]>,
    output: SharedMut<'a>,
    batch: usize,
    head: usize,
    /// First query and number of them, at most a tile's columns.
    first: usize,
    count: usize,
    /// Queries, sums, scores, their maxima and totals; a tile's columns each.
    scratch: &'a mut [f32],
}

impl Vectorised for Task<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let &AttentionShape {
            heads,
            queries,
            keys,
            head_dim,
            ..
        } = self.shape;
        let token = heads * head_dim;
        let step = S::TILE_COLUMNS;
        // Lanes beyond the last query compute on zeros and are thrown away.
        let columns = self.count.next_multiple_of(S::LANES);
        let block = self.shape.block();
        let scratch = self.scratch;
        let (q, scratch) = scratch.split_at_mut(head_dim * step);
        let (sums, scratch) = scratch.split_at_mut(head_dim * step);
        let (scores, scratch) = scratch.split_at_mut(block * step);
        let (largest, total) = scratch.split_at_mut(step);
        let origin = (self.batch * queries + self.first) * token + self.head * head_dim;
        q.fill(0.0);
        for (n, from) in self.q[origin..].chunks(token).take(self.count).enumerate() {
            for (d, value) in from[..head_dim].iter().enumerate() {
                q[d * step + n] = value * self.scale;
            }
        }
        sums.fill(0.0);
        largest.fill(-1e30);
        total.fill(0.0);

        for key in (0..keys).step_by(block) {
            let count = block.min(keys - key);
            let origin = (self.batch * keys + key) * token + self.head * head_dim;
            let k = &self.k[origin..][..(count - 1) * token + head_dim];
            let v = &self.v[origin..][..(count - 1) * token + head_dim];
            for row in (0..count).step_by(S::TILE_ROWS) {
                let rows = S::TILE_ROWS.min(count - row);
                let tile = Tile {
                    rows,
                    columns,
                    depth: head_dim,
                    a: k[row * token..].as_ptr(),
                    a_row: token,
                    a_step: 1,
                    b: q.as_ptr(),
                    b_step: step,
                    c: scores[row * step..].as_mut_ptr(),
                    c_row: step,
                    start: Start::Zero,
                };
                // SAFETY: `k` holds `count` tokens' head_dim numbers, `q`
                // head_dim and `scores` `block` >= `count` rows of `step`.
                #[expect(unsafe_code, reason = "register tile over raw matrices")]
                unsafe {
                    s.accumulate(&tile);
                }
            }
            if let Some(mask) = self.mask {
                for n in 0..self.count {
                    let mask = &mask[(self.first + n) * keys + key..][..count];
                    for (score, mask) in scores[n..].iter_mut().step_by(step).zip(mask) {
                        *score = (*score + mask).max(-1e30);
                    }
                }
            }
            for lane in (0..columns).step_by(S::LANES) {
                softmax(s, lane, &mut scores[..count * step], largest, total, sums);
            }
            for row in (0..head_dim).step_by(S::TILE_ROWS) {
                let rows = S::TILE_ROWS.min(head_dim - row);
                let tile = Tile {
                    rows,
                    columns,
                    depth: count,
                    a: v[row..].as_ptr(),
                    a_row: 1,
                    a_step: token,
                    b: scores.as_ptr(),
                    b_step: step,
                    c: sums[row * step..].as_mut_ptr(),
                    c_row: step,
                    start: Start::Sum,
                };
                // SAFETY: as above; `sums` holds head_dim rows of `step`.
                #[expect(unsafe_code, reason = "register tile over raw matrices")]
                unsafe {
                    s.accumulate(&tile);
                }
            }
        }

        for lane in (0..columns).step_by(S::LANES) {
            let total = s.read(&total[lane..]);
            for row in sums.chunks_exact_mut(step) {
                let share = s.div(s.read(&row[lane..]), total);
                s.write(&mut row[lane..], share);
            }
        }
        for n in 0..self.count {
            // SAFETY: no other task has this query of this head.
            #[expect(unsafe_code, reason = "disjoint parts of the result")]
            let to = unsafe { self.output.part(origin + n * token, head_dim) };
            for (to, row) in to.iter_mut().zip(sums.chunks_exact(step)) {
                *to = row[n];
            }
        }
    }
}

/// Turns a block of scores into powers of e under the running maximum, for the
/// vector of queries at `lane`.
#[inline(always)]
fn softmax<S: Simd>(
    s: S,
    lane: usize,
    scores: &mut [f32],
    largest: &mut [f32],
    total: &mut [f32],
    sums: &mut [f32],
) {
    let step = S::TILE_COLUMNS;
    let before = s.read(&largest[lane..]);
    let mut now = before;
    for row in scores.chunks_exact(step) {
        // A score that is not a number must not get lost: it comes second.
        now = s.max(now, s.read(&row[lane..]));
    }
    let mut sum = s.read(&total[lane..]);
    if s.any_greater(now, before) {
        let shrink = s.exp(s.sub(before, now));
        sum = s.mul(sum, shrink);
        for row in sums.chunks_exact_mut(step) {
            let scaled = s.mul(s.read(&row[lane..]), shrink);
            s.write(&mut row[lane..], scaled);
        }
        s.write(&mut largest[lane..], now);
    }
    for row in scores.chunks_exact_mut(step) {
        let power = s.exp(s.sub(s.read(&row[lane..]), now));
        sum = s.add(sum, power);
        s.write(&mut row[lane..], power);
    }
    s.write(&mut total[lane..], sum);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conv::tests::{assert_close, numbers};

    /// The definition, in double precision.
    fn naive(
        shape: &AttentionShape,
        scale: f32,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        mask: Option<&[f32]>,
    ) -> Vec<f64> {
        let &AttentionShape {
            batch,
            heads,
            queries,
            keys,
            head_dim,
        } = shape;
        let at = |x: &[f32], tokens, b, t, h, d| {
            f64::from(x[((b * tokens + t) * heads + h) * head_dim + d])
        };
        let mut output = vec![0.0; batch * queries * heads * head_dim];
        for b in 0..batch {
            for h in 0..heads {
                for i in 0..queries {
                    let scores: Vec<f64> = (0..keys)
                        .map(|j| {
                            let dot: f64 = (0..head_dim)
                                .map(|d| at(q, queries, b, i, h, d) * at(k, keys, b, j, h, d))
                                .sum();
                            dot * f64::from(scale)
                                + mask.map_or(0.0, |m| f64::from(m[i * keys + j]))
                        })
                        .collect();
                    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let powers: Vec<f64> = scores.iter().map(|x| (x - largest).exp()).collect();
                    let total: f64 = powers.iter().sum();
                    for d in 0..head_dim {
                        output[((b * queries + i) * heads + h) * head_dim + d] = (0..keys)
                            .map(|j| powers[j] / total * at(v, keys, b, j, h, d))
                            .sum();
                    }
                }
            }
        }
        output
    }

    fn check(shape: &AttentionShape, scale: f32, mask: Option<&[f32]>, seed: u64) {
        let width = shape.batch * shape.heads * shape.head_dim;
        let q = numbers(seed, width * shape.queries);
        let k = numbers(seed ^ 1, width * shape.keys);
        let v = numbers(seed ^ 2, width * shape.keys);
        let expected = naive(shape, scale, &q, &k, &v, mask);
        for level in Level::all() {
            let mut output = vec![f32::NAN; q.len()];
            attention_at(level, shape, scale, &q, &k, &v, mask, &mut output).unwrap();
            assert_close(&output, &expected, 5e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn attention_follows_the_definition(
            batch in 1usize..3, heads in 1usize..4, queries in 1usize..120,
            keys in 1usize..300, head_dim in 1usize..50, scale in 0.05f32..1.0, seed: u64,
        ) {
            check(&AttentionShape { batch, heads, queries, keys, head_dim }, scale, None, seed);
        }

        #[test]
        fn a_causal_mask_hides_what_comes_later(
            heads in 1usize..3, tokens in 1usize..150, head_dim in 1usize..20, seed: u64,
        ) {
            let shape = AttentionShape { batch: 2, heads, queries: tokens, keys: tokens, head_dim };
            let mask: Vec<f32> = (0..tokens * tokens)
                .map(|i| if i % tokens > i / tokens { f32::NEG_INFINITY } else { 0.0 })
                .collect();
            check(&shape, 0.5, Some(&mask), seed);
        }
    }

    #[test]
    fn scores_of_any_size_give_a_proper_mean() {
        let shape = AttentionShape {
            batch: 1,
            heads: 1,
            queries: 3,
            keys: 200,
            head_dim: 4,
        };
        let q = [1e4f32; 12];
        let k: Vec<f32> = (0..800).map(|i| (i / 4) as f32).collect();
        let v: Vec<f32> = (0..800).map(|i| (i / 4) as f32).collect();
        for level in Level::all() {
            let mut output = [0.0; 12];
            attention_at(level, &shape, 1.0, &q, &k, &v, None, &mut output).unwrap();
            assert_eq!(output, [199.0; 12], "the last key wins by far");
        }
    }

    #[test]
    fn a_number_that_is_none_is_not_hidden() {
        let shape = AttentionShape {
            batch: 1,
            heads: 1,
            queries: 2,
            keys: 70,
            head_dim: 8,
        };
        let q = numbers(1, 16);
        let mut k = numbers(2, 560);
        k[8] = f32::NAN;
        for level in Level::all() {
            let mut output = [0.0; 16];
            attention_at(level, &shape, 1.0, &q, &k, &k, None, &mut output).unwrap();
            assert!(output.iter().all(|x| x.is_nan()), "{}", level.name());
        }
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_threads() {
        let shape = AttentionShape {
            batch: 2,
            heads: 3,
            queries: 130,
            keys: 200,
            head_dim: 24,
        };
        let (q, k) = (numbers(5, 2 * 3 * 130 * 24), numbers(6, 2 * 3 * 200 * 24));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut output = vec![0.0; q.len()];
            pool.install(|| attention(&shape, 0.2, &q, &k, &k, None, &mut output))
                .unwrap();
            output
        };
        let alone = on(1);
        assert!(on(2) == alone && on(5) == alone);
    }
}
