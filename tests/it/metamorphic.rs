//! One film written in a thousand ways: whatever does not change what is asked for renders nothing.
//!
//! Films are made up from a seed, written plainly, "rendered", and written again in a random hand: Markdown or YAML, other
//! labels, bullets, line breaks, orders, spellings of one value, and places of one field. The plan must find nothing to do.
//! `STORYREEL_FILMS` says how many films.

use crate::film::{Film, actions, assert_unchanged, codes};
use crate::support::Dice;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use storyreel::plan::{Action, Planned};

/// What a hand chooses by chance.
struct Hazard(Dice);

impl Hazard {
    fn of(seed: u64) -> Self {
        Self(Dice(seed))
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0.below(sides as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.roll(last + 1));
        }
    }
}

// ---- films ----

/// A value: its spellings mean the same; the first is the plain one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Said {
    label: &'static str,
    spellings: &'static [&'static str],
    /// Words that may be wrapped; other values stay on one line.
    words: bool,
}

const fn words(label: &'static str, spellings: &'static [&'static str]) -> Said {
    Said { label, spellings, words: true }
}

const fn value(label: &'static str, spellings: &'static [&'static str]) -> Said {
    Said { label, spellings, words: false }
}

/// What a scene may say in words besides what is seen.
const WORDS: &[Said] = &[
    words("camera", &["Slow dolly in past the rail"]),
    words("shot", &["Extreme wide, low angle"]),
    words("action", &["Ada climbs an iron spiral stair, a paraffin can in her right hand"]),
    words("subject", &["An old woman in a navy jumper"]),
    words("setting", &["Inside the tower, whitewashed stone sweating with damp"]),
    words("lighting", &["Dusk through one slit window, sliding down the wall"]),
    words("mood", &["Patient and a little stubborn"]),
    words("style", &["35mm film, fine grain, natural light only"]),
    words("sfx", &["Boots on iron, the can knocking against her knee"]),
    words("ambient", &["The swell outside, muffled by stone"]),
    words("music", &["One low cello note"]),
    words("negative", &["Text, watermarks, a second person"]),
    words("dialogue", &["Ada: Not tonight."]),
];

/// What never reaches a request, and may come and go.
const EDITORIAL: &[Said] = &[
    words("notes", &["Check the foam against the storm in scene 7"]),
    value("transition", &["crossfade", "cut"]),
    words("voiceover", &["Every night for forty years she climbed"]),
    value("text", &["SKERRY LIGHT"]),
    value("takes", &["1"]),
    value("status", &["draft", "approved"]),
];

const SEEN: &[&str] = &[
    "A white lighthouse alone on a black basalt skerry, its wake the only straight line on the water",
    "A new grey steel box bolted to old brick, one green light blinking on it",
    "A great lens of cut glass begins to turn, and the whole room turns with it",
    "A wave climbs the tower and falls back slowly from the gallery rail",
    "Gulls over an empty harbour at noon, one of them standing still",
    "An iron stair in whitewashed stone, seen from below in the last light",
];

const VEO: Said =
    value("model", &["Veo 3.1 Fast", "veo-3.1-fast", "VEO 3.1 FAST", "veo3_fast", "veo fast"]);
const KLING: Said = value("model", &["Kling 2.6", "kling-2.6", "kling", "KLING 2.6"]);
const RATIO: Said = value("aspect_ratio", &["9:16", "9 : 16", "9x16", "1080x1920"]);

#[derive(Debug, Clone)]
struct Scene {
    id: u32,
    title: &'static str,
    said: Vec<Said>,
    steps: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone)]
struct Story {
    /// Said of every scene.
    all: Vec<Said>,
    characters: Vec<(&'static str, &'static str, Option<&'static str>)>,
    scenes: Vec<Scene>,
}

fn story(dice: &mut Hazard) -> Story {
    let mut all = vec![*dice.pick(&[VEO, KLING]), RATIO];
    let veo = all[0] == VEO;
    if veo && dice.chance(2) {
        all.push(value("resolution", &["1080p", "1080P"]));
    }
    if dice.chance(2) {
        all.push(WORDS[7]);
    }
    if dice.chance(3) {
        all.push(words("negative", &["Text and watermarks"]));
    }
    let mut characters = Vec::new();
    if dice.chance(2) {
        characters.push(("ada", "Ada, seventy, a long grey braid, a navy wool jumper", None));
        characters.push(("tom", "Tom, a boy in yellow oilskins", None));
    }
    // Nothing carries what must not be seen into a prompt that is used word for word.
    let own_prompts = !all.iter().any(|said| said.label == "negative");
    let count = 2 + dice.roll(4);
    let scenes = (0..count).map(|index| {
        let seconds: &[Said] = &[
            value(
                "duration",
                &["5s", "5 s", "5 seconds", "5.0s", "0:00-0:05", "\u{ff08}5秒\u{ff09}"],
            ),
            value("duration", &["4s", "4", "4 sec", "0:10–0:14"]),
            value("duration", &["3.5s", "3.5 seconds", "0:00 - 0:03.5"]),
        ];
        let mut said = vec![*dice.pick(seconds)];
        if own_prompts && dice.chance(5) {
            said.push(words("prompt", std::slice::from_ref(dice.pick(SEEN))));
        } else {
            said.push(words("visual", std::slice::from_ref(dice.pick(SEEN))));
            for more in WORDS {
                if dice.chance(4) && !all.iter().any(|known| known.label == more.label) {
                    said.push(*more);
                }
            }
        }
        if !characters.is_empty() && dice.chance(2) {
            said.push(value("characters", &["ada, tom", "[ada, tom]", "Ada & Tom", "ada and tom"]));
        }
        if veo && dice.chance(3) {
            said.push(value("seed", &["12345", "12_345"]));
        }
        if veo && dice.chance(4) {
            let params = &["watermark=me", "watermark: me", "WATERMARK=me"];
            said.push(value("params", params));
        }
        if !veo && dice.chance(2) {
            said.push(value("audio", &["on", "true", "yes", "On"]));
        }
        if dice.chance(4) {
            said.push(value("reference", &["refs/rock.png", "./refs/rock.png", "refs/copy.png"]));
        }
        let mut steps = Vec::new();
        if veo && dice.chance(3) {
            steps
                .push(("extend", "The camera keeps drifting past the lamp room, and a gull lands"));
        }
        if veo && dice.chance(4) {
            steps.push(("upscale", *dice.pick(&["4k", "1080p"])));
        }
        let title = *dice.pick(&["First light", "The stair", "The wave", "Noon"]);
        Scene { id: index as u32 * 10 + 10, title, said, steps }
    });
    let scenes = scenes.collect();
    Story { all, characters, scenes }
}

/// A film with the files that its scenes may name.
fn rendered(text: &str) -> Film {
    let mut film = Film::new();
    for (path, content) in
        [("refs/rock.png", "rock"), ("./refs/rock.png", "rock"), ("refs/copy.png", "rock")]
    {
        film.file(path, content);
    }
    film.render(text);
    film
}

// ---- hands ----

/// Where a field that holds for all scenes is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Scene,
    Top,
    Defaults,
    Config,
}

/// How a film is written down.
struct Hand {
    dice: Hazard,
    /// False for the plain hand, which never varies anything.
    free: bool,
    yaml: bool,
}

impl Hand {
    fn plain() -> Self {
        Self { dice: Hazard::of(0), free: false, yaml: false }
    }

    fn free(seed: u64) -> Self {
        let mut dice = Hazard::of(seed);
        let yaml = dice.chance(2);
        Self { dice, free: true, yaml }
    }

    fn may(&mut self, one_in: usize) -> bool {
        self.free && self.dice.chance(one_in)
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        if self.free { self.dice.pick(items) } else { &items[0] }
    }

    fn order<T>(&mut self, items: &mut [T]) {
        if self.free {
            self.dice.shuffle(items);
        }
    }

    /// The storyboard, and the `[defaults]` of its configuration.
    fn write(&mut self, story: &Story) -> (String, String) {
        let places: Vec<At> = story
            .all
            .iter()
            .map(|_| *self.one_of(&[At::Defaults, At::Top, At::Scene, At::Config]))
            .collect();
        let at = |place: At| -> Vec<Said> {
            let fits = story.all.iter().zip(&places).filter(|(_, at)| **at == place);
            fits.map(|(said, _)| *said).collect()
        };
        let mut config = String::new();
        for said in at(At::Config) {
            let _ = writeln!(config, "{} = {:?}", said.label, self.one_of(said.spellings));
        }
        let mut story = story.clone();
        for scene in &mut story.scenes {
            scene.said.extend(at(At::Scene));
            // Said twice is said once.
            for said in at(At::Top).into_iter().chain(at(At::Config)) {
                if self.may(4) {
                    scene.said.push(said);
                }
            }
            for said in EDITORIAL {
                if self.may(6) {
                    scene.said.push(*said);
                }
            }
            self.order(&mut scene.said);
        }
        self.order(&mut story.scenes);
        let (top, defaults) = (at(At::Top), at(At::Defaults));
        let text = if self.yaml {
            self.write_yaml(&story, &top, &defaults)
        } else {
            self.write_markdown(&story, &top, &defaults)
        };
        (self.finish(text), config)
    }

    fn finish(&mut self, text: String) -> String {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            lines.push(match self.may(8) {
                true => format!("{line}{}", self.one_of(&[" ", "   ", "\t"])),
                false => line.to_owned(),
            });
        }
        let end = if self.may(3) { "\r\n" } else { "\n" };
        let mark = if self.may(4) { "\u{feff}" } else { "" };
        format!("{mark}{}{end}", lines.join(end))
    }

    fn spelled(&mut self, said: &Said) -> String {
        (*self.one_of(said.spellings)).to_owned()
    }

    /// `Aspect Ratio`, `aspect_ratio`, `aspectRatio`, ...
    fn label(&mut self, label: &str) -> String {
        let words: Vec<&str> = label.split('_').collect();
        let title = |word: &str| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_uppercase())
        };
        let titles: Vec<String> = words.iter().map(|word| title(word)).collect();
        match *self.one_of(&[0, 1, 2, 3, 4, 5]) {
            0 => titles.join(" "),
            1 => label.to_owned(),
            2 => label.to_uppercase().replace('_', " "),
            3 => titles.concat(),
            4 => format!("{}{}", words[0], titles[1..].concat()),
            _ => words.join("-"),
        }
    }

    /// Words with soft line breaks; `indent` begins each further line.
    fn wrapped(&mut self, text: &str, indent: &str) -> String {
        let mut out = String::new();
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                // A word that would begin a list, a heading or a label must not begin a line.
                let breaks = self.may(5) && word.chars().all(char::is_alphanumeric);
                out.push_str(&if breaks { format!("\n{indent}") } else { " ".to_owned() });
            }
            out.push_str(word);
        }
        out
    }

    // ---- Markdown ----

    fn write_markdown(&mut self, story: &Story, top: &[Said], defaults: &[Said]) -> String {
        let head = self.head(story, top, defaults);
        let mut out = format!("---\n{head}---\n");
        if self.may(3) {
            out.push_str("\n# The Keeper of Skerry Light\n\nA last night before the machine.\n");
        }
        for scene in &story.scenes {
            if self.may(4) {
                out.push_str("\n<!-- From here on the sea is heard.\n## Scene 99: never\n-->\n");
            }
            out.push('\n');
            self.markdown_scene(scene, &mut out);
        }
        out
    }

    fn markdown_scene(&mut self, scene: &Scene, out: &mut String) {
        let word = *self.one_of(&["Scene ", "Shot ", "scene ", "Clip "]);
        let dash = *self.one_of(&[": ", " - ", " — ", ". "]);
        let title = *self.one_of(&[scene.title, "Another title"]);
        let _ = writeln!(out, "## {word}{}{dash}{title}", scene.id);
        for said in &scene.said {
            if self.may(6) {
                out.push('\n');
            }
            if self.may(8) {
                out.push_str("<!-- a remark -->\n");
            }
            let spelled = self.spelled(said);
            let mut text = if said.words { self.wrapped(&spelled, "  ") } else { spelled };
            if said.words && self.may(8) {
                text = text.replacen(' ', " <!-- a remark --> ", 1);
            }
            let label = self.label(said.label);
            let bullet = *self.one_of(&["- ", "* ", "- "]);
            let _ = match *self.one_of(&[0, 1, 2]) {
                0 => writeln!(out, "{bullet}**{label}**: {text}"),
                1 => writeln!(out, "{bullet}**{label}:** {text}"),
                _ => writeln!(out, "{bullet}{label}: {text}"),
            };
        }
        for (kind, text) in &scene.steps {
            let name = self.one_of(&[(*kind).to_owned(), title_case(kind)]).clone();
            let text = if *kind == "extend" { self.wrapped(text, "") } else { (*text).to_owned() };
            let _ = write!(out, "\n### {name}\n");
            if self.may(2) {
                out.push('\n');
            }
            let field = if *kind == "extend" { "Prompt" } else { "Resolution" };
            let _ = match *self.one_of(&[0, 1]) {
                0 => writeln!(out, "{text}"),
                _ => writeln!(out, "- **{field}**: {}", text.replace('\n', "\n  ")),
            };
        }
    }

    // ---- YAML ----

    /// Front matter, and the beginning of a YAML storyboard.
    fn head(&mut self, story: &Story, top: &[Said], defaults: &[Said]) -> String {
        let mut parts = vec!["title: The Keeper of Skerry Light\n".to_owned()];
        for said in top {
            parts.push(self.yaml_field(said, ""));
        }
        if !defaults.is_empty() {
            let mut fields: Vec<String> =
                defaults.iter().map(|said| self.yaml_field(said, "  ")).collect();
            self.order(&mut fields);
            parts.push(format!("defaults:\n{}", fields.concat()));
        }
        if !story.characters.is_empty() {
            let mut all = story.characters.clone();
            self.order(&mut all);
            let mut text = "characters:\n".to_owned();
            for (name, look, image) in all {
                let look = self.quoted(look, "      ");
                let _ = writeln!(text, "  {name}:\n    look: {look}");
                if let Some(image) = image {
                    let _ = writeln!(text, "    image: {image}");
                }
            }
            parts.push(text);
        }
        self.order(&mut parts);
        if self.may(3) {
            parts.insert(0, "# written by hand\n".to_owned());
        }
        parts.concat()
    }

    fn write_yaml(&mut self, story: &Story, top: &[Said], defaults: &[Said]) -> String {
        let mut out = self.head(story, top, defaults);
        out.push_str("scenes:\n");
        for scene in &story.scenes {
            if self.may(4) {
                out.push_str("  # from here on the sea is heard\n\n");
            }
            let mut parts = vec![format!("title: {}\n", scene.title)];
            parts.push(format!("id: {}\n", scene.id));
            for said in &scene.said {
                parts.push(self.yaml_field(said, ""));
            }
            if !scene.steps.is_empty() {
                let mut text = "steps:\n".to_owned();
                for (kind, words) in &scene.steps {
                    let field = if *kind == "extend" { "prompt" } else { "resolution" };
                    let _ = match *self.one_of(&[0, 1]) {
                        0 => writeln!(text, "  - {kind}: {words:?}"),
                        _ => writeln!(text, "  - {kind}:\n      {field}: {words:?}"),
                    };
                }
                parts.push(text);
            }
            self.order(&mut parts);
            let text = parts.concat();
            for (index, line) in text.lines().enumerate() {
                let _ = writeln!(out, "{}{line}", if index == 0 { "  - " } else { "    " });
            }
        }
        out
    }

    fn yaml_field(&mut self, said: &Said, indent: &str) -> String {
        let spelled = self.spelled(said);
        let same = said.label.to_owned();
        let label = self.one_of(&[same.clone(), same, said.label.to_uppercase()]).clone();
        let text = if said.words {
            self.quoted(&spelled, &format!("{indent}  "))
        } else {
            format!("{spelled:?}")
        };
        let remark = if self.may(6) && !text.contains('\n') { " # a remark" } else { "" };
        format!("{indent}{label}: {text}{remark}\n")
    }

    /// Words in one of YAML's ways; further lines begin with `indent`.
    fn quoted(&mut self, text: &str, indent: &str) -> String {
        match *self.one_of(&[0, 1, 2, 3]) {
            0 => format!("{text:?}"),
            1 => format!("'{text}'"),
            2 => format!("\"{}\"", self.wrapped(text, indent)),
            _ => format!(">-\n{indent}{}", self.wrapped(text, indent)),
        }
    }
}

