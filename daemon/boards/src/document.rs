//! Changing a board's file: what a person wrote in it, comments and order
//! included, stays as it is.

use std::collections::BTreeSet;

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use crate::board::{Batch, Board, FORMAT, Generate, Take, Variations};
use crate::error::BoardError;
use crate::relative_path::RelativePath;
use crate::seed::Seed;

/// Between the seeds of two frames: room for many batches of takes.
const SEEDS_A_FRAME: u64 = 1_000;

/// What a new file begins with.
const HEAD: &str = "\
# A storyboard. Edit it as you like: comments and order stay. What it asks for and
# does not have is drawn by the next `framewright board render`.
";

/// What a new board is made of.
#[derive(Clone, Debug, Default)]
pub struct NewBoard {
    /// What happens.
    pub scene: String,
    /// Who is in it.
    pub characters: Vec<String>,
    /// How many takes a frame is to have; 4 when left out.
    pub candidates: Option<u32>,
    /// Seed of the first frame.
    pub seed: Seed,
    /// How seeds differ.
    pub variations: Variations,
    /// Whether frames with the same setting start from the same noise.
    pub shared_noise: bool,
    /// Frames a second; 24 when left out.
    pub fps: Option<f64>,
    /// How long a frame lasts, seconds; 2 when left out.
    pub duration: Option<f64>,
    /// What to keep out.
    pub negative_prompt: Option<String>,
    /// Model, size, steps …
    pub generate: Generate,
    /// How many frames a planner is asked for.
    pub frames: Option<u32>,
    /// Which shots a planner is asked for.
    pub shots: Option<Vec<String>>,
}

/// A frame to add.
#[derive(Clone, Debug, Default)]
pub struct NewFrame {
    /// The shot's name.
    pub shot: Option<String>,
    /// What is drawn.
    pub prompt: String,
    /// What is kept out.
    pub negative_prompt: Option<String>,
    /// Where it is.
    pub setting: Option<String>,
    /// What is said or done.
    pub note: Option<String>,
    /// How long it lasts, seconds.
    pub duration: Option<f64>,
}

/// What to change in a frame; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct FrameChange {
    /// The shot's name.
    pub shot: Option<String>,
    /// What is drawn.
    pub prompt: Option<String>,
    /// What is kept out; empty for nothing.
    pub negative_prompt: Option<String>,
    /// Where it is.
    pub setting: Option<String>,
    /// What is said or done.
    pub note: Option<String>,
    /// How long it lasts, seconds.
    pub duration: Option<f64>,
    /// Seed of its first take.
    pub seed: Option<Seed>,
}

/// A board's file, to be changed.
#[derive(Clone, Debug)]
pub struct BoardDocument {
    toml: DocumentMut,
    board: Board,
}

impl BoardDocument {
    /// A new board.
    ///
    /// # Errors
    /// [`BoardError::Broken`] for values that no board has.
    pub fn new(new: &NewBoard) -> Result<Self, BoardError> {
        let mut toml = DocumentMut::new();
        toml["format"] = value(i64::from(FORMAT));
        toml.key_mut("format")
            .into_iter()
            .for_each(|mut key| key.leaf_decor_mut().set_prefix(HEAD));
        toml["scene"] = value(&new.scene);
        toml["characters"] = value(new.characters.iter().collect::<Array>());
        toml["candidates"] = commented(i64::from(new.candidates.unwrap_or(4)), "takes of a frame");
        toml["seed"] = value(new.seed.to_toml());
        toml["variations"] = commented(
            new.variations.as_str(),
            "take k, from 0, has the frame's seed + k; or \"random\"",
        );
        toml["shared_noise"] = commented(
            new.shared_noise,
            "frames with the same setting have the same seed",
        );
        match new.fps.unwrap_or(24.0) {
            whole if whole.fract() == 0.0 => toml["fps"] = value(whole as i64),
            rate => toml["fps"] = value(rate),
        }
        toml["duration"] = commented(
            new.duration.unwrap_or(2.0),
            "seconds, of a frame that does not say",
        );
        if let Some(negative) = &new.negative_prompt {
            toml["negative_prompt"] = value(negative);
        }
        let mut generate = Table::new();
        generate
            .decor_mut()
            .set_prefix("\n# As in `frame.generate`.\n");
        for (key, parameter) in &new.generate {
            if let Some(parameter) = to_toml(parameter) {
                generate.insert(key, Item::Value(parameter));
            }
        }
        toml["generate"] = Item::Table(generate);
        if new.frames.is_some() || new.shots.is_some() {
            let mut plan = Table::new();
            if let Some(frames) = new.frames {
                plan["frames"] = value(i64::from(frames));
            }
            if let Some(shots) = &new.shots {
                plan["shots"] = value(shots.iter().collect::<Array>());
            }
            toml["plan"] = Item::Table(plan);
        }
        Self::parse(&toml.to_string())
    }

