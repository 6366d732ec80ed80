//! A segmenter, loaded from files.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use image::{GrayImage, RgbImage};

use super::candidate::Candidate;
use super::config::{EncoderConfig, SegmenterConfig};
use super::error::SegmentError;
use super::image_frame::{Frame, MaskLogits};
use super::mask_decoder::MaskDecoder;
use super::prompt::Prompt;
use super::prompt_encoder::PromptEncoder;
use super::tiny_vit::TinyVit;
use super::vit::Vit;
use crate::error::LoadError;
use crate::safetensors_file::SafetensorsFile;
use crate::weights::{Loaded, TensorSource, Weights};

/// The name of a folder's weights.
const WEIGHTS: &str = "model.safetensors";
/// The name of a folder's configuration.
const CONFIG: &str = "config.json";
/// Longest configuration read, bytes.
const LONGEST_CONFIG: u64 = 1 << 20;

/// A segmenter, ready to work. All of it computes in f32.
#[derive(Debug, Clone)]
pub struct Segmenter {
    config: SegmenterConfig,
    device: Device,
    encoder: Encoder,
    prompts: PromptEncoder,
    decoder: MaskDecoder,
    /// Where each pixel of an embedding is.
    positions: Tensor,
}

#[derive(Debug, Clone)]
enum Encoder {
    Vit(Vit),
    TinyVit(TinyVit),
}

/// A picture as the segmenter sees it: made once, asked often. Cloning is
/// cheap.
#[derive(Debug, Clone)]
pub struct ImageEmbedding {
    /// (1, width, grid, grid)
    features: Tensor,
    frame: Frame,
}

impl ImageEmbedding {
    /// Memory that it takes, bytes.
    pub fn bytes(&self) -> usize {
        self.features.elem_count() * size_of::<f32>()
    }

    /// Width and height of the picture, pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.frame.width, self.frame.height)
    }

    /// A mask's logits over the whole picture, rows from the top.
    pub fn logits(&self, mask: &MaskLogits) -> Vec<f32> {
        mask.over_picture(self.frame, |_, row| row.to_vec())
            .concat()
    }

    /// The features, (1, width, grid, grid).
    pub fn features(&self) -> &Tensor {
        &self.features
    }
}

impl TensorSource for SafetensorsFile {
    fn find(&self, name: &str) -> Option<(String, Vec<usize>)> {
        self.shape(name)
            .map(|shape| (name.to_owned(), shape.to_vec()))
    }

    fn read(&self, own_name: &str, device: &Device) -> Result<Tensor, LoadError> {
        Self::read(self, own_name, device)
    }

    fn own_names(&self) -> Vec<String> {
        self.names().map(str::to_owned).collect()
    }

    fn origin(&self) -> &Path {
        self.path()
    }
}

impl Segmenter {
    /// Opens a safetensors file, or a folder with `model.safetensors` and
    /// `config.json`. A file may have a `config.json` beside it under its own
    /// name (`NAME.json`), and needs none.
    ///
    /// # Errors
    /// If a file cannot be read or is not sound, is a pickle, holds no
    /// segmenter, or lacks tensors or has them in other shapes: all of them
    /// are named in one error.
    pub fn open(path: &Path, device: &Device) -> Result<Loaded<Self>, SegmentError> {
        let (weights, config) = if path.is_dir() {
            (path.join(WEIGHTS), path.join(CONFIG))
        } else {
            (path.to_owned(), path.with_extension("json"))
        };
        let file = SafetensorsFile::open(&weights)?;
        let json = read_bounded(&config)?;
        Self::load(&file, json.as_deref().map(|json| (json, &*config)), device)
    }

    /// The same from memory; `path` is for messages.
    ///
    /// # Errors
    /// As [`Segmenter::open`].
    pub fn from_bytes(
        path: PathBuf,
        weights: Cow<'static, [u8]>,
        config: Option<&[u8]>,
        device: &Device,
    ) -> Result<Loaded<Self>, SegmentError> {
        let config_path = path.join(CONFIG);
        let file = SafetensorsFile::from_bytes(path, weights)?;
        Self::load(&file, config.map(|json| (json, &*config_path)), device)
    }

    fn load(
        file: &SafetensorsFile,
        config: Option<(&[u8], &Path)>,
        device: &Device,
    ) -> Result<Loaded<Self>, SegmentError> {
        let shape = |name: &str| file.shape(name).map(<[usize]>::to_vec);
        let config = SegmenterConfig::tell(config, shape, file.path())?;
        let Loaded { network, unused } =
            Weights::build("segmenter", file, device, DType::F32, |weights| {
                Self::new(config, weights, device)
            })?;
        Ok(Loaded {
            network: network?,
            unused,
        })
    }

    /// Builds it from Meta's names.
    fn new(
        config: SegmenterConfig,
        weights: &Weights<'_>,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let encoder = weights.at("image_encoder");
        let encoder = match &config.encoder {
            EncoderConfig::Vit(vit) => Encoder::Vit(Vit::new(&encoder, vit, &config)?),
            EncoderConfig::TinyVit(tiny) => {
                Encoder::TinyVit(TinyVit::new(&encoder, tiny, &config)?)
            }
        };
        let prompts = PromptEncoder::new(&weights.at("prompt_encoder"), &config);
        Ok(Self {
            encoder,
            positions: prompts.grid_positions(device)?,
            prompts,
            decoder: MaskDecoder::new(&weights.at("mask_decoder"), &config)?,
            config,
            device: device.clone(),
        })
    }

