//! Writing H.264 samples into an MP4 file that browsers, QuickTime and ffmpeg play.

use mp4_atom::{
    Avc1, Avcc, AvccExt, Colr, Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Matrix, Mdhd, Mdia, Minf,
    Moov, Mvhd, Stbl, Stco, Stsc, StscEntry, Stsd, Stss, Stsz, StszSamples, Stts, SttsEntry, Tkhd,
    Trak, Url, Visual, Vmhd,
};

/// Ticks a second of the movie's own clock.
const MOVIE_TIMESCALE: u32 = 1000;

/// One frame as an encoder delivers it.
#[derive(Debug, Clone, Copy)]
pub struct H264Sample<'a> {
    /// The frame's NAL units, each after a start code. Parameter sets may stand among them.
    pub annex_b: &'a [u8],
    /// How long the frame is shown, in ticks of the timescale.
    pub duration: u32,
    /// Whether decoding may begin here.
    pub keyframe: bool,
}

/// Why samples could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MuxError {
    /// The samples carry no sequence or no picture parameter set.
    #[error("the H.264 samples carry no {0} parameter set")]
    NoParameterSet(&'static str),
    /// There is nothing to write.
    #[error("there are no samples to write")]
    NoSamples,
    /// A sample holds no picture.
    #[error("sample {0} holds no picture")]
    EmptySample(usize),
    /// The first sample is no keyframe, so no player could begin.
    #[error("the first sample is not a keyframe")]
    NoFirstKeyframe,
    /// A timescale of zero gives frames no time.
    #[error("a timescale of 0 ticks a second gives frames no time")]
    ZeroTimescale,
    /// The file would pass four gigabytes, the reach of its offsets.
    #[error("the clip would have {0} bytes, more than this writer can address")]
    TooLarge(usize),
    /// A box could not be built.
    #[error("the MP4 headers cannot be written: {0}")]
    Header(#[from] mp4_atom::Error),
}

/// Writes samples as an MP4 file with its headers in front, ready to be streamed. The frames are declared BT.709 in
/// limited range, 4:2:0, eight bits. `width` and `height` are in pixels, `timescale` in ticks a second. The same samples always
/// give the same bytes: no dates are written.
///
/// # Errors
/// [`MuxError`] when the samples cannot make a playable file.
pub fn mux_h264(
    width: u16,
    height: u16,
    timescale: u32,
    samples: &[H264Sample<'_>],
) -> Result<Vec<u8>, MuxError> {
    mux_h264_with(width, height, timescale, samples, &[])
}

/// As [`mux_h264`], with `free` in a box that players skip: a way to make two files of the same frames differ.
/// Nothing is written for an empty `free`.
///
/// # Errors
/// As [`mux_h264`].
pub fn mux_h264_with(
    width: u16,
    height: u16,
    timescale: u32,
    samples: &[H264Sample<'_>],
    free: &[u8],
) -> Result<Vec<u8>, MuxError> {
    let stream = Stream::read(samples)?;
    if timescale == 0 {
        return Err(MuxError::ZeroTimescale);
    }
    let mut file = Vec::new();
    let brand = |name: &[u8; 4]| FourCC::new(name);
    Ftyp {
        major_brand: brand(b"isom"),
        minor_version: 0x200,
        compatible_brands: [b"isom", b"iso2", b"avc1", b"mp41"].map(brand).to_vec(),
    }
    .encode(&mut file)?;

    // The offset in the headers depends on their own length, which does not depend on the offset.
    let headers_length = {
        let mut headers = Vec::new();
        headers_of(width, height, timescale, samples, &stream, 0).encode(&mut headers)?;
        headers.len()
    };
    let free_length = if free.is_empty() { 0 } else { free.len() + 8 };
    let media_offset = file.len() + headers_length + free_length + 8;
    let total = media_offset + stream.media.len();
    if u32::try_from(total).is_err() {
        return Err(MuxError::TooLarge(total));
    }
    headers_of(width, height, timescale, samples, &stream, media_offset as u32)
        .encode(&mut file)?;
    if !free.is_empty() {
        write_box(&mut file, *b"free", free);
    }
    write_box(&mut file, *b"mdat", &stream.media);
    Ok(file)
}

/// Appends a box; the caller has checked that the whole file stays below four gigabytes.
fn write_box(file: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    file.extend_from_slice(&(body.len() as u32 + 8).to_be_bytes());
    file.extend_from_slice(&kind);
    file.extend_from_slice(body);
}

/// The samples in the form that MP4 stores: NAL units after their length, parameter sets apart.
struct Stream<'a> {
    sequence_sets: Vec<&'a [u8]>,
    picture_sets: Vec<&'a [u8]>,
    media: Vec<u8>,
    sizes: Vec<u32>,
}

impl<'a> Stream<'a> {
    fn read(samples: &[H264Sample<'a>]) -> Result<Self, MuxError> {
        let mut stream = Self {
            sequence_sets: Vec::new(),
            picture_sets: Vec::new(),
            media: Vec::new(),
            sizes: Vec::new(),
        };
        for (index, sample) in samples.iter().enumerate() {
            let start = stream.media.len();
            for unit in nal_units(sample.annex_b) {
                // The low five bits of the first byte are the type of the unit.
                match unit[0] & 0x1f {
                    7 => remember(&mut stream.sequence_sets, unit),
                    8 => remember(&mut stream.picture_sets, unit),
                    // Delimiters mean nothing in a file that states where each sample begins.
                    9 => {}
                    _ => {
                        let length = u32::try_from(unit.len())
                            .map_err(|_| MuxError::TooLarge(unit.len()))?;
                        stream.media.extend_from_slice(&length.to_be_bytes());
                        stream.media.extend_from_slice(unit);
                    }
                }
            }
            let size = stream.media.len() - start;
            if size == 0 {
                return Err(MuxError::EmptySample(index));
            }
            stream.sizes.push(u32::try_from(size).map_err(|_| MuxError::TooLarge(size))?);
        }
        match samples.first() {
            None => Err(MuxError::NoSamples),
            Some(first) if !first.keyframe => Err(MuxError::NoFirstKeyframe),
            _ if stream.sequence_sets.iter().all(|set| set.len() < 4) => {
                Err(MuxError::NoParameterSet("sequence"))
            }
            _ if stream.picture_sets.is_empty() => Err(MuxError::NoParameterSet("picture")),
            _ => Ok(stream),
        }
    }
}

fn remember<'a>(sets: &mut Vec<&'a [u8]>, set: &'a [u8]) {
    if !sets.contains(&set) {
        sets.push(set);
    }
}

/// Splits a stream at its start codes. Units are never empty.
fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = Vec::new();
    let mut index = 0;
    while index + 3 <= annex_b.len() {
        if annex_b[index..index + 3] == [0, 0, 1] {
            starts.push(index);
            index += 3;
        } else {
            index += 1;
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([annex_b.len()]).collect();
    starts.into_iter().zip(ends).filter_map(move |(start, end)| {
        let mut unit = &annex_b[start + 3..end];
        // A unit never ends in zeros: those belong to the next start code or are padding.
        while let [rest @ .., 0] = unit {
            unit = rest;
        }
        (!unit.is_empty()).then_some(unit)
    })
}

fn headers_of(
    width: u16,
    height: u16,
    timescale: u32,
    samples: &[H264Sample<'_>],
    stream: &Stream<'_>,
    media_offset: u32,
) -> Moov {
    let ticks: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
    let movie_ticks = (ticks * u64::from(MOVIE_TIMESCALE)).div_ceil(u64::from(timescale));
    let keyframes: Vec<u32> = (1..)
        .zip(samples)
        .filter(|(_, sample)| sample.keyframe)
        .map(|(number, _)| number)
        .collect();
    let frames = stream.sizes.len() as u32;
    Moov {
        mvhd: Mvhd {
            timescale: MOVIE_TIMESCALE,
            duration: movie_ticks,
            rate: 1.into(),
            volume: 1.into(),
            matrix: upright(),
            next_track_id: 2,
            ..Mvhd::default()
        },
        trak: vec![Trak {
            tkhd: Tkhd {
                track_id: 1,
                duration: movie_ticks,
                enabled: true,
                in_movie: true,
                matrix: upright(),
                width: width.into(),
                height: height.into(),
                ..Tkhd::default()
            },
            mdia: Mdia {
                mdhd: Mdhd {
                    timescale,
                    duration: ticks,
                    language: "und".into(),
                    ..Mdhd::default()
                },
                hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "VideoHandler".into() },
                minf: Minf {
                    vmhd: Some(Vmhd::default()),
                    dinf: Dinf { dref: Dref { entries: vec![Url::default().into()] } },
                    stbl: Stbl {
                        stsd: Stsd { codecs: vec![codec(width, height, stream).into()] },
                        stts: Stts { entries: times(samples) },
                        // Without this box every sample would count as a keyframe.
                        stss: (keyframes.len() < samples.len())
                            .then_some(Stss { entries: keyframes }),
                        stsc: Stsc {
                            entries: vec![StscEntry {
                                first_chunk: 1,
                                samples_per_chunk: frames,
                                sample_description_index: 1,
                            }],
                        },
                        stsz: Stsz {
                            samples: StszSamples::Different { sizes: stream.sizes.clone() },
                        },
                        stco: Some(Stco { entries: vec![media_offset] }),
                        ..Stbl::default()
                    },
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }],
        ..Moov::default()
    }
}

/// The matrix that leaves a picture as it is.
fn upright() -> Matrix {
    Matrix { a: 0x10000, b: 0, u: 0, c: 0, d: 0x10000, v: 0, x: 0, y: 0, w: 0x4000_0000 }
}

fn times(samples: &[H264Sample<'_>]) -> Vec<SttsEntry> {
    let mut entries: Vec<SttsEntry> = Vec::new();
    for sample in samples {
        match entries.last_mut() {
            Some(last) if last.sample_delta == sample.duration => last.sample_count += 1,
            _ => entries.push(SttsEntry { sample_count: 1, sample_delta: sample.duration }),
        }
    }
    entries
}

fn codec(width: u16, height: u16, stream: &Stream<'_>) -> Avc1 {
    let first = stream.sequence_sets.iter().find_map(|set| set.first_chunk::<4>());
    let [_, profile, compatibility, level] = first.copied().unwrap_or_default();
    let owned = |sets: &[&[u8]]| sets.iter().map(|set| set.to_vec()).collect();
    Avc1 {
        visual: Visual {
            data_reference_index: 1,
            width,
            height,
            horizresolution: 72.into(),
            vertresolution: 72.into(),
            frame_count: 1,
            compressor: "".into(),
            depth: 24,
        },
        avcc: Avcc {
            configuration_version: 1,
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size: 4,
            sequence_parameter_sets: owned(&stream.sequence_sets),
            picture_parameter_sets: owned(&stream.picture_sets),
            // The high profiles repeat the picture's format here.
            ext: matches!(profile, 100 | 110 | 122 | 144).then(AvccExt::default),
        },
        btrt: None,
        colr: Some(Colr::Nclx {
            colour_primaries: 1,
            transfer_characteristics: 1,
            matrix_coefficients: 1,
            full_range_flag: false,
        }),
        pasp: None,
        taic: None,
        fiel: None,
        spatial: None,
    }
}
