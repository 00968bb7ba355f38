//! Several machines that share one state in PostgreSQL agree here on who processes which sessions.
//!
//! The sessions of a processor lie in [buckets](Bucket): in 64, or in one if the processor is serial. Each bucket has at
//! most one owner, and only its owner processes its sessions. An owner is an *incarnation* of a machine, a row with a
//! number that is never used again. The protocol, every quarter of the lease:
//!
//! 1. *Renew* (`renewal`): the machine says that it lives. If its row is gone, others have taken it for dead: it is
//!    *fenced*. It ends what it does and joins anew, as another incarnation (`joining`).
//! 2. *Take over* (`takeover`): who has not renewed for its own lease is dead. PostgreSQL ends its connections, then its row
//!    is deleted, which frees its buckets.
//! 3. *Share* (`sharing`): each machine keeps a fair part of the buckets. It gives away only what no run of its own has
//!    [pinned](InFlight).
//! 4. *Hear* (`requests`): what somebody asked of all machines reaches each of them, once and in order.
//! 5. *Tell* (`reporting`): people see on every machine what the others have, do, and have yet to do (`looking`).
//!
//! **Why this is safe.** All times come from the clock of PostgreSQL, so the clocks of machines do not matter. Every
//! transaction that commits sessions first locks the row of its incarnation `FOR KEY SHARE`, and the rows of its buckets
//! `FOR SHARE`. The renewal changes no key, so it waits for none of these locks. The `DELETE` of a take-over does: either
//! the commit ends first, and the next owner reads what it wrote; or the row is gone, and the commit finds nothing to lock
//! and fails. A machine that was paused for hours and wakes up in the middle of a commit finds its connection ended. What
//! this module holds in memory only saves work that a commit would refuse.
//!
//! A copy of the state needs that none of this happens: it lets the state *stand still* (`standstill`).
//!
//! All machines use one role in PostgreSQL: a role sees and ends only its own connections.
//!
//! # Threads
//! [`Cluster::join`] starts the thread `cluster`, which owns the only connection of this module. It waits for nothing
//! but PostgreSQL, and for that within limits, so that neither a run nor DuckDB delays a renewal. Others read what it
//! has found under a lock that is held for a moment (`standing`), and ask it over a channel (`control`).

mod buckets;
mod control;
mod error;
mod in_flight;
mod joining;
mod listing;
mod looking;
mod machine;
mod membership;
mod renewal;
mod reporting;
mod requests;
mod sharing;
mod standing;
mod standstill;
mod tables;
mod takeover;
mod timing;

pub use buckets::{Bucket, BucketCount, Buckets, Part, bucket_of};
pub use error::ClusterError;
pub use in_flight::InFlight;
pub use listing::{ClusterListing, LagListing, MachineListing, ProcessorListing, TakeOverListing};
pub use looking::{MachineSeen, Sight, TakeOver, look, look_at};
pub use machine::{CONTROL, Machine, MachineId};
pub use membership::Cluster;
pub use renewal::ClockDifference;
pub use reporting::{Lag, PluginSeen, Report, WaitingSeen};
pub use requests::{NewRequest, Request, RequestId, RequestKind, locking, recording};
pub use standing::{Counters, Standing, Unowned};
pub use standstill::{NoStandstill, Standstill};
pub use tables::{LEASE, MACHINE, REPORT, REQUEST, TABLES, TAKE_OVER};
pub use timing::Timing;