    /// What it is made of.
    pub fn config(&self) -> &SegmenterConfig {
        &self.config
    }

    /// Runs the image encoder. `wanted` is asked before each of its blocks;
    /// when it says no, the work ends.
    ///
    /// # Errors
    /// If the picture is empty or too long for its width, if it is no longer
    /// wanted, or for want of memory.
    pub fn embed(
        &self,
        picture: &RgbImage,
        mut wanted: impl FnMut() -> bool,
    ) -> Result<ImageEmbedding, SegmentError> {
        let frame = Frame::new(picture.width(), picture.height(), self.config.image_size)?;
        let pixels = frame.pixels(picture, &self.config, &self.device)?;
        let between = || {
            if wanted() {
                Ok(())
            } else {
                Err(SegmentError::Abandoned)
            }
        };
        let features = match &self.encoder {
            Encoder::Vit(vit) => vit.forward(&pixels, between)?,
            Encoder::TinyVit(tiny) => tiny.forward(&pixels, between)?,
        };
        Ok(ImageEmbedding { features, frame })
    }

    /// A mask over the picture as a prompt: 255 inside, 0 outside.
    ///
    /// # Errors
    /// If it is not of the picture's size.
    pub fn mask_prompt(
        &self,
        embedding: &ImageEmbedding,
        mask: &GrayImage,
    ) -> Result<MaskLogits, SegmentError> {
        if mask.dimensions() != embedding.size() {
            return Err(SegmentError::Foreign { what: "mask" });
        }
        let side = self.config.mask_side();
        Ok(MaskLogits::of_picture(mask, embedding.frame, side))
    }

    /// Masks that a prompt may mean, the best first: by the IoU that the
    /// decoder expects, and by stability where that is the same. Several boxes
    /// are asked one by one and their masks put together, best with best; the
    /// least of their scores counts.
    ///
    /// # Errors
    /// If the prompt asks nothing or has places off the picture, or embedding
    /// or mask belong to another segmenter.
    pub fn segment(
        &self,
        embedding: &ImageEmbedding,
        prompt: &Prompt,
    ) -> Result<Vec<Candidate>, SegmentError> {
        let (width, height) = embedding.size();
        prompt.check(width, height)?;
        let grid = self.config.grid();
        let own = [1, self.config.width, grid, grid];
        if embedding.features.dims() != own
            || embedding.frame.side as usize != self.config.image_size
        {
            return Err(SegmentError::Foreign { what: "embedding" });
        }
        let mut together: Vec<(MaskLogits, f32)> = Vec::new();
        for prompt in prompt.by_box() {
            let mut decoded = self.decode(embedding, &prompt)?;
            decoded.sort_by(|one, other| other.1.total_cmp(&one.1));
            if together.is_empty() {
                together = decoded;
                continue;
            }
            for (one, other) in together.iter_mut().zip(decoded) {
                let values = one.0.values().iter().zip(other.0.values());
                let values = values.map(|(one, other)| one.max(*other)).collect();
                *one = (MaskLogits::new(one.0.side(), values), one.1.min(other.1));
            }
        }
        let candidates = together.into_iter();
        let mut candidates: Vec<Candidate> = candidates
            .map(|(logits, score)| Candidate::new(logits, score, embedding.frame))
            .collect();
        candidates.sort_by(|one, other| {
            let iou = other.predicted_iou.total_cmp(&one.predicted_iou);
            iou.then(other.stability.total_cmp(&one.stability))
        });
        Ok(candidates)
    }

    /// The decoder's masks for a prompt with at most one box, in its order,
    /// with the IoU that it expects.
    fn decode(
        &self,
        embedding: &ImageEmbedding,
        prompt: &Prompt,
    ) -> Result<Vec<(MaskLogits, f32)>, SegmentError> {
        let side = self.config.mask_side();
        let mask = match &prompt.mask {
            Some(mask) if mask.side() != side => {
                return Err(SegmentError::Foreign { what: "mask" });
            }
            Some(mask) => Some(mask.tensor(&self.device)?),
            None => None,
        };
        let tokens = self
            .prompts
            .tokens(prompt, &embedding.frame, &self.device)?;
        let picture = self.prompts.picture(mask.as_ref())?;
        let (logits, scores) = self.decoder.forward(
            &embedding.features,
            &self.positions,
            tokens.as_ref(),
            &picture,
        )?;
        let scores = scores.to_vec1::<f32>()?;
        let values = logits.flatten_from(1)?.to_vec2::<f32>()?;
        let masks = values
            .into_iter()
            .map(|values| MaskLogits::new(side, values));
        Ok(masks.zip(scores).collect())
    }
}

/// A small file, or `None` if there is none.
fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    let io = |source| LoadError::Io {
        path: path.to_owned(),
        source,
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
        Ok(metadata) if metadata.len() > LONGEST_CONFIG => Err(LoadError::Config {
            path: path.to_owned(),
            reason: format!("it is {} bytes long", metadata.len()),
        }),
        Ok(_) => std::fs::read(path).map(Some).map_err(io),
    }
}
