//! How a client proves who it is, and how the server does.

use session_host_tests::{Authority, PASSWORD, PostgresSetup, ROLE, psql, write_password_file};
use tempfile::tempdir;

#[test]
fn a_client_trusts_only_a_server_that_its_authority_has_signed() {
    let (authority, another) = (Authority::new(), Authority::new());
    let server = PostgresSetup::default().with_tls(&authority).start();
    let url = server.database().url_at("localhost", server.port());
    let checked = |by: &Authority| format!("{url}?sslmode=verify-full&sslrootcert={}", by.certificate().display());
    let is_encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(psql(&checked(&authority), is_encrypted).unwrap(), "t");
    let said = psql(&checked(&another), is_encrypted).unwrap_err();
    assert!(said.contains("certificate verify failed"), "{said}");
    let said = psql(&format!("{url}?sslmode=disable"), is_encrypted).unwrap_err();
    assert!(said.contains("no encryption"), "{said}");
    let by_number = checked(&authority).replace("localhost", "127.0.0.1");
    let said = psql(&by_number, is_encrypted).unwrap_err();
    assert!(said.contains("does not match host name"), "{said}");
}

#[test]
fn a_password_is_asked_for_and_read_from_a_file() {
    let server = PostgresSetup::default().with_passwords().start();
    let url = server.database().url();
    let (right, wrong) = (tempdir().unwrap(), tempdir().unwrap());
    let with_file = |file: &std::path::Path| format!("{url}?passfile={}", file.display());
    let right = with_file(&write_password_file(right.path(), PASSWORD));
    assert_eq!(psql(&right, "SELECT current_user").unwrap(), ROLE);
    let wrong = with_file(&write_password_file(wrong.path(), "another"));
    let said = psql(&wrong, "SELECT 1").unwrap_err();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(psql(&url, "SELECT 1").unwrap_err().contains("no password supplied"));
}
