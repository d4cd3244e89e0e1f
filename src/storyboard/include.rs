//! Files that a storyboard includes: the look of a series, written once for all its episodes.
//!
//! Nothing is opened here: whoever reads a storyboard gives a [`Load`] that opens files as far as the project allows.

use super::document;
use super::field::{Fields, Input, Value};
use super::markdown::front;
use super::node::{Node, NodeKind};
use super::problems::{Problems, first_line_in, quoted};
use super::scene::{Character, Include, Profile, Step, Storyboard};
use super::{words, yaml};
use crate::source::{Diagnostic, MAX_TEXT_BYTES, Source, Span, Spanned};
use std::collections::HashMap;

/// Files that include files that include files: deeper than this nobody finds anything.
const MAX_DEPTH: usize = 8;

/// No series has more of them.
const MAX_FILES: usize = 64;

/// A file as it was opened.
pub struct Loaded {
    /// The same for the same file, however it is named.
    pub identity: String,
    /// Its text under the name that messages show.
    pub source: Source,
}

/// Opens a file by its path relative to the storyboard's folder. Why it cannot be used is told in a whole message that
/// names it, such as "`cast.yaml` is missing".
pub type Load<'l> = dyn FnMut(&str) -> Result<Loaded, String> + 'l;

/// True for the name of a file that can be included.
pub(super) fn is_document(path: &str) -> bool {
    is_yaml(path) || is_markdown(path)
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn is_yaml(path: &str) -> bool {
    has_ending(path, &["yaml", "yml", "json"])
}

fn is_markdown(path: &str) -> bool {
    has_ending(path, &["md", "markdown", "mdown", "mkd", "mdx"])
}

/// Reads the value of `include`: a path, or a list of paths.
pub(super) fn read(node: &Node, includes: &mut Vec<Include>, problems: &mut Problems<'_>) {
    let items = match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for item in items {
        match words::plain(item) {
            Some(path) => includes.push(Include { path, is_cast: false }),
            None if item.kind == NodeKind::Null => {}
            None => problems.push(
                Diagnostic::error(
                    "wrong-value",
                    format!("`include` takes paths, not {}", item.described()),
                    item.span,
                )
                .label("no path")
                .hint("write `include: shared/look.yaml`, or a list of such paths"),
            ),
        }
    }
}

/// Puts what the included files say under what the storyboard says itself.
pub(super) fn resolve(
    storyboard: &mut Storyboard,
    source: &mut Source,
    load: &mut Load<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let way = vec![(String::new(), source.name().to_owned())];
    let mut resolver =
        Resolver { source, load, found, way, whole: HashMap::new(), files: 0, bytes: 0 };
    let below = resolver.all(&storyboard.includes, "");
    let own = Shared {
        defaults: std::mem::take(&mut storyboard.defaults),
        steps: storyboard.default_steps.take(),
        characters: std::mem::take(&mut storyboard.characters),
        profiles: std::mem::take(&mut storyboard.profiles),
        profile: storyboard.profile.take(),
    };
    let whole = own.over(below);
    storyboard.defaults = whole.defaults;
    storyboard.default_steps = whole.steps;
    storyboard.characters = whole.characters;
    storyboard.profiles = whole.profiles;
    storyboard.profile = whole.profile;
}

/// What a file gives to those that include it.
#[derive(Debug, Clone, Default)]
struct Shared {
    defaults: Fields,
    steps: Option<Vec<Step>>,
    characters: Vec<Character>,
    profiles: Vec<Profile>,
    profile: Option<Spanned<String>>,
}

impl Shared {
    /// This, with the gaps filled from `below`. A character that both name is one character.
    fn over(mut self, below: Self) -> Self {
        let lower = |character: &Character| character.name.value.to_lowercase();
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, character) in self.characters.iter().enumerate() {
            places.entry(lower(character)).or_default().push(at);
        }
        for other in below.characters {
            let Some(same) = places.get(&lower(&other)) else {
                self.characters.push(other);
                continue;
            };
            for at in same {
                self.characters[*at].fill(&other);
            }
        }
        self.defaults = self.defaults.over(&below.defaults);
        self.steps = self.steps.or(below.steps);
        self.profile = self.profile.or(below.profile);
        // A profile of the same name keeps its place among the others: the order is from rough to fine.
        let mut profiles = below.profiles;
        for own in self.profiles {
            match profiles.iter_mut().find(|other| other.name.value == own.name.value) {
                Some(other) => *other = own,
                None => profiles.push(own),
            }
        }
        self.profiles = profiles;
        self
    }

    /// Paths are relative to the file they stand in, and from here on to the storyboard.
    fn moved_to(&mut self, folder: &str) {
        if folder.is_empty() {
            return;
        }
        let moved = |input: &mut Input| {
            if let Input::Path(path) = input {
                *path = joined(folder, path);
            }
        };
        let profiles = self.profiles.iter_mut();
        let of_profiles = profiles.flat_map(|profile| {
            let steps = profile.steps.iter_mut().flatten().map(|step| &mut step.fields);
            std::iter::once(&mut profile.fields).chain(steps)
        });
        let steps = self.steps.iter_mut().flatten().map(|step| &mut step.fields);
        for fields in std::iter::once(&mut self.defaults).chain(steps).chain(of_profiles) {
            for value in fields.values_mut() {
                if let Value::Inputs(inputs) = value {
                    inputs.iter_mut().for_each(moved);
                }
            }
        }
        for character in &mut self.characters {
            character.images.iter_mut().for_each(|image| moved(&mut image.value));
        }
    }
}

