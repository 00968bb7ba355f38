//! The processor's reports.

use session_plugin_api::prelude::*;

/// Adds the reports to a descriptor.
pub(crate) fn declare(descriptor: Descriptor) -> Descriptor {
    let reports = [
        daily(),
        weekly(),
        monthly(),
        activity(),
        sessions(),
        transcripts(),
        blocks(),
        projects(),
        models(),
        users(),
        tools(),
        skills(),
        commands(),
        mcp(),
        subagents(),
        marketplace(),
    ];
    let described = reports.into_iter().fold(descriptor, Descriptor::report);
    described.report_warnings(of_responses(include_str!("reports/warnings.sql")))
}

/// The SELECT of a report on responses, with the columns of all of them.
fn of_responses(select: &str) -> String {
    let select = select
        .replace("{models}", include_str!("reports/models.sql").trim_end())
        .replace("{usage}", include_str!("reports/usage.sql").trim_end());
    [include_str!("reports/responses.sql"), &select].concat()
}

/// The SELECT of a report on invocations, with the columns of all of them.
fn of_invocations(select: &str) -> String {
    let select = select.replace("{calls}", include_str!("reports/call_counts.sql").trim_end());
    [include_str!("reports/invocations.sql"), &select].concat()
}

/// The columns of all reports on responses.
fn with_usage(report: Report) -> Report {
    report
        .column(ReportColumn::new("responses", "Responses", Unit::Count).gives_way(6))
        .column(ReportColumn::new("input_tokens", "Input", Unit::Tokens).gives_way(3))
        .column(ReportColumn::new("output_tokens", "Output", Unit::Tokens).gives_way(2))
        .column(ReportColumn::new("cache_write_tokens", "Cache write", Unit::Tokens).gives_way(5))
        .column(ReportColumn::new("cache_read_tokens", "Cache read", Unit::Tokens).gives_way(4))
        .column(ReportColumn::new("total_tokens", "Tokens", Unit::Tokens).gives_way(1))
        .column(ReportColumn::new("cost_usd", "Cost", Unit::Usd))
}

/// The models of a row.
fn models_column() -> ReportColumn {
    ReportColumn::new("models", "Models", Unit::Text).gives_way(7)
}

/// A report on periods. `period` is the expression of the period, with the name of its column.
fn of_periods(name: &str, title: &str, period: &str) -> Report {
    let select = include_str!("reports/periods.sql").replace("{period}", period);
    Report::new(name, title, of_responses(&select))
}

fn daily() -> Report {
    with_usage(
        of_periods("daily", "Cost per day", "day")
            .description("Tokens and cost of each day.")
            .column(ReportColumn::new("day", "Day", Unit::Text))
            .column(models_column()),
    )
    .order("day", Order::Ascending)
    .chart(Chart::bars("day", "cost_usd"))
    .overview(10)
}

fn weekly() -> Report {
    const WEEK: &str =
        "day - (CASE $week_start WHEN 'monday' THEN isodow(day) - 1 ELSE dayofweek(day) END)::INTEGER AS week";
    with_usage(
        of_periods("weekly", "Cost per week", WEEK)
            .description("Tokens and cost of each week, by its first day.")
            .column(ReportColumn::new("week", "Week of", Unit::Text))
            .column(models_column()),
    )
    .order("week", Order::Ascending)
    .chart(Chart::bars("week", "cost_usd"))
}

fn monthly() -> Report {
    with_usage(
        of_periods("monthly", "Cost per month", "strftime(day, '%Y-%m') AS month")
            .description("Tokens and cost of each month.")
            .column(ReportColumn::new("month", "Month", Unit::Text))
            .column(models_column()),
    )
    .order("month", Order::Ascending)
    .chart(Chart::bars("month", "cost_usd"))
}

fn activity() -> Report {
    Report::new("activity", "Sessions per day", include_str!("reports/activity.sql"))
        .description("The sessions that began on each day, with their subagents.")
        .column(ReportColumn::new("day", "Day", Unit::Text))
        .column(ReportColumn::new("sessions", "Sessions", Unit::Count))
        .column(ReportColumn::new("users", "Users", Unit::Count).without_sum())
        .column(ReportColumn::new("prompts", "Prompts", Unit::Count))
        .column(ReportColumn::new("tool_calls", "Tool calls", Unit::Count))
        .order("day", Order::Ascending)
        .chart(Chart::bars("day", "sessions"))
}

