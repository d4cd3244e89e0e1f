//! Reading and writing MP4 files.

use std::io::Cursor;

use proptest::prelude::*;
use storyreel::media::{
    H264Sample, MuxError, Probe, ProbeError, mux_h264, mux_h264_with, probe, probe_file,
};

const SEQUENCE_SET: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40];
const PICTURE_SET: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

/// A stream of frames that no decoder needs to understand; only its structure counts here.
fn frames(count: usize) -> Vec<Vec<u8>> {
    let unit = |stream: &mut Vec<u8>, bytes: &[u8]| {
        stream.extend_from_slice(&[0, 0, 0, 1]);
        stream.extend_from_slice(bytes);
    };
    (0..count)
        .map(|index| {
            let mut stream = Vec::new();
            if index == 0 {
                unit(&mut stream, SEQUENCE_SET);
                unit(&mut stream, PICTURE_SET);
                unit(&mut stream, &[0x65, 0x88, 0x84, 0x11, 0x22]);
            } else {
                unit(&mut stream, &[0x41, 0x9a, index as u8 | 1, 0x33]);
            }
            stream
        })
        .collect()
}

fn samples(frames: &[Vec<u8>]) -> Vec<H264Sample<'_>> {
    let sample = |(index, annex_b)| H264Sample { annex_b, duration: 1, keyframe: index == 0 };
    frames.iter().map(Vec::as_slice).enumerate().map(sample).collect()
}

fn clip(count: usize) -> Vec<u8> {
    mux_h264(640, 360, 24, &samples(&frames(count))).expect("the samples are complete")
}

fn probe_bytes(bytes: &[u8]) -> Result<Probe, ProbeError> {
    probe(Cursor::new(bytes), bytes.len() as u64)
}

/// Where the box of this kind begins; the kind's name is searched for, so it must be rare.
fn box_at(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).expect("the box is there") - 4
}

fn with_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend_from_slice(kind);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_written_clip_reads_back() {
    let found = probe_bytes(&clip(48)).expect("a whole clip");
    let expected =
        Probe { duration: 2.0, width: 640, height: 360, fps: 24.0, codec: "h264".into() };
    assert_eq!(found, expected);
}

#[test]
fn a_clip_on_disk_reads_as_in_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("scene-01.mp4");
    let bytes = clip(30);
    std::fs::write(&path, &bytes).expect("the folder is writable");
    assert_eq!(
        probe_file(&path).expect("a whole clip"),
        probe_bytes(&bytes).expect("a whole clip")
    );
    let missing = probe_file(&folder.path().join("no.mp4")).expect_err("there is no such file");
    assert!(matches!(missing, ProbeError::Io(_)), "{missing}");
}

#[test]
fn headers_stand_before_the_media() {
    let bytes = clip(3);
    assert_eq!(&bytes[4..8], b"ftyp");
    assert!(box_at(&bytes, b"moov") < box_at(&bytes, b"mdat"));
}

#[test]
fn media_is_found_where_the_headers_say() {
    let bytes = clip(3);
    let table = box_at(&bytes, b"stco");
    let offset =
        u32::from_be_bytes(bytes[table + 16..table + 20].try_into().expect("four bytes")) as usize;
    assert_eq!(offset, box_at(&bytes, b"mdat") + 8);
    assert_eq!(
        &bytes[offset..],
        [
            0, 0, 0, 5, 0x65, 0x88, 0x84, 0x11, 0x22, 0, 0, 0, 4, 0x41, 0x9a, 1, 0x33, 0, 0, 0, 4,
            0x41, 0x9a, 3, 0x33
        ]
    );
}

#[test]
fn the_free_box_changes_the_file_and_nothing_else() {
    let frames = frames(24);
    let plain = clip(24);
    let marked = mux_h264_with(640, 360, 24, &samples(&frames), b"take 2")
        .expect("the samples are complete");
    assert_eq!(marked.len(), plain.len() + 8 + 6);
    assert_eq!(
        probe_bytes(&marked).expect("a whole clip"),
        probe_bytes(&plain).expect("a whole clip")
    );
    assert_eq!(
        mux_h264_with(640, 360, 24, &samples(&frames), b"take 2")
            .expect("the samples are complete"),
        marked
    );
}

