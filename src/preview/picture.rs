//! Reference images: read with care, and moved by the camera.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgba, RgbaImage,
};
use resvg::tiny_skia::{IntSize, Pixmap};

use super::PreviewError;
use super::camera::Pose;
use super::frame::Frame;
use super::geometry::Affine;
use super::layer::{Layer, Scratch};

/// The largest image file, in bytes.
const LARGEST_FILE: u64 = 200 * 1024 * 1024;

/// The most pixels an image may have.
const MOST_PIXELS: u64 = 100_000_000;

/// A reference image, scaled to what the camera will see of it.
pub(super) struct Picture {
    layer: Layer,
    frame: (f32, f32),
    /// The picture's size where it just covers the frame.
    cover: (f32, f32),
    /// How much larger it is shown so that the camera's way stays inside of it.
    base: f32,
    /// The furthest that the camera steps back, as in [`closer`].
    widest: f32,
    scratch: Scratch,
}

/// How far across the frame a whole camera's way leads, in parts of what it would be on the stage.
const WAY: f32 = 0.6;

/// How much of the frame a way may cross to each side, in parts of the frame.
const FURTHEST: f32 = 0.16;

/// How much closer a pose is, as the logarithm of a scale.
fn closer(pose: &Pose) -> f32 {
    0.8 * (pose.dolly + pose.trail + pose.zoom)
}

/// Where a pose shifts the picture to, in parts of the frame.
fn shift(pose: &Pose) -> (f32, f32) {
    let aside = -(pose.pan + pose.track + pose.follow + 0.6 * pose.orbit) * WAY;
    (aside, (pose.tilt + pose.crane) * WAY)
}

fn roll(pose: &Pose) -> f32 {
    pose.roll.clamp(-0.12, 0.12)
}

impl Picture {
    /// Fits an image over a frame for a camera that takes these poses. A camera that rests shows all that
    /// the frame's shape lets it; one that moves gets the room that it needs and no more.
    pub(super) fn new(
        image: DynamicImage,
        (width, height): (usize, usize),
        poses: &[Pose],
    ) -> Result<Self, PreviewError> {
        let (w, h) = (width as f32, height as f32);
        let fit = (w / image.width() as f32).max(h / image.height() as f32);
        // An extreme panorama is cut to what a camera can reach.
        let cover =
            ((image.width() as f32 * fit).min(w * 1.6), (image.height() as f32 * fit).min(h * 1.6));
        let most =
            |value: fn(&Pose) -> f32| poses.iter().map(value).map(f32::abs).fold(0.0_f32, f32::max);
        let need = |part: f32, side: f32, cover: f32| {
            (side * (1.0 + 2.0 * part.min(FURTHEST)) + 2.0) / cover
        };
        let aside = need(most(|pose| shift(pose).0), w, cover.0);
        let along = need(most(|pose| shift(pose).1), h, cover.1);
        let lean = 1.0 + most(roll) * w.max(h) / w.min(h);
        let base = if poses.iter().all(|pose| *pose == Pose::default()) {
            1.0
        } else {
            aside.max(along).max(1.0) * lean
        };
        let widest = poses.iter().map(closer).fold(f32::MAX, f32::min);
        let nearest = poses.iter().map(closer).fold(f32::MIN, f32::max);
        // More pixels than the frame has serve only a camera that comes close, and only where the image has them.
        let resolution = (base * (nearest - widest).exp()).min(1.0 / fit).clamp(1.0, 1.6);
        let even = |side: f32| ((side * resolution).round() as u32).next_multiple_of(2).max(2);
        let (wide, high) = (even(cover.0), even(cover.1));
        let layer = layer(cover_with(image, wide, high), (w, h), cover)?;
        Ok(Self { layer, frame: (w, h), cover, base, widest, scratch: Scratch::default() })
    }

    /// A frame from which a shot goes on: the camera that has not moved shows all of it and nothing else, and a camera that
    /// leaves it finds that what lies around is not known yet.
    pub(super) fn going_on(
        image: DynamicImage,
        (width, height): (usize, usize),
    ) -> Result<Self, PreviewError> {
        let (w, h) = (width as f32, height as f32);
        let resolution = (image.width() as f32 / w).clamp(1.0, 1.6);
        let even = |side: f32| (side.round() as u32).next_multiple_of(2).max(2);
        let (wide, high) = (even(w * resolution), even(h * resolution));
        let known = cover_with(image, wide, high).into_rgba8();
        let (around_x, around_y) = (even(wide as f32 * AROUND), even(high as f32 * AROUND));
        let mut canvas = unknown_around(&known, around_x, around_y);
        imageops::replace(&mut canvas, &known, i64::from(around_x), i64::from(around_y));
        let scale = w / wide as f32;
        let cover = (canvas.width() as f32 * scale, canvas.height() as f32 * h / high as f32);
        let layer = layer(canvas.into(), (w, h), cover)?;
        Ok(Self {
            layer,
            frame: (w, h),
            cover,
            base: 1.0,
            widest: 0.0,
            scratch: Scratch::default(),
        })
    }

