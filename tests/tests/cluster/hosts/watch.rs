//! What is observed while hosts work: which versions are committed, and whether anything is ever half there.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::scene::{LEASE_SECONDS, Scene, session};

/// Records in PostgreSQL each commit of a version of a session, and by which incarnation. A session that was only read
/// again is none. Records each failure of a session and each renewal of a host, too.
pub(super) const LOG: &str = "
    CREATE SCHEMA watch;
    CREATE TABLE watch.version (
        id bigint GENERATED ALWAYS AS IDENTITY, processor text, session text, hash text, output int, machine text);
    CREATE FUNCTION watch.log() RETURNS trigger LANGUAGE plpgsql AS $log$ BEGIN
        INSERT INTO watch.version (processor, session, hash, output, machine) VALUES (
            NEW.processor_name, NEW.session_file, NEW.file_hash, NEW.output_version, current_setting('application_name'));
        RETURN NULL;
    END $log$;
    CREATE TRIGGER log AFTER INSERT OR UPDATE OF processed_at ON main.session_processor_state
    FOR EACH ROW EXECUTE FUNCTION watch.log();
    CREATE TABLE watch.failure (session text, error text);
    CREATE FUNCTION watch.fail() RETURNS trigger LANGUAGE plpgsql AS $fail$ BEGIN
        INSERT INTO watch.failure VALUES (NEW.session_file, NEW.error);
        RETURN NULL;
    END $fail$;
    CREATE TRIGGER fail AFTER INSERT OR UPDATE ON main.session_processor_failure
    FOR EACH ROW EXECUTE FUNCTION watch.fail();
    CREATE TABLE watch.renewal (machine bigint, seen timestamptz);
    CREATE FUNCTION watch.renew() RETURNS trigger LANGUAGE plpgsql AS $renew$ BEGIN
        INSERT INTO watch.renewal VALUES (NEW.id, NEW.seen);
        RETURN NULL;
    END $renew$;
    CREATE TRIGGER renew AFTER UPDATE OF seen ON main.session_host_machine
    FOR EACH ROW EXECUTE FUNCTION watch.renew()";

/// The versions that were committed more than once.
const TWICE: &str = "SELECT processor, session, hash, count(*), array_agg(machine) FROM watch.version
                     GROUP BY processor, session, hash, output HAVING count(*) > 1";

/// Whether a version was committed more than once.
pub(super) const IS_ANY_TWICE: &str =
    "SELECT count(DISTINCT (processor, session, hash, output)) < count(*) FROM watch.version";

/// Whether nobody else has a transaction open.
pub(super) const IS_NO_TRANSACTION_OPEN: &str = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity
     WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database())";

/// The hosts that were taken over late: the one that took over had renewed more than once since their lease ended. It renews
/// every quarter of a lease and looks for dead ones then, so once means within one and a quarter leases.
pub(super) fn late_take_overs() -> String {
    format!(
        "SELECT take_over.dead_id, count(*) FROM main.session_host_takeover AS take_over
         JOIN (SELECT machine, max(seen) AS seen FROM watch.renewal GROUP BY machine) AS dead
           ON dead.machine = take_over.dead_id
         JOIN watch.renewal AS renewal ON renewal.machine = take_over.by_id
          AND renewal.seen > dead.seen + interval '{LEASE_SECONDS} s' AND renewal.seen < take_over.at
         GROUP BY take_over.dead_id HAVING count(*) > 1"
    )
}

/// The query for the sessions and users of which something is half there.
pub(super) fn halves(processors: &[&str]) -> String {
    let queries = processors.iter().flat_map(|processor| match *processor {
        "probe" => vec![half_sessions(processor, "probe_rows", "count(*)")],
        "probe_serial" => vec![half_sessions(processor, "probe_serial_rows", "count(*)")],
        "counts" => vec![
            half_sessions(processor, "counts_lines", "sum(n)"),
            HALF_COUNTS.to_owned(),
        ],
        "upserts" => vec![HALF_UPSERTS.to_owned()],
        _ => Vec::new(),
    });
    queries.collect::<Vec<_>>().join(" UNION ALL ")
}

/// The sessions whose rows do not belong to their state row. Each version of a session has more items than the one before.
fn half_sessions(processor: &str, table: &str, items: &str) -> String {
    format!(
        "SELECT session_file FROM
             (SELECT session_file, {items} AS items FROM main.{table} GROUP BY session_file) AS rows
         FULL JOIN
             (SELECT session_file, items_extracted FROM main.session_processor_state
              WHERE processor_name = '{processor}') AS state
         USING (session_file) WHERE items IS DISTINCT FROM items_extracted"
    )
}

/// The users whose sum, which statements keep, is not that of their rows.
const HALF_COUNTS: &str = "
    SELECT username FROM main.counts_totals AS totals
    FULL JOIN (SELECT username, sum(n) AS n FROM main.counts_lines GROUP BY username) AS lines USING (username)
    WHERE totals.n IS DISTINCT FROM lines.n";

/// The users whose sum, which statements keep, is not the number of versions that were committed.
const HALF_UPSERTS: &str = "
    SELECT username FROM main.upserts
    FULL JOIN (SELECT split_part(session, '/', 1) AS username, count(*) AS versions FROM watch.version
               WHERE processor = 'upserts' GROUP BY 1) AS version USING (username)
    WHERE sessions IS DISTINCT FROM versions";

/// How long the observer waits between two snapshots for its end. It must leave the machine to the hosts.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks again and again for what is half there, until it is dropped.
pub(super) struct Observer {
    end: Sender<()>,
    looking: JoinHandle<(u64, Vec<String>)>,
}

impl Scene {
    /// How many versions were committed.
    #[track_caller]
    pub(super) fn versions(&self) -> usize {
        self.sql("SELECT count(*) FROM watch.version").parse().unwrap()
    }

    #[track_caller]
    pub(super) fn is_each_version_committed_once(&self) {
        assert_eq!(self.sql(TWICE), "");
    }

    /// Begins to look for what is half there. An outage of the database is waited for.
    pub(super) fn observe(&self) -> Observer {
        let (end, ended) = channel();
        let url = self.url.clone();
        let sql = halves(self.plugins);
        let looking = thread::spawn(move || look(&url, &sql, &ended));
        Observer { end, looking }
    }
}

fn look(url: &str, sql: &str, ended: &Receiver<()>) -> (u64, Vec<String>) {
    let (mut snapshots, mut found) = (0, Vec::new());
    let mut open = None;
    while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        let Some(mut session) = open.take().or_else(|| session(url)) else {
            continue;
        };
        // One statement sees one snapshot, as a transaction with REPEATABLE READ does.
        if let Ok(rows) = session.query("look", sql, &[]) {
            snapshots += 1;
            found.extend(rows.iter().map(|row| row.get(0)));
            open = Some(session);
        }
    }
    (snapshots, found)
}

impl Observer {
    /// Ends, and checks that nothing was ever half there.
    #[track_caller]
    pub(super) fn saw_nothing_half(self) {
        drop(self.end);
        let (snapshots, found) = self.looking.join().unwrap();
        assert!(snapshots > 0);
        assert_eq!(found, [""; 0], "in {snapshots} snapshots");
    }
}
