//! The lints in one table: what each looks at, why, a line that it finds and a better one.

use super::{Check, audio, camera, film, length, limits, motion, picture, wording};

/// What a lint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What fits into a clip.
    Length,
    /// The camera.
    Camera,
    /// What moves, and how.
    Motion,
    /// Light.
    Light,
    /// Clips that start from a picture.
    ImageToVideo,
    /// What is heard.
    Audio,
    /// The choice of words.
    Words,
    /// From scene to scene.
    Consistency,
    /// Clips that go on.
    Chain,
    /// What models take and lose.
    Limits,
}

/// All groups in the order in which they are listed.
pub const GROUPS: &[Group] = &[
    Group::Limits,
    Group::ImageToVideo,
    Group::Consistency,
    Group::Chain,
    Group::Length,
    Group::Camera,
    Group::Motion,
    Group::Light,
    Group::Audio,
    Group::Words,
];

impl Group {
    /// Its name in configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Camera => "camera",
            Self::Motion => "motion",
            Self::Light => "light",
            Self::ImageToVideo => "image-to-video",
            Self::Audio => "audio",
            Self::Words => "words",
            Self::Consistency => "consistency",
            Self::Chain => "chain",
            Self::Limits => "limits",
        }
    }

    /// In a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Length => "how much fits into a clip",
            Self::Camera => "one move, and told",
            Self::Motion => "where it goes, how fast, and how it ends",
            Self::Light => "where the light comes from",
            Self::ImageToVideo => "clips that start from a picture: only what moves",
            Self::Audio => "what is heard, and from whom",
            Self::Words => "words that show nothing, or too much",
            Self::Consistency => "the same people, look and shape in every scene",
            Self::Chain => "clips that go on from a clean last frame",
            Self::Limits => "what a model takes and loses without a word",
        }
    }

    /// True for a group that is on unless somebody turns it off.
    pub fn is_on(self) -> bool {
        matches!(self, Self::Limits | Self::ImageToVideo | Self::Consistency | Self::Chain)
    }
}

/// One lint.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// Its code, in diagnostics, in `[lints]` and in `allow`.
    pub code: &'static str,
    /// What it is about.
    pub group: Group,
    /// The fields it looks at, in words.
    pub looks_at: &'static str,
    /// What it wants.
    pub rule: &'static str,
    /// Why.
    pub why: &'static str,
    /// The least storyboard around the line: YAML in which `LINE` stands for it.
    pub around: &'static str,
    /// A line that it finds.
    pub bad: &'static str,
    /// The same, better.
    pub better: &'static str,
    pub(super) check: Check,
}

/// The lint with a code.
pub fn lint_named(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code)
}

/// The group with a name.
pub fn group_named(name: &str) -> Option<Group> {
    GROUPS.iter().copied().find(|group| group.name() == name)
}

const SIX: &str = "scenes:\n- duration: 6\n  LINE\n";
const FOUR: &str = "scenes:\n- duration: 4\n  visual: Ada at the window\n  LINE\n";
const SEEN: &str = "scenes:\n- duration: 6\n  action: Ada lights the lamp\n  LINE\n";
const KLING: &str = "model: kling-2.6\nscenes:\n- duration: 5\n  audio: off\n  LINE\n";
const PICTURE: &str = "scenes:\n- duration: 6\n  reference: https://example.com/pier.png\n  LINE\n";
const EXTENDED: &str = "scenes:\n- duration: 8\n  LINE\n  steps: [{extend: The boat drifts on}]\n";

