//! 3 x 3 convolutions at stride 1 by minimal filtering F(4 x 4, 3 x 3).
//!
//! The output is cut into tiles of 4 x 4 pixels. Each tile's 6 x 6 input patch and
//! each kernel are transformed; in the transformed domain the convolution is 36
//! independent matrix products, output channels x input channels x tiles, a
//! quarter of the multiplications. Lavin and Gray, *Fast Algorithms for
//! Convolutional Neural Networks*, 2015.
//!
//! Tiles are taken in passes of a bounded number. In a pass, all tiles are
//! transformed first (tasks by input channel), then each task takes a block of
//! output channels, transforms its kernels as it needs them, and never holds more
//! than fits in the second-level cache. No transformed kernel is kept: for a
//! Stable Diffusion UNet they would take 8 GB.

use rayon::prelude::*;

use crate::conv::ConvShape;
use crate::scratch;
use crate::shared::SharedMut;
use crate::simd::{self, Level, Simd, Vectorised};
use crate::tile::{Start, Tile};

/// Numbers in a transformed patch.
const POINTS: usize = 36;
/// Output channels of a task.
const OUT_BLOCK: usize = 16;
/// Input channels whose kernels a task transforms at a time.
const IN_BLOCK: usize = 64;
/// Most tiles of a pass.
const PASS_TILES: usize = 256;
/// Most numbers in the transformed patches of a pass.
const PASS_NUMBERS: usize = 8 << 20;

/// Whether this convolution can go this way and is worth it.
pub(crate) fn suits(level: Level, shape: &ConvShape) -> bool {
    let tiles = shape.batch * shape.out_height().div_ceil(4) * shape.out_width().div_ceil(4);
    shape.kernel == (3, 3)
        && shape.stride == 1
        && shape.in_channels >= 8
        && shape.out_channels >= 8
        && tiles >= level.lanes()
}

/// Where a tile of the output lies.
#[derive(Clone, Copy)]
struct Place {
    batch: usize,
    /// First row and column of the output.
    y: usize,
    x: usize,
    /// Rows and columns inside the output, 1 to 4.
    height: usize,
    width: usize,
}

/// One pass: the tiles and how their transforms are laid out.
struct Pass<'a> {
    shape: &'a ConvShape,
    places: &'a [Place],
    /// Number of tiles, rounded up to whole vectors.
    columns: usize,
}

impl Pass<'_> {
    /// Where the transformed patches' block of channels from `channel` on, point
    /// `point`, tiles from `column` (a multiple of `panel`) on begin: blocks of
    /// channels hold points hold panels of tiles hold channels.
    #[inline(always)]
    fn patches(&self, channel: usize, point: usize, column: usize) -> usize {
        let first = channel / IN_BLOCK * IN_BLOCK;
        let count = IN_BLOCK.min(self.shape.in_channels - first);
        POINTS * self.columns * first + (point * self.columns + column) * count
    }

    /// Tiles in the panel that begins at `column`.
    #[inline(always)]
    fn panel_width<S: Simd>(&self, column: usize) -> usize {
        S::TILE_COLUMNS.min(self.columns - column)
    }
}

/// The convolution; lengths are checked already.
pub(crate) fn conv2d(
    level: Level,
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let (height, width) = (shape.out_height(), shape.out_width());
    let mut places = Vec::new();
    for batch in 0..shape.batch {
        for y in (0..height).step_by(4) {
            for x in (0..width).step_by(4) {
                let (height, width) = (4.min(height - y), 4.min(width - x));
                places.push(Place {
                    batch,
                    y,
                    x,
                    height,
                    width,
                });
            }
        }
    }
    // How tiles are shared out over passes has no influence on their values.
    let most = (PASS_NUMBERS / (POINTS * shape.in_channels)).clamp(level.lanes(), PASS_TILES);
    let passes = places.len().div_ceil(most);
    let in_pass = places.len().div_ceil(passes);
    let in_pass = in_pass.next_multiple_of(level.lanes());
    let output = SharedMut::new(output);
    scratch::for_call(POINTS * shape.in_channels * in_pass, |patches| {
        for places in places.chunks(in_pass) {
            let columns = places.len().next_multiple_of(level.lanes());
            let pass = Pass {
                shape,
                places,
                columns,
            };
            let shared = SharedMut::new(patches);
            (0..shape.in_channels)
                .into_par_iter()
                .with_min_len(4)
                .for_each(|channel| {
                    scratch::for_task(POINTS * columns, |scratch| {
                        let patches = shared;
                        let pass = &pass;
                        simd::run(
                            level,
                            PatchTask {
                                pass,
                                input,
                                channel,
                                patches,
                                scratch,
                            },
                        );
                    });
                });
            let patches = &*patches;
            let blocks = shape.out_channels.div_ceil(OUT_BLOCK);
            (0..blocks).into_par_iter().for_each(|block| {
                let first = block * OUT_BLOCK;
                let count = OUT_BLOCK.min(shape.out_channels - first);
                let pass = &pass;
                scratch::for_task(POINTS * OUT_BLOCK * (columns + IN_BLOCK), |scratch| {
                    simd::run(
                        level,
                        ProductTask {
                            pass,
                            patches,
                            weight,
                            bias,
                            first,
                            count,
                            output,
                            scratch,
                        },
                    );
                });
            });
        }
    });
}

