//! Inpainting: from a canvas to what the engine draws, and back onto the canvas.

use std::io::Cursor;

use framewright_canvas::{
    CanvasError, Channel, ColourMatch, Context, Fill, Mask, ModelSize, Pixels, Point, Rect, Size,
    Tightness, composite, fill, plan, region_small,
};
use framewright_protocol::{
    CanvasPart, ErrorCode, Extension, InpaintContextParams, InpaintContextResult, InpaintParams,
    Limits, Picture, PictureFormat, PixelBox, RegionAdvice, RegionFill, WireError,
};
use image::imageops::{FilterType, sample_nearest};
use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, Rgb, RgbImage};
use serde_bytes::ByteBuf;

use crate::cast::{Area, CastRegion};
use crate::order::Region;
use crate::picture::on_white;

/// Beyond this many pixels of the model's native side a drawing's colours are
/// its own again.
const COLOUR_REACH: f32 = 0.5;

/// A canvas's pixels in the depth that they came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Canvas {
    /// 8 bits a channel.
    Eight(Pixels<u8>),
    /// 16 bits a channel.
    Sixteen(Pixels<u16>),
}

fn invalid(about: &str, message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message).about(about)
}

/// The canvas's refusal in the protocol's words.
pub fn refused(about: &str, error: &CanvasError) -> WireError {
    invalid(about, error.to_string())
}

impl Canvas {
    /// The pixels of a picture from outside, alpha and depth kept.
    ///
    /// # Errors
    /// `invalid_params` when the bytes are not what the picture says.
    pub fn read(picture: &Picture) -> Result<Self, WireError> {
        let size = Size::new(picture.width, picture.height);
        let most = Limits::CURRENT.side_pixels;
        if picture.format == PictureFormat::Png {
            return Self::read_png(&picture.data);
        }
        if size.width.max(size.height) > most {
            return Err(invalid(
                "image",
                format!("sides have at most {most} pixels"),
            ));
        }
        let fail = |error: CanvasError| refused("image", &error);
        Ok(match picture.format {
            PictureFormat::Rgba16 => {
                let (pairs, rest) = picture.data.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(invalid(
                        "image",
                        "the picture ends in the middle of a channel",
                    ));
                }
                let channels: Vec<u16> = pairs.iter().map(|it| u16::from_le_bytes(*it)).collect();
                Self::Sixteen(Pixels::from_channels(size, &channels).map_err(fail)?)
            }
            format => {
                let mut pixels = Pixels::from_channels(size, &picture.data).map_err(fail)?;
                if format == PictureFormat::Bgra8 {
                    for pixel in pixels.pixels_mut() {
                        pixel.swap(0, 2);
                    }
                }
                Self::Eight(pixels)
            }
        })
    }

    /// The pixels of a PNG file, alpha and depth kept.
    ///
    /// # Errors
    /// `invalid_params` when it is none, or is too large.
    pub fn read_png(bytes: &[u8]) -> Result<Self, WireError> {
        let decoded = decode_png(bytes).map_err(|error| error.about("image"))?;
        let size = Size::new(decoded.width(), decoded.height());
        let is_deep = decoded.color().bytes_per_pixel() / decoded.color().channel_count() > 1;
        let pixels = if is_deep {
            Pixels::from_channels(size, decoded.into_rgba16().as_raw()).map(Self::Sixteen)
        } else {
            Pixels::from_channels(size, decoded.into_rgba8().as_raw()).map(Self::Eight)
        };
        pixels.map_err(|error| refused("image", &error))
    }

    /// How many pixels are not the same; all when sizes differ. Between depths
    /// the deeper one's count.
    pub fn differing_pixels(&self, other: &Self) -> u64 {
        let count = |one: &[u8], other: &[u8], bytes: usize| {
            let pairs = one.chunks_exact(bytes).zip(other.chunks_exact(bytes));
            pairs.filter(|(one, other)| one != other).count() as u64
        };
        if self.size() != other.size() {
            return self.size().area();
        }
        if let (Self::Eight(one), Self::Eight(other)) = (self, other) {
            return count(one.channels(), other.channels(), 4);
        }
        let [one, other] = [self, other].map(|it| it.write(PictureFormat::Rgba16).data);
        count(&one, &other, 8)
    }

    /// Its size.
    pub fn size(&self) -> Size {
        match self {
            Self::Eight(pixels) => pixels.size(),
            Self::Sixteen(pixels) => pixels.size(),
        }
    }

    /// It as a picture for the wire; `png` without provenance.
    pub fn write(&self, format: PictureFormat) -> Picture {
        let size = self.size();
        let eight = || match self {
            Self::Eight(pixels) => pixels.channels().to_vec(),
            // At most 65535 / 257 = 255, rounded.
            Self::Sixteen(pixels) => pixels
                .channels()
                .iter()
                .map(|value| ((u32::from(*value) + 128) / 257) as u8)
                .collect(),
        };
        let data = match format {
            PictureFormat::Png => {
                let mut file = Cursor::new(Vec::new());
                // Writing to memory fails only for an empty image, which no canvas is.
                let _ = self.image().write_to(&mut file, ImageFormat::Png);
                file.into_inner()
            }
            PictureFormat::Rgba8 => eight(),
            PictureFormat::Bgra8 => {
                let mut channels = eight();
                for pixel in channels.as_chunks_mut::<4>().0 {
                    pixel.swap(0, 2);
                }
                channels
            }
            PictureFormat::Rgba16 => match self {
                Self::Eight(pixels) => pixels.channels().iter().flat_map(|it| [*it; 2]).collect(),
                Self::Sixteen(pixels) => {
                    let channels = pixels.channels().iter();
                    channels.flat_map(|it| it.to_le_bytes()).collect()
                }
            },
        };
        Picture {
            format,
            width: size.width,
            height: size.height,
            data: ByteBuf::from(data),
            blob: None,
        }
    }

    /// It as an image: of three channels where nothing is transparent.
    pub fn image(&self) -> DynamicImage {
        let size = self.size();
        let opaque = |image: DynamicImage| {
            let is_opaque = match self {
                Self::Eight(pixels) => pixels.pixels().iter().all(|pixel| pixel[3] == u8::MAX),
                Self::Sixteen(pixels) => pixels.pixels().iter().all(|pixel| pixel[3] == u16::MAX),
            };
            match (self, is_opaque) {
                (Self::Eight(_), true) => image.into_rgb8().into(),
                (Self::Sixteen(_), true) => image.into_rgb16().into(),
                _ => image,
            }
        };
        let image: Option<DynamicImage> = match self {
            Self::Eight(pixels) => {
                let channels = pixels.channels().to_vec();
                image::RgbaImage::from_raw(size.width, size.height, channels).map(Into::into)
            }
            Self::Sixteen(pixels) => {
                let channels = pixels.channels().to_vec();
                image::ImageBuffer::<image::Rgba<u16>, _>::from_raw(
                    size.width,
                    size.height,
                    channels,
                )
                .map(Into::into)
            }
        };
        // The buffer has the size that it says.
        opaque(image.unwrap_or_default())
    }

    fn extended(self, by: Extension) -> Result<Self, CanvasError> {
        Ok(match self {
            Self::Eight(pixels) => Self::Eight(extended(&pixels, by)?),
            Self::Sixteen(pixels) => Self::Sixteen(extended(&pixels, by)?),
        })
    }
}

