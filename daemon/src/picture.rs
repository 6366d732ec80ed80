//! Pictures between the wire and the engine.

use std::io::Cursor;

use framewright_protocol::{ErrorCode, Limits, Picture, PictureFormat, WireError};
use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, RgbImage};
use serde_bytes::ByteBuf;

fn invalid(message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::InvalidParams, message)
}

/// The pixels of a picture from outside. Transparent pixels are seen on white.
///
/// # Errors
/// `invalid_params` when the bytes are not what the picture says.
pub fn read(picture: &Picture) -> Result<RgbImage, WireError> {
    let most = Limits::CURRENT.side_pixels;
    let Some(pixel_bytes) = picture.format.pixel_bytes() else {
        return read_png(&picture.data);
    };
    let (width, height) = (picture.width, picture.height);
    if width == 0 || height == 0 || width > most || height > most {
        return Err(invalid(format!(
            "a picture's sides must be from 1 to {most} pixels"
        )));
    }
    let expected = u64::from(width) * u64::from(height) * u64::from(pixel_bytes);
    if picture.data.len() as u64 != expected {
        return Err(invalid(format!(
            "{width} × {height} pixels are {expected} bytes, not {}",
            picture.data.len()
        )));
    }
    let flat: Vec<u8> = match picture.format {
        PictureFormat::Rgba16 => picture
            .data
            .chunks_exact(8)
            .flat_map(|pixel| {
                let channel = |at: usize| to_8_bits([pixel[2 * at], pixel[2 * at + 1]]);
                [0, 1, 2].map(|at| on_white(channel(at), channel(3)))
            })
            .collect(),
        PictureFormat::Bgra8 => seen_on_white(&picture.data, [2, 1, 0]),
        PictureFormat::Rgba8 | PictureFormat::Png => seen_on_white(&picture.data, [0, 1, 2]),
    };
    RgbImage::from_raw(width, height, flat).ok_or_else(|| invalid("the picture is empty"))
}

fn seen_on_white(pixels: &[u8], order: [usize; 3]) -> Vec<u8> {
    let pixels = pixels.chunks_exact(4);
    pixels
        .flat_map(|pixel| order.map(|channel| on_white(pixel[channel], pixel[3])))
        .collect()
}

/// The nearest of 256 levels.
fn to_8_bits(bytes: [u8; 2]) -> u8 {
    // At most 65535 / 257 = 255.
    ((u32::from(u16::from_le_bytes(bytes)) + 128) / 257) as u8
}

/// A channel over white by its alpha.
pub fn on_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    // At most 255 · 255 / 255.
    ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// The pixels of a PNG file.
///
/// # Errors
/// `invalid_params` when it is none, or is too large.
pub fn read_png(bytes: &[u8]) -> Result<RgbImage, WireError> {
    let most = Limits::CURRENT.side_pixels;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(most);
    limits.max_image_height = Some(most);
    reader.limits(limits);
    let decoded = reader
        .decode()
        .map_err(|error| invalid(format!("the picture cannot be read: {error}")))?;
    if !decoded.color().has_alpha() {
        return Ok(decoded.into_rgb8());
    }
    let rgba = decoded.into_rgba8();
    let (width, height) = rgba.dimensions();
    Ok(RgbImage::from_fn(width, height, |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        image::Rgb([red, green, blue].map(|channel| on_white(channel, alpha)))
    }))
}

/// A mask for the wire: a grey PNG.
pub fn write_grey(mask: &GrayImage) -> Picture {
    let mut file = Cursor::new(Vec::new());
    // Writing to memory fails only for an empty image; then nothing is shown.
    let _ = mask.write_to(&mut file, ImageFormat::Png);
    Picture {
        format: PictureFormat::Png,
        width: mask.width(),
        height: mask.height(),
        data: ByteBuf::from(file.into_inner()),
        blob: None,
    }
}

/// A picture of raw pixels for the wire; as PNG without provenance for
/// [`PictureFormat::Png`].
pub fn write(image: &RgbImage, format: PictureFormat) -> Picture {
    let data = match format {
        PictureFormat::Png => {
            let mut file = Cursor::new(Vec::new());
            // Writing to memory fails only for an empty image; then nothing is shown.
            let _ = DynamicImage::from(image.clone()).write_to(&mut file, ImageFormat::Png);
            file.into_inner()
        }
        PictureFormat::Rgba8 => flat(image, |[red, green, blue]| [red, green, blue, 255]),
        PictureFormat::Bgra8 => flat(image, |[red, green, blue]| [blue, green, red, 255]),
        // v · 257 has the byte v twice.
        PictureFormat::Rgba16 => flat(image, |[red, green, blue]| {
            [red, red, green, green, blue, blue, 255, 255]
        }),
    };
    Picture {
        format,
        width: image.width(),
        height: image.height(),
        data: ByteBuf::from(data),
        blob: None,
    }
}

fn flat<const BYTES: usize>(image: &RgbImage, pixel: impl Fn([u8; 3]) -> [u8; BYTES]) -> Vec<u8> {
    image.pixels().flat_map(|rgb| pixel(rgb.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8 * 50, y as u8 * 90, 7]))
    }

    #[test]
    fn every_format_comes_back_as_it_went() {
        for format in [
            PictureFormat::Png,
            PictureFormat::Rgba8,
            PictureFormat::Bgra8,
            PictureFormat::Rgba16,
        ] {
            assert_eq!(
                read(&write(&sample(), format)).expect("a picture"),
                sample()
            );
        }
    }

    #[test]
    fn transparent_pixels_are_white() {
        let picture = Picture {
            format: PictureFormat::Rgba8,
            width: 1,
            height: 1,
            data: ByteBuf::from(vec![10, 20, 30, 0]),
            blob: None,
        };
        assert_eq!(
            read(&picture).expect("a picture").get_pixel(0, 0).0,
            [255; 3]
        );
    }

    #[test]
    fn sixteen_bits_become_the_nearest_eight() {
        for (wide, narrow) in [(0, 0), (128, 0), (129, 1), (0x7fff, 127), (0xff7f, 255)] {
            assert_eq!(to_8_bits(u16::to_le_bytes(wide)), narrow, "{wide}");
        }
        let half_seen = [0_u16, 0x8080, 0xffff, 0x8080].map(u16::to_le_bytes);
        let picture = Picture {
            format: PictureFormat::Rgba16,
            width: 1,
            height: 1,
            data: ByteBuf::from(half_seen.concat()),
            blob: None,
        };
        let seen = read(&picture).expect("a picture").get_pixel(0, 0).0;
        assert_eq!(seen, [127, 191, 255], "over white");
    }

    #[test]
    fn bytes_that_do_not_fit_the_size_are_refused() {
        for (width, height, length) in [(2, 2, 15), (0, 2, 0), (100_000, 100_000, 4)] {
            let picture = Picture {
                format: PictureFormat::Bgra8,
                width,
                height,
                data: ByteBuf::from(vec![0; length]),
                blob: None,
            };
            assert!(read(&picture).is_err(), "{width} {height} {length}");
        }
        let mut broken = write(&sample(), PictureFormat::Png);
        broken.data.truncate(30);
        assert!(read(&broken).is_err());
    }
}
