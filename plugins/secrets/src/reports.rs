//! The processor's reports.

use session_plugin_api::prelude::*;

/// Adds the reports to a descriptor.
pub(crate) fn declare(descriptor: Descriptor) -> Descriptor {
    descriptor.report(findings()).report(daily()).report(transcripts())
}

fn findings() -> Report {
    Report::new("findings", "Leaked secrets", include_str!("reports/findings.sql"))
        .description(
            "Each secret found: how often it occurs, in how many sessions, and since when. No column holds the secret.",
        )
        .column(ReportColumn::new("kind", "Kind", Unit::Text))
        .column(ReportColumn::new("preview", "Preview", Unit::Text).gives_way(3))
        .column(ReportColumn::new("occurrences", "Times", Unit::Count))
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(1),
        )
        .column(
            ReportColumn::new("users", "Users", Unit::Count)
                .without_sum()
                .gives_way(2),
        )
        .column(ReportColumn::new("first_seen", "First seen", Unit::Time))
        .column(ReportColumn::new("last_leaked", "Last leaked", Unit::Time).gives_way(5))
        .column(ReportColumn::new("fingerprint", "Fingerprint", Unit::Text).gives_way(4))
        .column(ReportColumn::new("first_session", "First session", Unit::Text).gives_way(6))
        .order("sessions", Order::Descending)
        .order("occurrences", Order::Descending)
        .order("kind", Order::Ascending)
        .order("fingerprint", Order::Ascending)
        .overview(40)
}

fn daily() -> Report {
    Report::new("daily", "Secrets per day", include_str!("reports/daily.sql"))
        .description("The secrets that sessions leaked on each day, and how many of them were new.")
        .column(ReportColumn::new("day", "Day", Unit::Text))
        .column(ReportColumn::new("secrets", "Secrets", Unit::Count).without_sum())
        .column(ReportColumn::new("new_secrets", "New", Unit::Count))
        .column(ReportColumn::new("occurrences", "Times", Unit::Count).gives_way(1))
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(2),
        )
        .column(
            ReportColumn::new("users", "Users", Unit::Count)
                .without_sum()
                .gives_way(3),
        )
        .order("day", Order::Ascending)
        .chart(Chart::bars("day", "secrets"))
}

fn transcripts() -> Report {
    Report::new(
        "transcripts",
        "Secrets per transcript",
        include_str!("reports/transcripts.sql"),
    )
    .description("How many secrets each transcript holds.")
    .column(ReportColumn::new(Report::SESSION_COLUMN, "Session", Unit::Text))
    .column(ReportColumn::new("secrets", "Secrets", Unit::Count).without_sum())
    .order("secrets", Order::Descending)
    .of_sessions()
}
