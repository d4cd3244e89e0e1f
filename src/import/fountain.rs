//! Screenplays in Fountain: a scene a heading, its action what is seen, its dialogue kept. No duration is invented.

use super::values::Settler;
use super::{Fate, Format, Import, finish, refusal};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::{Field, Fields, Scene, SceneId, Storyboard, Value};
use std::collections::HashSet;

/// What a heading starts with, the longest first, and what it means.
const PLACES: &[(&str, &str)] = &[
    ("INT./EXT", "interior and exterior"),
    ("INT/EXT", "interior and exterior"),
    ("EXT./INT", "exterior and interior"),
    ("EXT/INT", "exterior and interior"),
    ("I/E", "interior and exterior"),
    ("INT", "interior"),
    ("EXT", "exterior"),
    ("EST", "establishing shot"),
];

/// True for a text that has a scene heading after a blank line.
pub(super) fn is_script(text: &str) -> bool {
    let mut blank = true;
    text.lines().take(5000).any(|line| {
        let found = blank && place(line.trim()).is_some();
        blank = line.trim().is_empty();
        found
    })
}

/// The start of a heading and how many bytes of it that is.
fn place(line: &str) -> Option<(&'static str, usize)> {
    let upper = line
        .get(..line.len().min(16))
        .or_else(|| line.get(..8))
        .unwrap_or_default()
        .to_ascii_uppercase();
    PLACES.iter().find_map(|(word, meaning)| {
        let rest = upper.strip_prefix(word)?;
        rest.starts_with(['.', ' '])
            .then_some((*meaning, word.len() + usize::from(rest.starts_with('.'))))
    })
}

/// A scene while its lines are read.
#[derive(Default)]
struct Draft {
    heading: String,
    number: Option<String>,
    span: Span,
    setting: String,
    action: Vec<String>,
    dialogue: Vec<String>,
    voiceover: Vec<String>,
    transition: Option<String>,
    transition_in: Option<String>,
    text: Vec<String>,
    music: Vec<String>,
    notes: Vec<String>,
}

/// Reads a script.
pub(super) fn import(source: &Source) -> Result<Import, Vec<Diagnostic>> {
    let mut settler = Settler::new(source);
    let masked = mask(source, &mut settler);
    let mut script = Script { scenes: Vec::new(), next_in: None, sections: Vec::new() };
    let mut board = Storyboard::default();
    let mut notes = Vec::new();
    let lines = lines_of(&masked);
    let body = title_page(&lines, &mut board, &mut notes, &mut settler);
    script.read(&lines[body..], &mut settler, &mut notes);
    if script.scenes.is_empty() {
        return Err(refusal(
            source,
            "no line in it is a scene heading",
            "headings such as `INT. LIGHTHOUSE - NIGHT`, or `.A NAME` that forces one",
            "put a blank line before each heading; `storyreel import --help` lists what is read",
        ));
    }
    let mut taken = HashSet::new();
    let scenes: Vec<Scene> = script
        .scenes
        .into_iter()
        .enumerate()
        .map(|(index, draft)| draft.into_scene(index, &mut taken, &mut settler))
        .collect();
    board.scenes = scenes;
    let mut import = Import { format: Format::Fountain, board, notes, remarks: settler.remarks };
    finish::finish(&mut import);
    Ok(import)
}

/// The script without what is in `/* ... */`, every other byte where it was.
fn mask(source: &Source, settler: &mut Settler<'_>) -> String {
    let text = source.text();
    let mut masked = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        masked[..3].fill(b' ');
    }
    let mut at = 0;
    while let Some(open) = text[at..].find("/*").map(|offset| at + offset) {
        let Some(close) = text[open + 2..].find("*/").map(|offset| open + 2 + offset + 2) else {
            break;
        };
        let hidden: String = text[open..close].split_whitespace().collect::<Vec<_>>().join(" ");
        settler.remark(
            Fate::LeftOut,
            "/*",
            &hidden,
            Span::new(open, open + 2),
            "the script leaves it out itself".to_owned(),
        );
        for byte in &mut masked[open..close] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = close;
    }
    // What is blanked starts and ends on ASCII, so what is left is still UTF-8.
    String::from_utf8(masked).unwrap_or_else(|_| text.to_owned())
}

fn lines_of(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        lines.push((at, line.trim_end_matches('\r')));
        at += line.len() + 1;
    }
    lines
}

