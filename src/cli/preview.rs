//! `storyreel render --preview`: a free animatic, drawn on this machine.

use super::failure::{CANNOT_WORK, Failure};
use super::preview_shot::{Board, composed};
use super::workspace::Workspace;
use super::{Output, pretty, print, tell};
use crate::ledger::Snapshot;
use crate::plan::{PlanOptions, Selection};
use crate::preview::{self as renderer, Progress, Rendered, Shot};
use crate::report::{counted, sanitise, trimmed};
use crate::storyboard::StepKind;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Draws every selected scene to `.storyreel/preview`. Needs no key, no lock and no network; never touches a paid
/// clip, the ledger or the public manifest.
pub(super) fn run(
    workspace: &Workspace,
    options: &PlanOptions,
    json: bool,
    output: Output,
) -> Result<u8, Failure> {
    let looked = workspace.look(Snapshot::default())?;
    // Scenes that are not selected are planned, too: those that are may start from them.
    let all = PlanOptions { only: None, exclude: Selection::default(), ..options.clone() };
    let (planned, warnings) = workspace.plan(&looked, &all)?;
    workspace.tell_warnings(&warnings, output);
    let folder = folder(workspace);
    let board = Board::new(workspace, &looked, &planned.plan.scenes);
    let shots: Vec<(Shot, Option<PathBuf>)> = board
        .shots()
        .into_iter()
        .zip(planned.plan.scenes.iter().zip(&workspace.board.scenes))
        .map(|(shot, (plan, scene))| {
            let id = &plan.scene_id;
            // The sheet of a character is no scene of the film.
            let left_out = scene.sheet_of.is_some()
                || options.exclude.has(id)
                || options.only.as_ref().is_some_and(|only| !only.has(id));
            (shot, (!left_out).then(|| folder.join(filename(&id.file_stem()))))
        })
        .collect();
    let jobs: Vec<Job<'_>> = shots
        .iter()
        .zip(&planned.plan.scenes)
        .filter_map(|((shot, path), plan)| {
            Some(Job {
                shot,
                path: path.as_deref()?,
                scene_id: json!(plan.scene_id),
                filename: filename(&plan.scene_id.file_stem()),
                prompt: composed(plan, StepKind::Generate),
            })
        })
        .collect();
    if jobs.is_empty() {
        tell("nothing to preview: no scene is selected\n");
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
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results = renderer::render_all(&shots, threads, &progress(output, jobs.len()));

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
    let done = jobs.len() - failed;
    tell(&format!("{} drawn, {} s, free\n", counted(done, "preview"), trimmed(seconds, 1)));
    Ok(match (failed, done) {
        (0, _) => 0,
        (_, 0) => CANNOT_WORK,
        _ => 4,
    })
}

fn filename(stem: &str) -> String {
    format!("{stem}.mp4")
}

/// One preview that is to be drawn.
struct Job<'a> {
    shot: &'a Shot,
    path: &'a Path,
    scene_id: serde_json::Value,
    filename: String,
    prompt: String,
}

pub(super) fn folder(workspace: &Workspace) -> PathBuf {
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

fn entry(job: &Job<'_>, rendered: &Rendered) -> serde_json::Value {
    json!({
        "type": "video",
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

/// One line on a terminal that counts frames; nothing elsewhere.
fn progress(output: Output, count: usize) -> Box<dyn Fn(Progress) + Sync> {
    if !output.stderr.terminal {
        return Box::new(|_| {});
    }
    let bar = indicatif::ProgressBar::new(count as u64 * 100);
    let done = std::sync::Mutex::new(vec![0_u64; count]);
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
