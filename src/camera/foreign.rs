//! Words for cameras in other languages, as the English ones that the reader knows.

use super::moves::{MOVES, Move};
use std::sync::LazyLock;

/// What is said with a move: ways, paces, and compounds that name a move and its way at once.
const MORE: &[(&str, &str)] = &[
    // Chinese
    ("上摇", "tilt up"),
    ("下摇", "tilt down"),
    ("左摇", "pan left"),
    ("右摇", "pan right"),
    ("摇摄", "pan"),
    ("横摇", "pan"),
    ("向左", "left"),
    ("向右", "right"),
    ("向上", "up"),
    ("向下", "down"),
    ("上升", "crane up"),
    ("下降", "crane down"),
    ("推近", "push in"),
    ("前推", "push in"),
    ("后拉", "pull out"),
    ("拉开", "pull out"),
    ("变焦", "zoom"),
    ("航拍", "drone"),
    ("静止", "static"),
    ("固定机位", "static"),
    ("缓慢", "slow"),
    ("慢慢", "slow"),
    ("缓缓", "slow"),
    ("快速", "fast"),
    ("然后", "then"),
    // Japanese
    ("ティルトアップ", "tilt up"),
    ("ティルトダウン", "tilt down"),
    ("ドリーイン", "dolly in"),
    ("ドリーアウト", "dolly out"),
    ("ズームイン", "zoom in"),
    ("ズームアウト", "zoom out"),
    ("クレーンアップ", "crane up"),
    ("クレーンダウン", "crane down"),
    ("移動撮影", "tracking"),
    ("追いかけ", "tracking"),
    ("固定カメラ", "static"),
    ("空撮", "drone"),
    ("右へ", "right"),
    ("左へ", "left"),
    ("上へ", "up"),
    ("下へ", "down"),
    ("ゆっくり", "slow"),
    ("素早く", "fast"),
    // German
    ("links", "left"),
    ("rechts", "right"),
    ("oben", "up"),
    ("unten", "down"),
    ("hinauf", "up"),
    ("hinab", "down"),
    ("langsam", "slow"),
    ("langsame", "slow"),
    ("langsamer", "slow"),
    ("schnell", "fast"),
    ("schneller", "fast"),
    ("schwenkt", "pan"),
    ("zufahrt", "dolly in"),
    ("ranfahrt", "dolly in"),
    ("heran", "in"),
    ("zurück", "back"),
    ("umkreist", "orbit"),
    ("parallelfahrt", "tracking"),
    ("drohne", "drone"),
    // Dutch
    ("omhoog", "up"),
    ("omlaag", "down"),
    ("langzaam", "slow"),
    ("langzame", "slow"),
    ("snelle", "fast"),
    ("terug", "back"),
    ("uitrijder", "dolly out"),
    ("handcamera", "handheld"),
    ("draait rond", "orbit"),
];

/// Every foreign word in lower case with its English one, the longest first: `ドリーイン` is not `ドリー`.
static WORDS: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let of_move = |one: &'static Move| {
        one.elsewhere.iter().map(move |(_, word)| (word.to_lowercase(), english(one)))
    };
    let mut words: Vec<(String, &str)> = MOVES.iter().flat_map(of_move).collect();
    words.extend(MORE.iter().map(|(word, english)| ((*word).to_owned(), *english)));
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    words
});

/// What the reader knows a move by.
fn english(one: &Move) -> &'static str {
    match one.name {
        "push-in" => "push in",
        "pull-out" => "pull out",
        name => name,
    }
}

/// The words with everything foreign in them put into English.
pub(super) fn in_english(words: &str) -> String {
    let mut text = words.to_lowercase();
    for (foreign, english) in WORDS.iter() {
        if foreign.is_ascii() || foreign.chars().all(|c| c.is_alphabetic() && (c as u32) < 0x250) {
            continue;
        }
        // Chinese and Japanese put no spaces between words.
        if text.contains(foreign.as_str()) {
            text = text.replace(foreign.as_str(), &format!(" {english} "));
        }
    }
    for (foreign, english) in WORDS.iter() {
        if text.contains(foreign.as_str()) {
            text = replaced(&text, foreign, english);
        }
    }
    text
}

/// The text with every whole word replaced.
fn replaced(text: &str, word: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let whole = !before.chars().next_back().is_some_and(char::is_alphanumeric)
            && !after.chars().next().is_some_and(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if whole { with } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}
