//! Cameras in words: the moves there are, what each is for, and what an author's words say.
//!
//! One table ([`MOVES`]) serves everybody who speaks of cameras: the animatic, the lints, the schema of storyboards and
//! `storyreel camera`.

mod foreign;
mod language;
mod moves;

pub use language::{Carried, Movement, What, phases, phases_of_prose};
pub use moves::{MOVES, Move, named};

/// The moves that an author's words ask for, each once, in the order told. Standing still is none, and so is a hand that
/// holds the camera: both can go with any move.
pub fn moves_in(words: &str) -> Vec<&'static Move> {
    distinct(&phases(words))
}

/// The same for a prompt, where only sentences that speak of the camera count.
pub fn moves_in_prose(words: &str) -> Vec<&'static Move> {
    distinct(&phases_of_prose(words))
}

/// Whether words say anything of the camera: a move, how it is held, or that it stands.
pub fn is_told(words: &str) -> bool {
    !phases(words).is_empty()
}

/// The same for a prompt.
pub fn is_told_in_prose(words: &str) -> bool {
    !phases_of_prose(words).is_empty()
}

fn distinct(phases: &[Vec<Movement>]) -> Vec<&'static Move> {
    let mut seen: Vec<(What, bool)> = Vec::new();
    let mut moves = Vec::new();
    for movement in phases.iter().flatten() {
        let (Some(found), way) = (movement.named(), movement.way >= 0.0) else { continue };
        let axis = (movement.what.axis(), way);
        if !seen.contains(&axis) {
            seen.push(axis);
            moves.push(found);
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &str) -> Vec<&'static str> {
        moves_in(words).iter().map(|found| found.name).collect()
    }

    #[test]
    fn moves_are_counted_once_each() {
        for (words, expected) in [
            ("slow dolly in, pushing closer", &["dolly"][..]),
            ("Handheld from the boat, pulling out", &["pull-out"]),
            ("Static, then tilting up with the boat", &["tilt"]),
            ("Crane up the tower and over the lantern", &["crane"]),
            ("pan left, then push in", &["pan", "push-in"]),
            ("push in, pull out", &["push-in", "pull-out"]),
            ("locked off", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(words), expected, "{words}");
        }
        assert!(is_told("locked off") && is_told("handheld") && !is_told("35mm lens"));
    }

    #[test]
    fn every_move_is_found_by_all_its_names() {
        for one in MOVES {
            for name in one.names() {
                assert_eq!(named(name).map(|found| found.name), Some(one.name), "{name}");
                assert!(is_told(name), "`{name}` says nothing of a camera");
            }
            assert!(is_told(one.example), "{}", one.example);
            let found = moves_in(one.example);
            let moves = !matches!(one.name, "static" | "handheld");
            assert_eq!(found.len(), usize::from(moves), "{}", one.example);
            assert!(found.iter().all(|found| found.name == one.name), "{}", one.example);
        }
    }

    #[test]
    fn moves_are_read_in_other_languages() {
        for (words, expected) in [
            ("缓慢推进", &["push-in"][..]),
            ("环绕拍摄", &["orbit"]),
            ("左摇", &["pan"]),
            ("ゆっくりドリーイン", &["dolly"]),
            ("ティルトアップ", &["tilt"]),
            ("langsamer Schwenk nach links", &["pan"]),
            ("Kranfahrt nach oben", &["crane"]),
            ("volgshot", &["tracking"]),
        ] {
            assert_eq!(names(words), expected, "{words}");
        }
        assert!(phases("Schwenk nach links")[0][0].way < 0.0);
        assert!(phases("左摇")[0][0].way < 0.0);
        assert!(is_told("固定镜头") && is_told("手持") && is_told("Handkamera"));
    }
}
