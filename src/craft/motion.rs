//! Motion and light.

use super::Told;
use super::shot::{Shot, first_of, has_form};
use crate::prompt::{beats, grammar};
use crate::storyboard::Field;

const PACE: &[&str] = &[
    "slow",
    "slowly",
    "fast",
    "quick",
    "quickly",
    "gently",
    "gentle",
    "gradually",
    "gradual",
    "suddenly",
    "sudden",
    "abruptly",
    "steadily",
    "steady",
    "rapid",
    "rapidly",
    "smooth",
    "smoothly",
    "lazily",
    "leisurely",
    "unhurried",
    "brisk",
    "briskly",
    "calmly",
    "hurried",
    "sharply",
    "softly",
    "slow motion",
    "slow-motion",
    "time-lapse",
    "timelapse",
    "real time",
    "instantly",
    "once",
    "twice",
    "pause",
    "pauses",
    "moment",
    "second",
    "seconds",
    "beat",
    "before",
    "until",
    "then",
    "while",
    "as",
    "after",
    "finally",
    "whip",
    "sprints",
    "races",
    "rushes",
    "crawls",
    "drifts",
    "darts",
    "creeps",
    "strolls",
    "tiptoes",
    "lingers",
    "subtle",
    "subtly",
    "barely",
    "static",
    "still",
    "pace",
];

pub(super) fn no_pace(shot: &Shot<'_>) -> Option<Told> {
    let told = shot.seen_and_camera();
    (shot.is_english() && first_of(&told, PACE).is_none() && beats(&told).is_none())
        .then(|| (shot.told_in(), "no word says how fast it goes, or in what order".to_owned()))
}

const ENDS: &[&str] = &[
    "then",
    "until",
    "into",
    "onto",
    "to",
    "finally",
    "before",
    "after",
    "ends",
    "end",
    "becomes",
    "comes to rest",
    "stops",
    "settles",
    "away",
    "out",
    "off",
    "down",
    "up",
    "past",
    "across",
    "in front of",
    "shut",
    "open",
    "gone",
    "once",
    "again",
    "asleep",
    "still",
];

pub(super) fn no_end_state(shot: &Shot<'_>) -> Option<Told> {
    let seen = shot.seen();
    let acts = grammar::actions(&seen) == 1;
    // What goes on after a comma or an `and` arrives somewhere, in a form that nobody counts.
    let goes_on = seen.contains([',', ';']) || first_of(&seen, &["and"]).is_some();
    (shot.is_english()
        && acts
        && !goes_on
        && first_of(&seen, ENDS).is_none()
        && beats(&seen).is_none())
    .then(|| (shot.told_in(), "the motion has a start and no end".to_owned()))
}

const ANCHORS: &[&str] = &[
    "left",
    "right",
    "toward",
    "towards",
    "away",
    "across",
    "through",
    "past",
    "along",
    "behind",
    "beside",
    "between",
    "into",
    "onto",
    "under",
    "over",
    "above",
    "below",
    "in front",
    "front",
    "foreground",
    "background",
    "frame",
    "up",
    "down",
    "from",
    "to",
    "around",
    "inside",
    "out of",
    "against",
    "on",
    "in",
    "at",
    "forward",
    "off",
    "back",
];

pub(super) fn no_anchor(shot: &Shot<'_>) -> Option<Told> {
    let seen = shot.seen();
    let travels = has_form(
        &seen,
        &[
            "walk", "run", "move", "fly", "drive", "ride", "swim", "crawl", "sprint", "drift",
            "sail", "roll", "march", "stroll", "jump", "travel", "gallop", "float",
        ],
    );
    (shot.is_english() && travels && first_of(&seen, ANCHORS).is_none())
        .then(|| (shot.told_in(), "it moves, and nothing says from where to where".to_owned()))
}

/// Pale verbs that lean on an adverb, with the one word for both.
const PALE: &[(&str, &str)] = &[
    ("moves fast", "darts"),
    ("moves quickly", "darts"),
    ("moves slowly", "drifts"),
    ("moves away", "retreats"),
    ("runs fast", "sprints"),
    ("runs quickly", "sprints"),
    ("walks fast", "strides"),
    ("walks quickly", "strides"),
    ("walks slowly", "strolls"),
    ("walks quietly", "tiptoes"),
    ("walks carefully", "tiptoes"),
    ("goes quickly", "hurries"),
    ("goes slowly", "ambles"),
    ("talks quietly", "whispers"),
    ("talks loudly", "shouts"),
    ("looks angrily", "glares"),
    ("looks closely", "peers"),
    ("looks quickly", "glances"),
    ("cries loudly", "wails"),
    ("eats quickly", "wolfs"),
    ("does something", "what exactly"),
    ("is moving", "a verb of its own"),
    ("is doing", "a verb of its own"),
    ("are moving", "a verb of their own"),
];

