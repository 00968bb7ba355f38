//! Applies a processor's migration. The host judges each statement by DuckDB's own plan before it runs.
//!
//! A migration may create its own objects and change them. It may not touch objects of others, and may not create
//! objects that shadow DuckDB's own, because they would change the SQL of everybody else.

use duckdb::{Connection, params};
use session_plugin_api::Migration;

use crate::{
    names::ProcessorName,
    state::{
        engine::{
            instance::Link,
            sql::{quoted, table_exists},
        },
        error::{Doing, StateError},
        judge::{
            functions::refuse_functions,
            plan::{Effect, NoPlan, ObjectKind, ObjectName, Place, plan_of},
            refused::StatementRefused,
            statement,
        },
        schema::{applied_migrations, digests, host_migrations, owners, refused::SchemaRefused, shadows},
    },
};

/// Applies a migration of a processor, within the connection's transaction. `applied` gets each statement after it
/// succeeded, and what it did.
///
/// # Errors
/// When the host rejects one of its statements, or a statement fails.
pub(crate) fn apply(
    link: &Link,
    processor: &ProcessorName,
    migration: &Migration,
    applied: impl Fn(&str, &Effect) -> Result<(), SchemaRefused>,
) -> Result<(), SchemaRefused> {
    let version = migration.version();
    let refused = |source| SchemaRefused::Statement { version, source };
    for sql in statement::split(link.engine(), migration.sql()).map_err(refused)? {
        let step = Step {
            link,
            processor,
            version,
            sql: sql.trim(),
        };
        let effect = step.apply()?;
        applied(step.sql, &effect)?;
    }
    digests::forget(link, processor)?;
    let checksum = applied_migrations::checksum(migration.sql());
    Ok(applied_migrations::record(
        link,
        processor.as_str(),
        version,
        &checksum,
    )?)
}

/// One statement of a migration.
struct Step<'a> {
    link: &'a Link,
    processor: &'a ProcessorName,
    version: u32,
    sql: &'a str,
}

impl Step<'_> {
    /// Applies the statement, and returns what it did.
    fn apply(&self) -> Result<Effect, SchemaRefused> {
        let plan = plan_of(self.link, self.sql).map_err(|no_plan| match no_plan {
            NoPlan::Untold(_) => self.of_another_kind(),
            no_plan => self.refused(no_plan.into()),
        })?;
        refuse_functions(&plan.functions).map_err(|source| self.refused(source))?;
        self.bring_about(&plan.effect)?;
        Ok(plan.effect)
    }

    fn bring_about(&self, effect: &Effect) -> Result<(), SchemaRefused> {
        match effect {
            Effect::Creates(kind, object) => {
                self.refuse_built_in(*kind, &object.name)?;
                self.refuse_others(object)?;
                self.create(&object.name)
            }
            Effect::Alters { object, renamed } => {
                self.refuse_others(object)?;
                let Some((kind, name)) = renamed else {
                    return self.run(self.sql);
                };
                self.refuse_built_in(*kind, name)?;
                self.refuse_foreign(name)?;
                self.run(self.sql)?;
                Ok(owners::follow_rename(self.link, &object.name, name)?)
            }
            Effect::Drops(ObjectKind::Other, _) | Effect::Other => Err(self.of_another_kind()),
            Effect::Drops(ObjectKind::Index, index) => {
                if let Some(table) = self.table_of(&index.name)? {
                    self.refuse_foreign(&table)?;
                }
                self.run(self.sql)
            }
            Effect::Writes(object) | Effect::Indexes(object) | Effect::Drops(_, object) => {
                self.refuse_others(object)?;
                self.run(self.sql)
            }
        }
    }

    fn run(&self, sql: &str) -> Result<(), SchemaRefused> {
        self.link.execute_batch(sql).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: duckdb::Error) -> SchemaRefused {
        let version = self.version;
        match StateError::of_statement("apply a migration", source.into()) {
            StateError::Statement { source, .. } => SchemaRefused::Failed { version, source },
            troubled => SchemaRefused::State(troubled),
        }
    }

    fn refused(&self, source: StatementRefused) -> SchemaRefused {
        SchemaRefused::Statement {
            version: self.version,
            source,
        }
    }

    fn of_another_kind(&self) -> SchemaRefused {
        SchemaRefused::Kind {
            version: self.version,
            found: statement::first_word(self.sql),
        }
    }

    /// A macro `max`, a type `text` or a view `duckdb_tables` would change the meaning of everybody else's SQL.
    fn refuse_built_in(&self, kind: ObjectKind, name: &str) -> Result<(), SchemaRefused> {
        match shadows::is_built_in(self.link, kind, name)? {
            true => Err(SchemaRefused::BuiltIn {
                version: self.version,
                kind,
                name: name.to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn refuse_others(&self, object: &ObjectName) -> Result<(), SchemaRefused> {
        match object.place {
            Place::Main => self.refuse_foreign(&object.name),
            Place::Elsewhere => Err(SchemaRefused::Elsewhere {
                version: self.version,
                object: object.name.clone(),
            }),
        }
    }

    fn refuse_foreign(&self, table: &str) -> Result<(), SchemaRefused> {
        match owners::owner_of(self.link, table)? {
            Some(owner) if owner != self.processor.as_str() => Err(SchemaRefused::Foreign {
                version: self.version,
                table: table.to_owned(),
                owner,
            }),
            _ => Ok(()),
        }
    }

    /// The table of an index; `None` if the index does not exist.
    fn table_of(&self, index: &str) -> Result<Option<String>, StateError> {
        let sql = "SELECT system.main.min(table_name) FROM system.main.duckdb_indexes()
                   WHERE system.main.lower(index_name) = system.main.lower(?)";
        self.link
            .query_row(sql, [index], |row| row.get(0))
            .doing("look for the table of an index")
    }

    /// Creates an object. A table of an older system in its way is renamed first, unless it has the same shape.
    fn create(&self, name: &str) -> Result<(), SchemaRefused> {
        let link = self.link;
        let is_owned = owners::owner_of(link, name)?.is_some();
        let in_the_way = !is_owned && table_exists(link, name)?;
        if in_the_way {
            host_migrations::move_aside(link, name)?;
        }
        self.run(self.sql)?;
        if in_the_way && same_shape(link, name)? {
            let legacy = quoted(&host_migrations::legacy_name(name));
            self.run(&format!("INSERT INTO {} SELECT * FROM {legacy}", quoted(name)))?;
            self.run(&format!("DROP TABLE {legacy}"))?;
        }
        if is_owned {
            return Ok(());
        }
        let sql = "INSERT INTO processor_table VALUES (?, ?)";
        link.execute(sql, params![name, self.processor.as_str()])
            .doing("record the owner of a table")?;
        Ok(())
    }
}

fn same_shape(connection: &Connection, table: &str) -> Result<bool, StateError> {
    let sql = "SELECT system.main.count(*) = 0 FROM (
                   (SELECT column_index, column_name, data_type FROM system.main.duckdb_columns() WHERE table_name = ?1
                    EXCEPT SELECT column_index, column_name, data_type FROM system.main.duckdb_columns() WHERE table_name = ?2)
                   UNION ALL
                   (SELECT column_index, column_name, data_type FROM system.main.duckdb_columns() WHERE table_name = ?2
                    EXCEPT SELECT column_index, column_name, data_type FROM system.main.duckdb_columns() WHERE table_name = ?1))";
    let parameters = params![table, host_migrations::legacy_name(table)];
    connection
        .query_row(sql, parameters, |row| row.get(0))
        .doing("compare two tables")
}
