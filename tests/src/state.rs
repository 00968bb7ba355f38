//! The state of a world: in a file, or in a PostgreSQL database.
//!
//! The variable `TESTED_STATES` says which. Tests that pass with both say nothing of it: they ask the world.

use std::{env, fs, path::Path};

use duckdb::{AccessMode, Config, Connection};
use serde_json::Value;
use session_host::{
    state::{QueryLimits, Reader},
    state_place::{SharedFolders, StatePlace},
};

use crate::{
    plugin_file::make_folder,
    postgres::{Database, Postgres},
    world::World,
};

/// The variable that makes every world keep its state in a PostgreSQL database of its own: `postgres`.
const STATES: &str = "TESTED_STATES";

/// What keeps the states of this process's worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    File,
    Postgres,
}

impl Backend {
    /// The one that the environment asks for.
    #[track_caller]
    pub(crate) fn tested() -> Self {
        match env::var(STATES).as_deref() {
            Err(_) => Self::File,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("{STATES} knows only `postgres`, not `{other}`"),
        }
    }

    /// A database for a world, if that keeps the state.
    #[track_caller]
    pub(crate) fn new_database(self) -> Option<Database<'static>> {
        match self {
            Self::File => None,
            Self::Postgres => Some(Postgres::shared().database()),
        }
    }
}

impl World {
    /// Whether it keeps its state in PostgreSQL.
    #[must_use]
    pub fn is_in_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// What the database says that keeps its state: DuckDB in the first words, PostgreSQL in the others.
    #[must_use]
    pub fn says<'text>(&self, duckdb: &'text str, postgres: &'text str) -> &'text str {
        match self.is_in_postgres() {
            false => duckdb,
            true => postgres,
        }
    }

    /// The rows that a query on the state gives, as JSON objects.
    #[must_use]
    #[track_caller]
    pub fn rows(&self, sql: &str) -> Vec<Value> {
        self.texts(&format!("SELECT to_json(row)::VARCHAR FROM ({sql}) AS row"))
            .iter()
            .map(|row| serde_json::from_str(row).expect("DuckDB writes JSON"))
            .collect()
    }

    /// How many rows a table of the state has.
    #[must_use]
    #[track_caller]
    pub fn count(&self, table: &str) -> u64 {
        let counts = self.texts(&format!("SELECT count(*)::VARCHAR FROM {table}"));
        counts[0].parse().expect("a count is a number")
    }

    /// Changes the state with these statements, as another program would while no host has it open.
    #[track_caller]
    pub fn change_state(&self, sql: &str) {
        if let Some(database) = &self.database {
            database.change(sql);
            return;
        }
        let folder = self.state().parent().map(Path::to_owned);
        make_folder(folder.expect("the state file lies in a folder"));
        let changed = Connection::open(self.state()).and_then(|connection| connection.execute_batch(sql));
        changed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Lets the next host own everything that a killed one had leased. A state in a file knows no leases.
    #[track_caller]
    pub fn take_killed_hosts_over(&self) {
        if let Some(database) = &self.database {
            database.take_killed_hosts_over();
        }
    }

    /// All that the state holds: the bytes of its files, or a dump of its database.
    #[must_use]
    #[track_caller]
    pub fn state_bytes(&self) -> Vec<u8> {
        match &self.database {
            Some(database) => database.dump(),
            None => {
                let mut bytes = fs::read(self.state()).expect("the state file can be read");
                // There may be none.
                bytes.extend(fs::read(self.path("data/session-host.duckdb.wal")).unwrap_or_default());
                bytes
            }
        }
    }

    /// Whether the state holds these words anywhere as they are.
    #[must_use]
    #[track_caller]
    pub fn state_holds(&self, words: &str) -> bool {
        memchr::memmem::find(&self.state_bytes(), words.as_bytes()).is_some()
    }

    /// Replaces the state by a copy of another world's. No host may have either open.
    #[track_caller]
    pub fn copy_state_of(&mut self, other: &Self) {
        if let Some(database) = &other.database {
            self.database = Some(database.copy());
            return;
        }
        make_folder(self.path("data"));
        // A command may leave the last of what it recorded in the WAL.
        for name in ["session-host.duckdb", "session-host.duckdb.wal"] {
            let [from, to] = [other, self].map(|world| world.path("data").join(name));
            if from.exists() {
                fs::copy(from, to).expect("a file can be copied");
            }
        }
    }

    #[track_caller]
    fn texts(&self, sql: &str) -> Vec<String> {
        if let Some(database) = &self.database {
            return self.texts_in(database, sql);
        }
        // What a host that was killed within a checkpoint left is put back by the next one.
        if self.path("data/session-host.duckdb.before-checkpoint").exists() {
            drop(self.host(&["query", "SELECT 1"]).exits(0));
        }
        let config = Config::default().access_mode(AccessMode::ReadOnly);
        let found = config
            .and_then(|config| Connection::open_with_flags(self.state(), config))
            .and_then(|connection| {
                let mut statement = connection.prepare(sql)?;
                let rows = statement.query_map([], |row| row.get(0))?;
                rows.collect()
            });
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The first column of what a query gives. The host's own code reads the database, because only that makes the views.
    #[track_caller]
    fn texts_in(&self, database: &Database<'_>, sql: &str) -> Vec<String> {
        let place = StatePlace::Postgres {
            address: database.url().parse().expect("the address of a database"),
            folders: SharedFolders {
                exports: self.path("data/exports"),
                snapshots: None,
            },
        };
        let reader = Reader::open_at(&place).unwrap_or_else(|error| panic!("{place}: {error}"));
        let answer = reader.query(sql, &[], QueryLimits::NONE);
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let texts = answer.rows.iter().map(|row| serde_json::from_str(row[0].get()));
        texts.map(|text| text.expect("the first column is a text")).collect()
    }
}
