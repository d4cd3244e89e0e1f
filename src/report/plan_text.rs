//! The plan as a table that is read in a second: what changes, why, and what it costs.

use super::style::{Style, cut, pad, pad_left, width_of, wrap};
use super::{NextCommand, counted, diff, sanitise, tally, trimmed};
use crate::catalog::PriceKind;
use crate::plan::{Action, Plan, PlanSummary, Reason, ScenePlan, StepPlan, Sum};
use crate::storyboard::StepKind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Texts longer than this are shown as a difference of words.
pub(super) const SHORT_VALUE: usize = 40;

/// What to show of a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanText {
    /// Unchanged and skipped scenes, too.
    pub all: bool,
    /// One line a scene, without reasons.
    pub brief: bool,
    /// The cap of credits that will hold.
    pub max_credits: Option<f64>,
    /// What to do next.
    pub next: Option<NextCommand>,
}

/// The plan as text, ending in a line break.
pub fn render(plan: &Plan, options: &PlanText, style: Style) -> String {
    let shown: Vec<&ScenePlan> = plan
        .scenes
        .iter()
        .filter(|scene| {
            options.all
                || !matches!(scene.action, Action::Unchanged | Action::Skip)
                || scene.unknown_takes().next().is_some()
        })
        .collect();
    let mut out = String::new();
    if !shown.is_empty() {
        let rows: Vec<Row> = shown.iter().map(|scene| Row::of(scene)).collect();
        let table = Table::of(&rows, style);
        out.push_str(&table.heading());
        for (scene, row) in shown.iter().zip(&rows) {
            out.push_str(&table.line(row));
            if !options.brief {
                for line in details(scene, style) {
                    let _ = writeln!(out, "{line}");
                }
            }
        }
        out.push('\n');
    }
    if !options.brief {
        for orphan in &plan.orphans {
            let _ = writeln!(
                out,
                "orphan {}: its scene {} is gone; {} stays",
                sanitise(&orphan.id, 40),
                sanitise(&orphan.scene_id.to_string(), 40),
                sanitise(&orphan.filename, 200)
            );
        }
    }
    out.push_str(&totals(plan, options, style));
    out
}

/// The mark of an action.
pub fn sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Unchanged => "=",
        Action::Restore => "<",
        Action::Move => ">",
        Action::Resume => "…",
        Action::Absent => "?",
        Action::Blocked => "!",
        Action::Skip => "-",
    }
}

fn coloured(action: Action, text: &str, style: Style) -> String {
    match action {
        Action::Create => style.green(text),
        Action::Update | Action::Absent => style.yellow(text),
        Action::Restore | Action::Move | Action::Resume => style.cyan(text),
        Action::Blocked => style.red(text),
        Action::Unchanged | Action::Skip => style.dim(text),
    }
}

struct Row {
    action: Action,
    id: String,
    title: String,
    model: String,
    length: String,
    credits: String,
}

impl Row {
    fn of(scene: &ScenePlan) -> Self {
        Self {
            action: scene.action,
            id: sanitise(&scene.scene_id.to_string(), 12),
            title: sanitise(scene.title.as_deref().unwrap_or_default(), 80),
            model: sanitise(&model_of(scene), 24),
            length: length_of(scene),
            credits: credits_of(scene),
        }
    }
}

/// The display name of the model that makes the clip.
pub(super) fn model_of(scene: &ScenePlan) -> String {
    let generate = scene.steps.iter().find(|step| step.step == StepKind::Generate);
    generate.or(scene.steps.first()).map(|step| step.name.clone()).unwrap_or_default()
}

pub(super) fn length_of(scene: &ScenePlan) -> String {
    if matches!(&scene.steps[..], [only] if only.step == StepKind::Keyframe) {
        return "still".to_owned();
    }
    match (scene.duration, scene.clip_length) {
        (Some(film), Some(clip)) if (film - clip).abs() > 0.005 => {
            format!("{} s of {} s", trimmed(film, 2), trimmed(clip, 2))
        }
        (_, Some(clip)) => format!("{} s", trimmed(clip, 2)),
        (Some(film), None) => format!("{} s", trimmed(film, 2)),
        (None, None) => String::new(),
    }
}

