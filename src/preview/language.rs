//! The words that authors use for cameras.

use super::camera::{Carried, Ease, Pose, Step};

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
pub(super) fn tokens(words: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    for character in words.chars().take(MOST_CHARACTERS) {
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
pub(super) fn is_of_the_camera(tokens: &[String]) -> bool {
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
        let by_hand = self.does(&["handheld", "shaky", "shake", "shakycam", "jitter"])
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
pub(super) fn step(tokens: &[String]) -> Option<Step> {
    // What stands behind a `no` is not wanted.
    let negation = |token: &String| {
        matches!(
            token.as_str(),
            "no" | "not" | "without" | "never" | "dont" | "doesnt" | "isnt" | "nothing"
        )
    };
    let kept = tokens.iter().position(negation).unwrap_or(tokens.len());
    let denied = Clause(&tokens[kept..]);
    if kept < tokens.len() && denied.does(&["move", "movement", "motion", "camera"]) {
        return Some(step_of(Pose::default(), Ease::Soft));
    }
    let clause = Clause(&tokens[..kept]);
    // Focus is pulled and racked while the camera stands.
    if clause.does(&["focus", "focuses"]) && clause.does(&["pull", "rack", "shift"]) {
        return Some(step_of(Pose::default(), Ease::Soft));
    }
    let pace = clause.pace();
    let carried = clause.carried(pace);
    let mut step = match movement(&clause, pace) {
        Some(step) => step,
        None if carried != Carried::Firm => step_of(Pose::default(), Ease::Soft),
        None => return None,
    };
    step.carried = carried;
    Some(step)
}

fn step_of(change: Pose, ease: Ease) -> Step {
    Step { change, lean: 0.0, ease, carried: Carried::Firm }
}

/// The movement that a clause names first in order of how clearly its words stand for one.
fn movement(clause: &Clause<'_>, pace: f32) -> Option<Step> {
    let right = clause.direction(RIGHT, LEFT);
    let up = clause.direction(UP, DOWN);
    let forward = clause.direction(FORWARD, BACK);
    let side = |way: Option<bool>| if way.unwrap_or(true) { pace } else { -pace };
    let sign = |way: Option<bool>| if way.unwrap_or(true) { 1.0 } else { -1.0 };
    let at_rest = Pose::default();
    let soft = |change: Pose| Some(step_of(change, Ease::Soft));
    let does = |verbs: &[&str]| clause.does(verbs);

    if clause.has(&[
        "static",
        "locked",
        "lockoff",
        "lockdown",
        "fixed",
        "tripod",
        "motionless",
        "stationary",
        "unmoving",
    ]) || (does(&["camera"]) && clause.has(&["still", "holds", "hold", "stays", "rests"]))
    {
        return soft(at_rest);
    }
    if does(&["whip", "swish", "whippan"]) {
        let way = 1.1 * sign(right.or(up));
        let change = match (right, up) {
            (None, Some(_)) => Pose { tilt: 0.6 * sign(up), ..at_rest },
            _ => Pose { pan: way, ..at_rest },
        };
        return Some(step_of(change, Ease::Whip));
    }
    if clause.has(&["vertigo", "contrazoom", "zolly"]) || (does(&["dolly"]) && does(&["zoom"])) {
        return soft(Pose { dolly: 0.5 * pace, zoom: -0.34 * pace, ..at_rest });
    }
    if does(&["zoom"]) {
        let ease = if clause.has(&["crash", "snap"]) { Ease::Whip } else { Ease::Soft };
        return Some(step_of(Pose { zoom: 0.34 * side(forward), ..at_rest }, ease));
    }
    let circles =
        ["orbit", "arc", "circle", "revolve", "rotate", "encircle", "circular", "360", "180"];
    if does(&circles) && !does(&["pan"]) {
        return soft(Pose { orbit: 0.5 * side(right), ..at_rest });
    }
    if does(&["tilt"]) && !clause.has(&["dutch"]) {
        return soft(Pose { tilt: 0.36 * side(up), ..at_rest });
    }
    if does(&["pan"]) {
        return soft(match (right, up) {
            (None, Some(up)) => Pose { tilt: 0.36 * side(Some(up)), ..at_rest },
            (right, _) => Pose { pan: 0.36 * side(right), ..at_rest },
        });
    }
    if clause.has(&["dutch", "canted"]) {
        return Some(Step { lean: 0.12, ..step_of(at_rest, Ease::Soft) });
    }
    let pushes = ["dolly", "push", "pull", "pushin", "pullout", "pullback"];
    let lifts =
        ["crane", "boom", "jib", "pedestal", "rise", "ascend", "descend", "lower", "elevate"];
    // `Tracking upwards behind her` climbs, `pushing up to the door` does not.
    let climbs = up.is_some()
        && does(&[
            "track", "truck", "move", "camera", "slow", "slowly", "float", "fly", "drift", "glide",
            "follow",
        ]);
    if does(&lifts) || (climbs && right.is_none() && !does(&pushes)) {
        return soft(Pose { crane: 0.30 * side(up), tilt: -0.17 * side(up), ..at_rest });
    }
    if does(&["roll"]) {
        return soft(Pose { roll: 0.2 * side(right), ..at_rest });
    }
    if clause.has(&["around"])
        && does(&[
            "dolly", "track", "truck", "move", "camera", "swing", "travel", "glide", "float", "fly",
        ])
    {
        return soft(Pose { orbit: 0.5 * side(right), ..at_rest });
    }
    let together = ["track", "follow", "trail", "lead"];
    let aside = [
        "dolly", "slide", "slider", "crab", "lateral", "truck", "move", "drift", "glide", "travel",
        "camera", "float", "fly",
    ];
    if let Some(right) = right.filter(|_| does(&together) || does(&aside)) {
        let way = side(Some(right));
        return soft(if does(&together) {
            Pose { follow: 0.5 * way, ..at_rest }
        } else {
            Pose { track: 0.45 * way, ..at_rest }
        });
    }
    if does(&together)
        && clause.has(&["behind", "ahead", "leading", "front", "back", "backward", "backwards"])
    {
        let before = clause.has(&["ahead", "leading", "front", "back", "backward", "backwards"])
            && !clause.has(&["behind"]);
        return soft(Pose { trail: 0.55 * side(Some(!before)), ..at_rest });
    }
    if does(&pushes) || (forward.is_some() && does(GOES)) {
        return soft(Pose { dolly: 0.42 * side(forward), ..at_rest });
    }
    if does(&["slide", "slider", "truck", "crab", "lateral"]) {
        return soft(Pose { track: 0.45 * pace, ..at_rest });
    }
    if does(&["track", "follow", "alongside", "drift", "glide", "beside"]) {
        return soft(Pose { follow: 0.5 * pace, ..at_rest });
    }
    if does(&["drone", "aerial", "flyover", "flythrough", "fly"]) {
        return soft(Pose { dolly: 0.3 * pace, crane: 0.1 * pace, ..at_rest });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::camera::Camera;
    use super::*;

    fn end(words: &str) -> Pose {
        Camera::parse(words).end(Pose::default())
    }

    /// Which way a camera mostly goes, with its sign.
    fn main_way(words: &str) -> String {
        let Pose { pan, tilt, track, follow, crane, dolly, trail, zoom, roll, orbit } = end(words);
        let ways = [
            (crane, "crane"),
            (pan, "pan"),
            (tilt, "tilt"),
            (track, "track"),
            (follow, "follow"),
            (dolly, "dolly"),
            (trail, "trail"),
            (zoom, "zoom"),
            (orbit, "orbit"),
            (roll, "roll"),
        ];
        let (way, name) =
            ways.into_iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())).expect("ways");
        match way {
            0.0 => "static".into(),
            _ if way > 0.0 => format!("+{name}"),
            _ => format!("-{name}"),
        }
    }

    #[test]
    fn every_move_is_known_as_people_write_it() {
        for (words, way) in [
            ("slow dolly in", "+dolly"),
            ("Slow Dolly-In", "+dolly"),
            ("push in", "+dolly"),
            ("Push-in following the peel", "+dolly"),
            ("pushing closer to her face", "+dolly"),
            ("pull out", "-dolly"),
            ("Slow pull-out to wide", "-dolly"),
            ("camera backs away", "-dolly"),
            ("dollies back", "-dolly"),
            ("camera pans left to right", "+pan"),
            ("pan from the left", "+pan"),
            ("panning right to left", "-pan"),
            ("360 pan", "+pan"),
            ("pan up", "+tilt"),
            ("tilting down to the shoes", "-tilt"),
            ("tracking shot following him from the left", "+follow"),
            ("tracking shot", "+follow"),
            ("Tracking beside the boat, water on the lens", "+follow"),
            ("tracking left", "-follow"),
            ("follows her from behind", "+trail"),
            ("tracking backwards in front of them", "-trail"),
            ("truck left", "-track"),
            ("dolly right", "+track"),
            ("crab to the left", "-track"),
            ("lateral slider move", "+track"),
            ("crane up", "+crane"),
            ("Crane up the tower and over the lantern", "+crane"),
            ("Slow crane down to their hands", "-crane"),
            ("jib down", "-crane"),
            ("pedestal up", "+crane"),
            ("camera rises above the roofs", "+crane"),
            ("Tracking upwards behind her", "+crane"),
            ("arc around", "+orbit"),
            ("arc left around her", "-orbit"),
            ("Slow orbit around the lens", "+orbit"),
            ("camera circles counter-clockwise", "+orbit"),
            ("camera moves around the table", "+orbit"),
            ("zoom in", "+zoom"),
            ("slow zoom out", "-zoom"),
            ("crash zoom", "+zoom"),
            ("whip pan left", "-pan"),
            ("swish pan", "+pan"),
            ("locked off", "static"),
            ("static, no zoom", "static"),
            ("no camera movement", "static"),
            ("Overhead, static", "static"),
            ("rack focus from her to the door", "static"),
            ("camera holds still", "static"),
            ("steadicam", "static"),
            ("handheld", "static"),
            ("steadicam follows him through the hall", "+dolly"),
            ("drone shot", "+dolly"),
            ("salt drying on the panes", "static"),
        ] {
            assert_eq!(main_way(words), way, "{words}");
        }
    }

    #[test]
    fn a_dolly_zoom_goes_against_itself() {
        let pose = end("dolly zoom");
        assert!(pose.dolly > 0.0 && pose.zoom < 0.0, "{pose:?}");
    }

    #[test]
    fn moves_against_each_other_follow_each_other() {
        let camera = Camera::parse("push in, pull out");
        let middle = camera.at(Pose::default(), 2.0, 4.0);
        assert!(middle.dolly > 0.3, "{middle:?}");
        assert!(camera.end(Pose::default()).dolly.abs() < 0.01);
    }

    #[test]
    fn a_move_that_is_told_twice_is_made_once() {
        assert_eq!(end("dolly in, pushing in on her eyes"), end("dolly in"));
    }

    #[test]
    fn who_carries_the_camera_shows() {
        let unrest = |words: &str| {
            let camera = Camera::parse(words);
            let pans =
                (0..48).map(|frame| camera.at(Pose::default(), frame as f32 / 24.0, 2.0).pan);
            let pans: Vec<f32> = pans.collect();
            pans.windows(3).map(|three| (three[0] - 2.0 * three[1] + three[2]).abs()).sum::<f32>()
        };
        assert_eq!(unrest("static"), 0.0);
        assert!(unrest("steadicam") > 0.0);
        assert!(unrest("handheld") > 8.0 * unrest("steadicam"), "a hand trembles, a gimbal floats");
        assert!(unrest("shaky handheld, fast") > unrest("subtle handheld"));
    }

    #[test]
    fn prose_speaks_of_cameras_by_their_shots() {
        let told = |words: &str| Camera::parse_prose(words).end(Pose::default());
        assert!(told("Tracking shot of a runner. He pulls away.").follow > 0.0);
        assert!(told("A slow zoom in on the lamp").zoom > 0.0);
        assert_eq!(told("She pushes in a drawer and pans for gold"), Pose::default());
    }
}
