//! The processor's reports.

use session_plugin_api::prelude::*;

/// Adds the reports to a descriptor.
pub(crate) fn declare(descriptor: Descriptor) -> Descriptor {
    [classes(), daily(), tools(), sessions(), transcripts()]
        .into_iter()
        .fold(descriptor, Descriptor::report)
}

/// A report on the errors that the parameters choose.
fn of_errors(name: &str, title: &str, description: &str, select: &str) -> Report {
    let sql = [include_str!("reports/chosen.sql"), select].concat();
    Report::new(name, title, sql).description(description)
}

fn errors_column() -> ReportColumn {
    ReportColumn::new("errors", "Errors", Unit::Count)
}

/// The columns that say how often a session went on after the error.
fn with_recovery(report: Report) -> Report {
    report
        .column(errors_column())
        .column(ReportColumn::new("retries", "Retries", Unit::Count).gives_way(1))
        .column(ReportColumn::new("recovered", "Recovered", Unit::Percent))
}

/// The columns that say how many sessions and users saw the error.
fn with_reach(report: Report) -> Report {
    report
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(3),
        )
        .column(
            ReportColumn::new("users", "Users", Unit::Count)
                .without_sum()
                .gives_way(2),
        )
}

fn classes() -> Report {
    let report = of_errors(
        "classes",
        "Frequent errors",
        "The classes of errors of each tool, and how many of them the session recovered from.",
        include_str!("reports/classes.sql"),
    );
    let report = with_recovery(
        report
            .column(ReportColumn::new("class", "Class", Unit::Text))
            .column(ReportColumn::new("tool", "Tool", Unit::Text)),
    );
    with_reach(report)
        .order("errors", Order::Descending)
        .order("class", Order::Ascending)
        .order("tool", Order::Ascending)
        .chart(Chart::bars("class", "errors"))
        .overview(30)
}

fn daily() -> Report {
    let report = of_errors(
        "daily",
        "Errors per day",
        "The errors of each day by class.",
        include_str!("reports/daily.sql"),
    );
    let report = report
        .column(ReportColumn::new("day", "Day", Unit::Text))
        .column(ReportColumn::new("class", "Class", Unit::Text))
        .column(errors_column());
    with_reach(report)
        .order("day", Order::Ascending)
        .order("errors", Order::Descending)
        .order("class", Order::Ascending)
        .chart(Chart::stacked_bars("day", "errors", "class"))
}

fn tools() -> Report {
    let report = of_errors(
        "tools",
        "Errors per tool",
        "The errors of each tool.",
        include_str!("reports/tools.sql"),
    );
    let report = with_recovery(report.column(ReportColumn::new("tool", "Tool", Unit::Text)))
        .column(ReportColumn::new("most_frequent_class", "Most frequent class", Unit::Text).gives_way(4));
    with_reach(report)
        .order("errors", Order::Descending)
        .order("tool", Order::Ascending)
        .chart(Chart::bars("tool", "errors"))
}

fn sessions() -> Report {
    of_errors(
        "sessions",
        "Errors per session",
        "The sessions with errors: how many, how stubbornly a call was repeated, and how the session ended.",
        include_str!("reports/sessions.sql"),
    )
    .column(ReportColumn::new("session", "Session", Unit::Text))
    .column(ReportColumn::new("user", "User", Unit::Text).gives_way(4))
    .column(errors_column())
    .column(
        ReportColumn::new("classes", "Classes", Unit::Count)
            .without_sum()
            .gives_way(2),
    )
    .column(
        ReportColumn::new("longest_retry_run", "Retries in a row", Unit::Count)
            .without_sum()
            .gives_way(3),
    )
    .column(ReportColumn::new("ended_on", "Ended on", Unit::Text))
    .column(ReportColumn::new("last_error", "Last error", Unit::Time).gives_way(1))
    .order("errors", Order::Descending)
    .order("last_error", Order::Descending)
    .order("session", Order::Ascending)
}

fn transcripts() -> Report {
    Report::new(
        "transcripts",
        "Errors per transcript",
        include_str!("reports/transcripts.sql"),
    )
    .description("How many errors each transcript records, which counts what other transcripts repeat.")
    .column(ReportColumn::new(Report::SESSION_COLUMN, "Session", Unit::Text))
    .column(errors_column())
    .order("errors", Order::Descending)
    .of_sessions()
}