#[test]
fn samples_that_cannot_play_are_refused() {
    let frames = frames(2);
    let whole = samples(&frames);
    assert!(matches!(mux_h264(640, 360, 24, &[]), Err(MuxError::NoSamples)));
    assert!(matches!(mux_h264(640, 360, 0, &whole), Err(MuxError::ZeroTimescale)));
    assert!(matches!(mux_h264(640, 360, 24, &whole[1..]), Err(MuxError::NoFirstKeyframe)));
    let bare = [H264Sample { annex_b: &[0, 0, 1, 0x65, 1], duration: 1, keyframe: true }];
    assert!(matches!(mux_h264(640, 360, 24, &bare), Err(MuxError::NoParameterSet("sequence"))));
    let empty = [whole[0], H264Sample { annex_b: &[], duration: 1, keyframe: false }];
    assert!(matches!(mux_h264(640, 360, 24, &empty), Err(MuxError::EmptySample(1))));
}

#[test]
fn every_cut_is_an_error() {
    let whole = clip(12);
    for length in 0..whole.len() {
        let error = probe_bytes(&whole[..length]).expect_err("a cut clip");
        if length > box_at(&whole, b"mdat") + 8 {
            let needs = whole.len() - box_at(&whole, b"mdat");
            let here = length - box_at(&whole, b"mdat");
            assert_eq!(
                error.to_string(),
                format!("is cut: the `mdat` box needs {needs} bytes and {here} are here")
            );
        }
    }
}

#[test]
fn media_without_a_stated_end_is_still_checked() {
    let mut bytes = clip(12);
    let media = box_at(&bytes, b"mdat");
    bytes[media..media + 4].fill(0);
    assert!(probe_bytes(&bytes).is_ok(), "a size of zero reaches to the end of the file");
    let cut = &bytes[..bytes.len() - 1];
    let error = probe_bytes(cut).expect_err("the last frame is cut").to_string();
    assert_eq!(
        error,
        format!("is cut: all its video needs {} bytes and {} are here", bytes.len(), cut.len())
    );
}

#[test]
fn headers_behind_the_media_are_found() {
    let bytes = clip(12);
    let (start, headers, media) =
        (&bytes[..box_at(&bytes, b"moov")], box_at(&bytes, b"moov"), box_at(&bytes, b"mdat"));
    let moved = [start, &bytes[media..], &bytes[headers..media]].concat();
    // The offsets are now too large by the length of the headers; this check only sees that they stay in the file.
    assert_eq!(probe_bytes(&moved).expect("a whole clip").duration, 0.5);
}

#[test]
fn other_formats_are_named_as_such() {
    for (bytes, start) in [
        (&b"<!DOCTYPE html><html>"[..], "is not an MP4 file: it begins with `<!DOCTYP`"),
        (b"\x89PNG\r\n\x1a\n0000", "is not an MP4 file: it begins with `\\x89PNG\\r\\n\\x1a\\n`"),
        (b"", "is not an MP4 file: it is empty"),
        (b"abc", "is not an MP4 file: it has only 3 bytes"),
    ] {
        assert_eq!(probe_bytes(bytes).expect_err("no MP4 file").to_string(), start);
    }
    let picture =
        [with_box(b"ftyp", b"avif\0\0\0\0avifmif1"), with_box(b"meta", &[0; 40])].concat();
    assert!(matches!(probe_bytes(&picture), Err(ProbeError::NoMovie)));
}

#[test]
fn a_clip_without_video_says_so() {
    let mut bytes = clip(12);
    let handler = box_at(&bytes, b"vide");
    bytes[handler + 4..handler + 8].copy_from_slice(b"soun");
    assert_eq!(probe_bytes(&bytes).expect_err("only sound").to_string(), "has no video track");
}

