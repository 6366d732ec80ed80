//! LoRAs: where they lie and what they are used with.

use std::path::PathBuf;

use serde::Deserialize;

use crate::character::{check_filled, check_weight};
use crate::kind::Kind;
use crate::lora_report::LoraReport;
use crate::manifest::{Manifest, Misfit};

/// A LoRA's manifest, `loras/NAME.toml`, which may be left out.
///
/// ```toml
/// family = "sd15"
/// path = "/loras/kaito.safetensors"   # left out: beside the manifest
/// trigger_words = ["kaitoyosuke man"]
/// weight = 0.8                        # where nothing else says
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraManifest {
    /// The family of models that it fits to.
    pub family: Option<String>,
    /// The file: absolute, or inside the LoRA folder.
    pub path: Option<PathBuf>,
    /// What a prompt must say.
    #[serde(default)]
    pub trigger_words: Vec<String>,
    /// Its weight where nothing else says, -4 to 4.
    pub weight: Option<f32>,
}

impl Manifest for LoraManifest {
    const KIND: Kind = Kind::Lora;

    fn check(&self) -> Result<(), Misfit> {
        for words in &self.trigger_words {
            check_filled("trigger_words", words)?;
        }
        check_weight("weight", self.weight)
    }
}

/// A LoRA that can be asked for by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Lora {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The family of models that it fits to, from the manifest or, failing
    /// that, from the widths of its tensors.
    pub family: Option<String>,
    /// What a prompt must say, from the manifest or, failing that, from what
    /// the trainer noted.
    pub trigger_words: Vec<String>,
    /// Its weight where nothing else says.
    pub weight: Option<f32>,
    /// Whose names its keys have, and which methods it uses, such as `kohya`
    /// or `kohya, DoRA`.
    pub format: String,
    /// The ranks of its matrices, ascending.
    pub ranks: Vec<u64>,
    /// The model that it was trained on, as the trainer noted.
    pub base_model: Option<String>,
}

impl Lora {
    pub(crate) fn new(
        name: &str,
        path: PathBuf,
        manifest: LoraManifest,
        report: &LoraReport,
    ) -> Self {
        let trigger_words = if manifest.trigger_words.is_empty() {
            report.trigger_words.clone()
        } else {
            manifest.trigger_words
        };
        Self {
            name: name.to_owned(),
            path,
            family: manifest.family.or_else(|| report.family.clone()),
            trigger_words,
            weight: manifest.weight,
            format: report.format_words(),
            ranks: report.ranks.clone(),
            base_model: report.base_model.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    #[test]
    fn a_manifest_is_read_or_refused_with_its_line() {
        let manifest: LoraManifest =
            parse("trigger_words = ['kaitoyosuke man']\nweight = 0.8").expect("a manifest");
        assert_eq!(manifest.weight, Some(0.8));
        for text in [
            "\nweight = 5",
            "\nweight = nan",
            "\nwheight = 1",
            "\ntrigger_words = ['']",
        ] {
            let error = parse::<LoraManifest>(text).expect_err(text);
            assert_eq!(error.line(), Some(2), "{text}");
        }
    }
}
