//! What a LoRA file is, told from its header and a few scalars.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;

use crate::header::{Header, HeaderError, TensorInfo};
use crate::lora_key::{LoraKey, Naming, Network, Part};
use crate::weights::{Contents, family_of_width};

/// The most names and words of one sort that are told.
const MOST_TOLD: usize = 50;

/// The longest word that is told, bytes.
const LONGEST_WORD: usize = 200;

/// The most scalars that are read for alphas.
const MOST_ALPHAS: usize = 4_096;

/// Why a file cannot be told about as a LoRA.
#[derive(Debug, thiserror::Error)]
pub enum LoraFileError {
    /// It is no whole safetensors file.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It holds something else.
    #[error("it holds {0}, and no LoRA")]
    NoLora(Contents),
}

/// What a LoRA file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoraReport {
    /// Whose names its keys have: `kohya`, `peft`, `diffusers`; several when mixed.
    pub formats: Vec<&'static str>,
    /// What it is instead of, or beside, plain low-rank pairs: `DoRA`, `LoHa`, `LoKr`.
    pub methods: Vec<&'static str>,
    /// The ranks of its pairs, ascending.
    pub ranks: Vec<u64>,
    /// The scalars that the products are scaled by, over the rank; ascending.
    /// Empty: none is given, and the rank takes their place.
    pub alphas: Vec<f64>,
    /// Which layers it acts on.
    pub targets: Targets,
    /// The family of models that it fits to, by the widths of its tensors or,
    /// failing that, by what the trainer noted.
    pub family: Option<String>,
    /// The model that it was trained on, as the trainer noted.
    pub base_model: Option<String>,
    /// What a prompt must say, as the trainer noted.
    pub trigger_words: Vec<String>,
    /// The most frequent words of the training captions.
    pub tags: Vec<Tag>,
    /// Layers of which one matrix of the pair is missing, at most 50.
    pub incomplete: Vec<String>,
    /// How many keys are of no known kind.
    pub unknown: u64,
    /// The first of them, at most 50.
    pub unknown_keys: Vec<String>,
    /// How many tensors there are.
    pub tensors: u64,
    /// How many bytes they take.
    pub bytes: u64,
}

/// How many layers of each sort a LoRA acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Targets {
    /// Layers of the text encoder.
    pub text_encoder: u64,
    /// Linear layers of the UNet.
    pub unet_linear: u64,
    /// Convolutions of the UNet.
    pub unet_conv: u64,
}

/// A word of the training captions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The word.
    pub tag: String,
    /// How many captions had it.
    pub count: u64,
}

#[derive(Default)]
struct Layer {
    text_encoder: bool,
    convolution: bool,
    down: bool,
    up: bool,
    other_method: bool,
}

impl LoraReport {
    /// Reads the file's header, and the few scalars that are alphas.
    ///
    /// # Errors
    /// See [`LoraFileError`].
    pub fn read(path: &Path) -> Result<Self, LoraFileError> {
        let header = Header::read(path)?;
        let contents = Contents::of(&header);
        if contents != Contents::Lora {
            return Err(LoraFileError::NoLora(contents));
        }
        let mut report = Self::of(&header);
        let mut file = File::open(path).map_err(HeaderError::Read)?;
        let mut alphas = Vec::new();
        let scalars = header
            .tensors
            .iter()
            .filter(|(key, _)| LoraKey::parse(key).is_some_and(|key| key.part == Part::Alpha));
        for (_, tensor) in scalars.take(MOST_ALPHAS) {
            if let Some(alpha) =
                scalar(&mut file, header.data_start, tensor).map_err(HeaderError::Read)?
            {
                alphas.push(alpha);
            }
        }
        if !alphas.is_empty() {
            alphas.sort_by(f64::total_cmp);
            alphas.dedup();
            alphas.truncate(MOST_TOLD);
            report.alphas = alphas;
        }
        Ok(report)
    }

