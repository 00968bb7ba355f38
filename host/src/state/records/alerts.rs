//! The alerts that fired.

use duckdb::{Connection, Row, params};
use session_plugin_api::Timestamp;

use crate::state::{
    engine::sql::in_transaction,
    error::{Doing, Result},
};

/// What an alert tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// More was spent than a budget allows.
    Budget,
    /// A secret leaked.
    Secret,
    /// A processor fails.
    Processor,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Budget, Self::Secret, Self::Processor];

    /// The kind in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Secret => "secret",
            Self::Processor => "processor",
        }
    }
}

/// An alert that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    /// Names what it tells of: the kind, the scope and the period.
    pub key: String,
    /// The kind.
    pub kind: AlertKind,
    /// Whom or what it is about.
    pub scope: String,
    /// The user whom it is about, if it is about one.
    pub username: Option<String>,
    /// The first day of its period, or its month; only a budget has one.
    pub period: Option<String>,
    /// What was spent.
    pub value_usd: Option<f64>,
    /// The budget.
    pub budget_usd: Option<f64>,
    /// What happened, in one line.
    pub text: String,
    /// When it fired.
    pub fired_at: Timestamp,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// When the webhook took it.
    pub delivered_at: Option<Timestamp>,
}

impl AlertRecord {
    /// Whether what it tells of still lasts.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.resolved_at.is_none()
    }
}

/// The alerts that fired, and the secrets that no alert tells of.
#[derive(Clone, Debug, Default)]
pub struct RecordedAlerts {
    /// The alerts, the earliest first.
    pub alerts: Vec<AlertRecord>,
    /// The keys of the secrets that were known before anybody asked for alerts; `None` if nobody has asked for them.
    pub known_secrets: Option<Vec<String>>,
}

/// What is to be recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertChanges {
    /// The alerts that fire. Each replaces an earlier one with its key.
    pub fired: Vec<AlertRecord>,
    /// The keys of the alerts that end.
    pub resolved: Vec<String>,
    /// What becomes of the known secrets.
    pub known_secrets: KnownSecrets,
}

/// What becomes of the secrets that no alert tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KnownSecrets {
    /// Nothing.
    #[default]
    Kept,
    /// These secrets become known, by their keys.
    Recorded(Vec<String>),
    /// Nobody asks for alerts of secrets any more, so the next to ask begins anew.
    Ended,
}

/// The key of the row that says that somebody asked for alerts of secrets.
const ASKED: &str = "secret";

/// The kind of the rows of known secrets.
const KNOWN_SECRET: &str = "known_secret";

/// Everything that is recorded.
pub(crate) fn read(connection: &Connection) -> Result<RecordedAlerts> {
    let doing = "read the alerts";
    let sql = "SELECT key, kind, scope, username, period, value_usd, budget_usd, text, system.main.epoch_us(fired_at),
                      system.main.epoch_us(resolved_at), system.main.epoch_us(delivered_at)
               FROM alert WHERE kind <> ? ORDER BY fired_at, key";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([KNOWN_SECRET], record);
    let alerts: Vec<Option<AlertRecord>> = rows.and_then(Iterator::collect).doing(doing)?;
    let known = known_secrets(connection)?;
    Ok(RecordedAlerts {
        alerts: alerts.into_iter().flatten().collect(),
        known_secrets: known.iter().any(|key| key == ASKED).then_some(known),
    })
}

/// An alert; `None` if its kind is unknown.
fn record(row: &Row<'_>) -> duckdb::Result<Option<AlertRecord>> {
    let kind: String = row.get(1)?;
    let Some(kind) = AlertKind::ALL.into_iter().find(|known| known.as_str() == kind) else {
        return Ok(None);
    };
    let time = |column| Ok::<_, duckdb::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(Some(AlertRecord {
        key: row.get(0)?,
        kind,
        scope: row.get(2)?,
        username: row.get(3)?,
        period: row.get(4)?,
        value_usd: row.get(5)?,
        budget_usd: row.get(6)?,
        text: row.get(7)?,
        fired_at: Timestamp::from_micros(row.get(8)?),
        resolved_at: time(9)?,
        delivered_at: time(10)?,
    }))
}

fn known_secrets(connection: &Connection) -> Result<Vec<String>> {
    let doing = "read the known secrets";
    let mut statement = connection
        .prepare("SELECT key FROM alert WHERE kind = ?")
        .doing(doing)?;
    let rows = statement.query_map([KNOWN_SECRET], |row| row.get(0));
    rows.and_then(Iterator::collect).doing(doing)
}

/// Records what alerts tell, all of it or nothing.
pub(crate) fn change(connection: &Connection, changes: &AlertChanges, now: Timestamp) -> Result<()> {
    let doing = "record the alerts";
    in_transaction(connection, doing, |connection| {
        for alert in &changes.fired {
            fire(connection, alert)?;
        }
        let sql = "UPDATE alert SET resolved_at = system.main.make_timestamp(?) WHERE key = ?";
        for key in &changes.resolved {
            connection.execute(sql, params![now.as_micros(), key]).doing(doing)?;
        }
        match &changes.known_secrets {
            KnownSecrets::Kept => Ok(()),
            KnownSecrets::Recorded(keys) => know(connection, keys, now),
            KnownSecrets::Ended => {
                let sql = "DELETE FROM alert WHERE kind = ? AND key = ?";
                connection.execute(sql, [KNOWN_SECRET, ASKED]).map(drop).doing(doing)
            }
        }
    })
}

fn fire(connection: &Connection, alert: &AlertRecord) -> Result<()> {
    let sql = "INSERT INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, system.main.make_timestamp(?), NULL, NULL)
               ON CONFLICT (key) DO UPDATE SET
                   kind = excluded.kind, scope = excluded.scope, username = excluded.username, period = excluded.period,
                   value_usd = excluded.value_usd, budget_usd = excluded.budget_usd, text = excluded.text,
                   fired_at = excluded.fired_at, resolved_at = NULL, delivered_at = NULL";
    let parameters = params![
        alert.key,
        alert.kind.as_str(),
        alert.scope,
        alert.username,
        alert.period,
        alert.value_usd,
        alert.budget_usd,
        alert.text,
        alert.fired_at.as_micros(),
    ];
    connection.execute(sql, parameters).map(drop).doing("record an alert")
}

/// Records secrets that no alert tells of, and that somebody asked for alerts of secrets.
fn know(connection: &Connection, keys: &[String], now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO alert (key, kind, scope, text, fired_at, resolved_at)
               VALUES (?1, ?2, '', '', system.main.make_timestamp(?3), system.main.make_timestamp(?3))
               ON CONFLICT DO NOTHING";
    let doing = "record the known secrets";
    let mut statement = connection.prepare(sql).doing(doing)?;
    for key in keys.iter().map(String::as_str).chain([ASKED]) {
        statement
            .execute(params![key, KNOWN_SECRET, now.as_micros()])
            .doing(doing)?;
    }
    Ok(())
}

/// Records that the webhook took an alert.
pub(crate) fn deliver(connection: &Connection, key: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE alert SET delivered_at = system.main.make_timestamp(?) WHERE key = ?";
    let delivered = connection.execute(sql, params![now.as_micros(), key]);
    delivered.map(drop).doing("record that the webhook took an alert")
}

/// Removes the alerts about these users.
pub(crate) fn forget(connection: &Connection, users: &[String]) -> Result<()> {
    let sql = "DELETE FROM alert WHERE username = ?";
    users.iter().try_for_each(|user| {
        let removed = connection.execute(sql, [user]);
        removed.map(drop).doing("remove a subject from the alerts")
    })
}
