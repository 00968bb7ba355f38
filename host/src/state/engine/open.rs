//! Opens DuckDB on a file within the host's limits, and forbids access to anything outside that file.

use std::path::Path;

use duckdb::Connection;

use super::instance::{Access, Engine, Link};
use crate::state::{
    database_error::DatabaseError,
    engine::sql,
    error::{Doing as _, Result, StateError},
    trouble::Trouble,
};

/// The storage version of new files: the oldest one in which DuckDB compresses long texts. DuckDB before 1.2 cannot read it.
pub(crate) const STORAGE: &str = "v1.2.0";

/// The limits of every instance.
const LIMITS: [(&str, &str); 6] = [
    // Users' queries share this memory with the runs. A query that wants more fails, instead of exhausting the machine.
    ("max_memory", "2GB"),
    // How much of it DuckDB may move to the disk.
    ("max_temp_directory_size", "10GB"),
    // This optimizer computes constants before a query runs, and DuckDB's limit does not count them then:
    // `repeat('x', 2000000000)`.
    ("disabled_optimizers", "expression_rewriter"),
    ("autoinstall_known_extensions", "false"),
    ("autoload_known_extensions", "false"),
    ("allow_unsigned_extensions", "false"),
];

/// Opens an instance that keeps its own tables in memory. DuckDB never fetches extensions.
///
/// # Errors
/// When DuckDB rejects its options.
pub(crate) fn open_in_memory() -> Result<Engine> {
    // Without a file, DuckDB would move what does not fit into memory to the working directory.
    let options = [LIMITS.as_slice(), &[("threads", "1"), ("temp_directory", "")]].concat();
    let engine =
        Engine::open(Path::new(":memory:"), Access::ReadWrite, &options).doing("open an instance in memory")?;
    keep_utc(&engine.connection().doing("connect to an instance in memory")?);
    Ok(engine)
}

/// Only ICU knows time zones. A DuckDB without it knows no zone but UTC, so a failure here does no harm.
fn keep_utc(connection: &Connection) {
    let _ = connection.execute_batch("SET GLOBAL TimeZone = 'UTC'");
}

/// Opens a database file. DuckDB never fetches extensions.
///
/// # Errors
/// When another process has it open, it is not a database, or DuckDB cannot read it.
pub(crate) fn open_engine(path: &Path, access: Access) -> Result<Engine> {
    let mut options = Vec::from(LIMITS);
    if access == Access::ReadWrite {
        // Attempts already use all cores, and for what the host writes, DuckDB's own threads would spin longer than
        // they work. The host makes the checkpoints itself.
        options.extend([
            ("threads", "1"),
            ("checkpoint_threshold", "1TB"),
            ("storage_compatibility_version", STORAGE),
        ]);
    }
    let engine = Engine::open(path, access, &options).map_err(|source| refused(path, source.into()))?;
    let link = link_to(&engine)?;
    keep_utc(&link);
    link.execute_batch("PRAGMA disable_checkpoint_on_shutdown")
        .doing("turn off automatic checkpoints")?;
    Ok(engine)
}

/// Opens a further connection to an instance.
///
/// # Errors
/// When DuckDB cannot connect.
pub(crate) fn link_to(engine: &Engine) -> Result<Link> {
    engine.connect().doing("connect to the state")
}

/// Like [`lock`], but allows one folder, for exports.
///
/// # Errors
/// When DuckDB rejects the settings.
pub(crate) fn confine(link: &Link, exports: &Path) -> Result<()> {
    let exports = std::path::absolute(exports).unwrap_or_else(|_| exports.to_owned());
    let folder = sql::text(&format!("{}/", exports.to_string_lossy()));
    link.execute_batch(&format!("SET GLOBAL allowed_directories = [{folder}]"))
        .doing("set the export folder")?;
    lock(link)
}

/// Forbids SQL of an instance to reach anything outside the database. No later statement can change that, or any other
/// setting of the instance.
///
/// # Errors
/// When DuckDB rejects the settings.
pub(crate) fn lock(link: &Connection) -> Result<()> {
    let sql = "SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true";
    link.execute_batch(sql).doing("forbid external access")
}

fn refused(path: &Path, source: DatabaseError) -> StateError {
    let text = source.to_string();
    let path = path.to_owned();
    if text.contains("Could not set lock") || text.contains("Conflicting lock") {
        return StateError::InUse {
            path,
            holder: holder_of(&text),
        };
    }
    if text.contains("not a valid DuckDB database") {
        return StateError::NotADatabase { path };
    }
    if let Some(trouble) = Trouble::of_opening(&text) {
        return StateError::Troubled {
            doing: format!("open the state file {}", path.display()),
            said: text,
            trouble,
        };
    }
    if text.contains("Permission denied") {
        return StateError::Forbidden { path };
    }
    StateError::Open { path, source }
}

/// Extracts who holds the lock from DuckDB's "Conflicting lock is held in PROGRAM (PID N)".
fn holder_of(text: &str) -> String {
    text.split_once("lock is held in ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or_else(|| "another process".to_owned(), |(holder, _)| format!("{holder})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_in_a_file_needs_no_extension_from_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let engine = open_engine(&folder.path().join("state.duckdb"), Access::ReadWrite).unwrap();
        let link = link_to(&engine).unwrap();
        let foreign = "SELECT count(*) FROM duckdb_extensions()
                       WHERE loaded AND install_mode IS DISTINCT FROM 'STATICALLY_LINKED'";
        assert_eq!(link.query_row(foreign, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
