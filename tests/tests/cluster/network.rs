//! The network of the tests: it falls silent, cuts connections, and swallows the answer to a commit.

use std::thread;

use session_host_tests::{Postgres, PostgresSetup, Proxy, ROLE, psql, psql_in_steps, wait_until};

#[test]
fn an_answer_is_swallowed_and_the_row_is_there() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    database.sql("CREATE TABLE t (a int); GRANT ALL ON t TO session_host");
    proxy.swallow_answer_to_commit("INSERT INTO t");
    // Neither another transaction nor one that is rolled back.
    psql(&url, "BEGIN; SELECT * FROM t; COMMIT").unwrap();
    psql(&url, "BEGIN; INSERT INTO t VALUES (1); ROLLBACK").unwrap();
    let said = psql(&url, "BEGIN; INSERT INTO t VALUES (2); COMMIT").unwrap_err();
    assert!(said.contains("server closed the connection unexpectedly"), "{said}");
    proxy.has_swallowed(1);
    assert_eq!(database.sql("SELECT a FROM t"), "2");
    // Only the next one.
    psql(&url, "BEGIN; INSERT INTO t VALUES (3); COMMIT").unwrap();
    assert_eq!(proxy.accepted(), 4);
}

#[test]
fn a_silent_network_holds_everything_until_it_passes_again() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    proxy.fall_silent();
    let asking = thread::spawn(move || psql(&url, "SELECT 7"));
    wait_until("the client is connected", || proxy.open() == 1);
    assert!(!asking.is_finished());
    proxy.pass();
    assert_eq!(asking.join().unwrap().unwrap(), "7");
    wait_until("the connection has ended", || proxy.open() == 0);
}

#[test]
fn a_network_falls_silent_at_a_chosen_request() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    database.sql("CREATE TABLE t (a int); GRANT ALL ON t TO session_host");
    proxy.fall_silent_before("INSERT INTO t VALUES (2)");
    psql(&url, "INSERT INTO t VALUES (1)").unwrap();
    let inserting = thread::spawn(move || psql(&url, "INSERT INTO t VALUES (2)"));
    proxy.has_fallen_silent();
    assert_eq!(database.sql("SELECT a FROM t"), "1");
    assert!(!inserting.is_finished());
    proxy.pass();
    inserting.join().unwrap().unwrap();
    assert_eq!(database.sql("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_network_falls_silent_at_the_commit_of_a_chosen_transaction() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    database.sql("CREATE TABLE t (a int); GRANT ALL ON t TO session_host");
    proxy.fall_silent_before_commit_of("INSERT INTO t VALUES (2)");
    let insert = |number| psql_in_steps(&url, &["BEGIN", &format!("INSERT INTO t VALUES ({number})"), "COMMIT"]);
    insert(1).unwrap();
    thread::scope(|scope| {
        let inserting = scope.spawn(|| insert(2));
        proxy.has_fallen_silent();
        assert_eq!(database.sql("SELECT a FROM t"), "1");
        proxy.pass();
        inserting.join().unwrap().unwrap();
    });
    assert_eq!(database.sql("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_commit_comes_late_after_its_client_has_lost_the_connection() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    database.sql("CREATE TABLE t (a int); GRANT ALL ON t TO session_host");
    proxy.hold_back_commit_of("INSERT INTO t");
    let steps = ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"];
    let said = psql_in_steps(&database.url_through(&proxy), &steps).unwrap_err();
    assert!(said.contains("server closed the connection unexpectedly"), "{said}");
    proxy.holds_back();
    assert_eq!(database.sql("SELECT count(*) FROM t"), "0");
    proxy.deliver();
    wait_until("the commit has come", || database.sql("SELECT count(*) FROM t") == "1");
    wait_until("the connection has ended", || proxy.open() == 0);
}

#[test]
fn a_network_leads_elsewhere_after_so_many_connections() {
    let (server, other) = (Postgres::shared(), PostgresSetup::default().start());
    let proxy = Proxy::before(server.port());
    proxy.lead_elsewhere_after(1, other.port());
    let url = format!("postgres://{ROLE}@127.0.0.1:{}/postgres", proxy.port());
    let ports = [(); 3].map(|()| psql(&url, "SHOW port").unwrap());
    assert_eq!(ports, [server, &other, &other].map(|server| server.port().to_string()));
}

#[test]
fn a_cut_ends_every_connection_also_of_a_silent_network() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    proxy.fall_silent();
    let asking = [url.clone(), url.clone()].map(|url| thread::spawn(move || psql(&url, "SELECT 7")));
    wait_until("the clients are connected", || proxy.open() == 2);
    proxy.cut();
    for asking in asking {
        let said = asking.join().unwrap().unwrap_err();
        assert!(said.contains("closed the connection unexpectedly"), "{said}");
    }
    wait_until("the connections have ended", || proxy.open() == 0);
    proxy.pass();
    assert_eq!(psql(&url, "SELECT 7").unwrap(), "7");
}

#[test]
fn much_passes_unchanged_both_ways() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let url = database.url_through(&proxy);
    let text = "a".repeat(100_000);
    assert_eq!(psql(&url, &format!("SELECT '{text}'")).unwrap(), text);
    let numbers: Vec<String> = (1..=100_000).map(|number| number.to_string()).collect();
    assert_eq!(
        psql(&url, "SELECT generate_series(1, 100000)").unwrap(),
        numbers.join("\n")
    );
}
