//! Configuration files as they are written: every key checked, every problem with its place, in one pass.

use super::quantity::{self, Rate};
use crate::craft;
use crate::shared::Address;
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::{self, Fields};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Every section with its keys; `defaults` takes scene fields and `lints` takes codes.
pub const SECTIONS: &[(&str, &[&str])] = &[
    ("project", &["storyboard", "assets", "cache"]),
    ("defaults", &[]),
    ("limits", &["submissions", "running", "downloads", "max_clip"]),
    ("poll", &["first", "max", "deadline"]),
    ("retry", &["failed_tasks", "first", "max"]),
    ("budget", &["max_credits", "confirm_above", "per_day"]),
    ("lints", &[]),
    ("provider", &["api", "upload"]),
];

/// Whose file it is; a project's file may do less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// `storyreel.toml` of a project: written by whoever sent the pull request.
    Project,
    /// The user's own file.
    User,
}

/// How a lint is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintLevel {
    /// Not at all.
    Off,
    /// As a warning.
    Warn,
    /// As an error, which stops the command.
    Error,
}

/// A configuration file, read and checked.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// The text it was read from.
    pub source: Source,
    /// Everything wrong with it, in document order.
    pub diagnostics: Vec<Diagnostic>,
    /// `[project] storyboard`.
    pub storyboard: Option<Spanned<String>>,
    /// `[project] assets`.
    pub assets: Option<Spanned<String>>,
    /// `[project] cache`, also as `cache` above all sections: where machines share clips and what they have sent.
    pub cache: Option<Spanned<String>>,
    /// `[defaults]`: scene fields; places are in this file.
    pub defaults: Fields,
    /// `[limits] submissions`.
    pub submissions: Option<Spanned<Rate>>,
    /// `[limits] running`.
    pub running: Option<Spanned<usize>>,
    /// `[limits] downloads`.
    pub downloads: Option<Spanned<usize>>,
    /// `[limits] max_clip`, in bytes.
    pub max_clip: Option<Spanned<u64>>,
    /// `[poll] first`.
    pub poll_first: Option<Spanned<Duration>>,
    /// `[poll] max`.
    pub poll_max: Option<Spanned<Duration>>,
    /// `[poll] deadline`.
    pub poll_deadline: Option<Spanned<Duration>>,
    /// `[retry] failed_tasks`.
    pub failed_tasks: Option<Spanned<u32>>,
    /// `[retry] first`.
    pub retry_first: Option<Spanned<Duration>>,
    /// `[retry] max`.
    pub retry_max: Option<Spanned<Duration>>,
    /// `[budget] max_credits`.
    pub max_credits: Option<Spanned<f64>>,
    /// `[budget] confirm_above`, of the user's own file.
    pub confirm_above: Option<Spanned<f64>>,
    /// `[budget] per_day`, of the user's own file.
    pub per_day: Option<Spanned<f64>>,
    /// `[lints]`: codes with their levels.
    pub lints: BTreeMap<String, LintLevel>,
    /// `[provider] api`, in the user's own file only.
    pub api: Option<Spanned<String>>,
    /// `[provider] upload`, in the user's own file only.
    pub upload: Option<Spanned<String>>,
}

impl ConfigFile {
    /// Reads a file; what is wrong with it is in its `diagnostics`.
    pub fn parse(source: Source, owner: Owner) -> Self {
        let mut file = Self::empty(source);
        let text = file.source.text().to_owned();
        // A byte order mark is white space to an author; positions stay those of the file.
        let blanked = text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"));
        let text = blanked.unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(&text);
        let mut reader = Reader { diagnostics: Vec::new(), secrets: Vec::new(), owner };
        for error in &errors {
            let span = error.span().map_or_else(Span::default, Span::from);
            reader.diagnostics.push(
                Diagnostic::error(
                    "config-syntax",
                    format!("this is not TOML: {}", first_line(error.message())),
                    span,
                )
                .hint("values with letters need quotes: `first = \"5s\"`"),
            );
        }
        if errors.is_empty() {
            reader.file(table.get_ref(), &mut file);
        } else {
            reader.hide_lines(&text);
        }
        file.diagnostics = reader.diagnostics;
        if !reader.secrets.is_empty() {
            file.source =
                Source::new(file.source.name(), masked(file.source.text(), &reader.secrets));
        }
        file.diagnostics.sort_by_key(|problem| problem.span.start);
        file
    }