/// Transforms one input channel of all tiles of a pass.
struct PatchTask<'a> {
    pass: &'a Pass<'a>,
    input: &'a [f32],
    channel: usize,
    patches: SharedMut<'a>,
    /// For the pixels of all patches.
    scratch: &'a mut [f32],
}

impl Vectorised for PatchTask<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self {
            pass,
            input,
            channel,
            patches,
            scratch: pixels,
        } = self;
        let columns = pass.columns;
        let block = channel / IN_BLOCK * IN_BLOCK;
        gather(pass, input, channel, pixels);
        for column in (0..columns).step_by(S::LANES) {
            let mut d = [[s.splat(0.0); 6]; 6];
            for (i, row) in d.iter_mut().enumerate() {
                for (j, value) in row.iter_mut().enumerate() {
                    *value = s.read(&pixels[(i * 6 + j) * columns + column..]);
                }
            }
            let mut half = [[s.splat(0.0); 6]; 6];
            for j in 0..6 {
                let t = input_transform(s, [d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j]]);
                for i in 0..6 {
                    half[i][j] = t[i];
                }
            }
            let panel = column / S::TILE_COLUMNS * S::TILE_COLUMNS;
            let inside = (channel - block) * pass.panel_width::<S>(panel) + column - panel;
            for (i, row) in half.into_iter().enumerate() {
                for (j, value) in input_transform(s, row).into_iter().enumerate() {
                    let to = pass.patches(channel, i * 6 + j, panel) + inside;
                    // SAFETY: `at` checks the bounds; no other task has this
                    // channel.
                    #[expect(unsafe_code, reason = "disjoint parts of the patches")]
                    unsafe {
                        s.store(patches.at(to, S::LANES), value);
                    }
                }
            }
        }
    }
}

/// Writes the pixels of every tile's patch, `pixels[(row * 6 + column) * columns
/// + tile]`, zeros outside the image.
#[inline(always)]
fn gather(pass: &Pass, input: &[f32], channel: usize, pixels: &mut [f32]) {
    let shape = pass.shape;
    let columns = pass.columns;
    let plane = shape.height * shape.width;
    for (tile, place) in pass.places.iter().enumerate() {
        let input = &input[(place.batch * shape.in_channels + channel) * plane..][..plane];
        let left = place.x.wrapping_sub(shape.padding.left);
        for i in 0..6 {
            let y = (place.y + i).wrapping_sub(shape.padding.top);
            let row = if y < shape.height {
                &input[y * shape.width..][..shape.width]
            } else {
                &[]
            };
            let pixels = &mut pixels[i * 6 * columns + tile..];
            let pixels = &mut pixels[..5 * columns + 1];
            if let Some(Ok(from)) = row
                .get(left..left.wrapping_add(6))
                .map(<&[f32; 6]>::try_from)
            {
                for (j, value) in from.iter().enumerate() {
                    pixels[j * columns] = *value;
                }
            } else {
                for j in 0..6 {
                    pixels[j * columns] = row.get(left.wrapping_add(j)).copied().unwrap_or(0.0);
                }
            }
        }
    }
    for row in pixels.chunks_exact_mut(columns) {
        row[pass.places.len()..].fill(0.0);
    }
}

