//! A board's folder: its file, and the pictures under it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::board::{Batch, Board, Frame, Take, Variations};
use crate::disk::{self, DrawingLock, WriteLock};
use crate::document::{BoardDocument, NewBoard};
use crate::error::BoardError;
use crate::relative_path::RelativePath;
use crate::seed::Seed;

/// The file that makes a folder a board.
pub const BOARD_FILE: &str = "board.toml";
/// The folder of everything that was drawn.
pub const TAKES_FOLDER: &str = "takes";
/// The longest file that is read, bytes.
const LONGEST_FILE: u64 = 16 << 20;
/// The largest picture file that is read, bytes.
const LONGEST_PICTURE: u64 = 256 << 20;
/// How often a file that changes under the pen is read anew.
const PATIENCE: u32 = 8;

/// A board in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFolder {
    path: PathBuf,
}

/// What a board's file said, and which version of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// What it said.
    pub board: Board,
    /// BLAKE3 of the file, 64 hexadecimal digits.
    pub revision: String,
}

/// A picture that a board asks for and does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedTake {
    /// The frame's id.
    pub frame: String,
    /// The frame's place when this was found out, from 0.
    pub place: usize,
    /// Which take, from 1.
    pub number: u32,
    /// What it is asked for with; without takes.
    pub batch: Batch,
    /// Seed of its noise; to be chosen when none.
    pub seed: Option<Seed>,
    /// Model, size, steps …
    pub generate: crate::board::Generate,
    /// Whether the board had it, and its file has gone.
    pub again: bool,
}

