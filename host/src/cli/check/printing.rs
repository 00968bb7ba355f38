//! The report for people.

use std::path::PathBuf;

use super::{Report, passes::Behaviour};
use crate::{amounts::grouped, cli::output, runner::RunResult};

/// Prints the report; with `rows`, some rows of each table.
pub(super) fn print(report: &Report, rows: bool) -> anyhow::Result<()> {
    let plugin = &report.plugin;
    let file = PathBuf::from(&plugin.file);
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let name = plugin.processor.as_deref().unwrap_or("no processor");
    let version = plugin.version.as_deref().unwrap_or_default();
    match &plugin.reason {
        None => output::print(format!("{file}: loaded as the processor {name} {version}"))?,
        Some(_) => output::print(format!("{file}: {} ({name} {version})", plugin.status))?,
    }
    if let Some(server) = &report.server {
        output::print(format!(
            "  with a state in PostgreSQL, in a database of its own on {server}"
        ))?;
    }
    for step in &plugin.trace {
        output::print(format!("  {step}"))?;
    }
    if let Some(details) = &plugin.details {
        details.lines().try_for_each(output::print)?;
    }
    if let Some(behaviour) = &report.behaviour {
        print_behaviour(behaviour, rows)?;
    }
    for tried in &report.rules {
        let (verdict, reasons) = tried.verdict.told();
        output::print(format!("{verdict:<10}{}: {}", tried.rule, tried.says))?;
        for reason in reasons {
            output::print(format!("          {reason}"))?;
        }
    }
    Ok(())
}

fn print_behaviour(behaviour: &Behaviour, rows: bool) -> anyhow::Result<()> {
    let passes = [
        ("first pass", Some(&behaviour.first_pass)),
        ("second pass", behaviour.second_pass.as_ref()),
        ("first halves", behaviour.shortened_pass.as_ref()),
        ("whole again", behaviour.whole_pass.as_ref()),
    ];
    for (title, pass) in passes {
        if let Some(pass) = pass {
            print_pass(title, pass)?;
        }
    }
    for table in &behaviour.tables {
        output::print(format!("{}: {} rows", table.table, grouped(table.rows)))?;
        if rows && table.rows > 0 {
            let (columns, rows) = table.shown();
            output::print(output::grid(columns, rows))?;
        }
    }
    Ok(())
}

fn print_pass(title: &str, pass: &RunResult) -> anyhow::Result<()> {
    Ok(output::print(format!(
        "{title}: {} processed, {} unrecognised, {} failed, {} items, {} ms",
        grouped(pass.processed),
        grouped(pass.unrecognised),
        grouped(pass.errors),
        grouped(pass.items_extracted),
        grouped(pass.duration_ms),
    ))?)
}