/// One dimension of the patches' transform, Bᵀd.
#[inline(always)]
fn input_transform<S: Simd>(s: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
    let (two, four) = (s.splat(2.0), s.splat(4.0));
    let five = s.splat(-5.0);
    let even = s.mul_add(s.splat(-4.0), d[2], d[4]);
    let odd = s.mul_add(s.splat(-4.0), d[1], d[3]);
    let outer = s.sub(d[4], d[2]);
    let inner = s.mul(two, s.sub(d[3], d[1]));
    [
        s.mul_add(four, d[0], s.mul_add(five, d[2], d[4])),
        s.add(even, odd),
        s.sub(even, odd),
        s.add(outer, inner),
        s.sub(outer, inner),
        s.mul_add(four, d[1], s.mul_add(five, d[3], d[5])),
    ]
}

/// One dimension of the kernels' transform, Gg.
#[inline(always)]
fn kernel_transform<S: Simd>(s: S, g: [S::Vector; 3]) -> [S::Vector; 6] {
    let even = s.mul(s.splat(-1.0 / 6.0), s.add(g[0], g[2]));
    let odd = s.mul(s.splat(-1.0 / 6.0), g[1]);
    let far = s.mul_add(s.splat(1.0 / 6.0), g[2], s.mul(s.splat(1.0 / 24.0), g[0]));
    let far_odd = s.mul(s.splat(1.0 / 12.0), g[1]);
    [
        s.mul(s.splat(0.25), g[0]),
        s.add(even, odd),
        s.sub(even, odd),
        s.add(far, far_odd),
        s.sub(far, far_odd),
        g[2],
    ]
}

/// One dimension of the way back, Aᵀm.
#[inline(always)]
fn output_transform<S: Simd>(s: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
    let (near, near_odd) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (far, far_odd) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    [
        s.add(m[0], s.add(near, far)),
        s.mul_add(s.splat(2.0), far_odd, near_odd),
        s.mul_add(s.splat(4.0), far, near),
        s.add(m[5], s.mul_add(s.splat(8.0), far_odd, near_odd)),
    ]
}

/// Computes a block of output channels of all tiles of a pass.
struct ProductTask<'a> {
    pass: &'a Pass<'a>,
    patches: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    /// First output channel and number of them.
    first: usize,
    count: usize,
    output: SharedMut<'a>,
    /// For the sums of all tiles and the kernels of a block of input channels.
    scratch: &'a mut [f32],
}

impl Vectorised for ProductTask<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let sums = POINTS * OUT_BLOCK * self.pass.columns;
        let (sums, kernels) = std::mem::take(&mut self.scratch).split_at_mut(sums);
        for channel in (0..self.pass.shape.in_channels).step_by(IN_BLOCK) {
            let depth = IN_BLOCK.min(self.pass.shape.in_channels - channel);
            self.transform_kernels(s, channel, depth, kernels);
            self.multiply(s, channel, depth, kernels, sums);
        }
        self.write(s, sums);
    }
}

