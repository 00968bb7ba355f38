//! `session-host copy-state`.

use super::{
    Exit,
    arguments::CopyStateOptions,
    output::{self, UsageError},
};
use crate::{
    amounts::grouped,
    config::{Settings, named_state},
    state::{CopiedTable, Told, copy_state as copy},
    state_place::StatePlace,
};

/// Copies a state, and prints all tables.
pub(super) fn copy_state(settings: &Settings, options: CopyStateOptions) -> anyhow::Result<Exit> {
    let from = place(options.from, settings)?;
    let to = place(options.to, settings)?;
    let tables = copy(&from, &to, &mut |told| output::tell(&line(told)))?;
    let rows = tables.iter().map(|table| {
        let rows = grouped(table.rows);
        [table.name.clone(), rows, table.checksum.clone(), "equal".to_owned()]
    });
    output::print(output::table(["table", "rows", "checksum", "copy"], rows))?;
    tables
        .iter()
        .filter_map(alteration)
        .for_each(|line| output::tell(&line));
    let sum: u64 = tables.iter().map(|table| table.rows).sum();
    output::tell(&format!(
        "copied {} rows in {} tables from {from} to {to}; to use the copy, set `state` to it",
        grouped(sum),
        tables.len()
    ));
    Ok(Exit::Done)
}

fn place(named: std::path::PathBuf, settings: &Settings) -> anyhow::Result<StatePlace> {
    named_state(named, &settings.data).map_err(|error| UsageError(error.to_string()).into())
}

/// A step, in plain words.
fn line(told: Told<'_>) -> String {
    match told {
        Told::GoesOn => "going on with an unfinished copy of this state".to_owned(),
        Told::BeginsAnew { why } => format!("beginning anew: {why}"),
        Told::Rows { table, copied, of } => format!("{table}: copied {} of {} rows", grouped(copied), grouped(of)),
        Told::Same { table, rows } => format!("{table}: compared {} rows: equal", grouped(rows)),
    }
}

/// What is not the same in PostgreSQL.
fn alteration(table: &CopiedTable) -> Option<String> {
    let texts = grouped(table.altered_texts);
    (table.altered_texts > 0).then(|| {
        format!(
            "{}: PostgreSQL stores no zero bytes; the copy has U+FFFD in their place, in texts: {texts}",
            table.name
        )
    })
}
