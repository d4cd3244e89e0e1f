//! The author's words for the camera, and where they put it at each moment.

/// Where the camera is, relative to where the scene began. Distances are in widths (or heights) of the frame as seen at
/// the subject; positive is right and up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pose {
    /// Turned to the side without leaving its place.
    pub(super) pan: f32,
    /// Turned up without leaving its place.
    pub(super) tilt: f32,
    /// Moved to the side past a subject that stays.
    pub(super) track: f32,
    /// Moved to the side together with the subject.
    pub(super) follow: f32,
    /// Lifted.
    pub(super) crane: f32,
    /// Moved forward: the natural logarithm of how much larger the subject becomes.
    pub(super) dolly: f32,
    /// Lens made longer: the natural logarithm of how much larger everything becomes.
    pub(super) zoom: f32,
    /// Leaned to the side, in radians.
    pub(super) roll: f32,
    /// Travelled around the subject.
    pub(super) orbit: f32,
}

impl Pose {
    fn plus(self, other: Self, amount: f32) -> Self {
        Self {
            pan: self.pan + other.pan * amount,
            tilt: self.tilt + other.tilt * amount,
            track: self.track + other.track * amount,
            follow: self.follow + other.follow * amount,
            crane: self.crane + other.crane * amount,
            dolly: self.dolly + other.dolly * amount,
            zoom: self.zoom + other.zoom * amount,
            roll: self.roll + other.roll * amount,
            orbit: self.orbit + other.orbit * amount,
        }
    }

    /// The same place, brought back to what a drawn stage can show, however many extensions went on and on.
    fn within_reach(self) -> Self {
        Self {
            pan: self.pan.clamp(-1.3, 1.3),
            tilt: self.tilt.clamp(-0.7, 0.7),
            track: self.track.clamp(-1.3, 1.3),
            follow: self.follow.clamp(-1.6, 1.6),
            crane: self.crane.clamp(-0.5, 0.5),
            dolly: self.dolly.clamp(-0.6, 0.7),
            zoom: self.zoom.clamp(-0.6, 0.7),
            roll: self.roll.clamp(-0.35, 0.35),
            orbit: self.orbit.clamp(-0.9, 0.9),
        }
    }
}

/// How a movement gathers and loses speed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ease {
    /// Soft at both ends, even between them.
    Soft,
    /// Rests, snaps across, rests again.
    Whip,
}

impl Ease {
    fn at(self, time: f32) -> f32 {
        match self {
            Self::Soft => {
                let smooth = time * time * (3.0 - 2.0 * time);
                0.55 * smooth + 0.45 * time
            }
            Self::Whip => {
                let inner = ((time - 0.34) / 0.32).clamp(0.0, 1.0);
                inner * inner * inner * (inner * (inner * 6.0 - 15.0) + 10.0)
            }
        }
    }
}

/// One movement of the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    /// Where it leads to.
    change: Pose,
    /// What the camera is like from the first frame on, such as leaned.
    lean: f32,
    ease: Ease,
    /// How strongly the camera shakes.
    shake: f32,
}

/// Everything that the author asked of the camera: movements after each other, each of several at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Camera {
    phases: Vec<Vec<Step>>,
}

impl Camera {
    /// Reads words such as `slow dolly in`, `pan left to right, then tilt up` or `handheld`. Words that name no movement leave the
    /// camera where it is.
    pub(super) fn parse(words: &str) -> Self {
        let tokens = tokens(words);
        let phases =
            tokens.split(|token| token == "then" || token == "before" || token == "finally");
        let phases = phases.map(|phase| {
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
            clauses.iter().filter_map(|clause| step(clause)).collect::<Vec<_>>()
        });
        Self { phases: phases.filter(|steps| !steps.is_empty()).collect() }
    }

    /// Finds movements in a prompt, where only sentences that speak of the camera count.
    pub(super) fn parse_prose(words: &str) -> Self {
        let sentences = words.split(['.', '!', '?', ';', '\n']).filter(|sentence| {
            let tokens = tokens(sentence);
            let speaks = |word: &str| tokens.iter().any(|token| token == word);
            ["camera", "dolly", "handheld", "steadicam", "drone"].into_iter().any(speaks)
        });
        let told: Vec<&str> = sentences.collect();
        Self::parse(&told.join(" then "))
    }

