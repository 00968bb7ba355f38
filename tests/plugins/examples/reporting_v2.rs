//! The processor of `reporting` with one other report, and with warnings that the host rejects.

session_host_test_plugins::reporting!(|descriptor| {
    let users = Report::new(
        "people",
        "People",
        "SELECT DISTINCT username AS person FROM reporting_lines",
    )
    .column(ReportColumn::new("person", "Person", Unit::Text));
    descriptor.report(users).report_warnings("SELECT warning FROM nothing")
});