/// A picture from a PNG file within the protocol's limits.
fn decode_png(bytes: &[u8]) -> Result<DynamicImage, WireError> {
    let most = Limits::CURRENT.side_pixels;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(most);
    limits.max_image_height = Some(most);
    reader.limits(limits);
    reader.decode().map_err(|error| {
        WireError::new(
            ErrorCode::InvalidParams,
            format!("the picture cannot be read: {error}"),
        )
    })
}

/// The sides that a canvas gains: left, right, top, bottom.
fn sides(by: Extension) -> [u32; 4] {
    [by.left, by.right, by.top, by.bottom].map(Option::unwrap_or_default)
}

fn extended<C: Channel + Default>(
    pixels: &Pixels<C>,
    by: Extension,
) -> Result<Pixels<C>, CanvasError> {
    let [left, right, top, bottom] = sides(by).map(|side| side as usize);
    let nothing = [C::default(); 4];
    let width = pixels.size().width as usize + left + right;
    let mut all = vec![nothing; width * top];
    for row in pixels.rows() {
        all.extend(std::iter::repeat_n(nothing, left));
        all.extend_from_slice(row);
        all.extend(std::iter::repeat_n(nothing, right));
    }
    all.extend(std::iter::repeat_n(nothing, width * bottom));
    let height = all.len() / width;
    Pixels::new(Size::new(width as u32, height as u32), all)
}

/// A selection from outside: the brightness of its pixels, seen on black.
///
/// # Errors
/// `invalid_params` when the bytes are not what the picture says.
pub fn read_mask(picture: &Picture) -> Result<Mask, WireError> {
    let about = |error: WireError| error.about("mask");
    let (size, values) = if picture.format == PictureFormat::Png {
        let decoded = decode_png(&picture.data).map_err(about)?;
        let size = Size::new(decoded.width(), decoded.height());
        let values = if decoded.color().has_alpha() {
            let seen = decoded.into_luma_alpha8();
            let seen = seen.pixels();
            seen.map(|it| (u16::from(it.0[0]) * u16::from(it.0[1]) / 255) as u8)
                .collect()
        } else {
            decoded.into_luma8().into_raw()
        };
        (size, values)
    } else {
        let Canvas::Eight(pixels) = Canvas::read(picture).map_err(about)? else {
            return Err(invalid("mask", "a mask has 8 bits a channel")
                .hint("send it as `rgba8`, or as a PNG file"));
        };
        let value = |pixel: &[u8; 4]| {
            let seen = DynamicImage::from(image::RgbaImage::from_pixel(1, 1, image::Rgba(*pixel)));
            let seen = seen.into_luma_alpha8();
            let [value, alpha] = seen.get_pixel(0, 0).0;
            (u16::from(value) * u16::from(alpha) / 255) as u8
        };
        (pixels.size(), pixels.pixels().iter().map(value).collect())
    };
    Mask::new(size, values).map_err(|error| refused("mask", &error))
}