    /// Reads a board's file.
    ///
    /// # Errors
    /// [`BoardError::Broken`] with the line.
    pub fn parse(text: &str) -> Result<Self, BoardError> {
        let board = Board::parse(text)?;
        let toml = text.parse::<DocumentMut>();
        let toml = toml.map_err(|error| BoardError::Broken {
            line: None,
            reason: error.message().to_owned(),
        })?;
        Ok(Self { toml, board })
    }

    /// What it says.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The file.
    pub fn text(&self) -> String {
        self.toml.to_string()
    }

    /// Gives every frame what a person need not write: an id of its own and a
    /// seed.
    ///
    /// # Errors
    /// [`BoardError::Broken`] where the frames are no list.
    pub fn settle(&mut self) -> Result<(), BoardError> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut next = 0_u64;
        let number = |id: &str| id.strip_prefix('f').and_then(|id| id.parse::<u64>().ok());
        for frame in &self.board.frames {
            next = next.max(number(&frame.id).map_or(0, |number| number.saturating_add(1)));
        }
        let mut settings: Vec<(String, Seed)> = Vec::new();
        let shared = self.board.shared_noise;
        let first = self.board.seed;
        let mut changes = Vec::new();
        for (place, frame) in self.board.frames.iter().enumerate() {
            let mut id = None;
            if frame.id.is_empty() || taken.contains(&frame.id) {
                id = Some(format!("f{next}"));
                next = next.saturating_add(1);
            }
            taken.insert(id.clone().unwrap_or_else(|| frame.id.clone()));
            let setting = frame.setting.clone().unwrap_or_default();
            let same = settings.iter().find(|(known, _)| *known == setting);
            let seed = match (frame.seed, same) {
                (Some(_), _) => None,
                (None, Some((_, seed))) if shared => Some(*seed),
                _ => {
                    let own = id.as_deref().unwrap_or(&frame.id);
                    let number = number(own).unwrap_or(place as u64);
                    let offset = number.wrapping_mul(SEEDS_A_FRAME);
                    Some(Seed(first.0.wrapping_add(offset)))
                }
            };
            if same.is_none()
                && let Some(seed) = frame.seed.or(seed)
            {
                settings.push((setting, seed));
            }
            if id.is_some() || seed.is_some() {
                changes.push((place, id, seed));
            }
        }
        for (place, id, seed) in changes {
            let table = self.frame_mut(place)?;
            if let Some(id) = id {
                set_first(table, "id", value(id));
            }
            if let Some(seed) = seed {
                set(table, "seed", value(seed.to_toml()));
            }
        }
        self.refresh()
    }

    /// Adds a frame at the end.
    ///
    /// # Errors
    /// As [`Board::parse`].
    pub fn add_frame(&mut self, new: &NewFrame) -> Result<(), BoardError> {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        let texts = [
            ("shot", new.shot.as_ref()),
            ("prompt", Some(&new.prompt)),
            ("negative_prompt", new.negative_prompt.as_ref()),
            ("setting", new.setting.as_ref()),
            ("note", new.note.as_ref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                table.insert(key, value(text));
            }
        }
        if let Some(duration) = new.duration {
            table.insert("duration", value(duration));
        }
        self.frames_mut()?.push(table);
        self.refresh()?;
        self.settle()
    }

    /// Takes all frames out. Their pictures stay in the folder.
    ///
    /// # Errors
    /// As [`Board::parse`].
    pub fn remove_frames(&mut self) -> Result<(), BoardError> {
        self.toml.remove("frames");
        self.refresh()
    }

    /// Changes a frame.
    ///
    /// # Errors
    /// As [`Board::parse`].
    pub fn change_frame(&mut self, place: usize, change: &FrameChange) -> Result<(), BoardError> {
        let table = self.frame_mut(place)?;
        let texts = [
            ("shot", &change.shot),
            ("prompt", &change.prompt),
            ("negative_prompt", &change.negative_prompt),
            ("setting", &change.setting),
            ("note", &change.note),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                set(table, key, value(text));
            }
        }
        if let Some(duration) = change.duration {
            set(table, "duration", value(duration));
        }
        if let Some(seed) = change.seed {
            set(table, "seed", value(seed.to_toml()));
        }
        self.refresh()
    }

    /// Picks a picture for a frame, or none.
    ///
    /// # Errors
    /// As [`Board::parse`].
    pub fn set_pick(
        &mut self,
        place: usize,
        pick: Option<&RelativePath>,
    ) -> Result<(), BoardError> {
        let table = self.frame_mut(place)?;
        match pick {
            Some(image) => set(table, "pick", value(image.as_str())),
            None => drop(table.remove("pick")),
        }
        self.refresh()
    }

    /// Adds a take to the batch of the same request, or to a new one. A take
    /// of the same seed in it gives way.
    ///
    /// # Errors
    /// As [`Board::parse`].
    pub fn add_take(&mut self, place: usize, batch: &Batch, take: &Take) -> Result<(), BoardError> {
        let of_request = |known: &Batch| known.asked == batch.asked;
        let known = self.board.frames.get(place);
        let found = known.and_then(|frame| frame.batches.iter().rposition(of_request));
        let in_order = self.board.variations == Variations::SeedPlusK;
        let batch_there = found.and_then(|number| known.and_then(|it| it.batches.get(number)));
        let earlier = batch_there.map_or(0, |there| {
            let before = |known: &&Take| !in_order || known.seed < take.seed;
            there.takes.iter().filter(before).count()
        });
        let table = self.frame_mut(place)?;
        let batches = tables_mut(table.entry("batches").or_insert_with(no_tables))?;
        let number = match found {
            Some(number) => number,
            None => {
                let mut new = Table::new();
                new.insert("asked", value(&batch.asked));
                new.insert("prompt", value(&batch.prompt));
                if let Some(negative) = &batch.negative_prompt {
                    new.insert("negative_prompt", value(negative));
                }
                new.insert("seed", value(batch.seed.to_toml()));
                batches.push(new);
                batches.len() - 1
            }
        };
        let table = batches.get_mut(number).ok_or_else(odd_frames)?;
        let takes = table.entry("takes").or_insert_with(|| value(Array::new()));
        let takes = takes.as_array_mut().ok_or_else(|| BoardError::Broken {
            line: None,
            reason: "takes are written as a list: takes = [ { … } ]".to_owned(),
        })?;
        let mut inline = InlineTable::new();
        inline.insert("seed", take.seed.to_toml());
        inline.insert("image", take.image.as_str().into());
        inline.insert("hash", take.hash.as_str().into());
        let same = takes.iter().position(|known| {
            let seed = known.as_inline_table().and_then(|known| known.get("seed"));
            seed.is_some_and(|seed| is_seed(seed, take.seed))
        });
        match same {
            Some(number) => drop(takes.replace(number, inline)),
            None => takes.insert(earlier.min(takes.len()), inline),
        }
        for known in takes.iter_mut() {
            known.decor_mut().set_prefix("\n    ");
            known.decor_mut().set_suffix("");
        }
        takes.set_trailing("\n");
        takes.set_trailing_comma(true);
        self.refresh()
    }

    /// Reads again what the text says now.
    fn refresh(&mut self) -> Result<(), BoardError> {
        self.board = Board::parse(&self.text())?;
        Ok(())
    }

    fn frames_mut(&mut self) -> Result<&mut ArrayOfTables, BoardError> {
        tables_mut(self.toml.entry("frames").or_insert_with(no_tables))
    }

    fn frame_mut(&mut self, place: usize) -> Result<&mut Table, BoardError> {
        let frames = self.frames_mut()?;
        let count = frames.len();
        frames.get_mut(place).ok_or(BoardError::NoFrame {
            asked: place.to_string(),
            frames: count,
        })
    }
}

