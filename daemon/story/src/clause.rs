//! Clauses of a prompt: what stands between commas.

use crate::span::Span;

/// A clause that says something.
#[derive(Clone, Debug)]
pub(crate) struct RawClause {
    /// Without whitespace at its ends; never empty.
    pub span: Span,
    /// What ends it; none at the end of the prompt.
    pub separator: Option<char>,
}

fn separator(character: char) -> Option<char> {
    match character {
        ',' | ';' | ':' | '.' | '!' | '?' => Some(character),
        '，' | '、' => Some(','),
        '。' => Some('.'),
        '；' => Some(';'),
        '：' => Some(':'),
        _ => None,
    }
}

/// Splits at punctuation. "1.5", "(word:1.2)" and "1,000" are not split: only
/// a comma or semicolon parts words that have no space between them.
pub(crate) fn clauses(prompt: &str) -> Vec<RawClause> {
    let mut found: Vec<RawClause> = Vec::new();
    let mut start = 0;
    let mut characters = prompt.char_indices().peekable();
    let mut before = None;
    while let Some((at, character)) = characters.next() {
        let Some(mark) = separator(character) else {
            before = Some(character);
            continue;
        };
        let mut strong = matches!(mark, ',' | ';') || !character.is_ascii();
        let mut alone = true;
        let mut end = at + character.len_utf8();
        while let Some(&(next_at, next)) = characters.peek() {
            let Some(next_mark) = separator(next) else {
                break;
            };
            strong |= matches!(next_mark, ',' | ';') || !next.is_ascii();
            alone = false;
            end = next_at + next.len_utf8();
            characters.next();
        }
        let after = characters.peek().map(|&(_, next)| next);
        let in_number = alone
            && character == ','
            && before.is_some_and(|before| before.is_ascii_digit())
            && after.is_some_and(|after| after.is_ascii_digit());
        let ends = after.is_none_or(char::is_whitespace) || (strong && !in_number);
        before = Some(character);
        if ends {
            push(&mut found, prompt, Span::new(start, at), Some(mark));
            start = end;
        }
    }
    push(&mut found, prompt, Span::new(start, prompt.len()), None);
    if let Some(last) = found.last_mut() {
        last.separator = None;
    }
    found
}

fn push(found: &mut Vec<RawClause>, prompt: &str, span: Span, separator: Option<char>) {
    let span = trim(prompt, span);
    if span.start < span.end {
        found.push(RawClause { span, separator });
    }
}

/// The span without whitespace at its ends.
pub(crate) fn trim(prompt: &str, span: Span) -> Span {
    let text = span.of(prompt);
    let start = span.start + (text.len() - text.trim_start().len());
    Span::new(start, start + text.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(prompt: &str) -> Vec<&str> {
        clauses(prompt)
            .into_iter()
            .map(|clause| clause.span.of(prompt))
            .collect()
    }

    #[test]
    fn numbers_and_weights_stay_whole() {
        assert_eq!(
            texts("a (cat:1.2),b, 1,000 birds. End."),
            ["a (cat:1.2)", "b", "1,000 birds", "End"]
        );
        assert_eq!(texts(" ,; . "), Vec::<&str>::new());
        assert_eq!(texts("図書館、昼光"), ["図書館", "昼光"]);
    }
}
