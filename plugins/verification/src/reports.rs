//! The processor's reports.

use session_plugin_api::prelude::*;

/// Adds the reports to a descriptor.
pub(crate) fn declare(descriptor: Descriptor) -> Descriptor {
    descriptor.report(knowledge()).report(contradictions())
}

fn knowledge() -> Report {
    Report::new("knowledge", "Verified knowledge", include_str!("reports/knowledge.sql"))
        .description("The facts that users verified, the most certain first.")
        .column(ReportColumn::new("title", "Title", Unit::Text))
        .column(ReportColumn::new("domain", "Domain", Unit::Text).gives_way(2))
        .column(ReportColumn::new("category", "Category", Unit::Text).gives_way(5))
        .column(ReportColumn::new("confidence", "Confidence", Unit::Percent))
        .column(
            ReportColumn::new("users", "Users", Unit::Count)
                .without_sum()
                .gives_way(1),
        )
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(3),
        )
        .column(
            ReportColumn::new("contradictions", "Contradictions", Unit::Count)
                .without_sum()
                .gives_way(4),
        )
        .column(ReportColumn::new("last_verified", "Last verified", Unit::Time).gives_way(6))
        .order("confidence", Order::Descending)
        .order("users", Order::Descending)
        .order("title", Order::Ascending)
}

fn contradictions() -> Report {
    let select = include_str!("reports/contradictions.sql");
    Report::new("contradictions", "Contradictions", select)
        .description("Pairs of facts that contradict each other, the latest first.")
        .column(ReportColumn::new("newer", "Newer", Unit::Text))
        .column(ReportColumn::new("known", "Known", Unit::Text))
        .column(ReportColumn::new("severity", "Severity", Unit::Text))
        .column(ReportColumn::new("status", "Status", Unit::Text).gives_way(3))
        .column(ReportColumn::new("explanation", "Explanation", Unit::Text).gives_way(4))
        .column(ReportColumn::new("suggestion", "Suggestion", Unit::Text).gives_way(2))
        .column(ReportColumn::new("found", "Found", Unit::Time).gives_way(1))
        .order("found", Order::Descending)
        .order("newer", Order::Ascending)
        .order("known", Order::Ascending)
}
