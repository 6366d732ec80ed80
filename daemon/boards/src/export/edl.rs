//! A CMX 3600 edit decision list: cuts of stills, non-drop time code, the first
//! at 01:00:00:00 as editors begin a programme.

use std::fmt::Write as _;

use super::timeline::{Clip, Timeline};
use crate::error::BoardError;
use crate::frame_rate::FrameRate;

/// Events that the three digits of an event number can count.
const MOST_EVENTS: usize = 999;
/// Characters of a line of text; older readers take no longer ones.
const LONGEST_LINE: usize = 240;

/// The file's text.
pub(super) fn write(timeline: &Timeline) -> Result<String, BoardError> {
    if timeline.clips.len() > MOST_EVENTS {
        return Err(BoardError::Export(format!(
            "an EDL counts {MOST_EVENTS} events at most, and the board has {} frames: export otio instead",
            timeline.clips.len()
        )));
    }
    let rate = timeline.rate;
    let begin = rate.nominal() * 3_600;
    if begin + timeline.frames() > rate.nominal() * 86_400 {
        let reason = "the frames last longer than the 23 hours that time codes have: shorten them";
        return Err(BoardError::Export(reason.to_owned()));
    }
    let title = ascii(&timeline.scene.to_uppercase(), 70);
    let mut text = format!("TITLE: {title}\r\nFCM: NON-DROP FRAME\r\n\r\n");
    for (number, clip) in (1..).zip(&timeline.clips) {
        let at = |frame: u64| rate.timecode(frame);
        let (start, end) = (begin + clip.start, begin + clip.start + clip.frames);
        let _ = write!(
            text,
            "{number:03}  {:<8} V     C        {} {} {} {}\r\n",
            reel(clip),
            at(0),
            at(clip.frames),
            at(start),
            at(end)
        );
        write_comments(&mut text, clip, rate);
    }
    Ok(text)
}

/// The reel's name, of 8 letters at most; `BL` is the list's word for black.
fn reel(clip: &Clip) -> String {
    match clip.image {
        Some(_) => format!("SHOT{:03}", clip.place),
        None => "BL".to_owned(),
    }
}

fn write_comments(text: &mut String, clip: &Clip, rate: FrameRate) {
    if let Some(image) = &clip.image {
        let name = image.as_str().rsplit('/').next().unwrap_or_default();
        let _ = write!(text, "* FROM CLIP NAME: {}\r\n", ascii(name, LONGEST_LINE));
        let _ = write!(
            text,
            "* SOURCE FILE: {}\r\n",
            ascii(image.as_str(), LONGEST_LINE)
        );
    }
    let _ = write!(
        text,
        "* COMMENT: SHOT {} {}\r\n",
        clip.place,
        ascii(&clip.shot, 40)
    );
    for (word, said) in [("PROMPT", &clip.prompt), ("NOTE", &clip.note)] {
        if !said.is_empty() {
            let _ = write!(text, "* COMMENT: {word} {}\r\n", ascii(said, LONGEST_LINE));
        }
    }
    if rate.rate().fract() != 0.0 {
        let _ = write!(text, "* COMMENT: {} FRAMES A SECOND\r\n", rate);
    }
}

/// The text in the letters that the format has, others as `?`; no longer than
/// `most`.
fn ascii(text: &str, most: usize) -> String {
    let plain = |letter: char| {
        if matches!(letter, ' '..='~') {
            letter
        } else {
            '?'
        }
    };
    text.chars().take(most).map(plain).collect()
}
