//! Films as texts: Markdown or YAML, in a hand that changes nothing but how they look.

use super::story::{Part, Scene, Source, Start, Step, Story};
use crate::support::Dice;
use std::fmt::Write as _;

/// A field as it is written.
struct Field {
    label: &'static str,
    value: Value,
}

enum Value {
    /// May be wrapped.
    Words(String),
    Plain(String),
    Inputs(Vec<String>),
}

/// The text, and the name of its file.
pub fn write(story: &Story) -> (&'static str, String) {
    let mut hand = Hand { dice: Dice(story.hand) };
    let yaml = hand.dice.chance(50);
    let text = if yaml { hand.yaml(story) } else { hand.markdown(story) };
    let text = if hand.dice.chance(20) { text.replace('\n', "\r\n") } else { text };
    (if yaml { "storyboard.yaml" } else { "SCENES.md" }, text)
}

struct Hand {
    dice: Dice,
}

impl Hand {
    fn markdown(&mut self, story: &Story) -> String {
        let mut out = format!("---\n{}---\n", self.head(story));
        for scene in &story.scenes {
            if self.dice.chance(10) {
                out.push_str("\n<!-- From here on the sea is heard.\n## Scene 9999: never\n-->\n");
            }
            let _ = writeln!(out, "\n## Scene {}: {}", scene.id, scene.title);
            let fields = self.ordered(fields(story, scene));
            for Field { label, value } in fields {
                let value = match value {
                    Value::Words(text) => self.wrapped(&text, "  "),
                    Value::Plain(text) => text,
                    Value::Inputs(inputs) => inputs.join(", "),
                };
                let _ = writeln!(out, "- **{}**: {value}", label.replace('_', " "));
            }
            for (step, label, text) in steps(story, scene) {
                let _ = writeln!(out, "\n### {step}\n- **{label}**: {}", self.wrapped(&text, "  "));
            }
        }
        out
    }

    fn yaml(&mut self, story: &Story) -> String {
        let mut out = self.head(story);
        out.push_str("scenes:\n");
        for scene in &story.scenes {
            if self.dice.chance(10) {
                out.push_str("  # from here on the sea is heard\n");
            }
            let _ = writeln!(out, "  - id: {}\n    title: {:?}", scene.id, scene.title);
            let fields = self.ordered(fields(story, scene));
            for Field { label, value } in fields {
                let value = match value {
                    Value::Words(text) => self.quoted(&text, "      "),
                    Value::Plain(text) => format!("{text:?}"),
                    Value::Inputs(inputs) => format!("{inputs:?}"),
                };
                let _ = writeln!(out, "    {label}: {value}");
            }
            let steps = steps(story, scene);
            if !steps.is_empty() {
                out.push_str("    steps:\n");
            }
            for (step, label, text) in steps {
                let _ = writeln!(out, "      - {step}: {{{label}: {text:?}}}");
            }
        }
        out
    }

    /// Front matter, and the beginning of a YAML storyboard.
    fn head(&mut self, story: &Story) -> String {
        let mut fields = vec![format!("model: {:?}", story.model.name())];
        fields.extend(story.ratio.map(|ratio| format!("aspect_ratio: {ratio:?}")));
        fields.extend(story.words.iter().map(|(label, text)| format!("{label}: {text:?}")));
        self.shuffle(&mut fields);
        let mut out = "title: The Keeper of Skerry Light\n".to_owned();
        if self.dice.chance(50) {
            let _ = writeln!(out, "{}", fields.join("\n"));
        } else {
            let _ = writeln!(out, "defaults:\n  {}", fields.join("\n  "));
        }
        if !story.characters.is_empty() {
            out.push_str("characters:\n");
        }
        for character in &story.characters {
            let look = self.quoted(&character.look, "      ");
            let _ = writeln!(out, "  {}:\n    look: {look}", character.name);
            if let Some(portrait) = character.portrait {
                let _ = writeln!(out, "    image: {portrait}");
            }
        }
        out
    }

