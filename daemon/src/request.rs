//! Requests on their way into the queue and out of it.
//!
//! The queue keeps the parameters of the method as they came, with everything
//! decided that was left open and every picture stored as a blob. So a job that
//! outlived its daemon is read like one that came just now.

use framewright_jobs::{Blobs, Hash};
use framewright_library::Library;
use framewright_protocol::{
    AgainParams, AgainResult, ErrorCode, FrameAgain, FrameGenerate, FrameInpaint, FrameResult,
    GenerateParams, GenerateResult, InpaintParams, InpaintResult, Limits, Method, Picture,
    PictureFormat, Priority, WireError, decode_fields,
};
use serde::Serialize;
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::inpainting::{Canvas, Inpainting};
use crate::job_words::refused;
use crate::order::{self, Order};
use crate::renderer::Reader;

/// What the engine is to do.
pub enum Task {
    /// Frames from a prompt.
    Generate {
        /// Candidate 0; candidate k has the seed + k.
        order: Box<Order>,
        /// How many.
        candidates: u32,
    },
    /// A region of a canvas, drawn anew.
    Inpaint {
        /// What is drawn; candidate k has the seed + k.
        order: Box<Order>,
        /// The region.
        inpainting: Box<Inpainting>,
        /// How many candidates.
        candidates: u32,
        /// The request, for the frames' provenance.
        request: Value,
    },
    /// A frame that was made before.
    Again {
        /// As its PNG remembers.
        order: Box<Order>,
        /// The region, where it was inpainted, and the request.
        inpainting: Option<(Box<Inpainting>, Value)>,
        /// Its pixels.
        before: Canvas,
        /// What its PNG says.
        provenance: Value,
    },
}

/// A stored request, read for the engine.
pub struct Assignment {
    /// What to do.
    pub task: Task,
    /// A preview after every that many steps.
    pub preview_every: Option<u32>,
    /// How frames are to come back.
    pub format: PictureFormat,
}

/// A request that was checked and can be stored.
pub struct Accepted {
    /// The method's name.
    pub method: &'static str,
    /// The bytes that the queue keeps.
    pub request: Vec<u8>,
    /// The blobs that they name.
    pub blobs: Vec<Hash>,
    /// What it is about, in a few words.
    pub title: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// How frames are to come back.
    pub format: PictureFormat,
}

/// What checking a request needs.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What lies on disk.
    pub library: &'a Library,
    /// Knows the engine's names.
    pub reader: &'a dyn Reader,
    /// Where pictures are stored.
    pub blobs: &'a Blobs,
}

