//! `storyreel render --preview`: a free animatic, drawn on this machine.

use super::failure::{CANNOT_WORK, Failure};
use super::workspace::Workspace;
use super::{Output, pretty, print, tell};
use crate::known::{Known, KnownInput};
use crate::ledger::Snapshot;
use crate::plan::{Action, PlanOptions, ScenePlan};
use crate::preview::{self as renderer, Extension, Progress, Rendered, Shot};
use crate::report::{counted, sanitise, trimmed};
use crate::storyboard::{Field, Fields, Input, Scene, StepKind, Value};
use serde_json::{Map, json};
use std::path::PathBuf;

/// How long a preview is where neither film nor clip length is known, in seconds.
const DEFAULT_SECONDS: f64 = 8.0;
/// How much longer an extension makes a preview where the model does not say, in seconds.
const EXTENSION_SECONDS: f64 = 7.0;

/// Draws every selected scene to `.storyreel/preview`. Needs no key, no lock and no network; never touches a paid
/// clip, the ledger or the public manifest.
pub(super) fn run(
    workspace: &Workspace,
    options: &PlanOptions,
    json: bool,
    output: Output,
) -> Result<u8, Failure> {
    let looked = workspace.look(Snapshot::default())?;
    let (planned, warnings) = workspace.plan(&looked, options)?;
    workspace.tell_warnings(&warnings, output);
    let folder = folder(workspace);
    let jobs = jobs(workspace, &looked.known, &planned.plan.scenes, &folder);
    if jobs.is_empty() {
        tell("nothing to preview: no scene is generated, or none is selected\n");
        return Ok(0);
    }
    crate::ledger::make_private_folder(&workspace.layout.private)
        .and_then(|()| std::fs::create_dir_all(&folder))
        .map_err(|error| {
            Failure::cannot_work(
                "unwritable",
                format!("cannot make `{}`: {error}", folder.display()),
            )
        })?;
    let shots: Vec<(Shot, PathBuf)> =
        jobs.iter().map(|job| (job.shot.clone(), job.path.clone())).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results = renderer::render_all(&shots, threads, &progress(output, &shots));

    let mut entries = Vec::new();
    let mut failed = 0;
    for (job, result) in jobs.iter().zip(results) {
        match result {
            Ok(rendered) => {
                if !json {
                    print(&format!("{}\n", job.path.display()))?;
                }
                entries.push(entry(job, &rendered));
            }
            Err(error) => {
                failed += 1;
                let scene = sanitise(&job.shot.scene, 40);
                tell(&format!("scene {scene}: {}\n", sanitise(&error.to_string(), 500)));
            }
        }
    }
    let seconds: f64 = entries.iter().filter_map(|entry| entry["duration"].as_f64()).sum();
    let manifest = json!({"version": "1.0", "assets": entries});
    std::fs::write(folder.join("manifest.json"), pretty(&manifest)).map_err(|error| {
        Failure::cannot_work("disk", format!("cannot write the preview's manifest: {error}"))
    })?;
    if json {
        print(&pretty(&manifest))?;
    }
    let done = shots.len() - failed;
    tell(&format!("{} drawn, {} s, free\n", counted(done, "preview"), trimmed(seconds, 1)));
    Ok(match (failed, done) {
        (0, _) => 0,
        (_, 0) => CANNOT_WORK,
        _ => 4,
    })
}

/// One preview that is to be drawn.
struct Job {
    shot: Shot,
    path: PathBuf,
    scene_id: serde_json::Value,
    filename: String,
    prompt: String,
}

fn folder(workspace: &Workspace) -> PathBuf {
    let folder = workspace.layout.private.join("preview");
    if workspace.settings.project.is_main {
        return folder;
    }
    let stem: String = workspace
        .settings
        .project
        .key
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' })
        .collect();
    folder.join(stem)
}

fn entry(job: &Job, rendered: &Rendered) -> serde_json::Value {
    json!({
        "scene_id": job.scene_id,
        "filename": job.filename,
        "prompt": job.prompt,
        "model": job.shot.model,
        "duration": rendered.duration,
        "width": rendered.width,
        "height": rendered.height,
        "bytes": rendered.bytes,
        "credits": 0,
    })
}

fn jobs(
    workspace: &Workspace,
    known: &Known,
    plans: &[ScenePlan],
    folder: &std::path::Path,
) -> Vec<Job> {
    let board = &workspace.board;
    let defaults = board.defaults.over(&workspace.settings.defaults);
    let of_film = |scene: &&Scene| scene.sheet_of.is_none();
    let count = board.scenes.iter().filter(of_film).count();
    board
        .scenes
        .iter()
        .zip(plans)
        .filter(|(scene, _)| of_film(scene))
        .enumerate()
        .filter(|(_, (_, plan))| plan.action != Action::Skip)
        .map(|(index, (scene, plan))| {
            let fields = scene.fields.over(&defaults);
            let mut shot = shot(workspace, known, scene, &fields, plan);
            shot.position = (index + 1, count);
            let filename = format!("{}.mp4", scene.id.file_stem());
            Job {
                prompt: prompt(plan, StepKind::Generate),
                scene_id: json!(scene.id),
                path: folder.join(&filename),
                filename,
                shot,
            }
        })
        .collect()
}

/// The composed prompt of a step of this kind.
fn prompt(plan: &ScenePlan, kind: StepKind) -> String {
    let step = plan.steps.iter().find(|step| step.step == kind);
    step.and_then(|step| step.prompt.clone()).unwrap_or_default()
}

