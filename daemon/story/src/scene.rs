//! From a scene's description to the prompts of its frames.

mod beat;
mod book;
mod cast;
mod rhythm;
mod script;
mod stage;
mod token;
mod verbs;
mod writer;

use std::collections::HashMap;

use beat::{Beat, beats};
use book::{Book, EVERYDAY, Kind};
use cast::Cast;
use rhythm::{Misfits, POOR, slots};
use script::Script;
use stage::Stage;
use verbs::Class;
use writer::Writer;

use crate::character::Character;
use crate::lint::is_clean;
use crate::parsed::Position;
use crate::vocabulary::{Vocabulary, VocabularyError};

/// How many frames a scene has at most.
pub const MOST_FRAMES: usize = 40;

/// A scene that frames are wanted of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// What happens, where and in which light, in plain English.
    pub description: String,
    /// The tokens of those who play in it. Where there are none, those whom the
    /// description names by token or alias do.
    pub characters: Vec<String>,
    /// How many frames, 1 to [`MOST_FRAMES`]; as many as it has shots, or as fit
    /// its events, where nothing is said.
    pub frames: Option<usize>,
    /// The frames' shots by number, id, phrase or alias; chosen by the kind of
    /// scene where there are none.
    pub shots: Vec<String>,
}

/// Why a scene cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SceneError {
    /// Nothing is described.
    #[error("the description is empty")]
    Empty,
    /// A character that the vocabulary does not have.
    #[error("there is no character `{token}`")]
    NoCharacter {
        /// The token that was asked for.
        token: String,
    },
    /// A shot that the vocabulary does not have.
    #[error("there is no shot `{shot}`")]
    NoShot {
        /// What was asked for.
        shot: String,
    },
    /// No frames, or too many.
    #[error("{frames} frames cannot be planned, but 1 to {MOST_FRAMES}")]
    FrameCount {
        /// How many were asked for.
        frames: usize,
    },
    /// Frames and shots that do not go together.
    #[error("{frames} frames are asked for, and {shots} shots")]
    FramesAndShots {
        /// How many frames.
        frames: usize,
        /// How many shots.
        shots: usize,
    },
}

/// One frame of a scene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedFrame {
    /// The shot's id.
    pub shot: String,
    /// The prompt; it opens with the shot's phrase.
    pub prompt: String,
}

/// The frames of a scene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenePlan {
    /// What kind of scene it was taken for, such as `dialogue`.
    pub kind: String,
    /// One entry a frame.
    pub frames: Vec<PlannedFrame>,
    /// What a person should know: who could not be shown, what was made up.
    pub notes: Vec<String>,
}

/// A scene whose shots and characters were found.
pub(crate) struct Wanted<'a> {
    pub characters: Vec<&'a Character>,
    /// Ids.
    pub shots: Vec<String>,
    /// None where the number of events decides.
    pub frames: Option<usize>,
}

impl Scene {
    /// Finds shots and characters.
    pub(crate) fn wanted<'a>(&self, vocabulary: &'a Vocabulary) -> Result<Wanted<'a>, SceneError> {
        if !self.description.chars().any(char::is_alphanumeric) {
            return Err(SceneError::Empty);
        }
        let mut characters: Vec<&Character> = Vec::new();
        for token in &self.characters {
            let found = vocabulary.character(token).or_else(|| {
                vocabulary
                    .characters()
                    .iter()
                    .find(|character| character.token.eq_ignore_ascii_case(token))
            });
            let found = found.ok_or_else(|| SceneError::NoCharacter {
                token: token.clone(),
            })?;
            if !characters.iter().any(|known| known.token == found.token) {
                characters.push(found);
            }
        }
        let shots: Vec<String> = self
            .shots
            .iter()
            .map(|shot| {
                vocabulary
                    .find_shot(shot)
                    .map(str::to_owned)
                    .ok_or_else(|| SceneError::NoShot { shot: shot.clone() })
            })
            .collect::<Result<_, _>>()?;
        let frames = match (self.frames, shots.len()) {
            (Some(frames), 0) => Some(frames),
            (Some(frames), shots) if frames != shots => {
                return Err(SceneError::FramesAndShots { frames, shots });
            }
            (_, 0) => None,
            (_, shots) => Some(shots),
        };
        match frames {
            Some(frames) if !(1..=MOST_FRAMES).contains(&frames) => {
                Err(SceneError::FrameCount { frames })
            }
            frames => Ok(Wanted {
                characters,
                shots,
                frames,
            }),
        }
    }
}

/// Plans scenes by rules, without a language model: the same scene always gives
/// the same prompts.
///
/// The description is read for its events, for who takes part in them, for
/// settings and light. The kind of scene decides the rhythm of shots. Each frame
/// is then put into words that [`lint`](crate::lint()) has nothing to say about;
/// named places and lights are kept word for word as far as that allows.
#[derive(Clone, Debug)]
pub struct Planner {
    book: Book,
}

