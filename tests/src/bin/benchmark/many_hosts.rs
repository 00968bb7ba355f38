//! What 1, 2 and 4 hosts do together that share a state in one PostgreSQL, on this machine.
//!
//! All share its cores with PostgreSQL. So only sessions that wait, as for a model's answer, show what more machines bring;
//! the others show how much work a commit is. A run is timed by the audit log, from the first host's start to the last
//! one's end. Hosts learn of a run when they renew their leases; short leases keep that wait small beside the run. One host
//! with a file stands beside them.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use session_host_tests::{Database, PostgresSetup};

use crate::{programs::Host, service::Service};

/// As many rows as a session has on average.
const ROWS: u32 = 82;
/// How long a step of this measurement may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Every host renews its leases each second.
const SHORT_LEASE: Duration = Duration::from_secs(3);
/// As long as by default.
const LEASE: Duration = Duration::from_secs(15);

/// What is measured: a lane, and how long each session thinks.
struct Case {
    told: &'static str,
    processor: &'static str,
    sessions: u32,
    thinks_ms: u64,
    rows: u32,
    hosts: &'static [usize],
}

const CASES: [Case; 5] = [
    Case {
        told: "rows (`replace`)",
        processor: "wide",
        sessions: 20_000,
        thinks_ms: 0,
        rows: ROWS,
        hosts: &[1, 2, 4],
    },
    Case {
        told: "rows, 5 ms of thought a session",
        processor: "wide",
        sessions: 8_000,
        thinks_ms: 5,
        rows: ROWS,
        hosts: &[1, 2, 4],
    },
    Case {
        told: "a statement (`execute`)",
        processor: "statements",
        sessions: 2_000,
        thinks_ms: 0,
        rows: 1,
        hosts: &[1, 2, 4],
    },
    Case {
        told: "a statement, 5 ms of thought",
        processor: "statements",
        sessions: 2_000,
        thinks_ms: 5,
        rows: 1,
        hosts: &[1, 2, 4],
    },
    // One host runs a serial processor, however many there are.
    Case {
        told: "a statement, serial",
        processor: "upserts",
        sessions: 2_000,
        thinks_ms: 0,
        rows: 1,
        hosts: &[1, 2],
    },
];

/// Runs of several hosts over the same sessions, and how long a take-over takes.
pub(crate) fn measure(host: &Host) -> Result<()> {
    let server = PostgresSetup::default().setting("max_connections = 200").start();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nSeveral hosts, one PostgreSQL, one worker each: sessions and rows a second"
    )?;
    for case in &CASES {
        let folder = case.write(host)?;
        let alone = case.with_a_file(host, &folder)?;
        writeln!(out, "  {:<32} a file   {}", case.told, case.show(alone))?;
        for hosts in case.hosts {
            let (database, cpu) = (server.database(), server.cpu());
            let seconds = Together::start(host, &folder, &database, *hosts, SHORT_LEASE)?.run(case)?;
            writeln!(
                out,
                "  {:<32} {hosts} hosts  {}   PostgreSQL: {:>5.1} µs of CPU a row",
                case.told,
                case.show(seconds),
                1e6 * (server.cpu() - cpu).as_secs_f64() / case.all_rows()
            )?;
        }
    }
    let database = server.database();
    let folder = CASES[0].folder(host);
    let took = Together::start(host, &folder, &database, 2, LEASE)?.take_over()?;
    writeln!(
        out,
        "  a killed host's work is another's after {:.1} s, with leases of {} s",
        took.as_secs_f64(),
        LEASE.as_secs()
    )?;
    Ok(())
}

impl Case {
    fn all_rows(&self) -> f64 {
        f64::from(self.sessions * self.rows)
    }

    fn show(&self, seconds: f64) -> String {
        format!(
            "{:>6.0}  {:>8.0}",
            f64::from(self.sessions) / seconds,
            self.all_rows() / seconds
        )
    }

    fn folder(&self, host: &Host) -> PathBuf {
        host.scratch
            .with_extension(format!("shared-{}-{}", self.sessions, self.thinks_ms))
    }