/// A frame's table that the file has another way, which is none of this one's.
fn odd_frames() -> BoardError {
    BoardError::Broken {
        line: None,
        reason: "frames are written as [[frames]], and their batches as [[frames.batches]]"
            .to_owned(),
    }
}

fn no_tables() -> Item {
    Item::ArrayOfTables(ArrayOfTables::new())
}

/// A list of tables; one that was written `[ { … } ]` is spread out.
fn tables_mut(item: &mut Item) -> Result<&mut ArrayOfTables, BoardError> {
    if !item.is_array_of_tables() {
        match std::mem::take(item).into_array_of_tables() {
            Ok(tables) => *item = Item::ArrayOfTables(tables),
            Err(other) => *item = other,
        }
    }
    item.as_array_of_tables_mut().ok_or_else(odd_frames)
}

/// Sets a value and leaves what stands around it.
fn set(table: &mut Table, key: &str, mut item: Item) {
    match table.get_mut(key) {
        None => drop(table.insert(key, item)),
        Some(there) => {
            if let (Some(old), Some(new)) = (there.as_value(), item.as_value_mut()) {
                *new.decor_mut() = old.decor().clone();
            }
            *there = item;
        }
    }
}

/// Sets a value before all others of the table.
fn set_first(table: &mut Table, key: &str, item: Item) {
    if table.contains_key(key) {
        set(table, key, item);
        return;
    }
    // The order of a table is that of its keys.
    table.insert(key, item);
    table.sort_values_by(|one, _, other, _| {
        let rank = |name: &toml_edit::Key| name.get() != key;
        rank(one).cmp(&rank(other))
    });
}

