//! Where a model's files lie, and how its networks are read from them: a
//! diffusers folder, a single-file checkpoint with the original names, or a
//! folder's layout in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::config::{ClipTextConfig, UNetConfig, VaeConfig};
use crate::error::LoadError;
use crate::ldm_names;
use crate::safetensors_file::{SafetensorsFile, has_pickle_extension, map_file};
use crate::text_encoder::ClipTextModel;
use crate::unet::UNet;
use crate::vae::Vae;
use crate::weights::{Loaded, TensorSource, Weights};

/// Largest configuration, vocabulary or index file read.
const LARGEST_TEXT_FILE: u64 = 64 << 20;

/// A file in memory, shared by all clones of its model.
type GivenFile = Arc<Cow<'static, [u8]>>;

/// Knows the BLAKE3 of some files on disk, 64 hexadecimal digits, without
/// their being read. It must not give that of an older version of a file.
pub type KnownHashes = dyn Fn(&Path) -> Option<String> + Send + Sync;

/// A model's files. Cheap to clone; nothing is read until it is asked for.
#[derive(Clone)]
pub struct ModelFiles {
    origin: Origin,
    separate_vae: Option<PathBuf>,
    single_file_configs: Option<SingleFileConfigs>,
    hash: Arc<OnceLock<String>>,
    vae_hash: Arc<OnceLock<String>>,
    known_hashes: Option<Arc<KnownHashes>>,
}

impl std::fmt::Debug for ModelFiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelFiles")
            .field("origin", &self.origin)
            .field("separate_vae", &self.separate_vae)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
enum Origin {
    Folder(Folder),
    SingleFile(PathBuf),
}

/// The configurations of a single-file checkpoint that is not of the usual
/// size: such a file does not carry them.
#[derive(Debug, Clone)]
pub struct SingleFileConfigs {
    /// Of the text encoder.
    pub text_encoder: ClipTextConfig,
    /// Of the UNet.
    pub unet: UNetConfig,
    /// Of the VAE.
    pub vae: VaeConfig,
}

