//! The library's things, errors and changes in the protocol's words.

use std::path::Path;

use framewright_library::{
    Arriving, Change, DocumentError, Embedded, FindError, FolderError, Happening, ImportError,
    Kind, Lora, LoraFileError, ManifestError, Model, Problem, Source,
};
use framewright_protocol::{
    ErrorCode, LibraryChange, LibraryChanged, LibraryKind, LoraSummary, ModelProblem, ModelSummary,
    WireError,
};

/// How to make a safetensors file of a pickle.
const CONVERT: &str = "convert it once, in Python with torch and safetensors: \
    save_file(torch.load(FILE, weights_only=True), \"NAME.safetensors\"); \
    most models offer a .safetensors as well";

/// The library's kind of the protocol's.
pub fn kind(kind: LibraryKind) -> Kind {
    match kind {
        LibraryKind::Model => Kind::Model,
        LibraryKind::Lora => Kind::Lora,
        LibraryKind::Character => Kind::Character,
        LibraryKind::Shot => Kind::Shot,
    }
}

/// The event that tells of a change.
pub fn event(change: &Change) -> LibraryChanged {
    LibraryChanged {
        kind: match change.kind {
            Kind::Model => LibraryKind::Model,
            Kind::Lora => LibraryKind::Lora,
            Kind::Character => LibraryKind::Character,
            Kind::Shot => LibraryKind::Shot,
        },
        name: change.name.clone(),
        change: match change.change {
            Happening::Added => LibraryChange::Added,
            Happening::Changed => LibraryChange::Changed,
            Happening::Removed => LibraryChange::Removed,
            Happening::Broken => LibraryChange::Broken,
        },
    }
}

/// A model in a list.
pub fn model(model: &Model) -> ModelSummary {
    let source = match &model.source {
        Source::Embedded(_) => "embedded",
        Source::Folder(_) => "folder",
        Source::File(_) => "file",
    };
    let defaults = model.defaults.clone();
    ModelSummary {
        name: model.name.clone(),
        default: model.source == Source::Embedded(Embedded::Sketch),
        source: source.to_owned(),
        path: model.source.path().map(|path| path.display().to_string()),
        family: model.family.clone(),
        width: defaults.width,
        height: defaults.height,
        steps: defaults.steps,
        guidance_scale: defaults.guidance_scale,
        sampler: defaults.sampler,
        clip_skip: defaults.clip_skip,
        vae: model.vae.as_ref().map(|vae| vae.display().to_string()),
    }
}

/// A LoRA in a list.
pub fn lora(lora: &Lora) -> LoraSummary {
    LoraSummary {
        name: lora.name.clone(),
        path: lora.path.display().to_string(),
        family: lora.family.clone(),
        trigger_words: lora.trigger_words.clone(),
        weight: lora.weight,
        format: lora.format.clone(),
        ranks: lora.ranks.clone(),
        base_model: lora.base_model.clone(),
    }
}

/// Something that cannot be used.
pub fn problem(problem: &Problem) -> ModelProblem {
    ModelProblem {
        path: problem.path.display().to_string(),
        line: problem.line,
        reason: problem.reason.clone(),
        hint: problem.hint.clone(),
    }
}

/// Something that cannot be used yet.
pub fn arriving(arriving: &Arriving) -> ModelProblem {
    ModelProblem {
        path: arriving.path.display().to_string(),
        line: None,
        reason: format!("it is not complete yet: {}", arriving.reason),
        hint: Some("it is listed once it is whole".to_owned()),
    }
}

fn invalid(about: &str, error: &dyn std::error::Error) -> WireError {
    WireError::new(ErrorCode::InvalidParams, error.to_string()).about(about)
}

