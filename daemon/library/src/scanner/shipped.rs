//! What ships with the product: it stands back behind everything of the same
//! name in the user's folders.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Look;
use crate::kind::Kind;
use crate::lora::{Lora, LoraManifest};
use crate::paths;

impl Look<'_> {
    /// Lists shots, characters and LoRAs of the shipped folder whose names,
    /// phrases and tokens are free. That one is taken is how a user changes
    /// what ships.
    pub(super) fn shipped(&mut self, root: &Path) {
        let previous = self.previous;
        let shots = self.manifests_in(&root.join(Kind::Shot.folder()), &previous.shots);
        let own: BTreeSet<String> = self
            .snapshot
            .shots
            .values()
            .map(|shot| shot.manifest.phrase.to_lowercase())
            .collect();
        for (name, shot) in shots {
            // Two shots of one phrase could not be told apart.
            if !own.contains(&shot.manifest.phrase.to_lowercase()) {
                self.snapshot.shots.entry(name).or_insert(shot);
            }
        }
        let folder = root.join(Kind::Character.folder());
        let own: BTreeSet<String> = self
            .snapshot
            .characters
            .values()
            .map(|character| character.manifest.token.to_lowercase())
            .collect();
        for (name, character) in self.manifests_in(&folder, &previous.characters) {
            if !own.contains(&character.manifest.token.to_lowercase()) {
                self.snapshot.characters.entry(name).or_insert(character);
            }
        }
        let folder = root.join(Kind::Lora.folder());
        for item in self.items(Kind::Lora, &folder, Some(&folder)) {
            if item.is_folder
                || paths::extension(&item.path) != "safetensors"
                || self.snapshot.loras.contains_key(&item.stem)
            {
                continue;
            }
            match self.weights(Kind::Lora, &item.stem, &item.path) {
                Ok(weights) => {
                    if let Some(report) = &weights.lora {
                        let lora =
                            Lora::new(&item.stem, item.path, LoraManifest::default(), report);
                        self.snapshot.loras.insert(item.stem, Arc::new(lora));
                    }
                }
                Err(trouble) => self.note(trouble),
            }
        }
    }
}
