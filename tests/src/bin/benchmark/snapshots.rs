//! What a snapshot is worth where a state in PostgreSQL holds millions of rows: the same reports from the tables and from the
//! newest snapshot, and what writing one costs.
//!
//! The rows are made by PostgreSQL: responses of a year, by 100 users, with 40 in a session.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use session_host_tests::{Database, Postgres, PostgresSetup};
use walkdir::WalkDir;

use crate::{programs::Host, series::Series, service::Service};

/// The sizes of the state, in millions of responses.
const MILLIONS: [u32; 2] = [2, 10];

/// How long a snapshot may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What is asked for. The charts of the overview are kept once they are drawn, so they are asked for once.
const ASKED: [(&str, &str, u32); 5] = [
    ("by day, a month", "/api/reports/usage.daily?last=30d", 3),
    ("by day, all", "/api/reports/usage.daily", 3),
    ("by user, all", "/api/reports/usage.users", 3),
    ("by model, all", "/api/reports/usage.models", 3),
    ("the charts of the overview", "/overview/charts", 1),
];

/// Reports from the tables and from a snapshot, in states of several sizes.
pub(crate) fn measure(host: &Host, repetitions: u32) -> Result<()> {
    let server = PostgresSetup::default().setting("max_wal_size = 4GB").start();
    let database = server.database();
    let sessions = host.scratch.with_extension("no-sessions");
    fs::create_dir_all(&sessions)?;
    let state = State {
        host,
        server: &server,
        database: &database,
        sessions: &sessions,
    };
    // The first host makes the tables.
    drop(state.serve("tables", None)?);
    let mut had = 0;
    for millions in MILLIONS {
        fill(&database, had, millions)?;
        had = millions;
        state.compare(millions, repetitions)?;
    }
    Ok(())
}

/// A state that is filled already.
struct State<'a> {
    host: &'a Host,
    server: &'a Postgres,
    database: &'a Database<'a>,
    sessions: &'a Path,
}

impl State<'_> {
    fn compare(&self, millions: u32, repetitions: u32) -> Result<()> {
        let mut out = io::stdout().lock();
        let tables: u64 = self
            .database
            .sql("SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relnamespace = 'main'::regnamespace AND relkind = 'r'")
            .parse()?;
        writeln!(
            out,
            "\nReports of {millions} million responses in PostgreSQL, {} MB; the calls of a service",
            tables >> 20
        )?;
        let service = self.serve("tables", None)?;
        let from_tables = ask(&service, self.server, repetitions)?;
        drop(service);
        let folder = self.host.scratch.with_extension(format!("snapshots-{millions}"));
        let _ = fs::remove_dir_all(&folder);
        let cpu = self.server.cpu();
        let service = self.serve("snapshots", Some(&folder))?;
        let (took, snapshot) = written(&folder)?;
        let cpu = self.server.cpu() - cpu;
        let from_snapshot = ask(&service, self.server, repetitions)?;
        for (((title, _, _), tables), snapshot) in ASKED.iter().zip(from_tables).zip(from_snapshot) {
            writeln!(out, "  {title}")?;
            writeln!(out, "    from the tables              {tables}")?;
            writeln!(out, "    from a snapshot              {snapshot}")?;
        }
        writeln!(
            out,
            "  a snapshot is written in {:.1} s, has {} MB, and takes {:.1} s of PostgreSQL's CPU time",
            took.as_secs_f64(),
            bytes_in(&snapshot)? >> 20,
            cpu.as_secs_f64()
        )?;
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    fn serve(&self, data: &str, snapshots: Option<&Path>) -> Result<Service> {
        let data: PathBuf = self.host.scratch.with_extension(data);
        Service::reporting(self.host, self.sessions, &data, &self.database.url(), snapshots)
    }
}

/// Adds responses until there are so many millions, and their sessions.
fn fill(database: &Database<'_>, had: u32, millions: u32) -> Result<()> {
    let rows = format!(
        "SELECT n, s, format('user-%s', s % 100) AS username, md5(s::text) AS session,
                format('user-%s/%s.jsonl', s % 100, md5(s::text)) AS file,
                (ARRAY['claude-opus-4-5-20251101', 'claude-sonnet-4-5-20250929', 'claude-haiku-4-5-20251001', 'gpt-5'])[1 + s % 4] AS model,
                (now() AT TIME ZONE 'UTC') - make_interval(mins => (s * 2 % 525600)::int) + make_interval(secs => n % 40 * 45) AS at
         FROM generate_series({}, {}) AS n, LATERAL (SELECT n / 40 AS s) AS session",
        u64::from(had) * 1_000_000,
        u64::from(millions) * 1_000_000 - 1
    );
    let messages = format!(
        "INSERT INTO main.usage_stored_messages (session_file, username, session_id, message_id, request_id, model, occurred_at,
             is_sidechain, input_tokens, output_tokens, cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens,
             service_tier, cwd)
         SELECT file, username, session, 'msg_' || md5(n::text), 'req_' || md5('r' || n), model, at,
                n % 10 = 0, n % 3000, n % 900, n * 7 % 150000, n * 3 % 9000, 0, 'standard', '/home/' || username || '/project-' || s % 7
         FROM ({rows}) AS row"
    );
    let sessions = format!(
        "INSERT INTO main.usage_stored_sessions
         SELECT file, session, username, min(at), max(at), 1800, 1800, 9, 40, 31, 1, 0, 0, 0, 0, 6, 0, 9, 40, min(model),
                60000, 18000, 3000000, 180000, 1
         FROM ({rows}) AS row GROUP BY file, session, username"
    );
    for statement in [&messages, &sessions, "CHECKPOINT"] {
        database
            .try_sql(statement)
            .map_err(|said| anyhow::anyhow!("{said}: {statement}"))?;
    }
    Ok(())
}

/// How long each call takes, and how much CPU time in the service and in PostgreSQL.
fn ask(service: &Service, server: &Postgres, repetitions: u32) -> Result<Vec<String>> {
    let asked = ASKED.iter().map(|(_, target, most)| {
        let mut connection = match target.starts_with("/api/") {
            true => service.connect()?,
            false => service.sign_in()?,
        };
        let (mut wall, mut cpu) = (Series::default(), Series::default());
        for _ in 0..repetitions.min(*most) {
            let (began, before) = (Instant::now(), service.cpu() + server.cpu());
            let status = connection.call("GET", target)?;
            let took = began.elapsed().as_secs_f64();
            if status != 200 {
                return Ok(format!("no answer: status {status} after {took:.1} s"));
            }
            wall.add(took * 1e3);
            cpu.add((service.cpu() + server.cpu() - before).as_secs_f64() * 1e3);
        }
        Ok(format!("{}  CPU time {:.0} ms", wall.show("ms"), cpu.median()))
    });
    asked.collect()
}

/// Waits for a snapshot, and gives how long it took and where it is. Its name is the time of its beginning.
fn written(folder: &Path) -> Result<(Duration, PathBuf)> {
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut complete = entries.filter_map(|entry| {
            let micros = entry.file_name().to_str()?.parse().ok()?;
            Some((Duration::from_micros(micros), entry.path()))
        });
        if let Some((named, path)) = complete.next() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            return Ok((now.saturating_sub(named), path));
        }
        thread::sleep(LOOK_AGAIN);
    }
    bail!("no snapshot is complete in {}", folder.display())
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(folder) {
        let file = entry
            .and_then(|entry| entry.metadata())
            .context("cannot list a snapshot")?;
        bytes += if file.is_file() { file.len() } else { 0 };
    }
    Ok(bytes)
}
