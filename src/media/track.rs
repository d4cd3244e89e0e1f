//! One video track of an MP4 file: its timing, its size, and where its frames lie.

use mp4_atom::{
    Co64, Elst, Mdhd, Mehd, Mvhd, Stco, Stsc, Stsz, StszSamples, Stts, Tfhd, Tkhd, Trex,
};

use super::boxes::{Kind, child, children, damaged, leaf, required};
use super::{Probe, ProbeError};

/// What one fragment adds to a track.
pub(super) struct Fragment {
    track_id: u32,
    frames: u64,
    /// Ticks of the track's clock that the fragment states itself.
    ticks: u64,
    /// Frames whose time is the track's default.
    frames_of_default_time: u64,
}

/// Reads the body of a `moof` box. A fragment's sample count is only ever multiplied, never used to reserve memory.
pub(super) fn read_fragments(moof: &[u8]) -> Result<Vec<Fragment>, ProbeError> {
    let mut fragments = Vec::new();
    for item in children(b"moof", moof) {
        let (kind, traf) = item?;
        if kind.0 != *b"traf" {
            continue;
        }
        let header: Tfhd = leaf(b"tfhd", required(b"traf", traf, b"tfhd")?)?;
        let mut fragment =
            Fragment { track_id: header.track_id, frames: 0, ticks: 0, frames_of_default_time: 0 };
        for item in children(b"traf", traf) {
            let (kind, run) = item?;
            if kind.0 == *b"trun" {
                fragment.add_run(run, header.default_sample_duration)?;
            }
        }
        fragments.push(fragment);
    }
    Ok(fragments)
}

impl Fragment {
    fn add_run(&mut self, run: &[u8], default_time: Option<u32>) -> Result<(), ProbeError> {
        let word = |index: usize| {
            run.get(index * 4..).and_then(|rest| rest.first_chunk()).map(|b| u32::from_be_bytes(*b))
        };
        let short = || damaged(Kind(*b"trun"), "is shorter than the frames it lists");
        let flags = word(0).ok_or_else(short)?;
        let count = word(1).ok_or_else(short)?;
        self.frames = self.frames.saturating_add(u64::from(count));
        if flags & 0x100 == 0 {
            match default_time {
                Some(time) => {
                    self.ticks = self.ticks.saturating_add(u64::from(time) * u64::from(count))
                }
                None => {
                    self.frames_of_default_time =
                        self.frames_of_default_time.saturating_add(u64::from(count))
                }
            }
            return Ok(());
        }
        let first = 2 + (flags & 1) as usize + (flags >> 2 & 1) as usize;
        let words_a_frame = (flags >> 8 & 0xf).count_ones() as usize;
        // Each frame has at least one word here, so the box's own length bounds the loop.
        for frame in 0..count as usize {
            let time = word(first + frame * words_a_frame).ok_or_else(short)?;
            self.ticks = self.ticks.saturating_add(u64::from(time));
        }
        Ok(())
    }
}

/// The first video track that has frames.
pub(super) struct Track {
    codec: String,
    width: u32,
    height: u32,
    timescale: u32,
    ticks: u64,
    frames: u64,
    /// What the edit list shows of the track.
    edit: Option<Edit>,
    /// Where the last byte of the track's frames ends, in bytes from the file's start.
    end_of_frames: u64,
}

impl Track {
    /// Reads the body of a `moov` box.
    pub(super) fn first_video(moov: &[u8], fragments: &[Fragment]) -> Result<Self, ProbeError> {
        let movie_clock: Mvhd = leaf(b"mvhd", required(b"moov", moov, b"mvhd")?)?;
        let extends = child(b"moov", moov, b"mvex")?;
        first_with_frames(moov, |trak| {
            let track = Self::read(trak, &movie_clock, extends, fragments)?;
            Ok((track.frames > 0).then_some(track))
        })
    }

