//! Where the author's words put the camera at each moment.

use crate::camera::{self, Carried, Movement, What};

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
    /// Moved forward together with the subject, which keeps its size: the same measure for everything around it.
    pub(super) trail: f32,
    /// Lens made longer: the natural logarithm of how much larger everything becomes.
    pub(super) zoom: f32,
    /// Leaned to the side, in radians.
    pub(super) roll: f32,
    /// Travelled around the subject.
    pub(super) orbit: f32,
}

impl Pose {
    /// The ways that a movement can lead, without leaning.
    fn ways(self) -> [f32; 9] {
        let Self { pan, tilt, track, follow, crane, dolly, trail, zoom, orbit, roll: _ } = self;
        [pan, tilt, track, follow, crane, dolly, trail, zoom, orbit]
    }

    fn plus(self, other: Self, amount: f32) -> Self {
        Self {
            pan: self.pan + other.pan * amount,
            tilt: self.tilt + other.tilt * amount,
            track: self.track + other.track * amount,
            follow: self.follow + other.follow * amount,
            crane: self.crane + other.crane * amount,
            dolly: self.dolly + other.dolly * amount,
            trail: self.trail + other.trail * amount,
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
            trail: self.trail.clamp(-0.6, 0.8),
            zoom: self.zoom.clamp(-0.6, 0.7),
            roll: self.roll.clamp(-0.35, 0.35),
            orbit: self.orbit.clamp(-0.9, 0.9),
        }
    }
}

/// How a movement gathers and loses speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ease {
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

/// How much a camera that is carried so trembles.
fn unrest(carried: Carried) -> f32 {
    match carried {
        Carried::Firm => 0.0,
        Carried::Afloat => 0.5,
        Carried::Hand(unrest) => unrest,
    }
}

/// One movement of the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Where it leads to.
    pub(super) change: Pose,
    /// What the camera is like from the first frame on, such as leaned.
    pub(super) lean: f32,
    pub(super) ease: Ease,
    pub(super) carried: Carried,
}

/// What a movement is beside another one at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Beside {
    Another,
    Again,
    Against,
}

impl Step {
    /// Where a movement that was read leads.
    fn of(movement: &Movement) -> Self {
        let Movement { what, way, carried, .. } = *movement;
        let rest = Pose::default();
        let soft = |change: Pose| (change, Ease::Soft);
        let (change, ease) = match what {
            What::Rest | What::Dutch => soft(rest),
            What::Pan => soft(Pose { pan: 0.36 * way, ..rest }),
            What::Tilt => soft(Pose { tilt: 0.36 * way, ..rest }),
            What::Whip => (Pose { pan: 1.1 * way, ..rest }, Ease::Whip),
            What::WhipUp => (Pose { tilt: 0.6 * way, ..rest }, Ease::Whip),
            What::Zoom => soft(Pose { zoom: 0.34 * way, ..rest }),
            What::SnapZoom => (Pose { zoom: 0.34 * way, ..rest }, Ease::Whip),
            What::DollyZoom => soft(Pose { dolly: 0.5 * way, zoom: -0.34 * way, ..rest }),
            What::Orbit => soft(Pose { orbit: 0.5 * way, ..rest }),
            What::Crane => soft(Pose { crane: 0.30 * way, tilt: -0.17 * way, ..rest }),
            What::Roll => soft(Pose { roll: 0.2 * way, ..rest }),
            What::Slide => soft(Pose { track: 0.45 * way, ..rest }),
            What::Follow => soft(Pose { follow: 0.5 * way, ..rest }),
            What::Trail => soft(Pose { trail: 0.55 * way, ..rest }),
            What::Dolly => soft(Pose { dolly: 0.42 * way, ..rest }),
            What::Drone => soft(Pose { dolly: 0.3 * way, crane: 0.1 * way, ..rest }),
        };
        let lean = if what == What::Dutch { 0.12 } else { 0.0 };
        Self { change, lean, ease, carried }
    }

