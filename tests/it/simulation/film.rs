//! Films of the simulation, and a small planner that derives the work from them and the ledger.

use crate::support::Dice;
use serde_json::{Map, Value, json};
use storyreel::ledger::{Attempt, AttemptState, Take, TakeState};
use storyreel::plan::{
    ClipRef, ClipSource, EntryDraft, RenderWork, Request, RestoreWork, Slot, StepStart, StepWork,
    Work,
};
use storyreel::publish::Layout;
use storyreel::simulation::files::SimulatedFiles;
use storyreel::storyboard::{SceneId, StepKind};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Generate,
    GenerateFromPicture,
    Keyframe,
    GenerateFromKeyframe,
    Extend,
    Restyle,
    FullHd,
    FourK,
}

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub number: u64,
    /// Goes up when the author edits the scene.
    pub version: u64,
    pub steps: Vec<Kind>,
    pub after: Vec<String>,
    /// How many takes of it are wanted. They differ from the step after their keyframe on, as those with seeds do.
    pub takes: u64,
}

impl Scene {
    pub(crate) fn ask(&self) -> Value {
        self.ask_of(0)
    }

    /// What is asked for by the take at this place, from 0.
    fn ask_of(&self, place: u64) -> Value {
        let mut ask = json!({"scene": self.number, "version": self.version});
        if place > 0 {
            ask["candidate"] = place.into();
        }
        ask
    }

    /// Steps that all takes have in common: the keyframe of a clip.
    fn shared(&self) -> usize {
        usize::from(self.steps.len() > 1 && self.steps[0] == Kind::Keyframe)
    }

    /// Where its clip, or its still, is published.
    pub(crate) fn filename(&self) -> String {
        match self.steps[..] {
            [Kind::Keyframe] => format!("assets/images/scene-{:02}.png", self.number),
            _ => format!("assets/clips/scene-{:02}.mp4", self.number),
        }
    }

    pub(crate) fn slot(&self) -> Slot {
        Slot {
            storyboard: "SCENES.md".into(),
            variant: String::new(),
            scene: self.number.to_string(),
        }
    }

    fn steps(&self, place: u64, picture: &str) -> Vec<StepWork> {
        let steps = self.steps.iter().enumerate();
        steps.map(|(at, kind)| self.step(at, *kind, place, picture)).collect()
    }

    fn step(&self, at: usize, kind: Kind, place: u64, picture: &str) -> StepWork {
        let take =
            if place > 0 && at >= self.shared() { format!(" take {place}") } else { String::new() };
        let prompt = format!("scene {} version {}{take} step {at}.", self.number, self.version);
        let generate = json!({
            "prompt": prompt, "model": "veo3_fast", "aspect_ratio": "16:9", "resolution": "720p",
            "duration": 8, "enableTranslation": true
        });
        let (step, family, operation, method, path, body, credits) = match kind {
            Kind::Generate => (
                StepKind::Generate,
                "veo",
                "generate",
                "POST",
                "/api/v1/veo/generate",
                generate,
                60.0,
            ),
            Kind::GenerateFromPicture => {
                let mut body = generate;
                body["generationType"] = "FIRST_AND_LAST_FRAMES_2_VIDEO".into();
                body["imageUrls"] = json!([{"$file": picture}]);
                (StepKind::Generate, "veo", "generate", "POST", "/api/v1/veo/generate", body, 60.0)
            }
            Kind::Keyframe => (
                StepKind::Keyframe,
                "market",
                "create",
                "POST",
                "/api/v1/jobs/createTask",
                json!({"model": "google/nano-banana", "input": {"prompt": prompt, "output_format": "png",
                    "aspect_ratio": "16:9"}}),
                4.0,
            ),
            Kind::GenerateFromKeyframe => {
                let mut body = generate;
                body["generationType"] = "FIRST_AND_LAST_FRAMES_2_VIDEO".into();
                body["imageUrls"] = json!([{"$previous": "clip"}]);
                (StepKind::Generate, "veo", "generate", "POST", "/api/v1/veo/generate", body, 60.0)
            }
            Kind::Extend => (
                StepKind::Extend,
                "veo",
                "extend",
                "POST",
                "/api/v1/veo/extend",
                json!({"taskId": {"$previous": "task"}, "prompt": prompt, "model": "fast"}),
                60.0,
            ),
            Kind::Restyle => (
                StepKind::Restyle,
                "aleph",
                "generate",
                "POST",
                "/api/v1/aleph/generate",
                json!({"videoUrl": {"$previous": "clip"}, "prompt": prompt}),
                110.0,
            ),
            Kind::FullHd => (
                StepKind::Upscale,
                "veo",
                "1080p",
                "GET",
                "/api/v1/veo/get-1080p-video",
                json!({"taskId": {"$previous": "task"}}),
                5.0,
            ),
            Kind::FourK => (
                StepKind::Upscale,
                "veo",
                "4k",
                "POST",
                "/api/v1/veo/get-4k-video",
                json!({"taskId": {"$previous": "task"}, "index": 0}),
                120.0,
            ),
        };
        StepWork {
            kind: step,
            model: "Veo 3.1 Fast".into(),
            model_id: "veo3_fast".into(),
            provider: "kie".into(),
            family: family.into(),
            operation: operation.into(),
            upgrade: matches!(kind, Kind::FullHd | Kind::FourK),
            request: Request { method: method.into(), path: path.into(), body },
            parts: Map::new(),
            credits: Some(credits),
            seconds: None,
            start: StepStart::Fresh,
        }
    }
}

