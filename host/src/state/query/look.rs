//! What the check of a plugin and the page ask about the tables of a processor and about a session.

use super::{
    ask::{self, QueryAnswer, QueryError, QueryLimits},
    reader::Reader,
};
use crate::{
    names::{ProcessorName, SessionKey},
    state::{
        engine::sql::{contents_of, quoted, text},
        error::{Doing, Result},
        records::attempts::{self, SessionAttempts},
        rows::table::SESSION_FILE,
    },
};

impl Reader {
    /// The tables that a processor made, in the order of their names. Its views are not among them.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn tables_of(&self, processor: &ProcessorName) -> Result<Vec<String>> {
        self.made_by(
            processor,
            "SELECT table_name FROM system.main.duckdb_tables() WHERE schema_name = 'main' AND NOT temporary",
        )
    }

    /// The views that a processor made, in the order of their names.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn views_of(&self, processor: &ProcessorName) -> Result<Vec<String>> {
        self.made_by(
            processor,
            "SELECT view_name FROM system.main.duckdb_views() WHERE schema_name = 'main' AND NOT internal",
        )
    }

    /// What of these a processor made, in the order of their names.
    fn made_by(&self, processor: &ProcessorName, listing: &str) -> Result<Vec<String>> {
        let doing = "list the tables of a processor";
        let sql = format!(
            "SELECT DISTINCT made.name FROM ({listing}) AS made (name) JOIN processor_table AS p
             ON system.main.lower(p.table_name) = system.main.lower(made.name) WHERE p.owner = ? ORDER BY made.name"
        );
        let mut statement = self.link.prepare(&sql).doing(doing)?;
        let names = statement.query_map([processor.as_str()], |row| row.get(0));
        names.and_then(Iterator::collect).doing(doing)
    }

    /// Reads every value of a view.
    ///
    /// # Errors
    /// When there is no such view, or its SELECT fails.
    pub fn read_view(&self, view: &str) -> Result<()> {
        let sql = contents_of(&quoted(view));
        let read = self.link.query_row(&sql, [], |_| Ok(()));
        read.doing("read a view")
    }

    /// What each processor made of a session, by their names.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn attempts(&self, session: &SessionKey) -> Result<Vec<SessionAttempts>> {
        attempts::of_session(&self.link, session)
    }

    /// The first rows of a table.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn sample(&self, table: &str, rows: usize) -> Result<QueryAnswer, QueryError> {
        let sql = format!("SELECT * FROM main.{} LIMIT {rows}", quoted(table));
        ask::ask(&self.link, &sql, &[], QueryLimits::NONE)
    }

    /// The session with the most rows in a session table, and their number.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn session_of_most_rows(&self, table: &str) -> Result<Option<(u64, SessionKey)>> {
        let doing = "look for the session with the most rows";
        let sql = format!(
            "SELECT system.main.count(*), {SESSION_FILE} FROM main.{} WHERE {SESSION_FILE} IS NOT NULL
             GROUP BY {SESSION_FILE} ORDER BY ALL DESC LIMIT 1",
            quoted(table)
        );
        let mut statement = self.link.prepare(&sql).doing(doing)?;
        let mut rows = statement
            .query_map([], |row| Ok((row.get(0)?, SessionKey::new(row.get::<_, String>(1)?))))
            .doing(doing)?;
        rows.next().transpose().doing(doing)
    }

    /// Whether a row of a table names a subject: a value of it is one of the texts `is`, or has one of the texts `holds`
    /// in it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn names_any(&self, table: &str, is: &[String], holds: &[String]) -> Result<bool> {
        let doing = "look for the name of a session in a table";
        let sql = "SELECT column_name FROM system.main.duckdb_columns() WHERE schema_name = 'main' AND table_name = ?";
        let mut statement = self.link.prepare(sql).doing(doing)?;
        let columns = statement.query_map([table], |row| row.get::<_, String>(0));
        let columns: Vec<String> = columns.and_then(Iterator::collect).doing(doing)?;
        let conditions: Vec<String> = columns
            .iter()
            .flat_map(|column| conditions(column, is, holds))
            .collect();
        if conditions.is_empty() {
            return Ok(false);
        }
        let sql = format!(
            "SELECT system.main.count(*) > 0 FROM main.{} WHERE {}",
            quoted(table),
            conditions.join(" OR ")
        );
        self.link.query_row(&sql, [], |row| row.get(0)).doing(doing)
    }
}

fn conditions(column: &str, is: &[String], holds: &[String]) -> Vec<String> {
    let value = format!("CAST({} AS VARCHAR)", quoted(column));
    let mut conditions: Vec<String> = holds
        .iter()
        .map(|held| format!("system.main.contains({value}, {})", text(held)))
        .collect();
    if !is.is_empty() {
        let list: Vec<String> = is.iter().map(|name| text(name)).collect();
        conditions.push(format!("{value} IN ({})", list.join(", ")));
    }
    conditions
}
