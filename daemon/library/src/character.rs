//! The manifest of a [`Character`]: `characters/NAME.toml`.
//!
//! ```toml
//! token = "kaitoyosuke"
//! class = "man"
//! aliases = ["Kaito", "the detective"]
//!
//! [family.sd15]
//! lora = "kaitoyosuke"
//! negative_prompt = "beard"
//! weight = 0.8                # where `weights` does not name the framing
//! several = 0.8               # factor when two or more characters share a frame
//!
//! [family.sd15.weights]       # by shot
//! close-up = 1.0
//! long-shot = 0.7
//! ```

use framewright_story::Character;

use crate::kind::Kind;
use crate::manifest::{Manifest, Misfit};
use crate::name::check_name;

/// LoRA weights that make sense: beyond these pictures fall apart.
pub(crate) const WEIGHTS: std::ops::RangeInclusive<f32> = -4.0..=4.0;

/// Checks a name that another file is to be found by.
pub(crate) fn check_reference(key: &str, name: Option<&String>) -> Result<(), Misfit> {
    match name.map(|name| check_name(name)) {
        Some(Err(error)) => Err(Misfit::new(key, format!("cannot be used: {error}"))),
        _ => Ok(()),
    }
}

/// Checks a LoRA weight.
pub(crate) fn check_weight(key: &str, weight: Option<f32>) -> Result<(), Misfit> {
    match weight {
        Some(weight) if !WEIGHTS.contains(&weight) => Err(Misfit::new(
            key,
            format!("must be from {} to {}", WEIGHTS.start(), WEIGHTS.end()),
        )),
        _ => Ok(()),
    }
}

/// Checks that a text says something.
pub(crate) fn check_filled(key: &str, text: &str) -> Result<(), Misfit> {
    if text.trim().is_empty() {
        return Err(Misfit::new(key, "is empty"));
    }
    Ok(())
}

impl Manifest for Character {
    const KIND: Kind = Kind::Character;

    fn check(&self) -> Result<(), Misfit> {
        check_filled("token", &self.token)?;
        if self.token.chars().any(char::is_whitespace) {
            return Err(Misfit::new("token", "must be one word, without spaces"));
        }
        check_filled("class", &self.class)?;
        for alias in &self.aliases {
            check_filled("aliases", alias)?;
        }
        for family in self.family.values() {
            check_reference("lora", family.lora.as_ref())?;
            check_weight("weight", family.weight)?;
            check_weight("several", family.several)?;
            if family.several.is_some_and(|factor| factor < 0.0) {
                return Err(Misfit::new("several", "must be 0 or above"));
            }
            for (shot, weight) in &family.weights {
                check_weight(shot, Some(*weight))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    #[test]
    fn weights_belong_to_a_family_and_a_framing() {
        let character: Character = parse(
            "token = 'kaitoyosuke'\nclass = 'man'\naliases = ['Kaito']\n\
             [family.sd15]\nlora = 'kaito'\nseveral = 0.8\n\
             [family.sd15.weights]\nclose-up = 1.0\nlong-shot = 0.7\n\
             [family.sketch]\nnegative_prompt = 'blurred'\n",
        )
        .expect("a character");
        let sd15 = &character.family["sd15"];
        assert_eq!(sd15.weights["long-shot"], 0.7);
        assert_eq!(sd15.several, Some(0.8));
        assert_eq!(character.family["sketch"].lora, None);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (line, text) in [
            (1, "token = 'two words'\nclass = 'man'"),
            (2, "token = 'one'\nclass = ' '"),
            (
                4,
                "token = 'one'\nclass = 'man'\n[family.sd15]\nlora = '../other'",
            ),
            (
                4,
                "token = 'one'\nclass = 'man'\n[family.sd15]\nweight = inf",
            ),
            (
                4,
                "token = 'one'\nclass = 'man'\n[family.sd15.weights]\nfull-shot = 9",
            ),
            (3, "token = 'one'\nclass = 'man'\nalias = 'x'"),
        ] {
            let error = parse::<Character>(text).expect_err(text);
            assert_eq!(error.line(), Some(line), "{text}: {error}");
        }
        let error = parse::<Character>("class = 'man'").expect_err("no token");
        assert!(error.to_string().contains("token"), "{error}");
    }
}