pub(super) fn scenes(dice: &mut Dice) -> Vec<Scene> {
    let count = 1 + dice.below(5);
    (1..=count)
        .map(|number| {
            if dice.chance(8) {
                return Scene {
                    number,
                    version: 1,
                    steps: vec![Kind::Keyframe],
                    after: Vec::new(),
                    takes: 1 + dice.below(2),
                };
            }
            let mut steps = if dice.chance(15) {
                vec![Kind::Keyframe, Kind::GenerateFromKeyframe]
            } else if dice.chance(25) {
                vec![Kind::GenerateFromPicture]
            } else {
                vec![Kind::Generate]
            };
            if dice.chance(40) {
                steps.push(Kind::Extend);
            }
            if dice.chance(20) {
                steps.push(Kind::Restyle);
            } else if dice.chance(25) {
                steps.push(if dice.chance(50) { Kind::FullHd } else { Kind::FourK });
            }
            let after = if number > 1 && dice.chance(15) {
                vec![(number - 1).to_string()]
            } else {
                Vec::new()
            };
            let takes = if dice.chance(20) { 2 + dice.below(2) } else { 1 };
            Scene { number, version: 1, steps, after, takes }
        })
        .collect()
}

/// Restores of published clips whose file somebody has deleted.
pub(super) fn missing(
    scenes: &[Scene],
    takes: &[Take],
    files: &SimulatedFiles,
    layout: &Layout,
) -> Vec<Work> {
    let mut work = Vec::new();
    // Of several takes only the manifest knows which one stands there.
    for scene in scenes.iter().filter(|scene| scene.takes == 1) {
        let filename = scene.filename();
        let slot = scene.slot();
        let current = takes.iter().rfind(|take| {
            take.slot == slot && take.state == TakeState::Published && take.ask == scene.ask()
        });
        let last = current.and_then(|take| {
            take.attempts.iter().rfind(|attempt| attempt.state == AttemptState::Downloaded)
        });
        let Some(last) = last else { continue };
        if files.get(&layout.assets_root.join(&filename)).is_some() {
            continue;
        }
        let sha256 = last.clip.clone().unwrap_or_default();
        let mut sources = vec![ClipSource::Cache];
        sources.extend(last.task_id.clone().map(|task_id| ClipSource::Provider {
            provider: "kie".into(),
            family: last.intent.family.clone(),
            operation: last.intent.operation.clone(),
            task_id,
        }));
        work.push(Work::Restore(RestoreWork {
            slot,
            clip: ClipRef {
                sha256,
                task_id: last.task_id.clone(),
                credits: None,
                created_at: None,
            },
            sources,
            entry: None,
            restored_from: None,
            supersedes: None,
            filename,
        }));
    }
    work
}

/// Derives the work from scenes and ledger, as a small planner of its own.
pub(crate) fn plan(scenes: &[Scene], takes: &[Take], picture: &str) -> (Vec<Work>, Vec<Take>) {
    let mut work = Vec::new();
    let mut collect: Vec<Take> = Vec::new();
    for scene in scenes {
        let slot = scene.slot();
        let own: Vec<&Take> = takes.iter().filter(|take| take.slot == slot).collect();
        let asks: Vec<Value> = (0..scene.takes).map(|place| scene.ask_of(place)).collect();
        collect.extend(
            own.iter()
                .filter(|take| take.state == TakeState::Open && !asks.contains(&take.ask))
                .map(|take| (*take).clone()),
        );
        let mut number = own.iter().map(|take| take.number).max().unwrap_or(0);
        let beside =
            own.iter().any(|take| take.state == TakeState::Published && asks.contains(&take.ask));
        let mut makes_shared = false;
        for place in 0..scene.takes {
            let steps = scene.steps(place, picture);
            let planned =
                plan_take(&own, &asks[place as usize], steps, scene.shared(), makes_shared);
            let Some((open, steps)) = planned else { continue };
            makes_shared |= scene.shared() > 0 && !matches!(steps[0].start, StepStart::Shared);
            number += u32::from(open.is_none());
            work.push(Work::Render(RenderWork {
                slot: slot.clone(),
                take: open.map_or(number, |take| take.number),
                open_take: open.map(|take| take.id),
                ask: asks[place as usize].clone(),
                entry: entry(scene, &asks[place as usize], &steps),
                steps,
                after: scene.after.clone(),
                awaits: Vec::new(),
                beside,
                voice_within: None,
            }));
        }
    }
    (work, collect)
}

