//! Characters are named by token and class, and nobody else is.

use crate::edit::Edit;
use crate::finding::{Code, Finding};
use crate::lint::finding;
use crate::parsed::Naming;
use crate::reading::Reading;
use crate::vocabulary::Vocabulary;

/// How many letters a misspelt token may be off.
const MISSPELT: usize = 2;

pub(super) fn check(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for mention in &reading.parsed.characters {
        let Some(character) = reading.vocabulary.character(&mention.token) else {
            continue;
        };
        let name = character.name();
        let (code, reason) = match mention.naming {
            Naming::Full => continue,
            Naming::TokenOnly => (
                Code::TokenWithoutClass,
                format!("the token alone does not activate the character: write \"{name}\""),
            ),
            Naming::OtherClass => (
                Code::OtherClass,
                format!("the character is trained as \"{name}\""),
            ),
            Naming::Alias => (
                Code::CharacterAlias,
                format!("this name does not activate the character: write \"{name}\""),
            ),
        };
        let rewrite = Edit::new(mention.span.start, mention.span.end, name);
        findings.push(finding(code, mention.span, reason, Some(rewrite)));
    }
    for stranger in &reading.parsed.strangers {
        let (start, end) = (stranger.span.start, stranger.span.end);
        let Some(name) = &stranger.name else {
            findings.push(finding(
                Code::Stranger,
                stranger.span,
                "who this is changes from frame to frame: name a character by token and class",
                None,
            ));
            continue;
        };
        let meant = meant_by(name, reading.vocabulary);
        let reason = match &meant {
            Some(meant) => format!("no character is called `{name}`; is \"{meant}\" meant?"),
            None => format!("no character is called `{name}`"),
        };
        let rewrite = meant.map(|meant| Edit::new(start, end, meant));
        findings.push(finding(Code::UnknownName, stranger.span, reason, rewrite));
    }
}

/// The one character whose token is nearly the name.
fn meant_by(name: &str, vocabulary: &Vocabulary) -> Option<String> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut near = vocabulary.characters().iter().filter(|character| {
        let token: Vec<char> = character.token.to_lowercase().chars().collect();
        token.len() > 2 * MISSPELT && distance_within(&name, &token, MISSPELT)
    });
    let first = near.next()?;
    near.next().is_none().then(|| first.name())
}

/// Whether two words are at most `most` insertions, removals and replacements
/// apart (Levenshtein).
fn distance_within(a: &[char], b: &[char], most: usize) -> bool {
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()] <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        let within = |a: &str, b: &str, most| {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            distance_within(&a, &b, most)
        };
        assert!(within("kitten", "sitting", 3));
        assert!(!within("kitten", "sitting", 2));
        assert!(within("kaito", "kait", 1));
        assert!(!within("", "abc", 2));
    }
}
