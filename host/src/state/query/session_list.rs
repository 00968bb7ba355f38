//! All sessions that the state knows, and what reports say of each.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::value::RawValue;
use session_plugin_api::{Report, ReportColumn, Timestamp};

use crate::state::{
    engine::{instance::Link, sql::quoted},
    error::{Doing, Result},
    judge::statement::{check_question, without_end},
    query::{
        ask::{QueryError, QueryLimits, fetch, guarded},
        reader::Reader,
        report::{ReportParameters, with_offsets},
    },
};

/// A session, as the host's own tables know it. Sessions share texts that many of them have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// The key.
    pub key: String,
    /// The user that it is recorded for.
    pub username: Option<Arc<str>>,
    /// The size of its transcript, in bytes.
    pub size: Option<u64>,
    /// When its transcript was last written, as far as somebody has recorded that.
    pub changed: Option<Timestamp>,
    /// When it was last processed.
    pub processed: Option<Timestamp>,
    /// When it was last attempted.
    pub attempted: Timestamp,
    /// The processors that have processed it, with spaces between them.
    pub processors: Option<Arc<str>>,
    /// The processors whose last attempt failed, with spaces between them.
    pub failing: Option<Arc<str>>,
}

/// The rows of a report, by the keys of their sessions.
pub type FigureRows = HashMap<String, Vec<Box<RawValue>>>;

/// What the host is doing, for errors.
const LISTING: &str = "list the sessions";

/// Every session once.
const SESSIONS: &str = "
    SELECT session_file, system.main.max(username), system.main.max(file_size),
           system.main.epoch_us(system.main.max(file_mtime)), system.main.epoch_us(system.main.max(processed_at)),
           system.main.epoch_us(system.main.max(attempted_at)),
           system.main.string_agg(processor, ' ' ORDER BY processor),
           system.main.string_agg(failing, ' ' ORDER BY failing)
    FROM (SELECT session_file, username, file_size, file_mtime, processed_at, processed_at AS attempted_at,
                 processor_name AS processor, NULL AS failing
          FROM main.session_processor_state
          UNION ALL
          SELECT session_file, username, file_size, file_mtime, NULL, last_failed_at, NULL, processor_name
          FROM main.session_processor_failure)
    GROUP BY session_file";

impl Reader {
    /// Every session that the state knows, in no order.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn all_sessions(&self) -> Result<Vec<ListedSession>> {
        let mut shared: HashSet<Arc<str>> = HashSet::new();
        let mut share = |text: Option<String>| {
            text.map(|text| match shared.get(text.as_str()) {
                Some(known) => Arc::clone(known),
                None => {
                    let new: Arc<str> = text.into();
                    shared.insert(Arc::clone(&new));
                    new
                }
            })
        };
        let mut statement = self.link.prepare(SESSIONS).doing(LISTING)?;
        let rows = statement.query_map([], |row| {
            let time = |place| Ok::<_, duckdb::Error>(row.get::<_, Option<i64>>(place)?.map(Timestamp::from_micros));
            Ok(ListedSession {
                key: row.get(0)?,
                username: share(row.get(1)?),
                size: row.get::<_, Option<i64>>(2)?.and_then(|size| u64::try_from(size).ok()),
                changed: time(3)?,
                processed: time(4)?,
                attempted: time(5)?.unwrap_or(Timestamp::from_micros(0)),
                processors: share(row.get(6)?),
                failing: share(row.get(7)?),
            })
        });
        rows.and_then(Iterator::collect).doing(LISTING)
    }

    /// What a report says of every session: the values of its other columns, in order, by the key of the session.
    ///
    /// # Errors
    /// When its SELECT is not one, exceeds a limit, or DuckDB rejects it.
    pub fn session_figures(
        &self,
        report: &Report,
        parameters: &ReportParameters,
        limits: QueryLimits,
    ) -> Result<FigureRows, QueryError> {
        check_question(&self.link, report.sql())?;
        let sql = with_offsets(&parameters.zone.offsets()) + &figures_sql(&self.link, report);
        let found = guarded(&self.link, limits.memory, || {
            let mut statement = self.link.prepare(&sql).doing(LISTING)?;
            let values = parameters.values(&statement)?;
            fetch(&mut statement, &values, limits)
        })?;
        let rows = found.rows.into_iter().filter_map(|mut row| {
            let values = row.split_off(1.min(row.len()));
            Some((serde_json::from_str(row.first()?.get()).ok()?, values))
        });
        Ok(rows.collect())
    }
}

