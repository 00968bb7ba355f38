//! A place of its own for each test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    artifacts::{host_binary, library},
    plugin_file::{LibraryFile, library_name, make_folder, place, set_mode},
    postgres::Database,
    ran::{Ran, Running},
    state::Backend,
};

/// A temporary folder with `plugins/`, `sessions/`, `data/` and `config.toml`, in which `session-host` runs.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// The state, if it is not in a file.
    pub(crate) database: Option<Database<'static>>,
    program: Option<PathBuf>,
}

impl World {
    /// An empty world: no plugin, no session, no state.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a world is made for its effects on the disk")]
    pub fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            variables: Vec::new(),
            database: Backend::tested().new_database(),
            program: None,
        };
        make_folder(world.plugins());
        make_folder(world.sessions());
        world.config("");
        world
    }

    /// A world with these plugins: no session, no state.
    #[must_use]
    pub fn with(plugins: &[&str]) -> Self {
        let world = Self::new();
        for plugin in plugins {
            world.install(plugin);
        }
        world
    }

    /// A path in the world.
    #[must_use]
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The plugins directory.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.path("plugins")
    }

    /// The sessions directory.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.path("sessions")
    }

    /// The state file. Where the state is in PostgreSQL, there is none.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path("data/session-host.duckdb")
    }

    /// Puts a plugin into the plugins directory, and gives its path there.
    pub fn install(&self, plugin: &str) -> PathBuf {
        self.install_as(plugin, &library_name(plugin))
    }

    /// Puts a plugin into the plugins directory under another file name.
    pub fn install_as(&self, plugin: &str, file: &str) -> PathBuf {
        self.install_file(LibraryFile::At(&library(plugin)), file)
    }

    /// Puts any file into the plugins directory.
    pub fn install_file(&self, library: LibraryFile<'_>, file: &str) -> PathBuf {
        let path = self.plugins().join(file);
        place(library, &path);
        path
    }

    /// Writes a session's transcript; folders are made.
    pub fn write(&self, session: &str, transcript: impl AsRef<[u8]>) -> PathBuf {
        let path = self.sessions().join(session);
        let folder = path.parent().expect("a session lies in a folder");
        fs::create_dir_all(folder).expect("a user's folder can be made");
        fs::write(&path, transcript).expect("a transcript can be written");
        path
    }

    /// Sets the time of a session's last change back by so much.
    pub fn age(&self, session: &str, age: Duration) {
        let file = fs::File::options().append(true).open(self.sessions().join(session));
        let changed = file.and_then(|file| file.set_modified(SystemTime::now() - age));
        changed.expect("the time of a transcript can be set");
    }

    /// The exit status of a run beside a rejected plugin: it fails if others ran, and had nothing to do if this is the only one.
    #[must_use]
    pub fn status_of_a_rejection(&self) -> i32 {
        let plugins = fs::read_dir(self.plugins()).expect("the plugins directory can be listed");
        match plugins.count() {
            0 | 1 => 2,
            _ => 1,
        }
    }

    /// Writes the configuration.
    pub fn config(&self, toml: &str) {
        fs::write(self.path("config.toml"), toml).expect("the configuration can be written");
    }

    /// Sets an environment variable for every later command.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Runs this program in the place of `session-host` from now on.
    pub fn run_by(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// Sets who may do what with a file or folder of the world, as `chmod` does.
    pub fn chmod(&self, below: impl AsRef<Path>, mode: u32) {
        set_mode(&self.path(below), mode);
    }

    /// `session-host` with these arguments, set up for this world and nothing else.
    ///
    /// Its folders are told by the environment, so that arguments come before them.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program.clone().unwrap_or_else(host_binary));
        let inherited = env::vars_os().map(|(name, _)| name);
        for name in inherited.filter(|name| name.to_string_lossy().starts_with("SESSION_HOST_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_BACKTRACE").env_remove("CLAUDE_CONFIG_DIR");
        command.env("SESSION_HOST_CONFIG", self.path("config.toml"));
        command.env("SESSION_HOST_SESSIONS", self.sessions());
        command.env("SESSION_HOST_DATA", self.path("data"));
        if let Some(database) = &self.database {
            command.env("SESSION_HOST_STATE", database.url());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path());
        command.args(arguments);
        command
    }

    /// Like [`World::command`], but with a home directory in the place of a sessions directory: `home` in the world.
    #[must_use]
    pub fn command_at_home(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command
            .env_remove("SESSION_HOST_SESSIONS")
            .env("HOME", self.path("home"));
        command
    }

    /// Starts `session-host` with these arguments.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Runs `session-host` with these arguments to its end.
    #[must_use]
    #[track_caller]
    pub fn host(&self, arguments: &[&str]) -> Ran {
        self.start(arguments).ends()
    }

    /// Runs `session-host run --json` with these arguments to its end.
    #[must_use]
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.host(&[&["run", "--json"], arguments].concat())
    }

    /// What `session-host status --json` says of the first processor.
    #[must_use]
    #[track_caller]
    pub fn status(&self) -> Value {
        self.host(&["status", "--json"]).exits(0).json()[0].clone()
    }
}

/// Waits until something can be seen that another process does, and fails where it never can.
#[track_caller]
pub fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    const PATIENCE: Duration = Duration::from_secs(120);
    const LOOK_AGAIN: Duration = Duration::from_millis(2);
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(LOOK_AGAIN);
    }
}
