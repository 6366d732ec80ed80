//! What was installed, so that it can be taken back and nothing else.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path};

use super::{remove_file, unusable, write};
use crate::failure::Failure;

/// The names of installed files, with `/`, in the application's folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    files: Vec<String>,
}

impl Receipt {
    /// For these files.
    pub fn new(files: Vec<String>) -> Self {
        let sorted: BTreeSet<_> = files.into_iter().collect();
        Self {
            files: sorted.into_iter().collect(),
        }
    }

    /// The receipt in an application's folder; none where nothing is installed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(resources: &Path, receipt: &str) -> Result<Option<Self>, Failure> {
        let path = resources.join(receipt);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let names = text.lines().filter(|name| stays_inside(name));
                Ok(Some(Self::new(names.map(str::to_owned).collect())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, resources: &Path, receipt: &str) -> Result<(), Failure> {
        let path = resources.join(receipt);
        let mut text = self.files.join("\n");
        text.push('\n');
        write(&path, text.as_bytes()).map_err(|error| unusable(&path, &error))
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(resources: &Path, receipt: &str) -> Result<(), Failure> {
        let path = resources.join(receipt);
        remove_file(&path).map_err(|error| unusable(&path, &error))?;
        // Empty when nothing but the receipt was in it.
        let folder = path.parent().map_or(Ok(()), std::fs::remove_dir);
        drop(folder);
        Ok(())
    }

    /// The files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The folders of the files, inner ones first.
    pub fn folders(&self) -> Vec<String> {
        let mut folders = BTreeSet::new();
        for name in &self.files {
            let mut rest = name.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder.to_owned());
                rest = folder;
            }
        }
        folders.into_iter().rev().collect()
    }
}

/// Whether a name leads to nothing outside: somebody may have written it.
fn stays_inside(name: &str) -> bool {
    let plain = |part: Component| matches!(part, Component::Normal(_));
    !name.is_empty() && Path::new(name).components().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_without_what_leads_outside() {
        let root = tempfile::tempdir().unwrap();
        let receipt = Receipt::new(vec!["pykrita/b/c.py".into(), "a".into(), "a".into()]);
        receipt.write(root.path(), "pykrita/x.installed").unwrap();
        let read = Receipt::read(root.path(), "pykrita/x.installed")
            .unwrap()
            .unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.folders(), ["pykrita/b", "pykrita"]);
        std::fs::write(
            root.path().join("pykrita/x.installed"),
            "../outside\n/etc/passwd\n\na/../../b\ninside\n",
        )
        .unwrap();
        let read = Receipt::read(root.path(), "pykrita/x.installed")
            .unwrap()
            .unwrap();
        assert_eq!(read.files(), ["inside"]);
        Receipt::remove(root.path(), "pykrita/x.installed").unwrap();
        assert_eq!(
            Receipt::read(root.path(), "pykrita/x.installed").unwrap(),
            None
        );
    }
}
