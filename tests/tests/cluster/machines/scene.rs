//! A database, and machines that join there.

use std::{
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use session_host::{
    cluster::{BucketCount, Cluster, ClusterError, Machine, Request, Sight, TABLES, Timing, look},
    names::ProcessorName,
    postgres::{Limits, PostgresAddress, SCHEMA, Session},
    state::{DeclaredTables, State},
};
use session_host_tests::{Database, Postgres, wait_until};
use session_plugin_api::Migration;

/// Short, so that a test sees a machine die; long enough for a busy test machine to renew.
pub(super) const TIMING: Timing = Timing {
    lease: Duration::from_secs(4),
};

/// Nothing that a test does itself is to end early.
const PATIENT: Limits = Limits::each(Duration::from_secs(120));

/// A database with the tables of the machines.
pub(super) struct Scene {
    pub(super) database: Database<'static>,
}

/// A machine that has joined.
pub(crate) struct Joined {
    pub(crate) cluster: Arc<Cluster>,
    pub(super) requests: Receiver<Request>,
}

/// The name of a processor.
pub(crate) fn processor(name: &str) -> ProcessorName {
    name.parse().unwrap()
}

/// Lets the processor `notes`, which has a session table of this name, use a state with these migrations.
#[track_caller]
pub(crate) fn prepare(state: &State, migrations: &[Migration]) {
    let declared = DeclaredTables {
        processor: &processor("notes"),
        migrations,
        session_tables: &["notes".to_owned()],
    };
    assert_eq!(state.prepare_processor(declared).unwrap().len(), 1);
}

/// A connection of this name.
pub(crate) fn open(url: &str, application_name: &str) -> Session {
    Session::open(&url.parse().unwrap(), application_name, PATIENT).unwrap()
}

/// Makes the tables of the machines in an empty database.
pub(super) fn make_tables(session: &mut Session) {
    session
        .batch("make the tables", &format!("CREATE SCHEMA {SCHEMA}; {TABLES}"))
        .unwrap();
}

/// Joins at this address with these processors, each of which more than one machine may share.
pub(crate) fn join_at(url: &str, name: &str, processors: &[&str]) -> Joined {
    join_with(url, name, processors, TIMING)
}

/// Joins like [`join_at`], with these times.
pub(super) fn join_with(url: &str, name: &str, processors: &[&str], timing: Timing) -> Joined {
    try_to_join(url, name, processors, timing).unwrap()
}

/// Joins like [`join_with`], or is refused.
pub(super) fn try_to_join(url: &str, name: &str, processors: &[&str], timing: Timing) -> Result<Joined, ClusterError> {
    let address: PostgresAddress = url.parse().unwrap();
    let machine = Machine {
        name: name.to_owned(),
        version: "1.2.3".to_owned(),
    };
    let (cluster, requests) = Cluster::join(address, machine, shared(processors), timing, Arc::default())?;
    Ok(Joined { cluster, requests })
}

/// These processors, each of which more than one machine may share.
pub(super) fn shared(processors: &[&str]) -> Vec<(ProcessorName, BucketCount)> {
    processors
        .iter()
        .map(|name| (processor(name), BucketCount::SixtyFour))
        .collect()
}

/// These processors, each of which one machine may have.
pub(super) fn serial(processors: &[&str]) -> Vec<(ProcessorName, BucketCount)> {
    processors
        .iter()
        .map(|name| (processor(name), BucketCount::One))
        .collect()
}

impl Scene {
    pub(super) fn new() -> Self {
        let scene = Self {
            database: Postgres::shared().database(),
        };
        make_tables(&mut scene.session("test"));
        scene
    }

    pub(super) fn session(&self, application_name: &str) -> Session {
        open(&self.database.url(), application_name)
    }

    pub(super) fn join(&self, name: &str, processors: &[&str]) -> Joined {
        join_at(&self.database.url(), name, processors)
    }

    /// Runs SQL in the schema of the host.
    pub(super) fn sql(&self, text: &str) -> String {
        self.database.sql(&format!("SET search_path = {SCHEMA}; {text}"))
    }

    pub(super) fn look(&self) -> Sight {
        look(&mut self.session("test")).unwrap()
    }

    /// Adds a machine that has not renewed for an hour, and may be silent for so many seconds.
    pub(super) fn silent_machine(&self, name: &str, lease: &str) {
        self.sql(&format!(
            "INSERT INTO session_host_machine (name, version, seen, processors, lease_seconds)
             VALUES ('{name}', '1', clock_timestamp() - interval '1 hour', '{{}}', {lease})"
        ));
    }

    /// The names of the machines.
    pub(super) fn names(&self) -> Vec<String> {
        self.look().machines.into_iter().map(|seen| seen.machine.name).collect()
    }

    /// Adds a machine that has not renewed for an hour, and owns the first buckets of `usage`.
    pub(super) fn dead_machine(&self, owned: i64) -> i64 {
        let number = self.sql(
            "INSERT INTO session_host_machine (name, version, seen, processors, lease_seconds)
             VALUES ('dead', '1', clock_timestamp() - interval '1 hour', '{usage}', 4) RETURNING id",
        );
        self.sql(&format!(
            "INSERT INTO session_host_lease
             SELECT 'usage', bucket, CASE WHEN bucket < {owned} THEN {number} END FROM generate_series(0, 63) AS bucket"
        ));
        number.parse().unwrap()
    }
}

impl Joined {
    pub(super) fn owned(&self, name: &str) -> usize {
        self.cluster.owned(&processor(name)).len()
    }

    pub(super) fn number(&self) -> i64 {
        self.cluster.incarnation().unwrap().number()
    }

    pub(super) fn wait_to_own(&self, name: &str, many: usize) {
        wait_until(&format!("the machine owns {many} buckets of {name}"), || {
            self.owned(name) == many
        });
    }
}
