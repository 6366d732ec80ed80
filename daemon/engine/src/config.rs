//! The networks' configurations, as diffusers and transformers write them.
//!
//! Unknown keys are ignored (every release of diffusers adds some), absent keys
//! have the defaults of diffusers, and what this engine cannot run is refused
//! with all its reasons at once.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::LoadError;

/// Larger numbers in a configuration are a mistake or an attack.
const MOST_CHANNELS: usize = 1 << 16;
/// No known network of these kinds has more layers of anything.
const MOST_LAYERS: usize = 128;

/// A number for all blocks, or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum PerBlock {
    /// The same for all.
    Same(usize),
    /// One for each, in the order of the down blocks.
    Each(Vec<usize>),
}

impl PerBlock {
    /// The number for block `index`.
    pub fn get(&self, index: usize) -> usize {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(index).copied().unwrap_or_default(),
        }
    }

    fn fits(&self, blocks: usize, most: usize) -> bool {
        let in_range = |value: &usize| (1..=most).contains(value);
        match self {
            Self::Same(value) => in_range(value),
            Self::Each(values) => values.len() == blocks && values.iter().all(in_range),
        }
    }
}

/// A configuration that can tell what in it is not supported.
trait Configuration: DeserializeOwned {
    /// Everything that this engine cannot run; empty if it can run the network.
    fn unsupported(&self) -> Vec<String>;

    fn parse(json: &[u8], path: &Path) -> Result<Self, LoadError> {
        let config: Self = serde_json::from_slice(json).map_err(|error| LoadError::Config {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let reasons = config.unsupported();
        if reasons.is_empty() {
            Ok(config)
        } else {
            Err(LoadError::Unsupported {
                path: path.to_owned(),
                reasons,
            })
        }
    }
}

/// Collects what is wrong with a configuration.
#[derive(Default)]
struct Reasons(Vec<String>);

impl Reasons {
    fn unless(&mut self, sound: bool, reason: impl FnOnce() -> String) {
        if !sound {
            self.0.push(reason());
        }
    }
}

/// CLIP's text encoder (`text_encoder/config.json`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct ClipTextConfig {
    /// Tokens that have an embedding.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Longest sequence, 77 for SD 1.5.
    pub max_position_embeddings: usize,
    /// "quick_gelu" or "gelu".
    pub hidden_act: String,
    /// Of the layer normalisations.
    pub layer_norm_eps: f64,
    /// First token of every sequence.
    pub bos_token_id: u32,
    /// Last token of every text. Old configurations say 2 and mean the token
    /// with the highest id.
    pub eos_token_id: u32,
    /// Token that fills up a sequence; CLIP's tokenizer uses its own.
    pub pad_token_id: Option<u32>,
}

impl Default for ClipTextConfig {
    /// transformers' defaults.
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".to_owned(),
            layer_norm_eps: 1e-5,
            bos_token_id: 49_406,
            eos_token_id: 49_407,
            pad_token_id: Some(1),
        }
    }
}

impl ClipTextConfig {
    /// The text encoder of Stable Diffusion 1.5 (CLIP ViT-L/14).
    pub fn stable_diffusion_1_5() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_attention_heads: 12,
            ..Self::default()
        }
    }

    /// Reads `text_encoder/config.json`; `path` is for messages.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, LoadError> {
        Self::parse(json, path)
    }
}

impl Configuration for ClipTextConfig {
    fn unsupported(&self) -> Vec<String> {
        let mut reasons = Reasons::default();
        reasons.unless(
            matches!(self.hidden_act.as_str(), "quick_gelu" | "gelu"),
            || format!("hidden_act {:?} (known: quick_gelu, gelu)", self.hidden_act),
        );
        for (name, value, most) in [
            ("vocab_size", self.vocab_size, 1 << 20),
            ("hidden_size", self.hidden_size, MOST_CHANNELS),
            ("intermediate_size", self.intermediate_size, MOST_CHANNELS),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            (
                "num_attention_heads",
                self.num_attention_heads,
                MOST_CHANNELS,
            ),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                MOST_CHANNELS,
            ),
        ] {
            reasons.unless((1..=most).contains(&value), || format!("{name} {value}"));
        }
        reasons.unless(
            self.num_attention_heads != 0
                && self.hidden_size.is_multiple_of(self.num_attention_heads),
            || {
                format!(
                    "hidden_size {} does not divide into {} heads",
                    self.hidden_size, self.num_attention_heads
                )
            },
        );
        reasons.0
    }
}

