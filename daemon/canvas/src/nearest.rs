//! For every pixel, the nearest one of a set.

use rayon::prelude::*;

/// The index of the nearest pixel of a set by Euclidean distance, for every
/// pixel of `width` × `height`; `None` if the set is empty.
///
/// The exact transform in two passes of Felzenszwalb & Huttenlocher 2012: the
/// nearest in each column, then for each row the lower envelope of the
/// parabolas over its columns.
pub(crate) fn nearest(
    width: usize,
    height: usize,
    member: impl Fn(usize) -> bool + Sync,
) -> Option<Vec<usize>> {
    const NONE: u32 = u32::MAX;
    // Rows of the nearest members in each pixel's column.
    let mut in_column = vec![NONE; width * height];
    let mut last = vec![NONE; width];
    let mut pass = |y: usize, closer: &dyn Fn(u32, u32) -> bool| {
        for (x, last) in last.iter_mut().enumerate() {
            let at = y * width + x;
            if member(at) {
                *last = y as u32;
            }
            if *last != NONE && (in_column[at] == NONE || closer(*last, in_column[at])) {
                in_column[at] = *last;
            }
        }
    };
    for y in 0..height {
        pass(y, &|_, _| true);
    }
    for y in (0..height).rev() {
        let row = y as u32;
        pass(y, &|new, old| new.abs_diff(row) < old.abs_diff(row));
    }
    if in_column.iter().all(|&row| row == NONE) {
        return None;
    }

    let mut found = vec![0; width * height];
    found
        .par_chunks_mut(width)
        .zip(in_column.par_chunks(width))
        .enumerate()
        .for_each(|(y, (found, rows))| {
            // Columns whose parabola is lowest somewhere, and from where on.
            let mut lowest: Vec<(usize, f64)> = Vec::new();
            let height_at = |x: usize| {
                let dy = f64::from(rows[x]) - y as f64;
                dy * dy + (x * x) as f64
            };
            for x in (0..width).filter(|&x| rows[x] != NONE) {
                let own = height_at(x);
                let mut from = f64::NEG_INFINITY;
                while let Some(&(other, start)) = lowest.last() {
                    from = (own - height_at(other)) / (2 * (x - other)) as f64;
                    if from > start {
                        break;
                    }
                    lowest.pop();
                    from = f64::NEG_INFINITY;
                }
                lowest.push((x, from));
            }
            let mut at = 0;
            for (x, found) in found.iter_mut().enumerate() {
                while lowest.get(at + 1).is_some_and(|next| next.1 <= x as f64) {
                    at += 1;
                }
                let column = lowest[at].0;
                *found = rows[column] as usize * width + column;
            }
        });
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_is_as_near_as_any() {
        let (width, height) = (23, 17);
        let mut state = 7u32;
        for density in [2, 20, 97] {
            let set: Vec<bool> = (0..width * height)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8).is_multiple_of(density)
                })
                .collect();
            let distance = |a: usize, b: usize| {
                let dx = (a % width).abs_diff(b % width);
                let dy = (a / width).abs_diff(b / width);
                dx * dx + dy * dy
            };
            let found = nearest(width, height, |at| set[at]).unwrap();
            for (at, &near) in found.iter().enumerate() {
                let members = (0..set.len()).filter(|&other| set[other]);
                let least = members.map(|other| distance(at, other)).min().unwrap();
                assert!(set[near]);
                assert_eq!(distance(at, near), least, "at {at}, one in {density}");
            }
        }
        assert_eq!(nearest(3, 3, |_| false), None);
    }
}
