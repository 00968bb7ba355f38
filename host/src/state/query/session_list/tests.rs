//! Which sessions a page has.

use session_plugin_api::{Migration, Unit};
use tempfile::TempDir;

use super::*;
use crate::{
    state::{DeclaredTables, State, StateError},
    week::WeekStart,
    zone::Zone,
};

/// Reads the rows of the table `costs`.
const COSTS: &str = "SELECT session_file, cost, name FROM costs WHERE coalesce(name = $username, true) -- costs";

/// A state with sessions that have equal times, several processors, failures, hostile keys, or no known time.
fn state() -> (TempDir, State) {
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
                   SELECT 'p' || processor, key_of(number), 'user' || number % 3, day_of(number % 5),
                          number, CASE WHEN number % 7 > 0 THEN day_of(number % 4 + processor % 2) END
                   FROM range(40) AS session(number), range(3) AS known(processor) WHERE number % 3 >= processor;
               INSERT INTO session_processor_failure (processor_name, session_file, username, attempts, first_failed_at,
                                                      last_failed_at, kind, error)
                   SELECT 'p9', key_of(number), 'user9', 1, day_of(1), day_of(number % 6), 'error', 'no good'
                   FROM range(35, 50) AS session(number);
               INSERT INTO costs SELECT key_of(number), CASE WHEN number % 4 > 0 THEN number % 6 / 3 END, 'N' || number % 2
                   FROM range(45) AS session(number)";
    let functions = "CREATE TEMP MACRO day_of(days) AS TIMESTAMP '2026-01-01' + to_days(days::INTEGER);
                     CREATE TEMP MACRO key_of(number) AS CASE number WHEN 7 THEN 'user1/it''s \"7\" %_.jsonl' WHEN 8 THEN 'user2/<8>; DROP'
                                                           ELSE 'user' || number % 3 || '/' || number || '.jsonl' END;";
    let written: Result<(), StateError> = state.write(|writer| {
        writer.link().execute_batch(functions).unwrap();
        writer.link().execute_batch(sql).unwrap();
        Ok(())
    });
    written.unwrap();
    (folder, state)
}

fn parameters() -> ReportParameters {
    ReportParameters {
        since: None,
        until: None,
        username: None,
        project: None,
        zone: Zone::utc(),
        week_start: WeekStart::default(),
        now: Timestamp::from_micros(0),
    }
}

fn everything<'a>() -> SessionsQuery<'a> {
    SessionsQuery {
        user: None,
        text: None,
        since: None,
        until: None,
        standing: SessionStanding::Any,
        conditions: Vec::new(),
        order: SessionOrder::Changed,
        after: None,
        most: 1000,
    }
}

fn places(state: &State, asked: &SessionsQuery<'_>) -> Vec<SessionPlace> {
    let reader = state.reader().unwrap();
    reader.session_places(asked, &parameters(), QueryLimits::NONE).unwrap()
}

fn keys(state: &State, asked: &SessionsQuery<'_>) -> Vec<String> {
    places(state, asked).into_iter().map(|place| place.key).collect()
}

const COST: Figure<'_> = Figure {
    sql: COSTS,
    column: "cost",
};

#[test]
fn pages_of_any_size_have_every_session_once_and_in_order() {
    let (_folder, state) = state();
    for (order, count) in [
        (SessionOrder::Changed, 50),
        (SessionOrder::Attempted, 50),
        (SessionOrder::Figure(COST), 33),
    ] {
        let asked = SessionsQuery { order, ..everything() };
        let all = places(&state, &asked);
        assert_eq!(all.len(), count, "{order:?}");
        let is_sorted = |one: &SessionPlace, next: &SessionPlace| {
            let value = |place: &SessionPlace| place.value.parse::<f64>().ok();
            let by_value = value(next)
                .partial_cmp(&value(one))
                .unwrap()
                .then(next.value.cmp(&one.value));
            by_value.then_with(|| next.key.cmp(&one.key)).is_lt()
        };
        assert!(all.is_sorted_by(is_sorted), "{order:?}");
        for most in [1, 3, 7] {
            let mut paged: Vec<SessionPlace> = Vec::new();
            loop {
                let after = paged.last().cloned();
                let page = SessionsQuery {
                    after: after.as_ref(),
                    most,
                    ..asked.clone()
                };
                let page = places(&state, &page);
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, all, "{order:?} by {most}");
        }
    }
}

