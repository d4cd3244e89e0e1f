//! The fields a scene can have: one table for both formats, for the schema, for merging and for the ask.

use crate::source::{Span, Spanned};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

macro_rules! fields {
    ($($variant:ident $name:literal $kind:ident $reaches:literal $labels:expr, $description:literal;)*) => {
        /// A field of a scene. The order here is the order in which an `ask` lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Field {
            $(#[doc = $description] #[serde(rename = $name)] $variant,)*
        }

        /// Every field with its name, kind, labels and meaning.
        pub const FIELDS: &[FieldSpec] = &[
            $(FieldSpec {
                field: Field::$variant,
                name: $name,
                kind: FieldKind::$kind,
                editorial: !$reaches,
                labels: $labels,
                description: $description,
            },)*
        ];
    };
}

/// What one field is called, takes and means.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// The field.
    pub field: Field,
    /// Its name in YAML and JSON.
    pub name: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// True for a field that never reaches a request (an edit of it never renders anything).
    pub editorial: bool,
    /// Other labels people write for it, in lower case without spaces, hyphens and underscores.
    pub labels: &'static [&'static str],
    /// One sentence for schemas and help.
    pub description: &'static str,
}

/// The kinds of value a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Words.
    Text,
    /// A length in seconds.
    Seconds,
    /// A whole number.
    Integer,
    /// A path, a URL, `scene:3` or an asset of the manifest such as `img-003`; or several of them.
    Inputs,
    /// Words, or an input when they look like a path or a URL.
    TextOrInput,
    /// Words, `on` / `off`, or an input.
    Audio,
    /// `name=value; name=value`, or a map in YAML.
    Params,
    /// A list of names.
    Names,
    /// Parts of clips: `1.2-5.4`, or `take 2 0-2.1, take 3 1-3.4`.
    Ranges,
}