/// A region that is to be drawn anew, before the model is known.
#[derive(Clone, Debug)]
pub struct Inpainting {
    /// What is at hand of the canvas, enlarged where it is to be.
    canvas: Canvas,
    /// As large as `canvas`.
    selection: Mask,
    /// The whole canvas, enlarged where it is to be, and where `canvas` begins
    /// on it.
    whole: Size,
    offset: (u32, u32),
    strength: f32,
    fill: RegionFill,
    grow: Option<f64>,
    feather: Option<f64>,
    match_colours: bool,
    layer: bool,
}

impl Inpainting {
    /// Reads and checks a request; its pictures hold their bytes.
    ///
    /// # Errors
    /// `invalid_params`.
    pub fn check(params: &InpaintParams) -> Result<Self, WireError> {
        let frame = &params.frame;
        if frame.image.is_some()
            || frame.strength.is_some()
            || frame.width.is_some()
            || frame.height.is_some()
        {
            return Err(invalid(
                "frame",
                "`image`, `strength`, `width` and `height` of `frame` are not for inpainting",
            )
            .hint("`image` and `strength` stand beside `frame`; the size follows the region"));
        }
        let strength = params.strength.unwrap_or(1.0);
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(invalid("strength", "must be above 0, and 1 at most"));
        }
        for (name, length) in [("grow", params.grow), ("feather", params.feather)] {
            if length.is_some_and(|length| !(0.0..=4096.0).contains(&length)) {
                return Err(invalid(name, "must be from 0 to 4096 pixels"));
            }
        }
        let canvas = Canvas::read(&params.image)?;
        let mut selection = match &params.mask {
            Some(mask) => read_mask(mask)?,
            None if params.extend.is_some() || params.region.is_some() => {
                Mask::filled(canvas.size(), 0).map_err(|error| refused("mask", &error))?
            }
            None => {
                return Err(invalid("mask", "nothing says what is to be drawn anew")
                    .hint("give a `mask` or a `region`, or `extend` the canvas"));
            }
        };
        if selection.size() != canvas.size() {
            let (mask, image) = (selection.size(), canvas.size());
            return Err(invalid(
                "mask",
                format!(
                    "the mask is {}x{} pixels, the image {}x{}",
                    mask.width, mask.height, image.width, image.height
                ),
            ));
        }
        if let Some(region) = params.region {
            let fail = |error: CanvasError| refused("region", &error);
            let boxed = select(canvas.size(), region).map_err(fail)?;
            selection = selection.or(&boxed).map_err(fail)?;
        }
        let (whole, offset) = place(params.part.as_ref(), canvas.size())?;
        let inpainting = Self {
            canvas,
            selection,
            whole,
            offset,
            strength,
            fill: params.fill.unwrap_or_default(),
            grow: params.grow,
            feather: params.feather,
            match_colours: params.match_colours.unwrap_or(true),
            layer: params.layer.unwrap_or(false),
        };
        let inpainting = match params.extend {
            Some(extension) => inpainting.extended(extension, params.part.is_some())?,
            None => inpainting,
        };
        inpainting.bounds()?;
        Ok(inpainting)
    }

    fn extended(mut self, by: Extension, is_part: bool) -> Result<Self, WireError> {
        if is_part {
            return Err(invalid("extend", "a part of a canvas cannot be extended")
                .hint("send all of the canvas as `image`"));
        }
        let [left, right, top, bottom] = sides(by);
        let most = Limits::CURRENT.side_pixels;
        let side = |old: u32, one: u32, other: u32| {
            old.checked_add(one)
                .and_then(|side| side.checked_add(other))
                .filter(|side| *side <= most)
                .ok_or_else(|| invalid("extend", format!("sides have at most {most} pixels")))
        };
        let old = self.canvas.size();
        self.whole = Size::new(
            side(old.width, left, right)?,
            side(old.height, top, bottom)?,
        );
        if self.whole == old {
            return Err(invalid("extend", "no side is extended"));
        }
        let fail = |error: CanvasError| refused("extend", &error);
        // What is new is drawn; of the old part what was selected.
        let mut values = vec![255; self.whole.area() as usize];
        let stride = self.whole.width as usize;
        for (y, row) in self.selection.rows().enumerate() {
            let start = (y + top as usize) * stride + left as usize;
            values[start..start + row.len()].copy_from_slice(row);
        }
        self.selection = Mask::new(self.whole, values).map_err(fail)?;
        self.canvas = self.canvas.extended(by).map_err(fail)?;
        Ok(self)
    }

    /// The box around the selection, on the whole canvas.
    fn bounds(&self) -> Result<Rect, WireError> {
        let bounds = self.selection.bounds().map_err(|error| {
            refused("mask", &error).hint("select what is to be drawn anew: white is drawn")
        })?;
        let (x, y) = self.offset;
        Ok(Rect::new(
            bounds.x + x,
            bounds.y + y,
            bounds.width,
            bounds.height,
        ))
    }

    /// Lays it out for a model that draws well at a square of `native` pixels.
    ///
    /// # Errors
    /// `invalid_params`, where what is at hand of the canvas does not suffice.
    pub fn lay_out(&self, native: u32) -> Result<Layout<'_>, WireError> {
        let model = model_size(native);
        let mut context = plan(self.whole, self.bounds()?, f64::from(self.strength), model)
            .map_err(|error| refused("mask", &error))?;
        if let Some(grow) = self.grow {
            context.grow = grow;
            context.composite_grow = context.composite_grow.min(grow);
        }
        if let Some(feather) = self.feather {
            context.feather = feather;
            context.composite_feather = feather / 2.0;
        }
        let on_canvas = context.crop;
        let (x, y) = self.offset;
        let here = Rect::new(x, y, self.canvas.size().width, self.canvas.size().height);
        if !here.contains(on_canvas) {
            return Err(invalid(
                "part",
                format!("the model must see {on_canvas} of the canvas, and the image is {here}"),
            )
            .hint("`inpaint.context` tells what of the canvas to send"));
        }
        context.crop = Rect::new(
            on_canvas.x - x,
            on_canvas.y - y,
            on_canvas.width,
            on_canvas.height,
        );
        let fail = |error: CanvasError| refused("mask", &error);
        Ok(Layout {
            inpainting: self,
            model,
            denoise: context.denoise_mask(&self.selection).map_err(fail)?,
            composite: context.composite_mask(&self.selection).map_err(fail)?,
            context,
        })
    }
}

