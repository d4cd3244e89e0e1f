//! Words that grammar needs to know.

/// Words after which one thing is named, and no more than one. `the` may be followed by people who run.
pub(super) const ONE: &[&str] = &["a", "an", "one", "this"];

/// Words that begin a noun phrase or stand for one, so that their capital is that of a sentence and not of a name.
pub(super) const OPENERS: &[&str] = &[
    "a",
    "an",
    "the",
    "one",
    "two",
    "three",
    "four",
    "five",
    "this",
    "that",
    "these",
    "those",
    "he",
    "she",
    "it",
    "they",
    "his",
    "her",
    "its",
    "their",
    "someone",
    "somebody",
    "nobody",
    "everyone",
    "everybody",
    "each",
    "every",
    "both",
    "we",
    "you",
    "small",
    "old",
    "young",
];

/// English words that shots and camera moves begin with.
pub(super) const FRAMING: &[&str] = &[
    "slow",
    "fast",
    "quick",
    "gentle",
    "smooth",
    "steady",
    "static",
    "locked",
    "pan",
    "tilt",
    "dolly",
    "tracking",
    "truck",
    "handheld",
    "push",
    "pull",
    "orbit",
    "orbiting",
    "crane",
    "zoom",
    "rack",
    "whip",
    "aerial",
    "drone",
    "steadicam",
    "camera",
    "low",
    "high",
    "wide",
    "medium",
    "close",
    "extreme",
    "full",
    "long",
    "establishing",
    "overhead",
    "over-the-shoulder",
    "macro",
    "tight",
    "low-angle",
    "high-angle",
    "eye-level",
    "dutch",
    "close-up",
];

/// Words for one person or thing that stand for a noun phrase.
pub(super) const PRONOUNS: &[&str] =
    &["he", "she", "it", "someone", "somebody", "nobody", "everyone", "everybody"];

/// Words that a noun phrase follows.
pub(super) const PREPOSITIONS: &[&str] = &[
    "in", "on", "at", "by", "with", "without", "of", "from", "to", "into", "onto", "over", "under",
    "above", "below", "behind", "beside", "beneath", "between", "against", "along", "across",
    "through", "inside", "outside", "near", "around", "before", "after", "towards", "toward",
    "among", "amid", "past", "beyond", "within", "down", "up", "off", "for",
];

/// Prepositions that a place begins with.
pub(super) const OF_PLACES: &[&str] = &[
    "in", "on", "at", "inside", "outside", "under", "beneath", "above", "below", "behind",
    "beside", "between", "near", "along", "across", "among", "amid", "within", "by",
];

/// Words that make a sentence of what they stand in, or may.
pub(super) const FINITE: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "do", "does", "did", "can", "could", "will",
    "would", "may", "might", "must", "shall", "should", "who", "which", "that", "whose", "where",
    "and", "but", "then", "stood", "ran", "sat", "went", "came", "fell", "held", "kept", "left",
    "lost", "met", "rose", "saw", "said", "set", "put", "cut", "hit", "let", "shut", "burst",
    "spread", "took", "turned", "broke", "caught", "drew", "drove", "flew", "found", "gave", "got",
    "grew", "hung", "knew", "laid", "lay", "lit", "made", "rode", "shook", "shot", "slept",
    "spoke", "sprang", "stuck", "swam", "swung", "threw", "told", "woke", "wore", "wrote", "felt",
    "not", "never", "sang", "wept", "blew", "froze", "crept", "slid", "hid", "bit", "rang", "sank",
    "shone", "leapt", "knelt", "fed", "fled", "bent", "sent", "spent", "swept", "built", "dug",
    "clung", "spun", "stung", "struck", "stole", "tore", "began", "became", "brought", "bought",
    "taught", "thought", "fought", "sought", "drank", "ate", "flung", "hurt", "led", "read",
    "slung", "strode", "stank", "swore", "wove", "wound",
];

/// Words that a noun follows.
pub(super) const ADJECTIVES: &[&str] = &[
    "bare",
    "black",
    "blue",
    "bright",
    "broken",
    "brown",
    "closed",
    "cold",
    "dark",
    "dead",
    "deep",
    "distant",
    "dry",
    "dusty",
    "empty",
    "four",
    "frozen",
    "golden",
    "gray",
    "green",
    "grey",
    "hard",
    "heavy",
    "high",
    "hot",
    "iron",
    "large",
    "little",
    "long",
    "low",
    "many",
    "narrow",
    "old",
    "open",
    "orange",
    "pale",
    "pink",
    "plain",
    "quiet",
    "red",
    "rusted",
    "scattered",
    "silver",
    "small",
    "smooth",
    "soft",
    "still",
    "stone",
    "tall",
    "thin",
    "three",
    "tiny",
    "two",
    "warm",
    "wet",
    "white",
    "wide",
    "wild",
    "wooden",
    "yellow",
    "young",
];

/// Words ending in `ing` that are things.
pub(super) const NO_PARTICIPLES: &[&str] = &[
    "king",
    "ring",
    "string",
    "thing",
    "something",
    "nothing",
    "everything",
    "anything",
    "morning",
    "evening",
    "building",
    "ceiling",
    "clothing",
    "lightning",
    "painting",
    "spring",
    "wing",
    "sting",
    "drawing",
    "wedding",
    "during",
    "being",
];

/// What begins an object.
pub(super) const OBJECTS: &[&str] = &[
    "a", "an", "the", "her", "his", "its", "their", "it", "him", "them", "up", "down", "into",
    "away", "back", "off", "out", "slowly", "along", "around", "one",
];

/// Words for several that have no `s`, so that what they do has none either.
pub(super) const MANY: &[&str] =
    &["people", "men", "women", "children", "police", "crowd", "sheep", "fish", "deer", "cattle"];

/// Nouns that are motions.
pub(super) const MOTIONS: &[&str] = &[
    "movement",
    "motion",
    "breeze",
    "gust",
    "wind",
    "blink",
    "breath",
    "swell",
    "nod",
    "time-lapse",
    "timelapse",
    "slow-motion",
];

/// Words for one that may be several: `a couple walk`.
pub(super) const COLLECTIVE: &[&str] = &[
    "couple", "pair", "group", "crowd", "team", "family", "crew", "band", "gang", "class",
    "audience", "army", "herd", "flock", "number", "dozen", "few", "lot", "handful", "row", "line",
    "bunch", "trio",
];