impl ModelFiles {
    /// A diffusers folder (`model_index.json`, `unet/`, `vae/` …).
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::Folder(Folder::Disk(path.into())))
    }

    /// A safetensors file with a whole checkpoint under its original names.
    pub fn single_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::SingleFile(path.into()))
    }

    /// The files of a diffusers folder in memory, by path in the folder with
    /// forward slashes ("unet/config.json").
    pub fn memory(files: BTreeMap<String, Cow<'static, [u8]>>) -> Self {
        let files = files
            .into_iter()
            .map(|(name, bytes)| (name, Arc::new(bytes)))
            .collect();
        Self::new(Origin::Folder(Folder::Memory {
            files: Arc::new(files),
            at: String::new(),
        }))
    }

    /// A folder or a single file, by what lies at `path`.
    ///
    /// # Errors
    /// If nothing does, or it is a pickle file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LoadError> {
        let path = path.into();
        if has_pickle_extension(&path) {
            return Err(LoadError::Pickle { path });
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self::folder(path)),
            Ok(_) => Ok(Self::single_file(path)),
            Err(source) => Err(LoadError::Io { path, source }),
        }
    }

    fn new(origin: Origin) -> Self {
        Self {
            origin,
            separate_vae: None,
            single_file_configs: None,
            hash: Arc::default(),
            vae_hash: Arc::default(),
            known_hashes: None,
        }
    }

    /// Asks `known` for the hashes of files on disk before it reads them.
    #[must_use]
    pub fn with_known_hashes(mut self, known: Arc<KnownHashes>) -> Self {
        self.known_hashes = Some(known);
        self
    }

    /// BLAKE3 of a file on disk, in hexadecimal.
    fn hash_file(&self, path: &Path) -> Result<String, LoadError> {
        match self.known_hashes.as_ref().and_then(|known| known(path)) {
            Some(hash) => Ok(hash),
            None => Ok(blake3::hash(&map_file(path)?).to_hex().to_string()),
        }
    }

    /// Takes the VAE from elsewhere: a folder with diffusers' files, or a file
    /// with diffusers' or the original names.
    #[must_use]
    pub fn with_vae(mut self, path: impl Into<PathBuf>) -> Self {
        self.separate_vae = Some(path.into());
        self.vae_hash = Arc::default();
        self
    }

    /// Configurations for a single-file checkpoint in place of Stable Diffusion
    /// 1.5's.
    #[must_use]
    pub fn with_configs(mut self, configs: SingleFileConfigs) -> Self {
        self.single_file_configs = Some(configs);
        self
    }

    /// The folder or file, for messages.
    pub fn path(&self) -> &Path {
        match &self.origin {
            Origin::Folder(Folder::Disk(path)) | Origin::SingleFile(path) => path,
            Origin::Folder(Folder::Memory { .. }) => Path::new("embedded model"),
        }
    }

    /// A small file of the model's folder ("tokenizer/vocab.json"); None if
    /// there is none, and always for a single file.
    ///
    /// # Errors
    /// If it is there and cannot be read, or is larger than such a file can be.
    pub fn read(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, LoadError> {
        match &self.origin {
            Origin::Folder(folder) => folder.read(name),
            Origin::SingleFile(_) => Ok(None),
        }
    }

    /// The text encoder's configuration.
    pub fn text_encoder_config(&self) -> Result<ClipTextConfig, LoadError> {
        match &self.origin {
            Origin::Folder(folder) => {
                let folder = folder.at("text_encoder");
                ClipTextConfig::from_json(&folder.config()?, &folder.path("config.json"))
            }
            Origin::SingleFile(_) => Ok(match &self.single_file_configs {
                Some(configs) => configs.text_encoder.clone(),
                None => ClipTextConfig::stable_diffusion_1_5(),
            }),
        }
    }

    /// The UNet's configuration. For a single file it is that of Stable
    /// Diffusion 1.5 with as many channels in as the file's first convolution.
    pub fn unet_config(&self) -> Result<UNetConfig, LoadError> {
        match &self.origin {
            Origin::Folder(folder) => {
                let folder = folder.at("unet");
                UNetConfig::from_json(&folder.config()?, &folder.path("config.json"))
            }
            Origin::SingleFile(path) => match &self.single_file_configs {
                Some(configs) => Ok(configs.unet.clone()),
                None => {
                    let checkpoint = open_single_file(path)?;
                    let conv_in = format!("{}input_blocks.0.0.weight", ldm_names::UNET_PREFIX);
                    let in_channels = checkpoint
                        .shape(&conv_in)
                        .and_then(|shape| shape.get(1).copied());
                    Ok(UNetConfig::stable_diffusion_1_5(in_channels.unwrap_or(4)))
                }
            },
        }
    }

    /// The VAE's configuration. For a separate file it is the `config.json`
    /// beside it, else the model's own, else that of Stable Diffusion 1.5.
    pub fn vae_config(&self) -> Result<VaeConfig, LoadError> {
        if let Some(path) = &self.separate_vae {
            if let VaeOrigin::Folder(folder) = vae_origin(path)? {
                return VaeConfig::from_json(&folder.config()?, &folder.path("config.json"));
            }
            let beside = path.with_file_name("config.json");
            if let Some(json) = read_disk(&beside)? {
                let class: ClassName = serde_json::from_slice(&json).unwrap_or_default();
                if class.name == "AutoencoderKL" {
                    return VaeConfig::from_json(&json, &beside);
                }
            }
        }
        match &self.origin {
            Origin::Folder(folder) => {
                let folder = folder.at("vae");
                match folder.read("config.json")? {
                    Some(json) => VaeConfig::from_json(&json, &folder.path("config.json")),
                    None if self.separate_vae.is_some() => Ok(VaeConfig::stable_diffusion_1_5()),
                    None => Err(no_vae(self.path(), "vae/config.json")),
                }
            }
            Origin::SingleFile(_) => Ok(match &self.single_file_configs {
                Some(configs) => configs.vae.clone(),
                None => VaeConfig::stable_diffusion_1_5(),
            }),
        }
    }

    /// Reads the text encoder.
    pub fn load_text_encoder(
        &self,
        device: &Device,
        dtype: DType,
    ) -> Result<Loaded<ClipTextModel>, LoadError> {
        let config = self.text_encoder_config()?;
        let checkpoint = match &self.origin {
            Origin::Folder(folder) => Checkpoint::component(&folder.at("text_encoder"), "model")?,
            Origin::SingleFile(path) => open_single_file(path)?,
        };
        let single_file = matches!(self.origin, Origin::SingleFile(_));
        let source = NamedSource {
            checkpoint: &checkpoint,
            names: Box::new(move |name| {
                // Old text encoders, and the newest transformers, leave out the
                // outer name.
                let inner = name.strip_prefix("text_model.").unwrap_or(name);
                if single_file {
                    vec![
                        ldm_names::text_encoder(name),
                        ldm_names::text_encoder(inner),
                    ]
                } else {
                    vec![name.to_owned(), inner.to_owned()]
                }
            }),
            owns: Box::new(move |name| !single_file || name.starts_with("cond_stage_model.")),
        };
        if single_file
            && !source
                .own_names()
                .iter()
                .any(|name| name.ends_with(".weight"))
        {
            return Err(LoadError::FileMissing {
                path: self.path().to_owned(),
                file: "text encoder (cond_stage_model.*)".to_owned(),
                hint: "Use the model's full version or its diffusers folder".to_owned(),
            });
        }
        Weights::build("text encoder", &source, device, dtype, |weights| {
            ClipTextModel::new(&config, weights)
        })
    }

    /// Reads the UNet. For a single file, `unused` also holds the names that
    /// belong to none of the three networks.
    pub fn load_unet(&self, device: &Device, dtype: DType) -> Result<Loaded<UNet>, LoadError> {
        let config = self.unet_config()?;
        let checkpoint = match &self.origin {
            Origin::Folder(folder) => {
                Checkpoint::component(&folder.at("unet"), "diffusion_pytorch_model")?
            }
            Origin::SingleFile(path) => open_single_file(path)?,
        };
        let single_file = matches!(self.origin, Origin::SingleFile(_));
        let separate_vae = self.separate_vae.is_some();
        let names_config = config.clone();
        let source = NamedSource {
            checkpoint: &checkpoint,
            names: Box::new(move |name| {
                vec![if single_file {
                    ldm_names::unet(&names_config, name)
                } else {
                    name.to_owned()
                }]
            }),
            owns: Box::new(move |name| {
                !(single_file
                    && (name.starts_with("cond_stage_model.")
                        || (name.starts_with(ldm_names::VAE_PREFIX) && !separate_vae)))
            }),
        };
        Weights::build("UNet", &source, device, dtype, |weights| {
            UNet::new(&config, weights)
        })
    }

    /// Reads the VAE: the separate one if one was named, else the model's own.
    pub fn load_vae(&self, device: &Device, dtype: DType) -> Result<Loaded<Vae>, LoadError> {
        let config = self.vae_config()?;
        let (checkpoint, whole_model) = match (&self.separate_vae, &self.origin) {
            (Some(path), _) => match vae_origin(path)? {
                VaeOrigin::Folder(folder) => (
                    Checkpoint::component(&folder, "diffusion_pytorch_model")?,
                    false,
                ),
                VaeOrigin::File => (Checkpoint::file(SafetensorsFile::open(path)?), true),
            },
            (None, Origin::Folder(folder)) => (
                Checkpoint::component(&folder.at("vae"), "diffusion_pytorch_model")?,
                false,
            ),
            (None, Origin::SingleFile(path)) => (open_single_file(path)?, true),
        };
        let has = |name: &str| checkpoint.shape(name).is_some();
        const INNER: &str = "decoder.mid.block_1.norm1.weight";
        let prefixed = whole_model && has(&format!("{}{INNER}", ldm_names::VAE_PREFIX));
        let original = whole_model && (prefixed || has(INNER));
        if self.separate_vae.is_none() && whole_model && !prefixed {
            return Err(no_vae(self.path(), "VAE (first_stage_model.*)"));
        }
        let names_config = config.clone();
        let source = NamedSource {
            checkpoint: &checkpoint,
            names: Box::new(move |name| {
                if original {
                    let name = ldm_names::vae(&names_config, name);
                    vec![if prefixed {
                        format!("{}{name}", ldm_names::VAE_PREFIX)
                    } else {
                        name
                    }]
                } else {
                    let old = ldm_names::old_vae_attention(name);
                    std::iter::once(name.to_owned()).chain(old).collect()
                }
            }),
            owns: Box::new(move |name| !prefixed || name.starts_with(ldm_names::VAE_PREFIX)),
        };
        Weights::build("VAE", &source, device, dtype, |weights| {
            Vae::new(&config, weights)
        })
    }

    /// BLAKE3 of the model's weights and configurations, in hexadecimal. For a
    /// single file it is the hash of the file (what `b3sum` prints); for a
    /// folder that of one line for each file, "hash, two spaces, name". A
    /// separate VAE is not in it. Computed when first asked for: that reads all
    /// weights.
    pub fn hash(&self) -> Result<String, LoadError> {
        remember(&self.hash, || match &self.origin {
            Origin::SingleFile(path) => self.hash_file(path),
            Origin::Folder(folder) => {
                let mut lines = String::new();
                for (part, stem) in COMPONENTS {
                    let part_folder = folder.at(part);
                    if part_folder.read("config.json")?.is_some() {
                        lines.push_str(&part_folder.hash_lines(part, stem, self)?);
                    }
                }
                Ok(blake3::hash(lines.as_bytes()).to_hex().to_string())
            }
        })
    }

    /// BLAKE3 of the separate VAE, made like [`hash`](Self::hash); None if the
    /// model's own is used.
    pub fn vae_hash(&self) -> Result<Option<String>, LoadError> {
        let Some(path) = &self.separate_vae else {
            return Ok(None);
        };
        remember(&self.vae_hash, || match vae_origin(path)? {
            VaeOrigin::File => self.hash_file(path),
            VaeOrigin::Folder(folder) => {
                let lines = folder.hash_lines("vae", "diffusion_pytorch_model", self)?;
                Ok(blake3::hash(lines.as_bytes()).to_hex().to_string())
            }
        })
        .map(Some)
    }
}

