//! Whether a prompt will be drawn as meant.

mod characters;
mod framing;
mod opening;
mod several;

use crate::edit::{Edit, apply};
use crate::finding::{Code, Finding};
use crate::parsed::CharacterMention;
use crate::reading::Reading;
use crate::span::Span;
use crate::vocabulary::Vocabulary;

/// How many rewrites one call proposes: each is tried before it is proposed,
/// which for a prompt of thousands of faults would take too long. Those that
/// are left over are proposed for the rewritten prompt.
const MOST_REWRITES: usize = 24;

/// Checks a prompt against the rules of framing, naming and order that
/// storyboard prompts are written by.
///
/// The findings stand in the order of the prompt. Each rewrite was tried: made
/// alone it takes its finding away, and neither alone nor together with the
/// others does it add a finding of any code.
#[must_use]
pub fn lint(prompt: &str, vocabulary: &Vocabulary) -> Vec<Finding> {
    let mut findings = examine(prompt, vocabulary);
    let before = Tally::of(&findings);
    let mut proposed = 0;
    for finding in &mut findings {
        let Some(edit) = &finding.rewrite else {
            continue;
        };
        proposed += 1;
        let helps = proposed <= MOST_REWRITES && {
            let after = tally(prompt, std::slice::from_ref(edit), vocabulary);
            !after.exceeds(&before) && after.count(finding.code) < before.count(finding.code)
        };
        if !helps {
            finding.rewrite = None;
        }
    }
    let all: Vec<Edit> = findings.iter().filter_map(|f| f.rewrite.clone()).collect();
    if all.len() > 1 && tally(prompt, &all, vocabulary).exceeds(&before) {
        keep_what_goes_together(prompt, vocabulary, &mut findings, &before);
    }
    findings
}

/// Whether there is nothing to say about a prompt.
pub(crate) fn is_clean(prompt: &str, vocabulary: &Vocabulary) -> bool {
    examine(prompt, vocabulary).is_empty()
}

/// Drops the rewrites that add findings when made with those before them.
fn keep_what_goes_together(
    prompt: &str,
    vocabulary: &Vocabulary,
    findings: &mut [Finding],
    before: &Tally,
) {
    let mut kept: Vec<Edit> = Vec::new();
    for finding in findings {
        let Some(edit) = finding.rewrite.take() else {
            continue;
        };
        kept.push(edit.clone());
        if tally(prompt, &kept, vocabulary).exceeds(before) {
            kept.pop();
        } else {
            finding.rewrite = Some(edit);
        }
    }
}

fn tally(prompt: &str, edits: &[Edit], vocabulary: &Vocabulary) -> Tally {
    Tally::of(&examine(&apply(prompt, edits), vocabulary))
}

/// All findings, with rewrites that nobody tried.
fn examine(prompt: &str, vocabulary: &Vocabulary) -> Vec<Finding> {
    let reading = Reading::new(prompt, vocabulary);
    let mut findings = Vec::new();
    opening::check(&reading, &mut findings);
    characters::check(&reading, &mut findings);
    framing::check(&reading, &mut findings);
    several::check(&reading, &mut findings);
    findings.sort_by_key(|finding| (finding.span, finding.code));
    findings
}

/// How many findings there are of each code.
struct Tally(Vec<usize>);

impl Tally {
    fn of(findings: &[Finding]) -> Self {
        let mut counts = vec![0; Code::ALL.len()];
        for finding in findings {
            counts[finding.code as usize] += 1;
        }
        Self(counts)
    }

    fn count(&self, code: Code) -> usize {
        self.0[code as usize]
    }

    fn exceeds(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .any(|(count, most)| count > most)
    }
}

/// A finding in the making.
fn finding(code: Code, span: Span, reason: impl Into<String>, rewrite: Option<Edit>) -> Finding {
    Finding {
        code,
        span,
        reason: reason.into(),
        rewrite,
    }
}

/// What the rules ask of a reading.
impl Reading<'_> {
    /// The end of the prompt: where what is missing would stand.
    fn end(&self) -> Span {
        Span::new(self.prompt.len(), self.prompt.len())
    }

    /// Takes a clause out, with the mark that parts it from its neighbour.
    fn without_clause(&self, clause: usize) -> Option<Edit> {
        let clauses = &self.parsed.clauses;
        let span = clauses[clause].span;
        if let Some(next) = clauses.get(clause + 1) {
            return Some(Edit::new(span.start, next.span.start, ""));
        }
        let previous = clauses.get(clause.checked_sub(1)?)?;
        Some(Edit::new(previous.span.end, span.end, ""))
    }

    /// The clause of a mention.
    fn clause_with(&self, span: Span) -> Option<usize> {
        let clauses = &self.parsed.clauses;
        let clause = clauses.partition_point(|clause| clause.span.end <= span.start);
        let inside = clauses.get(clause)?.span.contains(span);
        inside.then_some(clause)
    }

    /// Each character's first mention.
    fn cast(&self) -> Vec<&CharacterMention> {
        let mut cast: Vec<&CharacterMention> = Vec::new();
        for mention in &self.parsed.characters {
            if cast.iter().all(|known| known.token != mention.token) {
                cast.push(mention);
            }
        }
        cast
    }
}
