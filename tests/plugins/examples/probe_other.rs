//! A second probe, beside the first.

session_host_test_plugins::probe!("probe_other", |descriptor| descriptor.cadence_minutes(60));
