//! A catalogue file of what is new and what is gone.

use super::compare::{Findings, Listed, SchemaAnswer};
use super::listing::Listing;
use super::modes::{self, Guess};
use crate::catalog::{Catalog, Discovery, ModeKind, Model, Provider, Status};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A catalogue file, and what is in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlay {
    /// The file; empty where there is nothing to write.
    pub text: String,
    /// New models, by the name that they have in the file.
    pub added: Vec<String>,
    /// Models that are retired by it, by name.
    pub retired: Vec<String>,
    /// Models that lose modes by it, by name.
    pub narrowed: Vec<String>,
    /// What could not be described, by id, and why.
    pub left_out: Vec<(String, String)>,
}

/// Makes the file. `today` is the day of the answers, as `2026-10-09`.
pub fn overlay(
    catalog: &Catalog,
    provider: &Provider,
    discovery: &Discovery,
    listing: &Listing,
    schemas: &BTreeMap<String, SchemaAnswer>,
    findings: &Findings,
    today: &str,
) -> Overlay {
    let mut overlay = Overlay::default();
    let head = head(provider, discovery, today);
    let mut blocks = Vec::new();
    let mut known = catalog.clone();
    // Every model is put on top of the catalogue as the file will be, so that one that does not fit costs only itself.
    let mut put = |model: &Value| -> Result<(), String> {
        let block = block(model);
        let file = ("new.toml".to_owned(), format!("{head}\n{block}"));
        known = known.clone().with_files(&[file]).map_err(|error| error.message)?;
        blocks.push(block);
        Ok(())
    };
    for (names, guesses) in groups(findings, schemas, today, &mut overlay.left_out) {
        let name = names.iter().find(|name| catalog.find(name).is_err()).or(names.last());
        let Some(name) = name.filter(|name| !overlay.added.contains(name)) else { continue };
        match put(&described(name, &guesses, discovery, provider, today)) {
            Ok(()) => overlay.added.push(name.clone()),
            Err(why) => {
                overlay
                    .left_out
                    .extend(guesses.iter().map(|guess| (guess.id.clone(), why.clone())));
            }
        }
    }
    let gone = |id: &Option<String>| {
        id.as_ref().is_some_and(|id| findings.gone.iter().any(|gone| gone.id == *id))
    };
    let listed = Listed::of(catalog, provider, discovery);
    for model in catalog.models() {
        let ids = model.modes.iter().filter(|mode| gone(&mode.id)).count();
        let is_listed =
            |id: &String| listing.offer(id).is_some() || !listed.by_id.contains_key(id.as_str());
        if ids == 0 || model.provider != provider.name {
            continue;
        }
        let left = model.modes.iter().filter(|mode| !gone(&mode.id)).count();
        let retired = (left == 0).then(|| instead(catalog, model, is_listed));
        let outcome = match retired {
            Some(None) => {
                Err("no live model does its work, and a retired one must name one".to_owned())
            }
            Some(Some(instead)) => put(&retired_model(model, &instead, provider, today)),
            None => put(&narrowed_model(model, &gone, provider, today)),
        };
        match outcome {
            Ok(()) if left == 0 => overlay.retired.push(model.name.clone()),
            Ok(()) => overlay.narrowed.push(model.name.clone()),
            Err(why) => overlay.left_out.push((model.name.clone(), why)),
        }
    }
    if !blocks.is_empty() {
        overlay.text = format!("{head}\n{}", blocks.join("\n"));
    }
    overlay
}

fn head(provider: &Provider, discovery: &Discovery, today: &str) -> String {
    format!(
        "# Made by `storyreel models --refresh --write` from the list of models of {title}, {today}.\n\
         #\n\
         # What stands here was told by a program from the provider's schemas: read it before you spend with it, above all\n\
         # the modes and the prices. `storyreel schema catalog` describes the keys. A model\n\
         # that stands here takes the place of the built-in one. Yours to edit; it is not written over unasked.\n\
         \n\
         provider = {name}\nfamily = {family}\nprompt_style = \"general\"\nchecked = {day}\nsources = [{source}]\n",
        title = provider.title,
        name = text(&provider.name),
        family = text(&discovery.family),
        day = text(today),
        source = text(&format!("list of models of {}, {today}", provider.title)),
    )
}

