//! The smallest H.264 there is: frames of one colour, and frames that repeat the one before.
//!
//! A key frame has one macroblock of plain samples (`I_PCM`); every other macroblock is predicted from its neighbours
//! without a residual (`Intra_16x16`, DC), which costs a byte. A repeat skips all macroblocks of a P slice. Names and
//! numbers are those of ITU-T H.264, sections 7.3 (syntax) and 9.1, 9.2 (codes). Constrained Baseline, no loop filter.

/// The size of a picture in pixels, even and within what the format can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u16,
    height: u16,
}

impl Size {
    /// The nearest size that can be coded: even, 16 to 8192 pixels each way.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        let even = |pixels: u32| (pixels.clamp(16, 8192) & !1) as u16;
        Self { width: even(width), height: even(height) }
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub const fn height(self) -> u16 {
        self.height
    }

    fn macroblocks(self) -> (u32, u32) {
        (u32::from(self.width).div_ceil(16), u32::from(self.height).div_ceil(16))
    }

    /// The level (times ten) with room for a picture of this size at 24 frames a second (table A-1).
    fn level(self) -> u8 {
        let (across, down) = self.macroblocks();
        match across * down {
            0..=1620 => 30,
            1621..=3600 => 31,
            3601..=8192 => 40,
            8193..=36_864 => 51,
            _ => 60,
        }
    }
}

/// An IDR frame of one colour (luma, blue and red difference) with its parameter sets, in Annex B form.
#[must_use]
pub fn key_frame(size: Size, colour: [u8; 3]) -> Vec<u8> {
    let mut stream = Vec::new();
    append_unit(&mut stream, 0x67, sequence_parameters(size));
    append_unit(&mut stream, 0x68, picture_parameters());

    let mut slice = Bits::default();
    slice.unsigned(0); // first_mb_in_slice
    slice.unsigned(7); // slice_type: I, and so are all slices of the picture
    slice.unsigned(0); // pic_parameter_set_id
    slice.bits(0, 4); // frame_num
    slice.unsigned(0); // idr_pic_id
    slice.bits(0, 2); // no_output_of_prior_pics_flag, long_term_reference_flag
    slice.signed_zero(); // slice_qp_delta
    slice.unsigned(1); // disable_deblocking_filter_idc

    slice.unsigned(25); // mb_type: I_PCM
    slice.align();
    let [luma, blue, red] = colour;
    for (value, count) in [(luma, 256), (blue, 64), (red, 64)] {
        for _ in 0..count {
            slice.bits(u32::from(value), 8);
        }
    }
    let (across, down) = size.macroblocks();
    for at in 1..across * down {
        slice.unsigned(3); // mb_type: I_16x16_2_0_0, predicted from the mean of the neighbours
        slice.unsigned(0); // intra_chroma_pred_mode: DC
        slice.signed_zero(); // mb_qp_delta
        // coeff_token for no coefficients. Its code depends on the neighbours' count, which is 16 for I_PCM; the only
        // two macroblocks whose single neighbour is the first one have no other to average with.
        let beside_plain_samples = at == 1 && across > 1 || at == across;
        if beside_plain_samples { slice.bits(0b00_0011, 6) } else { slice.bits(1, 1) }
    }
    append_unit(&mut stream, 0x65, slice.finish());
    stream
}

/// A frame that looks like the one before it; `number` counts frames from the last key frame.
#[must_use]
pub fn repeat_frame(size: Size, number: u32) -> Vec<u8> {
    let mut slice = Bits::default();
    slice.unsigned(0); // first_mb_in_slice
    slice.unsigned(5); // slice_type: P, and so are all slices of the picture
    slice.unsigned(0); // pic_parameter_set_id
    slice.bits(number % 16, 4); // frame_num
    slice.bits(0, 1); // num_ref_idx_active_override_flag
    slice.bits(0, 1); // ref_pic_list_modification_flag_l0
    slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag
    slice.signed_zero(); // slice_qp_delta
    slice.unsigned(1); // disable_deblocking_filter_idc
    let (across, down) = size.macroblocks();
    slice.unsigned(across * down); // mb_skip_run
    let mut stream = Vec::with_capacity(20);
    append_unit(&mut stream, 0x41, slice.finish());
    stream
}