    fn read(
        trak: &[u8],
        movie_clock: &Mvhd,
        extends: Option<&[u8]>,
        fragments: &[Fragment],
    ) -> Result<Self, ProbeError> {
        let header: Tkhd = leaf(b"tkhd", required(b"trak", trak, b"tkhd")?)?;
        let mdia = required(b"trak", trak, b"mdia")?;
        let clock: Mdhd = leaf(b"mdhd", required(b"mdia", mdia, b"mdhd")?)?;
        if clock.timescale == 0 {
            return Err(damaged(Kind(*b"mdhd"), "has a clock of zero ticks a second"));
        }
        let minf = required(b"mdia", mdia, b"minf")?;
        let stbl = required(b"minf", minf, b"stbl")?;
        let entry = SampleEntry::read(required(b"stbl", stbl, b"stsd")?)?;
        let times: Stts = leaf(b"stts", required(b"stbl", stbl, b"stts")?)?;
        let sizes: Stsz = leaf(b"stsz", required(b"stbl", stbl, b"stsz")?)?;
        let mut frames = match &sizes.samples {
            StszSamples::Identical { count, .. } => u64::from(*count),
            StszSamples::Different { sizes } => sizes.len() as u64,
        };
        let mut ticks = times.entries.iter().fold(0_u64, |sum, entry| {
            sum.saturating_add(u64::from(entry.sample_count) * u64::from(entry.sample_delta))
        });
        let end_of_frames = end_of_frames(stbl, &sizes, frames)?;
        if let Some(mvex) = extends {
            let more = FragmentTotals::read(mvex, header.track_id, fragments)?;
            frames = frames.saturating_add(more.frames);
            ticks = ticks.saturating_add(more.ticks);
            // Some writers give frames no time of their own and state only the total.
            if ticks == 0 && movie_clock.timescale > 0 {
                let seconds = more.stated as f64 / f64::from(movie_clock.timescale);
                ticks = (seconds * f64::from(clock.timescale)).round() as u64;
            }
        }
        if ticks == 0 {
            ticks = clock.duration;
        }
        let (width, height) = displayed_size(&header, &entry);
        Ok(Self {
            codec: entry.codec,
            width,
            height,
            timescale: clock.timescale,
            ticks,
            frames,
            edit: edit(trak, movie_clock)?,
            end_of_frames,
        })
    }

    /// The facts for users, once the file of `length` bytes is known to hold every frame.
    pub(super) fn describe(self, length: u64) -> Result<Probe, ProbeError> {
        if self.end_of_frames > length {
            return Err(ProbeError::Cut {
                what: "all its video".into(),
                needs: self.end_of_frames,
                here: length,
            });
        }
        if self.width == 0 || self.height == 0 {
            return Err(damaged(Kind(*b"tkhd"), "gives the picture no size"));
        }
        if self.ticks == 0 {
            return Err(damaged(Kind(*b"stts"), "gives the frames no time"));
        }
        let media_duration = self.ticks as f64 / f64::from(self.timescale);
        // The edit list counts in the movie's coarser clock, so a difference below its tick is only rounding.
        let edited = self.edit.filter(|edit| (edit.duration - media_duration).abs() > edit.tick);
        Ok(Probe {
            duration: edited.map_or(media_duration, |edit| edit.duration),
            width: self.width,
            height: self.height,
            fps: self.frames as f64 / media_duration,
            codec: self.codec,
        })
    }
}

/// What `read` makes of the first video track of a `moov` box that has frames; it gives `None` for one without.
pub(super) fn first_with_frames<T>(
    moov: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<Option<T>, ProbeError>,
) -> Result<T, ProbeError> {
    let mut without_frames = false;
    for item in children(b"moov", moov) {
        let (kind, trak) = item?;
        if kind.0 != *b"trak" || !is_video(trak)? {
            continue;
        }
        if let Some(track) = read(trak)? {
            return Ok(track);
        }
        without_frames = true;
    }
    Err(if without_frames { ProbeError::NoFrames } else { ProbeError::NoVideoTrack })
}

fn is_video(trak: &[u8]) -> Result<bool, ProbeError> {
    let Some(mdia) = child(b"trak", trak, b"mdia")? else {
        return Ok(false);
    };
    let handler = child(b"mdia", mdia, b"hdlr")?.and_then(|body| body.get(8..12));
    Ok(handler == Some(b"vide".as_slice()))
}

/// What the `stsd` box tells of the frames. Codec boxes inside it are not read: their variety is endless and nothing
/// here needs them.
pub(super) struct SampleEntry {
    pub(super) codec: String,
    width: u32,
    height: u32,
}

impl SampleEntry {
    pub(super) fn read(stsd: &[u8]) -> Result<Self, ProbeError> {
        let entries = stsd.get(8..).unwrap_or_default();
        let Some(first) = children(b"stsd", entries).next() else {
            return Err(damaged(Kind(*b"stsd"), "names no codec"));
        };
        let (kind, body) = first?;
        let [width, height] = [24, 26].map(|offset| {
            let bytes = body.get(offset..).and_then(|rest| rest.first_chunk::<2>());
            bytes.map_or(0, |bytes| u32::from(u16::from_be_bytes(*bytes)))
        });
        let codec = match &kind.0 {
            b"avc1" | b"avc2" | b"avc3" | b"avc4" => "h264".to_owned(),
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "hevc".to_owned(),
            b"av01" => "av1".to_owned(),
            b"vp09" => "vp9".to_owned(),
            b"vp08" => "vp8".to_owned(),
            _ => kind.to_string(),
        };
        Ok(Self { codec, width, height })
    }
}

