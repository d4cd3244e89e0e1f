//! The ask: everything an author said of a scene that can reach a request, recorded so that it can be built again.
//!
//! An ask is the builder's only input besides the catalogue and the templates. A manifest entry keeps it, and a
//! scene has changed if and only if today's builder makes different requests from the recorded ask and from the
//! present one. That is why an ask holds what the *author* wrote and no default of ours: a default that changes
//! with an upgrade changes both sides alike.

use crate::catalog::{goal_named, is_auto};
use crate::storyboard::{
    Field, FieldKind, Fields, FrameOf, Input, Profile, STILL, Scene, Step, StepKind, Storyboard,
    Value,
};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What an author wants of one scene.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ask {
    /// Effective fields: the scene's own, over front matter, over configuration.
    pub fields: BTreeMap<Field, Value>,
    /// Its steps as written, a plain generate not among them.
    pub steps: Vec<AskStep>,
    /// Characters that appear in it: name, description, reference pictures.
    pub characters: Vec<AskCharacter>,
    /// Digests of the files it names, by path as written.
    pub files: BTreeMap<String, String>,
    /// Digests of the project's own templates that it may use, by prompt style.
    pub templates: BTreeMap<String, String>,
    /// The model that `auto` was for this scene: a guide that changes with an upgrade must not change it.
    pub chosen: Option<String>,
    /// What other scenes gave, by the names of their uses: `scene:3/last`. One that is not rendered yet is not here.
    pub upstream: BTreeMap<String, Json>,
    /// Labels of the scene that this version does not know. Of their values nothing is recorded: they may be anything.
    pub unknown: Vec<String>,
    /// Only the steps up to this one are asked for: a still that is chosen before the clip is made.
    pub through: Option<StepKind>,
    /// Which of several takes it is, from 0, where a seed tells them apart: the seed in the ask is this take's own.
    pub candidate: i64,
    /// The profile that it was asked for with: a draft never takes the place of a final.
    pub profile: Option<String>,
}

/// A step in an ask.
#[derive(Debug, Clone, PartialEq)]
pub struct AskStep {
    /// What is done.
    pub kind: StepKind,
    /// The fields that hold for it only.
    pub fields: BTreeMap<Field, Value>,
}

/// A character in an ask.
#[derive(Debug, Clone, PartialEq)]
pub struct AskCharacter {
    /// Its name.
    pub name: String,
    /// Its description, spliced into prompts word for word.
    pub look: Option<String>,
    /// Its pictures.
    pub images: Vec<Input>,
    /// The voice that speaks its lines.
    pub voice: Option<String>,
}

/// Fields of which a default means clips.
const OF_CLIPS: [Field; 6] =
    [Field::Model, Field::Goal, Field::Resolution, Field::ClipLength, Field::Audio, Field::Params];

