//! An instance that has the tables of the database without their rows, as a state in a file has them.
//!
//! DuckDB cannot report the plan of a statement that reads PostgreSQL's tables, and PostgreSQL keeps neither DuckDB's
//! views nor its macros. So the database records the texts that made the schema. Each host runs them in an instance of
//! its own. That one judges the statements of processors and people by the same rules as in a file, and its views and
//! macros are created in every instance that attaches the database.

use duckdb::Connection;

use crate::state::{
    engine::{
        instance::{Engine, Link},
        open::{link_to, open_in_memory},
    },
    error::{Doing, Result},
    judge::{
        plan::{Effect, ObjectKind, plan_of},
        statement,
    },
    schema::applied_migrations::HOST,
};

/// The table of the texts that made the schema, in their order.
pub(crate) const SCHEMA_TEXT: &str = "session_host_schema";

/// A text that made a part of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) struct SchemaText {
    pub(in crate::state) owner: String,
    pub(in crate::state) sql: String,
}

/// The views and macros, which every instance has for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::state) struct LocalObjects {
    macros: Vec<String>,
    views: Vec<String>,
}

/// A view or macro that an instance cannot have.
pub(super) struct NotCreated {
    /// The statement that creates it.
    pub(super) statement: String,
    /// What DuckDB says.
    pub(super) source: duckdb::Error,
}

/// The instance that judges, and what it has that PostgreSQL cannot keep.
pub(in crate::state) struct Mirror {
    pub(in crate::state) texts: Vec<SchemaText>,
    pub(in crate::state) engine: Engine,
    pub(super) objects: LocalObjects,
}

impl Mirror {
    /// The mirror of a schema that these texts made.
    pub(in crate::state) fn of(texts: Vec<SchemaText>) -> Result<Self> {
        let engine = open_in_memory()?;
        let link = link_to(&engine)?;
        let mut macros = Vec::new();
        for text in &texts {
            match text.owner == HOST {
                true => link
                    .execute_batch(&text.sql)
                    .doing("create the host's tables in memory")?,
                false => replay(&link, &text.sql, &mut macros)?,
            }
        }
        let objects = LocalObjects {
            macros,
            views: views(&link)?,
        };
        drop(link);
        Ok(Self { texts, engine, objects })
    }
}

/// Runs the statements of a text, and adds those that concern macros.
fn replay(link: &Link, sql: &str, macros: &mut Vec<String>) -> Result<()> {
    let doing = "create a processor's tables in memory";
    let unread = |error: &dyn std::fmt::Display| crate::state::error::StateError::Unreadable {
        what: "a recorded migration",
        reason: error.to_string(),
    };
    for statement in statement::split(link.engine(), sql).map_err(|error| unread(&error))? {
        let plan = plan_of(link, statement.trim()).map_err(|error| unread(&error))?;
        if let Effect::Creates(ObjectKind::Macro, _) | Effect::Drops(ObjectKind::Macro, _) = plan.effect {
            macros.push(statement.trim().to_owned());
        }
        link.execute_batch(statement).doing(doing)?;
    }
    Ok(())
}

fn views(connection: &Connection) -> Result<Vec<String>> {
    let doing = "list the views";
    let sql = "SELECT sql FROM system.main.duckdb_views() WHERE NOT internal AND NOT temporary ORDER BY view_oid";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}

impl LocalObjects {
    /// Creates them in memory, beside the attached tables.
    pub(super) fn create(&self, connection: &Connection) -> Result<()> {
        connection
            .execute_batch("SET search_path = 'memory.main,pg.main'")
            .doing("choose where views are created")?;
        self.create_alone(connection)
    }

    /// Creates them in memory, where the tables are, too.
    pub(super) fn create_alone(&self, connection: &Connection) -> Result<()> {
        let created = self.try_create(connection);
        created
            .map_err(|refused| refused.source)
            .doing("create the views and macros of the processors")
    }

    /// Creates them in memory, and tells which of them DuckDB refuses.
    pub(super) fn try_create(&self, connection: &Connection) -> Result<(), NotCreated> {
        let create = |statement: &String| {
            connection.execute_batch(statement).map_err(|source| NotCreated {
                statement: statement.clone(),
                source,
            })
        };
        self.macros.iter().try_for_each(create)?;
        let mut left: Vec<&String> = self.views.iter().collect();
        // A view that was replaced is younger than those that read it.
        loop {
            let mut refused = None;
            let before = left.len();
            left.retain(|view| {
                let created = create(view);
                let is_left = created.is_err();
                refused = refused.take().or(created.err());
                is_left
            });
            match refused {
                None => return Ok(()),
                Some(refused) if left.len() == before => return Err(refused),
                Some(_) => {}
            }
        }
    }
}
