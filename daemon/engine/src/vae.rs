//! The image autoencoder: diffusers' `AutoencoderKL`, Rombach et al. 2022.

use candle_core::{DType, Result, Tensor};

use crate::adapters::AdaptableLayers;
use crate::attention::SpatialSelfAttention;
use crate::config::VaeConfig;
use crate::layers::{Conv2d, GroupNorm};
use crate::resnet::{Downsample, ResnetBlock, ResnetStyle, Upsample};
use crate::weights::Weights;

const EPS: f64 = 1e-6;

/// The distribution of latents that an image encodes to.
#[derive(Debug, Clone)]
pub struct Posterior {
    /// (batch, latent channels, h, w).
    pub mean: Tensor,
    /// Logarithm of the variance, kept within −30..=20; same shape.
    pub logvar: Tensor,
}

#[derive(Debug, Clone)]
struct MidBlock {
    first: ResnetBlock,
    attention: Option<SpatialSelfAttention>,
    second: ResnetBlock,
}

impl MidBlock {
    fn new(config: &VaeConfig, channels: usize, style: ResnetStyle, weights: &Weights<'_>) -> Self {
        let resnet = |name: &str| ResnetBlock::new(&weights.at(name), channels, channels, style);
        Self {
            first: resnet("resnets.0"),
            attention: config.mid_block_add_attention.then(|| {
                let weights = weights.at("attentions.0");
                SpatialSelfAttention::new(&weights, channels, 1, config.norm_num_groups, EPS)
            }),
            second: resnet("resnets.1"),
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut hidden = self.first.forward(x, None)?;
        if let Some(attention) = &self.attention {
            hidden = attention.forward(&hidden)?;
        }
        self.second.forward(&hidden, None)
    }
}

#[derive(Debug, Clone)]
struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<(Vec<ResnetBlock>, Option<Downsample>)>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    fn new(config: &VaeConfig, style: ResnetStyle, weights: &Weights<'_>) -> Self {
        let channels = &config.block_out_channels;
        let (first, last) = (channels[0], channels[channels.len() - 1]);
        Self {
            conv_in: Conv2d::same(&weights.at("conv_in"), config.in_channels, first),
            down_blocks: (0..channels.len())
                .map(|level| {
                    let weights = weights.at(format!("down_blocks.{level}"));
                    let outputs = channels[level];
                    let inputs = channels[level.saturating_sub(1)];
                    let resnets = (0..config.layers_per_block)
                        .map(|layer| {
                            let inputs = if layer == 0 { inputs } else { outputs };
                            let weights = weights.at(format!("resnets.{layer}"));
                            ResnetBlock::new(&weights, inputs, outputs, style)
                        })
                        .collect();
                    let downsample =
                        (level + 1 < channels.len()).then(|| Downsample::new(&weights, outputs, 0));
                    (resnets, downsample)
                })
                .collect(),
            mid_block: MidBlock::new(config, last, style, &weights.at("mid_block")),
            conv_norm_out: GroupNorm::new(
                &weights.at("conv_norm_out"),
                config.norm_num_groups,
                last,
                EPS,
            ),
            conv_out: Conv2d::same(&weights.at("conv_out"), last, 2 * config.latent_channels),
        }
    }

    fn forward(&self, image: &Tensor) -> Result<Tensor> {
        let mut hidden = self.conv_in.forward(image)?;
        for (resnets, downsample) in &self.down_blocks {
            for resnet in resnets {
                hidden = resnet.forward(&hidden, None)?;
            }
            if let Some(downsample) = downsample {
                hidden = downsample.forward(&hidden)?;
            }
        }
        let hidden = self.mid_block.forward(&hidden)?;
        self.conv_out
            .forward(&self.conv_norm_out.forward_silu(&hidden)?)
    }
}