fn displayed_size(header: &Tkhd, entry: &SampleEntry) -> (u32, u32) {
    let [width, height] = [&header.width, &header.height].map(|side| {
        // Sixteen bits before the point and sixteen after it.
        u32::from(side.integer()) + u32::from(side.decimal() >= 0x8000)
    });
    let (width, height) = match (width, height) {
        _ if header.size_is_aspect_ratio => (entry.width, entry.height),
        (0, _) | (_, 0) => (entry.width, entry.height),
        size => size,
    };
    let turned = header.matrix.a == 0
        && header.matrix.d == 0
        && header.matrix.b != 0
        && header.matrix.c != 0;
    if turned { (height, width) } else { (width, height) }
}

/// What an edit list shows of a track.
struct Edit {
    /// In seconds.
    duration: f64,
    /// The precision of the duration, in seconds.
    tick: f64,
}

fn edit(trak: &[u8], movie_clock: &Mvhd) -> Result<Option<Edit>, ProbeError> {
    let Some(edts) = child(b"trak", trak, b"edts")? else {
        return Ok(None);
    };
    // An edit list that cannot be read is a matter of presentation and no reason to refuse a clip.
    let list = child(b"edts", edts, b"elst")?.and_then(|body| leaf::<Elst>(b"elst", body).ok());
    let (Some(list), true) = (list, movie_clock.timescale > 0) else {
        return Ok(None);
    };
    let ticks = list.entries.iter().filter(|edit| edit.media_time.is_some());
    let ticks = ticks.fold(0_u64, |sum, edit| sum.saturating_add(edit.segment_duration));
    let tick = 1.0 / f64::from(movie_clock.timescale);
    Ok((ticks > 0).then_some(Edit { duration: ticks as f64 * tick, tick }))
}

/// Where the last frame of a track ends in the file, in bytes.
fn end_of_frames(stbl: &[u8], sizes: &Stsz, frames: u64) -> Result<u64, ProbeError> {
    if frames == 0 {
        return Ok(0);
    }
    let offsets: Vec<u64> = match child(b"stbl", stbl, b"co64")? {
        Some(body) => leaf::<Co64>(b"co64", body)?.entries,
        None => {
            let offsets: Stco = leaf(b"stco", required(b"stbl", stbl, b"stco")?)?;
            offsets.entries.into_iter().map(u64::from).collect()
        }
    };
    let chunks: Stsc = leaf(b"stsc", required(b"stbl", stbl, b"stsc")?)?;
    let mut runs = chunks.entries.iter().peekable();
    let mut frames_a_chunk = 0_u64;
    let mut next_frame = 0_u64;
    let mut end = 0_u64;
    for (index, offset) in offsets.iter().enumerate() {
        while let Some(run) = runs.next_if(|run| u64::from(run.first_chunk) <= index as u64 + 1) {
            frames_a_chunk = u64::from(run.samples_per_chunk);
        }
        let after = next_frame.saturating_add(frames_a_chunk).min(frames);
        let bytes = match &sizes.samples {
            StszSamples::Identical { size, .. } => {
                (after - next_frame).saturating_mul(u64::from(*size))
            }
            // `after` never passes the number of sizes, which bounds both the slice and the work over all chunks.
            StszSamples::Different { sizes } => {
                sizes[next_frame as usize..after as usize].iter().map(|&size| u64::from(size)).sum()
            }
        };
        if bytes > 0 {
            end = end.max(offset.saturating_add(bytes));
        }
        next_frame = after;
    }
    if next_frame < frames {
        let why = format!("places {next_frame} of {frames} frames");
        return Err(damaged(Kind(*b"stsc"), why));
    }
    Ok(end)
}

/// All fragments of one track together.
struct FragmentTotals {
    frames: u64,
    ticks: u64,
    /// Ticks of the movie's clock that the `mehd` box states, or zero.
    stated: u64,
}

impl FragmentTotals {
    fn read(mvex: &[u8], track_id: u32, fragments: &[Fragment]) -> Result<Self, ProbeError> {
        let stated = match child(b"mvex", mvex, b"mehd")? {
            Some(body) => leaf::<Mehd>(b"mehd", body)?.fragment_duration,
            None => 0,
        };
        let mut default_time = 0;
        for item in children(b"mvex", mvex) {
            let (kind, body) = item?;
            if kind.0 == *b"trex" {
                let defaults: Trex = leaf(b"trex", body)?;
                if defaults.track_id == track_id {
                    default_time = defaults.default_sample_duration;
                }
            }
        }
        let mut totals = Self { frames: 0, ticks: 0, stated };
        for fragment in fragments.iter().filter(|fragment| fragment.track_id == track_id) {
            let of_default =
                fragment.frames_of_default_time.saturating_mul(u64::from(default_time));
            totals.frames = totals.frames.saturating_add(fragment.frames);
            totals.ticks = totals.ticks.saturating_add(fragment.ticks).saturating_add(of_default);
        }
        Ok(totals)
    }
}
