//! The words that authors use for cameras.

use super::foreign;
use super::moves::{
    CRANE, DOLLY, HANDHELD, MOVES, Move, ORBIT, PAN, PULL_OUT, PUSH_IN, STATIC, TILT, TRACKING,
};

/// A kind of movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The camera stands.
    Rest,
    /// Turns to the side; positive is right.
    Pan,
    /// Turns up (positive) or down.
    Tilt,
    /// Snaps to the side and rests before and after it.
    Whip,
    /// Snaps up or down.
    WhipUp,
    /// Makes everything larger with the lens; positive is in.
    Zoom,
    /// The same in a moment.
    SnapZoom,
    /// Travels in while the lens goes out.
    DollyZoom,
    /// Travels around the subject; positive is to the right.
    Orbit,
    /// Leans to the side and stays so.
    Dutch,
    /// Rises (positive) or sinks.
    Crane,
    /// Turns about its own axis.
    Roll,
    /// Travels to the side past what stays; positive is right.
    Slide,
    /// Travels to the side with what moves.
    Follow,
    /// Travels behind what moves (positive), or ahead of it.
    Trail,
    /// Travels forward (positive) or back.
    Dolly,
    /// Flies.
    Drone,
}

impl What {
    /// The first of all kinds that lead along the same line.
    pub(super) fn axis(self) -> Self {
        match self {
            Self::Whip => Self::Pan,
            Self::WhipUp => Self::Tilt,
            Self::Slide | Self::Trail => Self::Follow,
            Self::Zoom | Self::SnapZoom | Self::DollyZoom => Self::Zoom,
            other => other,
        }
    }
}

/// How the camera is carried.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Carried {
    /// On something that does not shake.
    #[default]
    Firm,
    /// Balanced before a body: it floats.
    Afloat,
    /// In a hand, with this much unrest.
    Hand(f32),
}

/// One movement that words ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movement {
    /// What kind.
    pub what: What,
    /// How far in parts of its usual way, with the sign of its direction.
    pub way: f32,
    /// How the camera is carried.
    pub carried: Carried,
    /// The row of the table that its words name, where they name one.
    told: Option<&'static Move>,
}

impl Movement {
    /// The move of the table that it is; `None` for a camera that stands.
    pub fn named(&self) -> Option<&'static Move> {
        if self.what == What::Rest || self.what == What::Dutch {
            return None;
        }
        self.told.or_else(|| MOVES.iter().find(|one| one.whats.contains(&self.what.axis()))).or(
            Some(match (self.what.axis(), self.way >= 0.0) {
                (What::Drone | What::Zoom, false) => &PULL_OUT,
                (What::Drone | What::Zoom, true) => &PUSH_IN,
                _ => &DOLLY,
            }),
        )
    }
}

/// Reads words such as `slow dolly in`, `pan left to right, then tilt up` or `handheld`: movements after each other, each
/// of several at once. Words that name no movement give none.
pub fn phases(words: &str) -> Vec<Vec<Movement>> {
    let tokens = tokens(words);
    let phases = tokens.split(|token| matches!(token.as_str(), "then" | "before" | "finally"));
    let together = phases.map(|phase| {
        let mut clauses: Vec<Vec<String>> = Vec::new();
        for clause in
            phase.split(|token| matches!(token.as_str(), "," | "and" | "while" | "with" | "as"))
        {
            match clauses.last_mut() {
                // In `tracking shot, left` the second clause only tells more of the first.
                Some(last) if step(clause).is_none() => last.extend_from_slice(clause),
                _ => clauses.push(clause.to_vec()),
            }
        }
        clauses.iter().filter_map(|clause| step(clause)).collect()
    });
    together.filter(|phase: &Vec<Movement>| !phase.is_empty()).collect()
}

/// Finds movements in a prompt, where only sentences that speak of the camera count.
pub fn phases_of_prose(words: &str) -> Vec<Vec<Movement>> {
    let sentences = words
        .split(['.', '!', '?', ';', '\n', '。'])
        .filter(|sentence| is_of_the_camera(&tokens(sentence)));
    let told: Vec<&str> = sentences.collect();
    phases(&told.join(" then "))
}