#[derive(Debug, Clone)]
struct Decoder {
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<(Vec<ResnetBlock>, Option<Upsample>)>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    fn new(config: &VaeConfig, style: ResnetStyle, weights: &Weights<'_>) -> Self {
        let channels = &config.block_out_channels;
        let levels = channels.len();
        let (first, last) = (channels[0], channels[levels - 1]);
        Self {
            conv_in: Conv2d::same(&weights.at("conv_in"), config.latent_channels, last),
            mid_block: MidBlock::new(config, last, style, &weights.at("mid_block")),
            up_blocks: (0..levels)
                .map(|index| {
                    let weights = weights.at(format!("up_blocks.{index}"));
                    let level = levels - 1 - index;
                    let outputs = channels[level];
                    let below = channels[(level + 1).min(levels - 1)];
                    let resnets = (0..=config.layers_per_block)
                        .map(|layer| {
                            let inputs = if layer == 0 { below } else { outputs };
                            let weights = weights.at(format!("resnets.{layer}"));
                            ResnetBlock::new(&weights, inputs, outputs, style)
                        })
                        .collect();
                    let upsample = (index + 1 < levels).then(|| Upsample::new(&weights, outputs));
                    (resnets, upsample)
                })
                .collect(),
            conv_norm_out: GroupNorm::new(
                &weights.at("conv_norm_out"),
                config.norm_num_groups,
                first,
                EPS,
            ),
            conv_out: Conv2d::same(&weights.at("conv_out"), first, config.out_channels),
        }
    }

    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let mut hidden = self.mid_block.forward(&self.conv_in.forward(z)?)?;
        for (resnets, upsample) in &self.up_blocks {
            for resnet in resnets {
                hidden = resnet.forward(&hidden, None)?;
            }
            if let Some(upsample) = upsample {
                hidden = upsample.forward(&hidden, None)?;
            }
        }
        self.conv_out
            .forward(&self.conv_norm_out.forward_silu(&hidden)?)
    }
}

/// The autoencoder: images to latents and back.
#[derive(Debug, Clone)]
pub struct Vae {
    encoder: Encoder,
    quant_conv: Option<Conv2d>,
    post_quant_conv: Option<Conv2d>,
    decoder: Decoder,
    config: VaeConfig,
    adaptable: AdaptableLayers,
}

impl Vae {
    /// Builds the autoencoder from tensors named as diffusers names them.
    pub fn new(config: &VaeConfig, weights: &Weights<'_>) -> Self {
        let style = ResnetStyle {
            groups: config.norm_num_groups,
            eps: EPS,
            time_embedding: None,
            output_scale_factor: 1.0,
        };
        let latent = config.latent_channels;
        Self {
            encoder: Encoder::new(config, style, &weights.at("encoder")),
            quant_conv: config
                .use_quant_conv
                .then(|| Conv2d::pointwise(&weights.at("quant_conv"), 2 * latent, 2 * latent)),
            post_quant_conv: config
                .use_post_quant_conv
                .then(|| Conv2d::pointwise(&weights.at("post_quant_conv"), latent, latent)),
            decoder: Decoder::new(config, style, &weights.at("decoder")),
            config: config.clone(),
            adaptable: weights.adaptable_layers(),
        }
    }

    /// Encodes images (batch, 3, h, w) of −1..=1 to a distribution of latents
    /// of 1/[`factor`](Self::factor) the size, not yet scaled.
    pub fn encode(&self, image: &Tensor) -> Result<Posterior> {
        let mut moments = self.encoder.forward(image)?;
        if let Some(conv) = &self.quant_conv {
            moments = conv.forward(&moments)?;
        }
        let parts = moments.chunk(2, 1)?;
        Ok(Posterior {
            mean: parts[0].contiguous()?,
            logvar: parts[1].clamp(-30f32, 20f32)?,
        })
    }

    /// Decodes latents (batch, latent channels, h, w), not scaled, to images
    /// of about −1..=1, [`factor`](Self::factor) times the size.
    pub fn decode(&self, z: &Tensor) -> Result<Tensor> {
        match &self.post_quant_conv {
            Some(conv) => self.decoder.forward(&conv.forward(z)?),
            None => self.decoder.forward(z),
        }
    }

    /// Maps the encoder's latents to those that the UNet works on: of about
    /// unit variance.
    pub fn scale_latents(&self, z: &Tensor) -> Result<Tensor> {
        let (offset, factor) = self.latent_map(z)?;
        z.broadcast_sub(&offset)?.broadcast_mul(&factor)
    }

