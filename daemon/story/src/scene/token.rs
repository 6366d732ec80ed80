//! Words and marks of a scene description.

/// What parts words from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A comma.
    Comma,
    /// A semicolon, a colon, a dash, a bracket.
    Clause,
    /// A full stop.
    Sentence,
}

/// A word, or a mark between words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// As it is written; empty for a mark.
    pub text: String,
    /// In lower case.
    pub lower: String,
    pub mark: Option<Mark>,
}

impl Token {
    fn word(text: &str) -> Self {
        let plain = text.replace('’', "'");
        Self {
            lower: plain.to_lowercase(),
            text: plain,
            mark: None,
        }
    }

    fn mark(mark: Mark) -> Self {
        Self {
            text: String::new(),
            lower: String::new(),
            mark: Some(mark),
        }
    }

    pub fn is_word(&self) -> bool {
        self.mark.is_none()
    }

    pub fn is_capital(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }
}

/// How many characters a quotation has at most; a mark without a partner within
/// them quotes nothing.
const LONGEST_QUOTE: usize = 600;

/// All words and marks. What is quoted is said, not seen, and left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = headings_as_sentences(text).chars().collect();
    let mut found: Vec<Token> = Vec::new();
    let mut word = String::new();
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        let next = characters.get(at + 1).copied();
        let inside = matches!(character, '\'' | '’' | '-' | '‐' | '‑' | '.')
            && !word.is_empty()
            && next.is_some_and(char::is_alphanumeric)
            && (character != '.' || next.is_some_and(|next| next.is_ascii_digit()));
        if is_of_word(character) || inside {
            word.push(if matches!(character, '‐' | '‑') {
                '-'
            } else {
                character
            });
            at += 1;
            continue;
        }
        if !word.is_empty() {
            found.push(Token::word(&word));
            word.clear();
        }
        if let Some(end) = quote_end(&characters, at) {
            push(&mut found, Mark::Comma);
            at = end + 1;
            continue;
        }
        match character {
            '&' => found.push(Token::word("and")),
            ',' | '，' | '、' => push(&mut found, Mark::Comma),
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => {
                let mut end = at;
                while characters
                    .get(end + 1)
                    .is_some_and(|next| matches!(next, '.' | '!' | '?' | '…'))
                {
                    end += 1;
                }
                let mut after = characters[end + 1..]
                    .iter()
                    .filter(|next| !next.is_whitespace());
                let goes_on = after.next().is_some_and(|next| next.is_lowercase());
                push(
                    &mut found,
                    if goes_on {
                        Mark::Clause
                    } else {
                        Mark::Sentence
                    },
                );
                at = end;
            }
            ';' | ':' | '—' | '–' | '(' | ')' | '[' | ']' | '；' | '：' | '/' | '|' | '•' | '*' =>
            {
                push(&mut found, Mark::Clause);
            }
            '-' => push(&mut found, Mark::Clause),
            '\n' if next == Some('\n') => push(&mut found, Mark::Sentence),
            _ => {}
        }
        at += 1;
    }
    if !word.is_empty() {
        found.push(Token::word(&word));
    }
    push(&mut found, Mark::Sentence);
    found
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || matches!(character, '\u{300}'..='\u{36f}')
}

/// Adds a mark; of several in a row the strongest is kept.
fn push(found: &mut Vec<Token>, mark: Mark) {
    let strength = |mark: Mark| match mark {
        Mark::Comma => 0,
        Mark::Clause => 1,
        Mark::Sentence => 2,
    };
    match found.last_mut() {
        None => {}
        Some(last) => match last.mark {
            Some(before) if strength(before) >= strength(mark) => {}
            Some(_) => last.mark = Some(mark),
            None => found.push(Token::mark(mark)),
        },
    }
}

fn quote_end(characters: &[char], at: usize) -> Option<usize> {
    let closing = match characters[at] {
        '"' => '"',
        '“' | '„' => '”',
        '«' => '»',
        _ => return None,
    };
    let rest = characters.get(at + 1..)?;
    let rest = &rest[..rest.len().min(LONGEST_QUOTE)];
    let length = rest.iter().position(|character| *character == closing)?;
    Some(at + 1 + length)
}

/// The scene headings of a screenplay, "INT. KITCHEN - NIGHT", as sentences.
fn headings_as_sentences(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match heading(line.trim()) {
            Some(sentence) => lines.push_str(&sentence),
            None => lines.push_str(line),
        }
        lines.push('\n');
    }
    lines
}

fn heading(line: &str) -> Option<String> {
    let start = line.get(..3)?.to_ascii_uppercase();
    let outside = match start.as_str() {
        "INT" => false,
        "EXT" => true,
        _ => return None,
    };
    let rest = line.get(3..)?;
    let rest = match rest.chars().next()? {
        '.' | ' ' => rest.trim_start_matches(['.', ' ']),
        '/' => rest
            .get(1..)?
            .trim_start_matches(|c: char| c.is_alphanumeric())
            .trim_start_matches(['.', ' ']),
        _ => return None,
    };
    let (place, time) = match rest.rsplit_once(['-', '–', '—']) {
        Some((place, time)) => (place.trim(), time.trim()),
        None => (rest.trim(), ""),
    };
    if place.is_empty() {
        return None;
    }
    let loud = !place.chars().any(char::is_lowercase);
    let place = if loud {
        place.to_lowercase()
    } else {
        place.to_owned()
    };
    let article = if ["the ", "a ", "an "]
        .iter()
        .any(|article| place.to_lowercase().starts_with(article))
    {
        ""
    } else {
        "the "
    };
    let preposition = if outside { "At" } else { "In" };
    let mut sentence = format!("{preposition} {article}{place}");
    if !time.is_empty() {
        sentence.push_str(&format!(", at {}", time.to_lowercase()));
    }
    sentence.push('.');
    Some(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let shown = tokens(text).into_iter().map(|token| match token.mark {
            None => token.text,
            Some(Mark::Comma) => ",".to_owned(),
            Some(Mark::Clause) => ";".to_owned(),
            Some(Mark::Sentence) => ".".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn quotations_are_left_out_and_marks_are_joined() {
        assert_eq!(
            shown("\"Stop!\" she cries -- he runs... and falls!!"),
            "she cries ; he runs ; and falls ."
        );
        assert_eq!(
            shown("a blood-red moon, 3.5 & the building's \"end"),
            "a blood-red moon , 3.5 and the building's end ."
        );
        assert_eq!(shown(" ,; . "), "");
    }

    #[test]
    fn a_scene_heading_is_a_sentence() {
        assert_eq!(
            shown("INT. POLICE ARCHIVE - NIGHT\nHe waits."),
            "In the police archive , at night . He waits ."
        );
        assert_eq!(shown("EXT. The Old Mill"), "At The Old Mill .");
        assert_eq!(shown("intruders come"), "intruders come .");
    }
}
