//! The noise predictor: diffusers' `UNet2DConditionModel`, Rombach et al. 2022.

use candle_core::{DType, Result, Tensor};

use crate::adapters::AdaptableLayers;
use crate::attention::{RegionText, SpatialSelfAttention, SpatialTransformer, TransformerStyle};
use crate::config::UNetConfig;
use crate::layers::{Conv2d, GroupNorm, Linear};
use crate::ops;
use crate::resnet::{Downsample, ResnetBlock, ResnetStyle, Upsample};
use crate::weights::Weights;

/// What a ControlNet adds inside the UNet, Zhang et al. 2023.
#[derive(Debug, Clone)]
pub struct ControlResiduals {
    /// One for each skip connection, first the one after `conv_in`.
    pub down: Vec<Tensor>,
    /// Added after the middle block.
    pub mid: Tensor,
}

/// What follows a residual block.
#[derive(Debug, Clone)]
enum BlockAttention {
    None,
    Text(SpatialTransformer),
    Spatial(SpatialSelfAttention),
}

impl BlockAttention {
    fn forward(&self, x: Tensor, texts: &[RegionText]) -> Result<Tensor> {
        match self {
            Self::None => Ok(x),
            Self::Text(transformer) => transformer.forward(&x, texts),
            Self::Spatial(attention) => attention.forward(&x),
        }
    }
}

/// Makes the attentions of one block, as its kind says.
fn block_attention(
    kind: &str,
    config: &UNetConfig,
    level: usize,
    head_dim: usize,
    layer: usize,
    weights: &Weights<'_>,
) -> BlockAttention {
    let channels = config.block_out_channels[level];
    let weights = || weights.at(format!("attentions.{layer}"));
    match kind {
        "CrossAttnDownBlock2D" | "CrossAttnUpBlock2D" => BlockAttention::Text(
            SpatialTransformer::new(&weights(), channels, transformer_style(config, level)),
        ),
        "AttnDownBlock2D" | "AttnUpBlock2D" => {
            let heads = (channels / head_dim.max(1)).max(1);
            BlockAttention::Spatial(SpatialSelfAttention::new(
                &weights(),
                channels,
                heads,
                config.norm_num_groups,
                config.norm_eps,
            ))
        }
        _ => BlockAttention::None,
    }
}

fn transformer_style(config: &UNetConfig, level: usize) -> TransformerStyle {
    TransformerStyle {
        heads: config.heads(level),
        layers: config.transformer_layers_per_block.get(level),
        context: config.cross_attention_dim.get(level),
        groups: config.norm_num_groups,
        linear_projection: config.use_linear_projection,
        upcast: config.upcast_attention,
    }
}

#[derive(Debug, Clone)]
struct DownBlock {
    layers: Vec<(ResnetBlock, BlockAttention)>,
    downsample: Option<Downsample>,
}

#[derive(Debug, Clone)]
struct MidBlock {
    first: ResnetBlock,
    attention: SpatialTransformer,
    second: ResnetBlock,
}

#[derive(Debug, Clone)]
struct UpBlock {
    layers: Vec<(ResnetBlock, BlockAttention)>,
    upsample: Option<Upsample>,
}

/// The UNet: noisy latents, timestep and text in, prediction out.
#[derive(Debug, Clone)]
pub struct UNet {
    conv_in: Conv2d,
    time_linear_1: Linear,
    time_linear_2: Linear,
    down_blocks: Vec<DownBlock>,
    mid_block: Option<MidBlock>,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    config: UNetConfig,
    adaptable: AdaptableLayers,
}