/// What a person writes of a camera is shorter, and the words come from anywhere.
const MOST_CHARACTERS: usize = 2000;

const RIGHT: &[&str] = &["right", "rightward", "rightwards", "clockwise"];
const LEFT: &[&str] = &["left", "leftward", "leftwards", "counterclockwise", "anticlockwise"];
const UP: &[&str] = &[
    "up",
    "upward",
    "upwards",
    "rise",
    "rises",
    "rising",
    "ascend",
    "ascends",
    "ascending",
    "lift",
    "lifts",
    "lifting",
];
const DOWN: &[&str] = &[
    "down",
    "downward",
    "downwards",
    "descend",
    "descends",
    "descending",
    "lower",
    "lowers",
    "lowering",
    "drop",
    "drops",
    "sink",
    "sinks",
];
const FORWARD: &[&str] = &[
    "in",
    "into",
    "inward",
    "inwards",
    "forward",
    "forwards",
    "toward",
    "towards",
    "closer",
    "push",
    "pushes",
    "pushing",
    "through",
    "behind",
    "approach",
    "approaches",
    "approaching",
    "tighter",
];
const BACK: &[&str] = &[
    "out",
    "back",
    "backs",
    "backing",
    "backward",
    "backwards",
    "away",
    "outward",
    "outwards",
    "wider",
    "pull",
    "pulls",
    "pulling",
    "pullout",
    "pullback",
    "retreat",
    "retreats",
    "retreating",
    "leading",
    "ahead",
    "reveal",
    "reveals",
];
/// Words for moving that say nothing of the way.
const GOES: &[&str] = &[
    "track",
    "truck",
    "move",
    "creep",
    "drift",
    "glide",
    "fly",
    "float",
    "slide",
    "camera",
    "follow",
    "travel",
    "slow",
    "slowly",
    "steadicam",
    "gimbal",
    "handheld",
    "close",
    "trail",
];