/// The networks' folders and the stem of their weight files.
const COMPONENTS: [(&str, &str); 3] = [
    ("text_encoder", "model"),
    ("unet", "diffusion_pytorch_model"),
    ("vae", "diffusion_pytorch_model"),
];

/// Computes a value once; a failure is not remembered.
fn remember(
    cell: &OnceLock<String>,
    compute: impl FnOnce() -> Result<String, LoadError>,
) -> Result<String, LoadError> {
    if let Some(known) = cell.get() {
        return Ok(known.clone());
    }
    let value = compute()?;
    Ok(cell.get_or_init(|| value).clone())
}

#[derive(Default, Deserialize)]
struct ClassName {
    #[serde(rename = "_class_name", default)]
    name: String,
}

fn no_vae(path: &Path, file: &str) -> LoadError {
    LoadError::FileMissing {
        path: path.to_owned(),
        file: file.to_owned(),
        hint: "Name a VAE for it; any one for Stable Diffusion 1.5 fits a model of that family"
            .to_owned(),
    }
}

/// A separate VAE's place.
enum VaeOrigin {
    Folder(Folder),
    File,
}

fn vae_origin(path: &Path) -> Result<VaeOrigin, LoadError> {
    let metadata = std::fs::metadata(path).map_err(|source| LoadError::Io {
        path: path.to_owned(),
        source,
    })?;
    if !metadata.is_dir() {
        return Ok(VaeOrigin::File);
    }
    // The folder of a VAE, or of a whole model.
    let whole_model = path.join("vae").join("config.json").is_file();
    let folder = Folder::Disk(path.to_owned());
    Ok(VaeOrigin::Folder(if whole_model {
        folder.at("vae")
    } else {
        folder
    }))
}

/// A folder on disk or in memory.
#[derive(Debug, Clone)]
enum Folder {
    Disk(PathBuf),
    Memory {
        files: Arc<BTreeMap<String, GivenFile>>,
        /// "" or "unet/".
        at: String,
    },
}

impl Folder {
    /// A folder in this one.
    fn at(&self, name: &str) -> Self {
        match self {
            Self::Disk(path) => Self::Disk(path.join(name)),
            Self::Memory { files, at } => Self::Memory {
                files: Arc::clone(files),
                at: format!("{at}{name}/"),
            },
        }
    }