/// New models: their names, best first, and their modes. Ids that differ in their work only, such as
/// `acme-2/text-to-video` and `acme-2/image-to-video`, are one model.
fn groups(
    findings: &Findings,
    schemas: &BTreeMap<String, SchemaAnswer>,
    today: &str,
    left_out: &mut Vec<(String, String)>,
) -> Vec<(Vec<String>, Vec<Guess>)> {
    let mut groups: Vec<(Vec<String>, Vec<Guess>)> = Vec::new();
    for new in &findings.new {
        let id = &new.offer.id;
        if let Some(problem) = &new.problem {
            left_out.push((id.clone(), problem.clone()));
            continue;
        }
        let Some(SchemaAnswer::Schema(schema)) = schemas.get(id) else { continue };
        let guesses = modes::guess(&new.offer, schema, today);
        let names = names(id);
        let fits = |(known, modes): &&mut (Vec<String>, Vec<Guess>)| {
            let apart = |guess: &Guess| modes.iter().all(|mode| mode.kind != guess.kind);
            known.first() == names.first() && guesses.iter().all(apart)
        };
        match groups.iter_mut().find(fits) {
            Some((_, modes)) => modes.extend(guesses),
            None => groups.push((names, guesses)),
        }
    }
    groups
}

/// Names for the model with this id: without its work, with it, and with a word that no other model has.
fn names(id: &str) -> Vec<String> {
    const WORK: [&str; 7] = [
        "-text-to-video",
        "-image-to-video",
        "-reference-to-video",
        "-video-to-video",
        "-text-to-image",
        "-image-to-image",
        "-speech-to-video",
    ];
    let whole = id.replace(['/', '_'], "-");
    let stem = WORK.iter().find_map(|work| whole.strip_suffix(work)).unwrap_or(&whole);
    let name = |text: &str| {
        let words = text.split('-').filter(|word| !word.is_empty()).map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let full = name(&whole);
    vec![name(stem), full.clone(), format!("{full} (new)"), format!("{full} ({})", id.len())]
}

fn described(
    name: &str,
    guesses: &[Guess],
    discovery: &Discovery,
    provider: &Provider,
    today: &str,
) -> Value {
    let modes: Vec<Value> = guesses
        .iter()
        .map(|guess| {
            json!({
                "kind": guess.kind,
                "id": guess.id,
                "operation": discovery.operation,
                "sound": guess.sound,
                "length_from": guess.length_from,
                "follows": guess.follows,
                "confidence": "low",
                "parameters": guess.parameters,
                "prices": guess.prices,
            })
        })
        .collect();
    json!({
        "name": name,
        "status": "unverified",
        "confidence": "low",
        "note": format!("Generated from the schema of {} of {today}. Nobody has looked at it yet.", provider.title),
        "modes": modes,
    })
}

fn retired_model(model: &Model, instead: &str, provider: &Provider, today: &str) -> Value {
    let mut value = serde_json::to_value(model).unwrap_or_default();
    value["status"] = "retired".into();
    value["instead"] = instead.into();
    value["checked"] = today.into();
    value["note"] = noted(model, &format!("Not listed any more by {} on {today}.", provider.title));
    value
}

fn narrowed_model(
    model: &Model,
    gone: &impl Fn(&Option<String>) -> bool,
    provider: &Provider,
    today: &str,
) -> Value {
    let mut value = serde_json::to_value(model).unwrap_or_default();
    let modes: Vec<Value> = model
        .modes
        .iter()
        .filter(|mode| !gone(&mode.id))
        .filter_map(|mode| serde_json::to_value(mode).ok())
        .collect();
    let mut ids: Vec<&str> = Vec::new();
    for id in model.modes.iter().filter(|mode| gone(&mode.id)).filter_map(|mode| mode.id.as_deref())
    {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    value["modes"] = modes.into();
    value["checked"] = today.into();
    let what = format!("{} not listed any more by {} on {today}.", ids.join(", "), provider.title);
    value["note"] = noted(model, &what);
    value
}

fn noted(model: &Model, what: &str) -> Value {
    model.note.as_ref().map_or_else(|| what.to_owned(), |note| format!("{what} {note}")).into()
}

/// A live model that does the work of one that is gone: of those with its first mode the one with most of its others,
/// by preference of the same prompt style.
fn instead(catalog: &Catalog, gone: &Model, is_listed: impl Fn(&String) -> bool) -> Option<String> {
    let first = gone.modes.first()?.kind;
    let kinds: Vec<ModeKind> = gone.kinds();
    catalog
        .models()
        .iter()
        .filter(|model| model.status == Status::Live && model.slug != gone.slug)
        .filter(|model| {
            model.mode(first).is_some_and(|mode| mode.id.as_ref().is_none_or(&is_listed))
        })
        .map(|model| {
            let common = kinds.iter().filter(|kind| model.mode(**kind).is_some()).count();
            ((model.prompt_style == gone.prompt_style, common), model)
        })
        .fold(None, |best: Option<((bool, usize), &Model)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, model)| model.name.clone())
}

/// What a key of a catalogue file means when it is left out.
fn is_left_out(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => {
            matches!(
                (key, text.as_str()),
                ("status", "live") | ("confidence", "high") | ("sound", "none")
            )
        }
        _ => false,
    }
}