/// The noise predictor (`unet/config.json`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct UNetConfig {
    /// Height and width of the latents it was trained for.
    pub sample_size: Option<PerBlock>,
    /// Latent channels in: 4, or 9 for inpainting (latents, mask, masked image).
    pub in_channels: usize,
    /// Channels of the prediction.
    pub out_channels: usize,
    /// Whether samples are mapped from 0..1 to −1..1 first.
    pub center_input_sample: bool,
    /// Whether the time embedding has its cosines first.
    pub flip_sin_to_cos: bool,
    /// Shift of the time embedding's frequencies.
    pub freq_shift: f64,
    /// Kind of every down block.
    pub down_block_types: Vec<String>,
    /// Kind of the middle block; null for none.
    pub mid_block_type: Option<String>,
    /// Kind of every up block.
    pub up_block_types: Vec<String>,
    /// Whether transformer blocks attend only to the context.
    pub only_cross_attention: serde_json::Value,
    /// Output channels of the down blocks.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of each down block; up blocks have one more.
    pub layers_per_block: PerBlock,
    /// Padding of the down-sampling convolutions.
    pub downsample_padding: usize,
    /// Divisor of the middle block's residual sums.
    pub mid_block_scale_factor: f64,
    /// Activation.
    pub act_fn: String,
    /// Groups of the group normalisations.
    pub norm_num_groups: usize,
    /// Of the group normalisations.
    pub norm_eps: f64,
    /// Width of the context.
    pub cross_attention_dim: PerBlock,
    /// Transformer blocks after each residual block.
    pub transformer_layers_per_block: PerBlock,
    /// In spite of its name the number of attention heads, unless
    /// `num_attention_heads` is given: a mistake that diffusers keeps for the
    /// sake of old checkpoints. In AttnDownBlock2D and AttnUpBlock2D it is what
    /// it says.
    pub attention_head_dim: PerBlock,
    /// The number of attention heads.
    pub num_attention_heads: Option<PerBlock>,
    /// Whether attention blocks project by linear layers instead of 1×1
    /// convolutions.
    pub use_linear_projection: bool,
    /// Whether attention scores are computed in f32.
    pub upcast_attention: bool,
    /// "default": the time embedding is added.
    pub resnet_time_scale_shift: String,
    /// Kernel of the first convolution.
    pub conv_in_kernel: usize,
    /// Kernel of the last convolution.
    pub conv_out_kernel: usize,
    /// What other families have.
    #[serde(flatten)]
    pub foreign: ForeignFeatures,
}

/// Features of other model families' UNets. This engine runs a UNet only if
/// they are all as they are by default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ForeignFeatures {
    /// Two contexts at once.
    pub dual_cross_attention: bool,
    /// An embedded class, beside the text.
    pub class_embed_type: Option<String>,
    /// A second embedding, beside the timestep's.
    pub addition_embed_type: Option<String>,
    /// A projection of the context.
    pub encoder_hid_dim: Option<usize>,
    /// Kind of that projection.
    pub encoder_hid_dim_type: Option<String>,
    /// Number of classes.
    pub num_class_embeds: Option<usize>,
    /// "positional": sinusoids.
    pub time_embedding_type: String,
    /// An activation after the time embedding.
    pub time_embedding_act_fn: Option<String>,
    /// An activation inside the time embedding.
    pub timestep_post_act: Option<String>,
    /// Width of an embedding of the guidance scale.
    pub time_cond_proj_dim: Option<usize>,
    /// Whether residual blocks leave out the activation of the time embedding.
    pub resnet_skip_time_act: bool,
    /// A normalisation of the context.
    pub cross_attention_norm: Option<String>,
    /// "default": no gated attention.
    pub attention_type: String,
    /// Whether class and time embeddings stand side by side.
    pub class_embeddings_concat: bool,
}