    /// What the header alone tells; alphas are what the trainer noted.
    pub fn of(header: &Header) -> Self {
        let mut report = Self {
            tensors: header.tensors.len() as u64,
            bytes: header.tensors.values().map(TensorInfo::bytes).sum(),
            ..Self::default()
        };
        let mut namings = BTreeSet::new();
        let mut ranks = BTreeSet::new();
        let mut methods = BTreeSet::new();
        let mut layers = BTreeMap::<&str, Layer>::new();
        let (mut text_width, mut hidden_width) = (None, None);
        for (name, tensor) in &header.tensors {
            let Some(key) = LoraKey::parse(name) else {
                report.unknown += 1;
                if report.unknown_keys.len() < MOST_TOLD {
                    report.unknown_keys.push(shortened(name));
                }
                continue;
            };
            namings.insert(key.naming);
            let layer = layers.entry(key.layer).or_default();
            layer.text_encoder = key.network == Network::TextEncoder;
            match key.part {
                Part::Down => {
                    layer.down = true;
                    layer.convolution = tensor.shape.len() == 4;
                    ranks.extend(tensor.shape.first());
                    let inputs = tensor.shape.get(1).copied();
                    if key.reads_text() {
                        text_width = inputs;
                    } else if key.reads_hidden_text() {
                        hidden_width = inputs;
                    }
                }
                Part::Up => layer.up = true,
                Part::Middle | Part::Alpha => {}
                Part::Dora => {
                    methods.insert("DoRA");
                }
                Part::Loha => {
                    methods.insert("LoHa");
                    layer.other_method = true;
                }
                Part::Lokr => {
                    methods.insert("LoKr");
                    layer.other_method = true;
                }
            }
        }
        for (name, layer) in &layers {
            let targets = &mut report.targets;
            *match (layer.text_encoder, layer.convolution) {
                (true, _) => &mut targets.text_encoder,
                (false, true) => &mut targets.unet_conv,
                (false, false) => &mut targets.unet_linear,
            } += 1;
            if layer.down != layer.up || !(layer.down || layer.other_method) {
                report.incomplete.push(shortened(name));
            }
        }
        report.incomplete.truncate(MOST_TOLD);
        report.formats = namings.into_iter().map(Naming::word).collect();
        report.methods = methods.into_iter().collect();
        report.ranks = ranks.into_iter().take(MOST_TOLD).collect();
        let width = text_width.or(hidden_width);
        report.family = width.and_then(family_of_width).map(str::to_owned);
        report.add_notes(&header.metadata);
        report
    }

    /// Adds what the trainer noted.
    fn add_notes(&mut self, notes: &BTreeMap<String, String>) {
        let note = |key: &str| {
            let text = notes.get(key).map(|text| text.trim());
            text.filter(|text| !text.is_empty() && *text != "None")
        };
        let names = ["modelspec.architecture", "ss_base_model_version"];
        let architecture = names.into_iter().find_map(note);
        if self.family.is_none() {
            self.family = architecture.and_then(family_of_note).map(str::to_owned);
        }
        self.base_model = note("ss_sd_model_name")
            .or_else(|| note("modelspec.base_model"))
            .or(architecture)
            .map(shortened);
        if let Some(alpha) = note("ss_network_alpha").and_then(|text| text.parse().ok()) {
            self.alphas = vec![alpha];
        }
        let mut words = Vec::new();
        if let Some(phrase) = note("modelspec.trigger_phrase") {
            words.extend(phrase.split(',').map(str::trim).map(shortened));
        }
        let mut counts = BTreeMap::<String, u64>::new();
        type Frequencies = BTreeMap<String, BTreeMap<String, f64>>;
        let frequencies = note("ss_tag_frequency")
            .and_then(|text| serde_json::from_str::<Frequencies>(text).ok());
        for (folder, tags) in frequencies.into_iter().flatten() {
            words.extend(instance_words(&folder).map(shortened));
            for (tag, count) in tags {
                // A count is a whole number; whatever else is there saturates.
                let sum = counts.entry(shortened(tag.trim())).or_default();
                *sum = sum.saturating_add(count as u64);
            }
        }
        for word in words {
            if !word.is_empty() && !self.trigger_words.contains(&word) {
                self.trigger_words.push(word);
            }
        }
        self.trigger_words.truncate(MOST_TOLD);
        self.tags = counts
            .into_iter()
            .map(|(tag, count)| Tag { tag, count })
            .collect();
        self.tags.sort_by_key(|tag| std::cmp::Reverse(tag.count));
        self.tags.truncate(MOST_TOLD);
    }

