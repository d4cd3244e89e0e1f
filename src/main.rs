//! The `storyreel` program: reads its command line, runs the command, and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(storyreel::cli::main())
}
