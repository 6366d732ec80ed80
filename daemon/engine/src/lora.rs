//! LoRA files: read, checked against a model, ready to act in it.
//!
//! Files of PEFT, diffusers (old and new) and kohya's trainers are read, LoCon
//! convolutions included. What a file holds beyond what fits the model is
//! listed in one error; with `partial` the rest is used all the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use regex::Regex;
use serde_json::{Map, Value};

use crate::adapters::LowRank;
use crate::error::LoadError;
use crate::layer_names::{AdaptedLayer, AdaptedNetwork, LayerNames};
use crate::lora_key::{self, LoraPart};
use crate::safetensors_file::SafetensorsFile;

/// Where diffusers notes PEFT's configuration, in the header.
const DIFFUSERS_NOTE: &str = "lora_adapter_metadata";
/// Where PEFT notes it, beside the file.
const PEFT_FILE: (&str, &str) = ("adapter_model.safetensors", "adapter_config.json");
/// The longest configuration that is read, bytes.
const LONGEST_CONFIG: u64 = 1 << 20;
/// How many names of one sort a message tells.
const MOST_TOLD: usize = 12;

/// A LoRA that fits a model.
#[derive(Debug)]
pub struct Lora {
    /// BLAKE3 of its file, in hex.
    pub hash: String,
    /// Its pairs of matrices.
    pub layers: BTreeMap<AdaptedLayer, LoraPair>,
    /// What a person should know: what was left out, what it was trained on.
    pub notes: Vec<String>,
}

/// A and B of one layer.
#[derive(Debug)]
pub struct LoraPair {
    /// A: (rank, inputs), for a convolution (rank, inputs, kh, kw).
    pub down: Tensor,
    /// B: (outputs, rank), for a convolution (outputs, rank, 1, 1).
    pub up: Tensor,
    /// alpha / rank, or alpha / √rank where the file says so (rsLoRA).
    pub scale: f64,
}

impl LoraPair {
    /// The path beside a layer at a weight. Copies no numbers.
    pub(crate) fn path(&self, weight: f64) -> candle_core::Result<LowRank> {
        LowRank::new(self.down.clone(), self.up.clone(), self.scale * weight)
    }
}

/// Why a LoRA cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoraError {
    /// The file cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No key of the file is one of a LoRA.
    #[error(
        "{} is no LoRA: of its {keys} tensors none is named as one's, {example} for example. \
         Give a LoRA of the kohya, diffusers or PEFT format",
        path.display()
    )]
    NoLora {
        /// The file.
        path: PathBuf,
        /// How many tensors it has.
        keys: usize,
        /// One of them.
        example: String,
    },
    /// It is of kinds that are not applied.
    #[error(
        "{} is a {}, which is not supported ({example}). Use a plain LoRA or LoCon",
        path.display(),
        methods.join(" and ")
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The methods by name.
        methods: Vec<&'static str>,
        /// A key that shows it.
        example: String,
    },
    /// Some or all of it does not fit the model.
    #[error("{}", .0)]
    Misfit(Box<Misfit>),
}

/// What of a LoRA does not fit a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfit {
    /// The file.
    pub path: PathBuf,
    /// How many layers fit.
    pub fitting: usize,
    /// Layers that the model does not have, as the file names them.
    pub foreign: Vec<String>,
    /// Layers of another shape.
    pub wrong_shape: Vec<WrongShape>,
    /// Keys whose partner is missing.
    pub unpaired: Vec<String>,
    /// Keys of no known kind.
    pub unknown: Vec<String>,
    /// Keys of other methods, which are named.
    pub unsupported: Vec<(String, &'static str)>,
    /// What it was made for, where that can be told.
    pub made_for: Option<String>,
}

/// A pair that does not fit its layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongShape {
    /// The layer.
    pub layer: String,
    /// The shape of its weight.
    pub weight: Vec<usize>,
    /// The shape of the file's A.
    pub down: Vec<usize>,
    /// The shape of the file's B.
    pub up: Vec<usize>,
}