/// The SELECT of a report as a relation has lines of its own, because it may end in a comment.
fn figures_sql(link: &Link, report: &Report) -> String {
    let session = quoted(Report::SESSION_COLUMN);
    let columns = report.columns().iter().map(ReportColumn::name);
    let columns = columns.filter(|column| *column != Report::SESSION_COLUMN);
    let selected: Vec<String> = [format!("CAST({session} AS VARCHAR)")]
        .into_iter()
        .chain(columns.map(quoted))
        .collect();
    format!(
        "SELECT {} FROM (\n{}\n) AS figure WHERE {session} IS NOT NULL",
        selected.join(", "),
        without_end(link.engine(), report.sql())
    )
}

#[cfg(test)]
mod tests {
    use session_plugin_api::{Migration, Unit};

    use super::*;
    use crate::{
        state::{DeclaredTables, State, StateError},
        week::WeekStart,
        zone::Zone,
    };

    #[test]
    fn every_session_is_listed_once_with_what_the_state_and_a_report_know() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state.duckdb")).unwrap();
        let declared = DeclaredTables {
            processor: &"probe".parse().unwrap(),
            migrations: &[Migration::new(
                1,
                "costs",
                "CREATE TABLE costs (session_file VARCHAR, cost DOUBLE, name VARCHAR)",
            )],
            session_tables: &["costs".to_owned()],
        };
        state.prepare_processor(declared).unwrap();
        let sql = "INSERT INTO session_processor_state (processor_name, session_file, username, processed_at, file_size, file_mtime)
                   VALUES ('p2', 'a', 'ann', TIMESTAMP '2026-01-02', 7, TIMESTAMP '2026-01-01'),
                          ('p1', 'a', 'ann', TIMESTAMP '2026-01-03', 8, TIMESTAMP '2026-01-02'),
                          ('p1', 'b', NULL, TIMESTAMP '2026-01-01', NULL, NULL);
                   INSERT INTO session_processor_failure (processor_name, session_file, username, attempts, first_failed_at,
                                                          last_failed_at, kind, error)
                   VALUES ('p3', 'a', 'ann', 1, TIMESTAMP '2026-01-04', TIMESTAMP '2026-01-05', 'error', 'no good'),
                          ('p3', 'c', 'ben', 1, TIMESTAMP '2026-01-04', TIMESTAMP '2026-01-06', 'error', 'no good');
                   INSERT INTO costs VALUES ('a', 0.1, 'x'), ('c', NULL, 'y'), (NULL, 1, 'z')";
        let written: Result<(), StateError> = state.write(|writer| {
            writer.link().execute_batch(sql).unwrap();
            Ok(())
        });
        written.unwrap();
        let reader = state.reader().unwrap();
        let mut sessions = reader.all_sessions().unwrap();
        sessions.sort_by(|one, other| one.key.cmp(&other.key));
        let at = |day: u32| Timestamp::parse(&format!("2026-01-0{day}T00:00:00Z")).unwrap();
        let expected = ListedSession {
            key: "a".to_owned(),
            username: Some("ann".into()),
            size: Some(8),
            changed: Some(at(2)),
            processed: Some(at(3)),
            attempted: at(5),
            processors: Some("p1 p2".into()),
            failing: Some("p3".into()),
        };
        assert_eq!(sessions[0], expected);
        assert_eq!((&sessions[1].username, sessions[1].changed), (&None, None));
        assert_eq!((sessions[2].processed, sessions[2].attempted), (None, at(6)));
        assert_eq!(sessions.len(), 3);
        let report = Report::new("costs", "Costs", "SELECT name, session_file, cost FROM costs -- costs")
            .column(ReportColumn::new("cost", "Cost", Unit::Usd))
            .column(ReportColumn::new("session_file", "Session", Unit::Text))
            .column(ReportColumn::new("name", "Name", Unit::Text));
        let parameters = ReportParameters {
            since: None,
            until: None,
            username: None,
            project: None,
            zone: Zone::utc(),
            week_start: WeekStart::default(),
            now: at(1),
        };
        let figures = reader.session_figures(&report, &parameters, QueryLimits::NONE).unwrap();
        let of = |key: &str| figures[key].iter().map(|value| value.get()).collect::<Vec<_>>();
        assert_eq!((of("a"), of("c")), (vec!["0.1", "\"x\""], vec!["null", "\"y\""]));
        assert_eq!(figures.len(), 2);
    }
}