impl Desk<'_> {
    /// Checks a request of the method and stores its pictures.
    ///
    /// # Errors
    /// What is wrong with it; `unsupported` for a method that makes no job.
    pub fn accept(self, method: &str, params: &[u8]) -> Result<Accepted, WireError> {
        match method {
            FrameGenerate::NAME => self.accept_generate(decoded::<FrameGenerate>(params)?),
            FrameInpaint::NAME => self.accept_inpaint(decoded::<FrameInpaint>(params)?),
            FrameAgain::NAME => self.accept_again(decoded::<FrameAgain>(params)?),
            other => Err(
                WireError::new(ErrorCode::Unsupported, "this method makes no job")
                    .about(other.chars().take(100).collect::<String>())
                    .hint("`job.submit` takes frame.generate, frame.inpaint and frame.again"),
            ),
        }
    }

    fn accept_generate(self, mut params: GenerateParams) -> Result<Accepted, WireError> {
        let key = checked_key(params.key.take())?;
        let priority = params.priority.take().unwrap_or_default();
        let format = params.format.unwrap_or_default();
        let mut blobs = Vec::new();
        if let Some(image) = &mut params.image {
            self.fetch(image).map_err(|error| error.about("image"))?;
        }
        for mask in masks(&mut params) {
            self.fetch(mask)
                .map_err(|error| error.about("regions.mask"))?;
        }
        order::candidates(&params)?;
        let order = Order::check(params.clone(), self.library)?;
        self.reader.check(&order)?;
        params.seed = Some(order.seed);
        if let Some(image) = &mut params.image {
            blobs.push(self.store(image)?);
        }
        for mask in masks(&mut params) {
            blobs.push(self.store(mask)?);
        }
        Ok(Accepted {
            method: FrameGenerate::NAME,
            title: title(&params.prompt),
            request: encoded(&params)?,
            blobs,
            key,
            priority,
            format,
        })
    }

    fn accept_inpaint(self, mut params: InpaintParams) -> Result<Accepted, WireError> {
        let key = checked_key(params.frame.key.take())?;
        let priority = params.frame.priority.take().unwrap_or_default();
        let format = params.frame.format.unwrap_or_default();
        self.fetch_inpaint(&mut params)?;
        order::candidates(&params.frame)?;
        Inpainting::check(&params)?;
        let order = Order::check(params.frame.clone(), self.library)?;
        self.reader.check(&order)?;
        params.frame.seed = Some(order.seed);
        let mut blobs = vec![self.store(&mut params.image)?];
        for mask in params.mask.iter_mut().chain(masks(&mut params.frame)) {
            blobs.push(self.store(mask)?);
        }
        Ok(Accepted {
            method: FrameInpaint::NAME,
            title: title(&params.frame.prompt),
            request: encoded(&params)?,
            blobs,
            key,
            priority,
            format,
        })
    }

    fn accept_again(self, mut params: AgainParams) -> Result<Accepted, WireError> {
        let key = checked_key(params.key.take())?;
        let priority = params.priority.take().unwrap_or_default();
        let mut blobs = Vec::new();
        self.fetch_again(&mut params)?;
        let title = match self.remember(&params)? {
            Task::Again { order, .. }
            | Task::Inpaint { order, .. }
            | Task::Generate { order, .. } => title(&order.prompt),
        };
        let png = self
            .blobs
            .put(&params.png)
            .map_err(|error| refused(&error))?;
        blobs.push(png);
        params.png = ByteBuf::new();
        params.blob = Some(png.to_string());
        if let Some(image) = &mut params.image {
            blobs.push(self.store(image)?);
        }
        Ok(Accepted {
            method: FrameAgain::NAME,
            title,
            request: encoded(&params)?,
            blobs,
            key,
            priority,
            format: PictureFormat::Png,
        })
    }

    /// What a stored request asks the engine to do.
    ///
    /// # Errors
    /// When the models or blobs that it names have changed meanwhile.
    pub fn assignment(self, method: &str, request: &[u8]) -> Result<Assignment, WireError> {
        if method == FrameAgain::NAME {
            let mut params = decoded::<FrameAgain>(request)?;
            self.fetch_again(&mut params)?;
            return Ok(Assignment {
                task: self.remember(&params)?,
                preview_every: params.preview_every,
                format: PictureFormat::Png,
            });
        }
        if method == FrameInpaint::NAME {
            let mut params = decoded::<FrameInpaint>(request)?;
            // Pictures stand in it as blobs, so it holds no pixels.
            let request = json(&params)?;
            self.fetch_inpaint(&mut params)?;
            return Ok(Assignment {
                preview_every: params.frame.preview_every,
                format: params.frame.format.unwrap_or_default(),
                task: Task::Inpaint {
                    inpainting: Box::new(Inpainting::check(&params)?),
                    candidates: order::candidates(&params.frame)?,
                    order: Box::new(Order::check(params.frame, self.library)?),
                    request,
                },
            });
        }
        let mut params = decoded::<FrameGenerate>(request)?;
        if let Some(image) = &mut params.image {
            self.fetch(image)?;
        }
        for mask in masks(&mut params) {
            self.fetch(mask)?;
        }
        let candidates = order::candidates(&params)?;
        let (preview_every, format) = (params.preview_every, params.format.unwrap_or_default());
        let order = Box::new(Order::check(params, self.library)?);
        Ok(Assignment {
            task: Task::Generate { order, candidates },
            preview_every,
            format,
        })
    }

    /// The blobs that a stored request names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn inputs(self, method: &str, request: &[u8]) -> Result<Vec<Hash>, WireError> {
        let blob = |picture: Picture| picture.blob;
        let names: Vec<String> = if method == FrameAgain::NAME {
            let params = decoded::<FrameAgain>(request)?;
            let image = params.image.and_then(blob);
            params.blob.into_iter().chain(image).collect()
        } else if method == FrameInpaint::NAME {
            let mut params = decoded::<FrameInpaint>(request)?;
            let masks = masks(&mut params.frame).filter_map(|mask| mask.blob.clone());
            let mask = params.mask.and_then(blob);
            let image = params.image.blob.into_iter();
            image.chain(mask).chain(masks).collect()
        } else {
            let mut params = decoded::<FrameGenerate>(request)?;
            let image = params.image.take().and_then(blob);
            let masks = masks(&mut params).filter_map(|mask| mask.blob.clone());
            image.into_iter().chain(masks).collect()
        };
        names.iter().map(|name| hash(name)).collect()
    }

    fn remember(self, params: &AgainParams) -> Result<Task, WireError> {
        let remembered = self.reader.remember(&params.png)?;
        let before = Canvas::read_png(&params.png)?;
        let mut request = remembered.request;
        if let Some(inpainting) = remembered.inpainting {
            return self.remember_inpaint(
                params,
                inpainting,
                request,
                before,
                remembered.provenance,
            );
        }
        match (request.strength, &params.image) {
            (Some(_), None) => {
                return Err(WireError::new(
                    ErrorCode::InvalidParams,
                    "the frame was made from a picture, which its PNG does not hold",
                )
                .about("image")
                .hint("give the picture that it started from"));
            }
            (None, Some(_)) => {
                return Err(WireError::new(
                    ErrorCode::InvalidParams,
                    "the frame was not made from a picture",
                )
                .about("image"));
            }
            (_, image) => request.image.clone_from(image),
        }
        if params.model.is_some() {
            request.model.clone_from(&params.model);
        }
        let order = Box::new(Order::check(request, self.library)?);
        self.reader.check(&order)?;
        Ok(Task::Again {
            order,
            inpainting: None,
            before,
            provenance: remembered.provenance,
        })
    }

    /// `made` is the request as the frame's provenance spells it out: what was
    /// left open then is decided there.
    fn remember_inpaint(
        self,
        again: &AgainParams,
        request: Value,
        made: GenerateParams,
        before: Canvas,
        provenance: Value,
    ) -> Result<Task, WireError> {
        let mut params: InpaintParams =
            serde_json::from_value(request.clone()).map_err(|error| {
                WireError::new(
                    ErrorCode::InvalidParams,
                    format!("the picture's account of how it was made cannot be read: {error}"),
                )
                .about("png")
            })?;
        if let Some(image) = &again.image {
            params.image = image.clone();
        }
        params.frame = GenerateParams {
            model: again.model.clone().or(made.model),
            width: None,
            height: None,
            strength: None,
            image: None,
            ..made
        };
        self.fetch_inpaint(&mut params).map_err(|error| {
            if error.code != ErrorCode::NotFound {
                return error;
            }
            WireError::new(
                ErrorCode::NotFound,
                "the canvas or the mask that the frame was made from is no longer stored",
            )
            .about("png")
            .hint("inpaint the picture again with the canvas and the mask")
        })?;
        let order = Box::new(Order::check(params.frame.clone(), self.library)?);
        self.reader.check(&order)?;
        Ok(Task::Again {
            order,
            inpainting: Some((Box::new(Inpainting::check(&params)?), request)),
            before,
            provenance,
        })
    }

    fn fetch_inpaint(self, params: &mut InpaintParams) -> Result<(), WireError> {
        self.fetch(&mut params.image)
            .map_err(|error| error.about("image"))?;
        if let Some(mask) = &mut params.mask {
            self.fetch(mask).map_err(|error| error.about("mask"))?;
        }
        for mask in masks(&mut params.frame) {
            self.fetch(mask)
                .map_err(|error| error.about("frame.regions.mask"))?;
        }
        Ok(())
    }

    /// Fills in the bytes of a picture that names a blob.
    ///
    /// # Errors
    /// `not_found`, `invalid_params`, `storage`.
    pub fn fetch(self, picture: &mut Picture) -> Result<(), WireError> {
        if picture.data.is_empty()
            && let Some(name) = &picture.blob
        {
            picture.data = ByteBuf::from(blob(self.blobs, name)?);
        }
        Ok(())
    }

    fn fetch_again(self, params: &mut AgainParams) -> Result<(), WireError> {
        if params.png.is_empty()
            && let Some(name) = &params.blob
        {
            params.png = ByteBuf::from(blob(self.blobs, name)?);
        }
        params
            .image
            .as_mut()
            .map_or(Ok(()), |image| self.fetch(image))
    }

    /// Stores a picture's bytes and names the blob in their place.
    fn store(self, picture: &mut Picture) -> Result<Hash, WireError> {
        let hash = self
            .blobs
            .put(&picture.data)
            .map_err(|error| refused(&error))?;
        picture.data = ByteBuf::new();
        picture.blob = Some(hash.to_string());
        Ok(hash)
    }
}