/// `inpaint.context`, for a model that draws well at a square of `native`
/// pixels.
///
/// # Errors
/// `invalid_params`.
pub fn context(
    params: &InpaintContextParams,
    native: u32,
) -> Result<InpaintContextResult, WireError> {
    let most = Limits::CURRENT.side_pixels;
    if params.width.max(params.height) > most {
        let message = format!("sides have at most {most} pixels");
        return Err(invalid("width, height", message));
    }
    let PixelBox {
        x,
        y,
        width,
        height,
    } = params.selection;
    let context = plan(
        Size::new(params.width, params.height),
        Rect::new(x, y, width, height),
        f64::from(params.strength.unwrap_or(1.0)),
        model_size(native),
    )
    .map_err(|error| refused("selection", &error))?;
    Ok(InpaintContextResult {
        context: PixelBox {
            x: context.crop.x,
            y: context.crop.y,
            width: context.crop.width,
            height: context.crop.height,
        },
        working_width: context.working.width,
        working_height: context.working.height,
    })
}

/// The sizes at which a model draws well.
pub fn model_size(native: u32) -> ModelSize {
    ModelSize {
        native,
        largest: native / 2 * 3,
    }
}

/// A box as a selection.
fn select(size: Size, region: PixelBox) -> Result<Mask, CanvasError> {
    let corner = |x: u32, y: u32| Point {
        x: f64::from(x),
        y: f64::from(y),
    };
    let (right, bottom) = (
        region.x.saturating_add(region.width),
        region.y.saturating_add(region.height),
    );
    Mask::from_box(size, corner(region.x, region.y), corner(right, bottom))
}

/// The part of a box that lies in a crop, as shares of the crop; `edges` are
/// shares of the whole.
fn box_within(edges: [f32; 4], whole: Size, crop: Rect) -> Option<[f32; 4]> {
    let along = |share: f32, whole: u32, start: u32, length: u32| {
        let pixel = f64::from(share) * f64::from(whole);
        ((pixel - f64::from(start)) / f64::from(length)).clamp(0.0, 1.0) as f32
    };
    let across = |share| along(share, whole.width, crop.x, crop.width);
    let down = |share| along(share, whole.height, crop.y, crop.height);
    let [left, top, right, bottom] = edges;
    let within = [across(left), down(top), across(right), down(bottom)];
    let [left, top, right, bottom] = within;
    (left < right && top < bottom).then_some(within)
}

/// The part of a mask that lies in a crop; the mask is stretched over `size`.
fn mask_within(mask: &GrayImage, size: Size, crop: Rect) -> Option<GrayImage> {
    // No finer than the mask is, nor than the crop.
    let finer = |own: u32, whole: u32, length: u32| {
        let scaled = f64::from(own) * f64::from(length) / f64::from(whole);
        (scaled.ceil() as u32).clamp(1, length)
    };
    let width = finer(mask.width(), size.width, crop.width);
    let height = finer(mask.height(), size.height, crop.height);
    let share = |at: u32, of: u32, start: u32, length: u32, whole: u32| {
        let pixel = f64::from(start) + (f64::from(at) + 0.5) / f64::from(of) * f64::from(length);
        (pixel / f64::from(whole)) as f32
    };
    let within = GrayImage::from_fn(width, height, |x, y| {
        let u = share(x, width, crop.x, crop.width, size.width);
        let v = share(y, height, crop.y, crop.height, size.height);
        sample_nearest(mask, u, v).unwrap_or(image::Luma([0]))
    });
    within.pixels().any(|it| it.0[0] > 0).then_some(within)
}

