//! Counts with SQL, and takes back what it counted.

session_host_test_plugins::counts!("counts", hooks);
