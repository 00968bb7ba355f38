//! How a server is set up, and its first start.

use std::{
    fmt::Write,
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

use super::{Authority, PASSWORD, Postgres, ROLE, programs, watch};

/// How a server is to be set up. By default it lets everybody in on loopback, without TLS.
#[derive(Debug, Default)]
pub struct PostgresSetup<'scene> {
    encryption: Option<&'scene Authority>,
    disk: Option<&'scene Path>,
    sign_in: SignIn,
    settings: String,
}

/// What a client on loopback must show.
#[derive(Clone, Copy, Debug, Default)]
enum SignIn {
    #[default]
    Nothing,
    Password,
}

impl<'scene> PostgresSetup<'scene> {
    /// Takes connections only with TLS, and shows a certificate for `localhost` that this authority has signed.
    #[must_use]
    pub fn with_tls(mut self, authority: &'scene Authority) -> Self {
        self.encryption = Some(authority);
        self
    }

    /// Asks for the password of a role, [`PASSWORD`] for [`ROLE`], and checks it with SCRAM.
    #[must_use]
    pub fn with_passwords(mut self) -> Self {
        self.sign_in = SignIn::Password;
        self
    }

    /// Keeps its data on this disk. 160 MB leave room for tests.
    #[must_use]
    pub fn on_disk(mut self, disk: &'scene Path) -> Self {
        self.disk = Some(disk);
        // Its log would grow to a gigabyte.
        self.setting("min_wal_size = 32MB").setting("max_wal_size = 48MB")
    }

    /// Does not wait for the disk: faster, and nothing is lost unless the machine fails.
    #[must_use]
    pub fn without_fsync(self) -> Self {
        self.setting("fsync = off")
    }

    /// Adds a line to the configuration.
    #[must_use]
    pub fn setting(mut self, line: &str) -> Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    /// Makes the server and starts it.
    ///
    /// # Panics
    /// If PostgreSQL is not installed, or does not start.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Postgres {
        // The watcher removes it, so that it also goes when the test process is killed.
        let folder = tempfile::tempdir().expect("a temporary folder can be made").keep();
        programs::give_to_server(&folder);
        let data = self.disk.unwrap_or(&folder).join("data");
        let watcher = watch(&folder, &data).expect("a shell can be started");
        let mut server = Postgres {
            port: free_port(),
            folder,
            data,
            watcher,
        };
        self.make_data(&server);
        server.start_again();
        server.sql(&format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"));
        server
    }

    #[track_caller]
    fn make_data(&self, server: &Postgres) {
        let data = &server.data;
        fs::create_dir(data).expect("a folder can be made");
        programs::give_to_server(data);
        let mut initialise = programs::as_server("initdb", &server.folder);
        initialise.arg("--pgdata").arg(data);
        initialise.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--no-sync",
        ]);
        let output = initialise.output().expect("initdb can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb: {said}");
        let mut configuration = fs::read_to_string(data.join("postgresql.conf")).expect("initdb writes it");
        configuration.push_str(&self.configuration(server));
        fs::write(data.join("postgresql.conf"), configuration).expect("the configuration can be written");
        fs::write(data.join("pg_hba.conf"), self.admission()).expect("the admission can be written");
    }

    fn configuration(&self, server: &Postgres) -> String {
        let mut lines = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            server.port,
            server.folder.display()
        );
        if let Some(authority) = self.encryption {
            let (certificate, key) = authority.issue("localhost");
            let paths = [("ssl_cert_file", certificate), ("ssl_key_file", key)];
            lines.push_str("ssl = on\n");
            for (setting, path) in paths {
                let own = copy_to_server(&path, &server.folder);
                writeln!(lines, "{setting} = '{}'", own.display()).expect("a text can be extended");
            }
        }
        lines + &self.settings
    }

    /// Who may connect. The superuser comes through the socket, in a folder that is closed to others.
    fn admission(&self) -> String {
        let connection = if self.encryption.is_some() { "hostssl" } else { "host" };
        let method = match self.sign_in {
            SignIn::Nothing => "trust",
            SignIn::Password => "scram-sha-256",
        };
        format!("local all postgres trust\n{connection} all all 127.0.0.1/32 {method}\n")
    }
}

/// The server reads its key only from a file that is its own and closed to others.
#[track_caller]
fn copy_to_server(path: &Path, folder: &Path) -> PathBuf {
    let own = folder.join(path.file_name().expect("a file has a name"));
    fs::copy(path, &own).expect("a file can be copied");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).expect("permissions can be set");
    programs::give_to_server(&own);
    own
}

/// A port that nobody has now. It is none of those that the system gives to whoever asks for any port, so a server that stops
/// finds its port free when it starts again.
fn free_port() -> u16 {
    // Test processes that run beside each other begin at different ports.
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(10_000 + process::id() as u16 % 5_000));
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