impl UNet {
    /// Builds the UNet from tensors named as diffusers names them.
    pub fn new(config: &UNetConfig, weights: &Weights<'_>) -> Self {
        let channels = &config.block_out_channels;
        let (first, last) = (channels[0], channels[channels.len() - 1]);
        let levels = channels.len();
        let time_width = 4 * first;
        let style = ResnetStyle {
            groups: config.norm_num_groups,
            eps: config.norm_eps,
            time_embedding: Some(time_width),
            output_scale_factor: 1.0,
        };

        let down_blocks = (0..levels)
            .map(|level| {
                let weights = weights.at(format!("down_blocks.{level}"));
                let outputs = channels[level];
                let inputs = channels[level.saturating_sub(1)];
                let kind = &config.down_block_types[level];
                let head_dim = config.attention_head_dim.get(level);
                let layers = (0..config.layers_per_block.get(level))
                    .map(|layer| {
                        let inputs = if layer == 0 { inputs } else { outputs };
                        let resnet = weights.at(format!("resnets.{layer}"));
                        (
                            ResnetBlock::new(&resnet, inputs, outputs, style),
                            block_attention(kind, config, level, head_dim, layer, &weights),
                        )
                    })
                    .collect();
                let downsample = (level + 1 < levels)
                    .then(|| Downsample::new(&weights, outputs, config.downsample_padding));
                DownBlock { layers, downsample }
            })
            .collect();

        let mid_block = config.mid_block_type.as_ref().map(|_| {
            let weights = weights.at("mid_block");
            let style = ResnetStyle {
                output_scale_factor: config.mid_block_scale_factor,
                ..style
            };
            let resnet = |name: &str| ResnetBlock::new(&weights.at(name), last, last, style);
            MidBlock {
                first: resnet("resnets.0"),
                attention: SpatialTransformer::new(
                    &weights.at("attentions.0"),
                    last,
                    transformer_style(config, levels - 1),
                ),
                second: resnet("resnets.1"),
            }
        });

        let up_blocks = (0..levels)
            .map(|index| {
                let weights = weights.at(format!("up_blocks.{index}"));
                let level = levels - 1 - index;
                let outputs = channels[level];
                // From the block below, and by the skip connections: those of
                // this level, the last one from the level above.
                let below = channels[(level + 1).min(levels - 1)];
                let above = channels[level.saturating_sub(1)];
                let kind = &config.up_block_types[index];
                // diffusers does not turn this list round, unlike all others.
                let head_dim = config.attention_head_dim.get(index);
                let count = config.layers_per_block.get(level) + 1;
                let layers = (0..count)
                    .map(|layer| {
                        let skip = if layer + 1 == count { above } else { outputs };
                        let inputs = if layer == 0 { below } else { outputs };
                        let resnet = weights.at(format!("resnets.{layer}"));
                        (
                            ResnetBlock::new(&resnet, inputs + skip, outputs, style),
                            block_attention(kind, config, level, head_dim, layer, &weights),
                        )
                    })
                    .collect();
                let upsample = (index + 1 < levels).then(|| Upsample::new(&weights, outputs));
                UpBlock { layers, upsample }
            })
            .collect();

        let conv = |name: &str, inputs: usize, outputs: usize, kernel: usize| {
            Conv2d::new(&weights.at(name), inputs, outputs, kernel, 1, kernel / 2)
        };
        let time = weights.at("time_embedding");
        Self {
            conv_in: conv("conv_in", config.in_channels, first, config.conv_in_kernel),
            time_linear_1: Linear::new(&time.at("linear_1"), first, time_width, true),
            time_linear_2: Linear::new(&time.at("linear_2"), time_width, time_width, true),
            down_blocks,
            mid_block,
            up_blocks,
            conv_norm_out: GroupNorm::new(
                &weights.at("conv_norm_out"),
                config.norm_num_groups,
                first,
                config.norm_eps,
            ),
            conv_out: conv(
                "conv_out",
                first,
                config.out_channels,
                config.conv_out_kernel,
            ),
            config: config.clone(),
            adaptable: weights.adaptable_layers(),
        }
    }

    /// Predicts noise (or v, as the model was trained): x (batch, in_channels,
    /// h, w), one timestep for all or one for each, context (batch, tokens,
    /// width) → (batch, out_channels, h, w).
    ///
    /// # Errors
    /// If shapes do not fit, or a ControlNet's residuals are not as many as the
    /// skip connections.
    pub fn forward(
        &self,
        x: &Tensor,
        timesteps: &[f64],
        context: &Tensor,
        control: Option<&ControlResiduals>,
    ) -> Result<Tensor> {
        self.forward_observed(x, timesteps, context, control, &mut |_, _| ())
    }

    /// [`forward`](Self::forward) for texts that share the picture.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when there is no text.
    pub fn forward_texts(
        &self,
        x: &Tensor,
        timesteps: &[f64],
        texts: &[RegionText],
    ) -> Result<Tensor> {
        self.run(x, timesteps, texts, None, &mut |_, _| ())
    }

