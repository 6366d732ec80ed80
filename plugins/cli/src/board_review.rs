//! `framewright board review`: a frame at a time, its takes side by side, a key
//! for each decision.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind,
    KeyModifiers,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, terminal};
use framewright_client::Client;
use framewright_protocol::{
    BoardEdit, BoardEditParams, BoardFrame, BoardOpen, BoardParams, BoardPick, BoardPickParams,
    BoardRedo, BoardRedoParams, BoardRender, BoardRenderParams, BoardState, BoardStop, Known,
};
use image::RgbImage;
use tokio::sync::mpsc;

use crate::arguments::Show;
use crate::board::absolute;
use crate::connect;
use crate::contact_sheet;
use crate::failure::Failure;
use crate::progress::{interrupted, unless_interrupted};
use crate::review_keys::{Reviewer, Wish};
use crate::terminal_picture::{self, Size};

/// Lines of the screen beside the pictures.
const LINES_BESIDE: u32 = 8;

/// Looks a board through.
///
/// # Errors
/// See [`Failure`]; without a terminal it is refused.
pub async fn run(board: &Path, how: Option<Show>) -> Result<ExitCode, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::refused("a review needs a terminal")
            .hint("`board show` and `board pick` do the same for scripts"));
    }
    let path = absolute(board)?;
    let client = unless_interrupted(connect()).await?;
    let params = BoardParams { path };
    let board = client.call::<BoardOpen>(&params).await?;
    if board.frames.is_empty() {
        return Err(Failure::refused("the board has no frames")
            .about(board.path)
            .hint("make some first: `board plan` or `board add`"));
    }
    let screen = Screen::open()?;
    let mut review = Review {
        client,
        board,
        reviewer: Reviewer::default(),
        said: String::new(),
        how: how.unwrap_or(Show::Auto),
        events: terminal_events(),
        screen,
    };
    let outcome = review.go_on().await;
    drop(review);
    outcome.map(|()| ExitCode::SUCCESS)
}

/// What the terminal sends, read on a thread of its own, which ends with the
/// process.
fn terminal_events() -> mpsc::UnboundedReceiver<Event> {
    let (sender, events) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if sender.send(event).is_err() {
                return;
            }
        }
    });
    events
}

/// The terminal, taken over until this is dropped.
struct Screen;

impl Screen {
    fn open() -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(format!("the terminal cannot be used: {error}"));
        terminal::enable_raw_mode().map_err(failed)?;
        let screen = Self;
        let mut out = std::io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            cursor::Hide,
            EnableBracketedPaste
        )
        .map_err(failed)?;
        Ok(screen)
    }

    /// Writes the whole screen anew. A terminal that went away ends the review
    /// by its closed input.
    fn show(&self, bytes: &[u8]) {
        let mut out = std::io::stdout();
        let _ = out.write_all(b"\x1b[2J\x1b[H");
        // Without the terminal's own help a new line does not begin at the left.
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                let _ = out.write_all(b"\r\n");
            }
            let _ = out.write_all(line);
        }
        let _ = out.flush();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that went away needs nothing put back.
        let mut out = std::io::stdout();
        let _ = execute!(
            out,
            DisableBracketedPaste,
            cursor::Show,
            LeaveAlternateScreen
        );
        let _ = terminal::disable_raw_mode();
    }
}

struct Review {
    client: Client,
    board: BoardState,
    reviewer: Reviewer,
    /// What the last key led to.
    said: String,
    how: Show,
    events: mpsc::UnboundedReceiver<Event>,
    screen: Screen,
}

