//! Hosts that share transcripts and a state: real processes with real plugins, against a real PostgreSQL.
//!
//! After each fault, the tables are those of one host that nobody disturbed, and no version of a session was committed
//! twice. `unguarded` shows that these tests would notice if a safeguard were missing.

mod clocks;
mod cutting;
mod firing;
mod killing;
mod late;
mod outages;
mod overtaking;
mod pauses;
mod pausing;
mod requests;
mod scene;
mod sharing;
mod unguarded;
mod watch;