impl Misfit {
    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.foreign.len()
            + self.wrong_shape.len()
            + self.unpaired.len()
            + self.unknown.len()
            + self.unsupported.len()
    }

    /// Everything that does not fit, a line each.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |sort: &str, names: Vec<String>| {
            let left = names.len().saturating_sub(MOST_TOLD);
            for name in names.into_iter().take(MOST_TOLD) {
                lines.push(format!("{sort:<16} {name}"));
            }
            if left > 0 {
                lines.push(format!("{sort:<16} and {left} more"));
            }
        };
        let shapes = self.wrong_shape.iter().map(|wrong| {
            format!(
                "{}: the layer's weight is {:?}, A is {:?}, B is {:?}",
                wrong.layer, wrong.weight, wrong.down, wrong.up
            )
        });
        let unsupported = self.unsupported.iter();
        let unsupported = unsupported.map(|(key, method)| format!("{key} ({method})"));
        add("no such layer", self.foreign.clone());
        add("another shape", shapes.collect());
        add("without partner", self.unpaired.clone());
        add("not supported", unsupported.collect());
        add("of unknown kind", self.unknown.clone());
        lines
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} does not fit this model", self.path.display())?;
        if let Some(made_for) = &self.made_for {
            write!(f, "; {made_for}")?;
        }
        for line in self.lines() {
            write!(f, "\n  {line}")?;
        }
        if self.fitting > 0 {
            write!(
                f,
                "\n{} of its layers fit. To use those alone, ask for a partial LoRA; else choose \
                 one for this model's family",
                self.fitting
            )
        } else {
            write!(f, "\nChoose a LoRA for this model's family")
        }
    }
}

/// The keys of one layer of a file.
#[derive(Default)]
struct Keys<'a> {
    down: Option<&'a str>,
    up: Option<&'a str>,
    middle: Option<&'a str>,
    alpha: Option<&'a str>,
    other: Option<(&'a str, &'static str)>,
}

/// A pair that is to be read.
struct Pair<'a> {
    layer: AdaptedLayer,
    weight: Vec<usize>,
    keys: Keys<'a>,
    scale: f64,
}

/// What a LoRA is read for.
#[derive(Clone, Copy, Debug)]
pub struct LoraModel<'a> {
    /// The model's layers.
    pub names: &'a LayerNames,
    /// Its name, for notes.
    pub name: &'a str,
    /// The numbers a token has for its UNet.
    pub text_width: usize,
    /// Where its tensors lie.
    pub device: &'a Device,
    /// The type it computes in.
    pub dtype: DType,
}

impl Lora {
    /// Reads a file for a model. With `partial`, what does not fit is left out
    /// and noted.
    ///
    /// # Errors
    /// [`LoraError`], which lists all that does not fit.
    pub fn read(path: &Path, model: LoraModel<'_>, partial: bool) -> Result<Self, LoraError> {
        let file = SafetensorsFile::open(path)?;
        let configs = AdapterConfigs::of(&file);
        let mut layers = BTreeMap::<&str, Keys<'_>>::new();
        let mut misfit = Misfit {
            path: path.to_owned(),
            ..Misfit::default()
        };
        for key in file.names() {
            let Some((layer, part)) = lora_key::parse(key) else {
                misfit.unknown.push(key.to_owned());
                continue;
            };
            let keys = layers.entry(layer).or_default();
            match part {
                LoraPart::Down => keys.down = Some(key),
                LoraPart::Up => keys.up = Some(key),
                LoraPart::Middle => keys.middle = Some(key),
                LoraPart::Alpha => keys.alpha = Some(key),
                LoraPart::Other(method) => keys.other = Some((key, method)),
            }
        }
        if layers.is_empty() {
            return Err(LoraError::NoLora {
                path: path.to_owned(),
                keys: misfit.unknown.len(),
                example: misfit.unknown.first().cloned().unwrap_or_default(),
            });
        }
        let pairs = fitting(&file, layers, model, &configs, &mut misfit)?;
        misfit.fitting = pairs.len();
        if pairs.is_empty() || !(partial || misfit.is_empty()) {
            return Err(refusal(misfit));
        }
        let mut notes = Vec::new();
        if !misfit.is_empty() {
            notes.push(format!(
                "{}: {} layers are used, {} keys or layers left out: {}",
                path.display(),
                misfit.fitting,
                misfit.count(),
                misfit.lines().join("; ")
            ));
        }
        if let Some(base) = base_model(&file, &configs)
            && !same_model(&base, model.name)
        {
            notes.push(format!(
                "{} was trained on {base} and is used with {}",
                path.display(),
                model.name
            ));
        }
        let layers = pairs
            .into_par_iter()
            .map(|pair| {
                let read = pair.read(&file, model)?;
                Ok((pair.layer, read))
            })
            .collect::<Result<BTreeMap<_, _>, LoadError>>()?;
        Ok(Self {
            hash: file.hash(),
            layers,
            notes,
        })
    }

