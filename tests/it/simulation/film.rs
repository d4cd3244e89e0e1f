//! Films of the simulation, and a small planner that derives the work from them and the ledger.

use super::dice::Dice;
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
}

impl Scene {
    pub(crate) fn ask(&self) -> Value {
        json!({"scene": self.number, "version": self.version})
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

    fn steps(&self, picture: &str) -> Vec<StepWork> {
        self.steps.iter().enumerate().map(|(at, kind)| self.step(at, *kind, picture)).collect()
    }

    fn step(&self, at: usize, kind: Kind, picture: &str) -> StepWork {
        let prompt = format!("scene {} version {} step {at}.", self.number, self.version);
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
            Scene { number, version: 1, steps, after }
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
    for scene in scenes {
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
    let unknown = |attempt: &Attempt| attempt.state == AttemptState::Unknown;
    for scene in scenes {
        let slot = scene.slot();
        let own: Vec<&Take> = takes.iter().filter(|take| take.slot == slot).collect();
        let ask = scene.ask();
        let open = own.iter().find(|take| take.state == TakeState::Open && take.ask == ask);
        collect.extend(
            own.iter()
                .filter(|take| take.state == TakeState::Open && take.ask != ask)
                .map(|take| (*take).clone()),
        );
        let published =
            own.iter().any(|take| take.state == TakeState::Published && take.ask == ask);
        if published || own.iter().any(|take| take.attempts.iter().any(unknown)) {
            continue;
        }
        let mut steps = scene.steps(picture);
        let mut refused = false;
        if let Some(open) = open {
            for (at, step) in steps.iter_mut().enumerate() {
                let last = open.attempts.iter().rfind(|attempt| {
                    attempt.intent.step == at && attempt.state != AttemptState::Forgotten
                });
                let Some(last) = last else { continue };
                step.start = match last.state {
                    AttemptState::Downloaded => StepStart::Done(ClipRef {
                        sha256: last.clip.clone().expect("a downloaded attempt has a clip"),
                        task_id: last.task_id.clone().or_else(|| {
                            Some(last.intent.bound.get("taskId")?.as_str()?.to_owned())
                        }),
                        credits: last.charged.or(last.intent.reserved),
                        created_at: None,
                    }),
                    AttemptState::Submitted | AttemptState::Finished | AttemptState::Intent => {
                        StepStart::Resume(last.id)
                    }
                    _ => {
                        refused |= last
                            .failure
                            .as_ref()
                            .is_some_and(|failure| !failure.class.may_repeat());
                        StepStart::Fresh
                    }
                };
            }
        }
        if refused {
            continue;
        }
        let number = own.iter().map(|take| take.number).max().unwrap_or(0);
        work.push(Work::Render(RenderWork {
            slot,
            take: open.map_or(number + 1, |take| take.number),
            open_take: open.map(|take| take.id),
            ask,
            entry: EntryDraft {
                scene_id: SceneId::Number(scene.number),
                filename: scene.filename(),
                fields: json!({"id": null, "type": if scene.steps == [Kind::Keyframe] { "image" } else { "video" }, "prompt": "p", "model": "Veo 3.1 Fast",
                    "parameters": {}})
                .as_object()
                .cloned()
                .unwrap_or_default(),
                steps: steps
                    .iter()
                    .map(|step| Map::from_iter([("step".to_owned(), json!(step.kind.name()))]))
                    .collect(),
            },
            steps,
            after: scene.after.clone(),
            awaits: Vec::new(),
            beside: false,
            voice_within: None,
        }));
    }
    (work, collect)
}
