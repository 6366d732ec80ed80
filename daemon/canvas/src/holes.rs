//! Filling what a selection surrounds.

use std::collections::VecDeque;

use crate::mask::Mask;

impl Mask {
    /// Fills holes: a pixel takes the least value to which the mask has to be
    /// lowered along some way of 4-neighbours from it to the canvas's border,
    /// if that is more than its own. What is not selected and not surrounded,
    /// and every border that is open to the outside, keeps its value; soft
    /// edges inside a hole go with it. A hole that touches the canvas's border
    /// is open.
    ///
    /// Greyscale reconstruction by erosion from the border, by the hybrid
    /// algorithm of Vincent 1993.
    #[must_use]
    pub fn fill_holes(self) -> Self {
        let (width, height) = (self.stride(), self.size().height as usize);
        if width < 3 || height < 3 {
            return self;
        }
        let mask = self.values();
        // From above: 255 inside, the mask's own values on the border.
        let mut level = vec![255u8; mask.len()];
        for y in [0, height - 1] {
            level[y * width..][..width].copy_from_slice(&mask[y * width..][..width]);
        }
        for y in 1..height - 1 {
            for x in [0, width - 1] {
                level[y * width + x] = mask[y * width + x];
            }
        }

        for y in 1..height - 1 {
            let (above, row) = level.split_at_mut(y * width);
            let above = &above[(y - 1) * width..];
            let own = &mask[y * width..][..width];
            let row = &mut row[..width];
            for ((level, above), own) in row.iter_mut().zip(above).zip(own) {
                *level = (*level).min(*above).max(*own);
            }
            let mut left = row[0];
            for (level, own) in row[1..width - 1].iter_mut().zip(&own[1..]) {
                left = left.min(*level).max(*own);
                *level = left;
            }
        }

        // Back again; what could still lower a neighbour that was passed
        // already is kept for later.
        let mut waiting = VecDeque::new();
        for y in (1..height - 1).rev() {
            let (upper, below) = level.split_at_mut((y + 1) * width);
            let row = &mut upper[y * width..];
            let below = &below[..width];
            let own = &mask[y * width..][..width];
            for ((level, below), own) in row.iter_mut().zip(below).zip(own) {
                *level = (*level).min(*below).max(*own);
            }
            let mut right = row[width - 1];
            for (level, own) in row[1..].iter_mut().zip(&own[1..]).rev().skip(1) {
                right = right.min(*level).max(*own);
                *level = right;
            }
            let mut keep = |at: usize, neighbour: u8, own: u8| {
                if neighbour > level[at] && neighbour > own {
                    waiting.push_back(at);
                }
            };
            let below_own = &mask[(y + 1) * width..][..width];
            let own = &mask[y * width..][..width];
            let row = y * width;
            for x in 1..width - 1 {
                // The neighbours that the scan had passed: right and below.
                let at = row + x;
                keep(at, level[at + 1], own[x + 1]);
                keep(at, level[at + width], below_own[x]);
            }
        }
        while let Some(at) = waiting.pop_front() {
            let here = level[at];
            for neighbour in [at - 1, at + 1, at - width, at + width] {
                let lowered = here.max(mask[neighbour]);
                if level[neighbour] > lowered {
                    level[neighbour] = lowered;
                    let (x, y) = (neighbour % width, neighbour / width);
                    if (1..width - 1).contains(&x) && (1..height - 1).contains(&y) {
                        waiting.push_back(neighbour);
                    }
                }
            }
        }
        self.with(level)
    }
}
