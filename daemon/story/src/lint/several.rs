//! Several characters: their number, places and actions.

use crate::edit::Edit;
use crate::finding::{Code, Finding};
use crate::lint::finding;
use crate::parsed::{CharacterMention, Position};
use crate::phrase_index::Term;
use crate::reading::Reading;

pub(super) fn check(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let cast = reading.cast();
    check_count(reading, &cast, findings);
    if cast.len() < 2 {
        return;
    }
    check_positions(reading, &cast, findings);
    check_clauses(reading, findings);
    for mention in &cast {
        let acts = reading.parsed.actions.iter().any(|action| {
            action
                .character
                .is_some_and(|at| reading.parsed.characters[at].token == mention.token)
        });
        if !acts {
            findings.push(finding(
                Code::NoAction,
                mention.span,
                "one of several characters does nothing: give each an action of its own",
                None,
            ));
        }
    }
}

fn check_count(reading: &Reading<'_>, cast: &[&CharacterMention], findings: &mut Vec<Finding>) {
    let strangers = reading.parsed.strangers.len();
    let named = cast.len() + strangers;
    let Ok(count) = u32::try_from(named) else {
        return;
    };
    let in_words = || format!("{} people", reading.vocabulary.number_word(count));
    match reading.parsed.people {
        None if named >= 2 => {
            let opens = cast.first().filter(|mention| {
                let clause = reading.clause_with(mention.span);
                strangers == 0
                    && clause.is_some_and(|clause| {
                        reading.parsed.clauses[clause].span.start == mention.span.start
                    })
            });
            let rewrite = opens.map(|mention| {
                let start = mention.span.start;
                Edit::new(start, start, format!("{}: ", in_words()))
            });
            let span = cast
                .first()
                .map_or_else(|| reading.parsed.strangers[0].span, |mention| mention.span);
            findings.push(finding(
                Code::PeopleNotCounted,
                span,
                format!(
                    "say how many there are, \"{}\", or some are left out",
                    in_words()
                ),
                rewrite,
            ));
        }
        Some(people) if people.count != count && named > 0 => {
            // Names count more than the number: those who are named are there.
            let sure = people.count < count && named >= 2 && strangers == 0;
            let rewrite = sure.then(|| Edit::new(people.span.start, people.span.end, in_words()));
            findings.push(finding(
                Code::PeopleMiscounted,
                people.span,
                format!(
                    "the prompt speaks of {} people and names {count}",
                    people.count
                ),
                rewrite,
            ));
        }
        _ => {}
    }
}

fn check_positions(reading: &Reading<'_>, cast: &[&CharacterMention], findings: &mut Vec<Finding>) {
    let positions: Vec<Option<Position>> = cast
        .iter()
        .map(|mention| {
            let mentions = reading.parsed.characters.iter();
            let mut same = mentions.filter(|other| other.token == mention.token);
            same.find_map(|other| Some(other.position?.position))
        })
        .collect();
    for (at, (mention, position)) in cast.iter().zip(&positions).enumerate() {
        match position {
            None => findings.push(finding(
                Code::NoPosition,
                mention.span,
                "several characters without positions blend into each other: say left or right",
                free_position(&positions, at).and_then(|position| {
                    let phrase = reading.vocabulary.position_phrase(position)?;
                    let end = mention.span.end;
                    Some(Edit::new(end, end, format!(" {phrase}")))
                }),
            )),
            Some(position) if positions[..at].contains(&Some(*position)) => {
                findings.push(finding(
                    Code::SamePosition,
                    mention.span,
                    "another character stands in the same place of the frame",
                    None,
                ));
            }
            Some(_) => {}
        }
    }
}

/// Where one of two characters without a position may stand: opposite the
/// other, the first named on the left. Of more than two nothing is guessed.
fn free_position(positions: &[Option<Position>], at: usize) -> Option<Position> {
    let [first, second] = positions else {
        return None;
    };
    let other = if at == 0 { second } else { first };
    match (other, at) {
        (Some(Position::Left), _) | (None, 1) => Some(Position::Right),
        (Some(Position::Right), _) | (None, _) => Some(Position::Left),
        (Some(Position::Centre), _) => None,
    }
}

fn check_clauses(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for pair in reading.parsed.characters.windows(2) {
        let (first, second) = (&pair[0], &pair[1]);
        let clause = reading.clause_with(second.span);
        if first.token == second.token || clause != reading.clause_with(first.span) {
            continue;
        }
        findings.push(finding(
            Code::SharedClause,
            second.span,
            "two characters in one clause exchange their looks: give each a clause of its own",
            parted(reading, first, second),
        ));
    }
}

/// Puts a comma in the place of the "and" before the second character.
fn parted(
    reading: &Reading<'_>,
    first: &CharacterMention,
    second: &CharacterMention,
) -> Option<Edit> {
    let word = reading
        .words
        .partition_point(|word| word.span.start < second.span.start);
    let joint = word.checked_sub(1)?;
    let before = &reading.words.get(joint.checked_sub(1)?)?.span;
    let fits = reading.hits.is(joint, Term::Joint)
        && reading.joined(word)
        && reading.joined(joint)
        && before.end >= first.span.end;
    fits.then(|| Edit::new(before.end, second.span.start, ", "))
}