fn shot(
    workspace: &Workspace,
    known: &Known,
    scene: &Scene,
    fields: &Fields,
    plan: &ScenePlan,
) -> Shot {
    let text = |field: Field| fields.text(field).map(str::to_owned);
    let words = text(Field::Prompt)
        .or_else(|| {
            let parts: Vec<&str> =
                [Field::Visual, Field::Subject, Field::Action, Field::Setting, Field::Lighting]
                    .into_iter()
                    .filter_map(|field| fields.text(field))
                    .collect();
            (!parts.is_empty()).then(|| parts.join(". "))
        })
        .unwrap_or_else(|| prompt(plan, StepKind::Generate));
    let mut sound = Vec::new();
    for (field, label) in [
        (Field::Sfx, "SFX"),
        (Field::Ambient, "Ambient"),
        (Field::Music, "Music"),
        (Field::Audio, "Sound"),
    ] {
        if let Some(words) = fields.text(field) {
            sound.push(format!("{label}: {words}"));
        }
    }
    let steps = scene.steps.as_ref().or(workspace.board.default_steps.as_ref());
    let extensions: Vec<Extension> = steps
        .into_iter()
        .flatten()
        .filter(|step| step.kind == StepKind::Extend)
        .map(|step| Extension {
            words: step
                .fields
                .text(Field::Prompt)
                .or(step.fields.text(Field::Visual))
                .unwrap_or_default()
                .to_owned(),
            camera: step.fields.text(Field::Camera).map(str::to_owned),
            seconds: step.fields.seconds(Field::Duration).unwrap_or(EXTENSION_SECONDS),
        })
        .collect();
    let upscale = steps
        .into_iter()
        .flatten()
        .rfind(|step| step.kind == StepKind::Upscale)
        .map(|step| step.fields.text(Field::Resolution).unwrap_or("upscale").to_owned());
    let step = plan.steps.iter().find(|step| step.step == StepKind::Generate);
    Shot {
        scene: scene.id.to_string(),
        position: (1, 1),
        film_title: workspace.board.title.as_ref().map(|title| title.value.clone()),
        title: scene.title.as_ref().map(|title| title.value.clone()),
        shot: text(Field::Shot),
        camera: text(Field::Camera),
        words,
        dialogue: fields
            .text(Field::Dialogue)
            .map(|lines| {
                lines
                    .lines()
                    .map(|line| line.trim().to_owned())
                    .filter(|line| !line.is_empty())
                    .collect()
            })
            .unwrap_or_default(),
        sound,
        text_overlay: text(Field::Text),
        transition: text(Field::Transition),
        model: step.or(plan.steps.first()).map(|step| step.name.clone()).unwrap_or_default(),
        duration: base_seconds(plan, &extensions),
        extensions,
        upscale,
        aspect_ratio: aspect_ratio(fields, step.map(|step| &step.parts)),
        reference: picture(known, fields),
    }
}

/// How much of the film length the first clip covers. A scene whose duration reaches into its extensions is as long as
/// its author says; one whose duration the first clip covers alone is made longer by them.
fn base_seconds(plan: &ScenePlan, extensions: &[Extension]) -> f64 {
    let more: f64 = extensions.iter().map(|extension| extension.seconds).sum();
    let film = plan.duration.or(plan.clip_length).unwrap_or(DEFAULT_SECONDS);
    let first = plan.clip_length.map_or(film, |clip| clip - more);
    if film > first && film > more { film - more } else { film }
}

/// The ratio that the author asks for, or that the request has, else 16:9.
fn aspect_ratio(fields: &Fields, parts: Option<&Map<String, serde_json::Value>>) -> (u32, u32) {
    let sent = || {
        let parts = parts?;
        ["aspect_ratio", "aspectRatio"].iter().find_map(|name| parts.get(*name)?.as_str())
    };
    let ratio = |text: &str| {
        let (width, height) = text.split_once(':')?;
        let (width, height) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
        (width > 0 && height > 0).then_some((width, height))
    };
    fields
        .text(Field::AspectRatio)
        .and_then(ratio)
        .or_else(|| sent().and_then(ratio))
        .unwrap_or((16, 9))
}

/// The first local picture that the scene starts from, of a kind that can be drawn.
fn picture(known: &Known, fields: &Fields) -> Option<PathBuf> {
    [Field::Reference, Field::ImagePrompt].into_iter().find_map(|field| {
        let Some(Value::Inputs(inputs)) = fields.get(field).map(|value| &value.value) else {
            return None;
        };
        inputs.iter().find_map(|input| {
            let name = match input {
                Input::Path(name) | Input::Asset(name) => name,
                Input::Url(_) | Input::Scene { .. } => return None,
            };
            let Some(KnownInput::File { path, .. }) = known.inputs.get(name) else { return None };
            let ending = path.extension()?.to_str()?.to_ascii_lowercase();
            matches!(ending.as_str(), "png" | "jpg" | "jpeg" | "webp").then(|| path.clone())
        })
    })
}

/// One line on a terminal that counts frames; nothing elsewhere.
fn progress(output: Output, shots: &[(Shot, PathBuf)]) -> Box<dyn Fn(Progress) + Sync> {
    if !output.stderr.terminal {
        return Box::new(|_| {});
    }
    let bar = indicatif::ProgressBar::new(shots.len() as u64 * 100);
    let done = std::sync::Mutex::new(vec![0_u64; shots.len()]);
    Box::new(move |progress: Progress| {
        let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(share) = done.get_mut(progress.index) {
            *share = progress.frames * 100 / progress.of.max(1);
        }
        let total: u64 = done.iter().sum();
        bar.set_position(total);
        if total == bar.length().unwrap_or(0) {
            bar.finish_and_clear();
        }
    })
}
