//! The section `[alerts]`: what the host alerts of, and the webhook that takes the alerts.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use hyper::Uri;
use serde::{Deserialize, Serialize};

use super::{ConfigError, secret_file};

/// The section as written; every key is optional.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsTable {
    /// What all users together may spend on a day.
    pub daily_budget_usd: Option<f64>,
    /// What all users together may spend in a week.
    pub weekly_budget_usd: Option<f64>,
    /// What all users together may spend in a month.
    pub monthly_budget_usd: Option<f64>,
    /// What each user may spend on a day.
    pub user_daily_budget_usd: Option<f64>,
    /// What each user may spend in a week.
    pub user_weekly_budget_usd: Option<f64>,
    /// What each user may spend in a month.
    pub user_monthly_budget_usd: Option<f64>,
    /// What may be spent on each project on a day.
    pub project_daily_budget_usd: Option<f64>,
    /// What may be spent on each project in a week.
    pub project_weekly_budget_usd: Option<f64>,
    /// What may be spent on each project in a month.
    pub project_monthly_budget_usd: Option<f64>,
    /// Whether a secret that no earlier alert told of is an alert.
    pub new_secret: Option<bool>,
    /// Whether a processor that fails is an alert.
    pub failing_processor: Option<bool>,
    /// How often the service looks for alerts, in seconds.
    pub check_seconds: Option<u64>,
    /// The address that takes the alerts.
    pub webhook_url: Option<String>,
    /// The file with the secret that signs what the webhook takes.
    pub webhook_secret_file: Option<PathBuf>,
}

/// How often the service looks for alerts by default, in seconds.
const CHECK_SECONDS: u64 = 60;

impl AlertsTable {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The table, whose relative paths begin at this folder.
    pub(super) fn below(self, folder: &Path) -> Self {
        Self {
            webhook_secret_file: self.webhook_secret_file.map(|path| folder.join(path)),
            ..self
        }
    }
}

/// A span of time with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Daily,
    /// A week.
    Weekly,
    /// A month.
    Monthly,
}

impl Period {
    /// All periods.
    pub const ALL: [Self; 3] = [Self::Daily, Self::Weekly, Self::Monthly];

    /// The period in one word, as the keys have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

/// The budgets of one period, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budgets {
    /// Of all users together.
    pub all: Option<f64>,
    /// Of each user.
    pub user: Option<f64>,
    /// Of each project.
    pub project: Option<f64>,
}

/// What the host alerts of.
#[derive(Clone, Debug)]
pub struct AlertSettings {
    /// The budgets of a day.
    pub daily: Budgets,
    /// The budgets of a week.
    pub weekly: Budgets,
    /// The budgets of a month.
    pub monthly: Budgets,
    /// Whether a new secret is an alert.
    pub new_secret: bool,
    /// Whether a processor that fails is an alert.
    pub failing_processor: bool,
    /// How often the service looks for alerts.
    pub check: Duration,
    /// The webhook.
    pub webhook: Option<WebhookSettings>,
}

/// A webhook. Its address may contain a secret, so it is never shown.
#[derive(Clone)]
pub struct WebhookSettings {
    /// The address.
    pub url: String,
    secret_file: Option<PathBuf>,
    file: PathBuf,
}

impl fmt::Debug for WebhookSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSettings(..)")
    }
}

impl AlertSettings {
    /// The checked settings of the section in this file.
    ///
    /// # Errors
    /// When a value is invalid.
    pub(super) fn new(table: AlertsTable, file: &Path) -> Result<Self, ConfigError> {
        let checked = |budget, key| checked(budget, key, file);
        let of = |all: (Option<f64>, _), user: (Option<f64>, _), project: (Option<f64>, _)| {
            Ok(Budgets {
                all: checked(all.0, all.1)?,
                user: checked(user.0, user.1)?,
                project: checked(project.0, project.1)?,
            })
        };
        let daily = of(
            (table.daily_budget_usd, "daily_budget_usd"),
            (table.user_daily_budget_usd, "user_daily_budget_usd"),
            (table.project_daily_budget_usd, "project_daily_budget_usd"),
        )?;
        let weekly = of(
            (table.weekly_budget_usd, "weekly_budget_usd"),
            (table.user_weekly_budget_usd, "user_weekly_budget_usd"),
            (table.project_weekly_budget_usd, "project_weekly_budget_usd"),
        )?;
        let monthly = of(
            (table.monthly_budget_usd, "monthly_budget_usd"),
            (table.user_monthly_budget_usd, "user_monthly_budget_usd"),
            (table.project_monthly_budget_usd, "project_monthly_budget_usd"),
        )?;
        let check = table.check_seconds.unwrap_or(CHECK_SECONDS);
        if check == 0 {
            return Err(invalid(file, "check_seconds", "0 is no interval: write at least 1"));
        }
        Ok(Self {
            daily,
            weekly,
            monthly,
            new_secret: table.new_secret.unwrap_or(false),
            failing_processor: table.failing_processor.unwrap_or(false),
            check: Duration::from_secs(check),
            webhook: webhook(table.webhook_url, table.webhook_secret_file, file)?,
        })
    }

