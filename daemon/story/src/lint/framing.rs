//! Words that change what the frame holds.

use std::ops::Range;

use crate::edit::Edit;
use crate::finding::{Code, Finding};
use crate::lint::finding;
use crate::phrase_index::Term;
use crate::reading::Reading;

pub(super) fn check(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(shot) = &reading.parsed.shot else {
        return;
    };
    let Some(framing) = reading.vocabulary.framing(&shot.id) else {
        return;
    };
    let id = &shot.id;
    // Asked for each cue, and found once: a clause may be all of a long prompt.
    let says_nothing_else: Vec<bool> = reading
        .clauses
        .iter()
        .map(|words| words.clone().all(|word| !reading.claimed[word]))
        .collect();
    let mut cues = |code, kind: &dyn Fn(Term) -> bool, reason: String| {
        for hit in reading.hits.all(kind) {
            let claimed = hit.words.clone().any(|word| reading.claimed[word]);
            let Some(clause) = reading.clause_of(hit.words.start) else {
                continue;
            };
            if claimed {
                continue;
            }
            let rewrite = if says_nothing_else[clause] {
                reading.without_clause(clause)
            } else {
                without_words(reading, clause, &hit.words)
            };
            findings.push(finding(
                code,
                reading.span(&hit.words),
                reason.clone(),
                rewrite,
            ));
        }
    };
    if framing.avoid_lower_body {
        let reason =
            format!("the frame of {id} does not hold the lower body; naming it widens the framing");
        cues(Code::LowerBody, &|term| term == Term::LowerBody, reason);
    }
    if framing.avoid_expression {
        let reason = format!(
            "faces are too small in {id} for an expression; naming it pulls the framing closer"
        );
        cues(Code::Expression, &|term| term == Term::Expression, reason);
    }
    if framing.avoid_pose {
        let reason = format!(
            "figures are too small in {id} for a detailed pose; naming it pulls the framing closer"
        );
        cues(Code::DetailedPose, &|term| term == Term::Pose, reason);
    }
    if framing.avoid_emotion {
        let reason = format!("an emotional cue pulls {id} closer");
        let expression = !framing.avoid_expression;
        let kind = |term| term == Term::Emotion || (expression && term == Term::Expression);
        cues(Code::EmotionalCue, &kind, reason);
    }
    if framing.avoid_wide_verbs {
        let reason = format!("a verb of the whole body pulls {id} wider");
        cues(Code::WideVerb, &|term| term == Term::WideVerb, reason);
    }
    if framing.environment_first {
        check_environment(reading, id, findings);
    }
    if let Some(anchor) = &framing.anchor {
        check_anchor(reading, id, anchor, findings);
    }
}

/// Takes a participle or an adverb out of a clause, where what is left still
/// reads well.
fn without_words(reading: &Reading<'_>, clause: usize, cue: &Range<usize>) -> Option<Edit> {
    let words = reading.clauses[clause].clone();
    let last = &reading.words.get(cue.end.checked_sub(1)?)?.text;
    let adverb = last.ends_with("ly");
    if cue.len() != 1 || !(adverb || reading.is_verb(cue.start)) {
        return None;
    }
    let joint = |word: usize| reading.hits.is(word, Term::Joint);
    let free = |word: usize| words.contains(&word) && !reading.claimed[word];
    let mut start = cue.start;
    let mut end = cue.end;
    let ends = !free(end) || !reading.joined(end);
    if adverb {
        // "sadly and slowly" would be left with half of a pair.
        if free(end) && joint(end) {
            return None;
        }
    } else if free(end) && reading.hits.is(end, Term::Conjunction) && reading.joined(end) {
        end += 1;
    } else if !ends && !joint(end) && !reading.hits.is(end, Term::Preposition) {
        return None;
    }
    if start > words.start && free(start - 1) && joint(start - 1) {
        if !ends {
            return None;
        }
        start -= 1;
    }
    // One of the two gaps goes, too.
    if start > words.start && reading.joined(start) {
        let from = reading.words[start - 1].span.end;
        return Some(Edit::new(from, reading.words[end - 1].span.end, ""));
    }
    let next = reading.words.get(end)?;
    let from = reading.words[start].span.start;
    reading
        .joined(end)
        .then(|| Edit::new(from, next.span.start, ""))
}

fn check_environment(reading: &Reading<'_>, shot: &str, findings: &mut Vec<Finding>) {
    let parsed = &reading.parsed;
    let people = parsed.characters.iter().map(|mention| mention.span);
    let first = people
        .chain(parsed.strangers.iter().map(|stranger| stranger.span))
        .min();
    let (Some(first), Some(setting)) = (first, &parsed.setting) else {
        return;
    };
    if setting.whole.start < first.start {
        return;
    }
    findings.push(finding(
        Code::EnvironmentLate,
        first,
        format!("{shot} describes the surroundings before the figures"),
        environment_to_front(reading),
    ));
}

/// Moves a setting that has a clause for itself right after the shot phrase.
fn environment_to_front(reading: &Reading<'_>) -> Option<Edit> {
    let parsed = &reading.parsed;
    parsed.shot.as_ref().filter(|shot| shot.opens)?;
    let setting = parsed.setting.as_ref()?;
    let clause = reading.clause_with(setting.whole)?;
    let start = parsed.clauses.first()?.span.start;
    let previous = parsed.clauses.get(clause.checked_sub(1)?)?;
    if parsed.clauses[clause].span != setting.whole {
        return None;
    }
    let word = reading
        .words
        .partition_point(|word| word.span.start < setting.whole.start);
    let preposition = reading.hits.at(word, |term| term == Term::Preposition);
    let noun = reading
        .words
        .get(preposition.map_or(word, |hit| hit.words.end))?;
    let place = reading.prompt.get(noun.span.start..setting.whole.end)?;
    let figures = reading.prompt.get(start..previous.span.end)?;
    Some(Edit::new(
        start,
        setting.whole.end,
        format!("{place}, {figures}"),
    ))
}

fn check_anchor(reading: &Reading<'_>, shot: &str, anchor: &str, findings: &mut Vec<Finding>) {
    let Some(character) = reading.parsed.characters.first() else {
        return;
    };
    if !reading.hits.all(|term| term == Term::Anchor).is_empty() {
        return;
    }
    let rewrite = reading.clause_with(character.span).map(|clause| {
        let end = reading.parsed.clauses[clause].span.end;
        Edit::new(end, end, format!(", {anchor}"))
    });
    findings.push(finding(
        Code::NoAnchor,
        character.span,
        format!("without shoulders or hands in the prompt the model closes in on a face in {shot}"),
        rewrite,
    ));
}