fields! {
    Duration "duration" Seconds true &["length", "dur", "seconds", "secs", "time", "timing", "t", "timecode", "inandout", "inout", "时长", "时间", "尺", "秒数", "dauer", "länge", "duur", "lengte", "durationseconds", "durationinseconds", "durationsecs", "durationsec", "durations", "lengthseconds", "lengthinseconds", "lengthsec", "timestamp", "timecodes", "timerange", "esttime", "estimatedtime", "estduration", "estimatedduration", "镜头时长", "秒", "durée", "duración", "runtime", "tc", "時間"],
        "How long the scene is in the film, in seconds; any positive length.";
    ClipLength "clip_length" Seconds true &["cliplen"],
        "How long a clip the model is asked for, in seconds, in place of the shortest that covers the duration.";
    Kind "type" Text true &["kind", "assettype", "类型", "タイプ", "typ"],
        "What the scene is: `video_clip`, `image` (a still is made), `footage`, `title` or `black`.";
    Model "model" Text true &["videomodel", "模型", "モデル", "modell", "aimodel"],
        "The video model by its name, such as `Veo 3.1 Fast`, or `auto`, which chooses by the goal.";
    Goal "goal" Text true &["目标", "目標", "ziel", "doel"],
        "What matters most where the model is `auto`: value, quality, speed, audio, animate, edit, extend, upscale or consistency.";
    ImageModel "image_model" Text true &["stillmodel", "picturemodel", "图片模型", "bildmodell"],
        "The image model that makes stills, such as `Nano Banana`: keyframes, and scenes of type `image`.";
    Prompt "prompt" Text true &["videoprompt", "motionprompt", "aiprompt", "提示词", "プロンプト", "aivideoprompt", "videogenerationprompt", "generationprompt", "promptvideo", "videogenprompt", "animationprompt", "prompttext", "veoprompt", "klingprompt", "runwayprompt", "soraprompt", "视频提示词", "动画提示词", "动态提示词", "動画プロンプト", "texttovideoprompt", "englishprompt", "textprompt", "clipprompt"],
        "The whole prompt, used word for word with nothing appended.";
    Visual "visual" Text true &["description", "scene", "visuals", "shotdescription", "visualdescription", "whatanimates", "画面", "画面内容", "内容", "描述", "シーン説明", "映像", "beschreibung", "bild", "beschrijving", "beeld", "scenedescription", "visualprompt", "whatwesee", "visualcontent", "画面描述", "画面説明", "映像内容", "bildinhalt", "bildbeschreibung", "beeldbeschrijving", "desc", "visualframe", "visualintent", "imagedescription", "画面描写"],
        "What is seen.";
    Subject "subject" Text true &["主体", "被写体", "motiv", "onderwerp"],
        "Who or what the shot is of.";
    Action "action" Text true &["whathappens", "motion", "动作", "アクション", "動き", "handlung", "aktion", "actie", "handeling", "subjectmotion", "动作表演", "表演", "characteraction", "performance"],
        "What happens; beats may have times, as in `0-3s: She waits. 3-6s: She turns.`";
    Setting "setting" Text true &["location", "environment", "place", "场景", "地点", "場所", "ort", "schauplatz", "locatie", "scenelocation"],
        "Where it is.";
    Shot "shot" Text true &["shottype", "shotsize", "size", "framing", "景别", "ショット", "einstellung", "einstellungsgröße", "kader", "shotframing", "镜头类型", "景別"],
        "The shot size: wide, medium, close-up.";
    Camera "camera" Text true &["movement", "cameramovement", "cameramove", "cameramotion", "cameraangle", "move", "运镜", "镜头运动", "机位", "カメラ", "カメラワーク", "kamera", "kamerabewegung", "camerabeweging", "camerawork", "cameraaction", "cameradirection", "cameramoves", "camerainstructions", "cameramovements", "镜头语言", "kameraführung", "cameravoering", "angle", "kamerafahrt"],
        "How the camera moves or stands, one move a clip, in the author's own words; `storyreel camera` lists the moves.";
    Lighting "lighting" Text true &["light", "光线", "灯光", "照明", "licht", "beleuchtung", "belichting", "lightingnotes", "光影"],
        "The light.";
    Mood "mood" Text true &["tone", "atmosphere", "氛围", "情绪", "雰囲気", "stimmung", "sfeer", "emotion", "vibe", "情感"],
        "The mood.";
    Style "style" Text true &["visualstyle", "look", "artstyle", "风格", "スタイル", "stil", "stijl", "globalstyle", "overallstyle", "aesthetic", "lookandfeel", "stylenotes", "stylesuffix", "styleprefix", "stylespine"],
        "The look of the picture: film stock, lens, grade, technique.";
    Characters "characters" Names true &["character", "cast", "who", "角色", "人物", "キャラクター", "登場人物", "figuren", "personages", "charactersinscene", "scenecharacters", "出场人物", "登场人物", "characterspresent"],
        "The characters in the scene, by the names that front matter gives them.";
    Dialogue "dialogue" Text true &["dialog", "lines", "line", "speech", "台词", "对白", "セリフ", "台詞", "dialoog", "dialogues", "spokenlines", "对话"],
        "What is said on camera, one line each, as `Ada: Not tonight.`";
    VoiceName "voice_name" Text true &["voiceid", "narratorvoice"],
        "The voice that speaks in a step `voice` where no character's does, by the name or id that the speech model has.";
    Audio "audio" Audio true &["sound", "sounds", "audiocues", "音频", "声音", "音声", "ton", "geluid", "sounddesign", "audionotes", "soundscape", "audiodesign", "audiodescription"],
        "Sound in words, `on` or `off` for the model's sound switch, or an audio file.";
    Sfx "sfx" Text true &["soundeffects", "soundeffect", "effects", "音效", "効果音", "geräusche", "geluidseffecten", "soundfx", "se", "foley", "soundcue", "soundcues", "sfxcue"],
        "Sound effects.";
    Ambient "ambient" Text true &["ambience", "atmos", "roomtone", "环境音", "環境音", "umgebung", "omgevingsgeluid"],
        "The sound of the place.";
    Music "music" Text true &["bgm", "score", "soundtrack", "配乐", "音乐", "音楽", "musik", "muziek", "backgroundmusic", "musiccue", "musictrack", "背景音乐"],
        "Music that the model is asked to play.";
    Negative "negative" Text true &["negativeprompt", "avoid", "exclude", "负面提示词", "ネガティブプロンプト", "negativeprompts", "反向提示词", "负向提示词", "promptnegative", "globalnegativeprompt", "negativ", "negativprompt", "负面提示"],
        "What must not be seen.";
    Reference "reference" Inputs true &["ref", "references", "image", "images", "sourceimage", "startimage", "inputimage", "firstframe", "startframe", "referenceimage", "参考图", "参考画像", "referenz", "referentie", "imageurl", "imagepath", "imagefile", "referenceimages", "referenceimageurl", "firstframeimage", "firstframeurl", "imagereference"],
        "The first frame or reference pictures: paths, URLs, `scene:3` or `img-003`.";
    LastFrame "last_frame" Inputs true &["endframe", "endimage", "tailimage", "finalframe", "尾帧", "lastframeimage", "lastframeurl"],
        "The last frame.";
    ImagePrompt "image_prompt" TextOrInput true &["keyframe", "stillprompt", "keyframeprompt", "imageprompt", "图片提示词", "imagegenerationprompt", "aiimageprompt", "firstframeprompt", "startframeprompt", "stillimageprompt", "promptimage", "midjourneyprompt", "图像提示词", "首帧提示词", "画像プロンプト", "bildprompt"],
        "A prompt for a still that the clip starts from, or a picture.";
    Video "video" TextOrInput true &["videosource", "sourcevideo", "inputvideo"],
        "The source of a video-to-video model; words here are a prompt.";
    Extends "extends" Text true &["continues", "continuesfrom"],
        "The id of a scene whose clip this one continues: it starts from that clip's last frame.";
    AspectRatio "aspect_ratio" Text true &["ratio", "aspect", "format", "画幅", "比例", "アスペクト比", "seitenverhältnis", "beeldverhouding", "videoratio", "画面比例", "视频比例"],
        "The ratio of the picture, such as `16:9`.";
    Resolution "resolution" Text true &["quality", "res", "分辨率", "解像度", "auflösung", "resolutie"],
        "The resolution or quality asked for, such as `1080p`.";
    Seed "seed" Integer true &["seeds", "种子", "シード", "baseseed"],
        "A number that makes takes comparable, where the model honours one.";
    Params "params" Params true &["parameters", "modelparams", "参数"],
        "A model's own parameters by their own names: `cfg_scale=0.5; watermark=me`.";
    File "file" Text false &["src", "sourcefile", "asset", "footage", "素材"],
        "Footage or a still that exists; the scene is never generated.";
    Text "text" Text false &["textoverlay", "onscreentext", "textonscreen", "screentext", "super", "caption", "captions", "titlecard", "superimposed", "字幕", "テロップ", "einblendung", "tekst", "overlaytext", "overlay", "subtitle", "subtitles", "屏幕文字", "texteinblendung", "tekstinbeeld", "supers", "文字", "キャプション", "画面文字", "onscreengraphic", "onscreengraphics", "ensubtitle", "ensubtitles", "jasubtitle"],
        "Words on the screen, added in the cut.";
    Voiceover "voiceover" Text false &["vo", "narration", "narrator", "旁白", "ナレーション", "sprecher", "offtext", "voiceovertext", "voiceoverscript", "narrationtext", "narrationscript", "spokentext", "解说", "解说词", "配音", "voixoff", "画外音", "sprechertext", "vocue", "audionarration", "envo", "javo", "voline", "vocopy"],
        "Words of a narrator, added in the cut.";
    Transition "transition" Text false &["transitionout", "transitionto", "转场", "トランジション", "übergang", "overgang", "transitions", "转场方式", "transitiontonext"],
        "The cut after the scene: cut, crossfade, fade-to-black.";
    TransitionIn "transition_in" Text false &["transitionfrom"],
        "The cut before the scene.";
    Takes "takes" Integer false &["variations", "candidates"],
        "How many takes to choose from.";
    Gate "gate" Text false &[],
        "`keyframe`: the clip is made once its still was chosen with `storyreel pick`.";
    Use "use" Ranges false &["range", "userange", "inoutpoints"],
        "The part of the clip that is used in the cut, as `1.2-5.4`, or parts of several takes: `take 2 0-2.1, take 3 1-3.4`.";
    Status "status" Text false &["state", "状态"],
        "Where the work stands; for people.";
    Allow "allow" Names false &["allowlint", "allowlints"],
        "Warnings that do not hold here, by the codes or groups that `storyreel lints` lists; at the top of a film, for all of it.";
    Notes "notes" Text false &["note", "comment", "comments", "remarks", "备注", "メモ", "notizen", "opmerkingen", "directornotes", "productionnotes", "additionalnotes", "remark", "bemerkung", "bemerkungen", "anmerkungen", "opmerking", "備考", "说明"],
        "Anything else; for people.";
}