fn commented(item: impl Into<Value>, comment: &str) -> Item {
    let mut item = item.into();
    item.decor_mut().set_suffix(format!("  # {comment}"));
    Item::Value(item)
}

fn is_seed(item: &Value, seed: Seed) -> bool {
    match item {
        Value::Integer(number) => u64::try_from(*number.value()).is_ok_and(|it| it == seed.0),
        Value::String(text) => text.value().parse() == Ok(seed.0),
        _ => false,
    }
}

/// A parameter as TOML; `None` for null, which TOML has not.
fn to_toml(parameter: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;

    Some(match parameter {
        Json::Null => return None,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().filter_map(to_toml).collect::<Array>().into(),
        Json::Object(map) => {
            let mut table = InlineTable::new();
            for (key, item) in map {
                if let Some(item) = to_toml(item) {
                    table.insert(key, item);
                }
            }
            table.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two_frames() -> BoardDocument {
        let new = NewBoard {
            scene: "Kaito finds a \"letter\"\nin a library".to_owned(),
            characters: vec!["kaitoyosuke".to_owned()],
            seed: Seed(7),
            generate: Generate::from([
                ("model".to_owned(), "tiny".into()),
                ("width".to_owned(), 64.into()),
                ("guidance_scale".to_owned(), 6.5.into()),
            ]),
            shots: Some(vec!["2".to_owned(), "long-shot".to_owned()]),
            ..NewBoard::default()
        };
        let mut document = BoardDocument::new(&new).expect("a board");
        for prompt in ["close up of a fox", "long shot picture of a fox"] {
            let frame = NewFrame {
                shot: Some("close-up".to_owned()),
                prompt: prompt.to_owned(),
                ..NewFrame::default()
            };
            document.add_frame(&frame).expect("added");
        }
        document
    }

    fn take(document: &BoardDocument, place: usize, seed: u64) -> (Batch, Take) {
        let frame = &document.board().frames[place];
        let batch = Batch {
            asked: document.board().asked(frame),
            prompt: frame.prompt.clone(),
            negative_prompt: None,
            seed: frame.seed.expect("a seed"),
            takes: Vec::new(),
        };
        let image = format!("takes/{}-{}-{seed}.png", frame.id, batch.asked);
        let take = Take {
            seed: Seed(seed),
            image: RelativePath::new(&image).expect("a path"),
            hash: "ab".repeat(32),
        };
        (batch, take)
    }

    #[test]
    fn a_board_is_written_as_a_person_would() {
        let mut document = two_frames();
        for seed in [7, 8] {
            let (batch, take) = take(&document, 0, seed);
            document.add_take(0, &batch, &take).expect("added");
        }
        let pick = document.board().frames[0].batches[0].takes[1].image.clone();
        document.set_pick(0, Some(&pick)).expect("picked");
        let text = document.text();
        let expected = "\
# A storyboard. Edit it as you like: comments and order stay. What it asks for and
# does not have is drawn by the next `framewright board render`.
format = 1
scene = \"\"\"
Kaito finds a \"letter\"
in a library\"\"\"
characters = [\"kaitoyosuke\"]
candidates = 4  # takes of a frame
seed = 7
variations = \"seed+k\"  # take k, from 0, has the frame's seed + k; or \"random\"
shared_noise = false  # frames with the same setting have the same seed
fps = 24
duration = 2.0  # seconds, of a frame that does not say

# As in `frame.generate`.
[generate]
guidance_scale = 6.5
model = \"tiny\"
width = 64

[plan]
shots = [\"2\", \"long-shot\"]

[[frames]]
id = \"f0\"
shot = \"close-up\"
prompt = \"close up of a fox\"
seed = 7
pick = \"takes/f0-ASKED-8.png\"

[[frames.batches]]
asked = \"ASKED\"
prompt = \"close up of a fox\"
seed = 7
takes = [
    { seed = 7, image = \"takes/f0-ASKED-7.png\", hash = \"HASH\" },
    { seed = 8, image = \"takes/f0-ASKED-8.png\", hash = \"HASH\" },
]

[[frames]]
id = \"f1\"
shot = \"close-up\"
prompt = \"long shot picture of a fox\"
seed = 1007
";
        let asked = document.board().asked(&document.board().frames[0]);
        let expected = expected
            .replace("ASKED", &asked)
            .replace("HASH", &"ab".repeat(32));
        assert_eq!(text, expected);
        let read = BoardDocument::parse(&text).expect("a board");
        assert_eq!(read.board(), document.board());
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let text = "\
# my board
scene = 'x' # short
candidates = 2

[[frames]]
# the fox looks up
prompt = 'a fox'   # try a wolf?
duration = 3 # beats

  # the end
[[frames]]
prompt = 'a wolf'
";
        let mut document = BoardDocument::parse(text).expect("a board");
        document.settle().expect("settled");
        let change = FrameChange {
            prompt: Some("a red fox".to_owned()),
            duration: Some(1.5),
            ..FrameChange::default()
        };
        document.change_frame(0, &change).expect("changed");
        let (batch, take) = take(&document, 1, 1_000);
        document.add_take(1, &batch, &take).expect("added");
        let changed = document.text();
        for kept in [
            "# my board\n",
            "scene = 'x' # short\n",
            "# the fox looks up\n",
            "prompt = \"a red fox\"   # try a wolf?\n",
            "duration = 1.5 # beats\n",
            "  # the end\n[[frames]]\n",
            "prompt = 'a wolf'\n",
        ] {
            assert!(changed.contains(kept), "{kept}: {changed}");
        }
        assert_eq!(document.board().frames[1].batches[0].takes, [take]);
    }

    #[test]
    fn frames_get_ids_and_seeds_of_their_own() {
        let text = "seed = 5\nframes = [ { prompt = 'a', id = 'f4' }, { prompt = 'b' }, { prompt = 'c', id = 'f4' } ]\n";
        let mut document = BoardDocument::parse(text).expect("a board");
        document.settle().expect("settled");
        let frames = &document.board().frames;
        let ids: Vec<_> = frames.iter().map(|frame| frame.id.as_str()).collect();
        assert_eq!(ids, ["f4", "f5", "f6"]);
        let seeds: Vec<_> = frames.iter().map(|frame| frame.seed).collect();
        assert_eq!(seeds, [4_005, 5_005, 6_005].map(|seed| Some(Seed(seed))));
        let text = document.text();
        document.settle().expect("settled");
        assert_eq!(document.text(), text, "settled once and for all");
    }

    #[test]
    fn frames_of_one_setting_share_their_noise_where_it_is_asked_for() {
        let text = "seed = 5\nshared_noise = true\n\
            [[frames]]\nprompt = 'a'\nsetting = 'park'\n\
            [[frames]]\nprompt = 'b'\nsetting = 'bus'\n\
            [[frames]]\nprompt = 'c'\nsetting = 'park'\n\
            [[frames]]\nprompt = 'd'\nsetting = 'bus'\nseed = 3\n";
        let mut document = BoardDocument::parse(text).expect("a board");
        document.settle().expect("settled");
        let seeds: Vec<_> = document.board().frames.iter().map(|it| it.seed).collect();
        assert_eq!(seeds, [5, 1_005, 5, 3].map(|seed| Some(Seed(seed))));
    }

    #[test]
    fn another_prompt_asks_for_another_batch_and_the_old_one_stays() {
        let mut document = two_frames();
        let (batch, first) = take(&document, 0, 7);
        document.add_take(0, &batch, &first).expect("added");
        let change = |prompt: &str| FrameChange {
            prompt: Some(prompt.to_owned()),
            ..FrameChange::default()
        };
        document
            .change_frame(0, &change("a wolf"))
            .expect("changed");
        assert!(
            document
                .board()
                .takes(&document.board().frames[0])
                .is_empty()
        );
        let (batch, second) = take(&document, 0, 7);
        document.add_take(0, &batch, &second).expect("added");
        assert_eq!(document.board().frames[0].batches.len(), 2);
        assert_ne!(first.image, second.image);
        // Whoever takes the change back has the old takes again.
        document
            .change_frame(0, &change("close up of a fox"))
            .expect("changed");
        let board = document.board();
        assert_eq!(board.takes(&board.frames[0]), [first]);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let line = |text: &str| match Board::parse(text) {
            Err(BoardError::Broken { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line("scene = 'x'\nscen = 'y'\n"), Some(2));
        assert_eq!(line("scene = 'x'\n[[frames]]\nprompt = 3\n"), Some(3));
        assert_eq!(line("scene = 'x'\n\n[[frames\n"), Some(3));
        assert_eq!(line("[[frames]]\npick = '../x.png'\n"), Some(2));
        assert_eq!(line("[[frames]]\n\nseed = -1\n"), Some(3));
        assert_eq!(line("candidates = 0\n"), Some(1));
        assert_eq!(line("fps = 7.5\n"), Some(1));
        assert_eq!(line("\nduration = 0\n"), Some(2));
        assert_eq!(line("[generate]\nprompt = 'x'\n"), Some(2));
        assert_eq!(line("format = 2\n"), Some(1));
    }

    proptest! {
        #[test]
        fn any_text_is_written_and_read_back(
            scene in "\\PC{0,40}[\\n\"'\\\\#]{0,3}",
            prompts in proptest::collection::vec("[ -~à-яα-ω\\n\"\\\\]{0,40}", 0..4),
            seed in any::<u64>(),
        ) {
            let new = NewBoard { scene: scene.clone(), seed: Seed(seed), ..NewBoard::default() };
            let mut document = BoardDocument::new(&new).expect("a board");
            for prompt in &prompts {
                let frame = NewFrame { prompt: prompt.clone(), ..NewFrame::default() };
                document.add_frame(&frame).expect("added");
            }
            let read = Board::parse(&document.text()).expect("a board");
            prop_assert_eq!(&read.scene, &scene);
            prop_assert_eq!(read.seed, Seed(seed));
            let found: Vec<_> = read.frames.iter().map(|frame| frame.prompt.clone()).collect();
            prop_assert_eq!(found, prompts);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,200}") {
            let _ = BoardDocument::parse(&text).and_then(|mut document| document.settle());
        }
    }
}