    /// Films the picture from a pose. What a camera would do in space becomes a way over the flat picture.
    pub(super) fn film(&mut self, frame: &mut Frame, pose: &Pose) {
        let least = (self.frame.0 / self.cover.0).max(self.frame.1 / self.cover.1);
        let scale = (self.base * (closer(pose) - self.widest).exp()).min(2.6).max(least);
        let roll = roll(pose);
        // No way leads beyond the picture.
        let hold = |part: f32, side: f32, cover: f32| {
            let room = (cover * scale - side) / 2.0 - 1.0;
            if room > 0.0 { (part * side).clamp(-room, room) } else { 0.0 }
        };
        let (aside, down) = shift(pose);
        let (x, y) = (self.frame.0 / 2.0, self.frame.1 / 2.0);
        let seen = Affine::scale_around(scale, scale, x, y)
            .then(Affine::rotate_around(roll, x, y))
            .then(Affine::translate(
                hold(aside, self.frame.0, self.cover.0),
                hold(down, self.frame.1, self.cover.1),
            ));
        super::layer::film([(&self.layer, seen)].into_iter(), frame, &mut self.scratch);
    }
}

/// How far the ground around a frame that goes on reaches to each side, in parts of the frame.
const AROUND: f32 = 0.45;

/// What a frame may go on with: its own reflection, out of focus and in the dark, so that nobody takes it for known.
fn unknown_around(known: &RgbaImage, around_x: u32, around_y: u32) -> RgbaImage {
    const COARSE: u32 = 12;
    let (width, height) = known.dimensions();
    let (small_width, small_height) = ((width / COARSE).max(2), (height / COARSE).max(2));
    let small = imageops::resize(known, small_width, small_height, FilterType::Triangle);
    let (beside, above) = (
        (small_width * around_x).div_ceil(width).max(1),
        (small_height * around_y).div_ceil(height).max(1),
    );
    let mirrored = |place: u32, before: u32, side: u32| {
        let place = (i64::from(place) - i64::from(before)).rem_euclid(2 * i64::from(side)) as u32;
        place.min(2 * side - 1 - place)
    };
    let around = RgbaImage::from_fn(small_width + 2 * beside, small_height + 2 * above, |x, y| {
        let (x, y) = (mirrored(x, beside, small_width), mirrored(y, above, small_height));
        let Rgba([red, green, blue, alpha]) = *small.get_pixel(x, y);
        let dark = |part: u8| (u32::from(part) * 2 / 5) as u8;
        Rgba([dark(red), dark(green), dark(blue), alpha])
    });
    let (wide, high) = (width + 2 * around_x, height + 2 * around_y);
    imageops::resize(&around, wide, high, FilterType::Triangle)
}

/// An image around the middle of a resting frame, covering this much of it.
fn layer(image: DynamicImage, frame: (f32, f32), cover: (f32, f32)) -> Result<Layer, PreviewError> {
    let wide = image.width() as f32;
    let pixmap = pixmap(image)
        .ok_or_else(|| PreviewError::Drawing("the reference image cannot be placed".into()))?;
    let (left, top) = ((frame.0 - cover.0) / 2.0, (frame.1 - cover.1) / 2.0);
    Ok(Layer::new(&pixmap, left, top, wide / cover.0, true))
}

/// The image as a drawing; transparent parts show as dark ground.
fn pixmap(image: DynamicImage) -> Option<Pixmap> {
    let image = image.into_rgba8();
    let size = IntSize::from_wh(image.width(), image.height())?;
    let mut data = image.into_raw();
    for pixel in data.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for part in &mut pixel[..3] {
            *part = ((u32::from(*part) * alpha + 24 * (255 - alpha)) / 255) as u8;
        }
        pixel[3] = 255;
    }
    Pixmap::from_vec(data, size)
}

/// Whether a file's name has the ending of a picture that can be read.
pub(super) fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg", "webp"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Reads an image file within limits; the error continues a sentence that begins with its name.
pub(super) fn read(path: &Path) -> Result<DynamicImage, String> {
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
pub(super) fn cover_with(image: DynamicImage, width: u32, height: u32) -> DynamicImage {
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
