//! A page that opens from the disk: no script, nothing from any network.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::place::{folder_of, percent};
use super::timeline::{Clip, Timeline};
use crate::contact_sheet::or_untitled;
use crate::disk;
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::sheet::seconds_words;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1c1e;--soft:#68686c;--rule:#d8d8da;--paper:#fff;--empty:#eee}\
@media (prefers-color-scheme:dark){:root{--ink:#eeece6;--soft:#9e9d99;--rule:#3e3e42;--paper:#1b1b1d;--empty:#262629}}\
*{box-sizing:border-box}\
body{margin:0;padding:3rem clamp(1rem,4vw,4rem);background:var(--paper);color:var(--ink);\
font:15px/1.45 \"IBM Plex Sans\",system-ui,sans-serif}\
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem;max-width:60rem;overflow-wrap:anywhere}\
p{margin:0;overflow-wrap:anywhere}.figures,.prompt,time{color:var(--soft)}\
ol{list-style:none;margin:2rem 0 0;padding:0;display:grid;gap:2rem 1.5rem;\
grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr))}\
li{break-inside:avoid}\
img,.empty{display:block;width:100%;background:var(--empty)}\
.empty{aspect-ratio:4/3;padding:.6rem .8rem;color:var(--soft)}\
h2{font-size:1rem;margin:.6rem 0 .1rem;display:flex;gap:.6rem;align-items:baseline}\
h2 .shot{color:var(--soft)}h2 time{margin-left:auto;font-weight:400;font-size:.85rem;white-space:nowrap}\
.note{margin-top:.3rem}\
@media print{:root{--ink:#000;--soft:#555;--rule:#ccc;--paper:#fff;--empty:#eee}\
body{padding:0;font-size:10pt}ol{grid-template-columns:repeat(3,1fr);gap:8mm 6mm}@page{size:A4 landscape;margin:14mm}}";

/// Writes the page, and beside it copies of the pictures where it does not lie
/// in the board's own folder. Gives the files.
pub(super) fn export(
    folder: &BoardFolder,
    timeline: &Timeline,
    output: &Path,
) -> Result<Vec<PathBuf>, BoardError> {
    let beside = folder_of(output)?;
    let at_home = folder
        .path()
        .canonicalize()
        .is_ok_and(|board| board == beside);
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    let pictures = format!("{stem}_pictures");
    let mut files = Vec::new();
    let mut sources = Vec::with_capacity(timeline.clips.len());
    for clip in &timeline.clips {
        sources.push(match &clip.image {
            None => None,
            Some(image) if at_home => {
                let parts = image.as_str().split('/').map(percent);
                Some(parts.collect::<Vec<_>>().join("/"))
            }
            Some(image) => {
                let name = format!("shot_{}.png", clip.place);
                let copies = beside.join(&pictures);
                fs::create_dir_all(&copies).map_err(|error| disk::unwritable(&copies, error))?;
                let copy = copies.join(&name);
                disk::write(&copy, &folder.picture(image)?)?;
                files.push(copy);
                Some(format!("{}/{}", percent(&pictures), percent(&name)))
            }
        });
    }
    disk::write(output, page(timeline, &sources).as_bytes())?;
    files.insert(0, output.to_owned());
    Ok(files)
}

pub(super) fn page(timeline: &Timeline, sources: &[Option<String>]) -> String {
    let title = escaped(or_untitled(&timeline.scene));
    let seconds = timeline.frames() as f64 / timeline.rate.rate();
    let mut text = format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p class=\"figures\">{} {} · {} · {} frames a second</p>\n</header>\n<ol>\n",
        timeline.clips.len(),
        if timeline.clips.len() == 1 {
            "frame"
        } else {
            "frames"
        },
        seconds_words(seconds),
        timeline.rate
    );
    for (clip, source) in timeline.clips.iter().zip(sources) {
        write_clip(&mut text, timeline, clip, source.as_deref());
    }
    text.push_str("</ol>\n</body>\n</html>\n");
    text
}

fn write_clip(text: &mut String, timeline: &Timeline, clip: &Clip, source: Option<&str>) {
    let _ = match source {
        // The source is percent-encoded.
        Some(source) => writeln!(
            text,
            "<li id=\"shot-{}\">\n<img src=\"{source}\" alt=\"{}\" loading=\"lazy\">",
            clip.place,
            escaped(&clip.prompt)
        ),
        None => writeln!(
            text,
            "<li id=\"shot-{}\">\n<div class=\"empty\">not drawn yet</div>",
            clip.place
        ),
    };
    let open = if source.is_some() && !clip.picked {
        "not picked · "
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "<h2>{} <span class=\"shot\">{}</span><time>{open}{} · {}</time></h2>",
        clip.place,
        escaped(&clip.shot.replace('-', " ")),
        timeline.rate.timecode(clip.start),
        seconds_words(clip.frames as f64 / timeline.rate.rate())
    );
    let _ = writeln!(text, "<p class=\"prompt\">{}</p>", escaped(&clip.prompt));
    if !clip.note.is_empty() {
        let _ = writeln!(text, "<p class=\"note\">{}</p>", escaped(&clip.note));
    }
    text.push_str("</li>\n");
}

/// A text as HTML, in content and in attributes. Control characters, which no
/// page may hold, are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
