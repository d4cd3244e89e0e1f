//! The modes of a model that nobody has described, guessed from its kinds of work, its id and its parameters.

use super::listing::Offer;
use super::openapi::ModelSchema;
use super::price_text;
use super::role::{Role, tidy};
use crate::catalog::{Media, ModeKind, Parameter, Prices, Sound, WireType};

/// One guessed mode.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guess {
    pub id: String,
    pub kind: ModeKind,
    pub parameters: Vec<Parameter>,
    pub prices: Option<Prices>,
    pub sound: Sound,
    /// The common field whose file gives the result its length.
    pub length_from: Option<&'static str>,
    /// Common fields that it takes from its input.
    pub follows: Vec<&'static str>,
}

/// The modes; none where its work cannot be told.
pub(super) fn guess(offer: &Offer, schema: &ModelSchema, today: &str) -> Vec<Guess> {
    let work = Work::of(offer, schema);
    work.kinds().into_iter().map(|kind| work.mode(kind, today)).collect()
}

struct Work<'a> {
    offer: &'a Offer,
    /// Each parameter with what it is for.
    parameters: Vec<(Role, Parameter)>,
}

impl<'a> Work<'a> {
    fn of(offer: &'a Offer, schema: &ModelSchema) -> Self {
        let parameters = schema.parameters.iter().cloned().map(tidy);
        let parameters = parameters.map(|parameter| (Role::of(&parameter), parameter)).collect();
        Self { offer, parameters }
    }

    fn takes(&self, role: Role) -> bool {
        self.parameters.iter().any(|(own, _)| *own == role)
    }

    fn needs(&self, role: Role) -> bool {
        self.parameters.iter().any(|(own, parameter)| *own == role && parameter.required)
    }

    /// True where the id has these words.
    fn id_says(&self, words: &str) -> bool {
        self.offer.id.to_ascii_lowercase().replace(['/', '_', '.'], "-").contains(words)
    }

    fn task(&self, word: &str) -> bool {
        self.offer.tasks.iter().any(|task| task.to_ascii_lowercase().contains(word))
    }

    fn kinds(&self) -> Vec<ModeKind> {
        let pictures =
            ["text-to-image", "image-to-image", "image-edit"].iter().any(|w| self.id_says(w));
        if pictures || (!self.task("video") && !self.task("lip sync") && self.task("image")) {
            let free = !self.needs(Role::Picture);
            let kinds = [
                (ModeKind::T2i, free && !self.id_says("image-to-image")),
                (ModeKind::I2i, self.takes(Role::Picture) && !self.id_says("text-to-image")),
            ];
            return chosen(&kinds);
        }
        if !self.task("video") && !self.task("lip sync") {
            return chosen(&[(ModeKind::Tts, self.task("text to speech"))]);
        }
        self.video_kinds()
    }

    fn video_kinds(&self) -> Vec<ModeKind> {
        let (clip, sound) = (self.takes(Role::Clip), self.takes(Role::Sound));
        if self.id_says("upscale") {
            return chosen(&[(ModeKind::Upscale, clip || self.takes(Role::Task))]);
        }
        if self.needs(Role::Task) {
            return vec![ModeKind::Extend];
        }
        if (self.id_says("motion") || self.id_says("animate")) && clip && self.takes(Role::Picture)
        {
            return vec![ModeKind::Motion];
        }
        if sound && (self.needs(Role::Sound) || self.task("speech") || self.task("lip sync")) {
            return vec![ModeKind::Speech];
        }
        let only = |words: &[&str]| words.iter().any(|word| self.id_says(word));
        let (text, image) = (only(&["text-to-video", "t2v"]), only(&["image-to-video", "i2v"]));
        let (reference, video) =
            (only(&["reference-to-video", "r2v"]), only(&["video-to-video", "v2v", "video-edit"]));
        let any = !(text || image || reference || video);
        let inputs = [Role::Picture, Role::LastFrame, Role::Reference, Role::Clip, Role::Sound];
        let free = inputs.iter().all(|role| !self.needs(*role));
        let (picture, pictures) = (self.takes(Role::Picture), self.takes(Role::Reference));
        let no_clip = !self.needs(Role::Clip);
        chosen(&[
            (ModeKind::T2v, free && (text || any)),
            (ModeKind::I2v, picture && no_clip && !self.needs(Role::LastFrame) && (image || any)),
            (
                ModeKind::FirstLast,
                picture && self.takes(Role::LastFrame) && no_clip && (image || any),
            ),
            (
                ModeKind::Reference,
                (pictures && !self.needs(Role::Picture) && no_clip && (reference || any))
                    || (picture && reference && no_clip),
            ),
            (
                ModeKind::V2v,
                clip && (video || self.needs(Role::Clip) || (any && self.task("video to video"))),
            ),
        ])
    }