fn sequence_parameters(size: Size) -> Vec<u8> {
    let (across, down) = size.macroblocks();
    let mut bits = Bits::default();
    bits.bits(66, 8); // profile_idc: Baseline
    bits.bits(0b1100_0000, 8); // constraint_set0 and 1: Constrained Baseline
    bits.bits(u32::from(size.level()), 8);
    bits.unsigned(0); // seq_parameter_set_id
    bits.unsigned(0); // log2_max_frame_num_minus4
    bits.unsigned(2); // pic_order_cnt_type: output order is decoding order
    bits.unsigned(1); // max_num_ref_frames
    bits.bits(0, 1); // gaps_in_frame_num_value_allowed_flag
    bits.unsigned(across - 1);
    bits.unsigned(down - 1);
    bits.bits(0b11, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
    let right = (across * 16 - u32::from(size.width)) / 2;
    let bottom = (down * 16 - u32::from(size.height)) / 2;
    if right + bottom > 0 {
        bits.bits(1, 1); // frame_cropping_flag
        for edge in [0, right, 0, bottom] {
            bits.unsigned(edge);
        }
    } else {
        bits.bits(0, 1);
    }
    bits.bits(0, 1); // vui_parameters_present_flag
    bits.finish()
}

fn picture_parameters() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.unsigned(0); // pic_parameter_set_id
    bits.unsigned(0); // seq_parameter_set_id
    bits.bits(0, 2); // entropy_coding_mode_flag: CAVLC; bottom_field_pic_order_in_frame_present_flag
    bits.unsigned(0); // num_slice_groups_minus1
    bits.unsigned(0); // num_ref_idx_l0_default_active_minus1
    bits.unsigned(0); // num_ref_idx_l1_default_active_minus1
    bits.bits(0, 3); // weighted_pred_flag, weighted_bipred_idc
    bits.signed_zero(); // pic_init_qp_minus26
    bits.signed_zero(); // pic_init_qs_minus26
    bits.signed_zero(); // chroma_qp_index_offset
    bits.bits(0b100, 3); // deblocking_filter_control_present_flag, constrained_intra_pred_flag, redundant_pic_cnt
    bits.finish()
}

/// Appends a NAL unit with its start code and the bytes that keep start codes out of its payload.
fn append_unit(stream: &mut Vec<u8>, header: u8, payload: Vec<u8>) {
    stream.extend([0, 0, 0, 1, header]);
    let mut zeros = 0;
    for byte in payload {
        if zeros == 2 && byte <= 3 {
            stream.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        stream.push(byte);
    }
}

/// Bits in the order of the stream.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits not yet written, in the low end, and how many.
    pending: u64,
    count: u32,
}

impl Bits {
    fn bits(&mut self, value: u32, width: u32) {
        self.pending = self.pending << width | u64::from(value);
        self.count += width;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    /// An unsigned Exp-Golomb code.
    fn unsigned(&mut self, value: u32) {
        let code = value + 1;
        let width = u32::BITS - code.leading_zeros();
        self.bits(0, width - 1);
        self.bits(code, width);
    }

    /// The signed Exp-Golomb code for 0.
    fn signed_zero(&mut self) {
        self.bits(1, 1);
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.bits(0, 8 - self.count);
        }
    }

    /// Ends the payload with its stop bit.
    fn finish(mut self) -> Vec<u8> {
        self.bits(1, 1);
        self.align();
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_follow_the_standard() {
        let code = |value| {
            let mut bits = Bits::default();
            bits.unsigned(value);
            bits.bits(1, 1);
            bits.align();
            bits.bytes
        };
        assert_eq!(code(0), [0b1100_0000]);
        assert_eq!(code(3), [0b0010_0100]);
        assert_eq!(code(25), [0b0000_1101, 0b0100_0000]);
    }

    #[test]
    fn start_codes_never_occur_inside_a_unit() {
        let mut stream = Vec::new();
        append_unit(&mut stream, 0x65, vec![0, 0, 0, 0, 1, 0, 0, 4]);
        assert_eq!(stream[5..], [0, 0, 3, 0, 0, 3, 1, 0, 0, 4]);
    }

    #[cfg(feature = "preview")]
    #[test]
    fn a_decoder_sees_one_colour_in_every_frame() {
        use openh264::formats::YUVSource;

        for (width, height) in [(1280, 720), (720, 1280), (16, 16), (64, 36)] {
            let size = Size::new(width, height);
            let mut decoder = openh264::decoder::Decoder::new().expect("a decoder");
            for number in 0..20 {
                let frame = if number == 0 {
                    key_frame(size, [100, 60, 200])
                } else {
                    repeat_frame(size, number)
                };
                let decoded =
                    decoder.decode(&frame).expect("a frame that decodes").expect("a picture");
                assert_eq!(decoded.dimensions(), (width as usize, height as usize));
                let (luma_stride, blue_stride, _) = decoded.strides();
                for row in 0..height as usize {
                    let line = &decoded.y()[row * luma_stride..][..width as usize];
                    assert!(
                        line.iter().all(|&luma| luma == 100),
                        "luma of row {row} of frame {number}"
                    );
                }
                for row in 0..height as usize / 2 {
                    let span = row * blue_stride..row * blue_stride + width as usize / 2;
                    assert!(decoded.u()[span.clone()].iter().all(|&blue| blue == 60));
                    assert!(decoded.v()[span].iter().all(|&red| red == 200));
                }
            }
        }
    }
}
