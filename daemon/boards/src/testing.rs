//! Boards for tests.

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::board::Generate;
use crate::document::{NewBoard, NewFrame};
use crate::folder::BoardFolder;
use crate::seed::Seed;

/// A folder for one test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A board of those prompts.
    pub(crate) fn board(&self, name: &str, prompts: &[&str]) -> BoardFolder {
        let new = NewBoard {
            scene: "Kaito finds a letter — Ο Κάιτο βρίσκει ένα γράμμα".to_owned(),
            candidates: Some(2),
            seed: Seed(7),
            generate: Generate::from([("model".to_owned(), "tiny".into())]),
            ..NewBoard::default()
        };
        let folder = BoardFolder::create(&self.path(name), &new).expect("a board");
        for prompt in prompts {
            let frame = NewFrame {
                shot: Some("close-up".to_owned()),
                prompt: (*prompt).to_owned(),
                ..NewFrame::default()
            };
            folder
                .change(None, |document| document.add_frame(&frame))
                .expect("added");
        }
        folder
    }
}

/// A picture with something to see, another for each seed.
pub(crate) fn png(seed: u64) -> Vec<u8> {
    let picture = RgbImage::from_fn(64, 48, |x, y| {
        let wave = |scale: f64| {
            let phase = f64::from(x) / scale + f64::from(y) / (scale + 3.0) + seed as f64;
            ((phase.sin() + 1.0) * 110.0) as u8
        };
        Rgb([wave(9.0), wave(13.0), wave(21.0)])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}

/// Draws everything that a board asks for.
pub(crate) fn draw(folder: &BoardFolder) -> usize {
    folder.adopt().expect("adopted");
    let board = folder.read().expect("a board").board;
    let wanted = folder.wanted(&board, None).expect("wanted");
    for take in &wanted {
        let seed = take.seed.unwrap_or(Seed(u64::from(take.number) * 77));
        folder.store(take, seed, &png(seed.0)).expect("stored");
    }
    wanted.len()
}