/// Reads `Title: ...` and its kin at the top; the index of the first line of the script.
fn title_page(
    lines: &[(usize, &str)],
    board: &mut Storyboard,
    notes: &mut Vec<String>,
    settler: &mut Settler<'_>,
) -> usize {
    const KEYS: &[&str] = &[
        "title",
        "credit",
        "author",
        "authors",
        "source",
        "notes",
        "draft date",
        "date",
        "contact",
        "copyright",
        "revision",
        "format",
        "genre",
        "logline",
    ];
    let first = lines.iter().position(|(_, line)| !line.trim().is_empty()).unwrap_or(0);
    let key_of = |line: &str| {
        let (key, _) = line.split_once(':')?;
        KEYS.contains(&key.trim().to_lowercase().as_str()).then(|| key.trim().to_owned())
    };
    if lines.get(first).is_none_or(|(_, line)| key_of(line).is_none()) {
        return 0;
    }
    let mut entries: Vec<(String, String, Span)> = Vec::new();
    let mut index = first;
    while let Some((at, line)) = lines.get(index).filter(|(_, line)| !line.trim().is_empty()) {
        match key_of(line) {
            Some(key) if !line.starts_with([' ', '\t']) => {
                let value = line.split_once(':').map(|(_, value)| value.trim()).unwrap_or_default();
                entries.push((key, value.to_owned(), Span::new(*at, at + line.len())));
            }
            _ => {
                if let Some((_, value, _)) = entries.last_mut() {
                    if !value.is_empty() {
                        value.push(' ');
                    }
                    value.push_str(line.trim());
                }
            }
        }
        index += 1;
    }
    for (key, value, span) in entries {
        let value = plain(&value);
        if value.is_empty() {
            continue;
        }
        if key.eq_ignore_ascii_case("title") {
            board.title = Some(Spanned::new(value, span));
        } else {
            let message = "the title page has more than a title".to_owned();
            settler.remark(Fate::InFilmNotes, &key, &value, span, message);
            notes.push(format!("{key}: {value}"));
        }
    }
    index
}

struct Script {
    scenes: Vec<Draft>,
    /// A transition before a heading: `FADE IN:`.
    next_in: Option<String>,
    /// Sections and synopses above a heading.
    sections: Vec<String>,
}

impl Script {
    fn read(&mut self, lines: &[(usize, &str)], settler: &mut Settler<'_>, film: &mut Vec<String>) {
        let mut index = 0;
        let mut note: Option<String> = None;
        while let Some((at, raw)) = lines.get(index).copied() {
            let blank_before = index == 0 || lines[index - 1].1.trim().is_empty();
            let blank_after = lines.get(index + 1).is_none_or(|(_, next)| next.trim().is_empty());
            index += 1;
            let (line, inner) = take_notes(raw, &mut note);
            for text in inner {
                self.note(format!("Note: {text}"), film);
            }
            let line = line.trim();
            let span = Span::new(at, at + raw.len());
            if line.is_empty() {
                continue;
            }
            if let Some(heading) = heading(line, blank_before) {
                self.start(heading, span);
            } else if let Some(section) = line.strip_prefix('#') {
                self.sections
                    .push(format!("Section: {}", plain(section.trim_start_matches('#').trim())));
            } else if line.len() >= 3 && line.bytes().all(|byte| byte == b'=') {
                // A page break.
            } else if let Some(synopsis) = line.strip_prefix('=') {
                let text = format!("Synopsis: {}", plain(synopsis.trim()));
                if self.scenes.is_empty() || !self.sections.is_empty() {
                    self.sections.push(text);
                } else {
                    self.note(text, film);
                }
            } else if let Some(words) = transition(line, blank_before && blank_after) {
                self.transition(words);
            } else if let Some(centred) =
                line.strip_prefix('>').and_then(|rest| rest.strip_suffix('<'))
            {
                let text = plain(centred.trim());
                match self.scenes.last_mut() {
                    Some(scene) => scene.text.push(text),
                    None => self.loose(text, span, settler, film),
                }
            } else if let Some(lyric) = line.strip_prefix('~') {
                match self.scenes.last_mut() {
                    Some(scene) => scene.music.push(plain(lyric.trim())),
                    None => self.loose(plain(lyric.trim()), span, settler, film),
                }
            } else if let Some(name) = speaker(line, blank_before, blank_after) {
                let from = index;
                while lines.get(index).is_some_and(|(_, next)| !next.trim().is_empty()) {
                    index += 1;
                }
                let said: Vec<&str> =
                    lines[from..index].iter().map(|(_, line)| line.trim()).collect();
                self.speech(&name, &said, span, settler, film);
            } else {
                let text = plain(line.strip_prefix('!').unwrap_or(line));
                match self.scenes.last_mut() {
                    Some(scene) => scene.action.push(text),
                    None => self.loose(text, span, settler, film),
                }
            }
        }
        for section in std::mem::take(&mut self.sections) {
            self.note(section, film);
        }
    }