impl Ask {
    /// The ask of a scene. `defaults` are the merged defaults (front matter over configuration) with the run's profile;
    /// `digests` gives the content digest of a path as written, `None` where the file is missing.
    pub fn of(
        scene: &Scene,
        board: &Storyboard,
        (defaults, profile): (&Fields, Option<&Profile>),
        digests: &dyn Fn(&str) -> Option<String>,
        templates: &BTreeMap<String, String>,
    ) -> Self {
        let mut effective = scene.effective(defaults);
        let still = effective.is_still();
        if still {
            // What a film says of its clips is not said of its stills.
            for field in OF_CLIPS.iter().filter(|field| !scene.fields.has(**field)) {
                effective.remove(*field);
            }
        }
        let fields = reaching(&effective);
        let mut steps: Vec<AskStep> = scene
            .steps
            .as_ref()
            .or(board.default_steps.as_ref().filter(|_| !still))
            .into_iter()
            .flatten()
            .map(|step: &Step| AskStep { kind: step.kind, fields: reaching(&step.fields) })
            .collect();
        for step in steps.iter_mut().filter(|step| step.kind == StepKind::Voice) {
            // What is said in the cut is said by nobody else, unless the step says something of its own.
            if let Some(words) = effective.text(Field::Voiceover) {
                let words = || Value::Text(words.to_owned());
                step.fields.entry(Field::Prompt).or_insert_with(words);
            }
        }
        let profile = profile.filter(|_| !still);
        if let Some(profile) = profile {
            let has_params = fields.contains_key(&Field::Params);
            super::profile::put_over(profile, &mut steps, has_params);
        }
        // What a sheet shows is all said already, and its character's picture is the sheet itself.
        let characters = match scene.sheet_of {
            Some(_) => Vec::new(),
            None => characters_of(&fields, &steps, board),
        };
        let mut ask = Self {
            fields,
            steps,
            characters,
            files: BTreeMap::new(),
            templates: templates.clone(),
            chosen: None,
            upstream: BTreeMap::new(),
            unknown: unknown(scene),
            through: None,
            candidate: 0,
            profile: profile.map(|profile| profile.name.value.clone()),
        };
        ask.files = ask
            .paths()
            .into_iter()
            .filter_map(|path| digests(&path).map(|digest| (path, digest)))
            .collect();
        ask
    }

    /// The same where `negative` says `no rings`, which a model would take for rings that are kept in. `None` where it does not.
    pub(super) fn with_plain_negatives(&self) -> Option<Self> {
        let plain = |fields: &BTreeMap<Field, Value>| match fields.get(&Field::Negative) {
            Some(Value::Text(text)) => {
                Some(crate::prompt::avoided(text)).filter(|plain| plain != text)
            }
            _ => None,
        };
        let own = plain(&self.fields);
        let of_steps: Vec<Option<String>> =
            self.steps.iter().map(|step| plain(&step.fields)).collect();
        if own.is_none() && of_steps.iter().all(Option::is_none) {
            return None;
        }
        let mut meant = self.clone();
        if let Some(text) = own {
            meant.fields.insert(Field::Negative, Value::Text(text));
        }
        for (step, text) in meant.steps.iter_mut().zip(of_steps) {
            if let Some(text) = text {
                step.fields.insert(Field::Negative, Value::Text(text));
            }
        }
        Some(meant)
    }

    /// True for a scene that is a still.
    pub fn is_still(&self) -> bool {
        matches!(self.fields.get(&Field::Kind), Some(Value::Text(kind)) if kind == STILL)
    }

    /// True where the author leaves the model to the guide.
    pub fn is_auto(&self) -> bool {
        matches!(self.fields.get(&Field::Model), Some(Value::Text(name)) if is_auto(name))
    }

    /// Keeps the choice of an earlier ask for the same goal.
    pub fn choose_as(&mut self, earlier: &Json) {
        let field =
            |name: &str| earlier.get("fields").and_then(|fields| fields.get(name)?.as_str());
        let goal = match self.fields.get(&Field::Goal) {
            Some(Value::Text(goal)) => Some(goal.as_str()),
            _ => None,
        };
        if field("model").is_some_and(is_auto) && goal_named(field("goal")) == goal_named(goal) {
            self.chosen = earlier.get("chosen").and_then(Json::as_str).map(str::to_owned);
        }
    }

    /// Its characters in the order in which they are told: as the scene lists them, then by name. The order in which front
    /// matter names them means nothing.
    pub fn cast(&self) -> Vec<&AskCharacter> {
        let listed: &[String] = match self.fields.get(&Field::Characters) {
            Some(Value::Names(names)) => names,
            _ => &[],
        };
        let mut cast: Vec<&AskCharacter> = self.characters.iter().collect();
        cast.sort_by_cached_key(|character| {
            let name = character.name.to_lowercase();
            let place = listed.iter().position(|listed| listed.to_lowercase() == name);
            (place.unwrap_or(usize::MAX), name)
        });
        cast
    }

