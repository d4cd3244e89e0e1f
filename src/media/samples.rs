//! Where the frames of a clip lie in its file, and which of them is shown first and last.

use std::io::{Read, Seek, SeekFrom};

use mp4_atom::{
    Co64, Ctts, Elst, Mdhd, Mvhd, Stco, Stsc, Stss, Stsz, StszSamples, Stts, Tfdt, Tfhd, Tkhd,
    Trex, Trun,
};

use super::ProbeError;
use super::boxes::{Kind, child, children, damaged, leaf, read_body, required, walk};
use super::frame::Which;
use super::track::{SampleEntry, first_with_frames};

/// The most frames of one track: four hours at 60 a second. Headers can claim billions in a few bytes.
const MOST_FRAMES: usize = 900_000;
/// The most bytes of one frame. An uncompressed picture of 8192 by 4320 pixels has 53 million.
const LARGEST_FRAME: u32 = 64 * 1024 * 1024;
/// A sample entry's own fields, before the boxes inside it, in bytes.
const ENTRY_FIELDS: usize = 78;

/// One frame as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Where it begins, in bytes from the file's start.
    offset: u64,
    /// In bytes.
    size: u32,
    /// When it is shown, in ticks of the track's clock.
    shown_at: i64,
    /// Whether decoding may begin here.
    pub(super) sync: bool,
}

/// How far a player turns the picture, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

/// The part of the track's time that the edit list shows, in ticks of the track's clock.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    /// The time at which showing begins.
    from: Option<i64>,
    /// The time up to which frames must have begun to be shown.
    until: Option<i64>,
}

/// The first video track that has frames, as a decoder needs it.
#[cfg_attr(
    not(feature = "preview"),
    expect(dead_code, reason = "a build without a decoder reads no parameters for it")
)]
pub(super) struct Video {
    /// As in [`Probe::codec`](super::Probe::codec).
    pub(super) codec: String,
    pub(super) turn: Turn,
    /// Boxes inside the sample entry: the decoder's parameters, colours.
    pub(super) parameters: Vec<u8>,
    /// Whether parts of the track have other parameters.
    pub(super) changes_parameters: bool,
    /// In the order of decoding.
    pub(super) samples: Vec<Sample>,
    /// Ticks of the track's clock in a second.
    timescale: u32,
    shown: Shown,
    /// What fragments leave out; `None` in a file that has none.
    defaults: Option<Trex>,
    track_id: u32,
    /// Where the next fragment's time begins if it does not say so, in ticks.
    next_time: i64,
}