    fn start(&mut self, (words, number, setting): (String, Option<String>, String), span: Span) {
        let transition_in = self.next_in.take();
        let notes = std::mem::take(&mut self.sections);
        self.scenes.push(Draft {
            heading: words,
            number,
            span,
            setting,
            transition_in,
            notes,
            ..Draft::default()
        });
    }

    fn transition(&mut self, words: String) {
        let opens = words.starts_with("fade-in") || words.starts_with("fade in");
        match self.scenes.last_mut() {
            Some(scene) if !opens => scene.transition = Some(words),
            _ => self.next_in = Some(words),
        }
    }

    fn note(&mut self, text: String, film: &mut Vec<String>) {
        match self.scenes.last_mut() {
            Some(scene) => scene.notes.push(text),
            None => film.push(text),
        }
    }

    /// Words above the first heading.
    fn loose(
        &mut self,
        text: String,
        span: Span,
        settler: &mut Settler<'_>,
        film: &mut Vec<String>,
    ) {
        let message = "it stands above the first scene heading".to_owned();
        settler.remark(Fate::InFilmNotes, "", &text, span, message);
        film.push(text);
    }

    fn speech(
        &mut self,
        name: &str,
        said: &[&str],
        span: Span,
        settler: &mut Settler<'_>,
        film: &mut Vec<String>,
    ) {
        let mut words: Vec<String> = Vec::new();
        let mut note = None;
        for line in said {
            let (line, inner) = take_notes(line, &mut note);
            for text in inner {
                self.note(format!("Note: {text}"), film);
            }
            let line = plain(line.trim().trim_start_matches('~').trim());
            if !line.is_empty() {
                words.push(line);
            }
        }
        let text = words.join(" ");
        let (who, extension) = match name.split_once('(') {
            Some((who, extension)) => {
                (who.trim(), extension.trim_end_matches([')', ' ', '^']).to_uppercase())
            }
            None => (name.trim_end_matches('^').trim(), String::new()),
        };
        let Some(scene) = self.scenes.last_mut() else {
            self.loose(format!("{who}: {text}"), span, settler, film);
            return;
        };
        if text.is_empty() {
            return;
        }
        if extension.starts_with("V.O") || extension == "VO" || extension == "NARRATION" {
            // A voice that is not in the picture is laid over the cut.
            scene.voiceover.push(without_parentheticals(&text));
            let speaker = format!("Voiceover: {who}");
            if !scene.notes.contains(&speaker) {
                scene.notes.push(speaker);
            }
            return;
        }
        let off = if extension.starts_with("O.") { " (off screen)" } else { "" };
        scene.dialogue.push(format!("{who}{off}: {text}"));
    }
}

/// Takes `[[...]]` out of a line; a note may go on over several.
fn take_notes(line: &str, open: &mut Option<String>) -> (String, Vec<String>) {
    let mut kept = String::new();
    let mut notes = Vec::new();
    let mut rest = line;
    loop {
        if let Some(note) = open {
            match rest.split_once("]]") {
                Some((inner, after)) => {
                    note.push(' ');
                    note.push_str(inner);
                    let whole = plain(note);
                    if !whole.is_empty() {
                        notes.push(whole);
                    }
                    *open = None;
                    rest = after;
                }
                None => {
                    note.push(' ');
                    note.push_str(rest);
                    // Whoever forgot the end meant the line.
                    if note.len() > 4000 {
                        notes.push(plain(note));
                        *open = None;
                    }
                    return (kept, notes);
                }
            }
        }
        match rest.split_once("[[") {
            Some((before, after)) => {
                kept.push_str(before);
                *open = Some(String::new());
                rest = after;
            }
            None => {
                kept.push_str(rest);
                return (kept, notes);
            }
        }
    }
}

/// A heading's words, its number, and where it is: `INT. KITCHEN - DAY #4A#`.
fn heading(line: &str, blank_before: bool) -> Option<(String, Option<String>, String)> {
    let forced = line.strip_prefix('.').filter(|rest| rest.starts_with(char::is_alphanumeric));
    let found = match forced {
        Some(_) => None,
        None if blank_before => Some(place(line)?),
        None => return None,
    };
    let words = forced.unwrap_or(line);
    let (words, number) =
        match words.trim_end().strip_suffix('#').and_then(|rest| rest.rsplit_once('#')) {
            Some((words, number)) if !number.trim().is_empty() => {
                (words.trim(), Some(number.trim().to_owned()))
            }
            _ => (words.trim(), None),
        };
    let words = plain(words);
    let rest = match found {
        Some((_, length)) => words.get(length..).unwrap_or_default().trim_start_matches(['.', ' ']),
        None => words.as_str(),
    };
    let parts = rest
        .split([',', '—', '–'])
        .flat_map(|part| part.split(" - "))
        .flat_map(|part| part.split("--"));
    let mut setting: Vec<String> =
        found.map(|(meaning, _)| meaning.to_owned()).into_iter().collect();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        // When it is relative to another scene nobody sees.
        let relative =
            ["CONTINUOUS", "LATER", "MOMENTS LATER", "SAME", "SAME TIME", "CONT'D", "RESUMING"];
        if found.is_some() && relative.contains(&part) {
            continue;
        }
        // Headings are shouted; a prompt is not.
        let shouted = !part.chars().any(char::is_lowercase);
        setting.push(if shouted { part.to_lowercase() } else { part.to_owned() });
    }
    Some((words.clone(), number, setting.join(", ")))
}

