//! What a scene's words say about its place, its light and who is in it.

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

/// What shines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lamp {
    Sun,
    Moon,
    Glow,
    None,
}

/// What falls or drifts through the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Air {
    Clear,
    Clouds,
    Rain,
    Snow,
    Stars,
    Mist,
}

/// Where a scene takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Hills,
    Desert,
    Sea,
    City,
    Forest,
    Room,
    Space,
    Studio,
}

/// Who or what is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Person,
    Pair,
    Tower,
    House,
    Boat,
    Car,
    /// A long-legged animal, such as a horse.
    Animal,
    /// A low one, such as a wolf.
    Beast,
    Tree,
    Object,
}

/// How much of the subject the frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    ExtremeWide,
    Wide,
    Full,
    Medium,
    Close,
    ExtremeClose,
    Insert,
}

/// Everything that the stage is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mood {
    pub(super) palette: Palette,
    pub(super) lamp: Lamp,
    pub(super) air: Air,
    pub(super) setting: Setting,
    pub(super) subject: Subject,
    pub(super) size: Size,
    /// Seen over a shoulder.
    pub(super) over_shoulder: bool,
    /// Whether the camera looks down or up on the subject: -1, 0 or 1 for low, level and high.
    pub(super) height: i8,
    /// Varies what the words leave open; the same words give the same number everywhere.
    pub(super) seed: u64,
}

impl Mood {
    /// Reads a scene's words. `shot` is the shot size in the author's words, `speaks` tells that there is dialogue.
    pub(super) fn read(words: &str, shot: &str, speaks: bool) -> Self {
        let told = Told::new(words);
        let seed = hash(words);
        let (palette, lamp, air) = light(&told, seed);
        let setting = setting(&told);
        let shot = Told::new(shot);
        let size = size(&shot).unwrap_or(match () {
            () if told.has(&["closeup", "close-up"]) => Size::Close,
            () if told.has(&["macro", "insert"]) => Size::Insert,
            () if told.has(&["aerial", "panorama", "panoramic", "vista", "landscape"]) => {
                Size::ExtremeWide
            }
            () if speaks => Size::Medium,
            () => Size::Wide,
        });
        let subject = match subject(&told, speaks) {
            Subject::Person | Subject::Object if shot.has(&["two", "pair", "2"]) => Subject::Pair,
            Subject::Object if shot.has(&["shoulder", "ots", "portrait"]) => Subject::Person,
            // Where the words name no subject, the place lends one.
            Subject::Object if setting == Setting::Hills && size != Size::Insert => Subject::Tree,
            Subject::Object if setting == Setting::Sea && size != Size::Insert => Subject::Boat,
            Subject::Person if size == Size::Insert => Subject::Object,
            subject => subject,
        };
        let height = match () {
            () if shot.has(&["high", "overhead", "bird", "birds", "aerial", "drone", "top"]) => 1,
            () if shot.has(&["low", "worm", "worms"]) => -1,
            () => 0,
        };
        let over_shoulder = shot.has(&["shoulder", "ots", "over-the-shoulder"]);
        Self { palette, lamp, air, setting, subject, size, over_shoulder, height, seed }
    }
}

/// The words of a text, in lower case.
struct Told(Vec<String>);

impl Told {
    fn new(text: &str) -> Self {
        let words = text.split(|character: char| !character.is_alphanumeric() && character != '-');
        Self(words.filter(|word| !word.is_empty()).take(2000).map(str::to_lowercase).collect())
    }

    /// Whether one of the words occurs, alone, in the plural or as a part of a hyphened word.
    fn has(&self, wanted: &[&str]) -> bool {
        self.first(wanted).is_some()
    }

    fn first(&self, wanted: &[&str]) -> Option<usize> {
        self.0.iter().position(|word| {
            let singular = word.strip_suffix('s').unwrap_or(word);
            wanted.iter().any(|wanted| {
                word == wanted || singular == *wanted || word.split('-').any(|part| part == *wanted)
            })
        })
    }
}

/// FNV-1a: small, and the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

