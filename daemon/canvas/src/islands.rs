//! The separate parts of a selection.

use crate::error::CanvasError;
use crate::geometry::Rect;
use crate::mask::Mask;

/// A part of a selection that touches no other: pixels that are not 0, joined
/// by sides or corners. A soft edge belongs to what it surrounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Island {
    /// How many pixels it has.
    pub area: u64,
    /// The smallest rectangle that holds it.
    pub bounds: Rect,
}

/// A row's pixels that are not 0, side by side.
#[derive(Debug, Clone, Copy)]
struct Run {
    y: usize,
    start: usize,
    end: usize,
}

/// All runs, and for each the number of its island.
struct Labelled {
    runs: Vec<Run>,
    labels: Vec<usize>,
    islands: Vec<Island>,
}

impl Mask {
    /// The islands, from the top, each by its first pixel.
    pub fn islands(&self) -> Vec<Island> {
        label(self).islands
    }

    /// Keeps the island at a pixel.
    ///
    /// # Errors
    /// [`CanvasError::NoIsland`] if nothing is selected there.
    pub fn keep_island(self, x: u32, y: u32) -> Result<Self, CanvasError> {
        if self.at(x, y) == 0 {
            return Err(CanvasError::NoIsland { x, y });
        }
        let labelled = label(&self);
        let (column, row) = (x as usize, y as usize);
        let clicked = labelled.runs.iter().zip(&labelled.labels);
        let clicked = clicked
            .filter(|(run, _)| run.y == row && (run.start..run.end).contains(&column))
            .map(|(_, &label)| label)
            .next();
        Ok(labelled.erase(self, |label, _| Some(label) != clicked))
    }

    /// Drops islands of fewer than `area` pixels.
    #[must_use]
    pub fn drop_islands(self, area: u64) -> Self {
        label(&self).erase(self, |_, island| island.area < area)
    }
}

impl Labelled {
    /// The mask without the islands that are to go.
    fn erase(&self, mut mask: Mask, goes: impl Fn(usize, &Island) -> bool) -> Mask {
        let islands = self.islands.iter().enumerate();
        let gone: Vec<bool> = islands.map(|(label, island)| goes(label, island)).collect();
        let width = mask.stride();
        let values = mask.values_mut();
        for (run, &label) in self.runs.iter().zip(&self.labels) {
            if gone[label] {
                values[run.y * width + run.start..run.y * width + run.end].fill(0);
            }
        }
        mask
    }
}

/// Finds the runs, and joins those of neighbouring rows that touch.
fn label(mask: &Mask) -> Labelled {
    let mut runs: Vec<Run> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.rows().enumerate() {
        let first = runs.len();
        let mut next_above = above.start;
        let mut x = 0;
        while let Some(skipped) = row[x..].iter().position(|&value| value != 0) {
            let start = x + skipped;
            let length = row[start..].iter().position(|&value| value == 0);
            let end = length.map_or(row.len(), |length| start + length);
            let own = runs.len();
            runs.push(Run { y, start, end });
            parents.push(own);
            // Corners touch: a run above may begin where this one ends.
            while next_above < above.end && runs[next_above].start <= end {
                if runs[next_above].end >= start {
                    join(&mut parents, next_above, own);
                }
                if runs[next_above].end > end {
                    break;
                }
                next_above += 1;
            }
            x = end;
        }
        above = first..runs.len();
    }

    let mut numbers = vec![usize::MAX; runs.len()];
    let mut labels = Vec::with_capacity(runs.len());
    let mut islands: Vec<Island> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let root = root(&mut parents, at);
        // Sides are u32.
        let area = (run.end - run.start) as u64;
        let bounds = Rect::new(run.start as u32, run.y as u32, area as u32, 1);
        if let Some(island) = islands.get_mut(numbers[root]) {
            island.area += area;
            island.bounds = island.bounds.union(bounds);
        } else {
            numbers[root] = islands.len();
            islands.push(Island { area, bounds });
        }
        labels.push(numbers[root]);
    }
    Labelled {
        runs,
        labels,
        islands,
    }
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    parents[one.max(other)] = one.min(other);
}
