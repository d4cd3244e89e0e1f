//! Small helpers that compare and show names and values.

use serde_json::Value;

/// Letters and digits only, in lower case: `Veo 3.1 Fast`, `veo-3-1-fast` and `VEO_3.1 fast` are one name.
pub(super) fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of(words: &[String]) -> String {
    joined(words, "or")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn all_of(words: &[String]) -> String {
    joined(words, "and")
}

fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [before @ .., word] => format!("{} {last} {word}", before.join(", ")),
    }
}

/// Each word in backticks.
pub(super) fn quoted<T: AsRef<str>>(words: &[T]) -> Vec<String> {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect()
}

/// The nearest of `names` to `wanted`, when it is near enough to be a slip of the pen.
pub(super) fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = normal(wanted);
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &normal(name)), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// A JSON scalar as people write it, without quotes and control characters; long text is cut.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = plain(&text);
    if text.chars().count() <= 60 {
        return text;
    }
    let start: String = text.chars().take(57).collect();
    format!("{start}...")
}

/// Words without control characters: messages go to terminals, and the words may be a stranger's.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A number of seconds, credits or items without a useless `.0`.
pub(super) fn number(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value}")
    }
}

/// A number as JSON: whole numbers without a fraction, so that `5` and `5.0` make one request.
pub(super) fn json_number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and below 2^53")]
    if value == value.trunc() && value.abs() < 9_007_199_254_740_992.0 {
        return Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// The number that a JSON number or numeric text holds.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The switch that `true`, `on`, `yes` and their opposites mean.
pub(super) fn as_switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" => Some(true),
            "false" | "off" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// True when two scalars mean the same: numbers by value, text without case, `"8"` and `8` alike.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    if let (Some(a), Some(b)) = (as_number(a), as_number(b)) {
        return (a - b).abs() < 1e-9;
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.trim().to_lowercase() == b.trim().to_lowercase(),
        (Value::Bool(_), Value::String(_)) | (Value::String(_), Value::Bool(_)) => {
            as_switch(a) == as_switch(b)
        }
        _ => false,
    }
}

/// True when a value is there and not empty: `false` and `0` are values, `""` and `[]` are not.
pub(super) fn filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => true,
    }
}

/// True for an input in symbolic form: `{"$file": ..}`, `{"$clip": ..}`, `{"$task": ..}`, `{"$previous": ..}` or `{"$scene": ..}`.
pub(super) fn is_symbolic(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        ["$file", "$clip", "$task", "$previous", "$scene"].iter().any(|key| map.contains_key(*key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_compared_by_letters_and_digits() {
        assert_eq!(normal("Veo 3.1 Fast"), normal("veo-3-1_FAST"));
        assert_ne!(normal("Veo 3.1"), normal("Veo 3.1 Fast"));
    }

    #[test]
    fn scalars_are_the_same_whatever_their_spelling() {
        assert!(same(&json!("8"), &json!(8)));
        assert!(same(&json!("1080P"), &json!("1080p")));
        assert!(same(&json!(true), &json!("on")));
        assert!(!same(&json!("4k"), &json!("4")));
        assert!(!same(&json!(null), &json!("")));
    }

    #[test]
    fn lists_of_words_read_well() {
        let words = quoted(&["a", "b", "c"]);
        assert_eq!(one_of(&words), "`a`, `b` or `c`");
        assert_eq!(all_of(&words[..2]), "`a` and `b`");
        assert_eq!(shown(&json!("a\u{1b}[31mb")), "a [31mb");
        assert_eq!(number(7.0), "7");
        assert_eq!(number(2.5), "2.5");
        assert_eq!(json_number(5.0), json!(5));
    }
}
