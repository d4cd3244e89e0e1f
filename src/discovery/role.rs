//! What a parameter of a stranger's schema is for, told from its name, and which values are its own.

use crate::catalog::{MediaKind, Parameter, WireType};
use serde_json::Value;

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A common field that is no input: prompt, length, ratio, ...
    Field(&'static str),
    /// A switch of the clip's own sound.
    SoundSwitch,
    /// The first frame, or the pictures to work on.
    Picture,
    /// The last frame.
    LastFrame,
    /// Pictures of what must be recognised.
    Reference,
    /// A clip.
    Clip,
    /// A sound file.
    Sound,
    /// The id of an earlier task.
    Task,
    /// The model's own; `params` reaches it.
    Own,
}

impl Role {
    /// The role of a parameter. A name that may mean one thing or another is the model's own.
    pub fn of(parameter: &Parameter) -> Self {
        let name = parameter.name.to_ascii_lowercase();
        let is_links = match parameter.wire_type {
            WireType::String => parameter.values.is_empty(),
            WireType::Array => {
                let items = parameter.items.as_ref();
                items.is_none_or(|items| {
                    items.wire_type == WireType::String && items.values.is_empty()
                })
            }
            _ => false,
        };
        let is_text = parameter.wire_type == WireType::String;
        let is_scalar = !matches!(parameter.wire_type, WireType::Array | WireType::Object);
        match name.as_str() {
            "prompt" if is_text => Self::Field("prompt"),
            "negative_prompt" if is_text => Self::Field("negative"),
            "duration" if is_scalar => Self::Field("duration"),
            "aspect_ratio" | "ratio" if is_text => Self::Field("aspect_ratio"),
            "resolution" if is_text => Self::Field("resolution"),
            "quality" | "mode" | "output_resolution"
                if is_text && are_resolutions(&parameter.values) =>
            {
                Self::Field("resolution")
            }
            "seed" if parameter.is_numeric() => Self::Field("seed"),
            "sound" | "audio" | "generate_audio" | "generate_audio_switch" | "enable_audio"
                if parameter.wire_type == WireType::Boolean =>
            {
                Self::SoundSwitch
            }
            "image_url"
            | "image_urls"
            | "input_urls"
            | "first_frame_url"
            | "first_frame_image_url"
            | "start_image_url"
            | "image"
            | "image_input"
                if is_links =>
            {
                Self::Picture
            }
            "tail_image_url"
            | "end_image_url"
            | "last_frame_url"
            | "last_frame_image_url"
            | "end_frame_url"
                if is_text && is_links =>
            {
                Self::LastFrame
            }
            "reference_image_url"
            | "reference_image_urls"
            | "reference_images"
            | "reference_urls"
                if is_links =>
            {
                Self::Reference
            }
            "video_url" | "video_urls" | "input_video_url" if is_links => Self::Clip,
            "audio_url" | "audio_urls" | "driving_audio_url" if is_links => Self::Sound,
            "task_id" | "taskid" if is_text => Self::Task,
            _ => Self::Own,
        }
    }

    /// The common field that feeds it.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::Field(field) => Some(field),
            Self::SoundSwitch | Self::Sound => Some("audio"),
            Self::Picture | Self::Reference => Some("reference"),
            Self::LastFrame => Some("last_frame"),
            Self::Clip => Some("video"),
            Self::Task => Some("task"),
            Self::Own => None,
        }
    }

    /// What an input of this role must be.
    pub fn media(self) -> Option<MediaKind> {
        match self {
            Self::Picture | Self::Reference | Self::LastFrame => Some(MediaKind::Image),
            Self::Clip => Some(MediaKind::Video),
            Self::Sound => Some(MediaKind::Audio),
            Self::Task => Some(MediaKind::Task),
            Self::Field(_) | Self::SoundSwitch | Self::Own => None,
        }
    }
}

/// True for values such as `720p`, `4k`.
fn are_resolutions(values: &[Value]) -> bool {
    let is_one = |value: &Value| {
        value.as_str().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            let digits = text.trim_end_matches(['p', 'k']);
            digits.len() + 1 == text.len() && digits.bytes().all(|b| b.is_ascii_digit())
        })
    };
    !values.is_empty() && values.iter().all(is_one)
}