impl Video {
    /// Reads the headers of an MP4 file of `length` bytes.
    ///
    /// # Errors
    /// [`ProbeError`] when the file is no MP4 file, is cut, is damaged, or has no video track with frames in it.
    pub(super) fn read(reader: &mut (impl Read + Seek), length: u64) -> Result<Self, ProbeError> {
        let mut video: Option<Self> = None;
        walk(reader, length, |reader, found| {
            match (&found.kind.0, &mut video) {
                (b"moov", None) => video = Some(Self::of_movie(&read_body(reader, found)?)?),
                (b"moof", None) => {
                    return Err(damaged(found.kind, "stands before the `moov` box"));
                }
                (b"moof", Some(video)) => {
                    video.add_fragment(&read_body(reader, found)?, found.start)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        let video = video.ok_or(ProbeError::NoMovie)?;
        if video.samples.is_empty() { Err(ProbeError::NoFrames) } else { Ok(video) }
    }

    fn of_movie(moov: &[u8]) -> Result<Self, ProbeError> {
        let movie_clock: Mvhd = leaf(b"mvhd", required(b"moov", moov, b"mvhd")?)?;
        let extends = child(b"moov", moov, b"mvex")?;
        first_with_frames(moov, |trak| {
            let video = Self::of_track(trak, &movie_clock, extends)?;
            // Those of a fragmented file come later.
            let may_have = !video.samples.is_empty() || video.defaults.is_some();
            Ok(may_have.then_some(video))
        })
    }

    fn of_track(
        trak: &[u8],
        movie_clock: &Mvhd,
        extends: Option<&[u8]>,
    ) -> Result<Self, ProbeError> {
        let header: Tkhd = leaf(b"tkhd", required(b"trak", trak, b"tkhd")?)?;
        let mdia = required(b"trak", trak, b"mdia")?;
        let clock: Mdhd = leaf(b"mdhd", required(b"mdia", mdia, b"mdhd")?)?;
        let minf = required(b"mdia", mdia, b"minf")?;
        let stbl = required(b"minf", minf, b"stbl")?;
        let stsd = required(b"stbl", stbl, b"stsd")?;
        let entry = SampleEntry::read(stsd)?;
        let mut entries = children(b"stsd", stsd.get(8..).unwrap_or_default());
        let parameters = match entries.next() {
            Some(first) => first?.1.get(ENTRY_FIELDS..).unwrap_or_default().to_vec(),
            None => Vec::new(),
        };
        let (samples, next_time) = samples_of_table(stbl)?;
        Ok(Self {
            codec: entry.codec,
            turn: turn(&header),
            parameters,
            changes_parameters: entries.next().is_some(),
            samples,
            timescale: clock.timescale,
            shown: shown(trak, movie_clock, &clock)?,
            defaults: match extends {
                Some(mvex) => defaults_of(mvex, header.track_id)?,
                None => None,
            },
            track_id: header.track_id,
            next_time,
        })
    }

    /// Adds the frames of the `moof` box that begins `start` bytes from the file's start.
    fn add_fragment(&mut self, moof: &[u8], start: u64) -> Result<(), ProbeError> {
        // A track without a base of its own goes on where the one before ends; the first counts from the fragment.
        let mut end_of_data = start;
        for item in children(b"moof", moof) {
            let (kind, traf) = item?;
            if kind.0 != *b"traf" {
                continue;
            }
            let header: Tfhd = leaf(b"tfhd", required(b"traf", traf, b"tfhd")?)?;
            let base = match header.base_data_offset {
                Some(base) => base,
                None if header.default_base_is_moof => start,
                None => end_of_data,
            };
            let ours = header.track_id == self.track_id;
            if let (true, Some(time)) = (ours, child(b"traf", traf, b"tfdt")?) {
                let time: Tfdt = leaf(b"tfdt", time)?;
                self.next_time = ticks(time.base_media_decode_time);
            }
            let defaults = self.defaults.clone().unwrap_or_default();
            let mut position = base;
            for item in children(b"traf", traf) {
                let (kind, body) = item?;
                if kind.0 != *b"trun" {
                    continue;
                }
                let run: Trun = leaf(b"trun", body)?;
                if let Some(offset) = run.data_offset {
                    position = base.saturating_add_signed(offset.into());
                }
                enough_room(kind, self.samples.len().saturating_add(run.samples.len()))?;
                for entry in &run.samples {
                    let size = entry
                        .size
                        .or(header.default_sample_size)
                        .unwrap_or(defaults.default_sample_size);
                    if ours {
                        let duration = entry
                            .duration
                            .or(header.default_sample_duration)
                            .unwrap_or(defaults.default_sample_duration);
                        let flags = entry
                            .flags
                            .or(header.default_sample_flags)
                            .unwrap_or(defaults.default_sample_flags);
                        self.samples.push(Sample {
                            offset: position,
                            size,
                            shown_at: self.next_time.saturating_add(entry.cts.unwrap_or(0)),
                            // The bit says that decoding may *not* begin here.
                            sync: flags & 0x1_0000 == 0,
                        });
                        self.next_time = self.next_time.saturating_add(duration.into());
                    }
                    position = position.saturating_add(size.into());
                }
            }
            end_of_data = position;
        }
        Ok(())
    }

    /// The number of the frame that is shown first or last, in the order of decoding.
    pub(super) fn shown(&self, which: Which) -> usize {
        let times =
            || self.samples.iter().enumerate().map(|(number, sample)| (sample.shown_at, number));
        // Of frames that are shown at the same time, the one that is decoded later covers the other.
        let begun_by = |time: i64, itself: bool| {
            times().filter(|(at, _)| *at < time || itself && *at == time).max()
        };
        let earliest = || times().min_by_key(|(at, _)| *at);
        let found = match (which, self.shown) {
            (Which::First, Shown { from: Some(from), .. }) => {
                begun_by(from, true).or_else(earliest)
            }
            (Which::First, _) => earliest(),
            (Which::Last, Shown { until: Some(until), .. }) => {
                begun_by(until, false).or_else(earliest)
            }
            (Which::Last, _) => times().max(),
            (Which::Middle, _) => {
                let order = self.in_order();
                order.get(order.len() / 2).map(|(_, number)| (0, *number))
            }
        };
        found.map_or(0, |(_, number)| number)
    }

    /// When half of the clip is over, in seconds from the first frame.
    pub(super) fn middle(&self) -> f64 {
        self.in_order().last().map_or(0.0, |(last, _)| last / 2.0)
    }

    /// The frames that are shown, in that order: when, in seconds from the first, and their numbers in the order of
    /// decoding.
    pub(super) fn in_order(&self) -> Vec<(f64, usize)> {
        let ends = [Which::First, Which::Last]
            .map(|which| self.samples.get(self.shown(which)).map_or(0, |sample| sample.shown_at));
        let [first, last] = ends;
        let mut order: Vec<(i64, usize)> = self
            .samples
            .iter()
            .enumerate()
            .map(|(number, sample)| (sample.shown_at, number))
            .filter(|(at, _)| (first..=last).contains(at))
            .collect();
        order.sort_unstable();
        // An edit list may begin within a frame; that one is shown first all the same.
        let begin = self.shown.from.unwrap_or(first).max(first);
        let scale = f64::from(self.timescale.max(1));
        order
            .into_iter()
            .map(|(at, number)| ((at.saturating_sub(begin).max(0)) as f64 / scale, number))
            .collect()
    }

    /// Reads the bytes of a frame from a file of `length` bytes.
    ///
    /// # Errors
    /// A frame outside the file, of an impossible size, or that cannot be read.
    pub(super) fn sample(
        &self,
        reader: &mut (impl Read + Seek),
        length: u64,
        number: usize,
    ) -> Result<Vec<u8>, ProbeError> {
        let Some(sample) = self.samples.get(number) else {
            return Err(ProbeError::NoFrames);
        };
        let end = sample.offset.saturating_add(sample.size.into());
        if end > length {
            let what = format!("frame {}", number + 1);
            return Err(ProbeError::Cut { what, needs: end, here: length });
        }
        if sample.size > LARGEST_FRAME {
            let why =
                format!("gives frame {} {} bytes, more than any has", number + 1, sample.size);
            return Err(damaged(Kind(*b"stsz"), why));
        }
        reader.seek(SeekFrom::Start(sample.offset))?;
        let mut bytes = vec![0; sample.size as usize];
        reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Ticks as our arithmetic has them, which saturates and never meets a time that large.
fn ticks(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Refuses counts that only a hostile header has, before anything is reserved for them.
fn enough_room(kind: Kind, frames: usize) -> Result<(), ProbeError> {
    if frames <= MOST_FRAMES {
        return Ok(());
    }
    Err(damaged(kind, format!("brings the clip to {frames} frames, more than any clip has")))
}

/// The frames that the tables list, and the time at which they end.
fn samples_of_table(stbl: &[u8]) -> Result<(Vec<Sample>, i64), ProbeError> {
    let sizes: Stsz = leaf(b"stsz", required(b"stbl", stbl, b"stsz")?)?;
    let (count, same_size) = match &sizes.samples {
        StszSamples::Identical { count, size } => (*count as usize, Some(*size)),
        StszSamples::Different { sizes } => (sizes.len(), None),
    };
    if count == 0 {
        return Ok((Vec::new(), 0));
    }
    enough_room(Kind(*b"stsz"), count)?;
    let sizes = match sizes.samples {
        StszSamples::Identical { .. } => vec![same_size.unwrap_or(0); count],
        StszSamples::Different { sizes } => sizes,
    };
    let offsets = offsets(stbl, &sizes)?;
    let times: Stts = leaf(b"stts", required(b"stbl", stbl, b"stts")?)?;
    let durations = spread(
        times.entries.iter().map(|entry| (entry.sample_count, i64::from(entry.sample_delta))),
        count,
        times.entries.last().map_or(0, |entry| entry.sample_delta.into()),
    );
    let delays = match child(b"stbl", stbl, b"ctts")? {
        Some(body) => leaf::<Ctts>(b"ctts", body)?.entries,
        None => Vec::new(),
    };
    let delays =
        spread(delays.iter().map(|entry| (entry.sample_count, entry.sample_offset)), count, 0);
    let mut samples = Vec::with_capacity(count);
    let mut time = 0_i64;
    for (((offset, size), duration), delay) in
        offsets.into_iter().zip(sizes).zip(durations).zip(delays)
    {
        samples.push(Sample { offset, size, shown_at: time.saturating_add(delay), sync: false });
        time = time.saturating_add(duration);
    }
    match child(b"stbl", stbl, b"stss")? {
        Some(body) => {
            for number in leaf::<Stss>(b"stss", body)?.entries {
                let at = (number as usize).checked_sub(1);
                if let Some(sample) = at.and_then(|at| samples.get_mut(at)) {
                    sample.sync = true;
                }
            }
        }
        // Without this box decoding may begin anywhere.
        None => samples.iter_mut().for_each(|sample| sample.sync = true),
    }
    Ok((samples, time))
}

/// One value a frame out of runs of equal ones; `rest` for frames that no run covers.
fn spread(runs: impl Iterator<Item = (u32, i64)>, frames: usize, rest: i64) -> Vec<i64> {
    let mut values = Vec::with_capacity(frames);
    for (count, value) in runs {
        let left = frames - values.len();
        values.extend(std::iter::repeat_n(value, left.min(count as usize)));
    }
    values.resize(frames, rest);
    values
}

/// Where each frame begins, in bytes from the file's start.
fn offsets(stbl: &[u8], sizes: &[u32]) -> Result<Vec<u64>, ProbeError> {
    let chunks: Vec<u64> = match child(b"stbl", stbl, b"co64")? {
        Some(body) => leaf::<Co64>(b"co64", body)?.entries,
        None => {
            let chunks: Stco = leaf(b"stco", required(b"stbl", stbl, b"stco")?)?;
            chunks.entries.into_iter().map(u64::from).collect()
        }
    };
    let runs: Stsc = leaf(b"stsc", required(b"stbl", stbl, b"stsc")?)?;
    let mut runs = runs.entries.iter().peekable();
    let mut frames_a_chunk = 0_usize;
    let mut offsets = Vec::with_capacity(sizes.len());
    for (chunk, number) in chunks.into_iter().zip(1_u64..) {
        while let Some(run) = runs.next_if(|run| u64::from(run.first_chunk) <= number) {
            frames_a_chunk = run.samples_per_chunk as usize;
        }
        let mut position = chunk;
        for size in sizes.iter().skip(offsets.len()).take(frames_a_chunk) {
            offsets.push(position);
            position = position.saturating_add(u64::from(*size));
        }
    }
    if offsets.len() < sizes.len() {
        let why = format!("places {} of {} frames", offsets.len(), sizes.len());
        return Err(damaged(Kind(*b"stsc"), why));
    }
    Ok(offsets)
}

/// What an `mvex` box says of the fragments of a track; zeros where it says nothing.
fn defaults_of(mvex: &[u8], track_id: u32) -> Result<Option<Trex>, ProbeError> {
    for item in children(b"mvex", mvex) {
        let (kind, body) = item?;
        if kind.0 == *b"trex" {
            let defaults: Trex = leaf(b"trex", body)?;
            if defaults.track_id == track_id {
                return Ok(Some(defaults));
            }
        }
    }
    Ok(Some(Trex::default()))
}

/// Quarter turns by the track's matrix, which maps (x, y) to (ax + cy, bx + dy). Mirrors and odd angles are left alone.
fn turn(header: &Tkhd) -> Turn {
    let matrix = &header.matrix;
    match [matrix.a, matrix.b, matrix.c, matrix.d].map(i32::signum) {
        [0, 1, -1, 0] => Turn::Quarter,
        [-1, 0, 0, -1] => Turn::Half,
        [0, -1, 1, 0] => Turn::ThreeQuarters,
        _ => Turn::None,
    }
}

/// What the edit list shows: from the beginning of its first piece to the end of its last.
fn shown(trak: &[u8], movie_clock: &Mvhd, clock: &Mdhd) -> Result<Shown, ProbeError> {
    let Some(edts) = child(b"trak", trak, b"edts")? else {
        return Ok(Shown::default());
    };
    // An edit list that cannot be read is a matter of presentation and no reason to refuse a clip.
    let list = child(b"edts", edts, b"elst")?.and_then(|body| leaf::<Elst>(b"elst", body).ok());
    let entries = list.map(|list| list.entries).unwrap_or_default();
    let mut pieces =
        entries.iter().filter_map(|edit| Some((edit.media_time?, edit.segment_duration)));
    let Some(first) = pieces.next() else {
        return Ok(Shown::default());
    };
    let (start, length) = pieces.next_back().unwrap_or(first);
    let until = (length > 0 && movie_clock.timescale > 0).then(|| {
        // The length counts in the movie's coarser clock and was rounded either way, so a frame that would be shown for
        // less than a tick of it is not meant.
        let whole_ticks = u128::from(length) - 1;
        let last_begins =
            whole_ticks * u128::from(clock.timescale) / u128::from(movie_clock.timescale);
        ticks(start)
            .saturating_add(i64::try_from(last_begins).unwrap_or(i64::MAX))
            .saturating_add(1)
    });
    Ok(Shown { from: Some(ticks(first.0)), until })
}
