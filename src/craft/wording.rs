//! Words that do not help.

use super::Told;
use super::shot::{Shot, first_of};
use crate::prompt::grammar;
use crate::storyboard::Field;

const VAGUE: &[&str] = &[
    "beautiful",
    "amazing",
    "stunning",
    "gorgeous",
    "breathtaking",
    "incredible",
    "awesome",
    "epic",
    "nice",
    "cool",
    "wonderful",
    "fantastic",
    "magnificent",
    "spectacular",
    "perfect",
    "very",
    "really",
    "interesting",
    "high quality",
    "high-quality",
    "best quality",
    "masterpiece",
    "visually stunning",
    "mind-blowing",
    "ultra realistic",
    "hyper realistic",
];

pub(super) fn vague_word(shot: &Shot<'_>) -> Option<Told> {
    let parts: Vec<Field> = if shot.is_own_prompt {
        vec![Field::Prompt]
    } else {
        vec![
            Field::Visual,
            Field::Subject,
            Field::Action,
            Field::Setting,
            Field::Lighting,
            Field::Style,
            Field::Mood,
        ]
    };
    parts.into_iter().find_map(|field| {
        let text = if field == Field::Prompt { shot.prompt } else { shot.text(field) };
        let word = first_of(text, VAGUE)?;
        Some((Some(field), format!("`{word}` shows nothing")))
    })
}

pub(super) fn against_negative(shot: &Shot<'_>) -> Option<Told> {
    let negative = shot.text(Field::Negative);
    if negative.is_empty() {
        return None;
    }
    let told = format!("{} {} {}", shot.seen(), shot.text(Field::Setting), shot.text(Field::Style));
    let terms = negative.split([',', ';', '.', '\n']).map(str::trim);
    let found = terms.filter(|term| !term.is_empty()).find(|term| {
        let words = grammar::words(term);
        let bare: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !matches!(*word, "no" | "avoid" | "any"))
            .collect();
        !bare.is_empty() && bare.len() <= 3 && first_of(&told, &[bare.join(" ").as_str()]).is_some()
    })?;
    let found: String = found.chars().take(40).collect();
    Some((Some(Field::Negative), format!("`{found}` is asked for and kept out at once")))
}

pub(super) fn several_scenes(shot: &Shot<'_>) -> Option<Told> {
    const CUTS: &[&str] = &[
        "cut to",
        "cuts to",
        "we cut",
        "smash cut",
        "jump cut",
        "next scene",
        "next shot",
        "new scene",
        "meanwhile",
        "montage",
        "montage of",
        "later that day",
        "the next day",
        "the next morning",
        "hours later",
        "days later",
        "years later",
        "flashback",
        "intercut",
        "split screen",
        "scene 2",
        "shot 2",
    ];
    let found = first_of(&shot.seen(), CUTS)?;
    Some((shot.told_in(), format!("`{found}`: a clip is one scene in one place")))
}
