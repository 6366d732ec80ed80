//! Who plays in a frame: the LoRAs and regions that a request asks for, and
//! those that its prompt calls for in the library.

use std::path::PathBuf;

use framewright_library::{Library, Model, Snapshot};
use framewright_protocol::{
    AppliedLora, ErrorCode, GenerateParams, LoraParams, RegionParams, WireError,
};
use framewright_story::{
    Bearer, Gap, Parsed, Plan, PlannedLora, Position, Vocabulary, alone, parse, people, plan,
};
use image::GrayImage;

use crate::library_words;
use crate::picture;
use crate::prompt_answers::vocabulary;

/// How wide a region's border fades when the request does not say.
const FEATHER: f32 = 0.05;
/// The most regions of a frame.
const MOST_REGIONS: usize = 8;
/// The most LoRAs of one list.
const MOST_LORAS: usize = 16;
/// The largest weight of a LoRA, either way, as in the library's manifests.
const LARGEST_WEIGHT: f32 = 4.0;

/// A LoRA to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct CastLora {
    /// Its name in the library.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// How much of it is added.
    pub weight: f32,
    /// How much of it is added to the text encoder; as much when missing.
    pub text_weight: Option<f32>,
    /// What in the prompt calls for it; missing when the request names it.
    pub reason: Option<String>,
    /// Whether a shot calls for it: it says how the frame is laid out.
    pub lays_out: bool,
}

/// Where a region is.
#[derive(Clone, Debug, PartialEq)]
pub enum Area {
    /// A box as shares of the frame: left, top, right, bottom.
    Box([f32; 4]),
    /// A mask of any size: white is inside.
    Mask(GrayImage),
}

/// A part of the frame with a prompt and LoRAs of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct CastRegion {
    /// Where it is.
    pub area: Area,
    /// How wide its border fades, as a share of the shorter side.
    pub feather: f32,
    /// What is there; the whole frame's prompt when missing.
    pub prompt: Option<String>,
    /// How much of the attention its prompt has there.
    pub strength: f32,
    /// The LoRAs that act there alone.
    pub loras: Vec<CastLora>,
}

/// LoRAs and regions of a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cast {
    /// The LoRAs of the whole frame.
    pub loras: Vec<CastLora>,
    /// The regions.
    pub regions: Vec<CastRegion>,
    /// All LoRAs of the second of two passes; `None` where there is one.
    pub hires_loras: Option<Vec<CastLora>>,
    /// Whether LoRAs that fit in part are used in part.
    pub partial_loras: bool,
    /// What to keep out, that of the family, the shot and the characters included.
    pub negative_prompt: String,
    /// What a person should know.
    pub notices: Vec<String>,
}

fn invalid(parameter: &str, message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message).about(parameter)
}

impl Cast {
    /// The cast of a request for a model. A library whose shots and characters
    /// cannot be told apart is noted, and nothing activated.
    ///
    /// # Errors
    /// `not_found` for a LoRA or character that the request names, and
    /// `invalid_params`.
    pub fn of(
        params: &GenerateParams,
        model: &Model,
        library: &Library,
    ) -> Result<Self, WireError> {
        let mut cast = Self::of_one_pass(params, model, library)?;
        if let Some(hires) = &params.hires {
            cast.hires_loras = Some(match &hires.loras {
                Some(loras) => named(loras, library)?,
                None => cast.refining(model, &library.snapshot()),
            });
        }
        Ok(cast)
    }

