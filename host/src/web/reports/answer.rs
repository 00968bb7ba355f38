//! Asks for a report, as `GET /api/reports/NAME` does, and with the same row in the audit log.

use crate::{
    http::{
        answer::Refusal,
        paths,
        reading::{QUERY_LIMITS, report_in_time},
        reports::note,
    },
    reports::{self, AskedReport, ReportResult},
    web::{entry::visitor::Visitor, recorded, state::Web},
};

/// The answer to the report of this name, asked for this by a visitor.
pub(super) async fn answer(
    web: &Web,
    visitor: &Visitor,
    name: &str,
    asked: AskedReport,
) -> Result<ReportResult, Refusal> {
    let (service, name) = (web.service.clone(), name.to_owned());
    let note = note(&name, &asked);
    let answering = async move {
        let host = service.host.clone();
        report_in_time(&service, move |reader| {
            let (catalogue, settings) = (host.catalogue(), host.settings());
            Ok(reports::run(&catalogue, settings, reader, &name, &asked, QUERY_LIMITS)?)
        })
        .await
    };
    recorded::answer(web, visitor, paths::REPORT, note, answering).await
}
