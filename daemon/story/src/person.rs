//! What a prompt says of one of the people in a frame, and how it reads with
//! another in their place.

use crate::character::Character;
use crate::parsed::{Parsed, Phrase, Position};
use crate::reading::parse;
use crate::span::Span;
use crate::vocabulary::Vocabulary;

/// One of the people whom a prompt puts into a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The character's token; none of a stranger.
    pub token: Option<String>,
    /// Where in the frame they are, where it is said.
    pub position: Option<Position>,
    /// Where they are first named.
    pub span: Span,
    /// What they do: "holding a cup", in the order of the text.
    pub actions: Vec<String>,
}

/// The people of a prompt, each once, in the order in which they are named.
#[must_use]
pub fn people(parsed: &Parsed) -> Vec<Person> {
    let named = parsed.characters.iter().map(|mention| Person {
        token: Some(mention.token.clone()),
        position: mention.position.map(|it| it.position),
        span: mention.span,
        actions: Vec::new(),
    });
    let strangers = parsed.strangers.iter().map(|stranger| Person {
        token: None,
        position: None,
        span: stranger.span,
        actions: Vec::new(),
    });
    let mut mentions: Vec<Person> = named.chain(strangers).collect();
    mentions.sort_by_key(|person| person.span.start);
    // Whom something belongs to: who is named last before it.
    let owner = |mentions: &[Person], at: usize| {
        let before = mentions.partition_point(|person| person.span.start <= at);
        before.checked_sub(1)
    };
    for loose in &parsed.loose_positions {
        if let Some(owner) = owner(&mentions, loose.span.start) {
            mentions[owner].position.get_or_insert(loose.position);
        }
    }
    for action in &parsed.actions {
        if let Some(owner) = owner(&mentions, action.span.start) {
            mentions[owner].actions.push(action.text.clone());
        }
    }
    let mut people: Vec<Person> = Vec::new();
    for person in mentions {
        let same = |other: &&mut Person| person.token.is_some() && other.token == person.token;
        match people.iter_mut().find(same) {
            Some(known) => {
                known.position = known.position.or(person.position);
                known.actions.extend(person.actions);
            }
            None => people.push(person),
        }
    }
    people
}

/// What a prompt says of one person under a name: shot, who, what they do,
/// where, in which weather and light. Nothing is said of the others, nor of the
/// place in the frame.
#[must_use]
pub fn alone(
    prompt: &str,
    parsed: &Parsed,
    vocabulary: &Vocabulary,
    name: &str,
    actions: &[String],
) -> String {
    let mut alone = String::new();
    if let Some(shot) = &parsed.shot {
        alone.push_str(&shot.phrase);
        alone.push(' ');
    }
    alone.push_str(name);
    for action in actions {
        alone.push(' ');
        alone.push_str(action);
    }
    let phrase = |phrase: &Option<Phrase>| phrase.as_ref().map(|it| it.whole.of(prompt));
    let weather = weather(parsed, vocabulary);
    let around = phrase(&parsed.setting).into_iter();
    for said in around.chain(weather).chain(phrase(&parsed.light)) {
        alone.push_str(", ");
        alone.push_str(said);
    }
    alone
}

/// The clauses that tell the weather, and nothing of anybody.
fn weather<'a>(parsed: &'a Parsed, vocabulary: &'a Vocabulary) -> impl Iterator<Item = &'a str> {
    let words = &vocabulary.words().setting.weather;
    let tells = move |text: &str| {
        let mut parts = text.split(|letter: char| !letter.is_alphanumeric());
        parts.any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)))
    };
    let characters = parsed.characters.iter().map(|it| it.span);
    let strangers = parsed.strangers.iter().map(|it| it.span);
    let places = parsed
        .setting
        .iter()
        .chain(&parsed.light)
        .map(|it| it.whole);
    let taken: Vec<Span> = characters.chain(strangers).chain(places).collect();
    let clauses = parsed.clauses.iter();
    clauses
        .filter(move |clause| !taken.iter().any(|span| span.overlaps(clause.span)))
        .map(|clause| clause.text.as_str())
        .filter(move |text| tells(text))
}

/// A prompt for the part of a frame in which a character takes someone's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Recast {
    /// What to draw there.
    pub prompt: String,
    /// Whose place is taken, in the words of the frame's prompt; none where
    /// nobody is in it.
    pub replaced: Option<String>,
}

/// Gives someone's place in a frame to another character.
///
/// `at` is how far across the frame the place is, 0 at its left edge to 1 at
/// its right: of several people it is who is nearest to it, of those whose
/// places are not said, in the order in which they are named. Without it, it
/// is who is named first.
#[must_use]
pub fn recast(
    prompt: &str,
    vocabulary: &Vocabulary,
    character: &Character,
    at: Option<f64>,
) -> Recast {
    let parsed = parse(prompt, vocabulary);
    let people = people(&parsed);
    let who = match at {
        Some(at) => nearest(&people, at),
        None => people.first(),
    };
    let actions = who.map(|who| who.actions.as_slice()).unwrap_or_default();
    Recast {
        prompt: alone(prompt, &parsed, vocabulary, &character.name(), actions),
        replaced: who.map(|who| who.span.of(prompt).to_owned()),
    }
}