    fn of_one_pass(
        params: &GenerateParams,
        model: &Model,
        library: &Library,
    ) -> Result<Self, WireError> {
        let asked = params.regions.as_deref().unwrap_or_default();
        let automatic = params.auto_regions.unwrap_or(false);
        if automatic && !asked.is_empty() {
            return Err(
                invalid("auto_regions", "there are regions in the request already")
                    .hint("leave one of `regions` and `auto_regions` out"),
            );
        }
        if asked.len() > MOST_REGIONS {
            let message = format!("a frame has at most {MOST_REGIONS} regions");
            return Err(invalid("regions", message));
        }
        let loras = named(params.loras.as_deref().unwrap_or_default(), library)?;
        let regions = asked.iter().map(|region| Self::region(region, library));
        let mut cast = Self {
            loras,
            regions: regions.collect::<Result<_, _>>()?,
            hires_loras: None,
            partial_loras: params.partial_loras.unwrap_or(false),
            negative_prompt: params.negative_prompt.clone().unwrap_or_default(),
            notices: Vec::new(),
        };
        let snapshot = library.snapshot();
        let wants = asked
            .iter()
            .map(|region| region.characters.clone().unwrap_or_default());
        let wants: Vec<Vec<String>> = wants.collect();
        let activate = params.activate.unwrap_or(true);
        if !activate && !automatic && wants.iter().all(Vec::is_empty) {
            return Ok(cast);
        }
        let vocabulary = match vocabulary(&snapshot) {
            Ok(vocabulary) => vocabulary,
            Err(error) if activate && !automatic => {
                let told = format!("nothing that the prompt names is activated: {error}");
                cast.notices.push(told);
                return Ok(cast);
            }
            Err(error) => return Err(error),
        };
        let mut casting = Casting {
            cast,
            prompt: &params.prompt,
            parsed: parse(&params.prompt, &vocabulary),
            vocabulary: &vocabulary,
            snapshot: &snapshot,
            model,
        };
        if automatic {
            casting.divide();
        }
        casting.activate(activate, &wants)?;
        Ok(casting.cast)
    }

    /// The LoRAs of a second pass: the frame's own, and the one that the model's manifest names.
    /// Those of a shot have laid the frame out, at the size that they learned, and would only blur
    /// it now.
    fn refining(&mut self, model: &Model, snapshot: &Snapshot) -> Vec<CastLora> {
        let stay = self.loras.iter().filter(|lora| !lora.lays_out);
        let mut loras: Vec<CastLora> = stay.cloned().collect();
        let Some(name) = &model.hires.lora else {
            return loras;
        };
        match snapshot.find_lora(name) {
            Ok(lora) if loras.iter().any(|own| own.name == lora.name) => {}
            Ok(lora) => loras.push(CastLora {
                name: lora.name.clone(),
                path: lora.path.clone(),
                weight: model.hires.weight.or(lora.weight).unwrap_or(1.0),
                text_weight: None,
                reason: Some(format!("the model `{}`", model.name)),
                lays_out: false,
            }),
            Err(_) => self.notices.push(format!(
                "the LoRA `{name}`, which {} names for its second pass, is not in the library and \
                 is not applied",
                model.name
            )),
        }
        loras
    }

    fn region(params: &RegionParams, library: &Library) -> Result<CastRegion, WireError> {
        let area = match (&params.area, &params.mask) {
            (Some(edges), None) => match <[f32; 4]>::try_from(edges.as_slice()) {
                Ok(edges) => Area::Box(edges),
                Err(_) => {
                    return Err(invalid(
                        "regions.area",
                        "an area is four numbers: left, top, right, bottom",
                    ));
                }
            },
            (None, Some(mask)) => {
                let mask = picture::read(mask).map_err(|error| error.about("regions.mask"))?;
                Area::Mask(image::imageops::grayscale(&mask))
            }
            _ => {
                return Err(invalid("regions", "a region has either `area` or `mask`"));
            }
        };
        Ok(CastRegion {
            area,
            feather: params.feather.unwrap_or(FEATHER),
            prompt: params
                .prompt
                .clone()
                .filter(|prompt| !prompt.trim().is_empty()),
            strength: params.strength.unwrap_or(1.0),
            loras: named(params.loras.as_deref().unwrap_or_default(), library)?,
        })
    }