    /// The path of a file in it, for messages.
    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Disk(path) => path.join(name),
            Self::Memory { at, .. } => Path::new("embedded model").join(format!("{at}{name}")),
        }
    }

    /// A small file; None if there is none.
    fn read(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, LoadError> {
        // Names come from index files too.
        let plain = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(LoadError::Config {
                path: self.path(name),
                reason: "the name leads out of the model's folder".to_owned(),
            });
        }
        match self {
            Self::Disk(path) => Ok(read_disk(&path.join(name))?.map(Cow::Owned)),
            Self::Memory { files, at } => {
                let file = files.get(&format!("{at}{name}"));
                Ok(file.map(|bytes| Cow::Borrowed(bytes.as_ref().as_ref())))
            }
        }
    }

    fn config(&self) -> Result<Cow<'_, [u8]>, LoadError> {
        self.read("config.json")?
            .ok_or_else(|| LoadError::FileMissing {
                path: self.path(""),
                file: "config.json".to_owned(),
                hint: "Check that this is the folder of a whole model as diffusers saves it"
                    .to_owned(),
            })
    }

    /// The names of the files in it, sorted.
    fn list(&self) -> Result<Vec<String>, LoadError> {
        match self {
            Self::Disk(path) => {
                let io = |source| LoadError::Io {
                    path: path.clone(),
                    source,
                };
                let mut names = Vec::new();
                for entry in std::fs::read_dir(path).map_err(io)? {
                    if let Ok(name) = entry.map_err(io)?.file_name().into_string() {
                        names.push(name);
                    }
                }
                names.sort();
                Ok(names)
            }
            Self::Memory { files, at } => {
                let names = files
                    .keys()
                    .filter_map(|name| name.strip_prefix(at.as_str()));
                Ok(names
                    .filter(|name| !name.contains('/'))
                    .map(str::to_owned)
                    .collect())
            }
        }
    }

    fn open(&self, name: &str) -> Result<SafetensorsFile, LoadError> {
        match self {
            Self::Disk(path) => SafetensorsFile::open(&path.join(name)),
            Self::Memory { files, at } => match files.get(&format!("{at}{name}")) {
                Some(bytes) => SafetensorsFile::from_bytes(self.path(name), bytes.as_ref().clone()),
                None => Err(LoadError::Io {
                    path: self.path(name),
                    source: std::io::ErrorKind::NotFound.into(),
                }),
            },
        }
    }

    /// The weight files of a network's folder: the plain file, or the shards of
    /// its index, or a variant (fp16 first).
    fn weight_files(&self, stem: &str) -> Result<Vec<String>, LoadError> {
        let names = self.list()?;
        let has = |name: &str| names.iter().any(|known| known == name);
        let plain = format!("{stem}.safetensors");
        if has(&plain) {
            return Ok(vec![plain]);
        }
        // diffusers has put the variant's name in either place.
        let indices = [
            format!("{stem}.safetensors.index.json"),
            format!("{stem}.safetensors.index.fp16.json"),
            format!("{stem}.fp16.safetensors.index.json"),
        ];
        let variant = format!("{stem}.fp16.safetensors");
        if has(&indices[0]) {
            return self.shards(&indices[0]);
        }
        if has(&variant) {
            return Ok(vec![variant]);
        }
        if let Some(index) = indices.iter().find(|index| has(index)) {
            return self.shards(index);
        }
        let other = names.iter().find(|name| {
            name.starts_with(&format!("{stem}."))
                && name.ends_with(".safetensors")
                && !name.contains("-of-")
        });
        if let Some(other) = other {
            return Ok(vec![other.clone()]);
        }
        if let Some(pickle) = names
            .iter()
            .find(|name| has_pickle_extension(Path::new(name)))
        {
            return Err(LoadError::Pickle {
                path: self.path(pickle),
            });
        }
        Err(LoadError::FileMissing {
            path: self.path(""),
            file: plain,
            hint: "Download the model's safetensors files".to_owned(),
        })
    }

    fn shards(&self, index: &str) -> Result<Vec<String>, LoadError> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let config = |reason: String| LoadError::Config {
            path: self.path(index),
            reason,
        };
        let json = self.read(index)?.unwrap_or_default();
        let index: Index =
            serde_json::from_slice(&json).map_err(|error| config(error.to_string()))?;
        let mut shards: Vec<String> = index.weight_map.into_values().collect();
        shards.sort();
        shards.dedup();
        for shard in &shards {
            let mut parts = Path::new(shard).components();
            let plain = matches!(parts.next(), Some(Component::Normal(_)));
            if !plain || parts.next().is_some() || shard.contains('\\') {
                return Err(config(format!(
                    "{shard:?} is not the name of a file beside it"
                )));
            }
        }
        let names = self.list()?;
        let absent: Vec<&str> = shards
            .iter()
            .filter(|shard| !names.contains(shard))
            .map(String::as_str)
            .collect();
        if absent.is_empty() {
            Ok(shards)
        } else {
            Err(LoadError::FileMissing {
                path: self.path(""),
                file: absent.join(", "),
                hint: "The index names it; download the rest of the model".to_owned(),
            })
        }
    }

    /// "hash, two spaces, name" for the configuration and each weight file.
    fn hash_lines(&self, part: &str, stem: &str, files: &ModelFiles) -> Result<String, LoadError> {
        let mut lines = String::new();
        for name in std::iter::once("config.json".to_owned()).chain(self.weight_files(stem)?) {
            let hash = match self {
                Self::Disk(path) => files.hash_file(&path.join(&name))?,
                Self::Memory { .. } => blake3::hash(&self.read(&name)?.unwrap_or_default())
                    .to_hex()
                    .to_string(),
            };
            lines.push_str(&format!("{hash}  {part}/{name}\n"));
        }
        Ok(lines)
    }
}

/// Reads a small file from disk; None if there is none.
fn read_disk(path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    let io = |source| LoadError::Io {
        path: path.to_owned(),
        source,
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
        Ok(metadata) if metadata.len() > LARGEST_TEXT_FILE => Err(LoadError::Config {
            path: path.to_owned(),
            reason: format!(
                "it has {} bytes, more than such a file can have",
                metadata.len()
            ),
        }),
        Ok(_) => std::fs::read(path).map(Some).map_err(io),
    }
}