impl Default for ForeignFeatures {
    fn default() -> Self {
        Self {
            dual_cross_attention: false,
            class_embed_type: None,
            addition_embed_type: None,
            encoder_hid_dim: None,
            encoder_hid_dim_type: None,
            num_class_embeds: None,
            time_embedding_type: "positional".to_owned(),
            time_embedding_act_fn: None,
            timestep_post_act: None,
            time_cond_proj_dim: None,
            resnet_skip_time_act: false,
            cross_attention_norm: None,
            attention_type: "default".to_owned(),
            class_embeddings_concat: false,
        }
    }
}

impl Default for UNetConfig {
    /// diffusers' defaults, which are Stable Diffusion 1.5 but for the width of
    /// the context.
    fn default() -> Self {
        let strings = |names: [&str; 4]| names.map(str::to_owned).to_vec();
        Self {
            sample_size: None,
            in_channels: 4,
            out_channels: 4,
            center_input_sample: false,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            down_block_types: strings([
                "CrossAttnDownBlock2D",
                "CrossAttnDownBlock2D",
                "CrossAttnDownBlock2D",
                "DownBlock2D",
            ]),
            mid_block_type: Some("UNetMidBlock2DCrossAttn".to_owned()),
            up_block_types: strings([
                "UpBlock2D",
                "CrossAttnUpBlock2D",
                "CrossAttnUpBlock2D",
                "CrossAttnUpBlock2D",
            ]),
            only_cross_attention: serde_json::Value::Bool(false),
            block_out_channels: vec![320, 640, 1280, 1280],
            layers_per_block: PerBlock::Same(2),
            downsample_padding: 1,
            mid_block_scale_factor: 1.0,
            act_fn: "silu".to_owned(),
            norm_num_groups: 32,
            norm_eps: 1e-5,
            cross_attention_dim: PerBlock::Same(1280),
            transformer_layers_per_block: PerBlock::Same(1),
            attention_head_dim: PerBlock::Same(8),
            num_attention_heads: None,
            use_linear_projection: false,
            upcast_attention: false,
            resnet_time_scale_shift: "default".to_owned(),
            conv_in_kernel: 3,
            conv_out_kernel: 3,
            foreign: ForeignFeatures::default(),
        }
    }
}

impl UNetConfig {
    /// Width and height of the frames it was trained on, pixels.
    #[must_use]
    pub fn native_size(&self, vae: &VaeConfig) -> (u32, u32) {
        let factor = vae.factor() as u32;
        let side = |axis: usize| {
            let size = self.sample_size.as_ref().map(|size| size.get(axis));
            size.unwrap_or(64) as u32 * factor
        };
        (side(1), side(0))
    }

    /// The UNet of Stable Diffusion 1.5, with 4 or 9 channels in.
    pub fn stable_diffusion_1_5(in_channels: usize) -> Self {
        Self {
            in_channels,
            sample_size: Some(PerBlock::Same(64)),
            cross_attention_dim: PerBlock::Same(768),
            ..Self::default()
        }
    }

    /// Reads `unet/config.json`; `path` is for messages.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, LoadError> {
        Self::parse(json, path)
    }

    /// Attention heads of block `index`, counted along the down blocks.
    pub fn heads(&self, index: usize) -> usize {
        self.num_attention_heads
            .as_ref()
            .unwrap_or(&self.attention_head_dim)
            .get(index)
    }
}

