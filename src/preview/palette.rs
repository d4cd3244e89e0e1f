//! The colours that scenes are drawn in.

/// Colours of a scene, as `0xRRGGBB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Palette {
    /// The sky, or the wall, at its top.
    pub(super) zenith: u32,
    /// The sky between top and horizon.
    pub(super) middle: u32,
    /// The sky at the horizon; also the haze that lies over far things.
    pub(super) horizon: u32,
    /// Far things.
    pub(super) far: u32,
    /// The ground at the horizon.
    pub(super) ground_far: u32,
    /// The ground before the camera.
    pub(super) ground_near: u32,
    /// The subject's dark side.
    pub(super) subject: u32,
    /// The light on the subject.
    pub(super) rim: u32,
    /// Things close to the camera.
    pub(super) near: u32,
    /// Marks and small type on dark ground.
    pub(super) accent: u32,
}

/// Mixes two colours; 0 is all of the first.
pub(super) fn mix(a: u32, b: u32, amount: f32) -> u32 {
    let part = |shift: u32| {
        let (a, b) = ((a >> shift & 255) as f32, (b >> shift & 255) as f32);
        ((a + (b - a) * amount).round() as u32).min(255) << shift
    };
    part(16) | part(8) | part(0)
}

pub(super) const DAWN: Palette = Palette {
    zenith: 0x2c4066,
    middle: 0x8a6f8e,
    horizon: 0xf2b78c,
    far: 0x6d5f7e,
    ground_far: 0x8c6f72,
    ground_near: 0x2a2c3d,
    subject: 0x20202f,
    rim: 0xffc79a,
    near: 0x10121c,
    accent: 0xffc89b,
};
pub(super) const DUSK: Palette = Palette {
    zenith: 0x1f2148,
    middle: 0x6a3b6a,
    horizon: 0xf08a5a,
    far: 0x4a2f56,
    ground_far: 0x74464f,
    ground_near: 0x1d1830,
    subject: 0x17142a,
    rim: 0xff9e6b,
    near: 0x0c0a18,
    accent: 0xffab7d,
};
pub(super) const NIGHT: Palette = Palette {
    zenith: 0x070d1d,
    middle: 0x10203c,
    horizon: 0x27456b,
    far: 0x12233c,
    ground_far: 0x1d3450,
    ground_near: 0x080f1c,
    subject: 0x050a14,
    rim: 0x9cc4f2,
    near: 0x03060c,
    accent: 0xa6cbf5,
};
pub(super) const STORM: Palette = Palette {
    zenith: 0x141a22,
    middle: 0x2b3640,
    horizon: 0x5a6a70,
    far: 0x27323a,
    ground_far: 0x3b4a50,
    ground_near: 0x10161b,
    subject: 0x0c1115,
    rim: 0xb9d3d6,
    near: 0x070a0d,
    accent: 0xb4d6da,
};
pub(super) const FIRE: Palette = Palette {
    zenith: 0x190907,
    middle: 0x4d160b,
    horizon: 0xd4591a,
    far: 0x3a120b,
    ground_far: 0x6b2710,
    ground_near: 0x180806,
    subject: 0x120504,
    rim: 0xffb14a,
    near: 0x090303,
    accent: 0xffb866,
};
pub(super) const DAY: Palette = Palette {
    zenith: 0x2f6ba3,
    middle: 0x6aa3c9,
    horizon: 0xcfe2e4,
    far: 0x6f93a3,
    ground_far: 0x93a68e,
    ground_near: 0x37493f,
    subject: 0x1f2d33,
    rim: 0xfff3d4,
    near: 0x121c1d,
    accent: 0xb9dcf2,
};
pub(super) const GREEN: Palette = Palette {
    zenith: 0x16302b,
    middle: 0x38604a,
    horizon: 0xb9cf8f,
    far: 0x2f5142,
    ground_far: 0x53704a,
    ground_near: 0x12231b,
    subject: 0x0e1c17,
    rim: 0xe5f0b0,
    near: 0x08110d,
    accent: 0xcbe2a0,
};
pub(super) const SAND: Palette = Palette {
    zenith: 0x4f7ea0,
    middle: 0xb8b59c,
    horizon: 0xf3d9a6,
    far: 0xbd8f62,
    ground_far: 0xd0a56c,
    ground_near: 0x6a4630,
    subject: 0x38251c,
    rim: 0xffe7b8,
    near: 0x24170f,
    accent: 0xf6d6a0,
};
pub(super) const SNOW: Palette = Palette {
    zenith: 0x6f8ba3,
    middle: 0xa7bccb,
    horizon: 0xe3eaed,
    far: 0x93a9b8,
    ground_far: 0xd5dfe4,
    ground_near: 0x8094a3,
    subject: 0x2b3a47,
    rim: 0xffffff,
    near: 0x1c2833,
    accent: 0xcfe4f0,
};
pub(super) const MIST: Palette = Palette {
    zenith: 0x5b666b,
    middle: 0x8a9596,
    horizon: 0xbfc7c4,
    far: 0x86918f,
    ground_far: 0x9aa39f,
    ground_near: 0x3f4a4a,
    subject: 0x283132,
    rim: 0xe6ebe6,
    near: 0x161c1d,
    accent: 0xd0dcd7,
};
pub(super) const NEON: Palette = Palette {
    zenith: 0x0c0a22,
    middle: 0x2a1250,
    horizon: 0x8b2a86,
    far: 0x1b1240,
    ground_far: 0x35205c,
    ground_near: 0x0c0a1e,
    subject: 0x090718,
    rim: 0x4de3f0,
    near: 0x05040f,
    accent: 0x6fe6f2,
};
pub(super) const LAMPLIGHT: Palette = Palette {
    zenith: 0x2a1d16,
    middle: 0x54382a,
    horizon: 0x8e6444,
    far: 0x3d291f,
    ground_far: 0x5d3f2c,
    ground_near: 0x1d130e,
    subject: 0x160e0a,
    rim: 0xffcf8f,
    near: 0x0d0805,
    accent: 0xf5cd97,
};
pub(super) const DAYROOM: Palette = Palette {
    zenith: 0x3b474c,
    middle: 0x66747a,
    horizon: 0x98a39f,
    far: 0x4c5a5f,
    ground_far: 0x6d6a60,
    ground_near: 0x2a2a28,
    subject: 0x1d2325,
    rim: 0xf6efdc,
    near: 0x121617,
    accent: 0xd9dccb,
};
pub(super) const COSMOS: Palette = Palette {
    zenith: 0x05060f,
    middle: 0x0f1230,
    horizon: 0x2c2358,
    far: 0x4a3b7a,
    ground_far: 0x241f45,
    ground_near: 0x07081a,
    subject: 0x0a0a18,
    rim: 0xb7b4ff,
    near: 0x04040c,
    accent: 0xc3bdfa,
};
pub(super) const SEASIDE: Palette = Palette {
    zenith: 0x1f4a66,
    middle: 0x5588a0,
    horizon: 0xd6dfd2,
    far: 0x426678,
    ground_far: 0x6e99a0,
    ground_near: 0x143342,
    subject: 0x10252f,
    rim: 0xf4f2df,
    near: 0x0a171d,
    accent: 0xaedfe0,
};
pub(super) const SLATE: Palette = Palette {
    zenith: 0x22262e,
    middle: 0x3c434e,
    horizon: 0x7d8590,
    far: 0x333a45,
    ground_far: 0x535b66,
    ground_near: 0x1a1d24,
    subject: 0x12151a,
    rim: 0xe6e9ee,
    near: 0x0b0d10,
    accent: 0xcdd4de,
};
