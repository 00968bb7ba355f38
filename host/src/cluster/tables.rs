//! The tables by which the machines agree.

/// The statements that make the tables. Making them again changes nothing.
pub const TABLES: &str = include_str!("tables.sql");

/// The table of the incarnations.
pub const MACHINE: &str = "session_host_machine";

/// The table of what is asked of all hosts.
pub const REQUEST: &str = "session_host_request";

/// The table of the leases.
pub const LEASE: &str = "session_host_lease";

/// The table of the take-overs.
pub const TAKE_OVER: &str = "session_host_takeover";

/// The table of what the machines say of their processors.
pub const REPORT: &str = "session_host_report";
