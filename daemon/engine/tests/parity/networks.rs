//! The text encoder, every block of the UNet, the whole UNet and the VAE.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use framewright_engine::config::{ClipTextConfig, UNetConfig, VaeConfig};
use framewright_engine::text_encoder::ClipTextModel;
use framewright_engine::unet::{ControlResiduals, UNet};
use framewright_engine::vae::Vae;
use framewright_engine::weights::Weights;

use crate::golden;

/// The bar for each module: max|a−b| ≤ 1e-4 · max|b|.
const BAR: f32 = 1e-4;

type Tensors = BTreeMap<String, Tensor>;

fn tensors(file: &str) -> Tensors {
    candle_core::safetensors::load(golden::path(file), &Device::Cpu)
        .unwrap()
        .into_iter()
        .collect()
}

fn config(folder: &str) -> (Vec<u8>, std::path::PathBuf) {
    let path = golden::path(&format!("{folder}/config.json"));
    (std::fs::read(&path).unwrap(), path)
}

fn build<N>(weights: &Tensors, new: impl FnOnce(&Weights<'_>) -> N) -> N {
    let loaded = Weights::build("network", weights, &Device::Cpu, DType::F32, new).unwrap();
    assert_eq!(loaded.unused, [] as [&str; 0]);
    loaded.network
}

#[track_caller]
fn assert_parity(what: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}");
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let difference = golden::relative_difference(&values(ours), &values(theirs));
    println!("{what}: {difference:e}");
    assert!(difference <= BAR, "{what}: {difference:e}");
}

#[test]
fn text_encoders_agree() {
    for folder in ["text-encoder-gelu", "text-encoder-quick-gelu"] {
        let (json, path) = config(folder);
        let config = ClipTextConfig::from_json(&json, &path).unwrap();
        // The newest transformers leave out the outer name, which the loader
        // puts back.
        let weights: Tensors = tensors(&format!("{folder}/model.safetensors"))
            .into_iter()
            .map(|(name, tensor)| (format!("text_model.{name}"), tensor))
            .collect();
        let model = build(&weights, |weights| ClipTextModel::new(&config, weights));
        let golden = tensors(&format!("{folder}/golden.safetensors"));
        let ids = golden["ids"].to_dtype(DType::U32).unwrap();
        for (name, clip_skip) in [
            ("last_hidden_state", 0),
            ("clip_skip_1", 1),
            ("clip_skip_2", 2),
        ] {
            let hidden = model.forward(&ids, clip_skip).unwrap();
            assert_parity(&format!("{folder} {name}"), &hidden, &golden[name]);
        }
    }
}

#[test]
fn unets_agree_block_by_block() {
    for folder in [
        "unet-sd15",
        "unet-linear",
        "unet-inpaint",
        "unet-three-levels",
    ] {
        let (json, path) = config(folder);
        let config = UNetConfig::from_json(&json, &path).unwrap();
        let weights = tensors(&format!("{folder}/diffusion_pytorch_model.safetensors"));
        let unet = build(&weights, |weights| UNet::new(&config, weights));
        let golden = tensors(&format!("{folder}/golden.safetensors"));
        let timesteps: Vec<f64> = golden["timestep"]
            .to_dtype(DType::F64)
            .unwrap()
            .to_vec1()
            .unwrap();
        let context = &golden["context"];

        let mut compared = 0;
        let output = unet
            .forward_observed(
                &golden["sample"],
                &timesteps,
                context,
                None,
                &mut |part, ours| {
                    let theirs = match part.split_once(".skips.") {
                        Some((block, number)) => format!("{block}.out.1.{number}"),
                        None if part.starts_with("down_blocks") => format!("{part}.out.0"),
                        None => format!("{part}.out"),
                    };
                    assert_parity(&format!("{folder} {part}"), ours, &golden[&theirs]);
                    compared += 1;
                },
            )
            .unwrap();
        let outputs = golden
            .keys()
            .filter(|name| name.contains(".out.") || name.ends_with(".out"))
            .count();
        assert_eq!(
            compared, outputs,
            "{folder}: every block's output is compared"
        );
        assert_parity(folder, &output, &golden["output"]);

        if let Some(odd) = golden.get("odd.sample") {
            let output = unet.forward(odd, &timesteps, context, None).unwrap();
            assert_parity(
                &format!("{folder} odd size"),
                &output,
                &golden["odd.output"],
            );
        }
        if let Some(sample) = golden.get("control.sample") {
            let down = (0..)
                .map_while(|index| golden.get(&format!("control.down.{index}")).cloned())
                .collect();
            let control = ControlResiduals {
                down,
                mid: golden["control.mid"].clone(),
            };
            let output = unet
                .forward(sample, &timesteps, context, Some(&control))
                .unwrap();
            assert_parity(
                &format!("{folder} control"),
                &output,
                &golden["control.output"],
            );
        }
    }
}

#[test]
fn vaes_agree_both_ways() {
    for folder in ["vae-attention", "vae-plain"] {
        let (json, path) = config(folder);
        let config = VaeConfig::from_json(&json, &path).unwrap();
        let weights = tensors(&format!("{folder}/diffusion_pytorch_model.safetensors"));
        let vae = build(&weights, |weights| Vae::new(&config, weights));
        let golden = tensors(&format!("{folder}/golden.safetensors"));
        let posterior = vae.encode(&golden["image"]).unwrap();
        assert_parity(&format!("{folder} mean"), &posterior.mean, &golden["mean"]);
        assert_parity(
            &format!("{folder} logvar"),
            &posterior.logvar,
            &golden["logvar"],
        );
        let decoded = vae.decode(&golden["latents"]).unwrap();
        assert_parity(&format!("{folder} decoded"), &decoded, &golden["decoded"]);
    }
}
