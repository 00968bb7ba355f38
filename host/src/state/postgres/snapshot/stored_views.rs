//! The views that reports read, computed once for all reports from a snapshot.
//!
//! A view of a processor may say which responses count, and what each costs. To compute that for millions of rows takes
//! seconds, and a report reads the view more than once. To read what was computed takes a tenth of a second.
//!
//! A view that cannot be stored stays what it is, and reports compute it.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    folders::failed,
    tables::{files_in, open_tables, reading},
};
use crate::state::{
    engine::{
        export::export_file,
        instance::Link,
        open::link_to,
        sql::{quoted, text, views},
    },
    error::{Doing, Result},
    postgres::mirror::Mirror,
};

/// The folder of the stored views in a snapshot.
const VIEWS: &str = "views";

/// Computes the views that one of `reports` reads from the tables of a snapshot, and stores each as a Parquet file.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn store(snapshot: &Path, mirror: &Mirror, reports: &[String]) -> Result<()> {
    let views = read_by(reports, views(&*link_to(&mirror.engine)?)?);
    if views.is_empty() {
        return Ok(());
    }
    // The mirror may be of before a migration that another host has made.
    match open_tables(snapshot, mirror) {
        Ok(engine) => store_all(&link_to(&engine)?, snapshot, &views),
        Err(error) => {
            tracing::warn!("reports from this snapshot are slower, because it has no views: {error}");
            Ok(())
        }
    }
}

fn store_all(link: &Link, snapshot: &Path, views: &HashSet<String>) -> Result<()> {
    let folder = snapshot.join(VIEWS);
    fs::create_dir(&folder).map_err(|source| failed(&folder, source))?;
    for view in views {
        let file = folder.join(export_file(view));
        if let Err(error) = store_one(link, view, &file) {
            tracing::warn!("reports from this snapshot compute the view {view} themselves: {error}");
            let _ = fs::remove_file(&file);
        }
    }
    Ok(())
}

/// Stores a view, unless Parquet lacks the type of a column.
fn store_one(link: &Link, view: &str, file: &Path) -> Result<()> {
    let from = format!("FROM {}", quoted(view));
    let target = text(&file.to_string_lossy());
    link.execute_batch(&format!("COPY ({from}) TO {target} (FORMAT parquet)"))
        .doing("store a view")?;
    if columns(link, &from)? != columns(link, &reading(file))? {
        tracing::debug!("a snapshot cannot keep the types of the view {view}, so reports compute it");
        fs::remove_file(file).map_err(|source| failed(file, source))?;
    }
    Ok(())
}

/// The names and types of the columns of rows.
fn columns(link: &Link, rows: &str) -> Result<Vec<(String, String)>> {
    let doing = "read the columns of a view";
    let mut statement = link.prepare(&format!("DESCRIBE {rows}")).doing(doing)?;
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    columns.and_then(Iterator::collect).doing(doing)
}

/// Lets SQL read the stored views of a snapshot instead of computing them.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read(link: &Link, snapshot: &Path) -> Result<()> {
    let folder = snapshot.join(VIEWS);
    let files: Vec<(String, PathBuf)> = match folder.exists() {
        true => files_in(&folder)?,
        false => Vec::new(),
    };
    for (view, file) in files {
        let stored = format!("CREATE OR REPLACE VIEW {} AS {}", quoted(&view), reading(&file));
        link.execute_batch(&stored).doing("open the views of a snapshot")?;
    }
    Ok(())
}

/// The views whose name is a word of a report. A view too many does no harm.
fn read_by(reports: &[String], mut views: HashSet<String>) -> HashSet<String> {
    let is_part_of_a_word = |character: char| character.is_alphanumeric() || character == '_';
    let names = |report: &String, view: &String| {
        let mut words = report.split(|character| !is_part_of_a_word(character));
        words.any(|word| word.eq_ignore_ascii_case(view))
    };
    views.retain(|view| reports.iter().any(|report| names(report, view)));
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_stored_if_a_report_names_it() {
        let reports = [
            "SELECT * FROM Costs JOIN \"days\" USING (x)".to_owned(),
            "FROM all_users".to_owned(),
        ];
        let views = ["costs", "cost", "days", "users"].map(str::to_owned);
        let read = read_by(&reports, views.into());
        assert_eq!(read, ["costs", "days"].map(str::to_owned).into());
    }
}
