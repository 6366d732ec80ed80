//! Noise that is the same on every machine.
//!
//! A counter-based generator has no hidden state: the n-th number of a stream
//! is a function of the stream's name alone. So a generation can be suspended
//! and resumed, and candidate k of a batch drawn alone, without any
//! bookkeeping. The generator is Philox4x32-10 (J. K. Salmon, M. A. Moraes,
//! R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC '11). Uniform numbers become normal ones by the Box–Muller transform,
//! computed by a software `ln`, `sin` and `cos` in f64, because the ones of
//! the platform differ in their last bits from system to system.

/// What a stream of noise is for. Streams of different purposes never overlap.
///
/// The numbers are part of the reproducibility contract: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum NoisePurpose {
    /// The latents a generation starts from, and the noise added to an init
    /// image's latents.
    InitialLatents = 0,
    /// What a stochastic sampler adds after a step.
    SamplerStep = 1,
    /// Training: the noise a network learns to predict, and timesteps.
    Training = 2,
    /// Synthetic inputs, for fits and measurements.
    Probe = 3,
}

const MULTIPLIER_0: u32 = 0xD251_1F53;
const MULTIPLIER_1: u32 = 0xCD9E_8D57;
const WEYL_0: u32 = 0x9E37_79B9;
const WEYL_1: u32 = 0xBB67_AE85;

/// One block of Philox4x32 with ten rounds: four random words from a counter
/// and a key.
#[must_use]
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for round in 0..10 {
        if round > 0 {
            k0 = k0.wrapping_add(WEYL_0);
            k1 = k1.wrapping_add(WEYL_1);
        }
        let product_0 = u64::from(MULTIPLIER_0) * u64::from(c0);
        let product_1 = u64::from(MULTIPLIER_1) * u64::from(c2);
        let (high_0, low_0) = ((product_0 >> 32) as u32, product_0 as u32);
        let (high_1, low_1) = ((product_1 >> 32) as u32, product_1 as u32);
        (c0, c1, c2, c3) = (high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0);
    }
    [c0, c1, c2, c3]
}

/// A stream of random numbers named by (seed, step, purpose).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseStream {
    key: [u32; 2],
    step: u32,
    purpose: u32,
}

impl NoiseStream {
    /// The stream of this seed, step and purpose.
    #[must_use]
    pub fn new(seed: u64, step: u32, purpose: NoisePurpose) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            step,
            purpose: purpose as u32,
        }
    }

    /// Four random words: numbers `4·block .. 4·block + 4` of the stream.
    #[must_use]
    pub fn block(&self, block: u64) -> [u32; 4] {
        philox4x32_10(
            [block as u32, (block >> 32) as u32, self.step, self.purpose],
            self.key,
        )
    }

    /// Random words, as many as asked for.
    #[must_use]
    pub fn words(&self, count: usize) -> Vec<u32> {
        let mut words = Vec::with_capacity(count);
        for block in 0..count.div_ceil(4) as u64 {
            words.extend(self.block(block));
        }
        words.truncate(count);
        words
    }

    /// Numbers uniform in [0, 1), with 24 random bits each.
    #[must_use]
    pub fn uniforms(&self, count: usize) -> Vec<f32> {
        self.words(count)
            .into_iter()
            .map(|word| (word >> 8) as f32 / (1u32 << 24) as f32)
            .collect()
    }

    /// Standard normal numbers. Element i depends on i alone, not on `count`.
    #[must_use]
    pub fn normals(&self, count: usize) -> Vec<f32> {
        let mut normals = Vec::with_capacity(count.next_multiple_of(4));
        for block in 0..count.div_ceil(4) as u64 {
            let [a, b, c, d] = self.block(block);
            normals.extend(box_muller(a, b));
            normals.extend(box_muller(c, d));
        }
        normals.truncate(count);
        normals
    }
}

/// Two independent standard normal numbers from two random words.
fn box_muller(radius: u32, angle: u32) -> [f32; 2] {
    // In (0, 1]: the logarithm is always finite.
    let uniform = (f64::from(radius) + 1.0) / 4_294_967_296.0;
    let radius = libm::sqrt(-2.0 * libm::log(uniform));
    let angle = std::f64::consts::TAU * (f64::from(angle) / 4_294_967_296.0);
    [
        (radius * libm::cos(angle)) as f32,
        (radius * libm::sin(angle)) as f32,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their implementation.
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn normals_have_the_moments_of_a_normal_distribution() {
        let count = 200_000;
        let normals = NoiseStream::new(7, 0, NoisePurpose::InitialLatents).normals(count);
        let moment = |power: i32| {
            normals
                .iter()
                .map(|&n| f64::from(n).powi(power))
                .sum::<f64>()
                / count as f64
        };
        assert!(moment(1).abs() < 0.01, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "variance {}", moment(2));
        assert!(moment(3).abs() < 0.05, "third moment {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.1, "fourth moment {}", moment(4));
    }

    #[test]
    fn an_element_depends_on_its_place_alone() {
        let stream = NoiseStream::new(u64::MAX - 3, 9, NoisePurpose::SamplerStep);
        let long = stream.normals(1001);
        for count in [0, 1, 2, 3, 4, 5, 1000] {
            assert_eq!(stream.normals(count), long[..count]);
        }
    }

    #[test]
    fn seeds_steps_and_purposes_give_different_streams() {
        let streams = [
            NoiseStream::new(1, 0, NoisePurpose::InitialLatents),
            NoiseStream::new(2, 0, NoisePurpose::InitialLatents),
            NoiseStream::new(1 << 32, 0, NoisePurpose::InitialLatents),
            NoiseStream::new(1, 1, NoisePurpose::InitialLatents),
            NoiseStream::new(1, 0, NoisePurpose::SamplerStep),
        ];
        for (index, one) in streams.iter().enumerate() {
            for other in &streams[index + 1..] {
                assert_ne!(one.words(8), other.words(8));
            }
        }
    }

    /// Guards the promise to make the same frame again in every later version:
    /// these bits were drawn by the first one.
    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let normals = NoiseStream::new(42, 0, NoisePurpose::InitialLatents).normals(4);
        let bits: Vec<u32> = normals.iter().map(|n| n.to_bits()).collect();
        assert_eq!(bits, [3212336732, 1044819176, 3214813394, 1073103675]);
    }

    #[test]
    fn uniforms_stay_below_one() {
        let uniforms = NoiseStream::new(3, 0, NoisePurpose::Probe).uniforms(100_000);
        assert!(uniforms.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = uniforms.iter().map(|&u| f64::from(u)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.01);
    }
}