    /// Bytes that its tensors take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        let pairs = self.layers.values();
        pairs.map(|pair| of(&pair.down) + of(&pair.up)).sum()
    }
}

/// The layers of the file that fit; all else goes to `misfit`.
fn fitting<'a>(
    file: &SafetensorsFile,
    layers: BTreeMap<&'a str, Keys<'a>>,
    model: LoraModel<'_>,
    configs: &AdapterConfigs,
    misfit: &mut Misfit,
) -> Result<Vec<Pair<'a>>, LoraError> {
    let mut pairs = Vec::new();
    let mut taken = BTreeMap::<AdaptedLayer, &str>::new();
    for (name, keys) in layers {
        if let Some((key, method)) = keys.other {
            misfit.unsupported.push((key.to_owned(), method));
            continue;
        }
        let (Some(down), Some(up)) = (keys.down, keys.up) else {
            let keys = [keys.down, keys.up, keys.middle, keys.alpha];
            misfit
                .unpaired
                .extend(keys.into_iter().flatten().map(str::to_owned));
            continue;
        };
        let (down, up) = (shape(file, down), shape(file, up));
        if misfit.made_for.is_none() {
            misfit.made_for = made_for(name, &down, model.text_width);
        }
        let Some((layer, weight)) = model.names.find(name) else {
            misfit.foreign.push(name.to_owned());
            continue;
        };
        let middle = keys.middle.map(|key| shape(file, key));
        let Some(rank) = rank(weight, &down, middle.as_deref(), &up) else {
            misfit.wrong_shape.push(WrongShape {
                layer: layer.to_string(),
                weight: weight.to_vec(),
                down,
                up,
            });
            continue;
        };
        if let Some(other) = taken.insert(layer.clone(), name) {
            misfit
                .foreign
                .push(format!("{name} (the same layer as {other})"));
            continue;
        }
        let config = configs.of_layer(layer);
        let alpha = match keys.alpha {
            Some(key) => match file.scalar(key).filter(|alpha| alpha.is_finite()) {
                Some(alpha) => alpha,
                None => {
                    return Err(LoraError::Load(LoadError::Safetensors {
                        path: file.path().to_owned(),
                        reason: format!(
                            "{key} is not one finite number. Copy or download it again"
                        ),
                    }));
                }
            },
            None => config.alpha.unwrap_or(rank as f64),
        };
        let divisor = if config.rank_stabilised {
            (rank as f64).sqrt()
        } else {
            rank as f64
        };
        pairs.push(Pair {
            layer: layer.clone(),
            weight: weight.to_vec(),
            keys,
            scale: alpha / divisor,
        });
    }
    Ok(pairs)
}

fn shape(file: &SafetensorsFile, key: &str) -> Vec<usize> {
    file.shape(key).unwrap_or_default().to_vec()
}

/// A shape without ones at the end of its kernel: (a, b, 1, 1) is (a, b).
fn matrix(shape: &[usize]) -> &[usize] {
    match shape {
        [rows, columns, 1, 1] if *rows > 0 && *columns > 0 => &shape[..2],
        _ => shape,
    }
}

