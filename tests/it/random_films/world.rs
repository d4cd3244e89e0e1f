//! A project in memory in which every render goes well: what a plan asks for is written down as a perfect run leaves it, and
//! nobody is asked.

use super::story::Story;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use storyreel::catalog::Catalog;
use storyreel::known::{Deferred, Known, KnownInput, Output};
use storyreel::manifest::{Manifest, Media, NewEntry};
use storyreel::media::Probe;
use storyreel::plan::edges::Part;
use storyreel::plan::request::put_scenes;
use storyreel::plan::{
    Awaited, Place, PlanOptions, Planned, Planning, RenderWork, RestoreWork, Slot, StepStart, Work,
    digest_of, plan,
};
use storyreel::prompt::Templates;
use storyreel::publish::{Rendered, RenderedStep, complete};
use storyreel::record::{Attempt, AttemptId, AttemptState, Take, TakeId, TakeState};
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard::{Fields, StepKind, read};

/// Read once: there are thousands of films.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().expect("a catalogue"));
static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::built_in().expect("templates"));

/// Plans a text against what is known.
pub fn plan_text(
    (name, text): (&str, &str),
    known: &Known,
    options: &PlanOptions,
) -> Result<Planned, String> {
    let source = Source::new(name, text);
    let reading = read(&source);
    let told = |problems: &[Diagnostic]| {
        let errors = problems.iter().filter(|one| one.is_error());
        errors.map(|one| format!("{}: {}", one.code, one.message)).collect::<Vec<_>>().join("\n")
    };
    let errors = told(&reading.diagnostics);
    let Some(board) = reading.storyboard.filter(|_| errors.is_empty()) else { return Err(errors) };
    let planning = Planning {
        name,
        place: place(),
        assets_root: std::path::Path::new("/film/public"),
        board: &board,
        defaults: &Fields::default(),
        catalog: &CATALOG,
        templates: &TEMPLATES,
        known,
        options,
        profile: None,
    };
    plan(&planning).map_err(|problems| told(&problems))
}

