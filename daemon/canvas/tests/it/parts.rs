//! Holes and islands, against searches that take their time.

use framewright_canvas::{CanvasError, Mask, Rect, Size};
use proptest::prelude::*;

use crate::masks::{any_mask, drawn, within};

fn neighbours(at: usize, size: Size, corners: bool) -> Vec<usize> {
    let (width, height) = (size.width as i64, size.height as i64);
    let (x, y) = (at as i64 % width, at as i64 / width);
    let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
    around
        .filter(|&(dx, dy): &(i64, i64)| (dx, dy) != (0, 0) && (corners || dx == 0 || dy == 0))
        .map(|(dx, dy)| (x + dx, y + dy))
        .filter(|&(x, y)| (0..width).contains(&x) && (0..height).contains(&y))
        .map(|(x, y)| (y * width + x) as usize)
        .collect()
}

/// For every level, what of the pixels below it cannot reach the border.
fn holes_by_levels(mask: &Mask) -> Mask {
    let size = mask.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let mut filled = mask.values().to_vec();
    let mut levels: Vec<u8> = mask.values().to_vec();
    levels.sort_unstable();
    levels.dedup();
    for level in levels {
        let low = |at: usize| mask.values()[at] < level;
        let border = |at: &usize| {
            let (x, y) = (at % width, at / width);
            x == 0 || y == 0 || x + 1 == width || y + 1 == height
        };
        let mut open = vec![false; filled.len()];
        let mut waiting: Vec<usize> = (0..filled.len()).filter(border).collect();
        waiting.retain(|&at| low(at));
        while let Some(at) = waiting.pop() {
            if !std::mem::replace(&mut open[at], true) {
                let next = neighbours(at, size, false).into_iter();
                waiting.extend(next.filter(|&at| low(at) && !open[at]));
            }
        }
        for at in 0..filled.len() {
            if low(at) && !open[at] {
                filled[at] = filled[at].max(level);
            }
        }
    }
    Mask::new(size, filled).unwrap()
}

fn island_of(mask: &Mask, from: usize) -> Vec<usize> {
    let mut island = Vec::new();
    let mut seen = vec![false; mask.values().len()];
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        if mask.values()[at] > 0 && !std::mem::replace(&mut seen[at], true) {
            island.push(at);
            waiting.extend(neighbours(at, mask.size(), true));
        }
    }
    island
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn holes_are_what_cannot_reach_the_border(mask in any_mask()) {
        let filled = mask.clone().fill_holes();
        prop_assert_eq!(&filled, &holes_by_levels(&mask));
        prop_assert!(within(&mask, &filled));
        prop_assert_eq!(&filled.clone().fill_holes(), &filled);
    }

    #[test]
    fn islands_are_what_a_walk_reaches(mask in any_mask(), at: prop::sample::Index, least in 0u64..12) {
        let width = mask.size().width as usize;
        let at = at.index(mask.values().len());
        let (x, y) = ((at % width) as u32, (at / width) as u32);
        let kept = mask.clone().keep_island(x, y);
        if mask.values()[at] == 0 {
            prop_assert_eq!(kept.unwrap_err(), CanvasError::NoIsland { x, y });
        } else {
            let island = island_of(&mask, at);
            let mut expected = vec![0; mask.values().len()];
            for &at in &island {
                expected[at] = mask.values()[at];
            }
            prop_assert_eq!(kept.unwrap().into_values(), expected);
        }

        let dropped = mask.clone().drop_islands(least);
        let mut sizes = 0;
        for at in 0..mask.values().len() {
            if mask.values()[at] > 0 {
                let island = island_of(&mask, at);
                sizes += u64::from(island.iter().min() == Some(&at));
                let kept = island.len() as u64 >= least;
                prop_assert_eq!(dropped.values()[at], if kept { mask.values()[at] } else { 0 });
            }
        }
        let islands = mask.islands();
        prop_assert_eq!(islands.len() as u64, sizes);
        let pixels = mask.values().iter().filter(|&&value| value > 0).count();
        prop_assert_eq!(islands.iter().map(|island| island.area).sum::<u64>(), pixels as u64);
    }
}

#[test]
fn a_spiral_is_open() {
    let spiral = drawn(&[
        "#########",
        "#.......#",
        "#.#####.#",
        "#.#...#.#",
        "#.#.###.#",
        "#.#.....#",
        "#.#######",
        "#........",
        "#########",
    ]);
    assert_eq!(spiral.clone().fill_holes(), spiral);
    let mut shut = spiral.into_values();
    shut[7 * 9 + 8] = 255;
    let shut = Mask::new(Size::new(9, 9), shut).unwrap().fill_holes();
    assert_eq!(shut, Mask::filled(Size::new(9, 9), 255).unwrap());
}

#[test]
fn a_hole_goes_with_its_soft_edge() {
    let ring = drawn(&[
        ".......", ".#####.", ".#737#.", ".#3.3#.", ".#737#.", ".#####.", ".......",
    ]);
    let filled = drawn(&[
        ".......", ".#####.", ".#####.", ".#####.", ".#####.", ".#####.", ".......",
    ]);
    assert_eq!(ring.fill_holes(), filled);
}

#[test]
fn corners_join_islands_and_seal_holes() {
    let diagonal = drawn(&["..#..", ".#.#.", "#...#", ".#.#.", "..#.."]);
    let islands = diagonal.islands();
    assert_eq!(islands.len(), 1);
    assert_eq!(islands[0].bounds, Rect::new(0, 0, 5, 5));
    assert_eq!(islands[0].area, 8);
    assert_eq!(
        diagonal.fill_holes(),
        drawn(&["..#..", ".###.", "#####", ".###.", "..#.."])
    );
}

#[test]
fn arms_that_meet_below_are_one_island() {
    let comb = drawn(&["#.#.#.#", "#.#.#.#", "#######", ".......", "#.....#"]);
    let areas: Vec<u64> = comb.islands().iter().map(|island| island.area).collect();
    assert_eq!(areas, [15, 1, 1]);
}
