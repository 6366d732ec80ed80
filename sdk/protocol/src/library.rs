//! What methods about the library take and answer, and its event.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::params::ModelProblem;
use crate::record::WireType;

/// A kind of thing in the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LibraryKind {
    /// A checkpoint.
    Model,
    /// A low-rank adaptation of a model.
    Lora,
    /// Someone who appears in frames under one token.
    Character,
    /// A framing.
    Shot,
}

impl WireType for LibraryKind {
    fn kind() -> String {
        "`model`, `lora`, `character` or `shot`".to_owned()
    }
}

/// How something in the library became different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LibraryChange {
    /// It is new.
    Added,
    /// It is another version.
    Changed,
    /// It is gone.
    Removed,
    /// It cannot be used; its last good version, if there was one, stays in use.
    Broken,
}

impl WireType for LibraryChange {
    fn kind() -> String {
        "`added`, `changed`, `removed` or `broken`".to_owned()
    }
}

records! {
    /// Something in the library became different.
    LibraryChanged "library.changed" {
        /// What it is.
        kind: LibraryKind,
        /// Its name; empty for a folder that cannot be read.
        name: String,
        /// How it became different.
        change: LibraryChange,
    }

    /// Parameters of `model.import` and `lora.import`.
    ImportParams "import params" {
        /// The file, or a model's diffusers folder; absolute.
        path: String,
        /// Copy it into the library, rather than refer to where it lies; not when left out.
        copy: Option<bool>,
        /// Its name in the library; the file's or folder's own when left out.
        name: Option<String>,
    }
    /// Result of `model.import` and `lora.import`.
    ImportResult "import result" {
        /// Its name in the library.
        name: String,
        /// The manifest that refers to it, or the copy.
        path: String,
        /// Bytes that were copied.
        copied: u64,
        /// The family of models that it is, or fits to, where that can be told.
        family: Option<String>,
    }

    /// A LoRA in a list.
    LoraSummary "lora" {
        /// Its name.
        name: String,
        /// Its file.
        path: String,
        /// The family of models that it fits to, such as `sd15`.
        family: Option<String>,
        /// What a prompt must say.
        trigger_words: Vec<String>,
        /// Its weight where nothing else says.
        weight: Option<f32>,
        /// Whose names its keys have, and its methods: `kohya`, `peft`, `diffusers, DoRA` …
        format: String,
        /// The ranks of its matrices, ascending.
        ranks: Vec<u64>,
        /// The model that it was trained on, as the trainer noted.
        base_model: Option<String>,
    }
    /// Result of `lora.list`.
    LoraListResult "lora list" {
        /// The LoRAs, by name.
        loras: Vec<LoraSummary>,
        /// What lies among them and cannot be used.
        problems: Vec<ModelProblem>,
        /// Where LoRAs are looked for.
        folder: String,
    }
    /// Parameters of `lora.inspect`.
    LoraInspectParams "lora inspect params" {
        /// A LoRA's name, or the absolute path of a file.
        lora: String,
    }
    /// Result of `lora.inspect`.
    LoraInspectResult "lora inspect result" {
        /// The LoRA in the library; none for a path.
        lora: Option<LoraSummary>,
        /// The file.
        path: String,
        /// What it holds: `formats`, `methods`, `ranks`, `alphas`, `targets`, `family`, `base_model`,
        /// `trigger_words`, `tags`, `incomplete`, `unknown`, `unknown_keys`, `tensors`, `bytes`, `hash`.
        report: Value,
    }

    /// A folder that the user added.
    AddedFolder "added folder" {
        /// Where it is.
        path: String,
        /// Whether it can be read now.
        present: bool,
        /// How many models it gives.
        models: u64,
        /// How many LoRAs it gives.
        loras: u64,
    }
    /// Parameters of `library.add_folder` and `library.remove_folder`.
    FolderParams "folder params" {
        /// The folder; absolute.
        path: String,
    }
    /// Result of `library.folders`, `library.add_folder` and `library.remove_folder`.
    FoldersResult "folders" {
        /// The library's own folder.
        own: String,
        /// The folders that were added, in the order in which names are looked up.
        folders: Vec<AddedFolder>,
        /// What a person should know about how the library is watched.
        notices: Vec<String>,
    }

    /// Parameters of `document.list`.
    DocumentListParams "document list params" {
        /// Of which kind.
        kind: LibraryKind,
    }
    /// A manifest in a list.
    DocumentSummary "document summary" {
        /// Its name.
        name: String,
        /// The file.
        path: String,
        /// Whether it ships with the product; one of the same name in the
        /// user's own folder takes its place.
        shipped: bool,
        /// The version on disk; none when it cannot be read.
        revision: Option<String>,
        /// What is wrong with it, where something is.
        problem: Option<ModelProblem>,
    }
    /// Result of `document.list`.
    DocumentListResult "document list" {
        /// The manifests by name, also those that cannot be used.
        documents: Vec<DocumentSummary>,
        /// Where they lie.
        folder: String,
    }
    /// Parameters of `document.get`.
    DocumentParams "document params" {
        /// What it describes.
        kind: LibraryKind,
        /// Its name.
        name: String,
    }
    /// Result of `document.get`.
    DocumentResult "document" {
        /// TOML as it lies on disk, broken or not.
        text: String,
        /// The version, for `document.put` and `document.delete`.
        revision: String,
        /// The file.
        path: String,
        /// Whether it ships with the product; `document.put` makes a copy then.
        shipped: bool,
    }
    /// Parameters of `document.put`.
    DocumentPutParams "document put params" {
        /// What it describes.
        kind: LibraryKind,
        /// Its name.
        name: String,
        /// TOML; it is checked before it replaces anything.
        text: String,
        /// The version that was seen; left out to make a new one.
        revision: Option<String>,
    }
    /// Result of `document.put`.
    DocumentPutResult "document put result" {
        /// The version that is there now.
        revision: String,
    }
    /// Parameters of `document.delete`.
    DocumentDeleteParams "document delete params" {
        /// What it describes.
        kind: LibraryKind,
        /// Its name.
        name: String,
        /// The version that was seen.
        revision: String,
    }
}
