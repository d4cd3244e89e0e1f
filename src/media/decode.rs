//! Decoding one frame of an H.264 clip with OpenH264, reading no more of the file than it takes.

use std::io::{Read, Seek};
use std::time::{Duration, Instant};

use image::RgbImage;
use mp4_atom::Colr;
use openh264::OpenH264API;
use openh264::decoder::{DecodedYUV, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource as _;

use super::ProbeError;
use super::boxes::{Kind, child, damaged, leaf};
use super::samples::Video;
use super::sequence::{self, Colours};

/// How long decoding may take; a minute of 4K is decoded in about this time.
const LONGEST: Duration = Duration::from_secs(60);
/// The most bytes that are read from a file for one frame; headers can list the same large frame again and again.
const MOST_BYTES: usize = 1 << 30;

/// Why there is no picture.
pub(super) enum NotDecoded {
    /// The file is cut or damaged, which no other decoder would mend.
    Unreadable(ProbeError),
    /// The clip is beyond this decoder, as a sentence without its end: "the clip is H.264 with 10 bits a colour".
    Beyond(String),
}

impl From<ProbeError> for NotDecoded {
    fn from(error: ProbeError) -> Self {
        Self::Unreadable(error)
    }
}

/// Decodes the frame with this number (in the order of decoding) of a file of `length` bytes.
pub(super) fn decode(
    reader: &mut (impl Read + Seek),
    length: u64,
    video: &Video,
    wanted: usize,
) -> Result<RgbImage, NotDecoded> {
    let begun = Instant::now();
    let beyond = |what: &str| NotDecoded::Beyond(format!("the clip is H.264 {what}"));
    if video.changes_parameters {
        return Err(beyond("whose parameters change on the way"));
    }
    let parameters = Parameters::read(&video.parameters)?;
    let mut colours = Colours::default();
    for set in &parameters.sequence_sets {
        colours = sequence::read(set).map_err(|what| beyond(&what))?;
    }
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    let mut decoder = Decoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| beyond(&cannot(&error)))?;
    let mut bytes_read = 0_usize;
    let mut stream = Vec::new();
    let first = begin(reader, length, video, &parameters, wanted)?;
    for number in first..=wanted {
        let bytes = video.sample(reader, length, number)?;
        bytes_read = bytes_read.saturating_add(bytes.len());
        if bytes_read > MOST_BYTES || begun.elapsed() > LONGEST {
            return Err(beyond("that takes too long to decode here"));
        }
        let units = parameters.units(&bytes, number)?;
        // What no other frame is made from need not be decoded; that is every B-frame of most clips.
        if number != wanted && units.iter().all(|unit| !is_slice(unit) || unit[0] & 0x60 == 0) {
            continue;
        }
        stream.clear();
        if number == first {
            for set in &parameters.sequence_sets {
                append(&mut stream, &sequence::unordered(set));
            }
            parameters.picture_sets.iter().for_each(|set| append(&mut stream, set));
        }
        for unit in units {
            match kind(unit) {
                7 => {
                    colours = sequence::read(unit).map_err(|what| beyond(&what))?;
                    append(&mut stream, &sequence::unordered(unit));
                }
                1..=5 | 8 => append(&mut stream, unit),
                // The rest (delimiters, messages, extensions for other decoders) holds nothing of the picture.
                _ => {}
            }
        }
        // The decoder is emptied after every frame, so what it gives is this frame, whatever the order of showing.
        let decoded = decoder
            .decode(&stream)
            .map_err(|error| beyond(&format!("whose frame {} {}", number + 1, cannot(&error))))?;
        if number == wanted {
            let picture = decoded.ok_or_else(|| beyond("whose decoder gives no picture"))?;
            return rgb(&picture, colours.or(colours_of_container(&video.parameters)), 1)
                .ok_or_else(|| beyond("whose decoder gives half a picture"));
        }
    }
    Err(NotDecoded::Unreadable(ProbeError::NoFrames))
}

