//! The PostgreSQL server of the tests: it starts, is killed, starts again, and runs out of disk.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread,
};

use session_host_tests::{Postgres, PostgresSetup, SmallDisk, has_ended, psql, wait_until};
use tempfile::tempdir;

/// The first process of the server that a database belongs to.
fn postmaster(server: &Postgres) -> u32 {
    let file = server.sql("SELECT setting || '/postmaster.pid' FROM pg_settings WHERE name = 'data_directory'");
    let content = fs::read_to_string(file).unwrap();
    content.lines().next().unwrap().parse().unwrap()
}

#[test]
fn every_database_is_empty_and_its_own() {
    let first = Postgres::shared().database();
    let second = Postgres::shared().database();
    let url = first.url();
    psql(&url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)").unwrap();
    assert_eq!(
        psql(&url, "SELECT a, current_user FROM t ORDER BY a").unwrap(),
        "1|session_host\n2|session_host"
    );
    assert_eq!(first.sql("SELECT count(*) FROM t"), "2");
    let said = second.try_sql("SELECT * FROM t").unwrap_err();
    assert!(said.contains("does not exist"), "{said}");
}

#[test]
fn the_role_of_the_tests_is_no_superuser() {
    let database = Postgres::shared().database();
    let said = psql(&database.url(), "SELECT pg_read_file('/etc/hostname')").unwrap_err();
    assert!(said.contains("permission denied"), "{said}");
}

#[test]
fn what_was_committed_survives_a_kill_and_an_orderly_stop() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    psql(&url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)").unwrap();
    server.kill();
    assert!(psql(&url, "SELECT 1").unwrap_err().contains("refused"));
    server.start_again();
    psql(&url, "INSERT INTO t VALUES (2)").unwrap();
    server.stop();
    assert!(psql(&url, "SELECT 1").is_err());
    server.start_again();
    assert_eq!(psql(&url, "SELECT sum(a) FROM t").unwrap(), "3");
}

#[test]
fn connections_are_ended_by_their_name() {
    let server = Postgres::shared();
    let database = server.database();
    let url = format!("{}?application_name=to-be-ended", database.url());
    let waiting = thread::spawn(move || psql(&url, "SELECT pg_sleep(100)"));
    let waits =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'to-be-ended' AND wait_event = 'PgSleep'";
    wait_until("the connection waits", || database.sql(waits) == "1");
    assert_eq!(server.terminate("to-be-ended"), 1);
    let said = waiting.join().unwrap().unwrap_err();
    assert!(said.contains("terminating connection"), "{said}");
}

#[test]
fn a_full_disk_fails_a_statement_and_not_the_server() {
    let place = tempdir().unwrap();
    let disk = SmallDisk::mount(place.path().to_owned(), 160);
    let server = PostgresSetup::default().on_disk(place.path()).start();
    let database = server.database();
    // A new file of the log has room for all that follows.
    database.sql("CREATE TABLE t (a text); SELECT pg_switch_wal(); CHECKPOINT");
    disk.fill(1 << 20);
    let insert = "INSERT INTO t SELECT repeat('a', 1000) FROM generate_series(1, 4000)";
    let said = database.try_sql(insert).unwrap_err();
    assert!(said.contains("No space left on device"), "{said}");
    disk.make_room();
    database.sql(insert);
    assert_eq!(database.sql("SELECT count(*) FROM t"), "4000");
}

/// Holds a server until its input ends. The test below runs it in a process of its own, and kills that.
#[test]
#[ignore = "another test runs it"]
fn holds_a_server() {
    let server = Postgres::shared();
    println!("\npostmaster {}", postmaster(server));
    io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
}

#[test]
fn a_server_ends_with_a_test_process_that_is_killed_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    // The server's user makes its files there.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut held = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "server::holds_a_server", "--nocapture"])
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(held.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let told = lines.find_map(|line| line.strip_prefix("postmaster ")?.parse().ok());
    let postmaster: u32 = told.unwrap();
    held.kill().unwrap();
    held.wait().unwrap();
    wait_until("the server has ended", || has_ended(postmaster));
    wait_until("its folder is gone", || {
        fs::read_dir(folder.path()).unwrap().count() == 0
    });
}