/// The rank of a pair, if it fits a layer's weight.
fn rank(weight: &[usize], down: &[usize], middle: Option<&[usize]>, up: &[usize]) -> Option<usize> {
    let (&[outputs, rank], [own_outputs, own_inputs, kernel @ ..]) = (matrix(up), weight) else {
        return None;
    };
    let down_as_expected = match middle {
        None => match (matrix(weight), matrix(down)) {
            ([_, tail @ ..], [down_rank, down_tail @ ..]) => {
                *down_rank == rank && tail == down_tail
            }
            _ => false,
        },
        // Down without a kernel, then the kernel, Phan et al. 2020.
        Some([to, from, middle_kernel @ ..]) => {
            *to == rank && middle_kernel == kernel && matrix(down) == [*from, *own_inputs]
        }
        Some(_) => false,
    };
    (rank > 0 && outputs == *own_outputs && down_as_expected).then_some(rank)
}

impl Pair<'_> {
    fn read(&self, file: &SafetensorsFile, model: LoraModel<'_>) -> Result<LoraPair, LoadError> {
        let tensor = |key: Option<&str>| -> Result<Tensor, LoadError> {
            let tensor = file.read(key.unwrap_or_default(), model.device)?;
            Ok(tensor.to_dtype(model.dtype)?)
        };
        let (down, up) = (tensor(self.keys.down)?, tensor(self.keys.up)?);
        let rank = up.dim(1)?;
        let outputs = up.dim(0)?;
        let [_, down_shape @ ..] = self.weight.as_slice() else {
            return Err(candle_core::Error::Msg("a layer without dimensions".into()).into());
        };
        let mut down_dims = vec![rank];
        down_dims.extend_from_slice(down_shape);
        let down = if self.keys.middle.is_some() {
            // middle (rank, r, kh, kw) after down (r, inputs) is one kernel.
            let middle = tensor(self.keys.middle)?;
            let (to, from, height, width) = middle.dims4()?;
            let middle = middle
                .permute((0, 2, 3, 1))?
                .reshape((to * height * width, from))?;
            let inputs = down_shape.first().copied().unwrap_or_default();
            middle
                .matmul(&down.reshape((from, inputs))?)?
                .reshape((to, height, width, inputs))?
                .permute((0, 3, 1, 2))?
                .contiguous()?
        } else {
            down.reshape(down_dims.as_slice())?
        };
        let up = if self.weight.len() == 2 {
            up.reshape((outputs, rank))?
        } else {
            up.reshape((outputs, rank, 1, 1))?
        };
        Ok(LoraPair {
            down,
            up,
            scale: self.scale,
        })
    }
}

/// Why a file with such a misfit is not used.
fn refusal(misfit: Misfit) -> LoraError {
    let others = misfit.count() - misfit.unsupported.len();
    match misfit.unsupported.first() {
        Some((example, _)) if misfit.fitting == 0 || others == 0 => {
            let mut methods: Vec<_> = misfit
                .unsupported
                .iter()
                .map(|(_, method)| *method)
                .collect();
            methods.sort_unstable();
            methods.dedup();
            LoraError::Unsupported {
                example: example.clone(),
                path: misfit.path,
                methods,
            }
        }
        _ => LoraError::Misfit(Box::new(misfit)),
    }
}

/// What a LoRA was made for, if one of its layers tells that it was not for a
/// model whose text has `own` numbers a token.
fn made_for(layer: &str, down: &[usize], own: usize) -> Option<String> {
    const TRANSFORMERS: [&str; 4] = [
        "single_blocks",
        "double_blocks",
        "joint_blocks",
        "transformer_blocks_0_attn_to_q",
    ];
    let flat = layer.replace('.', "_");
    let reads_text = ["attn2_to_k", "attn2_to_v"]
        .iter()
        .any(|end| flat.ends_with(end));
    let width = down
        .get(1)
        .copied()
        .filter(|width| reads_text && *width != own);
    let family = match width {
        Some(768) => "Stable Diffusion 1.x",
        Some(1024) => "Stable Diffusion 2.x",
        Some(2048) => "Stable Diffusion XL",
        Some(width) => {
            return Some(format!(
                "it was made for a model whose text has {width} numbers a token, and this one's \
                 has {own}"
            ));
        }
        None if flat.contains("single_transformer_blocks")
            || TRANSFORMERS.iter().any(|name| flat.contains(name)) =>
        {
            "a transformer such as Flux or Stable Diffusion 3"
        }
        None if flat.starts_with("lora_te2_") || flat.starts_with("text_encoder_2_") => {
            "Stable Diffusion XL"
        }
        None => return None,
    };
    Some(format!("it was made for {family}"))
}

