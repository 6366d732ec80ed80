//! Which LoRAs, at which weights, and which negative prompt.

use framewright_story::{Bearer, Defaults, Gap, Plan, Vocabulary, parse, plan};

use crate::cast::{characters, vocabulary};

fn planned(prompt: &str, family: &str) -> Plan {
    let vocabulary = vocabulary();
    plan(&parse(prompt, vocabulary), vocabulary, family)
}

fn weights(plan: &Plan) -> Vec<(&str, f32)> {
    let loras = plan.loras.iter();
    loras
        .map(|lora| (lora.name.as_str(), (lora.weight * 1e4).round() / 1e4))
        .collect()
}

#[test]
fn a_character_weighs_less_the_wider_the_frame() {
    let vocabulary = vocabulary();
    let mut shots: Vec<_> = vocabulary.shots().collect();
    shots.sort_by_key(|(_, shot)| shot.number);
    let found: Vec<f32> = shots
        .iter()
        .take(8)
        .map(|(id, shot)| {
            let plan = planned(&format!("{} kaitoyosuke man", shot.phrase), "sd15");
            assert_eq!(plan.loras[0].bearer, Bearer::Shot((*id).to_owned()));
            assert_eq!(plan.loras[0].weight, 1.0);
            assert_eq!(plan.gaps, []);
            plan.loras[1].weight
        })
        .collect();
    assert_eq!(found, [1.0, 1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6]);
}

#[test]
fn two_characters_are_balanced_and_kept_apart() {
    let plan = planned(
        "close up of two people: kaitoyosuke man on the left, jiyeonmun woman on the right, kaitoyosuke man again",
        "sd15",
    );
    assert_eq!(
        weights(&plan),
        [
            ("close-up", 1.0),
            ("kaitoyosuke-sd15", 0.8),
            ("jiyeonmun-sd15", 0.8)
        ]
    );
    let negative = &plan.negative_prompt;
    assert!(
        negative.contains("fused face, hybrid creature"),
        "{negative}"
    );
    assert_eq!(negative.matches("blurry").count(), 1, "{negative}");
    assert!(
        !planned("close up of kaitoyosuke man", "sd15")
            .negative_prompt
            .contains("hybrid")
    );
}

#[test]
fn negatives_are_base_then_shot_then_characters() {
    insta::assert_snapshot!(
        planned("medium shot picture of kaitoyosuke man", "sd15").negative_prompt,
        @"deformed, disfigured, low quality, blurry, extra limbs, extra fingers, bad anatomy, legs, feet, lower body, fullbody, not kaitoyosuke"
    );
}

#[test]
fn a_detail_shot_has_no_lora_and_that_is_no_gap() {
    let plan = planned("detailed shot of a plate of cookies", "sd15");
    assert_eq!(weights(&plan), []);
    assert_eq!(plan.gaps, []);
    assert!(plan.negative_prompt.starts_with("deformed"));
}

#[test]
fn what_a_family_lacks_is_told() {
    let family = "sdxl".to_owned();
    let plan = planned("close up of kaitoyosuke man and jiyeonmun", "sdxl");
    assert_eq!(plan.loras, []);
    assert_eq!(plan.negative_prompt, "");
    assert_eq!(
        plan.gaps,
        [
            Gap::Family {
                family: family.clone()
            },
            Gap::NotInFamily {
                bearer: Bearer::Shot("close-up".to_owned()),
                family: family.clone()
            },
            Gap::NotInFamily {
                bearer: Bearer::Character("kaitoyosuke".to_owned()),
                family
            },
            Gap::Inactive {
                token: "jiyeonmun".to_owned()
            },
        ]
    );
    assert_eq!(
        plan.gaps[1].to_string(),
        "the shot `close-up` has nothing for the model family `sdxl`"
    );
    assert_eq!(planned("kaitoyosuke man", "sd15").gaps, [Gap::NoShot]);
}

#[test]
fn a_characters_own_numbers_go_before_the_familys() {
    let mut cast = characters();
    let own = cast[0].family.get_mut("sd15").unwrap();
    own.weights.insert("long-shot".to_owned(), 0.5);
    own.weight = Some(0.75);
    own.several = Some(0.5);
    let own = cast[1].family.get_mut("sd15").unwrap();
    own.lora = None;
    let other = cast[2].family.entry("sdxl".to_owned()).or_default();
    other.lora = Some("petko-sdxl".to_owned());
    let vocabulary = Vocabulary::new(Defaults::shipped().unwrap(), cast).unwrap();
    let planned = |prompt, family| plan(&parse(prompt, &vocabulary), &vocabulary, family);

    let long = planned("long shot picture of a park, kaitoyosuke man", "sd15");
    assert_eq!(weights(&long)[1].1, 0.5);
    let close = planned("close up of kaitoyosuke man", "sd15");
    assert_eq!(weights(&close)[1].1, 0.75);
    // Whom the model knows needs no LoRA, and counts among those in the frame.
    let both = planned("close up of kaitoyosuke man, jiyeonmun woman", "sd15");
    assert_eq!(weights(&both)[1..], [("kaitoyosuke-sd15", 0.375)]);
    assert_eq!(both.gaps, []);
    let weightless = planned("detailed shot of petkotomov man", "sdxl");
    assert_eq!(weightless.loras, []);
    assert!(
        matches!(weightless.gaps.last(), Some(Gap::NoWeight { lora, .. }) if lora == "petko-sdxl"),
        "{:?}",
        weightless.gaps
    );
}
