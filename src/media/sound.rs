//! Sound files: how long they are. What is spoken to a sound is as long as that, and is paid for by the second.

use lofty::config::ParseOptions;
use lofty::file::AudioFile as _;
use lofty::probe::Probe;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// The formats of sound that are told apart by their first bytes; each is also the ending of its files.
pub const FORMATS: [&str; 5] = ["mp3", "wav", "ogg", "flac", "aac"];

/// The format of a sound that begins with these bytes.
pub fn format_of(head: &[u8]) -> Option<&'static str> {
    let is = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    match head {
        _ if is(0, b"RIFF") && is(8, b"WAVE") => Some("wav"),
        _ if is(0, b"OggS") => Some("ogg"),
        _ if is(0, b"fLaC") => Some("flac"),
        _ if is(0, b"ID3") => Some("mp3"),
        // A frame begins with eleven bits that are set; the two bits of the layer are 0 in AAC and never 0 in MP3.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some("aac"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Some("mp3"),
        _ => None,
    }
}

/// Seconds of the MP3, WAV, M4A, AAC, Ogg, Opus or FLAC file at `path`; `None` for what is none or tells no length.
pub fn seconds_of_file(path: &Path) -> Option<f64> {
    seconds(BufReader::new(File::open(path).ok()?))
}

/// Seconds of a sound file's bytes.
pub fn seconds(bytes: impl Read + Seek) -> Option<f64> {
    let options = ParseOptions::new().read_tags(false).read_cover_art(false);
    let probe = Probe::new(BufReader::new(bytes)).options(options);
    let file = probe.guess_file_type().ok()?.read().ok()?;
    let seconds = file.properties().duration().as_secs_f64();
    (seconds > 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// So many frames of silence at 128 kbit/s and 44.1 kHz, 26.1 ms each.
    fn mp3(frames: usize) -> Vec<u8> {
        let frame = [[0xff, 0xfb, 0x90, 0x00].as_slice(), &[0; 413]].concat();
        frame.repeat(frames)
    }

    /// A second of silence in 8 bits at 8 kHz.
    fn wave() -> Vec<u8> {
        let rate = 8000_u32.to_le_bytes();
        let samples = [128; 8000];
        [
            b"RIFF".as_slice(),
            &8036_u32.to_le_bytes(),
            b"WAVEfmt ",
            &16_u32.to_le_bytes(),
            &[1, 0, 1, 0],
            &rate,
            &rate,
            &[1, 0, 8, 0],
            b"data",
            &rate,
            &samples,
        ]
        .concat()
    }

    #[test]
    fn lengths_are_read_from_their_headers() {
        let wave = wave();
        let second = seconds(Cursor::new(&wave)).expect("a sound");
        assert!((second - 1.0).abs() < 0.001, "{second}");
        let spoken = seconds(Cursor::new(mp3(383))).expect("a sound");
        assert!((spoken - 10.0).abs() < 0.05, "{spoken}");
    }

    #[test]
    fn what_is_no_sound_has_no_length() {
        for bytes in [
            b"".as_slice(),
            b"ID3",
            b"RIFF\0\0\0\0WAVE",
            &[0xff; 64],
            b"just words, and many of them",
        ] {
            assert_eq!(seconds(Cursor::new(bytes)), None, "{bytes:?}");
        }
        let wave = wave();
        for end in [0, 12, 20, 40] {
            // Whatever it makes of a cut file, it does not panic.
            seconds(Cursor::new(&wave[..end]));
        }
    }
}