/// Fields any of which gives a scene a picture.
pub(crate) const SHOWN: &[Field] = &[
    Field::Prompt,
    Field::Visual,
    Field::Subject,
    Field::Action,
    Field::ImagePrompt,
    Field::Reference,
    Field::LastFrame,
    Field::Video,
    Field::Extends,
    Field::File,
];

/// Fields that what is said of the whole film may set for every scene.
pub(crate) const GLOBAL_FIELDS: &[Field] = &[
    Field::AspectRatio,
    Field::Style,
    Field::Negative,
    Field::Model,
    Field::Goal,
    Field::ImageModel,
    Field::Resolution,
    Field::Seed,
    Field::Params,
    Field::Lighting,
    Field::Mood,
];

/// Every normalised label with its field and its rank, built once: a storyboard may ask ten thousand times.
static LABELS: LazyLock<HashMap<String, (Field, usize)>> = LazyLock::new(|| {
    let mut labels = HashMap::new();
    for spec in FIELDS {
        for (rank, label) in std::iter::once(&spec.name).chain(spec.labels).enumerate() {
            labels.entry(normalise_label(label)).or_insert((spec.field, rank));
        }
    }
    labels
});

/// All normalised labels with their fields, for suggestions.
pub(super) fn labels() -> impl Iterator<Item = (&'static str, Field)> {
    LABELS.iter().map(|(label, (field, _))| (label.as_str(), *field))
}