    /// Where the camera is after `seconds` of `length`, having started from `start`.
    pub(super) fn at(&self, start: Pose, seconds: f32, length: f32) -> Pose {
        let time = if length > 0.0 { (seconds / length).clamp(0.0, 1.0) } else { 0.0 };
        let mut pose = start;
        let mut shake = 0.0_f32;
        let count = self.phases.len() as f32;
        for (index, steps) in self.phases.iter().enumerate() {
            let local = (time * count - index as f32).clamp(0.0, 1.0);
            for step in steps {
                pose = pose.plus(step.change, step.ease.at(local));
                pose.roll += step.lean;
                shake = shake.max(step.shake);
            }
        }
        let pose = pose.within_reach();
        Pose {
            pan: pose.pan + shake * tremor(seconds, 0),
            tilt: pose.tilt + shake * tremor(seconds, 1),
            ..pose
        }
    }

    /// Where the camera begins, so that the subject is passed in the middle of the movement and not left behind by it.
    pub(super) fn start(&self) -> Pose {
        let end = self.end(Pose::default());
        let lead = |way: f32, most: f32| (-0.45 * way).clamp(-most, most);
        Pose {
            pan: lead(end.pan, 0.15),
            track: lead(end.track, 0.15),
            tilt: lead(end.tilt, 0.18),
            crane: lead(end.crane, 0.14),
            orbit: lead(end.orbit, 0.3),
            ..Pose::default()
        }
    }

    /// Where the camera rests at the end, without any trembling: the start of what follows.
    pub(super) fn end(&self, start: Pose) -> Pose {
        let mut pose = start;
        for step in self.phases.iter().flatten() {
            pose = pose.plus(step.change, 1.0);
        }
        pose.within_reach()
    }
}

/// The unrest of a hand: a slow sway with a quicker tremble on it, the same each time.
fn tremor(seconds: f32, axis: usize) -> f32 {
    const WAVES: [[(f32, f32, f32); 4]; 2] = [
        [(0.43, 0.0, 0.011), (1.1, 1.7, 0.008), (2.3, 0.6, 0.0045), (4.1, 2.9, 0.0018)],
        [(0.37, 2.1, 0.012), (0.9, 0.4, 0.010), (2.6, 1.9, 0.0055), (3.7, 0.2, 0.0020)],
    ];
    WAVES[axis]
        .iter()
        .map(|(frequency, phase, size)| {
            ((seconds * frequency + phase) * std::f32::consts::TAU).sin() * size
        })
        .sum()
}

