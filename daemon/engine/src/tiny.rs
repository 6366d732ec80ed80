//! Networks small enough for tests, with weights that depend on nothing but
//! their names.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};

use crate::config::{ClipTextConfig, PerBlock, UNetConfig, VaeConfig};
use crate::text_encoder::ClipTextModel;
use crate::unet::UNet;
use crate::vae::Vae;
use crate::weights::Weights;

pub type Tensors = BTreeMap<String, Tensor>;

pub fn text_encoder_config() -> ClipTextConfig {
    ClipTextConfig {
        vocab_size: 60,
        hidden_size: 16,
        intermediate_size: 32,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        max_position_embeddings: 9,
        eos_token_id: 59,
        ..ClipTextConfig::default()
    }
}

pub fn unet_config(in_channels: usize) -> UNetConfig {
    let strings = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    UNetConfig {
        in_channels,
        down_block_types: strings(["CrossAttnDownBlock2D", "DownBlock2D"]),
        up_block_types: strings(["UpBlock2D", "CrossAttnUpBlock2D"]),
        block_out_channels: vec![16, 24],
        layers_per_block: PerBlock::Same(1),
        norm_num_groups: 4,
        cross_attention_dim: PerBlock::Same(16),
        attention_head_dim: PerBlock::Same(2),
        ..UNetConfig::default()
    }
}

pub fn vae_config() -> VaeConfig {
    VaeConfig {
        down_block_types: vec!["DownEncoderBlock2D".to_owned(); 2],
        up_block_types: vec!["UpDecoderBlock2D".to_owned(); 2],
        block_out_channels: vec![8, 12],
        norm_num_groups: 4,
        ..VaeConfig::default()
    }
}

/// Numbers of about −1..1 that depend on `name` only.
pub fn numbers(name: &str, shape: &[usize]) -> Tensor {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Weights of such a size that signals neither vanish nor grow.
fn weight(name: &str, shape: &[usize]) -> Tensor {
    let numbers = numbers(name, shape);
    let inputs: usize = shape.iter().skip(1).product();
    let scaled = match shape {
        [_] if name.contains("norm") && name.ends_with("weight") => (numbers * 0.1).unwrap() + 1.0,
        [_] => numbers * 0.1,
        _ => numbers * (1.7 / (inputs as f64).sqrt()),
    };
    scaled.unwrap()
}

pub fn tensors(shapes: Vec<(String, Vec<usize>)>) -> Tensors {
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let tensor = weight(&name, &shape);
            (name, tensor)
        })
        .collect()
}

pub fn text_encoder_tensors(config: &ClipTextConfig) -> Tensors {
    tensors(Weights::parameters(|w| ClipTextModel::new(config, w)).unwrap())
}

pub fn unet_tensors(config: &UNetConfig) -> Tensors {
    tensors(Weights::parameters(|w| UNet::new(config, w)).unwrap())
}

pub fn vae_tensors(config: &VaeConfig) -> Tensors {
    tensors(Weights::parameters(|w| Vae::new(config, w)).unwrap())
}

pub fn build<N>(tensors: &Tensors, new: impl FnOnce(&Weights<'_>) -> N) -> N {
    let loaded = Weights::build("network", tensors, &Device::Cpu, DType::F32, new).unwrap();
    assert_eq!(loaded.unused, [] as [&str; 0]);
    loaded.network
}

pub fn max_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
    difference.max(0).unwrap().to_scalar::<f32>().unwrap()
}

/// Checks that every weight, made a variable, gets a finite gradient that is
/// not zero when `output` (of the network of those variables) is driven.
///
/// The biases of attention's keys are the exception: they add the same to all
/// of a query's scores, which softmax undoes, so their gradient is zero.
pub fn assert_all_trainable(weights: &Tensors, output: impl FnOnce(&Tensors) -> Tensor) {
    let variables: BTreeMap<String, Var> = weights
        .iter()
        .map(|(name, tensor)| (name.clone(), Var::from_tensor(tensor).unwrap()))
        .collect();
    let tracked = variables
        .iter()
        .map(|(n, v)| (n.clone(), v.as_tensor().clone()))
        .collect();
    let output = output(&tracked);
    // Different weights for all elements, so that nothing cancels.
    let drive = numbers("drive", output.dims());
    let loss = (output * drive).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    for (name, variable) in &variables {
        let gradient = gradients.get(variable.as_tensor());
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        let sum = gradient
            .abs()
            .unwrap()
            .sum_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        let key_bias = name.ends_with("k_proj.bias") || name.ends_with("to_k.bias");
        assert!(
            sum.is_finite() && (sum > 1e-5 || key_bias),
            "gradient of {name}: {sum}"
        );
    }
}