    fn empty(source: Source) -> Self {
        Self {
            source,
            diagnostics: Vec::new(),
            storyboard: None,
            assets: None,
            cache: None,
            defaults: Fields::default(),
            submissions: None,
            running: None,
            downloads: None,
            max_clip: None,
            poll_first: None,
            poll_max: None,
            poll_deadline: None,
            failed_tasks: None,
            retry_first: None,
            retry_max: None,
            max_credits: None,
            confirm_above: None,
            per_day: None,
            lints: BTreeMap::new(),
            api: None,
            upload: None,
        }
    }
}

/// A text in which these parts cannot be read any more; places stay what they were.
fn masked(text: &str, parts: &[Span]) -> String {
    let mut masked = text.to_owned();
    for part in parts {
        if let Some(secret) = text.get(part.start..part.end) {
            masked.replace_range(part.start..part.end, &"*".repeat(secret.len()));
        }
    }
    masked
}

/// An address as it is written, once it is known to be one.
fn cache_address(text: &str) -> Result<String, String> {
    let nowhere = std::path::Path::new("");
    match Address::parse(text, nowhere) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

struct Reader {
    diagnostics: Vec<Diagnostic>,
    /// Values that are keys by their names: nobody shall read them in a message.
    secrets: Vec<Span>,
    owner: Owner,
}

type Key<'k, 'i> = &'k toml::Spanned<std::borrow::Cow<'i, str>>;
type Value<'v, 'i> = &'v toml::Spanned<DeValue<'i>>;

impl Reader {
    fn file(&mut self, root: &DeTable<'_>, file: &mut ConfigFile) {
        for (key, value) in root {
            let name = key.get_ref().as_ref();
            self.hide_keys(name, value);
            if self.owner == Owner::Project && is_about_hosts(name) {
                self.hosts_refused(key);
                continue;
            }
            if name == "cache" && !matches!(value.get_ref(), DeValue::Table(_)) {
                self.entry("project", key, value, file);
                continue;
            }
            if !SECTIONS.iter().any(|(section, _)| *section == name) {
                self.unknown_section(key);
                continue;
            }
            let DeValue::Table(table) = value.get_ref() else {
                self.wrong(value, &format!("`{name}` is a section, written `[{name}]`"), "");
                continue;
            };
            if name == "defaults" {
                let (fields, problems) = storyboard::defaults_from_toml(table, &file.source);
                file.defaults = fields;
                self.diagnostics.extend(problems);
                continue;
            }
            for (key, value) in table {
                self.entry(name, key, value, file);
            }
        }
    }

    /// Remembers lines of a file that is no TOML where they look as if they held a key.
    fn hide_lines(&mut self, text: &str) {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if let Some((name, value)) = line.split_once('=')
                && is_a_key(name)
            {
                let begin = start + name.len() + 1;
                self.secrets.push(Span::new(begin, begin + value.trim_end().len()));
            }
            start += line.len();
        }
    }

    /// Remembers where keys are written, in tables of any name as well.
    fn hide_keys(&mut self, name: &str, value: Value<'_, '_>) {
        if is_a_key(name) {
            self.secrets.push(Span::from(value.span()));
        } else if let DeValue::Table(table) = value.get_ref() {
            for (key, value) in table {
                self.hide_keys(key.get_ref(), value);
            }
        }
    }

    fn entry(
        &mut self,
        section: &str,
        key: Key<'_, '_>,
        value: Value<'_, '_>,
        file: &mut ConfigFile,
    ) {
        let name = key.get_ref().as_ref();
        match (section, name) {
            ("project", "storyboard") => file.storyboard = self.path_inside(name, value),
            ("project", "assets") => file.assets = self.path_inside(name, value),
            ("project", "cache") => file.cache = self.text_as(name, value, cache_address),
            ("limits", "submissions") => file.submissions = self.text_as(name, value, Rate::parse),
            ("limits", "running") => file.running = self.count(name, value, 1, 100_000),
            ("limits", "downloads") => file.downloads = self.count(name, value, 1, 1_000),
            ("limits", "max_clip") => file.max_clip = self.text_as(name, value, quantity::bytes),
            ("poll", "first") => file.poll_first = self.time(name, value),
            ("poll", "max") => file.poll_max = self.time(name, value),
            ("poll", "deadline") => file.poll_deadline = self.time(name, value),
            ("retry", "failed_tasks") => file.failed_tasks = self.count(name, value, 0, 10),
            ("retry", "first") => file.retry_first = self.time(name, value),
            ("retry", "max") => file.retry_max = self.time(name, value),
            ("budget", "max_credits") => file.max_credits = self.credits(name, value),
            ("budget", "confirm_above") if self.owner == Owner::User => {
                file.confirm_above = self.credits(name, value);
            }
            ("budget", "per_day") if self.owner == Owner::User => {
                file.per_day = self.credits(name, value);
            }
            ("provider", "api") => file.api = self.text(name, value),
            ("provider", "upload") => file.upload = self.text(name, value),
            ("lints", _) => {
                if let Some(level) = self.text_as(name, value, lint_level) {
                    file.lints.insert(name.to_owned(), level.value);
                }
                self.check_lint(key);
            }
            _ => self.unknown_key(section, key),
        }
    }

    /// Tells of a name that is nearly that of a lint. Others may be codes of the program's own warnings.
    fn check_lint(&mut self, key: Key<'_, '_>) {
        let name = key.get_ref().as_ref();
        if craft::knows(name) || super::ALL_LINTS.contains(&name) {
            return;
        }
        let known = craft::LINTS.iter().map(|lint| lint.code);
        let known = known.chain(craft::GROUPS.iter().map(|group| group.name()));
        if let Some(near) = nearest(name, known) {
            self.diagnostics.push(
                Diagnostic::warning(
                    "unknown-lint",
                    format!("no lint is called `{name}`"),
                    key.span(),
                )
                .label("changes nothing")
                .hint(format!("did you mean `{near}`? `storyreel lints` lists them all")),
            );
        }
    }

    fn unknown_section(&mut self, key: Key<'_, '_>) {
        let name = key.get_ref().as_ref();
        let homes: Vec<&str> = SECTIONS
            .iter()
            .filter(|(_, keys)| keys.contains(&name))
            .map(|(section, _)| *section)
            .collect();
        let hint = if let [home] = homes[..] {
            format!("`{name}` belongs under `[{home}]`")
        } else if storyboard::Field::labelled(name).is_some() {
            format!("scene fields such as `{name}` belong under `[defaults]`")
        } else {
            let names: Vec<&str> = SECTIONS
                .iter()
                .map(|(section, _)| *section)
                .filter(|section| self.owner == Owner::User || *section != "provider")
                .collect();
            did_you_mean(name, &names, "sections")
        };
        self.diagnostics.push(
            Diagnostic::error(
                "unknown-section",
                format!("there is no section or key `{name}`"),
                key.span(),
            )
            .hint(hint),
        );
    }

    fn unknown_key(&mut self, section: &str, key: Key<'_, '_>) {
        let name = key.get_ref().as_ref();
        let keys: &[&str] =
            SECTIONS.iter().find(|(known, _)| *known == section).map_or(&[], |(_, keys)| keys);
        let keys: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| self.owner == Owner::User || !matches!(*key, "confirm_above" | "per_day"))
            .collect();
        self.diagnostics.push(
            Diagnostic::error(
                "unknown-key",
                format!("`[{section}]` has no key `{name}`"),
                key.span(),
            )
            .hint(did_you_mean(name, &keys, "keys")),
        );
    }

    fn hosts_refused(&mut self, key: Key<'_, '_>) {
        let name = key.get_ref().as_ref();
        self.diagnostics.push(
            Diagnostic::error(
                "host-in-project",
                format!("a project's file cannot say where requests go (`{name}`)"),
                key.span(),
            )
            .label("would let a pull request send your key elsewhere")
            .hint(
                "set `KIE_API_BASE` and `KIE_UPLOAD_BASE` in the environment, or `[provider]` in \
                 `~/.config/storyreel/config.toml`; the key itself belongs in `KIE_API_KEY`",
            ),
        );
    }

    fn wrong(&mut self, value: Value<'_, '_>, message: &str, hint: &str) {
        let problem = Diagnostic::error("wrong-value", message, value.span());
        self.diagnostics.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    fn text(&mut self, name: &str, value: Value<'_, '_>) -> Option<Spanned<String>> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(Spanned::new(text.clone().into_owned(), value.span()));
        }
        self.wrong(
            value,
            &format!("`{name}` takes text, not {}", described(value.get_ref())),
            "put it in quotes",
        );
        None
    }

    fn text_as<T>(
        &mut self,
        name: &str,
        value: Value<'_, '_>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Spanned<T>> {
        // A plain number is as good as one in quotes.
        let text = match value.get_ref() {
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            _ => self.text(name, value)?.value,
        };
        match read(&text) {
            Ok(read) => Some(Spanned::new(read, value.span())),
            Err(message) => {
                let (what, how) = message.split_once("; ").unwrap_or((&message, ""));
                self.wrong(value, &format!("`{name}`: {what}"), how);
                None
            }
        }
    }

    fn time(&mut self, name: &str, value: Value<'_, '_>) -> Option<Spanned<Duration>> {
        let time = self.text_as(name, value, quantity::duration)?;
        if time.value.is_zero() {
            self.wrong(
                value,
                &format!("`{name}` must be longer than nothing"),
                "write for example `\"5s\"`",
            );
            return None;
        }
        Some(time)
    }

    fn number(&mut self, name: &str, value: Value<'_, '_>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|whole| {
                    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
                    let number = whole as f64;
                    number
                })
            }
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(
                value,
                &format!("`{name}` takes a number, not {}", described(value.get_ref())),
                "write it without quotes",
            );
        }
        number
    }

    fn count<T: TryFrom<u64>>(
        &mut self,
        name: &str,
        value: Value<'_, '_>,
        least: u64,
        most: u64,
    ) -> Option<Spanned<T>> {
        let number = self.number(name, value)?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounds are small and checked before the cast"
        )]
        let count = (number.fract() == 0.0 && number >= least as f64 && number <= most as f64)
            .then_some(number as u64)
            .and_then(|whole| T::try_from(whole).ok());
        if count.is_none() {
            self.wrong(
                value,
                &format!("`{name}` takes a whole number from {least} to {most}, not {number}"),
                "",
            );
        }
        count.map(|count| Spanned::new(count, value.span()))
    }

    fn credits(&mut self, name: &str, value: Value<'_, '_>) -> Option<Spanned<f64>> {
        let number = self.number(name, value)?;
        if !number.is_finite() || number < 0.0 {
            self.wrong(value, &format!("`{name}` takes a number of credits, 0 or more"), "");
            return None;
        }
        Some(Spanned::new(number, value.span()))
    }

    /// A path that stays in the project: relative, without `..`.
    fn path_inside(&mut self, name: &str, value: Value<'_, '_>) -> Option<Spanned<String>> {
        let text = self.text(name, value)?;
        let path = std::path::Path::new(&text.value);
        let inside = !text.value.trim().is_empty()
            && path.components().all(|part| {
                matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)
            });
        if !inside {
            self.wrong(
                value,
                &format!("`{name}` must be a path inside the project"),
                "write it relative to this file and without `..`",
            );
            return None;
        }
        Some(text)
    }
}

