//! The names that the original Stable Diffusion code gave its tensors ("ldm",
//! found in single-file checkpoints), from those of diffusers.

use crate::config::{UNetConfig, VaeConfig};

/// Prefix of the UNet in a single-file checkpoint.
pub const UNET_PREFIX: &str = "model.diffusion_model.";
/// Prefix of the VAE in a single-file checkpoint.
pub const VAE_PREFIX: &str = "first_stage_model.";
/// Prefix of the text encoder in a single-file checkpoint.
pub const TEXT_PREFIX: &str = "cond_stage_model.transformer.";

/// Splits "down_blocks.3.rest" into ("3", "rest") given "down_blocks".
fn indexed<'a>(name: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (index, rest) = name
        .strip_prefix(list)?
        .strip_prefix('.')?
        .split_once('.')?;
    Some((index.parse().ok()?, rest))
}

/// The text encoder's tensor in a single-file checkpoint.
pub fn text_encoder(name: &str) -> String {
    format!("{TEXT_PREFIX}{name}")
}

/// The UNet's tensor in a single-file checkpoint.
pub fn unet(config: &UNetConfig, name: &str) -> String {
    format!("{UNET_PREFIX}{}", unet_without_prefix(config, name))
}

fn unet_without_prefix(config: &UNetConfig, name: &str) -> String {
    for (ours, theirs) in [
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("conv_in", "input_blocks.0.0"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
    ] {
        if let Some(rest) = name.strip_prefix(ours) {
            return format!("{theirs}{rest}");
        }
    }
    let levels = config.block_out_channels.len();
    if let Some((level, rest)) = indexed(name, "down_blocks") {
        // conv_in is block 0; each level has its layers and a downsampler.
        let first = 1
            + (0..level)
                .map(|l| config.layers_per_block.get(l) + 1)
                .sum::<usize>();
        if let Some((layer, rest)) = indexed(rest, "resnets") {
            return format!("input_blocks.{}.0.{}", first + layer, unet_resnet(rest));
        }
        if let Some((layer, rest)) = indexed(rest, "attentions") {
            return format!("input_blocks.{}.1.{rest}", first + layer);
        }
        if let Some((_, rest)) = indexed(rest, "downsamplers") {
            let block = first + config.layers_per_block.get(level);
            return format!("input_blocks.{block}.0.{}", rest.replacen("conv", "op", 1));
        }
    }
    if let Some(rest) = name.strip_prefix("mid_block.") {
        if let Some((layer, rest)) = indexed(rest, "resnets") {
            return format!("middle_block.{}.{}", 2 * layer, unet_resnet(rest));
        }
        if let Some((_, rest)) = indexed(rest, "attentions") {
            return format!("middle_block.1.{rest}");
        }
    }
    if let Some((index, rest)) = indexed(name, "up_blocks") {
        let layers = |index: usize| config.layers_per_block.get(levels - 1 - index) + 1;
        let first = (0..index).map(layers).sum::<usize>();
        if let Some((layer, rest)) = indexed(rest, "resnets") {
            return format!("output_blocks.{}.0.{}", first + layer, unet_resnet(rest));
        }
        if let Some((layer, rest)) = indexed(rest, "attentions") {
            return format!("output_blocks.{}.1.{rest}", first + layer);
        }
        if let Some((_, rest)) = indexed(rest, "upsamplers") {
            // The upsampler follows the last layer, after its attention if any.
            let attends = config
                .up_block_types
                .get(index)
                .is_some_and(|kind| kind != "UpBlock2D");
            let place = if attends { 2 } else { 1 };
            return format!("output_blocks.{}.{place}.{rest}", first + layers(index) - 1);
        }
    }
    name.to_owned()
}

fn unet_resnet(name: &str) -> String {
    for (ours, theirs) in [
        ("norm1", "in_layers.0"),
        ("conv1", "in_layers.2"),
        ("time_emb_proj", "emb_layers.1"),
        ("norm2", "out_layers.0"),
        ("conv2", "out_layers.3"),
        ("conv_shortcut", "skip_connection"),
    ] {
        if let Some(rest) = name.strip_prefix(ours) {
            return format!("{theirs}{rest}");
        }
    }
    name.to_owned()
}

/// The VAE's tensor by its original name, without a prefix.
pub fn vae(config: &VaeConfig, name: &str) -> String {
    let (part, rest) = match name.split_once('.') {
        Some((part @ ("encoder" | "decoder"), rest)) => (part, rest),
        _ => return name.to_owned(),
    };
    format!("{part}.{}", vae_part(config, rest))
}

fn vae_part(config: &VaeConfig, name: &str) -> String {
    if let Some(rest) = name.strip_prefix("conv_norm_out") {
        return format!("norm_out{rest}");
    }
    if let Some(rest) = name.strip_prefix("mid_block.") {
        if let Some((layer, rest)) = indexed(rest, "resnets") {
            return format!("mid.block_{}.{}", layer + 1, vae_resnet(rest));
        }
        if let Some((_, rest)) = indexed(rest, "attentions") {
            return format!("mid.attn_1.{}", vae_attention(rest));
        }
    }
    let levels = config.block_out_channels.len();
    let blocks = [("down_blocks", "down"), ("up_blocks", "up")];
    for (ours, theirs) in blocks {
        let Some((index, rest)) = indexed(name, ours) else {
            continue;
        };
        // The original counts up blocks from the picture inwards.
        let level = if theirs == "up" {
            (levels - 1).saturating_sub(index)
        } else {
            index
        };
        if let Some((layer, rest)) = indexed(rest, "resnets") {
            return format!("{theirs}.{level}.block.{layer}.{}", vae_resnet(rest));
        }
        for sampler in ["downsample", "upsample"] {
            if let Some((_, rest)) = indexed(rest, &format!("{sampler}rs")) {
                return format!("{theirs}.{level}.{sampler}.{rest}");
            }
        }
    }
    name.to_owned()
}

fn vae_resnet(name: &str) -> String {
    name.replacen("conv_shortcut", "nin_shortcut", 1)
}

fn vae_attention(name: &str) -> String {
    for (ours, theirs) in [
        ("group_norm", "norm"),
        ("to_q", "q"),
        ("to_k", "k"),
        ("to_v", "v"),
        ("to_out.0", "proj_out"),
    ] {
        if let Some(rest) = name.strip_prefix(ours) {
            return format!("{theirs}{rest}");
        }
    }
    name.to_owned()
}

/// The name that diffusers gave a VAE attention's tensor before version 0.18;
/// None if it was the same.
pub fn old_vae_attention(name: &str) -> Option<String> {
    for (new, old) in [
        (".to_q.", ".query."),
        (".to_k.", ".key."),
        (".to_v.", ".value."),
        (".to_out.0.", ".proj_attn."),
    ] {
        if name.contains("attentions") && name.contains(new) {
            return Some(name.replacen(new, old, 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClipTextConfig;
    use crate::text_encoder::ClipTextModel;
    use crate::unet::UNet;
    use crate::vae::Vae;
    use crate::weights::Weights;
    use std::collections::BTreeSet;

    type Shapes = Vec<(String, Vec<usize>)>;

    fn unet_shapes() -> (UNetConfig, Shapes) {
        let config = UNetConfig::stable_diffusion_1_5(4);
        let shapes = Weights::parameters(|w| UNet::new(&config, w)).unwrap();
        (config, shapes)
    }

    fn vae_shapes() -> (VaeConfig, Shapes) {
        let config = VaeConfig::stable_diffusion_1_5();
        let shapes = Weights::parameters(|w| Vae::new(&config, w)).unwrap();
        (config, shapes)
    }

    #[test]
    fn all_names_of_stable_diffusion_1_5_map_one_to_one() {
        let (unet_config, unet_shapes) = unet_shapes();
        let (vae_config, vae_shapes) = vae_shapes();
        let text = ClipTextConfig::stable_diffusion_1_5();
        let text_shapes = Weights::parameters(|w| ClipTextModel::new(&text, w)).unwrap();
        assert_eq!(
            (unet_shapes.len(), vae_shapes.len(), text_shapes.len()),
            (686, 248, 196)
        );

        let parameters = |shapes: &Shapes| -> usize {
            shapes
                .iter()
                .map(|(_, shape)| shape.iter().product::<usize>())
                .sum()
        };
        assert_eq!(parameters(&unet_shapes), 859_520_964);
        assert_eq!(parameters(&vae_shapes), 83_653_863);
        assert_eq!(parameters(&text_shapes), 123_060_480);

        let mut ldm = BTreeSet::new();
        ldm.extend(unet_shapes.iter().map(|(name, _)| unet(&unet_config, name)));
        ldm.extend(
            vae_shapes
                .iter()
                .map(|(name, _)| format!("{VAE_PREFIX}{}", vae(&vae_config, name))),
        );
        ldm.extend(text_shapes.iter().map(|(name, _)| text_encoder(name)));
        assert_eq!(ldm.len(), 686 + 248 + 196);
        for leftover in [
            "down_blocks",
            "up_blocks",
            "mid_block",
            "resnets",
            "samplers.",
            "attentions",
        ] {
            let unmapped = ldm.iter().find(|name| name.contains(leftover));
            assert_eq!(unmapped, None, "{leftover}");
        }
    }

    #[test]
    fn published_names_are_met() {
        let config = UNetConfig::stable_diffusion_1_5(4);
        for (ours, theirs) in [
            (
                "down_blocks.0.downsamplers.0.conv.weight",
                "input_blocks.3.0.op.weight",
            ),
            (
                "down_blocks.1.resnets.0.conv_shortcut.bias",
                "input_blocks.4.0.skip_connection.bias",
            ),
            (
                "down_blocks.2.attentions.1.transformer_blocks.0.ff.net.0.proj.weight",
                "input_blocks.8.1.transformer_blocks.0.ff.net.0.proj.weight",
            ),
            (
                "down_blocks.3.resnets.1.time_emb_proj.weight",
                "input_blocks.11.0.emb_layers.1.weight",
            ),
            (
                "mid_block.resnets.1.norm2.bias",
                "middle_block.2.out_layers.0.bias",
            ),
            (
                "up_blocks.0.upsamplers.0.conv.weight",
                "output_blocks.2.1.conv.weight",
            ),
            (
                "up_blocks.1.upsamplers.0.conv.weight",
                "output_blocks.5.2.conv.weight",
            ),
            (
                "up_blocks.3.resnets.2.conv2.weight",
                "output_blocks.11.0.out_layers.3.weight",
            ),
            ("time_embedding.linear_2.weight", "time_embed.2.weight"),
            ("conv_norm_out.weight", "out.0.weight"),
        ] {
            assert_eq!(unet(&config, ours), format!("{UNET_PREFIX}{theirs}"));
        }
        let config = VaeConfig::stable_diffusion_1_5();
        for (ours, theirs) in [
            (
                "encoder.down_blocks.1.resnets.0.conv_shortcut.weight",
                "encoder.down.1.block.0.nin_shortcut.weight",
            ),
            (
                "encoder.down_blocks.0.downsamplers.0.conv.bias",
                "encoder.down.0.downsample.conv.bias",
            ),
            (
                "encoder.mid_block.attentions.0.to_out.0.weight",
                "encoder.mid.attn_1.proj_out.weight",
            ),
            (
                "decoder.up_blocks.0.resnets.2.norm1.weight",
                "decoder.up.3.block.2.norm1.weight",
            ),
            (
                "decoder.up_blocks.2.upsamplers.0.conv.weight",
                "decoder.up.1.upsample.conv.weight",
            ),
            (
                "decoder.mid_block.resnets.0.conv1.weight",
                "decoder.mid.block_1.conv1.weight",
            ),
            ("decoder.conv_norm_out.bias", "decoder.norm_out.bias"),
            ("post_quant_conv.weight", "post_quant_conv.weight"),
        ] {
            assert_eq!(vae(&config, ours), theirs);
        }
    }
}
