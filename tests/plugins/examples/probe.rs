//! The probe.

session_host_test_plugins::probe!("probe");
