//! A plan, and what came of a run, as Markdown for a comment or a job's page.
//!
//! Nothing of a storyboard or of the provider is anything but words there: no tags, links, mentions or tables of its own.

use super::plan_text::{
    SHORT_VALUE, code_words, cost_words, count_words, credits_of, length_of, model_of, value_words,
};
use super::summary::RunLog;
use super::{Commands, counted, diff, sanitise, scenes_named, tally, trimmed};
use crate::engine::event::Summary;
use crate::plan::{Action, Plan, Reason, ScenePlan};
use serde_json::Value;
use std::fmt::Write as _;

/// Scenes that are listed; a comment holds 65,536 characters.
const MOST_SCENES: usize = 100;
/// So many clips that are not here are named.
const MOST_AWAY: usize = 20;
/// What is left of a comment for the words that changed.
const MOST_DETAILS: usize = 40_000;

/// Text as words and nothing else.
pub fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in sanitise(text, most).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A name after it would be told of this.
            '@' => out.push_str("&#64;"),
            '.' if out.to_ascii_lowercase().ends_with("www") => out.push_str("&#46;"),
            // An address would become a link, and a number an issue.
            ':' => out.push_str("&#58;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// What a plan would do, why, and what it would cost. `max_credits` is the cap that will hold.
pub fn plan(plan: &Plan, max_credits: Option<f64>) -> String {
    let mut out = String::new();
    let summary = &plan.summary;
    let _ = writeln!(out, "### {}\n", escaped(&plan.storyboard, 200));
    let counts = count_words(summary, plan.scenes.len());
    let pays = summary.create + summary.update > 0 || summary.credits > 0.0;
    let costs = if pays || summary.unpriced_steps > 0 {
        format!(" {}", escaped(&cost_words(plan), 400))
    } else {
        String::new()
    };
    let _ = writeln!(out, "**{counts}.**{costs}");
    if let Some(cap) = max_credits.filter(|cap| summary.credits > *cap) {
        let _ = writeln!(
            out,
            "\n> **More than the cap of {} credits:** a run stops submitting there.",
            trimmed(cap, 2)
        );
    }
    let changed = |scene: &&ScenePlan| !matches!(scene.action, Action::Unchanged | Action::Skip);
    let (away, shown): (Vec<&ScenePlan>, Vec<&ScenePlan>) =
        plan.scenes.iter().filter(changed).partition(|scene| is_only_away(scene));
    if !away.is_empty() {
        let ids: Vec<String> = away.iter().map(|scene| scene.scene_id.to_string()).collect();
        let clips = match away.len() {
            1 => "A clip is".to_owned(),
            count => format!("{count} clips are"),
        };
        let named = scenes_named(&ids, MOST_AWAY, |id| escaped(id, 40));
        let _ = writeln!(out, "\n{clips} unchanged and not on this machine ({named}).");
    }
    if shown.is_empty() {
        return out;
    }
    out.push_str(
        "\n| scene | title | action | model | clip | credits |\n|---|---|---|---|---|--:|\n",
    );
    for scene in shown.iter().take(MOST_SCENES) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            escaped(&scene.scene_id.to_string(), 40),
            escaped(scene.title.as_deref().unwrap_or_default(), 80),
            scene.action.name(),
            escaped(&model_of(scene), 40),
            length_of(scene),
            credits_of(scene),
        );
    }
    if shown.len() > MOST_SCENES {
        let _ = writeln!(out, "\nand {} more", counted(shown.len() - MOST_SCENES, "scene"));
    }
    let mut details = String::new();
    for scene in shown.iter().take(MOST_SCENES) {
        let told = details_of(scene);
        if details.len() + told.len() > MOST_DETAILS {
            details.push_str("\n…\n");
            break;
        }
        details.push_str(&told);
    }
    if !details.is_empty() {
        let _ = writeln!(out, "\n<details><summary>Why</summary>\n\n{details}\n</details>");
    }
    out
}

/// True where nothing is the matter but that the clip's file is not here.
fn is_only_away(scene: &ScenePlan) -> bool {
    matches!(scene.action, Action::Restore | Action::Absent)
        && scene.reasons.iter().all(|reason| reason.code == "output-missing")
}

fn details_of(scene: &ScenePlan) -> String {
    let mut out = String::new();
    let id = escaped(&scene.scene_id.to_string(), 40);
    for reason in &scene.reasons {
        if reason.code == "never-rendered" && reason.detail.is_none() {
            continue;
        }
        let _ = writeln!(out, "- **{id}** {}", reason_words(reason));
    }
    out
}

