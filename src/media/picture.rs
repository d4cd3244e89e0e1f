//! Stills: what a picture file is, and whether all of it is here.

use super::probe::{Probe, ProbeError};
use image::{ImageFormat, ImageReader};
use std::io::{BufRead, Seek};

/// The formats in which providers give stills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

impl PictureFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// The word for it in probes: `png`, `jpeg`, `webp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// The ending of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// The format of a file by its first bytes (12 are enough); `None` for what is no still.
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }
}

/// Decodes a whole picture: its header alone would not show that its end is missing.
///
/// # Errors
/// What is cut, damaged, or larger than half a gigabyte of pixels.
pub fn probe(bytes: impl BufRead + Seek, format: PictureFormat) -> Result<Probe, ProbeError> {
    let reader = ImageReader::with_format(
        bytes,
        match format {
            PictureFormat::Png => ImageFormat::Png,
            PictureFormat::Jpeg => ImageFormat::Jpeg,
            PictureFormat::Webp => ImageFormat::WebP,
        },
    );
    let picture = reader
        .decode()
        .map_err(|error| ProbeError::Picture { format: format.name(), why: error.to_string() })?;
    Ok(Probe {
        duration: 0.0,
        width: picture.width(),
        height: picture.height(),
        fps: 0.0,
        codec: format.name().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;
    use std::io::Cursor;

    fn drawn(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(64, 36, |x, y| {
            image::Rgb([u8::try_from(x * 4).unwrap_or(255), u8::try_from(y * 7).unwrap_or(255), 90])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("a picture");
        bytes.into_inner()
    }

    #[test]
    fn stills_are_told_apart_and_measured() {
        for (format, expected) in [
            (ImageFormat::Png, PictureFormat::Png),
            (ImageFormat::Jpeg, PictureFormat::Jpeg),
            (ImageFormat::WebP, PictureFormat::Webp),
        ] {
            let bytes = drawn(format);
            assert_eq!(PictureFormat::of(&bytes), Some(expected));
            let probe = probe(Cursor::new(&bytes), expected).expect("whole");
            assert_eq!((probe.width, probe.height, probe.duration), (64, 36, 0.0));
            assert_eq!(probe.picture(), Some(expected));
        }
        assert_eq!(PictureFormat::of(b"\0\0\0\x18ftypmp42"), None);
        assert_eq!(PictureFormat::of(b""), None);
    }

    #[test]
    fn a_cut_still_is_none() {
        for (format, kind) in
            [(ImageFormat::Png, PictureFormat::Png), (ImageFormat::WebP, PictureFormat::Webp)]
        {
            let bytes = drawn(format);
            for end in [12, bytes.len() / 2, bytes.len() - 13] {
                assert!(probe(Cursor::new(&bytes[..end]), kind).is_err(), "{kind:?} {end}");
            }
        }
    }
}