/// The words of a transition: `CUT TO:`, `> FADE OUT.`
fn transition(line: &str, alone: bool) -> Option<String> {
    let forced = line.strip_prefix('>').filter(|rest| !rest.trim_end().ends_with('<'));
    let shouted = !line.chars().any(char::is_lowercase) && line.chars().any(char::is_alphabetic);
    let usual = alone
        && shouted
        && (line.ends_with("TO:")
            || matches!(
                line.trim_end_matches(['.', ':']),
                "FADE IN" | "FADE OUT" | "FADE TO BLACK" | "CUT TO BLACK"
            ));
    let words = match forced {
        Some(words) => words.trim(),
        None if usual => line,
        None => return None,
    };
    let lower = plain(words.trim_end_matches([':', '.'])).to_lowercase();
    Some(match lower.as_str() {
        "cut to" | "hard cut to" | "smash cut to" if lower == "cut to" => "cut".to_owned(),
        "fade out" | "fade to black" | "cut to black" if lower != "cut to black" => {
            "fade-to-black".to_owned()
        }
        "dissolve to" | "cross dissolve to" | "crossfade to" => "crossfade".to_owned(),
        other => other.trim_end_matches(" to").to_owned(),
    })
}

/// Who speaks on the lines below: a shouted name, or `@McCabe`.
fn speaker(line: &str, blank_before: bool, blank_after: bool) -> Option<String> {
    if blank_after {
        return None;
    }
    if let Some(name) = line.strip_prefix('@') {
        return Some(plain(name.trim()));
    }
    let name = line.split('(').next().unwrap_or_default();
    let shouted = name.chars().any(char::is_alphabetic) && !name.chars().any(char::is_lowercase);
    let short = name.chars().count() <= 40 && !name.trim_end().ends_with(['.', '!', '?', ':']);
    (blank_before && shouted && short).then(|| plain(line))
}

/// Words without emphasis and what steers a terminal.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| matches!(next, '*' | '_')) => {
                out.extend(chars.next())
            }
            '*' => {}
            '_' => {}
            c if crate::source::steers(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_parentheticals(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { text.to_owned() } else { words }
}

impl Draft {
    fn into_scene(
        self,
        index: usize,
        taken: &mut HashSet<String>,
        settler: &mut Settler<'_>,
    ) -> Scene {
        let mut fields = Fields::default();
        let mut set = |field: Field, text: String| {
            if !text.trim().is_empty() {
                fields.set(field, Spanned::new(Value::Text(text), self.span));
            }
        };
        let action = self.action.join(" ");
        if action.is_empty() {
            // What the heading says is all there is to see.
            let message = "a scene has no action: what is seen is its heading".to_owned();
            settler.remark(Fate::Missing, "visual", &self.heading, self.span, message);
            set(Field::Visual, self.setting);
        } else {
            set(Field::Visual, action);
            set(Field::Setting, self.setting);
        }
        set(Field::Dialogue, self.dialogue.join("\n"));
        set(Field::Voiceover, self.voiceover.join("\n"));
        set(Field::Text, self.text.join(" / "));
        set(Field::Transition, self.transition.unwrap_or_default());
        set(Field::TransitionIn, self.transition_in.unwrap_or_default());
        let mut notes = self.notes;
        if !self.music.is_empty() {
            notes.push(format!("Lyrics: {}", self.music.join(" / ")));
        }
        set(Field::Notes, notes.join("\n"));
        let number = self.number.filter(|number| {
            number.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
                && number.chars().any(|c| c.is_ascii_digit())
                && super::write::heading(&SceneId::parse(number), None).is_some()
        });
        let mut id = number.unwrap_or_else(|| (index + 1).to_string());
        let mut next = index + 1;
        while !taken.insert(SceneId::parse(&id).file_stem().to_lowercase()) {
            next += 1;
            id = next.to_string();
        }
        Scene {
            id: SceneId::parse(&id),
            id_span: self.span,
            title: Some(Spanned::new(self.heading, self.span)),
            span: self.span,
            fields,
            steps: None,
            unknown: Vec::new(),
            sheet_of: None,
        }
    }
}
