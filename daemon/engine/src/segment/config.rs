//! What a segmenter is made of, told from its shapes or its `config.json`.

use std::path::Path;

use serde::Deserialize;

use super::error::SegmentError;
use crate::error::LoadError;

/// Mean and standard deviation of Meta's and MobileSAM's training pictures, in
/// bytes.
const SAM_MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const SAM_STD: [f32; 3] = [58.395, 57.12, 57.375];
/// Meta's decoder normalises with PyTorch's own constant; transformers, with
/// which models of a `config.json` were trained, with a smaller one.
const META_DECODER_EPS: f64 = 1e-5;
const TRANSFORMERS_DECODER_EPS: f64 = 1e-6;
/// Side of the pictures that MobileSAM was trained on; its shapes do not tell.
const MOBILE_SAM_SIDE: usize = 1024;
/// Numbers of a decoder's attention head after it was narrowed, in every SAM;
/// no shape tells.
const DECODER_HEAD: usize = 16;
/// A row of the decoder's picture is this many times shorter than the mask's.
pub(super) const MASK_UPSCALING: usize = 4;

/// The whole segmenter.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmenterConfig {
    /// Side of the square that the encoder works on, pixels.
    pub image_size: usize,
    /// The image encoder.
    pub encoder: EncoderConfig,
    /// Width of embeddings and prompts.
    pub width: usize,
    /// Channels of the mask prompt's encoder.
    pub mask_channels: usize,
    /// The mask decoder.
    pub decoder: DecoderConfig,
    /// Subtracted from red, green and blue, as bytes.
    pub pixel_mean: [f32; 3],
    /// Divides them then.
    pub pixel_std: [f32; 3],
}

/// The image encoder.
#[derive(Debug, Clone, PartialEq)]
pub enum EncoderConfig {
    /// The paper's.
    Vit(VitConfig),
    /// MobileSAM's.
    TinyVit(TinyVitConfig),
}

/// A plain vision transformer with windows. Li et al. 2022.
#[derive(Debug, Clone, PartialEq)]
pub struct VitConfig {
    /// Side of a patch, pixels.
    pub patch: usize,
    /// Width of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward.
    pub mlp: usize,
    /// Side of a window, tokens.
    pub window: usize,
    /// Blocks that attend to the whole picture instead.
    pub global: Vec<usize>,
}

/// TinyViT, Wu et al. 2022, as MobileSAM has it: the last stage keeps the size
/// of the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct TinyVitConfig {
    /// The first stage, of convolutions.
    pub first: ConvStage,
    /// The other stages, of windowed attention.
    pub stages: Vec<Stage>,
}

/// Inverted bottlenecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvStage {
    /// Channels.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Channels inside a block.
    pub hidden: usize,
}

/// A stage of windowed attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Width of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Side of a window, tokens.
    pub window: usize,
    /// Width inside the feed-forward.
    pub mlp: usize,
}

/// The mask decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    /// Layers that attend both ways.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width inside the feed-forward.
    pub mlp: usize,
    /// Width inside the head that predicts the IoU.
    pub iou_hidden: usize,
    /// Masks for a prompt that may mean several things.
    pub candidates: usize,
    /// The constant of its layer normalisations but the last.
    pub norm_eps: f64,
}

/// What a `config.json` may say where the rest is told from shapes: MobileSAM's
/// do not tell for which size of picture it is.
#[derive(Deserialize)]
struct SideFile {
    image_size: usize,
}

/// `config.json` as the trainer of the embedded segmenter writes it.
#[derive(Deserialize)]
struct ConfigFile {
    image_size: usize,
    patch_size: usize,
    encoder: EncoderFile,
    prompt_embed_dim: usize,
    mask_in_chans: usize,
    decoder: DecoderFile,
    pixel_mean: [f32; 3],
    pixel_std: [f32; 3],
}

#[derive(Deserialize)]
struct EncoderFile {
    embed_dim: usize,
    depth: usize,
    num_heads: usize,
    mlp_dim: usize,
    window_size: usize,
    global_attn_indexes: Vec<usize>,
}

