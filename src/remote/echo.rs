//! Whether a task's record repeats the request that was sent.
//!
//! The answer to a create can name a task that somebody else's create made (a proxy that mixes answers up, a slip of
//! the clipboard in `adopt`). Nothing in the answer tells; the record does, because the provider repeats the request
//! in it. What it repeats is not always to the letter, so there are three verdicts and not two.

use serde_json::Value;
use std::collections::BTreeSet;

/// What of a request can be found again in a record: the words of its prompt and the files it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Essence {
    /// The prompt, with its white space made single.
    prompt: Option<String>,
    /// The file names at the end of links, without their queries.
    files: BTreeSet<String>,
    /// True where the provider may have translated the prompt before it repeats it.
    translated: bool,
}

/// How a record and a request go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The record repeats the request.
    Same,
    /// The words differ as much as a provider changes them (cut, completed), or nothing can be compared.
    Unclear,
    /// The record is of another request.
    Other,
}

impl Essence {
    /// The essence of a request's body, or of what a record repeats of one. JSON inside texts is read, too.
    pub fn of(body: &Value) -> Self {
        let mut essence = Self::default();
        essence.collect("", body, 0);
        essence
    }

    /// True where there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.prompt.is_none() && self.files.is_empty()
    }

    /// The prompt, where there is one.
    pub fn prompt(&self) -> Option<&str> {
        self.prompt.as_deref()
    }

    /// Compares what was sent with what a record repeats.
    pub fn likeness(&self, record: &Self) -> Likeness {
        match (&self.prompt, &record.prompt) {
            (Some(sent), Some(repeated)) if sent == repeated => Likeness::Same,
            // A provider that translates repeats words of another language.
            (Some(_), Some(_)) if self.translated => Likeness::Unclear,
            (Some(sent), Some(repeated)) => {
                if shared(sent, repeated) < LEAST_SHARED {
                    Likeness::Other
                } else {
                    Likeness::Unclear
                }
            }
            // Only a request without words is told by its files: the provider may keep copies under other names.
            (None, None) if !self.files.is_empty() && !record.files.is_empty() => {
                if self.files.is_disjoint(&record.files) { Likeness::Other } else { Likeness::Same }
            }
            _ => Likeness::Unclear,
        }
    }

    fn collect(&mut self, name: &str, value: &Value, depth: usize) {
        if depth > 16 {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.collect(name, value, depth + 1);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.collect(name, item, depth + 1);
                }
            }
            Value::Bool(true) if name.eq_ignore_ascii_case("enableTranslation") => {
                self.translated = true;
            }
            Value::String(text) => self.collect_text(name, text, depth),
            _ => {}
        }
    }

    fn collect_text(&mut self, name: &str, text: &str, depth: usize) {
        if name.eq_ignore_ascii_case("prompt") {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if self.prompt.is_none() && !words.is_empty() {
                self.prompt = Some(words);
            }
        } else if text.starts_with("http://") || text.starts_with("https://") {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            if let Some(file) = path.rsplit('/').find(|part| !part.is_empty()) {
                self.files.insert(file.to_owned());
            }
        } else if text.starts_with(['{', '['])
            && let Ok(inner) = serde_json::from_str::<Value>(text)
        {
            self.collect(name, &inner, depth + 1);
        }
    }
}

/// A prompt that was cut or completed by the provider keeps at least this part of its words.
const LEAST_SHARED: f64 = 0.5;

/// Which part of the words of the shorter text the longer one holds.
fn shared(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (one, other) = (words(one), words(other));
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.is_empty() {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of words")]
    let part = short.intersection(&long).count() as f64 / short.len() as f64;
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn likeness(sent: &Value, repeated: &Value) -> Likeness {
        Essence::of(sent).likeness(&Essence::of(repeated))
    }

    #[test]
    fn a_record_that_repeats_the_request_is_the_same_wherever_the_words_stand() {
        let sent = json!({"model": "kling-2.6/text-to-video", "input": {"prompt": "A red kite\n over dunes", "sound": false}});
        let inner = json!({"prompt": "A red kite over dunes", "sound": false}).to_string();
        let repeated = json!({"model": "kling-2.6/text-to-video", "input": inner});
        assert_eq!(likeness(&sent, &repeated), Likeness::Same);
        assert_eq!(likeness(&sent, &json!(repeated.to_string())), Likeness::Same);
    }

    #[test]
    fn another_prompt_is_another_request_and_a_changed_one_is_unclear() {
        let sent = json!({"prompt": "A red kite over dunes"});
        let other = json!({"prompt": "An iron spiral staircase by lamplight"});
        assert_eq!(likeness(&sent, &other), Likeness::Other);
        let cut = json!({"prompt": "A red kite"});
        assert_eq!(likeness(&sent, &cut), Likeness::Unclear);
        let completed =
            json!({"prompt": "Cinematic wide shot: a red kite over golden dunes at noon, 35mm"});
        assert_eq!(likeness(&sent, &completed), Likeness::Unclear);
        let translated = json!({"prompt": "Ein roter Drachen", "enableTranslation": true});
        assert_eq!(likeness(&translated, &other), Likeness::Unclear);
        assert_eq!(likeness(&sent, &json!({})), Likeness::Unclear);
    }

    #[test]
    fn without_words_the_files_tell() {
        let sent = json!({"input": {"video_url": "https://a.example/x/3f2a.mp4?sig=1"}});
        let same = json!({"input": {"video_url": "https://b.example/y/3f2a.mp4"}});
        let other = json!({"input": {"video_url": "https://a.example/x/77aa.mp4"}});
        assert_eq!(likeness(&sent, &same), Likeness::Same);
        assert_eq!(likeness(&sent, &other), Likeness::Other);
        // A copy under another name says nothing where the words agree.
        let with_words = json!({"prompt": "a kite", "imageUrls": ["https://a.example/3f2a.png"]});
        let copied = json!({"prompt": "a kite", "imageUrls": ["https://c.example/1.png"]});
        assert_eq!(likeness(&with_words, &copied), Likeness::Same);
    }
}
