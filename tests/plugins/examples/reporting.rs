//! Good reports, and one of each kind that the host rejects.

/// What of the table a report is about.
const CHOSEN: &str = "FROM reporting_lines ASOF JOIN utc_offsets ON written_at >= from_utc
     WHERE ($since IS NULL OR written_at >= $since) AND ($until IS NULL OR written_at < $until)
       AND ($username IS NULL OR username = $username) AND ($project IS NULL OR project = $project)";

fn good(descriptor: Descriptor) -> Descriptor {
    let daily = Report::new(
        "daily",
        "Lines per day",
        format!(
            "SELECT (written_at + utc_offset)::DATE AS day, count(*) AS lines, sum(tokens)::BIGINT AS tokens,
                    sum(cost) AS cost, avg(tokens) AS average
             {CHOSEN} GROUP BY ALL; -- by local days"
        ),
    )
    .description("The lines of each day.")
    .column(ReportColumn::new("day", "Day", Unit::Text))
    .column(ReportColumn::new("lines", "Lines", Unit::Count))
    .column(ReportColumn::new("tokens", "Tokens", Unit::Tokens))
    .column(ReportColumn::new("cost", "Cost", Unit::Usd).gives_way(1))
    .column(ReportColumn::new("average", "Average", Unit::Tokens).without_sum())
    .order("day", Order::Ascending)
    .chart(Chart::bars("day", "tokens"))
    .overview(1);
    let users = Report::new(
        "users",
        "Lines per user and project",
        format!(
            "SELECT username AS \"user\", project, count(*) AS lines, max(written_at) AS latest {CHOSEN} GROUP BY ALL"
        ),
    )
    .column(ReportColumn::new("user", "User", Unit::Text))
    .column(ReportColumn::new("project", "Project", Unit::Text))
    .column(ReportColumn::new("lines", "Lines", Unit::Count))
    .column(ReportColumn::new("latest", "Latest", Unit::Time))
    .order("lines", Order::Descending);
    let parameters = Report::new(
        "parameters",
        "What the host binds",
        "SELECT $since::TIMESTAMP AS since, $until::TIMESTAMP AS until, $username::VARCHAR AS username,
                $project::VARCHAR AS project, $timezone AS timezone, $week_start AS week_start,
                $now > TIMESTAMP '2026-01-01' AS is_now",
    );
    let names = [
        "since",
        "until",
        "username",
        "project",
        "timezone",
        "week_start",
        "is_now",
    ];
    let parameters = names.into_iter().fold(parameters, |report, name| {
        let unit = if matches!(name, "since" | "until") {
            Unit::Time
        } else {
            Unit::Text
        };
        report.column(ReportColumn::new(name, name, unit))
    });
    let warnings =
        "SELECT format('{:d} lines of {} have no project', count(*), username) AS warning FROM reporting_lines
                    WHERE project = '' AND ($username IS NULL OR username = $username) GROUP BY username";
    let reports = [daily, users, parameters];
    let descriptor = reports.into_iter().fold(descriptor, Descriptor::report);
    descriptor.report_warnings(warnings)
}

/// A report with the columns `day` and `lines`.
fn usual(name: &str, sql: &str) -> Report {
    Report::new(name, "Of no use", sql)
        .column(ReportColumn::new("day", "Day", Unit::Text))
        .column(ReportColumn::new("lines", "Lines", Unit::Count))
}

fn bad(descriptor: Descriptor) -> Descriptor {
    const GOOD: &str = "SELECT '2026-01-01' AS day, 1 AS lines";
    let reports = [
        usual("daily", GOOD),
        usual("Bad name", GOOD),
        Report::new("no-columns", "No columns", GOOD),
        usual("twice", GOOD).column(ReportColumn::new("day", "Day", Unit::Text)),
        usual("lines-of-text", GOOD).description("one\ntwo"),
        usual("order", GOOD).order("month", Order::Ascending),
        usual("chart", GOOD).chart(Chart::bars("day", "money")),
        usual("syntax", "SELECT day, lines FRM reporting_lines"),
        usual("two-statements", "SELECT '' AS day, 1 AS lines; SELECT 2"),
        usual(
            "breaks-out",
            "SELECT '' AS day, 1 AS lines) SELECT * FROM report, (SELECT 1",
        ),
        usual("writes", "DELETE FROM reporting_lines"),
        usual("file", "SELECT day, lines FROM read_csv('/etc/passwd')"),
        usual("no-table", "SELECT day, lines FROM nothing"),
        usual("missing", "SELECT 1 AS lines"),
        usual("undeclared", "SELECT '' AS day, 1 AS lines, 2 AS more"),
        usual("misfit", "SELECT '' AS day, 'many' AS lines"),
        usual("unwritable", "SELECT '101'::BIT AS day, 1 AS lines"),
        usual("parameter", "SELECT '' AS day, 1 AS lines WHERE $user IS NULL"),
        usual("positional", "SELECT '' AS day, 1 AS lines WHERE ? IS NULL"),
        Report::new("no-time", "No time", "SELECT DATE '2026-01-01' AS day").column(ReportColumn::new(
            "day",
            "Day",
            Unit::Time,
        )),
    ];
    reports.into_iter().fold(descriptor, Descriptor::report)
}

session_host_test_plugins::reporting!(|descriptor| bad(good(descriptor)));
