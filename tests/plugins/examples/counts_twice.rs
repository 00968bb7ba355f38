//! Counts with SQL, and takes nothing back: it counts a session that has changed twice.

session_host_test_plugins::counts!("counts_twice");
