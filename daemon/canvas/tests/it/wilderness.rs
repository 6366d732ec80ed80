//! Pictures that the tests draw into.

use framewright_canvas::{Pixels, Size};

use crate::masks::numbers;

/// A landscape of slow waves of colour, with a little grain, as channels of 0
/// to 1.
pub fn landscape(size: Size, seed: u64) -> Vec<[f32; 4]> {
    let mut next = numbers(seed);
    let waves: Vec<[f32; 5]> = (0..9)
        .map(|_| std::array::from_fn(|_| next() * 2.0 - 1.0))
        .collect();
    let mut grain = numbers(seed ^ 0xabcd);
    let mut pixels = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let (x, y) = (x as f32 / 40.0, y as f32 / 40.0);
            let channel = |first: usize| {
                let sum: f32 = waves[first..first + 3]
                    .iter()
                    .map(|wave| (wave[0] * x + wave[1] * y + wave[2] * 7.0).sin() * wave[3])
                    .sum();
                0.5 + sum * 0.11
            };
            let colours = [channel(0), channel(3), channel(6)];
            let [red, green, blue] = colours.map(|value| value + (grain() - 0.5) * 0.02);
            pixels.push([red, green, blue, 1.0]);
        }
    }
    pixels
}

/// The same as bytes.
pub fn bytes(size: Size, pixels: &[[f32; 4]]) -> Pixels<u8> {
    let bytes = pixels
        .iter()
        .map(|pixel| pixel.map(|v| (v * 255.0).round() as u8));
    Pixels::new(size, bytes.collect()).unwrap()
}

/// The same in 16 bits.
pub fn words(size: Size, pixels: &[[f32; 4]]) -> Pixels<u16> {
    let words = pixels
        .iter()
        .map(|pixel| pixel.map(|v| (v * 65_535.0).round() as u16));
    Pixels::new(size, words.collect()).unwrap()
}
