//! A processor that counts with SQL: every session adds its lines to the row of its user in `NAME_totals`.
//!
//! `NAME_lines` is its session table. Its hooks take back what a session added. The section of its configuration tells how a
//! hook misbehaves.

use std::thread;

use serde::Deserialize;
use session_plugin_api::{ProcessedSession, prelude::*};

/// One instance of the processor.
#[derive(Debug, Default)]
pub struct Counts {
    settings: Settings,
}

row! {
    struct LinesRow<'a> {
        username: &'a str,
        n: i64,
    }
}

/// How the hooks misbehave.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    replaced: Hook,
    forgotten: Hook,
}

/// What a hook does.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hook {
    /// Takes back what the session added.
    #[default]
    TakeBack,
    /// Takes back nothing.
    Nothing,
    /// Takes it back and returns an error.
    Fail,
    /// Panics.
    Panic,
    /// Never returns.
    Hang,
    /// Runs SQL that fails, and passes over the error.
    Swallow,
    /// Gives rows to `replace`.
    Replace,
}

impl Counts {
    /// What a processor of this name says of itself.
    #[must_use]
    pub fn descriptor(name: &str) -> Descriptor {
        Descriptor::new(name).session_table(format!("{name}_lines"))
    }

    /// What makes its tables.
    #[must_use]
    pub fn migrations(name: &str) -> Vec<Migration> {
        let sql = format!(
            "CREATE TABLE {name}_lines (session_file VARCHAR, username VARCHAR, n BIGINT);
             CREATE TABLE {name}_totals (username VARCHAR PRIMARY KEY, n BIGINT NOT NULL)"
        );
        vec![Migration::new(1, "create the tables", sql)]
    }

    /// Takes its section of the configuration.
    ///
    /// # Errors
    /// When it is none.
    pub fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        self.settings = configuration.parse()?;
        Ok(())
    }

    /// Adds the lines of a session.
    ///
    /// # Errors
    /// When the host fails, or a line says so.
    pub fn process_session(
        &self,
        name: &str,
        session: &Session<'_>,
        connection: &Connection<'_>,
    ) -> Result<ProcessorResult> {
        let (username, lines) = (session.username(), session.lines().count());
        let n = i64::try_from(lines)?;
        connection.replace(&format!("{name}_lines"), [LinesRow { username, n }])?;
        let sql =
            format!("INSERT INTO {name}_totals VALUES (?, ?) ON CONFLICT (username) DO UPDATE SET n = n + excluded.n");
        connection.execute(&sql, &[&username, &n])?;
        match session.bytes().starts_with(b"fail") {
            true => Err(Error::new("told to fail")),
            false => Ok(ProcessorResult {
                items_count: lines as u64,
            }),
        }
    }

    /// The hook `replaced`.
    ///
    /// # Errors
    /// When it is told to fail, or the host does.
    pub fn replaced(&self, name: &str, earlier: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
        self.settings.replaced.run(name, earlier, connection)
    }

    /// The hook `forgotten`.
    ///
    /// # Errors
    /// When it is told to fail, or the host does.
    pub fn forgotten(&self, name: &str, session: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
        self.settings.forgotten.run(name, session, connection)
    }
}

impl Hook {
    #[allow(clippy::panic, reason = "what it is for")]
    fn run(self, name: &str, session: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
        match self {
            Self::TakeBack => take_back(name, session, connection),
            Self::Nothing => Ok(()),
            Self::Fail => {
                take_back(name, session, connection)?;
                Err(Error::new("told to fail"))
            }
            Self::Panic => panic!("told to panic"),
            Self::Hang => loop {
                thread::park();
            },
            Self::Swallow => {
                let _ = connection.execute("INSERT INTO no_such_table VALUES (1)", &[]);
                Ok(())
            }
            Self::Replace => {
                let row = LinesRow {
                    username: session.username(),
                    n: 1,
                };
                connection.replace(&format!("{name}_lines"), [row])
            }
        }
    }
}

fn take_back(name: &str, session: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
    let sql = format!(
        "UPDATE {name}_totals SET n = {name}_totals.n - lines.n FROM {name}_lines AS lines
         WHERE lines.session_file = ? AND {name}_totals.username = lines.username"
    );
    connection.execute(&sql, &[&session.session_key()])?;
    connection.execute(&format!("DELETE FROM {name}_totals WHERE n = 0"), &[])?;
    Ok(())
}

/// Makes a processor of this name that counts the processor of a library; with `hooks`, it has hooks.
#[macro_export]
macro_rules! counts {
    ($name:literal) => {
        use $crate::session_plugin_api::prelude::*;

        #[derive(Default)]
        struct Plugin($crate::Counts);

        impl SessionProcessor for Plugin {
            fn descriptor(&self) -> Descriptor {
                $crate::Counts::descriptor($name)
            }

            fn migrations(&self) -> Vec<Migration> {
                $crate::Counts::migrations($name)
            }

            fn configure(&mut self, configuration: &Configuration) -> Result<()> {
                self.0.configure(configuration)
            }

            fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
                self.0.process_session($name, session, connection)
            }
        }

        $crate::session_plugin_api::export_processor!(Plugin);
    };
    ($name:literal, hooks) => {
        $crate::counts!($name);

        use $crate::session_plugin_api::{ProcessedSession, SessionHooks};

        impl SessionHooks for Plugin {
            fn replaced(&self, earlier: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
                self.0.replaced($name, earlier, connection)
            }

            fn forgotten(&self, session: &ProcessedSession<'_>, connection: &Connection<'_>) -> Result<()> {
                self.0.forgotten($name, session, connection)
            }
        }
    };
}
