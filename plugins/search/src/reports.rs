//! The processor's report.

use session_plugin_api::prelude::*;

/// Adds the report to a descriptor.
pub(crate) fn declare(descriptor: Descriptor) -> Descriptor {
    let texts = Report::new("texts", "Texts to search", include_str!("reports/texts.sql"))
        .description("How much text of each user and kind can be searched, and how much was too long to be kept.")
        .column(ReportColumn::new("user", "User", Unit::Text))
        .column(ReportColumn::new("kind", "Kind", Unit::Text))
        .column(ReportColumn::new("texts", "Texts", Unit::Count))
        .column(ReportColumn::new("bytes", "Size", Unit::Bytes))
        .column(ReportColumn::new("cut_texts", "Cut texts", Unit::Count).gives_way(1))
        .column(ReportColumn::new("omitted_bytes", "Cut off", Unit::Bytes).gives_way(2))
        .order("user", Order::Ascending)
        .order("bytes", Order::Descending);
    descriptor.report(texts)
}
