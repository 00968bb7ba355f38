//! What people see of the machines.

use std::{collections::BTreeMap, time::Duration};

use session_plugin_api::Timestamp;

use super::{
    buckets::{Bucket, Buckets},
    error::ClusterError,
    machine::{LOOKING, Machine, MachineId},
    reporting::{PluginSeen, Report, WaitingSeen},
    tables::REPORT,
    timing::Timing,
};
use crate::postgres::{PostgresAddress, PostgresError, Session};

/// How many take-overs are shown.
const TAKE_OVERS: i64 = 20;

/// The machines, as PostgreSQL has them. Processors have the names that the tables have.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The machines, by name.
    pub machines: Vec<MachineSeen>,
    /// What nobody owns, by processor. Nobody processes it until a machine takes it.
    pub unowned: BTreeMap<String, Buckets>,
    /// The last take-overs, newest first.
    pub take_overs: Vec<TakeOver>,
}

/// A machine, as PostgreSQL has it.
#[derive(Clone, Debug)]
pub struct MachineSeen {
    /// Its incarnation.
    pub id: MachineId,
    /// What it is called.
    pub machine: Machine,
    /// When it last renewed, on the clock of PostgreSQL.
    pub seen: Timestamp,
    /// How long ago that was, on the same clock.
    pub age: Duration,
    /// For how long it may be silent.
    pub lease: Duration,
    /// What it owns, by processor.
    pub owned: BTreeMap<String, Buckets>,
    /// What it says of its processors.
    pub reports: BTreeMap<String, Report>,
}

impl MachineSeen {
    /// Whether it has been silent for longer than it may.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.age > self.lease
    }
}

/// A machine that was taken for dead.
#[derive(Clone, Debug)]
pub struct TakeOver {
    /// When, on the clock of PostgreSQL.
    pub at: Timestamp,
    /// The incarnation that ended.
    pub dead: MachineId,
    /// The name of its machine.
    pub dead_name: String,
    /// The incarnation that took it over.
    pub by: MachineId,
}

/// Looks at the machines that share the state at this address, without being one of them. Nobody is there if no host has
/// ever opened that state.
///
/// # Errors
/// When PostgreSQL cannot be reached, or refuses it.
pub fn look_at(address: &PostgresAddress) -> Result<Sight, ClusterError> {
    let mut session = Session::open(address, LOOKING, Timing::default().limits())?;
    let row = session.row(
        "look for the tables of the machines",
        "SELECT to_regclass($1) IS NOT NULL",
        &[&REPORT],
    )?;
    Ok(if row.get(0) {
        look(&mut session)?
    } else {
        Sight::default()
    })
}

/// Looks at the machines.
///
/// # Errors
/// When PostgreSQL refuses it.
pub fn look(session: &mut Session) -> Result<Sight, PostgresError> {
    let mut machines = machines(session)?;
    let mut unowned = BTreeMap::new();
    for (owner, processor, buckets) in leases(session)? {
        let place = match owner {
            Some(owner) => machines
                .iter_mut()
                .find(|machine| machine.id == owner)
                .map(|machine| &mut machine.owned),
            None => Some(&mut unowned),
        };
        // The owner may have joined since the machines were read.
        if let Some(place) = place {
            place.insert(processor, buckets);
        }
    }
    for (machine, processor, report) in reports(session)? {
        if let Some(machine) = machines.iter_mut().find(|known| known.id == machine) {
            machine.reports.insert(processor, report);
        }
    }
    Ok(Sight {
        machines,
        unowned,
        take_overs: take_overs(session)?,
    })
}

fn machines(session: &mut Session) -> Result<Vec<MachineSeen>, PostgresError> {
    let rows = session.query(
        "look at the machines",
        "SELECT id, name, version, (extract(epoch FROM seen) * 1000000)::bigint,
                (extract(epoch FROM clock_timestamp() - seen) * 1000000)::bigint,
                lease_seconds
         FROM session_host_machine ORDER BY name, id",
        &[],
    )?;
    let machines = rows.iter().map(|row| MachineSeen {
        id: MachineId(row.get(0)),
        machine: Machine {
            name: row.get(1),
            version: row.get(2),
        },
        seen: Timestamp::from_micros(row.get(3)),
        age: Duration::from_micros(row.get::<_, i64>(4).try_into().unwrap_or_default()),
        lease: Duration::try_from_secs_f64(row.get(5)).unwrap_or_default(),
        owned: BTreeMap::new(),
        reports: BTreeMap::new(),
    });
    Ok(machines.collect())
}

fn leases(session: &mut Session) -> Result<Vec<(Option<MachineId>, String, Buckets)>, PostgresError> {
    let rows = session.query(
        "look at the buckets",
        "SELECT owner, processor_name, array_agg(bucket) FROM session_host_lease GROUP BY owner, processor_name",
        &[],
    )?;
    let leases = rows.iter().map(|row| {
        let buckets: Vec<i32> = row.get(2);
        let buckets = buckets.into_iter().filter_map(Bucket::from_number).collect();
        (row.get::<_, Option<i64>>(0).map(MachineId), row.get(1), buckets)
    });
    Ok(leases.collect())
}

fn reports(session: &mut Session) -> Result<Vec<(MachineId, String, Report)>, PostgresError> {
    let rows = session.query(
        "look at what the machines say",
        "SELECT machine, processor_name, plugin_version, output_version, digest, waiting::text,
                (extract(epoch FROM checked_at) * 1000000)::bigint,
                (extract(epoch FROM running_since) * 1000000)::bigint
         FROM session_host_report",
        &[],
    )?;
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let reports = rows.iter().map(|row| {
        let (buckets, checked_at): (Option<String>, Option<i64>) = (row.get(5), row.get(6));
        let waiting = buckets.zip(time(checked_at));
        let waiting = waiting.map(|(buckets, checked_at)| WaitingSeen::from_json(&buckets, checked_at));
        let report = Report {
            plugin: PluginSeen {
                version: row.get(2),
                output: u32::try_from(row.get::<_, i64>(3)).unwrap_or_default(),
                digest: row.get(4),
            },
            waiting,
            running_since: time(row.get(7)),
        };
        (MachineId(row.get(0)), row.get(1), report)
    });
    Ok(reports.collect())
}

fn take_overs(session: &mut Session) -> Result<Vec<TakeOver>, PostgresError> {
    let rows = session.query(
        "look at the last take-overs",
        "SELECT (extract(epoch FROM at) * 1000000)::bigint, dead_id, dead_name, by_id
         FROM session_host_takeover ORDER BY id DESC LIMIT $1",
        &[&TAKE_OVERS],
    )?;
    let take_overs = rows.iter().map(|row| TakeOver {
        at: Timestamp::from_micros(row.get(0)),
        dead: MachineId(row.get(1)),
        dead_name: row.get(2),
        by: MachineId(row.get(3)),
    });
    Ok(take_overs.collect())
}