impl BoardFolder {
    /// Makes a new board. The folder may be there, without a board in it.
    ///
    /// # Errors
    /// [`BoardError::Exists`], or what is wrong with the values or the disk.
    pub fn create(path: &Path, new: &NewBoard) -> Result<Self, BoardError> {
        let document = BoardDocument::new(new)?;
        disk::make_folder(path)?;
        let file = path.join(BOARD_FILE);
        let _lock = WriteLock::take(path);
        if fs::symlink_metadata(&file).is_ok() {
            return Err(BoardError::Exists(file));
        }
        disk::write(&file, document.text().as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The board in a folder.
    ///
    /// # Errors
    /// [`BoardError::NoFolder`], [`BoardError::NoBoard`].
    pub fn open(path: &Path) -> Result<Self, BoardError> {
        if !path.is_dir() {
            return Err(BoardError::NoFolder(path.to_owned()));
        }
        if fs::symlink_metadata(path.join(BOARD_FILE)).is_err() {
            return Err(BoardError::NoBoard(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its file says now.
    ///
    /// # Errors
    /// [`BoardError::Broken`], or of the disk.
    pub fn read(&self) -> Result<Version, BoardError> {
        let (_, text) = self.text()?;
        let mut document = BoardDocument::parse(&text)?;
        // As it will be when it is next written.
        document.settle()?;
        Ok(Version {
            board: document.board().clone(),
            revision: revision(&text),
        })
    }

    /// Changes the file. `edit` works on what the file says at that moment and
    /// may be called several times: a person's edit meanwhile is kept, and the
    /// change made to it. With `seen` only that version is changed.
    ///
    /// # Errors
    /// Those of `edit`, [`BoardError::Conflict`], [`BoardError::Broken`], or of
    /// the disk; then the file is as it was.
    pub fn change<T>(
        &self,
        seen: Option<&str>,
        mut edit: impl FnMut(&mut BoardDocument) -> Result<T, BoardError>,
    ) -> Result<(T, Version), BoardError> {
        for _ in 0..PATIENCE {
            let _lock = WriteLock::take(&self.path);
            let (path, before) = self.text()?;
            let current = revision(&before);
            if seen.is_some_and(|seen| seen != current) {
                return Err(BoardError::Conflict { current });
            }
            let mut document = BoardDocument::parse(&before)?;
            document.settle()?;
            let made = edit(&mut document)?;
            let text = document.text();
            let version = Version {
                revision: revision(&text),
                board: document.board().clone(),
            };
            if text == before {
                return Ok((made, version));
            }
            let staged = disk::stage(&path, text.as_bytes())?;
            // An editor knows nothing of the lock.
            if self.text()?.1 == before {
                staged.publish()?;
                return Ok((made, version));
            }
        }
        Err(BoardError::Restless)
    }

    /// Where the file is, every link followed, and what stands in it.
    fn text(&self) -> Result<(PathBuf, String), BoardError> {
        let path = RelativePath::new(BOARD_FILE)?.under(&self.path)?;
        let path = path.ok_or_else(|| BoardError::NoBoard(self.path.clone()))?;
        let bytes = disk::read(&path, LONGEST_FILE)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..good).unwrap_or_default();
            let lines = before.iter().filter(|byte| **byte == b'\n').count();
            BoardError::Broken {
                line: u32::try_from(lines + 1).ok(),
                reason: "the text is not UTF-8".to_owned(),
            }
        })?;
        Ok((path, text))
    }

    /// Whether a picture is there.
    ///
    /// # Errors
    /// [`BoardError::LinkLeaves`], or of the disk.
    pub fn has(&self, image: &RelativePath) -> Result<bool, BoardError> {
        Ok(image.under(&self.path)?.is_some_and(|path| path.is_file()))
    }

    /// A picture's file.
    ///
    /// # Errors
    /// [`BoardError::NoPicture`], [`BoardError::LinkLeaves`], or of the disk.
    pub fn picture(&self, image: &RelativePath) -> Result<Vec<u8>, BoardError> {
        let path = image.under(&self.path)?;
        let path = path.ok_or_else(|| BoardError::NoPicture(image.to_string()))?;
        disk::read(&path, LONGEST_PICTURE)
    }

    /// Keeps other processes from drawing the same board while the lock lives;
    /// `None` when one is at it. What a process that was killed left half
    /// written is removed.
    ///
    /// # Errors
    /// Where the folder of takes cannot be made.
    pub fn lock_for_drawing(&self) -> Result<Option<DrawingLock>, BoardError> {
        let takes = self.takes_folder()?;
        let lock = DrawingLock::take(&takes);
        if lock.is_some() {
            let _writing = WriteLock::take(&self.path);
            disk::sweep(&self.path);
            disk::sweep(&takes);
        }
        Ok(lock)
    }

    /// The folder of takes, made where it was not.
    fn takes_folder(&self) -> Result<PathBuf, BoardError> {
        let path = self.path.join(TAKES_FOLDER);
        // Whoever took the board's folder away does not get an empty one.
        if !self.path.is_dir() {
            return Err(BoardError::NoFolder(self.path.clone()));
        }
        disk::make_folder(&path)?;
        let found = RelativePath::new(TAKES_FOLDER)?.under(&self.path)?;
        found.ok_or(BoardError::NoFolder(path))
    }

    /// Takes in pictures that the board asks for, that lie in the folder of
    /// takes and that the file does not name: an editor may have written an
    /// older text over it. Gives their names.
    ///
    /// # Errors
    /// As [`BoardFolder::change`].
    pub fn adopt(&self) -> Result<Vec<String>, BoardError> {
        let Ok(entries) = fs::read_dir(self.path.join(TAKES_FOLDER)) else {
            return Ok(Vec::new());
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        let edit = |document: &mut BoardDocument| {
            let mut adopted = Vec::new();
            for place in 0..document.board().frames.len() {
                for name in &names {
                    let board = document.board();
                    let Some(frame) = board.frames.get(place) else {
                        break;
                    };
                    let start = format!("{}-{}-", frame.id, board.asked(frame));
                    let seed = name
                        .strip_prefix(&start)
                        .and_then(|rest| rest.strip_suffix(".png")?.parse().ok());
                    let Some(seed) = seed.map(Seed) else {
                        continue;
                    };
                    if board.takes(frame).iter().any(|take| take.seed == seed) {
                        continue;
                    }
                    let image = RelativePath::new(&format!("{TAKES_FOLDER}/{name}"))?;
                    let bytes = self.picture(&image)?;
                    if image::load_from_memory(&bytes).is_err() {
                        continue;
                    }
                    let take = Take {
                        seed,
                        image,
                        hash: blake3::hash(&bytes).to_hex().to_string(),
                    };
                    let batch = batch_of(board, frame);
                    document.add_take(place, &batch, &take)?;
                    adopted.push(take.image.to_string());
                }
            }
            Ok(adopted)
        };
        Ok(self.change(None, edit)?.0)
    }

    /// The pictures that a board asks for and does not have, in order; of one
    /// frame where one is named.
    ///
    /// # Errors
    /// [`BoardError::Value`] for a seed that leaves no room, [`BoardError::LinkLeaves`],
    /// [`BoardError::NoFrame`].
    pub fn wanted(&self, board: &Board, only: Option<&str>) -> Result<Vec<WantedTake>, BoardError> {
        let only = only.map(|frame| board.find_frame(frame)).transpose()?;
        let mut wanted = Vec::new();
        let chosen = |place: &usize| only.is_none_or(|only| only == *place);
        for place in (0..board.frames.len()).filter(chosen) {
            let Some(frame) = board.frames.get(place) else {
                continue;
            };
            if frame.prompt.trim().is_empty() {
                continue;
            }
            let takes = board.takes(frame);
            let want = |number: u32, seed, again| WantedTake {
                frame: frame.id.clone(),
                place,
                number,
                batch: batch_of(board, frame),
                seed,
                generate: board.generate(frame),
                again,
            };
            match board.variations {
                Variations::SeedPlusK => {
                    let first = frame.seed.unwrap_or(board.seed);
                    for k in 0..board.candidates {
                        let seed = first.0.checked_add(k.into()).map(Seed);
                        let seed = seed.ok_or_else(|| BoardError::Value {
                            what: "seed",
                            reason: format!(
                                "of frame {place} leaves no room for {} takes: take k has the seed + k",
                                board.candidates
                            ),
                        })?;
                        match takes.iter().find(|take| take.seed == seed) {
                            None => wanted.push(want(k + 1, Some(seed), false)),
                            Some(take) if !self.has(&take.image)? => {
                                wanted.push(want(k + 1, Some(seed), true));
                            }
                            Some(_) => {}
                        }
                    }
                }
                Variations::Random => {
                    for (k, take) in (1..).zip(takes) {
                        if !self.has(&take.image)? {
                            wanted.push(want(k, Some(take.seed), true));
                        }
                    }
                    let there = u32::try_from(takes.len()).unwrap_or(u32::MAX);
                    let missing = there..board.candidates;
                    wanted.extend(missing.map(|k| want(k + 1, None, false)));
                }
            }
        }
        Ok(wanted)
    }

    /// Stores a picture that was asked for, and writes it into the file. Gives
    /// its path; and a sentence where the frame is not there any more, in which
    /// case the picture stays in the folder.
    ///
    /// # Errors
    /// As [`BoardFolder::change`].
    pub fn store(
        &self,
        wanted: &WantedTake,
        seed: Seed,
        png: &[u8],
    ) -> Result<(RelativePath, Option<String>), BoardError> {
        let name = format!("{}-{}-{seed}.png", wanted.frame, wanted.batch.asked);
        let image = RelativePath::new(&format!("{TAKES_FOLDER}/{name}"))?;
        disk::write(&self.takes_folder()?.join(&name), png)?;
        let take = Take {
            seed,
            image: image.clone(),
            hash: blake3::hash(png).to_hex().to_string(),
        };
        let (notice, _) = self.change(None, |document| {
            let frames = &document.board().frames;
            match frames.iter().position(|frame| frame.id == wanted.frame) {
                Some(place) => {
                    document.add_take(place, &wanted.batch, &take)?;
                    Ok(None)
                }
                None => Ok(Some(format!(
                    "frame {} was taken out while it was drawn; its picture is {image}",
                    wanted.frame
                ))),
            }
        })?;
        Ok((image, notice))
    }

    /// Picks a picture for a frame: a take of what it asks for now by its
    /// number, from 1, or any picture of the board by its path; or none. Gives
    /// sentences for people.
    ///
    /// # Errors
    /// [`BoardError::NoTake`], [`BoardError::NoPicture`], [`BoardError::Picture`];
    /// otherwise as [`BoardFolder::change`].
    pub fn pick(
        &self,
        seen: Option<&str>,
        frame: &str,
        take: Option<&str>,
    ) -> Result<(Vec<String>, Version), BoardError> {
        let edit = |document: &mut BoardDocument| {
            let board = document.board();
            let place = board.find_frame(frame)?;
            let image = match (take, board.frames.get(place)) {
                (Some(asked), Some(frame)) => Some(self.named_take(board, place, frame, asked)?),
                _ => None,
            };
            document.set_pick(place, image.as_ref())?;
            Ok(place)
        };
        let (place, version) = self.change(seen, edit)?;
        let mut notices = Vec::new();
        self.sync_shot(&version.board, place, true, &mut notices)?;
        Ok((notices, version))
    }

    fn named_take(
        &self,
        board: &Board,
        place: usize,
        frame: &Frame,
        asked: &str,
    ) -> Result<RelativePath, BoardError> {
        let takes = board.takes(frame);
        let image = match asked.parse::<usize>() {
            Ok(number) => {
                let take = number.checked_sub(1).and_then(|number| takes.get(number));
                let none = || BoardError::NoTake {
                    frame: place,
                    asked: asked.chars().take(40).collect(),
                    takes: takes.len(),
                };
                take.ok_or_else(none)?.image.clone()
            }
            Err(_) => RelativePath::new(asked)?,
        };
        let bytes = self.picture(&image)?;
        image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).map_err(|error| {
            BoardError::Picture {
                path: image.to_string(),
                reason: error.to_string(),
            }
        })?;
        Ok(image)
    }

    /// Makes `shot_0.png`, `shot_1.png` … what is picked. One that somebody
    /// painted over stays. Gives sentences for people.
    ///
    /// # Errors
    /// Of the disk.
    pub fn sync_shots(&self, board: &Board) -> Result<Vec<String>, BoardError> {
        let mut notices = Vec::new();
        for place in 0..board.frames.len() {
            self.sync_shot(board, place, false, &mut notices)?;
        }
        let Ok(entries) = fs::read_dir(&self.path) else {
            return Ok(notices);
        };
        for entry in entries.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            let place = shot_place(&name);
            if place.is_some_and(|place| place >= board.frames.len())
                && let Ok(bytes) = disk::read(&entry.path(), LONGEST_PICTURE)
                && self.is_ours(board, &bytes)
            {
                remove(&entry.path())?;
            }
        }
        Ok(notices)
    }

    /// `chosen`: a person picked this very moment.
    fn sync_shot(
        &self,
        board: &Board,
        place: usize,
        chosen: bool,
        notices: &mut Vec<String>,
    ) -> Result<(), BoardError> {
        let name = shot_file(place);
        let path = self.path.join(&name);
        let pick = board.frames.get(place).and_then(|it| it.pick.as_ref());
        let there = match fs::metadata(&path) {
            Ok(_) => Some(disk::read(&path, LONGEST_PICTURE)?),
            Err(_) => None,
        };
        let Some(pick) = pick else {
            if there.is_some_and(|bytes| self.is_ours(board, &bytes)) {
                remove(&path)?;
            }
            return Ok(());
        };
        let picked = match self.picture(pick) {
            Err(BoardError::NoPicture(_)) => {
                notices.push(format!(
                    "{pick}, the pick of shot {place}, is not there any more"
                ));
                return Ok(());
            }
            bytes => bytes?,
        };
        match there {
            Some(bytes) if bytes == picked => return Ok(()),
            Some(bytes) if !self.is_ours(board, &bytes) => {
                if !chosen {
                    notices.push(format!(
                        "{name} is not as it was made, and stays; pick again to put the pick in its place"
                    ));
                    return Ok(());
                }
                let kept = (1_u32..)
                    .map(|number| format!("shot_{place}_kept_{number}.png"))
                    .find(|name| fs::symlink_metadata(self.path.join(name)).is_err())
                    .unwrap_or_default();
                let moved = fs::rename(&path, self.path.join(&kept));
                moved.map_err(|error| disk::unwritable(&path, error))?;
                notices.push(format!("{name} was not as it was made: it is {kept} now"));
            }
            _ => {}
        }
        disk::write(&path, &picked)
    }

    /// Whether the bytes are those of a take: as it was made, or as a file among
    /// the takes has them, whether or not a frame still names it.
    fn is_ours(&self, board: &Board, bytes: &[u8]) -> bool {
        let hash = blake3::hash(bytes).to_hex().to_string();
        if board.all_takes().any(|take| take.hash == hash) {
            return true;
        }
        let entries = fs::read_dir(self.path.join(TAKES_FOLDER));
        let mut files = entries.into_iter().flatten().flatten();
        files.any(|entry| {
            let as_long = entry
                .metadata()
                .is_ok_and(|found| found.is_file() && found.len() == bytes.len() as u64);
            as_long && fs::read(entry.path()).is_ok_and(|found| found == bytes)
        })
    }

    /// The picture that stands for a frame in grids and exports, and whether
    /// it was picked. A picked one is `shot_N.png`, so that what somebody
    /// painted there is what is shown.
    ///
    /// # Errors
    /// [`BoardError::LinkLeaves`], or of the disk.
    pub fn shown(
        &self,
        board: &Board,
        place: usize,
    ) -> Result<Option<(RelativePath, bool)>, BoardError> {
        let Some(frame) = board.frames.get(place) else {
            return Ok(None);
        };
        let Some((image, picked)) = board.shown(frame) else {
            return Ok(None);
        };
        let shot = RelativePath::new(&shot_file(place))?;
        if picked && self.has(&shot)? {
            return Ok(Some((shot, true)));
        }
        Ok(self.has(image)?.then(|| (image.clone(), picked)))
    }
}

/// What a frame is asked for with.
fn batch_of(board: &Board, frame: &Frame) -> Batch {
    Batch {
        asked: board.asked(frame),
        prompt: frame.prompt.clone(),
        negative_prompt: board.negative_prompt(frame).map(str::to_owned),
        seed: frame.seed.unwrap_or(board.seed),
        takes: Vec::new(),
    }
}

/// The name of a picked frame's file.
pub(crate) fn shot_file(place: usize) -> String {
    format!("shot_{place}.png")
}

/// The place in a name like `shot_3.png`.
fn shot_place(name: &str) -> Option<usize> {
    name.strip_prefix("shot_")?
        .strip_suffix(".png")?
        .parse()
        .ok()
}

fn remove(path: &Path) -> Result<(), BoardError> {
    fs::remove_file(path).map_err(|error| disk::unwritable(path, error))
}

fn revision(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests;
