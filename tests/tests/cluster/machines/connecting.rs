//! How a connection to PostgreSQL is opened, or refused with a remedy.

use std::time::Duration;

use session_host::postgres::{Limits, PostgresAddress, PostgresError, Session, check_admission};
use session_host_tests::{Authority, PASSWORD, PostgresSetup, psql, write_password_file};

const LIMIT: Duration = Duration::from_secs(60);

fn open(url: &str) -> Result<Session, PostgresError> {
    let address: PostgresAddress = url.parse().unwrap();
    Session::open(&address, "test", Limits::each(LIMIT))
}

fn refused(url: &str) -> PostgresError {
    let error = open(url).err().unwrap_or_else(|| panic!("{url} was not refused"));
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error
}

#[test]
fn a_password_and_a_certificate_are_checked() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = PostgresSetup::default().with_tls(&authority).with_passwords().start();
    let database = server.database();
    let folder = tempfile::tempdir().unwrap();
    let passfile = write_password_file(folder.path(), PASSWORD).display().to_string();
    let own = authority.certificate().display().to_string();
    let at = |host: &str| database.url_at(host, server.port());
    let good = format!(
        "{}?sslmode=verify-full&sslrootcert={own}&passfile={passfile}",
        at("localhost")
    );
    let rows = open(&good)
        .unwrap()
        .query("ask", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]);
    assert!(rows.unwrap()[0].get::<_, bool>(0));

    // libpq gets the same from the address.
    let address: PostgresAddress = good.parse().unwrap();
    let named = psql(&address.libpq("session-host-7"), "SHOW application_name");
    assert_eq!(named.as_deref(), Ok("session-host-7"));

    // Another authority, another name, and no TLS at all.
    let foreign = good.replace(&own, &other.certificate().display().to_string());
    let error = refused(&foreign);
    assert!(
        matches!(error, PostgresError::NotTrusted { .. }) && error.to_string().contains("sslrootcert"),
        "{error}"
    );
    let error = refused(&good.replace("localhost", "127.0.0.1"));
    assert!(matches!(error, PostgresError::NotTrusted { .. }), "{error}");
    let error = refused(&format!("{}?sslmode=disable&passfile={passfile}", at("localhost")));
    assert!(matches!(error, PostgresError::Refused { .. }), "{error}");

    // The wrong password, and none.
    let wrong = tempfile::tempdir().unwrap();
    let wrong = write_password_file(wrong.path(), "wrong").display().to_string();
    let error = refused(&good.replace(&passfile, &wrong));
    assert!(matches!(error, PostgresError::Refused { .. }), "{error}");
    std::fs::write(&passfile, "").unwrap();
    let error = refused(&good);
    assert!(matches!(error, PostgresError::NoPassword { .. }), "{error}");
}

#[test]
fn what_is_not_there_is_told_with_the_remedy() {
    let mut server = PostgresSetup::default().start();
    let url = server.database().url();
    let error = refused(&format!("{url}_not"));
    assert!(
        matches!(error, PostgresError::NoDatabase { .. }) && error.to_string().contains("createdb"),
        "{error}"
    );
    let error = refused(&format!("{url}?sslmode=verify-full"));
    assert!(
        matches!(error, PostgresError::Tls { .. } | PostgresError::NoRoots),
        "{error}"
    );
    let held = open(&url).unwrap();
    server.sql("ALTER ROLE session_host CONNECTION LIMIT 1");
    let error = refused(&url);
    assert!(matches!(error, PostgresError::TooManyConnections { .. }), "{error}");
    drop(held);
    server.stop();
    let error = refused(&url);
    assert!(matches!(error, PostgresError::Unreachable { .. }), "{error}");
}

#[test]
fn a_database_that_cannot_hold_a_state_is_refused_with_the_remedy() {
    let server = PostgresSetup::default().start();
    let database = server.database();
    let address: PostgresAddress = database.url().parse().unwrap();
    check_admission(&address).unwrap();
    let refused = |remedy: &str| {
        let error = check_admission(&address).unwrap_err();
        assert!(error.is_lasting() && error.to_string().contains(remedy), "{error}");
    };
    let name = database.name();
    server.sql(&format!("ALTER DATABASE {name} OWNER TO postgres"));
    refused("GRANT CREATE ON DATABASE");
    database.sql("CREATE SCHEMA main");
    refused("name the role that owns the schema `main` in the address");
    server.sql(&format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"));
    refused("GRANT CONNECT ON DATABASE");
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    let latin: PostgresAddress = database.url().replace(name, "latin").parse().unwrap();
    let error = check_admission(&latin).unwrap_err();
    assert!(matches!(error, PostgresError::Encoding { .. }), "{error}");
}

/// The limits of the control connection end a statement and the wait for a lock.
#[test]
fn no_step_takes_longer_than_it_may() {
    let server = PostgresSetup::default().start();
    let url = server.database().url();
    let limit = Duration::from_millis(100);
    let limits = Limits {
        lock: limit,
        ..Limits::each(LIMIT)
    };
    let address: PostgresAddress = url.parse().unwrap();
    let mut holder = open(&url).unwrap();
    holder.batch("lock", "CREATE TABLE public.locked ()").unwrap();
    holder.batch("lock", "BEGIN; LOCK TABLE public.locked").unwrap();
    let mut session = Session::open(&address, "test", limits).unwrap();
    assert!(
        session
            .batch("read", "SELECT FROM public.locked")
            .unwrap_err()
            .is_lock_timeout()
    );
    let mut session = Session::open(
        &address,
        "test",
        Limits {
            lock: LIMIT,
            answer: limit,
            ..limits
        },
    )
    .unwrap();
    let error = session.batch("read", "SELECT FROM public.locked").unwrap_err();
    assert!(matches!(error, PostgresError::NoAnswer { .. }), "{error}");
}
