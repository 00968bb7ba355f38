//! The `session-host` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    session_host::cli::main()
}