pub(super) fn credits_of(scene: &ScenePlan) -> String {
    let goes_on_paying =
        scene.action == Action::Resume && scene.steps.iter().any(|step| step.action.is_paid());
    if !scene.action.is_paid() && scene.action != Action::Blocked && !goes_on_paying {
        return match scene.action {
            Action::Restore | Action::Move | Action::Resume => "free".to_owned(),
            _ => String::new(),
        };
    }
    // What a scene as a whole waits for is what it would cost; of one that goes on, only what is paid now.
    let waits = scene.action == Action::Blocked;
    let is_open =
        |step: &&StepPlan| step.action.is_paid() || (waits && step.action == Action::Blocked);
    let paid = || scene.steps.iter().filter(is_open);
    let known: f64 = paid().filter_map(|step| step.credits).sum();
    match (paid().any(|step| step.credits.is_none()), known > 0.0) {
        (true, true) => format!("{} + ?", trimmed(known, 2)),
        (true, false) => "?".to_owned(),
        (false, _) => trimmed(known, 2),
    }
}

struct Table {
    id: usize,
    title: usize,
    model: usize,
    length: usize,
    credits: usize,
    style: Style,
}

const ACTION: usize = 9;

impl Table {
    fn of(rows: &[Row], style: Style) -> Self {
        let widest = |of: fn(&Row) -> &str, least: &str| {
            rows.iter().map(|row| width_of(of(row))).max().unwrap_or(0).max(width_of(least))
        };
        let id = widest(|row| &row.id, "scene");
        let mut model = widest(|row| &row.model, "model");
        let length = widest(|row| &row.length, "clip");
        let credits = widest(|row| &row.credits, "credits");
        // Two columns for the sign, and two between all others.
        let fixed = 2 + id + 2 + 2 + ACTION + 2 + 2 + length + 2 + credits;
        let wanted = widest(|row| &row.title, "title");
        if fixed + model + wanted.min(16) > style.width {
            model = model.min(14);
        }
        let title = style.width.saturating_sub(fixed + model).clamp(8, wanted.max(8));
        Self { id, title, model, length, credits, style }
    }

    fn heading(&self) -> String {
        let line = format!(
            "  {}  {}  {}  {}  {}  {}",
            pad("scene", self.id),
            pad("title", self.title),
            pad("action", ACTION),
            pad("model", self.model),
            pad("clip", self.length),
            pad_left("credits", self.credits)
        );
        format!("{}\n", self.style.dim(line.trim_end()))
    }

    fn line(&self, row: &Row) -> String {
        let action = pad(row.action.name(), ACTION);
        let line = format!(
            "{} {}  {}  {}  {}  {}  {}",
            coloured(row.action, sign(row.action), self.style),
            pad(&row.id, self.id),
            pad(&cut(&row.title, self.title), self.title),
            coloured(row.action, &action, self.style),
            pad(&cut(&row.model, self.model), self.model),
            pad(&row.length, self.length),
            pad_left(&row.credits, self.credits)
        );
        format!("{}\n", line.trim_end())
    }
}

/// The lines below a scene: its steps where it has several, its reasons, its notes.
fn details(scene: &ScenePlan, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |text: &str| {
        for (index, line) in wrap(text, style.width.saturating_sub(8)).into_iter().enumerate() {
            lines.push(format!("{}{line}", if index == 0 { "      " } else { "        " }));
        }
    };
    if scene.steps.len() > 1 {
        let steps = scene.steps.iter().map(|step| step_words(step, scene.action));
        let steps: Vec<String> = steps.collect();
        add(&format!("steps: {}", steps.join(", ")));
    }
    for reason in &scene.reasons {
        // The sign says it already.
        if reason.code == "never-rendered" && reason.detail.is_none() {
            continue;
        }
        // With one step there is nothing to tell apart.
        let single = Reason { step: None, ..reason.clone() };
        add(&reason_words(if scene.steps.len() == 1 { &single } else { reason }, style));
    }
    for note in &scene.notes {
        // The column of lengths says it already.
        if note.code != "clip-longer" {
            add(&style.dim(format!("note: {}", sanitise(&note.message, 300))));
        }
    }
    lines
}

fn step_words(step: &StepPlan, scene: Action) -> String {
    let state = match step.action {
        Action::Blocked if scene != Action::Blocked => "waits".to_owned(),
        Action::Create | Action::Update | Action::Blocked => match step.credits {
            Some(credits) => trimmed(credits, 2),
            None => "price unknown".to_owned(),
        },
        Action::Unchanged => "done".to_owned(),
        other => other.name().to_owned(),
    };
    match step.take {
        Some(take) => format!("{} (take {take}) {state}", step.step),
        None => format!("{} {state}", step.step),
    }
}

