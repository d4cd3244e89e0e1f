//! The moves of a camera: what each does to the picture and what it is for.

use super::language::What;
use serde::Serialize;

/// One move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The word that stands for it here.
    pub name: &'static str,
    /// What else crews call it.
    pub also: &'static [&'static str],
    /// What the picture does.
    pub does: &'static str,
    /// What it is for.
    pub used_for: &'static str,
    /// A line that can be written under `camera`.
    pub example: &'static str,
    /// Its names in other languages, with their codes.
    pub elsewhere: &'static [(&'static str, &'static str)],
    /// Single words by which it is recognised, whatever their form.
    #[serde(skip)]
    pub(super) words: &'static [&'static str],
    /// The kinds of movement that it is.
    #[serde(skip)]
    pub(super) whats: &'static [What],
}

impl Move {
    /// All its names, its own first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let elsewhere = self.elsewhere.iter().map(|(_, name)| *name);
        std::iter::once(self.name).chain(self.also.iter().copied()).chain(elsewhere)
    }
}

pub(super) const PAN: Move = Move {
    name: "pan",
    also: &["pan left", "pan right", "whip pan", "swish pan"],
    does: "turns to the side on the spot, so the place is uncovered from edge to edge",
    used_for: "establishing a place, landscapes, leading the eye from one thing to another",
    example: "slow pan left to right across the harbour",
    elsewhere: &[("zh", "摇镜头"), ("ja", "パン"), ("de", "Schwenk"), ("nl", "zwenk")],
    words: &["pan"],
    whats: &[What::Pan, What::Whip],
};

pub(super) const TILT: Move = Move {
    name: "tilt",
    also: &["tilt up", "tilt down"],
    does: "turns up or down on the spot, so height is uncovered",
    used_for: "buildings and scale, a reveal from feet to face",
    example: "tilt up from her boots to the lamp",
    elsewhere: &[("zh", "俯仰"), ("ja", "ティルト"), ("de", "Neigung"), ("nl", "kantel")],
    words: &["tilt"],
    whats: &[What::Tilt],
};

pub(super) const DOLLY: Move = Move {
    name: "dolly",
    also: &["dolly in", "dolly out", "dolly back", "dolly forward"],
    does: "travels nearer or further away, and near things pass faster than far ones",
    used_for: "closeness on the way in, context on the way out",
    example: "slow dolly in",
    elsewhere: &[("zh", "移镜头"), ("ja", "ドリー"), ("de", "Kamerafahrt"), ("nl", "inrijder")],
    words: &["dolly"],
    whats: &[What::Dolly],
};

pub(super) const TRACKING: Move = Move {
    name: "tracking",
    also: &["tracking shot", "follow", "following shot", "truck", "trucking shot"],
    does: "travels beside, behind or ahead of a subject that moves, and keeps it in the frame",
    used_for: "walks, chases, vehicles: being with somebody",
    example: "tracking beside her at walking pace",
    elsewhere: &[
        ("zh", "跟拍"),
        ("zh", "跟随"),
        ("ja", "トラッキング"),
        ("de", "Verfolgungsfahrt"),
        ("nl", "volgshot"),
    ],
    words: &["track", "follow", "trail", "lead"],
    whats: &[What::Follow, What::Trail, What::Slide],
};

pub(super) const CRANE: Move = Move {
    name: "crane",
    also: &["boom", "jib", "pedestal", "crane up", "crane down", "boom up", "boom down"],
    does: "rises or sinks through the air",
    used_for: "opening and closing a scene, drama, leaving somebody small",
    example: "crane up over the roofs",
    elsewhere: &[("zh", "升降"), ("ja", "クレーン"), ("de", "Kranfahrt"), ("nl", "kraanshot")],
    words: &["crane", "boom", "jib", "pedestal", "rise", "ascend", "descend", "lower", "elevate"],
    whats: &[What::Crane],
};

pub(super) const HANDHELD: Move = Move {
    name: "handheld",
    also: &["hand-held", "shaky cam", "shoulder rig"],
    does: "breathes and shakes with whoever carries it",
    used_for: "documentary, urgency, being in the middle of it; goes with any move",
    example: "handheld, at eye level",
    elsewhere: &[("zh", "手持"), ("ja", "手持ち"), ("de", "Handkamera"), ("nl", "uit de hand")],
    words: &["handheld", "shaky", "shake", "shakycam", "jitter"],
    whats: &[],
};

pub(super) const PUSH_IN: Move = Move {
    name: "push-in",
    also: &["push in", "push"],
    does: "closes in on the subject, slowly, until it fills the frame",
    used_for: "rising tension, a thought, a decision",
    example: "slow push-in on her face",
    elsewhere: &[("zh", "推进"), ("zh", "推镜头"), ("ja", "プッシュイン"), ("de", "Heranfahrt")],
    words: &["push", "pushin"],
    whats: &[],
};

pub(super) const PULL_OUT: Move = Move {
    name: "pull-out",
    also: &["pull out", "pull back", "pull-back", "reveal"],
    does: "draws away from the subject, and what is around it comes into the frame",
    used_for: "surprise, the larger picture, an ending",
    example: "pull-out to reveal the empty theatre",
    elsewhere: &[("zh", "拉远"), ("zh", "拉镜头"), ("ja", "プルアウト"), ("de", "Rückfahrt")],
    words: &["pull", "pullout", "pullback", "reveal"],
    whats: &[],
};

pub(super) const ORBIT: Move = Move {
    name: "orbit",
    also: &["arc", "arc shot", "circle", "360"],
    does: "circles the subject, which stays in the middle while the place turns behind it",
    used_for: "emphasis, a hero, two people who cannot let go",
    example: "slow orbit around the lens",
    elsewhere: &[("zh", "环绕"), ("ja", "回り込み"), ("de", "Umkreisung"), ("nl", "cirkelshot")],
    words: &["orbit", "arc", "circle", "revolve", "rotate", "encircle", "circular", "360", "180"],
    whats: &[What::Orbit],
};

pub(super) const STATIC: Move = Move {
    name: "static",
    also: &["locked off", "lock-off", "fixed", "tripod"],
    does: "stands, and only what is before it moves",
    used_for: "watching, comedy, tension, text on screen; say so, or some models add a move",
    example: "static, eye level",
    elsewhere: &[("zh", "固定镜头"), ("ja", "フィックス"), ("de", "statisch"), ("nl", "statisch")],
    words: &[
        "static",
        "lock",
        "locked",
        "lockoff",
        "lockdown",
        "fixed",
        "tripod",
        "motionless",
        "stationary",
        "unmoving",
    ],
    whats: &[What::Rest],
};

/// All moves, those that turn first, then those that travel.
pub const MOVES: &[Move] =
    &[PAN, TILT, DOLLY, TRACKING, CRANE, HANDHELD, PUSH_IN, PULL_OUT, ORBIT, STATIC];

/// The move of a name, in whatever language, case and spelling of its parts.
pub fn named(name: &str) -> Option<&'static Move> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    MOVES.iter().find(|one| one.names().any(|name| plain(name) == wanted))
}
