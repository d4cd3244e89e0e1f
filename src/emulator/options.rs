//! How the emulator behaves, and the command line that says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::account::{Credits, Rate};
use super::clip::{ClipMaker, TinyClips};
use super::faults::Script;
use super::market_table::Market;
use super::route::Operation;

/// How an emulator behaves. Times are in milliseconds.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address that result and file links begin with, without a slash at the end.
    pub base: String,
    /// The address that links to uploaded files begin with.
    pub upload_base: String,
    /// The same listener under another host name, where scripted redirects lead.
    pub elsewhere: String,
    /// The keys that are accepted; empty: any.
    pub keys: Vec<String>,
    /// The balance at the start.
    pub credits: Credits,
    /// New tasks allowed in a window.
    pub submissions: Rate,
    /// Reads of one task allowed in a window.
    pub reads: Rate,
    /// Questions about models allowed in a window, all four kinds together.
    pub discovery: Rate,
    /// The key that callbacks are signed with, if the account has made one.
    pub webhook_key: Option<String>,
    /// The models of the market.
    pub market: Market,
    /// What ids, seeds and chances are drawn from.
    pub seed: u64,
    /// How long tasks take.
    pub times: Times,
    /// Waiting time before every answer.
    pub latency_ms: u64,
    /// Whether the paths of older notes are served, too.
    pub seed_aliases: bool,
    /// The body code of "is processing" at the 1080p endpoint: 400 or 422, for the sources disagree.
    pub processing_code: i64,
    /// Whether every 1080p call is charged, not only the first one for a clip. Not documented either way.
    pub charge_every_1080p_call: bool,
    /// Whether unknown fields are answered with a plain 500, as one report says, rather than ignored.
    pub refuse_unknown_fields: bool,
    /// How many seconds an extension adds. Not documented.
    pub extension_seconds: f64,
    /// The length in seconds that a source at a foreign address is taken to have.
    pub foreign_seconds: f64,
    /// How long results are kept.
    pub result_days: i64,
    /// How long uploads are kept.
    pub upload_hours: i64,
    /// The HTTP status of an expired file: 403, 404 or 410.
    pub expired_status: u16,
    /// Scripted faults.
    pub script: Script,
    /// Who makes the clips.
    pub clips: Arc<dyn ClipMaker>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base: "https://kie.test".into(),
            upload_base: "https://upload.kie.test".into(),
            elsewhere: "https://elsewhere.test".into(),
            keys: Vec::new(),
            credits: Credits::whole(10_000),
            submissions: Rate { limit: 20, window_ms: 10_000 },
            reads: Rate { limit: 10, window_ms: 1_000 },
            discovery: Rate { limit: 1, window_ms: 1_000 },
            webhook_key: None,
            market: Market::default(),
            seed: 0,
            times: Times::default(),
            latency_ms: 0,
            seed_aliases: false,
            processing_code: 400,
            charge_every_1080p_call: false,
            refuse_unknown_fields: false,
            extension_seconds: 7.0,
            foreign_seconds: 5.0,
            result_days: 14,
            upload_hours: 24,
            expired_status: 404,
            script: Script::default(),
            clips: Arc::new(TinyClips),
        }
    }
}

/// How long work takes, by operation.
#[derive(Debug, Clone, Default)]
pub struct Times {
    every: Option<i64>,
    own: BTreeMap<&'static str, i64>,
    speed: Option<f64>,
}

impl Times {
    /// The same time in milliseconds for everything; 0 means done at the first read.
    #[must_use]
    pub fn all(ms: i64) -> Self {
        Self { every: Some(ms), ..Self::default() }
    }

    /// The provider's own times, divided by `speed`.
    #[must_use]
    pub fn real(speed: f64) -> Self {
        Self { speed: Some(speed), ..Self::default() }
    }

    /// The same with another time in milliseconds for one operation.
    #[must_use]
    pub fn with(mut self, operation: Operation, ms: i64) -> Self {
        self.own.insert(operation.name(), ms);
        self
    }

