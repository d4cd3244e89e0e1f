//! The command line: one file a command. Nothing depends on this module.

mod accept;
mod adopt;
mod approve;
mod args;
mod bring;
mod camera;
mod check;
mod check_fix;
mod clue;
mod completing;
mod completions;
mod consent;
mod drift;
mod emulator;
mod explain;
mod failure;
mod forget;
mod held;
mod import;
mod init;
mod interrupt;
mod lints;
mod mcp;
mod model_cache;
mod models;
mod online;
mod pick;
mod plan;
mod preview;
mod preview_shot;
mod refresh;
mod refresh_text;
mod render;
mod replace;
mod reporters;
mod reports;
mod saved_plan;
mod schema;
mod selection;
mod shared;
mod sheet;
mod status;
mod workspace;

use crate::report::{ColourChoice, Style, json_text};
use clap::{Parser, Subcommand};
use failure::Failure;
use std::io::Write as _;

/// Render a whole storyboard to video clips with one command, and pay only for the scenes that changed.
#[derive(Debug, Parser)]
#[command(
    name = "storyreel",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES,
    after_long_help = LONG_HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Tell more on standard error; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Use colours: on a terminal, always or never. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: ColourChoice,
}

const EXAMPLES: &str = "\
Start here:
  storyreel init my-film && cd my-film
  storyreel plan                        what would be rendered, and what it would cost
  storyreel render --preview            a free animatic, drawn on this machine
  export KIE_API_KEY=...
  storyreel render --max-credits 300    render what changed, and stop at 300 credits";

const LONG_HELP: &str = "\
Start here:
  storyreel init my-film && cd my-film
  storyreel plan                        what would be rendered, and what it would cost
  storyreel render --preview            a free animatic, drawn on this machine
  export KIE_API_KEY=...
  storyreel render --max-credits 300    render what changed, and stop at 300 credits

Exit codes:
  0    done, or nothing to do
  1    the storyboard, configuration, catalogue or saved plan is invalid or stale; nothing was sent
  2    wrong command line
  3    could not work: key refused, network down, disk full, another run holds the lock
  4    some scenes failed, the others are done; `drift` found differences
  5    a submission's outcome is unknown and needs a decision
  6    stopped by the budget, the account's credits or the key's quota
  7    `plan --detailed-exitcode` or `render --locked`: there is paid work to do
  8    still running: run again to collect
  130  interrupted; tasks are on record

Environment:
  KIE_API_KEY      the key of kie.ai; also read from `.env` in the project root
  KIE_API_BASE     another API host, such as a local `storyreel emulator`
  KIE_UPLOAD_BASE  another upload host
  STORYREEL_NO_SPEND  set to 1, nothing paid is sent, whatever the command says
  NO_COLOR         no colours";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Import(import::Import),
    Check(check::Check),
    Plan(plan::Plan),
    Render(Box<render::Render>),
    Status(status::Status),
    Explain(explain::Explain),
    Adopt(adopt::Adopt),
    Pick(pick::Pick),
    Accept(accept::Accept),
    Forget(forget::Forget),
    Drift(drift::Drift),
    Sheet(sheet::Sheet),
    Approve(approve::Approve),
    Models(models::Models),
    Camera(camera::Camera),
    Lints(lints::Lints),
    Schema(schema::Schema),
    Mcp(mcp::Mcp),
    Emulator(Box<emulator::Emulator>),
    Completions(completions::Completions),
}

/// What every command gets of the command line's global part.
#[derive(Debug, Clone, Copy)]
struct Output {
    stdout: Style,
    stderr: Style,
}

/// Runs the program and gives its exit code.
pub fn main() -> u8 {
    // A shell that asks what could be typed next is answered, and that is all.
    clap_complete::CompleteEnv::with_factory(<Cli as clap::CommandFactory>::command).complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with 0, mistakes to standard error with 2.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    start_logs(cli.verbose);
    let output =
        Output { stdout: Style::of_stdout(cli.color), stderr: Style::of_stderr(cli.color) };
    let json = cli.command.wants_json();
    let result = match cli.command {
        Command::Init(command) => command.run(output),
        Command::Import(command) => command.run(output),
        Command::Check(command) => command.run(output),
        Command::Plan(command) => command.run(output),
        Command::Render(command) => command.run(output),
        Command::Status(command) => command.run(output),
        Command::Explain(command) => command.run(output),
        Command::Adopt(command) => command.run(output),
        Command::Pick(command) => command.run(output),
        Command::Accept(command) => command.run(output),
        Command::Forget(command) => command.run(output),
        Command::Drift(command) => command.run(output),
        Command::Sheet(command) => command.run(output),
        Command::Approve(command) => command.run(output),
        Command::Models(command) => command.run(output),
        Command::Camera(command) => command.run(output),
        Command::Lints(command) => command.run(output),
        Command::Schema(command) => command.run(output),
        Command::Mcp(command) => command.run(output),
        Command::Emulator(command) => command.run(output),
        Command::Completions(command) => command.run(),
    };
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(json, output.stderr);
            failure.exit
        }
    }
}

impl Command {
    /// True when standard output carries JSON, so that an error belongs there as well.
    fn wants_json(&self) -> bool {
        match self {
            Self::Import(import) => import.json,
            Self::Plan(plan) => plan.json,
            Self::Render(render) => render.json,
            Self::Status(status) => status.json,
            Self::Drift(drift) => drift.json,
            Self::Pick(pick) => pick.json,
            Self::Sheet(sheet) => sheet.json,
            Self::Models(models) => models.json,
            Self::Camera(camera) => camera.json,
            Self::Lints(lints) => lints.json,
            Self::Check(check) => check.is_json(),
            _ => false,
        }
    }
}

/// Logs go to standard error and only when they are asked for.
fn start_logs(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "storyreel=debug",
        _ => "storyreel=trace",
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

/// Writes data to standard output. A reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Failure::cannot_work("output", format!("cannot write the output: {error}")))
        }
    }
}

/// Writes messages to standard error; nothing can be done where that fails.
fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Pretty JSON with a line break at its end.
fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map(|text| json_text(&text) + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
