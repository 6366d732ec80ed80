//! Where frames play, and in which light.

use super::book::{Book, Kind};
use super::script::Place;
use crate::lint::is_clean;
use crate::vocabulary::Vocabulary;

/// A setting and a light in words that prompts can use.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// "in a dusty library"
    pub setting: String,
    /// The same as what a wide shot is of: "a dusty library".
    pub noun: String,
    pub light: String,
}

impl Stage {
    /// The description's own words where prompts can use them, what the kind of
    /// scene has where not.
    pub fn new(
        place: Option<&Place>,
        light: Option<&str>,
        kind: &Kind,
        vocabulary: &Vocabulary,
        book: &Book,
    ) -> Self {
        let light = light.unwrap_or(&kind.light);
        let own = place.map(|place| (place.phrase(), place.noun.clone()));
        let standing_in = (
            kind.setting.clone(),
            without_preposition(&kind.setting).to_owned(),
        );
        let mut settings: Vec<(String, String)> = Vec::new();
        if let Some((phrase, noun)) = own {
            let short = cut(&noun, book).to_owned();
            settings.push((phrase.clone(), noun.clone()));
            if short != noun {
                settings.push((phrase, short.clone()));
                settings.push((format!("in {short}"), short));
            }
            settings.push((format!("in {noun}"), noun));
        }
        settings.push(standing_in);
        let lights = [
            light.to_owned(),
            format!("{light}, soft light"),
            kind.light.clone(),
        ];
        let mut stages = settings.iter().flat_map(|(setting, noun)| {
            lights.iter().map(move |light| Self {
                setting: setting.clone(),
                noun: noun.clone(),
                light: light.clone(),
            })
        });
        let fits = |stage: &Self| {
            vocabulary.shots().all(|(id, shot)| {
                let wide = vocabulary
                    .framing(id)
                    .is_some_and(|framing| framing.environment_first);
                let prompt = stage.around(&shot.phrase, wide, "a door", None);
                is_clean(&prompt, vocabulary)
            })
        };
        stages.find(fits).unwrap_or_else(|| Self::standing_in(kind))
    }

    /// Setting and light of a kind of scene.
    pub fn standing_in(kind: &Kind) -> Self {
        Self {
            setting: kind.setting.clone(),
            noun: without_preposition(&kind.setting).to_owned(),
            light: kind.light.clone(),
        }
    }

    /// A whole prompt around what is seen in it.
    pub fn around(&self, phrase: &str, wide: bool, seen: &str, weather: Option<&str>) -> String {
        let mut parts: Vec<&str> = Vec::with_capacity(4);
        if wide {
            parts.push(&self.noun);
        }
        parts.push(seen);
        if !wide {
            parts.push(&self.setting);
        }
        parts.extend(weather);
        parts.push(&self.light);
        parts.retain(|part| !part.is_empty());
        format!("{phrase} {}", parts.join(", "))
    }
}

fn without_preposition(setting: &str) -> &str {
    setting.split_once(' ').map_or(setting, |(_, noun)| noun)
}

/// The words up to a preposition.
fn cut<'a>(noun: &'a str, book: &Book) -> &'a str {
    let mut end = 0;
    for word in noun.split_whitespace() {
        let start = word.as_ptr() as usize - noun.as_ptr() as usize;
        if start > 0 && book.is_preposition(&word.to_lowercase()) && word != "of" {
            break;
        }
        end = start + word.len();
    }
    noun.get(..end)
        .filter(|short| !short.is_empty())
        .unwrap_or(noun)
}