impl ProductTask<'_> {
    /// Transforms this task's kernels for `depth` input channels from `channel`
    /// on to `kernels[(point * depth + channel) * OUT_BLOCK + output channel]`.
    #[inline(always)]
    fn transform_kernels<S: Simd>(&self, s: S, channel: usize, depth: usize, kernels: &mut [f32]) {
        let in_channels = self.pass.shape.in_channels;
        let mut lanes = [[0f32; 16]; 9];
        for first in (0..OUT_BLOCK).step_by(S::LANES) {
            if first >= self.count {
                break;
            }
            let count = S::LANES.min(self.count - first);
            for c in 0..depth {
                for lane in 0..count {
                    let out = self.first + first + lane;
                    let from = &self.weight[(out * in_channels + channel + c) * 9..][..9];
                    for (lanes, value) in lanes.iter_mut().zip(from) {
                        lanes[lane] = *value;
                    }
                }
                let mut g = [s.splat(0.0); 9];
                for (g, lanes) in g.iter_mut().zip(&lanes) {
                    *g = s.read(lanes);
                }
                let mut half = [[s.splat(0.0); 3]; 6];
                for j in 0..3 {
                    let t = kernel_transform(s, [g[j], g[3 + j], g[6 + j]]);
                    for i in 0..6 {
                        half[i][j] = t[i];
                    }
                }
                for (i, row) in half.into_iter().enumerate() {
                    for (j, value) in kernel_transform(s, row).into_iter().enumerate() {
                        let to = ((i * 6 + j) * depth + c) * OUT_BLOCK + first;
                        s.write(&mut kernels[to..], value);
                    }
                }
            }
        }
    }

    /// Adds the products of `depth` input channels from `channel` on, which
    /// begin at 0, to `sums[(point * OUT_BLOCK + output channel) * columns + tile]`.
    #[inline(always)]
    fn multiply<S: Simd>(
        &self,
        s: S,
        channel: usize,
        depth: usize,
        kernels: &[f32],
        sums: &mut [f32],
    ) {
        let columns = self.pass.columns;
        for point in 0..POINTS {
            for column in (0..columns).step_by(S::TILE_COLUMNS) {
                let width = self.pass.panel_width::<S>(column);
                let patches = &self.patches[self.pass.patches(channel, point, column)..];
                let patches = &patches[..depth * width];
                for row in (0..self.count).step_by(S::TILE_ROWS) {
                    let rows = S::TILE_ROWS.min(self.count - row);
                    let kernels = &kernels[point * depth * OUT_BLOCK + row..];
                    let kernels = &kernels[..(depth - 1) * OUT_BLOCK + rows];
                    let sums = &mut sums[(point * OUT_BLOCK + row) * columns + column..];
                    let sums = &mut sums[..(rows - 1) * columns + width];
                    let tile = Tile {
                        rows,
                        columns: width,
                        depth,
                        a: kernels.as_ptr(),
                        a_row: 1,
                        a_step: OUT_BLOCK,
                        b: patches.as_ptr(),
                        b_step: width,
                        c: sums.as_mut_ptr(),
                        c_row: columns,
                        start: if channel == 0 {
                            Start::Zero
                        } else {
                            Start::Sum
                        },
                    };
                    // SAFETY: the three slices are exactly what the tile reads
                    // and writes; `width` is a whole number of vectors.
                    #[expect(unsafe_code, reason = "register tile over raw matrices")]
                    unsafe {
                        s.accumulate(&tile);
                    }
                }
            }
        }
    }

    /// Transforms the sums back and writes the tiles into the output.
    #[inline(always)]
    fn write<S: Simd>(&self, s: S, sums: &[f32]) {
        let shape = self.pass.shape;
        let (height, width) = (shape.out_height(), shape.out_width());
        let columns = self.pass.columns;
        for out in 0..self.count {
            let bias = self.bias.map_or(0.0, |bias| bias[self.first + out]);
            let bias = s.splat(bias);
            for (places, column) in self
                .pass
                .places
                .chunks(S::LANES)
                .zip((0..columns).step_by(S::LANES))
            {
                let mut half = [[s.splat(0.0); 6]; 4];
                // By columns, then by rows.
                for j in 0..6 {
                    let mut m = [s.splat(0.0); 6];
                    for (i, m) in m.iter_mut().enumerate() {
                        let point = i * 6 + j;
                        *m = s.read(&sums[(point * OUT_BLOCK + out) * columns + column..]);
                    }
                    for (half, value) in half.iter_mut().zip(output_transform(s, m)) {
                        half[j] = value;
                    }
                }
                let mut pixels = [[[0f32; 16]; 4]; 4];
                for (row, pixels) in half.into_iter().zip(&mut pixels) {
                    for (value, pixels) in output_transform(s, row).into_iter().zip(pixels) {
                        s.write(pixels, s.add(value, bias));
                    }
                }
                for (lane, place) in places.iter().enumerate() {
                    let channel = place.batch * shape.out_channels + self.first + out;
                    let to = (channel * height + place.y) * width + place.x;
                    for (i, pixels) in pixels.iter().enumerate().take(place.height) {
                        // SAFETY: no other task has this output channel.
                        #[expect(unsafe_code, reason = "disjoint parts of the result")]
                        let to = unsafe { self.output.part(to + i * width, place.width) };
                        if let Ok(to) = <&mut [f32; 4]>::try_from(&mut *to) {
                            *to = [
                                pixels[0][lane],
                                pixels[1][lane],
                                pixels[2][lane],
                                pixels[3][lane],
                            ];
                        } else {
                            for (to, pixels) in to.iter_mut().zip(pixels) {
                                *to = pixels[lane];
                            }
                        }
                    }
                }
            }
        }
    }
}
