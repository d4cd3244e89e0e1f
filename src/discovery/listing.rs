//! The provider's list of models.

use crate::remote::printable;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest id, title or kind of work that is kept, in characters.
const LONGEST_NAME: usize = 120;
/// The longest price text that is kept, in characters.
const LONGEST_PRICE: usize = 2_000;
/// More models than any provider has.
const MOST_MODELS: usize = 20_000;

/// What the provider lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The models, in its order.
    pub offers: Vec<Offer>,
    /// Entries without an id that can be used.
    pub unusable: usize,
}

/// One model of the list. All its words are safe to print.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The id, which [`is_id`].
    pub id: String,
    /// The name that the provider advertises it with.
    pub title: String,
    /// Who made the model.
    pub maker: String,
    /// Kinds of work, such as `Text to Video`. There are mistakes among them.
    pub tasks: Vec<String>,
    /// The price in prose.
    pub price: Option<String>,
}

/// True for an id that can be part of a path: one or two segments of letters, digits, `.`, `_` and `-`.
pub fn is_id(text: &str) -> bool {
    let segments: Vec<&str> = text.split('/').collect();
    let plain = |segment: &&str| {
        !matches!(*segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    text.len() <= LONGEST_NAME && segments.len() <= 2 && segments.iter().all(plain)
}

impl Listing {
    /// Reads the list itself, that is the array of models.
    ///
    /// # Errors
    /// When it is no list of models; the words say what it is instead.
    pub fn read(models: &Value) -> Result<Self, String> {
        let entries = models.as_array().ok_or("the answer holds no list of models")?;
        if entries.len() > MOST_MODELS {
            return Err(format!("the answer lists {} models, which cannot be", entries.len()));
        }
        let mut listing = Self::default();
        let mut seen = BTreeSet::new();
        for entry in entries {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::trim);
            let Some(id) = text("model").filter(|id| is_id(id)) else {
                listing.unusable += 1;
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            let tasks = entry.get("taskType").and_then(Value::as_array);
            listing.offers.push(Offer {
                id: id.to_owned(),
                title: printable(text("title").unwrap_or_default(), LONGEST_NAME),
                maker: printable(text("provider").unwrap_or_default(), LONGEST_NAME),
                tasks: tasks
                    .map_or(&[][..], Vec::as_slice)
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|task| printable(task, LONGEST_NAME))
                    .take(20)
                    .collect(),
                price: text("pricingDesc")
                    .map(|text| printable(text, LONGEST_PRICE))
                    .filter(|text| !text.is_empty()),
            });
        }
        Ok(listing)
    }

    /// The model with this id.
    pub fn offer(&self, id: &str) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.id == id)
    }
}

impl Offer {
    /// True for work that a storyboard can ask for: clips, pictures and speech, not chat or music.
    pub fn is_of_use(&self) -> bool {
        let useful = |task: &String| {
            let task = task.to_lowercase();
            ["video", "image", "speech", "lip sync"].iter().any(|word| task.contains(word))
        };
        self.tasks.is_empty() || self.tasks.iter().any(useful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_one_or_two_plain_segments() {
        for id in ["veo-3-1", "kling/v2-1-pro", "kling-2.6/text-to-video", "a_b/c.d"] {
            assert!(is_id(id), "{id}");
        }
        for id in
            ["", "/", "a/", "a/b/c", "..", "a/..", "a b", "a?b", "a#b", "a%2fb", "ä", "a\u{1b}[m"]
        {
            assert!(!is_id(id), "{id:?}");
        }
        assert!(!is_id(&"x".repeat(121)));
    }

    #[test]
    fn a_list_is_read_loosely_and_its_words_made_safe() {
        let listing = Listing::read(&json!([
            {"model": "a/b", "title": "A\u{1b}[31m B", "provider": null, "taskType": ["Text to Video", 7], "pricingDesc": ""},
            {"model": "a/b", "title": "twice"},
            {"model": "../x"},
            {"title": "no id"},
            "no object",
        ]))
        .expect("a list");
        assert_eq!((listing.offers.len(), listing.unusable), (1, 3));
        let offer = &listing.offers[0];
        assert_eq!((offer.title.as_str(), offer.maker.as_str()), ("A [31m B", ""));
        assert_eq!((offer.tasks.len(), offer.price.as_ref()), (1, None));
        assert!(offer.is_of_use());
        assert!(Listing::read(&json!({"models": []})).is_err());
        assert!(Listing::read(&json!([])).is_ok_and(|listing| listing.offers.is_empty()));
    }
}