/// A path seen from the storyboard's folder. `..` stays as it is: what it leaves may be a link.
fn joined(folder: &str, path: &str) -> String {
    if is_absolute(path) { path.to_owned() } else { format!("{folder}{}", own_folder_off(path)) }
}

fn own_folder_off(path: &str) -> &str {
    path.trim_start_matches("./")
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':')
}

struct Resolver<'r, 'l> {
    source: &'r mut Source,
    load: &'r mut Load<'l>,
    found: &'r mut Vec<Diagnostic>,
    /// Identity and name of each file from the storyboard down to the one whose includes are read.
    way: Vec<(String, String)>,
    /// What files give with all that they include: one that is included in two places is read once.
    whole: HashMap<(String, bool), Shared>,
    files: usize,
    bytes: u64,
}

impl Resolver<'_, '_> {
    /// What several includes of a file in `folder` give; later ones win over earlier ones.
    fn all(&mut self, includes: &[Include], folder: &str) -> Shared {
        let mut shared = Shared::default();
        for include in includes {
            if let Some(above) = self.one(include, folder) {
                shared = above.over(shared);
            }
        }
        shared
    }

    fn one(&mut self, include: &Include, folder: &str) -> Option<Shared> {
        let written = include.path.value.as_str();
        let span = include.path.span;
        if let Some((message, hint)) = unusable(written) {
            return self.refuse(span, "wrong-include", message, hint);
        }
        let path = joined(folder, written);
        let loaded = match (self.load)(&path) {
            Ok(loaded) => loaded,
            Err(message) => {
                let hint = "the path is relative to the file that it stands in, and stays inside the project";
                return self.refuse(span, "unreadable-include", message, hint);
            }
        };
        let name = loaded.source.name().to_owned();
        if let Some(from) = self.way.iter().position(|(known, _)| *known == loaded.identity) {
            let message = format!("files include each other: {}", self.told(from, &name));
            return self.refuse(span, "circle", message, "take one of these includes away");
        }
        if self.way.len() > MAX_DEPTH {
            let way = self.told(0, &name);
            let message =
                format!("files include each other more than {MAX_DEPTH} levels deep: {way}");
            return self.refuse(
                span,
                "include-depth",
                message,
                "include the last ones from the first one",
            );
        }
        let key = (loaded.identity, include.is_cast);
        if let Some(whole) = self.whole.get(&key) {
            return Some(whole.clone());
        }
        self.files += 1;
        self.bytes += loaded.source.text().len() as u64;
        if self.files > MAX_FILES || self.bytes > MAX_TEXT_BYTES {
            let message = format!(
                "the storyboard includes more than {MAX_FILES} files or {} MiB",
                MAX_TEXT_BYTES >> 20
            );
            return self.refuse(
                span,
                "include-size",
                message,
                "put what they share into fewer files",
            );
        }
        let text = self.source.include(loaded.source);
        let mut problems = Problems::new(self.source);
        let (mut own, includes) = read_file(written, text, include.is_cast, &mut problems);
        self.found.extend(problems.found());
        let folder = path.rfind('/').map_or("", |at| &path[..=at]);
        own.moved_to(folder);
        self.way.push((key.0.clone(), name));
        let below = self.all(&includes, folder);
        self.way.pop();
        let whole = own.over(below);
        self.whole.insert(key, whole.clone());
        Some(whole)
    }

    fn refuse(
        &mut self,
        span: Span,
        code: &'static str,
        message: String,
        hint: &str,
    ) -> Option<Shared> {
        self.found.push(Diagnostic::error(code, message, span).label("included here").hint(hint));
        None
    }

