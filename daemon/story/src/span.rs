//! Places in a prompt.

/// A range of bytes of a prompt, on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last, `start` or above.
    pub end: usize,
}

impl Span {
    /// From `start` up to, and without, `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether the two share a byte.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether all of `other` lies within.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The bytes of `prompt`; empty where the span does not fit it.
    #[must_use]
    pub fn of(self, prompt: &str) -> &str {
        prompt.get(self.start..self.end).unwrap_or_default()
    }
}