impl Configuration for UNetConfig {
    fn unsupported(&self) -> Vec<String> {
        let mut reasons = Reasons::default();
        let blocks = self.block_out_channels.len();
        for kind in &self.down_block_types {
            reasons.unless(
                matches!(
                    kind.as_str(),
                    "CrossAttnDownBlock2D" | "DownBlock2D" | "AttnDownBlock2D"
                ),
                || format!("down block {kind:?}"),
            );
        }
        for kind in &self.up_block_types {
            reasons.unless(
                matches!(
                    kind.as_str(),
                    "CrossAttnUpBlock2D" | "UpBlock2D" | "AttnUpBlock2D"
                ),
                || format!("up block {kind:?}"),
            );
        }
        if let Some(kind) = &self.mid_block_type {
            reasons.unless(kind == "UNetMidBlock2DCrossAttn", || {
                format!("middle block {kind:?}")
            });
        }
        reasons.unless(
            (1..=16).contains(&blocks)
                && self.down_block_types.len() == blocks
                && self.up_block_types.len() == blocks,
            || {
                format!(
                    "{blocks} block_out_channels with {} down and {} up blocks",
                    self.down_block_types.len(),
                    self.up_block_types.len()
                )
            },
        );
        for (name, per_block, most) in [
            ("layers_per_block", &self.layers_per_block, MOST_LAYERS),
            (
                "transformer_layers_per_block",
                &self.transformer_layers_per_block,
                MOST_LAYERS,
            ),
            (
                "cross_attention_dim",
                &self.cross_attention_dim,
                MOST_CHANNELS,
            ),
            (
                "attention_head_dim",
                &self.attention_head_dim,
                MOST_CHANNELS,
            ),
            (
                "num_attention_heads",
                self.num_attention_heads
                    .as_ref()
                    .unwrap_or(&self.attention_head_dim),
                MOST_CHANNELS,
            ),
        ] {
            reasons.unless(per_block.fits(blocks, most), || {
                format!("{name} {per_block:?}")
            });
        }
        for (name, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("norm_num_groups", self.norm_num_groups),
        ] {
            reasons.unless((1..=MOST_CHANNELS).contains(&value), || {
                format!("{name} {value}")
            });
        }
        for (name, kernel) in [
            ("conv_in_kernel", self.conv_in_kernel),
            ("conv_out_kernel", self.conv_out_kernel),
        ] {
            reasons.unless(kernel % 2 == 1 && kernel < 16, || {
                format!("{name} {kernel}")
            });
        }
        reasons.unless(self.downsample_padding <= 1, || {
            format!("downsample_padding {}", self.downsample_padding)
        });
        for (index, &channels) in self.block_out_channels.iter().enumerate() {
            let sound = (1..=MOST_CHANNELS).contains(&channels)
                && self.norm_num_groups != 0
                && channels % self.norm_num_groups == 0
                && self.heads(index) != 0
                && channels % self.heads(index) == 0;
            reasons.unless(sound, || {
                format!(
                    "{channels} channels with {} groups and {} heads",
                    self.norm_num_groups,
                    self.heads(index)
                )
            });
        }
        for (name, value, only) in [
            ("act_fn", &self.act_fn, "silu"),
            (
                "resnet_time_scale_shift",
                &self.resnet_time_scale_shift,
                "default",
            ),
            (
                "time_embedding_type",
                &self.foreign.time_embedding_type,
                "positional",
            ),
            ("attention_type", &self.foreign.attention_type, "default"),
        ] {
            reasons.unless(value == only, || format!("{name} {value:?}"));
        }
        let cross_only = match &self.only_cross_attention {
            serde_json::Value::Array(each) => each.iter().any(|one| one != false),
            serde_json::Value::Null => false,
            one => one != false,
        };
        for (name, set) in [
            ("only_cross_attention", cross_only),
            ("dual_cross_attention", self.foreign.dual_cross_attention),
            ("class_embed_type", self.foreign.class_embed_type.is_some()),
            (
                "addition_embed_type (Stable Diffusion XL has it)",
                self.foreign.addition_embed_type.is_some(),
            ),
            ("encoder_hid_dim", self.foreign.encoder_hid_dim.is_some()),
            (
                "encoder_hid_dim_type",
                self.foreign.encoder_hid_dim_type.is_some(),
            ),
            ("num_class_embeds", self.foreign.num_class_embeds.is_some()),
            (
                "time_embedding_act_fn",
                self.foreign.time_embedding_act_fn.is_some(),
            ),
            (
                "timestep_post_act",
                self.foreign.timestep_post_act.is_some(),
            ),
            (
                "time_cond_proj_dim (a distilled model that is told the guidance)",
                self.foreign.time_cond_proj_dim.is_some(),
            ),
            ("resnet_skip_time_act", self.foreign.resnet_skip_time_act),
            (
                "cross_attention_norm",
                self.foreign.cross_attention_norm.is_some(),
            ),
            (
                "class_embeddings_concat",
                self.foreign.class_embeddings_concat,
            ),
        ] {
            reasons.unless(!set, || name.to_owned());
        }
        reasons.0
    }
}