fn sessions() -> Report {
    let report = Report::new(
        "sessions",
        "Cost per session",
        of_responses(include_str!("reports/sessions.sql")),
    );
    with_usage(
        report
            .description("Tokens and cost of each session with its subagents, the most expensive first.")
            .column(ReportColumn::new("session", "Session", Unit::Text))
            .column(ReportColumn::new("user", "User", Unit::Text).gives_way(9))
            .column(ReportColumn::new("project", "Project", Unit::Text).gives_way(3))
            .column(ReportColumn::new("began", "Began", Unit::Time).gives_way(8))
            .column(ReportColumn::new("last_active", "Last active", Unit::Time).gives_way(2))
            .column(models_column()),
    )
    .order("cost_usd", Order::Descending)
    .order("last_active", Order::Descending)
}

fn transcripts() -> Report {
    Report::new(
        "transcripts",
        "Cost per transcript",
        include_str!("reports/transcripts.sql"),
    )
    .description("The project, the model and the cost of each transcript, which counts what other transcripts repeat.")
    .column(ReportColumn::new(Report::SESSION_COLUMN, "Session", Unit::Text))
    .column(ReportColumn::new("project", "Project", Unit::Text).gives_way(1))
    .column(ReportColumn::new("model", "Model", Unit::Text).gives_way(2))
    .column(ReportColumn::new("cost_usd", "Cost", Unit::Usd))
    .order("cost_usd", Order::Descending)
    .of_sessions()
}

fn blocks() -> Report {
    let report = Report::new(
        "blocks",
        "Cost per block of five hours",
        of_responses(include_str!("reports/blocks.sql")),
    );
    with_usage(
        report
            .description(
                "Tokens and cost of each block of five hours, with the burn rate and the projection of the open one.",
            )
            .column(ReportColumn::new("began", "Began", Unit::Time))
            .column(ReportColumn::new("ends", "Ends", Unit::Time).gives_way(8))
            .column(ReportColumn::new("status", "Status", Unit::Text).gives_way(3))
            .column(ReportColumn::new("user", "User", Unit::Text).gives_way(4))
            .column(models_column()),
    )
    .column(
        ReportColumn::new("tokens_per_minute", "Tokens/min", Unit::Tokens)
            .without_sum()
            .gives_way(5),
    )
    .column(
        ReportColumn::new("cost_per_hour", "Cost/h", Unit::Usd)
            .without_sum()
            .gives_way(2),
    )
    .column(
        ReportColumn::new("projected_cost", "Projected", Unit::Usd)
            .without_sum()
            .gives_way(1),
    )
    .order("began", Order::Ascending)
    .order("user", Order::Ascending)
    .chart(Chart::bars("began", "cost_usd"))
}

/// A report on the groups of responses with the same value of an expression.
fn of_groups(name: &str, title: &str, description: &str, group: &str, column: ReportColumn) -> Report {
    let named = format!("{group} AS \"{}\"", column.name());
    let select = include_str!("reports/groups.sql").replace("{group}", &named);
    let chart = Chart::bars(column.name(), "cost_usd");
    let report = Report::new(name, title, of_responses(&select))
        .description(description)
        .column(column)
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(5),
        );
    with_usage(report)
        .column(ReportColumn::new("last_active", "Last active", Unit::Time).gives_way(7))
        .order("cost_usd", Order::Descending)
        .chart(chart)
}

fn projects() -> Report {
    of_groups(
        "projects",
        "Cost per project",
        "Tokens and cost of each project, the most expensive first.",
        "project",
        ReportColumn::new("project", "Project", Unit::Text),
    )
}

fn models() -> Report {
    of_groups(
        "models",
        "Cost per model",
        "Tokens and cost of each model, the most expensive first.",
        "coalesce(model, '(none)')",
        ReportColumn::new("model", "Model", Unit::Text),
    )
    .overview(20)
}

fn users() -> Report {
    of_groups(
        "users",
        "Cost per user",
        "Tokens and cost of each user, the most expensive first.",
        "username",
        ReportColumn::new("user", "User", Unit::Text),
    )
}