    fn mode(&self, kind: ModeKind, today: &str) -> Guess {
        let inputs = self.inputs(kind);
        let parameters: Vec<Parameter> = self
            .parameters
            .iter()
            .filter_map(|(role, parameter)| match (role.media(), inputs.contains(role)) {
                (Some(_), true) => Some(input(*role, kind, parameter.clone())),
                // Something else that it must have stays, and `params` reaches it.
                (Some(_), false) if parameter.required => Some(parameter.clone()),
                (Some(_), false) => None,
                (None, _) => Some(fed(*role, parameter.clone())),
            })
            .collect();
        let takes =
            |field: &str| parameters.iter().any(|p| p.from.iter().any(|from| from == field));
        let sound = if parameters.iter().any(|p| Role::of(p) == Role::SoundSwitch) {
            Sound::Switch
        } else {
            Sound::None
        };
        let length_from = match kind {
            ModeKind::Speech => Some("audio"),
            ModeKind::V2v | ModeKind::Motion | ModeKind::Upscale if takes("video") => Some("video"),
            _ => None,
        };
        let follows: &[&str] = match kind {
            ModeKind::Upscale => &["prompt", "aspect_ratio", "resolution"],
            ModeKind::Extend => &["aspect_ratio", "resolution"],
            ModeKind::T2v | ModeKind::T2i | ModeKind::Tts | ModeKind::Tool => &[],
            _ => &["aspect_ratio"],
        };
        let resolution = parameters.iter().find(|p| p.from == ["resolution"]);
        let prices = self.offer.price.as_deref();
        Guess {
            id: self.offer.id.clone(),
            kind,
            prices: prices.and_then(|text| price_text::prices(text, resolution, today)),
            sound,
            length_from: length_from.filter(|_| !takes("duration")),
            follows: follows.iter().copied().filter(|field| !takes(field)).collect(),
            parameters,
        }
    }

    /// The inputs that a mode is about.
    fn inputs(&self, kind: ModeKind) -> &'static [Role] {
        match kind {
            ModeKind::I2v | ModeKind::I2i => &[Role::Picture],
            ModeKind::FirstLast => &[Role::Picture, Role::LastFrame],
            ModeKind::Reference if self.takes(Role::Reference) => &[Role::Reference],
            ModeKind::Reference => &[Role::Picture],
            ModeKind::V2v => &[Role::Clip],
            ModeKind::Speech if self.needs(Role::Clip) => &[Role::Sound, Role::Clip],
            ModeKind::Speech => &[Role::Sound, Role::Picture],
            ModeKind::Motion => &[Role::Picture, Role::Clip],
            ModeKind::Extend => &[Role::Task],
            ModeKind::Upscale if self.takes(Role::Task) => &[Role::Task],
            ModeKind::Upscale => &[Role::Clip],
            ModeKind::T2v | ModeKind::T2i | ModeKind::Tts | ModeKind::Tool => &[],
        }
    }
}

fn chosen(kinds: &[(ModeKind, bool)]) -> Vec<ModeKind> {
    kinds.iter().filter(|(_, fits)| *fits).map(|(kind, _)| *kind).collect()
}

/// A parameter that a common field feeds.
fn fed(role: Role, mut parameter: Parameter) -> Parameter {
    parameter.from = role.field().map(str::to_owned).into_iter().collect();
    parameter
}

