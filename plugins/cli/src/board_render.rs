//! Drawing a board, and how far that is.

use std::io::IsTerminal;
use std::process::ExitCode;

use framewright_client::Client;
use framewright_protocol::{
    BoardParams, BoardProgress, BoardRender, BoardRenderParams, BoardRenderResult, BoardStop, Known,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::board::{notices, print_whole};
use crate::failure::Failure;
use crate::print_lines;
use crate::progress::interrupted;

/// Draws what a board asks for and does not have, showing how far it is when a
/// person watches. Ctrl-C ends the drawing; what was drawn is kept.
///
/// # Errors
/// The daemon's refusal, or the cancellation.
pub async fn draw(
    client: &Client,
    params: BoardRenderParams,
    quiet: bool,
) -> Result<BoardRenderResult, Failure> {
    let board = params.path.clone();
    let mut call = client.start::<BoardRender>(&params).await?;
    let bar = BoardBar::for_people(quiet);
    loop {
        tokio::select! {
            event = call.event() => match event {
                Some(Known::Board(progress)) => bar.take(&progress),
                Some(Known::Queued(queued)) if queued.ahead > 0 => {
                    bar.say(&format!("waiting for {} other jobs", queued.ahead));
                }
                Some(Known::Started(started)) => bar.say(&format!("model {}", started.model)),
                Some(Known::Progress(progress)) => {
                    bar.say(&format!("step {}/{}", progress.step, progress.steps));
                }
                Some(Known::Suspended(_)) => bar.say("something more urgent goes first"),
                Some(_) => {}
                None => break,
            },
            () = interrupted() => {
                bar.clear();
                let stop = BoardParams { path: board.clone() };
                let stop = client.call::<BoardStop>(&stop);
                // A second one does not wait.
                tokio::select! {
                    _ = stop => {}
                    () = interrupted() => {}
                }
                return Err(Failure::cancelled()
                    .about(board)
                    .hint("what was drawn is kept; `board render` goes on from there"));
            }
        }
    }
    bar.clear();
    Ok(call.answer().await?)
}

/// Tells what was drawn.
///
/// # Errors
/// None; as the other commands end.
pub fn told(drawn: &BoardRenderResult, json: bool) -> Result<ExitCode, Failure> {
    notices(&drawn.notices);
    if json {
        print_whole(drawn);
        return Ok(ExitCode::SUCCESS);
    }
    match drawn.drawn {
        0 => print_lines("nothing to draw: the board has all that it asks for"),
        1 => print_lines("drew 1 take"),
        many => print_lines(&format!("drew {many} takes")),
    }
    Ok(ExitCode::SUCCESS)
}

/// A bar over the whole board.
struct BoardBar {
    bar: ProgressBar,
}

impl BoardBar {
    fn for_people(quiet: bool) -> Self {
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let template = "{bar:30} {pos}/{len} takes, {prefix}{msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn take(&self, progress: &BoardProgress) {
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
        self.bar.set_prefix(where_it_is(progress));
        self.bar.set_message("…");
    }

    fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// "frame 3 take 2, 4 min left, "
fn where_it_is(progress: &BoardProgress) -> String {
    let mut text = String::new();
    if let (Some(frame), Some(take)) = (progress.frame, progress.take) {
        text = format!("frame {frame} take {take}, ");
    }
    match progress.seconds_left {
        Some(seconds) if seconds >= 90.0 => {
            format!("{text}{:.0} min left, ", (seconds / 60.0).ceil())
        }
        Some(seconds) => format!("{text}{:.0} s left, ", seconds.ceil()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_as_on_the_sheet() {
        let mut progress = BoardProgress {
            path: String::new(),
            request: None,
            done: 1,
            total: 8,
            frame: Some(0),
            frames: 2,
            take: Some(2),
            seconds_left: None,
        };
        assert_eq!(where_it_is(&progress), "frame 0 take 2, ");
        progress.seconds_left = Some(100.0);
        assert_eq!(where_it_is(&progress), "frame 0 take 2, 2 min left, ");
    }
}