/// Why there is no model or LoRA `name`; others are put into `folder`.
pub fn of_find(name: &str, error: FindError, folder: &Path) -> WireError {
    match error {
        FindError::Name(_) => invalid("model", &error)
            .hint("`model list` tells the names; a checkpoint elsewhere needs its absolute path"),
        FindError::NoFile(_) => WireError::new(ErrorCode::NotFound, error.to_string()).about(name),
        FindError::Unknown { ref known, .. } => {
            let known = match known.as_slice() {
                [] => "there are none".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            };
            WireError::new(ErrorCode::NotFound, error.to_string())
                .hint(format!("{known}; put others into {}", folder.display()))
        }
        FindError::Unusable(problem) => {
            let place = match problem.line {
                Some(line) => format!("{}, line {line}", problem.path.display()),
                None => problem.path.display().to_string(),
            };
            let error = WireError::new(ErrorCode::ModelUnusable, problem.reason).about(place);
            match problem.hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
        FindError::Arriving(ref arriving) => {
            WireError::new(ErrorCode::ModelUnusable, error.to_string())
                .about(arriving.path.display().to_string())
                .hint("ask again when it has been copied")
        }
    }
}

/// Why a LoRA's file cannot be told about.
pub fn of_lora_file(path: &Path, error: &LoraFileError) -> WireError {
    WireError::new(ErrorCode::ModelUnusable, error.to_string())
        .about(path.display().to_string())
        .hint(if path.extension().is_some_and(|it| it == "safetensors") {
            "`model inspect` tells about checkpoints"
        } else {
            CONVERT
        })
}

/// Why nothing was imported from `path`.
pub fn of_import(path: &str, error: ImportError, folder: &Path) -> WireError {
    let told = |code, error: &ImportError| WireError::new(code, error.to_string()).about(path);
    match error {
        ImportError::Relative => {
            told(ErrorCode::InvalidParams, &error).hint("give the absolute path")
        }
        ImportError::Kind(_) => told(ErrorCode::InvalidParams, &error),
        ImportError::Name(_) => told(ErrorCode::InvalidParams, &error).hint("give it a `name`"),
        ImportError::Taken { .. } => {
            told(ErrorCode::Conflict, &error).hint("give it another `name`")
        }
        ImportError::Own => {
            told(ErrorCode::Conflict, &error).hint("`model list` and `lora list` tell its name")
        }
        ImportError::Pickle => told(ErrorCode::ModelUnusable, &error).hint(CONVERT),
        ImportError::IsLora => {
            told(ErrorCode::InvalidParams, &error).hint("import it as a LoRA: `lora import`")
        }
        ImportError::Model(error) => of_find(path, error, folder),
        ImportError::Lora(error) => of_lora_file(Path::new(path), &error),
        ImportError::NoRoom { .. } => told(ErrorCode::Storage, &error)
            .hint("make room, or import it by reference: without `copy`"),
        ImportError::TooLarge => {
            told(ErrorCode::Unsupported, &error).hint("import it by reference: without `copy`")
        }
        ImportError::Changed(_) | ImportError::Differs(_) => {
            told(ErrorCode::Storage, &error).hint("import it again")
        }
        ImportError::Link { .. } => told(ErrorCode::ModelUnusable, &error)
            .hint("put the folder itself there, or import it by reference"),
        ImportError::Cancelled => told(ErrorCode::Cancelled, &error),
        ImportError::Io { .. } => told(ErrorCode::Storage, &error)
            .hint("check that the place can be read, and the library written"),
    }
}

/// Why a folder cannot be added or removed.
pub fn of_folder(path: &str, error: &FolderError) -> WireError {
    let (code, hint) = match error {
        FolderError::Relative => (
            ErrorCode::InvalidParams,
            "give the absolute path".to_owned(),
        ),
        FolderError::NoFolder(_) => (
            ErrorCode::NotFound,
            "give a folder that is there and can be read".to_owned(),
        ),
        FolderError::Own => (
            ErrorCode::InvalidParams,
            "what lies in the library's own folder is in it already".to_owned(),
        ),
        FolderError::Known => (ErrorCode::Conflict, "nothing is left to do".to_owned()),
        FolderError::TooMany => (
            ErrorCode::InvalidParams,
            "remove one, or add a folder above several".to_owned(),
        ),
        FolderError::Unknown { known } if known.is_empty() => {
            (ErrorCode::NotFound, "none was added".to_owned())
        }
        FolderError::Unknown { known } => {
            let known: Vec<_> = known.iter().map(|it| it.display().to_string()).collect();
            (
                ErrorCode::NotFound,
                format!("there are: {}", known.join(", ")),
            )
        }
        FolderError::List(_) => (
            ErrorCode::Storage,
            "correct library.toml in the data directory".to_owned(),
        ),
        FolderError::Write(_) => (
            ErrorCode::Storage,
            "check that the data directory can be written".to_owned(),
        ),
    };
    WireError::new(code, error.to_string())
        .about(path)
        .hint(hint)
}

/// Why the manifest `name` cannot be read or written.
pub fn of_document(name: &str, error: &DocumentError) -> WireError {
    let told = |code| WireError::new(code, error.to_string()).about(name);
    match error {
        DocumentError::Name(_) => invalid("name", error),
        DocumentError::Unknown { .. } => {
            told(ErrorCode::NotFound).hint("`document.list` tells the names")
        }
        DocumentError::Conflict { current, .. } => told(ErrorCode::Conflict).hint(match current {
            Some(current) => {
                format!("its revision is {current} now: read it again, and make the change in that")
            }
            None => "it is not there: leave `revision` out to make it anew".to_owned(),
        }),
        DocumentError::Manifest(ManifestError::Read(_)) | DocumentError::Write(_) => {
            told(ErrorCode::Storage).hint("check that the data directory can be read and written")
        }
        DocumentError::Manifest(manifest) => {
            let error = told(ErrorCode::InvalidParams);
            match manifest.line() {
                Some(line) => error.about(format!("{name}, line {line}")),
                None => error,
            }
        }
        DocumentError::Shipped { .. } => told(ErrorCode::InvalidParams)
            .hint("write one of that name in its place instead: yours is used then"),
        DocumentError::Path(_) => told(ErrorCode::InvalidParams)
            .hint("name a place inside the library's folder, or an absolute path"),
    }
}