/// The columns of all reports on invocations.
fn with_calls(report: Report) -> Report {
    report
        .column(ReportColumn::new("calls", "Calls", Unit::Count))
        .column(ReportColumn::new("errors", "Errors", Unit::Count).gives_way(1))
        .column(ReportColumn::new("error_rate", "Error rate", Unit::Percent))
        .column(
            ReportColumn::new("users", "Users", Unit::Count)
                .without_sum()
                .gives_way(3),
        )
        .column(
            ReportColumn::new("sessions", "Sessions", Unit::Count)
                .without_sum()
                .gives_way(2),
        )
        .order("calls", Order::Descending)
}

/// A report on what people and models call. Each column has its expression; `condition` chooses the invocations.
fn of_calls<const N: usize>(
    name: &str,
    title: &str,
    description: &str,
    condition: &str,
    columns: [(&str, ReportColumn); N],
) -> Report {
    let called = columns
        .each_ref()
        .map(|(sql, column)| format!("{sql} AS \"{}\"", column.name()));
    let select = include_str!("reports/calls.sql")
        .replace("{called}", &called.join(", "))
        .replace("{condition}", condition);
    let first = columns.first().map(|(_, column)| column.name().to_owned());
    let report = Report::new(name, title, of_invocations(&select)).description(description);
    let report = columns
        .into_iter()
        .fold(report, |report, (_, column)| report.column(column));
    let report = with_calls(report);
    match first {
        Some(first) => report
            .order(first.clone(), Order::Ascending)
            .chart(Chart::bars(first, "calls")),
        None => report,
    }
}

fn tools() -> Report {
    of_calls(
        "tools",
        "Tools",
        "How often each tool is called, and how often it fails.",
        "tool_name IS NOT NULL",
        [("tool_name", ReportColumn::new("tool", "Tool", Unit::Text))],
    )
}

fn skills() -> Report {
    of_calls(
        "skills",
        "Skills",
        "How often each skill is used.",
        "skill_name IS NOT NULL",
        [
            ("skill_name", ReportColumn::new("skill", "Skill", Unit::Text)),
            ("source", ReportColumn::new("source", "Source", Unit::Text).gives_way(4)),
        ],
    )
}

fn commands() -> Report {
    of_calls(
        "commands",
        "Slash commands",
        "How often people type each slash command.",
        "event_type = 'slash_command'",
        [
            (
                "'/' || command_name",
                ReportColumn::new("command", "Command", Unit::Text),
            ),
            ("source", ReportColumn::new("source", "Source", Unit::Text).gives_way(4)),
        ],
    )
}

fn mcp() -> Report {
    of_calls(
        "mcp",
        "MCP servers",
        "How often each tool of an MCP server is called, and how often it fails.",
        "event_type = 'mcp_call'",
        [
            (
                "regexp_extract(tool_name, '^mcp__(.+?)__', 1)",
                ReportColumn::new("server", "Server", Unit::Text),
            ),
            (
                "regexp_replace(tool_name, '^mcp__.+?__', '')",
                ReportColumn::new("tool", "Tool", Unit::Text),
            ),
        ],
    )
}

fn subagents() -> Report {
    of_calls(
        "subagents",
        "Subagents",
        "How often each kind of subagent is started.",
        "event_type = 'subagent'",
        [
            (
                "coalesce(subagent_type, '(none)')",
                ReportColumn::new("subagent", "Subagent", Unit::Text),
            ),
            ("source", ReportColumn::new("source", "Source", Unit::Text).gives_way(4)),
        ],
    )
}

fn marketplace() -> Report {
    let select = of_invocations(include_str!("reports/marketplace.sql"));
    let report = Report::new("marketplace", "Marketplace items", select)
        .description("How often people use the skills and agents of curated plugins and of the flea market.")
        .column(ReportColumn::new("source", "Source", Unit::Text).gives_way(4))
        .column(ReportColumn::new("type", "Type", Unit::Text).gives_way(5))
        .column(ReportColumn::new("plugin", "Plugin", Unit::Text))
        .column(ReportColumn::new("name", "Name", Unit::Text));
    with_calls(report)
}