    /// How many milliseconds an operation's work takes: by default two seconds, one for 1080p versions.
    #[must_use]
    pub fn of(&self, operation: Operation) -> i64 {
        if let Some(ms) = self.own.get(operation.name()).copied().or(self.every) {
            return ms;
        }
        let Some(speed) = self.speed.filter(|speed| *speed > 0.0) else {
            return if operation == Operation::Veo1080p { 1_000 } else { 2_000 };
        };
        // The middle of what the provider's pages name for each.
        let seconds = match operation {
            Operation::VeoGenerate => 60.0,
            Operation::VeoExtend => 480.0,
            Operation::Veo4k => 450.0,
            _ => 120.0,
        };
        (seconds * 1000.0 / speed) as i64
    }
}

/// Which clips the emulator hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Clips {
    /// Real MP4 files of one colour, a few kilobytes each.
    #[default]
    Tiny,
    /// Drawn previews of the prompt.
    Preview,
}

/// A local stand-in for kie.ai, for tests and for continuous integration.
///
/// Point KIE_API_BASE and KIE_UPLOAD_BASE at it and use any key. It keeps a bill of everything that was asked for.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = HELP)]
pub struct EmulatorArgs {
    /// The port to listen on; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// A port of its own for uploads, which the API port then answers with 404; 0 takes a free one
    #[arg(long, value_name = "N")]
    pub upload_port: Option<u16>,
    /// Write the addresses to this file, as JSON, once it listens
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// A key that is accepted (may be repeated); without it any key is
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// The balance at the start
    #[arg(long, value_name = "N", default_value_t = 10_000.0)]
    pub credits: f64,
    /// Which clips tasks come to
    #[arg(long, value_enum, default_value_t = Clips::Tiny)]
    pub clips: Clips,
    /// Take the provider's own times, so many times faster
    #[arg(long, value_name = "X")]
    pub speed: Option<f64>,
    /// How long tasks take: `2s`, `500ms`, `0`, or for one operation `veo-extend=5s` (may be repeated)
    #[arg(long, value_name = "[OPERATION=]TIME")]
    pub task_time: Vec<String>,
    /// Wait so long before every answer
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = parse_time)]
    pub latency: i64,
    /// What ids and chances are drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Scripted faults, in JSON, TOML or YAML (see below)
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Keep tasks, files and the bill in this file over restarts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Write the bill to this file on each change
    #[arg(long, value_name = "FILE")]
    pub bill: Option<PathBuf>,
    /// How many new tasks are let through in how long
    #[arg(long, value_name = "N/TIME", default_value = "20/10s", value_parser = parse_rate)]
    pub submissions: Rate,
    /// How many questions about models are let through in how long
    #[arg(long, value_name = "N/TIME", default_value = "1/1s", value_parser = parse_rate)]
    pub discovery: Rate,
    /// Sign callbacks with this key
    #[arg(long, value_name = "KEY")]
    pub webhook_key: Option<String>,
    /// More models of the market, as a JSON list of rows (see below)
    #[arg(long, value_name = "FILE")]
    pub market: Option<PathBuf>,
    /// Serve the 1080p, 4K and Aleph paths of older notes, too
    #[arg(long)]
    pub seed_aliases: bool,
    /// How many seconds an extension adds
    #[arg(long, value_name = "SECONDS", default_value_t = 7.0)]
    pub extension_seconds: f64,
    /// The body code of "1080P is processing"
    #[arg(long, value_name = "CODE", default_value_t = 400, value_parser = clap::value_parser!(i64).range(400..=422))]
    pub processing_code: i64,
    /// The HTTP status of files that have expired
    #[arg(long, value_name = "STATUS", default_value_t = 404, value_parser = clap::value_parser!(u16).range(400..=499))]
    pub expired_status: u16,
}