/// A reason in words: `prompt: … at [-dawn-] {+dusk+} …`, `aspect_ratio: 16:9 -> 9:16`.
pub fn reason_words(reason: &Reason, style: Style) -> String {
    let step = reason.step.map(|step| format!("{step} ")).unwrap_or_default();
    let mut out = match (&reason.part, &reason.old, &reason.new) {
        (Some(part), old, new) if old.is_some() || new.is_some() => {
            let part = sanitise(part, 60);
            format!("{step}{part}: {}", change(old.as_ref(), new.as_ref(), style))
        }
        (Some(part), ..) => format!("{step}{}: {}", sanitise(part, 60), code_words(reason.code)),
        _ => format!("{step}{}", code_words(reason.code)),
    };
    if let Some(detail) = &reason.detail {
        let _ = write!(out, ": {}", sanitise(detail, 400));
    }
    out
}

fn change(old: Option<&Value>, new: Option<&Value>, style: Style) -> String {
    if let (Some(Value::String(old)), Some(Value::String(new))) = (old, new)
        && (old.chars().count() > SHORT_VALUE || new.chars().count() > SHORT_VALUE)
    {
        return diff::words(&sanitise(old, 20_000), &sanitise(new, 20_000), style);
    }
    let (old, new) = (value_words(old), value_words(new));
    format!("{} -> {}", style.red(old), style.green(new))
}

/// A value on one line: short texts as they are, files by the beginning of their digest.
pub(super) fn value_words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "(not sent)".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => sanitise(text, 120),
        Some(Value::Object(map)) if map.len() <= 2 => {
            for (key, name) in [("$file", "file"), ("$clip", "clip"), ("$task", "task of clip")] {
                if let Some(digest) = map.get(key).and_then(Value::as_str) {
                    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
                    return format!("{name} {}", sanitise(hex.get(..12).unwrap_or(hex), 64));
                }
            }
            sanitise(&Value::Object(map.clone()).to_string(), 160)
        }
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| value_words(Some(item))).collect();
            sanitise(&items.join(", "), 200)
        }
        Some(other) => sanitise(&other.to_string(), 160),
    }
}

