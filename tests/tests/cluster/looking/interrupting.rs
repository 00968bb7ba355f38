//! Queries that wait for PostgreSQL, and end all the same.

use std::{path::Path, thread};

use session_host::{
    config::named_state,
    state::{QueryLimits, Reader},
};
use session_host_tests::{Postgres, WAITS_FOR_A_LOCK, wait_until};

use super::scene::{Somebody, host_at};

/// DuckDB itself notices an interrupt only when PostgreSQL has answered.
#[test]
fn a_query_that_is_interrupted_ends_while_postgresql_does_not_answer() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":3}"#);
    drop(world.run(&[]).exits(0));
    let place = named_state(database.url().into(), Path::new("/nowhere")).unwrap();
    let reader = Reader::open_at(&place).unwrap();
    let count = |reader: &Reader| reader.query("SELECT count(*) FROM probe_rows", &[], QueryLimits::NONE);
    let somebody = Somebody::changes(&database, "LOCK TABLE main.probe_rows");
    let interrupt = reader.interrupt_handle();
    let (interrupted, reader) = thread::scope(|scope| {
        let asking = scope.spawn(move || (count(&reader), reader));
        wait_until("the query waits", || database.sql(WAITS_FOR_A_LOCK) == "t");
        wait_until("the query ends", || {
            interrupt.interrupt();
            asking.is_finished()
        });
        asking.join().unwrap()
    });
    assert!(interrupted.is_err(), "{interrupted:?}");
    drop(somebody);
    // What was interrupted does not keep the reader from further queries.
    let answer = count(&reader).unwrap();
    assert_eq!(answer.rows[0][0].get(), "3");
}