/// A name without case and marks.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Keys that would hold an API key.
fn is_a_key(name: &str) -> bool {
    matches!(
        plain_name(name).as_str(),
        "apikey" | "key" | "kieapikey" | "kiekey" | "token" | "secret"
    )
}

/// Keys that would decide where requests go, or with which key.
fn is_about_hosts(name: &str) -> bool {
    is_a_key(name)
        || matches!(
            plain_name(name).as_str(),
            "provider"
                | "providers"
                | "api"
                | "apibase"
                | "upload"
                | "uploadbase"
                | "host"
                | "hosts"
                | "kieapibase"
                | "kieuploadbase"
                | "baseurl"
                | "endpoint"
        )
}

fn lint_level(text: &str) -> Result<LintLevel, String> {
    match text {
        "off" | "allow" => Ok(LintLevel::Off),
        "warn" | "warning" | "on" => Ok(LintLevel::Warn),
        "error" | "deny" => Ok(LintLevel::Error),
        _ => Err(format!("`{text}` is not a level; write `off`, `warn` or `error`")),
    }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// The nearest of `names`, or all of them.
fn did_you_mean(name: &str, names: &[&str], what: &str) -> String {
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("the {what} are {}", list.join(", "))
        }
    }
}

/// The name that was probably meant.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(owner: Owner, text: &str) -> ConfigFile {
        ConfigFile::parse(Source::new("storyreel.toml", text), owner)
    }

    fn told(file: &ConfigFile) -> Vec<String> {
        file.diagnostics
            .iter()
            .map(|problem| {
                format!(
                    "{} {}: {} | {}",
                    file.source.position(problem.span.start),
                    problem.code,
                    problem.message,
                    problem.hint.as_deref().unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn all_keys_are_read() {
        let file = read(
            Owner::Project,
            "[project]\nstoryboard = \"film.md\"\nassets = \"media\"\n[limits]\nsubmissions = \"10/10s\"\nrunning = 5\n\
             downloads = 2\nmax_clip = \"1 GiB\"\n[poll]\nfirst = \"2s\"\nmax = 30\ndeadline = \"1h\"\n[retry]\n\
             failed_tasks = 0\nfirst = 0.5\nmax = \"1m\"\n[budget]\nmax_credits = 500\n[lints]\nlong-prompt = \"off\"\n",
        );
        assert_eq!(told(&file), Vec::<String>::new());
        assert_eq!(file.running.map(|running| running.value), Some(5));
        assert_eq!(file.max_clip.map(|bytes| bytes.value), Some(1 << 30));
        assert_eq!(file.retry_first.map(|time| time.value), Some(Duration::from_millis(500)));
        assert_eq!(file.failed_tasks.map(|count| count.value), Some(0));
        assert_eq!(file.lints.get("long-prompt"), Some(&LintLevel::Off));
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let file = read(
            Owner::Project,
            "runing = 3\nmax_clip = 4\n[limit]\nrunning = 5\n[limits]\nrunnning = 5\nsubmissions = 20\nrunning = \"many\"\n\
             downloads = 0\n[poll]\nfirst = \"soon\"\n[project]\nassets = \"../elsewhere\"\n[budget]\nper_day = 4\nmax_credits = -1\n",
        );
        insta::assert_snapshot!(told(&file).join("\n"));
    }

    #[test]
    fn hosts_are_refused_in_projects_only() {
        let text = "[provider]\napi = \"https://evil.example\"\n";
        let file = read(Owner::Project, text);
        assert_eq!(
            file.diagnostics.iter().map(|p| p.code).collect::<Vec<_>>(),
            ["host-in-project"]
        );
        assert!(file.api.is_none());
        let file = read(Owner::User, text);
        assert_eq!(told(&file), Vec::<String>::new());
        assert_eq!(file.api.map(|api| api.value).as_deref(), Some("https://evil.example"));
    }

    #[test]
    fn a_key_is_not_shown() {
        for text in [
            "kie_api_key = \"sk-\u{e9}1\"\n",
            "[provider]\napi = 4\nkey = \"sk-\u{e9}1\"\n",
            "[limits]\nToken = 'sk-\u{e9}1'\n",
            "provider = { apiKey = \"sk-\u{e9}1\" }\n",
            "[limits]\nrunning = 3\nkey = \"sk-\u{e9}1\nrunning = 4\n",
        ] {
            for owner in [Owner::Project, Owner::User] {
                let file = read(owner, text);
                assert!(!file.source.text().contains("sk-"), "{}", file.source.text());
                assert_eq!(file.source.text().len(), text.len());
                assert!(file.diagnostics.iter().any(Diagnostic::is_error), "{text}");
            }
        }
    }

    #[test]
    fn broken_toml_has_a_place() {
        let file = read(Owner::User, "\u{feff}[limits]\nrunning = = 4\n");
        assert_eq!(file.diagnostics.first().map(|p| p.code), Some("config-syntax"));
        assert_eq!(
            file.diagnostics.first().map(|p| file.source.position(p.span.start).line),
            Some(2)
        );
    }
}