    /// All LoRAs, as a client is told of them.
    pub fn applied(&self) -> Vec<AppliedLora> {
        let applied = |lora: &CastLora, region: Option<u32>| AppliedLora {
            name: lora.name.clone(),
            weight: lora.weight,
            text_weight: lora.text_weight,
            region,
            hires: None,
            reason: lora.reason.clone(),
        };
        let second = self.hires_loras.as_deref();
        let whole = self.loras.iter().map(|lora| AppliedLora {
            hires: second.is_some_and(|it| !it.contains(lora)).then_some(false),
            ..applied(lora, None)
        });
        let regions = (0..).zip(&self.regions).flat_map(|(number, region)| {
            let loras = region.loras.iter();
            loras.map(move |lora| applied(lora, Some(number)))
        });
        let second = second.unwrap_or_default().iter();
        let second = second.filter(|lora| !self.loras.contains(lora));
        let hires = second.map(|lora| AppliedLora {
            hires: Some(true),
            ..applied(lora, None)
        });
        whole.chain(regions).chain(hires).collect()
    }
}

/// The LoRAs that a request names.
fn named(asked: &[LoraParams], library: &Library) -> Result<Vec<CastLora>, WireError> {
    if asked.len() > MOST_LORAS {
        let message = format!("a list has at most {MOST_LORAS} LoRAs");
        return Err(invalid("loras", message));
    }
    let loras = asked.iter().map(|params| {
        let folder = library.folder(framewright_library::Kind::Lora);
        let lora = library
            .find_lora(&params.name)
            .map_err(|error| library_words::of_find(&params.name, error, &folder))?;
        let weight = params.weight.or(lora.weight).unwrap_or(1.0);
        for weight in [Some(weight), params.text_weight].into_iter().flatten() {
            if !(-LARGEST_WEIGHT..=LARGEST_WEIGHT).contains(&weight) {
                let message = format!("a weight is from -{LARGEST_WEIGHT} to {LARGEST_WEIGHT}");
                return Err(invalid("loras", message));
            }
        }
        Ok(CastLora {
            name: lora.name.clone(),
            path: lora.path.clone(),
            weight,
            text_weight: params.text_weight,
            reason: None,
            lays_out: false,
        })
    });
    loras.collect()
}

/// A cast while the prompt is looked up.
struct Casting<'a> {
    cast: Cast,
    prompt: &'a str,
    parsed: Parsed,
    vocabulary: &'a Vocabulary,
    snapshot: &'a Snapshot,
    model: &'a Model,
}