fn reason_words(reason: &Reason) -> String {
    let mut out = reason.step.map(|step| format!("{step} ")).unwrap_or_default();
    match (&reason.part, &reason.old, &reason.new) {
        (Some(part), old, new) if old.is_some() || new.is_some() => {
            let _ = write!(out, "{}: {}", escaped(part, 60), change(old.as_ref(), new.as_ref()));
        }
        (Some(part), ..) => {
            let _ = write!(out, "{}: {}", escaped(part, 60), code_words(reason.code));
        }
        _ => out.push_str(code_words(reason.code)),
    }
    if let Some(detail) = &reason.detail {
        let _ = write!(out, ": {}", escaped(detail, 400));
    }
    out
}

fn change(old: Option<&Value>, new: Option<&Value>) -> String {
    let word = |text: &str| escaped(text, 20_000);
    let went = |text: &str| format!("<del>{}</del>", word(text));
    let came = |text: &str| format!("<ins>**{}**</ins>", word(text));
    if let (Some(Value::String(old)), Some(Value::String(new))) = (old, new)
        && (old.chars().count() > SHORT_VALUE || new.chars().count() > SHORT_VALUE)
    {
        return diff::marked(old, new, &word, &went, &came);
    }
    format!("{} {}", went(&value_words(old)), came(&value_words(new)))
}

/// What came of a run that ended before there was a plan.
pub fn failure(storyboard: &str, code: &str, message: &str) -> String {
    format!(
        "### {}\n\n> **{}**: {}\n",
        escaped(storyboard, 200),
        escaped(code, 60),
        escaped(message, 1000)
    )
}

/// What came of a run.
pub fn run(storyboard: &str, log: &RunLog, commands: &Commands) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### {}\n", escaped(storyboard, 200));
    let Some(summary) = log.summary() else {
        out.push_str("**The run ended before it began.**\n");
        return out;
    };
    let counts = tally(&[
        (summary.rendered, "rendered"),
        (summary.takes, "more takes to choose from"),
        (summary.restored, "put back, free"),
        (summary.failed, "failed"),
        (summary.unknown, "with an unknown outcome"),
        (summary.still_running, "still running"),
        (summary.over_budget, "not started for the budget"),
        (summary.unfinished, "left for the next run"),
    ]);
    let counts = counts.unwrap_or_else(|| match &summary.stopped_by {
        Some(code) => format!("stopped ({})", escaped(code, 40)),
        None => left_over(summary),
    });
    let spent = trimmed(summary.credits, 2);
    let _ = writeln!(out, "**{counts}.** {spent} credits spent.");
    for error in log.errors() {
        let hint = error.hint.as_deref().map(|hint| format!(" ({})", escaped(hint, 400)));
        let _ = writeln!(
            out,
            "\n> **{}**: {}{}",
            escaped(&error.code, 40),
            escaped(&error.message, 600),
            hint.unwrap_or_default()
        );
    }
    let problems = log.problems_told();
    if !problems.is_empty() {
        out.push_str("\n| scene | | what |\n|---|---|---|\n");
        for (scene, kind, message) in problems.iter().take(MOST_SCENES) {
            let _ =
                writeln!(out, "| {} | {kind} | {} |", escaped(scene, 80), escaped(message, 600));
        }
    }
    let next = log.next(commands);
    if !next.is_empty() {
        out.push_str("\nNext:\n\n```sh\n");
        for command in next.iter().take(10) {
            let spends = if command.spends { "   # spends credits" } else { "" };
            let _ = writeln!(out, "{}{spends}", sanitise(&command.command, 300).replace('`', "'"));
        }
        out.push_str("```\n");
    }
    out
}

/// What a run that did nothing has left undone.
fn left_over(summary: &Summary) -> String {
    let count = |action: Action| summary.actions.get(action.name()).copied().unwrap_or_default();
    let left = tally(&[
        (count(Action::Create), "to create"),
        (count(Action::Update), "to update"),
        (count(Action::Blocked), "blocked"),
        (count(Action::Absent), "absent"),
    ]);
    left.map_or_else(|| "nothing to do".to_owned(), |left| format!("nothing was done: {left}"))
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn words_of_strangers_are_words() {
        for (written, shown) in [
            ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
            ("a | b `c` *d* _e_ ~f~", "a \\| b \\`c\\` \\*d\\* \\_e\\_ \\~f\\~"),
            (
                "@team see https://evil.example #12",
                "&#64;team see https&#58;//evil.example &#35;12",
            ),
            ("www.evil.example", "www&#46;evil.example"),
            ("[x](y) ![z](w)", "\\[x\\](y) \\!\\[z\\](w)"),
            ("one\n## two\u{1b}[2J", "one &#35;&#35; two\u{241b}\\[2J"),
        ] {
            assert_eq!(escaped(written, 200), shown);
        }
    }
}
