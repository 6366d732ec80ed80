//! The engine's segmenters behind the daemon: found, kept, and what they saw
//! remembered.
//!
//! A picture is looked at once, however many clicks and clients follow: what
//! was seen is kept by segmenter and picture, the longest unused going first.
//! The work runs on the engine's threads beside whatever is drawn, so that a
//! click waits for no board.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use framewright_engine::device::Device;
use framewright_engine::segment::{
    BoxPrompt, Candidate, ImageEmbedding, Part, PointPrompt, Prompt, SegmentError, Segmenter,
};
use framewright_jobs::Hash;
use framewright_protocol::{ErrorCode, WireError};
use image::{GrayImage, RgbImage};

/// Bytes of what was seen that are kept: 128 pictures of SAM's size.
const MOST_BYTES: usize = 512 << 20;
/// The embedded segmenter's name.
const EMBEDDED: &str = "sketch";
const EXTENSION: &str = "safetensors";

/// What is asked of a segmenter.
#[derive(Debug, Clone)]
pub struct Question {
    /// The picture.
    pub picture: RgbImage,
    /// Points and boxes.
    pub points: Vec<PointPrompt>,
    /// Rectangles.
    pub boxes: Vec<BoxPrompt>,
    /// A mask that is nearly right, of the picture's size.
    pub mask: Option<GrayImage>,
    /// The segmenter's name.
    pub model: Option<String>,
    /// Whether something small is looked at again, from near by; the embedded
    /// segmenter does where it is not said.
    pub closer: Option<bool>,
}

/// What it says.
#[derive(Debug)]
pub struct Answer {
    /// The masks, the best first.
    pub candidates: Vec<Candidate>,
    /// The segmenter's name.
    pub model: String,
    /// Whether the picture was known.
    pub cached: bool,
}

/// A segmenter that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its file or folder; none for the embedded one.
    pub path: Option<PathBuf>,
}

/// Which version of which segmenter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    found: Found,
    /// When its weights were changed, and how long they are.
    changed: Option<(SystemTime, u64)>,
}

/// What was looked at: a picture, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sight {
    picture: Hash,
    part: Option<Part>,
}

struct Loaded {
    version: Version,
    segmenter: Arc<Segmenter>,
    used: Instant,
}

struct Seen {
    version: Version,
    sight: Sight,
    embedding: ImageEmbedding,
}