    /// The inverse of [`scale_latents`](Self::scale_latents).
    pub fn unscale_latents(&self, x: &Tensor) -> Result<Tensor> {
        let (offset, factor) = self.latent_map(x)?;
        x.broadcast_div(&factor)?.broadcast_add(&offset)
    }

    /// Offset and factor of each latent channel, (1, channels, 1, 1).
    fn latent_map(&self, like: &Tensor) -> Result<(Tensor, Tensor)> {
        let channels = self.config.latent_channels;
        let shift = self.config.shift_factor.unwrap_or_default();
        let offsets = match &self.config.latents_mean {
            Some(means) => means.iter().map(|mean| mean + shift).collect(),
            None => vec![shift; channels],
        };
        let factors = match &self.config.latents_std {
            Some(stds) => stds
                .iter()
                .map(|std| self.config.scaling_factor / std)
                .collect(),
            None => vec![self.config.scaling_factor; channels],
        };
        let tensor = |values: Vec<f64>| -> Result<Tensor> {
            Tensor::from_vec(values, (1, channels, 1, 1), &candle_core::Device::Cpu)?
                .to_dtype(DType::F32)?
                .to_device(like.device())?
                .to_dtype(like.dtype())
        };
        Ok((tensor(offsets)?, tensor(factors)?))
    }

    /// Pixels along a side for each latent: 8 for SD 1.5.
    pub fn factor(&self) -> usize {
        self.config.factor()
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// The layers that can take low-rank adapters, by name.
    pub fn adaptable_layers(&self) -> &AdaptableLayers {
        &self.adaptable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    #[test]
    fn images_become_latents_and_images_again() {
        for attention in [true, false] {
            let config = VaeConfig {
                mid_block_add_attention: attention,
                ..tiny::vae_config()
            };
            let weights = tiny::vae_tensors(&config);
            assert_eq!(
                weights.keys().any(|name| name.contains("attentions")),
                attention
            );
            let vae = tiny::build(&weights, |w| Vae::new(&config, w));
            assert_eq!(vae.factor(), 2);
            let posterior = vae.encode(&tiny::numbers("image", &[1, 3, 12, 8])).unwrap();
            assert_eq!(posterior.mean.dims(), [1, 4, 6, 4]);
            assert_eq!(posterior.logvar.dims(), [1, 4, 6, 4]);
            assert_eq!(vae.decode(&posterior.mean).unwrap().dims(), [1, 3, 12, 8]);
        }
    }

    #[test]
    fn latents_are_scaled_and_come_back() {
        let config = VaeConfig {
            scaling_factor: 0.5,
            shift_factor: Some(0.25),
            latents_mean: Some(vec![0.0, 1.0, 2.0, 3.0]),
            latents_std: Some(vec![1.0, 2.0, 4.0, 8.0]),
            ..tiny::vae_config()
        };
        let vae = tiny::build(&tiny::vae_tensors(&config), |w| Vae::new(&config, w));
        let z = tiny::numbers("z", &[1, 4, 2, 2]);
        let x = vae.scale_latents(&z).unwrap();
        let at = |tensor: &Tensor| -> f32 {
            tensor
                .get(0)
                .unwrap()
                .get(3)
                .unwrap()
                .get(0)
                .unwrap()
                .get(1)
                .unwrap()
                .to_scalar()
                .unwrap()
        };
        assert!((at(&x) - (at(&z) - 3.25) * 0.5 / 8.0).abs() < 1e-6);
        assert!(tiny::max_difference(&vae.unscale_latents(&x).unwrap(), &z) < 1e-5);
    }

    #[test]
    fn every_weight_can_be_trained() {
        let config = tiny::vae_config();
        let image = tiny::numbers("image", &[1, 3, 8, 8]);
        tiny::assert_all_trainable(&tiny::vae_tensors(&config), |weights| {
            let vae = tiny::build(weights, |w| Vae::new(&config, w));
            let Posterior { mean, logvar } = vae.encode(&image).unwrap();
            let decoded = vae.decode(&mean).unwrap().flatten_all().unwrap();
            Tensor::cat(&[decoded, logvar.flatten_all().unwrap()], 0).unwrap()
        });
    }
}