/// A model as a table, with a table for each of its modes and their parameters and prices.
fn block(model: &Value) -> String {
    let mut out = String::from("[[models]]\n");
    keys(&mut out, model, &["provider", "modes"]);
    for mode in model["modes"].as_array().map_or(&[][..], Vec::as_slice) {
        out.push_str("\n[[models.modes]]\n");
        keys(&mut out, mode, &["parameters", "prices"]);
        for parameter in mode["parameters"].as_array().map_or(&[][..], Vec::as_slice) {
            out.push_str("\n[[models.modes.parameters]]\n");
            keys(&mut out, parameter, &[]);
        }
        if !mode["prices"].is_null() {
            out.push_str("\n[models.modes.prices]\n");
            keys(&mut out, &mode["prices"], &[]);
        }
    }
    out
}

fn keys(out: &mut String, table: &Value, without: &[&str]) {
    for (key, value) in table.as_object().into_iter().flatten() {
        // An empty list is a default like any other; elsewhere it says nothing.
        let says_nothing = is_left_out(key, value) && key != "default";
        if !without.contains(&key.as_str()) && !says_nothing && !value.is_null() {
            let _ = writeln!(out, "{} = {}", bare(key), inline(value));
        }
    }
}

fn bare(key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(plain) { key.to_owned() } else { text(key) }
}

/// A value on one line, as TOML spells it.
fn inline(value: &Value) -> String {
    match value {
        Value::String(words) => text(words),
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().filter(|item| !item.is_null()).map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => table(members),
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn table(members: &Map<String, Value>) -> String {
    let members: Vec<String> = members
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| format!("{} = {}", bare(key), inline(value)))
        .collect();
    if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
}

/// A basic string: TOML reads all escapes that JSON writes, and takes one more character amiss.
fn text(words: &str) -> String {
    Value::from(words).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_string() {
        let nasty = "a\"\n[models]\\ \u{7f}\u{1b}'''x";
        let line = format!("note = {}\n{} = 1", text(nasty), bare("a\"b"));
        let read: toml::Table = toml::from_str(&line).expect("TOML");
        assert_eq!(read["note"].as_str(), Some(nasty));
        assert_eq!(read["a\"b"].as_integer(), Some(1));
    }

    #[test]
    fn names_leave_the_work_out_first() {
        assert_eq!(names("kling-5.0/text-to-video")[..2], ["Kling 5.0", "Kling 5.0 Text To Video"]);
        assert_eq!(names("acme/one")[0], "Acme One");
    }

    #[test]
    fn every_model_of_the_catalogue_is_written_and_read_again() {
        let catalog = Catalog::built_in().expect("the catalogue");
        let provider = catalog.provider("kie").expect("kie.ai");
        let discovery = provider.discovery.as_ref().expect("it has a list");
        let head = head(provider, discovery, "2026-10-09");
        for model in catalog.models() {
            let value = serde_json::to_value(model).expect("JSON");
            let file = ("again.toml".to_owned(), format!("{head}\n{}", block(&value)));
            let again = catalog
                .clone()
                .with_files(&[file])
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", model.name, block(&value)));
            let mut again = again.find(&model.slug).expect("it").model().clone();
            // The file's own source comes first.
            again.sources.remove(0);
            assert_eq!(serde_json::to_value(&again).expect("JSON"), value, "{}", model.name);
        }
    }
}