fn title_case(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

// ---- the properties ----

fn films() -> u64 {
    std::env::var("STORYREEL_FILMS").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

fn plainly(story: &Story) -> String {
    Hand::plain().write(story).0
}

/// The fingerprints of all steps, by scene.
fn fingerprints(planned: &Planned) -> BTreeMap<String, Vec<Option<String>>> {
    let of = |steps: &[storyreel::plan::StepPlan]| {
        steps.iter().map(|step| step.fingerprint.clone()).collect()
    };
    let scenes = planned.plan.scenes.iter();
    scenes.map(|scene| (scene.scene_id.to_string(), of(&scene.steps))).collect()
}

#[test]
fn another_hand_renders_nothing() {
    for seed in 0..films() {
        let story = story(&mut Hazard::of(seed));
        let plain = plainly(&story);
        let mut film = rendered(&plain);
        let before = fingerprints(&film.plan(&plain));
        for hand in 0..5 {
            let (text, config) = Hand::free(seed * 1000 + hand).write(&story);
            film.configure(&config);
            let planned = film.plan(&text);
            let told = format!("film {seed}, hand {hand}\n{plain}\n----\n{config}\n----\n{text}");
            assert_unchanged(&planned, &told);
            assert_eq!(fingerprints(&planned), before, "{told}");
        }
    }
}

#[test]
fn scenes_that_are_inserted_deleted_and_renumbered_leave_the_others_alone() {
    for seed in 0..films() {
        let dice = &mut Hazard::of(seed ^ 0xface);
        let before = story(dice);
        let film = rendered(&plainly(&before));
        let mut after = before.clone();
        let deleted = dice.chance(2).then(|| after.scenes.remove(dice.roll(after.scenes.len())));
        let inserted = dice.chance(2).then(|| {
            let new = Scene {
                id: 5,
                title: "New",
                said: vec![
                    value("duration", &["4s"]),
                    words("visual", &["Something that nobody has seen before"]),
                ],
                steps: Vec::new(),
            };
            after.scenes.insert(dice.roll(after.scenes.len() + 1), new);
        });
        let renumbered = dice.chance(2);
        if renumbered {
            for (index, scene) in after.scenes.iter_mut().enumerate() {
                scene.id = index as u32 + 1;
            }
        }
        let (text, config) = Hand::free(seed).write(&after);
        let mut film = film;
        film.configure(&config);
        let planned = film.plan(&text);
        let summary = &planned.plan.summary;
        let told = format!(
            "film {seed}: deleted {deleted:?}, inserted {inserted:?}, renumbered {renumbered}: {:?}\n{text}",
            actions(&planned)
        );
        assert_eq!(summary.create, usize::from(inserted.is_some()), "{told}");
        assert_eq!(summary.update, 0, "{told}");
        assert_eq!(
            summary.unchanged + summary.moved + summary.create,
            after.scenes.len(),
            "{told}"
        );
        if !renumbered {
            assert_eq!(summary.moved, 0, "{told}");
        }
        assert_eq!(planned.plan.orphans.len(), usize::from(deleted.is_some()), "{told}");
        // What was moved stays where it is now.
        if inserted.is_none() {
            film.render(&text);
            assert_unchanged(&film.plan(&text), &told);
        }
    }
}

#[test]
fn the_made_up_films_are_worth_it() {
    let all: Vec<Story> = (0..60).map(|seed| story(&mut Hazard::of(seed))).collect();
    let scenes = || all.iter().flat_map(|story| &story.scenes);
    for said in WORDS {
        assert!(scenes().any(|scene| scene.said.contains(said)), "{}", said.label);
    }
    for label in ["reference", "params", "seed", "characters", "audio", "prompt"] {
        let says = |scene: &Scene| scene.said.iter().any(|said| said.label == label);
        assert!(scenes().any(says), "{label}");
    }
    for step in ["extend", "upscale"] {
        assert!(scenes().any(|scene| scene.steps.iter().any(|(kind, _)| *kind == step)), "{step}");
    }
    let texts: Vec<String> =
        (0..60).map(|seed| Hand::free(seed).write(&all[seed as usize]).0).collect();
    for part in ["\r\n", "\u{feff}", "scenes:", "<!--", "# a remark", "defaults:", ">-\n", "* **"] {
        assert!(texts.iter().any(|text| text.contains(part)), "{part:?}");
    }
    // And a change in earnest is seen in any hand.
    for seed in 0..20 {
        let mut changed = all[seed as usize].clone();
        let film = rendered(&plainly(&changed));
        let scene = &mut changed.scenes[0];
        // With a picture, only what moves is told: the action in place of what is seen.
        scene.said.retain(|said| !["visual", "prompt", "action"].contains(&said.label));
        scene.said.push(words("visual", &["A fishing boat burns on the horizon"]));
        let (text, config) = Hand::free(seed).write(&changed);
        let mut film = film;
        film.configure(&config);
        let planned = film.plan(&text);
        let place = planned.plan.scenes.iter().position(|scene| scene.scene_id.to_string() == "10");
        let place = place.expect("scene 10");
        assert_eq!(planned.plan.scenes[place].action, Action::Update, "{text}");
        assert!(codes(&planned, place).contains(&"prompt-changed prompt".to_owned()));
        assert_eq!(planned.plan.summary.update, 1);
    }
}
