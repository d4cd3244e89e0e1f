//! What a scene's words say about its place, its light and who is in it.

use super::palette::*;

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
