//! What an H.264 sequence parameter set says of the pictures: enough to know whether they can be decoded here, and how
//! their colours are meant. Names and order are those of ITU-T H.264, sections 7.3.2.1.1 and E.1.1.

/// The most macroblocks of a picture: level 5.2, 4096 by 2304 pixels, as far as OpenH264 goes.
const MOST_MACROBLOCKS: u64 = 36_864;
/// Scalable Baseline. Its sets have the fields of the high profiles, and OpenH264 does not reorder its pictures.
const UNORDERED_PROFILE: u8 = 83;

/// How the numbers of a picture mean colours; `None` where it is not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Colours {
    /// The `matrix_coefficients` of H.264 and MP4; 2 is "not known" and becomes `None`.
    pub(super) matrix: Option<u16>,
    /// Whether brightness has all values from 0 to 255 rather than 16 to 235.
    pub(super) full_range: Option<bool>,
}

/// Reads a sequence parameter set, its one byte of header included.
///
/// # Errors
/// What is said of the clip when its pictures are beyond an H.264 decoder for 8 bits, 4:2:0 and whole frames, as a
/// phrase after "the clip is H.264": `with 10 bits a colour`.
pub(super) fn read(unit: &[u8]) -> Result<Colours, String> {
    let mut bits = Bits::of(unit.get(1..).unwrap_or_default());
    parse(&mut bits).unwrap_or_else(|| Err("with damaged parameters".to_owned()))
}

/// The set with which OpenH264 gives each picture when it is decoded, instead of keeping it until its turn to be shown:
/// it decides that by the profile alone and decodes by the set's other fields. Otherwise nothing would tell which
/// picture came out, and emptying its store after every frame leaks, so that it runs out of pictures.
pub(super) fn unordered(unit: &[u8]) -> Vec<u8> {
    match unit.get(1) {
        Some(100) => {
            let mut changed = unit.to_vec();
            changed[1] = UNORDERED_PROFILE;
            changed
        }
        Some(77 | 88) => with_high_fields(unit).unwrap_or_else(|| unit.to_vec()),
        // The baseline profile has no order but that of decoding.
        _ => unit.to_vec(),
    }
}