const DAWN: Palette = Palette {
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
const DUSK: Palette = Palette {
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
const NIGHT: Palette = Palette {
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
const STORM: Palette = Palette {
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
const FIRE: Palette = Palette {
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
const DAY: Palette = Palette {
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
const GREEN: Palette = Palette {
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
const SAND: Palette = Palette {
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
const SNOW: Palette = Palette {
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
const MIST: Palette = Palette {
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
const NEON: Palette = Palette {
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
const LAMPLIGHT: Palette = Palette {
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
const DAYROOM: Palette = Palette {
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
const COSMOS: Palette = Palette {
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
const SEASIDE: Palette = Palette {
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
const SLATE: Palette = Palette {
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

/// What the words say of the light; where they say nothing, one of the quieter palettes is drawn by lot.
fn light(told: &Told, seed: u64) -> (Palette, Lamp, Air) {
    let night = told.has(&[
        "night",
        "midnight",
        "moon",
        "moonlight",
        "moonlit",
        "nocturnal",
        "starlight",
        "starry",
    ]);
    let wet = told.has(&[
        "storm",
        "stormy",
        "rain",
        "raining",
        "rainy",
        "downpour",
        "thunder",
        "lightning",
        "tempest",
        "gale",
    ]);
    let room = setting(told) == Setting::Room;
    let air = match () {
        () if wet => Air::Rain,
        () if told.has(&["snow", "snowy", "snowfall", "blizzard"]) => Air::Snow,
        () if told.has(&["fog", "foggy", "mist", "misty", "haze", "smoke", "smoky", "steam"]) => {
            Air::Mist
        }
        () if told.has(&["star", "starry", "starlight", "cosmos", "galaxy", "nebula"]) || night => {
            Air::Stars
        }
        () if told.has(&["cloud", "cloudy", "overcast", "clouds"]) => Air::Clouds,
        () => Air::Clear,
    };
    let (palette, lamp) = match () {
        () if told.has(&["neon", "cyberpunk", "nightclub", "club", "arcade"]) => (NEON, Lamp::Glow),
        () if told.has(&[
            "space",
            "spaceship",
            "galaxy",
            "cosmos",
            "nebula",
            "orbit",
            "asteroid",
            "planet",
        ]) =>
        {
            (COSMOS, Lamp::None)
        }
        () if told.has(&[
            "fire",
            "flame",
            "burning",
            "lava",
            "inferno",
            "blaze",
            "ember",
            "explosion",
        ]) =>
        {
            (FIRE, Lamp::Glow)
        }
        () if wet && !night => (STORM, Lamp::None),
        () if wet => (Palette { horizon: 0x2f4858, middle: 0x172732, ..NIGHT }, Lamp::None),
        () if night && !room => (NIGHT, Lamp::Moon),
        () if told.has(&[
            "candle",
            "candlelight",
            "lamplight",
            "lantern",
            "firelight",
            "hearth",
            "tungsten",
        ]) || (night && room) =>
        {
            (LAMPLIGHT, Lamp::Glow)
        }
        () if told.has(&["dawn", "sunrise", "daybreak", "morning", "first light", "golden"]) => {
            (DAWN, Lamp::Sun)
        }
        () if told.has(&["dusk", "sunset", "twilight", "evening", "sundown"]) => (DUSK, Lamp::Sun),
        () if told
            .has(&["snow", "snowy", "ice", "icy", "winter", "arctic", "glacier", "blizzard"]) =>
        {
            (SNOW, Lamp::None)
        }
        () if told.has(&["desert", "dune", "sand", "savanna", "canyon"]) => (SAND, Lamp::Sun),
        () if air == Air::Mist => (MIST, Lamp::Glow),
        () if room => ([DAYROOM, LAMPLIGHT][(seed % 2) as usize], Lamp::Glow),
        () if told.has(&["forest", "jungle", "woods", "meadow", "garden", "grass"]) => {
            (GREEN, Lamp::Glow)
        }
        () if told.has(&[
            "underwater",
            "reef",
            "sea",
            "ocean",
            "coast",
            "beach",
            "harbour",
            "harbor",
        ]) =>
        {
            (SEASIDE, Lamp::Glow)
        }
        () if told.has(&[
            "noon",
            "sunny",
            "daylight",
            "day",
            "summer",
            "bright",
            "sky",
            "afternoon",
        ]) =>
        {
            (DAY, Lamp::Sun)
        }
        () if air == Air::Clouds => (SLATE, Lamp::None),
        () if told.has(&["studio", "product", "seamless", "white"]) => (SLATE, Lamp::Glow),
        () => ([DUSK, SLATE, SEASIDE, GREEN, DAWN][(seed % 5) as usize], Lamp::Glow),
    };
    (palette, lamp, air)
}

/// The place whose word stands first decides: authors begin with where they are.
fn setting(told: &Told) -> Setting {
    const PLACES: [(Setting, &[&str]); 7] = [
        (
            Setting::Sea,
            &[
                "sea",
                "ocean",
                "coast",
                "beach",
                "harbour",
                "harbor",
                "lighthouse",
                "skerry",
                "ship",
                "boat",
                "wave",
                "lake",
                "shore",
                "pier",
                "island",
                "underwater",
                "cliff",
            ],
        ),
        (
            Setting::City,
            &[
                "city",
                "street",
                "skyline",
                "alley",
                "rooftop",
                "downtown",
                "tokyo",
                "york",
                "traffic",
                "neon",
                "cyberpunk",
                "skyscraper",
                "town",
                "market",
                "station",
                "plaza",
                "bridge",
            ],
        ),
        (
            Setting::Forest,
            &["forest", "jungle", "woods", "trees", "pines", "grove", "rainforest", "bamboo"],
        ),
        (
            Setting::Room,
            &[
                "room",
                "kitchen",
                "office",
                "interior",
                "bedroom",
                "apartment",
                "hallway",
                "corridor",
                "bar",
                "cafe",
                "café",
                "restaurant",
                "library",
                "classroom",
                "hospital",
                "desk",
                "window",
                "table",
                "indoors",
                "inside",
                "workshop",
                "church",
                "theater",
                "theatre",
                "elevator",
            ],
        ),
        (
            Setting::Space,
            &[
                "space",
                "spaceship",
                "galaxy",
                "cosmos",
                "nebula",
                "planet",
                "asteroid",
                "astronaut",
            ],
        ),
        (Setting::Desert, &["desert", "dune", "sand", "savanna", "canyon"]),
        (Setting::Studio, &["studio", "seamless", "product", "backdrop", "packshot"]),
    ];
    PLACES
        .iter()
        .filter_map(|(setting, words)| told.first(words).map(|at| (at, *setting)))
        .min_by_key(|(at, _)| *at)
        .map_or(Setting::Hills, |(_, setting)| setting)
}

/// The subject whose word stands first; whoever speaks is a person.
fn subject(told: &Told, speaks: bool) -> Subject {
    const THINGS: [(Subject, &[&str]); 9] = [
        (
            Subject::Pair,
            &[
                "couple",
                "lovers",
                "friends",
                "twins",
                "parents",
                "brothers",
                "sisters",
                "they",
                "two people",
            ],
        ),
        (
            Subject::Person,
            &[
                "man",
                "woman",
                "men",
                "women",
                "girl",
                "boy",
                "she",
                "he",
                "her",
                "his",
                "person",
                "child",
                "children",
                "keeper",
                "people",
                "face",
                "hand",
                "hands",
                "eyes",
                "soldier",
                "doctor",
                "dancer",
                "astronaut",
                "detective",
                "figure",
                "king",
                "queen",
                "mother",
                "father",
                "chef",
                "runner",
                "hiker",
                "traveler",
                "traveller",
                "someone",
                "crowd",
                "musician",
                "scientist",
                "warrior",
                "knight",
                "robot",
                "sailor",
                "fisherman",
                "mariner",
                "barista",
                "rider",
            ],
        ),
        (
            Subject::Tower,
            &[
                "lighthouse",
                "tower",
                "skyscraper",
                "rocket",
                "monument",
                "column",
                "statue",
                "castle",
            ],
        ),
        (Subject::House, &["house", "cabin", "hut", "barn", "cottage", "village", "temple"]),
        (
            Subject::Boat,
            &["boat", "ship", "sailboat", "vessel", "yacht", "ferry", "canoe", "dinghy", "trawler"],
        ),
        (Subject::Car, &["car", "truck", "van", "taxi", "bus", "motorcycle", "vehicle"]),
        (
            Subject::Animal,
            &["horse", "deer", "elephant", "animal", "cow", "stag", "donkey", "camel"],
        ),
        (
            Subject::Beast,
            &[
                "dog", "cat", "wolf", "fox", "lion", "tiger", "bear", "puppy", "hound", "panther",
                "leopard",
            ],
        ),
        (Subject::Tree, &["tree", "oak", "pine", "willow"]),
    ];
    if speaks {
        return if told.has(THINGS[0].1) { Subject::Pair } else { Subject::Person };
    }
    THINGS
        .iter()
        .filter_map(|(subject, words)| told.first(words).map(|at| (at, *subject)))
        .min_by_key(|(at, _)| *at)
        .map_or(Subject::Object, |(_, subject)| subject)
}

fn size(shot: &Told) -> Option<Size> {
    let extreme = shot.has(&["extreme", "very", "ultra", "big", "super"]);
    Some(match () {
        () if shot.has(&["ecu", "xcu"]) => Size::ExtremeClose,
        () if shot.has(&["ews", "els", "xws", "establishing", "aerial", "panorama", "drone"]) => {
            Size::ExtremeWide
        }
        () if shot.has(&["insert", "macro", "detail", "product", "tabletop"]) => Size::Insert,
        () if shot.has(&["close", "closeup", "cu", "mcu", "portrait"]) => match () {
            () if extreme => Size::ExtremeClose,
            () if shot.has(&["medium", "mcu"]) => Size::Medium,
            () => Size::Close,
        },
        () if shot.has(&["wide", "long", "ws", "ls"]) => match () {
            () if extreme => Size::ExtremeWide,
            () if shot.has(&["medium"]) => Size::Full,
            () => Size::Wide,
        },
        () if shot.has(&["full", "cowboy", "fs"]) => Size::Full,
        () if shot.has(&["medium", "mid", "ms", "waist", "two", "shoulder", "ots", "pov"]) => {
            Size::Medium
        }
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_follows_the_words() {
        let palette = |words: &str| Mood::read(words, "", false).palette;
        assert_eq!(palette("A lighthouse on a rock at dawn"), DAWN);
        assert_eq!(palette("A storm breaks over the fields"), STORM);
        assert_eq!(palette("Neon rain in Tokyo at night"), NEON);
        assert_eq!(palette("A quiet valley by moonlight"), NIGHT);
        assert_eq!(Mood::read("A storm at night", "", false).air, Air::Rain);
    }

    #[test]
    fn who_is_there_and_how_large() {
        let mood = Mood::read("A lone lighthouse on a basalt skerry", "Extreme wide shot", false);
        assert_eq!(
            (mood.subject, mood.size, mood.setting),
            (Subject::Tower, Size::ExtremeWide, Setting::Sea)
        );
        let mood = Mood::read("The lamp room", "Close-up", true);
        assert_eq!((mood.subject, mood.size), (Subject::Person, Size::Close));
        assert_eq!(Mood::read("A watch on a table", "Insert", false).size, Size::Insert);
        assert_eq!(Mood::read("", "medium close-up", false).size, Size::Medium);
        assert!(Mood::read("", "over-the-shoulder", true).over_shoulder);
    }

    #[test]
    fn the_same_words_give_the_same_scene() {
        assert_eq!(
            Mood::read("Something else", "", false),
            Mood::read("Something else", "", false)
        );
        assert_eq!(hash("storyreel"), 0xa414_6858_27b5_d666);
    }
}