/// Lower-case words, with commas kept and hyphens opened.
fn tokens(words: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let words: String = words.chars().take(MOST_CHARACTERS).collect();
    for character in foreign::in_english(&words).chars() {
        match character {
            ',' | ';' | '.' | '+' | '&' | '/' | '(' | ')' | '、' | '，' | '。' => {
                tokens.extend([",".to_owned(), String::new()]);
            }
            '→' | '>' => tokens.extend(["then".to_owned(), String::new()]),
            _ if character.is_alphanumeric() => {
                if let Some(last) = tokens.last_mut() {
                    last.extend(character.to_lowercase());
                }
            }
            '\'' | '’' => {}
            _ => tokens.push(String::new()),
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// Whether a token is the verb or one of its forms: `pan` is `pans`, `panning` and `panned`, too, and not `panes`.
fn is_form(token: &str, verb: &str) -> bool {
    let Some(rest) = token.strip_prefix(verb) else {
        let stem = verb.strip_suffix(['e', 'y']);
        let ending = stem.and_then(|stem| token.strip_prefix(stem));
        return matches!(ending, Some("ing" | "ies" | "ied"));
    };
    let doubled = verb.chars().next_back().and_then(|last| rest.strip_prefix(last));
    matches!(rest, "" | "s" | "ing" | "ed")
        || matches!(doubled, Some("ing" | "ed"))
        || (rest == "es" && verb.ends_with(['s', 'h', 'x']))
        || (rest == "d" && verb.ends_with('e'))
}

/// Whether a sentence of a prompt speaks of the camera, and not only of what it sees.
fn is_of_the_camera(tokens: &[String]) -> bool {
    let named = ["camera", "dolly", "handheld", "steadicam", "drone", "gimbal"];
    let shots = [
        "track", "crane", "orbit", "arc", "pan", "tilt", "zoom", "truck", "jib", "follow", "push",
        "pull",
    ];
    tokens.iter().any(|token| named.contains(&token.as_str()))
        || tokens.windows(2).any(|pair| {
            (pair[1] == "shot" || pair[1] == "in" || pair[1] == "out")
                && shots.iter().any(|shot| is_form(&pair[0], shot))
                && (pair[1] == "shot" || is_form(&pair[0], "zoom"))
        })
}

/// What one clause says.
struct Clause<'a>(&'a [String]);

impl Clause<'_> {
    fn has(&self, words: &[&str]) -> bool {
        self.0.iter().any(|token| words.contains(&token.as_str()))
    }

    /// Whether any form of one of the verbs occurs.
    fn does(&self, verbs: &[&str]) -> bool {
        self.0.iter().any(|token| verbs.iter().any(|verb| is_form(token, verb)))
    }

    /// Whether nothing but one of these words was said: `reveal` alone is a move, in a sentence it may be anything.
    fn is_only(&self, words: &[&str]) -> bool {
        self.0.len() <= 2 && self.does(words)
    }

    /// The row of the table that the words themselves name, where a kind of movement has several.
    fn told(&self, what: What, way: f32) -> Option<&'static Move> {
        match what {
            What::Dolly if self.does(DOLLY.words) => Some(&DOLLY),
            What::Dolly if way < 0.0 => Some(&PULL_OUT),
            What::Dolly => Some(&PUSH_IN),
            _ => None,
        }
    }

    /// Which of two directions is meant. Of `from left to right` and `left to right` the last one counts; `from the left`
    /// alone leads away from it.
    fn direction(&self, words: &[&str], others: &[&str]) -> Option<bool> {
        let from = |at: usize| self.0[at.saturating_sub(3)..at].iter().any(|token| token == "from");
        let found =
            |wanted: &[&str]| self.0.iter().rposition(|token| wanted.contains(&token.as_str()));
        match (found(words), found(others)) {
            (Some(a), Some(b)) => Some(a > b),
            (Some(at), None) => Some(!from(at)),
            (None, Some(at)) => Some(from(at)),
            (None, None) => None,
        }
    }

    /// How far a movement leads, in parts of its usual way.
    fn pace(&self) -> f32 {
        const PACES: [(f32, &[&str]); 3] = [
            (
                0.55,
                &[
                    "subtle",
                    "subtly",
                    "slight",
                    "slightly",
                    "barely",
                    "imperceptibly",
                    "imperceptible",
                    "creep",
                    "tiny",
                ],
            ),
            (
                0.75,
                &[
                    "slow",
                    "slowly",
                    "gentle",
                    "gently",
                    "gradual",
                    "gradually",
                    "soft",
                    "softly",
                    "smoothly",
                    "drift",
                ],
            ),
            (
                1.6,
                &[
                    "fast", "quick", "quickly", "rapid", "rapidly", "swift", "swiftly", "crash",
                    "rush", "snap", "sudden",
                ],
            ),
        ];
        PACES.iter().find(|(_, words)| self.does(words)).map_or(1.0, |(pace, _)| *pace)
    }

    fn carried(&self, pace: f32) -> Carried {
        let by_hand = self.does(HANDHELD.words)
            || (self.has(&["hand"]) && self.has(&["held"]))
            || (self.has(&["shoulder"]) && self.has(&["mounted", "rig"]));
        match () {
            () if by_hand => Carried::Hand(0.6 + 0.4 * pace),
            () if self.has(&["steadicam", "gimbal", "stabilised", "stabilized", "steadycam"]) => {
                Carried::Afloat
            }
            () => Carried::Firm,
        }
    }
}

/// Reads one clause; `None` where it names no movement.
fn step(tokens: &[String]) -> Option<Movement> {
    // What stands behind a `no` is not wanted.
    let negation = |token: &String| {
        matches!(
            token.as_str(),
            "no" | "not" | "without" | "never" | "dont" | "doesnt" | "isnt" | "nothing"
        )
    };
    let rest = Movement { what: What::Rest, way: 0.0, carried: Carried::Firm, told: None };
    let kept = tokens.iter().position(negation).unwrap_or(tokens.len());
    let denied = Clause(&tokens[kept..]);
    if kept < tokens.len() && denied.does(&["move", "movement", "motion", "camera"]) {
        return Some(rest);
    }
    let clause = Clause(&tokens[..kept]);
    // Focus is pulled and racked while the camera stands.
    if clause.does(&["focus", "focuses"]) && clause.does(&["pull", "rack", "shift"]) {
        return Some(rest);
    }
    let pace = clause.pace();
    let carried = clause.carried(pace);
    let mut step = match movement(&clause, pace) {
        Some((what, way)) => Movement { what, way, told: clause.told(what, way), ..rest },
        None if carried != Carried::Firm => rest,
        None => return None,
    };
    step.carried = carried;
    Some(step)
}