impl Planner {
    /// The planner with the words and rhythms that the crate ships.
    ///
    /// # Errors
    /// None in a crate that passed its tests.
    pub fn shipped() -> Result<Self, VocabularyError> {
        Ok(Self {
            book: Book::shipped()?,
        })
    }

    /// Plans a scene.
    ///
    /// # Errors
    /// [`SceneError`] where what is asked for does not exist or does not fit.
    pub fn plan(&self, scene: &Scene, vocabulary: &Vocabulary) -> Result<ScenePlan, SceneError> {
        let wanted = scene.wanted(vocabulary)?;
        let book = &self.book;
        let words = token::tokens(&scene.description);
        let mut cast = Cast::new(&wanted.characters, &words, vocabulary, book);
        let script = Script::new(words, &cast, book, vocabulary);
        let mut events = beats(&script, &mut cast);
        let (kind_name, kind) = self.kind(&script);
        if events.is_empty() {
            events.extend(still(&cast, kind, &script));
        }
        for beat in &mut events {
            // Who is waited for is not there.
            if book.verbs.is_away(&beat.verb) {
                beat.targets.clear();
            }
        }
        let frames = wanted.frames.unwrap_or_else(|| {
            (events.len() + book.frames.beyond).clamp(
                book.frames.least,
                book.frames.most.max(events.len().min(MOST_FRAMES)),
            )
        });
        let numbers: Vec<u32> = wanted
            .shots
            .iter()
            .map(|id| {
                vocabulary
                    .shot(id)
                    .and_then(|shot| shot.number)
                    .unwrap_or(4)
            })
            .collect();
        let given = (!numbers.is_empty()).then_some(numbers.as_slice());
        let misfits = misfits(&events, &cast, kind, vocabulary, book);
        let slots = slots(&events, &misfits, frames, given, kind);

        let sides = sides(&cast, &events);
        let mut stages: HashMap<(Option<usize>, Option<usize>), Stage> = HashMap::new();
        let mut writer = Writer::new(book, vocabulary, kind, &cast, &events, sides.clone());
        let mut frames: Vec<PlannedFrame> = Vec::with_capacity(slots.len());
        for (at, slot) in slots.iter().enumerate() {
            let beat = slot
                .beat
                .or_else(|| slots.iter().find_map(|slot| slot.beat))
                .and_then(|beat| events.get(beat));
            let place = beat.map_or((!script.places.is_empty()).then_some(0), |beat| beat.place);
            let light = beat.map_or((!script.lights.is_empty()).then_some(0), |beat| beat.light);
            let stage = stages.entry((place, light)).or_insert_with(|| {
                let place = place
                    .and_then(|place| script.places.get(place))
                    .map(|place| &place.what);
                let light = light
                    .and_then(|light| script.lights.get(light))
                    .map(|light| light.what.as_str());
                Stage::new(place, light, kind, vocabulary, book)
            });
            let id = match wanted.shots.get(at) {
                Some(id) => id.clone(),
                None => vocabulary
                    .shot_numbered(slot.shot)
                    .unwrap_or("medium-shot")
                    .to_owned(),
            };
            writer.want(still_to_come(&writer, &slots[at..], &events, &sides));
            let prompt = writer.write(slot, &id, stage);
            frames.push(PlannedFrame { shot: id, prompt });
        }
        let unseen: Vec<String> = writer
            .unseen()
            .iter()
            .map(|who| cast.members[*who].token.clone())
            .collect();
        Ok(ScenePlan {
            kind: kind_name.to_owned(),
            notes: notes(&script, &cast, kind, &unseen),
            frames,
        })
    }

    /// The kind whose cues are heard most, of several the one heard first.
    fn kind(&self, script: &Script<'_>) -> (&str, &Kind) {
        let book = &self.book;
        let mut scores: HashMap<&str, (usize, usize)> = HashMap::new();
        for (at, token) in script.tokens.iter().enumerate() {
            // "in the waiting room" is no waiting.
            if matches!(script.tags[at], script::Tag::Place | script::Tag::Light) {
                continue;
            }
            let base = book.verbs.known(&token.lower).map(|verb| verb.base);
            for (name, kind) in &book.kinds {
                let heard = kind.cues.iter().any(|cue| {
                    token.lower == *cue
                        || base.as_deref() == Some(cue)
                        || token.lower.strip_suffix('s') == Some(cue)
                });
                if heard {
                    let score = scores.entry(name).or_insert((0, at));
                    score.0 += kind.weight;
                }
            }
        }
        let best = scores.into_iter().max_by_key(|(name, (count, first))| {
            (*count, std::cmp::Reverse(*first), std::cmp::Reverse(*name))
        });
        match best.and_then(|(name, _)| book.kinds.get_key_value(name)) {
            Some((name, kind)) => (name, kind),
            None => (EVERYDAY, &book.everyday),
        }
    }
}

