//! A probe that takes one session at a time.

session_host_test_plugins::probe!("probe_serial", |descriptor| descriptor.serial());
