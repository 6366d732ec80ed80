//! Shots that a prompt names.

use std::ops::Range;

use crate::parsed::ShotMention;
use crate::phrase_index::Term;
use crate::reading::Reading;
use crate::span::Span;
use crate::word::collapse;

impl Reading<'_> {
    /// The shot at the very start of a clause, and the word after it.
    pub(super) fn opening(
        &self,
        words: &Range<usize>,
        clause: Span,
    ) -> Option<(ShotMention, usize)> {
        let start = words.start;
        if self.words.get(start)?.span.start != clause.start {
            return None;
        }
        let article = self.hits.is(start, Term::Article) && self.joined(start + 1);
        let first = if article { start + 1 } else { start };
        let hit = self.hits.at(first, |term| {
            matches!(term, Term::Shot(_) | Term::ShotInitials(_))
        })?;
        let mut end = hit.words.end;
        if self.words[end - 1].text != "of" {
            while self.joined(end) && self.hits.is(end, Term::ShotTail) {
                end += 1;
            }
            if self.joined(end) && self.words[end].text == "of" {
                end += 1;
            }
        }
        let shot = match hit.term {
            Term::Shot(shot) => shot,
            Term::ShotInitials(shot) if self.words[end - 1].text == "of" => shot,
            _ => return None,
        };
        let span = self.span(&(start..end));
        Some((self.shot_mention(shot, true, span), end))
    }

    fn shot_mention(&self, shot: usize, opens: bool, span: Span) -> ShotMention {
        let (id, shot) = self.vocabulary.shot_at(shot);
        ShotMention {
            id: id.clone(),
            phrase: collapse(&shot.phrase),
            opens,
            span,
        }
    }

    pub(super) fn read_shots(&mut self) {
        for hit in self.hits.all(|term| matches!(term, Term::Shot(_))) {
            let Term::Shot(shot) = hit.term else {
                continue;
            };
            if self.is_claimed(&hit.words) {
                continue;
            }
            let mention = self.shot_mention(shot, false, self.span(&hit.words));
            self.claim(&hit.words);
            if self.parsed.shot.is_none() {
                self.parsed.shot = Some(mention);
            } else {
                self.parsed.other_shots.push(mention);
            }
        }
    }
}