    /// Format and methods in one line.
    pub(crate) fn format_words(&self) -> String {
        let words: Vec<_> = self.formats.iter().chain(&self.methods).copied().collect();
        words.join(", ")
    }
}

impl Naming {
    fn word(self) -> &'static str {
        match self {
            Self::Kohya => "kohya",
            Self::Peft => "peft",
            Self::Diffusers => "diffusers",
        }
    }
}

/// The words in a training folder's name, `10_token class`.
fn instance_words(folder: &str) -> Option<&str> {
    let (repeats, words) = folder.split_once('_')?;
    let is_number = !repeats.is_empty() && repeats.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| words.trim())
}

fn family_of_note(note: &str) -> Option<&'static str> {
    let note = note.to_lowercase();
    if note.contains("xl") {
        Some("sdxl")
    } else if note.starts_with("sd_v1") || note.contains("stable-diffusion-v1") {
        Some("sd15")
    } else if note.starts_with("sd_v2") || note.contains("stable-diffusion-v2") {
        Some("sd2")
    } else {
        None
    }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(LONGEST_WORD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The value of a tensor of one number; `None` for another type or shape.
fn scalar(file: &mut File, data_start: u64, tensor: &TensorInfo) -> std::io::Result<Option<f64>> {
    let length = tensor.bytes();
    if length > 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(data_start + tensor.data_offsets[0]))?;
    let mut bytes = [0; 8];
    let bytes = &mut bytes[..length as usize];
    file.read_exact(bytes)?;
    Ok(match (tensor.dtype.as_str(), &*bytes) {
        ("F64", &[a, b, c, d, e, f, g, h]) => Some(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        ("F32", &[a, b, c, d]) => Some(f64::from(f32::from_le_bytes([a, b, c, d]))),
        ("F16", &[a, b]) => Some(half::f16::from_le_bytes([a, b]).to_f64()),
        ("BF16", &[a, b]) => Some(half::bf16::from_le_bytes([a, b]).to_f64()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{checkpoint, safetensors, safetensors_with};

    fn read(bytes: &[u8]) -> Result<LoraReport, LoraFileError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        LoraReport::read(file.path())
    }

    #[test]
    fn a_kohya_file_tells_rank_alpha_targets_and_words() {
        let q = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
        let conv = "lora_unet_down_blocks_0_resnets_0_conv1";
        let text = "lora_te_text_model_encoder_layers_0_self_attn_q_proj";
        let report = read(&safetensors_with(
            &[
                (&format!("{q}.lora_down.weight"), &[4, 768]),
                (&format!("{q}.lora_up.weight"), &[320, 4]),
                (&format!("{conv}.lora_down.weight"), &[8, 320, 3, 3]),
                (&format!("{conv}.lora_up.weight"), &[320, 8, 1, 1]),
                (&format!("{text}.lora_down.weight"), &[4, 768]),
                (&format!("{text}.lora_up.weight"), &[768, 4]),
                ("lora_unet_half.lora_down.weight", &[4, 8]),
                ("emb_params", &[1, 768]),
            ],
            &[
                ("ss_sd_model_name", "realistic.safetensors"),
                ("ss_base_model_version", "sd_v1"),
                ("ss_network_alpha", "99"),
                (
                    "ss_tag_frequency",
                    r#"{"10_kaitoyosuke man": {"hat": 3, "coat": 7}, "reg": {"hat": 1}}"#,
                ),
            ],
            &[
                (&format!("{q}.alpha"), 2.0),
                (&format!("{conv}.alpha"), 1.0),
            ],
        ))
        .expect("a report");
        assert_eq!(report.formats, ["kohya"]);
        assert_eq!(report.methods, [""; 0]);
        assert_eq!(report.ranks, [4, 8]);
        assert_eq!(report.alphas, [1.0, 2.0]);
        let targets = Targets {
            text_encoder: 1,
            unet_linear: 2,
            unet_conv: 1,
        };
        assert_eq!(report.targets, targets);
        assert_eq!(report.family.as_deref(), Some("sd15"));
        assert_eq!(report.base_model.as_deref(), Some("realistic.safetensors"));
        assert_eq!(report.trigger_words, ["kaitoyosuke man"]);
        assert_eq!(
            report.tags[0],
            Tag {
                tag: "coat".to_owned(),
                count: 7
            }
        );
        assert_eq!(report.tags[1].count, 4);
        assert_eq!(report.incomplete, ["lora_unet_half"]);
        assert_eq!(
            (report.unknown, report.unknown_keys.as_slice()),
            (1, &["emb_params".to_owned()] as &[_])
        );
    }

    #[test]
    fn formats_and_methods_are_named() {
        let of = |names: &[&str]| {
            let tensors: Vec<(&str, &[u64])> = names
                .iter()
                .map(|name| (*name, &[2_u64, 192] as &[u64]))
                .collect();
            read(&safetensors(&tensors, &[])).expect("a report")
        };
        let peft = of(&[
            "base_model.model.down_blocks.0.attn2.to_k.lora_A.weight",
            "base_model.model.down_blocks.0.attn2.to_k.lora_B.weight",
        ]);
        assert_eq!(peft.formats, ["peft"]);
        assert_eq!(peft.family.as_deref(), Some("sketch"));
        assert_eq!(peft.incomplete, [""; 0]);
        assert_eq!(peft.alphas, [0.0; 0]);
        let old = of(&[
            "unet.mid_block.attn1.processor.to_q_lora.down.weight",
            "unet.mid_block.attn1.processor.to_q_lora.up.weight",
        ]);
        assert_eq!(old.format_words(), "diffusers");
        let dora = of(&[
            "lora_unet_a.lora_down.weight",
            "lora_unet_a.lora_up.weight",
            "lora_unet_a.dora_scale",
        ]);
        assert_eq!(dora.format_words(), "kohya, DoRA");
        assert_eq!(of(&["lora_unet_a.hada_w1_a"]).methods, ["LoHa"]);
        assert_eq!(of(&["lora_unet_a.lokr_w1"]).methods, ["LoKr"]);
    }

    #[test]
    fn notes_speak_where_widths_do_not() {
        let of = |note: (&str, &str)| {
            let tensors: [(&str, &[u64]); 1] = [("lora_unet_a.lora_down.weight", &[4, 8])];
            read(&safetensors(&tensors, &[note])).expect("a report")
        };
        let family = |note| of(note).family.unwrap_or_default();
        assert_eq!(family(("ss_base_model_version", "sd_v1")), "sd15");
        assert_eq!(family(("ss_base_model_version", "sdxl_base_v1-0")), "sdxl");
        assert_eq!(
            family(("modelspec.architecture", "stable-diffusion-v1/lora")),
            "sd15"
        );
        assert_eq!(family(("ss_base_model_version", "flux1")), "");
        let words = of(("modelspec.trigger_phrase", "one man, two")).trigger_words;
        assert_eq!(words, ["one man", "two"]);
        // Notes that are not what they should be are no reason to refuse the file.
        assert_eq!(of(("ss_tag_frequency", "[1]")).tags, []);
        assert_eq!(of(("ss_network_alpha", "x")).alphas, [0.0; 0]);
    }

    #[test]
    fn what_is_no_lora_is_refused() {
        let error = read(&checkpoint(768)).expect_err("a checkpoint");
        assert!(error.to_string().contains("a checkpoint"), "{error}");
        assert!(matches!(read(b"x"), Err(LoraFileError::Header(_))));
    }
}