    /// Paths and manifest assets it names, as written.
    pub fn paths(&self) -> Vec<String> {
        let values =
            self.fields.values().chain(self.steps.iter().flat_map(|step| step.fields.values()));
        let mut inputs: Vec<&Input> = values
            .filter_map(|value| if let Value::Inputs(inputs) = value { Some(inputs) } else { None })
            .flatten()
            .collect();
        inputs.extend(self.characters.iter().flat_map(|character| &character.images));
        let mut paths: Vec<String> = inputs
            .into_iter()
            .filter_map(|input| match input {
                Input::Path(path) | Input::Asset(path) => Some(path.clone()),
                Input::Url(_) | Input::Scene { .. } => None,
            })
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// As recorded in the manifest and in the ledger.
    pub fn to_json(&self) -> Json {
        let mut out = Map::new();
        out.insert("fields".into(), fields_to_json(&self.fields));
        if !self.steps.is_empty() {
            let steps = self
                .steps
                .iter()
                .map(|step| json!({"step": step.kind, "fields": fields_to_json(&step.fields)}));
            out.insert("steps".into(), steps.collect());
        }
        if !self.characters.is_empty() {
            let all = self.characters.iter().map(|character| {
                let mut map = Map::new();
                map.insert("name".into(), character.name.clone().into());
                if let Some(look) = &character.look {
                    map.insert("look".into(), look.clone().into());
                }
                if !character.images.is_empty() {
                    map.insert(
                        "images".into(),
                        character.images.iter().map(input_to_json).collect(),
                    );
                }
                if let Some(voice) = &character.voice {
                    map.insert("voice".into(), voice.clone().into());
                }
                Json::Object(map)
            });
            out.insert("characters".into(), all.collect());
        }
        for (key, map) in [("files", &self.files), ("templates", &self.templates)] {
            if !map.is_empty() {
                out.insert(
                    key.into(),
                    map.iter()
                        .map(|(name, digest)| (name.clone(), Json::from(digest.clone())))
                        .collect(),
                );
            }
        }
        if let Some(chosen) = &self.chosen {
            out.insert("chosen".into(), chosen.clone().into());
        }
        if !self.upstream.is_empty() {
            let all = self.upstream.iter().map(|(name, symbol)| (name.clone(), symbol.clone()));
            out.insert("upstream".into(), all.collect());
        }
        if !self.unknown.is_empty() {
            out.insert("unknown".into(), self.unknown.clone().into());
        }
        if let Some(step) = self.through {
            out.insert("through".into(), step.name().into());
        }
        if self.candidate > 0 {
            out.insert("candidate".into(), self.candidate.into());
        }
        if let Some(profile) = &self.profile {
            out.insert("profile".into(), profile.clone().into());
        }
        Json::Object(out)
    }

    /// The ask with what the version that recorded it did not know, as it is in the present ask: a field that an upgrade
    /// has learned about is no change of the author's.
    #[must_use]
    pub fn completed_from(mut self, present: &Self) -> Self {
        for field in self.unknown.iter().filter_map(|label| Field::labelled(label)) {
            if let Some(value) = present.fields.get(&field) {
                self.fields.entry(field).or_insert_with(|| value.clone());
            }
        }
        self
    }

    /// Reads a recorded ask. Keys and fields this version does not know are left out; `None` where it is no ask.
    pub fn from_json(json: &Json) -> Option<Self> {
        let map = json.as_object()?;
        let steps =
            map.get("steps").and_then(Json::as_array).into_iter().flatten().filter_map(|step| {
                let kind = StepKind::named(step.get("step")?.as_str()?)?;
                Some(AskStep { kind, fields: fields_from_json(step.get("fields")) })
            });
        let characters =
            map.get("characters").and_then(Json::as_array).into_iter().flatten().filter_map(
                |one| {
                    let images = one.get("images").and_then(Json::as_array).into_iter().flatten();
                    Some(AskCharacter {
                        name: one.get("name")?.as_str()?.to_owned(),
                        look: one.get("look").and_then(Json::as_str).map(str::to_owned),
                        images: images.filter_map(Json::as_str).map(parse_input).collect(),
                        voice: one.get("voice").and_then(Json::as_str).map(str::to_owned),
                    })
                },
            );
        let texts = |key: &str| -> BTreeMap<String, String> {
            let map = map.get(key).and_then(Json::as_object).into_iter().flatten();
            map.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        };
        Some(Self {
            fields: fields_from_json(map.get("fields")),
            steps: steps.collect(),
            characters: characters.collect(),
            files: texts("files"),
            templates: texts("templates"),
            chosen: map.get("chosen").and_then(Json::as_str).map(str::to_owned),
            upstream: map
                .get("upstream")
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
                .map(|(name, symbol)| (name.clone(), symbol.clone()))
                .collect(),
            unknown: map
                .get("unknown")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|label| label.as_str().map(str::to_owned))
                .collect(),
            through: map.get("through").and_then(Json::as_str).and_then(StepKind::named),
            candidate: map.get("candidate").and_then(Json::as_i64).unwrap_or(0).max(0),
            profile: profile_of(json).map(str::to_owned),
        })
    }

