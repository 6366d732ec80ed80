//! What the keys of a review mean.

use crossterm::event::KeyCode;

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more than to be shown.
    Nothing,
    /// To pick a take, or none.
    Pick(Option<u32>),
    /// A new batch.
    Redo,
    /// To draw something else.
    Edit(String),
    /// To end the review.
    Quit,
}

/// Where a review is.
#[derive(Debug, Default)]
pub struct Reviewer {
    /// The frame that is looked at, from 0.
    pub place: usize,
    line: Option<Line>,
}

/// A line that is being written.
#[derive(Debug)]
struct Line {
    letters: Vec<char>,
    cursor: usize,
}

impl Reviewer {
    /// Takes a key; `prompt` is that of the frame that is looked at.
    pub fn press(&mut self, key: KeyCode, frames: usize, prompt: String) -> Wish {
        if let Some(line) = &mut self.line {
            match key {
                KeyCode::Esc => self.line = None,
                KeyCode::Enter => {
                    let text: String = line.letters.iter().collect();
                    self.line = None;
                    if !text.trim().is_empty() && text != prompt {
                        return Wish::Edit(text);
                    }
                }
                key => line.press(key),
            }
            return Wish::Nothing;
        }
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char(digit @ '1'..='9') => return Wish::Pick(digit.to_digit(10)),
            KeyCode::Char('u') => return Wish::Pick(None),
            KeyCode::Char('r') => return Wish::Redo,
            KeyCode::Char('e') => self.line = Some(Line::new(&prompt)),
            KeyCode::Right | KeyCode::Down | KeyCode::Char('n' | ' ') => {
                self.place = (self.place + 1).min(frames.saturating_sub(1));
            }
            KeyCode::Left | KeyCode::Up | KeyCode::Char('p') => {
                self.place = self.place.saturating_sub(1);
            }
            KeyCode::Home => self.place = 0,
            KeyCode::End => self.place = frames.saturating_sub(1),
            _ => {}
        }
        Wish::Nothing
    }

    /// Takes a pasted text, where a line is being written.
    pub fn paste(&mut self, text: &str) {
        if let Some(line) = &mut self.line {
            let plain = text.replace(['\r', '\n'], " ");
            plain
                .chars()
                .for_each(|letter| line.press(KeyCode::Char(letter)));
        }
    }

    /// The line that is being written, before and after the cursor.
    pub fn edited(&self) -> Option<(String, String)> {
        let line = self.line.as_ref()?;
        let (before, after) = line.letters.split_at(line.cursor);
        Some((before.iter().collect(), after.iter().collect()))
    }

    /// Keeps to frames that are there: someone may have taken some out.
    pub fn stay_within(&mut self, frames: usize) {
        self.place = self.place.min(frames.saturating_sub(1));
    }
}

impl Line {
    fn new(text: &str) -> Self {
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let letters: Vec<char> = text.chars().map(plain).collect();
        Self {
            cursor: letters.len(),
            letters,
        }
    }

    fn press(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) if !letter.is_control() => {
                self.letters.insert(self.cursor, letter);
                self.cursor += 1;
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.letters.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.letters.len() => {
                self.letters.remove(self.cursor);
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.letters.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.letters.len(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(reviewer: &mut Reviewer, keys: &str) -> Vec<Wish> {
        let press = |letter| reviewer.press(KeyCode::Char(letter), 3, "a fox".to_owned());
        keys.chars()
            .map(press)
            .filter(|wish| *wish != Wish::Nothing)
            .collect()
    }

    #[test]
    fn keys_move_within_the_board() {
        let mut reviewer = Reviewer::default();
        assert_eq!(all(&mut reviewer, "nnnn"), []);
        assert_eq!(reviewer.place, 2);
        all(&mut reviewer, "pppp");
        assert_eq!(reviewer.place, 0);
        reviewer.press(KeyCode::End, 3, String::new());
        reviewer.stay_within(1);
        assert_eq!(reviewer.place, 0);
        assert_eq!(
            all(&mut reviewer, "3urxq"),
            [
                Wish::Pick(Some(3)),
                Wish::Pick(None),
                Wish::Redo,
                Wish::Quit
            ]
        );
    }

    #[test]
    fn a_prompt_is_edited_in_its_place() {
        let mut reviewer = Reviewer::default();
        let press = |reviewer: &mut Reviewer, key| reviewer.press(key, 3, "a fox".to_owned());
        all(&mut reviewer, "e");
        for key in [KeyCode::Home, KeyCode::Right, KeyCode::Right] {
            press(&mut reviewer, key);
        }
        // Digits and letters are text now.
        assert_eq!(all(&mut reviewer, "1 q"), []);
        press(&mut reviewer, KeyCode::Backspace);
        reviewer.paste("red\n");
        assert_eq!(
            reviewer.edited(),
            Some(("a 1 red ".to_owned(), "fox".to_owned()))
        );
        assert_eq!(
            press(&mut reviewer, KeyCode::Enter),
            Wish::Edit("a 1 red fox".to_owned())
        );
        // What is left as it was, or given up, draws nothing.
        all(&mut reviewer, "e");
        assert_eq!(press(&mut reviewer, KeyCode::Enter), Wish::Nothing);
        all(&mut reviewer, "ex");
        assert_eq!(press(&mut reviewer, KeyCode::Esc), Wish::Nothing);
        assert_eq!(reviewer.edited(), None);
    }
}