fn place(part: Option<&CanvasPart>, image: Size) -> Result<(Size, (u32, u32)), WireError> {
    let Some(part) = part else {
        return Ok((image, (0, 0)));
    };
    let fits = |start: u32, length: u32, side: u32| {
        start.checked_add(length).is_some_and(|end| end <= side)
    };
    if !fits(part.x, image.width, part.width) || !fits(part.y, image.height, part.height) {
        return Err(invalid(
            "part",
            format!(
                "{}x{} pixels at {},{} do not lie on a canvas of {}x{}",
                image.width, image.height, part.x, part.y, part.width, part.height
            ),
        ));
    }
    Ok((Size::new(part.width, part.height), (part.x, part.y)))
}

/// An inpainting laid out for a model.
pub struct Layout<'a> {
    inpainting: &'a Inpainting,
    model: ModelSize,
    /// Its crop lies on what is at hand of the canvas.
    context: Context,
    denoise: Mask,
    composite: Mask,
}

impl Layout<'_> {
    /// At which size the model works.
    pub fn working(&self) -> (u32, u32) {
        (self.context.working.width, self.context.working.height)
    }

    /// The regions of a canvas as regions of what the model sees; without those
    /// of which it sees nothing.
    pub fn regions(&self, of_canvas: &[CastRegion]) -> Vec<CastRegion> {
        let crop = self.context.crop;
        let at_hand = self.inpainting.canvas.size();
        let seen = |region: &CastRegion| {
            let area = match &region.area {
                Area::Box(edges) => {
                    let (x, y) = self.inpainting.offset;
                    let crop = Rect::new(crop.x + x, crop.y + y, crop.width, crop.height);
                    Area::Box(box_within(*edges, self.inpainting.whole, crop)?)
                }
                Area::Mask(mask) => Area::Mask(mask_within(mask, at_hand, crop)?),
            };
            // The border fades over as many pixels of the canvas as it would in a frame of it.
            let shorter = |size: Size| size.width.min(size.height) as f32;
            let feather = region.feather * shorter(self.inpainting.whole) / shorter(crop.size());
            Some(CastRegion {
                area,
                feather: feather.min(1.0),
                ..region.clone()
            })
        };
        of_canvas.iter().filter_map(seen).collect()
    }

    /// What the engine is to draw into; `uniform` gives numbers from 0 to 1.
    ///
    /// # Errors
    /// `internal`: the layout fits its canvas.
    pub fn region(&self, uniform: impl FnMut() -> f32) -> Result<Region, WireError> {
        let (image, start) = match &self.inpainting.canvas {
            Canvas::Eight(pixels) => self.pictures(pixels, uniform),
            Canvas::Sixteen(pixels) => self.pictures(pixels, uniform),
        }
        .map_err(|error| internal(&error))?;
        let size = self.context.crop.size();
        let mask = GrayImage::from_raw(size.width, size.height, self.denoise.values().to_vec())
            .unwrap_or_default();
        let (width, height) = self.working();
        let mask = if (width, height) == mask.dimensions() {
            mask
        } else {
            image::imageops::resize(&mask, width, height, FilterType::Triangle)
        };
        Ok(Region {
            image,
            start,
            mask,
            strength: self.inpainting.strength,
        })
    }

    /// The crop as the model sees it, and what the region starts from.
    fn pictures<C: Channel>(
        &self,
        canvas: &Pixels<C>,
        uniform: impl FnMut() -> f32,
    ) -> Result<(RgbImage, Option<RgbImage>), CanvasError> {
        let mut crop = canvas.crop(self.context.crop)?;
        let image = self.at_working_size(&crop);
        let with = match self.inpainting.fill {
            // At full strength nothing of the start is left.
            _ if self.inpainting.strength >= 1.0 => return Ok((image, None)),
            RegionFill::Original => return Ok((image, None)),
            RegionFill::Neutral => Fill::Neutral,
            RegionFill::Noise => Fill::Noise,
            RegionFill::Blur => Fill::Blur,
            RegionFill::Border => Fill::Border,
        };
        // The engine mixes the start in by the denoise mask.
        let whole = self.denoise.clone().threshold(1);
        fill(&mut crop, &whole, with, uniform)?;
        Ok((image, Some(self.at_working_size(&crop))))
    }

    fn at_working_size<C: Channel>(&self, pixels: &Pixels<C>) -> RgbImage {
        let size = pixels.size();
        let mut seen = RgbImage::new(size.width, size.height);
        for (seen, pixel) in seen.pixels_mut().zip(pixels.pixels()) {
            let eight = pixel.map(|channel| (channel.to_unit() * 255.0).round() as u8);
            *seen = Rgb([0, 1, 2].map(|channel| on_white(eight[channel], eight[3])));
        }
        let (width, height) = self.working();
        if (width, height) == seen.dimensions() {
            return seen;
        }
        image::imageops::resize(&seen, width, height, FilterType::Lanczos3)
    }

    /// Puts what was drawn where it belongs: the canvas with the drawing in it,
    /// or the drawing alone.
    ///
    /// # Errors
    /// `internal`: the layout fits its canvas.
    pub fn finish(&self, drawn: &RgbImage) -> Result<Canvas, WireError> {
        let size = self.context.crop.size();
        let resized;
        let drawn = if drawn.dimensions() == (size.width, size.height) {
            drawn
        } else {
            resized = image::imageops::resize(drawn, size.width, size.height, FilterType::Lanczos3);
            &resized
        };
        let finished = match &self.inpainting.canvas {
            Canvas::Eight(pixels) => self.put(pixels, drawn).map(Canvas::Eight),
            Canvas::Sixteen(pixels) => self.put(pixels, drawn).map(Canvas::Sixteen),
        };
        finished.map_err(|error| internal(&error))
    }

    fn put<C: Channel>(
        &self,
        canvas: &Pixels<C>,
        drawn: &RgbImage,
    ) -> Result<Pixels<C>, CanvasError> {
        let at = self.context.crop;
        let opaque = |pixel: &Rgb<u8>| {
            let [red, green, blue] = pixel.0.map(|value| C::from_unit(f32::from(value) / 255.0));
            [red, green, blue, C::from_unit(1.0)]
        };
        let drawing = Pixels::new(at.size(), drawn.pixels().map(opaque).collect())?;
        let matching = if self.inpainting.match_colours {
            ColourMatch::Membrane {
                reach: COLOUR_REACH * self.model.native as f32 / self.context.scale as f32,
            }
        } else {
            ColourMatch::None
        };
        let mut whole = canvas.clone();
        composite(&mut whole, &drawing, &self.composite, at, matching)?;
        if !self.inpainting.layer {
            return Ok(whole);
        }
        // Laid over the canvas, the layer gives the composite.
        let (before, after) = (canvas.crop(at)?, whole.crop(at)?);
        let pixels = before.pixels().iter().zip(after.pixels());
        let layer = pixels
            .zip(self.composite.values())
            .map(|((old, new), value)| {
                let share = f32::from(*value) / 255.0;
                let colour = |channel: usize| {
                    let (old, new) = (old[channel].to_unit(), new[channel].to_unit());
                    if share > 0.0 {
                        C::from_unit(old + (new - old) / share)
                    } else {
                        C::from_unit(old)
                    }
                };
                [colour(0), colour(1), colour(2), C::from_unit(share)]
            });
        Pixels::new(at.size(), layer.collect())
    }

    fn on_canvas(&self, rect: Rect) -> PixelBox {
        let (x, y) = self.inpainting.offset;
        PixelBox {
            x: rect.x + x,
            y: rect.y + y,
            width: rect.width,
            height: rect.height,
        }
    }

    /// What of the canvas the model sees.
    pub fn context(&self) -> PixelBox {
        self.on_canvas(self.context.crop)
    }

    /// Where what [`finish`](Self::finish) gives lies on the canvas.
    pub fn place(&self) -> PixelBox {
        if self.inpainting.layer {
            self.context()
        } else {
            self.on_canvas(self.inpainting.canvas.size().rect())
        }
    }

    /// What to tell somebody whose region is too small.
    pub fn advice(&self) -> Option<RegionAdvice> {
        let small = region_small(&self.inpainting.selection, &self.context, self.model)?;
        let why = match small.because {
            Tightness::ShortSide(side) => format!("only {side:.0} pixels wide"),
            Tightness::Area(area) => format!("only {:.0} pixels square", area.sqrt()),
        };
        Some(RegionAdvice {
            message: format!(
                "the region is {why} to the model, which tends to paint such a region over with \
                 the background: grow the selection by {} pixels, or take a box around it",
                small.grow
            ),
            // The parameter takes the place of what was chosen by itself.
            grow: small.grow.saturating_add(self.context.grow.ceil() as u32),
            offered: self.on_canvas(small.offered),
        })
    }
}