pub(super) fn code_words(code: &'static str) -> &'static str {
    match code {
        "never-rendered" => "never rendered",
        "output-missing" => "the clip's file is missing",
        "renumbered" => "the scene has another id now",
        "deferred" => "another branch has it",
        "failed-before" => "failed before",
        "retake" => "a new take was asked for",
        "takes-added" => "more takes are wanted",
        "source-expired" => "the provider no longer has what it starts from",
        "source-upgraded" => "what it starts from was upgraded",
        "price-unknown" => "its price is not known",
        "filtered" => "not selected",
        "image-scene" => "not generated",
        "retired" => "the model is retired",
        "prompt-changed" => "the prompt changed",
        "model-changed" => "the model changed",
        "parameter-changed" => "a parameter changed",
        "reference-changed" => "a reference changed",
        "template-changed" => "the project's prompt template changed",
        "steps-changed" => "the steps changed",
        "unknown-submission" => "outcome unknown",
        "gate" => "waits for your choice",
        "voice-too-long" => "is too long",
        "picked" => "chosen",
        "upstream-changed" => "what it is made from changed",
        other => other,
    }
}

/// Counts, costs, the cap, and the next command.
fn totals(plan: &Plan, options: &PlanText, style: Style) -> String {
    let summary = &plan.summary;
    let mut out = String::new();
    let mut add = |text: &str, paint: &dyn Fn(&str) -> String| {
        for (index, line) in wrap(text, style.width.saturating_sub(2)).iter().enumerate() {
            let _ = writeln!(out, "{}{}", if index == 0 { "" } else { "  " }, paint(line));
        }
    };
    let plain = |line: &str| line.to_owned();
    add(&count_words(summary, plan.scenes.len()), &|line| style.bold(line));
    if summary.create + summary.update > 0 || summary.credits > 0.0 || summary.unpriced_steps > 0 {
        add(&cost_words(plan), &plain);
    }
    if let Some(cap) = options.max_credits
        && summary.credits > cap
    {
        let cap = trimmed(cap, 2);
        add(
            &format!("more than the cap of {cap} credits: a run stops submitting there"),
            &|line| style.yellow(line),
        );
    }
    if summary.absent > 0 {
        add(
            "absent clips are never paid for by themselves: fetch the files, or render them anew with \
             `--rerender-absent SEL`",
            &plain,
        );
    }
    if let Some(next) = &options.next {
        let _ = writeln!(out, "next: {}", sanitise(&next.command, 500));
    }
    out
}

/// `2 to create, 1 to update; 7 unchanged`.
pub fn count_words(summary: &PlanSummary, scenes: usize) -> String {
    let work = tally(&[
        (summary.create, "to create"),
        (summary.update, "to update"),
        (summary.restore, "to restore"),
        (summary.moved, "to move"),
        (summary.resume, "to resume"),
        (summary.absent, "absent"),
        (summary.blocked, "blocked"),
    ]);
    let rest = tally(&[(summary.unchanged, "unchanged"), (summary.skip, "skipped")]);
    match (work, rest) {
        (None, None) => "nothing to do: no scenes".to_owned(),
        (None, Some(_)) if summary.skip == 0 => {
            format!("nothing to do: {} up to date", counted(scenes, "scene"))
        }
        (None, Some(rest)) => format!("nothing to do: {rest}"),
        (Some(work), None) => work,
        (Some(work), Some(rest)) => format!("{work}; {rest}"),
    }
}

pub(super) fn cost_words(plan: &Plan) -> String {
    let summary = &plan.summary;
    let mut out = format!("{} credits", trimmed(summary.credits, 2));
    let certain = summary.dated.credits <= 0.0 && summary.unpriced_steps == 0;
    if summary.usd > 0.0 {
        let _ = write!(out, ", {}${:.2}", if certain { "" } else { "about " }, summary.usd);
    }
    let dates: BTreeSet<&str> = plan
        .scenes
        .iter()
        .flat_map(|scene| &scene.steps)
        .filter(|step| step.action.is_paid() && step.price == PriceKind::Dated)
        .filter_map(|step| step.priced_on.as_deref())
        .collect();
    let prices = match (dates.first(), dates.last()) {
        (Some(oldest), Some(newest)) if oldest == newest => {
            Some(format!("prices of {}", sanitise(oldest, 20)))
        }
        (Some(oldest), Some(newest)) => {
            Some(format!("prices of {} to {}", sanitise(oldest, 20), sanitise(newest, 20)))
        }
        _ => None,
    };
    let part = |sum: Sum| format!("{} credits (${:.2})", trimmed(sum.credits, 2), sum.usd);
    match prices {
        Some(prices) if summary.exact.credits > 0.0 => {
            let (exact, dated) = (part(summary.exact), part(summary.dated));
            let _ = write!(out, ": {exact} for sure, {dated} by {prices}");
        }
        Some(prices) => {
            let _ = write!(out, " ({prices})");
        }
        None => {}
    }
    if summary.unpriced_steps > 0 {
        let verb = if summary.unpriced_steps == 1 { "has" } else { "have" };
        let _ = write!(out, "; {} {verb} no known price", counted(summary.unpriced_steps, "step"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Note, Orphan};
    use crate::storyboard::SceneId;
    use serde_json::json;

    fn step(kind: StepKind, action: Action, credits: Option<f64>) -> StepPlan {
        StepPlan {
            step: kind,
            action,
            model: "veo3_fast".into(),
            family: "veo".into(),
            endpoint: "POST /api/v1/veo/generate".into(),
            request: json!({"prompt": "x"}),
            fingerprint: None,
            credits,
            price: if credits.is_some() { PriceKind::Dated } else { PriceKind::Unknown },
            name: "Veo 3.1 Fast".into(),
            parts: serde_json::Map::new(),
            prompt: None,
            style: None,
            told: None,
            priced_on: Some(
                if kind == StepKind::Extend { "2026-08-18" } else { "2026-10-05" }.into(),
            ),
            take: None,
        }
    }

    fn scene(id: &str, title: &str, action: Action, credits: Option<f64>) -> ScenePlan {
        ScenePlan {
            scene_id: SceneId::parse(id),
            title: Some(title.into()),
            action,
            filename: None,
            duration: Some(5.0),
            clip_length: Some(6.0),
            reasons: Vec::new(),
            notes: Vec::new(),
            steps: vec![step(StepKind::Generate, action, credits)],
            work: None,
            more: Vec::new(),
        }
    }

    fn changed(code: &'static str, part: &str, old: Value, new: Value) -> Reason {
        Reason { part: Some(part.into()), old: Some(old), new: Some(new), ..Reason::new(code) }
    }

    fn example() -> Plan {
        let prompt = "A lone lighthouse on a basalt skerry, waves breaking below, soft grain, 35 mm film, at dawn \
                      with gulls overhead";
        let mut update =
            scene("2", "The keeper climbs the stairs with a lamp", Action::Update, Some(60.0));
        update.reasons = vec![
            changed(
                "prompt-changed",
                "prompt",
                prompt.into(),
                prompt.replace("dawn", "dusk in a storm").into(),
            ),
            changed("parameter-changed", "aspect_ratio", "16:9".into(), "9:16".into()),
            changed(
                "reference-changed",
                "imageUrls",
                Value::Null,
                json!([{"$file": "sha256:0123456789abcdef0123"}]),
            ),
        ];
        update.notes = vec![
            Note { code: "clip-longer", message: "5 s of 6 s".into() },
            Note { code: "output-modified", message: "the file was edited by hand".into() },
        ];
        let mut create = scene("1", "First light", Action::Create, Some(60.0));
        create.reasons = vec![Reason::new("never-rendered")];
        create.clip_length = Some(5.0);
        let mut chain = scene("hook", "灯台の夜明け", Action::Create, Some(60.0));
        chain.steps.push(step(StepKind::Extend, Action::Create, Some(60.0)));
        chain.steps.push(step(StepKind::Upscale, Action::Create, None));
        let mut blocked = scene("5", "evil \u{1b}[31m title", Action::Blocked, Some(60.0));
        blocked.reasons = vec![Reason::because(
            "failed-before",
            "the provider's filter refused the prompt; edit it",
        )];
        let mut restore = scene("6", "Back again", Action::Restore, Some(0.0));
        restore.reasons = vec![Reason::new("output-missing")];
        let mut resume = scene("7", "In flight", Action::Resume, Some(0.0));
        resume.clip_length = Some(8.0);
        Plan {
            format_version: "1.0",
            storyboard: "SCENES.md".into(),
            summary: PlanSummary {
                create: 2,
                update: 1,
                unchanged: 1,
                restore: 1,
                resume: 1,
                blocked: 1,
                skip: 1,
                credits: 240.0,
                usd: 1.2,
                unpriced_steps: 1,
                ..PlanSummary::default()
            },
            scenes: vec![
                create,
                update,
                chain,
                scene("4", "Stays", Action::Unchanged, Some(0.0)),
                blocked,
                restore,
                resume,
                scene("8", "Title card", Action::Skip, Some(0.0)),
            ],
            orphans: vec![Orphan {
                id: "vid-009".into(),
                scene_id: SceneId::Number(9),
                filename: "assets/clips/scene-09.mp4".into(),
            }],
        }
    }

    fn options() -> PlanText {
        PlanText {
            max_credits: Some(200.0),
            next: Some(NextCommand::spending("storyreel render")),
            ..PlanText::default()
        }
    }

    #[test]
    fn a_plan_fits_eighty_columns() {
        let text = render(&example(), &options(), Style::plain(80));
        assert!(text.lines().all(|line| width_of(line) <= 80), "{text}");
        assert!(!text.contains('\u{1b}'));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_wide_brief_plan_shows_everything_on_one_line() {
        let options = PlanText { all: true, brief: true, ..options() };
        insta::assert_snapshot!(render(&example(), &options, Style::plain(120)));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let style = Style { colour: true, ..Style::plain(80) };
        let coloured = render(&example(), &PlanText { brief: true, ..options() }, style);
        let plain = render(&example(), &PlanText { brief: true, ..options() }, Style::plain(80));
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        let plan = Plan {
            scenes: vec![scene("1", "a", Action::Unchanged, Some(0.0))],
            summary: PlanSummary { unchanged: 1, ..PlanSummary::default() },
            orphans: Vec::new(),
            ..example()
        };
        let text = render(&plan, &PlanText::default(), Style::plain(80));
        assert_eq!(text, "nothing to do: 1 scene up to date\n");
    }
}
