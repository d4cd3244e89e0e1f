//! Stills of one colour, as PNG files: some results come with a picture.

/// A grey 16 by 16 picture whose brightness comes from the task, its pixels in a stored (not compressed) block.
#[must_use]
pub fn png(task_id: &str) -> Vec<u8> {
    const SIDE: usize = 16;
    let brightness = task_id.bytes().fold(0u8, u8::wrapping_add);
    let mut rows = Vec::with_capacity((SIDE + 1) * SIDE);
    for _ in 0..SIDE {
        rows.push(0); // the row is not filtered
        rows.extend([brightness; SIDE]);
    }
    let length = (rows.len() as u16).to_le_bytes();
    let mut packed = vec![0x78, 0x01, 1, length[0], length[1], !length[0], !length[1]];
    packed.extend(&rows);
    packed.extend(adler32(&rows).to_be_bytes());

    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend((SIDE as u32).to_be_bytes());
    header.extend((SIDE as u32).to_be_bytes());
    header.extend([8, 0, 0, 0, 0]); // eight bits a pixel, grey, and the only methods there are
    append_chunk(&mut file, *b"IHDR", &header);
    append_chunk(&mut file, *b"IDAT", &packed);
    append_chunk(&mut file, *b"IEND", &[]);
    file
}

/// A quiet tone as a WAV file (mono, 8 bits, 8 kHz), its pitch from the task: as long as the words take to be read, a
/// second at least.
#[must_use]
pub fn wave(task_id: &str, words: &str) -> Vec<u8> {
    const RATE: u32 = 8000;
    /// How fast people read aloud, in characters a second.
    const READ: u32 = 15;
    let count = u32::try_from(words.chars().take(5_000).count()).unwrap_or(0);
    let length = (count * RATE / READ).max(RATE);
    let period = u32::from(task_id.bytes().fold(0u8, u8::wrapping_add) % 32) + 16;
    let samples = (0..length).map(|at| if at / period % 2 == 0 { 120u8 } else { 136 });
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend([1, 0, 1, 0]); // plain samples, one channel
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend([1, 0, 8, 0]); // one byte a sample
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}

fn append_chunk(file: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    file.extend((content.len() as u32).to_be_bytes());
    let from = file.len();
    file.extend(kind);
    file.extend(content);
    let sum = crc32(file.get(from..).unwrap_or_default());
    file.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_published_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[cfg(feature = "preview")]
    #[test]
    fn an_image_reader_takes_it() {
        let picture = image::load_from_memory(&png("0a1b")).expect("a readable PNG").to_luma8();
        assert_eq!(picture.dimensions(), (16, 16));
        let brightness = b"0a1b".iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        assert!(picture.pixels().all(|pixel| pixel.0 == [brightness]));
    }
}
