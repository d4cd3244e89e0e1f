//! What a director would say of a storyboard before it is shot: lints of the craft, each with its reason and a better line.
//!
//! A lint sees one [`Shot`] (the words of a scene as they hold for its clip, the model that makes it, and the prompt as it
//! is sent) or all of them. It reads no document: whoever has the places puts them to what is found.

mod audio;
mod camera;
mod film;
mod length;
mod limits;
mod motion;
mod picture;
mod shot;
mod table;
mod wording;

pub use shot::{Person, Shot};
pub use table::{GROUPS, Group, LINTS, Lint, group_named, lint_named};

use crate::storyboard::Field;

/// Something that a lint found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which lint.
    pub lint: &'static Lint,
    /// Which of the shots.
    pub shot: usize,
    /// The field it is about; none for the scene as such.
    pub field: Option<Field>,
    /// What is wrong.
    pub message: String,
}

/// What a check says: the field, and what is wrong.
type Told = (Option<Field>, String);

/// How a lint looks.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// At each shot alone.
    Shot(fn(&Shot<'_>) -> Option<Told>),
    /// At all of them in the order of the film.
    Film(fn(&[Shot<'_>]) -> Vec<(usize, Told)>),
}

/// The lints that are wanted.
#[derive(Debug, Clone)]
pub struct Wanted(Vec<bool>);

impl Default for Wanted {
    /// Those of the groups that are on by default.
    fn default() -> Self {
        Self::by(|lint| lint.group.is_on())
    }
}

impl Wanted {
    /// Those of which `is_wanted` says so.
    pub fn by(is_wanted: impl Fn(&Lint) -> bool) -> Self {
        Self(LINTS.iter().map(is_wanted).collect())
    }
}

/// Everything that the wanted lints find, in the order of the lints. `allowed` says whether a code or a group is allowed
/// in a shot.
pub fn find(
    shots: &[Shot<'_>],
    wanted: &Wanted,
    allowed: impl Fn(usize, &str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (lint, _) in LINTS.iter().zip(&wanted.0).filter(|(_, wanted)| **wanted) {
        let found: Vec<(usize, Told)> = match lint.check {
            Check::Shot(check) => {
                let each = shots.iter().enumerate();
                each.filter_map(|(at, shot)| Some((at, check(shot)?))).collect()
            }
            Check::Film(check) => check(shots),
        };
        for (shot, (field, message)) in found {
            if !allowed(shot, lint.code) && !allowed(shot, lint.group.name()) {
                findings.push(Finding { lint, shot, field, message });
            }
        }
    }
    findings
}

/// Whether a name is the code of a lint or the name of a group.
pub fn knows(name: &str) -> bool {
    lint_named(name).is_some() || group_named(name).is_some()
}