/// How badly each event is seen in each shot. What cannot be said in a shot in
/// full is not seen in it.
fn misfits(
    events: &[Beat],
    cast: &Cast,
    kind: &Kind,
    vocabulary: &Vocabulary,
    book: &Book,
) -> Misfits {
    let stage = Stage::standing_in(kind);
    let shots: Vec<(&str, &crate::shot::Shot)> = vocabulary.shots().collect();
    let mut misfits = Vec::with_capacity(events.len());
    for beat in events {
        let mut row = [POOR; 10];
        let deed = writer::join(&beat.verb, &beat.tail.replace(beat::PLACE, "it"));
        for (id, shot) in &shots {
            let Some(cell) = shot.number.and_then(|number| row.get_mut(number as usize)) else {
                continue;
            };
            let number = shot.number.unwrap_or_default();
            if beat.verb.is_empty() {
                *cell = if number == 9 { 0 } else { POOR };
                continue;
            }
            *cell = book.misfit(beat.class, number);
            if matches!(number, 1 | 2 | 9) && !beat.targets.is_empty() {
                // The other one would be outside the frame.
                *cell = POOR;
            }
            let Some(actor) = beat.actors.first() else {
                continue;
            };
            let framing = vocabulary.framing(id);
            let wide = framing.is_some_and(|framing| framing.environment_first);
            let anchor = framing
                .and_then(|framing| framing.anchor.as_deref())
                .unwrap_or_default();
            let mut seen = format!(
                "{} {}",
                cast.members[*actor].name,
                beat::without_ways(&deed)
            );
            if !anchor.is_empty() {
                seen = format!("{seen}, {anchor}");
            }
            if *cell < POOR && !is_clean(&stage.around(&shot.phrase, wide, &seen, None), vocabulary)
            {
                *cell = POOR;
            }
        }
        misfits.push(row);
    }
    misfits
}

/// What there is to see where nothing happens.
fn still(cast: &Cast, kind: &Kind, script: &Script<'_>) -> Option<Beat> {
    let doing = kind.face.iter().chain(&kind.body).find(|item| {
        !item.contains('{')
            && item
                .split(' ')
                .next()
                .is_some_and(|word| word.ends_with("ing"))
    })?;
    let actors = cast.everybody();
    let thing = actors
        .is_empty()
        .then(|| kind.things.first().cloned())
        .flatten();
    let verb = if actors.is_empty() {
        String::new()
    } else {
        doing.clone()
    };
    Some(Beat {
        actors,
        thing,
        person: false,
        verb,
        tail: String::new(),
        object: String::new(),
        class: Class::Body,
        targets: Vec::new(),
        prop: None,
        place: (!script.places.is_empty()).then_some(0),
        light: (!script.lights.is_empty()).then_some(0),
        weather: script.weather.first().map(|weather| weather.what.clone()),
        turns: false,
    })
}

/// On which side everybody is, all through the scene: in the order in which they
/// act, left, right, and the third between them.
fn sides(cast: &Cast, events: &[Beat]) -> Vec<Position> {
    let mut order: Vec<usize> = Vec::new();
    let acting = events
        .iter()
        .flat_map(|beat| beat.actors.iter().chain(&beat.targets).copied());
    for who in acting.chain(cast.everybody()) {
        if !order.contains(&who) {
            order.push(who);
        }
    }
    let mut sides = vec![Position::Left; order.len()];
    for (rank, who) in order.into_iter().enumerate() {
        sides[who] = [Position::Left, Position::Right, Position::Centre][rank % 3];
    }
    sides
}

/// Members whom no later frame would show, so that this one must.
fn still_to_come(
    writer: &Writer<'_>,
    rest: &[rhythm::Slot],
    events: &[Beat],
    sides: &[Position],
) -> Vec<usize> {
    let missing: Vec<usize> = writer
        .unseen()
        .iter()
        .copied()
        .filter(|who| {
            let mut shown = rest
                .iter()
                .filter_map(|slot| Some((slot, events.get(slot.beat?)?)));
            !shown.any(|(slot, beat)| {
                beat.actors.first() == Some(who)
                    || (slot.shot != 1
                        && slot.shot != 2
                        && slot.shot != 9
                        && (beat.actors.contains(who) || beat.targets.contains(who)))
            })
        })
        .collect();
    // Later frames take the others of the same side.
    let mut taken: Vec<Position> = Vec::new();
    let mut wanted: Vec<usize> = Vec::new();
    for who in missing {
        if !taken.contains(&sides[who]) {
            taken.push(sides[who]);
            wanted.push(who);
        }
    }
    wanted
}

fn notes(script: &Script<'_>, cast: &Cast, kind: &Kind, unseen: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    if script.places.is_empty() {
        notes.push(format!(
            "no place is named; the prompts say \"{}\"",
            kind.setting
        ));
    }
    if script.lights.is_empty() {
        notes.push(format!(
            "no light is named; the prompts say \"{}\"",
            kind.light
        ));
    }
    for stranger in &cast.strangers {
        notes.push(format!(
            "\"{stranger}\" is no character, and will look different from frame to frame"
        ));
    }
    for token in unseen {
        notes.push(format!(
            "`{token}` is in no frame: ask for more frames, or for wider shots"
        ));
    }
    notes
}
