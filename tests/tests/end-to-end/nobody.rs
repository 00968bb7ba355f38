//! Runs of the host by a user whom permissions bind, also where the tests run as root.

use std::process::Stdio;

use session_host_tests::{Ran, World};

/// Runs `session-host run --json` with these arguments by a user that is not root.
#[track_caller]
pub(crate) fn run(world: &World, arguments: &[&str]) -> Ran {
    host(world, &[&["run", "--json"], arguments].concat())
}

/// Runs `session-host` with these arguments by a user that is not root.
#[track_caller]
pub(crate) fn host(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.as_nobody(world.command(arguments));
    command.stdin(Stdio::null());
    Ran::of(command.output().unwrap())
}