/// The frame that decoding begins with so as to reach `wanted`. Not all that files mark as such can be begun with.
pub(super) fn begin(
    reader: &mut (impl Read + Seek),
    length: u64,
    video: &Video,
    parameters: &Parameters<'_>,
    wanted: usize,
) -> Result<usize, NotDecoded> {
    let mut bytes_read = 0_usize;
    for number in (0..=wanted).rev() {
        if !video.samples.get(number).is_some_and(|sample| sample.sync) {
            continue;
        }
        let bytes = video.sample(reader, length, number)?;
        if parameters.units(&bytes, number)?.iter().any(|unit| kind(unit) == 5) {
            return Ok(number);
        }
        bytes_read = bytes_read.saturating_add(bytes.len());
        if bytes_read > MOST_BYTES {
            break;
        }
    }
    Ok(0)
}

pub(super) fn cannot(error: &openh264::Error) -> String {
    let text = error.to_string();
    // What follows the first sentences is about its own state and says nothing to anybody.
    let text = text.split(" Decoding State").next().unwrap_or_default();
    format!("cannot be decoded ({})", text.trim_end_matches('.'))
}

/// The type of a unit; units are never empty.
pub(super) fn kind(unit: &[u8]) -> u8 {
    unit[0] & 0x1f
}

/// Whether a unit holds a part of a picture.
pub(super) fn is_slice(unit: &[u8]) -> bool {
    (1..=5).contains(&kind(unit))
}

pub(super) fn append(stream: &mut Vec<u8>, unit: &[u8]) {
    stream.extend_from_slice(&[0, 0, 0, 1]);
    stream.extend_from_slice(unit);
}

/// What an `avcC` box says.
pub(super) struct Parameters<'a> {
    /// Bytes of the length before each unit of a frame.
    length_size: usize,
    pub(super) sequence_sets: Vec<&'a [u8]>,
    pub(super) picture_sets: Vec<&'a [u8]>,
}

impl<'a> Parameters<'a> {
    /// Finds the box among those of a sample entry. What may follow the sets in it is not read: writers differ there.
    pub(super) fn read(boxes: &'a [u8]) -> Result<Self, ProbeError> {
        let body = child(b"stsd", boxes, b"avcC")?
            .ok_or_else(|| damaged(Kind(*b"stsd"), "has no `avcC` box"))?;
        let short = || damaged(Kind(*b"avcC"), "is shorter than the sets it lists");
        let (&[_, _, _, _, size, count], mut rest) = body.split_first_chunk().ok_or_else(short)?;
        let mut sets = |count: u8| -> Option<Vec<&'a [u8]>> {
            let mut sets = Vec::new();
            for _ in 0..count {
                let set = take_unit(&mut rest, 2)?;
                sets.extend((!set.is_empty()).then_some(set));
            }
            Some(sets)
        };
        let sequence_sets = sets(count & 0x1f).ok_or_else(short)?;
        let (&count, after) = rest.split_first().ok_or_else(short)?;
        rest = after;
        let mut picture_sets = Vec::new();
        for _ in 0..count {
            let set = take_unit(&mut rest, 2).ok_or_else(short)?;
            picture_sets.extend((!set.is_empty()).then_some(set));
        }
        Ok(Self { length_size: usize::from(size & 3) + 1, sequence_sets, picture_sets })
    }

    /// The units of a frame; empty ones are left out.
    pub(super) fn units<'b>(
        &self,
        mut bytes: &'b [u8],
        number: usize,
    ) -> Result<Vec<&'b [u8]>, ProbeError> {
        let mut units = Vec::new();
        while !bytes.is_empty() {
            let unit = take_unit(&mut bytes, self.length_size).ok_or_else(|| {
                let why = format!("holds a frame {} that is not made of whole units", number + 1);
                damaged(Kind(*b"mdat"), why)
            })?;
            units.extend((!unit.is_empty()).then_some(unit));
        }
        Ok(units)
    }
}

/// Takes a unit with its length before it from the beginning of `bytes`; `None` where it is cut.
fn take_unit<'a>(bytes: &mut &'a [u8], length_size: usize) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_at_checked(length_size)?;
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let (unit, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(unit)
}

impl Colours {
    /// What the pictures themselves say comes before what the file says.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            matrix: self.matrix.or(other.matrix),
            full_range: self.full_range.or(other.full_range),
        }
    }
}

