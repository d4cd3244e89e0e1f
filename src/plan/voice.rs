//! Voices: the words of a scene, spoken by a speech model before any clip is paid for.

use super::ask::{Ask, AskStep};
use super::build::{Builder, Built, Making};
use super::problem::{Problem, step_problem};
use super::values::{merged, params, text};
use super::wording::Worded;
use crate::catalog::{Found, ModeKind, Wanted, is_auto};
use crate::storyboard::{Field, StepKind, Value};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who speaks with one voice where nobody names another model: the cheapest of the provider's.
const SPEAKER: &str = "ElevenLabs Turbo 2.5";
/// Who speaks with several voices.
const SPEAKERS: &str = "ElevenLabs Dialogue V3";

/// How a scene's own voice is called in its ask and in the requests of its clip.
pub const VOICE: &str = "voice";

/// What one person says.
#[derive(Debug, PartialEq)]
struct Line {
    /// The voice of who says it, where one is known.
    voice: Option<String>,
    words: String,
}

impl Builder<'_> {
    /// Makes the step of a voice.
    pub(super) fn voice(
        &self,
        ask: &Ask,
        (index, step): (usize, &AskStep),
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) {
        let at = Some(index);
        let fields = merged(&ask.fields, Some(&step.fields));
        let lines = lines(ask, step, &fields);
        if lines.iter().all(|line| line.words.is_empty()) {
            problems.push(step_problem(
                index,
                "nothing-to-say",
                "the step `voice` has no words".into(),
                "give the scene a `voiceover` or `dialogue`, or write the words at the step",
            ));
            return;
        }
        let voices: BTreeSet<&str> =
            lines.iter().filter_map(|line| line.voice.as_deref()).collect();
        let usual = if voices.len() > 1 { SPEAKERS } else { SPEAKER };
        // The model of the scene makes its clip.
        let named = text(&step.fields, Field::Model).filter(|name| !is_auto(name));
        let named = Value::Text(named.unwrap_or(usual).to_owned());
        let by_name = BTreeMap::from([(Field::Model, named)]);
        let Some(found) = self.named(&by_name, at, built, problems) else { return };
        let model = found.model();
        let Some(mode) = model.mode(ModeKind::Tts) else {
            problems.push(step_problem(
                index,
                "no-such-step",
                format!("`{}` cannot speak", model.name),
                "leave the step's model out, or name a speech model; `storyreel models` lists them",
            ));
            return;
        };
        let mut wanted = Wanted { fields: BTreeMap::new(), params: params(&step.fields) };
        let words: Vec<&str> = lines.iter().map(|line| line.words.as_str()).collect();
        let words = words.join("\n");
        if mode.takes("dialogue") {
            wanted.fields.insert("dialogue".into(), lines.iter().map(turn).collect());
        } else {
            if voices.len() > 1 {
                let all: Vec<&str> = voices.into_iter().collect();
                problems.push(step_problem(
                    index,
                    "several-voices",
                    format!(
                        "`{}` speaks with one voice, and these are {}",
                        model.name,
                        all.join(", ")
                    ),
                    "leave the step's model out: `ElevenLabs Dialogue V3` speaks with several",
                ));
                return;
            }
            if mode.takes("prompt") {
                wanted.fields.insert("prompt".into(), words.clone().into());
            }
            if let Some(voice) = voices.first().filter(|_| mode.takes("voice")) {
                wanted.fields.insert("voice".into(), (*voice).into());
            }
        }
        let making = Making {
            kind: StepKind::Voice,
            index: at,
            model,
            mode,
            seconds: None,
            input_seconds: None,
            words: Worded { prompt: words, ..Worded::default() },
        };
        if let Some(step) = self.make(making, &wanted, built, problems) {
            built.steps.push(step);
        }
    }
}

fn turn(line: &Line) -> Json {
    match &line.voice {
        Some(voice) => json!({"text": line.words, "voice": voice}),
        None => json!({ "text": line.words }),
    }
}

/// What is said, and by whom: the words of the step are the narrator's, those of a dialogue each character's.
fn lines(ask: &Ask, step: &AskStep, fields: &BTreeMap<Field, Value>) -> Vec<Line> {
    let narrator = text(fields, Field::VoiceName).map(str::to_owned);
    let written = text(&step.fields, Field::Prompt).or(text(fields, Field::Dialogue));
    let written = written.unwrap_or_default().lines().map(str::trim);
    let mut lines: Vec<Line> = Vec::new();
    for line in written.filter(|line| !line.is_empty()) {
        let spoken = line.split_once([':', '：']).and_then(|(name, words)| {
            let name = name.trim().trim_matches('*').trim();
            let cast = ask.characters.iter().find(|one| one.name.eq_ignore_ascii_case(name))?;
            Some((cast.voice.clone().or_else(|| narrator.clone()), words))
        });
        let (voice, words) = spoken.unwrap_or((narrator.clone(), line));
        let words = words.trim().trim_matches(['"', '“', '”', '„', '「', '」', '«', '»']).trim();
        match lines.last_mut().filter(|last| last.voice == voice) {
            // One who goes on speaking takes no turn of his own.
            Some(last) => {
                last.words.push('\n');
                last.words.push_str(words);
            }
            None => lines.push(Line { voice, words: words.to_owned() }),
        }
    }
    lines
}

/// The step that speaks, with its place.
pub(super) fn step_of(ask: &Ask) -> Option<(usize, &AskStep)> {
    ask.steps.iter().enumerate().find(|(_, step)| step.kind == StepKind::Voice)
}

/// The scene's own voice as it stands in a request, where it has one: its content once that is known.
pub(super) fn symbol(ask: &Ask) -> Option<Json> {
    step_of(ask)?;
    Some(ask.upstream.get(VOICE).cloned().unwrap_or_else(|| json!({ "$scene": VOICE })))
}

/// Whether models make clips of a picture that speaks, and nothing else: such a clip needs a voice.
pub(super) fn speaks(found: &Found<'_>) -> bool {
    let meant = |kinds: &[ModeKind]| {
        found.models.iter().any(|model| {
            model.modes.iter().any(|mode| {
                kinds.contains(&mode.kind)
                    && found.wants.as_ref().is_none_or(|wants| wants.fits(mode))
            })
        })
    };
    meant(&[ModeKind::Speech])
        && !meant(&[ModeKind::T2v, ModeKind::I2v, ModeKind::V2v, ModeKind::Reference])
}