impl Casting<'_> {
    /// Gives characters whose places the prompt names a region each.
    fn divide(&mut self) {
        let active = self.parsed.active();
        let mut places: Vec<(Position, String)> = Vec::new();
        for token in &active {
            let mentions = self.parsed.characters.iter();
            let mut own = mentions.filter(|mention| mention.token == *token);
            if let Some(position) = own.find_map(|mention| mention.position) {
                places.push((position.position, (*token).to_owned()));
            }
        }
        let has = |position| places.iter().filter(|(own, _)| *own == position).count() == 1;
        let named = places.len() == active.len();
        let columns: Option<&[(Position, f32, f32)]> = match active.len() {
            2 if named && has(Position::Left) && has(Position::Right) => {
                Some(&[(Position::Left, 0.0, 0.5), (Position::Right, 0.5, 1.0)])
            }
            3 if named
                && [Position::Left, Position::Centre, Position::Right]
                    .into_iter()
                    .all(has) =>
            {
                const THIRD: f32 = 1.0 / 3.0;
                Some(&[
                    (Position::Left, 0.0, THIRD),
                    (Position::Centre, THIRD, 2.0 * THIRD),
                    (Position::Right, 2.0 * THIRD, 1.0),
                ])
            }
            _ => None,
        };
        let family = self.model.family.as_deref();
        let defaults = family.and_then(|family| self.vocabulary.family(family));
        let strength = defaults.and_then(|own| own.region_strength).unwrap_or(1.0);
        let Some(columns) = columns else {
            self.cast.notices.push(
                "the frame is not divided: two characters on the left and on the right, or three \
                 on the left, in the centre and on the right, get a region each"
                    .to_owned(),
            );
            return;
        };
        for (position, left, right) in columns {
            let tokens = places.iter().filter(|(own, _)| own == position);
            for (_, token) in tokens {
                self.cast.regions.push(CastRegion {
                    area: Area::Box([*left, 0.0, *right, 1.0]),
                    feather: FEATHER,
                    prompt: Some(self.prompt_of(token)),
                    strength,
                    loras: Vec::new(),
                });
            }
        }
    }

    /// What the prompt says of one character.
    fn prompt_of(&self, token: &str) -> String {
        let character = self.vocabulary.character(token);
        let name = character.map_or_else(|| token.to_owned(), |it| it.name());
        let people = people(&self.parsed);
        let of_token = people.iter().find(|it| it.token.as_deref() == Some(token));
        let mentions = self.parsed.characters.iter();
        let mut own = mentions.filter(|mention| mention.token == token);
        // Where they are, too: the region is a part of a frame that holds others.
        let place = own.find_map(|mention| mention.position);
        let place = place.map(|place| place.span.of(self.prompt).to_owned());
        let actions = of_token.map(|it| it.actions.as_slice()).unwrap_or_default();
        let told: Vec<String> = place.into_iter().chain(actions.iter().cloned()).collect();
        alone(self.prompt, &self.parsed, self.vocabulary, &name, &told)
    }

    /// Applies what the prompts of the frame and its regions call for.
    fn activate(&mut self, activate: bool, wants: &[Vec<String>]) -> Result<(), WireError> {
        for token in wants.iter().flatten() {
            if self.vocabulary.character(token).is_none() {
                return Err(
                    WireError::new(ErrorCode::NotFound, "there is no such character")
                        .about(token.chars().take(100).collect::<String>())
                        .hint("`character list` tells their tokens"),
                );
            }
        }
        let Some(family) = self.model.family.clone() else {
            if !self.parsed.active().is_empty() || wants.iter().any(|own| !own.is_empty()) {
                self.cast.notices.push(format!(
                    "the family of {} is not known, so that no character is activated: say \
                     `family` in its manifest",
                    self.model.name
                ));
            }
            return Ok(());
        };
        let whole = if activate {
            plan(&self.parsed, self.vocabulary, &family)
        } else {
            Plan::default()
        };
        let mut negatives = vec![whole.negative_prompt.clone()];
        let mut in_regions = Vec::new();
        for number in 0..self.cast.regions.len() {
            let own = wants.get(number).map_or(&[][..], Vec::as_slice);
            let Some(parsed) = self.region_parsed(number, own, activate) else {
                continue;
            };
            let planned = plan(&parsed, self.vocabulary, &family);
            negatives.push(planned.negative_prompt.clone());
            self.tell(&planned.gaps, &parsed, &family);
            for lora in self.with_own_weights(planned) {
                let Bearer::Character(token) = &lora.bearer else {
                    continue;
                };
                in_regions.push(token.clone());
                self.add(&lora.name, lora.weight, &lora.bearer, Some(number));
            }
        }
        if activate {
            let parsed = self.parsed.clone();
            self.tell(&whole.gaps, &parsed, &family);
            for lora in &self.with_own_weights(whole) {
                // Who has a region acts there.
                let has_region = match &lora.bearer {
                    Bearer::Character(token) => in_regions.contains(token),
                    Bearer::Shot(_) => false,
                };
                if !has_region {
                    self.add(&lora.name, lora.weight, &lora.bearer, None);
                }
            }
            for negative in negatives {
                join_terms(&mut self.cast.negative_prompt, &negative);
            }
        }
        Ok(())
    }

    /// What a region's own prompt and its characters say, in the frame's shot;
    /// `None` where neither is given.
    fn region_parsed(&self, number: usize, own: &[String], activate: bool) -> Option<Parsed> {
        let prompt = self.cast.regions.get(number)?.prompt.as_deref();
        let mut text = prompt.filter(|_| activate).unwrap_or_default().to_owned();
        for token in own {
            let class = self.vocabulary.character(token).map(|it| it.class.as_str());
            text.push_str(&format!(", {token} {}", class.unwrap_or_default()));
        }
        if text.is_empty() {
            return None;
        }
        let mut parsed = parse(&text, self.vocabulary);
        if parsed.shot.is_none() {
            parsed.shot.clone_from(&self.parsed.shot);
        }
        Some(parsed)
    }

    /// The LoRAs of a plan, and those for which only their own manifest has a
    /// weight.
    fn with_own_weights(&self, plan: Plan) -> Vec<PlannedLora> {
        let mut loras = plan.loras;
        for gap in plan.gaps {
            if let Gap::NoWeight { bearer, lora, .. } = gap
                && let Some(weight) = self.own_weight(&lora)
            {
                loras.push(PlannedLora {
                    name: lora,
                    weight,
                    bearer,
                });
            }
        }
        loras
    }

    fn own_weight(&self, lora: &str) -> Option<f32> {
        self.snapshot.find_lora(lora).ok()?.weight
    }

    /// Adds a LoRA that is planned, unless the request names it or the library
    /// does not have it.
    fn add(&mut self, name: &str, weight: f32, bearer: &Bearer, region: Option<usize>) {
        let reason = match bearer {
            Bearer::Shot(id) => format!("the shot `{id}`"),
            Bearer::Character(token) => format!("the character `{token}`"),
        };
        let lora = match self.snapshot.find_lora(name) {
            Ok(lora) => lora,
            Err(_) => {
                self.note(format!(
                    "the LoRA `{name}` of {reason} is not in the library and is not applied"
                ));
                return;
            }
        };
        if let (Some(made_for), Some(own)) = (&lora.family, &self.model.family)
            && made_for != own
        {
            self.note(format!(
                "the LoRA `{name}` of {reason} is for the model family `{made_for}`, not `{own}`, \
                 and is not applied"
            ));
            return;
        }
        let of_region = region.and_then(|number| self.cast.regions.get_mut(number));
        let known = |loras: &[CastLora]| loras.iter().any(|own| own.name == lora.name);
        if known(&self.cast.loras) {
            return;
        }
        let loras = match of_region {
            Some(region) => &mut region.loras,
            None => &mut self.cast.loras,
        };
        if !known(loras) {
            loras.push(CastLora {
                name: lora.name.clone(),
                path: lora.path.clone(),
                weight: weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT),
                text_weight: None,
                reason: Some(reason),
                lays_out: matches!(bearer, Bearer::Shot(_)),
            });
        }
    }

    /// Tells what of the prompt a plan could not hold. That a prompt names no
    /// shot, or a family has nothing at all for any shot, needs no telling.
    fn tell(&mut self, gaps: &[Gap], parsed: &Parsed, family: &str) {
        for gap in gaps {
            let matters = match gap {
                Gap::NoShot => false,
                Gap::Family { .. } => false,
                Gap::NotInFamily {
                    bearer: Bearer::Shot(_),
                    ..
                } => self.vocabulary.shots().any(|(_, shot)| {
                    shot.family
                        .get(family)
                        .is_some_and(|own| own.lora.is_some())
                }),
                Gap::NotInFamily {
                    bearer: Bearer::Character(token),
                    ..
                } => parsed.active().contains(&token.as_str()),
                Gap::NoWeight { lora, .. } => self.own_weight(lora).is_none(),
                _ => true,
            };
            if matters {
                self.note(gap.to_string());
            }
        }
    }

    fn note(&mut self, note: String) {
        if !self.cast.notices.contains(&note) {
            self.cast.notices.push(note);
        }
    }
}

/// Adds the terms of a negative prompt that are not there yet.
fn join_terms(prompt: &mut String, added: &str) {
    for term in added
        .split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
    {
        let known = prompt
            .split(',')
            .any(|own| own.trim().eq_ignore_ascii_case(term));
        if !known {
            if !prompt.trim().is_empty() {
                prompt.push_str(", ");
            }
            prompt.push_str(term);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_joined_once() {
        let mut prompt = "blurry, Extra Limbs".to_owned();
        join_terms(&mut prompt, "extra limbs, legs , , feet, legs");
        assert_eq!(prompt, "blurry, Extra Limbs, legs, feet");
        let mut prompt = String::new();
        join_terms(&mut prompt, "legs");
        assert_eq!(prompt, "legs");
    }
}