/// Every lint, by group.
pub const LINTS: &[Lint] = &[
    // Limits
    Lint {
        code: "long-prompt",
        group: Group::Limits,
        looks_at: "the composed prompt",
        rule: "a prompt for Veo has at most 1,024 tokens, about 4,000 letters",
        why: "Veo drops what is beyond without a word, and that is the end of your scene; where a model refuses a long prompt, that is an error already",
        around: SIX,
        bad: "visual: A lighthouse on a rock, … and forty sentences more",
        better: "visual: A lighthouse on a rock, waves breaking below it",
        check: Check::Shot(limits::long_prompt),
    },
    Lint {
        code: "negative-lost",
        group: Group::Limits,
        looks_at: "negative, prompt, model",
        rule: "a negative prompt goes to a model that takes one, or into the prompt",
        why: "your own `prompt` is sent word for word, so a negative that the model has no field for reaches nobody",
        around: "negative: text, logos\nscenes:\n- duration: 6\n  LINE\n",
        bad: "prompt: A lighthouse on a rock",
        better: "visual: A lighthouse on a rock",
        check: Check::Shot(limits::negative_lost),
    },
    Lint {
        code: "negative-in-words",
        group: Group::Limits,
        looks_at: "negative, model",
        rule: "a model without a negative prompt is told what is there, not what is not",
        why: "such a model reads `Avoid: fog` in its prompt, and fog is what it has read",
        around: SEEN,
        bad: "negative: fog, crowds",
        better: "setting: A clear night on an empty rock",
        check: Check::Shot(limits::negative_in_words),
    },
    // Image to video
    Lint {
        code: "no-motion",
        group: Group::ImageToVideo,
        looks_at: "action, visual or prompt, camera",
        rule: "a clip from a picture says what moves",
        why: "the model has the picture; without a motion it invents one, or gives the picture back",
        around: PICTURE,
        bad: "visual: A wooden pier in fog",
        better: "action: Fog rolls over the pier and swallows its end",
        check: Check::Shot(picture::no_motion),
    },
    Lint {
        code: "repeats-picture",
        group: Group::ImageToVideo,
        looks_at: "action, visual or prompt, image_prompt",
        rule: "a clip from a picture does not say again what the picture shows",
        why: "words about what is there already pull the model away from the picture, and leave none for the motion",
        around: "scenes:\n- duration: 6\n  reference: https://example.com/pier.png\n  camera: slow push-in\n  LINE\n",
        bad: "visual: A wooden pier in fog, a red boat at its end",
        better: "action: The boat rocks and its rope pulls tight",
        check: Check::Shot(picture::repeats_picture),
    },
    // Consistency
    Lint {
        code: "undescribed-character",
        group: Group::Consistency,
        looks_at: "characters of all scenes",
        rule: "who is in several scenes has a look or a picture",
        why: "a name means nothing to a model: each scene gets another face",
        around: "LINE\nscenes:\n- duration: 6\n  characters: [ada]\n  action: She climbs the stair\n- duration: 6\n  characters: [ada]\n  action: She lights the lamp\n",
        bad: "characters: {ada: {voice: Rachel}}",
        better: "characters: {ada: \"Ada, seventy, a long grey braid, navy jumper\"}",
        check: Check::Film(film::undescribed_character),
    },
    Lint {
        code: "style-missing",
        group: Group::Consistency,
        looks_at: "style of all scenes",
        rule: "where some scenes have a style, all have",
        why: "the scene without one falls out of the film; write `style` once at the top",
        around: "scenes:\n- duration: 6\n  visual: A pier\n  style: 35mm film, soft grain\n- duration: 6\n  visual: A boat\n  LINE\n",
        bad: "mood: quiet",
        better: "style: 35mm film, soft grain",
        check: Check::Film(film::style_missing),
    },
    Lint {
        code: "ratios-differ",
        group: Group::Consistency,
        looks_at: "aspect_ratio of all scenes",
        rule: "all clips of a film have one ratio",
        why: "another ratio is cut or gets bars; a second version of the film belongs into a file of its own",
        around: "aspect_ratio: \"16:9\"\nscenes:\n- duration: 6\n  visual: A pier\n- duration: 6\n  visual: A boat\n- duration: 6\n  visual: A gull\n  LINE\n",
        bad: "aspect_ratio: \"9:16\"",
        better: "aspect_ratio: \"16:9\"",
        check: Check::Film(film::ratios_differ),
    },
    // Chain
    Lint {
        code: "unstable-end",
        group: Group::Chain,
        looks_at: "the end of prompt, action or visual, camera; steps, extends",
        rule: "a clip that goes on ends on a clean, stable frame",
        why: "the continuation starts from the last frame: a blur, a fade or a half-made turn goes on in it",
        around: EXTENDED,
        bad: "prompt: A boat leaves the pier and turns",
        better: "prompt: A boat leaves the pier and comes to rest in open water",
        check: Check::Shot(film::unstable_end),
    },
    // Length
    Lint {
        code: "too-many-actions",
        group: Group::Length,
        looks_at: "action, visual, subject or prompt; the clip's length",
        rule: "one action in 4 to 5 s, one or two in 6 to 8 s, two or three in 10 s",
        why: "an action takes 3 to 5 seconds; more are rushed, merged or left out",
        around: "scenes:\n- duration: 4\n  LINE\n",
        bad: "action: She opens the door, walks to the window and lifts the blind",
        better: "action: She lifts the blind",
        check: Check::Shot(length::too_many_actions),
    },
    Lint {
        code: "short-dialogue",
        group: Group::Length,
        looks_at: "dialogue; the clip's length",
        rule: "no dialogue in 4 to 5 s",
        why: "a look, a breath and a line need more time than that; put the line into a longer clip or a voice-over",
        around: FOUR,
        bad: "dialogue: \"Ada: Not tonight.\"",
        better: "voiceover: Not tonight.",
        check: Check::Shot(length::short_dialogue),
    },
    Lint {
        code: "too-many-lines",
        group: Group::Length,
        looks_at: "dialogue; the clip's length",
        rule: "one line in 6 to 8 s, two or three in 10 s",
        why: "models lose track of who speaks, and lines run into each other",
        around: SEEN,
        bad: "dialogue: [\"Ada: Not tonight.\", \"Ben: Then when?\"]",
        better: "dialogue: \"Ada: Not tonight.\"",
        check: Check::Shot(length::too_many_lines),
    },
    Lint {
        code: "fast-talk",
        group: Group::Length,
        looks_at: "dialogue; the clip's length",
        rule: "about one spoken word a second",
        why: "more is gabbled or cut off at the end of the clip",
        around: SEEN,
        bad: "dialogue: \"Ada: Nobody has lit this lamp for forty years, and tonight I will.\"",
        better: "dialogue: \"Ada: Tonight I light it.\"",
        check: Check::Shot(length::fast_talk),
    },
    // Camera
    Lint {
        code: "one-move",
        group: Group::Camera,
        looks_at: "camera, or the prompt",
        rule: "one camera move a clip, two from 10 s on",
        why: "two moves become one muddled one; the second belongs into the next clip",
        around: SEEN,
        bad: "camera: pan left, then crane up",
        better: "camera: slow pan left",
        check: Check::Shot(camera::one_move),
    },
    Lint {
        code: "no-camera",
        group: Group::Camera,
        looks_at: "camera, or the prompt",
        rule: "the camera is told of, also where it stands",
        why: "a model that is told nothing chooses by itself, and another way in each scene; `static` is a choice",
        around: SEEN,
        bad: "shot: wide",
        better: "camera: static",
        check: Check::Shot(camera::no_camera),
    },
    Lint {
        code: "kling-camera",
        group: Group::Camera,
        looks_at: "camera, or the prompt, of Kling models",
        rule: "Kling is told a camera move",
        why: "without one its clips are static",
        around: KLING,
        bad: "prompt: A girl runs along the pier",
        better: "prompt: Tracking shot of a girl who runs along the pier",
        check: Check::Shot(camera::kling_camera),
    },
    Lint {
        code: "camera-apart",
        group: Group::Camera,
        looks_at: "a prompt of your own",
        rule: "camera and subject move in one sentence",
        why: "told apart they happen one after the other, or one of them does not; fields are joined for you",
        around: SIX,
        bad: "prompt: The camera pushes in slowly. A woman lifts her gaze.",
        better: "prompt: Slow push-in on a woman as she lifts her gaze.",
        check: Check::Shot(camera::camera_apart),
    },
    // Motion
    Lint {
        code: "no-pace",
        group: Group::Motion,
        looks_at: "camera, action, visual or prompt",
        rule: "a word of time or pace",
        why: "slow, sudden, until, in slow motion: without one the model picks the speed",
        around: SIX,
        bad: "action: A girl opens a red umbrella",
        better: "action: A girl slowly opens a red umbrella",
        check: Check::Shot(motion::no_pace),
    },
    Lint {
        code: "no-end-state",
        group: Group::Motion,
        looks_at: "action, visual or prompt",
        rule: "a motion has a start and an end",
        why: "with an end the clip arrives somewhere; without one it wanders until it is cut",
        around: SIX,
        bad: "action: A woman sits at her desk",
        better: "action: A woman sits at her desk, then stands and goes to the window",
        check: Check::Shot(motion::no_end_state),
    },
    Lint {
        code: "no-anchor",
        group: Group::Motion,
        looks_at: "action, visual or prompt",
        rule: "what travels goes from somewhere to somewhere in the frame",
        why: "left to right, towards the camera, past the door: it fixes direction and speed, and scenes cut together",
        around: SIX,
        bad: "action: A man walks slowly",
        better: "action: A man walks slowly from left to right",
        check: Check::Shot(motion::no_anchor),
    },
    Lint {
        code: "vague-verb",
        group: Group::Motion,
        looks_at: "action, visual or prompt",
        rule: "a specific verb",
        why: "`sprints` has a body, `moves fast` has none",
        around: SIX,
        bad: "action: The boy runs fast towards the gate",
        better: "action: The boy sprints towards the gate",
        check: Check::Shot(motion::vague_verb),
    },
    Lint {
        code: "no-physics",
        group: Group::Motion,
        looks_at: "action, visual or prompt",
        rule: "cloth, hair and water move, and the words say how",
        why: "weight and wind make a motion real, and models leave out what nobody asks for",
        around: SIX,
        bad: "action: A woman in a red scarf walks along the pier",
        better: "action: A woman walks along the pier, her red scarf trailing behind her",
        check: Check::Shot(motion::no_physics),
    },
    // Light
    Lint {
        code: "no-light",
        group: Group::Light,
        looks_at: "lighting, setting, style, mood, what is seen",
        rule: "a word of light",
        why: "light makes the picture: golden hour, neon, overcast, one lamp; without one scenes do not match",
        around: SEEN_DARK,
        bad: "shot: wide",
        better: "lighting: Overcast, soft and grey",
        check: Check::Shot(motion::no_light),
    },
    // Audio
    Lint {
        code: "too-many-layers",
        group: Group::Audio,
        looks_at: "dialogue, sfx, ambient, music, audio",
        rule: "at most three layers of sound",
        why: "with more, the model drops some, and seldom the right ones",
        around: "scenes:\n- duration: 8\n  action: Ada speaks\n  sfx: A door closing\n  ambient: Wind\n  music: A cello\n  LINE\n",
        bad: "dialogue: \"Ada: Not tonight.\"",
        better: "voiceover: Not tonight.",
        check: Check::Shot(audio::too_many_layers),
    },
    Lint {
        code: "long-line",
        group: Group::Audio,
        looks_at: "dialogue",
        rule: "a line has about eight words",
        why: "lips stay in time for that long",
        around: "scenes:\n- duration: 10\n  clip_length: 8\n  action: Ada speaks\n  use: 0-8\n  LINE\n",
        bad: "dialogue: \"Ada: I will not light the lamp tonight, not for you.\"",
        better: "dialogue: \"Ada: Not tonight. Not for you.\"",
        check: Check::Shot(audio::long_line),
    },
    Lint {
        code: "lip-sync",
        group: Group::Audio,
        looks_at: "dialogue, shot, action, visual",
        rule: "who speaks is seen speaking on camera",
        why: "without it the line is heard over a closed mouth",
        around: "scenes:\n- duration: 6\n  dialogue: \"Ada: Not tonight.\"\n  LINE\n",
        bad: "action: Ada looks into the lamp",
        better: "action: Ada looks up, speaking on camera",
        check: Check::Shot(audio::lip_sync),
    },
    Lint {
        code: "loose-effect",
        group: Group::Audio,
        looks_at: "sfx, what is seen",
        rule: "an effect belongs to something that is seen",
        why: "a sound with a cause falls on its frame; one without falls anywhere",
        around: SEEN,
        bad: "sfx: explosion",
        better: "sfx: A match striking as the lamp catches",
        check: Check::Shot(audio::loose_effect),
    },
    Lint {
        code: "ambience-dropped",
        group: Group::Audio,
        looks_at: "ambient and setting of two scenes",
        rule: "the sound of a place goes on across the cut",
        why: "a place that falls silent between two shots is two places",
        around: "scenes:\n- duration: 6\n  visual: A pier\n  setting: The harbour\n  ambient: Gulls, halyards\n- duration: 6\n  visual: A boat\n  setting: The harbour\n  LINE\n",
        bad: "sfx: A rope creaking",
        better: "ambient: Gulls, halyards",
        check: Check::Film(audio::ambience_dropped),
    },
    Lint {
        code: "silent-cues",
        group: Group::Limits,
        looks_at: "sfx, ambient, music, dialogue, audio; the model",
        rule: "sound is asked of models that make sound",
        why: "a clip without sound is not told of it; `audio: on` switches it on where the model can, else add it in the cut",
        around: "model: kling-2.6\nscenes:\n- duration: 5\n  audio: off\n  visual: A pier\n  LINE\n",
        bad: "sfx: Waves breaking",
        better: "voiceover: Nobody comes here in winter.",
        check: Check::Shot(audio::silent_cues),
    },
    // Words
    Lint {
        code: "vague-word",
        group: Group::Words,
        looks_at: "all words of the picture",
        rule: "words that can be seen",
        why: "`beautiful` cannot be filmed; what makes it so can",
        around: SIX,
        bad: "visual: A beautiful lighthouse",
        better: "visual: A white lighthouse, its paint cracked by salt",
        check: Check::Shot(wording::vague_word),
    },
    Lint {
        code: "against-negative",
        group: Group::Words,
        looks_at: "negative, what is seen, setting, style",
        rule: "nothing is asked for and kept out at once",
        why: "the model follows one of the two, and you do not know which",
        around: "negative: people, fog\nscenes:\n- duration: 6\n  LINE\n",
        bad: "visual: A pier in thick fog",
        better: "visual: A pier under a clear sky",
        check: Check::Shot(wording::against_negative),
    },
    Lint {
        code: "several-scenes",
        group: Group::Words,
        looks_at: "action, visual or prompt",
        rule: "one scene a clip",
        why: "a cut inside a clip is a morph; make it two scenes",
        around: SIX,
        bad: "visual: A pier at dawn, cut to a boat in open water",
        better: "visual: A boat in open water at dawn",
        check: Check::Shot(wording::several_scenes),
    },
];

const SEEN_DARK: &str = "scenes:\n- duration: 6\n  action: A boy opens a letter\n  LINE\n";
