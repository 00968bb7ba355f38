//! Evaluates the alerts.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use session_plugin_api::Timestamp;

use super::{
    board::Board,
    budgets,
    changes::{Secrets, Seen},
    condition::{Condition, Unknown},
    delivery::Delivery,
    periods::Days,
    processors, secrets,
};
use crate::{
    clock,
    config::{AlertSettings, ConfigError, Period, Settings},
    host::Host,
    plugins::Catalogue,
    state::{AlertChanges, AlertKind, AlertRecord, KnownSecrets, Reader, StateError},
};

/// The alerts that the operator asks for.
///
/// # Threads
/// One thread at a time evaluates, and another one delivers. Any thread reads the warnings, without waiting for either.
#[derive(Debug)]
pub struct Alerts {
    pub(super) settings: AlertSettings,
    figures: Mutex<Figures>,
    pub(super) board: Board,
    pub(super) delivery: Option<Delivery>,
}

/// What the reports told last. They are asked again when their answers may have changed.
#[derive(Debug, Default)]
struct Figures {
    /// The revision of the results, and the periods; `None` before the first time.
    of: Option<(u64, Vec<Days>)>,
    /// The plugins, which it keeps no longer than the host does.
    catalogue: Weak<Catalogue>,
    exceeded: Vec<Condition>,
    /// `None` if nobody asks for them or they cannot be found.
    secrets: Option<Vec<Condition>>,
    unknown: Vec<Unknown>,
    /// What the log has said of what cannot be evaluated.
    told: BTreeSet<String>,
}

impl Alerts {
    /// The alerts of these settings.
    ///
    /// # Errors
    /// When the secret of the webhook cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let settings = settings.alerts.clone();
        let delivery = settings.webhook.as_ref().map(Delivery::new).transpose()?;
        Ok(Self {
            settings,
            figures: Mutex::default(),
            board: Board::default(),
            delivery,
        })
    }

    /// Evaluates the alerts: records and logs those that fire, and records those that end. The reports are run only if
    /// their answers may have changed.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub fn evaluate(&self, host: &Host) -> Result<(), StateError> {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, reader) = (clock::now(), host.state().reader()?);
        figures.follow(&self.settings, host, &reader, now);
        let failing = match self.settings.failing_processor {
            true => processors::failing(host, &reader)?,
            false => Vec::new(),
        };
        let days = figures.of.as_ref().map_or(&[][..], |(_, days)| days);
        let seen = Seen {
            conditions: figures.exceeded.iter().chain(&failing).collect(),
            secrets: match (self.settings.new_secret, &figures.secrets) {
                (false, _) => Secrets::NotAsked,
                (true, None) => Secrets::Unknown,
                (true, Some(found)) => Secrets::Found(found),
            },
            unknown: figures.unknown.iter().collect(),
            days,
            now,
        };
        let mut recorded = reader.alerts()?;
        let changes = seen.changes(&recorded);
        if changes != AlertChanges::default() {
            host.state().change_alerts(&changes, now)?;
            recorded = reader.alerts()?;
            tell(host, &changes);
        }
        self.publish(host, &recorded.alerts, &figures.unknown);
        Ok(())
    }

    fn publish(&self, host: &Host, alerts: &[AlertRecord], unknown: &[Unknown]) {
        let active = || alerts.iter().filter(|alert| alert.is_active());
        for kind in AlertKind::ALL {
            let count = active().filter(|alert| alert.kind == kind).count();
            host.metrics().alerts().set_active(kind, count);
        }
        let unknown = unknown.iter().map(|unknown| unknown.text.as_str());
        self.board.put_up(active(), unknown);
    }

    /// What health warns of: the alerts that last, those that cannot be evaluated, and those that the webhook does not take.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.board.warnings()
    }
}

impl Figures {
    /// Runs the reports again if their answers may have changed.
    fn follow(&mut self, settings: &AlertSettings, host: &Host, reader: &Reader, now: Timestamp) {
        let zone = &host.settings().timezone;
        let days = Period::ALL.into_iter();
        let days: Vec<Days> = days
            .filter_map(|period| Days::at(now, period, zone, host.settings().week_start))
            .collect();
        let of = Some((host.revision(), days));
        let catalogue = Arc::downgrade(&host.catalogue());
        // What could not be evaluated is tried again each time.
        if self.of == of && self.catalogue.ptr_eq(&catalogue) && self.unknown.is_empty() {
            return;
        }
        (self.of, self.catalogue) = (of, catalogue);
        self.exceeded.clear();
        self.unknown.clear();
        for days in self.of.iter().flat_map(|(_, days)| days) {
            let (exceeded, unknown) = budgets::exceeded(host, reader, days, settings.budgets(days.period));
            self.exceeded.extend(exceeded);
            self.unknown.extend(unknown);
        }
        let found = settings.new_secret.then(|| secrets::found(host, reader)).transpose();
        self.secrets = found.map(Option::flatten).unwrap_or_else(|unknown| {
            self.unknown.push(unknown);
            None
        });
        self.tell_of_the_unknown();
    }

    /// Logs once what cannot be evaluated.
    fn tell_of_the_unknown(&mut self) {
        let texts: BTreeSet<String> = self.unknown.iter().map(|unknown| unknown.text.clone()).collect();
        for text in texts.difference(&self.told) {
            tracing::warn!("{text}");
        }
        self.told = texts;
    }
}

/// Logs and counts the alerts that fired or ended.
fn tell(host: &Host, changes: &AlertChanges) {
    for alert in &changes.fired {
        tracing::warn!(
            alert = alert.key,
            kind = alert.kind.as_str(),
            scope = alert.scope,
            period = alert.period,
            value_usd = alert.value_usd,
            budget_usd = alert.budget_usd,
            "alert: {}",
            alert.text
        );
        host.metrics().alerts().count_fired(alert.kind);
    }
    for alert in &changes.resolved {
        tracing::info!(alert, "the alert has ended");
    }
    if let KnownSecrets::Recorded(known) = &changes.known_secrets {
        let secrets = known.len();
        tracing::info!(
            secrets,
            "{secrets} secrets are known already: alerts tell of further ones"
        );
    }
}
