//! The probe's next release, which writes something else.

session_host_test_plugins::probe!("probe", |descriptor| descriptor.output_version(2));