    /// [`forward`](Self::forward) that shows what each part gives, by the
    /// part's name: "time_embedding", then "down_blocks.0.skips.0" …
    /// (outputs that become skip connections), "down_blocks.0" …, "mid_block",
    /// "up_blocks.0" ….
    pub fn forward_observed(
        &self,
        x: &Tensor,
        timesteps: &[f64],
        context: &Tensor,
        control: Option<&ControlResiduals>,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Tensor> {
        let text = RegionText {
            embeddings: context.clone(),
            region: None,
        };
        self.run(x, timesteps, &[text], control, observe)
    }

    fn run(
        &self,
        x: &Tensor,
        timesteps: &[f64],
        texts: &[RegionText],
        control: Option<&ControlResiduals>,
        observe: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<Tensor> {
        let (batch, channels, _, _) = x.dims4()?;
        if channels != self.config.in_channels {
            candle_core::bail!(
                "{channels} latent channels, but this UNet takes {}",
                self.config.in_channels
            );
        }
        let time = self.embed_time(timesteps, batch, x)?;
        observe("time_embedding", &time);
        // Every residual block begins with it.
        let time = ops::silu(&time)?;
        let x = if self.config.center_input_sample {
            ((x * 2.0)? - 1.0)?
        } else {
            x.clone()
        };

        let mut hidden = self.conv_in.forward(&x)?;
        let mut skips = vec![hidden.clone()];
        for (index, block) in self.down_blocks.iter().enumerate() {
            let own_skips = skips.len();
            for (resnet, attention) in &block.layers {
                hidden = attention.forward(resnet.forward(&hidden, Some(&time))?, texts)?;
                skips.push(hidden.clone());
            }
            if let Some(downsample) = &block.downsample {
                hidden = downsample.forward(&hidden)?;
                skips.push(hidden.clone());
            }
            for (number, skip) in skips[own_skips..].iter().enumerate() {
                observe(&format!("down_blocks.{index}.skips.{number}"), skip);
            }
            observe(&format!("down_blocks.{index}"), &hidden);
        }
        if let Some(control) = control {
            if control.down.len() != skips.len() {
                candle_core::bail!(
                    "the ControlNet gives {} residuals, this UNet has {} skip connections",
                    control.down.len(),
                    skips.len()
                );
            }
            for (skip, residual) in skips.iter_mut().zip(&control.down) {
                *skip = (&*skip + residual)?;
            }
        }
        if let Some(block) = &self.mid_block {
            hidden = block.first.forward(&hidden, Some(&time))?;
            hidden = block.attention.forward(&hidden, texts)?;
            hidden = block.second.forward(&hidden, Some(&time))?;
            observe("mid_block", &hidden);
        }
        if let Some(control) = control {
            hidden = (hidden + &control.mid)?;
        }
        for (index, block) in self.up_blocks.iter().enumerate() {
            for (resnet, attention) in &block.layers {
                let Some(skip) = skips.pop() else {
                    candle_core::bail!("the up blocks want more skip connections than there are");
                };
                let joined = Tensor::cat(&[&hidden, &skip], 1)?;
                hidden = attention.forward(resnet.forward(&joined, Some(&time))?, texts)?;
            }
            if let Some(upsample) = &block.upsample {
                // Sizes that do not halve evenly come back by the skip's size.
                let size = match skips.last() {
                    Some(skip) => Some((skip.dim(2)?, skip.dim(3)?)),
                    None => None,
                };
                hidden = upsample.forward(&hidden, size)?;
            }
            observe(&format!("up_blocks.{index}"), &hidden);
        }
        self.conv_out
            .forward(&self.conv_norm_out.forward_silu(&hidden)?)
    }

    /// Sinusoids of the timestep through two linear layers: → (batch, 4 · first
    /// channels).
    fn embed_time(&self, timesteps: &[f64], batch: usize, like: &Tensor) -> Result<Tensor> {
        let width = self.config.block_out_channels[0];
        let rows: Vec<f64> = match timesteps {
            [one] => vec![*one; batch],
            each if each.len() == batch => each.to_vec(),
            each => candle_core::bail!("{} timesteps for a batch of {batch}", each.len()),
        };
        let sinusoids = sinusoidal_embedding(
            &rows,
            width,
            self.config.flip_sin_to_cos,
            self.config.freq_shift,
        );
        let sinusoids =
            Tensor::from_vec(sinusoids, (batch, width), like.device())?.to_dtype(like.dtype())?;
        let inner = ops::silu(&self.time_linear_1.forward(&sinusoids)?)?;
        self.time_linear_2.forward(&inner)
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// The layers that can take low-rank adapters, by name.
    pub fn adaptable_layers(&self) -> &AdaptableLayers {
        &self.adaptable
    }

    /// The type of number it computes in.
    pub fn dtype(&self) -> DType {
        self.conv_in.dtype()
    }
}

/// Vaswani et al. 2017, as diffusers' `get_timestep_embedding`: sines then
/// cosines of t · 10000^(−i / (half − shift)), swapped if `flip_sin_to_cos`;
/// an odd width ends in a zero. Row by row, `width` numbers for each timestep.
fn sinusoidal_embedding(
    timesteps: &[f64],
    width: usize,
    flip_sin_to_cos: bool,
    freq_shift: f64,
) -> Vec<f32> {
    let half = width / 2;
    let mut values = Vec::with_capacity(timesteps.len() * width);
    for t in timesteps {
        // In f32 like diffusers, whose rounding of t · frequency the trained
        // networks have seen.
        let angles: Vec<f32> = (0..half)
            .map(|i| {
                let exponent = -(10_000f32.ln()) * i as f32 / (half as f64 - freq_shift) as f32;
                *t as f32 * exponent.exp()
            })
            .collect();
        let sines = angles.iter().map(|angle| angle.sin());
        let cosines = angles.iter().map(|angle| angle.cos());
        if flip_sin_to_cos {
            values.extend(cosines.chain(sines));
        } else {
            values.extend(sines.chain(cosines));
        }
        values.extend(std::iter::repeat_n(0.0, width % 2));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PerBlock;
    use crate::tiny;

    fn unet(config: &UNetConfig) -> UNet {
        tiny::build(&tiny::unet_tensors(config), |w| UNet::new(config, w))
    }

    fn context(batch: usize) -> Tensor {
        tiny::numbers("context", &[batch, 5, 16])
    }

    #[test]
    fn four_and_nine_channels_predict_four() {
        for in_channels in [4, 9] {
            let unet = unet(&tiny::unet_config(in_channels));
            let x = tiny::numbers("x", &[2, in_channels, 8, 6]);
            let y = unet.forward(&x, &[500.0], &context(2), None).unwrap();
            assert_eq!(y.dims(), [2, 4, 8, 6]);
            let wrong = tiny::numbers("x", &[2, 5, 8, 6]);
            let message = unet
                .forward(&wrong, &[1.0], &context(2), None)
                .unwrap_err()
                .to_string();
            assert!(
                message.contains(&format!("takes {in_channels}")),
                "{message}"
            );
        }
    }

    #[test]
    fn sizes_that_do_not_halve_evenly_come_back() {
        let unet = unet(&tiny::unet_config(4));
        let x = tiny::numbers("x", &[1, 4, 7, 5]);
        let y = unet.forward(&x, &[500.0], &context(1), None).unwrap();
        assert_eq!(y.dims(), [1, 4, 7, 5]);
    }

    #[test]
    fn every_block_kind_is_built() {
        let strings = |names: [&str; 3]| names.map(str::to_owned).to_vec();
        let config = UNetConfig {
            down_block_types: strings(["DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D"]),
            up_block_types: strings(["AttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]),
            block_out_channels: vec![8, 16, 24],
            attention_head_dim: PerBlock::Each(vec![2, 4, 8]),
            layers_per_block: PerBlock::Each(vec![1, 2, 1]),
            transformer_layers_per_block: PerBlock::Each(vec![1, 2, 1]),
            use_linear_projection: true,
            ..tiny::unet_config(4)
        };
        let x = tiny::numbers("x", &[1, 4, 8, 8]);
        let y = unet(&config)
            .forward(&x, &[20.0], &context(1), None)
            .unwrap();
        assert_eq!(y.dims(), [1, 4, 8, 8]);
        let without_middle = UNetConfig {
            mid_block_type: None,
            ..config
        };
        let other = unet(&without_middle)
            .forward(&x, &[20.0], &context(1), None)
            .unwrap();
        assert!(tiny::max_difference(&y, &other) > 1e-4);
    }

    #[test]
    fn linear_and_convolutional_projections_are_the_same_map() {
        let conv = tiny::unet_config(4);
        let linear = UNetConfig {
            use_linear_projection: true,
            ..conv.clone()
        };
        let weights = tiny::unet_tensors(&conv);
        let x = tiny::numbers("x", &[1, 4, 8, 8]);
        let outputs = [conv, linear].map(|config| {
            let unet = tiny::build(&weights, |w| UNet::new(&config, w));
            unet.forward(&x, &[500.0], &context(1), None).unwrap()
        });
        assert!(tiny::max_difference(&outputs[0], &outputs[1]) < 1e-5);
    }

    #[test]
    fn samples_of_a_batch_have_their_own_timestep_and_context() {
        let unet = unet(&tiny::unet_config(4));
        let x = tiny::numbers("x", &[2, 4, 8, 8]);
        let both = unet.forward(&x, &[10.0, 900.0], &context(2), None).unwrap();
        for (index, t) in [10.0, 900.0].into_iter().enumerate() {
            let part = |tensor: &Tensor| tensor.narrow(0, index, 1).unwrap();
            let alone = unet
                .forward(&part(&x), &[t], &part(&context(2)), None)
                .unwrap();
            assert!(tiny::max_difference(&part(&both), &alone) < 1e-4);
        }
        let swapped = unet.forward(&x, &[900.0, 10.0], &context(2), None).unwrap();
        assert!(tiny::max_difference(&both, &swapped) > 1e-3);
        assert!(
            unet.forward(&x, &[1.0, 2.0, 3.0], &context(2), None)
                .is_err()
        );
    }

    #[test]
    fn control_residuals_act_and_zeros_do_not() {
        let unet = unet(&tiny::unet_config(4));
        let x = tiny::numbers("x", &[1, 4, 8, 8]);
        let plain = unet.forward(&x, &[500.0], &context(1), None).unwrap();
        // Skip connections: conv_in, the first level, its downsampler, the second level.
        let shapes = [[1, 16, 8, 8], [1, 16, 8, 8], [1, 16, 4, 4], [1, 24, 4, 4]];
        let residuals = |scale: f64| ControlResiduals {
            down: shapes
                .iter()
                .map(|s| (tiny::numbers("down", s) * scale).unwrap())
                .collect(),
            mid: (tiny::numbers("mid", &[1, 24, 4, 4]) * scale).unwrap(),
        };
        let zeros = unet
            .forward(&x, &[500.0], &context(1), Some(&residuals(0.0)))
            .unwrap();
        assert_eq!(tiny::max_difference(&plain, &zeros), 0.0);
        let controlled = unet
            .forward(&x, &[500.0], &context(1), Some(&residuals(1.0)))
            .unwrap();
        assert!(tiny::max_difference(&plain, &controlled) > 1e-3);
        let mut few = residuals(1.0);
        few.down.pop();
        let message = unet
            .forward(&x, &[500.0], &context(1), Some(&few))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("3 residuals") && message.contains("4 skip"),
            "{message}"
        );
    }

    #[test]
    fn sinusoids_follow_their_flags() {
        let plain = sinusoidal_embedding(&[2.0], 5, false, 1.0);
        // Frequencies 1 and 1/10000 with a shift of one.
        let expected = [2f32.sin(), 2e-4f32.sin(), 2f32.cos(), 2e-4f32.cos(), 0.0];
        for (a, b) in plain.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{plain:?}");
        }
        let flipped = sinusoidal_embedding(&[2.0], 4, true, 0.0);
        assert!((flipped[0] - 2f32.cos()).abs() < 1e-6);
        assert!((flipped[3] - 0.02f32.sin()).abs() < 1e-6, "{flipped:?}");
    }

    #[test]
    fn every_weight_can_be_trained() {
        let config = tiny::unet_config(9);
        let x = tiny::numbers("x", &[2, 9, 8, 8]);
        tiny::assert_all_trainable(&tiny::unet_tensors(&config), |weights| {
            let unet = tiny::build(weights, |w| UNet::new(&config, w));
            unet.forward(&x, &[10.0, 700.0], &context(2), None).unwrap()
        });
    }
}