impl Field {
    /// Its row of the table.
    pub fn spec(self) -> &'static FieldSpec {
        // The macro writes table and enum in one order, so the discriminant is the index.
        &FIELDS[self as usize]
    }

    /// Its name in YAML and JSON.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The field that a label means, whatever its case, spaces, hyphens, underscores, camelCase and emoji.
    pub fn labelled(label: &str) -> Option<Self> {
        Self::ranked(&normalise_label(label)).map(|(field, _)| field)
    }

    /// The field of a normalised label, and how far down its row the label stands: 0 is the name itself.
    pub(crate) fn ranked(normalised: &str) -> Option<(Self, usize)> {
        LABELS.get(normalised).copied().or_else(|| Some((prompt_of_model(normalised)?, MODEL_RANK)))
    }
}

/// The rank of `Veo 3.1 Prompt`: behind every label that stands in the table.
const MODEL_RANK: usize = 400;

/// Names that models of clips and of stills go by in a label such as `Veo 3.1 Prompt` or `Midjourney prompt`.
const CLIP_MODELS: &[&str] = &[
    "veo",
    "kling",
    "runway",
    "sora",
    "hailuo",
    "minimax",
    "seedance",
    "wan",
    "luma",
    "pika",
    "grok",
    "pixverse",
    "vidu",
    "hunyuan",
    "higgsfield",
    "可灵",
    "即梦",
    "海螺",
];
const STILL_MODELS: &[&str] = &[
    "midjourney",
    "mj",
    "nanobanana",
    "imagen",
    "flux",
    "seedream",
    "gptimage",
    "dalle",
    "ideogram",
    "stablediffusion",
];

