//! What the methods about masks do.

use std::time::Instant;

use framewright_canvas::{CanvasError, Mask, Point, Radii, Refinement, Size};
use framewright_engine::segment::{BoxPrompt, Candidate, PointPrompt};
use framewright_protocol::{
    ErrorCode, Limits, MaskBoxParams, MaskCandidate, MaskOperation, MaskPoint, MaskPolygonParams,
    MaskRect, MaskRefineParams, MaskResult, MaskSegmentParams, MaskSegmentResult, Nothing,
    PixelBox, SegmenterListResult, SegmenterSummary, WireError,
};
use image::GrayImage;

use crate::connection::Client;
use crate::daemon::Daemon;
use crate::segmentation::{Found, Question};
use crate::{inpainting, picture};

/// Most operations of one refinement.
const MOST_OPERATIONS: usize = 64;

fn invalid(about: &str, message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message).about(about)
}

fn refused(error: &CanvasError) -> WireError {
    inpainting::refused("mask", error)
}

/// `mask.segment`
pub fn segment(
    daemon: &Daemon,
    client: &Client,
    mut params: MaskSegmentParams,
) -> Result<MaskSegmentResult, WireError> {
    let began = Instant::now();
    let desk = daemon.desk();
    let about = |about: &'static str| move |error: WireError| error.about(about);
    desk.fetch(&mut params.image).map_err(about("image"))?;
    let image = picture::read(&params.image).map_err(about("image"))?;
    let mask = match &mut params.mask {
        Some(mask) => {
            desk.fetch(mask).map_err(about("mask"))?;
            Some(grey(inpainting::read_mask(mask)?)?)
        }
        None => None,
    };
    let point = |point: MaskPoint| PointPrompt {
        x: point.x,
        y: point.y,
        positive: point.positive.unwrap_or(true),
    };
    let rect = |rect: MaskRect| BoxPrompt {
        left: rect.left,
        top: rect.top,
        right: rect.right,
        bottom: rect.bottom,
    };
    let points = params.points.unwrap_or_default();
    let boxes = params.boxes.unwrap_or_default();
    let question = Question {
        picture: image,
        points: points.into_iter().map(point).collect(),
        boxes: boxes.into_iter().map(rect).collect(),
        mask,
        model: params.model,
        closer: params.closer,
    };
    let wanted = || !client.is_gone();
    let answer = daemon.reader.segment(&question, &wanted)?;
    Ok(MaskSegmentResult {
        candidates: answer.candidates.into_iter().map(candidate).collect(),
        model: answer.model,
        cached: answer.cached,
        seconds: began.elapsed().as_secs_f64(),
    })
}

fn candidate(candidate: Candidate) -> MaskCandidate {
    let [x, y, width, height] = candidate.bounds;
    let bounds = PixelBox {
        x,
        y,
        width,
        height,
    };
    MaskCandidate {
        mask: picture::write_grey(&candidate.mask),
        score: candidate.predicted_iou,
        stability: candidate.stability,
        bounds: (candidate.area > 0).then_some(bounds),
        area: candidate.area,
    }
}

/// `mask.segmenters`
pub fn segmenters(daemon: &Daemon, _: Nothing) -> Result<SegmenterListResult, WireError> {
    let (found, folder) = daemon.reader.segmenters();
    let summary = |found: Found| {
        let source = match &found.path {
            None => "embedded",
            Some(path) if path.is_dir() => "folder",
            Some(_) => "file",
        };
        SegmenterSummary {
            name: found.name,
            source: source.to_owned(),
            path: found.path.map(|path| path.display().to_string()),
        }
    };
    Ok(SegmenterListResult {
        segmenters: found.into_iter().map(summary).collect(),
        folder: folder.display().to_string(),
    })
}

/// `mask.refine`
pub fn refine(daemon: &Daemon, mut params: MaskRefineParams) -> Result<MaskResult, WireError> {
    if params.operations.len() > MOST_OPERATIONS {
        let message = format!("at most {MOST_OPERATIONS} can be done at once");
        return Err(invalid("operations", message));
    }
    let refinements: Vec<Refinement> = params
        .operations
        .iter()
        .map(refinement)
        .collect::<Result<_, _>>()?;
    let fetched = daemon.desk().fetch(&mut params.mask);
    fetched.map_err(|error| error.about("mask"))?;
    let mask = inpainting::read_mask(&params.mask)?;
    result(mask.refine(&refinements).map_err(|error| refused(&error))?)
}