#[test]
fn filters_find_what_they_name_and_take_text_for_text() {
    let (_folder, state) = state();
    let of_user = SessionsQuery {
        user: Some("user1"),
        ..everything()
    };
    assert!(keys(&state, &of_user).iter().all(|key| key.starts_with("user1/")));
    let text = |text| {
        let asked = SessionsQuery {
            text: Some(text),
            ..everything()
        };
        keys(&state, &asked)
    };
    assert_eq!(text("IT'S \"7\" %_"), ["user1/it's \"7\" %_.jsonl"]);
    assert_eq!(text("<8>; drop"), ["user2/<8>; DROP"]);
    assert_eq!(text("%3%"), [""; 0]);
    let failing = SessionsQuery {
        standing: SessionStanding::Failing,
        ..everything()
    };
    assert_eq!(keys(&state, &failing).len(), 15);
    let day = |day: i64| Timestamp::parse(&format!("2026-01-0{day}T00:00:00Z")).unwrap();
    let changed = SessionsQuery {
        since: Some(day(2)),
        until: Some(day(3)),
        ..everything()
    };
    let found = places(&state, &changed);
    assert!(!found.is_empty() && found.iter().all(|place| place.value.starts_with("2026-01-02")));
    let condition = |column, wanted| FigureCondition {
        figure: Figure { sql: COSTS, column },
        wanted,
    };
    let dear = SessionsQuery {
        conditions: vec![
            condition("cost", WantedFigure::AtLeast(1.0)),
            condition("name", WantedFigure::Containing("n1")),
        ],
        order: SessionOrder::Figure(COST),
        text: Some("user"),
        ..everything()
    };
    let found = places(&state, &dear);
    assert!(!found.is_empty());
    assert!(found.iter().all(|place| place.value.parse::<f64>().unwrap() >= 1.0));
}

#[test]
fn what_the_state_and_reports_know_comes_in_the_order_of_the_page() {
    let (_folder, state) = state();
    let reader = state.reader().unwrap();
    let all = places(&state, &everything());
    let sessions = reader.listed_sessions(&all, QueryLimits::NONE).unwrap();
    let listed: Vec<&str> = sessions.iter().map(|session| session.key.as_str()).collect();
    assert_eq!(listed, all.iter().map(|place| place.key.as_str()).collect::<Vec<_>>());
    let both = sessions.iter().find(|session| session.key == "user2/38.jsonl").unwrap();
    assert_eq!(both.processors.as_deref(), Some("p0 p1 p2"));
    assert_eq!((both.failing.as_deref(), both.size), (Some("p9"), Some(38)));
    let report = Report::new("costs", "Costs", COSTS)
        .column(ReportColumn::new("cost", "Cost", Unit::Usd))
        .column(ReportColumn::new("session_file", "Session", Unit::Text))
        .column(ReportColumn::new("name", "Name", Unit::Text));
    let figures = reader
        .session_figures(&report, &all[..20], &parameters(), QueryLimits::NONE)
        .unwrap();
    assert!(figures.len() > 10 && figures.values().all(|row| row.len() == 2));
    assert!(
        reader
            .session_figures(&report, &[], &parameters(), QueryLimits::NONE)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_place_that_is_none_is_refused_and_harms_nothing() {
    let (_folder, state) = state();
    let reader = state.reader().unwrap();
    for value in ["", "soon", "'; DROP TABLE costs; --", "\0"] {
        let after = SessionPlace {
            value: value.to_owned(),
            key: "' OR true --".to_owned(),
        };
        let asked = SessionsQuery {
            after: Some(&after),
            ..everything()
        };
        let refused = reader.session_places(&asked, &parameters(), QueryLimits::NONE);
        assert!(refused.is_err(), "{value:?}");
    }
    assert_eq!(places(&state, &everything()).len(), 50);
}
