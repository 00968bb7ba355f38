//! The commands that read the state, here or through the server that holds it.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Exit,
    arguments::{ExportOptions, QueryOptions, TableFormat},
    output::{self, Shown, UsageError},
    server::{Access, open_or_ask},
};
use crate::{
    config::Settings,
    names::ProcessorName,
    reports::text_of,
    state::{QueryAnswer, QueryLimits, Reader, State, export_file},
};

/// Runs read-only SQL.
pub(super) fn query(settings: &Settings, options: &QueryOptions) -> anyhow::Result<Exit> {
    let answer = match reader(settings)? {
        Access::Here(reader) => {
            let reader = reader.without_external_access()?;
            reader.query(&options.sql, &[], QueryLimits::NONE)?
        }
        Access::Server(server) => {
            let asked = json!({"sql": options.sql}).to_string();
            server.post::<QueryAnswer>("/api/admin/query", asked)?
        }
    };
    if answer.truncated {
        tracing::warn!(
            "output is truncated to the first {} rows: the server returns no more",
            answer.rows.len()
        );
    }
    print_answer(answer, options.format)
}

fn print_answer(answer: QueryAnswer, format: TableFormat) -> anyhow::Result<Exit> {
    let QueryAnswer { columns, rows, .. } = answer;
    if format == TableFormat::Json {
        for row in rows {
            let members = columns.iter().map(|column| Value::from(column.as_str())).zip(row);
            let members: Vec<String> = members.map(|(name, value)| format!("{name}:{value}")).collect();
            output::print_json_text(format!("{{{}}}", members.join(",")))?;
        }
        return Ok(Exit::Done);
    }
    let rows = rows
        .into_iter()
        .map(|row| row.iter().map(|value| text_of(value)).collect());
    print_rows(columns, rows, format)
}

fn print_rows(
    columns: Vec<String>,
    rows: impl Iterator<Item = Vec<String>>,
    format: TableFormat,
) -> anyhow::Result<Exit> {
    match format {
        TableFormat::Csv => print_csv(columns, rows)?,
        TableFormat::Table | TableFormat::Json => output::print(output::grid(columns, rows))?,
    }
    Ok(Exit::Done)
}

/// Prints a table as CSV. Programs get the data unchanged. A terminal would interpret control characters in it.
pub(super) fn print_csv(columns: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> anyhow::Result<()> {
    let is_shown = io::stdout().is_terminal();
    let mut csv = csv::Writer::from_writer(io::stdout().lock());
    for row in std::iter::once(columns).chain(rows) {
        match is_shown {
            true => csv.write_record(row.iter().map(Shown::shown))?,
            false => csv.write_record(row)?,
        }
    }
    Ok(csv.flush()?)
}

#[derive(Deserialize)]
struct Exported {
    folder: String,
    tables: Vec<String>,
}

/// Writes every table as a Parquet file.
pub(super) fn export(settings: &Settings, options: &ExportOptions) -> anyhow::Result<Exit> {
    let access = reader(settings)?;
    let folder = &options.folder;
    fs::create_dir_all(folder)
        .map_err(|error| UsageError(format!("cannot create the folder {}: {error}", folder.display())))?;
    let tables = match access {
        Access::Here(reader) => reader.export(folder)?,
        Access::Server(server) => {
            let exported: Exported = server.post("/api/admin/export", String::new())?;
            fetch(&exported, folder)?;
            exported.tables
        }
    };
    for table in tables {
        output::print(folder.join(export_file(&table)).display())?;
    }
    Ok(Exit::Done)
}

/// Moves the export of a server on the same machine to the requested folder.
fn fetch(exported: &Exported, folder: &Path) -> Result<(), UsageError> {
    let source = Path::new(&exported.folder);
    for table in &exported.tables {
        let file = export_file(table);
        let copied = fs::copy(source.join(&file), folder.join(&file));
        copied.map_err(|error| {
            UsageError(format!(
                "cannot copy {file} from {}, where the server exported it: {error}; copy the folder as the server's user",
                source.display()
            ))
        })?;
    }
    // The server's own copy is of no further use.
    if let Err(error) = fs::remove_dir_all(source) {
        tracing::warn!(
            "cannot remove the server's copy of the export in {}: {error}",
            source.display()
        );
    }
    Ok(())
}

/// Opens the state for reading, or finds the server that holds it.
pub(super) fn reader(settings: &Settings) -> anyhow::Result<Access<Reader>> {
    open_or_ask(settings, || Reader::open_at(&settings.state))
}

/// Opens the state that there is, or finds the server that holds it.
pub(super) fn existing(settings: &Settings) -> anyhow::Result<Access<State>> {
    open_or_ask(settings, || State::open_existing(&settings.state))
}

/// A text that must be the name of a processor.
pub(super) fn processor_name(text: &str) -> Result<ProcessorName, UsageError> {
    text.parse()
        .map_err(|error: crate::names::InvalidProcessorName| UsageError(error.to_string()))
}