/// Opens a single-file checkpoint and refuses what is none of this family.
fn open_single_file(path: &Path) -> Result<Checkpoint, LoadError> {
    let checkpoint = Checkpoint::file(SafetensorsFile::open(path)?);
    let any = |prefix: &str| checkpoint.index.keys().any(|name| name.starts_with(prefix));
    let family = if any("conditioner.embedders.") {
        Some("it is a Stable Diffusion XL checkpoint")
    } else if any("cond_stage_model.model.") {
        Some("it is a Stable Diffusion 2 checkpoint")
    } else {
        None
    };
    if let Some(family) = family {
        let reasons = vec![family.to_owned()];
        return Err(LoadError::Unsupported {
            path: path.to_owned(),
            reasons,
        });
    }
    if any(ldm_names::UNET_PREFIX) {
        return Ok(checkpoint);
    }
    let what = if checkpoint.index.keys().any(|name| name.contains("lora_")) {
        "it holds a LoRA, which is used together with a checkpoint"
    } else if any("encoder.") || any("decoder.") || any(ldm_names::VAE_PREFIX) {
        "it holds a VAE only, which is used together with a checkpoint"
    } else {
        "it holds no tensors named as in a Stable Diffusion 1.5 checkpoint \
         (model.diffusion_model.*)"
    };
    Err(LoadError::Unsupported {
        path: path.to_owned(),
        reasons: vec![what.to_owned()],
    })
}

/// The tensors of one network's files, or of a whole model's file.
#[derive(Debug)]
struct Checkpoint {
    origin: PathBuf,
    files: Vec<SafetensorsFile>,
    /// In which of the files each tensor is.
    index: BTreeMap<String, usize>,
}

impl Checkpoint {
    fn new(origin: PathBuf, files: Vec<SafetensorsFile>) -> Self {
        let mut index = BTreeMap::new();
        for (number, file) in files.iter().enumerate() {
            index.extend(file.names().map(|name| (name.to_owned(), number)));
        }
        Self {
            origin,
            files,
            index,
        }
    }

    fn file(file: SafetensorsFile) -> Self {
        Self::new(file.path().to_owned(), vec![file])
    }

    fn component(folder: &Folder, stem: &str) -> Result<Self, LoadError> {
        let names = folder.weight_files(stem)?;
        let origin = match names.as_slice() {
            [only] => folder.path(only),
            _ => folder.path(""),
        };
        let files = names
            .iter()
            .map(|name| folder.open(name))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(origin, files))
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.files[*self.index.get(name)?].shape(name)
    }
}

/// From a network's name for a tensor to the names a checkpoint may have.
type NamesOf<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// A checkpoint seen under the names that the networks use.
struct NamedSource<'a> {
    checkpoint: &'a Checkpoint,
    /// What a tensor may be called in the checkpoint, likeliest first.
    names: Box<NamesOf<'a>>,
    /// Whether a name in the checkpoint is this network's to report if unused.
    owns: Box<dyn Fn(&str) -> bool + 'a>,
}