    fn beside(&self, other: &Self) -> Beside {
        let pairs = self.change.ways().into_iter().zip(other.change.ways());
        // A crane also tilts a little; what counts is where both lead in earnest.
        let pairs = pairs.filter(|(a, b)| a.abs().min(b.abs()) > 0.1);
        let same = |(a, b): (f32, f32)| if a * b > 0.0 { Beside::Again } else { Beside::Against };
        pairs.map(same).max().unwrap_or(Beside::Another)
    }
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
        Self::of(&camera::phases(words))
    }

    /// Finds movements in a prompt, where only sentences that speak of the camera count.
    pub(super) fn parse_prose(words: &str) -> Self {
        Self::of(&camera::phases_of_prose(words))
    }

    fn of(told: &[Vec<Movement>]) -> Self {
        let mut phases = Vec::new();
        for phase in told {
            let mut together: Vec<Step> = Vec::new();
            for step in phase.iter().map(Step::of) {
                match together.iter().map(|other| step.beside(other)).max() {
                    // `push in, pull out`: nobody moves both ways at once.
                    Some(Beside::Against) => {
                        phases.push(std::mem::replace(&mut together, vec![step]));
                    }
                    // `dolly in, pushing closer` says one thing twice; only a shake may be new in it.
                    Some(Beside::Again) => {
                        together.push(Step { change: Pose::default(), lean: 0.0, ..step });
                    }
                    _ => together.push(step),
                }
            }
            phases.push(together);
        }
        Self { phases }
    }

    /// Where the camera is after `seconds` of `length`, having started from `start`.
    pub(super) fn at(&self, start: Pose, seconds: f32, length: f32) -> Pose {
        let time = if length > 0.0 { (seconds / length).clamp(0.0, 1.0) } else { 0.0 };
        let mut pose = start;
        let mut carried = Carried::Firm;
        let count = self.phases.len() as f32;
        for (index, steps) in self.phases.iter().enumerate() {
            let local = (time * count - index as f32).clamp(0.0, 1.0);
            for step in steps {
                pose = pose.plus(step.change, step.ease.at(local));
                pose.roll += step.lean;
                if unrest(step.carried) > unrest(carried) {
                    carried = step.carried;
                }
            }
        }
        let pose = pose.within_reach();
        Pose {
            pan: pose.pan + tremor(carried, seconds, 0),
            tilt: pose.tilt + tremor(carried, seconds, 1),
            ..pose
        }
    }

    /// Where the camera begins, so that the subject is passed in the middle of the movement and not left behind by it.
    pub(super) fn start(&self) -> Pose {
        let end = self.end(Pose::default());
        let lead = |way: f32, most: f32| (-0.45 * way).clamp(-most, most);
        Pose {
            pan: lead(end.pan, 0.15),
            track: lead(end.track, 0.22),
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

/// The unrest of who carries the camera, the same each time: a slow sway, and in a hand a quicker tremble on it.
fn tremor(carried: Carried, seconds: f32, axis: usize) -> f32 {
    const WAVES: [[(f32, f32, f32); 4]; 2] = [
        [(0.43, 0.0, 0.011), (1.1, 1.7, 0.008), (2.3, 0.6, 0.0045), (4.1, 2.9, 0.0018)],
        [(0.37, 2.1, 0.012), (0.9, 0.4, 0.010), (2.6, 1.9, 0.0055), (3.7, 0.2, 0.0020)],
    ];
    let waves = match carried {
        Carried::Firm => 0,
        Carried::Afloat => 1,
        Carried::Hand(_) => 4,
    };
    let sway = WAVES[axis].iter().take(waves).map(|(frequency, phase, size)| {
        ((seconds * frequency + phase) * std::f32::consts::TAU).sin() * size
    });
    unrest(carried) * sway.sum::<f32>()
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