/// The image autoencoder (`vae/config.json`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct VaeConfig {
    /// Channels of an image.
    pub in_channels: usize,
    /// Channels of a decoded image.
    pub out_channels: usize,
    /// Kind of every down block.
    pub down_block_types: Vec<String>,
    /// Kind of every up block.
    pub up_block_types: Vec<String>,
    /// Output channels of the down blocks.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of each down block; up blocks have one more.
    pub layers_per_block: usize,
    /// Activation.
    pub act_fn: String,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Groups of the group normalisations.
    pub norm_num_groups: usize,
    /// Factor that gives latents unit variance.
    pub scaling_factor: f64,
    /// Subtracted from latents before they are scaled.
    pub shift_factor: Option<f64>,
    /// Mean of each latent channel, where given.
    pub latents_mean: Option<Vec<f64>>,
    /// Standard deviation of each latent channel, where given.
    pub latents_std: Option<Vec<f64>>,
    /// Whether a 1×1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether a 1×1 convolution precedes the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the middle blocks attend.
    pub mid_block_add_attention: bool,
}

impl Default for VaeConfig {
    /// diffusers' defaults.
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            down_block_types: vec!["DownEncoderBlock2D".to_owned()],
            up_block_types: vec!["UpDecoderBlock2D".to_owned()],
            block_out_channels: vec![64],
            layers_per_block: 1,
            act_fn: "silu".to_owned(),
            latent_channels: 4,
            norm_num_groups: 32,
            scaling_factor: 0.18215,
            shift_factor: None,
            latents_mean: None,
            latents_std: None,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
        }
    }
}

impl VaeConfig {
    /// Pixels of a latent's side.
    #[must_use]
    pub fn factor(&self) -> usize {
        1 << self.block_out_channels.len().saturating_sub(1)
    }

    /// The VAE of Stable Diffusion 1.5.
    pub fn stable_diffusion_1_5() -> Self {
        Self {
            down_block_types: vec!["DownEncoderBlock2D".to_owned(); 4],
            up_block_types: vec!["UpDecoderBlock2D".to_owned(); 4],
            block_out_channels: vec![128, 256, 512, 512],
            layers_per_block: 2,
            ..Self::default()
        }
    }

    /// Reads `vae/config.json`; `path` is for messages.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self, LoadError> {
        Self::parse(json, path)
    }
}

