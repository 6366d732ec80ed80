//! Places in the frame, and whose they are.

use std::ops::Range;

use crate::parsed::PositionMention;
use crate::phrase_index::Term;
use crate::reading::Reading;
use crate::span::Span;

impl Reading<'_> {
    pub(super) fn read_positions(&mut self) {
        for hit in self.hits.all(|term| matches!(term, Term::Position(_))) {
            let Term::Position(position) = hit.term else {
                continue;
            };
            let Range { start, end } = hit.words;
            let Some(clause) = self.clause_of(start) else {
                continue;
            };
            let before_noun = self.joined(end) && self.hits.is(end, Term::NotBeforePosition);
            let after_verb = self.joined(start) && self.hits.is(start - 1, Term::NotAfterPosition);
            if before_noun || after_verb || self.is_claimed(&hit.words) {
                continue;
            }
            self.claim(&hit.words);
            let mention = PositionMention {
                position,
                span: self.span(&hit.words),
            };
            match self.owner(mention.span, clause) {
                Some(owner) => self.parsed.characters[owner].position = Some(mention),
                None => self.parsed.loose_positions.push(mention),
            }
        }
    }

    /// The character whom a position belongs to: the one before it without a
    /// position, in the same clause or the ones before; else the next one.
    fn owner(&self, position: Span, clause: usize) -> Option<usize> {
        let characters = &self.parsed.characters;
        let next = characters.partition_point(|mention| mention.span.start < position.start);
        let free = |at: &usize| {
            characters
                .get(*at)
                .is_some_and(|mention| mention.position.is_none())
        };
        let previous = self.last_named(position.start).filter(free);
        let clause_start = self.parsed.clauses[clause].span.start;
        // "kaitoyosuke man, on the left jiyeonmun woman": the position opens the
        // clause of the one who follows.
        let opens = position.start == clause_start
            && characters
                .get(next)
                .is_some_and(|mention| self.parsed.clauses[clause].span.contains(mention.span));
        if opens {
            return Some(next).filter(free);
        }
        // "a woman on the left": the position is the stranger's.
        let strangers = &self.parsed.strangers;
        let stranger = strangers
            .partition_point(|stranger| stranger.span.start < position.start)
            .checked_sub(1)
            .map(|last| strangers[last].span.start);
        let of_stranger = stranger.is_some_and(|start| start >= clause_start)
            && self.last_named(position.start).is_none();
        if of_stranger {
            return None;
        }
        previous.or(Some(next).filter(free))
    }

    /// The character who is named last before a place in the prompt, unless a
    /// stranger is named in between.
    pub(super) fn last_named(&self, at: usize) -> Option<usize> {
        let characters = &self.parsed.characters;
        let strangers = &self.parsed.strangers;
        let character = characters
            .partition_point(|mention| mention.span.start < at)
            .checked_sub(1)?;
        let stranger = strangers
            .partition_point(|stranger| stranger.span.start < at)
            .checked_sub(1);
        let nearer = stranger.is_none_or(|last| strangers[last].span < characters[character].span);
        nearer.then_some(character)
    }
}
