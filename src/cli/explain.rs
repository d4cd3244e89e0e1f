//! `storyreel explain`: each part of a scene's request, recorded and now, and the composed prompt.

use super::args::{DeferTo, FileFlag};
use super::failure::Failure;
use super::workspace::Workspace;
use super::{Output, print, selection, tell};
use crate::manifest::AssetEntry;
use crate::plan::{PlanOptions, ScenePlan, StepPlan, canonical_json};
use crate::prompt::{Origin, Piece, PromptInput, pieces};
use crate::report::{Style, diff, plan_text, sanitise, sanitise_text, trimmed, wrap};
use crate::settings::Flags;
use crate::storyboard::{Field, Fields, Scene, StepKind};
use clap_complete::ArgValueCompleter;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Show each part of a scene's request, recorded and now, and the composed prompt with who said each of its words. No network, no cost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel explain 3
  storyreel explain hook -f film.md")]
pub(super) struct Explain {
    /// The scene's id
    #[arg(value_name = "SCENE", add = ArgValueCompleter::new(super::completing::scenes))]
    scene: String,
    #[command(flatten)]
    file: FileFlag,
    #[command(flatten)]
    elsewhere: DeferTo,
}

impl Explain {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let defer_to = self.elsewhere.defer_to.clone();
        let mut workspace = Workspace::open(&Flags { defer_to, ..self.file.flags() })?;
        let scenes = workspace.scene_ids();
        let id = selection::one(&self.scene, &scenes)?;
        let looked = workspace.look_everywhere()?;
        let options = PlanOptions::default();
        let planned = match workspace.judge(&looked, &options) {
            (Some(planned), _) => planned,
            // A scene can be looked at while others have problems.
            (None, problems) => {
                let rest = workspace.leave_out_broken(&problems, id);
                let rest = rest.then(|| workspace.judge(&looked, &options).0).flatten();
                let planned = rest.ok_or_else(|| workspace.broken(problems))?;
                tell(
                    "other scenes have problems, which are left out here: `storyreel check` tells them\n",
                );
                planned
            }
        };
        let entry = workspace
            .scene(id)
            .and_then(|scene| workspace.entry_of(&looked.known, &looked.place, scene));
        let Some(scene) = planned.plan.scenes.iter().find(|scene| scene.scene_id == *id) else {
            return Err(Failure::invalid(
                "no-such-scene",
                format!("scene `{id}` is not in the plan"),
            ));
        };
        let who = Who { workspace: &workspace, scene: workspace.scene(id) };
        print(&text(scene, entry, &who, output.stdout))?;
        Ok(0)
    }
}

/// Whose words they are.
struct Who<'w> {
    workspace: &'w Workspace,
    scene: Option<&'w Scene>,
}

impl Who<'_> {
    /// The field as it is shown: with the place that it was written at, where that is not the scene.
    fn of(&self, origin: &Origin, step: StepKind) -> String {
        let name = match origin {
            Origin::Template => return "(template)".to_owned(),
            Origin::Dialogue => Field::Dialogue.name(),
            Origin::Character(name) => return format!("look of {}", sanitise(name, 20)),
            Origin::Field(name) => name,
        };
        let own = |fields: &Fields| fields.iter().any(|(field, _)| field.name() == name);
        let of_scene = self.scene.is_some_and(|scene| {
            let mut steps = scene.steps.iter().flatten().filter(|of| of.kind == step);
            own(&scene.fields) || steps.any(|step| own(&step.fields))
        });
        let place = match () {
            () if of_scene => "",
            () if own(&self.workspace.board.defaults) => ", of the film",
            () if own(&self.workspace.settings.defaults) => ", of storyreel.toml",
            () => "",
        };
        format!("{name}{place}")
    }
}

/// The words of a composed prompt with who said them, and what is said and did not come into it.
fn origins_text(step: &StepPlan, told: &PromptInput, who: &Who<'_>, style: Style) -> String {
    let Some(prompt) = &step.prompt else { return String::new() };
    let Some(template) = &step.style else {
        return "  its words are the scene's own, sent as they stand\n".to_owned();
    };
    let pieces = pieces(prompt, told);
    let rows: Vec<(String, &Piece)> =
        pieces.iter().map(|piece| (who.of(&piece.origin, step.step), piece)).collect();
    let width = rows.iter().map(|(who, _)| who.chars().count()).max().unwrap_or(0).min(34);
    let whose = if who.workspace.templates.digest(template).is_some() { "your own" } else { "the" };
    let mut out = format!("  composed by {whose} template `{}` from:\n", sanitise(template, 60));
    for (who, piece) in &rows {
        let words = sanitise(&piece.words, 20_000);
        for (at, line) in
            wrap(&words, style.width.saturating_sub(width + 8).max(30)).iter().enumerate()
        {
            let who = if at == 0 { who.as_str() } else { "" };
            let _ = writeln!(out, "    {who:width$}  {line}");
        }
    }
    let is_there = |name: &str| {
        pieces.iter().any(|piece| matches!(&piece.origin, Origin::Field(field) if field == name))
    };
    let said = pieces.iter().any(|piece| piece.origin == Origin::Dialogue);
    let unsaid = (!told.dialogue.is_empty() && !said).then_some(Field::Dialogue.name());
    let fields = told.fields.keys().map(String::as_str).filter(|name| !is_there(name));
    let left: Vec<&str> = fields.chain(unsaid).collect();
    if !left.is_empty() {
        let heard = ["sfx", "ambient", "music", "audio", "dialogue"];
        let why = match () {
            () if told.from_image => " (the clip starts from a picture, which shows the rest)",
            () if !told.sound && left.iter().all(|name| heard.contains(name)) => {
                " (the clip is silent)"
            }
            () => "",
        };
        let _ = writeln!(out, "  not in the prompt: {}{why}", left.join(", "));
    }
    out
}