/// What the file says of the colours, in the boxes of a sample entry.
pub(super) fn colours_of_container(boxes: &[u8]) -> Colours {
    let colr = child(b"stsd", boxes, b"colr").ok().flatten();
    let colr = colr.and_then(|colr| leaf::<Colr>(b"colr", colr).ok());
    colr.map(colours_of).unwrap_or_default()
}

fn colours_of(colr: Colr) -> Colours {
    let known = |matrix: u16| Some(matrix).filter(|matrix| *matrix != 2);
    match colr {
        Colr::Nclx { matrix_coefficients, full_range_flag, .. } => {
            Colours { matrix: known(matrix_coefficients), full_range: Some(full_range_flag) }
        }
        Colr::Nclc { matrix_coefficients, .. } => {
            Colours { matrix: known(matrix_coefficients), full_range: None }
        }
        _ => Colours::default(),
    }
}

/// Converts a picture as its colours are meant, made smaller by a whole factor. Where nothing says it they are BT.601
/// whatever the size, as ffmpeg takes and makes them: players may think otherwise, but a chain of clips that start from
/// each other must not drift. `None` where the decoder's planes are smaller than its picture.
pub(super) fn rgb(picture: &DecodedYUV<'_>, colours: Colours, factor: usize) -> Option<RgbImage> {
    let (width, height) = picture.dimensions();
    let (luma_stride, blue_stride, red_stride) = picture.strides();
    let [red_share, blue_share] = match colours.matrix {
        Some(1) => [0.2126, 0.0722],
        Some(9 | 10) => [0.2627, 0.0593],
        _ => [0.299_f32, 0.114],
    };
    let green_share = 1.0 - red_share - blue_share;
    let (black, luma_scale, colour_scale) = match colours.full_range {
        Some(true) => (0.0, 1.0, 1.0),
        _ => (16.0, 255.0 / 219.0, 255.0 / 224.0),
    };
    let from_red = 2.0 * (1.0 - red_share) * colour_scale;
    let from_blue = 2.0 * (1.0 - blue_share) * colour_scale;
    let to_byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let pixel = |luma: f32, blue: f32, red: f32| {
        let (luma, blue, red) =
            ((luma - black) * luma_scale, (blue - 128.0) * from_blue, (red - 128.0) * from_red);
        // The shares of what green is not weigh what it loses.
        let green = -(red * red_share + blue * blue_share) / green_share;
        [luma + red, luma + green, luma + blue].map(to_byte)
    };
    let (wide, high) = (width / factor, height / factor);
    let mut pixels = Vec::with_capacity(wide * high * 3);
    if factor == 1 {
        for row in 0..height {
            let luma = picture.y().get(row * luma_stride..)?.get(..width)?;
            let blue = picture.u().get(row / 2 * blue_stride..)?.get(..width.div_ceil(2))?;
            let red = picture.v().get(row / 2 * red_stride..)?.get(..width.div_ceil(2))?;
            for (pair, (blue, red)) in luma.chunks(2).zip(blue.iter().zip(red)) {
                for luma in pair {
                    pixels.extend(pixel(f32::from(*luma), f32::from(*blue), f32::from(*red)));
                }
            }
        }
    } else {
        // One row of means each: of `factor` rows of brightness, and of half as many of colour.
        let mean = |plane: &[u8], stride: usize, row: usize, column: usize, side: usize| {
            let mut sum = 0_u32;
            for row in row..row + side {
                let part = plane.get(row * stride + column..)?.get(..side)?;
                sum += part.iter().map(|value| u32::from(*value)).sum::<u32>();
            }
            Some(sum as f32 / (side * side) as f32)
        };
        let half = factor / 2;
        for (row, column) in (0..high).flat_map(|row| (0..wide).map(move |column| (row, column))) {
            let luma = mean(picture.y(), luma_stride, row * factor, column * factor, factor)?;
            let (row, column) = (row * factor / 2, column * factor / 2);
            let blue = mean(picture.u(), blue_stride, row, column, half)?;
            let red = mean(picture.v(), red_stride, row, column, half)?;
            pixels.extend(pixel(luma, blue, red));
        }
    }
    RgbImage::from_raw(u32::try_from(wide).ok()?, u32::try_from(high).ok()?, pixels)
}