fn place() -> Place {
    Place { storyboard: None, variant: None, folder: "assets/clips".into() }
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Ran {
    /// How many steps were paid for.
    pub paid: usize,
    /// Ids of the scenes that were published, in order.
    pub published: Vec<String>,
}

/// Somewhere a film is rendered.
pub trait House {
    /// Puts the files of a film in their places.
    fn furnish(&mut self, story: &Story);
    /// What a plan may know.
    fn known(&mut self) -> &Known;
    /// What is known on a branch where nothing was rendered, and which defers to this one: all clips can be had.
    fn branch(&self) -> Option<Known> {
        None
    }
    /// Carries a plan out.
    fn run(&mut self, planned: Planned) -> Ran;
    /// Deletes the file of a scene, relative to the assets root.
    fn lose(&mut self, filename: &str);
}

/// The manifest before anything is rendered: pictures that another tool made.
pub fn first_manifest() -> String {
    let asset = |id: &&str| json!({"id": id, "type": "image", "filename": format!("assets/images/{id}.png")});
    let assets: Vec<Value> = super::story::ASSETS.iter().map(asset).collect();
    json!({"version": "1.0", "assets": assets}).to_string()
}

/// The house of perfect runs.
pub struct World {
    known: Known,
    time_ms: i64,
}

impl World {
    pub fn new() -> Self {
        let manifest = Manifest::parse(&first_manifest()).expect("a manifest");
        let time_ms = 1_790_000_000_000;
        Self { known: Known { manifest, now_ms: time_ms, ..Known::default() }, time_ms }
    }

    fn now(&mut self) -> String {
        self.time_ms += 1000;
        self.known.now_ms = self.time_ms;
        let time = jiff::Timestamp::from_millisecond(self.time_ms).expect("a time");
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// Publishes entries that belong together, with the content of each.
    fn publish(&mut self, batch: Vec<(NewEntry, String)>) {
        let new: Vec<NewEntry> = batch.iter().map(|(new, _)| new.clone()).collect();
        let appended = self.known.manifest.publish(&new, &mut |_, _| true);
        let outputs = &mut self.known.outputs;
        for superseded in appended.iter().flat_map(|one| &one.superseded) {
            outputs.remove(&superseded.from);
            if let Some(sha256) = superseded.sha256.clone() {
                outputs.insert(superseded.to.clone(), Output::File { sha256 });
            }
        }
        for (new, sha256) in batch {
            let filename = new.fields["filename"].as_str().expect("a name").to_owned();
            outputs.insert(filename, Output::File { sha256 });
        }
    }

    /// Publishes what is here already: moves exchange files, so all of it at once.
    fn restore(&mut self, restores: Vec<RestoreWork>, ran: &mut Ran) {
        let mut batch = Vec::new();
        let mut slots: Vec<(String, Slot)> = Vec::new();
        for work in restores {
            let sha256 = work.clip.sha256.clone();
            let Some(draft) = &work.entry else {
                self.known.outputs.insert(work.filename, Output::File { sha256 });
                continue;
            };
            let rendered = Rendered {
                created_at: self.now(),
                sha256: sha256.clone(),
                bytes: 1,
                probe: None,
                task_id: work.clip.task_id.clone(),
                fingerprint: None,
                credits: Some(0.0),
                restored_from: work.restored_from.clone(),
                steps: Vec::new(),
            };
            ran.published.push(work.slot.scene.clone());
            let moved = work.supersedes.as_deref().and_then(|id| self.known.manifest.render(id));
            if let Some(scene) = moved.and_then(|entry| entry.scene_id.as_ref()) {
                slots.push((scene.key(), work.slot.clone()));
            }
            let fields = complete(draft, &rendered);
            batch.push((NewEntry { fields, supersedes: work.supersedes }, sha256));
        }
        self.publish(batch);
        for take in &mut self.known.ledger.takes {
            if let Some((_, new)) = slots.iter().find(|(old, _)| *old == take.slot.scene) {
                take.slot = new.clone();
            }
        }
    }

    /// Renders a scene whose sources are all there.
    fn render(&mut self, work: RenderWork, made: &mut HashMap<String, Made>, ran: &mut Ran) {
        let given: BTreeMap<String, Value> =
            work.awaits.iter().map(|used| (used.name(), made[&used.scene].symbol(used))).collect();
        let put = |map: &mut Map<String, Value>| {
            map.values_mut().for_each(|value| put_scenes(value, &given));
        };
        let mut ask = work.ask;
        if !given.is_empty() {
            let ask = ask.as_object_mut().expect("an ask is an object");
            let upstream = ask.entry("upstream").or_insert_with(|| json!({}));
            upstream.as_object_mut().expect("an object").extend(given.clone());
        }
        let mut draft = work.entry;
        put(&mut draft.fields);
        draft.fields.insert("ask".into(), ask.clone());
        draft.steps.iter_mut().for_each(put);

        let created_at = self.now();
        let id = TakeId(self.known.ledger.takes.len() as i64 + 1);
        let mut take = Take {
            id,
            slot: work.slot.clone(),
            number: work.take,
            ask: ask.into(),
            steps: work.steps.iter().map(|step| step.kind).collect(),
            reused: Vec::new(),
            state: TakeState::Published,
            attempts: Vec::new(),
            created_ms: self.time_ms,
        };
        let mut steps: Vec<RenderedStep> = Vec::new();
        for (at, step) in work.steps.iter().enumerate() {
            let mut request = step.request.clone();
            put_scenes(&mut request.body, &given);
            if let Some(before) = steps.last().and_then(|step| step.sha256.as_ref()) {
                request = request.after(before);
            }
            assert!(!request.waits(), "{} waits for something: {}", work.slot.scene, request.body);
            let fingerprint = request.fingerprint();
            match &step.start {
                StepStart::Done(clip) => {
                    take.reused.push((at, clip.sha256.clone(), clip.task_id.clone()));
                    steps.push(RenderedStep {
                        fingerprint: Some(fingerprint),
                        task_id: clip.task_id.clone(),
                        sha256: Some(clip.sha256.clone()),
                        bytes: Some(1),
                        credits: clip.credits,
                        created_at: clip.created_at.clone(),
                    });
                }
                StepStart::Fresh => {
                    // The same request of another scene or take gives something else.
                    let sha256 = digest_of(&json!([work.slot.scene, work.take, at, fingerprint]));
                    let attempt = AttemptId(id.0 * 100 + at as i64);
                    let task_id = Some(format!("task-{}", attempt.0));
                    let bound = request.body.clone();
                    take.attempts.push(Attempt {
                        id: attempt,
                        intent: step.intent(id, at, request, bound),
                        state: AttemptState::Downloaded,
                        task_id: task_id.clone(),
                        urls: Vec::new(),
                        clip: Some(sha256.clone()),
                        failure: None,
                        charged: step.credits,
                        created_ms: self.time_ms,
                        changed_ms: self.time_ms,
                    });
                    self.known.cached.insert(sha256.clone());
                    ran.paid += 1;
                    steps.push(RenderedStep {
                        fingerprint: Some(fingerprint),
                        task_id,
                        sha256: Some(sha256),
                        bytes: Some(1),
                        credits: step.credits,
                        created_at: Some(created_at.clone()),
                    });
                }
                StepStart::Resume(attempt) => panic!("nothing is in flight: {attempt:?}"),
                StepStart::Shared => panic!("these films have one take a scene"),
            }
        }
        self.known.ledger.takes.push(take);
        let last = steps.last().cloned().expect("a scene has a step");
        let sha256 = last.sha256.expect("it is made");
        let seconds = work.steps.iter().rev().find_map(|step| step.seconds).unwrap_or(5.0);
        let still = work.steps.last().is_some_and(|step| step.kind == StepKind::Keyframe);
        let rendered = Rendered {
            created_at,
            sha256: sha256.clone(),
            bytes: 1,
            probe: Some(probe(still, seconds)),
            task_id: last.task_id,
            fingerprint: last.fingerprint,
            credits: last.credits,
            restored_from: None,
            steps: steps.clone(),
        };
        ran.published.push(work.slot.scene.clone());
        let fields = complete(&draft, &rendered);
        self.publish(vec![(NewEntry { fields, supersedes: None }, sha256)]);
        let kinds = work.steps.iter().map(|step| step.kind);
        let clips = steps.into_iter().filter_map(|step| step.sha256);
        made.insert(work.slot.scene, Made(kinds.zip(clips).collect()));
    }
}

fn probe(still: bool, seconds: f64) -> Probe {
    let (duration, fps) = if still { (0.0, 0.0) } else { (seconds, 24.0) };
    let codec = if still { "png" } else { "h264" };
    Probe { duration, width: 1280, height: 720, fps, codec: codec.to_owned() }
}

/// The clips of a scene's steps.
struct Made(Vec<(StepKind, String)>);

impl Made {
    fn symbol(&self, used: &Awaited) -> Value {
        let (last, clip) = self.0.last().expect("a scene has a step");
        let clip = match used.part {
            Part::Keyframe => {
                let keyframe = self.0.iter().find(|(kind, _)| *kind == StepKind::Keyframe);
                &keyframe.expect("a keyframe").1
            }
            _ => clip,
        };
        let media = if *last == StepKind::Keyframe { Media::Image } else { Media::Video };
        used.symbol(clip, media)
    }
}

impl House for World {
    fn furnish(&mut self, story: &Story) {
        for (path, content) in &story.files {
            let input = KnownInput::File {
                path: format!("/film/{path}").into(),
                sha256: format!("sha256:file-{content}"),
                seconds: None,
            };
            self.known.inputs.insert((*path).to_owned(), input);
        }
    }

    fn known(&mut self) -> &Known {
        &self.known
    }

    fn branch(&self) -> Option<Known> {
        let elsewhere = Manifest::parse(&self.known.manifest.to_text()).expect("a manifest");
        Some(Known {
            manifest: Manifest::parse(&first_manifest()).expect("a manifest"),
            deferred: Some(Deferred {
                shown: "main.json".into(),
                manifest: elsewhere,
                place: place(),
                files: HashMap::new(),
            }),
            cached: self.known.cached.clone(),
            inputs: self.known.inputs.clone(),
            now_ms: self.known.now_ms,
            ..Known::default()
        })
    }

    fn run(&mut self, planned: Planned) -> Ran {
        assert!(planned.collect.is_empty() && planned.moved_takes.is_empty());
        let mut ran = Ran::default();
        let (mut renders, mut restores) = (Vec::new(), Vec::new());
        for scene in planned.plan.scenes {
            match scene.work {
                Some(Work::Render(work)) => renders.push(work),
                Some(Work::Restore(work)) => restores.push(work),
                None => {}
            }
        }
        self.restore(restores, &mut ran);
        let mut made = HashMap::new();
        while !renders.is_empty() {
            let waiting: Vec<String> = renders.iter().map(|work| work.slot.scene.clone()).collect();
            let ready = |work: &RenderWork| !work.after.iter().any(|other| waiting.contains(other));
            let at = renders.iter().position(ready).expect("scenes wait for each other");
            self.render(renders.remove(at), &mut made, &mut ran);
        }
        // What is written is read again.
        let text = self.known.manifest.to_text();
        self.known.manifest = Manifest::parse(&text).expect("a manifest");
        ran
    }

    fn lose(&mut self, filename: &str) {
        self.known.outputs.remove(filename).expect("it is there");
    }
}