fn internal(error: &CanvasError) -> WireError {
    WireError::new(ErrorCode::Internal, error.to_string())
}

#[cfg(test)]
mod tests {
    use framewright_protocol::GenerateParams;
    use image::Luma;

    use super::*;

    fn canvas(width: u32, height: u32) -> Picture {
        let pixels = (0..width * height).flat_map(|at| {
            let (x, y) = (at % width, at / width);
            [
                (x * 7) as u8,
                (y * 5) as u8,
                120,
                if x < 4 { 90 } else { 255 },
            ]
        });
        Picture {
            format: PictureFormat::Rgba8,
            width,
            height,
            data: pixels.collect::<Vec<u8>>().into(),
            blob: None,
        }
    }

    fn selection(width: u32, height: u32, rect: Rect) -> Picture {
        let pixels = (0..width * height).flat_map(|at| {
            let is_in = rect.contains(Rect::new(at % width, at / width, 1, 1));
            [if is_in { 255 } else { 0 }; 4]
        });
        Picture {
            data: pixels.collect::<Vec<u8>>().into(),
            ..canvas(width, height)
        }
    }

    fn params(image: Picture, mask: Picture) -> InpaintParams {
        InpaintParams {
            frame: GenerateParams {
                prompt: "a fox".to_owned(),
                ..GenerateParams::default()
            },
            image,
            mask: Some(mask),
            region: None,
            part: None,
            extend: None,
            strength: None,
            fill: None,
            grow: None,
            feather: None,
            match_colours: None,
            layer: None,
        }
    }

    /// A drawing that is wrong everywhere.
    fn drawing(layout: &Layout<'_>) -> RgbImage {
        let (width, height) = layout.working();
        RgbImage::from_fn(width, height, |x, y| Rgb([(x ^ y) as u8, 255, y as u8]))
    }