    /// Writes the sessions. Returns their folder.
    fn write(&self, host: &Host) -> Result<PathBuf> {
        let folder = self.folder(host);
        fs::create_dir_all(folder.join("alice"))?;
        let line = format!("{{\"rows\":{ROWS},\"thinks_ms\":{}}}\n", self.thinks_ms);
        for session in 0..self.sessions {
            fs::write(folder.join(format!("alice/{session}.jsonl")), &line)?;
        }
        Ok(folder)
    }

    /// The seconds of a run of one host whose state is a file.
    fn with_a_file(&self, host: &Host, folder: &Path) -> Result<f64> {
        let host = Host {
            threads: 1,
            ..host.clone()
        };
        host.forget()?;
        Ok(host.run_processor(self.processor, folder)?.1.seconds())
    }
}

/// Hosts that share a state.
struct Together<'a> {
    database: &'a Database<'a>,
    services: Vec<Service>,
}

impl<'a> Together<'a> {
    /// Starts hosts, and waits until they have divided the work.
    fn start(host: &Host, sessions: &Path, database: &'a Database<'a>, hosts: usize, lease: Duration) -> Result<Self> {
        let services = (0..hosts).map(|number| {
            let data: PathBuf = host.scratch.with_extension(format!("host-{number}"));
            Service::sharing(host, sessions, &data, &database.url(), lease)
        });
        let together = Self {
            database,
            services: services.collect::<Result<_>>()?,
        };
        let share = 64 / hosts;
        together.wait(
            &format!(
                "SELECT count(*) FROM (SELECT owner FROM main.session_host_lease
             WHERE processor_name = 'wide' AND owner IS NOT NULL GROUP BY owner HAVING count(*) = {share}) AS owners"
            ),
            hosts,
        )?;
        Ok(together)
    }

    /// Lets all hosts run a processor. Returns the seconds from the first start to the last end.
    fn run(&self, case: &Case) -> Result<f64> {
        let processor = case.processor;
        self.database.sql(&format!(
            "INSERT INTO main.session_host_request (asked_at, actor, kind, processor, payload)
             VALUES (clock_timestamp(), 'cli', 'run', '{processor}', '{{\"asked_at\": \"\", \"failing\": false, \"sessions\": null}}')"
        ));
        self.wait(
            &format!("SELECT count(*) FROM main.session_processor_state WHERE processor_name = '{processor}'"),
            case.sessions as usize,
        )?;
        let owners = "SELECT count(DISTINCT owner) FROM main.session_host_lease";
        let of_processor = format!("processor_name = '{processor}' AND owner IS NOT NULL");
        let runs: usize = self.database.sql(&format!("{owners} WHERE {of_processor}")).parse()?;
        let audited = format!("FROM main.audit_log WHERE action = 'run_session_processor:{processor}'");
        self.wait(&format!("SELECT count(*) {audited}"), runs)?;
        let failed = self
            .database
            .sql(&format!("SELECT count(*) {audited} AND result <> 'ok'"));
        ensure!(failed == "0", "{failed} runs of {processor} failed");
        let seconds = self.database.sql(&format!(
            "SELECT extract(epoch FROM max(timestamp + duration_ms * interval '1 millisecond') - min(timestamp)) {audited}"
        ));
        Ok(seconds.parse()?)
    }

    /// Kills a host. Returns how long its work had no living owner.
    fn take_over(mut self) -> Result<Duration> {
        let killed = self.services.pop();
        drop(killed);
        let began = Instant::now();
        self.wait(
            "SELECT count(*) FROM (SELECT owner FROM main.session_host_lease WHERE processor_name = 'wide'
             GROUP BY owner HAVING count(*) = 64 AND owner IS NOT NULL) AS owners",
            1,
        )?;
        Ok(began.elapsed())
    }

    /// Waits until a query gives a number, or more.
    fn wait(&self, query: &str, wanted: usize) -> Result<()> {
        const LOOK_AGAIN: Duration = Duration::from_millis(20);
        let began = Instant::now();
        while self.database.sql(query).parse::<usize>()? < wanted {
            if began.elapsed() > PATIENCE {
                bail!("waited in vain until this gives {wanted}: {query}");
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}