pub(super) fn vague_verb(shot: &Shot<'_>) -> Option<Told> {
    let seen = shot.seen();
    let words = grammar::words(&seen);
    let found = PALE.iter().find(|(pale, _)| first_of(&seen, &[pale]).is_some());
    let message = match found {
        Some((pale, better)) => format!("`{pale}` says little: `{better}` shows it"),
        None => {
            let at = words.iter().position(|word| word == "moves")?;
            // What the camera does has words of its own.
            let of_camera = words[..at].iter().rev().take(3).any(|word| word == "camera");
            (!of_camera).then(|| "`moves` may be any motion".to_owned())?
        }
    };
    Some((shot.told_in(), message))
}

const SOFT: &[&str] = &[
    "scarf", "cape", "cloak", "dress", "skirt", "coat", "veil", "flag", "flags", "curtain",
    "curtains", "sail", "sails", "hair", "braid", "ponytail", "mane", "water", "waves", "sea",
    "river", "rain", "stream", "puddle", "puddles",
];

const PLACES: &[&str] = &[
    "of", "on", "by", "over", "at", "from", "off", "under", "above", "beside", "into", "through",
    "across", "behind",
];

const PHYSICS: &[&str] = &[
    "trail", "billow", "flutter", "ripple", "sway", "swirl", "splash", "flap", "whip", "drip",
    "stream", "cling", "lift", "drag", "flow", "break", "crash", "burst", "foam", "surge", "lap",
    "bounce", "swing", "fall", "float", "blow", "gust", "wind", "soak", "pour", "spray", "drift",
    "tumble", "roll", "part", "wake", "glisten", "fan", "snap", "catch", "spin", "race", "churn",
    "slosh", "spill", "ruffle", "settle", "shiver",
];

pub(super) fn no_physics(shot: &Shot<'_>) -> Option<Told> {
    let seen = shot.seen();
    if !shot.is_english() || grammar::actions(&seen) == 0 || has_form(&seen, PHYSICS) {
        return None;
    }
    let words = grammar::words(&seen);
    // `Above the sea` is a place.
    let is_place = |at: usize| {
        words[at.saturating_sub(2)..at].iter().any(|word| PLACES.contains(&word.as_str()))
    };
    let at = (0..words.len()).find(|at| SOFT.contains(&words[*at].as_str()) && !is_place(*at))?;
    Some((shot.told_in(), format!("nothing says how the {} moves", words[at])))
}

const LIGHT: &[&str] = &[
    "light",
    "lit",
    "dark",
    "dusk",
    "dawn",
    "sunset",
    "sunrise",
    "noon",
    "night",
    "moon",
    "sun",
    "shadow",
    "glow",
    "lamp",
    "neon",
    "overcast",
    "golden",
    "hour",
    "candle",
    "backlit",
    "bright",
    "dim",
    "gloom",
    "fog",
    "mist",
    "haze",
    "silhouette",
    "flame",
    "fire",
    "firelight",
    "sunlight",
    "moonlight",
    "daylight",
    "morning",
    "evening",
    "twilight",
    "studio",
    "rim",
    "key",
    "headlight",
    "spotlight",
    "beam",
    "flicker",
    "shade",
    "sunny",
    "cloudy",
    "midday",
    "blue hour",
    "torch",
    "lantern",
    "fluorescent",
    "tungsten",
    "halogen",
    "glare",
    "ray",
];

pub(super) fn no_light(shot: &Shot<'_>) -> Option<Told> {
    let lit = !shot.text(Field::Lighting).is_empty();
    let told = format!(
        "{} {} {} {}",
        shot.seen(),
        shot.text(Field::Setting),
        shot.text(Field::Style),
        shot.text(Field::Mood)
    );
    (!lit && !shot.from_image && shot.is_english() && !has_form(&told, LIGHT))
        .then(|| (shot.told_in(), "no word says where the light comes from".to_owned()))
}