/// A set of the main profile with the fields that the high profiles have, saying what holds without them.
fn with_high_fields(unit: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits::of(unit.get(1..)?);
    bits.take(24)?; // profile, constraints and level
    bits.unsigned()?; // seq_parameter_set_id
    let before = bits.position;
    let mut all: Vec<bool> = Vec::new();
    bits.position = 0;
    while let Some(bit) = bits.take(1) {
        if all.len() == before {
            // chroma_format_idc: 1; both depths: 0; no bypass, no scaling matrix.
            all.extend([false, true, false, true, true, false, false]);
        }
        all.push(bit == 1);
    }
    let mut changed = vec![*unit.first()?];
    let mut zeros = 0;
    let end = all.iter().rposition(|bit| *bit)?;
    for chunk in all.get(..=end)?.chunks(8) {
        let byte =
            chunk.iter().zip(0..).fold(0, |byte, (bit, at)| byte | u8::from(*bit) << (7 - at));
        let byte = if changed.len() == 1 { UNORDERED_PROFILE } else { byte };
        if zeros == 2 && byte <= 3 {
            changed.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        changed.push(byte);
    }
    Some(changed)
}

/// `None` where the set ends too early.
fn parse(bits: &mut Bits) -> Option<Result<Colours, String>> {
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints and level
    bits.unsigned()?; // seq_parameter_set_id
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        let chroma = bits.unsigned()?;
        if chroma == 3 {
            bits.take(1)?; // separate_colour_plane_flag
        }
        let depth = bits.unsigned()?.max(bits.unsigned()?).saturating_add(8);
        if depth > 8 {
            return Some(Err(format!("with {depth} bits a colour")));
        }
        if chroma != 1 {
            let name = match chroma {
                0 => "without colours",
                2 => "with colours in 4:2:2",
                _ => "with colours in 4:4:4",
            };
            return Some(Err(name.to_owned()));
        }
        bits.take(1)?; // qpprime_y_zero_transform_bypass_flag
        if bits.take(1)? == 1 {
            for list in 0..8 {
                if bits.take(1)? == 1 {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.unsigned()?; // log2_max_frame_num_minus4
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.take(1)?; // delta_pic_order_always_zero_flag
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            // Each takes a bit at least, so the set's own length bounds the loop.
            for _ in 0..bits.unsigned()? {
                bits.signed()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    bits.unsigned()?; // max_num_ref_frames
    bits.take(1)?; // gaps_in_frame_num_value_allowed_flag
    let across = u64::from(bits.unsigned()?) + 1;
    let down = u64::from(bits.unsigned()?) + 1;
    if bits.take(1)? == 0 {
        return Some(Err("of interlaced fields".to_owned()));
    }
    if across * down > MOST_MACROBLOCKS {
        return Some(Err(format!("of {} by {} pixels", across * 16, down * 16)));
    }
    bits.take(1)?; // direct_8x8_inference_flag
    if bits.take(1)? == 1 {
        for _ in 0..4 {
            bits.unsigned()?; // frame_crop_left_offset and so on: the decoder crops
        }
    }
    // What follows is about presentation only, so its absence is no damage.
    Some(Ok(colours(bits).unwrap_or_default()))
}

/// Reads the beginning of the VUI parameters, if there are any.
fn colours(bits: &mut Bits) -> Option<Colours> {
    let mut colours = Colours::default();
    if bits.take(1)? == 0 {
        return Some(colours);
    }
    if bits.take(1)? == 1 && bits.take(8)? == 255 {
        bits.take(32)?; // sar_width, sar_height
    }
    if bits.take(1)? == 1 {
        bits.take(1)?; // overscan_appropriate_flag
    }
    if bits.take(1)? == 1 {
        bits.take(3)?; // video_format
        colours.full_range = Some(bits.take(1)? == 1);
        if bits.take(1)? == 1 {
            bits.take(16)?; // colour_primaries, transfer_characteristics
            colours.matrix = u16::try_from(bits.take(8)?).ok().filter(|matrix| *matrix != 2);
        }
    }
    Some(colours)
}

fn skip_scaling_list(bits: &mut Bits, size: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// Bits in the order of the stream, without the bytes that keep start codes out of it.
struct Bits {
    bytes: Vec<u8>,
    /// Bits read.
    position: usize,
}

impl Bits {
    fn of(payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len());
        let mut zeros = 0;
        for &byte in payload {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, position: 0 }
    }

    /// At most 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    /// An unsigned Exp-Golomb code.
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = u64::from(self.take(zeros)?);
        u32::try_from((1_u64 << zeros) - 1 + rest).ok()
    }

    /// A signed Exp-Golomb code.
    fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.unsigned()?);
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence parameter set out of (value, width) pairs; a width of 0 is an Exp-Golomb code.
    fn set(fields: &[(u32, u32)]) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        for &(value, width) in fields {
            let value = u64::from(value);
            let (value, width) = match width {
                0 => (value + 1, 2 * (u64::BITS - (value + 1).leading_zeros()) - 1),
                width => (value, width),
            };
            bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        }
        bits.push(true);
        let bytes = bits.chunks(8).map(|chunk| {
            chunk.iter().zip(0..).fold(0, |byte, (bit, at)| byte | u8::from(*bit) << (7 - at))
        });
        std::iter::once(0x67).chain(bytes).collect()
    }

    /// The fields up to the VUI parameters.
    fn picture(profile: u32, chroma: u32, depth: u32, frames: u32) -> Vec<(u32, u32)> {
        let mut fields = vec![(profile, 8), (0, 8), (40, 8), (0, 0)];
        if profile == 100 || profile == 110 {
            fields.extend([(chroma, 0), (depth - 8, 0), (depth - 8, 0), (0, 1), (0, 1)]);
        }
        fields.extend([(0, 0), (0, 0), (0, 0), (4, 0), (0, 1), (79, 0), (44, 0), (frames, 1)]);
        fields.extend([(1, 1), (0, 1)]);
        fields
    }

    #[test]
    fn colours_are_found() {
        let mut fields = picture(100, 1, 8, 1);
        fields.extend([(1, 1), (1, 1), (255, 8), (1, 16), (1, 16), (0, 1)]);
        fields.extend([(1, 1), (5, 3), (1, 1), (1, 1), (1, 8), (1, 8), (6, 8)]);
        let expected = Colours { matrix: Some(6), full_range: Some(true) };
        assert_eq!(read(&set(&fields)), Ok(expected));
        let mut without = picture(66, 1, 8, 1);
        without.push((0, 1));
        assert_eq!(read(&set(&without)), Ok(Colours::default()));
    }

    #[test]
    fn a_set_without_order_says_the_same_of_the_pictures() {
        for profile in [66, 77, 88, 100] {
            let mut fields = picture(profile, 1, 8, 1);
            // Zeros enough to need a byte that keeps start codes out.
            fields.extend([(1, 1), (1, 1), (255, 8), (0, 16), (0, 16), (0, 1)]);
            fields.extend([(1, 1), (5, 3), (0, 1), (1, 1), (1, 8), (1, 8), (9, 8)]);
            let before = set(&fields);
            let after = unordered(&before);
            assert_eq!(after[1], if profile == 66 { 66 } else { UNORDERED_PROFILE });
            assert_eq!(read(&after), read(&before));
            assert_eq!(read(&after).map(|colours| colours.matrix), Ok(Some(9)));
            let start_code =
                |unit: &[u8]| unit.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3);
            assert!(profile == 66 || profile == 100 || !start_code(&after), "{after:?}");
        }
        assert_eq!(unordered(&[0x67, 77]), [0x67, 77]);
        assert!(unordered(&[]).is_empty());
    }

    #[test]
    fn what_only_others_decode_is_named() {
        let said = |fields: &[(u32, u32)]| read(&set(fields)).expect_err("beyond us");
        assert_eq!(said(&picture(110, 1, 10, 1)), "with 10 bits a colour");
        assert_eq!(said(&picture(100, 0, 8, 1)), "without colours");
        assert_eq!(said(&picture(100, 2, 8, 1)), "with colours in 4:2:2");
        assert_eq!(said(&picture(77, 1, 8, 0)), "of interlaced fields");
        let mut huge = picture(66, 1, 8, 1);
        huge[9] = (0xffff, 0);
        assert_eq!(said(&huge), "of 1048576 by 720 pixels");
    }

    #[test]
    fn a_cut_set_is_damaged_and_no_set_makes_a_panic() {
        let whole = set(&picture(100, 1, 8, 1));
        for end in 0..6 {
            assert_eq!(read(&whole[..end]), Err("with damaged parameters".to_owned()));
        }
        let mut noise = 1_u32;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..24)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (noise >> 24) as u8
                })
                .collect();
            let _ = (read(&bytes), unordered(&bytes));
        }
    }
}