/// A parameter as the catalogue can hold it: values and default of its own type, and bounds that do not cross. What does
/// not fit is left out, for the provider itself checks less than we do.
pub(super) fn tidy(mut parameter: Parameter) -> Parameter {
    let fits = |value: &Value| match parameter.wire_type {
        WireType::String => value.is_string(),
        WireType::Integer => value.is_i64(),
        WireType::Number => value.is_number(),
        WireType::Boolean => value.is_boolean(),
        WireType::Array | WireType::Object => false,
    };
    if !parameter.values.iter().all(fits) {
        parameter.values.clear();
    }
    if let (Some(min), Some(max)) = (parameter.min, parameter.max)
        && min > max
    {
        (parameter.min, parameter.max) = (None, None);
    }
    if let (Some(min), Some(max)) = (parameter.min_items, parameter.max_items)
        && min > max
    {
        (parameter.min_items, parameter.max_items) = (None, None);
    }
    if let (Some(min), Some(max)) = (parameter.min_length, parameter.max_length)
        && min > max
    {
        (parameter.min_length, parameter.max_length) = (None, None);
    }
    // Allowed values say more than bounds, and a step between numbers means nothing without any.
    if !parameter.values.is_empty() {
        (parameter.min, parameter.max, parameter.step) = (None, None, None);
        (parameter.min_length, parameter.max_length) = (None, None);
    }
    let is_default = |value: &Value| {
        let inside = value.as_f64().is_none_or(|number| {
            parameter.min.is_none_or(|min| number >= min)
                && parameter.max.is_none_or(|max| number <= max)
        });
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let long_enough = value.is_boolean()
            || value.is_number()
            || (parameter.min_length.is_none_or(|min| length >= min)
                && parameter.max_length.is_none_or(|max| length <= max));
        let is_empty_list = value.as_array().is_some_and(Vec::is_empty)
            && parameter.wire_type == WireType::Array
            && parameter.min_items.unwrap_or(0) == 0;
        is_empty_list
            || (fits(value)
                && inside
                && long_enough
                && parameter.step.is_none()
                && (parameter.values.is_empty() || parameter.values.contains(value)))
    };
    if parameter.default.as_ref().is_some_and(|value| !is_default(value)) {
        parameter.default = None;
    }
    parameter.items = parameter.items.map(|items| Box::new(tidy(*items)));
    parameter.fields = parameter.fields.into_iter().map(tidy).collect();
    parameter
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_that_are_certain_have_a_role() {
        let role = |name: &str, wire_type| {
            Role::of(&Parameter { name: name.into(), wire_type, ..Parameter::default() })
        };
        assert_eq!(role("prompt", WireType::String), Role::Field("prompt"));
        assert_eq!(role("image_urls", WireType::Array), Role::Picture);
        assert_eq!(role("audio", WireType::Boolean), Role::SoundSwitch);
        assert_eq!(role("audio", WireType::String), Role::Own);
        assert_eq!(role("mode", WireType::String), Role::Own);
        let values = vec![json!("720p"), json!("4K")];
        let quality = Parameter { name: "quality".into(), values, ..Parameter::default() };
        assert_eq!(Role::of(&quality), Role::Field("resolution"));
    }

    #[test]
    fn what_the_catalogue_would_refuse_is_left_out() {
        let parameter = Parameter {
            wire_type: WireType::String,
            values: vec![json!(5), json!("10")],
            default: Some(json!(5)),
            min_length: Some(9),
            max_length: Some(3),
            ..Parameter::default()
        };
        assert_eq!(tidy(parameter), Parameter::default());
        let length = Parameter {
            wire_type: WireType::Integer,
            values: vec![json!(5), json!(10)],
            default: Some(json!(5)),
            min: Some(1.0),
            ..Parameter::default()
        };
        let length = tidy(length);
        assert_eq!((length.default, length.min), (Some(json!(5)), None));
    }
}
