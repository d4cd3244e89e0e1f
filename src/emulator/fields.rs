//! Tables of request fields and the check of a body against them.

use serde_json::{Map, Value};

/// What a field may hold. The check is of JSON types: the text `"5"` is not the number 5.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text of at most so many characters (0 = no documented maximum); a required one must not be blank.
    Text(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// One of these whole numbers.
    WholeChoice(&'static [i64]),
    /// One of these whole numbers, or the same as text: the provider's own pages show both.
    LooseChoice(&'static [i64]),
    /// A whole number in this range, both ends included.
    Whole(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A list of so many to so many `http` or `https` addresses.
    Urls(usize, usize),
    /// One `http` or `https` address.
    Url,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether a body without it is refused.
    pub required: bool,
}

/// A field that must be there.
pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// A field that may be left out.
pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// Checks an object against its table: the names it has that the table does not know, or what is wrong with it.
pub fn check(fields: &[Field], object: &Map<String, Value>) -> Result<Vec<String>, String> {
    for field in fields {
        match object.get(field.name) {
            None | Some(Value::Null) if field.required => {
                return Err(format!("{} is required", field.name));
            }
            None | Some(Value::Null) => {}
            Some(value) => field
                .kind
                .check(value, field.required)
                .map_err(|problem| format!("{} {problem}", field.name))?,
        }
    }
    let unknown =
        object.keys().filter(|name| fields.iter().all(|field| field.name != name.as_str()));
    Ok(unknown.cloned().collect())
}

impl Kind {
    fn check(self, value: &Value, required: bool) -> Result<(), String> {
        match self {
            Self::Text(most) => {
                let text = value.as_str().ok_or("must be a string")?;
                if required && text.trim().is_empty() {
                    return Err("cannot be empty".into());
                }
                if most > 0 && text.chars().count() > most {
                    return Err(format!("cannot exceed {most} characters"));
                }
                Ok(())
            }
            Self::Choice(allowed) => {
                let text = value.as_str().ok_or("must be a string")?;
                if allowed.contains(&text) {
                    Ok(())
                } else {
                    Err(format!("must be one of {}", allowed.join(", ")))
                }
            }
            Self::WholeChoice(allowed) => {
                let number = value.as_i64().ok_or("must be an integer")?;
                among(number, allowed)
            }
            Self::LooseChoice(allowed) => {
                let number =
                    value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                among(number.ok_or("must be a number")?, allowed)
            }
            Self::Whole(least, most) => {
                let number = value.as_i64().ok_or("must be an integer")?;
                if (least..=most).contains(&number) {
                    Ok(())
                } else {
                    Err(format!("must be between {least} and {most}"))
                }
            }
            Self::Flag => value.as_bool().map(|_| ()).ok_or_else(|| "must be a boolean".into()),
            Self::Urls(least, most) => {
                let list = value.as_array().ok_or("must be an array")?;
                if !(least..=most).contains(&list.len()) {
                    return Err(format!("must have {least} to {most} items"));
                }
                if list.iter().all(is_url) { Ok(()) } else { Err("must hold http(s) urls".into()) }
            }
            Self::Url => {
                if is_url(value) {
                    Ok(())
                } else {
                    Err("must be an http(s) url".into())
                }
            }
        }
    }
}

fn among(number: i64, allowed: &[i64]) -> Result<(), String> {
    if allowed.contains(&number) {
        return Ok(());
    }
    let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    Err(format!("must be one of {}", names.join(", ")))
}

/// Whether a value is an `http` or `https` address.
pub fn is_url(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &[Field] = &[
        required("prompt", Kind::Text(5)),
        optional("duration", Kind::Choice(&["5", "10"])),
        optional("count", Kind::LooseChoice(&[5, 10])),
        optional("sound", Kind::Flag),
        optional("seed", Kind::Whole(10, 20)),
        optional("images", Kind::Urls(1, 2)),
    ];

    fn verdict(value: Value) -> Result<Vec<String>, String> {
        check(TABLE, value.as_object().expect("an object"))
    }

    #[test]
    fn each_kind_says_what_it_wants() {
        assert_eq!(verdict(json!({"prompt": "a", "fps": 24})), Ok(vec!["fps".to_owned()]));
        for (body, text) in [
            (json!({}), "prompt is required"),
            (json!({"prompt": null}), "prompt is required"),
            (json!({"prompt": " "}), "prompt cannot be empty"),
            (json!({"prompt": "abcdef"}), "prompt cannot exceed 5 characters"),
            (json!({"prompt": "a", "duration": 5}), "duration must be a string"),
            (json!({"prompt": "a", "duration": "7"}), "duration must be one of 5, 10"),
            (json!({"prompt": "a", "count": 7}), "count must be one of 5, 10"),
            (json!({"prompt": "a", "sound": "yes"}), "sound must be a boolean"),
            (json!({"prompt": "a", "seed": 21}), "seed must be between 10 and 20"),
            (json!({"prompt": "a", "images": []}), "images must have 1 to 2 items"),
            (json!({"prompt": "a", "images": ["file.png"]}), "images must hold http(s) urls"),
        ] {
            assert_eq!(verdict(body), Err(text.to_owned()));
        }
        assert_eq!(verdict(json!({"prompt": "a", "count": "5", "sound": null})), Ok(vec![]));
    }
}