/// The masks of a request's regions.
fn masks(params: &mut GenerateParams) -> impl Iterator<Item = &mut Picture> {
    let regions = params.regions.iter_mut().flatten();
    regions.filter_map(|region| region.mask.as_mut())
}

/// The bytes of the blob of that name.
///
/// # Errors
/// `not_found`, `invalid_params`, `storage`.
pub fn blob(blobs: &Blobs, name: &str) -> Result<Vec<u8>, WireError> {
    blobs.get(hash(name)?).map_err(|error| refused(&error))
}

/// The hash that a client named.
///
/// # Errors
/// `invalid_params`.
pub fn hash(name: &str) -> Result<Hash, WireError> {
    name.parse().map_err(|_| {
        WireError::new(
            ErrorCode::InvalidParams,
            "a blob's name is its BLAKE3 hash: 64 lower-case hexadecimal digits",
        )
        .about(name.chars().take(100).collect::<String>())
    })
}

/// A stored result of `frame.generate` with its pixels, in the wanted format.
///
/// # Errors
/// When blobs have gone.
pub fn generate_result(
    blobs: &Blobs,
    result: &[u8],
    format: PictureFormat,
) -> Result<GenerateResult, WireError> {
    let mut result: GenerateResult = stored(result)?;
    for frame in &mut result.frames {
        fill(blobs, frame, format)?;
    }
    Ok(result)
}