/// The model that a LoRA was trained on, as the trainer noted.
fn base_model(file: &SafetensorsFile, configs: &AdapterConfigs) -> Option<String> {
    let notes = ["ss_sd_model_name", "modelspec.base_model"];
    let noted = notes
        .iter()
        .find_map(|name| file.metadata().get(*name))
        .cloned();
    noted
        .or_else(|| configs.base_model())
        .map(|name| name.trim().chars().take(200).collect())
        .filter(|name: &String| !name.is_empty() && name != "None")
}

/// Whether two names are of one model, with or without folder and extension.
fn same_model(noted: &str, name: &str) -> bool {
    let stem = |name: &str| {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let stem = file
            .strip_suffix(".safetensors")
            .or(file.strip_suffix(".ckpt"));
        stem.unwrap_or(file).to_lowercase()
    };
    stem(noted) == stem(name)
}

/// PEFT's configurations of the adapters in a file.
struct AdapterConfigs(Map<String, Value>);

/// What PEFT's configuration says about one layer.
struct LayerConfig {
    alpha: Option<f64>,
    rank_stabilised: bool,
}

impl AdapterConfigs {
    fn of(file: &SafetensorsFile) -> Self {
        let noted = file.metadata().get(DIFFUSERS_NOTE).cloned();
        let text = noted.or_else(|| {
            let beside = file.path().with_file_name(PEFT_FILE.1);
            let is_peft = file
                .path()
                .file_name()
                .is_some_and(|name| name == PEFT_FILE.0);
            let length = std::fs::metadata(&beside).ok()?.len();
            (is_peft && length <= LONGEST_CONFIG)
                .then(|| std::fs::read_to_string(&beside).ok())
                .flatten()
        });
        Self(
            text.and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
        )
    }

    /// A value for a network: diffusers puts the network before the key.
    fn get(&self, network: AdaptedNetwork, key: &str) -> Option<&Value> {
        let prefix = match network {
            AdaptedNetwork::TextEncoder => "text_encoder",
            AdaptedNetwork::UNet => "unet",
        };
        self.0
            .get(&format!("{prefix}.{key}"))
            .or_else(|| self.0.get(key))
    }

    fn of_layer(&self, layer: &AdaptedLayer) -> LayerConfig {
        let get = |key| self.get(layer.network, key);
        let pattern = get("alpha_pattern").and_then(Value::as_object);
        let own = pattern.into_iter().flatten().find_map(|(pattern, alpha)| {
            // As PEFT reads it: the end of the layer's name.
            let regex = Regex::new(&format!(r"^(?:.*\.)?(?:{pattern})$")).ok()?;
            regex
                .is_match(&layer.name)
                .then(|| alpha.as_f64())
                .flatten()
        });
        let alpha = own.or_else(|| get("lora_alpha").and_then(Value::as_f64));
        LayerConfig {
            alpha: alpha.filter(|alpha| alpha.is_finite()),
            rank_stabilised: get("use_rslora").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    fn base_model(&self) -> Option<String> {
        let networks = [AdaptedNetwork::UNet, AdaptedNetwork::TextEncoder];
        let mut names = networks
            .iter()
            .filter_map(|network| self.get(*network, "base_model_name_or_path")?.as_str());
        // diffusers notes the folder of each network.
        names.next().map(|name| {
            let network = name
                .rsplit_once('/')
                .filter(|(_, last)| ["unet", "text_encoder"].contains(last));
            network.map_or(name, |(model, _)| model).to_owned()
        })
    }
}