impl TensorSource for NamedSource<'_> {
    fn find(&self, name: &str) -> Option<(String, Vec<usize>)> {
        (self.names)(name).into_iter().find_map(|own_name| {
            let shape = self.checkpoint.shape(&own_name)?.to_vec();
            Some((own_name, shape))
        })
    }

    fn read(&self, own_name: &str, device: &Device) -> Result<Tensor, LoadError> {
        match self.checkpoint.index.get(own_name) {
            Some(&file) => self.checkpoint.files[file].read(own_name, device),
            None => Err(candle_core::Error::CannotFindTensor {
                path: own_name.to_owned(),
            }
            .into()),
        }
    }

    fn own_names(&self) -> Vec<String> {
        self.checkpoint
            .index
            .keys()
            .filter(|name| (self.owns)(name))
            .cloned()
            .collect()
    }

    fn origin(&self) -> &Path {
        &self.checkpoint.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PerBlock;
    use crate::tiny::{self, Tensors};
    use std::collections::HashMap;

    const DEVICE: Device = Device::Cpu;

    struct TinyModel {
        configs: SingleFileConfigs,
        text_encoder: Tensors,
        unet: Tensors,
        vae: Tensors,
    }

    impl TinyModel {
        fn new() -> Self {
            let configs = SingleFileConfigs {
                text_encoder: tiny::text_encoder_config(),
                unet: tiny::unet_config(4),
                vae: tiny::vae_config(),
            };
            Self {
                text_encoder: tiny::text_encoder_tensors(&configs.text_encoder),
                unet: tiny::unet_tensors(&configs.unet),
                vae: tiny::vae_tensors(&configs.vae),
                configs,
            }
        }

        /// A diffusers folder in memory.
        fn files(&self) -> BTreeMap<String, Vec<u8>> {
            let text = r#"{"vocab_size": 60, "hidden_size": 16, "intermediate_size": 32,
                "num_hidden_layers": 3, "num_attention_heads": 2, "max_position_embeddings": 9,
                "eos_token_id": 59}"#;
            let unet = r#"{"down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
                "block_out_channels": [16, 24], "layers_per_block": 1, "norm_num_groups": 4,
                "cross_attention_dim": 16, "attention_head_dim": 2}"#;
            let vae = r#"{"_class_name": "AutoencoderKL",
                "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
                "block_out_channels": [8, 12], "norm_num_groups": 4}"#;
            BTreeMap::from([
                ("model_index.json".to_owned(), b"{}".to_vec()),
                ("tokenizer/vocab.json".to_owned(), b"{\"a\": 0}".to_vec()),
                ("text_encoder/config.json".to_owned(), text.into()),
                (
                    "text_encoder/model.safetensors".to_owned(),
                    bytes(&self.text_encoder),
                ),
                ("unet/config.json".to_owned(), unet.into()),
                (
                    "unet/diffusion_pytorch_model.safetensors".to_owned(),
                    bytes(&self.unet),
                ),
                ("vae/config.json".to_owned(), vae.into()),
                (
                    "vae/diffusion_pytorch_model.safetensors".to_owned(),
                    bytes(&self.vae),
                ),
            ])
        }

        /// All tensors under their original names.
        fn single_file(&self) -> Tensors {
            let text = self
                .text_encoder
                .iter()
                .map(|(n, t)| (ldm_names::text_encoder(n), t));
            let unet = self
                .unet
                .iter()
                .map(|(n, t)| (ldm_names::unet(&self.configs.unet, n), t));
            let vae = self.vae.iter().map(|(name, tensor)| {
                let name = ldm_names::vae(&self.configs.vae, name);
                (format!("{}{name}", ldm_names::VAE_PREFIX), tensor)
            });
            text.chain(unet)
                .chain(vae)
                .map(|(name, tensor)| (name, tensor.clone()))
                .collect()
        }
    }

    fn bytes(tensors: &Tensors) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tensors.safetensors");
        save(tensors, &path);
        std::fs::read(path).unwrap()
    }

    fn save(tensors: &Tensors, path: &Path) {
        let tensors: HashMap<String, Tensor> = tensors
            .iter()
            .map(|(n, t)| (n.clone(), t.clone()))
            .collect();
        candle_core::safetensors::save(&tensors, path).unwrap();
    }

    fn write_folder(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// What the three networks make of the same inputs.
    fn outputs(files: &ModelFiles) -> Vec<Tensor> {
        let text = files.load_text_encoder(&DEVICE, DType::F32).unwrap();
        let unet = files.load_unet(&DEVICE, DType::F32).unwrap();
        let vae = files.load_vae(&DEVICE, DType::F32).unwrap();
        for unused in [text.unused, unet.unused, vae.unused] {
            assert_eq!(unused, [] as [&str; 0]);
        }
        let ids = Tensor::new(&[[58u32, 7, 59]], &DEVICE).unwrap();
        let context = text.network.forward(&ids, 0).unwrap();
        let x = tiny::numbers("x", &[1, 4, 4, 4]);
        let noise = unet.network.forward(&x, &[300.0], &context, None).unwrap();
        let mut outputs = vec![context, noise];
        outputs.extend(vae_outputs(&vae.network));
        outputs
    }

    fn vae_outputs(vae: &Vae) -> Vec<Tensor> {
        let image = tiny::numbers("image", &[1, 3, 8, 8]);
        let mean = vae.encode(&image).unwrap().mean;
        vec![vae.decode(&mean).unwrap(), mean]
    }

    fn assert_same(a: &[Tensor], b: &[Tensor], tolerance: f32) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            let difference = tiny::max_difference(a, b);
            assert!(difference <= tolerance, "{difference}");
        }
    }

    fn memory(files: BTreeMap<String, Vec<u8>>) -> ModelFiles {
        ModelFiles::memory(files.into_iter().map(|(n, b)| (n, Cow::Owned(b))).collect())
    }

    /// A file of `part` tensors as two shards and their index.
    fn shard(files: &mut BTreeMap<String, Vec<u8>>, tensors: &Tensors, index_name: &str) {
        files.remove("unet/diffusion_pytorch_model.safetensors");
        let half = tensors.len() / 2;
        let shards = [
            (
                "one-of-2.safetensors",
                tensors.iter().take(half).collect::<Vec<_>>(),
            ),
            ("two-of-2.safetensors", tensors.iter().skip(half).collect()),
        ];
        let mut weight_map = BTreeMap::new();
        for (shard, tensors) in shards {
            weight_map.extend(tensors.iter().map(|(name, _)| ((*name).clone(), shard)));
            let tensors = tensors
                .into_iter()
                .map(|(n, t)| (n.clone(), t.clone()))
                .collect();
            files.insert(format!("unet/{shard}"), bytes(&tensors));
        }
        let index = serde_json::json!({"metadata": {}, "weight_map": weight_map});
        files.insert(format!("unet/{index_name}"), index.to_string().into_bytes());
    }

    #[test]
    fn a_hash_that_is_known_is_not_computed() {
        let known = |path: &Path| path.ends_with("a.safetensors").then(|| "known".to_owned());
        let hash = |path: &str| {
            let files = ModelFiles::single_file(path).with_known_hashes(Arc::new(known));
            files.hash()
        };
        assert_eq!(hash("/nonexistent/a.safetensors").unwrap(), "known");
        assert!(hash("/nonexistent/b.safetensors").is_err());
    }

    #[test]
    fn folder_memory_shards_and_single_file_give_the_same_networks() {
        let model = TinyModel::new();
        let folder = write_folder(&model.files());
        let expected = outputs(&ModelFiles::open(folder.path()).unwrap());
        assert_same(&expected, &outputs(&memory(model.files())), 0.0);

        for index in [
            "diffusion_pytorch_model.safetensors.index.json",
            "diffusion_pytorch_model.safetensors.index.fp16.json",
            "diffusion_pytorch_model.fp16.safetensors.index.json",
        ] {
            let mut files = model.files();
            shard(&mut files, &model.unet, index);
            assert_same(
                &expected,
                &outputs(&ModelFiles::folder(write_folder(&files).path())),
                0.0,
            );
        }

        let path = folder.path().join("checkpoint.safetensors");
        save(&model.single_file(), &path);
        let single = ModelFiles::open(&path)
            .unwrap()
            .with_configs(model.configs.clone());
        assert_same(&expected, &outputs(&single), 0.0);
    }

    #[test]
    fn half_precision_files_and_variants_are_read() {
        let model = TinyModel::new();
        let expected = outputs(&memory(model.files()));
        for dtype in [DType::F16, DType::BF16] {
            let mut files = model.files();
            let halves = model
                .unet
                .iter()
                .map(|(n, t)| (n.clone(), t.to_dtype(dtype).unwrap()))
                .collect();
            files.remove("unet/diffusion_pytorch_model.safetensors");
            let variant = "unet/diffusion_pytorch_model.fp16.safetensors".to_owned();
            files.insert(variant, bytes(&halves));
            let found = outputs(&memory(files));
            assert_same(&expected, &found, 0.1);
            assert!(tiny::max_difference(&expected[1], &found[1]) > 0.0);
        }
    }

    #[test]
    fn networks_compute_in_half_precision_throughout() {
        let files = memory(TinyModel::new().files());
        let expected = outputs(&files);
        let half = |tensor: Tensor| tensor.to_dtype(DType::F16).unwrap();
        let text = files
            .load_text_encoder(&DEVICE, DType::F16)
            .unwrap()
            .network;
        let ids = Tensor::new(&[[58u32, 7, 59]], &DEVICE).unwrap();
        let context = text.forward(&ids, 0).unwrap();
        let unet = files.load_unet(&DEVICE, DType::F16).unwrap().network;
        let x = half(tiny::numbers("x", &[1, 4, 4, 4]));
        let noise = unet.forward(&x, &[300.0], &context, None).unwrap();
        let vae = files.load_vae(&DEVICE, DType::F16).unwrap().network;
        let image = half(tiny::numbers("image", &[1, 3, 8, 8]));
        let mean = vae.encode(&image).unwrap().mean;
        let image = vae.decode(&mean).unwrap();
        let found = [context, noise, image, mean].map(|tensor| {
            assert_eq!(tensor.dtype(), DType::F16);
            tensor.to_dtype(DType::F32).unwrap()
        });
        assert_same(&expected, &found, 0.05);
    }

    #[test]
    fn a_separate_vae_may_lie_in_many_ways() {
        let model = TinyModel::new();
        let mut files = model.files();
        let own = memory(files.clone());
        let expected = vae_outputs(&own.load_vae(&DEVICE, DType::F32).unwrap().network);
        assert_eq!(own.vae_hash().unwrap(), None);

        let elsewhere = write_folder(&files);
        let ldm = |prefix: &str| -> Tensors {
            let named = model.vae.iter().map(|(name, tensor)| {
                let name = ldm_names::vae(&model.configs.vae, name);
                (format!("{prefix}{name}"), tensor.clone())
            });
            named.collect()
        };
        save(&ldm(""), &elsewhere.path().join("plain.safetensors"));
        save(
            &ldm(ldm_names::VAE_PREFIX),
            &elsewhere.path().join("prefixed.safetensors"),
        );
        save(
            &model.single_file(),
            &elsewhere.path().join("whole.safetensors"),
        );
        // Beside the files that need it, the configuration that is not SD 1.5's.
        std::fs::copy(
            elsewhere.path().join("vae/config.json"),
            elsewhere.path().join("config.json"),
        )
        .unwrap();

        files.retain(|name, _| !name.starts_with("vae/"));
        let without = memory(files);
        let message = without
            .load_vae(&DEVICE, DType::F32)
            .unwrap_err()
            .to_string();
        assert!(message.contains("Name a VAE"), "{message}");
        for place in [
            "",
            "vae",
            "vae/diffusion_pytorch_model.safetensors",
            "plain.safetensors",
            "prefixed.safetensors",
            "whole.safetensors",
        ] {
            let files = without.clone().with_vae(elsewhere.path().join(place));
            let vae = files.load_vae(&DEVICE, DType::F32).unwrap();
            assert_same(&expected, &vae_outputs(&vae.network), 0.0);
            assert!(files.vae_hash().unwrap().is_some());
        }
    }

    #[test]
    fn old_attention_names_and_shapes_are_read() {
        let model = TinyModel::new();
        let expected = outputs(&memory(model.files()));
        let mut renamed = 0;
        let old: Tensors = model
            .vae
            .iter()
            .map(|(name, tensor)| match ldm_names::old_vae_attention(name) {
                Some(old) => {
                    renamed += 1;
                    let tensor = match tensor.dims() {
                        [c, d] => tensor.reshape((*c, *d, 1, 1)).unwrap(),
                        _ => tensor.clone(),
                    };
                    (old, tensor)
                }
                None => (name.clone(), tensor.clone()),
            })
            .collect();
        assert_eq!(renamed, 16);
        let mut files = model.files();
        files.insert(
            "vae/diffusion_pytorch_model.safetensors".to_owned(),
            bytes(&old),
        );
        // Text encoders without the outer name, as some versions write them.
        let short = model.text_encoder.iter().map(|(name, tensor)| {
            (
                name.strip_prefix("text_model.").unwrap().to_owned(),
                tensor.clone(),
            )
        });
        files.insert(
            "text_encoder/model.safetensors".to_owned(),
            bytes(&short.collect()),
        );
        assert_same(&expected, &outputs(&memory(files)), 0.0);
    }

    #[test]
    fn everything_missing_or_misshapen_is_in_one_error_and_unused_is_reported() {
        let model = TinyModel::new();
        let mut unet = model.unet.clone();
        unet.remove("conv_in.weight");
        unet.remove("mid_block.resnets.0.norm1.bias");
        unet.insert("conv_out.bias".to_owned(), tiny::numbers("b", &[5]));
        let mut files = model.files();
        let path = "unet/diffusion_pytorch_model.safetensors";
        files.insert(path.to_owned(), bytes(&unet));
        let error = memory(files.clone())
            .load_unet(&DEVICE, DType::F32)
            .unwrap_err();
        let message = error.to_string();
        for part in [
            "UNet",
            path,
            "conv_in.weight [16, 4, 3, 3]",
            "mid_block.resnets.0.norm1.bias [24]",
            "conv_out.bias: expected [4], found [5]",
        ] {
            assert!(message.contains(part), "{part:?} is not in: {message}");
        }
        let LoadError::Mismatch {
            missing,
            wrong_shape,
            ..
        } = error
        else {
            panic!("{message}")
        };
        assert_eq!((missing.len(), wrong_shape.len()), (2, 1));

        let mut more = model.unet.clone();
        more.insert("model_ema.decay".to_owned(), tiny::numbers("e", &[1]));
        files.insert(path.to_owned(), bytes(&more));
        let unused = memory(files).load_unet(&DEVICE, DType::F32).unwrap().unused;
        assert_eq!(unused, ["model_ema.decay"]);
    }

    #[test]
    fn unused_names_of_a_single_file_are_reported_once() {
        let model = TinyModel::new();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let mut tensors = model.single_file();
        let extra = [
            "betas",
            "model_ema.x",
            "first_stage_model.loss.logvar",
            "cond_stage_model.transformer.text_model.embeddings.position_ids",
        ];
        for name in extra {
            tensors.insert(name.to_owned(), tiny::numbers(name, &[2]));
        }
        save(&tensors, &path);
        let files = ModelFiles::single_file(&path).with_configs(model.configs);
        let mut unused = files.load_unet(&DEVICE, DType::F32).unwrap().unused;
        assert_eq!(unused, ["betas", "model_ema.x"]);
        unused.extend(files.load_vae(&DEVICE, DType::F32).unwrap().unused);
        unused.extend(files.load_text_encoder(&DEVICE, DType::F32).unwrap().unused);
        assert_eq!(
            unused,
            extra[..]
                .iter()
                .copied()
                .map(String::from)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn single_files_of_other_kinds_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.safetensors");
        for (name, expected) in [
            (
                "conditioner.embedders.0.transformer.x",
                "Stable Diffusion XL",
            ),
            (
                "cond_stage_model.model.positional_embedding",
                "Stable Diffusion 2",
            ),
            (
                "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
                "a LoRA",
            ),
            ("decoder.conv_in.weight", "a VAE only"),
            ("transformer.h.0.attn", "model.diffusion_model"),
        ] {
            save(
                &Tensors::from([(name.to_owned(), tiny::numbers(name, &[1]))]),
                &path,
            );
            let files = ModelFiles::single_file(&path);
            let message = files
                .load_unet(&DEVICE, DType::F32)
                .unwrap_err()
                .to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
        let refused = ModelFiles::open(folder.path().join("old.ckpt")).unwrap_err();
        assert!(refused.to_string().contains("never opened"), "{refused}");
        let absent = ModelFiles::open(folder.path().join("absent.safetensors")).unwrap_err();
        assert!(
            absent.to_string().contains("absent.safetensors"),
            "{absent}"
        );
    }

    #[test]
    fn inpainting_checkpoints_are_known_by_their_first_convolution() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inpainting.safetensors");
        let name = "model.diffusion_model.input_blocks.0.0.weight".to_owned();
        save(
            &Tensors::from([(name, tiny::numbers("w", &[320, 9, 3, 3]))]),
            &path,
        );
        let files = ModelFiles::single_file(&path);
        let config = files.unet_config().unwrap();
        assert_eq!(config.in_channels, 9);
        assert_eq!(config.cross_attention_dim, PerBlock::Same(768));
        let message = files.load_vae(&DEVICE, DType::F32).unwrap_err().to_string();
        assert!(
            message.contains("first_stage_model") && message.contains("Name a VAE"),
            "{message}"
        );
        let message = files
            .load_text_encoder(&DEVICE, DType::F32)
            .unwrap_err()
            .to_string();
        assert!(message.contains("cond_stage_model"), "{message}");
    }

    #[test]
    fn folders_of_pickles_and_dishonest_indices_are_refused() {
        let model = TinyModel::new();
        let mut files = model.files();
        files.remove("unet/diffusion_pytorch_model.safetensors");
        let message = memory(files.clone())
            .load_unet(&DEVICE, DType::F32)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("diffusion_pytorch_model.safetensors"),
            "{message}"
        );
        let mut pickled = files.clone();
        pickled.insert("unet/diffusion_pytorch_model.bin".to_owned(), vec![0x80, 2]);
        let error = memory(pickled).load_unet(&DEVICE, DType::F32).unwrap_err();
        assert!(matches!(error, LoadError::Pickle { .. }), "{error}");

        let index = "unet/diffusion_pytorch_model.safetensors.index.json";
        for (shard, expected) in [
            ("../../secret.safetensors", "not the name of a file"),
            ("/etc/passwd", "not the name of a file"),
            ("absent-1-of-1.safetensors", "absent-1-of-1.safetensors"),
        ] {
            let json = serde_json::json!({"weight_map": {"conv_in.weight": shard}});
            files.insert(index.to_owned(), json.to_string().into_bytes());
            let error = memory(files.clone())
                .load_unet(&DEVICE, DType::F32)
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let folder = write_folder(&files);
        let outside = ModelFiles::folder(folder.path()).read("../x").unwrap_err();
        assert!(outside.to_string().contains("leads out"), "{outside}");
    }

    #[test]
    fn small_files_are_read_and_absent_ones_are_none() {
        let model = TinyModel::new();
        let folder = write_folder(&model.files());
        for files in [ModelFiles::folder(folder.path()), memory(model.files())] {
            let vocabulary = files.read("tokenizer/vocab.json").unwrap().unwrap();
            assert_eq!(vocabulary.as_ref(), b"{\"a\": 0}");
            assert_eq!(files.read("tokenizer/merges.txt").unwrap(), None);
        }
    }

    #[test]
    fn the_hash_names_the_weights_wherever_they_lie() {
        let model = TinyModel::new();
        let folder = write_folder(&model.files());
        let hash = ModelFiles::folder(folder.path()).hash().unwrap();
        assert_eq!(hash, memory(model.files()).hash().unwrap());
        assert_eq!(hash.len(), 64);
        let mut files = model.files();
        let weights = files
            .get_mut("unet/diffusion_pytorch_model.safetensors")
            .unwrap();
        *weights.last_mut().unwrap() ^= 1;
        assert_ne!(hash, memory(files).hash().unwrap());
    }
}