/// The steps of one take, and the open take that they go on with; none where there is nothing to do.
fn plan_take<'t>(
    own: &[&'t Take],
    ask: &Value,
    mut steps: Vec<StepWork>,
    shared: usize,
    makes_shared: bool,
) -> Option<(Option<&'t Take>, Vec<StepWork>)> {
    let unknown = |attempt: &Attempt| attempt.state == AttemptState::Unknown;
    let of_ask = || own.iter().copied().filter(|take| take.ask == *ask);
    let published = of_ask().any(|take| take.state == TakeState::Published);
    let open = of_ask().find(|take| take.state == TakeState::Open);
    // Where one take is unknown, the others go on with what they have begun and none is begun anew.
    let waits = own.iter().any(|take| take.attempts.iter().any(unknown));
    let begun = open.is_some_and(|take| !take.attempts.iter().any(unknown));
    if published || (waits && !begun) {
        return None;
    }
    if let Some(open) = open {
        for (at, step) in steps.iter_mut().enumerate() {
            if let Some((_, sha256, task_id)) = open.reused.iter().find(|(step, ..)| *step == at) {
                step.start = done(sha256, task_id.clone(), None);
                continue;
            }
            let last = open.attempts.iter().rfind(|attempt| {
                attempt.intent.step == at && attempt.state != AttemptState::Forgotten
            });
            let Some(last) = last else { continue };
            step.start = match last.state {
                AttemptState::Downloaded => clip_of(last),
                AttemptState::Submitted | AttemptState::Finished | AttemptState::Intent => {
                    StepStart::Resume(last.id)
                }
                _ => {
                    let is_final =
                        last.failure.as_ref().is_some_and(|failure| !failure.class.may_repeat());
                    if is_final {
                        return None;
                    }
                    StepStart::Fresh
                }
            };
        }
    }
    if shared > 0 && ask.get("candidate").is_some() && steps[0].start == StepStart::Fresh {
        // The keyframe of another take of these words, or the one that is made in this run.
        let version = |take: &Take| take.ask["version"] == ask["version"];
        let made = own.iter().filter(|take| version(take)).flat_map(|take| &take.attempts);
        let mut made = made.filter(|attempt| attempt.intent.step == 0);
        let made = made.rfind(|attempt| attempt.state == AttemptState::Downloaded);
        steps[0].start = match made {
            Some(made) => clip_of(made),
            None if makes_shared => StepStart::Shared,
            None => return None,
        };
    }
    Some((open, steps))
}

fn clip_of(attempt: &Attempt) -> StepStart {
    let task_id = || Some(attempt.intent.bound.get("taskId")?.as_str()?.to_owned());
    let sha256 = attempt.clip.as_deref().expect("a downloaded attempt has a clip");
    let credits = attempt.charged.or(attempt.intent.reserved);
    done(sha256, attempt.task_id.clone().or_else(task_id), credits)
}

fn done(sha256: &str, task_id: Option<String>, credits: Option<f64>) -> StepStart {
    StepStart::Done(ClipRef { sha256: sha256.to_owned(), task_id, credits, created_at: None })
}

fn entry(scene: &Scene, ask: &Value, steps: &[StepWork]) -> EntryDraft {
    let kind = if scene.steps == [Kind::Keyframe] { "image" } else { "video" };
    let fields = json!({
        "id": null, "type": kind, "prompt": "p", "model": "Veo 3.1 Fast", "parameters": {}, "ask": ask
    });
    let of_step = |step: &StepWork| Map::from_iter([("step".to_owned(), json!(step.kind.name()))]);
    EntryDraft {
        scene_id: SceneId::Number(scene.number),
        filename: scene.filename(),
        fields: fields.as_object().cloned().unwrap_or_default(),
        steps: steps.iter().map(of_step).collect(),
    }
}
