//! Reference images: read with care, and moved by the camera.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use resvg::tiny_skia::{IntSize, Pixmap};

use super::PreviewError;
use super::camera::Pose;
use super::frame::Frame;
use super::layer::{self, Affine, Layer, Scratch};

/// The largest image file, in bytes.
const LARGEST_FILE: u64 = 200 * 1024 * 1024;

/// The most pixels an image may have.
const MOST_PIXELS: u64 = 100_000_000;

/// A reference image, scaled to what the camera will see of it.
pub(super) struct Picture {
    layer: Layer,
    width: f32,
    height: f32,
    scratch: Scratch,
}

/// How far beyond the frame the picture reaches on each side, in parts of the frame, so that a camera can move over it.
const REACH: f32 = 0.13;

impl Picture {
    /// Reads the image and fits it over a frame, cutting what does not fit.
    pub(super) fn load(path: &Path, width: usize, height: usize) -> Result<Self, PreviewError> {
        let image = read(path)
            .map_err(|why| PreviewError::Reference { path: path.display().to_string(), why })?;
        let even = |side: usize| ((side as f32 * (1.0 + 2.0 * REACH)) as u32).next_multiple_of(2);
        let (wide, high) = (even(width), even(height));
        let image = cover(image, wide, high).into_rgba8();
        let mut data = image.into_raw();
        for pixel in data.chunks_exact_mut(4) {
            // Transparent parts show as dark ground.
            let alpha = u32::from(pixel[3]);
            for part in &mut pixel[..3] {
                *part = ((u32::from(*part) * alpha + 24 * (255 - alpha)) / 255) as u8;
            }
            pixel[3] = 255;
        }
        let size = IntSize::from_wh(wide, high);
        let pixmap = size
            .and_then(|size| Pixmap::from_vec(data, size))
            .ok_or_else(|| PreviewError::Drawing("the reference image cannot be placed".into()))?;
        let (left, top) = ((wide as f32 - width as f32) / 2.0, (high as f32 - height as f32) / 2.0);
        let layer = Layer::new(&pixmap, -left, -top, 1.0, true);
        Ok(Self { layer, width: width as f32, height: height as f32, scratch: Scratch::default() })
    }

    /// Films the picture from a pose. What a camera would do in space becomes a move over the flat picture, held inside of it.
    pub(super) fn film(&mut self, frame: &mut Frame, pose: &Pose) {
        let closer = pose.dolly + pose.zoom;
        // From the whole reach of the picture in: backwards shows more, forwards less.
        let scale = (0.75 * closer).exp().clamp(1.0 / (1.0 + 2.0 * REACH), 1.9);
        let roll = pose.roll.clamp(-0.12, 0.12);
        let soft = |value: f32, limit: f32| limit * (value / limit).tanh();
        let room = |side: f32| (side * (1.0 + 2.0 * REACH) * scale - side).max(0.0) / 2.0;
        let aside = -(pose.pan + pose.track + pose.follow + 0.6 * pose.orbit) * 0.36 * self.width;
        let down = (pose.tilt + pose.crane) * 0.36 * self.height;
        let (most_aside, most_down) = (room(self.width) - 1.0, room(self.height) - 1.0);
        let aside = if most_aside > 0.0 { soft(aside, most_aside) } else { 0.0 };
        let down = if most_down > 0.0 { soft(down, most_down) } else { 0.0 };
        let (x, y) = (self.width / 2.0, self.height / 2.0);
        let seen = Affine::scale_around(scale, scale, x, y)
            .then(Affine::rotate_around(roll, x, y))
            .then(Affine::translate(aside, down));
        layer::film([(&self.layer, seen)].into_iter(), frame, &mut self.scratch);
    }
}

/// Reads an image file within limits; the error continues a sentence that begins with its name.
fn read(path: &Path) -> Result<DynamicImage, String> {
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let length = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.len();
    if length > LARGEST_FILE {
        return Err(format!("has {length} bytes, more than the {LARGEST_FILE} that are read"));
    }
    let mut reader = ImageReader::new(BufReader::new(file));
    reader = reader.with_guessed_format().map_err(|error| format!("cannot be read: {error}"))?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) => {}
        _ => return Err("is no PNG, JPEG or WebP image".into()),
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let broken = |error: ImageError| format!("cannot be decoded: {error}");
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS {
        let (megapixels, most) = (pixels / 1_000_000, MOST_PIXELS / 1_000_000);
        return Err(format!(
            "has {width}x{height} pixels ({megapixels} megapixels), more than the {most} that are read"
        ));
    }
    // A photograph often lies on its side and says so; an unreadable note about that is no reason to refuse it.
    let orientation = decoder.orientation();
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if let Ok(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

/// Scales an image so that it just covers a size, and cuts the rest off evenly.
fn cover(image: DynamicImage, width: u32, height: u32) -> DynamicImage {
    let (from_width, from_height) =
        (f64::from(image.width().max(1)), f64::from(image.height().max(1)));
    let scale = (f64::from(width) / from_width).max(f64::from(height) / from_height);
    let (wide, high) = (f64::from(width) / scale, f64::from(height) / scale);
    let (x, y) = ((from_width - wide) / 2.0, (from_height - high) / 2.0);
    let crop = |offset: f64, side: f64, whole: u32| {
        let offset = (offset.round().max(0.0) as u32).min(whole - 1);
        (offset, (side.round() as u32).clamp(1, whole - offset))
    };
    let ((x, wide), (y, high)) = (crop(x, wide, image.width()), crop(y, high, image.height()));
    let filter = if scale > 1.0 { FilterType::CatmullRom } else { FilterType::Triangle };
    image.crop_imm(x, y, wide, high).resize_exact(width, height, filter)
}