    #[test]
    fn outside_the_mask_every_bit_is_kept() {
        let rect = Rect::new(60, 50, 30, 40);
        for deep in [false, true] {
            let image = Canvas::read(&canvas(200, 150)).expect("a canvas");
            let image = image.write(if deep {
                PictureFormat::Rgba16
            } else {
                PictureFormat::Bgra8
            });
            let before = Canvas::read(&image).expect("a canvas");
            let params = params(image, selection(200, 150, rect));
            let inpainting = Inpainting::check(&params).expect("a region");
            let layout = inpainting.lay_out(64).expect("a layout");
            let after = layout.finish(&drawing(&layout)).expect("a canvas");
            let (mut kept, mut changed) = (0, 0);
            for y in 0..150 {
                for x in 0..200 {
                    let crop = layout.context.crop;
                    let is_in = crop.contains(Rect::new(x, y, 1, 1))
                        && layout.composite.at(x - crop.x, y - crop.y) > 0;
                    let same = pixel(&before, x, y) == pixel(&after, x, y);
                    if is_in {
                        changed += u32::from(!same);
                    } else {
                        assert!(same, "{x},{y}");
                        kept += 1;
                    }
                }
            }
            assert!(kept > 10_000 && changed > 1_000, "{kept} and {changed}");
        }
    }

    fn pixel(canvas: &Canvas, x: u32, y: u32) -> Vec<u16> {
        let at = (y * canvas.size().width + x) as usize;
        match canvas {
            Canvas::Eight(pixels) => pixels.pixels()[at].map(u16::from).to_vec(),
            Canvas::Sixteen(pixels) => pixels.pixels()[at].to_vec(),
        }
    }

    #[test]
    fn a_layer_over_the_canvas_is_the_composite() {
        let rect = Rect::new(40, 40, 30, 30);
        let mut params = params(canvas(160, 120), selection(160, 120, rect));
        let inpainting = Inpainting::check(&params).expect("a region");
        let layout = inpainting.lay_out(64).expect("a layout");
        let whole = layout.finish(&drawing(&layout)).expect("a canvas");
        params.layer = Some(true);
        let inpainting = Inpainting::check(&params).expect("a region");
        let layout = inpainting.lay_out(64).expect("a layout");
        let layer = layout.finish(&drawing(&layout)).expect("a layer");
        let (place, before) = (layout.place(), &inpainting.canvas);
        assert_eq!(place, layout.context());
        for y in 0..place.height {
            for x in 0..place.width {
                let over = pixel(&layer, x, y);
                let (old, new) = (
                    pixel(before, x + place.x, y + place.y),
                    pixel(&whole, x + place.x, y + place.y),
                );
                if old[3] < 255 {
                    continue;
                }
                for channel in 0..3 {
                    let share = f32::from(over[3]) / 255.0;
                    let mixed =
                        f32::from(old[channel]) * (1.0 - share) + f32::from(over[channel]) * share;
                    assert!((mixed - f32::from(new[channel])).abs() <= 1.0, "{x},{y}");
                }
            }
        }
    }

    #[test]
    fn a_part_of_a_canvas_is_laid_out_like_all_of_it() {
        let rect = Rect::new(300, 210, 20, 30);
        let all = params(canvas(600, 400), selection(600, 400, rect));
        let all = Inpainting::check(&all).expect("a region");
        let all = all.lay_out(64).expect("a layout");
        let context = all.context();
        let mut part = params(
            canvas(context.width, context.height),
            selection(
                context.width,
                context.height,
                Rect::new(300 - context.x, 210 - context.y, 20, 30),
            ),
        );
        part.part = Some(CanvasPart {
            width: 600,
            height: 400,
            x: context.x,
            y: context.y,
        });
        let checked = Inpainting::check(&part).expect("a region");
        let layout = checked.lay_out(64).expect("a layout");
        assert_eq!(layout.context(), context);
        assert_eq!(layout.working(), all.working());
        assert_eq!(layout.denoise, all.denoise);
        // A part that is too small says so.
        let mut small = part.clone();
        small.image = canvas(30, 40);
        small.mask = Some(selection(30, 40, Rect::new(5, 5, 20, 30)));
        small.part = Some(CanvasPart {
            width: 600,
            height: 400,
            x: 295,
            y: 205,
        });
        let checked = Inpainting::check(&small).expect("a region");
        let error = checked.lay_out(64).err().expect("too small");
        assert_eq!(error.about.as_deref(), Some("part"));
    }