#[derive(Deserialize)]
struct DecoderFile {
    depth: usize,
    num_heads: usize,
    mlp_dim: usize,
    iou_head_hidden_dim: usize,
    num_multimask_outputs: usize,
}

impl SegmenterConfig {
    /// Reads a `config.json`; `path` is for messages.
    ///
    /// # Errors
    /// If it is not of this form, or its numbers make no network.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, SegmentError> {
        let unusable = |reason: String| LoadError::Config {
            path: path.to_owned(),
            reason,
        };
        let file: ConfigFile =
            serde_json::from_slice(json).map_err(|error| unusable(error.to_string()))?;
        let config = Self {
            image_size: file.image_size,
            encoder: EncoderConfig::Vit(VitConfig {
                patch: file.patch_size,
                width: file.encoder.embed_dim,
                depth: file.encoder.depth,
                heads: file.encoder.num_heads,
                mlp: file.encoder.mlp_dim,
                window: file.encoder.window_size,
                global: file.encoder.global_attn_indexes,
            }),
            width: file.prompt_embed_dim,
            mask_channels: file.mask_in_chans,
            decoder: DecoderConfig {
                depth: file.decoder.depth,
                heads: file.decoder.num_heads,
                mlp: file.decoder.mlp_dim,
                iou_hidden: file.decoder.iou_head_hidden_dim,
                candidates: file.decoder.num_multimask_outputs,
                norm_eps: TRANSFORMERS_DECODER_EPS,
            },
            pixel_mean: file.pixel_mean,
            pixel_std: file.pixel_std,
        };
        config.check().map_err(unusable)?;
        Ok(config)
    }

    /// Tells the variant: from a `config.json` if there is one, and from the
    /// checkpoint's shapes where that does not describe the network but only
    /// gives its `image_size`.
    ///
    /// # Errors
    /// As [`SegmenterConfig::from_json`] and [`SegmenterConfig::from_shapes`].
    pub(super) fn tell(
        json: Option<(&[u8], &Path)>,
        shape: impl Fn(&str) -> Option<Vec<usize>>,
        path: &Path,
    ) -> Result<Self, SegmentError> {
        let Some((json, json_path)) = json else {
            return Self::from_shapes(shape, path);
        };
        let described: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_slice(json);
        if described.is_ok_and(|described| !described.contains_key("encoder")) {
            let unusable = |reason: String| LoadError::Config {
                path: json_path.to_owned(),
                reason,
            };
            let side: SideFile =
                serde_json::from_slice(json).map_err(|error| unusable(error.to_string()))?;
            let mut config = Self::from_shapes(shape, path)?;
            config.image_size = side.image_size;
            config.check().map_err(unusable)?;
            return Ok(config);
        }
        Self::from_json(json, json_path)
    }

    /// Tells the variant from the shapes of a checkpoint; `shape` gives those
    /// by name, `path` is for messages.
    ///
    /// # Errors
    /// [`SegmentError::Unrecognised`] if the shapes are no segmenter's.
    pub fn from_shapes(
        shape: impl Fn(&str) -> Option<Vec<usize>>,
        path: &Path,
    ) -> Result<Self, SegmentError> {
        let told = Shapes(&shape).config().and_then(|config| {
            config.check()?;
            Ok(config)
        });
        told.map_err(|reason| SegmentError::Unrecognised {
            path: path.to_owned(),
            reason,
        })
    }

    /// Side of the embedding.
    pub fn grid(&self) -> usize {
        match &self.encoder {
            EncoderConfig::Vit(vit) => self.image_size / vit.patch.max(1),
            EncoderConfig::TinyVit(tiny) => self.image_size / tiny.reduction(),
        }
    }

    /// Side of the decoder's masks.
    pub fn mask_side(&self) -> usize {
        MASK_UPSCALING * self.grid()
    }

    /// Refuses numbers of which no network can be made, before any memory is
    /// taken for it.
    fn check(&self) -> Result<(), String> {
        let mut sizes = vec![
            ("the picture's side", self.image_size, 4096),
            ("the width of prompts", self.width, 4096),
            ("the mask prompt's channels", self.mask_channels, 1024),
            ("the decoder's depth", self.decoder.depth, 64),
            ("the decoder's heads", self.decoder.heads, 256),
            ("the decoder's feed-forward", self.decoder.mlp, 65_536),
            ("the IoU head's width", self.decoder.iou_hidden, 65_536),
            ("the number of candidates", self.decoder.candidates, 16),
        ];
        match &self.encoder {
            EncoderConfig::Vit(vit) => sizes.extend([
                ("the patch", vit.patch, 256),
                ("the encoder's width", vit.width, 16_384),
                ("the encoder's depth", vit.depth, 256),
                ("the encoder's heads", vit.heads, 256),
                ("the encoder's feed-forward", vit.mlp, 65_536),
                ("the window", vit.window, 128),
            ]),
            EncoderConfig::TinyVit(tiny) => {
                sizes.extend([
                    ("the first stage's width", tiny.first.width, 4096),
                    ("the first stage's depth", tiny.first.depth, 64),
                    ("the first stage's channels", tiny.first.hidden, 65_536),
                    ("the number of stages", tiny.stages.len(), 8),
                ]);
                for stage in &tiny.stages {
                    sizes.extend([
                        ("a stage's width", stage.width, 16_384),
                        ("a stage's depth", stage.depth, 64),
                        ("a stage's heads", stage.heads, 256),
                        ("a stage's window", stage.window, 32),
                        ("a stage's feed-forward", stage.mlp, 65_536),
                    ]);
                }
            }
        }
        for (what, size, most) in sizes {
            if size == 0 || size > most {
                return Err(format!("{what} is {size}, it may be from 1 to {most}"));
            }
        }
        let divides = |what: &str, whole: usize, part: usize| {
            if whole.is_multiple_of(part) {
                Ok(())
            } else {
                Err(format!("{what}: {whole} is no multiple of {part}"))
            }
        };
        divides("the mask prompt's channels", self.mask_channels, 4)?;
        divides("the width of prompts", self.width, 8)?;
        divides("the decoder's heads", self.width / 2, self.decoder.heads)?;
        match &self.encoder {
            EncoderConfig::Vit(vit) => {
                divides("the picture's side", self.image_size, vit.patch)?;
                divides("the encoder's heads", vit.width, vit.heads)?;
            }
            EncoderConfig::TinyVit(tiny) => {
                divides("the picture's side", self.image_size, tiny.reduction())?;
                for stage in &tiny.stages {
                    divides("a stage's heads", stage.width, stage.heads)?;
                }
            }
        }
        let grid = self.grid();
        if grid == 0 || grid > 128 {
            return Err(format!(
                "the embedding's side is {grid}, it may be from 1 to 128"
            ));
        }
        let sound = |&std: &f32| std.is_finite() && std > 0.0;
        if !self.pixel_std.iter().all(sound) || !self.pixel_mean.iter().all(|m| m.is_finite()) {
            return Err("its pixel mean and deviation are no numbers to work with".to_owned());
        }
        Ok(())
    }
}

