//! Files that are promised before the work and written after it.

use std::io::Write;
use std::path::{Path, PathBuf};

use framewright_protocol::{Limits, Picture, PictureFormat};
use image::ImageReader;
use serde_bytes::ByteBuf;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A PNG file that can be written: its place was tried. It appears whole or not
/// at all.
pub struct FrameFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl FrameFile {
    /// Tries the place.
    ///
    /// # Errors
    /// When nothing could be written there.
    pub fn promise(path: &Path) -> Result<Self, Failure> {
        let refused = |reason: String| {
            Failure::refused(format!("the frame cannot be written: {reason}")).about_file(path)
        };
        let extension = path
            .extension()
            .map(|extension| extension.to_ascii_lowercase());
        if extension.is_none_or(|extension| extension != "png") {
            return Err(refused("its name does not end in .png".to_owned())
                .hint("frames are PNG files; other programs convert them"));
        }
        if path.is_dir() {
            return Err(refused("a directory has that name".to_owned()));
        }
        if path
            .metadata()
            .is_ok_and(|metadata| metadata.permissions().readonly())
        {
            return Err(
                refused("the file that is there may not be changed".to_owned())
                    .hint("choose another name"),
            );
        }
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".framewright-").suffix(".png.part");
        #[cfg(unix)]
        {
            // Less what the user's umask takes away, as for any file.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(PermissionsExt::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(directory).map_err(|error| {
            let reason = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such directory".to_owned(),
                std::io::ErrorKind::PermissionDenied => {
                    "the directory may not be written".to_owned()
                }
                _ => error.to_string(),
            };
            refused(reason).hint("choose a place with -o, or make the directory first")
        })?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
        })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the system says; then there is no file, or the old one.
    pub fn write(mut self, png: &[u8]) -> Result<PathBuf, Failure> {
        let written = self
            .temporary
            .write_all(png)
            .and_then(|()| self.temporary.as_file().sync_all())
            .and_then(|()| {
                self.temporary
                    .persist(&self.path)
                    .map_err(|error| error.error)
            });
        match written {
            Ok(_) => Ok(self.path),
            Err(error) => Err(
                Failure::new(format!("the frame could not be written: {error}"))
                    .about_file(&self.path),
            ),
        }
    }
}

/// `frame.png`, or the first of `frame-2.png`, `frame-3.png` … that is free.
/// `taken` says whether a name is.
pub fn free_name(taken: impl Fn(&Path) -> bool) -> PathBuf {
    let numbered = (2_u64..).map(|number| PathBuf::from(format!("frame-{number}.png")));
    std::iter::once(PathBuf::from("frame.png"))
        .chain(numbered)
        .find(|path| !taken(path))
        .unwrap_or_default()
}

/// `path` with `_suffix` before its extension.
pub fn with_suffix(path: &Path, suffix: impl std::fmt::Display) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{suffix}.{extension}"))
}

/// Reads a picture to start from.
///
/// # Errors
/// When it cannot be read.
pub fn read_picture(path: &Path) -> Result<Picture, Failure> {
    let refused = |error: String| {
        Failure::refused(format!("the picture cannot be read: {error}")).about_file(path)
    };
    let most = Limits::CURRENT.side_pixels;
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| refused(error.to_string()))?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(most);
    limits.max_image_height = Some(most);
    reader.limits(limits);
    let pixels = reader
        .decode()
        .map_err(|error| refused(error.to_string()).hint("PNG, JPEG and WebP are read"))?
        .into_rgba8();
    Ok(Picture {
        format: PictureFormat::Rgba8,
        width: pixels.width(),
        height: pixels.height(),
        data: ByteBuf::from(pixels.into_raw()),
        blob: None,
    })
}

/// Reads a picture to draw into; a PNG file goes as it is, with its depth.
///
/// # Errors
/// When it cannot be read.
pub fn read_canvas(path: &Path) -> Result<Picture, Failure> {
    let flat = read_picture(path)?;
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::refused(format!("the picture cannot be read: {error}")).about_file(path)
    })?;
    if image::guess_format(&bytes).is_ok_and(|format| format == image::ImageFormat::Png) {
        return Ok(Picture {
            format: PictureFormat::Png,
            data: ByteBuf::from(bytes),
            ..flat
        });
    }
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered() {
        assert_eq!(free_name(|_| false), Path::new("frame.png"));
        let taken = ["frame.png", "frame-2.png"].map(PathBuf::from);
        assert_eq!(
            free_name(|path| taken.iter().any(|name| name == path)),
            Path::new("frame-3.png")
        );
        assert_eq!(
            with_suffix(Path::new("a/b.c.png"), 3),
            Path::new("a/b.c_3.png")
        );
    }

    #[test]
    fn a_promised_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("frame.png");
        drop(FrameFile::promise(&path).expect("a place"));
        assert_eq!(
            std::fs::read_dir(directory.path()).expect("there").count(),
            0
        );
        let file = FrameFile::promise(&path).expect("a place");
        assert!(!path.exists());
        file.write(b"png").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"png");
        assert_eq!(
            std::fs::read_dir(directory.path()).expect("there").count(),
            1
        );
    }

    #[test]
    fn places_that_cannot_be_written_are_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("folder.png")).expect("made");
        for name in ["missing/frame.png", "folder.png", "frame.jpg", "frame"] {
            assert!(FrameFile::promise(&path(name)).is_err(), "{name}");
        }
    }
}