    fn ordered(&mut self, mut fields: Vec<Field>) -> Vec<Field> {
        if self.dice.chance(50) {
            self.shuffle(&mut fields);
        }
        fields
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.dice.below(last as u64 + 1)).expect("small");
            items.swap(last, other);
        }
    }

    /// Words with soft line breaks; `indent` begins each further line.
    fn wrapped(&mut self, text: &str, indent: &str) -> String {
        let mut out = String::new();
        for (index, word) in text.split(' ').enumerate() {
            // A word that would begin a list, a heading or a label must not begin a line.
            let breaks = index > 0 && self.dice.chance(10) && word.chars().all(char::is_alphabetic);
            out.push_str(if breaks {
                "\n"
            } else if index > 0 {
                " "
            } else {
                ""
            });
            out.push_str(if breaks { indent } else { "" });
            out.push_str(word);
        }
        out
    }

    /// Words in one of YAML's ways.
    fn quoted(&mut self, text: &str, indent: &str) -> String {
        match self.dice.below(3) {
            0 => format!("{text:?}"),
            1 => format!("\"{}\"", self.wrapped(text, indent)),
            _ => format!(">-\n{indent}{}", self.wrapped(text, indent)),
        }
    }
}

/// Everything a scene says but its steps.
fn fields(story: &Story, scene: &Scene) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut put = |label, value| fields.push(Field { label, value });
    put("duration", Value::Plain(format!("{}s", scene.seconds)));
    for (label, text) in Story::own_words(scene) {
        put(label, Value::Words(text.to_owned()));
    }
    for (label, text) in &scene.editorial {
        put(label, Value::Words(text.clone()));
    }
    if scene.is_clip() {
        let model = story.model_of(scene);
        if matches!(scene.start, Start::Remake(_)) {
            put("model", Value::Plain("Runway Aleph".to_owned()));
        } else if scene.model.is_some() || model != story.model {
            put("model", Value::Plain(model.name().to_owned()));
        }
    }
    if let Some(ratio) = scene.ratio {
        put("aspect_ratio", Value::Plain(ratio.to_owned()));
    }
    if let Some(resolution) = story.resolution_of(scene) {
        put("resolution", Value::Plain(resolution.to_owned()));
    }
    if let Some(seed) = story.seed_of(scene) {
        put("seed", Value::Plain(seed.to_string()));
    }
    let known = |name: &&str| story.characters.iter().any(|one| one.name == *name);
    let cast: Vec<String> = scene.cast.iter().copied().filter(known).map(str::to_owned).collect();
    if !cast.is_empty() {
        put("characters", Value::Inputs(cast));
    }
    let shown = |source: &Source| source_text(story, *source);
    match &scene.start {
        Start::Words => {}
        Start::Picture(one) => put("reference", Value::Inputs(vec![shown(one)])),
        Start::Between(first, last) => {
            put("reference", Value::Inputs(vec![shown(first)]));
            put("last_frame", Value::Inputs(vec![shown(last)]));
        }
        Start::Remake(uid) => {
            put("video", Value::Inputs(vec![format!("scene:{}", story.scene(*uid).id)]));
        }
        Start::Prompted(text) => put("image_prompt", Value::Words(text.clone())),
        Start::Several(all) | Start::Drawn(_, all) | Start::Still(all) if !all.is_empty() => {
            put("reference", Value::Inputs(all.iter().map(shown).collect()));
        }
        Start::Several(_) | Start::Drawn(..) | Start::Still(_) => {}
        Start::Footage => put("file", Value::Plain("footage/sea.mp4".to_owned())),
    }
    if scene.is_still() {
        put("type", Value::Plain("image".to_owned()));
    }
    fields
}

/// The steps of a scene: name, field and words.
fn steps(story: &Story, scene: &Scene) -> Vec<(&'static str, &'static str, String)> {
    let mut all = Vec::new();
    if let Start::Drawn(text, _) = &scene.start {
        all.push(("keyframe", "prompt", text.clone()));
    }
    for step in story.steps_of(scene) {
        let (label, text) = match &step {
            Step::Extend(text) | Step::Restyle(text) => ("prompt", text.clone()),
            Step::Act(text) => ("action", text.clone()),
            Step::Upscale(target) => ("resolution", (*target).to_owned()),
            Step::Topaz(factor) => ("resolution", format!("topaz {factor}")),
        };
        all.push((step.name(), label, text));
    }
    all
}

fn source_text(story: &Story, source: Source) -> String {
    match source {
        Source::File(path) => path.to_owned(),
        Source::Url(url) => url.to_owned(),
        Source::Scene(uid, part) => {
            let id = &story.scene(uid).id;
            match story.part_of(uid, part) {
                Part::First => format!("scene:{id}/first"),
                Part::Last => format!("scene:{id}"),
                Part::Keyframe => format!("scene:{id}/keyframe"),
            }
        }
    }
}