    /// The seed that tells takes apart, where the author gives one: the still's own for a still, else the clip's.
    fn seed_mut(&mut self) -> Option<&mut i64> {
        let still = self.is_still();
        let of_keyframe = still || self.through == Some(StepKind::Keyframe);
        let kind = match self.through {
            Some(StepKind::Voice) => StepKind::Voice,
            _ if of_keyframe => StepKind::Keyframe,
            _ => StepKind::Generate,
        };
        let step = self.steps.iter_mut().find(|step| step.kind == kind);
        let own = step.and_then(|step| step.fields.get_mut(&Field::Seed));
        // The seed of a scene is its clip's, unless the scene is a still.
        let of_scene = still || self.through.is_none();
        let scene = self.fields.get_mut(&Field::Seed).filter(|_| of_scene);
        match own.or(scene) {
            Some(Value::Integer(seed)) => Some(seed),
            _ => None,
        }
    }

    /// The ask of the take at `place`, from 0: with the next seeds, where there is one.
    #[must_use]
    pub fn for_candidate(&self, place: i64) -> Self {
        let mut ask = self.clone();
        if let Some(seed) = ask.seed_mut() {
            *seed = seed.saturating_add(place);
            ask.candidate = place;
        }
        ask
    }

    /// A recorded ask as that of the first take, if it is one of the takes that `present` stands for, of which there are
    /// `takes`.
    #[must_use]
    pub fn as_first_take(mut self, present: &Self, takes: i64) -> Self {
        let Some(first) = present.clone().seed_mut().copied() else { return self };
        let candidate = self.candidate;
        if let Some(seed) = self.seed_mut() {
            let place = seed.saturating_sub(first);
            if place == candidate || (0..takes).contains(&place) {
                *seed = first;
            }
        }
        self
    }

    /// Which of the takes of `present` a recorded ask stands for, where seeds tell.
    pub fn place_among(&self, present: &Self) -> Option<i64> {
        let first = present.clone().seed_mut().copied()?;
        Some(self.clone().seed_mut()?.saturating_sub(first))
    }
}

/// The profile that a recorded ask was made with.
pub fn profile_of(ask: &Json) -> Option<&str> {
    ask.get("profile")?.as_str()
}

/// Labels that mean nothing today, each once; a label that lost to another one of its field is known.
fn unknown(scene: &Scene) -> Vec<String> {
    let labels = scene.unknown.iter().map(|(label, _)| label.value.trim().to_owned());
    let mut unknown: Vec<String> =
        labels.filter(|label| Field::labelled(label).is_none()).collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown
}

