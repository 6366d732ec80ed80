//! What the methods do that are about the library.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use framewright_library::{Embedded, HashError, Import, Kind, LoraReport, Model, Revision};
use framewright_protocol::{
    AddedFolder, DocumentDeleteParams, DocumentListParams, DocumentListResult, DocumentParams,
    DocumentPutParams, DocumentPutResult, DocumentResult, DocumentSummary, ErrorCode, FolderParams,
    FoldersResult, ImportParams, ImportResult, InspectParams, InspectResult, LoraInspectParams,
    LoraInspectResult, LoraListResult, ModelListResult, ModelProblem, Nothing, WireError,
};

use crate::connection::Client;
use crate::daemon::Daemon;
use crate::library_words::{self as words, of_document, of_find, of_folder, of_import};
use crate::order::find_model;

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn problems(daemon: &Daemon, kind: Kind) -> Vec<ModelProblem> {
    let snapshot = daemon.library.snapshot();
    let arriving = snapshot.arriving.iter().filter(|it| it.kind == kind);
    snapshot
        .problems_of(kind)
        .map(words::problem)
        .chain(arriving.map(words::arriving))
        .collect()
}

/// `model.list`
pub fn models(daemon: &Daemon, _: Nothing) -> Result<ModelListResult, WireError> {
    let snapshot = daemon.library.snapshot();
    let embedded = Embedded::ALL.map(Model::from);
    let others = snapshot.models.values().map(AsRef::as_ref);
    Ok(ModelListResult {
        models: embedded.iter().chain(others).map(words::model).collect(),
        problems: problems(daemon, Kind::Model),
        folder: shown(&daemon.library.folder(Kind::Model)),
    })
}

/// `model.inspect`
pub fn inspect_model(daemon: &Daemon, params: InspectParams) -> Result<InspectResult, WireError> {
    let model = find_model(&daemon.library, Some(&params.model))?;
    Ok(InspectResult {
        report: daemon.reader.inspect(&model)?,
        model: words::model(&model),
    })
}

/// `lora.list`
pub fn loras(daemon: &Daemon, _: Nothing) -> Result<LoraListResult, WireError> {
    let snapshot = daemon.library.snapshot();
    Ok(LoraListResult {
        loras: snapshot
            .loras
            .values()
            .map(|lora| words::lora(lora))
            .collect(),
        problems: problems(daemon, Kind::Lora),
        folder: shown(&daemon.library.folder(Kind::Lora)),
    })
}

/// `lora.inspect`
pub fn inspect_lora(
    daemon: &Daemon,
    client: &Client,
    params: &LoraInspectParams,
) -> Result<LoraInspectResult, WireError> {
    let library = &daemon.library;
    let (lora, path) = if Path::new(&params.lora).is_absolute() {
        (None, PathBuf::from(&params.lora))
    } else {
        let lora = library
            .find_lora(&params.lora)
            .map_err(|error| of_find(&params.lora, error, &library.folder(Kind::Lora)))?;
        (Some(words::lora(&lora)), lora.path.clone())
    };
    let report = LoraReport::read(&path).map_err(|error| words::of_lora_file(&path, &error))?;
    let internal = |error: &dyn std::error::Error| {
        WireError::new(ErrorCode::Internal, error.to_string()).about(shown(&path))
    };
    let mut report = serde_json::to_value(&report).map_err(|error| internal(&error))?;
    let hash = library.hash(&path, &mut |_, _| while_there(client));
    report["hash"] = match hash {
        Ok(hash) => hash.into(),
        Err(HashError::Cancelled) => return Err(cancelled()),
        Err(error) => {
            return Err(WireError::new(ErrorCode::Storage, error.to_string()).about(shown(&path)));
        }
    };
    Ok(LoraInspectResult {
        lora,
        path: shown(&path),
        report,
    })
}