/// What a label that names a model and a prompt means.
fn prompt_of_model(normalised: &str) -> Option<Field> {
    let words = ["prompts", "prompt", "プロンプト", "提示词"];
    let before = words.iter().find_map(|word| normalised.strip_suffix(word))?;
    let kinds =
        [("video", Field::Prompt), ("image", Field::ImagePrompt), ("still", Field::ImagePrompt)];
    let kind = kinds.iter().find_map(|(word, field)| Some((before.strip_suffix(word)?, *field)));
    let (before, kind) = kind.map_or((before, None), |(before, field)| (before, Some(field)));
    let version = |rest: &str| {
        let rest = ["fast", "lite", "pro", "turbo", "quality", "standard", "master", "gen", "v"]
            .iter()
            .fold(rest.to_owned(), |rest, word| rest.replace(word, ""));
        rest.chars().all(|c| c.is_ascii_digit())
    };
    let of = |models: &[&str]| {
        models.iter().any(|model| before.strip_prefix(model).is_some_and(version))
    };
    if of(CLIP_MODELS) {
        Some(kind.unwrap_or(Field::Prompt))
    } else if of(STILL_MODELS) {
        Some(kind.unwrap_or(Field::ImagePrompt))
    } else {
        None
    }
}

/// Letters and digits only, in lower case: `Text Overlay`, `text_overlay` and `🎬 textOverlay` become `textoverlay`.
pub fn normalise_label(label: &str) -> String {
    if label.is_ascii() {
        // Every line of a storyboard has its label looked up, nearly all of them in ASCII.
        let letters = label.bytes().filter(u8::is_ascii_alphanumeric);
        return letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    }
    label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What the reader makes of every word for a still under `type`.
pub const STILL: &str = "image";

/// The value of a field, typed by the reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Words; soft line breaks are spaces already.
    Text(String),
    /// A length in seconds, above 0.
    Seconds(f64),
    /// A whole number.
    Integer(i64),
    /// `on` or `off`.
    Switch(bool),
    /// Pictures, clips or sounds.
    Inputs(Vec<Input>),
    /// Names in order.
    Names(Vec<String>),
    /// A model's own parameters in the order written: a JSON value each (text where the author gave none).
    Params(Vec<(String, serde_json::Value)>),
    /// Parts of clips in the order of the cut.
    Ranges(Vec<UsedRange>),
}

/// A part of a clip that is used in the cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsedRange {
    /// The take it is taken from; `None` for the scene's present one.
    pub take: Option<u32>,
    /// Where it starts, in seconds from the start of the clip.
    pub start: f64,
    /// Where it ends, after its start.
    pub end: f64,
}

impl UsedRange {
    /// How long it is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

impl fmt::Display for UsedRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(take) = self.take {
            write!(out, "take {take} ")?;
        }
        write!(out, "{}-{}", self.start, self.end)
    }
}

/// A file, link or earlier result that a scene starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A path relative to the storyboard's folder; as written, where it was not written in an included file.
    Path(String),
    /// An http or https URL; never fetched by storyreel.
    Url(String),
    /// A frame of another scene's clip: `scene:3`, `scene:3/first`, `scene:4/keyframe`.
    Scene {
        /// The other scene's id as written.
        id: String,
        /// Which picture of it.
        frame: FrameOf,
    },
    /// An asset of the manifest, such as `img-003`.
    Asset(String),
}

/// Which picture of another scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameOf {
    /// The clip's last frame.
    Last,
    /// The clip's first frame.
    First,
    /// The still that the clip started from.
    Keyframe,
}

/// Fields with their values and places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    map: BTreeMap<Field, Spanned<Value>>,
}

impl Fields {
    /// Sets a field; gives back the place of the value that stood there before.
    pub fn set(&mut self, field: Field, value: Spanned<Value>) -> Option<Span> {
        self.map.insert(field, value).map(|old| old.span)
    }