/// The fields that can reach a request.
pub(super) fn reaching(fields: &Fields) -> BTreeMap<Field, Value> {
    fields
        .iter()
        .filter(|(field, _)| !field.spec().editorial)
        .map(|(field, spanned)| (field, spanned.value.clone()))
        .collect()
}

/// Characters that the scene lists, or whose name stands as a word in its text.
fn characters_of(
    fields: &BTreeMap<Field, Value>,
    steps: &[AskStep],
    board: &Storyboard,
) -> Vec<AskCharacter> {
    if board.characters.is_empty() {
        return Vec::new();
    }
    let listed: Vec<String> = match fields.get(&Field::Characters) {
        Some(Value::Names(names)) => names.iter().map(|name| name.to_lowercase()).collect(),
        Some(Value::Text(text)) => {
            text.split([',', ';', '，', '、']).map(|name| name.trim().to_lowercase()).collect()
        }
        _ => Vec::new(),
    };
    let words: Vec<String> =
        fields
            .iter()
            .chain(steps.iter().flat_map(|step| step.fields.iter()))
            .filter_map(|(_, value)| {
                if let Value::Text(text) = value { Some(text.to_lowercase()) } else { None }
            })
            .collect();
    board
        .characters
        .iter()
        .filter(|character| {
            let name = character.name.value.to_lowercase();
            listed.contains(&name) || words.iter().any(|text| has_word(text, &name))
        })
        .map(|character| AskCharacter {
            name: character.name.value.clone(),
            look: character.look.as_ref().map(|look| look.value.clone()),
            images: character.images.iter().map(|image| image.value.clone()).collect(),
            voice: character.voice.as_ref().map(|voice| voice.value.clone()),
        })
        .collect()
}

/// Whether `word` stands in `text` with no letter or digit on either side; both in lower case.
fn has_word(text: &str, word: &str) -> bool {
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
}

fn fields_to_json(fields: &BTreeMap<Field, Value>) -> Json {
    fields.iter().map(|(field, value)| (field.name().to_owned(), value_to_json(value))).collect()
}

fn fields_from_json(json: Option<&Json>) -> BTreeMap<Field, Value> {
    let map = json.and_then(Json::as_object).into_iter().flatten();
    map.filter_map(|(name, value)| {
        let spec = crate::storyboard::FIELDS.iter().find(|spec| spec.name == name)?;
        Some((spec.field, value_from_json(spec.kind, value)?))
    })
    .collect()
}

fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.clone().into(),
        Value::Seconds(seconds) => number(*seconds),
        Value::Integer(integer) => (*integer).into(),
        Value::Switch(on) => (*on).into(),
        Value::Inputs(inputs) => inputs.iter().map(input_to_json).collect(),
        Value::Names(names) => names.iter().cloned().map(Json::from).collect(),
        Value::Ranges(ranges) => ranges.iter().map(|range| Json::from(range.to_string())).collect(),
        Value::Params(params) => params.iter().cloned().collect::<Map<String, Json>>().into(),
    }
}

fn value_from_json(kind: FieldKind, json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Bool(on) => Some(Value::Switch(*on)),
        Json::Number(number) if kind == FieldKind::Seconds => number.as_f64().map(Value::Seconds),
        Json::Number(number) => number.as_i64().map(Value::Integer),
        Json::Array(items) => {
            let texts: Vec<String> =
                items.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            Some(if kind == FieldKind::Names {
                Value::Names(texts)
            } else {
                Value::Inputs(texts.iter().map(|text| parse_input(text)).collect())
            })
        }
        Json::Object(map) => Some(Value::Params(
            map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        )),
        Json::Null => None,
    }
}

/// Whole numbers without a decimal point: `8`, not `8.0`.
pub fn number(value: f64) -> Json {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only whole numbers well inside the range are converted"
    )]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Json::from(value as i64)
    } else {
        Json::from(value)
    }
}