impl TinyVitConfig {
    /// Pixels for each token of the last stage, along a side: 4 by the
    /// patches, 2 by every stage but the last two.
    pub(super) fn reduction(&self) -> usize {
        4 << (self.stages.len().clamp(1, 16) - 1)
    }
}

/// The shapes of a checkpoint.
struct Shapes<'a, S>(&'a S);

impl<S: Fn(&str) -> Option<Vec<usize>>> Shapes<'_, S> {
    /// The size of a tensor that must be there along one dimension.
    fn size(&self, name: &str, dimension: usize) -> Result<usize, String> {
        let shape = (self.0)(name).ok_or_else(|| format!("it has no {name}"))?;
        let size = shape.get(dimension).copied();
        size.ok_or_else(|| format!("{name} is {shape:?}"))
    }

    /// How many there are of what is numbered in a name.
    fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..1024)
            .take_while(|&i| (self.0)(&name(i)).is_some())
            .count()
    }

    fn config(&self) -> Result<SegmenterConfig, String> {
        let (image_size, encoder) = if (self.0)("image_encoder.pos_embed").is_some() {
            self.vit()?
        } else if (self.0)("image_encoder.patch_embed.seq.0.c.weight").is_some() {
            (MOBILE_SAM_SIDE, self.tiny_vit()?)
        } else {
            return Err("it has no image_encoder.pos_embed".to_owned());
        };
        let layer = "mask_decoder.transformer.layers";
        let narrowed = self.size(
            &format!("{layer}.0.cross_attn_token_to_image.q_proj.weight"),
            0,
        )?;
        let masks = self.size("mask_decoder.mask_tokens.weight", 0)?;
        Ok(SegmenterConfig {
            image_size,
            encoder,
            width: self.size("prompt_encoder.no_mask_embed.weight", 1)?,
            mask_channels: self.size("prompt_encoder.mask_downscaling.3.weight", 0)?,
            decoder: DecoderConfig {
                depth: self.count(|i| format!("{layer}.{i}.norm1.weight")),
                heads: (narrowed / DECODER_HEAD).max(1),
                mlp: self.size(&format!("{layer}.0.mlp.lin1.weight"), 0)?,
                iou_hidden: self.size("mask_decoder.iou_prediction_head.layers.0.weight", 0)?,
                candidates: masks.saturating_sub(1),
                norm_eps: META_DECODER_EPS,
            },
            pixel_mean: SAM_MEAN,
            pixel_std: SAM_STD,
        })
    }

    fn vit(&self) -> Result<(usize, EncoderConfig), String> {
        let grid = self.size("image_encoder.pos_embed", 1)?;
        let patch = self.size("image_encoder.patch_embed.proj.weight", 2)?;
        let width = self.size("image_encoder.pos_embed", 3)?;
        let depth = self.count(|i| format!("image_encoder.blocks.{i}.norm1.weight"));
        let mut window = 0;
        let mut global = Vec::new();
        let mut head = 0;
        for block in 0..depth {
            let name = format!("image_encoder.blocks.{block}.attn.rel_pos_h");
            let reach = self.size(&name, 0)?.div_ceil(2);
            head = self.size(&name, 1)?;
            if reach == grid {
                global.push(block);
            } else {
                window = reach;
            }
        }
        if head == 0 {
            return Err("its encoder has no blocks".to_owned());
        }
        let encoder = EncoderConfig::Vit(VitConfig {
            patch,
            width,
            depth,
            heads: width / head,
            mlp: self.size("image_encoder.blocks.0.mlp.lin1.weight", 0)?,
            // No block may have one.
            window: if window == 0 { grid } else { window },
            global,
        });
        Ok((grid.saturating_mul(patch), encoder))
    }

    fn tiny_vit(&self) -> Result<EncoderConfig, String> {
        let first = "image_encoder.layers.0.blocks";
        let stages =
            self.count(|i| format!("image_encoder.layers.{}.blocks.0.attn.qkv.weight", i + 1));
        let stage = |i: usize| {
            let blocks = format!("image_encoder.layers.{}.blocks", i + 1);
            let biases = format!("{blocks}.0.attn.attention_biases");
            Ok::<_, String>(Stage {
                width: self.size(&format!("{blocks}.0.attn.qkv.weight"), 1)?,
                depth: self.count(|i| format!("{blocks}.{i}.attn.qkv.weight")),
                heads: self.size(&biases, 0)?,
                // One bias for each distance along both axes.
                window: self.size(&biases, 1)?.isqrt(),
                mlp: self.size(&format!("{blocks}.0.mlp.fc1.weight"), 0)?,
            })
        };
        Ok(EncoderConfig::TinyVit(TinyVitConfig {
            first: ConvStage {
                width: self.size("image_encoder.patch_embed.seq.2.c.weight", 0)?,
                depth: self.count(|i| format!("{first}.{i}.conv1.c.weight")),
                hidden: self.size(&format!("{first}.0.conv1.c.weight"), 0)?,
            },
            stages: (0..stages).map(stage).collect::<Result<_, _>>()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Named = BTreeMap<String, Vec<usize>>;

    /// What every published checkpoint has beside its image encoder.
    fn decoder_shapes() -> Named {
        let mut shapes = Named::new();
        let mut put = |name: &str, shape: &[usize]| {
            shapes.insert(name.to_owned(), shape.to_vec());
        };
        put("prompt_encoder.no_mask_embed.weight", &[1, 256]);
        put("prompt_encoder.mask_downscaling.3.weight", &[16, 4, 2, 2]);
        put("mask_decoder.mask_tokens.weight", &[4, 256]);
        put(
            "mask_decoder.iou_prediction_head.layers.0.weight",
            &[256, 256],
        );
        for layer in 0..2 {
            let layer = format!("mask_decoder.transformer.layers.{layer}");
            put(&format!("{layer}.norm1.weight"), &[256]);
            put(&format!("{layer}.mlp.lin1.weight"), &[2048, 256]);
            let narrowed = format!("{layer}.cross_attn_token_to_image.q_proj.weight");
            put(&narrowed, &[128, 256]);
        }
        shapes
    }

    fn vit_shapes(width: usize, depth: usize, head: usize, global: &[usize]) -> Named {
        let mut shapes = decoder_shapes();
        let mut put = |name: String, shape: &[usize]| {
            shapes.insert(format!("image_encoder.{name}"), shape.to_vec());
        };
        put("pos_embed".to_owned(), &[1, 64, 64, width]);
        put("patch_embed.proj.weight".to_owned(), &[width, 3, 16, 16]);
        for block in 0..depth {
            let reach = if global.contains(&block) { 127 } else { 27 };
            put(format!("blocks.{block}.norm1.weight"), &[width]);
            put(format!("blocks.{block}.attn.rel_pos_h"), &[reach, head]);
            put(
                format!("blocks.{block}.mlp.lin1.weight"),
                &[4 * width, width],
            );
        }
        shapes
    }

    fn told(shapes: &Named) -> Result<SegmenterConfig, SegmentError> {
        SegmenterConfig::from_shapes(|name| shapes.get(name).cloned(), Path::new("sam"))
    }

    #[test]
    fn the_published_vits_are_told_by_their_shapes() {
        for (width, depth, heads, global) in [
            (768, 12, 12, [2, 5, 8, 11]),
            (1024, 24, 16, [5, 11, 17, 23]),
            (1280, 32, 16, [7, 15, 23, 31]),
        ] {
            let config = told(&vit_shapes(width, depth, width / heads, &global)).unwrap();
            let expected = VitConfig {
                patch: 16,
                width,
                depth,
                heads,
                mlp: 4 * width,
                window: 14,
                global: global.to_vec(),
            };
            assert_eq!(config.encoder, EncoderConfig::Vit(expected));
            assert_eq!((config.image_size, config.grid()), (1024, 64));
            assert_eq!((config.width, config.mask_channels), (256, 16));
            assert_eq!((config.decoder.heads, config.decoder.depth), (8, 2));
            assert_eq!((config.decoder.candidates, config.mask_side()), (3, 256));
        }
    }

    #[test]
    fn mobile_sam_is_told_by_its_shapes() {
        let mut shapes = decoder_shapes();
        let mut put = |name: String, shape: &[usize]| {
            shapes.insert(format!("image_encoder.{name}"), shape.to_vec());
        };
        put("patch_embed.seq.0.c.weight".to_owned(), &[32, 3, 3, 3]);
        put("patch_embed.seq.2.c.weight".to_owned(), &[64, 32, 3, 3]);
        for block in 0..2 {
            put(
                format!("layers.0.blocks.{block}.conv1.c.weight"),
                &[256, 64, 1, 1],
            );
        }
        let stages = [(128, 2, 4, 7), (160, 6, 5, 14), (320, 2, 10, 7)];
        for (stage, (width, depth, heads, window)) in (1..).zip(stages) {
            for block in 0..depth {
                let block = format!("layers.{stage}.blocks.{block}");
                put(format!("{block}.attn.qkv.weight"), &[3 * width, width]);
                put(
                    format!("{block}.attn.attention_biases"),
                    &[heads, window * window],
                );
                put(format!("{block}.mlp.fc1.weight"), &[4 * width, width]);
            }
        }
        let config = told(&shapes).unwrap();
        let stage = |(width, depth, heads, window): (usize, usize, usize, usize)| Stage {
            width,
            depth,
            heads,
            window,
            mlp: 4 * width,
        };
        let expected = TinyVitConfig {
            first: ConvStage {
                width: 64,
                depth: 2,
                hidden: 256,
            },
            stages: stages.map(stage).to_vec(),
        };
        assert_eq!(config.encoder, EncoderConfig::TinyVit(expected));
        assert_eq!((config.image_size, config.grid()), (1024, 64));
    }

    #[test]
    fn other_shapes_are_refused_with_what_they_lack() {
        let refusal = |shapes: &Named| told(shapes).unwrap_err().to_string();
        assert!(refusal(&Named::new()).contains("image_encoder.pos_embed"));
        let whole = vit_shapes(768, 12, 64, &[2, 5, 8, 11]);
        for lacking in [
            "prompt_encoder.no_mask_embed.weight",
            "mask_decoder.mask_tokens.weight",
            "image_encoder.patch_embed.proj.weight",
            "image_encoder.blocks.7.attn.rel_pos_h",
        ] {
            let mut shapes = whole.clone();
            shapes.remove(lacking);
            assert!(refusal(&shapes).contains(lacking), "{lacking}");
        }
        for (name, shape) in [
            // An embedding of 2^40 pixels; heads that do not divide; no block.
            ("image_encoder.pos_embed", vec![1, 1 << 20, 1 << 20, 768]),
            ("image_encoder.pos_embed", vec![1, 64, 64, 770]),
            ("image_encoder.patch_embed.proj.weight", vec![768, 3, 0, 0]),
            ("mask_decoder.mask_tokens.weight", vec![1, 256]),
            (
                "prompt_encoder.mask_downscaling.3.weight",
                vec![usize::MAX, 4, 2, 2],
            ),
            ("prompt_encoder.no_mask_embed.weight", vec![1]),
        ] {
            let mut shapes = whole.clone();
            shapes.insert(name.to_owned(), shape.clone());
            let refused = told(&shapes).unwrap_err();
            let unrecognised = matches!(refused, SegmentError::Unrecognised { .. });
            assert!(unrecognised, "{name} {shape:?}: {refused}");
        }
    }

    #[test]
    fn configurations_are_bounded() {
        let json = |side: u64, depth: u64, std: &str| {
            format!(
                r#"{{"image_size":{side},"patch_size":8,"encoder":{{"embed_dim":160,"depth":{depth},
                "num_heads":5,"mlp_dim":480,"window_size":8,"global_attn_indexes":[2,5]}},
                "prompt_embed_dim":128,"mask_in_chans":8,"decoder":{{"depth":2,"num_heads":4,
                "mlp_dim":512,"iou_head_hidden_dim":128,"num_multimask_outputs":3}},
                "pixel_mean":[127.5,127.5,127.5],"pixel_std":[127.5,127.5,{std}]}}"#
            )
        };
        let read = |json: &str| SegmenterConfig::from_json(json.as_bytes(), Path::new("c.json"));
        let sound = read(&json(256, 6, "127.5")).unwrap();
        assert_eq!((sound.grid(), sound.mask_side()), (32, 128));
        for wrong in [
            json(1 << 40, 6, "127.5"),
            json(256, 1 << 40, "127.5"),
            json(250, 6, "127.5"),
            json(256, 6, "0"),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            let refused = read(&wrong).unwrap_err().to_string();
            assert!(refused.contains("c.json"), "{refused}");
        }
    }
}
