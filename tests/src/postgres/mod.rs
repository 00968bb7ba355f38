//! A real PostgreSQL server on loopback, from the packages of the system.
//!
//! Each server has a folder, a port and a data directory of its own. It ends with the test process, however that ends: a
//! shell waits for the end of a pipe that the test process holds, and then stops the server and removes its folder.

mod certificates;
mod database;
mod programs;
mod setup;

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::OnceLock,
    time::Duration,
};

pub use certificates::Authority;
pub use database::{Database, WAITS_FOR_A_LOCK, psql, psql_in_steps, write_password_file};
pub use setup::PostgresSetup;

use crate::{
    processes::{Cpu, children_of, cpu_of, has_ended},
    ran::send,
    world::wait_until,
};

/// The role by which the tests' programs sign in. It owns its databases, and is no superuser.
pub const ROLE: &str = "session_host";

/// The password of [`ROLE`], on a server that asks for one.
pub const PASSWORD: &str = "a-password-of-the-tests";

/// A running server; stopped, and its folder removed, when it is dropped or the test process ends.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    data: PathBuf,
    port: u16,
    /// Ends the server once its input ends.
    watcher: Child,
}

impl Postgres {
    /// The server that the tests of a program share. Each works in a [`Database`] of its own.
    #[must_use]
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| PostgresSetup::default().without_fsync().start())
    }

    /// The port on `127.0.0.1` at which it listens, also after it was stopped and started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> Database<'_> {
        Database::create(self)
    }

    /// Runs SQL as the superuser, outside the databases of the tests, and gives what `psql` prints.
    #[track_caller]
    pub fn sql(&self, text: &str) -> String {
        self.sql_in("postgres", text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The CPU time that the server has taken since its start, in all of its processes.
    #[must_use]
    #[track_caller]
    pub fn cpu(&self) -> Duration {
        let postmaster = self.postmaster();
        let of_ended = cpu_of(postmaster, Cpu::WithEnded);
        let running = children_of(postmaster).into_iter();
        running.map(|process| cpu_of(process, Cpu::Own)).sum::<Duration>() + of_ended
    }

    fn postmaster(&self) -> u32 {
        let file = self.data.join("postmaster.pid");
        let content = fs::read_to_string(&file).expect("a server that runs has a file with its process");
        let first = content.lines().next().and_then(|line| line.parse().ok());
        first.expect("the first line is the process")
    }

    /// Ends all connections with this application name, and gives their number.
    #[track_caller]
    pub fn terminate(&self, application_name: &str) -> usize {
        let ended = self.sql(&format!(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 60000)) FROM pg_stat_activity \
             WHERE application_name = '{application_name}'"
        ));
        ended.parse().expect("a count is a number")
    }

    /// Stops it in order: it ends the connections, and writes everything to its files.
    #[track_caller]
    pub fn stop(&mut self) {
        self.control(&["stop", "--mode=fast"]);
    }

    /// Kills all of its processes at once.
    #[track_caller]
    pub fn kill(&mut self) {
        let postmaster = self.postmaster();
        let file = self.data.join("postmaster.pid");
        // It must not start another process after the others were listed.
        send(postmaster, libc::SIGSTOP);
        let mut processes = children_of(postmaster);
        processes.push(postmaster);
        for process in &processes {
            send(*process, libc::SIGKILL);
        }
        wait_until("the processes of the server have ended", || {
            processes.iter().copied().all(has_ended)
        });
        // In a container, nobody may wait for the process. Then the next start takes it for a server that runs.
        let socket = self.folder.join(format!(".s.PGSQL.{}.lock", self.port));
        for file in [file, socket] {
            fs::remove_file(file).expect("the file of a killed server can be removed");
        }
    }

    /// Starts it again on the same port, after [`Postgres::stop`] or [`Postgres::kill`], and waits until it answers.
    #[track_caller]
    pub fn start_again(&mut self) {
        let log = self.folder.join("log");
        self.control(&["start", "--log", &log.display().to_string()]);
    }

    /// Runs SQL as the superuser.
    fn sql_in(&self, database: &str, text: &str) -> Result<String, String> {
        let folder = self.folder.display();
        let port = self.port;
        psql(
            &format!("host={folder} port={port} user=postgres dbname={database}"),
            text,
        )
    }

    /// Runs `pg_ctl` and waits until the server has done so.
    #[track_caller]
    fn control(&self, arguments: &[&str]) {
        let mut command = programs::as_server("pg_ctl", &self.folder);
        command.arg("--pgdata").arg(&self.data).args(arguments);
        // The server would hold a pipe open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().expect("pg_ctl can be started");
        assert!(status.success(), "pg_ctl {arguments:?}: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // What the watcher cannot end has ended.
        let _ = self.watcher.wait();
    }
}

/// Starts the shell that stops the server, and removes the folder, when its input ends.
fn watch(folder: &Path, data: &Path) -> io::Result<Child> {
    const SCRIPT: &str = r#"read -r _; "$1" stop --silent --pgdata "$2" --mode=immediate; rm -rf "$3""#;
    let mut command = programs::as_server("sh", folder);
    command.args(["-c", SCRIPT, "watcher"]);
    command.arg(programs::path("pg_ctl")).arg(data).arg(folder);
    // An interrupt from the terminal ends the tests, and thereby the server. It must not end what cleans up.
    command.process_group(0);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn()
}
