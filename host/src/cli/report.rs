//! `session-host report`, here or through the server that holds the state.

use std::io::{self, IsTerminal};

use serde::Deserialize;

use super::{
    Exit,
    arguments::{ReportOptions, TableFormat},
    inspect_state::print_csv,
    output,
    processors::{look, look_for_report},
    report_table::{Style, render},
    server::{Access, Server, open_or_ask, target},
};
use crate::{
    config::Settings,
    plugins::{Catalogue, PluginTrust},
    reports::{self, AskedReport, ReportError, ReportListing, ReportResult, text_of},
    state::{QueryLimits, Reader},
};

/// Lists the reports, or prints the answer to one.
pub(super) fn report(settings: &Settings, trust: PluginTrust, options: &ReportOptions) -> anyhow::Result<Exit> {
    match &options.report {
        None => list(settings, trust, options),
        Some(name) => print(answer(settings, trust, name, &options.asked())?, options),
    }
}

#[derive(Deserialize)]
struct Listed {
    reports: Vec<ReportListing>,
}

fn list(settings: &Settings, trust: PluginTrust, options: &ReportOptions) -> anyhow::Result<Exit> {
    let listed = match open_or_ask(settings, || Reader::look_at_place(&settings.state))? {
        Access::Here(reader) => look(settings, trust, reader.as_ref(), Some(&settings.pinning), reports::list)?,
        Access::Server(server) => server.get::<Listed>("/api/reports")?.reports,
    };
    if options.json {
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    if listed.is_empty() {
        output::print("no loaded processor has a report")?;
        return Ok(Exit::Done);
    }
    let rows = listed.into_iter().map(|report| {
        let about = match report.rejected {
            Some(reason) => format!("rejected: {reason}"),
            None => report.description,
        };
        [report.name, report.title, about]
    });
    output::print(output::fitted_table(["report", "title", "description"], rows))?;
    Ok(Exit::Done)
}

fn answer(settings: &Settings, trust: PluginTrust, name: &str, asked: &AskedReport) -> anyhow::Result<ReportResult> {
    let (reader, snapshot) = match open_or_ask(settings, || Reader::open_with_snapshot(&settings.state))? {
        Access::Here(opened) => opened,
        Access::Server(server) => return ask(&server, name, asked),
    };
    let reader = reader.on_one_thread()?.without_external_access()?;
    let answering = snapshot.as_ref().unwrap_or(&reader);
    let run = |catalogue: &Catalogue| reports::run(catalogue, settings, answering, name, asked, QueryLimits::NONE);
    let only = name.split_once('.').map(|(processor, _)| processor);
    match look_for_report(settings, trust, &reader, only, run)? {
        // Only all reports tell what a misspelt name means.
        Err(ReportError::Unknown { .. }) if only.is_some() => {
            Ok(look_for_report(settings, trust, &reader, None, run)??)
        }
        answered => Ok(answered?),
    }
}

fn ask(server: &Server, name: &str, asked: &AskedReport) -> anyhow::Result<ReportResult> {
    let limit = asked.limit.map(|limit| limit.to_string());
    let parameters = [
        ("since", asked.since.as_deref()),
        ("until", asked.until.as_deref()),
        ("last", asked.last.as_deref()),
        ("timezone", asked.timezone.as_deref()),
        ("username", asked.username.as_deref()),
        ("project", asked.project.as_deref()),
        ("order", asked.order.as_deref()),
        ("limit", limit.as_deref()),
    ];
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    Ok(server.get(&target(&format!("/api/reports/{name}"), &parameters))?)
}

fn print(result: ReportResult, options: &ReportOptions) -> anyhow::Result<Exit> {
    match options.format() {
        TableFormat::Json => output::print_json(&result)?,
        TableFormat::Csv => {
            for warning in &result.warnings {
                tracing::warn!("{warning}");
            }
            if result.truncated && options.asked().limit.is_none() {
                let rows = result.rows.len();
                tracing::warn!("output is truncated to the first {rows} rows: the server returns no more");
            }
            let columns = result.columns.into_iter().map(|column| column.name).collect();
            let rows = result.rows.iter();
            print_csv(
                columns,
                rows.map(|row| row.iter().map(|value| text_of(value)).collect()),
            )?;
        }
        TableFormat::Table => print_rows(&result)?,
    }
    Ok(Exit::Done)
}

/// Prints the rows of an answer as a table.
pub(super) fn print_rows(result: &ReportResult) -> io::Result<()> {
    output::print_block(&render(result, report_width(), Style::of_stdout()))
}

/// The width of the terminal. What reads a pipe or a file gets every column.
fn report_width() -> usize {
    match io::stdout().is_terminal() {
        true => output::width(),
        false => usize::MAX,
    }
}
