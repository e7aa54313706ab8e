//! Smaller pictures of pictures. What comes from outside is decoded within
//! limits, two at a time, apart from the threads that answer requests.

use std::{io::Cursor, time::Duration};

use bedside_model::file::Kind;
use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Error, Result};

/// Width and height to fit into.
pub type Size = (u32, u32);

/// The largest picture that is taken: more than any camera's.
const MAX_PIXELS: u64 = 100_000_000;
/// The most memory that decoding one picture may take, in bytes.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// Pictures that are decoded at once.
const AT_ONCE: usize = 2;
/// How long a turn is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The right to hold one whole picture in memory.
pub(crate) type Turn = SemaphorePermit<'static>;

/// Waits for a turn.
///
/// # Errors
/// 503 when none comes.
pub(crate) async fn turn() -> Result<Turn> {
    let turn = tokio::time::timeout(PATIENCE, TURNS.acquire()).await;
    turn.ok().and_then(Result::ok).ok_or_else(|| Error::Unavailable {
        retry_after_s: 5,
        message: "The server is busy with other pictures. Try again in a moment.".to_owned(),
    })
}

/// Refuses a picture that would fill the memory of whoever opens it, by what
/// its beginning says. A beginning that says nothing is let pass; decoding has
/// limits of its own.
///
/// # Errors
/// 400 `image_too_large`.
pub(crate) fn check_beginning(head: &[u8], kind: Kind) -> Result<()> {
    let Some(format) = format(kind) else { return Ok(()) };
    match ImageReader::with_format(Cursor::new(head), format).into_dimensions() {
        Ok((width, height)) => check_pixels(width, height),
        Err(ImageError::Limits(_)) => Err(too_large()),
        Err(_) => Ok(()),
    }
}

/// A PNG of the picture that fits into a size; a smaller picture keeps its own.
///
/// # Errors
/// 400 `image_too_large`, or `image_not_readable` for a damaged one.
pub(crate) async fn resize(turn: Turn, bytes: Vec<u8>, kind: Kind, size: Size) -> Result<Bytes> {
    let Some(format) = format(kind) else { return Err(not_readable()) };
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        resized(&bytes, format, size)
    });
    work.await.unwrap_or_else(|ended| {
        // A decoder that panics on a picture could not read it.
        tracing::warn!(panic = ended.is_panic(), "a picture broke its decoder");
        Err(not_readable())
    })
}

fn resized(bytes: &[u8], format: ImageFormat, (width, height): Size) -> Result<Bytes> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (own_width, own_height) = decoder.dimensions();
    check_pixels(own_width, own_height)?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(too_large());
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    // Made small first and turned then: the other way round moves all pixels.
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let mut small =
        if own_width > width || own_height > height { picture.thumbnail(width, height) } else { picture };
    small.apply_orientation(orientation);
    let small = if small.color().has_alpha() {
        DynamicImage::ImageRgba8(small.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(small.into_rgb8())
    };
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).map_err(Error::internal)?;
    Ok(png.into_inner().into())
}

const fn format(kind: Kind) -> Option<ImageFormat> {
    match kind {
        Kind::Jpg => Some(ImageFormat::Jpeg),
        Kind::Png => Some(ImageFormat::Png),
        Kind::Gif => Some(ImageFormat::Gif),
        Kind::Webp => Some(ImageFormat::WebP),
        _ => None,
    }
}

fn check_pixels(width: u32, height: u32) -> Result<()> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS { Err(too_large()) } else { Ok(()) }
}

fn refused(error: &ImageError) -> Error {
    if matches!(error, ImageError::Limits(_)) { too_large() } else { not_readable() }
}

fn too_large() -> Error {
    Error::invalid("image_too_large", "This picture has too many pixels.")
}

fn not_readable() -> Error {
    Error::invalid("image_not_readable", "This picture is damaged; only the file as a whole can be had.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture =
            DynamicImage::ImageRgb8(image::RgbImage::from_pixel(width, height, image::Rgb([200, 10, 10])));
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn size_of(png: &[u8]) -> Size {
        let reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
        reader.into_dimensions().unwrap()
    }

    #[test]
    fn every_format_becomes_a_small_png() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let png = resized(&picture(640, 400, format), format, (320, 320)).unwrap();
            assert_eq!(size_of(&png), (320, 200), "{format:?}");
        }
    }

    #[test]
    fn a_small_picture_stays_small() {
        let png = resized(&picture(10, 20, ImageFormat::Png), ImageFormat::Png, (320, 240)).unwrap();
        assert_eq!(size_of(&png), (10, 20));
    }

    #[test]
    fn a_photo_that_was_held_upright_is_turned() {
        let jpeg = picture(40, 20, ImageFormat::Jpeg);
        // TIFF: one entry, tag 0x0112 (orientation), short, 6 = turn right.
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let turned = [&jpeg[..2], b"\xff\xe1", &length, exif, &jpeg[2..]].concat();
        let png = resized(&turned, ImageFormat::Jpeg, (10, 10)).unwrap();
        assert_eq!(size_of(&png), (5, 10));
    }

    #[test]
    fn damage_is_told() {
        let mut cut = picture(64, 64, ImageFormat::Png);
        cut.truncate(60);
        let error = resized(&cut, ImageFormat::Png, (8, 8)).unwrap_err();
        assert_eq!(error.code(), Some("image_not_readable"));
    }
}
