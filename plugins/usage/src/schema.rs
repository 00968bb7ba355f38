//! The processor's tables and views.

use session_plugin_api::Migration;

/// One row per use of a tool, a skill, a subagent, an MCP server or a slash command.
pub(crate) const USAGE_EVENTS: &str = "usage_events";
/// One row per session.
pub(crate) const USAGE_STORED_SESSIONS: &str = "usage_stored_sessions";
/// One row per response of the model.
pub(crate) const USAGE_STORED_MESSAGES: &str = "usage_stored_messages";

/// The price of each model in each period and mode.
pub(crate) const USAGE_PRICES: &str = "usage_prices";
/// The names of the models in the price list.
pub(crate) const USAGE_PRICE_NAMES: &str = "usage_price_names";
/// The factors that multiply prices.
pub(crate) const USAGE_PRICE_FACTORS: &str = "usage_price_factors";
/// Which cost of a response counts.
pub(crate) const USAGE_COST_SETTING: &str = "usage_cost_setting";

/// The migrations that create them.
pub(crate) fn migrations() -> Vec<Migration> {
    vec![
        Migration::new(1, "create tables and views", include_str!("schema/0001.sql")),
        Migration::new(2, "store what transcripts say", include_str!("schema/0002.sql")),
        Migration::new(3, "derive what responses cost", costs()),
        Migration::new(4, "name the projects of sessions", include_str!("schema/0004.sql")),
    ]
}

fn costs() -> String {
    let priced = |view: &str, messages: &str| {
        let sql = include_str!("schema/0003_priced_views.sql");
        sql.replace("PRICED", view).replace("MESSAGES", messages)
    };
    [
        include_str!("schema/0003_price_lookup.sql").to_owned(),
        priced("usage_messages", USAGE_STORED_MESSAGES),
        priced("usage_responses", "usage_distinct_messages"),
        include_str!("schema/0003_rollups.sql").to_owned(),
    ]
    .concat()
}
