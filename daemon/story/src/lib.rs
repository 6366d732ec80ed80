//! Shots, characters and prompts: what the words of a storyboard prompt mean.
//!
//! Pure functions without I/O. A [`Vocabulary`] is built by the caller from the
//! shots and characters of its library. With it [`parse`] finds shot,
//! characters, setting, light and actions in a prompt, [`format()`] writes them
//! out again in one canonical spelling, [`plan`] says which LoRAs and which
//! negative prompt they call for in one family of models, and [`lint`] says
//! what in a prompt will not be drawn as meant, and how to put it better.
//!
//! All numbers and all words are data: `data/shots.toml` and `data/words.toml`
//! are what a library starts out with.
//!
//! ```
//! use framewright_story::{Character, Defaults, Vocabulary, parse, plan};
//!
//! let kaito: Character = toml::from_str(
//!     "token = 'kaitoyosuke'\nclass = 'man'\n[family.sd15]\nlora = 'kaitoyosuke'",
//! )?;
//! let vocabulary = Vocabulary::new(Defaults::shipped()?, vec![kaito])?;
//! let parsed = parse("closeup of kaitoyosuke man, in a dusty library, soft daylight", &vocabulary);
//! assert_eq!(parsed.shot.as_ref().map(|shot| shot.id.as_str()), Some("close-up"));
//! let plan = plan(&parsed, &vocabulary, "sd15");
//! assert_eq!(plan.loras.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod character;
mod clause;
mod defaults;
mod edit;
mod finding;
mod lint;
mod parsed;
mod person;
mod phrase_index;
mod plan;
mod reading;
mod scene;
mod shot;
mod span;
mod template;
mod vocabulary;
mod word;
mod word_list;

pub use answer::{AnsweredFrame, complaints, read_answer};
pub use character::{Character, CharacterFamily};
pub use defaults::{CHARACTERS_TOML, Defaults, FamilyDefaults, Framing, SHOTS_TOML, WORDS_TOML};
pub use edit::{Edit, apply};
pub use finding::{Code, Finding, Severity};
pub use lint::lint;
pub use parsed::{
    Action, CharacterMention, Naming, Parsed, PeopleCount, Phrase, Position, PositionMention,
    ShotMention, Stranger, format,
};
pub use person::{Person, Recast, alone, people, recast};
pub use plan::{Bearer, Gap, Plan, PlannedLora, plan};
pub use reading::parse;
pub use scene::{MOST_FRAMES, PlannedFrame, Planner, Scene, SceneError, ScenePlan};
pub use shot::{Figure, Shot, ShotFamily};
pub use span::Span;
pub use template::{correction, template};
pub use vocabulary::{Vocabulary, VocabularyError};
pub use word_list::{
    ActionWords, CueWords, LightWords, PeopleWords, PositionWords, SettingWords, WordList,
};
