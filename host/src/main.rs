//! The `session-host` command.

fn main() {}