impl Configuration for VaeConfig {
    fn unsupported(&self) -> Vec<String> {
        let mut reasons = Reasons::default();
        let blocks = self.block_out_channels.len();
        for kind in &self.down_block_types {
            reasons.unless(kind == "DownEncoderBlock2D", || {
                format!("down block {kind:?}")
            });
        }
        for kind in &self.up_block_types {
            reasons.unless(kind == "UpDecoderBlock2D", || format!("up block {kind:?}"));
        }
        reasons.unless(
            (1..=8).contains(&blocks)
                && self.down_block_types.len() == blocks
                && self.up_block_types.len() == blocks,
            || {
                format!(
                    "{blocks} block_out_channels with {} down and {} up blocks",
                    self.down_block_types.len(),
                    self.up_block_types.len()
                )
            },
        );
        for (name, value, most) in [
            ("in_channels", self.in_channels, MOST_CHANNELS),
            ("out_channels", self.out_channels, MOST_CHANNELS),
            ("latent_channels", self.latent_channels, MOST_CHANNELS),
            ("layers_per_block", self.layers_per_block, MOST_LAYERS),
            ("norm_num_groups", self.norm_num_groups, MOST_CHANNELS),
        ] {
            reasons.unless((1..=most).contains(&value), || format!("{name} {value}"));
        }
        for &channels in &self.block_out_channels {
            let sound = (1..=MOST_CHANNELS).contains(&channels)
                && self.norm_num_groups != 0
                && channels % self.norm_num_groups == 0;
            reasons.unless(sound, || {
                format!("{channels} channels with {} groups", self.norm_num_groups)
            });
        }
        reasons.unless(self.act_fn == "silu", || {
            format!("act_fn {:?}", self.act_fn)
        });
        reasons.unless(
            self.scaling_factor.is_finite() && self.scaling_factor != 0.0,
            || format!("scaling_factor {}", self.scaling_factor),
        );
        for (name, values) in [
            ("latents_mean", &self.latents_mean),
            ("latents_std", &self.latents_std),
        ] {
            if let Some(values) = values {
                reasons.unless(values.len() == self.latent_channels, || {
                    format!("{name} of {} values", values.len())
                });
            }
        }
        reasons.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_have_the_published_defaults() {
        let path = Path::new("unet/config.json");
        let config =
            UNetConfig::from_json(br#"{"cross_attention_dim": 768, "sample_size": 64}"#, path)
                .unwrap();
        assert_eq!(config, UNetConfig::stable_diffusion_1_5(4));
    }

    #[test]
    fn unknown_keys_and_lists_are_accepted() {
        let json = br#"{
            "_class_name": "UNet2DConditionModel", "a_key_of_tomorrow": [1, {"x": null}],
            "attention_head_dim": [5, 10, 20, 20], "cross_attention_dim": 1024,
            "use_linear_projection": true, "only_cross_attention": [false, false, false, false]
        }"#;
        let config = UNetConfig::from_json(json, Path::new("config.json")).unwrap();
        assert_eq!(
            (0..4).map(|i| config.heads(i)).collect::<Vec<_>>(),
            [5, 10, 20, 20]
        );
    }

    #[test]
    fn everything_unsupported_is_named_at_once() {
        let json = br#"{
            "down_block_types": ["SimpleCrossAttnDownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "KUpBlock2D"],
            "block_out_channels": [33, 64], "addition_embed_type": "text_time"
        }"#;
        let error = UNetConfig::from_json(json, Path::new("unet/config.json")).unwrap_err();
        let message = error.to_string();
        for part in [
            "unet/config.json",
            "SimpleCrossAttnDownBlock2D",
            "KUpBlock2D",
            "33",
            "addition_embed",
        ] {
            assert!(message.contains(part), "{part} is not named in: {message}");
        }
    }

    #[test]
    fn absurd_numbers_are_refused_before_use() {
        let json = br#"{"num_hidden_layers": 1000000000000}"#;
        let error = ClipTextConfig::from_json(json, Path::new("config.json")).unwrap_err();
        assert!(error.to_string().contains("num_hidden_layers"), "{error}");
        let error = VaeConfig::from_json(br#"{"norm_num_groups": 0}"#, Path::new("c")).unwrap_err();
        assert!(error.to_string().contains("norm_num_groups"), "{error}");
        let error = VaeConfig::from_json(b"{\"latent", Path::new("vae/config.json")).unwrap_err();
        assert!(error.to_string().contains("vae/config.json"), "{error}");
    }
}