/// An input that the mode is about: it must be there, and where one is meant there is one.
fn input(role: Role, kind: ModeKind, parameter: Parameter) -> Parameter {
    let mut parameter = fed(role, parameter);
    let kind_of_file = role.media().unwrap_or_default();
    parameter.required |= !(kind == ModeKind::Speech && role == Role::Picture);
    parameter.default = None;
    if kind_of_file == crate::catalog::MediaKind::Task {
        parameter.min_length = parameter.min_length.or(Some(1));
    }
    let media = Some(Media { kind: kind_of_file, ..Media::default() });
    if parameter.wire_type == WireType::Array {
        let one = matches!(
            kind,
            ModeKind::I2v
                | ModeKind::FirstLast
                | ModeKind::V2v
                | ModeKind::Motion
                | ModeKind::Speech
        );
        parameter.min_items = Some(parameter.min_items.unwrap_or(1).max(1));
        if one {
            (parameter.min_items, parameter.max_items) = (Some(1), Some(1));
        }
        parameter.items = Some(Box::new(Parameter { media, ..Parameter::default() }));
    } else {
        parameter.media = media;
    }
    parameter
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(id: &str, tasks: &[&str], input: serde_json::Value) -> Vec<ModeKind> {
        let document = json!({"paths": {"/x": {"post": {"requestBody": {"content": {"application/json": {"schema": input}}}}}}});
        let schema = ModelSchema::read(&document, "").expect("a schema");
        let offer = Offer {
            id: id.into(),
            title: String::new(),
            maker: String::new(),
            tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
            price: None,
        };
        guess(&offer, &schema, "2026-10-09").iter().map(|guess| guess.kind).collect()
    }

    #[test]
    fn work_is_told_from_id_tasks_and_inputs() {
        let text = json!({"type": "string"});
        let links = json!({"type": "array", "items": {"type": "string"}});
        let of = |names: &[(&str, &serde_json::Value)], required: &[&str]| {
            let properties: serde_json::Map<String, serde_json::Value> = names
                .iter()
                .map(|(name, schema)| ((*name).to_owned(), (*schema).clone()))
                .collect();
            json!({"type": "object", "properties": properties, "required": required})
        };
        let prompt = of(&[("prompt", &text)], &["prompt"]);
        assert_eq!(kinds("a/text-to-video", &["Text to Video"], prompt.clone()), [ModeKind::T2v]);
        // The provider's own mistake.
        assert_eq!(
            kinds("ideogram/v3-text-to-image", &["Text to Video"], prompt.clone()),
            [ModeKind::T2i]
        );
        assert_eq!(kinds("a/chat", &["Chat"], prompt), []);
        let frames = of(
            &[
                ("prompt", &text),
                ("first_frame_url", &text),
                ("last_frame_url", &text),
                ("reference_image_urls", &links),
            ],
            &["prompt"],
        );
        assert_eq!(
            kinds("a/one", &["Text to Video", "Image to Video"], frames),
            [ModeKind::T2v, ModeKind::I2v, ModeKind::FirstLast, ModeKind::Reference]
        );
        let picture = of(&[("prompt", &text), ("image_urls", &links)], &["image_urls"]);
        assert_eq!(kinds("a/two", &["Image to Video"], picture.clone()), [ModeKind::I2v]);
        assert_eq!(
            kinds("a/reference-to-video", &["Image to Video"], picture),
            [ModeKind::Reference]
        );
        let clip = of(&[("video_url", &text), ("image_url", &text)], &["video_url", "image_url"]);
        assert_eq!(
            kinds("a/motion-control", &["Video to Video"], clip.clone()),
            [ModeKind::Motion]
        );
        assert_eq!(kinds("a/edit", &["Video to Video"], clip), [ModeKind::V2v]);
        let voice = of(&[("image_url", &text), ("audio_url", &text)], &["image_url", "audio_url"]);
        assert_eq!(kinds("a/avatar", &["Image to Video"], voice), [ModeKind::Speech]);
        let task = of(&[("task_id", &text)], &["task_id"]);
        assert_eq!(kinds("a/extend", &["Video to Video"], task.clone()), [ModeKind::Extend]);
        assert_eq!(kinds("a/upscale", &["Video to Video"], task), [ModeKind::Upscale]);
    }
}
