//! `framewright library …`, `character …`, `shot …`, and what models and LoRAs
//! have in common: being imported.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use framewright_protocol::{
    DocumentGet, DocumentList, DocumentListParams, DocumentParams, FolderParams, FoldersResult,
    ImportParams, ImportResult, LibraryAddFolder, LibraryFolders, LibraryKind, LibraryRemoveFolder,
    Method, Nothing,
};
use serde_json::json;

use crate::arguments::{DocumentCommand, Import, LibraryCommand};
use crate::failure::Failure;
use crate::models::{print_problems, problem_json};
use crate::{connect, print_json, print_lines};

/// Does what the command says.
///
/// # Errors
/// See [`Failure`].
pub async fn run(command: LibraryCommand, json: bool) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let result = match command {
        LibraryCommand::Folders => client.call::<LibraryFolders>(&Nothing {}).await?,
        LibraryCommand::Add { folder } => {
            let path = absolute(&folder)?;
            client
                .call::<LibraryAddFolder>(&FolderParams { path })
                .await?
        }
        LibraryCommand::Remove { folder } => {
            let path = absolute(&folder)?;
            let params = FolderParams { path };
            client.call::<LibraryRemoveFolder>(&params).await?
        }
    };
    tell_folders(&result, json);
    Ok(ExitCode::SUCCESS)
}

fn tell_folders(result: &FoldersResult, json: bool) {
    if json {
        let folders = result.folders.iter().map(|folder| {
            json!({
                "path": folder.path,
                "present": folder.present,
                "models": folder.models,
                "loras": folder.loras,
            })
        });
        print_json(&json!({
            "own": result.own,
            "folders": folders.collect::<Vec<_>>(),
            "notices": result.notices,
        }));
        return;
    }
    print_lines(&format!("{}  the library's own", result.own));
    for folder in &result.folders {
        let holds = if folder.present {
            format!("{} models, {} LoRAs", folder.models, folder.loras)
        } else {
            "not there".to_owned()
        };
        print_lines(&format!("{}  {holds}", folder.path));
    }
    for notice in &result.notices {
        eprintln!("notice: {notice}");
    }
}

/// A path as the daemon, which runs elsewhere, understands it. Links in it are
/// left as they are: they are the user's.
fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::refused(format!("the path cannot be used: {error}")).about_file(path)
    })?;
    // A trailing separator would make another path of it.
    let absolute: PathBuf = absolute.components().collect();
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::refused("the path is not UTF-8")
            .about(path.to_string_lossy())
            .hint("rename the folder or file")
    })
}

/// Imports a model or a LoRA.
///
/// # Errors
/// See [`Failure`].
pub async fn import<M>(import: Import, json: bool) -> Result<ExitCode, Failure>
where
    M: Method<Params = ImportParams, Result = ImportResult>,
{
    let path = absolute(&import.path)?;
    if let Err(error) = std::fs::metadata(&path) {
        return Err(Failure::refused(format!("it cannot be read: {error}")).about(path));
    }
    let client = connect().await?;
    if import.copy && !json {
        eprintln!("copying …");
    }
    let params = ImportParams {
        path,
        copy: Some(import.copy),
        name: import.name,
    };
    let result = client.call::<M>(&params).await?;
    if json {
        print_json(&json!({
            "name": result.name,
            "path": result.path,
            "copied": result.copied,
            "family": result.family,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let family = result.family.as_deref().unwrap_or("of unknown family");
    print_lines(&format!("{}  {family}  {}", result.name, result.path));
    Ok(ExitCode::SUCCESS)
}

/// Lists or shows manifests of one kind.
///
/// # Errors
/// See [`Failure`].
pub async fn documents(
    kind: LibraryKind,
    command: DocumentCommand,
    json: bool,
) -> Result<ExitCode, Failure> {
    let client = connect().await?;
    let name = match command {
        DocumentCommand::List => None,
        DocumentCommand::Show { name } => Some(name),
    };
    if let Some(name) = name {
        let params = DocumentParams { kind, name };
        let document = client.call::<DocumentGet>(&params).await?;
        if json {
            print_json(&json!({
                "name": params.name,
                "path": document.path,
                "text": document.text,
                "revision": document.revision,
            }));
        } else {
            print_lines(document.text.trim_end());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let params = DocumentListParams { kind };
    let listed = client.call::<DocumentList>(&params).await?;
    if json {
        let documents = listed.documents.iter().map(|document| {
            json!({
                "name": document.name,
                "path": document.path,
                "shipped": document.shipped,
                "revision": document.revision,
                "problem": document.problem.as_ref().map(problem_json),
            })
        });
        print_json(&json!({
            "folder": listed.folder,
            "documents": documents.collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    for document in &listed.documents {
        print_lines(&document.name);
    }
    let problems = listed.documents.iter();
    print_problems(
        &problems
            .filter_map(|it| it.problem.clone())
            .collect::<Vec<_>>(),
    );
    if listed.documents.is_empty() {
        eprintln!("there are none; they are TOML files in {}", listed.folder);
    }
    Ok(ExitCode::SUCCESS)
}
