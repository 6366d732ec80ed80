//! OpenTimelineIO's JSON: <https://opentimelineio.readthedocs.io>.
//!
//! Clips are written in the schema `Clip.1`, which every version of the library
//! reads.

use std::path::Path;

use serde_json::{Value, json};

use super::place::{folder_of, url_from};
use super::timeline::{Clip, Timeline};
use crate::error::BoardError;
use crate::folder::BoardFolder;
use crate::frame_rate::FrameRate;

/// The file's text; media are named relative to `output`'s folder.
pub(super) fn write(
    folder: &BoardFolder,
    timeline: &Timeline,
    output: &Path,
) -> Result<String, BoardError> {
    let beside = folder_of(output)?;
    let mut clips = Vec::with_capacity(timeline.clips.len());
    for clip in &timeline.clips {
        let found = match &clip.image {
            Some(image) => image.under(folder.path())?,
            None => None,
        };
        clips.push(match found {
            Some(file) => one_clip(timeline, clip, &url_from(&beside, &file)),
            None => json!({
                "OTIO_SCHEMA": "Gap.1",
                "metadata": { "framewright": metadata(clip) },
                "name": clip_name(clip),
                "source_range": range(timeline.rate, clip.frames),
                "effects": [],
                "markers": [marker(timeline.rate, clip)],
                "enabled": true,
            }),
        });
    }
    let document = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": { "framewright": { "scene": timeline.scene } },
        "name": timeline.name,
        "global_start_time": null,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "tracks",
            "source_range": null,
            "effects": [],
            "markers": [],
            "enabled": true,
            "children": [{
                "OTIO_SCHEMA": "Track.1",
                "metadata": {},
                "name": "board",
                "source_range": null,
                "effects": [],
                "markers": [],
                "enabled": true,
                "kind": "Video",
                "children": clips,
            }],
        },
    });
    Ok(format!("{document:#}\n"))
}

fn one_clip(timeline: &Timeline, clip: &Clip, url: &str) -> Value {
    let range = range(timeline.rate, clip.frames);
    let file = clip.image.as_ref().map(ToString::to_string);
    json!({
        "OTIO_SCHEMA": "Clip.1",
        "metadata": { "framewright": metadata(clip) },
        "name": clip_name(clip),
        "source_range": range,
        "effects": [],
        "markers": [marker(timeline.rate, clip)],
        "enabled": true,
        "media_reference": {
            "OTIO_SCHEMA": "ExternalReference.1",
            "metadata": {},
            "name": file,
            "available_range": range,
            "available_image_bounds": null,
            "target_url": url,
        },
    })
}

fn clip_name(clip: &Clip) -> String {
    if clip.shot.is_empty() {
        return format!("shot {}", clip.place);
    }
    format!("shot {} {}", clip.place, clip.shot)
}

fn metadata(clip: &Clip) -> Value {
    json!({
        "frame": clip.place,
        "id": clip.id,
        "shot": clip.shot,
        "prompt": clip.prompt,
        "note": clip.note,
        "picked": clip.picked,
    })
}

/// Shot and prompt where an editor shows them: on the clip's first frame.
fn marker(rate: FrameRate, clip: &Clip) -> Value {
    json!({
        "OTIO_SCHEMA": "Marker.2",
        "metadata": { "framewright": { "shot": clip.shot, "prompt": clip.prompt } },
        "name": clip.prompt,
        "color": if clip.picked { "GREEN" } else { "YELLOW" },
        "comment": clip.note,
        "marked_range": range(rate, 1),
    })
}

fn range(rate: FrameRate, frames: u64) -> Value {
    json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time(rate, 0),
        "duration": time(rate, frames),
    })
}

fn time(rate: FrameRate, frames: u64) -> Value {
    json!({
        "OTIO_SCHEMA": "RationalTime.1",
        "rate": rate.rate(),
        "value": frames as f64,
    })
}