/// Goes on for as long as somebody waits for the answer.
fn while_there(client: &Client) -> ControlFlow<()> {
    if client.is_gone() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn cancelled() -> WireError {
    WireError::new(ErrorCode::Cancelled, "the connection has ended")
}

/// `model.import` and `lora.import`
pub fn import(
    daemon: &Daemon,
    client: &Client,
    kind: Kind,
    params: ImportParams,
) -> Result<ImportResult, WireError> {
    let library = &daemon.library;
    let import = Import {
        kind,
        from: PathBuf::from(&params.path),
        name: params.name,
        copy: params.copy.unwrap_or(false),
    };
    let imported = library
        .import(&import, &mut |_, _| while_there(client))
        .map_err(|error| of_import(&params.path, error, &library.folder(kind)))?;
    Ok(ImportResult {
        name: imported.name,
        path: shown(&imported.path),
        copied: imported.copied,
        family: imported.family,
    })
}

/// `library.folders`
pub fn folders(daemon: &Daemon, _: Nothing) -> Result<FoldersResult, WireError> {
    let snapshot = daemon.library.snapshot();
    let folders = snapshot.folders.iter().map(|folder| AddedFolder {
        path: shown(&folder.path),
        present: folder.present,
        models: folder.models as u64,
        loras: folder.loras as u64,
    });
    Ok(FoldersResult {
        own: shown(daemon.library.data()),
        folders: folders.collect(),
        notices: snapshot.notices.clone(),
    })
}

/// `library.add_folder`
pub fn add_folder(daemon: &Daemon, params: FolderParams) -> Result<FoldersResult, WireError> {
    let added = daemon.library.add_folder(Path::new(&params.path));
    added.map_err(|error| of_folder(&params.path, &error))?;
    folders(daemon, Nothing {})
}

/// `library.remove_folder`
pub fn remove_folder(daemon: &Daemon, params: FolderParams) -> Result<FoldersResult, WireError> {
    let removed = daemon.library.remove_folder(Path::new(&params.path));
    removed.map_err(|error| of_folder(&params.path, &error))?;
    folders(daemon, Nothing {})
}

/// `document.list`
pub fn documents(
    daemon: &Daemon,
    params: DocumentListParams,
) -> Result<DocumentListResult, WireError> {
    let kind = words::kind(params.kind);
    let listed = daemon.library.documents(kind);
    let listed = listed.map_err(|error| of_document(kind.as_str(), &error))?;
    let documents = listed.into_iter().map(|summary| DocumentSummary {
        problem: summary.problem.map(|problem| ModelProblem {
            path: shown(&summary.path),
            line: problem.line,
            reason: problem.reason,
            hint: Some("correct the file".to_owned()),
        }),
        name: summary.name,
        path: shown(&summary.path),
        shipped: summary.shipped,
        revision: summary.revision.map(|revision| revision.to_string()),
    });
    Ok(DocumentListResult {
        documents: documents.collect(),
        folder: shown(&daemon.library.folder(kind)),
    })
}

/// `document.get`
pub fn document(daemon: &Daemon, params: DocumentParams) -> Result<DocumentResult, WireError> {
    let document = daemon
        .library
        .read_document(words::kind(params.kind), &params.name);
    let document = document.map_err(|error| of_document(&params.name, &error))?;
    Ok(DocumentResult {
        text: document.text,
        revision: document.revision.to_string(),
        path: shown(&document.path),
        shipped: document.shipped,
    })
}

fn revision(text: &str) -> Result<Revision, WireError> {
    text.parse()
        .map_err(|error: framewright_library::NoRevision| {
            WireError::new(ErrorCode::InvalidParams, error.to_string()).about("revision")
        })
}

/// `document.put`
pub fn put_document(
    daemon: &Daemon,
    params: DocumentPutParams,
) -> Result<DocumentPutResult, WireError> {
    let seen = params.revision.as_deref().map(revision).transpose()?;
    let kind = words::kind(params.kind);
    let written = daemon
        .library
        .write_document(kind, &params.name, &params.text, seen.as_ref());
    Ok(DocumentPutResult {
        revision: written
            .map_err(|error| of_document(&params.name, &error))?
            .to_string(),
    })
}

/// `document.delete`
pub fn delete_document(
    daemon: &Daemon,
    params: DocumentDeleteParams,
) -> Result<Nothing, WireError> {
    let seen = revision(&params.revision)?;
    daemon
        .library
        .delete_document(words::kind(params.kind), &params.name, &seen)
        .map_err(|error| of_document(&params.name, &error))?;
    Ok(Nothing {})
}