    #[test]
    fn regions_stay_where_they_are_on_the_canvas() {
        let region = |area: Area| CastRegion {
            area,
            feather: 0.1,
            prompt: None,
            strength: 1.0,
            loras: Vec::new(),
        };
        let half = GrayImage::from_fn(60, 40, |x, _| Luma([if x < 32 { 255 } else { 0 }]));
        let corner =
            GrayImage::from_fn(60, 40, |x, y| Luma([if x < 2 && y < 2 { 255 } else { 0 }]));
        let asked = [
            region(Area::Box([0.5, 0.0, 1.0, 1.0])),
            region(Area::Box([0.0, 0.0, 0.1, 1.0])),
            region(Area::Mask(half)),
            region(Area::Mask(corner)),
        ];
        let params = params(
            canvas(600, 400),
            selection(600, 400, Rect::new(300, 210, 40, 60)),
        );
        let inpainting = Inpainting::check(&params).expect("a region");
        let layout = inpainting.lay_out(64).expect("a layout");
        let crop = layout.context.crop;
        assert!(crop.x > 60 && crop.x < 300 && crop.right() > 320, "{crop}");
        let seen = layout.regions(&asked);
        // The two at the canvas's border are not seen.
        assert_eq!(seen.len(), 2);
        let across = |x: u32| f64::from(x - crop.x) / f64::from(crop.width);
        let Area::Box([left, top, right, bottom]) = seen[0].area else {
            panic!("a box stays a box");
        };
        assert!((f64::from(left) - across(300)).abs() < 1e-6);
        assert_eq!((top, right, bottom), (0.0, 1.0, 1.0));
        let pixels = f64::from(seen[0].feather) * f64::from(crop.width.min(crop.height));
        assert!((pixels - 40.0).abs() < 1e-3, "{pixels}");
        let Area::Mask(mask) = &seen[1].area else {
            panic!("a mask stays a mask");
        };
        // Its border lies at 32 of 60 pixels, 320 of 600.
        let whole = mask
            .rows()
            .next()
            .expect("a row")
            .filter(|it| it.0[0] == 255)
            .count() as f64;
        let border = across(320) * f64::from(mask.width());
        assert!((whole - border).abs() <= 1.0, "{whole} of {border}");
    }

    #[test]
    fn an_extended_canvas_keeps_what_it_was() {
        let image = canvas(80, 60);
        let before = Canvas::read(&image).expect("a canvas");
        let mut params = params(image, selection(80, 60, Rect::new(0, 0, 0, 0)));
        params.mask = None;
        params.extend = Some(Extension {
            right: Some(40),
            top: Some(8),
            ..Extension::default()
        });
        let inpainting = Inpainting::check(&params).expect("a region");
        let layout = inpainting.lay_out(64).expect("a layout");
        let after = layout.finish(&drawing(&layout)).expect("a canvas");
        assert_eq!(after.size(), Size::new(120, 68));
        // What is new is opaque, what is far from it as it was.
        assert_eq!(pixel(&after, 119, 0)[3], 255);
        assert_eq!(pixel(&after, 10, 67), pixel(&before, 10, 59));
        params.extend = Some(Extension::default());
        assert!(Inpainting::check(&params).is_err());
    }

    #[test]
    fn a_box_selects_what_a_mask_of_it_does() {
        let rect = Rect::new(10, 20, 30, 25);
        let by_mask = params(canvas(100, 80), selection(100, 80, rect));
        let mut by_box = by_mask.clone();
        by_box.mask = None;
        by_box.region = Some(PixelBox {
            x: 10,
            y: 20,
            width: 30,
            height: 25,
        });
        let selection = |params| Inpainting::check(params).expect("a region").selection;
        assert_eq!(selection(&by_box), selection(&by_mask));
    }

    #[test]
    fn bad_regions_are_refused() {
        let refused = |change: &dyn Fn(&mut InpaintParams)| {
            let rect = Rect::new(10, 10, 20, 20);
            let mut params = params(canvas(64, 64), selection(64, 64, rect));
            change(&mut params);
            let error = Inpainting::check(&params).expect_err("refused");
            error.about.unwrap_or_default()
        };
        let nothing = Rect::new(0, 0, 0, 0);
        assert_eq!(refused(&|it| it.mask = None), "mask");
        assert_eq!(
            refused(&|it| it.mask = Some(selection(64, 64, nothing))),
            "mask"
        );
        assert_eq!(
            refused(&|it| it.mask = Some(selection(32, 64, Rect::new(1, 1, 9, 9)))),
            "mask"
        );
        assert_eq!(refused(&|it| it.strength = Some(0.0)), "strength");
        assert_eq!(refused(&|it| it.grow = Some(f64::NAN)), "grow");
        assert_eq!(refused(&|it| it.frame.width = Some(64)), "frame");
        assert_eq!(refused(&|it| it.image.data.truncate(9)), "image");
        let part = |x| CanvasPart {
            width: 100,
            height: 100,
            x,
            y: 0,
        };
        assert_eq!(refused(&|it| it.part = Some(part(50))), "part");
        assert_eq!(refused(&|it| it.part = Some(part(u32::MAX))), "part");
        assert_eq!(
            refused(&|it| {
                it.extend = Some(Extension {
                    left: Some(u32::MAX),
                    ..Extension::default()
                });
            }),
            "extend"
        );
    }

    #[test]
    fn a_tight_region_is_advised_to_grow() {
        let rect = Rect::new(100, 100, 6, 40);
        let params = params(canvas(300, 300), selection(300, 300, rect));
        let inpainting = Inpainting::check(&params).expect("a region");
        let advice = inpainting.lay_out(128).expect("a layout").advice();
        let advice = advice.expect("advice");
        assert!(advice.grow > 0 && advice.offered.width > 6, "{advice:?}");
        assert!(advice.message.contains("grow"), "{advice:?}");
    }
}