const HELP: &str = "\
Control, without a key:
  GET  /emulator/bill       everything that was asked for, and what it cost
  GET  /emulator/judge      what a careful client would not have done
  GET  /emulator/requests   the last requests
  POST /emulator/faults     more scripted faults, as in --faults
  POST /emulator/clock      {\"advance_ms\": 1209600000} moves the clock on
  POST /emulator/credits    {\"credits\": 500} sets the balance
  POST /emulator/reset      start again

Faults are rules: what they match, and what they do.
  {\"rules\": [{\"match\": {\"operation\": \"veo-generate\", \"calls\": [2]}, \"do\": {\"fault\": \"drop_after\"}}]}

  match   operation (create, read, veo-generate, veo-extend, veo-read, veo-1080p, veo-4k, market-create, market-read,
          runway-generate, runway-extend, runway-read, aleph-generate, aleph-read, credit, download-url,
          models, model-schema, model-price, model-success-rate, upload-base64, upload-stream, upload-url, file, link,
          upload-file), family, path (a `*` at its end stands for
          any rest), model, prompt (a part of it), task (its number), calls (a list), probability, times
  do      of one answer: http_status (status, accepted), code (code, msg, accepted), drop_before, drop_after,
          stall (ms, accepted), slow (ms), broken_json, cut_json, wrong_types, html_200, duplicate_answer, redirect,
          cut_body (bytes), wrong_length (extra), gone (status), wrong_content (content: html, other_clip, empty)
          of a task, matched by its create: fail (code, message, after_ms, charged), stuck, slow_task (ms),
          success_without_url (reads), backwards (reads), invisible (ms), double_length, price (credits),
          upgrade_fails

Callbacks go to a task's `callBackUrl` when it has ended, in three tries, to this machine and private networks only;
the bill tells what became of them.

Models of your own, with --market; a row with a known id takes its place, \"retired\": true takes it away.
  [{\"id\": \"acme/one\", \"media\": \"video\", \"tasks\": [\"Text to Video\"], \"seconds\": {\"field\": \"duration\"}, \"fields\": [
    {\"name\": \"prompt\", \"type\": \"string\", \"required\": true, \"max_length\": 2000},
    {\"name\": \"duration\", \"type\": \"integer\", \"values\": [5, 10], \"default\": 5}],
    \"price\": {\"basis\": \"per_second\", \"rates\": [{\"when\": {}, \"credits\": 12}]}}]";

impl EmulatorArgs {
    /// The options that the flags stand for, with `preview` as the maker of drawn clips.
    ///
    /// # Errors
    ///
    /// A sentence that names the flag and what it takes.
    pub fn options(&self, preview: Option<Arc<dyn ClipMaker>>) -> Result<Options, String> {
        let mut times = match self.speed {
            Some(speed) if speed.is_finite() && speed > 0.0 => Times::real(speed),
            Some(speed) => return Err(format!("`--speed {speed}` must be above 0")),
            None => Times::default(),
        };
        for text in &self.task_time {
            match text.split_once('=') {
                None => times.every = Some(parse_time(text)?),
                Some((name, time)) => {
                    let found = Operation::ALL.iter().find(|operation| operation.name() == name);
                    let operation = found.ok_or_else(|| {
                        format!("`--task-time {text}` names no operation such as `veo-generate`")
                    })?;
                    times = times.with(*operation, parse_time(time)?);
                }
            }
        }
        if !self.credits.is_finite() || self.credits.abs() > 1e12 {
            return Err(format!("`--credits {}` is no balance", self.credits));
        }
        if !(self.extension_seconds > 0.0 && self.extension_seconds <= 3600.0) {
            return Err(format!(
                "`--extension-seconds {}` must be above 0 and at most 3600",
                self.extension_seconds
            ));
        }
        let script = match &self.faults {
            None => Script::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                let extension =
                    path.extension().and_then(|extension| extension.to_str()).unwrap_or("json");
                Script::parse(&text, extension)
                    .map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        let market = match &self.market {
            None => Market::default(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| error.to_string())
                .and_then(|text| Market::default().with(&text))
                .map_err(|error| format!("`--market {}`: {error}", path.display()))?,
        };
        let clips = match (self.clips, preview) {
            (Clips::Tiny, _) => Arc::new(TinyClips),
            (Clips::Preview, Some(maker)) => maker,
            (Clips::Preview, None) => {
                return Err("`--clips preview` needs a build with the `preview` feature".into());
            }
        };
        Ok(Options {
            keys: self.key.clone(),
            credits: Credits::from_f64(self.credits),
            submissions: self.submissions,
            discovery: self.discovery,
            webhook_key: self.webhook_key.clone(),
            market,
            seed: self.seed,
            times,
            latency_ms: self.latency.unsigned_abs(),
            seed_aliases: self.seed_aliases,
            processing_code: self.processing_code,
            extension_seconds: self.extension_seconds,
            expired_status: self.expired_status,
            script,
            clips,
            ..Options::default()
        })
    }
}

/// Reads `2s`, `500ms`, `3m` or `0` as milliseconds.
fn parse_time(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits =
        text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "" if number == "0" => 0.0,
        _ => {
            return Err(format!("`{text}` is no time; write it as `2s`, `500ms` or `0`"));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is no time; write it as `2s`, `500ms` or `0`"))?;
    Ok((number * factor).round() as i64)
}

/// Reads `20/10s`.
fn parse_rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("`{text}` is no rate; write it as `20/10s`");
    let (limit, time) = text.split_once('/').ok_or_else(wrong)?;
    let limit: u32 = limit.trim().parse().map_err(|_| wrong())?;
    let window_ms = parse_time(time)?;
    if limit == 0 || window_ms == 0 { Err(wrong()) } else { Ok(Rate { limit, window_ms }) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: EmulatorArgs,
    }

    fn options(flags: &[&str]) -> Result<Options, String> {
        let line = Line::try_parse_from(std::iter::once(&"emulator").chain(flags))
            .map_err(|error| error.to_string())?;
        line.args.options(None)
    }

    #[test]
    fn flags_become_options() {
        let options = options(&[
            "--credits",
            "99.5",
            "--submissions",
            "3/1s",
            "--task-time",
            "0",
            "--task-time",
            "veo-extend=5s",
            "--latency",
            "20ms",
        ])
        .expect("good flags");
        assert_eq!(options.credits.to_f64(), 99.5);
        assert_eq!(options.submissions, Rate { limit: 3, window_ms: 1000 });
        assert_eq!(
            (options.times.of(Operation::VeoGenerate), options.times.of(Operation::VeoExtend)),
            (0, 5000)
        );
        assert_eq!(options.latency_ms, 20);
    }

    #[test]
    fn times_default_to_seconds_and_speed_divides_the_real_ones() {
        assert_eq!(options(&[]).expect("no flags").times.of(Operation::VeoGenerate), 2000);
        assert_eq!(
            options(&["--speed", "60"]).expect("good flags").times.of(Operation::VeoGenerate),
            1000
        );
    }

    #[test]
    fn bad_flags_say_what_is_wanted() {
        assert!(options(&["--submissions", "20"]).unwrap_err().contains("20/10s"));
        assert!(options(&["--task-time", "soon"]).unwrap_err().contains("500ms"));
        assert!(options(&["--task-time", "veo=1s"]).unwrap_err().contains("veo-generate"));
        assert!(options(&["--extension-seconds", "0"]).unwrap_err().contains("above 0"));
        assert!(options(&["--speed", "0"]).unwrap_err().contains("above 0"));
        assert!(options(&["--clips", "preview"]).unwrap_err().contains("preview"));
    }

    #[test]
    fn the_long_help_names_every_operation_and_every_fault() {
        use clap::CommandFactory as _;

        let help = Line::command().render_long_help().to_string();
        for operation in
            Operation::ALL.iter().filter(|operation| **operation != Operation::Elsewhere)
        {
            assert!(help.contains(operation.name()), "{}", operation.name());
        }
        for name in crate::emulator::faults::NAMES {
            assert!(help.contains(name), "{name}");
        }
    }
}
