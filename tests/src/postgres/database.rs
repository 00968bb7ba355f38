//! Databases of their own for tests, and SQL in them.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use duckdb::Connection;

use super::{Postgres, ROLE, programs};
use crate::{proxy::Proxy, wait_until};

/// The query whether anybody waits for what another has locked.
pub const WAITS_FOR_A_LOCK: &str =
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())";

/// An empty database of a server, which [`ROLE`] owns.
#[derive(Debug)]
pub struct Database<'server> {
    server: &'server Postgres,
    name: String,
}

impl<'server> Database<'server> {
    #[track_caller]
    pub(super) fn create(server: &'server Postgres) -> Self {
        Self::create_from(server, "template1")
    }

    /// A copy of it. Nobody may be connected to it.
    #[must_use]
    #[track_caller]
    pub fn copy(&self) -> Self {
        Self::create_from(self.server, &self.name)
    }

    #[track_caller]
    fn create_from(server: &'server Postgres, template: &str) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", MADE.fetch_add(1, Ordering::Relaxed));
        server.sql(&format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}"));
        Self { server, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where [`ROLE`] reaches it, without a password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at("127.0.0.1", self.server.port())
    }

    /// Where [`ROLE`] reaches it under another name of the machine, such as the one in the certificate.
    #[must_use]
    pub fn url_at(&self, host: &str, port: u16) -> String {
        format!("postgres://{ROLE}@{host}:{port}/{}", self.name)
    }

    /// Where [`ROLE`] reaches it through a proxy.
    #[must_use]
    pub fn url_through(&self, proxy: &Proxy) -> String {
        self.url_at("127.0.0.1", proxy.port())
    }

    /// Runs statements of DuckDB's on the tables in this database.
    #[track_caller]
    pub fn change(&self, sql: &str) {
        let folder = env::var_os("DUCKDB_LIB_DIR").expect("cargo tells where DuckDB's library is");
        let extension = Path::new(&folder).join("postgres_scanner.duckdb_extension");
        let conninfo = format!(
            "host=127.0.0.1 port={} user={ROLE} dbname={}",
            self.server.port(),
            self.name
        );
        let statements = format!(
            "LOAD '{}'; ATTACH '{conninfo}' AS pg (TYPE postgres, SCHEMA 'main'); SET search_path = 'pg.main'; {sql}",
            extension.display()
        );
        let changed = Connection::open_in_memory().and_then(|connection| connection.execute_batch(&statements));
        changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Ends what killed hosts have left, and frees their leases. Other hosts would do so once the leases have expired.
    #[track_caller]
    pub fn take_killed_hosts_over(&self) {
        let left = "FROM pg_stat_activity WHERE application_name LIKE 'session-host%' AND datname = current_database()";
        wait_until("the connections of killed hosts have ended", || {
            self.sql(&format!("SELECT count(pg_terminate_backend(pid, 60000)) {left}")) == "0"
        });
        self.sql("DELETE FROM main.session_host_machine");
    }

    /// All rows of its tables as texts, as `pg_dump` writes them.
    #[must_use]
    #[track_caller]
    pub fn dump(&self) -> Vec<u8> {
        let mut command = Command::new(programs::path("pg_dump"));
        command.env_clear().env("HOME", "/nonexistent");
        command.args(["--data-only", "--no-password", "--dbname", &self.url()]);
        let output = command.output().expect("pg_dump can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        // It begins and ends with a line that has another number each time.
        let lines = output.stdout.split_inclusive(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.starts_with(b"\\restrict") && !line.starts_with(b"\\unrestrict"))
            .flatten()
            .copied()
            .collect()
    }

    /// Runs SQL as the superuser and gives what `psql` prints: a line for each row, with `|` between columns.
    #[track_caller]
    pub fn sql(&self, text: &str) -> String {
        self.try_sql(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Runs SQL as the superuser.
    ///
    /// # Errors
    /// What `psql` says if a statement or the connection fails.
    pub fn try_sql(&self, text: &str) -> Result<String, String> {
        self.server.sql_in(&self.name, text)
    }
}

/// Runs SQL through `psql`, without any settings of the user, and gives what it prints.
///
/// # Errors
/// What `psql` says if a statement or the connection fails.
///
/// # Panics
/// If there is no `psql`.
pub fn psql(url: &str, text: &str) -> Result<String, String> {
    psql_in_steps(url, &[text])
}

/// Like [`psql`], and sends each step by itself.
///
/// # Errors
/// As above.
///
/// # Panics
/// As above.
pub fn psql_in_steps(url: &str, steps: &[&str]) -> Result<String, String> {
    let mut command = Command::new(programs::path("psql"));
    command.env_clear().env("HOME", "/nonexistent");
    command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]);
    command.args(["--set=ON_ERROR_STOP=1", "--dbname", url]);
    for step in steps {
        command.args(["--command", step]);
    }
    let output = command.output().expect("psql can be started");
    let stream = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    let said = String::from_utf8_lossy(&stream).trim_end().to_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Writes a password file (`pgpass`) with this password of [`ROLE`] on every server, which only its owner can read.
#[track_caller]
pub fn write_password_file(folder: &Path, password: &str) -> PathBuf {
    let path = folder.join("pgpass");
    fs::write(&path, format!("*:*:*:{ROLE}:{password}\n")).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions can be set");
    path
}