    /// The value of a field.
    pub fn get(&self, field: Field) -> Option<&Spanned<Value>> {
        self.map.get(&field)
    }

    /// Takes a field away.
    pub fn remove(&mut self, field: Field) -> Option<Spanned<Value>> {
        self.map.remove(&field)
    }

    /// The words of a field, `None` when it is absent or no text.
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.get(field).map(|spanned| &spanned.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The seconds of a field.
    pub fn seconds(&self, field: Field) -> Option<f64> {
        match self.get(field).map(|spanned| &spanned.value) {
            Some(Value::Seconds(seconds)) => Some(*seconds),
            _ => None,
        }
    }

    /// The parts of clips that a field names.
    pub fn ranges(&self, field: Field) -> &[UsedRange] {
        match self.get(field).map(|spanned| &spanned.value) {
            Some(Value::Ranges(ranges)) => ranges,
            _ => &[],
        }
    }

    /// The inputs of a field.
    pub fn inputs(&self, field: Field) -> &[Input] {
        match self.get(field).map(|spanned| &spanned.value) {
            Some(Value::Inputs(inputs)) => inputs,
            _ => &[],
        }
    }

    /// True for a scene that is a still: its type says so.
    pub fn is_still(&self) -> bool {
        self.text(Field::Kind) == Some(STILL)
    }

    /// True when the field is set.
    pub fn has(&self, field: Field) -> bool {
        self.map.contains_key(&field)
    }

    /// Fields in their fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Spanned<Value>)> {
        self.map.iter().map(|(field, value)| (*field, value))
    }

    /// Their values, to be changed in place.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.map.values_mut().map(|spanned| &mut spanned.value)
    }

    /// True when nothing is set.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Those of these fields.
    #[must_use]
    pub(super) fn only(&self, wanted: &[Field]) -> Self {
        let map = self.map.iter().filter(|(field, _)| wanted.contains(field));
        Self { map: map.map(|(field, value)| (*field, value.clone())).collect() }
    }

    /// These fields with the gaps filled from `defaults`.
    #[must_use]
    pub fn over(&self, defaults: &Self) -> Self {
        let mut map = defaults.map.clone();
        map.extend(self.map.iter().map(|(field, value)| (*field, value.clone())));
        Self { map }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, spec) in FIELDS.iter().enumerate() {
            assert_eq!(spec.field as usize, index, "{}", spec.name);
            assert_eq!(spec.field.spec().name, spec.name);
        }
    }

    #[test]
    fn no_label_means_two_fields() {
        let mut seen = BTreeMap::new();
        for spec in FIELDS {
            for label in spec.labels.iter().chain([&spec.name]) {
                let other = seen.insert(normalise_label(label), spec.name);
                assert!(
                    other.is_none_or(|other| other == spec.name),
                    "`{label}` is {other:?} and {}",
                    spec.name
                );
            }
        }
    }

    #[test]
    fn labels_ignore_case_spaces_underscores_and_emoji() {
        for label in ["Text Overlay", "text_overlay", "textOverlay", "🎬 Text  overlay"] {
            assert_eq!(Field::labelled(label), Some(Field::Text), "{label}");
        }
        assert_eq!(Field::labelled("运镜"), Some(Field::Camera));
        assert_eq!(Field::labelled("🎬"), None);
    }

    #[test]
    fn a_prompt_may_be_called_after_its_model() {
        for label in [
            "Veo 3.1 Prompt",
            "Kling Video Prompt",
            "Veo 3.1プロンプト",
            "Sora 2 Pro prompt",
            "Runway Gen-4 Prompt",
        ] {
            assert_eq!(Field::labelled(label), Some(Field::Prompt), "{label}");
        }
        for label in ["Midjourney v7 prompt", "Nano Banana image prompt", "Kling image prompt"] {
            assert_eq!(Field::labelled(label), Some(Field::ImagePrompt), "{label}");
        }
        for label in ["system prompt", "Wanted prompt", "Veolia prompt", "prompt version"] {
            assert_eq!(Field::labelled(label), None, "{label}");
        }
    }
}