#[test]
fn absurd_sizes_are_refused_without_reserving_memory() {
    let large =
        |size: u64| [&1_u32.to_be_bytes()[..], b"moov", &size.to_be_bytes(), &[0; 16]].concat();
    assert!(matches!(probe_bytes(&large(u64::MAX)), Err(ProbeError::Cut { .. })));
    assert!(matches!(probe_bytes(&large(3)), Err(ProbeError::Damaged { .. })));
    assert!(matches!(
        probe_bytes(&[0, 0, 0, 4, b'm', b'o', b'o', b'v']),
        Err(ProbeError::Damaged { .. })
    ));
    // A file that claims to be huge is refused before its headers are read.
    let error = probe(Cursor::new(large(1 << 40)), 1 << 40).expect_err("headers of a terabyte");
    assert!(matches!(error, ProbeError::Damaged { .. }), "{error}");
    // Four thousand million frames in a run that carries no bytes for them.
    let run = [0_u32.to_be_bytes(), u32::MAX.to_be_bytes()].concat();
    let header = [0x20000_u32.to_be_bytes(), 1_u32.to_be_bytes()].concat();
    let fragment =
        with_box(b"traf", &[with_box(b"tfhd", &header), with_box(b"trun", &run)].concat());
    let bytes = [clip(1), with_box(b"moof", &fragment), with_box(b"mdat", b"")].concat();
    assert_eq!(
        probe_bytes(&bytes).expect("the movie itself is not fragmented").duration,
        1.0 / 24.0
    );
}

#[test]
fn many_tiny_boxes_are_refused() {
    let bytes = with_box(b"free", b"").repeat(200_000);
    assert!(matches!(probe_bytes(&bytes), Err(ProbeError::Damaged { .. })));
}

#[test]
fn fragments_add_up() {
    let mut bytes = clip(24);
    // An `mvex` box turns the clip into a fragmented one whose first second is in the movie itself.
    let defaults = [0_u32, 1, 1, 1, 0, 0].map(u32::to_be_bytes).concat();
    let extends = with_box(b"mvex", &with_box(b"trex", &defaults));
    let (headers, media) = (box_at(&bytes, b"moov"), box_at(&bytes, b"mdat"));
    let length = (media - headers + extends.len()) as u32;
    bytes[headers..headers + 4].copy_from_slice(&length.to_be_bytes());
    bytes.splice(media..media, extends.iter().copied());
    let table = box_at(&bytes, b"stco") + 16;
    let offset = (box_at(&bytes, b"mdat") + 8) as u32;
    bytes[table..table + 4].copy_from_slice(&offset.to_be_bytes());

    let header = [0x20000_u32, 1].map(u32::to_be_bytes).concat();
    let of_default_time = [0_u32, 24].map(u32::to_be_bytes).concat();
    let of_own_times = [0x100_u32, 2, 12, 36].map(u32::to_be_bytes).concat();
    let runs = [
        with_box(b"tfhd", &header),
        with_box(b"trun", &of_default_time),
        with_box(b"trun", &of_own_times),
    ];
    bytes.extend(with_box(b"moof", &with_box(b"traf", &runs.concat())));
    let error = probe_bytes(&bytes).expect_err("the fragment has no media").to_string();
    assert!(error.starts_with("is cut: the `mdat` box of the last fragment"), "{error}");
    bytes.extend(with_box(b"mdat", b"frames"));
    let found = probe_bytes(&bytes).expect("a whole clip");
    assert_eq!(found.duration, 4.0);
    assert_eq!(found.fps, 12.5);
}

#[test]
fn a_rotation_in_the_header_is_applied() {
    let mut bytes = clip(12);
    let matrix = box_at(&bytes, b"tkhd") + 8 + 4 + 32 + 8 + 8;
    let quarter_turn = [0_u32, 0x10000, 0, 0xffff_0000, 0, 0].map(u32::to_be_bytes).concat();
    bytes[matrix..matrix + 24].copy_from_slice(&quarter_turn);
    let found = probe_bytes(&bytes).expect("a whole clip");
    assert_eq!((found.width, found.height), (360, 640));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = clip(8);
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(found) = probe_bytes(&bytes) {
            prop_assert!(found.duration.is_finite() && found.duration > 0.0, "{found:?}");
            prop_assert!(found.fps.is_finite() && found.fps > 0.0, "{found:?}");
        }
    }

    #[test]
    fn noise_after_a_first_box_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [with_box(b"ftyp", b"isom\0\0\0\0"), with_box(b"moov", &noise), noise].concat();
        prop_assert!(probe_bytes(&bytes).is_err());
    }

    #[test]
    fn any_stream_is_written_or_refused(streams in prop::collection::vec(prop::collection::vec(0_u8..4, 0..60), 0..5)) {
        let mut whole = frames(1);
        whole.extend(streams);
        if let Ok(bytes) = mux_h264(64, 64, 24, &samples(&whole)) {
            let found = probe_bytes(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(found.fps, 24.0);
        }
    }
}