fn input_to_json(input: &Input) -> Json {
    match input {
        Input::Path(text) | Input::Url(text) | Input::Asset(text) => text.clone().into(),
        Input::Scene { id, frame } => match frame {
            FrameOf::Last => format!("scene:{id}").into(),
            FrameOf::First => format!("scene:{id}/first").into(),
            FrameOf::Keyframe => format!("scene:{id}/keyframe").into(),
        },
    }
}

/// The input that a recorded text means; the counterpart of the way inputs are written into an ask.
fn parse_input(text: &str) -> Input {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Input::Url(text.to_owned());
    }
    if let Some(rest) = text.strip_prefix("scene:") {
        let (id, frame) = match rest.rsplit_once('/') {
            Some((id, "first")) => (id, FrameOf::First),
            Some((id, "keyframe")) => (id, FrameOf::Keyframe),
            Some((id, "last")) => (id, FrameOf::Last),
            _ => (rest, FrameOf::Last),
        };
        return Input::Scene { id: id.to_owned(), frame };
    }
    let is_asset = ["img-", "vid-", "aud-"].iter().any(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    });
    if is_asset { Input::Asset(text.to_owned()) } else { Input::Path(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Span, Spanned};
    use crate::storyboard::{Character, SceneId};

    fn text(value: &str) -> Spanned<Value> {
        Spanned::new(Value::Text(value.into()), Span::default())
    }

    fn scene() -> Scene {
        let mut fields = Fields::default();
        fields.set(Field::Visual, text("Ada lights the lamp"));
        fields.set(Field::Notes, text("for people"));
        fields.set(Field::Duration, Spanned::new(Value::Seconds(5.0), Span::default()));
        let inputs = ["a.png", "https://x.test/a.png", "scene:3/first", "img-003"];
        fields.set(
            Field::Reference,
            Spanned::new(
                Value::Inputs(inputs.iter().map(|one| parse_input(one)).collect()),
                Span::default(),
            ),
        );
        fields.set(
            Field::Params,
            Spanned::new(Value::Params(vec![("cfg_scale".into(), json!("0.5"))]), Span::default()),
        );
        let mut step = Fields::default();
        step.set(Field::Prompt, text("on and on"));
        Scene {
            id: SceneId::Number(1),
            id_span: Span::default(),
            title: None,
            span: Span::default(),
            fields,
            steps: Some(vec![Step { kind: StepKind::Extend, span: Span::default(), fields: step }]),
            unknown: Vec::new(),
            sheet_of: None,
        }
    }

    #[test]
    fn an_ask_comes_back_from_its_json() {
        let board = Storyboard {
            characters: vec![
                Character {
                    look: Some(Spanned::new("Ada, 60s".into(), Span::default())),
                    images: vec![Spanned::new(Input::Path("refs/ada.png".into()), Span::default())],
                    ..Character::named(Spanned::new("ada".into(), Span::default()))
                },
                Character::named(Spanned::new("light".into(), Span::default())),
            ],
            ..Storyboard::default()
        };
        let digests = |path: &str| Some(format!("sha256:{path}"));
        let ask = Ask::of(
            &scene(),
            &board,
            (&Fields::default(), None),
            &digests,
            &BTreeMap::from([("veo".into(), "x".into())]),
        );
        assert_eq!(ask.characters.len(), 1, "`light` is no word of `lights`");
        assert_eq!(ask.paths(), ["a.png", "img-003", "refs/ada.png"]);
        assert!(!ask.fields.contains_key(&Field::Notes), "notes never reach a request");
        assert_eq!(Ask::from_json(&ask.to_json()).as_ref(), Some(&ask));
        insta::assert_json_snapshot!(ask.to_json());
    }

    #[test]
    fn keys_of_a_later_version_are_left_out() {
        let ask = Ask::from_json(
            &json!({"fields": {"visual": "a", "hologram": 3}, "steps": [{"step": "dream"}], "x": 1}),
        );
        assert_eq!(ask.map(|ask| ask.to_json()), Some(json!({"fields": {"visual": "a"}})));
    }
}
