//! Events as JSON lines: one object a line, each with `event` and `time`.

use super::{Reporter, json_text};
use crate::engine::event::{Event, Stamped};
use serde_json::{Map, Value};
use std::io::Write;

/// Writes each event as one line; a reader that went away ends the writing, not the run.
pub struct JsonLines<W: Write> {
    out: W,
    broken: bool,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, broken: false }
    }
}

impl<W: Write> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Stamped) {
        if self.broken {
            return;
        }
        let line = json_text(&to_json(event).to_string()) + "\n";
        self.broken = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush()).is_err();
    }
}

/// One event as its object: `event`, `time`, then the scene, then what happened.
pub fn to_json(stamped: &Stamped) -> Value {
    let mut fields = match serde_json::to_value(&stamped.event) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut object = Map::new();
    object.insert("event".into(), fields.shift_remove("event").unwrap_or_default());
    object.insert("time".into(), time(stamped.time_ms).into());
    if let Some(about) = &stamped.about {
        object.insert("scene_id".into(), serde_json::to_value(&about.scene_id).unwrap_or_default());
        object.insert("step".into(), about.step.map(|step| step.name()).into());
        object.insert("step_index".into(), about.step_index.into());
        object.insert("take".into(), about.take.into());
    }
    // The counts of actions stand beside the other counts.
    if matches!(stamped.event, Event::RunFinished(_))
        && let Some(Value::Object(actions)) = fields.shift_remove("actions")
    {
        for action in crate::plan::Action::ALL {
            let count = actions.get(action.name()).cloned().unwrap_or_else(|| 0.into());
            object.insert(action.name().into(), count);
        }
    }
    object.extend(fields);
    Value::Object(object)
}

/// RFC 3339 in UTC with milliseconds.
pub fn time(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map(|time| format!("{time:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{About, Summary};
    use crate::ledger::FailureClass;
    use crate::storyboard::{SceneId, StepKind};

    fn about(scene: SceneId, step: Option<StepKind>) -> Option<About> {
        Some(About { scene_id: scene, step, step_index: step.map(|_| 0), take: Some(1) })
    }

    #[test]
    fn events_are_flat_objects() {
        let at = |seconds: i64, about, event| Stamped {
            time_ms: 1_795_000_000_000 + seconds * 1000,
            about,
            event,
        };
        let first = SceneId::Number(1);
        let events = [
            at(0, None, Event::Planned { scenes: 2, takes: 2, credits: 120.0, unpriced_steps: 0 }),
            at(
                1,
                about(first.clone(), Some(StepKind::Generate)),
                Event::Submitted { task_id: Some("t1".into()), credits: Some(60.0) },
            ),
            at(
                2,
                about(SceneId::Text("hook".into()), Some(StepKind::Generate)),
                Event::Failed {
                    class: FailureClass::Moderation,
                    message: "refused".into(),
                    charged: Some(false),
                },
            ),
            at(
                3,
                about(first, None),
                Event::Published {
                    filename: "assets/clips/scene-01.mp4".into(),
                    sha256: "sha256:00".into(),
                    credits: Some(60.0),
                    note: None,
                    candidate: false,
                },
            ),
            at(
                4,
                None,
                Event::RunFinished(Summary {
                    actions: [("create".to_owned(), 2)].into(),
                    rendered: 1,
                    failed: 1,
                    credits: 60.0,
                    estimate: 120.0,
                    ..Summary::default()
                }),
            ),
        ];
        let mut lines = JsonLines::new(Vec::new());
        for event in &events {
            lines.event(event);
        }
        insta::assert_snapshot!(String::from_utf8_lossy(&lines.out));
    }
}