/// A stored result of `frame.inpaint` with its pixels, in the wanted format.
///
/// # Errors
/// When blobs have gone.
pub fn inpaint_result(
    blobs: &Blobs,
    result: &[u8],
    format: PictureFormat,
) -> Result<InpaintResult, WireError> {
    let mut result: InpaintResult = stored(result)?;
    for frame in &mut result.frames {
        fill(blobs, frame, format)?;
    }
    Ok(result)
}

/// A stored result of `frame.again` with its pixels.
///
/// # Errors
/// When its blob has gone.
pub fn again_result(
    blobs: &Blobs,
    result: &[u8],
    format: PictureFormat,
) -> Result<AgainResult, WireError> {
    let mut result: AgainResult = stored(result)?;
    fill(blobs, &mut result.frame, format)?;
    Ok(result)
}

/// Fills in the pixels of a frame that was stored as a PNG.
fn fill(blobs: &Blobs, frame: &mut FrameResult, format: PictureFormat) -> Result<(), WireError> {
    let name = frame.picture.blob.take().unwrap_or_default();
    let png = blob(blobs, &name)?;
    frame.picture = match format {
        PictureFormat::Png => Picture {
            data: ByteBuf::from(png),
            ..frame.picture.clone()
        },
        raw => Canvas::read_png(&png)?.write(raw),
    };
    frame.picture.blob = Some(name);
    Ok(())
}

/// A request as JSON, for a PNG.
fn json(value: &impl Serialize) -> Result<Value, WireError> {
    serde_json::to_value(value)
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))
}

/// Bytes for the queue.
///
/// # Errors
/// `internal`.
pub fn encoded(value: &impl Serialize) -> Result<Vec<u8>, WireError> {
    framewright_protocol::encode(value)
        .map_err(|error| WireError::new(ErrorCode::Internal, error.to_string()))
}

fn stored<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    decode_fields(bytes).map_err(|reason| {
        WireError::new(
            ErrorCode::Internal,
            format!("the stored result cannot be read: {reason}"),
        )
        .hint("another version of the daemon stored it; make it again: `job again`")
    })
}

/// Reads a method's parameters.
///
/// # Errors
/// `invalid_params`.
pub fn decoded<M: Method>(bytes: &[u8]) -> Result<M::Params, WireError> {
    decode_fields(bytes).map_err(|reason| {
        WireError::new(ErrorCode::InvalidParams, reason)
            .about(M::NAME)
            .hint("`describe` tells every method's parameters")
    })
}

/// Checks an idempotency key.
///
/// # Errors
/// `invalid_params`.
pub fn checked_key(key: Option<String>) -> Result<Option<String>, WireError> {
    let most = Limits::CURRENT.key_chars;
    if key
        .as_ref()
        .is_some_and(|key| key.is_empty() || key.chars().count() as u64 > most)
    {
        let message = format!("a key has from 1 to {most} characters");
        return Err(WireError::new(ErrorCode::InvalidParams, message).about("key"));
    }
    Ok(key)
}

/// The beginning of a prompt, for lists.
fn title(prompt: &str) -> String {
    const LONGEST: usize = 80;
    let line = prompt.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut short: String = line.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}
