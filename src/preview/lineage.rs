//! Shots that grow out of other shots: what each of them begins with.
//!
//! A shot that goes on from one on a drawn stage stays on that stage, where its camera goes on from where the other one
//! stopped; so does everything that falls. From any other picture, it is the frame itself that goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::camera::Pose;
use super::frame::Frame;
use super::mood::Mood;
use super::scene::{Playing, Scene};
use super::source::Source;
use super::timeline::{self, Timeline};
use super::typeset::Typesetter;
use super::{FRAMES_PER_SECOND, PreviewError, Shot, slate};
use crate::media::{Ffmpeg, Which, take_frame};

/// What stands before the camera.
#[derive(Clone)]
pub(super) enum Set<'a> {
    Stage(Mood),
    /// A frame of another shot.
    Frame(Arc<Frame>),
    /// The rendered clip of another shot.
    Clip(PathBuf),
    /// Everything else, as a shot names it.
    Named(&'a Source),
}

/// What a shot begins with.
#[derive(Clone)]
pub(super) struct Opening<'a> {
    pub(super) set: Set<'a>,
    /// Where the camera begins; its own choice where nothing comes before.
    pub(super) from: Option<Pose>,
    /// How long it has rained when the shot begins, in seconds.
    pub(super) seconds: f32,
    /// The shot whose camera is repeated, where a whole clip is told again.
    pub(super) retold: Option<&'a Shot>,
}

impl Opening<'_> {
    /// The camera at each frame of a shot.
    pub(super) fn poses(
        &self,
        shot: &Shot,
        timeline: &Timeline,
    ) -> Result<Vec<Pose>, PreviewError> {
        let rests = match self.set {
            // What stands for itself is not panned over unless its author says so.
            Set::Named(Source::Footage { .. }) => shot.camera.is_none(),
            _ => false,
        };
        if rests {
            return Ok(vec![Pose::default(); timeline.frames as usize]);
        }
        match self.retold {
            Some(other) => {
                let other = Timeline::of(other, self.from)?;
                let last = other.frames - 1;
                Ok((0..timeline.frames).map(|frame| other.pose(frame.min(last))).collect())
            }
            None => Ok((0..timeline.frames).map(|frame| timeline.pose(frame)).collect()),
        }
    }
}

/// What the words of a shot say of its stage.
pub(super) fn mood(shot: &Shot) -> Mood {
    let title = shot.title.as_deref().unwrap_or_default();
    let words = format!("{} {title}", shot.words);
    Mood::read(&words, shot.shot.as_deref().unwrap_or_default(), !shot.dialogue.is_empty())
}

/// What each shot begins with, in the order of the shots, or why it cannot begin, as the rest of a sentence about its
/// scene. Only those that are wanted are looked at, and those that they start from; one that cannot begin leaves all
/// alone that do not start from it.
pub(super) fn openings<'a>(
    shots: &[&'a Shot],
    wanted: &[usize],
) -> Vec<Result<Opening<'a>, String>> {
    let mut openings: Vec<Option<Result<Opening<'a>, String>>> =
        shots.iter().map(|_| None).collect();
    let mut on_the_way = vec![false; shots.len()];
    for &start in wanted {
        // The way to the first shot that needs no other, or one that is known.
        let mut way = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| matches!(openings.get(*at), Some(None))) {
            way.push(at);
            on_the_way[at] = true;
            next = shots[at].source.other();
            if next.is_some_and(|other| on_the_way.get(other).copied().unwrap_or(true)) {
                openings[at] = Some(Err("starts from a scene that is not at hand".to_owned()));
                break;
            }
        }
        for at in way.into_iter().rev() {
            on_the_way[at] = false;
            if openings[at].is_none() {
                openings[at] = Some(opening(shots, &openings, at));
            }
        }
    }
    let unknown = || Err("starts from a scene that is not at hand".to_owned());
    openings.into_iter().map(|one| one.unwrap_or_else(unknown)).collect()
}

fn opening<'a>(
    shots: &[&'a Shot],
    openings: &[Option<Result<Opening<'a>, String>>],
    at: usize,
) -> Result<Opening<'a>, String> {
    let shot = shots[at];
    let plain = |set| Opening { set, from: None, seconds: 0.0, retold: None };
    let other = |of: usize| match openings.get(of) {
        Some(Some(Ok(opening))) => Ok((shots[of], opening.clone())),
        Some(Some(Err(why))) => {
            let scene = &shots[of].scene;
            Err(format!("starts from scene `{scene}`, which has no preview: it {why}"))
        }
        _ => Err("starts from a scene that is not at hand".to_owned()),
    };
    Ok(match &shot.source {
        Source::Words => plain(Set::Stage(mood(shot))),
        Source::Clip { clip: Some(clip), .. } if Playing::can_play(clip) => {
            plain(Set::Clip(clip.clone()))
        }
        Source::Clip { of, .. } => {
            let (other, opening) = other(*of)?;
            let set = match opening.set {
                // The same shapes and ways in the light of other words.
                Set::Stage(theirs) => {
                    let Mood { palette, lamp, air, .. } = mood(shot);
                    Set::Stage(Mood { palette, lamp, air, ..theirs })
                }
                set => set,
            };
            Opening { set, retold: Some(opening.retold.unwrap_or(other)), ..opening }
        }
        Source::Frame { clip: Some(clip), moment, .. }
            if let Some(frame) = frame_of(clip, *moment, shot) =>
        {
            Opening { from: Some(Pose::default()), ..plain(Set::Frame(Arc::new(frame))) }
        }
        Source::Frame { of, moment, .. } => {
            let (other, opening) = other(*of)?;
            let failed = |error: PreviewError| {
                format!("starts from scene `{}`, which has no preview: {error}", other.scene)
            };
            let timeline = Timeline::of(other, opening.from).map_err(failed)?;
            let poses = opening.poses(other, &timeline).map_err(failed)?;
            let number = match moment {
                Which::First => 0,
                Which::Middle => poses.len() / 2,
                Which::Last => poses.len().saturating_sub(1),
            };
            let pose = poses.get(number).copied().unwrap_or_default();
            let seconds = opening.seconds + number as f32 / FRAMES_PER_SECOND as f32;
            if let Set::Stage(_) = opening.set {
                Opening { set: opening.set, from: Some(pose), seconds, retold: None }
            } else {
                let frame = still(other, &opening.set, &poses, &pose, seconds).map_err(failed)?;
                Opening { from: Some(Pose::default()), ..plain(Set::Frame(Arc::new(frame))) }
            }
        }
        named => plain(Set::Named(named)),
    })
}

/// A frame of a rendered clip, if that can be read without another program, which not every machine has.
fn frame_of(clip: &Path, which: Which, shot: &Shot) -> Option<Frame> {
    let nobody = Ffmpeg { program: String::new().into(), ..Ffmpeg::default() };
    let (width, height) = timeline::size(shot).ok()?;
    let picture = take_frame(clip, which, &nobody).ok()?;
    Some(Frame::of_image(&picture, width, height))
}

/// One frame of a shot, without what is laid over it.
fn still(
    shot: &Shot,
    set: &Set<'_>,
    poses: &[Pose],
    pose: &Pose,
    seconds: f32,
) -> Result<Frame, PreviewError> {
    let (width, height) = timeline::size(shot)?;
    let typesetter = Typesetter::for_texts(slate::texts(shot));
    let mut scene = Scene::build(shot, set, (width, height), poses, &typesetter)?;
    let mut frame = Frame::new(width, height);
    scene.film(&mut frame, pose, seconds);
    Ok(frame)
}