/// An operation as the canvas knows it.
fn refinement(operation: &MaskOperation) -> Result<Refinement, WireError> {
    let name = operation.operation.as_str();
    let missing = |parameter: &str| invalid(parameter, format!("{name} needs `{parameter}`"));
    let radius = || operation.radius.ok_or_else(|| missing("radius"));
    let radii = || {
        let x = radius()?;
        let y = operation.radius_y.unwrap_or(x);
        Ok::<_, WireError>(Radii { x, y })
    };
    Ok(match name {
        "blur" => Refinement::Blur(radius()?),
        "grow" => Refinement::Grow(radii()?),
        "shrink" => Refinement::Shrink(radii()?),
        "close" => Refinement::Close(radii()?),
        "open" => Refinement::Open(radii()?),
        "feather" => Refinement::Feather(radius()?),
        "fill-holes" => Refinement::FillHoles,
        "keep-island" => Refinement::KeepIsland(
            operation.x.ok_or_else(|| missing("x"))?,
            operation.y.ok_or_else(|| missing("y"))?,
        ),
        "drop-islands" => Refinement::DropIslands(operation.area.ok_or_else(|| missing("area"))?),
        "invert" => Refinement::Invert,
        "threshold" => {
            let level = u8::try_from(operation.level.unwrap_or(128));
            Refinement::Threshold(level.map_err(|_| invalid("level", "must be from 0 to 255"))?)
        }
        other => {
            let shown: String = other.chars().take(100).collect();
            return Err(
                invalid("operation", format!("there is no operation {shown:?}")).hint(
                    "there are: blur, grow, shrink, close, open, feather, fill-holes, \
                     keep-island, drop-islands, invert, threshold",
                ),
            );
        }
    })
}

/// `mask.box`
pub fn boxes(_: &Daemon, params: MaskBoxParams) -> Result<MaskResult, WireError> {
    let size = canvas(params.width, params.height)?;
    if params.boxes.len() > MOST_OPERATIONS {
        let message = format!("at most {MOST_OPERATIONS} can be drawn at once");
        return Err(invalid("boxes", message));
    }
    let mut mask = Mask::filled(size, 0).map_err(|error| refused(&error))?;
    for rect in &params.boxes {
        let corner = |x: f32, y: f32| Point {
            x: f64::from(x),
            y: f64::from(y),
        };
        let (one, other) = (corner(rect.left, rect.top), corner(rect.right, rect.bottom));
        mask = Mask::from_box(size, one, other)
            .and_then(|drawn| mask.or(&drawn))
            .map_err(|error| refused(&error).about("boxes"))?;
    }
    result(mask)
}

/// `mask.polygon`
pub fn polygon(_: &Daemon, params: MaskPolygonParams) -> Result<MaskResult, WireError> {
    let size = canvas(params.width, params.height)?;
    let corner = |point: &MaskPoint| Point {
        x: f64::from(point.x),
        y: f64::from(point.y),
    };
    let corners: Vec<Point> = params.points.iter().map(corner).collect();
    let mask = Mask::from_polygon(size, &corners);
    result(mask.map_err(|error| refused(&error).about("points"))?)
}

fn canvas(width: u32, height: u32) -> Result<Size, WireError> {
    let most = Limits::CURRENT.side_pixels;
    if width == 0 || height == 0 || width > most || height > most {
        let message = format!("a mask's sides must be from 1 to {most} pixels");
        return Err(invalid("width, height", message));
    }
    Ok(Size::new(width, height))
}

fn result(mask: Mask) -> Result<MaskResult, WireError> {
    let bounds = mask.bounds().ok().map(|bounds| PixelBox {
        x: bounds.x,
        y: bounds.y,
        width: bounds.width,
        height: bounds.height,
    });
    let area = mask.area();
    let mask = picture::write_grey(&grey(mask)?);
    Ok(MaskResult { mask, bounds, area })
}

/// A mask as a picture.
fn grey(mask: Mask) -> Result<GrayImage, WireError> {
    let size = mask.size();
    GrayImage::from_raw(size.width, size.height, mask.into_values())
        .ok_or_else(|| WireError::new(ErrorCode::Internal, "the mask is not of its size"))
}