/// Who is nearest to a place across the frame.
fn nearest(people: &[Person], at: f64) -> Option<&Person> {
    let count = people.len() as f64;
    let place = |(number, person): (usize, &Person)| match person.position {
        Some(Position::Left) => 0.25,
        Some(Position::Centre) => 0.5,
        Some(Position::Right) => 0.75,
        None => (number as f64 + 0.5) / count,
    };
    let far = |person: (usize, &Person)| (place(person) - at).abs();
    let nearest = people
        .iter()
        .enumerate()
        .min_by(|one, other| far(*one).total_cmp(&far(*other)));
    nearest.map(|(_, person)| person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::Defaults;

    fn vocabulary() -> Vocabulary {
        let character = |token: &str, class: &str| Character {
            token: token.to_owned(),
            class: class.to_owned(),
            ..Character::default()
        };
        let cast = vec![
            character("kaitoyosuke", "man"),
            character("jiyeonmun", "woman"),
            character("petkotomov", "man"),
        ];
        Vocabulary::new(Defaults::shipped().unwrap(), cast).unwrap()
    }

    fn with_jiyeonmun(prompt: &str, at: Option<f64>) -> (String, Option<String>) {
        let vocabulary = vocabulary();
        let who = vocabulary.character("jiyeonmun").unwrap();
        let recast = recast(prompt, &vocabulary, who, at);
        (recast.prompt, recast.replaced)
    }

    #[test]
    fn another_character_does_what_was_done_there() {
        let frame = "medium shot picture of two people, kaitoyosuke man is on the left waving, \
                     petkotomov man is on the right holding a cup, in a dusty library, soft daylight";
        let left = with_jiyeonmun(frame, Some(0.2));
        let right = with_jiyeonmun(frame, Some(0.8));
        let end = "in a dusty library, soft daylight";
        assert_eq!(
            left.0,
            format!("medium shot picture of jiyeonmun woman waving, {end}")
        );
        assert_eq!(left.1.as_deref(), Some("kaitoyosuke man"));
        assert_eq!(
            right.0,
            format!("medium shot picture of jiyeonmun woman holding a cup, {end}")
        );
        assert_eq!(right.1.as_deref(), Some("petkotomov man"));
        assert_eq!(with_jiyeonmun(frame, None), left);
    }

    #[test]
    fn the_weather_stays() {
        let frame = "american shot picture of kaitoyosuke man holding an umbrella, at a bus stop, \
                     in the rain, night light";
        assert_eq!(
            with_jiyeonmun(frame, None).0,
            "american shot picture of jiyeonmun woman holding an umbrella, at a bus stop, \
             in the rain, night light"
        );
        // Where it tells of a person too, it goes with them.
        let frame = "close up of kaitoyosuke man, a man blinking rain away, in a park";
        assert_eq!(
            with_jiyeonmun(frame, None).0,
            "close up of jiyeonmun woman, in a park"
        );
    }

    #[test]
    fn what_is_brought_stays_and_what_one_looks_like_goes() {
        let frame = "long shot of kaitoyosuke man arriving with an umbrella, in a park";
        assert_eq!(
            with_jiyeonmun(frame, None).0,
            "long shot picture of jiyeonmun woman arriving with an umbrella, in a park"
        );
        let frame = "long shot of a man waiting with a short beard and a lamp, in a park";
        assert_eq!(
            with_jiyeonmun(frame, None).0,
            "long shot picture of jiyeonmun woman waiting, in a park"
        );
    }

    #[test]
    fn clothes_of_a_stranger_go_with_the_stranger() {
        let frame = "close up of a man with short brown hair in a green top holding a book, in a \
                     park, night light";
        let (prompt, replaced) = with_jiyeonmun(frame, Some(0.5));
        assert_eq!(
            prompt,
            "close up of jiyeonmun woman holding a book, in a park, night light"
        );
        assert_eq!(replaced.as_deref(), Some("a man"));
    }

    #[test]
    fn a_frame_without_people_gets_someone() {
        let frame = "extreme long shot view of a city street, night light";
        let (prompt, replaced) = with_jiyeonmun(frame, Some(0.5));
        assert!(
            prompt.starts_with("extreme long shot view of jiyeonmun woman"),
            "{prompt}"
        );
        assert_eq!(replaced, None);
        assert_eq!(with_jiyeonmun("", None).0, "jiyeonmun woman");
    }

    #[test]
    fn people_without_places_stand_in_the_order_of_their_names() {
        let frame =
            "full body picture of kaitoyosuke man and petkotomov man, on a beach, low light";
        let (_, left) = with_jiyeonmun(frame, Some(0.3));
        let (_, right) = with_jiyeonmun(frame, Some(0.7));
        assert_eq!(left.as_deref(), Some("kaitoyosuke man"));
        assert_eq!(right.as_deref(), Some("petkotomov man"));
    }
}
