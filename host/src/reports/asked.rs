//! What a report is asked for: the flags of the command, and the parameters of the route.

use serde::{Deserialize, Serialize};
use session_plugin_api::{Order, Timestamp};

use super::{error::ReportError, last_days::last_days};
use crate::{clock, config::Settings, dates, state::ReportParameters, zone::Zone};

/// What a report is asked for, as people write it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AskedReport {
    /// The first day of the time zone, or a time.
    pub since: Option<String>,
    /// The last day of the time zone, or a time before which it ends.
    pub until: Option<String>,
    /// The last days instead, such as `7d`.
    pub last: Option<String>,
    /// The time zone.
    pub timezone: Option<String>,
    /// The only user.
    pub username: Option<String>,
    /// The only project.
    pub project: Option<String>,
    /// The column to sort by, with `:desc` for the largest value first.
    pub order: Option<String>,
    /// The maximum number of rows.
    pub limit: Option<usize>,
}

impl AskedReport {
    /// The values of the parameters.
    ///
    /// # Errors
    /// When a date or the time zone is invalid.
    pub(super) fn parameters(&self, settings: &Settings) -> Result<ReportParameters, ReportError> {
        let now = clock::now();
        let zone: Zone = match &self.timezone {
            Some(name) => name.parse()?,
            None => settings.timezone.clone(),
        };
        let (since, until) = self.span(&zone, now)?;
        Ok(ReportParameters {
            since,
            until,
            username: self.username.clone(),
            project: self.project.clone(),
            zone,
            week_start: settings.week_start,
            now,
        })
    }

    fn span(&self, zone: &Zone, now: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>), ReportError> {
        if let Some(last) = &self.last {
            if self.since.is_some() || self.until.is_some() {
                return Err(ReportError::LastAndDates);
            }
            let (since, until) = last_days(last, zone, now)?;
            return Ok((Some(since), Some(until)));
        }
        let beginning = |text| dates::beginning_in(text, zone.rules());
        let end = |text| dates::end_in(text, zone.rules());
        let since = self.since.as_deref().map(beginning).transpose()?;
        let until = self.until.as_deref().map(end).transpose()?;
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(ReportError::Backwards {
                since: self.since.clone().unwrap_or_default(),
                until: self.until.clone().unwrap_or_default(),
            });
        }
        Ok((since, until))
    }

    /// The column to sort by, and the direction.
    pub(super) fn sorted_by(&self) -> Option<(&str, Order)> {
        let order = self.order.as_deref()?;
        Some(match order.rsplit_once(':') {
            Some((column, "desc")) => (column, Order::Descending),
            Some((column, "asc")) => (column, Order::Ascending),
            _ => (order, Order::Ascending),
        })
    }
}