    /// The way from one of the files on it to `last`: `a.yaml -> b.yaml -> a.yaml`.
    fn told(&self, from: usize, last: &str) -> String {
        let names = self.way[from..].iter().map(|(_, name)| name.as_str()).chain([last]);
        let names: Vec<String> =
            names.map(|name| quoted(name).trim_matches('`').to_owned()).collect();
        names.join(" -> ")
    }
}

/// Why a path cannot be included, whatever lies there, and what to write.
fn unusable(path: &str) -> Option<(String, &'static str)> {
    let shown = quoted(path);
    if path.contains("://") {
        return Some((
            format!("{shown} is a link, and nothing is fetched from the network"),
            "save the file in the project and write its path",
        ));
    }
    if is_absolute(path) {
        return Some((
            format!("{shown} is not a path inside the project"),
            "write it relative to the file that it stands in, such as `shared/look.yaml`",
        ));
    }
    if !is_document(path) {
        return Some((
            format!("{shown} is no YAML or Markdown file"),
            "include a file that ends in `.yaml`, or in `.md` with all of it in the front matter",
        ));
    }
    None
}

/// Reads an included file, whose text lies at `text`, and what it includes.
fn read_file(
    name: &str,
    text: Span,
    is_cast: bool,
    problems: &mut Problems<'_>,
) -> (Shared, Vec<Include>) {
    let nothing = (Shared::default(), Vec::new());
    let part = if is_markdown(name) { front_matter(text, problems) } else { Some(text) };
    let Some(node) = part.and_then(|part| yaml::parse(part, problems)) else { return nothing };
    match &node.kind {
        NodeKind::Map(entries) if !is_cast => read_defaults(entries, problems),
        NodeKind::Map(entries) => match entries.iter().find(|(key, value)| {
            key.value.eq_ignore_ascii_case("characters")
                && !matches!(value.kind, NodeKind::Scalar(_))
        }) {
            Some((key, _)) => {
                problems.push(
                    Diagnostic::error(
                        "wrong-include",
                        "a file of characters is their map itself, without `characters:` around it",
                        key.span,
                    )
                    .label("one level too many")
                    .hint("write `include:` in place of `characters:` where the file is named, or take this line away"),
                );
                nothing
            }
            None => (cast(&node, problems), Vec::new()),
        },
        NodeKind::List(_) if is_cast => (cast(&node, problems), Vec::new()),
        NodeKind::Null => nothing,
        NodeKind::Scalar(_) | NodeKind::List(_) => {
            problems.push(
                Diagnostic::error(
                    "wrong-include",
                    format!(
                        "an included file is a map of names and values, not {}",
                        node.described()
                    ),
                    first_line_in(problems.source(), text),
                )
                .label("not a map")
                .hint("write lines such as `style: 35mm film, soft grain`"),
            );
            nothing
        }
    }
}

fn cast(node: &Node, problems: &mut Problems<'_>) -> Shared {
    Shared { characters: document::read_characters(node, problems), ..Shared::default() }
}

fn read_defaults(
    entries: &[(Spanned<String>, Node)],
    problems: &mut Problems<'_>,
) -> (Shared, Vec<Include>) {
    let head = document::read_head(entries, problems);
    if let Some((key, _)) = head.scenes {
        problems.push(
            Diagnostic::error("wrong-include", "an included file cannot hold scenes", key)
                .label("scenes belong into the storyboard")
                .hint("move what the files share into a file of its own, and include that"),
        );
    }
    let Storyboard { defaults, default_steps, characters, includes, profiles, profile, .. } =
        head.storyboard;
    (Shared { defaults, steps: default_steps, characters, profiles, profile }, includes)
}

/// Where the front matter of an included Markdown file stands.
fn front_matter(text: Span, problems: &mut Problems<'_>) -> Option<Span> {
    let mark = if problems.source().slice(text).starts_with('\u{feff}') { 3 } else { 0 };
    let whole = Span::new(text.start + mark, text.end);
    let Some(front) = front::find(whole, problems) else {
        problems.push(
            Diagnostic::error(
                "wrong-include",
                "an included Markdown file has front matter and nothing else, and this one has none",
                first_line_in(problems.source(), whole),
            )
            .label("looked for a line `---`")
            .hint("put `---` lines around the names and values, or end the file's name in `.yaml`"),
        );
        return None;
    };
    let rest = first_line_in(problems.source(), Span::new(front.after.min(text.end), text.end));
    if rest.start < rest.end {
        problems.push(
            Diagnostic::warning(
                "included-text",
                "of an included Markdown file only the front matter is read",
                rest,
            )
            .label("not used")
            .hint("scenes belong into the storyboard; `notes` in the front matter are for people"),
        );
    }
    Some(front.span)
}