    /// The budgets of a period.
    #[must_use]
    pub fn budgets(&self, period: Period) -> Budgets {
        match period {
            Period::Daily => self.daily,
            Period::Weekly => self.weekly,
            Period::Monthly => self.monthly,
        }
    }
}

impl WebhookSettings {
    /// The secret that signs what the webhook takes; `None` if none is configured.
    ///
    /// # Errors
    /// When its file cannot be read, others may read it, or it is empty.
    pub fn secret(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        /// Far longer than any secret.
        const LONGEST: u64 = 4 << 10;
        let Some(path) = &self.secret_file else {
            return Ok(None);
        };
        let refused = |reason: String| {
            let reason = format!("the file {} cannot be used: {reason}", path.display());
            invalid(&self.file, "webhook_secret_file", reason)
        };
        let text = secret_file::read(path, LONGEST).map_err(refused)?;
        match text.trim() {
            "" => Err(refused(
                "it is empty; create a secret with `openssl rand -hex 32`".to_owned(),
            )),
            secret => Ok(Some(secret.as_bytes().to_vec())),
        }
    }
}

fn checked(budget: Option<f64>, key: &'static str, file: &Path) -> Result<Option<f64>, ConfigError> {
    match budget {
        Some(usd) if !usd.is_finite() || usd < 0.0 => {
            let reason = format!("{usd} is no budget: write an amount of US dollars such as 50.0, or remove the key");
            Err(invalid(file, key, reason))
        }
        budget => Ok(budget),
    }
}

fn webhook(
    url: Option<String>,
    secret_file: Option<PathBuf>,
    file: &Path,
) -> Result<Option<WebhookSettings>, ConfigError> {
    match (url, secret_file) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let reason = "there is no webhook to sign for: set webhook_url, or remove the key";
            Err(invalid(file, "webhook_secret_file", reason))
        }
        (Some(url), _) if !is_http(&url) => {
            let reason = "it is no http or https address: write one such as \"https://hooks.example.com/alerts\"";
            Err(invalid(file, "webhook_url", reason))
        }
        (Some(url), secret_file) => Ok(Some(WebhookSettings {
            url,
            secret_file,
            file: file.to_owned(),
        })),
    }
}

fn is_http(url: &str) -> bool {
    let parsed: Option<Uri> = url.parse().ok();
    parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

fn invalid(file: &Path, key: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Alerts {
        path: file.to_owned(),
        key,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> Result<AlertSettings, String> {
        let table: AlertsTable = toml::from_str(toml).map_err(|error| error.to_string())?;
        AlertSettings::new(table, Path::new("/etc/c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_budget_may_be_a_whole_number() {
        let settings = settings("user_weekly_budget_usd = 7\ndaily_budget_usd = 0.5").unwrap();
        assert_eq!(settings.budgets(Period::Weekly).user, Some(7.0));
        assert_eq!(settings.budgets(Period::Daily).all, Some(0.5));
        assert_eq!(settings.budgets(Period::Monthly), Budgets::default());
        assert!(!settings.new_secret && settings.webhook.is_none());
    }

    #[test]
    fn the_reference_has_every_key() {
        let reference = include_str!("../../../docs/reference.md");
        let (_, section) = reference.split_once("\n### Alerts\n").unwrap();
        let (section, _) = section.split_once("\n### ").unwrap();
        // The complaint about an unknown key names all keys.
        let complaint = toml::from_str::<AlertsTable>("none = 1").unwrap_err().to_string();
        let (_, known) = complaint.split_once("expected one of ").unwrap();
        let keys: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(keys.len(), 14, "{complaint}");
        for key in keys {
            assert!(section.contains(&format!("`{key}`")), "no entry for {key}");
        }
    }

    #[test]
    fn an_invalid_value_is_named_with_its_file_its_section_its_key_and_a_remedy() {
        for (toml, told) in [
            (
                "daily_budget_usd = -1.0",
                "/etc/c.toml: daily_budget_usd in [alerts]: -1 is no budget: write",
            ),
            (
                "project_monthly_budget_usd = nan",
                "project_monthly_budget_usd in [alerts]: NaN",
            ),
            (
                "check_seconds = 0",
                "check_seconds in [alerts]: 0 is no interval: write at least 1",
            ),
            (
                "webhook_url = \"ftp://a/b\"",
                "webhook_url in [alerts]: it is no http or https address",
            ),
            ("webhook_url = \"hooks/a\"", "webhook_url in [alerts]: it is no http"),
            (
                "webhook_secret_file = \"a\"",
                "webhook_secret_file in [alerts]: there is no webhook to sign for",
            ),
        ] {
            let error = settings(toml).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_named_and_an_address_is_never_shown() {
        let toml = "webhook_url = \"https://a.example/T0KEN\"\nwebhook_secret_file = \"/nowhere/secret\"";
        let settings = settings(toml).unwrap();
        assert!(!format!("{settings:?}").contains("T0KEN"));
        let error = settings.webhook.unwrap().secret().unwrap_err().to_string();
        let told = "/etc/c.toml: webhook_secret_file in [alerts]: the file /nowhere/secret cannot be used";
        assert!(error.starts_with(told), "{error}");
    }
}
