//! The `storyreel` program: reads its command line, runs the command, and ends with its exit code.

use std::process::ExitCode;

// A plan is thousands of small values; this allocator makes them in half the time of the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(storyreel::cli::main())
}
