//! Delivers alerts to the webhook. What it does not take is sent again later, for a day.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use super::{evaluation::Alerts, webhook::Webhook};
use crate::{
    clock,
    config::{ConfigError, WebhookSettings},
    host::Host,
    metrics::DeliveryOutcome,
    state::{AlertRecord, StateError},
};

/// How long after it fired an alert is sent, in microseconds: a day.
const SENT_FOR: i64 = 24 * 3600 * 1_000_000;

/// The longest pause after rounds that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The webhook, and when it is asked next.
#[derive(Debug)]
pub(super) struct Delivery {
    webhook: Webhook,
    pace: Mutex<Pace>,
}

/// The pauses between rounds double while they fail.
#[derive(Debug, Default)]
struct Pace {
    failures: u32,
    not_before: Option<Instant>,
}

impl Delivery {
    pub(super) fn new(settings: &WebhookSettings) -> Result<Self, ConfigError> {
        Ok(Self {
            webhook: Webhook::new(settings)?,
            pace: Mutex::default(),
        })
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self) -> bool {
        self.pace().not_before.is_none_or(|moment| Instant::now() >= moment)
    }

    fn note(&self, has_failed: bool, pause: Duration) {
        let mut pace = self.pace();
        *pace = match has_failed {
            false => Pace::default(),
            true => Pace {
                failures: pace.failures.saturating_add(1),
                not_before: Some(Instant::now() + pause.saturating_mul(1 << pace.failures.min(10)).min(LONGEST_PAUSE)),
            },
        };
    }
}

impl Alerts {
    /// Sends the alerts that the webhook has yet to take, unless it failed a moment ago. Waits for the webhook.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub fn deliver(&self, host: &Host) -> Result<(), StateError> {
        let Some(delivery) = self.delivery.as_ref().filter(|delivery| delivery.is_due()) else {
            return Ok(());
        };
        let mut waiting = undelivered(host)?;
        let mut trouble = None;
        let mut place = 0;
        while let Some(alert) = waiting.get(place) {
            let taken = delivery.webhook.deliver(alert);
            let outcome = match taken {
                Ok(()) => DeliveryOutcome::Delivered,
                Err(_) => DeliveryOutcome::Failed,
            };
            host.metrics().alerts().count_delivery(outcome);
            match taken {
                Ok(()) => {
                    host.state().alert_delivered(&alert.key, clock::now())?;
                    waiting.remove(place);
                }
                Err(error) => {
                    tracing::warn!(
                        alert = alert.key,
                        "the webhook has not taken an alert: {error}; the host sends it again for a day"
                    );
                    trouble = Some(error.to_string());
                    if error.is_passing() {
                        break;
                    }
                    place += 1;
                }
            }
        }
        delivery.note(trouble.is_some(), self.settings.check);
        host.metrics().alerts().set_undelivered(waiting.len());
        self.board.set_undelivered(waiting.len(), trouble);
        Ok(())
    }
}

/// The alerts of the last day that the webhook has yet to take, the earliest first.
fn undelivered(host: &Host) -> Result<Vec<AlertRecord>, StateError> {
    let since = Timestamp::from_micros(clock::now().as_micros().saturating_sub(SENT_FOR));
    let mut alerts = host.state().reader()?.alerts()?.alerts;
    alerts.retain(|alert| alert.delivered_at.is_none() && alert.fired_at > since);
    Ok(alerts)
}
