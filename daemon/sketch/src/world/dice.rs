//! Seeded randomness that stays put when code around it changes.

use std::ops::Range;

/// A small deterministic generator (SplitMix64, Steele et al. 2014).
///
/// Parts of a scene draw from their own [`split`](Dice::split), so adding a
/// draw to one part never changes another.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// Starts a sequence; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            state: scramble(seed.wrapping_add(GOLDEN)),
        }
    }

    /// An independent sequence for the part called `label`. It depends on the
    /// seed and the label only, not on how much was drawn before.
    pub fn split(&self, label: &str) -> Self {
        // FNV-1a keeps the mapping from labels to streams fixed for ever.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self::new(scramble(self.seed ^ hash))
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        scramble(self.state)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Uniform in `range`.
    pub fn range(&mut self, range: Range<f32>) -> f32 {
        range.start + (range.end - range.start) * self.unit()
    }

    /// A whole number in `range`; the start where the range is empty.
    pub fn int(&mut self, range: Range<usize>) -> usize {
        let span = range.end.saturating_sub(range.start).max(1) as u64;
        range.start + (self.bits() % span) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// If `choices` is empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.int(0..choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_ignores_earlier_draws_and_labels_differ() {
        let fresh = Dice::new(7);
        let mut used = Dice::new(7);
        used.bits();
        assert_eq!(fresh.split("hair").bits(), used.split("hair").bits());
        assert_ne!(fresh.split("hair").bits(), fresh.split("hat").bits());
        assert_ne!(
            Dice::new(8).split("hair").bits(),
            fresh.split("hair").bits()
        );
    }

    #[test]
    fn draws_fill_their_range_evenly() {
        let mut dice = Dice::new(1);
        let mean = (0..10_000).map(|_| dice.range(2.0..4.0)).sum::<f32>() / 10_000.0;
        assert!((mean - 3.0).abs() < 0.03, "mean {mean}");
        let mut seen = [0; 5];
        for _ in 0..5_000 {
            seen[dice.int(0..5)] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