/// The segmenters of a home.
pub struct Segmentation {
    device: Device,
    folder: PathBuf,
    /// One at a time is held.
    loaded: Mutex<Option<Loaded>>,
    /// One picture at a time is looked at; who asks for the same one meanwhile
    /// finds it then.
    looking: Mutex<()>,
    /// The last used last.
    seen: Mutex<VecDeque<Seen>>,
    /// Embeddings are kept up to so many bytes; the last one always.
    most_bytes: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Segmentation {
    /// Those in `folder`, on the engine's threads.
    pub fn new(device: Device, folder: PathBuf) -> Self {
        Self {
            device,
            folder,
            loaded: Mutex::new(None),
            looking: Mutex::new(()),
            seen: Mutex::new(VecDeque::new()),
            most_bytes: MOST_BYTES,
        }
    }

    /// Where segmenters are looked for.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All that can be used, by name: `NAME.safetensors`, and folders with
    /// `model.safetensors`; and the embedded one.
    pub fn found(&self) -> Vec<Found> {
        let mut found = Vec::new();
        // Without a folder there are none.
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let is_folder = path.join("model.safetensors").is_file();
            let is_file = path.is_file() && path.extension().is_some_and(|it| it == EXTENSION);
            let stem = if is_folder {
                path.file_name()
            } else {
                path.file_stem()
            };
            if let Some(name) = stem.and_then(|name| name.to_str())
                && (is_folder || is_file)
                && !name.starts_with('.')
                && self.is_inside(&path)
            {
                found.push(Found {
                    name: name.to_owned(),
                    path: Some(path),
                });
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        // One of the user's takes the place of the embedded one by its name.
        if found.iter().all(|found| found.name != EMBEDDED) {
            found.push(Found {
                name: EMBEDDED.to_owned(),
                path: None,
            });
        }
        found
    }

    /// Whether links lead out of the folder.
    fn is_inside(&self, path: &Path) -> bool {
        match (self.folder.canonicalize(), path.canonicalize()) {
            (Ok(folder), Ok(path)) => path.starts_with(folder),
            _ => false,
        }
    }

    /// The one of that name; the only one, else the embedded one, if none is
    /// named.
    fn find(&self, name: Option<&str>) -> Result<Found, WireError> {
        let found = self.found();
        let names = || -> String {
            let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
            names.join(", ")
        };
        let folder = self.folder.display();
        let mut own = found.iter().filter(|found| found.path.is_some());
        let name = name.unwrap_or(match (own.next(), own.next()) {
            (Some(only), None) => &only.name,
            // There always is one of that name: the embedded one, or the user's in its place.
            _ => EMBEDDED,
        });
        let named = found.iter().find(|found| found.name == name).cloned();
        named.ok_or_else(|| {
            WireError::new(ErrorCode::NotFound, "there is no segmenter of that name")
                .about(name.chars().take(100).collect::<String>())
                .hint(format!("there are: {}; others go into {folder}", names()))
        })
    }

    /// Answers a question. `wanted` is asked now and then while a picture is
    /// looked at; when it says no, the work ends.
    ///
    /// # Errors
    /// `not_found`, `model_unusable`, `invalid_params`, `cancelled`.
    pub fn answer(
        &self,
        question: &Question,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Answer, WireError> {
        let found = self.find(question.model.as_deref())?;
        let model = found.name.clone();
        let changed = found.path.as_deref().and_then(changed);
        let version = Version { found, changed };
        let size = question.picture.dimensions();
        let sides = [size.0.to_le_bytes(), size.1.to_le_bytes()].concat();
        let picture = Hash::of(&[&sides, question.picture.as_raw().as_slice()].concat());
        let sight = |part| Sight { picture, part };
        let refused = |error| words(&error, &model);

        let segmenter = self.segmenter(&version)?;
        let ask = |embedding: &ImageEmbedding, prompt: Prompt, mask: Option<&GrayImage>| {
            self.device.run(|| {
                let mask = mask.map(|mask| segmenter.mask_prompt(embedding, mask));
                let mask = mask.transpose()?;
                segmenter.segment(embedding, &Prompt { mask, ..prompt })
            })
        };
        let embed = || segmenter.embed(&question.picture, wanted);
        let whole = self.look(&version, sight(None), embed);
        let (embedding, cached) = whole.map_err(refused)?;
        let prompt = Prompt {
            points: question.points.clone(),
            boxes: question.boxes.clone(),
            mask: None,
        };
        let mask = question.mask.as_ref();
        let mut candidates = ask(&embedding, prompt.clone(), mask).map_err(refused)?;
        let side = segmenter.config().image_size;
        if question.closer.unwrap_or(version.found.path.is_none())
            && let Some(part) = Part::closer(size, &prompt, &candidates, side)
        {
            let embed = || segmenter.embed(&part.of(&question.picture), wanted);
            let near = self.look(&version, sight(Some(part)), embed);
            let (embedding, _) = near.map_err(refused)?;
            let mask = mask.map(|mask| part.of_mask(mask));
            let closer = ask(&embedding, part.prompt(&prompt), mask.as_ref()).map_err(refused)?;
            // Something larger than the first look made of it is better seen from afar.
            if !closer.iter().any(|candidate| part.cuts(candidate, size)) {
                let placed = closer.into_iter().map(|it| part.place(it, size));
                candidates = placed.collect();
            }
        }
        Ok(Answer {
            candidates,
            model,
            cached,
        })
    }

    /// What `embed` sees of what is looked at, kept from then on, and whether it was known.
    fn look(
        &self,
        version: &Version,
        sight: Sight,
        embed: impl FnOnce() -> Result<ImageEmbedding, SegmentError> + Send,
    ) -> Result<(ImageEmbedding, bool), SegmentError> {
        if let Some(embedding) = self.recall(version, sight) {
            return Ok((embedding, true));
        }
        let _turn = locked(&self.looking);
        if let Some(embedding) = self.recall(version, sight) {
            return Ok((embedding, true));
        }
        let embedding = self.device.run(embed)?;
        self.remember(version.clone(), sight, &embedding);
        Ok((embedding, false))
    }

    /// The segmenter, loaded if it is not.
    fn segmenter(&self, version: &Version) -> Result<Arc<Segmenter>, WireError> {
        let mut loaded = locked(&self.loaded);
        if let Some(loaded) = loaded.as_mut()
            && loaded.version == *version
        {
            loaded.used = Instant::now();
            return Ok(loaded.segmenter.clone());
        }
        // The other one goes first: both may not fit.
        *loaded = None;
        let device = self.device.candle().clone();
        let opened = match &version.found.path {
            Some(path) => self.device.run(|| Segmenter::open(path, &device)),
            None => {
                let (weights, config) = embedded()?;
                let path = PathBuf::from(EMBEDDED);
                self.device
                    .run(|| Segmenter::from_bytes(path, weights, Some(&config), &device))
            }
        };
        let opened = opened.map_err(|error| words(&error, &version.found.name))?;
        if !opened.unused.is_empty() {
            tracing::info!(
                segmenter = version.found.name,
                keys = opened.unused.join(" "),
                "tensors that are not used"
            );
        }
        let segmenter = Arc::new(opened.network);
        *loaded = Some(Loaded {
            version: version.clone(),
            segmenter: segmenter.clone(),
            used: Instant::now(),
        });
        Ok(segmenter)
    }

    fn recall(&self, version: &Version, sight: Sight) -> Option<ImageEmbedding> {
        let mut seen = locked(&self.seen);
        let same = |seen: &Seen| seen.sight == sight && seen.version == *version;
        let at = seen.iter().position(same)?;
        let found = seen.remove(at)?;
        let embedding = found.embedding.clone();
        seen.push_back(found);
        Some(embedding)
    }

    fn remember(&self, version: Version, sight: Sight, embedding: &ImageEmbedding) {
        let mut seen = locked(&self.seen);
        seen.push_back(Seen {
            version,
            sight,
            embedding: embedding.clone(),
        });
        let bytes = |seen: &VecDeque<Seen>| -> usize {
            seen.iter().map(|seen| seen.embedding.bytes()).sum()
        };
        while seen.len() > 1 && bytes(&seen) > self.most_bytes {
            seen.pop_front();
        }
    }

    /// Lets a segmenter go that was not used for so long.
    pub fn unload_after(&self, idle: Duration) {
        // Whoever holds one of them uses it.
        if let (Ok(_turn), Ok(mut loaded)) = (self.looking.try_lock(), self.loaded.try_lock())
            && loaded.as_ref().is_some_and(|it| it.used.elapsed() >= idle)
        {
            *loaded = None;
            locked(&self.seen).clear();
        }
    }
}

/// When the weights were changed, and how long they are.
fn changed(path: &Path) -> Option<(SystemTime, u64)> {
    let weights = if path.is_dir() {
        path.join("model.safetensors")
    } else {
        path.to_owned()
    };
    let metadata = std::fs::metadata(weights).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Weights and configuration of the embedded segmenter.
fn embedded() -> Result<(Cow<'static, [u8]>, Vec<u8>), WireError> {
    let mut files = framewright_sketch::weights::segmenter().map_err(|error| {
        WireError::new(ErrorCode::ModelUnusable, error.to_string()).about(EMBEDDED)
    })?;
    let mut take = |name| files.remove(name).unwrap_or_default();
    Ok((take("model.safetensors"), take("config.json").into_owned()))
}

/// An engine's error for the one who asked.
fn words(error: &SegmentError, model: &str) -> WireError {
    let code = match error {
        SegmentError::Load(_) | SegmentError::Unrecognised { .. } => ErrorCode::ModelUnusable,
        SegmentError::Abandoned => ErrorCode::Cancelled,
        SegmentError::Picture { .. }
        | SegmentError::EmptyPrompt
        | SegmentError::Place { .. }
        | SegmentError::TooMany { .. }
        | SegmentError::Foreign { .. } => ErrorCode::InvalidParams,
        _ => ErrorCode::Internal,
    };
    let told = WireError::new(code, error.to_string());
    match error {
        SegmentError::EmptyPrompt => told.hint("give `points`, `boxes` or `mask`"),
        SegmentError::Foreign { .. } => {
            told.about("mask").hint("give a mask of the picture's size")
        }
        SegmentError::Load(_) | SegmentError::Unrecognised { .. } => told.about(model),
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_were_asked_for_long_ago_are_looked_at_again() {
        let home = tempfile::tempdir().unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/data");
        let own = home.path().join("own");
        std::fs::create_dir(&own).unwrap();
        for file in ["model.safetensors", "config.json"] {
            std::fs::copy(golden.join("segment-sketch").join(file), own.join(file)).unwrap();
        }
        let device = Device::cpu(std::num::NonZeroUsize::new(1)).unwrap();
        let mut segmentation = Segmentation::new(device, home.path().to_owned());
        let ask = |segmentation: &Segmentation, grey: u8| {
            let question = Question {
                picture: RgbImage::from_pixel(24, 16, image::Rgb([grey; 3])),
                points: vec![PointPrompt {
                    x: 3.0,
                    y: 4.0,
                    positive: true,
                }],
                boxes: Vec::new(),
                mask: None,
                model: None,
                closer: None,
            };
            segmentation.answer(&question, &|| true).unwrap().cached
        };
        assert!(!ask(&segmentation, 1));
        let one = locked(&segmentation.seen)[0].embedding.bytes();
        // Room for two, and not for three.
        segmentation.most_bytes = 2 * one;
        assert!(!ask(&segmentation, 2));
        assert!(ask(&segmentation, 1), "two are kept");
        assert!(!ask(&segmentation, 3));
        assert!(ask(&segmentation, 1), "it was asked for after the second");
        assert!(!ask(&segmentation, 2), "the second had to go");
        assert_eq!(locked(&segmentation.seen).len(), 2);
        // A picture that is larger than all of the room is kept until the next.
        segmentation.most_bytes = one - 1;
        assert!(!ask(&segmentation, 4));
        assert!(ask(&segmentation, 4));
        assert_eq!(locked(&segmentation.seen).len(), 1);
    }
}
