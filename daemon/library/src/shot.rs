//! The manifest of a [`Shot`]: `shots/NAME.toml`; the name is the shot's id,
//! such as `close-up`.
//!
//! ```toml
//! number = 2                  # in a shot sequence such as "2, 3, 8"
//! phrase = "close up of"      # opens the prompt
//! aliases = ["closeup", "CU"]
//! holds = "from above the shoulders up"
//!
//! [figure]                    # height of the figure, share of the frame's height
//! least = 1.0
//!
//! [family.sd15]
//! lora = "close-up"
//! weight = 1.0
//! negative_prompt = "legs, feet, lower body, fullbody"
//! ```

use framewright_story::{Figure, Shot};

use crate::character::{check_filled, check_reference, check_weight};
use crate::kind::Kind;
use crate::manifest::{Manifest, Misfit};

impl Manifest for Shot {
    const KIND: Kind = Kind::Shot;

    fn check(&self) -> Result<(), Misfit> {
        check_filled("phrase", &self.phrase)?;
        for alias in &self.aliases {
            check_filled("aliases", alias)?;
        }
        let Figure { least, most } = self.figure;
        for (key, share) in [("least", least), ("most", most)] {
            if share.is_some_and(|share| !share.is_finite() || share < 0.0) {
                return Err(Misfit::new(key, "must be 0 or above"));
            }
        }
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            return Err(Misfit::new("most", "is below `least`"));
        }
        for family in self.family.values() {
            check_reference("lora", family.lora.as_ref())?;
            check_weight("weight", family.weight)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    #[test]
    fn a_shot_is_read() {
        let shot: Shot = parse(
            "number = 7\nphrase = 'long shot picture of'\naliases = ['LS']\n\
             [figure]\nleast = 0.33\nmost = 0.67\n[family.sd15]\nlora = 'long-shot'\nweight = 0.9\n",
        )
        .expect("a shot");
        assert_eq!(shot.figure.most, Some(0.67));
        assert_eq!(shot.family["sd15"].weight, Some(0.9));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (line, text) in [
            (1, "phrase = ''"),
            (4, "phrase = 'x of'\n[figure]\nleast = 1\nmost = 0.5"),
            (3, "phrase = 'x of'\n[figure]\nleast = -1"),
            (3, "phrase = 'x of'\n[family.sd15]\nlora = 'a/b'"),
            (2, "phrase = 'x of'\nnumber = -1"),
        ] {
            let error = parse::<Shot>(text).expect_err(text);
            assert_eq!(error.line(), Some(line), "{text}: {error}");
        }
    }
}
