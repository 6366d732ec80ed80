//! What a prompt calls for: LoRAs, their weights, and the negative prompt.

use crate::parsed::{Naming, Parsed};
use crate::vocabulary::Vocabulary;

/// What a prompt calls for in one family of models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The shot's LoRA, then those of the active characters in the order of
    /// their mentions.
    pub loras: Vec<PlannedLora>,
    /// The negative prompt: base, several, shot, characters; no term twice.
    pub negative_prompt: String,
    /// What is missing, and therefore not in the plan.
    pub gaps: Vec<Gap>,
}

/// A LoRA to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLora {
    /// The LoRA's name in the library.
    pub name: String,
    /// Its weight, the factor for several characters included.
    pub weight: f32,
    /// What it is there for.
    pub bearer: Bearer,
}

/// What has a LoRA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The shot of an id.
    Shot(String),
    /// The character of a token.
    Character(String),
}

/// Something that a plan could not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Gap {
    /// The prompt names no shot.
    #[error("the prompt names no shot: no shot LoRA is applied")]
    NoShot,
    /// The family has neither base negative nor numbers.
    #[error("nothing is known about the model family `{family}`")]
    Family {
        /// The family.
        family: String,
    },
    /// Shot or character has nothing for the family.
    #[error("{} has nothing for the model family `{family}`", describe(.bearer))]
    NotInFamily {
        /// Who.
        bearer: Bearer,
        /// The family.
        family: String,
    },
    /// A LoRA has no weight, neither of its own nor from the family, and is not
    /// applied.
    #[error("the LoRA `{lora}` of {} has no weight for `{family}`", describe(.bearer))]
    NoWeight {
        /// Whose it is.
        bearer: Bearer,
        /// The LoRA's name.
        lora: String,
        /// The family.
        family: String,
    },
    /// Several characters, and no factor for their weights, which are left as
    /// they are.
    #[error("no factor for several characters is known for {} in `{family}`", describe(.bearer))]
    NoFactor {
        /// Whose weight it would lower.
        bearer: Bearer,
        /// The family.
        family: String,
    },
    /// A character that is named, but not by token and class.
    #[error("`{token}` is not active: a prompt names token and class")]
    Inactive {
        /// The character's token.
        token: String,
    },
}

fn describe(bearer: &Bearer) -> String {
    match bearer {
        Bearer::Shot(id) => format!("the shot `{id}`"),
        Bearer::Character(token) => format!("the character `{token}`"),
    }
}

/// Which LoRAs at which weights, and which negative prompt, a prompt calls for
/// in a model family.
///
/// A character's weight is its own for the framing, else its own for any
/// framing, else the family's for the framing, else the family's for any;
/// times the factor for several where two or more characters are active. A shot
/// or character whose entry for the family has no LoRA needs none; one without
/// an entry is a [`Gap`].
#[must_use]
pub fn plan(parsed: &Parsed, vocabulary: &Vocabulary, family: &str) -> Plan {
    let mut plan = Plan::default();
    let mut negative = Negative::default();
    let defaults = vocabulary.family(family);
    let active = parsed.active();
    let several = active.len() >= 2;
    match defaults {
        Some(defaults) => {
            negative.add(defaults.negative_prompt.as_deref());
            if several {
                negative.add(defaults.negative_prompt_several.as_deref());
            }
        }
        None => plan.gaps.push(Gap::Family {
            family: family.to_owned(),
        }),
    }

    let shot = parsed.shot.as_ref().map(|mention| mention.id.as_str());
    match shot {
        None => plan.gaps.push(Gap::NoShot),
        Some(id) => plan_shot(&mut plan, &mut negative, vocabulary, id, family),
    }

    for token in &active {
        let bearer = Bearer::Character((*token).to_owned());
        let own = vocabulary
            .character(token)
            .and_then(|character| character.family.get(family));
        let Some(own) = own else {
            plan.gaps.push(Gap::NotInFamily {
                bearer,
                family: family.to_owned(),
            });
            continue;
        };
        negative.add(own.negative_prompt.as_deref());
        let Some(lora) = &own.lora else {
            continue;
        };
        let weight = shot
            .and_then(|id| own.weights.get(id).copied())
            .or(own.weight)
            .or_else(|| shot.and_then(|id| defaults?.weights.get(id).copied()))
            .or_else(|| defaults?.weight);
        let Some(mut weight) = weight else {
            plan.gaps.push(Gap::NoWeight {
                bearer,
                lora: lora.clone(),
                family: family.to_owned(),
            });
            continue;
        };
        if several {
            match own.several.or_else(|| defaults?.several) {
                Some(factor) => weight *= factor,
                None => plan.gaps.push(Gap::NoFactor {
                    bearer: bearer.clone(),
                    family: family.to_owned(),
                }),
            }
        }
        plan.loras.push(PlannedLora {
            name: lora.clone(),
            weight,
            bearer,
        });
    }

    for mention in &parsed.characters {
        let gap = Gap::Inactive {
            token: mention.token.clone(),
        };
        let inactive = mention.naming != Naming::Full && !active.contains(&mention.token.as_str());
        if inactive && !plan.gaps.contains(&gap) {
            plan.gaps.push(gap);
        }
    }
    plan.negative_prompt = negative.0.join(", ");
    plan
}

fn plan_shot(
    plan: &mut Plan,
    negative: &mut Negative,
    vocabulary: &Vocabulary,
    id: &str,
    family: &str,
) {
    let bearer = Bearer::Shot(id.to_owned());
    let own = vocabulary.shot(id).and_then(|shot| shot.family.get(family));
    let Some(own) = own else {
        plan.gaps.push(Gap::NotInFamily {
            bearer,
            family: family.to_owned(),
        });
        return;
    };
    negative.add(own.negative_prompt.as_deref());
    match (&own.lora, own.weight) {
        (None, _) => {}
        (Some(lora), Some(weight)) => plan.loras.push(PlannedLora {
            name: lora.clone(),
            weight,
            bearer,
        }),
        (Some(lora), None) => plan.gaps.push(Gap::NoWeight {
            bearer,
            lora: lora.clone(),
            family: family.to_owned(),
        }),
    }
}

/// Terms of a negative prompt, each once.
#[derive(Default)]
struct Negative(Vec<String>);

impl Negative {
    fn add(&mut self, prompt: Option<&str>) {
        for term in prompt.unwrap_or_default().split(',').map(str::trim) {
            let known = self.0.iter().any(|known| known.eq_ignore_ascii_case(term));
            if !term.is_empty() && !known {
                self.0.push(term.to_owned());
            }
        }
    }
}