fn text(scene: &ScenePlan, entry: Option<&AssetEntry>, who: &Who<'_>, style: Style) -> String {
    let mut out = String::new();
    let title = scene
        .title
        .as_deref()
        .map(|title| format!(": {}", sanitise(title, 80)))
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "{}",
        style.bold(format!(
            "scene {}{title} - {}",
            sanitise(&scene.scene_id.to_string(), 40),
            scene.action.name()
        ))
    );
    for reason in &scene.reasons {
        let _ = writeln!(out, "  {}", plan_text::reason_words(reason, style));
    }
    for note in &scene.notes {
        let _ = writeln!(out, "  note: {}", sanitise(&note.message, 300));
    }
    match entry {
        Some(entry) => {
            let take = entry.take.map(|take| format!(", take {take}")).unwrap_or_default();
            let _ = writeln!(
                out,
                "  recorded as {} (version {}{take}): {}",
                sanitise(&entry.id, 40),
                entry.version,
                sanitise(&entry.filename, 200)
            );
        }
        None => out.push_str("  never recorded\n"),
    }
    for (index, step) in scene.steps.iter().enumerate() {
        out.push_str(&step_text(step, recorded(entry, index), who, style));
    }
    out
}

/// The recorded parts of a step.
fn recorded(entry: Option<&AssetEntry>, index: usize) -> Option<&Map<String, Value>> {
    let entry = entry?;
    match entry.steps.get(index) {
        Some(step) if !step.parts.is_empty() => Some(&step.parts),
        _ if index == 0 && !entry.parts.is_empty() => Some(&entry.parts),
        _ => None,
    }
}

fn step_text(
    step: &StepPlan,
    recorded: Option<&Map<String, Value>>,
    who: &Who<'_>,
    style: Style,
) -> String {
    let mut out = String::new();
    let price = match step.credits {
        Some(credits) => format!("{} credits", trimmed(credits, 2)),
        None => "price unknown".to_owned(),
    };
    let _ = writeln!(
        out,
        "\n{}  {}  {} ({}), {price}",
        style.bold(step.step.name()),
        step.action.name(),
        sanitise(&step.name, 60),
        sanitise(&step.model, 60)
    );
    let _ = writeln!(out, "  {}", sanitise(&step.endpoint, 200));
    match &step.fingerprint {
        Some(fingerprint) => {
            let _ = writeln!(out, "  fingerprint {fingerprint}");
        }
        None => out.push_str("  fingerprint open until the step before is published\n"),
    }
    // The prompt is told below, in full.
    let told_below = |name: &&String| name.as_str() == "prompt" && step.prompt.is_some();
    let names: BTreeSet<&String> = step
        .parts
        .keys()
        .chain(recorded.into_iter().flat_map(Map::keys))
        .filter(|name| !told_below(name))
        .collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(30);
    for name in names {
        let now = step.parts.get(name.as_str());
        let then = recorded.and_then(|parts| parts.get(name.as_str()));
        let shown = sanitise(name, 60);
        let same = match (then, now) {
            (Some(then), Some(now)) => canonical_json(then) == canonical_json(now),
            (None, None | Some(Value::Null)) | (Some(Value::Null), None) => true,
            _ => false,
        };
        if recorded.is_none() || same {
            let _ = writeln!(out, "  {shown:width$}  {}", words(now.or(then)));
        } else {
            let _ = writeln!(out, "  {shown:width$}  recorded {}", style.red(words(then)));
            let _ = writeln!(out, "  {:width$}  now      {}", "", style.green(words(now)));
        }
    }
    if let Some(prompt) = &step.prompt {
        let then = recorded.and_then(|parts| parts.get("prompt")).and_then(Value::as_str);
        if let Some(then) = then.filter(|then| *then != prompt) {
            out.push_str("  prompt, recorded to now:\n");
            let (then, now) = (sanitise(then, 20_000), sanitise(prompt, 20_000));
            for line in wrap(&diff::words(&then, &now, style), style.width.saturating_sub(6)) {
                let _ = writeln!(out, "    {line}");
            }
        }
        let _ = writeln!(out, "  prompt as it is sent:");
        for line in sanitise_text(prompt).lines() {
            for part in wrap(line, style.width.saturating_sub(6)) {
                let _ = writeln!(out, "    {part}");
            }
        }
        if let Some(told) = &step.told {
            out.push_str(&origins_text(step, told, who, style));
        }
    }
    out
}

fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "(not sent)".to_owned(),
        Some(Value::String(text)) => sanitise(text, 400),
        Some(other) => sanitise(&other.to_string(), 400),
    }
}