/// Lower-case words, with commas kept and hyphens opened.
fn tokens(words: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    // Nobody describes a camera at greater length, and the words come from anywhere.
    for character in words.chars().take(2000) {
        match character {
            ',' | ';' | '.' | '+' | '&' => tokens.extend([",".to_owned(), String::new()]),
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

/// Reads one clause.
fn step(tokens: &[String]) -> Option<Step> {
    let has = |words: &[&str]| tokens.iter().any(|token| words.contains(&token.as_str()));
    let speed = match () {
        () if has(&[
            "subtle",
            "subtly",
            "slight",
            "slightly",
            "barely",
            "imperceptibly",
            "creeping",
            "creep",
        ]) =>
        {
            0.55
        }
        () if has(&[
            "slow",
            "slowly",
            "gentle",
            "gently",
            "gradual",
            "gradually",
            "soft",
            "smoothly",
            "drifts",
        ]) =>
        {
            0.75
        }
        () if has(&[
            "fast", "quick", "quickly", "rapid", "rapidly", "swift", "crash", "rush", "rushes",
            "rushing",
        ]) =>
        {
            1.6
        }
        () => 1.0,
    };
    // Of `from left to right` and `left to right` the last one counts.
    let last = |words: &[&str], others: &[&str]| {
        let found =
            |wanted: &[&str]| tokens.iter().rposition(|token| wanted.contains(&token.as_str()));
        match (found(words), found(others)) {
            (Some(a), Some(b)) => Some(a > b),
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (None, None) => None,
        }
    };
    let right = last(
        &["right", "rightward", "rightwards", "clockwise"],
        &["left", "leftward", "leftwards", "counterclockwise"],
    );
    let up = last(
        &[
            "up",
            "upward",
            "upwards",
            "rise",
            "rises",
            "rising",
            "ascend",
            "ascends",
            "ascending",
            "lifts",
        ],
        &[
            "down",
            "downward",
            "downwards",
            "descend",
            "descends",
            "descending",
            "lower",
            "lowers",
            "lowering",
            "drops",
        ],
    );
    let forward = last(
        &[
            "in", "into", "inward", "inwards", "forward", "forwards", "toward", "towards",
            "closer", "push", "pushes", "pushing", "through",
        ],
        &[
            "out",
            "back",
            "backward",
            "backwards",
            "away",
            "outward",
            "wider",
            "pull",
            "pulls",
            "pulling",
            "retreats",
        ],
    );
    let side = |forward: Option<bool>| if forward.unwrap_or(true) { 1.0 } else { -1.0 };
    let mut step = Step { change: Pose::default(), lean: 0.0, ease: Ease::Soft, shake: 0.0 };
    let change = &mut step.change;
    if has(&[
        "static",
        "locked",
        "lockoff",
        "lockdown",
        "fixed",
        "tripod",
        "motionless",
        "stationary",
    ]) {
        return Some(step);
    } else if has(&["whip", "swish"]) {
        change.pan = 1.1 * side(right);
        step.ease = Ease::Whip;
    } else if has(&["vertigo"]) || (has(&["dolly"]) && has(&["zoom"])) {
        change.dolly = 0.5 * speed;
        change.zoom = -0.34 * speed;
    } else if has(&["zoom", "zooms", "zooming"]) {
        change.zoom = 0.34 * speed * side(forward);
        if has(&["crash", "snap"]) {
            step.ease = Ease::Whip;
        }
    } else if has(&[
        "orbit", "orbits", "orbiting", "arc", "arcs", "arcing", "circle", "circles", "circling",
        "revolves", "360", "around",
    ]) {
        change.orbit = 0.5 * speed * side(right);
    } else if has(&["tilt", "tilts", "tilting"]) && !has(&["dutch"]) {
        change.tilt = 0.36 * speed * side(up);
    } else if has(&["pan", "pans", "panning"]) {
        match (right, up) {
            (None, Some(up)) => change.tilt = 0.36 * speed * side(Some(up)),
            (right, _) => change.pan = 0.36 * speed * side(right),
        }
    } else if has(&[
        "crane",
        "cranes",
        "craning",
        "boom",
        "booms",
        "jib",
        "pedestal",
        "rise",
        "rises",
        "rising",
        "ascends",
        "descends",
        "descending",
    ]) {
        change.crane = 0.26 * speed * side(up);
        change.tilt = -0.15 * speed * side(up);
    } else if has(&["dutch", "canted"]) {
        step.lean = 0.12;
    } else if has(&["roll", "rolls", "rolling"]) {
        change.roll = 0.2 * speed * side(right);
    } else if let Some(right) = right.filter(|_| {
        has(&[
            "track", "tracks", "tracking", "truck", "trucks", "trucking", "dolly", "slide",
            "slides", "slider", "crab", "lateral", "drift", "drifts", "glide", "glides", "move",
            "moves", "moving", "camera", "follow", "follows",
        ])
    }) {
        let way = 0.5 * speed * side(Some(right));
        let together = ["track", "tracks", "tracking", "follow", "follows", "following"];
        if has(&together) { change.follow = way } else { change.track = way }
    } else if has(&["dolly", "dollies", "push", "pushes", "pushing", "pull", "pulls", "pulling"])
        || (forward.is_some()
            && has(&[
                "track",
                "tracks",
                "tracking",
                "move",
                "moves",
                "moving",
                "creep",
                "creeps",
                "creeping",
                "drift",
                "drifts",
                "glide",
                "glides",
                "closes",
                "close",
                "fly",
                "flies",
                "slow",
                "slowly",
                "camera",
                "steadicam",
                "follow",
                "follows",
            ]))
    {
        change.dolly = 0.42 * speed * side(forward);
    } else if has(&[
        "track",
        "tracks",
        "tracking",
        "truck",
        "trucking",
        "follow",
        "follows",
        "following",
        "lateral",
        "slider",
        "alongside",
        "drift",
        "drifts",
        "drifting",
        "glide",
        "glides",
        "gliding",
    ]) {
        change.follow = 0.5 * speed;
    } else if has(&["drone", "aerial", "flyover", "flythrough", "fly", "flies", "flying"]) {
        change.dolly = 0.3 * speed;
        change.crane = 0.1 * speed;
    } else if up.is_some() && has(&["camera", "move", "moves", "slow", "slowly"]) {
        change.crane = 0.26 * speed * side(up);
    } else if !has(&[
        "handheld",
        "shaky",
        "shake",
        "shakes",
        "shaking",
        "steadicam",
        "gimbal",
        "hand",
    ]) {
        return None;
    }
    step.shake = match () {
        () if has(&["handheld", "shaky", "shake", "shakes", "shaking"]) => 0.6 + 0.4 * speed,
        () if has(&["hand"]) && has(&["held"]) => 0.6 + 0.4 * speed,
        () if has(&["steadicam", "gimbal"]) => 0.25,
        () => 0.0,
    };
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(words: &str) -> Pose {
        Camera::parse(words).end(Pose::default())
    }

    #[test]
    fn directions_are_read_from_the_authors_words() {
        assert!(end("pan left to right").pan > 0.2);
        assert!(end("pan from right to left").pan < -0.2);
        assert!(end("Pans slowly to the left").pan < 0.0);
        assert!(end("left-to-right pan").pan > 0.0);
        assert!(end("tilt down").tilt < 0.0);
        assert!(end("tilt up").tilt > 0.0);
        assert!(end("slow dolly in").dolly > 0.0);
        assert!(end("Push-in").dolly > 0.0);
        assert!(end("pull out").dolly < 0.0);
        assert!(end("slow pull-back").dolly < 0.0);
        assert!(end("dolly back").dolly < 0.0);
        assert!(end("crane down").crane < 0.0);
        assert!(end("crane up over the roofs").crane > 0.0);
        assert!(end("tracking shot, left").follow < 0.0);
        assert!(end("tracking left").follow < 0.0);
        assert!(end("dolly right").track > 0.0);
        assert!(end("orbit clockwise").orbit > 0.0);
        assert!(end("arc left around her").orbit < 0.0);
        assert!(end("zoom out").zoom < 0.0);
        assert!(end("camera keeps drifting forward").dolly > 0.0);
    }

    #[test]
    fn words_without_a_movement_leave_the_camera() {
        for words in [
            "static",
            "locked off tripod",
            "35mm lens",
            "",
            "none",
            "panorama of a pantry",
            "eye level",
        ] {
            assert_eq!(end(words), Pose::default(), "{words}");
            assert_eq!(
                Camera::parse(words).at(Pose::default(), 1.0, 2.0),
                Pose::default(),
                "{words}"
            );
        }
    }

    #[test]
    fn speed_words_scale_the_way() {
        assert!(end("slow push in").dolly < end("push in").dolly);
        assert!(end("push in").dolly < end("fast push in").dolly);
    }

    #[test]
    fn a_whip_pan_rests_at_both_ends() {
        let camera = Camera::parse("whip pan right");
        let at = |seconds| camera.at(Pose::default(), seconds, 4.0).pan;
        assert_eq!(at(1.0), 0.0);
        assert_eq!(at(3.0), at(4.0));
        assert!(at(2.2) - at(1.8) > 0.3);
    }

    #[test]
    fn phases_follow_each_other_and_clauses_run_together() {
        let camera = Camera::parse("pan left, then push in");
        let middle = camera.at(Pose::default(), 2.0, 4.0);
        assert!(middle.pan < -0.3 && middle.dolly == 0.0, "{middle:?}");
        assert!(end("pan left then push in").dolly > 0.0);
        let together = Camera::parse("pan right while pushing in").at(Pose::default(), 1.0, 4.0);
        assert!(together.pan > 0.0 && together.dolly > 0.0, "{together:?}");
    }

    #[test]
    fn a_hand_trembles_and_comes_back() {
        let camera = Camera::parse("handheld");
        let poses: Vec<Pose> =
            (0..48).map(|frame| camera.at(Pose::default(), frame as f32 / 24.0, 2.0)).collect();
        assert!(poses.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(camera.end(Pose::default()), Pose::default());
        assert_eq!(poses[7], camera.at(Pose::default(), 7.0 / 24.0, 2.0));
    }

    #[test]
    fn prose_counts_only_where_it_speaks_of_the_camera() {
        let told = "A boat drifts left. The camera pushes in on the lamp.";
        let pose = Camera::parse_prose(told).end(Pose::default());
        assert!(pose.dolly > 0.0 && pose.track == 0.0, "{pose:?}");
        assert_eq!(
            Camera::parse_prose("She pulls the door and rushes out").end(Pose::default()),
            Pose::default()
        );
    }

    #[test]
    fn endless_extensions_stay_within_reach() {
        let camera = Camera::parse("fast push in, fast pan right, tilt up");
        let mut pose = Pose::default();
        for _ in 0..50 {
            pose = camera.end(pose);
        }
        assert!(pose.dolly <= 0.7 && pose.pan <= 1.3 && pose.tilt <= 0.7, "{pose:?}");
    }
}
