//! What a prompt says.

use crate::span::Span;

/// A prompt that was read. All spans are bytes of that prompt, for highlighting;
/// what was not there is none or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The shot: the one that opens the prompt, or else the first one named.
    pub shot: Option<ShotMention>,
    /// Further shots that are named.
    pub other_shots: Vec<ShotMention>,
    /// How many people the prompt says there are.
    pub people: Option<PeopleCount>,
    /// Characters in the order of their mentions, one entry a mention.
    pub characters: Vec<CharacterMention>,
    /// People without a character's name.
    pub strangers: Vec<Stranger>,
    /// Positions that belong to no character.
    pub loose_positions: Vec<PositionMention>,
    /// Where it is: "dusty library".
    pub setting: Option<Phrase>,
    /// The light: "soft daylight".
    pub light: Option<Phrase>,
    /// What is done.
    pub actions: Vec<Action>,
    /// All of the text but the opening shot phrase.
    pub(crate) clauses: Vec<Clause>,
}

/// A clause in canonical spelling.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clause {
    pub text: String,
    pub separator: Option<char>,
    pub span: Span,
}

/// A shot that is named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShotMention {
    /// The shot's id, such as `close-up`.
    pub id: String,
    /// The phrase by which prompts should name it: "close up of".
    pub phrase: String,
    /// Whether it opens the prompt.
    pub opens: bool,
    /// Its words, with "a" before and "picture of" after them.
    pub span: Span,
}

/// How many people there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeopleCount {
    /// The number.
    pub count: u32,
    /// "two people".
    pub span: Span,
}

/// How a character is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Token and class, "kaitoyosuke man": this alone activates a character.
    Full,
    /// The token without a class.
    TokenOnly,
    /// The token with another class: "kaitoyosuke woman".
    OtherClass,
    /// One of the aliases, "the detective", or token and class as one word.
    Alias,
}

/// One mention of a character.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterMention {
    /// The character's token, as the vocabulary has it.
    pub token: String,
    /// How it is named.
    pub naming: Naming,
    /// Where in the frame it is.
    pub position: Option<PositionMention>,
    /// Token and class, or the alias.
    pub span: Span,
}

/// A place in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// On the left.
    Left,
    /// In the centre.
    Centre,
    /// On the right.
    Right,
}

/// A place in the frame that is named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionMention {
    /// Which.
    pub position: Position,
    /// "on the left".
    pub span: Span,
}

/// Someone who is no character.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stranger {
    /// A word that stands where a token would: "somebody" in "somebody man".
    pub name: Option<String>,
    /// The whole phrase: "a young man", "somebody man".
    pub span: Span,
}

/// A setting or a light.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Phrase {
    /// Its words without preposition and article, whitespace as single spaces.
    pub text: String,
    /// Where these words stand.
    pub span: Span,
    /// The same with preposition and article.
    pub whole: Span,
}

/// Something that is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Action {
    /// From the verb on: "holding a cup", whitespace as single spaces.
    pub text: String,
    /// Who does it, as an index into [`Parsed::characters`].
    pub character: Option<usize>,
    /// Where it stands.
    pub span: Span,
}

impl Parsed {
    /// The tokens of the characters that are active, each once, in the order of
    /// their first mention.
    #[must_use]
    pub fn active(&self) -> Vec<&str> {
        let mut tokens: Vec<&str> = Vec::new();
        for mention in &self.characters {
            if mention.naming == Naming::Full && !tokens.contains(&mention.token.as_str()) {
                tokens.push(&mention.token);
            }
        }
        tokens
    }

    /// The same with all spans empty: what is said, wherever it stands.
    #[must_use]
    pub fn without_spans(&self) -> Self {
        let mut parsed = self.clone();
        let nowhere = Span::default();
        let shots = parsed.shot.iter_mut().chain(&mut parsed.other_shots);
        shots.for_each(|shot| shot.span = nowhere);
        if let Some(people) = &mut parsed.people {
            people.span = nowhere;
        }
        for mention in &mut parsed.characters {
            mention.span = nowhere;
            if let Some(position) = &mut mention.position {
                position.span = nowhere;
            }
        }
        for stranger in &mut parsed.strangers {
            stranger.span = nowhere;
        }
        for position in &mut parsed.loose_positions {
            position.span = nowhere;
        }
        for phrase in parsed.setting.iter_mut().chain(&mut parsed.light) {
            phrase.span = nowhere;
            phrase.whole = nowhere;
        }
        for action in &mut parsed.actions {
            action.span = nowhere;
        }
        for clause in &mut parsed.clauses {
            clause.span = nowhere;
        }
        parsed
    }
}

/// Writes a prompt in canonical spelling: the shot's own phrase for its alias,
/// tokens and classes as the vocabulary has them, one space between words, one
/// mark between clauses and none at the end. Nothing else is changed, so that
/// reading it again gives the same [`Parsed`], spans apart.
#[must_use]
pub fn format(parsed: &Parsed) -> String {
    let mut prompt = String::new();
    if let Some(shot) = parsed.shot.as_ref().filter(|shot| shot.opens) {
        prompt.push_str(&shot.phrase);
        prompt.push(' ');
    }
    for clause in &parsed.clauses {
        prompt.push_str(&clause.text);
        if let Some(separator) = clause.separator {
            prompt.push(separator);
            prompt.push(' ');
        }
    }
    let length = prompt.trim_end().len();
    prompt.truncate(length);
    prompt
}