impl Review {
    async fn go_on(&mut self) -> Result<(), Failure> {
        loop {
            self.draw();
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = interrupted() => None,
            };
            let Some(event) = event else {
                return Ok(());
            };
            let frames = self.board.frames.len();
            let wish = match event {
                Event::Key(key) if key.kind == KeyEventKind::Release => continue,
                Event::Key(key) if is_interrupt(key) => return Ok(()),
                Event::Key(key) => self.reviewer.press(key.code, frames, self.prompt()),
                Event::Paste(text) => {
                    self.reviewer.paste(&text);
                    continue;
                }
                _ => continue,
            };
            self.said.clear();
            let outcome = match wish {
                Wish::Nothing => continue,
                Wish::Quit => return Ok(()),
                Wish::Pick(take) => self.pick(take).await,
                Wish::Redo => self.redo().await,
                Wish::Edit(prompt) => self.edit(prompt).await,
            };
            if let Err(failure) = outcome {
                self.said = failure.words();
            }
            self.reviewer.stay_within(self.board.frames.len());
        }
    }

    fn frame(&self) -> Option<&BoardFrame> {
        self.board.frames.get(self.reviewer.place)
    }

    fn prompt(&self) -> String {
        self.frame().map(|it| it.prompt.clone()).unwrap_or_default()
    }

    fn id(&self) -> String {
        self.frame().map(|it| it.id.clone()).unwrap_or_default()
    }

    async fn pick(&mut self, take: Option<u32>) -> Result<(), Failure> {
        let params = BoardPickParams {
            path: self.board.path.clone(),
            frame: self.id(),
            take: take.map(|take| take.to_string()),
            revision: None,
        };
        self.board = self.client.call::<BoardPick>(&params).await?;
        self.said = match take {
            Some(take) => format!("picked {take}, saved as shot_{}.png", self.reviewer.place),
            None => "the pick is taken back".to_owned(),
        };
        self.said
            .extend(self.board.notices.iter().map(|it| format!("; {it}")));
        Ok(())
    }

    /// A new batch; or the rest of this one, where some of it is missing.
    async fn redo(&mut self) -> Result<(), Failure> {
        let there = self.frame().map_or(0, |frame| {
            frame.takes.iter().filter(|take| take.present).count()
        });
        if there >= self.board.candidates as usize {
            let params = BoardRedoParams {
                path: self.board.path.clone(),
                frame: self.id(),
                ..BoardRedoParams::default()
            };
            self.board = self.client.call::<BoardRedo>(&params).await?;
        }
        self.render().await
    }

    async fn edit(&mut self, prompt: String) -> Result<(), Failure> {
        let params = BoardEditParams {
            path: self.board.path.clone(),
            frame: self.id(),
            prompt: Some(prompt),
            ..BoardEditParams::default()
        };
        self.board = self.client.call::<BoardEdit>(&params).await?;
        self.render().await
    }

    /// Draws what this frame asks for; escape, q or Ctrl-C end that.
    async fn render(&mut self) -> Result<(), Failure> {
        let path = self.board.path.clone();
        let params = BoardRenderParams {
            path: path.clone(),
            frame: Some(self.id()),
        };
        let mut call = self.client.start::<BoardRender>(&params).await?;
        let mut place = String::new();
        loop {
            tokio::select! {
                event = call.event() => match event {
                    Some(Known::Board(progress)) => {
                        place = match progress.take {
                            Some(take) => format!("drawing take {take}"),
                            None => "drawn".to_owned(),
                        };
                        self.say(&place);
                    }
                    Some(Known::Progress(progress)) => {
                        self.say(&format!("{place}, step {}/{}", progress.step, progress.steps));
                    }
                    Some(Known::Suspended(_)) => self.say("something more urgent goes first"),
                    Some(_) => {}
                    None => break,
                },
                event = self.events.recv() => {
                    let ends = match event {
                        Some(Event::Key(key)) => {
                            is_interrupt(key) || matches!(key.code, KeyCode::Esc | KeyCode::Char('q'))
                        }
                        Some(_) => false,
                        None => true,
                    };
                    if ends {
                        self.client.call::<BoardStop>(&BoardParams { path: path.clone() }).await?;
                    }
                }
            }
        }
        let drawn = call.answer().await;
        self.board = self.client.call::<BoardOpen>(&BoardParams { path }).await?;
        let drawn = drawn?;
        self.said = format!("drew {}", drawn.drawn);
        self.said
            .extend(drawn.notices.iter().map(|it| format!("; {it}")));
        Ok(())
    }

    /// Writes the last line alone.
    fn say(&self, text: &str) {
        let size = terminal_picture::size();
        let text = cut(text, size.columns);
        let mut out = std::io::stdout();
        let _ = write!(out, "\x1b[{};1H\x1b[2K{text}", size.rows.max(1));
        let _ = out.flush();
    }

    fn draw(&self) {
        let Some(frame) = self.frame() else {
            return;
        };
        let size = terminal_picture::size();
        let mut page = Vec::new();
        let place = self.reviewer.place;
        let shot = frame.shot.as_deref().unwrap_or_default().replace('-', " ");
        let picked = self
            .board
            .frames
            .iter()
            .filter(|it| it.pick.is_some())
            .count();
        let heading = format!(
            "\x1b[1m{place}\x1b[0m  {shot}   \x1b[2m{}/{} frames, {picked} picked, {} s\x1b[0m\n",
            place + 1,
            self.board.frames.len(),
            frame.duration
        );
        page.extend_from_slice(heading.as_bytes());
        let prompt = cut(
            &frame.prompt.replace('\n', " "),
            size.columns.saturating_mul(2),
        );
        page.extend_from_slice(format!("{prompt}\n\n").as_bytes());
        page.extend(self.strip(frame, size));
        let below = match self.reviewer.edited() {
            Some((before, after)) => format!(
                "\n\x1b[1mprompt\x1b[0m {before}\x1b[7m \x1b[0m{after}\n\x1b[2menter draws it, escape leaves it as it was\x1b[0m"
            ),
            None => format!(
                "\n\x1b[2m1–9 pick · u unpick · r redo · e edit prompt · ← → n p move · q quit\x1b[0m\n{}",
                cut(&self.said, size.columns)
            ),
        };
        page.extend_from_slice(below.as_bytes());
        self.screen.show(&page);
    }

    /// The takes in a row, each with its number below.
    fn strip(&self, frame: &BoardFrame, size: Size) -> Vec<u8> {
        let folder = Path::new(&self.board.path);
        let pictures: Vec<(u32, bool, RgbImage)> = frame
            .takes
            .iter()
            .filter_map(|take| {
                let picture = image::open(folder.join(&take.image)).ok()?;
                Some((take.take, take.picked, picture.into_rgb8()))
            })
            .collect();
        if pictures.is_empty() {
            return b"not drawn yet: r draws it\n".to_vec();
        }
        let images: Vec<RgbImage> = pictures.iter().map(|(_, _, it)| it.clone()).collect();
        let strip = contact_sheet::in_a_row(&images);
        let room = Size {
            columns: size.columns,
            rows: size.rows.saturating_sub(LINES_BESIDE).max(3),
        };
        let mut drawn = terminal_picture::draw(&strip, self.how, room);
        let columns = terminal_picture::columns(&strip, room);
        let mut labels = String::new();
        for (index, (number, picked, _)) in (0_u32..).zip(&pictures) {
            let at = index * columns / pictures.len() as u32;
            let gap = (at as usize).saturating_sub(visible(&labels));
            labels.push_str(&" ".repeat(gap));
            labels.push_str(&if *picked {
                format!("\x1b[1;31m{number} picked\x1b[0m")
            } else {
                format!("\x1b[1m{number}\x1b[0m")
            });
        }
        drawn.extend_from_slice(format!("{labels}\n").as_bytes());
        drawn
    }
}

fn is_interrupt(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// As much of a text as fits; control characters are none of a prompt's to send.
fn cut(text: &str, columns: u32) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control());
    letters.take(columns.max(1) as usize).collect()
}

/// How many letters a text with colours takes.
fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut in_colour = false;
    for letter in text.chars() {
        match letter {
            '\x1b' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ if in_colour => {}
            _ => count += 1,
        }
    }
    count
}