/// The movement that a clause names first in order of how clearly its words stand for one, and how far it leads.
fn movement(clause: &Clause<'_>, pace: f32) -> Option<(What, f32)> {
    let right = clause.direction(RIGHT, LEFT);
    let up = clause.direction(UP, DOWN);
    let forward = clause.direction(FORWARD, BACK);
    let side = |way: Option<bool>| if way.unwrap_or(true) { pace } else { -pace };
    let sign = |way: Option<bool>| if way.unwrap_or(true) { 1.0 } else { -1.0 };
    let does = |verbs: &[&str]| clause.does(verbs);

    if clause.has(STATIC.words)
        || (does(&["camera"]) && clause.has(&["still", "holds", "hold", "stays", "rests"]))
    {
        return Some((What::Rest, 0.0));
    }
    if does(&["whip", "swish", "whippan"]) {
        return Some(match (right, up) {
            (None, Some(_)) => (What::WhipUp, sign(up)),
            _ => (What::Whip, sign(right.or(up))),
        });
    }
    if clause.has(&["vertigo", "contrazoom", "zolly"]) || (does(DOLLY.words) && does(&["zoom"])) {
        return Some((What::DollyZoom, pace));
    }
    if does(&["zoom"]) {
        let snaps = clause.has(&["crash", "snap"]);
        return Some((if snaps { What::SnapZoom } else { What::Zoom }, side(forward)));
    }
    if does(ORBIT.words) && !does(PAN.words) {
        return Some((What::Orbit, side(right)));
    }
    if does(TILT.words) && !clause.has(&["dutch"]) {
        return Some((What::Tilt, side(up)));
    }
    if does(PAN.words) {
        return Some(match (right, up) {
            (None, Some(up)) => (What::Tilt, side(Some(up))),
            (right, _) => (What::Pan, side(right)),
        });
    }
    if clause.has(&["dutch", "canted"]) {
        return Some((What::Dutch, 1.0));
    }
    let pushes = does(DOLLY.words) || does(PUSH_IN.words) || does(&["pull", "pullout", "pullback"]);
    // `Tracking upwards behind her` climbs, `pushing up to the door` does not.
    let climbs = up.is_some()
        && does(&[
            "track", "truck", "move", "camera", "slow", "slowly", "float", "fly", "drift", "glide",
            "follow",
        ]);
    if does(CRANE.words) || (climbs && right.is_none() && !pushes) {
        return Some((What::Crane, side(up)));
    }
    if does(&["roll"]) {
        return Some((What::Roll, side(right)));
    }
    if clause.has(&["around"])
        && does(&[
            "dolly", "track", "truck", "move", "camera", "swing", "travel", "glide", "float", "fly",
        ])
    {
        return Some((What::Orbit, side(right)));
    }
    let together = TRACKING.words;
    let aside = [
        "dolly", "slide", "slider", "crab", "lateral", "truck", "move", "drift", "glide", "travel",
        "camera", "float", "fly",
    ];
    if let Some(right) = right.filter(|_| does(together) || does(&aside)) {
        let what = if does(together) { What::Follow } else { What::Slide };
        return Some((what, side(Some(right))));
    }
    if does(together)
        && clause.has(&["behind", "ahead", "leading", "front", "back", "backward", "backwards"])
    {
        let before = clause.has(&["ahead", "leading", "front", "back", "backward", "backwards"])
            && !clause.has(&["behind"]);
        return Some((What::Trail, side(Some(!before))));
    }
    if pushes || (forward.is_some() && does(GOES)) || clause.is_only(PULL_OUT.words) {
        return Some((What::Dolly, side(forward)));
    }
    if does(&["slide", "slider", "truck", "crab", "lateral"]) {
        return Some((What::Slide, pace));
    }
    if does(&["track", "follow", "alongside", "drift", "glide", "beside"]) {
        return Some((What::Follow, pace));
    }
    if does(&["drone", "aerial", "flyover", "flythrough", "fly"]) {
        return Some((What::Drone, pace));
    }
    None
}
