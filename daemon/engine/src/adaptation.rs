//! Which low-rank paths act while one frame is made.
//!
//! Frames take turns at the same networks, and each has LoRAs of its own: a
//! frame's paths stand in the layers while it computes, and at no other time.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::Result;

use crate::adapters::{AdaptableLayers, LowRank};
use crate::layer_names::AdaptedNetwork;
use crate::lora::Lora;
use crate::region::Region;

/// A LoRA at work.
#[derive(Debug, Clone)]
pub(crate) struct ActiveLora {
    pub lora: Arc<Lora>,
    /// Its weight in the UNet.
    pub weight: f64,
    /// Its weight in the text encoder.
    pub text_weight: f64,
    /// Where it acts; `None` in the whole picture.
    pub place: Option<Place>,
}

/// Where in a picture with regions a LoRA acts.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The region; `None` where it fills the picture.
    pub region: Option<Region>,
    /// The numbers of the texts that are read there with it.
    pub texts: Vec<usize>,
}

/// Low-rank paths by the layer of one network.
pub(crate) type Paths = BTreeMap<String, Vec<LowRank>>;

/// What a layer sees of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Its places.
    Picture,
    /// A text, of which keys and values are made.
    Text,
    /// The time, before it is added to all places.
    Time,
}

impl Sight {
    fn of(layer: &str) -> Self {
        if layer.ends_with(".attn2.to_k") || layer.ends_with(".attn2.to_v") {
            Self::Text
        } else if layer.starts_with("time_embedding.") {
            Self::Time
        } else {
            Self::Picture
        }
    }
}

/// The paths of the text encoder.
///
/// # Errors
/// When memory runs out.
pub(crate) fn text_encoder_paths<'a>(
    active: impl IntoIterator<Item = &'a ActiveLora>,
) -> Result<Paths> {
    let mut found = BTreeMap::<&str, Vec<LowRank>>::new();
    for ActiveLora {
        lora, text_weight, ..
    } in active
    {
        for (layer, pair) in &lora.layers {
            if layer.network == AdaptedNetwork::TextEncoder && *text_weight != 0.0 {
                let path = pair.path(*text_weight)?;
                found.entry(&layer.name).or_default().push(path);
            }
        }
    }
    let joined = found.into_iter();
    joined
        .map(|(name, paths)| Ok((name.to_owned(), vec![LowRank::join(&paths)?])))
        .collect()
}

/// The paths of the UNet for a picture with so many texts. Paths beside the
/// layers that see the time alone have no place in the picture: those of LoRAs
/// with a region are left out, and their number is given back.
///
/// # Errors
/// When memory runs out.
pub(crate) fn unet_paths(active: &[ActiveLora], texts: usize) -> Result<(Paths, usize)> {
    let mut everywhere = BTreeMap::<&str, Vec<LowRank>>::new();
    let mut of_texts = BTreeMap::<&str, Vec<(usize, LowRank)>>::new();
    let mut left_out = 0;
    for ActiveLora {
        lora,
        weight,
        place,
        ..
    } in active
    {
        for (layer, pair) in &lora.layers {
            if layer.network != AdaptedNetwork::UNet || *weight == 0.0 {
                continue;
            }
            let path = pair.path(*weight)?;
            let name = layer.name.as_str();
            match (place, Sight::of(name)) {
                (Some(place), Sight::Text) => {
                    let own = of_texts.entry(name).or_default();
                    own.extend(place.texts.iter().map(|text| (*text, path.clone())));
                }
                (
                    Some(Place {
                        region: Some(_), ..
                    }),
                    Sight::Time,
                ) => left_out += 1,
                (
                    Some(Place {
                        region: Some(region),
                        ..
                    }),
                    _,
                ) => {
                    let path = path.within(region);
                    everywhere.entry(name).or_default().push(path);
                }
                _ => everywhere.entry(name).or_default().push(path),
            }
        }
    }
    let mut paths = Paths::new();
    for (name, own) in of_texts {
        // Beside such a layer, those of the whole picture act on every text.
        let shared = everywhere.remove(name).unwrap_or_default();
        for text in 0..texts {
            let of_text = own.iter().filter(|(of, _)| *of == text);
            let mut acting = shared.clone();
            acting.extend(of_text.map(|(_, path)| path.clone()));
            if !acting.is_empty() {
                let mut joined = LowRank::join(&acting)?;
                joined.text = Some(text);
                paths.entry(name.to_owned()).or_default().push(joined);
            }
        }
    }
    for (name, own) in everywhere {
        paths.insert(name.to_owned(), vec![LowRank::join(&own)?]);
    }
    Ok((paths, left_out))
}

/// Paths that stand in a network's layers, until it is dropped. Whoever makes
/// one has the network to itself.
pub(crate) struct Installed<'a> {
    layers: &'a AdaptableLayers,
    paths: &'a Paths,
}

impl<'a> Installed<'a> {
    pub(crate) fn new(layers: &'a AdaptableLayers, paths: &'a Paths) -> Self {
        for (name, paths) in paths {
            if let Some(layer) = layers.get(name) {
                layer.adapters.set(paths.clone());
            }
        }
        Self { layers, paths }
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        for name in self.paths.keys() {
            if let Some(layer) = self.layers.get(name) {
                layer.adapters.set(Vec::new());
            }
        }
    }
}
