//! Shots: how a frame is framed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::character::{check_filled, check_reference, check_weight};
use crate::kind::Kind;
use crate::manifest::{Manifest, Misfit};

/// A shot's manifest, `shots/NAME.toml`; the name is the shot's id, such as
/// `close-up`.
///
/// ```toml
/// number = 2                  # in a shot sequence such as "2, 3, 8"
/// phrase = "close up of"      # opens the prompt
/// aliases = ["closeup", "CU"]
/// holds = "from above the shoulders up"
///
/// [figure]                    # height of the figure, share of the frame's height
/// least = 1.0
///
/// [family.sd15]
/// lora = "close-up"
/// weight = 1.0
/// negative_prompt = "legs, feet, lower body, fullbody"
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// Its number in shot sequences.
    pub number: Option<u32>,
    /// What opens a prompt.
    pub phrase: String,
    /// What else the shot is called.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What the frame holds, for people.
    pub holds: Option<String>,
    /// How high the figure stands in the frame.
    #[serde(default)]
    pub figure: Figure,
    /// What it takes to draw the shot, by model family.
    #[serde(default)]
    pub family: BTreeMap<String, ShotFamily>,
}

/// The height of the figure as a share of the frame's height; above 1 it is
/// larger than the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// At least, 0 or above.
    pub least: Option<f32>,
    /// At most, not below `least`.
    pub most: Option<f32>,
}

/// What it takes to draw a shot with one family of models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShotFamily {
    /// The LoRA's name; none where no LoRA is applied.
    pub lora: Option<String>,
    /// The LoRA's weight, -4 to 4.
    pub weight: Option<f32>,
    /// What to keep out of such frames, beside what is always kept out.
    pub negative_prompt: Option<String>,
}

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
